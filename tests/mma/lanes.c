/* lanes: the functions of kernels/mma.cl, run by one item after the other. What the items of a warp do together is done
 * when all of them have come: ldmatrix gives what it reads when the items come a second time, and the products are noted
 * and made at the end. Where an element lies in its tile says kir.h. */
#include "kir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned uint;
typedef unsigned short ushort;
typedef struct uint4 {
    uint x, y, z, w;
} uint4;

#define __local
#define fma       fmaf
#define mma_ptx() 1
#define ITEMS     256
#define CALLS     512 /* of an item */

static float as_float(uint x) {
    float f;
    memcpy(&f, &x, sizeof(f));
    return f;
}

static uint as_uint(float f) {
    uint x;
    memcpy(&x, &f, sizeof(x));
    return x;
}

static int item, reads, products, wrong;
static bool again;
static const float *from[ITEMS][CALLS];
static struct {
    float *c;
    uint a[4], b[2];
    bool first, bf16, pairs;
} noted[ITEMS][CALLS];

static void check(bool good, const char *what) {
    if (!good && wrong++ < 10) printf("FAIL: %s, item %d\n", what, item);
}

/* Four matrices of 8 rows of 16 bytes: the items 8 m on say where those of matrix m are, and item i gets word i % 4 of
 * row i / 4 of each. */
static void mma_ldmatrix(uint *v, const float *at) {
    const int warp = item / 32 * 32;
    from[item][reads] = at;
    for (int m = 0; again && m < 4; m++) {
        uint banks = 0;
        for (int row = 0; row < 8; row++)
            banks |= 1u << (uintptr_t)from[warp + 8 * m + row][reads] / 16 % 8;
        check(banks == 0xff, "rows of a matrix in the same bank");
        v[m] = as_uint(from[warp + 8 * m + item % 32 / 4][reads][item % 4]);
    }
    reads++;
}

static void note(float *c, const uint *a, int lefts, const uint *b, int rights, bool first) {
    noted[item][products].c = c;
    memcpy(noted[item][products].a, a, lefts * sizeof(*a));
    memcpy(noted[item][products].b, b, rights * sizeof(*b));
    noted[item][products].first = first;
    noted[item][products++].bf16 = rights == 1;
}

static void mma_tf32(float *c, const uint *a, const uint *b) {
    note(c, a, 4, b, 2, false);
}

static void mma_tf32_first(float *c, const uint *a, const uint *b) {
    note(c, a, 4, b, 2, true);
}

static void mma_bf16(float *c, const uint *a, uint b) {
    note(c, a, 2, &b, 1, false);
}

static void mma_bf16_pairs(float *c, const uint *a, const uint *b) {
    note(c, a, 4, b, 2, false);
    noted[item][products - 1].pairs = true;
}

static uint to_bf16(uint x) {
    return (x + 0x7fff + (x >> 16 & 1)) >> 16;
}

static uint mma_pair(uint first, uint second) {
    return to_bf16(first) | to_bf16(second) << 16;
}

#include "mma.h"

/* The number of bf16 that is the first or second half of a word. */
static float half_of(uint word, int second) {
    return as_float(second ? word & 0xffff0000 : word << 16);
}

/* Row (or column) and place along what is contracted of the words that an item has: of the left operand rows l / 4 and 8
 * more, of the right one column l / 4; in tf32 the places l % 4, then 4 more; in bf16 two from 2 (l % 4) on a word, and in
 * pairs 8 more. */
static void units(int warp, int call) {
    float a[16][16] = {{0}}, b[16][8] = {{0}};
    const bool bf16 = noted[warp][call].bf16, pairs = noted[warp][call].pairs;
    for (int l = 0; l < 32; l++) {
        const uint *x = noted[warp + l][call].a, *y = noted[warp + l][call].b;
        for (int i = 0; i < 8 && pairs; i++) {
            a[l / 4 + i / 2 % 2 * 8][2 * (l % 4) + i % 2 + i / 4 * 8] = half_of(x[i / 2], i % 2);
            if (i < 4) b[2 * (l % 4) + i % 2 + i / 2 * 8][l / 4] = half_of(y[i / 2], i % 2);
        }
        for (int i = 0; i < 4 && !pairs; i++) {
            if (bf16)
                a[l / 4 + i / 2 * 8][2 * (l % 4) + i % 2] = half_of(x[i / 2], i % 2);
            else
                a[l / 4 + i % 2 * 8][l % 4 + i / 2 * 4] = as_float(x[i] & 0xffffe000);
        }
        for (int i = 0; i < 2 && !pairs; i++) {
            if (bf16)
                b[2 * (l % 4) + i][l / 4] = half_of(y[0], i);
            else
                b[l % 4 + 4 * i][l / 4] = as_float(y[i] & 0xffffe000);
        }
    }
    for (int l = 0; l < 32; l++) {
        for (int i = 0; i < 4; i++) {
            float *c = noted[warp + l][call].c + i;
            double sum = noted[warp + l][call].first ? 0 : *c;
            for (int k = 0; k < 16; k++)
                sum += (double)a[l / 4 + i / 2 * 8][k] * b[k][2 * (l % 4) + i % 2];
            *c = (float)sum;
        }
    }
}

static float tiles[2][256 * MATRIX_STEP] __attribute__((aligned(128)));
static ushort *const pairs[] = {(ushort *)tiles[0], (ushort *)tiles[1]};
static float values[2][256][2 * MATRIX_STEP], sums[ITEMS][256], out[PART_ROWS * PART_COLUMNS];
static uint sets[ITEMS][32];

static void run(const KMatrix *m) {
    const int lines[2] = {m->rows * PART_ROWS, m->columns * PART_COLUMNS};
    const int own = m->rows * m->columns * 32, each = matrix_each(m), places = each * MATRIX_STEP;
    /* Whole numbers, which all have; of 3xTF32 with a little more or less, so that its second halves reach 2^-7, and 8
     * products of these do not count. */
    const double little = m->precision == PRECISION_3XTF32 ? ldexp(1, -14) : 0;
    for (int which = 0; which < 2; which++) {
        for (int line = 0; line < lines[which]; line++) {
            for (int k = 0; k < places; k++) {
                float x = (float)(rand() % 15 - 7 + (rand() % 3 - 1) * little);
                const int at = matrix_at_of(m->along[which], lines[which], each, line, k);
                values[which][line][k] = x;
                if (each == 2)
                    pairs[which][at] = (ushort)to_bf16(as_uint(x));
                else
                    tiles[which][at] = x;
            }
        }
    }
    memset(sums, 0, sizeof(sums));
    memset(noted, 0, sizeof(noted));
    for (int pass = 0; pass < 2; pass++) {
        again = pass == 1;
        for (item = 0; item < ITEMS; item++) {
            reads = products = 0;
            if (each == 2)
                mma_fetch_pairs(sums[item], sets[item], pairs[0], pairs[1], m->rows, m->columns, 1,
                                item);
            else
                mma_fetch(sums[item], sets[item], tiles[0], tiles[1], m->rows, m->columns,
                          m->along[0], m->along[1], 1, item);
            if (each == 2)
                mma_product_ready_bf16(sums[item], sets[item], m->rows, m->columns);
            else if (m->ready)
                mma_product_ready_tf32(sums[item], sets[item], m->rows, m->columns);
            else if (m->precision == PRECISION_3XTF32)
                mma_product_3xtf32(sums[item], sets[item], m->rows, m->columns, 0xffffe000, 1, 0);
            else if (m->precision == PRECISION_TF32)
                mma_product_tf32(sums[item], sets[item], m->rows, m->columns);
            else
                mma_product_bf16(sums[item], sets[item], m->rows, m->columns);
        }
    }
    for (int warp = 0; warp < ITEMS; warp += 32) {
        for (int call = 0; call < products; call++) units(warp, call);
    }
    for (int part = 0; part < m->rows * m->columns; part++) {
        for (int i = 0; i < PART_ROWS * PART_COLUMNS; i++) out[i] = NAN;
        for (int l = 0; l < ITEMS; l++)
            mma_sums_out(out, sums[l] + (m->precision == PRECISION_3XTF32 ? own : 0), part,
                         m->along[0], m->along[1], l);
        for (int y = 0; y < PART_ROWS; y++) {
            for (int x = 0; x < PART_COLUMNS; x++) {
                const float *a = values[0][matrix_line(m->rows, part / m->columns, y)];
                const float *b = values[1][matrix_line(m->columns, part % m->columns, x)];
                double sum = 0;
                for (int k = 0; k < places; k++) sum += (double)a[k] * b[k];
                item = y * PART_COLUMNS + x;
                check(fabs(out[item] - sum) <= (little > 0 ? 0x1p-11 : 0), "another sum");
            }
        }
    }
}

int main(void) {
    static const int tile[][2] = {{1, 1}, {2, 1}, {2, 2}};
    for (int t = 0; t < 3; t++) {
        for (int precision = PRECISION_3XTF32; precision <= PRECISION_BF16; precision++) {
            for (int along = 0; along < 5; along++) { /* the last: what is ready */
                KMatrix m = {.rows = tile[t][0],
                             .columns = tile[t][1],
                             .along = {along & 1 || along == 4, along >> 1},
                             .precision = (Precision)precision,
                             .ready = along == 4};
                if (precision == PRECISION_3XTF32 && (m.columns == 2 || m.ready)) continue;
                int before = wrong;
                run(&m);
                if (wrong != before)
                    printf("in tiles of %d by %d, precision %d, along %d %d%s\n", m.rows, m.columns,
                           precision, m.along[0], m.along[1], m.ready ? ", ready" : "");
            }
        }
    }
    return wrong > 0;
}

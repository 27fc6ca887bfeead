// mma.cl: products of tiles in local memory, by matrix units where the compiler takes PTX, and elsewhere by the units for
// all arithmetic: the same sums in the same places. Groups have 256 items, which are 8 warps of 32: 2 below each other by
// 4 beside each other. A warp has `rows` by `columns` blocks of 32 by 32 results, and of these an item has 2 by 4 pieces of
// 4, as mma.sync has them: sums[(block * 2 + half) * 16 + quarter * 4 + i].
//
// A tile has 8 places along what is contracted. Of it an item fetches, of each block of 32 lines, 4 lines by the places
// l % 4 and 4 + l % 4: of an operand that lies along what is contracted every eighth line (l % 32 / 4 on), by ldmatrix, else
// 4 lines side by side (4 * (l % 32 / 4) on). A set is what it fetched of both operands: 8 of each block, those of the left
// one as [half of 16 lines][place][line], of the right one as [line][place]. The next set is fetched before one is multiplied,
// so that the units never wait for local memory.

//: mma_copy
// 4 numbers to local memory, or zeros, while the item goes on. Through the unit's own cache: past it copies take longer, even
// of what the next stages do not want.
static void mma_copy(__local float *to, const __global float *from, int inside) {
#if mma_ptx()
    __asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"((uint)(size_t)to), "l"(from),
                   "r"(inside ? 16 : 0)
                   : "memory");
#else
    for (int i = 0; i < 4; i++) to[i] = inside ? from[i] : 0.0f;
#endif
}
//: mma_copy_bf16
static void mma_copy_bf16(__local ushort *to, const __global ushort *from, int inside) {
#if mma_ptx()
    __asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"((uint)(size_t)to), "l"(from),
                   "r"(inside ? 16 : 0)
                   : "memory");
#else
    for (int i = 0; i < 8; i++) to[i] = inside ? from[i] : 0;
#endif
}
//: mma_mark
// Ends the copies of a step.
static void mma_mark(void) {
#if mma_ptx()
    __asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
//: mma_arrive
// Waits for those of all steps but the last `but`, a number as it is written.
#if mma_ptx()
#define mma_arrive(but) __asm volatile("cp.async.wait_group " #but ";" ::: "memory")
#else
#define mma_arrive(but)
#endif
//: mma_line
// Which line of a block of 32 an item's place 0 to 3 is, of eight items that have different ones.
static int mma_line(int along, int place, int item) {
    return along ? 8 * place + item : 4 * item + place;
}
//: mma_along
// Where the four places from 4 * four on of a line begin, in a tile that lies along what is contracted.
static int mma_along(int line, int four) {
    return line * 8 + (four ^ line / 4 % 2) * 4;
}
//: mma_beside
// Where a line is at a place along what is contracted, in a tile whose lines lie side by side.
static int mma_beside(int lines, int line, int step) {
    return step * lines + line / 32 * 32 + (line / 8 + step) % 4 * 8 + line % 8;
}
//: mma_ldmatrix
static void mma_ldmatrix(uint *v, const __local float *at) {
#if mma_ptx()
    __asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
                   : "r"((uint)(size_t)at)
                   : "memory");
#endif
}
//: mma_block
// What an item fetches of the block of 32 lines from `first` on.
__attribute__((always_inline)) static void mma_block(uint *v, const __local float *tile, int left, int along, int lines,
                                                     int first, int l) {
    const int eight = left ? l / 8 % 2 : l % 32 / 16, four = left ? l % 32 / 16 : l / 8 % 2;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        if (along) {
            mma_ldmatrix(v + 4 * i, tile + mma_along(first + 16 * i + 8 * eight + l % 8, four));
        } else {
            const uint4 x = *(const __local uint4 *)(tile + mma_beside(lines, first + l % 32 / 4 * 4, l % 4 + 4 * i));
            v[left ? 2 * i : i] = x.x;
            v[left ? 2 * i + 1 : i + 2] = x.y;
            v[left ? 2 * i + 4 : i + 4] = x.z;
            v[left ? 2 * i + 5 : i + 6] = x.w;
        }
    }
}
//: mma_f32
// What no matrix unit does: the item's sums of a block.
static void mma_f32(float *sums, const __local float *a, const __local float *b, int rows, int columns, int along_a,
                    int along_b, int row, int column, int l) {
    for (int i = 0; i < 32; i++) {
        const int y = row + mma_line(along_a, i / 16 * 2 + i / 2 % 2, l % 32 / 4);
        const int x = column + mma_line(along_b, i / 4 % 4, 2 * (l % 4) + i % 2);
        for (int k = 0; k < 8; k++) {
            const float p = a[along_a ? mma_along(y, k / 4) + k % 4 : mma_beside(rows, y, k)];
            const float q = b[along_b ? mma_along(x, k / 4) + k % 4 : mma_beside(columns, x, k)];
            sums[i] = fma(p, q, sums[i]);
        }
    }
}
//: mma_blocks
// What an item fetches of all its blocks.
__attribute__((always_inline)) static void mma_blocks(uint *set, const __local float *a, const __local float *b, int rows,
                                                      int columns, int along_a, int along_b, int row, int column, int l) {
#pragma unroll
    for (int q = 0; q < columns; q++)
        mma_block(set + (rows + q) * 8, b, 0, along_b, 128 * columns, column + 32 * q, l);
#pragma unroll
    for (int p = 0; p < rows; p++) mma_block(set + p * 8, a, 1, along_a, 64 * rows, row + 32 * p, l);
}
//: mma_fetch
// A set of the tiles at a and at b. Where there are no matrix units: adds their product, if it is wanted.
__attribute__((always_inline)) static void mma_fetch(float *sums, uint *set, const __local float *a,
                                                     const __local float *b, int rows, int columns, int along_a,
                                                     int along_b, int wanted, int l) {
    const int row = l / 32 % 2 * 32 * rows, column = l / 64 * 32 * columns;
#if mma_ptx()
    mma_blocks(set, a, b, rows, columns, along_a, along_b, row, column, l);
#else
    for (int p = 0; wanted && p < rows; p++) {
        for (int q = 0; q < columns; q++)
            mma_f32(sums + (p * columns + q) * 32, a, b, 64 * rows, 128 * columns, along_a, along_b, row + 32 * p,
                    column + 32 * q, l);
    }
#endif
}
//: mma_pairs_f32
// mma_f32() of lines that lie along what is contracted, 16 bf16 each.
static void mma_pairs_f32(float *sums, const __local ushort *a, const __local ushort *b, int row, int column, int l) {
    for (int i = 0; i < 32; i++) {
        const int y = row + mma_line(1, i / 16 * 2 + i / 2 % 2, l % 32 / 4);
        const int x = column + mma_line(1, i / 4 % 4, 2 * (l % 4) + i % 2);
        for (int k = 0; k < 16; k++) {
            const uint p = a[2 * mma_along(y, k / 8) + k % 8], q = b[2 * mma_along(x, k / 8) + k % 8];
            sums[i] = fma(as_float(p << 16), as_float(q << 16), sums[i]);
        }
    }
}
//: mma_fetch_pairs
// The same of tiles of bf16 that lie along what is contracted: two, one after the other, are a word of the set.
__attribute__((always_inline)) static void mma_fetch_pairs(float *sums, uint *set, const __local ushort *a,
                                                           const __local ushort *b, int rows, int columns, int wanted,
                                                           int l) {
    const int row = l / 32 % 2 * 32 * rows, column = l / 64 * 32 * columns;
#if mma_ptx()
    mma_blocks(set, (const __local float *)a, (const __local float *)b, rows, columns, 1, 1, row, column, l);
#else
    for (int p = 0; wanted && p < rows; p++) {
        for (int q = 0; q < columns; q++)
            mma_pairs_f32(sums + (p * columns + q) * 32, a, b, row + 32 * p, column + 32 * q, l);
    }
#endif
}
//: mma_sums_out
// The sums of one of the parts, as 64 rows of 128.
__attribute__((always_inline)) static void mma_sums_out(__local float *to, const float *sums, int part,
                                                        int along_a, int along_b, int l) {
    const int warp = l / 32, row = warp % 2 * 32, column = warp / 2 * 32;
#pragma unroll
    for (int i = 0; i < 32; i++) {
        const int half_of = i / 16, quarter = i / 4 % 4, down = i / 2 % 2;
        const int y = mma_line(along_a, 2 * half_of + down, l % 32 / 4);
        const int x = mma_line(along_b, quarter, 2 * (l % 4) + i % 2);
        to[(row + y) * 128 + column + x] = sums[part * 32 + i];
    }
}
//: mma_tf32
static void mma_tf32(float *c, const uint *a, const uint *b) {
#if mma_ptx()
    __asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                   "{%0,%1,%2,%3};"
                   : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
//: mma_tf32_first
// The same, and c was 0.
static void mma_tf32_first(float *c, const uint *a, const uint *b) {
#if mma_ptx()
    __asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                   "{%10,%10,%10,%10};"
                   : "=f"(c[0]), "=f"(c[1]), "=f"(c[2]), "=f"(c[3])
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(0.0f));
#endif
}
//: mma_bf16
static void mma_bf16(float *c, const uint *a, uint b) {
#if mma_ptx()
    __asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
                   : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                   : "r"(a[0]), "r"(a[1]), "r"(b));
#endif
}
//: mma_bf16_pairs
static void mma_bf16_pairs(float *c, const uint *a, const uint *b) {
#if mma_ptx()
    __asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                   "{%0,%1,%2,%3};"
                   : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                   : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
//: mma_pair
static uint mma_pair(uint first, uint second) {
    uint pair = 0;
#if mma_ptx()
    __asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(as_float(second)), "f"(as_float(first)));
#endif
    return pair;
}
//: mma_high
// The bits of f32 that tf32 has. The compiler shall not know them: it would take x for its own first half, which the units
// indeed do not tell apart, and move it to where they want it, which takes longer than to make the half there.
static uint mma_high(void) {
    uint unit = 0;
#if mma_ptx()
    __asm("mov.u32 %0, %%smid;" : "=r"(unit));
#endif
    return 0xffffe000 | unit >> 31;
}
//: mma_halves
// x as the sum of two of tf32, the first x cut off, so that no finite number is too large. Where x is infinite or NaN, the
// second is NaN.
static void mma_halves(uint *high, uint *low, const uint *x, int count, uint bits) {
#pragma unroll
    for (int i = 0; i < count; i++) {
        high[i] = x[i] & bits;
        low[i] = as_uint(as_float(x[i]) - as_float(high[i]));
    }
}
//: mma_near
// The bits of x rounded to the nearest of tf32: half of its last place is added, and the units do not look at the last 13
// bits. A NaN stays one.
__attribute__((always_inline)) static uint mma_near(float x) {
    return as_uint(fma(as_float(as_uint(x) & 0xff800000), 0x1p-11f, x));
}
//: mma_round
static void mma_round(uint *out, const uint *x, int count) {
#pragma unroll
    for (int i = 0; i < count; i++) out[i] = mma_near(as_float(x[i]));
}
//: mma_product_3xtf32
// sums += the product of a set: that of what both leave when they are cut off does not count. The units cut off what they
// add, so the sums of a run of sets, which are behind the others, are added by themselves.
__attribute__((always_inline)) static void mma_product_3xtf32(float *sums, const uint *set, int rows, int columns,
                                                              uint bits, int first, int last) {
#if mma_ptx()
    uint high[32], low[32];
    float *few = sums + rows * columns * 32;
    mma_halves(high, low, set, (rows + columns) * 8, bits);
#pragma unroll
    for (int part = 0; part < 3; part++) {
        const uint *a = part == 0 ? low : high, *b = (part == 1 ? low : high) + rows * 8;
#pragma unroll
        for (int p = 0; p < rows; p++) {
#pragma unroll
            for (int q = 0; q < columns; q++) {
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    float *c = few + (p * columns + q) * 32 + i * 4;
                    if (part == 0 && first)
                        mma_tf32_first(c, a + p * 8 + i / 4 * 4, b + q * 8 + i % 4 * 2);
                    else
                        mma_tf32(c, a + p * 8 + i / 4 * 4, b + q * 8 + i % 4 * 2);
                }
            }
        }
    }
    if (last) {
#pragma unroll
        for (int i = 0; i < rows * columns * 32; i++) sums[i] += few[i];
    }
#endif
}
//: mma_ready
// sums += the product of a set as it is, of tf32 or of pairs of bf16. Of the columns there and back, so that one of the
// operands is the same as before.
__attribute__((always_inline)) static void mma_ready(float *sums, const uint *set, int rows, int columns, int pairs) {
#pragma unroll
    for (int half_of = 0; half_of < 2 * rows; half_of++) {
#pragma unroll
        for (int i = 0; i < 4 * columns; i++) {
            const int at = half_of % 2 ? 4 * columns - 1 - i : i;
            float *c = sums + (half_of / 2 * columns + at / 4) * 32 + half_of % 2 * 16 + at % 4 * 4;
            const uint *a = set + half_of * 4, *b = set + rows * 8 + at * 2;
            if (pairs)
                mma_bf16_pairs(c, a, b);
            else
                mma_tf32(c, a, b);
        }
    }
}
//: mma_product_ready_tf32
__attribute__((always_inline)) static void mma_product_ready_tf32(float *sums, const uint *set, int rows, int columns) {
#if mma_ptx()
    mma_ready(sums, set, rows, columns, 0);
#endif
}
//: mma_product_ready_bf16
__attribute__((always_inline)) static void mma_product_ready_bf16(float *sums, const uint *set, int rows, int columns) {
#if mma_ptx()
    mma_ready(sums, set, rows, columns, 1);
#endif
}
//: mma_product_tf32
__attribute__((always_inline)) static void mma_product_tf32(float *sums, const uint *set, int rows, int columns) {
#if mma_ptx()
    uint v[32];
    mma_round(v, set, (rows + columns) * 8);
    mma_ready(sums, v, rows, columns, 0);
#endif
}
//: mma_product_bf16
__attribute__((always_inline)) static void mma_product_bf16(float *sums, const uint *set, int rows, int columns) {
#if mma_ptx()
    uint left[8], right[8];
#pragma unroll
    for (int i = 0; i < 4 * rows; i++) left[i] = mma_pair(set[i / 2 * 4 + i % 2], set[i / 2 * 4 + i % 2 + 2]);
#pragma unroll
    for (int i = 0; i < 4 * columns; i++) right[i] = mma_pair(set[rows * 8 + i * 2], set[rows * 8 + i * 2 + 1]);
#pragma unroll
    for (int p = 0; p < rows; p++) {
#pragma unroll
        for (int h = 0; h < 2; h++) {
#pragma unroll
            for (int q = 0; q < columns; q++) {
#pragma unroll
                for (int i = 0; i < 4; i++)
                    mma_bf16(sums + (p * columns + q) * 32 + h * 16 + i * 4, left + p * 4 + h * 2, right[q * 4 + i]);
            }
        }
    }
#endif
}

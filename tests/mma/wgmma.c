/* wgmma: the functions of kernels/wgmma.cl that begin products, run by one item after the other. The instruction is done
 * here as the reference of PTX says: which bytes of local memory the descriptors of both operands mean, and which sums an
 * item has. Where an element lies in its tile says kir.h. */
#include "kir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned uint;
typedef unsigned short ushort;
typedef unsigned long ulong;

#define __local
#define DLG_WGMMA
#define ITEMS 256
#define SPACE (1 << 18) /* what a descriptor can address */
#define HALF  24576     /* elements to the second half of 3xTF32's operands */

static unsigned char *memory; /* at a multiple of SPACE */
static int item;

/* The byte of element (line, step) of an operand, of `size` bytes each. */
static size_t byte_of(ulong descriptor, int across, int line, int step, int size) {
    size_t start = (descriptor & 0x3fff) << 4, leading = (descriptor >> 16 & 0x3fff) << 4;
    size_t stride = (descriptor >> 32 & 0x3fff) << 4, at;
    if (descriptor >> 62 != 1 || (descriptor >> 49 & 7)) exit(2); /* lines of 128 bytes, whole */
    if (across)
        at = line / 64 * leading + step / 8 * stride + step % 8 * 128 + line % 64 * size;
    else
        at = line / 8 * stride + line % 8 * 128 + step * size;
    at += start;
    return at ^ (at >> 3 & 0x70);
}

static double element(ulong descriptor, int across, int line, int step, int size) {
    size_t at = byte_of(descriptor, across, line, step, size);
    uint bits = 0;
    float f;
    memcpy(&bits, memory + at % SPACE, (size_t)size);
    bits = size == 2 ? bits << 16 : bits & 0xffffe000;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static void multiply(const char *type, const char *k, const char *tail, float *d, ulong a, ulong b,
                     int add, int columns) {
    const int steps = atoi(k), size = strcmp(type, "bf16") ? 4 : 2,
              across_a = tail[0] && tail[2] == '1', across_b = tail[0] && tail[5] == '1';
    if (steps * size != 32) exit(2);
    for (int i = 0; i < columns / 2; i++) {
        int row = item % 128 / 32 * 16 + item % 32 / 4 + i / 2 % 2 * 8;
        int column = i / 4 * 8 + item % 4 * 2 + i % 2;
        double sum = add ? d[i] : 0;
        for (int s = 0; s < steps; s++)
            sum += element(a, across_a, row, s, size) * element(b, across_b, column, s, size);
        d[i] = (float)sum;
    }
}

#define wgmma_128(type, k, tail, d, a, b, add) multiply(type, k, tail, d, a, b, add, 128)
#define wgmma_256(type, k, tail, d, a, b, add) multiply(type, k, tail, d, a, b, add, 256)
#define wgmma_begin()
#define wgmma_commit()

#include "wgmma.h"

static int value(int operand, int part, int line, int step) {
    return (line * 7 + step * 13 + operand * 5 + part * 3) % 9 - 4;
}

/* Puts an operand's tile to byte `at` of the memory. */
static void fill(size_t at, Precision p, int along, int operand, int part, int lines) {
    for (int line = 0; line < lines; line++)
        for (int step = 0; step < wgmma_steps(p); step++) {
            float f = (float)value(operand, part, line, step);
            int place = wgmma_at_of(along, p, line, step);
            if (p == PRECISION_BF16) {
                uint bits;
                memcpy(&bits, &f, sizeof(bits));
                ushort half = (ushort)(bits >> 16);
                memcpy(memory + at + wgmma_place(2 * place), &half, sizeof(half));
            } else
                memcpy(memory + at + wgmma_place(4 * place), &f, sizeof(f));
        }
}

static double expected(Precision p, int row, int column) {
    double sum = 0;
    for (int step = 0; step < wgmma_steps(p); step++) {
        double a = value(0, 0, row, step), b = value(1, 0, column, step);
        sum += a * b;
        if (p == PRECISION_3XTF32)
            sum += a * value(1, 1, column, step) + value(0, 1, row, step) * b;
    }
    return sum;
}

static int run(const char *name, Precision p, int columns, int along_a, int along_b, int apart) {
    const size_t left = 3072, right = left + 128 * 128; /* 128 lines of 128 bytes */
    int wrong = 0;
    memset(memory, 0x7f, SPACE);
    for (int part = 0; part < (p == PRECISION_3XTF32 ? 2 : 1); part++) {
        size_t half = part ? (size_t)HALF * 4 : 0;
        fill(left + half, p, along_a, 0, part, 128);
        fill(right + half, p, along_b, 1, part, 128 * columns);
    }
    for (item = 0; item < ITEMS; item++) {
        float sums[128];
        const void *a = memory + left, *b = memory + right;
        for (int i = 0; i < 128; i++) sums[i] = 1;
        if (p == PRECISION_TF32) wgmma_product_tf32(sums, a, b, columns, item);
        if (p == PRECISION_3XTF32) wgmma_product_3xtf32(sums, a, b, columns, HALF, item);
        if (p == PRECISION_BF16)
            wgmma_product_bf16(sums, a, b, columns, along_a, along_b, apart, item);
        for (int i = 0; i < 64 * columns; i++) {
            double want = expected(p, wgmma_row(item, i), wgmma_column(item, i));
            double got = apart ? sums[64 + i] : sums[i] - 1;
            wrong += got != want || (apart && sums[i] != 1);
        }
    }
    if (wrong)
        printf("%s, %d columns, %d %d: %d sums are wrong\n", name, columns, along_a, along_b,
               wrong);
    return wrong;
}

int main(void) {
    memory = aligned_alloc(SPACE, SPACE);
    if (!memory) return 2;
    int wrong = run("tf32", PRECISION_TF32, 1, 1, 1, 0) + run("tf32", PRECISION_TF32, 2, 1, 1, 0) +
                run("3xtf32", PRECISION_3XTF32, 1, 1, 1, 1);
    for (int i = 0; i < 8; i++)
        wrong += run("bf16", PRECISION_BF16, 1 + i / 4, i % 2, i / 2 % 2, 0);
    for (int i = 0; i < 4; i++) wrong += run("bf16 apart", PRECISION_BF16, 1, i % 2, i / 2, 1);
    free(memory);
    return wrong != 0;
}

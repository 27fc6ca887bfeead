// mma.cl: products of tiles in local memory, by matrix units where the compiler takes PTX, and elsewhere by the units for
// all arithmetic: the same sums in the same places. Groups have 256 items, which are 8 warps of 32: 2 below each other by
// 4 beside each other. A warp has `rows` by `columns` blocks of 32 by 32 results, and of these an item has 2 by 4 pieces of
// 4, as mma.sync has them: sums[(block * 2 + half) * 16 + quarter * 4 + i].
//
// The order of what is contracted is free, as long as both operands have the same: an item takes 4 places side by side
// of the 16 (4 * (l % 4) on), where mma.sync has it take l % 4, 4 + l % 4 and so on. Where the lines of an operand lie side
// by side it takes 4 of these of each block (4 * (l % 32 / 4) on), else every eighth.

//: mma_ptx
#if defined(__NV_CL_C_VERSION) || defined(cl_nv_compiler_options)
#define mma_ptx() 1
#else
#define mma_ptx() 0
#endif
//: mma_copy
// 4 numbers to local memory, or zeros, while the item goes on.
static void mma_copy(__local float *to, const __global float *from, int inside) {
#if mma_ptx()
    __asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((uint)(size_t)to), "l"(from),
                   "r"(inside ? 16 : 0)
                   : "memory");
#else
    for (int i = 0; i < 4; i++) to[i] = inside ? from[i] : 0.0f;
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
// Waits for those of all steps but the last 1 (or 0).
static void mma_arrive(int but) {
#if mma_ptx()
    if (but)
        __asm volatile("cp.async.wait_group 1;" ::: "memory");
    else
        __asm volatile("cp.async.wait_group 0;" ::: "memory");
#endif
}
//: mma_line
// Which line of a block of 32 an item's place 0 to 3 is, of eight items that have different ones.
static int mma_line(int along, int place, int item) {
    return along ? 8 * place + item : 4 * item + place;
}
//: mma_block
// The part of an operand's tile that an item has: of a block of 32 lines from `first` on 4, by 4 of 16 steps.
__attribute__((always_inline)) static void mma_block(float v[16], const __local float *tile, int along, int lines,
                                                     int first, int l) {
    const int line = l % 32 / 4, step = l % 4;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const float4 x = *(const __local float4 *)(along ? tile + (first + 8 * i + line) * 16 + 4 * step
                                                         : tile + (4 * step + i) * lines + first +
                                                               (4 * line + 8 * step) % 32);
        v[along ? 4 * i : i] = x.x;
        v[along ? 4 * i + 1 : i + 4] = x.y;
        v[along ? 4 * i + 2 : i + 8] = x.z;
        v[along ? 4 * i + 3 : i + 12] = x.w;
    }
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
//: mma_f32
// What no matrix unit does: the item's sums of a block.
static void mma_f32(float *sums, const __local float *a, const __local float *b, int rows, int columns, int along_a,
                    int along_b, int row, int column, int l) {
    for (int i = 0; i < 32; i++) {
        const int y = row + mma_line(along_a, i / 16 * 2 + i / 2 % 2, l % 32 / 4);
        const int x = column + mma_line(along_b, i / 4 % 4, 2 * (l % 4) + i % 2);
        for (int k = 0; k < 16; k++) {
            const float p = a[along_a ? y * 16 + k : k * rows + y / 32 * 32 + (y + k / 4 * 8) % 32];
            const float q = b[along_b ? x * 16 + k : k * columns + x / 32 * 32 + (x + k / 4 * 8) % 32];
            sums[i] = fma(p, q, sums[i]);
        }
    }
}
//: mma_tf32
static void mma_tf32(float *c, const uint *a, const uint *below, const uint *b) {
#if mma_ptx()
    __asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                   "{%0,%1,%2,%3};"
                   : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                   : "r"(a[0]), "r"(below[0]), "r"(a[1]), "r"(below[1]), "r"(b[0]), "r"(b[1]));
#endif
}
//: mma_bf16
static void mma_bf16(float *c, const uint *a, const uint *below, const uint *b) {
#if mma_ptx()
    __asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                   "{%0,%1,%2,%3};"
                   : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                   : "r"(a[0]), "r"(below[0]), "r"(a[1]), "r"(below[1]), "r"(b[0]), "r"(b[1]));
#endif
}
//: mma_pair
static uint mma_pair(float first, float second) {
    uint pair = 0;
#if mma_ptx()
    __asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
#endif
    return pair;
}
//: mma_halves
// x as the sum of two of tf32, the first the nearest to it: by 8193 x, rounded, less 8192 x, or, where that is too large, x
// cut off. The units for whole numbers alone would take longer. Where x is infinite or NaN, the second is NaN.
static void mma_halves(uint *high, uint *low, const float *x, int count) {
#pragma unroll
    for (int i = 0; i < count; i++) {
        const float near = fma(-8192.0f, x[i], x[i] * 8193.0f);
        const float h = fabs(x[i]) < 4e34f ? near : as_float(as_uint(x[i]) & 0xffffe000);
        high[i] = as_uint(h);
        low[i] = as_uint(x[i] - h);
    }
}
//: mma_round
// x rounded to the nearest of tf32: the units do not look at the last 13 bits. A NaN stays one, whatever its bits.
static void mma_round(uint *out, const float *x, int count) {
#pragma unroll
    for (int i = 0; i < count; i++) {
        const uint bits = as_uint(x[i]);
        out[i] = (bits & 0x7fffffff) > 0x7f800000 ? bits | 0x400000 : bits + 0x1000;
    }
}
//: mma_half
// Half of mma_block: of lines side by side along the steps the first or last two, else of all the first or last two steps.
__attribute__((always_inline)) static void mma_half(float v[8], const __local float *tile, int along, int lines,
                                                    int first, int half_of, int l) {
    const int line = l % 32 / 4, step = l % 4;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const int which = 2 * half_of + i;
        const float4 x = *(const __local float4 *)(along ? tile + (first + 8 * which + line) * 16 + 4 * step
                                                         : tile + (4 * step + which) * lines + first +
                                                               (4 * line + 8 * step) % 32);
        v[along ? 4 * i : i] = x.x;
        v[along ? 4 * i + 1 : i + 2] = x.y;
        v[along ? 4 * i + 2 : i + 4] = x.z;
        v[along ? 4 * i + 3 : i + 6] = x.w;
    }
}
//: mma_product_3xtf32
// sums += the product of the tiles at a and at b by 16 steps: the product of what rounding leaves of both does not
// count. The units cut off what they add, so the sums of the 16 steps are added by themselves.
__attribute__((always_inline)) static void mma_product_3xtf32(float *sums, const __local float *a,
                                                              const __local float *b, int rows, int columns,
                                                              int along_a, int along_b, int l) {
    const int row = l / 32 % 2 * 32 * rows, column = l / 64 * 32 * columns;
#pragma unroll
    for (int q = 0; q < columns; q++) {
        float v[16];
        uint b_high[16], b_low[16];
        mma_block(v, b, along_b, 128 * columns, column + 32 * q, l);
        mma_halves(b_high, b_low, v, 16);
#pragma unroll
        for (int p = 0; p < rows; p++) {
            uint high[16], low[16];
            mma_block(v, a, along_a, 64 * rows, row + 32 * p, l);
            mma_halves(high, low, v, 16);
            float t[32];
#pragma unroll
            for (int i = 0; i < 32; i++) t[i] = 0.0f;
#pragma unroll
            for (int k = 0; k < 4; k += 2) {
#pragma unroll
                for (int i = 0; i < 8; i++)
                    mma_tf32(t + 4 * i, low + i / 4 * 8 + k, low + i / 4 * 8 + 4 + k, b_high + i % 4 * 4 + k);
#pragma unroll
                for (int i = 0; i < 8; i++)
                    mma_tf32(t + 4 * i, high + i / 4 * 8 + k, high + i / 4 * 8 + 4 + k, b_low + i % 4 * 4 + k);
            }
#pragma unroll
            for (int k = 0; k < 4; k += 2) {
#pragma unroll
                for (int i = 0; i < 8; i++)
                    mma_tf32(t + 4 * i, high + i / 4 * 8 + k, high + i / 4 * 8 + 4 + k, b_high + i % 4 * 4 + k);
            }
#pragma unroll
            for (int i = 0; i < 32; i++) sums[(p * columns + q) * 32 + i] += t[i];
#if !mma_ptx()
            mma_f32(sums + (p * columns + q) * 32, a, b, 64 * rows, 128 * columns, along_a, along_b, row + 32 * p,
                    column + 32 * q, l);
#endif
        }
    }
}
//: mma_product_tf32
// The left operand comes by halves, so that an item has no more than 128 registers: then two groups share a unit.
__attribute__((always_inline)) static void mma_product_tf32(float *sums, const __local float *a, const __local float *b,
                                                            int rows, int columns, int along_a, int along_b, int l) {
    const int row = l / 32 % 2 * 32 * rows, column = l / 64 * 32 * columns;
#pragma unroll
    for (int q = 0; q < columns; q++) {
        float v[16];
        uint right[16], left[8];
        mma_block(v, b, along_b, 128 * columns, column + 32 * q, l);
        mma_round(right, v, 16);
#pragma unroll
        for (int p = 0; p < rows; p++) {
            float *s = sums + (p * columns + q) * 32;
#pragma unroll
            for (int h = 0; h < 2; h++) {
                mma_half(v, a, along_a, 64 * rows, row + 32 * p, h, l);
                mma_round(left, v, 8);
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    if (along_a)
                        mma_tf32(s + h * 16 + i % 4 * 4, left + i / 4 * 2, left + i / 4 * 2 + 4,
                                 right + i % 4 * 4 + i / 4 * 2);
                    else
                        mma_tf32(s + i * 4, left + i / 4 * 4, left + i / 4 * 4 + 2, right + i % 4 * 4 + h * 2);
                }
            }
#if !mma_ptx()
            mma_f32(s, a, b, 64 * rows, 128 * columns, along_a, along_b, row + 32 * p, column + 32 * q, l);
#endif
        }
    }
}
//: mma_product_bf16
__attribute__((always_inline)) static void mma_product_bf16(float *sums, const __local float *a, const __local float *b,
                                                            int rows, int columns, int along_a, int along_b, int l) {
    const int row = l / 32 % 2 * 32 * rows, column = l / 64 * 32 * columns;
#pragma unroll
    for (int q = 0; q < columns; q++) {
        float v[16];
        uint right[8], left[8];
        mma_block(v, b, along_b, 128 * columns, column + 32 * q, l);
#pragma unroll
        for (int i = 0; i < 8; i++) right[i] = mma_pair(v[2 * i], v[2 * i + 1]);
#pragma unroll
        for (int p = 0; p < rows; p++) {
            float *s = sums + (p * columns + q) * 32;
            mma_block(v, a, along_a, 64 * rows, row + 32 * p, l);
#pragma unroll
            for (int i = 0; i < 8; i++) left[i] = mma_pair(v[2 * i], v[2 * i + 1]);
#pragma unroll
            for (int i = 0; i < 8; i++)
                mma_bf16(s + 4 * i, left + i / 4 * 4, left + i / 4 * 4 + 2, right + i % 4 * 2);
#if !mma_ptx()
            mma_f32(s, a, b, 64 * rows, 128 * columns, along_a, along_b, row + 32 * p, column + 32 * q, l);
#endif
        }
    }
}

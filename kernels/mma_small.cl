// mma_small.cl: products of small tiles in local memory, by matrix units where the compiler takes PTX, and elsewhere by the
// units for all arithmetic: the same sums in the same places. Groups have 256 items, which are 8 warps of 32. A tile is
// `rows` by `columns` results in blocks of 32 by 32; the warps are dealt out to the blocks, and those that have the same
// one are its slices: each goes along its share of the `chunk` places that are in local memory, and has sums of
// its own. A place has its lines side by side, and 8 numbers more, so that 8 lines of 4 places lie in different banks.
//
// Of a block an item has 2 by 4 pieces of 4 results, as mma.sync has them: sums[(half * 4 + quarter) * 4 + i].

//: mma_copy_one
// A number to local memory, or 0, while the item goes on: see mma_copy.
static void mma_copy_one(__local float *to, const __global float *from, int inside) {
#if mma_ptx()
    __asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"((uint)(size_t)to), "l"(from), "r"(inside ? 4 : 0)
                   : "memory");
#else
    *to = inside ? *from : 0.0f;
#endif
}
//: mma_slices_out
// What the slices have, one after the other.
__attribute__((always_inline)) static void mma_slices_out(__local float *to, const float *sums, int rows, int columns,
                                                          int l) {
    const int blocks = rows * columns / 1024, block = l / 32 % blocks, slice = l / 32 / blocks;
    const int row = slice * rows + block % (rows / 32) * 32 + l % 32 / 4;
    const int column = block / (rows / 32) * 32 + l % 4 * 2;
#pragma unroll
    for (int i = 0; i < 32; i += 2) {
        const int y = row + i / 16 * 16 + i / 2 % 2 * 8, x = column + i / 4 % 4 * 8;
        *(__local float2 *)(to + y * (columns + 8) + x) = (float2)(sums[i], sums[i + 1]);
    }
}
//: mma_slice_f32
// What no matrix unit does. a and b are the item's: of the first place and line that it has.
static void mma_slice_f32(float *sums, const __local float *a, const __local float *b, int pitch_a, int pitch_b,
                          int share, int l) {
    a -= l % 4 * pitch_a;
    b -= l % 4 * pitch_b + l % 32 / 4;
    for (int i = 0; i < 32; i++) {
        const int y = i / 16 * 16 + i / 2 % 2 * 8, x = i / 4 % 4 * 8 + l % 4 * 2 + i % 2;
        for (int k = 0; k < share; k++) sums[i] = fma(a[k * pitch_a + y], b[k * pitch_b + x], sums[i]);
    }
}
//: mma_slice_left
// Of 16 of the left operand's lines by 8 places what an item has: as vectors, which stay in registers whatever is unrolled.
__attribute__((always_inline)) static float4 mma_slice_left(const __local float *a, int pitch) {
    return (float4)(a[0], a[8], a[4 * pitch], a[4 * pitch + 8]);
}
//: mma_slice_tf32s
// c += the product of 16 lines by 8 places and 8 places by 8 lines.
__attribute__((always_inline)) static void mma_slice_tf32s(float *c, uint4 a, uint2 b) {
#if mma_ptx()
    __asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                   "{%0,%1,%2,%3};"
                   : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                   : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y));
#endif
}
//: mma_slice_high
// The first of the two of tf32 that x is the sum of: see mma_halves.
__attribute__((always_inline)) static float mma_slice_high(float x) {
    const float near = fma(-8192.0f, x, x * 8193.0f);
    return fabs(x) < 4e34f ? near : as_float(as_uint(x) & 0xffffe000);
}
//: mma_slice_round
// See mma_round.
__attribute__((always_inline)) static uint mma_slice_round(float x) {
    const uint bits = as_uint(x);
    return (bits & 0x7fffffff) > 0x7f800000 ? bits | 0x400000 : bits + 0x1000;
}
//: mma_slice_3xtf32
// sums += the product of the slice's share: of 16 places each added by themselves, for the units cut off what they add.
__attribute__((always_inline)) static void mma_slice_3xtf32(float *sums, const __local float *a, const __local float *b,
                                                            int rows, int columns, int chunk, int l) {
    const int blocks = rows * columns / 1024, block = l / 32 % blocks, share = chunk * blocks / 8;
    const int pitch_a = rows + 8, pitch_b = columns + 8, first = l / 32 / blocks * share + l % 4;
    a += first * pitch_a + block % (rows / 32) * 32 + l % 32 / 4;
    b += first * pitch_b + block / (rows / 32) * 32 + l % 32 / 4;
#if mma_ptx()
    for (int from = 0; from < share; from += 16) {
        float t[32];
#pragma unroll
        for (int i = 0; i < 32; i++) t[i] = 0.0f;
#pragma unroll
        for (int k = 0; k < 16; k += 8) {
            if (from + k == share) break;
            const __local float *at = a + (from + k) * pitch_a;
            const float4 u = mma_slice_left(at, pitch_a), v = mma_slice_left(at + 16, pitch_a);
            const float4 u_high = (float4)(mma_slice_high(u.x), mma_slice_high(u.y), mma_slice_high(u.z), mma_slice_high(u.w));
            const float4 v_high = (float4)(mma_slice_high(v.x), mma_slice_high(v.y), mma_slice_high(v.z), mma_slice_high(v.w));
            const uint4 u_low = as_uint4(u - u_high), v_low = as_uint4(v - v_high);
#pragma unroll
            for (int q = 0; q < 4; q++) {
                const float2 w = (float2)(b[(from + k) * pitch_b + 8 * q], b[(from + k + 4) * pitch_b + 8 * q]);
                const float2 w_high = (float2)(mma_slice_high(w.x), mma_slice_high(w.y));
                const uint2 w_low = as_uint2(w - w_high);
                mma_slice_tf32s(t + 4 * q, u_low, as_uint2(w_high));
                mma_slice_tf32s(t + 4 * q + 16, v_low, as_uint2(w_high));
                mma_slice_tf32s(t + 4 * q, as_uint4(u_high), w_low);
                mma_slice_tf32s(t + 4 * q + 16, as_uint4(v_high), w_low);
                mma_slice_tf32s(t + 4 * q, as_uint4(u_high), as_uint2(w_high));
                mma_slice_tf32s(t + 4 * q + 16, as_uint4(v_high), as_uint2(w_high));
            }
        }
#pragma unroll
        for (int i = 0; i < 32; i++) sums[i] += t[i];
    }
#else
    mma_slice_f32(sums, a, b, pitch_a, pitch_b, share, l);
#endif
}
//: mma_slice_tf32
__attribute__((always_inline)) static void mma_slice_tf32(float *sums, const __local float *a, const __local float *b,
                                                          int rows, int columns, int chunk, int l) {
    const int blocks = rows * columns / 1024, block = l / 32 % blocks, share = chunk * blocks / 8;
    const int pitch_a = rows + 8, pitch_b = columns + 8, first = l / 32 / blocks * share + l % 4;
    a += first * pitch_a + block % (rows / 32) * 32 + l % 32 / 4;
    b += first * pitch_b + block / (rows / 32) * 32 + l % 32 / 4;
#if mma_ptx()
    for (int k = 0; k < share; k += 8) {
        const float4 x = mma_slice_left(a + k * pitch_a, pitch_a), y = mma_slice_left(a + k * pitch_a + 16, pitch_a);
        const uint4 u = (uint4)(mma_slice_round(x.x), mma_slice_round(x.y), mma_slice_round(x.z), mma_slice_round(x.w));
        const uint4 v = (uint4)(mma_slice_round(y.x), mma_slice_round(y.y), mma_slice_round(y.z), mma_slice_round(y.w));
#pragma unroll
        for (int q = 0; q < 4; q++) {
            const uint2 w = (uint2)(mma_slice_round(b[k * pitch_b + 8 * q]), mma_slice_round(b[(k + 4) * pitch_b + 8 * q]));
            mma_slice_tf32s(sums + 4 * q, u, w);
            mma_slice_tf32s(sums + 4 * q + 16, v, w);
        }
    }
#else
    mma_slice_f32(sums, a, b, pitch_a, pitch_b, share, l);
#endif
}

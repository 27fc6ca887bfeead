// mma_small.cl: products of small tiles in local memory, by matrix units where the compiler takes PTX, and elsewhere by the
// units for all arithmetic: the same sums in the same places. Groups have 256 items, which are 8 warps of 32. A tile is
// `rows` by `columns` results in blocks of 32 by 32; the warps are dealt out to the blocks, and those that have the same
// one are its slices: each goes along its share of the `chunk` places that are in local memory, and has sums of
// its own. A place has its lines side by side and 4 numbers more, or (`along`) a line its places and 8 numbers more, so that 8
// lines of 4 pairs of places lie in different banks. In which order a step's places are multiplied is all the same: an item has
// two that lie side by side.
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
//: mma_slice_row
// Where the lines of the item's block begin of the left operand, ...
static int mma_slice_row(int rows, int columns, int l) {
    return l / 32 % (rows * columns / 1024) % (rows / 32) * 32;
}
//: mma_slice_column
// ... and of the right one.
static int mma_slice_column(int rows, int columns, int l) {
    return l / 32 % (rows * columns / 1024) / (rows / 32) * 32;
}
//: mma_slices_out
// What the slices have, one after the other.
__attribute__((always_inline)) static void mma_slices_out(__local float *to, const float *sums, int rows, int columns,
                                                          int l) {
    const int row = l / 32 / (rows * columns / 1024) * rows + mma_slice_row(rows, columns, l) + l % 32 / 4;
    const int column = mma_slice_column(rows, columns, l) + l % 4 * 2;
#pragma unroll
    for (int i = 0; i < 32; i += 2) {
        const int y = row + i / 16 * 16 + i / 2 % 2 * 8, x = column + i / 4 % 4 * 8;
        *(__local float2 *)(to + y * (columns + 8) + x) = (float2)(sums[i], sums[i + 1]);
    }
}
//: mma_slice_next
// From one place to the next, of an operand of so many lines.
static int mma_slice_next(int along, int lines) {
    return along ? 1 : lines + 4;
}
//: mma_slice_line
// From one line to the next.
static int mma_slice_line(int along, int chunk) {
    return along ? chunk + 8 : 1;
}
//: mma_slice_share
// Where the share of the item's slice begins.
static int mma_slice_share(int rows, int columns, int chunk, int l) {
    const int blocks = rows * columns / 1024;
    return l / 32 / blocks * (chunk * blocks / 8);
}
//: mma_slice_a
// The first line and place that the item has of the left operand.
static const __local float *mma_slice_a(const __local float *a, int rows, int columns, int chunk, int along, int l) {
    const int line = mma_slice_row(rows, columns, l) + l % 32 / 4;
    const int place = mma_slice_share(rows, columns, chunk, l) + l % 4 * 2;
    return a + place * mma_slice_next(along, rows) + line * mma_slice_line(along, chunk);
}
//: mma_slice_b
// The same of the right one.
static const __local float *mma_slice_b(const __local float *b, int rows, int columns, int chunk, int along, int l) {
    const int line = mma_slice_column(rows, columns, l) + l % 32 / 4;
    const int place = mma_slice_share(rows, columns, chunk, l) + l % 4 * 2;
    return b + place * mma_slice_next(along, columns) + line * mma_slice_line(along, chunk);
}
//: mma_slice_pair
// Two places of a line.
static float2 mma_slice_pair(const __local float *at, int along, int next) {
    return along ? *(const __local float2 *)at : (float2)(at[0], at[next]);
}
//: mma_slice_left
// Of 16 of the left operand's lines by 8 places what an item has: as vectors, which stay in registers whatever is unrolled.
static float4 mma_slice_left(const __local float *at, int along, int next, int line) {
    const float2 x = mma_slice_pair(at, along, next), y = mma_slice_pair(at + 8 * line, along, next);
    return (float4)(x.x, y.x, x.y, y.y);
}
//: mma_slice_f32
// What no matrix unit does: each of the item's sums.
static void mma_slice_f32(float *sums, const __local float *a, const __local float *b, int rows, int columns, int chunk,
                          int along_a, int along_b, int l) {
    const int share = chunk * (rows * columns / 1024) / 8;
    const int next_a = mma_slice_next(along_a, rows), next_b = mma_slice_next(along_b, columns);
    const int line_a = mma_slice_line(along_a, chunk), line_b = mma_slice_line(along_b, chunk);
    a = mma_slice_a(a, rows, columns, chunk, along_a, l) - l % 4 * 2 * next_a;
    b = mma_slice_b(b, rows, columns, chunk, along_b, l) - l % 4 * 2 * next_b - l % 32 / 4 * line_b;
    for (int i = 0; i < 32; i++) {
        const int y = i / 16 * 16 + i / 2 % 2 * 8, x = i / 4 % 4 * 8 + l % 4 * 2 + i % 2;
        for (int k = 0; k < share; k++)
            sums[i] = fma(a[k * next_a + y * line_a], b[k * next_b + x * line_b], sums[i]);
    }
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
//: mma_slice_first
// c = or += it.
__attribute__((always_inline)) static void mma_slice_first(float *c, uint4 a, uint2 b, int first) {
#if mma_ptx()
    if (first)
        __asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                       "{%10,%10,%10,%10};"
                       : "=f"(c[0]), "=f"(c[1]), "=f"(c[2]), "=f"(c[3])
                       : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y), "f"(0.0f));
    else
        mma_slice_tf32s(c, a, b);
#endif
}
//: mma_slice_high
// The first of the two of tf32 that each is the sum of, as mma_halves() has them; `bits` are those of mma_high().
static uint4 mma_slice_high(float4 x, uint bits) {
    return as_uint4(x) & bits;
}
//: mma_slice_3xtf32
// sums += the product of the slice's share: of 16 places each added by themselves, for the units cut off what they add.
__attribute__((always_inline)) static void mma_slice_3xtf32(float *sums, const __local float *a, const __local float *b,
                                                            int rows, int columns, int chunk, int along_a, int along_b,
                                                            int l) {
#if mma_ptx()
    const int share = chunk * (rows * columns / 1024) / 8;
    const int next_a = mma_slice_next(along_a, rows), next_b = mma_slice_next(along_b, columns);
    const int line_a = mma_slice_line(along_a, chunk), line_b = mma_slice_line(along_b, chunk);
    const uint bits = mma_high();
    a = mma_slice_a(a, rows, columns, chunk, along_a, l);
    b = mma_slice_b(b, rows, columns, chunk, along_b, l);
    for (int from = 0; from < share; from += 16) {
        float t[32];
#pragma unroll
        for (int k = 0; k < 16; k += 8) {
            if (from + k == share) break;
            const __local float *at = a + (from + k) * next_a, *bt = b + (from + k) * next_b;
            const float4 u = mma_slice_left(at, along_a, next_a, line_a);
            const float4 v = mma_slice_left(at + 16 * line_a, along_a, next_a, line_a);
            const uint4 u_high = mma_slice_high(u, bits), u_low = as_uint4(u - as_float4(u_high));
            const uint4 v_high = mma_slice_high(v, bits), v_low = as_uint4(v - as_float4(v_high));
#pragma unroll
            for (int q = 0; q < 4; q++) {
                const float2 w = mma_slice_pair(bt + 8 * q * line_b, along_b, next_b);
                const uint2 w_high = as_uint2(w) & bits, w_low = as_uint2(w - as_float2(w_high));
                mma_slice_first(t + 4 * q, u_low, w_high, k == 0);
                mma_slice_first(t + 4 * q + 16, v_low, w_high, k == 0);
                mma_slice_tf32s(t + 4 * q, u_high, w_low);
                mma_slice_tf32s(t + 4 * q + 16, v_high, w_low);
                mma_slice_tf32s(t + 4 * q, u_high, w_high);
                mma_slice_tf32s(t + 4 * q + 16, v_high, w_high);
            }
        }
#pragma unroll
        for (int i = 0; i < 32; i++) sums[i] += t[i];
    }
#else
    mma_slice_f32(sums, a, b, rows, columns, chunk, along_a, along_b, l);
#endif
}
//: mma_slice_tf32
__attribute__((always_inline)) static void mma_slice_tf32(float *sums, const __local float *a, const __local float *b,
                                                          int rows, int columns, int chunk, int along_a, int along_b,
                                                          int l) {
#if mma_ptx()
    const int share = chunk * (rows * columns / 1024) / 8;
    const int next_a = mma_slice_next(along_a, rows), next_b = mma_slice_next(along_b, columns);
    const int line_a = mma_slice_line(along_a, chunk), line_b = mma_slice_line(along_b, chunk);
    a = mma_slice_a(a, rows, columns, chunk, along_a, l);
    b = mma_slice_b(b, rows, columns, chunk, along_b, l);
    for (int k = 0; k < share; k += 8) {
        const __local float *at = a + k * next_a, *bt = b + k * next_b;
        const float4 x = mma_slice_left(at, along_a, next_a, line_a);
        const float4 y = mma_slice_left(at + 16 * line_a, along_a, next_a, line_a);
        const uint4 u = (uint4)(mma_near(x.x), mma_near(x.y), mma_near(x.z), mma_near(x.w));
        const uint4 v = (uint4)(mma_near(y.x), mma_near(y.y), mma_near(y.z), mma_near(y.w));
#pragma unroll
        for (int q = 0; q < 4; q++) {
            const float2 z = mma_slice_pair(bt + 8 * q * line_b, along_b, next_b);
            const uint2 w = (uint2)(mma_near(z.x), mma_near(z.y));
            mma_slice_tf32s(sums + 4 * q, u, w);
            mma_slice_tf32s(sums + 4 * q + 16, v, w);
        }
    }
#else
    mma_slice_f32(sums, a, b, rows, columns, chunk, along_a, along_b, l);
#endif
}

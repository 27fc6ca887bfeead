// vector_rows.cl: 16 rows of up to 16 numbers each as columns: a vector for each column, with a number of each row. So
// what goes along narrow rows goes along whole vectors. Blocks as in vector.cl. `columns` is a constant where these are
// called, so that all loops and conditions vanish.

// Pieces of two vectors, side by side: of each quarter the first or the last two numbers, one by one or as pairs; the even or
// the odd quarters.
//: low_ones
static float16 low_ones(float16 a, float16 b) {
    return (float16)(a.s0, b.s0, a.s1, b.s1, a.s4, b.s4, a.s5, b.s5,
                     a.s8, b.s8, a.s9, b.s9, a.sc, b.sc, a.sd, b.sd);
}
//: high_ones
static float16 high_ones(float16 a, float16 b) {
    return (float16)(a.s2, b.s2, a.s3, b.s3, a.s6, b.s6, a.s7, b.s7,
                     a.sa, b.sa, a.sb, b.sb, a.se, b.se, a.sf, b.sf);
}
//: low_pairs
static float16 low_pairs(float16 a, float16 b) {
    return (float16)(a.s0, a.s1, b.s0, b.s1, a.s4, a.s5, b.s4, b.s5,
                     a.s8, a.s9, b.s8, b.s9, a.sc, a.sd, b.sc, b.sd);
}
//: high_pairs
static float16 high_pairs(float16 a, float16 b) {
    return (float16)(a.s2, a.s3, b.s2, b.s3, a.s6, a.s7, b.s6, b.s7,
                     a.sa, a.sb, b.sa, b.sb, a.se, a.sf, b.se, b.sf);
}
//: even_quarters
static float16 even_quarters(float16 a, float16 b) {
    return (float16)(a.s0, a.s1, a.s2, a.s3, a.s8, a.s9, a.sa, a.sb,
                     b.s0, b.s1, b.s2, b.s3, b.s8, b.s9, b.sa, b.sb);
}
//: odd_quarters
static float16 odd_quarters(float16 a, float16 b) {
    return (float16)(a.s4, a.s5, a.s6, a.s7, a.sc, a.sd, a.se, a.sf,
                     b.s4, b.s5, b.s6, b.s7, b.sc, b.sd, b.se, b.sf);
}
// A square of 16 rows becomes its columns: first those of squares of four, then their quarters change places.
//: turn_square
static void turn_square(float16 *v) {
    float16 a[16];
#pragma unroll
    for (int i = 0; i < 16; i += 4) {
        const float16 b = low_ones(v[i], v[i + 1]), c = high_ones(v[i], v[i + 1]);
        const float16 d = low_ones(v[i + 2], v[i + 3]), e = high_ones(v[i + 2], v[i + 3]);
        a[i] = low_pairs(b, d);
        a[i + 1] = high_pairs(b, d);
        a[i + 2] = low_pairs(c, e);
        a[i + 3] = high_pairs(c, e);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const float16 b = even_quarters(a[i], a[i + 4]), c = odd_quarters(a[i], a[i + 4]);
        const float16 d = even_quarters(a[i + 8], a[i + 12]), e = odd_quarters(a[i + 8], a[i + 12]);
        v[i] = even_quarters(b, d);
        v[i + 4] = even_quarters(c, e);
        v[i + 8] = odd_quarters(b, d);
        v[i + 12] = odd_quarters(c, e);
    }
}
// The first n of 16 numbers, after them zeros; and a store of them.
//: ld_first
static float16 ld_first(__global const float *p, int n) {
    if (n >= 16) return ld16(p);
    __global const float *p4 = p + (n & 8), *p2 = p4 + (n & 4), *p1 = p2 + (n & 2);
    const float4 one = n & 1 ? (float4)(*p1, 0, 0, 0) : (float4)(0);
    const float4 two = n & 2 ? (float4)(ld2(p2), one.s01) : one;
    const float8 four = n & 4 ? (float8)(ld4(p4), two) : (float8)(two, (float4)(0));
    return n & 8 ? (float16)(ld8(p), four) : (float16)(four, (float8)(0));
}
//: st_first
static void st_first(__global float *p, float16 v, int n) {
    if (n >= 16) {
        st16(p, v);
        return;
    }
    const float8 four = n & 8 ? v.hi : v.lo;
    const float4 two = n & 4 ? four.hi : four.lo;
    const float2 one = n & 2 ? two.hi : two.lo;
    if (n & 8) st8(p, v.lo);
    if (n & 4) st4(p + (n & 8), four.lo);
    if (n & 2) st2(p + (n & 12), two.lo);
    if (n & 1) p[n & 14] = one.s0;
}

// The rows from p on; `to` has room for a vector a column. What a vector takes of the next rows does not matter, but
// nothing is read or written behind the last row.
//: rows_to_columns
static void rows_to_columns(float *to, __global const float *p, int columns) {
    float16 v[16];
#pragma unroll
    for (int i = 0; i < 16; i++) {
        const int rest = (16 - i) * columns;
        v[i] = ld_first(p + i * columns, rest < 16 ? columns : 16);
    }
    turn_square(v);
#pragma unroll
    for (int i = 0; i < columns; i++) *(float16 *)(to + i * 16) = v[i];
}
//: columns_to_rows
static void columns_to_rows(__global float *p, const float *from, int columns) {
    float16 v[16];
#pragma unroll
    for (int i = 0; i < 16; i++)
        v[i] = i < columns ? *(const float16 *)(from + i * 16) : (float16)(0);
    turn_square(v);
#pragma unroll
    for (int i = 0; i < 16; i++) {
        const int rest = (16 - i) * columns;
        st_first(p + i * columns, v[i], rest < 16 ? columns : 16);
    }
}
// Four rows become their columns.
//: turn_four
static void turn_four(float *to, int step, float4 a, float4 b, float4 c, float4 d) {
    const float4 e = (float4)(a.lo, b.lo), f = (float4)(c.lo, d.lo);
    const float4 g = (float4)(a.hi, b.hi), h = (float4)(c.hi, d.hi);
    vstore4((float4)(e.even, f.even), 0, to);
    vstore4((float4)(e.odd, f.odd), 0, to + step);
    vstore4((float4)(g.even, h.even), 0, to + 2 * step);
    vstore4((float4)(g.odd, h.odd), 0, to + 3 * step);
}
// 16 rows of 16 numbers, `pitch` apart, become the columns of 16 at `to`, whose rows are `step` apart: rows of a buffer, or of the
// group's own. By squares of four: compilers take long for what larger ones exchange, and it is a small part of what is done.
//: turn_rows
static void turn_rows(float *to, int step, __global const float *from, int pitch) {
#pragma unroll 1
    for (int i = 0; i < 16; i++) {
        __global const float *p = from + i / 4 * 4 * pitch + i % 4 * 4;
        turn_four(to + i % 4 * 4 * step + i / 4 * 4, step, vload4(0, p), vload4(0, p + pitch),
                  vload4(0, p + 2 * pitch), vload4(0, p + 3 * pitch));
    }
}
//: turn_own
static void turn_own(float *to, int step, const float *from, int pitch) {
#pragma unroll 1
    for (int i = 0; i < 16; i++) {
        const float *p = from + i / 4 * 4 * pitch + i % 4 * 4;
        turn_four(to + i % 4 * 4 * step + i / 4 * 4, step, vload4(0, p), vload4(0, p + pitch),
                  vload4(0, p + 2 * pitch), vload4(0, p + 3 * pitch));
    }
}

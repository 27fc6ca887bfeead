// vector.cl: loads and stores of vectors at any element, and sums and maxima across a vector's lanes.
//
// A line that begins with "//:" opens a block and names what it defines; a program is given the blocks
// that it uses. A bool in memory is an uchar, 0 or 1; in a vector's lane it is an int, 0 or -1.

//: ld2
typedef float2 __attribute__((aligned(4))) float2_at_any; // not only at multiples of 2
static float2 ld2(__global const float *p) {
    return *(__global const float2_at_any *)p;
}
//: st2
typedef float2 __attribute__((aligned(4))) float2_to_any;
static void st2(__global float *p, float2 v) {
    *(__global float2_to_any *)p = v;
}
//: ldi2
typedef int2 __attribute__((aligned(4))) int2_at_any;
static int2 ldi2(__global const int *p) {
    return *(__global const int2_at_any *)p;
}
//: sti2
typedef int2 __attribute__((aligned(4))) int2_to_any;
static void sti2(__global int *p, int2 v) {
    *(__global int2_to_any *)p = v;
}
//: ldb2
static int2 ldb2(__global const uchar *p) {
    return -convert_int2(vload2(0, p));
}
//: stb2
static void stb2(__global uchar *p, int2 v) {
    vstore2(convert_uchar2(-v), 0, p);
}

//: ld4
typedef float4 __attribute__((aligned(4))) float4_at_any; // not only at multiples of 4
static float4 ld4(__global const float *p) {
    return *(__global const float4_at_any *)p;
}
//: st4
typedef float4 __attribute__((aligned(4))) float4_to_any;
static void st4(__global float *p, float4 v) {
    *(__global float4_to_any *)p = v;
}
//: ldi4
typedef int4 __attribute__((aligned(4))) int4_at_any;
static int4 ldi4(__global const int *p) {
    return *(__global const int4_at_any *)p;
}
//: sti4
typedef int4 __attribute__((aligned(4))) int4_to_any;
static void sti4(__global int *p, int4 v) {
    *(__global int4_to_any *)p = v;
}
//: ldb4
static int4 ldb4(__global const uchar *p) {
    return -convert_int4(vload4(0, p));
}
//: stb4
static void stb4(__global uchar *p, int4 v) {
    vstore4(convert_uchar4(-v), 0, p);
}

//: lda4
static float4 lda4(__global const float *p) { // at a multiple of 4
    return *(__global const float4 *)p;
}
//: sta4
static void sta4(__global float *p, float4 v) {
    *(__global float4 *)p = v;
}
//: ldia4
static int4 ldia4(__global const int *p) {
    return *(__global const int4 *)p;
}
//: stia4
static void stia4(__global int *p, int4 v) {
    *(__global int4 *)p = v;
}

//: ld8
typedef float8 __attribute__((aligned(4))) float8_at_any; // not only at multiples of 8
static float8 ld8(__global const float *p) {
    return *(__global const float8_at_any *)p;
}
//: st8
typedef float8 __attribute__((aligned(4))) float8_to_any;
static void st8(__global float *p, float8 v) {
    *(__global float8_to_any *)p = v;
}
//: ldi8
typedef int8 __attribute__((aligned(4))) int8_at_any;
static int8 ldi8(__global const int *p) {
    return *(__global const int8_at_any *)p;
}
//: sti8
typedef int8 __attribute__((aligned(4))) int8_to_any;
static void sti8(__global int *p, int8 v) {
    *(__global int8_to_any *)p = v;
}
//: ldb8
static int8 ldb8(__global const uchar *p) {
    return -convert_int8(vload8(0, p));
}
//: stb8
static void stb8(__global uchar *p, int8 v) {
    vstore8(convert_uchar8(-v), 0, p);
}

//: ld16
typedef float16 __attribute__((aligned(4))) float16_at_any; // not only at multiples of 16
static float16 ld16(__global const float *p) {
    return *(__global const float16_at_any *)p;
}
//: st16
typedef float16 __attribute__((aligned(4))) float16_to_any;
static void st16(__global float *p, float16 v) {
    *(__global float16_to_any *)p = v;
}
// A store that passes by the caches, of what does not fit them: what is stored need not be read first. The instruction wants
// whole lines.
//: stream16
static void stream16(__global float *p, float16 v) {
#ifdef __x86_64__
    if (((ulong)p & 63) == 0) {
        __builtin_nontemporal_store(v, (__global float16 *)p);
        return;
    }
#endif
    st16(p, v);
}
// Have the line of p[i] come near, which is to be loaded soon, or loaded and stored to. It need not be one of p's.
//: ahead
static void ahead(__global const float *p, int i) {
#ifdef __x86_64__
    __builtin_prefetch((const void *)((ulong)p + sizeof(float) * (ulong)i));
#endif
}
//: ahead_to
static void ahead_to(__global float *p, int i) {
#ifdef __x86_64__
    __builtin_prefetch((const void *)((ulong)p + sizeof(float) * (ulong)i), 1);
#endif
}
//: ldi16
typedef int16 __attribute__((aligned(4))) int16_at_any;
static int16 ldi16(__global const int *p) {
    return *(__global const int16_at_any *)p;
}
//: sti16
typedef int16 __attribute__((aligned(4))) int16_to_any;
static void sti16(__global int *p, int16 v) {
    *(__global int16_to_any *)p = v;
}
//: ldb16
static int16 ldb16(__global const uchar *p) {
    return -convert_int16(vload16(0, p));
}
//: stb16
static void stb16(__global uchar *p, int16 v) {
    vstore16(convert_uchar16(-v), 0, p);
}

// Lanes of two vectors in turn: of their first halves, or their second. It takes log n of them to turn a square.
//: zip_lo2
static float2 zip_lo2(float2 a, float2 b) {
    return (float2)(a.s0, b.s0);
}
//: zip_hi2
static float2 zip_hi2(float2 a, float2 b) {
    return (float2)(a.s1, b.s1);
}
//: zip_lo4
static float4 zip_lo4(float4 a, float4 b) {
    return (float4)(a.s0, b.s0, a.s1, b.s1);
}
//: zip_hi4
static float4 zip_hi4(float4 a, float4 b) {
    return (float4)(a.s2, b.s2, a.s3, b.s3);
}
//: zip_lo8
static float8 zip_lo8(float8 a, float8 b) {
    return (float8)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3);
}
//: zip_hi8
static float8 zip_hi8(float8 a, float8 b) {
    return (float8)(a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7);
}
//: zip_lo16
static float16 zip_lo16(float16 a, float16 b) {
    return (float16)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3,
                    a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7);
}
//: zip_hi16
static float16 zip_hi16(float16 a, float16 b) {
    return (float16)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb,
                    a.sc, b.sc, a.sd, b.sd, a.se, b.se, a.sf, b.sf);
}
//: zip_loi2
static int2 zip_loi2(int2 a, int2 b) {
    return (int2)(a.s0, b.s0);
}
//: zip_hii2
static int2 zip_hii2(int2 a, int2 b) {
    return (int2)(a.s1, b.s1);
}
//: zip_loi4
static int4 zip_loi4(int4 a, int4 b) {
    return (int4)(a.s0, b.s0, a.s1, b.s1);
}
//: zip_hii4
static int4 zip_hii4(int4 a, int4 b) {
    return (int4)(a.s2, b.s2, a.s3, b.s3);
}
//: zip_loi8
static int8 zip_loi8(int8 a, int8 b) {
    return (int8)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3);
}
//: zip_hii8
static int8 zip_hii8(int8 a, int8 b) {
    return (int8)(a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7);
}
//: zip_loi16
static int16 zip_loi16(int16 a, int16 b) {
    return (int16)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3,
                    a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7);
}
//: zip_hii16
static int16 zip_hii16(int16 a, int16 b) {
    return (int16)(a.s8, b.s8, a.s9, b.s9, a.sa, b.sa, a.sb, b.sb,
                    a.sc, b.sc, a.sd, b.sd, a.se, b.se, a.sf, b.sf);
}

//: sum_lanes2
static float sum_lanes2(float2 v) {
    return v.s0 + v.s1;
}
//: sum_lanes4
static float sum_lanes4(float4 v) {
    return sum_lanes2(v.lo + v.hi);
}
//: sum_lanes8
static float sum_lanes8(float8 v) {
    return sum_lanes4(v.lo + v.hi);
}
//: sum_lanes16
static float sum_lanes16(float16 v) {
    return sum_lanes8(v.lo + v.hi);
}
//: sums_lanes8
// Of each its sum, as sum_lanes8 adds it up. Parts of a vector of 16 a compiler keeps as that, back into the loop that made
// them, and while a processor has any of 64 bytes to do it multiplies 32 at half its rate.
static float4 sums_lanes8(float8 a, float8 b, float8 c, float8 d) {
    const float8 x = (float8)(a.lo, b.lo) + (float8)(a.hi, b.hi);
    const float8 y = (float8)(c.lo, d.lo) + (float8)(c.hi, d.hi);
    const float8 h = (float8)(x.s01, x.s45, y.s01, y.s45) + (float8)(x.s23, x.s67, y.s23, y.s67);
    return h.even + h.odd;
}
//: sums_lanes16
static float4 sums_lanes16(float16 a, float16 b, float16 c, float16 d) {
    const float16 x = (float16)(a.lo, b.lo) + (float16)(a.hi, b.hi);
    const float16 y = (float16)(c.lo, d.lo) + (float16)(c.hi, d.hi);
    return sums_lanes8(x.lo, x.hi, y.lo, y.hi);
}
// The greatest, or NaN if any is.
//: max_lanes16
static float max_lanes16(float16 v) {
    const float8 a = v.lo < v.hi ? v.hi : v.lo;
    const float4 b = a.lo < a.hi ? a.hi : a.lo;
    const float2 c = b.lo < b.hi ? b.hi : b.lo;
    return !every16(v == v) ? NAN : c.s0 < c.s1 ? c.s1 : c.s0;
}
//: max_lanes8
static float max_lanes8(float8 v) {
    return max_lanes16((float16)(v, v));
}
//: max_lanes4
static float max_lanes4(float4 v) {
    return max_lanes16((float16)(v, v, v, v));
}
//: max_lanes2
static float max_lanes2(float2 v) {
    return v.s0 > v.s1 || v.s0 != v.s0 ? v.s0 : v.s1;
}

//: sumi_lanes2
static int sumi_lanes2(int2 v) {
    return (int)((uint)v.s0 + (uint)v.s1);
}
//: sumi_lanes4
static int sumi_lanes4(int4 v) {
    return sumi_lanes2(v.lo + v.hi);
}
//: sumi_lanes8
static int sumi_lanes8(int8 v) {
    return sumi_lanes4(v.lo + v.hi);
}
//: sumi_lanes16
static int sumi_lanes16(int16 v) {
    return sumi_lanes8(v.lo + v.hi);
}
//: maxi_lanes2
static int maxi_lanes2(int2 v) {
    return max(v.s0, v.s1);
}
//: maxi_lanes4
static int maxi_lanes4(int4 v) {
    return maxi_lanes2(max(v.lo, v.hi));
}
//: maxi_lanes8
static int maxi_lanes8(int8 v) {
    return maxi_lanes4(max(v.lo, v.hi));
}
//: maxi_lanes16
static int maxi_lanes16(int16 v) {
    return maxi_lanes8(max(v.lo, v.hi));
}

// Lanes from .. to - 1 of the vector at p[at], of `elems` elements in all: the others may be outside, and are anything.

//: ldp2
static float2 ldp2(__global const float *p, int at, int elems, int from, int to) {
    if (at >= 0 && at + 2 <= elems) return ld2(p + at);
    float v[2] = {0.0f};
    for (int i = max(from, 0); i < min(to, 2); i++) v[i] = p[at + i];
    return vload2(0, v);
}
//: ldp4
static float4 ldp4(__global const float *p, int at, int elems, int from, int to) {
    if (at >= 0 && at + 4 <= elems) return ld4(p + at);
    float v[4] = {0.0f};
    for (int i = max(from, 0); i < min(to, 4); i++) v[i] = p[at + i];
    return vload4(0, v);
}
//: ldp8
static float8 ldp8(__global const float *p, int at, int elems, int from, int to) {
    if (at >= 0 && at + 8 <= elems) return ld8(p + at);
    float v[8] = {0.0f};
    for (int i = max(from, 0); i < min(to, 8); i++) v[i] = p[at + i];
    return vload8(0, v);
}
//: ldp16
static float16 ldp16(__global const float *p, int at, int elems, int from, int to) {
    if (at >= 0 && at + 16 <= elems) return ld16(p + at);
    float v[16] = {0.0f};
    for (int i = max(from, 0); i < min(to, 16); i++) v[i] = p[at + i];
    return vload16(0, v);
}

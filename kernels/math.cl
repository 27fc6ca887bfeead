// math.cl: functions of f32 numbers, for processors: their drivers are slow at them, or wrong. All lanes go through the
// same operations, and what is shorter goes through the long vector: a number gives the same bits wherever it lies. Blocks
// as in vector.cl. The test `accuracy` holds the errors that docs/language.md states.
//
// The coefficients are minimax fits: that of the exponential has a relative error of 1.1e-7, the others of less than 3e-8, so
// that rounding makes most of the error. A comparison with NaN is false: NaN passes through every choice here.

// One more coefficient of a polynomial in x.
//: HORNER
#define HORNER(p, x, c) fma(p, x, (float16)(c))
//: within16
static float16 within16(float16 x, float low, float high) {
    x = x < low ? (float16)(low) : x;
    return x > high ? (float16)(high) : x;
}

// Whether a comparison holds in all lanes.
//: every16
static int every16(int16 v) {
#ifdef __AVX512F__
#if __has_builtin(__builtin_reduce_and)
    return __builtin_reduce_and(v);
#endif
#elif defined(__AVX__)
    return __builtin_ia32_movmskps256(as_float8(v.lo & v.hi)) == 255;
#endif
    const int8 a = v.lo & v.hi; // `all` goes lane by lane
    const int4 b = a.lo & a.hi;
    return (b.s0 & b.s1 & b.s2 & b.s3) < 0;
}

// e^x = 2^n e^f: n is whole, |f| <= ln(2) / 2. Without an instruction for 2^n it is added to the exponent, which makes a number
// where the result is a normal one. Whether all are is a branch: nothing waits for it, as it would for a choice.
//: exp_of16
static float16 exp_of16(float16 x) {
#ifdef __AVX512F__
    x = within16(x, -104.0f, 89.0f);
#endif
    const float16 t = fma(x, (float16)(1.44269504f), (float16)(12582912.0f)); // its last bits are n
    const float16 n = t - 12582912.0f;
    float16 f = fma(n, (float16)(-0.693359375f), x);
    f = fma(n, (float16)(2.12194440e-4f), f);
    const float16 square = f * f; // the terms in pairs: each waits for fewer others
    const float16 low = HORNER((float16)(1.666711996e-1f), f, 4.999922298e-1f);
    const float16 high = HORNER((float16)(8.312384802e-3f), f, 4.189140809e-2f);
    const float16 p = fma(fma(high, square, low), square, f) + 1.0f;
#ifdef __AVX512F__
    return __builtin_ia32_scalefps512_mask(p, n, p, (ushort)-1, 4);
#else
    const float16 y = as_float16(as_int16(p) + (as_int16(t) << 23));
    if (every16(fabs(x) <= 87.0f)) return y;
    return x < -87.3365478f ? (float16)(0.0f) : x <= 88.7228394f ? y : x + INFINITY;
#endif
}
//: exp_of8
static float8 exp_of8(float8 x) {
    return exp_of16((float16)(x, x)).lo;
}
//: exp_of4
static float4 exp_of4(float4 x) {
    return exp_of16((float16)(x, x, x, x)).s0123;
}
//: exp_of2
static float2 exp_of2(float2 x) {
    return exp_of16((float16)(x, x, x, x, x, x, x, x)).s01;
}
//: exp_of
static float exp_of(float x) {
    return exp_of16((float16)(x)).s0;
}

// log(x) = e log(2) + log(m) of normal numbers: m is from sqrt(1/2) to sqrt(2). Polynomial: Cephes, logf; its even and its odd
// terms by themselves, so that each waits for half of the others.
//: log_normal16
static __attribute__((always_inline)) float16 log_normal16(float16 x) {
    const int16 bits = as_int16(x) - 0x3f3504f3;
    const float16 e = convert_float16(bits >> 23);
    const float16 f = as_float16((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
    const float16 square = f * f;
    float16 p = HORNER((float16)(7.0376836292e-2f), square, 1.1676998740e-1f);
    float16 q = HORNER((float16)(-1.1514610310e-1f), square, -1.2420140846e-1f);
    p = HORNER(p, square, 1.4249322787e-1f);
    q = HORNER(q, square, -1.6668057665e-1f);
    p = HORNER(p, square, 2.0000714765e-1f);
    q = HORNER(q, square, -2.4999993993e-1f);
    p = HORNER(p, square, 3.3333331174e-1f);
    q = HORNER(q, square, -0.5f);
    return fma(e, (float16)(0.693147182f), fma(fma(p, f, q), square, f));
}
// Of numbers of which some are not normal, or not positive.
//: log_odd16
static __attribute__((noinline)) float16 log_odd16(float16 x) {
    const int16 tiny = x < 1.17549435e-38f;
    float16 p = log_normal16(tiny ? x * 16777216.0f : x);
    p = tiny ? p - 16.635532333f : p;
    p = x < INFINITY ? p : x;
    return x > 0.0f ? p : x == 0.0f ? (float16)(-INFINITY) : (float16)(NAN);
}
// As whole numbers, turned so that the least normal one is the least: one comparison says both.
//: log_of16
static float16 log_of16(float16 x) {
    if (!every16(as_int16(x) + 0x7f800000 < -0x1000000)) return log_odd16(x);
    return log_normal16(x);
}
//: log_of8
static float8 log_of8(float8 x) {
    return log_of16((float16)(x, x)).lo;
}
//: log_of4
static float4 log_of4(float4 x) {
    return log_of16((float16)(x, x, x, x)).s0123;
}
//: log_of2
static float2 log_of2(float2 x) {
    return log_of16((float16)(x, x, x, x, x, x, x, x)).s01;
}
//: log_of
static float log_of(float x) {
    return log_of16((float16)(x)).s0;
}

// tanh(x) = x P(x^2) / Q(x^2) up to where it is 1.
//: tanh_of16
static float16 tanh_of16(float16 x) {
    x = within16(x, -9.02f, 9.02f);
    const float16 z = x * x;
    float16 p = HORNER((float16)(1.678707129e-08f), z, 2.594328180e-05f);
    p = HORNER(p, z, 4.403888714e-03f);
    p = HORNER(p, z, 1.686387658e-01f);
    p = HORNER(p, z, 1.260407090e+00f);
    float16 q = HORNER((float16)(9.783145742e-07f), z, 4.138005315e-04f);
    q = HORNER(q, z, 3.260801733e-02f);
    q = HORNER(q, z, 5.887742639e-01f);
    q = HORNER(q, z, 1.260407090e+00f);
    return within16(x * p / q, -1.0f, 1.0f);
}
//: tanh_of8
static float8 tanh_of8(float8 x) {
    return tanh_of16((float16)(x, x)).lo;
}
//: tanh_of4
static float4 tanh_of4(float4 x) {
    return tanh_of16((float16)(x, x, x, x)).s0123;
}
//: tanh_of2
static float2 tanh_of2(float2 x) {
    return tanh_of16((float16)(x, x, x, x, x, x, x, x)).s01;
}
//: tanh_of
static float tanh_of(float x) {
    return tanh_of16((float16)(x)).s0;
}

// erf(x) = x P(x^2) / Q(x^2) up to where it is 1.
//: erf_of16
static float16 erf_of16(float16 x) {
    x = within16(x, -3.9f, 3.9f);
    const float16 z = x * x;
    float16 p = HORNER((float16)(3.112675586e-06f), z, 4.293796665e-04f);
    p = HORNER(p, z, 5.630910862e-03f);
    p = HORNER(p, z, 7.933239639e-02f);
    p = HORNER(p, z, 2.856889665e-01f);
    p = HORNER(p, z, 1.699649096e+00f);
    float16 q = HORNER((float16)(5.764503658e-05f), z, 1.743309083e-03f);
    q = HORNER(q, z, 2.246486768e-02f);
    q = HORNER(q, z, 1.714420319e-01f);
    q = HORNER(q, z, 7.552760243e-01f);
    q = HORNER(q, z, 1.506274819e+00f);
    return within16(x * p / q, -1.0f, 1.0f);
}
//: erf_of8
static float8 erf_of8(float8 x) {
    return erf_of16((float16)(x, x)).lo;
}
//: erf_of4
static float4 erf_of4(float4 x) {
    return erf_of16((float16)(x, x, x, x)).s0123;
}
//: erf_of2
static float2 erf_of2(float2 x) {
    return erf_of16((float16)(x, x, x, x, x, x, x, x)).s01;
}
//: erf_of
static float erf_of(float x) {
    return erf_of16((float16)(x)).s0;
}

// sin(x) and cos(x): x is n quarter turns and r, |r| <= pi / 4; the quarter says which polynomial, and its sign. The first
// step of the reduction is exact, so that r is, relative to itself, also near 0. That holds while n is small: farther
// numbers, infinities and NaN go by the driver's function, lane by lane.
//: turn16
static float16 turn16(float16 x, int quarters) {
    const float16 t = fma(x, (float16)(0.636619747f), (float16)(12582912.0f)); // its last bits are n
    const float16 n = t - 12582912.0f;
    float16 r = fma(n, (float16)(-1.57079625f), x);
    r = fma(n, (float16)(-7.54978942e-08f), r);
    r = fma(n, (float16)(-5.39030253e-15f), r);
    const float16 z = r * r;
    float16 s = HORNER((float16)(-1.950906332e-04f), z, 8.332118511e-03f);
    s = HORNER(s, z, -1.666665402e-01f);
    s = r * HORNER(s, z, 1.0f);
    float16 c = HORNER((float16)(2.442921281e-05f), z, -1.388728893e-03f);
    c = HORNER(c, z, 4.166664531e-02f);
    c = HORNER(c, z, -0.5f);
    c = HORNER(c, z, 1.0f);
    const int16 quarter = as_int16(t) + quarters;
    const float16 v = (quarter & 1) == 0 ? s : c;
    return as_float16(as_int16(v) ^ ((quarter & 2) << 30));
}
// Of numbers of which some are far from 0: those of y are right where x is near.
//: turn_far16
static __attribute__((noinline)) float16 turn_far16(float16 x, float16 y, int quarters) {
    float at[16], v[16];
    vstore16(x, 0, at);
    vstore16(y, 0, v);
    for (int i = 0; i < 16; i++)
        if (!(fabs(at[i]) <= 10000.0f)) v[i] = quarters ? cos(at[i]) : sin(at[i]);
    return vload16(0, v);
}
//: sin_of16
static float16 sin_of16(float16 x) {
    const float16 y = turn16(x, 0);
    return every16(fabs(x) <= 10000.0f) ? y : turn_far16(x, y, 0);
}
//: sin_of8
static float8 sin_of8(float8 x) {
    return sin_of16((float16)(x, x)).lo;
}
//: sin_of4
static float4 sin_of4(float4 x) {
    return sin_of16((float16)(x, x, x, x)).s0123;
}
//: sin_of2
static float2 sin_of2(float2 x) {
    return sin_of16((float16)(x, x, x, x, x, x, x, x)).s01;
}
//: sin_of
static float sin_of(float x) {
    return sin_of16((float16)(x)).s0;
}
//: cos_of16
static float16 cos_of16(float16 x) {
    const float16 y = turn16(x, 1);
    return every16(fabs(x) <= 10000.0f) ? y : turn_far16(x, y, 1);
}
//: cos_of8
static float8 cos_of8(float8 x) {
    return cos_of16((float16)(x, x)).lo;
}
//: cos_of4
static float4 cos_of4(float4 x) {
    return cos_of16((float16)(x, x, x, x)).s0123;
}
//: cos_of2
static float2 cos_of2(float2 x) {
    return cos_of16((float16)(x, x, x, x, x, x, x, x)).s01;
}
//: cos_of
static float cos_of(float x) {
    return cos_of16((float16)(x)).s0;
}

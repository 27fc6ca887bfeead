/* init_values: random bits, and the random values that params and states start with. Part of libdlg, and of models as
 * C programs (host.c).
 *
 * Establishes: the same bits for the same name, seed and place on every machine. Only additions,
 * multiplications, divisions and conversions of IEEE arithmetic are used, each rounded by
 * itself; nothing of libm, whose last bits differ between systems. */
#include <stdint.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* gcc does not contract under -std=c11 */
#endif

/* Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3". */
static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* Natural logarithm of a normal x > 0, to about 1e-16: x = m 2^e with m in [1/sqrt(2), sqrt(2)], and
 * ln m = 2 artanh((m - 1) / (m + 1)) as its series. */
static double natural_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int e = (int)(bits >> 52) - 1023;
    bits = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(1023) << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    double s = (m - 1) / (m + 1), z = s * s, sum = 0;
    for (int k = 27; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
    return e * 0.69314718055994530942 + 2 * s * sum;
}

/* Square root of x in [1, 100] by Newton's iteration. */
static double square_root(double x) {
    double y = x < 10 ? 2 : 6;
    for (int i = 0; i < 7; i++) y = 0.5 * (y + x / y);
    return y;
}

static double polynomial(const double *c, double x) {
    double y = c[7];
    for (int i = 6; i >= 0; i--) y = y * x + c[i];
    return y;
}

/* The inverse of the normal distribution function for p in [2^-25, 1 - 2^-25].
 * Source: Wichura 1988, AS 241 PPND16. Its third region (sqrt(-ln p) > 5) is never reached: it
 * begins below p = 2^-36. */
static double normal_quantile(double p) {
    static const double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                               1.9715909503065514427e+3, 1.3731693765509461125e+4,
                               4.5921953931549871457e+4, 6.7265770927008700853e+4,
                               3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[] = {1.0,
                               4.2313330701600911252e+1,
                               6.8718700749205790830e+2,
                               5.3941960214247511077e+3,
                               2.1213794301586595867e+4,
                               3.9307895800092710610e+4,
                               2.8729085735721942674e+4,
                               5.2264952788528545610e+3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                               5.76949722146069140550e0,  3.64784832476320460504e0,
                               1.27045825245236838258e0,  2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    double q = p - 0.5;
    if (q >= -0.425 && q <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(a, r) / polynomial(b, r);
    }
    double r = square_root(-natural_log(q < 0 ? p : 1 - p)) - 1.6;
    double x = polynomial(c, r) / polynomial(d, r);
    return q < 0 ? -x : x;
}

/* One random element from its 32 bits: uniform from a to b, or normal of the mean a and the deviation b. */
static float random_value(int normal, double a, double b, uint32_t word) {
    uint32_t top = word >> 8;
    if (!normal) {
        float lo = (float)a, hi = (float)b;
        float u = (float)top * 0x1p-24f;
        float width = hi - lo;
        float part = width * u;
        return lo + part;
    }
    double p = ((double)top + 0.5) * 0x1p-24;
    return (float)(a + b * normal_quantile(p));
}

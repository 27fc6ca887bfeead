/* The storage types: every bit pattern of f16 and bf16, and what lies between two neighbours, on the
 * device (for every target) and on the host, against the definition of rounding. */
#include "compile.h"
#include "device_fixture.h"
#include "dlg.h"
#include "ir.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERNS 65536

static const char program[] =
    "input h : f16[65536]\n"
    "input b : bf16[65536]\n"
    "input x : f32[65536]\n"
    "input k : i32[65536]\n"
    "entry widen -> hf = cast(h, f32), bf = cast(b, f32), hu = cast(h, u8), bh = cast(b, f16),\n"
    "    hb = cast(h, bf16), hh = copy(h), bb = copy(b), hi = cast(h, i32)\n"
    "entry narrow -> xh = cast(x, f16), xb = cast(x, bf16), xu = cast(x, u8), ku = cast(k, u8),\n"
    "    xhf = cast(cast(x, f16), f32) * 1, xbf = cast(cast(x, bf16), f32) * 1,\n"
    "    odd = cast(x[1:], f16), oddb = cast(x[1:], bf16)\n";

/* The definition of binary16 and of bfloat16: sign, exponent, fraction. */
static double value_of(DType t, uint32_t bits) {
    int width = t == DT_F16 ? 10 : 7, bias = t == DT_F16 ? 15 : 127, top = t == DT_F16 ? 31 : 255;
    int exponent = (int)(bits >> width) & top;
    double part = ldexp(bits & ((1u << width) - 1), -width);
    double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == top) return part != 0 ? (double)NAN : sign * (double)INFINITY;
    return sign * (exponent ? ldexp(1 + part, exponent - bias) : ldexp(part, 1 - bias));
}

/* Equal as numbers, the sign of zero included; a NaN is equal to any other. */
static bool equal(double a, double b) {
    return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

typedef struct Got {
    float hf[PATTERNS], bf[PATTERNS], xhf[PATTERNS], xbf[PATTERNS];
    uint16_t hb[PATTERNS], bh[PATTERNS], hh[PATTERNS], bb[PATTERNS], xh[PATTERNS], xb[PATTERNS],
        odd[PATTERNS - 1], oddb[PATTERNS - 1];
    uint8_t hu[PATTERNS], xu[PATTERNS], ku[PATTERNS];
    int32_t hi[PATTERNS];
    uint16_t every[PATTERNS];
    float x[PATTERNS];
    int32_t k[PATTERNS];
} Got;

static dlg_program *load(dlg_device *dev, const char *target) {
    dlg_program *prog = NULL;
    CompileOptions options = {.target = target};
    CompileResult r = compile_text("types.dlg", program, strlen(program), &options);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    int status = dlg_program_load_text(&prog, dev, "types.cl", r.text, r.text_len, NULL);
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(dev));
    CU_ASSERT_EQUAL_FATAL(status, DLG_OK);
    compile_free(&r);
    return prog;
}

static void get(dlg_program *prog, const char *name, void *to, size_t bytes) {
    CU_ASSERT_EQUAL(dlg_get(prog, name, to, bytes), DLG_OK);
}
#define GET(name) get(prog, #name, g->name, sizeof g->name)

static void check_widen(dlg_program *prog, Got *g) {
    unsigned wrong = 0;
    for (uint32_t i = 0; i < PATTERNS; i++) g->every[i] = (uint16_t)i;
    CU_ASSERT_EQUAL(dlg_set(prog, "h", g->every, sizeof g->every), DLG_OK);
    CU_ASSERT_EQUAL(dlg_set(prog, "b", g->every, sizeof g->every), DLG_OK);
    CU_ASSERT_EQUAL(dlg_run(prog, "widen"), DLG_OK);
    GET(hf), GET(bf), GET(hu), GET(bh), GET(hb), GET(hh), GET(bb), GET(hi);
    for (uint32_t i = 0; i < PATTERNS; i++) {
        double h = value_of(DT_F16, i), b = value_of(DT_BF16, i);
        bool good = equal((double)g->hf[i], h) && equal((double)g->bf[i], b) &&
                    equal(dlg_element(DLG_F16, g->every, i), h) &&
                    equal(dlg_element(DLG_BF16, g->every, i), b) &&
                    g->hu[i] == dtype_cast(DT_U8, h) && g->hi[i] == dtype_cast(DT_I32, h) &&
                    equal(value_of(DT_BF16, g->hb[i]), dtype_cast(DT_BF16, h)) &&
                    equal(value_of(DT_F16, g->bh[i]), dtype_cast(DT_F16, b)) &&
                    (isnan(h) ? isnan(value_of(DT_F16, g->hh[i])) : g->hh[i] == i) &&
                    (isnan(b) ? isnan(value_of(DT_BF16, g->bb[i])) : g->bb[i] == i);
        if (!good && wrong++ < 5) fprintf(stderr, "pattern %04x: %g, %g\n", i, h, b);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* What x, from lo to hi, is as a type that has both and nothing between: the nearer; the even one. */
static double nearest(double x, double lo, double hi, double even) {
    double middle = isinf(hi) ? hi : (lo + hi) / 2;
    return fabs(x) == fabs(middle) ? even : fabs(x) < fabs(middle) ? lo : hi;
}

/* The place of x between the pattern `i` and the next one outwards: which eighth of the gap, 8 being the
 * middle moved by one step of f32 down, 9 up. The gap beyond the greatest number is as wide as that below it. */
static float between(DType t, uint32_t i, int place) {
    double lo = value_of(t, i), hi = value_of(t, i + 1);
    if (isinf(hi)) hi = 2 * lo - value_of(t, i - 1);
    float x = (float)(lo + (hi - lo) * (place < 8 ? place : 4) / 8);
    if (place == 8) x = nextafterf(x, 0);
    if (place == 9) x = nextafterf(x, lo < 0 ? -INFINITY : INFINITY);
    return x;
}

static double want_between(DType t, uint32_t i, float x) {
    double lo = value_of(t, i), hi = value_of(t, i + 1), beyond = hi;
    if (isinf(hi)) beyond = 2 * lo - value_of(t, i - 1);
    double r = nearest((double)x, lo, beyond, i & 1 ? beyond : lo);
    return r == beyond ? hi : r;
}

static void check_narrow(dlg_program *prog, Got *g, DType t, int place) {
    unsigned wrong = 0;
    uint32_t top = t == DT_F16 ? 0x7c00 : 0x7f80;
    dlg_type type = t == DT_F16 ? DLG_F16 : DLG_BF16;
    for (uint32_t i = 0; i < PATTERNS; i++) {
        bool finite = (i & 0x7fff) < top;
        g->x[i] = finite ? between(t, i, place) : (float)value_of(t, i);
        g->k[i] = (int32_t)(i * 65537u);
    }
    CU_ASSERT_EQUAL(dlg_set(prog, "x", g->x, sizeof g->x), DLG_OK);
    CU_ASSERT_EQUAL(dlg_set(prog, "k", g->k, sizeof g->k), DLG_OK);
    CU_ASSERT_EQUAL(dlg_run(prog, "narrow"), DLG_OK);
    GET(xh), GET(xb), GET(xu), GET(ku), GET(xhf), GET(xbf), GET(odd), GET(oddb);
    for (uint32_t i = 0; i < PATTERNS; i++) {
        bool finite = (i & 0x7fff) < top;
        double x = (double)g->x[i], want = finite ? want_between(t, i, g->x[i]) : value_of(t, i);
        uint16_t host = 0;
        int put = dlg_put_element(type, &host, 0, x);
        bool good =
            equal(dtype_cast(t, x), want) &&
            (isinf(want) && finite ? put == DLG_ERR_DATA
                                   : put == DLG_OK && equal(value_of(t, host), want)) &&
            equal(value_of(t, t == DT_F16 ? g->xh[i] : g->xb[i]), want) &&
            equal((double)(t == DT_F16 ? g->xhf[i] : g->xbf[i]), want) &&
            (i == 0 || equal(value_of(t, t == DT_F16 ? g->odd[i - 1] : g->oddb[i - 1]), want)) &&
            g->xu[i] == dtype_cast(DT_U8, x) && g->ku[i] == dtype_cast(DT_U8, g->k[i]);
        if (!good && wrong++ < 5)
            fprintf(stderr,
                    "%s: %.9g (place %d of %04x): %.9g wanted; host %.9g, stored %.9g, in a "
                    "register %.9g\n",
                    dtype_name(t), x, place, i, want, dtype_cast(t, x),
                    value_of(t, t == DT_F16 ? g->xh[i] : g->xb[i]),
                    (double)(t == DT_F16 ? g->xhf[i] : g->xbf[i]));
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check_target(const char *kind) {
    dlg_device *dev = open_device();
    Got *g = calloc(1, sizeof *g);
    CU_ASSERT_PTR_NOT_NULL_FATAL(g);
    dlg_program *prog = load(dev, target_of_kind(dev, kind));
    check_widen(prog, g);
    for (int place = 0; place < 10; place++) {
        check_narrow(prog, g, DT_F16, place);
        check_narrow(prog, g, DT_BF16, place);
    }
    dlg_program_close(prog);
    dlg_device_close(dev);
    free(g);
}

static void test_cpu(void) {
    check_target("cpu");
}

static void test_gpu(void) {
    check_target("gpu");
}

static void test_table(void) {
    for (int t = 0; t < DT_COUNT; t++) {
        DType found;
        CU_ASSERT(dtype_find(dtype_name((DType)t), &found) && found == (DType)t);
        CU_ASSERT_STRING_EQUAL(dtype_name((DType)t), dlg_type_name((dlg_type)t));
        CU_ASSERT_EQUAL(dtype_bytes((DType)t), dlg_type_bytes((dlg_type)t));
    }
    CU_ASSERT(dtype_holds(DT_F32, DT_U8) && dtype_holds(DT_I32, DT_U8) &&
              dtype_holds(DT_F32, DT_BF16) && !dtype_holds(DT_F32, DT_I32) &&
              !dtype_holds(DT_F16, DT_BF16) && !dtype_holds(DT_U8, DT_I32));
}

RUN_SUITE("types", {"for the cpu", test_cpu}, {"for the gpu", test_gpu}, {"the tables", test_table})

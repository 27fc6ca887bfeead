/* How exact the functions of the device are over the whole range of f32, for every target: the table of
 * docs/language.md states these bounds. The inputs are all exponents with several mantissas each, of both
 * signs, and the special values; the reference is the C library in double precision.
 *
 * Results below the least normal f32 may be flushed to zero, as OpenCL allows. DLG_ACCURACY=1 prints what
 * was measured. */
#include "compile.h"
#include "device_fixture.h"
#include "dlg.h"
#include "suite.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 16384

typedef struct Function {
    const char *call;
    double (*host)(double x, double y);
    double bound; /* relative */
} Function;

static double host_exp(double x, double y) {
    return (void)y, exp(x);
}

static double host_log(double x, double y) {
    return (void)y, log(x);
}

static double host_tanh(double x, double y) {
    return (void)y, tanh(x);
}

static double host_erf(double x, double y) {
    return (void)y, erf(x);
}

static double host_sin(double x, double y) {
    return (void)y, sin(x);
}

static double host_cos(double x, double y) {
    return (void)y, cos(x);
}

static double host_sqrt(double x, double y) {
    return (void)y, sqrt(x);
}

static double host_rsqrt(double x, double y) {
    return (void)y, 1 / sqrt(x);
}

static double host_pow(double x, double y) {
    return pow(x, y);
}

static double host_div(double x, double y) {
    return x / y;
}

/* docs/language.md has the same rows. */
static const Function functions[] = {
    {"exp(x)", host_exp, 1e-6},   {"log(x)", host_log, 1e-6},     {"tanh(x)", host_tanh, 1e-6},
    {"erf(x)", host_erf, 3e-6},   {"sin(x)", host_sin, 1e-6},     {"cos(x)", host_cos, 1e-6},
    {"sqrt(x)", host_sqrt, 4e-7}, {"rsqrt(x)", host_rsqrt, 4e-7}, {"pow(x, y)", host_pow, 2e-6},
    {"x / y", host_div, 4e-7},
};

/* Every exponent with 64 mantissas, half of them negative; then numbers near 0 to 100, as models have. */
static void fill(float *x, float *y) {
    uint64_t state = 7;
    for (int i = 0; i < COUNT; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint32_t bits = (uint32_t)(state >> 41) | (uint32_t)(i % 256) << 23;
        if (i / 256 % 2) bits |= 0x80000000u;
        memcpy(&x[i], &bits, sizeof bits);
        if (i % 3 == 0) x[i] = (float)((double)(state >> 11) / 9007199254740992.0 * 200 - 100);
        y[i] = (float)((double)(state >> 20 & 0xfffff) / 1048576.0 * 8 - 4);
        if (isnan(x[i])) x[i] = NAN;
    }
    static const float special[] = {0, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, FLT_MAX, FLT_MIN};
    memcpy(x, special, sizeof special);
}

/* Where both are too large, or both too small, for an f32 they agree. */
static bool is_beyond(double want, float got) {
    if (isnan(want)) return isnan(got);
    if (fabs(want) > FLT_MAX * (1 - 1e-6) && fabs((double)got) >= FLT_MAX * (1 - 1e-5))
        return (want > 0) == (got > 0);
    return fabs(want) < FLT_MIN * 1.0001 && fabs((double)got) < FLT_MIN * 1.0001;
}

static double worst_of(const Function *f, const float *x, const float *y, const float *got,
                       int *where) {
    double worst = 0;
    for (int i = 0; i < COUNT; i++) {
        double want = f->host(x[i], y[i]);
        if (fabs(x[i]) > 0 && fabs(x[i]) < FLT_MIN) continue; /* a device may take it as 0 */
        if (is_beyond(want, got[i]) || want == (double)got[i]) continue;
        if (fabs((double)got[i] - want) < 4 * FLT_MIN) continue; /* or what it adds on the way */
        double error = fabs((double)got[i] - want) / fabs(want);
        if (!(error <= worst)) worst = error, *where = i;
        if (isnan(error)) return INFINITY;
    }
    return worst;
}

static void check_target(dlg_device *device, const char *target, const float *x, const float *y,
                         float *got) {
    char text[2048];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "input x : f32[%d]\ninput y : f32[%d]\nentry e ->", COUNT, COUNT);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s r%zu = %s", i ? "," : "", i,
                              functions[i].call);
    snprintf(text + n, sizeof text - n, "\n");
    CompileOptions options = {.target = target};
    CompileResult r = compile_text("accuracy.dlg", text, strlen(text), &options);
    dlg_program *program = NULL;
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    CU_ASSERT_EQUAL_FATAL(
        dlg_program_load_text(&program, device, "accuracy", r.text, r.text_len, NULL), DLG_OK);
    compile_free(&r);
    CU_ASSERT_EQUAL(dlg_set(program, "x", x, COUNT * sizeof *x), DLG_OK);
    CU_ASSERT_EQUAL(dlg_set(program, "y", y, COUNT * sizeof *y), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(dlg_run(program, "e"), DLG_OK);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        char name[16];
        int where = 0;
        snprintf(name, sizeof name, "r%zu", i);
        CU_ASSERT_EQUAL_FATAL(dlg_get(program, name, got, COUNT * sizeof *got), DLG_OK);
        double worst = worst_of(&functions[i], x, y, got, &where);
        bool good = worst <= functions[i].bound;
        if (!good || getenv("DLG_ACCURACY"))
            fprintf(stderr, "%s, %s: %.3g at x = %.9g, y = %.9g: %.9g, by the C library %.9g\n",
                    target, functions[i].call, worst, x[where], y[where], got[where],
                    functions[i].host(x[where], y[where]));
        CU_ASSERT(good);
    }
    dlg_program_close(program);
}

static void test_functions(void) {
    float *x = malloc(3 * COUNT * sizeof *x);
    dlg_device *device = open_device();
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    fill(x, x + COUNT);
    check_target(device, target_of_kind(device, "cpu"), x, x + COUNT, x + 2 * COUNT);
    check_target(device, target_of_kind(device, "gpu"), x, x + COUNT, x + 2 * COUNT);
    dlg_device_close(device);
    free(x);
}

#define WIDTH 31 /* of a row: vectors of 16, 8, 4 and 2, and one number */

/* A number gives the same bits in every vector, whatever lies beside it; what must be exact is. */
static void test_same_bits(void) {
    static const char text[] =
        "input x : f32[512, 31]\nz = x[:, ::-1]\n"
        "entry e -> a0 = copy(exp(x)), b0 = exp(z), a1 = copy(log(x)), b1 = log(z),"
        " a2 = copy(tanh(x)), b2 = tanh(z), a3 = copy(erf(x)), b3 = erf(z),"
        " a4 = copy(sin(x)), b4 = sin(z), a5 = copy(cos(x)), b5 = cos(z)\n";
    const size_t count = 512 * WIDTH;
    float *x = malloc(4 * COUNT * sizeof *x);
    dlg_device *device = open_device();
    dlg_program *program = NULL;
    CompileOptions options = {.target = target_of_kind(device, "cpu")};
    CompileResult r = compile_text("bits.dlg", text, strlen(text), &options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    CU_ASSERT_EQUAL_FATAL(dlg_program_load_text(&program, device, "bits", r.text, r.text_len, NULL),
                          DLG_OK);
    compile_free(&r);
    fill(x, x + COUNT);
    CU_ASSERT_EQUAL(dlg_set(program, "x", x, count * sizeof *x), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(dlg_run(program, "e"), DLG_OK);
    for (int f = 0; f < 6; f++) {
        char a_name[] = "a0", b_name[] = "b0";
        float *a = x + 2 * COUNT, *b = x + 3 * COUNT;
        size_t differ = 0;
        a_name[1] = b_name[1] = (char)('0' + f);
        CU_ASSERT_EQUAL_FATAL(dlg_get(program, a_name, a, count * sizeof *a), DLG_OK);
        CU_ASSERT_EQUAL_FATAL(dlg_get(program, b_name, b, count * sizeof *b), DLG_OK);
        for (size_t i = 0; i < count; i++) {
            const float *other = &b[i / WIDTH * WIDTH + WIDTH - 1 - i % WIDTH];
            differ += memcmp(&a[i], other, sizeof *a) != 0 && !(isnan(a[i]) && isnan(*other));
        }
        CU_ASSERT_EQUAL(differ, 0);
        /* fill: the first are 0, -0, 1, -1, infinity, -infinity, NaN */
        const bool odd = f == 2 || f == 3 || f == 4;
        if (odd) CU_ASSERT(a[0] == 0 && !signbit(a[0]) && a[1] == 0 && signbit(a[1]));
        if (f == 2 || f == 3) CU_ASSERT(a[4] == 1 && a[5] == -1);
        if (f == 0 || f == 5) CU_ASSERT(a[0] == 1 && a[1] == 1);
        if (f == 0) CU_ASSERT(isinf(a[4]) && a[5] == 0);
        if (f == 1) CU_ASSERT(a[0] == -INFINITY && a[2] == 0 && isnan(a[3]) && isinf(a[4]));
        CU_ASSERT(isnan(a[6]));
    }
    dlg_program_close(program);
    dlg_device_close(device);
    free(x);
}

/* What decays does not end among numbers that processors take long for. Other devices may keep these, as they are: one is as
 * fast with them, and keeps them wherever what a kernel adds and multiplies is not to be contracted. */
static void test_subnormal(void) {
    static const char text[] = "input x : f32[64]\nentry e -> y = x * 0.5\n";
    static const char *const kinds[] = {"cpu", "gpu"};
    for (int t = 0; t < 2; t++) {
        float x[64], y[64];
        dlg_device *device = open_device();
        dlg_program *program = NULL;
        CompileOptions options = {.target = target_of_kind(device, kinds[t])};
        const bool processor = strcmp(dlg_device_get_info(device)->type, "cpu") == 0;
        CompileResult r = compile_text("decay.dlg", text, strlen(text), &options);
        CU_ASSERT_EQUAL_FATAL(r.status, 0);
        CU_ASSERT_EQUAL_FATAL(
            dlg_program_load_text(&program, device, "decay", r.text, r.text_len, NULL), DLG_OK);
        compile_free(&r);
        for (int i = 0; i < 64; i++)
            x[i] = ldexpf(1, -125 - i % 16); /* -126: the least normal one */
        CU_ASSERT_EQUAL(dlg_set(program, "x", x, sizeof x), DLG_OK);
        CU_ASSERT_EQUAL(dlg_run(program, "e"), DLG_OK);
        CU_ASSERT_EQUAL(dlg_get(program, "y", y, sizeof y), DLG_OK);
        for (int i = 0; i < 64; i++) {
            const float half = ldexpf(1, -126 - i % 16);
            const bool flushed = i % 16 && y[i] == 0, kept = y[i] == half;
            CU_ASSERT(flushed || (kept && (i % 16 == 0 || !processor)));
        }
        dlg_program_close(program);
        dlg_device_close(device);
    }
}

RUN_SUITE("accuracy", {"functions over the whole range", test_functions},
          {"the same bits in every vector", test_same_bits}, {"subnormal numbers", test_subnormal})

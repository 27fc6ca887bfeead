/* The bound on bytes and what launches are counted to touch, against sums by hand. */
#include "compile.h"
#include "util.h"

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

/* Inputs that the cases read: f32 but for `i`. */
static const char head[] = "input x : f32[10]\n"
                           "input a : f32[4, 8]\n"
                           "input b : f32[8, 6]\n"
                           "input c : f32[6, 2]\n"
                           "input v : f32[7, 4]\n"
                           "input m : f32[4, 4]\n"
                           "input i : i32[3]\n"
                           "input wide : f32[100, 64]\n"
                           "param w : f32[8, 6] = 0\n"
                           "param t : f32[1000, 16] = 0\n";

/* Sum of the numbers after ` bytes ` in the plan, and the one after ` bound `. */
static void read_plan(const char *plan, double *bytes, double *bound) {
    const char *at = strstr(plan, " bound ");
    *bytes = 0;
    *bound = at ? atof(at + 7) : -1;
    for (at = plan; (at = strstr(at, " bytes ")); at++) *bytes += atof(at + 7);
}

static void compile_case(const char *text, double *bytes, double *bound) {
    CompileOptions options = {.emit = EMIT_PLAN, .opt_level = 2}; /* every cluster a launch */
    char source[4096];
    snprintf(source, sizeof source, "%s%s\n", head, text);
    CompileResult r = compile_text("a.dlg", source, strlen(source), &options);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    read_plan(r.text, bytes, bound);
    compile_free(&r);
}

/* Everything is counted in numbers of 4 bytes. */
static const struct {
    const char *text;
    int bound, bytes; /* bytes -1: not what this is about */
} cases[] = {
    /* Each input once in, each output once out, however often it is used. */
    {"entry e -> y = x * 2 + x", 20, 20},
    {"entry e -> y = x * 2, z = x * 2", 30, 30},
    {"entry e -> y = sum(x)", 11, 11},
    {"entry e -> y = sum(exp(wide) * exp(wide))", 6401, 6401},
    /* A contraction: its result once out, unless that is what is returned. */
    {"entry e -> y = a @ b", 32 + 48 + 24, 104},
    {"entry e -> y = reshape(a @ b, 24)", 32 + 48 + 24, -1},
    {"entry e -> y = relu(a @ b)", 32 + 48 + 24 + 24, 104},
    /* Once in for every later contraction that needs it, through whatever lies between. */
    {"entry e -> y = relu(a @ b) @ c", 32 + 48 + 12 + 24 + 24 + 8, 148},
    {"h = a @ b\nentry e -> y = h @ c, z = (h + mean(h)) @ c", 32 + 48 + 12 + 24 + 2 * 24 + 16, -1},
    {"h = a @ b\nentry e -> y = tanh(h @ c) @ c' + h", 32 + 48 + 12 + 24 + 24 + 8 + 8 + 24 + 24,
     -1},
    /* Only what is read of a value. */
    {"entry e -> y = wide[:, 0:16] + 1", 2 * 1600, 3200},
    {"entry e -> y = wide[::10, ::2] + 1", 2 * 320, 640},
    {"entry e -> y = wide[5:8] + wide[95:98]", 3 * 192, -1},
    {"entry e -> y = reshape(wide, 6400)[64:128] + 1", 2 * 64, 128},
    {"entry e -> y = wide'[3] + 1", 2 * 100, 200},
    {"entry e -> y = pad(x[2:4], 3, 0, 0) + 1", 2 + 5, -1},
    {"entry e -> y = concat(x, x[0:4], axis = 0)[8:12] + 1", 4 + 4, -1},
    {"entry e -> y = sum(window(x[0:6], 0, 3, 1, 1), axis = 1)", 6 + 4, 10},
    {"entry e -> y = sum(window(x, 0, 1, 3, 1), axis = 1)", 4 + 4, 8},
    {"entry e -> y = (a @ b)[:, 0:2] @ c[0:2]", 32 + 16 + 4 + 2 * 8 + 8, -1},
    {"entry e -> y = t[i]", 3 + 2 * 48, 99},
    {"entry e -> y = t[i] * 2 + wide[i, 0:16]", 3 + 3 * 48, 147},
    {"entry e -> y = t[i] + t[i + 1]", 3 + 3 * 48, 147},
    /* What is updated: in and out. A launch touches it once. */
    {"entry e { w <- w * 0.9 }", 48 + 48, 48},
    {"entry e { w <- a' @ (a @ w) }", 32 + 48 + 24 + 24 + 48, -1},
    {"entry e -> y = sum(w) { w <- w * 0 + 1 }", 48 + 1 + 48, -1},
    /* A loop is one thing: what it reads once in, what it leaves once out. */
    {"h, hs = scan k in 0..7 with h = zeros(4) {\n h = tanh(v[k] + h @ m)\n yield h\n}\n"
     "entry e -> y = hs",
     28 + 16 + 28, -1},
    {"h, hs = scan k in 0..7 with h = zeros(4) {\n h = tanh(v[k] + h @ m)\n yield h\n}\n"
     "entry e -> y = h * 2",
     28 + 16 + 4 + 4, -1},
    {"h, hs = scan k in 0..7 with h = zeros(4) {\n h = tanh((v @ m)[k] + h)\n yield h\n}\n"
     "entry e -> y = hs @ m",
     28 + 16 + 28 + 28 + 28 + 28 + 28, -1},
    {"g = scan k in 0..3 {\n yield v[2 * k]\n}\nentry e -> y = g", 12 + 12, -1},
    {"o = scan k in 0..3 with o = zeros(4) {\n"
     " p = scan l in 0..2 with p = o {\n  p = p @ m + v[l]\n }\n o = p\n}\n"
     "entry e -> y = o",
     8 + 16 + 4, -1},
};

static void test_cases(void) {
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
        double bytes, bound;
        compile_case(cases[k].text, &bytes, &bound);
        if (bound != 4.0 * cases[k].bound)
            fprintf(stderr, "%s: bound %.0f, not %d\n", cases[k].text, bound, 4 * cases[k].bound);
        CU_ASSERT_EQUAL(bound, 4.0 * cases[k].bound);
        if (cases[k].bytes < 0) continue;
        if (bytes != 4.0 * cases[k].bytes)
            fprintf(stderr, "%s: bytes %.0f, not %d\n", cases[k].text, bytes, 4 * cases[k].bytes);
        CU_ASSERT_EQUAL(bytes, 4.0 * cases[k].bytes);
    }
}

/* Thousands of contractions that each need all before them: no bound, and no wait. */
static void test_too_many(void) {
    double bytes, bound;
    compile_case("h = m\nfor k in 0..1500 { h = tanh(h @ m) + h }\nentry e -> y = h", &bytes,
                 &bound);
    CU_ASSERT(bound > 0);
    compile_case("h = m\nfor k in 0..3000 { h = tanh(h @ m) + h }\nentry e -> y = h", &bytes,
                 &bound);
    CU_ASSERT_EQUAL(bound, -1);
}

RUN_SUITE("bound", {"against sums by hand", test_cases}, {"too many contractions", test_too_many})

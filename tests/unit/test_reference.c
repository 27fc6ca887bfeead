/* The check of gradients by differences (reference.h): that it passes what is right, and fails what is
 * not. */
#include "reference.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>

static const Entry *entry_of(const Reference *r, const char *name) {
    for (uint32_t i = 0; i < r->program->entries.len; i++) {
        const Entry *e = r->program->entries.at[i];
        if (!strcmp(e->name, name) && !e->variant) return e;
    }
    return NULL;
}

static void set_variables(Reference *r) {
    for (uint32_t v = 0; v < r->program->vars.len; v++) {
        for (int64_t i = 0; i < shape_elems(&r->program->vars.at[v].shape); i++)
            r->vars[v][i] = sin((double)(v * 31 + (uint64_t)i * 7)) * 0.8;
    }
}

/* A model with values; both are the caller's. */
static Reference *open_model(const char *file, CompileResult *result) {
    Reference *r;
    *result = reference_open(&r, file, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    set_variables(r);
    return r;
}

static void test_derivatives(void) {
    CompileResult result;
    Reference *r = open_model(DLG_SOURCE_DIR "/samples/xor.dlg", &result);
    const Entry *train = entry_of(r, "train");
    CU_ASSERT_PTR_NOT_NULL_FATAL(train);
    CU_ASSERT_EQUAL(train->derivatives.len, 4);
    for (uint32_t i = 0; i < train->derivatives.len; i++) {
        Derivative d = train->derivatives.at[i];
        DerivativeCheck check;
        for (uint64_t seed = 1; seed <= 5; seed++) {
            CU_ASSERT(reference_derivative(r, train, &d, seed, &check));
            CU_ASSERT_PTR_NULL(check.skipped);
            CU_ASSERT(check.error < 1e-6);
            CU_ASSERT(fabs(check.difference) > 1e-6);
        }
        d.gradient = d.wrt; /* of the same shape, and something else */
        CU_ASSERT(reference_derivative(r, train, &d, 1, &check));
        CU_ASSERT(check.error > 1e-2);
    }
    compile_free(&result);
    reference_close(r);
}

/* All but the two of which differences tell nothing: one rounds, one is inside a loop. */
static void test_bindings(void) {
    CompileResult result;
    Reference *r = open_model(DLG_SOURCE_DIR "/tests/diff/bindings.dlg", &result);
    const Entry *look = entry_of(r, "look");
    CU_ASSERT_PTR_NOT_NULL_FATAL(look);
    uint32_t skipped = 0;
    for (uint32_t i = 0; i < look->derivatives.len; i++) {
        DerivativeCheck check;
        CU_ASSERT(reference_derivative(r, look, &look->derivatives.at[i], i, &check));
        skipped += check.skipped != NULL;
        CU_ASSERT(check.skipped || check.error < 1e-6);
    }
    CU_ASSERT(look->derivatives.len > 20);
    CU_ASSERT_EQUAL(skipped, 2);
    compile_free(&result);
    reference_close(r);
}

/* relu at 0: differences there are half of the gradient on one side. A gradient is held beside it, and
 * one that is wrong is found there. */
static void test_kink(void) {
    CompileResult result;
    Reference *r = open_model(DLG_SOURCE_DIR "/tests/data/kink.dlg", &result);
    for (uint32_t v = 0; v < r->program->vars.len; v++)
        if (!strcmp(r->program->vars.at[v].name, "b"))
            memset(r->vars[v], 0, 4 * sizeof(double)); /* its shape in the file */
    const Entry *train = entry_of(r, "train"), *stuck = entry_of(r, "stuck");
    CU_ASSERT_FATAL(train && stuck);
    Derivative d = train->derivatives.at[0];
    DerivativeCheck check;
    double **before = r->vars;
    CU_ASSERT(reference_derivative(r, train, &d, 1, &check));
    CU_ASSERT_PTR_NULL(check.skipped);
    CU_ASSERT(check.beside && check.error < 1e-6 && fabs(check.difference) > 1e-3);
    CU_ASSERT_PTR_EQUAL(r->vars, before);
    d.gradient = d.wrt;
    CU_ASSERT(reference_derivative(r, train, &d, 1, &check));
    CU_ASSERT(check.beside && check.error > 1e-2);
    CU_ASSERT(reference_derivative(r, stuck, &stuck->derivatives.at[0], 1, &check));
    CU_ASSERT_PTR_NOT_NULL_FATAL(check.skipped);
    CU_ASSERT_PTR_NOT_NULL(strstr(check.skipped, "a kink"));
    compile_free(&result);
    reference_close(r);
}

/* Noise is what f32 makes of a value: of one that is 0 in mathematics too, and none of what is exact. */
static void test_noise(void) {
    CompileResult result;
    Reference *r = open_model(DLG_SOURCE_DIR "/tests/data/kink.dlg", &result);
    const Entry *noisy = entry_of(r, "noisy");
    CU_ASSERT_PTR_NOT_NULL_FATAL(noisy);
    bool *wanted = calloc(noisy->graph.nodes.len + 1, sizeof *wanted);
    CU_ASSERT_PTR_NOT_NULL_FATAL(wanted);
    for (uint32_t i = 0; i < noisy->outputs.len; i++) wanted[noisy->outputs.at[i].node] = true;
    double **results = reference_run(r, noisy);
    CU_ASSERT_PTR_NOT_NULL_FATAL(results);
    double **noise = reference_noise(r, noisy, results, wanted);
    CU_ASSERT_PTR_NOT_NULL_FATAL(noise);
    NodeId zero = noisy->outputs.at[0].node, exact = noisy->outputs.at[1].node;
    CU_ASSERT(fabs(results[zero][0]) < 1e-15);
    CU_ASSERT(noise[zero][0] > 1e-9 && noise[zero][0] < 1e-6);
    CU_ASSERT_EQUAL(noise[exact][0], 0);
    free(wanted);
    compile_free(&result);
    reference_close(r);
}

/* Values that nothing needs any more make room for others, those of loops too; what is asked for stays. */
static void test_memory(void) {
    CompileResult result;
    Reference *r = open_model(DLG_SOURCE_DIR "/tests/data/deep.dlg", &result);
    const Entry *e = entry_of(r, "deep");
    const Graph *g = &e->graph;
    Arena arena;
    double all = 0;
    arena_init(&arena, &r->limit);
    for (NodeId id = 0; id < g->nodes.len; id++)
        all += (double)shape_elems(&node_at(g, id)->shape) * sizeof(double);
    const double bytes = reference_bytes(r, e);
    CU_ASSERT(bytes < all / 8);
    const size_t before = r->limit.used_bytes;
    double **some = reference_run(r, e);
    CU_ASSERT_PTR_NOT_NULL_FATAL(some);
    CU_ASSERT((double)(r->limit.used_bytes - before) < 2 * bytes);
    if (setjmp(r->limit.failed)) {
        CU_FAIL_FATAL("no memory");
    }
    double **results = NEW_ARRAY(&arena, double *, g->nodes.len + 1);
    interp_run(g, &arena, r->vars, results);
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        const NodeId id = e->outputs.at[i].node;
        const size_t elems = (size_t)shape_elems(&node_at(g, id)->shape);
        CU_ASSERT_PTR_NOT_NULL_FATAL(some[id]);
        CU_ASSERT(!memcmp(some[id], results[id], elems * sizeof(double)));
    }
    arena_free(&arena);
    compile_free(&result);
    reference_close(r);
}

static void test_no_file(void) {
    Reference *r;
    CompileResult result = reference_open(&r, "/nonexistent.dlg", NULL);
    CU_ASSERT_EQUAL(result.status, 1);
    CU_ASSERT_PTR_NULL(r);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.diagnostics, "cannot read /nonexistent.dlg"));
    compile_free(&result);
}

RUN_SUITE("reference", {"gradients by differences", test_derivatives},
          {"gradients by bindings", test_bindings}, {"kinks", test_kink},
          {"noise of f32", test_noise}, {"memory", test_memory},
          {"a file that is not there", test_no_file})

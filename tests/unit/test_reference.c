/* The check of gradients by differences (reference.h): that it passes what is right, and fails what is
 * not. */
#include "reference.h"
#include "suite.h"

#include <math.h>
#include <stdlib.h>

static const Entry *train_of(const Reference *r) {
    for (uint32_t i = 0; i < r->program->entries.len; i++) {
        const Entry *e = r->program->entries.at[i];
        if (!strcmp(e->name, "train") && !e->variant) return e;
    }
    return NULL;
}

static void test_derivatives(void) {
    Reference *r;
    CompileResult result = reference_open(&r, DLG_SOURCE_DIR "/samples/xor.dlg", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    for (uint32_t v = 0; v < r->program->vars.len; v++) {
        for (int64_t i = 0; i < shape_elems(&r->program->vars.at[v].shape); i++)
            r->vars[v][i] = sin((double)(v * 31 + (uint64_t)i * 7)) * 0.8;
    }
    const Entry *train = train_of(r);
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

static void test_no_file(void) {
    Reference *r;
    CompileResult result = reference_open(&r, "/nonexistent.dlg", NULL);
    CU_ASSERT_EQUAL(result.status, 1);
    CU_ASSERT_PTR_NULL(r);
    CU_ASSERT_PTR_NOT_NULL(strstr(result.diagnostics, "cannot read /nonexistent.dlg"));
    compile_free(&result);
}

RUN_SUITE("reference", {"gradients by differences", test_derivatives},
          {"a file that is not there", test_no_file})

/* Stores that pass by the caches: where a kernel moves more than they hold, of what it does not read; and that they
 * store what others would. */
#include "compile.h"
#include "device_fixture.h"
#include "dlg.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define COUNT 3000005 /* with x and y 36 MB; a remainder that no vector divides */

static CompileResult compiled(const char *text) {
    CompileOptions options = {.target = "cpu"};
    CompileResult r = compile_text("stream.dlg", text, strlen(text), &options);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    return r;
}

static void test_text(void) {
    static const struct {
        const char *text;
        bool streams;
    } cases[] = {
        {"input x : f32[5000000]\nentry e -> y = 2 * x + 1", true},
        {"input x : f32[100000]\nentry e -> y = 2 * x + 1", false},         /* small */
        {"param p : f32[5000000] = 1\nentry e { p <- 2 * p }", false},      /* is read */
        {"input x : f32[5000, 1000]\nentry e -> y = softmax(x)", false},    /* has much to do */
        {"input x : f32[5000000]\nentry e -> y = cast(2 * x, f16)", false}, /* half as wide */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CompileResult r = compiled(cases[i].text);
        CU_ASSERT_EQUAL(strstr(r.text, "stream16(") != NULL, cases[i].streams);
        compile_free(&r);
    }
}

static void test_values(void) {
    CompileResult r = compiled("input x : f32[3000005]\ninput z : f32[3000005]\n"
                               "entry e -> y = 2 * x + z");
    float *x = malloc(2 * COUNT * sizeof *x), *y = x + COUNT;
    dlg_device *device;
    dlg_program *program = NULL;
    size_t wrong = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(x);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "stream16("));
    device = open_device();
    CU_ASSERT_EQUAL_FATAL(
        dlg_program_load_text(&program, device, "stream", r.text, r.text_len, NULL), DLG_OK);
    compile_free(&r);
    for (int i = 0; i < COUNT; i++) x[i] = (float)(i % 1000);
    CU_ASSERT_EQUAL(dlg_set(program, "x", x, COUNT * sizeof *x), DLG_OK);
    CU_ASSERT_EQUAL(dlg_set(program, "z", x, COUNT * sizeof *x), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(dlg_run(program, "e"), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(dlg_get(program, "y", y, COUNT * sizeof *y), DLG_OK);
    for (int i = 0; i < COUNT; i++) wrong += y[i] != 3 * x[i];
    CU_ASSERT_EQUAL(wrong, 0);
    dlg_program_close(program);
    dlg_device_close(device);
    free(x);
}

RUN_SUITE("stream", {"which stores pass by the caches", test_text},
          {"what they store", test_values})

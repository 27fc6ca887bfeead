/* What a driver says of kernels that do not build, of drivers that heed #line and of one that does not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "build_log.h"
#include "suite.h"

static const char text[] = "int a;\nint b = amiss;\nint c;\n";

static void expect(const char *log, int64_t first, const char *want) {
    char *got = build_log(log, "my \"m\".cl", first, text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_STRING_EQUAL(got, want);
    free(got);
}

static void test_heeded(void) {
    expect("my \"m\".cl:41:9: error: what is amiss?\n", 40,
           "my \"m\".cl:41:9: error: what is amiss?\n    41 | int b = amiss;");
    expect("nothing that has a place: error\n", 40, "nothing that has a place: error");
    expect("my \"m\".cl:7:1: error: before the text\n", 40,
           "my \"m\".cl:7:1: error: before the text");
}

static void test_not_heeded(void) {
    expect("<kernel>:3:9: error: use of 'amiss'\nint b = amiss;\n        ^\n<kernel>:4:1: note: "
           "12:13: here\n",
           40,
           "my \"m\".cl:41:9: error: use of 'amiss'\nint b = amiss;\n        ^\n"
           "my \"m\".cl:42:1: note: 12:13: here\n    41 | int b = amiss;");
    expect("ptxas fatal : Unresolved extern 'f'\n", 40, "ptxas fatal : Unresolved extern 'f'");
    expect("<kernel>:99999999999999:1: error: no line\n", 40,
           "<kernel>:99999999999999:1: error: no line");
}

/* A name that the log has in other words is no name there; of a long one the preprocessor is told the beginning. */
static void test_names(void) {
    char *got = build_log("<kernel>:3:9: error: k is amiss", "k", 40, text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_STRING_EQUAL(got, "k:41:9: error: k is amiss\n    41 | int b = amiss;");
    free(got);
    char name[2000], log[600];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    snprintf(log, sizeof log, "%.500s:41:9: error: amiss", name);
    got = build_log(log, name, 40, text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "n:41:9: error: amiss\n    41 | int b = amiss;"));
    free(got);
}

/* Lines of something else are not quoted. */
static void test_elsewhere(void) {
    expect("ptxas m, line 12; error : syntax\n", 0, "ptxas m, line 12; error : syntax");
    expect("m:2:1: error: of PTX\n", 0, "m:2:1: error: of PTX");
}

/* One word can give thousands of errors. */
static void test_cut(void) {
    static const char line[] = "<kernel>:3:9: error: amiss\n";
    size_t len = sizeof line - 1, count = 10000;
    char *log = malloc(len * count + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(log);
    for (size_t i = 0; i < count; i++) memcpy(log + i * len, line, len + 1);
    char *got = build_log(log, "m.cl", 40, text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT(strlen(got) < 4096);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "m.cl:41:9: error: amiss\n..."));
    free(got);
    free(log);
}

RUN_SUITE("build_log", {"heeded", test_heeded}, {"not heeded", test_not_heeded},
          {"names", test_names}, {"elsewhere", test_elsewhere}, {"cut", test_cut})

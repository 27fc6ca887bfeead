/* suite: the main of a unit test. */
#ifndef DLG_SUITE_H
#define DLG_SUITE_H

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Of what a test goes through, whether this process takes number `i`: it is one of several that share it where
 * DLG_TEST_PART is K/N, the K-th of N (CMakeLists.txt has them). */
static inline bool in_part(size_t i) {
    const char *value = getenv("DLG_TEST_PART");
    size_t part = 1, parts = 1;
    if (!value) return true;
    if (sscanf(value, "%zu/%zu", &part, &parts) != 2 || part < 1 || part > parts) {
        fprintf(stderr, "DLG_TEST_PART is not K/N: %s\n", value);
        exit(1);
    }
    return i % parts == part - 1;
}

/* A test driver of one suite: RUN_SUITE("name", {"what", test}, ...) is main. */
#define RUN_SUITE(name, ...)                                                                       \
    int main(void) {                                                                               \
        CU_TestInfo tests[] = {__VA_ARGS__, CU_TEST_INFO_NULL};                                    \
        CU_SuiteInfo suites[] = {{name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};       \
        if (CU_initialize_registry() != CUE_SUCCESS) return 1;                                     \
        if (CU_register_suites(suites) != CUE_SUCCESS) return 1;                                   \
        CU_basic_set_mode(CU_BRM_VERBOSE);                                                         \
        CU_basic_run_tests();                                                                      \
        unsigned failures = CU_get_number_of_failures();                                           \
        CU_cleanup_registry();                                                                     \
        return failures != 0;                                                                      \
    }

#endif

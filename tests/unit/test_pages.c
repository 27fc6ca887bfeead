/* Memory for buffers: zero, apart, and given back when the last of a region is. */
#include "rt.h"
#include "suite.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the process's address space. */
static size_t space(void) {
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    return pages * 4096;
}

static void test_pages(void) {
    enum { COUNT = 40 };
    static const size_t sizes[] = {1, 64, 128, 4097, 3u << 20, 20u << 20, 0};
    Pages *now = NULL, *of[COUNT];
    char *at[COUNT];
    size_t before = space();
    for (int i = 0; i < COUNT; i++) {
        size_t bytes = sizes[i % 7];
        at[i] = pages_take(&now, bytes, &of[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(at[i]);
        CU_ASSERT_EQUAL((uintptr_t)at[i] % 128, 0);
        for (size_t k = 0; k < bytes; k += 61) CU_ASSERT_EQUAL_FATAL(at[i][k], 0);
        memset(at[i], i + 1, bytes);
    }
    for (int i = 0; i < COUNT; i++) {
        size_t bytes = sizes[i % 7];
        bool own = true;
        for (size_t k = 0; k < bytes; k++) own &= at[i][k] == i + 1;
        CU_ASSERT(own);
    }
    CU_ASSERT(of[0] == of[1] && of[0] != of[5]);
    CU_ASSERT(space() > before + (100u << 20));
    for (int i = 0; i < COUNT; i++) pages_give(of[i]);
    CU_ASSERT(space() < before + (70u << 20)); /* the one that is not full */
    pages_give(now);
    CU_ASSERT(space() < before + (20u << 20));
    CU_ASSERT_PTR_NULL(pages_take(&now, SIZE_MAX - 5, &of[0]));
}

RUN_SUITE("pages", {"pages", test_pages})

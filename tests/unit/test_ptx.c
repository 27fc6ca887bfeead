/* Lines of PTX put into what a driver made of a program: the marked ones are live then, all else is as it was; and what is
 * not such a text is told. */
#include "ptx.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static void edited(const char *from, const char *to) {
    const char *why;
    char *exact = malloc(
        strlen(from) + 1); /* without a zero behind it, so that a checker sees what reads beyond */
    CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
    memcpy(exact, from, strlen(from));
    char *out = ptx_edit(exact, strlen(from), &why);
    CU_ASSERT_PTR_NULL(why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_STRING_EQUAL(out, to);
    free(out);
    free(exact);
}

static void refused(const char *from, size_t len, const char *says) {
    const char *why;
    char *exact = malloc(len + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
    memcpy(exact, from, len);
    CU_ASSERT_PTR_NULL(ptx_edit(exact, len, &why));
    CU_ASSERT_PTR_NOT_NULL_FATAL(why);
    CU_ASSERT_PTR_NOT_NULL(strstr(why, says));
    free(exact);
}

static void test_edit(void) {
    edited("//\n// by a driver\n.version 9.0\n.target sm_90, texmode_independent\n.entry k() {\n"
           "\t// DLG wgmma.fence.sync.aligned;\n\t// other\n  ret;\n}\n",
           "//\n// by a driver\n.version 9.0\n.target sm_90a, texmode_independent\n.entry k() {\n"
           "wgmma.fence.sync.aligned;\n// other\nret;\n}\n");
    edited(".target sm_90\n// DLG a;\n// DLG b;", ".target sm_90a\na;\nb;");
    edited("// DLG a;\n.target sm_90", "a;\n.target sm_90a");
}

static void test_refused(void) {
    static const char whole[] = ".version 9.0\n.target sm_90, texmode_independent\n// DLG a;\n";
    refused("", 0, "has no line `.target");
    refused("\177ELF\0\0\1\2", 8, "no text");
    refused(".target sm_80\n// DLG a;\n", 24, "has no line `.target");
    refused(".target sm_90a\n// DLG a;\n", 25, "has no line `.target");
    refused(".target sm_900\n// DLG a;\n", 25, "has no line `.target");
    refused(".target sm_90\n.target sm_90\n// DLG a;\n", 37, "several");
    refused(".target sm_90\n//DLG a;\n", 23, "none of the lines");
    /* Cut anywhere it is text still, or told; zeros behind it are no part of it. */
    for (size_t len = 0; len < sizeof(whole); len++) {
        const char *why;
        char *exact = malloc(len + 1), *out;
        CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
        memcpy(exact, whole, len);
        out = ptx_edit(exact, len, &why);
        CU_ASSERT((out == NULL) == (why != NULL));
        CU_ASSERT(!out || !strstr(out, "DLG "));
        free(out);
        free(exact);
    }
    edited(".target sm_90\n// DLG a;\n", ".target sm_90a\na;\n");
    const char *why;
    char *out = ptx_edit(".target sm_90\n// DLG a;\n\0\0", 26, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_STRING_EQUAL(out, ".target sm_90a\na;\n");
    free(out);
}

RUN_SUITE("ptx", {"edit", test_edit}, {"refused", test_refused})

/* How compiling grows: programs of many kinds (tests/scale/program.sh), each at a size and at twice that.
 * Memory is counted exactly, so that a quadratic step in it is seen on any machine; the time has a limit
 * that only a quadratic step passes. tests/scale/run.sh counts instructions. */
#include "compile.h"

#include "graph_fixture.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SCRIPT           "sh '" DLG_SOURCE_DIR "/tests/scale/program.sh'"
#define MOST_GROWTH      2.3 /* of twice the program; arrays grow by doubling */
#define FULL_BYTES       ((size_t)380 << 20)
#define FULL_SECONDS     20.0
#define SOURCE_MOST      ((size_t)16 << 20)
#define COMMAND_MOST     4200
#define KINDS_MOST       64
#define WRONG_ON_PURPOSE "errors unknown"

typedef struct Kind {
    char name[32];
    int size; /* about 100,000 nodes, or a limit of the language */
} Kind;

static Kind kinds[KINDS_MOST];
static int kind_count;

static FILE *run_script(const char *arguments) {
    char command[COMMAND_MOST];
    snprintf(command, sizeof(command), SCRIPT " %s", arguments);
    return popen(command, "r");
}

static void read_kinds(void) {
    char line[200];
    FILE *f = run_script("");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (kind_count < KINDS_MOST && fgets(line, sizeof(line), f)) {
        Kind *k = &kinds[kind_count++];
        CU_ASSERT_EQUAL_FATAL(sscanf(line, "%31s %d", k->name, &k->size), 2);
    }
    CU_ASSERT_EQUAL_FATAL(pclose(f), 0);
    CU_ASSERT_TRUE_FATAL(kind_count > 20 && kind_count < KINDS_MOST);
}

typedef struct Cost {
    size_t bytes;
    double seconds;
} Cost;

static Cost compile_kind(const Kind *k, int size) {
    char arguments[100];
    char *text = malloc(SOURCE_MOST);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    snprintf(arguments, sizeof(arguments), "%s %d", k->name, size);
    FILE *f = run_script(arguments);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    size_t len = fread(text, 1, SOURCE_MOST, f);
    CU_ASSERT_EQUAL_FATAL(pclose(f), 0);
    clock_t start = clock();
    CompileResult r = compile_text("large.dlg", text, len, NULL);
    Cost cost = {r.memory_bytes, (double)(clock() - start) / CLOCKS_PER_SEC};
    int wanted = strstr(WRONG_ON_PURPOSE, k->name) ? 1 : 0;
    if (r.status != wanted) fprintf(stderr, "%s: %.500s\n", arguments, r.diagnostics);
    CU_ASSERT_EQUAL(r.status, wanted);
    compile_free(&r);
    free(text);
    return cost;
}

static void test_growth(void) {
    for (int i = 0; i < kind_count; i++) {
        Cost half = compile_kind(&kinds[i], kinds[i].size / 8);
        Cost whole = compile_kind(&kinds[i], kinds[i].size / 4);
        double growth = (double)whole.bytes / (double)half.bytes;
        if (growth > MOST_GROWTH)
            fprintf(stderr, "%s %d: %zu bytes, and twice that: %zu\n", kinds[i].name,
                    kinds[i].size / 8, half.bytes, whole.bytes);
        CU_ASSERT(growth <= MOST_GROWTH);
    }
}

static void test_full(void) {
    if (getenv("DLG_SANITIZE")) return; /* three times the memory, ten times the time */
    for (int i = 0; i < kind_count; i++) {
        Cost cost = compile_kind(&kinds[i], kinds[i].size);
        if (cost.bytes > FULL_BYTES || cost.seconds > FULL_SECONDS || getenv("DLG_SCALE_PRINT"))
            fprintf(stderr, "%-12s %6d: %4zu MB, %5.2f s\n", kinds[i].name, kinds[i].size,
                    cost.bytes >> 20, cost.seconds);
        CU_ASSERT(cost.bytes <= FULL_BYTES);
        CU_ASSERT(cost.seconds <= FULL_SECONDS);
    }
}

static void test_kinds(void) {
    read_kinds();
}

#include "suite.h"
RUN_SUITE("scale", {"the kinds of programs", test_kinds},
          {"twice the program, twice the memory", test_growth},
          {"a graph of 100,000 nodes", test_full})

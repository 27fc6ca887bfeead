/* Repeats of a plan: nested ones run in their order with the numbers of their iterations; what is broken is
 * refused; buffers that live from one iteration to the next may not share memory. */
#include "device_fixture.h"
#include "rt_fixture.h"

/* Counts in base 10: each launch adds digits of where it stands; the last writes the result. */
#define PROGRAM(body)                                                                              \
    "//! dlg 1\n"                                                                                  \
    "//! model repeats target cpu from \"repeats.dlg\"\n"                                          \
    "//! arena 256\n"                                                                              \
    "//! buffer 0 sum i32 scalar output\n"                                                         \
    "//! buffer 1 a i32 scalar arena 0\n"                                                          \
    "//! buffer 2 b i32 scalar arena 0\n"                                                          \
    "//! buffer 3 c i32 scalar arena 128\n"                                                        \
    "//! entry e returns sum\n" body "//! kernels 2 checksum 0000000000000000\n"                   \
    "\n"                                                                                           \
    "__kernel void clear(__global int *x) { *x = 0; }\n"                                           \
    "__kernel void add(__global int *x, int i, int j) { *x = (*x * 7 + 100 * i + 10 * j + 1) % "   \
    "1000003; }\n"                                                                                 \
    "//! end\n"

#define CLEAR     "//! launch clear global 1 local 1 args 0\n"
#define ADD(i, j) "//! launch add global 1 local 1 args 0 " i " " j "\n"

static int load(dlg_device *dev, dlg_program **prog, const char *text) {
    char *copy = strdup(text);
    sign(copy);
    int status = dlg_program_load_text(prog, dev, "repeats.cl", copy, strlen(copy), NULL);
    free(copy);
    return status;
}

static int32_t add(int32_t x, int32_t i, int32_t j) {
    return (x * 7 + 100 * i + 10 * j + 1) % 1000003;
}

static void test_nested(void) {
    dlg_device *dev = open_device();
    dlg_program *prog;
    int32_t sum = 0, want = 0;
    int status = load(
        dev, &prog,
        PROGRAM(
            CLEAR "//! repeat 3\n//! repeat 2\n" ADD("@0", "@1") "//! end-repeat\n" ADD("@0", "=5") "//! repeat 4\n" ADD(
                "@1",
                "@0") "//! end-repeat\n//! end-repeat\n" ADD("=8",
                                                             "=9") "//! repeat 2\n" ADD("=0",
                                                                                        "@0") "//! "
                                                                                              "end-"
                                                                                              "repe"
                                                                                              "at"
                                                                                              "\n"));
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(dev));
    CU_ASSERT_EQUAL_FATAL(status, DLG_OK);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 2; j++) want = add(want, i, j);
        want = add(want, i, 5);
        for (int j = 0; j < 4; j++) want = add(want, j, i);
    }
    want = add(want, 8, 9);
    for (int j = 0; j < 2; j++) want = add(want, 0, j);
    const dlg_entry *e = dlg_entry_find(prog, "e");
    CU_ASSERT_EQUAL(e->repeat_count, 4);
    CU_ASSERT_EQUAL(e->repeats[0].first, 1);
    CU_ASSERT_EQUAL(e->repeats[0].end, 4);
    CU_ASSERT_EQUAL(e->repeats[1].end, 2);
    CU_ASSERT_EQUAL(e->repeats[3].trips, 2);
    for (int run = 0; run < 2; run++) {
        CU_ASSERT_EQUAL(dlg_run(prog, "e"), DLG_OK);
        CU_ASSERT_EQUAL(dlg_get(prog, "sum", &sum, sizeof sum), DLG_OK);
        CU_ASSERT_EQUAL(sum, want);
    }
    dlg_program_close(prog);
    dlg_device_close(dev);
}

/* More iterations than launches may be in flight. */
static void test_long(void) {
    dlg_device *dev = open_device();
    dlg_program *prog;
    int32_t sum = 0, want = 0;
    CU_ASSERT_EQUAL_FATAL(
        load(dev, &prog, PROGRAM(CLEAR "//! repeat 20000\n" ADD("@0", "=3") "//! end-repeat\n")),
        DLG_OK);
    CU_ASSERT_EQUAL(dlg_run(prog, "e"), DLG_OK);
    CU_ASSERT_EQUAL(dlg_get(prog, "sum", &sum, sizeof sum), DLG_OK);
    for (int i = 0; i < 20000; i++) want = (int32_t)((want * INT64_C(7) + 100 * i + 31) % 1000003);
    CU_ASSERT_EQUAL(sum, want);
    dlg_program_close(prog);
    dlg_device_close(dev);
}

static void refused(const char *text, const char *why) {
    dlg_device *dev;
    dlg_program *prog;
    CU_ASSERT_EQUAL_FATAL(dlg_device_open(&dev, "none"), DLG_OK);
    CU_ASSERT_EQUAL(load(dev, &prog, text), DLG_ERR_PROGRAM);
    expect_message(dev, why);
    dlg_device_close(dev);
}

static void accepted(const char *text) {
    dlg_device *dev;
    dlg_program *prog;
    CU_ASSERT_EQUAL_FATAL(dlg_device_open(&dev, "none"), DLG_OK);
    int status = load(dev, &prog, text);
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(dev));
    CU_ASSERT_EQUAL(status, DLG_OK);
    if (status == DLG_OK) dlg_program_close(prog);
    dlg_device_close(dev);
}

static void test_rules(void) {
    refused(PROGRAM("//! repeat 0\n" CLEAR "//! end-repeat\n"), "how often to repeat");
    refused(PROGRAM("//! repeat 2147483648\n" CLEAR "//! end-repeat\n"), "how often to repeat");
    refused(PROGRAM("//! repeat -1\n" CLEAR "//! end-repeat\n"), "how often to repeat");
    refused(PROGRAM("//! repeat 3 4\n" CLEAR "//! end-repeat\n"), "");
    refused(PROGRAM("//! repeat\n" CLEAR "//! end-repeat\n"), "how often to repeat");
    refused(PROGRAM(CLEAR "//! repeat 3\n//! end-repeat\n"), "a repeat of nothing");
    refused(PROGRAM("//! repeat 3\n" CLEAR), "a repeat is not ended");
    refused(PROGRAM("//! repeat 3\n" CLEAR "//! entry f returns sum\n"), "a repeat is not ended");
    refused(PROGRAM(CLEAR "//! end-repeat\n"), "there is no repeat to end");
    refused(PROGRAM(CLEAR ADD("@0", "=1")), "`@0` is not the iteration");
    refused(PROGRAM("//! repeat 3\n" CLEAR ADD("@1", "=1") "//! end-repeat\n"),
            "one of the 1 repeats");
    refused(PROGRAM("//! repeat 3\n" CLEAR ADD("@-1", "=1") "//! end-repeat\n"),
            "is not the iteration");
    refused(PROGRAM("//! repeat 3\n" CLEAR ADD("@", "=1") "//! end-repeat\n"),
            "is not the iteration");
    refused(PROGRAM("//! repeat 1\n//! repeat 1\n//! repeat 1\n//! repeat 1\n//! repeat 1\n"
                    "//! repeat 1\n//! repeat 1\n//! repeat 1\n//! repeat 1\n" CLEAR),
            "more than 8 repeats in each other");
    accepted(PROGRAM("//! repeat 1\n//! repeat 1\n//! repeat 1\n//! repeat 1\n//! repeat 1\n"
                     "//! repeat 1\n//! repeat 1\n//! repeat 1\n" CLEAR
                     "//! end-repeat\n//! end-repeat\n//! end-repeat\n//! end-repeat\n"
                     "//! end-repeat\n//! end-repeat\n//! end-repeat\n//! end-repeat\n"));
}

#define USE(buffer) "//! launch clear global 1 local 1 args " buffer "\n"

/* a and b lie at one place: whether they live at one time is what decides. */
static void test_lifetimes(void) {
    const char *overlap = "overlaps";
    accepted(PROGRAM(CLEAR USE("1") USE("2")));
    refused(PROGRAM(CLEAR USE("1") USE("2") USE("1")), overlap);
    /* Local to an iteration, one after the other. */
    accepted(PROGRAM(CLEAR "//! repeat 2\n" USE("1") USE("2") "//! end-repeat\n"));
    /* a comes from outside: it lives through the repeat. */
    refused(PROGRAM(CLEAR USE("1") "//! repeat 2\n" USE("1") USE("2") "//! end-repeat\n"), overlap);
    /* b is used after the repeat: it lived from its beginning. */
    refused(PROGRAM(CLEAR "//! repeat 2\n" USE("1") USE("2") "//! end-repeat\n" USE("2")), overlap);
    /* Even where one ends in the launch in which the other begins. */
    refused(
        PROGRAM(CLEAR USE("1") "//! repeat 2\n//! launch add global 1 local 1 args 1 =1 =2\n" USE(
            "2") "//! end-repeat\n"),
        overlap);
    /* In the outer iteration only: a dies before the inner repeat begins, b is local to that. */
    accepted(PROGRAM(CLEAR "//! repeat 2\n" USE("1") "//! repeat 2\n" USE(
        "2") "//! end-repeat\n//! end-repeat\n"));
    refused(PROGRAM(CLEAR "//! repeat 2\n" USE("1") "//! repeat 2\n" USE("2")
                        USE("1") "//! end-repeat\n//! end-repeat\n"),
            overlap);
}

RUN_SUITE("repeat", {"nested", test_nested}, {"long", test_long}, {"rules", test_rules},
          {"lifetimes", test_lifetimes})

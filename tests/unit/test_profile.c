/* Profiles: one event a launch, with what the plan says of it; what is computed stays the same. Needs a device. */
#include <jansson.h>
#include "device_fixture.h"
#include "rt_fixture.h"

typedef struct Fixture {
    dlg_device *dev;
    dlg_program *prog;
} Fixture;

static void check(const Fixture *f, int status) {
    if (status == DLG_OK) return;
    fprintf(stderr, "\n  %s\n", dlg_error_text(f->dev));
    CU_FAIL("an error");
}

static void fixture_open(Fixture *f) {
    *f = (Fixture){0};
    f->dev = open_device();
    check(f, dlg_program_load_file(&f->prog, f->dev, XOR_PATH, NULL));
    if (!f->prog) exit(1);
    check(f, dlg_set(f->prog, "x", xor_x, sizeof xor_x));
    check(f, dlg_set(f->prog, "y", xor_y, sizeof xor_y));
}

static void fixture_close(Fixture *f) {
    dlg_program_close(f->prog);
    dlg_device_close(f->dev);
}

static void test_events(void) {
    Fixture f;
    float plain, timed;
    fixture_open(&f);
    for (int i = 0; i < 3; i++) check(&f, dlg_run(f.prog, "train"));
    check(&f, dlg_get(f.prog, "loss", &plain, sizeof plain));
    check(&f, dlg_init(f.prog, 0));

    const dlg_entry *train = dlg_entry_find(f.prog, "train");
    const dlg_profile_row *rows;
    size_t count;
    check(&f, dlg_profile_begin(f.dev, "profile.json"));
    for (int i = 0; i < 3; i++) check(&f, dlg_run(f.prog, "train"));
    check(&f, dlg_profile_end(f.dev, &rows, &count));
    check(&f, dlg_get(f.prog, "loss", &timed, sizeof timed));
    CU_ASSERT_EQUAL(plain, timed);

    uint64_t launches = 0;
    CU_ASSERT_EQUAL(count, train->launch_count);
    for (size_t i = 0; i < count; i++) {
        launches += rows[i].launches;
        CU_ASSERT(rows[i].seconds > 0 && (i == 0 || rows[i].seconds <= rows[i - 1].seconds));
        CU_ASSERT_STRING_EQUAL(rows[i].entry, "train");
    }
    CU_ASSERT_EQUAL(launches, 3 * train->launch_count);

    json_t *trace = json_load_file("profile.json", 0, NULL);
    const json_t *events = json_object_get(trace, "traceEvents");
    CU_ASSERT_EQUAL_FATAL(json_array_size(events), 3 * train->launch_count + 1);
    double end = 0;
    for (size_t i = 1; i < json_array_size(events); i++) { /* the first names the device */
        const json_t *event = json_array_get(events, i), *args = json_object_get(event, "args");
        const dlg_launch *l = &train->launches[(i - 1) % train->launch_count];
        double at = json_number_value(json_object_get(event, "ts"));
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(event, "name")), l->kernel);
        CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(event, "ph")), "X");
        CU_ASSERT_EQUAL(json_integer_value(json_object_get(args, "step")),
                        (json_int_t)((i - 1) / train->launch_count));
        CU_ASSERT(at >= end - 1e-3); /* one after the other */
        end = at + json_number_value(json_object_get(event, "dur"));
    }
    CU_ASSERT_EQUAL(
        json_integer_value(json_object_get(json_object_get(trace, "otherData"), "left_out")), 0);
    json_decref(trace);
    fixture_close(&f);
}

/* More launches than are read at once; a second profile; one that is not ended. */
static void test_many(void) {
    Fixture f;
    const dlg_profile_row *rows;
    size_t count;
    fixture_open(&f);
    check(&f, dlg_profile_begin(f.dev, "many.json"));
    for (int i = 0; i < 1500; i++) check(&f, dlg_run(f.prog, "train"));
    check(&f, dlg_profile_end(f.dev, &rows, &count));
    for (size_t i = 0; i < count; i++) CU_ASSERT_EQUAL(rows[i].launches, 1500);
    check(&f, dlg_run(f.prog, "train")); /* is not timed */
    check(&f, dlg_profile_begin(f.dev, "second.json"));
    check(&f, dlg_profile_end(f.dev, &rows, &count));
    CU_ASSERT_EQUAL(count, 0);
    check(&f, dlg_profile_begin(f.dev, NULL)); /* the sums alone */
    check(&f, dlg_run(f.prog, "train"));
    check(&f, dlg_profile_end(f.dev, &rows, &count));
    CU_ASSERT_EQUAL(count, dlg_entry_find(f.prog, "train")->launch_count);
    for (size_t i = 0, seen = 0; i < count; i++) {
        CU_ASSERT_EQUAL(rows[i].launches, 1);
        CU_ASSERT_TRUE(rows[i].launch < count && !(seen >> rows[i].launch & 1));
        seen |= (size_t)1 << rows[i].launch;
    }
    check(&f, dlg_profile_begin(f.dev, "lost.json"));
    check(&f, dlg_run(f.prog, "train"));
    fixture_close(&f);
    FILE *lost = fopen("lost.json", "r");
    CU_ASSERT_PTR_NULL(lost);
    if (lost) fclose(lost);
    remove("profile.json");
    remove("many.json");
    remove("second.json");
}

static void test_refused(void) {
    Fixture f;
    fixture_open(&f);
    CU_ASSERT_EQUAL(dlg_profile_end(f.dev, NULL, NULL), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_profile_begin(NULL, "x"), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_profile_begin(f.dev, "no/such/directory"), DLG_ERR_FILE);
    expect_message(f.dev, "no/such/directory");
    check(&f, dlg_run(f.prog, "train"));
    dlg_device *none;
    CU_ASSERT_EQUAL(dlg_device_open(&none, "none"), DLG_OK);
    CU_ASSERT_EQUAL(dlg_profile_begin(none, "x"), DLG_ERR_USAGE);
    dlg_device_close(none);
    fixture_close(&f);
}

RUN_SUITE("profile", {"events", test_events}, {"many", test_many}, {"refused", test_refused})

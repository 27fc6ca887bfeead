/* Data sets: which files feed which inputs, what is refused, what is held out. No device is needed. */
#include "data_fixture.h"

#include <sys/stat.h>

#define LINE DLG_SOURCE_DIR "/tests/data/line.cl"
#define XOR  DLG_SOURCE_DIR "/tests/data/xor.cl"

static dlg_program *load(dlg_device *dev, const char *path) {
    dlg_program *prog;
    if (dlg_program_load_file(&prog, dev, path, NULL) == DLG_OK) return prog;
    fprintf(stderr, "%s\n", dlg_error_text(dev));
    exit(1);
}

static int open_with(dlg_dataset **d, dlg_program *prog, const char *entry, const dlg_data *data,
                     size_t count) {
    dlg_dataset_options o = {
        .entries = &entry, .entry_count = 1, .data = data, .data_count = count};
    return dlg_dataset_open(d, prog, &o);
}

/* The model's own file, found beside the program: samples along either axis, of three types. */
static void test_model_sources(void) {
    dlg_device *dev = none_device();
    dlg_program *prog = load(dev, LINE);
    dlg_dataset *d;
    CU_ASSERT_EQUAL_FATAL(dlg_dataset_open(&d, prog, NULL), DLG_OK);
    CU_ASSERT_EQUAL(dlg_dataset_rows(d, DLG_ROWS_ALL), 11);
    CU_ASSERT_EQUAL(dlg_dataset_rows(d, DLG_ROWS_TRAINING), 11);
    CU_ASSERT_PTR_NULL(dlg_dataset_values(d, dlg_tensor_find(prog, "rate")));
    const float *x = dlg_dataset_values(d, dlg_tensor_find(prog, "x@1"));
    const float *t = dlg_dataset_values(d, dlg_tensor_find(prog, "t"));
    const int32_t *id = dlg_dataset_values(d, dlg_tensor_find(prog, "id"));
    const uint8_t *even = dlg_dataset_values(d, dlg_tensor_find(prog, "even"));
    CU_ASSERT(memcmp(x, t, 22 * sizeof *x) == 0);
    for (int i = 0; i < 11; i++) CU_ASSERT(id[i] == i && even[i] == (i % 2 == 0));
    CU_ASSERT(strstr(dlg_dataset_text(d), "line.csv: 11 rows after a header") != NULL);
    size_t batch;
    CU_ASSERT_EQUAL(dlg_dataset_batch(d, dlg_entry_find(prog, "train"), &batch), DLG_OK);
    CU_ASSERT_EQUAL(batch, 4);
    CU_ASSERT_EQUAL(dlg_dataset_batch(d, dlg_entry_find(prog, "evaluate@1"), &batch), DLG_OK);
    CU_ASSERT_EQUAL(batch, 1);
    dlg_dataset_close(d);
    dlg_program_close(prog);
    dlg_device_close(dev);
}

static void test_given(void) {
    dlg_device *dev = none_device();
    dlg_program *prog = load(dev, XOR);
    dlg_dataset *d;
    write_file("t-xor.csv", "9,0,0,0\n9,0,1,1\n9,1,0,1\n9,1,1,0\n", 32);
    write_file("t-y.csv", "0\n1\n1\n0\n", 8);
    dlg_data files[] = {{"x", "t-xor.csv:1:3", NULL, 0}, {"y", "./t-y.csv:0:1", NULL, 0}};
    CU_ASSERT_EQUAL_FATAL(open_with(&d, prog, "train", files, 2), DLG_OK);
    const float *x = dlg_dataset_values(d, dlg_tensor_find(prog, "x")),
                *y = dlg_dataset_values(d, dlg_tensor_find(prog, "y"));
    CU_ASSERT(x[0] == 0 && x[3] == 1 && x[4] == 1 && y[1] == 1 && y[3] == 0);
    dlg_dataset_close(d);
    /* The model's columns hold for another table; the whole of a table when it has none. */
    dlg_data other[] = {{"x", "t-xor.csv:1:3", NULL, 0}, {"y", "t-xor.csv", NULL, 0}};
    CU_ASSERT_EQUAL_FATAL(open_with(&d, prog, "train", other, 2), DLG_OK);
    CU_ASSERT(((const float *)dlg_dataset_values(d, dlg_tensor_find(prog, "y")))[1] == 1);
    dlg_dataset_close(d);
    write_file("t-x.csv", "0,0\n0,1\n1,0\n1,1\n", 16);
    dlg_data whole[] = {{"x", "t-x.csv", NULL, 0}};
    CU_ASSERT_EQUAL_FATAL(open_with(&d, prog, "predict", whole, 1), DLG_OK);
    dlg_dataset_close(d);
    /* Arrays, converted; memory; one array for two inputs would have to fit both. */
    CU_ASSERT_EQUAL(
        npy_write(dev, "t-x.npy", DLG_I32, 2, (int64_t[]){3, 2}, (int32_t[]){1, 2, 3, 4, 5, 6}), 0);
    float values[] = {7, 8, 9};
    dlg_data mixed[] = {{"x", "t-x.npy", NULL, 0}, {"y", NULL, values, 3}};
    CU_ASSERT_EQUAL_FATAL(open_with(&d, prog, "train", mixed, 2), DLG_OK);
    CU_ASSERT_EQUAL(dlg_dataset_rows(d, DLG_ROWS_ALL), 3);
    x = dlg_dataset_values(d, dlg_tensor_find(prog, "x"));
    y = dlg_dataset_values(d, dlg_tensor_find(prog, "y"));
    CU_ASSERT(x[5] == 6 && y[2] == 9);
    dlg_dataset_close(d);
    unlink("t-xor.csv"), unlink("t-y.csv"), unlink("t-x.csv"), unlink("t-x.npy");
    dlg_program_close(prog);
    dlg_device_close(dev);
}

/* An array whose samples lie along axis 1, as the input's do. */
/* What stays in memory is no more than is allowed, of all inputs together and however wide it is there. */
static void test_memory(void) {
    enum { ROWS = 300 };
    dlg_device *dev = none_device();
    dlg_program *prog = load(dev, XOR);
    dlg_dataset *d;
    for (int y = 0; y < 2; y++) {
        char npy[128 + 2 * ROWS] = "\x93NUMPY\1\0\x76\0";
        int n =
            snprintf(npy + 10, sizeof npy - 10,
                     "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d)}", ROWS, 2 - y);
        memset(npy + 10 + n, ' ', (size_t)(118 - n));
        memset(npy + 128, 1, 2 * ROWS);
        write_file(y ? "t-y.npy" : "t-x.npy", npy, y ? 128 + ROWS : 128 + 2 * ROWS);
    }
    dlg_data data[] = {{"x", "t-x.npy", NULL, 0}, {"y", "t-y.npy", NULL, 0}};
    dlg_dataset_options o = {.data = data, .data_count = 2, .memory_bytes = 1000};
    CU_ASSERT_EQUAL_FATAL(dlg_dataset_open(&d, prog, &o), DLG_OK);
    CU_ASSERT(!d->fields[0].values && d->fields[0].rows.memory && d->host_bytes == 1000 - 728);
    CU_ASSERT(!d->fields[1].values && !d->fields[1].rows.memory);
    float y[2] = {0};
    CU_ASSERT_EQUAL(dlg_dataset_read(d, dlg_tensor_find(prog, "y"), ROWS - 2, 2, y), DLG_OK);
    CU_ASSERT(y[0] == 1 && y[1] == 1);
    dlg_dataset_close(d);
    unlink("t-x.npy"), unlink("t-y.npy");
    dlg_program_close(prog);
    dlg_device_close(dev);
}

static void test_axis(void) {
    dlg_device *dev = none_device();
    dlg_program *prog = load(dev, LINE);
    dlg_dataset *d;
    float values[] = {0, 1, 2, 10, 11, 12};
    CU_ASSERT_EQUAL(npy_write(dev, "t-t.npy", DLG_F32, 2, (int64_t[]){2, 3}, values), 0);
    float three[6] = {0};
    int32_t ids[3] = {0};
    dlg_data data[] = {{"t", "t-t.npy", NULL, 0},
                       {"x", NULL, three, 3},
                       {"y", NULL, three, 3},
                       {"id", NULL, ids, 3},
                       {"even", NULL, "\0\1\0", 3}};
    CU_ASSERT_EQUAL_FATAL(open_with(&d, prog, "evaluate", data, 5), DLG_OK);
    const float *t = dlg_dataset_values(d, dlg_tensor_find(prog, "t"));
    CU_ASSERT(t[0] == 0 && t[1] == 10 && t[2] == 1 && t[3] == 11 && t[4] == 2 && t[5] == 12);
    dlg_dataset_close(d);
    data[4].values = "\0\2\0";
    CU_ASSERT(says(dev, open_with(&d, prog, "evaluate", data, 5), DLG_ERR_DATA,
                   "element 1 is not 0 or 1"));
    unlink("t-t.npy");
    dlg_program_close(prog);
    dlg_device_close(dev);
}

static void test_refused(void) {
    dlg_device *dev = none_device();
    dlg_program *prog = load(dev, XOR);
    dlg_dataset *d;
    write_file("t-two.csv", "0,0\n1,1\n", 8);
    write_file("t-three.csv", "0,0,0\n1,1,1\n0,0,0\n", 18);
    write_file("t-junk.npy", "junk", 4);
    write_file("t-junk.npy.gz", "junk", 4);
    write_file("t-junk-idx3-ubyte", "junk", 4);
    write_file("t-idx3-ubyte", "\0\0\10\3\0\0\0\1\0\0\0\3\0\0\0\1abc", 19);
    write_file("t-idx1-ubyte", "\0\0\10\1\0\0\0\2ab", 10);
    write_file("t-none-idx1-ubyte", "\0\0\10\1\0\0\0\0", 8);
    CU_ASSERT_EQUAL(npy_write(dev, "t-flat.npy", DLG_F32, 1, (int64_t[]){4}, (float[4]){0}), 0);
    static const struct {
        const char *x;
        int status;
        const char *message;
    } bad[] = {
        {"missing.csv", DLG_ERR_FILE, "missing.csv"},
        {"t-two.csv:0:3", DLG_ERR_DATA,
         "t-two.csv: 3 columns for `x`, whose samples have 2 numbers each"},
        {"t-two.csv:1:3", DLG_ERR_DATA,
         "there is no column 2: the first row has 2 columns (0 to 1)"},
        {"t-three.csv", DLG_ERR_DATA, "say which columns, as in t-three.csv:0:2"},
        {"t-two.csv:2:1", DLG_ERR_DATA, "columns 2:1 are none"},
        {"t-two.csv:5", DLG_ERR_DATA, "1 column for `x`"},
        {":0:2", DLG_ERR_DATA, "names no file"},
        {"t-two.csv:chars", DLG_ERR_DATA, "`x` must be i32 or u8, not f32"},
        {"t-two.csv.gz:0:2", DLG_ERR_FILE, "t-two.csv.gz"},
        {"t-junk.npy.gz", DLG_ERR_DATA, "t-junk.npy.gz: is not compressed by gzip"},
        {"t-junk-idx3-ubyte", DLG_ERR_DATA, "t-junk-idx3-ubyte: is not an IDX file"},
        {"t-idx3-ubyte", DLG_ERR_DATA,
         "t-idx3-ubyte: its samples are 3x1; a sample of `x` has 2 numbers"},
        {"t-idx1-ubyte", DLG_ERR_DATA, "its samples are single numbers; a sample of `x` has 2"},
        {"t-none-idx1-ubyte", DLG_ERR_DATA, "there are no samples for `x`"},
        {"t-junk.npy", DLG_ERR_DATA, "not an .npy file"},
        {"t-junk.npy:1", DLG_ERR_DATA, "columns are for tables"},
        {"t-flat.npy", DLG_ERR_DATA, "t-flat.npy: its shape is 4; `x` takes Nx2"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        dlg_data data = {"x", bad[i].x, NULL, 0};
        CU_ASSERT(
            says(dev, open_with(&d, prog, "predict", &data, 1), bad[i].status, bad[i].message));
        CU_ASSERT_PTR_NULL(d);
    }
    dlg_data unknown = {"z", "t-two.csv", NULL, 0}, nothing = {"x", NULL, NULL, 0};
    CU_ASSERT(says(dev, open_with(&d, prog, "predict", &unknown, 1), DLG_ERR_NAME, "no input `z`"));
    CU_ASSERT(
        says(dev, open_with(&d, prog, "predict", &nothing, 1), DLG_ERR_USAGE, "either a source"));
    CU_ASSERT(open_with(&d, prog, "fly", NULL, 0) == DLG_ERR_NAME);
    dlg_data uneven[] = {{"x", "t-two.csv:0:2", NULL, 0}, {"y", "t-three.csv:0:1", NULL, 0}};
    CU_ASSERT(says(dev, open_with(&d, prog, "train", uneven, 2), DLG_ERR_DATA,
                   "has 3 samples for `y` where `x` has 2"));
    CU_ASSERT(says(dev, open_with(&d, prog, "train", uneven, 1), DLG_ERR_FILE,
                   "the data of `y` is missing: there is neither"));
    unlink("t-two.csv"), unlink("t-three.csv"), unlink("t-junk.npy"), unlink("t-junk.npy.gz"),
        unlink("t-flat.npy");
    unlink("t-junk-idx3-ubyte"), unlink("t-idx3-ubyte"), unlink("t-idx1-ubyte");
    unlink("t-none-idx1-ubyte");
    dlg_program_close(prog);
    dlg_device_close(dev);
}

/* The orders of docs/program-format.md, pinned: they are the same on every machine. */
static void test_shuffle(void) {
    uint32_t rows[10], again[10];
    static const uint32_t pinned[10] = {7, 5, 6, 0, 2, 4, 3, 8, 1, 9};
    for (uint32_t i = 0; i < 10; i++) rows[i] = again[i] = i;
    split_shuffle(rows, 10, "dlg:shuffle", 7, 3, 0);
    if (memcmp(rows, pinned, sizeof rows) != 0) {
        CU_FAIL("the order of the rows changed");
        for (int i = 0; i < 10; i++) fprintf(stderr, "%u ", rows[i]);
    }
    split_shuffle(again, 10, "dlg:shuffle", 7, 4, 0);
    CU_ASSERT(memcmp(rows, again, sizeof rows) != 0);
    /* Each place gets each row about as often: chi squared with 9 x 9 degrees of freedom. */
    static unsigned seen[10][10];
    for (uint64_t s = 0; s < 10000; s++) {
        for (uint32_t i = 0; i < 10; i++) rows[i] = i;
        split_shuffle(rows, 10, "test", s, 0, 0);
        for (int i = 0; i < 10; i++) seen[i][rows[i]]++;
    }
    double chi = 0;
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++) chi += (seen[i][j] - 1000.0) * (seen[i][j] - 1000.0) / 1000.0;
    CU_ASSERT(chi > 40 && chi < 140);
}

static void test_split(void) {
    dlg_device *dev = none_device();
    dlg_program *prog = load(dev, LINE);
    dlg_dataset *d;
    CU_ASSERT_EQUAL_FATAL(dlg_dataset_open(&d, prog, NULL), DLG_OK);
    CU_ASSERT_EQUAL(dlg_dataset_split(d, 0.25, 1), DLG_OK); /* 2.75: 3 of 11 */
    CU_ASSERT_EQUAL(dlg_dataset_rows(d, DLG_ROWS_HELD_OUT), 3);
    const uint32_t *held = dlg_dataset_row_numbers(d, DLG_ROWS_HELD_OUT);
    const uint32_t *training = dlg_dataset_row_numbers(d, DLG_ROWS_TRAINING);
    bool seen[11] = {false};
    for (int i = 0; i < 3; i++) seen[held[i]] = true;
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_FALSE(seen[training[i]]);
        seen[training[i]] = true;
        CU_ASSERT(i == 0 || training[i] > training[i - 1]);
    }
    uint32_t first[3];
    memcpy(first, held, sizeof first);
    CU_ASSERT_EQUAL(split_record(d), DLG_OK);
    CU_ASSERT_STRING_EQUAL(dlg_meta_get(prog, "data_held_out"), "3");
    int same;
    CU_ASSERT_EQUAL(dlg_dataset_split(d, 0, 9), DLG_OK);
    CU_ASSERT_EQUAL(dlg_dataset_split_recorded(d, prog, &same), DLG_OK);
    CU_ASSERT(same == 1 &&
              memcmp(first, dlg_dataset_row_numbers(d, DLG_ROWS_HELD_OUT), sizeof first) == 0);
    /* Other data: nothing of it was trained on. */
    dlg_meta_set(prog, "data_hash.y", "0123456789abcdef");
    CU_ASSERT_EQUAL(dlg_dataset_split_recorded(d, prog, &same), DLG_OK);
    CU_ASSERT(same == 0 && dlg_dataset_rows(d, DLG_ROWS_HELD_OUT) == 11);
    static const char *const bad[][2] = {{"data_rows", "x"},
                                         {"data_rows", ""},
                                         {"data_rows", "-1"},
                                         {"data_held_out", "11"},
                                         {"data_seed", "99999999999999999999"},
                                         {"data_seed", NULL}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(split_record(d), DLG_OK);
        CU_ASSERT_EQUAL(dlg_dataset_split(d, 0.25, 1), DLG_OK);
        CU_ASSERT_EQUAL(split_record(d), DLG_OK);
        CU_ASSERT_EQUAL(dlg_meta_set(prog, bad[i][0], bad[i][1]), DLG_OK);
        CU_ASSERT_EQUAL(dlg_dataset_split_recorded(d, prog, &same), DLG_ERR_DATA);
    }
    CU_ASSERT_EQUAL(dlg_dataset_split(d, 0.25, UINT64_MAX), DLG_OK);
    CU_ASSERT_EQUAL(split_record(d), DLG_OK);
    CU_ASSERT(dlg_dataset_split_recorded(d, prog, &same) == DLG_OK && same == 1);
    CU_ASSERT(says(dev, dlg_dataset_split(d, 1, 1), DLG_ERR_USAGE, "below 1"));
    CU_ASSERT(says(dev, dlg_dataset_split(d, 0.01, 1), DLG_ERR_DATA, "nothing to evaluate on"));
    CU_ASSERT(says(dev, dlg_dataset_split(d, 0.99, 1), DLG_ERR_DATA, "nothing to train on"));
    dlg_dataset_close(d);
    dlg_program_close(prog);
    dlg_device_close(dev);
}

RUN_SUITE("dataset", {"the model's sources", test_model_sources}, {"given sources", test_given},
          {"memory", test_memory}, {"sample axis", test_axis}, {"refused", test_refused},
          {"shuffle", test_shuffle}, {"hold-out", test_split})

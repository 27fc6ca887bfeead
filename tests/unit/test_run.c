/* Running on the default device: the program tests/data/xor.cl trains; the same seed gives the same
 * bits; wrong use, kernels that do not compile or do not fit the plan are errors with messages. */
#include <pthread.h>
#include "device_fixture.h"
#include "rt_fixture.h"

typedef struct Fixture {
    dlg_device *dev;
    char *text;
    size_t len;
} Fixture;

static void open_fixture(Fixture *f) {
    f->dev = open_device();
    read_text(XOR_PATH, &f->text, &f->len);
}

static void close_fixture(Fixture *f) {
    free(f->text);
    dlg_device_close(f->dev);
}

static dlg_program *load(Fixture *f, uint64_t seed) {
    dlg_program *prog;
    int status = dlg_program_load_text(&prog, f->dev, "xor.cl", f->text, f->len,
                                       &(dlg_program_options){.seed = seed});
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(f->dev));
    CU_ASSERT_EQUAL_FATAL(status, DLG_OK);
    CU_ASSERT_EQUAL(dlg_set(prog, "x", xor_x, sizeof xor_x), DLG_OK);
    CU_ASSERT_EQUAL(dlg_set(prog, "y", xor_y, sizeof xor_y), DLG_OK);
    return prog;
}

static void train(dlg_program *prog, int steps) {
    for (int i = 0; i < steps; i++) CU_ASSERT_EQUAL_FATAL(dlg_run(prog, "train"), DLG_OK);
}

static void test_trains(void) {
    Fixture f;
    float loss = 1, probs[4], one;
    uint8_t right[4];
    int32_t step;
    open_fixture(&f);
    dlg_program *prog = load(&f, 1);
    train(prog, 2000);
    CU_ASSERT_EQUAL(dlg_step(prog), 2000);
    CU_ASSERT_EQUAL(dlg_get(prog, "loss", &loss, sizeof loss), DLG_OK);
    CU_ASSERT_TRUE(loss < 0.001f);
    CU_ASSERT_EQUAL(dlg_get(prog, "step", &step, sizeof step), DLG_OK);
    CU_ASSERT_EQUAL(step, 2000);
    CU_ASSERT_EQUAL(dlg_run(prog, "predict"), DLG_OK);
    CU_ASSERT_EQUAL(dlg_get(prog, "probs", probs, sizeof probs), DLG_OK);
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_TRUE(probs[i] > xor_y[i] - 0.1f && probs[i] < xor_y[i] + 0.1f);
        /* Row by row, by the variant for a batch of 1: the same. */
        CU_ASSERT_EQUAL(dlg_set(prog, "x@1", xor_x + 2 * i, 2 * sizeof *xor_x), DLG_OK);
        CU_ASSERT_EQUAL(dlg_run(prog, "predict@1"), DLG_OK);
        CU_ASSERT_EQUAL(dlg_get(prog, "probs@1", &one, sizeof one), DLG_OK);
        CU_ASSERT_EQUAL(one, probs[i]);
    }
    CU_ASSERT_EQUAL(dlg_run(prog, "evaluate"), DLG_OK);
    CU_ASSERT_EQUAL(dlg_get(prog, "right", right, sizeof right), DLG_OK);
    CU_ASSERT_EQUAL(right[0] + right[1] + right[2] + right[3], 4);
    CU_ASSERT_EQUAL(dlg_step(prog), 2000); /* only training counts */
    dlg_program_close(prog);
    close_fixture(&f);
}

static void test_same_bits(void) {
    Fixture f;
    float first[16], again[16];
    open_fixture(&f);
    dlg_program *a = load(&f, 5), *b = load(&f, 5); /* two programs on one device */
    train(a, 30);
    train(b, 10);
    train(b, 20);
    CU_ASSERT_EQUAL(dlg_get(a, "h.w", first, sizeof first), DLG_OK);
    CU_ASSERT_EQUAL(dlg_get(b, "h.w", again, sizeof again), DLG_OK);
    CU_ASSERT_EQUAL(memcmp(first, again, sizeof first), 0);
    CU_ASSERT_EQUAL(dlg_init(b, 6), DLG_OK);
    CU_ASSERT_EQUAL(dlg_step(b), 0);
    CU_ASSERT_EQUAL(dlg_seed(b), 6);
    train(b, 30);
    CU_ASSERT_EQUAL(dlg_get(b, "h.w", again, sizeof again), DLG_OK);
    CU_ASSERT_NOT_EQUAL(memcmp(first, again, sizeof first), 0);
    CU_ASSERT_EQUAL(dlg_init(b, 5), DLG_OK); /* optimizer's state included */
    train(b, 30);
    CU_ASSERT_EQUAL(dlg_get(b, "h.w", again, sizeof again), DLG_OK);
    CU_ASSERT_EQUAL(memcmp(first, again, sizeof first), 0);
    dlg_program_close(a);
    dlg_program_close(b);
    close_fixture(&f);
}

/* dlg_set between runs changes what is after it, not what was enqueued before. */
static void test_order(void) {
    Fixture f;
    float probs[4], w[8], zero[8] = {0}, x[8];
    open_fixture(&f);
    dlg_program *prog = load(&f, 1);
    CU_ASSERT_EQUAL(dlg_get(prog, "out.w", w, sizeof w), DLG_OK);
    for (int i = 0; i < 200; i++) {
        memcpy(x, xor_x, sizeof x);
        x[0] = (float)i;
        CU_ASSERT_EQUAL(dlg_set(prog, "x", x, sizeof x), DLG_OK);
        memset(x, 0, sizeof x); /* it was copied */
        CU_ASSERT_EQUAL(dlg_set(prog, "out.w", w, sizeof w), DLG_OK);
        CU_ASSERT_EQUAL(dlg_run(prog, "predict"), DLG_OK);
        CU_ASSERT_EQUAL(dlg_set(prog, "out.w", zero, sizeof zero), DLG_OK);
        CU_ASSERT_EQUAL(dlg_get(prog, "probs", probs, sizeof probs), DLG_OK);
        CU_ASSERT_NOT_EQUAL(probs[0], 0);
    }
    dlg_program_close(prog);
    close_fixture(&f);
}

/* More launches than the host may be ahead. */
static void test_many_runs(void) {
    Fixture f;
    float loss = -1;
    open_fixture(&f);
    dlg_program *prog = load(&f, 1);
    train(prog, 5000);
    CU_ASSERT_EQUAL(dlg_finish(prog), DLG_OK);
    train(prog, 10);
    CU_ASSERT_EQUAL(dlg_get(prog, "loss", &loss, sizeof loss), DLG_OK);
    CU_ASSERT_TRUE(loss >= 0 && loss < 0.001f);
    train(prog, 2000); /* closed while it runs */
    dlg_program_close(prog);
    close_fixture(&f);
}

static void test_wrong_use(void) {
    Fixture f;
    float v[16] = {0};
    uint8_t flags[4] = {0, 1, 2, 0};
    dlg_program *prog;
    open_fixture(&f);
    CU_ASSERT_EQUAL(dlg_program_load_text(&prog, f.dev, "xor.cl", f.text, f.len, NULL), DLG_OK);
    CU_ASSERT_EQUAL(dlg_run(prog, "train"), DLG_ERR_UNSET);
    expect_message(f.dev, "the entry `train` reads `x`, which was not set");
    CU_ASSERT_EQUAL(dlg_set(prog, "x", xor_x, sizeof xor_x), DLG_OK);
    CU_ASSERT_EQUAL(dlg_run(prog, "train"), DLG_ERR_UNSET);
    expect_message(f.dev, "`y`");
    CU_ASSERT_EQUAL(dlg_get(prog, "loss", v, 4), DLG_ERR_UNSET);
    expect_message(f.dev, "`loss` has no value: its entry `train` has not run");
    CU_ASSERT_EQUAL(dlg_run(prog, "predict"), DLG_OK);
    CU_ASSERT_EQUAL(dlg_run(prog, "predct"), DLG_ERR_NAME);
    expect_message(f.dev, "xor has no entry `predct`; is it `predict`?");
    CU_ASSERT_EQUAL(dlg_set(prog, "x", xor_x, 4), DLG_ERR_SIZE);
    expect_message(f.dev, "`x` takes 32 bytes (8 of type f32), not 4");
    CU_ASSERT_EQUAL(dlg_set(prog, "out.x", v, 4), DLG_ERR_NAME);
    expect_message(f.dev, "is it `out.w`?");
    CU_ASSERT_EQUAL(dlg_get(prog, "p", v, 16), DLG_ERR_USAGE);
    expect_message(f.dev, "lives only while an entry runs");
    CU_ASSERT_EQUAL(dlg_set(prog, "probs", v, 16), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_set(prog, "right", flags, 4), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_set(prog, NULL, v, 4), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_get(prog, "loss", NULL, 4), DLG_ERR_USAGE);
    expect_message(f.dev, "dlg_get was given a null pointer");
    CU_ASSERT_EQUAL(dlg_run(prog, NULL), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_run(NULL, "train"), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_weights_save(prog, NULL, NULL), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_weights_load(NULL, "w", NULL), DLG_ERR_USAGE);
    dlg_program_close(prog);
    CU_ASSERT_EQUAL(dlg_program_load_file(&prog, f.dev, "/nonexistent.cl", NULL), DLG_ERR_FILE);
    CU_ASSERT_PTR_NULL(prog);
    expect_message(f.dev, "cannot open /nonexistent.cl");
    CU_ASSERT_EQUAL(dlg_program_load_file(&prog, f.dev, "/", NULL), DLG_ERR_FILE);
    expect_message(f.dev, "it is a directory");
    CU_ASSERT_EQUAL(dlg_program_load_text(&prog, f.dev, "a.cl", f.text, 0, NULL), DLG_ERR_PROGRAM);
    dlg_program_close(NULL);
    close_fixture(&f);
    dlg_device_close(NULL);
}

/* Kernels that the device's compiler refuses, or that the plan's arguments do not fit. */
static void test_kernels(void) {
    static const struct {
        const char *from, *to;
        int status;
        const char *says;
    } cases[] = {
        {"const int row = get_global_id(0);", "const int row = ;", DLG_ERR_BUILD,
         "    const int row = ;"},
        {"launch hidden global 4 local 1 args 0 2 3 9", "launch hidden global 4 local 1 args 0 2 3",
         DLG_ERR_PROGRAM,
         "kernel hidden (from xor.dlg:10): the plan passes 3 arguments, the text has 4"},
        {"args 10 1 11 12 =4", "args 10 1 11 12 12", DLG_ERR_PROGRAM,
         "kernel squares (from xor.dlg:12): parameter 5 must be a __global pointer to hold loss"},
        {"args 0 2 3 9 at", "args 0 2 =3 9 at", DLG_ERR_PROGRAM, "parameter 3 must be an int"},
        {"__global const float *x, __global const float *w", "__local float *x, __global float *w",
         DLG_ERR_PROGRAM, "parameter 1 must be a __global pointer"},
        {"const int n)", "const long n)", DLG_ERR_PROGRAM, "parameter 5 must be an int"},
        {"__kernel void hidden(",
         "__attribute__((reqd_work_group_size(2, 1, 1))) __kernel void hidden(", DLG_ERR_PROGRAM,
         "its text requires groups of 2 x 1 x 1, the plan says 1"},
    };
    Fixture f;
    dlg_program *prog;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = edit(f.text, cases[i].from, cases[i].to);
        int status = dlg_program_load_text(&prog, f.dev, "xor.cl", text, strlen(text), NULL);
        CU_ASSERT_EQUAL(status, cases[i].status);
        CU_ASSERT_PTR_NULL(prog);
        expect_message(f.dev, cases[i].says);
        dlg_program_close(prog);
        free(text);
    }
    close_fixture(&f);
}

/* More than any device has, and groups above the device's limit: told before anything is allocated. */
static void test_limits(void) {
    Fixture f;
    dlg_program *prog;
    open_fixture(&f);
    char *text = edit(f.text, "//! arena 384", "//! arena 200000000000000");
    CU_ASSERT_EQUAL(dlg_program_load_text(&prog, f.dev, "xor.cl", text, strlen(text), NULL),
                    DLG_OK);
    dlg_program_close(prog); /* each of its tensors by itself is small */
    char *big = malloc(f.len + 200000);
    strcpy(big, text);
    char *at = strstr(big, "//! entry train"), *rest = strdup(at);
    size_t n = 0;
    for (int i = 18; i < 1018; i++)
        n += (size_t)sprintf(at + n, "//! buffer %d big%d f32 2147483647 output\n", i, i);
    strcpy(at + n, rest);
    sign(big);
    CU_ASSERT_EQUAL(dlg_program_load_text(&prog, f.dev, "xor.cl", big, strlen(big), NULL),
                    DLG_ERR_LIMIT);
    expect_message(f.dev, "MiB of memory");
    free(rest);
    free(big);
    free(text);
    char *gpu = edit(f.text, "target cpu", "target gpu");
    text = edit(gpu, "launch hidden global 4 local 1", "launch hidden global 65536 local 65536");
    CU_ASSERT_EQUAL(dlg_program_load_text(&prog, f.dev, "xor.cl", text, strlen(text), NULL),
                    DLG_ERR_LIMIT);
    expect_message(f.dev, "its groups of 65536 work-items are above the device's limit");
    free(gpu);
    free(text);
    close_fixture(&f);
}

/* The arena as one buffer and as a buffer for each of its tensors: the same results. */
static void test_arena(void) {
    Fixture f;
    float first[16], again[16];
    open_fixture(&f);
    dlg_program *prog = load(&f, 3);
    train(prog, 20);
    CU_ASSERT_EQUAL(prog->arena != NULL, f.dev->base_align <= prog->plan.arena_align);
    dlg_get(prog, "h.w", first, sizeof first);
    dlg_program_close(prog);
    f.dev->base_align = 1 << 20;
    prog = load(&f, 3);
    CU_ASSERT_PTR_NULL(prog->arena);
    train(prog, 20);
    dlg_get(prog, "h.w", again, sizeof again);
    CU_ASSERT_EQUAL(memcmp(first, again, sizeof first), 0);
    dlg_program_close(prog);
    close_fixture(&f);
}

/* Each thread its own device. */
static void *train_alone(void *result) {
    dlg_device *dev = open_device();
    dlg_program *prog;
    if (dlg_program_load_file(&prog, dev, XOR_PATH, NULL) < 0) return NULL;
    dlg_set(prog, "x", xor_x, sizeof xor_x);
    dlg_set(prog, "y", xor_y, sizeof xor_y);
    for (int i = 0; i < 1000; i++) dlg_run(prog, "train");
    dlg_get(prog, "h.w", result, 16 * sizeof(float));
    dlg_program_close(prog);
    dlg_device_close(dev);
    return NULL;
}

static void test_threads(void) {
    enum { THREADS = 3 };
    float w[THREADS][16] = {{0}}, alone[16] = {0};
    pthread_t threads[THREADS];
    train_alone(alone);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, train_alone, w[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    CU_ASSERT_NOT_EQUAL(alone[0], 0);
    for (int i = 0; i < THREADS; i++) CU_ASSERT_EQUAL(memcmp(w[i], alone, sizeof alone), 0);
}

static void test_devices(void) {
    dlg_device_info *list;
    size_t count;
    dlg_device *dev;
    CU_ASSERT_EQUAL_FATAL(dlg_device_list(&list, &count), DLG_OK);
    CU_ASSERT_TRUE_FATAL(count > 0);
    for (size_t i = 0; i < count; i++) {
        char selector[32];
        CU_ASSERT_EQUAL(list[i].number, (int)i);
        CU_ASSERT_TRUE(list[i].memory_bytes > 0 && list[i].max_group > 0);
        snprintf(selector, sizeof selector, "%zu", i);
        CU_ASSERT_EQUAL(dlg_device_open(&dev, selector), DLG_OK);
        CU_ASSERT_STRING_EQUAL(dlg_device_get_info(dev)->name, list[i].name);
        CU_ASSERT_STRING_EQUAL(dlg_error_text(dev), "");
        dlg_device_close(dev);
        char part[6] = {0}; /* of the platform's name, in capitals */
        for (int k = 0; k < 5 && list[i].platform[k]; k++)
            part[k] = (char)(list[i].platform[k] & ~(list[i].platform[k] >= 'a' ? 32 : 0));
        CU_ASSERT_EQUAL(dlg_device_open(&dev, part), DLG_OK);
        dlg_device_close(dev);
    }
    dlg_device_list_free(list);
    CU_ASSERT_EQUAL(dlg_device_open(&dev, "no such thing"), DLG_ERR_DEVICE);
    CU_ASSERT_PTR_NOT_NULL(dev);
    expect_message(dev, "no OpenCL device matches `no such thing`");
    dlg_device_close(dev);
    CU_ASSERT_EQUAL(dlg_device_open(&dev, "12345678901234567890123"), DLG_ERR_DEVICE);
    dlg_device_close(dev);
    CU_ASSERT_STRING_EQUAL(dlg_error_text(NULL), "out of memory");
    CU_ASSERT_STRING_EQUAL(dlg_status_text(DLG_ERR_BUILD),
                           "the kernels do not compile on this device");
    CU_ASSERT_STRING_EQUAL(dlg_status_text(-1000), "unknown status");
    CU_ASSERT_STRING_EQUAL(dlg_version(), DLG_VERSION);
}

/* Kernels launched for their being built: all of an entry's, in parts, and nothing is left of it after a new start. */
static void test_build_kernels(void) {
    Fixture f;
    open_fixture(&f);
    dlg_program *built = load(&f, 7), *other = load(&f, 7);
    uint64_t before = f.dev->launches;
    CU_ASSERT_EQUAL(dlg_build_kernels(built, "train", 0, 1), DLG_OK);
    uint64_t all = f.dev->launches - before;
    CU_ASSERT_TRUE(all > 0);
    before = f.dev->launches;
    for (unsigned part = 0; part < 3; part++)
        CU_ASSERT_EQUAL(dlg_build_kernels(built, "train", part, 3), DLG_OK);
    CU_ASSERT_EQUAL(f.dev->launches - before, all);
    CU_ASSERT_EQUAL(dlg_build_kernels(built, "train", 3, 3), DLG_ERR_USAGE);
    expect_message(f.dev, "no part 3 of 3");
    CU_ASSERT_EQUAL(dlg_build_kernels(built, "none", 0, 1), DLG_ERR_NAME);
    CU_ASSERT_EQUAL(dlg_build_kernels(NULL, "train", 0, 1), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_init(built, 7), DLG_OK);
    train(built, 1);
    train(other, 1);
    float loss[2];
    CU_ASSERT_EQUAL(dlg_get(built, "loss", &loss[0], sizeof loss[0]), DLG_OK);
    CU_ASSERT_EQUAL(dlg_get(other, "loss", &loss[1], sizeof loss[1]), DLG_OK);
    CU_ASSERT_EQUAL(memcmp(&loss[0], &loss[1], sizeof loss[0]), 0);
    dlg_program_close(built);
    dlg_program_close(other);
    close_fixture(&f);
}

RUN_SUITE("run", {"build_kernels", test_build_kernels}, {"devices", test_devices},
          {"trains", test_trains}, {"same bits", test_same_bits}, {"order", test_order},
          {"many runs", test_many_runs}, {"wrong use", test_wrong_use},
          {"kernels that do not fit", test_kernels}, {"limits", test_limits},
          {"threads", test_threads}, {"arena", test_arena})

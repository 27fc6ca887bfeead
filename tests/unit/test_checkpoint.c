/* Checkpoints of a training run of tests/data/line.cl: stopped anywhere and taken up in another
 * program it ends with the same bits; those of other runs are refused; no failure to write one harms
 * the file that is there. Needs a device. */
#include "data_fixture.h"
#include "device_fixture.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define LINE DLG_SOURCE_DIR "/tests/data/line.cl"

enum { EPOCHS = 5, STEPS = 10, MOST_LINES = 16 };

typedef struct Run {
    dlg_device *dev;
    dlg_program *prog;
    dlg_dataset *data;
    dlg_train_options options;
    /* what the callback saw */
    uint64_t stop_at, begun_at;
    bool begun, resumed;
    int checkpoints, failures;
    size_t epochs;
    uint64_t best_epoch;
    double best;
    double loss[MOST_LINES], held_out[MOST_LINES];
    struct rlimit
        limit; /* rlim_cur above 0: set at the first steps, lifted at the second failure */
} Run;

static char directory[] = "checkpoint-XXXXXX", path[64];

static int see(const dlg_progress *p, void *user) {
    Run *r = user;
    if (p->event == DLG_EVENT_BEGIN) {
        CU_ASSERT(!r->begun);
        r->begun = true;
        r->resumed = p->resumed;
        r->begun_at = p->step;
        CU_ASSERT_EQUAL(p->step, p->resumed_step);
    }
    r->best_epoch = p->best_epoch;
    r->best = p->best;
    if (p->event == DLG_EVENT_EPOCH && p->epoch < MOST_LINES) {
        r->epochs = p->epoch;
        r->loss[p->epoch] = p->train.values[0];
        if (p->evaluate.rows) r->held_out[p->epoch] = p->evaluate.values[0];
    }
    if (p->event == DLG_EVENT_CHECKPOINT) {
        r->checkpoints += p->checkpoint == DLG_OK;
        r->failures += p->checkpoint < 0;
        if (p->checkpoint < 0) CU_ASSERT_PTR_NOT_NULL(strstr(dlg_error_text(r->dev), path));
        return 0;
    }
    return r->stop_at && p->step >= r->stop_at;
}

static void check(const Run *r, int status) {
    if (status == DLG_OK) return;
    fprintf(stderr, "\n  %s\n", dlg_error_text(r->dev));
    CU_FAIL("an error");
}

static void run_open(Run *r, float rate, uint64_t seed) {
    *r = (Run){0};
    r->dev = open_device();
    check(r, dlg_program_load_file(&r->prog, r->dev, LINE, NULL));
    if (!r->prog) exit(1);
    check(r, dlg_set(r->prog, "rate", &rate, sizeof rate));
    check(r, dlg_dataset_open(&r->data, r->prog, NULL));
    if (!r->data) exit(1);
    check(r, dlg_dataset_split(r->data, 0.25, 4)); /* 3 of 11 */
    r->options = (dlg_train_options){.epochs = EPOCHS,
                                     .seed = seed,
                                     .progress = see,
                                     .user = r,
                                     .checkpoint = path,
                                     .checkpoint_steps = 1};
}

static int run(Run *r) {
    r->options.user = r;
    return dlg_train(r->prog, r->data, &r->options);
}

static void run_close(Run *r) {
    dlg_dataset_close(r->data);
    dlg_program_close(r->prog);
    dlg_device_close(r->dev);
}

static uint64_t weights_hash(Run *r) {
    float w[3];
    check(r, dlg_get(r->prog, "w", w, 8));
    check(r, dlg_get(r->prog, "b", w + 2, 4));
    return rt_hash(w, sizeof w, dlg_step(r->prog));
}

static uint64_t file_hash(const char *name) {
    char *text = NULL;
    size_t len = 0;
    if (rt_file_read(NULL, name, 1 << 20, &text, &len) < 0) return 0;
    uint64_t hash = rt_hash(text, len, 0);
    free(text);
    return hash;
}

/* Files in the directory of the checkpoint. */
static int file_count(void) {
    int count = 0;
    DIR *dir = opendir(directory);
    if (!dir) return -1;
    for (struct dirent *e; (e = readdir(dir));) count += e->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void test_resume(void) {
    Run whole;
    run_open(&whole, 0.25f, 3);
    check(&whole, run(&whole));
    CU_ASSERT(whole.begun && !whole.resumed && whole.checkpoints == STEPS &&
              whole.epochs == EPOCHS);
    uint64_t want = weights_hash(&whole), end = file_hash(path);
    CU_ASSERT_EQUAL(file_count(), 1);
    for (uint64_t stop = 1; stop < STEPS; stop++) {
        Run first, second;
        unlink(path);
        run_open(&first, 0.25f, 3);
        first.options.resume = 1; /* nothing is there: it begins */
        first.stop_at = stop;
        CU_ASSERT_EQUAL(run(&first), DLG_ERR_STOPPED);
        CU_ASSERT(!first.resumed);
        CU_ASSERT_EQUAL(dlg_step(first.prog), stop);
        run_close(&first);

        run_open(&second, 0.25f, 3);
        check(&second, dlg_init(second.prog, 99)); /* whatever it had */
        second.options.resume = 1;
        check(&second, run(&second));
        CU_ASSERT(second.resumed && second.begun_at == stop);
        CU_ASSERT_EQUAL(weights_hash(&second), want);
        CU_ASSERT_EQUAL(dlg_step(second.prog), STEPS);
        CU_ASSERT_EQUAL(file_hash(path), end);
        for (size_t e = stop / 2 + 1; e <= EPOCHS; e++) {
            CU_ASSERT_EQUAL(second.loss[e], whole.loss[e]);
            CU_ASSERT_EQUAL(second.held_out[e], whole.held_out[e]);
        }
        run_close(&second);
    }
    run_close(&whole);
}

/* A run that --steps ended within an epoch goes on as one that was meant to be longer. */
static void test_longer(void) {
    Run whole, part;
    unlink(path);
    run_open(&whole, 0.25f, 3);
    whole.options.checkpoint = NULL;
    check(&whole, run(&whole));
    run_open(&part, 0.25f, 3);
    part.options.steps = 7;
    check(&part, run(&part));
    double cut = part.loss[4];
    run_close(&part);
    run_open(&part, 0.25f, 3);
    part.options.steps = 7;
    part.options.resume = 1;
    check(&part, run(&part)); /* nothing to train; the cut epoch is reported again */
    CU_ASSERT(part.begun_at == 7 && part.loss[4] == cut && part.checkpoints == 0);
    part.options.steps = 0;
    part.begun = false;
    check(&part, run(&part));
    CU_ASSERT_EQUAL(weights_hash(&part), weights_hash(&whole));
    CU_ASSERT(part.loss[4] == whole.loss[4] && part.loss[5] == whole.loss[5]);
    run_close(&part);
    run_open(&part, 0.25f, 3); /* it serves as weights */
    check(&part, dlg_weights_load(part.prog, path, NULL));
    CU_ASSERT_PTR_NULL(dlg_meta_get(part.prog, "checkpoint.steps"));
    CU_ASSERT_EQUAL(dlg_meta_set(part.prog, "checkpoint.steps", "1"), DLG_ERR_USAGE);
    run_close(&part);
    run_close(&whole);
}

/* With a rate that is too large the first epoch is the best one; the run ends three later. */
static void best_open_run(Run *r) {
    run_open(r, 2, 3);
    r->options.epochs = 12;
    r->options.patience = 3;
}

static void test_best(void) {
    Run whole, again;
    dlg_metrics m;
    unlink(path);
    best_open_run(&whole);
    check(&whole, run(&whole));
    CU_ASSERT(whole.epochs == 4 && whole.best_epoch == 1 && dlg_step(whole.prog) == 8);
    CU_ASSERT(whole.held_out[2] > whole.held_out[1] && whole.best == whole.held_out[1]);
    check(&whole, dlg_evaluate(whole.prog, whole.data, "evaluate", DLG_ROWS_HELD_OUT, &m));
    CU_ASSERT_EQUAL(m.values[0], whole.held_out[1]); /* its weights are there */
    dlg_metrics_free(&m);
    CU_ASSERT_STRING_EQUAL(dlg_meta_get(whole.prog, "best_epoch"), "1");
    uint64_t want = weights_hash(&whole), end = file_hash(path);
    run_close(&whole);
    for (uint64_t stop = 1; stop <= 8; stop++) {
        unlink(path);
        best_open_run(&again);
        again.stop_at = stop;
        CU_ASSERT_EQUAL(run(&again), DLG_ERR_STOPPED);
        if (stop > 2) /* the best ones, not the last */
            CU_ASSERT_STRING_EQUAL(dlg_meta_get(again.prog, "best_epoch"), "1");
        run_close(&again);
        best_open_run(&again);
        again.options.resume = 1;
        check(&again, run(&again));
        CU_ASSERT(again.resumed && again.begun_at == stop && again.best_epoch == 1);
        CU_ASSERT(weights_hash(&again) == want && file_hash(path) == end);
        run_close(&again);
    }
    best_open_run(&again); /* it waits longer now, for what does not come */
    again.options.resume = 1;
    again.options.patience = 5;
    check(&again, run(&again));
    CU_ASSERT(again.begun_at == 8 && again.epochs == 6 && again.best_epoch == 1);
    CU_ASSERT_EQUAL(dlg_step(again.prog), 12);
    again.options.patience = 0;
    CU_ASSERT(says(again.dev, run(&again), DLG_ERR_WEIGHTS,
                   "the metric to stop by is least loss there and missing here"));
    run_close(&again);
}

/* More of it is better; what stays the same is no better; what cannot be waited for. */
static void test_metric(void) {
    Run r;
    best_open_run(&r);
    r.options.checkpoint = NULL;
    r.options.maximize = 1;
    check(&r, run(&r));
    CU_ASSERT(r.epochs == 12 && r.best_epoch == 12);
    r.begun = false;
    r.options.metric = "ids"; /* is the same in all epochs */
    check(&r, run(&r));
    CU_ASSERT(r.epochs == 4 && r.best_epoch == 1);
    r.options.metric = "fly";
    CU_ASSERT(says(r.dev, run(&r), DLG_ERR_NAME, "no scalar `fly`; it returns `loss`, `ids`"));
    check(&r, dlg_dataset_split(r.data, 0, 0));
    CU_ASSERT(says(r.dev, run(&r), DLG_ERR_USAGE, "needs rows held out"));
    r.begun = false;
    r.options.patience = 0;
    check(&r, run(&r));
    CU_ASSERT_PTR_NULL(dlg_meta_get(r.prog, "best_epoch"));
    run_close(&r);
}

/* How often: by steps, by time, and by itself. */
static void test_often(void) {
    Run r;
    run_open(&r, 0.25f, 3);
    r.options.checkpoint_steps = 4;
    check(&r, run(&r));
    CU_ASSERT_EQUAL(r.checkpoints, 3); /* after 4, 8 and 10 */
    run_close(&r);
    run_open(&r, 0.25f, 3);
    r.options.checkpoint_steps = 0;
    check(&r, run(&r));
    CU_ASSERT_EQUAL(r.checkpoints, 1);
    run_close(&r);
    run_open(&r, 0.25f, 3);
    r.options.checkpoint_steps = 0;
    r.options.checkpoint_seconds = 1e-9;
    check(&r, run(&r));
    CU_ASSERT(r.checkpoints >= EPOCHS);
    run_close(&r);
}

static void expect_refused(Run *r, const char *why) {
    uint64_t before = weights_hash(r), file = file_hash(path);
    r->options.resume = 1;
    CU_ASSERT(says(r->dev, run(r), DLG_ERR_WEIGHTS, why));
    CU_ASSERT(!r->begun && weights_hash(r) == before && file_hash(path) == file);
    run_close(r);
}

static void test_refused(void) {
    Run r;
    unlink(path);
    run_open(&r, 0.25f, 3);
    check(&r, run(&r));
    run_close(&r);
    run_open(&r, 0.25f, 4);
    expect_refused(&r, "another run: the seed is 3 there and 4 here");
    run_open(&r, 0.5f, 3);
    expect_refused(&r, "what the input `rate` is set to");
    run_open(&r, 0.25f, 3);
    check(&r, dlg_dataset_split(r.data, 0.5, 4));
    expect_refused(&r, "the number of rows held out is 3 there and 6 here");
    run_open(&r, 0.25f, 3);
    check(&r, dlg_dataset_split(r.data, 0.25, 5));
    expect_refused(&r, "the seed of the rows held out is 4 there and 5 here");
    run_open(&r, 0.25f, 3);
    float y[11];
    memcpy(y, dlg_dataset_values(r.data, dlg_tensor_find(r.prog, "y")), sizeof y);
    y[7] += 1;
    dlg_dataset_close(r.data);
    dlg_data given = {.name = "y", .values = y, .rows = 11};
    check(&r, dlg_dataset_open(&r.data, r.prog,
                               &(dlg_dataset_options){.data = &given, .data_count = 1}));
    check(&r, dlg_dataset_split(r.data, 0.25, 4));
    expect_refused(&r, "the hash of the data of `y`");

    run_open(&r, 0.25f, 3); /* another program: one number in a kernel */
    char *kernels = strstr((char *)dlg_program_kernels(r.prog, NULL), "d0 += 2.0f");
    CU_ASSERT_PTR_NOT_NULL_FATAL(kernels);
    kernels[6] = '3';
    expect_refused(&r,
                   "the program is another one: its params, its states, its constants, its target "
                   "and the data are the same, but what it computes is not: ");
    run_open(&r, 0.25f, 3); /* the same but for a comment */
    kernels = strstr((char *)dlg_program_kernels(r.prog, NULL), "e = x @ w + b - y;");
    CU_ASSERT_PTR_NOT_NULL_FATAL(kernels);
    kernels[0] = 'E';
    r.options.resume = 1;
    check(&r, run(&r));
    CU_ASSERT(r.resumed);
    run_close(&r);

    run_open(&r, 0.25f, 3);
    check(&r, dlg_weights_save(r.prog, path, &(dlg_weights_options){.checkpoint = 1}));
    expect_refused(&r, "no checkpoint of a training run: `checkpoint.steps` is missing");
    run_open(&r, 0.25f, 3);
    r.options.resume = 1;
    r.options.checkpoint = NULL;
    CU_ASSERT(says(r.dev, run(&r), DLG_ERR_USAGE, "its checkpoint is wanted"));
    run_close(&r);
}

/* Where a text stands behind the length of a file's header. */
static char *find_text(char *file, size_t len, const char *text) {
    for (size_t k = 8; k + strlen(text) < len; k++)
        if (memcmp(file + k, text, strlen(text)) == 0) return file + k;
    CU_FAIL_FATAL("the file has no such text");
    return NULL;
}

/* Metadata that cannot be: refused, whatever they are, also by a checksum that is right or not there. */
static void test_malformed(void) {
    static const char *const edit[][3] = {
        {"\"checkpoint.steps\":\"7\"", "\"checkpoint.steps\":\"8\"", "there cannot be"},
        {"\"checkpoint.steps\":\"7\"", "\"checkpoint.steps\":\"x\"", "no whole number"},
        {"\"checkpoint.rows\":\"4\"", "\"checkpoint.rows\":\"5\"", "there cannot be"},
        {"\"checkpoint.rows\":\"4\"", "\"checkpoint.rowz\":\"4\"", "is missing"},
        {"\"checkpoint.sum.loss\":\"0x", "\"checkpoint.sum.loss\":\"zx", "is no number"},
        {"\"checkpoint.batch\":\"4\"", "\"checkpoint.batch\":\"5\"", "the batch is 5 there and 4"},
    };
    Run r;
    char *text;
    size_t len;
    unlink(path);
    run_open(&r, 0.25f, 3);
    r.options.steps = 7;
    check(&r, run(&r));
    run_close(&r);
    if (rt_file_read(NULL, path, 1 << 20, &text, &len) < 0) exit(1);
    for (size_t i = 0; i < sizeof edit / sizeof *edit; i++) {
        char *copy = malloc(len);
        memcpy(copy, text, len);
        char *at = find_text(copy, len, edit[i][0]);
        memcpy(at, edit[i][1], strlen(edit[i][1]));
        write_file(path, copy, len);
        run_open(&r, 0.25f, 3);
        expect_refused(&r, "is not what was written, by its checksum");
        memcpy(find_text(copy, len, "dlg_checksum"), "own_checksum", strlen("own_checksum"));
        write_file(path, copy, len);
        free(copy);
        run_open(&r, 0.25f, 3);
        expect_refused(&r, edit[i][2]);
    }
    for (size_t cut = 0; cut < len; cut += 97) {
        write_file(path, text, cut);
        run_open(&r, 0.25f, 3);
        expect_refused(&r, path);
    }
    free(text);
}

static struct rlimit no_limit; /* of the size of a file, as it was */

static void limit_files(uint64_t bytes) {
    struct rlimit small = {bytes, no_limit.rlim_max};
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, bytes ? &small : &no_limit), 0);
}

/* No room until the third checkpoint. */
static int fill_disk(const dlg_progress *p, void *user) {
    Run *r = user;
    if (p->event == DLG_EVENT_BEGIN) limit_files(300);
    int status = see(p, user);
    if (p->event == DLG_EVENT_CHECKPOINT && r->failures == 2) limit_files(0);
    return status;
}

/* A full disk: the run goes on, the file is as it was; then there is room. */
static void test_no_room(void) {
    Run r;
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &no_limit), 0);
    signal(SIGXFSZ, SIG_IGN);
    unlink(path);
    run_open(&r, 0.25f, 3);
    r.options.steps = 2;
    check(&r, run(&r));
    run_close(&r);
    uint64_t before = file_hash(path);

    run_open(&r, 0.25f, 3);
    r.options.resume = 1;
    r.options.steps = 4;
    r.options.progress = fill_disk;
    check(&r, run(&r));
    CU_ASSERT(r.failures == 2 && r.checkpoints == 0);
    CU_ASSERT(before && file_hash(path) == before);
    CU_ASSERT_EQUAL(file_count(), 1);
    r.begun = false;
    r.failures = 0;
    r.options.steps = 5;
    check(&r, run(&r)); /* from step 2 again */
    CU_ASSERT(r.begun_at == 2 && r.failures == 2 && r.checkpoints == 1);
    CU_ASSERT(file_hash(path) != before);
    CU_ASSERT_EQUAL(file_count(), 1);
    run_close(&r);

    run_open(&r, 0.25f, 3); /* no one to tell: the run ends */
    check(&r, run(&r));     /* the driver has no files to write any more */
    r.options.progress = NULL;
    before = file_hash(path);
    limit_files(300);
    int status = run(&r);
    limit_files(0);
    CU_ASSERT(says(r.dev, status, DLG_ERR_FILE, "File too large"));
    CU_ASSERT(file_hash(path) == before && file_count() == 1);
    run_close(&r);
}

static void test_read_only(void) {
    Run r;
    uint64_t before = file_hash(path);
    if (geteuid() == 0) return; /* root may write where no one may */
    run_open(&r, 0.25f, 3);
    CU_ASSERT_EQUAL(chmod(directory, 0500), 0);
    check(&r, run(&r));
    CU_ASSERT_EQUAL(chmod(directory, 0700), 0);
    CU_ASSERT(r.failures == STEPS && file_hash(path) == before && file_count() == 1);
    run_close(&r);
}

/* Makes the place for a checkpoint once one could not be written, or at the end of an epoch. */
static int make_room(const dlg_progress *p, void *user) {
    Run *r = user;
    bool failed = p->event == DLG_EVENT_CHECKPOINT && p->checkpoint < 0;
    see(p, user);
    if (failed || p->event == DLG_EVENT_EPOCH) {
        char parent[sizeof path];
        snprintf(parent, sizeof parent, "%s", path);
        *strrchr(parent, '/') = 0;
        mkdir(parent, 0777);
    }
    return failed && r->stop_at;
}

/* The last one, which could not be written in its step, is tried again at the end: of a run that was stopped, and of one
 * that --steps ends within an epoch, of which then nothing is told. */
static void test_again(void) {
    char before[sizeof path];
    memcpy(before, path, sizeof path);
    snprintf(path, sizeof path, "%s/later/c", directory);
    for (uint64_t stop = 0; stop <= 1; stop++) {
        Run r;
        run_open(&r, 0.25f, 3);
        r.options.progress = make_room;
        r.options.steps = 1;
        r.stop_at = stop;
        if (stop) r.options.steps = 7;
        CU_ASSERT_EQUAL(run(&r), stop ? DLG_ERR_STOPPED : DLG_OK);
        CU_ASSERT(r.failures == (int)stop && r.checkpoints == 1 && file_hash(path) != 0);
        run_close(&r);
        unlink(path);
        *strrchr(path, '/') = 0;
        rmdir(path);
        snprintf(path, sizeof path, "%s/later/c", directory);
    }
    memcpy(path, before, sizeof path);
}

static void make_directory(void) {
    if (!mkdtemp(directory)) exit(1);
    snprintf(path, sizeof path, "%s/run.checkpoint", directory);
}

/* What is read in pieces has the hash of the whole, which checkpoints and checksums keep. */
static void test_hash(void) {
    const size_t most = (1 << 20) + 5, sizes[] = {0, 1, 1 << 20, most};
    dlg_device *dev;
    cl_mem buffer;
    unsigned char *bytes = malloc(most);
    if (!bytes || dlg_device_open(&dev, NULL) < 0) exit(1);
    for (size_t i = 0; i < most; i++) bytes[i] = (unsigned char)(i % 251);
    CU_ASSERT_EQUAL_FATAL(rt_buffer(dev, most, "bytes", &buffer), DLG_OK);
    CU_ASSERT_EQUAL(rt_write(dev, buffer, 0, bytes, most), DLG_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t hash = 0;
        CU_ASSERT_EQUAL(rt_read_hash(dev, buffer, sizes[i], 7, NULL, &hash), DLG_OK);
        CU_ASSERT_EQUAL(hash, rt_hash(bytes, sizes[i], 7));
    }
    clReleaseMemObject(buffer);
    dlg_device_close(dev);
    free(bytes);
}

static void remove_directory(void) {
    unlink(path);
    CU_ASSERT_EQUAL(rmdir(directory), 0);
}

RUN_SUITE("checkpoint", {"a directory", make_directory}, {"resume", test_resume},
          {"longer", test_longer}, {"best", test_best}, {"metric", test_metric},
          {"often", test_often}, {"refused", test_refused}, {"malformed", test_malformed},
          {"no room", test_no_room}, {"read only", test_read_only}, {"again", test_again},
          {"hash", test_hash}, {"nothing is left behind", remove_directory})

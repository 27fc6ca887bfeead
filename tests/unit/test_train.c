/* Training and evaluation of tests/data/line.cl against the same computed here. Needs a device. */
#include "compile.h"
#include "data_fixture.h"
#include "device_fixture.h"
#include "feed.h"

#include <math.h>

#define LINE DLG_SOURCE_DIR "/tests/data/line.cl"

typedef struct Fixture {
    dlg_device *dev;
    dlg_program *prog;
    dlg_dataset *data;
} Fixture;

static void check(const Fixture *f, int status) {
    if (status == DLG_OK) return;
    fprintf(stderr, "\n  %s\n", dlg_error_text(f->dev));
    CU_FAIL("an error");
}

static void fixture_open(Fixture *f) {
    *f = (Fixture){0};
    float rate = 0.25f;
    f->dev = open_device();
    check(f, dlg_program_load_file(&f->prog, f->dev, LINE, NULL));
    if (!f->prog) exit(1);
    check(f, dlg_set(f->prog, "rate", &rate, sizeof rate));
    check(f, dlg_dataset_open(&f->data, f->prog, NULL));
    if (!f->data) exit(1);
}

static void fixture_close(Fixture *f) {
    dlg_dataset_close(f->data);
    dlg_program_close(f->prog);
    dlg_device_close(f->dev);
}

/* The same training on the host: w[0], w[1], b. */
static void train_here(const Fixture *f, uint64_t seed, uint64_t epochs, uint64_t steps,
                       float w[3]) {
    const float *x = dlg_dataset_values(f->data, dlg_tensor_find(f->prog, "x"));
    const float *y = dlg_dataset_values(f->data, dlg_tensor_find(f->prog, "y"));
    size_t n = dlg_dataset_rows(f->data, DLG_ROWS_TRAINING);
    const uint32_t *training = dlg_dataset_row_numbers(f->data, DLG_ROWS_TRAINING);
    uint64_t step = 0;
    for (uint64_t e = 0; e < epochs; e++) {
        uint32_t rows[11];
        memcpy(rows, training, n * sizeof *rows);
        split_shuffle(rows, n, "dlg:shuffle", seed, e, 0);
        for (size_t at = 0; at + 4 <= n && step < steps; at += 4, step++) {
            float d[3] = {0};
            for (int i = 0; i < 4; i++) {
                const float *row = x + 2 * rows[at + i];
                float err = row[0] * w[0] + row[1] * w[1] + w[2] - y[rows[at + i]];
                d[0] += 2 * err * row[0];
                d[1] += 2 * err * row[1];
                d[2] += 2 * err;
            }
            for (int k = 0; k < 3; k++) w[k] -= 0.25f * (d[k] / 4);
        }
    }
}

static bool has_weights(const Fixture *f, const float want[3]) {
    float w[2], b;
    check(f, dlg_get(f->prog, "w", w, sizeof w));
    check(f, dlg_get(f->prog, "b", &b, sizeof b));
    if (fabsf(w[0] - want[0]) + fabsf(w[1] - want[1]) + fabsf(b - want[2]) < 1e-5f) return true;
    fprintf(stderr, "\n  %g %g %g where %g %g %g are wanted\n", w[0], w[1], b, want[0], want[1],
            want[2]);
    return false;
}

typedef struct Seen {
    uint64_t epochs, events, stop_at;
    double loss, good, held_loss;
    uint64_t rows, held_rows, left_out, steps, batches;
} Seen;

static int see(const dlg_progress *p, void *user) {
    Seen *s = user;
    s->events++;
    if (p->event == DLG_EVENT_EPOCH) {
        s->epochs++;
        CU_ASSERT_EQUAL(p->epoch, s->epochs);
        CU_ASSERT_EQUAL_FATAL(p->train.count, 3);
        CU_ASSERT_STRING_EQUAL(p->train.names[2], "good");
        s->loss = p->train.values[0];
        s->good = p->train.values[2];
        s->rows = p->train.rows;
        s->left_out = p->left_out;
        s->steps = p->step;
        s->batches = p->batches;
        s->held_rows = p->evaluate.rows;
        s->held_loss = p->evaluate.count ? p->evaluate.values[0] : NAN;
    }
    return s->stop_at && p->step >= s->stop_at;
}

/* The rows of the epochs, and of a last one that was cut off. */
static int count_rows(const dlg_progress *p, void *user) {
    uint64_t *rows = user;
    if (p->event == DLG_EVENT_EPOCH) *rows += p->train.rows;
    return 0;
}

static void test_train(void) {
    Fixture f;
    fixture_open(&f);
    float want[3] = {0};
    Seen seen = {0};
    dlg_train_options o = {.epochs = 5, .seed = 3, .progress = see, .user = &seen};
    check(&f, dlg_train(f.prog, f.data, &o));
    train_here(&f, 3, 5, UINT64_MAX, want);
    CU_ASSERT(has_weights(&f, want));
    CU_ASSERT(seen.epochs == 5 && seen.steps == 10 && seen.batches == 2 && seen.left_out == 3);
    CU_ASSERT(seen.rows == 8 && seen.good == 1 && seen.held_rows == 0);
    CU_ASSERT_EQUAL(dlg_step(f.prog), 10);
    /* Inputs and outputs are those of the last run. */
    const dlg_tensor *input = dlg_tensor_find(f.prog, "x");
    const float *all = dlg_dataset_values(f.data, input);
    uint32_t rows[11];
    float x[8], loss = 0, again = 1;
    for (uint32_t i = 0; i < 11; i++) rows[i] = i;
    split_shuffle(rows, 11, "dlg:shuffle", 3, 4, 0);
    check(&f, dlg_get(f.prog, "x", x, sizeof x));
    for (int i = 0; i < 4; i++)
        CU_ASSERT(memcmp(x + 2 * i, all + 2 * rows[4 + i], 2 * sizeof *x) == 0);
    check(&f, dlg_get(f.prog, "loss", &loss, sizeof loss));
    float before[3] = {0};
    train_here(&f, 3, 5, 9, before);
    check(&f, dlg_set(f.prog, "w", before, 8));
    check(&f, dlg_set(f.prog, "b", before + 2, 4));
    check(&f, dlg_run(f.prog, "train"));
    check(&f, dlg_get(f.prog, "loss", &again, sizeof again));
    CU_ASSERT(fabsf(loss - again) < 1e-5f && has_weights(&f, want));
    fixture_close(&f);
}

/* The data in host memory, batches written one after the other: the same bits. */
static void test_host_data(void) {
    Fixture f;
    fixture_open(&f);
    Seen seen = {0};
    float device[3], host[3];
    dlg_train_options o = {.steps = 3000, .seed = 5, .progress = see, .user = &seen};
    check(&f, dlg_train(f.prog, f.data, &o));
    CU_ASSERT_EQUAL(seen.good, 1);
    check(&f, dlg_get(f.prog, "w", device, 8));
    check(&f, dlg_get(f.prog, "b", device + 2, 4));
    check(&f, dlg_init(f.prog, 0));
    seen = (Seen){0};
    o.device_bytes = 1;
    check(&f, dlg_train(f.prog, f.data, &o));
    CU_ASSERT(seen.good == 1 && seen.steps == 3000);
    check(&f, dlg_get(f.prog, "w", host, 8));
    check(&f, dlg_get(f.prog, "b", host + 2, 4));
    CU_ASSERT(memcmp(device, host, sizeof host) == 0);
    fixture_close(&f);
}

/* Rows shared by the items of a group, as on a device with memory of its own: the same bits. */
static void test_lanes(void) {
    Fixture f;
    float one[2], shared[2];
    dlg_train_options o = {.epochs = 20};
    fixture_open(&f);
    check(&f, dlg_train(f.prog, f.data, &o));
    check(&f, dlg_get(f.prog, "w", one, sizeof one));
    fixture_close(&f);
    fixture_open(&f);
    f.dev->host_memory = false;
    Seen seen = {0};
    o.progress = see;
    o.user = &seen;
    check(&f, dlg_train(f.prog, f.data, &o));
    check(&f, dlg_get(f.prog, "w", shared, sizeof shared));
    CU_ASSERT(seen.good == 1 && memcmp(one, shared, sizeof one) == 0);
    fixture_close(&f);
}

static void test_held_out(void) {
    Fixture f;
    fixture_open(&f);
    check(&f, dlg_dataset_split(f.data, 0.5, 1)); /* 6 held out: a batch and two single rows */
    Seen seen = {0};
    dlg_train_options o = {.epochs = 3, .seed = 1, .progress = see, .user = &seen};
    check(&f, dlg_train(f.prog, f.data, &o));
    float w[3] = {0};
    train_here(&f, 1, 3, UINT64_MAX, w);
    CU_ASSERT(has_weights(&f, w));
    const float *x = dlg_dataset_values(f.data, dlg_tensor_find(f.prog, "x"));
    const float *y = dlg_dataset_values(f.data, dlg_tensor_find(f.prog, "y"));
    const uint32_t *held = dlg_dataset_row_numbers(f.data, DLG_ROWS_HELD_OUT);
    double loss = 0;
    for (int i = 0; i < 6; i++) {
        double e = x[2 * held[i]] * w[0] + x[2 * held[i] + 1] * w[1] + w[2] - y[held[i]];
        loss += e * e / 6;
    }
    CU_ASSERT(seen.held_rows == 6 && fabs(seen.held_loss - loss) < 1e-5);
    dlg_metrics m;
    check(&f, dlg_evaluate(f.prog, f.data, "evaluate", DLG_ROWS_HELD_OUT, &m));
    CU_ASSERT(m.rows == 6 && m.count == 3 && m.values[0] == seen.held_loss && m.values[2] == 1);
    /* i32: the largest id of the batch by its four rows, and two ids by themselves. */
    double ids = (4.0 * held[3] + held[4] + held[5]) / 6;
    CU_ASSERT(fabs(m.values[1] - ids) < 1e-9);
    dlg_metrics_free(&m);
    check(&f, dlg_evaluate(f.prog, f.data, "evaluate", DLG_ROWS_ALL, &m));
    CU_ASSERT(m.rows == 11 && m.values[2] == 1);
    dlg_metrics_free(&m);
    CU_ASSERT(says(f.dev, dlg_evaluate(f.prog, f.data, "train", DLG_ROWS_ALL, &m), DLG_ERR_USAGE,
                   "updates `w`"));
    CU_ASSERT_STRING_EQUAL(dlg_meta_get(f.prog, "data_held_out"), "6");
    fixture_close(&f);
}

/* Data held out lies on the device where there is room for it beside the data to train on, and is evaluated alike. */
static void test_held_out_apart(void) {
    enum { BYTES = 11 * (2 * 4 + 2 * 4 + 4 + 4 + 1) };
    static const char *const names[] = {"x", "t", "y", "id", "even"};
    double loss[2];
    for (int large = 0; large < 2; large++) {
        Fixture f;
        fixture_open(&f);
        dlg_data held[5];
        for (int i = 0; i < 5; i++) {
            const dlg_tensor *t = dlg_tensor_find(f.prog, names[i]);
            held[i] =
                (dlg_data){.name = names[i], .values = dlg_dataset_values(f.data, t), .rows = 11};
        }
        check(&f, dlg_dataset_hold_out(f.data, held, 5));
        CU_ASSERT_EQUAL(dlg_dataset_rows(f.data, DLG_ROWS_HELD_OUT), 11);
        CU_ASSERT_PTR_NULL(dlg_dataset_row_numbers(f.data, DLG_ROWS_HELD_OUT));
        CU_ASSERT_EQUAL(dlg_dataset_row(f.data, DLG_ROWS_HELD_OUT, 10), 10);
        uint64_t most = large ? 2 * BYTES : 2 * BYTES - 1;
        Feed training, apart;
        check(&f, feed_open(&training, f.prog, f.data, most, 0));
        check(&f, feed_open(&apart, f.prog, f.data->apart, most, training.device_bytes));
        CU_ASSERT(training.fields != NULL && !apart.fields == !large);
        feed_close(&training);
        feed_close(&apart);
        Seen seen = {0};
        dlg_train_options o = {.epochs = 2, .device_bytes = most, .progress = see, .user = &seen};
        check(&f, dlg_train(f.prog, f.data, &o));
        dlg_metrics m;
        check(&f, dlg_evaluate(f.prog, f.data, "evaluate", DLG_ROWS_HELD_OUT, &m));
        CU_ASSERT(m.rows == 11 && m.values[0] == seen.held_loss);
        dlg_metrics_free(&m);
        loss[large] = seen.held_loss;
        fixture_close(&f);
    }
    CU_ASSERT_EQUAL(loss[0], loss[1]);
}

static void test_stop(void) {
    Fixture f;
    fixture_open(&f);
    Seen seen = {.stop_at = 7};
    dlg_train_options o = {.epochs = 1000000, .progress = see, .user = &seen};
    CU_ASSERT(says(f.dev, dlg_train(f.prog, f.data, &o), DLG_ERR_STOPPED, "of 2000000 steps"));
    float w[3] = {0};
    train_here(&f, 0, 1000, dlg_step(f.prog), w);
    CU_ASSERT(dlg_step(f.prog) >= 7 && has_weights(&f, w));
    fixture_close(&f);
}

typedef struct Told {
    uint64_t epoch, step;
    double loss;
} Told;

typedef struct Telling {
    Told told[4000];
    size_t count, most_behind; /* by how many steps an event came late */
    uint64_t stop_epoch;
    dlg_program *prog;
} Telling;

static int tell(const dlg_progress *p, void *user) {
    Telling *t = user;
    if (p->event != DLG_EVENT_EPOCH || t->count == 4000) return 0;
    t->told[t->count++] = (Told){p->epoch, p->step, p->train.values[0]};
    if (dlg_step(t->prog) - p->step > t->most_behind) t->most_behind = dlg_step(t->prog) - p->step;
    return p->epoch == t->stop_epoch;
}

/* Events that come late say what they would have said, in order; the run ends with the same bits. */
static void test_late(void) {
    Telling *each = calloc(2, sizeof *each);
    float w[2][2];
    for (int late = 0; late < 2; late++) {
        Fixture f;
        fixture_open(&f);
        each[late].prog = f.prog;
        dlg_train_options o = {
            .steps = 3001, .late_events = late, .progress = tell, .user = &each[late]};
        check(&f, dlg_train(f.prog, f.data, &o));
        check(&f, dlg_get(f.prog, "w", w[late], sizeof w[late]));
        fixture_close(&f);
    }
    CU_ASSERT_EQUAL(each[0].count, 1501);
    CU_ASSERT_EQUAL(each[1].count, 1501);
    CU_ASSERT(memcmp(each[0].told, each[1].told, sizeof each[0].told) == 0);
    CU_ASSERT(memcmp(w[0], w[1], sizeof w[0]) == 0);
    CU_ASSERT_EQUAL(each[0].most_behind, 0);
    CU_ASSERT(each[1].most_behind > 0);

    /* Stopped late: what was done is what the steps say, all epochs are told, and it can be resumed. */
    Fixture f;
    fixture_open(&f);
    memset(each, 0, 2 * sizeof *each);
    each->prog = f.prog;
    each->stop_epoch = 700;
    remove("late.checkpoint");
    dlg_train_options o = {.steps = 3001,
                           .late_events = 1,
                           .progress = tell,
                           .user = each,
                           .checkpoint = "late.checkpoint"};
    CU_ASSERT(says(f.dev, dlg_train(f.prog, f.data, &o), DLG_ERR_STOPPED, "of 3001 steps"));
    float host[3] = {0}, resumed[2];
    train_here(&f, 0, 1501, dlg_step(f.prog), host);
    CU_ASSERT(has_weights(&f, host));
    CU_ASSERT(each->count >= 700 && each->count <= dlg_step(f.prog) / 2);
    each->stop_epoch = 0;
    o.resume = 1;
    check(&f, dlg_train(f.prog, f.data, &o));
    check(&f, dlg_get(f.prog, "w", resumed, sizeof resumed));
    CU_ASSERT(memcmp(resumed, w[0], sizeof resumed) == 0);
    CU_ASSERT_EQUAL(each->count, 1501);
    for (size_t i = 0; i < each->count; i++) CU_ASSERT_EQUAL(each->told[i].epoch, i + 1);
    remove("late.checkpoint");
    fixture_close(&f);
    free(each);
}

static void test_refused(void) {
    Fixture f;
    fixture_open(&f);
    dlg_train_options fly = {.entry = "fly"};
    CU_ASSERT_EQUAL(dlg_train(f.prog, f.data, &fly), DLG_ERR_NAME);
    check(&f, dlg_dataset_split(f.data, 0.75, 1));
    CU_ASSERT(says(f.dev, dlg_train(f.prog, f.data, NULL), DLG_ERR_DATA,
                   "there are 3 rows to train on, and entry `train` takes 4 at a time"));
    dlg_program *fresh;
    check(&f, dlg_program_load_file(&fresh, f.dev, LINE, NULL));
    dlg_dataset *data;
    check(&f, dlg_dataset_open(&data, fresh, NULL));
    /* What did not begin sets no inputs. */
    check(&f, dlg_dataset_split(data, 0.75, 1));
    CU_ASSERT_EQUAL(dlg_train(fresh, data, NULL), DLG_ERR_DATA);
    CU_ASSERT(says(f.dev, dlg_run(fresh, "train"), DLG_ERR_UNSET, "reads `x`, which was not set"));
    check(&f, dlg_dataset_split(data, 0, 1));
    CU_ASSERT(says(f.dev, dlg_train(fresh, data, NULL), DLG_ERR_UNSET, "rate"));
    dlg_metrics m;
    CU_ASSERT(says(f.dev, dlg_train(fresh, f.data, NULL), DLG_ERR_USAGE, "for another program"));
    CU_ASSERT(says(f.dev, dlg_evaluate(fresh, f.data, "evaluate", DLG_ROWS_ALL, &m), DLG_ERR_USAGE,
                   "for another program"));
    CU_ASSERT_EQUAL(dlg_train(NULL, f.data, NULL), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_train(fresh, NULL, NULL), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_evaluate(fresh, data, NULL, DLG_ROWS_ALL, &m), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_dataset_feed(fresh, f.data, dlg_entry_at(fresh, 0), NULL, 0),
                    DLG_ERR_USAGE);
    dlg_dataset_close(data);
    dlg_program_close(fresh);
    fixture_close(&f);
}

/* A step that is one work-item's launch: as many steps a launch as there are batches beside each other, and the same
 * bits as one by one. */
static const char line_model[] = "input x : f32[4, 3]\ninput y : f32[4, 1]\nout = dense(dropout(x, "
                                 "0.2), 1)\nloss = mse(out, y)\n"
                                 "entry train -> loss { minimize loss by adam(lr = 0.01) }\n";

/* w: the weights, then the last loss. */
static void train_line(bool one_by_one, uint64_t steps, float w[4], uint64_t *launched) {
    enum { ROWS = 42, EPOCH = ROWS / 4 };
    Fixture f = {0};
    float x[ROWS][3], y[ROWS];
    uint64_t rows = 0;
    f.dev = open_device();
    CompileOptions options = {.target = target_of_kind(f.dev, "cpu")};
    CompileResult r = compile_text("line.dlg", line_model, strlen(line_model), &options);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    check(&f, dlg_program_load_text(&f.prog, f.dev, "line", r.text, r.text_len, NULL));
    compile_free(&r);
    if (!f.prog) exit(1);
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < 3; k++) x[i][k] = (float)((i * 7 + k * 5) % 11) / 11;
        y[i] = x[i][0] - 2 * x[i][2];
    }
    const dlg_data data[] = {{.name = "x", .values = x, .rows = ROWS},
                             {.name = "y", .values = y, .rows = ROWS}};
    dlg_dataset_options from = {.data = data, .data_count = 2};
    check(&f, dlg_dataset_open(&f.data, f.prog, &from));
    check(&f, dlg_profile_begin(f.dev, "line.trace")); /* one that ended is of no matter */
    check(&f, dlg_profile_end(f.dev, NULL, NULL));
    remove("line.trace");
    check(&f, dlg_check_nan(f.prog, one_by_one));
    dlg_train_options o = {.steps = steps, .late_events = 1, .progress = count_rows, .user = &rows};
    uint64_t before = f.dev->launches;
    check(&f, dlg_train(f.prog, f.data, &o));
    *launched = f.dev->launches - before;
    CU_ASSERT_EQUAL(rows, (steps / EPOCH * EPOCH + steps % EPOCH) * 4);
    CU_ASSERT_EQUAL(dlg_step(f.prog), steps);
    check(&f, dlg_get(f.prog, "out.w", w, 3 * sizeof *w));
    float loss = NAN;
    check(&f, dlg_get(f.prog, "loss", &loss, sizeof loss));
    w[3] = loss;
    check(&f, dlg_run(f.prog, "train")); /* its arguments are again those of one run */
    CU_ASSERT_EQUAL(dlg_step(f.prog), steps + 1);
    fixture_close(&f);
}

static void test_runs(void) {
    float together[4], apart[4];
    uint64_t few = UINT64_MAX, many;
    train_line(true, 57, apart, &many);
    CU_ASSERT(many >= 57);
    /* Of each of 6 epochs the batches are selected, and more than once what was computed is read: when, goes by the
     * clock, so that on a machine that has no time for it a run may take more launches than another. */
    for (int i = 0; i < 5 && few >= 30; i++) {
        train_line(false, 57, together, &few);
        CU_ASSERT(memcmp(together, apart, sizeof together) == 0);
    }
    CU_ASSERT(few < 30);
}

static void test_feed(void) {
    Fixture f;
    fixture_open(&f);
    const dlg_entry *predict = dlg_entry_find(f.prog, "predict");
    check(&f, dlg_set(f.prog, "w", (float[]){1, 10}, 8));
    check(&f, dlg_dataset_feed(f.prog, f.data, predict, (uint32_t[]){10, 0, 0, 5}, 4));
    check(&f, dlg_run(f.prog, "predict"));
    float p[4];
    check(&f, dlg_get(f.prog, "p", p, sizeof p));
    const float *x = dlg_dataset_values(f.data, dlg_tensor_find(f.prog, "x"));
    CU_ASSERT(fabsf(p[0] - (x[20] + 10 * x[21])) < 1e-5f && p[1] == p[2]);
    CU_ASSERT(says(f.dev, dlg_dataset_feed(f.prog, f.data, predict, (uint32_t[]){0}, 1),
                   DLG_ERR_USAGE, "takes 4 rows at a time, not 1"));
    CU_ASSERT(says(f.dev, dlg_dataset_feed(f.prog, f.data, predict, (uint32_t[]){0, 1, 2, 11}, 4),
                   DLG_ERR_DATA, "no row 11"));
    fixture_close(&f);
}

RUN_SUITE("train", {"train", test_train}, {"data on the host", test_host_data},
          {"lanes", test_lanes}, {"held out", test_held_out},
          {"held out, apart", test_held_out_apart}, {"stop", test_stop}, {"late", test_late},
          {"refused", test_refused}, {"runs of a launch", test_runs}, {"feed", test_feed})

/* train: the training loop, and evaluation over rows. The state of a run in a file: checkpoint.c.
 *
 * Requires a program and a data set of it. Establishes: the same program, data, split, seed and
 * device give the same bits; the loop waits for the device about ten times a second and at the end
 * of an epoch, no more. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "train.h"

enum { DEFAULT_EPOCHS = 10 };
static const double report_s = 0.1;
static const size_t orders_bytes = 1u << 20; /* that several orders of rows may take */

double train_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Metrics ----------------------------------------------------------------------------------- */

static int metrics_open(dlg_metrics *m, const Runner *r) {
    *m = (dlg_metrics){.count = r->scalar_count};
    const char **names = calloc(r->scalar_count + 1, sizeof *names);
    m->values = calloc(r->scalar_count + 1, sizeof *m->values);
    m->names = names;
    if (!names || !m->values)
        return rt_no_memory(r->feed->prog->dev, r->scalar_count * sizeof *names);
    for (size_t i = 0; i < r->scalar_count; i++) {
        names[i] = r->scalars[i]->user_name;
        m->values[i] = NAN;
    }
    return DLG_OK;
}

void dlg_metrics_free(dlg_metrics *m) {
    free((void *)m->names);
    free(m->values);
    *m = (dlg_metrics){0};
}

static void metrics_take(dlg_metrics *m, const Runner *whole, const Runner *rest) {
    m->rows = whole->rows + (rest ? rest->rows : 0);
    for (size_t i = 0; i < m->count; i++)
        m->values[i] = (whole->sums[i] + (rest ? rest->sums[i] : 0)) / (double)m->rows;
}

/* ---- Evaluation -------------------------------------------------------------------------------- */

/* Whether the variant returns the same scalars in the same order. */
static bool same_scalars(const Runner *a, const Runner *b) {
    if (a->scalar_count != b->scalar_count) return false;
    for (size_t i = 0; i < a->scalar_count; i++)
        if (strcmp(a->scalars[i]->user_name, b->scalars[i]->user_name) != 0) return false;
    return true;
}

static int evaluation_open(Evaluation *e, Feed *f, const dlg_entry *entry, dlg_rows which,
                           uint64_t device_bytes) {
    dlg_device *dev = f->prog->dev;
    *e = (Evaluation){0};
    if (entry->update_count > 0)
        return rt_fail(dev, DLG_ERR_USAGE,
                       "entry `%s` updates `%s`: evaluation must change nothing", entry->name,
                       entry->updates[0]->name);
    if (which == DLG_ROWS_HELD_OUT && f->data->apart) {
        TRY(feed_open(&e->apart, f->prog, f->data->apart, device_bytes, f->device_bytes));
        f = &e->apart;
        which = DLG_ROWS_ALL;
    }
    size_t count = dlg_dataset_rows(f->data, which);
    TRY(order_open(&e->order, f, dataset_set(f->data, which), false, 0));
    TRY(runner_open(&e->whole, f, entry));
    if (e->whole.batch == 0 || count % e->whole.batch == 0 || !entry->single) return DLG_OK;
    TRY(runner_open(&e->rest, f, entry->single));
    if (e->rest.batch != 1 || !same_scalars(&e->whole, &e->rest))
        return rt_fail(dev, DLG_ERR_PROGRAM, "entry `%s` is not a variant of `%s` for one row",
                       entry->single->name, entry->name);
    return DLG_OK;
}

/* As runner_close. */
static cl_int evaluation_close(Evaluation *e) {
    cl_int whole = e->whole.entry ? runner_close(&e->whole) : CL_SUCCESS;
    cl_int rest = e->rest.entry ? runner_close(&e->rest) : CL_SUCCESS;
    order_close(&e->order);
    feed_close(&e->apart);
    return whole ? whole : rest;
}

/* The status of what was done and then closed; of two failures the first is told. */
static int closed(dlg_program *prog, int status, cl_int code) {
    return status < 0 || !code ? status : rt_cl_fail(prog->dev, code, "giving inputs back");
}

static int evaluation_run(Evaluation *e, dlg_metrics *out) {
    size_t count = e->order.count, batch = e->whole.batch, at = 0;
    runner_reset(&e->whole);
    if (batch == 0) { /* no data: one run says all */
        TRY(runner_step(&e->whole, &e->order, 0));
    } else {
        for (; at + batch <= count; at += batch) TRY(runner_step(&e->whole, &e->order, at));
    }
    if (e->rest.entry) {
        runner_reset(&e->rest);
        for (; at < count; at++) TRY(runner_step(&e->rest, &e->order, at));
        TRY(runner_collect(&e->rest));
    }
    TRY(runner_collect(&e->whole));
    metrics_take(out, &e->whole, e->rest.entry ? &e->rest : NULL);
    return DLG_OK;
}

int dlg_evaluate(dlg_program *prog, const dlg_dataset *data, const char *entry, dlg_rows which,
                 dlg_metrics *out) {
    Feed feed = {0};
    Evaluation e = {0};
    const dlg_entry *found;
    if (out) *out = (dlg_metrics){0};
    if (!prog) return DLG_ERR_USAGE;
    if (!entry || !out)
        return rt_fail(prog->dev, DLG_ERR_USAGE, "dlg_evaluate was given a null pointer");
    TRY(rt_find_entry(prog, entry, &found));
    if (data && which == DLG_ROWS_HELD_OUT && data->apart) { /* the others are not wanted */
        data = data->apart;
        which = DLG_ROWS_ALL;
    }
    int status = feed_open(&feed, prog, data, 0, 0);
    if (status == DLG_OK) status = evaluation_open(&e, &feed, found, which, 0);
    if (status == DLG_OK) status = metrics_open(out, &e.whole);
    if (status == DLG_OK) status = evaluation_run(&e, out);
    status = closed(prog, status, evaluation_close(&e));
    feed_close(&feed);
    if (status < 0) dlg_metrics_free(out);
    return status;
}

/* ---- Training ---------------------------------------------------------------------------------- */

/* How many epochs, and steps in all and in an epoch. */
static int plan_length(Training *t) {
    dlg_progress *p = &t->progress;
    uint64_t epochs = t->options->epochs, steps = t->options->steps;
    dlg_device *dev = t->prog->dev;
    size_t rows = dlg_dataset_rows(t->data, DLG_ROWS_TRAINING);
    if (t->run.batch == 0) {
        if (steps == 0)
            return rt_fail(dev, DLG_ERR_USAGE,
                           "entry `%s` takes no data, so that there are no epochs: say how many "
                           "steps",
                           t->run.entry->name);
        p->batches = p->steps = steps;
        p->epochs = 1;
        return DLG_OK;
    }
    if (rows < t->run.batch)
        return rt_fail(
            dev, DLG_ERR_DATA,
            "there %s %zu row%s to train on, and entry `%s` takes %zu at a time: choose a "
            "smaller batch",
            rows == 1 ? "is" : "are", rows, rows == 1 ? "" : "s", t->run.entry->name, t->run.batch);
    p->batches = rows / t->run.batch;
    p->left_out = rows % t->run.batch;
    if (epochs == 0 && steps == 0) epochs = DEFAULT_EPOCHS;
    if (epochs > INT64_MAX / p->batches) epochs = INT64_MAX / p->batches;
    p->steps = epochs * p->batches;
    if (epochs == 0 || (steps && steps < p->steps)) p->steps = steps;
    p->epochs = (p->steps + p->batches - 1) / p->batches;
    return DLG_OK;
}

static int training_open(Training *t) {
    dlg_device *dev = t->prog->dev;
    const dlg_entry *entry, *evaluate;
    if (!t->data || t->data->prog != t->prog)
        return rt_fail(dev, DLG_ERR_USAGE, "the data set was opened for another program");
    size_t count = dlg_dataset_rows(t->data, DLG_ROWS_TRAINING);
    TRY(rt_find_entry(t->prog, t->options->entry ? t->options->entry : "train", &entry));
    if (t->options->evaluate)
        TRY(rt_find_entry(t->prog, t->options->evaluate, &evaluate));
    else
        evaluate = dlg_entry_find(t->prog, "evaluate");
    TRY(feed_open(&t->feed, t->prog, t->data, t->options->device_bytes, 0));
    TRY(runner_open(&t->run, &t->feed, entry));
    TRY(metrics_open(&t->progress.train, &t->run));
    TRY(plan_length(t));
    t->progress.epoch = 1;
    t->orders = t->options->late_events && count <= orders_bytes / MOST_ORDERS / sizeof(uint32_t)
                    ? MOST_ORDERS
                    : 2;
    for (size_t i = 0; i < t->orders; i++)
        TRY(order_open(&t->order[i], &t->feed, dataset_set(t->data, DLG_ROWS_TRAINING), true,
                       t->options->seed));
    t->evaluates = evaluate && dlg_dataset_rows(t->data, DLG_ROWS_HELD_OUT) > 0;
    if (t->evaluates) {
        TRY(evaluation_open(&t->evaluation, &t->feed, evaluate, DLG_ROWS_HELD_OUT,
                            t->options->device_bytes));
        TRY(metrics_open(&t->progress.evaluate, &t->evaluation.whole));
    }
    TRY(good_open(t));
    return best_open(t);
}

static cl_int training_close(Training *t) {
    best_close(t);
    good_close(t);
    cl_int evaluation = evaluation_close(&t->evaluation);
    cl_int run = t->run.entry ? runner_close(&t->run) : CL_SUCCESS;
    for (size_t i = 0; i < t->orders; i++) order_close(&t->order[i]);
    feed_close(&t->feed);
    dlg_metrics_free(&t->progress.train);
    dlg_metrics_free(&t->progress.evaluate);
    rt_meta_free(&t->identity);
    return evaluation ? evaluation : run;
}

static int stopped(const Training *t) {
    return rt_fail(t->prog->dev, DLG_ERR_STOPPED, "stopped after %llu of %llu steps",
                   (unsigned long long)t->progress.step, (unsigned long long)t->progress.steps);
}

static int report(Training *t, dlg_event event) {
    dlg_progress *p = &t->progress;
    p->event = event;
    p->seconds = train_now_s() - t->begin_s;
    p->samples_per_second = t->trained_s > 0 ? (double)t->trained_rows / t->trained_s : 0;
    if (t->run.rows) metrics_take(&p->train, &t->run, NULL);
    if (!t->options->progress || !t->options->progress(p, t->options->user)) return DLG_OK;
    return stopped(t);
}

/* Takes what was read, and tells of the epochs that ended meanwhile. */
static int take_runs(Training *t) {
    dlg_progress *p = &t->progress;
    uint64_t epoch = p->epoch, step = p->step, batch = p->batch;
    bool stop = false;
    for (size_t i = 0; i < t->mark_count; i++) {
        runner_take(&t->run, t->marks[i].runs);
        p->epoch = t->marks[i].epoch;
        p->step = t->marks[i].step;
        p->batch = p->batches;
        int status = report(t, DLG_EVENT_EPOCH);
        runner_reset(&t->run);
        p->epoch = epoch;
        p->step = step;
        p->batch = batch;
        if (status < 0 && status != DLG_ERR_STOPPED) return status;
        stop |= status == DLG_ERR_STOPPED; /* those behind it ended too, and are told */
    }
    t->mark_count = 0;
    runner_take(&t->run, t->run.read - t->run.taken);
    return stop ? stopped(t) : DLG_OK;
}

/* Collects what was enqueued since the last time and chooses how much to enqueue before the next time. */
static int collect(Training *t) {
    size_t runs = t->run.pending;
    if (runs == 0) return DLG_OK;
    TRY(runner_read(&t->run));
    double at = train_now_s(), spent = at - t->since_s;
    if (t->warm) {
        t->trained_s += spent;
        t->trained_rows += runs * (t->run.batch ? t->run.batch : 1);
    }
    t->warm = true; /* the first run builds kernels: it says nothing of the speed */
    t->since_s = at;
    double wanted = spent > 0 ? (double)runs * report_s / spent : 1e9;
    size_t most = t->until_report * 4; /* the first runs are slow: kernels are built on first use */
    t->until_report = wanted < 1 ? 1 : wanted > (double)most ? most : (size_t)wanted;
    if (t->until_report > t->run.capacity) t->until_report = t->run.capacity;
    int status = take_runs(t);
    if (status < 0 && status != DLG_ERR_STOPPED) return status;
    int looked = good_collected(t);
    return looked < 0 ? looked : status;
}

/* When a checkpoint is written: while the run goes on; before what is left of it changes no state; at its end. */
typedef enum CheckpointTime { WITHIN, NEAR_END, AT_END } CheckpointTime;

/* A checkpoint that cannot be written ends the run only where no one is told of it, which is once a step. At the end it is
 * tried again: what there was no room for may have been made meanwhile. */
static int checkpoint(Training *t, CheckpointTime time) {
    TRY(collect(t));
    bool again = t->tried_step == t->progress.step;
    if (!t->options->checkpoint || (again && !(t->missing && time == AT_END))) return DLG_OK;
    TRY(good_look(t)); /* what is not finite does not replace what is */
    bool told = again && !t->untold;
    t->progress.checkpoint = checkpoint_write(t);
    t->missing = t->progress.checkpoint < 0;
    t->untold = t->missing && time == NEAR_END;
    if (t->untold) return DLG_OK;
    if (!t->options->progress) return t->progress.checkpoint;
    return t->missing && told ? DLG_OK : report(t, DLG_EVENT_CHECKPOINT);
}

/* Makes the order of the rows in an epoch, in the place of one that is no longer read. */
static int prepare_epoch(Training *t, uint64_t epoch) {
    RowOrder *order = &t->order[epoch % t->orders];
    if (order->count == 0 || t->prepared == epoch) return DLG_OK;
    t->prepared = epoch;
    return order_shuffle(order, &t->feed, epoch - 1);
}

/* All of this epoch's steps are enqueued: while they run the next one's first batches are selected, so that the
 * device has no more to wait for than the host. */
static int prepare_next(Training *t) {
    uint64_t next = t->progress.epoch + 1;
    if (t->run.batch == 0 || t->progress.step >= t->progress.steps) return DLG_OK;
    TRY(prepare_epoch(t, next));
    return runner_select(&t->run, &t->order[next % t->orders], 0);
}

/* Whether the end of this epoch is told when its runs are read anyway: then nothing waits here. */
static bool told_later(const Training *t) {
    const dlg_progress *p = &t->progress;
    /* Of the orders two more are in use: this epoch's, and the next one's. */
    return t->options->late_events && !t->evaluates && p->batch == p->batches &&
           p->step < p->steps && t->run.batch && t->run.pending && !checkpoint_due(t) &&
           t->mark_count + 2 < t->orders;
}

static void mark_epoch(Training *t) {
    size_t marked = 0;
    for (size_t i = 0; i < t->mark_count; i++) marked += t->marks[i].runs;
    t->marks[t->mark_count++] = (EpochMark){
        .epoch = t->progress.epoch, .step = t->progress.step, .runs = t->run.pending - marked};
}

/* From batch p->batch of epoch p->epoch. */
static int one_epoch(Training *t) {
    dlg_progress *p = &t->progress;
    RowOrder *order = &t->order[p->epoch % t->orders];
    uint64_t every = t->options->checkpoint ? t->options->checkpoint_steps : 0;
    uint64_t told = t->options->report_steps;
    int stop = DLG_OK; /* asked for when the epoch had ended: it is told first */
    if (t->run.pending == 0) t->since_s = train_now_s();
    TRY(prepare_epoch(t, p->epoch));
    while (p->batch < p->batches && p->step < p->steps) {
        TRY(runner_step(&t->run, order, (size_t)p->batch * t->run.batch));
        p->batch++;
        p->step++;
        if (p->batch == p->batches) TRY(prepare_next(t));
        bool tell = told && p->step % told == 0, keep = every && p->step % every == 0;
        if (t->run.pending < t->until_report && !tell && !keep) continue;
        stop = collect(t);
        if (stop < 0 && (stop != DLG_ERR_STOPPED || p->batch < p->batches)) return stop;
        if (p->batch == p->batches) break;
        if (tell || p->step < p->steps) TRY(report(t, DLG_EVENT_STEPS));
        if (p->step < p->steps && checkpoint_due(t)) {
            TRY(checkpoint(t, WITHIN));
            t->since_s = train_now_s(); /* it is no time of training */
        }
    }
    if (told_later(t)) {
        mark_epoch(t);
        return DLG_OK;
    }
    if (stop == DLG_OK) stop = collect(t);
    if (stop < 0 && stop != DLG_ERR_STOPPED) return stop;
    /* What the evaluation of an epoch that --steps cut off finds is not of the run if that goes on. */
    if (p->batch < p->batches) TRY(checkpoint(t, NEAR_END));
    if (t->evaluates) {
        TRY(evaluation_run(&t->evaluation, &p->evaluate));
        TRY(best_consider(t));
    }
    p->last = p->step >= p->steps || best_ends(t);
    int status = report(t, DLG_EVENT_EPOCH);
    return status < 0 ? status : stop;
}

/* The first batch of the next epoch. An epoch that --steps cut off stays: it may be taken up. */
static void next_epoch(Training *t) {
    dlg_progress *p = &t->progress;
    if (t->run.batch == 0 || p->batch < p->batches) return;
    p->epoch++;
    p->batch = 0;
    if (t->mark_count == 0) runner_reset(&t->run); /* or when its runs are read */
}

static int all_epochs(Training *t) {
    dlg_progress *p = &t->progress;
    /* A run that was taken up within its last epoch has yet to evaluate it, but for one that went further. */
    p->last = best_ends(t) || p->step > p->steps || (p->step == p->steps && p->batch == 0);
    int status = report(t, DLG_EVENT_BEGIN);
    if (status == DLG_OK && !p->last) status = good_look(t);
    while (status == DLG_OK && !p->last) {
        status = one_epoch(t);
        if (status == DLG_OK || status == DLG_ERR_STOPPED) next_epoch(t);
        if (status == DLG_OK && p->last) status = good_look(t);
        if (status == DLG_OK && (p->last || checkpoint_due(t)))
            status = checkpoint(t, p->last ? AT_END : WITHIN);
    }
    if (status == DLG_ERR_STOPPED && good_look(t) == DLG_ERR_DIVERGED) status = DLG_ERR_DIVERGED;
    /* The callback, which stopped the run, is told whether it was written. */
    if (status == DLG_ERR_STOPPED) checkpoint(t, AT_END);
    if (status == DLG_ERR_DIVERGED) {
        int restored = good_restore(t);
        return restored < 0 ? restored : DLG_ERR_DIVERGED;
    }
    if (status != DLG_OK && status != DLG_ERR_STOPPED) return status;
    TRY(best_restore(t));
    return status == DLG_OK ? DLG_OK : stopped(t);
}

int dlg_train(dlg_program *prog, const dlg_dataset *data, const dlg_train_options *options) {
    static const dlg_train_options defaults = {0};
    Training t = {.options = options ? options : &defaults,
                  .prog = prog,
                  .data = data,
                  .until_report = 1,
                  .begin_s = train_now_s()};
    if (!prog) return DLG_ERR_USAGE;
    int status = training_open(&t);
    if (status == DLG_OK && data->rows > 0) status = split_record(data);
    if (status == DLG_OK) status = dlg_meta_set(prog, "best_epoch", NULL); /* of another run */
    if (status == DLG_OK) status = checkpoint_resume(&t);
    if (status == DLG_OK) status = all_epochs(&t);
    return closed(prog, status, training_close(&t));
}

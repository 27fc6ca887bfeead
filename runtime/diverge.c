/* diverge: whether a training run came to what is not finite, and the weights that it had before.
 *
 * Scalars are looked at whenever they are read (feed.c); the params that the entry updates about ten times a second,
 * before a checkpoint is written and at the end. Weights that passed are kept on the device, where they are small.
 * Establishes: a run that diverged ends with weights that are finite, where there were any; what it wrote to files
 * was finite; looking costs at most a fiftieth of the time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "train.h"

static const double look_s = 0.1, most_of_time = 0.02;
static const uint64_t most_kept_bytes = UINT64_C(32) << 20;

static bool is_kept(const Training *t, const dlg_tensor *tensor) {
    return rt_is_weight(t->prog, tensor);
}

int good_open(Training *t) {
    dlg_program *prog = t->prog;
    uint64_t bytes = 0;
    if (t->options->ignore_nan) return DLG_OK;
    TRY(finite_open(&t->good.finite, prog));
    for (size_t i = 0; i < prog->plan.tensor_count; i++)
        if (is_kept(t, &prog->plan.tensors[i])) bytes += prog->plan.tensors[i].bytes;
    if (bytes > most_kept_bytes) return DLG_OK;
    t->good.values = calloc(prog->plan.tensor_count + 1, sizeof *t->good.values);
    if (!t->good.values) return rt_no_memory(prog->dev, prog->plan.tensor_count);
    for (size_t i = 0; i < prog->plan.tensor_count; i++) {
        const dlg_tensor *tensor = &prog->plan.tensors[i];
        if (is_kept(t, tensor))
            TRY(rt_buffer(prog->dev, tensor->bytes, "the last finite weights", &t->good.values[i]));
    }
    return DLG_OK;
}

void good_close(Training *t) {
    for (size_t i = 0; t->good.values && i < t->prog->plan.tensor_count; i++)
        if (t->good.values[i]) clReleaseMemObject(t->good.values[i]);
    free(t->good.values);
    finite_close(&t->good.finite);
    t->good = (LastGood){0};
}

/* What the scalar had come to. */
static void tell_course(Training *t, size_t scalar) {
    const Runner *r = &t->run;
    bool none = r->scalar_count == 0 || r->runs == 0 || r->nan_run == 1;
    t->progress.diverged_first = none ? NAN : r->first[scalar];
    t->progress.diverged_before = none ? NAN : r->last[scalar];
}

/* The step in which a scalar was NaN first, whose epoch may be before the one that is enqueued. */
static int scalar_diverged(Training *t) {
    const Runner *r = &t->run;
    uint64_t step = t->progress.resumed_step + r->nan_run;
    char before[80] = "";
    tell_course(t, r->nan_scalar);
    if (!isnan(t->progress.diverged_before))
        snprintf(before, sizeof before, ", after %g in step %llu", t->progress.diverged_before,
                 (unsigned long long)step - 1);
    t->progress.diverged_step = step;
    if (t->progress.batches) t->progress.epoch = (step - 1) / t->progress.batches + 1;
    return rt_fail(t->prog->dev, DLG_ERR_DIVERGED,
                   "the training diverged: `%s` is nan in step %llu%s",
                   r->scalars[r->nan_scalar]->user_name, (unsigned long long)step, before);
}

static int param_diverged(Training *t, const Unsound *found) {
    char place[512];
    dlg_place(place, sizeof place, found->tensor, found->at);
    const char *what = found->nan ? "nan" : "infinite";
    tell_course(t, 0);
    unsigned long long step = t->progress.step;
    if (step == t->progress.resumed_step)
        return rt_fail(t->prog->dev, DLG_ERR_DIVERGED,
                       "%s is %s before the first step is done: the run began with it", place,
                       what);
    return rt_fail(t->prog->dev, DLG_ERR_DIVERGED,
                   "the training diverged: %s is %s after step %llu", place, what, step);
}

/* `patient`: what is infinite is none of the good, and no fault yet. */
static int look(Training *t, bool patient) {
    dlg_program *prog = t->prog;
    const dlg_entry *e = t->run.entry;
    Unsound nan, infinite;
    if (t->options->ignore_nan) return DLG_OK;
    if (t->good.looked && t->good.step == t->progress.step) return DLG_OK;
    double begin = train_now_s();
    for (size_t i = 0; i < e->update_count; i++)
        if (e->updates[i]->kind == DLG_PARAM)
            TRY(finite_look(&t->good.finite, e->updates[i], NULL, 0));
    TRY(finite_found(&t->good.finite, &nan, &infinite));
    if (infinite.tensor && !nan.tensor && patient) return DLG_OK;
    if (nan.tensor || infinite.tensor) return param_diverged(t, nan.tensor ? &nan : &infinite);
    for (size_t i = 0; t->good.values && i < prog->plan.tensor_count; i++) {
        if (!t->good.values[i]) continue;
        cl_int code = clEnqueueCopyBuffer(prog->dev->queue, prog->buffers[i], t->good.values[i], 0,
                                          0, prog->plan.tensors[i].bytes, 0, NULL, NULL);
        if (code) return rt_cl_fail(prog->dev, code, "keeping the last finite weights");
    }
    t->good.looked = true;
    t->good.step = t->progress.step;
    t->good.looked_s = train_now_s();
    double least = (t->good.looked_s - begin) / most_of_time;
    t->good.interval_s = least > look_s ? least : look_s;
    return DLG_OK;
}

int good_look(Training *t) {
    return look(t, false);
}

/* Where every kernel's results are looked at, that says where a NaN begins, however long a step takes. */
int good_collected(Training *t) {
    if (t->options->ignore_nan) return DLG_OK;
    if (t->run.nan_run) return scalar_diverged(t);
    if (train_now_s() - t->good.looked_s < t->good.interval_s) return DLG_OK;
    return look(t, t->prog->watch != NULL);
}

int good_restore(Training *t) {
    dlg_program *prog = t->prog;
    dlg_progress *p = &t->progress;
    if (p->best_epoch) {
        TRY(best_restore(t));
        p->restored = 1;
    } else if (t->good.values && t->good.looked) {
        for (size_t i = 0; i < prog->plan.tensor_count; i++) {
            if (!t->good.values[i]) continue;
            cl_int code = clEnqueueCopyBuffer(prog->dev->queue, t->good.values[i], prog->buffers[i],
                                              0, 0, prog->plan.tensors[i].bytes, 0, NULL, NULL);
            if (code) return rt_cl_fail(prog->dev, code, "restoring the last finite weights");
        }
        p->restored = 1;
        p->restored_step = t->good.step;
    }
    p->event = DLG_EVENT_DIVERGED;
    p->seconds = train_now_s() - t->begin_s;
    if (t->options->progress) t->options->progress(p, t->options->user);
    return DLG_OK;
}

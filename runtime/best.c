/* best: early stopping. The weights of the epoch that did best on the rows held out are kept on the
 * device, and the run ends when none was better for as many epochs as the options say.
 *
 * Requires a run whose evaluation is open. Establishes: the loop waits for nothing more than before;
 * what is kept is what dlg_weights_save would write. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "train.h"

static int find_metric(Training *t) {
    const dlg_metrics *m = &t->progress.evaluate;
    char names[256] = "";
    size_t n = 0;
    const char *wanted = t->options->metric;
    for (size_t i = 0; i < m->count; i++) {
        if (!wanted || strcmp(m->names[i], wanted) == 0) {
            t->best.metric = i;
            return DLG_OK;
        }
        if (n < sizeof names)
            n +=
                (size_t)snprintf(names + n, sizeof names - n, "%s`%s`", n ? ", " : "", m->names[i]);
    }
    const char *entry = t->evaluation.whole.entry->name;
    if (!wanted)
        return rt_fail(t->prog->dev, DLG_ERR_NAME,
                       "entry `%s` returns no scalar to stop by when it gets no better", entry);
    return rt_fail(t->prog->dev, DLG_ERR_NAME, "entry `%s` returns no scalar `%.100s`%s%s", entry,
                   wanted, n ? "; it returns " : "", names);
}

int best_open(Training *t) {
    dlg_program *prog = t->prog;
    if (t->options->patience == 0) return DLG_OK;
    if (!t->evaluates)
        return rt_fail(prog->dev, DLG_ERR_USAGE,
                       "stopping when the rows held out get no better needs rows held out and an "
                       "entry that evaluates");
    TRY(find_metric(t));
    t->best.values = calloc(prog->plan.tensor_count + 1, sizeof *t->best.values);
    if (!t->best.values) return rt_no_memory(prog->dev, prog->plan.tensor_count);
    for (size_t i = 0; i < prog->plan.tensor_count; i++) {
        const dlg_tensor *tensor = &prog->plan.tensors[i];
        if (rt_is_weight(prog, tensor))
            TRY(rt_buffer(prog->dev, tensor->bytes, "the best weights", &t->best.values[i]));
    }
    return DLG_OK;
}

void best_close(Training *t) {
    for (size_t i = 0; t->best.values && i < t->prog->plan.tensor_count; i++)
        if (t->best.values[i]) clReleaseMemObject(t->best.values[i]);
    free(t->best.values);
    t->best.values = NULL;
}

/* Enqueued: nothing waits. */
static int copy(Training *t, const cl_mem *from, const cl_mem *to) {
    const Plan *p = &t->prog->plan;
    for (size_t i = 0; i < p->tensor_count; i++) {
        if (!t->best.values[i]) continue;
        cl_int code = clEnqueueCopyBuffer(t->prog->dev->queue, from[i], to[i], 0, 0,
                                          p->tensors[i].bytes, 0, NULL, NULL);
        if (code) return rt_cl_fail(t->prog->dev, code, "copying the best weights");
    }
    return DLG_OK;
}

int best_consider(Training *t) {
    dlg_progress *p = &t->progress;
    if (!t->best.values) return DLG_OK;
    double value = p->evaluate.values[t->best.metric];
    bool better = t->options->maximize ? value > p->best : value < p->best;
    if (isnan(value) || (p->best_epoch > 0 && !better)) {
        t->best.waited++;
        return DLG_OK;
    }
    p->best = value;
    p->best_epoch = p->epoch;
    t->best.waited = 0;
    return copy(t, t->prog->buffers, t->best.values);
}

bool best_ends(const Training *t) {
    return t->best.values && t->best.waited >= t->options->patience;
}

int best_restore(Training *t) {
    const dlg_progress *p = &t->progress;
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)p->best_epoch);
    TRY(dlg_meta_set(t->prog, "best_epoch", p->best_epoch ? text : NULL));
    return p->best_epoch ? copy(t, t->best.values, t->prog->buffers) : DLG_OK;
}

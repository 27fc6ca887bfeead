/* checkpoint: the state of a training run in a file, and back.
 *
 * The file is one of weights that holds all params and states (safetensors.c), and as metadata under
 * "checkpoint." the place in the data, the sums of the epoch, and what tells the run from others
 * (docs/program-format.md, "Checkpoints").
 * Establishes: a run that is taken up does what it would have done had it not ended, bit for bit;
 * nothing is taken from the checkpoint of another run. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "train.h"

static const double default_s = 60;
/* Unless told how often, checkpoints take no more of the time than this part of it. */
static const double most_of_time = 0.02;

/* ---- What tells a run from others ---------------------------------------------------------------- */

/* The text of a kernel without its comments, which name files and lines of the source. */
static size_t strip_comments(char *to, const char *from, size_t len) {
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        if (from[i] == '/' && i + 1 < len && from[i + 1] == '*') {
            for (i += 2; i < len && !(from[i] == '/' && from[i - 1] == '*'); i++) {
            }
            i += i < len;
        } else if (from[i] == '/' && i + 1 < len && from[i + 1] == '/') {
            while (i < len && from[i] != '\n') i++;
        } else {
            to[n++] = from[i++];
        }
    }
    return n;
}

static uint64_t hash_text(const char *s, uint64_t hash) {
    return rt_hash(s, strlen(s) + 1, hash);
}

static uint64_t hash_number(int64_t number, uint64_t hash) {
    return rt_hash(&number, sizeof number, hash);
}

static uint64_t hash_entry(const dlg_entry *e, uint64_t hash) {
    hash = hash_text(e->name, hash);
    for (size_t i = 0; i < e->launch_count; i++) {
        const dlg_launch *l = &e->launches[i];
        hash = hash_text(l->kernel, hash);
        hash = hash_number((int64_t)l->global, hash);
        hash = hash_number((int64_t)l->local, hash);
        for (size_t k = 0; k < l->arg_count; k++) {
            const dlg_arg *a = &l->args[k];
            hash = hash_number(a->tensor ? (int64_t)a->tensor->index : a->number, hash);
            hash = hash_number((uint64_t)a->kind, hash);
        }
    }
    for (size_t i = 0; i < e->repeat_count; i++) {
        hash = hash_number((int64_t)e->repeats[i].first, hash);
        hash = hash_number((int64_t)e->repeats[i].end, hash);
        hash = hash_number(e->repeats[i].trips, hash);
    }
    return hash;
}

/* Of what the program computes, wherever its source lies: the same source compiled from another directory is the same
 * program, and with other tiles too. Of a program that does not say what it computes, its kernels stand for it. */
static int hash_program(const dlg_program *prog, uint64_t *hash) {
    const Plan *p = &prog->plan;
    *hash = p->graph;
    if (!p->has_graph) {
        char *text = malloc(p->kernels_len + 1);
        if (!text) return rt_no_memory(prog->dev, p->kernels_len);
        *hash = rt_hash(text, strip_comments(text, p->kernels, p->kernels_len), 0);
        free(text);
    }
    for (size_t i = 0; i < p->tensor_count; i++) {
        const dlg_tensor *t = &p->tensors[i];
        if (p->has_graph && t->kind == DLG_ARENA) continue; /* the kernels' own */
        *hash = hash_text(t->name, *hash);
        *hash = hash_number(t->type, *hash);
        *hash = hash_number(t->kind, *hash);
        *hash = rt_hash(t->shape, (size_t)t->rank * sizeof *t->shape, *hash);
    }
    for (size_t i = 0; i < p->entry_count && !p->has_graph; i++)
        *hash = hash_entry(&p->entries[i], *hash);
    return DLG_OK;
}

static int put(const Training *t, MetaList *list, const char *name, const char *value) {
    return rt_meta_put(list, name, value) ? DLG_OK : rt_no_memory(t->prog->dev, strlen(value));
}

static int put_number(const Training *t, MetaList *list, const char *name, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return put(t, list, name, text);
}

static int put_hash(const Training *t, MetaList *list, const char *name, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%016" PRIx64, value);
    return put(t, list, name, text);
}

/* "PREFIXname"; the caller frees it. NULL: no memory. */
static char *prefixed(const char *prefix, const char *name) {
    size_t size = strlen(prefix) + strlen(name) + 1;
    char *text = malloc(size);
    if (text) snprintf(text, size, "%s%s", prefix, name);
    return text;
}

/* Inputs that were set as a whole, not by the data, decide the result too. */
static int identify_inputs(Training *t, const dlg_entry *entry) {
    for (size_t i = 0; i < entry->read_count; i++) {
        const dlg_tensor *in = entry->reads[i];
        if (dataset_field(t->data, in) || !t->prog->set[in->index]) continue;
        uint64_t hash = 0;
        char *name = prefixed("checkpoint.input.", in->user_name);
        int status = name ? rt_read_hash(t->prog->dev, t->prog->buffers[in->index], in->bytes, 0,
                                         NULL, &hash)
                          : rt_no_memory(t->prog->dev, strlen(in->user_name));
        if (status == DLG_OK) status = put_hash(t, &t->identity, name, hash);
        free(name);
        TRY(status);
    }
    return DLG_OK;
}

/* What is recorded of the data beside its hashes. */
static const char *const data_numbers[][2] = {
    {"data_rows", "the number of rows of the data"},
    {"data_held_out", "the number of rows held out"},
    {"data_seed", "the seed of the rows held out"},
    {"data_folds", "the number of folds"},
    {"data_fold", "the fold"},
    {"held_out_rows", "the number of rows held out"},
};
enum { DATA_NUMBERS = sizeof data_numbers / sizeof *data_numbers };
static const char *const data_hashes[][2] = {{"data_hash.", "data"},
                                             {"held_out_hash.", "data held out"}};

/* A name and what stands for it in the metadata, which may be nothing. */
static uint64_t hash_pair(const char *name, const char *value, uint64_t hash) {
    return value ? hash_text(value, hash_text(name, hash)) : hash;
}

/* All that compare_all compares, as a number. */
static int hash_run(const Training *t, uint64_t *hash) {
    *hash = 0;
    for (size_t i = 0; i < t->identity.count; i++)
        *hash = hash_pair(t->identity.items[i].name, t->identity.items[i].value, *hash);
    for (size_t i = 0; i < DATA_NUMBERS; i++)
        *hash = hash_pair(data_numbers[i][0], dlg_meta_get(t->prog, data_numbers[i][0]), *hash);
    for (size_t i = 0; i < 2 * t->data->field_count; i++) {
        char *name = prefixed(data_hashes[i % 2][0], t->data->fields[i / 2].tensor->user_name);
        if (!name) return rt_no_memory(t->prog->dev, 0);
        *hash = hash_pair(name, dlg_meta_get(t->prog, name), *hash);
        free(name);
    }
    return DLG_OK;
}

static int identify(Training *t) {
    uint64_t program = 0;
    TRY(hash_program(t->prog, &program));
    TRY(put_hash(t, &t->identity, "checkpoint.program", program));
    TRY(put(t, &t->identity, "checkpoint.entry", t->run.entry->name));
    TRY(put_number(t, &t->identity, "checkpoint.batch", t->run.batch));
    TRY(put_number(t, &t->identity, "checkpoint.order_seed", t->options->seed));
    if (t->best.values) {
        char *metric = prefixed(t->options->maximize ? "most " : "least ",
                                t->progress.evaluate.names[t->best.metric]);
        int status = metric ? put(t, &t->identity, "checkpoint.metric", metric)
                            : rt_no_memory(t->prog->dev, 0);
        free(metric);
        TRY(status);
    }
    TRY(identify_inputs(t, t->run.entry));
    if (t->evaluates) TRY(identify_inputs(t, t->evaluation.whole.entry));
    return hash_run(t, &t->progress.run);
}

/* ---- Back ------------------------------------------------------------------------------------------ */

static int refuse(const Training *t, const char *fmt, ...) RT_PRINTF(2, 3);
static int refuse(const Training *t, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return rt_fail(t->prog->dev, DLG_ERR_WEIGHTS, "%s: %s", t->options->checkpoint, text);
}

/* `ours` NULL: this run has nothing of the name, which is a difference where the file has. */
static int compare(const Training *t, const RtLoading *file, const char *name, const char *ours,
                   const char *what) {
    const char *theirs = rt_weights_meta(file, name);
    if (!theirs && !ours) return DLG_OK;
    if (theirs && ours && strcmp(theirs, ours) == 0) return DLG_OK;
    return refuse(t, "this is the checkpoint of another run: %s is %.60s there and %.60s here",
                  what, theirs ? theirs : "missing", ours ? ours : "missing");
}

/* A number that the file must hold. */
static int get_number(const Training *t, const RtLoading *file, const char *name, uint64_t *out) {
    const char *text = rt_weights_meta(file, name);
    char again[24] = "";
    uint64_t v = text ? strtoull(text, NULL, 10) : 0;
    snprintf(again, sizeof again, "%" PRIu64, v);
    if (!text) return refuse(t, "this is no checkpoint of a training run: `%s` is missing", name);
    if (strcmp(text, again) != 0) return refuse(t, "`%s` is no whole number: %.40s", name, text);
    *out = v;
    return DLG_OK;
}

static int compare_hash(const Training *t, const RtLoading *file, const char *prefix,
                        const char *what, const char *input) {
    char *name = prefixed(prefix, input), text[256];
    if (!name) return rt_no_memory(t->prog->dev, strlen(input));
    snprintf(text, sizeof text, "the hash of the %s of `%.180s`", what, input);
    int status = compare(t, file, name, dlg_meta_get(t->prog, name), text);
    free(name);
    return status;
}

static int compare_data(const Training *t, const RtLoading *file) {
    for (size_t i = 0; i < DATA_NUMBERS; i++)
        TRY(compare(t, file, data_numbers[i][0], dlg_meta_get(t->prog, data_numbers[i][0]),
                    data_numbers[i][1]));
    for (size_t i = 0; i < 2 * t->data->field_count; i++)
        TRY(compare_hash(t, file, data_hashes[i % 2][0], data_hashes[i % 2][1],
                         t->data->fields[i / 2].tensor->user_name));
    return DLG_OK;
}

static const char const_prefix[] = "checkpoint.const.";

static const char *const_text(char text[40], double value) {
    snprintf(text, 40, "%.17g", value);
    return text;
}

static const char other[] = "this is the checkpoint of another run: the program is another one";

/* What a program was compiled for and with, as far as it says: what it is called, where the checkpoint has it. */
typedef struct Made {
    const char *meta, *what, *ours;
} Made;
enum { MADES = 3 };

static void made_of(const Plan *p, Made made[MADES]) {
    made[0] = (Made){"checkpoint.target", "target", p->target};
    made[1] = (Made){"checkpoint.precision", "precision", p->precision};
    made[2] = (Made){"checkpoint.opt", "level of optimization (-O)", p->opt};
}

/* Of two lists of as many numbers of a source's text, the first that is not the same. */
static int refuse_number(const Training *t, const char *theirs, const char *ours) {
    const char *a = strchr(theirs, ':'), *b = strchr(ours, ':'), *line = ours;
    const char *odd = NULL, *odd_line = NULL, *was = NULL;
    while (a && b) {
        size_t n = strcspn(a, " "), m = strcspn(b, " ");
        if (!odd && (n != m || memcmp(a, b, n) != 0)) odd = b + 1, odd_line = line, was = a + 1;
        line = b + m + (b[m] == ' ');
        a = strchr(a + n, ':');
        b = strchr(b + m, ':');
    }
    if (!odd || a || b) return DLG_OK;
    return refuse(t, "%s: a number in line %.*s of %.100s is %.*s there and %.*s here", other,
                  (int)strcspn(odd_line, ":"), odd_line, t->prog->plan.source,
                  (int)strcspn(was, " "), was, (int)strcspn(odd, " "), odd);
}

/* A program that computes something else: as far as the checkpoint tells, what is not the same. */
static int refuse_program(const Training *t, const RtLoading *file) {
    const Plan *p = &t->prog->plan;
    Made made[MADES];
    made_of(p, made);
    for (int i = 0; i < MADES; i++) {
        const char *theirs = rt_weights_meta(file, made[i].meta);
        if (theirs && made[i].ours && strcmp(theirs, made[i].ours) != 0)
            return refuse(t, "%s: the %s is %.60s there and %.60s here", other, made[i].what,
                          theirs, made[i].ours);
    }
    for (size_t i = 0; i < p->const_count; i++) {
        char ours[40];
        char *name = prefixed(const_prefix, p->consts[i].name);
        if (!name) return rt_no_memory(t->prog->dev, 0);
        const char *theirs = rt_weights_meta(file, name);
        free(name);
        if (theirs && strcmp(theirs, const_text(ours, p->consts[i].value)) != 0)
            return refuse(t, "%s: the constant `%.100s` is %.40s there and %s here", other,
                          p->consts[i].name, theirs, ours);
    }
    const char *numbers = rt_weights_meta(file, "checkpoint.numbers");
    if (numbers && p->numbers) TRY(refuse_number(t, numbers, p->numbers));
    const bool says = rt_weights_meta(file, "checkpoint.target") != NULL;
    const bool says_all = rt_weights_meta(file, "checkpoint.precision") && p->precision;
    /* Loading looked at the params and states, and compare_all at the rest, before. */
    return refuse(
        t,
        "%s: its params, its states%s and the data are the same, but what it computes is not: an "
        "operator or a number, such as a learning rate, was changed in the text of the model or "
        "of what it includes, or it was compiled otherwise (%sanother version of dlgc)",
        other, says ? ", its constants, its target" : "", says_all ? "" : "--precision, -O, ");
}

static int compare_program(const Training *t, const RtLoading *file) {
    const char *theirs = rt_weights_meta(file, "checkpoint.program");
    const char *ours = rt_meta_get(&t->identity, "checkpoint.program");
    return theirs && strcmp(theirs, ours) == 0 ? DLG_OK : refuse_program(t, file);
}

static int compare_all(const Training *t, const RtLoading *file) {
    static const char *const own[][2] = {
        {"checkpoint.entry", "the entry"},
        {"checkpoint.batch", "the batch"},
        {"checkpoint.order_seed", "the seed"},
        {"checkpoint.metric", "the metric to stop by"},
    };
    uint64_t steps;
    TRY(get_number(t, file, "checkpoint.steps", &steps)); /* it is a checkpoint at all */
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        TRY(compare(t, file, own[i][0], rt_meta_get(&t->identity, own[i][0]), own[i][1]));
    TRY(compare_data(t, file));
    for (size_t i = 0; i < t->identity.count; i++) {
        const Meta *m = &t->identity.items[i];
        const char prefix[] = "checkpoint.input.";
        char what[256];
        if (strncmp(m->name, prefix, sizeof prefix - 1) != 0) continue;
        snprintf(what, sizeof what, "the hash of what the input `%.180s` is set to",
                 m->name + sizeof prefix - 1);
        TRY(compare(t, file, m->name, m->value, what));
    }
    return compare_program(t, file);
}

static int get_float(const Training *t, const RtLoading *file, const char *name, double *out) {
    const char *text = rt_weights_meta(file, name);
    char *end;
    if (!text) return refuse(t, "`%s` is missing", name);
    *out = strtod(text, &end);
    return end == text || *end ? refuse(t, "`%s` is no number: %.40s", name, text) : DLG_OK;
}

/* What early stopping knew. */
static int take_best(Training *t, const RtLoading *file) {
    uint64_t epoch, waited;
    double value = 0;
    if (!t->best.values) return DLG_OK;
    TRY(get_number(t, file, "checkpoint.best_epoch", &epoch));
    TRY(get_number(t, file, "checkpoint.waited", &waited));
    if (epoch > 0) TRY(get_float(t, file, "checkpoint.best", &value));
    if (epoch > 0 && !rt_weights_best(file)) return refuse(t, "the best weights are missing");
    t->progress.best_epoch = epoch;
    t->progress.best = value;
    t->best.waited = waited;
    return DLG_OK;
}

/* The place and the sums, checked in full before they are taken. */
static int take_place(Training *t, const RtLoading *file) {
    dlg_progress *p = &t->progress;
    uint64_t steps, rows, weight = t->run.batch ? t->run.batch : 1;
    double *sums = calloc(t->run.scalar_count + 1, sizeof *sums);
    if (!sums) return rt_no_memory(t->prog->dev, t->run.scalar_count * sizeof *sums);
    int status = get_number(t, file, "checkpoint.steps", &steps);
    if (status == DLG_OK) status = get_number(t, file, "checkpoint.rows", &rows);
    /* Without data all steps are one epoch, however many there are to be. */
    uint64_t batch = t->run.batch == 0 ? steps : steps % p->batches;
    if (status == DLG_OK && (rows % weight || rows / weight != batch))
        status = refuse(t, "after %" PRIu64 " steps there cannot be %" PRIu64 " rows of an epoch",
                        steps, rows);
    for (size_t i = 0; status == DLG_OK && i < t->run.scalar_count; i++) {
        char *name = prefixed("checkpoint.sum.", t->run.scalars[i]->user_name);
        status = name ? get_float(t, file, name, &sums[i]) : rt_no_memory(t->prog->dev, 0);
        free(name);
    }
    if (status == DLG_OK) {
        memcpy(t->run.sums, sums, t->run.scalar_count * sizeof *sums);
        t->run.rows = rows;
        p->step = p->resumed_step = steps;
        p->batch = batch;
        p->epoch = t->run.batch == 0 ? 1 : steps / p->batches + 1;
        p->resumed = 1;
    }
    free(sums);
    return status;
}

int checkpoint_check(Training *t, const RtLoading *file) {
    TRY(compare_all(t, file));
    TRY(take_best(t, file));
    return take_place(t, file);
}

static int take_up(Training *t, RtLoading *file) {
    TRY(checkpoint_check(t, file));
    TRY(rt_weights_apply(file, t->best.values));
    /* The file's metadata replaced what was recorded. */
    return t->data->rows > 0 ? split_record(t->data) : DLG_OK;
}

int checkpoint_resume(Training *t) {
    const dlg_train_options *o = t->options;
    dlg_device *dev = t->prog->dev;
    if (!o->checkpoint && o->resume)
        return rt_fail(dev, DLG_ERR_USAGE, "to resume a run its checkpoint is wanted");
    if (o->checkpoint || o->progress) TRY(identify(t)); /* nobody else is told */
    if (!o->checkpoint) return DLG_OK;
    if (!(o->checkpoint_seconds >= 0))
        return rt_fail(dev, DLG_ERR_USAGE, "checkpoints every %g seconds", o->checkpoint_seconds);
    t->interval_s = o->checkpoint_seconds > 0  ? o->checkpoint_seconds
                    : o->checkpoint_steps == 0 ? default_s
                                               : INFINITY;
    t->saved_s = train_now_s();
    if (!o->resume || (access(o->checkpoint, F_OK) != 0 && errno == ENOENT)) return DLG_OK;
    RtLoading *file;
    TRY(rt_weights_open(&file, t->prog, o->checkpoint, &(dlg_weights_options){.checkpoint = 1}));
    int status = take_up(t, file);
    rt_weights_close(file);
    t->tried_step = t->progress.step;
    return status;
}

/* ---- To the file ----------------------------------------------------------------------------------- */

bool checkpoint_due(const Training *t) {
    uint64_t every = t->options->checkpoint_steps;
    if (!t->options->checkpoint || t->progress.step == t->tried_step) return false;
    return (every && t->progress.step % every == 0) || train_now_s() - t->saved_s >= t->interval_s;
}

static int put_float(const Training *t, MetaList *list, const char *name, double value) {
    char text[40];
    snprintf(text, sizeof text, "%a", value); /* exact */
    return put(t, list, name, text);
}

/* For refuse_program: no run is told from another by it. */
static int describe_program(const Training *t, MetaList *list) {
    const Plan *p = &t->prog->plan;
    Made made[MADES];
    made_of(p, made);
    for (int i = 0; i < MADES; i++)
        if (made[i].ours) TRY(put(t, list, made[i].meta, made[i].ours));
    if (p->numbers) TRY(put(t, list, "checkpoint.numbers", p->numbers));
    for (size_t i = 0; i < p->const_count; i++) {
        char text[40];
        char *name = prefixed(const_prefix, p->consts[i].name);
        if (!name) return rt_no_memory(t->prog->dev, 0);
        int status = put(t, list, name, const_text(text, p->consts[i].value));
        free(name);
        TRY(status);
    }
    return DLG_OK;
}

static int describe(const Training *t, MetaList *list) {
    for (size_t i = 0; i < t->identity.count; i++)
        TRY(put(t, list, t->identity.items[i].name, t->identity.items[i].value));
    TRY(describe_program(t, list));
    TRY(put_number(t, list, "checkpoint.steps", t->progress.step));
    TRY(put_number(t, list, "checkpoint.rows", t->run.rows));
    for (size_t i = 0; i < t->run.scalar_count; i++) {
        char *name = prefixed("checkpoint.sum.", t->run.scalars[i]->user_name);
        if (!name) return rt_no_memory(t->prog->dev, 0);
        int status = put_float(t, list, name, t->run.sums[i]);
        free(name);
        TRY(status);
    }
    if (!t->best.values) return DLG_OK;
    TRY(put_number(t, list, "checkpoint.waited", t->best.waited));
    TRY(put_number(t, list, "checkpoint.best_epoch", t->progress.best_epoch));
    return t->progress.best_epoch ? put_float(t, list, "checkpoint.best", t->progress.best)
                                  : DLG_OK;
}

int checkpoint_write(Training *t) {
    RtExtra extra = {.best = t->progress.best_epoch ? t->best.values : NULL};
    if (!t->options->checkpoint) return DLG_OK;
    double begin = train_now_s();
    int status = describe(t, &extra.meta);
    if (status == DLG_OK) status = rt_weights_save(t->prog, t->options->checkpoint, true, &extra);
    rt_meta_free(&extra.meta);
    t->saved_s = train_now_s();
    if (t->options->checkpoint_seconds == 0 && t->options->checkpoint_steps == 0) {
        double least = (t->saved_s - begin) / most_of_time;
        t->interval_s = least > default_s ? least : default_s;
    }
    t->tried_step = t->progress.step;
    return status;
}

/* dlg train: trains a model on its data, evaluates on what is held out, saves the weights. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"

/* With weights and nothing said of a split, the rows that they have not seen stay held out. */
static int split(Session *s, const Args *a) {
    int status, same = 0;
    if (dlg_dataset_rows(s->data, DLG_ROWS_ALL) == 0) {
        if (!a->has_holdout || a->holdout == 0) return EXIT_DONE;
        complain("there is no data to hold out from");
        return EXIT_INPUT;
    }
    if (a->holdout_data_count) return session_hold_out(s, a->holdout_data, a->holdout_data_count);
    if (a->load && !a->has_holdout && !a->has_seed && dlg_meta_get(s->prog, "data_held_out")) {
        Pair *list;
        size_t count;
        status = session_held_out(s, a, &list, &count);
        if (!status && count) status = session_hold_out(s, list, count);
        free(list);
        if (status || count) return status;
        status = dlg_dataset_split_recorded(s->data, s->prog, &same);
        if (status < 0) return complain_status(s->dev, status);
        if (same) return EXIT_DONE;
    }
    status = dlg_dataset_split(s->data, a->holdout, a->seed);
    return status < 0 ? complain_status(s->dev, status) : EXIT_DONE;
}

static bool resumes(const Args *a) {
    return a->resume && access(a->checkpoint, F_OK) == 0;
}

static void print_start(const Session *s, const Args *a, const dlg_entry *entry) {
    size_t rows = dlg_dataset_rows(s->data, DLG_ROWS_ALL);
    size_t training = dlg_dataset_rows(s->data, DLG_ROWS_TRAINING), batch = 0;
    size_t held_out = dlg_dataset_rows(s->data, DLG_ROWS_HELD_OUT);
    printf("%s on %s\n", dlg_program_model(s->prog), dlg_device_get_info(s->dev)->name);
    if (a->load && !resumes(a))
        printf("from the weights %s; the step and the optimizer's state begin anew\n", a->load);
    if (rows == 0) return;
    dlg_dataset_batch(s->data, entry, &batch);
    printf("%s; %zu to train on, %zu held out", dlg_dataset_text(s->data), training, held_out);
    if (*dlg_dataset_held_out_text(s->data)) printf(" (%s)", dlg_dataset_held_out_text(s->data));
    if (batch && training % batch)
        printf("; batches of %zu, so that each epoch leaves out %zu other%s", batch,
               training % batch, training % batch == 1 ? "" : "s");
    printf("\n");
    if (dlg_dataset_streams(s->data, 0))
        printf("the data is more than is held in memory: batches are read from the files\n");
    if (training == rows && held_out == 0 && rows >= 100 && !a->has_holdout &&
        dlg_entry_find(s->prog, "evaluate"))
        printf("nothing is held out: --holdout 0.2 would keep a fifth to evaluate on\n");
}

typedef struct Shown { /* the progress, and the last of it for the summary */
    Progress progress;
    Log log;
    uint64_t first_step, steps;
    double seconds;
    bool evaluates;
    bool finite;          /* all that the entry returned in the last epoch */
    const char *nan_name; /* what of the last evaluation is NaN, or NULL */
    const Args *args;
    const dlg_device *dev;
    uint64_t best_epoch;    /* with --patience, */
    double best;            /* with so much */
    const char *metric;     /* of this */
    bool kept, kept_not;    /* the last checkpoint was written, or could not be */
    bool restored;          /* the training diverged, and the program has weights from before, */
    uint64_t restored_step; /* of this step, unless they are the best ones */
    uint64_t diverged_epoch;
    bool began_with_it; /* no step was done */
    bool at_once; /* the first step did not return what is finite: no update had a part in it */
    bool grew;    /* what it returned had become much larger, or infinite */
    bool refused; /* the log is of another run, or damaged: it is not begun */
    TrainResult *result; /* NULL: nobody asks */
} Shown;

static const char building[] = "building kernels";

static int show_begin(const dlg_progress *now, Shown *shown) {
    const Args *a = shown->args;
    shown->first_step = now->step;
    if (a->quiet || !a->checkpoint) return interrupted();
    progress_end(&shown->progress); /* what is said now stands on lines of its own */
    if (now->resumed && now->last)
        printf("%s: the run is at its end, after step %llu; more --epochs or --steps go on\n",
               a->checkpoint, (unsigned long long)now->step);
    else if (now->resumed)
        printf("%s: going on after step %llu, in epoch %llu\n", a->checkpoint,
               (unsigned long long)now->step, (unsigned long long)now->epoch);
    else if (a->resume)
        printf("there is no checkpoint %s: the run begins anew\n", a->checkpoint);
    else if (access(a->checkpoint, F_OK) == 0)
        printf("%s is there and will be replaced; --resume goes on from it, if it is of this run\n",
               a->checkpoint);
    if (now->resumed && a->load)
        printf("--load %s is for a run that begins: this one goes on with its own weights\n",
               a->load);
    progress_wait(&shown->progress, building);
    return interrupted();
}

/* A run is not ended by a checkpoint that could not be written: there may be room for the next one. */
static int show_checkpoint(const dlg_progress *now, Shown *shown) {
    shown->kept = now->checkpoint == DLG_OK;
    shown->kept_not = !shown->kept;
    if (shown->kept) return interrupted();
    progress_end(&shown->progress);
    complain("warning: there is no checkpoint of step %llu: %s", (unsigned long long)now->step,
             dlg_error_text(shown->dev));
    return interrupted();
}

static size_t keep_scalars(TrainScalar *kept, const dlg_metrics *m) {
    size_t count = m->count < TRAIN_SCALARS ? m->count : TRAIN_SCALARS;
    for (size_t i = 0; i < count; i++) {
        snprintf(kept[i].name, sizeof kept[i].name, "%s", m->names[i]);
        kept[i].value = m->values[i];
    }
    return count;
}

static void keep_result(TrainResult *r, const Args *a, const dlg_progress *now) {
    r->steps = now->step;
    r->seconds = now->seconds;
    if (now->event != DLG_EVENT_EPOCH || (a->patience && now->best_epoch != now->epoch)) return;
    r->epoch = now->epoch;
    r->train_count = keep_scalars(r->train, &now->train);
    r->held_out_count = now->evaluate.rows ? keep_scalars(r->held_out, &now->evaluate) : 0;
}

/* Where it diverged, which is the same each time; how far the run had been enqueued by then is not. */
static void keep_divergence(TrainResult *r, const dlg_progress *now) {
    r->train_count = r->held_out_count = 0;
    r->steps = now->diverged_step;
    r->epoch = now->diverged_step && now->batches ? (now->diverged_step - 1) / now->batches + 1 : 0;
    r->seconds = now->seconds;
}

static int show(const dlg_progress *now, void *user) {
    Shown *shown = user;
    if (now->event == DLG_EVENT_CHECKPOINT) return show_checkpoint(now, shown);
    if (now->event == DLG_EVENT_DIVERGED) {
        shown->restored = now->restored;
        shown->restored_step = now->restored_step;
        shown->diverged_epoch = now->epoch;
        shown->began_with_it = now->step == now->resumed_step;
        shown->at_once = now->diverged_step == now->resumed_step + 1;
        shown->grew = fabs(now->diverged_before) > 10 * fabs(now->diverged_first);
        if (shown->result) keep_divergence(shown->result, now);
        return 0;
    }
    if (shown->result) keep_result(shown->result, shown->args, now);
    shown->steps = now->step - now->resumed_step;
    shown->kept |= now->resumed; /* the one that it went on from is there */
    shown->best_epoch = now->best_epoch;
    shown->best = now->best;
    if (!log_show(&shown->log, now)) {
        shown->refused = true;
        return 1;
    }
    if (now->evaluate.count > 0)
        shown->metric = shown->args->metric ? shown->args->metric : now->evaluate.names[0];
    if (now->event == DLG_EVENT_BEGIN) return show_begin(now, shown);
    shown->seconds = now->seconds;
    shown->evaluates = now->evaluate.rows > 0;
    shown->finite = true;
    for (size_t i = 0; i < now->train.count; i++)
        shown->finite &= isfinite(now->train.values[i]) != 0;
    shown->nan_name = NULL;
    for (size_t i = now->evaluate.rows ? now->evaluate.count : 0; i-- > 0;)
        if (isnan(now->evaluate.values[i])) shown->nan_name = now->evaluate.names[i];
    return progress_show(now, &shown->progress);
}

static int save(Session *s, const Args *a) {
    if (!a->save) return EXIT_DONE;
    int status = dlg_weights_save(s->prog, a->save, NULL);
    if (status < 0) return complain_write(s->dev, status);
    if (!a->quiet) printf("weights: %s\n", a->save);
    return EXIT_DONE;
}

/* Whether an input takes labels or tokens from the data: whole numbers, but no pixels. */
static bool takes_labels(const Session *s, const dlg_tensor *t, size_t batch) {
    if (t->type != DLG_I32 && (t->type != DLG_U8 || t->elems != batch)) return false;
    return dlg_dataset_has(s->data, t);
}

static bool reads_labels(const Session *s, const dlg_entry *entry) {
    size_t batch = 0;
    if (dlg_dataset_batch(s->data, entry, &batch) < 0) return false;
    for (size_t i = 0; i < entry->read_count; i++)
        if (takes_labels(s, entry->reads[i], batch)) return true;
    return false;
}

/* What an input's data hold. */
typedef struct Values {
    double least, most; /* of the finite ones */
    size_t odd_row;     /* the first row with one that is not, from 0; or as many as there are */
    double odd;         /* that one */
} Values;

/* False: they cannot be read. */
static bool look_through(const Session *s, const dlg_tensor *t, size_t elems, Values *v) {
    const size_t rows = dlg_dataset_rows(s->data, DLG_ROWS_ALL);
    char *row = malloc(elems * dlg_type_bytes(t->type));
    bool read = row != NULL;
    *v = (Values){.least = INFINITY, .most = -INFINITY, .odd_row = rows};
    for (size_t r = 0; read && r < rows; r++) {
        read = dlg_dataset_read(s->data, t, r, 1, row) == DLG_OK;
        for (size_t k = 0; read && k < elems; k++) {
            double x = dlg_element(t->type, row, k);
            if (isfinite(x)) {
                v->least = fmin(v->least, x);
                v->most = fmax(v->most, x);
            } else if (v->odd_row == rows) {
                v->odd_row = r;
                v->odd = x;
            }
        }
    }
    free(row);
    return read;
}

/* Labels, which are a JSON array, or those at its beginning. */
static void print_list(const char *labels) {
    const size_t most = 300;
    size_t len = strlen(labels);
    if (len <= most) {
        fprintf(stderr, "%s", labels);
        return;
    }
    len = 0; /* a quote within a label has a backslash before it */
    for (const char *at = labels; (at = strstr(at, "\",\"")) && at < labels + most; at++)
        if (at[-1] != '\\') len = (size_t)(at + 1 - labels);
    const bool within = len == 0; /* one that is as long */
    if (within) len = most;
    while (within && ((unsigned char)labels[len] & 0xC0) == 0x80) len--;
    fprintf(stderr, within ? "%.*s..." : "%.*s,...]", (int)len, labels);
}

/* What numbers the labels and tokens of the data are: which the model has too few classes or rows for,
 * or which are none, is for the reader to see; the program does not say what it takes. */
static void print_labels(const Session *s, const dlg_entry *entry) {
    size_t batch = 0, rows = dlg_dataset_rows(s->data, DLG_ROWS_ALL), size = 0;
    if (dlg_dataset_batch(s->data, entry, &batch) < 0 || !batch || !rows) return;
    for (size_t i = 0; i < entry->read_count; i++) {
        const dlg_tensor *t = entry->reads[i];
        if (!takes_labels(s, t, batch)) continue;
        Values v;
        if (!look_through(s, t, (size_t)(t->elems / batch), &v)) continue;
        const char *labels = dlg_dataset_labels(s->data, t);
        fprintf(stderr, "  `%s` holds %.0f to %.0f in the data", t->user_name, v.least, v.most);
        if (labels) fputs(", the labels ", stderr);
        if (labels) print_list(labels);
        if (v.least < 0)
            fprintf(stderr, ": a label or an index below 0 gives NaN\n");
        else if (dlg_dataset_vocabulary(s->data, t, &size))
            fprintf(stderr,
                    ", of %zu different characters: with fewer classes, or rows in a table, "
                    "than %.0f the loss is NaN\n",
                    size, v.most + 1);
        else
            fprintf(stderr, ": with fewer classes, or rows in a table, than %.0f the loss is NaN\n",
                    v.most + 1);
    }
}

/* Tells of inputs whose data hold what is not finite, as arrays may; false: none do. Data of more elements than so many are
 * not gone through. */
static bool print_unsound(const Session *s, const dlg_entry *entry) {
    const double most_elems = 1e9;
    size_t batch = 0, rows = dlg_dataset_rows(s->data, DLG_ROWS_ALL);
    bool any = false;
    if (dlg_dataset_batch(s->data, entry, &batch) < 0 || !batch) return false;
    for (size_t i = 0; i < entry->read_count; i++) {
        const dlg_tensor *t = entry->reads[i];
        size_t elems = (size_t)(t->elems / batch);
        Values v;
        if (t->type == DLG_I32 || t->type == DLG_U8 || t->type == DLG_BOOL) continue;
        if (!dlg_dataset_has(s->data, t) || (double)rows * (double)elems > most_elems) continue;
        if (!look_through(s, t, elems, &v) || v.odd_row == rows) continue;
        fprintf(stderr, "  `%s` holds %s in the data, first in row %zu (the first row is 0)\n",
                t->user_name, isnan(v.odd) ? "nan" : "what is infinite", v.odd_row);
        any = true;
    }
    return any;
}

/* The entry to train with: one that changes something. */
static const dlg_entry *training_entry(Session *s, const char *name) {
    const dlg_entry *entry = session_entry(s, name);
    if (!entry || entry->update_count > 0) return entry;
    char names[512] = "";
    size_t n = 0;
    for (size_t i = 0; i < dlg_entry_count(s->prog); i++) {
        const dlg_entry *other = dlg_entry_at(s->prog, i);
        if (other->update_count == 0 || strchr(other->name, '@') || n >= sizeof names) continue;
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", other->name);
    }
    complain("entry `%s` updates nothing, so that it cannot train; %s%s", name,
             n ? "these do: " : "one that does ends in `{ minimize loss by adam() }`", names);
    return NULL;
}

/* Whether the entry that --evaluate names can evaluate: it returns scalars and changes nothing. */
static int check_evaluation(Session *s, const char *name) {
    const dlg_entry *entry = session_entry(s, name);
    size_t scalars = 0;
    if (!entry) return EXIT_INPUT;
    for (size_t i = 0; i < entry->return_count; i++) scalars += entry->returns[i]->rank == 0;
    if (scalars > 0 && entry->update_count == 0) return EXIT_DONE;
    complain("--evaluate %s: the entry %s", name,
             scalars ? "updates what it should evaluate" : "returns no scalars to show");
    return EXIT_INPUT;
}

/* --patience waits for rows that are held out to get better. */
static int check_patience(const Session *s, const Args *a, const dlg_entry *evaluate) {
    if (!a->patience) return EXIT_DONE;
    if (dlg_dataset_rows(s->data, DLG_ROWS_HELD_OUT) == 0) {
        complain("--patience waits for the rows held out to get no better, and none are held out: "
                 "give --holdout 0.2 too");
        return EXIT_USAGE;
    }
    if (evaluate) return EXIT_DONE;
    complain(
        "--patience needs an entry that evaluates the rows held out: %s has no `evaluate`, and "
        "--evaluate names no other",
        dlg_program_file(s->prog));
    return EXIT_INPUT;
}

/* What a sweep compares its runs by is looked for before the first of them. */
static int check_metric(const dlg_entry *entry, const char *metric) {
    size_t len = 0;
    char names[256] = "";
    for (size_t i = 0; i < entry->return_count; i++) {
        const dlg_tensor *t = entry->returns[i];
        if (t->rank > 0) continue;
        if (strcmp(t->user_name, metric) == 0) return EXIT_DONE;
        if (len < sizeof names)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s`%s`", len ? ", " : "",
                                    t->user_name);
    }
    complain("--metric %s: entry `%s` returns no such scalar%s%s", metric, entry->name,
             len ? "; it returns " : "", names);
    return EXIT_INPUT;
}

/* How to go on after an interruption. */
static void print_how(const Args *a, const Shown *shown) {
    if (a->checkpoint && shown->kept)
        printf("checkpoint: %s; to go on: the same command%s\n", a->checkpoint,
               a->resume ? " again" : " with --resume");
    else if (a->save)
        printf("to go on from the weights, with the optimizer's state anew: --load %s; with "
               "--checkpoint FILE a run can be resumed as it was\n",
               a->save);
}

static void print_best(const Args *a, const Shown *shown) {
    char text[NUMBER_TEXT];
    if (!a->patience || !shown->best_epoch || !shown->metric) return;
    printf("best on the rows held out: %s %s in epoch %llu%s\n", shown->metric,
           number_text(text, shown->best), (unsigned long long)shown->best_epoch,
           a->save ? ", whose weights are saved" : "");
}

/* As `dlg eval` ends with it. */
static int nan_evaluation(const Session *s, const Args *a, const dlg_entry *entry,
                          const Shown *shown) {
    if (shown->result) return EXIT_DIVERGED;
    complain("`%s` of the rows held out is not a number%s%s; --ignore-nan takes no notice",
             shown->nan_name, a->patience ? ", so that no epoch was better than those before" : "",
             reads_labels(s, entry) ? "; a label out of range (outside 0..c-1) gives NaN" : "");
    return EXIT_DIVERGED;
}

/* What there is to say and to save when training ended, done or stopped. */
static int end(Session *s, const Args *a, const dlg_entry *entry, const Shown *shown, bool done) {
    int status = done ? EXIT_DONE : EXIT_SIGNAL + interrupted();
    session_say_infinite(s, a);
    if (!a->quiet)
        printf("%llu step%s in %.2f s, building kernels%s included\n",
               (unsigned long long)shown->steps, shown->steps == 1 ? "" : "s", shown->seconds,
               shown->evaluates ? " and evaluation" : "");
    if (!shown->finite)
        complain("warning: not all that entry `%s` returned is finite: the training diverged%s",
                 entry->name,
                 reads_labels(s, entry)
                     ? ", or a label is out of range (outside 0..c-1 it gives NaN)"
                     : "");
    if (shown->kept_not) status = EXIT_SYSTEM; /* it was told */
    if (!a->quiet) print_best(a, shown);
    int saved = save(s, a);
    if (done && shown->nan_name && !a->ignore_nan) status = nan_evaluation(s, a, entry, shown);
    if (saved) status = saved;
    if (!done && !a->quiet) print_how(a, shown);
    return status;
}

/* What may have been the reason. Where the loss grew first, training made it so. Where it did not, it is of the rows of that
 * step: a label out of range gives NaN in the first step that has its row, mostly in the very first epoch. Before the very
 * first update no learning rate matters. */
static void print_tries(const Session *s, const Args *a, const dlg_entry *entry,
                        const Shown *shown) {
    if (print_unsound(s, entry)) {
        fprintf(stderr, "  to try: data without such rows; --ignore-nan goes on\n");
        return;
    }
    const bool labels = !shown->grew && reads_labels(s, entry);
    const bool first = labels && shown->diverged_epoch <= 1;
    if (labels) print_labels(s, entry);
    fprintf(stderr, "  to try: %s%s%sinputs that are scaled to about 1%s%s; --ignore-nan goes on\n",
            first ? "labels and tokens within 0..c-1, for another gives NaN; " : "",
            shown->at_once ? "" : "a smaller learning rate; clip_norm = 1 in the optimizer; ",
            shown->grew ? "" : "no logarithm, root or quotient of what may be 0 or less; ",
            labels && !first ? "; labels within 0..c-1, for another gives NaN" : "",
            a->check_nan ? "" : "; --check-nan says where it begins");
}

/* The training came to what is not a number: what is kept, and what to try. */
static int diverged(Session *s, const Args *a, const dlg_entry *entry, const Shown *shown) {
    complain("%s", dlg_error_text(s->dev));
    if (a->save && shown->restored && shown->best_epoch)
        fprintf(stderr, "  %s: the weights of the best epoch, %llu\n", a->save,
                (unsigned long long)shown->best_epoch);
    else if (a->save && shown->restored && shown->restored_step)
        fprintf(stderr, "  %s: the weights after step %llu, the last ones known to be finite\n",
                a->save, (unsigned long long)shown->restored_step);
    else if (a->save)
        fprintf(stderr, "  %s is not written: no step gave weights known to be finite\n", a->save);
    if (a->checkpoint && shown->kept)
        fprintf(stderr, "  %s: the checkpoint is the last one from before\n", a->checkpoint);
    if (shown->began_with_it) {
        fprintf(stderr, "  to try: %s; --ignore-nan goes on\n",
                a->load && !resumes(a)
                    ? "other weights than those of --load, or with --partial a part of them"
                    : "what the model or --set gives it at the start");
        return EXIT_DIVERGED;
    }
    print_tries(s, a, entry, shown);
    bool save_it = a->save && shown->restored && (shown->best_epoch || shown->restored_step);
    int status = save_it ? dlg_weights_save(s->prog, a->save, NULL) : DLG_OK;
    return status < 0 ? complain_write(s->dev, status) : EXIT_DIVERGED;
}

/* The checkpoint is of another run, as the message says. */
static void print_other_run(const Args *a) {
    fprintf(
        stderr,
        "  a run goes on with the model, data and options that it began "
        "with; to begin another one with its weights, and the optimizer's state anew: --load %s%s, "
        "and another --checkpoint; to begin "
        "anew in this file: without --resume\n",
        a->checkpoint, a->partial ? "" : " (with --partial where shapes are not the same)");
}

int train_once(Session *s, const Args *a, const dlg_entry *entry, TrainResult *result) {
    Shown shown = {.args = a, .dev = s->dev, .finite = true, .result = result};
    if (!a->quiet) print_start(s, a, entry);
    progress_init(&shown.progress, a->quiet, dlg_dataset_rows(s->data, DLG_ROWS_ALL) == 0);
    int status = log_open(&shown.log, a, dlg_program_model(s->prog));
    if (status) return status;
    progress_wait(&shown.progress, building);
    dlg_train_options options = {.entry = entry->name,
                                 .evaluate = a->evaluate,
                                 .epochs = a->epochs,
                                 .steps = a->steps,
                                 .seed = a->seed,
                                 .progress = show,
                                 .user = &shown,
                                 .checkpoint = a->checkpoint,
                                 .checkpoint_steps = a->checkpoint_steps,
                                 .checkpoint_seconds = a->checkpoint_seconds,
                                 .resume = a->resume,
                                 .late_events = 1,
                                 .report_steps = a->log_steps,
                                 .patience = a->patience,
                                 .metric = a->metric,
                                 .maximize = a->maximize,
                                 .ignore_nan = a->ignore_nan};
    interrupt_catch();
    int trained = dlg_train(s->prog, s->data, &options);
    progress_end(&shown.progress);
    if (trained == DLG_ERR_STOPPED) shown.steps = dlg_step(s->prog) - shown.first_step;
    if (trained == DLG_ERR_STOPPED && !shown.refused)
        complain("interrupted: %s", dlg_error_text(s->dev));
    if (shown.refused)
        status = EXIT_INPUT;
    else if (trained == DLG_OK || trained == DLG_ERR_STOPPED)
        status = end(s, a, entry, &shown, trained == DLG_OK);
    else if (trained == DLG_ERR_DIVERGED && result)
        status = EXIT_DIVERGED;
    else if (trained == DLG_ERR_DIVERGED)
        status = diverged(s, a, entry, &shown);
    else
        status = complain_status(s->dev, trained);
    if (trained == DLG_ERR_WEIGHTS && resumes(a)) {
        const char *why = dlg_error_text(s->dev);
        if (strstr(why, "checkpoint of another run") || is_other_model(why))
            print_other_run(a);
        else
            fputs("  to begin anew in this file: without --resume\n", stderr);
    }
    int logged = log_close(&shown.log);
    return status == EXIT_DONE ? logged : status;
}

int train_run(const Args *a, TrainResult *result) {
    Session s = {0};
    const dlg_entry *entry = NULL, *evaluate = NULL;
    Locks locks = {0};
    int status = a->folds ? folds_check(a, NULL) : outputs_check(a);
    if (!status) status = locks_take(&locks, a); /* with --folds all that are begun with its name */
    if (!status && !a->folds) status = log_check(a);
    if (!status) status = session_open(&s, a, true);
    if (!status) status = a->folds ? folds_check(a, s.prog) : outputs_spare(a, s.prog);
    if (!status && !(entry = training_entry(&s, a->entry ? a->entry : "train")))
        status = EXIT_INPUT;
    if (!status && a->evaluate) status = check_evaluation(&s, a->evaluate);
    if (!status) status = session_check_nan(&s, a);
    if (!status) status = session_load_weights(&s, a);
    if (!status) status = session_set_tensors(&s, a);
    if (!status) {
        const char *entries[2] = {entry->name};
        size_t count = 1;
        /* Without rows held out the evaluation does not run, and its data need not be there. */
        evaluate = dlg_entry_find(s.prog, a->evaluate ? a->evaluate : "evaluate");
        bool holds_out = a->holdout > 0 || a->holdout_data_count || a->folds;
        if (evaluate && (holds_out || a->load)) entries[count++] = evaluate->name;
        status = session_data(&s, a, entries, count, NULL, 0);
    }
    if (!status) status = session_inputs_given(&s, a, entry);
    if (!status && a->folds && !evaluate) {
        complain("--folds needs an entry that evaluates the rows held out: %s has no `evaluate`, "
                 "and --evaluate names no other",
                 dlg_program_file(s.prog));
        status = EXIT_INPUT;
    }
    if (!status && !a->folds) status = split(&s, a);
    if (!status && !a->folds) status = check_patience(&s, a, evaluate);
    if (!status && result && result->metric) {
        bool evaluates = evaluate && dlg_dataset_rows(s.data, DLG_ROWS_HELD_OUT) > 0;
        status = check_metric(evaluates ? evaluate : entry, result->metric);
    }
    if (!status && (a->holdout > 0 || a->holdout_data_count) && !evaluate && !a->quiet)
        printf("there is no entry `evaluate`: the rows held out are not evaluated\n");
    if (!status && !a->has_steps && dlg_dataset_rows(s.data, DLG_ROWS_ALL) == 0) {
        complain("entry `%s` takes no data, so that there are no epochs: give --steps N",
                 entry->name);
        status = EXIT_INPUT;
    }
    if (!status) session_build(&s, entry);
    if (!status) status = session_profile(&s, a);
    if (!status)
        status = a->folds ? train_folds(&s, a, entry, evaluate) : train_once(&s, a, entry, result);
    status = session_profile_end(&s, a, status);
    session_close(&s);
    locks_drop(&locks);
    return status;
}

int cmd_train(const Args *a) {
    return train_run(a, NULL);
}

/* folds: dlg train --folds: as many trainings as there are parts of the rows, each of which is held out once.
 *
 * Requires a session whose data is read. Establishes: each training is the one that a run of its own would be, with its
 * own files; what is told at the end is of the weights that each ends with. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

enum { COLUMN = 14 };

/* "W.safetensors" -> "W.fold2.safetensors". NULL: no memory, or there is no path. */
static char *fold_path(const char *path, uint64_t fold) {
    if (!path) return NULL;
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    size_t size = strlen(path) + 32;
    char *out = malloc(size);
    if (!dot || (slash && dot < slash) || dot == path || dot[-1] == '/') dot = path + strlen(path);
    if (out)
        snprintf(out, size, "%.*s.fold%llu%s", (int)(dot - path), path, (unsigned long long)fold,
                 dot);
    return out;
}

/* The arguments of one fold; fold_free. */
static int fold_args(const Args *a, uint64_t fold, Args *out) {
    *out = *a;
    out->save = fold_path(a->save, fold);
    out->checkpoint = fold_path(a->checkpoint, fold);
    out->log = fold_path(a->log, fold);
    if (!a->save == !out->save && !a->checkpoint == !out->checkpoint && !a->log == !out->log)
        return EXIT_DONE;
    complain("out of memory");
    return EXIT_SYSTEM;
}

static void fold_free(Args *of) {
    free((void *)(uintptr_t)of->save);
    free((void *)(uintptr_t)of->checkpoint);
    free((void *)(uintptr_t)of->log);
}

int folds_check(const Args *a, const dlg_program *prog) {
    int status = EXIT_DONE;
    for (uint64_t fold = 1; !status && fold <= a->folds; fold++) {
        Args of;
        status = fold_args(a, fold, &of);
        if (!status) status = prog ? outputs_spare(&of, prog) : outputs_check(&of);
        if (!status && !prog) status = log_check(&of);
        fold_free(&of);
        if (!a->save && !a->checkpoint && !a->log) break; /* all are the same */
    }
    return status;
}

/* As a run of its own begins. */
static int begin_again(Session *s, const Args *a) {
    int status = dlg_init(s->prog, a->seed);
    if (status < 0) return complain_status(s->dev, status);
    status = session_load_weights(s, a);
    return status ? status : session_set_tensors(s, a);
}

static int one_fold(Session *s, const Args *a, const dlg_entry *entry, const dlg_entry *evaluate,
                    uint64_t fold, dlg_metrics *found) {
    Args of;
    int status = fold_args(a, fold, &of);
    if (!status && fold > 1) status = begin_again(s, a);
    if (!status) {
        int split = dlg_dataset_fold(s->data, fold, a->folds, a->seed);
        if (split < 0) status = complain_status(s->dev, split);
    }
    if (!status && !a->quiet)
        printf("%sfold %llu of %llu\n", fold > 1 ? "\n" : "", (unsigned long long)fold,
               (unsigned long long)a->folds);
    if (!status) status = train_once(s, &of, entry, NULL);
    fold_free(&of);
    if (status) return status;
    int evaluated = dlg_evaluate(s->prog, s->data, evaluate->name, DLG_ROWS_HELD_OUT, found);
    return evaluated < 0 ? complain_status(s->dev, evaluated) : EXIT_DONE;
}

static void print_cell(double v) {
    char text[NUMBER_TEXT];
    printf("  %*s", COLUMN, number_text(text, v));
}

/* Each fold, the mean over the folds, and the standard deviation of a fold (of a sample: n - 1). */
static void print_table(const dlg_metrics *of, uint64_t folds) {
    printf("\n%-6s  %8s", "fold", "rows");
    for (size_t i = 0; i < of->count; i++) printf("  %*s", COLUMN, of->names[i]);
    for (uint64_t k = 0; k < folds; k++) {
        printf("\n%-6llu  %8llu", (unsigned long long)k + 1, (unsigned long long)of[k].rows);
        for (size_t i = 0; i < of->count; i++) print_cell(of[k].values[i]);
    }
    printf("\n%-6s  %8s", "mean", "");
    for (size_t i = 0; i < of->count; i++) {
        double sum = 0;
        for (uint64_t k = 0; k < folds; k++) sum += of[k].values[i];
        print_cell(sum / (double)folds);
    }
    printf("\n%-6s  %8s", "spread", "");
    for (size_t i = 0; i < of->count; i++) {
        double sum = 0, square = 0;
        for (uint64_t k = 0; k < folds; k++) sum += of[k].values[i];
        for (uint64_t k = 0; k < folds; k++) {
            double d = of[k].values[i] - sum / (double)folds;
            square += d * d;
        }
        print_cell(sqrt(square / (double)(folds - 1)));
    }
    printf("\n");
}

int train_folds(Session *s, const Args *a, const dlg_entry *entry, const dlg_entry *evaluate) {
    size_t rows = dlg_dataset_rows(s->data, DLG_ROWS_ALL);
    if (a->folds > rows) {
        complain("--folds %llu: there are %zu rows", (unsigned long long)a->folds, rows);
        return EXIT_INPUT;
    }
    dlg_metrics *found = calloc((size_t)a->folds, sizeof *found);
    if (!found) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    int status = EXIT_DONE;
    for (uint64_t fold = 1; !status && fold <= a->folds; fold++)
        status = one_fold(s, a, entry, evaluate, fold, &found[fold - 1]);
    if (!status) print_table(found, a->folds);
    for (uint64_t k = 0; k < a->folds; k++) dlg_metrics_free(&found[k]);
    free(found);
    return status;
}

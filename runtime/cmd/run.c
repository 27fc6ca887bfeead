/* dlg run: one entry, on tensors that --set gives or on rows of the data; prints or writes what it
 * returns.
 *
 * Rows: as many as are asked for, in batches of the entry and the rest one by one through its
 * batch-1 variant. A result whose first axis is the batch is joined over the runs; others are shown
 * for one run only. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "rt.h"
#include "data.h"

enum { SHOW_NUMBERS = 24, SHOW_ROWS = 20 };

/* What an entry returned, joined over the runs. */
typedef struct Result {
    const dlg_tensor *tensor; /* of the entry itself, not of a variant */
    bool by_row;              /* axis 0 is the batch */
    size_t row_bytes, bytes;
    char *values;
} Result;

typedef struct Run {
    Session s;
    const Args *a;
    const dlg_entry *entry;
    size_t batch, rows; /* rows asked for; 0: no data */
    uint32_t *numbers;  /* of the rows */
    Result *results;
    size_t result_count;
    json_t *classes; /* of labels.NAME in the weights, by the names of inputs */
} Run;

static int out_of_memory(void) {
    complain("out of memory");
    return EXIT_SYSTEM;
}

static const char *default_entry(const Session *s) {
    const char *only = NULL;
    if (dlg_entry_find(s->prog, "predict")) return "predict";
    for (size_t i = 0; i < dlg_entry_count(s->prog); i++) {
        const dlg_entry *e = dlg_entry_at(s->prog, i);
        if (strchr(e->name, '@') || e->update_count) continue;
        if (only) return "predict"; /* there are several: the complaint lists them */
        only = e->name;
    }
    return only ? only : "predict";
}

/* ---- Rows -------------------------------------------------------------------------------------- */

static int choose_rows(Run *r) {
    const Args *a = r->a;
    dlg_rows which = a->held_out ? DLG_ROWS_HELD_OUT : DLG_ROWS_ALL;
    if (a->held_out) {
        int same, status = dlg_dataset_split_recorded(r->s.data, r->s.prog, &same);
        if (status < 0) return complain_status(r->s.dev, status);
        if (!same) {
            complain("--held-out: the data is not what the weights were trained on");
            return EXIT_INPUT;
        }
    }
    size_t count = dlg_dataset_rows(r->s.data, which);
    uint64_t end = a->row_end == UINT64_MAX ? count : a->row_end;
    if (a->row_begin >= count || end > count) {
        complain("--rows: there are %zu %srows, 0 to %zu", count, a->held_out ? "held-out " : "",
                 count ? count - 1 : 0);
        return EXIT_INPUT;
    }
    r->rows = (size_t)(end - a->row_begin);
    r->numbers = malloc(r->rows * sizeof *r->numbers);
    if (!r->numbers) return out_of_memory();
    for (size_t i = 0; i < r->rows; i++)
        r->numbers[i] = dlg_dataset_row(r->s.data, which, (size_t)a->row_begin + i);
    if (r->rows % r->batch && !r->entry->single) {
        complain(
            "entry `%s` takes %zu rows at a time and has no variant for one: ask for a "
            "multiple, or give the batch a name in the model (`const batch = %zu`), from which "
            "one is made",
            r->entry->name, r->batch, r->batch);
        return EXIT_INPUT;
    }
    return EXIT_DONE;
}

static int open_data(Run *r) {
    int status = session_data(&r->s, r->a, &r->entry->name, 1, r->a->with, r->a->with_count);
    if (status) return status;
    int found = dlg_dataset_batch(r->s.data, r->entry, &r->batch);
    if (found < 0) return complain_status(r->s.dev, found);
    if (r->batch == 0) {
        complain("--rows: entry `%s` takes no data", r->entry->name);
        return EXIT_INPUT;
    }
    return choose_rows(r);
}

/* ---- Running ----------------------------------------------------------------------------------- */

static bool returns(const dlg_entry *entry, const dlg_tensor *t) {
    for (size_t i = 0; i < entry->return_count; i++)
        if (entry->returns[i] == t) return true;
    return false;
}

/* --get of what only other entries make. */
static int check_gets(const Run *r) {
    for (size_t i = 0; i < r->a->get_count; i++) {
        const dlg_tensor *t = dlg_tensor_find(r->s.prog, r->a->get[i].name);
        const dlg_entry *of = t && t->kind == DLG_OUTPUT ? rt_entry_of(r->s.prog, t) : NULL;
        if (!of || returns(r->entry, t)) continue;
        complain("--get %s: entry `%s` does not return it; entry `%s` does: --entry %s",
                 r->a->get[i].name, r->entry->name, of->name, of->name);
        return EXIT_INPUT;
    }
    return EXIT_DONE;
}

static int open_results(Run *r) {
    r->result_count = r->entry->return_count;
    r->results = calloc(r->result_count + 1, sizeof *r->results);
    if (!r->results) return out_of_memory();
    for (size_t i = 0; i < r->result_count; i++) {
        Result *out = &r->results[i];
        const dlg_tensor *t = r->entry->returns[i];
        out->tensor = t;
        out->by_row = r->rows && t->rank > 0 && (size_t)t->shape[0] == r->batch;
        out->row_bytes = out->by_row ? (size_t)t->bytes / r->batch : 0;
        out->bytes = out->by_row ? out->row_bytes * r->rows : (size_t)t->bytes;
        out->values = malloc(out->bytes ? out->bytes : 1);
        if (!out->values) return out_of_memory();
        if (r->rows && !out->by_row && r->rows != r->batch && !(r->rows == 1 && r->entry->single)) {
            complain("`%s` is not by rows: it is of one run only, that is of %zu rows at a time",
                     t->user_name, r->batch);
            return EXIT_INPUT;
        }
    }
    return EXIT_DONE;
}

/* One run; its results go to row `at` of the joined ones. */
static int run_once(Run *r, const dlg_entry *entry, size_t at) {
    dlg_program *prog = r->s.prog;
    size_t count = entry == r->entry ? r->batch : 1;
    int status = DLG_OK;
    if (r->rows) status = dlg_dataset_feed(prog, r->s.data, entry, r->numbers + at, count);
    if (status == DLG_OK) status = dlg_run(prog, entry->name);
    for (size_t i = 0; status == DLG_OK && i < r->result_count; i++) {
        Result *out = &r->results[i];
        const dlg_tensor *t = entry->returns[i];
        size_t bytes = out->by_row ? out->row_bytes * count : out->bytes;
        if (t->bytes != bytes) { /* of a variant */
            complain("`%s` of entry `%s` is not one row of `%s`", t->name, entry->name,
                     out->tensor->name);
            return EXIT_INPUT;
        }
        status =
            dlg_get(prog, t->name, out->values + (out->by_row ? at * out->row_bytes : 0), bytes);
    }
    return status < 0 ? complain_status(r->s.dev, status) : EXIT_DONE;
}

static int run_all(Run *r) {
    size_t at = 0;
    int status = EXIT_DONE;
    if (r->rows == 0) return run_once(r, r->entry, 0);
    if (r->rows % r->batch && r->entry->single->return_count != r->result_count) {
        complain("entry `%s` is not a variant of `%s`", r->entry->single->name, r->entry->name);
        return EXIT_INPUT;
    }
    for (; !status && at + r->batch <= r->rows; at += r->batch) status = run_once(r, r->entry, at);
    for (; !status && at < r->rows; at++) status = run_once(r, r->entry->single, at);
    return status;
}

/* ---- Showing ----------------------------------------------------------------------------------- */

/* Which of the numbers is the largest when they are probabilities: at least two of 0 to 1 that sum
 * to 1. `count` when they are not. */
static size_t likeliest(dlg_type type, const char *values, size_t count) {
    double sum = 0;
    size_t largest = 0;
    if ((type != DLG_F32 && type != DLG_F16 && type != DLG_BF16) || count < 2) return count;
    for (size_t i = 0; i < count; i++) {
        double v = dlg_element(type, values, i);
        if (!(v >= 0 && v <= 1)) return count;
        if (v > dlg_element(type, values, largest)) largest = i;
        sum += v;
    }
    return fabs(sum - 1) < 1e-3 ? largest : count;
}

/* The labels that the inputs' numbers stand for. */
static int find_classes(Run *r) {
    r->classes = json_object();
    if (!r->classes) return out_of_memory();
    for (size_t i = 0; i < dlg_tensor_count(r->s.prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(r->s.prog, i);
        if (t->kind != DLG_INPUT) continue;
        size_t size = strlen(t->user_name) + sizeof "labels.";
        char *name = malloc(size);
        if (!name) return out_of_memory();
        snprintf(name, size, "labels.%s", t->user_name);
        const char *list = r->s.data ? dlg_dataset_labels(r->s.data, t) : NULL;
        if (!list) list = dlg_meta_get(r->s.prog, name);
        free(name);
        if (list && json_object_set_new(r->classes, t->user_name, json_loads(list, 0, NULL)) < 0)
            complain("warning: the labels of `%s` are not a list of labels", t->user_name);
    }
    return EXIT_DONE;
}

static void print_label(const json_t *list, size_t i) {
    const json_t *label = json_array_get(list, i);
    char shown[68];
    if (!json_is_string(label)) return;
    printf(" %s", data_quote(shown, 64, json_string_value(label), json_string_length(label)));
}

/* Of so many probabilities each is of a class, where one input has so many labels. */
static const json_t *classes_of(const Run *r, size_t count) {
    const char *name;
    json_t *list, *found = NULL;
    json_object_foreach(r->classes, name, list) {
        if (json_array_size(list) != count) continue;
        if (found && !json_equal(found, list)) return NULL;
        found = list;
    }
    return found;
}

/* The numbers of one row, or of a small tensor; of an input that takes labels, these. */
static void print_numbers(const Run *r, const char *name, const json_t *labels, dlg_type type,
                          const char *values, size_t count) {
    size_t shown = count > SHOW_NUMBERS ? SHOW_NUMBERS : count;
    size_t largest = likeliest(type, values, count);
    printf("%s", name);
    for (size_t i = 0; i < shown; i++) {
        double v = dlg_element(type, values, i);
        char text[NUMBER_TEXT];
        if (v >= 0 && v < (double)json_array_size(labels))
            print_label(labels, (size_t)v);
        else
            printf(" %s", number_text(text, v));
    }
    if (shown < count) printf(" ... (%zu numbers)", count);
    if (largest == count) return;
    printf(" (largest: %zu", largest);
    print_label(classes_of(r, count), largest);
    printf(")");
}

static int print_rows(const Run *r) {
    bool any = r->a->with_count > 0;
    for (size_t i = 0; i < r->result_count; i++) any |= r->results[i].by_row;
    if (!any) return EXIT_DONE;
    for (size_t row = 0; row < r->rows; row++) {
        const char *separator = "  ";
        printf("row %u:", r->numbers[row]);
        for (size_t i = 0; i < r->result_count; i++) {
            const Result *out = &r->results[i];
            if (!out->by_row) continue;
            fputs(separator, stdout);
            print_numbers(r, out->tensor->user_name, NULL, out->tensor->type,
                          out->values + row * out->row_bytes,
                          out->row_bytes / dlg_type_bytes(out->tensor->type));
            separator = "; ";
        }
        for (size_t i = 0; i < r->a->with_count; i++) {
            const dlg_tensor *t = dlg_tensor_find(r->s.prog, r->a->with[i]);
            size_t elems = (size_t)(t->elems / (uint64_t)t->shape[t->source.axis]);
            char *values = malloc(elems * dlg_type_bytes(t->type));
            if (!values) return out_of_memory();
            int read = dlg_dataset_read(r->s.data, t, r->numbers[row], 1, values);
            fputs(separator, stdout);
            if (read == DLG_OK)
                print_numbers(r, t->user_name, json_object_get(r->classes, t->user_name), t->type,
                              values, elems);
            free(values);
            if (read < 0) return complain_status(r->s.dev, read);
            separator = "; ";
        }
        printf("\n");
    }
    return EXIT_DONE;
}

static void print_whole(const Run *r, const Result *out) {
    const dlg_tensor *t = out->tensor;
    size_t columns = t->rank ? (size_t)t->shape[t->rank - 1] : 1;
    size_t rows = columns ? (size_t)t->elems / columns : 0,
           shown = rows > SHOW_ROWS ? SHOW_ROWS : rows;
    for (size_t i = 0; i < shown; i++) {
        char name[32];
        snprintf(name, sizeof name, "  %zu:", i);
        if (rows == 1)
            print_numbers(r, t->user_name, NULL, t->type, out->values, columns);
        else {
            if (i == 0) printf("%s\n", t->user_name);
            print_numbers(r, name, NULL, t->type,
                          out->values + i * columns * dlg_type_bytes(t->type), columns);
        }
        printf("\n");
    }
    if (shown < rows)
        printf("  ... %zu rows; --get %s=FILE.npy writes them all\n", rows, t->user_name);
}

static const Result *find_result(const Run *r, const char *name) {
    for (size_t i = 0; i < r->result_count; i++)
        if (strcmp(r->results[i].tensor->name, name) == 0 ||
            strcmp(r->results[i].tensor->user_name, name) == 0)
            return &r->results[i];
    return NULL;
}

static int write_one(Run *r, const char *name, const char *path) {
    const Result *out = find_result(r, name);
    size_t n = strlen(path);
    if (n < 4 || strcmp(path + n - 4, ".npy") != 0) {
        complain("--get %s=%s: only .npy files are written", name, path);
        return EXIT_INPUT;
    }
    if (!out) {
        int status = dlg_get_file(r->s.prog, name, path);
        return status == DLG_ERR_FILE ? complain_write(r->s.dev, status)
               : status < 0           ? complain_status(r->s.dev, status)
                                      : EXIT_DONE;
    }
    int64_t shape[8];
    memcpy(shape, out->tensor->shape, sizeof shape);
    if (out->by_row) shape[0] = (int64_t)r->rows;
    int status =
        dlg_array_write(r->s.dev, path, out->tensor->type, out->tensor->rank, shape, out->values);
    return status < 0 ? complain_write(r->s.dev, status) : EXIT_DONE;
}

static int show(Run *r) {
    int status = EXIT_DONE;
    for (size_t i = 0; !status && i < r->a->get_count; i++)
        status = write_one(r, r->a->get[i].name, r->a->get[i].value);
    if (status || r->a->get_count) return status;
    if (r->rows) status = print_rows(r);
    if (status) return status;
    for (size_t i = 0; i < r->result_count; i++)
        if (!r->results[i].by_row) print_whole(r, &r->results[i]);
    return EXIT_DONE;
}

int cmd_run(const Args *a) {
    Run r = {.a = a};
    if (!a->has_rows && (a->held_out || a->with_count || a->data_count)) {
        complain("--data, --held-out and --with go with --rows B:E; --rows 0: takes all rows");
        return EXIT_USAGE;
    }
    if (a->held_out && !a->load) {
        complain("--held-out: the weights say which rows were held out: give --load W too");
        return EXIT_USAGE;
    }
    int status = outputs_check(a);
    if (!status) status = session_open(&r.s, a, true);
    if (!status) status = outputs_spare(a, r.s.prog);
    if (!status && !(r.entry = session_entry(&r.s, a->entry ? a->entry : default_entry(&r.s))))
        status = EXIT_INPUT;
    if (!status) status = session_check_nan(&r.s, a);
    if (!status) status = session_load_weights(&r.s, a);
    if (!status) status = session_set_tensors(&r.s, a);
    if (!status && a->has_rows) status = open_data(&r);
    if (!status) status = session_inputs_given(&r.s, a, r.entry);
    if (!status) session_say_untrained(&r.s, a, r.entry);
    if (!status) status = check_gets(&r);
    if (!status) status = open_results(&r);
    if (!status) session_build(&r.s, r.entry);
    if (!status) status = session_profile(&r.s, a);
    if (!status) status = run_all(&r);
    status = session_profile_end(&r.s, a, status);
    if (!status) status = find_classes(&r);
    if (!status) status = show(&r);
    if (!status) session_say_infinite(&r.s, a);
    for (size_t i = 0; r.results && i < r.result_count; i++) free(r.results[i].values);
    free(r.results);
    free(r.numbers);
    json_decref(r.classes);
    session_close(&r.s);
    return status;
}

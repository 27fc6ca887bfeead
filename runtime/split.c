/* split: which rows are held out and in which order the others come.
 *
 * Establishes: both depend on a seed and on the number of rows alone, on every machine
 * (docs/program-format.md, "Rows"); of a text the end is held out, whatever the seed. What was held out is kept in the program's metadata as numbers,
 * with a hash of each input's samples, so that an evaluation can repeat it on the same data and
 * does not repeat it on other data. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data.h"

typedef struct Draws {
    uint32_t key[2], counter[4], word[4];
    int left;
} Draws;

static uint32_t draw_word(Draws *d) {
    if (d->left == 0) {
        rt_philox(d->counter, d->key, d->word);
        d->counter[0]++;
        d->left = 4;
    }
    return d->word[4 - d->left--];
}

/* Uniform in 0..n-1 (Lemire 2019: the high word of a product, the biased low words drawn again). */
static uint32_t draw_below(Draws *d, uint32_t n) {
    uint64_t m = (uint64_t)draw_word(d) * n;
    if ((uint32_t)m < n) {
        uint32_t biased = (uint32_t)(0u - n) % n;
        while ((uint32_t)m < biased) m = (uint64_t)draw_word(d) * n;
    }
    return (uint32_t)(m >> 32);
}

void split_shuffle(uint32_t *rows, size_t n, const char *name, uint64_t seed, uint64_t stream) {
    Draws d = {.counter = {0, (uint32_t)stream, (uint32_t)(stream >> 32), 0}};
    rt_key(name, seed, d.key);
    for (size_t i = n; i > 1; i--) {
        size_t j = draw_below(&d, (uint32_t)i);
        uint32_t row = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = row;
    }
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Of a text its end, and the window before it is in neither part: its last token begins the next. */
static size_t training_rows(const dlg_dataset *d, size_t held_out) {
    size_t rest = d->rows - held_out;
    return d->windows && held_out > 0 && rest > 0 ? rest - 1 : rest;
}

static void split_count(dlg_dataset *d, size_t held_out, uint64_t seed) {
    for (size_t i = 0; i < d->rows; i++) d->order[i] = (uint32_t)i;
    d->split_seed = seed;
    d->held_out = held_out;
    d->training = training_rows(d, held_out);
    if (held_out == 0 || d->windows) return;
    split_shuffle(d->order, d->rows, "dlg:holdout", seed, 0);
    qsort(d->order, d->training, sizeof *d->order, ascending);
    qsort(d->order + d->training, held_out, sizeof *d->order, ascending);
}

int dlg_dataset_split(dlg_dataset *d, double fraction, uint64_t seed) {
    dlg_device *dev = d->prog->dev;
    if (!(fraction >= 0 && fraction < 1))
        return rt_fail(dev, DLG_ERR_USAGE,
                       "the fraction to hold out is %g: it must be at least 0 "
                       "and below 1",
                       fraction);
    size_t held_out = (size_t)floor(fraction * (double)d->rows + 0.5);
    if (fraction > 0 && (held_out == 0 || training_rows(d, held_out) == 0))
        return rt_fail(dev, DLG_ERR_DATA, "holding out %g of %zu rows leaves nothing to %s",
                       fraction, d->rows, held_out ? "train on" : "evaluate on");
    split_count(d, held_out, seed);
    return DLG_OK;
}

size_t dlg_dataset_rows(const dlg_dataset *d, dlg_rows which) {
    return which == DLG_ROWS_ALL ? d->rows : which == DLG_ROWS_TRAINING ? d->training : d->held_out;
}

const uint32_t *dlg_dataset_row_numbers(const dlg_dataset *d, dlg_rows which) {
    return which == DLG_ROWS_ALL        ? NULL
           : which == DLG_ROWS_TRAINING ? d->order
                                        : d->order + (d->rows - d->held_out);
}

/* ---- In the metadata --------------------------------------------------------------------------- */

char *split_meta_name(dlg_device *dev, const char *what, const Field *f) {
    size_t size = strlen(what) + strlen(f->tensor->user_name) + 2;
    char *name = malloc(size);
    if (name)
        snprintf(name, size, "%s.%s", what, f->tensor->user_name);
    else
        rt_no_memory(dev, size);
    return name;
}

/* A NULL value removes it. */
static int record_of_field(const dlg_dataset *d, const Field *f, const char *what,
                           const char *value) {
    char *name = split_meta_name(d->prog->dev, what, f);
    if (!name) return DLG_ERR_MEMORY;
    int status = dlg_meta_set(d->prog, name, value);
    free(name);
    return status;
}

/* Numbers of characters or labels are the same data only where they stand for the same. */
static void hash_text(const dlg_dataset *d, const Field *f, char text[17]) {
    const char *meaning = f->vocabulary ? f->vocabulary : f->labels;
    uint64_t seed = meaning ? rt_hash(meaning, strlen(meaning), 0) : 0;
    uint64_t hash = rt_hash(f->values, d->rows * f->bytes, seed);
    snprintf(text, 17, "%016llx", (unsigned long long)hash);
}

static int record_number(dlg_program *prog, const char *name, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return dlg_meta_set(prog, name, text);
}

int split_record(const dlg_dataset *d) {
    TRY(record_number(d->prog, "data_rows", d->rows));
    TRY(record_number(d->prog, "data_held_out", d->held_out));
    TRY(record_number(d->prog, "data_seed", d->split_seed));
    for (size_t i = 0; i < d->field_count; i++) {
        const Field *f = &d->fields[i];
        char text[17];
        hash_text(d, f, text);
        TRY(record_of_field(d, f, "data_hash", text));
        TRY(record_of_field(d, f, "vocabulary", f->vocabulary));
        TRY(record_of_field(d, f, "labels", f->labels));
    }
    return DLG_OK;
}

static int recorded_number(dlg_program *prog, const char *name, uint64_t *value) {
    const char *text = dlg_meta_get(prog, name);
    if (!text)
        return rt_fail(prog->dev, DLG_ERR_DATA,
                       "the weights do not say which rows were held out (`%s` is missing)", name);
    uint64_t v = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9' && v < UINT64_MAX / 10 - 1; c++)
        v = v * 10 + (uint64_t)(*c - '0');
    /* The largest seeds have 20 digits, of which the loop may leave the last. */
    if (*c >= '0' && *c <= '9' && c[1] == 0 && v <= (UINT64_MAX - (uint64_t)(*c - '0')) / 10)
        v = v * 10 + (uint64_t)(*c++ - '0');
    if (*c || c == text)
        return rt_fail(prog->dev, DLG_ERR_DATA, "the weights' `%s` is not a number", name);
    *value = v;
    return DLG_OK;
}

int dlg_dataset_split_recorded(dlg_dataset *d, dlg_program *prog, int *same) {
    uint64_t rows, held_out, seed;
    *same = 0;
    TRY(recorded_number(prog, "data_rows", &rows));
    TRY(recorded_number(prog, "data_held_out", &held_out));
    TRY(recorded_number(prog, "data_seed", &seed));
    if (held_out > 0 && held_out >= rows)
        return rt_fail(prog->dev, DLG_ERR_DATA,
                       "the weights' `data_held_out` is not below their "
                       "`data_rows`");
    bool equal = rows == d->rows;
    for (size_t i = 0; equal && i < d->field_count; i++) {
        char *name = split_meta_name(prog->dev, "data_hash", &d->fields[i]), text[17];
        if (!name) return DLG_ERR_MEMORY;
        const char *recorded = dlg_meta_get(prog, name);
        free(name);
        hash_text(d, &d->fields[i], text);
        equal = recorded && strcmp(recorded, text) == 0;
    }
    split_count(d, equal ? (size_t)held_out : d->rows, seed);
    *same = equal;
    return DLG_OK;
}

/* split: which rows are held out and in which order the others come.
 *
 * Establishes: both depend on a seed and on the number of rows alone, on every machine
 * (docs/program-format.md, "Rows"); of a text a part that is together is held out, whatever the seed. What was held out
 * is kept in the program's metadata as numbers, with a hash of each input's samples, so that an evaluation can repeat it
 * on the same data and does not repeat it on other data. */
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

static Draws draws_of(const char *name, uint64_t seed, uint64_t stream, uint32_t part) {
    Draws d = {.counter = {0, (uint32_t)stream, (uint32_t)(stream >> 32), part}};
    rt_key(name, seed, d.key);
    return d;
}

void split_shuffle(uint32_t *rows, size_t n, const char *name, uint64_t seed, uint64_t stream,
                   uint32_t part) {
    Draws d = draws_of(name, seed, stream, part);
    for (size_t i = n; i > 1; i--) {
        size_t j = draw_below(&d, (uint32_t)i);
        uint32_t row = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = row;
    }
}

/* ---- Which rows ---------------------------------------------------------------------------------- */

/* Adds to `in` the rows at begin..end-1 of the order by the seed, to `out` the others. */
static int draw_part(const dlg_dataset *d, size_t begin, size_t end, uint64_t seed, RowSet *in,
                     RowSet *out) {
    if (d->rows <= SHUFFLE_ALL) {
        uint32_t *order = malloc((d->rows + 1) * sizeof *order);
        if (!order) return rt_no_memory(d->prog->dev, d->rows * sizeof *order);
        for (size_t i = 0; i < d->rows; i++) order[i] = (uint32_t)i;
        split_shuffle(order, d->rows, "dlg:holdout", seed, 0, 0);
        for (size_t i = 0; i < d->rows; i++) rowset_add(i >= begin && i < end ? in : out, order[i]);
        free(order);
        return DLG_OK;
    }
    /* Each row falls to a part with the chance that what is left of it has of what is left of all. */
    Draws draws = draws_of("dlg:holdout", seed, 0, 0);
    size_t before = begin, inside = end - begin, left = d->rows;
    for (size_t row = 0; row < d->rows; row++, left--) {
        uint32_t drawn = draw_below(&draws, (uint32_t)left);
        bool is_in = drawn >= before && drawn < before + inside;
        if (is_in)
            inside--;
        else if (drawn < before)
            before--;
        rowset_add(is_in ? in : out, row);
    }
    return DLG_OK;
}

/* Windows begin..end-1 of a text. The window before them is in neither part, for its last token begins the next, nor
 * is the one behind them. */
static void part_of_text(const dlg_dataset *d, size_t begin, size_t end, RowSet *in, RowSet *out) {
    for (size_t row = 0; row < d->rows; row++) {
        if (row >= begin && row < end)
            rowset_add(in, row);
        else if (row + 1 < begin || row > end)
            rowset_add(out, row);
    }
}

static void forget(dlg_dataset *d) {
    rowset_close(&d->training);
    rowset_close(&d->held_out);
    for (int i = 0; i < 2; i++) {
        free(d->numbers[i]);
        d->numbers[i] = NULL;
    }
    dlg_dataset_close(d->apart);
    d->apart = NULL;
    d->fold = d->folds = 0;
}

/* Holds out the part begin..end-1 of the order by the seed, or of a text itself. */
static int split_part(dlg_dataset *d, size_t begin, size_t end, uint64_t seed) {
    dlg_device *dev = d->prog->dev;
    RowSet in = {0}, out = {0};
    int status = DLG_OK;
    if (begin == end || end - begin == d->rows) {
        in = rowset_range(0, end - begin);
        out = rowset_range(0, d->rows - (end - begin));
    } else {
        status = rowset_open(dev, &in, d->rows);
        if (status == DLG_OK) status = rowset_open(dev, &out, d->rows);
        if (status == DLG_OK && d->windows) part_of_text(d, begin, end, &in, &out);
        if (status == DLG_OK && !d->windows) status = draw_part(d, begin, end, seed, &in, &out);
        if (status == DLG_OK) {
            rowset_count(&in);
            rowset_count(&out);
        }
    }
    if (status < 0) {
        rowset_close(&in);
        rowset_close(&out);
        return status;
    }
    forget(d);
    d->held_out = in;
    d->training = out;
    d->split_seed = seed;
    return DLG_OK;
}

int dlg_dataset_split(dlg_dataset *d, double fraction, uint64_t seed) {
    dlg_device *dev = d->prog->dev;
    if (!(fraction >= 0 && fraction < 1))
        return rt_fail(dev, DLG_ERR_USAGE,
                       "the fraction to hold out is %g: it must be at least 0 "
                       "and below 1",
                       fraction);
    size_t held_out = (size_t)floor(fraction * (double)d->rows + 0.5);
    if (fraction > 0 && (held_out == 0 || held_out + d->windows >= d->rows))
        return rt_fail(dev, DLG_ERR_DATA, "holding out %g of %zu rows leaves nothing to %s",
                       fraction, d->rows, held_out ? "train on" : "evaluate on");
    return split_part(d, d->rows - held_out, d->rows, seed);
}

/* Where fold `fold` of `folds` begins: they differ by one row at most. */
static size_t fold_begin(const dlg_dataset *d, uint64_t fold, uint64_t folds) {
    return (size_t)(d->rows / folds * fold + d->rows % folds * fold / folds);
}

int dlg_dataset_fold(dlg_dataset *d, uint64_t fold, uint64_t folds, uint64_t seed) {
    dlg_device *dev = d->prog->dev;
    if (folds < 2 || fold < 1 || fold > folds)
        return rt_fail(dev, DLG_ERR_USAGE, "fold %llu of %llu: at least 2, counted from 1",
                       (unsigned long long)fold, (unsigned long long)folds);
    if (folds > d->rows)
        return rt_fail(dev, DLG_ERR_DATA, "%llu folds of %zu rows: some would hold out nothing",
                       (unsigned long long)folds, d->rows);
    size_t begin = fold_begin(d, fold - 1, folds), end = fold_begin(d, fold, folds);
    /* Of a text the windows beside the part are in none. */
    if (d->windows && begin < 2 && end + 1 >= d->rows)
        return rt_fail(dev, DLG_ERR_DATA,
                       "fold %llu of %llu leaves nothing of %zu rows to train on",
                       (unsigned long long)fold, (unsigned long long)folds, d->rows);
    TRY(split_part(d, begin, end, seed));
    d->fold = fold;
    d->folds = folds;
    return DLG_OK;
}

const RowSet *dataset_set(const dlg_dataset *d, dlg_rows which) {
    return which == DLG_ROWS_ALL        ? &d->all
           : which == DLG_ROWS_TRAINING ? &d->training
                                        : &d->held_out;
}

size_t dlg_dataset_rows(const dlg_dataset *d, dlg_rows which) {
    if (which == DLG_ROWS_HELD_OUT && d->apart) return d->apart->rows;
    return dataset_set(d, which)->count;
}

uint32_t dlg_dataset_row(const dlg_dataset *d, dlg_rows which, size_t index) {
    return rowset_at(dataset_set(d, which), index);
}

const uint32_t *dlg_dataset_row_numbers(const dlg_dataset *d, dlg_rows which) {
    if (which == DLG_ROWS_ALL || (which == DLG_ROWS_HELD_OUT && d->apart)) return NULL;
    uint32_t **list = &d->numbers[which == DLG_ROWS_HELD_OUT];
    const RowSet *set = dataset_set(d, which);
    if (*list) return *list;
    *list = malloc((set->count + 1) * sizeof **list);
    for (size_t i = 0; *list && i < set->count; i++) (*list)[i] = rowset_at(set, i);
    return *list;
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
static int hash_text(const dlg_dataset *d, Field *f, char text[17]) {
    const char *meaning = f->vocabulary ? f->vocabulary : f->labels;
    uint64_t seed = meaning ? rt_hash(meaning, strlen(meaning), 0) : 0;
    if (!f->hashed) TRY(field_hash(d->prog->dev, f, d->rows, seed, &f->hash));
    f->hashed = true;
    snprintf(text, 17, "%016llx", (unsigned long long)f->hash);
    return DLG_OK;
}

static int record_number(dlg_program *prog, const char *name, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return dlg_meta_set(prog, name, text);
}

/* Which fold of how many is held out; nothing, where it is no fold. */
static int record_fold(const dlg_dataset *d) {
    if (d->folds) {
        TRY(record_number(d->prog, "data_fold", d->fold));
        return record_number(d->prog, "data_folds", d->folds);
    }
    TRY(dlg_meta_set(d->prog, "data_fold", NULL));
    return dlg_meta_set(d->prog, "data_folds", NULL);
}

/* The rows held out that are data of their own: their number, their hashes, and where they came from. */
static int record_apart(const dlg_dataset *d) {
    TRY(dlg_meta_set(d->prog, "held_out_rows", NULL));
    if (d->apart) TRY(record_number(d->prog, "held_out_rows", d->apart->rows));
    for (size_t i = 0; i < d->field_count; i++) {
        char text[17];
        const Field *f = &d->fields[i];
        Field *held = d->apart ? (Field *)(uintptr_t)dataset_field(d->apart, f->tensor) : NULL;
        if (held) TRY(hash_text(d->apart, held, text));
        TRY(record_of_field(d, f, "held_out_hash", held ? text : NULL));
        if (held && held->source && !rt_utf8(held->source))
            return rt_fail(d->prog->dev, DLG_ERR_DATA,
                           "%s: weights keep the names of data held out, which must be UTF-8: "
                           "give the file another",
                           held->source);
        TRY(record_of_field(d, f, "held_out_source", held ? held->source : NULL));
    }
    return DLG_OK;
}

int split_record(const dlg_dataset *d) {
    TRY(record_number(d->prog, "data_rows", d->rows));
    TRY(record_number(d->prog, "data_held_out", d->held_out.count));
    TRY(record_number(d->prog, "data_seed", d->split_seed));
    TRY(record_fold(d));
    TRY(record_apart(d));
    for (size_t i = 0; i < d->field_count; i++) {
        Field *f = &d->fields[i];
        char text[17];
        TRY(hash_text(d, f, text));
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

/* Whether the data is what was recorded so. */
static int is_recorded(dlg_dataset *d, dlg_program *prog, uint64_t rows, const char *what,
                       bool *equal) {
    *equal = rows == d->rows;
    for (size_t i = 0; *equal && i < d->field_count; i++) {
        char *name = split_meta_name(prog->dev, what, &d->fields[i]), text[17];
        if (!name) return DLG_ERR_MEMORY;
        const char *recorded = dlg_meta_get(prog, name);
        free(name);
        TRY(hash_text(d, &d->fields[i], text));
        *equal = recorded && strcmp(recorded, text) == 0;
    }
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
    bool equal, apart = dlg_meta_get(prog, "held_out_rows") != NULL;
    if (apart) TRY(recorded_number(prog, "held_out_rows", &rows));
    TRY(is_recorded(d, prog, rows, apart ? "held_out_hash" : "data_hash", &equal));
    if (apart) held_out = rows;
    if (equal && dlg_meta_get(prog, "data_folds")) {
        uint64_t fold, folds;
        TRY(recorded_number(prog, "data_fold", &fold));
        TRY(recorded_number(prog, "data_folds", &folds));
        TRY(dlg_dataset_fold(d, fold, folds, seed));
    } else {
        TRY(split_part(d, equal ? d->rows - (size_t)held_out : 0, d->rows, seed));
    }
    *same = equal;
    return DLG_OK;
}

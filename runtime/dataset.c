/* dataset: the samples of a run's inputs, from files of any kind or from memory.
 *
 * Requires a loaded program, whose inputs say what they want. Establishes: every field holds the
 * same number of samples, in its input's type: in memory, one after the other, while all of them are small
 * (DATA_HOST_BYTES), or in a file that they are read from when they are wanted; an input and its variants (x and
 * x@1) share a field. */
#include "data.h"

#include <stdlib.h>
#include <string.h>

typedef struct Opening {
    dlg_device *dev;
    dlg_dataset *d;
    const dlg_dataset_options *options;
    const dlg_dataset *like; /* the data to train on, of what is held out; or NULL */
    Source *sources;         /* one a field */
} Opening;

int dataset_axis(const dlg_tensor *t) {
    return t->source.form == DLG_SOURCE_NONE ? 0 : t->source.axis;
}

const Field *dataset_field(const dlg_dataset *d, const dlg_tensor *t) {
    for (size_t i = 0; i < d->field_count; i++)
        if (strcmp(d->fields[i].tensor->user_name, t->user_name) == 0) return &d->fields[i];
    return NULL;
}

const void *dlg_dataset_values(const dlg_dataset *d, const dlg_tensor *input) {
    const Field *f = dataset_field(d, input);
    return f ? f->values : NULL;
}

int dlg_dataset_has(const dlg_dataset *d, const dlg_tensor *input) {
    return dataset_field(d, input) != NULL;
}

int dlg_dataset_read(const dlg_dataset *d, const dlg_tensor *input, size_t first, size_t count,
                     void *to) {
    dlg_device *dev = d->prog->dev;
    const Field *f = dataset_field(d, input);
    if (!f) return rt_fail(dev, DLG_ERR_NAME, "the data set has no `%s`", input->user_name);
    if (first > d->rows || count > d->rows - first)
        return rt_fail(dev, DLG_ERR_DATA, "there are no rows %zu to %zu: the data has %zu", first,
                       first + count, d->rows);
    return field_read(dev, f, first, count, to);
}

const char *dlg_dataset_labels(const dlg_dataset *d, const dlg_tensor *input) {
    const Field *f = dataset_field(d, input);
    return f ? f->labels : NULL;
}

const char *dlg_dataset_vocabulary(const dlg_dataset *d, const dlg_tensor *input, size_t *size) {
    const Field *f = dataset_field(d, input);
    if (size) *size = f ? f->vocabulary_size : 0;
    return f ? f->vocabulary : NULL;
}

/* ---- Which inputs ------------------------------------------------------------------------------ */

static const dlg_data *given(const Opening *o, const dlg_tensor *t) {
    const dlg_data *found = NULL;
    for (size_t i = 0; i < o->options->data_count; i++)
        if (strcmp(o->options->data[i].name, t->user_name) == 0) found = &o->options->data[i];
    return found;
}

static const char *input_name(const void *list, size_t i) {
    const dlg_tensor *t = dlg_tensor_at(list, i);
    return t->kind == DLG_INPUT && t->rank > 0 && !strchr(t->name, '@') ? t->name : NULL;
}

static int no_input(const Opening *o, const char *name, const char *what) {
    const dlg_program *prog = o->d->prog;
    return rt_no_name(o->dev, name, prog, dlg_tensor_count(prog), input_name,
                      "the model has no input `%.200s`%s", name, what);
}

static int check_given(Opening *o) {
    for (size_t i = 0; i < o->options->data_count; i++) {
        const dlg_data *g = &o->options->data[i];
        bool is_input = false;
        for (size_t t = 0; t < dlg_tensor_count(o->d->prog); t++) {
            const dlg_tensor *tensor = dlg_tensor_at(o->d->prog, t);
            is_input |= tensor->kind == DLG_INPUT && strcmp(tensor->user_name, g->name) == 0;
        }
        if (!is_input) return no_input(o, g->name, " to give data to");
        if (!g->source == !g->values)
            return rt_fail(o->dev, DLG_ERR_USAGE, "data for `%s`: either a source or values",
                           g->name);
    }
    return DLG_OK;
}

static bool left_out(const Opening *o, const dlg_tensor *t) {
    for (size_t i = 0; i < o->options->without_count; i++)
        if (strcmp(o->options->without[i], t->user_name) == 0) return true;
    return false;
}

/* Adds a field for an input unless an equal one is there. */
static int add_field(Opening *o, const dlg_tensor *t) {
    dlg_dataset *d = o->d;
    if (left_out(o, t)) return DLG_OK;
    if (t->source.form == DLG_SOURCE_NONE && !given(o, t)) return DLG_OK;
    int axis = dataset_axis(t);
    if (t->rank == 0)
        return rt_fail(o->dev, DLG_ERR_DATA, "the input `%s` is a scalar: it has no sample axis",
                       t->user_name);
    if (axis < 0 || axis >= t->rank)
        return rt_fail(o->dev, DLG_ERR_DATA, "the input `%s` has no axis %d", t->user_name, axis);
    size_t elems = (size_t)(t->elems / (uint64_t)t->shape[axis]);
    const Field *other = dataset_field(d, t);
    if (other) {
        if (other->elems == elems && other->tensor->type == t->type) return DLG_OK;
        return rt_fail(o->dev, DLG_ERR_DATA,
                       "the samples of `%s` and `%s` differ in shape: they cannot be fed from one "
                       "data set",
                       other->tensor->name, t->name);
    }
    d->fields[d->field_count++] = (Field){
        .tensor = t, .elems = elems, .bytes = elems * dlg_type_bytes(t->type), .values = NULL};
    return DLG_OK;
}

static int add_entry(Opening *o, const dlg_entry *e) {
    for (size_t i = 0; i < e->read_count; i++) TRY(add_field(o, e->reads[i]));
    return e->single ? add_entry(o, e->single) : DLG_OK;
}

/* The user's name of an input: all its variants share a field. */
static int add_named(Opening *o, const char *name) {
    for (size_t i = 0; i < dlg_tensor_count(o->d->prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(o->d->prog, i);
        if (t->kind != DLG_INPUT || strcmp(t->name, name) != 0) continue;
        TRY(add_field(o, t));
        if (dataset_field(o->d, t)) return DLG_OK;
        return rt_fail(o->dev, DLG_ERR_DATA, "the input `%s` has no source of data", name);
    }
    return no_input(o, name, "");
}

static int add_fields(Opening *o) {
    dlg_program *prog = o->d->prog;
    size_t inputs = 0;
    for (size_t i = 0; i < dlg_tensor_count(prog); i++)
        inputs += dlg_tensor_at(prog, i)->kind == DLG_INPUT;
    o->d->fields = calloc(inputs + 1, sizeof *o->d->fields);
    o->sources = calloc(inputs + 1, sizeof *o->sources);
    if (!o->d->fields || !o->sources) return rt_no_memory(o->dev, inputs * sizeof *o->sources);
    if (!o->options->entries) {
        const dlg_entry *e;
        TRY(rt_find_entry(prog, "train", &e));
        TRY(add_entry(o, e));
        e = dlg_entry_find(prog, "evaluate");
        if (e) TRY(add_entry(o, e));
    }
    for (size_t i = 0; o->options->entries && i < o->options->entry_count; i++) {
        const dlg_entry *e;
        TRY(rt_find_entry(prog, o->options->entries[i], &e));
        TRY(add_entry(o, e));
    }
    for (size_t i = 0; i < o->options->input_count; i++) TRY(add_named(o, o->options->inputs[i]));
    return DLG_OK;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

/* Adds "PATH: WHAT" to what is said of the data. */
static int add_text(Opening *o, const char *path, const char *what) {
    char *old = o->d->text;
    size_t size = (old ? strlen(old) + 2 : 0) + strlen(path) + strlen(what) + 8;
    char *text = malloc(size);
    if (!text) return rt_no_memory(o->dev, size);
    snprintf(text, size, "%s%s%s: %s", old ? old : "", old ? ", " : "", path, what);
    free(old);
    o->d->text = text;
    return DLG_OK;
}

static int add_rows_text(Opening *o, const char *path, size_t rows, const char *more) {
    char what[540];
    snprintf(what, sizeof what, "%zu row%s%s", rows, rows == 1 ? "" : "s", more);
    return add_text(o, path, what);
}

static int same_rows(Opening *o, size_t i, size_t rows, const char *path) {
    dlg_dataset *d = o->d;
    if (rows == 0)
        return rt_fail(o->dev, DLG_ERR_DATA, "%s: there are no samples for `%s`", path,
                       d->fields[i].tensor->user_name);
    if (rows > INT32_MAX)
        return rt_fail(o->dev, DLG_ERR_DATA, "%s: %zu samples are more than a data set may have",
                       path, rows);
    if (d->rows && d->rows != rows)
        return rt_fail(o->dev, DLG_ERR_DATA,
                       "%s: has %zu samples for `%s` where `%s` has %zu: all sources of a run must "
                       "have the same number",
                       path, rows, d->fields[i].tensor->user_name, d->fields[0].tensor->user_name,
                       d->rows);
    d->rows = rows;
    return DLG_OK;
}

/* Whether field f is to be filled from such a file. */
static bool is_from(const Opening *o, size_t f, SourceKind kind, const char *path) {
    return o->sources[f].kind == kind && !o->d->fields[f].filled &&
           strcmp(o->sources[f].path, path) == 0;
}

static bool stays(const Opening *o, const Field *f, size_t rows) {
    uint64_t bytes;
    return rt_mul(rows, f->bytes, &bytes) && bytes <= o->d->host_bytes;
}

/* A small file of narrow elements stays in memory as it is where its samples, which are wider, would be too many. */
static void filled(Opening *o, Field *f) {
    uint64_t used = f->values        ? (uint64_t)o->d->rows * f->bytes
                    : f->rows.memory ? f->rows.start + (uint64_t)o->d->rows * f->rows.stride
                                     : 0;
    f->filled = true;
    o->d->host_bytes -= used < o->d->host_bytes ? used : o->d->host_bytes;
}

/* A limit of 0 would be none. */
static uint64_t memory_left(const Opening *o) {
    return o->d->host_bytes ? o->d->host_bytes : 1;
}

/* Samples that are in a file are read into memory when they are few. */
static int take_rows(Opening *o, Field *f) {
    size_t rows = o->d->rows;
    if (stays(o, f, rows)) {
        f->values = malloc(rows * f->bytes + 1);
        if (!f->values) return rt_no_memory(o->dev, rows * f->bytes);
        TRY(rows_read(o->dev, &f->rows, 0, rows, f->values));
        rows_close(&f->rows);
    }
    filled(o, f);
    return DLG_OK;
}

/* What the numbers of a field stand for, if it is known: in the data to train on, or in the weights. */
static int known_meaning(const Opening *o, const Field *f, const char *what, const char **known) {
    if (o->like) {
        const Field *other = dataset_field(o->like, f->tensor);
        *known = !other ? NULL : strcmp(what, "labels") ? other->vocabulary : other->labels;
        return DLG_OK;
    }
    char *name = split_meta_name(o->dev, what, f);
    if (!name) return DLG_ERR_MEMORY;
    *known = dlg_meta_get(o->d->prog, name);
    free(name);
    return DLG_OK;
}

static const char *from_of(const Opening *o) {
    return o->like ? "the data to train on" : NULL;
}

/* What field f takes of its table. Whole numbers of one column may be labels, and then have the numbers that the
 * weights say. */
static int open_take(Opening *o, size_t f, CsvTake *take) {
    const Field *field = &o->d->fields[f];
    const Source *from = &o->sources[f];
    dlg_type type = field->tensor->type;
    *take = (CsvTake){.begin = from->begin, .end = from->end, .type = type, .names = from->names};
    if (field->elems != 1 || (type != DLG_I32 && type != DLG_U8)) return DLG_OK;
    take->labels = calloc(1, sizeof *take->labels);
    if (!take->labels) return rt_no_memory(o->dev, sizeof *take->labels);
    const char *known;
    TRY(known_meaning(o, field, "labels", &known));
    take->labels->from = from_of(o);
    return known ? labels_known(o->dev, take->labels, field->tensor->user_name, known) : DLG_OK;
}

/* ", and the labels of `y` are a, b, c" */
static void labels_text(char *out, size_t size, const CsvTake *take, const char *input) {
    size_t n = (size_t)snprintf(out, size, ", and the %zu labels of `%.60s` are",
                                take->labels->count, input);
    for (size_t i = 0; i < take->labels->count && n < size; i++) {
        char shown[36];
        const char *label = take->labels->names[i];
        bool last = i + 1 < take->labels->count && n + 48 > size;
        n += (size_t)snprintf(out + n, size - n, "%s %s", i ? "," : "",
                              last ? "..." : data_quote(shown, 32, label, strlen(label)));
        if (last) break;
    }
}

/* What was read for a field: its values, and the labels that they stand for. */
static int close_take(Opening *o, size_t f, CsvTake *take, const CsvInfo *info) {
    Field *field = &o->d->fields[f];
    const char *path = o->sources[f].path;
    field->values = take->values;
    take->values = NULL;
    field->filled = true;
    if (take->width != field->elems && take->names)
        return rt_fail(o->dev, DLG_ERR_DATA,
                       "%s: %zu column%s named for `%s`, whose samples have %zu number%s each",
                       path, take->width, take->width == 1 ? " is" : "s are",
                       field->tensor->user_name, field->elems, field->elems == 1 ? "" : "s");
    if (take->width != field->elems)
        return rt_fail(o->dev, DLG_ERR_DATA,
                       "%s: has %zu columns, and a sample of `%s` has %zu number%s: say which "
                       "columns, as in %s:0:%zu",
                       path, info->columns, field->tensor->user_name, field->elems,
                       field->elems == 1 ? "" : "s", path, field->elems);
    if (take->are_labels && !(field->labels = labels_json(take->labels)))
        return rt_no_memory(o->dev, LABEL_MOST_BYTES);
    TRY(same_rows(o, f, info->rows, path));
    if (!field->values) {
        field->rows = (Rows){.type = take->type, .elems = field->elems, .path = strdup(path)};
        rows_of_spool(&field->rows, &take->spool);
        if (!field->rows.path) return rt_no_memory(o->dev, strlen(path));
    }
    filled(o, field);
    return DLG_OK;
}

/* All fields from field i on that come from its table, in one pass over it. */
static int read_table(Opening *o, size_t i) {
    dlg_dataset *d = o->d;
    const char *path = o->sources[i].path;
    CsvTake *takes = calloc(d->field_count, sizeof *takes);
    size_t *of = calloc(d->field_count, sizeof *of), count = 0;
    CsvInfo info;
    char more[400] = "";
    int status = DLG_OK;
    if (!takes || !of) status = rt_no_memory(o->dev, d->field_count * sizeof *takes);
    if (status == DLG_OK) status = data_there(o->dev, path); /* or its columns are nobody's fault */
    for (size_t f = i; status == DLG_OK && f < d->field_count; f++) {
        const Source *from = &o->sources[f];
        if (!is_from(o, f, SOURCE_TABLE, path)) continue;
        if (from->end != CSV_ALL && from->end - from->begin != d->fields[f].elems) {
            status = rt_fail(o->dev, DLG_ERR_DATA,
                             "%s: %zu column%s for `%s`, whose samples have %zu number%s each",
                             path, from->end - from->begin, from->end - from->begin == 1 ? "" : "s",
                             d->fields[f].tensor->user_name, d->fields[f].elems,
                             d->fields[f].elems == 1 ? "" : "s");
            break;
        }
        of[count] = f;
        status = open_take(o, f, &takes[count++]);
    }
    if (status == DLG_OK)
        status = csv_read(o->dev, path, takes, count,
                          o->d->host_bytes > count ? o->d->host_bytes / count : 1, &info);
    for (size_t k = 0; status == DLG_OK && k < count; k++) {
        status = close_take(o, of[k], &takes[k], &info);
        size_t used = strlen(more);
        if (takes[k].are_labels)
            labels_text(more + used, sizeof more - used, &takes[k],
                        d->fields[of[k]].tensor->user_name);
    }
    if (status == DLG_OK) {
        char what[480];
        snprintf(what, sizeof what, "%s%s", info.header ? " after a header" : "", more);
        status = add_rows_text(o, path, info.rows, what);
    }
    for (size_t k = 0; takes && k < count; k++) {
        free(takes[k].values);
        if (takes[k].spool.in_file) spool_close(&takes[k].spool);
        labels_free(takes[k].labels);
    }
    free(takes);
    free(of);
    return status;
}

static void shape_text(char *out, size_t size, int rank, const int64_t *shape, int sample_axis) {
    size_t n = 0;
    out[0] = 0;
    for (int a = 0; a < rank && n < size; a++) {
        const char *sep = a ? "x" : "";
        n += (size_t)(a == sample_axis
                          ? snprintf(out + n, size - n, "%sN", sep)
                          : snprintf(out + n, size - n, "%s%lld", sep, (long long)shape[a]));
    }
}

/* The first axis of an IDX file counts samples. Each has the input's numbers in the input's order, however the
 * file divides them into axes: an image may be a row of pixels to a model. */
static int check_idx(Opening *o, size_t i, const char *path, const ArrayHead *h) {
    const Field *f = &o->d->fields[i];
    size_t rows = (size_t)h->shape[0];
    TRY(same_rows(o, i, rows, path));
    if (h->elems == rows * f->elems) return DLG_OK;
    char have[160];
    shape_text(have, sizeof have, h->rank - 1, h->shape + 1, -1);
    return rt_fail(o->dev, DLG_ERR_DATA,
                   "%s: its samples are %s; a sample of `%s` has %zu number%s", path,
                   h->rank > 1 ? have : "single numbers", f->tensor->user_name, f->elems,
                   f->elems == 1 ? "" : "s");
}

static int check_array(Opening *o, size_t i, const char *path, const ArrayHead *h) {
    const dlg_tensor *t = o->d->fields[i].tensor;
    int axis = dataset_axis(t);
    bool fits = h->rank == t->rank;
    for (int k = 0; fits && k < t->rank; k++) fits = k == axis || h->shape[k] == t->shape[k];
    if (fits) return same_rows(o, i, (size_t)h->shape[axis], path);
    char want[160], have[160];
    shape_text(want, sizeof want, t->rank, t->shape, axis);
    shape_text(have, sizeof have, h->rank, h->shape, -1);
    return rt_fail(o->dev, DLG_ERR_DATA, "%s: its shape is %s; `%s` takes %s", path,
                   h->rank ? have : "scalar", t->user_name, want);
}

static int fill_from_array(Opening *o, size_t i, const char *path) {
    Field *f = &o->d->fields[i];
    const char *named = o->sources[i].member;
    bool idx = array_kind(path) == ARRAY_IDX;
    DataFile file;
    ArrayHead h;
    TRY(array_open(o->dev, path, named ? named : f->tensor->user_name, named != NULL,
                   memory_left(o), &file, &h));
    int status = idx ? check_idx(o, i, path, &h) : check_array(o, i, path, &h);
    if (status < 0) {
        data_close(&file);
        return status;
    }
    TRY(array_rows(o->dev, path, &file, &h, idx ? 0 : dataset_axis(f->tensor), f->tensor->type,
                   memory_left(o), &f->rows));
    return take_rows(o, f);
}

/* All fields from field i on that come from its file: one array, or of an archive each its own. */
static int read_array(Opening *o, size_t i) {
    const char *path = o->sources[i].path;
    for (size_t f = i; f < o->d->field_count; f++)
        if (is_from(o, f, SOURCE_ARRAY, path)) TRY(fill_from_array(o, f, path));
    return add_rows_text(o, path, o->d->rows, "");
}

static int fill_from_text(Opening *o, size_t i, const char *path, const DataFile *file) {
    dlg_dataset *d = o->d;
    Field *f = &d->fields[i];
    const char *known;
    TRY(known_meaning(o, f, "vocabulary", &known));
    TextTake t = {.name = f->tensor->user_name,
                  .chars = o->sources[i].chars,
                  .type = f->tensor->type,
                  .window = f->elems,
                  .memory_bytes = memory_left(o),
                  .known = known,
                  .from = from_of(o)};
    TRY(text_take(o->dev, path, file, &t));
    f->values = t.values;
    f->rows = t.samples;
    f->vocabulary = t.vocabulary;
    f->vocabulary_size = t.vocabulary_size;
    d->windows = true;
    char what[200], different[64] = "", left[64] = "";
    if (t.chars)
        snprintf(different, sizeof different, ", %zu different%s", t.vocabulary_size,
                 t.known && !t.from ? " in the weights" : "");
    if (t.left) snprintf(left, sizeof left, " and %zu left over", t.left);
    snprintf(what, sizeof what, "%zu %s%s: %zu window%s of %zu%s", t.tokens,
             t.chars ? "characters" : "bytes", different, t.rows, t.rows == 1 ? "" : "s", t.window,
             left);
    TRY(add_text(o, path, what));
    TRY(same_rows(o, i, t.rows, path));
    filled(o, f);
    return DLG_OK;
}

static int read_text(Opening *o, size_t i) {
    const char *path = o->sources[i].path;
    DataFile file;
    TRY(data_open(o->dev, path, memory_left(o), &file));
    int status = DLG_OK;
    for (size_t f = i; status == DLG_OK && f < o->d->field_count; f++)
        if (is_from(o, f, SOURCE_TEXT, path)) status = fill_from_text(o, f, path, &file);
    data_close(&file);
    return status;
}

static int copy_values(Opening *o, size_t i) {
    Field *f = &o->d->fields[i];
    const Source *from = &o->sources[i];
    TRY(same_rows(o, i, from->rows, "the data in memory"));
    uint64_t bytes;
    if (!rt_mul(from->rows, f->bytes, &bytes) || bytes > SIZE_MAX / 2)
        return rt_no_memory(o->dev, UINT64_MAX);
    f->values = malloc((size_t)bytes);
    if (!f->values) return rt_no_memory(o->dev, bytes);
    memcpy(f->values, from->values, (size_t)bytes);
    filled(o, f);
    for (size_t k = 0; f->tensor->type == DLG_BOOL && k < bytes; k++)
        if (((const uint8_t *)f->values)[k] > 1)
            return rt_fail(o->dev, DLG_ERR_DATA, "the data of `%s`: element %zu is not 0 or 1",
                           f->tensor->user_name, k);
    return DLG_OK;
}

static int open_all(Opening *o) {
    dlg_dataset *d = o->d;
    TRY(check_given(o));
    TRY(add_fields(o));
    for (size_t i = 0; i < d->field_count; i++) {
        const dlg_tensor *t = d->fields[i].tensor;
        const dlg_data *from = given(o, t);
        TRY(source_find(d->prog, t, from, &o->sources[i]));
        if (!from || !from->source) continue;
        d->fields[i].source = strdup(from->source);
        if (!d->fields[i].source) return rt_no_memory(o->dev, strlen(from->source));
    }
    for (size_t i = 0; i < d->field_count; i++) {
        if (d->fields[i].filled) continue; /* came with an earlier one */
        switch (o->sources[i].kind) {
        case SOURCE_MEMORY: TRY(copy_values(o, i)); break;
        case SOURCE_ARRAY: TRY(read_array(o, i)); break;
        case SOURCE_TABLE: TRY(read_table(o, i)); break;
        case SOURCE_TEXT: TRY(read_text(o, i)); break;
        }
    }
    d->all = rowset_range(0, d->rows);
    return dlg_dataset_split(d, 0, 0);
}

static int open_like(dlg_dataset **data, dlg_program *prog, const dlg_dataset_options *options,
                     const dlg_dataset *like) {
    Opening o = {.dev = prog->dev, .options = options, .like = like};
    uint64_t most = like ? like->host_bytes : DATA_HOST_BYTES;
    *data = NULL;
    o.d = calloc(1, sizeof *o.d);
    if (!o.d) return rt_no_memory(prog->dev, sizeof *o.d);
    o.d->prog = prog;
    o.d->numbers = calloc(2, sizeof *o.d->numbers);
    o.d->memory_bytes = options->memory_bytes;
    o.d->host_bytes = o.d->memory_bytes && o.d->memory_bytes < most ? o.d->memory_bytes : most;
    int status = o.d->numbers ? open_all(&o) : rt_no_memory(prog->dev, sizeof *o.d);
    for (size_t i = 0; o.sources && i < o.d->field_count; i++) source_free(&o.sources[i]);
    free(o.sources);
    if (status < 0)
        dlg_dataset_close(o.d);
    else
        *data = o.d;
    return status;
}

int dlg_dataset_open(dlg_dataset **data, dlg_program *prog, const dlg_dataset_options *options) {
    static const dlg_dataset_options defaults = {0};
    if (data) *data = NULL;
    if (!data || !prog) return DLG_ERR_USAGE;
    return open_like(data, prog, options ? options : &defaults, NULL);
}

static const char *name_at(const void *list, size_t i) {
    return ((const Field *)list)[i].tensor->user_name;
}

/* What is held out has the same inputs. */
static int check_sources(const dlg_dataset *d, const dlg_data *sources, size_t count) {
    dlg_device *dev = d->prog->dev;
    for (size_t k = 0; k < count; k++) {
        bool found = false;
        for (size_t i = 0; i < d->field_count; i++)
            found |= strcmp(name_at(d->fields, i), sources[k].name) == 0;
        if (found) continue;
        return rt_no_name(dev, sources[k].name, d->fields, d->field_count, name_at,
                          "data to hold out is given for `%.200s`, which the data to train on "
                          "does not have",
                          sources[k].name);
    }
    for (size_t i = 0; i < d->field_count; i++) {
        bool found = false;
        for (size_t k = 0; k < count; k++)
            found |= strcmp(name_at(d->fields, i), sources[k].name) == 0;
        if (!found)
            return rt_fail(dev, DLG_ERR_DATA, "of the data to hold out `%s` is missing",
                           name_at(d->fields, i));
    }
    return DLG_OK;
}

int dlg_dataset_hold_out(dlg_dataset *d, const dlg_data *sources, size_t count) {
    dlg_device *dev = d->prog->dev;
    static const char *const none = "";
    dlg_dataset *apart;
    TRY(check_sources(d, sources, count));
    const char **names = calloc(d->field_count + 1, sizeof *names);
    if (!names) return rt_no_memory(dev, d->field_count * sizeof *names);
    for (size_t i = 0; i < d->field_count; i++) names[i] = name_at(d->fields, i);
    dlg_dataset_options o = {.entries = &none,
                             .inputs = names,
                             .input_count = d->field_count,
                             .data = sources,
                             .data_count = count,
                             .memory_bytes = d->memory_bytes};
    int status = open_like(&apart, d->prog, &o, d);
    free(names);
    TRY(status);
    status = dlg_dataset_split(d, 0, 0);
    if (status < 0) {
        dlg_dataset_close(apart);
        return status;
    }
    d->apart = apart;
    return DLG_OK;
}

const char *dlg_dataset_held_out_text(const dlg_dataset *d) {
    return d->apart ? dlg_dataset_text(d->apart) : "";
}

void dlg_dataset_close(dlg_dataset *d) {
    if (!d) return;
    for (size_t i = 0; i < d->field_count; i++) {
        free(d->fields[i].values);
        rows_close(&d->fields[i].rows);
        free(d->fields[i].vocabulary);
        free(d->fields[i].labels);
        free(d->fields[i].source);
    }
    free(d->fields);
    rowset_close(&d->training);
    rowset_close(&d->held_out);
    for (int i = 0; d->numbers && i < 2; i++) free(d->numbers[i]);
    free(d->numbers);
    dlg_dataset_close(d->apart);
    free(d->text);
    free(d);
}

const char *dlg_dataset_text(const dlg_dataset *d) {
    return d->text ? d->text : "";
}

int dlg_dataset_batch(const dlg_dataset *d, const dlg_entry *entry, size_t *batch) {
    const dlg_tensor *first = NULL;
    *batch = 0;
    for (size_t i = 0; i < entry->read_count; i++) {
        const dlg_tensor *t = entry->reads[i];
        const Field *f = dataset_field(d, t);
        if (!f) continue;
        if (t->rank == 0 || t->type != f->tensor->type ||
            t->elems / (uint64_t)t->shape[dataset_axis(t)] != f->elems)
            return rt_fail(
                d->prog->dev, DLG_ERR_DATA,
                "entry `%s`: the data was read for `%s`, whose samples differ from those "
                "of `%s`: open it for this entry",
                entry->name, f->tensor->name, t->name);
        size_t n = (size_t)t->shape[dataset_axis(t)];
        if (first && n != *batch)
            return rt_fail(d->prog->dev, DLG_ERR_DATA,
                           "entry `%s`: `%s` takes %zu samples at a time and `%s` %zu", entry->name,
                           first->name, *batch, t->name, n);
        first = t;
        *batch = n;
    }
    return DLG_OK;
}

/* safetensors: weights to a file and back.
 *
 * The format: eight bytes, the length of the header (little-endian); the header, a JSON object from each
 * tensor's name to its dtype, shape and place in the data, with strings under "__metadata__"; the
 * data, row-major and little-endian, without gaps.
 * Establishes: the same values give the same bytes of file; a file that is not exactly right changes
 * nothing in the program. Source: https://huggingface.co/docs/safetensors
 *
 * The checksum is a sum of hashes, one a tensor and one of each other metadata, so that the order of a file, which
 * other programs choose anew, does not matter (docs/program-format.md, "Weights"). It stands in the header, before the
 * data that it is of: it is written last, over as many zeros. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "checksum.h"
#include "rt.h"

enum { MOST_HEADER_BYTES = 100000000 }; /* the format's own limit */

#define CHECKSUM    "dlg_checksum"
#define NO_CHECKSUM "0000000000000000"

static const char *const own_meta[] = {"format", "model", "seed", "step", CHECKSUM};
static const char best_prefix[] = "best/"; /* names of the model's have no slash */

/* ---- metadata ----------------------------------------------------------------------------------- */

static bool is_own_meta(const char *name) {
    for (size_t i = 0; i < sizeof own_meta / sizeof *own_meta; i++)
        if (strcmp(name, own_meta[i]) == 0) return true;
    return strncmp(name, RT_CHECKPOINT_META, sizeof RT_CHECKPOINT_META - 1) == 0;
}

static char *copy_text(const char *s) {
    char *copy = malloc(strlen(s) + 1);
    return copy ? strcpy(copy, s) : NULL;
}

void rt_meta_free(MetaList *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].value);
    }
    free(list->items);
    *list = (MetaList){0};
}

bool rt_meta_put(MetaList *list, const char *name, const char *value) {
    size_t i = 0;
    while (i < list->count && strcmp(list->items[i].name, name) < 0) i++;
    bool found = i < list->count && strcmp(list->items[i].name, name) == 0;
    if (!value) {
        if (!found) return true;
        free(list->items[i].name);
        free(list->items[i].value);
        list->count--;
        memmove(list->items + i, list->items + i + 1, (list->count - i) * sizeof *list->items);
        return true;
    }
    char *text = copy_text(value);
    if (!text) return false;
    if (found) {
        free(list->items[i].value);
        list->items[i].value = text;
        return true;
    }
    char *key = copy_text(name);
    Meta *more = key ? realloc(list->items, (list->count + 1) * sizeof *list->items) : NULL;
    if (more) {
        list->items = more;
        memmove(more + i + 1, more + i, (list->count - i) * sizeof *more);
        more[i] = (Meta){key, text};
        list->count++;
        return true;
    }
    free(key);
    free(text);
    return false;
}

const char *rt_meta_get(const MetaList *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0) return list->items[i].value;
    return NULL;
}

int dlg_meta_set(dlg_program *prog, const char *name, const char *value) {
    if (!prog) return DLG_ERR_USAGE;
    if (!name) return rt_fail(prog->dev, DLG_ERR_USAGE, "dlg_meta_set was given a null pointer");
    if (is_own_meta(name))
        return rt_fail(prog->dev, DLG_ERR_USAGE, "the metadata `%s` is written by the library",
                       name);
    if (!rt_utf8(name) || (value && !rt_utf8(value)))
        return rt_fail(prog->dev, DLG_ERR_USAGE, "metadata is text in UTF-8");
    if (!rt_meta_put(&prog->meta, name, value)) return rt_no_memory(prog->dev, strlen(name));
    return DLG_OK;
}

const char *dlg_meta_get(const dlg_program *prog, const char *name) {
    return rt_meta_get(&prog->meta, name);
}

/* ---- writing ------------------------------------------------------------------------------------ */

static const char *dtype_of(dlg_type type) {
    static const char *const name[] = {"F32", "I32", "BOOL", "F16", "BF16", "U8"};
    return name[type];
}

/* How far a run has come and what it draws by are its own, not of the weights. */
static bool is_of_run(const dlg_tensor *t) {
    return strcmp(t->name, "step") == 0 || strcmp(t->name, "random:run.seed") == 0;
}

bool rt_is_weight(const dlg_program *prog, const dlg_tensor *t) {
    return t->kind == DLG_PARAM ||
           (t->kind == DLG_STATE && prog->inference[t->index] && !is_of_run(t));
}

static bool is_saved(const dlg_program *prog, const dlg_tensor *t, bool checkpoint) {
    return rt_is_weight(prog, t) || (t->kind == DLG_STATE && checkpoint);
}

static json_t *describe(const dlg_tensor *t, uint64_t offset) {
    json_t *shape = json_array();
    int failed = 0;
    for (int i = 0; i < t->rank; i++)
        failed |= json_array_append_new(shape, json_integer(t->shape[i]));
    if (failed) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_of(t->type), "shape", shape,
                     "data_offsets", (json_int_t)offset, (json_int_t)(offset + t->bytes));
}

static bool add_meta(json_t *meta, const MetaList *list) {
    int failed = 0;
    for (size_t i = 0; i < list->count; i++)
        failed |= json_object_set_new(meta, list->items[i].name, json_string(list->items[i].value));
    return !failed;
}

static json_t *metadata(const dlg_program *prog, const RtExtra *extra) {
    char seed[24], step[24];
    snprintf(seed, sizeof seed, "%" PRIu64, prog->seed);
    snprintf(step, sizeof step, "%" PRIu64, prog->step);
    json_t *meta = json_pack("{s:s, s:s, s:s, s:s, s:s}", CHECKSUM, NO_CHECKSUM, "format", "dlg",
                             "model", prog->plan.model, "seed", seed, "step", step);
    if (!meta || (add_meta(meta, &prog->meta) && (!extra || add_meta(meta, &extra->meta))))
        return meta;
    json_decref(meta);
    return NULL;
}

/* What a text or a tensor's name begins the hash with of what it stands for. */
static uint64_t hash_name(const char *name) {
    return rt_hash(name, strlen(name), 0);
}

/* What the metadata have in the checksum. */
static uint64_t sum_metadata(const json_t *meta) {
    const char *name;
    json_t *value;
    uint64_t sum = 0;
    json_object_foreach((json_t *)meta, name, value) {
        const char *text = json_string_value(value);
        if (strcmp(name, CHECKSUM) != 0) sum += rt_hash(text, strlen(text), hash_name(name));
    }
    return sum;
}

/* What is written: a tensor's values, or those of the best weights. */
typedef struct Saved {
    const dlg_tensor *tensor;
    cl_mem from;
    bool best;
} Saved;

/* The tensors of the file in its order: those of four bytes an element before those of two, and of one,
 * so that all are aligned. `order` has room for all tensors twice. */
static size_t order_tensors(const dlg_program *prog, bool checkpoint, const RtExtra *extra,
                            Saved *order) {
    const Plan *p = &prog->plan;
    size_t n = 0;
    for (size_t bytes = 4; bytes > 0; bytes /= 2)
        for (int best = 0; best <= (extra && extra->best); best++)
            for (size_t i = 0; i < p->tensor_count; i++)
                if (is_saved(prog, &p->tensors[i], checkpoint && !best) &&
                    dlg_type_bytes(p->tensors[i].type) == bytes)
                    order[n++] = (Saved){&p->tensors[i], best ? extra->best[i] : prog->buffers[i],
                                         best != 0};
    return n;
}

/* The caller frees it. NULL: no memory. */
static char *saved_name(const Saved *s) {
    size_t size = sizeof best_prefix + strlen(s->tensor->name);
    char *name = malloc(size);
    if (name) snprintf(name, size, "%s%s", s->best ? best_prefix : "", s->tensor->name);
    return name;
}

static int add_tensor(json_t *header, const Saved *s, uint64_t offset) {
    char *name = saved_name(s);
    int failed = name ? json_object_set_new(header, name, describe(s->tensor, offset)) : -1;
    free(name);
    return failed;
}

/* The header's text, padded with spaces to a multiple of 8; the caller frees it. *sum is what its metadata have in
 * the checksum. NULL: no memory. */
static char *write_header(const dlg_program *prog, const Saved *order, size_t count,
                          const RtExtra *extra, size_t *len, uint64_t *sum) {
    json_t *header = json_object(), *meta = metadata(prog, extra);
    *sum = meta ? sum_metadata(meta) : 0;
    int failed = json_object_set_new(header, "__metadata__", meta);
    uint64_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        failed |= add_tensor(header, &order[i], offset);
        offset += order[i].tensor->bytes;
    }
    char *text = failed ? NULL : rt_json_text(header, JSON_COMPACT), *padded = NULL;
    json_decref(header);
    if (text) {
        size_t n = strlen(text);
        *len = (n + 7) / 8 * 8;
        padded = realloc(text, *len + 1);
        if (padded) {
            memset(padded + n, ' ', *len - n);
            padded[*len] = 0;
        } else {
            free(text);
        }
    }
    return padded;
}

/* Writes a tensor's values, and adds their hash to the sum. */
static int write_values(RtFile *file, const Saved *s, uint64_t *sum) {
    uint64_t hash;
    char *name = saved_name(s);
    if (!name) return rt_no_memory(file->dev, strlen(s->tensor->name));
    int status = rt_read_hash(file->dev, s->from, s->tensor->bytes, hash_name(name), file, &hash);
    free(name);
    if (status == DLG_OK) *sum += hash;
    return status;
}

/* Over its zeros in the header, which begins at byte 8. A quote in a name or a value has a backslash before it: nothing
 * else of a header looks so. */
static int write_checksum(RtFile *file, const char *header, uint64_t sum) {
    static const char mark[] = "\"" CHECKSUM "\":\"";
    char digits[CHECKSUM_DIGITS + 1];
    const char *at = strstr(header, mark) + sizeof mark - 1;
    snprintf(digits, sizeof digits, "%016" PRIx64, sum);
    return rt_file_patch(file, 8 + (uint64_t)(at - header), digits, CHECKSUM_DIGITS);
}

/* Numbers in files are little-endian; so is every host that OpenCL is known to run on. */
static bool host_is_little_endian(void) {
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

static int check_call(dlg_program *prog, const char *path) {
    if (!prog) return DLG_ERR_USAGE;
    if (!path)
        return rt_fail(prog->dev, DLG_ERR_USAGE, "the path of the weights is a null pointer");
    if (!prog->dev->real)
        return rt_fail(prog->dev, DLG_ERR_USAGE,
                       "%s was loaded without a device: it has no weights", prog->plan.file);
    if (!host_is_little_endian())
        return rt_fail(prog->dev, DLG_ERR_UNSUPPORTED, "weights on a big-endian machine");
    return DLG_OK;
}

int rt_weights_save(dlg_program *prog, const char *path, bool checkpoint, const RtExtra *extra) {
    int status = check_call(prog, path);
    if (status < 0) return status;
    RtFile file = {.dev = prog->dev};
    size_t header_len = 0;
    uint64_t sum = 0;
    Saved *order = calloc(2 * prog->plan.tensor_count + 1, sizeof *order);
    size_t count = order ? order_tensors(prog, checkpoint, extra, order) : 0;
    char *header = order ? write_header(prog, order, count, extra, &header_len, &sum) : NULL;
    if (!order || !header) {
        status = rt_no_memory(prog->dev, header_len);
        goto out;
    }
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)header_len >> (8 * i));
    if ((status = rt_file_begin(&file, prog->dev, path)) < 0 ||
        (status = rt_file_write(&file, length, sizeof length)) < 0 ||
        (status = rt_file_write(&file, header, header_len)) < 0)
        goto out;
    for (size_t i = 0; i < count; i++)
        if ((status = write_values(&file, &order[i], &sum)) < 0) goto out;
    if ((status = write_checksum(&file, header, sum)) < 0) goto out;
    status = rt_file_commit(&file);
out:
    rt_file_drop(&file);
    free(header);
    free(order);
    return status;
}

int dlg_weights_save(dlg_program *prog, const char *path, const dlg_weights_options *options) {
    return rt_weights_save(prog, path, options && options->checkpoint, NULL);
}

/* ---- reading ------------------------------------------------------------------------------------ */

typedef struct Piece {
    const char *name;
    const dlg_tensor *tensor; /* NULL: a name that the program does not know */
    uint64_t begin, end;      /* in the data */
    const json_t *value;      /* its description */
    bool best;                /* of the best weights: read by rt_weights_apply where wanted */
    bool left;                /* by a partial load: it does not fit, or nothing has its name */
    const dlg_tensor *other;  /* left: what has its name, or NULL */
} Piece;

struct RtLoading {
    dlg_program *prog;
    char *path, *text;
    const char *data; /* in the text, behind the header */
    uint64_t data_len;
    json_t *header;
    Piece *pieces; /* sorted by place */
    size_t count;
    MetaList meta, run; /* the caller's; those of a training run */
    uint64_t seed, step, checksum;
    bool has_seed, has_step, has_checksum;
    bool checkpoint, partial;
};
typedef RtLoading Loading;

static int bad(const Loading *l, const char *fmt, ...) RT_PRINTF(2, 3);
static int bad(const Loading *l, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return rt_fail(l->prog->dev, DLG_ERR_WEIGHTS, "%s: %s", l->path, text);
}

static int parse_header(Loading *l, const char *text, size_t len) {
    if (len < 8) return bad(l, "this is no safetensors file: it is shorter than 8 bytes");
    uint64_t header_len = 0;
    for (int i = 7; i >= 0; i--) header_len = header_len << 8 | (unsigned char)text[i];
    bool fits = header_len <= MOST_HEADER_BYTES && header_len <= len - 8;
    if (!fits && len > 8 && text[8] != '{')
        return bad(l, "this is no safetensors file: no header begins at byte 8");
    if (!fits)
        return bad(l,
                   "this is no safetensors file, or it is cut off: its header should be %" PRIu64
                   " bytes long, the file is %zu",
                   header_len, len);
    char why[RT_JSON_WHY];
    l->header = rt_json_parse(text + 8, (size_t)header_len, why);
    if (!l->header && !*why) return rt_no_memory(l->prog->dev, header_len);
    if (!l->header) return bad(l, "the header is malformed: %s", why);
    if (!json_is_object(l->header)) return bad(l, "the header is malformed: it is no JSON object");
    l->data = text + 8 + header_len;
    l->data_len = len - 8 - header_len;
    return DLG_OK;
}

static bool parse_u64(const char *s, uint64_t *value) {
    uint64_t v = 0;
    if (!*s || strlen(s) > 20) return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9') return false;
        if (!rt_mul(v, 10, &v) || !rt_add(v, (uint64_t)(*s - '0'), &v)) return false;
    }
    *value = v;
    return true;
}

static int parse_metadata(Loading *l, json_t *meta) {
    const char *name;
    json_t *value;
    if (!json_is_object(meta)) return bad(l, "the header is malformed: its metadata is no object");
    json_object_foreach(meta, name, value) {
        if (!json_is_string(value))
            return bad(l, "the header is malformed: the metadata `%.100s` is no string", name);
        const char *text = json_string_value(value);
        if (strcmp(name, "seed") == 0) {
            if (!(l->has_seed = parse_u64(text, &l->seed)))
                return bad(l, "the seed in the metadata is no number: %.40s", text);
        } else if (strcmp(name, "step") == 0) {
            if (!(l->has_step = parse_u64(text, &l->step)))
                return bad(l, "the step in the metadata is no number: %.40s", text);
        } else if (strcmp(name, CHECKSUM) == 0) {
            if (!(l->has_checksum = checksum_parse(text, &l->checksum)))
                return bad(l, "its checksum is damaged: %.40s are not %d hexadecimal digits", text,
                           CHECKSUM_DIGITS);
        } else {
            bool run = strncmp(name, RT_CHECKPOINT_META, sizeof RT_CHECKPOINT_META - 1) == 0;
            if ((run || !is_own_meta(name)) && !rt_meta_put(run ? &l->run : &l->meta, name, text))
                return rt_no_memory(l->prog->dev, strlen(text));
        }
    }
    return DLG_OK;
}

/* Bytes an element of every dtype of the format; 0: there is no such dtype. */
static uint64_t dtype_bytes(const char *dtype) {
    static const struct {
        const char *name;
        unsigned bytes;
    } table[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
                 {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
                 {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, dtype) == 0) return table[i].bytes;
    return 0;
}

static bool get_u64(const json_t *value, uint64_t *number) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

/* "2x8", for messages. */
static void shape_text(char *text, size_t cap, const json_t *shape) {
    size_t used = 0, n = json_array_size(shape);
    snprintf(text, cap, "scalar");
    for (size_t i = 0; i < n && used + 24 < cap; i++)
        used += (size_t)snprintf(text + used, cap - used, "%s%" JSON_INTEGER_FORMAT, i ? "x" : "",
                                 json_integer_value(json_array_get(shape, i)));
}

static bool matches(const dlg_tensor *t, const char *dtype, const json_t *shape) {
    size_t n = json_array_size(shape);
    bool same = n == (size_t)t->rank;
    for (size_t i = 0; i < n && same; i++)
        same = json_integer_value(json_array_get(shape, i)) == t->shape[i];
    return same && strcmp(dtype, dtype_of(t->type)) == 0;
}

/* "`w` is F32 2x3 in the file but F32 2x4 in the program" */
static void mismatch_text(char *text, size_t size, const dlg_tensor *t, const char *dtype,
                          const json_t *shape) {
    char theirs[160], ours[160] = "scalar";
    size_t used = 0;
    shape_text(theirs, sizeof theirs, shape);
    for (int i = 0; i < t->rank; i++)
        used += (size_t)snprintf(ours + used, sizeof ours - used, "%s%" PRId64, i ? "x" : "",
                                 t->shape[i]);
    snprintf(text, size, "`%.200s` is %s %s in the file but %s %s in the program", t->name, dtype,
             theirs, dtype_of(t->type), ours);
}

static const char *tensor_name(const void *list, size_t i) {
    return ((const dlg_tensor *)list)[i].name;
}

static int parse_piece(Loading *l, const char *name, const json_t *value) {
    const json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape");
    const json_t *place = json_object_get(value, "data_offsets");
    Piece *piece = &l->pieces[l->count];
    uint64_t bytes, dim;
    if (json_object_size(value) != 3 || !json_is_string(dtype) || !json_is_array(shape) ||
        json_array_size(place) != 2 || !get_u64(json_array_get(place, 0), &piece->begin) ||
        !get_u64(json_array_get(place, 1), &piece->end))
        return bad(l,
                   "the header is malformed: `%.200s` is not described by dtype, shape and "
                   "data_offsets",
                   name);
    if (!(bytes = dtype_bytes(json_string_value(dtype))))
        return bad(l, "`%.200s` has the unknown dtype %.40s", name, json_string_value(dtype));
    for (size_t i = 0; i < json_array_size(shape); i++)
        if (!get_u64(json_array_get(shape, i), &dim) || !rt_mul(bytes, dim, &bytes))
            return bad(l, "the shape of `%.200s` is malformed", name);
    if (piece->begin > piece->end || piece->end > l->data_len)
        return bad(
            l, "`%.200s` lies beyond the end of the file (it is cut off, or its header damaged)",
            name);
    if (piece->end - piece->begin != bytes)
        return bad(l, "`%.200s` has %" PRIu64 " bytes but its shape needs %" PRIu64, name,
                   piece->end - piece->begin, bytes);
    const Plan *p = &l->prog->plan;
    size_t prefix = sizeof best_prefix - 1;
    piece->best = strncmp(name, best_prefix, prefix) == 0;
    const char *of = piece->best ? name + prefix : name;
    const dlg_tensor *t = plan_tensor(p, of, strlen(of));
    piece->name = name;
    piece->value = value;
    if (t && t->kind != DLG_PARAM && t->kind != DLG_STATE) t = NULL;
    if (t && piece->best && !is_saved(l->prog, t, false)) t = NULL;
    bool fits = t && matches(t, json_string_value(dtype), shape);
    if (l->partial && piece->best) { /* what is wanted is the tensor itself */
        piece->tensor = NULL;
        l->count++;
        return DLG_OK;
    }
    if (l->partial && !fits) {
        piece->tensor = NULL;
        piece->other = t;
        piece->left = true;
        l->count++;
        return DLG_OK;
    }
    if (!t) {
        const char *near = nearest_name(name, p->tensors, p->tensor_count, tensor_name);
        return bad(l, "the file holds `%.200s`, which %s does not have%s%.200s%s", name, p->model,
                   near ? " (it has `" : "", near ? near : "", near ? "`)" : "");
    }
    piece->tensor = is_saved(l->prog, t, l->checkpoint) ? t : NULL;
    l->count++;
    if (!fits) {
        char text[800];
        mismatch_text(text, sizeof text, t, json_string_value(dtype), shape);
        return bad(l, "%s", text);
    }
    const char *data = l->data + piece->begin;
    for (uint64_t i = 0; t->type == DLG_BOOL && i < t->elems; i++)
        if ((unsigned char)data[i] > 1)
            return bad(l, "`%.200s` has a bool that is not 0 or 1", name);
    return DLG_OK;
}

static int by_place(const void *x, const void *y) {
    const Piece *a = x, *b = y;
    if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

/* Nothing overlaps, nothing is left over, nothing that the program needs is missing. */
static int check_pieces(Loading *l) {
    const Plan *p = &l->prog->plan;
    bool checkpoint = l->checkpoint, any = false;
    uint64_t at = 0;
    qsort(l->pieces, l->count, sizeof *l->pieces, by_place);
    for (size_t i = 0; i < l->count; i++) {
        if (l->pieces[i].begin != at)
            return bad(l, "`%.200s` %s", l->pieces[i].name,
                       l->pieces[i].begin < at ? "overlaps another tensor" : "lies behind a gap");
        at = l->pieces[i].end;
        any = any || l->pieces[i].tensor;
    }
    if (at != l->data_len)
        return bad(l, "%" PRIu64 " bytes at the end belong to no tensor", l->data_len - at);
    if (l->partial)
        return any ? DLG_OK
                   : bad(l, "nothing in it fits the program: no name, type and shape is the same");
    for (size_t i = 0; i < p->tensor_count; i++) {
        const dlg_tensor *t = &p->tensors[i];
        if (!is_saved(l->prog, t, checkpoint) || json_object_get(l->header, t->name)) continue;
        return bad(l, "`%.200s` is missing%s", t->name,
                   checkpoint && t->kind == DLG_STATE
                       ? ": this is no checkpoint, or of another model"
                       : "");
    }
    if (checkpoint && (!l->has_seed || !l->has_step))
        return bad(l, "this is no checkpoint: its metadata have no seed and step");
    return DLG_OK;
}

/* A file that says what it held when it was written must hold it still. */
static int check_sum(const Loading *l) {
    if (!l->has_checksum) return DLG_OK;
    uint64_t sum = sum_metadata(json_object_get(l->header, "__metadata__"));
    for (size_t i = 0; i < l->count; i++) {
        const Piece *piece = &l->pieces[i];
        sum += rt_hash(l->data + piece->begin, (size_t)(piece->end - piece->begin),
                       hash_name(piece->name));
    }
    if (sum == l->checksum) return DLG_OK;
    return bad(l, "what it holds is not what was written, by its checksum: it is damaged, and "
                  "another copy of it is wanted; or another program changed it and kept the "
                  "metadata `" CHECKSUM "`: written without that it is loaded as it is");
}

/* A longer file would hold what the program does not know: it is refused before it is read. */
static uint64_t longest_file(const dlg_program *prog, bool partial) {
    if (partial) return UINT64_C(1) << 36;
    uint64_t most = 8 + MOST_HEADER_BYTES;
    for (size_t i = 0; i < prog->plan.tensor_count; i++)
        if (prog->plan.tensors[i].kind == DLG_PARAM || prog->plan.tensors[i].kind == DLG_STATE)
            most += 2 * prog->plan.tensors[i].bytes; /* the best of it too */
    return most;
}

static int check_file(Loading *l, const char *text, size_t len) {
    const char *name;
    json_t *value;
    int status = parse_header(l, text, len);
    if (status < 0) return status;
    l->pieces = calloc(json_object_size(l->header) + 1, sizeof *l->pieces);
    if (!l->pieces) return rt_no_memory(l->prog->dev, len);
    json_object_foreach(l->header, name, value) {
        status = strcmp(name, "__metadata__") == 0 ? parse_metadata(l, value)
                                                   : parse_piece(l, name, value);
        if (status < 0) return status;
    }
    status = check_pieces(l);
    return status < 0 ? status : check_sum(l);
}

/* What a partial load left as it was, on both sides. */
static void tell_left(const Loading *l, const dlg_weights_options *options) {
    const Plan *p = &l->prog->plan;
    char text[800];
    for (size_t i = 0; i < l->count; i++) {
        const Piece *piece = &l->pieces[i];
        if (!piece->left) continue;
        if (piece->other)
            mismatch_text(text, sizeof text, piece->other,
                          json_string_value(json_object_get(piece->value, "dtype")),
                          json_object_get(piece->value, "shape"));
        else
            snprintf(text, sizeof text, "`%.200s` is in the file alone", piece->name);
        options->left(options->context, text);
    }
    for (size_t i = 0; i < p->tensor_count; i++) {
        const dlg_tensor *t = &p->tensors[i];
        if (!is_saved(l->prog, t, l->checkpoint) || json_object_get(l->header, t->name)) continue;
        snprintf(text, sizeof text, "`%.200s` is in the program alone", t->name);
        options->left(options->context, text);
    }
}

int rt_weights_parse(RtLoading **out, dlg_program *prog, const char *path, char *text, size_t len,
                     const dlg_weights_options *options) {
    *out = NULL;
    Loading *l = calloc(1, sizeof *l);
    if (!l || !(l->path = copy_text(path))) {
        free(l);
        free(text);
        return rt_no_memory(prog->dev, sizeof *l + strlen(path));
    }
    l->prog = prog;
    l->text = text;
    l->checkpoint = options && options->checkpoint;
    l->partial = options && options->partial;
    int status = check_file(l, text, len);
    if (status < 0)
        rt_weights_close(l);
    else
        *out = l;
    return status;
}

int rt_weights_open(RtLoading **out, dlg_program *prog, const char *path,
                    const dlg_weights_options *options) {
    char *text;
    size_t len;
    *out = NULL;
    int status = check_call(prog, path);
    if (status < 0) return status;
    uint64_t longest = longest_file(prog, options && options->partial);
    status = rt_file_read(prog->dev, path, longest, &text, &len);
    return status < 0 ? status : rt_weights_parse(out, prog, path, text, len, options);
}

const char *rt_weights_meta(const RtLoading *l, const char *name) {
    const char *value = rt_meta_get(&l->run, name);
    return value ? value : rt_meta_get(&l->meta, name);
}

int rt_weights_apply(RtLoading *l, cl_mem *best) {
    dlg_program *prog = l->prog;
    for (size_t i = 0; i < l->count; i++) {
        const Piece *piece = &l->pieces[i];
        const char *from = l->data + piece->begin;
        int status = DLG_OK;
        if (piece->tensor && !piece->best)
            status = rt_set(prog, piece->tensor, from);
        else if (piece->tensor && best)
            status = rt_write(prog->dev, best[piece->tensor->index], 0, from, piece->tensor->bytes);
        if (status < 0) return status;
    }
    if (l->partial) return DLG_OK; /* what the file says of its data is not true of this model */
    rt_meta_free(&prog->meta);
    prog->meta = l->meta;
    l->meta = (MetaList){0};
    if (l->checkpoint) {
        prog->seed = l->seed;
        prog->step = l->step;
    }
    return DLG_OK;
}

bool rt_weights_best(const RtLoading *l) {
    size_t best = 0, wanted = 0;
    for (size_t i = 0; i < l->count; i++) best += l->pieces[i].best;
    for (size_t i = 0; i < l->prog->plan.tensor_count; i++)
        wanted += is_saved(l->prog, &l->prog->plan.tensors[i], false);
    return best == wanted;
}

void rt_weights_close(RtLoading *l) {
    if (!l) return;
    rt_meta_free(&l->meta);
    rt_meta_free(&l->run);
    free(l->pieces);
    json_decref(l->header);
    free(l->text);
    free(l->path);
    free(l);
}

/* The first element of a tensor that is NaN, or is infinite where that counts; its elements if there is none. */
static uint64_t first_unsound(const dlg_tensor *t, const char *from, bool infinite) {
    uint32_t all, bits = 0;
    size_t bytes = t->type == DLG_F32 ? 4 : 2;
    switch (t->type) {
    case DLG_F32: all = 0x7f800000; break;
    case DLG_F16: all = 0x7c00; break;
    case DLG_BF16: all = 0x7f80; break;
    default: return t->elems;
    }
    uint32_t magnitude = bytes == 4 ? 0x7fffffff : 0x7fff;
    for (uint64_t i = 0; i < t->elems; i++) {
        uint16_t half;
        if (bytes == 4) {
            memcpy(&bits, from + 4 * i, 4);
        } else {
            memcpy(&half, from + 2 * i, 2);
            bits = half;
        }
        if ((bits & magnitude) > all || (infinite && (bits & magnitude) == all)) return i;
    }
    return t->elems;
}

static void tell_unsound(const Loading *l, const dlg_weights_options *options) {
    for (size_t i = 0; i < l->count; i++) {
        const Piece *piece = &l->pieces[i];
        const dlg_tensor *t = piece->tensor;
        if (!t || piece->best) continue;
        const char *from = l->data + piece->begin;
        uint64_t at = first_unsound(t, from, false);
        const char *what = "NaN";
        if (at == t->elems && t->kind == DLG_PARAM) {
            at = first_unsound(t, from, true);
            what = "what is infinite";
        }
        if (at == t->elems) continue;
        char place[512], text[1024];
        dlg_place(place, sizeof place, t, at);
        snprintf(text, sizeof text, "%.300s holds %s, first at %s", t->name, what, place);
        options->unsound(options->context, text);
    }
}

void rt_weights_tell(const RtLoading *l, const dlg_weights_options *options) {
    if (l->partial && options->left) tell_left(l, options);
    if (options && options->unsound) tell_unsound(l, options);
}

int dlg_weights_load(dlg_program *prog, const char *path, const dlg_weights_options *options) {
    RtLoading *l;
    int status = rt_weights_open(&l, prog, path, options);
    if (status < 0) return status;
    status = rt_weights_apply(l, NULL);
    if (status == DLG_OK) rt_weights_tell(l, options);
    rt_weights_close(l);
    return status;
}

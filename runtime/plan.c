/* plan: reads the plan of a program (docs/program-format.md) line by line.
 *
 * Requires: nothing of the text; it may be anything. Establishes: every line is well formed by itself
 * and names only what stands above it; what several lines say together is plan_check.c's. All
 * arrays are allocated once, for as many items as there are such lines and words. */
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "plan.h"

enum { VERSION = 1, MOST_LINE_BYTES = 1 << 20, MOST_ITEMS = 1 << 20, MOST_WORDS = 1 << 24 };

/* ---- the head --------------------------------------------------------------------------------- */

static int read_version(Reader *r) {
    uint64_t version;
    int status = line_keyword(r, "dlg");
    if (status < 0) return status;
    if ((status = line_whole(r, "the format's version", 1, INT_MAX, &version)) < 0) return status;
    if (version != VERSION)
        return plan_fail(r,
                         "this is format %" PRIu64 "; this version of the library reads format %d",
                         version, VERSION);
    return line_done(r);
}

static int read_model(Reader *r, const char *keyword) {
    char *model, *target, *source;
    int status;
    if (strcmp(keyword, "model") != 0)
        return plan_fail(r, "`model` should stand here, not `%.80s`", keyword);
    if ((status = line_name(r, "the model's name", &model)) < 0) return status;
    if ((status = line_keyword(r, "target")) < 0) return status;
    if ((status = line_name(r, "the target", &target)) < 0) return status;
    if ((status = line_keyword(r, "from")) < 0) return status;
    if ((status = line_string_word(r, "`from`", &source)) < 0) return status;
    r->plan->model = model;
    r->plan->target = target;
    r->plan->source = source;
    r->plan->pair = r->at && strcmp(r->at, "pair") == 0;
    return r->plan->pair ? DLG_OK : line_done(r);
}

/* 16 hex digits; programs of before have no such line. */
static int read_graph(Reader *r) {
    char *word;
    int status = line_word(r, "the graph's hash", &word);
    if (status < 0) return status;
    if (strlen(word) != 16 || strspn(word, "0123456789abcdef") != 16)
        return plan_fail(r, "`%.80s` is not a hash of 16 hex digits", word);
    r->plan->graph = strtoull(word, NULL, 16);
    r->plan->has_graph = true;
    if (!r->at) return DLG_OK; /* programs of before say no more */
    char *precision, *opt;
    if ((status = line_keyword(r, "precision")) < 0) return status;
    if ((status = line_name(r, "the precision", &precision)) < 0) return status;
    if ((status = line_keyword(r, "opt")) < 0) return status;
    if ((status = line_name(r, "the level of optimization", &opt)) < 0) return status;
    r->plan->precision = precision;
    r->plan->opt = opt;
    return line_done(r);
}

static int read_numbers(Reader *r) {
    const char *s = r->at;
    while (s && *s) {
        uint64_t line;
        double value;
        const char *word = s, *end = s + strcspn(s, " ");
        if (!line_number(&s, INT32_MAX, &line) || *s != ':' ||
            rt_parse_f64(s + 1, end, &value) != end)
            return plan_fail(r, "`%.*s` is no line with a number",
                             (int)(end - word < 80 ? end - word : 80), word);
        s = *end ? end + 1 : end;
    }
    if (!s || s[-1] == ' ') return plan_fail(r, "the line ends where a number should stand");
    r->plan->numbers = r->at;
    return DLG_OK;
}

static int read_const(Reader *r) {
    char *name, *word;
    double value;
    int status = line_name(r, "the constant's name", &name);
    if (status < 0 || (status = line_word(r, "the constant's value", &word)) < 0) return status;
    const char *end = word + strlen(word);
    if (rt_parse_f64(word, end, &value) != end)
        return plan_fail(r, "`%.80s` is not a number", word);
    r->const_lines[r->plan->const_count] = r->line;
    r->plan->consts[r->plan->const_count].name = name;
    r->plan->consts[r->plan->const_count++].value = value;
    return line_done(r);
}

static int read_ptx(Reader *r) {
    char *word;
    int status = line_word(r, "what the lines of PTX are for", &word);
    if (status < 0) return status;
    if (strcmp(word, "sm_90a") != 0)
        return plan_fail(r, "`%.80s` is no device that lines of PTX are known for", word);
    if (r->plan->has_ptx) return plan_fail(r, "what the lines of PTX are for is said already");
    r->plan->has_ptx = true;
    return line_done(r);
}

static int read_arena(Reader *r) {
    Plan *p = r->plan;
    int status = line_whole(r, "the arena's size", 0, UINT64_C(1) << 48, &p->arena_bytes);
    if (status < 0) return status;
    p->arena_align = 128;
    if (!r->at) return DLG_OK;
    if ((status = line_keyword(r, "align")) < 0) return status;
    if ((status = line_whole(r, "the alignment", 16, 65536, &p->arena_align)) < 0) return status;
    if (p->arena_align & (p->arena_align - 1))
        return plan_fail(r, "the alignment must be a power of two");
    return line_done(r);
}

/* ---- buffer ----------------------------------------------------------------------------------- */

static int read_shape(Reader *r, dlg_tensor *t) {
    char *word;
    int status = line_word(r, "the shape", &word);
    if (status < 0) return status;
    t->elems = 1;
    if (strcmp(word, "scalar") != 0) {
        const char *p = word;
        do {
            uint64_t dim;
            if (p != word) p++; /* the x */
            if (t->rank == 8) return plan_fail(r, "a shape has at most 8 axes");
            if (!line_number(&p, INT32_MAX, &dim) || dim == 0 || (*p && *p != 'x'))
                return plan_fail(r, "`%.80s` is not a shape such as 64x300 or scalar", word);
            t->shape[t->rank++] = (int64_t)dim;
            if (!rt_mul(t->elems, dim, &t->elems) || t->elems > INT32_MAX)
                return plan_fail(r, "a tensor has at most %d elements, not %.80s", INT32_MAX, word);
        } while (*p == 'x');
    }
    t->bytes = t->elems * dlg_type_bytes(t->type);
    return DLG_OK;
}

static int read_source(Reader *r, dlg_tensor *t) {
    dlg_source *s = &t->source;
    char *path, *word;
    uint64_t axis, first, last;
    int status;
    if ((status = line_keyword(r, "source")) < 0) return status;
    if ((status = line_string_word(r, "`source`", &path)) < 0) return status;
    if (!*path) return plan_fail(r, "the path of the source is empty");
    if ((status = line_word(r, "`axis`", &word)) < 0) return status;
    s->path = path;
    s->form = DLG_SOURCE_WHOLE;
    if (strcmp(word, "columns") == 0) {
        if ((status = line_word(r, "the columns", &word)) < 0) return status;
        const char *p = word;
        bool good = line_number(&p, INT32_MAX - 1, &first);
        s->form = DLG_SOURCE_COLUMN;
        last = first + 1;
        if (good && *p == ':') {
            p++;
            s->form = DLG_SOURCE_COLUMNS;
            good = line_number(&p, INT32_MAX, &last) && last > first;
        }
        if (!good || *p) return plan_fail(r, "`%.80s` are no columns such as 3 or 0:64", word);
        s->first = (int64_t)first;
        s->last = (int64_t)last;
    } else if (strcmp(word, "chars") == 0) {
        s->form = DLG_SOURCE_CHARS;
    } else if (strcmp(word, "bytes") == 0) {
        s->form = DLG_SOURCE_BYTES;
    }
    if (s->form != DLG_SOURCE_WHOLE && (status = line_word(r, "`axis`", &word)) < 0) return status;
    if (strcmp(word, "axis") != 0)
        return plan_fail(r, "`axis` should stand here, not `%.80s`", word);
    if ((status = line_whole(r, "the sample axis", 0, 7, &axis)) < 0) return status;
    if ((int)axis >= t->rank)
        return plan_fail(r, "%s has no axis %" PRIu64 " for its samples", t->name, axis);
    s->axis = (int)axis;
    uint64_t sample = t->elems / (uint64_t)t->shape[axis];
    if ((s->form == DLG_SOURCE_COLUMN || s->form == DLG_SOURCE_COLUMNS) && sample != last - first)
        return plan_fail(r, "a sample of %s has %" PRIu64 " elements but its columns %" PRIu64,
                         t->name, sample, last - first);
    return DLG_OK;
}

static int read_init(Reader *r, const dlg_tensor *t, Init *init) {
    Plan *p = r->plan;
    char *word;
    int status;
    if ((status = line_keyword(r, "init")) < 0) return status;
    if ((status = line_word(r, "how it is initialised", &word)) < 0) return status;
    if (strcmp(word, "constant") == 0) {
        init->kind = INIT_CONSTANT;
        return line_value(r, t->type, &init->a);
    }
    if (strcmp(word, "literal") == 0) {
        init->kind = INIT_LITERAL;
        init->literal = p->literal_count;
        for (uint64_t i = 0; i < t->elems; i++) {
            if (!r->at)
                return plan_fail(r, "%s has %" PRIu64 " elements but only %" PRIu64 " values",
                                 t->name, t->elems, i);
            if ((status = line_value(r, t->type, &p->literals[p->literal_count++])) < 0)
                return status;
        }
        return DLG_OK;
    }
    bool uniform = strcmp(word, "uniform") == 0;
    if (!uniform && strcmp(word, "normal") != 0)
        return plan_fail(r, "`%.80s` is no way to initialise", word);
    if (!rt_type_is_float(t->type))
        return plan_fail(r, "only f32, f16 and bf16 are initialised by `%s`", word);
    init->kind = uniform ? INIT_UNIFORM : INIT_NORMAL;
    if ((status = line_value(r, DLG_F32, &init->a)) < 0) return status;
    if ((status = line_value(r, DLG_F32, &init->b)) < 0) return status;
    if (!isfinite(init->a) || !isfinite(init->b) || init->b < (uniform ? init->a : 0))
        return plan_fail(r, "`%s` needs finite numbers, %s", word,
                         uniform ? "the lower first" : "the deviation not negative");
    return DLG_OK;
}

static int read_kind(Reader *r, dlg_tensor *t) {
    char *word;
    int status = line_word(r, "the buffer's kind", &word);
    if (status < 0) return status;
    if (strcmp(word, "input") == 0) {
        t->kind = DLG_INPUT;
        return r->at ? read_source(r, t) : DLG_OK;
    }
    if (strcmp(word, "output") == 0) {
        t->kind = DLG_OUTPUT;
        return DLG_OK;
    }
    if (strcmp(word, "param") == 0 || strcmp(word, "state") == 0) {
        t->kind = *word == 'p' ? DLG_PARAM : DLG_STATE;
        return read_init(r, t, &r->plan->inits[t->index]);
    }
    if (strcmp(word, "arena") != 0) return plan_fail(r, "`%.80s` is no kind of buffer", word);
    t->kind = DLG_ARENA;
    Plan *p = r->plan;
    if ((status = line_whole(r, "the offset", 0, UINT64_C(1) << 48, &t->arena_offset)) < 0)
        return status;
    if (t->arena_offset % p->arena_align)
        return plan_fail(r, "the offset of %s is not a multiple of the arena's alignment, %" PRIu64,
                         t->name, p->arena_align);
    if (t->arena_offset > p->arena_bytes || t->bytes > p->arena_bytes - t->arena_offset)
        return plan_fail(r, "%s ends beyond the arena's %" PRIu64 " bytes", t->name,
                         p->arena_bytes);
    return DLG_OK;
}

static int read_buffer(Reader *r) {
    Plan *p = r->plan;
    dlg_tensor *t = &p->tensors[p->tensor_count];
    uint64_t index;
    char *name, *type;
    int status = line_whole(r, "the buffer's index", 0, MOST_ITEMS, &index);
    if (status < 0) return status;
    if (index != p->tensor_count)
        return plan_fail(r, "this is buffer %zu, not %" PRIu64, p->tensor_count, index);
    if ((status = line_name(r, "the buffer's name", &name)) < 0) return status;
    if ((status = line_word(r, "the type", &type)) < 0) return status;
    t->index = p->tensor_count;
    t->name = name;
    size_t user = strcspn(name, "@");
    if (!user) return plan_fail(r, "`%.80s` has no name before the @", name);
    t->user_name = name;
    if (name[user]) {
        char *copy = r->user_names;
        memcpy(copy, name, user);
        copy[user] = 0;
        r->user_names += user + 1;
        t->user_name = copy;
    }
    int k = DLG_F32;
    while (k <= DLG_U8 && strcmp(type, dlg_type_name((dlg_type)k)) != 0) k++;
    if (k > DLG_U8)
        return plan_fail(r, "`%.80s` is no type: f32, i32, bool, f16, bf16 or u8", type);
    t->type = (dlg_type)k;
    if ((status = read_shape(r, t)) < 0) return status;
    if (!plan_name_add(p, t)) return plan_fail(r, "there is a buffer `%.200s` above", name);
    if ((status = read_kind(r, t)) < 0) return status;
    p->tensor_count++;
    return line_done(r);
}

/* ---- entry and launch ------------------------------------------------------------------------- */

static int read_list(Reader *r, const dlg_tensor *const **list, size_t *count, bool stepping,
                     int *steps) {
    Plan *p = r->plan;
    *list = (const dlg_tensor *const *)&p->lists[p->list_count];
    while (r->at && strncmp(r->at, "updates ", 8) != 0 && strncmp(r->at, "returns ", 8) != 0) {
        char *name; /* in quotes when it is one of the keywords */
        int status = *r->at == '"' ? line_string_word(r, "a buffer's name", &name)
                                   : line_name(r, "a buffer's name", &name);
        if (status < 0) return status;
        const dlg_tensor *t = plan_tensor(p, name, strlen(name));
        if (stepping && strcmp(name, "step") == 0) {
            if (*steps) return plan_fail(r, "`step` stands twice");
            *steps = 1;
            if (!t) continue;
        }
        if (!t) return plan_fail(r, "there is no buffer `%.200s`", name);
        p->lists[p->list_count++] = t;
        ++*count;
    }
    if (!*count && !(stepping && *steps)) return plan_fail(r, "a list of buffers is empty");
    return DLG_OK;
}

/* `KEYWORD BYTES` if it stands here. */
static int read_bytes(Reader *r, const char *keyword, const char *what, int64_t *bytes) {
    size_t len = strlen(keyword);
    uint64_t value;
    int status;
    *bytes = -1;
    if (!r->at || strncmp(r->at, keyword, len) != 0 || r->at[len] != ' ') return DLG_OK;
    if ((status = line_keyword(r, keyword)) < 0) return status;
    if ((status = line_whole(r, what, 0, INT64_MAX, &value)) < 0) return status;
    *bytes = (int64_t)value;
    return DLG_OK;
}

static int read_entry(Reader *r) {
    Plan *p = r->plan;
    dlg_entry *e = &p->entries[p->entry_count];
    char *name;
    if (r->depth) return plan_fail(r, "a repeat is not ended before the next entry");
    if (r->together)
        return plan_fail(r, "launches are together without an end before the next entry");
    int status = line_name(r, "the entry's name", &name);
    if (status < 0) return status;
    e->name = name;
    e->launches = &p->launches[p->launch_count];
    e->repeats = &p->repeats[p->repeat_count];
    r->entry_lines[p->entry_count++] = r->line;
    /* Right after the name, where no buffer's name can stand. */
    if ((status = read_bytes(r, "bound", "the bound on bytes", &e->bound_bytes)) < 0) return status;
    if ((status = read_bytes(r, "live", "the bytes alive", &e->live_bytes)) < 0) return status;
    static const char *const keywords[] = {"reads", "updates", "returns"};
    const dlg_tensor *const **lists[] = {&e->reads, &e->updates, &e->returns};
    size_t *counts[] = {&e->read_count, &e->update_count, &e->return_count};
    int k = 0;
    while (r->at) {
        char *word;
        if ((status = line_word(r, "`reads`, `updates` or `returns`", &word)) < 0) return status;
        while (k < 3 && strcmp(word, keywords[k]) != 0) k++;
        if (k == 3)
            return plan_fail(r,
                             "`bound`, `live`, `reads`, `updates` and `returns` may stand here, "
                             "once and in this order, not `%.80s`",
                             word);
        if ((status = read_list(r, lists[k], counts[k], k == 1, &e->trains)) < 0) return status;
        k++;
    }
    return DLG_OK;
}

static int read_arg(Reader *r, const char *word, dlg_arg *arg) {
    Plan *p = r->plan;
    uint64_t value;
    if (*word == '=') {
        const char *s = word + 1;
        bool minus = *s == '-';
        if (minus) s++;
        if (!line_number(&s, minus ? UINT64_C(1) << 31 : INT32_MAX, &value) || *s)
            return plan_fail(r, "`%.80s` is not an i32 such as =12", word);
        arg->number = (int32_t)(minus ? -(int64_t)value : (int64_t)value);
        return DLG_OK;
    }
    if (*word == '@') {
        const char *s = word + 1;
        if (!line_number(&s, INT32_MAX, &value) || *s || value >= r->depth)
            return plan_fail(r, "`%.80s` is not the iteration of one of the %zu repeats around it",
                             word, r->depth);
        arg->number = (int32_t)value;
        arg->kind = DLG_ARG_ITERATION;
        return DLG_OK;
    }
    if (strcmp(word, "*") == 0) {
        arg->number = 1;
        arg->kind = DLG_ARG_RUNS;
        return DLG_OK;
    }
    if (*word == '+') {
        const char *s = word + 1;
        const dlg_launch *l = &p->launches[p->launch_count - 1];
        if (!line_number(&s, INT32_MAX, &value) || *s || value >= l->arg_count ||
            !l->args[value].tensor)
            return plan_fail(r, "`%.80s` is not a buffer among the arguments before it", word);
        arg->number = (int32_t)value;
        arg->kind = DLG_ARG_ADVANCE;
        return DLG_OK;
    }
    if (!line_number(&word, UINT64_MAX, &value) || *word)
        return plan_fail(r,
                         "`%.80s` is neither the index of a buffer, a number =V, an iteration @D, "
                         "the runs * nor an advance +K",
                         word);
    if (value >= p->tensor_count)
        return plan_fail(r, "there is no buffer %" PRIu64 ", only %zu", value, p->tensor_count);
    arg->tensor = &p->tensors[value];
    arg->kind = DLG_ARG_TENSOR;
    return DLG_OK;
}

/* STRING:LINE */
static int read_at(Reader *r, dlg_launch *l) {
    char *source, *word;
    uint64_t line;
    int status = line_string(r, "`at`", &source);
    if (status < 0) return status;
    word = line_take(r);
    const char *p = word ? word + 1 : "";
    if (!word || *word != ':' || !line_number(&p, INT32_MAX, &line) || *p)
        return plan_fail(r, "`at` says a file and a line, such as \"digits.dlg\":13");
    l->source = source;
    l->line = (int64_t)line;
    return DLG_OK;
}

static int read_repeat(Reader *r) {
    Plan *p = r->plan;
    uint64_t trips;
    int status;
    if (!p->entry_count) return plan_fail(r, "a repeat stands before the first entry");
    if ((status = line_whole(r, "how often to repeat", 1, INT32_MAX, &trips)) < 0) return status;
    if (r->depth == MOST_REPEATS)
        return plan_fail(r, "more than %d repeats in each other", MOST_REPEATS);
    dlg_entry *e = &p->entries[p->entry_count - 1];
    r->repeat_outer[p->repeat_count] = r->depth ? r->open[r->depth - 1] + 1 : 0;
    r->open[r->depth++] = p->repeat_count;
    p->repeats[p->repeat_count++] = (dlg_repeat){.first = e->launch_count, .trips = (int32_t)trips};
    e->repeat_count++;
    return line_done(r);
}

static int read_end_repeat(Reader *r) {
    Plan *p = r->plan;
    if (!r->depth) return plan_fail(r, "there is no repeat to end");
    dlg_repeat *repeat = &p->repeats[r->open[--r->depth]];
    repeat->end = p->entries[p->entry_count - 1].launch_count;
    if (repeat->end == repeat->first) return plan_fail(r, "a repeat of nothing");
    return line_done(r);
}

/* What follows `flops`: what a launch does, as the compiler counted it. */
static int read_counts(Reader *r, dlg_launch *l) {
    uint64_t flops, bytes;
    int status;
    if ((status = line_whole(r, "the count of operations", 0, INT64_MAX, &flops)) < 0)
        return status;
    if ((status = line_keyword(r, "bytes")) < 0) return status;
    if ((status = line_whole(r, "the count of bytes", 0, INT64_MAX, &bytes)) < 0) return status;
    l->flops = (int64_t)flops;
    l->bytes = (int64_t)bytes;
    return DLG_OK;
}

/* Of any group's size: kernels count groups, and items of a part of them, in an int. */
#define MOST_WORK_ITEMS ((uint64_t)INT32_MAX * 256)

/* KERNEL global G local L args */
static int read_launch_head(Reader *r, dlg_launch *l) {
    Plan *p = r->plan;
    char *kernel;
    uint64_t global, local;
    int status;
    if ((status = line_name(r, "the kernel's name", &kernel)) < 0) return status;
    if (!line_is_identifier(kernel))
        return plan_fail(r, "`%.80s` cannot be a kernel's name", kernel);
    if ((status = line_keyword(r, "global")) < 0) return status;
    if ((status = line_whole(r, "the number of work-items", 1, MOST_WORK_ITEMS, &global)) < 0)
        return status;
    if ((status = line_keyword(r, "local")) < 0) return status;
    if ((status = line_whole(r, "the size of a group", 1, 65536, &local)) < 0) return status;
    if (global / local > INT32_MAX)
        return plan_fail(r, "%" PRIu64 " work-items are more groups of %" PRIu64 " than %d", global,
                         local, INT32_MAX);
    if (global % local)
        return plan_fail(r, "%" PRIu64 " work-items are not a multiple of the group's %" PRIu64,
                         global, local);
    if (strncmp(p->target, "cpu", 3) == 0 && local != 1)
        return plan_fail(r, "kernels for the cpu have groups of 1, not %" PRIu64, local);
    if ((status = line_keyword(r, "args")) < 0) return status;
    l->kernel = kernel;
    l->global = (size_t)global;
    l->local = (size_t)local;
    l->args = &p->args[p->arg_count];
    return DLG_OK;
}

static int read_launch(Reader *r) {
    Plan *p = r->plan;
    int status;
    if (!p->entry_count) return plan_fail(r, "a launch stands before the first entry");
    dlg_launch *l = &p->launches[p->launch_count];
    if ((status = read_launch_head(r, l)) < 0) return status;
    r->launch_repeat[p->launch_count] = r->depth ? r->open[r->depth - 1] + 1 : 0;
    r->launch_lines[p->launch_count++] = r->line;
    p->entries[p->entry_count - 1].launch_count++;
    while (r->at) {
        char *word;
        if ((status = line_word(r, "an argument", &word)) < 0) return status;
        if (strcmp(word, "flops") == 0) {
            if ((status = read_counts(r, l)) < 0) return status;
            continue;
        }
        if (strcmp(word, "at") == 0) {
            if ((status = read_at(r, l)) < 0) return status;
            return line_done(r);
        }
        if ((status = read_arg(r, word, &p->args[p->arg_count++])) < 0) return status;
        l->arg_count++;
    }
    return DLG_OK;
}

static int read_together(Reader *r) {
    Plan *p = r->plan;
    int status;
    if (!p->entry_count) return plan_fail(r, "launches stand before the first entry");
    if (r->together) return plan_fail(r, "launches that are together already");
    if (r->depth) return plan_fail(r, "launches are together around repeats, not in them");
    Together *t = &p->togethers[p->together_count];
    t->first = p->launch_count;
    if ((status = read_launch_head(r, &t->joint)) < 0) return status;
    r->together_lines[p->together_count++] = r->line;
    r->together = true;
    while (r->at) {
        char *word;
        if ((status = line_word(r, "an argument", &word)) < 0) return status;
        if (strcmp(word, "free") == 0) {
            t->free = true;
            return line_done(r);
        }
        dlg_arg *arg = &p->args[p->arg_count++];
        if (!isdigit((unsigned char)*word))
            return plan_fail(r, "`%.80s` is not the index of a buffer", word);
        if ((status = read_arg(r, word, arg)) < 0) return status;
        t->joint.arg_count++;
    }
    return DLG_OK;
}

static int read_end_together(Reader *r) {
    Plan *p = r->plan;
    if (!r->together) return plan_fail(r, "there are no launches together that could end");
    if (r->depth) return plan_fail(r, "a repeat is not ended");
    Together *t = &p->togethers[p->together_count - 1];
    t->end = p->launch_count;
    if (t->end == t->first) return plan_fail(r, "no launches are together here");
    r->together = false;
    return line_done(r);
}

/* ---- the lines -------------------------------------------------------------------------------- */

/* Where the line of the file's copy that begins at s ends, or NULL with an error. */
static char *newline_of(Reader *r, char *s, const char *end) {
    char *newline = memchr(s, '\n', (size_t)(end - s));
    if (!newline) {
        plan_fail(r, "the file is cut off within this line");
        return NULL;
    }
    if (newline - s > MOST_LINE_BYTES) {
        plan_fail(r, "a line of the plan is at most 1 MiB long");
        return NULL;
    }
    if (memchr(s, 0, (size_t)(newline - s)) || (newline > s && newline[-1] == '\r')) {
        plan_fail(r, "a line of the plan holds no NUL and ends in a newline alone");
        return NULL;
    }
    return newline;
}

static bool is_plan_line(const char *s, const char *end) {
    return end - s >= 4 && memcmp(s, "//! ", 4) == 0;
}

/* Counts lines and words and allocates room for all that they can say. */
static int allocate(Reader *r, const char *s, const char *end) {
    size_t consts = 0, buffers = 0, entries = 0, launches = 0, words[3] = {0}, names = 0;
    size_t repeats = 0, togethers = 0;
    for (r->line = 1; is_plan_line(s, end); r->line++) {
        const char *newline = newline_of(r, (char *)(uintptr_t)s, end);
        if (!newline) return DLG_ERR_PROGRAM;
        int kind = s[4] == 'b' ? 0 : s[4] == 'e' ? 1 : s[4] == 'l' || s[4] == 't' ? 2 : -1;
        consts += s[4] == 'c';
        buffers += kind == 0;
        entries += kind == 1;
        launches += s[4] == 'l';
        togethers += s[4] == 't';
        repeats += s[4] == 'r';
        if (kind == 0) names += (size_t)(newline - s);
        for (const char *p = s; kind >= 0 && p < newline; p++) words[kind] += *p == ' ';
        s = newline + 1;
    }
    Plan *p = r->plan;
    r->line--;
    if (consts > MOST_ITEMS || buffers > MOST_ITEMS || entries > MOST_ITEMS ||
        launches > MOST_ITEMS || repeats > MOST_ITEMS || togethers > MOST_ITEMS ||
        words[0] > MOST_WORDS || words[1] > MOST_WORDS || words[2] > MOST_WORDS)
        return plan_fail(r, "the plan has more than %d lines or %d words of a kind", MOST_ITEMS,
                         MOST_WORDS);
    p->by_name_cap = 16;
    while (p->by_name_cap < 2 * buffers) p->by_name_cap *= 2;
    /* calloc of n + 1: never of nothing, and plan_check's ends may be looked at. */
    p->consts = calloc(consts + 1, sizeof *p->consts);
    p->tensors = calloc(buffers + 1, sizeof *p->tensors);
    p->inits = calloc(buffers + 1, sizeof *p->inits);
    p->literals = calloc(words[0] + 1, sizeof *p->literals);
    p->args = calloc(words[2] + 1, sizeof *p->args);
    p->lists = calloc(words[1] + 1, sizeof *p->lists);
    p->launches = calloc(launches + 1, sizeof *p->launches);
    p->repeats = calloc(repeats + 1, sizeof *p->repeats);
    p->togethers = calloc(togethers + 1, sizeof *p->togethers);
    p->entries = calloc(entries + 1, sizeof *p->entries);
    p->by_name = calloc(p->by_name_cap, sizeof *p->by_name);
    p->user_names = calloc(names + 1, 1);
    r->const_lines = calloc(consts + 1, sizeof *r->const_lines);
    r->entry_lines = calloc(entries + 1, sizeof *r->entry_lines);
    r->launch_lines = calloc(launches + 1, sizeof *r->launch_lines);
    r->together_lines = calloc(togethers + 1, sizeof *r->together_lines);
    r->launch_repeat = calloc(launches + 1, sizeof *r->launch_repeat);
    r->repeat_outer = calloc(repeats + 1, sizeof *r->repeat_outer);
    r->user_names = p->user_names;
    if (!p->consts || !p->tensors || !p->inits || !p->literals || !p->args || !p->lists ||
        !p->launches || !p->repeats || !p->togethers || !p->entries || !p->by_name ||
        !p->user_names || !r->const_lines || !r->entry_lines || !r->launch_lines ||
        !r->together_lines || !r->launch_repeat || !r->repeat_outer)
        return rt_no_memory(r->dev, buffers * sizeof *p->tensors + launches * sizeof *p->launches);
    return DLG_OK;
}

/* The last line: everything above must hash to what it says. */
static int read_kernels(Reader *r, const char *text, size_t plan_len) {
    uint64_t count;
    char *checksum, actual[17];
    int status = line_whole(r, "the number of kernels", 0, MOST_ITEMS, &count);
    if (status < 0 || (status = line_keyword(r, "checksum")) < 0 ||
        (status = line_word(r, "the checksum", &checksum)) < 0 || (status = line_done(r)) < 0)
        return status;
    snprintf(actual, sizeof actual, "%016" PRIx64, rt_hash(text, plan_len, 0));
    if (strcmp(checksum, actual) != 0)
        return plan_fail(r, "the plan was altered: its checksum is %s, not %.80s", actual,
                         checksum);
    r->plan->kernel_count = (size_t)count;
    return DLG_OK;
}

/* The plan's lines in their order. On success *rest is the OpenCL text. */
static int read_lines(Reader *r, const char *text, char **rest) {
    enum Stage { AT_VERSION, AT_MODEL, AT_GRAPH, AT_NUMBERS, AT_CONST, AT_BUFFER, AT_ENTRY };
    static const struct {
        const char *keyword;
        enum Stage from, to, next; /* where it may stand, and where that leads */
        int (*read)(Reader *r);
    } kinds[] = {
        {"graph", AT_GRAPH, AT_GRAPH, AT_NUMBERS, read_graph},
        {"numbers", AT_NUMBERS, AT_NUMBERS, AT_CONST, read_numbers},
        {"const", AT_GRAPH, AT_CONST, AT_CONST, read_const},
        {"ptx", AT_GRAPH, AT_CONST, AT_CONST, read_ptx},
        {"arena", AT_GRAPH, AT_CONST, AT_BUFFER, read_arena},
        {"buffer", AT_BUFFER, AT_BUFFER, AT_BUFFER, read_buffer},
        {"entry", AT_BUFFER, AT_ENTRY, AT_ENTRY, read_entry},
        {"launch", AT_ENTRY, AT_ENTRY, AT_ENTRY, read_launch},
        {"repeat", AT_ENTRY, AT_ENTRY, AT_ENTRY, read_repeat},
        {"end-repeat", AT_ENTRY, AT_ENTRY, AT_ENTRY, read_end_repeat},
        {"together", AT_ENTRY, AT_ENTRY, AT_ENTRY, read_together},
        {"end-together", AT_ENTRY, AT_ENTRY, AT_ENTRY, read_end_together},
    };
    Plan *p = r->plan;
    char *s = p->text, *end = s + r->len;
    enum Stage stage = AT_VERSION;
    for (r->line = 1;; r->line++) {
        if (!is_plan_line(s, end))
            return plan_fail(r, r->line == 1
                                    ? "this is not a compiled program: it does not begin with "
                                      "`//! dlg`"
                                    : "the plan ends without its line `//! kernels`");
        char *newline = newline_of(r, s, end);
        if (!newline) return DLG_ERR_PROGRAM;
        *newline = 0;
        if (!rt_utf8(s)) return plan_fail(r, "the line is not UTF-8");
        r->at = s + 4;
        int status = DLG_OK;
        char *word;
        if (stage == AT_VERSION) {
            status = read_version(r);
            stage = AT_MODEL;
        } else if ((status = line_word(r, "a keyword", &word)) < 0) {
            return status;
        } else if (stage == AT_MODEL) {
            status = read_model(r, word);
            stage = AT_GRAPH;
        } else if (strcmp(word, "kernels") == 0 && stage >= AT_BUFFER) {
            if (r->depth) return plan_fail(r, "a repeat is not ended");
            if (r->together) return plan_fail(r, "launches are together without an end");
            *rest = newline + 1;
            return read_kernels(r, text, (size_t)(s - p->text));
        } else {
            size_t k = 0, n = sizeof kinds / sizeof *kinds;
            while (k < n && strcmp(word, kinds[k].keyword) != 0) k++;
            if (k == n || stage < kinds[k].from || stage > kinds[k].to)
                return plan_fail(r, "a line `%.80s` cannot stand here", word);
            stage = kinds[k].next;
            status = kinds[k].read(r);
        }
        if (status < 0) return status;
        s = newline + 1;
    }
}

int plan_read(Plan *plan, dlg_device *dev, const char *file, const char *text, size_t len) {
    static const char last[] = "\n//! end\n";
    size_t last_len = sizeof last - 1;
    *plan = (Plan){.text = NULL};
    Reader r = {.plan = plan, .dev = dev, .len = len, .line = 1};
    int status = DLG_OK;
    char *rest = NULL;
    plan->file = malloc(strlen(file) + 1);
    plan->text = len <= PLAN_MOST_BYTES ? malloc(len + 1) : NULL;
    if (!plan->file || (!plan->text && len <= PLAN_MOST_BYTES)) {
        status = rt_no_memory(dev, len);
        goto out;
    }
    strcpy(plan->file, file);
    if (!plan->text) {
        status = plan_fail(&r, "a program is at most 256 MiB long");
        goto out;
    }
    memcpy(plan->text, text, len);
    plan->text[len] = 0;
    char *end = plan->text + len;
    if (!is_plan_line(plan->text, end)) {
        status = plan_fail(&r, "this is not a compiled program: it does not begin with `//! dlg`");
        goto out;
    }
    if ((status = allocate(&r, plan->text, end)) < 0) goto out;
    if (len < last_len || memcmp(end - last_len, last, last_len) != 0) {
        for (r.line = 1; len; len--) r.line += text[len - 1] == '\n';
        status = plan_fail(&r, "the program is cut off: its last line is not `//! end`");
        goto out;
    }
    if ((status = read_lines(&r, text, &rest)) < 0) goto out;
    if (rest > end - last_len + 1) { /* `kernels` was the last line */
        status = plan_fail(&r, "no line `//! end` follows the kernels");
        goto out;
    }
    end[1 - (ptrdiff_t)last_len] = 0;
    plan->kernels = rest;
    plan->kernels_len = (size_t)(end - last_len + 1 - rest);
    plan->kernels_line = r.line + 1;
    status = plan_check(&r);
out:
    free(r.const_lines);
    free(r.entry_lines);
    free(r.launch_lines);
    free(r.together_lines);
    free(r.launch_repeat);
    free(r.repeat_outer);
    if (status < 0) plan_free(plan);
    return status;
}

void plan_free(Plan *p) {
    free(p->text);
    free(p->file);
    free(p->consts);
    free(p->tensors);
    free(p->inits);
    free(p->literals);
    free(p->args);
    free(p->lists);
    free(p->launches);
    free(p->repeats);
    free(p->togethers);
    free(p->entries);
    free(p->by_name);
    free(p->user_names);
    *p = (Plan){.text = NULL};
}

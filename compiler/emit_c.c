/* emit_c: a program as C: tables of its plan and the text of its kernels, the host's side of it (kernels/host.c), and
 * a function an entry.
 *
 * Requires the text of a program as emit.c wrote it: it is read with no check. Establishes: what C makes of the source
 * needs OpenCL and nothing else, gives params and states the values that `dlg` gives them, and its names are those of
 * C wherever the model's are not. */
#include "emit_c.h"

#include "embedded.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Tensor {
    const char *name, *type, *kind;
    int rank;
    long long elems, shape[8];
} Tensor;

typedef struct CEntry {
    const char *name;
    VEC(uint32_t) reads;
    VEC(uint32_t) returns;
    bool trains;
    uint32_t step, end; /* of steps[] */
} CEntry;

typedef struct Writer {
    Arena *arena;
    const char *at, *line_end; /* in the plan */
    const char *model, *prefix, *upper, *path;
    const char *target, *weights; /* weights: the name of the file, or NULL */
    VEC(Tensor) tensors;
    VEC(CEntry) entries;
    VEC(uint32_t) open; /* repeats: their steps */
    VEC(uint32_t) ends; /* of each step: where its repeat ends; else 0 */
    Names taken;        /* of functions */
    Text consts, buffers, numbers, launches, args, steps;
    uint32_t number_count, launch_count, arg_count;
    long long arena_bytes;
} Writer;

/* ---- Reading the plan -------------------------------------------------------------------------- */

static bool more(const Writer *w) {
    return w->at < w->line_end;
}

/* The next word; a string without its quotes. */
static const char *word(Writer *w) {
    Text t;
    text_init(&t, w->arena);
    if (more(w) && *w->at == '"') {
        for (w->at++; more(w) && *w->at != '"'; w->at++) {
            if (*w->at == '\\') w->at++;
            text_add(&t, w->at, 1);
        }
        w->at++;
    } else {
        while (more(w) && *w->at != ' ') text_add(&t, w->at++, 1);
    }
    if (more(w)) w->at++; /* the blank */
    return t.at ? t.at : "";
}

static long long number(Writer *w) {
    return strtoll(word(w), NULL, 10);
}

/* An f32 or a whole number as a constant of C that is the same. */
static void c_number(Text *out, const char *text, bool is_float) {
    const char *digits = text + (*text == '-');
    if (strcmp(digits, "inf") == 0 || strcmp(digits, "nan") == 0)
        text_printf(out, "%s%s", digits > text ? "-" : "", *digits == 'i' ? "INFINITY" : "NAN");
    else
        text_printf(out, "%s%s%s", text, strpbrk(text, ".e") ? "" : ".0", is_float ? "f" : "");
}

static void read_shape(Tensor *t, const char *text) {
    t->elems = 1;
    if (strcmp(text, "scalar") == 0) return;
    for (char *end; *text; text = *end ? end + 1 : end) {
        t->shape[t->rank] = strtoll(text, &end, 10);
        t->elems *= t->shape[t->rank++];
    }
}

static bool is_float_type(const char *type) {
    return strcmp(type, "f32") == 0 || strcmp(type, "f16") == 0 || strcmp(type, "bf16") == 0;
}

static void c_string(Text *out, const char *s, size_t len) {
    text_puts(out, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '\n')
            text_puts(out, "\\n");
        else if (c == '"' || c == '\\' || c == '?') /* two of these may begin a trigraph */
            text_printf(out, "\\%c", c);
        else if (c < ' ' || c >= 127)
            text_printf(out, "\\%03o", c);
        else
            text_add(out, s + i, 1);
    }
    text_puts(out, "\"");
}

static void read_buffer(Writer *w) {
    Tensor t = {0};
    (void)number(w);
    t.name = word(w);
    t.type = word(w);
    read_shape(&t, word(w));
    const char *kind = t.kind = word(w), *init = "none";
    long long offset = strcmp(kind, "arena") == 0 ? number(w) : 0;
    uint32_t first = w->number_count;
    if (strcmp(kind, "param") == 0 || strcmp(kind, "state") == 0) {
        (void)word(w); /* init */
        for (init = word(w); more(w); w->number_count++) {
            text_puts(&w->numbers, w->number_count % 8 ? " " : "\n    ");
            c_number(&w->numbers, word(w), is_float_type(t.type));
            text_puts(&w->numbers, ",");
        }
    }
    text_puts(&w->buffers, "    {");
    c_string(&w->buffers, t.name, strlen(t.name));
    text_printf(&w->buffers, ", TYPE_%s, KIND_%s, %d, {", t.type, kind, t.rank);
    for (int i = 0; i < t.rank; i++) text_printf(&w->buffers, i ? ", %lld" : "%lld", t.shape[i]);
    text_printf(&w->buffers, "%s}, %lldu, %lldu, INIT_%s, %uu},\n", t.rank ? "" : "0", t.elems,
                offset, init, first);
    vec_push(w->arena, &w->tensors, t);
}

static uint32_t tensor_called(const Writer *w, const char *name) {
    for (uint32_t i = 0; i < w->tensors.len; i++)
        if (strcmp(w->tensors.at[i].name, name) == 0) return i;
    return 0; /* a plan that emit.c wrote names what there is */
}

static void end_entry(Writer *w) {
    if (w->entries.len) w->entries.at[w->entries.len - 1].end = w->ends.len;
}

static void read_entry(Writer *w) {
    end_entry(w);
    CEntry e = {.name = word(w), .step = w->ends.len};
    const char *list = "";
    while (more(w)) {
        bool quoted = *w->at == '"'; /* a name that would read as a keyword */
        const char *s = word(w);
        if (!quoted && (!strcmp(s, "bound") || !strcmp(s, "live")) && !*list) {
            (void)word(w);
        } else if (!quoted &&
                   (!strcmp(s, "reads") || !strcmp(s, "updates") || !strcmp(s, "returns"))) {
            list = s;
        } else if (*list == 'u') {
            e.trains |= strcmp(s, "step") == 0;
        } else if (list[2] == 'a') {
            vec_push(w->arena, &e.reads, tensor_called(w, s));
        } else {
            vec_push(w->arena, &e.returns, tensor_called(w, s));
        }
    }
    vec_push(w->arena, &w->entries, e);
}

static void read_launch(Writer *w) {
    const char *kernel = word(w) + 1; /* kN */
    (void)word(w);
    long long global = number(w);
    (void)word(w);
    long long local = number(w);
    (void)word(w);
    uint32_t first = w->arg_count;
    while (more(w) && (isdigit((unsigned char)*w->at) || strchr("@=*+", *w->at))) {
        const char *a = word(w);
        const char *what = *a == '@' ? "turn" : isdigit((unsigned char)*a) ? "tensor" : "number";
        const char *value = *a == '*'   ? "1"
                            : *a == '+' ? "0"
                                        : a + (*what != 't' || what[1] == 'u');
        text_printf(&w->args, "    {ARG_%s, %s},\n", what, value);
        w->arg_count++;
    }
    text_printf(&w->launches, "    {%s, %lldu, %lldu, %u, %u},\n", kernel, global, local, first,
                w->arg_count - first);
    text_printf(&w->steps, "    {%u, 1, 0},\n", w->launch_count++);
    vec_push(w->arena, &w->ends, 0);
}

static void read_line(Writer *w) {
    const char *what = word(w);
    if (strcmp(what, "model") == 0) {
        w->model = word(w);
        (void)word(w);
        w->target = word(w);
        (void)word(w);
        w->path = word(w);
    } else if (strcmp(what, "const") == 0) {
        const char *name = word(w), *value = word(w);
        char *end;
        long long v = strtoll(value, &end, 10);
        if (!*end && v >= INT32_MIN && v <= INT32_MAX)
            text_printf(&w->consts, "%s %s", name, value), text_puts(&w->consts, "\n");
    } else if (strcmp(what, "arena") == 0) {
        w->arena_bytes = number(w);
    } else if (strcmp(what, "buffer") == 0) {
        read_buffer(w);
    } else if (strcmp(what, "entry") == 0) {
        read_entry(w);
    } else if (strcmp(what, "launch") == 0) {
        read_launch(w);
    } else if (strcmp(what, "repeat") == 0) {
        /* Where it ends is not known yet: ten places for its number. */
        text_printf(&w->steps, "    {-1, %lld, %10s},\n", number(w), "");
        vec_push(w->arena, &w->open, (uint32_t)(w->steps.len - strlen("},\n")));
        vec_push(w->arena, &w->ends, 0);
    } else if (strcmp(what, "end-repeat") == 0) {
        char end[16];
        int n = snprintf(end, sizeof end, "%u", w->ends.len);
        memcpy(w->steps.at + w->open.at[--w->open.len] - n, end, (size_t)n);
    }
}

/* ---- Names of C ---------------------------------------------------------------------------------- */

static bool is_keyword(const char *s) {
    static const char *const words[] = {
        "auto",     "bool",     "break",    "case",   "char",   "const",    "continue", "default",
        "do",       "double",   "else",     "enum",   "extern", "float",    "for",      "goto",
        "if",       "inline",   "int",      "long",   "main",   "register", "restrict", "return",
        "short",    "signed",   "sizeof",   "static", "struct", "switch",   "typedef",  "union",
        "unsigned", "void",     "volatile", "while",  "class",  "new",      "delete",   "this",
        "template", "operator", "private",  "public", "try",    "catch",    "true",     "false",
        "NULL",     "asm",      "typeof",   "errno",  "size_t", "offsetof", "wchar_t"};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(words[i], s) == 0) return true;
    return false;
}

const char *emit_c_prefix(Arena *arena, const char *name) {
    char *s = arena_printf(arena, "%s%s", isdigit((unsigned char)*name) ? "_" : "", name);
    for (char *c = s; *c; c++)
        if (!isalnum((unsigned char)*c)) *c = '_';
    return s;
}

/* A name of the model as one of C that is not in `taken`, where it is put. */
static const char *c_name(Arena *arena, Names *taken, const char *prefix, const char *name) {
    Text t;
    text_init(&t, arena);
    text_puts(&t, prefix);
    if (!*prefix && isdigit((unsigned char)*name)) text_puts(&t, "_");
    for (const char *s = name; *s; s++)
        text_puts(&t, isalnum((unsigned char)*s) ? (char[2]){*s, 0} : "_");
    if (is_keyword(t.at)) text_puts(&t, "_");
    while (names_has(taken, t.at, t.len)) text_puts(&t, "_");
    names_add(taken, t.at, t.len);
    return t.at;
}

static const char *c_type(const char *type) {
    return !strcmp(type, "f32")                            ? "float"
           : !strcmp(type, "i32")                          ? "int32_t"
           : !strcmp(type, "f16") || !strcmp(type, "bf16") ? "uint16_t"
                                                           : "uint8_t";
}

/* ---- Writing ------------------------------------------------------------------------------------- */

static void say_tensor(Text *out, const Tensor *t) {
    text_printf(out, "%.*s: %s", (int)strcspn(t->name, "@"), t->name, t->type);
    for (int i = 0; i < t->rank; i++) text_printf(out, i ? ", %lld" : "[%lld", t->shape[i]);
    if (t->rank) text_puts(out, "]");
}

/* "int xor_train(xor_model *model, const float *x, float *loss)". `names` gets the names of the parameters. */
static void prototype(const Writer *w, const CEntry *e, const char *function, Text *out,
                      const char **names) {
    Names taken;
    names_init(&taken, w->arena);
    names_str(&taken, "model");
    text_printf(out, "int %s(%s_model *model", function, w->prefix);
    for (uint32_t i = 0; i < e->reads.len + e->returns.len; i++) {
        bool in = i < e->reads.len;
        const Tensor *t = &w->tensors.at[in ? e->reads.at[i] : e->returns.at[i - e->reads.len]];
        const char *user = arena_strndup(w->arena, t->name, strcspn(t->name, "@"));
        names[i] = c_name(w->arena, &taken, "", user);
        text_printf(out, ", %s%s *%s", in ? "const " : "", c_type(t->type), names[i]);
    }
    text_puts(out, ")");
}

static void say_entry(const Writer *w, const CEntry *e, Text *out) {
    text_printf(out, "/* Entry %s", e->name);
    for (uint32_t i = 0; i < e->reads.len; i++) {
        text_puts(out, i ? ", " : ": ");
        say_tensor(out, &w->tensors.at[e->reads.at[i]]);
    }
    text_puts(out, " ->");
    for (uint32_t i = 0; i < e->returns.len; i++) {
        text_puts(out, i ? ", " : " ");
        say_tensor(out, &w->tensors.at[e->returns.at[i]]);
    }
    text_puts(out, e->trains ? "; a step of training. */\n" : ". */\n");
}

/* The body: inputs to the device, the launches, results back. */
static void body(const CEntry *e, const char *const *names, Text *out) {
    text_puts(out, " {\n    int status = 0;\n");
    for (uint32_t i = 0; i < e->reads.len; i++)
        text_printf(out, "    if (!status && %s) status = write_tensor(model, %u, %s);\n", names[i],
                    e->reads.at[i], names[i]);
    text_printf(out, "    if (!status) status = run_entry(model, %u, %u);\n", e->step, e->end);
    for (uint32_t i = 0; i < e->returns.len; i++) {
        const char *name = names[e->reads.len + i];
        text_printf(out, "    if (!status && %s) status = read_tensor(model, %u, %s);\n", name,
                    e->returns.at[i], name);
    }
    text_puts(out, "    return status;\n}\n");
}

static void write_entries(Writer *w, Text *source, Text *header) {
    for (uint32_t i = 0; i < w->entries.len; i++) {
        const CEntry *e = &w->entries.at[i];
        const char *function =
            c_name(w->arena, &w->taken, arena_printf(w->arena, "%s_", w->prefix), e->name);
        const char **names = NEW_ARRAY(w->arena, const char *, e->reads.len + e->returns.len + 1);
        text_puts(header, "\n");
        say_entry(w, e, header);
        prototype(w, e, function, header, names);
        text_puts(header, ";\n");
        text_puts(source, "\n");
        prototype(w, e, function, source, names);
        body(e, names, source);
    }
}

/* What every model has: its name in C, what the host's side calls it, its parameters, and what is said of it. */
static const struct {
    const char *name, *host, *type, *more, *arguments, *doc;
} common[] = {
    {"open", "open_model", "int", " **model, cl_device_id device, uint64_t seed",
     "model, device, seed",
     "Opens the model on a device, NULL for the first of the type that it was compiled for, with "
     "the values at the\n"
     " * start of the seed. *model is a handle whatever is returned, so that _error can say what "
     "failed; NULL without\n"
     " * memory."},
    {"close", "close_model", "void", " *model", "model", "Takes NULL too."},
    {"error", NULL, "const char *", "", "",
     "What the last call that failed says of it; \"\" before."},
    {"set", "set_by_name", "int", " *model, const char *name, const void *values, size_t bytes",
     "model, name, values, bytes",
     "Copies a tensor by its name in the model, such as \"h.w\"; `bytes` is its size."},
    {"get", "get_by_name", "int", " *model, const char *name, void *values, size_t bytes",
     "model, name, values, bytes", "The other way round."},
    {"load", "load_weights", "int", " *model, const char *path", "model, path",
     "Reads a safetensors file, which `dlg train` wrote or _save: all params, and the states that "
     "are in it. When it\n"
     " * fails nothing changed, but if the device failed."},
    {"save", "save_weights", "int", " *model, const char *path", "model, path",
     "Writes all params and states as such a file."},
};

static void write_common(const Writer *w, Text *source, Text *header) {
    for (size_t i = 0; i < COUNT_OF(common); i++) {
        text_printf(header, "\n/* %s", common[i].doc);
        if (i == 0 && w->weights)
            text_puts(
                header,
                "\n * The weights that it was compiled with come before the values of the seed.");
        text_puts(header, " */\n");
        for (int k = 0; k < 2; k++) {
            Text *out = k ? source : header;
            if (k) text_puts(out, "\n");
            if (common[i].host)
                text_printf(out, "%s %s_%s(%s_model%s)", common[i].type, w->prefix, common[i].name,
                            w->prefix, common[i].more);
            else
                text_printf(out, "const char *%s_error(const %s_model *model)", w->prefix,
                            w->prefix);
        }
        text_puts(header, ";\n");
        if (common[i].host)
            text_printf(source, " {\n    %s%s(%s);\n}\n",
                        strcmp(common[i].type, "void") ? "return " : "", common[i].host,
                        common[i].arguments);
        else
            text_puts(source, " {\n    return model ? model->error : \"out of memory\";\n}\n");
    }
}

static void write_consts(const Writer *w, Text *header) {
    Names taken;
    names_init(&taken, w->arena);
    bool any = false;
    for (const char *s = w->consts.at; s && *s;) {
        size_t len = strcspn(s, " "), line = strcspn(s, "\n");
        const char *name = c_name(w->arena, &taken, arena_printf(w->arena, "%s_", w->upper),
                                  arena_strndup(w->arena, s, len));
        text_printf(header, "%s    %s = %.*s",
                    any ? ",\n" : "\nenum { /* constants of the model */\n", name,
                    (int)(line - len - 1), s + len + 1);
        any = true;
        s += line + 1;
    }
    if (any) text_puts(header, "\n};\n");
}

static const EmbeddedFile *embedded(const char *name) {
    size_t i = 0;
    while (strcmp(dlg_embedded[i].name, name) != 0) i++;
    return &dlg_embedded[i];
}

/* A part of a file: from behind the line of one mark to before another's. */
static void add_part(Text *out, const char *file, const char *from, const char *to) {
    const EmbeddedFile *f = embedded(file);
    const char *begin = strstr(f->text, from), *end = to ? strstr(f->text, to) : f->text + f->len;
    begin = strchr(begin, '\n') + 1;
    text_add(out, begin, (size_t)(end - begin));
}

static void add_file(Text *out, const char *name) {
    const EmbeddedFile *f = embedded(name);
    text_puts(out, "\n");
    text_add(out, f->text, f->len);
}

/* The bits of each variable that the weights hold, as numbers of its elements' width. */
static bool write_weights(const Writer *w, const WeightsFile *weights, Text *why, Text *out) {
    Text rows;
    text_init(&rows, w->arena);
    for (uint32_t i = 0; weights && i < w->tensors.len; i++) {
        const Tensor *t = &w->tensors.at[i];
        bool param = strcmp(t->kind, "param") == 0;
        if (!param && strcmp(t->kind, "state") != 0) continue;
        int found =
            emit_weights(weights, t->name, t->type, t->rank, t->shape, t->elems, i, why, out);
        if (found == 0 && param) text_printf(why, "it does not have: %s", t->name);
        if (why->len) return false;
        if (found) text_printf(&rows, "    {%u, weights_%u},\n", i, i);
    }
    const char *damage = weights ? weights_damage(weights, w->arena) : NULL;
    if (damage) return text_puts(why, damage), false;
    text_printf(out, "static const struct given given[] = {\n%s    {-1, NULL},\n};\n\n",
                rows.at ? rows.at : "");
    return true;
}

static void write_tables(const Writer *w, const char *kernels, Text *out) {
    text_printf(
        out,
        "\n#define MODEL %s_model\n#define TARGET_DEVICE CL_DEVICE_TYPE_%s\n#define ARENA_BYTES "
        "((size_t)%lld)\n\n",
        w->prefix, strncmp(w->target, "gpu", 3) ? "CPU" : "GPU", w->arena_bytes);
    text_printf(out, "enum { TENSORS = %u, LAUNCHES = %u };\n\n", w->tensors.len, w->launch_count);
    text_printf(out, "static const struct tensor tensors[] = {\n%s    {0},\n};\n\n",
                w->buffers.at ? w->buffers.at : "");
    text_printf(out, "static const double numbers[] = {%s\n    0,\n};\n\n",
                w->numbers.at ? w->numbers.at : "");
    text_printf(out, "static const struct launch launches[] = {\n%s    {0},\n};\n\n",
                w->launches.at ? w->launches.at : "");
    text_printf(out, "static const struct arg args[] = {\n%s    {0},\n};\n\n",
                w->args.at ? w->args.at : "");
    text_printf(out, "static const struct step steps[] = {\n%s    {0},\n};\n\n",
                w->steps.at ? w->steps.at : "");
    text_puts(out, "static const char *const kernel_lines[] = {\n");
    for (const char *s = kernels; *s;) {
        size_t len = strcspn(s, "\n");
        len += s[len] == '\n';
        text_puts(out, "    ");
        c_string(out, s, len);
        text_puts(out, ",\n");
        s += len;
    }
    text_puts(out, "};\n");
}

bool emit_c(const char *program, Arena *arena, const char *header_name, const WeightsFile *weights,
            Text *why, Text *source, Text *header) {
    static const char last[] = "//! kernels ";
    Writer w = {.arena = arena, .weights = weights ? weights->name : NULL};
    Text *texts[] = {&w.consts, &w.buffers, &w.numbers, &w.launches, &w.args, &w.steps};
    for (size_t i = 0; i < COUNT_OF(texts); i++) text_init(texts[i], arena);
    const char *s = program;
    for (; strncmp(s, last, sizeof last - 1) != 0; s = w.line_end + 1) {
        w.at = s + 4;
        w.line_end = s + strcspn(s, "\n");
        read_line(&w);
    }
    end_entry(&w);
    names_init(&w.taken, arena);
    w.prefix = emit_c_prefix(arena, w.model);
    char *upper = arena_strndup(arena, w.prefix, strlen(w.prefix));
    for (char *c = upper; *c; c++) *c = (char)toupper((unsigned char)*c);
    w.upper = upper;
    for (size_t i = 0; i < COUNT_OF(common); i++)
        names_str(&w.taken, arena_printf(arena, "%s_%s", w.prefix, common[i].name));
    names_str(&w.taken, arena_printf(arena, "%s_model", w.prefix));

    text_printf(
        header,
        "/* dlgc made this of %s. What a function returns is 0, or -1 when it failed; pointers "
        "to tensors may\n"
        " * be NULL: an input then stays what it was, a result is not read. One thread at "
        "a time uses a model. */\n",
        w.prefix);
    text_printf(header, "#ifndef DLG_MADE_%s\n#define DLG_MADE_%s\n\n", w.upper, w.upper);
    text_puts(header,
              "#define CL_TARGET_OPENCL_VERSION 120\n#include <CL/cl.h>\n#include <stddef.h>\n"
              "#include <stdint.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    text_printf(header, "\ntypedef struct %s_model %s_model;\n", w.prefix, w.prefix);
    write_consts(&w, header);

    text_printf(
        source,
        "/* dlgc made this of %s. It needs OpenCL 1.2 and nothing else: cc -c -std=c99 */\n",
        w.prefix);
    text_printf(source, "#include \"%s\"", header_name); /* no string: it has no escapes */
    text_puts(
        source,
        "\n#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n");
    add_part(source, "host.c", "/* @types */", "/* @tables */");
    write_tables(&w, strchr(s, '\n') + 1, source);
    text_puts(source, "\n");
    if (!write_weights(&w, weights, why, source)) return false;
    add_file(source, "init_values.h");
    add_file(source, "narrow.h");
    add_file(source, "weights.h");
    add_part(source, "host.c", "/* @tables */", NULL);
    text_puts(
        source,
        "/* ---- The model "
        "------------------------------------------------------------------------------- */\n");
    write_common(&w, source, header);
    write_entries(&w, source, header);
    text_puts(header, "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
    return true;
}

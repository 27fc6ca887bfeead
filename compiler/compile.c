/* compile: the compiler as one call: reads, parses, lowers, runs the passes and emits (compile.h).
 *
 * It runs in a thread of its own, whose stack is large enough for whatever recursion the limits of
 * the language allow (AST_MAX_DEPTH), whatever the caller's stack is; the thread has the C locale, so
 * that numbers are read and written with a point. Establishes: all memory is freed but the result. */
#include "compile.h"

#include "ast.h"
#include "codegen.h"
#include "embedded.h"
#include "emit_c.h"
#include "include.h"
#include "ir.h"
#include "launch.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMORY_LIMIT_BYTES ((size_t)1 << 30)
#define EMIT_MAX_NODES     100000
#define STACK_BYTES        ((size_t)256 << 20)
#define STACK_LEAST_BYTES  ((size_t)64 << 20)

typedef struct Compilation {
    const char *name, *source;
    size_t len;
    const CompileOptions *options;
    CompileResult result;
    bool graphs_only;       /* ends with the lowered program, whose memory is kept */
    const Program *program; /* then */

    ArenaLimit limit;
    Arena arena;
    Sources sources;
    Names names;
    Diags diags;
    Rewrites rewrites;
    TileUses tiles;
    Text header, weights_why; /* of EMIT_C; why the weights are none of the program's */
    const char *model;        /* of EMIT_C: what the names of C begin with */
} Compilation;

/* ---- Results ---------------------------------------------------------------------------------- */

static char no_text[1];

static CompileResult result_message(int status, const char *fmt, ...) PRINTF_LIKE(2, 3);

static char *vformat(const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    if (text) vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text ? text : no_text;
}

static CompileResult result_message(int status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    CompileResult r = {.status = status, .diagnostics = vformat(fmt, args)};
    va_end(args);
    return r;
}

static char *copy_text(const Text *t) {
    char *copy = malloc(t->len + 1);
    if (copy) {
        if (t->len) memcpy(copy, t->at, t->len);
        copy[t->len] = 0;
    }
    return copy;
}

void compile_free(CompileResult *result) {
    free(result->text);
    free(result->header);
    free(result->tiles);
    if (result->diagnostics != no_text) free(result->diagnostics);
    *result = (CompileResult){.diagnostics = no_text};
}

/* ---- The pipeline ----------------------------------------------------------------------------- */

/* The passes in the order in which they run. */
static const struct {
    const char *name;
    void (*run)(Program *);
} passes[] = {
    {"lower", NULL}, /* lower_program makes the program */
    {"simplify", simplify_program},
};

static bool verify(Compilation *c, const Program *program, const char *pass) {
    for (uint32_t i = 0; i < program->entries.len; i++) {
        const Entry *entry = program->entries.at[i];
        const char *wrong = graph_verify(&entry->graph, &c->arena);
        if (!wrong) continue;
        Diag *d = diag_error(&c->diags, E0901, entry->span,
                             "after the pass `%s` the graph of the entry `%s` is malformed: %s",
                             pass, entry->name, wrong);
        diag_note(&c->diags, d, "this is a mistake of the compiler, not of the program");
        return false;
    }
    return true;
}

/* Fusion compares kernels with each other: beyond this it would take minutes. */
static bool check_size(Compilation *c, const Program *program) {
    for (uint32_t i = 0; i < program->entries.len; i++) {
        const Entry *entry = program->entries.at[i];
        if (entry->graph.nodes.len <= EMIT_MAX_NODES) continue;
        Diag *d =
            diag_error(&c->diags, E0602, entry->span,
                       "the graph of the entry `%s` has %u nodes, and at most %d can be emitted",
                       entry->name, entry->graph.nodes.len, EMIT_MAX_NODES);
        diag_help(&c->diags, d, "a `for` loop is unrolled: let it go round less often");
    }
    return c->diags.errors == 0;
}

static Ast *parse(Compilation *c, const char *name, const char *text, size_t len) {
    uint32_t file = source_add(&c->sources, name, text, len);
    return ast_parse(&c->arena, &c->names, &c->diags, file);
}

/* The output of this compiler, given to it again (docs/program-format.md). */
static bool is_compiled(const Compilation *c) {
    static const char first[] = "//! dlg ";
    return c->len >= sizeof first - 1 && !memcmp(c->source, first, sizeof first - 1);
}

/* Bytes of the variables of a kind, or of what entries return. */
static int64_t variable_bytes(const Program *p, VarKind kind) {
    int64_t bytes = 0;
    for (uint32_t i = 0; i < p->vars.len; i++) {
        const Variable *v = &p->vars.at[i];
        if (v->kind == kind) bytes += shape_elems(&v->shape) * dtype_bytes(v->dtype);
    }
    return bytes;
}

static void tell_alive(Compilation *c, Diag *d, const Alive *x) {
    Text t;
    text_init(&t, &c->arena);
    text_printf(&t, "%lld bytes: %s, %s ", (long long)x->bytes, x->name, dtype_name(x->dtype));
    text_shape(&t, &x->shape);
    if (x->has_span && x->span.file < c->sources.files.len) {
        uint32_t line, column;
        source_place(&c->sources, x->span, &line, &column);
        text_printf(&t, ", of %s:%u", c->sources.files.at[x->span.file].name, line);
    }
    diag_note(&c->diags, d, "%s", t.at);
}

/* An entry that cannot be within the budget. */
static void tell_over(Compilation *c, const Program *p, const Over *o) {
    enum { MOST = 8 };
    Diag *d = diag_error(&c->diags, E0604, o->entry->span,
                         "the arena of the entry `%s` cannot be held to %lld bytes", o->entry->name,
                         (long long)c->options->mem_budget_bytes);
    diag_label(&c->diags, d, "needs %lld", (long long)o->least_bytes);
    if (o->values)
        diag_note(&c->diags, d,
                  "it has %lld bytes where nothing is computed twice, and %lld where %u values are "
                  "computed again, %.3g operations",
                  (long long)o->default_bytes, (long long)o->least_bytes, o->values, o->operations);
    else
        diag_note(&c->diags, d, "it has %lld bytes, and no value would be better computed again",
                  (long long)o->default_bytes);
    diag_note(&c->diags, d, "then most is alive in launch %u of %u:", o->time + 1, o->times);
    int64_t others = 0;
    for (uint32_t i = 0; i < o->alive.len; i++) {
        if (i < MOST)
            tell_alive(c, d, &o->alive.at[i]);
        else
            others += o->alive.at[i].bytes;
    }
    if (o->alive.len > MOST)
        diag_note(&c->diags, d, "%lld bytes: %u more", (long long)others, o->alive.len - MOST);
    diag_note(&c->diags, d,
              "not in the arena: inputs of %lld bytes, params of %lld, states of %lld, and what "
              "entries return",
              (long long)variable_bytes(p, VAR_INPUT), (long long)variable_bytes(p, VAR_PARAM),
              (long long)variable_bytes(p, VAR_STATE));
    diag_help(&c->diags, d, "the smallest budget that works is %lld, all entries considered",
              (long long)o->least_bytes);
}

/* False when something was reported. */
static bool compile_source(Compilation *c, Text *out) {
    Ast *prelude = parse(c, "prelude.dlg", dlg_prelude, dlg_prelude_len);
    if (c->len > SOURCE_MAX_BYTES) {
        uint32_t file = source_add(&c->sources, c->name, "", 0);
        diag_error(&c->diags, E0108, (Span){.file = file},
                   "this file is too large; a program has at most %zu MB", SOURCE_MAX_BYTES >> 20);
        return false;
    }
    if (is_compiled(c)) {
        uint32_t file = source_add(&c->sources, c->name, c->source, c->len);
        Diag *d = diag_error(&c->diags, E0101, (Span){.file = file, .end = 7},
                             "this is a compiled program already");
        diag_help(&c->diags, d, "`dlg` runs it: `dlg run %s`", c->name);
        return false;
    }
    Ast *ast = parse(c, c->name, c->source, c->len);
    include_files(&c->arena, &c->names, &c->diags, ast, c->options->include_dirs,
                  c->options->include_dir_count);
    if (c->diags.errors) return false;
    Program *program = lower_program(&c->arena, &c->names, &c->diags, prelude, ast, c->options);
    if (!program || c->diags.errors) return false;
    if (c->graphs_only) return c->program = program, verify(c, program, "lower");
    c->rewrites.limit = c->options->rewrites ? (uint32_t)c->options->rewrites - 1 : UINT32_MAX;
    for (uint32_t i = 0; i < program->entries.len && c->options->rewrites; i++)
        program->entries.at[i]->graph.rewrites = &c->rewrites;
    const char *stop = c->options->dump_after;
    for (size_t i = 0; i < COUNT_OF(passes); i++) {
        if (passes[i].run) passes[i].run(program);
        if (!verify(c, program, passes[i].name)) return false;
        if (stop && !strcmp(stop, passes[i].name)) return graph_print(program, out), true;
    }
    if (c->options->emit == EMIT_GRAPH) return graph_print(program, out), true;
    if (!check_size(c, program)) return false;
    program->sources = &c->sources;
    Over over;
    Text cl, *to = c->options->emit == EMIT_C ? &cl : out;
    text_init(&cl, &c->arena);
    NodeId lost = emit_program(program, c->options, &c->arena, to, &over, &c->tiles);
    if (over.entry) return tell_over(c, program, &over), false;
    if (lost == NO_NODE && c->options->emit == EMIT_C) {
        const char *name = c->options->header_name;
        c->model = emit_c_prefix(&c->arena, program->model);
        const WeightsFile weights = {c->options->weights_name, c->options->weights,
                                     c->options->weights_len};
        return emit_c(cl.at, &c->arena, name ? name : "model.h", weights.name ? &weights : NULL,
                      &c->weights_why, out, &c->header);
    }
    if (lost == NO_NODE) return true;
    Diag *d =
        diag_error(&c->diags, E0901, (Span){.file = 1}, "node %u was left without a value", lost);
    diag_note(&c->diags, d, "this is a mistake of the compiler, not of the program");
    return false;
}

static CompileResult out_of_memory(const Compilation *c) {
    if (c->limit.system_failed)
        return result_message(3, "error: out of memory while compiling %s\n", c->name);
    return result_message(1, "error[%s]: %s needs more than %zu MB to compile\n",
                          diag_code_name(E0603), c->name, c->limit.limit_bytes >> 20);
}

static void tell_rewrites(Compilation *c, Text *out) {
    const Rewrites *r = &c->rewrites;
    text_printf(out, "note: rewrites made: %u", r->count);
    if (r->count < r->limit)
        text_puts(out, ", all that there are\n");
    else if (r->count == 0)
        text_puts(out, "\n");
    else {
        uint32_t line, column;
        source_place(&c->sources, r->span, &line, &column);
        text_printf(out, "; the last: %s, at %s:%u\n", r->last,
                    c->sources.files.at[r->span.file].name, line);
    }
}

/* Where that is not what the file is called. */
static void tell_model(const Compilation *c, Text *out) {
    const char *slash = strrchr(c->name, '/');
    for (const char *s = slash ? slash + 1 : c->name; *s; s++) {
        if ((unsigned char)*s < 128) continue;
        text_puts(out, "note: names of C have letters, digits and _ of ASCII alone: those of ");
        diag_add_clean(out, c->name);
        text_printf(out, " begin with `%s_`; a file of another name gives others\n", c->model);
        return;
    }
}

static void *compile_thread(void *argument) {
    Compilation *c = argument;
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (locale) uselocale(locale);
    Text out, diagnostics;
    arena_init(&c->arena, &c->limit);
    if (setjmp(c->limit.failed)) {
        arena_close_all(&c->limit);
        arena_free(&c->arena);
        compile_free(&c->result);
        c->result = out_of_memory(c);
    } else {
        c->sources = (Sources){.arena = &c->arena};
        names_init(&c->names, &c->arena);
        diags_init(&c->diags, &c->arena, &c->sources);
        text_init(&out, &c->arena);
        text_init(&c->header, &c->arena);
        text_init(&c->weights_why, &c->arena);
        text_init(&diagnostics, &c->arena);
        bool done = compile_source(c, &out);
        diags_render(&c->diags, &diagnostics, c->options->color);
        if (done && c->options->rewrites) tell_rewrites(c, &diagnostics);
        if (done && c->model) tell_model(c, &diagnostics);
        if (c->weights_why.len) {
            text_puts(&diagnostics, "error: ");
            diag_add_clean(&diagnostics, c->options->weights_name);
            text_puts(&diagnostics, ": these are no weights of ");
            diag_add_clean(&diagnostics, c->name);
            text_printf(&diagnostics, ": %s\n", c->weights_why.at);
        }
        c->result.status = done ? 0 : 1;
        if (done && !c->graphs_only) {
            c->result.text = copy_text(&out);
            c->result.text_len = out.len;
            if (c->options->emit == EMIT_C) c->result.header = copy_text(&c->header);
            c->result.tile_count = c->tiles.len;
            c->result.tiles = c->tiles.len ? malloc(c->tiles.len * sizeof(TileUse)) : NULL;
            if (c->result.tiles)
                memcpy(c->result.tiles, c->tiles.at, c->tiles.len * sizeof(TileUse));
        }
        char *rendered = copy_text(&diagnostics);
        c->result.diagnostics = rendered ? rendered : no_text;
        bool lost = (done && !c->graphs_only && !c->result.text) ||
                    (done && c->options->emit == EMIT_C && !c->result.header) ||
                    (c->result.tile_count && !c->result.tiles);
        if (lost || !rendered) {
            compile_free(&c->result);
            c->result = result_message(3, "error: out of memory while compiling %s\n", c->name);
        }
        if (!c->graphs_only || c->result.status) arena_free(&c->arena);
    }
    c->result.memory_bytes = c->limit.most_bytes;
    if (locale) {
        uselocale(LC_GLOBAL_LOCALE);
        freelocale(locale);
    }
    return NULL;
}

/* False, with the result that says so, when an option is wrong. */
static bool check_options(const CompileOptions *options, CompileResult *result) {
    bool known = !options->dump_after;
    for (size_t i = 0; i < COUNT_OF(passes); i++)
        known = known || !strcmp(options->dump_after, passes[i].name);
    if (!known) {
        char names[256] = "";
        size_t n = 0;
        for (size_t i = 0; i < COUNT_OF(passes); i++)
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "",
                                  passes[i].name);
        *result = result_message(2, "error: there is no pass `%s`; the passes are %s\n",
                                 options->dump_after, names);
        return false;
    }
    if (!target_known(options->target)) {
        *result = result_message(2, "error: there is no target `%s`; the targets are:%s\n",
                                 options->target, target_names());
        return false;
    }
    if (options->pair && target_find(options->target)->local_size > 1) {
        *result = result_message(
            2,
            "error: only a processor's launches are done in pairs, not those of the target `%s`\n",
            options->target);
        return false;
    }
    Precision precision;
    if (options->precision && !precision_find(options->precision, &precision)) {
        *result = result_message(
            2, "error: there is no precision `%s`; there are: f32 3xtf32 tf32 bf16\n",
            options->precision);
        return false;
    }
    return true;
}

/* Runs c in a thread with a stack that is large enough; what it gave is in c->result. */
static void run_in_thread(Compilation *c) {
    pthread_attr_t attr;
    pthread_t thread;
    int failed = pthread_attr_init(&attr);
    if (!failed) {
        /* Address space may be short where memory is not: a smaller stack still holds any program that
         * is not made to be deep. */
        for (size_t stack = STACK_BYTES; stack >= STACK_LEAST_BYTES; stack /= 2) {
            failed = pthread_attr_setstacksize(&attr, stack);
            if (!failed) failed = pthread_create(&thread, &attr, compile_thread, c);
            if (!failed) break;
        }
        pthread_attr_destroy(&attr);
    }
    if (failed)
        c->result = result_message(3, "error: cannot start a thread: %s\n", strerror(failed));
    else
        pthread_join(thread, NULL);
}

static const CompileOptions defaults;

static void set_limit(Compilation *c) {
    size_t asked = c->options->memory_limit_bytes;
    c->limit.limit_bytes = asked ? asked : MEMORY_LIMIT_BYTES;
}

CompileResult compile_text(const char *name, const char *source, size_t len,
                           const CompileOptions *options) {
    CompileResult wrong;
    options = options ? options : &defaults;
    if (!check_options(options, &wrong)) return wrong;
    Compilation c = {.name = name,
                     .source = source,
                     .len = len,
                     .options = options,
                     .result = {.diagnostics = no_text}};
    set_limit(&c);
    run_in_thread(&c);
    return c.result;
}

bool compile_size(const char *text, int64_t *bytes) {
    static const char units[] = "KMG";
    int64_t n = 0;
    if (*text < '0' || *text > '9') return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (n > INT64_MAX / 10 - 1) return false;
        n = n * 10 + (*text - '0');
    }
    if (*text) {
        const char *unit = strchr(units, *text);
        if (!unit || text[1]) return false;
        for (const char *u = units; u <= unit; u++) {
            if (n > INT64_MAX / 1024) return false;
            n *= 1024;
        }
    }
    *bytes = n;
    return n > 0;
}

bool compile_define(const char *text) {
    const char *equals = strchr(text, '='), *value = equals ? equals + 1 : "";
    char *end;
    if (!equals || equals == text || !*value) return false;
    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) return true;
    if (value[strspn(value, "0123456789.eE+-")]) return false; /* strtod takes more */
    double number = strtod(value, &end);
    return !*end && isfinite(number);
}

/* ---- Files ------------------------------------------------------------------------------------ */

/* NULL, with the result that says why, when it cannot be read. */
static char *read_source(const char *path, size_t *len, CompileResult *result) {
    char *text = source_read(path, len);
    if (text) return text;
    int error = errno;
    bool system = error == EIO || error == ENOMEM || error == EMFILE || error == ENFILE;
    *result = result_message(system ? 3 : 1, "error: cannot read %s: %s\n", path, strerror(error));
    return NULL;
}

CompileResult compile_file(const char *path, const CompileOptions *options) {
    size_t len;
    CompileResult result;
    char *text = read_source(path, &len, &result);
    if (!text) return result;
    result = compile_text(path, text, len, options);
    free(text);
    return result;
}

/* ---- Graphs alone ----------------------------------------------------------------------------- */

struct CompiledGraphs {
    Compilation compilation;
};

CompileResult compile_graphs(const char *path, const CompileOptions *options,
                             CompiledGraphs **out) {
    size_t len;
    CompileResult result;
    *out = NULL;
    options = options ? options : &defaults;
    if (!check_options(options, &result)) return result;
    char *text = read_source(path, &len, &result);
    if (!text) return result;
    CompiledGraphs *graphs = calloc(1, sizeof *graphs);
    if (graphs) {
        Compilation *c = &graphs->compilation;
        *c = (Compilation){.name = path,
                           .source = text,
                           .len = len,
                           .options = options,
                           .graphs_only = true,
                           .result = {.diagnostics = no_text}};
        set_limit(c);
        run_in_thread(c);
        result = c->result;
        c->options = NULL; /* the caller's, as is what follows */
        c->name = c->source = NULL;
        if (result.status == 0)
            *out = graphs;
        else
            free(graphs);
    } else {
        result = result_message(3, "error: out of memory while compiling %s\n", path);
    }
    free(text);
    return result;
}

const Program *compiled_program(const CompiledGraphs *graphs) {
    return graphs->compilation.program;
}

void compile_graphs_free(CompiledGraphs *graphs) {
    if (!graphs) return;
    arena_free(&graphs->compilation.arena);
    free(graphs);
}

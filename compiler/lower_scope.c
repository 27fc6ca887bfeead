/* lower_scope: names. Scopes, what a name means where it stands, the paths of params, and errors in
 * the terms of the user's source.
 *
 * A name means the latest binding above it. A function sees the top-level bindings above its own
 * definition, whenever it is called: older values of a rebound symbol are kept for that (older). */
#include "lower.h"

#include <math.h>

/* ---- Scopes ----------------------------------------------------------------------------------- */

static uint32_t name_bucket(const Scope *s, const char *name) {
    uintptr_t p =
        (uintptr_t)name; /* interned: the address is the name; order never depends on it */
    return (uint32_t)((p >> 4) * 2654435761u) & (s->bucket_count - 1);
}

Symbol *scope_find(const Scope *s, const char *name) {
    if (!s->bucket_count) return NULL;
    uint32_t at = s->bucket[name_bucket(s, name)];
    while (at) {
        Symbol *symbol = &s->symbols.at[at - 1];
        if (symbol->name == name) return symbol;
        at = symbol->next;
    }
    return NULL;
}

static void scope_link(Scope *s, uint32_t index) {
    uint32_t *bucket = &s->bucket[name_bucket(s, s->symbols.at[index].name)];
    s->symbols.at[index].next = *bucket;
    *bucket = index + 1;
}

Symbol *scope_add(Arena *a, Scope *s, Symbol symbol) {
    vec_push(a, &s->symbols, symbol);
    if (s->symbols.len > s->bucket_count) {
        s->bucket_count = s->bucket_count ? s->bucket_count * 4 : 16;
        s->bucket = NEW_ARRAY(a, uint32_t, s->bucket_count);
        for (uint32_t i = 0; i < s->symbols.len; i++) scope_link(s, i);
    } else {
        scope_link(s, s->symbols.len - 1);
    }
    return &s->symbols.at[s->symbols.len - 1];
}

void scope_truncate(Scope *s, uint32_t len) {
    while (s->symbols.len > len) { /* the last symbol is the first of its bucket */
        const Symbol *last = &s->symbols.at[--s->symbols.len];
        s->bucket[name_bucket(s, last->name)] = last->next;
    }
}

Scope *lower_open_scope(Lower *L) {
    return L->spare.len ? L->spare.at[--L->spare.len] : NEW(L->arena, Scope);
}

void lower_close_scope(Lower *L, Scope *s) {
    scope_truncate(s, 0);
    vec_push(L->arena, &L->spare, s);
}

/* ---- What a name means ------------------------------------------------------------------------ */

Function *lower_find_function(Lower *L, const Module *from, const char *name) {
    const Symbol *s = scope_find(&from->fn_names, name);
    if (s) return &((Module *)(uintptr_t)from)->fns.at[(uint32_t)s->value.number];
    return from->prelude ? NULL : lower_find_function(L, &L->prelude, name);
}

/* The latest symbol of a chain that was bound up to `seq`: a chain of n is searched in about log n steps.
 * Source: Myers, An applicative random-access stack, 1983. */
static const Symbol *older_than(const Symbol *s, uint32_t seq) {
    while (s && s->seq > seq)
        s = s->much_older && s->much_older->seq > seq ? s->much_older : s->older;
    return s;
}

/* Puts s behind what takes its name over. */
static void keep_older(Symbol *to, Symbol *older) {
    const Symbol *jump = older->much_older;
    bool same =
        jump && jump->much_older && older->age - jump->age == jump->age - jump->much_older->age;
    to->older = older;
    to->age = older->age + 1;
    to->much_older = same ? jump->much_older : older;
}

const Symbol *lower_find_symbol(Lower *L, const char *name) {
    Frame *f = L->frame;
    if (f->scope != &f->module->top) {
        const Symbol *local = scope_find(f->scope, name);
        if (local) return local;
    }
    const Symbol *s = scope_find(&f->module->top, name);
    return older_than(s, f->seq_limit);
}

static const char *join(Lower *L, const char *head, const char *tail) {
    if (!head[0]) return tail;
    return names_str(L->names, arena_printf(L->arena, "%s.%s", head, tail));
}

static void loops_append(Text *t, const Loop *loop) {
    if (!loop) return;
    loops_append(t, loop->outer);
    text_printf(t, "[%d]", loop->index);
}

static void path_append(Text *t, const Path *p) {
    if (p->parent && !p->root) {
        path_append(t, p->parent);
        text_puts(t, ".");
    }
    text_puts(t, p->name);
    loops_append(t, p->loops);
}

const char *lower_path_text(Lower *L, const Path *p, Ident name) {
    Text t;
    text_init(&t, L->arena);
    if (p) {
        path_append(&t, p);
        if (name.name) text_puts(&t, ".");
    }
    if (name.name) {
        text_puts(&t, name.name);
        loops_append(&t, L->frame->loops);
    }
    return t.len ? names_add(L->names, t.at, t.len) : names_str(L->names, "");
}

static uint32_t find_full_path(Lower *L, const char *path) {
    const Symbol *s = scope_find(&L->paths, path);
    if (!s && L->known_paths) s = scope_find(L->known_paths, path);
    return s ? s->var : NO_VAR;
}

uint32_t lower_find_path(Lower *L, const char *name) {
    for (const Path *p = L->path; p; p = p->root ? NULL : p->parent) {
        const char *head = lower_path_text(L, p, (Ident){0});
        uint32_t var = find_full_path(L, join(L, head, name));
        if (var != NO_VAR) return var;
    }
    return find_full_path(L, name);
}

static bool builtin_value(Lower *L, const char *name, Value *out) {
    static const struct {
        const char *name;
        double value;
    } numbers[] = {{"inf", INFINITY}, {"nan", NAN}, {"pi", 3.141592653589793}};
    if (!strcmp(name, "true") || !strcmp(name, "false"))
        return *out = (Value){.kind = VALUE_BOOL, .flag = name[0] == 't'}, true;
    if (!strcmp(name, "training"))
        return *out = (Value){.kind = VALUE_BOOL, .flag = L->training}, true;
    if (!strcmp(name, "step")) return *out = tensor_value(lower_read(L, lower_step(L))), true;
    if (!strcmp(name, "global_norm") && L->minimizing) return *out = lower_global_norm(L), true;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (!strcmp(name, numbers[i].name))
            return *out = number_value(numbers[i].value, true), true;
    }
    DType t;
    if (dtype_find(name, &t)) return *out = (Value){.kind = VALUE_DTYPE, .dtype = t}, true;
    if (L->init_shape && (!strcmp(name, "fan_in") || !strcmp(name, "fan_out"))) {
        /* Dense weights are [in, out]; filters are [out, in, window...]. */
        const Shape *s = L->init_shape;
        double in = s->rank > 0 ? s->dim[0] : 1, window = 1;
        double to = s->rank > 1 ? s->dim[1] : in;
        for (int i = 2; i < s->rank; i++) window *= s->dim[i];
        if (s->rank > 2) {
            double swap = in;
            in = to * window;
            to = swap * window;
        }
        return *out = number_value(name[4] == 'i' ? in : to, false), true;
    }
    return false;
}

Value lower_name(Lower *L, const Expr *e) {
    const Symbol *s = lower_find_symbol(L, e->name);
    Value v;
    if (s) return s->var != NO_VAR ? tensor_value(lower_read(L, s->var)) : s->value;
    uint32_t var = lower_find_path(L, e->name);
    if (var != NO_VAR) return tensor_value(lower_read(L, var));
    if (builtin_value(L, e->name, &v)) return v;
    if (lower_find_function(L, L->frame->module, e->name)) {
        Function *fn = lower_find_function(L, L->frame->module, e->name);
        return (Value){.kind = VALUE_FN, .fn = fn};
    }
    if (lower_find_builtin(e->name, &(Builtin){0}))
        return (Value){.kind = VALUE_BUILTIN, .string = e->name};
    if (strpbrk(e->name, ".[:") && !L->report_missing_paths) {
        L->missing_path = true; /* a later line may declare it: this pass is made again */
        return ERROR_VALUE;
    }
    lower_unknown_name(L, e->name, e->span);
    return ERROR_VALUE;
}

/* ---- Binding ---------------------------------------------------------------------------------- */

static void declared_twice(Lower *L, const char *name, Span at, Span first) {
    Diag *d = lower_error(L, E0202, at, "`%s` is declared already", name);
    lower_point(L, d, first, "first here");
}

static void set_symbol(Lower *L, Frame *f, Symbol *s, Symbol to) {
    Module *m = f->module;
    if (f->scope == &m->top &&
        s->seq <= m->last_fn_seq) { /* a function may still mean the old one */
        Symbol *older = NEW(L->arena, Symbol);
        *older = *s;
        keep_older(&to, older);
    } else {
        to.older = s->older;
        to.much_older = s->much_older;
        to.age = s->age;
    }
    to.next = s->next;
    *s = to;
}

void lower_bind(Lower *L, Ident target, Value value, bool rename) {
    Frame *f = L->frame;
    Symbol symbol = {
        .name = target.name, .value = value, .var = NO_VAR, .span = target.span, .seq = ++L->seq};
    if (strchr(target.name, '.')) {
        lower_error(L, E0205, target.span, "`%s` cannot be bound: a dotted name is a param's",
                    target.name);
        return;
    }
    Symbol *s = scope_find(f->scope, target.name);
    if (s && s->declared) {
        Diag *d = lower_error(L, E0202, target.span, "`%s` is declared and cannot be bound again",
                              target.name);
        lower_point(L, d, s->span, "declared here");
        if (s->var != NO_VAR)
            diag_help(L->diags, d, "to change a variable, write `%s <- ...` in an entry's block",
                      target.name);
        return;
    }
    if (!lower_scan_keeps(L, s, target)) return;
    if (f->kind == FRAME_TOP && !f->module->prelude) {
        const Symbol *fn = scope_find(&L->user.fn_names, target.name);
        if (fn) {
            declared_twice(L, target.name, target.span, fn->span);
            return;
        }
    }
    if (value.kind == VALUE_TENSOR && rename && !f->module->prelude) {
        Node *n = node_at(L->g, value.node);
        bool outermost = f->kind == FRAME_TOP || f->kind == FRAME_BLOCK;
        if (n->op != OP_VAR && n->op != OP_CONST && (outermost || !n->name)) n->name = target.name;
        /* Of a name that is bound again, as in a loop, the last value keeps it. */
        Node *before = s && s->value.kind == VALUE_TENSOR && s->value.node != value.node
                           ? node_at(L->g, s->value.node)
                           : NULL;
        if (before && before->name == target.name && before->op != OP_VAR) before->name = NULL;
    }
    if (s)
        set_symbol(L, f, s, symbol);
    else
        scope_add(L->arena, f->scope, symbol);
}

Value lower_own(Lower *L, Value v, const Expr *e) {
    if (!L->named || L->frame->module->prelude || (e && e->kind == EXPR_NAME)) return v;
    if (v.kind == VALUE_TENSOR && dtype_is_float((DType)node_at(L->g, v.node)->dtype))
        return tensor_value(node_named(L->g, v.node));
    if (v.kind != VALUE_TUPLE) return v;
    bool each = e && e->kind == EXPR_TUPLE && e->list.len == v.count;
    Value *items = NEW_ARRAY(L->arena, Value, v.count + 1);
    for (uint32_t i = 0; i < v.count; i++)
        items[i] = lower_own(L, v.items[i], each ? e->list.at[i] : NULL);
    return (Value){.kind = VALUE_TUPLE, .items = items, .count = v.count};
}

void lower_declare(Lower *L, Ident name, Value value, uint32_t var) {
    Frame *f = L->frame;
    Symbol symbol = {.name = name.name,
                     .value = value,
                     .var = var,
                     .declared = true,
                     .span = name.span,
                     .seq = ++L->seq};
    const Symbol *before = scope_find(f->scope, name.name);
    if (!before && f->kind == FRAME_TOP) before = scope_find(&f->module->fn_names, name.name);
    /* A `for` declares anew in each iteration; its scope ends with the iteration. */
    if (before) {
        declared_twice(L, name.name, name.span, before->span);
        return;
    }
    scope_add(L->arena, f->scope, symbol);
}

/* ---- Errors ----------------------------------------------------------------------------------- */

typedef VEC(const char *) Candidates;

static void candidates_of(Lower *L, const Scope *s, Candidates *out) {
    for (uint32_t i = 0; i < s->symbols.len && out->len < 10000; i++)
        vec_push(L->arena, out, s->symbols.at[i].name);
}

/* "h.dense.w" for "h.w": a path that begins and ends alike. */
static const char *similar_path(Lower *L, const char *name) {
    const char *dot = strrchr(name, '.');
    if (!dot) return NULL;
    size_t head = strcspn(name, ".[");
    const Scope *known = L->known_paths ? L->known_paths : &L->paths;
    for (uint32_t i = 0; i < known->symbols.len; i++) {
        const char *path = known->symbols.at[i].name, *end = strrchr(path, '.');
        if (end && !strcmp(end, dot) && !strncmp(path, name, head) && strchr(".[", path[head]))
            return path;
    }
    return NULL;
}

/* Tells of a name that the body of a loop bound. */
static bool ended_with_iteration(Lower *L, Diag *d, const Stmt *s, const char *name) {
    bool scan = s->kind == STMT_SCAN;
    if (!scan && s->kind != STMT_FOR) return false;
    for (uint32_t i = 0; i < s->body.len; i++) {
        const Stmt *b = s->body.at[i];
        for (uint32_t k = 0; b->kind == STMT_BIND && k < b->targets.len; k++) {
            if (b->targets.at[k].name != name) continue;
            lower_point(L, d, b->targets.at[k].span, "it ends with the iteration");
            diag_help(L->diags, d,
                      scan ? "`yield %s` gives its values of all iterations; carried, its last one"
                           : "bind `%s` before the `for`, which then rebinds it",
                      name);
            return true;
        }
    }
    return false;
}

/* Whether an entry calls one of its outputs so, which is no binding. */
static bool is_output(Lower *L, Diag *d, const Ast *ast, const char *name) {
    for (uint32_t i = 0; i < ast->items.len; i++) {
        const Stmt *s = ast->items.at[i];
        for (uint32_t k = 0; s->kind == STMT_ENTRY && k < s->outputs.len; k++) {
            const NamedValue *output = &s->outputs.at[k];
            if (output->name.name != name) continue;
            lower_point(L, d, output->name.span, "an output has this name, which is no binding");
            diag_help(L->diags, d, "write `%s = ...` on a line of its own, above the entry", name);
            return true;
        }
    }
    return false;
}

void lower_unknown_name(Lower *L, const char *name, Span at) {
    if (lower_planned(L, name, at)) return;
    Diag *d = lower_error(L, E0201, at, "nothing is called `%s` here", name);
    Frame *f = L->frame;
    const Symbol *below = scope_find(&f->module->top, name);
    Candidates c = {0};
    if (below) {
        lower_point(L, d, below->span,
                    "this one is below the function, which sees what is above it");
        return;
    }
    for (uint32_t i = 0; i < f->module->ast->items.len; i++) {
        const Stmt *s = f->module->ast->items.at[i];
        if (f->kind != FRAME_FN && ended_with_iteration(L, d, s, name)) return;
        for (uint32_t k = 0; s->kind == STMT_CONST && k < s->values.len; k++) {
            if (s->values.at[k].name.name != name) continue;
            lower_point(L, d, s->values.at[k].name.span, "it is made here, after its use");
            return;
        }
        Ident target = s->kind == STMT_BIND && s->targets.len == 1 ? s->targets.at[0] : s->name;
        if (target.name == name && s->kind != STMT_ENTRY) {
            lower_point(L, d, target.span, "it is made here, below its use");
            return;
        }
    }
    if (is_output(L, d, f->module->ast, name)) return;
    if (!strcmp(name, "fan_in") || !strcmp(name, "fan_out")) {
        diag_note(L->diags, d, "fan_in and fan_out are known in an initialiser (after `~`) only");
        return;
    }
    const char *dot = strrchr(name, '.');
    if (dot && !strcmp(dot, ".T")) diag_help(L->diags, d, "a transpose is written `x'`");
    if (dot && !strcmp(dot, ".shape"))
        diag_help(L->diags, d, "sizes are `rows(x)`, `cols(x)` and `dim(x, axis)`");
    if (d->help) return;
    if (!strcmp(name, "global_norm"))
        diag_note(L->diags, d, "global_norm is known inside an optimizer only");
    if (f->scope != &f->module->top) candidates_of(L, f->scope, &c);
    candidates_of(L, &f->module->top, &c);
    candidates_of(L, L->known_paths ? L->known_paths : &L->paths, &c);
    if (!L->in_columns) candidates_of(L, &L->user.fn_names, &c);
    if (!L->in_columns) candidates_of(L, &L->prelude.fn_names, &c);
    static const char *const special[] = {"training", "step", "true", "false", "inf", "nan", "pi"};
    for (size_t i = 0; i < COUNT_OF(special); i++) vec_push(L->arena, &c, special[i]);
    const char *near = diag_nearest(L->arena, name, c.at, c.len);
    if (!near) near = similar_path(L, name);
    const char *habit = habit_name(name);
    if (L->in_columns && !near)
        diag_help(L->diags, d,
                  "a column is a number, from 0; by their names columns are given by --data "
                  "INPUT=FILE:%s",
                  name);
    else if (L->sizing && !near)
        diag_help(L->diags, d, "a size is a number or a const: write `const %s = 64` above", name);
    else if (habit)
        diag_help(L->diags, d, "%s", habit);
    else if (near)
        diag_help(L->diags, d, "did you mean `%s`?", near);
    else if (L->updating)
        diag_help(L->diags, d, "%s", lower_state_help(L, name, L->updating));
    else if (source_after_slashes(L->diags->sources, at))
        diag_help(L->diags, d, "a comment begins with `#`; `//` divides and rounds down");
}

/* The innermost call that stands in the user's file, or NULL. */
static const Frame *user_call(const Lower *L) {
    for (const Frame *f = L->frame; f; f = f->caller) {
        if (f->fn && f->call_span.file != L->prelude.file) return f;
    }
    return NULL;
}

static void note_calls(Lower *L, Diag *d, const Frame *from) {
    int told = 0;
    for (const Frame *f = from; f && told < 3; f = f->caller) {
        uint32_t line, column;
        if (!f->fn || f->fn->prelude) continue;
        source_place(L->diags->sources, f->call_span, &line, &column);
        diag_note(L->diags, d, "in `%s`, called at %s:%u", f->fn->name,
                  L->diags->sources->files.at[f->call_span.file].name, line);
        told++;
    }
}

/* What a function of the prelude was given by the user: its inside is not what the user knows. */
static void note_arguments(Lower *L, Diag *d, const Frame *call) {
    Text t;
    text_init(&t, L->arena);
    const Params *params = &call->fn->stmt->params;
    for (uint32_t i = 0; i < params->len; i++) {
        const Symbol *s = scope_find(call->scope, params->at[i].name.name);
        if (!s || s->value.kind == VALUE_ERROR || s->span.file == L->prelude.file) continue;
        text_printf(&t, "%s%s is ", t.len ? ", " : "", s->name);
        if (s->value.kind == VALUE_NUMBER)
            text_printf(&t, "%g", s->value.number);
        else
            text_puts(&t, lower_kind_text(L, &s->value));
    }
    if (t.len) diag_note(L->diags, d, "in `%s`, %s", call->fn->name, t.at);
}

Diag *lower_error(Lower *L, DiagCode code, Span at, const char *fmt, ...) {
    va_list args;
    Text t;
    if (L->fatal) return NEW(L->arena, Diag); /* what follows from a passed limit is not told */
    va_start(args, fmt);
    text_init(&t, L->arena);
    text_vprintf(&t, fmt, args);
    va_end(args);
    L->errors++;
    const Frame *call = user_call(L);
    Diag *d;
    if (L->prelude.ast && at.file == L->prelude.file && call) {
        d = diag_error(L->diags, code, call->call_span, "%s", t.at);
        if (code != E0703) /* an assertion says all in its message */
            diag_span(L->diags, d, at, "in the prelude's `%s`", call->fn->name);
        note_arguments(L, d, call);
        note_calls(L, d, call->caller);
    } else {
        d = diag_error(L->diags, code, at, "%s", t.at);
        note_calls(L, d, L->frame);
    }
    if (L->overrides.len && L->entry && L->entry->name)
        diag_note(L->diags, d, "in the entry `%s`, with its own constants", L->entry->name);
    if (L->diags->errors > L->diags->max_errors) L->fatal = true; /* no more are kept */
    return d;
}

void lower_point(Lower *L, Diag *d, Span at, const char *fmt, ...) {
    va_list args;
    Text t;
    if (L->prelude.ast && at.file == L->prelude.file) return;
    va_start(args, fmt);
    text_init(&t, L->arena);
    text_vprintf(&t, fmt, args);
    va_end(args);
    diag_span(L->diags, d, at, "%s", t.at);
}

const char *lower_kind_text(Lower *L, const Value *v) {
    static const char *const text[] = {
        [VALUE_ERROR] = "an error",       [VALUE_NONE] = "nothing",
        [VALUE_NUMBER] = "a number",      [VALUE_BOOL] = "true or false",
        [VALUE_TUPLE] = "several values", [VALUE_DTYPE] = "a type",
        [VALUE_STRING] = "a string",      [VALUE_FN] = "a function",
        [VALUE_BUILTIN] = "a function",   [VALUE_INIT] = "an initial value",
    };
    if (v->kind == VALUE_TENSOR) { /* as in a declaration: "f32[2, 3]" */
        Text t;
        const Node *n = node_at(L->g, v->node);
        text_init(&t, L->arena);
        text_puts(&t, dtype_name((DType)n->dtype));
        for (int i = 0; i < n->shape.rank; i++)
            text_printf(&t, "%s%d", i ? ", " : "[", n->shape.dim[i]);
        if (n->shape.rank) text_puts(&t, "]");
        return t.at;
    }
    return text[v->kind];
}

static const char *operand_name(Lower *L, const Operand *x) {
    if (!x->expr) return "the operand";
    if (x->expr->kind == EXPR_NAME) return x->expr->name;
    const Source *src = &L->diags->sources->files.at[x->expr->span.file];
    uint32_t len = x->expr->span.end - x->expr->span.begin;
    const char *text = src->text + x->expr->span.begin;
    if (memchr(text, '\n', len)) return "this";
    if (len > 40) return arena_printf(L->arena, "%.*s...", 36, text);
    return arena_strndup(L->arena, text, len);
}

const char *lower_describe(Lower *L, const Operand *x) {
    const char *name = operand_name(L, x);
    if (x->value.kind != VALUE_TENSOR)
        return arena_printf(L->arena, "`%s` is %s", name, lower_kind_text(L, &x->value));
    Text t;
    text_init(&t, L->arena);
    const Shape *s = &node_at(L->g, x->value.node)->shape;
    text_printf(&t, "`%s` is ", name);
    if (s->rank == 0)
        text_puts(&t, "one number");
    else if (s->rank == 1)
        text_printf(&t, "a vector of %d", s->dim[0]);
    else
        text_shape(&t, s);
    return t.at;
}

void lower_point_origins(Lower *L, Diag *d, const Operand *x, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (x[i].value.kind != VALUE_TENSOR || !x[i].expr || x[i].expr->kind != EXPR_NAME) continue;
        if (i > 0 && x[0].expr && x[0].expr->name == x[i].expr->name) continue;
        const Symbol *s = lower_find_symbol(L, x[i].expr->name);
        uint32_t var = s ? s->var : lower_find_path(L, x[i].expr->name);
        Span from = s ? s->span : var != NO_VAR ? L->program->vars.at[var].span : x[i].span;
        const char *named = var != NO_VAR ? lower_named_type(L, var) : NULL;
        if (named)
            lower_point(L, d, from, "`%s` is %s, from here", x[i].expr->name, named);
        else
            lower_point(L, d, from, "%s, from here", lower_describe(L, &x[i]));
    }
}

bool lower_limit(Lower *L, Span at) {
    if (L->fatal) return false;
    uint64_t nodes = L->nodes + L->g->nodes.len;
    if (++L->steps <= LOWER_MAX_STEPS && nodes <= LOWER_MAX_NODES) return true;
    if (nodes > LOWER_MAX_NODES)
        lower_error(L, E0602, at, "the graphs of the program have more than %d nodes here",
                    LOWER_MAX_NODES);
    else
        lower_error(L, E0602, at, "more than %d expressions were computed when unrolled this far",
                    LOWER_MAX_STEPS);
    L->fatal = true;
    return false;
}

void lower_enter(Lower *L, Span at) {
    if (++L->depth <= LOWER_MAX_DEPTH || L->fatal) return;
    lower_error(L, E0107, at, "calls and expressions nest more than %d deep", LOWER_MAX_DEPTH);
    L->fatal = true;
}

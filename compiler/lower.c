/* lower: the door from the syntax tree to a Program, and entries. Each entry elaborates all items
 * afresh; entries that override no const go first, so that their shapes are everybody's; an entry
 * without updates that reads batches of a data source is elaborated once more for a batch of 1.
 *
 * A pass over the items is made again when a dotted name (`h.w`) stood above its declaration, when
 * `training` turns out otherwise than it looked, or when a gradient is taken by a binding: then each
 * binding is a node of its own, which no identity of the builders bypasses.
 *
 * Requires: the tree of a file without syntax errors. Establishes: graphs whose nodes fit
 * (graph_verify); every Variable and Entry as ir.h describes them. */
#include "lower.h"

#include <math.h>
#include <stdlib.h>

/* ---- Modules ---------------------------------------------------------------------------------- */

static void collect_functions(Lower *L, Module *m) {
    for (uint32_t i = 0; i < m->ast->items.len; i++) {
        const Stmt *s = m->ast->items.at[i];
        if (s->kind != STMT_FN && s->kind != STMT_OPTIMIZER) continue;
        const Symbol *first = scope_find(&m->fn_names, s->name.name);
        if (first) {
            Diag *d =
                diag_error(L->diags, E0202, s->name.span, "`%s` is declared already", s->name.name);
            diag_span(L->diags, d, first->span, "first here");
            continue;
        }
        for (uint32_t k = 0; k < s->params.len; k++) {
            for (uint32_t j = 0; j < k; j++) {
                if (s->params.at[j].name.name != s->params.at[k].name.name) continue;
                Diag *d = diag_error(L->diags, E0202, s->params.at[k].name.span,
                                     "`%s` has two arguments called `%s`", s->name.name,
                                     s->params.at[k].name.name);
                diag_span(L->diags, d, s->params.at[j].name.span, "first here");
            }
        }
        Symbol symbol = {.name = s->name.name,
                         .var = NO_VAR,
                         .span = s->name.span,
                         .value = number_value(m->fns.len, false)};
        scope_add(L->arena, &m->fn_names, symbol);
        vec_push(L->arena, &m->fns,
                 (Function){s, s->name.name, m->prelude, UINT32_MAX, false, false});
    }
}

static void open_module(Lower *L, Module *m, const Ast *ast, bool prelude) {
    static const Ast empty;
    *m = (Module){.ast = ast ? ast : &empty, .prelude = prelude};
    m->file = ast ? ast->file : UINT32_MAX;
    for (uint32_t i = 0; i < m->ast->items.len; i++) {
        Stmt *s = m->ast->items.at[i];
        if (s->kind != STMT_ENTRY) vec_push(L->arena, &m->items, s);
        if (s->kind == STMT_PARAM && !scope_find(&m->param_names, s->name.name))
            scope_add(L->arena, &m->param_names, (Symbol){.name = s->name.name});
    }
    collect_functions(L, m);
}

/* ---- -D name=value ---------------------------------------------------------------------------- */

static void read_defines(Lower *L) {
    const CompileOptions *o = L->options;
    Span at = {.file = NO_FILE};
    for (size_t i = 0; o && i < o->define_count; i++) {
        const char *text = o->defines[i], *eq = strchr(text, '=');
        const char *value = eq ? eq + 1 : "";
        Override d = {.span = at};
        char *end = NULL;
        d.number_is_bool = !strcmp(value, "true") || !strcmp(value, "false");
        d.number = d.number_is_bool ? value[0] == 't' : strtod(value, &end);
        d.real = strpbrk(value, ".eE") != NULL;
        bool plain = d.number_is_bool || !value[strspn(value, "0123456789.eE+-")];
        if (!eq || eq == text || !*value || !plain || (end && *end) || !isfinite(d.number)) {
            Diag *diag = diag_error(L->diags, E0206, at, "`-D %s` sets nothing", text);
            diag_help(L->diags, diag, "write `-D name=number`, such as `-D batch=128`");
            continue;
        }
        d.name = names_add(L->names, text, (size_t)(eq - text));
        bool again = false;
        for (uint32_t k = 0; k < L->defines.len; k++) again |= L->defines.at[k].name == d.name;
        if (again)
            diag_error(L->diags, E0202, at, "-D sets `%s` twice", d.name);
        else
            vec_push(L->arena, &L->defines, d);
    }
}

/* The consts that there are, the first of many. */
static const char *consts_text(Lower *L, const char *const *names, uint32_t n) {
    enum { MOST = 8 };
    const char *text = n ? "" : "the file has no const at its top level";
    for (uint32_t i = 0; i < n && i < MOST; i++)
        text = arena_printf(L->arena, "%s%s`%s`", text, i ? ", " : "its consts are ", names[i]);
    return n > MOST ? arena_printf(L->arena, "%s and %u more", text, n - MOST) : text;
}

/* Reports overrides that no const took. */
static void check_overrides(Lower *L, const Override *list, uint32_t n, const char *what) {
    VEC(const char *) c = {0};
    for (uint32_t i = 0; i < L->program->consts.len; i++)
        vec_push(L->arena, &c, L->program->consts.at[i].name);
    for (uint32_t i = 0; i < n; i++) {
        if (list[i].used) continue;
        Diag *d = diag_error(L->diags, E0206, list[i].span,
                             "%s sets `%s`, and no const is called so", what, list[i].name);
        const char *near = diag_nearest(L->arena, list[i].name, c.at, c.len);
        if (near)
            diag_help(L->diags, d, "did you mean `%s`?", near);
        else
            diag_help(L->diags, d, "%s", consts_text(L, c.at, c.len));
    }
}

/* ---- One elaboration -------------------------------------------------------------------------- */

/* Whether a block looks as if it updates a param: to be confirmed by elaborating it. */
static bool looks_training(const Module *m, const Stmts *block) {
    for (uint32_t i = 0; i < block->len; i++) {
        const Stmt *s = block->at[i];
        if (s->kind == STMT_MINIMIZE) return true;
        if (s->kind == STMT_IF || s->kind == STMT_FOR) {
            if (looks_training(m, &s->body) || looks_training(m, &s->orelse)) return true;
        }
        if (s->kind != STMT_UPDATE) continue;
        if (scope_find(&m->param_names, s->name.name) || strchr(s->name.name, '.')) return true;
    }
    return false;
}

static void run_items(Lower *L, Module *m) {
    Frame frame = {.kind = FRAME_TOP, .module = m, .seq_limit = UINT32_MAX, .scope = &m->top};
    L->frame = &frame;
    lower_stmts(L, &m->items);
}

static void begin(Lower *L, Entry *e, bool training) {
    graph_init(&e->graph, L->arena);
    e->outputs.len = e->updates.len = e->derivatives.len = 0;
    L->g = &e->graph;
    L->entry = e;
    L->training = training;
    L->updates_param = L->missing_path = L->variant_failed = false;
    L->paths = (Scope){0};
    L->order.len = 0;
    L->iterations = L->depth = L->nesting = L->seq = 0;
    L->path = NULL;
    L->loop = 0;
    L->draws = (Scope){0};
    L->no_declarations = NULL;
    L->elaboration++;
    for (uint32_t i = 0; i < L->vars.len; i++) {
        L->vars.at[i].current = NO_NODE;
        L->vars.at[i].updated = false;
    }
    Module *modules[] = {&L->prelude, &L->user};
    for (int m = 0; m < 2; m++) {
        modules[m]->top = (Scope){0};
        modules[m]->last_fn_seq = 0;
        for (uint32_t i = 0; i < modules[m]->fns.len; i++) modules[m]->fns.at[i].seq = UINT32_MAX;
    }
}

static void lower_output(Lower *L, Entry *e, const NamedValue *o) {
    Operand x = {lower_expr(L, o->value), o->value, o->value->span};
    const char *name = o->name.name                  ? o->name.name
                       : o->value->kind == EXPR_NAME ? o->value->name
                                                     : NULL;
    NodeId id;
    if (x.value.kind == VALUE_ERROR) return;
    if (!name) {
        Diag *d = lower_error(L, E0205, x.span, "this output has no name");
        diag_help(L->diags, d, "write `name = ...`");
        return;
    }
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        if (e->outputs.at[i].name != name) continue;
        lower_error(L, E0202, o->name.name ? o->name.span : x.span,
                    "the entry has two outputs called `%s`", name);
        return;
    }
    if (!lower_any_tensor(L, &x, &id)) return;
    vec_push(L->arena, &e->outputs, (Output){name, id});
}

/* Outputs are those before the updates. */
static void run_entry(Lower *L, Entry *e, const Stmt *s) {
    Frame top = {
        .kind = FRAME_TOP, .module = &L->user, .seq_limit = UINT32_MAX, .scope = &L->user.top};
    Scope locals = {0};
    NodeId *current = NEW_ARRAY(L->arena, NodeId, L->vars.len + 1);
    uint32_t n = L->vars.len;
    L->frame = &top;
    L->no_declarations = "an output of an entry";
    for (uint32_t i = 0; i < n; i++) {
        current[i] = L->vars.at[i].current;
        L->vars.at[i].current = NO_NODE;
    }
    for (uint32_t i = 0; i < s->outputs.len; i++) {
        L->g->span = s->outputs.at[i].value->span;
        lower_output(L, e, &s->outputs.at[i]);
    }
    for (uint32_t i = 0; i < n; i++) L->vars.at[i].current = current[i];
    L->no_declarations = "the block of an entry";
    Frame block = {
        .kind = FRAME_BLOCK, .module = &L->user, .seq_limit = UINT32_MAX, .scope = &locals};
    L->frame = &block;
    lower_stmts(L, &s->body);
    L->no_declarations = NULL;
}

static Entry *elaborate_once(Lower *L, const Stmt *s, bool training) {
    Entry *e = NEW(L->arena, Entry);
    if (s) {
        e->name = s->name.name;
        e->span = s->span;
    }
    begin(L, e, training);
    run_items(L, &L->prelude);
    run_items(L, &L->user);
    if (s) run_entry(L, e, s);
    L->nodes += e->graph.nodes.len;
    return e;
}

/* Elaborates the items and, unless s is NULL, the entry, as often as it takes. NULL after errors. */
static Entry *elaborate(Lower *L, const Stmt *s, const char *variant) {
    bool training = s && looks_training(&L->user, &s->body);
    bool settled = false;
    uint32_t errors = L->errors, declared = 0;
    L->variant = variant;
    L->known_paths = NULL;
    L->report_missing_paths = L->named = false;
    for (;;) {
        Entry *e = elaborate_once(L, s, training);
        if (L->again) { /* what was reported is reported again, and told once */
            L->again = L->fatal = false;
            L->named = true;
            continue;
        }
        if (L->errors != errors || L->fatal) return NULL;
        if (L->missing_path) {
            Scope *known = NEW(L->arena, Scope);
            *known = L->paths;
            L->report_missing_paths = L->known_paths && L->order.len <= declared;
            L->known_paths = known;
            declared = L->order.len;
        } else if (s && L->updates_param != training && !settled) {
            training = L->updates_param;
            settled = true;
        } else {
            return e;
        }
    }
}

/* ---- Entries ---------------------------------------------------------------------------------- */

/* Which variables an entry's outputs and updates read. */
static bool *variables_read(Lower *L, const Entry *e) {
    const Graph *g = &e->graph;
    bool *need = NEW_ARRAY(L->arena, bool, g->nodes.len + 1);
    bool *read = NEW_ARRAY(L->arena, bool, L->program->vars.len + 1);
    for (uint32_t i = 0; i < e->outputs.len; i++) need[e->outputs.at[i].node] = true;
    for (uint32_t i = 0; i < e->updates.len; i++) need[e->updates.at[i].node] = true;
    for (NodeId id = g->nodes.len; id-- > 0;) {
        const Node *n = node_at(g, id);
        if (!need[id]) continue;
        for (uint32_t i = 0; i < n->argc; i++) need[n->args[i]] = true;
        if (n->op == OP_VAR) read[n->attr[0]] = true;
    }
    return read;
}

/* All sources of an entry must have one count of samples (E0702). The const that names it in every
 * one of them, or NULL. */
static const char *common_batch(Lower *L, const Entry *e) {
    const bool *read = variables_read(L, e);
    const Variable *first = NULL;
    const char *name = NULL;
    for (uint32_t i = 0; i < L->program->vars.len; i++) {
        const Variable *v = &L->program->vars.at[i];
        if (!read[i] || v->kind != VAR_INPUT || !v->source.path) continue;
        if (!first) {
            first = v;
            name = L->vars.at[i].batch_const;
            continue;
        }
        if (v->shape.dim[v->source.axis] != first->shape.dim[first->source.axis]) {
            Diag *d = diag_error(
                L->diags, E0702, v->span, "`%s` takes %d sample%s a run, and `%s` takes %d",
                v->name, v->shape.dim[v->source.axis], v->shape.dim[v->source.axis] == 1 ? "" : "s",
                first->name, first->shape.dim[first->source.axis]);
            diag_span(L->diags, d, first->span, "`%s` is declared here", first->name);
            diag_note(L->diags, d, "the entry `%s` reads both", e->name);
            return NULL;
        }
        if (name != L->vars.at[i].batch_const) name = NULL;
    }
    return name;
}

static void set_overrides(Lower *L, const Stmt *s) {
    L->overrides.len = 0;
    for (uint32_t i = 0; s && i < s->values.len; i++) {
        const NamedValue *v = &s->values.at[i];
        bool again = false;
        for (uint32_t k = 0; k < i && !again; k++) {
            if (s->values.at[k].name.name != v->name.name) continue;
            again = true;
            Diag *d = diag_error(L->diags, E0202, v->name.span, "`%s` is set twice", v->name.name);
            diag_span(L->diags, d, s->values.at[k].name.span, "first here");
        }
        if (again) continue; /* it is told, and the first counts */
        vec_push(L->arena, &L->overrides,
                 (Override){.name = v->name.name, .value = v->value, .span = v->name.span});
    }
}

/* The entry once more with a batch of 1; NULL when the model does not allow it. */
static Entry *elaborate_single(Lower *L, const Stmt *s, const char *batch) {
    Diags *diags = L->diags, quiet;
    uint32_t vars = L->program->vars.len;
    uint64_t steps = L->steps, nodes = L->nodes;
    diags_init(&quiet, L->arena, diags->sources);
    L->diags = &quiet;
    vec_push(L->arena, &L->overrides, (Override){.name = batch, .number = 1, .span = s->name.span});
    Entry *e = elaborate(L, s, "1");
    if (e && !L->variant_failed && e->updates.len == 0) {
        e->variant = "1";
        common_batch(L, e);
    }
    if (!e || L->variant_failed || e->updates.len || quiet.errors) {
        L->program->vars.len = L->vars.len = vars;
        scope_truncate(&L->var_index, vars);
        if (L->step_var != NO_VAR && L->step_var >= vars) L->step_var = NO_VAR;
        if (L->seed_var != NO_VAR && L->seed_var >= vars) L->seed_var = NO_VAR;
        L->nodes = nodes;
        e = NULL;
    }
    L->diags = diags;
    L->fatal = false;
    L->steps = steps;
    return e;
}

typedef struct Elaborated {
    Entry *entry, *single;
} Elaborated;

static void lower_entry(Lower *L, const Stmt *s, Elaborated *out) {
    set_overrides(L, s);
    uint32_t errors = L->diags->errors;
    Entry *e = elaborate(L, s, s->values.len ? s->name.name : NULL);
    if (!L->fatal) check_overrides(L, L->overrides.at, L->overrides.len, "the entry's `with`");
    if (!e || L->diags->errors != errors) return;
    if (e->outputs.len == 0 && e->updates.len == 0) {
        diag_error(L->diags, E0209, s->name.span,
                   "the entry `%s` has no outputs and updates nothing", s->name.name);
        return;
    }
    out->entry = e;
    const char *batch = common_batch(L, e);
    const Symbol *c = batch ? scope_find(&L->user.top, batch) : NULL;
    if (!c || e->updates.len || L->diags->errors != errors) return;
    if (c->value.kind != VALUE_NUMBER || c->value.number == 1) return;
    out->single = elaborate_single(L, s, batch);
}

/* Every entry that updates a param is a step. */
static void count_steps(Lower *L) {
    if (L->step_var == NO_VAR) return;
    const Variable *step = &L->program->vars.at[L->step_var];
    for (uint32_t i = 0; i < L->program->entries.len; i++) {
        Entry *e = L->program->entries.at[i];
        bool trains = false;
        for (uint32_t k = 0; k < e->updates.len; k++)
            trains = trains || L->program->vars.at[e->updates.at[k].var].kind == VAR_PARAM;
        if (!trains) continue;
        e->graph.span = e->span;
        NodeId now = node_var(&e->graph, L->step_var, DT_I32, &step->shape);
        NodeId next = node_ew(&e->graph, OP_ADD, now, node_const(&e->graph, DT_I32, 1), NO_NODE);
        vec_push(L->arena, &e->updates, (Update){L->step_var, next});
    }
}

static void lower_entries(Lower *L) {
    const Stmts *items = &L->user.ast->items;
    VEC(const Stmt *) entries = {0};
    Scope names = {0};
    bool plain = false;
    for (uint32_t i = 0; i < items->len; i++) {
        const Stmt *s = items->at[i];
        if (s->kind != STMT_ENTRY) continue;
        const Symbol *first = scope_find(&names, s->name.name);
        if (first) {
            Diag *d = diag_error(L->diags, E0202, s->name.span, "there are two entries `%s`",
                                 s->name.name);
            diag_span(L->diags, d, first->span, "first here");
            continue;
        }
        scope_add(L->arena, &names, (Symbol){.name = s->name.name, .span = s->name.span});
        vec_push(L->arena, &entries, s);
        plain = plain || s->values.len == 0;
    }
    if (!plain) { /* the shapes that everybody has come from the items alone */
        set_overrides(L, NULL);
        elaborate(L, NULL, NULL);
    }
    Elaborated *done = NEW_ARRAY(L->arena, Elaborated, entries.len + 1);
    for (int with = 0; with < 2; with++) {
        for (uint32_t i = 0; i < entries.len && !L->fatal; i++) {
            if ((entries.at[i]->values.len != 0) == with) lower_entry(L, entries.at[i], &done[i]);
        }
    }
    if (!L->fatal) check_overrides(L, L->defines.at, L->defines.len, "-D");
    if (entries.len == 0 && L->diags->errors == 0) {
        Diag *d = diag_error(L->diags, E0209, (Span){.file = L->user.file},
                             "the program has no entry, so there is nothing to compile");
        diag_help(L->diags, d, "say what it computes: `entry predict -> y`");
    }
    for (uint32_t i = 0; i < entries.len; i++) {
        if (done[i].entry) vec_push(L->arena, &L->program->entries, done[i].entry);
        if (done[i].single) vec_push(L->arena, &L->program->entries, done[i].single);
    }
}

/* A function is looked at when it is called: what is never called may hold anything. */
static void warn_uncalled(Lower *L) {
    for (uint32_t i = 0; i < L->user.fns.len; i++) {
        const Function *fn = &L->user.fns.at[i];
        if (fn->called) continue;
        Diag *d =
            diag_warning(L->diags, W0101, fn->stmt->name.span, "`%s` is never used", fn->name);
        diag_note(L->diags, d,
                  "its body was not checked: a function is elaborated where it is used");
    }
}

/* "samples/digits.dlg" -> "digits"; a character that is no letter, digit or underscore of ASCII becomes '_', and a name
 * that has no letter or digit is none: "model". */
static const char *model_name(Arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    char *name = arena_strndup(arena, slash ? slash + 1 : path, strlen(slash ? slash + 1 : path));
    char *dot = strrchr(name, '.');
    if (dot && dot != name) *dot = 0;
    bool named = false;
    char *to = name;
    for (const char *c = name; *c; c++) {
        bool plain =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (((unsigned char)*c & 0xC0) == 0x80) continue; /* of the character that began before */
        *to++ = plain ? *c : '_';
        named = named || plain;
    }
    *to = 0;
    return named ? name : "model";
}

Program *lower_program(Arena *arena, Names *names, Diags *diags, const struct Ast *prelude,
                       const struct Ast *ast, const struct CompileOptions *options) {
    Lower *L = NEW(arena, Lower);
    Program *p = NEW(arena, Program);
    *L = (Lower){.arena = arena,
                 .names = names,
                 .diags = diags,
                 .program = p,
                 .options = options,
                 .step_var = NO_VAR,
                 .seed_var = NO_VAR};
    p->arena = arena;
    open_module(L, &L->prelude, prelude, true);
    open_module(L, &L->user, ast, false);
    p->path = diags->sources->files.at[ast->file].name;
    p->model = model_name(arena, p->path);
    for (uint32_t i = 0; i < ast->numbers.len; i++) {
        const Expr *e = ast->numbers.at[i];
        vec_push(arena, &p->numbers, (SourceNumber){e->span, e->number});
    }
    read_defines(L);
    lower_entries(L);
    if (diags->errors || L->fatal) return NULL;
    warn_uncalled(L);
    count_steps(L);
    return p;
}

/* lower_var: declarations of inputs, params and states: their types and shapes, their full names,
 * their initial values, where their data comes from; and reading them.
 *
 * Establishes: Program.vars holds each variable once, whatever the number of entries that elaborate
 * its declaration; a param has one shape everywhere; an input or state whose shape an entry changes
 * has a Variable of that entry's own (variant). */
#include "habit.h"
#include "lower.h"

#include <math.h>

/* ---- Types ------------------------------------------------------------------------------------ */

static bool lower_dtype(Lower *L, const Ident *name, DType *out) {
    const char *known[DT_COUNT];
    for (int t = 0; t < DT_COUNT; t++) known[t] = dtype_name((DType)t);
    if (dtype_find(name->name, out)) return true;
    Diag *d = lower_error(L, E0301, name->span, "`%s` is not a type", name->name);
    const char *near = diag_nearest(L->arena, name->name, known, COUNT_OF(known));
    const char *meant = habit_type(name->name);
    if (meant)
        diag_help(L->diags, d, "write `%s`", meant);
    else if (near)
        diag_help(L->diags, d, "did you mean `%s`?", near);
    else
        diag_help(L->diags, d, "the types are " DTYPE_NAMES);
    return false;
}

static bool lower_type(Lower *L, const TypeExpr *type, DType *t, Shape *s) {
    *s = (Shape){0};
    bool ok = lower_dtype(L, &type->dtype, t);
    for (uint32_t i = 0; i < type->dims.len; i++) {
        const Expr *e = type->dims.at[i];
        L->sizing = true;
        Operand x = {lower_expr(L, e), e, e->span};
        L->sizing = false;
        if (x.value.kind == VALUE_ERROR) {
            ok = false;
            continue;
        }
        if (x.value.kind != VALUE_NUMBER) {
            lower_error(L, E0302, e->span, "a size must be known at compile time, and this is %s",
                        lower_kind_text(L, &x.value));
            ok = false;
            continue;
        }
        double v = x.value.number;
        if (!lower_is_whole(v)) {
            lower_error(L, E0303, e->span, "a size must be a whole number, and this is %g", v);
            ok = false;
        } else if (v < 1 || v > MAX_ELEMS) {
            lower_error(L, E0405, e->span, "a size must be from 1 to %d, and this is %.0f",
                        MAX_ELEMS, v);
            ok = false;
        } else if (s->rank == MAX_RANK) {
            lower_error(L, E0402, type->span, "a tensor has at most %d axes, and this has %u",
                        MAX_RANK, type->dims.len);
            return false;
        } else {
            s->dim[s->rank++] = (int32_t)v;
        }
    }
    return ok && lower_check_shape(L, s, type->span);
}

/* ---- Initial values --------------------------------------------------------------------------- */

/* Computes a node that depends on no variable, on the host. NULL when it depends on one. */
static const double *compute_constant(Lower *L, NodeId id) {
    Graph part = {.arena = L->arena, .loops.at = L->g->loops.at, .loops.len = L->g->loops.len};
    bool *need = NEW_ARRAY(L->arena, bool, id + 1);
    NodeId *copy = NEW_ARRAY(L->arena, NodeId, id + 1);
    need[id] = true;
    for (NodeId i = id + 1; i-- > 0;) {
        const Node *n = node_at(L->g, i);
        if (need[i] && n->op == OP_VAR) return NULL;
        for (uint32_t k = 0; need[i] && k < n->argc; k++) need[n->args[k]] = true;
    }
    for (NodeId i = 0; i <= id; i++) {
        if (!need[i]) continue;
        Node n = *node_at(L->g, i);
        n.args = NEW_ARRAY(L->arena, NodeId, n.argc + 1);
        for (uint32_t k = 0; k < n.argc; k++) n.args[k] = copy[node_at(L->g, i)->args[k]];
        copy[i] = part.nodes.len;
        vec_push(L->arena, &part.nodes, n);
    }
    double **results = NEW_ARRAY(L->arena, double *, part.nodes.len);
    interp_run(&part, L->arena, NULL, results);
    return results[copy[id]];
}

/* The values of a node that is known at compile time, or false. One number is for every element. */
static bool constant_values(Lower *L, NodeId id, Variable *v) {
    v->init = INIT_CONSTANT;
    if (node_uniform(L->g, id, &v->a)) return true;
    v->values = compute_constant(L, id);
    if (!v->values) return false;
    if (node_at(L->g, id)->shape.rank == 0)
        v->a = v->values[0];
    else
        v->init = INIT_LITERAL;
    return true;
}

static bool values_fit(Lower *L, const Variable *v, Span at) {
    int64_t n = v->init == INIT_CONSTANT ? 1 : shape_elems(&v->shape);
    for (int64_t i = 0; i < n; i++) {
        double x = v->init == INIT_CONSTANT ? v->a : v->values[i];
        if (!lower_in_range(L, v->dtype, x, at)) return false;
        if (v->dtype == DT_BOOL && x != 0 && x != 1) {
            lower_error(L, E0301, at, "a bool is wanted, and %g is neither true nor false", x);
            return false;
        }
    }
    return true;
}

const char *lower_type_text(Lower *L, const Variable *v) {
    Text t;
    text_init(&t, L->arena);
    text_puts(&t, dtype_name(v->dtype));
    for (int i = 0; i < v->shape.rank; i++)
        text_printf(&t, "%s%d", i ? ", " : "[", v->shape.dim[i]);
    if (v->shape.rank) text_puts(&t, "]");
    return t.at;
}

const char *lower_named_type(Lower *L, uint32_t var) {
    const Variable *v = &L->program->vars.at[var];
    const Exprs *dims = var < L->vars.len ? L->vars.at[var].dims : NULL;
    bool named = false;
    Text t;
    text_init(&t, L->arena);
    text_puts(&t, dtype_name(v->dtype));
    for (uint32_t i = 0; dims && i < v->shape.rank && i < dims->len; i++) {
        const Expr *e = dims->at[i];
        bool name = e->kind == EXPR_NAME;
        text_printf(&t, "%s%s%s%d", i ? ", " : "[", name ? e->name : "", name ? " = " : "",
                    v->shape.dim[i]);
        named = named || name;
    }
    text_puts(&t, "]");
    return named ? t.at : NULL;
}

/* The values as the variable's type holds them. */
static void round_values(Lower *L, Variable *v) {
    if (!dtype_is_storage(v->dtype)) return;
    v->a = dtype_cast(v->dtype, v->a);
    if (v->init != INIT_LITERAL) return;
    int64_t n = shape_elems(&v->shape);
    double *rounded = NEW_ARRAY(L->arena, double, n);
    for (int64_t i = 0; i < n; i++) rounded[i] = dtype_cast(v->dtype, v->values[i]);
    v->values = rounded;
}

/* `= value`: a number, or a tensor that is known at compile time, of the declared shape. */
static bool init_value(Lower *L, Variable *v, const Operand *x, bool typed) {
    if (x->value.kind == VALUE_NUMBER || x->value.kind == VALUE_BOOL) {
        v->init = INIT_CONSTANT;
        v->a = x->value.kind == VALUE_BOOL ? x->value.flag : x->value.number;
        if (!typed && x->value.kind == VALUE_BOOL) v->dtype = DT_BOOL;
        if (!values_fit(L, v, x->span)) return false;
        round_values(L, v);
        return true;
    }
    if (x->value.kind != VALUE_TENSOR) {
        lower_error(L, E0301, x->span, "an initial value is a number or a tensor, and this is %s",
                    lower_kind_text(L, &x->value));
        return false;
    }
    const Node *n = node_at(L->g, x->value.node);
    if (!typed) v->dtype = (DType)n->dtype, v->shape = n->shape;
    if (n->shape.rank != 0 && !shape_equal(&n->shape, &v->shape)) {
        Diag *d = lower_error(L, E0401, x->span,
                              "shapes do not match: `%s` is %s, and its initial value is %s",
                              v->name, lower_type_text(L, v), lower_kind_text(L, &x->value));
        lower_point(L, d, v->span, "declared here");
        return false;
    }
    if (!constant_values(L, x->value.node, v)) {
        Diag *d =
            lower_error(L, E0302, x->span,
                        "an initial value must be known at compile time, and this is computed");
        diag_note(L->diags, d, "it depends on an input, a param or a state");
        return false;
    }
    if (!values_fit(L, v, x->span)) return false;
    round_values(L, v);
    return true;
}

static bool lower_init(Lower *L, const Stmt *s, Variable *v, bool typed) {
    if (!s->value) {
        Diag *d = lower_error(L, E0205, s->name.span, "`%s` wants an initial value", s->name.name);
        diag_help(L->diags, d, s->kind == STMT_PARAM ? "`= 0`, or `~ glorot()`" : "`= 0`");
        return false;
    }
    const Shape *saved = L->init_shape;
    if (s->tilde) L->init_shape = &v->shape;
    L->initial = true;
    Operand x = {lower_expr(L, s->value), s->value, s->value->span};
    L->init_shape = saved;
    L->initial = false;
    if (x.value.kind == VALUE_ERROR) return false;
    if (x.value.kind == VALUE_FN || x.value.kind == VALUE_BUILTIN) {
        Diag *d =
            lower_error(L, E0301, x.span, "an initial value is wanted, and this is a function");
        if (s->value->kind == EXPR_NAME)
            diag_help(L->diags, d, "call it: `~ %s(...)`", s->value->name);
        return false;
    }
    if (x.value.kind != VALUE_INIT) return init_value(L, v, &x, typed);
    if (!dtype_is_float(v->dtype)) {
        lower_error(L, E0301, x.span, "random initial values are floats, and `%s` is %s", v->name,
                    dtype_name(v->dtype));
        return false;
    }
    v->init = x.value.init;
    v->a = x.value.a;
    v->b = x.value.b;
    return true;
}

/* ---- Sources ---------------------------------------------------------------------------------- */

static bool option_number(Lower *L, const Expr *e, const char *what, int32_t *out) {
    Operand x = {lower_expr(L, e), e, e->span};
    return lower_whole(L, &x, what, 0, MAX_ELEMS, out);
}

static bool column_number(Lower *L, const Expr *e, int32_t *out) {
    L->in_columns = true;
    bool ok = option_number(L, e, "a column", out);
    L->in_columns = false;
    return ok;
}

static bool source_columns(Lower *L, const SourceOption *o, DataSource *d) {
    d->what = "columns";
    if (o->range && (!o->value || !o->to)) {
        lower_error(L, E0701, o->name.span,
                    "columns are written `columns FIRST:END`, or `columns N`");
        return false;
    }
    if (!o->value || !column_number(L, o->value, &d->begin)) {
        if (!o->value) lower_error(L, E0701, o->name.span, "which columns? `columns 0:64`");
        return false;
    }
    d->single = !o->range;
    d->end = d->begin + 1;
    if (!o->range) return true;
    if (!column_number(L, o->to, &d->end)) return false;
    if (d->end <= d->begin) {
        lower_error(L, E0701, span_join(o->value->span, o->to->span), "no columns from %d to %d",
                    d->begin, d->end);
        return false;
    }
    return true;
}

static bool source_option(Lower *L, const SourceOption *o, DataSource *d) {
    static const char *const known[] = {"columns", "axis", "chars", "bytes"};
    const char *name = o->name.name;
    if (!strcmp(name, "columns")) return source_columns(L, o, d);
    if (!strcmp(name, "axis")) {
        if (o->value && !o->range) return option_number(L, o->value, "an axis", &d->axis);
        lower_error(L, E0701, o->name.span, "which axis? `axis 1`");
        return false;
    }
    if (!strcmp(name, "chars") || !strcmp(name, "bytes")) {
        if (o->value) {
            lower_error(L, E0701, o->value->span, "`%s` takes no number", name);
            return false;
        }
        d->what = name;
        return true;
    }
    Diag *diag = lower_error(L, E0701, o->name.span, "`%s` is nothing that a source has", name);
    const char *near = diag_nearest(L->arena, name, known, COUNT_OF(known));
    if (near)
        diag_help(L->diags, diag, "did you mean `%s`?", near);
    else
        diag_help(L->diags, diag, "columns, axis, chars or bytes");
    return false;
}

/* Each option once; and of columns, chars and bytes only one. */
static bool option_repeated(Lower *L, const SourceClause *source, uint32_t i) {
    const Ident *name = &source->options.at[i].name;
    for (uint32_t k = 0; k < i; k++) {
        const Ident *before = &source->options.at[k].name;
        if (name->name != before->name &&
            (!strcmp(name->name, "axis") || !strcmp(before->name, "axis")))
            continue;
        Diag *d = name->name == before->name
                      ? lower_error(L, E0701, name->span, "`%s` is given twice", name->name)
                      : lower_error(L, E0701, name->span, "`%s` and `%s` exclude each other",
                                    before->name, name->name);
        lower_point(L, d, before->span, "first here");
        return true;
    }
    return false;
}

static bool lower_source(Lower *L, const Stmt *s, Variable *v) {
    DataSource *d = &v->source;
    if (!s->source.present) return true;
    *d = (DataSource){.path = s->source.path, .what = ""};
    if (!*d->path) {
        lower_error(L, E0701, s->source.span, "a source needs the name of a file");
        return false;
    }
    for (uint32_t i = 0; i < s->source.options.len; i++) {
        if (option_repeated(L, &s->source, i)) return false;
        if (!source_option(L, &s->source.options.at[i], d)) return false;
    }
    if (v->shape.rank == 0 || d->axis >= v->shape.rank) {
        Diag *diag =
            lower_error(L, E0701, s->source.span, "`%s` has %d axes, and its sample axis is %d",
                        v->name, v->shape.rank, d->axis);
        diag_note(L->diags, diag, "the sample axis counts the rows of a batch: `f32[batch, 64]`");
        return false;
    }
    int64_t row = shape_elems(&v->shape) / v->shape.dim[d->axis];
    int64_t have = (int64_t)d->end - d->begin;
    if (!strcmp(d->what, "columns") && row != have) {
        Diag *diag = lower_error(L, E0701, s->source.span,
                                 "`%s` takes %lld number%s a row, and the source gives %lld",
                                 v->name, (long long)row, row == 1 ? "" : "s", (long long)have);
        lower_point(L, diag, s->type.span, "its type");
        if (v->shape.rank == 1)
            diag_help(L->diags, diag,
                      "the first axis counts the rows of a batch: `%s : %s[batch, %lld]`", v->name,
                      dtype_name(v->dtype), (long long)have);
        return false;
    }
    if (d->what[0] && strcmp(d->what, "columns") != 0 && dtype_counts_as(v->dtype) != DT_I32) {
        lower_error(L, E0701, s->source.span,
                    "%s are numbered: the input must be i32 or u8, not %s", d->what,
                    dtype_name(v->dtype));
        return false;
    }
    return true;
}

/* The const that alone names the sample axis, or NULL. */
static const char *batch_const(Lower *L, const Stmt *s, const Variable *v) {
    if (!v->source.path || (uint32_t)v->source.axis >= s->type.dims.len) return NULL;
    const Expr *e = s->type.dims.at[v->source.axis];
    if (e->kind != EXPR_NAME) return NULL;
    const Symbol *c = scope_find(&L->user.top, e->name);
    return c && c->declared && c->var == NO_VAR ? e->name : NULL;
}

/* ---- Registering ------------------------------------------------------------------------------ */

static uint32_t find_variable(Lower *L, const char *name, const char *variant) {
    const char *key =
        variant ? names_str(L->names, arena_printf(L->arena, "%s@%s", name, variant)) : name;
    const Symbol *s = scope_find(&L->var_index, key);
    return s ? s->var : NO_VAR;
}

uint32_t lower_add_variable(Lower *L, const Variable *v) {
    uint32_t var = L->program->vars.len;
    Symbol symbol = {.name = v->name, .var = var};
    if (v->variant)
        symbol.name = names_str(L->names, arena_printf(L->arena, "%s@%s", v->name, v->variant));
    vec_push(L->arena, &L->program->vars, *v);
    vec_push(L->arena, &L->vars, (VarInfo){.current = NO_NODE});
    scope_add(L->arena, &L->var_index, symbol);
    return var;
}

static bool same_variable(const Variable *a, const Variable *b) {
    return a->kind == b->kind && a->dtype == b->dtype && shape_equal(&a->shape, &b->shape);
}

/* The variable of that name, of this entry's own where its shape is not everybody's. */
static uint32_t register_variable(Lower *L, Variable *v) {
    uint32_t var = find_variable(L, v->name, NULL);
    if (var == NO_VAR) return lower_add_variable(L, v);
    const Variable *base = &L->program->vars.at[var];
    if (same_variable(base, v)) return var;
    if (v->kind == VAR_PARAM || base->kind != v->kind || !L->variant) {
        Diag *d = lower_error(L, E0401, v->span, "`%s` is %s here, and %s in another entry",
                              v->name, lower_type_text(L, v), lower_type_text(L, base));
        diag_note(L->diags, d,
                  "entries share their params: an entry's `with` cannot change their shapes");
        return NO_VAR;
    }
    if (!strcmp(L->variant, "1") && v->kind == VAR_STATE) {
        L->variant_failed = true;
        return NO_VAR;
    }
    v->variant = L->variant;
    var = find_variable(L, v->name, v->variant);
    if (var == NO_VAR) return lower_add_variable(L, v);
    if (same_variable(&L->program->vars.at[var], v)) return var;
    L->variant_failed = true;
    return NO_VAR;
}

void lower_variable(Lower *L, const Stmt *s) {
    Variable v = {.kind = s->kind == STMT_INPUT   ? VAR_INPUT
                          : s->kind == STMT_PARAM ? VAR_PARAM
                                                  : VAR_STATE,
                  .span = s->name.span};
    bool typed = s->type.dtype.name != NULL;
    bool ok = true;
    v.name = lower_path_text(L, L->path, s->name);
    if (L->no_declarations) {
        Diag *d = lower_error(L, E0205, s->name.span, "`%s` would be declared in %s", v.name,
                              L->no_declarations);
        diag_help(L->diags, d, "bind the call to a name above the entry, and use that name here");
        ok = false;
    } else if (L->minimizing && v.kind == VAR_PARAM) {
        lower_error(L, E0205, s->name.span, "an optimizer declares no params: it keeps `state`");
        ok = false;
    } else if (!typed && (v.kind == VAR_INPUT || s->tilde)) {
        lower_error(L, E0205, s->name.span, "`%s` wants a type: `%s : f32[...]`", s->name.name,
                    s->name.name);
        ok = false;
    } else if (typed) {
        ok = lower_type(L, &s->type, &v.dtype, &v.shape);
    }
    if (ok && v.kind == VAR_PARAM && !dtype_is_float(v.dtype)) {
        Diag *d = lower_error(L, E0301, s->type.dtype.name ? s->type.dtype.span : s->name.span,
                              "a param is trained, and so f32, f16 or bf16; this is %s",
                              dtype_name(v.dtype));
        diag_help(L->diags, d, "`state` holds what is not trained");
        ok = false;
    }
    if (ok && v.kind == VAR_INPUT) ok = lower_source(L, s, &v);
    if (ok && v.kind != VAR_INPUT) ok = lower_init(L, s, &v, typed);
    if (ok && !strcmp(v.name, "step")) {
        lower_error(L, E0202, s->name.span, "`step` is the built-in counter of training steps");
        ok = false;
    }
    const Symbol *before = ok ? scope_find(&L->paths, v.name) : NULL;
    if (before && !scope_find(L->frame->scope, s->name.name)) {
        Diag *d = lower_error(L, E0207, s->name.span, "there are two params `%s`", v.name);
        lower_point(L, d, before->span, "the first is made here");
        diag_help(L->diags, d,
                  "bind each call to a name of its own: a param's name begins with it");
        ok = false;
    }
    uint32_t var = ok && !before ? register_variable(L, &v) : NO_VAR;
    if (var != NO_VAR) {
        L->vars.at[var].batch_const = batch_const(L, s, &v);
        L->vars.at[var].dims = s->type.dims.len == v.shape.rank ? &s->type.dims : NULL;
        Symbol path = {.name = v.name, .var = var, .span = L->g->span};
        scope_add(L->arena, &L->paths, path);
        vec_push(L->arena, &L->order, var);
    }
    lower_declare(L, s->name, ERROR_VALUE, var);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

NodeId lower_var_node(Lower *L, uint32_t var) {
    const Variable *v = &L->program->vars.at[var];
    Span span = L->g->span;
    L->g->span = v->span;
    NodeId id = node_var(L->g, var, v->dtype, &v->shape);
    L->g->span = span;
    node_at(L->g, id)->name = v->name;
    return id;
}

NodeId lower_read(Lower *L, uint32_t var) {
    NodeId id = L->vars.at[var].current;
    return id != NO_NODE ? id : lower_var_node(L, var);
}

uint32_t lower_step(Lower *L) {
    if (L->step_var == NO_VAR) {
        Variable v = {.kind = VAR_STATE,
                      .name = names_str(L->names, "step"),
                      .dtype = DT_I32,
                      .init = INIT_CONSTANT,
                      .span = L->g->span};
        L->step_var = lower_add_variable(L, &v);
    }
    return L->step_var;
}

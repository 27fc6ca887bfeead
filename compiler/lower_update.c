/* lower_update: what changes variables. `w <- e`, `minimize`, the optimizers that it applies, and
 * grad(y, v).
 *
 * Lines of a block are sequential: after `w <- e` reading w gives e. Bindings made above keep what
 * they read; grad(y, w) means w at the entry's start. */
#include "lower.h"

/* ---- grad(y, v) ------------------------------------------------------------------------------- */

/* The tensor that is differentiated: an f32 of rank 0. */
static bool scalar_of(Lower *L, const Expr *e, const char *what, NodeId *out) {
    Operand x = {lower_expr(L, e), e, e->span};
    if (x.value.kind == VALUE_ERROR) return false;
    if (x.value.kind != VALUE_TENSOR) {
        lower_error(L, E0501, e->span, "%s is %s, which depends on nothing", what,
                    lower_kind_text(L, &x.value));
        return false;
    }
    const Node *n = node_at(L->g, x.value.node);
    if (n->shape.rank != 0) {
        Diag *d = lower_error(L, E0502, e->span, "%s must be one number: %s", what,
                              lower_describe(L, &x));
        lower_point_origins(L, d, &x, 1);
        diag_help(L->diags, d, "take mean(...) or sum(...) of it");
        return false;
    }
    if (!dtype_is_float((DType)n->dtype)) {
        lower_error(L, E0301, e->span, "%s must be f32, and this is %s", what,
                    dtype_name((DType)n->dtype));
        return false;
    }
    return *out = lower_counted(L, x.value.node), true;
}

/* What a gradient is taken with respect to: a variable's value at the start, or a binding. */
static bool target_of(Lower *L, const Expr *e, NodeId *out) {
    if (e->kind != EXPR_NAME) {
        Diag *d = lower_error(L, E0505, e->span, "a gradient is taken with respect to a name");
        diag_help(L->diags, d, "bind the expression: `h = ...`, and write grad(y, h)");
        return false;
    }
    const Symbol *s = lower_find_symbol(L, e->name);
    uint32_t var = s ? s->var : lower_find_path(L, e->name);
    Value v = var != NO_VAR ? tensor_value(lower_var_node(L, var)) : lower_expr(L, e);
    if (v.kind == VALUE_ERROR || L->fatal) return false;
    if (v.kind != VALUE_TENSOR || !dtype_is_float((DType)node_at(L->g, v.node)->dtype)) {
        Diag *d = lower_error(L, E0505, e->span, "`%s` is %s, and has no gradient", e->name,
                              lower_kind_text(L, &v));
        if (s) lower_point(L, d, s->span, "from here");
        diag_note(L->diags, d, "an f32, f16 or bf16 input, param, state or binding has");
        return false;
    }
    if (var == NO_VAR && !L->named) {
        L->again = L->fatal = true;
        return false;
    }
    return *out = v.node, true;
}

/* Where y does depend on what its gradient is taken by, says what lets none through; false: it does not. */
static bool point_barrier(Lower *L, Diag *d, NodeId y, const NodeId *wrt, uint32_t n) {
    static const struct {
        Op op;
        const char *what, *help;
    } barriers[] = {
        {OP_ARGMAX, "`argmax` gives a place, which has no gradient",
         "minimize a loss of the logits themselves, `mean(cross_entropy(logits, y))`; what "
         "`argmax` "
         "gives, as `accuracy`, is for an output beside it"},
        {OP_FLOOR, "`floor` has no gradient: it is flat between its steps", NULL},
        {OP_CAST, "whole numbers have no gradient", NULL},
        {OP_STOP, "`stop_gradient` lets none through", NULL},
    };
    NodeId at = grad_barrier(L->g, y, wrt, n);
    if (at == NO_NODE) return false;
    const Node *node = node_at(L->g, at);
    const char *what = "a comparison has no gradient";
    const char *help = "`where(condition, a, b)` passes the gradients of a and b on";
    for (size_t i = 0; i < COUNT_OF(barriers); i++) {
        if (barriers[i].op != node->op) continue;
        what = barriers[i].what;
        help = barriers[i].help;
    }
    lower_point(L, d, node->span, "%s", what);
    if (help) diag_help(L->diags, d, "%s", help);
    return true;
}

static bool differentiate(Lower *L, NodeId y, const NodeId *wrt, uint32_t n, NodeId *out, Span at) {
    if (grad_build(L->g, y, wrt, n, out)) {
        for (uint32_t i = 0; i < n && L->entry; i++) {
            if (out[i] == NO_NODE) continue;
            vec_push(L->arena, &L->entry->derivatives, (Derivative){y, wrt[i], out[i]});
        }
        return true;
    }
    Diag *d =
        lower_error(L, E0406, at,
                    "for this gradient a `scan` has to keep a value of each iteration that would "
                    "have more than %d elements, or %d axes",
                    MAX_ELEMS, MAX_RANK);
    diag_help(L->diags, d, "fewer iterations at once, or smaller values in the loop");
    return false;
}

Value lower_grad(Lower *L, const Expr *e) {
    uint32_t n = e->args.len > 0 ? e->args.len - 1 : 0;
    NodeId y, *wrt = NEW_ARRAY(L->arena, NodeId, n + 1), *out = NEW_ARRAY(L->arena, NodeId, n + 1);
    bool ok = true;
    for (uint32_t i = 0; i < e->args.len; i++) {
        if (!e->args.at[i].name) continue;
        lower_error(L, E0203, e->args.at[i].name_span, "`grad` takes no named arguments");
        return ERROR_VALUE;
    }
    if (n == 0) {
        Diag *d =
            lower_error(L, E0203, e->span, "`grad` wants what is differentiated, and by what");
        diag_help(L->diags, d, "grad(loss, w), or grad(loss, w, b) for two");
        return ERROR_VALUE;
    }
    ok = scalar_of(L, e->args.at[0].value, "what is differentiated", &y);
    for (uint32_t i = 0; i < n; i++) ok = target_of(L, e->args.at[i + 1].value, &wrt[i]) && ok;
    if (!ok) return ERROR_VALUE;
    if (!differentiate(L, y, wrt, n, out, e->span)) return ERROR_VALUE;
    Value *items = NEW_ARRAY(L->arena, Value, n);
    for (uint32_t i = 0; i < n; i++) {
        items[i] = tensor_value(out[i]);
        if (out[i] != NO_NODE) continue;
        const Expr *v = e->args.at[i + 1].value;
        Diag *d = lower_error(L, E0501, v->span, "what is differentiated has no gradient by `%s`",
                              v->name);
        Operand x = {tensor_value(wrt[i]), v, v->span};
        lower_point_origins(L, d, &x, 1);
        ok = false;
        if (point_barrier(L, d, y, &wrt[i], 1)) continue;
        diag_note(L->diags, d, "it does not depend on `%s`", v->name);
        if (node_at(L->g, wrt[i])->op == OP_NAMED)
            diag_note(L->diags, d, "what is made of an equal expression is not made of `%s`",
                      v->name);
    }
    if (!ok) return ERROR_VALUE;
    return n == 1 ? items[0] : (Value){.kind = VALUE_TUPLE, .items = items, .count = n};
}

/* ---- Updates ---------------------------------------------------------------------------------- */

static void record_update(Lower *L, uint32_t var, NodeId node, Span at) {
    VarInfo *info = &L->vars.at[var];
    const Variable *v = &L->program->vars.at[var];
    if (info->updated) {
        Diag *d = lower_error(L, E0504, at, "`%s` is updated twice", v->name);
        lower_point(L, d, info->updated_at, "first here");
        return;
    }
    info->updated = true;
    info->updated_at = at;
    info->current = lower_own(L, tensor_value(node), NULL).node;
    if (v->kind == VAR_PARAM) L->updates_param = true;
    vec_push(L->arena, &L->entry->updates, (Update){var, node});
}

static bool update_allowed(Lower *L, const Stmt *s) {
    FrameKind kind = L->frame->kind;
    if (L->loop) {
        Diag *d = lower_error(L, E0205, s->span, "an update is not allowed in a `scan`");
        diag_help(L->diags, d, "carry the value through the loop and update `%s` after it",
                  s->name.name);
        return false;
    }
    if (kind != FRAME_TOP) return true;
    Diag *d = lower_error(L, E0205, s->span, "an update is not allowed here");
    diag_help(L->diags, d, "it belongs in the block of an entry: `entry train { %s <- ... }`",
              s->name.name);
    return false;
}

const char *lower_state_help(Lower *L, const char *name, const Value *v) {
    return arena_printf(
        L->arena,
        "what is kept from run to run is declared outside of entries: `state %s : %s = 0`", name,
        v->kind == VALUE_TENSOR ? lower_kind_text(L, v) : "f32");
}

/* The param or state that is updated, by `value`; NO_VAR (reported) when it is none. */
static uint32_t update_target(Lower *L, const Stmt *s, const Value *value) {
    const Symbol *symbol = lower_find_symbol(L, s->name.name);
    uint32_t var = symbol ? symbol->var : lower_find_path(L, s->name.name);
    if (!symbol && var == NO_VAR) {
        Expr name = {.kind = EXPR_NAME, .name = s->name.name, .span = s->name.span};
        if (!strcmp(s->name.name, "step"))
            lower_error(L, E0505, s->name.span, "`step` counts by itself");
        else {
            L->updating = value;
            lower_name(L, &name);
            L->updating = NULL;
        }
        return NO_VAR;
    }
    if (symbol && var == NO_VAR && symbol->declared && symbol->value.kind == VALUE_ERROR)
        return NO_VAR;
    if (var == NO_VAR || L->program->vars.at[var].kind == VAR_INPUT) {
        const bool input = var != NO_VAR;
        Diag *d = lower_error(L, E0505, s->name.span,
                              "`%s` is %s, and only params and states are updated", s->name.name,
                              input              ? "an input"
                              : symbol->declared ? "a constant"
                                                 : "a binding");
        if (symbol) lower_point(L, d, symbol->span, "from here");
        diag_help(L->diags, d, "%s", lower_state_help(L, input ? "kept" : s->name.name, value));
        return NO_VAR;
    }
    if (L->frame->kind == FRAME_FN && L->program->vars.at[var].kind == VAR_PARAM) {
        Diag *d = lower_error(L, E0205, s->span,
                              "a function may update a state, and `%s` is a param", s->name.name);
        diag_help(L->diags, d, "params are updated in an entry's block or an optimizer");
        return NO_VAR;
    }
    return var;
}

void lower_update(Lower *L, const Stmt *s) {
    if (!update_allowed(L, s)) return;
    Operand x = {lower_expr(L, s->value), s->value, s->value->span};
    uint32_t var = update_target(L, s, &x.value);
    NodeId id;
    if (var == NO_VAR || x.value.kind == VALUE_ERROR) return;
    const Variable *v = &L->program->vars.at[var];
    DType own = x.value.kind == VALUE_TENSOR ? (DType)node_at(L->g, x.value.node)->dtype : v->dtype;
    /* A float is rounded to a float type of storage; anything else must be asked for. */
    if ((dtype_is_float(own) && !dtype_is_float(v->dtype)) ||
        (own == DT_I32 && v->dtype == DT_U8)) {
        Diag *d = lower_error(L, E0301, x.span, "`%s` is %s, and its new value is %s", v->name,
                              dtype_name(v->dtype), dtype_name(own));
        diag_help(L->diags, d, "write cast(..., %s)", dtype_name(v->dtype));
        return;
    }
    if (!lower_tensor(L, &x, v->dtype, &id)) return;
    if (x.value.kind != VALUE_TENSOR) id = node_broadcast(L->g, id, &v->shape);
    if (!shape_equal(&node_at(L->g, id)->shape, &v->shape)) {
        Diag *d = lower_error(L, E0401, x.span,
                              "shapes do not match: `%s` is %s, and its new value is %s", v->name,
                              lower_type_text(L, v), lower_kind_text(L, &x.value));
        lower_point(L, d, v->span, "declared here");
        return;
    }
    /* Inside a function of the model an update acts only in training. */
    if (L->frame->kind == FRAME_FN && !L->training) return;
    if (!L->entry) return;
    record_update(L, var, id, s->span);
}

/* ---- minimize --------------------------------------------------------------------------------- */

static bool begins_with(const char *name, const char *prefix) {
    size_t n = strlen(prefix);
    return !strncmp(name, prefix, n) && (!name[n] || name[n] == '.' || name[n] == '[');
}

/* The params of this elaboration that `over` names, or that `except` does not: all when both are left out. */
static bool chosen_params(Lower *L, const Stmt *s, bool *chosen) {
    bool ok = true;
    for (uint32_t i = 0; i < L->order.len; i++)
        chosen[i] = (s->over.len == 0 || s->except) &&
                    L->program->vars.at[L->order.at[i]].kind == VAR_PARAM;
    for (uint32_t k = 0; k < s->over.len; k++) {
        const Ident *o = &s->over.at[k];
        bool any = false;
        for (uint32_t i = 0; i < L->order.len; i++) {
            const Variable *v = &L->program->vars.at[L->order.at[i]];
            if (v->kind != VAR_PARAM || !begins_with(v->name, o->name)) continue;
            any = true;
            chosen[i] = !s->except;
        }
        if (any) continue;
        VEC(const char *) c = {0};
        Diag *d = lower_error(L, E0503, o->span, "no param is `%s` or begins with `%s.`", o->name,
                              o->name);
        for (uint32_t i = 0; i < L->order.len; i++) {
            const Variable *v = &L->program->vars.at[L->order.at[i]];
            if (v->kind == VAR_PARAM) vec_push(L->arena, &c, v->name);
        }
        const char *near = diag_nearest(L->arena, o->name, c.at, c.len);
        if (lower_find_function(L, L->frame->module, o->name))
            diag_help(L->diags, d,
                      "each call of a function makes params of its own, which have the name of the "
                      "binding that it is for");
        else if (near)
            diag_help(L->diags, d, "did you mean `%s`?", near);
        Text t;
        text_init(&t, L->arena);
        for (uint32_t i = 0; i < c.len && i < 8; i++)
            text_printf(&t, "%s%s", i ? ", " : "", c.at[i]);
        if (c.len) diag_note(L->diags, d, "the params are %s%s", t.at, c.len > 8 ? ", ..." : "");
        ok = false;
    }
    return ok;
}

static Function *optimizer_of(Lower *L, const Expr *by) {
    VEC(const char *) c = {0};
    if (by->kind != EXPR_NAME && by->kind != EXPR_CALL) {
        lower_error(L, E0503, by->span, "an optimizer is wanted after `by`: `by sgd(lr = 0.1)`");
        return NULL;
    }
    Span at = by->kind == EXPR_CALL ? by->name_span : by->span;
    Function *fn = lower_find_function(L, L->frame->module, by->name);
    if (fn && fn->stmt->kind == STMT_OPTIMIZER) {
        if (fn->stmt->params.len >= 2) return fn;
        Diag *d = lower_error(
            L, E0203, at, "the optimizer `%s` must take a param and its gradient first", fn->name);
        lower_point(L, d, fn->stmt->name.span, "defined here");
        return NULL;
    }
    Diag *d = lower_error(
        L, E0201, at, fn ? "`%s` is a function, not an optimizer" : "no optimizer is called `%s`",
        by->name);
    const Module *modules[] = {&L->user, &L->prelude};
    for (int m = 0; m < 2; m++) {
        for (uint32_t i = 0; i < modules[m]->fns.len; i++) {
            if (modules[m]->fns.at[i].stmt->kind == STMT_OPTIMIZER)
                vec_push(L->arena, &c, modules[m]->fns.at[i].name);
        }
    }
    const char *near = diag_nearest(L->arena, by->name, c.at, c.len);
    if (near) diag_help(L->diags, d, "did you mean `%s`?", near);
    return NULL;
}

/* The norm over all gradients of the `minimize` at work. */
Value lower_global_norm(Lower *L) {
    Minimize *m = (Minimize *)(uintptr_t)L->minimizing;
    if (m->norm != NO_NODE) return tensor_value(m->norm);
    NodeId total = NO_NODE;
    for (uint32_t i = 0; i < m->count; i++) {
        NodeId g = m->grads[i];
        int32_t axes[MAX_RANK];
        uint32_t rank = node_at(L->g, g)->shape.rank;
        for (uint32_t k = 0; k < rank; k++) axes[k] = (int32_t)k;
        NodeId squares = node_ew(L->g, OP_MUL, g, g, NO_NODE);
        squares = node_reduce(L->g, OP_SUM, squares, axes, rank);
        total = total == NO_NODE ? squares : node_ew(L->g, OP_ADD, total, squares, NO_NODE);
    }
    m->norm = node_ew(L->g, OP_SQRT, total, NO_NODE, NO_NODE);
    return tensor_value(m->norm);
}

/* Applies the optimizer to one (param, gradient). Its state is called "PARAM:OPTIMIZER.NAME". */
static void apply(Lower *L, Function *fn, const Expr *by, uint32_t var, NodeId g) {
    const Variable *v = &L->program->vars.at[var];
    const Params *formals = &fn->stmt->params;
    Path root = {NULL, arena_printf(L->arena, "%s:%s", v->name, fn->name), NULL, true};
    const Path *saved = L->path;
    Scope *scope = lower_open_scope(L);
    Symbol p = {.name = formals->at[0].name.name,
                .value = ERROR_VALUE,
                .var = var,
                .declared = true,
                .span = v->span,
                .seq = ++L->seq};
    Symbol grad = {.name = formals->at[1].name.name,
                   .value = lower_own(L, tensor_value(g), NULL),
                   .var = NO_VAR,
                   .span = formals->at[1].name.span,
                   .seq = ++L->seq};
    scope_add(L->arena, scope, p);
    scope_add(L->arena, scope, grad);
    L->path = &root;
    lower_call_function(L, fn, by, 2, scope);
    L->path = saved;
    lower_close_scope(L, scope);
}

void lower_minimize(Lower *L, const Stmt *s) {
    if (L->frame->kind != FRAME_BLOCK) {
        lower_error(L, E0205, s->span,
                    "`minimize` is not allowed here: it belongs in the block of "
                    "an entry");
        return;
    }
    NodeId loss;
    bool *chosen = NEW_ARRAY(L->arena, bool, L->order.len + 1);
    if (L->loop) {
        lower_error(L, E0205, s->span, "`minimize` is not allowed in a `scan`");
        return;
    }
    bool ok = scalar_of(L, s->value, "what is minimized", &loss);
    Function *fn = optimizer_of(L, s->by);
    ok = chosen_params(L, s, chosen) && ok && fn;
    if (!ok) {
        L->updates_param = true; /* it would have */
        return;
    }
    uint32_t *vars = NEW_ARRAY(L->arena, uint32_t, L->order.len + 1), n = 0, reached = 0;
    NodeId *wrt = NEW_ARRAY(L->arena, NodeId, L->order.len + 1);
    NodeId *grads = NEW_ARRAY(L->arena, NodeId, L->order.len + 1);
    for (uint32_t i = 0; i < L->order.len; i++) {
        if (!chosen[i]) continue;
        vars[n] = L->order.at[i];
        wrt[n++] = lower_var_node(L, L->order.at[i]);
    }
    if (!differentiate(L, loss, wrt, n, grads, s->value->span)) {
        L->updates_param = true;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (grads[i] == NO_NODE) continue; /* the loss does not reach it */
        vars[reached] = vars[i];
        grads[reached++] = grads[i];
    }
    if (reached == 0) {
        Diag *d =
            lower_error(L, E0503, s->value->span, "what is minimized has no gradient by any param");
        if (!point_barrier(L, d, loss, wrt, n) && n > 0)
            diag_note(L->diags, d, "it depends on none%s",
                      s->over.len ? " of those that are chosen" : "");
        if (n == 0)
            diag_note(L->diags, d,
                      s->except ? "`except` leaves none" : "the program declares none");
        L->updates_param = true;
        return;
    }
    Minimize m = {grads, reached, NO_NODE};
    const char *saved = L->no_declarations;
    L->minimizing = &m;
    L->no_declarations = NULL;
    for (uint32_t i = 0; i < reached && !L->fatal; i++) {
        uint32_t errors = L->errors;
        apply(L, fn, s->by, vars[i], grads[i]);
        if (L->errors != errors) break; /* the same for every param */
    }
    L->no_declarations = saved;
    L->minimizing = NULL;
}

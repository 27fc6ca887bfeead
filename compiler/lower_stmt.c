/* lower_stmt: statements, in the order of the program. `for` unrolls, `if` chooses, a binding gives
 * its name to the path of what is declared under it. */
#include "lower.h"

static bool not_here(Lower *L, Span at, const char *what, const char *where) {
    lower_error(L, E0205, at, "%s is not allowed here: it belongs %s", what, where);
    return false;
}

/* A const of the user's top level may be set by -D or by an entry's `with`. */
static Override *find_override(Lower *L, const char *name) {
    for (uint32_t i = L->overrides.len; i-- > 0;) {
        if (L->overrides.at[i].name == name) return &L->overrides.at[i];
    }
    for (uint32_t i = L->defines.len; i-- > 0;) {
        if (L->defines.at[i].name == name) return &L->defines.at[i];
    }
    return NULL;
}

static void keep_const(Lower *L, const char *name, const Value *v) {
    if (L->overrides.len || L->frame->module->prelude) return;
    if (scope_find(&L->const_names, name)) return;
    scope_add(L->arena, &L->const_names, (Symbol){.name = name});
    double value = v->kind == VALUE_BOOL ? v->flag : v->number;
    vec_push(L->arena, &L->program->consts, (ConstValue){name, value});
}

static void lower_const_stmt(Lower *L, const Stmt *s) {
    bool top = L->frame->kind == FRAME_TOP && !L->frame->loops && !L->loop;
    for (uint32_t i = 0; i < s->values.len; i++) {
        const NamedValue *c = &s->values.at[i];
        Override *o = top && !L->frame->module->prelude ? find_override(L, c->name.name) : NULL;
        Value v;
        if (o) o->used = true;
        if (o && !o->value)
            v = o->number_is_bool ? (Value){.kind = VALUE_BOOL, .flag = o->number != 0}
                                  : number_value(o->number, o->real);
        else
            v = lower_expr(L, o ? o->value : c->value);
        if (v.kind != VALUE_NUMBER && v.kind != VALUE_BOOL && v.kind != VALUE_ERROR) {
            const Expr *value = o && o->value ? o->value : c->value;
            Diag *d = lower_error(L, E0302, value->span,
                                  "a const is a number known at compile time, and this is %s",
                                  lower_kind_text(L, &v));
            diag_help(L->diags, d, "for a tensor write a binding: `%s = ...`", c->name.name);
            v = ERROR_VALUE;
        }
        if (top && v.kind != VALUE_ERROR) keep_const(L, c->name.name, &v);
        lower_declare(L, c->name, v, NO_VAR);
    }
}

static void lower_function_stmt(Lower *L, const Stmt *s) {
    Module *m = L->frame->module;
    const Symbol *symbol = scope_find(&m->fn_names, s->name.name);
    Function *fn = symbol ? &m->fns.at[(uint32_t)symbol->value.number] : NULL;
    if (L->frame->kind != FRAME_TOP || L->nesting > 1) {
        not_here(L, s->span, s->kind == STMT_FN ? "a function" : "an optimizer",
                 "at the top level, outside `for`, `scan` and `if`");
        return;
    }
    if (!fn || fn->stmt != s) return; /* a second of its name: reported when they were collected */
    fn->seq = m->last_fn_seq = ++L->seq;
}

static void lower_bind_stmt(Lower *L, const Stmt *s) {
    const Path *saved = L->path;
    const Ident *first = &s->targets.at[0];
    Path path = {saved, first->name, L->frame->loops, false};
    L->path = &path;
    Value v = lower_own(L, lower_expr(L, s->value), s->value);
    L->path = saved;
    bool rename = s->value && s->value->kind != EXPR_NAME;
    if (v.kind == VALUE_NONE) {
        Diag *d = lower_error(L, E0208, s->value->span, "this gives no value to bind");
        lower_help_missing_value(L, d, &v, s->value);
        v = ERROR_VALUE;
    }
    if (s->targets.len == 1) {
        lower_bind(L, *first, v, rename);
        return;
    }
    if (v.kind != VALUE_ERROR && (v.kind != VALUE_TUPLE || v.count != s->targets.len)) {
        lower_error(L, E0208, s->span, "%u names, and %u value%s", s->targets.len,
                    v.kind == VALUE_TUPLE ? v.count : 1u,
                    v.kind == VALUE_TUPLE && v.count != 1 ? "s" : "");
        v = ERROR_VALUE;
    }
    for (uint32_t i = 0; i < s->targets.len; i++)
        lower_bind(L, s->targets.at[i], v.kind == VALUE_TUPLE ? v.items[i] : ERROR_VALUE, rename);
}

static void lower_for(Lower *L, const Stmt *s) {
    Operand from = {lower_expr(L, s->from), s->from, s->from->span};
    Operand to = {lower_expr(L, s->to), s->to, s->to->span};
    Frame *f = L->frame;
    const Loop *outer = f->loops;
    int32_t lo, hi;
    if (!lower_whole(L, &from, "the first of a range", -MAX_ELEMS, MAX_ELEMS, &lo) ||
        !lower_whole(L, &to, "the end of a range", -MAX_ELEMS, MAX_ELEMS, &hi))
        return;
    uint32_t mark = f->scope->symbols.len;
    for (int32_t i = lo; i < hi && !L->fatal; i++) {
        if (++L->iterations > LOWER_MAX_ITERATIONS) {
            lower_error(L, E0601, s->span, "`for` loops go round more than %d times in all",
                        LOWER_MAX_ITERATIONS);
            L->fatal = true;
            break;
        }
        Loop loop = {outer, i};
        f->loops = &loop;
        Symbol counter = {.name = s->name.name,
                          .value = number_value(i, false),
                          .var = NO_VAR,
                          .declared = true,
                          .span = s->name.span,
                          .seq = ++L->seq};
        scope_add(L->arena, f->scope, counter);
        lower_stmts(L, &s->body);
        scope_truncate(f->scope, mark); /* what the body bound first is its own */
        f->loops = outer;
    }
}

static void lower_return(Lower *L, const Stmt *s) {
    Frame *f = L->frame;
    if (f->kind != FRAME_FN) {
        not_here(L, s->span, "`return`", "in a function");
        return;
    }
    if (f->loops || f->scan) {
        not_here(L, s->span, "`return`",
                 f->scan ? "after the `scan`" : "after the `for`, which always runs to its end");
        return;
    }
    Value v = s->value ? lower_expr(L, s->value) : (Value){.kind = VALUE_NONE};
    if (s->value && v.kind == VALUE_NONE) {
        Diag *d = lower_error(L, E0208, s->value->span, "this gives no value to return");
        lower_help_missing_value(L, d, &v, s->value);
        v = ERROR_VALUE;
    }
    f->result = v;
    f->returned = true;
}

static void lower_effect(Lower *L, const Stmt *s) {
    if (s->value->kind != EXPR_CALL) {
        Diag *d = lower_error(L, E0205, s->span, "the value of this expression is not used");
        diag_help(L->diags, d, "give it a name: `x = ...`");
        return;
    }
    lower_expr(L, s->value);
}

/* Binds what a branch would have bound, so that its names are not reported as unknown. */
static void poison(Lower *L, const Stmts *body) {
    for (uint32_t i = 0; i < body->len; i++) {
        const Stmt *s = body->at[i];
        for (uint32_t k = 0; s->kind == STMT_BIND && k < s->targets.len; k++)
            lower_bind(L, s->targets.at[k], ERROR_VALUE, false);
    }
}

static void lower_if(Lower *L, const Stmt *s) {
    bool yes;
    if (lower_condition(L, s->value, "the condition of `if`", &yes)) {
        lower_stmts(L, yes ? &s->body : &s->orelse);
        return;
    }
    poison(L, &s->body);
    poison(L, &s->orelse);
}

static void lower_declaration(Lower *L, const Stmt *s) {
    FrameKind kind = L->frame->kind;
    const char *what = s->kind == STMT_INPUT   ? "an input"
                       : s->kind == STMT_PARAM ? "a param"
                                               : "a state";
    if (s->kind == STMT_INPUT && (kind != FRAME_TOP || L->frame->loops || L->loop))
        not_here(L, s->span, what, "at the top level");
    else if (kind == FRAME_BLOCK)
        not_here(L, s->span, what, "outside the block of an entry");
    else if (kind == FRAME_OPTIMIZER && s->kind == STMT_PARAM)
        not_here(L, s->span, what, "outside an optimizer, which keeps `state`");
    else
        lower_variable(L, s);
}

static void lower_stmt(Lower *L, const Stmt *s) {
    switch (s->kind) {
    case STMT_CONST: lower_const_stmt(L, s); break;
    case STMT_INPUT:
    case STMT_PARAM:
    case STMT_STATE: lower_declaration(L, s); break;
    case STMT_FN:
    case STMT_OPTIMIZER: lower_function_stmt(L, s); break;
    case STMT_FOR: lower_for(L, s); break;
    case STMT_IF: lower_if(L, s); break;
    case STMT_BIND: lower_bind_stmt(L, s); break;
    case STMT_UPDATE: lower_update(L, s); break;
    case STMT_RETURN: lower_return(L, s); break;
    case STMT_MINIMIZE: lower_minimize(L, s); break;
    case STMT_EXPR: lower_effect(L, s); break;
    case STMT_YIELD: lower_yield(L, s); break;
    case STMT_SCAN: lower_scan(L, s); break;
    case STMT_INCLUDE: /* those at the top level have been replaced by what they include */
        not_here(L, s->span, "`include`", "at the top level, outside `for` and `if`");
        break;
    case STMT_ENTRY:
        if (L->frame->kind != FRAME_TOP || L->nesting > 1)
            not_here(L, s->span, "an entry", "at the top level, outside `for`, `scan` and `if`");
        break;
    }
}

void lower_stmts(Lower *L, const Stmts *body) {
    if (body->len)
        lower_enter(L, body->at[0]->span);
    else
        L->depth++;
    L->nesting++;
    for (uint32_t i = 0; i < body->len && !L->fatal && !L->frame->returned; i++) {
        const Stmt *s = body->at[i];
        Span span = L->g->span;
        if (!lower_limit(L, s->span)) break;
        if (!L->frame->module->prelude) L->g->span = s->span;
        lower_stmt(L, s);
        L->g->span = span;
    }
    L->nesting--;
    L->depth--;
}

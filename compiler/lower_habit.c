/* lower_habit: what the language is meant to have but has not yet, by name; a warning, where a loss of logits is given
 * probabilities; and help where a value is missing. */
#include "lower.h"

static const char *const planned[] = {"conv3d", "sort", "argsort", "cumsum", "cumprod", "prod"};

bool lower_planned(Lower *L, const char *name, Span at) {
    for (size_t i = 0; i < COUNT_OF(planned); i++) {
        if (strcmp(name, planned[i]) != 0) continue;
        lower_error(L, E0801, at, "`%s` is not supported yet", name);
        return true;
    }
    return false;
}

/* The expression that a name's value is of, at the top level; NULL: it was bound otherwise, or last in a block, a loop or
 * by a scan. */
static const Expr *bound_to(Lower *L, const char *name) {
    const Ast *ast = L->frame->module->ast;
    const Symbol *symbol = lower_find_symbol(L, name);
    for (uint32_t i = 0; symbol && i < ast->items.len; i++) {
        const Stmt *s = ast->items.at[i];
        if (s->kind != STMT_BIND || s->targets.len != 1) continue;
        const Span at = s->targets.at[0].span;
        if (at.file == symbol->span.file && at.begin == symbol->span.begin) return s->value;
    }
    return NULL;
}

/* Losses of logits, which take the probabilities themselves: given these, they take them twice, and learn badly. */
void lower_warn_habit(Lower *L, const Expr *call) {
    static const char *const losses[][2] = {{"cross_entropy", "softmax"},
                                            {"binary_cross_entropy", "sigmoid"}};
    const Ast *ast = L->frame->module->ast;
    for (size_t i = 0; i < COUNT_OF(losses); i++) {
        if (strcmp(call->name, losses[i][0]) != 0 || call->args.len == 0 || ast == L->prelude.ast)
            continue;
        const Arg *arg = &call->args.at[0];
        const Expr *given = arg->value, *made = given;
        if (arg->name && strcmp(arg->name, "logits") != 0) continue;
        if (given->kind == EXPR_NAME && L->frame->kind == FRAME_TOP)
            made = bound_to(L, given->name);
        if (!made || made->kind != EXPR_CALL || strcmp(made->name, losses[i][1]) != 0) continue;
        const Function *maker = lower_find_function(L, L->frame->module, made->name);
        if (!maker || !maker->prelude || lower_find_symbol(L, made->name))
            continue; /* one of the user's own */
        for (uint32_t k = 0; k < L->warned.len; k++)
            if (L->warned.at[k] == call) return;
        vec_push(L->arena, &L->warned, call);
        Diag *d = diag_warning(L->diags, W0102, given->span,
                               "`%s` takes logits, and these are probabilities", losses[i][0]);
        if (made != given) diag_span(L->diags, d, made->span, "made here");
        diag_help(L->diags, d, "leave `%s` out: it is a part of the loss", losses[i][1]);
    }
}

void lower_help_missing_value(Lower *L, Diag *d, const Value *v, const Expr *e) {
    const bool call = e && e->kind == EXPR_CALL;
    if (v->kind == VALUE_TUPLE)
        diag_help(L->diags, d, "name each of them: `a, b = %s`",
                  call ? arena_printf(L->arena, "%s(...)", e->name) : "...");
    if (v->kind == VALUE_FN || v->kind == VALUE_BUILTIN) diag_help(L->diags, d, "call it: `f(x)`");
    if (v->kind != VALUE_NONE) return;
    const Function *fn = call ? lower_find_function(L, L->frame->module, e->name) : NULL;
    if (fn && !fn->prelude)
        lower_point(L, d, fn->stmt->name.span, "`%s` returns nothing", fn->name);
    if (fn) diag_help(L->diags, d, "end the function with `return ...`");
}

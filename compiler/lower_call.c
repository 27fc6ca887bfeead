/* lower_call: calls. A function is inlined: its body runs in a frame of its own, which sees its
 * formals and the top-level bindings above its definition. A builtin's arguments are matched to its
 * row of the table. Recursion is an error: the graph would not end. */
#include "lower.h"

typedef VEC(const char *) Candidates;

static Diag *unknown_argument(Lower *L, const char *function, const Arg *arg,
                              const Candidates *formals) {
    Diag *d = lower_error(L, E0203, arg->name_span, "`%s` has no argument called `%s`", function,
                          arg->name);
    const char *help = habit_argument(L->arena, arg->name, formals->at, formals->len);
    if (help) diag_help(L->diags, d, "%s", help);
    return d;
}

/* ---- Builtins --------------------------------------------------------------------------------- */

static Value builtin_elementwise(Lower *L, const Given *a, int which) {
    return lower_elementwise(L, (Op)which, a->slot, (uint32_t)op_info[which].arity, a->at);
}

bool lower_find_builtin(const char *name, Builtin *out) {
    for (const Builtin *b = lower_builtins; b->name; b++) {
        if (!strcmp(b->name, name)) return *out = *b, true;
    }
    for (int op = 0; op < OP_COUNT; op++) {
        if (!op_info[op].elementwise || strcmp(op_info[op].name, name) != 0) continue;
        bool where = op == OP_WHERE;
        *out = (Builtin){op_info[op].name,
                         builtin_elementwise,
                         op,
                         op_info[op].arity,
                         false,
                         {where ? "condition" : "x", where ? "x" : "y", where ? "y" : "z", NULL}};
        for (int i = out->required; i < BUILTIN_FORMALS; i++) out->formals[i] = NULL;
        return true;
    }
    return false;
}

static void builtin_names(Lower *L, Candidates *c) {
    for (const Builtin *b = lower_builtins; b->name; b++) vec_push(L->arena, c, b->name);
    for (int op = 0; op < OP_COUNT; op++) {
        if (op_info[op].elementwise) vec_push(L->arena, c, op_info[op].name);
    }
    vec_push(L->arena, c, "grad");
    vec_push(L->arena, c, "assert");
}

static const char *builtin_signature(Lower *L, const Builtin *b) {
    Text t;
    text_init(&t, L->arena);
    text_printf(&t, "%s(", b->name);
    const char *comma = "";
    for (int i = 0; i < BUILTIN_FORMALS; i++) {
        if (b->variadic && i == b->required) text_printf(&t, "%s...", comma), comma = ", ";
        if (!b->formals[i]) continue;
        text_printf(&t, i < b->required ? "%s%s" : "%s%s = ...", comma, b->formals[i]);
        comma = ", ";
    }
    text_puts(&t, ")");
    return t.at;
}

static int named_formal(Lower *L, const Builtin *b, const Arg *arg) {
    Candidates c = {0};
    for (int i = 0; i < BUILTIN_FORMALS; i++) {
        if (!b->formals[i]) continue;
        if (!strcmp(b->formals[i], arg->name)) return i;
        vec_push(L->arena, &c, b->formals[i]);
    }
    Diag *d = unknown_argument(L, b->name, arg, &c);
    diag_note(L->diags, d, "it is %s", builtin_signature(L, b));
    return -1;
}

static Value call_builtin(Lower *L, const Builtin *b, const Expr *e) {
    Given given = {.call = e, .at = e->span};
    int next = 0, formals = 0;
    bool error = false;
    while (formals < BUILTIN_FORMALS && b->formals[formals]) formals++;
    for (int i = 0; i < BUILTIN_FORMALS; i++) given.slot[i].value.kind = VALUE_NONE;
    Operand few[8];
    given.rest = e->args.len <= COUNT_OF(few) ? few : NEW_ARRAY(L->arena, Operand, e->args.len);
    for (uint32_t i = 0; i < e->args.len; i++) {
        const Arg *arg = &e->args.at[i];
        Operand x = {lower_expr(L, arg->value), arg->value, arg->value->span};
        error = error || x.value.kind == VALUE_ERROR;
        int slot = next;
        if (arg->name) {
            slot = named_formal(L, b, arg);
            if (slot < 0) return ERROR_VALUE;
        } else if (b->variadic && next >= b->required) {
            given.rest[given.rest_count++] = x;
            continue;
        } else if (next++ >= formals) {
            Diag *d =
                lower_error(L, E0203, x.span, "`%s` takes %d argument%s, and this is one more",
                            b->name, formals, formals == 1 ? "" : "s");
            diag_note(L->diags, d, "it is %s", builtin_signature(L, b));
            return ERROR_VALUE;
        }
        if (given.slot[slot].value.kind != VALUE_NONE || given.slot[slot].expr) {
            lower_error(L, E0203, arg->name ? arg->name_span : x.span,
                        "the argument `%s` of `%s` is given twice", b->formals[slot], b->name);
            return ERROR_VALUE;
        }
        if (x.value.kind == VALUE_NONE) {
            Diag *d = lower_error(L, E0208, x.span, "this gives no value");
            lower_help_missing_value(L, d, &x.value, arg->value);
            return ERROR_VALUE;
        }
        given.slot[slot] = x;
    }
    for (int i = 0; i < b->required; i++) {
        if (given.slot[i].expr) continue;
        Diag *d =
            lower_error(L, E0203, e->span, "`%s` wants its argument `%s`", b->name, b->formals[i]);
        diag_note(L->diags, d, "it is %s", builtin_signature(L, b));
        return ERROR_VALUE;
    }
    return error ? ERROR_VALUE : b->run(L, &given, b->which);
}

/* ---- Functions -------------------------------------------------------------------------------- */

static const char *signature(Lower *L, const Function *fn, uint32_t skip) {
    Text t;
    text_init(&t, L->arena);
    text_printf(&t, "%s(", fn->name);
    for (uint32_t i = skip; i < fn->stmt->params.len; i++) {
        const Param *p = &fn->stmt->params.at[i];
        text_printf(&t, "%s%s%s", i > skip ? ", " : "", p->name.name, p->fallback ? " = ..." : "");
    }
    text_puts(&t, ")");
    return t.at;
}

static void wrong_arguments(Lower *L, const Function *fn, uint32_t skip, Diag *d) {
    diag_note(L->diags, d, "it is %s", signature(L, fn, skip));
    if (!fn->prelude) lower_point(L, d, fn->stmt->name.span, "defined here");
}

static bool recursive(Lower *L, const Function *fn, Span at) {
    if (!fn->open) return false;
    const Frame *f = L->frame;
    while (f->fn != fn) f = f->caller;
    Text t;
    text_init(&t, L->arena);
    const char *chain[8];
    uint32_t count = 0;
    for (const Frame *k = L->frame; k != f->caller; k = k->caller) {
        if (count < COUNT_OF(chain)) chain[count] = k->fn->name;
        count++;
    }
    if (count <= COUNT_OF(chain)) {
        for (uint32_t i = count; i-- > 0;) text_printf(&t, "%s calls ", chain[i]);
    } else {
        text_printf(&t, "%s calls ... (%u functions) calls ", fn->name, count);
    }
    Diag *d = lower_error(L, E0204, at, "`%s` calls itself: %s%s", fn->name, t.at, fn->name);
    diag_note(L->diags, d, "functions are inlined, so that a call of itself would never end");
    diag_help(L->diags, d, "write a `for` loop");
    return true;
}

/* The formal that an argument is for; -1 when it is for none (reported). */
static int formal_of(Lower *L, const Function *fn, uint32_t skip, const Arg *arg, uint32_t *next) {
    const Stmt *s = fn->stmt;
    if (!arg->name) {
        if (*next < s->params.len) return (int)(*next)++;
        Diag *d = lower_error(L, E0203, arg->value->span,
                              "`%s` takes %u argument%s, and this is one more", fn->name,
                              s->params.len - skip, s->params.len - skip == 1 ? "" : "s");
        wrong_arguments(L, fn, skip, d);
        return -1;
    }
    Candidates c = {0};
    for (uint32_t i = skip; i < s->params.len; i++) {
        if (s->params.at[i].name.name == arg->name) return (int)i;
        vec_push(L->arena, &c, s->params.at[i].name.name);
    }
    Diag *d = unknown_argument(L, fn->name, arg, &c);
    wrong_arguments(L, fn, skip, d);
    return -1;
}

/* Evaluates the arguments where the call stands. VALUE_NONE, with no expression: left out. */
static bool evaluate_arguments(Lower *L, const Function *fn, const Expr *by, uint32_t skip,
                               Value *values, const Expr **given) {
    uint32_t next = skip;
    bool ok = true;
    for (uint32_t i = 0; i < fn->stmt->params.len; i++) values[i].kind = VALUE_NONE;
    for (uint32_t i = 0; by->kind == EXPR_CALL && i < by->args.len; i++) {
        const Arg *arg = &by->args.at[i];
        int k = formal_of(L, fn, skip, arg, &next);
        if (k < 0) return false;
        if (values[k].kind != VALUE_NONE) {
            lower_error(L, E0203, arg->name ? arg->name_span : arg->value->span,
                        "the argument `%s` of `%s` is given twice",
                        fn->stmt->params.at[k].name.name, fn->name);
            return false;
        }
        values[k] = lower_expr(L, arg->value);
        given[k] = arg->value;
        if (values[k].kind == VALUE_NONE) {
            Diag *d = lower_error(L, E0208, arg->value->span, "this gives no value");
            lower_help_missing_value(L, d, &values[k], arg->value);
            ok = false;
        }
        if (values[k].kind == VALUE_STRING && fn->prelude) {
            Diag *d = lower_error(L, E0301, arg->value->span, "`%s` of `%s` is no string",
                                  fn->stmt->params.at[k].name.name, fn->name);
            const char *help = habit_string(values[k].string);
            if (help) diag_help(L->diags, d, "%s", help);
            return false;
        }
        ok = ok && values[k].kind != VALUE_ERROR;
    }
    for (uint32_t i = skip; i < fn->stmt->params.len; i++) {
        if (values[i].kind != VALUE_NONE || fn->stmt->params.at[i].fallback) continue;
        Diag *d = lower_error(L, E0203, by->span, "`%s` wants its argument `%s`", fn->name,
                              fn->stmt->params.at[i].name.name);
        wrong_arguments(L, fn, skip, d);
        return false;
    }
    return ok;
}

Value lower_call_function(Lower *L, Function *fn, const Expr *by, uint32_t skip, Scope *scope) {
    uint32_t n = fn->stmt->params.len;
    fn->called = true;
    if (recursive(L, fn, by->span)) return ERROR_VALUE;
    Value few[8] = {0}, *values = few;
    const Expr *few_given[8] = {NULL}, **given = few_given;
    if (n > COUNT_OF(few)) {
        values = NEW_ARRAY(L->arena, Value, n);
        given = NEW_ARRAY(L->arena, const Expr *, n);
    }
    if (!evaluate_arguments(L, fn, by, skip, values, given)) return ERROR_VALUE;

    Frame frame = {.kind = fn->stmt->kind == STMT_FN ? FRAME_FN : FRAME_OPTIMIZER,
                   .caller = L->frame,
                   .fn = fn,
                   .module = fn->prelude ? &L->prelude : &L->user,
                   .call_span = by->span,
                   .seq_limit = fn->prelude ? UINT32_MAX : fn->seq,
                   .scope = scope,
                   .result = {.kind = VALUE_NONE}};
    L->frame = &frame;
    fn->open = true;
    for (uint32_t i = skip; i < n; i++) {
        const Param *p = &fn->stmt->params.at[i];
        const Expr *value = given[i] ? given[i] : p->fallback;
        if (!given[i]) values[i] = lower_expr(L, value);
        values[i] = lower_own(L, values[i], value);
        Symbol formal = {.name = p->name.name,
                         .value = values[i],
                         .var = NO_VAR,
                         .span = given[i] ? given[i]->span : p->name.span,
                         .seq = ++L->seq};
        scope_add(L->arena, scope, formal);
    }
    lower_stmts(L, &fn->stmt->body);
    fn->open = false;
    L->frame = frame.caller;
    return frame.result;
}

/* ---- Calls ------------------------------------------------------------------------------------ */

static bool in_loop(const Lower *L) {
    const Frame *f = L->frame;
    while (f && !f->loops) f = f->caller;
    return f || L->loop;
}

/* What a text of `assert` says: `{name}` stands for what the name is there: a number, or a tensor's type. */
static const char *assert_text(Lower *L, const char *s) {
    Text t;
    text_init(&t, L->arena);
    for (const char *open; (open = strchr(s, '{'));) {
        const char *close = strchr(open, '}');
        if (!close) break;
        const Symbol *symbol =
            lower_find_symbol(L, names_add(L->names, open + 1, (size_t)(close - open - 1)));
        Value v = !symbol                 ? ERROR_VALUE
                  : symbol->var == NO_VAR ? symbol->value
                                          : tensor_value(lower_var_node(L, symbol->var));
        text_add(&t, s, (size_t)(open - s));
        if (v.kind == VALUE_NUMBER)
            text_printf(&t, "%.10g", v.number);
        else if (v.kind == VALUE_TENSOR)
            text_puts(&t, lower_kind_text(L, &v));
        else
            text_add(&t, open, (size_t)(close + 1 - open));
        s = close + 1;
    }
    text_puts(&t, s);
    return t.at;
}

static Value lower_assert(Lower *L, const Expr *e) {
    bool holds = false;
    const char *message = NULL;
    bool right = e->args.len >= 1 && e->args.len <= 3;
    for (uint32_t i = 0; right && i < e->args.len; i++)
        right = !e->args.at[i].name && (i == 0 || e->args.at[i].value->kind == EXPR_STRING);
    if (!right) {
        Diag *d = lower_error(L, E0203, e->span,
                              "`assert` takes a condition, a message and what would help");
        diag_help(L->diags, d, "assert(rows(x) == 64, \"x has 64 rows\")");
        return ERROR_VALUE;
    }
    if (lower_condition(L, e->args.at[0].value, "what `assert` checks", &holds) && !holds) {
        if (e->args.len >= 2) message = assert_text(L, e->args.at[1].value->name);
        Diag *d =
            lower_error(L, E0703, e->span, "%s", message ? message : "the assertion does not hold");
        if (!L->frame->module->prelude) diag_label(L->diags, d, "is false");
        const char *help = e->args.len == 3 ? assert_text(L, e->args.at[2].value->name) : NULL;
        const char loops[] = "in a loop "; /* is of no help elsewhere */
        if (help && (strncmp(help, loops, sizeof loops - 1) != 0 || in_loop(L)))
            diag_help(L->diags, d, "%s", help);
    }
    if (!holds && L->frame->kind == FRAME_FN) { /* what follows relied on it */
        L->frame->result = ERROR_VALUE;
        L->frame->returned = true;
    }
    return (Value){.kind = VALUE_NONE};
}

static Value unknown_function(Lower *L, const Expr *e) {
    const Symbol *s = lower_find_symbol(L, e->name);
    Candidates c = {0};
    if (s) {
        if (s->var == NO_VAR && s->value.kind == VALUE_ERROR) return ERROR_VALUE;
        Value v = s->var != NO_VAR ? tensor_value(lower_var_node(L, s->var)) : s->value;
        Diag *d = lower_error(L, E0301, e->name_span, "`%s` is %s, not a function", e->name,
                              lower_kind_text(L, &v));
        lower_point(L, d, s->span, "from here");
        return ERROR_VALUE;
    }
    if (lower_planned(L, e->name, e->name_span)) return ERROR_VALUE;
    Diag *d = lower_error(L, E0201, e->name_span, "no function is called `%s`", e->name);
    for (uint32_t i = 0; i < L->frame->module->fns.len; i++)
        vec_push(L->arena, &c, L->frame->module->fns.at[i].name);
    for (uint32_t i = 0; i < L->prelude.fns.len; i++)
        vec_push(L->arena, &c, L->prelude.fns.at[i].name);
    builtin_names(L, &c);
    const char *near = diag_nearest(L->arena, e->name, c.at, c.len), *habit = habit_name(e->name);
    if (habit)
        diag_help(L->diags, d, "%s", habit);
    else if (near)
        diag_help(L->diags, d, "did you mean `%s`?", near);
    return ERROR_VALUE;
}

Value lower_call(Lower *L, const Expr *e) {
    const Symbol *s = lower_find_symbol(L, e->name);
    Function *fn = NULL;
    Builtin builtin;
    const char *name = s && s->value.kind == VALUE_BUILTIN ? s->value.string : e->name;
    if (s && s->value.kind == VALUE_FN)
        fn = (Function *)(uintptr_t)s->value.fn;
    else if (name == e->name)
        fn = lower_find_function(L, L->frame->module, e->name);
    if (fn && fn->stmt->kind == STMT_OPTIMIZER) {
        Diag *d =
            lower_error(L, E0205, e->name_span, "`%s` is an optimizer, and not called", fn->name);
        diag_help(L->diags, d, "write `minimize loss by %s(...)` in an entry's block", fn->name);
        return ERROR_VALUE;
    }
    static const char *const initial[] = {"glorot", "he", "lecun"};
    for (size_t i = 0; fn && fn->prelude && !L->init_shape && i < COUNT_OF(initial); i++) {
        if (strcmp(fn->name, initial[i]) != 0) continue;
        Diag *d = lower_error(L, E0205, e->span, "an initial value is not allowed here");
        diag_help(L->diags, d, "it belongs after `~`: `param w : f32[n, m] ~ %s()`", fn->name);
        return ERROR_VALUE;
    }
    if (fn) {
        if (fn->prelude) lower_warn_habit(L, e);
        Scope *scope = lower_open_scope(L);
        Value v = lower_call_function(L, fn, e, 0, scope);
        lower_close_scope(L, scope);
        return v;
    }
    if (!strcmp(name, "grad")) return lower_grad(L, e);
    if (!strcmp(name, "assert")) return lower_assert(L, e);
    if (lower_find_builtin(name, &builtin)) return call_builtin(L, &builtin, e);
    return unknown_function(L, e);
}

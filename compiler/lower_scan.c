/* lower_scan: `scan`, a loop of the graph. Its body is elaborated once: the counter is an i32 that
 * changes with the iteration, the carried names stand for CARRYs, and what they are bound to when the body
 * ends is their next value. What leaves is their last value, and the stacks of what was yielded.
 *
 * Establishes: no value of the body is bound to a name that is seen outside of it. */
#include "lower.h"

typedef struct Carried {
    Operand initial;
    NodeId carry;
} Carried;

struct Scan {
    struct Scan *outer; /* of the same frame */
    const Stmt *stmt;
    uint32_t mark;     /* symbols of the frame's scope from here on are the body's */
    const Loop *loops; /* around the statement */
    bool yielded;
    Span yielded_at;
    VEC(Operand) yields;
};

/* ---- Bindings and yields in the body ----------------------------------------------------------- */

bool lower_scan_keeps(Lower *L, const Symbol *s, Ident target) {
    const Scan *scan = L->frame->scan;
    if (!scan || !s || s - L->frame->scope->symbols.at >= scan->mark) return true;
    Diag *d = lower_error(L, E0205, target.span,
                          "`%s` is from outside of this `scan`, and would change in each iteration",
                          target.name);
    lower_point(L, d, s->span, "bound here");
    diag_help(L->diags, d, "carry it: `... = scan %s in ... with %s = %s`; or take another name",
              scan->stmt->name.name, target.name, target.name);
    return false;
}

void lower_yield(Lower *L, const Stmt *s) {
    Scan *scan = L->frame->scan;
    if (!scan) {
        lower_error(L, E0205, s->span, "`yield` is not allowed here: it belongs in a `scan`");
        return;
    }
    Value v = lower_expr(L, s->value);
    if (scan->yielded) {
        Diag *d = lower_error(L, E0205, s->span, "an iteration yields once");
        lower_point(L, d, scan->yielded_at, "it did here");
        diag_help(L->diags, d, "yield several values at once: `yield a, b`");
        return;
    }
    scan->yielded = true;
    scan->yielded_at = s->span;
    bool several = s->value->kind == EXPR_TUPLE;
    uint32_t count = several || v.kind == VALUE_TUPLE ? (v.kind == VALUE_TUPLE ? v.count : 1) : 1;
    for (uint32_t i = 0; i < count; i++) {
        const Expr *e = several && i < s->value->list.len ? s->value->list.at[i] : s->value;
        Operand x = {v.kind == VALUE_TUPLE ? v.items[i] : v, e, e->span};
        vec_push(L->arena, &scan->yields, x);
    }
}

/* ---- The loop ---------------------------------------------------------------------------------- */

static void poison_targets(Lower *L, const Stmt *s) {
    for (uint32_t i = 0; i < s->targets.len; i++)
        lower_bind(L, s->targets.at[i], ERROR_VALUE, false);
}

static void add_symbol(Lower *L, Ident name, Value v, bool declared) {
    Symbol symbol = {.name = name.name,
                     .value = v,
                     .var = NO_VAR,
                     .declared = declared,
                     .span = name.span,
                     .seq = ++L->seq};
    scope_add(L->arena, L->frame->scope, symbol);
}

static bool initial_values(Lower *L, const Stmt *s, Carried *carried) {
    bool ok = true;
    for (uint32_t i = 0; i < s->values.len; i++) {
        const NamedValue *v = &s->values.at[i];
        for (uint32_t k = 0; k < i; k++) {
            if (s->values.at[k].name.name != v->name.name) continue;
            Diag *d = lower_error(L, E0202, v->name.span, "`%s` is carried twice", v->name.name);
            lower_point(L, d, s->values.at[k].name.span, "first here");
            ok = false;
        }
        if (v->name.name == s->name.name) {
            Diag *d = lower_error(L, E0202, v->name.span, "`%s` counts the iterations already",
                                  v->name.name);
            lower_point(L, d, s->name.span, "here");
            ok = false;
        }
        carried[i].initial = (Operand){lower_expr(L, v->value), v->value, v->value->span};
        if (carried[i].initial.value.kind == VALUE_ERROR ||
            !lower_any_tensor(L, &carried[i].initial, &carried[i].carry))
            ok = false;
        else /* what is carried is computed: of a storage type it would be rounded each time */
            carried[i].carry = lower_counted(L, carried[i].carry);
    }
    return ok;
}

/* What a carried name is bound to when the body ends. */
static bool next_value(Lower *L, uint32_t i, const Carried *c, NodeId *next) {
    const Symbol *symbol = &L->frame->scope->symbols.at[L->frame->scan->mark + 1 + i];
    const Node *n = node_at(L->g, c->carry);
    const DType t = (DType)n->dtype;
    const Shape shape = n->shape;
    Expr name = {.kind = EXPR_NAME, .name = symbol->name, .span = symbol->span};
    Operand x = {symbol->value, &name, symbol->span};
    if (x.value.kind == VALUE_ERROR) return false;
    bool tensor = x.value.kind == VALUE_TENSOR;
    DType got = tensor ? (DType)node_at(L->g, x.value.node)->dtype : t;
    /* As where types meet: what is whole fits into what is real, and bools into both. */
    bool fits = got == t || (t == DT_F32 && got == DT_I32) || (t != DT_BOOL && got == DT_BOOL);
    if (fits && !lower_tensor(L, &x, t, next)) return false;
    if (!tensor) {
        *next = node_broadcast(L->g, *next, &shape);
        return true;
    }
    if (fits && shape_equal(&node_at(L->g, *next)->shape, &shape)) return true;
    Value before = tensor_value(c->carry), after = x.value;
    const char *was = lower_kind_text(L, &before), *is = lower_kind_text(L, &after);
    Diag *d =
        lower_error(L, fits ? E0401 : E0301, symbol->span,
                    "a carried value keeps its type and shape: `%s` is %s, and its next value %s",
                    symbol->name, was, is);
    lower_point(L, d, c->initial.span, "its initial value: %s", was);
    if (!fits) diag_help(L->diags, d, "write `%s = cast(..., %s)`", symbol->name, dtype_name(t));
    return false;
}

/* A value of each iteration on a new first axis. */
static bool stack_value(Lower *L, NodeId scan, int32_t trips, Operand *x, NodeId *out) {
    NodeId id;
    if (x->value.kind == VALUE_ERROR || !lower_any_tensor(L, x, &id)) return false;
    const Node *n = node_at(L->g, id);
    if (n->shape.rank == MAX_RANK) {
        lower_error(L, E0402, x->span,
                    "what is yielded gets one more axis, and may have %d at most", MAX_RANK - 1);
        return false;
    }
    Shape s = {.rank = (uint8_t)(n->shape.rank + 1), .dim = {trips}};
    memcpy(s.dim + 1, n->shape.dim, n->shape.rank * sizeof(int32_t));
    if (!lower_check_shape(L, &s, x->span)) return false;
    *out = node_stack(L->g, scan, id);
    return true;
}

/* The body, then the loop as a whole and what leaves it, in results[]: the carried, then the yields. */
static bool run_body(Lower *L, const Stmt *s, int32_t lo, int32_t trips, Carried *carried,
                     Value *results) {
    Frame *f = L->frame;
    Scan scan = {f->scan, s, f->scope->symbols.len, f->loops, false, s->span, {0}};
    uint32_t carries = s->values.len, around = L->loop;
    uint32_t loop = L->loop = graph_loop(L->g, trips, around);
    NodeId *carry = NEW_ARRAY(L->arena, NodeId, carries + 1),
           *next = NEW_ARRAY(L->arena, NodeId, carries + 1);
    NodeId turn =
        node_ew(L->g, OP_ADD, node_iteration(L->g, loop), node_const(L->g, DT_I32, lo), NO_NODE);
    L->open_loops[L->g->loops.at[loop].depth - 1] = loop;
    f->scan = &scan;
    if (node_at(L->g, turn)->op != OP_CONST) node_at(L->g, turn)->name = s->name.name;
    add_symbol(L, s->name, tensor_value(turn), true);
    for (uint32_t i = 0; i < carries; i++) {
        carry[i] = carried[i].carry = node_carry(L->g, loop, (int32_t)i, carried[i].carry);
        add_symbol(L, s->values.at[i].name, tensor_value(carry[i]), false);
    }
    lower_stmts(L, &s->body);
    bool ok = !L->fatal;
    for (uint32_t i = 0; i < carries; i++) ok = next_value(L, i, &carried[i], &next[i]) && ok;
    scope_truncate(f->scope, scan.mark);
    f->scan = scan.outer;
    L->loop = around;
    uint32_t count = carries + scan.yields.len;
    if (count != s->targets.len && ok) {
        Diag *d =
            lower_error(L, E0208, s->span,
                        "%u name%s, and this `scan` gives %u value%s: %u carried and %u yielded",
                        s->targets.len, s->targets.len == 1 ? "" : "s", count,
                        count == 1 ? "" : "s", carries, scan.yields.len);
        if (scan.yielded) lower_point(L, d, scan.yielded_at, "yielded here");
        diag_help(
            L->diags, d,
            count ? "the carried values come first, in the order of `with`, then what is yielded"
                  : "`yield` what is wanted of each iteration, or carry it: `with h = ...`");
        return false;
    }
    if (!ok) return false;
    NodeId whole = node_scan(L->g, loop, carry, next, carries);
    for (uint32_t i = 0; i < carries; i++)
        results[i] = tensor_value(node_final(L->g, whole, (int32_t)i));
    for (uint32_t i = 0; i < scan.yields.len; i++) {
        NodeId id;
        if (!stack_value(L, whole, trips, &scan.yields.at[i], &id)) return false;
        results[carries + i] = tensor_value(id);
    }
    return true;
}

void lower_scan(Lower *L, const Stmt *s) {
    Operand from = {lower_expr(L, s->from), s->from, s->from->span};
    Operand to = {lower_expr(L, s->to), s->to, s->to->span};
    Carried *carried = NEW_ARRAY(L->arena, Carried, s->values.len + 1);
    Value *results = NEW_ARRAY(L->arena, Value, s->targets.len + 1);
    int32_t lo, hi;
    bool ok = initial_values(L, s, carried);
    ok = lower_whole(L, &from, "the first of a range", -MAX_ELEMS, MAX_ELEMS, &lo) && ok;
    ok = lower_whole(L, &to, "the end of a range", -MAX_ELEMS, MAX_ELEMS, &hi) && ok;
    if (ok && (int64_t)hi - lo > MAX_ELEMS) {
        lower_error(L, E0601, s->span, "a `scan` goes round at most %d times", MAX_ELEMS);
        ok = false;
    }
    if (ok && hi <= lo) {
        ok = s->targets.len == s->values.len;
        if (!ok)
            lower_error(L, E0304, span_join(s->from->span, s->to->span),
                        "this range is empty: there is nothing to yield");
        for (uint32_t i = 0; i < s->targets.len && ok; i++)
            results[i] = tensor_value(carried[i].carry);
    } else if (ok) {
        if (L->g->loops.at[L->loop].depth == SCAN_MAX_DEPTH) {
            lower_error(L, E0107, s->span, "more than %d `scan`s in each other", SCAN_MAX_DEPTH);
            ok = false;
        }
        ok = ok && run_body(L, s, lo, hi - lo, carried, results);
    }
    if (!ok) {
        poison_targets(L, s);
        return;
    }
    for (uint32_t i = 0; i < s->targets.len; i++) { /* what was not made here keeps its name */
        Op op = (Op)node_at(L->g, results[i].node)->op;
        bool rename = op == OP_FINAL || op == OP_STACK;
        lower_bind(L, s->targets.at[i], lower_own(L, results[i], NULL), rename);
    }
}

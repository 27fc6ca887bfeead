/* lower_expr: expressions. Numbers known at compile time are computed in double; what meets a tensor
 * becomes nodes. Types: a number takes the type of the tensor that it meets (a real number makes i32
 * f32), i32 meets f32 as f32, bool counts as i32 in arithmetic; `/` and the functions of analysis are
 * f32. Shapes broadcast as in NumPy. */
#include "lower.h"

#include <float.h>
#include <math.h>

Value number_value(double v, bool real) {
    return (Value){.kind = VALUE_NUMBER, .number = v, .real = real};
}

static Value bool_value(bool v) {
    return (Value){.kind = VALUE_BOOL, .flag = v};
}

Value tensor_value(NodeId id) {
    return id == NO_NODE ? ERROR_VALUE : (Value){.kind = VALUE_TENSOR, .node = id};
}

bool lower_is_whole(double v) {
    return isfinite(v) && floor(v) == v;
}

static bool is_number(const Value *v) {
    return v->kind == VALUE_NUMBER || v->kind == VALUE_BOOL;
}

static double plain(const Value *v) {
    return v->kind == VALUE_BOOL ? v->flag : v->number;
}

/* ---- To tensors ------------------------------------------------------------------------------- */

bool lower_in_range(Lower *L, DType t, double v, Span at) {
    if (dtype_counts_as(t) == DT_I32 && !lower_is_whole(v)) {
        lower_error(L, E0303, at, "%g is not a whole number, and %s is wanted", v,
                    t == DT_I32 ? "an i32" : "a u8");
        return false;
    }
    bool beyond = t == DT_I32  ? fabs(v + 0.5) > 2147483648.0
                  : t == DT_U8 ? v < 0 || v > 255
                               : isfinite(v) && !isfinite(dtype_cast(t, (double)(float)v));
    if (beyond) {
        lower_error(L, E0304, at, "%g is beyond the range of %s", v, dtype_name(t));
        return false;
    }
    return true;
}

static NodeId lower_const(Lower *L, DType t, double v, Span at) {
    return lower_in_range(L, t, v, at) ? node_const(L->g, t, v) : NO_NODE;
}

bool lower_tensor(Lower *L, const Operand *x, DType t, NodeId *out) {
    switch (x->value.kind) {
    case VALUE_TENSOR: *out = node_cast(L->g, x->value.node, t); return true;
    case VALUE_NUMBER:
    case VALUE_BOOL: *out = lower_const(L, t, plain(&x->value), x->span); return *out != NO_NODE;
    case VALUE_ERROR: return false;
    default: {
        Diag *d =
            lower_error(L, E0301, x->span, "a tensor or a number is wanted here, and this is %s",
                        lower_kind_text(L, &x->value));
        if (x->value.kind == VALUE_DTYPE)
            diag_help(L->diags, d, "a type follows a colon: `param w : f32[3] = 0`");
        lower_help_missing_value(L, d, &x->value, x->expr);
        return false;
    }
    }
}

NodeId lower_counted(Lower *L, NodeId x) {
    return node_cast(L->g, x, dtype_counts_as((DType)node_at(L->g, x)->dtype));
}

DType lower_common_type(DType a, DType b) {
    if (a == b) return a;
    a = dtype_counts_as(a), b = dtype_counts_as(b);
    return a == DT_F32 || b == DT_F32 ? DT_F32 : a == DT_I32 || b == DT_I32 ? DT_I32 : DT_BOOL;
}

bool lower_any_tensor(Lower *L, const Operand *x, NodeId *out) {
    DType t = x->value.kind == VALUE_BOOL ? DT_BOOL : DT_F32;
    if (x->value.kind == VALUE_TENSOR) t = (DType)node_at(L->g, x->value.node)->dtype;
    return lower_tensor(L, x, t, out);
}

bool lower_whole(Lower *L, const Operand *x, const char *what, int32_t lo, int32_t hi,
                 int32_t *out) {
    if (x->value.kind == VALUE_ERROR) return false;
    if (x->value.kind != VALUE_NUMBER) {
        lower_error(L, E0302, x->span,
                    "%s must be a whole number known at compile time, and this is %s", what,
                    lower_kind_text(L, &x->value));
        return false;
    }
    double v = x->value.number;
    if (!lower_is_whole(v)) {
        lower_error(L, E0303, x->span, "%s must be a whole number, and this is %g", what, v);
        return false;
    }
    if (v < lo || v > hi) {
        lower_error(L, E0304, x->span, "%s is %.0f, and must be from %d to %d", what, v, lo, hi);
        return false;
    }
    return *out = (int32_t)v, true;
}

bool lower_condition(Lower *L, const Expr *e, const char *what, bool *out) {
    Value v = lower_expr(L, e);
    if (v.kind == VALUE_BOOL) return *out = v.flag, true;
    if (v.kind == VALUE_ERROR) return false;
    Diag *d = lower_error(L, E0302, e->span, "%s must be known at compile time, and this is %s",
                          what, lower_kind_text(L, &v));
    if (v.kind == VALUE_TENSOR)
        diag_help(L->diags, d, "to choose element by element, write `where(condition, a, b)`");
    if (v.kind == VALUE_NUMBER) diag_help(L->diags, d, "compare it with something: `n != 0`");
    return false;
}

bool lower_check_shape(Lower *L, const Shape *s, Span at) {
    if (shape_elems(s) >= 1) return true;
    Text t;
    text_init(&t, L->arena);
    text_shape(&t, s);
    lower_error(L, E0406, at, "a tensor of %s has more than %d elements", t.at, MAX_ELEMS);
    return false;
}

/* ---- Elementwise ------------------------------------------------------------------------------ */

typedef enum OpClass {
    CLASS_NUMERIC,
    CLASS_REAL,
    CLASS_WHOLE,
    CLASS_LOGIC,
    CLASS_EQUAL,
    CLASS_ORDER
} OpClass;

static OpClass class_of(Op op) {
    switch (op) {
    case OP_NEG:
    case OP_FLOOR:
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_MAX:
    case OP_MIN: return CLASS_NUMERIC;
    case OP_EQ:
    case OP_NE:
    case OP_WHERE: return CLASS_EQUAL;
    case OP_LT:
    case OP_LE: return CLASS_ORDER;
    default:
        if (op_info[op].result == OP_WHOLE) return CLASS_WHOLE;
        return op_info[op].result == OP_LOGIC ? CLASS_LOGIC : CLASS_REAL;
    }
}

/* How the user writes it: "//", or "exp". */
static const char *spelled(Op op) {
    switch (op) {
    case OP_ADD: return "+";
    case OP_SUB:
    case OP_NEG: return "-";
    case OP_MUL: return "*";
    case OP_DIV: return "/";
    case OP_IDIV: return "//";
    case OP_MOD: return "%";
    case OP_POW: return "**";
    case OP_EQ: return "==";
    case OP_NE: return "!=";
    case OP_LT: return "<";
    case OP_LE: return "<=";
    default: return op_info[op].name;
    }
}

/* What whoever writes this of numbers with a part behind the point may want; false: that is no division. */
static bool help_with_division(Lower *L, Op op, Diag *d) {
    if (op != OP_IDIV && op != OP_MOD) return false;
    diag_help(L->diags, d,
              op == OP_IDIV ? "`/` is real division; floor(a / b) rounds it down"
                            : "what is left of a real division is a - b * floor(a / b)");
    return true;
}

static Value fold_numbers(Lower *L, Op op, const Operand *x, uint32_t n, Span at) {
    double v[3] = {0, 0, 0};
    bool real = false, finite = true;
    for (uint32_t i = 0; i < n; i++) {
        v[i] = plain(&x[i].value);
        real = real || (x[i].value.kind == VALUE_NUMBER && x[i].value.real);
        finite = finite && isfinite(v[i]);
    }
    OpClass class = class_of(op);
    if (op == OP_IDIV || op == OP_MOD || op == OP_DIV) {
        if (v[1] == 0) {
            lower_error(L, E0304, at, "division by zero");
            return ERROR_VALUE;
        }
    }
    if (class == CLASS_WHOLE && (!lower_is_whole(v[0]) || !lower_is_whole(v[1]))) {
        Diag *d = lower_error(L, E0303, at, "`%s` takes whole numbers, and here are %g and %g",
                              spelled(op), v[0], v[1]);
        help_with_division(L, op, d);
        return ERROR_VALUE;
    }
    double r = op_host(op, v[0], v[1], v[2]);
    if (finite && !isfinite(r)) {
        lower_error(L, E0304, at, "`%s` of %g%s has no finite result", spelled(op), v[0],
                    n > 1 ? arena_printf(L->arena, " and %g", v[1]) : "");
        return ERROR_VALUE;
    }
    if (op_info[op].to_bool || class == CLASS_LOGIC) return bool_value(r != 0);
    return number_value(r, op == OP_FLOOR || class == CLASS_WHOLE ? false
                                                                  : real || class == CLASS_REAL);
}

/* The type in which the operands from `first` on meet. */
static DType meeting_type(Lower *L, const Operand *x, uint32_t first, uint32_t n, OpClass class) {
    bool any_f32 = false, any_tensor = false, all_bool = true, real = false;
    for (uint32_t i = first; i < n; i++) {
        const Value *v = &x[i].value;
        if (v->kind == VALUE_TENSOR) {
            DType t = dtype_counts_as((DType)node_at(L->g, v->node)->dtype);
            any_tensor = true;
            any_f32 = any_f32 || t == DT_F32;
            all_bool = all_bool && t == DT_BOOL;
        } else if (v->kind == VALUE_NUMBER) {
            real = real || v->real || !lower_is_whole(v->number);
            all_bool = false;
        }
    }
    if (class == CLASS_REAL || any_f32) return DT_F32;
    if (all_bool && (class == CLASS_EQUAL || class == CLASS_LOGIC)) return DT_BOOL;
    return any_tensor && (!real || class == CLASS_WHOLE) ? DT_I32 : any_tensor ? DT_F32 : DT_F32;
}

/* Gives all operands one shape. */
static bool broadcast_all(Lower *L, NodeId *id, const Operand *x, uint32_t n, Span at,
                          const char *what) {
    Shape s = {0};
    for (uint32_t i = 0; i < n; i++) {
        Shape next = {0};
        if (!lower_broadcast_shape(&s, &node_at(L->g, id[i])->shape, &next)) {
            Operand both[2] = {x[n == 3 && i == 2 ? 1 : 0], x[i]};
            Diag *d = lower_error(L, E0401, at, "shapes do not match: %s, %s",
                                  lower_describe(L, &both[0]), lower_describe(L, &both[1]));
            diag_label(L->diags, d, "`%s` broadcasts axes of one size, or of size 1", what);
            lower_point_origins(L, d, both, 2);
            return false;
        }
        s = next;
    }
    if (!lower_check_shape(L, &s, at)) return false;
    for (uint32_t i = 0; i < n; i++) id[i] = node_broadcast(L->g, id[i], &s);
    return true;
}

static bool operands_fit(Lower *L, Op op, const Operand *x, uint32_t n, OpClass class) {
    for (uint32_t i = 0; i < n; i++) {
        const Value *v = &x[i].value;
        bool tensor = v->kind == VALUE_TENSOR;
        DType t = tensor ? (DType)node_at(L->g, v->node)->dtype : DT_F32;
        bool logic = class == CLASS_LOGIC || (op == OP_WHERE && i == 0);
        if (!tensor && !is_number(v)) {
            Diag *d =
                lower_error(L, E0301, x[i].span, "`%s` takes tensors and numbers, and this is %s",
                            spelled(op), lower_kind_text(L, v));
            lower_help_missing_value(L, d, v, x[i].expr);
            return false;
        }
        if (logic && (tensor ? t != DT_BOOL : v->kind != VALUE_BOOL)) {
            Diag *d = lower_error(L, E0301, x[i].span, "`%s` takes %s, and this is %s", spelled(op),
                                  op == OP_WHERE ? "a bool as its condition" : "bools",
                                  lower_kind_text(L, v));
            diag_help(L->diags, d, "compare it: `x != 0`");
            return false;
        }
        bool real =
            tensor ? dtype_is_float(t) : v->kind == VALUE_NUMBER && !lower_is_whole(v->number);
        if (class == CLASS_WHOLE && real) {
            Diag *d = lower_error(L, E0301, x[i].span, "`%s` takes whole numbers, and this is %s",
                                  spelled(op), lower_kind_text(L, v));
            if (!help_with_division(L, op, d)) diag_help(L->diags, d, "write `cast(x, i32)`");
            return false;
        }
    }
    return true;
}

Value lower_elementwise(Lower *L, Op op, const Operand *x, uint32_t n, Span at) {
    bool numbers = true;
    NodeId id[3] = {NO_NODE, NO_NODE, NO_NODE};
    OpClass class = class_of(op);
    for (uint32_t i = 0; i < n; i++) {
        if (x[i].value.kind == VALUE_ERROR) return ERROR_VALUE;
        numbers = numbers && is_number(&x[i].value);
    }
    if (!operands_fit(L, op, x, n, class)) return ERROR_VALUE;
    if (numbers && op == OP_WHERE) return x[0].value.flag ? x[1].value : x[2].value;
    /* Bits are those of i32: numbers become tensors first. */
    bool bits = class == CLASS_WHOLE && op != OP_IDIV && op != OP_MOD;
    if (numbers && !bits) return fold_numbers(L, op, x, n, at);
    uint32_t first = op == OP_WHERE ? 1 : 0;
    DType t = meeting_type(L, x, first, n, class);
    if (op == OP_FLOOR && t == DT_I32) return tensor_value(lower_counted(L, x[0].value.node));
    for (uint32_t i = 0; i < n; i++) {
        if (!lower_tensor(L, &x[i], i < first ? DT_BOOL : t, &id[i])) return ERROR_VALUE;
    }
    if (!broadcast_all(L, id, x, n, at, spelled(op))) return ERROR_VALUE;
    return tensor_value(node_ew(L->g, op, id[0], id[1], id[2]));
}

/* ---- Powers ----------------------------------------------------------------------------------- */

static NodeId whole_power(Lower *L, NodeId x, double n) {
    NodeId r = NO_NODE;
    for (uint32_t left = (uint32_t)n; left; left >>= 1) {
        if (left & 1) r = r == NO_NODE ? x : node_ew(L->g, OP_MUL, r, x, NO_NODE);
        if (left > 1) x = node_ew(L->g, OP_MUL, x, x, NO_NODE);
    }
    return r;
}

static Value lower_power(Lower *L, const Operand *x, Span at) {
    const Value *n = &x[1].value;
    if (x[0].value.kind != VALUE_TENSOR || n->kind != VALUE_NUMBER)
        return lower_elementwise(L, OP_POW, x, 2, at);
    NodeId base = lower_counted(L, x[0].value.node);
    DType t = (DType)node_at(L->g, base)->dtype;
    const Shape shape = node_at(L->g, base)->shape;
    double e = n->number;
    if (t == DT_BOOL) base = node_cast(L->g, base, t = DT_I32);
    if (lower_is_whole(e) && fabs(e) <= 1048576) {
        if (e < 0) base = node_cast(L->g, base, t = DT_F32);
        if (e == 0) return tensor_value(node_full(L->g, t, 1, &shape));
        NodeId r = whole_power(L, base, fabs(e));
        if (e < 0) r = node_ew(L->g, OP_DIV, node_full(L->g, t, 1, &shape), r, NO_NODE);
        return tensor_value(r);
    }
    if (e == 0.5 || e == -0.5) {
        base = node_cast(L->g, base, DT_F32);
        return tensor_value(node_ew(L->g, e > 0 ? OP_SQRT : OP_RSQRT, base, NO_NODE, NO_NODE));
    }
    return lower_elementwise(L, OP_POW, x, 2, at);
}

/* ---- Operators -------------------------------------------------------------------------------- */

/* A type that dtype(x) gave is none of storage: to compare it with one is a mistake. */
static Value lower_same_type(Lower *L, bool equal, const Operand *x, Span at) {
    for (int i = 0; i < 2; i++) {
        DType t = x[1 - i].value.dtype;
        if (!x[i].value.of_tensor || !dtype_is_storage(t)) continue;
        Diag *d =
            lower_error(L, E0301, at, "`dtype` gives the type that a tensor counts as, never %s",
                        dtype_name(t));
        diag_help(L->diags, d, "%s counts as %s", dtype_name(t), dtype_name(dtype_counts_as(t)));
        return ERROR_VALUE;
    }
    return bool_value((x[0].value.dtype == x[1].value.dtype) == equal);
}

Value lower_binary(Lower *L, AstOp op, const Operand *x, Span at) {
    static const Op plain_op[] = {
        [AST_ADD] = OP_ADD,   [AST_SUB] = OP_SUB, [AST_MUL] = OP_MUL, [AST_DIV] = OP_DIV,
        [AST_IDIV] = OP_IDIV, [AST_MOD] = OP_MOD, [AST_EQ] = OP_EQ,   [AST_NE] = OP_NE,
        [AST_LT] = OP_LT,     [AST_LE] = OP_LE,   [AST_GT] = OP_LT,   [AST_GE] = OP_LE,
        [AST_AND] = OP_AND,   [AST_OR] = OP_OR,
    };
    if (x[0].value.kind == VALUE_ERROR || x[1].value.kind == VALUE_ERROR) return ERROR_VALUE;
    if (x[0].value.kind == VALUE_DTYPE && x[1].value.kind == VALUE_DTYPE &&
        (op == AST_EQ || op == AST_NE))
        return lower_same_type(L, op == AST_EQ, x, at);
    if (op == AST_POW) return lower_power(L, x, at);
    if (op == AST_MATMUL) return lower_matmul(L, x, at);
    if (op == AST_GT || op == AST_GE) {
        Operand swapped[2] = {x[1], x[0]};
        return lower_elementwise(L, plain_op[op], swapped, 2, at);
    }
    return lower_elementwise(L, plain_op[op], x, 2, at);
}

static Value lower_two(Lower *L, const Expr *e) {
    Operand x[2] = {{lower_expr(L, e->a), e->a, e->a->span}, {ERROR_VALUE, e->b, e->b->span}};
    /* `rank(x) > 1 and dim(x, 1) == 3`: what decides at compile time spares the rest. */
    if (x[0].value.kind == VALUE_BOOL && (e->op == AST_AND || e->op == AST_OR) &&
        x[0].value.flag == (e->op == AST_OR))
        return x[0].value;
    x[1].value = lower_expr(L, e->b);
    return lower_binary(L, e->op, x, e->span);
}

static Value lower_one(Lower *L, const Expr *e) {
    Operand x = {lower_expr(L, e->a), e->a, e->a->span};
    return lower_elementwise(L, e->op == AST_NOT ? OP_NOT : OP_NEG, &x, 1, e->span);
}

static Value lower_tuple(Lower *L, const Expr *e) {
    Value *items = NEW_ARRAY(L->arena, Value, e->list.len + 1);
    for (uint32_t i = 0; i < e->list.len; i++) items[i] = lower_expr(L, e->list.at[i]);
    return (Value){.kind = VALUE_TUPLE, .items = items, .count = e->list.len};
}

static Value lower_kind(Lower *L, const Expr *e) {
    switch (e->kind) {
    case EXPR_NUMBER: return number_value(e->number, !e->integral);
    case EXPR_STRING: return (Value){.kind = VALUE_STRING, .string = e->name};
    case EXPR_NAME: return lower_name(L, e);
    case EXPR_UNARY: return lower_one(L, e);
    case EXPR_BINARY: return lower_two(L, e);
    case EXPR_TRANSPOSE: {
        Operand x = {lower_expr(L, e->a), e->a, e->a->span};
        return lower_transpose(L, &x, e->span);
    }
    case EXPR_CALL: return lower_call(L, e);
    case EXPR_INDEX: return lower_index(L, e);
    case EXPR_TENSOR: return lower_literal(L, e);
    case EXPR_TUPLE: return lower_tuple(L, e);
    }
    return ERROR_VALUE;
}

Value lower_expr(Lower *L, const Expr *e) {
    if (!e || !lower_limit(L, e->span)) return ERROR_VALUE;
    lower_enter(L, e->span);
    Span span = L->g->span;
    /* What the prelude makes belongs to the line that called it. */
    if (!L->frame->module->prelude) L->g->span = e->span;
    Value v = L->fatal ? ERROR_VALUE : lower_kind(L, e);
    L->g->span = span;
    L->depth--;
    return v;
}

/* lower_builtin: the table of builtins beside the elementwise operators, which come from ops.def;
 * reductions, casts, the general contraction, gather, and initial values. */
#include "lower.h"

#include <math.h>

static const Shape *shape_at(const Lower *L, NodeId id) {
    return &node_at(L->g, id)->shape;
}

/* ---- Reductions ------------------------------------------------------------------------------- */

enum {
    REDUCE_SUM = 's',
    REDUCE_MEAN = 'm',
    REDUCE_MAX = 'M',
    REDUCE_MIN = 'n',
    REDUCE_ARGMAX = 'a'
};

/* Whether x is a list of whole numbers, `[0, 1]`: a literal, or one number everywhere, as in `[1]`. */
static bool is_axis_list(const Lower *L, NodeId x) {
    const Node *n = node_at(L->g, x);
    double v;
    return n->dtype == DT_I32 && n->shape.rank == 1 && n->shape.dim[0] <= MAX_RANK &&
           (n->op == OP_LITERAL || node_uniform(L->g, x, &v));
}

/* `axis = 1`, or several: `axis = [0, 1]`; left out: all. */
static bool reduced_axes(Lower *L, const Operand *x, int rank, bool gone[MAX_RANK]) {
    int32_t axis;
    for (int i = 0; i < MAX_RANK; i++) gone[i] = x->value.kind == VALUE_NONE && i < rank;
    if (x->value.kind == VALUE_NONE) return true;
    if (x->value.kind == VALUE_TENSOR) {
        const Node *n = node_at(L->g, x->value.node);
        double v;
        if (!is_axis_list(L, x->value.node)) {
            lower_error(L, E0302, x->span, "an axis must be a whole number known at compile time");
            return false;
        }
        for (int32_t i = 0; i < n->shape.dim[0]; i++) {
            if (!node_uniform(L->g, x->value.node, &v)) v = n->values[i];
            Operand one = {number_value(v, false), NULL, x->span};
            if (!lower_axis(L, &one, rank, &axis)) return false;
            gone[axis] = true;
        }
        return true;
    }
    if (!lower_axis(L, x, rank, &axis)) return false;
    gone[axis] = true;
    return true;
}

static NodeId reduce(Lower *L, int which, NodeId x, const int32_t *axes, uint32_t n) {
    const Shape s = *shape_at(L, x);
    double count = 1;
    for (uint32_t i = 0; i < n; i++) count *= s.dim[axes[i]];
    switch (which) {
    case REDUCE_MEAN: {
        NodeId sum = node_reduce(L->g, OP_SUM, node_cast(L->g, x, DT_F32), axes, n);
        const Shape out = *shape_at(L, sum);
        return node_ew(L->g, OP_DIV, sum, node_full(L->g, DT_F32, count, &out), NO_NODE);
    }
    case REDUCE_MAX: return node_reduce(L->g, OP_RMAX, x, axes, n);
    case REDUCE_MIN:
        x = node_reduce(L->g, OP_RMAX, node_ew(L->g, OP_NEG, x, NO_NODE, NO_NODE), axes, n);
        return node_ew(L->g, OP_NEG, x, NO_NODE, NO_NODE);
    default: return node_reduce(L->g, OP_SUM, x, axes, n);
    }
}

static bool flag_of(Lower *L, const Operand *x, bool fallback, bool *out) {
    *out = fallback;
    if (x->value.kind == VALUE_NONE) return true;
    if (x->value.kind != VALUE_BOOL) {
        lower_error(L, E0302, x->span, "true or false is wanted, and this is %s",
                    lower_kind_text(L, &x->value));
        return false;
    }
    return *out = x->value.flag, true;
}

static Value builtin_reduce(Lower *L, const Given *a, int which) {
    NodeId id;
    bool gone[MAX_RANK], keep;
    int32_t axes[MAX_RANK];
    uint32_t n = 0;
    Operand axis = a->slot[1];
    bool two = which == REDUCE_MAX || which == REDUCE_MIN;
    bool number = a->slot[0].value.kind == VALUE_NUMBER;
    /* max(a, b) of two tensors, or of numbers, is the greater of the two. */
    if (two && (number || (axis.value.kind == VALUE_TENSOR && !is_axis_list(L, axis.value.node))))
        if (axis.value.kind != VALUE_NONE)
            return lower_elementwise(L, which == REDUCE_MAX ? OP_MAX : OP_MIN, a->slot, 2, a->at);
    if (number && axis.value.kind == VALUE_NONE && which != REDUCE_ARGMAX) return a->slot[0].value;
    if (!lower_any_tensor(L, &a->slot[0], &id) || !flag_of(L, &a->slot[2], false, &keep))
        return ERROR_VALUE;
    Shape s = *shape_at(L, id);
    if (which == REDUCE_ARGMAX && axis.value.kind == VALUE_NONE)
        axis.value = number_value(-1, false);
    if (!reduced_axes(L, &axis, s.rank, gone)) return ERROR_VALUE;
    Shape kept = s;
    for (int i = 0; i < s.rank; i++) {
        if (gone[i]) axes[n++] = i, kept.dim[i] = 1;
    }
    id = lower_counted(L, id);
    if (node_at(L->g, id)->dtype == DT_BOOL)
        id = node_cast(L->g, id, which == REDUCE_MEAN ? DT_F32 : DT_I32);
    if (which == REDUCE_ARGMAX && n != 1) {
        lower_error(L, E0403, axis.span, "`argmax` goes along one axis");
        return ERROR_VALUE;
    }
    id = which == REDUCE_ARGMAX ? node_argmax(L->g, id, axes[0]) : reduce(L, which, id, axes, n);
    return tensor_value(keep ? node_reshape(L->g, id, &kept) : id);
}

/* The primitives reduce_sum(x, axes...), reduce_max, reduce_argmax. */
static Value builtin_reduce_axes(Lower *L, const Given *a, int which) {
    NodeId id;
    int32_t axes[MAX_RANK];
    bool gone[MAX_RANK] = {false};
    uint32_t n = 0;
    if (!lower_any_tensor(L, &a->slot[0], &id)) return ERROR_VALUE;
    int rank = shape_at(L, id)->rank;
    for (uint32_t i = 0; i < a->rest_count; i++) {
        int32_t axis;
        if (!lower_axis(L, &a->rest[i], rank, &axis)) return ERROR_VALUE;
        if (gone[axis]) {
            lower_error(L, E0403, a->rest[i].span, "axis %d stands twice", axis);
            return ERROR_VALUE;
        }
        gone[axis] = true;
    }
    for (int i = 0; i < rank; i++) {
        if (gone[i]) axes[n++] = i;
    }
    if (which == REDUCE_ARGMAX && n != 1) {
        lower_error(L, E0403, a->at, "`reduce_argmax` goes along one axis");
        return ERROR_VALUE;
    }
    id = lower_counted(L, id);
    if (node_at(L->g, id)->dtype == DT_BOOL) id = node_cast(L->g, id, DT_I32);
    return tensor_value(which == REDUCE_ARGMAX ? node_argmax(L->g, id, axes[0])
                                               : reduce(L, which, id, axes, n));
}

/* ---- The rest --------------------------------------------------------------------------------- */

static Value builtin_cast(Lower *L, const Given *a, int which) {
    NodeId id;
    (void)which;
    if (a->slot[1].value.kind != VALUE_DTYPE) {
        Diag *d = lower_error(L, E0301, a->slot[1].span, "a type is wanted: " DTYPE_NAMES);
        if (a->slot[1].value.kind == VALUE_STRING)
            diag_help(L->diags, d, "a type stands without quotes: `cast(x, i32)`");
        return ERROR_VALUE;
    }
    if (!lower_any_tensor(L, &a->slot[0], &id)) return ERROR_VALUE;
    return tensor_value(node_cast(L->g, id, a->slot[1].value.dtype));
}

static Value builtin_stop(Lower *L, const Given *a, int which) {
    NodeId id;
    if (a->slot[0].value.kind == VALUE_NUMBER || a->slot[0].value.kind == VALUE_BOOL)
        return a->slot[0].value;
    if (!lower_any_tensor(L, &a->slot[0], &id)) return ERROR_VALUE;
    return tensor_value(which == 'c' ? node_copy(L->g, id) : node_stop(L->g, id));
}

static Value builtin_gradsum(Lower *L, const Given *a, int which) {
    NodeId *ids = NEW_ARRAY(L->arena, NodeId, a->rest_count + 1);
    (void)which;
    if (a->rest_count == 0) {
        lower_error(L, E0203, a->at, "`gradsum` wants tensors");
        return ERROR_VALUE;
    }
    for (uint32_t i = 0; i < a->rest_count; i++) {
        if (!lower_any_tensor(L, &a->rest[i], &ids[i])) return ERROR_VALUE;
        ids[i] = lower_counted(L, ids[i]);
        const Node *n = node_at(L->g, ids[i]), *first = node_at(L->g, ids[0]);
        if (n->dtype != first->dtype || !shape_equal(&n->shape, &first->shape)) {
            Operand both[2] = {a->rest[0], a->rest[i]};
            Diag *d =
                lower_error(L, E0401, a->at, "`gradsum` adds tensors of one type and shape: %s, %s",
                            lower_describe(L, &both[0]), lower_describe(L, &both[1]));
            lower_point_origins(L, d, both, 2);
            return ERROR_VALUE;
        }
    }
    return tensor_value(node_gradsum(L->g, ids, a->rest_count));
}

/* dot(a, b, batch = 0, contract = 1): a[batch, m, k], b[batch, n, k] -> [batch, m, n] */
static Value builtin_dot(Lower *L, const Given *a, int which) {
    NodeId x, y;
    int32_t batch = 0, k = 1;
    (void)which;
    if (!lower_tensor(L, &a->slot[0], DT_F32, &x) || !lower_tensor(L, &a->slot[1], DT_F32, &y))
        return ERROR_VALUE;
    if (a->slot[2].expr &&
        !lower_whole(L, &a->slot[2], "the number of batch axes", 0, MAX_RANK, &batch))
        return ERROR_VALUE;
    if (a->slot[3].expr &&
        !lower_whole(L, &a->slot[3], "the number of contracted axes", 0, MAX_RANK, &k))
        return ERROR_VALUE;
    const Shape sx = *shape_at(L, x), sy = *shape_at(L, y);
    bool fits = batch + k <= sx.rank && batch + k <= sy.rank;
    for (int i = 0; fits && i < batch; i++) fits = sx.dim[i] == sy.dim[i];
    for (int i = 1; fits && i <= k; i++) fits = sx.dim[sx.rank - i] == sy.dim[sy.rank - i];
    if (!fits) {
        Diag *d = lower_error(L, E0401, a->at, "shapes do not match: %s, %s",
                              lower_describe(L, &a->slot[0]), lower_describe(L, &a->slot[1]));
        diag_label(L->diags, d, "the first %d and the last %d axes must be the same", batch, k);
        lower_point_origins(L, d, a->slot, 2);
        return ERROR_VALUE;
    }
    Shape s = {0};
    if (sx.rank + sy.rank - batch - 2 * k > MAX_RANK) {
        lower_error(L, E0402, a->at, "the result has more than %d axes", MAX_RANK);
        return ERROR_VALUE;
    }
    for (int i = 0; i < sx.rank - k; i++) s.dim[s.rank++] = sx.dim[i];
    for (int i = batch; i < sy.rank - k; i++) s.dim[s.rank++] = sy.dim[i];
    if (!lower_check_shape(L, &s, a->at)) return ERROR_VALUE;
    return tensor_value(node_dot(L->g, x, y, batch, k));
}

static Value builtin_take(Lower *L, const Given *a, int which) {
    NodeId table, index;
    (void)which;
    if (!lower_any_tensor(L, &a->slot[0], &table)) return ERROR_VALUE;
    if (a->slot[1].value.kind == VALUE_NUMBER) {
        if (!lower_tensor(L, &a->slot[1], DT_I32, &index)) return ERROR_VALUE;
    } else if (!lower_any_tensor(L, &a->slot[1], &index)) {
        return ERROR_VALUE;
    }
    index = lower_counted(L, index);
    Shape st = *shape_at(L, table), s = *shape_at(L, index);
    if (node_at(L->g, index)->dtype != DT_I32) {
        lower_error(L, E0301, a->slot[1].span, "an index must be i32, and this is %s",
                    lower_kind_text(L, &a->slot[1].value));
        return ERROR_VALUE;
    }
    if (st.rank == 0 || s.rank + st.rank - 1 > MAX_RANK) {
        lower_error(L, E0402, a->at,
                    st.rank ? "the result has more than 8 axes"
                            : "the table has no axis to take from");
        return ERROR_VALUE;
    }
    for (int i = 1; i < st.rank; i++) s.dim[s.rank++] = st.dim[i];
    if (!lower_check_shape(L, &s, a->at)) return ERROR_VALUE;
    return tensor_value(node_take(L->g, table, index));
}

/* ---- Initial values: uniform(lo, hi), normal(mean, std) ------------------------------------------ */

static Value builtin_init(Lower *L, const Given *a, int which) {
    double v[2];
    if (!L->init_shape) {
        Diag *d = lower_error(L, E0205, a->at, "an initial value is not allowed here");
        diag_help(L->diags, d, "it belongs after `~`: `param w : f32[n, m] ~ %s(...)`",
                  which == 'u' ? "uniform" : "normal");
        if (!L->initial)
            diag_note(L->diags, d, "what a running program draws is %s",
                      which == 'u' ? "`random_uniform(shape...)`" : "`random_normal_like(x)`");
        return ERROR_VALUE;
    }
    for (int i = 0; i < 2; i++) {
        if (a->slot[i].value.kind != VALUE_NUMBER) {
            lower_error(L, E0302, a->slot[i].span,
                        "a number known at compile time is wanted, and this is %s",
                        lower_kind_text(L, &a->slot[i].value));
            return ERROR_VALUE;
        }
        v[i] = a->slot[i].value.number;
        if (!lower_in_range(L, DT_F32, v[i], a->slot[i].span)) return ERROR_VALUE;
        if (!isfinite(v[i])) {
            lower_error(L, E0304, a->slot[i].span, "a finite number is wanted");
            return ERROR_VALUE;
        }
    }
    if (which == 'u' ? v[0] > v[1] : v[1] < 0) {
        lower_error(L, E0304, a->at,
                    which == 'u' ? "the low end is above the high end"
                                 : "a standard deviation cannot be negative");
        return ERROR_VALUE;
    }
    return (Value){.kind = VALUE_INIT,
                   .init = which == 'u' ? INIT_UNIFORM : INIT_NORMAL,
                   .a = v[0],
                   .b = v[1]};
}

const Builtin lower_builtins[] = {
    {"sum", builtin_reduce, REDUCE_SUM, 1, false, {"x", "axis", "keep"}},
    {"mean", builtin_reduce, REDUCE_MEAN, 1, false, {"x", "axis", "keep"}},
    {"max", builtin_reduce, REDUCE_MAX, 1, false, {"x", "axis", "keep"}},
    {"min", builtin_reduce, REDUCE_MIN, 1, false, {"x", "axis", "keep"}},
    {"argmax", builtin_reduce, REDUCE_ARGMAX, 1, false, {"x", "axis", "keep"}},
    {"reduce_sum", builtin_reduce_axes, REDUCE_SUM, 1, true, {"x"}},
    {"reduce_max", builtin_reduce_axes, REDUCE_MAX, 1, true, {"x"}},
    {"reduce_argmax", builtin_reduce_axes, REDUCE_ARGMAX, 1, true, {"x"}},
    {"rows", builtin_size, 'r', 1, false, {"x"}},
    {"cols", builtin_size, 'c', 1, false, {"x"}},
    {"rank", builtin_size, 'k', 1, false, {"x"}},
    {"size", builtin_size, 's', 1, false, {"x"}},
    {"dim", builtin_size, 'd', 2, false, {"x", "axis"}},
    {"dtype", builtin_dtype, 0, 1, false, {"x"}},
    {"zeros", builtin_fill, '0', 0, true, {"dtype"}},
    {"ones", builtin_fill, '1', 0, true, {"dtype"}},
    {"full", builtin_fill, 'f', 1, true, {"value", "dtype"}},
    {"random_bits", builtin_random, 'b', 0, true, {"key"}},
    {"random_uniform", builtin_random, 'u', 0, true, {"key"}},
    {"random_like", builtin_random, 'l', 1, false, {"x", "key"}},
    {"iota", builtin_iota, 0, 1, false, {"n"}},
    {"zeros_like", builtin_like, '0', 1, false, {"x"}},
    {"ones_like", builtin_like, '1', 1, false, {"x"}},
    {"cast", builtin_cast, 0, 2, false, {"x", "dtype"}},
    {"stop_gradient", builtin_stop, 's', 1, false, {"x"}},
    {"copy", builtin_stop, 'c', 1, false, {"x"}},
    {"gradsum", builtin_gradsum, 0, 0, true, {NULL}},
    {"reshape", builtin_reshape, 0, 1, true, {"x"}},
    {"permute", builtin_permute, 0, 1, true, {"x"}},
    {"expand", builtin_expand, 0, 1, true, {"x"}},
    {"slice", builtin_slice, 0, 1, true, {"x"}},
    {"pad", builtin_pad, 0, 1, true, {"x", "value"}},
    {"window", builtin_window, 'w', 3, false, {"x", "axis", "size", "stride", "dilation"}},
    {"skew", builtin_window, 's', 2, false, {"x", "axis", "dilation"}},
    {"scatter", builtin_scatter, 0, 3, false, {"values", "index", "n"}},
    {"expand_dims", builtin_expand_dims, 0, 2, false, {"x", "axis"}},
    {"concat", builtin_concat, 0, 0, true, {"axis"}},
    {"dot", builtin_dot, 0, 2, false, {"a", "b", "batch", "contract"}},
    {"einsum", builtin_einsum, 0, 1, true, {"formula"}},
    {"take", builtin_take, 0, 2, false, {"table", "index"}},
    {"uniform", builtin_init, 'u', 2, false, {"low", "high"}},
    {"normal", builtin_init, 'n', 2, false, {"mean", "std"}},
    {NULL, NULL, 0, 0, false, {NULL}},
};

/* lower_view: builtins that make tensors (zeros, iota, ...), ask for sizes, and move elements about
 * (reshape, permute, slice, ...). Shapes are checked here in the user's terms; the graph's builders
 * rely on it. */
#include "lower.h"

static const Shape *shape_at(const Lower *L, NodeId id) {
    return &node_at(L->g, id)->shape;
}

/* The tensor of the first argument. */
static bool first_tensor(Lower *L, const Given *a, NodeId *out) {
    return lower_any_tensor(L, &a->slot[0], out);
}

bool lower_axis(Lower *L, const Operand *x, int rank, int32_t *out) {
    int32_t axis;
    if (!lower_whole(L, x, "an axis", -MAX_ELEMS, MAX_ELEMS, &axis)) return false;
    if (axis < -rank || axis >= rank) {
        Diag *d = lower_error(L, E0403, x->span, "axis %d of a tensor with %d %s", axis, rank,
                              rank == 1 ? "axis" : "axes");
        if (rank > 0) diag_label(L->diags, d, "must be from %d to %d", -rank, rank - 1);
        return false;
    }
    return *out = axis < 0 ? axis + rank : axis, true;
}

/* rows, cols, rank, size, dim */
Value builtin_size(Lower *L, const Given *a, int which) {
    NodeId id;
    int32_t axis = 0;
    if (!first_tensor(L, a, &id)) return ERROR_VALUE;
    const Shape s = *shape_at(L, id);
    if (which == 'k') return number_value(s.rank, false);
    if (which == 's') return number_value((double)shape_elems(&s), false);
    if (which == 'd') {
        if (!lower_axis(L, &a->slot[1], s.rank, &axis)) return ERROR_VALUE;
    } else if (s.rank == 0) {
        Diag *d = lower_error(L, E0402, a->slot[0].span, "%s, and has no %s",
                              lower_describe(L, &a->slot[0]), which == 'r' ? "rows" : "columns");
        lower_point_origins(L, d, a->slot, 1);
        return ERROR_VALUE;
    } else {
        axis = which == 'r' ? 0 : s.rank - 1;
    }
    return number_value(s.dim[axis], false);
}

/* dtype(x): the type that x counts as, for `dtype(x) == i32`. A number on its own is what a literal of it would be. */
Value builtin_dtype(Lower *L, const Given *a, int which) {
    NodeId id;
    const Value *v = &a->slot[0].value;
    (void)which;
    if (v->kind == VALUE_NUMBER && !v->real && lower_is_whole(v->number))
        return (Value){.kind = VALUE_DTYPE, .dtype = DT_I32};
    if (!first_tensor(L, a, &id)) return ERROR_VALUE;
    DType t = dtype_counts_as((DType)node_at(L->g, id)->dtype);
    return (Value){.kind = VALUE_DTYPE, .dtype = t, .of_tensor = true};
}

/* The rest arguments as sizes; a type among them goes to *dtype. -1 is kept where `infer`. */
static bool rest_sizes(Lower *L, const Given *a, bool infer, DType *dtype, Shape *out) {
    *out = (Shape){0};
    for (uint32_t i = 0; i < a->rest_count; i++) {
        const Operand *x = &a->rest[i];
        int32_t n;
        if (dtype && x->value.kind == VALUE_DTYPE) {
            *dtype = x->value.dtype;
            continue;
        }
        if (x->value.kind == VALUE_TENSOR && x->expr && x->expr->kind == EXPR_TENSOR) {
            Diag *d =
                lower_error(L, E0302, x->span, "a size must be a whole number, and this is %s",
                            lower_kind_text(L, &x->value));
            diag_help(L->diags, d, "sizes stand one by one, without [ ]: `%s`",
                      infer ? "reshape(x, 4, 8)" : "zeros(4, 8)");
            return false;
        }
        if (!lower_whole(L, x, "a size", -MAX_ELEMS, MAX_ELEMS, &n)) return false;
        if (n < 1 && !(infer && n == -1)) {
            lower_error(L, E0405, x->span, "a size must be at least 1, and this is %d", n);
            return false;
        }
        if (out->rank == MAX_RANK) {
            lower_error(L, E0402, x->span, "a tensor has at most %d axes", MAX_RANK);
            return false;
        }
        out->dim[out->rank++] = n;
    }
    return true;
}

/* zeros(shape...), ones(shape...), full(value, shape...) */
bool lower_sizes(Lower *L, const Given *a, Shape *s) {
    return rest_sizes(L, a, false, NULL, s);
}

Value builtin_fill(Lower *L, const Given *a, int which) {
    DType t = DT_F32;
    Shape s;
    Operand value = {number_value(which == '1', false), NULL, a->at};
    const Operand *dtype = &a->slot[which == 'f' ? 1 : 0];
    if (which == 'f') value = a->slot[0];
    if (value.value.kind == VALUE_BOOL) t = DT_BOOL;
    if (value.value.kind == VALUE_TENSOR) t = (DType)node_at(L->g, value.value.node)->dtype;
    if (!rest_sizes(L, a, false, &t, &s)) return ERROR_VALUE;
    if (dtype->value.kind != VALUE_NONE) {
        if (dtype->value.kind != VALUE_DTYPE) {
            lower_error(L, E0301, dtype->span, "a type is wanted: " DTYPE_NAMES);
            return ERROR_VALUE;
        }
        t = dtype->value.dtype;
    }
    NodeId id;
    if (!lower_check_shape(L, &s, a->at) || !lower_tensor(L, &value, t, &id)) return ERROR_VALUE;
    if (shape_at(L, id)->rank != 0) {
        lower_error(L, E0402, value.span, "`full` repeats one number, and %s",
                    lower_describe(L, &value));
        return ERROR_VALUE;
    }
    return tensor_value(node_broadcast(L->g, id, &s));
}

Value builtin_iota(Lower *L, const Given *a, int which) {
    int32_t n;
    (void)which;
    if (!lower_whole(L, &a->slot[0], "the length of iota", 1, MAX_ELEMS, &n)) return ERROR_VALUE;
    return tensor_value(node_iota(L->g, n));
}

Value builtin_like(Lower *L, const Given *a, int which) {
    NodeId id;
    if (!first_tensor(L, a, &id)) return ERROR_VALUE;
    const Node *n = node_at(L->g, id);
    const Shape s = n->shape;
    /* Of the type that x counts as: what an optimizer keeps for an f16 param is f32. */
    return tensor_value(node_full(L->g, dtype_counts_as((DType)n->dtype), which == '1', &s));
}

Value builtin_reshape(Lower *L, const Given *a, int which) {
    NodeId id;
    Shape s;
    int inferred = -1;
    int64_t known = 1;
    (void)which;
    if (!first_tensor(L, a, &id) || !rest_sizes(L, a, true, NULL, &s)) return ERROR_VALUE;
    int64_t elems = shape_elems(shape_at(L, id));
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] == -1 && inferred >= 0) {
            lower_error(L, E0405, a->rest[i].span, "only one size may be left to be found (-1)");
            return ERROR_VALUE;
        }
        if (s.dim[i] == -1)
            inferred = i;
        else
            known = known > MAX_ELEMS ? known : known * s.dim[i];
    }
    if (inferred >= 0 && known <= elems && elems % known == 0) {
        s.dim[inferred] = (int32_t)(elems / known);
        known = elems;
    }
    if (known != elems) {
        Diag *d =
            lower_error(L, E0401, a->at, "%s, which is %lld elements: it cannot be reshaped so",
                        lower_describe(L, &a->slot[0]), (long long)elems);
        if (inferred >= 0)
            diag_label(L->diags, d, "%lld is not a multiple of %lld", (long long)elems,
                       (long long)known);
        else
            diag_label(L->diags, d, "the sizes make %lld", (long long)known);
        lower_point_origins(L, d, a->slot, 1);
        return ERROR_VALUE;
    }
    return tensor_value(node_reshape(L->g, id, &s));
}

Value builtin_permute(Lower *L, const Given *a, int which) {
    NodeId id;
    int32_t axes[MAX_RANK];
    unsigned seen = 0;
    (void)which;
    if (!first_tensor(L, a, &id)) return ERROR_VALUE;
    int rank = shape_at(L, id)->rank;
    if (a->rest_count != (uint32_t)rank) {
        lower_error(L, E0402, a->at, "`permute` wants each axis once: %s, and %u %s given",
                    lower_describe(L, &a->slot[0]), a->rest_count,
                    a->rest_count == 1 ? "is" : "are");
        return ERROR_VALUE;
    }
    for (int i = 0; i < rank; i++) {
        if (!lower_axis(L, &a->rest[i], rank, &axes[i])) return ERROR_VALUE;
        if (seen >> axes[i] & 1) {
            lower_error(L, E0403, a->rest[i].span, "axis %d stands twice", axes[i]);
            return ERROR_VALUE;
        }
        seen |= 1u << axes[i];
    }
    return tensor_value(node_permute(L->g, id, axes));
}

Value builtin_expand(Lower *L, const Given *a, int which) {
    NodeId id;
    Shape s, got;
    (void)which;
    if (!first_tensor(L, a, &id) || !rest_sizes(L, a, false, NULL, &s)) return ERROR_VALUE;
    if (!lower_broadcast_shape(shape_at(L, id), &s, &got) || !shape_equal(&got, &s)) {
        Diag *d = lower_error(L, E0401, a->at, "%s, and cannot be repeated to this shape",
                              lower_describe(L, &a->slot[0]));
        diag_label(L->diags, d, "only axes of size 1 are repeated");
        lower_point_origins(L, d, a->slot, 1);
        return ERROR_VALUE;
    }
    if (!lower_check_shape(L, &s, a->at)) return ERROR_VALUE;
    return tensor_value(node_broadcast(L->g, id, &s));
}

/* Three whole numbers an axis. */
static bool triples(Lower *L, const Given *a, int rank, const char *what, const char *name,
                    const char *each, int32_t (*out)[3]) {
    if (a->rest_count != 3u * (uint32_t)rank) {
        Diag *d = lower_error(L, E0402, a->at, "%s of each axis: %s, and %u number%s given", what,
                              lower_describe(L, &a->slot[0]), a->rest_count,
                              a->rest_count == 1 ? " is" : "s are");
        Text call;
        text_init(&call, L->arena);
        for (int i = 0; i < rank; i++) text_printf(&call, ", %s", each);
        diag_help(L->diags, d, "three numbers an axis, one axis after the other: `%s(x%s)`", name,
                  call.at);
        return false;
    }
    for (uint32_t i = 0; i < a->rest_count; i++) {
        if (!lower_whole(L, &a->rest[i], what, -MAX_ELEMS, MAX_ELEMS, &out[i / 3][i % 3]))
            return false;
    }
    return true;
}

/* slice(x, start, count, stride, ... of each axis): the primitive; x[a:b] is the usual way. */
Value builtin_slice(Lower *L, const Given *a, int which) {
    NodeId id;
    int32_t arg[MAX_RANK][3], start[MAX_RANK], count[MAX_RANK], stride[MAX_RANK];
    (void)which;
    if (!first_tensor(L, a, &id)) return ERROR_VALUE;
    const Shape s = *shape_at(L, id);
    if (!triples(L, a, s.rank, "start, count and stride", "slice", "0, 4, 1", arg))
        return ERROR_VALUE;
    for (int i = 0; i < s.rank; i++) {
        int64_t last = arg[i][0] + (int64_t)(arg[i][1] - 1) * arg[i][2];
        start[i] = arg[i][0], count[i] = arg[i][1], stride[i] = arg[i][2];
        if (count[i] < 1 || stride[i] == 0 || start[i] < 0 || start[i] >= s.dim[i] || last < 0 ||
            last >= s.dim[i]) {
            lower_error(L, E0404, a->rest[3 * i].span, "the slice leaves axis %d, whose size is %d",
                        i, s.dim[i]);
            return ERROR_VALUE;
        }
    }
    return tensor_value(node_slice(L->g, id, start, count, stride));
}

/* pad(x, before, after, between, ... of each axis) */
static bool padding_value(Lower *L, const Operand *x, NodeId node, double *value) {
    if (node_at(L->g, node)->shape.rank == 0 && node_uniform(L->g, node_unnamed(L->g, node), value))
        return true;
    lower_error(L, E0302, x->span,
                "what is padded with is a number known at compile time, and this is %s",
                lower_kind_text(L, &x->value));
    return false;
}

Value builtin_pad(Lower *L, const Given *a, int which) {
    NodeId id;
    int32_t arg[MAX_RANK][3], before[MAX_RANK], after[MAX_RANK], between[MAX_RANK];
    (void)which;
    if (!first_tensor(L, a, &id)) return ERROR_VALUE;
    Shape s = *shape_at(L, id);
    if (!triples(L, a, s.rank, "zeros before, after and between", "pad", "1, 1, 0", arg))
        return ERROR_VALUE;
    for (int i = 0; i < s.rank; i++) {
        before[i] = arg[i][0], after[i] = arg[i][1], between[i] = arg[i][2];
        if (before[i] < 0 || after[i] < 0 || between[i] < 0) {
            lower_error(L, E0405, a->rest[3 * i].span, "padding cannot be negative");
            return ERROR_VALUE;
        }
        int64_t n = (int64_t)before[i] + after[i] + s.dim[i] + (int64_t)(s.dim[i] - 1) * between[i];
        s.dim[i] = n > MAX_ELEMS ? MAX_ELEMS : (int32_t)n;
        if (n > MAX_ELEMS) {
            lower_error(L, E0406, a->at, "axis %d becomes longer than %d", i, MAX_ELEMS);
            return ERROR_VALUE;
        }
    }
    if (!lower_check_shape(L, &s, a->at)) return ERROR_VALUE;
    double value = 0;
    NodeId around;
    if (a->slot[1].value.kind != VALUE_NONE &&
        (!lower_tensor(L, &a->slot[1], (DType)node_at(L->g, id)->dtype, &around) ||
         !padding_value(L, &a->slot[1], around, &value)))
        return ERROR_VALUE;
    return tensor_value(node_pad(L->g, id, before, after, between, value));
}

/* window(x, axis, size, stride = 1, dilation = 1) and skew(x, axis, dilation = 1). */
Value builtin_window(Lower *L, const Given *a, int which) {
    NodeId id;
    int32_t axis, size, stride = 1, dilation = 1;
    bool skew = which == 's';
    const Operand *step = &a->slot[3], *gap = &a->slot[skew ? 2 : 4];
    if (!first_tensor(L, a, &id)) return ERROR_VALUE;
    const Shape s = *shape_at(L, id);
    if (!lower_axis(L, &a->slot[1], s.rank - skew, &axis)) return ERROR_VALUE;
    if (!skew && !lower_whole(L, &a->slot[2], "the size of a window", 1, MAX_ELEMS, &size))
        return ERROR_VALUE;
    if (!skew && step->value.kind != VALUE_NONE &&
        !lower_whole(L, step, "the stride", 1, MAX_ELEMS, &stride))
        return ERROR_VALUE;
    if (gap->value.kind != VALUE_NONE &&
        !lower_whole(L, gap, "the dilation", 1, MAX_ELEMS, &dilation))
        return ERROR_VALUE;
    if (skew) size = s.dim[s.rank - 1];
    if (!skew && s.rank == MAX_RANK) {
        lower_error(L, E0402, a->at, "a window adds an axis, and a tensor has at most %d",
                    MAX_RANK);
        return ERROR_VALUE;
    }
    int64_t reach = (int64_t)(size - 1) * dilation + 1;
    if (reach > s.dim[axis]) {
        Diag *d = lower_error(L, E0404, a->at,
                              "a window of %d reaches over %lld places, and axis %d has %d", size,
                              (long long)reach, axis, s.dim[axis]);
        lower_point_origins(L, d, &a->slot[0], 1);
        return ERROR_VALUE;
    }
    if (skew) return tensor_value(node_skew(L->g, id, axis, dilation));
    Shape out = s;
    out.dim[axis] = (int32_t)((s.dim[axis] - reach) / stride + 1);
    out.dim[out.rank++] = size;
    if (!lower_check_shape(L, &out, a->at)) return ERROR_VALUE;
    return tensor_value(node_window(L->g, id, axis, size, stride, dilation));
}

/* scatter(values, index, n): the adjoint of take. */
Value builtin_scatter(Lower *L, const Given *a, int which) {
    NodeId values, index;
    int32_t n;
    (void)which;
    if (!first_tensor(L, a, &values) || !lower_tensor(L, &a->slot[1], DT_I32, &index))
        return ERROR_VALUE;
    if (!lower_whole(L, &a->slot[2], "the count of rows", 1, MAX_ELEMS, &n)) return ERROR_VALUE;
    values = lower_counted(L, values);
    if (node_at(L->g, values)->dtype == DT_BOOL) values = node_cast(L->g, values, DT_I32);
    const Shape sv = *shape_at(L, values), si = *shape_at(L, index);
    if (node_at(L->g, index)->dtype != DT_I32) {
        Diag *d = lower_error(L, E0301, a->slot[1].span, "an index must be i32, and this is %s",
                              lower_kind_text(L, &a->slot[1].value));
        diag_help(L->diags, d, "write `cast(i, i32)`");
        return ERROR_VALUE;
    }
    if (sv.rank < si.rank || memcmp(sv.dim, si.dim, si.rank * sizeof(int32_t))) {
        Diag *d =
            lower_error(L, E0401, a->at, "one row of values is wanted for each index: %s, and %s",
                        lower_describe(L, &a->slot[0]), lower_describe(L, &a->slot[1]));
        lower_point_origins(L, d, a->slot, 2);
        return ERROR_VALUE;
    }
    Shape out = {.rank = 1, .dim = {n}};
    if (sv.rank - si.rank + 1 > MAX_RANK) {
        lower_error(L, E0402, a->at, "the result has more than %d axes", MAX_RANK);
        return ERROR_VALUE;
    }
    for (int i = si.rank; i < sv.rank; i++) out.dim[out.rank++] = sv.dim[i];
    if (!lower_check_shape(L, &out, a->at)) return ERROR_VALUE;
    return tensor_value(node_scatter(L->g, values, index, n));
}

/* expand_dims(x, axis): a new axis of size 1, which is then `axis` of the result. */
Value builtin_expand_dims(Lower *L, const Given *a, int which) {
    NodeId id;
    int32_t axis;
    (void)which;
    if (!first_tensor(L, a, &id)) return ERROR_VALUE;
    Shape in = *shape_at(L, id), s = {0};
    if (in.rank == MAX_RANK) {
        lower_error(L, E0402, a->at, "a tensor has at most %d axes", MAX_RANK);
        return ERROR_VALUE;
    }
    if (!lower_axis(L, &a->slot[1], in.rank + 1, &axis)) return ERROR_VALUE;
    for (int i = 0; i <= in.rank; i++) {
        if (i == axis) s.dim[s.rank++] = 1;
        if (i < in.rank) s.dim[s.rank++] = in.dim[i];
    }
    return tensor_value(node_reshape(L->g, id, &s));
}

Value builtin_concat(Lower *L, const Given *a, int which) {
    NodeId *ids = NEW_ARRAY(L->arena, NodeId, a->rest_count + 1);
    DType t = DT_BOOL;
    int32_t axis = 0;
    (void)which;
    if (a->rest_count == 0) {
        lower_error(L, E0203, a->at, "`concat` wants tensors");
        return ERROR_VALUE;
    }
    if (a->rest_count == 1 && a->rest[0].expr && a->rest[0].expr->kind == EXPR_TENSOR) {
        Diag *d = lower_error(L, E0203, a->rest[0].span,
                              "a literal is one tensor already, stacked on a new axis");
        diag_help(L->diags, d, "`concat` takes its tensors one by one: `concat(a, b, axis = 1)`");
        return ERROR_VALUE;
    }
    for (uint32_t i = 0; i < a->rest_count; i++) {
        if (!lower_any_tensor(L, &a->rest[i], &ids[i])) return ERROR_VALUE;
        DType own = (DType)node_at(L->g, ids[i])->dtype;
        t = i == 0 ? own : lower_common_type(t, own);
    }
    Shape s = *shape_at(L, ids[0]);
    if (s.rank == 0) {
        Diag *d = lower_error(L, E0402, a->rest[0].span, "%s: it has no axis to be joined along",
                              lower_describe(L, &a->rest[0]));
        diag_help(L->diags, d, "write a literal: [a, b]");
        return ERROR_VALUE;
    }
    if (a->slot[0].value.kind != VALUE_NONE && !lower_axis(L, &a->slot[0], s.rank, &axis))
        return ERROR_VALUE;
    int64_t total = 0;
    for (uint32_t i = 0; i < a->rest_count; i++) {
        Shape own = *shape_at(L, ids[i]), like = s;
        if (own.rank == s.rank) like.dim[axis] = own.dim[axis];
        if (!shape_equal(&own, &like)) {
            Operand both[2] = {a->rest[0], a->rest[i]};
            Diag *d = lower_error(L, E0401, a->at, "shapes do not match: %s, %s",
                                  lower_describe(L, &both[0]), lower_describe(L, &both[1]));
            diag_label(L->diags, d, "all axes but axis %d must be of one size", axis);
            lower_point_origins(L, d, both, 2);
            return ERROR_VALUE;
        }
        total += own.dim[axis];
        ids[i] = node_cast(L->g, ids[i], t);
    }
    s.dim[axis] = total > MAX_ELEMS ? MAX_ELEMS : (int32_t)total;
    if (total > MAX_ELEMS) {
        lower_error(L, E0406, a->at, "axis %d becomes longer than %d", axis, MAX_ELEMS);
        return ERROR_VALUE;
    }
    if (!lower_check_shape(L, &s, a->at)) return ERROR_VALUE;
    return tensor_value(node_concat(L->g, ids, a->rest_count, axis));
}

/* lower_shape: matrix products, transposes, subscripts and tensor literals, and NumPy's rule of
 * broadcasting. Establishes that the nodes which it makes fit, or reports in the user's terms. */
#include "lower.h"

bool lower_broadcast_shape(const Shape *a, const Shape *b, Shape *out) {
    const Shape *wide = a->rank >= b->rank ? a : b, *thin = wide == a ? b : a;
    Shape s = *wide;
    int lead = wide->rank - thin->rank;
    for (int i = lead; i < wide->rank; i++) {
        int32_t p = wide->dim[i], q = thin->dim[i - lead];
        if (p != q && p != 1 && q != 1) return false;
        s.dim[i] = p == 1 ? q : p;
    }
    return *out = s, true;
}

static Shape shape_of(const Lower *L, NodeId id) {
    return node_at(L->g, id)->shape;
}

/* ---- Matrix product --------------------------------------------------------------------------- */

static Value matmul_mismatch(Lower *L, const Operand *x, Span at, const Shape *b, int32_t k,
                             int32_t k2) {
    Diag *d = lower_error(L, E0401, at, "shapes do not match: %s, %s", lower_describe(L, &x[0]),
                          lower_describe(L, &x[1]));
    diag_label(L->diags, d, "the inner sizes %d and %d differ", k, k2);
    if (b->rank > 1 && b->dim[b->rank - 1] == k)
        diag_help(L->diags, d, "the second operand would fit transposed: `@ ...'`");
    lower_point_origins(L, d, x, 2);
    return ERROR_VALUE;
}

static bool matmul_operands(Lower *L, const Operand *x, NodeId id[2], Span at) {
    for (int i = 0; i < 2; i++) {
        if (x[i].value.kind != VALUE_TENSOR) {
            Diag *d = lower_error(L, E0301, x[i].span, "`@` multiplies tensors, and this is %s",
                                  lower_kind_text(L, &x[i].value));
            if (x[i].value.kind == VALUE_NUMBER)
                diag_help(L->diags, d, "to scale by a number, write `*`");
            return false;
        }
        id[i] = x[i].value.node;
        if (shape_of(L, id[i]).rank == 0) {
            Diag *d =
                lower_error(L, E0402, x[i].span, "`@` multiplies vectors and matrices, and %s",
                            lower_describe(L, &x[i]));
            diag_help(L->diags, d, "to scale by a number, write `*`");
            return false;
        }
    }
    DType left = (DType)node_at(L->g, id[0])->dtype, right = (DType)node_at(L->g, id[1])->dtype;
    if (!dtype_is_float(left) && !dtype_is_float(right)) {
        Diag *d = lower_error(L, E0301, at, "`@` multiplies f32, and both operands are %s and %s",
                              dtype_name(left), dtype_name(right));
        diag_help(L->diags, d, "write `cast(x, f32)`");
        return false;
    }
    for (int i = 0; i < 2; i++) id[i] = node_cast(L->g, id[i], DT_F32);
    return true;
}

/* b with its last two axes swapped, so that the contracted one is last. */
static NodeId swap_last(Lower *L, NodeId b) {
    int rank = shape_of(L, b).rank;
    int32_t axes[MAX_RANK];
    if (rank < 2) return b;
    for (int i = 0; i < rank; i++) axes[i] = i;
    axes[rank - 1] = rank - 2;
    axes[rank - 2] = rank - 1;
    return node_permute(L->g, b, axes);
}

/* The batch axes of x become those of `batch`; its last two stay. */
static NodeId spread_batch(Lower *L, NodeId x, const Shape *batch) {
    Shape own = shape_of(L, x), s = *batch;
    s.dim[s.rank++] = own.dim[own.rank - 2];
    s.dim[s.rank++] = own.dim[own.rank - 1];
    return node_broadcast(L->g, x, &s);
}

Value lower_matmul(Lower *L, const Operand *x, Span at) {
    NodeId id[2];
    if (!matmul_operands(L, x, id, at)) return ERROR_VALUE;
    Shape a = shape_of(L, id[0]), b = shape_of(L, id[1]);
    int32_t k = a.dim[a.rank - 1], k2 = b.dim[b.rank > 1 ? b.rank - 2 : 0];
    if (k != k2) return matmul_mismatch(L, x, at, &b, k, k2);
    Shape out = a;
    out.rank = (uint8_t)(a.rank - 1);
    if (b.rank <= 2) { /* a's batch axes are free ones */
        if (b.rank == 2) out.dim[out.rank++] = b.dim[1];
        if (!lower_check_shape(L, &out, at)) return ERROR_VALUE;
        return tensor_value(node_dot(L->g, id[0], swap_last(L, id[1]), 0, 1));
    }
    /* A vector on the left is a row, whose axis vanishes again. */
    bool vector = a.rank == 1;
    if (vector) {
        a = (Shape){2, {1, k}};
        id[0] = node_reshape(L->g, id[0], &a);
    }
    Shape ba = a, bb = b, batch;
    ba.rank = (uint8_t)(a.rank - 2);
    bb.rank = (uint8_t)(b.rank - 2);
    if (!lower_broadcast_shape(&ba, &bb, &batch)) {
        Diag *d = lower_error(L, E0401, at, "shapes do not match: %s, %s", lower_describe(L, &x[0]),
                              lower_describe(L, &x[1]));
        diag_label(L->diags, d, "the batch axes before the last two differ");
        lower_point_origins(L, d, x, 2);
        return ERROR_VALUE;
    }
    out = batch;
    out.dim[out.rank++] = a.dim[a.rank - 2];
    out.dim[out.rank++] = b.dim[b.rank - 1];
    Shape wide = batch, wide_b = batch; /* the operands once spread */
    wide.dim[wide.rank++] = a.dim[a.rank - 2];
    wide.dim[wide.rank++] = k;
    wide_b.dim[wide_b.rank++] = k;
    wide_b.dim[wide_b.rank++] = b.dim[b.rank - 1];
    if (!lower_check_shape(L, &out, at) || !lower_check_shape(L, &wide, at) ||
        !lower_check_shape(L, &wide_b, at))
        return ERROR_VALUE;
    id[0] = spread_batch(L, id[0], &batch);
    id[1] = swap_last(L, spread_batch(L, id[1], &batch));
    NodeId r = node_dot(L->g, id[0], id[1], batch.rank, 1);
    if (vector) {
        out.dim[out.rank - 2] = out.dim[out.rank - 1];
        out.rank--;
        r = node_reshape(L->g, r, &out);
    }
    return tensor_value(r);
}

Value lower_transpose(Lower *L, const Operand *x, Span at) {
    NodeId id;
    if (x->value.kind == VALUE_ERROR || !lower_any_tensor(L, x, &id)) return ERROR_VALUE;
    if (shape_of(L, id).rank < 2) {
        Diag *d =
            lower_error(L, E0402, at, "`'` swaps the last two axes, and %s", lower_describe(L, x));
        diag_label(L->diags, d, "fewer than two axes");
        lower_point_origins(L, d, x, 1);
        return ERROR_VALUE;
    }
    return tensor_value(swap_last(L, id));
}

/* ---- Subscripts ------------------------------------------------------------------------------- */

typedef struct Cut { /* what the subscripts say of each axis of the operand */
    int32_t start[MAX_RANK], count[MAX_RANK], stride[MAX_RANK];
    bool drop[MAX_RANK];
    NodeId gather[MAX_RANK]; /* along this axis, or NO_NODE */
} Cut;

/* A place on an axis of n: -n..n-1, or -n..n for the end of a slice. */
static bool lower_place(Lower *L, const Expr *e, int32_t n, bool end, const char *what,
                        int32_t *out) {
    Operand x = {lower_expr(L, e), e, e->span};
    int32_t i;
    if (!lower_whole(L, &x, what, -MAX_ELEMS, MAX_ELEMS, &i)) return false;
    if (i < -n || i > n - (end ? 0 : 1)) {
        Diag *d = lower_error(L, E0404, e->span, "%s %d is outside an axis of size %d", what, i, n);
        diag_label(L->diags, d, "must be from %d to %d", -n, n - (end ? 0 : 1));
        return false;
    }
    return *out = i < 0 ? i + n : i, true;
}

static bool cut_slice(Lower *L, const Subscript *s, int32_t n, int axis, Cut *cut) {
    int32_t step = 1, begin, end;
    if (s->step) {
        Operand x = {lower_expr(L, s->step), s->step, s->step->span};
        if (!lower_whole(L, &x, "a step", -MAX_ELEMS, MAX_ELEMS, &step)) return false;
        if (step == 0) {
            lower_error(L, E0404, s->step->span, "a step of 0 goes nowhere");
            return false;
        }
    }
    begin = step > 0 ? 0 : n - 1;
    end = step > 0 ? n : -1;
    if (s->begin && !lower_place(L, s->begin, n, step > 0, "the begin", &begin)) return false;
    if (s->end && !lower_place(L, s->end, n, step > 0, "the end", &end)) return false;
    int64_t span = step > 0 ? (int64_t)end - begin : (int64_t)begin - end;
    int64_t stride = step > 0 ? step : -(int64_t)step;
    if (span <= 0) {
        lower_error(L, E0404, s->span, "this slice of an axis of size %d is empty", n);
        return false;
    }
    cut->start[axis] = begin;
    cut->count[axis] = (int32_t)((span + stride - 1) / stride);
    cut->stride[axis] = step;
    return true;
}

static bool cut_index(Lower *L, const Subscript *s, int32_t n, int axis, Cut *cut) {
    Operand x = {lower_expr(L, s->index), s->index, s->span};
    if (x.value.kind == VALUE_ERROR) return false;
    if (x.value.kind == VALUE_TENSOR) {
        NodeId counted = lower_counted(L, x.value.node);
        const Node *index = node_at(L->g, counted);
        if (index->dtype != DT_I32) {
            Diag *d = lower_error(L, E0301, s->span, "an index must be i32, and this is %s",
                                  lower_kind_text(L, &x.value));
            if (index->dtype == DT_BOOL)
                diag_help(L->diags, d, "shapes are static: use `where(mask, x, 0)`");
            else
                diag_help(L->diags, d, "write `cast(i, i32)`");
            return false;
        }
        for (int i = 0; i < axis && index->shape.rank; i++) {
            if (cut->gather[i] == NO_NODE || !node_at(L->g, cut->gather[i])->shape.rank) continue;
            Diag *d = lower_error(L, E0801, s->span,
                                  "gathering along several axes at once is not supported yet");
            diag_help(L->diags, d, "gather along one, then along the other: `x[i][:, j]`");
            return false;
        }
        cut->gather[axis] = counted;
        return true;
    }
    int32_t i;
    if (!lower_whole(L, &x, "an index", -MAX_ELEMS, MAX_ELEMS, &i)) return false;
    if (i < -n || i >= n) {
        Diag *d = lower_error(L, E0404, s->span, "index %d is outside an axis of size %d", i, n);
        diag_label(L->diags, d, "must be from %d to %d", -n, n - 1);
        return false;
    }
    cut->start[axis] = i < 0 ? i + n : i;
    cut->count[axis] = 1;
    cut->drop[axis] = true;
    return true;
}

static bool cut_axes(Lower *L, const Expr *e, const Operand *x, const Shape *in, Cut *cut) {
    uint32_t named = 0;
    bool ellipsis = false;
    for (uint32_t i = 0; i < e->subscripts.len; i++) {
        const Subscript *s = &e->subscripts.at[i];
        if (s->kind != SUBSCRIPT_ELLIPSIS) {
            named++;
        } else if (ellipsis) {
            lower_error(L, E0404, s->span, "only one `...` may stand among subscripts");
            return false;
        } else {
            ellipsis = true;
        }
    }
    if (named > in->rank) {
        Diag *d = lower_error(L, E0402, e->span, "%u subscript%s for %d ax%s: %s", named,
                              named == 1 ? "" : "s", in->rank, in->rank == 1 ? "is" : "es",
                              lower_describe(L, x));
        lower_point_origins(L, d, x, 1);
        return false;
    }
    for (int i = 0; i < in->rank; i++) cut->count[i] = in->dim[i], cut->stride[i] = 1;
    int axis = 0;
    for (uint32_t i = 0; i < e->subscripts.len; i++) {
        const Subscript *s = &e->subscripts.at[i];
        if (s->kind == SUBSCRIPT_ELLIPSIS) {
            axis += in->rank - (int)named;
            continue;
        }
        bool ok = s->kind == SUBSCRIPT_INDEX ? cut_index(L, s, in->dim[axis], axis, cut)
                                             : cut_slice(L, s, in->dim[axis], axis, cut);
        if (!ok) return false;
        axis++;
    }
    return true;
}

static Value tuple_item(Lower *L, const Expr *e, const Value *tuple) {
    int32_t i;
    if (e->subscripts.len != 1 || e->subscripts.at[0].kind != SUBSCRIPT_INDEX) {
        lower_error(L, E0404, e->span, "several values take one index");
        return ERROR_VALUE;
    }
    const Expr *index = e->subscripts.at[0].index;
    if (!lower_place(L, index, (int32_t)tuple->count, false, "the index", &i)) return ERROR_VALUE;
    return tuple->items[i];
}

/* `w[3]` may be the name of a param that a `for` declared, when nothing is called `w`. */
static uint32_t indexed_path(Lower *L, const Expr *e) {
    Text t;
    if (e->a->kind != EXPR_NAME || lower_find_symbol(L, e->a->name)) return NO_VAR;
    text_init(&t, L->arena);
    text_puts(&t, e->a->name);
    for (uint32_t i = 0; i < e->subscripts.len; i++) {
        const Subscript *s = &e->subscripts.at[i];
        if (s->kind != SUBSCRIPT_INDEX || s->index->kind != EXPR_NUMBER) return NO_VAR;
        text_printf(&t, "[%.0f]", s->index->number);
    }
    return lower_find_path(L, names_add(L->names, t.at, t.len));
}

/* x gathered along an axis: the axes of the index take its place. NO_NODE: reported. */
static NodeId gather_axis(Lower *L, NodeId x, int axis, NodeId index, Span at) {
    const Shape in = shape_of(L, x), rows = shape_of(L, index);
    Shape out = {.rank = (uint8_t)(in.rank - 1 + rows.rank)};
    int32_t front[MAX_RANK] = {axis}, back[MAX_RANK];
    if (in.rank - 1 + rows.rank > MAX_RANK) {
        lower_error(L, E0402, at, "the result has more than %d axes", MAX_RANK);
        return NO_NODE;
    }
    for (int i = 1; i < in.rank; i++) front[i] = i <= axis ? i - 1 : i;
    for (int i = 0; i < rows.rank; i++) out.dim[i] = rows.dim[i];
    for (int i = 1; i < in.rank; i++) out.dim[rows.rank + i - 1] = in.dim[front[i]];
    if (!lower_check_shape(L, &out, at)) return NO_NODE;
    NodeId taken = node_take(L->g, node_permute(L->g, x, front), index);
    for (int i = 0; i < out.rank; i++) {
        bool inside = i >= axis && i < axis + rows.rank;
        back[i] = i < axis ? rows.rank + i : inside ? i - axis : i;
    }
    return node_permute(L->g, taken, back);
}

Value lower_index(Lower *L, const Expr *e) {
    uint32_t var = indexed_path(L, e);
    if (var != NO_VAR) return tensor_value(lower_read(L, var));
    Operand x = {lower_expr(L, e->a), e->a, e->a->span};
    Cut cut = {0};
    NodeId id;
    for (int i = 0; i < MAX_RANK; i++) cut.gather[i] = NO_NODE;
    if (x.value.kind == VALUE_TUPLE) return tuple_item(L, e, &x.value);
    if (x.value.kind == VALUE_ERROR || !lower_any_tensor(L, &x, &id)) return ERROR_VALUE;
    Shape in = shape_of(L, id), out = {0};
    if (!cut_axes(L, e, &x, &in, &cut)) return ERROR_VALUE;
    for (int i = 0; i < in.rank; i++) {
        if (cut.drop[i]) continue;
        cut.gather[out.rank] = cut.gather[i];
        out.dim[out.rank++] = cut.count[i];
    }
    id = node_reshape(L->g, node_slice(L->g, id, cut.start, cut.count, cut.stride), &out);
    for (int i = out.rank; i-- > 0;) { /* from the last: the places of those before it stay */
        if (cut.gather[i] != NO_NODE) id = gather_axis(L, id, i, cut.gather[i], e->span);
        if (id == NO_NODE) return ERROR_VALUE;
    }
    return tensor_value(id);
}

/* ---- Literals --------------------------------------------------------------------------------- */

typedef struct Literal {
    Shape shape;
    VEC(Operand) leaves; /* row-major */
    bool numbers, bools, real;
} Literal;

static bool literal_shape(Lower *L, const Expr *e, Shape *s) {
    for (; e->kind == EXPR_TENSOR; e = e->list.at[0]) {
        if (e->list.len == 0) {
            lower_error(L, E0405, e->span, "a tensor has at least one element");
            return false;
        }
        if (s->rank == MAX_RANK) {
            lower_error(L, E0402, e->span, "a tensor has at most %d axes", MAX_RANK);
            return false;
        }
        s->dim[s->rank++] = (int32_t)e->list.len;
    }
    return true;
}

static bool literal_leaves(Lower *L, const Expr *e, int axis, Literal *lit) {
    if (axis == lit->shape.rank) {
        Operand x = {lower_expr(L, e), e, e->span};
        if (x.value.kind == VALUE_ERROR) return false;
        lit->numbers = lit->numbers && x.value.kind == VALUE_NUMBER;
        lit->bools = lit->bools && x.value.kind == VALUE_BOOL;
        lit->real = lit->real || (x.value.kind == VALUE_NUMBER &&
                                  (x.value.real || !lower_is_whole(x.value.number)));
        vec_push(L->arena, &lit->leaves, x);
        return true;
    }
    if (e->kind != EXPR_TENSOR || (int32_t)e->list.len != lit->shape.dim[axis]) {
        Diag *d = lower_error(L, E0401, e->span, "the rows of a literal must be of one length");
        diag_label(L->diags, d, "the first row here has %d", lit->shape.dim[axis]);
        return false;
    }
    for (uint32_t i = 0; i < e->list.len; i++) {
        if (!literal_leaves(L, e->list.at[i], axis + 1, lit)) return false;
    }
    return true;
}

/* [a, b] of tensors: stacked on new first axes. */
static Value stack(Lower *L, Literal *lit, Span at) {
    DType t = DT_COUNT;
    const Operand *x = lit->leaves.at;
    Shape item = {0};
    for (uint32_t i = 0; i < lit->leaves.len; i++) {
        const Value *v = &x[i].value;
        DType own = v->kind == VALUE_BOOL ? DT_BOOL : lit->real ? DT_F32 : DT_I32;
        if (v->kind == VALUE_TENSOR) {
            own = (DType)node_at(L->g, v->node)->dtype;
            item = shape_of(L, v->node);
        }
        t = t == DT_COUNT ? own : lower_common_type(t, own);
    }
    Shape out = lit->shape, one = {1, {1}};
    if (out.rank + item.rank > MAX_RANK) {
        lower_error(L, E0402, at, "the result has more than %d axes", MAX_RANK);
        return ERROR_VALUE;
    }
    for (int i = 0; i < item.rank; i++) {
        out.dim[out.rank++] = item.dim[i];
        one.dim[one.rank++] = item.dim[i];
    }
    if (!lower_check_shape(L, &out, at)) return ERROR_VALUE;
    NodeId *ids = NEW_ARRAY(L->arena, NodeId, lit->leaves.len);
    for (uint32_t i = 0; i < lit->leaves.len; i++) {
        if (!lower_tensor(L, &x[i], t, &ids[i])) return ERROR_VALUE;
        if (x[i].value.kind == VALUE_TENSOR && !shape_equal(&item, &node_at(L->g, ids[i])->shape)) {
            uint32_t k = 0; /* one that has the other shape */
            while (x[k].value.kind != VALUE_TENSOR ||
                   !shape_equal(&item, &node_at(L->g, x[k].value.node)->shape))
                k++;
            Diag *d = lower_error(L, E0401, x[i].span,
                                  "the tensors of a literal must be of one shape: %s and %s",
                                  lower_describe(L, &x[k]), lower_describe(L, &x[i]));
            diag_help(L->diags, d,
                      "a literal stacks them on a new axis; `concat(a, b, axis = 1)` joins them "
                      "along one that is there");
            return ERROR_VALUE;
        }
        ids[i] = node_broadcast(L->g, ids[i], &one);
    }
    return tensor_value(node_reshape(L->g, node_concat(L->g, ids, lit->leaves.len, 0), &out));
}

Value lower_literal(Lower *L, const Expr *e) {
    Literal lit = {.numbers = true, .bools = true};
    if (!literal_shape(L, e, &lit.shape) || !literal_leaves(L, e, 0, &lit)) return ERROR_VALUE;
    if (!lit.numbers && !lit.bools) return stack(L, &lit, e->span);
    DType t = lit.bools ? DT_BOOL : lit.real ? DT_F32 : DT_I32;
    double *values = NEW_ARRAY(L->arena, double, lit.leaves.len);
    for (uint32_t i = 0; i < lit.leaves.len; i++) {
        const Value *v = &lit.leaves.at[i].value;
        values[i] = v->kind == VALUE_BOOL ? v->flag : v->number;
        if (!lower_in_range(L, t, values[i], lit.leaves.at[i].span)) return ERROR_VALUE;
    }
    return tensor_value(node_literal(L->g, t, &lit.shape, values));
}

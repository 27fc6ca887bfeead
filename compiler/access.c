/* access: index maps of views, elementwise operators and reductions; see access.h. */
#include "access.h"

bool is_view(Op op) {
    return op == OP_RESHAPE || op == OP_PERMUTE || op == OP_EXPAND || op == OP_SLICE ||
           op == OP_PAD || op == OP_WINDOW || op == OP_SKEW || op == OP_AT;
}

bool is_reduction(Op op) {
    return op == OP_SUM || op == OP_RMAX || op == OP_ARGMAX || op == OP_DOT || op == OP_SCATTER;
}

Idx access_address(IndexTable *t, const Shape *s, const Idx *in) {
    Idx at = idx_const(t, 0);
    int64_t pitch = 1;
    for (int i = s->rank; i-- > 0;) {
        at = idx_add(t, at, idx_scale(t, in[i], pitch));
        pitch *= s->dim[i];
    }
    return at;
}

void access_unravel(IndexTable *t, const Shape *s, Idx linear, Idx *out) {
    int64_t pitch = 1;
    for (int i = s->rank; i-- > 0;) {
        out[i] = idx_mod(t, idx_div(t, linear, pitch), s->dim[i]);
        if (i == 0) out[i] = idx_div(t, linear, pitch);
        pitch *= s->dim[i];
    }
}

bool access_group(const Shape *from, const Shape *to, int *i, int *k, Shape *a, Shape *b) {
    int64_t size_a = 1, size_b = 1;
    *a = *b = (Shape){0};
    if (*i == from->rank && *k == to->rank) return false;
    do {
        if (*i < from->rank && (size_a <= size_b || *k == to->rank)) {
            size_a *= from->dim[*i];
            a->dim[a->rank++] = from->dim[(*i)++];
        } else {
            size_b *= to->dim[*k];
            b->dim[b->rank++] = to->dim[(*k)++];
        }
    } while (size_a != size_b);
    return true;
}

/* Axes are matched in the smallest groups of equal size, so that an axis that a reshape leaves alone
 * needs no division. */
static void map_reshape(IndexTable *t, const Shape *from, const Shape *to, const Idx *out,
                        Idx *in) {
    int i = 0, k = 0; /* from: the operand's axes; to: the result's */
    Shape a, b;
    for (int i0 = 0, k0 = 0; access_group(from, to, &i, &k, &a, &b); i0 = i, k0 = k) {
        if (a.rank == 1 && b.rank == 1) {
            in[i0] = out[k0];
            continue;
        }
        Idx linear = access_address(t, &b, out + k0);
        access_unravel(t, &a, linear, in + i0);
    }
}

static void add_range(IndexTable *t, RangeList *ranges, Idx e, int64_t lo, int64_t hi) {
    Range r = {e, lo, hi};
    vec_push(t->arena, ranges, r);
}

static void map_pad(IndexTable *t, const Node *n, const Shape *from, const Idx *out, Idx *in,
                    RangeList *ranges) {
    for (int i = 0; i < from->rank; i++) {
        int64_t step = n->attr[3 * i + 2] + 1, span = (from->dim[i] - 1) * step + 1;
        Idx e = idx_offset(t, out[i], -n->attr[3 * i]);
        in[i] = idx_div(t, e, step);
        if (n->attr[3 * i] || n->attr[3 * i + 1]) add_range(t, ranges, e, 0, span);
        if (step > 1) add_range(t, ranges, idx_mod(t, e, step), 0, 1);
    }
}

void access_map(IndexTable *t, const Graph *g, const Node *n, uint32_t k, const Idx *out, Idx *in,
                RangeList *ranges) {
    const Shape *from = &node_at(g, n->args[k])->shape;
    switch (n->op) {
    case OP_RESHAPE: map_reshape(t, from, &n->shape, out, in); break;
    case OP_PERMUTE:
        for (int i = 0; i < from->rank; i++) in[n->attr[i]] = out[i];
        break;
    case OP_EXPAND:
        for (int i = 0; i < from->rank; i++) in[i] = from->dim[i] == 1 ? idx_const(t, 0) : out[i];
        break;
    case OP_SLICE:
        for (int i = 0; i < from->rank; i++) {
            in[i] = idx_offset(t, idx_scale(t, out[i], n->attr[3 * i + 1]), n->attr[3 * i]);
        }
        break;
    case OP_PAD: map_pad(t, n, from, out, in, ranges); break;
    case OP_WINDOW:
    case OP_SKEW: {
        int axis = n->attr[0];
        int32_t stride = n->op == OP_WINDOW ? n->attr[1] : 1,
                dilation = n->attr[n->op == OP_WINDOW ? 2 : 1];
        for (int i = 0; i < from->rank; i++) in[i] = out[i];
        in[axis] = idx_add(t, idx_scale(t, out[axis], stride),
                           idx_scale(t, out[n->shape.rank - 1], dilation));
        break;
    }
    case OP_AT: {
        Idx turn = idx_iteration(t, (uint32_t)n->attr[0], g->loops.at[n->attr[0]].trips);
        in[0] = idx_offset(t, idx_scale(t, turn, n->attr[1]), n->attr[2]);
        for (int i = 1; i < from->rank; i++) in[i] = out[i - 1];
        break;
    }
    case OP_CONCAT: {
        int axis = n->attr[0];
        int64_t before = 0;
        for (uint32_t i = 0; i < k; i++) before += node_at(g, n->args[i])->shape.dim[axis];
        for (int i = 0; i < from->rank; i++) in[i] = out[i];
        in[axis] = idx_offset(t, out[axis], -before);
        add_range(t, ranges, in[axis], 0, from->dim[axis]);
        break;
    }
    default:
        for (int i = 0; i < from->rank; i++) in[i] = out[i];
    }
}

Shape reduced_shape(const Graph *g, const Node *n) {
    const Shape *x = &node_at(g, n->args[0])->shape;
    Shape s = {0};
    if (n->op == OP_SCATTER) return node_at(g, n->args[1])->shape;
    if (n->op == OP_DOT) {
        for (int i = x->rank - n->attr[1]; i < x->rank; i++) s.dim[s.rank++] = x->dim[i];
        return s;
    }
    for (uint32_t i = 0; i < n->attrc; i++) s.dim[s.rank++] = x->dim[n->attr[i]];
    return s;
}

void access_reduced(IndexTable *t, const Graph *g, const Node *n, uint32_t k, const Idx *out,
                    const Idx *inner, Idx *in) {
    (void)t;
    const Shape *x = &node_at(g, n->args[k])->shape;
    if (n->op == OP_DOT) {
        int batch = n->attr[0], contracted = n->attr[1], at = 0;
        int free_a = node_at(g, n->args[0])->shape.rank - batch - contracted;
        int skip = k == 1 ? free_a : 0; /* out is batch, free of a, free of b */
        Idx natural[MAX_RANK];
        for (int i = 0; i < n->shape.rank && n->attrc > 2; i++) natural[n->attr[2 + i]] = out[i];
        if (n->attrc > 2) out = natural;
        for (; at < batch; at++) in[at] = out[at];
        for (; at < x->rank - contracted; at++) in[at] = out[at + skip];
        for (int i = 0; i < contracted; i++) in[at++] = inner[i];
        return;
    }
    if (n->op == OP_SCATTER) { /* values [index..., rest...] or the index */
        int axes = node_at(g, n->args[1])->shape.rank;
        for (int i = 0; i < x->rank; i++) in[i] = i < axes ? inner[i] : out[i - axes + 1];
        return;
    }
    uint32_t r = 0;
    int o = 0;
    for (int i = 0; i < x->rank; i++) {
        if (r < n->attrc && n->attr[r] == i)
            in[i] = inner[r++];
        else
            in[i] = out[o++];
    }
}

/* grad: the rules of differentiation: what each operand of a node gets of the gradient of its result. An
 * operator of ops.def has its rule in its row; those with a structure are here. The sweep that applies
 * them is grad_sweep.c.
 *
 * Establishes: the rules are written in the operators themselves, so the result can be differentiated
 * again. Ties of max share evenly. Source: Griewank & Walther, Evaluating Derivatives, 2008. */
#include "grad.h"

/* Short names for the rules in ops.def. */
#define NONE NO_NODE
static NodeId ew1(Graph *G, Op op, NodeId x) {
    return node_ew(G, op, x, NO_NODE, NO_NODE);
}
static NodeId ew2(Graph *G, Op op, NodeId x, NodeId y) {
    return node_ew(G, op, x, y, NO_NODE);
}
static NodeId neg(Graph *G, NodeId x) {
    return ew1(G, OP_NEG, x);
}
static NodeId exp_(Graph *G, NodeId x) {
    return ew1(G, OP_EXP, x);
}
static NodeId log_(Graph *G, NodeId x) {
    return ew1(G, OP_LOG, x);
}
static NodeId sin_(Graph *G, NodeId x) {
    return ew1(G, OP_SIN, x);
}
static NodeId cos_(Graph *G, NodeId x) {
    return ew1(G, OP_COS, x);
}
static NodeId sub(Graph *G, NodeId x, NodeId y) {
    return ew2(G, OP_SUB, x, y);
}
static NodeId mul(Graph *G, NodeId x, NodeId y) {
    return ew2(G, OP_MUL, x, y);
}
static NodeId div_(Graph *G, NodeId x, NodeId y) {
    return ew2(G, OP_DIV, x, y);
}
static NodeId pow_(Graph *G, NodeId x, NodeId y) {
    return ew2(G, OP_POW, x, y);
}
static NodeId where(Graph *G, NodeId c, NodeId x, NodeId y) {
    return node_ew(G, OP_WHERE, c, x, y);
}

static NodeId num(Graph *G, double value, NodeId like) {
    const Node *n = node_at(G, like);
    return node_full(G, n->dtype, value, &n->shape);
}

/* What x gets of max(x, y): 1, 1/2 at a tie, 0. */
static NodeId share(Graph *G, NodeId x, NodeId y) {
    NodeId tie = where(G, ew2(G, OP_EQ, x, y), num(G, 0.5, x), num(G, 0, x));
    return where(G, ew2(G, OP_LT, y, x), num(G, 1, x), tie);
}

static void grad_elementwise(Graph *G, const Node *n, NodeId r, NodeId g, NodeId out[3]) {
    NodeId x = n->args[0], y = n->argc > 1 ? n->args[1] : NO_NODE,
           z = n->argc > 2 ? n->args[2] : NO_NODE;
    (void)x, (void)y, (void)z, (void)r;
    switch (n->op) {
#define ELEMENTWISE(NAME, name, arity, result, cl, host, d0, d1, d2, ...)                          \
    case OP_##NAME:                                                                                \
        out[0] = d0, out[1] = d1, out[2] = d2;                                                     \
        break;
#include "ops.def"
    default: break;
    }
}

/* ---- Views --------------------------------------------------------------------------------- */

static NodeId grad_permute(Graph *G, const Node *n, NodeId g) {
    int32_t back[MAX_RANK];
    for (int i = 0; i < n->shape.rank; i++) back[n->attr[i]] = i;
    return node_permute(G, g, back);
}

static NodeId grad_expand(Graph *G, const Node *n, NodeId g) {
    const Shape in = node_at(G, n->args[0])->shape;
    int32_t axes[MAX_RANK];
    uint32_t count = 0;
    for (int i = 0; i < in.rank; i++) {
        if (in.dim[i] != n->shape.dim[i]) axes[count++] = i;
    }
    return node_reshape(G, node_reduce(G, OP_SUM, g, axes, count), &in);
}

static NodeId grad_slice(Graph *G, const Node *n, NodeId g) {
    const Shape in = node_at(G, n->args[0])->shape;
    int32_t start[MAX_RANK], count[MAX_RANK], flip[MAX_RANK];
    int32_t before[MAX_RANK], after[MAX_RANK], between[MAX_RANK];
    for (int i = 0; i < in.rank; i++) {
        int32_t stride = n->attr[3 * i + 1], last = n->attr[3 * i] + (n->shape.dim[i] - 1) * stride;
        bool down = stride < 0;
        start[i] = down ? n->shape.dim[i] - 1 : 0; /* put a reversed axis upright first */
        count[i] = n->shape.dim[i];
        flip[i] = down ? -1 : 1;
        before[i] = down ? last : n->attr[3 * i];
        after[i] = in.dim[i] - 1 - (down ? n->attr[3 * i] : last);
        between[i] = (down ? -stride : stride) - 1;
    }
    return node_pad(G, node_slice(G, g, start, count, flip), before, after, between, 0);
}

/* x along the last axis from its end to its begin. */
static NodeId reverse_last(Graph *G, NodeId x) {
    const Shape s = node_at(G, x)->shape;
    int32_t start[MAX_RANK] = {0}, stride[MAX_RANK];
    for (int i = 0; i < s.rank; i++) stride[i] = 1;
    start[s.rank - 1] = s.dim[s.rank - 1] - 1;
    stride[s.rank - 1] = -1;
    return node_slice(G, x, start, s.dim, stride);
}

static NodeId pad_axis(Graph *G, NodeId x, int axis, int32_t before, int32_t after, int32_t gap) {
    int32_t b[MAX_RANK] = {0}, a[MAX_RANK] = {0}, between[MAX_RANK] = {0};
    b[axis] = before, a[axis] = after, between[axis] = gap;
    return node_pad(G, x, b, a, between, 0);
}

/* x with its last axis, padded to a multiple of `by`, as two, of which the first comes last. */
static NodeId split_last(Graph *G, NodeId x, int32_t by) {
    const Shape from = node_at(G, x)->shape;
    const int last = from.rank - 1;
    const int32_t each = (from.dim[last] + by - 1) / by;
    Shape s = from;
    int32_t axes[MAX_RANK];
    x = pad_axis(G, x, last, 0, each * by - from.dim[last], 0);
    s.dim[last] = each;
    s.dim[s.rank++] = by;
    for (int i = 0; i < s.rank; i++) axes[i] = i;
    axes[last] = last + 1;
    axes[last + 1] = last;
    return node_permute(G, node_reshape(G, x, &s), axes);
}

/* x with its last axis as the inner part of its axis `axis`. */
static NodeId join_last(Graph *G, NodeId x, int axis) {
    Shape s = node_at(G, x)->shape;
    int32_t axes[MAX_RANK], k = 0;
    for (int i = 0; i < s.rank - 1; i++) {
        axes[k++] = i;
        if (i == axis) axes[k++] = s.rank - 1;
    }
    s.dim[axis] *= s.dim[s.rank - 1];
    s.rank--;
    s.dim[s.rank] = 0;
    return node_reshape(G, node_permute(G, x, axes), &s);
}

/* x with so many elements along the axis: the first ones, or zeros behind them. */
static NodeId fit_axis(Graph *G, NodeId x, int axis, int32_t size) {
    Shape s = node_at(G, x)->shape;
    int32_t start[MAX_RANK] = {0}, stride[MAX_RANK];
    if (size >= s.dim[axis]) return pad_axis(G, x, axis, 0, size - s.dim[axis], 0);
    for (int i = 0; i < s.rank; i++) stride[i] = 1;
    s.dim[axis] = size;
    return node_slice(G, x, start, s.dim, stride);
}

/* What windows add up to, of which each stands one behind the one before: the sum over k of g[i - k * dilation, k].
 * g padded so that every place exists, and k counted from the end, is a skew. */
static NodeId overlap(Graph *G, NodeId g, int axis, int32_t dilation, int32_t gap, int32_t after) {
    const int last = node_at(G, g)->shape.rank - 1;
    const int32_t reach = (node_at(G, g)->shape.dim[last] - 1) * dilation;
    NodeId wide = pad_axis(G, g, axis, reach, after, gap);
    NodeId skewed = node_skew(G, reverse_last(G, wide), axis, dilation);
    return node_reduce(G, OP_SUM, skewed, &last, 1);
}

/* dx[i] = the sum over k of g[(i - k * dilation) / stride, k]. Where windows are further apart, i and k have the same
 * remainder by the stride: i = a * stride + p, k = b * stride + p, and dx[a, p] is the sum over b of g[a - b, b, p]. */
static NodeId grad_window(Graph *G, const Node *n, NodeId g) {
    const int axis = n->attr[0];
    const int32_t stride = n->attr[1], dilation = n->attr[2],
                  size = n->shape.dim[n->shape.rank - 1],
                  whole = node_at(G, n->args[0])->shape.dim[axis];
    if (stride > 1 && dilation == 1 && size > 1 && n->shape.rank < MAX_RANK) {
        NodeId parts = split_last(G, g, stride);
        const Shape s = node_at(G, parts)->shape;
        NodeId sum = overlap(G, parts, axis, 1, 0, s.dim[s.rank - 1] - 1);
        return fit_axis(G, join_last(G, sum, axis), axis, whole);
    }
    const int32_t used = (n->shape.dim[axis] - 1) * stride;
    return overlap(G, g, axis, dilation, stride - 1, whole - 1 - used);
}

static NodeId grad_skew(Graph *G, const Node *n, NodeId g) {
    int32_t reach = (n->shape.dim[n->shape.rank - 1] - 1) * n->attr[1];
    NodeId wide = pad_axis(G, g, n->attr[0], reach, reach, 0);
    return reverse_last(G, node_skew(G, reverse_last(G, wide), n->attr[0], n->attr[1]));
}

static NodeId grad_pad(Graph *G, const Node *n, NodeId g) {
    const Shape in = node_at(G, n->args[0])->shape;
    int32_t start[MAX_RANK], stride[MAX_RANK];
    for (int i = 0; i < in.rank; i++) {
        start[i] = n->attr[3 * i];
        stride[i] = n->attr[3 * i + 2] + 1;
    }
    return node_slice(G, g, start, in.dim, stride);
}

static NodeId grad_concat(Graph *G, const Node *n, NodeId g, uint32_t k) {
    int32_t start[MAX_RANK] = {0}, stride[MAX_RANK];
    for (int i = 0; i < n->shape.rank; i++) stride[i] = 1;
    for (uint32_t i = 0; i < k; i++)
        start[n->attr[0]] += node_at(G, n->args[i])->shape.dim[n->attr[0]];
    const Shape count = node_at(G, n->args[k])->shape;
    return node_slice(G, g, start, count.dim, stride);
}

/* ---- Contraction, reductions, gather
 * -------------------------------------------------------------- */

/* x[batch, p, q] -> x[batch, q, p], where p has `p` axes. */
static NodeId swap_groups(Graph *G, NodeId x, int batch, int p) {
    int rank = node_at(G, x)->shape.rank, k = 0;
    int32_t axes[MAX_RANK];
    for (int i = 0; i < batch; i++) axes[k++] = i;
    for (int i = batch + p; i < rank; i++) axes[k++] = i;
    for (int i = batch; i < batch + p; i++) axes[k++] = i;
    return node_permute(G, x, axes);
}

/* r[B,m,n] = a[B,m,k] b[B,n,k]: da[B,m,k] = g[B,m,n] b'[B,k,n]; db[B,n,k] = g'[B,n,m] a'[B,k,m]. */
static NodeId grad_dot(Graph *G, const Node *n, NodeId g, uint32_t which) {
    int batch = n->attr[0], contracted = n->attr[1];
    int m = node_at(G, n->args[0])->shape.rank - batch - contracted;
    int nn = node_at(G, n->args[1])->shape.rank - batch - contracted;
    if (which == 0) return node_dot(G, g, swap_groups(G, n->args[1], batch, nn), batch, nn);
    return node_dot(G, swap_groups(G, g, batch, m), swap_groups(G, n->args[0], batch, m), batch, m);
}

/* x of a reduction's result, repeated along the axes that it reduced. */
static NodeId spread(Graph *G, const Node *n, NodeId x) {
    const Shape in = node_at(G, n->args[0])->shape;
    Shape keep = in;
    for (uint32_t i = 0; i < n->attrc; i++) keep.dim[n->attr[i]] = 1;
    return node_expand(G, node_reshape(G, x, &keep), &in);
}

static NodeId grad_reduce_max(Graph *G, const Node *n, NodeId r, NodeId g) {
    NodeId best = ew2(G, OP_EQ, n->args[0], spread(G, n, r));
    NodeId one = where(G, best, num(G, 1, n->args[0]), num(G, 0, n->args[0]));
    NodeId count = node_reduce(G, OP_SUM, one, n->attr, n->attrc);
    return where(G, best, spread(G, n, div_(G, g, count)), num(G, 0, n->args[0]));
}

/* Row index[i] of g for each i, and 0 where there is none. */
static NodeId grad_scatter(Graph *G, const Node *n, NodeId g) {
    const Shape index = node_at(G, n->args[1])->shape, values = node_at(G, n->args[0])->shape;
    NodeId i = n->args[1], rows = node_full(G, DT_I32, n->shape.dim[0], &index);
    NodeId zero = node_full(G, DT_I32, 0, &index);
    NodeId inside = ew2(G, OP_AND, ew2(G, OP_LE, zero, i), ew2(G, OP_LT, i, rows));
    Shape wide = index;
    while (wide.rank < values.rank) wide.dim[wide.rank++] = 1;
    NodeId taken = node_take(G, g, where(G, inside, i, zero));
    NodeId valid = node_expand(G, node_reshape(G, inside, &wide), &values);
    return where(G, valid, taken, num(G, 0, taken));
}

/* d x[v, rest] = g[rest] where v is the place of the iteration. */
static NodeId grad_at(Graph *G, const Node *n, NodeId g) {
    const Shape in = node_at(G, n->args[0])->shape;
    Shape rows = {.rank = in.rank, .dim = {in.dim[0]}}, one = in;
    for (int i = 1; i < in.rank; i++) rows.dim[i] = 1;
    one.dim[0] = 1;
    NodeId place =
        ew2(G, OP_MUL, node_iteration(G, (uint32_t)n->attr[0]), node_const(G, DT_I32, n->attr[1]));
    place = ew2(G, OP_ADD, place, node_const(G, DT_I32, n->attr[2]));
    NodeId v = node_expand(G, node_reshape(G, node_iota(G, in.dim[0]), &rows), &in);
    NodeId here = ew2(G, OP_EQ, v, node_broadcast(G, place, &in));
    NodeId each = node_expand(G, node_reshape(G, g, &one), &in);
    return where(G, here, each, num(G, 0, each));
}

bool grad_passes(Op op, uint32_t k) {
    switch (op) {
#define ELEMENTWISE(NAME, name, arity, result, cl, host, d0, d1, d2, ...)                          \
    case OP_##NAME:                                                                                \
        return strcmp(k == 0 ? #d0 : k == 1 ? #d1 : #d2, "NONE") != 0;
#include "ops.def"
    case OP_STOP:
    case OP_ARGMAX: return false;
    case OP_SCATTER:
    case OP_TAKE: return k == 0;
    default: return true;
    }
}

NodeId grad_operand(Graph *G, const Node *n, NodeId r, NodeId g, uint32_t k) {
    if (!grad_passes((Op)n->op, k)) return NO_NODE;
    switch (n->op) {
    case OP_COPY:
    case OP_NAMED:
    case OP_CAST: /* from f16, or to it: what rounding does to the value is nothing to differentiate */
    case OP_GRADSUM: return g;
    case OP_RESHAPE: return node_reshape(G, g, &node_at(G, n->args[0])->shape);
    case OP_PERMUTE: return grad_permute(G, n, g);
    case OP_EXPAND: return grad_expand(G, n, g);
    case OP_SLICE: return grad_slice(G, n, g);
    case OP_PAD: return grad_pad(G, n, g);
    case OP_CONCAT: return grad_concat(G, n, g, k);
    case OP_DOT: return grad_dot(G, n, g, k);
    case OP_SUM: return spread(G, n, g);
    case OP_RMAX: return grad_reduce_max(G, n, r, g);
    case OP_AT: return grad_at(G, n, g);
    case OP_WINDOW: return grad_window(G, n, g);
    case OP_SKEW: return grad_skew(G, n, g);
    case OP_SCATTER: return grad_scatter(G, n, g);
    case OP_TAKE: return node_scatter(G, g, n->args[1], node_at(G, n->args[0])->shape.dim[0]);
    default: {
        NodeId out[3] = {NO_NODE, NO_NODE, NO_NODE}; /* leaves: none */
        if (op_info[n->op].elementwise) grad_elementwise(G, n, r, g, out);
        return out[k];
    }
    }
}

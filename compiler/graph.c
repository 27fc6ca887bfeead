/* graph: making nodes. Every node goes through intern(), which returns the node that exists already
 * when an equal one does; so common subexpressions vanish as they are made.
 *
 * Requires: operands exist and fit. Establishes: args precede their node; constants are folded;
 * a node with one value everywhere is an EXPAND of a RESHAPE of a CONST (see node_full). */
#include "ir.h"

#include <math.h>

void graph_init(Graph *g, Arena *arena) {
    *g = (Graph){.arena = arena};
    vec_push(arena, &g->loops, (GraphLoop){0});
}

bool graph_rewrites(const Graph *g, const char *what, NodeId at) {
    Rewrites *r = g->rewrites;
    if (!r) return true;
    if (r->count == r->limit) return false;
    r->count++;
    r->last = what;
    r->span = node_at(g, at)->span;
    return true;
}

void graph_init_like(Graph *g, Arena *arena, const Graph *from) {
    uint32_t cap = from->nodes.len + from->nodes.len / 16 + 8;
    *g = (Graph){.arena = arena, .rewrites = from->rewrites, .table_cap = 256};
    g->nodes.at = arena_alloc(arena, cap * sizeof(*g->nodes.at));
    g->nodes.cap = cap;
    while (g->table_cap < 2 * cap) g->table_cap *= 2;
    g->table = NEW_ARRAY(arena, uint64_t, g->table_cap);
    for (uint32_t i = 0; i < from->loops.len; i++) {
        GraphLoop loop = from->loops.at[i];
        loop.outer = 0; /* learned again as the nodes are made */
        vec_push(arena, &g->loops, loop);
    }
}

void graph_init_part(Graph *g, Arena *arena, const Graph *whole) {
    *g = (Graph){.arena = arena, .loops = whole->loops, .rewrites = whole->rewrites};
}

static uint64_t node_hash(const Node *n) {
    uint64_t h = hash_bytes(n->args, n->argc * sizeof(NodeId), n->op * 8u + n->dtype);
    h = hash_bytes(n->attr, n->attrc * sizeof(int32_t), h);
    h = hash_bytes(n->shape.dim, n->shape.rank * sizeof(int32_t), h);
    h = hash_bytes(&n->value, sizeof(n->value), h);
    if (n->values) h = hash_bytes(n->values, (size_t)shape_elems(&n->shape) * sizeof(double), h);
    if (n->wait) h = hash_bytes(&n->wait, sizeof(n->wait), h);
    return h;
}

static bool node_same(const Node *a, const Node *b) {
    return a->op == b->op && a->dtype == b->dtype && a->argc == b->argc && a->attrc == b->attrc &&
           a->wait == b->wait && shape_equal(&a->shape, &b->shape) &&
           !memcmp(&a->value, &b->value, sizeof(double)) &&
           (!a->argc || !memcmp(a->args, b->args, a->argc * sizeof(NodeId))) &&
           (!a->attrc || !memcmp(a->attr, b->attr, a->attrc * sizeof(int32_t))) &&
           !a->values == !b->values &&
           (!a->values ||
            !memcmp(a->values, b->values, (size_t)shape_elems(&a->shape) * sizeof(double)));
}

/* A slot keeps the upper half of the hash, so that most nodes that differ are told apart, and the
 * table grows, without a look at the nodes. */
static uint64_t slot_of(uint64_t hash, NodeId id) {
    return (hash & 0xffffffff00000000u) | (id + 1);
}

static void table_put(uint64_t *table, uint32_t cap, uint64_t slot) {
    uint64_t at = slot >> 32;
    while (table[at & (cap - 1)]) at++;
    table[at & (cap - 1)] = slot;
}

static void table_grow(Graph *g) {
    uint32_t cap = g->table_cap ? g->table_cap * 2 : 256;
    uint64_t *table = NEW_ARRAY(g->arena, uint64_t, cap);
    for (uint32_t i = 0; i < g->table_cap; i++) {
        if (g->table[i]) table_put(table, cap, g->table[i]);
    }
    g->table = table;
    g->table_cap = cap;
}

/* The id of a node equal to *n, whose hash is `hash`, or NO_NODE. */
static NodeId lookup(const Graph *g, const Node *n, uint64_t hash) {
    if (!g->table_cap) return NO_NODE;
    for (uint64_t at = hash >> 32;; at++) {
        uint64_t slot = g->table[at & (g->table_cap - 1)];
        if (!slot) return NO_NODE;
        NodeId id = (uint32_t)slot - 1;
        if (slot >> 32 == hash >> 32 && node_same(node_at(g, id), n)) return id;
    }
}

/* ---- Loops --------------------------------------------------------------------------------- */

static uint32_t deeper(const Graph *g, uint32_t a, uint32_t b) {
    return g->loops.at[b].depth > g->loops.at[a].depth ? b : a;
}

/* The loop of a new node, from its operands and from what it is; what its loop depends on besides. */
static uint32_t find_loop(Graph *g, const Node *n) {
    uint32_t own =
        n->op == OP_ITERATION || n->op == OP_CARRY || n->op == OP_AT ? (uint32_t)n->attr[0] : 0;
    uint32_t loop = own;
    if (n->op == OP_SCAN) return g->loops.at[n->attr[0]].outer;
    if (n->op == OP_STACK)
        return node_at(g, n->args[0])->loop; /* the value is the loop's, closed */
    for (uint32_t i = 0; i < n->argc; i++) loop = deeper(g, loop, node_at(g, n->args[i])->loop);
    for (uint32_t i = 0; i < n->argc && loop; i++) {
        uint32_t other = node_at(g, n->args[i])->loop;
        if (other != loop) g->loops.at[loop].outer = deeper(g, g->loops.at[loop].outer, other);
    }
    if (own && own != loop) g->loops.at[loop].outer = deeper(g, g->loops.at[loop].outer, own);
    return loop;
}

static NodeId intern(Graph *g, Node n) {
    n.wait = g->wait;
    uint64_t hash = node_hash(&n);
    NodeId found = lookup(g, &n, hash);
    if (found != NO_NODE) return found;
    if ((g->nodes.len + 1) * 2 > g->table_cap) table_grow(g);
    /* n's lists may be on the caller's stack. */
    if (n.argc)
        n.args = memcpy(NEW_ARRAY(g->arena, NodeId, n.argc), n.args, n.argc * sizeof(NodeId));
    if (n.attrc) {
        n.attr = memcpy(NEW_ARRAY(g->arena, int32_t, n.attrc), n.attr, n.attrc * sizeof(int32_t));
    }
    n.span = g->span;
    g->waits = g->waits || n.wait;
    n.loop = find_loop(g, &n);
    table_put(g->table, g->table_cap, slot_of(hash, g->nodes.len));
    vec_push(g->arena, &g->nodes, n);
    return g->nodes.len - 1;
}

bool node_uniform(const Graph *g, NodeId x, double *value) {
    for (;;) {
        const Node *n = node_at(g, x);
        if (n->op == OP_CONST) return *value = n->value, true;
        if (n->op != OP_RESHAPE && n->op != OP_EXPAND) return false;
        x = n->args[0];
    }
}

static bool is_uniform(const Graph *g, NodeId x, double want) {
    double v;
    return node_uniform(g, x, &v) && v == want;
}

static double round_to(DType t, double v) {
    if (t == DT_F32) return (double)(float)v;
    if (t != DT_I32) return dtype_cast(t, v);
    /* i32 wraps, as the device does; a double holds sums and products of two i32 well enough that
     * only those beyond 2^53 would differ, and those are left to the device (see fold). */
    if (!(v >= -9007199254740992.0 && v <= 9007199254740992.0)) return 0;
    return (double)(int32_t)(uint32_t)(int64_t)v;
}

NodeId node_var(Graph *g, uint32_t var, DType t, const Shape *s) {
    int32_t attr[1] = {(int32_t)var};
    return intern(g, (Node){.op = OP_VAR, .dtype = t, .shape = *s, .attrc = 1, .attr = attr});
}

NodeId node_const(Graph *g, DType t, double value) {
    value = round_to(t, value);
    if (value == 0 && !dtype_is_float(t)) value = 0; /* no -0 among integers */
    return intern(g, (Node){.op = OP_CONST, .dtype = t, .value = value});
}

NodeId node_full(Graph *g, DType t, double value, const Shape *s) {
    return node_broadcast(g, node_const(g, t, value), s);
}

NodeId node_literal(Graph *g, DType t, const Shape *s, const double *values) {
    size_t n = (size_t)shape_elems(s);
    double *copy = NEW_ARRAY(g->arena, double, n);
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        copy[i] = round_to(t, values[i]);
        same = same && !memcmp(&copy[i], &copy[0], sizeof(double));
    }
    if (same) return node_full(g, t, copy[0], s);
    return intern(g, (Node){.op = OP_LITERAL, .dtype = t, .shape = *s, .values = copy});
}

NodeId node_iota(Graph *g, int32_t n) {
    if (n == 1) return node_full(g, DT_I32, 0, &(Shape){1, {1}});
    return intern(g, (Node){.op = OP_IOTA, .dtype = DT_I32, .shape = {1, {n}}});
}

/* ---- Elementwise --------------------------------------------------------------------------- */

static NodeId fold(Graph *g, Op op, DType t, const NodeId *x, uint32_t argc) {
    double v[3] = {0, 0, 0};
    for (uint32_t i = 0; i < argc; i++) {
        if (!node_uniform(g, x[i], &v[i])) return NO_NODE;
    }
    double r = op_host(op, v[0], v[1], v[2]);
    if (t == DT_I32 && !(fabs(r) <= 2147483647.0)) return NO_NODE;
    return node_full(g, t, r, &node_at(g, x[0])->shape);
}

/* Identities that hold for NaN and infinity too; NO_NODE when none applies. */
static NodeId identity(Graph *g, Op op, NodeId x, NodeId y, NodeId z) {
    const Node *nx = node_at(g, x);
    switch (op) {
    case OP_NEG:
    case OP_NOT: return nx->op == op ? nx->args[0] : NO_NODE;
    case OP_ADD:
        if (is_uniform(g, y, 0)) return x;
        if (is_uniform(g, x, 0)) return y;
        if (node_at(g, y)->op == OP_NEG)
            return node_ew(g, OP_SUB, x, node_at(g, y)->args[0], NO_NODE);
        if (nx->op == OP_NEG) return node_ew(g, OP_SUB, y, nx->args[0], NO_NODE);
        return NO_NODE;
    case OP_SUB:
        if (is_uniform(g, y, 0)) return x;
        if (node_at(g, y)->op == OP_NEG)
            return node_ew(g, OP_ADD, x, node_at(g, y)->args[0], NO_NODE);
        return NO_NODE;
    case OP_MUL:
        if (is_uniform(g, y, 1)) return x;
        if (is_uniform(g, x, 1)) return y;
        if (is_uniform(g, y, -1)) return node_ew(g, OP_NEG, x, NO_NODE, NO_NODE);
        if (is_uniform(g, x, -1)) return node_ew(g, OP_NEG, y, NO_NODE, NO_NODE);
        return NO_NODE;
    case OP_DIV: {
        double v;
        int exponent;
        if (is_uniform(g, y, 1)) return x;
        /* By a power of two: the product with its reciprocal is the same number. */
        if (!node_uniform(g, y, &v) || nx->dtype != DT_F32 || fabs(frexp(v, &exponent)) != 0.5)
            return NO_NODE;
        if (exponent < -100 || exponent > 100) return NO_NODE;
        return node_ew(g, OP_MUL, x, node_full(g, DT_F32, 1 / v, &nx->shape), NO_NODE);
    }
    case OP_POW: return is_uniform(g, y, 1) ? x : NO_NODE;
    case OP_MAX:
    case OP_MIN:
    case OP_AND:
    case OP_OR: return x == y ? x : NO_NODE;
    case OP_WHERE: {
        double c;
        if (node_uniform(g, x, &c)) return c != 0 ? y : z;
        return y == z ? y : NO_NODE;
    }
    default: return NO_NODE;
    }
}

static bool commutes(Op op) {
    return op == OP_ADD || op == OP_MUL || op == OP_EQ || op == OP_NE || op == OP_AND ||
           op == OP_OR || op == OP_MAX || op == OP_MIN;
}

NodeId node_ew(Graph *g, Op op, NodeId x, NodeId y, NodeId z) {
    NodeId args[3] = {x, y, z};
    uint32_t argc = (uint32_t)op_info[op].arity;
    const Node *last = node_at(g, args[argc - 1]);
    DType t = op_info[op].to_bool ? DT_BOOL : (DType)last->dtype;
    Shape shape = last->shape;
    NodeId known = fold(g, op, t, args, argc);
    if (known == NO_NODE) known = identity(g, op, x, y, z);
    if (known != NO_NODE) return known;
    Node n = {.op = (uint8_t)op, .dtype = (uint8_t)t, .shape = shape, .argc = argc, .args = args};
    if (commutes(op)) {
        NodeId swapped[2] = {y, x};
        Node other = n;
        other.args = swapped;
        known = lookup(g, &other, node_hash(&other));
        if (known != NO_NODE) return known;
    }
    return intern(g, n);
}

NodeId node_cast(Graph *g, NodeId x, DType t) {
    const Node *n = node_at(g, x);
    double v;
    if (n->dtype == t) return x;
    if (node_uniform(g, x, &v) && (t != DT_I32 || fabs(v) < 2147483648.0)) {
        return node_full(g, t, t == DT_I32 ? trunc(v) : v, &n->shape);
    }
    if (n->op == OP_LITERAL && (t == DT_F32 || dtype_is_storage(t)))
        return node_literal(g, t, &n->shape, n->values);
    /* There and back: what f16 -> f32 gave is the same number as f16. */
    if (n->op == OP_CAST) {
        DType from = (DType)node_at(g, n->args[0])->dtype;
        if (dtype_is_storage(from) && dtype_holds((DType)n->dtype, from))
            return node_cast(g, n->args[0], t);
    }
    return intern(
        g, (Node){.op = OP_CAST, .dtype = (uint8_t)t, .shape = n->shape, .argc = 1, .args = &x});
}

NodeId node_gradsum(Graph *g, const NodeId *x, uint32_t n) {
    if (n == 1) return x[0];
    const Node *first = node_at(g, x[0]);
    return intern(g, (Node){.op = OP_GRADSUM,
                            .dtype = first->dtype,
                            .shape = first->shape,
                            .argc = n,
                            .args = (NodeId *)(uintptr_t)x});
}

NodeId node_stop(Graph *g, NodeId x) {
    const Node *n = node_at(g, x);
    return intern(
        g, (Node){.op = OP_STOP, .dtype = n->dtype, .shape = n->shape, .argc = 1, .args = &x});
}

NodeId node_copy(Graph *g, NodeId x) {
    const Node *n = node_at(g, x);
    return intern(
        g, (Node){.op = OP_COPY, .dtype = n->dtype, .shape = n->shape, .argc = 1, .args = &x});
}

NodeId node_named(Graph *g, NodeId x) {
    const Node *n = node_at(g, x);
    return intern(g, (Node){.op = OP_NAMED,
                            .dtype = n->dtype,
                            .shape = n->shape,
                            .argc = 1,
                            .args = &x,
                            .attrc = 1,
                            .attr = (int32_t[]){(int32_t)g->nodes.len}});
}

NodeId node_unnamed(const Graph *g, NodeId x) {
    while (node_at(g, x)->op == OP_NAMED) x = node_at(g, x)->args[0];
    return x;
}

/* ---- Views --------------------------------------------------------------------------------- */

static NodeId view(Graph *g, Op op, NodeId x, const Shape *s, uint32_t attrc, int32_t *attr) {
    return intern(g, (Node){.op = (uint8_t)op,
                            .dtype = node_at(g, x)->dtype,
                            .shape = *s,
                            .argc = 1,
                            .args = &x,
                            .attrc = attrc,
                            .attr = attr});
}

NodeId node_reshape(Graph *g, NodeId x, const Shape *s) {
    const Node *n = node_at(g, x);
    if (shape_equal(&n->shape, s)) return x;
    if (n->op == OP_RESHAPE) return node_reshape(g, n->args[0], s);
    double v;
    if (n->op == OP_EXPAND && node_uniform(g, x, &v)) return node_full(g, n->dtype, v, s);
    return intern(g,
                  (Node){.op = OP_RESHAPE, .dtype = n->dtype, .shape = *s, .argc = 1, .args = &x});
}

/* Whether the axes [batch, m, n] of a dot become [batch, n, m]: then it is the dot of b and a. */
static bool swaps_sides(const Graph *g, const Node *dot, const int32_t *axes) {
    int batch = dot->attr[0], rank = dot->shape.rank, k = batch;
    int m = node_at(g, dot->args[0])->shape.rank - batch - dot->attr[1];
    bool swaps = true;
    for (int i = 0; i < batch; i++) swaps = swaps && axes[i] == i;
    for (int i = batch + m; i < rank; i++) swaps = swaps && axes[k++] == i;
    for (int i = batch; i < batch + m; i++) swaps = swaps && axes[k++] == i;
    return swaps;
}

NodeId node_permute(Graph *g, NodeId x, const int32_t *axes) {
    const Node *n = node_at(g, x);
    int32_t attr[MAX_RANK];
    Shape s = {.rank = n->shape.rank};
    bool same = true;
    for (int i = 0; i < s.rank; i++) {
        s.dim[i] = n->shape.dim[axes[i]];
        same = same && axes[i] == i;
        attr[i] = axes[i];
    }
    double v;
    if (same) return x;
    if (node_uniform(g, x, &v)) return node_full(g, n->dtype, v, &s);
    if (n->op == OP_PERMUTE) {
        for (int i = 0; i < s.rank; i++) attr[i] = n->attr[axes[i]];
        return node_permute(g, n->args[0], attr);
    }
    if (n->op == OP_DOT && n->attrc == 2 && swaps_sides(g, n, axes)) {
        return node_dot(g, n->args[1], n->args[0], n->attr[0], n->attr[1]);
    }
    return view(g, OP_PERMUTE, x, &s, s.rank, attr);
}

NodeId node_expand(Graph *g, NodeId x, const Shape *s) {
    const Node *n = node_at(g, x);
    if (shape_equal(&n->shape, s)) return x;
    if (n->op == OP_EXPAND) return node_expand(g, n->args[0], s);
    return intern(g,
                  (Node){.op = OP_EXPAND, .dtype = n->dtype, .shape = *s, .argc = 1, .args = &x});
}

NodeId node_broadcast(Graph *g, NodeId x, const Shape *s) {
    Shape ones = node_at(g, x)->shape;
    int lead = s->rank - ones.rank;
    Shape wide = {.rank = s->rank};
    for (int i = 0; i < s->rank; i++) wide.dim[i] = i < lead ? 1 : ones.dim[i - lead];
    return node_expand(g, node_reshape(g, x, &wide), s);
}

NodeId node_slice(Graph *g, NodeId x, const int32_t *start, const int32_t *count,
                  const int32_t *stride) {
    const Node *n = node_at(g, x);
    int32_t attr[3 * MAX_RANK] = {0};
    Shape s = {.rank = n->shape.rank};
    bool whole = true;
    for (int i = 0; i < s.rank; i++) {
        s.dim[i] = count[i];
        whole = whole && start[i] == 0 && count[i] == n->shape.dim[i] &&
                (stride[i] == 1 || count[i] == 1);
        attr[3 * i] = start[i];
        attr[3 * i + 1] = count[i] == 1 ? 1 : stride[i];
    }
    double v;
    if (whole) return x;
    if (node_uniform(g, x, &v)) return node_full(g, n->dtype, v, &s);
    return view(g, OP_SLICE, x, &s, 3u * s.rank, attr);
}

NodeId node_pad(Graph *g, NodeId x, const int32_t *before, const int32_t *after,
                const int32_t *between, double value) {
    const Node *n = node_at(g, x);
    int32_t attr[3 * MAX_RANK];
    Shape s = {.rank = n->shape.rank};
    bool none = true;
    value = round_to((DType)n->dtype, value);
    for (int i = 0; i < s.rank; i++) {
        int32_t gap = n->shape.dim[i] == 1 ? 0 : between[i];
        s.dim[i] = before[i] + after[i] + n->shape.dim[i] + (n->shape.dim[i] - 1) * gap;
        none = none && s.dim[i] == n->shape.dim[i];
        attr[3 * i] = before[i];
        attr[3 * i + 1] = after[i];
        attr[3 * i + 2] = gap;
    }
    if (none) return x;
    if (is_uniform(g, x, value)) return node_full(g, n->dtype, value, &s);
    return intern(g, (Node){.op = OP_PAD,
                            .dtype = n->dtype,
                            .shape = s,
                            .argc = 1,
                            .args = &x,
                            .attrc = 3u * s.rank,
                            .attr = attr,
                            .value = value});
}

/* Windows side by side: the axis as two, the places in a window last. */
static NodeId apart_windows(Graph *g, NodeId x, int32_t axis, int32_t count, int32_t size) {
    const Shape whole = node_at(g, x)->shape;
    Shape part = whole, two = {0};
    int32_t start[MAX_RANK] = {0}, stride[MAX_RANK], order[MAX_RANK], k = 0;
    for (int i = 0; i < whole.rank; i++) stride[i] = 1;
    part.dim[axis] = count * size;
    for (int i = 0; i < whole.rank; i++) {
        two.dim[two.rank++] = i == axis ? count : whole.dim[i];
        if (i == axis) two.dim[two.rank++] = size;
    }
    for (int i = 0; i < two.rank; i++) {
        if (i != axis + 1) order[k++] = i;
    }
    order[k] = axis + 1;
    x = node_reshape(g, node_slice(g, x, start, part.dim, stride), &two);
    return node_permute(g, x, order);
}

NodeId node_window(Graph *g, NodeId x, int32_t axis, int32_t size, int32_t stride,
                   int32_t dilation) {
    const Node *n = node_at(g, x);
    Shape s = n->shape;
    double v;
    s.dim[axis] = (s.dim[axis] - (size - 1) * dilation - 1) / stride + 1;
    s.dim[s.rank++] = size;
    if (size == 1) dilation = 1;
    if (node_uniform(g, x, &v)) return node_full(g, n->dtype, v, &s);
    if (stride == size && dilation == 1 && size > 1)
        return apart_windows(g, x, axis, s.dim[axis], size);
    return view(g, OP_WINDOW, x, &s, 3, (int32_t[]){axis, stride, dilation});
}

NodeId node_skew(Graph *g, NodeId x, int32_t axis, int32_t dilation) {
    const Node *n = node_at(g, x);
    Shape s = n->shape;
    int32_t size = s.dim[s.rank - 1];
    double v;
    s.dim[axis] -= (size - 1) * dilation;
    if (size == 1) return x;
    if (node_uniform(g, x, &v)) return node_full(g, n->dtype, v, &s);
    return view(g, OP_SKEW, x, &s, 2, (int32_t[]){axis, dilation});
}

NodeId node_concat(Graph *g, const NodeId *x, uint32_t n, int32_t axis) {
    if (n == 1) return x[0];
    const Node *first = node_at(g, x[0]);
    Shape s = first->shape;
    s.dim[axis] = 0;
    for (uint32_t i = 0; i < n; i++) s.dim[axis] += node_at(g, x[i])->shape.dim[axis];
    return intern(g, (Node){.op = OP_CONCAT,
                            .dtype = first->dtype,
                            .shape = s,
                            .argc = n,
                            .args = (NodeId *)(uintptr_t)x,
                            .attrc = 1,
                            .attr = &axis});
}

/* ---- Contraction, reductions, gather ------------------------------------------------------- */

/* a[batch, m] * b[batch, n] for every pair: a DOT that contracts nothing. */
static NodeId outer_product(Graph *g, NodeId a, NodeId b, int32_t batch, const Shape *out) {
    Shape sa = node_at(g, a)->shape;
    Shape wide_a = *out, wide_b = *out;
    for (int i = sa.rank; i < out->rank; i++) wide_a.dim[i] = 1;
    for (int i = batch; i < sa.rank; i++) wide_b.dim[i] = 1;
    a = node_expand(g, node_reshape(g, a, &wide_a), out);
    b = node_expand(g, node_reshape(g, b, &wide_b), out);
    return node_ew(g, OP_MUL, a, b, NO_NODE);
}

NodeId node_dot(Graph *g, NodeId a, NodeId b, int32_t batch, int32_t contracted) {
    const Node *na = node_at(g, a), *nb = node_at(g, b);
    Shape s = {0};
    for (int i = 0; i < na->shape.rank - contracted; i++) s.dim[s.rank++] = na->shape.dim[i];
    for (int i = batch; i < nb->shape.rank - contracted; i++) s.dim[s.rank++] = nb->shape.dim[i];
    if (contracted == 0) return outer_product(g, a, b, batch, &s);
    return intern(g, (Node){.op = OP_DOT,
                            .dtype = na->dtype,
                            .shape = s,
                            .argc = 2,
                            .args = (NodeId[]){a, b},
                            .attrc = 2,
                            .attr = (int32_t[]){batch, contracted}});
}

NodeId node_reduce(Graph *g, Op op, NodeId x, const int32_t *axes, uint32_t n) {
    const Node *nx = node_at(g, x);
    bool gone[MAX_RANK] = {false};
    int64_t elems = 1;
    for (uint32_t i = 0; i < n; i++) gone[axes[i]] = true;
    Shape s = {0};
    int32_t attr[MAX_RANK];
    uint32_t attrc = 0;
    for (int i = 0; i < nx->shape.rank; i++) {
        if (!gone[i])
            s.dim[s.rank++] = nx->shape.dim[i];
        else
            attr[attrc++] = i, elems *= nx->shape.dim[i];
    }
    double v;
    if (elems == 1) return node_reshape(g, x, &s);
    if (node_uniform(g, x, &v))
        return node_full(g, nx->dtype, op == OP_SUM ? v * (double)elems : v, &s);
    return intern(g, (Node){.op = (uint8_t)op,
                            .dtype = nx->dtype,
                            .shape = s,
                            .argc = 1,
                            .args = &x,
                            .attrc = attrc,
                            .attr = attr});
}

NodeId node_argmax(Graph *g, NodeId x, int32_t axis) {
    const Node *n = node_at(g, x);
    Shape s = {0};
    for (int i = 0; i < n->shape.rank; i++) {
        if (i != axis) s.dim[s.rank++] = n->shape.dim[i];
    }
    if (n->shape.dim[axis] == 1) return node_full(g, DT_I32, 0, &s);
    return intern(g, (Node){.op = OP_ARGMAX,
                            .dtype = DT_I32,
                            .shape = s,
                            .argc = 1,
                            .args = &x,
                            .attrc = 1,
                            .attr = &axis});
}

NodeId node_take(Graph *g, NodeId table, NodeId index) {
    const Node *nt = node_at(g, table), *ni = node_at(g, index);
    Shape s = ni->shape;
    uint32_t loop;
    int64_t scale, first;
    double row;
    if (s.rank == 0 && node_uniform(g, index, &row) && row >= 0 && row < nt->shape.dim[0])
        return node_at_iteration(g, table, 0, 0, (int32_t)row);
    /* table[iteration]: a view, whose gradient is a stack of rows. */
    if (s.rank == 0 && node_affine(g, index, &loop, &scale, &first)) {
        int64_t last = first + scale * (g->loops.at[loop].trips - 1);
        if (first >= 0 && first < nt->shape.dim[0] && last >= 0 && last < nt->shape.dim[0])
            return node_at_iteration(g, table, loop, (int32_t)scale, (int32_t)first);
    }
    for (int i = 1; i < nt->shape.rank; i++) s.dim[s.rank++] = nt->shape.dim[i];
    return intern(g, (Node){.op = OP_TAKE,
                            .dtype = nt->dtype,
                            .shape = s,
                            .argc = 2,
                            .args = (NodeId[]){table, index}});
}

NodeId node_scatter(Graph *g, NodeId values, NodeId index, int32_t n) {
    const Node *nv = node_at(g, values), *ni = node_at(g, index);
    Shape s = {.rank = 1, .dim = {n}};
    for (int i = ni->shape.rank; i < nv->shape.rank; i++) s.dim[s.rank++] = nv->shape.dim[i];
    if (is_uniform(g, values, 0)) return node_full(g, nv->dtype, 0, &s);
    return intern(g, (Node){.op = OP_SCATTER,
                            .dtype = nv->dtype,
                            .shape = s,
                            .argc = 2,
                            .args = (NodeId[]){values, index}});
}

/* ---- Loops --------------------------------------------------------------------------------- */

uint32_t graph_loop(Graph *g, int32_t trips, uint32_t within) {
    GraphLoop loop = {.trips = trips, .depth = g->loops.at[within].depth + 1};
    vec_push(g->arena, &g->loops, loop);
    return g->loops.len - 1;
}

NodeId node_iteration(Graph *g, uint32_t loop) {
    if (g->loops.at[loop].trips == 1) return node_const(g, DT_I32, 0);
    return intern(g, (Node){.op = OP_ITERATION,
                            .dtype = DT_I32,
                            .attrc = 1,
                            .attr = (int32_t[]){(int32_t)loop}});
}

NodeId node_carry(Graph *g, uint32_t loop, int32_t which, NodeId initial) {
    const Node *x = node_at(g, initial);
    return intern(g, (Node){.op = OP_CARRY,
                            .dtype = x->dtype,
                            .shape = x->shape,
                            .argc = 1,
                            .args = &initial,
                            .attrc = 2,
                            .attr = (int32_t[]){(int32_t)loop, which}});
}

NodeId node_scan(Graph *g, uint32_t loop, const NodeId *carry, const NodeId *next, uint32_t n) {
    NodeId *args = NEW_ARRAY(g->arena, NodeId, 2 * n + 1);
    for (uint32_t i = 0; i < n; i++) args[i] = carry[i], args[n + i] = next[i];
    return intern(g, (Node){.op = OP_SCAN,
                            .dtype = DT_I32,
                            .argc = 2 * n,
                            .args = args,
                            .attrc = 1,
                            .attr = (int32_t[]){(int32_t)loop}});
}

NodeId node_final(Graph *g, NodeId scan, int32_t which) {
    const Node *n = node_at(g, scan), *carry = node_at(g, n->args[which]);
    NodeId next = n->args[n->argc / 2 + (uint32_t)which];
    /* What does not depend on the loop is the same after every iteration. */
    if (node_at(g, next)->loop != (uint32_t)n->attr[0]) return next;
    return intern(g, (Node){.op = OP_FINAL,
                            .dtype = carry->dtype,
                            .shape = carry->shape,
                            .argc = 1,
                            .args = &scan,
                            .attrc = 1,
                            .attr = &which});
}

NodeId node_stack(Graph *g, NodeId scan, NodeId x) {
    const Node *n = node_at(g, x);
    uint32_t loop = (uint32_t)node_at(g, scan)->attr[0];
    Shape s = {.rank = (uint8_t)(n->shape.rank + 1), .dim = {g->loops.at[loop].trips}};
    memcpy(s.dim + 1, n->shape.dim, n->shape.rank * sizeof(int32_t));
    if (n->op == OP_ITERATION && (uint32_t)n->attr[0] == loop) return node_iota(g, s.dim[0]);
    if (n->loop != loop) return node_broadcast(g, x, &s);
    return intern(
        g,
        (Node){
            .op = OP_STACK, .dtype = n->dtype, .shape = s, .argc = 2, .args = (NodeId[]){scan, x}});
}

/* A row that is the same in each iteration, or in no loop, is a slice. */
NodeId node_at_iteration(Graph *g, NodeId x, uint32_t loop, int32_t scale, int32_t offset) {
    const Node *n = node_at(g, x);
    int32_t start[MAX_RANK] = {offset}, stride[MAX_RANK];
    Shape one = n->shape, s = {.rank = (uint8_t)(n->shape.rank - 1)};
    one.dim[0] = 1;
    memcpy(s.dim, n->shape.dim + 1, s.rank * sizeof(int32_t));
    double v;
    if (node_uniform(g, x, &v)) return node_full(g, n->dtype, v, &s);
    if (scale == 0 || g->loops.at[loop].trips == 1) {
        for (int i = 0; i < n->shape.rank; i++) stride[i] = 1;
        return node_reshape(g, node_slice(g, x, start, one.dim, stride), &s);
    }
    return intern(g, (Node){.op = OP_AT,
                            .dtype = n->dtype,
                            .shape = s,
                            .argc = 1,
                            .args = &x,
                            .attrc = 3,
                            .attr = (int32_t[]){(int32_t)loop, scale, offset}});
}

bool node_affine(const Graph *g, NodeId x, uint32_t *loop, int64_t *scale, int64_t *offset) {
    int64_t by = 1, add = 0; /* the value is by * x + add */
    for (;;) {
        const Node *n = node_at(g, x);
        double v;
        bool sum = n->op == OP_ADD || n->op == OP_SUB || n->op == OP_MUL;
        if (n->dtype != DT_I32 || n->shape.rank || by > MAX_ELEMS || by < -MAX_ELEMS ||
            add > MAX_ELEMS || add < -MAX_ELEMS)
            return false;
        if (n->op == OP_ITERATION) {
            *loop = (uint32_t)n->attr[0], *scale = by, *offset = add;
            return true;
        }
        if (n->op == OP_NEG) {
            by = -by, x = n->args[0];
        } else if (sum && node_uniform(g, n->args[1], &v)) {
            if (n->op == OP_MUL)
                by *= (int64_t)v;
            else
                add += by * (int64_t)(n->op == OP_ADD ? v : -v);
            x = n->args[0];
        } else if (sum && node_uniform(g, n->args[0], &v)) {
            if (n->op == OP_MUL)
                by *= (int64_t)v;
            else
                add += by * (int64_t)v;
            if (n->op == OP_SUB) by = -by;
            x = n->args[1];
        } else {
            return false;
        }
    }
}

NodeId node_make(Graph *g, const Node *n) {
    return intern(g, *n);
}

/* The builder of a view, a contraction or a reduction, over other operands. */
static NodeId build_again(Graph *g, const Node *n, const NodeId *args) {
    int32_t start[MAX_RANK], stride[MAX_RANK], before[MAX_RANK], after[MAX_RANK], gap[MAX_RANK];
    const int rank = n->shape.rank;
    switch (n->op) {
    case OP_RESHAPE: return node_reshape(g, args[0], &n->shape);
    case OP_EXPAND: return node_expand(g, args[0], &n->shape);
    case OP_PERMUTE: return node_permute(g, args[0], n->attr);
    case OP_SLICE:
        for (int i = 0; i < rank; i++) start[i] = n->attr[3 * i], stride[i] = n->attr[3 * i + 1];
        return node_slice(g, args[0], start, n->shape.dim, stride);
    case OP_PAD:
        for (int i = 0; i < rank; i++) {
            before[i] = n->attr[3 * i], after[i] = n->attr[3 * i + 1];
            gap[i] = n->attr[3 * i + 2];
        }
        return node_pad(g, args[0], before, after, gap, n->value);
    case OP_WINDOW:
        return node_window(g, args[0], n->attr[0], n->shape.dim[rank - 1], n->attr[1], n->attr[2]);
    case OP_SKEW: return node_skew(g, args[0], n->attr[0], n->attr[1]);
    case OP_CAST: return node_cast(g, args[0], (DType)n->dtype);
    case OP_SUM:
    case OP_RMAX: return node_reduce(g, (Op)n->op, args[0], n->attr, n->attrc);
    case OP_SCATTER: return node_scatter(g, args[0], args[1], n->shape.dim[0]);
    case OP_FINAL: return node_final(g, args[0], n->attr[0]);
    case OP_STACK: return node_stack(g, args[0], args[1]);
    case OP_TAKE: return node_take(g, args[0], args[1]);
    case OP_AT: return node_at_iteration(g, args[0], (uint32_t)n->attr[0], n->attr[1], n->attr[2]);
    default: return NO_NODE;
    }
}

NodeId node_again(Graph *g, const Node *n, const NodeId *args) {
    if (op_info[n->op].elementwise) {
        return node_ew(g, (Op)n->op, args[0], n->argc > 1 ? args[1] : NO_NODE,
                       n->argc > 2 ? args[2] : NO_NODE);
    }
    Node copy = *n;
    Span span = g->span;
    copy.args = (NodeId *)(uintptr_t)args;
    g->span = n->span;
    NodeId id = build_again(g, &copy, args);
    if (id == NO_NODE) id = intern(g, copy);
    g->span = span;
    return id;
}

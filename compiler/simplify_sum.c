/* simplify_sum: what a gradient sum turns into. The contributions of a variable that forks are often parts of
 * one thing: slices that do not overlap are a concat; contractions that differ in their operands alone are one
 * contraction over all that they contract, one after the other: the weight gradient of an unrolled network is
 * one product over all of its steps; sums of rows are one sum.
 *
 * Nothing is lost for NaN or infinity: where slices do not overlap, all but one of the terms are zeros. */
#include "simplify.h"

#define MAX_VIEWS 12 /* between two sums that become one */

typedef struct Terms { /* of a sum */
    Graph *g;
    const NodeId *x;
    uint32_t n;
} Terms;

/* ---- Concats -------------------------------------------------------------------------------- */

/* The parts one after the other along an axis. A permutation that all of them share comes last, so that they
 * can be made in place. */
static NodeId concat_of(Graph *g, const NodeId *x, uint32_t n, int32_t axis) {
    uint32_t first = 0;
    double v;
    while (first + 1 < n && node_uniform(g, x[first], &v)) first++;
    const Node p = *node_at(g, x[first]);
    int rank = p.shape.rank;
    bool permuted = p.op == OP_PERMUTE;
    NodeId *inner = NEW_ARRAY(g->arena, NodeId, n);
    for (uint32_t i = 0; i < n && permuted; i++) {
        const Node *q = node_at(g, x[i]);
        Shape s = q->shape;
        if (q->op == OP_PERMUTE && !memcmp(q->attr, p.attr, (size_t)rank * sizeof(int32_t))) {
            inner[i] = q->args[0];
        } else if (node_uniform(g, x[i], &v)) {
            for (int k = 0; k < rank; k++) s.dim[p.attr[k]] = q->shape.dim[k];
            inner[i] = node_full(g, (DType)q->dtype, v, &s);
        } else {
            permuted = false;
        }
    }
    if (!permuted) return node_concat(g, x, n, axis);
    return node_permute(g, concat_of(g, inner, n, p.attr[axis]), p.attr);
}

/* ---- Slices --------------------------------------------------------------------------------- */

/* The one axis along which a node is zeros around a part; -1: it is something else. */
static int32_t padded_axis(const Graph *g, const Node *n) {
    int32_t axis = -1;
    if (n->op != OP_PAD || n->value != 0) return -1;
    for (int i = 0; i < n->shape.rank; i++) {
        if (n->attr[3 * i + 2] && node_at(g, n->args[0])->shape.dim[i] > 1) return -1;
        if (n->shape.dim[i] == node_at(g, n->args[0])->shape.dim[i]) continue;
        if (axis >= 0) return -1;
        axis = i;
    }
    return axis;
}

/* The terms as parts of one whole, without gaps; or NO_NODE. */
static NodeId sum_as_concat(const Terms *t) {
    Graph *g = t->g;
    int32_t axis = padded_axis(g, node_at(g, t->x[0])), at = 0;
    if (axis < 0) return NO_NODE;
    int32_t size = node_at(g, t->x[0])->shape.dim[axis];
    NodeId *parts = NEW_ARRAY(g->arena, NodeId, t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        if (padded_axis(g, node_at(g, t->x[i])) != axis) return NO_NODE;
    }
    for (uint32_t found = 0; found < t->n; found++) {
        uint32_t i = 0;
        while (i < t->n && node_at(g, t->x[i])->attr[3 * axis] != at) i++;
        if (i == t->n) return NO_NODE;
        parts[found] = node_at(g, t->x[i])->args[0];
        at += node_at(g, parts[found])->shape.dim[axis];
    }
    bool joins = at == size && graph_rewrites(g, "a sum of slices is a concat", t->x[0]);
    return joins ? node_concat(g, parts, t->n, axis) : NO_NODE;
}

/* ---- Contractions and sums -------------------------------------------------------------------- */

/* Whether the operands a and b of two contractions may stand one after the other along axis `axis`. */
static bool join_along(const Graph *g, NodeId a, NodeId b, int axis) {
    const Shape *x = &node_at(g, a)->shape, *y = &node_at(g, b)->shape;
    if (x->rank != y->rank || node_at(g, a)->dtype != node_at(g, b)->dtype) return false;
    for (int i = 0; i < x->rank; i++) {
        if (i != axis && x->dim[i] != y->dim[i]) return false;
    }
    return true;
}

static bool alike(const Graph *g, const Node *x, const Node *y) {
    if (x->op != y->op || x->loop != y->loop) return false;
    if (x->op == OP_DOT) {
        int contracted = x->attr[1];
        return contracted > 0 && x->attr[0] == y->attr[0] && contracted == y->attr[1] &&
               join_along(g, x->args[0], y->args[0],
                          node_at(g, x->args[0])->shape.rank - contracted) &&
               join_along(g, x->args[1], y->args[1],
                          node_at(g, x->args[1])->shape.rank - contracted);
    }
    return x->op == OP_SUM && x->attrc == y->attrc &&
           !memcmp(x->attr, y->attr, x->attrc * sizeof(int32_t)) &&
           join_along(g, x->args[0], y->args[0], x->attr[0]);
}

/* Whether a term is a variable as it is: to put it beside others costs a copy. */
static bool is_leaf(const Graph *g, NodeId x) {
    while (is_view((Op)node_at(g, x)->op)) x = node_at(g, x)->args[0];
    Op op = (Op)node_at(g, x)->op;
    return op == OP_VAR || op == OP_FINAL || op == OP_STACK;
}

static NodeId join_terms(const Terms *t, const uint32_t *which, uint32_t n) {
    Graph *g = t->g;
    const Node first = *node_at(g, t->x[which[0]]);
    NodeId *parts = NEW_ARRAY(g->arena, NodeId, n), operand[2];
    /* Some inputs are worth their copies where there is much else. */
    for (uint32_t k = 0, leaves = 0; k < first.argc; k++) {
        int64_t joined = 0;
        for (uint32_t i = 0; i < n; i++) {
            NodeId part = node_at(g, t->x[which[i]])->args[k];
            leaves += is_leaf(g, part);
            joined += shape_elems(&node_at(g, part)->shape);
        }
        if (leaves * 4 > n || joined > MAX_ELEMS) return NO_NODE;
    }
    if (!graph_rewrites(g, "a sum of contractions or sums is one", t->x[which[0]])) return NO_NODE;
    for (uint32_t k = 0; k < first.argc; k++) {
        int rank = node_at(g, first.args[k])->shape.rank;
        int32_t axis = first.op == OP_DOT ? rank - first.attr[1] : first.attr[0];
        for (uint32_t i = 0; i < n; i++) {
            parts[i] = node_at(g, t->x[which[i]])->args[k];
        }
        operand[k] = concat_of(g, parts, n, axis);
    }
    if (first.op == OP_DOT)
        return node_dot(g, operand[0], operand[1], first.attr[0], first.attr[1]);
    return node_reduce(g, OP_SUM, operand[0], first.attr, first.attrc);
}

NodeId simplify_reduce_sum(Graph *g, NodeId x, const int32_t *axes, uint32_t n, bool worth) {
    const Node sum = *node_at(g, x);
    uint32_t leaves = 0;
    for (uint32_t i = 0; i < sum.argc && sum.op == OP_GRADSUM; i++)
        leaves += is_leaf(g, sum.args[i]);
    if (sum.op != OP_GRADSUM || !worth || n == 0 || leaves ||
        sum.argc * shape_elems(&sum.shape) > MAX_ELEMS ||
        !graph_rewrites(g, "the sum of a sum is one", x))
        return node_reduce(g, OP_SUM, x, axes, n);
    return node_reduce(g, OP_SUM, concat_of(g, sum.args, sum.argc, axes[0]), axes, n);
}

/* ---- Sums of views of sums -------------------------------------------------------------------- */

/* The view n, of x that has `lead` axes more before those of n's operand. */
static NodeId view_behind(Graph *g, const Node *n, NodeId x, int lead) {
    const Shape *from = &node_at(g, x)->shape;
    int32_t attr[3 * MAX_RANK + 3] = {0};
    Node v = *n;
    bool triples = n->op == OP_SLICE || n->op == OP_PAD;
    uint32_t shift = n->op == OP_PERMUTE ? (uint32_t)lead : triples ? 3u * (uint32_t)lead : 0;
    memset(&v.shape, 0, sizeof(v.shape));
    for (int i = 0; i < lead; i++) v.shape.dim[v.shape.rank++] = from->dim[i];
    for (int i = 0; i < n->shape.rank; i++) v.shape.dim[v.shape.rank++] = n->shape.dim[i];
    for (int i = 0; i < lead; i++) {
        if (n->op == OP_PERMUTE) attr[i] = i;
        if (n->op == OP_SLICE) attr[3 * i + 1] = 1;
    }
    for (uint32_t i = 0; i < n->attrc; i++)
        attr[shift + i] = n->attr[i] + (n->op == OP_PERMUTE ? lead : 0);
    if (n->op == OP_WINDOW || n->op == OP_SKEW) attr[0] += lead;
    v.attr = attr;
    v.attrc = n->attrc + shift;
    return node_again(g, &v, &x);
}

/* The gradient of windows along two axes adds up along one and then along the other: as one sum it goes through
 * what it adds once, without the sums between. */
NodeId simplify_views_of_sum(const Graph *old, const uint32_t *uses, const NodeId *to, Graph *g,
                             const Node *n) {
    const Node *views[MAX_VIEWS], *sum = node_at(old, n->args[0]);
    NodeId id = n->args[0];
    uint32_t count = 0;
    while (is_view((Op)sum->op) && count < MAX_VIEWS && uses[id] == 1 && sum->loop == n->loop &&
           !(sum->op == OP_PAD && sum->value != 0)) {
        views[count++] = sum;
        id = sum->args[0];
        sum = node_at(old, id);
    }
    int lead = (int)sum->attrc;
    if (sum->op != OP_SUM || count == 0 || uses[id] != 1 || sum->loop != n->loop) return NO_NODE;
    const Shape *inner = &node_at(old, sum->args[0])->shape;
    int64_t terms = shape_elems(&node_at(old, n->args[0])->shape) * shape_elems(inner) /
                    shape_elems(&sum->shape);
    int rank = inner->rank;
    bool at = false;
    for (uint32_t i = 0; i < count; i++) {
        if (views[i]->shape.rank + lead > rank) rank = views[i]->shape.rank + lead;
        at = at || views[i]->op == OP_AT;
    }
    if (terms > 2 * shape_elems(inner) || rank > MAX_RANK || at ||
        !graph_rewrites(old, "a sum of views of a sum is one sum", n->args[0]))
        return NO_NODE;
    int32_t axes[MAX_RANK], k = lead, r = 0;
    for (int i = 0; i < inner->rank; i++) {
        bool summed = r < lead && sum->attr[r] == i;
        axes[summed ? r++ : k++] = i;
    }
    NodeId x = node_permute(g, to[sum->args[0]], axes);
    for (uint32_t i = count; i-- > 0;) x = view_behind(g, views[i], x, lead);
    for (int i = 0; i < lead; i++) axes[i] = i;
    for (uint32_t i = 0; i < n->attrc; i++) axes[lead + (int)i] = n->attr[i] + lead;
    return node_reduce(g, OP_SUM, x, axes, (uint32_t)lead + n->attrc);
}

NodeId simplify_gradsum(Graph *g, const NodeId *x, uint32_t n, const bool *once) {
    Terms t = {g, x, n};
    NodeId whole = sum_as_concat(&t);
    if (whole != NO_NODE) return whole;
    NodeId *out = NEW_ARRAY(g->arena, NodeId, n);
    bool *done = NEW_ARRAY(g->arena, bool, n);
    uint32_t *which = NEW_ARRAY(g->arena, uint32_t, n), count = 0;
    for (uint32_t i = 0; i < n; i++) {
        const Node *a = node_at(g, x[i]);
        uint32_t found = 0;
        if (done[i]) continue;
        if (once[i] && (a->op == OP_DOT || a->op == OP_SUM)) {
            for (uint32_t k = i; k < n; k++) {
                if (!done[k] && once[k] && alike(g, a, node_at(g, x[k]))) which[found++] = k;
            }
        }
        NodeId joined = found > 1 ? join_terms(&t, which, found) : NO_NODE;
        for (uint32_t k = 0; k < found; k++) done[which[k]] = true;
        if (joined == NO_NODE &&
            found > 1) { /* then those that are made of no input, if they are several */
            uint32_t made = 0;
            for (uint32_t k = 0; k < found; k++) {
                const Node *term = node_at(g, x[which[k]]);
                if (is_leaf(g, term->args[0]) || is_leaf(g, term->args[term->argc - 1]))
                    out[count++] = x[which[k]];
                else
                    which[made++] = which[k];
            }
            if (made > 1 && made < found) joined = join_terms(&t, which, made);
            for (uint32_t k = 0; k < made && joined == NO_NODE; k++) out[count++] = x[which[k]];
            if (joined != NO_NODE) out[count++] = joined;
            continue;
        }
        out[count++] = joined == NO_NODE ? x[i] : joined;
    }
    return count == 1 ? out[0] : node_gradsum(g, out, count);
}

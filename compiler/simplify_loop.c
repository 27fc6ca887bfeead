/* simplify_loop: what need not be computed turn by turn. A contraction of rows that the turns read one after
 * the other is one contraction of all of them; so is one that only leaves the loop as a stack. What is
 * stacked is stacked where it was made: a view of it, or a row that was read, is a view of what there is.
 *
 * Source: loop fission and hoisting, as in Henriksen et al., Futhark, 2017, for maps; here for contractions. */
#include "simplify.h"

/* What leaves a loop is kept for all turns: not more than so many times what it is made of (or made into). */
#define MOST_GROWTH 16

/* Whether x has one value for all turns of the loop. */
static bool outside(const Graph *g, NodeId x, uint32_t loop) {
    for (uint32_t l = node_at(g, x)->loop; l; l = g->loops.at[l].outer) {
        if (l == loop) return false;
    }
    return true;
}

static bool fits(const Graph *g, uint32_t loop, NodeId x) {
    const Node *n = node_at(g, x);
    return n->shape.rank < MAX_RANK &&
           shape_elems(&n->shape) * g->loops.at[loop].trips <= MAX_ELEMS;
}

/* The contraction of a (or b) with one axis more, the first: [free_a, free_b] of each of its rows, stacked. */
static NodeId dot_of_rows(Graph *g, NodeId a, NodeId b, int32_t contracted, bool rows_of_b) {
    NodeId all = node_dot(g, a, b, 0, contracted);
    if (!rows_of_b) return all;
    int free_a = node_at(g, a)->shape.rank - contracted, rank = node_at(g, all)->shape.rank;
    int32_t axes[MAX_RANK];
    for (int i = 0; i < rank; i++) axes[i] = i == 0 ? free_a : i <= free_a ? i - 1 : i;
    return node_permute(g, all, axes);
}

NodeId simplify_dot(Graph *g, NodeId a, NodeId b, int32_t batch, int32_t contracted) {
    for (int which = 0; which < 2 && batch == 0; which++) {
        NodeId x = which ? b : a, other = which ? a : b;
        const Node *n = node_at(g, x);
        if (n->op != OP_AT) continue;
        uint32_t loop = (uint32_t)n->attr[0];
        int32_t scale = n->attr[1], offset = n->attr[2];
        NodeId rows = n->args[0];
        /* All rows are read, and none twice. */
        bool each = (scale == 1 || scale == -1) &&
                    node_at(g, rows)->shape.dim[0] == g->loops.at[loop].trips;
        if (!each || !outside(g, rows, loop) || !outside(g, other, loop)) continue;
        int free_x = n->shape.rank - contracted;
        int free_other = node_at(g, other)->shape.rank - contracted;
        int64_t elems = g->loops.at[loop].trips;
        for (int i = 0; i < free_x; i++) elems *= n->shape.dim[i];
        for (int i = 0; i < free_other; i++) elems *= node_at(g, other)->shape.dim[i];
        if (elems > MAX_ELEMS || free_x + free_other >= MAX_RANK) continue;
        if (elems > MOST_GROWTH * (shape_elems(&node_at(g, rows)->shape) +
                                   shape_elems(&node_at(g, other)->shape)))
            continue;
        if (!graph_rewrites(g, "a contraction leaves its loop", x)) continue;
        NodeId all = which ? dot_of_rows(g, a, rows, contracted, true)
                           : dot_of_rows(g, rows, b, contracted, false);
        return node_at_iteration(g, all, loop, scale, offset);
    }
    return node_dot(g, a, b, batch, contracted);
}

/* Rows offset, offset + scale, ... of y: what the turns read. */
static NodeId rows_read(Graph *g, NodeId y, int32_t trips, int32_t scale, int32_t offset) {
    Shape s = node_at(g, y)->shape;
    int32_t start[MAX_RANK] = {offset}, stride[MAX_RANK] = {scale};
    for (int i = 1; i < s.rank; i++) stride[i] = 1;
    s.dim[0] = trips;
    return node_slice(g, y, start, s.dim, stride);
}

NodeId simplify_stack(Graph *g, NodeId scan, NodeId x, bool used_once) {
    const Node n = *node_at(g, x);
    uint32_t loop = (uint32_t)node_at(g, scan)->attr[0];
    int32_t trips = g->loops.at[loop].trips;
    if (n.loop != loop) return node_stack(g, scan, x);
    if (n.op == OP_AT && (uint32_t)n.attr[0] == loop && outside(g, n.args[0], loop) &&
        n.attr[1] != 0 && graph_rewrites(g, "a stack of rows that are read is what they are of", x))
        return rows_read(g, n.args[0], trips, n.attr[1], n.attr[2]);
    if ((n.op == OP_PERMUTE || n.op == OP_RESHAPE || n.op == OP_EXPAND) &&
        fits(g, loop, n.args[0]) && graph_rewrites(g, "a stack of views is a view of a stack", x)) {
        NodeId all = simplify_stack(g, scan, n.args[0], false);
        Shape s = {.rank = (uint8_t)(n.shape.rank + 1), .dim = {trips}};
        memcpy(s.dim + 1, n.shape.dim, n.shape.rank * sizeof(int32_t));
        if (n.op == OP_RESHAPE) return node_reshape(g, all, &s);
        if (n.op == OP_EXPAND) return node_expand(g, all, &s);
        int32_t axes[MAX_RANK] = {0};
        for (int i = 0; i < n.shape.rank; i++) axes[i + 1] = n.attr[i] + 1;
        return node_permute(g, all, axes);
    }
    if (n.op == OP_DOT && used_once && n.attr[0] == 0) {
        for (int which = 0; which < 2; which++) {
            NodeId rows = n.args[which], other = n.args[1 - which];
            if (!outside(g, other, loop) || !fits(g, loop, rows)) continue;
            if (shape_elems(&node_at(g, rows)->shape) > MOST_GROWTH * shape_elems(&n.shape))
                continue;
            if (!graph_rewrites(g, "a stack of contractions is one of a stack", x)) continue;
            NodeId all = simplify_stack(g, scan, rows, false);
            return which ? dot_of_rows(g, other, all, n.attr[1], true)
                         : dot_of_rows(g, all, other, n.attr[1], false);
        }
    }
    return node_stack(g, scan, x);
}

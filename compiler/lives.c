/* lives: how long the reference needs each value, how much that makes at one time, and how long it takes.
 *
 * Requires: the graph passes graph_verify. */
#include "lives.h"

#include "access.h"

/* Where outside of loops a node is evaluated: of one inside a loop that loop's SCAN. */
static NodeId outside(const Graph *g, const NodeId *scan_of, NodeId id) {
    while (id != NO_NODE && node_at(g, id)->loop) id = scan_of[node_at(g, id)->loop];
    return id;
}

Lives lives_of(const Graph *g, Arena *a, const bool *keep) {
    const uint32_t count = g->nodes.len;
    Lives lives = {NEW_ARRAY(a, NodeId, count + 1), NEW_ARRAY(a, NodeId, count + 1)};
    NodeId *last = NEW_ARRAY(a, NodeId, count + 1);
    NodeId *scan_of = NEW_ARRAY(a, NodeId, g->loops.len + 1);
    for (uint32_t l = 0; l < g->loops.len; l++) scan_of[l] = NO_NODE;
    for (NodeId id = 0; id < count; id++) {
        lives.first[id] = lives.next[id] = NO_NODE;
        last[id] = id;
        if (node_at(g, id)->op == OP_SCAN) scan_of[node_at(g, id)->attr[0]] = id;
    }
    for (NodeId id = 0; id < count; id++) {
        const NodeId at = outside(g, scan_of, id);
        for (uint32_t i = 0; i < node_at(g, id)->argc && at != NO_NODE; i++) {
            NodeId *of = &last[node_at(g, id)->args[i]];
            if (at > *of) *of = at;
        }
    }
    for (NodeId id = 0; id < count; id++) {
        const Node *n = node_at(g, id); /* FINAL is the memory of its carry */
        if (n->loop || keep[id] || n->op == OP_SCAN || n->op == OP_FINAL) continue;
        lives.next[id] = lives.first[last[id]];
        lives.first[last[id]] = id;
    }
    return lives;
}

double interp_bytes(const Graph *g, Arena *arena, const bool *keep) {
    Arena *a = arena_open(arena);
    const Lives lives = lives_of(g, a, keep);
    double now = 0, most = 0;
    for (NodeId id = 0; id < g->nodes.len; id++) {
        const Node *n = node_at(g, id);
        if (n->op != OP_FINAL) now += (double)shape_elems(&n->shape) * sizeof(double);
        if (n->loop) continue;
        if (now > most) most = now;
        for (NodeId i = lives.first[id]; i != NO_NODE; i = lives.next[i])
            now -= (double)shape_elems(&node_at(g, i)->shape) * sizeof(double);
    }
    arena_close(a);
    return most;
}

/* Steps of a contraction that an element takes: of a cheap operator, and of one that is a function. */
#define CHEAP  4
#define COSTLY 20

double interp_operations(const Graph *g) {
    double sum = 0;
    for (NodeId id = 0; id < g->nodes.len; id++) {
        const Node *n = node_at(g, id);
        double each = (double)shape_elems(&n->shape) *
                      (op_info[n->op].elementwise && op_info[n->op].cost > 1 ? COSTLY : CHEAP);
        if (n->op == OP_DOT) {
            const Shape reduced = reduced_shape(g, n);
            each += (double)shape_elems(&n->shape) * (double)shape_elems(&reduced);
        } else if (is_reduction((Op)n->op)) {
            each += CHEAP * (double)shape_elems(&node_at(g, n->args[0])->shape);
        }
        for (uint32_t l = n->loop; l; l = g->loops.at[l].outer) each *= g->loops.at[l].trips;
        sum += each;
    }
    return sum;
}

/* simplify: rewrites on whole graphs. Most identities hold as nodes are made (graph.c); here are those
 * that need to see the uses, and the removal of what nothing needs. Each rewrite makes a new graph in
 * one pass over the old one.
 *
 * Requires: a verified graph. Establishes: the same outputs and updates, every node needed by one. */
#include "codegen.h"

/* x <= 0 where relu(x) = where(x <= 0, 0, x) exists is relu(x) <= 0 (NaN too): so that the backward
 * pass needs only what the forward pass keeps. relu[c] is the relu whose condition c is. */
static void find_relus(const Graph *g, const bool *need, NodeId *relu) {
    for (NodeId id = 0; id < g->nodes.len; id++) relu[id] = NO_NODE;
    for (NodeId id = 0; id < g->nodes.len; id++) {
        const Node *n = node_at(g, id);
        double zero, limit;
        if (!need[id] || n->op != OP_WHERE) continue;
        const Node *c = node_at(g, n->args[0]);
        if (c->op == OP_LE && c->args[0] == n->args[2] && node_uniform(g, c->args[1], &limit) &&
            limit == 0 && node_uniform(g, n->args[1], &zero) && zero == 0) {
            relu[n->args[0]] = id;
        }
    }
}

static void rebuild(Entry *e, Arena *arena) {
    const Graph old = e->graph;
    uint32_t count = old.nodes.len;
    bool *need = NEW_ARRAY(arena, bool, count + 1);
    NodeId *to = NEW_ARRAY(arena, NodeId, count + 1);
    NodeId *relu = NEW_ARRAY(arena, NodeId, count + 1);
    for (uint32_t i = 0; i < e->outputs.len; i++) need[e->outputs.at[i].node] = true;
    for (uint32_t i = 0; i < e->updates.len; i++) need[e->updates.at[i].node] = true;
    for (NodeId id = count; id-- > 0;) {
        const Node *n = node_at(&old, id);
        for (uint32_t i = 0; i < n->argc && need[id]; i++) need[n->args[i]] = true;
    }
    find_relus(&old, need, relu);
    Graph g;
    graph_init_like(&g, arena, &old);
    for (NodeId id = 0; id < count; id++) {
        const Node *n = node_at(&old, id);
        if (!need[id]) continue;
        NodeId *args = NEW_ARRAY(arena, NodeId, n->argc + 1);
        for (uint32_t i = 0; i < n->argc; i++) {
            NodeId r = relu[n->args[i]];
            args[i] = to[n->args[i]];
            if (r == NO_NODE || r >= id) continue; /* the relu itself, or before it */
            const Node *c = node_at(&old, n->args[i]);
            args[i] = node_ew(&g, OP_LE, to[r], to[c->args[1]], NO_NODE);
        }
        g.span = n->span;
        to[id] = node_again(&g, n, args);
        if (!node_at(&g, to[id])->name) node_at(&g, to[id])->name = n->name;
    }
    for (uint32_t i = 0; i < e->outputs.len; i++) e->outputs.at[i].node = to[e->outputs.at[i].node];
    for (uint32_t i = 0; i < e->updates.len; i++) e->updates.at[i].node = to[e->updates.at[i].node];
    e->graph = g;
}

void simplify_program(Program *p) {
    for (uint32_t i = 0; i < p->entries.len; i++) {
        rebuild(p->entries.at[i], p->arena);
        rebuild(p->entries.at[i], p->arena); /* what the first rewrite left without a use */
    }
}

/* simplify: rewrites on whole graphs. Most identities hold as nodes are made (graph.c); here are those
 * that need to see the uses, and the removal of what nothing needs. Each rewrite makes a new graph in
 * one pass over the old one.
 *
 * Requires: a verified graph. Establishes: the same outputs and updates, every node needed by one, none NAMED;
 * what a loop carries is read by something else than its own next value, and changes. */
#include "simplify.h"

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

typedef VEC(NodeId) NodeIds;

static void need_node(bool *need, Arena *arena, NodeIds *open, NodeId id) {
    if (need[id]) return;
    need[id] = true;
    vec_push(arena, open, id);
}

/* A loop needs what it carries only as far as that is read: by a node that is needed, or after it. */
bool *graph_needed(const Entry *e, Arena *arena) {
    const Graph *g = &e->graph;
    bool *need = NEW_ARRAY(arena, bool, g->nodes.len + 1);
    NodeId *scan = NEW_ARRAY(arena, NodeId, g->loops.len);
    NodeIds open = {0};
    for (uint32_t i = 0; i < e->outputs.len; i++)
        need_node(need, arena, &open, e->outputs.at[i].node);
    for (uint32_t i = 0; i < e->updates.len; i++)
        need_node(need, arena, &open, e->updates.at[i].node);
    for (NodeId id = 0; id < g->nodes.len; id++) {
        if (node_at(g, id)->op == OP_SCAN) scan[node_at(g, id)->attr[0]] = id;
    }
    while (open.len) {
        const Node *n = node_at(g, open.at[--open.len]);
        if (n->op == OP_SCAN) continue; /* its carries count one by one */
        for (uint32_t i = 0; i < n->argc; i++) need_node(need, arena, &open, n->args[i]);
        if (n->op != OP_CARRY && n->op != OP_FINAL) continue;
        const Node *of = node_at(g, n->op == OP_FINAL ? n->args[0] : scan[n->attr[0]]);
        uint32_t which = (uint32_t)n->attr[n->op == OP_FINAL ? 0 : 1];
        need_node(need, arena, &open, of->args[which]);
        need_node(need, arena, &open, of->args[of->argc / 2 + which]);
    }
    return need;
}

typedef struct Rebuild {
    const Graph *old;
    Graph *g;
    Arena *arena;
    const bool *need;
    NodeId *to;     /* of each old node: the new one */
    NodeId *relu;   /* see find_relus */
    uint32_t *uses; /* of each old node, by needed ones */
    int32_t *place; /* of each CARRY that stays: which one it is now; -1: it never changes */
} Rebuild;

/* The carried values that are needed, counted anew. One that is its own next value is its initial one. */
static void place_carries(Rebuild *r) {
    for (NodeId id = 0; id < r->old->nodes.len; id++) {
        const Node *n = node_at(r->old, id);
        int32_t count = 0;
        for (uint32_t k = 0; n->op == OP_SCAN && k < n->argc / 2; k++) {
            if (!r->need[n->args[k]]) continue;
            bool stays = n->args[k] == n->args[n->argc / 2 + k];
            r->place[n->args[k]] = stays ? -1 : count++;
        }
    }
}

static NodeId rebuild_scan(Rebuild *r, const Node *n) {
    uint32_t carries = n->argc / 2, count = 0;
    NodeId *carry = NEW_ARRAY(r->arena, NodeId, carries + 1);
    NodeId *next = NEW_ARRAY(r->arena, NodeId, carries + 1);
    for (uint32_t k = 0; k < carries; k++) {
        if (!r->need[n->args[k]] || r->place[n->args[k]] < 0) continue;
        carry[count] = r->to[n->args[k]];
        next[count++] = r->to[n->args[carries + k]];
    }
    return node_scan(r->g, (uint32_t)n->attr[0], carry, next, count);
}

/* Whether a value is in memory anyway, so that it may be made beside others: a reduction has a kernel, and what is
 * needed twice is often better kept than made again. */
static bool is_stored(const Rebuild *r, NodeId old) {
    const Node *n = node_at(r->old, old);
    uint32_t uses = r->uses[old];
    for (; is_view((Op)n->op) && n->op != OP_PAD && uses == 1; n = node_at(r->old, n->args[0]))
        uses = r->uses[n->args[0]];
    return uses > 1 || is_reduction((Op)n->op);
}

static NodeId rebuild_node(Rebuild *r, NodeId id) {
    const Node *n = node_at(r->old, id);
    if (n->op == OP_SCAN) return rebuild_scan(r, n);
    if (n->op == OP_CARRY) {
        NodeId initial = r->to[n->args[0]];
        if (r->place[id] < 0) return initial;
        return node_carry(r->g, (uint32_t)n->attr[0], r->place[id], initial);
    }
    if (n->op == OP_FINAL) {
        NodeId carry = node_at(r->old, n->args[0])->args[n->attr[0]];
        if (r->place[carry] < 0) return r->to[carry];
        return node_final(r->g, r->to[n->args[0]], r->place[carry]);
    }
    if (n->op == OP_NAMED) return r->to[n->args[0]]; /* all gradients have been taken */
    NodeId *args = NEW_ARRAY(r->arena, NodeId, n->argc + 1);
    for (uint32_t i = 0; i < n->argc; i++) {
        NodeId relu = r->relu[n->args[i]];
        args[i] = r->to[n->args[i]];
        /* The relu itself, what is before it, or a loop that is closed. */
        if (relu == NO_NODE || relu >= id || n->op == OP_STACK) continue;
        const Node *c = node_at(r->old, n->args[i]);
        if (!graph_rewrites(r->old, "the sign of a relu's operand is that of the relu", id))
            continue;
        args[i] = node_ew(r->g, OP_LE, r->to[relu], r->to[c->args[1]], NO_NODE);
    }
    if (n->op == OP_DOT) return simplify_dot(r->g, args[0], args[1], n->attr[0], n->attr[1]);
    if (n->op == OP_SUM) {
        NodeId whole = simplify_views_of_sum(r->old, r->uses, r->to, r->g, n);
        if (whole != NO_NODE) return whole;
        bool worth = r->uses[n->args[0]] == 1;
        const Node *sum = node_at(r->old, n->args[0]);
        for (uint32_t i = 0; i < sum->argc && worth; i++) worth = is_stored(r, sum->args[i]);
        return simplify_reduce_sum(r->g, args[0], n->attr, n->attrc, worth);
    }
    if (n->op == OP_GRADSUM) {
        bool *once = NEW_ARRAY(r->arena, bool, n->argc);
        for (uint32_t i = 0; i < n->argc; i++) {
            const Node *term = node_at(r->old, n->args[i]);
            once[i] =
                r->uses[n->args[i]] == 1 && (term->op != OP_SUM || is_stored(r, term->args[0]));
        }
        return simplify_gradsum(r->g, args, n->argc, once);
    }
    if (n->op == OP_STACK) return simplify_stack(r->g, args[0], args[1], r->uses[n->args[1]] == 1);
    return node_again(r->g, n, args);
}

/* The graph that replaces e's is made in `arena`. */
static void rebuild(Entry *e, Arena *arena) {
    const Graph old = e->graph;
    Graph g;
    Arena *scratch = arena_open(arena);
    uint32_t count = old.nodes.len;
    Rebuild r = {.old = &old, .g = &g, .arena = scratch, .need = graph_needed(e, scratch)};
    r.to = NEW_ARRAY(scratch, NodeId, count + 1);
    r.relu = NEW_ARRAY(scratch, NodeId, count + 1);
    r.place = NEW_ARRAY(scratch, int32_t, count + 1);
    r.uses = NEW_ARRAY(scratch, uint32_t, count + 1);
    for (NodeId id = 0; id < count; id++) {
        const Node *n = node_at(&old, id);
        for (uint32_t i = 0; i < n->argc && r.need[id]; i++) r.uses[n->args[i]]++;
    }
    find_relus(&old, r.need, r.relu);
    place_carries(&r);
    graph_init_like(&g, arena, &old);
    for (NodeId id = 0; id < count; id++) {
        const Node *n = node_at(&old, id);
        if (!r.need[id]) continue;
        g.span = n->span;
        r.to[id] = rebuild_node(&r, id);
        if (!node_at(&g, r.to[id])->name) node_at(&g, r.to[id])->name = n->name;
    }
    for (uint32_t i = 0; i < e->outputs.len; i++)
        e->outputs.at[i].node = r.to[e->outputs.at[i].node];
    for (uint32_t i = 0; i < e->updates.len; i++)
        e->updates.at[i].node = r.to[e->updates.at[i].node];
    e->derivatives.len = 0; /* they may be gone */
    e->graph = g;
    arena_close(scratch);
}

void simplify_program(Program *p) {
    for (uint32_t i = 0; i < p->entries.len; i++) {
        Arena *first = arena_open(p->arena);
        rebuild(p->entries.at[i], first);
        rebuild(p->entries.at[i], p->arena); /* what the first rewrite left without a use */
        arena_close(first);
    }
}

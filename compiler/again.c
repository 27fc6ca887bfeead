/* again: the graph of a region made once more, with clones of some values; see again.h. */
#include "again.h"

typedef struct Memo { /* of a node, for one reader or clone */
    uint32_t stamp;
    NodeId made;
} Memo;

typedef struct Rebuild {
    const Again *again;
    const Graph *old;
    Graph g;
    Arena *arena;
    NodeId *to;    /* of each old node: the new one, or NO_NODE */
    NodeId *clone; /* of each value: its clone, or NO_NODE */
    bool *reads_late;
    Memo *memo;
    uint32_t stamp;
} Rebuild;

static NodeId first_of(Rebuild *b, NodeId id);
static NodeId clone_of(Rebuild *b, uint32_t value);

static NodeId remake(Rebuild *b, NodeId id, NodeId *args, NodeId wait) {
    const Node *n = node_at(b->old, id);
    Node copy = *n;
    copy.args = args;
    b->g.span = n->span;
    b->g.wait = wait;
    NodeId made = node_make(&b->g, &copy);
    b->g.wait = 0;
    if (!node_at(&b->g, made)->name) node_at(&b->g, made)->name = n->name;
    return made;
}

static bool reads_late(const AgainValue *v, NodeId reader) {
    for (uint32_t i = 0; i < v->late.len; i++) {
        if (v->late.at[i] == reader) return true;
    }
    return false;
}

/* Operand `id` of what anchor `reader` is made of: where a late value is in it, a version of its own. */
static NodeId operand_for(Rebuild *b, NodeId id, NodeId reader, uint32_t stamp) {
    uint32_t v = b->again->value_of[id];
    if (v && reads_late(&b->again->values.at[v - 1], reader)) return clone_of(b, v - 1);
    const Node *n = node_at(b->old, id);
    if (b->again->anchor[id] || b->again->leaf[id] || n->argc == 0) return first_of(b, id);
    if (b->memo[id].stamp == stamp) return b->memo[id].made;
    NodeId *args = NEW_ARRAY(b->arena, NodeId, n->argc + 1);
    bool own = false;
    for (uint32_t i = 0; i < n->argc; i++) {
        args[i] = operand_for(b, n->args[i], reader, stamp);
        own = own || args[i] != b->to[n->args[i]];
    }
    NodeId made = own ? remake(b, id, args, 0) : first_of(b, id);
    b->memo[id] = (Memo){stamp, made};
    return made;
}

/* The node as it is computed first. */
static NodeId first_of(Rebuild *b, NodeId id) {
    if (b->to[id] != NO_NODE) return b->to[id];
    const Node *n = node_at(b->old, id);
    NodeId *args = NEW_ARRAY(b->arena, NodeId, n->argc + 1);
    uint32_t stamp = b->reads_late[id] ? ++b->stamp : 0;
    for (uint32_t i = 0; i < n->argc; i++)
        args[i] = stamp ? operand_for(b, n->args[i], id, stamp) : first_of(b, n->args[i]);
    return b->to[id] = remake(b, id, args, 0);
}

static NodeId clone_node(Rebuild *b, NodeId id, NodeId wait, uint32_t stamp) {
    const Node *n = node_at(b->old, id);
    if (b->memo[id].stamp == stamp) return b->memo[id].made;
    NodeId *args = NEW_ARRAY(b->arena, NodeId, n->argc + 1);
    for (uint32_t i = 0; i < n->argc; i++) {
        NodeId x = n->args[i];
        uint32_t v = b->again->value_of[x];
        args[i] = v                   ? clone_of(b, v - 1)
                  : b->again->leaf[x] ? first_of(b, x)
                                      : clone_node(b, x, wait, stamp);
    }
    NodeId made = remake(b, id, args, wait);
    b->memo[id] = (Memo){stamp, made};
    return made;
}

static NodeId clone_of(Rebuild *b, uint32_t value) {
    if (b->clone[value] != NO_NODE) return b->clone[value];
    const AgainValue *v = &b->again->values.at[value];
    NodeId wait = v->after == NO_NODE ? 0 : first_of(b, v->after) + 1;
    return b->clone[value] = clone_node(b, v->node, wait, ++b->stamp);
}

void again_build(Region *r, const Again *again, Arena *arena) {
    const Graph old = r->entry.graph;
    Rebuild b = {.again = again, .old = &old, .arena = arena};
    graph_init_part(&b.g, old.arena, &old);
    b.g.rewrites = old.rewrites;
    b.to = NEW_ARRAY(arena, NodeId, old.nodes.len + 1);
    b.clone = NEW_ARRAY(arena, NodeId, again->values.len + 1);
    b.reads_late = NEW_ARRAY(arena, bool, old.nodes.len + 1);
    b.memo = NEW_ARRAY(arena, Memo, old.nodes.len + 1);
    for (NodeId id = 0; id < old.nodes.len; id++) b.to[id] = NO_NODE;
    for (uint32_t v = 0; v < again->values.len; v++) {
        const NodeList *late = &again->values.at[v].late;
        b.clone[v] = NO_NODE;
        for (uint32_t i = 0; i < late->len; i++) b.reads_late[late->at[i]] = true;
    }
    for (NodeId id = 0; id < old.nodes.len; id++) first_of(&b, id);
    r->entry.graph = b.g;
    for (uint32_t i = 0; i < r->entry.outputs.len; i++)
        r->entry.outputs.at[i].node = b.to[r->entry.outputs.at[i].node];
    for (uint32_t i = 0; i < r->entry.updates.len; i++)
        r->entry.updates.at[i].node = b.to[r->entry.updates.at[i].node];
    for (uint32_t i = 0; i < r->pins.len; i++) r->pins.at[i].node = b.to[r->pins.at[i].node];
    for (uint32_t i = 0; i < r->captured_as.len; i++)
        r->captured_as.at[i] = b.to[r->captured_as.at[i]];
}

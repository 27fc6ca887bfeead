/* anchor: which nodes may be stored; all others are computed where they are used. See fuse.h.
 *
 * Anchors are what must lie in memory (results, reductions, copies, what a contraction reads), and what it
 * costs more to compute again than to read: used twice, or repeated along an axis. A reduction with one user is
 * kept after what follows it. The parts of a concat are made where the whole shall lie.
 *
 * Establishes: need, anchor, fixed and whole of the Fuser. */
#include "cost.h"
#include "fuser.h"

#define MAX_CONE   256 /* operators computed in place for one anchor */
#define MAX_READS  24  /* of one anchor */
#define MOST_STEPS 64  /* that are looked ahead for where two ways meet */
#define WIDE                                                                                       \
    3 /* reads that it costs to compute a value again: then one that is used twice is kept */

static bool computes(Op op) {
    return op_info[op].elementwise || op == OP_CAST || op == OP_GRADSUM || op == OP_CONCAT ||
           op == OP_TAKE || op == OP_PAD;
}

static NodeId base_of(const Graph *g, NodeId id) {
    for (;;) {
        Op op = (Op)node_at(g, id)->op;
        if (op != OP_STOP && (!is_view(op) || op == OP_PAD)) return id;
        id = node_at(g, id)->args[0];
    }
}

static void find_needed(Fuser *f) {
    const Entry *e = f->entry;
    for (uint32_t i = 0; i < e->outputs.len; i++)
        f->need[e->outputs.at[i].node] = f->anchor[e->outputs.at[i].node] =
            f->fixed[e->outputs.at[i].node] = true;
    for (uint32_t i = 0; i < e->updates.len; i++)
        f->need[e->updates.at[i].node] = f->anchor[e->updates.at[i].node] =
            f->fixed[e->updates.at[i].node] = true;
    for (NodeId id = f->g->nodes.len; id-- > 0;) {
        const Node *n = node_at(f->g, id);
        for (uint32_t i = 0; i < n->argc && f->need[id]; i++) f->need[n->args[i]] = true;
    }
}

/* A reduction with one user is computed together with what follows it, up to where its value forks or
 * changes its shape: that is what is kept. */
static void anchor_epilogues(Fuser *f, const uint32_t *uses, const NodeId *user) {
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        const Node *n = node_at(f->g, id);
        if (!f->need[id] || !is_reduction((Op)n->op)) continue;
        NodeId last = id;
        while (uses[last] == 1 && !(f->anchor[last] && last != id)) {
            const Node *next = node_at(f->g, user[last]);
            bool follows =
                op_info[next->op].elementwise || next->op == OP_CAST || next->op == OP_GRADSUM;
            if (!follows || !shape_equal(&next->shape, &n->shape)) break;
            last = user[last];
        }
        f->anchor[last] = true;
    }
}

/* Whether the one user of a value repeats it along an axis: then it would be computed as often. */
static bool repeats(const Fuser *f, NodeId id, const NodeId *user) {
    NodeId u = user[id];
    int64_t elems = shape_elems(&node_at(f->g, id)->shape);
    while (is_view((Op)node_at(f->g, u)->op) && node_at(f->g, u)->op != OP_EXPAND && user[u] > u)
        u = user[u];
    const Node *n = node_at(f->g, u);
    return n->op == OP_EXPAND && shape_elems(&n->shape) >= 4 * elems;
}

/* Whether the node is what a variable, or a copy, of a storage type counts as: a load makes it, at less than it costs to
 * read it from a copy of twice the size. */
static bool widens(const Graph *g, NodeId id) {
    const Node *n = node_at(g, id);
    if (n->op != OP_CAST || !dtype_is_storage((DType)node_at(g, n->args[0])->dtype)) return false;
    const Op base = (Op)node_at(g, base_of(g, n->args[0]))->op;
    return base == OP_VAR || base == OP_COPY;
}

/* Whether the parts of a concat can be made where the whole shall lie: they are anchors then, and the
 * whole is none. */
static bool can_be_parts(const Fuser *f, NodeId id) {
    const Node *n = node_at(f->g, id);
    double v;
    if (n->op != OP_CONCAT || f->options->apart || f->anchor[id]) return false;
    for (uint32_t i = 0; i < n->argc; i++) {
        NodeId x = n->args[i];
        Op op = (Op)node_at(f->g, x)->op;
        if (f->fixed[x] || (f->whole[x] != NO_NODE && f->whole[x] != id)) return false;
        for (uint32_t k = 0; k < i; k++) {
            if (n->args[k] == x) return false;
        }
        bool made = (computes(op) && op != OP_PAD && !node_uniform(f->g, x, &v)) ||
                    is_reduction(op) || op == OP_COPY;
        if (!made && op != OP_CONCAT) return false;
        if (op == OP_CONCAT && !can_be_parts(f, x)) return false;
    }
    return true;
}

static void take_parts(Fuser *f, NodeId id) {
    const Node *n = node_at(f->g, id);
    for (uint32_t i = 0; i < n->argc; i++) {
        f->whole[n->args[i]] = id;
        if (node_at(f->g, n->args[i])->op == OP_CONCAT)
            take_parts(f, n->args[i]);
        else
            f->anchor[n->args[i]] = true;
    }
}

static bool make_in_place(Fuser *f, NodeId id) {
    const Node *n = node_at(f->g, id);
    if (n->op != OP_CONCAT) return false;
    if (f->whole[n->args[0]] == id) return true;
    if (!can_be_parts(f, id)) return false;
    if (!graph_rewrites(f->g, "a concat's parts are made in place", id)) return false;
    take_parts(f, id);
    return true;
}

bool fuse_is_costly(const Fuser *f, NodeId id, int reads) {
    NodeId open[COSTLY * 4], seen[COSTLY * 4];
    uint32_t count = 0, found = 0;
    int cost = 0, wide = 0;
    int64_t elems = shape_elems(&node_at(f->g, id)->shape);
    open[count++] = id;
    while (count && cost < COSTLY && wide < reads) {
        NodeId x = open[--count];
        const Node *n = node_at(f->g, x);
        uint32_t k = 0;
        while (k < found && seen[k] != x) k++;
        if (k < found || 4 * shape_elems(&n->shape) <= elems) continue;
        if (found == COUNT_OF(seen) || count + n->argc > COUNT_OF(open)) return true;
        seen[found++] = x;
        bool whole = n->op == OP_CONCAT && f->whole[n->args[0]] == x;
        if (n->op == OP_VAR || (x != id && f->anchor[x]) || whole) {
            wide++;
            continue;
        }
        cost += is_view((Op)n->op) ? 0 : op_info[n->op].cost;
        for (uint32_t i = 0; i < n->argc; i++) open[count++] = n->args[i];
    }
    return cost >= COSTLY || wide >= reads;
}

/* Whether the value of x, at a place, is what its user needs there. */
static bool same_place(const Graph *g, const Node *user, NodeId x) {
    Op op = (Op)user->op;
    return op_info[op].elementwise || op == OP_CAST || op == OP_GRADSUM
               ? shape_equal(&user->shape, &node_at(g, x)->shape)
               : op == OP_SUM || op == OP_RMAX || op == OP_ARGMAX;
}

static NodeId meeting(const Graph *g, const NodeId *meet, NodeId a, NodeId b) {
    for (int step = 0; a != b; step++) {
        NodeId *nearer = a < b ? &a : &b;
        if (a == NO_NODE || b == NO_NODE || step == MOST_STEPS) return NO_NODE;
        *nearer = is_reduction((Op)node_at(g, *nearer)->op) ? NO_NODE : meet[*nearer];
    }
    return a;
}

/* Of each node: the first one that all ways from it come to, where each step is at the same place; NO_NODE: there is
 * none. However often a value is used on its way there, it is made once. */
static NodeId *find_meetings(const Fuser *f) {
    const Graph *g = f->g;
    NodeId *meet = NEW_ARRAY(f->arena, NodeId, g->nodes.len + 1);
    bool *used = NEW_ARRAY(f->arena, bool, g->nodes.len + 1);
    for (NodeId id = g->nodes.len; id-- > 0;) {
        const Node *n = node_at(g, id);
        if (!used[id] || f->anchor[id]) meet[id] = NO_NODE; /* an entry gives it, too */
        for (uint32_t i = 0; i < n->argc && f->need[id]; i++) {
            NodeId x = n->args[i], to = same_place(g, n, x) ? id : NO_NODE;
            meet[x] = used[x] ? meeting(g, meet, meet[x], to) : to;
            used[x] = true;
        }
    }
    return meet;
}

static void choose_anchors(Fuser *f) {
    const Graph *g = f->g;
    uint32_t n_nodes = g->nodes.len;
    const NodeId *meet = find_meetings(f);
    uint32_t *uses = NEW_ARRAY(f->arena, uint32_t, n_nodes + 1);
    NodeId *user = NEW_ARRAY(f->arena, NodeId, n_nodes + 1); /* the last one */
    uint32_t *cone = NEW_ARRAY(f->arena, uint32_t, n_nodes + 1);
    uint32_t *leaves = NEW_ARRAY(f->arena, uint32_t, n_nodes + 1);
    double v;
    for (NodeId id = 0; id < n_nodes; id++) {
        const Node *n = node_at(g, id);
        /* What a loop reads lies in memory before it runs. */
        for (uint32_t i = 0; i < n->argc && f->need[id] && n->op == OP_SCAN; i++) {
            f->fixed[n->args[i]] = true;
            if (node_at(g, n->args[i])->op != OP_VAR) f->anchor[n->args[i]] = true;
        }
    }
    for (NodeId id = 0; id < n_nodes; id++) {
        const Node *n = node_at(g, id);
        for (uint32_t i = 0; i < n->argc && f->need[id]; i++) {
            /* Both operands of one operator: x * x needs x once. */
            bool again = op_info[n->op].elementwise && i > 0 && n->args[i] == n->args[0];
            uses[n->args[i]] += !again;
            user[n->args[i]] = id;
            NodeId base = base_of(g, n->args[i]);
            /* A contraction reads each element many times: compute it once. */
            if (n->op == OP_DOT && computes((Op)node_at(g, base)->op) &&
                !node_uniform(g, base, &v) && !widens(g, base) && !make_in_place(f, base))
                f->anchor[base] = true;
            if (n->op == OP_SUM) make_in_place(f, base);
        }
    }
    for (uint32_t i = 0; i < f->entry->outputs.len; i++) uses[f->entry->outputs.at[i].node] += 2;
    if (!f->options->apart) anchor_epilogues(f, uses, user);
    for (NodeId id = 0; id < n_nodes; id++) {
        const Node *n = node_at(g, id);
        if (!f->need[id]) continue;
        if (is_reduction((Op)n->op) || n->op == OP_COPY) f->anchor[id] = true;
        if (fuse_of_loop((Op)n->op)) {
            f->anchor[id] = true;
            continue;
        }
        if (n->op == OP_VAR || n->op == OP_CONST || n->op == OP_LITERAL || n->op == OP_IOTA ||
            n->op == OP_ITERATION || node_uniform(g, id, &v)) {
            leaves[id] = n->op == OP_VAR;
            continue;
        }
        if (n->op == OP_CONCAT && f->whole[n->args[0]] == id) { /* is read where it lies */
            leaves[id] = 1;
            continue;
        }
        cone[id] = 1;
        for (uint32_t i = 0; i < n->argc; i++) {
            NodeId x = n->args[i];
            cone[id] += f->anchor[x] ? 0 : cone[x];
            leaves[id] += f->anchor[x] ? 1 : leaves[x];
        }
        bool forks = uses[id] >= 2 && meet[id] == NO_NODE;
        bool keep =
            computes((Op)n->op) && (forks || repeats(f, id, user)) && fuse_is_costly(f, id, WIDE);
        if (computes((Op)n->op) && (f->options->apart || keep)) f->anchor[id] = true;
        if (cone[id] > MAX_CONE || leaves[id] > MAX_READS) {
            /* Too much for one kernel: keep what it is made of. */
            for (uint32_t i = 0; i < n->argc; i++) {
                NodeId base = base_of(g, n->args[i]);
                const Node *b = node_at(g, base);
                bool whole = b->op == OP_CONCAT && f->whole[b->args[0]] == base;
                if (computes((Op)b->op) && !node_uniform(g, base, &v) && !whole)
                    f->anchor[base] = true;
            }
            cone[id] = 1 + n->argc;
            leaves[id] = n->argc;
        }
    }
}

void fuse_anchors(Fuser *f) {
    find_needed(f);
    choose_anchors(f);
}

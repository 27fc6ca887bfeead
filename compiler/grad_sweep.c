/* grad_sweep: one reverse sweep over the nodes that both depend on a wanted variable and reach y. A
 * gradient that does not exist is absent (NO_NODE), not zero. Where a node is used more than once its
 * contributions meet in one GRADSUM, in the order of the uses.
 *
 * A closed loop of the graph is one step of the sweep, taken at its SCAN, when the gradients of all that
 * leads out of it are known. Its gradient is a loop of as many iterations that goes backwards: it carries
 * the gradients of the carried values, and reads what the forward loop knew from stacks of it. What a node
 * outside gets of the iterations leaves the backward loop as a stack where the node was read by the
 * iteration (AT), as one contraction or sum over all iterations where it can, and else is added up in a
 * carry.
 *
 * Requires: y is f32 of rank 0. Source: Griewank & Walther, Evaluating Derivatives, 2008, chapter 3. */
#include "grad.h"

#define CHEAP 10 /* operators that cost less are computed again rather than kept */

typedef VEC(NodeId) NodeIds;

typedef struct Leaving { /* a contribution to a node outside of the loop, by one iteration */
    NodeId node, part;
    const Node *at; /* the AT through which the node was read, or NULL */
} Leaving;

typedef struct Backward { /* a loop at work */
    struct Backward *outer;
    uint32_t loop, back; /* the forward loop, the backward one */
    NodeId scan;
    int32_t trips;
    NodeId *mapped; /* of each node inside, by place: what it is in the backward loop */
    VEC(Leaving) leaving;
} Backward;

typedef struct Sweep {
    Graph *G;
    Arena *arena;   /* for the sweep alone: nodes copy their lists */
    uint32_t count; /* of nodes: up to y */
    uint32_t home;  /* the loop that y stands in; it is open, as those around it are */
    bool any;       /* not through floats alone */
    bool *depends;
    NodeIds *parts; /* of each node: its contributions */
    NodeId *grad;
    NodeIds *inside;   /* of each loop: its nodes, ascending */
    uint32_t *place;   /* of each node, in inside */
    bool *closed;      /* of each loop */
    NodeIds *leading;  /* of each loop: its FINALs and STACKs */
    uint32_t *reached; /* of each node: the loop that marked it last, in find_reached */
    uint32_t *sum_at;  /* of each node: its sum in add_up + 1; 0 outside of that */
    bool failed;       /* something to keep would be too large */
} Sweep;

/* ---- What depends on the wanted nodes -------------------------------------------------------- */

static bool node_depends(const Sweep *s, const Node *n) {
    if (!s->any && !dtype_is_float((DType)n->dtype)) return false;
    if (n->op == OP_CARRY && !s->closed[n->attr[0]]) return false;
    if (n->op == OP_FINAL) return s->depends[node_at(s->G, n->args[0])->args[n->attr[0]]];
    if (n->op == OP_STACK) return s->depends[n->args[1]];
    for (uint32_t i = 0; i < n->argc; i++) {
        if (s->depends[n->args[i]]) return true;
    }
    return false;
}

/* What is carried depends on what it will be: until nothing changes. */
static void find_depends(Sweep *s) {
    for (bool changed = true; changed;) {
        changed = false;
        for (NodeId id = 0; id < s->count; id++) {
            const Node *n = node_at(s->G, id);
            s->depends[id] = s->depends[id] || node_depends(s, n);
            for (uint32_t k = 0; n->op == OP_SCAN && k < n->argc / 2; k++) {
                NodeId carry = n->args[k], next = n->args[n->argc / 2 + k];
                if (!s->depends[next] || s->depends[carry]) continue;
                s->depends[carry] = changed = true;
            }
        }
    }
}

/* ---- Forward values in a backward loop ------------------------------------------------------- */

static NodeId map_node(Sweep *s, Backward *b, NodeId id);

/* The stack of a forward value over all iterations, or NO_NODE (and the sweep has failed). */
static NodeId stack_of(Sweep *s, NodeId scan, NodeId x) {
    const Node *n = node_at(s->G, x);
    int64_t elems = shape_elems(&n->shape),
            trips = s->G->loops.at[node_at(s->G, scan)->attr[0]].trips;
    if (n->shape.rank < MAX_RANK && elems * trips <= MAX_ELEMS) return node_stack(s->G, scan, x);
    s->failed = true;
    return NO_NODE;
}

/* The loop that stands for `loop` where b is at work. */
static const Backward *backward_of(const Backward *b, uint32_t loop) {
    while (b && b->loop != loop) b = b->outer;
    return b;
}

static NodeId kept(Sweep *s, Backward *b, NodeId id) {
    NodeId stack = stack_of(s, b->scan, id);
    if (stack == NO_NODE) { /* the sweep has failed: anything of this kind will do */
        const Shape shape = node_at(s->G, id)->shape;
        return node_full(s->G, (DType)node_at(s->G, id)->dtype, 0, &shape);
    }
    return node_at_iteration(s->G, map_node(s, b->outer, stack), b->back, -1, b->trips - 1);
}

static NodeId map_inside(Sweep *s, Backward *b, NodeId id) {
    Graph *G = s->G;
    const Node n = *node_at(G, id);
    bool again = op_info[n.op].elementwise ? op_info[n.op].cost < CHEAP : false;
    switch (n.op) {
    case OP_ITERATION: {
        NodeId last = node_const(G, DT_I32, b->trips - 1);
        return node_ew(G, OP_SUB, last, node_iteration(G, b->back), NO_NODE);
    }
    case OP_AT: {
        const Backward *of = backward_of(b, (uint32_t)n.attr[0]);
        NodeId x = map_node(s, b, n.args[0]);
        if (!of) return node_at_iteration(G, x, (uint32_t)n.attr[0], n.attr[1], n.attr[2]);
        return node_at_iteration(G, x, of->back, -n.attr[1],
                                 n.attr[2] + n.attr[1] * (of->trips - 1));
    }
    case OP_RESHAPE:
    case OP_PERMUTE:
    case OP_EXPAND:
    case OP_SLICE:
    case OP_PAD:
    case OP_WINDOW:
    case OP_SKEW:
    case OP_CAST:
    case OP_NAMED:
    case OP_STOP: again = true; break;
    default: break;
    }
    if (!again) return kept(s, b, id);
    NodeId args[3] = {NO_NODE, NO_NODE, NO_NODE};
    for (uint32_t i = 0; i < n.argc; i++) args[i] = map_node(s, b, n.args[i]);
    return node_again(G, &n, args);
}

/* What the node is where b is at work; b NULL: itself. */
static NodeId map_node(Sweep *s, Backward *b, NodeId id) {
    const Node *n = node_at(s->G, id);
    while (b && n->loop != b->loop) b = b->outer;
    if (!b) return id;
    if (id >= s->count) return kept(s, b, id); /* a stack that was made for an inner loop */
    NodeId *known = &b->mapped[s->place[id]];
    if (*known == NO_NODE) *known = map_inside(s, b, id);
    return *known;
}

/* ---- Contributions --------------------------------------------------------------------------- */

/* A node gets `part`, which is a value where b is at work. */
static void add_part(Sweep *s, Backward *b, NodeId to, NodeId part, const Node *at) {
    const Node *n = node_at(s->G, to);
    if (part == NO_NODE || !s->depends[to] || !dtype_is_float((DType)n->dtype)) return;
    if (!b || n->loop == b->loop) {
        vec_push(s->arena, &s->parts[to], part);
        return;
    }
    Leaving l = {to, part, at};
    vec_push(s->arena, &b->leaving, l);
}

/* The gradient of a node: its contributions in the order of the program; they were met backwards. */
static NodeId sum_parts(Sweep *s, NodeId id) {
    NodeIds *p = &s->parts[id];
    if (p->len == 0) return NO_NODE;
    for (uint32_t i = 0, j = p->len - 1; i < j; i++, j--) {
        NodeId t = p->at[i];
        p->at[i] = p->at[j];
        p->at[j] = t;
    }
    return s->grad[id] = node_gradsum(s->G, p->at, p->len);
}

static NodeId zeros_like(Sweep *s, NodeId id) {
    const Node *n = node_at(s->G, id);
    const Shape shape = n->shape;
    return node_full(s->G, DT_F32, 0, &shape);
}

static void sweep_loop(Sweep *s, Backward *outer, NodeId scan);

/* Whether the rule of an operator reads more of the operands than their shapes. */
static bool reads_values(Op op) {
    switch (op) {
    case OP_RESHAPE:
    case OP_PERMUTE:
    case OP_EXPAND:
    case OP_SLICE:
    case OP_PAD:
    case OP_WINDOW:
    case OP_SKEW:
    case OP_CONCAT:
    case OP_AT:
    case OP_SUM:
    case OP_CAST:
    case OP_COPY:
    case OP_NAMED:
    case OP_STOP:
    case OP_GRADSUM: return false;
    default: return true;
    }
}

/* One node of the sweep. */
static void sweep_node(Sweep *s, Backward *b, NodeId id) {
    Graph *G = s->G;
    const Node node = *node_at(G, id);
    if (node.op == OP_SCAN) {
        sweep_loop(s, b, id);
        return;
    }
    if (!s->depends[id] || s->parts[id].len == 0) return;
    G->span = node.span;
    if (node.op == OP_CARRY && s->closed[node.attr[0]]) return; /* sweep_loop sums its parts */
    NodeId g = sum_parts(s, id);
    if (node.op == OP_FINAL || node.op == OP_STACK) return; /* sweep_loop reads s->grad */
    Node mapped = node;
    NodeId r = id;
    if (b && reads_values((Op)node.op)) {
        NodeId *args = NEW_ARRAY(s->arena, NodeId, node.argc + 1);
        for (uint32_t k = 0; k < node.argc; k++) args[k] = map_node(s, b, node.args[k]);
        mapped.args = args;
        if (op_info[node.op].elementwise || node.op == OP_RMAX) r = map_node(s, b, id);
    }
    if (node.op == OP_AT && b && node_at(G, node.args[0])->loop != b->loop &&
        (uint32_t)node.attr[0] == b->loop) {
        Node *at = NEW(s->arena, Node);
        *at = node;
        add_part(s, b, node.args[0], g, at);
        return;
    }
    if (node.op == OP_AT) {
        const Backward *of = backward_of(b, (uint32_t)node.attr[0]);
        mapped.attr = memcpy(NEW_ARRAY(s->arena, int32_t, 3), node.attr, 3 * sizeof(int32_t));
        if (of) {
            mapped.attr[0] = (int32_t)of->back;
            mapped.attr[1] = -node.attr[1];
            mapped.attr[2] = node.attr[2] + node.attr[1] * (of->trips - 1);
        }
    }
    for (uint32_t k = node.argc; k-- > 0;) {
        NodeId x = node.args[k];
        if (!s->depends[x] || !dtype_is_float((DType)node_at(G, x)->dtype)) continue;
        add_part(s, b, x, grad_operand(G, &mapped, r, g, k), NULL);
    }
}

/* ---- What leaves a backward loop -------------------------------------------------------------- */

/* The contributions of all iterations to the rows of a node that each read one of: a stack, put in place. */
static NodeId leave_rows(Sweep *s, const Backward *b, NodeId scan, const Leaving *l) {
    Graph *G = s->G;
    const Shape in = node_at(G, l->node)->shape;
    int32_t scale = l->at->attr[1], first = l->at->attr[2], last = first + scale * (b->trips - 1);
    int32_t start[MAX_RANK] = {b->trips - 1}, stride[MAX_RANK] = {-1};
    int32_t before[MAX_RANK] = {0}, after[MAX_RANK] = {0}, between[MAX_RANK] = {0};
    NodeId rows = stack_of(s, scan, l->part); /* from the last iteration to the first */
    if (rows == NO_NODE) return NO_NODE;
    for (int i = 1; i < in.rank; i++) stride[i] = 1;
    if (scale > 0) {
        const Shape count = node_at(G, rows)->shape;
        rows = node_slice(G, rows, start, count.dim, stride);
    }
    before[0] = scale > 0 ? first : last;
    after[0] = in.dim[0] - 1 - (scale > 0 ? last : first);
    between[0] = (scale > 0 ? scale : -scale) - 1;
    return node_pad(G, rows, before, after, between, 0);
}

static bool fits_stack(const Sweep *s, const Backward *b, NodeId x, int64_t most) {
    const Node *n = node_at(s->G, x);
    int64_t elems = shape_elems(&n->shape);
    return n->shape.rank < MAX_RANK && elems <= most && elems * b->trips <= MAX_ELEMS;
}

/* x of every iteration [trips, a..., k...] -> [a..., trips, k...]. */
static NodeId stack_before(Sweep *s, NodeId scan, NodeId x, int k) {
    NodeId stack = stack_of(s, scan, x);
    int rank = node_at(s->G, stack)->shape.rank, at = 0;
    int32_t axes[MAX_RANK];
    for (int i = 1; i < rank - k; i++) axes[at++] = i;
    axes[at++] = 0;
    for (int i = rank - k; i < rank; i++) axes[at++] = i;
    return node_permute(s->G, stack, axes);
}

/* Whether the sum of `part` over all iterations can be one operation outside of the loop: where it is the
 * same in each; where it is a contraction or sum, over the stacks of its operands, of which none may be
 * larger than what the forward loop computes. */
static bool can_leave(const Sweep *s, const Backward *b, NodeId part, int64_t most) {
    const Node *n = node_at(s->G, part);
    if (n->loop != b->back) return true;
    switch (n->op) {
    case OP_PERMUTE:
    case OP_RESHAPE: return can_leave(s, b, n->args[0], most);
    case OP_SUM: return fits_stack(s, b, n->args[0], most);
    case OP_SCATTER:
        return fits_stack(s, b, n->args[0], most) && fits_stack(s, b, n->args[1], most);
    case OP_DOT:
        return n->attr[0] == 0 && fits_stack(s, b, n->args[0], most) &&
               fits_stack(s, b, n->args[1], most);
    default: return false;
    }
}

static NodeId leave_whole(Sweep *s, const Backward *b, NodeId scan, NodeId part) {
    Graph *G = s->G;
    const Node n = *node_at(G, part);
    const Shape shape = n.shape;
    if (n.loop != b->back)
        return node_ew(G, OP_MUL, part, node_full(G, DT_F32, b->trips, &shape), NO_NODE);
    if (n.op == OP_PERMUTE || n.op == OP_RESHAPE) {
        NodeId x = leave_whole(s, b, scan, n.args[0]);
        if (n.op == OP_RESHAPE) return node_reshape(G, x, &shape);
        return node_permute(G, x, n.attr);
    }
    if (n.op == OP_SUM) {
        int32_t axes[MAX_RANK] = {0};
        for (uint32_t i = 0; i < n.attrc; i++) axes[i + 1] = n.attr[i] + 1;
        return node_reduce(G, OP_SUM, stack_of(s, scan, n.args[0]), axes, n.attrc + 1);
    }
    if (n.op == OP_SCATTER)
        return node_scatter(G, stack_of(s, scan, n.args[0]), stack_of(s, scan, n.args[1]),
                            shape.dim[0]);
    NodeId x[2]; /* DOT */
    bool each[2];
    for (int i = 0; i < 2; i++) each[i] = node_at(G, n.args[i])->loop == b->back;
    for (int i = 0; i < 2; i++) {
        x[i] = n.args[i];
        if (each[0] && each[1])
            x[i] = stack_before(s, scan, n.args[i], n.attr[1]);
        else if (each[i]) /* the other one is the same in every iteration */
            x[i] = node_reduce(G, OP_SUM, stack_of(s, scan, n.args[i]), &(int32_t){0}, 1);
    }
    return node_dot(G, x[0], x[1], 0, n.attr[1] + (each[0] && each[1]));
}

/* ---- A loop ------------------------------------------------------------------------------------ */

typedef struct Carries {     /* of the backward loop */
    NodeIds carry, next, to; /* to: the node outside that the last value is a contribution to */
} Carries;

static void carry_back(Sweep *s, Backward *b, Carries *c, NodeId initial, NodeId to) {
    NodeId carry = node_carry(s->G, b->back, (int32_t)c->carry.len, initial);
    vec_push(s->arena, &c->carry, carry);
    vec_push(s->arena, &c->next, NO_NODE);
    vec_push(s->arena, &c->to, to);
}

/* The largest tensor that the forward loop computes. */
static int64_t largest_inside(const Sweep *s, uint32_t loop) {
    int64_t most = 1;
    for (uint32_t i = 0; i < s->inside[loop].len; i++) {
        int64_t elems = shape_elems(&node_at(s->G, s->inside[loop].at[i])->shape);
        if (elems > most) most = elems;
    }
    return most;
}

/* Contributions that neither rows nor one contraction can take out are added up in carries, node by node
 * as they were met. */
static void add_up(Sweep *s, Backward *b, Carries *c, const bool *whole) {
    Graph *G = s->G;
    VEC(NodeIds) sums = {0};
    NodeIds to = {0};
    for (uint32_t i = 0; i < b->leaving.len; i++) {
        const Leaving *l = &b->leaving.at[i];
        if (l->at || whole[i]) continue;
        if (!s->sum_at[l->node]) {
            vec_push(s->arena, &sums, (NodeIds){0});
            vec_push(s->arena, &to, l->node);
            s->sum_at[l->node] = sums.len;
        }
        vec_push(s->arena, &sums.at[s->sum_at[l->node] - 1], l->part);
    }
    for (uint32_t i = 0; i < sums.len; i++) {
        uint32_t at = c->carry.len;
        s->sum_at[to.at[i]] = 0;
        carry_back(s, b, c, zeros_like(s, to.at[i]), to.at[i]);
        NodeId sum = node_gradsum(G, sums.at[i].at, sums.at[i].len);
        c->next.at[at] = node_ew(G, OP_ADD, c->carry.at[at], sum, NO_NODE);
    }
}

/* Marks what the nodes of `open` are made of in the loop, through all iterations: a carried value that
 * nothing with a gradient is made of has none. */
static void find_reached(Sweep *s, const Node *scan, NodeIds *open) {
    Graph *G = s->G;
    uint32_t loop = (uint32_t)scan->attr[0];
    while (open->len) {
        NodeId id = open->at[--open->len];
        const Node *n = node_at(G, id);
        if (s->reached[id] == loop || G->loops.at[n->loop].depth < G->loops.at[loop].depth)
            continue;
        s->reached[id] = loop;
        if (n->op == OP_CARRY && (uint32_t)n->attr[0] == loop)
            vec_push(s->arena, open, scan->args[scan->argc / 2 + (uint32_t)n->attr[1]]);
        for (uint32_t i = 0; i < n->argc; i++) vec_push(s->arena, open, n->args[i]);
    }
}

static void sweep_loop(Sweep *s, Backward *outer, NodeId scan) {
    Graph *G = s->G;
    const Node n = *node_at(G, scan);
    uint32_t loop = (uint32_t)n.attr[0], carries = n.argc / 2;
    const NodeIds *inside = &s->inside[loop];
    NodeId *final = NEW_ARRAY(s->arena, NodeId, carries + 1);
    NodeIds stacks = {0}, seeds = {0};
    bool any = false;
    for (uint32_t k = 0; k < carries; k++) final[k] = NO_NODE;
    for (uint32_t i = 0; i < s->leading[loop].len; i++) {
        NodeId id = s->leading[loop].at[i];
        const Node *p = node_at(G, id);
        if (s->grad[id] == NO_NODE) continue;
        any = true;
        if (p->op == OP_FINAL)
            final[p->attr[0]] = s->grad[id];
        else
            vec_push(s->arena, &stacks, id);
        vec_push(s->arena, &seeds,
                 p->op == OP_FINAL ? n.args[carries + (uint32_t)p->attr[0]] : p->args[1]);
    }
    if (!any) return;
    find_reached(s, &n, &seeds);
    G->span = n.span;
    Backward b = {.outer = outer, .loop = loop, .scan = scan, .trips = G->loops.at[loop].trips};
    b.back = graph_loop(G, b.trips, outer ? outer->back : s->home);
    b.mapped = NEW_ARRAY(s->arena, NodeId, inside->len + 1);
    for (uint32_t i = 0; i < inside->len; i++) b.mapped[i] = NO_NODE;

    Carries c = {0};
    uint32_t *which =
        NEW_ARRAY(s->arena, uint32_t, carries + 1); /* 1 + the backward carry; 0: none */
    for (uint32_t k = 0; k < carries; k++) {
        NodeId carry = n.args[k];
        if (!s->depends[carry] || (final[k] == NO_NODE && s->reached[carry] != loop)) continue;
        carry_back(s, &b, &c, final[k] == NO_NODE ? zeros_like(s, carry) : final[k],
                   node_at(G, carry)->args[0]);
        which[k] = c.carry.len;
        add_part(s, &b, n.args[carries + k], c.carry.at[which[k] - 1], NULL);
    }
    for (uint32_t i = 0; i < stacks.len; i++) {
        NodeId g = node_at_iteration(G, s->grad[stacks.at[i]], b.back, -1, b.trips - 1);
        add_part(s, &b, node_at(G, stacks.at[i])->args[1], g, NULL);
    }
    for (uint32_t i = inside->len; i-- > 0;) sweep_node(s, &b, inside->at[i]);
    for (uint32_t k = 0; k < carries; k++) {
        if (!which[k]) continue;
        NodeId g = sum_parts(s, n.args[k]);
        c.next.at[which[k] - 1] = g == NO_NODE ? zeros_like(s, n.args[k]) : g;
    }

    G->span = n.span;
    int64_t most = largest_inside(s, loop);
    bool *whole = NEW_ARRAY(s->arena, bool, b.leaving.len + 1);
    for (uint32_t i = 0; i < b.leaving.len; i++)
        whole[i] = !b.leaving.at[i].at && can_leave(s, &b, b.leaving.at[i].part, most);
    add_up(s, &b, &c, whole);
    NodeId back = node_scan(G, b.back, c.carry.at, c.next.at, c.carry.len);
    for (uint32_t i = 0; i < b.leaving.len; i++) {
        const Leaving *l = &b.leaving.at[i];
        if (l->at) add_part(s, outer, l->node, leave_rows(s, &b, back, l), NULL);
        if (whole[i]) add_part(s, outer, l->node, leave_whole(s, &b, back, l->part), NULL);
    }
    for (uint32_t k = 0; k < c.carry.len; k++)
        add_part(s, outer, c.to.at[k], node_final(G, back, (int32_t)k), NULL);
}

/* ---- The whole sweep --------------------------------------------------------------------------- */

bool grad_build(Graph *G, NodeId y, const NodeId *wrt, uint32_t n, NodeId *out) {
    Sweep s = {.G = G, .arena = arena_open(G->arena), .count = y + 1, .home = node_at(G, y)->loop};
    s.depends = NEW_ARRAY(s.arena, bool, s.count);
    s.parts = NEW_ARRAY(s.arena, NodeIds, s.count);
    s.grad = NEW_ARRAY(s.arena, NodeId, s.count);
    s.place = NEW_ARRAY(s.arena, uint32_t, s.count);
    s.inside = NEW_ARRAY(s.arena, NodeIds, G->loops.len);
    s.closed = NEW_ARRAY(s.arena, bool, G->loops.len);
    s.leading = NEW_ARRAY(s.arena, NodeIds, G->loops.len);
    s.reached = NEW_ARRAY(s.arena, uint32_t, s.count);
    s.sum_at = NEW_ARRAY(s.arena, uint32_t, s.count);
    Span span = G->span;

    for (NodeId id = 0; id < s.count; id++) {
        const Node *node = node_at(G, id);
        s.grad[id] = NO_NODE;
        s.place[id] = s.inside[node->loop].len;
        vec_push(s.arena, &s.inside[node->loop], id);
        if (node->op == OP_SCAN) s.closed[node->attr[0]] = true;
        if (node->op == OP_FINAL || node->op == OP_STACK)
            vec_push(s.arena, &s.leading[node_at(G, node->args[0])->attr[0]], id);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (wrt[i] < s.count) s.depends[wrt[i]] = true;
    }
    find_depends(&s);
    if (s.depends[y]) {
        NodeId one = node_full(G, DT_F32, 1, &node_at(G, y)->shape);
        vec_push(s.arena, &s.parts[y], one);
    }
    for (NodeId id = s.count; id-- > 0;) {
        if (!s.closed[node_at(G, id)->loop]) sweep_node(&s, NULL, id);
    }
    for (uint32_t i = 0; i < n; i++) out[i] = wrt[i] < s.count ? s.grad[wrt[i]] : NO_NODE;
    G->span = span;
    arena_close(s.arena);
    return !s.failed;
}

NodeId grad_barrier(Graph *G, NodeId y, const NodeId *wrt, uint32_t n) {
    Sweep s = {.G = G, .arena = arena_open(G->arena), .count = y + 1, .any = true};
    bool *on_way = NEW_ARRAY(s.arena, bool, s.count); /* from y, through what passes gradients */
    NodeId found = NO_NODE;
    s.depends = NEW_ARRAY(s.arena, bool, s.count);
    s.closed = NEW_ARRAY(s.arena, bool, G->loops.len);
    for (NodeId id = 0; id < s.count; id++) {
        const Node *node = node_at(G, id);
        if (node->op == OP_SCAN) s.closed[node->attr[0]] = true;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (wrt[i] < s.count) s.depends[wrt[i]] = true;
    }
    find_depends(&s);
    on_way[y] = true;
    for (NodeId id = s.count; id-- > 0 && found == NO_NODE;) {
        const Node *node = node_at(G, id);
        bool is_float = dtype_is_float((DType)node->dtype);
        /* What leads out of a loop leads to all that it carries. */
        bool loop = node->op == OP_SCAN || node->op == OP_FINAL || node->op == OP_STACK;
        for (uint32_t k = 0; on_way[id] && k < node->argc; k++) {
            NodeId x = node->args[k];
            bool from_float = dtype_is_float((DType)node_at(G, x)->dtype);
            if (loop || !from_float || (is_float && grad_passes((Op)node->op, k)))
                on_way[x] = true;
            else if (s.depends[x])
                found = id;
        }
    }
    arena_close(s.arena);
    return found;
}

/* region: cutting a graph with loops; see region.h.
 *
 * Requires: a verified graph after layout. Establishes: each region's graph has what the program needs of
 * it, with no operand of another region. */
#include "region.h"

#include "access.h"

/* ---- The flat graph ------------------------------------------------------------------------ */

static void find_needed(Flat *f) {
    const Entry *e = f->entry;
    for (uint32_t i = 0; i < e->outputs.len; i++) f->need[e->outputs.at[i].node] = true;
    for (uint32_t i = 0; i < e->updates.len; i++) f->need[e->updates.at[i].node] = true;
    for (NodeId id = f->g->nodes.len; id-- > 0;) {
        const Node *n = node_at(f->g, id);
        for (uint32_t i = 0; i < n->argc && f->need[id]; i++) f->need[n->args[i]] = true;
    }
}

/* Whether a node is made again in a region that reads it from outside. */
static bool made_again(const Graph *g, NodeId id) {
    double v;
    Op op = (Op)node_at(g, id)->op;
    return op == OP_CONST || op == OP_LITERAL || op == OP_IOTA || op == OP_ITERATION ||
           op == OP_STOP || (is_view(op) && op != OP_PAD) || node_uniform(g, id, &v);
}

/* What lies in memory when a region inside reads node `id`; NO_NODE: nothing. */
static NodeId stored_base(const Graph *g, NodeId id) {
    while (made_again(g, id)) {
        const Node *n = node_at(g, id);
        if (n->argc == 0) return NO_NODE;
        id = n->args[0];
    }
    return id;
}

typedef struct Capturing {
    Flat *f;
    uint32_t *seen; /* of each node: the last loop that was found to read it */
    uint32_t loop;
} Capturing;

static void capture(Capturing *c, NodeId id) {
    const Graph *g = c->f->g;
    NodeId base = stored_base(g, id);
    if (base == NO_NODE || node_at(g, base)->loop == c->loop || c->seen[base] == c->loop) return;
    c->seen[base] = c->loop;
    vec_push(c->f->arena, &c->f->captures[c->loop], base);
}

/* What a loop reads from outside of itself, the loops in it included: these come first. */
static void find_captures(Flat *f) {
    const Graph *g = f->g;
    Capturing c = {.f = f, .seen = NEW_ARRAY(f->arena, uint32_t, g->nodes.len + 1)};
    uint32_t deepest = 0;
    for (uint32_t l = 1; l < g->loops.len; l++) {
        if (g->loops.at[l].depth > deepest) deepest = g->loops.at[l].depth;
    }
    for (uint32_t depth = deepest; depth > 0; depth--) {
        for (c.loop = 1; c.loop < g->loops.len; c.loop++) {
            NodeId scan = f->scan[c.loop];
            if (g->loops.at[c.loop].depth != depth || scan == NO_NODE) continue;
            const NodeList *inside = &f->inside[c.loop];
            for (uint32_t i = 0; i < inside->len; i++) {
                const Node *n = node_at(g, inside->at[i]);
                if (n->op == OP_FINAL || n->op == OP_STACK) continue;
                if (n->op == OP_SCAN) { /* the initial values, and what the inner loop reads */
                    const NodeList *more = &f->captures[n->attr[0]];
                    for (uint32_t k = 0; k < n->argc / 2; k++)
                        capture(&c, node_at(g, n->args[k])->args[0]);
                    for (uint32_t k = 0; k < more->len; k++) capture(&c, more->at[k]);
                    continue;
                }
                for (uint32_t k = 0; k < n->argc && n->op != OP_CARRY; k++) capture(&c, n->args[k]);
            }
            const Node *n = node_at(g, scan);
            for (uint32_t k = n->argc / 2; k < n->argc; k++) capture(&c, n->args[k]);
        }
    }
}

void flat_init(Flat *f, const Entry *e, Memory *m, Arena *arena) {
    const Graph *g = &e->graph;
    *f = (Flat){.entry = e, .g = g, .arena = arena, .memory = m};
    f->need = NEW_ARRAY(arena, bool, g->nodes.len + 1);
    f->where = NEW_ARRAY(arena, Place, g->nodes.len + 1);
    f->inside = NEW_ARRAY(arena, NodeList, g->loops.len);
    f->captures = NEW_ARRAY(arena, NodeList, g->loops.len);
    f->stacks = NEW_ARRAY(arena, NodeList, g->loops.len);
    f->to = NEW_ARRAY(arena, NodeId, g->nodes.len + 1);
    f->scan = NEW_ARRAY(arena, NodeId, g->loops.len);
    f->holds = NEW_ARRAY(arena, bool, g->loops.len);
    find_needed(f);
    for (uint32_t l = 0; l < g->loops.len; l++) f->scan[l] = NO_NODE;
    for (NodeId id = 0; id < g->nodes.len; id++) {
        const Node *n = node_at(g, id);
        f->where[id] = (Place){.buffer = NO_BUFFER};
        f->to[id] = NO_NODE;
        if (!f->need[id]) continue;
        vec_push(arena, &f->inside[n->loop], id);
        if (n->op == OP_SCAN) {
            f->scan[n->attr[0]] = id;
            f->holds[n->loop] = true;
        }
        if (n->op == OP_STACK) vec_push(arena, &f->stacks[node_at(g, n->args[0])->attr[0]], id);
        if (n->op == OP_VAR) f->where[id] = (Place){.buffer = (uint32_t)n->attr[0]};
    }
    find_captures(f);
}

/* ---- Building a region --------------------------------------------------------------------- */

typedef struct Builder {
    Flat *f;
    Region *r;
    Graph *g; /* the region's */
} Builder;

/* The flat node `id` is `made` here. */
static NodeId set_here(Builder *b, NodeId id, NodeId made) {
    const char *name = node_at(b->f->g, id)->name;
    vec_push(b->f->arena, &b->f->made, id);
    if (!node_at(b->g, made)->name) node_at(b->g, made)->name = name;
    return b->f->to[id] = made;
}

/* A node that lies in memory since a region around this one has run. */
static NodeId leaf(Builder *b, NodeId id) {
    const Node *n = node_at(b->f->g, id);
    Place p = b->f->where[id];
    if (!p.loop) return node_var(b->g, p.buffer, (DType)n->dtype, &n->shape);
    Shape s = b->f->memory->buffers.at[p.buffer].shape; /* a slice of a stack */
    return node_at_iteration(b->g, node_var(b->g, p.buffer, (DType)n->dtype, &s), p.loop, 1, 0);
}

/* The node here for a flat one of this region, or of one around it. */
static NodeId here(Builder *b, NodeId id) {
    if (b->f->to[id] != NO_NODE) return b->f->to[id];
    const Node *n = node_at(b->f->g, id);
    if (!made_again(b->f->g, id)) return set_here(b, id, leaf(b, id));
    NodeId x = n->argc ? here(b, n->args[0]) : NO_NODE;
    return set_here(b, id, node_again(b->g, n, &x));
}

static void pin(Builder *b, NodeId node, Place place) {
    Pin p = {node, place};
    vec_push(b->f->arena, &b->r->pins, p);
}

/* A loop inside: its initial values, then what it reads. */
static NodeId build_scan(Builder *b, NodeId id) {
    Flat *f = b->f;
    const Node *n = node_at(f->g, id);
    uint32_t loop = (uint32_t)n->attr[0], carries = n->argc / 2;
    const NodeList *captures = &f->captures[loop];
    NodeId *args = NEW_ARRAY(f->arena, NodeId, carries + captures->len + 1);
    for (uint32_t k = 0; k < carries; k++) {
        NodeId carry = n->args[k], initial = here(b, node_at(f->g, carry)->args[0]);
        const Node *c = node_at(f->g, carry);
        Place place =
            memory_buffer(f->memory, c->name ? c->name : "carried", (DType)c->dtype, &c->shape);
        Node copy = {.op = OP_COPY,
                     .dtype = c->dtype,
                     .shape = c->shape,
                     .argc = 1,
                     .args = &initial,
                     .attrc = 2,
                     .attr = (int32_t[]){(int32_t)loop, (int32_t)k}};
        args[k] = node_make(b->g, &copy);
        f->where[carry] = place;
        pin(b, args[k], place);
    }
    for (uint32_t i = 0; i < captures->len; i++) {
        NodeId flat = captures->at[i], x = here(b, flat);
        Op op = (Op)node_at(b->g, x)->op;
        if (f->where[flat].buffer != NO_BUFFER) {
            x = stored_base(b->g, x); /* of a slice: its stack */
        } else {
            bool lies = op == OP_VAR || op == OP_FINAL || op == OP_STACK;
            if (!lies) x = layout_root(b->g, x);
            vec_push(f->arena, &b->r->captured, flat);
            vec_push(f->arena, &b->r->captured_as, x);
        }
        args[carries + i] = x;
    }
    Node whole = {.op = OP_SCAN,
                  .dtype = DT_I32,
                  .argc = carries + captures->len,
                  .args = args,
                  .attrc = 1,
                  .attr = (int32_t[]){(int32_t)loop}};
    return node_make(b->g, &whole);
}

/* FINAL and STACK: read from the carry's buffer, or the stack's. */
static NodeId build_projection(Builder *b, NodeId id) {
    Flat *f = b->f;
    const Node *n = node_at(f->g, id), *scan = node_at(f->g, n->args[0]);
    Node copy = *n;
    copy.args = &f->to[n->args[0]];
    copy.argc = copy.attrc = 1;
    copy.attr = (int32_t[]){(int32_t)id};
    NodeId made = node_make(b->g, &copy);
    const char *name = n->op == OP_STACK ? node_at(f->g, n->args[1])->name : n->name;
    f->where[id] = n->op == OP_FINAL ? f->where[scan->args[n->attr[0]]]
                                     : memory_buffer(f->memory, name ? name : "stack",
                                                     (DType)n->dtype, &n->shape);
    pin(b, made, f->where[id]);
    return made;
}

static void add_update(Builder *b, uint32_t buffer, NodeId node) {
    Update u = {buffer, node};
    vec_push(b->f->arena, &b->r->entry.updates, u);
}

/* What leaves the body of a loop: next values and stacked ones. */
static void loop_roots(Builder *b) {
    Flat *f = b->f;
    const Node *scan = node_at(f->g, f->scan[b->r->loop]);
    uint32_t carries = scan->argc / 2;
    for (uint32_t k = 0; k < carries; k++) {
        NodeId next = scan->args[carries + k];
        if (next != scan->args[k]) add_update(b, f->where[scan->args[k]].buffer, here(b, next));
    }
    const NodeList *stacks = &f->stacks[b->r->loop];
    b->r->outputs = NEW_ARRAY(f->arena, Place, stacks->len + 1);
    for (uint32_t i = 0; i < stacks->len; i++) {
        Output o = {NULL, here(b, node_at(f->g, stacks->at[i])->args[1])};
        vec_push(f->arena, &b->r->entry.outputs, o);
        b->r->outputs[i] = f->where[stacks->at[i]];
        b->r->outputs[i].loop = b->r->loop;
    }
}

static void top_roots(Builder *b, const Place *outputs) {
    const Entry *e = b->f->entry;
    b->r->outputs = NEW_ARRAY(b->f->arena, Place, e->outputs.len + 1);
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        Output o = {e->outputs.at[i].name, here(b, e->outputs.at[i].node)};
        vec_push(b->f->arena, &b->r->entry.outputs, o);
        b->r->outputs[i] = outputs[i];
    }
    for (uint32_t i = 0; i < e->updates.len; i++)
        add_update(b, e->updates.at[i].var, here(b, e->updates.at[i].node));
}

Region *region_build(Flat *f, uint32_t loop, Region *outer, const Place *outputs) {
    Region *r = NEW(f->arena, Region);
    Builder b = {.f = f, .r = r, .g = &r->entry.graph};
    r->loop = loop;
    r->outer = outer;
    r->first_buffer = f->memory->buffers.len;
    r->entry.name = f->entry->name;
    r->entry.variant = f->entry->variant;
    r->entry.span = f->entry->span;
    graph_init_part(b.g, f->arena, f->g);
    for (uint32_t i = 0; i < f->inside[loop].len; i++) {
        NodeId id = f->inside[loop].at[i];
        const Node *n = node_at(f->g, id);
        b.g->span = n->span;
        if (n->op == OP_CARRY) {
            set_here(&b, id, leaf(&b, id));
        } else if (n->op == OP_SCAN) {
            set_here(&b, id, build_scan(&b, id));
        } else if (n->op == OP_FINAL || n->op == OP_STACK) {
            set_here(&b, id, build_projection(&b, id));
        } else {
            NodeId *args = NEW_ARRAY(f->arena, NodeId, n->argc + 1);
            for (uint32_t k = 0; k < n->argc; k++) args[k] = here(&b, n->args[k]);
            set_here(&b, id, node_again(b.g, n, args));
        }
    }
    if (loop)
        loop_roots(&b);
    else
        top_roots(&b, outputs);
    while (f->made.len) f->to[f->made.at[--f->made.len]] = NO_NODE;
    return r;
}

uint32_t region_depth(const Region *r) {
    uint32_t depth = 0;
    for (; r->loop; r = r->outer) depth++;
    return depth;
}

void region_places(Flat *f, const Region *r) {
    for (uint32_t i = 0; i < r->captured.len; i++)
        f->where[r->captured.at[i]] = r->places[r->captured_as.at[i]];
}

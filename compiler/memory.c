/* memory: buffers and the arena. A buffer of the arena lives from the launch that writes it to the last
 * that reads it; the largest are placed first, each at the lowest place that is free all the while. The
 * time is the number of the launch in the walk over an entry, in which the body of a loop stands once.
 *
 * Source: greedy by size, as in Pisarchyk & Lee, Efficient Memory Management for DNN Inference, 2020. */
#include "memory.h"

#include "space.h"

#include <stdlib.h>

void memory_init(Memory *m, const Program *p, const Target *target, Arena *arena) {
    *m = (Memory){.program = p, .arena = arena, .target = target};
    names_init(&m->taken, arena);
    for (uint32_t i = 0; i < p->vars.len; i++) {
        const Variable *v = &p->vars.at[i];
        const char *name = v->variant ? arena_printf(arena, "%s@%s", v->name, v->variant) : v->name;
        Buffer b = {.kind = BUFFER_VAR,
                    .name = name,
                    .hint = v->name,
                    .dtype = v->dtype,
                    .shape = v->shape,
                    .var = i};
        names_str(&m->taken, name);
        vec_push(arena, &m->buffers, b);
    }
}

static bool take_name(Memory *m, const char *name) {
    uint32_t before = m->taken.count;
    names_str(&m->taken, name);
    return m->taken.count != before;
}

/* A free name: NAME, NAME@ENTRY, NAME.2@ENTRY, ... */
static const char *free_name(Memory *m, const char *name, const char *owner) {
    if (take_name(m, name)) return name;
    const char *base = names_str(&m->taken, arena_printf(m->arena, "%s@%s", name, owner));
    uint32_t at = 0;
    while (at < m->serials.len && m->serials.at[at].base != base) at++;
    if (at == m->serials.len) {
        NameSerial first = {base, 1};
        vec_push(m->arena, &m->serials, first);
        return base;
    }
    for (;;) {
        uint32_t n = ++m->serials.at[at].last;
        const char *s = arena_printf(m->arena, "%s.%u@%s", name, n, owner);
        if (take_name(m, s)) return s;
    }
}

/* The name under which the user knows what an entry makes: all of a variant's end in @1. */
static uint32_t output_buffer(Memory *m, const Entry *e, const Output *o) {
    const Node *n = node_at(&e->graph, o->node);
    const char *name = e->variant ? arena_printf(m->arena, "%s@%s", o->name, e->variant) : o->name;
    for (uint32_t i = 0; i < m->buffers.len; i++) {
        const Buffer *b = &m->buffers.at[i];
        if (b->kind == BUFFER_OUTPUT && !strcmp(b->name, name) && b->dtype == n->dtype &&
            shape_equal(&b->shape, &n->shape))
            return i;
    }
    const char *owner = e->variant ? arena_printf(m->arena, "%s@%s", e->name, e->variant) : e->name;
    if (!take_name(m, name)) {
        name = arena_printf(m->arena, "%s@%s", o->name, owner);
        take_name(m, name);
    }
    Buffer b = {.kind = BUFFER_OUTPUT,
                .name = name,
                .hint = o->name,
                .dtype = (DType)n->dtype,
                .shape = n->shape};
    vec_push(m->arena, &m->buffers, b);
    return m->buffers.len - 1;
}

/* ---- The arena ----------------------------------------------------------------------------- */

const char *memory_owner(Memory *m, const Entry *e) {
    return e->variant ? arena_printf(m->arena, "%s@%s", e->name, e->variant) : e->name;
}

void memory_open(Memory *m, const Entry *e, Place *outputs) {
    m->owner = memory_owner(m, e);
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        uint32_t b = output_buffer(m, e, &e->outputs.at[i]);
        outputs[i] = (Place){.buffer = b, .name = m->buffers.at[b].hint};
    }
    m->first_of_entry = m->buffers.len;
}

Place memory_buffer(Memory *m, const char *hint, DType t, const Shape *s) {
    Buffer b = {.kind = BUFFER_ARENA,
                .name = free_name(m, hint, m->owner),
                .hint = hint,
                .dtype = t,
                .shape = *s,
                .first = UINT32_MAX};
    vec_push(m->arena, &m->buffers, b);
    return (Place){.buffer = m->buffers.len - 1, .name = hint};
}

/* The last launch of the region that reads node `id`: its readers are the anchors whose clusters hold them. */
static uint32_t *find_last_reads(const Fused *f, Arena *arena) {
    const Graph *g = f->g;
    uint32_t *last = NEW_ARRAY(arena, uint32_t, g->nodes.len + 1);
    /* when[id]: the latest launch in which the value of id is computed or loaded. */
    uint32_t *when = NEW_ARRAY(arena, uint32_t, g->nodes.len + 1);
    for (NodeId id = g->nodes.len; id-- > 0;) {
        const Node *n = node_at(g, id);
        uint32_t c = f->cluster_of[id];
        uint32_t here = c != NO_CLUSTER ? f->clusters.at[c]->launch + 1 : 0;
        if (here && when[id] > last[id]) last[id] = when[id];
        /* An anchor that is stored is loaded by later launches: its operands are read in its own. What
         * is not stored is computed again wherever it is used. */
        uint32_t reads = here && f->stored[id] ? here : when[id] > here ? when[id] : here;
        for (uint32_t i = 0; i < n->argc; i++) {
            if (reads > when[n->args[i]]) when[n->args[i]] = reads;
        }
    }
    return last;
}

void memory_live(Memory *m, const Fused *f, uint32_t first_buffer, const Place *places,
                 const LaunchTime *times) {
    uint32_t *last = find_last_reads(f, m->arena);
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        if (!f->stored[id] || f->tile[id] || f->cluster_of[id] == NO_CLUSTER) continue;
        Buffer *b = &m->buffers.at[places[id].buffer];
        uint32_t launch = f->clusters.at[f->cluster_of[id]]->launch;
        /* What is stored into a slice, or is the next value of a loop, belongs to the region around. */
        if (b->kind != BUFFER_ARENA || places[id].buffer < first_buffer) continue;
        uint32_t end = last[id] ? times[last[id] - 1].last : 0;
        if (times[launch].last > end) end = times[launch].last;
        if (times[launch].first < b->first) b->first = times[launch].first;
        if (end > b->last) b->last = end;
    }
}

typedef struct BySize {
    int64_t bytes;
    uint32_t buffer;
} BySize;

static int by_size(const void *a, const void *b) {
    const BySize *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->buffer < y->buffer ? -1 : x->buffer > y->buffer;
}

int64_t memory_bytes(const Memory *m, const Buffer *b) {
    int64_t bytes = shape_elems(&b->shape) * dtype_bytes(b->dtype);
    int64_t align = m->target->align_bytes;
    return (bytes + align - 1) / align * align;
}

void memory_close(Memory *m) {
    uint32_t count = 0, most = m->buffers.len - m->first_of_entry, times = 0;
    Arena *scratch = arena_open(m->arena);
    BySize *order = NEW_ARRAY(scratch, BySize, most + 1);
    for (uint32_t i = m->first_of_entry; i < m->buffers.len; i++) {
        const Buffer *b = &m->buffers.at[i];
        int64_t bytes = shape_elems(&b->shape) * dtype_bytes(b->dtype),
                align = m->target->align_bytes;
        if (b->first == UINT32_MAX) continue;
        order[count++] = (BySize){(bytes + align - 1) / align * align, i};
        if (b->last >= times) times = b->last + 1;
    }
    qsort(order, count, sizeof(*order), by_size);
    Space space;
    space_init(&space, scratch, times);
    for (uint32_t i = 0; i < count; i++) {
        Buffer *b = &m->buffers.at[order[i].buffer];
        b->offset = space_take(&space, order[i].bytes, b->first, b->last);
        if (b->offset + order[i].bytes > m->arena_bytes)
            m->arena_bytes = b->offset + order[i].bytes;
    }
    arena_close(scratch);
}

/* ---- Places -------------------------------------------------------------------------------- */

static void add_store(Memory *m, Stores *s, NodeId id, Place p) {
    for (uint32_t i = 0; i < s->len; i++) {
        if (s->at[i].node == id && s->at[i].place.buffer == p.buffer) return;
    }
    Store st = {id, p};
    vec_push(m->arena, s, st);
}

/* The wholes of what is made in place, and their parts; an outer whole comes after what is in it. */
static void plan_parts(Memory *m, const Fused *f, Place *places) {
    for (NodeId id = f->g->nodes.len; id-- > 0;) {
        const Node *n = node_at(f->g, id);
        if (n->op != OP_CONCAT || f->whole[n->args[0]] != id) continue;
        if (places[id].buffer == NO_BUFFER)
            places[id] = memory_buffer(m, n->name ? n->name : "parts", (DType)n->dtype, &n->shape);
        const Place *p = &places[id];
        int32_t at = 0, axis = n->attr[0];
        for (uint32_t i = 0; i < n->argc; i++) {
            Part *part = NEW(m->arena, Part);
            *part = p->part ? *p->part : (Part){.whole = n->shape};
            part->at[axis] += at;
            at += node_at(f->g, n->args[i])->shape.dim[axis];
            places[n->args[i]] = (Place){.buffer = p->buffer, .name = p->name, .part = part};
        }
    }
}

static const char *node_hint(const Node *n) {
    return n->name ? n->name : op_info[n->op].name;
}

/* Of each node: the one whose buffer it takes over, or NO_NODE. Requires: places[] of those whose place is
 * decided. */
static const NodeId *plan_in_place(Memory *m, const Fused *f, const Place *places) {
    NodeId *over = NEW_ARRAY(m->arena, NodeId, f->g->nodes.len + 1);
    bool *may = NEW_ARRAY(m->arena, bool, f->g->nodes.len + 1);
    for (NodeId id = 0; id < f->g->nodes.len; id++)
        may[id] = f->stored[id] && !f->tile[id] && f->cluster_of[id] != NO_CLUSTER &&
                  places[id].buffer == NO_BUFFER && shape_elems(&node_at(f->g, id)->shape) > 1;
    fuse_in_place(f, may, over, m->arena);
    return over;
}

void memory_plan(Memory *m, const Fused *f, const Place *outputs, const Pin *pins,
                 uint32_t pin_count, Place *places, Stores *stores) {
    const Entry *e = f->entry;
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        const Node *n = node_at(f->g, id);
        places[id] = (Place){.buffer = NO_BUFFER};
        if (n->op == OP_VAR)
            places[id] =
                (Place){.buffer = (uint32_t)n->attr[0], .name = m->buffers.at[n->attr[0]].hint};
    }
    plan_parts(m, f, places);
    for (uint32_t i = 0; i < pin_count; i++) places[pins[i].node] = pins[i].place;
    for (uint32_t i = 0; i < e->outputs.len; i++) places[e->outputs.at[i].node] = outputs[i];
    for (uint32_t i = 0; i < e->updates.len; i++) {
        uint32_t var = e->updates.at[i].var;
        places[e->updates.at[i].node] = (Place){.buffer = var, .name = m->buffers.at[var].hint};
    }
    const NodeId *over = plan_in_place(m, f, places);
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        const Node *n = node_at(f->g, id);
        const char *hint = node_hint(n);
        if (f->tile[id])
            places[id] = (Place){.buffer = NO_BUFFER, .name = hint, .tile = f->tile[id]};
        else if (f->stored[id] && places[id].buffer == NO_BUFFER && over[id] == NO_NODE)
            places[id] = memory_buffer(m, hint, (DType)n->dtype, &n->shape);
    }
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        NodeId first = id;
        while (over[first] != NO_NODE) first = over[first];
        if (first != id)
            places[id] =
                (Place){.buffer = places[first].buffer, .name = node_hint(node_at(f->g, id))};
        if (f->stored[id] && f->cluster_of[id] != NO_CLUSTER &&
            !f->clusters.at[f->cluster_of[id]]->loop)
            add_store(m, &stores[f->cluster_of[id]], id, places[id]);
    }
    /* One value under several names. */
    for (uint32_t i = 0; i < e->outputs.len; i++)
        add_store(m, &stores[f->cluster_of[e->outputs.at[i].node]], e->outputs.at[i].node,
                  outputs[i]);
    for (uint32_t i = 0; i < e->updates.len; i++) {
        uint32_t var = e->updates.at[i].var;
        Place p = {.buffer = var, .name = m->buffers.at[var].hint};
        add_store(m, &stores[f->cluster_of[e->updates.at[i].node]], e->updates.at[i].node, p);
    }
}

/* memory: buffers and the arena. A buffer of the arena lives from the launch that writes it to the last
 * that reads it; the largest are placed first, each at the lowest place that is free all the while.
 *
 * Source: greedy by size, as in Pisarchyk & Lee, Efficient Memory Management for DNN Inference, 2020. */
#include "memory.h"

void memory_init(Memory *m, const Program *p, const Target *target, Arena *arena) {
    *m = (Memory){.program = p, .arena = arena, .target = target};
    names_init(&m->taken, arena);
    for (uint32_t i = 0; i < p->vars.len; i++) {
        const Variable *v = &p->vars.at[i];
        const char *name = v->variant ? arena_printf(arena, "%s@%s", v->name, v->variant) : v->name;
        Buffer b = {BUFFER_VAR, name, v->name, v->dtype, v->shape, i, 0};
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
    Buffer b = {BUFFER_OUTPUT, name, o->name, (DType)n->dtype, n->shape, 0, 0};
    vec_push(m->arena, &m->buffers, b);
    return m->buffers.len - 1;
}

/* ---- The arena ----------------------------------------------------------------------------- */

typedef struct Life {
    NodeId node;
    int64_t bytes, offset;
    uint32_t first, last; /* launches */
} Life;

typedef VEC(Life) Lives;

static void place_life(const Lives *placed, Life *life) {
    life->offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < placed->len; i++) {
            const Life *o = &placed->at[i];
            bool together = o->first <= life->last && life->first <= o->last;
            bool overlap =
                o->offset < life->offset + life->bytes && life->offset < o->offset + o->bytes;
            if (together && overlap) {
                life->offset = o->offset + o->bytes;
                moved = true;
            }
        }
    }
}

/* In order of offset first, so that the first gap that fits is found going up. */
static void add_placed(Arena *arena, Lives *placed, Life life) {
    vec_push(arena, placed, life);
    for (uint32_t i = placed->len - 1; i > 0 && placed->at[i - 1].offset > placed->at[i].offset;
         i--) {
        Life t = placed->at[i];
        placed->at[i] = placed->at[i - 1];
        placed->at[i - 1] = t;
    }
}

/* The last launch that reads node `id`: its readers are the anchors whose clusters hold them. */
static void find_last_reads(const Fused *f, Arena *arena, uint32_t *last) {
    const Graph *g = f->g;
    /* needed_by[id]: the latest launch in which the value of id is computed or loaded. */
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
}

static void plan_arena(Memory *m, const Fused *f, Place *places) {
    const Entry *e = f->entry;
    const char *owner = e->variant ? arena_printf(m->arena, "%s@%s", e->name, e->variant) : e->name;
    uint32_t *last = NEW_ARRAY(m->arena, uint32_t, f->g->nodes.len + 1);
    Lives lives = {0}, placed = {0};
    find_last_reads(f, m->arena, last);
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        if (!f->stored[id] || places[id].buffer != NO_BUFFER) continue;
        const Node *n = node_at(f->g, id);
        int64_t bytes = shape_elems(&n->shape) * dtype_bytes((DType)n->dtype),
                align = m->target->align_bytes;
        Life l = {.node = id, .bytes = (bytes + align - 1) / align * align};
        l.first = f->clusters.at[f->cluster_of[id]]->launch + 1;
        l.last = last[id] > l.first ? last[id] : l.first;
        vec_push(m->arena, &lives, l);
    }
    for (uint32_t i = 1; i < lives.len; i++) { /* by size, largest first; then by node */
        Life l = lives.at[i];
        uint32_t k = i;
        for (; k > 0 && lives.at[k - 1].bytes < l.bytes; k--) lives.at[k] = lives.at[k - 1];
        lives.at[k] = l;
    }
    for (uint32_t i = 0; i < lives.len; i++) {
        Life l = lives.at[i];
        place_life(&placed, &l);
        add_placed(m->arena, &placed, l);
        if (l.offset + l.bytes > m->arena_bytes) m->arena_bytes = l.offset + l.bytes;
        const Node *n = node_at(f->g, l.node);
        const char *hint = n->name ? n->name : op_info[n->op].name;
        Buffer b = {BUFFER_ARENA, free_name(m, hint, owner), hint, (DType)n->dtype, n->shape, 0,
                    l.offset};
        vec_push(m->arena, &m->buffers, b);
        places[l.node] = (Place){m->buffers.len - 1, hint};
    }
}

void memory_plan(Memory *m, const Fused *f, Place *places, Stores *stores, uint32_t *outputs) {
    const Entry *e = f->entry;
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        const Node *n = node_at(f->g, id);
        places[id] = (Place){NO_BUFFER, NULL};
        if (n->op == OP_VAR)
            places[id] = (Place){(uint32_t)n->attr[0], m->buffers.at[n->attr[0]].hint};
    }
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        outputs[i] = output_buffer(m, e, &e->outputs.at[i]);
        places[e->outputs.at[i].node] = (Place){outputs[i], m->buffers.at[outputs[i]].hint};
    }
    for (uint32_t i = 0; i < e->updates.len; i++) {
        uint32_t var = e->updates.at[i].var;
        places[e->updates.at[i].node] = (Place){var, m->buffers.at[var].hint};
    }
    plan_arena(m, f, places);
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        if (!f->stored[id]) continue;
        Stores *s = &stores[f->cluster_of[id]];
        Store st = {id, places[id].buffer, places[id].name};
        vec_push(m->arena, s, st);
        for (uint32_t i = 0; i < e->outputs.len; i++) { /* one value under several names */
            Store more = {id, outputs[i], m->buffers.at[outputs[i]].hint};
            bool known = false;
            for (uint32_t k = 0; k < s->len; k++)
                known = known || (s->at[k].node == id && s->at[k].buffer == outputs[i]);
            if (e->outputs.at[i].node == id && !known) vec_push(m->arena, s, more);
        }
        for (uint32_t i = 0; i < e->updates.len; i++) {
            uint32_t var = e->updates.at[i].var;
            Store more = {id, var, m->buffers.at[var].hint};
            if (e->updates.at[i].node == id && var != places[id].buffer)
                vec_push(m->arena, s, more);
        }
    }
}

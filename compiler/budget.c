/* budget: which values to compute again; see budget.h.
 *
 * A model of the plan says how many bytes live at each time. While there is a value at the peak that is not used
 * there, but before and after, the best one is dropped: it lives until its last use before the peak, and its clone
 * from its first use after that on. What the clone reads must be alive then: it is kept for longer, or is
 * computed again, too. The best saves most for its work, and makes the smallest group of clones that
 * need each other, for these are alive together: so a chain of layers keeps every second one first, then every fourth.
 *
 * Values inside of loops are kept as they are, and so is what loops read and leave. */
#include "budget.h"

#include "fuser.h"

#include <stdlib.h>

#define STEP        (15.0 / 16) /* of the peak: what a rung is lower than the one before */
#define MAX_DROPPED 4000
#define MAX_WITH    12 /* values that must be computed again with one, because they are gone by then */

typedef struct Kept { /* a value of the arena */
    NodeId node;
    int64_t bytes;
    uint32_t def, end; /* the times in which it lives */
    bool may;          /* be computed again */
    bool dropped;
    uint32_t again;  /* dropped: when its clone is made */
    NodeList late;   /* dropped: who reads the clone */
    NodeList leaves; /* the kept values that it is made of, as numbers of Kept */
    NodeList makes;  /* the dropped ones of which it is a leaf */
    bool has_leaves;
    double work; /* operations */
} Kept;

typedef struct BudgetPlan {
    const Region *top;
    const Fused *f;
    const Graph *g;
    Arena *arena;
    VEC(Kept) kept;
    uint32_t *kept_of; /* of each node: its place in kept + 1, or 0 */
    const bool *leaf;
    uint32_t *seen; /* of each node: by the walk of `now` */
    uint32_t now;
    int64_t *live; /* of each time */
    uint32_t times;
} BudgetPlan;

static LaunchTime time_of(const BudgetPlan *b, NodeId id) {
    return b->top->times[b->f->clusters.at[b->f->cluster_of[id]]->launch];
}

static void live_add(BudgetPlan *b, uint32_t from, uint32_t to, int64_t bytes) {
    for (uint32_t t = from; t < to; t++) b->live[t] += bytes;
}

/* ---- What there is -------------------------------------------------------------------------- */

static bool is_loop_op(Op op) {
    return op == OP_SCAN || op == OP_FINAL || op == OP_STACK;
}

/* What a clone reads as it is. */
static bool *find_leaves(const BudgetPlan *b) {
    const Fused *f = b->f;
    bool *leaf = NEW_ARRAY(b->arena, bool, b->g->nodes.len + 1);
    double v;
    for (NodeId id = 0; id < b->g->nodes.len; id++) {
        const Node *n = node_at(b->g, id);
        bool whole = n->op == OP_CONCAT && f->whole[n->args[0]] == id;
        leaf[id] = n->argc == 0 || whole || is_loop_op((Op)n->op) || node_uniform(b->g, id, &v) ||
                   (f->stored[id] && !f->tile[id]);
    }
    return leaf;
}

/* Whether another clone of the value may be made: it lies in a buffer of the arena, and all who read it are nodes
 * of the region as it was built. */
static bool may_drop(const BudgetPlan *b, const Memory *m, NodeId id, const bool *pinned) {
    const Fused *f = b->f;
    const Place *p = &b->top->places[id];
    if (id >= b->top->built || !f->stored[id] || f->tile[id] || pinned[id] || p->part || p->loop ||
        is_loop_op((Op)node_at(b->g, id)->op) || m->buffers.at[p->buffer].kind != BUFFER_ARENA)
        return false;
    const Ids *users = &f->fuser->users[id];
    for (uint32_t i = 0; i < users->len; i++) {
        if (is_loop_op((Op)node_at(b->g, users->at[i])->op)) return false;
    }
    return true;
}

static void find_kept(BudgetPlan *b, const Memory *m) {
    const Fused *f = b->f;
    bool *pinned = NEW_ARRAY(b->arena, bool, b->g->nodes.len + 1);
    for (uint32_t i = 0; i < b->top->pins.len; i++) pinned[b->top->pins.at[i].node] = true;
    b->kept_of = NEW_ARRAY(b->arena, uint32_t, b->g->nodes.len + 1);
    for (NodeId id = 0; id < b->g->nodes.len; id++) {
        const Place *p = &b->top->places[id];
        const Node *n = node_at(b->g, id);
        if (!in_memory(p) || p->tile || n->op == OP_VAR) continue;
        const Buffer *buffer = &m->buffers.at[p->buffer];
        if (buffer->kind != BUFFER_ARENA || buffer->first == UINT32_MAX) continue;
        Kept k = {.node = id,
                  .bytes = memory_bytes(m, buffer),
                  .def = buffer->first,
                  .end = buffer->last};
        k.may = may_drop(b, m, id, pinned);
        if (k.may) { /* the buffer may be that of others before and after */
            const Ids *users = &f->fuser->users[id];
            k.def = time_of(b, id).first;
            k.end = time_of(b, id).last;
            for (uint32_t i = 0; i < users->len; i++) {
                uint32_t last = time_of(b, users->at[i]).last;
                if (last > k.end) k.end = last;
            }
        }
        vec_push(b->arena, &b->kept, k);
        b->kept_of[id] = b->kept.len;
    }
}

static void find_live(BudgetPlan *b, const Memory *m) {
    for (uint32_t i = m->first_of_entry; i < m->buffers.len; i++) {
        const Buffer *buffer = &m->buffers.at[i];
        bool lives = buffer->kind == BUFFER_ARENA && buffer->first != UINT32_MAX;
        if (lives && buffer->last >= b->times) b->times = buffer->last + 1;
    }
    b->live = NEW_ARRAY(b->arena, int64_t, b->times + 1);
    for (uint32_t i = m->first_of_entry; i < m->buffers.len; i++) {
        const Buffer *buffer = &m->buffers.at[i];
        if (buffer->kind == BUFFER_ARENA && buffer->first != UINT32_MAX)
            live_add(b, buffer->first, buffer->last + 1, memory_bytes(m, buffer));
    }
}

/* The kept values that a clone of k would read, and its work. */
static void find_cone(BudgetPlan *b, Kept *k) {
    NodeList open = {0};
    if (k->has_leaves) return;
    k->has_leaves = true;
    b->now++;
    vec_push(b->arena, &open, k->node);
    while (open.len) {
        NodeId id = open.at[--open.len];
        const Node *n = node_at(b->g, id);
        if (b->seen[id] == b->now) continue;
        b->seen[id] = b->now;
        if (id != k->node && b->leaf[id]) {
            if (b->kept_of[id]) vec_push(b->arena, &k->leaves, b->kept_of[id] - 1);
            continue;
        }
        double elems = (double)shape_elems(&n->shape);
        if (is_reduction((Op)n->op)) {
            Shape reduced = reduced_shape(b->g, n);
            elems *= (double)shape_elems(&reduced) * (n->op == OP_DOT ? 2 : 1);
        }
        if (!is_view((Op)n->op) || n->op == OP_PAD)
            k->work += elems * (op_info[n->op].cost > 1 ? op_info[n->op].cost : 1);
        for (uint32_t i = 0; i < n->argc; i++) vec_push(b->arena, &open, n->args[i]);
    }
}

/* ---- Dropping a value ------------------------------------------------------------------------ */

typedef struct Drop { /* a value, and what must be computed again with it */
    uint32_t value;
    uint32_t early_end, at; /* its last use before the peak; when the clone is made */
    uint32_t with[MAX_WITH];
    uint32_t with_count;
    double score;
} Drop;

/* Whether the value lives at `peak` only for later: then its last use before, and its first after. */
static bool has_gap(const BudgetPlan *b, const Kept *k, uint32_t peak, Drop *d) {
    const Ids *users = &b->f->fuser->users[k->node];
    LaunchTime made = time_of(b, k->node);
    if (made.last >= peak || k->end <= peak) return false;
    d->early_end = made.last;
    d->at = UINT32_MAX;
    for (uint32_t i = 0; i < users->len; i++) {
        LaunchTime t = time_of(b, users->at[i]);
        if (b->f->cluster_of[users->at[i]] == b->f->cluster_of[k->node]) continue;
        if (t.first <= peak && t.last >= peak) return false;
        if (t.first > peak) {
            if (users->at[i] >= b->top->built) return false; /* a copy that is made later */
            if (t.first < d->at) d->at = t.first;
        } else if (t.last > d->early_end) {
            d->early_end = t.last;
        }
    }
    return d->at != UINT32_MAX;
}

/* All that clones of `id`, and of what is to be computed with it, would need at time `at` that is gone by then.
 * Returns the bytes more at the peak of what is kept for it; -1: it cannot be had. */
static int64_t find_needs(BudgetPlan *b, Drop *d, uint32_t peak, double *work) {
    int64_t more = 0;
    *work = 0;
    for (uint32_t n = 0; n <= d->with_count; n++) {
        Kept *k = &b->kept.at[n ? d->with[n - 1] : d->value];
        find_cone(b, k);
        *work += k->work;
        for (uint32_t i = 0; i < k->leaves.len; i++) {
            const Kept *leaf = &b->kept.at[k->leaves.at[i]];
            uint32_t w = 0;
            if (leaf->dropped || leaf->end >= d->at) continue;
            while (w < d->with_count && d->with[w] != k->leaves.at[i]) w++;
            if (w < d->with_count) continue;
            if (leaf->may && leaf->end < peak && 8 * leaf->bytes > b->kept.at[d->value].bytes) {
                if (d->with_count == MAX_WITH) return -1;
                d->with[d->with_count++] = k->leaves.at[i];
            } else if (leaf->end < peak) {
                more += leaf->bytes;
            }
        }
    }
    return more;
}

/* Bytes of the clones that are alive together with a clone of this: those that it is made of, and those that are made
 * of it. */
static double group_bytes(BudgetPlan *b, uint32_t value) {
    double bytes = (double)b->kept.at[value].bytes;
    NodeList open = {0};
    b->now++;
    for (int down = 0; down < 2; down++) {
        vec_push(b->arena, &open, value);
        while (open.len) {
            uint32_t at = open.at[--open.len];
            Kept *k = &b->kept.at[at];
            if (at != value) {
                if (!k->dropped || b->seen[k->node] == b->now) continue;
                b->seen[k->node] = b->now;
                bytes += (double)k->bytes;
            }
            if (!down) {
                find_cone(b, k);
                for (uint32_t i = 0; i < k->leaves.len; i++)
                    vec_push(b->arena, &open, k->leaves.at[i]);
                continue;
            }
            for (uint32_t i = 0; i < k->makes.len; i++) vec_push(b->arena, &open, k->makes.at[i]);
        }
    }
    return bytes;
}

static bool find_best(BudgetPlan *b, uint32_t peak, Drop *best) {
    best->score = 0;
    for (uint32_t i = 0; i < b->kept.len; i++) {
        const Kept *k = &b->kept.at[i];
        Drop d = {.value = i};
        double work;
        if (!k->may || k->dropped || !has_gap(b, k, peak, &d)) continue;
        int64_t more = find_needs(b, &d, peak, &work);
        double saved = (double)(k->bytes - more);
        if (more < 0 || saved <= 0) continue;
        /* Not computed before the peak at all: then it is only moved. */
        if (d.early_end == time_of(b, k->node).last && d.with_count == 0) work = 0;
        d.score = saved * saved / ((work + (double)k->bytes) * group_bytes(b, i));
        if (d.score > best->score) *best = d;
    }
    return best->score > 0;
}

/* The clone of a dropped value is made at `at`, if not before: what it reads must be there. */
static void pull(BudgetPlan *b, uint32_t value, uint32_t at) {
    Kept *k = &b->kept.at[value];
    if (k->again <= at) return;
    if (k->again != UINT32_MAX) live_add(b, at, k->again, k->bytes);
    k->again = at;
    for (uint32_t i = 0; i < k->leaves.len; i++) {
        Kept *leaf = &b->kept.at[k->leaves.at[i]];
        if (leaf->dropped) {
            pull(b, k->leaves.at[i], at);
        } else if (leaf->end < at) {
            live_add(b, leaf->end + 1, at + 1, leaf->bytes);
            leaf->end = at;
        }
    }
}

static void set_dropped(BudgetPlan *b, uint32_t value) {
    Kept *k = &b->kept.at[value];
    k->dropped = true;
    k->again = UINT32_MAX;
    for (uint32_t i = 0; i < k->leaves.len; i++)
        vec_push(b->arena, &b->kept.at[k->leaves.at[i]].makes, value);
}

static void drop(BudgetPlan *b, const Drop *d, uint32_t peak) {
    Kept *k = &b->kept.at[d->value];
    const Ids *users = &b->f->fuser->users[k->node];
    live_add(b, d->early_end + 1, d->at, -k->bytes);
    for (uint32_t i = 0; i < users->len; i++) {
        if (time_of(b, users->at[i]).first > peak) vec_push(b->arena, &k->late, users->at[i]);
    }
    set_dropped(b, d->value);
    for (uint32_t i = 0; i < d->with_count; i++) set_dropped(b, d->with[i]);
    pull(b, d->value, d->at);
}

/* ---- The ladder ------------------------------------------------------------------------------ */

static uint32_t peak_of(const BudgetPlan *b) {
    uint32_t peak = 0;
    for (uint32_t t = 1; t < b->times; t++) {
        if (b->live[t] > b->live[peak]) peak = t;
    }
    return peak;
}

void budget_ladder(const Region *top, const Memory *m, Arena *arena, Ladder *out) {
    BudgetPlan *b = NEW(arena, BudgetPlan);
    *b = (BudgetPlan){.top = top, .f = &top->fused, .g = top->fused.g, .arena = arena};
    b->leaf = find_leaves(b);
    b->seen = NEW_ARRAY(arena, uint32_t, b->g->nodes.len + 1);
    find_kept(b, m);
    find_live(b, m);
    *out = (Ladder){.plan = b};
    out->again = (Again){.anchor = b->f->fuser->anchor, .leaf = b->leaf, .nodes = top->built};
    Rung rung = {0, b->times ? b->live[peak_of(b)] : 0};
    vec_push(arena, &out->rungs, rung);
    while (b->times && out->order.len < MAX_DROPPED) {
        uint32_t peak = peak_of(b);
        Drop best = {0};
        if (!find_best(b, peak, &best)) break;
        drop(b, &best, peak);
        vec_push(arena, &out->order, best.value);
        for (uint32_t i = 0; i < best.with_count; i++) vec_push(arena, &out->order, best.with[i]);
        int64_t bytes = b->live[peak_of(b)];
        if ((double)bytes > STEP * (double)out->rungs.at[out->rungs.len - 1].bytes) continue;
        vec_push(arena, &out->rungs, (Rung){out->order.len, bytes});
    }
    if (out->rungs.at[out->rungs.len - 1].values < out->order.len)
        vec_push(arena, &out->rungs, (Rung){out->order.len, b->live[peak_of(b)]});
}

/* The latest anchor that whoever reads a clone first reads beside it: the clone waits for it. */
static NodeId find_after(const BudgetPlan *b, const Again *again, uint32_t cluster) {
    const Cluster *c = b->f->clusters.at[cluster];
    uint32_t latest = 0;
    NodeId after = NO_NODE;
    for (uint32_t m = 0; m < c->members.len; m++) {
        const Reads *reads = &b->f->fuser->reads[c->members.at[m]];
        for (uint32_t i = 0; i < reads->len; i++) {
            NodeId t = reads->at[i].target;
            uint32_t of = b->f->cluster_of[t];
            if (of == NO_CLUSTER || of >= cluster || t >= again->nodes || again->value_of[t])
                continue;
            if (of >= latest) latest = of, after = t;
        }
    }
    if (after != NO_NODE || cluster == 0) return after;
    NodeId before = b->f->clusters.at[cluster - 1]->members.at[0];
    return before < again->nodes ? before : NO_NODE;
}

/* What each clone waits for. Clones of one cluster's nodes wait for the same, so that they share their work. */
static void find_waits(const BudgetPlan *b, Again *again) {
    uint32_t count = b->f->clusters.len;
    NodeList *values = NEW_ARRAY(b->arena, NodeList, count + 1);
    uint32_t *first = NEW_ARRAY(b->arena, uint32_t, count + 1); /* who reads a clone of it */
    for (uint32_t c = 0; c < count; c++) first[c] = UINT32_MAX;
    for (uint32_t v = 0; v < again->values.len; v++) {
        const AgainValue *x = &again->values.at[v];
        uint32_t c = b->f->cluster_of[x->node];
        vec_push(b->arena, &values[c], v);
        for (uint32_t i = 0; i < x->late.len; i++) {
            uint32_t reader = b->f->cluster_of[x->late.at[i]];
            if (reader < first[c]) first[c] = reader;
        }
    }
    for (uint32_t c = count; c-- > 0;) {
        if (first[c] == UINT32_MAX) continue;
        NodeId after = find_after(b, again, first[c]);
        for (uint32_t i = 0; i < values[c].len; i++) {
            AgainValue *x = &again->values.at[values[c].at[i]];
            const Kept *k = &b->kept.at[b->kept_of[x->node] - 1];
            x->after = after;
            for (uint32_t l = 0; l < k->leaves.len; l++) {
                NodeId leaf = b->kept.at[k->leaves.at[l]].node;
                uint32_t of = b->f->cluster_of[leaf];
                if (again->value_of[leaf] && first[c] < first[of]) first[of] = first[c];
            }
        }
    }
}

void budget_rung(const Ladder *l, uint32_t rung, Again *out) {
    const BudgetPlan *b = l->plan;
    *out = l->again;
    out->value_of = NEW_ARRAY(b->arena, uint32_t, b->g->nodes.len + 1);
    for (uint32_t i = 0; i < l->rungs.at[rung].values; i++) {
        const Kept *k = &b->kept.at[l->order.at[i]];
        AgainValue v = {.node = k->node, .late = k->late, .after = NO_NODE};
        vec_push(b->arena, &out->values, v);
        out->value_of[k->node] = out->values.len;
    }
    find_waits(b, out);
}

double budget_operations(const Ladder *l, uint32_t rung) {
    double operations = 0;
    for (uint32_t i = 0; i < l->rungs.at[rung].values; i++)
        operations += l->plan->kept.at[l->order.at[i]].work;
    return operations;
}

/* ---- The peak -------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b) {
    const Alive *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return strcmp(x->name, y->name);
}

void budget_peak(const Region *top, const Memory *m, Arena *arena, AliveList *out, uint32_t *time,
                 uint32_t *times) {
    BudgetPlan b = {.arena = arena};
    uint32_t count = m->buffers.len - m->first_of_entry;
    const Node **node = NEW_ARRAY(arena, const Node *, count + 1);
    find_live(&b, m);
    *times = b.times;
    *time = b.times ? peak_of(&b) : 0;
    for (NodeId id = 0; id < top->fused.g->nodes.len; id++) {
        const Place *p = &top->places[id];
        if (!top->fused.stored[id] || p->tile || p->buffer < m->first_of_entry ||
            top->fused.cluster_of[id] == NO_CLUSTER)
            continue;
        const Cluster *c = top->fused.clusters.at[top->fused.cluster_of[id]];
        if (top->times[c->launch].first <= *time || !node[p->buffer - m->first_of_entry])
            node[p->buffer - m->first_of_entry] = node_at(top->fused.g, id);
    }
    for (uint32_t i = 0; i < count; i++) {
        const Buffer *buffer = &m->buffers.at[m->first_of_entry + i];
        if (buffer->kind != BUFFER_ARENA || buffer->first > *time || buffer->last < *time) continue;
        Alive a = {.name = node[i] && node[i]->name ? node[i]->name : buffer->hint,
                   .dtype = buffer->dtype,
                   .shape = buffer->shape,
                   .bytes = memory_bytes(m, buffer),
                   .has_span = node[i] != NULL};
        if (node[i]) a.span = node[i]->span;
        vec_push(arena, out, a);
    }
    if (out->len) qsort(out->at, out->len, sizeof(Alive), by_bytes);
}

/* fuse: from nodes to clusters to launches; see fuse.h.
 *
 * 1. Choose the anchors (anchor.c). 2. For each, find what it reads and at which index, through all that is
 * computed in place. 3. Merge clusters of one iteration space whose reads of each other stay at their
 * own point, where no path leads out of the pair and back. What follows is in chain.c.
 *
 * Legality is exact, by reachability; see why_not_merge. */
#include "fuser.h"

#include "codegen.h"
#include "cost.h"

#include <stdlib.h>

#define MAX_MEMBERS 24   /* of a cluster */
#define SMALL_ELEMS 4096 /* that one work-item may do alone */
#define MAX_SEARCH  250  /* clusters looked at for a path; beyond them there may be one */

/* ---- 2. Reads ------------------------------------------------------------------------------ */

typedef struct Visit {
    NodeId node;
    bool ranged;
    Idx at[MAX_RANK];
} Visit;

typedef struct Walk {
    Fuser *f;
    IndexTable t;
    NodeId start;
    Idx own[MAX_RANK]; /* the reader's place */
    Shape domain;      /* its shape */
    VEC(Visit) visits;
    uint32_t *slots;
    uint32_t slot_cap;
} Walk;

static bool visited(Walk *w, const Visit *v) {
    if ((w->visits.len + 1) * 2 > w->slot_cap) {
        uint32_t cap = w->slot_cap ? w->slot_cap * 2 : 64;
        w->slots = NEW_ARRAY(w->t.arena, uint32_t, cap);
        w->slot_cap = cap;
        for (uint32_t i = 0; i < w->visits.len; i++) {
            uint64_t h = hash_bytes(&w->visits.at[i], sizeof(Visit), 0);
            while (w->slots[h & (cap - 1)]) h++;
            w->slots[h & (cap - 1)] = i + 1;
        }
    }
    uint64_t h = hash_bytes(v, sizeof(*v), 0);
    for (; w->slots[h & (w->slot_cap - 1)]; h++) {
        if (!memcmp(&w->visits.at[w->slots[h & (w->slot_cap - 1)] - 1], v, sizeof(*v))) return true;
    }
    vec_push(w->t.arena, &w->visits, *v);
    w->slots[h & (w->slot_cap - 1)] = w->visits.len;
    return false;
}

/* See Read.rows; `at` is the place in the target, of shape s. */
static uint8_t aligned_rows(Walk *w, const Shape *s, const Idx *at) {
    uint8_t rows = 0;
    int64_t own = 1, theirs = 1;
    int q = 0;
    for (int p = 1; p <= w->domain.rank; p++) {
        own *= w->domain.dim[p - 1];
        while (q < s->rank && theirs < own) theirs *= s->dim[q++];
        if (theirs != own) continue;
        Shape a = w->domain, b = *s;
        a.rank = (uint8_t)p;
        b.rank = (uint8_t)q;
        if (access_address(&w->t, &a, w->own) == access_address(&w->t, &b, at))
            rows |= (uint8_t)(1u << (p - 1));
    }
    return rows;
}

static void record(Walk *w, NodeId target, const Idx *at, bool ranged) {
    const Shape *s = &node_at(w->f->g, target)->shape;
    Read r = {.target = target, .ranged = ranged};
    while (r.aligned < w->domain.rank && r.aligned < s->rank &&
           at[r.aligned] == w->own[r.aligned] && s->dim[r.aligned] == w->domain.dim[r.aligned]) {
        r.aligned++;
    }
    r.rows = aligned_rows(w, s, at);
    Reads *reads = &w->f->reads[w->start];
    for (uint32_t i = 0; i < reads->len; i++) {
        const Read *k = &reads->at[i];
        if (k->target == r.target && k->aligned == r.aligned && k->ranged == r.ranged &&
            k->rows == r.rows)
            return;
    }
    vec_push(w->f->arena, reads, r);
}

/* Anchor `start` waits for `id`: for the anchors that make it. */
static void add_waits(Fuser *f, NodeId start, NodeId id) {
    const Node *n = node_at(f->g, id);
    if (!f->need[id] || n->op == OP_VAR) return;
    if (!f->anchor[id]) {
        for (uint32_t i = 0; i < n->argc; i++) add_waits(f, start, n->args[i]);
        return;
    }
    Ids *waits = &f->waits[start];
    for (uint32_t i = 0; i < waits->len; i++) {
        if (waits->at[i] == id) return;
    }
    vec_push(f->arena, waits, id);
    vec_push(f->arena, &f->users[id], start);
}

static void walk(Walk *w, NodeId id, const Idx *at, bool ranged) {
    const Node *n = node_at(w->f->g, id);
    if (n->op == OP_VAR || (w->f->anchor[id] && id != w->start)) {
        record(w, id, at, ranged);
        return;
    }
    Visit v;
    memset(&v, 0, sizeof(v));
    v.node = id;
    v.ranged = ranged;
    memcpy(v.at, at, n->shape.rank * sizeof(Idx));
    if (visited(w, &v)) return;
    if (n->wait) add_waits(w->f, w->start, n->wait - 1);
    Shape reduced = {0};
    Idx inner[MAX_RANK];
    if (is_reduction((Op)n->op)) {
        reduced = reduced_shape(w->f->g, n);
        for (int i = 0; i < reduced.rank; i++)
            inner[i] = idx_place(&w->t, "k", reduced.dim[i], UINT32_MAX);
    }
    for (uint32_t k = 0; k < n->argc; k++) {
        Idx in[MAX_RANK];
        RangeList ranges = {0};
        if (is_reduction((Op)n->op))
            access_reduced(&w->t, w->f->g, n, k, at, inner, in);
        else if (fuse_of_loop((Op)n->op)) {
            const Shape *s = &node_at(w->f->g, n->args[k])->shape;
            for (int i = 0; i < s->rank; i++)
                in[i] = idx_var(&w->t, "any", 0, s->dim[i] - 1, UINT32_MAX);
        } else if (n->op == OP_TAKE && k == 0) {
            int index_rank = node_at(w->f->g, n->args[1])->shape.rank;
            const Shape *table = &node_at(w->f->g, n->args[0])->shape;
            in[0] = idx_var(&w->t, "row", 0, table->dim[0] - 1, UINT32_MAX);
            for (int i = 1; i < table->rank; i++) in[i] = at[index_rank + i - 1];
        } else
            access_map(&w->t, w->f->g, n, k, at, in, &ranges);
        walk(w, n->args[k], in, ranged || ranges.len > 0);
    }
}

static void find_reads(Fuser *f) {
    Arena *scratch = arena_open(f->arena); /* the indices of one walk */
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        if (!f->need[id] || !f->anchor[id]) continue;
        Walk w = {.f = f, .start = id, .domain = node_at(f->g, id)->shape};
        arena_free(scratch);
        index_init(&w.t, scratch);
        for (int i = 0; i < w.domain.rank; i++)
            w.own[i] = idx_place(&w.t, "i", w.domain.dim[i], UINT32_MAX);
        walk(&w, id, w.own, false);
        for (uint32_t i = 0; i < f->reads[id].len; i++) {
            const Node *t = node_at(f->g, f->reads[id].at[i].target);
            NodeId target = f->reads[id].at[i].target;
            if (t->op != OP_VAR)
                vec_push(f->arena, &f->users[target], id);
            else if (f->update_of[target])
                vec_push(f->arena, &f->readers[f->update_of[target] - 1], id);
        }
    }
    arena_close(scratch);
}

/* ---- 3. Clusters --------------------------------------------------------------------------- */

static void start_clusters(Fuser *f) {
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        const Node *n = node_at(f->g, id);
        f->of[id] = NO_CLUSTER;
        if (!f->need[id] || !f->anchor[id]) continue;
        if (n->op == OP_FINAL || n->op == OP_STACK) { /* with its loop */
            f->of[id] = f->of[n->args[0]];
            vec_push(f->arena, &f->clusters.at[f->of[id]]->members, id);
            continue;
        }
        Cluster *c = NEW(f->arena, Cluster);
        vec_push(f->arena, &c->members, id);
        c->outer = n->shape;
        c->has_dot = n->op == OP_DOT;
        c->loop = n->op == OP_SCAN ? (uint32_t)n->attr[0] : 0;
        c->has_reduction = is_reduction((Op)n->op);
        f->of[id] = f->clusters.len;
        f->horizon[f->clusters.len] = id;
        vec_push(f->arena, &f->clusters, c);
    }
}

/* The first variable that a node updates, or UINT32_MAX. */
static uint32_t updated_var(const Fuser *f, NodeId id) {
    const Ids *updates = &f->updates_by_node[id];
    return updates->len ? f->entry->updates.at[updates->at[0]].var : UINT32_MAX;
}

NodeId fuse_update_of(const Fuser *f, NodeId var) {
    uint32_t update = f->update_of[var];
    return update ? f->entry->updates.at[update - 1].node : NO_NODE;
}

void fuse_predecessors(const Fuser *f, uint32_t c, Ids *out) {
    const Cluster *cl = f->clusters.at[c];
    out->len = 0;
    for (uint32_t m = 0; m < cl->members.len; m++) {
        NodeId id = cl->members.at[m];
        for (uint32_t i = 0; i < f->reads[id].len; i++) {
            uint32_t p = f->of[f->reads[id].at[i].target]; /* VAR nodes have no cluster */
            if (p != NO_CLUSTER && p != c) vec_push(f->arena, out, p);
        }
        for (uint32_t i = 0; f->waits && i < f->waits[id].len; i++) {
            uint32_t p = f->of[f->waits[id].at[i]];
            if (p != c) vec_push(f->arena, out, p);
        }
        for (uint32_t u = 0; u < f->updates_by_node[id].len; u++) {
            const Ids *readers = &f->readers[f->updates_by_node[id].at[u]];
            for (uint32_t i = 0; i < readers->len; i++) {
                uint32_t p = f->of[readers->at[i]];
                if (p != c) vec_push(f->arena, out, p);
            }
        }
    }
}

/* Whether a way back from c may lead to `from`: reads lead to nodes up to the horizon; only from an
 * update does the order of its readers lead to later ones. */
static bool may_reach(const Fuser *f, uint32_t c, uint32_t from) {
    return f->horizon[c] >= f->clusters.at[from]->members.at[0] || f->horizon[c] >= f->first_update;
}

/* Cluster c waits for nodes up to `last`: so does whoever reads its members. */
static void raise_horizon(Fuser *f, uint32_t c, NodeId last) {
    Ids *stack = &f->stack;
    stack->len = 0;
    f->horizon[c] = last;
    vec_push(f->arena, stack, c);
    while (stack->len) {
        const Cluster *cl = f->clusters.at[stack->at[--stack->len]];
        for (uint32_t m = 0; m < cl->members.len; m++) {
            const Ids *users = &f->users[cl->members.at[m]];
            for (uint32_t i = 0; i < users->len; i++) {
                uint32_t u = f->of[users->at[i]];
                if (f->horizon[u] >= last) continue;
                f->horizon[u] = last;
                vec_push(f->arena, stack, u);
            }
        }
    }
}

/* Whether a path leads from cluster `from` to cluster `to` over at least one other cluster; true as
 * well when more than `most` had to be looked at. */
static bool path_around(Fuser *f, uint32_t from, uint32_t to, uint32_t most) {
    Ids *stack = &f->stack, *preds = &f->preds;
    uint32_t seen = 0;
    stack->len = 0;
    f->now++;
    fuse_predecessors(f, to, preds);
    for (uint32_t i = 0; i < preds->len; i++) {
        if (preds->at[i] != from && may_reach(f, preds->at[i], from))
            vec_push(f->arena, stack, preds->at[i]);
    }
    while (stack->len) {
        uint32_t c = stack->at[--stack->len];
        if (c == from) return true;
        if (f->stamp[c] == f->now) continue;
        f->stamp[c] = f->now;
        if (++seen > most) return true;
        fuse_predecessors(f, c, preds);
        for (uint32_t i = 0; i < preds->len; i++) {
            if (f->stamp[preds->at[i]] != f->now && may_reach(f, preds->at[i], from))
                vec_push(f->arena, stack, preds->at[i]);
        }
    }
    return false;
}

static bool prefix_of(const Shape *a, const Shape *b) {
    if (a->rank > b->rank) return false;
    return !memcmp(a->dim, b->dim, a->rank * sizeof(a->dim[0]));
}

static Shape suffix_of(const Shape *s, int from) {
    Shape out = {0};
    for (int i = from; i < s->rank; i++) out.dim[out.rank++] = s->dim[i];
    return out;
}

static int64_t elems_of(const Shape *s) {
    int64_t n = shape_elems(s);
    return n < 0 ? MAX_ELEMS : n;
}

/* The iteration space of the two together: the outer shape of whichever is fixed by a reduction or an
 * inner loop; the other one's members must fit: outer, or outer and the one inner shape. */
static bool common_space(const Cluster *a, const Cluster *b, Shape *outer, Shape *inner,
                         bool *has_inner) {
    bool fixed_a = a->has_reduction || a->has_inner, fixed_b = b->has_reduction || b->has_inner;
    *has_inner = a->has_inner || b->has_inner;
    *inner = a->has_inner ? a->inner : b->inner;
    if (a->has_inner && b->has_inner && !shape_equal(&a->inner, &b->inner)) return false;
    if (fixed_a == fixed_b) {
        *outer = a->outer;
        return shape_equal(&a->outer, &b->outer);
    }
    const Cluster *fixed = fixed_a ? a : b, *free_one = fixed_a ? b : a;
    *outer = fixed->outer;
    if (shape_equal(&fixed->outer, &free_one->outer)) return true;
    if (fixed->has_dot || !prefix_of(&fixed->outer, &free_one->outer)) return false;
    Shape rest = suffix_of(&free_one->outer, fixed->outer.rank);
    if (*has_inner && !shape_equal(&rest, inner)) return false;
    if (elems_of(&fixed->outer) < 4 && elems_of(&free_one->outer) > SMALL_ELEMS) return false;
    *inner = rest;
    *has_inner = true;
    return true;
}

/* The reads of members of a: those that find what b computes or updates must stay at their own place. */
static bool reads_fit(const Fuser *f, const Cluster *a, uint32_t b, const Shape *outer) {
    for (uint32_t m = 0; m < a->members.len; m++) {
        const Reads *reads = &f->reads[a->members.at[m]];
        for (uint32_t i = 0; i < reads->len; i++) {
            const Read *r = &reads->at[i];
            const Node *t = node_at(f->g, r->target);
            /* All reductions of a point run before its stores, so they may read its whole row. */
            int own =
                is_reduction((Op)node_at(f->g, a->members.at[m])->op) ? outer->rank : t->shape.rank;
            if (f->of[r->target] == b && (r->aligned < own || r->ranged)) return false;
            if (t->op != OP_VAR) continue;
            NodeId update = fuse_update_of(f, r->target);
            if (update != NO_NODE && f->of[update] == b &&
                (r->aligned < t->shape.rank || r->ranged))
                return false;
        }
    }
    return true;
}

uint32_t fuse_buffers(const Fuser *f, const Cluster *c) {
    uint32_t n = c->members.len;
    for (uint32_t m = 0; m < c->members.len; m++) {
        const Reads *reads = &f->reads[c->members.at[m]];
        NodeId last = NO_NODE;
        for (uint32_t i = 0; i < reads->len; i++) {
            NodeId t = reads->at[i].target; /* the parts of a whole follow each other */
            while (f->whole[t] != NO_NODE) t = f->whole[t];
            n += t != last;
            last = t;
        }
    }
    return n;
}

static uint32_t scatters_of(const Fuser *f, const Cluster *c) {
    uint32_t count = 0;
    for (uint32_t m = 0; m < c->members.len; m++)
        count += node_at(f->g, c->members.at[m])->op == OP_SCATTER;
    return count;
}

static uint32_t reductions_of(const Fuser *f, const Cluster *c) {
    uint32_t count = 0;
    for (uint32_t m = 0; m < c->members.len; m++)
        count += is_reduction((Op)node_at(f->g, c->members.at[m])->op);
    return count;
}

/* Where a group is one item, tables of what is scattered are made block by block (schedule_scatter.c), with nothing else than
 * what follows at their own points. */
static Reason why_not_scatter(const Fuser *f, const Cluster *a, const Cluster *b, bool has_inner) {
    const uint32_t scatters = scatters_of(f, a) + scatters_of(f, b);
    if (!scatters || f->options->target->lanes == 1) return REASON_NONE;
    if (has_inner) return REASON_SPACES;
    if (scatters > MOST_SCATTERS) return REASON_LARGE;
    return reductions_of(f, a) + reductions_of(f, b) > scatters ? REASON_REDUCTIONS : REASON_NONE;
}

/* REASON_NONE: they may be one, over this space. */
static Reason why_not_merge(Fuser *f, uint32_t a, uint32_t b, Shape *outer, Shape *inner,
                            bool *has_inner) {
    const Cluster *ca = f->clusters.at[a], *cb = f->clusters.at[b];
    if (ca->loop || cb->loop) return REASON_LOOP;
    if (ca->members.len + cb->members.len > MAX_MEMBERS) return REASON_LARGE;
    if (ca->has_dot || cb->has_dot) {
        const Cluster *other = ca->has_dot ? cb : ca;
        if (other->has_reduction || other->has_inner) return REASON_REDUCTIONS;
    }
    if (!common_space(ca, cb, outer, inner, has_inner)) return REASON_SPACES;
    const Reason scatters = why_not_scatter(f, ca, cb, *has_inner);
    if (scatters != REASON_NONE) return scatters;
    if (fuse_buffers(f, ca) + fuse_buffers(f, cb) > MAX_CLUSTER_BUFFERS) return REASON_BUFFERS;
    if (!reads_fit(f, ca, b, outer) || !reads_fit(f, cb, a, outer)) return REASON_PLACES;
    return path_around(f, a, b, MAX_SEARCH) || path_around(f, b, a, MAX_SEARCH) ? REASON_BETWEEN
                                                                                : REASON_NONE;
}

static bool try_merge(Fuser *f, uint32_t a, uint32_t b) {
    Shape outer, inner = {0};
    bool has_inner;
    if (a == b || why_not_merge(f, a, b, &outer, &inner, &has_inner) != REASON_NONE) return false;
    Cluster *ca = f->clusters.at[a], *cb = f->clusters.at[b];
    if (!graph_rewrites(f->g, "nodes over one space are computed together", cb->members.at[0]))
        return false;
    Cluster *c = NEW(f->arena, Cluster);
    c->outer = outer;
    c->inner = inner;
    c->has_inner = has_inner;
    c->has_dot = ca->has_dot || cb->has_dot;
    c->has_reduction = ca->has_reduction || cb->has_reduction;
    for (uint32_t i = 0, k = 0; i < ca->members.len || k < cb->members.len;) {
        bool first =
            k == cb->members.len || (i < ca->members.len && ca->members.at[i] < cb->members.at[k]);
        NodeId id = first ? ca->members.at[i++] : cb->members.at[k++];
        vec_push(f->arena, &c->members, id);
    }
    for (uint32_t i = 0; i < cb->members.len; i++) f->of[cb->members.at[i]] = a;
    f->clusters.at[a] = c;
    f->clusters.at[b] = NULL;
    raise_horizon(f, a, f->horizon[a] > f->horizon[b] ? f->horizon[a] : f->horizon[b]);
    return true;
}

/* Of each cluster: the clusters on the longest path that leads to it. */
static uint32_t *cluster_levels(Fuser *f) {
    uint32_t *level = NEW_ARRAY(f->arena, uint32_t, f->clusters.len + 1);
    Ids order;
    fuse_order(f, &order);
    for (uint32_t i = 0; i < order.len; i++) {
        uint32_t c = order.at[i];
        fuse_predecessors(f, c, &f->preds);
        for (uint32_t k = 0; k < f->preds.len; k++) {
            if (level[f->preds.at[k]] >= level[c]) level[c] = level[f->preds.at[k]] + 1;
        }
    }
    return level;
}

/* Whether contractions that come equally late, and last, give what `id` is made of. */
static bool meets_contractions(const Fuser *f, const uint32_t *level, NodeId id) {
    uint32_t last = 0, count = 0;
    for (uint32_t i = 0; i < f->reads[id].len; i++) {
        const uint32_t p = f->of[f->reads[id].at[i].target];
        if (p == NO_CLUSTER || level[p] < last) continue;
        count = level[p] > last ? 0 : count;
        last = level[p];
        count += f->clusters.at[p]->has_dot;
    }
    return count > 1;
}

/* Where launches share a wait, contractions whose results are added up are made beside each other, and the rows that read the
 * sum make it. As part of one contraction it would have that one wait for the others. */
static bool merge_with_rows(Fuser *f, const uint32_t *level, NodeId id) {
    if (is_reduction((Op)node_at(f->g, id)->op) || !meets_contractions(f, level, id)) return false;
    for (uint32_t i = 0; i < f->users[id].len; i++) {
        const Cluster *c = f->clusters.at[f->of[f->users[id].at[i]]];
        if (!c->has_reduction || c->has_dot || c->outer.rank == 0) continue;
        if (try_merge(f, f->of[id], f->of[f->users[id].at[i]])) return true;
    }
    return false;
}

static void merge_clusters(Fuser *f) {
    const uint32_t *alone = target_shares_waits(f->options->target) ? cluster_levels(f) : NULL;
    /* Consumers into their producers, in the order of the program. */
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        if (!f->need[id] || !f->anchor[id]) continue;
        if (alone && merge_with_rows(f, alone, id)) continue;
        for (uint32_t i = 0; i < f->reads[id].len; i++) {
            uint32_t p = f->of[f->reads[id].at[i].target];
            if (p != NO_CLUSTER && p != f->of[id]) try_merge(f, p, f->of[id]);
        }
    }
    /* Readers of one thing, over one space, that come equally late: the steps of an unrolled loop stay apart. */
    const uint32_t *level = cluster_levels(f);
    Ids *readers = NEW_ARRAY(f->arena, Ids, f->g->nodes.len + 1);
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        if (!f->need[id] || !f->anchor[id]) continue;
        for (uint32_t i = 0; i < f->reads[id].len; i++) {
            Ids *r = &readers[f->reads[id].at[i].target];
            for (uint32_t k = 0; k < r->len && k < 8; k++) {
                uint32_t a = f->of[r->at[k]], b = f->of[id];
                if (a != b && level[a] == level[b] && !f->clusters.at[a]->has_dot &&
                    !f->clusters.at[b]->has_dot)
                    try_merge(f, a, b);
            }
            vec_push(f->arena, r, id);
        }
    }
}

/* ---- Order --------------------------------------------------------------------------------- */

void fuse_order(Fuser *f, Ids *order) {
    uint32_t n = f->clusters.len;
    Ids *followers = NEW_ARRAY(f->arena, Ids, n + 1);
    uint32_t *waits = NEW_ARRAY(f->arena, uint32_t, n + 1);
    *order = (Ids){0};
    for (uint32_t c = 0; c < n; c++) {
        if (!f->clusters.at[c]) continue;
        fuse_predecessors(f, c, &f->preds);
        waits[c] = f->preds.len;
        for (uint32_t i = 0; i < f->preds.len; i++)
            vec_push(f->arena, &followers[f->preds.at[i]], c);
        if (!waits[c]) vec_push(f->arena, order, c);
    }
    for (uint32_t i = 0; i < order->len; i++) {
        const Ids *next = &followers[order->at[i]];
        for (uint32_t k = 0; k < next->len; k++) {
            if (--waits[next->at[k]] == 0) vec_push(f->arena, order, next->at[k]);
        }
    }
}

/* Of each cluster: whether it is in the order. */
static bool *ordered_clusters(const Fuser *f, const Ids *order) {
    bool *ordered = NEW_ARRAY(f->arena, bool, f->clusters.len + 1);
    for (uint32_t i = 0; i < order->len; i++) ordered[order->at[i]] = true;
    return ordered;
}

/* Before anything is merged: an update that reads its own variable elsewhere than at its own place, or
 * updates that wait for each other's readers in a circle. Returns the variable, or NO_CLUSTER. */
static uint32_t needs_double_buffer(Fuser *f) {
    for (uint32_t u = 0; u < f->entry->updates.len; u++) {
        const Update *up = &f->entry->updates.at[u];
        const Reads *reads = &f->reads[up->node];
        for (uint32_t i = 0; i < reads->len; i++) {
            const Node *t = node_at(f->g, reads->at[i].target);
            if (t->op == OP_VAR && (uint32_t)t->attr[0] == up->var &&
                (reads->at[i].aligned < t->shape.rank || reads->at[i].ranged))
                return up->var;
        }
    }
    Ids order;
    fuse_order(f, &order);
    if (order.len == f->clusters.len) return NO_CLUSTER;
    bool *ordered = ordered_clusters(f, &order);
    for (uint32_t c = 0; c < f->clusters.len; c++) {
        if (ordered[c]) continue;
        uint32_t var = updated_var(f, f->clusters.at[c]->members.at[0]);
        /* Not one that only waits for a circle: memory of its own would not break it. */
        if (var != UINT32_MAX && !set_has(f->options->double_buffered, var) &&
            path_around(f, c, c, UINT32_MAX))
            return var;
    }
    return NO_CLUSTER;
}

/* The launches. A circle that is left: why_not_merge let through what it must not. */
static void order_clusters(Fuser *f, Fused *out) {
    Ids order;
    fuse_order(f, &order);
    bool *ordered = ordered_clusters(f, &order);
    for (uint32_t c = 0; c < f->clusters.len && out->lost == NO_NODE; c++) {
        if (f->clusters.at[c] && !ordered[c]) out->lost = f->clusters.at[c]->members.at[0];
    }
    if (out->lost == NO_NODE) chain_clusters(f, &order, out);
}

static void find_stored(Fuser *f, Fused *out) {
    out->cluster_of = NEW_ARRAY(f->arena, uint32_t, f->g->nodes.len + 1);
    out->stored = NEW_ARRAY(f->arena, bool, f->g->nodes.len + 1);
    out->whole = f->whole;
    for (NodeId id = 0; id < f->g->nodes.len; id++) out->cluster_of[id] = NO_CLUSTER;
    for (uint32_t c = 0; c < out->clusters.len; c++) {
        for (uint32_t m = 0; m < out->clusters.at[c]->members.len; m++)
            out->cluster_of[out->clusters.at[c]->members.at[m]] = c;
    }
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        if (!f->need[id] || !f->anchor[id]) continue;
        for (uint32_t i = 0; i < f->reads[id].len; i++) {
            NodeId t = f->reads[id].at[i].target;
            if (f->anchor[t] && out->cluster_of[t] != out->cluster_of[id]) out->stored[t] = true;
        }
    }
    for (uint32_t i = 0; i < f->entry->outputs.len; i++)
        out->stored[f->entry->outputs.at[i].node] = true;
    for (uint32_t i = 0; i < f->entry->updates.len; i++)
        out->stored[f->entry->updates.at[i].node] = true;
}

typedef struct VarUpdate {
    uint32_t var, update;
} VarUpdate;

static int by_var(const void *a, const void *b) {
    const VarUpdate *x = a, *y = b;
    return x->var < y->var ? -1 : x->var > y->var;
}

/* Which nodes and variables belong to which update. A region has few of the program's variables. */
static void find_updates(Fuser *f) {
    uint32_t n = f->entry->updates.len, nodes = f->g->nodes.len;
    VarUpdate *sorted = NEW_ARRAY(f->arena, VarUpdate, n + 1);
    f->update_of = NEW_ARRAY(f->arena, uint32_t, nodes + 1);
    f->updates_by_node = NEW_ARRAY(f->arena, Ids, nodes + 1);
    f->readers = NEW_ARRAY(f->arena, Ids, n + 1);
    f->first_update = NO_NODE;
    for (uint32_t i = 0; i < n; i++) {
        const Update *u = &f->entry->updates.at[i];
        sorted[i] = (VarUpdate){u->var, i};
        vec_push(f->arena, &f->updates_by_node[u->node], i);
        if (u->node < f->first_update) f->first_update = u->node;
    }
    qsort(sorted, n, sizeof(*sorted), by_var);
    for (NodeId id = 0; id < nodes; id++) {
        const Node *x = node_at(f->g, id);
        if (x->op != OP_VAR) continue;
        VarUpdate key = {.var = (uint32_t)x->attr[0]};
        const VarUpdate *found = bsearch(&key, sorted, n, sizeof(*sorted), by_var);
        f->update_of[id] = found ? found->update + 1 : 0;
    }
}

uint32_t fuse_entry(const Entry *e, Arena *arena, const FuseOptions *options, Fused *out) {
    uint32_t n = e->graph.nodes.len;
    Fuser f = {.entry = e, .g = &e->graph, .arena = arena, .options = options};
    f.need = NEW_ARRAY(arena, bool, n + 1);
    f.anchor = NEW_ARRAY(arena, bool, n + 1);
    f.fixed = NEW_ARRAY(arena, bool, n + 1);
    f.whole = NEW_ARRAY(arena, NodeId, n + 1);
    for (NodeId id = 0; id < n; id++) f.whole[id] = NO_NODE;
    f.reads = NEW_ARRAY(arena, Reads, n + 1);
    f.of = NEW_ARRAY(arena, uint32_t, n + 1);
    f.users = NEW_ARRAY(arena, Ids, n + 1);
    f.horizon = NEW_ARRAY(arena, NodeId, n + 1);
    f.stamp = NEW_ARRAY(arena, uint32_t, n + 1);
    find_updates(&f);
    if (e->graph.waits) f.waits = NEW_ARRAY(arena, Ids, n + 1);
    fuse_anchors(&f);
    find_reads(&f);
    start_clusters(&f);
    uint32_t var = needs_double_buffer(&f);
    if (var != NO_CLUSTER) return var;
    if (!options->apart) merge_clusters(&f);
    *out = (Fused){.entry = e, .g = &e->graph, .lost = NO_NODE};
    order_clusters(&f, out);
    if (out->lost != NO_NODE) return NO_CLUSTER;
    find_stored(&f, out);
    chain_tiles(&f, out);
    out->fuser = NEW(arena, Fuser);
    *out->fuser = f;
    return NO_CLUSTER;
}

Refusal fuse_refusal(const Fused *fused, NodeId id, uint32_t reader) {
    Fuser *f = fused->fuser;
    const Cluster *c = fused->clusters.at[reader];
    Refusal out = {.reader = NO_NODE};
    Shape outer, inner = {0};
    bool has_inner;
    for (uint32_t m = 0; m < c->members.len; m++) {
        const Reads *reads = &f->reads[c->members.at[m]];
        bool is_dot = node_at(f->g, c->members.at[m])->op == OP_DOT;
        for (uint32_t i = 0; i < reads->len; i++) {
            if (reads->at[i].target == id && (out.reader == NO_NODE || is_dot))
                out.reader = c->members.at[m];
        }
    }
    if (out.reader == NO_NODE) return out;
    out.merge = f->options->apart
                    ? REASON_APART
                    : why_not_merge(f, f->of[id], f->of[out.reader], &outer, &inner, &has_inner);
    out.chain = chain_refusal(f, fused, fused->cluster_of[id], reader);
    return out;
}

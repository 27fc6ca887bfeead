/* partition: of a fused graph of a few nodes, the best that fusion could have made of it: an oracle that shares
 * nothing with fuse.c and chain.c but their rules and the model of cost.h.
 *
 * What is chosen: which nodes are anchors (all that must be, and any of those that may), a partition of the anchors into
 * launches, and of each launch into chains of clusters. All of it is tried: sets of anchors one by one, launches by
 * dynamic programming over the sets that may have run before a launch, chains and clusters by recursion. Where anchors read
 * each other is found by walking from points at random with plain numbers, not by index expressions.
 *
 * The rules. A cluster has one space: that of its reductions, and members may have inner axes beyond it, the same
 * for all; a contraction has no other reduction beside it and no inner axes; what a member reads of another, or of a variable that
 * another updates, it reads at its own point (a reduction: in its own row). Clusters of a chain have some count of rows in common
 * that each reads as its own; less than 16 only where all of it is little work; its contractions multiply by different tensors.
 * Launches, and the clusters of a chain, wait for each other in no circle: for what they read, and with
 * an update for those who read the variable. */
#ifndef DLG_PARTITION_H
#define DLG_PARTITION_H

#include "cost.h"
#include "fuser.h"

#include <math.h>

#define PART_ANCHORS 10
#define PART_VARS    16
#define PART_SAMPLES 64
#define PART_VISITS  512

typedef uint32_t Mask; /* of anchors */

typedef struct Seen { /* how an anchor reads another, or a variable: what holds of all its reads */
    bool reads, ranged;
    uint8_t aligned, rows; /* as in Read */
} Seen;

typedef struct Parting {
    Arena *arena;
    const Graph *g;
    const Entry *entry;
    const Target *target;
    const bool *need;
    bool *anchor;
    int count;
    NodeId node[PART_ANCHORS];
    int at[64]; /* of each node: its place in node, or -1. Of graphs with up to 64 nodes */
    int vars;
    uint32_t var[PART_VARS];
    Seen seen[PART_ANCHORS][PART_ANCHORS], seen_var[PART_ANCHORS][PART_VARS];
    Mask preds[PART_ANCHORS];       /* what must have run, or run with it */
    Mask updates[PART_VARS];        /* the anchor that updates a variable, as a mask */
    Mask kept, users[PART_ANCHORS]; /* what is returned or updates; who reads it */
    VEC(int32_t) edges;             /* where parts begin that pads and concats put together */
    bool overflow;                  /* a walk found more places than it can note */
    double *ops, *chain, *launch;   /* of each mask, once known: -1 before */
} Parting;

/* ---- The rows of numbers that a point reads --------------------------------------------------- */

typedef struct Visited {
    NodeId id;
    double weight;
    int64_t at[MAX_RANK];
} Visited;

typedef struct Walker {
    Parting *p;
    int sample;
    NodeId start;
    Mask through; /* anchors that are computed here too */
    bool record;
    const int64_t *own;
    double operations;
    int visits;
    Visited visit[PART_VISITS];
} Walker;

/* A number below n that depends on the sample and what it is for, alone. */
static int64_t part_random(int sample, uint32_t what, int64_t n) {
    uint32_t key[2] = {(uint32_t)sample, what};
    return (int64_t)(hash_bytes(key, sizeof(key), 7) % (uint64_t)n);
}

static int64_t part_linear(const Shape *s, const int64_t *at, int axes) {
    int64_t x = 0;
    for (int i = 0; i < axes; i++) x = x * s->dim[i] + at[i];
    return x;
}

static int64_t part_product(const Shape *s, int axes) {
    int64_t n = 1;
    for (int i = 0; i < axes; i++) n *= s->dim[i];
    return n;
}

static void part_record(Walker *w, Seen *seen, NodeId target, const int64_t *at, bool ranged) {
    const Shape *own = &node_at(w->p->g, w->start)->shape, *s = &node_at(w->p->g, target)->shape;
    uint8_t aligned = 0, rows = 0;
    while (aligned < own->rank && aligned < s->rank && at[aligned] == w->own[aligned] &&
           own->dim[aligned] == s->dim[aligned])
        aligned++;
    for (int p = 1; p <= own->rank; p++) {
        int q = 0;
        while (q < s->rank && part_product(s, q) < part_product(own, p)) q++;
        if (part_product(s, q) == part_product(own, p) &&
            part_linear(own, w->own, p) == part_linear(s, at, q))
            rows |= (uint8_t)(1u << (p - 1));
    }
    if (!seen->reads) *seen = (Seen){true, ranged, aligned, rows};
    seen->ranged = seen->ranged || ranged;
    if (aligned < seen->aligned) seen->aligned = aligned;
    seen->rows &= rows;
}

static void part_walk(Walker *w, NodeId id, const int64_t *at, bool ranged, double weight);

/* What a reduction reads at one place of what it reduces. */
static void part_walk_reduction(Walker *w, NodeId id, const int64_t *at, bool ranged,
                                double weight) {
    const Graph *g = w->p->g;
    const Node *n = node_at(g, id);
    Shape inner = reduced_shape(g, n);
    int64_t place[MAX_RANK], in[MAX_RANK], natural[MAX_RANK];
    for (int i = 0; i < inner.rank; i++)
        place[i] = part_random(w->sample, id * 16 + (uint32_t)i + 1000, inner.dim[i]);
    weight *= (double)shape_elems(&inner);
    for (int i = 0; i < n->shape.rank; i++)
        natural[n->op == OP_DOT && n->attrc > 2 ? n->attr[2 + i] : i] = at[i];
    for (uint32_t k = 0; k < n->argc; k++) {
        int rank = node_at(g, n->args[k])->shape.rank, out = 0, r = 0;
        int batch = 0, contracted = 0, free_a = 0;
        if (n->op == OP_DOT) {
            batch = n->attr[0], contracted = n->attr[1];
            free_a = node_at(g, n->args[0])->shape.rank - batch - contracted;
        }
        for (int i = 0; i < rank; i++) {
            if (n->op == OP_DOT)
                in[i] = i >= rank - contracted ? place[i - (rank - contracted)]
                        : i < batch            ? natural[i]
                                               : natural[i + (k == 1 ? free_a : 0)];
            else if (r < inner.rank && n->attr[r] == i)
                in[i] = place[r++];
            else
                in[i] = at[out++];
        }
        part_walk(w, n->args[k], in, ranged, weight);
    }
}

/* Where operand k is read; false: it is not, there. */
static bool part_operand(const Graph *g, const Node *n, uint32_t k, const int64_t *at,
                         int64_t *in) {
    const Shape *from = &node_at(g, n->args[k])->shape;
    int64_t x = part_linear(&n->shape, at, n->shape.rank), before = 0;
    for (int i = from->rank - 1; i >= 0; i--) {
        int a = n->attrc > (uint32_t)(3 * i) ? n->attr[3 * i] : 0;
        int b = n->attrc > (uint32_t)(3 * i + 1) ? n->attr[3 * i + 1] : 0;
        switch (n->op) {
        case OP_RESHAPE: in[i] = x % from->dim[i], x /= from->dim[i]; break;
        case OP_PERMUTE:
            for (int o = 0; o < from->rank; o++)
                if (n->attr[o] == i) in[i] = at[o];
            break;
        case OP_EXPAND: in[i] = from->dim[i] == 1 ? 0 : at[i]; break;
        case OP_SLICE: in[i] = a + b * at[i]; break;
        case OP_PAD:
            in[i] = at[i] - a;
            if (in[i] < 0 || in[i] % (n->attr[3 * i + 2] + 1)) return false;
            in[i] /= n->attr[3 * i + 2] + 1;
            if (in[i] >= from->dim[i]) return false;
            break;
        case OP_CONCAT:
            for (uint32_t o = 0; o < k; o++)
                before += node_at(g, n->args[o])->shape.dim[n->attr[0]];
            in[i] = at[i] - (i == n->attr[0] ? before : 0);
            before = 0;
            if (in[i] < 0 || in[i] >= from->dim[i]) return false;
            break;
        default: in[i] = at[i];
        }
    }
    return true;
}

/* The operands of an operator that reads only where something holds. */
static bool part_ranged(const Node *n) {
    bool pads = n->op == OP_CONCAT;
    for (int i = 0; i < n->shape.rank && n->op == OP_PAD; i++)
        pads = pads || n->attr[3 * i] || n->attr[3 * i + 1] || n->attr[3 * i + 2];
    return pads;
}

/* Node id at a place, `weight` times in all. */
static void part_walk(Walker *w, NodeId id, const int64_t *at, bool ranged, double weight) {
    Parting *p = w->p;
    const Node *n = node_at(p->g, id);
    double v;
    int anchor = p->at[id];
    if (n->op == OP_VAR) {
        for (int i = 0; i < p->vars && w->record; i++)
            if (p->var[i] == (uint32_t)n->attr[0])
                part_record(w, &p->seen_var[p->at[w->start]][i], id, at, ranged);
        return;
    }
    if (anchor >= 0 && id != w->start) {
        if (w->record) part_record(w, &p->seen[p->at[w->start]][anchor], id, at, ranged);
        /* Of its cluster: what another reduction gave is there; all else is computed at this point. */
        if (!(w->through >> anchor & 1) || (is_reduction((Op)n->op))) return;
    }
    if (n->op == OP_CONST || n->op == OP_LITERAL || n->op == OP_IOTA || node_uniform(p->g, id, &v))
        return;
    for (int i = 0; i < w->visits; i++) {
        const Visited *o = &w->visit[i];
        if (o->id == id && o->weight == weight && !memcmp(o->at, at, n->shape.rank * sizeof(at[0])))
            return;
    }
    if (w->visits == PART_VISITS) {
        p->overflow = true;
        return;
    }
    Visited *visit = &w->visit[w->visits++];
    *visit = (Visited){.id = id, .weight = weight};
    memcpy(visit->at, at, n->shape.rank * sizeof(at[0]));
    if (!is_view((Op)n->op) && n->op != OP_CONCAT && n->op != OP_COPY && n->op != OP_STOP)
        w->operations += weight * cost_operations(p->g, n);
    if (is_reduction((Op)n->op)) {
        part_walk_reduction(w, id, at, ranged, weight);
        return;
    }
    for (uint32_t k = 0; k < n->argc; k++) {
        int64_t in[MAX_RANK];
        const Shape *from = &node_at(p->g, n->args[k])->shape;
        if (!part_operand(p->g, n, k, at, in)) continue;
        double times = weight;
        /* What does not change along the last axes is computed before the loop over them. */
        int same = from->rank;
        while (n->op == OP_EXPAND && same > 0 && from->dim[same - 1] == 1) same--;
        for (int i = same; n->op == OP_EXPAND && i < from->rank; i++) times /= n->shape.dim[i];
        part_walk(w, n->args[k], in, ranged || part_ranged(n), times);
    }
}

/* A point at random; the same for shapes that begin alike. */
static void part_point(int sample, const Shape *s, int64_t *at) {
    for (int i = 0; i < s->rank; i++) at[i] = part_random(sample, (uint32_t)i, s->dim[i]);
}

static void part_find_edges(Parting *p) {
    for (NodeId id = 0; id < p->g->nodes.len; id++) {
        const Node *n = node_at(p->g, id);
        int32_t at = 0;
        for (int i = 0; i < n->shape.rank && n->op == OP_PAD; i++)
            vec_push(p->arena, &p->edges, n->attr[3 * i]);
        for (uint32_t k = 0; k < n->argc && n->op == OP_CONCAT; k++) {
            vec_push(p->arena, &p->edges, at);
            at += node_at(p->g, n->args[k])->shape.dim[n->attr[0]];
        }
    }
}

/* From points at random, and from those where a part begins that few points would hit. */
static void part_find_reads(Parting *p) {
    part_find_edges(p);
    int samples = p->edges.len ? 2 * PART_SAMPLES : PART_SAMPLES;
    for (int a = 0; a < p->count; a++) {
        const Shape *s = &node_at(p->g, p->node[a])->shape;
        for (int sample = 0; sample < samples; sample++) {
            int64_t own[MAX_RANK];
            Walker w = {.p = p, .sample = sample, .start = p->node[a], .record = true, .own = own};
            part_point(sample, s, own);
            for (int i = 0; i < s->rank && sample >= PART_SAMPLES && p->edges.len; i++) {
                int64_t which = part_random(sample, (uint32_t)i + 100, 2 * p->edges.len);
                if (which < p->edges.len) own[i] = p->edges.at[which] % s->dim[i];
            }
            part_walk(&w, p->node[a], own, false, 1);
        }
    }
}

/* ---- What depends on what --------------------------------------------------------------------- */

static void part_find_order(Parting *p) {
    for (int a = 0; a < p->count; a++) {
        for (int b = 0; b < p->count; b++) {
            if (!p->seen[a][b].reads) continue;
            p->preds[a] |= 1u << b;
            p->users[b] |= 1u << a;
        }
    }
    for (uint32_t i = 0; i < p->entry->outputs.len; i++)
        p->kept |= 1u << p->at[p->entry->outputs.at[i].node];
    for (uint32_t i = 0; i < p->entry->updates.len; i++) {
        const Update *u = &p->entry->updates.at[i];
        int a = p->at[u->node], v = 0;
        p->kept |= 1u << a;
        while (v < p->vars && p->var[v] != u->var) v++;
        if (v == p->vars) continue;
        p->updates[v] = 1u << a;
        for (int b = 0; b < p->count; b++)
            if (b != a && p->seen_var[b][v].reads) p->preds[a] |= 1u << b;
    }
}

static Mask part_preds(const Parting *p, Mask set) {
    Mask all = 0;
    for (int a = 0; a < p->count; a++)
        if (set >> a & 1) all |= p->preds[a];
    return all & ~set;
}

/* Whether sets, of which each waits for the others' members that it depends on, can all run. */
static bool part_no_circle(const Parting *p, const Mask *set, int n) {
    Mask all = 0, done = 0;
    for (int i = 0; i < n; i++) all |= set[i];
    for (int round = 0; round < n; round++) {
        for (int i = 0; i < n; i++)
            if (!(part_preds(p, set[i]) & all & ~done)) done |= set[i];
    }
    return done == all;
}

/* ---- Clusters --------------------------------------------------------------------------------- */

static const Node *part_node(const Parting *p, int a) {
    return node_at(p->g, p->node[a]);
}

static bool part_reduces(const Parting *p, int a) {
    return is_reduction((Op)part_node(p, a)->op);
}

/* The space of a cluster, or false: it has none. *inner: rank 0 without one. */
static bool part_space(const Parting *p, Mask set, Shape *outer, Shape *inner) {
    int reductions = 0, dots = 0;
    bool first = true;
    for (int a = 0; a < p->count; a++) {
        if (!(set >> a & 1) || !part_reduces(p, a)) continue;
        if (reductions++ && !shape_equal(outer, &part_node(p, a)->shape)) return false;
        *outer = part_node(p, a)->shape;
        dots += part_node(p, a)->op == OP_DOT;
    }
    if (dots && reductions > 1) return false;
    inner->rank = 0;
    for (int a = 0; a < p->count; a++) {
        if (!(set >> a & 1) || part_reduces(p, a)) continue;
        const Shape *s = &part_node(p, a)->shape;
        Shape rest = {0};
        if (!reductions && first) *outer = *s;
        if (shape_equal(s, outer)) {
            first = false;
            continue;
        }
        if (!reductions || dots || s->rank <= outer->rank ||
            memcmp(s->dim, outer->dim, outer->rank * sizeof(s->dim[0])) != 0)
            return false;
        for (int i = outer->rank; i < s->rank; i++) rest.dim[rest.rank++] = s->dim[i];
        if (inner->rank && !shape_equal(&rest, inner)) return false;
        if (shape_elems(outer) < 4 && shape_elems(s) > 4096) return false; /* one item, so much */
        *inner = rest;
    }
    return true;
}

static bool part_is_cluster(const Parting *p, Mask set) {
    Shape outer = {0}, inner = {0};
    if (!(set & (set - 1))) return true;
    if (!part_space(p, set, &outer, &inner)) return false;
    for (int a = 0; a < p->count; a++) {
        if (!(set >> a & 1)) continue;
        for (int b = 0; b < p->count; b++) {
            const Seen *s = &p->seen[a][b];
            if (!(set >> b & 1) || a == b || !s->reads) continue;
            int own = part_reduces(p, a) ? outer.rank : part_node(p, b)->shape.rank;
            if (s->ranged || s->aligned < own) return false;
        }
        for (int v = 0; v < p->vars; v++) {
            const Seen *s = &p->seen_var[a][v];
            if (!(p->updates[v] & set & ~(1u << a)) || !s->reads) continue;
            int u = 0;
            while (!(p->updates[v] >> u & 1)) u++;
            if (s->ranged || s->aligned < part_node(p, u)->shape.rank) return false;
        }
    }
    return true;
}

/* The operations of a cluster: what several of its members need at one point counts once. */
static double part_operations(Parting *p, Mask set) {
    if (p->ops[set] >= 0) return p->ops[set];
    double sum = 0;
    const int samples = 4;
    for (int sample = 0; sample < samples; sample++) {
        Walker w = {.p = p, .sample = sample, .through = set};
        for (int a = 0; a < p->count; a++) {
            int64_t own[MAX_RANK];
            if (!(set >> a & 1)) continue;
            w.start = p->node[a];
            part_point(sample, &part_node(p, a)->shape, own);
            part_walk(&w, p->node[a], own, false, (double)shape_elems(&part_node(p, a)->shape));
        }
        sum += w.operations;
    }
    return p->ops[set] = sum / samples;
}

static double part_bytes(const Parting *p, int a) {
    const Node *n = part_node(p, a);
    return (double)shape_elems(&n->shape) * dtype_bytes((DType)n->dtype);
}

/* ---- Chains ----------------------------------------------------------------------------------- */

/* Whether a cluster has so many rows: its leading axes, without those along which a contraction's tile lies. */
static bool part_has_rows(const Parting *p, Mask cluster, int64_t rows) {
    Shape outer = {0}, inner = {0};
    part_space(p, cluster, &outer, &inner);
    int most = outer.rank;
    for (int a = 0; a < p->count; a++) {
        const Node *n = part_node(p, a);
        if (!(cluster >> a & 1) || n->op != OP_DOT) continue;
        int columns = node_at(p->g, n->args[1])->shape.rank - n->attr[0] - n->attr[1];
        while (most > 0 &&
               (n->attrc > 2 ? n->attr[2 + most - 1] : most - 1) >= outer.rank - columns)
            most--;
    }
    for (int i = 0; i <= most; i++)
        if (part_product(&outer, i) == rows) return true;
    return false;
}

static bool part_own_rows(const Parting *p, const Seen *s, int reader, int64_t rows) {
    const Shape *shape = &part_node(p, reader)->shape;
    if (rows == 1) return true;
    for (int i = 1; i <= shape->rank; i++)
        if (part_product(shape, i) == rows) return s->rows >> (i - 1) & 1;
    return false;
}

/* Whether what one cluster reads of the rest of the chain is its own row. */
static bool part_reads_rows(const Parting *p, Mask cluster, Mask rest, int64_t rows) {
    for (int a = 0; a < p->count; a++) {
        if (!(cluster >> a & 1)) continue;
        for (int b = 0; b < p->count; b++)
            if (rest >> b & 1 && p->seen[a][b].reads && !part_own_rows(p, &p->seen[a][b], a, rows))
                return false;
        for (int v = 0; v < p->vars; v++)
            if (p->updates[v] & rest && p->seen_var[a][v].reads &&
                !part_own_rows(p, &p->seen_var[a][v], a, rows))
                return false;
    }
    return true;
}

static double part_work_ns(const Parting *p, Mask set) {
    double operations = 0;
    for (int a = 0; a < p->count; a++)
        if (set >> a & 1)
            operations += (double)shape_elems(&part_node(p, a)->shape) *
                          cost_operations(p->g, part_node(p, a));
    return cost_ns(p->target, 0, 0, operations);
}

static bool part_multiplies_twice(const Parting *p, Mask set) {
    NodeId by[PART_ANCHORS];
    int n = 0;
    for (int a = 0; a < p->count; a++) {
        if (!(set >> a & 1) || part_node(p, a)->op != OP_DOT) continue;
        NodeId right = part_node(p, a)->args[1];
        for (int i = 0; i < n; i++)
            if (by[i] == right) return true;
        by[n++] = right;
    }
    return false;
}

static bool part_rows_allowed(const Parting *p, Mask set, int64_t rows) {
    return p->target->lanes > 1 && !part_multiplies_twice(p, set) &&
           (rows >= 16 || part_work_ns(p, set) <= 15360);
}

/* What a chain, or one cluster (rows 0), costs beyond what it reads: its operations, and what it leaves in memory:
 * because another launch needs it, or because a group's own memory does not hold its rows. */
static double part_cost_of(Parting *p, const Mask *cluster, int n, int64_t rows) {
    double operations = 0, bytes = 0;
    Mask all = 0;
    for (int i = 0; i < n; i++) all |= cluster[i];
    for (int i = 0; i < n; i++) {
        operations += part_operations(p, cluster[i]);
        for (int a = 0; a < p->count; a++) {
            if (!(cluster[i] >> a & 1)) continue;
            int64_t block = rows >= 1024 ? 32 : rows >= 256 ? 16 : rows >= 32 ? 8 : 4;
            if (block > rows) block = rows;
            bool outside = (p->kept >> a & 1) || p->users[a] & ~all;
            bool handed = p->users[a] & all & ~cluster[i];
            if (outside || (handed && part_bytes(p, a) / (double)rows * (double)block > 32 * 1024))
                bytes += part_bytes(p, a);
        }
    }
    return cost_ns(p->target, 0, bytes, operations);
}

typedef struct Chaining {
    Parting *p;
    Mask all, cluster[PART_ANCHORS];
    int n;
    int64_t rows;
    double best;
} Chaining;

/* Deals what is left of the set out to clusters. */
static void part_deal(Chaining *c, Mask left) {
    Parting *p = c->p;
    if (!left) {
        if (c->n < 2 || !part_no_circle(p, c->cluster, c->n)) return;
        double cost = part_cost_of(p, c->cluster, c->n, c->rows);
        if (cost < c->best) c->best = cost;
        return;
    }
    Mask first = left & (~left + 1), rest = left & ~first;
    for (Mask more = rest;; more = (more - 1) & rest) {
        Mask set = first | more;
        if (set != c->all && part_is_cluster(p, set) && part_has_rows(p, set, c->rows) &&
            part_reads_rows(p, set, c->all & ~set, c->rows)) {
            c->cluster[c->n++] = set;
            part_deal(c, left & ~set);
            c->n--;
        }
        if (!more) break;
    }
}

/* The least that a set costs as one cluster or one chain, but for what it reads; INFINITY: it cannot be. */
static double part_chain(Parting *p, Mask set) {
    if (p->chain[set] >= 0) return p->chain[set];
    Chaining c = {.p = p, .all = set, .best = INFINITY};
    if (part_is_cluster(p, set)) c.best = part_cost_of(p, &set, 1, 0);
    if (set & (set - 1)) {
        int64_t tried[MAX_RANK + 1];
        int any = 0, n = 0;
        while (!(set >> any & 1)) any++;
        const Shape *s = &part_node(p, any)->shape;
        for (int i = 0; i <= s->rank; i++) {
            c.rows = part_product(s, i);
            if ((n && tried[n - 1] == c.rows) || !part_rows_allowed(p, set, c.rows)) continue;
            tried[n++] = c.rows;
            part_deal(&c, set);
        }
    }
    return p->chain[set] = c.best;
}

/* ---- Launches --------------------------------------------------------------------------------- */

/* A launch, and once each that it reads from memory. */
static double part_reads_ns(const Parting *p, Mask set) {
    double bytes = 0;
    for (int b = 0; b < p->count; b++)
        if (p->users[b] & set && !(set >> b & 1)) bytes += part_bytes(p, b);
    for (int v = 0; v < p->vars; v++) {
        NodeId var = NO_NODE;
        bool read = false;
        for (int a = 0; a < p->count; a++) read = read || (set >> a & 1 && p->seen_var[a][v].reads);
        if (!read || p->updates[v] & set) continue; /* what is updated counts once, as written */
        for (NodeId id = 0; id < p->g->nodes.len; id++) {
            const Node *n = node_at(p->g, id);
            if (n->op == OP_VAR && (uint32_t)n->attr[0] == p->var[v]) var = id;
        }
        const Node *n = node_at(p->g, var);
        bytes += (double)shape_elems(&n->shape) * dtype_bytes((DType)n->dtype);
    }
    return cost_ns(p->target, 1, bytes, 0);
}

static Mask part_component(const Parting *p, Mask set, Mask part) {
    for (Mask before = 0; before != part;) {
        before = part;
        for (int a = 0; a < p->count; a++) {
            if (!(set >> a & 1)) continue;
            if (part >> a & 1)
                part |= p->preds[a] & set;
            else if (p->preds[a] & part)
                part |= 1u << a;
        }
    }
    return part;
}

/* The least of a set as chains that do not wait for each other. */
static double part_chains(Parting *p, Mask set) {
    if (!set) return 0;
    Mask parts[PART_ANCHORS], left = set;
    int n = 0;
    double best = INFINITY;
    while (left) {
        parts[n] = part_component(p, set, left & (~left + 1));
        left &= ~parts[n++];
    }
    for (uint32_t which = 0; which < 1u << (n - 1); which++) { /* that stay with the first */
        Mask chain = parts[0];
        for (int i = 1; i < n; i++)
            if (which >> (i - 1) & 1) chain |= parts[i];
        double cost = part_chain(p, chain);
        if (cost < best) cost += part_chains(p, set & ~chain);
        if (cost < best) best = cost;
    }
    return best;
}

static double part_launch(Parting *p, Mask set) {
    if (p->launch[set] < 0) p->launch[set] = part_chains(p, set) + part_reads_ns(p, set);
    return p->launch[set];
}

/* The least that all of it costs; how[]: its launches, 0 after the last. */
static double part_best(Parting *p, Mask *how) {
    Mask all = (1u << p->count) - 1;
    double *best = NEW_ARRAY(p->arena, double, all + 1);
    Mask *last = NEW_ARRAY(p->arena, Mask, all + 1);
    for (Mask m = 1; m <= all; m++) best[m] = INFINITY;
    for (Mask done = 0; done < all; done++) {
        if (best[done] == INFINITY) continue;
        Mask left = all & ~done;
        for (Mask set = left; set; set = (set - 1) & left) {
            if (part_preds(p, set) & ~done) continue;
            double cost = best[done] + part_launch(p, set);
            if (cost < best[done | set]) best[done | set] = cost, last[done | set] = set;
        }
    }
    int n = 0;
    Mask back[PART_ANCHORS + 1];
    for (Mask m = all; m && best[m] < INFINITY; m &= ~last[m]) back[n++] = last[m];
    for (int i = 0; i < n; i++) how[i] = back[n - 1 - i];
    how[n] = 0;
    return best[all];
}

/* ---- A set of anchors -------------------------------------------------------------------------- */

/* False: there are more anchors, or variables, than all partitions can be tried of. */
static bool part_open(Parting *p, Arena *arena, const Fused *f, const bool *anchor,
                      const Target *target) {
    memset(p, 0, sizeof(*p));
    p->arena = arena;
    p->g = f->g;
    p->entry = f->entry;
    p->target = target;
    p->need = f->fuser->need;
    for (NodeId id = 0; id < p->g->nodes.len; id++) {
        const Node *n = node_at(p->g, id);
        p->at[id] = -1;
        if (!p->need[id]) continue;
        if (n->op == OP_VAR) {
            if (p->vars == PART_VARS) return false;
            p->var[p->vars++] = (uint32_t)n->attr[0];
        }
        if (!anchor[id]) continue;
        if (p->count == PART_ANCHORS) return false;
        p->at[id] = p->count;
        p->node[p->count++] = id;
    }
    size_t sets = (size_t)1 << p->count;
    p->ops = NEW_ARRAY(arena, double, sets);
    p->chain = NEW_ARRAY(arena, double, sets);
    p->launch = NEW_ARRAY(arena, double, sets);
    for (size_t i = 0; i < sets; i++) p->ops[i] = p->chain[i] = p->launch[i] = -1;
    part_find_reads(p);
    part_find_order(p);
    return true;
}

#endif

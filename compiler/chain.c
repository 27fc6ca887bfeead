/* chain: from clusters to launches; see Chain in fuse.h.
 *
 * Clusters are taken in an order in which they may run. Each belongs to a level: after the launches of all
 * that it waits for, or among them, where it can go through the same rows as those: then it joins their
 * chain. So a launch never waits for a later one, whatever is joined. Chains of one level do not wait for
 * each other and share a launch.
 *
 * When a chain is worth it: it saves launches, and what its clusters hand on stays in a core's cache. It
 * costs the ways to deal out work that are not by rows; so it wants LEAST_ROWS rows, or work so small that
 * a device would do it on one core anyway, and takes nothing in that would cost it more of the group's own
 * memory than a launch is worth. A chain multiplies by no tensor twice: the steps of an unrolled loop stay chains
 * of their own, whose kernels are one.
 *
 * Requires: the order holds all clusters. */
#include "cost.h"
#include "fuser.h"

#include <limits.h>

#define MAX_SECTIONS 16 /* of a kernel */
#define MAX_BUFFERS  64 /* of a launch that clusters share */
#define MAX_STAGES   16 /* clusters of a chain */
#define LEAST_ROWS   16
#define LEAST_BLOCK  4           /* rows of a block, where a contraction has them too */
#define LARGE_COPY   16384       /* elements: about ten launches */
#define SMALL_NS     15360.0     /* a second core would come too late */
#define TILE_BYTES   (32 * 1024) /* of what a group keeps for itself: one, ... */
#define TILES_BYTES  (64 * 1024) /* ... and all of a chain */

typedef struct Strand { /* a chain that is being made */
    Ids clusters;       /* in the order given */
    uint32_t level;
    uint32_t buffers;
    double ns;
    int64_t rows;  /* 0: one cluster */
    uint32_t into; /* itself, or the strand that it became part of */
} Strand;

typedef struct Chainer {
    Fuser *f;
    VEC(Strand) strands;
    uint32_t *of;    /* of each cluster: its strand when it was placed; see strand_of */
    uint32_t *stamp; /* of each cluster: in the set of `now` */
    uint32_t now;
    uint32_t *touched; /* of each node: by the set of `touch` */
    uint32_t touch;
} Chainer;

static uint32_t strand_of(Chainer *c, uint32_t cluster) {
    uint32_t s = c->of[cluster];
    while (c->strands.at[s].into != s) s = c->strands.at[s].into;
    return c->of[cluster] = s;
}

/* ---- What a cluster costs ------------------------------------------------------------------- */

/* The time that one core takes: for its members and what is computed where they use it, and for what comes from
 * memory because its cache does not hold it. */
static double cluster_ns(const Fuser *f, const Cluster *cl) {
    double operations = 0, bytes = 0;
    Arena *scratch = arena_open(f->arena);
    NumberSet seen = {.arena = scratch};
    Ids open = {0};
    for (uint32_t m = 0; m < cl->members.len; m++) vec_push(scratch, &open, cl->members.at[m]);
    while (open.len) {
        NodeId id = open.at[--open.len];
        const Node *n = node_at(f->g, id);
        double elems = (double)shape_elems(&n->shape);
        if (!set_add(&seen, id)) continue;
        bool member = f->of[id] != NO_CLUSTER && f->clusters.at[f->of[id]] == cl;
        if (!member && (n->op == OP_VAR || f->of[id] != NO_CLUSTER || f->whole[id] != NO_NODE)) {
            bytes += elems * dtype_bytes((DType)n->dtype);
            continue;
        }
        if (!is_view((Op)n->op) && n->argc) operations += elems * cost_operations(f->g, n);
        for (uint32_t i = 0; i < n->argc; i++) vec_push(scratch, &open, n->args[i]);
    }
    arena_close(scratch);
    return cost_ns(f->options->target, 0, bytes > f->options->target->cache_bytes ? bytes : 0,
                   operations);
}

/* Rows that a group takes through a chain at a time: enough for the tiles of a contraction, few enough
 * that all cores get some, and the more the longer what is multiplied by is read. */
static int32_t block_rows(int64_t rows) {
    int32_t block = rows >= 1024 ? 32 : rows >= 256 ? 16 : rows >= 32 ? 8 : 4;
    return block < rows ? block : (int32_t)rows;
}

/* ---- Rows ----------------------------------------------------------------------------------- */

/* How many leading axes of a cluster are `rows` rows; -1: none are. */
static int row_axes(const Fuser *f, const Cluster *cl, int64_t rows) {
    int most = cl->outer.rank;
    for (uint32_t m = 0; m < cl->members.len && cl->has_dot; m++) {
        const Node *n = node_at(f->g, cl->members.at[m]);
        if (n->op != OP_DOT) continue;
        /* The columns stay together: a tile wants them. */
        int columns = node_at(f->g, n->args[1])->shape.rank - n->attr[0] - n->attr[1];
        int first = n->shape.rank - columns; /* in the order batch, free, free */
        for (int i = n->shape.rank; i-- > 0 && (n->attrc > 2 ? n->attr[2 + i] : i) >= first;)
            most--;
        break;
    }
    int64_t product = 1;
    for (int p = 0; p <= most; p++) {
        if (product == rows) return p;
        if (p < most) product *= cl->outer.dim[p];
    }
    return -1;
}

/* Whether all that cluster `c` reads of the set, or of what the set updates, is of its own row. */
static bool reads_own_rows(const Chainer *c, uint32_t cluster, int64_t rows) {
    const Fuser *f = c->f;
    const Cluster *cl = f->clusters.at[cluster];
    int axes = row_axes(f, cl, rows);
    if (axes < 0) return false;
    if (axes == 0) return true; /* one row: a group does everything, in order */
    for (uint32_t m = 0; m < cl->members.len; m++) {
        const Reads *reads = &f->reads[cl->members.at[m]];
        for (uint32_t i = 0; i < reads->len; i++) {
            const Read *r = &reads->at[i];
            const Node *t = node_at(f->g, r->target);
            NodeId id = t->op == OP_VAR ? fuse_update_of(f, r->target) : r->target;
            if (id == NO_NODE || f->of[id] == cluster || c->stamp[f->of[id]] != c->now) continue;
            if (!(r->rows >> (axes - 1) & 1)) return false;
        }
    }
    return true;
}

/* Whether each block of rows would bring in anew what a contraction multiplies by, for a core's cache does not
 * hold it, or look anew at all that is scattered. */
static bool streams_anew(const Fuser *f, const Cluster *cl, int64_t rows) {
    for (uint32_t m = 0; m < cl->members.len && rows > 1 && f->options->target->lanes > 1; m++)
        if (node_at(f->g, cl->members.at[m])->op == OP_SCATTER) return true;
    for (uint32_t m = 0; m < cl->members.len && cl->has_dot && rows > 1; m++) {
        const Node *n = node_at(f->g, cl->members.at[m]);
        if (n->op != OP_DOT || block_rows(rows) >= rows) continue;
        const Shape *a = &node_at(f->g, n->args[0])->shape, *b = &node_at(f->g, n->args[1])->shape;
        int64_t each = shape_elems(b), length = 1;
        for (int i = 0; i < n->attr[0]; i++) each /= a->dim[i]; /* a batch has one of its own */
        for (int i = 0; i < n->attr[1]; i++) length *= b->dim[b->rank - 1 - i];
        const bool turned = layout_lies_along(f->g, f->arena, n->args[1], b->rank - 1);
        if (each * 4 > f->options->target->cache_bytes ||
            cost_packs(f->options->target, rows, each / length, length, turned))
            return true;
    }
    return false;
}

static bool set_fits(const Chainer *c, const Ids *set, int64_t rows) {
    for (uint32_t i = 0; i < set->len; i++) {
        if (streams_anew(c->f, c->f->clusters.at[set->at[i]], rows)) return false;
        if (!reads_own_rows(c, set->at[i], rows)) return false;
    }
    return true;
}

/* The most rows that the set can share, or 0. */
static int64_t common_rows(Chainer *c, const Ids *set, double ns) {
    const Shape *outer = &c->f->clusters.at[set->at[set->len - 1]]->outer;
    c->now++;
    for (uint32_t i = 0; i < set->len; i++) c->stamp[set->at[i]] = c->now;
    for (int p = outer->rank; p >= 0; p--) {
        Shape lead = *outer;
        lead.rank = (uint8_t)p;
        int64_t rows = shape_elems(&lead);
        if (rows < LEAST_ROWS && ns > SMALL_NS) return 0;
        if (set_fits(c, set, rows)) return rows;
    }
    return 0;
}

/* Whether two contractions of the set multiply by one tensor, seen alike: as steps do, and not a layer and its
 * gradient. */
static bool multiplies_twice(const Chainer *c, const Ids *set) {
    const Fuser *f = c->f;
    NodeId by[MAX_STAGES];
    uint32_t n = 0;
    for (uint32_t i = 0; i < set->len; i++) {
        const Cluster *cl = f->clusters.at[set->at[i]];
        for (uint32_t m = 0; m < cl->members.len && cl->has_dot; m++) {
            const Node *dot = node_at(f->g, cl->members.at[m]);
            if (dot->op != OP_DOT) continue;
            for (uint32_t k = 0; k < n; k++) {
                if (by[k] == dot->args[1]) return true;
            }
            if (n < MAX_STAGES) by[n++] = dot->args[1];
        }
    }
    return false;
}

/* How many buffers a kernel of the set works on, at most. */
static uint32_t set_buffers(Chainer *c, const Ids *set) {
    const Fuser *f = c->f;
    uint32_t n = 0;
    if (!c->touched) c->touched = NEW_ARRAY(f->arena, uint32_t, f->g->nodes.len + 1);
    c->touch++;
    for (uint32_t i = 0; i < set->len; i++) {
        const Cluster *cl = f->clusters.at[set->at[i]];
        for (uint32_t m = 0; m < cl->members.len; m++) {
            const Reads *reads = &f->reads[cl->members.at[m]];
            for (uint32_t k = 0; k <= reads->len; k++) {
                NodeId t = k < reads->len ? reads->at[k].target : cl->members.at[m];
                while (f->whole[t] != NO_NODE) t = f->whole[t];
                n += c->touched[t] != c->touch;
                c->touched[t] = c->touch;
            }
        }
    }
    return n;
}

/* Why a set, in the order in which it runs, is no chain; else the rows and buffers that it has. */
static Reason set_refusal(Chainer *c, const Ids *set, double ns, int64_t *rows, uint32_t *buffers) {
    if (set->len > MAX_STAGES) return REASON_LARGE;
    if (!(*rows = common_rows(c, set, ns))) return REASON_ROWS;
    if (multiplies_twice(c, set)) return REASON_TWICE;
    *buffers = set_buffers(c, set);
    return *buffers > MAX_CLUSTER_BUFFERS ? REASON_BUFFERS : REASON_NONE;
}

/* ---- Strands -------------------------------------------------------------------------------- */

static uint32_t new_strand(Chainer *c, uint32_t cluster, uint32_t level) {
    const Cluster *cl = c->f->clusters.at[cluster];
    Strand s = {.level = level,
                .buffers = fuse_buffers(c->f, cl),
                .ns = cluster_ns(c->f, cl),
                .into = c->strands.len};
    vec_push(c->f->arena, &s.clusters, cluster);
    vec_push(c->f->arena, &c->strands, s);
    return s.into;
}

static bool may_chain(const Fuser *f, const Cluster *cl) {
    const FuseOptions *o = f->options;
    return !o->apart && !o->single && !o->unchained && !cl->loop && o->target->lanes > 1;
}

/* Whether a group's own memory holds a few of so many rows of a node. */
static bool holds_rows(const Fuser *f, NodeId id, int64_t rows) {
    return shape_elems(&node_at(f->g, id)->shape) / rows * 4 * LEAST_BLOCK <= TILE_BYTES;
}

/* Bytes of a node that a block of rows has. */
static int64_t block_bytes(const Node *n, int64_t rows) {
    return shape_elems(&n->shape) / rows * block_rows(rows) * dtype_bytes((DType)n->dtype);
}

/* Whether what `cluster` hands on would fit a group's own memory by finer rows, with those who read it next,
 * but by these does not: attention's scores, that a block of queries has by itself. */
static bool too_coarse(const Chainer *c, uint32_t cluster, int64_t rows) {
    const Fuser *f = c->f;
    const Cluster *cl = f->clusters.at[cluster];
    int axes = row_axes(f, cl, rows);
    for (uint32_t m = 0; m < cl->members.len; m++) {
        NodeId id = cl->members.at[m];
        const Node *n = node_at(f->g, id);
        if (block_bytes(n, rows) <= TILE_BYTES) continue;
        for (uint32_t i = 0; i < f->users[id].len; i++) {
            NodeId user = f->users[id].at[i];
            const Reads *reads = &f->reads[user];
            int64_t finer = rows;
            for (int p = axes; p < cl->outer.rank; p++) {
                finer *= cl->outer.dim[p];
                if (f->of[user] == cluster || finer == rows || !holds_rows(f, id, finer) ||
                    row_axes(f, cl, finer) < 0)
                    continue;
                int q = row_axes(f, f->clusters.at[f->of[user]], finer);
                for (uint32_t k = 0; k < reads->len && q > 0; k++) {
                    if (reads->at[k].target == id && reads->at[k].rows >> (q - 1) & 1) return true;
                }
            }
        }
    }
    return false;
}

static bool has_cluster(const Strand *s, uint32_t cluster) {
    for (uint32_t i = 0; i < s->clusters.len; i++) {
        if (s->clusters.at[i] == cluster) return true;
    }
    return false;
}

/* Whether a strand loses more by going through so few rows, in memory instead of the group's own, than a launch
 * costs: of what only its own clusters need. */
static bool loses_tiles(const Chainer *c, const Strand *s, int64_t rows) {
    const Fuser *f = c->f;
    double bytes = 0;
    for (uint32_t i = 0; i < s->clusters.len && s->rows > rows; i++) {
        const Cluster *cl = f->clusters.at[s->clusters.at[i]];
        for (uint32_t m = 0; m < cl->members.len; m++) {
            NodeId id = cl->members.at[m];
            const Node *n = node_at(f->g, id);
            const Ids *users = &f->users[id];
            bool handed_on = false, only_here = !f->fixed[id];
            for (uint32_t u = 0; u < users->len; u++) {
                uint32_t by = f->of[users->at[u]];
                handed_on = handed_on || by != s->clusters.at[i];
                only_here = only_here && has_cluster(s, by);
            }
            if (handed_on && only_here && holds_rows(f, id, s->rows) && !holds_rows(f, id, rows))
                bytes += (double)shape_elems(&n->shape) * dtype_bytes((DType)n->dtype);
        }
    }
    return cost_ns(f->options->target, 0, bytes, 0) > f->options->target->launch_ns;
}

/* Cluster `cluster` after all clusters of these strands in one chain, if it can be. */
static bool join(Chainer *c, const Ids *strands, uint32_t cluster) {
    Fuser *f = c->f;
    const Cluster *cl = f->clusters.at[cluster];
    Ids set = {0};
    uint32_t count = 1;
    double ns = cluster_ns(f, cl);
    if (!may_chain(f, cl)) return false;
    for (uint32_t i = 0; i < strands->len; i++) {
        const Strand *s = &c->strands.at[strands->at[i]];
        if (!may_chain(f, f->clusters.at[s->clusters.at[0]])) return false;
        count += s->clusters.len;
        ns += s->ns;
    }
    if (count > MAX_STAGES) return false;
    for (uint32_t i = 0; i < strands->len; i++) {
        const Strand *s = &c->strands.at[strands->at[i]];
        for (uint32_t k = 0; k < s->clusters.len; k++) vec_push(f->arena, &set, s->clusters.at[k]);
    }
    vec_push(f->arena, &set, cluster);
    uint32_t buffers;
    int64_t rows;
    if (set_refusal(c, &set, ns, &rows, &buffers) != REASON_NONE) return false;
    if (too_coarse(c, cluster, rows)) return false;
    for (uint32_t i = 0; i < strands->len; i++)
        if (loses_tiles(c, &c->strands.at[strands->at[i]], rows)) return false;
    if (!graph_rewrites(f->g, "kernels go through the same rows as one", cl->members.at[0]))
        return false;
    uint32_t first = strands->at[0];
    Strand *all = &c->strands.at[first];
    for (uint32_t i = 1; i < strands->len; i++) c->strands.at[strands->at[i]].into = first;
    *all = (Strand){set, all->level, buffers, ns, rows, first};
    c->of[cluster] = first;
    return true;
}

/* The strands of the latest level among what a cluster waits for; *level: which. */
static void latest(Chainer *c, const Ids *preds, Ids *strands, uint32_t *level) {
    strands->len = 0;
    *level = 0;
    for (uint32_t i = 0; i < preds->len; i++) {
        const Strand *s = &c->strands.at[strand_of(c, preds->at[i])];
        if (s->level > *level) *level = s->level;
    }
    for (uint32_t i = 0; i < preds->len; i++) {
        uint32_t s = strand_of(c, preds->at[i]), k = 0;
        if (c->strands.at[s].level != *level) continue;
        while (k < strands->len && strands->at[k] != s) k++;
        if (k == strands->len && k < MAX_STAGES) vec_push(c->f->arena, strands, s);
    }
}

/* The body of a loop as one chain: then a group runs all turns, each after the other. What is carried is
 * read at its own row, too. */
static bool whole_body(Chainer *c, const Ids *order) {
    Fuser *f = c->f;
    Ids set = {0};
    double ns = 0;
    if (!f->options->body || order->len == 0 || order->len > MAX_STAGES) return false;
    for (uint32_t i = 0; i < order->len; i++) {
        const Cluster *cl = f->clusters.at[order->at[i]];
        if (!may_chain(f, cl)) return false;
        vec_push(f->arena, &set, order->at[i]);
        ns += cluster_ns(f, cl);
    }
    uint32_t buffers = set_buffers(c, &set);
    if (buffers > MAX_CLUSTER_BUFFERS) return false;
    int64_t rows = common_rows(c, &set, ns);
    NodeId first = f->clusters.at[order->at[0]]->members.at[0];
    if (!rows || !graph_rewrites(f->g, "a loop is in one kernel", first)) return false;
    Strand all = {.clusters = set, .level = 1, .buffers = buffers, .ns = ns, .rows = rows};
    vec_push(f->arena, &c->strands, all);
    for (uint32_t i = 0; i < order->len; i++) c->of[order->at[i]] = 0;
    return true;
}

static void make_strands(Chainer *c, const Ids *order) {
    Ids strands = {0};
    for (uint32_t i = 0; i < order->len; i++) {
        uint32_t cluster = order->at[i], level;
        fuse_predecessors(c->f, cluster, &c->f->preds);
        latest(c, &c->f->preds, &strands, &level);
        if (strands.len && strands.len < MAX_STAGES && join(c, &strands, cluster)) continue;
        c->of[cluster] = new_strand(c, cluster, level + 1);
    }
}

/* ---- Launches ------------------------------------------------------------------------------- */

static void add_chain(Chainer *c, const Strand *s, uint32_t launch, Fused *out) {
    Fuser *f = c->f;
    Chain chain = {.first = out->clusters.len,
                   .count = s->clusters.len,
                   .rows = s->rows,
                   .block = s->rows ? block_rows(s->rows) : 0};
    for (uint32_t i = 0; i < s->clusters.len; i++) {
        Cluster *cl = f->clusters.at[s->clusters.at[i]];
        cl->launch = launch;
        cl->chain = out->chains.len;
        vec_push(f->arena, &out->clusters, cl);
    }
    vec_push(f->arena, &out->chains, chain);
}

/* Whether it is a copy whose last axis is another one in what it copies (see schedule_copy.c). */
static bool is_turned_copy(const Fuser *f, const Cluster *cl) {
    if (cl->members.len > 1) return false;
    const Node *copy = node_at(f->g, cl->members.at[0]);
    const Node *turned = copy->op == OP_COPY ? node_at(f->g, copy->args[0]) : copy;
    const int axes = copy->shape.rank;
    if (turned->op != OP_PERMUTE || axes < 2 || turned->attr[axes - 1] == axes - 1) return false;
    const int32_t *dim = copy->shape.dim;
    return dim[axes - 1] >= TURNED_LEAST && dim[axes - 2] >= TURNED_LEAST;
}

/* Whether it is one that is made in blocks (see there, too). */
static bool is_blocked_copy(const Fuser *f, const Cluster *cl) {
    const Node *copy = node_at(f->g, cl->members.at[0]);
    const int axes = copy->shape.rank;
    if (cl->members.len > 1 || copy->op != OP_COPY || axes < 3) return false;
    if (copy->dtype != DT_TF32 && copy->dtype != DT_BF16) return false;
    return cost_is_block(copy->shape.dim[axes - 1], (DType)copy->dtype);
}

/* Whether the items of a group may share its rows or tiles, and so wait for each other: then it has a launch of its own,
 * for it is safest where nothing around decides whether they come there at all. */
static bool items_wait(const Fuser *f, const Cluster *cl) {
    if (!f->options->target->local_bytes) return false;
    if (cl->has_dot || is_turned_copy(f, cl) || is_blocked_copy(f, cl)) return true;
    for (uint32_t m = 0; m < cl->members.len; m++) {
        const Node *n = node_at(f->g, cl->members.at[m]);
        if (!is_reduction((Op)n->op)) continue;
        Shape reduced = reduced_shape(f->g, n);
        if (shape_elems(&reduced) >= SHARED_ROW) return true;
    }
    return false;
}

/* Whether it is a contraction of windows that goes across the rows of what it stores. That is long, and its text takes long to build:
 * it has a launch of its own, so that those which are alike are one text. */
static bool crosses(const Fuser *f, const Strand *s) {
    const Cluster *cl = f->clusters.at[s->clusters.at[0]];
    if (s->clusters.len > 1) return false;
    for (uint32_t m = 0; m < cl->members.len && cl->has_dot; m++) {
        const Node *n = node_at(f->g, cl->members.at[m]);
        for (int x = 0; x < 2 && n->op == OP_DOT; x++)
            if (layout_windows(f->g, f->arena, n->attr[0], n->attr[1], n->args[1 - x], n->args[x],
                               f->options->target))
                return true;
    }
    return false;
}

/* A number for what a strand copies turned, the same for those whose kernels are equal but for their buffers; 0: it is
 * no large copy. */
static uint32_t copy_key(const Fuser *f, const Strand *s) {
    const Cluster *cl = f->clusters.at[s->clusters.at[0]];
    if (s->clusters.len > 1 || cl->members.len > 1) return 0;
    const Node *copy = node_at(f->g, cl->members.at[0]);
    const Node *turned = copy->op == OP_COPY ? node_at(f->g, copy->args[0]) : copy;
    if (turned->op != OP_PERMUTE || shape_elems(&copy->shape) < LARGE_COPY) return 0;
    uint64_t key = hash_bytes(copy->shape.dim, copy->shape.rank * sizeof(*copy->shape.dim), 0);
    key = hash_bytes(turned->attr, turned->attrc * sizeof(*turned->attr), key);
    return (uint32_t)(key % 0x7fffffff) + 1;
}

/* The keys of more than two strands of a level. Each of these has a launch of its own, for a launch costs them little,
 * and so they have one text: in one launch each would stand there. */
static NumberSet many_copies(Chainer *c, const Ids *level) {
    NumberSet once = {.arena = c->f->arena}, twice = once, many = once;
    for (uint32_t i = 0; i < level->len; i++) {
        uint32_t key = copy_key(c->f, &c->strands.at[level->at[i]]);
        if (key && !set_add(&once, key) && !set_add(&twice, key)) set_add(&many, key);
    }
    return many;
}

/* Where short launches that follow each other become one (together.h), none of a level stands between them that is long. */
static void long_ones_first(const Chainer *c, Ids *level) {
    const Target *t = c->f->options->target;
    if (!target_shares_waits(t)) return;
    uint32_t *ordered = NEW_ARRAY(c->f->arena, uint32_t, level->len + 1), count = 0;
    for (int shorter = 0; shorter < 2; shorter++) {
        for (uint32_t i = 0; i < level->len; i++) {
            const bool is_short = c->strands.at[level->at[i]].ns <= LONG_LAUNCH * t->launch_ns;
            if (is_short == shorter) ordered[count++] = level->at[i];
        }
    }
    memcpy(level->at, ordered, count * sizeof(*ordered));
}

/* Chains of one level share a launch, as far as one kernel may hold them. */
static void share_launches(Chainer *c, Fused *out) {
    Fuser *f = c->f;
    uint32_t last = 0;
    for (uint32_t s = 0; s < c->strands.len; s++) {
        if (c->strands.at[s].level > last) last = c->strands.at[s].level;
    }
    Ids *of_level = NEW_ARRAY(f->arena, Ids, last + 1);
    for (uint32_t s = 0; s < c->strands.len; s++) {
        if (c->strands.at[s].into == s) vec_push(f->arena, &of_level[c->strands.at[s].level], s);
    }
    uint32_t *launch = NEW_ARRAY(f->arena, uint32_t, c->strands.len + 1);
    Ids *of_launch = NEW_ARRAY(f->arena, Ids, c->strands.len + 1);
    out->level = NEW_ARRAY(f->arena, uint32_t, c->strands.len + 1);
    for (uint32_t l = 1; l <= last; l++) {
        uint32_t sections = 0, buffers = 0, shared = UINT32_MAX;
        if (of_level[l].len) long_ones_first(c, &of_level[l]);
        const NumberSet many = many_copies(c, &of_level[l]);
        for (uint32_t i = 0; i < of_level[l].len; i++) {
            const Strand *s = &c->strands.at[of_level[l].at[i]];
            const Cluster *cl = f->clusters.at[s->clusters.at[0]];
            bool alone = f->options->apart || f->options->single || cl->loop || items_wait(f, cl) ||
                         set_has(&many, copy_key(f, s)) || crosses(f, s);
            bool full =
                sections + s->clusters.len > MAX_SECTIONS || buffers + s->buffers > MAX_BUFFERS;
            uint32_t *at = &launch[of_level[l].at[i]];
            if (alone || shared == UINT32_MAX || full) {
                out->level[out->launches] = l;
                *at = out->launches++;
                if (!alone) shared = *at, sections = buffers = 0;
            } else {
                *at = shared;
            }
            if (!alone) sections += s->clusters.len, buffers += s->buffers;
            vec_push(f->arena, &of_launch[*at], of_level[l].at[i]);
        }
    }
    out->launch_start = NEW_ARRAY(f->arena, uint32_t, out->launches + 1);
    for (uint32_t l = 0; l < out->launches; l++) {
        out->launch_start[l] = out->clusters.len;
        for (uint32_t i = 0; i < of_launch[l].len; i++)
            add_chain(c, &c->strands.at[of_launch[l].at[i]], l, out);
    }
    out->launch_start[out->launches] = out->clusters.len;
}

void chain_clusters(Fuser *f, const Ids *order, Fused *out) {
    Chainer c = {.f = f};
    c.of = NEW_ARRAY(f->arena, uint32_t, f->clusters.len + 1);
    c.stamp = NEW_ARRAY(f->arena, uint32_t, f->clusters.len + 1);
    out->rolled = whole_body(&c, order);
    if (!out->rolled) make_strands(&c, order);
    share_launches(&c, out);
}

/* ---- Why not --------------------------------------------------------------------------------- */

/* Adds to a set the clusters from..to - 1, with what they cost. */
static void add_clusters(const Chainer *c, const Fused *out, uint32_t from, uint32_t to, Ids *set,
                         double *ns) {
    for (uint32_t i = from; i < to; i++) {
        const Cluster *cl = out->clusters.at[i];
        *ns += cluster_ns(c->f, cl);
        vec_push(c->f->arena, set, c->f->of[cl->members.at[0]]);
    }
}

/* Whether one of the set waits for a launch between the two. */
static bool launch_between(const Chainer *c, const Ids *set, uint32_t after, uint32_t before) {
    Fuser *f = c->f;
    for (uint32_t k = 0; k < set->len; k++) {
        fuse_predecessors(f, set->at[k], &f->preds);
        for (uint32_t i = 0; i < f->preds.len; i++) {
            uint32_t launch = f->clusters.at[f->preds.at[i]]->launch;
            if (launch > after && launch < before) return true;
        }
    }
    return false;
}

Reason chain_refusal(Fuser *f, const Fused *out, uint32_t a, uint32_t b) {
    const Cluster *ca = out->clusters.at[a], *cb = out->clusters.at[b];
    const Chain *first = &out->chains.at[ca->chain], *second = &out->chains.at[cb->chain];
    Chainer c = {.f = f};
    Ids set = {0};
    double ns = 0;
    if (f->options->apart) return REASON_APART;
    if (f->options->single) return REASON_SINGLE;
    if (f->options->unchained) return REASON_BUDGET;
    if (ca->loop || cb->loop) return REASON_LOOP;
    if (!may_chain(f, ca)) return REASON_TARGET;
    add_clusters(&c, out, first->first, first->first + first->count, &set, &ns);
    add_clusters(&c, out, second->first, b + 1, &set, &ns);
    c.stamp = NEW_ARRAY(f->arena, uint32_t, f->clusters.len + 1);
    int64_t rows;
    uint32_t buffers;
    Reason why = set_refusal(&c, &set, ns, &rows, &buffers);
    if (why == REASON_ROWS || why == REASON_LARGE) return why;
    return launch_between(&c, &set, ca->launch, cb->launch) ? REASON_BETWEEN : why;
}

/* ---- The group's own memory ------------------------------------------------------------------ */

static bool only_in_chain(const Fuser *f, const Fused *out, NodeId id) {
    uint32_t chain = out->clusters.at[out->cluster_of[id]]->chain;
    for (uint32_t i = 0; i < f->users[id].len; i++) {
        uint32_t user = out->cluster_of[f->users[id].at[i]];
        if (user == NO_CLUSTER || out->clusters.at[user]->chain != chain) return false;
    }
    return f->updates_by_node[id].len == 0;
}

static bool in_own_memory(const Fuser *f, const Fused *out, const bool *returned, NodeId id) {
    const Node *n = node_at(f->g, id);
    if (!out->stored[id] || returned[id] || out->cluster_of[id] == NO_CLUSTER) return false;
    const Chain *chain = &out->chains.at[out->clusters.at[out->cluster_of[id]]->chain];
    if (!chain->rows || (n->dtype != DT_F32 && n->dtype != DT_I32)) return false;
    if (n->op == OP_COPY && n->attrc == 2) return false; /* what a loop carries: region.h */
    return out->whole[id] == NO_NODE && only_in_chain(f, out, id);
}

/* Fewer rows at a time where then more fits. The rows of a contraction's tiles are those of the block, unless
 * it has others. */
static void shrink_blocks(const Fuser *f, Fused *out, const bool *wanted) {
    int64_t *bytes = NEW_ARRAY(f->arena, int64_t, out->chains.len + 1);
    int64_t *most = NEW_ARRAY(f->arena, int64_t, out->chains.len + 1); /* of one that can fit */
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        const Node *n = node_at(f->g, id);
        if (!wanted[id]) continue;
        uint32_t chain = out->clusters.at[out->cluster_of[id]]->chain;
        int64_t row = shape_elems(&n->shape) / out->chains.at[chain].rows * 4;
        bytes[chain] += row;
        if (row > most[chain] && row * LEAST_BLOCK <= TILE_BYTES) most[chain] = row;
    }
    for (uint32_t c = 0; c < out->chains.len; c++) {
        Chain *chain = &out->chains.at[c];
        int32_t least = 1;
        for (uint32_t i = 0; i < chain->count && chain->rows; i++) {
            const Cluster *cl = out->clusters.at[chain->first + i];
            if (cl->has_dot && row_axes(f, cl, chain->rows) + 1 >= cl->outer.rank)
                least = LEAST_BLOCK;
        }
        while ((chain->block / 2 >= least && bytes[c] * chain->block > TILES_BYTES) ||
               (chain->block / 2 >= LEAST_BLOCK && most[c] * chain->block > TILE_BYTES))
            chain->block /= 2;
    }
}

void chain_tiles(const Fuser *f, Fused *out) {
    int64_t *bytes = NEW_ARRAY(f->arena, int64_t, out->chains.len + 1);
    bool *returned = NEW_ARRAY(f->arena, bool, f->g->nodes.len + 1);
    uint32_t tiles = 0;
    out->tile = NEW_ARRAY(f->arena, uint32_t, f->g->nodes.len + 1);
    for (uint32_t i = 0; i < f->entry->outputs.len; i++)
        returned[f->entry->outputs.at[i].node] = true;
    bool *wanted = NEW_ARRAY(f->arena, bool, f->g->nodes.len + 1);
    for (NodeId id = 0; id < f->g->nodes.len; id++)
        wanted[id] = in_own_memory(f, out, returned, id);
    shrink_blocks(f, out, wanted);
    for (NodeId id = 0; id < f->g->nodes.len; id++) {
        const Node *n = node_at(f->g, id);
        if (!wanted[id]) continue;
        uint32_t at = out->clusters.at[out->cluster_of[id]]->chain;
        const Chain *chain = &out->chains.at[at];
        int64_t size = shape_elems(&n->shape) / chain->rows * chain->block * 4;
        if (size > TILE_BYTES || bytes[at] + size > TILES_BYTES) continue;
        if (!graph_rewrites(f->g, "what only a kernel needs stays in its group's memory", id))
            continue;
        bytes[at] += size;
        out->tile[id] = ++tiles;
    }
}

/* bound: what bound.h defines, from the graph alone.
 *
 * What is read of a node is a few boxes: on each axis every step-th place from lo to hi. They go backwards
 * through the graph, from results to operands, each operator turning a box of its result into one of each
 * operand. Boxes are never too small, and too large only where several do not fit a simple one. */
#include "bound.h"

#include "access.h"

#include <stdlib.h>

#define MAX_BOXES  8       /* of one node; more become one */
#define MAX_VISITS 4000000 /* of nodes: a fraction of a second */

typedef struct Places { /* lo, lo + step, ... hi */
    int32_t lo, hi, step;
} Places;

typedef struct Box {
    Places at[MAX_RANK];
    int64_t rows; /* not more than so many of the places on axis 0, chosen when it runs; 0: all */
} Box;

typedef struct Demand { /* what is read of a node; len 0: nothing */
    Box *at;
    uint32_t len, cap;
} Demand;

typedef VEC(NodeId) NodeIds;

typedef struct Walk {
    const Graph *g;
    Arena *arena;
    Demand *demand;          /* of each node */
    NodeIds reached;         /* those that have one */
    uint32_t *seen, *starts; /* of each node: the last walk that came by, that began there */
    uint32_t now;
    uint64_t visits;
    NodeIds cone, open;
} Walk;

/* ---- Boxes --------------------------------------------------------------------------------- */

static int64_t gcd(int64_t a, int64_t b) {
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a < 0 ? -a : a;
}

static Places places(int64_t lo, int64_t hi, int64_t step) {
    if (lo == hi || step == 0) step = 1;
    return (Places){(int32_t)lo, (int32_t)hi, (int32_t)step};
}

static Places every(int32_t dim) {
    return (Places){0, dim - 1, 1};
}

static Box whole(const Shape *s) {
    Box b = {0};
    for (int i = 0; i < s->rank; i++) b.at[i] = every(s->dim[i]);
    return b;
}

static int64_t places_count(Places p) {
    return ((int64_t)p.hi - p.lo) / p.step + 1;
}

static double box_elems(const Box *b, int rank) {
    double n = 1;
    for (int i = 0; i < rank; i++) {
        int64_t count = places_count(b->at[i]);
        if (i == 0 && b->rows && b->rows < count) count = b->rows;
        n *= (double)count;
    }
    return n;
}

/* Whether all of b is certainly in a. */
static bool box_holds(const Box *a, const Box *b, int rank) {
    if (a->rows) return false;
    for (int i = 0; i < rank; i++) {
        const Places *p = &a->at[i], *q = &b->at[i];
        if (q->lo < p->lo || q->hi > p->hi || (q->lo - p->lo) % p->step) return false;
        if (q->hi > q->lo && q->step % p->step) return false;
    }
    return true;
}

/* The smallest one that holds both; rows that are chosen may be others. */
static Box box_around(const Box *a, const Box *b, int rank) {
    Box out = {0};
    for (int i = 0; i < rank; i++) {
        const Places *p = &a->at[i], *q = &b->at[i];
        int64_t step = gcd((int64_t)p->lo - q->lo, 0);
        if (p->hi > p->lo) step = gcd(step, p->step);
        if (q->hi > q->lo) step = gcd(step, q->step);
        out.at[i] = places(p->lo < q->lo ? p->lo : q->lo, p->hi > q->hi ? p->hi : q->hi, step);
    }
    if (a->rows && b->rows) out.rows = a->rows + b->rows;
    return out;
}

/* Elements that are read: those of the boxes, and not more than those of the one around all of them. */
static double demand_elems(const Demand *d, int rank) {
    double sum = 0;
    Box around = d->at[0];
    for (uint32_t i = 0; i < d->len; i++) {
        sum += box_elems(&d->at[i], rank);
        if (i) around = box_around(&around, &d->at[i], rank);
    }
    double most = box_elems(&around, rank);
    return sum < most ? sum : most;
}

static double demand_bytes(const Graph *g, NodeId id, const Demand *d) {
    const Node *n = node_at(g, id);
    return demand_elems(d, n->shape.rank) * dtype_bytes((DType)n->dtype);
}

/* ---- From results to operands -------------------------------------------------------------- */

static void demand(Walk *w, NodeId id, const Box *b) {
    int rank = node_at(w->g, id)->shape.rank;
    Demand *d = &w->demand[id];
    uint32_t kept = 0;
    if (!d->len) vec_push(w->arena, &w->reached, id);
    for (uint32_t i = 0; i < d->len; i++) {
        if (box_holds(&d->at[i], b, rank)) return;
    }
    for (uint32_t i = 0; i < d->len; i++) {
        if (!box_holds(b, &d->at[i], rank)) d->at[kept++] = d->at[i];
    }
    Box more = *b;
    if (kept == MAX_BOXES) {
        while (kept) more = box_around(&more, &d->at[--kept], rank);
    }
    if (kept == d->cap) { /* most nodes have one */
        uint32_t cap = d->cap ? MAX_BOXES : 1;
        d->at = arena_grow(w->arena, d->at, d->cap * sizeof(Box), cap * sizeof(Box));
        d->cap = cap;
    }
    d->at[kept] = more;
    d->len = kept + 1;
}

static void demand_whole(Walk *w, NodeId id) {
    Box all = whole(&node_at(w->g, id)->shape);
    demand(w, id, &all);
}

/* Forgets all that is demanded. */
static void demand_nothing(Walk *w) {
    for (uint32_t i = 0; i < w->reached.len; i++) w->demand[w->reached.at[i]].len = 0;
    w->reached.len = 0;
}

/* Several axes that are one row-major axis under another shape: of the operand's only the first on which the
 * places differ is more than one place and less than all. */
static void reshape_group(const Shape *out, const Places *of, const Shape *in, Places *to) {
    int64_t lo = 0, hi = 0;
    for (int i = 0; i < out->rank; i++) {
        lo = lo * out->dim[i] + of[i].lo;
        hi = hi * out->dim[i] + of[i].hi;
    }
    for (int i = in->rank; i-- > 0;) {
        to[i] = places(lo % in->dim[i], hi % in->dim[i], 1);
        lo /= in->dim[i];
        hi /= in->dim[i];
    }
    bool differ = false;
    for (int i = 0; i < in->rank; i++) {
        if (differ) to[i] = every(in->dim[i]);
        differ = differ || to[i].lo != to[i].hi;
    }
}

static Box through_reshape(const Shape *from, const Shape *to, const Box *out) {
    Box in = {0};
    int i = 0, k = 0;
    Shape a, b;
    for (int i0 = 0, k0 = 0; access_group(from, to, &i, &k, &a, &b); i0 = i, k0 = k) {
        if (a.rank == 1 && b.rank == 1) {
            in.at[i0] = out->at[k0];
            if (i0 == 0 && k0 == 0) in.rows = out->rows;
        } else {
            reshape_group(&b, out->at + k0, &a, in.at + i0);
        }
    }
    return in;
}

/* Those of p that are within 0..dim - 1, where p counts from `before` and between two neighbours lie `between`
 * others. False: none. */
static bool clip_places(Places p, int64_t before, int64_t between, int32_t dim, Places *out) {
    int64_t lo = p.lo - before, hi = p.hi - before, last = ((int64_t)dim - 1) * (between + 1);
    if (lo < 0) lo += (-lo + p.step - 1) / p.step * p.step;
    if (hi > last) hi = lo + (last - lo) / p.step * p.step;
    if (lo > last || hi < lo) return false;
    if (between == 0) {
        *out = places(lo, hi, p.step);
        return true;
    }
    lo = (lo + between) / (between + 1);
    hi = hi / (between + 1);
    *out = places(lo, hi, 1);
    return lo <= hi;
}

/* What operand k is read at; false: nowhere. */
static bool operand_box(const Graph *g, const Node *n, uint32_t k, const Box *out, Box *in) {
    const Shape *from = &node_at(g, n->args[k])->shape;
    *in = *out;
    switch (n->op) {
    case OP_RESHAPE: *in = through_reshape(from, &n->shape, out); return true;
    case OP_PERMUTE:
        for (int i = 0; i < from->rank; i++) in->at[n->attr[i]] = out->at[i];
        if (from->rank && n->attr[0] != 0) in->rows = 0;
        return true;
    case OP_EXPAND:
        for (int i = 0; i < from->rank; i++) {
            if (from->dim[i] == 1) in->at[i] = places(0, 0, 1);
        }
        return true;
    case OP_SLICE:
        for (int i = 0; i < from->rank; i++) {
            int64_t start = n->attr[3 * i], stride = n->attr[3 * i + 1];
            int64_t a = start + stride * out->at[i].lo, b = start + stride * out->at[i].hi;
            int64_t step = (stride < 0 ? -stride : stride) * out->at[i].step;
            in->at[i] = places(a < b ? a : b, a < b ? b : a, step);
        }
        return true;
    case OP_PAD:
        for (int i = 0; i < from->rank; i++) {
            if (!clip_places(out->at[i], n->attr[3 * i], n->attr[3 * i + 2], from->dim[i],
                             &in->at[i]))
                return false;
        }
        return true;
    case OP_CONCAT: {
        int axis = n->attr[0];
        int64_t before = 0;
        for (uint32_t i = 0; i < k; i++) before += node_at(g, n->args[i])->shape.dim[axis];
        if (axis == 0) in->rows = 0;
        return clip_places(out->at[axis], before, 0, from->dim[axis], &in->at[axis]);
    }
    case OP_WINDOW:
    case OP_SKEW: {
        int axis = n->attr[0];
        int64_t stride = n->op == OP_WINDOW ? n->attr[1] : 1;
        int64_t dilation = n->attr[n->op == OP_WINDOW ? 2 : 1];
        const Places *p = &out->at[axis], *q = &out->at[n->shape.rank - 1];
        int64_t step = p->hi > p->lo ? p->step * stride : 0;
        if (q->hi > q->lo) step = gcd(step, q->step * dilation);
        in->at[axis] =
            places(p->lo * stride + q->lo * dilation, p->hi * stride + q->hi * dilation, step);
        if (axis == 0) in->rows = 0;
        return true;
    }
    case OP_AT: {
        int64_t scale = n->attr[1], first = n->attr[2];
        int64_t last = first + scale * (g->loops.at[n->attr[0]].trips - 1);
        in->rows = 0;
        in->at[0] = places(first < last ? first : last, first < last ? last : first,
                           scale < 0 ? -scale : scale);
        for (int i = 1; i < from->rank; i++) in->at[i] = out->at[i - 1];
        return true;
    }
    case OP_DOT: {
        int batch = n->attr[0], contracted = n->attr[1];
        int skip = k == 1 ? node_at(g, n->args[0])->shape.rank - batch - contracted : 0;
        for (int i = batch; i < from->rank; i++) {
            bool is_free = i < from->rank - contracted;
            in->at[i] = is_free ? out->at[i + skip] : every(from->dim[i]);
        }
        if (batch == 0 && k == 1) in->rows = 0;
        return true;
    }
    case OP_SUM:
    case OP_RMAX:
    case OP_ARGMAX: {
        int o = 0;
        uint32_t r = 0;
        for (int i = 0; i < from->rank; i++) {
            bool reduced = r < n->attrc && n->attr[r] == i;
            r += reduced;
            in->at[i] = reduced ? every(from->dim[i]) : out->at[o++];
        }
        if (n->attrc && n->attr[0] == 0) in->rows = 0;
        return true;
    }
    case OP_SCATTER: {
        int axes = node_at(g, n->args[1])->shape.rank;
        in->rows = 0;
        for (int i = 0; i < from->rank; i++)
            in->at[i] = i < axes ? every(from->dim[i]) : out->at[i - axes + 1];
        return true;
    }
    case OP_TAKE: {
        int axes = node_at(g, n->args[1])->shape.rank;
        if (k == 1) return true;
        double rows = box_elems(out, axes);
        in->at[0] = every(from->dim[0]);
        in->rows = rows < from->dim[0] ? (int64_t)rows : 0;
        for (int i = 1; i < from->rank; i++) in->at[i] = out->at[axes + i - 1];
        return true;
    }
    case OP_STACK:
        if (k == 0) return true;
        in->rows = 0;
        for (int i = 0; i < from->rank; i++) in->at[i] = out->at[i + 1];
        return true;
    case OP_SCAN:
    case OP_CARRY:
    case OP_FINAL: *in = whole(from); return true;
    default: return true;
    }
}

static void demand_operands(Walk *w, NodeId id) {
    const Node *n = node_at(w->g, id);
    const Demand *d = &w->demand[id];
    for (uint32_t k = 0; k < n->argc; k++) {
        for (uint32_t i = 0; i < d->len; i++) {
            Box in;
            if (operand_box(w->g, n, k, &d->at[i], &in)) demand(w, n->args[k], &in);
        }
    }
}

/* ---- The bound on bytes -------------------------------------------------------------------- */

/* What lies in memory after a contraction or a loop that is in no loop itself. */
static bool is_result(const Node *n) {
    return n->loop == 0 && (n->op == OP_DOT || n->op == OP_FINAL || n->op == OP_STACK);
}

static int descending(const void *a, const void *b) {
    NodeId x = *(const NodeId *)a, y = *(const NodeId *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* What the nodes `from` read, through all but other results, into w->cone, readers first. False: there
 * were too many visits in all. */
static bool find_cone(Walk *w, const NodeIds *from) {
    w->now++;
    w->cone.len = w->open.len = 0;
    for (uint32_t i = 0; i < from->len; i++) {
        w->starts[from->at[i]] = w->now;
        vec_push(w->arena, &w->open, from->at[i]);
    }
    while (w->open.len) {
        NodeId id = w->open.at[--w->open.len];
        if (w->seen[id] == w->now) continue;
        w->seen[id] = w->now;
        if (++w->visits > MAX_VISITS) return false;
        vec_push(w->arena, &w->cone, id);
        const Node *n = node_at(w->g, id);
        if (is_result(n) && w->starts[id] != w->now) continue;
        for (uint32_t i = 0; i < n->argc; i++) vec_push(w->arena, &w->open, n->args[i]);
    }
    qsort(w->cone.at, w->cone.len, sizeof(NodeId), descending);
    return true;
}

/* Bytes of the results that a contraction or loop needs; -1: too many visits. `from`: the contraction; or the
 * loop, and what is stacked of it. */
static double bytes_needed(Walk *w, const NodeIds *from) {
    double bytes = 0;
    if (!find_cone(w, from)) return -1;
    for (uint32_t i = 0; i < from->len; i++) demand_whole(w, from->at[i]);
    for (uint32_t i = 0; i < w->cone.len; i++) {
        NodeId id = w->cone.at[i];
        if (!w->demand[id].len) continue;
        if (is_result(node_at(w->g, id)) && w->starts[id] != w->now)
            bytes += demand_bytes(w->g, id, &w->demand[id]);
        else
            demand_operands(w, id);
    }
    demand_nothing(w);
    return bytes;
}

/* The node whose memory a root may be: a reshape is none of its own. */
static NodeId memory_of(const Graph *g, NodeId id) {
    while (node_at(g, id)->op == OP_RESHAPE || node_at(g, id)->op == OP_STOP)
        id = node_at(g, id)->args[0];
    return id;
}

/* Variables in; outputs, updates and results out. */
static double bytes_once(Walk *w, const Entry *e) {
    const Graph *g = w->g;
    bool *root = NEW_ARRAY(w->arena, bool, g->nodes.len + 1);
    double bytes = 0;
    for (uint32_t i = 0; i < e->outputs.len + e->updates.len; i++) {
        NodeId id =
            i < e->outputs.len ? e->outputs.at[i].node : e->updates.at[i - e->outputs.len].node;
        demand_whole(w, id);
        bytes += demand_bytes(g, id, &w->demand[id]);
        root[memory_of(g, id)] = true;
    }
    for (NodeId id = g->nodes.len; id-- > 0;) {
        const Node *n = node_at(g, id);
        if (!w->demand[id].len) continue;
        if (n->op == OP_VAR || (is_result(n) && !root[id]))
            bytes += demand_bytes(g, id, &w->demand[id]);
        demand_operands(w, id);
    }
    return bytes;
}

double bound_bytes(const Entry *e, Arena *arena) {
    const Graph *g = &e->graph;
    uint32_t count = g->nodes.len;
    Arena *scratch = arena_open(arena);
    Walk w = {.g = g, .arena = scratch};
    w.demand = NEW_ARRAY(scratch, Demand, count + 1);
    w.seen = NEW_ARRAY(scratch, uint32_t, count + 1);
    w.starts = NEW_ARRAY(scratch, uint32_t, count + 1);
    double bytes = bytes_once(&w, e);
    bool *need = NEW_ARRAY(scratch, bool, count + 1);
    NodeIds *stacked = NEW_ARRAY(scratch, NodeIds, g->loops.len);
    for (NodeId id = 0; id < count; id++) {
        const Node *n = node_at(g, id);
        need[id] = w.demand[id].len > 0;
        if (need[id] && n->op == OP_STACK && n->loop == 0)
            vec_push(scratch, &stacked[node_at(g, n->args[0])->attr[0]], id);
    }
    demand_nothing(&w);
    for (NodeId id = 0; id < count && bytes >= 0; id++) {
        const Node *n = node_at(g, id);
        if (!need[id] || n->loop || (n->op != OP_DOT && n->op != OP_SCAN)) continue;
        NodeIds from = {0};
        vec_push(scratch, &from, id);
        for (uint32_t i = 0; n->op == OP_SCAN && i < stacked[n->attr[0]].len; i++)
            vec_push(scratch, &from, stacked[n->attr[0]].at[i]);
        double more = bytes_needed(&w, &from);
        bytes = more < 0 ? more : bytes + more;
    }
    arena_close(scratch);
    return bytes;
}

/* ---- The bound on the arena ---------------------------------------------------------------- */

typedef struct Change { /* of what lives, at a time */
    uint32_t time;
    int64_t bytes;
} Change;

static int by_time(const void *a, const void *b) {
    const Change *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

int64_t bound_arena(const Memory *m) {
    Arena *scratch = arena_open(m->arena);
    uint32_t most = m->buffers.len - m->first_of_entry, count = 0;
    Change *changes = NEW_ARRAY(scratch, Change, 2 * most + 1);
    int64_t now = 0, bound = 0;
    for (uint32_t i = m->first_of_entry; i < m->buffers.len; i++) {
        const Buffer *b = &m->buffers.at[i];
        if (b->kind != BUFFER_ARENA || b->first == UINT32_MAX) continue;
        int64_t bytes = memory_bytes(m, b);
        changes[count++] = (Change){b->first, bytes};
        changes[count++] = (Change){b->last + 1, -bytes};
    }
    qsort(changes, count, sizeof(*changes), by_time);
    for (uint32_t i = 0; i < count; i++) {
        now += changes[i].bytes;
        if (now > bound) bound = now;
    }
    arena_close(scratch);
    return bound;
}

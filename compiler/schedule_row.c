/* schedule_row: what a section computes at a row, with the lanes along it: the reductions, each a loop over the row,
 * then one loop for all that is stored along it.
 *
 * Of an argmax each lane keeps the place of its own greatest, and the first place of the greatest of them is the row's.
 * Long sums and maxima have several accumulators, for each waits for the
 * addition before; how many, and the order in which they come together, depends on the shape alone. */
#include "nest.h"

#include <math.h>

#define WAYS 4 /* accumulators of a long reduction */

/* ---- Loops over a row -------------------------------------------------------------------------- */

/* The axes of a row's loops, merged where memory allows: the last one is cut into vectors. */
typedef struct Row {
    Shape full, space;
    int merged[MAX_RANK];
} Row;

/* What the loop over a row evaluates: one reduction's operands (id), or the inner stores (NO_NODE). */
static uint32_t row_divisions(const Nest *n, NodeId id, const Row *r) {
    Kernel k;
    Nest probe = {.s = n->s, .k = &k};
    Idx at[MAX_RANK], index[2 * MAX_RANK];
    uint32_t divisions = 0;
    const Shape *outer = &n->s->cluster->outer;
    Arena *scratch = arena_open(n->k->arena);
    kernel_init(&k, scratch, 1, 1);
    eval_init(&probe.eval, &k, n->s->g, n->s->place, n->s->cluster_of, n->s->number);
    for (int i = 0; i < outer->rank; i++)
        index[i] = idx_var(&k.index, "o", 0, outer->dim[i] - 1, NO_VAL);
    for (int i = 0; i < r->space.rank; i++)
        at[i] = idx_var(&k.index, "i", 0, r->space.dim[i] - 1, NO_VAL);
    nest_unmerge(&k.index, &r->full, r->merged, r->space.rank, at, index + outer->rank);
    if (id != NO_NODE) {
        const Node *x = node_at(n->s->g, id);
        nest_accumulate(&probe, x, index, index + outer->rank, val_const(&k, (DType)x->dtype, 0));
    }
    for (uint32_t i = 0; i < n->s->stores.len && id == NO_NODE; i++) {
        const Store *st = &n->s->stores.at[i];
        Idx address;
        if (!nest_is_inner(n->s, st->node)) continue;
        eval_at(&probe.eval, st->node, index);
        if (st->place.tile) continue;
        place_buffer(&k, n->s->g, node_at(n->s->g, st->node), &st->place, index, &address);
        divisions += idx_has_div(&k.index, address);
    }
    for (Val v = 0; v < k.values.len; v++) {
        divisions += k.values.at[v].kind == V_LOAD && idx_has_div(&k.index, k.values.at[v].index);
    }
    arena_close(scratch);
    return divisions;
}

static void row_merge(const Nest *n, NodeId id, const Shape *full, Row *r) {
    *r = (Row){.full = *full, .space = *full};
    for (int i = 0; i < full->rank; i++) r->merged[i] = 1;
    if (full->rank < 2) return;
    uint32_t divisions = row_divisions(n, id, r);
    for (int i = full->rank - 1; i > 0; i--) {
        Row next = *r;
        next.merged[i - 1] += next.merged[i];
        memmove(&next.merged[i], &next.merged[i + 1],
                (size_t)(r->space.rank - i - 1) * sizeof(int));
        nest_merge_shape(full, next.merged, r->space.rank - 1, &next.space);
        if (row_divisions(n, id, &next) <= divisions) *r = next;
    }
}

/* The place of element i of the row's last axis, from which `lanes` are taken, on the full axes: inner[]. The first
 * axes of place[] are known. */
static void row_place(Nest *n, const Row *r, uint8_t lanes, Idx *place, Idx i, Idx *inner) {
    eval_set_lanes(&n->eval, lanes);
    place[r->space.rank - 1] = idx_add(&n->k->index, i, n->eval.lane[lanes]);
    nest_unmerge(&n->k->index, &r->full, r->merged, r->space.rank, place, inner);
}

/* A reduction in vectors of one length, from element `at` on. */
typedef struct Stretch {
    NodeId id;
    const Idx *row; /* its place on the outer axes */
    const Row *r;
    uint8_t lanes;
    int32_t at, vectors;
    uint32_t ways;      /* accumulators, ... */
    uint32_t acc[WAYS]; /* ... where there is a loop */
    bool
        finds_nan; /* a maximum of f32: a plain maximum loses NaN, and one that does not costs twice as much, so ... */
    uint32_t odd;  /* ... this is NaN in each lane that had one */
    uint32_t kept; /* what all its places stored, as nest_keep returns it */
} Stretch;

/* Takes in the vector from element i on; acc: NO_VAL, or what there is. */
static Val reduce_vector(Nest *n, Stretch *p, Idx *place, Idx i, Val acc) {
    Idx inner[MAX_RANK], index[2 * MAX_RANK];
    const Node *x = node_at(n->s->g, p->id);
    int outer = n->s->cluster->outer.rank;
    row_place(n, p->r, p->lanes, place, i, inner);
    Val v = nest_accumulate(n, x, p->row, inner, acc);
    bool along = shape_equal(&p->r->full, &n->s->cluster->inner);
    memcpy(index, p->row, (size_t)outer * sizeof(Idx));
    memcpy(index + outer, inner, (size_t)p->r->full.rank * sizeof(Idx));
    p->kept &= along ? nest_keep(n, index, p->lanes) : 0;
    return v;
}

/* Whether a is NaN, or b, which may be none: one comparison of both. */
static Val either_nan(Kernel *k, Val a, Val b) {
    Val nan = val_ew(k, OP_NE, a, a, NO_VAL);
    return b == NO_VAL ? nan : val_ew(k, OP_OR, nan, val_ew(k, OP_NE, b, b, NO_VAL), NO_VAL);
}

/* The NaN is one of v[]: of a constant compilers would make masks again, and join those as bytes. */
void nest_note_nan(Kernel *k, uint32_t odd, const Val *v, uint32_t count) {
    for (uint32_t i = 0; i < count; i += 2) {
        bool two = i + 1 < count;
        Val is_nan = either_nan(k, v[i], two ? v[i + 1] : NO_VAL);
        Val nan = two ? val_ew(k, OP_ADD, v[i], v[i + 1], NO_VAL) : v[i];
        kernel_set(k, odd, val_ew(k, OP_WHERE, is_nan, nan, val_read(k, odd)));
    }
}

Val nest_unless_nan(Kernel *k, uint32_t odd, Val v) {
    Val was = val_read(k, odd);
    return val_ew(k, OP_WHERE, either_nan(k, was, NO_VAL), was, v);
}

/* The same for `count` vectors one after the other, each into its accumulator. */
static void reduce_vectors(Nest *n, Stretch *p, Idx *place, Idx i, uint32_t count) {
    Kernel *k = n->k;
    Val all[WAYS];
    for (uint32_t w = 0; w < count; w++) {
        Idx at = idx_offset(&k->index, i, (int64_t)w * p->lanes);
        Val acc = val_read(k, p->acc[w]), v;
        if (!p->finds_nan) {
            kernel_set(k, p->acc[w], reduce_vector(n, p, place, at, acc));
            continue;
        }
        v = val_splat(k, reduce_vector(n, p, place, at, NO_VAL), p->lanes);
        all[w] = v;
        kernel_set(k, p->acc[w], val_ew(k, OP_WHERE, val_ew(k, OP_LT, acc, v, NO_VAL), v, acc));
    }
    if (p->finds_nan) nest_note_nan(k, p->odd, all, count);
}

/* The accumulators as one vector. */
static Val join_ways(Nest *n, const Stretch *p, Op op) {
    Kernel *k = n->k;
    Val v[WAYS];
    for (uint32_t w = 0; w < p->ways; w++) v[w] = val_read(k, p->acc[w]);
    for (uint32_t half = p->ways / 2; half >= 1; half /= 2) {
        for (uint32_t w = 0; w < half; w++) {
            Val less = p->finds_nan ? val_ew(k, OP_LT, v[w], v[w + half], NO_VAL) : NO_VAL;
            v[w] = p->finds_nan ? val_ew(k, OP_WHERE, less, v[w + half], v[w])
                                : val_ew(k, op, v[w], v[w + half], NO_VAL);
        }
    }
    if (!p->finds_nan) return v[0];
    return nest_unless_nan(k, p->odd, v[0]);
}

/* How many accumulators there are for so many vectors. The order of a sum does not depend on the target; a maximum has
 * none, and waits little for the one before: few accumulators leave registers for what finds NaN. */
static uint32_t ways_of(const Target *t, Op op, int32_t vectors) {
    uint32_t most = op == OP_MAX && t->width < t->lanes ? 2 : WAYS;
    return vectors >= 2 * WAYS ? most : 1;
}

/* All vectors of a stretch as one; each accumulator takes every ways-th. */
static Val reduce_stretch(Nest *n, Stretch *p, Op op, Val start) {
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    Idx place[MAX_RANK], i;
    int last = p->r->space.rank - 1;
    if (last == 0 && p->vectors == 1)
        return val_splat(k, reduce_vector(n, p, place, idx_const(t, p->at), NO_VAL), p->lanes);
    for (uint32_t w = 0; w < p->ways; w++)
        p->acc[w] = kernel_var(k, op == OP_ADD ? "sum" : "most", val_splat(k, start, p->lanes));
    p->finds_nan = op == OP_MAX && p->lanes > 1 && k->values.at[start].dtype == DT_F32;
    if (p->finds_nan)
        p->odd = kernel_var(k, "odd", val_splat(k, val_const(k, DT_F32, 0), p->lanes));
    nest_open(n, &p->r->space, last, place);
    int32_t step = (int32_t)p->ways * p->lanes, turns = p->vectors / (int32_t)p->ways;
    int32_t end = p->at + turns * step;
    nest_for(n, "i", idx_const(t, p->at), idx_const(t, end), step, &i);
    reduce_vectors(n, p, place, i, p->ways);
    nest_end(n);
    uint32_t rest = (uint32_t)p->vectors % p->ways;
    if (rest) reduce_vectors(n, p, place, idx_const(t, end), rest);
    nest_close(n, last);
    return join_ways(n, p, op);
}

/* All places of a row have stored these of what is kept. */
static void row_kept(Nest *n, uint32_t kept) {
    for (uint32_t i = 0; i < n->eval.kept_count; i++)
        n->eval.kept[i].made = n->eval.kept[i].made || (kept >> i & 1);
}

/* The last axis in vectors: whole ones, then what is left in ever shorter ones. */
static void reduce_row(Nest *n, NodeId id, const Idx *row) {
    Kernel *k = n->k;
    const Node *x = node_at(n->s->g, id);
    const Shape reduced = reduced_shape(n->s->g, x);
    Op op = x->op == OP_SUM || x->op == OP_DOT ? OP_ADD : OP_MAX;
    Val start = val_const(k, (DType)x->dtype, nest_start((Op)x->op, (DType)x->dtype)),
        total = NO_VAL;
    Row r;
    row_merge(n, id, &reduced, &r);
    eval_set_lanes(&n->eval, 1);
    nest_hoist(n, id, row);
    int32_t at = 0, width = r.space.dim[r.space.rank - 1];
    uint32_t kept = UINT32_MAX;
    for (uint8_t lanes = n->s->target->lanes; lanes >= 1; lanes /= 2) {
        int32_t vectors = (width - at) / lanes;
        if (vectors == 0) continue;
        Stretch p = {id, row, &r, lanes, at, vectors, .ways = ways_of(n->s->target, op, vectors)};
        p.kept = UINT32_MAX;
        Val part = val_across(k, op, reduce_stretch(n, &p, op, start));
        total = total == NO_VAL ? part : val_ew(k, op, total, part, NO_VAL);
        kept &= p.kept;
        at += vectors * lanes;
    }
    row_kept(n, kept);
    val_name(k, total, x->name);
    eval_bind(&n->eval, id, row, total);
}

/* ---- The place of the greatest ------------------------------------------------------------------ */

/* What lanes found as one: the first place of those that have the greatest. */
static Found found_across(Kernel *k, Found each) {
    if (k->values.at[each.best].lanes == 1) return each;
    Val top = val_across(k, OP_MAX, each.best);
    Val has = val_ew(k, OP_EQ, each.best, top, NO_VAL);
    if (k->values.at[top].dtype == DT_F32)
        has = val_ew(k, OP_OR, has, val_ew(k, OP_NE, each.best, each.best, NO_VAL), NO_VAL);
    Val back = val_ew(k, OP_NEG, each.place, NO_VAL, NO_VAL);
    back = val_ew(k, OP_WHERE, has, back, val_const(k, DT_I32, -INT32_MAX));
    return (Found){top, val_ew(k, OP_NEG, val_across(k, OP_MAX, back), NO_VAL, NO_VAL)};
}

/* In a stretch: each lane keeps the number of the vector of its greatest, which becomes a place at the end. */
static Found argmax_stretch(Nest *n, Stretch *p, Val start) {
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    Idx place[MAX_RANK], i;
    Found f;
    if (p->vectors == 1) {
        f.best = val_splat(k, reduce_vector(n, p, place, idx_const(t, p->at), NO_VAL), p->lanes);
        f.place = val_const(k, DT_I32, p->at);
    } else {
        Val first = val_splat(k, val_const(k, DT_I32, p->at), p->lanes);
        uint32_t best = kernel_var(k, "most", val_splat(k, start, p->lanes));
        uint32_t where = kernel_var(k, "place", first);
        nest_for(n, "i", idx_const(t, p->at), idx_const(t, p->at + p->vectors * p->lanes), p->lanes,
                 &i);
        f.best = val_splat(k, reduce_vector(n, p, place, i, NO_VAL), p->lanes);
        f.place = val_index(k, i);
        f = nest_greater(k, (Found){val_read(k, best), val_read(k, where)}, f);
        kernel_set(k, where, f.place);
        kernel_set(k, best, f.best);
        nest_end(n);
        f = (Found){val_read(k, best), val_read(k, where)};
    }
    eval_set_lanes(&n->eval, p->lanes);
    Val lane = eval_index(&n->eval, n->eval.lane[p->lanes]);
    if (p->lanes > 1) f.place = val_ew(k, OP_ADD, f.place, lane, NO_VAL);
    return found_across(k, f);
}

static void argmax_row(Nest *n, NodeId id, const Idx *row) {
    Kernel *k = n->k;
    const Node *x = node_at(n->s->g, id);
    const DType type = (DType)node_at(n->s->g, x->args[0])->dtype;
    const Shape reduced = reduced_shape(n->s->g, x);
    Val start = val_const(k, type, nest_start(OP_ARGMAX, type));
    Row r;
    row_merge(n, id, &reduced, &r);
    eval_set_lanes(&n->eval, 1);
    nest_hoist(n, id, row);
    Found all = {NO_VAL, NO_VAL};
    int32_t at = 0, width = r.space.dim[0];
    uint32_t kept = UINT32_MAX;
    for (uint8_t lanes = n->s->target->lanes; lanes >= 1; lanes /= 2) {
        Stretch p = {id, row, &r, lanes, at, (width - at) / lanes, .kept = UINT32_MAX};
        if (p.vectors == 0) continue;
        Found part = argmax_stretch(n, &p, start);
        all = all.best == NO_VAL ? part : nest_greater(k, all, part);
        kept &= p.kept;
        at += p.vectors * lanes;
    }
    row_kept(n, kept);
    val_name(k, all.place, x->name);
    eval_bind(&n->eval, id, row, all.place);
}

/* ---- Points of a contraction -------------------------------------------------------------------- */

/* Adds the sums across the lanes of acc[] to total[]: of four points at a time. */
static void add_across(Nest *n, const uint32_t *acc, uint32_t count, uint8_t lanes, Val *total) {
    Kernel *k = n->k;
    for (uint32_t i = 0; i < count; i += 4) {
        Val v[4], sums = NO_VAL;
        for (uint32_t j = 0; j < 4 && i + j < count; j++) v[j] = val_read(k, acc[i + j]);
        bool four = i + 4 <= count && lanes >= 8 && k->values.at[v[0]].dtype == DT_F32;
        if (four) sums = val_sums(k, v);
        for (uint32_t j = 0; j < 4 && i + j < count; j++) {
            Val part = four ? val_extract(k, sums, j) : val_across(k, OP_ADD, v[j]);
            Val *t = &total[i + j];
            *t = *t == NO_VAL ? part : val_ew(k, OP_ADD, *t, part, NO_VAL);
        }
    }
}

/* Adds to acc[] what is at the places inner[] of all points, as far as the ranges hold: elsewhere nothing. */
static void add_points(Nest *n, const Node *x, const Point *points, uint32_t count,
                       const Idx *inner, Ranges ranges, const uint32_t *acc) {
    Kernel *k = n->k;
    Val zero = val_const(k, (DType)x->dtype, 0), *from = NEW_ARRAY(k->arena, Val, 2 * count);
    Val *to = NEW_ARRAY(k->arena, Val, 2 * count); /* what they are where ranges hold */
    Val holds = ranges.count ? eval_ranges(&n->eval, ranges) : NO_VAL;
    uint32_t known = 0;
    for (uint32_t i = 0; i < count; i++) {
        Val v[2];
        for (uint32_t j = 0; j < 2; j++) {
            Idx in[MAX_RANK];
            access_reduced(&k->index, n->s->g, x, j, points[i].at, inner, in);
            v[j] = eval_where(&n->eval, x->args[j], in, ranges);
            if (!ranges.count) continue;
            uint32_t at = 0;
            while (at < known && from[at] != v[j]) at++;
            if (at == known) {
                from[known] = v[j];
                to[known++] = val_ew(k, OP_WHERE, holds, v[j], zero);
            }
            v[j] = to[at];
        }
        kernel_set(k, acc[i], val_fma(k, v[0], v[1], val_read(k, acc[i])));
    }
}

/* What is left of the last axis, from `at` on, as a vector of which some lanes count. */
static void add_rest(Nest *n, const Node *x, const Row *r, int32_t at, uint8_t lanes,
                     const Point *points, uint32_t count, const uint32_t *acc) {
    int last = r->space.rank - 1;
    Idx inner[MAX_RANK], place[MAX_RANK];
    Range *some = NEW(n->k->arena, Range);
    nest_open(n, &r->space, last, place);
    row_place(n, r, lanes, place, idx_const(&n->k->index, at), inner);
    *some = (Range){place[last], 0, r->space.dim[last]};
    add_points(n, x, points, count, inner, (Ranges){1, some}, acc);
    nest_close(n, last);
}

/* A contraction at a tile of points of one lane each: what reduce_row does, for all of them in one loop. What is left
 * of the last axis is one vector more; in shorter ones where it comes again and again, as points_steps has it. */
void nest_reduce_along(Nest *n, NodeId id, const Point *points, uint32_t count) {
    Kernel *k = n->k;
    const Node *x = node_at(n->s->g, id);
    const Shape reduced = reduced_shape(n->s->g, x);
    uint32_t *acc = NEW_ARRAY(k->arena, uint32_t, count);
    Val *total = NEW_ARRAY(k->arena, Val, count), zero = val_const(k, (DType)x->dtype, 0);
    Row r;
    row_merge(n, id, &reduced, &r);
    const int32_t length = r.space.dim[r.space.rank - 1];
    bool shorter = shape_elems(&reduced) > length;
    for (uint32_t i = 0; i < count; i++) total[i] = NO_VAL;
    int32_t at = 0, end;
    for (uint8_t lanes = n->s->target->lanes; at < length; lanes /= 2) {
        bool all = !shorter && lanes / 2 < length - at; /* the rest in one */
        if (lanes > length - at && !all) continue;
        for (uint32_t i = 0; i < count; i++)
            acc[i] = kernel_var(k, "acc", val_splat(k, zero, lanes));
        end = at + (length - at) / lanes * lanes;
        if (end > at) {
            Idx inner[MAX_RANK], place[MAX_RANK], step;
            nest_open(n, &r.space, r.space.rank - 1, place);
            nest_for(n, "i", idx_const(&k->index, at), idx_const(&k->index, end), lanes, &step);
            /* Of more a compiler would load all at once, and has no registers. */
            nest_turns(n, n->s->target->turns ? 1 : 0);
            row_place(n, &r, lanes, place, step, inner);
            add_points(n, x, points, count, inner, (Ranges){0}, acc);
            nest_close(n, r.space.rank);
        }
        if (end < length && !shorter) {
            add_rest(n, x, &r, end, lanes, points, count, acc);
            end = length;
        }
        add_across(n, acc, count, lanes, total);
        at = end;
    }
    for (uint32_t i = 0; i < count; i++) eval_bind(&n->eval, id, points[i].at, total[i]);
}

double points_steps(const Target *target, int64_t length, double turns) {
    double steps = 0;
    for (int w = target->lanes; length > 0; w /= 2) {
        if (turns <= 1 && w / 2 < length) return steps + (double)((length + w - 1) / w);
        steps += (double)(length / w) * turns;
        length %= w;
    }
    return steps;
}

int64_t nest_row_length(const Nest *n, NodeId id) {
    const Shape reduced = reduced_shape(n->s->g, node_at(n->s->g, id));
    Row r;
    row_merge(n, id, &reduced, &r);
    return r.space.rank ? r.space.dim[r.space.rank - 1] : 1;
}

static void store_row(Nest *n, const Idx *row) {
    const Section *s = n->s;
    Val *v = NEW_ARRAY(n->k->arena, Val, s->stores.len + 1);
    int outer_rank = s->cluster->outer.rank;
    Row r;
    row_merge(n, NO_NODE, &s->cluster->inner, &r);
    int32_t at = 0, end;
    int last = r.space.rank - 1;
    for (uint8_t lanes = s->target->lanes; lanes >= 1; lanes /= 2, at = end) {
        Idx index[MAX_RANK], place[MAX_RANK], step;
        end = at + (r.space.dim[last] - at) / lanes * lanes;
        if (end == at) continue;
        memcpy(index, row, (size_t)outer_rank * sizeof(Idx));
        nest_open(n, &r.space, last, place);
        nest_for(n, "i", idx_const(&n->k->index, at), idx_const(&n->k->index, end), lanes, &step);
        row_place(n, &r, lanes, place, step, index + outer_rank);
        for (uint32_t i = 0; i < s->stores.len; i++) {
            if (nest_is_inner(s, s->stores.at[i].node))
                v[i] = eval_at(&n->eval, s->stores.at[i].node, index);
        }
        for (uint32_t i = 0; i < s->stores.len; i++) {
            if (nest_is_inner(s, s->stores.at[i].node))
                nest_store(n, &s->stores.at[i], index, lanes, v[i]);
        }
        nest_close(n, r.space.rank);
    }
}

void nest_row(Nest *n, const Idx *row) {
    const Section *s = n->s;
    Kernel *k = n->k;
    n->eval.kept_count = 0;
    nest_here(n, row);
    nest_choose_kept(n, 2 * s->target->lanes);
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        Op op = (Op)node_at(s->g, id)->op;
        eval_set_lanes(&n->eval, 1);
        Point p = {.lanes = 1};
        memcpy(p.at, row, sizeof(p.at));
        if (op == OP_ARGMAX && reduced_shape(s->g, node_at(s->g, id)).dim[0] >= s->target->lanes)
            argmax_row(n, id, row);
        else if (op == OP_ARGMAX || op == OP_SCATTER)
            nest_reduce(n, id, &p, 1);
        else if (is_reduction(op))
            reduce_row(n, id, row);
        else if (!nest_is_inner(s, id))
            eval_at(&n->eval, id, row); /* once a row, not in the loops over it */
    }
    eval_set_lanes(&n->eval, 1);
    Val *v = NEW_ARRAY(k->arena, Val, s->stores.len + 1);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (!nest_is_inner(s, s->stores.at[i].node))
            v[i] = eval_at(&n->eval, s->stores.at[i].node, row);
    }
    if (s->cluster->has_inner) {
        nest_hoist(n, NO_NODE, row);
        store_row(n, row);
    }
    eval_set_lanes(&n->eval, 1);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (!nest_is_inner(s, s->stores.at[i].node)) nest_store(n, &s->stores.at[i], row, 1, v[i]);
    }
}

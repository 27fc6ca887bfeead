/* schedule_point: what a section computes at some points of its iteration space, or at a row of it: the
 * reductions, each with its own loops and accumulators, then the stores. */
#include "nest.h"

#include <math.h>

/* ---- One reduction at one place -------------------------------------------------------------- */

static double sum_start(Op op, DType t) {
    if (op == OP_SUM || op == OP_DOT || op == OP_SCATTER) return 0;
    return t == DT_F32 ? -INFINITY : t == DT_I32 ? -2147483648.0 : 0;
}

/* What a reduction adds at one place: acc combined with the operand there. */
static Val accumulate(Nest *n, const Node *r, const Idx *out, const Idx *inner, Val acc) {
    Kernel *k = n->k;
    Idx in[MAX_RANK];
    access_reduced(&k->index, n->s->g, r, 0, out, inner, in);
    Val x = eval_at(&n->eval, r->args[0], in);
    if (r->op == OP_DOT) {
        access_reduced(&k->index, n->s->g, r, 1, out, inner, in);
        return val_fma(k, x, eval_at(&n->eval, r->args[1], in), acc);
    }
    return val_ew(k, r->op == OP_SUM ? OP_ADD : OP_MAX, acc, x, NO_VAL);
}

/* Row i of a scatter where values are added: the index, or -1 where it is none. */
static Val scatter_row(Nest *n, const Node *r, const Idx *out, const Idx *inner) {
    Kernel *k = n->k;
    Idx in[MAX_RANK];
    access_reduced(&k->index, n->s->g, r, 1, out, inner, in);
    Val i = eval_at(&n->eval, r->args[1], in), none = val_const(k, DT_I32, -1);
    Val inside = val_ew(k, OP_AND, val_ew(k, OP_LE, val_const(k, DT_I32, 0), i, NO_VAL),
                        val_ew(k, OP_LT, i, val_const(k, DT_I32, r->shape.dim[0]), NO_VAL), NO_VAL);
    Val row = val_ew(k, OP_WHERE, inside, i, none);
    val_name(k, row, "row");
    return row;
}

/* What a scatter adds at one place: nothing where the index is another. Where one row is computed at a
 * time, what is not wanted is not read. */
static void accumulate_scatter(Nest *n, const Node *r, const Point *p, const Idx *inner,
                               uint32_t acc) {
    Kernel *k = n->k;
    Idx in[MAX_RANK];
    bool one = p->lanes == 1 ||
               !idx_uses(&k->index, p->at[0], idx_atom(&k->index, n->eval.lane[p->lanes]));
    Val row = scatter_row(n, r, p->at, inner);
    access_reduced(&k->index, n->s->g, r, 0, p->at, inner, in);
    if (!one || k->values.at[row].lanes > 1) {
        Val here = val_ew(k, OP_EQ, row, eval_index(&n->eval, p->at[0]), NO_VAL);
        Val more = val_ew(k, OP_ADD, val_read(k, acc), eval_at(&n->eval, r->args[0], in), NO_VAL);
        kernel_set(k, acc, val_ew(k, OP_WHERE, here, more, val_read(k, acc)));
        return;
    }
    Idx v = idx_var(&k->index, "row", -1, r->shape.dim[0] - 1, row);
    Range *range = NEW(k->arena, Range);
    *range = (Range){idx_sub(&k->index, v, p->at[0]), 0, 1};
    kernel_if(k, (Ranges){1, range});
    eval_push(&n->eval);
    kernel_set(k, acc,
               val_ew(k, OP_ADD, val_read(k, acc), eval_at(&n->eval, r->args[0], in), NO_VAL));
    eval_pop(&n->eval);
    kernel_end(k);
}

/* The first greatest so far, and its place; NaN counts as the greatest. */
static void accumulate_argmax(Nest *n, const Node *r, const Idx *out, const Idx *inner,
                              uint32_t best, uint32_t where) {
    Kernel *k = n->k;
    Idx in[MAX_RANK];
    access_reduced(&k->index, n->s->g, r, 0, out, inner, in);
    Val x = eval_at(&n->eval, r->args[0], in), top = val_read(k, best);
    Val more = val_ew(k, OP_LT, top, x, NO_VAL);
    if (k->values.at[x].dtype == DT_F32) {
        Val nan = val_ew(k, OP_AND, val_ew(k, OP_NE, x, x, NO_VAL),
                         val_ew(k, OP_EQ, top, top, NO_VAL), NO_VAL);
        more = val_ew(k, OP_OR, more, nan, NO_VAL);
    }
    Val place = val_ew(k, OP_WHERE, more, val_index(k, inner[0]), val_read(k, where));
    Val value = val_ew(k, OP_WHERE, more, x, top);
    kernel_set(k, where, place);
    kernel_set(k, best, value);
}

/* ---- Tiles: lanes over the last outer axis --------------------------------------------------- */

static void reduce_tile(Nest *n, NodeId id, const Point *points, uint32_t count) {
    Kernel *k = n->k;
    const Node *r = node_at(n->s->g, id);
    const Shape reduced = reduced_shape(n->s->g, r);
    uint32_t *acc = NEW_ARRAY(k->arena, uint32_t, count),
             *place = NEW_ARRAY(k->arena, uint32_t, count);
    DType t = (DType)node_at(n->s->g, r->args[0])->dtype;
    const char *name = r->op == OP_RMAX || r->op == OP_ARGMAX ? "most" : "acc";
    for (uint32_t i = 0; i < count; i++) {
        Val start = val_splat(k, val_const(k, t, sum_start((Op)r->op, t)), points[i].lanes);
        acc[i] = kernel_var(k, name, start);
        if (r->op == OP_ARGMAX) {
            place[i] =
                kernel_var(k, "place", val_splat(k, val_const(k, DT_I32, 0), points[i].lanes));
        }
    }
    Idx inner[MAX_RANK];
    nest_open(n, &reduced, reduced.rank, inner);
    for (uint32_t i = 0; i < count; i++) {
        eval_set_lanes(&n->eval, points[i].lanes);
        if (r->op == OP_ARGMAX)
            accumulate_argmax(n, r, points[i].at, inner, acc[i], place[i]);
        else if (r->op == OP_SCATTER)
            accumulate_scatter(n, r, &points[i], inner, acc[i]);
        else
            kernel_set(k, acc[i], accumulate(n, r, points[i].at, inner, val_read(k, acc[i])));
    }
    nest_close(n, reduced.rank);
    for (uint32_t i = 0; i < count; i++) {
        Val v = val_read(k, r->op == OP_ARGMAX ? place[i] : acc[i]);
        eval_bind(&n->eval, id, points[i].at, v);
    }
}

static bool is_inner(const Section *s, NodeId id) {
    return node_at(s->g, id)->shape.rank > s->cluster->outer.rank;
}

/* All points, all members. What is stored is computed before anything is: a store may overwrite a
 * parameter that another reads. */
void nest_points(Nest *n, const Point *points, uint32_t count) {
    const Section *s = n->s;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        if (is_reduction((Op)node_at(s->g, id)->op)) reduce_tile(n, id, points, count);
    }
    Val *v = NEW_ARRAY(n->k->arena, Val, s->stores.len + 1);
    for (uint32_t i = 0; i < count; i++) {
        eval_set_lanes(&n->eval, points[i].lanes);
        for (uint32_t k = 0; k < s->stores.len; k++)
            v[k] = eval_at(&n->eval, s->stores.at[k].node, points[i].at);
        for (uint32_t k = 0; k < s->stores.len; k++)
            nest_store(n, &s->stores.at[k], points[i].at, points[i].lanes, v[k]);
    }
}

/* ---- Rows: lanes over the reduced or inner axis ---------------------------------------------- */

/* The axes of a row's loops, merged where memory allows: the last one is cut into vectors. */
typedef struct Row {
    Shape full, space;
    int merged[MAX_RANK];
} Row;

/* What the loop over a row evaluates: one reduction's operands (id), or the inner stores (NO_NODE). */
static uint32_t row_divisions(const Nest *n, NodeId id, const Row *r) {
    Kernel k;
    Nest probe = {.s = n->s, .k = &k};
    Idx at[MAX_RANK], index[MAX_RANK];
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
        accumulate(&probe, x, index, index + outer->rank, val_const(&k, (DType)x->dtype, 0));
    }
    for (uint32_t i = 0; i < n->s->stores.len && id == NO_NODE; i++) {
        const Store *st = &n->s->stores.at[i];
        Idx address;
        if (!is_inner(n->s, st->node)) continue;
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

/* Opens the loops over a row from element `at` of its last axis on, in vectors of `lanes`, as far as they
 * go; *end: to where. inner[] is the place on the full axes. */
static bool row_open(Nest *n, const Row *r, uint8_t lanes, int32_t at, int32_t *end, Idx *inner) {
    Kernel *k = n->k;
    int last = r->space.rank - 1;
    Idx place[MAX_RANK], step;
    *end = at + (r->space.dim[last] - at) / lanes * lanes;
    if (*end == at) return false;
    nest_open(n, &r->space, last, place);
    nest_for(n, "i", idx_const(&k->index, at), idx_const(&k->index, *end), lanes, &step);
    eval_set_lanes(&n->eval, lanes);
    place[last] = idx_add(&k->index, step, n->eval.lane[lanes]);
    nest_unmerge(&k->index, &r->full, r->merged, r->space.rank, place, inner);
    return true;
}

static void row_close(Nest *n, const Row *r) {
    nest_close(n, r->space.rank);
}

/* The last axis in vectors: a loop over whole ones, then what is left in ever shorter ones. */
static void reduce_row(Nest *n, NodeId id, const Idx *row) {
    Kernel *k = n->k;
    const Node *x = node_at(n->s->g, id);
    const Shape reduced = reduced_shape(n->s->g, x);
    Op op = x->op == OP_SUM || x->op == OP_DOT ? OP_ADD : OP_MAX;
    Val start = val_const(k, (DType)x->dtype, sum_start((Op)x->op, (DType)x->dtype)),
        total = NO_VAL;
    Row r;
    row_merge(n, id, &reduced, &r);
    int32_t at = 0, end;
    for (uint8_t lanes = n->s->target->lanes; lanes >= 1; lanes /= 2) {
        Idx inner[MAX_RANK];
        if (at + lanes > r.space.dim[r.space.rank - 1]) continue;
        uint32_t acc = kernel_var(k, op == OP_ADD ? "sum" : "most", val_splat(k, start, lanes));
        if (!row_open(n, &r, lanes, at, &end, inner)) continue;
        kernel_set(k, acc, accumulate(n, x, row, inner, val_read(k, acc)));
        row_close(n, &r);
        Val part = val_across(k, op, val_read(k, acc));
        total = total == NO_VAL ? part : val_ew(k, op, total, part, NO_VAL);
        at = end;
    }
    val_name(k, total, x->name);
    eval_bind(&n->eval, id, row, total);
}

static void store_row(Nest *n, const Idx *row) {
    const Section *s = n->s;
    Val *v = NEW_ARRAY(n->k->arena, Val, s->stores.len + 1);
    int outer_rank = s->cluster->outer.rank;
    Row r;
    row_merge(n, NO_NODE, &s->cluster->inner, &r);
    int32_t at = 0, end;
    for (uint8_t lanes = s->target->lanes; lanes >= 1; lanes /= 2, at = end) {
        Idx index[MAX_RANK];
        memcpy(index, row, (size_t)outer_rank * sizeof(Idx));
        if (!row_open(n, &r, lanes, at, &end, index + outer_rank)) continue;
        for (uint32_t i = 0; i < s->stores.len; i++) {
            if (is_inner(s, s->stores.at[i].node))
                v[i] = eval_at(&n->eval, s->stores.at[i].node, index);
        }
        for (uint32_t i = 0; i < s->stores.len; i++) {
            if (is_inner(s, s->stores.at[i].node))
                nest_store(n, &s->stores.at[i], index, lanes, v[i]);
        }
        row_close(n, &r);
    }
}

void nest_row(Nest *n, const Idx *row) {
    const Section *s = n->s;
    Kernel *k = n->k;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        Op op = (Op)node_at(s->g, id)->op;
        eval_set_lanes(&n->eval, 1);
        Point p = {.lanes = 1};
        memcpy(p.at, row, sizeof(p.at));
        if (op == OP_ARGMAX || op == OP_SCATTER)
            reduce_tile(n, id, &p, 1);
        else if (is_reduction(op))
            reduce_row(n, id, row);
        else if (!is_inner(s, id))
            eval_at(&n->eval, id, row); /* once a row, not in the loops over it */
    }
    eval_set_lanes(&n->eval, 1);
    Val *v = NEW_ARRAY(k->arena, Val, s->stores.len + 1);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (!is_inner(s, s->stores.at[i].node)) v[i] = eval_at(&n->eval, s->stores.at[i].node, row);
    }
    if (s->cluster->has_inner) store_row(n, row);
    eval_set_lanes(&n->eval, 1);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (!is_inner(s, s->stores.at[i].node)) nest_store(n, &s->stores.at[i], row, 1, v[i]);
    }
}

/* schedule_point: what a section computes at some points of its iteration space: the reductions, each with its own
 * loops and accumulators, then the stores. */
#include "nest.h"

#include <math.h>

/* ---- One reduction at one place -------------------------------------------------------------- */

double nest_start(Op op, DType t) {
    if (op == OP_SUM || op == OP_DOT || op == OP_SCATTER) return 0;
    return t == DT_F32 ? -INFINITY : t == DT_I32 ? -2147483648.0 : 0;
}

Val nest_accumulate(Nest *n, const Node *r, const Idx *out, const Idx *inner, Val acc) {
    Kernel *k = n->k;
    Idx in[MAX_RANK];
    access_reduced(&k->index, n->s->g, r, 0, out, inner, in);
    Val x = eval_at(&n->eval, r->args[0], in);
    if (r->op == OP_DOT) {
        access_reduced(&k->index, n->s->g, r, 1, out, inner, in);
        Val y = eval_at(&n->eval, r->args[1], in);
        return acc == NO_VAL ? val_ew(k, OP_MUL, x, y, NO_VAL) : val_fma(k, x, y, acc);
    }
    if (acc == NO_VAL) return x;
    return val_ew(k, r->op == OP_SUM ? OP_ADD : OP_MAX, acc, x, NO_VAL);
}

Val nest_scatter_here(Nest *n, const Node *r, const Idx *out, const Idx *inner) {
    Kernel *k = n->k;
    Idx in[MAX_RANK];
    access_reduced(&k->index, n->s->g, r, 1, out, inner, in);
    Val row = eval_at(&n->eval, r->args[1], in);
    Val here = val_ew(k, OP_EQ, row, eval_index(&n->eval, out[0]), NO_VAL);
    val_name(k, here, "here");
    return here;
}

void nest_scatter(Nest *n, const Node *r, const Idx *out, const Idx *inner, Val here,
                  uint32_t acc) {
    Kernel *k = n->k;
    Idx in[MAX_RANK];
    access_reduced(&k->index, n->s->g, r, 0, out, inner, in);
    if (k->values.at[here].lanes > 1) {
        Val more = val_ew(k, OP_ADD, val_read(k, acc), eval_at(&n->eval, r->args[0], in), NO_VAL);
        kernel_set(k, acc, val_ew(k, OP_WHERE, here, more, val_read(k, acc)));
        return;
    }
    Range *range = NEW(k->arena, Range);
    *range = (Range){idx_var(&k->index, "here", 0, 1, here), 1, 2};
    kernel_if(k, (Ranges){1, range});
    eval_push(&n->eval);
    kernel_set(k, acc,
               val_ew(k, OP_ADD, val_read(k, acc), eval_at(&n->eval, r->args[0], in), NO_VAL));
    eval_pop(&n->eval);
    kernel_end(k);
}

Val nest_is_greater(Kernel *k, Val x, Val best) {
    Val more = val_ew(k, OP_LT, best, x, NO_VAL);
    if (k->values.at[x].dtype != DT_F32) return more;
    Val nan = val_ew(k, OP_AND, val_ew(k, OP_NE, x, x, NO_VAL),
                     val_ew(k, OP_EQ, best, best, NO_VAL), NO_VAL);
    return val_ew(k, OP_OR, more, nan, NO_VAL);
}

Found nest_greater(Kernel *k, Found was, Found next) {
    Val more = nest_is_greater(k, next.best, was.best);
    return (Found){val_ew(k, OP_WHERE, more, next.best, was.best),
                   val_ew(k, OP_WHERE, more, next.place, was.place)};
}

/* What there is so far, with one more place. */
static void accumulate_argmax(Nest *n, const Node *r, const Idx *out, const Idx *inner,
                              uint32_t best, uint32_t where) {
    Kernel *k = n->k;
    Idx in[MAX_RANK];
    access_reduced(&k->index, n->s->g, r, 0, out, inner, in);
    Found next = {eval_at(&n->eval, r->args[0], in), val_index(k, inner[0])};
    next = nest_greater(k, (Found){val_read(k, best), val_read(k, where)}, next);
    kernel_set(k, where, next.place);
    kernel_set(k, best, next.best);
}

/* ---- Tiles: lanes over the last outer axis --------------------------------------------------- */

void nest_reduce(Nest *n, NodeId id, const Point *points, uint32_t count) {
    Kernel *k = n->k;
    const Node *r = node_at(n->s->g, id);
    const Shape reduced = reduced_shape(n->s->g, r);
    uint32_t *acc = NEW_ARRAY(k->arena, uint32_t, count),
             *place = NEW_ARRAY(k->arena, uint32_t, count);
    DType t = (DType)node_at(n->s->g, r->args[0])->dtype;
    const char *name = r->op == OP_RMAX || r->op == OP_ARGMAX ? "most" : "acc";
    for (uint32_t i = 0; i < count; i++) {
        Val start = val_splat(k, val_const(k, t, nest_start((Op)r->op, t)), points[i].lanes);
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
        nest_here(n, points[i].at);
        if (r->op == OP_ARGMAX)
            accumulate_argmax(n, r, points[i].at, inner, acc[i], place[i]);
        else if (r->op == OP_SCATTER)
            nest_scatter(n, r, points[i].at, inner, nest_scatter_here(n, r, points[i].at, inner),
                         acc[i]);
        else
            kernel_set(k, acc[i], nest_accumulate(n, r, points[i].at, inner, val_read(k, acc[i])));
    }
    nest_close(n, reduced.rank);
    for (uint32_t i = 0; i < count; i++) {
        Val v = val_read(k, r->op == OP_ARGMAX ? place[i] : acc[i]);
        eval_bind(&n->eval, id, points[i].at, v);
    }
}

/* Some points of a tile that are one vector while a contraction adds up: what is left of its columns. */
typedef struct Wide {
    uint32_t first, parts;
    uint8_t lanes, used;
    Idx at[MAX_RANK];
} Wide;

static Wide widen(Nest *n, const Point *points, uint32_t first, uint32_t count) {
    const uint8_t lanes = points[first].lanes;
    Wide w = {.first = first, .parts = 1, .lanes = lanes, .used = lanes};
    while (lanes < n->s->target->lanes && first + w.parts < count &&
           points[first + w.parts].lanes < points[first + w.parts - 1].lanes)
        w.used += points[first + w.parts++].lanes;
    while (w.lanes < w.used) w.lanes *= 2;
    memcpy(w.at, points[first].at, sizeof(w.at));
    for (int i = 0; i < n->s->cluster->outer.rank && w.parts > 1; i++)
        w.at[i] = idx_subst(&n->k->index, w.at[i], idx_atom(&n->k->index, n->eval.lane[lanes]),
                            n->eval.lane[w.lanes]);
    return w;
}

/* Operand j at a vector of which only some lanes count: the others are anything. */
static Val operand_of(Nest *n, const Node *dot, uint32_t j, const Wide *w, const Idx *inner) {
    IndexTable *t = &n->k->index;
    Idx in[MAX_RANK];
    bool by_lane = false;
    access_reduced(t, n->s->g, dot, j, w->at, inner, in);
    for (int i = 0; i < node_at(n->s->g, dot->args[j])->shape.rank && w->parts > 1; i++)
        by_lane = by_lane || idx_uses(t, in[i], n->eval.lane_atom);
    if (!by_lane) return eval_at(&n->eval, dot->args[j], in);
    Range *some = NEW(n->k->arena, Range);
    *some = (Range){n->eval.lane[w->lanes], 0, w->used};
    return eval_where(&n->eval, dot->args[j], in, (Ranges){1, some});
}

/* A contraction at a tile whose lanes run over columns. */
static void reduce_columns(Nest *n, NodeId id, const Point *points, uint32_t count) {
    Kernel *k = n->k;
    const Node *x = node_at(n->s->g, id);
    const Shape reduced = reduced_shape(n->s->g, x);
    Wide *wide = NEW_ARRAY(k->arena, Wide, count);
    uint32_t *acc = NEW_ARRAY(k->arena, uint32_t, count), vectors = 0;
    Val zero = val_const(k, (DType)x->dtype, 0);
    for (uint32_t i = 0; i < count; i += wide[vectors++].parts) {
        wide[vectors] = widen(n, points, i, count);
        acc[vectors] = kernel_var(k, "acc", val_splat(k, zero, wide[vectors].lanes));
    }
    Idx inner[MAX_RANK];
    nest_open(n, &reduced, reduced.rank, inner);
    nest_turns(n, n->s->target->turns);
    for (uint32_t i = 0; i < vectors; i++) {
        eval_set_lanes(&n->eval, wide[i].lanes);
        Val a = operand_of(n, x, 0, &wide[i], inner), b = operand_of(n, x, 1, &wide[i], inner);
        Val more = val_fma(k, a, b, val_read(k, acc[i]));
        val_used(k, more, wide[i].used);
        kernel_set(k, acc[i], more);
    }
    nest_close(n, reduced.rank);
    for (uint32_t i = 0; i < vectors; i++) {
        Val v = val_read(k, acc[i]);
        for (uint32_t j = 0, at = 0; j < wide[i].parts; j++) {
            const Point *p = &points[wide[i].first + j];
            eval_bind(&n->eval, id, p->at, val_part(k, v, at, p->lanes));
            at += p->lanes;
        }
    }
}

void nest_store_points(Nest *n, const Point *points, uint32_t count) {
    const Section *s = n->s;
    Val *v = NEW_ARRAY(n->k->arena, Val, s->stores.len + 1);
    for (uint32_t i = 0; i < count; i++) {
        eval_set_lanes(&n->eval, points[i].lanes);
        nest_here(n, points[i].at);
        for (uint32_t k = 0; k < s->stores.len; k++)
            v[k] = eval_at(&n->eval, s->stores.at[k].node, points[i].at);
        for (uint32_t k = 0; k < s->stores.len; k++)
            nest_store(n, &s->stores.at[k], points[i].at, points[i].lanes, v[k]);
    }
}

void nest_reductions(Nest *n, const Point *points, uint32_t count) {
    const Section *s = n->s;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        if (!is_reduction((Op)node_at(s->g, id)->op)) continue;
        if (s->dot_inner)
            nest_reduce_along(n, id, points, count);
        else if (node_at(s->g, id)->op == OP_DOT)
            reduce_columns(n, id, points, count);
        else
            nest_reduce(n, id, points, count);
    }
}

void nest_points(Nest *n, const Point *points, uint32_t count) {
    nest_reductions(n, points, count);
    nest_store_points(n, points, count);
}

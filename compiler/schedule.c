/* schedule: sections of kernels from clusters; see schedule.h.
 *
 * There is one nest for everything: for each tile of the iteration space, the reductions (each with its
 * own loops and one accumulator a point of the tile), then the stores. A contraction is the sum of
 * products in that nest, with a tile of several rows and vectors; a row kernel (softmax) is the same
 * nest with the lanes over the row. On a target without vectors a work-item takes a point. */
#include "nest.h"

#include <math.h>

#define MAX_PIECES 12

typedef struct Piece { /* of the last axis: `lanes` elements from `offset` on */
    int32_t offset;
    uint8_t lanes;
} Piece;

typedef struct Tiling { /* of an axis: `count` tiles of `size`, from `start` on */
    int32_t start, size, count;
    Piece pieces[MAX_PIECES];
    uint32_t piece_count;
} Tiling;

/* ---- Places of the iteration space --------------------------------------------------------- */

static void merge_shape(const Shape *from, const int *merged, int axes, Shape *to) {
    int at = 0;
    *to = (Shape){.rank = (uint8_t)axes};
    for (int i = 0; i < axes; i++) {
        to->dim[i] = 1;
        for (int k = 0; k < merged[i]; k++) to->dim[i] *= from->dim[at++];
    }
}

void nest_unmerge(IndexTable *t, const Shape *from, const int *merged, int axes, const Idx *at,
                  Idx *out) {
    int first = 0;
    for (int i = 0; i < axes; i++) {
        Shape part = {.rank = (uint8_t)merged[i]};
        for (int k = 0; k < merged[i]; k++) part.dim[k] = from->dim[first + k];
        access_unravel(t, &part, at[i], out + first);
        first += merged[i];
    }
}

/* ---- Evaluation of one reduction at one point ----------------------------------------------- */

static void nest_init(Nest *n, const Section *s, Kernel *k) {
    *n = (Nest){.s = s, .k = k};
    eval_init(&n->eval, k, s->g, s->place, s->cluster_of, s->number);
    for (int w = 2; w <= MAX_LANES; w *= 2) {
        n->lane[w] = idx_var(&k->index, "lane", 0, w - 1, NO_VAL);
    }
    n->lane[1] = idx_const(&k->index, 0);
}

void nest_set_lanes(Nest *n, uint8_t lanes) {
    n->eval.lanes = lanes;
    n->eval.lane_atom = lanes == 1 ? UINT32_MAX : idx_atom(&n->k->index, n->lane[lanes]);
}

static double sum_start(Op op, DType t) {
    if (op == OP_SUM || op == OP_DOT) return 0;
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

/* ---- Loops over what a reduction reduces ---------------------------------------------------- */

static const char *const loop_name[MAX_RANK] = {"k", "k1", "k2", "k3", "k4", "k5", "k6", "k7"};

void nest_for(Nest *n, const char *name, Idx lo, Idx hi, int64_t step, Idx *var) {
    bool loop = kernel_for(n->k, name, lo, hi, step, var);
    vec_push(n->k->arena, &n->loops, loop);
    if (loop) eval_push(&n->eval);
}

void nest_end(Nest *n) {
    if (n->loops.at[--n->loops.len]) eval_pop(&n->eval);
    kernel_end(n->k);
}

static void open_loops(Nest *n, const Shape *reduced, int axes, Idx *inner) {
    IndexTable *t = &n->k->index;
    for (int i = 0; i < axes; i++) {
        nest_for(n, loop_name[i], idx_const(t, 0), idx_const(t, reduced->dim[i]), 1, &inner[i]);
    }
}

static void close_loops(Nest *n, int axes) {
    for (int i = 0; i < axes; i++) nest_end(n);
}

/* ---- Tiles: lanes over the last outer axis --------------------------------------------------- */

typedef struct Point { /* of a tile */
    Idx at[MAX_RANK];  /* on the axes of the cluster's outer shape */
    uint8_t lanes;
} Point;

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
    open_loops(n, &reduced, reduced.rank, inner);
    for (uint32_t i = 0; i < count; i++) {
        nest_set_lanes(n, points[i].lanes);
        if (r->op == OP_ARGMAX)
            accumulate_argmax(n, r, points[i].at, inner, acc[i], place[i]);
        else
            kernel_set(k, acc[i], accumulate(n, r, points[i].at, inner, val_read(k, acc[i])));
    }
    close_loops(n, reduced.rank);
    for (uint32_t i = 0; i < count; i++) {
        Val v = val_read(k, r->op == OP_ARGMAX ? place[i] : acc[i]);
        eval_bind(&n->eval, id, points[i].at, v);
    }
}

void nest_store(Nest *n, const Store *st, const Idx *at, uint8_t lanes, Val v) {
    Kernel *k = n->k;
    const Node *node = node_at(n->s->g, st->node);
    uint32_t b =
        kernel_buffer(k, st->buffer, st->name, (DType)node->dtype, shape_elems(&node->shape));
    Idx address = access_address(&k->index, &node->shape, at);
    if (lanes > 1) {
        address = idx_subst(&k->index, address, idx_atom(&k->index, n->lane[lanes]),
                            idx_const(&k->index, 0));
    }
    kernel_store(k, b, address, val_splat(k, v, lanes));
}

static bool is_inner(const Section *s, NodeId id) {
    return node_at(s->g, id)->shape.rank > s->cluster->outer.rank;
}

/* All points, all members. What is stored is computed before anything is: a store may overwrite a
 * parameter that another reads. */
static void emit_points(Nest *n, const Point *points, uint32_t count) {
    const Section *s = n->s;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        if (is_reduction((Op)node_at(s->g, id)->op)) reduce_tile(n, id, points, count);
    }
    Val *v = NEW_ARRAY(n->k->arena, Val, s->stores.len + 1);
    for (uint32_t i = 0; i < count; i++) {
        nest_set_lanes(n, points[i].lanes);
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
        if (is_inner(n->s, n->s->stores.at[i].node))
            eval_at(&probe.eval, n->s->stores.at[i].node, index);
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
        merge_shape(full, next.merged, r->space.rank - 1, &next.space);
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
    open_loops(n, &r->space, last, place);
    nest_for(n, "i", idx_const(&k->index, at), idx_const(&k->index, *end), lanes, &step);
    nest_set_lanes(n, lanes);
    place[last] = idx_add(&k->index, step, n->lane[lanes]);
    nest_unmerge(&k->index, &r->full, r->merged, r->space.rank, place, inner);
    return true;
}

static void row_close(Nest *n, const Row *r) {
    close_loops(n, r->space.rank);
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

static void emit_row(Nest *n, const Idx *row) {
    const Section *s = n->s;
    Kernel *k = n->k;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        Op op = (Op)node_at(s->g, id)->op;
        nest_set_lanes(n, 1);
        Point p = {.lanes = 1};
        memcpy(p.at, row, sizeof(p.at));
        if (op == OP_ARGMAX)
            reduce_tile(n, id, &p, 1);
        else if (is_reduction(op))
            reduce_row(n, id, row);
        else if (!is_inner(s, id))
            eval_at(&n->eval, id, row); /* once a row, not in the loops over it */
    }
    nest_set_lanes(n, 1);
    Val *v = NEW_ARRAY(k->arena, Val, s->stores.len + 1);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (!is_inner(s, s->stores.at[i].node)) v[i] = eval_at(&n->eval, s->stores.at[i].node, row);
    }
    if (s->cluster->has_inner) store_row(n, row);
    nest_set_lanes(n, 1);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (!is_inner(s, s->stores.at[i].node)) nest_store(n, &s->stores.at[i], row, 1, v[i]);
    }
}

/* ---- Dealing tiles to work-groups ------------------------------------------------------------ */

static uint32_t split_axis(int32_t size, int32_t tile, Tiling *out) {
    uint32_t n = 0;
    if (size / tile) out[n++] = (Tiling){.size = tile, .count = size / tile};
    if (size % tile)
        out[n++] = (Tiling){.start = size / tile * tile, .size = size % tile, .count = 1};
    return n;
}

static void cut_pieces(Tiling *t, uint8_t lanes) {
    int32_t at = 0;
    for (; lanes >= 1; lanes /= 2) {
        for (; t->size - at >= lanes; at += lanes) t->pieces[t->piece_count++] = (Piece){at, lanes};
    }
}

/* Rows and vectors of a contraction's tile: the cheapest, by what a step of the inner loop costs in
 * operations (two a cycle) and loads (two a cycle) over all tiles. */
static void choose_tile(const Section *s, int32_t rows, int32_t columns, int32_t *tile_rows,
                        int32_t *tile_columns) {
    int lanes = s->target->lanes, best_rows = 1, best_vectors = 1;
    double best = INFINITY;
    for (int vectors = 1; vectors <= 4; vectors++) {
        int limit = (int)s->target->accumulators / vectors;
        for (int r = 1; r <= limit && r <= 16 && r <= rows; r++) {
            double cost = 0;
            Tiling m[2], c[2];
            uint32_t nm = split_axis(rows, r, m), nc = split_axis(columns, vectors * lanes, c);
            for (uint32_t i = 0; i < nm; i++) {
                for (uint32_t j = 0; j < nc; j++) {
                    c[j].piece_count = 0;
                    cut_pieces(&c[j], (uint8_t)lanes);
                    double p = c[j].piece_count, mr = m[i].size;
                    double step = fmax(mr * p, (mr + p) * 1.0) / 2 + 0.5;
                    cost += fmax(step, 4.0) * m[i].count * c[j].count; /* 4: an fma's latency */
                }
            }
            cost *= 1 + 0.02 * (nm + nc - 2); /* a region of its own is text of its own */
            if (cost < best * 0.999) best = cost, best_rows = r, best_vectors = vectors;
        }
    }
    *tile_rows = best_rows;
    *tile_columns = best_vectors * lanes;
}

/* The work-group's number in its section, as an index variable. */
static Idx section_part(Nest *n) {
    Kernel *k = n->k;
    if (n->s->groups == 1) return idx_const(&k->index, 0);
    if (n->s->groups == k->groups) return k->group;
    Val v = val_index(k, idx_offset(&k->index, k->group, -(int64_t)n->s->first_group));
    val_name(k, v, "part");
    return idx_var(&k->index, "part", 0, (int64_t)n->s->groups - 1, v);
}

/* The points of one tile: `rows` places on the axis before the last, the pieces on the last. */
static uint32_t tile_points(Nest *n, const Idx *at, const Tiling *row, const Tiling *column,
                            Point *points) {
    const Section *s = n->s;
    IndexTable *t = &n->k->index;
    int axes = s->space.rank;
    uint32_t count = 0;
    for (int32_t r = 0; r < (row ? row->size : 1); r++) {
        for (uint32_t p = 0; p < (column ? column->piece_count : 1); p++) {
            Idx place[MAX_RANK];
            Point *pt = &points[count++];
            memcpy(place, at, sizeof(place));
            pt->lanes = column ? column->pieces[p].lanes : 1;
            if (row) place[axes - 2] = idx_offset(t, at[axes - 2], r);
            if (column)
                place[axes - 1] = idx_add(t, idx_offset(t, at[axes - 1], column->pieces[p].offset),
                                          n->lane[pt->lanes]);
            nest_unmerge(t, &s->cluster->outer, s->merged, axes, place, pt->at);
        }
    }
    return count;
}

/* One region: all tiles of one size. */
static void emit_region(Nest *n, Idx part, const Tiling *row, const Tiling *column) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    int axes = s->space.rank;
    int64_t count[MAX_RANK], total = 1;
    Idx at[MAX_RANK];
    for (int i = 0; i < axes; i++) {
        count[i] = s->space.dim[i];
        if (i == axes - 2 && row) count[i] = row->count;
        if (i == axes - 1 && column) count[i] = column->count;
        total *= count[i];
    }
    int64_t groups = s->groups;
    Idx lo = idx_div(t, idx_scale(t, part, total), groups);
    Idx hi = idx_div(t, idx_scale(t, idx_offset(t, part, 1), total), groups), tile;
    nest_for(n, "t", lo, hi, 1, &tile);
    /* A contraction keeps a panel of columns while it goes down the rows; others go along the rows. */
    bool down = s->cluster->has_dot && axes > 0;
    Idx rest = tile;
    for (int i = axes; i-- > 0;) {
        int axis = down ? (i == 0 ? axes - 1 : i - 1) : i;
        at[axis] = i == 0 ? rest : idx_mod(t, rest, count[axis]);
        rest = idx_div(t, rest, count[axis]);
    }
    if (row) at[axes - 2] = idx_offset(t, idx_scale(t, at[axes - 2], row->size), row->start);
    if (column)
        at[axes - 1] = idx_offset(t, idx_scale(t, at[axes - 1], column->size), column->start);
    if (s->lanes_inner) {
        Idx place[MAX_RANK];
        nest_unmerge(t, &s->cluster->outer, s->merged, axes, at, place);
        emit_row(n, place);
    } else {
        Point *points = NEW_ARRAY(k->arena, Point, (row ? row->size : 1) * MAX_PIECES);
        emit_points(n, points, tile_points(n, at, row, column, points));
    }
    nest_end(n);
}

/* Values that do not depend on the place are made once, before the loops. */
typedef VEC(NodeId) NodeIds;

static void hoist(Nest *n, NodeId id, NodeIds *seen) {
    const Section *s = n->s;
    const Node *x = node_at(s->g, id);
    bool own = s->cluster_of[id] == s->number;
    if (x->op == OP_VAR || (s->place[id].buffer != NO_BUFFER && !own)) return;
    for (uint32_t i = 0; i < seen->len; i++) {
        if (seen->at[i] == id) return;
    }
    vec_push(n->k->arena, seen, id);
    if (shape_elems(&x->shape) == 1 && op_info[x->op].elementwise && !own) {
        Idx zero[MAX_RANK];
        for (int i = 0; i < x->shape.rank; i++) zero[i] = idx_const(&n->k->index, 0);
        eval_at(&n->eval, id, zero);
        return;
    }
    for (uint32_t i = 0; i < x->argc; i++) hoist(n, x->args[i], seen);
}

/* A target without vectors: a work-item a point. */
static void emit_items(Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    int64_t total = shape_elems(&s->space);
    Idx item = idx_add(t, idx_scale(t, part, k->local_size), k->local), at[MAX_RANK],
        place[MAX_RANK];
    Range *r = NEW(k->arena, Range);
    *r = (Range){item, 0, total};
    kernel_if(k, (Ranges){1, r});
    eval_push(&n->eval);
    /* Below the condition the item is one of the points. */
    Val v = val_index(k, item);
    val_name(k, v, "i");
    Idx point = total == 1 ? idx_const(t, 0) : idx_var(t, "i", 0, total - 1, v);
    access_unravel(t, &s->space, point, at);
    nest_unmerge(t, &s->cluster->outer, s->merged, s->space.rank, at, place);
    if (s->lanes_inner) {
        emit_row(n, place);
    } else {
        Point p = {.lanes = 1};
        memcpy(p.at, place, sizeof(place));
        emit_points(n, &p, 1);
    }
    eval_pop(&n->eval);
    kernel_end(k);
}

static void emit_tiles(Nest *n, Idx part) {
    const Section *s = n->s;
    int axes = s->space.rank;
    Tiling rows[2], columns[2];
    int32_t tile_rows = 1, tile_columns = s->target->lanes * 4;
    bool by_rows = s->cluster->has_dot && axes >= 2;
    int32_t width = s->space.dim[axes - 1], height = by_rows ? s->space.dim[axes - 2] : 1;
    if (s->cluster->has_dot) choose_tile(s, height, width, &tile_rows, &tile_columns);
    uint32_t nr = by_rows ? split_axis(height, tile_rows, rows) : 1;
    uint32_t nc = split_axis(width, tile_columns, columns);
    for (uint32_t j = 0; j < nc; j++) {
        cut_pieces(&columns[j], s->target->lanes);
        for (uint32_t i = 0; i < nr; i++)
            emit_region(n, part, by_rows ? &rows[i] : NULL, &columns[j]);
    }
}

NodeId section_emit(const Section *s, Kernel *k) {
    Nest n;
    nest_init(&n, s, k);
    eval_push(&n.eval);
    Idx part = section_part(&n);
    NodeIds seen = {0};
    if (shape_elems(&s->space) > 1) {
        for (uint32_t m = 0; m < s->cluster->members.len; m++)
            hoist(&n, s->cluster->members.at[m], &seen);
    }
    if (s->tiles_local)
        emit_local_tiles(&n, part);
    else if (s->target->lanes == 1)
        emit_items(&n, part);
    else if (s->lanes_inner || s->space.rank == 0)
        emit_region(&n, part, NULL, NULL);
    else
        emit_tiles(&n, part);
    eval_pop(&n.eval);
    return n.eval.lost;
}

/* ---- Decisions ------------------------------------------------------------------------------- */

static const Target scalar = {.name = "", .lanes = 1, .local_size = 1};

typedef struct Probe {             /* what one point reads */
    uint32_t divisions;            /* loads whose address needs a division */
    uint32_t outer_bad, inner_bad; /* loads that are not side by side along the last axis */
    KCount count;
} Probe;

static Probe probe(const Section *s, Arena *arena, const Shape *space, const int *merged) {
    Section one = *s;
    Kernel k;
    Nest n;
    Probe p = {0};
    Idx at[MAX_RANK], index[MAX_RANK];
    one.target = &scalar;
    one.space = *space;
    memcpy(one.merged, merged, sizeof(one.merged));
    Arena *scratch = arena_open(arena);
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, &one, &k);
    IndexTable *t = &k.index;
    uint32_t last = UINT32_MAX;
    for (int i = 0; i < space->rank; i++) {
        at[i] =
            space->dim[i] == 1 ? idx_const(t, 0) : idx_var(t, "o", 0, space->dim[i] - 1, NO_VAL);
        if (i == space->rank - 1 && space->dim[i] > 1) last = idx_atom(t, at[i]);
    }
    nest_unmerge(t, &s->cluster->outer, merged, space->rank, at, index);
    eval_push(&n.eval);
    emit_row(&n, index);
    eval_pop(&n.eval);
    kernel_finish(&k);
    p.count = kernel_count(&k);
    for (Val v = 0; v < k.values.len; v++) {
        const Value *x = &k.values.at[v];
        int64_t stride;
        if (x->kind != V_LOAD || !x->uses) continue;
        p.divisions += idx_has_div(t, x->index);
        if (last != UINT32_MAX &&
            !(idx_stride(t, x->index, last, &stride) && (stride == 0 || stride == 1)))
            p.outer_bad++;
        for (uint32_t a = 0; a < t->atoms.len; a++) {
            if (t->atoms.at[a].kind != ATOM_VAR || strcmp(t->atoms.at[a].name, "i")) continue;
            if (!(idx_stride(t, x->index, a, &stride) && (stride == 0 || stride == 1)))
                p.inner_bad++;
        }
    }
    arena_close(scratch);
    return p;
}

/* Axes that lie one after the other in everything that is read and written are one axis. */
static void merge_axes(Section *s, Arena *arena) {
    const Shape *outer = &s->cluster->outer;
    int axes = outer->rank;
    for (int i = 0; i < axes; i++) s->merged[i] = 1;
    s->space = *outer;
    uint32_t divisions = probe(s, arena, &s->space, s->merged).divisions;
    for (int i = axes - 1; i > 0; i--) {
        int merged[MAX_RANK];
        Shape space;
        memcpy(merged, s->merged, sizeof(merged));
        merged[i - 1] += merged[i];
        memmove(&merged[i], &merged[i + 1], (size_t)(axes - i - 1) * sizeof(int));
        merge_shape(outer, merged, axes - 1, &space);
        if (probe(s, arena, &space, merged).divisions > divisions) continue;
        memcpy(s->merged, merged, sizeof(merged));
        s->space = space;
        axes--;
    }
}

void section_plan(Section *s, Arena *arena) {
    const Cluster *c = s->cluster;
    const Target *target = s->target;
    merge_axes(s, arena);
    Probe p = probe(s, arena, &s->space, s->merged);
    int axes = s->space.rank;
    int32_t last = axes ? s->space.dim[axes - 1] : 1;
    bool narrow = last < 4 || (p.outer_bad > 0 && p.inner_bad == 0);
    s->lanes_inner = c->has_inner || (c->has_reduction && narrow);
    int64_t points = shape_elems(&s->space);
    s->tiles_local = local_tiles_fit(s);
    if (s->tiles_local) {
        s->groups = local_tiles_groups(s);
        return;
    }
    if (target->lanes == 1) {
        s->groups = (uint32_t)((points + target->local_size - 1) / target->local_size);
        return;
    }
    /* A group is worth its launch from a few microseconds on. */
    double cycles = (double)points * (p.count.flops + p.count.bytes / 8) / (2.0 * target->lanes);
    double groups = cycles / 8000;
    int64_t limit = target->groups;
    if (limit > points) limit = points;
    for (s->groups = 1; s->groups * 2 <= groups && s->groups * 2 <= limit;) s->groups *= 2;
}

/* schedule_narrow: short rows, 16 of them at a time: lanes run over the rows, loops over what is in them. A loop's turn is
 * then a whole vector, and a reduction needs none across the lanes. Rows lie one after the other in memory: 16 of them
 * are turned into columns before the loops, and what is stored along them is turned back after. */
#include "nest.h"

#include <math.h>

#define LEAST_COLUMNS 2

/* The axes of a row, if all loops of the section go over the same ones. */
static bool row_axes(const Section *s, Shape *row) {
    bool known = s->cluster->has_inner;
    if (known) *row = s->cluster->inner;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        const Node *x = node_at(s->g, s->cluster->members.at[m]);
        if (!is_reduction((Op)x->op)) continue;
        if (x->op != OP_SUM && x->op != OP_RMAX && x->op != OP_ARGMAX) return false;
        Shape reduced = reduced_shape(s->g, x);
        if (known && !shape_equal(row, &reduced)) return false;
        *row = reduced;
        known = true;
    }
    return known;
}

static bool stores_fit(const Section *s) {
    for (uint32_t i = 0; i < s->stores.len; i++) {
        const Store *st = &s->stores.at[i];
        if (!nest_is_inner(s, st->node)) continue;
        if (node_at(s->g, st->node)->dtype != DT_F32 || st->place.tile || st->place.part)
            return false;
    }
    return true;
}

/* Writes 16 rows into a kernel that is thrown away: nothing may go lane by lane. */
static bool goes_in_vectors(const Section *s, Arena *arena) {
    Kernel k;
    Nest n;
    Idx at[MAX_RANK], index[MAX_RANK];
    int axes = s->space.rank;
    bool whole = true;
    Arena *scratch = arena_open(arena);
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    IndexTable *t = &k.index;
    for (int i = 0; i < axes; i++) {
        int64_t count = i < axes - 1 ? s->space.dim[i] : s->space.dim[i] / MAX_LANES;
        at[i] = idx_place(t, "o", count, NO_VAL);
    }
    at[axes - 1] = idx_add(t, idx_scale(t, at[axes - 1], MAX_LANES), n.eval.lane[MAX_LANES]);
    nest_unmerge(t, &s->cluster->outer, s->merged, axes, at, index);
    eval_push(&n.eval);
    nest_narrow(&n, index);
    kernel_finish(&k);
    for (Val v = 0; v < k.values.len && whole; v++) {
        const Value *x = &k.values.at[v];
        whole = !x->uses || (x->kind != V_PACK && x->kind != V_EXTRACT);
    }
    arena_close(scratch);
    return whole;
}

bool narrow_fits(const Section *s, Arena *arena) {
    Shape row;
    int axes = s->space.rank;
    if (!s->lanes_inner || s->target->lanes != MAX_LANES || axes == 0) return false;
    if (s->space.dim[axes - 1] < MAX_LANES || !row_axes(s, &row) || !stores_fit(s)) return false;
    int64_t columns = shape_elems(&row);
    if (columns < LEAST_COLUMNS || columns > MAX_LANES) return false;
    return goes_in_vectors(s, arena);
}

/* A sum or maximum over the rows. */
static void reduce(Nest *n, NodeId id, const Idx *row) {
    Kernel *k = n->k;
    const Node *x = node_at(n->s->g, id);
    const Shape reduced = reduced_shape(n->s->g, x);
    DType t = (DType)x->dtype;
    bool finds_nan = x->op == OP_RMAX && t == DT_F32; /* as in schedule_row.c */
    uint32_t odd = 0, kept = UINT32_MAX;
    Idx index[MAX_RANK];
    int outer = n->s->cluster->outer.rank;
    Val start = val_const(k, t, nest_start((Op)x->op, t));
    uint32_t acc = kernel_var(k, x->op == OP_SUM ? "sum" : "most", val_splat(k, start, MAX_LANES));
    if (finds_nan) odd = kernel_var(k, "odd", val_splat(k, val_const(k, t, 0), MAX_LANES));
    memcpy(index, row, (size_t)outer * sizeof(Idx));
    nest_open(n, &reduced, reduced.rank, index + outer);
    if (finds_nan) {
        Val v = val_splat(k, nest_accumulate(n, x, row, index + outer, NO_VAL), MAX_LANES);
        Val less = val_ew(k, OP_LT, val_read(k, acc), v, NO_VAL);
        kernel_set(k, acc, val_ew(k, OP_WHERE, less, v, val_read(k, acc)));
        nest_note_nan(k, odd, &v, 1);
    } else {
        kernel_set(k, acc, nest_accumulate(n, x, row, index + outer, val_read(k, acc)));
    }
    bool along = shape_equal(&reduced, &n->s->cluster->inner);
    kept = along ? nest_keep(n, index, MAX_LANES) : 0;
    nest_close(n, reduced.rank);
    for (uint32_t i = 0; i < n->eval.kept_count; i++)
        n->eval.kept[i].made = n->eval.kept[i].made || (kept >> i & 1);
    Val v = val_read(k, acc);
    if (finds_nan) v = nest_unless_nan(k, odd, v);
    val_name(k, v, x->name);
    eval_bind(&n->eval, id, row, v);
}

/* What is stored along the rows: all of it is computed before any is stored. */
static void store_rows(Nest *n, const Idx *row) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Shape *inner = &s->cluster->inner;
    int outer = s->cluster->outer.rank;
    uint32_t *local = NEW_ARRAY(k->arena, uint32_t, s->stores.len + 1);
    Idx index[MAX_RANK];
    int64_t columns = n->eval.columns;
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (!nest_is_inner(s, s->stores.at[i].node)) continue;
        const char *name = s->stores.at[i].place.name;
        name = arena_printf(k->arena, "%s_columns", name ? name : "v");
        local[i] = kernel_local(k, name, DT_F32, columns * MAX_LANES);
    }
    memcpy(index, row, (size_t)outer * sizeof(Idx));
    nest_open(n, inner, inner->rank, index + outer);
    Idx at = idx_scale(t, access_address(t, inner, index + outer), MAX_LANES);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (!nest_is_inner(s, s->stores.at[i].node)) continue;
        Val v = eval_at(&n->eval, s->stores.at[i].node, index);
        kernel_store_local(k, local[i], at, val_splat(k, v, MAX_LANES));
    }
    nest_close(n, inner->rank);
    for (int i = 0; i < inner->rank; i++) index[outer + i] = idx_const(t, 0);
    uint32_t atom = idx_atom(t, n->eval.lane[MAX_LANES]);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        const Store *st = &s->stores.at[i];
        Idx base;
        if (!nest_is_inner(s, st->node)) continue;
        uint32_t b = place_buffer(k, s->g, node_at(s->g, st->node), &st->place, index, &base);
        kernel_rows(k, b, idx_subst(t, base, atom, idx_const(t, 0)), local[i], columns);
    }
}

void nest_narrow(Nest *n, const Idx *row) {
    const Section *s = n->s;
    Kernel *k = n->k;
    Shape axes;
    Val *v = NEW_ARRAY(k->arena, Val, s->stores.len + 1);
    row_axes(s, &axes);
    n->unroll = true;
    n->eval.columns = shape_elems(&axes);
    n->eval.turned.len = n->eval.kept_count = 0;
    eval_set_lanes(&n->eval, MAX_LANES);
    nest_here(n, row);
    nest_choose_kept(n, 1);
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        Op op = (Op)node_at(s->g, id)->op;
        Point p = {.lanes = MAX_LANES};
        memcpy(p.at, row, sizeof(p.at));
        if (is_reduction(op)) nest_hoist(n, id, row);
        if (op == OP_ARGMAX)
            nest_reduce(n, id, &p, 1);
        else if (is_reduction(op))
            reduce(n, id, row);
        else if (!nest_is_inner(s, id))
            eval_at(&n->eval, id, row);
    }
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (!nest_is_inner(s, s->stores.at[i].node))
            v[i] = eval_at(&n->eval, s->stores.at[i].node, row);
    }
    if (s->cluster->has_inner) {
        nest_hoist(n, NO_NODE, row);
        store_rows(n, row);
    }
    for (uint32_t i = 0; i < s->stores.len; i++) {
        const Store *st = &s->stores.at[i];
        if (!nest_is_inner(s, st->node)) nest_store(n, st, row, MAX_LANES, v[i]);
    }
    n->unroll = false;
    n->eval.columns = 0;
}

/* schedule: sections of kernels from clusters; see schedule.h.
 *
 * There is one nest for everything: for each tile of the iteration space, the reductions (each with its
 * own loops and one accumulator a point of the tile), then the stores. A contraction is the sum of
 * products in that nest, with a tile of several rows and vectors; a row kernel (softmax) is the same
 * nest with the lanes over the row. On a target without vectors a work-item takes a point. Here tiles
 * are cut and dealt to work-groups; schedule_point.c fills them. */
#include "cost.h"
#include "nest.h"

/* ---- Dealing tiles to work-groups ------------------------------------------------------------ */

/* The work-group's number in its section, as an index variable. */
static Idx section_part(Nest *n) {
    Kernel *k = n->k;
    if (n->s->groups == 1) return idx_const(&k->index, 0);
    if (n->s->groups == k->groups) return k->group;
    Val v = val_index(k, idx_offset(&k->index, k->group, -(int64_t)n->s->first_group));
    val_name(k, v, "part");
    return idx_var(&k->index, "part", 0, (int64_t)n->s->groups - 1, v);
}

/* A piece of a copy whose operand lies along the axis before the last: vectors are loaded along that one, and
 * exchange their lanes in registers. */
static void emit_transposed(Nest *n, const Idx *at, Piece rows, Piece columns) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    int axes = s->space.rank;
    const Store *st = &s->stores.at[0];
    Val turned[MAX_LANES];
    Idx place[MAX_RANK], index[MAX_RANK];
    memcpy(place, at, sizeof(place));
    Idx r = idx_offset(t, at[axes - 2], rows.offset),
        c = idx_offset(t, at[axes - 1], columns.offset);
    eval_set_lanes(&n->eval, rows.lanes);
    place[axes - 2] = idx_add(t, r, n->eval.lane[rows.lanes]);
    for (int i = 0; i < columns.lanes; i++) {
        place[axes - 1] = idx_offset(t, c, i);
        nest_unmerge(t, &s->cluster->outer, s->merged, axes, place, index);
        turned[i] = val_splat(k, eval_at(&n->eval, st->node, index), rows.lanes);
    }
    kernel_turn(k, turned, columns.lanes, rows.lanes);
    eval_set_lanes(&n->eval, columns.lanes);
    place[axes - 1] = idx_add(t, c, n->eval.lane[columns.lanes]);
    for (uint32_t i = 0; i < rows.lanes; i++) {
        place[axes - 2] = idx_offset(t, r, i);
        nest_unmerge(t, &s->cluster->outer, s->merged, axes, place, index);
        nest_store(n, st, index, columns.lanes, turned[i]);
    }
}

/* The same, element by element: what costs little time is to cost little text. */
static void emit_elements(Nest *n, const Idx *at, int32_t rows, int32_t columns) {
    IndexTable *t = &n->k->index;
    const Section *s = n->s;
    const int axes = s->space.rank;
    Idx r, c, place[MAX_RANK], index[MAX_RANK];
    nest_for(n, "r", idx_const(t, 0), idx_const(t, rows), 1, &r);
    if (rows > 1) kernel_unroll(n->k, false);
    nest_for(n, "c", idx_const(t, 0), idx_const(t, columns), 1, &c);
    if (columns > 1) kernel_unroll(n->k, false);
    memcpy(place, at, sizeof(place));
    place[axes - 2] = idx_add(t, at[axes - 2], r);
    place[axes - 1] = idx_add(t, at[axes - 1], c);
    nest_unmerge(t, &s->cluster->outer, s->merged, axes, place, index);
    eval_set_lanes(&n->eval, 1);
    nest_store(n, &s->stores.at[0], index, 1, eval_at(&n->eval, s->stores.at[0].node, index));
    nest_end(n);
    nest_end(n);
}

#define NEARLY 16 /* turns of a group: one more or less is little */

/* How many of the outermost loops, of so many turns each, are dealt out as one: the fewest that the groups can share
 * evenly, or nearly so. */
static int dealt_loops(const int64_t *turns, int loops, int64_t groups) {
    int64_t together = 1;
    for (int i = 0; i < loops; i++) {
        if (together % groups == 0 || together >= NEARLY * groups) return i;
        together *= turns[i];
    }
    return loops;
}

/* The loops over all tiles of one size, or a work-group's share of them: at[] is the tile's number on each axis. Returns
 * how many there are. */
static int open_tiles(Nest *n, Idx part, const int64_t *count, Idx *at) {
    const Section *s = n->s;
    IndexTable *t = &n->k->index;
    int axes = s->space.rank, axis[MAX_RANK];
    int64_t turns[MAX_RANK], together = 1;
    /* A contraction keeps a panel of columns while it goes down the rows, and rows that were moved while it goes through all
     * else; others go along the rows. */
    bool down = s->cluster->has_dot && axes > 0;
    for (int i = 0; i < axes; i++) {
        axis[i] = down ? (i == 0 ? axes - 1 : i - 1) : i;
        if (s->moved) axis[i] = i < 2 ? axes - 2 + i : i - 2;
        turns[i] = count[axis[i]];
    }
    int64_t groups = s->rows ? 1 : s->groups; /* of a block one group does everything */
    int dealt = dealt_loops(turns, axes, groups);
    for (int i = 0; i < dealt; i++) together *= turns[i];
    Idx lo = idx_share(t, part, together, groups), rest;
    Idx hi = idx_share(t, idx_offset(t, part, 1), together, groups);
    nest_for(n, "t", lo, hi, 1, &rest);
    for (int i = dealt; i-- > 0;) {
        at[axis[i]] = i == 0 ? rest : idx_mod(t, rest, turns[i]);
        rest = idx_div(t, rest, turns[i]);
    }
    for (int i = dealt; i < axes; i++)
        nest_for(n, "t", idx_const(t, 0), idx_const(t, turns[i]), 1, &at[axis[i]]);
    return 1 + axes - dealt;
}

#define LITTLE 0.125

/* Which part of the section is in tiles of this size. */
static double region_part(const Section *s, const Tiling *row, const Tiling *column) {
    const int axes = s->space.rank;
    return (double)row->size * row->count / s->space.dim[axes - 2] * column->size * column->count /
           s->space.dim[axes - 1];
}

/* One region: all tiles of one size. */
static void emit_region(Nest *n, Idx part, const Tiling *row, const Tiling *column) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    int axes = s->space.rank;
    int64_t count[MAX_RANK];
    Idx at[MAX_RANK];
    for (int i = 0; i < axes; i++) {
        count[i] = s->space.dim[i];
        if (i == axes - 2 && row) count[i] = row->count;
        if (i == axes - 1 && column) count[i] = column->count;
    }
    int loops = open_tiles(n, part, count, at);
    if (row) at[axes - 2] = idx_offset(t, idx_scale(t, at[axes - 2], row->size), row->start);
    if (column)
        at[axes - 1] = idx_offset(t, idx_scale(t, at[axes - 1], column->size), column->start);
    if (s->row_axes > 0) at[0] = idx_add(t, at[0], n->eval.block.first);
    bool side_by_side = s->narrow && column && column->size == MAX_LANES;
    if (side_by_side) at[axes - 1] = idx_add(t, at[axes - 1], n->eval.lane[MAX_LANES]);
    if (s->lanes_inner) {
        Idx place[MAX_RANK];
        nest_unmerge(t, &s->cluster->outer, s->merged, axes, at, place);
        if (side_by_side)
            nest_narrow(n, place);
        else
            nest_row(n, place);
    } else if (s->transposes && region_part(s, row, column) < LITTLE) {
        emit_elements(n, at, row->size, column->size);
    } else if (s->transposes) {
        for (uint32_t r = 0; r < row->piece_count; r++) {
            for (uint32_t c = 0; c < column->piece_count; c++)
                emit_transposed(n, at, row->pieces[r], column->pieces[c]);
        }
    } else {
        Point *points = NEW_ARRAY(k->arena, Point, (row ? row->size : 1) * MAX_PIECES);
        NodeId waits = column ? nest_sums_wait(n, row, column) : NO_NODE;
        if (waits != NO_NODE)
            nest_waiting(n, waits, at, row, column);
        else
            nest_points(n, points, nest_tile_points(n, at, row, column, points));
    }
    nest_close(n, loops);
}

/* Values that do not depend on the place are made once, before the loops. */
static void hoist(Nest *n, NodeId id, NumberSet *seen) {
    const Section *s = n->s;
    const Node *x = node_at(s->g, id);
    bool own = s->cluster_of[id] == s->number;
    if (x->op == OP_VAR || (in_memory(&s->place[id]) && !own)) return;
    if (!set_add(seen, id)) return;
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
    const Shape *space = &s->space;
    Shape parts = *space;
    if (s->wide) parts.dim[parts.rank - 1] /= ITEM_LANES;
    int64_t total = shape_elems(&parts);
    Idx item = idx_add(t, idx_scale(t, part, k->local_size), k->local), at[MAX_RANK],
        place[MAX_RANK];
    Range *r = NEW(k->arena, Range);
    *r = (Range){item, 0, total};
    kernel_if(k, (Ranges){1, r});
    eval_push(&n->eval);
    /* Below the condition the item is one of the points. */
    Val v = val_index(k, item);
    val_name(k, v, "i");
    Idx point = idx_place(t, "i", total, v);
    access_unravel(t, &parts, point, at);
    if (s->wide) {
        Idx *last = &at[space->rank - 1];
        *last = idx_add(t, idx_scale(t, *last, ITEM_LANES), n->eval.lane[ITEM_LANES]);
    }
    nest_unmerge(t, &s->cluster->outer, s->merged, space->rank, at, place);
    if (s->lanes_inner) {
        nest_row(n, place);
    } else {
        Point p = {.lanes = s->wide ? ITEM_LANES : 1};
        memcpy(p.at, place, sizeof(place));
        nest_points(n, &p, 1);
    }
    eval_pop(&n->eval);
    kernel_end(k);
}

/* All tiles of a part of the last axis: of `width` elements from `first` on. */
static void emit_columns(Nest *n, Idx part, int32_t first, int32_t width) {
    const Section *s = n->s;
    int axes = s->space.rank;
    Tiling rows[2], columns[2];
    int32_t tile_rows = s->tile_rows, tile_columns = s->target->lanes;
    bool by_rows = (s->cluster->has_dot || s->transposes) && axes >= 2;
    int32_t height = by_rows ? s->space.dim[axes - 2] : 1;
    if (s->cluster->has_dot)
        tile_columns = s->tile_columns;
    else if (s->cluster->has_reduction && !s->gathers)
        tile_columns = sum_columns(s, n->k->arena);
    if (s->transposes) tile_rows = MAX_LANES;
    uint32_t nr = by_rows ? split_axis(height, tile_rows, rows) : 1;
    for (uint32_t i = 0; i < nr && s->transposes; i++) cut_pieces(&rows[i], MAX_LANES);
    uint32_t nc = split_axis(width, tile_columns, columns);
    for (uint32_t j = 0; j < nc; j++) {
        if (by_rows && s->cluster->has_dot && columns[j].size < tile_columns)
            nr = split_axis(height, s->rest_rows, rows);
        columns[j].start += first;
        cut_pieces(&columns[j], s->dot_inner ? 1 : s->target->lanes);
        for (uint32_t i = 0; i < nr; i++)
            emit_region(n, part, by_rows ? &rows[i] : NULL, &columns[j]);
    }
}

/* Short rows: 16 at a time, then those that are left, one by one. */
static void emit_narrow(Nest *n, Idx part) {
    const Section *s = n->s;
    Tiling rows[2] = {{0}};
    uint32_t sizes = split_axis(s->space.dim[s->space.rank - 1], MAX_LANES, rows);
    for (uint32_t i = 0; i < sizes; i++) {
        if (rows[i].size < MAX_LANES) rows[i].count = rows[i].size, rows[i].size = 1;
        emit_region(n, part, NULL, &rows[i]);
    }
}

static void emit_tiles(Nest *n, Idx part) {
    const Section *s = n->s;
    for (uint32_t i = 0; i <= s->cut_count; i++) {
        int32_t first = i ? s->cuts[i - 1] : 0;
        int32_t end = i < s->cut_count ? s->cuts[i] : s->space.dim[s->space.rank - 1];
        emit_columns(n, part, first, end - first);
    }
}

static void emit_section(Nest *n, Idx part) {
    const Section *s = n->s;
    eval_push(&n->eval);
    NumberSet seen = {.arena = n->k->arena};
    if (shape_elems(&s->space) > 1) {
        for (uint32_t m = 0; m < s->cluster->members.len; m++)
            hoist(n, s->cluster->members.at[m], &seen);
    }
    if (s->turned_local)
        emit_turned_copy(n, part);
    else if (s->blocked_copy)
        emit_blocked_copy(n, part);
    else if (s->rounded_copy)
        emit_rounded_copy(n, part);
    else if (s->thin)
        emit_thin(n, part);
    else if (s->wgmma)
        emit_wgmma_tiles(n, part);
    else if (s->matrix_rows)
        emit_matrix_tiles(n, part);
    else if (s->staged_rows)
        emit_staged_tiles(n, part);
    else if (s->tiles_local && s->small_rows)
        emit_small_tiles(n, part);
    else if (s->tiles_local)
        emit_local_tiles(n, part);
    else if (s->crosses)
        emit_cross(n, part);
    else if (s->packs)
        emit_panels(n, part);
    else if (s->group_rows)
        emit_shared_rows(n, part);
    else if (s->scatters)
        emit_scatter_blocks(n, part);
    else if (s->target->lanes == 1)
        emit_items(n, part);
    else if (s->narrow)
        emit_narrow(n, part);
    else if (s->lanes_inner || s->space.rank == 0)
        emit_region(n, part, NULL, NULL);
    else
        emit_tiles(n, part);
    eval_pop(&n->eval);
}

/* All sections of a chain over one block of rows: `count` of them from `first` on. */
static NodeId emit_block(const Section *s, uint32_t sections, Turns turns, Kernel *k, Idx first,
                         int32_t count) {
    NodeId lost = NO_NODE;
    Idx turn;
    if (turns.loop) {
        kernel_for(k, "t", idx_const(&k->index, 0), idx_const(&k->index, turns.trips), 1, &turn);
        idx_bind_iteration(&k->index, turns.loop, turn);
    }
    for (uint32_t i = 0; i < sections; i++) {
        Section stage = s[i];
        Nest n;
        if (stage.row_axes > 0) stage.space.dim[0] = count;
        nest_init(&n, &stage, k);
        n.eval.block.first = first;
        emit_section(&n, idx_const(&k->index, 0));
        if (n.eval.lost != NO_NODE) lost = n.eval.lost;
    }
    if (turns.loop) kernel_end(k);
    return lost;
}

NodeId chain_emit(const Section *s, uint32_t count, Turns turns, Kernel *k) {
    Nest n;
    nest_init(&n, s, k);
    Idx part = section_part(&n);
    if (!s->rows) {
        emit_section(&n, part);
        return n.eval.lost;
    }
    IndexTable *t = &k->index;
    NodeId lost = NO_NODE;
    Tiling blocks[2];
    uint32_t sizes = split_axis((int32_t)s->rows, s->block, blocks);
    for (uint32_t i = 0; i < sizes; i++) {
        Idx lo = idx_share(t, part, blocks[i].count, s->groups), block;
        Idx hi = idx_share(t, idx_offset(t, part, 1), blocks[i].count, s->groups);
        kernel_for(k, "block", lo, hi, 1, &block);
        Idx first = idx_offset(t, idx_scale(t, block, blocks[i].size), blocks[i].start);
        NodeId wrong = emit_block(s, count, turns, k, first, blocks[i].size);
        if (wrong != NO_NODE) lost = wrong;
        kernel_end(k);
    }
    return lost;
}

/* schedule_wait: tiles whose sums wait in the group's memory: for what is computed of them, or for the next rows that are
 * added to them. */
#include "cost.h"
#include "nest.h"

#define SUM_ROWS 8 /* rows that are added to sums in memory at a time */

/* Operations that a node takes at one place, as far as it is computed here: of a reduction, one step. */
static double operations_at(const Section *s, NodeId id, NumberSet *seen) {
    const Node *x = node_at(s->g, id);
    double operations = is_view((Op)x->op) || x->op == OP_CONST ? 0 : op_info[x->op].cost;
    if (x->op == OP_VAR || !set_add(seen, id)) return 0;
    if (in_memory(&s->place[id]) && s->cluster_of[id] != s->number) return 0;
    for (uint32_t i = 0; i < x->argc; i++) operations += operations_at(s, x->args[i], seen);
    return operations;
}

/* Bytes that are added up, where sums can wait in memory: of the only reduction. */
static int64_t bytes_added(const Section *s) {
    const Node *sum = NULL;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        const Node *x = node_at(s->g, s->cluster->members.at[m]);
        if (!is_reduction((Op)x->op)) continue;
        if (sum || x->op != OP_SUM || x->dtype != DT_F32) return 0;
        sum = x;
    }
    return sum ? shape_elems(&node_at(s->g, sum->args[0])->shape) * (int64_t)sizeof(float) : 0;
}

/* Whether the sums of a tile of a row's columns may be more than registers hold: where these are few; and where what is added
 * up comes from beyond a core's cache, from where long pieces of rows come sooner than short ones. */
static bool sums_in_memory(const Section *s) {
    const Target *t = s->target;
    return SUM_VECTORS > t->accumulators || (t->lanes > 1 && bytes_added(s) >= t->cache_bytes);
}

int32_t sum_columns(const Section *s, Arena *arena) {
    int32_t lanes = s->target->lanes, last = s->space.dim[s->space.rank - 1];
    double operations = 0;
    NumberSet seen = {.arena = arena};
    for (uint32_t m = 0; m < s->cluster->members.len; m++)
        if (is_reduction((Op)node_at(s->g, s->cluster->members.at[m])->op))
            operations += operations_at(s, s->cluster->members.at[m], &seen);
    if (operations >= COSTLY) return 4 * lanes; /* memory is not what it waits for */
    int64_t vectors = (last + lanes - 1) / lanes, others = shape_elems(&s->space) / last;
    int64_t most = sums_in_memory(s) ? SUM_VECTORS_IN_MEMORY : SUM_VECTORS;
    int64_t tiles = (vectors + most - 1) / most, least = (4 + others - 1) / others;
    if (tiles < least) tiles = least;
    int64_t wide = (vectors + tiles - 1) / tiles;
    return (int32_t)(wide < 4 ? 4 : wide) * lanes;
}

int64_t sum_tiles(const Section *s, Arena *arena) {
    if (!sums_in_memory(s) || s->space.rank == 0) return INT64_MAX;
    int32_t columns = sum_columns(s, arena), last = s->space.dim[s->space.rank - 1];
    return shape_elems(&s->space) / last * ((last + columns - 1) / columns);
}

/* The points of one tile: `rows` places on the axis before the last, the pieces on the last. */
uint32_t nest_tile_points(Nest *n, const Idx *at, const Tiling *row, const Tiling *column,
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
                                          n->eval.lane[pt->lanes]);
            if (s->moved) { /* back */
                const int from = s->moved - 1;
                const Idx moved = place[axes - 2];
                memmove(&place[from + 1], &place[from], (size_t)(axes - 2 - from) * sizeof(Idx));
                place[from] = moved;
            }
            nest_unmerge(t, &s->cluster->outer, s->merged, axes, place, pt->at);
        }
    }
    return count;
}

/* Whether the sums of a tile of columns are more than registers hold. */
static bool beyond_registers(const Nest *n, NodeId id, const Tiling *row, const Tiling *column) {
    const Target *t = n->s->target;
    const uint32_t most = t->accumulators < SUM_VECTORS ? t->accumulators : SUM_VECTORS;
    return !row && node_at(n->s->g, id)->op == OP_SUM && column->pieces[0].lanes == t->lanes &&
           alike_pieces(column, 0) > most;
}

NodeId nest_sums_wait(const Nest *n, const Tiling *row, const Tiling *column) {
    const Section *s = n->s;
    NodeId waits = NO_NODE;
    double operations = 0;
    NumberSet seen = {.arena = n->k->arena};
    if ((row ? row->size : 1) * (int64_t)column->piece_count < 4 || s->dot_inner) return NO_NODE;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        if (!is_reduction((Op)node_at(s->g, id)->op)) continue;
        if (waits != NO_NODE) return NO_NODE;
        waits = id;
        set_add(&seen, id);
    }
    if (waits == NO_NODE || node_at(s->g, waits)->dtype != DT_F32) return NO_NODE;
    if (beyond_registers(n, waits, row, column)) return waits;
    for (uint32_t i = 0; i < s->stores.len; i++)
        operations += operations_at(s, s->stores.at[i].node, &seen);
    return operations >= COSTLY ? waits : NO_NODE;
}

/* Opens a loop over `count` pieces from `first` on, of one length, at row `row` of the tile at at[]: the point is one of them.
 * Returns where its sum waits. */
static Idx open_pieces(Nest *n, int32_t pitch, const Idx *at, Idx row, Piece first, int32_t count,
                       Point *point) {
    IndexTable *t = &n->k->index;
    const int axes = n->s->space.rank;
    const Tiling one = {.size = 1, .count = 1};
    Tiling piece = {.pieces = {{0, first.lanes}}, .piece_count = 1};
    Idx turn, place[MAX_RANK];
    nest_for(n, "c", idx_const(t, 0), idx_const(t, count), 1, &turn);
    if (count > 1) kernel_unroll(n->k, false);
    Idx column = idx_offset(t, idx_scale(t, turn, first.lanes), first.offset);
    memcpy(place, at, sizeof(place));
    if (axes >= 2) place[axes - 2] = idx_add(t, at[axes - 2], row);
    place[axes - 1] = idx_add(t, at[axes - 1], column);
    nest_tile_points(n, place, axes >= 2 ? &one : NULL, &piece, point);
    eval_set_lanes(&n->eval, point->lanes);
    return idx_add(t, idx_scale(t, row, pitch), column);
}

/* What is computed of the sums there. */
static void store_waiting(Nest *n, NodeId waits, uint32_t own, int32_t pitch, const Idx *at,
                          Idx row, Piece first, int32_t count) {
    Point point;
    Idx from = open_pieces(n, pitch, at, row, first, count, &point);
    eval_bind(&n->eval, waits, point.at,
              val_local(n->k, own, from, point.lanes, (Ranges){0}, "sum"));
    nest_store_points(n, &point, 1);
    nest_end(n);
}

/* Adds `rows` rows, along the last of the reduced axes, to the sums that wait: each sum is loaded and stored once. */
static void add_rows(Nest *n, NodeId waits, uint32_t own, const Idx *at, const Tiling *column,
                     Idx *inner, int last, int32_t rows) {
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Node *x = node_at(n->s->g, waits);
    const Idx first = inner[last];
    for (uint32_t i = 0, alike; i < column->piece_count; i += alike) {
        Point point;
        alike = alike_pieces(column, i);
        Idx from =
            open_pieces(n, 0, at, idx_const(t, 0), column->pieces[i], (int32_t)alike, &point);
        Val sum = val_local(k, own, from, point.lanes, (Ranges){0}, "sum");
        for (int32_t r = 0; r < rows; r++) {
            inner[last] = idx_offset(t, first, r);
            sum = nest_accumulate(n, x, point.at, inner, sum);
        }
        kernel_store_local(k, own, from, val_splat(k, sum, point.lanes));
        nest_end(n);
    }
}

/* The sums of a tile of columns in memory. Some rows at a time: as many streams are read beside each other, and each for as
 * long as the tile is wide. */
static void sum_in_memory(Nest *n, NodeId waits, uint32_t own, const Idx *at,
                          const Tiling *column) {
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Shape reduced = reduced_shape(n->s->g, node_at(n->s->g, waits));
    const int last = reduced.rank - 1;
    const int32_t rows = reduced.dim[last], whole = rows / SUM_ROWS * SUM_ROWS;
    Idx inner[MAX_RANK], turn;
    for (uint32_t i = 0, alike; i < column->piece_count; i += alike) {
        const Piece first = column->pieces[i];
        alike = alike_pieces(column, i);
        nest_for(n, "c", idx_const(t, first.offset),
                 idx_const(t, first.offset + (int64_t)alike * first.lanes), first.lanes, &turn);
        kernel_store_local(k, own, turn, val_splat(k, val_const(k, DT_F32, 0), first.lanes));
        nest_end(n);
    }
    nest_open(n, &reduced, last, inner);
    nest_for(n, "r", idx_const(t, 0), idx_const(t, whole), SUM_ROWS, &inner[last]);
    if (whole) add_rows(n, waits, own, at, column, inner, last, SUM_ROWS);
    nest_end(n);
    inner[last] = idx_const(t, whole);
    if (rows > whole) add_rows(n, waits, own, at, column, inner, last, rows - whole);
    nest_close(n, last);
}

/* The sums of a tile, added up in registers, and put where they wait. */
static void put_sums(Nest *n, NodeId waits, uint32_t own, int32_t pitch, const Idx *at,
                     const Tiling *row, const Tiling *column) {
    Kernel *k = n->k;
    const uint32_t pieces = column->piece_count;
    Point *points = NEW_ARRAY(k->arena, Point, (row ? row->size : 1) * MAX_PIECES);
    const uint32_t count = nest_tile_points(n, at, row, column, points);
    nest_reductions(n, points, count);
    for (uint32_t i = 0; i < count; i++) {
        eval_set_lanes(&n->eval, points[i].lanes);
        kernel_store_local(
            k, own,
            idx_const(&k->index, (int64_t)(i / pieces) * pitch + column->pieces[i % pieces].offset),
            val_splat(k, eval_at(&n->eval, waits, points[i].at), points[i].lanes));
    }
}

void nest_waiting(Nest *n, NodeId waits, const Idx *at, const Tiling *row, const Tiling *column) {
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const uint32_t pieces = column->piece_count;
    const int32_t pitch = (column->size + MAX_LANES - 1) / MAX_LANES * MAX_LANES;
    const int32_t rows = row ? row->size : 1;
    uint32_t own = kernel_scratch(k, "sums", DT_F32, (int64_t)rows * pitch);
    if (beyond_registers(n, waits, row, column))
        sum_in_memory(n, waits, own, at, column);
    else
        put_sums(n, waits, own, pitch, at, row, column);
    Idx turn;
    nest_for(n, "r", idx_const(t, 0), idx_const(t, rows), 1, &turn);
    if (rows > 1) kernel_unroll(k, false);
    for (uint32_t i = 0, alike; i < pieces; i += alike) {
        alike = row ? 1 : alike_pieces(column, i); /* a short loop in a loop costs time */
        store_waiting(n, waits, own, pitch, at, turn, column->pieces[i], (int32_t)alike);
    }
    nest_end(n);
}

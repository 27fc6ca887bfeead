/* schedule_local: a contraction on a target with local memory. A work-group makes a tile of results: for each step
 * of STEP places along the contracted axes it brings both operands' parts into local memory, all items together, and
 * each item adds up its spots of the tile, in squares of four by four, so that what it reads of local memory lies side
 * by side. What the next step needs is on its way meanwhile.
 *
 * A tile is large where there are enough of them for the device and little is computed of each result, for its text
 * stands there for each spot. Sums go along what is contracted place by place, whatever the tile, to the end of a step.
 *
 * Requires: the target's groups have SIDE x SIDE items. Edges of any size are masked. */
#include "cost.h"
#include "nest.h"

#define SIDE   16
#define STEP   16
#define SQUARE 4 /* spots beside each other */
#define SMALL  (SIDE * SQUARE)
#define LARGE  (2 * SMALL)
#define ENOUGH 128 /* tiles for all of a device */
#define FEW    128 /* of the small ones: smaller ones are faster (schedule_small.c) */

#define MOST_LOADS  16  /* of what follows one sum, ... */
#define MOST_VALUES 100 /* ... and all that is computed of it: several optimizers' worth */

#define NEAR 8 /* places that lie side by side, so that reading them takes few accesses */

#define PITCH(tile)                                                                                \
    ((tile) + SQUARE) /* so that neighbours along what is contracted lie in different banks */

bool local_tiles_fit(const Section *s) {
    int axes = s->space.rank;
    NodeId dot = dot_of(s);
    if (dot == NO_NODE || s->target->local_size != SIDE * SIDE) return false;
    if (!dot_is_product(s)) return false;
    if (node_at(s->g, dot)->dtype != DT_F32) return false;
    if (s->target->local_bytes < 2 * PITCH(LARGE) * STEP * sizeof(float)) return false;
    Shape reduced = reduced_shape(s->g, node_at(s->g, dot));
    return s->space.dim[axes - 1] >= SIDE && s->space.dim[axes - 2] >= SIDE &&
           shape_elems(&reduced) >= STEP / 2;
}

static int32_t tiles(int32_t size, int32_t tile) {
    return (size + tile - 1) / tile;
}

int64_t local_tile_count(const Section *s, int32_t rows, int32_t columns) {
    int axes = s->space.rank;
    int64_t n =
        (int64_t)tiles(s->space.dim[axes - 1], columns) * tiles(s->space.dim[axes - 2], rows);
    for (int i = 0; i < axes - 2; i++) n *= s->space.dim[i];
    return n;
}

/* As what an operand can be moved, 16 bytes at a time, where that is not as f32. */
static const char *moved_as(const LocalTile *t, uint32_t which) {
    const int32_t words = 16 / (int32_t)sizeof(float);
    return local_moves(t, which, DT_F32, words)        ? NULL
           : local_moves(t, which, DT_TF32, words)     ? "tf32"
           : local_moves(t, which, DT_BF16, 2 * words) ? "bf16"
                                                       : "apart";
}

/* What the choice of a tile hangs on: "gpu_mma 8x1024x512 by 256 tf32 down right apart". Below 96 bytes, for there are
 * MAX_ELEMS results at most (TileUse). */
static const char *contraction_name(const Section *s, Arena *arena, const char *how) {
    static const char *const sides[] = {" left ", " right "};
    const int axes = s->space.rank;
    Arena *scratch = arena_open(arena);
    Kernel k;
    Nest n;
    LocalTile t;
    const char *as[2];
    int64_t batch = 1;
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    local_tile_open(&t, &n, 0, 0);
    for (uint32_t i = 0; i < 2; i++) as[i] = moved_as(&t, i);
    arena_close(scratch);
    for (int i = 0; i < axes - 2; i++) batch *= s->space.dim[i];
    return arena_printf(arena, "%s %s%dx%d by %lld %s%s%s%s%s%s%s", s->target->name,
                        batch > 1 ? arena_printf(arena, "%lldx", (long long)batch) : "",
                        s->space.dim[axes - 2], s->space.dim[axes - 1], (long long)t.length, how,
                        t.along[0] ? "" : " down", t.along[1] ? " turned" : "",
                        as[0] ? sides[0] : "", as[0] ? as[0] : "", as[1] ? sides[1] : "",
                        as[1] ? as[1] : "");
}

uint32_t local_tile_take(Section *s, Arena *arena, const char *how, const Tile *tiles,
                         uint32_t count, uint32_t own) {
    Tile tried[MOST_TILES] = {tiles[own]};
    uint32_t which[MOST_TILES] = {own}, n = 1, taken = own;
    for (uint32_t i = 0; i < count && n < MOST_TILES; i++) {
        if (i == own || 2 * local_tile_count(s, tiles[i].rows, tiles[i].columns) < s->target->units)
            continue;
        tried[n] = tiles[i];
        which[n++] = i;
    }
    if (n > 1)
        taken =
            which[tile_take(s->target, contraction_name(s, arena, how), tried, n, arena, &s->tile)];
    s->groups = (uint32_t)local_tile_count(s, tiles[taken].rows, tiles[taken].columns);
    return taken;
}

void local_tiles_plan(Section *s, Arena *arena, double operations) {
    static const Tile tiles[] = {{.rows = SMALL, .columns = SMALL},
                                 {.rows = LARGE, .columns = LARGE}};
    const bool may_be_large = operations < COSTLY;
    if (local_tile_count(s, SMALL, SMALL) < FEW) {
        s->local_tile = 0;
        small_tiles_plan(s);
        return;
    }
    const bool large = may_be_large && local_tile_count(s, LARGE, LARGE) >= ENOUGH;
    s->local_tile =
        tiles[local_tile_take(s, arena, "local", tiles, may_be_large ? 2 : 1, large)].rows;
}

Val local_load(LocalTile *t, uint32_t which, Idx line, Idx step, Ranges *ranges) {
    Kernel *k = t->n->k;
    IndexTable *x = &k->index;
    const Section *s = t->n->s;
    int axes = s->space.rank;
    Idx place[MAX_RANK], out[MAX_RANK], inner[MAX_RANK], in[MAX_RANK];
    memcpy(place, t->at, sizeof(place));
    place[axes - 2] = which == 0 ? line : idx_const(x, 0);
    place[axes - 1] = which == 1 ? line : idx_const(x, 0);
    nest_unmerge(x, &s->cluster->outer, s->merged, axes, place, out);
    access_unravel(x, &t->reduced, step, inner);
    access_reduced(x, s->g, t->dot, which, out, inner, in);
    Range *r = NEW_ARRAY(k->arena, Range, 2);
    r[0] = (Range){line, 0, s->space.dim[which == 0 ? axes - 2 : axes - 1]};
    r[1] = (Range){step, 0, t->length};
    *ranges = (Ranges){2, r};
    return eval_where(&t->n->eval, t->dot->args[which], in, *ranges);
}

Val local_operand(LocalTile *t, uint32_t which, Idx line, Idx step) {
    Kernel *k = t->n->k;
    Ranges ranges;
    Val v = local_load(t, which, line, step, &ranges);
    /* A load that is masked is 0 there; one that cannot leave its buffer is not (a slice, a repeated
     * axis). */
    const Value *n = &k->values.at[v];
    if (n->kind == V_LOAD && n->ranges.count > 0) return v;
    return val_ew(k, OP_WHERE, val_ranges(k, ranges), v, val_const(k, DT_F32, 0));
}

/* Any place on an axis; *in: where in a run of NEAR, for so much it is to lie side by side: beyond it a view may go on
 * elsewhere, as the heads of attention do. */
static Idx probe_place(IndexTable *x, int64_t size, Idx *in) {
    if (size % NEAR) return *in = idx_var(x, "place", 0, size - 1, NO_VAL);
    *in = idx_var(x, "in_run", 0, NEAR - 1, NO_VAL);
    Idx run = size == NEAR ? idx_const(x, 0) : idx_var(x, "run", 0, size / NEAR - 1, NO_VAL);
    return idx_add(x, idx_scale(x, run, NEAR), *in);
}

bool local_along(const LocalTile *t, uint32_t which) {
    const Section *s = t->n->s;
    LocalProbe p;
    int64_t stride;
    bool along = which == 0;
    const int axis = s->space.rank - (which == 0 ? 2 : 1);
    Arena *scratch = arena_open(t->n->k->arena);
    local_probe(t, scratch, &p);
    IndexTable *x = &p.k.index;
    Idx line_in, step_in;
    Idx line = probe_place(x, s->space.dim[axis], &line_in);
    Idx step = probe_place(x, t->length, &step_in);
    Val v = local_operand(&p.tile, which, line, step);
    if (p.k.values.at[v].kind == V_LOAD) {
        Idx at = p.k.values.at[v].index;
        along = t->length > 1 && idx_stride(x, at, idx_atom(x, step_in), &stride) && stride == 1;
        if (s->space.dim[axis] > 1 && !along)
            along =
                !(idx_stride(x, at, idx_atom(x, line_in), &stride) && stride == 1) && which == 0;
    }
    arena_close(scratch);
    return along;
}

void local_probe(const LocalTile *t, Arena *scratch, LocalProbe *p) {
    const Section *s = t->n->s;
    kernel_init(&p->k, scratch, 1, 1);
    nest_init(&p->n, s, &p->k);
    p->tile = *t;
    p->tile.n = &p->n;
    for (int i = 0; i < s->space.rank; i++)
        p->tile.at[i] = idx_var(&p->k.index, "o", 0, s->space.dim[i] - 1, NO_VAL);
}

bool local_moves(const LocalTile *tile, uint32_t which, DType dtype, int32_t elems) {
    LocalProbe p;
    const Section *s = tile->n->s;
    const int32_t size = s->space.dim[s->space.rank - (which == 0 ? 2 : 1)];
    const bool along = tile->along[which];
    int64_t length = along ? tile->length : size, stride;
    if (length % elems) return false;
    Arena *scratch = arena_open(tile->n->k->arena);
    local_probe(tile, scratch, &p);
    IndexTable *x = &p.k.index;
    Idx in_vector = idx_var(x, "in_vector", 0, elems - 1, NO_VAL);
    Idx first = idx_scale(x, idx_var(x, "vector", 0, length / elems - 1, NO_VAL), elems);
    Idx other = idx_var(x, "other", 0, (along ? size : tile->length) - 1, NO_VAL);
    Idx side = idx_add(x, first, in_vector);
    Ranges ranges;
    Val v = local_load(&p.tile, which, along ? other : side, along ? side : other, &ranges);
    const Value *n = &p.k.values.at[v];
    bool can = n->kind == V_LOAD && n->ranges.count == 0;
    if (can) {
        const KBuffer *b = &p.k.buffers.at[n->buffer];
        can = b->dtype == dtype && !b->values &&
              idx_stride(x, n->index, idx_atom(x, in_vector), &stride) && stride == 1 &&
              idx_is_multiple(x, idx_sub(x, n->index, in_vector), elems);
    }
    arena_close(scratch);
    return can;
}

int32_t local_copy_width(const LocalTile *t, uint32_t which) {
    LocalProbe p;
    const Section *s = t->n->s;
    const int32_t size = s->space.dim[s->space.rank - (which == 0 ? 2 : 1)];
    const bool wide = !t->along[which] && size % ITEM_LANES == 0;
    int64_t stride;
    Ranges ranges;
    Arena *scratch = arena_open(t->n->k->arena);
    local_probe(t, scratch, &p);
    IndexTable *x = &p.k.index;
    Idx place = idx_var(x, "place", 0, t->length - 1, NO_VAL);
    Idx in_copy = idx_var(x, "in_copy", 0, wide ? ITEM_LANES - 1 : size - 1, NO_VAL),
        line = in_copy;
    if (wide)
        line =
            idx_add(x, in_copy,
                    idx_scale(x, idx_var(x, "copy", 0, size / ITEM_LANES - 1, NO_VAL), ITEM_LANES));
    Val v = local_load(&p.tile, which, line, place, &ranges);
    const Value *n = &p.k.values.at[v];
    bool can = n->kind == V_LOAD && n->ranges.count == 0;
    bool beside = false;
    if (can) {
        const KBuffer *b = &p.k.buffers.at[n->buffer];
        can = b->dtype == DT_F32 && !b->values;
        beside = wide && idx_stride(x, n->index, idx_atom(x, in_copy), &stride) && stride == 1 &&
                 idx_is_multiple(x, idx_sub(x, n->index, in_copy), ITEM_LANES);
    }
    arena_close(scratch);
    return !can ? 0 : beside ? ITEM_LANES : 1;
}

const Value *local_turn(LocalTile *t, uint32_t which, Idx line, Idx place, Idx turn, int32_t depth,
                        Ranges *ranges) {
    Kernel *k = t->n->k;
    IndexTable *x = &k->index;
    line = idx_add(x, which == 0 ? t->row : t->column, line);
    Val v = local_load(t, which, line, idx_add(x, idx_scale(x, turn, depth), place), ranges);
    if (t->length % depth == 0) { /* the same, and the same for all items */
        Range *whole = NEW_ARRAY(k->arena, Range, 2);
        whole[0] = ranges->at[0];
        whole[1] = (Range){turn, 0, t->length / depth};
        ranges->at = whole;
    }
    const Value *n = &k->values.at[v];
    if (n->kind == V_LOAD) return n;
    /* All of it is outside; anything else was no load (local_moves, local_copy_width). */
    if (n->kind != V_CONST || n->number != 0) t->n->eval.lost = t->dot->args[which];
    return NULL;
}

void local_copy(LocalTile *t, uint32_t which, Idx line, Idx place, Idx turn, int32_t depth,
                int32_t width, uint32_t local, Idx to) {
    Kernel *k = t->n->k;
    Ranges ranges;
    const Value *n = local_turn(t, which, line, place, turn, depth, &ranges);
    if (n) (width == 1 ? kernel_copy_one : kernel_copy)(k, local, to, n->buffer, n->index, ranges);
    for (int32_t i = 0; i < width && !n; i++)
        kernel_store_local(k, local, idx_offset(&k->index, to, i), val_const(k, DT_F32, 0));
}

/* Which element of the tile's part of an operand an item brings in as its e-th: its line, and its place along what is
 * contracted. */
static void element(LocalTile *t, uint32_t which, int32_t e, Idx *line, Idx *along) {
    IndexTable *x = &t->n->k->index;
    Idx flat = idx_offset(x, t->n->k->local, (int64_t)e * SIDE * SIDE);
    int32_t turn = t->along[which] ? STEP : t->rows;
    Idx fast = idx_mod(x, flat, turn), slow = idx_div(x, flat, turn);
    *line = t->along[which] ? slow : fast;
    *along = t->along[which] ? fast : slow;
}

/* All items load the tile's part of both operands from `step` on, each its share, ... */
static void load_part(LocalTile *t, Idx step, bool first) {
    Kernel *k = t->n->k;
    IndexTable *x = &k->index;
    for (uint32_t which = 0; which < 2; which++) {
        for (int32_t e = 0; e < t->rows * STEP / (SIDE * SIDE); e++) {
            Idx line, along;
            element(t, which, e, &line, &along);
            line = idx_add(x, which == 0 ? t->row : t->column, line);
            Val v = local_operand(t, which, line, idx_add(x, step, along));
            if (first)
                t->next[which][e] = kernel_var(k, which == 0 ? "next_a" : "next_b", v);
            else
                kernel_set(k, t->next[which][e], v);
        }
    }
}

/* ... and put it into local memory, with its lines side by side, from `at` on. */
static void put_part(LocalTile *t, Idx at) {
    Kernel *k = t->n->k;
    IndexTable *x = &k->index;
    for (uint32_t which = 0; which < 2; which++) {
        for (int32_t e = 0; e < t->rows * STEP / (SIDE * SIDE); e++) {
            Idx line, along;
            element(t, which, e, &line, &along);
            Idx place = idx_add(x, idx_scale(x, along, PITCH(t->rows)), line);
            kernel_store_local(k, t->local[which], idx_add(x, at, place),
                               val_read(k, t->next[which][e]));
        }
    }
}

/* Where spot i of an item lies in its tile, on one axis: in squares, which are SMALL apart. */
static Idx spot_at(LocalTile *t, Idx own, int i) {
    IndexTable *x = &t->n->k->index;
    return idx_offset(x, idx_scale(x, own, SQUARE), i / SQUARE * SMALL + i % SQUARE);
}

/* The part from `at` on. Written out where it is large: what a loop takes is too much beside 64 sums. */
static void multiply(LocalTile *t, const uint32_t *acc, Idx at, Idx ly, Idx lx) {
    Kernel *k = t->n->k;
    IndexTable *x = &k->index;
    const int spots = t->rows / SIDE;
    Idx i;
    kernel_for(k, "i", idx_const(x, 0), idx_const(x, STEP), 1, &i);
    if (t->rows == LARGE) kernel_unroll(k, true);
    Val a[LARGE / SIDE], b[LARGE / SIDE];
    for (int r = 0; r < spots; r++) {
        Idx line = idx_add(x, at, idx_scale(x, i, PITCH(t->rows)));
        a[r] = val_local(k, t->local[0], idx_add(x, line, spot_at(t, ly, r)), 1, (Ranges){0}, NULL);
        b[r] = val_local(k, t->local[1], idx_add(x, line, spot_at(t, lx, r)), 1, (Ranges){0}, NULL);
        val_name(k, a[r], "a");
        val_name(k, b[r], "b");
    }
    for (int r = 0; r < spots; r++) {
        for (int c = 0; c < spots; c++) {
            uint32_t v = acc[r * spots + c];
            kernel_set(k, v, val_fma(k, a[r], b[c], val_read(k, v)));
        }
    }
    kernel_end(k);
}

/* A place below the condition that it is one on an axis of this size. Where the tile may reach over the edge
 * the index would not show that, and a view, back and forth, would not lead to the place where the product is. */
static Idx inside(Kernel *k, Idx place, int32_t size, const char *name) {
    if (idx_hi(&k->index, place) < size) return place;
    Val v = val_index(k, place);
    val_name(k, v, name);
    return idx_place(&k->index, name, size, v);
}

void local_within(LocalTile *t, Idx *row, Idx *column) {
    Kernel *k = t->n->k;
    const Shape *space = &t->n->s->space;
    *row = inside(k, *row, space->dim[space->rank - 2], "row");
    *column = inside(k, *column, space->dim[space->rank - 1], "column");
}

/* The index of a result on the axes of what is stored. */
static void result_at(const LocalTile *t, Idx row, Idx column, Idx *out) {
    const Section *s = t->n->s;
    const int axes = s->space.rank;
    Idx place[MAX_RANK];
    memcpy(place, t->at, sizeof(place));
    place[axes - 2] = row;
    place[axes - 1] = column;
    nest_unmerge(&t->n->k->index, &s->cluster->outer, s->merged, axes, place, out);
}

bool local_is_even(const LocalTile *t) {
    const Shape *space = &t->n->s->space;
    return space->dim[space->rank - 2] % t->rows == 0 &&
           space->dim[space->rank - 1] % t->columns == 0;
}

uint32_t local_ahead(LocalTile *t, NodeId dot, Idx row, Idx column, uint32_t most) {
    Idx out[MAX_RANK];
    result_at(t, row, column, out);
    return nest_ahead(t->n, dot, out, most);
}

void local_finish(LocalTile *t, NodeId dot, Idx row, Idx column, Val sum) {
    Nest *n = t->n;
    Kernel *k = n->k;
    const Section *s = n->s;
    Val *v = NEW_ARRAY(k->arena, Val, s->stores.len + 1);
    Idx out[MAX_RANK];
    eval_push(&n->eval);
    local_within(t, &row, &column);
    result_at(t, row, column, out);
    nest_here(n, out);
    eval_bind(&n->eval, dot, out, sum);
    for (uint32_t i = 0; i < s->stores.len; i++)
        v[i] = eval_at(&n->eval, s->stores.at[i].node, out);
    for (uint32_t i = 0; i < s->stores.len; i++) nest_store(n, &s->stores.at[i], out, 1, v[i]);
    eval_pop(&n->eval);
}

uint32_t local_loads_after(const LocalTile *t, NodeId dot, uint32_t most) {
    LocalProbe p;
    const Section *s = t->n->s;
    const Shape *space = &s->space;
    Idx out[MAX_RANK];
    Arena *scratch = arena_open(t->n->k->arena);
    local_probe(t, scratch, &p);
    eval_push(&p.n.eval);
    Idx row = idx_var(&p.k.index, "row", 0, space->dim[space->rank - 2] - 1, NO_VAL);
    Idx column = idx_var(&p.k.index, "column", 0, space->dim[space->rank - 1] - 1, NO_VAL);
    uint32_t loads = local_ahead(&p.tile, dot, row, column, most);
    result_at(&p.tile, row, column, out);
    nest_here(&p.n, out);
    eval_bind(&p.n.eval, dot, out, val_const(&p.k, DT_F32, 0));
    for (uint32_t i = 0; i < s->stores.len; i++) eval_at(&p.n.eval, s->stores.at[i].node, out);
    if (p.k.values.len > MOST_VALUES) loads = 0;
    eval_pop(&p.n.eval);
    arena_close(scratch);
    return loads;
}

void local_finish_together(LocalTile *t, NodeId dot, uint32_t sums, TileResult *r, int32_t count) {
    for (int32_t e = 0; e < count && count > 1; e++) {
        local_within(t, &r[e].row, &r[e].column);
        local_ahead(t, dot, r[e].row, r[e].column, MOST_LOADS);
    }
    for (int32_t e = 0; e < count; e++) {
        Val sum = val_local(t->n->k, sums, r[e].place, 1, (Ranges){0}, "sum");
        local_finish(t, dot, r[e].row, r[e].column, sum);
    }
}

bool local_inside(LocalTile *t, Idx row, Idx column) {
    Kernel *k = t->n->k;
    const Shape *space = &t->n->s->space;
    const int32_t rows = space->dim[space->rank - 2], columns = space->dim[space->rank - 1];
    if (idx_lo(&k->index, row) >= rows || idx_lo(&k->index, column) >= columns) return false;
    Range *r = NEW_ARRAY(k->arena, Range, 2);
    r[0] = (Range){row, 0, rows};
    r[1] = (Range){column, 0, columns};
    kernel_if(k, (Ranges){2, r});
    return true;
}

void local_tile_place(LocalTile *t, Idx part, int32_t band) {
    const Section *s = t->n->s;
    IndexTable *x = &t->n->k->index;
    int axes = s->space.rank;
    int32_t across = tiles(s->space.dim[axes - 1], t->columns),
            down = tiles(s->space.dim[axes - 2], t->rows);
    Shape batch = {.rank = (uint8_t)(axes - 2)};
    for (int i = 0; i < axes - 2; i++) batch.dim[i] = s->space.dim[i];
    access_unravel(x, &batch, idx_div(x, part, (int64_t)across * down), t->at);
    if (axes > 2) part = idx_mod(x, part, (int64_t)across * down);
    Idx in_band = idx_mod(x, part, (int64_t)across * band);
    Idx first = idx_scale(x, idx_div(x, part, (int64_t)across * band), band);
    Idx down_in_band = band > 1 ? idx_mod(x, in_band, band) : idx_const(x, 0);
    t->column = idx_scale(x, idx_div(x, in_band, band), t->columns);
    t->row = idx_scale(x, idx_add(x, first, down_in_band), t->rows);
}

void local_tile_open(LocalTile *t, Nest *n, int32_t rows, int32_t columns) {
    const Node *dot = node_at(n->s->g, dot_of(n->s));
    *t = (LocalTile){.n = n, .dot = dot, .rows = rows, .columns = columns};
    t->reduced = reduced_shape(n->s->g, dot);
    t->length = shape_elems(&t->reduced);
    for (uint32_t i = 0; i < 2; i++) t->along[i] = local_along(t, i);
}

void emit_local_tiles(Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int32_t size = s->local_tile;
    const NodeId id = dot_of(s);
    const int spots = size / SIDE;
    LocalTile t;
    local_tile_open(&t, n, size, size);
    local_tile_place(&t, part, 1);
    /* Of two parts in turn one is put there while the other is read, if there is room, and the items wait once a step. */
    const int64_t part_elems = PITCH(size) * STEP;
    const bool turns = size == LARGE && t.length > STEP &&
                       s->target->local_bytes >= 4 * part_elems * (int64_t)sizeof(float);
    t.local[0] = kernel_local(k, "a_tile", DT_F32, part_elems * (turns ? 2 : 1));
    t.local[1] = kernel_local(k, "b_tile", DT_F32, part_elems * (turns ? 2 : 1));
    eval_set_lanes(&n->eval, 1);
    uint32_t *acc = NEW_ARRAY(k->arena, uint32_t, spots * spots);
    for (int i = 0; i < spots * spots; i++) acc[i] = kernel_var(k, "acc", val_const(k, DT_F32, 0));
    Idx ly = idx_div(x, k->local, SIDE), lx = idx_mod(x, k->local, SIDE), zero = idx_const(x, 0);
    Idx step;
    for (uint32_t i = 0; i < 2; i++)
        t.next[i] = NEW_ARRAY(k->arena, uint32_t, size * STEP / (SIDE * SIDE));
    load_part(&t, zero, true);
    if (turns) {
        put_part(&t, zero);
        kernel_barrier(k);
    }
    nest_for(n, "k", zero, idx_const(x, t.length), STEP, &step);
    if (turns) {
        Idx turn = idx_mod(x, idx_div(x, step, STEP), 2);
        load_part(&t, idx_offset(x, step, STEP), false);
        multiply(&t, acc, idx_scale(x, turn, part_elems), ly, lx);
        Idx other = idx_mod(x, idx_offset(x, idx_div(x, step, STEP), 1), 2);
        put_part(&t, idx_scale(x, other, part_elems));
        kernel_barrier(k);
    } else {
        put_part(&t, zero);
        kernel_barrier(k);
        if (t.length > STEP) load_part(&t, idx_offset(x, step, STEP), false);
        multiply(&t, acc, zero, ly, lx);
        kernel_barrier(k);
    }
    nest_end(n);
    for (int i = 0; i < spots * spots; i++) {
        Idx row = idx_add(x, t.row, spot_at(&t, ly, i / spots));
        Idx column = idx_add(x, t.column, spot_at(&t, lx, i % spots));
        if (!local_inside(&t, row, column)) continue;
        local_finish(&t, id, row, column, val_read(k, acc[i]));
        kernel_end(k);
    }
}

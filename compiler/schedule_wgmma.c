/* schedule_wgmma: a contraction by the matrix units that multiply for a work-group as a whole, and go on by themselves
 * (KMatrix.wgmma). As in schedule_matrix.c a work-group makes a tile of results from parts of both operands in local
 * memory; but tiles are larger, and there are fewer ways for an operand to come there:
 *
 * - What is stored as bf16, for products of bf16, is copied as it lies, two steps ahead; and what is rounded to tf32 already
 *   and lies along what is contracted (layout.c). Where both operands are stored as bf16, their product is one of bf16 in any
 *   precision: it is exact.
 * - All else is loaded, 16 bytes at once, a step ahead of where it is put, and is rounded or cut in two on the way. For
 *   tf32 lines that lie side by side are turned: an item has squares of four by four.
 *
 * A stage of local memory is written while the product of another, or the one before that, is read: hence their number.
 *
 * Requires: the target's groups have ITEMS items. Edges are masked where they are at multiples of 16 bytes; an operand
 * that is anything else goes by schedule_matrix.c. */
#include "cost.h"
#include "nest.h"

#define ITEMS      256
#define ROWS       LARGE_ROWS
#define VECTOR     4             /* elements that an item loads at once */
#define FEW(units) ((units) / 4) /* narrow tiles that are enough where copies alone fill them */
#define LONG       128           /* contracted elements */
#define FULL       0.8           /* of the tiles: else they are mostly edge */
#define BAND       8             /* rows of tiles that go together, as in schedule_matrix.c */
#define SQUARES    (VECTOR * VECTOR)

typedef struct Operand {
    bool copied;          /* else loaded */
    bool along;           /* elements along what is contracted lie side by side, ... */
    bool turned;          /* ... or do in the tile alone */
    int32_t lines, elems; /* of the tile; that are moved at once */
    uint32_t *next;       /* what was loaded: variables of VECTOR lanes */
} Operand;

typedef struct WgmmaTile {
    LocalTile t;
    const Section *s;
    Precision precision;
    bool apart; /* see KMatrix */
    int32_t steps, stages;
    Operand operand[2];
    uint32_t tiles; /* the local array */
} WgmmaTile;

/* How the operands come; false: one of them in no way that is known here. */
static bool choose(WgmmaTile *w) {
    const Section *s = w->s;
    const int32_t lines[2] = {ROWS, s->matrix_columns * PART_COLUMNS};
    bool all = true;
    local_tile_open(&w->t, w->t.n, lines[0], lines[1]);
    for (uint32_t i = 0; i < 2; i++) w->operand[i].along = w->t.along[i];
    w->precision = s->target->precision;
    w->apart = w->precision == PRECISION_3XTF32;
    if (local_moves(&w->t, 0, DT_BF16, 8) && local_moves(&w->t, 1, DT_BF16, 8))
        w->precision = PRECISION_BF16;
    w->steps = wgmma_steps(w->precision);
    for (uint32_t i = 0; i < 2; i++) {
        Operand *o = &w->operand[i];
        o->turned = !o->along && w->precision != PRECISION_BF16;
        o->lines = lines[i];
        o->elems = w->precision == PRECISION_BF16 ? 8 : VECTOR;
        o->copied = w->precision == PRECISION_BF16 ? local_moves(&w->t, i, DT_BF16, o->elems)
                                                   : w->precision == PRECISION_TF32 && o->along &&
                                                         local_moves(&w->t, i, DT_TF32, VECTOR);
        if (!o->copied) o->elems = VECTOR;
        all = all && (o->copied || local_moves(&w->t, i, DT_F32, VECTOR));
    }
    w->stages = w->operand[0].copied || w->operand[1].copied ? 4
                : w->precision == PRECISION_3XTF32           ? 2
                                                             : 3;
    return all;
}

static int64_t stage_elems(const WgmmaTile *w) {
    return (int64_t)(w->operand[0].lines + w->operand[1].lines) * w->steps;
}

static int64_t array_elems(const WgmmaTile *w) {
    return w->stages * stage_elems(w) * (w->precision == PRECISION_3XTF32 ? 2 : 1);
}

bool wgmma_tiles_fit(Section *s, Arena *arena) {
    const int axes = s->space.rank;
    const Target *target = s->target;
    NodeId id = dot_of(s);
    if (!target->wgmma_bytes || target->precision == PRECISION_F32 || target->local_size != ITEMS)
        return false;
    if (id == NO_NODE || !dot_is_product(s) || axes < 2) return false;
    const Node *dot = node_at(s->g, id);
    Shape reduced = reduced_shape(s->g, dot);
    if (dot->dtype != DT_F32 || shape_elems(&reduced) < LONG) return false;
    Arena *scratch = arena_open(arena);
    Kernel k;
    Nest n;
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    Tile tiles[2];
    uint32_t count = 0, own = COUNT_OF(tiles);
    /* Either number of columns adds up in the same order. What is stored as bf16 is in nobody's hand. */
    for (int32_t columns = target->precision == PRECISION_3XTF32 ? 1 : 2; columns; columns--) {
        const Tile tile = {.rows = ROWS, .columns = columns * PART_COLUMNS};
        const int64_t groups = local_tile_count(s, tile.rows, tile.columns);
        const double places = (double)groups * tile.rows * tile.columns;
        WgmmaTile w = {.s = s, .t = {.n = &n, .dot = dot}};
        s->matrix_columns = columns;
        if (!choose(&w)) break;
        const bool copies = w.operand[0].copied && w.operand[1].copied;
        const int64_t least =
            columns == 1 && copies ? FEW(target->units) : cost_large_tiles(target);
        if ((double)shape_elems(&s->space) < FULL * places ||
            (!copies && columns * PART_COLUMNS > cost_large_columns(target)) ||
            array_elems(&w) * dtype_bytes(w.precision == PRECISION_BF16 ? DT_BF16 : DT_F32) >
                target->wgmma_bytes)
            continue;
        if (groups >= least && own == COUNT_OF(tiles)) own = count;
        tiles[count++] = tile;
    }
    arena_close(scratch);
    s->wgmma = own < count;
    s->matrix_rows = s->matrix_columns = 0;
    if (!s->wgmma) return false;
    const char *how = arena_printf(arena, "%s wgmma", precision_name(target->precision));
    s->matrix_rows = ROWS / PART_ROWS;
    s->matrix_columns =
        tiles[local_tile_take(s, arena, how, tiles, count, own)].columns / PART_COLUMNS;
    return true;
}

static Idx place_in(WgmmaTile *w, uint32_t which, Idx stage, Idx line, Idx step) {
    IndexTable *x = &w->t.n->k->index;
    const Operand *o = &w->operand[which];
    Idx at = wgmma_at(x, o->along || o->turned, w->precision, line, step);
    at = idx_offset(x, at, which == 0 ? 0 : (int64_t)w->operand[0].lines * w->steps);
    return idx_add(x, at, idx_scale(x, stage, stage_elems(w)));
}

/* Of which line and step of the tile the e-th is that an item moves: neighbours have what lies side by side. */
static void element(const WgmmaTile *w, uint32_t which, int32_t e, Idx *line, Idx *step) {
    IndexTable *x = &w->t.n->k->index;
    const Operand *o = &w->operand[which];
    Idx flat = idx_offset(x, w->t.n->k->local, (int64_t)e * ITEMS);
    int32_t turn = (o->along ? w->steps : o->lines) / o->elems;
    Idx fast = idx_scale(x, idx_mod(x, flat, turn), o->elems), slow = idx_div(x, flat, turn);
    *line = o->along ? slow : fast;
    *step = o->along ? fast : slow;
}

/* The same of squares of 4 by 4, of which an item has four vectors: eight neighbours have two times four, and with every
 * second two exchanged (put_squares) they put them into different banks. */
static void square(const WgmmaTile *w, uint32_t which, int32_t e, Idx *line, Idx *step) {
    IndexTable *x = &w->t.n->k->index;
    const int32_t lines = w->operand[which].lines;
    Idx flat = idx_offset(x, w->t.n->k->local, (int64_t)e * ITEMS);
    Idx four = idx_add(x, idx_mod(x, flat, 4),
                       idx_scale(x, idx_mod(x, idx_div(x, flat, 8), lines / 16), 4));
    Idx steps = idx_add(x, idx_mod(x, idx_div(x, flat, 4), 2),
                        idx_scale(x, idx_div(x, flat, lines / 2), 2));
    *line = idx_scale(x, four, VECTOR);
    *step = idx_scale(x, steps, VECTOR);
}

static void copy_part(WgmmaTile *w, uint32_t which, Idx turn, Idx stage) {
    Kernel *k = w->t.n->k;
    const Operand *o = &w->operand[which];
    for (int32_t e = 0; e < o->lines * w->steps / o->elems / ITEMS; e++) {
        Idx line, step;
        Ranges ranges;
        element(w, which, e, &line, &step);
        const Value *n = local_turn(&w->t, which, line, step, turn, w->steps, &ranges);
        Idx place = place_in(w, which, stage, line, step);
        if (n) kernel_copy(k, w->tiles, place, n->buffer, n->index, ranges);
        for (int32_t i = 0; i < o->elems && !n; i += VECTOR)
            kernel_store_local(k, w->tiles, idx_offset(&k->index, place, i),
                               val_splat(k, val_const(k, DT_F32, 0), VECTOR));
    }
}

static void copy_step(WgmmaTile *w, Idx turn, Idx stage) {
    bool any = false;
    for (uint32_t i = 0; i < 2; i++) {
        if (w->operand[i].copied) copy_part(w, i, turn, stage);
        any = any || w->operand[i].copied;
    }
    if (any) kernel_mark(w->t.n->k);
}

static void load_vector(WgmmaTile *w, uint32_t which, int32_t e, Idx line, Idx step, Idx turn,
                        bool first) {
    Kernel *k = w->t.n->k;
    Ranges ranges;
    const Value *n = local_turn(&w->t, which, line, step, turn, w->steps, &ranges);
    const char *name = which == 0 ? "next_a" : "next_b";
    Val v = n ? val_load_whole(k, n->buffer, n->index, ranges, name)
              : val_splat(k, val_const(k, DT_F32, 0), VECTOR);
    if (first)
        w->operand[which].next[e] = kernel_var(k, name, v);
    else
        kernel_set(k, w->operand[which].next[e], v);
}

/* Loads what is not copied ... */
static void load_step(WgmmaTile *w, Idx turn, bool first) {
    IndexTable *x = &w->t.n->k->index;
    for (uint32_t i = 0; i < 2; i++) {
        Operand *o = &w->operand[i];
        if (o->copied) continue;
        const int32_t vectors = o->lines * w->steps / VECTOR / ITEMS;
        if (first) o->next = NEW_ARRAY(w->t.n->k->arena, uint32_t, vectors);
        for (int32_t e = 0; e < vectors; e++) {
            Idx line, step;
            if (o->turned) {
                square(w, i, e / VECTOR, &line, &step);
                step = idx_offset(x, step, e % VECTOR);
            } else
                element(w, i, e, &line, &step);
            load_vector(w, i, e, line, step, turn, first);
        }
    }
}

static void put_squares(WgmmaTile *w, uint32_t which, Idx stage) {
    Kernel *k = w->t.n->k;
    IndexTable *x = &k->index;
    const Operand *o = &w->operand[which];
    for (int32_t e = 0; e < o->lines * w->steps / SQUARES / ITEMS; e++) {
        Idx line, step;
        Val v[VECTOR];
        square(w, which, e, &line, &step);
        for (int32_t i = 0; i < VECTOR; i++) v[i] = val_read(k, o->next[e * VECTOR + i]);
        kernel_turn(k, v, VECTOR, VECTOR);
        Range *odd = NEW(k->arena, Range);
        Idx second = idx_mod(x, idx_div(x, line, 2 * VECTOR), 2);
        *odd = (Range){second, 1, 2};
        Val exchanged = val_ranges(k, (Ranges){1, odd});
        for (int32_t i = 0; i < VECTOR; i++) {
            const int32_t other = i < 2 ? i + 2 : i - 2;
            Idx to = idx_offset(x, idx_add(x, line, idx_scale(x, second, other - i)), i);
            kernel_store_local(k, w->tiles, place_in(w, which, stage, to, step),
                               val_ew(k, OP_WHERE, exchanged, v[other], v[i]));
        }
    }
}

/* ... and puts it into local memory. */
static void put_step(WgmmaTile *w, Idx stage) {
    Kernel *k = w->t.n->k;
    for (uint32_t i = 0; i < 2; i++) {
        const Operand *o = &w->operand[i];
        if (o->copied) continue;
        if (o->turned) {
            put_squares(w, i, stage);
            continue;
        }
        for (int32_t e = 0; e < o->lines * w->steps / VECTOR / ITEMS; e++) {
            Idx line, step;
            element(w, i, e, &line, &step);
            kernel_store_local(k, w->tiles, place_in(w, i, stage, line, step),
                               val_read(k, o->next[e]));
        }
    }
}

static TileResult result_of(WgmmaTile *w, Idx i, int32_t pitch) {
    Kernel *k = w->t.n->k;
    IndexTable *x = &k->index;
    const int32_t columns = w->t.columns;
    Idx at = idx_add(x, idx_scale(x, i, ITEMS), k->local);
    Idx row = idx_div(x, at, columns), column = idx_mod(x, at, columns);
    return (TileResult){.row = idx_add(x, w->t.row, row),
                        .column = idx_add(x, w->t.column, column),
                        .place = idx_add(x, idx_scale(x, row, pitch), column)};
}

/* What follows the sums of the tile, all of which is there or not. */
static void finish_rows(WgmmaTile *w, NodeId dot, uint32_t out, int32_t pitch, bool whole) {
    Nest *n = w->t.n;
    IndexTable *x = &n->k->index;
    const int32_t count = ROWS * w->t.columns / ITEMS;
    /* A tile of 256 columns is as fast one by one where that is one element each. */
    const uint32_t least = w->t.columns == PART_COLUMNS ? 1 : 2;
    const bool ahead = whole && local_loads_after(&w->t, dot, least) >= least;
    const int32_t each = ahead ? MOST_TOGETHER : 1;
    TileResult r[MOST_TOGETHER];
    Idx i;
    nest_for(n, "i", idx_const(x, 0), idx_const(x, count), each, &i);
    for (int32_t e = 0; e < each; e++) r[e] = result_of(w, idx_offset(x, i, e), pitch);
    if (whole || local_inside(&w->t, r[0].row, r[0].column)) {
        local_finish_together(&w->t, dot, out, r, each);
        if (!whole) kernel_end(n->k);
    }
    nest_end(n);
}

/* Below the condition that the tile begins in a range of the rows, or columns. */
static void finish_from(WgmmaTile *w, NodeId dot, uint32_t out, int32_t pitch, Range from,
                        bool whole) {
    Kernel *k = w->t.n->k;
    Range *r = NEW(k->arena, Range);
    *r = from;
    kernel_if(k, (Ranges){1, r});
    finish_rows(w, dot, out, pitch, whole);
    kernel_end(k);
}

/* What follows the sums. A result's own condition keeps what the next one loads from being on its way: tiles that do not
 * reach over an edge have none. */
static void finish(WgmmaTile *w, uint32_t sums, NodeId dot) {
    Kernel *k = w->t.n->k;
    const Shape *space = &w->s->space;
    const int32_t pitch = wgmma_pitch(&k->matrices.at[sums]);
    const int32_t rows = space->dim[space->rank - 2], columns = space->dim[space->rank - 1];
    const bool whole_rows = rows % ROWS == 0, whole_columns = columns % w->t.columns == 0;
    uint32_t out = kernel_local_over(k, "results", DT_F32, (int64_t)ROWS * pitch, w->tiles);
    kernel_barrier(k);
    kernel_sums_out(k, sums, 0, out);
    kernel_barrier(k);
    const int32_t size = whole_columns ? rows : columns; /* of the axis that may have an edge, */
    const int32_t last = size - (whole_columns ? ROWS : w->t.columns) + 1; /* which begins here */
    const Idx at = whole_columns ? w->t.row : w->t.column;
    if (whole_rows == whole_columns || last <= 0) { /* none, or both */
        finish_rows(w, dot, out, pitch, whole_rows && whole_columns);
        return;
    }
    finish_from(w, dot, out, pitch, (Range){at, 0, last}, true);
    finish_from(w, dot, out, pitch, (Range){at, last, size}, false);
}

void emit_wgmma_tiles(Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    NodeId id = dot_of(s);
    WgmmaTile w = {.s = s, .t = {.n = n, .dot = node_at(s->g, id)}};
    eval_set_lanes(&n->eval, 1);
    choose(&w);
    int32_t band = BAND, down = (s->space.dim[s->space.rank - 2] + ROWS - 1) / ROWS;
    while (down % band) band /= 2;
    local_tile_place(&w.t, part, band);
    w.tiles = kernel_wgmma_local(k, "tiles", w.precision, array_elems(&w));
    const KMatrix shape = {.name = "sums",
                           .rows = s->matrix_rows,
                           .columns = s->matrix_columns,
                           .along = {w.operand[0].along || w.operand[0].turned,
                                     w.operand[1].along || w.operand[1].turned},
                           .precision = w.precision,
                           .wgmma = true,
                           .apart = w.apart};
    uint32_t sums = kernel_matrix(k, &shape);
    const bool copies = w.operand[0].copied || w.operand[1].copied;
    /* Settling waits for what is being loaded, too: so what is put settles before more is, unless a product is waited for
     * meanwhile. */
    const bool early = !copies && !w.apart;
    const int64_t count = (w.t.length + w.steps - 1) / w.steps;
    Idx zero = idx_const(x, 0), one = idx_const(x, 1), turn;
    copy_step(&w, zero, zero);
    if (copies) copy_step(&w, one, one);
    load_step(&w, zero, true);
    put_step(&w, zero);
    if (early) kernel_settle(k);
    load_step(&w, idx_mod(x, one, count), false);
    nest_for(n, "turn", zero, idx_const(x, count), 1, &turn);
    if (copies) kernel_arrive(k, 1);
    if (!early) kernel_settle(k);
    kernel_barrier(k);
    Idx from = idx_mod(x, turn, w.stages), next = idx_mod(x, idx_offset(x, turn, 1), w.stages);
    /* Behind the last step is the first: what is loaded there nobody multiplies, and no load hangs on a condition. */
    Idx later = idx_offset(x, turn, 2), again = idx_mod(x, later, count);
    kernel_wgmma(k, sums, w.tiles, place_in(&w, 0, from, zero, zero),
                 place_in(&w, 1, from, zero, zero));
    copy_step(&w, later, idx_mod(x, later, w.stages));
    put_step(&w, next);
    if (early) kernel_settle(k);
    load_step(&w, again, false);
    kernel_done(k, sums, w.apart ? 0 : 1);
    nest_end(n);
    if (copies) kernel_arrive(k, 0);
    if (!w.apart) kernel_done(k, sums, 0);
    finish(&w, sums, id);
}

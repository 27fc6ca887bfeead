/* schedule_matrix: a contraction on a target with matrix units. As in schedule_local.c a work-group makes a tile of
 * results from parts of both operands in local memory; but the group's matrix units multiply them, the sums are spread
 * among the items as these want it, and what follows the sums is computed from local memory again, part by part of the
 * tile.
 *
 * What is contracted goes by in stages of some tiles (MATRIX_STEP places each), of which several are in local memory, so
 * that what a later one needs is on its way meanwhile: by copies that need no item, of 16 bytes each, where an operand
 * lies so in memory; else the items load it, and put it there when they have multiplied. From local memory the items
 * fetch the next tile before they multiply one; when they have fetched a stage's last, others come in its place.
 *
 * Operands that are as the units want them already (layout.c), or are stored as bf16, are multiplied as they are, if both
 * lie along what is contracted: then all of it are copies.
 *
 * Requires: the target's groups have ITEMS items. Edges of any size are masked. */
#include "nest.h"

#define ITEMS  256
#define LENGTH 32 /* of what is contracted, at least */
/* Multiplications: below, filling the stages takes longer than smaller tiles do, but those are asked for of enough tiles. */
#define LAST_PRODUCTS (1 << 26)
#define COPY          4 /* words */
#define BAND                                                                                       \
    8 /* rows of tiles that go together: what they read of the operands stays in the device's cache */
#define AN_ITEMS (PART_ROWS * PART_COLUMNS / ITEMS)

typedef enum Kind {
    IN_HALVES, /* 3xTF32, of which an item has twice as many sums */
    ROUNDED,   /* as they are multiplied */
    READY,
} Kind;

/* What a group may make, in parts, and with how many stages of how many tiles: an item has no registers for more, and its
 * group no local memory. `rate`: of a compute unit that makes nothing else, of such tiles. */
typedef struct Way {
    Kind kind;
    int32_t rows, columns, stages, depth;
    double rate;
} Way;

static const Way ways[] = {{IN_HALVES, 2, 1, 3, 2, 72}, {IN_HALVES, 1, 1, 4, 2, 60},
                           {ROUNDED, 2, 2, 4, 1, 145},  {ROUNDED, 2, 1, 3, 2, 112},
                           {ROUNDED, 1, 1, 4, 2, 85},   {READY, 2, 2, 4, 1, 220},
                           {READY, 2, 1, 3, 2, 165},    {READY, 1, 1, 4, 2, 125}};

static Kind kind_of(const Section *s) {
    if (s->matrix_ready) return READY;
    return s->target->precision == PRECISION_3XTF32 ? IN_HALVES : ROUNDED;
}

static int64_t stage_words(const Way *w) {
    return (int64_t)(w->rows * PART_ROWS + w->columns * PART_COLUMNS) * MATRIX_STEP * w->depth;
}

static int64_t local_words(const Way *w) {
    const int64_t words = w->stages * stage_words(w), out = PART_ROWS * PART_COLUMNS;
    return words > out ? words : out;
}

static bool way_fits(const Section *s, const Way *w) {
    return w->kind == kind_of(s) &&
           local_words(w) * (int64_t)sizeof(float) <= s->target->local_bytes;
}

static int64_t tile_count(const Section *s, const Way *w) {
    return local_tile_count(s, w->rows * PART_ROWS, w->columns * PART_COLUMNS);
}

/* Tiles go by in turns of as many as the device has units; of the last turn some may be idle. */
static double time_of(const Section *s, const Way *w) {
    int64_t units = s->target->units, turns = (tile_count(s, w) + units - 1) / units;
    return (double)turns * w->rows * w->columns / w->rate;
}

/* Steps of a turn: two sets go in turn. */
static int32_t steps_together(const Way *w) {
    return w->depth % 2 ? 2 : 1;
}

/* Whether both add up in the same order: 3xTF32 adds runs of `depth` tiles by themselves; and with as many zeros behind
 * what is contracted, to the end of a turn. */
static bool adds_like(const Way *a, const Way *b) {
    return (a->kind != IN_HALVES || a->depth == b->depth) &&
           a->depth * steps_together(a) == b->depth * steps_together(b);
}

/* Those that fit and add up like the fastest, by their time. */
static uint32_t list_ways(const Section *s, const Way *list[COUNT_OF(ways)]) {
    uint32_t fit = 0, count = 0;
    for (uint32_t i = 0; i < COUNT_OF(ways); i++) {
        uint32_t at = fit;
        if (!way_fits(s, &ways[i])) continue;
        for (; at && time_of(s, &ways[i]) < time_of(s, list[at - 1]); at--) list[at] = list[at - 1];
        list[at] = &ways[i];
        fit++;
    }
    for (uint32_t i = 0; i < fit; i++)
        if (adds_like(list[0], list[i])) list[count++] = list[i];
    return count;
}

static const Way *way_of(const Section *s) {
    for (uint32_t i = 0; i < COUNT_OF(ways); i++) {
        const Way *w = &ways[i];
        if (way_fits(s, w) && w->rows == s->matrix_rows && w->columns == s->matrix_columns)
            return w;
    }
    return NULL;
}

/* Whether both operands can be multiplied as they lie in memory. */
static bool moves_as(const LocalTile *t, DType dtype) {
    const int32_t elems = COPY * (int32_t)(sizeof(float) / dtype_bytes(dtype));
    return t->along[0] && t->along[1] && local_moves(t, 0, dtype, elems) &&
           local_moves(t, 1, dtype, elems);
}

/* As what, so; DT_F32: it is neither. The product of two bf16 is exact, in any precision. */
static DType ready_type(const LocalTile *t) {
    if (moves_as(t, DT_BF16)) return DT_BF16;
    return t->n->s->target->precision == PRECISION_TF32 && moves_as(t, DT_TF32) ? DT_TF32 : DT_F32;
}

static bool is_ready(const Section *s, Arena *arena) {
    Arena *scratch = arena_open(arena);
    Kernel k;
    Nest n;
    LocalTile t;
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    local_tile_open(&t, &n, 0, 0);
    const bool ready = ready_type(&t) != DT_F32;
    arena_close(scratch);
    return ready;
}

/* Whether at least every second of the device's units has a tile. */
static bool occupies(const Section *s, const Way *w) {
    return 2 * tile_count(s, w) >= s->target->units;
}

bool matrix_tiles_fit(Section *s, Arena *arena) {
    const int axes = s->space.rank;
    NodeId dot = dot_of(s);
    if (s->target->precision == PRECISION_F32 || s->target->local_size != ITEMS) return false;
    if (dot == NO_NODE || !dot_is_product(s) || node_at(s->g, dot)->dtype != DT_F32) return false;
    s->matrix_ready = is_ready(s, arena);
    const Way *fit[COUNT_OF(ways)];
    if (!list_ways(s, fit)) return false;
    /* Tiles that are mostly edge are slower than smaller ones without matrix units. */
    double results = (double)shape_elems(&s->space);
    double places = (double)local_tile_count(s, PART_ROWS, PART_COLUMNS) * PART_ROWS * PART_COLUMNS;
    Shape reduced = reduced_shape(s->g, node_at(s->g, dot));
    double products = results * (double)shape_elems(&reduced);
    return axes >= 2 && results >= 0.55 * places && shape_elems(&reduced) >= LENGTH &&
           (products >= LAST_PRODUCTS || (s->target->precision_asked && occupies(s, fit[0])));
}

void matrix_tiles_plan(Section *s, Arena *arena) {
    const Way *list[COUNT_OF(ways)];
    Tile tiles[COUNT_OF(ways)];
    const uint32_t count = list_ways(s, list);
    for (uint32_t i = 0; i < count; i++)
        tiles[i] =
            (Tile){.rows = list[i]->rows * PART_ROWS, .columns = list[i]->columns * PART_COLUMNS};
    const char *how = arena_printf(arena, "%s%s", precision_name(s->target->precision),
                                   s->matrix_ready ? " ready" : "");
    const Way *w = list[local_tile_take(s, arena, how, tiles, count, 0)];
    s->matrix_columns = w->columns;
    s->matrix_rows = w->rows;
}

typedef struct MatrixTile {
    LocalTile t;
    const Section *s;
    const Way *way;
    DType dtype;    /* of what is copied */
    int32_t each;   /* elements in a word */
    int32_t step;   /* places of a stage */
    bool copied[2]; /* of either operand: by copies */
    uint32_t tiles; /* the local array, ... */
    uint32_t parts; /* ... or, over it, one for operands of another type */
    int32_t lines[2];
} MatrixTile;

/* Where the e-th of what an item brings in of an operand's tile lies, by `width` elements: its line, and its place along
 * what is contracted. */
static void element(const MatrixTile *m, uint32_t which, int32_t e, int32_t width, Idx *line,
                    Idx *along) {
    IndexTable *x = &m->t.n->k->index;
    Idx flat = idx_offset(x, m->t.n->k->local, (int64_t)e * ITEMS);
    int32_t turn = (m->t.along[which] ? m->step : m->lines[which]) / width;
    Idx fast = idx_scale(x, idx_mod(x, flat, turn), width), slow = idx_div(x, flat, turn);
    *line = m->t.along[which] ? slow : fast;
    *along = m->t.along[which] ? fast : slow;
}

static Idx local_place(MatrixTile *m, uint32_t which, Idx stage, Idx line, Idx along) {
    IndexTable *x = &m->t.n->k->index;
    const int32_t places = MATRIX_STEP * m->each;
    const int64_t stage_elems = stage_words(m->way) * m->each;
    Idx in_tile = idx_mod(x, along, places), tile = idx_div(x, along, places);
    Idx at = matrix_at(x, m->t.along[which], m->lines[which], m->each, line, in_tile);
    at = idx_offset(x, at, which == 0 ? 0 : (int64_t)m->lines[0] * places);
    at = idx_add(x, at, idx_scale(x, tile, stage_elems / m->way->depth));
    return idx_add(x, at, idx_scale(x, stage, stage_elems));
}

/* Begins to copy what is copied of the step-th stage, to where stage `stage` is. */
static void copy_step(MatrixTile *m, Idx step, Idx stage) {
    const int32_t width = COPY * m->each;
    for (uint32_t which = 0; which < 2; which++) {
        if (!m->copied[which]) continue;
        for (int32_t e = 0; e < m->lines[which] * m->step / width / ITEMS; e++) {
            Idx line, along;
            element(m, which, e, width, &line, &along);
            local_copy(&m->t, which, line, along, step, m->step, width, m->parts,
                       local_place(m, which, stage, line, along));
        }
    }
}

/* Loads what is not copied ... */
static void load_step(MatrixTile *m, Idx step, Val *next[2]) {
    IndexTable *x = &m->t.n->k->index;
    for (uint32_t which = 0; which < 2; which++) {
        if (m->copied[which]) continue;
        for (int32_t e = 0; e < m->lines[which] * m->step / ITEMS; e++) {
            Idx line, along;
            element(m, which, e, 1, &line, &along);
            line = idx_add(x, which == 0 ? m->t.row : m->t.column, line);
            along = idx_add(x, idx_scale(x, step, m->step), along);
            next[which][e] = local_operand(&m->t, which, line, along);
        }
    }
}

/* ... and puts it into local memory. */
static void put_step(MatrixTile *m, Idx stage, Val *next[2]) {
    for (uint32_t which = 0; which < 2; which++) {
        if (m->copied[which]) continue;
        for (int32_t e = 0; e < m->lines[which] * m->step / ITEMS; e++) {
            Idx line, along;
            element(m, which, e, 1, &line, &along);
            kernel_store_local(m->t.n->k, m->parts, local_place(m, which, stage, line, along),
                               next[which][e]);
        }
    }
}

/* An item's i-th result of a half of a part of the tile. */
static TileResult result_of(MatrixTile *m, int32_t part, int32_t half, Idx i) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    const int32_t rows = m->s->matrix_rows, columns = m->s->matrix_columns;
    Idx row = idx_add(x, idx_scale(x, i, ITEMS / PART_COLUMNS), idx_div(x, k->local, PART_COLUMNS));
    Idx column = idx_mod(x, k->local, PART_COLUMNS);
    row = idx_offset(x, row, matrix_line(rows, part / columns, half * 32));
    column = idx_add(x, idx_scale(x, idx_div(x, column, 32), 32 * columns), idx_mod(x, column, 32));
    column = idx_offset(x, column, part % columns * 32);
    Idx at = idx_add(x, idx_scale(x, i, ITEMS), k->local);
    return (TileResult){.row = idx_add(x, m->t.row, row),
                        .column = idx_add(x, m->t.column, column),
                        .place = idx_offset(x, at, half * 32 * PART_COLUMNS)};
}

/* What follows the sums, part by part of the tile. */
static void finish(MatrixTile *m, uint32_t matrix, NodeId dot) {
    Nest *n = m->t.n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int32_t parts = m->s->matrix_rows * m->s->matrix_columns, count = AN_ITEMS / 2;
    /* Of one element each it is as fast one by one. */
    const bool ahead = local_is_even(&m->t) && local_loads_after(&m->t, dot, 2) >= 2;
    const int32_t each = ahead ? MOST_TOGETHER : 1;
    for (int32_t part = 0; part < parts; part++) {
        kernel_barrier(k);
        kernel_sums_out(k, matrix, part, m->tiles);
        kernel_barrier(k);
        for (int32_t half = 0; half < 2; half++) {
            TileResult r[MOST_TOGETHER];
            Idx i;
            nest_for(n, "i", idx_const(x, 0), idx_const(x, count), each, &i);
            for (int32_t e = 0; e < each; e++) r[e] = result_of(m, part, half, idx_offset(x, i, e));
            if (each > 1 || local_inside(&m->t, r[0].row, r[0].column)) {
                local_finish_together(&m->t, dot, m->tiles, r, each);
                if (each == 1) kernel_end(k);
            }
            nest_end(n);
        }
    }
}

/* A set of the tile-th tile of the stage that is there; below a condition. */
static void fetch(MatrixTile *m, uint32_t sums, uint32_t set, Idx stage, int32_t tile, Ranges is) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    Idx zero = idx_const(x, 0), along = idx_const(x, (int64_t)tile * MATRIX_STEP * m->each);
    kernel_fetch(k, sums, set, m->parts, local_place(m, 0, stage, zero, along),
                 local_place(m, 1, stage, zero, along), is);
}

/* Two sets in turn, so a turn of the loop is of two tiles, or more. */
static void multiply(MatrixTile *m, uint32_t sums, Val *next[2]) {
    Nest *n = m->t.n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int32_t stages = m->way->stages, depth = m->way->depth, together = steps_together(m->way);
    const bool copies = m->copied[0] || m->copied[1];
    const int64_t turns = (m->t.length + m->step * together - 1) / (m->step * together);
    const int64_t length = turns * together; /* in stages */
    for (int32_t i = 0; i < stages; i++) {
        Idx step = idx_const(x, i);
        if (i < length) {
            copy_step(m, step, step);
            load_step(m, step, next);
            put_step(m, step, next);
        }
        if (copies) kernel_mark(k);
    }
    if (copies) kernel_arrive(k, stages - 1);
    kernel_barrier(k);
    fetch(m, sums, 0, idx_const(x, 0), 0, (Ranges){0});
    Idx turn;
    nest_for(n, "turn", idx_const(x, 0), idx_const(x, turns), 1, &turn);
    for (int32_t i = 0; i < together * depth; i++) {
        Idx step = idx_offset(x, idx_scale(x, turn, together), i / depth);
        Idx stage = idx_mod(x, step, stages);
        const uint32_t set = (uint32_t)i % 2;
        if (i % depth + 1 < depth) {
            fetch(m, sums, 1 - set, stage, i % depth + 1, (Ranges){0});
            kernel_product(k, sums, set, i % depth);
            continue;
        }
        if (copies) kernel_arrive(k, stages - 2);
        kernel_barrier(k);
        Idx after = idx_offset(x, step, 1), later = idx_offset(x, step, stages);
        const bool more = idx_lo(x, later) < length;
        Range *is = NEW_ARRAY(k->arena, Range, 1);
        *is = (Range){after, 0, length};
        fetch(m, sums, 1 - set, idx_mod(x, after, stages), 0, (Ranges){1, is});
        if (more) {
            copy_step(m, later, stage);
            load_step(m, later, next);
        }
        if (copies) kernel_mark(k);
        kernel_product(k, sums, set, i % depth);
        if (more) put_step(m, stage, next);
    }
    nest_end(n);
    if (copies) kernel_arrive(k, 0);
}

void emit_matrix_tiles(Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    const Way *way = way_of(s);
    const int32_t rows = way->rows, columns = way->columns;
    MatrixTile m = {.s = s, .way = way, .lines = {rows * PART_ROWS, columns * PART_COLUMNS}};
    eval_set_lanes(&n->eval, 1);
    local_tile_open(&m.t, n, m.lines[0], m.lines[1]);
    m.dtype = s->matrix_ready ? ready_type(&m.t) : DT_F32;
    m.each = m.dtype == DT_BF16 ? 2 : 1;
    m.step = way->depth * MATRIX_STEP * m.each;
    const int32_t down = (s->space.dim[s->space.rank - 2] + m.lines[0] - 1) / m.lines[0];
    int32_t band = BAND;
    while (down % band) band /= 2;
    local_tile_place(&m.t, part, band);
    Val *next[2];
    for (uint32_t i = 0; i < 2; i++) {
        m.copied[i] = s->matrix_ready || local_moves(&m.t, i, DT_F32, COPY);
        next[i] = NEW_ARRAY(k->arena, Val, m.lines[i] * m.step / ITEMS);
    }
    m.parts = m.tiles = kernel_scratch(k, "tiles", DT_F32, local_words(way));
    if (m.each > 1)
        m.parts = kernel_local_over(k, "parts", m.dtype, local_words(way) * m.each, m.tiles);
    const KMatrix shape = {.name = "sums",
                           .rows = rows,
                           .columns = columns,
                           .along = {m.t.along[0], m.t.along[1]},
                           .precision = m.each > 1 ? PRECISION_BF16 : s->target->precision,
                           .ready = s->matrix_ready,
                           .run = way->depth};
    uint32_t sums = kernel_matrix(k, &shape);
    multiply(&m, sums, next);
    finish(&m, sums, dot_of(s));
}

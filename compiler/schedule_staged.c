/* schedule_staged: the tiles of schedule_local.c where what a group wants next comes to local memory by copies, which go on
 * while the items multiply: two stages of DEPTH places are there, and one is filled again when all have it behind them.
 *
 * An operand's places lie one after the other, with their lines side by side: copied 16 bytes at a time where it lies so in
 * memory, else one by one, which turns it. Of a place an item reads squares of SQUARE spots, a warp's four by eight items
 * beside each other, so that what lies in one bank is read once; and it reads the next place before it multiplies one, also
 * across the barrier.
 *
 * A tile of half as many rows adds up in the same order.
 *
 * Requires: the target's groups have ITEMS items. Edges of any size are masked. */
#include "cost.h"
#include "nest.h"

#define ITEMS  256
#define SIDE   16 /* items of a group beside each other, and below */
#define DEPTH  16
#define STAGES 2
#define SQUARE 4
#define APART  (SIDE * SQUARE) /* an item's squares */
#define WIDE   LARGE_ROWS      /* lines of the larger tiles */
#define COPY   4               /* elements */
#define BAND   8               /* rows of tiles that go together, as in schedule_matrix.c */
#define MOST   (WIDE / SIDE)   /* spots of an item, on one axis */

#define PITCH(lines)                                                                               \
    ((lines) +                                                                                     \
     SQUARE) /* of what is turned: neighbours along what is contracted lie in other banks */

typedef struct StagedTile {
    LocalTile t;
    int32_t width[2]; /* elements that are copied at a time */
    int32_t lines[2], pitch[2];
    uint32_t stages;         /* the local array */
    Idx at[2];               /* the item's first line of either operand */
    uint32_t spots[2][MOST]; /* what it has read of a place: variables */
    uint32_t *acc;
} StagedTile;

static int64_t stage_elems(const StagedTile *m) {
    return (int64_t)(m->pitch[0] + m->pitch[1]) * DEPTH;
}

static void open_tile(StagedTile *m, Nest *n) {
    const Section *s = n->s;
    *m = (StagedTile){.lines = {s->staged_rows, s->staged_columns}};
    local_tile_open(&m->t, n, m->lines[0], m->lines[1]);
    for (uint32_t i = 0; i < 2; i++) {
        m->width[i] = local_copy_width(&m->t, i);
        m->pitch[i] = m->width[i] == COPY ? m->lines[i] : PITCH(m->lines[i]);
    }
}

bool staged_tiles_fit(Section *s, Arena *arena, double operations) {
    const Target *target = s->target;
    static const Tile tiles[] = {{.rows = WIDE, .columns = WIDE},
                                 {.rows = WIDE / 2, .columns = WIDE}};
    uint32_t own = 0;
    s->staged_rows = 0;
    if (!target->copies || target->local_size != ITEMS || operations >= COSTLY) return false;
    if (target->local_bytes < STAGES * 2 * PITCH(WIDE) * DEPTH * sizeof(float)) return false;
    if (!local_tiles_fit(s)) return false;
    while (own < COUNT_OF(tiles) &&
           local_tile_count(s, tiles[own].rows, tiles[own].columns) < cost_large_tiles(target))
        own++;
    if (own == COUNT_OF(tiles)) return false;
    Arena *scratch = arena_open(arena);
    Kernel k;
    Nest n;
    StagedTile m;
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    open_tile(&m, &n);
    const bool fits = m.width[0] && m.width[1] && m.t.length >= 2 * DEPTH;
    arena_close(scratch);
    if (!fits) return false;
    const Tile *taken = &tiles[local_tile_take(s, arena, "staged", tiles, COUNT_OF(tiles), own)];
    s->staged_rows = taken->rows;
    s->staged_columns = taken->columns;
    return true;
}

/* The e-th element, or `width` beside each other, that an item copies of an operand's part: its line and its place. Of what
 * is turned eight neighbours have eight places of a line. */
static void element(const StagedTile *m, uint32_t which, int32_t e, Idx *line, Idx *place) {
    IndexTable *x = &m->t.n->k->index;
    const int32_t lines = m->lines[which];
    Idx flat = idx_offset(x, m->t.n->k->local, (int64_t)e * ITEMS);
    if (!m->t.along[which]) {
        const int32_t width = m->width[which];
        *line = idx_scale(x, idx_mod(x, flat, lines / width), width);
        *place = idx_div(x, flat, lines / width);
        return;
    }
    Idx rest = idx_div(x, flat, 8);
    *line = idx_mod(x, rest, lines);
    *place = idx_add(x, idx_mod(x, flat, 8), idx_scale(x, idx_div(x, rest, lines), 8));
}

/* Where a line of an operand is at a place of a stage. */
static Idx local_place(const StagedTile *m, uint32_t which, Idx stage, Idx line, Idx place) {
    IndexTable *x = &m->t.n->k->index;
    Idx at = idx_add(x, idx_scale(x, place, m->pitch[which]), line);
    at = idx_offset(x, at, which == 0 ? 0 : (int64_t)m->pitch[0] * DEPTH);
    return idx_add(x, at, idx_scale(x, stage, stage_elems(m)));
}

/* Begins to copy the step-th DEPTH places to where stage `stage` is. */
static void copy_step(StagedTile *m, Idx step, Idx stage) {
    for (uint32_t which = 0; which < 2; which++) {
        const int32_t width = m->width[which];
        for (int32_t e = 0; e < m->lines[which] * DEPTH / width / ITEMS; e++) {
            Idx line, place;
            element(m, which, e, &line, &place);
            local_copy(&m->t, which, line, place, step, DEPTH, width, m->stages,
                       local_place(m, which, stage, line, place));
        }
    }
    kernel_mark(m->t.n->k);
}

/* What an item reads of a place: as many squares of either operand as it has. */
static void read_spots(StagedTile *m, Idx stage, Idx place, Val *spots[2]) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    for (uint32_t which = 0; which < 2; which++) {
        for (int32_t i = 0; i < m->lines[which] / SIDE; i++) {
            Idx line = idx_offset(x, m->at[which], i / SQUARE * APART + i % SQUARE);
            Idx at = local_place(m, which, stage, line, place);
            spots[which][i] = val_local(k, m->stages, at, 1, (Ranges){0}, which == 0 ? "a" : "b");
        }
    }
}

/* Adds the products of what was read, and has what was read next in its place. */
static void multiply(StagedTile *m, Val *const next[2]) {
    Kernel *k = m->t.n->k;
    const int32_t rows = m->lines[0] / SIDE, columns = m->lines[1] / SIDE;
    for (int32_t r = 0; r < rows; r++) {
        for (int32_t c = 0; c < columns; c++) {
            const uint32_t acc = m->acc[r * columns + c];
            Val a = val_read(k, m->spots[0][r]), b = val_read(k, m->spots[1][c]);
            kernel_set(k, acc, val_fma(k, a, b, val_read(k, acc)));
        }
    }
    for (uint32_t which = 0; which < 2; which++) {
        for (int32_t i = 0; i < m->lines[which] / SIDE; i++)
            kernel_set(k, m->spots[which][i], next[which][i]);
    }
}

static void multiply_steps(StagedTile *m) {
    Nest *n = m->t.n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int64_t turns = (m->t.length + DEPTH * STAGES - 1) / (DEPTH * STAGES);
    Val memory[2][MOST], *spots[2] = {memory[0], memory[1]};
    Idx zero = idx_const(x, 0), turn, place;
    for (int32_t i = 0; i < STAGES; i++) copy_step(m, idx_const(x, i), idx_const(x, i));
    kernel_arrive(k, STAGES - 1);
    kernel_barrier(k);
    read_spots(m, zero, zero, spots);
    for (uint32_t which = 0; which < 2; which++) {
        for (int32_t i = 0; i < m->lines[which] / SIDE; i++)
            m->spots[which][i] = kernel_var(k, which == 0 ? "has_a" : "has_b", spots[which][i]);
    }
    nest_for(n, "turn", zero, idx_const(x, turns), 1, &turn);
    for (int32_t i = 0; i < STAGES; i++) {
        Idx stage = idx_const(x, i), other = idx_const(x, (i + 1) % STAGES);
        nest_for(n, "place", zero, idx_const(x, DEPTH - 1), 1, &place);
        kernel_unroll(k, true);
        read_spots(m, stage, idx_offset(x, place, 1), spots);
        multiply(m, spots);
        nest_end(n);
        kernel_arrive(k, STAGES - 2);
        kernel_barrier(k);
        read_spots(m, other, zero, spots);
        copy_step(m, idx_offset(x, idx_scale(x, turn, STAGES), i + STAGES), stage);
        multiply(m, spots);
    }
    nest_end(n);
    kernel_arrive(k, 0);
}

void emit_staged_tiles(Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    StagedTile m;
    int32_t band = BAND, down;
    eval_set_lanes(&n->eval, 1);
    open_tile(&m, n);
    down = (s->space.dim[s->space.rank - 2] + m.lines[0] - 1) / m.lines[0];
    while (down % band) band /= 2;
    local_tile_place(&m.t, part, band);
    m.stages = kernel_scratch(k, "stages", DT_F32, STAGES * stage_elems(&m));
    Idx warp = idx_div(x, k->local, 32), in_warp = idx_mod(x, k->local, 32);
    Idx row = idx_add(x, idx_scale(x, idx_div(x, warp, 2), 4), idx_div(x, in_warp, 8));
    Idx column = idx_add(x, idx_scale(x, idx_mod(x, warp, 2), 8), idx_mod(x, in_warp, 8));
    m.at[0] = idx_scale(x, row, SQUARE);
    m.at[1] = idx_scale(x, column, SQUARE);
    const int32_t rows = m.lines[0] / SIDE, columns = m.lines[1] / SIDE;
    m.acc = NEW_ARRAY(k->arena, uint32_t, rows * columns);
    for (int32_t i = 0; i < rows * columns; i++)
        m.acc[i] = kernel_var(k, "acc", val_const(k, DT_F32, 0));
    multiply_steps(&m);
    for (int32_t i = 0; i < rows * columns; i++) {
        const int32_t r = i / columns, c = i % columns;
        Idx to = idx_add(x, m.t.row, idx_offset(x, m.at[0], r / SQUARE * APART + r % SQUARE));
        Idx at = idx_add(x, m.t.column, idx_offset(x, m.at[1], c / SQUARE * APART + c % SQUARE));
        if (!local_inside(&m.t, to, at)) continue;
        local_finish(&m.t, dot_of(s), to, at, val_read(k, m.acc[i]));
        kernel_end(k);
    }
}

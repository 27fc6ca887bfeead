/* schedule_small: a contraction of few results on a target with local memory: the step of a recurrent layer, say. Tiles
 * as large as those of schedule_local.c would occupy a small part of the device, and each would go along the contracted
 * axes for long. So tiles are small here, and the items of a group share the sums: as many as there are spots make a
 * slice, which adds up its part of the places along the contracted axes; what the slices made comes together in
 * local memory, in their order.
 *
 * As much of the contracted axes as local memory has room for is brought there at once, so that few waits are needed.
 *
 * Where the target has matrix units these multiply tiles of somewhat more results: then a slice is as many warps as there
 * are blocks in the tile (KMatrix). If both operands lie in memory as they are, they come by copies that need no item, of
 * 16 bytes where they lie so, and lie in local memory the same way round. There is room for some turns: so one or two are
 * on their way while one is multiplied.
 *
 * Requires: groups have ITEMS items. Edges of any size are masked. */
#include "nest.h"

#define ITEMS        256
#define WARPS        (ITEMS / 32)
#define ENOUGH       64    /* tiles for most of a device */
#define WIDE         512   /* results of a tile, from which on squares are four by four spots */
#define PLACES       8128  /* elements in local memory */
#define IN_HAND      24    /* that an item brings in for matrix units: so two groups share a unit */
#define MOST_IN_HAND 32    /* ... or if there are not two groups for each */
#define MOST_STAGES  3     /* turns that are in local memory, where what is multiplied is copied */
#define COPY         4     /* elements that are copied at a time, where they lie so */
#define LARGE_ROOM   73728 /* bytes: a unit has them three times */
#define LARGE_WORK                                                                                 \
    (1 << 25) /* multiplications: more than those of a launch that is short (together.c) */
#define MEETING      64 /* bytes */
#define TURNS        8  /* whose text stands there one after the other */
#define SIDE_BY_SIDE 8  /* places that neighbours bring in */
#define LOOPED       4  /* results of an item: where they are more, they are finished in a loop */
#define ONE_AFTER_ANOTHER                                                                          \
    16 /* ... which is written out: what each waits for is on its way with that of the others */
#define MOST_AHEAD   24  /* loads before the sums, of what follows them */
#define LEAST_MATRIX 32  /* places along what is contracted, for matrix units */
#define LONG         512 /* such places, of which a unit has rather two groups than one */

#define MOST_SUMS (WARPS * SLICE_BLOCK * slice_pitch(SLICE_BLOCK)) /* of all slices */

static const int32_t sizes[][2] = {{32, 32}, {32, 16}, {16, 16}, {16, 8}, {8, 8}};
static const int32_t matrix_sizes[][2] = {{64, 64}, {32, 64}, {32, 32}};

static bool takes_size(Section *s, const int32_t *size, int64_t enough) {
    s->small_rows = size[0];
    s->small_columns = size[1];
    s->groups = (uint32_t)local_tile_count(s, size[0], size[1]);
    return s->groups >= enough;
}

void small_tiles_plan(Section *s) {
    const int32_t high = s->space.dim[s->space.rank - 2];
    s->small_matrix = false;
    for (uint32_t i = 0; i < COUNT_OF(sizes); i++) {
        if (sizes[i][0] > 16 && high <= 16) continue;
        if (takes_size(s, sizes[i], ENOUGH)) return;
    }
}

bool small_matrix_fits(const Section *s) {
    const NodeId dot = dot_of(s);
    if (s->target->precision != PRECISION_3XTF32 && s->target->precision != PRECISION_TF32)
        return false;
    if (s->target->local_size != ITEMS) return false;
    if (s->target->local_bytes < MOST_SUMS * (int64_t)sizeof(float)) return false;
    if (!local_tiles_fit(s)) return false;
    Shape reduced = reduced_shape(s->g, node_at(s->g, dot));
    const double results = (double)shape_elems(&s->space);
    const double length = (double)shape_elems(&reduced);
    const int64_t tiles = local_tile_count(s, SLICE_BLOCK, SLICE_BLOCK);
    return tiles >= ENOUGH && results >= 0.55 * (double)tiles * SLICE_BLOCK * SLICE_BLOCK &&
           length >= LEAST_MATRIX && results * length <= SMALL_PRODUCTS;
}

void small_matrix_plan(Section *s) {
    Shape reduced = reduced_shape(s->g, node_at(s->g, dot_of(s)));
    s->small_matrix = true;
    if (shape_elems(&reduced) >= LONG)
        for (uint32_t i = 0; i < COUNT_OF(matrix_sizes); i++)
            if (takes_size(s, matrix_sizes[i], 4 * ENOUGH)) return;
    for (uint32_t i = 0; i < COUNT_OF(matrix_sizes); i++)
        if (takes_size(s, matrix_sizes[i], 2 * ENOUGH)) return;
}

typedef struct SmallTile {
    LocalTile t;
    bool matrix;                 /* by matrix units, ... */
    bool staged;                 /* ... from what is copied, ... */
    int32_t width[2];            /* ... so many elements of either operand at a time, ... */
    bool side[2];                /* ... with a line's places side by side, not a place's lines */
    int32_t stages;              /* turns that are in local memory */
    int32_t square;              /* else spots of an item are so many rows by so many columns */
    int32_t slices, chunk, each; /* places in local memory at a time: a multiple of `each` */
    uint32_t
        places; /* the local array: both operands' parts, and when they are done with the sums */
    int32_t lines[2];   /* of the operands' parts, ... */
    int32_t pitch[2];   /* ... whose places (`side`: lines) are so far apart, for its banks, ... */
    int64_t first[2];   /* ... and where they begin */
    int64_t part;       /* elements of both */
    int32_t sums_pitch; /* of the sums' rows */
    Idx slice, row, column; /* the item's, of its first spot in the tile */
} SmallTile;

/* Whether a line's places come side by side. */
static bool copies_side(const SmallTile *m, uint32_t which) {
    return m->t.along[which] && local_moves(&m->t, which, DT_F32, COPY);
}

static int32_t pitch_of(const SmallTile *m, uint32_t which) {
    return !m->matrix       ? m->lines[which] + m->square
           : m->side[which] ? slice_line_step(true, m->chunk)
                            : slice_place_step(false, m->lines[which]);
}

static int64_t elems_of(const SmallTile *m, uint32_t which) {
    return (int64_t)m->pitch[which] * (m->side[which] ? m->lines[which] : m->chunk);
}

/* Elements for all turns: more than OpenCL gives, if the runtime can have it so. But not where there is so little work that
 * the launch may be done together with others (together.h), whose groups need some for themselves. */
static int64_t room_of(const SmallTile *m) {
    const Section *s = m->t.n->s;
    const double products = (double)shape_elems(&s->space) * (double)m->t.length;
    const bool large = s->target->wgmma_bytes && products >= LARGE_WORK;
    return (large ? LARGE_ROOM : s->target->local_bytes - MEETING) / (int64_t)sizeof(float);
}

/* Of `chunk` places at a time, the turns that there is room for, or that there are. */
static int32_t stages_of(SmallTile *m, int32_t chunk) {
    const int64_t room = room_of(m);
    const int64_t turns = (m->t.length + chunk - 1) / chunk;
    m->chunk = chunk;
    for (uint32_t i = 0; i < 2; i++) m->pitch[i] = pitch_of(m, i);
    int64_t stages = room / (elems_of(m, 0) + elems_of(m, 1));
    if (stages > MOST_STAGES) stages = MOST_STAGES;
    return stages > 2 && turns < stages ? 2 : (int32_t)stages;
}

/* Twice as many places as each slice has of one product, if there is room: then there are half as many waits. */
static void plan_stages(SmallTile *m) {
    m->staged = false;
    for (int32_t chunk = 2 * m->each; chunk >= m->each && !m->staged; chunk -= m->each) {
        bool even = true; /* each item copies as much */
        for (uint32_t i = 0; i < 2; i++) even = even && chunk * m->lines[i] % (COPY * ITEMS) == 0;
        m->stages = even ? stages_of(m, chunk) : 0;
        m->staged = m->stages >= 2;
    }
}

/* As many places at a time as there is room for, or somewhat fewer if the last time is like the others then. */
static int32_t chunk_of(const SmallTile *m) {
    const int64_t length = m->t.length;
    const int64_t in_hand = m->t.n->s->groups < 2 * ENOUGH ? MOST_IN_HAND : IN_HAND;
    const int64_t room = m->matrix ? in_hand * ITEMS / (m->lines[0] + m->lines[1])
                                   : PLACES / (m->pitch[0] + m->pitch[1]);
    const int64_t most = room / m->each * m->each;
    for (int64_t chunk = most; chunk >= m->each && 2 * chunk >= most; chunk -= m->each)
        if (length % chunk == 0) return (int32_t)chunk;
    if (most == 0) return m->each;
    const int64_t turns = (length + most - 1) / most, chunk = (length + turns - 1) / turns;
    return (int32_t)((chunk + m->each - 1) / m->each * m->each);
}

static int32_t share_of(const SmallTile *m, uint32_t which) {
    return (m->lines[which] * m->chunk + ITEMS - 1) / ITEMS;
}

/* The e-th element, or `width` beside each other, that an item brings in of an operand's part: which it is of all, its line
 * and its place. */
static Idx element(const SmallTile *m, uint32_t which, int32_t e, int32_t width, Idx *line,
                   Idx *place) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    Idx flat = idx_offset(x, k->local, (int64_t)e * ITEMS);
    if (m->side[which]) {
        *line = idx_div(x, flat, m->chunk / width);
        *place = idx_scale(x, idx_mod(x, flat, m->chunk / width), width);
    } else if (!m->t.along[which]) {
        *line = idx_scale(x, idx_mod(x, flat, m->lines[which] / width), width);
        *place = idx_div(x, flat, m->lines[which] / width);
    } else if (m->chunk % SIDE_BY_SIDE) {
        *line = idx_div(x, flat, m->chunk);
        *place = idx_mod(x, flat, m->chunk);
    } else { /* some of several lines, which lie in different banks then */
        Idx rest = idx_div(x, flat, SIDE_BY_SIDE);
        *line = idx_mod(x, rest, m->lines[which]);
        *place = idx_add(x, idx_scale(x, idx_div(x, rest, m->lines[which]), SIDE_BY_SIDE),
                         idx_mod(x, flat, SIDE_BY_SIDE));
    }
    return flat;
}

/* Where an operand's element lies in local memory. */
static Idx local_place(const SmallTile *m, uint32_t which, Idx line, Idx place) {
    IndexTable *x = &m->t.n->k->index;
    Idx across = m->side[which] ? line : place, beside = m->side[which] ? place : line;
    Idx at = idx_add(x, idx_scale(x, across, m->pitch[which]), beside);
    return idx_offset(x, at, m->first[which]);
}

static void open_part(SmallTile *m, Idx flat, int64_t size) {
    Kernel *k = m->t.n->k;
    Range *there = NEW(k->arena, Range);
    *there = (Range){flat, 0, size};
    kernel_if(k, (Ranges){1, there});
}

/* All items load the parts of both operands from `step` on, each its share, ... */
static void load_part(SmallTile *m, Idx step, bool first) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    for (uint32_t which = 0; which < 2; which++) {
        for (int32_t e = 0; e < share_of(m, which); e++) {
            Idx line, place;
            element(m, which, e, 1, &line, &place);
            line = idx_add(x, which == 0 ? m->t.row : m->t.column, line);
            Val v = local_operand(&m->t, which, line, idx_add(x, step, place));
            if (first)
                m->t.next[which][e] = kernel_var(k, which == 0 ? "next_a" : "next_b", v);
            else
                kernel_set(k, m->t.next[which][e], v);
        }
    }
}

/* ... and put them into local memory, with their lines side by side. */
static void put_part(SmallTile *m) {
    Kernel *k = m->t.n->k;
    for (uint32_t which = 0; which < 2; which++) {
        for (int32_t e = 0; e < share_of(m, which); e++) {
            Idx line, place, flat = element(m, which, e, 1, &line, &place);
            open_part(m, flat, (int64_t)m->lines[which] * m->chunk);
            kernel_store_local(k, m->places, local_place(m, which, line, place),
                               val_read(k, m->t.next[which][e]));
            kernel_end(k);
        }
    }
}

/* A slice has every so many-th place. */
static void multiply(SmallTile *m, const uint32_t *acc) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    const int32_t square = m->square;
    Idx i;
    kernel_for(k, "i", idx_const(x, 0), idx_const(x, m->chunk / m->slices), 1, &i);
    Val *a = NEW_ARRAY(k->arena, Val, 2 * square), *b = a + square;
    Idx place = idx_add(x, idx_scale(x, i, m->slices), m->slice);
    for (int r = 0; r < square; r++) {
        Idx at = local_place(m, 0, idx_offset(x, m->row, r), place);
        a[r] = val_local(k, m->places, at, 1, (Ranges){0}, "a");
        at = local_place(m, 1, idx_offset(x, m->column, r), place);
        b[r] = val_local(k, m->places, at, 1, (Ranges){0}, "b");
    }
    for (int r = 0; r < square; r++) {
        for (int c = 0; c < square; c++) {
            uint32_t v = acc[r * square + c];
            kernel_set(k, v, val_fma(k, a[r], b[c], val_read(k, v)));
        }
    }
    kernel_end(k);
}

static int32_t results_of_item(const SmallTile *m) {
    return (m->lines[0] * m->lines[1] + ITEMS - 1) / ITEMS;
}

/* The item's e-th result: which it is of the tile. */
static Idx result_of(const SmallTile *m, int32_t e) {
    Kernel *k = m->t.n->k;
    return idx_offset(&k->index, k->local, (int64_t)e * ITEMS);
}

/* Where a result lies in the tile. */
static void place_result(const SmallTile *m, Idx flat, Idx *row, Idx *column) {
    IndexTable *x = &m->t.n->k->index;
    *row = idx_div(x, flat, m->lines[1]);
    *column = idx_mod(x, flat, m->lines[1]);
}

/* Before the sums are made: what is computed of them needs other values, which are on their way meanwhile. */
static void look_ahead(SmallTile *m, NodeId dot) {
    IndexTable *x = &m->t.n->k->index;
    const int32_t each = results_of_item(m);
    if (each > LOOPED || each * ITEMS != m->lines[0] * m->lines[1] || !local_is_even(&m->t)) return;
    uint32_t left = MOST_AHEAD;
    for (int32_t e = 0; e < each && left; e++) {
        Idx row, column;
        place_result(m, result_of(m, e), &row, &column);
        row = idx_add(x, m->t.row, row);
        column = idx_add(x, m->t.column, column);
        const uint32_t loads = local_ahead(&m->t, dot, row, column, left);
        left -= loads < left ? loads : left;
    }
}

/* What the slices made of a result of the tile, in their order, and what follows. */
static void finish_result(SmallTile *m, NodeId dot, Idx flat) {
    Nest *n = m->t.n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    Idx row, column;
    place_result(m, flat, &row, &column);
    Idx at = idx_add(x, idx_scale(x, row, m->sums_pitch), column);
    Val sum = val_local(k, m->places, at, 1, (Ranges){0}, "sum");
    for (int32_t i = 1; i < m->slices; i++) {
        Idx next = idx_offset(x, at, (int64_t)i * m->lines[0] * m->sums_pitch);
        Val more = val_local(k, m->places, next, 1, (Ranges){0}, "more");
        sum = val_ew(k, OP_ADD, sum, more, NO_VAL);
    }
    row = idx_add(x, m->t.row, row);
    column = idx_add(x, m->t.column, column);
    if (!local_inside(&m->t, row, column)) return;
    local_finish(&m->t, dot, row, column, sum);
    kernel_end(k);
}

static void finish(SmallTile *m, NodeId dot) {
    Nest *n = m->t.n;
    IndexTable *x = &n->k->index;
    const int32_t each = results_of_item(m);
    Idx i, zero = idx_const(x, 0);
    if (each > LOOPED) {
        nest_for(n, "i", zero, idx_const(x, each), 1, &i);
        if (each <= ONE_AFTER_ANOTHER) kernel_unroll(n->k, true);
        finish_result(m, dot, idx_add(x, idx_scale(x, i, ITEMS), n->k->local));
        nest_end(n);
        return;
    }
    for (int32_t e = 0; e < each; e++) {
        Idx flat = result_of(m, e);
        open_part(m, flat, (int64_t)m->lines[0] * m->lines[1]);
        eval_push(&n->eval);
        finish_result(m, dot, flat);
        eval_pop(&n->eval);
        kernel_end(n->k);
    }
}

/* What the items of the slices have, where both operands were. */
static void put_sums(SmallTile *m, const uint32_t *acc) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    const int32_t square = m->square;
    for (int i = 0; i < square * square; i++) {
        Idx at = idx_scale(x, idx_offset(x, m->row, i / square), m->sums_pitch);
        at = idx_add(x, at, idx_offset(x, m->column, i % square));
        at = idx_add(x, at, idx_scale(x, m->slice, (int64_t)m->lines[0] * m->sums_pitch));
        kernel_store_local(k, m->places, at, val_read(k, acc[i]));
    }
}

/* Begins to copy what a turn multiplies to where stage `stage` is. */
static void copy_part(SmallTile *m, Idx turn, Idx stage) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    Idx from = idx_scale(x, stage, m->part);
    for (uint32_t which = 0; which < 2; which++) {
        const int32_t width = m->width[which];
        for (int32_t e = 0; e < m->lines[which] * m->chunk / width / ITEMS; e++) {
            Idx line, place;
            element(m, which, e, width, &line, &place);
            Idx to = idx_add(x, local_place(m, which, line, place), from);
            local_copy(&m->t, which, line, place, turn, m->chunk, width, m->places, to);
        }
    }
    kernel_mark(k);
}

static void multiply_staged(SmallTile *m, NodeId dot, uint32_t sums) {
    Nest *n = m->t.n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int64_t turns = (m->t.length + m->chunk - 1) / m->chunk;
    Idx turn;
    const int32_t ahead = m->stages - 1;
    for (int32_t i = 0; i < ahead; i++) copy_part(m, idx_const(x, i), idx_const(x, i));
    look_ahead(m, dot);
    nest_for(n, "turn", idx_const(x, 0), idx_const(x, turns), 1, &turn);
    kernel_arrive(k, ahead - 1);
    kernel_barrier(k);
    Idx later = idx_offset(x, turn, ahead);
    copy_part(m, later, idx_mod(x, later, m->stages));
    Idx at = idx_scale(x, idx_mod(x, turn, m->stages), m->part);
    kernel_product_slices(k, sums, m->places, at, idx_offset(x, at, m->first[1]));
    nest_end(n);
    kernel_arrive(k, 0);
}

static void open_tile(SmallTile *m, Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int32_t rows = s->small_rows, columns = s->small_columns;
    *m = (SmallTile){.lines = {rows, columns}, .matrix = s->small_matrix};
    m->square = rows * columns >= WIDE ? 4 : 2;
    local_tile_open(&m->t, n, rows, columns);
    const int32_t across = columns / m->square, spots = rows / m->square * across;
    m->slices = m->matrix ? WARPS * SLICE_BLOCK * SLICE_BLOCK / (rows * columns) : ITEMS / spots;
    m->each = m->matrix ? SIDE_BY_SIDE * m->slices : m->slices;
    m->sums_pitch = m->matrix ? slice_pitch(columns) : columns;
    local_tile_place(&m->t, part, 1);
    for (uint32_t i = 0; i < 2 && m->matrix; i++) {
        m->side[i] = copies_side(m, i);
        m->width[i] = m->side[i] ? COPY : local_copy_width(&m->t, i);
    }
    if (m->width[0] && m->width[1]) plan_stages(m);
    for (uint32_t i = 0; i < 2 && !m->staged; i++) {
        m->side[i] = false;
        m->pitch[i] = pitch_of(m, i);
    }
    if (!m->staged) m->chunk = chunk_of(m);
    m->first[1] = elems_of(m, 0);
    m->part = elems_of(m, 0) + elems_of(m, 1);
    int64_t elems = m->part * (m->staged ? m->stages : 1);
    const int64_t sums = (int64_t)rows * m->sums_pitch * m->slices;
    if (elems < sums) elems = sums;
    m->places = m->matrix ? kernel_scratch(k, "places", DT_F32, elems)
                          : kernel_local(k, "places", DT_F32, elems);
    for (uint32_t i = 0; i < 2; i++) m->t.next[i] = NEW_ARRAY(k->arena, uint32_t, share_of(m, i));
    Idx own = idx_mod(x, k->local, spots);
    m->slice = idx_div(x, k->local, spots);
    m->row = idx_scale(x, idx_div(x, own, across), m->square);
    m->column = idx_scale(x, idx_mod(x, own, across), m->square);
}

/* Each turn's part is loaded by the items while they multiply the one before. */
static void multiply_turns(SmallTile *m, NodeId dot, uint32_t sums, const uint32_t *acc) {
    Nest *n = m->t.n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    Idx step, zero = idx_const(x, 0);
    load_part(m, zero, true);
    look_ahead(m, dot);
    const int64_t turns = (m->t.length + m->chunk - 1) / m->chunk;
    const bool loop = turns > (m->matrix ? 1 : TURNS);
    for (int64_t turn = 0; turn < (loop ? 1 : turns); turn++) {
        step = idx_const(x, turn * m->chunk);
        if (loop) nest_for(n, "k", step, idx_const(x, m->t.length), m->chunk, &step);
        if (loop && m->matrix) kernel_unroll(k, false);
        const bool more = loop || turn + 1 < turns;
        put_part(m);
        kernel_barrier(k);
        if (more) load_part(m, idx_offset(x, step, m->chunk), false);
        if (m->matrix)
            kernel_product_slices(k, sums, m->places, zero, idx_const(x, m->first[1]));
        else
            multiply(m, acc);
        if (more) kernel_barrier(k);
        if (loop) nest_end(n);
    }
}

void emit_small_tiles(Nest *n, Idx part) {
    Kernel *k = n->k;
    NodeId id = dot_of(n->s);
    SmallTile m;
    eval_set_lanes(&n->eval, 1);
    open_tile(&m, n, part);
    uint32_t acc[4 * 4], sums = 0;
    const KMatrix shape = {.name = "sums",
                           .rows = m.lines[0],
                           .columns = m.lines[1],
                           .along = {m.side[0], m.side[1]},
                           .precision = n->s->target->precision,
                           .slices = m.slices,
                           .chunk = m.chunk};
    if (m.matrix) sums = kernel_matrix(k, &shape);
    for (int i = 0; i < m.square * m.square && !m.matrix; i++)
        acc[i] = kernel_var(k, "acc", val_const(k, DT_F32, 0));
    if (m.staged)
        multiply_staged(&m, id, sums);
    else
        multiply_turns(&m, id, sums, acc);
    kernel_barrier(k);
    if (m.matrix)
        kernel_sums_out(k, sums, 0, m.places);
    else
        put_sums(&m, acc);
    kernel_barrier(k);
    finish(&m, id);
}

/* schedule_small: a contraction of few results on a target with local memory: the step of a recurrent layer, say. Tiles
 * as large as those of schedule_local.c would occupy a small part of the device, and each would go along the contracted
 * axes for long. So tiles are small here, and the items of a group share the sums: as many as there are spots make a
 * slice, which adds up its part of the places along the contracted axes; what the slices made comes together in
 * local memory, in their order.
 *
 * As much of the contracted axes as local memory has room for is brought there at once, so that few waits are needed.
 *
 * Requires: groups have ITEMS items. Edges of any size are masked. */
#include "nest.h"

#define ITEMS  256
#define ENOUGH 64 /* tiles for most of a device */
#define WIDE                                                                                       \
    512 /* results of a tile, from which on an item has squares of four by four spots, and not of two by two */
#define PLACES 8128 /* elements in local memory */
#define TURNS  8    /* whose text stands there one after the other */

void small_tiles_plan(Section *s) {
    static const int32_t sizes[][2] = {{32, 32}, {32, 16}, {16, 16}, {16, 8}, {8, 8}};
    const int32_t high = s->space.dim[s->space.rank - 2];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        if (sizes[i][0] > 16 && high <= 16) continue;
        s->small_rows = sizes[i][0];
        s->small_columns = sizes[i][1];
        s->groups = (uint32_t)local_tile_count(s, s->small_rows, s->small_columns);
        if (s->groups >= ENOUGH) return;
    }
}

typedef struct SmallTile {
    LocalTile t;
    int32_t square;        /* spots of an item are so many rows by so many columns */
    int32_t slices, chunk; /* places in local memory at a time: a multiple of the slices */
    uint32_t
        places; /* the local array: both operands' parts, and when they are done with the sums */
    int32_t lines[2];       /* of the operands' parts, ... */
    int32_t pitch[2];       /* ... whose places are so far apart, for banks of local memory, ... */
    int64_t first[2];       /* ... and where they begin */
    Idx slice, row, column; /* the item's, of its first spot in the tile */
} SmallTile;

/* So many places at a time that the last time is like the others, if that is possible nearby. */
static int32_t chunk_of(const SmallTile *m) {
    const int64_t length = m->t.length, most = PLACES / (m->pitch[0] + m->pitch[1]);
    const int64_t least = (length + most - 1) / most;
    int64_t turns = least;
    while (turns < least + 3 && (length % turns || length / turns % m->slices)) turns++;
    if (turns == least + 3) turns = least;
    const int64_t chunk = (length + turns - 1) / turns;
    return (int32_t)((chunk + m->slices - 1) / m->slices * m->slices);
}

static int32_t share_of(const SmallTile *m, uint32_t which) {
    return (m->lines[which] * m->chunk + ITEMS - 1) / ITEMS;
}

/* The e-th element that an item brings in of an operand's part: which it is of all, its line and its place. */
static Idx element(const SmallTile *m, uint32_t which, int32_t e, Idx *line, Idx *place) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    const bool along = m->t.along[which];
    const int32_t turn = along ? m->chunk : m->lines[which];
    Idx flat = idx_offset(x, k->local, (int64_t)e * ITEMS);
    Idx fast = idx_mod(x, flat, turn), slow = idx_div(x, flat, turn);
    *line = along ? slow : fast;
    *place = along ? fast : slow;
    return flat;
}

/* Where an operand's element lies in local memory. */
static Idx local_place(const SmallTile *m, uint32_t which, Idx line, Idx place) {
    IndexTable *x = &m->t.n->k->index;
    Idx at = idx_add(x, idx_scale(x, place, m->pitch[which]), line);
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
            element(m, which, e, &line, &place);
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
            Idx line, place, flat = element(m, which, e, &line, &place);
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

/* What the slices made of each result, in their order, and what follows. */
static void finish(SmallTile *m, NodeId dot, const uint32_t *acc) {
    Nest *n = m->t.n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int32_t results = m->lines[0] * m->lines[1], square = m->square;
    kernel_barrier(k);
    for (int i = 0; i < square * square; i++) {
        Idx at = idx_scale(x, idx_offset(x, m->row, i / square), m->lines[1]);
        at = idx_add(x, at, idx_offset(x, m->column, i % square));
        at = idx_add(x, at, idx_scale(x, m->slice, results));
        kernel_store_local(k, m->places, at, val_read(k, acc[i]));
    }
    kernel_barrier(k);
    for (int32_t from = 0; from < results; from += ITEMS) {
        Idx flat = idx_offset(x, k->local, from);
        open_part(m, flat, results);
        eval_push(&n->eval);
        Val sum = val_local(k, m->places, flat, 1, (Ranges){0}, "sum");
        for (int32_t i = 1; i < m->slices; i++) {
            Idx at = idx_offset(x, flat, (int64_t)i * results);
            Val more = val_local(k, m->places, at, 1, (Ranges){0}, "more");
            sum = val_ew(k, OP_ADD, sum, more, NO_VAL);
        }
        Idx row = idx_add(x, m->t.row, idx_div(x, flat, m->lines[1]));
        Idx column = idx_add(x, m->t.column, idx_mod(x, flat, m->lines[1]));
        if (local_inside(&m->t, row, column)) {
            local_finish(&m->t, dot, row, column, sum);
            kernel_end(k);
        }
        eval_pop(&n->eval);
        kernel_end(k);
    }
}

static void open_tile(SmallTile *m, Nest *n, NodeId dot, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int32_t rows = s->small_rows, columns = s->small_columns;
    *m = (SmallTile){.lines = {rows, columns}};
    m->square = rows * columns >= WIDE ? 4 : 2;
    m->t = (LocalTile){.n = n, .dot = node_at(s->g, dot), .rows = rows, .columns = columns};
    m->t.reduced = reduced_shape(s->g, m->t.dot);
    m->t.length = shape_elems(&m->t.reduced);
    const int32_t across = columns / m->square, spots = rows / m->square * across;
    m->slices = ITEMS / spots;
    for (uint32_t i = 0; i < 2; i++) m->pitch[i] = m->lines[i] + m->square;
    m->chunk = chunk_of(m);
    m->first[1] = (int64_t)m->pitch[0] * m->chunk;
    int64_t elems = m->first[1] + (int64_t)m->pitch[1] * m->chunk;
    if (elems < (int64_t)rows * columns * m->slices) elems = (int64_t)rows * columns * m->slices;
    m->places = kernel_local(k, "places", DT_F32, elems);
    local_tile_place(&m->t, part, 1);
    for (uint32_t i = 0; i < 2; i++) {
        m->t.along[i] = local_along(&m->t, i);
        m->t.next[i] = NEW_ARRAY(k->arena, uint32_t, share_of(m, i));
    }
    Idx own = idx_mod(x, k->local, spots);
    m->slice = idx_div(x, k->local, spots);
    m->row = idx_scale(x, idx_div(x, own, across), m->square);
    m->column = idx_scale(x, idx_mod(x, own, across), m->square);
}

void emit_small_tiles(Nest *n, Idx part) {
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    NodeId id = dot_of(n->s);
    SmallTile m;
    Idx step;
    eval_set_lanes(&n->eval, 1);
    open_tile(&m, n, id, part);
    uint32_t acc[4 * 4];
    for (int i = 0; i < m.square * m.square; i++)
        acc[i] = kernel_var(k, "acc", val_const(k, DT_F32, 0));
    load_part(&m, idx_const(x, 0), true);
    const int64_t turns = (m.t.length + m.chunk - 1) / m.chunk;
    for (int64_t turn = 0; turn < (turns > TURNS ? 1 : turns); turn++) {
        step = idx_const(x, turn * m.chunk);
        if (turns > TURNS) nest_for(n, "k", step, idx_const(x, m.t.length), m.chunk, &step);
        const bool more = turns > TURNS || turn + 1 < turns;
        put_part(&m);
        kernel_barrier(k);
        if (more) load_part(&m, idx_offset(x, step, m.chunk), false);
        multiply(&m, acc);
        if (more) kernel_barrier(k);
        if (turns > TURNS) nest_end(n);
    }
    finish(&m, id, acc);
}

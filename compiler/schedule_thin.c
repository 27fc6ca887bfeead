/* schedule_thin: a contraction whose results have one axis so short that tiles would be mostly edge, as a classifier's logits
 * and the gradient of its weights have: a line of the long operand is multiplied by all of the few lines of the other. The
 * items of a group share what is contracted, and each has a sum for every result of its lines:
 *
 * - where the long operand lies along what is contracted, all items have the same lines, and places side by side;
 * - else neighbours have every so many-th place, and of a place an item has lines that lie side by side, as a vector where they
 *   may be one: what is brought from the device's cache is on its way in few instructions then.
 * What the items of a warp made comes together by registers, and then the warps' by local memory.
 *
 * Requires: the target's groups have ITEMS items, of which a warp's take what others have in registers. */
#include "cost.h"
#include "nest.h"

#define ITEMS     256
#define LINES     4   /* of the long operand, of which an item has so many at most, ... */
#define MOST_SUMS 60  /* ... no more than it has registers for their sums, ... */
#define GROUPS    128 /* ... and fewer where there are less groups than that; likewise ... */
#define BESIDE    16  /* ... lines of a group that lie side by side: 64 bytes at most, ... */
#define VECTOR    4   /* ... by so many */
#define TURNS     8   /* whose loads are on their way together */

typedef struct ThinTile {
    LocalTile t;
    uint32_t long_one; /* the operand of the long axis */
    bool along;        /* it lies along what is contracted */
    int32_t few;       /* lines of the other, ... */
    int32_t lines;     /* ... and of the long one that a group has: ... */
    int32_t own;       /* ... an item so many of them, ... */
    uint8_t lanes;     /* ... as so long a vector, if it is one, ... */
    int32_t slices;    /* ... and every so many-th place of what is contracted */
    int32_t near;      /* of the slices: what they made comes together by registers */
    Idx slice, line;   /* the item's; its first line in the group */
} ThinTile;

static void open_tile(ThinTile *m, Nest *n) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int axes = s->space.rank;
    const int32_t rows = s->space.dim[axes - 2], columns = s->space.dim[axes - 1];
    *m = (ThinTile){.long_one = rows < columns, .few = rows < columns ? rows : columns};
    const int32_t many = rows < columns ? columns : rows;
    local_tile_open(&m->t, n, 1, 1);
    m->along = m->t.along[m->long_one];
    m->lanes = !m->along && many % BESIDE == 0 ? VECTOR : 1;
    m->own = m->along ? LINES : VECTOR;
    while (m->along && m->own > 1 && (m->own * m->few > MOST_SUMS || many / m->own < GROUPS))
        m->own /= 2;
    m->lines = m->along ? m->own : BESIDE;
    while (m->lines > m->own && many / m->lines < GROUPS) m->lines /= 2;
    m->slices = ITEMS / (m->lines / m->own);
    m->near = m->slices * (int32_t)s->target->warp / ITEMS;
    m->slice = idx_add(x, idx_mod(x, k->local, m->near),
                       idx_scale(x, idx_div(x, k->local, s->target->warp), m->near));
    m->line = idx_scale(x, idx_div(x, idx_mod(x, k->local, s->target->warp), m->near), m->own);
    m->t.rows = m->long_one ? m->few : m->lines;
    m->t.columns = m->long_one ? m->lines : m->few;
}

bool thin_fits(Section *s, Arena *arena) {
    const NodeId id = dot_of(s);
    s->thin = false;
    if (id == NO_NODE || s->target->local_size != ITEMS || s->space.rank != 2) return false;
    const Node *dot = node_at(s->g, id);
    const Shape reduced = reduced_shape(s->g, dot);
    if (dot->dtype != DT_F32 || !dot_is_product(s) ||
        !cost_is_thin(s->target, s->space.dim[0], s->space.dim[1], shape_elems(&reduced)))
        return false;
    Arena *scratch = arena_open(arena);
    Kernel k;
    Nest n;
    ThinTile m;
    kernel_init(&k, scratch, 1, ITEMS);
    nest_init(&n, s, &k);
    open_tile(&m, &n);
    s->groups = (uint32_t)local_tile_count(s, m.t.rows, m.t.columns);
    arena_close(scratch);
    return s->thin = true;
}

/* The place of line `line` of the group on the space, of the long operand's or of the few. */
static Idx line_at(const ThinTile *m, bool of_long, Idx line) {
    IndexTable *x = &m->t.n->k->index;
    return idx_add(x, of_long == (m->long_one == 0) ? m->t.row : m->t.column, line);
}

/* What the item has of its lines at a place: a value each, or one vector. */
static int32_t load_lines(ThinTile *m, Idx place, Val *v) {
    Nest *n = m->t.n;
    IndexTable *x = &n->k->index;
    eval_set_lanes(&n->eval, m->lanes);
    for (int32_t i = 0; i < m->own / m->lanes; i++) {
        Idx line = idx_offset(x, m->line, i);
        if (m->lanes > 1) line = idx_add(x, line, n->eval.lane[m->lanes]);
        v[i] = local_operand(&m->t, m->long_one, line_at(m, true, line), place);
    }
    eval_set_lanes(&n->eval, 1);
    return m->own / m->lanes;
}

static void multiply(ThinTile *m, const uint32_t *acc) {
    Nest *n = m->t.n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int64_t turns = (m->t.length + m->slices - 1) / m->slices;
    Val left[LINES];
    Idx turn;
    nest_for(n, "turn", idx_const(x, 0), idx_const(x, turns), 1, &turn);
    kernel_turns(k, TURNS);
    Idx place = idx_add(x, idx_scale(x, turn, m->slices), m->slice);
    const int32_t loads = load_lines(m, place, left);
    for (int32_t j = 0; j < m->few; j++) {
        Val right =
            local_operand(&m->t, 1 - m->long_one, line_at(m, false, idx_const(x, j)), place);
        for (int32_t i = 0; i < loads; i++) {
            const uint32_t sum = acc[i * m->few + j];
            kernel_set(k, sum, val_fma(k, left[i], right, val_read(k, sum)));
        }
    }
    nest_end(n);
}

/* Puts what each warp made of the group's results into an array: warp by warp all results, line by line. */
static void put_sums(ThinTile *m, const uint32_t *acc, uint32_t sums) {
    Kernel *k = m->t.n->k;
    IndexTable *x = &k->index;
    const int32_t warp = (int32_t)m->t.n->s->target->warp, results = m->lines * m->few;
    const uint32_t own = kernel_scratch(k, "own", DT_F32, ITEMS);
    const int32_t count = m->own * m->few;
    Range *first = NEW(k->arena, Range);
    Val *v = NEW_ARRAY(k->arena, Val, count);
    for (int32_t i = 0; i < count; i++) {
        const int32_t line = i / m->few, j = i % m->few;
        Val sum = val_read(k, acc[line / m->lanes * m->few + j]);
        if (m->lanes > 1) sum = val_extract(k, sum, (uint32_t)line % m->lanes);
        v[i] = kernel_meet(k, OP_ADD, sum, m->near, own);
    }
    *first = (Range){idx_mod(x, k->local, m->near), 0, 1};
    kernel_if(k, (Ranges){1, first});
    Idx at = idx_scale(x, idx_div(x, k->local, warp), results);
    at = idx_add(x, at, idx_scale(x, m->line, m->few));
    for (int32_t i = 0; i < count; i++) kernel_store_local(k, sums, idx_offset(x, at, i), v[i]);
    kernel_end(k);
}

/* An item has a result: in the order of the parts, and what follows. */
static void finish(ThinTile *m, NodeId dot, uint32_t sums, int32_t parts) {
    Nest *n = m->t.n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int32_t results = m->lines * m->few;
    Range *there = NEW(k->arena, Range);
    *there = (Range){k->local, 0, results};
    kernel_if(k, (Ranges){1, there});
    eval_push(&n->eval);
    Val sum = val_local(k, sums, k->local, 1, (Ranges){0}, "sum");
    for (int32_t i = 1; i < parts; i++) {
        Idx next = idx_offset(x, k->local, (int64_t)i * results);
        sum = val_ew(k, OP_ADD, sum, val_local(k, sums, next, 1, (Ranges){0}, "more"), NO_VAL);
    }
    Idx of_long = line_at(m, true, idx_div(x, k->local, m->few));
    Idx of_few = line_at(m, false, idx_mod(x, k->local, m->few));
    Idx row = m->long_one ? of_few : of_long, column = m->long_one ? of_long : of_few;
    if (local_inside(&m->t, row, column)) {
        local_finish(&m->t, dot, row, column, sum);
        kernel_end(k);
    }
    eval_pop(&n->eval);
    kernel_end(k);
}

void emit_thin(Nest *n, Idx part) {
    Kernel *k = n->k;
    ThinTile m;
    eval_set_lanes(&n->eval, 1);
    open_tile(&m, n);
    local_tile_place(&m.t, part, 1);
    const int32_t count = m.own / m.lanes * m.few;
    const int32_t parts = ITEMS / (int32_t)n->s->target->warp;
    Val zero = val_const(k, DT_F32, 0);
    uint32_t *acc = NEW_ARRAY(k->arena, uint32_t, count);
    for (int32_t i = 0; i < count; i++)
        acc[i] = kernel_var(k, "acc", m.lanes > 1 ? val_splat(k, zero, m.lanes) : zero);
    multiply(&m, acc);
    const uint32_t sums = kernel_scratch(k, "sums", DT_F32, (int64_t)parts * m.lines * m.few);
    put_sums(&m, acc, sums);
    kernel_barrier(k);
    finish(&m, dot_of(n->s), sums, parts);
}

/* schedule_cross: contractions across the rows of what they store. Of a convolution the last axis of the result belongs to the
 * images, as do those before it but for one, the filters: whichever way a tile lies on the last two, each of its sums has an
 * element of the images for itself. So here the lanes run over the filters, and the tile has a vector's worth of these for
 * each of some places along the last axis, whose elements are numbers that all lanes have. In the gradient of the filters
 * the result's gradient has their part.
 *
 * The operand that has the axis of the lanes (the panel's) is copied into the group's own memory, for a strip of that axis and
 * a part of what is contracted at a time, with the lanes side by side; the other is read where it lies, in loops over the
 * contracted axes as they are: windows are never copied. One panel serves all places of a block. The sums of a row of places
 * are turned at the end, and what is computed of them goes along the row.
 *
 * The order of additions is that of the plain nest. */
#include "cost.h"
#include "nest.h"

#define LEAST_ROW   4   /* places along the last axis that are worth a tile of their own */
#define GOOD_BLOCK  192 /* places of a block at least: the copy is a sixth of all then; ... */
#define LEAST_BLOCK 96  /* ... where there are ... */
#define FEW_TASKS   4   /* ... not even so many for the cores to share */
#define MOST_ROW    128 /* places whose sums are turned together */
#define UNROLLED    16  /* turns of inner loops that are written out, ... */
#define TAPS                                                                                       \
    4 /* ... of which each has so many at most: a longer one takes two at a time, which builds sooner */
#define PANEL_SHARE 8 /* of a core's cache, for the panel, and for the sums that wait */

/* ---- The plan ---------------------------------------------------------------------------------- */

/* Whether an operand's elements are loads, some of which are several elements: windows that overlap. */
static bool reads_windows(const Section *s, Arena *arena, const Node *dot, int operand) {
    const Shape reduced = reduced_shape(s->g, dot);
    const NodeId x = dot->args[operand];
    Kernel k;
    Nest n;
    Idx out[MAX_RANK], inner[MAX_RANK], in[MAX_RANK];
    Arena *scratch = arena_open(arena);
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    for (int i = 0; i < dot->shape.rank; i++)
        out[i] = idx_var(&k.index, "o", 0, dot->shape.dim[i] - 1, NO_VAL);
    for (int i = 0; i < reduced.rank; i++)
        inner[i] = idx_var(&k.index, "k", 0, reduced.dim[i] - 1, NO_VAL);
    access_reduced(&k.index, s->g, dot, (uint32_t)operand, out, inner, in);
    eval_push(&n.eval);
    const Val v = eval_at(&n.eval, x, in);
    const Value *e = &k.values.at[v];
    bool windows = e->kind == V_LOAD && e->ranges.count == 0 && !idx_has_div(&k.index, e->index);
    if (windows)
        windows = idx_hi(&k.index, e->index) - idx_lo(&k.index, e->index) + 1 <
                  shape_elems(&node_at(s->g, x)->shape);
    eval_pop(&n.eval);
    arena_close(scratch);
    return windows;
}

/* The longest axis of the result that is of that operand alone; for `rows` the innermost one that has some places. -1: none. */
static int longest_axis(const Section *s, const Node *dot, int operand, bool rows) {
    int best = -1;
    for (int i = dot->shape.rank; i-- > 0;) {
        if (dot_axis_of(s, dot, i) != operand) continue;
        if (rows && dot->shape.dim[i] >= LEAST_ROW) return i;
        if (best < 0 || dot->shape.dim[i] > dot->shape.dim[best]) best = i;
    }
    return best;
}

/* Places of the result that one panel serves: those of the other operand's axes. */
static int64_t places_of(const Section *s, const Node *dot, int operand) {
    int64_t places = 1;
    for (int i = 0; i < dot->shape.rank; i++)
        if (dot_axis_of(s, dot, i) == operand) places *= dot->shape.dim[i];
    return places;
}

static int32_t whole_vectors(const Section *s, int32_t elems) {
    const int32_t lanes = s->target->lanes;
    return (elems + lanes - 1) / lanes * lanes;
}

/* The largest number up to `most` that divides n, or `most` where that is less than half of it. */
static int32_t even_part(int32_t n, int32_t most) {
    if (n <= most) return n;
    for (int32_t d = most; d > most / 2; d--)
        if (n % d == 0) return d;
    const int32_t parts = (n + most - 1) / most;
    return (n + parts - 1) / parts;
}

/* Rows of so many elements that a share of a core's cache has room for: one at least. */
static int64_t share_of(const Section *s, int32_t elems) {
    const int64_t rows = s->target->cache_bytes / PANEL_SHARE / (int64_t)sizeof(float) / elems;
    return rows > 1 ? rows : 1;
}

/* How much of what is contracted is a part: of axis s->part_axis so many, and all of the axes behind it. */
static void plan_parts(Section *s, const Shape *reduced, int32_t strip) {
    const int64_t most = share_of(s, strip);
    int64_t inner = 1;
    int axis = reduced->rank;
    while (axis > 0 && inner * reduced->dim[axis - 1] <= most) inner *= reduced->dim[--axis];
    s->part_axis = axis > 0 ? axis - 1 : 0;
    s->depth =
        axis > 0 ? even_part(reduced->dim[axis - 1], (int32_t)(most / inner)) : reduced->dim[0];
    if (s->depth < 1) s->depth = 1;
}

/* Turns of the loops around the parts, and the parts. */
static int64_t part_count(const Section *s, const Shape *reduced) {
    int64_t parts = (reduced->dim[s->part_axis] + s->depth - 1) / s->depth;
    for (int i = 0; i < s->part_axis; i++) parts *= reduced->dim[i];
    return parts;
}

/* How many blocks the places of a panel are cut into, that there is work for all groups; and so few that a panel serves some. */
static void plan_blocks(Section *s, const Node *dot, const Shape *reduced) {
    const int axes = s->space.rank;
    int64_t panels = (s->space.dim[s->lane_axis] + s->panel_columns - 1) / s->panel_columns;
    int64_t leads = 1, places;
    for (int i = 0; i < axes; i++) {
        if (i == s->lane_axis || i == s->row_axis) continue;
        if (dot_axis_of(s, dot, i) == 1 - s->panel_operand)
            leads *= s->space.dim[i];
        else
            panels *= s->space.dim[i];
    }
    leads *= (s->space.dim[s->row_axis] + s->block_rows - 1) / s->block_rows;
    places = leads * s->block_rows;
    /* Twice as many each time: an odd one would keep one core at work alone. */
    int64_t blocks = 1;
    while (panels * blocks < s->target->groups &&
           places >= 2 * blocks * (panels * blocks < FEW_TASKS ? LEAST_BLOCK : GOOD_BLOCK))
        blocks *= 2;
    if (part_count(s, reduced) > 1) {
        const int64_t room = share_of(s, whole_vectors(s, s->panel_columns));
        const int64_t least = (places + room - 1) / room;
        while (blocks < least) blocks *= 2;
    }
    if (blocks > leads) blocks = leads;
    /* Blocks of one size are one text. */
    for (int64_t more = blocks; more < 2 * blocks && leads % blocks; more++)
        if (leads % more == 0) blocks = more;
    s->block_leads = (int32_t)((leads + blocks - 1) / blocks);
    const int64_t tasks = panels * ((leads + s->block_leads - 1) / s->block_leads);
    s->groups = (uint32_t)(tasks < s->target->groups ? tasks : s->target->groups);
}

bool cross_fits(Section *s, Arena *arena) {
    const NodeId id = dot_of(s);
    if (s->target->lanes == 1 || id == NO_NODE || s->rows) return false;
    const Node *dot = node_at(s->g, id);
    const Shape reduced = reduced_shape(s->g, dot);
    const int64_t length = shape_elems(&reduced);
    if (dot->dtype != DT_F32 || reduced.rank < 2 || !shape_equal(&s->cluster->outer, &dot->shape))
        return false;
    const double products = (double)shape_elems(&dot->shape) * (double)length;
    int windows = 0;
    while (windows < 2 && !reads_windows(s, arena, dot, windows)) windows++;
    if (windows == 2) return false;
    const int lane_axis = longest_axis(s, dot, 1 - windows, false),
              row_axis = longest_axis(s, dot, windows, true);
    if (lane_axis < 0 || row_axis < 0) return false;
    const int32_t lanes = dot->shape.dim[lane_axis];
    if (!cost_crosses(s->target, lanes, places_of(s, dot, windows), products)) return false;
    s->space = s->cluster->outer;
    for (int i = 0; i < s->space.rank; i++) s->merged[i] = 1;
    s->run = 0;
    s->panel_operand = 1 - windows;
    s->lane_axis = lane_axis;
    s->row_axis = row_axis;
    /* In the gradient of filters each place of a window reads the same of the other operand: of so few rows that it stays near. */
    const bool along = row_axis == s->space.rank - 1;
    s->block_rows = even_part(s->space.dim[row_axis], along ? MOST_ROW : s->target->lanes);
    dot_cut(s, s->block_rows, whole_vectors(s, lanes), length);
    /* Two strips have the elements of the other operand from the nearest cache, once they are there. */
    s->panel_columns = s->tile_columns;
    const int64_t room = s->target->cache_bytes / PANEL_SHARE / (int64_t)sizeof(float);
    if (length * 2 * s->tile_columns <= room && lanes % (2 * s->tile_columns) == 0)
        s->panel_columns = 2 * s->tile_columns;
    plan_parts(s, &reduced, s->panel_columns);
    /* Sums that wait between parts are of as many rows as can be, but of two halves at least, for two cores. */
    if (!along && part_count(s, &reduced) > 1)
        s->block_rows = even_part(s->space.dim[row_axis], MOST_ROW);
    if (!along && s->block_rows == s->space.dim[row_axis] && s->block_rows > s->tile_rows)
        s->block_rows = even_part(s->block_rows, (s->block_rows + 1) / 2);
    plan_blocks(s, dot, &reduced);
    return true;
}

/* ---- The kernel -------------------------------------------------------------------------------- */

typedef struct Cross {
    Nest *n;
    NodeId id;
    const Node *dot;
    Shape reduced;
    Shape part;            /* what is contracted at a time: axes of it from s->part_axis on */
    Idx inner[MAX_RANK];   /* the place on the axes of what is contracted, ... */
    Idx from;              /* ... and where the part begins on the first of its own */
    Idx place[MAX_RANK];   /* on the axes of the space */
    Idx column, row;       /* where the panel, and the row of places, begin */
    int32_t columns, rows; /* of them */
    int32_t pitch;         /* of a row of sums: whole vectors */
    bool waits;            /* there are parts, between which sums wait */
    uint32_t panel, sums, turned;
} Cross;

static int64_t part_elems(const Cross *x) {
    return shape_elems(&x->part);
}

/* Operand `which` at the place, and at in[] of the part. */
static Val operand_at(Cross *x, int which, const Idx *in) {
    Nest *n = x->n;
    const Section *s = n->s;
    IndexTable *t = &n->k->index;
    Idx out[MAX_RANK], inner[MAX_RANK], at[MAX_RANK];
    memcpy(inner, x->inner, sizeof(inner));
    for (int i = 0; i < x->part.rank; i++) inner[s->part_axis + i] = in[i];
    inner[s->part_axis] = idx_add(t, x->from, in[0]);
    nest_unmerge(t, &s->cluster->outer, s->merged, s->space.rank, x->place, out);
    access_reduced(t, s->g, x->dot, (uint32_t)which, out, inner, at);
    return eval_at(&n->eval, x->dot->args[which], at);
}

/* Strips of the panel's columns, those of a tile's and what is left. */
static uint32_t strips_of(const Cross *x, Tiling *strips) {
    return split_axis(x->columns, x->n->s->tile_columns, strips);
}

/* Columns that a strip has room for: whole vectors, of which the last may have more lanes than there are columns. */
static int32_t strip_room(const Cross *x, const Tiling *strip) {
    const int32_t tile = x->n->s->tile_columns, left = x->pitch - strip->start;
    return strip->size == tile || left > tile ? tile : left;
}

/* Where element `at` of the part lies in the panel, in the strip that begins at `strip` and has so many columns. */
static Idx in_panel(Cross *x, Idx strip, int32_t columns, Idx at, int32_t offset) {
    IndexTable *t = &x->n->k->index;
    Idx first = idx_scale(t, strip, part_elems(x));
    return idx_offset(t, idx_add(t, first, idx_scale(t, at, columns)), offset);
}

/* The same in a kernel that is thrown away, at any place and anywhere in what is contracted: to see what an operand is. */
typedef struct CrossProbe {
    Kernel k;
    Nest n;
    Cross x;
} CrossProbe;

static void probe_open(const Cross *x, Arena *scratch, CrossProbe *p) {
    const Section *s = x->n->s;
    IndexTable *t = &p->k.index;
    kernel_init(&p->k, scratch, 1, 1);
    nest_init(&p->n, s, &p->k);
    p->x = *x;
    p->x.n = &p->n;
    p->x.from = idx_const(t, 0);
    for (int i = 0; i < s->space.rank; i++)
        p->x.place[i] = idx_var(t, "o", 0, s->space.dim[i] - 1, NO_VAL);
    for (int i = 0; i < x->reduced.rank; i++)
        p->x.inner[i] = idx_var(t, "k", 0, x->reduced.dim[i] - 1, NO_VAL);
    eval_push(&p->n.eval);
}

/* Loads of the panel's operand whose address needs a division, where axes of the part are merged so. */
static uint32_t divisions_of(const Cross *x, const Shape *space, const int *merged) {
    CrossProbe p;
    Idx at[MAX_RANK], in[MAX_RANK];
    uint32_t divisions = 0;
    Arena *scratch = arena_open(x->n->k->arena);
    probe_open(x, scratch, &p);
    IndexTable *t = &p.k.index;
    for (int i = 0; i < space->rank; i++) at[i] = idx_var(t, "i", 0, space->dim[i] - 1, NO_VAL);
    nest_unmerge(t, &x->part, merged, space->rank, at, in);
    operand_at(&p.x, x->n->s->panel_operand, in);
    for (Val v = 0; v < p.k.values.len; v++)
        divisions += p.k.values.at[v].kind == V_LOAD && idx_has_div(t, p.k.values.at[v].index);
    arena_close(scratch);
    return divisions;
}

/* Axes of the part that are one in what the panel's operand reads. */
static void merge_part(const Cross *x, int *merged, Shape *space) {
    *space = x->part;
    for (int i = 0; i < space->rank; i++) merged[i] = 1;
    for (int i = space->rank - 1; i > 0; i--) {
        int next[MAX_RANK];
        Shape shape;
        memcpy(next, merged, sizeof(next));
        next[i - 1] += next[i];
        memmove(&next[i], &next[i + 1], (size_t)(space->rank - i - 1) * sizeof(int));
        nest_merge_shape(&x->part, next, space->rank - 1, &shape);
        if (divisions_of(x, &shape, next)) continue;
        memcpy(merged, next, sizeof(next));
        *space = shape;
    }
}

/* Whether the panel's operand lies side by side along the lanes. */
static bool lies_along(const Cross *x) {
    const Section *s = x->n->s;
    const int32_t size = s->space.dim[s->lane_axis];
    const uint8_t lanes = size < s->target->lanes ? 1 : s->target->lanes;
    CrossProbe p;
    Idx in[MAX_RANK];
    Arena *scratch = arena_open(x->n->k->arena);
    probe_open(x, scratch, &p);
    IndexTable *t = &p.k.index;
    eval_set_lanes(&p.n.eval, lanes);
    Idx part = idx_var(t, "o", 0, size / lanes - 1, NO_VAL);
    p.x.place[s->lane_axis] = idx_add(t, idx_scale(t, part, lanes), p.n.eval.lane[lanes]);
    for (int i = 0; i < x->part.rank; i++) in[i] = idx_var(t, "i", 0, x->part.dim[i] - 1, NO_VAL);
    const Val v = operand_at(&p.x, s->panel_operand, in);
    const bool along = p.k.values.at[v].kind == V_LOAD;
    arena_close(scratch);
    return along;
}

/* Fills the panel with what lies side by side along the lanes. */
static void fill_along(Cross *x) {
    Nest *n = x->n;
    IndexTable *t = &n->k->index;
    const Section *s = n->s;
    Tiling strips[2];
    Idx in[MAX_RANK], turn;
    const uint32_t sizes = strips_of(x, strips);
    nest_open(n, &x->part, x->part.rank, in);
    Idx at = access_address(t, &x->part, in);
    for (uint32_t i = 0; i < sizes; i++) {
        const int32_t room = strip_room(x, &strips[i]);
        cut_pieces(&strips[i], s->target->lanes);
        nest_for(n, "c", idx_const(t, 0), idx_const(t, strips[i].count), 1, &turn);
        Idx strip = idx_offset(t, idx_scale(t, turn, strips[i].size), strips[i].start);
        for (uint32_t p = 0; p < strips[i].piece_count; p++) {
            const Piece piece = strips[i].pieces[p];
            eval_set_lanes(&n->eval, piece.lanes);
            Idx column = idx_offset(t, idx_add(t, x->column, strip), piece.offset);
            x->place[s->lane_axis] = idx_add(t, column, n->eval.lane[piece.lanes]);
            Val v = val_splat(n->k, operand_at(x, s->panel_operand, in), piece.lanes);
            kernel_store_local(n->k, x->panel, in_panel(x, strip, room, at, piece.offset), v);
        }
        nest_end(n);
    }
    nest_close(n, x->part.rank);
}

/* Whether 16 vectors are loads of as many rows of one buffer, so far apart. */
static bool are_rows(Kernel *k, const Val *v, int64_t *pitch) {
    const Value *first = &k->values.at[v[0]];
    for (int i = 0; i < MAX_LANES; i++) {
        const Value *row = &k->values.at[v[i]];
        int64_t apart;
        if (row->kind != V_LOAD || row->ranges.count || row->some || row->buffer != first->buffer ||
            k->buffers.at[row->buffer].dtype != DT_F32 || k->buffers.at[row->buffer].values ||
            !idx_is_const(&k->index, idx_sub(&k->index, row->index, first->index), &apart))
            return false;
        if (i == 1) *pitch = apart;
        if (i > 1 && apart != i * *pitch) return false;
    }
    return true;
}

/* `wide` columns from `first` of the strip on, which has room for so many, for all of the part: loaded along that, and
 * turned. */
static void turn_columns(Cross *x, Idx strip, int32_t room, Idx first, uint8_t wide,
                         const Shape *space, const int *merged) {
    Nest *n = x->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Section *s = n->s;
    const int last = space->rank - 1;
    Idx at[MAX_RANK], in[MAX_RANK];
    Val turned[MAX_LANES];
    nest_open(n, space, last, at);
    for (int32_t begin = 0, deep = MAX_LANES; begin < space->dim[last]; deep /= 2) {
        const int32_t end = begin + (space->dim[last] - begin) / deep * deep;
        if (begin == end) continue;
        Idx step;
        nest_for(n, "i", idx_const(t, begin), idx_const(t, end), deep, &step);
        eval_set_lanes(&n->eval, (uint8_t)deep);
        at[last] = idx_add(t, step, n->eval.lane[deep]);
        nest_unmerge(t, &x->part, merged, space->rank, at, in);
        for (int c = 0; c < wide; c++) {
            x->place[s->lane_axis] =
                idx_offset(t, idx_add(t, idx_add(t, x->column, strip), first), c);
            turned[c] = val_splat(k, operand_at(x, s->panel_operand, in), (uint8_t)deep);
        }
        at[last] = step;
        Idx square = idx_add(t, in_panel(x, strip, room, access_address(t, space, at), 0), first);
        int64_t pitch = 0;
        if (wide == MAX_LANES && deep == MAX_LANES && are_rows(k, turned, &pitch)) {
            const Value *row = &k->values.at[turned[0]];
            kernel_square(k, x->panel, square, room, false, row->buffer, row->index, pitch);
        } else {
            kernel_turn(k, turned, wide, (uint32_t)deep);
            for (int r = 0; r < deep; r++) {
                Idx to = idx_offset(t, square, (int64_t)r * room);
                kernel_store_local(k, x->panel, to, turned[r]);
            }
        }
        nest_end(n);
        begin = end;
    }
    nest_close(n, last);
}

/* Fills the panel with what lies side by side along what is contracted, or no way at all. */
static void fill_turned(Cross *x) {
    Nest *n = x->n;
    IndexTable *t = &n->k->index;
    Tiling strips[2];
    Shape space;
    int merged[MAX_RANK];
    merge_part(x, merged, &space);
    const uint32_t sizes = strips_of(x, strips);
    for (uint32_t i = 0; i < sizes; i++) {
        const int32_t room = strip_room(x, &strips[i]);
        Idx turn, piece;
        cut_pieces(&strips[i], MAX_LANES);
        nest_for(n, "c", idx_const(t, 0), idx_const(t, strips[i].count), 1, &turn);
        Idx strip = idx_offset(t, idx_scale(t, turn, strips[i].size), strips[i].start);
        for (uint32_t p = 0, alike; p < strips[i].piece_count; p += alike) {
            const Piece first = strips[i].pieces[p];
            alike = alike_pieces(&strips[i], p);
            nest_for(n, "p", idx_const(t, 0), idx_const(t, alike), 1, &piece);
            turn_columns(x, strip, room,
                         idx_offset(t, idx_scale(t, piece, first.lanes), first.offset), first.lanes,
                         &space, merged);
            nest_end(n);
        }
        nest_end(n);
    }
}

/* The loops over the part, those behind written out where they are short. */
static void open_part(Cross *x, Idx *in) {
    Nest *n = x->n;
    int64_t turns[MAX_RANK], after = 1;
    const int last = x->part.rank - 1;
    for (int i = last; i >= 0; i--)
        turns[i] = after = x->part.dim[i] > TAPS ? UNROLLED + 1 : after * x->part.dim[i];
    for (int i = 0; i < x->part.rank; i++) {
        IndexTable *t = &n->k->index;
        nest_for(n,
                 i == 0   ? "k"
                 : i == 1 ? "k1"
                          : "k2",
                 idx_const(t, 0), idx_const(t, x->part.dim[i]), 1, &in[i]);
        if (x->part.dim[i] > 1 && i > 0 && turns[i] <= UNROLLED) kernel_unroll(n->k, true);
    }
    const uint32_t own = last > 0 && turns[last] > UNROLLED ? 2 : 0;
    nest_turns(n, n->s->target->turns ? n->s->target->turns : own);
}

/* Adds the part up for `count` places from `first` of the row on, and the columns of a strip, of which there are `used`: to what
 * waits at `own` (an element of the sums), or to nothing. */
static void add_tile(Cross *x, Idx first, int32_t count, Idx strip, const Tiling *columns,
                     int32_t used, Idx own) {
    Nest *n = x->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Section *s = n->s;
    const uint32_t pieces = columns->piece_count, sums = (uint32_t)count * pieces;
    uint32_t *acc = NEW_ARRAY(k->arena, uint32_t, sums);
    Idx *to = NEW_ARRAY(k->arena, Idx, sums);
    Val by[MAX_PIECES];
    Idx in[MAX_RANK];
    own = idx_add(t, own, idx_add(t, idx_scale(t, first, x->pitch), strip));
    for (uint32_t i = 0; i < sums; i++) {
        const Piece piece = columns->pieces[i % pieces];
        to[i] = idx_offset(t, own, (int64_t)(i / pieces) * x->pitch + piece.offset);
        acc[i] = kernel_var(k, "acc",
                            x->waits ? val_local(k, x->sums, to[i], piece.lanes, (Ranges){0}, "sum")
                                     : val_splat(k, val_const(k, DT_F32, 0), piece.lanes));
    }
    open_part(x, in);
    Idx at = access_address(t, &x->part, in);
    for (uint32_t i = 0; i < pieces; i++) {
        const Piece piece = columns->pieces[i];
        Idx from = in_panel(x, strip, columns->size, at, piece.offset);
        by[i] = val_local(k, x->panel, from, piece.lanes, (Ranges){0}, "column");
    }
    eval_set_lanes(&n->eval, 1);
    for (int32_t r = 0; r < count; r++) {
        x->place[s->row_axis] = idx_offset(t, idx_add(t, x->row, first), r);
        Val one = operand_at(x, 1 - s->panel_operand, in);
        for (uint32_t i = 0; i < pieces; i++) {
            const uint32_t sum = acc[(uint32_t)r * pieces + i];
            const Val next = val_fma(k, one, by[i], val_read(k, sum));
            val_used(k, next, (uint32_t)(used - columns->pieces[i].offset));
            kernel_set(k, sum, next);
        }
    }
    nest_close(n, x->part.rank);
    for (uint32_t i = 0; i < sums; i++) kernel_store_local(k, x->sums, to[i], val_read(k, acc[i]));
}

/* Adds the part up for a row of places. */
static void add_row(Cross *x, Idx own) {
    Nest *n = x->n;
    IndexTable *t = &n->k->index;
    Tiling strips[2], tiles[2];
    const uint32_t sizes = strips_of(x, strips);
    for (uint32_t i = 0; i < sizes; i++) {
        Tiling columns = {.size = strip_room(x, &strips[i])};
        const int32_t tile = columns.size < n->s->tile_columns ? n->s->rest_rows : n->s->tile_rows;
        const uint32_t heights = split_axis(x->rows, tile, tiles);
        Idx turn, step;
        cut_pieces(&columns, n->s->target->lanes);
        while (columns.pieces[columns.piece_count - 1].offset >= strips[i].size)
            columns.piece_count--; /* of lanes without columns */
        nest_for(n, "c", idx_const(t, 0), idx_const(t, strips[i].count), 1, &turn);
        Idx strip = idx_offset(t, idx_scale(t, turn, strips[i].size), strips[i].start);
        for (uint32_t j = 0; j < heights; j++) {
            nest_for(n, "r", idx_const(t, 0), idx_const(t, tiles[j].count), 1, &step);
            Idx first = idx_offset(t, idx_scale(t, step, tiles[j].size), tiles[j].start);
            add_tile(x, first, tiles[j].size, strip, &columns, strips[i].size, own);
            nest_end(n);
        }
        nest_end(n);
    }
}

/* Turns the sums of a row of places from `own` on, by squares, so that they lie along the row. */
static void turn_sums(Cross *x, Idx own, int32_t pitch) {
    Nest *n = x->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const uint8_t lanes = n->s->target->lanes;
    Val v[MAX_LANES];
    Idx c, step;
    nest_for(n, "c", idx_const(t, 0), idx_const(t, x->pitch), lanes, &c);
    for (int32_t at = 0, wide = lanes, end; at < x->rows; at = end, wide /= 2) {
        end = at + (x->rows - at) / wide * wide;
        if (at == end) continue;
        nest_for(n, "r", idx_const(t, at), idx_const(t, end), wide, &step);
        Idx from = idx_add(t, own, idx_add(t, idx_scale(t, step, x->pitch), c));
        Idx to = idx_add(t, idx_scale(t, c, pitch), step);
        if (wide == MAX_LANES) {
            kernel_square(k, x->turned, to, pitch, true, x->sums, from, x->pitch);
        } else {
            for (int32_t i = 0; i < wide; i++)
                v[i] = val_local(k, x->sums, idx_offset(t, from, (int64_t)i * x->pitch), lanes,
                                 (Ranges){0}, "sum");
            kernel_turn(k, v, (uint32_t)wide, lanes);
            for (int32_t i = 0; i < lanes; i++)
                kernel_store_local(k, x->turned, idx_offset(t, to, (int64_t)i * pitch), v[i]);
        }
        nest_end(n);
    }
    nest_end(n);
}

/* What is computed of the sums of a row of places, from `own` on. */
static void store_row(Cross *x, Idx own) {
    Nest *n = x->n;
    const Section *s = n->s;
    IndexTable *t = &n->k->index;
    const int32_t pitch = whole_vectors(s, x->rows);
    Tiling vectors[2];
    Point points[MAX_PIECES];
    Idx column, turn;
    turn_sums(x, own, pitch);
    const uint32_t sizes = split_axis(x->rows, s->target->lanes, vectors);
    nest_for(n, "o", idx_const(t, 0), idx_const(t, x->columns), 1, &column);
    x->place[s->lane_axis] = idx_add(t, x->column, column);
    for (uint32_t i = 0; i < sizes; i++) {
        cut_pieces(&vectors[i], s->target->lanes);
        nest_for(n, "r", idx_const(t, 0), idx_const(t, vectors[i].count), 1, &turn);
        Idx first = idx_offset(t, idx_scale(t, turn, vectors[i].size), vectors[i].start);
        for (uint32_t j = 0; j < vectors[i].piece_count; j++) {
            const Piece *piece = &vectors[i].pieces[j];
            Idx at = idx_offset(t, first, piece->offset);
            points[j].lanes = piece->lanes;
            eval_set_lanes(&n->eval, piece->lanes);
            x->place[s->row_axis] = idx_add(t, idx_add(t, x->row, at), n->eval.lane[piece->lanes]);
            nest_unmerge(t, &s->cluster->outer, s->merged, s->space.rank, x->place, points[j].at);
            Idx from = idx_add(t, idx_scale(t, column, pitch), at);
            eval_bind(&n->eval, x->id, points[j].at,
                      val_local(n->k, x->turned, from, piece->lanes, (Ranges){0}, "sum"));
        }
        nest_store_points(n, points, vectors[i].piece_count);
        nest_end(n);
    }
    nest_end(n);
}

/* ---- Blocks ------------------------------------------------------------------------------------ */

/* The rows of places that a panel serves: the axes of the other operand but for the row's own, and where that is cut. */
typedef struct Leads {
    Shape shape; /* the first axis: the pieces of the row's axis */
    int axis[MAX_RANK];
    Tiling row;
    Idx first;     /* of a block, as one number; ... */
    int32_t count; /* ... and how many */
} Leads;

/* A loop over the rows of a block. Returns where the sums of each lie. */
static Idx open_rows(Cross *x, Leads *l) {
    Nest *n = x->n;
    IndexTable *t = &n->k->index;
    Idx lead, at[MAX_RANK];
    nest_for(n, "l", idx_const(t, 0), idx_const(t, l->count), 1, &lead);
    access_unravel(t, &l->shape, idx_add(t, l->first, lead), at);
    for (int i = 1; i < l->shape.rank; i++) x->place[l->axis[i]] = at[i];
    x->row = idx_offset(t, idx_scale(t, at[0], l->row.size), l->row.start);
    if (!x->waits) return idx_const(t, 0);
    return idx_scale(t, lead, (int64_t)x->rows * x->pitch);
}

static void add_part(Cross *x, Leads *l, Idx from, int32_t depth) {
    x->from = from;
    x->part.dim[0] = depth;
    if (lies_along(x))
        fill_along(x);
    else
        fill_turned(x);
    Idx own = open_rows(x, l);
    add_row(x, own);
    if (!x->waits) store_row(x, own);
    nest_end(x->n);
}

/* So many elements, whole vectors, of one of the arrays. */
static void clear(Cross *x, uint32_t array, int64_t elems) {
    Nest *n = x->n;
    Kernel *k = n->k;
    const uint8_t lanes = n->s->target->lanes;
    Idx at;
    nest_for(n, "i", idx_const(&k->index, 0), idx_const(&k->index, elems), lanes, &at);
    kernel_store_local(k, array, at, val_splat(k, val_const(k, DT_F32, 0), lanes));
    nest_end(n);
}

static void add_block(Cross *x, Leads *l) {
    Nest *n = x->n;
    IndexTable *t = &n->k->index;
    const Section *s = n->s;
    const int32_t size = x->reduced.dim[s->part_axis];
    const int32_t whole = size / s->depth, left = size % s->depth;
    Idx turn;
    x->part.dim[0] = s->depth;
    if (x->columns < x->pitch)
        clear(x, x->panel, part_elems(x) * x->pitch); /* lanes without columns */
    if (x->waits) clear(x, x->sums, (int64_t)l->count * x->rows * x->pitch);
    nest_open(n, &x->reduced, s->part_axis, x->inner);
    nest_for(n, "part", idx_const(t, 0), idx_const(t, whole), 1, &turn);
    add_part(x, l, idx_scale(t, turn, s->depth), s->depth);
    nest_end(n);
    if (left) add_part(x, l, idx_const(t, (int64_t)whole * s->depth), left);
    nest_close(n, s->part_axis);
    if (!x->waits) return;
    Idx own = open_rows(x, l);
    store_row(x, own);
    nest_end(n);
}

/* The axes that a panel hangs on beside its own, and the others. */
static void deal_axes(const Cross *x, Leads *l, Shape *outer, int *axis) {
    const Section *s = x->n->s;
    l->shape.rank = 1;
    for (int i = 0; i < s->space.rank; i++) {
        if (i == s->lane_axis || i == s->row_axis) continue;
        const bool lead = dot_axis_of(s, x->dot, i) == 1 - s->panel_operand;
        Shape *to = lead ? &l->shape : outer;
        (lead ? l->axis : axis)[to->rank] = i;
        to->dim[to->rank++] = s->space.dim[i];
    }
}

/* All blocks of some rows whose panels are as wide as these. */
static void emit_blocks(Cross *x, Idx part, const Tiling *panels, Leads *l, const Tiling *blocks,
                        const Shape *outer, const int *axis) {
    Nest *n = x->n;
    const Section *s = n->s;
    IndexTable *t = &n->k->index;
    Idx task, at[MAX_RANK];
    const int64_t each = (int64_t)panels->count * blocks->count, total = each * shape_elems(outer);
    x->columns = panels->size;
    x->pitch = whole_vectors(s, panels->size);
    Idx lo = idx_share(t, part, total, s->groups);
    nest_for(n, "t", lo, idx_share(t, idx_offset(t, part, 1), total, s->groups), 1, &task);
    access_unravel(t, outer, idx_div(t, task, each), at);
    for (int i = 0; i < outer->rank; i++) x->place[axis[i]] = at[i];
    if (outer->rank) task = idx_mod(t, task, each);
    Idx panel = idx_div(t, task, blocks->count), block = idx_mod(t, task, blocks->count);
    x->column = idx_offset(t, idx_scale(t, panel, panels->size), panels->start);
    l->first = idx_offset(t, idx_scale(t, block, blocks->size), blocks->start);
    l->count = blocks->size;
    add_block(x, l);
    nest_end(n);
}

void emit_cross(Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    Tiling panels[2], rows[2], blocks[2];
    Leads l = {0};
    Shape outer = {0};
    int axis[MAX_RANK];
    Cross x = {.n = n, .id = dot_of(s)};
    x.dot = node_at(s->g, x.id);
    x.reduced = reduced_shape(s->g, x.dot);
    x.part = (Shape){.rank = (uint8_t)(x.reduced.rank - s->part_axis)};
    for (int i = 0; i < x.part.rank; i++) x.part.dim[i] = x.reduced.dim[s->part_axis + i];
    x.part.dim[0] = s->depth;
    x.waits = part_count(s, &x.reduced) > 1;
    const int32_t width = whole_vectors(s, s->panel_columns);
    const int64_t waiting = x.waits ? s->block_leads : 1;
    x.panel = kernel_scratch(k, "panel", DT_F32, part_elems(&x) * width);
    x.sums = kernel_scratch(k, "sums", DT_F32, waiting * s->block_rows * width);
    x.turned =
        kernel_scratch(k, "turned", DT_F32, (int64_t)width * whole_vectors(s, s->block_rows));
    deal_axes(&x, &l, &outer, axis);
    const uint32_t nr = split_axis(s->space.dim[s->row_axis], s->block_rows, rows);
    const uint32_t np = split_axis(s->space.dim[s->lane_axis], s->panel_columns, panels);
    for (uint32_t i = 0; i < nr; i++) {
        l.row = rows[i];
        l.shape.dim[0] = rows[i].count;
        x.rows = rows[i].size;
        const uint32_t nb = split_axis((int32_t)shape_elems(&l.shape), s->block_leads, blocks);
        for (uint32_t j = 0; j < np; j++)
            for (uint32_t b = 0; b < nb; b++)
                emit_blocks(&x, part, &panels[j], &l, &blocks[b], &outer, axis);
    }
}

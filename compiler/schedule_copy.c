/* schedule_copy: copies, and nothing else, on a target with local memory.
 *
 * - One whose last two axes lie the other way round in memory is turned: a work-group has a square of it, which it reads
 *   along the one axis, puts into local memory, and stores along the other. Edges are masked. Its items wait for each
 *   other: it has a launch of its own (chain.c), as what schedule_group has.
 * - One that is rounded for matrix units (layout.c) where it is read side by side: an item has 16 bytes at a time.
 * - One that is rounded so and lies in blocks: also by squares, which are read along the axis that lies side by side in
 *   memory, and of which each item then has 16 bytes of a block at a time. Its items wait for each other, too.
 *
 * Requires: the target's groups have ITEMS items. */
#include "cost.h"
#include "nest.h"

#define ITEMS 256
#define SIDE  64
#define PITCH (SIDE + 1) /* so that neighbours on either axis lie in different banks */
#define EACH  (SIDE * SIDE / ITEMS)

#define VECTOR  4 /* elements that are rounded together */
#define VECTORS 4 /* of an item */

static int32_t squares(int32_t size) {
    return (size + SIDE - 1) / SIDE;
}

/* What the copy reads at a place. */
static Val read_at(Nest *n, const Idx *place, Ranges ranges) {
    const Section *s = n->s;
    Idx at[MAX_RANK];
    nest_unmerge(&n->k->index, &s->cluster->outer, s->merged, s->space.rank, place, at);
    return eval_where(&n->eval, node_at(s->g, s->cluster->members.at[0])->args[0], at, ranges);
}

bool turned_copy_fits(Section *s, Arena *arena) {
    const int axes = s->space.rank;
    const Target *t = s->target;
    if (t->lanes > 1 || t->local_size != ITEMS || s->row_axes || axes < 2) return false;
    if (t->local_bytes < SIDE * PITCH * sizeof(float)) return false;
    if (s->space.dim[axes - 1] < TURNED_LEAST || s->space.dim[axes - 2] < TURNED_LEAST)
        return false;
    if (node_at(s->g, s->stores.at[0].node)->dtype == DT_BOOL) return false;
    Arena *scratch = arena_open(arena);
    Kernel k;
    Nest n;
    Idx place[MAX_RANK];
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    eval_set_lanes(&n.eval, 1);
    for (int i = 0; i < axes; i++)
        place[i] = idx_var(&k.index, "o", 0, s->space.dim[i] - 1, NO_VAL);
    Val v = read_at(&n, place, (Ranges){0});
    while (k.values.at[v].kind == V_ROUND || k.values.at[v].kind == V_CAST)
        v = k.values.at[v].args[0];
    const Value *x = &k.values.at[v];
    int64_t last, before;
    bool fits = x->kind == V_LOAD && x->dtype == DT_F32 &&
                idx_stride(&k.index, x->index, idx_atom(&k.index, place[axes - 1]), &last) &&
                idx_stride(&k.index, x->index, idx_atom(&k.index, place[axes - 2]), &before) &&
                last > 1 && before == 1;
    arena_close(scratch);
    s->turned_local = fits;
    if (!fits) return false;
    int64_t groups = (int64_t)squares(s->space.dim[axes - 1]) * squares(s->space.dim[axes - 2]);
    for (int i = 0; i < axes - 2; i++) groups *= s->space.dim[i];
    s->groups = (uint32_t)groups;
    return true;
}

void emit_turned_copy(Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int axes = s->space.rank;
    const int32_t rows = s->space.dim[axes - 2], columns = s->space.dim[axes - 1];
    const NodeId copy = s->cluster->members.at[0];
    const uint32_t square = kernel_scratch(k, "square", DT_F32, (int64_t)SIDE * PITCH);
    LocalTile t = {.n = n, .rows = SIDE, .columns = SIDE};
    Idx place[MAX_RANK], out[MAX_RANK];
    eval_set_lanes(&n->eval, 1);
    local_tile_place(&t, part, 1);
    memcpy(place, t.at, sizeof(place));
    for (int32_t e = 0; e < EACH; e++) {
        Idx flat = idx_offset(x, k->local, e * ITEMS);
        Idx row = idx_mod(x, flat, SIDE), column = idx_div(x, flat, SIDE);
        place[axes - 2] = idx_add(x, t.row, row);
        place[axes - 1] = idx_add(x, t.column, column);
        Range *r = NEW_ARRAY(k->arena, Range, 2);
        r[0] = (Range){place[axes - 2], 0, rows};
        r[1] = (Range){place[axes - 1], 0, columns};
        Val v = read_at(n, place, (Ranges){2, r});
        Idx at = idx_add(x, idx_scale(x, row, PITCH), column);
        kernel_store_local(k, square, at, v);
    }
    kernel_barrier(k);
    for (int32_t e = 0; e < EACH; e++) {
        Idx flat = idx_offset(x, k->local, e * ITEMS);
        Idx row = idx_div(x, flat, SIDE), column = idx_mod(x, flat, SIDE);
        Idx at = idx_add(x, idx_scale(x, row, PITCH), column);
        place[axes - 2] = idx_add(x, t.row, row);
        place[axes - 1] = idx_add(x, t.column, column);
        if (!local_inside(&t, place[axes - 2], place[axes - 1])) continue;
        Val v = val_local(k, square, at, 1, (Ranges){0}, "turned");
        nest_unmerge(x, &s->cluster->outer, s->merged, axes, place, out);
        eval_push(&n->eval);
        eval_bind(&n->eval, copy, out, v);
        for (uint32_t i = 0; i < s->stores.len; i++) nest_store(n, &s->stores.at[i], out, 1, v);
        eval_pop(&n->eval);
        kernel_end(k);
    }
}

/* The place of the vector-th VECTOR elements. */
static void place_of(Nest *n, Idx vector, Idx *place) {
    IndexTable *x = &n->k->index;
    Shape vectors = n->s->space;
    vectors.dim[vectors.rank - 1] /= VECTOR;
    access_unravel(x, &vectors, vector, place);
    place[vectors.rank - 1] = idx_scale(x, place[vectors.rank - 1], VECTOR);
}

/* What is rounded there, as one element; NULL: it is no load. */
static const Value *rounded_at(Nest *n, const Idx *place) {
    const Kernel *k = n->k;
    const Val read = read_at(n, place, (Ranges){0});
    const Value *v = &k->values.at[read];
    if (v->kind != V_ROUND || v->stored != node_at(n->s->g, n->s->stores.at[0].node)->dtype)
        return NULL;
    v = &k->values.at[v->args[0]];
    const bool plain =
        v->kind == V_LOAD && v->ranges.count == 0 && !k->buffers.at[v->buffer].values;
    return plain && k->buffers.at[v->buffer].dtype == DT_F32 ? v : NULL;
}

/* Where it is stored. */
static uint32_t stored_at(Nest *n, const Idx *place, Idx *address) {
    const Section *s = n->s;
    Idx at[MAX_RANK];
    nest_unmerge(&n->k->index, &s->cluster->outer, s->merged, s->space.rank, place, at);
    return place_buffer(n->k, s->g, node_at(s->g, s->stores.at[0].node), &s->stores.at[0].place, at,
                        address);
}

/* Whether VECTOR elements of either side lie side by side, at a multiple of that. */
static bool lies_whole(const Kernel *k, Idx address, Idx in_vector) {
    const IndexTable *x = &k->index;
    int64_t stride;
    return idx_stride(x, address, idx_atom(x, in_vector), &stride) && stride == 1 &&
           idx_is_multiple(x, idx_sub((IndexTable *)x, address, in_vector), VECTOR);
}

bool rounded_copy_fits(Section *s, Arena *arena) {
    const int axes = s->space.rank;
    const Target *t = s->target;
    const DType dtype = (DType)node_at(s->g, s->stores.at[0].node)->dtype;
    const int64_t elems = shape_elems(&s->space);
    if (t->lanes > 1 || t->local_size != ITEMS || s->row_axes || axes < 1) return false;
    if ((dtype != DT_TF32 && dtype != DT_BF16) || s->stores.at[0].place.tile) return false;
    if (s->space.dim[axes - 1] % VECTOR || elems < ITEMS * VECTOR * VECTORS) return false;
    Arena *scratch = arena_open(arena);
    Kernel k;
    Nest n;
    Idx place[MAX_RANK], address;
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    eval_set_lanes(&n.eval, 1);
    place_of(&n, idx_var(&k.index, "vector", 0, elems / VECTOR - 1, NO_VAL), place);
    Idx in_vector = idx_var(&k.index, "in_vector", 0, VECTOR - 1, NO_VAL);
    place[axes - 1] = idx_add(&k.index, place[axes - 1], in_vector);
    stored_at(&n, place, &address);
    const Value *v = rounded_at(&n, place);
    s->rounded_copy =
        v && lies_whole(&k, v->index, in_vector) && lies_whole(&k, address, in_vector);
    arena_close(scratch);
    const int64_t share = (int64_t)ITEMS * VECTOR * VECTORS;
    if (s->rounded_copy) s->groups = (uint32_t)((elems + share - 1) / share);
    return s->rounded_copy;
}

void emit_rounded_copy(Nest *n, Idx part) {
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int64_t vectors = shape_elems(&n->s->space) / VECTOR;
    const DType dtype = (DType)node_at(n->s->g, n->s->stores.at[0].node)->dtype;
    Idx place[MAX_RANK], address;
    eval_set_lanes(&n->eval, 1);
    for (int32_t e = 0; e < VECTORS; e++) {
        Idx flat = idx_add(x, idx_scale(x, part, ITEMS * VECTORS), k->local);
        flat = idx_offset(x, flat, e * ITEMS);
        Range *r = NEW(k->arena, Range);
        *r = (Range){flat, 0, vectors};
        kernel_if(k, (Ranges){1, r});
        eval_push(&n->eval);
        /* Below the condition it is one of the vectors. */
        if (idx_hi(x, flat) >= vectors) {
            Val v = val_index(k, flat);
            val_name(k, v, "i");
            flat = idx_var(x, "i", 0, vectors - 1, v);
        }
        place_of(n, flat, place);
        const Value *v = rounded_at(n, place);
        uint32_t to = stored_at(n, place, &address);
        if (v) {
            Val whole = val_load_whole(k, v->buffer, v->index, (Ranges){0}, v->hint);
            kernel_store(k, to, address, val_cast(k, whole, dtype));
            kernel_whole(k);
        } else
            n->eval.lost = n->s->cluster->members.at[0];
        eval_pop(&n->eval);
        kernel_end(k);
    }
}

/* ---- In blocks -------------------------------------------------------------------------------
 * The last axes of such a copy are [blocks, lines, block]; what it reads goes on from a block to the next. */

bool blocked_copy_fits(Section *s, Arena *arena) {
    const int axes = s->space.rank;
    const Target *t = s->target;
    const DType dtype = (DType)node_at(s->g, s->stores.at[0].node)->dtype;
    if (t->lanes > 1 || t->local_size != ITEMS || s->row_axes || axes < 3) return false;
    if (t->local_bytes < SIDE * PITCH * sizeof(float) || s->stores.len > 1) return false;
    if ((dtype != DT_TF32 && dtype != DT_BF16) || s->stores.at[0].place.tile) return false;
    const int32_t block = s->space.dim[axes - 1];
    if (!cost_is_block(block, dtype)) return false;
    Arena *scratch = arena_open(arena);
    Kernel k;
    Nest n;
    Idx place[MAX_RANK], address;
    int64_t stride[3], out;
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    eval_set_lanes(&n.eval, 1);
    for (int i = 0; i < axes; i++)
        place[i] = idx_var(&k.index, "o", 0, s->space.dim[i] - 1, NO_VAL);
    stored_at(&n, place, &address);
    Val v = read_at(&n, place, (Ranges){0});
    while (k.values.at[v].kind == V_ROUND) v = k.values.at[v].args[0];
    const Value *x = &k.values.at[v];
    bool fits = x->kind == V_LOAD && x->dtype == DT_F32 && x->ranges.count == 0 &&
                idx_stride(&k.index, address, idx_atom(&k.index, place[axes - 1]), &out) &&
                out == 1 && block * s->space.dim[axes - 2] >= SIDE * VECTOR;
    for (int i = 0; i < 3 && fits; i++)
        fits = idx_stride(&k.index, x->index, idx_atom(&k.index, place[axes - 3 + i]), &stride[i]);
    fits = fits && stride[0] == stride[2] * block && (stride[1] == 1 || stride[2] == 1);
    s->blocked_along = fits && stride[2] == 1;
    arena_close(scratch);
    s->blocked_copy = fits;
    if (!fits) return false;
    int64_t groups =
        (int64_t)squares(s->space.dim[axes - 3] * block) * squares(s->space.dim[axes - 2]);
    for (int i = 0; i < axes - 3; i++) groups *= s->space.dim[i];
    s->groups = (uint32_t)groups;
    return true;
}

/* A place of a square, by its line and its place along the blocks, and where it is inside. */
static Ranges square_place(Nest *n, Idx line, Idx along, Idx *place) {
    const Section *s = n->s;
    IndexTable *x = &n->k->index;
    const int axes = s->space.rank;
    const int32_t block = s->space.dim[axes - 1];
    place[axes - 3] = idx_div(x, along, block);
    place[axes - 2] = line;
    place[axes - 1] = idx_mod(x, along, block);
    Range *r = NEW_ARRAY(n->k->arena, Range, 2);
    r[0] = (Range){place[axes - 3], 0, s->space.dim[axes - 3]};
    r[1] = (Range){line, 0, s->space.dim[axes - 2]};
    return (Ranges){2, r};
}

static void read_square(Nest *n, uint32_t square, Idx line, Idx along, Idx *place) {
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    for (int32_t e = 0; e < EACH; e++) {
        Idx flat = idx_offset(x, k->local, e * ITEMS);
        Idx fast = idx_mod(x, flat, SIDE), slow = idx_div(x, flat, SIDE);
        Idx in_line = n->s->blocked_along ? slow : fast,
            in_along = n->s->blocked_along ? fast : slow;
        Ranges inside =
            square_place(n, idx_add(x, line, in_line), idx_add(x, along, in_along), place);
        Val v = read_at(n, place, inside);
        while (k->values.at[v].kind == V_ROUND) v = k->values.at[v].args[0];
        kernel_store_local(k, square, idx_add(x, idx_scale(x, in_line, PITCH), in_along), v);
    }
}

static void write_square(Nest *n, uint32_t square, Idx line, Idx along, Idx *place) {
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const int32_t vectors = n->s->space.dim[n->s->space.rank - 1] / VECTOR;
    const DType dtype = (DType)node_at(n->s->g, n->s->stores.at[0].node)->dtype;
    for (int32_t e = 0; e < EACH / VECTOR; e++) {
        Idx flat = idx_offset(x, k->local, e * ITEMS), address, rest = idx_div(x, flat, vectors);
        Idx in_line = idx_mod(x, rest, SIDE);
        Idx in_along = idx_scale(x, idx_div(x, rest, SIDE), (int64_t)vectors * VECTOR);
        in_along = idx_add(x, in_along, idx_scale(x, idx_mod(x, flat, vectors), VECTOR));
        Ranges inside =
            square_place(n, idx_add(x, line, in_line), idx_add(x, along, in_along), place);
        kernel_if(k, inside);
        Val v[VECTOR];
        for (int32_t i = 0; i < VECTOR; i++) {
            Idx at = idx_offset(x, idx_add(x, idx_scale(x, in_line, PITCH), in_along), i);
            v[i] = val_local(k, square, at, 1, (Ranges){0}, "x");
        }
        uint32_t to = stored_at(n, place, &address);
        kernel_store(k, to, address, val_cast(k, val_pack(k, v, VECTOR), dtype));
        kernel_whole(k);
        kernel_end(k);
    }
}

void emit_blocked_copy(Nest *n, Idx part) {
    const Section *s = n->s;
    IndexTable *x = &n->k->index;
    const int axes = s->space.rank;
    const int32_t across = squares(s->space.dim[axes - 2]);
    const int32_t down = squares(s->space.dim[axes - 3] * s->space.dim[axes - 1]);
    const uint32_t square = kernel_scratch(n->k, "square", DT_F32, (int64_t)SIDE * PITCH);
    Shape batch = {.rank = (uint8_t)(axes - 3)};
    Idx place[MAX_RANK];
    for (int i = 0; i < axes - 3; i++) batch.dim[i] = s->space.dim[i];
    eval_set_lanes(&n->eval, 1);
    access_unravel(x, &batch, idx_div(x, part, (int64_t)across * down), place);
    if (axes > 3) part = idx_mod(x, part, (int64_t)across * down);
    /* Neighbours read what lies side by side. */
    const int32_t turn = s->blocked_along ? down : across;
    Idx fast = idx_scale(x, idx_mod(x, part, turn), SIDE);
    Idx slow = idx_scale(x, idx_div(x, part, turn), SIDE);
    Idx line = s->blocked_along ? slow : fast, along = s->blocked_along ? fast : slow;
    read_square(n, square, line, along, place);
    kernel_barrier(n->k);
    write_square(n, square, line, along, place);
}

/* schedule_turn: a copy whose last two axes lie the other way round in memory, on a target with local memory: a work-group
 * has a square of it, which it reads along the one axis, puts into local memory, and stores along the other.
 *
 * Requires: the target's groups have ITEMS items. Edges are masked. */
#include "nest.h"

#define ITEMS 256
#define SIDE  64
#define PITCH (SIDE + 1) /* so that neighbours on either axis lie in different banks */
#define EACH  (SIDE * SIDE / ITEMS)

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
    if (s->space.dim[axes - 1] < SIDE / 2 || s->space.dim[axes - 2] < SIDE / 2) return false;
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
    const uint32_t square = kernel_scratch(k, "square", (int64_t)SIDE * PITCH);
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

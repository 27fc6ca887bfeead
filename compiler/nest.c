/* nest: what the files of the schedule share; see nest.h. */
#include "nest.h"

void nest_merge_shape(const Shape *from, const int *merged, int axes, Shape *to) {
    int at = 0;
    *to = (Shape){.rank = (uint8_t)axes};
    for (int i = 0; i < axes; i++) {
        to->dim[i] = 1;
        for (int k = 0; k < merged[i]; k++) to->dim[i] *= from->dim[at++];
    }
}

void nest_unmerge(IndexTable *t, const Shape *from, const int *merged, int axes, const Idx *at,
                  Idx *out) {
    int first = 0;
    for (int i = 0; i < axes; i++) {
        Shape part = {.rank = (uint8_t)merged[i]};
        for (int k = 0; k < merged[i]; k++) part.dim[k] = from->dim[first + k];
        access_unravel(t, &part, at[i], out + first);
        first += merged[i];
    }
}

void nest_init(Nest *n, const Section *s, Kernel *k) {
    *n = (Nest){.s = s, .k = k};
    k->ahead_bytes = s->target->ahead ? s->target->cache_bytes / 4 : 0;
    k->by_registers = target_is_short(s->target);
    eval_init(&n->eval, k, s->g, s->place, s->cluster_of, s->number);
    n->eval.block = (Block){s->rows, s->block, idx_const(&k->index, 0)};
}

void nest_here(Nest *n, const Idx *point) {
    eval_here(&n->eval, point, n->s->cluster->outer.rank);
}

static const char *const loop_name[MAX_RANK] = {"k", "k1", "k2", "k3", "k4", "k5", "k6", "k7"};

void nest_for(Nest *n, const char *name, Idx lo, Idx hi, int64_t step, Idx *var) {
    bool loop = kernel_for(n->k, name, lo, hi, step, var);
    vec_push(n->k->arena, &n->loops, loop);
    if (loop && n->unroll) kernel_unroll(n->k, true);
    if (loop) eval_push(&n->eval);
}

void nest_end(Nest *n) {
    if (n->loops.at[--n->loops.len]) eval_pop(&n->eval);
    kernel_end(n->k);
}

void nest_open(Nest *n, const Shape *reduced, int axes, Idx *inner) {
    IndexTable *t = &n->k->index;
    for (int i = 0; i < axes; i++) {
        nest_for(n, loop_name[i], idx_const(t, 0), idx_const(t, reduced->dim[i]), 1, &inner[i]);
    }
}

void nest_turns(Nest *n, uint32_t turns) {
    if (turns && n->loops.len && n->loops.at[n->loops.len - 1]) kernel_turns(n->k, turns);
}

void nest_close(Nest *n, int axes) {
    for (int i = 0; i < axes; i++) nest_end(n);
}

static void store_at(Kernel *k, bool tile, uint32_t buffer, Idx address, Val v) {
    if (tile)
        kernel_store_local(k, buffer, address, v);
    else
        kernel_store(k, buffer, address, v);
}

void nest_store_lanes(Nest *n, bool tile, uint32_t b, Idx address, uint8_t lanes, Val v) {
    Kernel *k = n->k;
    v = val_splat(k, v, lanes);
    if (lanes == 1) {
        store_at(k, tile, b, address, v);
        return;
    }
    /* A part of a whole may have its neighbours elsewhere: what lies side by side is stored together. */
    uint32_t atom = idx_atom(&k->index, n->eval.lane[lanes]);
    uint8_t run = eval_run(&n->eval, address);
    for (uint32_t i = 0; i < lanes; i += run) {
        Idx to = idx_subst(&k->index, address, atom, idx_const(&k->index, i));
        store_at(k, tile, b, to, val_part(k, v, i, run));
        if (n->s->streams && !tile) kernel_past(k);
    }
}

void nest_store(Nest *n, const Store *st, const Idx *at, uint8_t lanes, Val v) {
    Kernel *k = n->k;
    const Node *node = node_at(n->s->g, st->node);
    Idx address;
    bool tile = st->place.tile != 0;
    uint32_t b = tile ? place_tile(k, &n->eval.block, node, &st->place, at, &address)
                      : place_buffer(k, n->s->g, node, &st->place, at, &address);
    nest_store_lanes(n, tile, b, address, lanes, v);
}

/* nest: what the files of the schedule share: a section while its statements are written. */
#ifndef DLG_NEST_H
#define DLG_NEST_H

#include "schedule.h"

typedef struct Nest {
    const Section *s;
    Kernel *k;
    Eval eval;
    VEC(bool) loops;         /* the open ones: false where a loop of one turn is none */
    Idx lane[MAX_LANES + 1]; /* the variable over so many lanes */
} Nest;

/* The index on the axes of `from` of a place on the merged axes. */
void nest_unmerge(IndexTable *t, const Shape *from, const int *merged, int axes, const Idx *at,
                  Idx *out);
/* A loop, and the scope of what is evaluated in it; what a loop of one turn evaluates stays known. */
void nest_for(Nest *n, const char *name, Idx lo, Idx hi, int64_t step, Idx *var);
void nest_end(Nest *n);
void nest_set_lanes(Nest *n, uint8_t lanes);
/* Stores v, the value of st->node at at[]. */
void nest_store(Nest *n, const Store *st, const Idx *at, uint8_t lanes, Val v);

/* schedule_local.c: a contraction by tiles in local memory. */
bool local_tiles_fit(const Section *s);
uint32_t local_tiles_groups(const Section *s);
void emit_local_tiles(Nest *n, Idx part);

#endif

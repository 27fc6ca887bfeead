/* space: addresses over time. Who asks for so many bytes from one time to another gets the lowest
 * place at which nobody else has any of them meanwhile. */
#ifndef DLG_SPACE_H
#define DLG_SPACE_H

#include "util.h"

typedef struct Taken { /* addresses begin .. end - 1 */
    int64_t begin, end;
} Taken;

typedef VEC(Taken) TakenList; /* ascending, apart from each other */

typedef struct Space {
    Arena *arena;
    uint32_t leaves; /* a power of two */
    TakenList *all;  /* of each stretch of time: what was taken in all of it, given as a whole; */
    TakenList *any;  /* ... and what was taken at any time in it */
} Space;

/* For the times 0 .. times - 1. */
void space_init(Space *s, Arena *arena, uint32_t times);
/* The lowest address; it is taken from now on, from `first` to `last`. */
int64_t space_take(Space *s, int64_t bytes, uint32_t first, uint32_t last);

#endif

/* lives: how long the values of a graph are needed when it is evaluated node by node (interp.c). */
#ifndef DLG_LIVES_H
#define DLG_LIVES_H

#include "ir.h"

#define LEAST_AGAIN 512 /* elements of a value from which on its memory is used again */

/* Of each node outside of loops that is not kept: after which one nothing needs it. As lists: first[after],
 * next[the one before]. */
typedef struct Lives {
    NodeId *first, *next;
} Lives;

Lives lives_of(const Graph *g, Arena *arena, const bool *keep);

#endif

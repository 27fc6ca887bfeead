/* explain: for each line of the user's files which kernels compute it, what they cost, and what kept them from
 * being fused further (--explain). */
#ifndef DLG_EXPLAIN_H
#define DLG_EXPLAIN_H

#include "launch.h"

typedef struct Explainer Explainer;

/* `listener` is to be told of the launches. */
Explainer *explain_begin(const Program *p, Arena *arena, KernelListener *listener);
void explain_print(Explainer *x, const Plan *plan, Text *out);

#endif

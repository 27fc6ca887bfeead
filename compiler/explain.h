/* explain: for each line of the user's files which kernels compute it, what they cost, and what kept them from
 * being fused further (--explain). emit.c tells it of the launches as it numbers their kernels. */
#ifndef DLG_EXPLAIN_H
#define DLG_EXPLAIN_H

#include "launch.h"

typedef struct Explainer Explainer;

Explainer *explain_begin(const Program *p, Arena *arena);
/* A launch of kernel `id`, in as many repeats as explain_repeat said. */
void explain_launch(Explainer *x, const Plan *plan, const Launch *l, uint32_t id);
void explain_repeat(Explainer *x, int32_t trips); /* one begins */
void explain_end_repeat(Explainer *x);
/* After all launches of an entry. */
void explain_entry(Explainer *x, const Plan *plan, const PlannedEntry *entry);
void explain_print(const Explainer *x, const Plan *plan, Text *out);

#endif

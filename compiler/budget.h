/* budget: an entry in a smaller arena, by computing values again (again.h). From the plan of a region without any
 * such values a *ladder* is made: lists of values, each with all of the one before it and some more, which do
 * not depend on the budget. An entry is given the first rung that fits; the smallest budget that works is the least
 * that any rung needs, so that a budget of one byte less is refused. */
#ifndef DLG_BUDGET_H
#define DLG_BUDGET_H

#include "again.h"

typedef struct Rung {
    uint32_t values; /* so many of Ladder.order */
    int64_t bytes;   /* that the arena is expected to have */
} Rung;

typedef struct Ladder {
    Again again; /* of no values */
    struct BudgetPlan *plan;
    NodeList order;  /* what is computed again, by what it is good for */
    VEC(Rung) rungs; /* ever smaller; the first is the plan as it is */
} Ladder;

/* Requires: top and all regions in it are planned and placed, without clones. The ladder is in the arena. */
void budget_ladder(const Region *top, const Memory *m, Arena *arena, Ladder *out);
void budget_rung(const Ladder *l, uint32_t rung, Again *out);
/* Operations that a rung computes again, about. */
double budget_operations(const Ladder *l, uint32_t rung);

typedef struct Alive { /* a value of the arena at the time when it holds most */
    const char *name;
    DType dtype;
    Shape shape;
    int64_t bytes;
    bool has_span; /* it is of the top region */
    Span span;
} Alive;
typedef VEC(Alive) AliveList;

/* What is alive at the peak, the largest first; *time: when, of *times. Requires: as for budget_ladder, but for
 * the clones. */
void budget_peak(const Region *top, const Memory *m, Arena *arena, AliveList *out, uint32_t *time,
                 uint32_t *times);

#endif

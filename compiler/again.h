/* again: computing values again for those who read them late, so that they need not be kept all the while.
 * A value's clones are equal to the nodes that they are made after, but for Node.wait: that keeps both apart, and
 * has the clones computed only when what they wait for is there. Which values, budget.c decides.
 *
 * Source: recomputation as in Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016; the clone that waits
 * is XLA's optimization barrier. */
#ifndef DLG_AGAIN_H
#define DLG_AGAIN_H

#include "region.h"

typedef struct AgainValue {
    NodeId node; /* an anchor that was stored */
    NodeList
        late;     /* the anchors that read its clone; those of its readers that are clones do too */
    NodeId after; /* the clone waits for this anchor; NO_NODE: for none */
} AgainValue;

/* By the nodes of a region's graph as region_build makes it, which is the same each time. */
typedef struct Again {
    const bool *anchor; /* of each node: as fusion chose when nothing was computed twice */
    const bool *leaf;   /* of each node: a clone reads it, and has no clone of it */
    VEC(AgainValue) values;
    uint32_t *value_of; /* of each node: its place in values + 1, or 0 */
    uint32_t nodes;
} Again;

/* Rebuilds the region's graph. Requires: it was just built; of who reads a clone, none comes before `after`
 * in the order of the first plan. */
void again_build(Region *r, const Again *again, Arena *arena);

#endif

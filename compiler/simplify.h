/* simplify: what its files share. */
#ifndef DLG_SIMPLIFY_H
#define DLG_SIMPLIFY_H

#include "access.h"
#include "codegen.h"

/* simplify_loop.c: as node_dot and node_stack, but computed outside of the loop where that gives the same.
 * `used_once`: nothing but the stack needs x. */
NodeId simplify_dot(Graph *g, NodeId a, NodeId b, int32_t batch, int32_t contracted);
NodeId simplify_stack(Graph *g, NodeId scan, NodeId x, bool used_once);
/* simplify_sum.c: as node_gradsum. once[i]: nothing but the sum needs x[i], which may be joined with others. */
/* A sum of all of a gradient sum: of its terms, one after the other. worth: nothing else needs x, and its terms are
 * stored. */
NodeId simplify_reduce_sum(Graph *g, NodeId x, const int32_t *axes, uint32_t n, bool worth);
/* The sum n of the old graph as a sum of all that another one adds up, of which it sums views; or NO_NODE. to[]: the
 * nodes of g for those of the old graph. */
NodeId simplify_views_of_sum(const Graph *old, const uint32_t *uses, const NodeId *to, Graph *g,
                             const Node *n);
NodeId simplify_gradsum(Graph *g, const NodeId *x, uint32_t n, const bool *once);

#endif

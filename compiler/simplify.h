/* simplify: what its files share. */
#ifndef DLG_SIMPLIFY_H
#define DLG_SIMPLIFY_H

#include "codegen.h"

/* simplify_loop.c: as node_dot and node_stack, but computed outside of the loop where that gives the same.
 * `used_once`: nothing but the stack needs x. */
NodeId simplify_dot(Graph *g, NodeId a, NodeId b, int32_t batch, int32_t contracted);
NodeId simplify_stack(Graph *g, NodeId scan, NodeId x, bool used_once);

#endif

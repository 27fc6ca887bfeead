/* grad: what the files of differentiation share. */
#ifndef DLG_GRAD_H
#define DLG_GRAD_H

#include "ir.h"

/* Whether operand k gets anything of the gradient of the result. */
bool grad_passes(Op op, uint32_t k);

/* What operand k of n gets of g, the gradient of n's result r; NO_NODE: nothing. The operands of n and r may be
 * other nodes of the same shapes and values, made again for a backward loop. SCAN, FINAL, STACK and CARRY are
 * the sweep's. */
NodeId grad_operand(Graph *G, const Node *n, NodeId r, NodeId g, uint32_t k);

#endif

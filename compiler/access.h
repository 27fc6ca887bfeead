/* access: index maps. Where a node reads its operands, as index expressions: the one place that knows
 * how views move elements. Used to write kernels (eval.c) and to judge what may be fused (fuse.c). */
#ifndef DLG_ACCESS_H
#define DLG_ACCESS_H

#include "index.h"
#include "ir.h"
#include "kir.h"

typedef VEC(Range) RangeList;

/* The index in[] of operand k of node n, when n is read at out[]. Elementwise operators and views
 * alone (VIEW and EW of the table, CONCAT, GRADSUM, CAST, COPY, STOP). PAD and CONCAT add to
 * `ranges` what must hold for the operand to be read at all. */
void access_map(IndexTable *t, const Graph *g, const Node *n, uint32_t k, const Idx *out, Idx *in,
                RangeList *ranges);

/* The same for a reduction, argmax or dot: inner[] are the places on the axes that it reduces. */
void access_reduced(IndexTable *t, const Graph *g, const Node *n, uint32_t k, const Idx *out,
                    const Idx *inner, Idx *in);

/* The next axes of two shapes of one size, from axis *i and *k on, that hold as much as each other: the fewest there
 * are. *i and *k go past them; a and b are they. False: there are no more. */
bool access_group(const Shape *from, const Shape *to, int *i, int *k, Shape *a, Shape *b);

/* The axes that a reduction, argmax or dot reduces, as a shape. */
Shape reduced_shape(const Graph *g, const Node *n);

bool is_view(Op op);      /* RESHAPE PERMUTE EXPAND SLICE PAD WINDOW SKEW AT */
bool is_reduction(Op op); /* SUM RMAX ARGMAX DOT SCATTER: has a loop of its own */

/* The place of in[] in row-major memory. */
Idx access_address(IndexTable *t, const Shape *s, const Idx *in);

/* Splits a linear index into the axes of a shape. */
void access_unravel(IndexTable *t, const Shape *s, Idx linear, Idx *out);

#endif

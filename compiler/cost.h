/* cost: what it costs to run kernels, by the model with which fusion is judged: a launch, the distinct bytes that
 * it touches by the rate of memory, and its operations by the rate of a core, one after the other. The
 * rates are the target's (target.def). An operation is an addition, or a multiplication with its addition. */
#ifndef DLG_COST_H
#define DLG_COST_H

#include "ir.h"
#include "target.h"

#define BLOCK_BYTES                                                                                \
    32 /* along what is contracted: of a block that matrix units' operands lie in (layout.c) */
#define TURNED_LEAST                                                                               \
    32 /* elements of both axes from which on a copy that turns them goes through local memory */
#define LONG_LAUNCH 8  /* times as long as launching takes: others beside it gain nothing */
#define COSTLY      10 /* operations from which on a value is rather read than computed again */

/* Whether so many elements are such a block. */
bool cost_is_block(int32_t elems, DType t);

/* Rows and columns of the results that a group makes of a large product from what copies bring: in f32
 * (schedule_staged.c), by mma.sync (schedule_matrix.c) or wgmma (schedule_wgmma.c). And how many such tiles keep the
 * device's units busy. */
#define LARGE_ROWS 128
int32_t cost_large_columns(const Target *t);
int64_t cost_large_tiles(const Target *t);

/* Elements of a row from which on a group's items may share what is reduced of it (schedule_group.c). */
#define SHARED_ROW 64
/* Whether what they made of their shares comes together as one: sums, maxima and their places, not of bools. */
bool cost_is_shared(const Target *t, const Node *reduction);

/* Of so many rows that lie beside each other in memory, how many a group has whose items share what is added up of each
 * (schedule_group.c); 0: an item has a row by itself. An item then has LEAST_SHARE elements or more. */
#define LEAST_SHARE 8
int32_t cost_rows_beside(const Target *t, int64_t rows, int64_t length);

/* Whether a contraction of so many rows, columns and places goes by schedule_thin.c: the fewer of rows and columns are some at most, the
 * others so many that groups of them occupy the device, and a group does not go along too much. */
bool cost_is_thin(const Target *t, int64_t rows, int64_t columns, int64_t length);

/* Operations for one element of a node when its operands are there: of a reduction all of its steps. */
double cost_operations(const Graph *g, const Node *n);

/* Whether what a contraction multiplies by, of `columns` by `length`, is copied panel by panel (schedule_pack.c): a
 * core's cache does not hold it beside all else, and so many rows are worth it. `turned`: it lies along what is contracted, so that it is
 * copied either way. */
bool cost_packs(const Target *t, int64_t rows, int64_t columns, int64_t length, bool turned);

/* Whether a contraction of windows goes across the rows of what it stores (schedule_cross.c): of so many results along the axis
 * that its lanes run over, each with so many places of the other operand's, and so many multiplications in all. */
bool cost_crosses(const Target *t, int64_t lanes, int64_t places, double products);

/* The time of so much, ns. */
double cost_ns(const Target *t, double launches, double bytes, double operations);

#endif

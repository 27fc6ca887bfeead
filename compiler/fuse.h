/* fuse: which nodes are computed together. A Cluster is a set of nodes over one outer iteration space:
 * for each point of it, the reductions in order, then the stores. It becomes a section of a kernel;
 * clusters that do not wait for each other share a launch.
 *
 * A Chain is clusters that do wait for each other and yet share a launch: their spaces begin with the same
 * rows, and what one reads of another it reads at its own row. A work-group takes a block of rows through
 * all of them, one after the other, then the next block; what only they need stays in its own memory. A
 * chain of one row is work so small that one group does all of it.
 *
 * An *anchor* is a node that may be a cluster's: a reduction, what an entry returns or updates, a COPY,
 * and an elementwise node that is worth keeping. All other nodes are computed where they are used. */
#ifndef DLG_FUSE_H
#define DLG_FUSE_H

#include "access.h"
#include "ir.h"
#include "target.h"

#define MOST_SCATTERS 4 /* of a cluster, where a group is one item */

typedef struct Cluster {
    VEC(NodeId) members; /* ascending */
    Shape outer;         /* the iteration space */
    Shape inner;         /* members of shape outer + inner are stored in a loop over inner */
    bool has_inner;
    bool has_reduction;
    bool has_dot;
    uint32_t loop; /* not 0: a loop of the graph as a whole; members: its SCAN, FINALs and STACKs */
    uint32_t launch; /* of its entry */
    uint32_t chain;
} Cluster;

typedef struct Chain {
    uint32_t first, count; /* in Fused.clusters */
    int64_t rows;          /* 0: one cluster, dealt out by points */
    int32_t block;         /* rows that a group takes through all clusters at a time */
} Chain;

typedef struct Fused {
    const Entry *entry;
    const Graph *g;
    VEC(Cluster *) clusters; /* in an order in which they may run, by launches and chains */
    VEC(Chain) chains;
    uint32_t *launch_start; /* of each launch: its first cluster; one more for the end */
    uint32_t *level; /* of each launch, not descending: those of one do not wait for each other */
    uint32_t *cluster_of; /* of each node: index in clusters, or NO_CLUSTER */
    bool *stored;         /* of each node: lies in memory once its cluster has run */
    NodeId
        *whole; /* of each node: NO_NODE, or the concat of which it is made as a part, in place */
    uint32_t *tile; /* of each node: 0, or it is stored in the group's own memory: which */
    bool rolled;    /* a body of a loop that is one chain, so that a group does all turns */
    uint32_t launches;
    struct Fuser *fuser; /* what fuse_refusal asks */
    NodeId lost; /* of a cluster that waits for itself: a fault of the compiler; else NO_NODE */
} Fused;
#define NO_CLUSTER UINT32_MAX

typedef struct FuseOptions {
    const Target *target;
    bool apart;     /* -O0: every operator by itself */
    bool single;    /* -O1: fused, but every cluster in a launch of its own */
    bool unchained; /* no chains: less lives at one time (budget.h) */
    bool body;      /* of a loop without others in it: to be rolled if it can be */
    const NumberSet *double_buffered; /* variables whose updates go through memory of their own */
} FuseOptions;

/* What keeps two clusters apart: the rows of reason.def. */
typedef enum Reason {
#define REASON(NAME, text) REASON_##NAME,
#include "reason.def"
} Reason;

typedef struct Refusal {
    NodeId reader; /* the member that reads, a contraction if one does; NO_NODE: none does */
    Reason merge;  /* why they are not one cluster */
    Reason chain;  /* why they are not in one chain */
} Refusal;

/* layout.c: a graph for this target: operands of contractions in an order that loads well. */
void layout_entry(Entry *e, Arena *arena, const FuseOptions *options);
/* Copies where an entry returns or updates by what has no kernel of its own, or must be double
 * buffered. The graph grows; its nodes stay. */
void layout_roots(Entry *e, const FuseOptions *options);
/* Whether the elements of x along its axis `axis` lie side by side (or are all one) in memory. */
bool layout_lies_along(const Graph *g, Arena *arena, NodeId x, int axis);
#define SUM_VECTORS                                                                                \
    16 /* of a tile of sums that run beside each other: so much of each row is read at a time */

/* Whether a contraction of x, windows, and y is one that goes across the rows of what it stores (schedule_cross.c). */
bool layout_windows(const Graph *g, Arena *arena, int batch, int contracted, NodeId y, NodeId x,
                    const Target *target);
/* A contraction that gives its axes in the order of that permute of it. */
NodeId layout_order(Graph *g, const Node *permute, NodeId dot);
/* layout_unwind.c: node `id` of the old graph as a contraction of windows, if it is the gradient of some (or a slice of one), or
 * NO_NODE. uses[] and root[] are of the old graph: how many read a node, and whether an entry gives it; to[]: the new nodes. */
NodeId layout_unwind(const Graph *old, const uint32_t *uses, const bool *root, const NodeId *to,
                     Graph *g, NodeId id, const Target *target);
/* layout_split.c: the reduction n of x, perhaps in parts; and whether a contraction is to be made in parts: then a
 * and b have one batch axis more, the last, over which its result must be summed. */
NodeId split_reduction(Graph *g, const Node *n, NodeId x, const Target *target);
bool split_dot(Graph *g, NodeId *a, NodeId *b, int32_t batch, int32_t contracted,
               const Target *target);
/* x, or a copy of it if x is a leaf or view. */
NodeId layout_root(Graph *g, NodeId x);

/* The variables of e's graph are buffers (region.h). Returns NO_CLUSTER, or the one whose update must be double buffered first (then *out is void):
 * the caller lays out again with it and tries again. */
uint32_t fuse_entry(const Entry *e, Arena *arena, const FuseOptions *options, Fused *out);

/* inplace.c: over[] of each node: the value that it is stored over, of the same type and size, which nobody
 * reads after that; or NO_NODE. may[]: the nodes that lie in memory which is theirs alone to give. */
void fuse_in_place(const Fused *f, const bool *may, NodeId *over, Arena *arena);

/* Why what cluster `reader` reads of `id`, a stored node of another launch, is not computed together with it.
 * Requires: the options of fuse_entry are still there. */
Refusal fuse_refusal(const Fused *f, NodeId id, uint32_t reader);

#endif

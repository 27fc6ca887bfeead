/* fuse: which nodes are computed together. A Cluster is a set of nodes over one outer iteration space:
 * for each point of it, the reductions in order, then the stores. It becomes a section of a kernel;
 * clusters that do not wait for each other share a launch.
 *
 * An *anchor* is a node that may be a cluster's: a reduction, what an entry returns or updates, a COPY,
 * and an elementwise node that is worth keeping. All other nodes are computed where they are used. */
#ifndef DLG_FUSE_H
#define DLG_FUSE_H

#include "access.h"
#include "ir.h"
#include "target.h"

typedef struct Cluster {
    VEC(NodeId) members; /* ascending */
    Shape outer;         /* the iteration space */
    Shape inner;         /* members of shape outer + inner are stored in a loop over inner */
    bool has_inner;
    bool has_reduction;
    bool has_dot;
    uint32_t loop; /* not 0: a loop of the graph as a whole; members: its SCAN, FINALs and STACKs */
    uint32_t launch; /* of its entry */
} Cluster;

typedef struct Fused {
    const Entry *entry;
    const Graph *g;
    VEC(Cluster *) clusters; /* in an order in which they may run, by launches */
    uint32_t *launch_start;  /* of each launch: its first cluster; one more for the end */
    uint32_t *cluster_of;    /* of each node: index in clusters, or NO_CLUSTER */
    bool *stored;            /* of each node: lies in memory once its cluster has run */
    uint32_t launches;
    NodeId lost; /* of a cluster that waits for itself: a fault of the compiler; else NO_NODE */
} Fused;
#define NO_CLUSTER UINT32_MAX

typedef struct FuseOptions {
    const Target *target;
    bool apart;                       /* -O0: every operator by itself */
    bool single;                      /* -O1: fused, but every cluster in a launch of its own */
    const NumberSet *double_buffered; /* variables whose updates go through memory of their own */
} FuseOptions;

/* layout.c: a graph for this target: operands of contractions in an order that loads well. */
void layout_entry(Entry *e, Arena *arena, const FuseOptions *options);
/* Copies where an entry returns or updates by what has no kernel of its own, or must be double
 * buffered. The graph grows; its nodes stay. */
void layout_roots(Entry *e, const FuseOptions *options);
/* x, or a copy of it if x is a leaf or view. */
NodeId layout_root(Graph *g, NodeId x);

/* The variables of e's graph are buffers (region.h). Returns NO_CLUSTER, or the one whose update must be double buffered first (then *out is void):
 * the caller lays out again with it and tries again. */
uint32_t fuse_entry(const Entry *e, Arena *arena, const FuseOptions *options, Fused *out);

#endif

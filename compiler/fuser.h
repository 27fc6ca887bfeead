/* fuser: what the files of fusion share while a region is fused: anchor.c chooses what may be stored, fuse.c
 * finds the clusters, chain.c the launches. */
#ifndef DLG_FUSER_H
#define DLG_FUSER_H

#include "fuse.h"

/* Every device takes 128 arguments. One anchor alone may read more: a concat of that many stored values. */
#define MAX_CLUSTER_BUFFERS 80

/* One read of an anchor: of another anchor or a variable. */
typedef struct Read {
    NodeId target;
    uint8_t aligned; /* so many leading axes are read at the reader's own place */
    bool ranged;     /* only where a condition holds (pad, concat) */
    /* Bit p - 1: the reader's first p axes, as one row-major index, are the same number of rows of the
     * target, read at the reader's own row. */
    uint8_t rows;
} Read;

typedef VEC(Read) Reads;
typedef VEC(uint32_t) Ids;

typedef struct Fuser {
    const Entry *entry;
    const Graph *g;
    Arena *arena;
    const FuseOptions *options;
    bool *need, *anchor;
    NodeId *whole;           /* as in Fused */
    bool *fixed;             /* of each node: its place is decided */
    Reads *reads;            /* of each anchor */
    uint32_t *of;            /* cluster of each anchor */
    VEC(Cluster *) clusters; /* NULL once merged into another */
    uint32_t *update_of;     /* of each VAR: the update of its variable + 1; 0: none */
    Ids *updates_by_node;    /* of each node: the updates that it is */
    Ids *readers;            /* of each update: the anchors that read its variable */
    Ids *users;              /* of each anchor: the anchors that read it, or wait for it */
    Ids *waits;      /* of each anchor: those that it waits for (Node.wait); NULL: none does */
    NodeId *horizon; /* of each cluster: what it waits for, by reads, is not after this */
    NodeId first_update;
    Ids stack, preds; /* of path_around */
    uint32_t *stamp;
    uint32_t now;
} Fuser;

/* anchor.c */
void fuse_anchors(Fuser *f);
static inline bool fuse_of_loop(Op op) {
    return op == OP_SCAN || op == OP_FINAL || op == OP_STACK;
}
/* Whether to read a value costs less than to compute it again: an element costs COSTLY operations, or so many
 * reads. Each counts once; views are free, and what is far smaller is computed and read less often. */
bool fuse_is_costly(const Fuser *f, NodeId id, int reads);

/* fuse.c */
/* The node that updates the variable of a VAR, or NO_NODE. */
NodeId fuse_update_of(const Fuser *f, NodeId var);
/* Clusters that must have run before c may: what its members read or wait for, and the other readers of what
 * they update. */
void fuse_predecessors(const Fuser *f, uint32_t c, Ids *out);
/* All clusters, each after its predecessors; those in a circle, or after one, are left out. Source: Kahn
 * 1962. */
void fuse_order(Fuser *f, Ids *order);
/* How many buffers a cluster works on, at most. */
uint32_t fuse_buffers(const Fuser *f, const Cluster *c);

/* chain.c */
/* Chains, launches and their order; see Chain. Fills out->chains, clusters, launches. `order` as
 * from fuse_order, of all clusters. */
void chain_clusters(Fuser *f, const Ids *order, Fused *out);
/* Why cluster `b` is not in the chain of cluster `a`, which it waits for; both of out->clusters. */
Reason chain_refusal(Fuser *f, const Fused *out, uint32_t a, uint32_t b);
/* Which stored nodes no one needs but their own chain: they lie in the group's own memory. */
void chain_tiles(const Fuser *f, Fused *out);

#endif

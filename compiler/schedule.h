/* schedule: a cluster as a section of a kernel: which loops, which of them over vector lanes, how many
 * points at once, how the work is dealt to work-groups. */
#ifndef DLG_SCHEDULE_H
#define DLG_SCHEDULE_H

#include "eval.h"
#include "fuse.h"
#include "kir.h"

/* What a section leaves in memory: a member of its cluster in a buffer of the program. */
typedef struct Store {
    NodeId node;
    Place place;
} Store;

typedef VEC(Store) Stores;

typedef struct Section {
    const Cluster *cluster;
    uint32_t number; /* the cluster's, in cluster_of */
    const uint32_t *cluster_of;
    const Place *place; /* of each node */
    const Graph *g;
    const Target *target;
    Stores stores;
    Shape space;          /* the outer iteration space, with axes merged where memory allows */
    int merged[MAX_RANK]; /* how many axes of the cluster's outer each axis of `space` stands for */
    bool lanes_inner;     /* lanes run over the reduced (or inner) axis, else the last outer one */
    bool tiles_local;     /* a contraction through tiles in local memory */
    uint32_t groups;      /* work-groups it wants */
    uint32_t first_group;
} Section;

/* Decides everything but the code. */
void section_plan(Section *s, Arena *arena);

/* Appends the section's statements. Requires: the kernel has the groups first_group and `groups` - 1
 * after it. Returns NO_NODE, or a node that fusion left without a value: a fault of the compiler. */
NodeId section_emit(const Section *s, Kernel *k);

#endif

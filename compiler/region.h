/* region: a graph with loops, cut into graphs without: one for the top and one for the body of each
 * loop. Each is fused and scheduled by itself, like an entry.
 *
 * In a region's graph a VAR stands for a buffer (its attribute is the number in Memory.buffers; those of
 * the program's variables are the same as the variables'): a variable, a carried value, what was stored
 * outside. A carried value is updated by its next value. Views, constants and the numbers of iterations
 * are not captured but made again inside. A loop in a region is one node, SCAN: its operands are copies
 * of the initial values, stored straight into the carries' buffers, and whatever it reads; FINAL and STACK
 * are read from the carries' and the stacks' buffers after it. A value that is stacked is stored into the
 * slice of its iteration. */
#ifndef DLG_REGION_H
#define DLG_REGION_H

#include "memory.h"

typedef VEC(NodeId) NodeList;

typedef struct Region {
    uint32_t loop;        /* 0: the top */
    struct Region *outer; /* NULL for the top */
    Entry entry;          /* its graph; outputs by place, updates by buffer */
    Place *outputs;       /* of each output */
    VEC(Pin) pins;
    NodeList captured;     /* flat nodes that loops in it read, ... */
    NodeList captured_as;  /* ... and the region's node that lies in memory for each */
    uint32_t first_buffer; /* of those that are its own */
    uint32_t built;        /* so many of the graph's nodes are there before fusion adds copies */
    Fused fused;
    LaunchTime *times; /* of each launch */
    Place *places;
    Stores *stores;
    VEC(struct Region *) inner; /* in the order in which they run */
} Region;

/* What is known of the flat graph; the regions share it. */
typedef struct Flat {
    const Entry *entry;
    const Graph *g;
    Arena *arena;
    Memory *memory;
    bool *need;
    NodeList *inside;   /* of each loop, 0 the top: the needed nodes, ascending */
    NodeList *captures; /* of each loop: what it and the loops in it read from outside */
    NodeList *stacks;   /* of each loop: its STACKs that are needed */
    NodeId *scan;       /* of each loop: its SCAN */
    bool *holds;        /* of each loop: whether there is another one in it */
    Place *where;       /* of each node: where it lies for the regions inside its own */
    NodeId *to;         /* of each node: its node in the region that is built now, or NO_NODE */
    NodeList made;      /* those that have one */
} Flat;

void flat_init(Flat *f, const Entry *e, Memory *m, Arena *arena);

uint32_t region_depth(const Region *r); /* the loops around its launches */

/* The graph of one region, with buffers for its loops. Requires: the regions around it are planned. */
Region *region_build(Flat *f, uint32_t loop, Region *outer, const Place *outputs);
/* After memory_plan: where the regions inside find what they read. */
void region_places(Flat *f, const Region *r);

#endif

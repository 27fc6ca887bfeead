/* eval: the value of a graph node at an index, as kernel IR. Views become index maps, elementwise
 * operators become values, what lies in memory becomes loads. A value that was made is remembered
 * until the scope in which it was made ends, so that a register tile is nothing but an evaluation at
 * several neighbouring places. */
#ifndef DLG_EVAL_H
#define DLG_EVAL_H

#include "access.h"
#include "kir.h"

/* A box of a tensor: where a part of a concat lies in the whole. */
typedef struct Part {
    Shape whole;
    int32_t at[MAX_RANK];
} Part;

/* Where a node lies in memory. */
typedef struct Place {
    uint32_t buffer; /* the program's buffer; NO_BUFFER: nowhere */
    const char *name;
    uint32_t
        loop; /* 0; else the node is the slice of the buffer that belongs to this loop's iteration */
    const struct Part *part; /* NULL, or the node is a part of what the buffer holds */
    uint32_t tile; /* 0; else in the group's own memory, the rows of its block: which (fuse.h) */
} Place;
#define NO_BUFFER UINT32_MAX

typedef struct MemoEntry {
    NodeId node;
    uint8_t rank;
    Idx index[MAX_RANK];
    Ranges ranges;
    Val val;
    uint32_t next, hash;
} MemoEntry;

typedef struct Block { /* the rows that a group has at hand */
    int64_t rows;      /* of all blocks; 0: the cluster is not of a chain */
    int32_t count;     /* at most; what is in the group's own memory has so many */
    Idx first;
} Block;

/* A value along a row that is kept from where it was made to the end of the row: where a value that is stored at the end
 * of it will lie, or in the group's own memory. */
typedef struct KeptRow {
    NodeId node;
    bool made;          /* all of the row */
    NodeId over;        /* the value that is stored at the end, or NO_NODE ... */
    const Place *place; /* ... and its place */
} KeptRow;
#define MAX_KEPT 8

/* 16 rows of a buffer in the group's own memory, a vector a column. */
typedef struct Turned {
    uint32_t buffer;
    Idx base; /* of the first row */
    uint32_t local;
} Turned;

/* An index into a table of so many rows, as a place that is inside. */
typedef struct TableRow {
    Val index;
    int32_t rows;
    Val inside;
    Idx row;
    uint32_t scope; /* in which it was made */
} TableRow;

typedef struct Eval {
    Kernel *k;
    const Graph *g;
    const Place *place; /* of each node: VAR nodes always have one */
    Block block;
    const uint32_t *cluster_of; /* of each node */
    uint32_t cluster;           /* this section's: its nodes are computed here, not loaded */
    uint32_t lane_atom;         /* the variable that runs over the lanes, or UINT32_MAX */
    uint8_t lanes;
    Idx lane[MAX_LANES + 1]; /* that variable, by how many lanes there are; of one: 0 */
    KeptRow kept[MAX_KEPT];
    uint32_t kept_count;
    int row_rank;    /* axes before those of a row */
    int64_t columns; /* of rows that lie side by side, one a lane; 0: they do not */
    VEC(Turned) turned;
    Idx here[MAX_RANK]; /* the point of the cluster's outer space whose values are made, ... */
    bool at_point;      /* ... if there is one */
    NodeId lost;        /* a reduction that was neither bound nor in memory: a fault, or NO_NODE */
    VEC(MemoEntry) memo;
    VEC(TableRow) table_rows;
    VEC(uint32_t) scopes;
    uint32_t *bucket; /* of a hash table: the latest entry in memo + 1 */
    uint32_t buckets; /* a power of two, or 0 */
} Eval;

/* The kernel's buffer where a node lies, and the address in it of the node's element index[]. */
uint32_t place_buffer(Kernel *k, const Graph *g, const Node *n, const Place *p, const Idx *index,
                      Idx *address);

/* The group's array where a node lies, and the address in it. Requires: place p has a tile. */
uint32_t place_tile(Kernel *k, const Block *b, const Node *n, const Place *p, const Idx *index,
                    Idx *address);
#define in_memory(p) ((p)->buffer != NO_BUFFER || (p)->tile) /* a place of either kind */

/* Whether a node is among those that are kept. */
bool eval_kept(const Eval *e, NodeId id);
/* Where the element index[] of a node that is kept lies: the kernel's buffer, or the group's array (*own), and the
 * address. */
uint32_t eval_kept_row(const Eval *e, NodeId id, const Idx *index, Idx *address, bool *own);

void eval_init(Eval *e, Kernel *k, const Graph *g, const Place *place, const uint32_t *cluster_of,
               uint32_t cluster);
void eval_set_lanes(Eval *e, uint8_t lanes); /* 1 at the start */
void eval_push(Eval *e); /* a scope: with every kernel_for, kernel_if and straight-line block */
void eval_pop(Eval *e);

/* Node `id` at index[]: 1 lane, or e->lanes where the index depends on the lane variable. */
Val eval_at(Eval *e, NodeId id, const Idx *index);
/* The same, reading memory only where the ranges hold: elsewhere a load is 0, or where they tell the lanes of a
 * vector apart, anything. */
Val eval_where(Eval *e, NodeId id, const Idx *index, Ranges ranges);
/* Brings the rows of node `id`, which is in memory, where they can be read as columns, if index[] goes along them. */
void eval_turn(Eval *e, NodeId id, const Idx *index);
/* Its value there if it was evaluated in this scope or one around it, or NO_VAL. */
Val eval_known(const Eval *e, NodeId id, const Idx *index);
/* bool: whether they hold, of each lane if they tell them apart. */
Val eval_ranges(Eval *e, Ranges ranges);
/* An index as i32: of each lane where it depends on the lane variable. */
Val eval_index(Eval *e, Idx at);
/* How many lanes lie side by side at an address that depends on the lane: all, a half, ... or 1. */
uint8_t eval_run(Eval *e, Idx at);
/* From now on in this scope, node `id` at index[] is `v`. */
void eval_bind(Eval *e, NodeId id, const Idx *index, Val v);
/* What is evaluated from now on is for this point of the cluster's outer space, of `rank` axes. Fusion saw to it that there
 * the cluster's reductions are read at it alone: they need not be asked for at an index that shows it (views may go
 * back and forth in ways that have no normal form). */
void eval_here(Eval *e, const Idx *point, int rank);

#endif

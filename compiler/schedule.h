/* schedule: a cluster as a section of a kernel: which loops, which of them over vector lanes, how many
 * points at once, how the work is dealt to work-groups. */
#ifndef DLG_SCHEDULE_H
#define DLG_SCHEDULE_H

#include "eval.h"
#include "fuse.h"
#include "kir.h"
#include "tiles.h"

/* What a section leaves in memory: a member of its cluster in a buffer of the program. */
typedef struct Store {
    NodeId node;
    Place place;
} Store;

typedef VEC(Store) Stores;

#define MAX_CUTS 8

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
    /* 0; else the last axis of `space` lies in runs of so many, a part of the lanes: a vector is several. */
    int32_t run;
    /* Places on the last axis of `space` where a condition changes, ascending: what lies between two is a part of its
     * own, without the condition. */
    int32_t cuts[MAX_CUTS];
    uint32_t cut_count;
    bool lanes_inner; /* lanes run over the reduced (or inner) axis, else the last outer one */
    bool dot_inner;   /* a contraction whose lanes run over what it contracts: a tile of points */
    /* 0; else 1 + the axis that `space` has before its last instead, with those between one place further in front: a tile then
     * has rows of one operand and columns of the other. `merged` is in the order of the cluster's outer. */
    int moved;
    int32_t tile_rows, tile_columns; /* of a contraction's tile, ... */
    int32_t rest_rows;               /* ... and rows of one of the columns that are left */
    bool packs;                      /* it goes by panels that are copied, ... */
    bool turned; /* ... and turned where they lie side by side along what is contracted: ... */
    int32_t panel_columns,
        depth;          /* ... of so many columns, by so much of what is contracted, ... */
    int32_t block_rows; /* ... for so many rows, */
    int32_t
        band_rows; /* which are copied too, so many at a time; 0: they are read where they lie */
    bool lots;     /* ... with a tile's side by side */
    uint32_t
        turns; /* of a tile's inner loop that go on as one; 0: as the compiler of the text likes */
    bool crosses; /* its lanes run across the rows of what it stores: ... */
    int panel_operand, lane_axis,
        row_axis; /* ... over this axis of that operand, by rows along that one of the other; ... */
    int part_axis; /* ... `depth` places on this axis of what is contracted are a part, with all behind; ... */
    int32_t block_leads; /* ... and a panel serves the other's places in so many blocks */
    bool transposes;     /* a copy that is read along the axis before the last: by square tiles */
    bool scatters;       /* tables of what is scattered, block by block */
    bool gathers;        /* lanes of a load lie apart: a tile of one vector is long enough */
    bool narrow;         /* rows so short that 16 of them go side by side, one a lane */
    bool tiles_local;    /* a contraction through tiles in local memory, ... */
    int32_t staged_rows,
        staged_columns; /* ... that are copied, of so many rows and columns; 0: ... */
    int32_t local_tile; /* ... of so many rows and columns; 0: ... */
    int32_t small_rows, small_columns; /* ... of so few that items share a sum, ... */
    bool small_matrix;                 /* ... or matrix units have it */
    int32_t matrix_rows,
        matrix_columns; /* it goes by matrix units, in tiles of so many parts; 0: it does not */
    bool matrix_ready;  /* ... from operands that are as these want them */
    bool thin;          /* a contraction of few lines by many: schedule_thin.c */
    bool wide;          /* without vectors: an item has ITEM_LANES elements that lie side by side */
    bool wgmma;         /* by those that multiply for a group as a whole */
    bool
        turned_local; /* a copy that is read along the axis before the last: through local memory */
    bool rounded_copy;                /* a copy that rounds, 16 bytes at a time */
    bool blocked_copy, blocked_along; /* one that is made in blocks; it is read along these */
    bool alone;                       /* in its launch */
    int32_t group_rows;  /* that the items of a group share; 0: an item has a row by itself */
    uint8_t group_lanes; /* elements along them that an item has side by side */
    bool rows_beside;    /* these lie beside each other in memory, not their elements */
    int64_t rows;        /* of its chain; 0: none */
    int32_t block;       /* rows of a block of the chain */
    bool streams;        /* moves more than a cache holds: what it stores passes by */
    int row_axes;    /* leading axes of the cluster's outer that are the rows: axis 0 of `space`, */
                     /* where there are any */
    TileTaken tile;  /* of its contraction */
    uint32_t groups; /* work-groups it wants, or its whole chain */
    uint32_t first_group;
} Section;

/* Decides everything but the code. */
void section_plan(Section *s, Arena *arena);

typedef struct Turns { /* of a loop of the graph that is in the kernel */
    uint32_t loop;     /* 0: none */
    int32_t trips;
} Turns;

/* Appends the statements of a chain: `count` sections, or one without rows. Requires: they are planned,
 * have the same groups, and the kernel has the groups first_group and `groups` - 1 after it. Returns
 * NO_NODE, or a node that fusion left without a value: a fault of the compiler. */
NodeId chain_emit(const Section *s, uint32_t count, Turns turns, Kernel *k);

#endif

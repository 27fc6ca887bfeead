/* nest: what the files of the schedule share: a section while its statements are written. */
#ifndef DLG_NEST_H
#define DLG_NEST_H

#include "schedule.h"

typedef struct Nest {
    const Section *s;
    Kernel *k;
    Eval eval;
    VEC(bool) loops; /* the open ones: false where a loop of one turn is none */
    bool unroll;     /* loops are to be written out by the compiler of the text */
} Nest;

typedef struct Point { /* of a tile */
    Idx at[MAX_RANK];  /* on the axes of the cluster's outer shape */
    uint8_t lanes;
} Point;

#define SUM_VECTORS_IN_MEMORY (4 * SUM_VECTORS) /* of a tile of sums that are not in registers */
#define MAX_PIECES                                                                                 \
    (SUM_VECTORS_IN_MEMORY + 4) /* of a tile, with a remainder in ever shorter vectors */

typedef struct Piece { /* of the last axis: `lanes` elements from `offset` on */
    int32_t offset;
    uint8_t lanes;
} Piece;

typedef struct Tiling { /* of an axis: `count` tiles of `size`, from `start` on */
    int32_t start, size, count;
    Piece pieces[MAX_PIECES];
    uint32_t piece_count;
} Tiling;

/* nest.c */
void nest_init(Nest *n, const Section *s, Kernel *k);
/* What is evaluated from now on is for this point (eval_here). */
void nest_here(Nest *n, const Idx *point);
/* A shape whose axis i is merged[i] axes of `from` in one. */
void nest_merge_shape(const Shape *from, const int *merged, int axes, Shape *to);
/* The index on the axes of `from` of a place on the merged axes. */
void nest_unmerge(IndexTable *t, const Shape *from, const int *merged, int axes, const Idx *at,
                  Idx *out);
/* A loop, and the scope of what is evaluated in it; what a loop of one turn evaluates stays known. */
void nest_for(Nest *n, const char *name, Idx lo, Idx hi, int64_t step, Idx *var);
void nest_end(Nest *n);
/* The same for the first axes of a shape: loops k, k1, ... */
void nest_open(Nest *n, const Shape *s, int axes, Idx *at);
void nest_close(Nest *n, int axes);
/* The loop that was opened last goes on by so many turns at a time; 0: as the compiler of the text likes. */
void nest_turns(Nest *n, uint32_t turns);
/* Stores v, the value of st->node at at[]. */
void nest_store(Nest *n, const Store *st, const Idx *at, uint8_t lanes, Val v);
/* The same at an address of a buffer, or of the group's own array. */
void nest_store_lanes(Nest *n, bool tile, uint32_t b, Idx address, uint8_t lanes, Val v);

/* What an argmax has found so far: the greatest and its place, of each lane by itself. x counts as greater than `best`
 * before it where it is, or is the first NaN: so what comes later is only taken where it is greater. */
typedef struct Found {
    Val best, place;
} Found;
Val nest_is_greater(Kernel *k, Val x, Val best);
Found nest_greater(Kernel *k, Found was, Found next);

/* schedule_point.c: all of the section at these points. What is stored is computed before anything is: a store may
 * overwrite a parameter that another reads. */
void nest_points(Nest *n, const Point *points, uint32_t count);
/* Its reductions alone, whose values are bound. */
void nest_reductions(Nest *n, const Point *points, uint32_t count);
/* A reduction at these points, which the lanes run over; its values are bound. */
void nest_reduce(Nest *n, NodeId id, const Point *points, uint32_t count);
/* What a reduction starts with, and acc combined with its operand at one place; NO_VAL: the first one. */
double nest_start(Op op, DType t);
Val nest_accumulate(Nest *n, const Node *r, const Idx *out, const Idx *inner, Val acc);
/* Whether a scatter adds to its result at out[] what it has at one place: of each lane, where that is not the same for all. */
Val nest_scatter_here(Nest *n, const Node *r, const Idx *out, const Idx *inner);
/* Adds it to a variable if it does. Where that is the same for all lanes, what is not wanted is not read. */
void nest_scatter(Nest *n, const Node *r, const Idx *out, const Idx *inner, Val here, uint32_t acc);

/* schedule_keep.c, for loops over a row. */
static inline bool nest_is_inner(const Section *s, NodeId id) {
    return node_at(s->g, id)->shape.rank > s->cluster->outer.rank;
}
/* Chooses what is kept of each row, if it has `least` elements: of the cluster's own values along it. */
void nest_choose_kept(Nest *n, int64_t least);
/* In such a loop, at index[]: stores what is to be kept and was evaluated at this place. Returns a bit for each. */
uint32_t nest_keep(Nest *n, const Idx *index, uint8_t lanes);
/* Evaluates what the loop of a reduction, or (NO_NODE) of what is stored along the row, would evaluate in every turn
 * at one place. */
void nest_hoist(Nest *n, NodeId id, const Idx *row);

/* Evaluates now, of what will be stored at index[], all that does not hang on the reduction `sum`, so that it is loaded
 * while that is computed; no more than about `most` loads, at least 1, each of which takes a register until then. Returns how
 * many they are. */
uint32_t nest_ahead(Nest *n, NodeId sum, const Idx *index, uint32_t most);

/* schedule_narrow.c: the same as nest_row at 16 rows side by side, that on the last axis with the lanes. */
bool narrow_fits(const Section *s, Arena *arena);
void nest_narrow(Nest *n, const Idx *row);

/* schedule_wait.c: columns of a tile of sums that run beside each other: the more of a row is read at a time, the better it
 * comes from memory, but there are to be some tiles for the cores to share. */
int32_t sum_columns(const Section *s, Arena *arena);
/* How many such tiles there are, where they are so wide that more groups would have nothing to do. */
int64_t sum_tiles(const Section *s, Arena *arena);
/* The points of one tile: `rows` places on the axis before the last, the pieces on the last. */
uint32_t nest_tile_points(Nest *n, const Idx *at, const Tiling *row, const Tiling *column,
                          Point *points);
/* The reduction of the section whose sums, of such a tile, wait in the group's memory for what is computed of them, or
 * NO_NODE: where that is much, as an optimizer's step is, it is a loop over the points and stands in the text once, not for
 * each of them; and where registers do not hold so many sums. */
NodeId nest_sums_wait(const Nest *n, const Tiling *row, const Tiling *column);
/* The same as nest_points, of such a tile at at[]. */
void nest_waiting(Nest *n, NodeId waits, const Idx *at, const Tiling *row, const Tiling *column);

/* schedule_scatter.c: a table of what is scattered, block by block. */
bool scatter_blocks_fit(const Section *s);
double scatter_cycles(const Section *s); /* of all of it, about */
void emit_scatter_blocks(Nest *n, Idx part);

/* schedule_row.c: the same as nest_points at the row at row[]: lanes run over the reduced or inner axis. */
void nest_row(Nest *n, const Idx *row);
/* What a plain maximum loses: the variable `odd`, 0 at first, becomes NaN in each lane that v[] has a NaN in; then v,
 * or NaN where there was one. */
void nest_note_nan(Kernel *k, uint32_t odd, const Val *v, uint32_t count);
Val nest_unless_nan(Kernel *k, uint32_t odd, Val v);
/* What follows the reductions, whose values are bound. */
void nest_store_points(Nest *n, const Point *points, uint32_t count);

/* A contraction at these points of one lane each, with the lanes along what it contracts: one loop for all of them. */
void nest_reduce_along(Nest *n, NodeId id, const Point *points, uint32_t count);

/* Elements along which the lanes run where they share a reduction: its last axes that are one in memory. */
int64_t nest_row_length(const Nest *n, NodeId id);
/* Vectors in which a contraction by points goes through so many elements, `turns` times. */
double points_steps(const Target *target, int64_t length, double turns);

/* schedule_dot.c: an axis as tiles of one size and what is left; and how a contraction's tiles are cut, whose lanes
 * may run over what it contracts where `inner` says so. */
uint32_t split_axis(int32_t size, int32_t tile, Tiling *out);
void cut_pieces(Tiling *t, uint8_t lanes);
uint32_t alike_pieces(const Tiling *t, uint32_t first); /* of one length, from `first` on */
void dot_plan(Section *s, Arena *arena, bool inner);
NodeId dot_of(const Section *s); /* the contraction of a section that has one */
/* Whether the last two axes of its space are the left operand's alone and the right one's alone, as a matrix product
 * has them: then a row of the one and a column of the other serve a whole tile. Requires: it has a contraction. */
bool dot_is_product(const Section *s);
/* Whose axis `place` of the contraction's result is: 0 or 1, an operand's; -1: both have it. */
int dot_axis_of(const Section *s, const Node *dot, int place);
/* Decides the tile of so many rows and columns, all of which lie as they should. */
void dot_cut(Section *s, int32_t rows, int32_t columns, int64_t length);

/* schedule_pack.c: a contraction by panels. */
void emit_panels(Nest *n, Idx part);

/* schedule_cross.c: one whose lanes run across the rows of what it stores. Decides whether, and all else. */
bool cross_fits(Section *s, Arena *arena);
void emit_cross(Nest *n, Idx part);

/* schedule_local.c: a contraction by tiles in local memory. */
bool local_tiles_fit(const Section *s);
/* Decides how large they are, by the operations that a result takes beside its sum, and how many groups there are. */
void local_tiles_plan(Section *s, Arena *arena, double operations);
void emit_local_tiles(Nest *n, Idx part);

/* What of it schedule_matrix.c needs too: the contraction of a section that matrix units multiply, by such tiles. */
#define ITEM_LANES 4 /* 16 bytes: what an item loads or stores at a time, at most */

typedef struct LocalTile {
    Nest *n;
    const Node *dot;
    Shape reduced;
    int64_t length;        /* of the contraction */
    Idx at[MAX_RANK];      /* the tile's batch place; row and column come last */
    Idx row, column;       /* of the tile's first element */
    int32_t rows, columns; /* of the tile */
    bool along[2]; /* whether the operand's elements lie side by side along what is contracted */
    uint32_t local[2], *next[2]; /* in local memory; of a later step, an item's own */
} LocalTile;
/* One of the section's contraction, of `rows` by `columns`: all but where it lies, and what it has in local memory. */
void local_tile_open(LocalTile *t, Nest *n, int32_t rows, int32_t columns);
/* Where the tile `part` of all lies: `band` rows of tiles go together. */
void local_tile_place(LocalTile *t, Idx part, int32_t band);
/* Element `step` of the contraction in row (or column) `line` of the tile, of operand 0 (or 1); 0 beyond the edges. */
Val local_operand(LocalTile *t, uint32_t which, Idx line, Idx step);
/* The same where the ranges hold, beyond which it is 0 or anything. */
Val local_load(LocalTile *t, uint32_t which, Idx line, Idx step, Ranges *ranges);
/* A tile in a kernel that is thrown away, anywhere in the space, to see what an operand is. */
typedef struct LocalProbe {
    Kernel k;
    Nest n;
    LocalTile tile;
} LocalProbe;
void local_probe(const LocalTile *t, Arena *scratch, LocalProbe *p);
/* Whether every `elems` elements of an operand's tile that begin at a multiple of that are a load of a buffer of that type,
 * side by side, at a multiple of 16 bytes, and all inside or none. */
bool local_moves(const LocalTile *t, uint32_t which, DType dtype, int32_t elems);
/* How many elements of an operand can be copied at a time: ITEM_LANES that lie beside each other at a multiple of 16 bytes,
 * and are all inside or none; else one; 0: what is multiplied is computed. */
int32_t local_copy_width(const LocalTile *t, uint32_t which);
/* The load of an operand's element at `place` of the turn-th `depth` places, where the ranges hold, and else 0; NULL: it is
 * 0. Requires: it is a load, or outside. */
const Value *local_turn(LocalTile *t, uint32_t which, Idx line, Idx place, Idx turn, int32_t depth,
                        Ranges *ranges);
/* Begins to copy as many (or 16 bytes, of any type) of the turn-th `depth` places, at `place` of these, to a local array. */
void local_copy(LocalTile *t, uint32_t which, Idx line, Idx place, Idx turn, int32_t depth,
                int32_t width, uint32_t local, Idx to);
/* Whether an operand lies along what is contracted: if a step of that is a step in memory, and one of its lines is not. */
bool local_along(const LocalTile *t, uint32_t which);
/* Opens a condition that a place is inside the space; false where none is. */
bool local_inside(LocalTile *t, Idx row, Idx column);
/* The same place below such a condition, as one on the axes of the space. */
void local_within(LocalTile *t, Idx *row, Idx *column);
/* Whether all tiles are within the space. */
bool local_is_even(const LocalTile *t);
/* Evaluates what follows the sum of the place as far as it does not need it: see nest_ahead. Requires: it is inside. */
uint32_t local_ahead(LocalTile *t, NodeId dot, Idx row, Idx column, uint32_t most);
/* Below it: stores what follows the sum v of the place. */
void local_finish(LocalTile *t, NodeId dot, Idx row, Idx column, Val v);
/* A result of the tile that an item finishes, at a place of the space, and where its sum lies in a local array. */
typedef struct TileResult {
    Idx row, column, place;
} TileResult;
#define MOST_TOGETHER 16 /* results of an item */
/* How many elements what follows a sum loads, or `most`, if they are more; 0 too where so much is computed
 * that its text is rather not written out for several results. */
uint32_t local_loads_after(const LocalTile *t, NodeId dot, uint32_t most);
/* Stores what follows the sums of so many results (MOST_TOGETHER at most), after what that reads is loaded for all of them: drivers
 * begin no load behind a store. Requires: all are inside; the condition which says so is open. */
void local_finish_together(LocalTile *t, NodeId dot, uint32_t sums, TileResult *results,
                           int32_t count);
int64_t local_tile_count(const Section *s, int32_t rows, int32_t columns);
/* Which of the tiles that fit the section's contraction goes by, of which the `own`-th is the model's (tiles.h); none is
 * tried that leaves most of the device idle. `how` says what the choice hangs on beside how the operands lie: "tf32 ready".
 * Returns its index, and has decided how many groups there are. Requires: all add up in the same order, with as many zeros
 * behind what is contracted. */
uint32_t local_tile_take(Section *s, Arena *arena, const char *how, const Tile *tiles,
                         uint32_t count, uint32_t own);

/* schedule_staged.c: the same, where what is multiplied next is copied meanwhile: of so many operations a result. Decides
 * whether. */
bool staged_tiles_fit(Section *s, Arena *arena, double operations);
void emit_staged_tiles(Nest *n, Idx part);

/* schedule_small.c: the same of few results, whose sums the items of a group share. */
void small_tiles_plan(Section *s);
/* Whether matrix units do it, by tiles that are not so small: of up to SMALL_PRODUCTS multiplications. */
bool small_matrix_fits(const Section *s);
void small_matrix_plan(Section *s);
#define SMALL_PRODUCTS ((double)(1 << 28))
void emit_small_tiles(Nest *n, Idx part);

/* schedule_matrix.c: a contraction by tiles in local memory that matrix units multiply. */
bool matrix_tiles_fit(Section *s, Arena *arena);
void matrix_tiles_plan(Section *s, Arena *arena);
void emit_matrix_tiles(Nest *n, Idx part);

/* schedule_wgmma.c: the same by wgmma. Decides whether, and how large the tiles are. */
bool wgmma_tiles_fit(Section *s, Arena *arena);
void emit_wgmma_tiles(Nest *n, Idx part);

/* schedule_thin.c: a contraction of which either operand has few lines. Decides whether, and how many groups there are. */
bool thin_fits(Section *s, Arena *arena);
void emit_thin(Nest *n, Idx part);

/* schedule_copy.c: a copy, and nothing else, whose neighbours along the last axis lie apart where it reads, while those along
 * the axis before do not. Decides whether it is one, and how many groups there are. */
bool turned_copy_fits(Section *s, Arena *arena);
void emit_turned_copy(Nest *n, Idx part);
/* The same of one that is rounded, and lies side by side. */
bool rounded_copy_fits(Section *s, Arena *arena);
void emit_rounded_copy(Nest *n, Idx part);
/* The same of one that is rounded into blocks. */
bool blocked_copy_fits(Section *s, Arena *arena);
void emit_blocked_copy(Nest *n, Idx part);

/* schedule_group.c: rows that the items of a group share. Decides whether they do, by the longest reduction and whether
 * what is read lies side by side along the rows. */
void group_plan(Section *s, int64_t longest, bool along);
uint32_t group_count(const Section *s);
void emit_shared_rows(Nest *n, Idx part);

#endif

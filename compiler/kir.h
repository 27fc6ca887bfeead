/* kir: the kernel IR. A Kernel exists once, as a small loop program: parallel indices, loops, vector
 * lanes, accumulators, local memory and barriers, index expressions, loads, stores and scalar
 * operators. From it come the OpenCL text (print_cl.c), the counts of operations and bytes
 * (kir_count.c), and a run on the host in double precision (kir_run.c).
 *
 * A value is f32, i32 or bool. A buffer may be of a storage type too: a load from it gives the type that
 * counts, a store to it rounds.
 *
 * A Val is made once, by a statement of the block in which it was made, and is valid from there to the
 * end of that block. A variable (accumulator) is read by V_READ and changed by S_SET alone. */
#ifndef DLG_KIR_H
#define DLG_KIR_H

#include "index.h"
#include "ir.h"
#include "target.h"

typedef uint32_t Val;
#define NO_VAL    UINT32_MAX
#define MAX_LANES 16

/* lo <= e < hi */
typedef struct Range {
    Idx e;
    int64_t lo, hi;
} Range;

typedef struct Ranges { /* all of them hold */
    uint32_t count;
    const Range *at;
} Ranges;

typedef enum ValKind {
    V_CONST,   /* number */
    V_INDEX,   /* index, as an i32 */
    V_LANE,    /* i32: 0, 1, 2, ... of each lane */
    V_LOAD,    /* lanes elements of a buffer from index on; 0 where `ranges` do not hold */
    V_LOCAL,   /* the same of a local array */
    V_RANGES,  /* bool: whether all ranges hold */
    V_EW,      /* an elementwise operator of ops.def */
    V_CAST,    /* to dtype */
    V_ROUND,   /* to what the storage type `stored` holds; as a number it stays what it was */
    V_FMA,     /* x * y + z, rounded once */
    V_SPLAT,   /* a scalar in every lane */
    V_PACK,    /* scalars and vectors side by side */
    V_EXTRACT, /* lanes from lane `number` on */
    V_ZIP,     /* lanes of two vectors, put together as Zip (number) says */
    V_ACROSS,  /* all lanes combined by op (ADD or MAX), as a fixed tree */
    V_SUMS,    /* the sums across the lanes of four vectors, by the same tree, side by side */
    V_READ,    /* a variable's value now */
} ValKind;

typedef struct Value {
    uint8_t kind;   /* ValKind */
    uint8_t dtype;  /* DType; no storage type */
    uint8_t lanes;  /* 1, 2, 4, 8, 16 */
    uint8_t op;     /* Op: V_EW, V_ACROSS */
    uint8_t stored; /* DType: V_ROUND */
    uint8_t used;   /* 0: all; else so many lanes are wanted */
    uint32_t
        buffer; /* V_LOAD: the kernel's buffer; V_LOCAL: its local array; V_READ: its variable */
    Idx index;
    Ranges ranges;
    bool whole;     /* V_LOAD: 4 lanes at a multiple of 16 bytes */
    uint32_t point; /* V_LOAD, V_LOCAL: 1 + the number of the pointer from which ... */
    Idx rest;       /* ... so far the text has it (kir_points.c); 0: there is none */
    bool
        some; /* V_LOAD, V_LOCAL: only the lanes from .. to - 1 are loaded; the others are anything */
    Idx from, to; /* any numbers */
    double number;
    uint32_t argc;
    Val args[3];
    uint8_t parts; /* V_PACK: how many; their lanes add up to `lanes`; V_SUMS: 4 */
    const Val *pack;
    const char *hint; /* what to call it */
    uint32_t uses;
} Value;

typedef enum StmtOp {
    S_LET,   /* val */
    S_VAR,   /* declares var, with val as its value at the start */
    S_SET,   /* var = val */
    S_STORE, /* buffer[index..] = val */
    S_LOCAL, /* local array buffer[index..] = val */
    S_COLUMNS, /* local array <- 16 rows of `step` numbers each at buffer[index..], as a vector a column */
    S_ROWS,   /* buffer[index..] <- the local array, the other way round */
    S_SQUARE, /* 16 rows of 16 at local[at..], `step` apart <- the columns of as many at buffer[index..], `pitch` apart; of the
               * local array `buffer` if it is `own` */
    S_FOR,    /* atom from lo below hi by step: body */
    S_POINT,  /* declares a pointer to buffer[index], or to the local array's: kir_points.c */
    S_IF,     /* ranges: body */
    S_AHEAD,  /* the line of buffer[index] is to come near; it may be behind the end: kir_ahead.c */
    S_BARRIER, /* of the work-group, for local memory */
    S_MEET, /* declares var: what `step` neighbouring items have of val, as one by `meets`: of two items half as far apart each time,
             * so that all have the same. The local array, of an element an item, may be used for it */
    S_COPY, /* local array local[at..] <- `step` elements of buffer[index..], 16 bytes or one, or 0 where `ranges` do not hold; it
                * is there after the S_ARRIVE for it and a barrier */
    S_MARK, /* ends the copies of one step */
    S_ARRIVE, /* waits for an item's own copies, but those of the last `step` steps */
    S_SUMS,   /* declares the sums of `matrix`, which are 0 */
    S_FETCH, /* the items take the operands' tiles at index and at `at` of the local array, as set `set` of two, or
                 * anything where `ranges` do not hold */
    S_PRODUCT, /* the sums += the product of what set `set` has, the `step`-th of a run: see KMatrix.run; with slices of what
                  is at index and at `at` of the local array */
    S_WGMMA, /* begins: the sums of `matrix` += the product of the tiles at index and at `at` of the local array */
    S_SUMS_OUT, /* local array `local` <- the sums of part `step` of `matrix`, by rows of parts */
    S_SETTLE, /* what an item put into `wgmma` arrays is there for products after the next barrier */
    S_DONE,   /* waits for the products with `matrix`, a `wgmma` one, but the last `step` */
    S_COMMENT, /* text */
} StmtOp;

typedef struct KStmt KStmt;
typedef VEC(KStmt *) KBlock;

struct KStmt {
    StmtOp op;
    Val val;
    uint32_t var, buffer, local, matrix, set;
    Idx index, at;
    Op meets;      /* S_MEET: ADD or MAX */
    uint32_t atom; /* S_FOR: the loop variable */
    Idx lo, hi;
    int64_t step, pitch;
    bool own;            /* S_SQUARE */
    bool unroll, rolled; /* S_FOR: the compiler of the text is to write it out, or not to, ... */
    uint32_t turns;      /* ... or so many turns of it as one (kir_points.c); 0: as it likes */
    uint32_t point;      /* S_POINT: its number */
    double
        part; /* S_IF: of the times that it is come to, its ranges hold so many; 0: nobody knows */
    bool whole;   /* S_STORE: of 4 lanes at a multiple of 4 elements, of bf16 or rounded for tf32 */
    bool updates; /* S_AHEAD: what is there will be stored to as well */
    bool past;    /* S_STORE: of a buffer that the kernel does not read passes by the caches */
    Ranges ranges;
    KBlock body;
    const char *text;
};

typedef struct KBuffer {
    const char *name;
    DType dtype;
    int64_t elems;
    bool read, written;
    uint32_t tag;         /* the caller's: which buffer of the program */
    bool each_run;        /* see Kernel.runs */
    const double *values; /* not an argument but a table of constants: its elements */
} KBuffer;

typedef struct KLocal { /* a work-group's array; where that is one item, in private memory */
    const char *name;
    DType dtype;
    int64_t elems;
    uint32_t tag; /* the caller's, or NO_VAL */
    /* For the operands of `wgmma` products alone, which are put there by 4 elements and as their precision wants it: in
     * memory a line of 128 bytes has its 16-byte parts in another order (kernels/wgmma.cl), and of 3xTF32 a second half
     * has what the first is less than the operand. */
    bool wgmma;
    Precision precision;
    uint32_t over; /* 1 + the array whose memory it has, which is not needed any more; 0: its own */
} KLocal;

/* Whether a group's array is one that OpenCL's compilers do not take: so large, or for wgmma. */
#define LOCAL_MOST 49152
static inline bool local_is_large(const KLocal *l) {
    return l->wgmma || l->elems * dtype_bytes(l->dtype) > LOCAL_MOST;
}

typedef struct KVar {
    const char *name;
    DType dtype;
    uint8_t lanes;
} KVar;

/* A tile of results that the items of a group have as sums, spread among them as matrix units want it. It is `rows` x
 * `columns` parts of PART_ROWS x PART_COLUMNS: what has a part by itself (S_SUMS_OUT) is its elements by rows, of which
 * row r is row matrix_line(rows, i, r) of the tile in the i-th row of parts, and the columns likewise.
 *
 * An operand's tile has MATRIX_STEP words along what is contracted for each of its lines (rows, or columns of the
 * right one): an element each, or two of bf16 that are `ready` (matrix_each()). An element lies at matrix_at().
 *
 * With slices it is a small tile: `rows` x `columns` results in blocks of SLICE_BLOCK squared, of which each slice of the
 * items has all, for its share of the `chunk` places that are there: an operand's place has its lines side by side, or
 * (`along`) a line its places; from one to the next are slice_place_step() and slice_line_step(). What the slices have lies
 * one after the other (S_SUMS_OUT), by rows of slice_pitch().
 *
 * With `wgmma` the group multiplies as a whole, while it goes on: S_WGMMA begins that, and S_DONE ends it. There are
 * wgmma_steps() places for each line, an element lies at wgmma_at(), and there is one part, which is the tile in rows of
 * wgmma_pitch(). */
typedef struct KMatrix {
    const char *name;
    int32_t rows, columns; /* in parts; with slices in elements */
    bool along[2]; /* of either operand: elements along what is contracted lie side by side */
    Precision precision;
    int32_t
        run; /* of so many products the sums are added by themselves, where that is more exact */
    int32_t slices, chunk; /* 0: none */
    bool ready; /* both operands lie along what is contracted, and are of tf32 or bf16 already */
    bool wgmma,
        apart; /* of such: what one product adds is added up by itself, which is more exact */
} KMatrix;
#define SLICE_BLOCK 32
/* What is read at once lies in different banks: of 8 lines 4 pairs of places, and of 4 rows 4 pairs of sums. */
static inline int32_t slice_place_step(bool along, int32_t lines) {
    return along ? 1 : lines + 4;
}
static inline int32_t slice_line_step(bool along, int32_t chunk) {
    return along ? chunk + 8 : 1;
}
static inline int32_t slice_pitch(int32_t columns) {
    return columns + 8;
}
#define PART_ROWS    64
#define PART_COLUMNS 128
#define MATRIX_STEP  8
static inline int32_t matrix_each(const KMatrix *m) {
    return m->ready && m->precision == PRECISION_BF16 ? 2 : 1;
}

typedef struct Kernel {
    Arena *arena;
    IndexTable index;
    VEC(Value) values;
    VEC(KBuffer) buffers;
    VEC(KLocal) locals;
    VEC(KVar) vars;
    VEC(KMatrix) matrices;
    uint32_t points; /* pointers: see S_POINT */
    KBlock body;
    KBlock *block;                   /* where statements are added now */
    VEC(KBlock *) open;              /* the blocks around it */
    uint32_t group_atom, local_atom; /* get_group_id(0), get_local_id(0) */
    Idx group, local;
    uint32_t groups, local_size;
    /* The text does all of it several times: parameters say how often, and by how many elements the buffers that are
     * `each_run` advance from one time to the next. */
    bool runs;
    int64_t ahead_bytes; /* of a buffer from which on loops say what they will load; 0: never */
    bool by_registers;   /* a vector is several of the machine's: what goes across those is slow */
} Kernel;

/* An empty kernel for `groups` work-groups of `local_size` items each. */
void kernel_init(Kernel *k, Arena *arena, uint32_t groups, uint32_t local_size);
/* The kernel's number for the caller's buffer `tag`: a new argument, or the one that it has already. */
uint32_t kernel_buffer(Kernel *k, uint32_t tag, const char *name, DType t, int64_t elems);
/* A table of constants in the program text; of a storage type: of the type that counts. */
uint32_t kernel_table(Kernel *k, DType t, const double *values, int64_t elems);
/* An array in local memory, shared by the items of a work-group; not initialised. f32 or i32. */
uint32_t kernel_local(Kernel *k, const char *name, DType t, int64_t elems);
/* The array for the caller's `tag`: a new one, or the one that there is already. */
uint32_t kernel_tile(Kernel *k, uint32_t tag, const char *name, DType t, int64_t elems);

/* An array for what is made and read within a section: sections share those of one name and type. */
uint32_t kernel_scratch(Kernel *k, const char *name, DType t, int64_t elems);

/* Values. Operands of one operator have equal lanes, or 1: then they are splat. Each fold what is known
 * while compiling, so the result may be another kind of value than its name says. A storage type as `t`
 * stands for the type that counts; val_cast rounds to it. */
/* The ranges that intervals do not settle. Returns false when one of them never holds. */
bool ranges_open(Kernel *k, Ranges in, Ranges *out);
Val val_const(Kernel *k, DType t, double v);
Val val_index(Kernel *k, Idx e);
Val val_lane(Kernel *k, uint8_t lanes);
/* Elements e .. e + lanes - 1; the ranges say where e is inside the buffer, if it may be outside. */
Val val_load(Kernel *k, uint32_t buffer, Idx e, uint8_t lanes, Ranges ranges, const char *hint);
Val val_local(Kernel *k, uint32_t local, Idx e, uint8_t lanes, Ranges ranges, const char *hint);
/* The same of f32, with lanes that may be outside of the buffer: those but from .. to - 1, which are anything. */
Val val_load_some(Kernel *k, uint32_t buffer, Idx e, uint8_t lanes, Ranges ranges, Idx from, Idx to,
                  const char *hint);
Val val_local_some(Kernel *k, uint32_t local, Idx e, uint8_t lanes, Ranges ranges, Idx from, Idx to,
                   const char *hint);
Val val_ranges(Kernel *k, Ranges ranges);
Val val_ew(Kernel *k, Op op, Val x, Val y, Val z);
Val val_cast(Kernel *k, Val x, DType t);
Val val_fma(Kernel *k, Val x, Val y, Val z);
Val val_splat(Kernel *k, Val x, uint8_t lanes);
Val val_pack(Kernel *k, const Val *x, uint8_t parts); /* their lanes add up to 1, 2, 4, 8 or 16 */
Val val_extract(Kernel *k, Val x, uint32_t lane);
Val val_part(Kernel *k, Val x, uint32_t first,
             uint8_t lanes); /* lanes first .. first + lanes - 1 */
/* Lanes of two vectors of one length. All but the first kind are of 16 of f32, of each quarter by itself: these are one
 * instruction for each register where a vector is two. */
typedef enum Zip {
    ZIP_HALVES,  /* one by one in turn, of their first halves or their second */
    ZIP_ONES,    /* the same of each quarter's first two or its last */
    ZIP_PAIRS,   /* each quarter's first two of both, or its last */
    ZIP_QUARTERS /* the even quarters of the one, then of the other, or the odd ones */
} Zip;
Val val_zip(Kernel *k, Zip how, Val x, Val y, bool second);
/* v[0..columns-1], of `rows` lanes each, become v[0..rows-1], of `columns` lanes: both are powers of two. */
void kernel_turn(Kernel *k, Val *v, uint32_t columns, uint32_t rows);
Val val_across(Kernel *k, Op op, Val x);           /* OP_ADD or OP_MAX */
Val val_sums(Kernel *k, const Val x[4]);           /* f32, each of 8 or 16 lanes */
void val_used(Kernel *k, Val x, uint32_t lanes);   /* no others count (kir_count.c) */
void val_name(Kernel *k, Val x, const char *hint); /* if it has none yet */

/* Variables and statements, added to the block that is open. */
uint32_t kernel_var(Kernel *k, const char *name, Val start);
Val val_read(Kernel *k, uint32_t var);
void kernel_set(Kernel *k, uint32_t var, Val v);
void kernel_store(Kernel *k, uint32_t buffer, Idx e, Val v);
void kernel_whole(Kernel *k); /* see KStmt.whole: what was stored last */
void kernel_past(Kernel *k);  /* what was stored last is not needed soon: see KStmt.past */
void kernel_store_local(Kernel *k, uint32_t local, Idx e, Val v);
/* 16 rows of f32 that lie one after the other, `columns` long, from buffer[e] on: as a vector for each column, from
 * local[0] on; and the other way round. Requires: no more than 16 columns. */
void kernel_columns(Kernel *k, uint32_t local, uint32_t buffer, Idx e, int64_t columns);
void kernel_rows(Kernel *k, uint32_t buffer, Idx e, uint32_t local, int64_t columns);
/* A square of 16 rows of 16 at local[at], `step` apart, becomes the columns of one at buffer[e], whose rows are `pitch` apart; or
 * (`own`) of one in a local array. All are f32. */
void kernel_square(Kernel *k, uint32_t local, Idx at, int64_t step, bool own, uint32_t buffer,
                   Idx e, int64_t pitch);
void kernel_barrier(Kernel *k);
/* What so many neighbouring items, a power of two up to the target's `warp`, have of v as one, by OP_ADD or OP_MAX. `local` is an
 * array of the type of v, with an element an item. Requires: all of the group's items come to it. */
Val kernel_meet(Kernel *k, Op op, Val v, int32_t items, uint32_t local);
/* See S_COPY and what follows it. Requires of a copy: buffer[e] is at a multiple of 16 bytes, for all that is known of e, and f32,
 * or what the local array is of; the ranges say where all elements are inside. */
void kernel_copy(Kernel *k, uint32_t local, Idx at, uint32_t buffer, Idx e, Ranges ranges);
/* The same of one element, which may lie anywhere. */
void kernel_copy_one(Kernel *k, uint32_t local, Idx at, uint32_t buffer, Idx e, Ranges ranges);
/* The same as a value of 4 lanes, of f32: a load that is `whole`. It is 0 where the ranges do not hold, wherever it is. */
Val val_load_whole(Kernel *k, uint32_t buffer, Idx e, Ranges ranges, const char *hint);
void kernel_mark(Kernel *k);
void kernel_arrive(Kernel *k, int64_t but);
/* Requires: groups of 256 items, all of which come to the statements that have to do with it. */
uint32_t kernel_matrix(Kernel *k, const KMatrix *m);
/* The ranges say where it will be multiplied. */
void kernel_fetch(Kernel *k, uint32_t matrix, uint32_t set, uint32_t local, Idx a, Idx b,
                  Ranges ranges);
void kernel_product(Kernel *k, uint32_t matrix, uint32_t set, int32_t of_run);
/* Of a tile with slices: of what is at a and at b of the local array. */
void kernel_product_slices(Kernel *k, uint32_t matrix, uint32_t local, Idx a, Idx b);
void kernel_sums_out(Kernel *k, uint32_t matrix, int32_t part, uint32_t local);
/* An array for what is made and read while another is not needed, in its memory. */
uint32_t kernel_local_over(Kernel *k, const char *name, DType t, int64_t elems, uint32_t local);
/* For products by wgmma: an array for their operands, and see S_SETTLE, S_DONE. */
uint32_t kernel_wgmma_local(Kernel *k, const char *name, Precision precision, int64_t elems);
void kernel_wgmma(Kernel *k, uint32_t matrix, uint32_t local, Idx a, Idx b);
void kernel_settle(Kernel *k);
void kernel_done(Kernel *k, uint32_t matrix, int64_t but);
/* Where an element of an operand's tile lies, of so many lines, with `each` elements in a word; as neighbours of either
 * kind are read by the items of a group, they lie in different banks. */
Idx matrix_at(IndexTable *t, bool along, int32_t lines, int32_t each, Idx line, Idx step);
static inline int32_t matrix_at_of(bool along, int32_t lines, int32_t each, int32_t line,
                                   int32_t step) {
    const int32_t four = 4 * each;
    if (along) return line * 2 * four + (step / four + line / 4) % 2 * four + step % four;
    return step * lines + line / 32 * 32 + (line / 8 + step) % 4 * 8 + line % 8;
}
/* The same of a `wgmma` one: lines of 128 bytes, along what is contracted or, of bf16 alone, 64 lines beside each other. */
static inline int32_t wgmma_steps(Precision p) {
    return p == PRECISION_BF16 ? 64 : 32;
}
static inline int32_t wgmma_at_of(bool along, Precision p, int32_t line, int32_t step) {
    const int32_t steps = wgmma_steps(p);
    return along ? line * steps + step : line / 64 * 64 * steps + step * 64 + line % 64;
}
Idx wgmma_at(IndexTable *t, bool along, Precision p, Idx line, Idx step);
static inline int32_t wgmma_pitch(const KMatrix *m) { /* lanes then store to different banks */
    return m->columns * PART_COLUMNS + 8;
}
/* The line of the tile that is line `line` of the i-th of `parts` parts: they have 32 lines each in turn. */
static inline int32_t matrix_line(int32_t parts, int32_t i, int32_t line) {
    return (line / 32 * parts + i) * 32 + line % 32;
}
void kernel_comment(Kernel *k, const char *text);
/* A loop over lo, lo + step, ... below hi; its variable is *var. Statements go into its body until
 * kernel_end. A loop of one turn is none: *var is then lo itself, and the result false. */
bool kernel_for(Kernel *k, const char *name, Idx lo, Idx hi, int64_t step, Idx *var);
void kernel_unroll(Kernel *k,
                   bool out); /* whether the loop that was opened last is to be written out */
void kernel_turns(Kernel *k, uint32_t turns); /* see KStmt.turns, of the loop opened last */
void kernel_if(Kernel *k, Ranges ranges); /* a body that always runs when the ranges always hold */
/* The condition that was opened last holds for such a part of the time: what it does counts as much less. */
void kernel_seldom(Kernel *k, double part);
void kernel_end(Kernel *k);

/* Drops values that nothing uses, says what loops will load (kir_ahead.c) and makes the pointers of those that want
 * some (kir_points.c). */
void kernel_finish(Kernel *k);
void kernel_ahead(Kernel *k);
void kernel_points(Kernel *k);

/* What one launch does: floating-point operations (fma: 2) and the distinct bytes it touches. */
typedef struct KCount {
    double flops, bytes;
} KCount;
KCount kernel_count(const Kernel *k);

/* Runs the kernel on the host. data[i] holds the elements of buffer i (bool: 0 or 1), as doubles; with
 * `round_f32` every f32 result is rounded to f32. Returns NULL, or what went wrong (in the arena): an
 * access outside a buffer. The work-groups run one after the other, with `backwards` from the last on: what they make
 * must not depend on it. iterations[i]: the value of the i-th of index.iterations that is not inside. */
const char *kernel_run(const Kernel *k, Arena *arena, double *const *data, bool round_f32,
                       bool backwards, const int32_t *iterations);

/* A slot: a constant of the kernel's text that may be an argument instead. The constant term of an address
 * or of an index as a number, a bound of a condition, an i32 constant; in the order of the text. */
typedef struct Slot { /* what stands there: the constant, or a parameter + add */
    uint32_t param;   /* or NO_PARAM */
    int32_t add;
} Slot;
#define NO_PARAM UINT32_MAX

typedef VEC(int32_t) Constants; /* of each slot */

/* Appends the kernel as OpenCL C: its tables and the function. It has `params` parameters `int offset`,
 * after its buffers and iterations; what stands in each slot, or NULL: the constants. With `part` what a group does is a
 * function NAME_group(g, l, its local arrays, the kernel's parameters), which the kernel calls; not of one with `runs`.
 * Scratch memory comes from out's arena. */
void kernel_print(const Kernel *k, const char *name, const Slot *slots, uint32_t params, bool part,
                  Text *out);

/* Appends the kernel's text for comparing, with numbers for names and without comments and the constants of
 * slots, which go to `constants`. Kernels of equal outlines are equal but for these and their buffers.
 * Memory comes from out's arena. */
void kernel_outline(const Kernel *k, Text *out, Constants *constants);

#endif

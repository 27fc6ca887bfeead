/* ir: the graph and the program. A Graph is an array of nodes, each after its operands, addressed
 * by index; shapes and types are static. Nodes are hash-consed: two equal nodes are one.
 *
 * Requires of callers: operands exist and fit (lower checks in the user's terms first; the builders
 * assert the same through graph_verify). Establishes: every node is after its operands. */
#ifndef DLG_IR_H
#define DLG_IR_H

#include "diag.h"
#include "util.h"

#define MAX_RANK  8
#define MAX_ELEMS 2147483647 /* of one tensor: its index is an i32 */

/* The last three are storage types: only variables, casts to them, views, concats, takes, copies and what
 * a loop carries are of one. No operator computes in it: lowering casts its operands (dtype_counts_as). */
/* DT_TF32 is no type of a program's tensors: f32 rounded as some matrix units do (layout.c). */
typedef enum DType {
    DT_F32,
    DT_I32,
    DT_BOOL,
    DT_F16,
    DT_BF16,
    DT_U8,
    DT_COUNT,
    DT_TF32 = DT_COUNT,
    DT_ALL
} DType;
const char *dtype_name(DType t); /* "f32" */
#define DTYPE_NAMES "f32, i32, bool, f16, bf16, u8"
bool dtype_find(const char *name, DType *out); /* by its name; false: there is none */
uint32_t dtype_bytes(DType t);                 /* of an element in memory */
DType dtype_counts_as(DType t);                /* f16, bf16: f32; u8: i32; else itself */
bool dtype_is_float(DType t);                  /* f32, f16, bf16: it may have a gradient */
bool dtype_is_storage(DType t);                /* it counts as another */
bool dtype_holds(DType to, DType from);        /* a cast from -> to changes no number */
/* A number as a cast to t makes it: f16 and bf16 rounded from f32 to the nearest (even), beyond the
 * greatest infinite; i32 and u8 without the fraction, the nearest there is where out of range, 0 for
 * NaN; bool: whether it is not 0. f32 is not rounded. */
double dtype_cast(DType t, double v);

typedef struct Shape {
    uint8_t rank;
    int32_t dim[MAX_RANK];
} Shape;

bool shape_equal(const Shape *a, const Shape *b);
int64_t shape_elems(const Shape *s);      /* 1 for rank 0; -1 when above MAX_ELEMS */
void text_shape(Text *t, const Shape *s); /* "64x300", "scalar" */

typedef enum Op {
#define ELEMENTWISE(NAME, ...) OP_##NAME,
#define STRUCTURED(NAME, ...)  OP_##NAME,
#include "ops.def"
    OP_COUNT
} Op;

/* What an elementwise operator takes and gives. */
typedef enum OpResult { OP_SAME, OP_BOOL, OP_WHOLE, OP_LOGIC } OpResult;

typedef struct OpInfo {
    const char *name;
    int arity; /* -1: any */
    bool elementwise;
    bool to_bool;
    OpResult result; /* ELEMENTWISE only */
    const char *cl;  /* ELEMENTWISE only */
    double test_lo, test_hi;
    int cost; /* of one value, in additions */
    const char *doc;
} OpInfo;
extern const OpInfo op_info[OP_COUNT];
double op_host(Op op, double x, double y, double z); /* ELEMENTWISE only: the value in double */
/* The same of i32: a product wraps as on a device, which a double may not hold. */
double op_host_whole(Op op, double x, double y, double z);

typedef uint32_t NodeId;
#define NO_NODE UINT32_MAX

typedef struct Node {
    uint8_t op;    /* Op */
    uint8_t dtype; /* DType */
    Shape shape;
    uint32_t argc;
    NodeId *args;
    /* Attributes, by op:
     *   VAR        attr[0] the variable's index in Program.vars
     *   CONST      value
     *   LITERAL    values (row-major, shape_elems of them)
     *   ITERATION  attr[0] the loop
     *   CARRY      attr[0] the loop, attr[1] which of its carried values
     *   AT         attr[0] the loop, attr[1], attr[2] scale and offset: the place on axis 0
     *   SCAN       attr[0] the loop; args: its CARRYs in order, then their next values
     *   FINAL      attr[0] which of the carried values
     *   NAMED      attr[0] a number of its own, so that two of one operand are two nodes
     *   PERMUTE    attr[i]: the operand's axis that becomes axis i
     *   SLICE      attr[3i], attr[3i+1]: start and stride of axis i (count is the shape); attr[3i+2] 0
     *   PAD        attr[3i..]: how many before, after, between neighbours, of axis i; value: what
     *   WINDOW     attr[0] axis, attr[1] stride, attr[2] dilation; the size is the new last axis
     *   SKEW       attr[0] axis, attr[1] dilation
     *   CONCAT     attr[0] axis
     *   DOT        attr[0] batch axes, attr[1] contracted axes (both operands: batch, free, contracted);
     *              after layout perhaps attr[2 + i]: which of batch, free, free is axis i of the result
     *   SUM, RMAX  attr: the axes reduced, ascending
     *   ARGMAX     attr[0] axis */
    uint32_t attrc;
    int32_t *attr;
    double value;
    const double *values;
    NodeId
        wait; /* 0, or a node + 1 that is to be computed before this one: again.h. Nodes that wait
                  * differently are not equal. */
    uint32_t loop;    /* the innermost loop that it depends on, of Graph.loops; 0: none */
    Span span;        /* the source it came from (the first of hash-consed equals) */
    const char *name; /* a hint for printing: the binding's name; may be NULL */
} Node;

/* Loops of the graph (`scan`). A node that depends on an ITERATION or CARRY of a loop is *inside* it: it
 * has a value for each iteration. All others are outside, though they may be made between its nodes: what
 * does not change is computed once. Only three operators lead out of a loop, and only once SCAN has closed
 * it, after which no node is made inside it any more:
 *   SCAN   the loop as a whole: it runs CARRYs from their initial values (their operand) through all
 *          iterations, each giving the next values. Its own value is the count of iterations.
 *   FINAL  a carried value after the last iteration
 *   STACK  the values of any inside node, one an iteration, on a new first axis (yields; also what the
 *          gradient keeps)
 * AT is a view: element scale * iteration + offset of axis 0, in range for each iteration. Its operand
 * may be outside or inside of the loop. */
typedef struct GraphLoop {
    int32_t trips;  /* at least 1 */
    uint32_t depth; /* 1: not inside another one where it was opened */
    uint32_t outer; /* the innermost other loop that a node inside depends on; 0: none */
} GraphLoop;

/* The rewrites of a compilation, counted, so that a wrong one can be found by halving: after `limit` of them
 * none is made any more. A rewrite is a choice: without it the program computes the same. */
typedef struct Rewrites {
    uint32_t limit, count;
    const char *last; /* what it was, and where */
    Span span;
} Rewrites;

typedef struct Graph {
    Arena *arena;
    Rewrites *rewrites; /* NULL: as many as there are */
    VEC(Node) nodes;
    uint64_t *table; /* hash-consing: the hash's upper half, and id + 1; 0 is free */
    uint32_t table_cap;
    VEC(GraphLoop) loops; /* [0] stands for none */
    Span span;            /* given to nodes that are made now, ... */
    NodeId wait;          /* ... as is this */
    bool waits;           /* some node does */
} Graph;

void graph_init(Graph *g, Arena *arena);
/* Whether one more rewrite may be made, of node `at`: then it is counted. */
bool graph_rewrites(const Graph *g, const char *what, NodeId at);
/* An empty graph with the loops of `from`, for a pass that makes the nodes again. */
void graph_init_like(Graph *g, Arena *arena, const Graph *from);
/* An empty graph for a part of `whole`, whose loops it shares: it can have no new ones. */
void graph_init_part(Graph *g, Arena *arena, const Graph *whole);
#define node_at(g, id) (&(g)->nodes.at[id])

/* Builders. Elementwise ones fold constants and apply identities that hold for NaN and infinity.
 * Operands of elementwise builders have one shape; node_broadcast makes it so. */
NodeId node_var(Graph *g, uint32_t var, DType t, const Shape *s);
NodeId node_const(Graph *g, DType t, double value); /* rank 0 */
NodeId node_full(Graph *g, DType t, double value, const Shape *s);
NodeId node_literal(Graph *g, DType t, const Shape *s, const double *values);
NodeId node_iota(Graph *g, int32_t n);
NodeId node_ew(Graph *g, Op op, NodeId x, NodeId y, NodeId z); /* NO_NODE beyond the arity */
NodeId node_cast(Graph *g, NodeId x, DType t);
NodeId node_gradsum(Graph *g, const NodeId *x, uint32_t n);
NodeId node_stop(Graph *g, NodeId x);
NodeId node_copy(Graph *g, NodeId x);
/* A node of its own with the value of x, which no builder looks through: what is made of it stays made of it. */
NodeId node_named(Graph *g, NodeId x);
NodeId node_unnamed(const Graph *g,
                    NodeId x); /* what that is the name of; x itself if it is none */
NodeId node_reshape(Graph *g, NodeId x, const Shape *s);
NodeId node_permute(Graph *g, NodeId x, const int32_t *axes);
NodeId node_expand(Graph *g, NodeId x, const Shape *s);
NodeId node_broadcast(Graph *g, NodeId x, const Shape *s); /* NumPy's rule: reshape, then expand */
NodeId node_slice(Graph *g, NodeId x, const int32_t *start, const int32_t *count,
                  const int32_t *stride);
NodeId node_pad(Graph *g, NodeId x, const int32_t *before, const int32_t *after,
                const int32_t *between, double value);
/* Views that are each other's adjoints, with SUM, PAD and SLICE: out[.., o, .., k] = x[.., o * stride + k *
 * dilation, ..], and out[.., i, .., k] = x[.., i + k * dilation, .., k] for the last axis k. Requires: at
 * least one place fits. */
NodeId node_window(Graph *g, NodeId x, int32_t axis, int32_t size, int32_t stride,
                   int32_t dilation);
NodeId node_skew(Graph *g, NodeId x, int32_t axis, int32_t dilation);
NodeId node_concat(Graph *g, const NodeId *x, uint32_t n, int32_t axis);
NodeId node_dot(Graph *g, NodeId a, NodeId b, int32_t batch, int32_t contracted);
NodeId node_reduce(Graph *g, Op op, NodeId x, const int32_t *axes, uint32_t n); /* SUM, RMAX */
NodeId node_argmax(Graph *g, NodeId x, int32_t axis);
NodeId node_take(Graph *g, NodeId table, NodeId index);
NodeId node_scatter(Graph *g, NodeId values, NodeId index, int32_t n);
/* Loops. A new one inside the loop `within` (0: none). */
uint32_t graph_loop(Graph *g, int32_t trips, uint32_t within);
NodeId node_iteration(Graph *g, uint32_t loop); /* i32: 0, 1, ... trips - 1 */
NodeId node_carry(Graph *g, uint32_t loop, int32_t which, NodeId initial);
/* Closes a loop: carry[i] and what it is in the next iteration, of one type and shape. */
NodeId node_scan(Graph *g, uint32_t loop, const NodeId *carry, const NodeId *next, uint32_t n);
NodeId node_final(Graph *g, NodeId scan, int32_t which);
/* Requires: x has at most MAX_RANK - 1 axes and the stack at most MAX_ELEMS elements. x may be outside:
 * then it is repeated. */
NodeId node_stack(Graph *g, NodeId scan, NodeId x);
NodeId node_at_iteration(Graph *g, NodeId x, uint32_t loop, int32_t scale, int32_t offset);
/* Whether x, i32 of rank 0, is scale * iteration + offset of one loop. */
bool node_affine(const Graph *g, NodeId x, uint32_t *loop, int64_t *scale, int64_t *offset);
/* A node like n (of any graph) over other operands of the same shapes and types. */
NodeId node_again(Graph *g, const Node *n, const NodeId *args);
/* Exactly this node, without the identities that builders apply. */
NodeId node_make(Graph *g, const Node *n);
/* Whether every element of x is one number, and which. */
bool node_uniform(const Graph *g, NodeId x, double *value);

/* ---- Program ------------------------------------------------------------------------------- */

typedef enum VarKind { VAR_INPUT, VAR_PARAM, VAR_STATE } VarKind;
typedef enum InitKind { INIT_CONSTANT, INIT_UNIFORM, INIT_NORMAL, INIT_LITERAL } InitKind;

typedef struct DataSource { /* of an input: what its `from` said */
    const char *path;       /* NULL: none */
    const char *what;       /* "", "columns", "chars", "bytes" */
    int32_t begin, end;     /* columns begin:end; one column: end = begin + 1 */
    bool single;            /* `columns 64`, not `64:65`: the sample has no column axis */
    int32_t axis;           /* the sample axis, default 0 */
} DataSource;

/* What a source takes of its file, as a program says it: " columns 0:64", " chars", or nothing. */
void text_selection(Text *t, const DataSource *s);

typedef struct Variable {
    VarKind kind;
    const char *name; /* full path, "h.w", "h.w:adam.m" */
    const char
        *variant; /* NULL, or what follows '@' in the program: the entry it belongs to alone */
    DType dtype;
    Shape shape;
    InitKind init;
    double a, b;          /* constant a; uniform a..b; normal mean a, std b */
    const double *values; /* INIT_LITERAL, row-major */
    DataSource source;
    Span span;
} Variable;

typedef struct Output {
    const char *name;
    NodeId node;
} Output;

typedef struct Update {
    uint32_t var;
    NodeId node; /* of the variable's type and shape */
} Update;

typedef struct Derivative { /* a gradient that the program takes: d y / d wrt */
    NodeId y, wrt, gradient;
} Derivative;

typedef struct Entry {
    const char *name;
    const char *variant; /* NULL, or "1" for the batch-1 variant: written NAME@1 */
    Graph graph;
    VEC(Output) outputs;
    VEC(Update) updates;
    VEC(Derivative) derivatives; /* of the graph as it was lowered; none after a pass */
    Span span;
} Entry;

typedef struct ConstValue {
    const char *name;
    double value;
} ConstValue;

typedef struct SourceNumber { /* a number of the program's file */
    Span span;
    double value;
} SourceNumber;

typedef struct Program {
    Arena *arena;
    const char *model;         /* the file's name without directory and ending */
    const char *path;          /* as the user gave it */
    Sources *sources;          /* for the source lines in the program's comments; may be NULL */
    VEC(SourceNumber) numbers; /* in order */
    VEC(ConstValue) consts;
    VEC(Variable) vars;
    VEC(Entry *) entries; /* a batch-1 variant follows its entry */
} Program;

/* ---- The passes over a graph, by file ------------------------------------------------------ */

/* lower.c: checks the tree against the rules of the language and elaborates it, entry by entry.
 * Returns NULL when there were errors (all of them are in diags). `defines`: -D name=value. */
struct Ast;
struct CompileOptions;
Program *lower_program(Arena *arena, Names *names, Diags *diags, const struct Ast *prelude,
                       const struct Ast *ast, const struct CompileOptions *options);

/* grad_sweep.c: d y / d wrt[i] for each i, as new nodes of the graph; NO_NODE where there is no path.
 * Requires: y has rank 0 and is f32. One GRADSUM where a node has more than one contribution. False when
 * what a loop would have to keep for it has too many axes or elements. */
bool grad_build(Graph *g, NodeId y, const NodeId *wrt, uint32_t n, NodeId *out);
/* Where grad_build found none of them: the node nearest to y through which no gradient goes, of those on paths from a
 * wrt[i]. NO_NODE: y does not depend on any of them. */
NodeId grad_barrier(Graph *g, NodeId y, const NodeId *wrt, uint32_t n);

/* graph.c: what holds of every graph between passes. NULL, or what is wrong (in the arena). */
const char *graph_verify(const Graph *g, Arena *arena);

/* simplify.c: of each node, whether an output or update needs it. */
bool *graph_needed(const Entry *e, Arena *arena);

/* graph_print.c: the graph as .dlg text (--emit graph). */
void graph_print(const Program *p, Text *out);

/* interp.c: the reference, in double precision. `vars[i]` holds the elements of variable i (may be
 * NULL if the graph does not read it); results[id] is set for every node, in the arena. f32 values
 * are not rounded. */
void interp_run(const Graph *g, Arena *arena, double *const *vars, double **results);

/* The same with every f32 result, and every sum on the way to one, rounded to f32: what rounding alone
 * does to a value is how far it is from that of interp_run. `way`, from 1 on, decides the neighbour that
 * a number becomes: 1 the nearest, another one at random, but equal numbers become equal ones. */
void interp_run_f32(const Graph *g, Arena *arena, double *const *vars, uint64_t way,
                    double **results);

/* The same for way > 0, or as interp_run for 0, but only the values of nodes that are to be kept stay, and those inside
 * loops; the memory of others is used again as soon as nothing needs them, and their result is NULL. interp_bytes says
 * how much lives at one time, and interp_operations about how long it takes: in steps of a contraction. */
void interp_run_some(const Graph *g, Arena *arena, double *const *vars, uint64_t way,
                     const bool *keep, double **results);
double interp_bytes(const Graph *g, Arena *arena, const bool *keep);
double interp_operations(const Graph *g);

/* The same, and how every value changes when the variables change by dvars: the forward-mode derivative, with
 * rules of its own, against which gradients are held. Source: Wengert 1964. */
void interp_tangent(const Graph *g, Arena *arena, double *const *vars, double *const *dvars,
                    double **results, double **tangents);

#endif

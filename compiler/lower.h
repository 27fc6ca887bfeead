/* lower: from the syntax tree to a Program. Private to lower*.c, the only files that see both.
 *
 * Elaboration runs the program at compile time: numbers are computed, functions are inlined, loops
 * are unrolled, and what is left are nodes of a graph. Each entry elaborates all top-level items
 * afresh into its own graph; variables are shared through Program.vars.
 *
 * A Value is what an expression gives. VALUE_ERROR poisons quietly: the error was reported where it
 * arose, and whatever is made of it is an error value again, without a second report. */
#ifndef DLG_LOWER_H
#define DLG_LOWER_H

#include "ast.h"
#include "compile.h"
#include "habit.h"
#include "ir.h"

#define SCAN_MAX_DEPTH       8       /* as many as a program may nest (docs/program-format.md) */
#define LOWER_MAX_DEPTH      30000   /* nested expressions, statements and calls in all */
#define LOWER_MAX_ITERATIONS 100000  /* of `for` loops, in one elaboration */
#define LOWER_MAX_NODES      500000  /* of all graphs */
#define LOWER_MAX_STEPS      3000000 /* expressions evaluated, in all */

typedef enum ValueKind {
    VALUE_ERROR,
    VALUE_NONE,    /* of a call that returns nothing */
    VALUE_NUMBER,  /* number, real */
    VALUE_BOOL,    /* flag, known at compile time */
    VALUE_TENSOR,  /* node */
    VALUE_TUPLE,   /* items, count */
    VALUE_DTYPE,   /* dtype */
    VALUE_STRING,  /* string */
    VALUE_FN,      /* fn */
    VALUE_BUILTIN, /* string: its name */
    VALUE_INIT,    /* init, a, b: uniform(a, b) */
} ValueKind;

typedef struct Function Function;

typedef struct Value {
    ValueKind kind;
    union {
        struct {
            double number;
            bool real; /* written with '.' or an exponent, or the result of / and the like */
        };
        bool flag;
        NodeId node;
        struct {
            DType dtype;
            bool of_tensor; /* dtype(x) gave it */
        };
        const char *string;
        const Function *fn;
        struct {
            struct Value *items;
            uint32_t count;
        };
        struct {
            InitKind init;
            double a, b;
        };
    };
} Value;

#define ERROR_VALUE ((Value){.kind = VALUE_ERROR})
#define NO_VAR      UINT32_MAX

/* A name in a scope. `older` keeps what a top-level binding was when a function was defined: the
 * function means the latest binding above itself. */
typedef struct Symbol {
    const char *name;
    Value value;
    uint32_t var;  /* NO_VAR, or the variable that the name stands for */
    bool declared; /* const, input, param, state: may not be bound again */
    Span span;     /* where it was bound last */
    uint32_t seq;
    uint32_t next; /* in its bucket */
    struct Symbol *older;
    struct Symbol *much_older; /* further back: see older_than */
    uint32_t age;              /* how many older ones there are */
} Symbol;

typedef struct Scope {
    VEC(Symbol) symbols;
    uint32_t *bucket; /* index + 1 */
    uint32_t bucket_count;
} Scope;

/* The bindings and iterations under which something is made: `block[3].w`. */
typedef struct Loop {
    const struct Loop *outer;
    int32_t index;
} Loop;

typedef struct Path {
    const struct Path *parent;
    const char *name;
    const Loop *loops;
    bool root; /* the name is a path of its own: "h.w:adam" */
} Path;

struct Function {
    const Stmt *stmt; /* STMT_FN or STMT_OPTIMIZER */
    const char *name;
    bool prelude;
    uint32_t seq; /* of its definition in this elaboration; UINT32_MAX: not reached yet */
    bool called;  /* in any elaboration */
    bool open;    /* a call of it is being inlined */
};

typedef struct Module { /* one source file: the user's or the prelude */
    const Ast *ast;
    bool prelude;
    uint32_t file;
    VEC(Function) fns;
    Scope fn_names;    /* name -> index in fns, as a number */
    Scope param_names; /* declared at the top level */
    Stmts items;       /* what every elaboration runs: all but the entries */
    Scope top;         /* of this elaboration */
    uint32_t last_fn_seq;
} Module;

typedef enum FrameKind { FRAME_TOP, FRAME_FN, FRAME_OPTIMIZER, FRAME_BLOCK } FrameKind;

typedef struct Scan Scan; /* lower_scan.c */

typedef struct Frame {
    FrameKind kind;
    struct Frame *caller;
    const Function *fn;
    Module *module;
    Span call_span;
    uint32_t seq_limit; /* top-level bindings after it are not seen */
    Scope *scope;       /* FRAME_TOP: of the module */
    const Loop *loops;
    Scan *scan; /* the innermost whose body is at work in this frame, or NULL */
    bool returned;
    Value result;
} Frame;

/* What an elaboration knows of a variable beside Program.vars. */
typedef struct VarInfo {
    const char *batch_const; /* the const that names the sample axis, or NULL */
    const Exprs *dims;       /* as its declaration wrote them, or NULL */
    uint32_t declared_by;    /* the elaboration that met it last */
    Span declared_at;
    NodeId current; /* what reading it gives: NO_NODE: itself; after an update: the new value */
    bool updated;
    Span updated_at;
} VarInfo;

typedef struct Override {
    const char *name;
    const Expr *value; /* NULL: number */
    double number;
    bool number_is_bool, real;
    Span span;
    bool used;
} Override;

typedef VEC(Scope *) Scopes;

typedef struct Minimize { /* the statement at work, for global_norm */
    const NodeId *grads;
    uint32_t count;
    NodeId norm; /* NO_NODE: not asked for yet */
} Minimize;

typedef struct Lower {
    Arena *arena;
    Names *names;
    Diags *diags;
    Program *program;
    const CompileOptions *options;
    Module user, prelude;
    VEC(VarInfo) vars; /* beside program->vars */
    Scope var_index;   /* "name" or "name@variant" -> variable, in the order of program->vars */
    VEC(Override) defines;
    Scope const_names; /* of program->consts */
    uint64_t steps;
    uint64_t nodes;       /* of the graphs that are done */
    Scopes spare;         /* scopes of calls that have returned, to be used again */
    uint32_t errors;      /* all that lower_error was told of, the repeated ones too */
    uint32_t elaboration; /* counts them, from 1 */
    bool fatal;           /* a limit was passed: stop quietly */
    uint32_t step_var;    /* NO_VAR until somebody reads `step` */
    uint32_t seed_var;    /* NO_VAR until something random is drawn */

    /* One elaboration. */
    Graph *g;
    Entry *entry; /* NULL: none */
    const char *variant;
    Frame *frame;
    uint32_t loop; /* of the graph: the `scan` whose body is at work, in whatever frame; 0: none */
    uint32_t open_loops[SCAN_MAX_DEPTH]; /* the loops around it and itself, by depth */
    Scope draws;                         /* path -> the count of random draws under it, less one */
    const Path *path;
    bool training, updates_param;
    bool named; /* each binding is a node of its own (OP_NAMED): a gradient is taken by one */
    bool again; /* one is, and they are not: stop quietly, and elaborate once more */
    bool variant_failed;         /* a batch-1 elaboration met a state of another shape */
    const char *no_declarations; /* why params may not be declared here, or NULL */
    VEC(Override) overrides;
    Scope paths;              /* full path -> variable, declared in this elaboration */
    VEC(uint32_t) order;      /* the variables of `paths`, as declared */
    const Scope *known_paths; /* of the pass before this one */
    bool missing_path;        /* a dotted name was met that only a later line declares */
    bool report_missing_paths;
    const Minimize *minimizing;
    const Shape *init_shape;  /* while an initialiser is evaluated */
    bool initial;             /* while an initial value is, after `~` or `=` */
    bool sizing;              /* while the sizes of a type are */
    bool in_columns;          /* while the columns of a source are */
    const Value *updating;    /* by what, while the name of what is updated is looked up */
    VEC(const Expr *) warned; /* calls that lower_warn_habit told of */
    uint32_t iterations, depth, nesting, seq;
} Lower;

/* An operand in the terms of the user, for messages. */
typedef struct Operand {
    Value value;
    const Expr *expr; /* may be NULL */
    Span span;
} Operand;

/* ---- lower_scope.c ------------------------------------------------------------------------------ */

Symbol *scope_find(const Scope *s, const char *name);
Symbol *scope_add(Arena *a, Scope *s, Symbol symbol);
void scope_truncate(Scope *s, uint32_t len); /* forgets the symbols that were added last */
Scope *lower_open_scope(Lower *L);           /* an empty one, for a call */
void lower_close_scope(Lower *L, Scope *s);

Function *lower_find_function(Lower *L, const Module *from, const char *name);
/* What a plain or dotted name stands for. NULL when nothing (nothing is reported). */
const Symbol *lower_find_symbol(Lower *L, const char *name);
/* The variable of a full or relative path: `h.w`. NO_VAR when none is known. */
uint32_t lower_find_path(Lower *L, const char *name);
Value lower_name(Lower *L, const Expr *e);
void lower_bind(Lower *L, Ident target, Value value, bool rename);
/* What `e` gave, as a name is bound to it: where L->named, a node that is the name's alone. A name of a name
 * is the same value. e NULL: no expression. */
Value lower_own(Lower *L, Value v, const Expr *e);
void lower_declare(Lower *L, Ident name, Value value, uint32_t var);
const char *lower_path_text(Lower *L, const Path *p, Ident name);
/* Reports that nothing is called `name`, with the nearest that is. */
void lower_unknown_name(Lower *L, const char *name, Span at);

/* An error at `at`. Inside the prelude the user's call comes first. Its calls are noted. */
Diag *lower_error(Lower *L, DiagCode code, Span at, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A further span, unless it is in the prelude. */
void lower_point(Lower *L, Diag *d, Span at, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* "x is f32 64x32", with a span where x was made, for each tensor of the operands. */
void lower_point_origins(Lower *L, Diag *d, const Operand *x, uint32_t n);
const char *lower_describe(Lower *L, const Operand *x); /* "x is 64x32" */
const char *lower_kind_text(Lower *L, const Value *v);  /* "a number", "a tensor of i32 64" */
void lower_enter(Lower *L, Span at); /* one level deeper; the caller takes it off `depth` */
bool lower_limit(Lower *L, Span at); /* counts one step; false when a limit is passed */

/* ---- lower_expr.c ------------------------------------------------------------------------------- */

Value lower_expr(Lower *L, const Expr *e);
Value lower_binary(Lower *L, AstOp op, const Operand *x, Span at);
Value lower_elementwise(Lower *L, Op op, const Operand *x, uint32_t n, Span at);
Value number_value(double v, bool real);
Value tensor_value(NodeId id);
/* A value as a tensor: a number becomes one of type t. False (reported) for what is none. */
bool lower_tensor(Lower *L, const Operand *x, DType t, NodeId *out);
/* As above, of the type that a number on its own gets: f32, or bool for true and false. */
bool lower_any_tensor(Lower *L, const Operand *x, NodeId *out);
NodeId lower_counted(Lower *L, NodeId x);  /* as the type that it counts as */
DType lower_common_type(DType a, DType b); /* in which tensors are joined; a storage type stays */
bool lower_whole(Lower *L, const Operand *x, const char *what, int32_t lo, int32_t hi,
                 int32_t *out);
bool lower_condition(Lower *L, const Expr *e, const char *what, bool *out);
bool lower_check_shape(Lower *L, const Shape *s, Span at); /* E0402, E0406 */
bool lower_is_whole(double v);
bool lower_in_range(Lower *L, DType t, double v, Span at); /* false: reported */

/* ---- lower_shape.c: matrix products, subscripts, literals ---------------------------------------- */

Value lower_matmul(Lower *L, const Operand *x, Span at);
Value lower_transpose(Lower *L, const Operand *x, Span at);
Value lower_index(Lower *L, const Expr *e);
Value lower_literal(Lower *L, const Expr *e);
bool lower_broadcast_shape(const Shape *a, const Shape *b, Shape *out);

/* ---- lower_call.c ------------------------------------------------------------------------------- */

#define BUILTIN_FORMALS 5

/* The arguments of a builtin, matched to its formals. */
typedef struct Given {
    const Expr *call;
    Span at;
    Operand slot[BUILTIN_FORMALS]; /* by formal; VALUE_NONE when left out */
    Operand *rest;                 /* of a variadic one: what is left of the positional ones */
    uint32_t rest_count;
} Given;

typedef struct Builtin {
    const char *name;
    Value (*run)(Lower *L, const Given *given, int which);
    int which;
    int required;  /* so many formals must be given */
    bool variadic; /* positional arguments beyond `required` are the rest */
    const char *formals[BUILTIN_FORMALS];
} Builtin;

/* lower_builtin.c; nothing is sorted, names end with a NULL name */
extern const Builtin lower_builtins[];
/* The table's row; or for an elementwise operator one made of op_info. False: no such builtin. */
bool lower_find_builtin(const char *name, Builtin *out);

Value lower_call(Lower *L, const Expr *e);
/* Runs a function's or optimizer's body in a frame of its own. `by` is the call: EXPR_CALL, or
 * EXPR_NAME without arguments. The first `skip` formals were bound in `scope` by the caller. */
Value lower_call_function(Lower *L, Function *fn, const Expr *by, uint32_t skip, Scope *scope);

/* lower_view.c: builtins that make and move tensors */
Value builtin_size(Lower *L, const Given *a, int which);
Value builtin_dtype(Lower *L, const Given *a, int which);
Value builtin_fill(Lower *L, const Given *a, int which);
Value builtin_iota(Lower *L, const Given *a, int which);
Value builtin_like(Lower *L, const Given *a, int which);
Value builtin_reshape(Lower *L, const Given *a, int which);
Value builtin_permute(Lower *L, const Given *a, int which);
Value builtin_expand(Lower *L, const Given *a, int which);
Value builtin_slice(Lower *L, const Given *a, int which);
Value builtin_pad(Lower *L, const Given *a, int which);
Value builtin_window(Lower *L, const Given *a, int which);
Value builtin_scatter(Lower *L, const Given *a, int which);
Value builtin_expand_dims(Lower *L, const Given *a, int which);
Value builtin_concat(Lower *L, const Given *a, int which);
/* The sizes that follow the formals. False: reported. */
bool lower_sizes(Lower *L, const Given *a, Shape *s);
/* An axis of a tensor of `rank` axes; negative ones count from the end. */
bool lower_axis(Lower *L, const Operand *x, int rank, int32_t *out);

/* ---- lower_habit.c ------------------------------------------------------------------------------ */

/* Whether `name` is something planned: then E0801 is reported. */
bool lower_planned(Lower *L, const char *name, Span at);
/* Warns, once, of a call of the prelude that is no error, but most likely a mistake. */
void lower_warn_habit(Lower *L, const Expr *call);
/* Helps where one value was wanted of e, and v is none, several, or a function. */
void lower_help_missing_value(Lower *L, Diag *d, const Value *v, const Expr *e);

/* ---- lower_stmt.c ------------------------------------------------------------------------------- */

void lower_stmts(Lower *L, const Stmts *body);

/* ---- lower_einsum.c ----------------------------------------------------------------------------- */

Value builtin_einsum(Lower *L, const Given *a, int which);

/* ---- lower_random.c ----------------------------------------------------------------------------- */

Value builtin_random(Lower *L, const Given *a, int which);

/* ---- lower_scan.c ------------------------------------------------------------------------------- */

void lower_scan(Lower *L, const Stmt *s);
void lower_yield(Lower *L, const Stmt *s);
/* Whether a binding of `target`, whose symbol is s or NULL, stays in the body of the scan at work. */
bool lower_scan_keeps(Lower *L, const Symbol *s, Ident target);

/* ---- lower_var.c -------------------------------------------------------------------------------- */

void lower_variable(Lower *L, const Stmt *s);             /* input, param, state */
const char *lower_type_text(Lower *L, const Variable *v); /* as it is declared: "f32[2, 3]" */
/* The same with the names of its dimensions, "f32[batch = 64, 3]"; NULL: none has one. */
const char *lower_named_type(Lower *L, uint32_t var);
/* Reads variable `var` now: its node, or what the last update made of it. */
NodeId lower_read(Lower *L, uint32_t var);
NodeId lower_var_node(Lower *L, uint32_t var);            /* its value at the entry's start */
uint32_t lower_add_variable(Lower *L, const Variable *v); /* one that no statement declares */
uint32_t lower_step(Lower *L);                            /* the step counter, made on first use */

/* ---- lower_update.c ----------------------------------------------------------------------------- */

void lower_update(Lower *L, const Stmt *s);
/* How a state is declared that takes such values, as a help line. */
const char *lower_state_help(Lower *L, const char *name, const Value *v);
void lower_minimize(Lower *L, const Stmt *s);
Value lower_grad(Lower *L, const Expr *e);
Value lower_global_norm(Lower *L);

#endif

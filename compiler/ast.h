/* ast: the syntax tree, as the grammar builds it. No names are resolved and no shapes are known.
 * Every node has its span. Lists keep source order. The tree lives in the compilation's arena. */
#ifndef DLG_AST_H
#define DLG_AST_H

#include "diag.h"
#include "util.h"

typedef enum ExprKind {
    EXPR_NUMBER,    /* number, integral */
    EXPR_STRING,    /* string: assert messages, include */
    EXPR_NAME,      /* name: "h", or dotted "h.w" */
    EXPR_UNARY,     /* op, a: '-' or "not" */
    EXPR_BINARY,    /* op, a, b */
    EXPR_TRANSPOSE, /* a' */
    EXPR_CALL,      /* name, args */
    EXPR_INDEX,     /* a, subscripts */
    EXPR_TENSOR,    /* list: [e, e, ...] */
    EXPR_TUPLE,     /* list: return a, b */
} ExprKind;

typedef enum AstOp {
    AST_ADD,
    AST_SUB,
    AST_MUL,
    AST_DIV,
    AST_IDIV,
    AST_MOD,
    AST_POW,
    AST_MATMUL,
    AST_EQ,
    AST_NE,
    AST_LT,
    AST_LE,
    AST_GT,
    AST_GE,
    AST_AND,
    AST_OR,
    AST_NEG,
    AST_NOT,
} AstOp;

typedef struct Expr Expr;

typedef struct Arg {
    const char *name; /* NULL: positional */
    Span name_span;
    Expr *value;
} Arg;

typedef enum SubscriptKind { SUBSCRIPT_INDEX, SUBSCRIPT_SLICE, SUBSCRIPT_ELLIPSIS } SubscriptKind;

typedef struct Subscript {
    SubscriptKind kind;
    Span span;
    Expr *index;              /* SUBSCRIPT_INDEX */
    Expr *begin, *end, *step; /* SUBSCRIPT_SLICE: each may be NULL */
} Subscript;

typedef VEC(Arg) Args;
typedef VEC(Subscript) Subscripts;
typedef VEC(Expr *) Exprs;

struct Expr {
    ExprKind kind;
    AstOp op;
    Span span;
    uint32_t depth; /* 1 + the deepest child's: the builders refuse more than AST_MAX_DEPTH */
    double number;
    bool integral;    /* written without '.' and exponent */
    const char *name; /* interned; also the text of EXPR_STRING */
    Span name_span;   /* EXPR_CALL: of the callee's name */
    Expr *a, *b;
    Args args;
    Subscripts subscripts;
    Exprs list;
};

#define AST_MAX_DEPTH      10000
#define AST_MAX_NAME_BYTES 1024
#define AST_MAX_NAMES      1000 /* in one list: arguments of a fn, constants of a line, outputs */

typedef struct Ident {
    const char *name; /* interned; NULL: left out */
    Span span;
} Ident;

/* f32[batch, 64] */
typedef struct TypeExpr {
    Ident dtype; /* name NULL: no type was written (`state v = zeros_like(p)`) */
    Exprs dims;
    Span span;
} TypeExpr;

/* from "digits.csv" columns 0:64 axis 0. Options are kept as written; lower checks them. */
typedef struct SourceOption {
    Ident name;       /* "columns", "axis", "chars", "bytes", ... */
    Expr *value, *to; /* each may be NULL: `columns 64`, `columns 0:64`, `chars` */
    bool range;       /* a ':' was written: `columns :64` has to, no value */
} SourceOption;

typedef VEC(SourceOption) SourceOptions;

typedef struct SourceClause {
    bool present;
    const char *path;
    Span span;
    SourceOptions options;
} SourceClause;

typedef struct Param { /* a formal parameter of fn or optimizer */
    Ident name;
    Expr *fallback; /* NULL: required */
} Param;

typedef struct NamedValue { /* const a = 1; with h = h0; entry outputs */
    Ident name;             /* entry outputs: NULL when not written */
    Expr *value;
} NamedValue;

typedef VEC(Ident) Idents;
typedef VEC(Param) Params;
typedef VEC(NamedValue) NamedValues;

typedef enum StmtKind {
    STMT_CONST,     /* values */
    STMT_INPUT,     /* name, type, source */
    STMT_PARAM,     /* name, type, value; tilde tells `~ init()` from `= value` */
    STMT_STATE,     /* the same */
    STMT_FN,        /* name, params, body */
    STMT_OPTIMIZER, /* name, params, body */
    STMT_FOR,       /* name, from, to, body */
    STMT_SCAN,      /* targets, name, from, to, values (with), body */
    STMT_IF,        /* value (condition), body, orelse */
    STMT_INCLUDE,   /* path */
    STMT_BIND,      /* targets = value */
    STMT_UPDATE,    /* target (dotted name) <- value */
    STMT_RETURN,    /* value (EXPR_TUPLE when several), may be NULL */
    STMT_YIELD,     /* value */
    STMT_MINIMIZE, /* value (the loss), over (dotted names), except, by (an EXPR_CALL or EXPR_NAME) */
    STMT_ENTRY,    /* name, values (with), outputs, body */
    STMT_EXPR,     /* value: a call for its effect, such as assert(...) */
} StmtKind;

typedef struct Stmt Stmt;
typedef VEC(Stmt *) Stmts;

struct Stmt {
    StmtKind kind;
    Span span; /* the whole statement; its head only where it has a body */
    Ident name;
    uint32_t depth; /* like Expr's: 1 + the deepest of its parts */
    Idents targets;
    TypeExpr type;
    SourceClause source;
    Params params;
    NamedValues values;
    NamedValues outputs;
    Idents over;
    Expr *value, *from, *to, *by;
    bool tilde;
    const char *path;
    Stmts body, orelse;
    bool has_block; /* STMT_ENTRY */
    bool except;    /* STMT_MINIMIZE: all but `over` */
};

typedef VEC(const Expr *) Numbers;

typedef struct Ast {
    uint32_t file; /* index in Sources */
    Stmts items;
    Numbers numbers; /* as they stand in the text */
} Ast;

/* Parses one source file. Syntax errors go to `diags`; the tree holds what could be read.
 * Requires: the file is in diags->sources. Names are interned in `names`. */
Ast *ast_parse(Arena *arena, Names *names, Diags *diags, uint32_t file);

/* Builders that the grammar calls are in ast_build.h. */
#endif

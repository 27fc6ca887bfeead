/* ast_build: what the grammar calls, and the state that scanner, grammar and builders share.
 *
 * Builders copy nothing: names are interned, nodes and lists live in the parser's arena. A builder
 * whose result would nest deeper than AST_MAX_DEPTH reports E0107 once and ends the parse. */
#ifndef DLG_AST_BUILD_H
#define DLG_AST_BUILD_H

#include "ast.h"

typedef struct NumberValue {
    double value;
    bool integral;
} NumberValue;

typedef struct Lexer Lexer; /* scan.h */

typedef struct Parser {
    Arena *arena;
    Names *names;
    Diags *diags;
    uint32_t file;
    Ast *ast;
    Lexer *lexer;
    bool fatal; /* reported; the rest of the file is not worth reading */
} Parser;

/* Expressions. */
Expr *ast_number(Parser *p, Span span, NumberValue number);
Expr *ast_string(Parser *p, Span span, const char *text);
Expr *ast_name(Parser *p, Span span, const char *name);
Expr *ast_unary(Parser *p, Span span, AstOp op, Expr *a);
Expr *ast_binary(Parser *p, AstOp op, Expr *a, Expr *b);
Expr *ast_transpose(Parser *p, Span span, Expr *a);
Expr *ast_call(Parser *p, Span span, Ident callee, Args *args);
Expr *ast_index(Parser *p, Span span, Expr *a, Subscripts *subscripts);
Expr *ast_paren(Span span, Expr *e); /* e, with the span of its parentheses */
Expr *ast_list(Parser *p, Span span, ExprKind kind, Exprs *list); /* EXPR_TENSOR, EXPR_TUPLE */

/* Lists: NULL makes a new one. Those of names end at AST_MAX_NAMES (E0602). */
Exprs *ast_exprs(Parser *p, Exprs *list, Expr *e);
Args *ast_args(Parser *p, Args *list, Ident name, Expr *value);
Subscripts *ast_subscripts(Parser *p, Subscripts *list, Subscript s);
Idents *ast_idents(Parser *p, Idents *list, Ident name);
Params *ast_params(Parser *p, Params *list, Ident name, Expr *fallback);
NamedValues *ast_named(Parser *p, NamedValues *list, Ident name, Expr *value);
Stmts *ast_stmts(Parser *p, Stmts *list, Stmt *s); /* s may be NULL: nothing is added */
SourceOptions *ast_option(Parser *p, SourceOptions *list, Ident name, Expr *value, bool range,
                          Expr *to);

/* Parts. */
Ident ast_path(Parser *p, Span span, Ident path, NumberValue index); /* "block[3]" */
TypeExpr *ast_type(Parser *p, Span span, Ident dtype, Exprs *dims);
SourceClause *ast_source(Parser *p, Span span, const char *path, SourceOptions *options);

/* Statements. Lists may be NULL: empty. */
Stmt *ast_const(Parser *p, Span span, NamedValues *values);
Stmt *ast_input(Parser *p, Span span, Ident name, TypeExpr *type, SourceClause *source);
Stmt *ast_variable(Parser *p, Span span, StmtKind kind, Ident name, TypeExpr *type, bool tilde,
                   Expr *value);
Stmt *ast_function(Parser *p, Span span, StmtKind kind, Ident name, Params *params, Stmts *body);
Stmt *ast_for(Parser *p, Span span, Ident name, Expr *from, Expr *to, Stmts *body);
Stmt *ast_scan(Parser *p, Span span, Idents *targets, Ident name, Expr *from, Expr *to,
               NamedValues *with, Stmts *body);
Stmt *ast_if(Parser *p, Span span, Expr *condition, Stmts *body, Stmts *orelse);
Stmt *ast_include(Parser *p, Span span, const char *path);
Stmt *ast_bind(Parser *p, Span span, Idents *targets, Expr *value);
Stmt *ast_update(Parser *p, Span span, Ident target, Expr *value);
Stmt *ast_value(Parser *p, Span span, StmtKind kind, Expr *value); /* return, yield, expression */
Stmt *ast_minimize(Parser *p, Span span, Expr *loss, Idents *over, bool except, Expr *by);
Stmt *ast_entry(Parser *p, Span span, Ident name, NamedValues *with, NamedValues *outputs,
                bool has_block, Stmts *body);

/* parse.c: reports E0107 once and ends the parse. */
void parse_too_deep(Parser *p, Span at);

#endif

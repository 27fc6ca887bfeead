/* ast: builds the nodes of the syntax tree for the grammar (ast_build.h).
 *
 * Requires: spans of one file, in source order. Establishes: every node has its span and its depth,
 * which is at most AST_MAX_DEPTH, so that whoever walks the tree may recurse. */
#include "ast_build.h"

static uint32_t deeper(uint32_t depth, const Expr *e) {
    return e && e->depth > depth ? e->depth : depth;
}

/* 1 + depth; beyond the limit the parse ends and the tree is not used. */
static uint32_t limit_depth(Parser *p, Span at, uint32_t depth) {
    if (depth < AST_MAX_DEPTH) return depth + 1;
    parse_too_deep(p, at);
    return 1;
}

/* ---- Expressions ------------------------------------------------------------------------------ */

static Expr *expr_new(Parser *p, ExprKind kind, Span span, uint32_t depth) {
    Expr *e = NEW(p->arena, Expr);
    e->kind = kind;
    e->span = span;
    e->depth = limit_depth(p, span, depth);
    return e;
}

Expr *ast_number(Parser *p, Span span, NumberValue number) {
    Expr *e = expr_new(p, EXPR_NUMBER, span, 0);
    e->number = number.value;
    e->integral = number.integral;
    vec_push(p->arena, &p->ast->numbers, e);
    return e;
}

Expr *ast_string(Parser *p, Span span, const char *text) {
    Expr *e = expr_new(p, EXPR_STRING, span, 0);
    e->name = text;
    return e;
}

Expr *ast_name(Parser *p, Span span, const char *name) {
    Expr *e = expr_new(p, EXPR_NAME, span, 0);
    e->name = name;
    return e;
}

Expr *ast_unary(Parser *p, Span span, AstOp op, Expr *a) {
    Expr *e = expr_new(p, EXPR_UNARY, span, a->depth);
    e->op = op;
    e->a = a;
    return e;
}

Expr *ast_binary(Parser *p, AstOp op, Expr *a, Expr *b) {
    Expr *e = expr_new(p, EXPR_BINARY, span_join(a->span, b->span), deeper(a->depth, b));
    e->op = op;
    e->a = a;
    e->b = b;
    return e;
}

Expr *ast_transpose(Parser *p, Span span, Expr *a) {
    Expr *e = expr_new(p, EXPR_TRANSPOSE, span, a->depth);
    e->a = a;
    return e;
}

Expr *ast_call(Parser *p, Span span, Ident callee, Args *args) {
    uint32_t depth = 0;
    for (uint32_t i = 0; args && i < args->len; i++) depth = deeper(depth, args->at[i].value);
    Expr *e = expr_new(p, EXPR_CALL, span, depth);
    e->name = callee.name;
    e->name_span = callee.span;
    if (args) e->args = *args;
    return e;
}

Expr *ast_index(Parser *p, Span span, Expr *a, Subscripts *subscripts) {
    uint32_t depth = a->depth;
    for (uint32_t i = 0; i < subscripts->len; i++) {
        const Subscript *s = &subscripts->at[i];
        depth = deeper(deeper(depth, s->index), s->begin);
        depth = deeper(deeper(depth, s->end), s->step);
    }
    Expr *e = expr_new(p, EXPR_INDEX, span, depth);
    e->a = a;
    e->subscripts = *subscripts;
    return e;
}

Expr *ast_paren(Span span, Expr *e) {
    e->span = span;
    return e;
}

Expr *ast_list(Parser *p, Span span, ExprKind kind, Exprs *list) {
    uint32_t depth = 0;
    for (uint32_t i = 0; list && i < list->len; i++) depth = deeper(depth, list->at[i]);
    Expr *e = expr_new(p, kind, span, depth);
    if (list) e->list = *list;
    return e;
}

/* ---- Lists and parts -------------------------------------------------------------------------- */

/* Names of a list are compared with each other later: it has to be short. */
static void limit_names(Parser *p, uint32_t len, Span at) {
    if (len <= AST_MAX_NAMES || p->fatal) return;
    p->fatal = true;
    diag_error(p->diags, E0602, at, "more than %d names in one list", AST_MAX_NAMES);
}

Exprs *ast_exprs(Parser *p, Exprs *list, Expr *e) {
    list = list ? list : NEW(p->arena, Exprs);
    vec_push(p->arena, list, e);
    return list;
}

Args *ast_args(Parser *p, Args *list, Ident name, Expr *value) {
    list = list ? list : NEW(p->arena, Args);
    vec_push(p->arena, list, (Arg){name.name, name.span, value});
    return list;
}

Subscripts *ast_subscripts(Parser *p, Subscripts *list, Subscript s) {
    list = list ? list : NEW(p->arena, Subscripts);
    vec_push(p->arena, list, s);
    return list;
}

Idents *ast_idents(Parser *p, Idents *list, Ident name) {
    list = list ? list : NEW(p->arena, Idents);
    vec_push(p->arena, list, name);
    limit_names(p, list->len, name.span);
    return list;
}

Params *ast_params(Parser *p, Params *list, Ident name, Expr *fallback) {
    list = list ? list : NEW(p->arena, Params);
    vec_push(p->arena, list, (Param){name, fallback});
    limit_names(p, list->len, name.span);
    return list;
}

NamedValues *ast_named(Parser *p, NamedValues *list, Ident name, Expr *value) {
    list = list ? list : NEW(p->arena, NamedValues);
    vec_push(p->arena, list, (NamedValue){name, value});
    limit_names(p, list->len, name.span);
    return list;
}

Stmts *ast_stmts(Parser *p, Stmts *list, Stmt *s) {
    list = list ? list : NEW(p->arena, Stmts);
    if (s) vec_push(p->arena, list, s);
    return list;
}

SourceOptions *ast_option(Parser *p, SourceOptions *list, Ident name, Expr *value, bool range,
                          Expr *to) {
    list = list ? list : NEW(p->arena, SourceOptions);
    vec_push(p->arena, list,
             (SourceOption){.name = name, .value = value, .to = to, .range = range});
    limit_names(p, list->len, name.span);
    return list;
}

Ident ast_path(Parser *p, Span span, Ident path, NumberValue index) {
    char *text = arena_printf(p->arena, "%s[%.0f]", path.name, index.value);
    return (Ident){names_str(p->names, text), span};
}

TypeExpr *ast_type(Parser *p, Span span, Ident dtype, Exprs *dims) {
    TypeExpr *t = NEW(p->arena, TypeExpr);
    t->dtype = dtype;
    t->span = span;
    if (dims) t->dims = *dims;
    return t;
}

SourceClause *ast_source(Parser *p, Span span, const char *path, SourceOptions *options) {
    SourceClause *s = NEW(p->arena, SourceClause);
    s->present = true;
    s->path = path;
    s->span = span;
    if (options) s->options = *options;
    return s;
}

/* ---- Statements ------------------------------------------------------------------------------- */

static uint32_t values_depth(uint32_t depth, const NamedValues *values) {
    for (uint32_t i = 0; i < values->len; i++) depth = deeper(depth, values->at[i].value);
    return depth;
}

static uint32_t body_depth(uint32_t depth, const Stmts *body) {
    for (uint32_t i = 0; i < body->len; i++)
        if (body->at[i]->depth > depth) depth = body->at[i]->depth;
    return depth;
}

static Stmt *stmt_new(Parser *p, StmtKind kind, Span span) {
    Stmt *s = NEW(p->arena, Stmt);
    s->kind = kind;
    s->span = span;
    return s;
}

/* The last step of every statement: its depth from the parts that it has. */
static Stmt *stmt_done(Parser *p, Stmt *s) {
    uint32_t depth = deeper(deeper(0, s->value), s->by);
    depth = deeper(deeper(depth, s->from), s->to);
    depth = values_depth(values_depth(depth, &s->values), &s->outputs);
    depth = body_depth(body_depth(depth, &s->body), &s->orelse);
    for (uint32_t i = 0; i < s->type.dims.len; i++) depth = deeper(depth, s->type.dims.at[i]);
    for (uint32_t i = 0; i < s->params.len; i++) depth = deeper(depth, s->params.at[i].fallback);
    for (uint32_t i = 0; i < s->source.options.len; i++)
        depth = deeper(deeper(depth, s->source.options.at[i].value), s->source.options.at[i].to);
    s->depth = limit_depth(p, s->span, depth);
    return s;
}

Stmt *ast_const(Parser *p, Span span, NamedValues *values) {
    Stmt *s = stmt_new(p, STMT_CONST, span);
    s->values = *values;
    return stmt_done(p, s);
}

Stmt *ast_input(Parser *p, Span span, Ident name, TypeExpr *type, SourceClause *source) {
    Stmt *s = stmt_new(p, STMT_INPUT, span);
    s->name = name;
    s->type = *type;
    if (source) s->source = *source;
    return stmt_done(p, s);
}

Stmt *ast_variable(Parser *p, Span span, StmtKind kind, Ident name, TypeExpr *type, bool tilde,
                   Expr *value) {
    Stmt *s = stmt_new(p, kind, span);
    s->name = name;
    if (type) s->type = *type;
    s->tilde = tilde;
    s->value = value;
    return stmt_done(p, s);
}

Stmt *ast_function(Parser *p, Span span, StmtKind kind, Ident name, Params *params, Stmts *body) {
    Stmt *s = stmt_new(p, kind, span);
    s->name = name;
    if (params) s->params = *params;
    s->body = *body;
    return stmt_done(p, s);
}

Stmt *ast_for(Parser *p, Span span, Ident name, Expr *from, Expr *to, Stmts *body) {
    Stmt *s = stmt_new(p, STMT_FOR, span);
    s->name = name;
    s->from = from;
    s->to = to;
    s->body = *body;
    return stmt_done(p, s);
}

Stmt *ast_scan(Parser *p, Span span, Idents *targets, Ident name, Expr *from, Expr *to,
               NamedValues *with, Stmts *body) {
    Stmt *s = stmt_new(p, STMT_SCAN, span);
    s->targets = *targets;
    s->name = name;
    s->from = from;
    s->to = to;
    if (with) s->values = *with;
    s->body = *body;
    return stmt_done(p, s);
}

Stmt *ast_if(Parser *p, Span span, Expr *condition, Stmts *body, Stmts *orelse) {
    Stmt *s = stmt_new(p, STMT_IF, span);
    s->value = condition;
    s->body = *body;
    if (orelse) s->orelse = *orelse;
    return stmt_done(p, s);
}

Stmt *ast_include(Parser *p, Span span, const char *path) {
    Stmt *s = stmt_new(p, STMT_INCLUDE, span);
    s->path = path;
    return stmt_done(p, s);
}

Stmt *ast_bind(Parser *p, Span span, Idents *targets, Expr *value) {
    Stmt *s = stmt_new(p, STMT_BIND, span);
    s->targets = *targets;
    s->value = value;
    return stmt_done(p, s);
}

Stmt *ast_update(Parser *p, Span span, Ident target, Expr *value) {
    Stmt *s = stmt_new(p, STMT_UPDATE, span);
    s->name = target;
    s->value = value;
    return stmt_done(p, s);
}

Stmt *ast_value(Parser *p, Span span, StmtKind kind, Expr *value) {
    Stmt *s = stmt_new(p, kind, span);
    s->value = value;
    return stmt_done(p, s);
}

Stmt *ast_minimize(Parser *p, Span span, Expr *loss, Idents *over, bool except, Expr *by) {
    Stmt *s = stmt_new(p, STMT_MINIMIZE, span);
    s->value = loss;
    s->by = by;
    if (over) s->over = *over;
    s->except = except;
    return stmt_done(p, s);
}

Stmt *ast_entry(Parser *p, Span span, Ident name, NamedValues *with, NamedValues *outputs,
                bool has_block, Stmts *body) {
    Stmt *s = stmt_new(p, STMT_ENTRY, span);
    s->name = name;
    if (with) s->values = *with;
    if (outputs) s->outputs = *outputs;
    s->has_block = has_block;
    if (body) s->body = *body;
    return stmt_done(p, s);
}

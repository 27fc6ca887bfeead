/* The grammar. It calls the builders of ast.c and does nothing else: no names, shapes or numbers are
 * looked at. One statement that is wrong is skipped to its end, so that several are reported. */

%define api.pure full
%define api.prefix {dlg_}
%define api.token.prefix {T_}
%define api.location.type {Span}
%define parse.error custom
%define lr.type canonical-lr
%locations
%param {Parser *p}

%code requires {
#include "ast_build.h"
}

%code {
#include "scan.h"

/* The parser's stacks are in the arena and moved by copying. */
#define YYMALLOC(bytes) parse_alloc(p, bytes)
#define YYFREE(memory) ((void)(memory))
#define YYLTYPE_IS_TRIVIAL 1
#define YYMAXDEPTH 200000
#define YYLLOC_DEFAULT(Current, Rhs, N)                                                            \
    ((Current) = (N) ? span_join(YYRHSLOC(Rhs, 1), YYRHSLOC(Rhs, N))                               \
                     : (Span){YYRHSLOC(Rhs, 0).file, YYRHSLOC(Rhs, 0).end, YYRHSLOC(Rhs, 0).end})

#define yylex parse_token
static void yyerror(const Span *at, Parser *p, const char *message);
}

%initial-action { @$ = (Span){.file = p->file}; }

%union {
    const char *name;
    NumberValue number;
    Ident ident;
    Expr *expr;
    Exprs *exprs;
    Args *args;
    Subscript subscript;
    Subscripts *subscripts;
    Idents *idents;
    Params *params;
    NamedValues *values;
    TypeExpr *type;
    SourceClause *source;
    SourceOptions *options;
    struct { Expr *value; bool tilde; } init;
    Stmt *stmt;
    Stmts *stmts;
}

%token END 0 "the end of the file"
%token NEWLINE "the end of the line"
%token SEMICOLON "';'"
%token BAD "a malformed token"
%token <number> NUMBER "a number"
%token <name> STRING "a string"
%token <name> NAME "a name"
%token <name> DOTTED "a dotted name"
%token <name> OPTION "'columns', 'axis', 'chars' or 'bytes'"
%token CONST "'const'" INPUT "'input'" PARAM "'param'" STATE "'state'" FN "'fn'"
%token OPTIMIZER "'optimizer'" FOR "'for'" IN "'in'" SCAN "'scan'" WITH "'with'" YIELD "'yield'"
%token IF "'if'" ELSE "'else'" ENTRY "'entry'" RETURN "'return'" MINIMIZE "'minimize'"
%token OVER "'over'" EXCEPT "'except'" BY "'by'" INCLUDE "'include'" FROM "'from'" AND "'and'" OR "'or'" NOT "'not'"
%token ELLIPSIS "'...'" RANGE "'..'" ARROW "'->'" SETS "'<-'"
%token EQ "'=='" NE "'!='" LE "'<='" GE "'>='" POW "'**'" IDIV "'//'"

%left OR
%left AND
%precedence NOT
%nonassoc EQ NE '<' LE '>' GE
%left '+' '-'
%left '*' '/' IDIV '%' '@'
%precedence NEGATION
%right POW

%type <stmts> lines block orelse
%type <stmt> line stmt if
%type <values> constants with with_list outputs output_list
%type <ident> name path
%type <type> type type_opt
%type <exprs> exprs
%type <source> source
%type <options> options
%type <init> init
%type <params> params param_list
%type <idents> targets over paths
%type <expr> expr expr_opt values primary call
%type <args> args arg_list
%type <subscripts> subscripts
%type <subscript> subscript

%%

program: lines                          { p->ast->items = *$lines; }

lines: %empty                           { $$ = ast_stmts(p, NULL, NULL); }
    | lines line                        { $$ = ast_stmts(p, $1, $2); }

line: stmt NEWLINE
    | error NEWLINE                     { $$ = NULL; yyerrok; }
    | error block NEWLINE               { $$ = NULL; yyerrok; }

block: '{' lines '}'                    { $$ = $lines; }

stmt: CONST constants                   { $$ = ast_const(p, @$, $2); }
    | INPUT name ':' type source        { $$ = ast_input(p, @$, $2, $4, $5); }
    | PARAM path type_opt init
        { $$ = ast_variable(p, @$, STMT_PARAM, $2, $3, $4.tilde, $4.value); }
    | STATE path type_opt init
        { $$ = ast_variable(p, @$, STMT_STATE, $2, $3, $4.tilde, $4.value); }
    | FN name '(' params ')' block
        { $$ = ast_function(p, span_join(@1, @5), STMT_FN, $2, $4, $6); }
    | OPTIMIZER name '(' params ')' block
        { $$ = ast_function(p, span_join(@1, @5), STMT_OPTIMIZER, $2, $4, $6); }
    | FOR name IN expr RANGE expr block
        { $$ = ast_for(p, span_join(@1, @6), $2, $4, $6, $7); }
    | targets '=' SCAN name IN expr RANGE expr with block
        { $$ = ast_scan(p, span_join(@1, @9), $1, $4, $6, $8, $9, $10); }
    | if
    | INCLUDE STRING                    { $$ = ast_include(p, @$, $2); }
    | targets '=' values                { $$ = ast_bind(p, @$, $1, $3); }
    | name SETS expr                    { $$ = ast_update(p, @$, $1, $3); }
    | DOTTED SETS expr                  { $$ = ast_update(p, @$, (Ident){$1, @1}, $3); }
    | RETURN                            { $$ = ast_value(p, @$, STMT_RETURN, NULL); }
    | RETURN values                     { $$ = ast_value(p, @$, STMT_RETURN, $2); }
    | YIELD values                      { $$ = ast_value(p, @$, STMT_YIELD, $2); }
    | MINIMIZE expr over BY name
        { $$ = ast_minimize(p, @$, $2, $3, false, ast_name(p, @5, $5.name)); }
    | MINIMIZE expr over BY call        { $$ = ast_minimize(p, @$, $2, $3, false, $5); }
    | MINIMIZE expr EXCEPT paths BY name
        { $$ = ast_minimize(p, @$, $2, $4, true, ast_name(p, @6, $6.name)); }
    | MINIMIZE expr EXCEPT paths BY call
        { $$ = ast_minimize(p, @$, $2, $4, true, $6); }
    | ENTRY name with outputs
        { $$ = ast_entry(p, @$, $2, $3, $4, false, NULL); }
    | ENTRY name with outputs block
        { $$ = ast_entry(p, span_join(@1, @4), $2, $3, $4, true, $5); }
    | expr                              { $$ = ast_value(p, @$, STMT_EXPR, $1); }

name: NAME                              { $$ = (Ident){$1, @1}; }

constants: name '=' expr                { $$ = ast_named(p, NULL, $1, $3); }
    | constants ',' name '=' expr       { $$ = ast_named(p, $1, $3, $5); }

type: name                              { $$ = ast_type(p, @$, $1, NULL); }
    | name '[' exprs ']'                { $$ = ast_type(p, @$, $1, $3); }
    | name '[' ']'                      { $$ = ast_type(p, @$, $1, NULL); }

type_opt: %empty                        { $$ = NULL; }
    | ':' type                          { $$ = $2; }

init: %empty                            { $$.value = NULL; $$.tilde = false; }
    | '=' expr                          { $$.value = $2; $$.tilde = false; }
    | '~' expr                          { $$.value = $2; $$.tilde = true; }

source: %empty                          { $$ = NULL; }
    | FROM STRING options               { $$ = ast_source(p, @$, $2, $3); }

options: %empty                         { $$ = NULL; }
    | options OPTION                    { $$ = ast_option(p, $1, (Ident){$2, @2}, NULL, false, NULL); }
    | options OPTION expr               { $$ = ast_option(p, $1, (Ident){$2, @2}, $3, false, NULL); }
    | options OPTION expr_opt ':' expr_opt
        { $$ = ast_option(p, $1, (Ident){$2, @2}, $3, true, $5); }

params: %empty                          { $$ = NULL; }
    | param_list
    | param_list ','

param_list: name                        { $$ = ast_params(p, NULL, $1, NULL); }
    | name '=' expr                     { $$ = ast_params(p, NULL, $1, $3); }
    | param_list ',' name               { $$ = ast_params(p, $1, $3, NULL); }
    | param_list ',' name '=' expr      { $$ = ast_params(p, $1, $3, $5); }

if: IF expr block orelse
        { $$ = ast_if(p, span_join(@1, @2), $2, $3, $4); }

orelse: %empty                          { $$ = NULL; }
    | ELSE block                        { $$ = $2; }
    | ELSE if                           { $$ = ast_stmts(p, NULL, $2); }

targets: name                           { $$ = ast_idents(p, NULL, $1); }
    | targets ',' name                  { $$ = ast_idents(p, $1, $3); }

over: %empty                            { $$ = NULL; }
    | OVER paths                        { $$ = $2; }

paths: path                             { $$ = ast_idents(p, NULL, $1); }
    | paths ',' path                    { $$ = ast_idents(p, $1, $3); }

path: name
    | DOTTED                            { $$ = (Ident){$1, @1}; }
    | path '[' NUMBER ']'               { $$ = ast_path(p, @$, $1, $3); }

with: %empty                            { $$ = NULL; }
    | WITH with_list                    { $$ = $2; }

with_list: name '=' expr                { $$ = ast_named(p, NULL, $1, $3); }
    | with_list ',' name '=' expr       { $$ = ast_named(p, $1, $3, $5); }

outputs: %empty                         { $$ = NULL; }
    | ARROW output_list                 { $$ = $2; }

output_list: expr                       { $$ = ast_named(p, NULL, (Ident){NULL, @1}, $1); }
    | NAME '=' expr                     { $$ = ast_named(p, NULL, (Ident){$1, @1}, $3); }
    | output_list ',' expr              { $$ = ast_named(p, $1, (Ident){NULL, @3}, $3); }
    | output_list ',' NAME '=' expr     { $$ = ast_named(p, $1, (Ident){$3, @3}, $5); }

/* ---- Expressions ---- */

values: expr
    | exprs ',' expr                    { $$ = ast_list(p, @$, EXPR_TUPLE, ast_exprs(p, $1, $3)); }

exprs: expr                             { $$ = ast_exprs(p, NULL, $1); }
    | exprs ',' expr                    { $$ = ast_exprs(p, $1, $3); }

expr_opt: %empty                        { $$ = NULL; }
    | expr

expr: primary
    | expr OR expr                      { $$ = ast_binary(p, AST_OR, $1, $3); }
    | expr AND expr                     { $$ = ast_binary(p, AST_AND, $1, $3); }
    | NOT expr                          { $$ = ast_unary(p, @$, AST_NOT, $2); }
    | expr EQ expr                      { $$ = ast_binary(p, AST_EQ, $1, $3); }
    | expr NE expr                      { $$ = ast_binary(p, AST_NE, $1, $3); }
    | expr '<' expr                     { $$ = ast_binary(p, AST_LT, $1, $3); }
    | expr LE expr                      { $$ = ast_binary(p, AST_LE, $1, $3); }
    | expr '>' expr                     { $$ = ast_binary(p, AST_GT, $1, $3); }
    | expr GE expr                      { $$ = ast_binary(p, AST_GE, $1, $3); }
    | expr '+' expr                     { $$ = ast_binary(p, AST_ADD, $1, $3); }
    | expr '-' expr                     { $$ = ast_binary(p, AST_SUB, $1, $3); }
    | expr '*' expr                     { $$ = ast_binary(p, AST_MUL, $1, $3); }
    | expr '/' expr                     { $$ = ast_binary(p, AST_DIV, $1, $3); }
    | expr IDIV expr                    { $$ = ast_binary(p, AST_IDIV, $1, $3); }
    | expr '%' expr                     { $$ = ast_binary(p, AST_MOD, $1, $3); }
    | expr '@' expr                     { $$ = ast_binary(p, AST_MATMUL, $1, $3); }
    | '-' expr %prec NEGATION           { $$ = ast_unary(p, @$, AST_NEG, $2); }
    | expr POW expr                     { $$ = ast_binary(p, AST_POW, $1, $3); }

primary: NUMBER                         { $$ = ast_number(p, @$, $1); }
    | STRING                            { $$ = ast_string(p, @$, $1); }
    | NAME                              { $$ = ast_name(p, @$, $1); }
    | DOTTED                            { $$ = ast_name(p, @$, $1); }
    | call
    | '(' expr ')'                      { $$ = ast_paren(@$, $2); }
    | '[' exprs ']'                     { $$ = ast_list(p, @$, EXPR_TENSOR, $2); }
    | '[' exprs ',' ']'                 { $$ = ast_list(p, @$, EXPR_TENSOR, $2); }
    | primary '\''                      { $$ = ast_transpose(p, @$, $1); }
    | primary '[' subscripts ']'        { $$ = ast_index(p, @$, $1, $3); }

call: NAME '(' args ')'                 { $$ = ast_call(p, @$, (Ident){$1, @1}, $3); }

args: %empty                            { $$ = NULL; }
    | arg_list
    | arg_list ','

arg_list: expr                          { $$ = ast_args(p, NULL, (Ident){NULL, @1}, $1); }
    | NAME '=' expr                     { $$ = ast_args(p, NULL, (Ident){$1, @1}, $3); }
    | arg_list ',' expr                 { $$ = ast_args(p, $1, (Ident){NULL, @3}, $3); }
    | arg_list ',' NAME '=' expr        { $$ = ast_args(p, $1, (Ident){$3, @3}, $5); }

subscripts: subscript                   { $$ = ast_subscripts(p, NULL, $1); }
    | subscripts ',' subscript          { $$ = ast_subscripts(p, $1, $3); }

subscript: expr
        { $$ = (Subscript){.kind = SUBSCRIPT_INDEX, .span = @$, .index = $1}; }
    | ELLIPSIS
        { $$ = (Subscript){.kind = SUBSCRIPT_ELLIPSIS, .span = @$}; }
    | expr_opt ':' expr_opt
        { $$ = (Subscript){.kind = SUBSCRIPT_SLICE, .span = @$, .begin = $1, .end = $3}; }
    | expr_opt ':' expr_opt ':' expr_opt
        {
            $$ = (Subscript){
                .kind = SUBSCRIPT_SLICE, .span = @$, .begin = $1, .end = $3, .step = $5};
        }

%%

/* Both ways that bison reports: a token that does not fit, and a stack that is full. */
static int yyreport_syntax_error(const yypcontext_t *context, Parser *parser)
{
    enum { MANY = 64 };
    yysymbol_kind_t kinds[MANY];
    const char *expected[MANY];
    int count = yypcontext_expected_tokens(context, kinds, MANY);
    yysymbol_kind_t found = yypcontext_token(context);
    for (int i = 0; i < count; i++)
        expected[i] = yysymbol_name(kinds[i]);
    parse_syntax_error(parser, *yypcontext_location(context),
                       found == YYSYMBOL_YYEMPTY ? "" : yysymbol_name(found), expected,
                       count > 0 ? (size_t)count : 0);
    return 0;
}

static void yyerror(const Span *at, Parser *parser, const char *message)
{
    (void)message;
    parse_too_deep(parser, *at);
}

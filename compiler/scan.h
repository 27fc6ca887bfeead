/* scan: between the scanner (grammar/dlg.l), the layer over it (parse.c) and the grammar. */
#ifndef DLG_SCAN_H
#define DLG_SCAN_H

#include "ast_build.h"
#include "dlg.tab.h"

typedef struct OpenBracket {
    Span span;
    char kind; /* '(' '[' '{' */
} OpenBracket;

/* What parse.c keeps between two tokens. */
struct Lexer {
    void *scanner;
    uint32_t offset; /* the scanner's place in the file */

    int pending; /* a token that was read ahead, when has_pending */
    DLG_STYPE pending_value;
    Span pending_span;
    bool has_pending;
    bool ended_by_next; /* the last end of line stands for the pending '}' or end of file */

    int last;          /* the token given last; 0 before the first */
    int before;        /* and the one before it */
    uint32_t last_end; /* where it ended */
    bool in_source;    /* after `from`: columns, axis, chars and bytes are options */
    int first;         /* the statement's first token */
    const char *head;  /* that, when it is a name */
    Span head_span;
    Span scan;       /* the statement's first `scan`; empty: none */
    bool malformed;  /* a token of the statement was: the first one is enough */
    uint32_t tokens; /* of the statement so far */
    uint32_t total;  /* of the file so far */
    VEC(OpenBracket) open;
};

/* dlg.l: one raw token; 0 at the end. */
int dlg_scan(DLG_STYPE *value, Span *at, void *scanner);
void dlg_scan_begin(Parser *p, const char *text, size_t len);

/* token.c: the actions of the scanner. Each returns the token's kind. */
int scan_name(Parser *p, DLG_STYPE *value, Span at, const char *text, int len, int kind);
int scan_number(Parser *p, DLG_STYPE *value, Span at, const char *text);
int scan_bad_number(Parser *p, Span at, const char *text, int len);
int scan_string(Parser *p, DLG_STYPE *value, Span at, const char *text, int len);
int scan_unterminated(Parser *p, Span at);
int scan_unknown(Parser *p, Span at, const char *text, int len);

/* parse.c: the tokens as the grammar reads them; memory for generated code. */
int parse_token(DLG_STYPE *value, Span *at, Parser *p);
void *parse_alloc(Parser *p, size_t bytes);

/* syntax.c: reports that `found` does not fit where one of `expected` does. */
void parse_syntax_error(Parser *p, Span at, const char *found, const char *const *expected,
                        size_t expected_count);

#endif

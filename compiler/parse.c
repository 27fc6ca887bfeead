/* parse: reads one source file into a syntax tree (ast_parse), and is the layer between scanner and
 * grammar that decides which newlines end a statement:
 *
 *   A newline is dropped inside ( ) and [ ], after a binary operator, a comma, `=`, `~`, `->` and
 *   `<-`, before `{`, `->` and `else` (which begin no statement), and where no statement has begun.
 *   An end of line is added before and after `}` and at the end of the file, so that the grammar
 *   needs no second way to end a statement.
 *
 * Requires: the file is in the sources. Establishes: the tree holds the statements that could be
 * read; when any could not, diags->errors has grown. */
#include "scan.h"

#define PARSE_MAX_TOKENS 1000000

void *parse_alloc(Parser *p, size_t bytes) {
    return arena_alloc(p->arena, bytes);
}

void parse_too_deep(Parser *p, Span at) {
    if (p->fatal) return;
    p->fatal = true;
    at.end = at.end > at.begin + 1 ? at.begin + 1 : at.end;
    Diag *d = diag_error(p->diags, E0107, at, "this is nested too deeply");
    diag_note(p->diags, d, "brackets, blocks and operators may nest %d deep", AST_MAX_DEPTH);
    diag_help(p->diags, d, "bind a part of it to a name and go on with that");
}

/* ---- Tokens ----------------------------------------------------------------------------------- */

static bool goes_on_after(int token) {
    switch (token) {
    case ',':
    case '=':
    case '~':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '@':
    case '<':
    case '>':
    case T_ARROW:
    case T_SETS:
    case T_IDIV:
    case T_POW:
    case T_EQ:
    case T_NE:
    case T_LE:
    case T_GE:
    case T_AND:
    case T_OR: return true;
    default: return false;
    }
}

static bool begins_no_statement(const Lexer *lex, int token) {
    return token == '{' || token == T_ARROW || (token == T_ELSE && lex->last == '}');
}

static bool nothing_begun(const Lexer *lex) {
    return lex->last == 0 || lex->last == T_NEWLINE || lex->last == '{';
}

static bool in_brackets(const Lexer *lex) {
    return lex->open.len && lex->open.at[lex->open.len - 1].kind != '{';
}

static void track_brackets(Parser *p, int token, Span at) {
    Lexer *lex = p->lexer;
    if (token == '(' || token == '[' || token == '{') {
        vec_push(p->arena, &lex->open, (OpenBracket){at, (char)token});
        if (lex->open.len > AST_MAX_DEPTH) parse_too_deep(p, at);
    } else if (token == ')' || token == ']') {
        if (in_brackets(lex)) lex->open.len--;
    } else if (token == '}') {
        while (in_brackets(lex)) lex->open.len--;
        if (lex->open.len) lex->open.len--;
    }
}

static bool is_source_option(const char *name) {
    return !strcmp(name, "columns") || !strcmp(name, "axis") || !strcmp(name, "chars") ||
           !strcmp(name, "bytes");
}

/* A literal of more numbers belongs in a data file; the limit bounds what a hostile file can cost. */
static void count_token(Parser *p, Span at) {
    if (++p->lexer->total <= PARSE_MAX_TOKENS || p->fatal) return;
    p->fatal = true;
    Diag *d = diag_error(p->diags, E0602, at, "this program is too large");
    diag_note(p->diags, d, "a file may have %d words, numbers and signs", PARSE_MAX_TOKENS);
    diag_help(p->diags, d,
              "many numbers are better read from a file: `input x : f32[...] from \"x.npy\"`");
}

/* Hands a token to the grammar. */
static int give(Parser *p, int token, DLG_STYPE *value, Span at) {
    Lexer *lex = p->lexer;
    if (token == T_NEWLINE) {
        lex->in_source = false;
        lex->tokens = 0;
    } else {
        if (nothing_begun(lex)) {
            lex->first = token;
            lex->head = token == T_NAME ? value->name : NULL;
            lex->head_span = at;
            lex->scan = (Span){0};
            lex->tokens = 0;
        }
        lex->tokens++;
        lex->last_end = token ? at.end : lex->last_end;
    }
    if (token == T_FROM) lex->in_source = true;
    if (token == T_SCAN && !lex->scan.end) lex->scan = at;
    if (token == T_NAME && lex->in_source && !in_brackets(lex) && is_source_option(value->name))
        token = T_OPTION;
    track_brackets(p, token, at);
    count_token(p, at);
    lex->before = lex->last;
    lex->last = token;
    return p->fatal ? 0 : token;
}

static void set_pending(Lexer *lex, int token, const DLG_STYPE *value, Span at) {
    lex->has_pending = true;
    lex->pending = token;
    lex->pending_value = *value;
    lex->pending_span = at;
}

int parse_token(DLG_STYPE *value, Span *at, Parser *p) {
    Lexer *lex = p->lexer;
    lex->ended_by_next = false;
    if (p->fatal) return 0;
    if (lex->has_pending) {
        lex->has_pending = false;
        *value = lex->pending_value;
        *at = lex->pending_span;
        return give(p, lex->pending, value, *at);
    }
    for (bool newline = false;;) {
        int token = dlg_scan(value, at, lex->scanner);
        if (p->fatal) return 0;
        if (token == T_NEWLINE || token == T_SEMICOLON) lex->malformed = false;
        if (token == T_NEWLINE) {
            newline =
                newline || !(in_brackets(lex) || goes_on_after(lex->last) || nothing_begun(lex));
            continue;
        }
        if (token == T_SEMICOLON && !in_brackets(lex)) {
            if (!newline && nothing_begun(lex)) continue;
            return give(p, T_NEWLINE, value, *at);
        }
        if (token == 0) *at = (Span){p->file, lex->offset, lex->offset};
        newline = newline || (lex->last == '}' && token != 0 && token != '}' && token != T_ELSE);
        bool ends = (token == 0 || token == '}') && !nothing_begun(lex);
        if ((newline && !begins_no_statement(lex, token)) || (!newline && ends)) {
            lex->ended_by_next = !newline;
            set_pending(lex, token, value, *at);
            *at = (Span){p->file, lex->last_end, lex->last_end};
            return give(p, T_NEWLINE, value, *at);
        }
        return give(p, token, value, *at);
    }
}

/* ---- The whole file --------------------------------------------------------------------------- */

/* False when the text holds a NUL or is not UTF-8: then nothing of it is worth reading. */
static bool check_text(Diags *diags, uint32_t file, const char *text, uint32_t len) {
    const char *end = text + len;
    for (const char *p = text; p < end;) {
        if (*p && !((unsigned char)*p & 0x80)) {
            p++;
            continue;
        }
        int32_t code;
        uint32_t n = utf8_char(p, end, &code);
        Span at = {file, (uint32_t)(p - text), (uint32_t)(p - text) + 1};
        if (code == 0) {
            Diag *d = diag_error(diags, E0103, at, "a NUL byte, at byte %u of the file", at.begin);
            diag_note(diags, d, "is this a text file? A program is text in UTF-8");
            return false;
        }
        if (code < 0) {
            Diag *d =
                diag_error(diags, E0105, at, "byte 0x%02X, at byte %u of the file, is not UTF-8",
                           (unsigned char)*p, at.begin);
            diag_help(diags, d, "save the file as UTF-8");
            return false;
        }
        p += n;
    }
    return true;
}

Ast *ast_parse(Arena *arena, Names *names, Diags *diags, uint32_t file) {
    Source src = diags->sources->files.at[file];
    Lexer lexer = {0};
    Parser p = {.arena = arena,
                .names = names,
                .diags = diags,
                .file = file,
                .ast = NEW(arena, Ast),
                .lexer = &lexer};
    p.ast->file = file;
    if (!check_text(diags, file, src.text, src.len)) return p.ast;
    if (src.len >= 3 && !memcmp(src.text, "\xEF\xBB\xBF", 3)) lexer.offset = 3;
    dlg_scan_begin(&p, src.text + lexer.offset, src.len - lexer.offset);
    dlg_parse(&p);
    return p.ast;
}

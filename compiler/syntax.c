/* syntax: words a syntax error as its reader would: what was expected there, what stands there, and
 * where the mistake is a known one, what to write instead.
 *
 * Establishes: brackets that were open are given up, so that the next newline ends the statement. */
#include "habit.h"
#include "scan.h"

#include <ctype.h>

typedef struct Expected {
    const char *const *at;
    size_t len;
} Expected;

static bool expects(Expected e, const char *token) {
    for (size_t i = 0; i < e.len; i++)
        if (!strcmp(e.at[i], token)) return true;
    return false;
}

static bool is_one_of(const char *token, const char *const *list) {
    for (; *list; list++)
        if (!strcmp(*list, token)) return true;
    return false;
}

static const char *const operators[] = {"'or'", "'and'", "'=='", "'!='", "'<'", "'<='",
                                        "'>'",  "'>='",  "'+'",  "'-'",  "'*'", "'/'",
                                        "'//'", "'%'",   "'@'",  "'**'", NULL};
static const char *const values[] = {"a number", "a string", "a name", "a dotted name", NULL};
static const char *const comparisons[] = {"'=='", "'!='", "'<'", "'<='", "'>'", "'>='", NULL};
static const char *const starts[] = {
    "a number", "a string", "a name", "a dotted name", "'('", "'['", "'-'", "'not'", NULL};
static const char *const statements[] = {
    "'const'", "'input'", "'param'", "'state'",  "'fn'",       "'for'",     "'optimizer'",
    "'if'",    "'entry'", "'yield'", "'return'", "'minimize'", "'include'", NULL};
/* `name: type` is checked apart from these: what follows is spelled as a keyword. */
static const char *const keywords[] = {
    "const", "input",  "param", "state",   "fn",   "optimizer", "for",    "in",
    "scan",  "with",   "yield", "if",      "else", "entry",     "return", "minimize",
    "over",  "except", "by",    "include", "from", "and",       "or",     "not"};

/* What is meant least often where the first of each is possible too. */
static bool is_unlikely(Expected e, const char *token) {
    static const char *const rows[][6] = {
        {"a number", "'scan'", "'...'", "':'"},
        {"'<-'", "the end of the line", "','"}, /* behind a name that begins a statement */
        {"'->'", "the end of the line", "'with'"},
        {"'columns', 'axis', 'chars' or 'bytes'", "the end of the line"},
        {"the end of the line", "','"},
        {"')'", "'='"},
        {"']'", "':'"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (expects(e, rows[i][0]) && is_one_of(token, rows[i] + 1)) return true;
    return false;
}

/* "an expression, ',' or ')'": what is likely to be meant, groups first, then single tokens. A value may go on with
 * an operator nearly everywhere: that is named only beside the end of the line. */
static const char *list_expected(Parser *p, Expected e) {
    const char *items[64];
    size_t n = 0;
    bool operand = expects(e, "a number") && expects(e, "a name");
    bool operator= expects(e, "'+'") && expects(e, "'*'");
    bool statement = expects(e, "'const'");
    if (statement)
        items[n++] = "a statement";
    else if (operand)
        items[n++] = "an expression";
    for (size_t i = 0; i < e.len && n < COUNT_OF(items) - 1; i++) {
        const char *token = e.at[i];
        if ((operand && is_one_of(token, starts)) || (statement && is_one_of(token, statements)) ||
            (operator&&(is_one_of(token, operators) || !strcmp(token, "'['") ||
                        !strcmp(token, "'\\''") || !strcmp(token, "'('"))) ||
            is_unlikely(e, token))
            continue;
        items[n++] = token;
    }
    if (operator&&(n == 0 || (n == 1 && !strcmp(items[0], "the end of the line")))) {
        items[n] = items[0];
        items[0] = "an operator";
        n++;
    }
    Text t;
    text_init(&t, p->arena);
    for (size_t i = 0; i < n; i++)
        text_printf(&t, "%s%s", i == 0 ? "" : i + 1 < n ? ", " : " or ", items[i]);
    return n ? t.at : NULL;
}

static const char *describe(Parser *p, Span at, const char *found) {
    const Source *src = &p->diags->sources->files.at[p->file];
    int len = (int)(at.end - at.begin);
    if (!strcmp(found, "the end of the line") && len == 1) return "';'";
    if (!strncmp(found, "the end", 7) || !strcmp(found, "a string")) return found;
    for (size_t i = 0; i < COUNT_OF(keywords); i++)
        if (strlen(keywords[i]) == (size_t)len &&
            !memcmp(keywords[i], src->text + at.begin, (size_t)len))
            return arena_printf(p->arena, "the keyword '%s'", keywords[i]);
    return arena_printf(p->arena, "'%.*s%s'", len > 40 ? 40 : len, src->text + at.begin,
                        len > 40 ? "..." : "");
}

/* Help when the statement's first word was meant as a keyword: `pram w`, `def f`, `let x`. */
static const char *advise_head(Parser *p, const char *found, const char **head) {
    const Lexer *lex = p->lexer;
    *head = lex->tokens == 2 ? lex->head : NULL;
    if (!*head) return NULL;
    const char *help = habit_statement(*head);
    if (help || strcmp(found, "a name")) return help;
    const char *near = diag_nearest(p->arena, *head, keywords, COUNT_OF(keywords));
    return near ? arena_printf(p->arena, "did you mean `%s`?", near) : NULL;
}

/* Help by what stands where: pairs of a token that was found and one that was expected. */
static const char *advise_pair(const Lexer *lex, const char *found, Expected e, bool bracketed) {
    static const struct {
        const char *found, *expected, *help;
    } pairs[] = {
        {"':'", "'->'", "what an entry returns stands after `->`: `entry train -> loss { }`"},
        {"'('", "'->'", "an entry takes no arguments: it reads the inputs that its outputs need"},
        {"','", "'by'", "one number is minimized: `minimize a + b by adam()`"},
        {"'over'", "the end of the line",
         "it stands before `by`: `minimize loss over w by adam()`"},
        {"'='", "'<-'", "a param or state is updated with `<-`: `w <- w - 0.1 * grad(loss, w)`"},
        {"':'", "'{'", "a block stands in `{ }`"},
        {"'{'", "'..'", "a range is written `0..n`, which ends before n"},
        {"'for'", "a number",
         "`for` gives no values, and rebinds names that were bound above it; a loop that gives "
         "values is `h, hs = scan t in 0..n with h = x { }`"},
        {"'if'", "'+'", "to choose element by element, write `where(condition, a, b)`"},
        {"'if'", "a number", "to choose element by element, write `where(condition, a, b)`"},
        {"'with'", "'by'", "write `minimize loss by adam(lr = 1e-3)`"},
        {"'='", "'=='", "`==` compares; `name = value` binds and stands on a line of its own"},
        {"'<-'", "'<'",
         "`<-` updates one variable, by its name; to compare with a negative number write "
         "`a < -b`"},
    };
    if (!strcmp(found, "':'") && expects(e, "'='") && expects(e, "')'"))
        return "an argument is named with `=`: `f(x, axis = 1)`";
    if (!strcmp(found, "','") && expects(e, "')'"))
        return "( ) hold one value; sizes stand one by one, `reshape(x, 4, 8)`, and a literal is "
               "`[4, 8]`";
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        if (!strcmp(found, pairs[i].found) && expects(e, pairs[i].expected)) return pairs[i].help;
    if (is_one_of(found, values) && lex->before == T_NAME && expects(e, "'{'") && expects(e, "'='"))
        return "outputs are separated by commas: `entry train -> loss, acc`";
    if (!strcmp(found, "'{'") && lex->first == T_ENTRY && lex->before == ',' && !bracketed)
        return "a list ends without a comma";
    if (!strcmp(found, "'minimize'") && lex->first == T_ENTRY && expects(e, "'{'"))
        return "what an entry does stands in `{ }`: `entry train -> loss { minimize loss by adam() "
               "}`";
    if (is_one_of(found, statements) && expects(e, "the end of the line"))
        return "each statement stands on a line of its own, or `;` stands between them";
    if (!strcmp(found, "'('") && lex->before == ')')
        return "a layer is a function of what it is applied to: `dense(x, 64)`";
    if (is_one_of(found, values) && bracketed && expects(e, "','") && expects(e, "')'"))
        return "commas separate arguments, `dense(x, 4)`, and a function is called with "
               "parentheses, "
               "`relu(x)`";
    if (is_one_of(found, values) && lex->before == T_NAME && expects(e, "'('"))
        return "a function is called with parentheses: `relu(x)`";
    if (!strcmp(found, "a number") && bracketed && expects(e, "','"))
        return "commas separate what stands in brackets: `f32[4, 3]`";
    return NULL;
}

static const char *text_at(const Parser *p, uint32_t at) {
    return p->diags->sources->files.at[p->file].text + at;
}

/* Whether the word before a place is this one, with blanks behind it alone. */
static bool is_behind(const Parser *p, uint32_t at, const char *word) {
    const char *text = text_at(p, 0);
    const size_t len = strlen(word);
    while (at && text[at - 1] == ' ') at--;
    return at >= len && !memcmp(text + at - len, word, len) &&
           (at == len || !isalnum((unsigned char)text[at - len - 1]));
}

/* Whether what was found is a name with `=` behind it. */
static bool is_named(const Parser *p, Span at, const char *found) {
    const char *next = text_at(p, at.end);
    next += strspn(next, " ");
    return !strcmp(found, "a name") && next[0] == '=' && next[1] != '=';
}

/* Help by the words around the place. */
static const char *advise_words(const Parser *p, Span at, const char *found, Expected e,
                                bool bracketed) {
    const Lexer *lex = p->lexer;
    const bool name = !strcmp(found, "a name") || !strcmp(found, "a dotted name");
    if (name && expects(e, "a string") && !expects(e, "a number"))
        return "a file's name stands in double quotes: `\"data.csv\"`";
    if (!strcmp(found, "'='") && lex->first == T_OPTIMIZER)
        return "an optimizer is chosen where it is used: `minimize loss by adam(lr = 0.001)`";
    if (is_behind(p, at.begin, "lambda"))
        return "a function is `fn name(x) { return ... }`, on lines of its own";
    if (!strcmp(found, "'='") && lex->before == ']' && !bracketed)
        return "elements are not assigned: `where(condition, a, b)` chooses them, and `concat(a, "
               "b)` puts "
               "parts together";
    if (is_named(p, at, found) && lex->first == T_CONST && !bracketed)
        return "commas separate constants: `const batch = 64, classes = 10`";
    if (!strcmp(found, "'optimizer'") && lex->before == T_BY)
        return "an optimizer is called by its name: `adam(lr = 0.001)`";
    if (is_named(p, at, found) && bracketed && expects(e, "','"))
        return "commas separate arguments: `sum(x, axis = 1)`";
    return NULL;
}

/* Help where `x.f(` was meant to call a method, or a function of a module; `at` is its bracket. */
static const char *advise_method(Parser *p, Span at) {
    const char *text = text_at(p, 0);
    uint32_t begin = at.begin;
    while (begin && (isalnum((unsigned char)text[begin - 1]) || text[begin - 1] == '_')) begin--;
    const char *name = arena_strndup(p->arena, text + begin, at.begin - begin);
    const char *habit = habit_name(name);
    const char next = text[at.end + strspn(text + at.end, " ")];
    const bool more = isdigit((unsigned char)next) || next == '-';
    return arena_printf(p->arena, "there are no methods and no modules: %s%s%s",
                        habit ? "" : "write `", habit ? habit : name,
                        habit  ? ""
                        : more ? "(x, ...)`"
                               : "(x)`");
}

static const char *advise(Parser *p, Span at, const char *found, const char *shown, Expected e,
                          bool bracketed) {
    static const char *const options[] = {"columns", "axis", "chars", "bytes"};
    const Lexer *lex = p->lexer;
    const Source *src = &p->diags->sources->files.at[p->file];
    if (!strcmp(found, "'->'") && lex->before == T_ENTRY)
        return "an entry has a name: `entry train -> loss`";
    if (!strcmp(found, "'->'") && lex->tokens == 2 && lex->head)
        return arena_printf(p->arena, "an entry is written `entry %s -> ...`", lex->head);
    if (!strcmp(found, "'{'") && lex->tokens == 2 && lex->head)
        return arena_printf(p->arena,
                            "an entry is written `entry %s { }`, a function `fn %s(x) { }`",
                            lex->head, lex->head);
    if (!strcmp(found, "':'") && lex->tokens == 2 && lex->head)
        return "a declaration begins with `input`, `param` or `state`";
    if (!strncmp(shown, "the keyword", 11) && expects(e, "a name") && !expects(e, "a number") &&
        lex->before != T_BY)
        return arena_printf(p->arena, "%s is a keyword: choose another name", shown + 12);
    if (!strcmp(found, "'('") && lex->before == T_DOTTED) return advise_method(p, at);
    if (is_one_of(found, values) && source_after_slashes(p->diags->sources, at))
        return "a comment begins with `#`; `//` divides and rounds down";
    const char *help = advise_words(p, at, found, e, bracketed);
    if (!help) help = advise_pair(lex, found, e, bracketed);
    if (help) return help;
    if (is_one_of(found, comparisons) && expects(e, "'+'"))
        return "comparisons do not chain: write `a < b and b < c`";
    if (expects(e, "'const'") && !strcmp(found, "'//'")) return "a comment begins with `#`";
    if (expects(e, "'const'") && (is_one_of(found, operators) || !strcmp(found, "','")))
        return "a line that goes on ends with the operator, or stands inside ( )";
    if (!strcmp(found, "'\\''") && expects(e, "a string"))
        return "a string stands in double quotes: `\"data.csv\"`";
    if (expects(e, "'columns', 'axis', 'chars' or 'bytes'")) {
        const char *word = names_add(p->names, src->text + at.begin, at.end - at.begin);
        const char *near = diag_nearest(p->arena, word, options, COUNT_OF(options));
        if (!near && at.begin && src->text[at.begin - 1] == '"')
            return "a `\"` within a string is written `\\\"`, and a `\\` is `\\\\`";
        return near ? arena_printf(p->arena, "did you mean `%s`?", near)
                    : "after the file's name: `columns 0:64`, `columns 64`, `chars` or `bytes`, "
                      "and `axis 1`; columns by their names are for --data x=t.csv:a,b";
    }
    return NULL;
}

/* Closes every ( and [, and returns the innermost bracket that was open before `at`. */
static OpenBracket give_up_brackets(Lexer *lex, Span at) {
    OpenBracket inner = {0};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < lex->open.len; i++) {
        OpenBracket b = lex->open.at[i];
        if (b.span.begin < at.begin) inner = b;
        if (b.kind == '{') lex->open.at[kept++] = b;
    }
    lex->open.len = kept;
    return inner;
}

void parse_syntax_error(Parser *p, Span at, const char *found, const char *const *expected,
                        size_t expected_count) {
    Lexer *lex = p->lexer;
    Expected e = {expected, expected_count};
    OpenBracket open = give_up_brackets(lex, at);
    if (p->fatal) return;
    if (p->diags->errors > p->diags->max_errors) p->fatal = true; /* no more are kept */
    if (!strcmp(found, "a malformed token")) return;

    /* An end of line that only stands for what follows: what follows is what was found. */
    if (lex->ended_by_next) {
        at = lex->pending_span;
        found = lex->pending == 0 ? "the end of the file" : "'}'";
    }
    if (!strcmp(found, "the end of the file")) at = (Span){p->file, lex->last_end, lex->last_end};
    const char *head, *help = advise_head(p, found, &head);
    Diag *d;
    if (help) {
        d = diag_error(p->diags, E0101, lex->head_span, "`%s` is not a keyword", head);
    } else {
        const char *shown = describe(p, at, found), *list = list_expected(p, e);
        d = list ? diag_error(p->diags, E0101, at, "expected %s, found %s", list, shown)
                 : diag_error(p->diags, E0101, at, "unexpected %s", shown);
        help = advise(p, at, found, shown, e, open.kind == '(' || open.kind == '[');
        if (!help && lex->scan.end)
            help = "a loop is written `h, hs = scan t in 0..n with h = x { h = f(h, t); yield h }`";
    }
    if (help) diag_help(p->diags, d, "%s", help);
    bool ended = !strncmp(found, "the end", 7) || !strcmp(found, "'}'") || !strcmp(found, "'{'");
    uint32_t line = 0, open_line = 0, column;
    if (open.kind) {
        source_place(p->diags->sources, at, &line, &column);
        source_place(p->diags->sources, open.span, &open_line, &column);
    }
    if (open.kind &&
        (open.kind == '{' ? !strcmp(found, "the end of the file") : ended || line != open_line))
        diag_span(p->diags, d, open.span, "this '%c' is not closed", open.kind);
}

/* token: what the scanner does with a token's text: interns names, reads numbers and strings, and
 * reports what is malformed (scan.h). A malformed token is reported here and becomes T_BAD, at which
 * the grammar skips the statement without another word. */
#include "scan.h"

#include <math.h>
#include <stdlib.h>

/* Whether to report: true for the first malformed token of a statement. */
static bool first_malformed(Parser *p) {
    bool first = !p->lexer->malformed;
    p->lexer->malformed = true;
    return first;
}

int scan_name(Parser *p, DLG_STYPE *value, Span at, const char *text, int len, int kind) {
    if (len > AST_MAX_NAME_BYTES) {
        if (!first_malformed(p)) return T_BAD;
        diag_error(p->diags, E0106, at, "this name has %d bytes; at most %d are allowed", len,
                   AST_MAX_NAME_BYTES);
        return T_BAD;
    }
    value->name = names_add(p->names, text, (size_t)len);
    return kind;
}

int scan_number(Parser *p, DLG_STYPE *value, Span at, const char *text) {
    double v = strtod(text, NULL);
    bool integral = !strpbrk(text, ".eE");
    if (isinf(v)) {
        if (!first_malformed(p)) return T_BAD;
        Diag *d = diag_error(p->diags, E0104, at, "this number is too large");
        diag_help(p->diags, d, "write `inf` for infinity");
        return T_BAD;
    }
    if (integral && v > 9007199254740992.0) {
        if (!first_malformed(p)) return T_BAD;
        Diag *d = diag_error(p->diags, E0104, at, "this whole number is too large to be exact");
        diag_note(p->diags, d, "whole numbers go up to 2**53; with a `.0` it is rounded");
        return T_BAD;
    }
    value->number = (NumberValue){v, integral};
    return T_NUMBER;
}

int scan_bad_number(Parser *p, Span at, const char *text, int len) {
    if (!first_malformed(p)) return T_BAD;
    int shown = len > 40 ? 40 : len;
    Diag *d = diag_error(p->diags, E0104, at, "`%.*s%s` is not a number", shown, text,
                         len > shown ? "..." : "");
    size_t digits = strspn(text, "0123456789.");
    char next = text[digits];
    if (next == 'x' || next == 'X' || next == 'b' || next == 'o')
        diag_help(p->diags, d, "numbers are written in decimal");
    else if (next == 'e' || next == 'E')
        diag_help(p->diags, d, "digits follow the `e`, as in 1e-3");
    else if ((next == 'f' || next == 'F') && !text[digits + 1])
        diag_help(p->diags, d, "numbers have no suffix: leave out the `%c`", next);
    else if (next)
        diag_help(p->diags, d, "a name cannot begin with a digit");
    else if (text[len - 1] == '.')
        diag_help(p->diags, d, "digits follow the point: write %.*s0", shown, text);
    else
        diag_help(p->diags, d, "a number has one decimal point");
    return T_BAD;
}

int scan_string(Parser *p, DLG_STYPE *value, Span at, const char *text, int len) {
    char *s = parse_alloc(p, (size_t)len);
    size_t n = 0;
    for (int i = 1; i < len - 1; i++) {
        if (text[i] != '\\') {
            s[n++] = text[i];
            continue;
        }
        char c = text[++i];
        switch (c) {
        case 'n': s[n++] = '\n'; break;
        case 't': s[n++] = '\t'; break;
        case '"':
        case '\\': s[n++] = c; break;
        default: {
            if (!first_malformed(p)) return T_BAD;
            Span here = {at.file, at.begin + (uint32_t)i - 1, at.begin + (uint32_t)i + 1};
            Diag *d = diag_error(p->diags, E0102, here, "unknown escape in a string");
            diag_help(p->diags, d, "the escapes are \\n, \\t, \\\" and \\\\");
            return T_BAD;
        }
        }
    }
    s[n] = 0;
    value->name = s;
    return T_STRING;
}

int scan_unterminated(Parser *p, Span at) {
    if (!first_malformed(p)) return T_BAD;
    Diag *d = diag_error(p->diags, E0102, (Span){at.file, at.begin, at.begin + 1},
                         "this string does not end on its line");
    diag_help(p->diags, d, "close it with `\"`; a newline inside a string is written \\n");
    return T_BAD;
}

int scan_unknown(Parser *p, Span at, const char *text, int len) {
    static const struct {
        const char *text, *help;
    } hints[] = {
        {"&&", "write `and`"},
        {"||", "write `or`"},
        {"&", "write `and`"},
        {"|", "write `or`"},
        {"!", "write `not`, or `!=` for different"},
        {"^", "a power is written `**`"},
        {":=", "a binding is written `name = value`"},
        {"+=", "write `name = name + value`; a variable is updated with `<-`"},
        {"-=", "write `name = name - value`; a variable is updated with `<-`"},
        {"*=", "write `name = name * value`; a variable is updated with `<-`"},
        {"/=", "write `name = name / value`; a variable is updated with `<-`"},
        {"\\", "a line goes on inside ( ) and [ ], and after an operator or a comma"},
        {"?", "a choice is written `where(condition, a, b)`"},
        {".", "a dot stands inside names (`h.w`), numbers (1.5), ranges (`0..3`) and `...`"},
        {"\xE2\x88\x92", "this is U+2212; the minus sign on the keyboard is `-`"},
        {"\xE2\x80\x93", "this is a dash, U+2013; the minus sign is `-`"},
        {"\xC3\x97", "write `*`, or `@` for a matrix product"},
        {"\xC2\xB7", "write `*`, or `@` for a matrix product"},
        {"\xE2\x86\x92", "write `->`"},
        {"\xE2\x86\x90", "write `<-`"},
        {"\xE2\x89\xA4", "write `<=`"},
        {"\xE2\x89\xA5", "write `>=`"},
        {"\xE2\x89\xA0", "write `!=`"},
        {"\xC3\xB7", "write `/`"},
        {"\xE2\x80\x9C", "strings stand in straight quotes, \"like this\""},
        {"\xE2\x80\x9D", "strings stand in straight quotes, \"like this\""},
        {"\xE2\x80\x99", "a transpose is written with a straight quote, `x'`"},
        {"\xC2\xA0", "this is a no-break space, U+00A0; write a plain space"},
    };
    if (!first_malformed(p)) return T_BAD;
    int32_t code;
    utf8_char(text, text + len, &code);
    bool shown = code > 0x20 && code < 0x7F;
    Diag *d = shown
                  ? diag_error(p->diags, E0103, at, "`%.*s` is not part of the language", len, text)
                  : diag_error(p->diags, E0103, at,
                               "the character U+%04X is not part of the language", (unsigned)code);
    const int last = p->lexer->last;
    if (code == '.' && (last == ')' || last == ']'))
        diag_help(p->diags, d, "there are no methods: write `reshape(x, 8, 4)`, `sum(x)`");
    for (size_t i = 0; i < COUNT_OF(hints) && !d->help; i++)
        if (strlen(hints[i].text) == (size_t)len && !memcmp(hints[i].text, text, (size_t)len))
            diag_help(p->diags, d, "%s", hints[i].help);
    if (!d->help && code >= 0xC0)
        diag_note(p->diags, d, "names are made of the letters a-z and A-Z, digits and _");
    return T_BAD;
}

/* highlight: see highlight.h. Text that is no OpenCL C is cut too, into something. */
#include "highlight.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool is_listed(const char *s, size_t len, const char *const *list) {
    for (; *list; list++)
        if (strlen(*list) == len && memcmp(*list, s, len) == 0) return true;
    return false;
}

static bool is_keyword(const char *s, size_t len) {
    static const char *const words[] = {
        "if",      "else",     "for",      "while",  "do",       "switch",  "case",
        "default", "break",    "continue", "return", "goto",     "const",   "static",
        "inline",  "restrict", "volatile", "struct", "typedef",  "enum",    "union",
        "sizeof",  "kernel",   "global",   "local",  "constant", "private", NULL};
    return is_listed(s, len, words) || (len > 2 && s[0] == '_' && s[1] == '_');
}

static bool is_type(const char *s, size_t len) {
    static const char *const types[] = {"void",   "bool",  "char",   "uchar",  "short",
                                        "ushort", "int",   "uint",   "long",   "ulong",
                                        "half",   "float", "double", "size_t", NULL};
    while (len > 1 && isdigit((unsigned char)s[len - 1])) len--; /* float16 */
    return is_listed(s, len, types);
}

static size_t line_end(const char *text, size_t at, size_t len) {
    const char *newline = memchr(text + at, '\n', len - at);
    return newline ? (size_t)(newline - text) : len;
}

static size_t comment_end(const char *text, size_t at, size_t len) {
    if (text[at + 1] == '/') return line_end(text, at, len);
    for (at += 2; at < len; at++)
        if (text[at] == '/' && text[at - 1] == '*') return at + 1;
    return len;
}

static size_t string_end(const char *text, size_t at, size_t len) {
    char quote = text[at++];
    for (; at < len && text[at] != '\n'; at++) {
        if (text[at] == quote) return at + 1;
        if (text[at] == '\\' && at + 1 < len && text[at + 1] != '\n') at++;
    }
    return at;
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

void highlight(const char *text, size_t len,
               void (*put)(void *user, Token kind, const char *text, size_t len), void *user) {
    bool line_begins = true;
    for (size_t at = 0, plain = 0; at <= len;) {
        size_t end = at;
        Token kind = TOKEN_PLAIN;
        char c = at < len ? text[at] : 0, next = at + 1 < len ? text[at + 1] : 0;
        if (c == '/' && (next == '/' || next == '*')) {
            kind = TOKEN_COMMENT;
            end = comment_end(text, at, len);
        } else if (c == '#' && line_begins) {
            kind = TOKEN_DIRECTIVE;
            end = line_end(text, at, len);
        } else if (c == '"' || c == '\'') {
            kind = TOKEN_STRING;
            end = string_end(text, at, len);
        } else if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)next))) {
            kind = TOKEN_NUMBER;
            for (end = at + 1; end < len; end++)
                if (!is_word(text[end]) && text[end] != '.' &&
                    !(strchr("+-", text[end]) && text[end] && strchr("eEpP", text[end - 1])))
                    break;
        } else if (is_word(c)) {
            for (end = at + 1; end < len && is_word(text[end]); end++) {
            }
            kind = is_keyword(text + at, end - at) ? TOKEN_KEYWORD
                   : is_type(text + at, end - at)  ? TOKEN_TYPE
                                                   : TOKEN_PLAIN;
        } else {
            end = at + 1;
        }
        if (kind != TOKEN_PLAIN || at == len) {
            if (at > plain) put(user, TOKEN_PLAIN, text + plain, at - plain);
            if (at == len) return;
            put(user, kind, text + at, end - at);
            plain = end;
        }
        line_begins = c == '\n' || (line_begins && isspace((unsigned char)c));
        at = end;
    }
}

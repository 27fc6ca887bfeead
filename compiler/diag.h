/* diag: diagnostics as data. A Diag is a record with a code, a message, up to three labelled spans
 * and notes; they are collected while compiling, sorted by place and rendered once, as text, by
 * whoever owns the compilation. Nothing here prints.
 *
 * A Span is two byte offsets in a source file; line, column and carets are made when rendered. */
#ifndef DLG_DIAG_H
#define DLG_DIAG_H

#include "util.h"

typedef struct Span {
    uint32_t file; /* index in Sources; NO_FILE: a place outside the sources, such as an option */
    uint32_t begin, end;
} Span;

#define NO_FILE UINT32_MAX

typedef struct Source {
    const char *name; /* as the user gave it */
    const char *text; /* text[len] == 0 */
    uint32_t len;
    uint32_t *line_start; /* made on first use */
    uint32_t lines;
} Source;

typedef struct Sources {
    Arena *arena;
    VEC(Source) files;
} Sources;

/* The codes: one row a code in diag.def, X(code, "title"). */
typedef enum DiagCode {
#define X(code, title) code,
#include "diag.def"
#undef X
} DiagCode;

typedef enum Severity { SEVERITY_ERROR, SEVERITY_WARNING } Severity;

typedef struct Diag {
    Severity severity;
    DiagCode code;
    const char *message;
    struct {
        Span span;
        const char *label; /* may be NULL */
    } spans[3];            /* the first is where it is */
    uint32_t span_count;
    VEC(const char *) notes; /* "note: ..." lines */
    const char *help;        /* "help: ..." or NULL: a suggestion */
} Diag;

typedef struct Diags {
    Arena *arena;
    Sources *sources;
    VEC(Diag *) list;
    uint32_t errors;
    uint32_t max_errors; /* further ones are counted, not kept; default 20 */
} Diags;

void diags_init(Diags *d, Arena *arena, Sources *sources);

/* Adds a diagnostic and returns it, never NULL, so that spans and notes can be added to it. An error
 * of the same code at the same span as an earlier one is not kept twice. */
Diag *diag_error(Diags *d, DiagCode code, Span at, const char *fmt, ...) PRINTF_LIKE(4, 5);
Diag *diag_warning(Diags *d, DiagCode code, Span at, const char *fmt, ...) PRINTF_LIKE(4, 5);
void diag_label(Diags *d, Diag *diag, const char *fmt, ...)
    PRINTF_LIKE(3, 4); /* of the first span */
void diag_span(Diags *d, Diag *diag, Span at, const char *fmt, ...) PRINTF_LIKE(4, 5);
void diag_note(Diags *d, Diag *diag, const char *fmt, ...) PRINTF_LIKE(3, 4);
void diag_help(Diags *d, Diag *diag, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* nearest_name, of a list of names. */
const char *diag_nearest(Arena *scratch, const char *name, const char *const *names, size_t count);

/* All diagnostics, sorted by file and place, as text. `color` adds ANSI colours. */
void diags_render(const Diags *d, Text *out, bool color);
/* A name from outside, as it may reach a terminal. */
void diag_add_clean(Text *out, const char *name);
const char *diag_code_name(DiagCode code);  /* "E0201" */
const char *diag_code_title(DiagCode code); /* "unknown name" */

uint32_t source_add(Sources *s, const char *name, const char *text, size_t len);
/* 1-based line and column (columns count characters, not bytes). */
void source_place(Sources *s, Span at, uint32_t *line, uint32_t *column);
/* Whether `//`, which begins a comment elsewhere, stands in the line of `at` before it ends, and no string does. */
bool source_after_slashes(const Sources *s, Span at);
Span span_join(Span a, Span b); /* from the start of a to the end of b (same file) */

#endif

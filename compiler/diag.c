/* diag: collects diagnostics and renders them (diag.h).
 *
 * Requires: spans lie in sources that were added. Establishes: what is rendered is valid UTF-8
 * without control characters, whatever the source holds; a line is shown through a window of about
 * a hundred columns, so that the cost and the size do not depend on how long it is. */
#include "diag.h"
#include "../runtime/nearest.h"

#include <stdlib.h>

static const struct {
    const char *name, *title;
} codes[] = {
#define X(code, title) {#code, title},
#include "diag.def"
#undef X
};

const char *diag_code_name(DiagCode code) {
    return codes[code].name;
}

const char *diag_code_title(DiagCode code) {
    return codes[code].title;
}

/* ---- Sources and places -----------------------------------------------------------------------
 */

uint32_t source_add(Sources *s, const char *name, const char *text, size_t len) {
    Source src = {.name = arena_strndup(s->arena, name, strlen(name)),
                  .text = arena_strndup(s->arena, text, len),
                  .len = (uint32_t)len};
    vec_push(s->arena, &s->files, src);
    return s->files.len - 1;
}

static void find_lines(Arena *arena, Source *src) {
    uint32_t lines = 1;
    const char *end = src->text + src->len;
    for (const char *p = src->text; (p = memchr(p, '\n', (size_t)(end - p))); p++) lines++;
    src->line_start = NEW_ARRAY(arena, uint32_t, lines);
    src->lines = 1;
    for (const char *p = src->text; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        src->line_start[src->lines++] = (uint32_t)(p + 1 - src->text);
}

/* The 0-based line that holds byte `at`. */
static uint32_t line_of(Sources *s, uint32_t file, uint32_t at) {
    Source *src = &s->files.at[file];
    if (!src->line_start) find_lines(s->arena, src);
    uint32_t lo = 0, hi = src->lines;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (src->line_start[mid] <= at)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static uint32_t min_u32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

void source_place(Sources *s, Span at, uint32_t *line, uint32_t *column) {
    const Source *src = &s->files.at[at.file];
    uint32_t begin = min_u32(at.begin, src->len);
    uint32_t l = line_of(s, at.file, begin), chars = 0;
    const char *text = src->text;
    for (uint32_t i = src->line_start[l]; i < begin; i++)
        chars += ((unsigned char)text[i] & 0xC0) != 0x80;
    *line = l + 1;
    *column = chars + 1;
}

bool source_after_slashes(const Sources *s, Span at) {
    const Source *src = &s->files.at[at.file];
    bool slashes = false;
    for (uint32_t i = min_u32(at.end, src->len); i > 0 && src->text[i - 1] != '\n'; i--) {
        if (src->text[i - 1] == '"') return false;
        slashes |= src->text[i - 1] == '/' && i < at.end && src->text[i] == '/';
    }
    return slashes;
}

Span span_join(Span a, Span b) {
    return (Span){a.file, a.begin, b.end > a.begin ? b.end : a.end};
}

/* ---- Collecting -------------------------------------------------------------------------------
 */

void diags_init(Diags *d, Arena *arena, Sources *sources) {
    *d = (Diags){.arena = arena, .sources = sources, .max_errors = 20};
}

static char *vformat(Arena *arena, const char *fmt, va_list args) {
    Text t;
    text_init(&t, arena);
    text_vprintf(&t, fmt, args);
    return t.at;
}

static Diag *diag_add(Diags *d, Severity severity, DiagCode code, Span at, const char *fmt,
                      va_list args) {
    Diag *diag = NEW(d->arena, Diag);
    diag->severity = severity;
    diag->code = code;
    diag->span_count = 1;
    diag->spans[0].span = at;
    for (uint32_t i = 0; i < d->list.len; i++) {
        const Span *s = &d->list.at[i]->spans[0].span;
        if (d->list.at[i]->code == code && s->file == at.file && s->begin == at.begin &&
            s->end == at.end) {
            diag->message = "";
            return diag;
        }
    }
    diag->message = vformat(d->arena, fmt, args);
    if (severity == SEVERITY_ERROR) d->errors++;
    /* Errors beyond max_errors are only counted; as many warnings are kept besides. */
    if (severity == SEVERITY_ERROR ? d->errors <= d->max_errors : d->list.len < 2 * d->max_errors)
        vec_push(d->arena, &d->list, diag);
    return diag;
}

Diag *diag_error(Diags *d, DiagCode code, Span at, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    Diag *diag = diag_add(d, SEVERITY_ERROR, code, at, fmt, args);
    va_end(args);
    return diag;
}

Diag *diag_warning(Diags *d, DiagCode code, Span at, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    Diag *diag = diag_add(d, SEVERITY_WARNING, code, at, fmt, args);
    va_end(args);
    return diag;
}

void diag_label(Diags *d, Diag *diag, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    diag->spans[0].label = vformat(d->arena, fmt, args);
    va_end(args);
}

void diag_span(Diags *d, Diag *diag, Span at, const char *fmt, ...) {
    if (diag->span_count == COUNT_OF(diag->spans)) return;
    va_list args;
    va_start(args, fmt);
    diag->spans[diag->span_count].span = at;
    diag->spans[diag->span_count++].label = vformat(d->arena, fmt, args);
    va_end(args);
}

void diag_note(Diags *d, Diag *diag, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const char *note = vformat(d->arena, fmt, args);
    vec_push(d->arena, &diag->notes, note);
    va_end(args);
}

void diag_help(Diags *d, Diag *diag, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    diag->help = vformat(d->arena, fmt, args);
    va_end(args);
}

static const char *text_at(const void *list, size_t i) {
    return ((const char *const *)list)[i];
}

const char *diag_nearest(Arena *scratch, const char *name, const char *const *names, size_t count) {
    (void)scratch;
    return nearest_name(name, names, count, text_at);
}

/* ---- Rendering --------------------------------------------------------------------------------
 */

#define WINDOW_CELLS 100 /* of a source line, at most */
#define WINDOW_BACK  40  /* of them before what is pointed at, where the line is cut on the left */

typedef struct Style {
    const char *error, *warning, *bold, *blue, *help, *off;
} Style;

static const Style plain_style = {"", "", "", "", "", ""};
static const Style color_style = {"\033[1;31m", "\033[1;33m", "\033[1m",
                                  "\033[1;34m", "\033[1;36m", "\033[0m"};

/* Columns a character takes; -1: it must not reach a terminal (controls, direction overrides). */
static int cell_width(int32_t c) {
    static const struct {
        int32_t lo, hi;
        int width;
    } ranges[] = {
        {0, 0x1F, -1},        {0x7F, 0x9F, -1},      {0x300, 0x36F, 0},     {0x1100, 0x115F, 2},
        {0x200B, 0x200D, 0},  {0x200E, 0x200F, -1},  {0x2028, 0x202E, -1},  {0x2060, 0x206F, -1},
        {0x2E80, 0xA4CF, 2},  {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},   {0xFE00, 0xFE0F, 0},
        {0xFE30, 0xFE6F, 2},  {0xFEFF, 0xFEFF, -1},  {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},
        {0xFFF0, 0xFFFB, -1}, {0x1F300, 0x1FAFF, 2}, {0x20000, 0x3FFFD, 2}, {0xE0000, 0xE0FFF, -1}};
    if (c < 0) return -1;
    for (size_t i = 0; i < COUNT_OF(ranges); i++)
        if (c >= ranges[i].lo && c <= ranges[i].hi) return ranges[i].width;
    return 1;
}

/* Adds one character of the source as it is shown; returns the columns it took. */
static uint32_t add_char(Text *out, const char *p, uint32_t n, int32_t code) {
    if (code == '\t') {
        text_puts(out, "    ");
        return 4;
    }
    int width = cell_width(code);
    if (width < 0) {
        text_puts(out, "\xEF\xBF\xBD"); /* U+FFFD */
        return 1;
    }
    text_add(out, p, n);
    return (uint32_t)width;
}

void diag_add_clean(Text *out, const char *s) {
    const char *end = s + strlen(s);
    for (int32_t code; s < end;) {
        uint32_t n = utf8_char(s, end, &code);
        if (code == '\n')
            text_puts(out, " ");
        else
            add_char(out, s, n, code);
        s += n;
    }
}

static void add_repeated(Text *out, char c, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) text_add(out, &c, 1);
}

static const char *step_back(const char *p, const char *start) {
    for (int i = 0; i < 4 && p > start; i++)
        if (((unsigned char)*--p & 0xC0) != 0x80) break;
    return p;
}

typedef struct Window {
    const char *begin, *end; /* the part of the line that is shown */
    bool cut_left, cut_right;
} Window;

/* The part of the line [line, eol) to show so that `from` is in it, and [from, to) if it fits. */
static Window window_around(const char *line, const char *eol, const char *from, const char *to) {
    Window w = {.begin = from};
    uint32_t back = 0;
    while (w.begin > line && back < WINDOW_CELLS) {
        w.begin = step_back(w.begin, line);
        back++;
    }
    ptrdiff_t marked = to - from;
    if (w.begin > line ||
        back + (marked < WINDOW_BACK ? (uint32_t)marked : WINDOW_BACK) > WINDOW_CELLS) {
        w.begin = from;
        for (back = 0; w.begin > line && back < WINDOW_BACK; back++)
            w.begin = step_back(w.begin, line);
    }
    w.cut_left = w.begin > line;
    w.end = w.begin;
    int32_t code;
    for (uint32_t cells = 0; w.end < eol && cells < WINDOW_CELLS;) {
        uint32_t n = utf8_char(w.end, eol, &code);
        int width = code == '\t' ? 4 : cell_width(code);
        w.end += n;
        cells += width < 0 ? 1 : width == 0 ? 0 : (uint32_t)width;
    }
    w.cut_right = w.end < eol;
    return w;
}

/* Columns that the part [begin, end) of a line takes when shown. */
static uint32_t cells_between(Text *scratch, const char *begin, const char *end) {
    uint32_t cells = 0;
    size_t mark = scratch->len;
    for (int32_t code; begin < end;) {
        uint32_t n = utf8_char(begin, end, &code);
        cells += add_char(scratch, begin, n, code);
        begin += n;
    }
    scratch->len = mark;
    return cells;
}

typedef struct Mark { /* one span of a diagnostic, placed */
    Span span;
    uint32_t line; /* 0-based */
    const char *label;
    bool primary, done;
} Mark;

typedef struct Renderer {
    const Diags *d;
    Text *out;
    Text scratch;
    const Style *style;
    const char *mark_color; /* of the primary carets */
    uint32_t gutter;
} Renderer;

static void add_gutter(Renderer *r, uint32_t number, const char *bar) {
    text_puts(r->out, r->style->blue);
    if (number)
        text_printf(r->out, "%*u %s", (int)r->gutter, number, bar);
    else
        text_printf(r->out, "%*s %s", (int)r->gutter, "", bar);
    text_puts(r->out, r->style->off);
}

static void add_mark(Renderer *r, const Mark *m, const Source *src, Window w) {
    const char *from = src->text + min_u32(m->span.begin, src->len);
    const char *to = src->text + min_u32(m->span.end, src->len);
    if (from > w.end) from = w.end;
    if (to > w.end) to = w.end;
    uint32_t before = cells_between(&r->scratch, w.begin, from) + (w.cut_left ? 3 : 0);
    uint32_t cells = to > from ? cells_between(&r->scratch, from, to) : 0;
    add_gutter(r, 0, "| ");
    add_repeated(r->out, ' ', before);
    text_puts(r->out, m->primary ? r->mark_color : r->style->blue);
    add_repeated(r->out, m->primary ? '^' : '-', cells ? cells : 1);
    if (m->label && *m->label) {
        text_puts(r->out, " ");
        diag_add_clean(r->out, m->label);
    }
    text_puts(r->out, r->style->off);
    text_puts(r->out, "\n");
}

/* Shows the line of marks[first] and under it every mark of the same line that its window holds. */
static void add_line(Renderer *r, Mark *marks, uint32_t count, uint32_t first) {
    Mark *m = &marks[first];
    const Source *src = &r->d->sources->files.at[m->span.file];
    const char *line = src->text + src->line_start[m->line];
    const char *end = src->text + src->len, *eol = memchr(line, '\n', (size_t)(end - line));
    eol = eol ? eol : end;
    if (eol > line && eol[-1] == '\r') eol--;
    if (m->line == 0 && src->len >= 3 && !memcmp(line, "\xEF\xBB\xBF", 3)) line += 3;
    const char *from = src->text + min_u32(m->span.begin, src->len);
    const char *to = src->text + min_u32(m->span.end, src->len);
    from = from > eol ? eol : from < line ? line : from;
    to = to > eol ? eol : to < from ? from : to;
    Window w = window_around(line, eol, from, to);

    add_gutter(r, m->line + 1, w.begin < w.end ? "| " : "|");
    if (w.cut_left) text_puts(r->out, "...");
    int32_t code;
    for (const char *p = w.begin; p < w.end;) {
        uint32_t n = utf8_char(p, w.end, &code);
        add_char(r->out, p, n, code);
        p += n;
    }
    text_puts(r->out, w.cut_right ? "...\n" : "\n");
    for (uint32_t i = 0; i < count; i++) {
        const char *at = src->text + min_u32(marks[i].span.begin, src->len);
        if (i != first && (marks[i].done || marks[i].span.file != m->span.file ||
                           marks[i].line != m->line || at < w.begin || at > w.end))
            continue;
        marks[i].done = true;
        add_mark(r, &marks[i], src, w);
    }
}

static void add_place(Renderer *r, const char *arrow, Span at) {
    uint32_t line, column;
    source_place(r->d->sources, at, &line, &column);
    add_repeated(r->out, ' ', r->gutter);
    text_printf(r->out, "%s%s%s ", r->style->blue, arrow, r->style->off);
    diag_add_clean(r->out, r->d->sources->files.at[at.file].name);
    text_printf(r->out, ":%u:%u\n", line, column);
}

static void add_snippets(Renderer *r, const Diag *diag) {
    Mark marks[COUNT_OF(diag->spans)];
    uint32_t order[COUNT_OF(diag->spans)], count = diag->span_count, last_line = 0;
    r->gutter = 1;
    for (uint32_t i = 0; i < count; i++) {
        Span at = diag->spans[i].span;
        marks[i] = (Mark){.span = at,
                          .line = line_of(r->d->sources, at.file, at.begin),
                          .label = diag->spans[i].label,
                          .primary = i == 0};
        uint32_t digits = 1;
        for (uint32_t n = marks[i].line + 1; n >= 10; n /= 10) digits++;
        r->gutter = digits > r->gutter ? digits : r->gutter;
        /* Sorted by line, those of the primary's file first. */
        uint32_t j = i;
        for (; j > 0; j--) {
            const Mark *o = &marks[order[j - 1]];
            bool home = at.file == marks[0].span.file, o_home = o->span.file == marks[0].span.file;
            if (home != o_home ? o_home : o->line <= marks[i].line) break;
            order[j] = order[j - 1];
        }
        order[j] = i;
    }
    uint32_t file = marks[0].span.file;
    add_place(r, "-->", marks[0].span);
    add_gutter(r, 0, "|\n");
    for (uint32_t k = 0; k < count; k++) {
        Mark *m = &marks[order[k]];
        if (m->done) continue;
        if (m->span.file != file) {
            file = m->span.file;
            add_place(r, ":::", m->span);
            add_gutter(r, 0, "|\n");
        } else if (k > 0 && m->line > last_line + 1) {
            text_printf(r->out, "%s...%s\n", r->style->blue, r->style->off);
        }
        last_line = m->line;
        add_line(r, marks, count, order[k]);
    }
}

static void add_note(Renderer *r, const char *kind, const char *text) {
    add_gutter(r, 0, "= ");
    text_printf(r->out, "%s%s:%s ", r->style->bold, kind, r->style->off);
    diag_add_clean(r->out, text);
    text_puts(r->out, "\n");
}

static int by_place(const void *a, const void *b) {
    const Span *x = &(*(Diag *const *)a)->spans[0].span, *y = &(*(Diag *const *)b)->spans[0].span;
    if (x->file != y->file) return x->file < y->file ? -1 : 1;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return (int)(*(Diag *const *)a)->code - (int)(*(Diag *const *)b)->code;
}

void diags_render(const Diags *d, Text *out, bool color) {
    Renderer r = {.d = d, .out = out, .style = color ? &color_style : &plain_style};
    text_init(&r.scratch, d->arena);
    Diag **sorted = NEW_ARRAY(d->arena, Diag *, d->list.len);
    for (uint32_t i = 0; i < d->list.len; i++) sorted[i] = d->list.at[i];
    qsort(sorted, d->list.len, sizeof *sorted, by_place);
    uint32_t shown = 0;
    for (uint32_t i = 0; i < d->list.len; i++) {
        const Diag *diag = sorted[i];
        bool error = diag->severity == SEVERITY_ERROR;
        shown += error;
        r.mark_color = error ? r.style->error : r.style->warning;
        text_printf(out, "%s%s[%s]%s%s: ", r.mark_color, error ? "error" : "warning",
                    diag_code_name(diag->code), r.style->off, r.style->bold);
        diag_add_clean(out, diag->message);
        text_printf(out, "%s\n", r.style->off);
        if (diag->spans[0].span.file != NO_FILE)
            add_snippets(&r, diag);
        else
            r.gutter = 1;
        for (uint32_t k = 0; k < diag->notes.len; k++) add_note(&r, "note", diag->notes.at[k]);
        if (diag->help) add_note(&r, "help", diag->help);
        text_puts(out, "\n");
    }
    if (d->errors > shown)
        text_printf(out, "there are more errors; the first %u are shown\n", shown);
}

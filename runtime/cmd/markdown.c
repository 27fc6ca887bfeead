/* markdown: see markdown.h. It knows what docs/ uses: headings, paragraphs, lists, tables, code in fences or indented, links,
 * emphasis. Other text comes out as it stands. */
#include "markdown.h"

#include <stdbool.h>
#include <string.h>

typedef struct Page {
    FILE *out;
    bool man;
    int width;
    bool blank; /* a blank line is due before the next block */
    bool first; /* a man page has no break before this block */
} Page;

/* In words for a man page: bold from here, and no longer. */
enum { BOLD = 1, ROMAN = 2 };

typedef struct Line {
    const char *at;
    size_t len;
} Line;

static const char *next_line(const char *at, const char *end, Line *line) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    *line = (Line){at, (size_t)((newline ? newline : end) - at)};
    return newline ? newline + 1 : end;
}

static bool begins(Line l, const char *with) {
    return l.len >= strlen(with) && memcmp(l.at, with, strlen(with)) == 0;
}

static bool is_item(Line l) {
    return begins(l, "- ") || begins(l, "* ");
}

static bool is_code(Line l) {
    return begins(l, "    ");
}

static bool is_fence(Line l) {
    return begins(l, "```");
}

/* ---- Words ---------------------------------------------------------------------------------------- */

void man_text(FILE *out, const char *text, size_t len) {
    if (len && (*text == '.' || *text == '\'')) fputs("\\&", out);
    for (size_t i = 0; i < len; i++) switch (text[i]) {
        case BOLD: fputs("\\fB", out); break;
        case ROMAN: fputs("\\fR", out); break;
        case '\\': fputs("\\e", out); break;
        case '-': fputs("\\-", out); break;
        case '`': fputs("\\(ga", out); break;
        case '^': fputs("\\(ha", out); break;
        case '~': fputs("\\(ti", out); break;
        case '\'': fputs("\\(aq", out); break;
        default: fputc(text[i], out);
        }
}

/* The text of `[text](place)` at s, and where it ends; NULL: there is no such. */
static const char *link_end(const char *s, const char *end, Line *shown) {
    const char *close = memchr(s, ']', (size_t)(end - s));
    if (!close || close + 1 >= end || close[1] != '(') return NULL;
    const char *last = memchr(close, ')', (size_t)(end - close));
    *shown = (Line){s + 1, (size_t)(close - s - 1)};
    return last ? last + 1 : NULL;
}

/* Flowing text, word by word. */
typedef struct Flow {
    Page *p;
    int indent, column;
    size_t used; /* of word */
    char word[512];
} Flow;

static void end_word(Flow *f) {
    Page *p = f->p;
    if (f->used == 0) return;
    int chars = 0; /* of UTF-8, the bytes that begin one */
    for (size_t i = 0; i < f->used; i++) chars += ((unsigned char)f->word[i] & 0xc0) != 0x80;
    bool first = f->column == f->indent;
    int most = p->man ? 76 : p->width;
    if (!first && f->column + 1 + chars > most) {
        fputc('\n', p->out);
        for (int i = 0; i < f->indent && !p->man; i++) fputc(' ', p->out);
        f->column = f->indent;
        first = true;
    }
    if (!first) fputc(' ', p->out);
    f->column += chars + !first;
    if (p->man && first && (*f->word == '.' || *f->word == '\'')) fputs("\\&", p->out);
    if (p->man)
        man_text(p->out, f->word, f->used);
    else
        fwrite(f->word, 1, f->used, p->out);
    f->used = 0;
}

static void flow(Flow *f, const char *s, size_t len) {
    bool code = false; /* between backquotes nothing is special */
    for (const char *end = s + len; s < end; s++) {
        Line shown;
        const char *behind = *s == '[' && !code ? link_end(s, end, &shown) : NULL;
        if (behind) {
            flow(f, shown.at, shown.len);
            s = behind - 1;
        } else if (*s == ' ' || f->used == sizeof f->word) {
            end_word(f);
            if (*s != ' ') f->word[f->used++] = *s;
        } else if (*s == '`') {
            code = !code;
            f->word[f->used++] = f->p->man ? (code ? BOLD : ROMAN) : *s;
        } else if (*s == '*' && !code && (s[1] == '*' || (s > end - len && s[-1] == '*'))) {
            continue; /* of **emphasis** */
        } else {
            f->word[f->used++] = *s;
        }
    }
}

/* ---- Blocks --------------------------------------------------------------------------------------- */

static void begin_block(Page *p) {
    if (p->blank && !p->man) fputc('\n', p->out);
    p->first = !p->blank;
    p->blank = true;
}

/* A paragraph or an item from its first line on; returns what follows. */
static const char *paragraph(Page *p, const char *at, const char *end, Line line, int indent) {
    Flow f = {.p = p, .indent = indent, .column = indent};
    size_t mark = indent && is_item(line) ? 2 : 0;
    if (p->man)
        fputs(indent ? ".IP \\(bu 2\n" : p->first ? "" : ".PP\n", p->out);
    else if (indent)
        fputs("- ", p->out);
    flow(&f, line.at + mark, line.len - mark);
    end_word(&f);
    while (at < end) {
        const char *after = next_line(at, end, &line);
        if (line.len == 0 || is_item(line) || is_fence(line) || begins(line, "#") ||
            begins(line, "|") || (is_code(line) && !indent))
            break;
        size_t skip = strspn(line.at, " ");
        flow(&f, line.at + skip, line.len - skip);
        end_word(&f);
        at = after;
    }
    fputc('\n', p->out);
    return at;
}

static void code_line(const Page *p, Line line, size_t skip) {
    if (line.len && !p->man) fputs("    ", p->out);
    if (p->man)
        man_text(p->out, line.at + skip, line.len - skip);
    else
        fwrite(line.at + skip, 1, line.len - skip, p->out);
    fputc('\n', p->out);
}

/* Code behind its fence, or from its first line on, which is indented; returns what follows. */
static const char *code_block(Page *p, const char *at, const char *end, Line line, bool fenced) {
    if (p->man) fputs(p->first ? ".nf\n.RS 4\n" : ".PP\n.nf\n.RS 4\n", p->out);
    if (!fenced) code_line(p, line, 4);
    for (size_t blanks = 0; at < end;) {
        const char *after = next_line(at, end, &line);
        if (!fenced && line.len && !is_code(line)) break;
        at = after;
        if (fenced && is_fence(line)) break;
        if (line.len == 0) {
            blanks++;
            continue;
        }
        for (; blanks > 0; blanks--) fputc('\n', p->out);
        code_line(p, line, fenced ? 0 : 4);
    }
    if (p->man) fputs(".RE\n.fi\n", p->out);
    return at;
}

/* A row of a table: the first cell, then the others under it. */
static void table_row(Page *p, Line line) {
    bool first = true;
    if (begins(line, "| ---") || begins(line, "|---")) return;
    for (size_t i = 1; i < line.len;) {
        bool code = false;
        size_t from = i;
        for (; i < line.len && (code || line.at[i] != '|' || line.at[i - 1] == '\\'); i++)
            if (line.at[i] == '`') code = !code;
        size_t len = i++ - from;
        while (len && line.at[from] == ' ') from++, len--;
        while (len && line.at[from + len - 1] == ' ') len--;
        if (len == 0) continue;
        Flow f = {.p = p, .indent = first ? 0 : 8, .column = first ? 0 : 8};
        if (p->man && first) fputs(".TP\n", p->out);
        if (!p->man && !first) fputs("        ", p->out);
        flow(&f, line.at + from, len);
        end_word(&f);
        fputc('\n', p->out);
        first = false;
    }
}

static void heading(Page *p, Line line) {
    size_t level = strspn(line.at, "#"), skip = level + 1;
    if (line.len <= skip) return;
    if (p->man) {
        fputs(level < 3 ? ".SS " : ".PP\n", p->out);
        man_text(p->out, line.at + skip, line.len - skip);
    } else {
        fwrite(line.at + skip, 1, line.len - skip, p->out);
        fputc('\n', p->out);
        for (size_t i = skip; i < line.len; i++) fputc(level == 1 ? '=' : '-', p->out);
    }
    fputc('\n', p->out);
}

static void write_blocks(Page *p, const char *at, size_t len) {
    const char *end = at + len;
    bool in_list = false, in_table = false;
    while (at < end) {
        Line line;
        at = next_line(at, end, &line);
        if (line.len == 0) {
            in_list = in_table = false;
            continue;
        }
        bool item = is_item(line), row = begins(line, "|");
        if (begins(line, "![")) continue; /* a picture */
        if (!(item && in_list) && !(row && in_table)) begin_block(p);
        in_list = item;
        in_table = row;
        if (begins(line, "#"))
            heading(p, line);
        else if (is_fence(line) || is_code(line))
            at = code_block(p, at, end, line, is_fence(line));
        else if (row)
            table_row(p, line);
        else
            at = paragraph(p, at, end, line, item ? 2 : 0);
    }
}

void markdown_plain(FILE *out, const char *text, size_t len, int width) {
    Page p = {.out = out, .width = width};
    write_blocks(&p, text, len);
}

void markdown_man(FILE *out, const char *text, size_t len) {
    Page p = {.out = out, .man = true};
    write_blocks(&p, text, len);
}

const char *markdown_section(const char *text, const char *heading, size_t *len) {
    size_t n = strlen(heading);
    for (const char *s = text; (s = strstr(s, "\n## "));) {
        const char *title = s + 4;
        s += 1;
        if (strncmp(title, heading, n) != 0 || (title[n] != '\n' && title[n] != ':')) continue;
        const char *end = strstr(title, "\n## ");
        *len = end ? (size_t)(end + 1 - s) : strlen(s);
        return s;
    }
    return NULL;
}

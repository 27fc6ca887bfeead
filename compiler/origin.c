/* origin: nodes and lines of a cluster; see origin.h. */
#include "origin.h"

#include <stdlib.h>

void text_one_line(Text *out, const char *s, size_t n) {
    for (size_t i = 0; i < n && i < 90; i++) {
        unsigned char c = (unsigned char)s[i];
        char safe = c == '\\' ? '/' : c < 32 || c == 127 ? ' ' : (char)c;
        if (c == '?' && i && s[i - 1] == '?') text_puts(out, " ");
        text_add(out, &safe, 1);
    }
    if (n > 90) text_puts(out, " ...");
}

int line_compare(const void *a, const void *b) {
    const Line *x = a, *y = b;
    if (x->file != y->file) return x->file < y->file ? -1 : 1;
    return x->number == y->number ? 0 : x->number < y->number ? -1 : 1;
}

void lines_settle(Lines *lines) {
    uint32_t keep = 0;
    if (lines->len) qsort(lines->at, lines->len, sizeof(Line), line_compare);
    for (uint32_t i = 0; i < lines->len; i++) {
        if (!keep || line_compare(&lines->at[keep - 1], &lines->at[i]))
            lines->at[keep++] = lines->at[i];
    }
    lines->len = keep;
}

bool line_of(Sources *sources, const Node *n, Line *out) {
    uint32_t line, column;
    Span span = n->span;
    if (!sources || span.file >= sources->files.len ||
        !strcmp(sources->files.at[span.file].name, "prelude.dlg"))
        return false;
    source_place(sources, span, &line, &column);
    *out = (Line){span.file, line};
    return true;
}

const char *line_text(const Sources *sources, Line line, size_t *len) {
    const Source *s = &sources->files.at[line.file];
    const char *text = s->text + s->line_start[line.number - 1];
    *len = strcspn(text, "\r\n");
    return text;
}

void cluster_nodes(const Fused *f, uint32_t cluster, OriginNodes *out, Arena *arena) {
    const Cluster *c = f->clusters.at[cluster];
    Arena *scratch = arena_open(arena);
    OriginNodes open = {0};
    NumberSet seen = {.arena = scratch};
    for (uint32_t m = 0; m < c->members.len; m++) vec_push(scratch, &open, c->members.at[m]);
    while (open.len) {
        NodeId id = open.at[--open.len];
        const Node *n = node_at(f->g, id);
        uint32_t of = f->cluster_of[id];
        if (n->op == OP_VAR || (of != NO_CLUSTER && of != cluster) || !set_add(&seen, id)) continue;
        vec_push(arena, out, id);
        for (uint32_t i = n->argc; i-- > 0;) vec_push(scratch, &open, n->args[i]);
    }
    arena_close(scratch);
}

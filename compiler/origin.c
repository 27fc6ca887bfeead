/* origin: nodes and lines of a cluster; see origin.h. */
#include "origin.h"

void text_one_line(Text *out, const char *s, size_t n) {
    for (size_t i = 0; i < n && i < 90; i++) {
        unsigned char c = (unsigned char)s[i];
        char safe = c == '\\' ? '/' : c < 32 || c == 127 ? ' ' : (char)c;
        if (c == '?' && i && s[i - 1] == '?') text_puts(out, " ");
        text_add(out, &safe, 1);
    }
    if (n > 90) text_puts(out, " ...");
}

bool line_before(Line a, Line b) {
    return a.file != b.file ? a.file < b.file : a.number < b.number;
}

void line_add(Arena *arena, Lines *lines, Line line) {
    uint32_t at = 0;
    while (at < lines->len && line_before(lines->at[at], line)) at++;
    if (at < lines->len && !line_before(line, lines->at[at])) return;
    vec_push(arena, lines, line);
    for (uint32_t k = lines->len - 1; k > at; k--) lines->at[k] = lines->at[k - 1];
    lines->at[at] = line;
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
    bool *seen = NEW_ARRAY(scratch, bool, f->g->nodes.len + 1);
    for (uint32_t m = 0; m < c->members.len; m++) vec_push(scratch, &open, c->members.at[m]);
    while (open.len) {
        NodeId id = open.at[--open.len];
        const Node *n = node_at(f->g, id);
        uint32_t of = f->cluster_of[id];
        if (seen[id] || n->op == OP_VAR || (of != NO_CLUSTER && of != cluster)) continue;
        seen[id] = true;
        vec_push(arena, out, id);
        for (uint32_t i = n->argc; i-- > 0;) vec_push(scratch, &open, n->args[i]);
    }
    arena_close(scratch);
}

/* origin: where a kernel comes from: the nodes that a cluster computes and the lines of the user's files
 * that they were written on. For comments, --explain and drawings. */
#ifndef DLG_ORIGIN_H
#define DLG_ORIGIN_H

#include "fuse.h"

typedef struct Line {
    uint32_t file, number;
} Line;

typedef VEC(Line) Lines; /* after lines_settle ascending, each once */
typedef VEC(NodeId) OriginNodes;

int line_compare(const void *a, const void *b); /* of two Line, as qsort wants it */
void lines_settle(Lines *lines);
/* The line of a node, if it is of a file of the user's. */
bool line_of(Sources *sources, const Node *n, Line *out);
/* The text of a line, without its end. */
const char *line_text(const Sources *sources, Line line, size_t *len);
/* Text as part of a comment, or for a terminal: nothing in it can end the comment or swallow a line, and it
 * is cut off where it is long. */
void text_one_line(Text *out, const char *s, size_t n);

/* What cluster `cluster` computes: its members, and all that is computed where they use it. Constants and
 * views too; no variables. */
void cluster_nodes(const Fused *f, uint32_t cluster, OriginNodes *out, Arena *arena);

#endif

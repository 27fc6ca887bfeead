/* graph_dot: the program as a drawing for graphviz (--emit dot): a box an entry, in it one a kernel, with the
 * nodes that it computes, and one around those that a loop launches again and again. */
#ifndef DLG_GRAPH_DOT_H
#define DLG_GRAPH_DOT_H

#include "launch.h"

typedef struct Drawing Drawing;

/* The drawing goes to `out`, while launches go by; `listener` is told of them. */
Drawing *dot_begin(const Program *p, Arena *arena, Text *out, KernelListener *listener);
void dot_end(Drawing *d);

#endif

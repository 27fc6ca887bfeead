/* ops: the operator table as data, the value of an elementwise operator on the host, and small things
 * about shapes and sources. */
#include "ir.h"

#include <math.h>

const OpInfo op_info[OP_COUNT] = {
#define SAME false
#define BOOL true
#define ELEMENTWISE(NAME, name, arity, result, cl, host, d0, d1, d2, lo, hi, cost, doc)            \
    [OP_##NAME] = {#name, arity, true, result, cl, lo, hi, cost, doc},
#define STRUCTURED(NAME, name, arity, doc)                                                         \
    [OP_##NAME] = {#name, arity, false, false, NULL, 0, 0, 1, doc},
#include "ops.def"
#undef SAME
#undef BOOL
};

double op_host(Op op, double x, double y, double z) {
    (void)x, (void)y, (void)z;
    switch (op) {
/* clang-format off */
#define ELEMENTWISE(NAME, name, arity, result, cl, host, ...) case OP_##NAME: return (host);
#include "ops.def"
        /* clang-format on */
    default: return NAN; /* a structured operator has no scalar value: callers ask op_info first */
    }
}

bool shape_equal(const Shape *a, const Shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->dim[i] != b->dim[i]) return false;
    }
    return true;
}

int64_t shape_elems(const Shape *s) {
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++) {
        n *= s->dim[i];
        if (n > MAX_ELEMS) return -1;
    }
    return n;
}

void text_shape(Text *t, const Shape *s) {
    if (s->rank == 0) text_puts(t, "scalar");
    for (int i = 0; i < s->rank; i++) text_printf(t, "%s%d", i ? "x" : "", s->dim[i]);
}

void text_selection(Text *t, const DataSource *s) {
    if (!s->what || !s->what[0]) return;
    text_printf(t, " %s", s->what);
    if (strcmp(s->what, "columns")) return;
    if (s->single)
        text_printf(t, " %d", s->begin);
    else
        text_printf(t, " %d:%d", s->begin, s->end);
}

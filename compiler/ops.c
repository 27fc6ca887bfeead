/* ops: the operator table as data, the value of an elementwise operator on the host, and small things
 * about shapes and sources. */
#include "ir.h"

#include <math.h>

const OpInfo op_info[OP_COUNT] = {
#define ELEMENTWISE(NAME, name, arity, result, cl, host, d0, d1, d2, lo, hi, cost, doc)            \
    [OP_##NAME] = {#name, arity, true, OP_##result == OP_BOOL, OP_##result, cl, lo, hi, cost, doc},
#define STRUCTURED(NAME, name, arity, doc)                                                         \
    [OP_##NAME] = {#name, arity, false, false, OP_SAME, NULL, 0, 0, 1, doc},
#include "ops.def"
};

/* A value as the 32 bits that it has on a device. */
static uint32_t bits_of(double x) {
    return (uint32_t)(int64_t)x;
}

static double host_bits(char op, double x, double y) {
    uint32_t a = bits_of(x), b = bits_of(y);
    switch (op) {
    case '&': a &= b; break;
    case '|': a |= b; break;
    case '^': a ^= b; break;
    case '<': a <<= b & 31; break;
    default: a >>= b & 31; break;
    }
    return (double)(int32_t)a;
}

/* Source: Salmon, Moraes, Dror & Shaw 2011, Parallel random numbers: as easy as 1, 2, 3. */
static double host_philox(double x, double y, double z) {
    uint32_t c0 = bits_of(x), c1 = bits_of(y), c2 = 0, c3 = 0, k0 = bits_of(z), k1 = 0;
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (double)(int32_t)c0;
}

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

double op_host_whole(Op op, double x, double y, double z) {
    if (op == OP_MUL) return (double)(int32_t)(bits_of(x) * bits_of(y));
    return op_host(op, x, y, z);
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

/* graph_fixture: what the tests of graphs share: an arena with its limit, a graph whose variables have
 * values, and the values of nodes through the reference interpreter. */
#ifndef DLG_GRAPH_FIXTURE_H
#define DLG_GRAPH_FIXTURE_H

#include "ir.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

#define FIXTURE_VARS 64

typedef struct Fixture {
    ArenaLimit limit;
    Arena arena;
    Graph g;
    double *vars[FIXTURE_VARS];
    NodeId node[FIXTURE_VARS]; /* the VAR nodes */
    uint32_t var_count;
} Fixture;

static inline void fixture_open(Fixture *f) {
    memset(f, 0, sizeof(*f));
    f->limit.limit_bytes = (size_t)1 << 30;
    if (setjmp(f->limit.failed)) {
        fprintf(stderr, "the test ran out of its arena\n");
        exit(1);
    }
    arena_init(&f->arena, &f->limit);
    graph_init(&f->g, &f->arena);
}

static inline void fixture_close(Fixture *f) {
    arena_free(&f->arena);
}

static inline Shape shape(int rank, ...) {
    Shape s = {.rank = (uint8_t)rank};
    va_list dims;
    va_start(dims, rank);
    for (int i = 0; i < rank; i++) s.dim[i] = va_arg(dims, int);
    va_end(dims);
    return s;
}

/* A new variable with zeros for values, which the test sets in f->vars[f->var_count - 1]. */
static inline NodeId fixture_zeros(Fixture *f, DType t, Shape s) {
    uint32_t var = f->var_count++;
    f->vars[var] = NEW_ARRAY(&f->arena, double, shape_elems(&s));
    f->node[var] = node_var(&f->g, var, t, &s);
    return f->node[var];
}

static inline NodeId fixture_var(Fixture *f, DType t, Shape s, const double *values) {
    NodeId id = fixture_zeros(f, t, s);
    memcpy(f->vars[f->var_count - 1], values, (size_t)shape_elems(&s) * sizeof(double));
    return id;
}

/* The elements of node id, in the arena. */
static inline const double *fixture_value(Fixture *f, NodeId id) {
    double **results = NEW_ARRAY(&f->arena, double *, f->g.nodes.len);
    interp_run(&f->g, &f->arena, f->vars, results);
    return results[id];
}

#endif

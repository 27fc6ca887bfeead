/* noise: what a device's rounding may do to a result, for tests that hold one against the reference. A device has its own
 * functions and its own order of sums, and may contract a product and a sum. */
#ifndef DLG_TEST_NOISE_H
#define DLG_TEST_NOISE_H

#include "ir.h"

#include <float.h>
#include <math.h>

#define NOISE_RUNS  4
#define NOISE_TIMES 16   /* what rounding does in the reference, so often */
#define NOISE_MOST  1e-3 /* of the greatest element */
#define NOISE_DEPTH 12   /* of operators, to terms that may cancel */
#define NOISE_ROOT  8    /* ulp of a term with a root or a quotient; OpenCL allows 3 and 2.5 */
#define NOISE_DOT                                                                                  \
    4 /* of a sum of products: matrix units cut off what they add up, some products at a time */

/* A node of a graph with the variables' values, and what the reference has for all nodes. */
typedef struct Noise {
    const Graph *g;
    Arena *arena;
    double *const *vars, *const *exact;
    NodeId node;
    bool matrix; /* products are by matrix units */
} Noise;

static double noise_greatest(const Noise *n, NodeId id) {
    const int64_t elems = shape_elems(&node_at(n->g, id)->shape);
    const double *v = n->exact[id];
    double most = 0;
    for (int64_t e = 0; e < elems && v; e++)
        if (isfinite(v[e])) most = fmax(most, fabs(v[e]));
    return most;
}

/* The greatest term of the sums that a node is made by. Where they cancel, they leave what they were
 * rounded by, or a contracted one what its product was. Of a contraction by matrix units, what its greatest sum is: others
 * are added up of as great terms. */
static double noise_greatest_term(const Noise *n, NodeId id, int depth, bool *seen) {
    const Node *x = node_at(n->g, id);
    const bool sums = x->op == OP_ADD || x->op == OP_SUB || x->op == OP_GRADSUM;
    double most = 0;
    if (seen[id]) return 0;
    seen[id] = true;
    if (x->op == OP_DOT && n->matrix) most = noise_greatest(n, id);
    for (uint32_t i = 0; i < x->argc && depth; i++) {
        if (sums) most = fmax(most, noise_greatest(n, x->args[i]));
        most = fmax(most, noise_greatest_term(n, x->args[i], depth - 1, seen));
    }
    return most;
}

/* In units in the last place, what such a term is rounded by: of nodes that were seen. */
static double noise_units(const Noise *n, const bool *seen) {
    double units = 1;
    for (NodeId id = 0; id < n->g->nodes.len; id++) {
        const Op op = (Op)node_at(n->g, id)->op;
        if (seen[id] && (op == OP_SQRT || op == OP_RSQRT || op == OP_DIV)) return NOISE_ROOT;
        if (seen[id] && op == OP_DOT && n->matrix) units = NOISE_DOT;
    }
    return units;
}

/* How far each element may be off, in the arena: so many times its greatest distance from its value in some runs of the
 * reference that round to f32 in different ways, or the mean of all elements, for one run may by chance leave one where
 * it was; or as contraction makes it. But no more than a part of the greatest: what is decided by rounding, as which of two is
 * less, is no noise. */
static const double *noise_of(const Noise *n) {
    const int64_t elems = shape_elems(&node_at(n->g, n->node)->shape);
    const double *exact = n->exact[n->node];
    double *allowed = NEW_ARRAY(n->arena, double, elems + 1), scale = 0, mean = 0;
    for (int64_t i = 0; i < elems; i++)
        if (isfinite(exact[i])) scale = fmax(scale, fabs(exact[i]));
    for (uint64_t way = 1; way <= NOISE_RUNS; way++) {
        Arena *scratch = arena_open(n->arena);
        double **results = NEW_ARRAY(scratch, double *, n->g->nodes.len);
        interp_run_f32(n->g, scratch, n->vars, way, results);
        for (int64_t i = 0; i < elems; i++) {
            const double off = NOISE_TIMES * fabs(results[n->node][i] - exact[i]);
            if (isfinite(off)) allowed[i] = fmax(allowed[i], off);
        }
        arena_close(scratch);
    }
    for (int64_t i = 0; i < elems; i++) mean += allowed[i] / (double)elems;
    bool *seen = NEW_ARRAY(n->arena, bool, n->g->nodes.len + 1);
    const double greatest = noise_greatest_term(n, n->node, NOISE_DEPTH, seen);
    const double term = noise_units(n, seen) * FLT_EPSILON * greatest;
    for (int64_t i = 0; i < elems; i++)
        allowed[i] = fmax(term, fmin(fmax(allowed[i], mean), NOISE_MOST * scale));
    return allowed;
}

#endif

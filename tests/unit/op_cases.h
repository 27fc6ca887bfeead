/* op_cases: every operator of ops.def applied to variables, for the tests that loop over the table: an elementwise
 * operator by its row; a structured one must have a function case_NAME here, or those tests do not compile. */
#ifndef DLG_OP_CASES_H
#define DLG_OP_CASES_H

#include "graph_fixture.h"

#include <CUnit/Basic.h>
#include <math.h>

/* ---- Making cases ---------------------------------------------------------------------------- */

/* An operator applied to variables. Cases are numbered from 0; NO_NODE ends them. */
typedef struct Case {
    NodeId result;
    bool absent; /* the operator passes no gradient on, though its value changes */
} Case;

static const Case no_case = {NO_NODE, false};

/* The same numbers everywhere, in lo..hi, from Knuth's linear congruence. */
static double next_number(uint64_t *state, double lo, double hi) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(*state >> 11) / 9007199254740992.0;
}

static void fill(double *values, int64_t count, uint64_t seed, double lo, double hi) {
    for (int64_t i = 0; i < count; i++) values[i] = next_number(&seed, lo, hi);
}

static NodeId random_var(Fixture *f, DType t, Shape s, double lo, double hi) {
    NodeId id = fixture_zeros(f, t, s);
    double *values = f->vars[f->var_count - 1];
    fill(values, shape_elems(&s), f->var_count * 977u, lo, hi);
    for (int64_t i = 0; i < shape_elems(&s) && t != DT_F32; i++) {
        values[i] = t == DT_BOOL ? values[i] > (lo + hi) / 2 : floor(values[i]);
    }
    return id;
}

static NodeId x23(Fixture *f) {
    return random_var(f, DT_F32, shape(2, 2, 3), -2, 2);
}

static NodeId times(Fixture *f, NodeId x, NodeId y) {
    return node_ew(&f->g, OP_MUL, x, y, NO_NODE);
}

static Case elementwise_case(Fixture *f, Op op, int k) {
    const Shape shapes[] = {shape(0),
                            shape(1, 1),
                            shape(1, 2),
                            shape(1, 17),
                            shape(2, 2, 3),
                            shape(1, 33),
                            shape(3, 2, 1, 2),
                            shape(2, 1, 16),
                            shape(4, 1, 2, 3, 2),
                            shape(5, 2, 1, 3, 1, 2)};
    if ((size_t)k >= COUNT_OF(shapes)) return no_case;
    const OpInfo *info = &op_info[op];
    bool logic = info->result == OP_LOGIC, whole = info->result == OP_WHOLE;
    NodeId x[3] = {NO_NODE, NO_NODE, NO_NODE};
    for (int i = 0; i < info->arity; i++) {
        bool condition = logic || (op == OP_WHERE && i == 0);
        x[i] = random_var(f,
                          condition ? DT_BOOL
                          : whole   ? DT_I32
                                    : DT_F32,
                          shapes[k], info->test_lo, info->test_hi);
    }
    NodeId r = node_ew(&f->g, op, x[0], x[1], x[2]);
    return (Case){node_cast(&f->g, r, DT_F32), whole || logic || info->to_bool || op == OP_FLOOR};
}

static Case case_VAR(Fixture *f, int k) {
    return k ? no_case : (Case){x23(f), false};
}

static Case case_CONST(Fixture *f, int k) {
    Shape s = shape(2, 2, 3);
    return k ? no_case : (Case){times(f, x23(f), node_full(&f->g, DT_F32, 2.5, &s)), false};
}

static Case case_LITERAL(Fixture *f, int k) {
    Shape s = shape(2, 2, 3);
    NodeId literal = node_literal(&f->g, DT_F32, &s, (double[]){1, -2, 3, 0.5, 0, 6});
    return k ? no_case : (Case){times(f, x23(f), literal), false};
}

static Case case_IOTA(Fixture *f, int k) {
    NodeId x = random_var(f, DT_F32, shape(1, 4), -2, 2);
    return k ? no_case : (Case){times(f, x, node_cast(&f->g, node_iota(&f->g, 4), DT_F32)), false};
}

static Case case_CAST(Fixture *f, int k) {
    if (k > 1) return no_case;
    NodeId there = node_cast(&f->g, x23(f), k ? DT_BOOL : DT_I32);
    return (Case){node_cast(&f->g, there, DT_F32), true};
}

static Case case_GRADSUM(Fixture *f, int k) {
    NodeId x = x23(f), y = x23(f);
    NodeId terms[4] = {x, y, times(f, x, y), x};
    return k > 2 ? no_case : (Case){node_gradsum(&f->g, terms, 2 + (uint32_t)k), false};
}

static Case case_STOP(Fixture *f, int k) {
    return k ? no_case : (Case){node_stop(&f->g, x23(f)), true};
}

static Case case_COPY(Fixture *f, int k) {
    return k ? no_case : (Case){node_copy(&f->g, x23(f)), false};
}

static Case case_RESHAPE(Fixture *f, int k) {
    const Shape to[] = {shape(1, 6), shape(2, 3, 2), shape(4, 1, 2, 1, 3)};
    if ((size_t)k >= COUNT_OF(to)) return no_case;
    return (Case){node_reshape(&f->g, x23(f), &to[k]), false};
}

static Case case_PERMUTE(Fixture *f, int k) {
    static const int32_t axes[][4] = {{1, 0, 2, 3}, {3, 1, 0, 2}, {1, 2, 3, 0}};
    if ((size_t)k >= COUNT_OF(axes)) return no_case;
    NodeId x = random_var(f, DT_F32, shape(4, 2, 3, 1, 2), -2, 2);
    return (Case){node_permute(&f->g, x, axes[k]), false};
}

static Case case_EXPAND(Fixture *f, int k) {
    const Shape from[] = {shape(0), shape(1, 3), shape(2, 2, 1), shape(3, 1, 1, 3)};
    const Shape to[] = {shape(2, 2, 3), shape(2, 4, 3), shape(2, 2, 3), shape(3, 2, 2, 3)};
    if ((size_t)k >= COUNT_OF(from)) return no_case;
    return (Case){node_broadcast(&f->g, random_var(f, DT_F32, from[k], -2, 2), &to[k]), false};
}

static Case case_SLICE(Fixture *f, int k) {
    static const int32_t start[][2] = {{1, 0}, {0, 1}, {3, 4}, {2, 0}};
    static const int32_t count[][2] = {{2, 5}, {2, 2}, {2, 3}, {1, 1}};
    static const int32_t stride[][2] = {{1, 1}, {2, 3}, {-2, -1}, {1, 1}};
    if ((size_t)k >= COUNT_OF(start)) return no_case;
    NodeId x = random_var(f, DT_F32, shape(2, 4, 5), -2, 2);
    return (Case){node_slice(&f->g, x, start[k], count[k], stride[k]), false};
}

static Case case_PAD(Fixture *f, int k) {
    static const int32_t before[][2] = {{1, 0}, {0, 2}, {2, 1}};
    static const int32_t after[][2] = {{0, 2}, {1, 0}, {0, 0}};
    static const int32_t between[][2] = {{0, 0}, {2, 0}, {1, 3}};
    if ((size_t)k >= COUNT_OF(before)) return no_case;
    return (Case){node_pad(&f->g, x23(f), before[k], after[k], between[k], k == 2 ? -1.5 : 0),
                  false};
}

static Case case_CONCAT(Fixture *f, int k) {
    if (k > 1) return no_case;
    NodeId a = x23(f), b = random_var(f, DT_F32, k ? shape(2, 2, 1) : shape(2, 4, 3), -2, 2);
    return (Case){node_concat(&f->g, (NodeId[]){a, b, a}, 3, k), false};
}

static Case case_DOT(Fixture *f, int k) {
    const Shape left[] = {shape(2, 2, 3),    shape(1, 3),          shape(3, 2, 2, 3),
                          shape(3, 2, 3, 2), shape(4, 2, 2, 3, 2), shape(2, 1, 1)};
    const Shape right[] = {shape(2, 4, 3),    shape(1, 3),       shape(3, 2, 4, 3),
                           shape(3, 4, 3, 2), shape(3, 2, 4, 2), shape(2, 3, 1)};
    static const int32_t batch[] = {0, 0, 1, 0, 1, 0}, contracted[] = {1, 1, 1, 2, 1, 1};
    if ((size_t)k >= COUNT_OF(left)) return no_case;
    NodeId a = random_var(f, DT_F32, left[k], -2, 2), b = random_var(f, DT_F32, right[k], -2, 2);
    return (Case){node_dot(&f->g, a, b, batch[k], contracted[k]), false};
}

static Case reduce_case(Fixture *f, Op op, int k) {
    static const int32_t axes[][3] = {{0, 0, 0}, {2, 0, 0}, {0, 2, 0}, {0, 1, 2}};
    static const uint32_t count[] = {1, 1, 2, 3};
    if ((size_t)k >= COUNT_OF(axes)) return no_case;
    NodeId x = random_var(f, DT_F32, shape(3, 2, 3, 4), -2, 2);
    return (Case){node_reduce(&f->g, op, x, axes[k], count[k]), false};
}

static Case case_SUM(Fixture *f, int k) {
    return reduce_case(f, OP_SUM, k);
}

static Case case_RMAX(Fixture *f, int k) {
    return reduce_case(f, OP_RMAX, k);
}

static Case case_ARGMAX(Fixture *f, int k) {
    if (k > 1) return no_case;
    return (Case){node_cast(&f->g, node_argmax(&f->g, x23(f), k), DT_F32), true};
}

static Case case_TAKE(Fixture *f, int k) {
    const Shape table[] = {shape(1, 4), shape(2, 3, 2), shape(3, 3, 2, 2)};
    const Shape index[] = {shape(1, 6), shape(2, 2, 2), shape(0)};
    if ((size_t)k >= COUNT_OF(table)) return no_case;
    NodeId x = random_var(f, DT_F32, table[k], -2, 2);
    return (Case){node_take(&f->g, x, random_var(f, DT_I32, index[k], 0, 3)), false};
}

/* ---- Loops: each operator's cases are whole loops that need it -------------------------------- */

static NodeId sum2(Fixture *f, NodeId x, NodeId y) {
    return node_ew(&f->g, OP_ADD, x, y, NO_NODE);
}

static NodeId tanh_of(Fixture *f, NodeId x) {
    return node_ew(&f->g, OP_TANH, x, NO_NODE, NO_NODE);
}

/* One carried value: the case is made of its last value and of the stack of the next ones. */
static Case carried(Fixture *f, uint32_t loop, NodeId carry, NodeId next) {
    NodeId scan = node_scan(&f->g, loop, &carry, &next, 1);
    NodeId stack = node_stack(&f->g, scan, next);
    NodeId all = node_reduce(&f->g, OP_SUM, tanh_of(f, stack), (int32_t[]){0}, 1);
    return (Case){sum2(f, node_final(&f->g, scan, 0), times(f, all, all)), false};
}

/* h = tanh(h @ w + x[t]): a captured matrix, rows by the iteration forwards and backwards. */
static Case case_CARRY(Fixture *f, int k) {
    if (k > 2) return no_case;
    int32_t trips = k == 2 ? 1 : 4, scale = k == 1 ? -2 : 1, first = k == 1 ? 7 : 2;
    NodeId x = random_var(f, DT_F32, shape(2, 8, 3), -1, 1);
    NodeId w = random_var(f, DT_F32, shape(2, 3, 3), -1, 1);
    NodeId h0 = random_var(f, DT_F32, shape(1, 3), -1, 1);
    uint32_t loop = graph_loop(&f->g, trips, 0);
    NodeId h = node_carry(&f->g, loop, 0, h0),
           row = node_at_iteration(&f->g, x, loop, scale, first);
    return carried(f, loop, h, tanh_of(f, sum2(f, node_dot(&f->g, h, w, 0, 1), row)));
}

/* The number of the iteration in the values; an element that is used twice. */
static Case case_ITERATION(Fixture *f, int k) {
    if (k > 1) return no_case;
    uint32_t loop = graph_loop(&f->g, 5, 0);
    NodeId x = random_var(f, DT_F32, shape(1, 3), 0.5, 1.5);
    NodeId t = node_cast(&f->g, node_iteration(&f->g, loop), DT_F32);
    NodeId c = node_carry(&f->g, loop, 0, k ? x : node_full(&f->g, DT_F32, 1, &(Shape){1, {3}}));
    NodeId turn = node_broadcast(&f->g, t, &(Shape){1, {3}});
    return carried(f, loop, c, sum2(f, times(f, tanh_of(f, c), x), times(f, turn, tanh_of(f, x))));
}

/* Two carried values that change places, one that stays and one that is whole numbers. */
static Case case_FINAL(Fixture *f, int k) {
    if (k > 3) return no_case;
    uint32_t loop = graph_loop(&f->g, 3, 0);
    NodeId a0 = x23(f), b0 = x23(f), c0 = x23(f);
    NodeId n0 = node_full(&f->g, DT_I32, 2, &(Shape){2, {2, 3}});
    NodeId carry[4] = {node_carry(&f->g, loop, 0, a0), node_carry(&f->g, loop, 1, b0),
                       node_carry(&f->g, loop, 2, c0), node_carry(&f->g, loop, 3, n0)};
    NodeId n = node_cast(&f->g, carry[3], DT_F32);
    NodeId next[4] = {carry[1], times(f, tanh_of(f, carry[0]), sum2(f, carry[2], n)), carry[2],
                      node_ew(&f->g, OP_ADD, carry[3], n0, NO_NODE)};
    NodeId scan = node_scan(&f->g, loop, carry, next, 4);
    return (Case){k == 3 ? node_cast(&f->g, node_final(&f->g, scan, 3), DT_F32)
                         : node_final(&f->g, scan, k),
                  k == 3};
}

/* A loop in a loop: the inner one reads what the outer one carries, and is carried on by it. */
static Case case_SCAN(Fixture *f, int k) {
    if (k > 1) return no_case;
    NodeId x = random_var(f, DT_F32, shape(3, 3, 2, 2), -1, 1),
           w = random_var(f, DT_F32, shape(2, 2, 2), -1, 1);
    NodeId h0 = random_var(f, DT_F32, shape(1, 2), -1, 1);
    uint32_t outer = graph_loop(&f->g, 3, 0), inner = graph_loop(&f->g, 2, outer);
    NodeId h = node_carry(&f->g, outer, 0, h0);
    NodeId p = node_carry(&f->g, inner, 0, k ? h : node_full(&f->g, DT_F32, 0.5, &(Shape){1, {2}}));
    NodeId row = node_at_iteration(&f->g, node_at_iteration(&f->g, x, outer, 1, 0), inner, -1, 1);
    NodeId q = tanh_of(f, sum2(f, node_dot(&f->g, p, w, 0, 1), times(f, row, h)));
    NodeId scan = node_scan(&f->g, inner, &p, &q, 1);
    NodeId parts = node_reduce(&f->g, OP_SUM, node_stack(&f->g, scan, q), (int32_t[]){0}, 1);
    return carried(f, outer, h, sum2(f, times(f, parts, h), node_final(&f->g, scan, 0)));
}

/* Yields alone; contributions that are added up, and such that leave as one sum or product. */
static Case case_STACK(Fixture *f, int k) {
    if (k > 3) return no_case;
    uint32_t loop = graph_loop(&f->g, 4, 0);
    NodeId x = random_var(f, DT_F32, shape(3, 4, 2, 3), -1, 1),
           w = random_var(f, DT_F32, shape(2, 3, 2), -1, 1);
    NodeId row = node_at_iteration(&f->g, x, loop, 1, 0);
    Shape s = shape(2, 2, 3);
    NodeId b =
        k == 1 ? x23(f) : node_broadcast(&f->g, random_var(f, DT_F32, shape(1, 3), -1, 1), &s);
    NodeId y =
        k == 0   ? times(f, row, row)
        : k == 3 ? node_dot(&f->g, tanh_of(f, row), node_permute(&f->g, w, (int32_t[]){1, 0}), 0, 1)
                 : tanh_of(f, times(f, row, b));
    NodeId scan = node_scan(&f->g, loop, NULL, NULL, 0);
    return (Case){tanh_of(f, node_stack(&f->g, scan, y)), false};
}

/* The place of an iteration in what the same loop computes. */
static Case case_AT(Fixture *f, int k) {
    if (k > 1) return no_case;
    uint32_t loop = graph_loop(&f->g, 3, 0);
    NodeId x = random_var(f, DT_F32, shape(2, 3, 2), -1, 1),
           c0 = random_var(f, DT_F32, shape(2, 3, 2), -1, 1);
    NodeId c = node_carry(&f->g, loop, 0, c0);
    NodeId mix = times(f, tanh_of(f, c), x),
           row = node_at_iteration(&f->g, mix, loop, k ? -1 : 1, k ? 2 : 0);
    NodeId wide = node_broadcast(&f->g, row, &(Shape){2, {3, 2}});
    return carried(f, loop, c, sum2(f, wide, mix));
}

static Case case_WINDOW(Fixture *f, int k) {
    static const int32_t form[][4] = {
        {1, 3, 1, 1}, {0, 2, 2, 1}, {1, 2, 3, 2}, {2, 4, 1, 1}, {0, 3, 1, 2}};
    if ((size_t)k >= COUNT_OF(form)) return no_case;
    NodeId x = random_var(f, DT_F32, shape(3, 5, 8, 4), -2, 2);
    return (Case){node_window(&f->g, x, form[k][0], form[k][1], form[k][2], form[k][3]), false};
}

static Case case_SKEW(Fixture *f, int k) {
    static const int32_t form[][2] = {{0, 1}, {1, 2}, {1, 1}};
    if ((size_t)k >= COUNT_OF(form)) return no_case;
    NodeId x = random_var(f, DT_F32, shape(3, 4, 6, 3), -2, 2);
    return (Case){node_skew(&f->g, x, form[k][0], form[k][1]), false};
}

static Case case_SCATTER(Fixture *f, int k) {
    const Shape values[] = {shape(1, 6), shape(3, 2, 3, 2), shape(2, 4, 3), shape(1, 2)};
    const Shape index[] = {shape(1, 6), shape(2, 2, 3), shape(1, 4), shape(0)};
    if ((size_t)k >= COUNT_OF(values)) return no_case;
    NodeId x = random_var(f, DT_F32, values[k], -2, 2);
    return (Case){node_scatter(&f->g, x, random_var(f, DT_I32, index[k], -1, 3), 3), false};
}

static Case make_case(Fixture *f, Op op, int k) {
    switch (op) {
/* clang-format off */
#define STRUCTURED(NAME, ...) case OP_##NAME: return case_##NAME(f, k);
#include "ops.def"
        /* clang-format on */
    default: return elementwise_case(f, op, k);
    }
}

#endif

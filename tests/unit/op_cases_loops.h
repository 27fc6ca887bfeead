/* op_cases_loops: of op_cases.h, the operators of loops. The cases of each are whole loops that need it: over rows of
 * the extent n, or of so many turns. */
#ifndef DLG_OP_CASES_LOOPS_H
#define DLG_OP_CASES_LOOPS_H

static NodeId real1(Fixture *f, Shape s) {
    return random_var(f, DT_F32, s, -1, 1);
}

/* A matrix that makes a row of so many elements neither much longer nor shorter. */
static NodeId square(Fixture *f, int n) {
    double most = 1.5 / sqrt(n);
    return random_var(f, DT_F32, shape(2, n, n), -most, most);
}

/* One carried value: the case is made of its last value and of the stack of the next ones. */
static Case carried(Fixture *f, uint32_t loop, NodeId carry, NodeId next) {
    NodeId scan = node_scan(&f->g, loop, &carry, &next, 1);
    NodeId stack = node_stack(&f->g, scan, next);
    NodeId all = node_reduce(&f->g, OP_SUM, tanh_of(f, stack), (int32_t[]){0}, 1);
    return smooth(sum2(f, node_final(&f->g, scan, 0), times(f, all, all)));
}

/* h = tanh(h @ w + x[t]): a captured matrix, rows by the iteration forwards and backwards. */
static Case case_CARRY(Fixture *f, int form, int n) {
    if (form > 3) return no_case;
    int32_t trips = form == 3 ? n : form == 2 ? 1 : 4, width = form == 3 ? 3 : n;
    int32_t scale = form == 1 ? -2 : 1, first = form == 1 ? 7 : 2;
    NodeId x = real1(f, shape(2, form == 3 ? n + 2 : 8, width));
    NodeId w = square(f, width), h0 = real1(f, shape(1, width));
    uint32_t loop = graph_loop(&f->g, trips, 0);
    NodeId h = node_carry(&f->g, loop, 0, h0),
           row = node_at_iteration(&f->g, x, loop, scale, first);
    return carried(f, loop, h, tanh_of(f, sum2(f, node_dot(&f->g, h, w, 0, 1), row)));
}

/* The number of the iteration in the values, a part of it so that no tanh saturates, where 1 - tanh^2 has few digits;
 * an element that is used twice; a number that is carried. */
static Case case_ITERATION(Fixture *f, int form, int n) {
    if (form > 2) return no_case;
    const Shape s = form == 2 ? shape(0) : shape(1, n);
    uint32_t loop = graph_loop(&f->g, form == 2 ? n : 5, 0);
    NodeId x = random_var(f, DT_F32, s, 0.5, 1.5);
    NodeId t = node_cast(&f->g, node_iteration(&f->g, loop), DT_F32);
    t = times(f, t, node_const(&f->g, DT_F32, form == 2 ? 1.0 / 16 / n : 1.0 / 8));
    NodeId c = node_carry(&f->g, loop, 0, form == 1 ? x : node_full(&f->g, DT_F32, 1, &s));
    NodeId turn = node_broadcast(&f->g, t, &s);
    return carried(f, loop, c, sum2(f, times(f, tanh_of(f, c), x), times(f, turn, tanh_of(f, x))));
}

/* Two carried values that change places, one that stays and one that is whole numbers. */
static Case case_FINAL(Fixture *f, int form, int n) {
    if (form > 3) return no_case;
    const Shape s = shape(2, 2, n);
    uint32_t loop = graph_loop(&f->g, 3, 0);
    NodeId a0 = real(f, s), b0 = real(f, s), c0 = real(f, s);
    NodeId n0 = node_full(&f->g, DT_I32, 2, &s);
    NodeId carry[4] = {node_carry(&f->g, loop, 0, a0), node_carry(&f->g, loop, 1, b0),
                       node_carry(&f->g, loop, 2, c0), node_carry(&f->g, loop, 3, n0)};
    NodeId count = node_cast(&f->g, carry[3], DT_F32);
    NodeId next[4] = {carry[1], times(f, tanh_of(f, carry[0]), sum2(f, carry[2], count)), carry[2],
                      node_ew(&f->g, OP_ADD, carry[3], n0, NO_NODE)};
    NodeId scan = node_scan(&f->g, loop, carry, next, 4);
    return (Case){node_final(&f->g, scan, form), form == 3 ? FLAT : SMOOTH};
}

/* A loop in a loop: the inner one reads what the outer one carries, and is carried on by it. */
static Case case_SCAN(Fixture *f, int form, int n) {
    if (form > 1) return no_case;
    NodeId x = real1(f, shape(3, 3, 2, n)), w = square(f, n), h0 = real1(f, shape(1, n));
    uint32_t outer = graph_loop(&f->g, 3, 0), inner = graph_loop(&f->g, 2, outer);
    NodeId h = node_carry(&f->g, outer, 0, h0);
    NodeId p =
        node_carry(&f->g, inner, 0, form ? h : node_full(&f->g, DT_F32, 0.5, &(Shape){1, {n}}));
    NodeId row = node_at_iteration(&f->g, node_at_iteration(&f->g, x, outer, 1, 0), inner, -1, 1);
    NodeId q = tanh_of(f, sum2(f, node_dot(&f->g, p, w, 0, 1), times(f, row, h)));
    NodeId scan = node_scan(&f->g, inner, &p, &q, 1);
    NodeId parts = node_reduce(&f->g, OP_SUM, node_stack(&f->g, scan, q), (int32_t[]){0}, 1);
    return carried(f, outer, h, sum2(f, times(f, parts, h), node_final(&f->g, scan, 0)));
}

/* Yields alone; contributions that are added up, and such that leave as one sum or product; rows of f16, which
 * begin at odd places. */
static Case case_STACK(Fixture *f, int form, int n) {
    if (form > 5) return no_case;
    int32_t trips = form == 4 ? n : 4, width = form == 4 ? 3 : n;
    const Shape s = shape(2, 2, width);
    uint32_t loop = graph_loop(&f->g, trips, 0);
    NodeId x = real1(f, shape(3, trips, 2, width));
    NodeId row = node_at_iteration(&f->g, x, loop, 1, 0), y;
    switch (form) {
    case 0: y = times(f, row, row); break;
    case 1: y = tanh_of(f, times(f, row, real(f, s))); break;
    case 3: y = node_dot(&f->g, tanh_of(f, row), real1(f, shape(2, 2, width)), 0, 1); break;
    case 5: y = node_cast(&f->g, row, DT_F16); break;
    default: y = tanh_of(f, times(f, row, node_broadcast(&f->g, real1(f, shape(1, width)), &s)));
    }
    NodeId scan = node_scan(&f->g, loop, NULL, NULL, 0), stack = node_stack(&f->g, scan, y);
    return form == 5 ? (Case){stack, ROUNDED} : smooth(tanh_of(f, stack));
}

/* The place of an iteration in what the same loop computes; in a table of f16. */
static Case case_AT(Fixture *f, int form, int n) {
    if (form > 2) return no_case;
    uint32_t loop = graph_loop(&f->g, 3, 0);
    const Shape s = shape(2, 3, n);
    NodeId x = random_var(f, form == 2 ? DT_F16 : DT_F32, s, -1, 1);
    NodeId c = node_carry(&f->g, loop, 0, real1(f, s)), mix = x;
    if (form < 2) mix = times(f, tanh_of(f, c), x);
    NodeId row = node_at_iteration(&f->g, mix, loop, form ? -1 : 1, form ? 2 : 0);
    NodeId wide = node_broadcast(&f->g, node_cast(&f->g, row, DT_F32), &s);
    return carried(f, loop, c, sum2(f, wide, form < 2 ? mix : tanh_of(f, c)));
}

#endif

/* op_cases: every operator of ops.def applied to variables, for the tests that loop over the table: an elementwise
 * operator by its row; a structured one must have a function case_NAME here or in op_cases_loops.h, or those tests do
 * not compile.
 *
 * Each operator has forms, numbered from 0: which axis is long, in which type, along which axes, through which other
 * view, of which rank (0 to 5). Each form exists at every extent of `extents`: what a vector, half of one and a tile
 * hold, one more and one less. */
#ifndef DLG_OP_CASES_H
#define DLG_OP_CASES_H

#include "graph_fixture.h"

#include <CUnit/Basic.h>
#include <math.h>

static const int extents[] = {1, 2, 15, 16, 17, 31, 32, 33, 37};

/* ---- Making cases ---------------------------------------------------------------------------- */

typedef enum Slope {
    SMOOTH,  /* differentiable, as often as one likes */
    FLAT,    /* the operator passes no gradient on, though its value changes */
    ROUNDED, /* the gradient is that of the value before it was rounded */
} Slope;

typedef struct Case {
    NodeId result; /* NO_NODE: there is no such form */
    Slope slope;
} Case;

static const Case no_case = {NO_NODE, SMOOTH};

static Case smooth(NodeId result) {
    return (Case){result, SMOOTH};
}

static Case flat(NodeId result) {
    return (Case){result, FLAT};
}

/* The same numbers everywhere, in lo..hi, from Knuth's linear congruence. */
static double next_number(uint64_t *state, double lo, double hi) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(*state >> 11) / 9007199254740992.0;
}

static void fill(double *values, int64_t count, uint64_t seed, double lo, double hi) {
    for (int64_t i = 0; i < count; i++) values[i] = next_number(&seed, lo, hi);
}

/* A variable of numbers that its type has, so that a device and the reference begin with the same. */
static NodeId random_var(Fixture *f, DType t, Shape s, double lo, double hi) {
    NodeId id = fixture_zeros(f, t, s);
    double *values = f->vars[f->var_count - 1];
    fill(values, shape_elems(&s), f->var_count * 977u, lo, hi);
    for (int64_t i = 0; i < shape_elems(&s); i++) {
        double v = t == DT_BOOL ? values[i] > (lo + hi) / 2 : values[i];
        values[i] = t == DT_F32   ? (double)(float)v
                    : t == DT_I32 ? floor(v)
                                  : dtype_cast(t, (double)(float)v);
    }
    return id;
}

static NodeId real(Fixture *f, Shape s) {
    return random_var(f, DT_F32, s, -2, 2);
}

static NodeId whole(Fixture *f, Shape s, double lo, double hi) {
    return random_var(f, DT_I32, s, lo, hi);
}

static NodeId times(Fixture *f, NodeId x, NodeId y) {
    return node_ew(&f->g, OP_MUL, x, y, NO_NODE);
}

static NodeId sum2(Fixture *f, NodeId x, NodeId y) {
    return node_ew(&f->g, OP_ADD, x, y, NO_NODE);
}

static NodeId tanh_of(Fixture *f, NodeId x) {
    return node_ew(&f->g, OP_TANH, x, NO_NODE, NO_NODE);
}

/* A shape with the extent n, of another rank for another n. */
static Shape ranked(int n) {
    switch (n) {
    case 1: return shape(0);
    case 2:
    case 31: return shape(2, 3, n);
    case 15:
    case 32: return shape(3, 2, n, 3);
    case 16:
    case 33: return shape(4, 1, 2, n, 2);
    default: return shape(5, 2, 1, n, 1, 2);
    }
}

/* Of rank 1, then of any. */
#define BOTH_SHAPES(n)                                                                             \
    { shape(1, n), ranked(n) }

/* x without the first element of each axis: rows that begin where no vector of a device would. */
static NodeId without_first(Fixture *f, NodeId x) {
    const Shape s = node_at(&f->g, x)->shape;
    int32_t start[MAX_RANK], count[MAX_RANK], stride[MAX_RANK];
    for (int i = 0; i < s.rank; i++) start[i] = 1, count[i] = s.dim[i] - 1, stride[i] = 1;
    return node_slice(&f->g, x, start, count, stride);
}

static NodeId transposed(Fixture *f, NodeId x) {
    return node_permute(&f->g, x, (int32_t[]){1, 0});
}

/* ---- Leaves and what works element by element -------------------------------------------------- */

static Case elementwise_case(Fixture *f, Op op, int form, int n) {
    const Shape shapes[] = BOTH_SHAPES(n);
    if ((size_t)form >= COUNT_OF(shapes)) return no_case;
    const OpInfo *info = &op_info[op];
    bool logic = info->result == OP_LOGIC, of_whole = info->result == OP_WHOLE;
    NodeId x[3] = {NO_NODE, NO_NODE, NO_NODE};
    for (int i = 0; i < info->arity; i++) {
        bool condition = logic || (op == OP_WHERE && i == 0);
        DType t = condition ? DT_BOOL : of_whole ? DT_I32 : DT_F32;
        x[i] = random_var(f, t, shapes[form], info->test_lo, info->test_hi);
    }
    NodeId r = node_ew(&f->g, op, x[0], x[1], x[2]);
    return of_whole || logic || info->to_bool || op == OP_FLOOR ? flat(r) : smooth(r);
}

static Case case_VAR(Fixture *f, int form, int n) {
    const Shape shapes[] = BOTH_SHAPES(n);
    return (size_t)form < COUNT_OF(shapes) ? smooth(real(f, shapes[form])) : no_case;
}

static Case case_CONST(Fixture *f, int form, int n) {
    const Shape shapes[] = BOTH_SHAPES(n);
    if ((size_t)form >= COUNT_OF(shapes)) return no_case;
    return smooth(times(f, real(f, shapes[form]), node_full(&f->g, DT_F32, 2.5, &shapes[form])));
}

static Case case_LITERAL(Fixture *f, int form, int n) {
    const Shape shapes[] = BOTH_SHAPES(n);
    if ((size_t)form >= COUNT_OF(shapes)) return no_case;
    int64_t elems = shape_elems(&shapes[form]);
    double *values = NEW_ARRAY(&f->arena, double, elems);
    fill(values, elems, 5, -2, 2);
    for (int64_t i = 0; i < elems; i++) values[i] = (double)(float)values[i];
    NodeId literal = node_literal(&f->g, DT_F32, &shapes[form], values);
    return smooth(times(f, real(f, shapes[form]), literal));
}

static Case case_IOTA(Fixture *f, int form, int n) {
    if (form > 1) return no_case;
    const Shape s = form ? shape(2, 3, n) : shape(1, n);
    NodeId iota = node_broadcast(&f->g, node_iota(&f->g, n), &s);
    return smooth(times(f, real(f, s), node_cast(&f->g, iota, DT_F32)));
}

static Slope slope_of_cast(DType from, DType to) {
    if (!dtype_is_float(from) || !dtype_is_float(to)) return FLAT;
    return dtype_holds(to, from) ? SMOOTH : ROUNDED;
}

/* Every type to every other; then of each type what moves, at odd places of memory. */
static Case case_CAST(Fixture *f, int form, int n) {
    if (form < DT_COUNT * (DT_COUNT - 1)) {
        DType from = (DType)(form / (DT_COUNT - 1)), to = (DType)(form % (DT_COUNT - 1));
        if (to >= from) to++;
        NodeId x = random_var(f, from, shape(1, n), -300, 600);
        return (Case){node_cast(&f->g, x, to), slope_of_cast(from, to)};
    }
    form -= DT_COUNT * (DT_COUNT - 1);
    if (form >= 6 * DT_COUNT) return no_case;
    DType t = (DType)(form / 6);
    const Shape s = shape(2, 3, n + 1), row = shape(1, n);
    Slope slope = dtype_is_float(t) ? SMOOTH : FLAT;
    switch (form % 6) {
    case 0: /* loads */
        return (Case){node_cast(&f->g, without_first(f, random_var(f, t, s, -300, 600)), DT_F32),
                      slope};
    case 1: /* stores of what lies so */
        return (Case){node_cast(&f->g, without_first(f, random_var(f, DT_F32, s, -300, 600)), t),
                      slope_of_cast(DT_F32, t)};
    case 2: /* both */
        return (Case){node_copy(&f->g, without_first(f, random_var(f, t, s, -300, 600))), slope};
    case 3: { /* stores that begin so */
        NodeId x = random_var(f, t, row, -300, 600), y = random_var(f, t, row, -300, 600);
        return (Case){node_concat(&f->g, (NodeId[]){x, y, x}, 3, 0), slope};
    }
    case 4: { /* of every rank, there and back */
        NodeId x = random_var(f, DT_F32, ranked(n), -300, 600);
        return (Case){node_cast(&f->g, node_cast(&f->g, x, t), DT_F32), slope_of_cast(DT_F32, t)};
    }
    default: { /* and rows of a table */
        NodeId table = random_var(f, t, shape(2, 3, n), -300, 600);
        return (Case){node_take(&f->g, table, whole(f, shape(1, 4), 0, 3)), slope};
    }
    }
}

static Case case_GRADSUM(Fixture *f, int form, int n) {
    if (form > 3) return no_case;
    const Shape s = form == 3 ? ranked(n) : shape(1, n);
    NodeId x = real(f, s), y = real(f, s);
    NodeId terms[4] = {x, y, times(f, x, y), x};
    return smooth(node_gradsum(&f->g, terms, form == 3 ? 3 : 2 + (uint32_t)form));
}

static Case case_STOP(Fixture *f, int form, int n) {
    const Shape shapes[] = BOTH_SHAPES(n);
    if ((size_t)form >= COUNT_OF(shapes)) return no_case;
    return flat(node_stop(&f->g, real(f, shapes[form])));
}

static Case case_NAMED(Fixture *f, int form, int n) {
    const Shape shapes[] = BOTH_SHAPES(n);
    if ((size_t)form >= COUNT_OF(shapes)) return no_case;
    return smooth(node_named(&f->g, real(f, shapes[form])));
}

static Case case_COPY(Fixture *f, int form, int n) {
    switch (form) {
    case 0: return smooth(node_copy(&f->g, real(f, shape(1, n))));
    case 1: return smooth(node_copy(&f->g, real(f, ranked(n))));
    case 2: return smooth(node_copy(&f->g, transposed(f, real(f, shape(2, n, 3)))));
    case 3: return smooth(node_copy(&f->g, without_first(f, real(f, shape(2, 3, n + 1)))));
    default: return no_case;
    }
}

/* ---- Views ------------------------------------------------------------------------------------- */

static Case case_RESHAPE(Fixture *f, int form, int n) {
    const Shape from[] = {shape(2, n, 6), shape(2, 2, n), shape(1, n), shape(3, 2, n, 3),
                          shape(1, 1)};
    const Shape to[] = {shape(1, 6 * n), shape(2, n, 2), shape(5, 1, 1, n, 1, 1),
                        shape(4, n, 1, 2, 3), shape(0)};
    if ((size_t)form < COUNT_OF(from))
        return smooth(node_reshape(&f->g, real(f, from[form]), &to[form]));
    if ((size_t)form > COUNT_OF(from)) return no_case;
    return smooth(
        node_reshape(&f->g, transposed(f, real(f, shape(2, n, 2))), &(Shape){1, {2 * n}}));
}

static Case case_PERMUTE(Fixture *f, int form, int n) {
    const Shape from[] = {shape(2, n, 3),       shape(2, 3, n),         shape(2, n, n),
                          shape(3, 2, n, 3),    shape(3, n, 2, 3),      shape(4, 2, 3, 1, n),
                          shape(4, 2, n, 1, 3), shape(5, 2, 1, n, 2, 3)};
    static const int32_t axes[][5] = {{1, 0},    {1, 0},       {1, 0},       {1, 2, 0},
                                      {2, 1, 0}, {3, 1, 0, 2}, {1, 2, 3, 0}, {4, 2, 0, 3, 1}};
    if ((size_t)form >= COUNT_OF(from)) return no_case;
    return smooth(node_permute(&f->g, real(f, from[form]), axes[form]));
}

static Case case_EXPAND(Fixture *f, int form, int n) {
    const Shape from[] = {shape(0),       shape(2, n, 1), shape(2, 1, n),
                          shape(2, n, 1), shape(1, 3),    shape(5, 2, 1, n, 1, 1)};
    const Shape to[] = {shape(1, n),    shape(2, n, 3), shape(2, 3, n),
                        shape(2, n, n), shape(2, n, 3), shape(5, 2, 3, n, 1, 2)};
    if ((size_t)form >= COUNT_OF(from)) return no_case;
    return smooth(node_broadcast(&f->g, real(f, from[form]), &to[form]));
}

static Case case_SLICE(Fixture *f, int form, int n) {
    const Shape from[] = {shape(1, n + 1),    shape(1, 2 * n + 1), shape(1, n + 2),
                          shape(2, 4, n + 5), shape(2, 5, 2 * n),  shape(2, n, 5),
                          shape(2, n + 3, 2), shape(3, 3, n, 4),   shape(5, 2, 3, n + 1, 1, 3)};
    const int32_t start[][5] = {{1},    {1},    {n},       {1, 3},         {4, 2 * n - 1},
                                {0, 2}, {2, 1}, {2, 0, 3}, {0, 1, 1, 0, 2}};
    const int32_t count[][5] = {{n},    {n},    {n},       {2, n},         {2, n},
                                {n, 1}, {n, 1}, {3, n, 2}, {2, 2, n, 1, 1}};
    const int32_t stride[][5] = {{1},    {2},    {-1},        {2, 1},         {-3, -2},
                                 {1, 1}, {1, 1}, {-1, 1, -2}, {1, 1, 1, 1, 1}};
    if ((size_t)form >= COUNT_OF(from)) return no_case;
    return smooth(node_slice(&f->g, real(f, from[form]), start[form], count[form], stride[form]));
}

static Case case_PAD(Fixture *f, int form, int n) {
    const Shape from[] = {shape(1, n),    shape(1, n),       shape(2, 2, n),         shape(2, n, 3),
                          shape(2, n, 3), shape(3, 2, n, 2), shape(5, 1, 2, n, 1, 2)};
    const int32_t before[][5] = {{1}, {0}, {1, 0}, {0, 2}, {2, 1}, {0, 3, 0}, {0, 1, 2, 0, 0}};
    const int32_t after[][5] = {{0}, {n}, {0, 2}, {1, 0}, {0, 0}, {0, 1, 1}, {1, 0, 0, 0, 1}};
    const int32_t between[][5] = {{0}, {1}, {0, 0}, {2, 0}, {0, 3}, {0, 1, 0}, {0, 0, 2, 0, 1}};
    if ((size_t)form >= COUNT_OF(from)) return no_case;
    return smooth(node_pad(&f->g, real(f, from[form]), before[form], after[form], between[form],
                           form == 4 ? -1.5 : 0));
}

static Case case_WINDOW(Fixture *f, int form, int n) {
    const Shape from[] = {shape(1, n + 2),    shape(1, 2 * n + 1),  shape(1, n + 4),
                          shape(1, n + 3),    shape(2, n + 1, 3),   shape(3, 2, n + 2, 3),
                          shape(2, 2, n + 5), shape(4, 2, 5, n, 2), shape(1, n)};
    const int32_t how[][4] = {{0, 3, 1, 1}, {0, 3, 2, 1}, {0, 3, 1, 2}, /* axis, size, */
                              {0, n, 1, 1}, {0, 2, 1, 1}, {1, 2, 2, 2}, /* stride, dilation */
                              {1, 3, 3, 2}, {1, 3, 1, 1}, {0, 1, 1, 1}};
    if ((size_t)form >= COUNT_OF(from)) return no_case;
    return smooth(node_window(&f->g, real(f, from[form]), how[form][0], how[form][1], how[form][2],
                              how[form][3]));
}

static Case case_SKEW(Fixture *f, int form, int n) {
    const Shape from[] = {shape(2, n + 2, 3), shape(2, n + 4, 3),         shape(2, n + 2, n),
                          shape(2, n, 1),     shape(3, n, 6, 3),          shape(4, 2, n + 1, 2, 2),
                          shape(3, 5, n, 2),  shape(5, 1, 2, n + 2, 2, 3)};
    static const int32_t how[][2] = {{0, 1}, {0, 2}, {0, 1}, {0, 1}, /* axis, dilation */
                                     {1, 2}, {1, 1}, {0, 3}, {2, 1}};
    if ((size_t)form >= COUNT_OF(from)) return no_case;
    return smooth(node_skew(&f->g, real(f, from[form]), how[form][0], how[form][1]));
}

/* ---- Several elements to one, and by index ----------------------------------------------------- */

static Case case_CONCAT(Fixture *f, int form, int n) {
    const Shape a[] = {shape(1, n),       shape(2, 2, n), shape(2, n, 3),
                       shape(3, 2, n, 3), shape(2, n, 1), shape(5, 2, 1, n, 1, 2)};
    const Shape b[] = {shape(1, 1),       shape(2, 2, 3), shape(2, 2, 3),
                       shape(3, 2, 2, 3), shape(2, n, 2), shape(5, 2, 1, n, 3, 2)};
    static const int32_t axis[] = {0, 1, 0, 1, 1, 3};
    if ((size_t)form >= COUNT_OF(a)) return no_case;
    NodeId x = real(f, a[form]), y = real(f, b[form]);
    return smooth(node_concat(&f->g, (NodeId[]){x, y, x}, 3, axis[form]));
}

/* Long are: the rows, the columns, what is contracted, all; then batches and other ranks. */
static Case case_DOT(Fixture *f, int form, int n) {
    const struct {
        Shape a, b;
        int32_t batch, contracted;
        bool a_across, b_across; /* transposed where they lie */
    } of[] = {{shape(2, n, 3), shape(2, 5, 3), 0, 1, false, false},
              {shape(2, 3, 5), shape(2, n, 5), 0, 1, false, false},
              {shape(2, 3, n), shape(2, 5, n), 0, 1, false, false},
              {shape(2, n, n), shape(2, n, n), 0, 1, false, false},
              {shape(2, 5, n), shape(2, 4, 5), 0, 1, true, false},
              {shape(2, 4, 5), shape(2, 5, n), 0, 1, false, true},
              {shape(2, n, 4), shape(2, n, 6), 0, 1, true, true},
              {shape(2, n, n), shape(2, n, n), 0, 1, true, true},
              {shape(2, n, 1), shape(2, 3, 1), 0, 1, false, false},
              {shape(2, n, 7), shape(1, 7), 0, 1, false, false},
              {shape(1, n), shape(2, 5, n), 0, 1, false, false},
              {shape(1, n), shape(1, n), 0, 1, false, false},
              {shape(1, n), shape(1, 3), 0, 0, false, false},
              {shape(2, n, 2), shape(2, n, 3), 1, 0, false, false},
              {shape(3, n, 2, 3), shape(3, n, 4, 3), 1, 1, false, false},
              {shape(3, 2, n, 3), shape(3, 2, 4, 3), 1, 1, false, false},
              {shape(3, 2, 3, n), shape(3, 2, n, n), 1, 1, false, false},
              {shape(3, 2, 3, n), shape(3, 4, 3, n), 0, 2, false, false},
              {shape(4, 2, 3, n, 2), shape(4, 2, 3, 4, 2), 2, 1, false, false},
              {shape(4, 2, 2, n, 3), shape(4, 2, 3, 4, 3), 1, 1, false, false}};
    if (form == COUNT_OF(of)) {
        NodeId x = whole(f, shape(2, 3, n), -99, 99), y = whole(f, shape(2, 5, n), -99, 99);
        return flat(node_dot(&f->g, x, y, 0, 1));
    }
    if ((size_t)form > COUNT_OF(of)) return no_case;
    NodeId a = real(f, of[form].a), b = real(f, of[form].b);
    if (of[form].a_across) a = transposed(f, a);
    if (of[form].b_across) b = transposed(f, b);
    return smooth(node_dot(&f->g, a, b, of[form].batch, of[form].contracted));
}

/* The first axis, the last, those between, several, all; rows that are narrow and such that are not. */
static Case reduce_case(Fixture *f, Op op, int form, int n) {
    const Shape from[] = {shape(1, n),       shape(2, n, 3),       shape(2, n, 3),
                          shape(2, 3, n),    shape(2, 3, n),       shape(2, n, n),
                          shape(3, 2, n, 3), shape(3, 2, n, 3),    shape(3, 2, 3, n),
                          shape(3, n, 2, 3), shape(4, 1, 2, n, 2), shape(5, 2, 1, n, 2, 2)};
    static const int32_t axes[][3] = {{0}, {0},    {1},    {0},       {1},    {1},
                                      {1}, {0, 2}, {0, 2}, {0, 1, 2}, {1, 3}, {2, 4}};
    static const uint32_t count[] = {1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 2, 2};
    if ((size_t)form < COUNT_OF(from))
        return smooth(node_reduce(&f->g, op, real(f, from[form]), axes[form], count[form]));
    form -= (int)COUNT_OF(from);
    if (form > 1) return no_case;
    return flat(node_reduce(&f->g, op, whole(f, shape(2, 3, n), -99, 99), &form, 1));
}

static Case case_SUM(Fixture *f, int form, int n) {
    return reduce_case(f, OP_SUM, form, n);
}

static Case case_RMAX(Fixture *f, int form, int n) {
    return reduce_case(f, OP_RMAX, form, n);
}

/* The last three are whole numbers, many of them equal. */
static Case case_ARGMAX(Fixture *f, int form, int n) {
    const Shape from[] = {shape(1, n),    shape(2, n, 3),          shape(2, n, 3),
                          shape(2, 3, n), shape(3, 2, n, 3),       shape(4, 1, 2, n, 2),
                          shape(2, 3, n), shape(5, 2, 1, n, 2, 2), shape(2, n, 3),
                          shape(2, n, 3)};
    static const int32_t axis[] = {0, 0, 1, 1, 1, 2, 1, 2, 0, 1};
    if ((size_t)form >= COUNT_OF(from)) return no_case;
    NodeId x = form < 7 ? real(f, from[form]) : whole(f, from[form], 0, 3);
    return flat(node_argmax(&f->g, x, axis[form]));
}

/* The last four have places outside the table, where there is NaN, or 0 of whole numbers. */
static Case case_TAKE(Fixture *f, int form, int n) {
    const Shape table[] = {shape(1, n),       shape(2, n, 3), shape(1, 5),    shape(2, 4, n),
                           shape(3, 3, 2, 2), shape(2, n, 2), shape(2, n, 2), shape(2, n, 2),
                           shape(1, 3),       shape(2, 4, n), shape(1, n)};
    const Shape index[] = {shape(1, n),    shape(1, 5), shape(1, n),          shape(2, 2, 3),
                           shape(2, 2, n), shape(0),    shape(4, 2, 3, 1, 2), shape(1, n),
                           shape(1, n),    shape(1, 5), shape(1, n)};
    if ((size_t)form >= COUNT_OF(table)) return no_case;
    int outside = form < 7 ? 0 : 2;
    NodeId i = whole(f, index[form], -outside, table[form].dim[0] + outside);
    if (form == 10) return flat(node_take(&f->g, whole(f, table[form], -99, 99), i));
    NodeId r = node_take(&f->g, real(f, table[form]), i);
    if (!outside) return smooth(r);
    /* A number instead of NaN, by which no derivative can be checked. */
    NodeId half = node_full(&f->g, DT_F32, 0.5, &node_at(&f->g, r)->shape);
    return smooth(node_ew(&f->g, OP_WHERE, node_ew(&f->g, OP_EQ, r, r, NO_NODE), r, half));
}

/* Some places are outside of the result, and left out; many are equal. */
static Case case_SCATTER(Fixture *f, int form, int n) {
    const Shape values[] = {shape(1, n),       shape(2, n, 3),    shape(2, 5, n),
                            shape(3, 2, n, 3), shape(3, 2, 3, n), shape(1, 3),
                            shape(1, 2),       shape(1, n),       shape(5, 2, 1, n, 2, 2)};
    const Shape index[] = {shape(1, n), shape(1, n), shape(1, 5), shape(2, 2, n), shape(1, 2),
                           shape(1, 3), shape(0),    shape(1, n), shape(1, 2)};
    const int32_t rows[] = {3, n, 3, 4, 2, n, n, 1, 3};
    if ((size_t)form >= COUNT_OF(values)) return no_case;
    NodeId x = real(f, values[form]);
    return smooth(node_scatter(&f->g, x, whole(f, index[form], -1, rows[form] + 1), rows[form]));
}

#include "op_cases_loops.h"

static Case make_case(Fixture *f, Op op, int form, int n) {
    switch (op) {
/* clang-format off */
#define STRUCTURED(NAME, ...) case OP_##NAME: return case_##NAME(f, form, n);
#include "ops.def"
        /* clang-format on */
    default: return elementwise_case(f, op, form, n);
    }
}

#endif

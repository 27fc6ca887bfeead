/* Every operator's gradient against central differences and the forward mode, to the second derivative. The
 * loop is over ops.def: op_cases.h has the cases. */
#include "op_cases.h"

/* ---- Checking them --------------------------------------------------------------------------- */

/* The elements of node id, in a scratch arena that the caller frees. */
static const double *value_of(Fixture *f, Arena *scratch, NodeId id) {
    double **results = NEW_ARRAY(scratch, double *, f->g.nodes.len);
    interp_run(&f->g, scratch, f->vars, results);
    return results[id];
}

static double number_of(Fixture *f, NodeId id) {
    Arena scratch;
    arena_init(&scratch, &f->limit);
    double v = value_of(f, &scratch, id)[0];
    arena_free(&scratch);
    return v;
}

/* A number that depends on every element of x in its own measure: the sum of x * weights. */
static NodeId weighted_sum(Fixture *f, NodeId x, uint64_t seed) {
    const Shape s = node_at(&f->g, x)->shape;
    double *weights = NEW_ARRAY(&f->arena, double, shape_elems(&s));
    int32_t axes[MAX_RANK];
    for (int i = 0; i < s.rank; i++) axes[i] = i;
    fill(weights, shape_elems(&s), seed, 0.5, 1.5);
    NodeId product = times(f, x, node_literal(&f->g, DT_F32, &s, weights));
    return node_reduce(&f->g, OP_SUM, product, axes, s.rank);
}

/* How many elements of a variable are moved one by one: all of a small one, a few of a larger one, whose others the
 * forward mode checks, all at once. */
#define MOST_MOVED 40

/* dy/dv of elements of variable v against central differences; whether all agree. `got` NULL: 0. */
static bool agrees(Fixture *f, NodeId y, uint32_t v, const double *got, const char *what) {
    const double h = 1e-5;
    const int64_t elems = shape_elems(&node_at(&f->g, f->node[v])->shape);
    const int64_t step =
        elems <= MOST_MOVED ? 1 : elems / 11; /* the first, the last, some between */
    for (int64_t i = 0; i < elems; i = i < elems - 1 && i + step >= elems ? elems - 1 : i + step) {
        double *x = &f->vars[v][i], at = *x;
        *x = at + h;
        double above = number_of(f, y);
        *x = at - h;
        double below = number_of(f, y);
        *x = at;
        double numeric = (above - below) / (2 * h), symbolic = got ? got[i] : 0;
        if (!(fabs(numeric - symbolic) <= 2e-6 * (1 + fabs(numeric)))) {
            fprintf(stderr, "%s: operand %u element %d: %.9g, by differences %.9g\n", what, v,
                    (int)i, symbolic, numeric);
            return false;
        }
    }
    return true;
}

/* The change of y along a direction, by the forward mode, against the gradient's product with it. */
static bool agrees_forward(Fixture *f, NodeId y, const NodeId *grad, const char *what) {
    Arena scratch;
    arena_init(&scratch, &f->limit);
    double *direction[FIXTURE_VARS], sum = 0, size = 0;
    double **results = NEW_ARRAY(&scratch, double *, f->g.nodes.len);
    double **tangents = NEW_ARRAY(&scratch, double *, f->g.nodes.len);
    for (uint32_t v = 0; v < f->var_count; v++) {
        const Node *n = node_at(&f->g, f->node[v]);
        direction[v] = NEW_ARRAY(&scratch, double, shape_elems(&n->shape));
        if (dtype_is_float((DType)n->dtype))
            fill(direction[v], shape_elems(&n->shape), 91 + v, -1, 1);
    }
    interp_tangent(&f->g, &scratch, f->vars, direction, results, tangents);
    for (uint32_t v = 0; v < f->var_count; v++) {
        for (int64_t i = 0;
             grad[v] != NO_NODE && i < shape_elems(&node_at(&f->g, f->node[v])->shape); i++) {
            double part = direction[v][i] * results[grad[v]][i];
            sum += part;
            size += fabs(part);
        }
    }
    double forward = tangents[y][0];
    bool same = fabs(forward - sum) <= 1e-7 * (1 + size);
    if (!same)
        fprintf(stderr, "%s: %.9g along a direction, by the forward mode %.9g\n", what, sum,
                forward);
    arena_free(&scratch);
    return same;
}

/* Checks dy/d(every f32 variable). Returns a number made of those gradients, whose gradients are the
 * second derivatives, or NO_NODE when there are none. */
static NodeId check_gradients(Fixture *f, NodeId y, Slope slope, const char *what) {
    NodeId grad[FIXTURE_VARS], sums[FIXTURE_VARS];
    uint32_t count = 0;
    grad_build(&f->g, y, f->node, f->var_count, grad);
    const char *wrong = graph_verify(&f->g, &f->arena);
    if (wrong) fprintf(stderr, "%s: %s\n", what, wrong);
    CU_ASSERT_PTR_NULL_FATAL(wrong);
    if (slope != FLAT) CU_ASSERT(agrees_forward(f, y, grad, what));
    for (uint32_t v = 0; v < f->var_count; v++) {
        if (!dtype_is_float((DType)node_at(&f->g, f->node[v])->dtype) || slope == FLAT) {
            CU_ASSERT_EQUAL(grad[v], NO_NODE);
            continue;
        }
        Arena scratch;
        arena_init(&scratch, &f->limit);
        const double *got = grad[v] == NO_NODE ? NULL : value_of(f, &scratch, grad[v]);
        bool same = slope == ROUNDED || agrees(f, y, v, got, what);
        arena_free(&scratch);
        CU_ASSERT(same);
        if (got) sums[count++] = weighted_sum(f, grad[v], 31 + v);
    }
    return count ? node_gradsum(&f->g, sums, count) : NO_NODE;
}

/* One form of an operator at one extent, to the second derivative; false: there is no such form. */
static bool check_case(Op op, int form, int n) {
    Fixture f;
    char what[80];
    fixture_open(&f);
    Case c = make_case(&f, op, form, n);
    if (c.result != NO_NODE) {
        snprintf(what, sizeof(what), "%s, form %d at %d", op_info[op].name, form, n);
        NodeId y = weighted_sum(&f, node_cast(&f.g, c.result, DT_F32), 7);
        NodeId second = check_gradients(&f, y, c.slope, what);
        snprintf(what, sizeof(what), "%s, form %d at %d, second", op_info[op].name, form, n);
        if (second != NO_NODE && c.slope == SMOOTH) check_gradients(&f, second, SMOOTH, what);
    }
    fixture_close(&f);
    return c.result != NO_NODE;
}

static void test_all_operators(void) {
    for (size_t i = 0; i < COUNT_OF(extents); i++) {
        for (int op = 0; op < OP_COUNT; op++) {
            int form = 0;
            while (check_case((Op)op, form, extents[i])) form++;
            CU_ASSERT(form > 0);
        }
    }
}

/* A chain as models have it: softmax cross-entropy of a dense layer, max-shifted. */
static void test_softmax_cross_entropy(void) {
    Fixture f;
    fixture_open(&f);
    Graph *g = &f.g;
    NodeId x = random_var(&f, DT_F32, shape(2, 4, 3), -1, 1);
    NodeId w = random_var(&f, DT_F32, shape(2, 5, 3), -1, 1);
    NodeId b = random_var(&f, DT_F32, shape(1, 5), -1, 1);
    const Shape s = shape(2, 4, 5), col = shape(2, 4, 1);
    const int32_t last = 1, all[] = {0, 1};
    NodeId z = node_ew(g, OP_ADD, node_dot(g, x, w, 0, 1), node_broadcast(g, b, &s), NO_NODE);
    NodeId top = node_stop(g, node_reduce(g, OP_RMAX, z, &last, 1));
    NodeId shifted = node_ew(g, OP_SUB, z, node_expand(g, node_reshape(g, top, &col), &s), NO_NODE);
    NodeId sum = node_reduce(g, OP_SUM, node_ew(g, OP_EXP, shifted, NO_NODE, NO_NODE), &last, 1);
    NodeId log_sum = node_ew(g, OP_LOG, sum, NO_NODE, NO_NODE);
    NodeId picked = node_slice(g, shifted, (int32_t[]){0, 2}, (int32_t[]){4, 1}, (int32_t[]){1, 1});
    NodeId losses = node_ew(g, OP_SUB, node_reshape(g, log_sum, &col), picked, NO_NODE);
    NodeId second = check_gradients(&f, node_reduce(g, OP_SUM, losses, all, 2), SMOOTH, "softmax");
    CU_ASSERT(second != NO_NODE);
    check_gradients(&f, second, SMOOTH, "softmax, second");
    fixture_close(&f);
}

static void gradient_is(Fixture *f, NodeId y, NodeId x, const double *want, int count) {
    NodeId grad;
    int32_t axis = 0;
    if (node_at(&f->g, y)->shape.rank) y = node_reduce(&f->g, OP_SUM, y, &axis, 1);
    grad_build(&f->g, y, &x, 1, &grad);
    const double *got = fixture_value(f, grad);
    for (int i = 0; i < count; i++) CU_ASSERT_DOUBLE_EQUAL(got[i], want[i], 1e-12);
}

/* Where a function has no derivative the rules say what to take. */
static void test_ties(void) {
    Fixture f;
    fixture_open(&f);
    Graph *g = &f.g;
    const Shape s = shape(1, 3);
    NodeId zero = node_full(g, DT_F32, 0, &s);
    NodeId x = fixture_var(&f, DT_F32, s, (double[]){-1, 0, 2});
    NodeId relu = node_ew(g, OP_WHERE, node_ew(g, OP_LE, x, zero, NO_NODE), zero, x);
    gradient_is(&f, relu, x, (double[]){0, 0, 1}, 3);
    gradient_is(&f, node_ew(g, OP_MAX, x, zero, NO_NODE), x, (double[]){0, 0.5, 1}, 3);
    gradient_is(&f, node_ew(g, OP_MIN, x, zero, NO_NODE), x, (double[]){1, 0.5, 0}, 3);
    NodeId t = fixture_var(&f, DT_F32, s, (double[]){2, 1, 2});
    gradient_is(&f, node_reduce(g, OP_RMAX, t, (int32_t[]){0}, 1), t, (double[]){0.5, 0, 0.5}, 3);
    fixture_close(&f);
}

static uint32_t count_of(const Graph *g, Op op, NodeId *last) {
    uint32_t count = 0;
    for (NodeId id = 0; id < g->nodes.len; id++) {
        if (node_at(g, id)->op == op) *last = id, count++;
    }
    return count;
}

/* A variable used k > 1 times has one gradient-sum of k operands; one used once has none. */
static void test_gradient_sums(void) {
    for (uint32_t uses = 1; uses <= 5; uses++) {
        Fixture f;
        fixture_open(&f);
        static const Op op[5] = {OP_EXP, OP_TANH, OP_SIN, OP_COS, OP_SQRT};
        NodeId x = fixture_var(&f, DT_F32, shape(0), (double[]){0.75}), y = NO_NODE, grad, last = 0;
        double want = 0;
        const double d[5] = {exp(0.75), 1 - tanh(0.75) * tanh(0.75), cos(0.75), -sin(0.75),
                             0.5 / sqrt(0.75)};
        for (uint32_t i = 0; i < uses; i++) {
            NodeId term = node_ew(&f.g, op[i], x, NO_NODE, NO_NODE);
            y = i ? node_ew(&f.g, OP_ADD, y, term, NO_NODE) : term;
            want += d[i];
        }
        grad_build(&f.g, y, &x, 1, &grad);
        CU_ASSERT_EQUAL(count_of(&f.g, OP_GRADSUM, &last), uses > 1);
        if (uses > 1) {
            CU_ASSERT_EQUAL(grad, last);
            CU_ASSERT_EQUAL(node_at(&f.g, last)->argc, uses);
        }
        CU_ASSERT_DOUBLE_EQUAL(fixture_value(&f, grad)[0], want, 1e-12);
        fixture_close(&f);
    }
}

/* A gradient that does not exist is absent, not zero; asking for it twice gives the same node. */
static void test_absent_and_repeated(void) {
    Fixture f;
    fixture_open(&f);
    NodeId x = fixture_var(&f, DT_F32, shape(0), (double[]){2});
    NodeId other = fixture_var(&f, DT_F32, shape(0), (double[]){3});
    NodeId y = times(&f, x, x), grad[2], again[2];
    grad_build(&f.g, y, (NodeId[]){x, other}, 2, grad);
    grad_build(&f.g, y, (NodeId[]){x, other}, 2, again);
    CU_ASSERT_EQUAL(grad[1], NO_NODE);
    CU_ASSERT_EQUAL(grad[0], again[0]);
    CU_ASSERT_DOUBLE_EQUAL(fixture_value(&f, grad[0])[0], 4, 0);
    grad_build(&f.g, x, &x, 1, grad);
    CU_ASSERT_DOUBLE_EQUAL(fixture_value(&f, grad[0])[0], 1, 0);
    fixture_close(&f);
}

RUN_SUITE("grad", {"every operator, to the second derivative", test_all_operators},
          {"softmax cross-entropy", test_softmax_cross_entropy}, {"ties", test_ties},
          {"gradient sums", test_gradient_sums}, {"absent and repeated", test_absent_and_repeated})

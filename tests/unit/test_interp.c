/* The reference interpreter against values worked out by hand. */
#include "graph_fixture.h"

#include <CUnit/Basic.h>
#include <math.h>

/* Whether node id has this shape and these elements (NaN equals NaN), in a graph that is well formed. */
static bool has(Fixture *f, NodeId id, Shape s, const double *want) {
    const char *wrong = graph_verify(&f->g, &f->arena);
    if (wrong) return fprintf(stderr, "%s\n", wrong), false;
    if (!shape_equal(&node_at(&f->g, id)->shape, &s)) return false;
    const double *got = fixture_value(f, id);
    for (int64_t i = 0; i < shape_elems(&s); i++) {
        if (got[i] == want[i] || (isnan(got[i]) && isnan(want[i]))) continue;
        if (!(fabs(got[i] - want[i]) <= 1e-12)) {
            fprintf(stderr, "element %d is %.17g, not %.17g\n", (int)i, got[i], want[i]);
            return false;
        }
    }
    return true;
}

#define CHECK(id, s, ...) CU_ASSERT(has(&f, id, s, (double[]){__VA_ARGS__}))

static void test_leaves(void) {
    Fixture f;
    fixture_open(&f);
    CHECK(node_const(&f.g, DT_F32, 2.5), shape(0), 2.5);
    CHECK(node_iota(&f.g, 4), shape(1, 4), 0, 1, 2, 3);
    Shape s = shape(2, 2, 2);
    CHECK(node_literal(&f.g, DT_F32, &s, (double[]){1, 2, 3, 4}), s, 1, 2, 3, 4);
    CHECK(node_full(&f.g, DT_I32, 7, &s), s, 7, 7, 7, 7);
    fixture_close(&f);
}

/* Every elementwise operator, element by element, is op_host. */
static void test_elementwise(void) {
    for (int op = 0; op < OP_COUNT; op++) {
        if (!op_info[op].elementwise) continue;
        Fixture f;
        fixture_open(&f);
        bool logic = op == OP_NOT || op == OP_AND || op == OP_OR;
        double x[4] = {0, 1, 0, 1}, y[4] = {0.5, 1.25, 2, 3}, z[4] = {3, 1.25, 0.5, 2};
        DType t = logic ? DT_BOOL : DT_F32;
        NodeId a = fixture_var(&f, op == OP_WHERE ? DT_BOOL : t, shape(1, 4), x);
        NodeId b = fixture_var(&f, t, shape(1, 4), logic ? (double[]){0, 0, 1, 1} : y);
        NodeId c = fixture_var(&f, t, shape(1, 4), z);
        int arity = op_info[op].arity;
        NodeId r = node_ew(&f.g, (Op)op, a, arity > 1 ? b : NO_NODE, arity > 2 ? c : NO_NODE);
        double want[4];
        for (int i = 0; i < 4; i++) want[i] = op_host((Op)op, x[i], f.vars[1][i], z[i]);
        if (!has(&f, r, shape(1, 4), want)) {
            fprintf(stderr, "%s\n", op_info[op].name);
            CU_FAIL("an elementwise operator differs from op_host");
        }
        fixture_close(&f);
    }
}

static void test_host_values(void) {
    CU_ASSERT_DOUBLE_EQUAL(op_host(OP_ERF, 0.5, 0, 0), 0.5204998778130465, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(op_host(OP_RSQRT, 4, 0, 0), 0.5, 0);
    CU_ASSERT_DOUBLE_EQUAL(op_host(OP_IDIV, -7, 2, 0), -4, 0);
    CU_ASSERT_DOUBLE_EQUAL(op_host(OP_MOD, -7, 2, 0), 1, 0);
    CU_ASSERT_DOUBLE_EQUAL(op_host(OP_IDIV, 5, 0, 0), 0, 0);
    CU_ASSERT_DOUBLE_EQUAL(op_host(OP_MOD, 5, 0, 0), 0, 0);
    CU_ASSERT_DOUBLE_EQUAL(op_host(OP_WHERE, 1, 4, 9), 4, 0);
    CU_ASSERT_DOUBLE_EQUAL(op_host(OP_WHERE, 0, 4, 9), 9, 0);
    CU_ASSERT(isnan(op_host(OP_MAX, NAN, 1, 0)));
    CU_ASSERT(isnan(op_host(OP_MAX, 1, NAN, 0)));
    CU_ASSERT(isnan(op_host(OP_MIN, NAN, 1, 0)));
    CU_ASSERT(isnan(op_host(OP_MIN, 1, NAN, 0)));
}

static void test_integers(void) {
    Fixture f;
    fixture_open(&f);
    NodeId a = fixture_var(&f, DT_I32, shape(1, 3), (double[]){2147483647, -7, 7});
    NodeId b = fixture_var(&f, DT_I32, shape(1, 3), (double[]){1, 2, -2});
    NodeId large = fixture_var(&f, DT_I32, shape(1, 1), (double[]){2000000011});
    NodeId larger = fixture_var(&f, DT_I32, shape(1, 1), (double[]){-1999999973});
    CHECK(node_ew(&f.g, OP_MUL, large, larger, NO_NODE), shape(1, 1), -708230871);
    CHECK(node_ew(&f.g, OP_ADD, a, b, NO_NODE), shape(1, 3), -2147483648.0, -5, 5);
    CHECK(node_ew(&f.g, OP_IDIV, a, b, NO_NODE), shape(1, 3), 2147483647, -4, -4);
    CHECK(node_ew(&f.g, OP_MOD, a, b, NO_NODE), shape(1, 3), 0, 1, -1);
    CHECK(node_reduce(&f.g, OP_SUM, a, (int32_t[]){0}, 1), shape(0), 2147483647);
    CHECK(node_reduce(&f.g, OP_RMAX, b, (int32_t[]){0}, 1), shape(0), 2);
    fixture_close(&f);
}

static void test_cast_sum_stop_copy(void) {
    Fixture f;
    fixture_open(&f);
    NodeId x = fixture_var(&f, DT_F32, shape(1, 4), (double[]){-1.75, 0, 0.5, 2.25});
    CHECK(node_cast(&f.g, x, DT_I32), shape(1, 4), -1, 0, 0, 2);
    CHECK(node_cast(&f.g, x, DT_BOOL), shape(1, 4), 1, 0, 1, 1);
    CHECK(node_cast(&f.g, node_cast(&f.g, x, DT_I32), DT_F32), shape(1, 4), -1, 0, 0, 2);
    NodeId y = node_ew(&f.g, OP_NEG, x, NO_NODE, NO_NODE);
    CHECK(node_gradsum(&f.g, (NodeId[]){x, y, x}, 3), shape(1, 4), -1.75, 0, 0.5, 2.25);
    CHECK(node_stop(&f.g, x), shape(1, 4), -1.75, 0, 0.5, 2.25);
    CHECK(node_copy(&f.g, x), shape(1, 4), -1.75, 0, 0.5, 2.25);
    fixture_close(&f);
}

static void test_views(void) {
    Fixture f;
    fixture_open(&f);
    NodeId x = fixture_var(&f, DT_F32, shape(2, 2, 3), (double[]){1, 2, 3, 4, 5, 6});
    Shape s = shape(2, 3, 2);
    CHECK(node_reshape(&f.g, x, &s), s, 1, 2, 3, 4, 5, 6);
    CHECK(node_permute(&f.g, x, (int32_t[]){1, 0}), s, 1, 4, 2, 5, 3, 6);
    NodeId col = fixture_var(&f, DT_F32, shape(2, 2, 1), (double[]){7, 8});
    s = shape(2, 2, 3);
    CHECK(node_expand(&f.g, col, &s), s, 7, 7, 7, 8, 8, 8);
    s = shape(3, 2, 2, 1);
    CHECK(node_broadcast(&f.g, col, &s), s, 7, 8, 7, 8);
    CHECK(node_slice(&f.g, x, (int32_t[]){1, 2}, (int32_t[]){1, 2}, (int32_t[]){1, -2}),
          shape(2, 1, 2), 6, 4);
    CHECK(node_pad(&f.g, x, (int32_t[]){0, 1}, (int32_t[]){1, 0}, (int32_t[]){1, 0}, 0),
          shape(2, 4, 4), 0, 1, 2, 3, 0, 0, 0, 0, 0, 4, 5, 6, 0, 0, 0, 0);
    NodeId cube = fixture_var(&f, DT_F32, shape(3, 2, 1, 3), (double[]){1, 2, 3, 4, 5, 6});
    CHECK(node_permute(&f.g, cube, (int32_t[]){2, 0, 1}), shape(3, 3, 2, 1), 1, 4, 2, 5, 3, 6);
    NodeId both[2] = {x, x};
    CHECK(node_concat(&f.g, both, 2, 0), shape(2, 4, 3), 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);
    NodeId sides[2] = {x, col};
    CHECK(node_concat(&f.g, sides, 2, 1), shape(2, 2, 4), 1, 2, 3, 7, 4, 5, 6, 8);
    fixture_close(&f);
}

static void test_dot(void) {
    Fixture f;
    fixture_open(&f);
    NodeId a = fixture_var(&f, DT_F32, shape(2, 2, 3), (double[]){1, 2, 3, 4, 5, 6});
    NodeId b = fixture_var(&f, DT_F32, shape(2, 2, 3), (double[]){1, 0, -1, 2, 1, 0});
    CHECK(node_dot(&f.g, a, b, 0, 1), shape(2, 2, 2), -2, 4, -2, 13);
    CHECK(node_dot(&f.g, a, b, 1, 1), shape(1, 2), -2, 13); /* row by row */
    CHECK(node_dot(&f.g, a, b, 0, 2), shape(0), 11);        /* both axes */
    CHECK(node_dot(&f.g, a, b, 1, 0), shape(3, 2, 3, 3), 1, 0, -1, 2, 0, -2, 3, 0, -3, 8, 4, 0, 10,
          5, 0, 12, 6, 0);
    fixture_close(&f);
}

static void test_reductions(void) {
    Fixture f;
    fixture_open(&f);
    NodeId x = fixture_var(&f, DT_F32, shape(3, 2, 2, 2), (double[]){1, 2, 3, 4, 5, 6, 7, -8});
    CHECK(node_reduce(&f.g, OP_SUM, x, (int32_t[]){0, 2}, 2), shape(1, 2), 14, 6);
    CHECK(node_reduce(&f.g, OP_SUM, x, (int32_t[]){0, 1, 2}, 3), shape(0), 20);
    CHECK(node_reduce(&f.g, OP_RMAX, x, (int32_t[]){1}, 1), shape(2, 2, 2), 3, 4, 7, 6);
    CHECK(node_argmax(&f.g, x, 1), shape(2, 2, 2), 1, 1, 1, 0);
    CHECK(node_argmax(&f.g, x, 2), shape(2, 2, 2), 1, 1, 1, 0);
    NodeId y = fixture_var(&f, DT_F32, shape(2, 2, 3), (double[]){NAN, 1, 2, 5, 5, -INFINITY});
    CHECK(node_reduce(&f.g, OP_RMAX, y, (int32_t[]){1}, 1), shape(1, 2), NAN, 5);
    CHECK(node_argmax(&f.g, y, 0), shape(1, 3), 0, 1, 0);
    NodeId z = fixture_var(&f, DT_F32, shape(1, 3), (double[]){2, 5, 5});
    CHECK(node_argmax(&f.g, z, 0), shape(0), 1);
    fixture_close(&f);
}

static void test_take(void) {
    Fixture f;
    fixture_open(&f);
    NodeId table = fixture_var(&f, DT_F32, shape(2, 3, 2), (double[]){1, 2, 3, 4, 5, 6});
    NodeId index = fixture_var(&f, DT_I32, shape(2, 2, 2), (double[]){2, 0, -1, 3});
    CHECK(node_take(&f.g, table, index), shape(3, 2, 2, 2), 5, 6, 1, 2, NAN, NAN, NAN, NAN);
    NodeId whole = fixture_var(&f, DT_I32, shape(1, 3), (double[]){7, 8, 9});
    CHECK(node_take(&f.g, whole, index), shape(2, 2, 2), 9, 7, 0, 0);
    fixture_close(&f);
}

/* The check that deeplearn-rs ships: a matrix product and its weight gradient. */
static void test_product_and_gradient(void) {
    Fixture f;
    fixture_open(&f);
    NodeId a = fixture_var(&f, DT_F32, shape(2, 1, 2), (double[]){1.4, 0.3});
    NodeId w = fixture_var(&f, DT_F32, shape(2, 2, 3), (double[]){0.5, 0.3, 0.2, 0.6, 0.7, 0.7});
    NodeId g = fixture_var(&f, DT_F32, shape(2, 1, 3), (double[]){1, -1, 0.5});
    NodeId product = node_dot(&f.g, a, node_permute(&f.g, w, (int32_t[]){1, 0}), 0, 1);
    CHECK(product, shape(2, 1, 3), 0.88, 0.63, 0.49);
    NodeId y =
        node_reduce(&f.g, OP_SUM, node_ew(&f.g, OP_MUL, product, g, NO_NODE), (int32_t[]){0, 1}, 2);
    NodeId dw;
    grad_build(&f.g, y, &w, 1, &dw);
    CHECK(dw, shape(2, 2, 3), 1.4, -1.4, 0.7, 0.3, -0.3, 0.15);
    fixture_close(&f);
}

RUN_SUITE("interp", {"leaves", test_leaves}, {"elementwise", test_elementwise},
          {"host values", test_host_values}, {"integers", test_integers},
          {"cast, gradsum, stop, copy", test_cast_sum_stop_copy}, {"views", test_views},
          {"dot", test_dot}, {"reductions", test_reductions}, {"take", test_take},
          {"a product and its gradient", test_product_and_gradient})

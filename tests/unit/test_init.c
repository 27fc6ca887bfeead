/* Random bits and values at the start: published test vectors, and values pinned from an independent
 * implementation (in Python, over its statistics.NormalDist). */
#include <math.h>
#include "rt_fixture.h"

/* Source: Random123's kat_vectors. */
static void test_philox(void) {
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        rt_philox(known[i].counter, known[i].key, out);
        CU_ASSERT_EQUAL(memcmp(out, known[i].out, sizeof out), 0);
    }
}

static void test_key(void) {
    uint32_t key[2];
    CU_ASSERT_EQUAL(rt_hash("", 0, 0), UINT64_C(0xef46db3751d8e999));
    rt_key("h.w", 7, key);
    CU_ASSERT_EQUAL(key[0], 0xa61837f9);
    CU_ASSERT_EQUAL(key[1], 0xe34d5530);
}

/* The values of a tensor of n elements of this name. */
static void values(const char *name, dlg_type type, Init init, uint64_t n, uint64_t seed,
                   void *data) {
    double literals[] = {1, -2, 3, 0};
    Plan plan = {.inits = &init, .literals = literals};
    dlg_tensor t = {.user_name = name, .name = name, .type = type, .elems = n};
    rt_init_values(&plan, &t, seed, data);
}

static void expect_bits(const float *values_, const uint32_t *bits, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t have;
        memcpy(&have, &values_[i], sizeof have);
        CU_ASSERT_EQUAL(have, bits[i]);
    }
}

static void test_pinned(void) {
    static const uint32_t uniform0[] = {0x3ef7da24, 0xbf05dc96, 0x3cd2a500, 0xbf63acd8,
                                        0xbca43a80, 0x3ee61cec, 0xbf6f032e, 0x3ec8ac8c,
                                        0xbdad9370, 0x3f0e64e2, 0x3ed695b8, 0xbf5c992a,
                                        0xbec43314, 0xbf524194, 0xbeb39e44, 0xbf60a7ea};
    static const uint32_t uniform7[] = {0xbe7d6698, 0xbf54474c, 0xbf154754, 0xbeadb0b4, 0x3efea530};
    static const uint32_t normal0[] = {0xbde7c97f, 0xbe423571, 0x3e1deb93, 0xbc7588b1,
                                       0x3e80344c, 0x3ea0671a, 0xbd985fca, 0x3e918e09};
    static const uint32_t normal7[] = {0x3e5f5df0, 0xbe7fcc61, 0xbebe6a88, 0x3f4d4413,
                                       0xbed30d3c, 0x3f735ae8, 0xbdf4eee3, 0x3e908507};
    float v[16];
    Init uniform = {INIT_UNIFORM, -1, 1, 0}, normal = {INIT_NORMAL, 0, 0.5, 0};
    values("h.w", DLG_F32, uniform, 16, 0, v);
    expect_bits(v, uniform0, 16);
    values("h.w", DLG_F32, uniform, 5, 7, v);
    expect_bits(v, uniform7, 5);
    values("out.w", DLG_F32, normal, 8, 0, v);
    expect_bits(v, normal0, 8);
    values("out.w", DLG_F32, normal, 8, 7, v);
    expect_bits(v, normal7, 8);
}

/* The same numbers rounded; by Python's struct module for f16. */
static void test_storage(void) {
    static const uint16_t f16[] = {0x37bf, 0xb82f, 0x2695, 0xbb1d, 0xa522, 0x3731, 0xbb78, 0x3645},
                          bf16[] = {0x3ef8, 0xbf06, 0x3cd3, 0xbf64, 0xbca4, 0x3ee6, 0xbf6f, 0x3ec9};
    uint16_t v[8];
    uint8_t u[4];
    values("h.w", DLG_F16, (Init){INIT_UNIFORM, -1, 1, 0}, 8, 0, v);
    CU_ASSERT_EQUAL(memcmp(v, f16, sizeof f16), 0);
    values("h.w", DLG_BF16, (Init){INIT_UNIFORM, -1, 1, 0}, 8, 0, v);
    CU_ASSERT_EQUAL(memcmp(v, bf16, sizeof bf16), 0);
    values("h.w", DLG_F16, (Init){INIT_NORMAL, 0, 1e6, 0}, 8, 0, v); /* none is infinite */
    for (int i = 0; i < 8; i++) CU_ASSERT((v[i] & 0x7fff) <= 0x7bff);
    values("h.w", DLG_F16, (Init){INIT_CONSTANT, INFINITY, 0, 0}, 2, 0, v);
    CU_ASSERT_EQUAL(v[1], 0x7c00);
    values("a", DLG_U8, (Init){INIT_CONSTANT, 255, 0, 0}, 4, 0, u);
    CU_ASSERT_EQUAL(u[3], 255);
}

static void test_plain(void) {
    float f[4];
    int32_t k[4];
    uint8_t b[4];
    values("a", DLG_F32, (Init){INIT_CONSTANT, -INFINITY, 0, 0}, 4, 0, f);
    CU_ASSERT_EQUAL(f[3], -INFINITY);
    values("a", DLG_I32, (Init){INIT_CONSTANT, INT32_MIN, 0, 0}, 4, 0, k);
    CU_ASSERT_EQUAL(k[3], INT32_MIN);
    values("a", DLG_I32, (Init){INIT_LITERAL, 0, 0, 0}, 4, 0, k);
    CU_ASSERT_EQUAL(k[1], -2);
    values("a", DLG_BOOL, (Init){INIT_LITERAL, 0, 0, 2}, 2, 0, b);
    CU_ASSERT_EQUAL(b[0], 1);
    CU_ASSERT_EQUAL(b[1], 0);
}

/* A million of each: within range, the moments and the tails of their distributions; all bits. */
static void test_distributions(void) {
    enum { N = 1000000 };
    float *v = malloc(N * sizeof *v);
    double sum = 0, squares = 0, beyond = 0;
    values("u", DLG_F32, (Init){INIT_UNIFORM, -2, 3, 0}, N, 1, v);
    for (int i = 0; i < N; i++) {
        CU_ASSERT_TRUE_FATAL(v[i] >= -2 && v[i] < 3);
        sum += (double)v[i];
    }
    CU_ASSERT_TRUE(fabs(sum / N - 0.5) < 0.01);
    sum = 0;
    values("n", DLG_F32, (Init){INIT_NORMAL, 1, 2, 0}, N, 1, v);
    for (int i = 0; i < N; i++) {
        double z = ((double)v[i] - 1) / 2;
        sum += z;
        squares += z * z;
        beyond += fabs(z) > 3;
    }
    CU_ASSERT_TRUE(fabs(sum / N) < 0.005);
    CU_ASSERT_TRUE(fabs(squares / N - 1) < 0.005);
    CU_ASSERT_TRUE(fabs(beyond / N - 0.0027) < 0.0003);
    CU_ASSERT_EQUAL(rt_hash(v, N * sizeof *v, 0), UINT64_C(0xeeeb19d05c232d33));
    free(v);
}

RUN_SUITE("init", {"Philox's known answers", test_philox}, {"keys", test_key},
          {"pinned values", test_pinned}, {"storage types", test_storage},
          {"constants and literals", test_plain}, {"distributions", test_distributions})

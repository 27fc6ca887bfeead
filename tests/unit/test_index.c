/* Index expressions: whatever normal form they take, they have the value of what they were made of. */
#include "access.h"
#include "index.h"
#include "suite.h"

#include <stdio.h>

#define VARS  4
#define EXPRS 40

static ArenaLimit limit = {.limit_bytes = (size_t)1 << 30};

typedef struct Rng {
    uint64_t state;
} Rng;

static int64_t below(Rng *r, int64_t n) {
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((r->state >> 33) % (uint64_t)n);
}

/* The value of a form where variable i (atom i) has value v[i]. */
static int64_t value_of(const IndexTable *t, Idx e, const int64_t *v) {
    const Form *f = &t->forms.at[e];
    int64_t sum = f->constant;
    for (uint32_t i = 0; i < f->count; i++) {
        const Atom *a = &t->atoms.at[f->terms[i].atom];
        int64_t x = a->kind == ATOM_VAR   ? v[f->terms[i].atom]
                    : a->kind == ATOM_DIV ? value_of(t, a->inner, v) / a->by
                                          : value_of(t, a->inner, v) % a->by;
        sum += f->terms[i].coef * x;
    }
    return sum;
}

/* Expressions that are never negative, as addresses are, made at random beside their plain values. */
static void test_random(void) {
    Rng r = {42};
    int wrong = 0, outside = 0;
    for (int trial = 0; trial < 3000; trial++) {
        Arena arena;
        IndexTable t;
        arena_init(&arena, &limit);
        index_init(&t, &arena);
        Idx e[EXPRS];
        int64_t v[VARS], want[EXPRS];
        uint32_t n = 0;
        for (; n < VARS; n++) {
            int64_t hi = below(&r, 20);
            e[n] = idx_var(&t, "v", 0, hi, UINT32_MAX);
            want[n] = v[n] = below(&r, hi + 1);
        }
        for (; n < EXPRS; n++) {
            uint32_t a = (uint32_t)below(&r, n), b = (uint32_t)below(&r, n);
            int64_t by = 1 + below(&r, 12);
            switch (below(&r, 6)) {
            case 0: e[n] = idx_add(&t, e[a], e[b]), want[n] = want[a] + want[b]; break;
            case 1: e[n] = idx_scale(&t, e[a], by), want[n] = want[a] * by; break;
            case 2: e[n] = idx_offset(&t, e[a], by), want[n] = want[a] + by; break;
            case 3: e[n] = idx_div(&t, e[a], by), want[n] = want[a] / by; break;
            case 4: e[n] = idx_mod(&t, e[a], by), want[n] = want[a] % by; break;
            default: /* c * (a / c) + a % c, which is a */
                e[n] = idx_add(&t, idx_scale(&t, idx_div(&t, e[a], by), by), idx_mod(&t, e[a], by));
                want[n] = want[a];
            }
            if (want[n] > 1000000) e[n] = e[0], want[n] = want[0];
            wrong += value_of(&t, e[n], v) != want[n];
            outside += want[n] < idx_lo(&t, e[n]) || want[n] > idx_hi(&t, e[n]);
        }
        /* A variable replaced by an expression. */
        uint32_t a = VARS + (uint32_t)below(&r, EXPRS - VARS);
        Idx by = idx_const(&t, v[0]);
        wrong += value_of(&t, idx_subst(&t, e[a], idx_atom(&t, e[0]), by), v) != want[a];
        arena_free(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(outside, 0);
}

static void test_forms(void) {
    Arena arena;
    IndexTable t;
    arena_init(&arena, &limit);
    index_init(&t, &arena);
    Idx i = idx_var(&t, "i", 0, 9, UINT32_MAX), k = idx_var(&t, "k", 0, 6, UINT32_MAX);
    Idx flat = idx_add(&t, idx_scale(&t, i, 7), k);
    CU_ASSERT_EQUAL(idx_div(&t, flat, 7), i);
    CU_ASSERT_EQUAL(idx_mod(&t, flat, 7), k);
    Idx m = idx_var(&t, "m", 0, 69, UINT32_MAX);
    Idx q = idx_div(&t, m, 7), r = idx_mod(&t, m, 7);
    CU_ASSERT_EQUAL(idx_add(&t, idx_scale(&t, q, 7), r), m);
    CU_ASSERT_EQUAL(idx_div(&t, q, 5), idx_div(&t, m, 35));
    /* What is below the step of all else does not matter: (8 m + k) / 128 is m / 16. */
    Idx low_part = idx_var(&t, "k", 0, 7, UINT32_MAX);
    Idx place = idx_add(&t, idx_scale(&t, m, 8), low_part);
    CU_ASSERT_EQUAL(idx_div(&t, place, 128), idx_div(&t, m, 16));
    CU_ASSERT_EQUAL(idx_mod(&t, place, 128),
                    idx_add(&t, idx_scale(&t, idx_mod(&t, m, 16), 8), low_part));
    CU_ASSERT_EQUAL(idx_mod(&t, idx_mod(&t, m, 35), 7), r);
    CU_ASSERT(idx_has_div(&t, q));
    /* Also where a part of what is divided has left one of the quotients. */
    for (int64_t by = 0; by < 3000; by += 16) {
        static const Shape image = {.rank = 4, .dim = {64, 1, 28, 28}};
        Idx there[MAX_RANK], back = idx_const(&t, 0), n = idx_var(&t, "n", 0, 40000, UINT32_MAX);
        access_unravel(&t, &image, idx_offset(&t, n, by), there);
        for (int a = 0; a < 4; a++) back = idx_add(&t, idx_scale(&t, back, image.dim[a]), there[a]);
        CU_ASSERT_EQUAL(back, idx_offset(&t, n, by));
    }
    int64_t stride;
    CU_ASSERT(idx_stride(&t, flat, idx_atom(&t, i), &stride) && stride == 7);
    CU_ASSERT(!idx_stride(&t, q, idx_atom(&t, m), &stride));
    /* What may be negative is not split: -1 / 4 is 0 in C. */
    Idx low = idx_offset(&t, i, -1);
    CU_ASSERT(idx_has_div(&t, idx_div(&t, low, 4)));
    arena_free(&arena);
}

/* Lanes of an address through a division are near where it is known how far apart they are. */
static void test_near(void) {
    Arena arena;
    IndexTable t;
    int64_t distance[16], span;
    arena_init(&arena, &limit);
    index_init(&t, &arena);
    Idx part = idx_var(&t, "part", 0, 5, UINT32_MAX), lane = idx_var(&t, "lane", 0, 15, UINT32_MAX);
    Idx at = idx_add(&t, idx_scale(&t, part, 16), lane);
    Idx rows = idx_add(&t, idx_scale(&t, idx_div(&t, at, 8), 12), idx_mod(&t, at, 8));
    uint32_t atom = idx_atom(&t, lane);
    CU_ASSERT(idx_near(&t, rows, atom, 16, distance, &span));
    CU_ASSERT(span == 20 && distance[7] == 7 && distance[8] == 12);
    CU_ASSERT(idx_near(&t, idx_scale(&t, at, 3), atom, 16, distance, &span) && span == 46);
    CU_ASSERT(!idx_near(&t, idx_scale(&t, at, 4), atom, 16, distance, &span));
    CU_ASSERT(idx_near(&t, idx_sub(&t, part, lane), atom, 16, distance, &span) && span == 16);
    /* Where a row of 24 ends depends on the part. */
    Idx long_rows = idx_add(&t, idx_scale(&t, idx_div(&t, at, 24), 28), idx_mod(&t, at, 24));
    CU_ASSERT(!idx_near(&t, long_rows, atom, 16, distance, &span));
    arena_free(&arena);
}

/* A place that goes through another shape and back is the one that it was: a kernel finds its own row again. */
static void test_back(void) {
    Arena arena;
    IndexTable t;
    arena_init(&arena, &limit);
    index_init(&t, &arena);
    Idx i = idx_var(&t, "i", 0, 1151, UINT32_MAX), k = idx_var(&t, "k", 0, 2, UINT32_MAX);
    Idx within = idx_add(&t, idx_scale(&t, i, 3), k);
    CU_ASSERT(idx_div(&t, within, 96) == idx_div(&t, i, 32));
    CU_ASSERT(idx_mod(&t, within, 96) == idx_add(&t, idx_scale(&t, idx_mod(&t, i, 32), 3), k));
    Idx thirds = idx_div(&t, i, 3), row = idx_mod(&t, i, 48);
    CU_ASSERT(idx_add(&t, idx_scale(&t, idx_div(&t, i, 9), 3), idx_mod(&t, thirds, 3)) == thirds);
    CU_ASSERT(idx_add(&t, idx_scale(&t, idx_div(&t, row, 3), 3), idx_mod(&t, i, 3)) == row);
    arena_free(&arena);
}

/* Each part begins where it should, and no kernel computes a number on the way that an int does not hold. */
static void test_share(void) {
    static const int64_t totals[] = {1, 15, 16, 17, 1000003, 153000001, INT32_MAX};
    Arena arena;
    IndexTable t;
    arena_init(&arena, &limit);
    index_init(&t, &arena);
    Idx part = idx_var(&t, "g", 0, 15, UINT32_MAX);
    for (size_t i = 0; i < COUNT_OF(totals); i++) {
        Idx at = idx_share(&t, part, totals[i], 16);
        for (int64_t v = 0; v < 16; v++) CU_ASSERT(value_of(&t, at, &v) == v * totals[i] / 16);
    }
    for (uint32_t i = 0; i < t.forms.len; i++) CU_ASSERT(idx_hi(&t, i) <= INT32_MAX);
    arena_free(&arena);
}

RUN_SUITE("index", {"normal forms", test_forms}, {"lanes near each other", test_near},
          {"parts", test_share}, {"there and back", test_back},
          {"expressions made at random", test_random})

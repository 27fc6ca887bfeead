/* Families of kernels: whoever joins, the text of a family with the member's arguments is the member's kernel. */
#include "family.h"
#include "suite.h"

#include <stdio.h>

#define MOST_SLOTS 40

static ArenaLimit limit = {.limit_bytes = (size_t)1 << 30};

/* out[0] = ((c[0] * in[g + 1]) * c[1]) * c[2] ...: with the places of in and out n + 2 slots. */
static Kernel *kernel(Arena *a, const int32_t *c, uint32_t n, int64_t place) {
    Kernel *k = NEW(a, Kernel);
    kernel_init(k, a, 4, 1);
    uint32_t in = kernel_buffer(k, 0, "in", DT_I32, 1 << 20);
    uint32_t out = kernel_buffer(k, 1, "out", DT_I32, 1);
    Val v = val_load(k, in, idx_offset(&k->index, k->group, place), 1, (Ranges){0, NULL}, "x");
    for (uint32_t i = 0; i < n; i++) v = val_ew(k, OP_MUL, v, val_const(k, DT_I32, c[i]), NO_VAL);
    kernel_store(k, out, idx_const(&k->index, 0), v);
    kernel_finish(k);
    return k;
}

static const char *text_of(Arena *a, const Kernel *k, const Slot *slots, uint32_t params) {
    Text t;
    text_init(&t, a);
    kernel_print(k, "k", slots, params, false, &t);
    return t.at;
}

/* Whether the family's slots with the member's arguments are its constants. */
static bool holds(const Families *fs, Member m, Arena *a) {
    const Family *f = &fs->list.at[m.family];
    const Slot *slots = family_slots(f, a);
    for (uint32_t s = 0; s < f->slots; s++) {
        int32_t want = m.constants[s];
        if (!slots || slots[s].param == NO_PARAM) {
            if (want != f->first[s]) return false;
        } else if (slots[s].param >= f->params || slots[s].add < 0 ||
                   (int64_t)family_argument(fs, m, slots[s].param) + slots[s].add != want) {
            return false;
        }
    }
    return true;
}

static void test_text(void) {
    Arena a;
    arena_init(&a, &limit);
    Families fs = {.arena = &a};
    bool changed;
    const int32_t same[] = {7, 9};
    Kernel *k = kernel(&a, same, 2, 5);
    Member one = family_join(&fs, k, &changed);
    CU_ASSERT(changed);
    CU_ASSERT_PTR_NULL(family_slots(&fs.list.at[0], &a));
    CU_ASSERT_PTR_NOT_NULL(strstr(text_of(&a, k, NULL, 0), "in[g + 5]"));
    (void)family_join(&fs, kernel(&a, same, 2, 5), &changed);
    CU_ASSERT(!changed);

    /* What stays as it is stays in the text; from 5 to 1 and from 7 to 3 it is the same way. */
    k = kernel(&a, (const int32_t[]){3, 9}, 2, 1);
    Member two = family_join(&fs, k, &changed);
    const Family *f = &fs.list.at[0];
    CU_ASSERT(changed && fs.list.len == 1 && f->params == 1);
    const char *text = text_of(&a, k, family_slots(f, &a), f->params);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "const int offset)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "in[g + offset]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "(uint)(offset + 2)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "(uint)9"));
    CU_ASSERT_EQUAL(family_argument(&fs, one, 0), 5);
    CU_ASSERT_EQUAL(family_argument(&fs, two, 0), 1);

    /* One that moves them apart; then nothing new. An offset may be negative or none. */
    k = kernel(&a, (const int32_t[]){3, 9}, 2, -2);
    Member three = family_join(&fs, k, &changed);
    f = &fs.list.at[0];
    CU_ASSERT(changed && fs.list.len == 1 && f->params == 2);
    (void)family_join(&fs, kernel(&a, (const int32_t[]){100, 9}, 2, 0), &changed);
    CU_ASSERT(!changed && fs.list.len == 1);
    text = text_of(&a, k, family_slots(f, &a), f->params);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "in[g + offset]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "(uint)offset1"));
    CU_ASSERT(holds(&fs, one, &a) && holds(&fs, two, &a) && holds(&fs, three, &a));

    /* Another kernel. */
    (void)family_join(&fs, kernel(&a, same, 1, 5), &changed);
    CU_ASSERT(changed && fs.list.len == 2);
    arena_free(&a);
}

/* Numbers as far apart as they can be, and more that differ than a kernel may have parameters. */
static void test_limits(void) {
    Arena a;
    arena_init(&a, &limit);
    Families fs = {.arena = &a};
    bool changed;
    Member m[5];
    m[0] = family_join(&fs, kernel(&a, (const int32_t[]){INT32_MIN, INT32_MAX, 0}, 3, 0), &changed);
    m[1] = family_join(&fs, kernel(&a, (const int32_t[]){INT32_MIN + 4, INT32_MAX, 4}, 3, 4),
                       &changed);
    m[2] =
        family_join(&fs, kernel(&a, (const int32_t[]){INT32_MAX, INT32_MIN, -1}, 3, 0), &changed);
    CU_ASSERT_EQUAL(fs.list.len, 1);
    for (int i = 0; i < 3; i++) CU_ASSERT(holds(&fs, m[i], &a));

    int32_t c[30], d[30];
    for (int i = 0; i < 30; i++) c[i] = i, d[i] = i * i;
    m[0] = family_join(&fs, kernel(&a, c, 30, 0), &changed);
    m[1] = family_join(&fs, kernel(&a, d, 30, 0), &changed);
    CU_ASSERT(changed);
    CU_ASSERT_EQUAL(fs.list.len, 3);
    m[2] = family_join(&fs, kernel(&a, c, 30, 0), &changed); /* the older one takes its own */
    m[3] = family_join(&fs, kernel(&a, d, 30, 8), &changed); /* of the newer one, moved */
    m[4] = family_join(&fs, kernel(&a, c, 30, 8), &changed);
    CU_ASSERT_EQUAL(fs.list.len, 3);
    CU_ASSERT_EQUAL(m[0].family, m[2].family);
    CU_ASSERT_EQUAL(m[1].family, m[3].family);
    for (int i = 0; i < 5; i++) CU_ASSERT(holds(&fs, m[i], &a));
    arena_free(&a);
}

/* Members with constants made at random, some of which go together. */
static void test_random(void) {
    uint64_t state = 1;
    int wrong = 0, shared = 0;
    for (int trial = 0; trial < 200; trial++) {
        Arena a;
        arena_init(&a, &limit);
        Families fs = {.arena = &a};
        Member m[12];
        int32_t step[MOST_SLOTS], c[MOST_SLOTS];
        uint32_t n = 1 + (uint32_t)trial % MOST_SLOTS;
        for (uint32_t i = 0; i < n; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            step[i] = (int32_t)((state >> 33) % 5) - 2;
        }
        for (int32_t i = 0; i < 12; i++) {
            bool changed;
            for (uint32_t s = 0; s < n; s++) c[s] = (int32_t)(s * s) + step[s] * i;
            if (i == 7) c[n / 2] += 1000;
            m[i] = family_join(&fs, kernel(&a, c, n, 0), &changed);
        }
        for (int i = 0; i < 12; i++) wrong += !holds(&fs, m[i], &a);
        shared += fs.list.len == 1 && fs.list.at[0].params <= 5;
        arena_free(&a);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(shared, 200);
}

RUN_SUITE("family", {"texts and arguments", test_text}, {"limits", test_limits},
          {"members made at random", test_random})

/* Arenas, arrays, text, names: what everything else takes for granted. */
#include "util.h"

#include "graph_fixture.h"

#include <CUnit/Basic.h>
#include <math.h>

static void test_arena_gives_zeroed_aligned_memory(void) {
    Fixture f;
    fixture_open(&f);
    for (size_t bytes = 0; bytes < 300000; bytes = bytes * 3 + 1) {
        char *p = arena_alloc(&f.arena, bytes);
        CU_ASSERT_EQUAL((uintptr_t)p % 16, 0);
        bool zero = true;
        for (size_t i = 0; i < bytes; i++) zero = zero && p[i] == 0;
        CU_ASSERT_TRUE(zero);
        if (bytes) memset(p, 0xAB, bytes);
    }
    CU_ASSERT_TRUE(f.limit.used_bytes > 0);
    fixture_close(&f);
    CU_ASSERT_EQUAL(f.limit.used_bytes, 0);
    memset(arena_alloc(&f.arena, 10), 1, 10); /* and may be used again */
    fixture_close(&f);
}

static void test_arena_limit_jumps(void) {
    ArenaLimit limit = {.limit_bytes = (size_t)1 << 20};
    Arena arena;
    arena_init(&arena, &limit);
    volatile int allocations = 0;
    if (!setjmp(limit.failed)) {
        for (;;) {
            arena_alloc(&arena, 1000);
            allocations++;
        }
    }
    CU_ASSERT_TRUE(allocations > 500);
    CU_ASSERT_TRUE(limit.used_bytes <= limit.limit_bytes);
    CU_ASSERT_FALSE(limit.system_failed);
    if (!setjmp(limit.failed)) {
        arena_alloc(&arena, SIZE_MAX - 3);
        CU_FAIL("an impossible size was given");
    }
    arena_free(&arena);
}

static void test_arena_grow_copies(void) {
    Fixture f;
    fixture_open(&f);
    char *p = arena_strndup(&f.arena, "abcdef", 3);
    CU_ASSERT_STRING_EQUAL(p, "abc");
    p = arena_grow(&f.arena, p, 4, 100000);
    CU_ASSERT_STRING_EQUAL(p, "abc");
    CU_ASSERT_EQUAL(p[99999], 0);
    CU_ASSERT_PTR_EQUAL(arena_grow(&f.arena, p, 100000, 5), p);
    VEC(uint64_t) v = {0};
    for (uint64_t i = 0; i < 1000; i++) vec_push(&f.arena, &v, i * i);
    CU_ASSERT_EQUAL(v.len, 1000);
    bool right = true;
    for (uint64_t i = 0; i < 1000; i++) right = right && v.at[i] == i * i;
    CU_ASSERT_TRUE(right);
    fixture_close(&f);
}

static bool all_zero(const char *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        if (p[i]) return false;
    }
    return true;
}

/* What one arena left is given to the next one, and is zeroed again; one that is emptied while it is open
 * still knows what was opened before it. */
static void test_arenas_in_arenas(void) {
    Fixture f;
    fixture_open(&f);
    Arena *outer = arena_open(&f.arena);
    for (int round = 0; round < 20; round++) {
        Arena *a = arena_open(outer);
        for (size_t bytes = 16; bytes < 3000000; bytes = bytes * 2 + 1) {
            char *p = arena_alloc(a, bytes);
            CU_ASSERT_TRUE(all_zero(p, bytes));
            memset(p, 0xCD, bytes);
            p = arena_grow(a, p, bytes, bytes + bytes / 2);
            CU_ASSERT_TRUE(p[bytes - 1] == (char)0xCD && all_zero(p + bytes, bytes / 2));
        }
        size_t used = f.limit.used_bytes;
        arena_free(a);
        CU_ASSERT_TRUE(f.limit.used_bytes < used);
        CU_ASSERT_PTR_EQUAL(f.limit.open, a);
        memset(arena_alloc(a, 100), 1, 100);
        arena_close(a);
        CU_ASSERT_PTR_EQUAL(f.limit.open, outer);
    }
    CU_ASSERT_TRUE(f.limit.most_bytes >= 3000000);
    arena_close_all(&f.limit);
    CU_ASSERT_PTR_NULL(f.limit.open);
    fixture_close(&f);
    CU_ASSERT_EQUAL(f.limit.used_bytes, 0);
}

static void test_set(void) {
    Fixture f;
    fixture_open(&f);
    NumberSet s = {.arena = &f.arena};
    CU_ASSERT_FALSE(set_has(&s, 0));
    for (uint32_t i = 0; i < 3000; i++) CU_ASSERT_TRUE(set_add(&s, i * 65536u + i % 7));
    for (uint32_t i = 0; i < 3000; i++) CU_ASSERT_FALSE(set_add(&s, i * 65536u + i % 7));
    CU_ASSERT_TRUE(set_has(&s, 0));
    CU_ASSERT_FALSE(set_has(&s, 1));
    CU_ASSERT_EQUAL(s.count, 3000);
    fixture_close(&f);
}

#define SAME_AS_PRINTF(f, ...)                                                                     \
    do {                                                                                           \
        char want_[200];                                                                           \
        snprintf(want_, sizeof(want_), __VA_ARGS__);                                               \
        CU_ASSERT_STRING_EQUAL(arena_printf(&(f)->arena, __VA_ARGS__), want_);                     \
    } while (0)

/* Formats that need no printf, and some that do, give what printf gives. */
static void test_formats(void) {
    Fixture f;
    fixture_open(&f);
    SAME_AS_PRINTF(&f, "plain%%");
    SAME_AS_PRINTF(&f, "%s|%c|%s", "left", 'x', "");
    SAME_AS_PRINTF(&f, "%d %d %d %d", 0, -1, INT32_MAX, INT32_MIN);
    SAME_AS_PRINTF(&f, "%u %u", 0u, UINT32_MAX);
    SAME_AS_PRINTF(&f, "%lld*%lld", (long long)INT64_MAX, (long long)INT64_MIN);
    SAME_AS_PRINTF(&f, "%5d|%-5s|%.2s|%04x|%.3g|%zu", 42, "ab", "abc", 255u, 1.5, (size_t)7);
    fixture_close(&f);
}

static void test_text(void) {
    Fixture f;
    fixture_open(&f);
    Text t;
    text_init(&t, &f.arena);
    for (int i = 0; i < 1000; i++) text_printf(&t, "%d,", i);
    CU_ASSERT_EQUAL(t.len, 10 * 2 + 90 * 3 + 900 * 4);
    CU_ASSERT_EQUAL(strlen(t.at), t.len);
    text_add(&t, "xyz", 2);
    CU_ASSERT_STRING_EQUAL(t.at + t.len - 6, "999,xy");
    CU_ASSERT_STRING_EQUAL(arena_printf(&f.arena, "%s", ""), "");
    fixture_close(&f);
}

static const char *f32_text(Fixture *f, float v) {
    Text t;
    text_init(&t, &f->arena);
    text_f32(&t, v);
    return t.at;
}

static void test_numbers_read_back(void) {
    Fixture f;
    fixture_open(&f);
    CU_ASSERT_STRING_EQUAL(f32_text(&f, 0.1f), "0.1");
    CU_ASSERT_STRING_EQUAL(f32_text(&f, 0), "0");
    CU_ASSERT_STRING_EQUAL(f32_text(&f, -0.0f), "-0");
    CU_ASSERT_STRING_EQUAL(f32_text(&f, 16777216), "16777216");
    CU_ASSERT_STRING_EQUAL(f32_text(&f, 1e-45f), "1e-45");
    CU_ASSERT_STRING_EQUAL(f32_text(&f, INFINITY), "inf");
    CU_ASSERT_STRING_EQUAL(f32_text(&f, -INFINITY), "-inf");
    CU_ASSERT_STRING_EQUAL(f32_text(&f, NAN), "nan");
    bool exact = true;
    for (uint64_t bits = 1; bits <= UINT32_MAX;
         bits += 0x7FFFD) { /* bit patterns all over the range */
        float v, back;
        uint32_t word = (uint32_t)bits;
        memcpy(&v, &word, sizeof v);
        if (!isfinite(v)) continue;
        back = strtof(f32_text(&f, v), NULL);
        exact = exact && !memcmp(&v, &back, sizeof v);
    }
    CU_ASSERT_TRUE(exact);
    Text t;
    text_init(&t, &f.arena);
    text_f64(&t, 0.1 + 0.2);
    CU_ASSERT_STRING_EQUAL(t.at, "0.30000000000000004");
    fixture_close(&f);
}

static void test_names(void) {
    Fixture f;
    fixture_open(&f);
    Names n;
    names_init(&n, &f.arena);
    const char *first = names_str(&n, "h.w");
    for (int i = 0; i < 5000; i++) names_str(&n, arena_printf(&f.arena, "name%d", i));
    CU_ASSERT_PTR_EQUAL(names_add(&n, "h.wide", 3), first);
    CU_ASSERT_STRING_EQUAL(first, "h.w");
    CU_ASSERT_PTR_NOT_EQUAL(names_str(&n, "h"), names_str(&n, "h.wi"));
    CU_ASSERT_PTR_EQUAL(names_add(&n, "", 0), names_str(&n, ""));
    CU_ASSERT_PTR_EQUAL(names_add(&n, "a\0b", 3), names_str(&n, "a"));
    CU_ASSERT_EQUAL(n.count, 5000 + 5);
    CU_ASSERT_TRUE(names_has(&n, "name17(", 6));
    CU_ASSERT_FALSE(names_has(&n, "name", 4));
    CU_ASSERT_EQUAL(n.count, 5000 + 5);
    fixture_close(&f);
}

static void test_hash_is_the_same_everywhere(void) {
    /* XXH64 of the empty text and of "abc" with seed 0, from the algorithm's specification. */
    CU_ASSERT_EQUAL(hash_lasting("", 0, 0), UINT64_C(0xEF46DB3751D8E999));
    CU_ASSERT_EQUAL(hash_lasting("abc", 3, 0), UINT64_C(0x44BC2CF5AD770999));
}

static int32_t decode(const char *s, uint32_t *len) {
    int32_t code;
    *len = utf8_char(s, s + strlen(s), &code);
    return code;
}

static void test_utf8(void) {
    static const struct {
        const char *text;
        int32_t code;
        uint32_t len;
    } cases[] = {
        {"a", 'a', 1},
        {"\x7F", 0x7F, 1},
        {"\xC3\xA9", 0xE9, 2},
        {"\xE2\x82\xAC", 0x20AC, 3},
        {"\xF0\x9F\x98\x80", 0x1F600, 4},
        {"\xF4\x8F\xBF\xBF", 0x10FFFF, 4},
        {"\x80", -1, 1},
        {"\xC0\xAF", -1, 1},
        {"\xE0\x80\x80", -1, 1},
        {"\xED\xA0\x80", -1, 1},
        {"\xF4\x90\x80\x80", -1, 1},
        {"\xF8\x88\x80\x80", -1, 1},
        {"\xC3", -1, 1},
        {"\xE2\x82", -1, 1},
        {"\xE2\x82x", -1, 1},
        {"\xFF", -1, 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t len;
        CU_ASSERT_EQUAL(decode(cases[i].text, &len), cases[i].code);
        CU_ASSERT_EQUAL(len, cases[i].len);
    }
}

RUN_SUITE("util", {"zeroed and aligned", test_arena_gives_zeroed_aligned_memory},
          {"limit", test_arena_limit_jumps}, {"growing", test_arena_grow_copies},
          {"arenas in arenas", test_arenas_in_arenas}, {"sets", test_set},
          {"formats", test_formats}, {"text", test_text}, {"numbers", test_numbers_read_back},
          {"names", test_names}, {"hash", test_hash_is_the_same_everywhere}, {"utf-8", test_utf8})

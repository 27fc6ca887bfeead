/* Addresses over time: the lowest free place, against a search through all that was given before. */
#include "space.h"
#include "suite.h"

#include <stdlib.h>

typedef struct Given {
    int64_t begin, end;
    uint32_t first, last;
} Given;

/* The lowest address from which `bytes` are free: 0, or where something ends. */
static int64_t plain_lowest(const Given *given, uint32_t n, int64_t bytes, uint32_t first,
                            uint32_t last) {
    int64_t best = INT64_MAX;
    for (uint32_t c = 0; c <= n; c++) {
        int64_t at = c < n ? given[c].end : 0;
        bool fits = true;
        for (uint32_t i = 0; i < n && fits; i++) {
            bool meet = given[i].first <= last && first <= given[i].last;
            fits = !meet || given[i].end <= at || at + bytes <= given[i].begin;
        }
        if (fits && at < best) best = at;
    }
    return best;
}

static uint32_t draw(uint64_t *state, uint32_t below) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33) % below;
}

static void check(Arena *arena, uint64_t seed, uint32_t times, uint32_t longest, uint32_t sizes) {
    Given given[200];
    Space s;
    space_init(&s, arena, times);
    for (uint32_t n = 0; n < 200; n++) {
        uint32_t first = draw(&seed, times), last = first + draw(&seed, longest);
        if (last >= times) last = times - 1;
        int64_t bytes = 64 * (1 + (int64_t)draw(&seed, sizes));
        int64_t want = plain_lowest(given, n, bytes, first, last);
        int64_t got = space_take(&s, bytes, first, last);
        CU_ASSERT_EQUAL(got, want);
        if (got != want) return;
        given[n] = (Given){got, got + bytes, first, last};
    }
}

static void test_against_plain(void) {
    ArenaLimit limit = {.limit_bytes = (size_t)64 << 20};
    Arena arena;
    arena_init(&arena, &limit);
    for (uint64_t seed = 1; seed <= 40; seed++) {
        check(&arena, seed, 1, 1, 3);
        check(&arena, seed, 7, 3, 1);
        check(&arena, seed, 64, 64, 5);
        check(&arena, seed, 100, 4, 20);
        check(&arena, seed, 1000, 900, 2);
    }
    arena_free(&arena);
}

RUN_SUITE("space", {"the lowest free place, as a plain search finds it", test_against_plain})

/* space: see space.h. A binary tree over time: node 1 is all of it, nodes 2n and 2n + 1 are the halves
 * of node n. A stretch of time is made of about 2 log n nodes (its parts). What was taken in it is found
 * in the parts, and, where it was taken for longer, in the nodes above them; addresses that lie side by
 * side are one entry of a list. So n requests take about n log n steps, where looking at all that was
 * given before takes n * n. */
#include "space.h"

void space_init(Space *s, Arena *arena, uint32_t times) {
    *s = (Space){.arena = arena, .leaves = 1};
    while (s->leaves < times) s->leaves *= 2;
    s->all = NEW_ARRAY(arena, TakenList, 2 * (size_t)s->leaves);
    s->any = NEW_ARRAY(arena, TakenList, 2 * (size_t)s->leaves);
}

/* The first entry that ends after `at`, or one beyond the last. */
static uint32_t first_after(const TakenList *l, int64_t at) {
    uint32_t lo = 0, hi = l->len;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (l->at[mid].end > at)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static void list_add(Arena *arena, TakenList *l, Taken t) {
    uint32_t from = first_after(l, t.begin - 1), to = from; /* one that ends at t.begin too */
    for (; to < l->len && l->at[to].begin <= t.end; to++) {
        if (l->at[to].begin < t.begin) t.begin = l->at[to].begin;
        if (l->at[to].end > t.end) t.end = l->at[to].end;
    }
    if (from == to) {
        vec_push(arena, l, t);
        memmove(&l->at[from + 1], &l->at[from], (l->len - 1 - from) * sizeof(Taken));
    } else {
        memmove(&l->at[from + 1], &l->at[to], (l->len - to) * sizeof(Taken));
        l->len -= to - from - 1;
    }
    l->at[from] = t;
}

/* Moves *at beyond what the list has in the way of so many bytes. */
static bool pass(const TakenList *l, int64_t *at, int64_t bytes) {
    uint32_t i = first_after(l, *at);
    if (i == l->len || l->at[i].begin >= *at + bytes) return false;
    *at = l->at[i].end;
    return true;
}

static int64_t lowest(const Space *s, int64_t bytes, uint32_t first, uint32_t last) {
    int64_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        uint32_t lo = first + s->leaves, hi = last + s->leaves;
        for (uint32_t a = lo, b = hi; a >= 1; a /= 2, b /= 2) {
            moved = pass(&s->all[a], &at, bytes) || moved;
            if (b != a) moved = pass(&s->all[b], &at, bytes) || moved;
        }
        for (hi++; lo < hi; lo /= 2, hi /= 2) {
            if (lo & 1) moved = pass(&s->any[lo++], &at, bytes) || moved;
            if (hi & 1) moved = pass(&s->any[--hi], &at, bytes) || moved;
        }
    }
    return at;
}

int64_t space_take(Space *s, int64_t bytes, uint32_t first, uint32_t last) {
    int64_t at = lowest(s, bytes, first, last);
    Taken t = {at, at + bytes};
    uint32_t lo = first + s->leaves, hi = last + s->leaves;
    for (uint32_t a = lo, b = hi; a >= 1; a /= 2, b /= 2) {
        list_add(s->arena, &s->any[a], t);
        if (b != a) list_add(s->arena, &s->any[b], t);
    }
    for (hi++; lo < hi; lo /= 2, hi /= 2) {
        if (lo & 1) {
            list_add(s->arena, &s->any[lo], t);
            list_add(s->arena, &s->all[lo++], t);
        }
        if (hi & 1) {
            list_add(s->arena, &s->any[--hi], t);
            list_add(s->arena, &s->all[hi], t);
        }
    }
    return at;
}

/* kir_ahead: has lines of memory brought near before a loop comes to them (S_AHEAD): of large buffers, which do not stay
 * in the nearest cache, and of which the processor itself foresees little, for what follows a row in memory is not what
 * the loop reads next, and a page of memory holds few rows. That changes no value, and what would lie before or
 * behind a buffer does no harm.
 *
 * - What a contraction multiplies by: a tile of columns reads a part of each row, and each tile of rows all of it anew.
 *   The loop says what it loads some turns later, if it has more to compute than to load.
 * - A row that several loops go through, one after the other: meanwhile the next row comes.
 * - What a loop computes much of as it lies in memory, and stores: the processor sees only as far as it has room for operations.
 * - What is updated where it lies, an optimizer's param with what is kept of it: the loop over tiles, or over the rows of
 *   a tile, says what its next turn loads, which is stored to as well. So another core's copy is taken away in time, too.
 *
 * Requires: values that nothing uses are dropped. */
#include "kir.h"

#include <stdlib.h>
#include <string.h>

#define LINE_ELEMS 16  /* of f32 */
#define STREAMS    32  /* of a loop: no more are worth it, ... */
#define LINES      128 /* ... nor of a turn's lines */
#define STRIP_PART 16  /* what a loop loads is no smaller a part of the least buffer */
/* Between saying it and the load, in additions of vectors: half of it is too short, and twice as much no better. */
#define AHEAD     384
#define MUCH      8  /* additions of vectors for each line that is loaded */
#define ROW_LOOPS 16 /* that go through a row: of more the first */

/* What a turn loads of a buffer that lies side by side: elements lo .. hi - 1 from `first` on. */
typedef struct Stream {
    uint32_t buffer;
    uint32_t at; /* the statement of the body that loads first */
    Idx first;
    int64_t lo, hi;
    bool run; /* the next turn goes on where this one ends */
} Stream;

typedef struct Loop {
    Kernel *k;
    KStmt *loop;
    VEC(Stream) streams;
    int64_t operations; /* of vectors, in additions */
    int64_t loads;
    bool nested;    /* there is a loop inside */
    bool contracts; /* it adds products up: of a contraction */
    bool stores;
} Loop;

static bool is_large(const Kernel *k, uint32_t buffer) {
    const KBuffer *b = &k->buffers.at[buffer];
    return b->dtype == DT_F32 && !b->values && b->elems * (int64_t)sizeof(float) >= k->ahead_bytes;
}

/* Whether the loop comes to other lines with each turn, and leaves some out: of tiles, to other ones. */
static bool leaps(const Loop *l, const Stream *s, bool tiles) {
    int64_t stride;
    if (!idx_stride(&l->k->index, s->first, l->loop->atom, &stride)) return tiles;
    return stride * l->loop->step >= 2 * (s->hi - s->lo) && stride * l->loop->step >= LINE_ELEMS;
}

/* Whether the block loads what it stores there. */
static bool is_loaded(const Kernel *k, const KBlock *b, const KStmt *store) {
    for (uint32_t i = 0; i < b->len; i++) {
        if (b->at[i]->op != S_LET) continue;
        const Value *v = &k->values.at[b->at[i]->val];
        if (v->kind == V_LOAD && v->buffer == store->buffer && v->index == store->index)
            return true;
    }
    return false;
}

/* Of each large buffer: whether the kernel stores to it where it has not loaded, too. */
static void find_made(const Kernel *k, const KBlock *b, bool *made) {
    for (uint32_t i = 0; i < b->len; i++) {
        const KStmt *s = b->at[i];
        if (s->op == S_ROWS) made[s->buffer] = true;
        if (s->op == S_STORE && is_large(k, s->buffer) && !made[s->buffer])
            made[s->buffer] = !is_loaded(k, b, s);
        find_made(k, &s->body, made);
    }
}

static void add_load(Loop *l, uint32_t at, const Value *v) {
    IndexTable *t = &l->k->index;
    for (uint32_t i = 0; i < l->streams.len; i++) {
        Stream *s = &l->streams.at[i];
        int64_t d;
        if (s->buffer != v->buffer || !idx_is_const(t, idx_sub(t, v->index, s->first), &d))
            continue;
        if (d > s->hi + LINE_ELEMS || d + v->lanes < s->lo - LINE_ELEMS) continue;
        if (d < s->lo) s->lo = d;
        if (d + v->lanes > s->hi) s->hi = d + v->lanes;
        return;
    }
    Stream s = {.buffer = v->buffer, .at = at, .first = v->index, .hi = v->lanes};
    if (l->streams.len <= STREAMS) vec_push(l->k->arena, &l->streams, s);
}

/* What the loop loads itself of large buffers: all, or, where `made` is known, what it updates. */
static Loop look(Kernel *k, KStmt *loop, const bool *made) {
    Loop l = {.k = k, .loop = loop};
    for (uint32_t i = 0; i < loop->body.len; i++) {
        const KStmt *s = loop->body.at[i];
        l.nested = l.nested || s->body.len > 0;
        l.stores = l.stores || s->op == S_STORE;
        if (s->op != S_LET) continue;
        const Value *v = &k->values.at[s->val];
        l.loads += v->kind == V_LOAD || v->kind == V_LOCAL;
        l.contracts = l.contracts || v->kind == V_FMA;
        if (v->lanes == MAX_LANES && v->kind == V_FMA) l.operations++;
        if (v->lanes == MAX_LANES && v->kind == V_EW) l.operations += op_info[v->op].cost;
        if (v->kind == V_LOAD && !v->ranges.count && is_large(k, v->buffer) &&
            (!made || (k->buffers.at[v->buffer].written && !made[v->buffer])))
            add_load(&l, i, v);
    }
    if (l.streams.len > STREAMS) l.streams.len = 0;
    return l;
}

/* Of that only what leaps. */
static Loop look_for_leaps(Kernel *k, KStmt *loop, const bool *made) {
    Loop l = look(k, loop, made);
    uint32_t keep = 0;
    for (uint32_t i = 0; i < l.streams.len; i++)
        if (leaps(&l, &l.streams.at[i], l.nested)) l.streams.at[keep++] = l.streams.at[i];
    l.streams.len = keep;
    return l;
}

/* How many lines a stream has a turn; at[]: elements of them, from `first` on, if it is not NULL. */
static int64_t lines_of(const Loop *l, const Stream *s, int64_t *at) {
    IndexTable *t = &l->k->index;
    int64_t n = 0;
    for (int64_t e = s->lo; e < s->hi; e += LINE_ELEMS, n++)
        if (at) at[n] = e;
    const bool aligned = idx_is_multiple(t, idx_offset(t, s->first, s->lo), LINE_ELEMS);
    if (!aligned && !s->run && (s->hi - s->lo) % LINE_ELEMS != 1) {
        if (at) at[n] = s->hi - 1;
        n++;
    }
    return n;
}

static int64_t lines_of_turn(const Loop *l) {
    int64_t lines = 0;
    for (uint32_t i = 0; i < l->streams.len; i++) lines += lines_of(l, &l->streams.at[i], NULL);
    return lines;
}

/* Says of all streams the lines of when the loop variable `atom` is `then`, each stream's before its first load. */
static void say(const Loop *l, uint32_t atom, Idx then, bool updated) {
    Kernel *k = l->k;
    IndexTable *t = &k->index;
    KBlock all = {0};
    int64_t at[LINES];
    for (uint32_t i = 0; i < l->loop->body.len; i++) {
        for (uint32_t j = 0; j < l->streams.len; j++) {
            const Stream *from = &l->streams.at[j];
            if (from->at != i) continue;
            Idx first = idx_subst(t, from->first, atom, then);
            for (int64_t n = lines_of(l, from, at), x = 0; x < n; x++) {
                Idx e = idx_offset(t, first, at[x]);
                if (idx_hi(t, e) > INT32_MAX) continue;
                KStmt *s = NEW(k->arena, KStmt);
                s->op = S_AHEAD;
                s->buffer = from->buffer;
                s->index = e;
                s->updates = updated;
                vec_push(k->arena, &all, s);
            }
        }
        vec_push(k->arena, &all, l->loop->body.at[i]);
    }
    l->loop->body = all;
}

/* The same of the turn that is `turns` later. */
static void say_turns(const Loop *l, int64_t turns, bool updated) {
    Idx now = idx_of_atom(&l->k->index, l->loop->atom);
    say(l, l->loop->atom, idx_offset(&l->k->index, now, turns * l->loop->step), updated);
}

/* Turns of such a loop from saying a line to its load. */
static int64_t turns_ahead(const Loop *l) {
    return (AHEAD + l->operations - 1) / l->operations;
}

/* Turns of the loop, if they are known; else 0. */
static int64_t turns_of(const Loop *l) {
    int64_t lo, hi;
    if (!idx_is_const(&l->k->index, l->loop->lo, &lo) ||
        !idx_is_const(&l->k->index, l->loop->hi, &hi))
        return 0;
    return (hi - lo) / l->loop->step;
}

static bool computes_much(const Loop *l) {
    return l->operations >= MUCH * lines_of_turn(l);
}

/* Keeps what the loop goes through as it lies in memory, by whole lines, and does not store to. What contractions go through so
 * is near, or seen in time. */
static void keep_runs(Loop *l) {
    uint32_t keep = 0;
    for (uint32_t i = 0; i < l->streams.len; i++) {
        Stream *s = &l->streams.at[i];
        int64_t stride, span = s->hi - s->lo;
        if (l->k->buffers.at[s->buffer].written || span < LINE_ELEMS || l->nested || l->contracts)
            continue;
        if (!idx_stride(&l->k->index, s->first, l->loop->atom, &stride)) continue;
        s->run = true;
        if (stride * l->loop->step == span) l->streams.at[keep++] = *s;
    }
    l->streams.len = keep;
}

static void ahead_of_runs(Kernel *k, KStmt *loop) {
    Loop l = look(k, loop, NULL);
    keep_runs(&l);
    if (!l.streams.len || !l.stores || !computes_much(&l) || lines_of_turn(&l) > LINES) return;
    if (turns_of(&l) == 0 || turns_of(&l) >= 4 * turns_ahead(&l))
        say_turns(&l, turns_ahead(&l), false);
}

/* Where the row begins that the loop goes through in the turn of the one around it that is `later`. */
static Idx row_at(const Loop *l, const Stream *s, const KStmt *around, int64_t later) {
    IndexTable *t = &l->k->index;
    Idx first = idx_subst(t, idx_offset(t, s->first, s->lo), l->loop->atom, l->loop->lo);
    Idx turn = idx_offset(t, idx_of_atom(t, around->atom), later * around->step);
    return idx_subst(t, first, around->atom, turn);
}

/* Whether it is another row in each of these turns. */
static bool is_row(const Loop *l, const Stream *s, const KStmt *around) {
    IndexTable *t = &l->k->index;
    int64_t d;
    Idx to_next = idx_sub(t, row_at(l, s, around, 1), row_at(l, s, around, 0));
    if (turns_of(l) == 0) return false;
    return !idx_is_const(t, to_next, &d) || llabs(d) >= turns_of(l) * (s->hi - s->lo);
}

static bool same_row(const Loop *l, const Stream *a, const Loop *m, const Stream *b,
                     const KStmt *around) {
    IndexTable *t = &l->k->index;
    int64_t d;
    Idx apart = idx_sub(t, row_at(l, a, around, 0), row_at(m, b, around, 0));
    return a->buffer == b->buffer && idx_is_const(t, apart, &d) && d == 0;
}

/* Whether loops[at] is the one that says its row's next: of those behind the first that goes through it the one that computes most. */
static bool tells(const Loop *loops, uint32_t count, uint32_t at, const Stream *row,
                  const KStmt *around) {
    uint32_t first = count, best = count;
    for (uint32_t i = 0; i < count; i++) {
        bool goes = false;
        for (uint32_t j = 0; j < loops[i].streams.len && !goes; j++)
            goes = same_row(&loops[i], &loops[i].streams.at[j], &loops[at], row, around);
        if (!goes) continue;
        if (first == count)
            first = i;
        else if (best == count || loops[i].operations > loops[best].operations)
            best = i;
    }
    return best == at;
}

static void ahead_of_rows(Kernel *k, KStmt *around) {
    Loop loops[ROW_LOOPS], told[ROW_LOOPS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < around->body.len && count < ROW_LOOPS; i++) {
        if (around->body.at[i]->op != S_FOR) continue;
        Loop l = look(k, around->body.at[i], NULL);
        uint32_t keep = 0;
        keep_runs(&l);
        for (uint32_t j = 0; j < l.streams.len; j++)
            if (is_row(&l, &l.streams.at[j], around)) l.streams.at[keep++] = l.streams.at[j];
        l.streams.len = keep;
        if (keep) loops[count++] = l;
    }
    for (uint32_t i = 0; i < count; i++) {
        told[i] = loops[i];
        memset(&told[i].streams, 0, sizeof told[i].streams);
        for (uint32_t j = 0; j < loops[i].streams.len; j++)
            if (tells(loops, count, i, &loops[i].streams.at[j], around))
                vec_push(k->arena, &told[i].streams, loops[i].streams.at[j]);
    }
    Idx next = idx_offset(&k->index, idx_of_atom(&k->index, around->atom), around->step);
    for (uint32_t i = 0; i < count; i++)
        if (lines_of_turn(&told[i]) <= LINES) say(&told[i], around->atom, next, false);
}

static void ahead_of_loads(Kernel *k, KStmt *loop) {
    Loop l = look_for_leaps(k, loop, NULL);
    const int64_t lines = lines_of_turn(&l), all = turns_of(&l);
    if (l.nested || !l.operations || lines > LINES || 2 * (l.loads + lines) > 3 * l.operations)
        return;
    if (lines * all * LINE_ELEMS * (int64_t)sizeof(float) < k->ahead_bytes / STRIP_PART) return;
    if (all >= 4 * turns_ahead(&l)) say_turns(&l, turns_ahead(&l), false);
}

static void ahead_of_updates(Kernel *k, KStmt *loop, const bool *made) {
    Loop l = look_for_leaps(k, loop, made);
    if (lines_of_turn(&l) > LINES) return;
    say_turns(&l, l.operations && !l.nested ? turns_ahead(&l) : 1, true);
}

static void ahead_block(Kernel *k, KBlock *b, const bool *made) {
    for (uint32_t i = 0; i < b->len; i++) {
        KStmt *s = b->at[i];
        ahead_block(k, &s->body, made);
        if (s->op != S_FOR) continue;
        ahead_of_loads(k, s);
        ahead_of_updates(k, s, made);
        ahead_of_runs(k, s);
        ahead_of_rows(k, s);
    }
}

void kernel_ahead(Kernel *k) {
    if (!k->ahead_bytes) return;
    bool *made = NEW_ARRAY(k->arena, bool, k->buffers.len + 1);
    find_made(k, &k->body, made);
    ahead_block(k, &k->body, made);
}

/* kir_ahead: has lines of memory brought near before a loop comes to them (S_AHEAD): of large buffers, which do not stay
 * in the nearest cache, and of which the processor itself foresees little, for what follows a row in memory is not what
 * the loop reads next, and a page of memory holds few rows. That changes no value, and what would lie behind a buffer's
 * end does no harm.
 *
 * - What a contraction multiplies by: a tile of columns reads a part of each row, and each tile of rows all of it anew.
 *   The loop says what it loads some turns later, if it has more to compute than to load.
 * - What is updated where it lies, an optimizer's param with what is kept of it: the loop over tiles, or over the rows of
 *   a tile, says what its next turn loads, which is stored to as well. So another core's copy is taken away in time, too.
 *
 * Requires: values that nothing uses are dropped. */
#include "kir.h"

#define LINE_ELEMS 16  /* of f32 */
#define STREAMS    32  /* of a loop: no more are worth it, ... */
#define LINES      128 /* ... nor of a turn's lines */
#define STRIP_PART 16  /* what a loop loads is no smaller a part of the least buffer */
/* Between saying it and the load, in additions of vectors: half of it is too short, and twice as much no better. */
#define AHEAD 384

/* What a turn loads of a buffer that lies side by side: elements lo .. hi - 1 from `first` on. */
typedef struct Stream {
    uint32_t buffer;
    uint32_t at; /* the statement of the body that loads first */
    Idx first;
    int64_t lo, hi;
} Stream;

typedef struct Loop {
    Kernel *k;
    const KStmt *loop;
    VEC(Stream) streams;
    int64_t operations; /* of vectors, in additions; 0: there is a loop inside */
    int64_t loads;
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

/* What the loop loads itself: all, or, where `made` is known, what it updates. */
static Loop look(Kernel *k, const KStmt *loop, const bool *made) {
    Loop l = {.k = k, .loop = loop};
    bool inner = false;
    for (uint32_t i = 0; i < loop->body.len; i++) {
        const KStmt *s = loop->body.at[i];
        inner = inner || s->body.len > 0;
        if (s->op != S_LET) continue;
        const Value *v = &k->values.at[s->val];
        l.loads += v->kind == V_LOAD || v->kind == V_LOCAL;
        if (v->lanes == MAX_LANES && v->kind == V_FMA) l.operations++;
        if (v->lanes == MAX_LANES && v->kind == V_EW) l.operations += op_info[v->op].cost;
        if (v->kind == V_LOAD && !v->ranges.count && is_large(k, v->buffer) &&
            (!made || (k->buffers.at[v->buffer].written && !made[v->buffer])))
            add_load(&l, i, v);
    }
    uint32_t keep = 0;
    for (uint32_t i = 0; i < l.streams.len; i++)
        if (leaps(&l, &l.streams.at[i], inner)) l.streams.at[keep++] = l.streams.at[i];
    l.streams.len = l.streams.len > STREAMS ? 0 : keep;
    if (inner) l.operations = 0;
    return l;
}

/* How many lines a stream has a turn; at[]: elements of them, from `first` on, if it is not NULL. */
static int64_t lines_of(const Loop *l, const Stream *s, int64_t *at) {
    IndexTable *t = &l->k->index;
    int64_t n = 0;
    for (int64_t e = s->lo; e < s->hi; e += LINE_ELEMS, n++)
        if (at) at[n] = e;
    const bool aligned = idx_is_multiple(t, idx_offset(t, s->first, s->lo), LINE_ELEMS);
    if (!aligned && (s->hi - s->lo) % LINE_ELEMS != 1) {
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

/* Says the lines of the turn that is `turns` later, each stream's before its first load. */
static void say(const Loop *l, KStmt *loop, int64_t turns, bool updated) {
    Kernel *k = l->k;
    IndexTable *t = &k->index;
    Idx then = idx_offset(t, idx_of_atom(t, loop->atom), turns * loop->step);
    KBlock all = {0};
    int64_t at[LINES];
    for (uint32_t i = 0; i < loop->body.len; i++) {
        for (uint32_t j = 0; j < l->streams.len; j++) {
            const Stream *from = &l->streams.at[j];
            if (from->at != i) continue;
            Idx first = idx_subst(t, from->first, loop->atom, then);
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
        vec_push(k->arena, &all, loop->body.at[i]);
    }
    loop->body = all;
}

static void ahead_of_loads(Kernel *k, KStmt *loop) {
    int64_t lo, hi;
    if (!idx_is_const(&k->index, loop->lo, &lo) || !idx_is_const(&k->index, loop->hi, &hi)) return;
    Loop l = look(k, loop, NULL);
    const int64_t lines = lines_of_turn(&l), all = (hi - lo) / loop->step;
    if (!l.operations || lines > LINES || 2 * (l.loads + lines) > 3 * l.operations) return;
    const int64_t turns = (AHEAD + l.operations - 1) / l.operations;
    if (lines * all * LINE_ELEMS * (int64_t)sizeof(float) < k->ahead_bytes / STRIP_PART) return;
    if (all >= 4 * turns) say(&l, loop, turns, false);
}

static void ahead_of_updates(Kernel *k, KStmt *loop, const bool *made) {
    Loop l = look(k, loop, made);
    if (lines_of_turn(&l) > LINES) return;
    say(&l, loop, l.operations ? (AHEAD + l.operations - 1) / l.operations : 1, true);
}

static void ahead_block(Kernel *k, KBlock *b, const bool *made) {
    for (uint32_t i = 0; i < b->len; i++) {
        KStmt *s = b->at[i];
        ahead_block(k, &s->body, made);
        if (s->op != S_FOR) continue;
        ahead_of_loads(k, s);
        ahead_of_updates(k, s, made);
    }
}

void kernel_ahead(Kernel *k) {
    if (!k->ahead_bytes) return;
    bool *made = NEW_ARRAY(k->arena, bool, k->buffers.len + 1);
    find_made(k, &k->body, made);
    ahead_block(k, &k->body, made);
}

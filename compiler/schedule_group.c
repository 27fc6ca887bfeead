/* schedule_group: rows that a work-group's items share, on a target without vectors: each item takes every n-th element of a
 * row, or every n-th ITEM_LANES that lie side by side, and what a row's items made comes together by registers, where neighbours can
 * take it from there, and by local memory. Which items have a row, and so the order of additions, depends on the shapes of
 * what the launch computes alone.
 *
 * Where a row lies side by side in memory, neighbours have the elements of one row; else neighbours have the same element
 * of different rows, which lie beside each other mostly: either way they read what lies side by side. Items beyond the last row
 * go through that row again, and what they make of it is not stored.
 *
 * Requires: a launch of its own, so that no condition is around the barriers (PoCL 3.1 then lost what the first item had
 * before them); reductions whose results come together by sum or maximum, of f32 or i32, or by the place of one. */
#include "cost.h"
#include "nest.h"

#define LEAST_ITEMS 8 /* of a row, that are worth the barriers */
/* Rows beside each other, where each element is by itself, and an item has more than MOST_LOOKS. */
#define A_SECTOR   8
#define MOST_LOOKS 32
#define LOOKS      4  /* places of a scatter that an item looks at together */
#define PARTS      16 /* that each item adds up by itself */
#define TOGETHER   8  /* elements of an item that are on their way together, where there are many */
#define KEPT       8  /* elements of an item that it keeps in registers, ... */
#define KEPT_WIDE  10 /* ... or vectors of them */

static bool comes_together(const Section *s) {
    uint32_t arrays = 0; /* in local memory, of a number an item */
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        const Node *n = node_at(s->g, s->cluster->members.at[m]);
        if (!is_reduction((Op)n->op)) continue;
        if (!cost_is_shared(s->target, n)) return false;
        arrays += n->op == OP_ARGMAX ? 2 : 1;
    }
    arrays += arrays ? 2 : 0; /* by which items meet */
    return arrays && arrays * 4 * (uint32_t)s->target->local_size <= s->target->local_bytes;
}

static bool in_vectors(const Shape *s) {
    return s->rank > 0 && s->dim[s->rank - 1] % ITEM_LANES == 0;
}

/* Elements along its rows that an item has side by side. */
static uint8_t lanes_along(const Section *s) {
    const Cluster *c = s->cluster;
    if (c->has_inner && !in_vectors(&c->inner)) return 1;
    for (uint32_t m = 0; m < c->members.len; m++) {
        const Node *n = node_at(s->g, c->members.at[m]);
        if (n->op == OP_ARGMAX) return 1;
        if (!is_reduction((Op)n->op)) continue;
        const Shape reduced = reduced_shape(s->g, n);
        if (!in_vectors(&reduced)) return 1;
    }
    return ITEM_LANES;
}

void group_plan(Section *s, int64_t longest, bool along) {
    const int32_t items = s->target->local_size;
    const int64_t rows = shape_elems(&s->space);
    int32_t each = 1;
    s->group_rows = 0;
    s->group_lanes = 1;
    if (items == 1 || !s->alone || !comes_together(s)) return;
    bool scatters = false; /* most of it is read by few results */
    for (uint32_t m = 0; m < s->cluster->members.len; m++)
        scatters = scatters || node_at(s->g, s->cluster->members.at[m])->op == OP_SCATTER;
    along = along && !scatters;
    if (along) {
        while (each < items && (int64_t)each * LEAST_SHARE <= longest) each *= 2;
        s->group_lanes = lanes_along(s);
        /* Of one vector each more items would wait for each other; so they have two, or up to four. */
        if (s->group_lanes > 1 && each > LEAST_ITEMS && each * LEAST_SHARE > longest) each /= 2;
        if (each >= LEAST_ITEMS) s->group_rows = items / each;
    } else {
        s->group_rows = cost_rows_beside(s->target, rows, longest);
        while (scatters && s->group_rows > A_SECTOR && longest * s->group_rows / items > MOST_LOOKS)
            s->group_rows /= 2;
    }
    s->rows_beside = !along;
}

uint32_t group_count(const Section *s) {
    int64_t rows = shape_elems(&s->space);
    return (uint32_t)((rows + s->group_rows - 1) / s->group_rows);
}

typedef struct Shared {
    Nest *n;
    int64_t rows;
    int32_t items;  /* of a row ... */
    int32_t apart;  /* ... and how far apart two neighbours are in the group */
    uint8_t lanes;  /* elements along a row that an item has side by side: vectors */
    Idx row;        /* the item's: beyond the last the last again, which ... */
    Range there[2]; /* ... is not stored; and whether it is the first item of its row */
    Idx own,
        first; /* the item's place in its row, and the group's number of the row's first item */
    Idx last;  /* the place of its last element, if the row of length last_of has it */
    int64_t last_of; /* 0: not yet */
    Idx at[MAX_RANK];
} Shared;

static void open_rows(Shared *w, Idx part) {
    Nest *n = w->n;
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const int32_t rows = s->group_rows;
    Idx row, at[MAX_RANK];
    w->rows = shape_elems(&s->space);
    w->items = s->target->local_size / rows;
    w->apart = s->rows_beside ? rows : 1;
    w->lanes = s->group_lanes;
    w->own = s->rows_beside ? idx_div(t, k->local, rows) : idx_mod(t, k->local, w->items);
    Idx which = s->rows_beside ? idx_mod(t, k->local, rows) : idx_div(t, k->local, w->items);
    w->first = s->rows_beside ? which : idx_scale(t, which, w->items);
    row = idx_add(t, idx_scale(t, part, rows), which);
    w->there[0] = (Range){row, 0, w->rows};
    w->there[1] = (Range){w->own, 0, 1};
    /* As a variable, not as what it is computed of: a view, back and forth, leads to the place where the reduction is. */
    Val v = val_index(k, row);
    if (w->rows % rows)
        v = val_ew(k, OP_MIN, v, val_const(k, DT_I32, (double)(w->rows - 1)), NO_VAL);
    val_name(k, v, "row");
    row = idx_place(t, "row", w->rows, v);
    access_unravel(t, &s->space, row, at);
    nest_unmerge(t, &s->cluster->outer, s->merged, s->space.rank, at, w->at);
}

/* `count` values of an array, from `at` on and so far apart, as one. */
static Val add_up(Shared *w, Op op, uint32_t all, Idx at, int32_t count, int32_t apart) {
    Nest *n = w->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    Idx i;
    uint32_t acc =
        kernel_var(k, op == OP_ADD ? "sum" : "most", val_local(k, all, at, 1, (Ranges){0}, NULL));
    nest_for(n, "i", idx_const(t, 1), idx_const(t, count), 1, &i);
    Val v = val_local(k, all, idx_add(t, at, idx_scale(t, i, apart)), 1, (Ranges){0}, NULL);
    kernel_set(k, acc, val_ew(k, op, val_read(k, acc), v, NO_VAL));
    nest_end(n);
    return val_read(k, acc);
}

/* How many make a part each first. */
static int32_t parts_of(const Shared *w) {
    return w->items <= PARTS ? w->items : w->items < 8 * PARTS ? PARTS / 2 : PARTS;
}

/* What the items of each row made of it, as one, of items that take what their neighbours have in registers: first those of a
 * warp, and then, by local memory, what the warps made. */
static Val meet(Shared *w, Op op, DType type, Val v) {
    Nest *n = w->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const int32_t warp = (int32_t)n->s->target->warp, size = n->s->target->local_size;
    const int32_t near = w->items < warp ? w->items : warp;
    v = kernel_meet(k, op, v, near, kernel_scratch(k, "own", type, size));
    if (near == w->items) return v;
    uint32_t all = kernel_local(k, op == OP_ADD ? "sums" : "most", type, size / warp);
    Range *r = NEW(k->arena, Range);
    *r = (Range){idx_mod(t, k->local, warp), 0, 1};
    kernel_if(k, (Ranges){1, r});
    kernel_store_local(k, all, idx_div(t, k->local, warp), v);
    kernel_end(k);
    kernel_barrier(k);
    return add_up(w, op, all, idx_div(t, w->first, warp), w->items / warp, 1);
}

/* The same of all: where they are many and have no registers to take it from, some first make a part each: two waits cost
 * less than one for each halving. */
static Val together(Shared *w, Op op, DType type, Val v) {
    Nest *n = w->n;
    Kernel *k = n->k;
    if (n->s->target->warp && w->apart == 1) return meet(w, op, type, v);
    const int32_t parts = parts_of(w);
    uint32_t all = kernel_local(k, op == OP_ADD ? "sums" : "most", type, n->s->target->local_size);
    kernel_store_local(k, all, k->local, v);
    kernel_barrier(k);
    if (parts < w->items) {
        Range *r = NEW(k->arena, Range);
        *r = (Range){w->own, 0, parts};
        kernel_if(k, (Ranges){1, r});
        eval_push(&n->eval);
        Val part = add_up(w, op, all, k->local, w->items / parts, parts * w->apart);
        kernel_store_local(k, all, k->local, part);
        eval_pop(&n->eval);
        kernel_end(k);
        kernel_barrier(k);
    }
    return add_up(w, op, all, w->first, parts, w->apart);
}

/* The greater of two, or the one that stands before the other. */
static Found first_of(Kernel *k, Found a, Found b) {
    Val more = nest_is_greater(k, b.best, a.best), less = nest_is_greater(k, a.best, b.best);
    Val before = val_ew(k, OP_AND, val_ew(k, OP_NOT, less, NO_VAL, NO_VAL),
                        val_ew(k, OP_LT, b.place, a.place, NO_VAL), NO_VAL);
    more = val_ew(k, OP_OR, more, before, NO_VAL);
    return (Found){val_ew(k, OP_WHERE, more, b.best, a.best),
                   val_ew(k, OP_WHERE, more, b.place, a.place)};
}

/* As add_up, of what is in two arrays. */
static Found find_first(Shared *w, const uint32_t all[2], Idx at, int32_t count, int32_t apart) {
    Nest *n = w->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    Idx i;
    uint32_t best = kernel_var(k, "most", val_local(k, all[0], at, 1, (Ranges){0}, NULL));
    uint32_t where = kernel_var(k, "place", val_local(k, all[1], at, 1, (Ranges){0}, NULL));
    nest_for(n, "i", idx_const(t, 1), idx_const(t, count), 1, &i);
    Idx next = idx_add(t, at, idx_scale(t, i, apart));
    Found f = {val_local(k, all[0], next, 1, (Ranges){0}, NULL),
               val_local(k, all[1], next, 1, (Ranges){0}, NULL)};
    f = first_of(k, (Found){val_read(k, best), val_read(k, where)}, f);
    kernel_set(k, where, f.place);
    kernel_set(k, best, f.best);
    nest_end(n);
    return (Found){val_read(k, best), val_read(k, where)};
}

/* As together, of places. */
static Val place_together(Shared *w, DType type, Found f) {
    Nest *n = w->n;
    Kernel *k = n->k;
    const int32_t size = n->s->target->local_size, parts = parts_of(w);
    const uint32_t all[2] = {kernel_local(k, "most", type, size),
                             kernel_local(k, "places", DT_I32, size)};
    kernel_store_local(k, all[0], k->local, f.best);
    kernel_store_local(k, all[1], k->local, f.place);
    kernel_barrier(k);
    if (parts < w->items) {
        Range *r = NEW(k->arena, Range);
        *r = (Range){w->own, 0, parts};
        kernel_if(k, (Ranges){1, r});
        eval_push(&n->eval);
        f = find_first(w, all, k->local, w->items / parts, parts * w->apart);
        kernel_store_local(k, all[0], k->local, f.best);
        kernel_store_local(k, all[1], k->local, f.place);
        eval_pop(&n->eval);
        kernel_end(k);
        kernel_barrier(k);
    }
    return find_first(w, all, w->first, parts, w->apart).place;
}

/* What an item has of a row, in vectors: some turns of a loop, in each of which `each` are on their way together, and then
 * `rest` from the from-th on, of which the last may be none. Where they are few there is no loop, and what is made of each stays
 * in registers until the end of the row. */
typedef struct Share {
    int64_t length, turns; /* of the row, in vectors */
    int32_t each, from, rest;
} Share;

static Share share_of(const Shared *w, const Shape *row) {
    const bool wide = w->lanes > 1;
    Share s = {.length = shape_elems(row) / w->lanes, .each = wide ? TOGETHER / 2 : TOGETHER};
    const int64_t own = (s.length + w->items - 1) / w->items;
    if (own > (wide ? KEPT_WIDE : KEPT)) s.turns = s.length / w->items / s.each;
    s.from = (int32_t)s.turns * s.each;
    s.rest = (int32_t)own - s.from;
    return s;
}

/* The loop over the turns; the number of its first vector, to which others are `items` apart. */
static Idx open_turns(Shared *w, const Share *s) {
    IndexTable *t = &w->n->k->index;
    const int64_t step = (int64_t)s->each * w->items;
    Idx i;
    nest_for(w->n, "i", w->own, idx_const(t, s->turns * step), step, &i);
    return i;
}

/* The place on a row's axes of its i-th vector. */
static void vector_at(Shared *w, const Shape *axes, Idx i, Idx *at) {
    IndexTable *t = &w->n->k->index;
    Shape vectors = *axes;
    if (w->lanes > 1) vectors.dim[axes->rank - 1] /= w->lanes;
    access_unravel(t, &vectors, i, at);
    Idx *last = &at[axes->rank - 1];
    if (w->lanes > 1) *last = idx_add(t, idx_scale(t, *last, w->lanes), w->n->eval.lane[w->lanes]);
}

/* The lanes of a vector as one: it is made of a few, for drivers of such targets have nothing for it. */
static Val lanes_together(Kernel *k, Op op, Val v) {
    if (k->values.at[v].lanes == 1) return v;
    Val x[ITEM_LANES];
    for (uint32_t i = 0; i < ITEM_LANES; i++) x[i] = val_extract(k, v, i);
    x[0] = val_ew(k, op, x[0], x[2], NO_VAL);
    x[1] = val_ew(k, op, x[1], x[3], NO_VAL);
    return val_ew(k, op, x[0], x[1], NO_VAL);
}

/* The number of the item's e-th vector, and where there may be none, that range: then it is the last one, as a variable, so
 * that no place is beyond the row. */
static Idx vector_of(Shared *w, int32_t e, int64_t length, Ranges *there) {
    Kernel *k = w->n->k;
    IndexTable *t = &k->index;
    Idx i = idx_offset(t, w->own, (int64_t)e * w->items);
    *there = (Ranges){0};
    if (idx_hi(t, i) < length) return i;
    Range *r = NEW(k->arena, Range);
    *r = (Range){i, 0, length};
    *there = (Ranges){1, r};
    if (w->last_of != length) { /* one a length: what was computed there is found again */
        Val last = val_const(k, DT_I32, (double)(length - 1));
        Val v = val_ew(k, OP_MIN, val_index(k, i), last, NO_VAL);
        val_name(k, v, "last");
        w->last = idx_place(t, "last", length, v);
        w->last_of = length;
    }
    return w->last;
}

/* What the item's share of a scatter adds. Some places are looked at before what is wanted of them is read, for a look is
 * short, but for waiting for what it looks at. */
static void scatter_share(Shared *w, const Node *x, const Shape *reduced, uint32_t acc) {
    Nest *n = w->n;
    IndexTable *t = &n->k->index;
    const int64_t length = shape_elems(reduced);
    const int32_t looks = length % ((int64_t)LOOKS * w->items) == 0 ? LOOKS : 1;
    Idx i, inner[LOOKS][MAX_RANK];
    Val here[LOOKS];
    nest_for(n, "i", w->own, idx_const(t, length), (int64_t)looks * w->items, &i);
    for (int32_t e = 0; e < looks; e++) {
        access_unravel(t, reduced, idx_offset(t, i, (int64_t)e * w->items), inner[e]);
        here[e] = nest_scatter_here(n, x, w->at, inner[e]);
    }
    for (int32_t e = 0; e < looks; e++) nest_scatter(n, x, w->at, inner[e], here[e], acc);
    nest_end(n);
}

/* The item's share of a sum, or of a maximum. */
static Val reduce_share(Shared *w, const Node *x, const Shape *reduced, Val start) {
    Nest *n = w->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Share share = share_of(w, reduced);
    Idx inner[MAX_RANK];
    Val v = start;
    if (share.turns) {
        uint32_t acc = kernel_var(k, x->op == OP_RMAX ? "most" : "sum", start);
        Idx i = open_turns(w, &share);
        v = val_read(k, acc);
        for (int32_t e = 0; e < share.each; e++) {
            vector_at(w, reduced, idx_offset(t, i, (int64_t)e * w->items), inner);
            v = nest_accumulate(n, x, w->at, inner, v);
        }
        kernel_set(k, acc, v);
        nest_end(n);
        v = val_read(k, acc);
    }
    for (int32_t e = 0; e < share.rest; e++) {
        Ranges there;
        vector_at(w, reduced, vector_of(w, share.from + e, share.length, &there), inner);
        Val more = nest_accumulate(n, x, w->at, inner, v);
        v = there.count ? val_ew(k, OP_WHERE, val_ranges(k, there), more, v) : more;
    }
    return v;
}

/* The place of the greatest: an item that has seen none has one that is no other's. */
static void share_argmax(Shared *w, NodeId id) {
    Nest *n = w->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Node *x = node_at(n->s->g, id);
    const DType type = (DType)node_at(n->s->g, x->args[0])->dtype;
    const Shape reduced = reduced_shape(n->s->g, x);
    const Share share = share_of(w, &reduced);
    Found f = {val_const(k, type, nest_start(OP_ARGMAX, type)), val_index(k, w->own)};
    if (share.turns) {
        uint32_t best = kernel_var(k, "most", f.best), where = kernel_var(k, "place", f.place);
        Idx i = open_turns(w, &share);
        f = (Found){val_read(k, best), val_read(k, where)};
        for (int32_t e = 0; e < share.each; e++) {
            Idx at = idx_offset(t, i, (int64_t)e * w->items);
            f = nest_greater(k, f,
                             (Found){nest_accumulate(n, x, w->at, &at, NO_VAL), val_index(k, at)});
        }
        kernel_set(k, where, f.place);
        kernel_set(k, best, f.best);
        nest_end(n);
        f = (Found){val_read(k, best), val_read(k, where)};
    }
    for (int32_t e = 0; e < share.rest; e++) {
        Ranges there;
        Idx i = vector_of(w, share.from + e, share.length, &there);
        Found next = {nest_accumulate(n, x, w->at, &i, NO_VAL), val_index(k, i)};
        next = nest_greater(k, f, next);
        if (there.count) {
            Val holds = val_ranges(k, there);
            next = (Found){val_ew(k, OP_WHERE, holds, next.best, f.best),
                           val_ew(k, OP_WHERE, holds, next.place, f.place)};
        }
        f = next;
    }
    Val v = place_together(w, type, f);
    val_name(k, v, x->name);
    eval_bind(&n->eval, id, w->at, v);
}

static void share_reduction(Shared *w, NodeId id) {
    Nest *n = w->n;
    Kernel *k = n->k;
    const Node *x = node_at(n->s->g, id);
    const Shape reduced = reduced_shape(n->s->g, x);
    const Op op = x->op == OP_RMAX ? OP_MAX : OP_ADD;
    Val v = val_const(k, (DType)x->dtype, nest_start((Op)x->op, (DType)x->dtype));
    if (w->lanes > 1) v = val_splat(k, v, w->lanes);
    eval_set_lanes(&n->eval, w->lanes);
    if (x->op == OP_SCATTER) {
        uint32_t acc = kernel_var(k, "sum", v);
        scatter_share(w, x, &reduced, acc);
        v = val_read(k, acc);
    } else
        v = reduce_share(w, x, &reduced, v);
    eval_set_lanes(&n->eval, 1);
    v = lanes_together(k, op, v);
    v = together(w, op, (DType)x->dtype, v);
    val_name(k, v, x->name);
    eval_bind(&n->eval, id, w->at, v);
}

/* The values of all stores along the rows, or of all others, at `count` places, and then the stores: drivers begin no load
 * behind one. */
static void store_all(Shared *w, bool along, Idx (*at)[MAX_RANK], int32_t count) {
    Nest *n = w->n;
    const Section *s = n->s;
    const uint32_t len = s->stores.len;
    Val *v = NEW_ARRAY(n->k->arena, Val, len * (uint32_t)count + 1);
    for (int32_t e = 0; e < count; e++) {
        for (uint32_t j = 0; j < len; j++) {
            NodeId id = s->stores.at[j].node;
            if (nest_is_inner(s, id) == along)
                v[(uint32_t)e * len + j] = eval_at(&n->eval, id, at[e]);
        }
    }
    for (int32_t e = 0; e < count; e++) {
        for (uint32_t j = 0; j < len; j++) {
            if (nest_is_inner(s, s->stores.at[j].node) == along)
                nest_store(n, &s->stores.at[j], at[e], along ? w->lanes : 1,
                           v[(uint32_t)e * len + j]);
        }
    }
}

static void store_along(Shared *w) {
    Nest *n = w->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Shape *inner = &n->s->cluster->inner;
    const int outer = n->s->cluster->outer.rank;
    const Share share = share_of(w, inner);
    Idx at[TOGETHER][MAX_RANK];
    for (int32_t e = 0; e < TOGETHER; e++) memcpy(at[e], w->at, sizeof(at[e]));
    eval_set_lanes(&n->eval, w->lanes);
    if (share.turns) {
        Idx i = open_turns(w, &share);
        for (int32_t e = 0; e < share.each; e++)
            vector_at(w, inner, idx_offset(t, i, (int64_t)e * w->items), at[e] + outer);
        store_all(w, true, at, share.each);
        nest_end(n);
    }
    for (int32_t e = 0; e < share.rest; e++) {
        Ranges there;
        vector_at(w, inner, vector_of(w, share.from + e, share.length, &there), at[0] + outer);
        kernel_if(k, there);
        eval_push(&n->eval);
        store_all(w, true, at, 1);
        eval_pop(&n->eval);
        kernel_end(k);
    }
    eval_set_lanes(&n->eval, 1);
}

/* What is stored along the rows, if `along`, or once a row, by its first item. */
static void store_shared(Shared *w, bool along) {
    Nest *n = w->n;
    kernel_if(n->k, (Ranges){along ? 1 : 2, w->there});
    eval_push(&n->eval);
    if (along)
        store_along(w);
    else
        store_all(w, false, &w->at, 1);
    eval_pop(&n->eval);
    kernel_end(n->k);
}

void emit_shared_rows(Nest *n, Idx part) {
    const Section *s = n->s;
    Shared w = {.n = n};
    bool once = false, along = false;
    eval_set_lanes(&n->eval, 1);
    eval_push(&n->eval);
    open_rows(&w, part);
    nest_here(n, w.at);
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        if (node_at(s->g, id)->op == OP_ARGMAX)
            share_argmax(&w, id);
        else if (is_reduction((Op)node_at(s->g, id)->op))
            share_reduction(&w, id);
        else if (!nest_is_inner(s, id))
            eval_at(&n->eval, id, w.at);
    }
    for (uint32_t i = 0; i < s->stores.len; i++) {
        if (nest_is_inner(s, s->stores.at[i].node))
            along = true;
        else
            once = true;
    }
    if (along) store_shared(&w, true);
    /* What is stored once a row may lie where other items of it still read. */
    if (along && once) kernel_barrier(n->k);
    if (once) store_shared(&w, false);
    eval_pop(&n->eval);
}

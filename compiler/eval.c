/* eval: from graph nodes to kernel values; see eval.h.
 *
 * Requires: the section holds few enough inlined nodes that recursion is shallow (fuse.c caps it). */
#include "eval.h"

#include <math.h>

static Val eval_ranged(Eval *e, NodeId id, const Idx *index, Ranges ranges);

void eval_init(Eval *e, Kernel *k, const Graph *g, const Place *place, const uint32_t *cluster_of,
               uint32_t cluster) {
    memset(e, 0, sizeof(*e));
    e->k = k;
    e->g = g;
    e->place = place;
    e->cluster_of = cluster_of;
    e->cluster = cluster;
    e->lost = NO_NODE;
    e->lane[1] = idx_const(&k->index, 0);
    for (int w = 2; w <= MAX_LANES; w *= 2)
        e->lane[w] = idx_var(&k->index, "lane", 0, w - 1, NO_VAL);
    eval_set_lanes(e, 1);
}

void eval_set_lanes(Eval *e, uint8_t lanes) {
    e->lanes = lanes;
    e->lane_atom = lanes == 1 ? UINT32_MAX : idx_atom(&e->k->index, e->lane[lanes]);
}

/* ---- What was evaluated already ------------------------------------------------------------ */

static uint32_t memo_hash(NodeId id, const Idx *index, int rank) {
    return (uint32_t)hash_bytes(index, (size_t)rank * sizeof(Idx), id);
}

static bool same_ranges(Ranges a, Ranges b) {
    if (a.count != b.count) return false;
    for (uint32_t i = 0; i < a.count; i++) {
        if (a.at[i].e != b.at[i].e || a.at[i].lo != b.at[i].lo || a.at[i].hi != b.at[i].hi) {
            return false;
        }
    }
    return true;
}

static Val memo_find(const Eval *e, NodeId id, const Idx *index, int rank, Ranges ranges) {
    if (!e->buckets) return NO_VAL;
    uint32_t i = e->bucket[memo_hash(id, index, rank) & (e->buckets - 1)];
    for (; i; i = e->memo.at[i - 1].next) {
        const MemoEntry *m = &e->memo.at[i - 1];
        if (m->node == id && !memcmp(m->index, index, (size_t)rank * sizeof(Idx)) &&
            same_ranges(m->ranges, ranges)) {
            return m->val;
        }
    }
    return NO_VAL;
}

static void memo_link(Eval *e, MemoEntry *m, uint32_t number) {
    uint32_t *bucket = &e->bucket[m->hash & (e->buckets - 1)];
    m->next = *bucket;
    *bucket = number;
}

static void memo_grow(Eval *e) {
    e->buckets = e->buckets ? e->buckets * 4 : 64;
    e->bucket = NEW_ARRAY(e->k->arena, uint32_t, e->buckets);
    for (uint32_t i = 0; i < e->memo.len; i++) memo_link(e, &e->memo.at[i], i + 1);
}

static void memo_add(Eval *e, NodeId id, const Idx *index, int rank, Ranges ranges, Val v) {
    MemoEntry m = {.node = id, .rank = (uint8_t)rank, .ranges = ranges, .val = v};
    memcpy(m.index, index, (size_t)rank * sizeof(Idx));
    m.hash = memo_hash(id, index, rank);
    if (e->memo.len == e->buckets) memo_grow(e);
    vec_push(e->k->arena, &e->memo, m);
    memo_link(e, &e->memo.at[e->memo.len - 1], e->memo.len);
}

Val eval_known(const Eval *e, NodeId id, const Idx *index) {
    return memo_find(e, id, index, node_at(e->g, id)->shape.rank, (Ranges){0});
}

void eval_push(Eval *e) {
    vec_push(e->k->arena, &e->scopes, e->memo.len);
}

void eval_pop(Eval *e) {
    uint32_t keep = e->scopes.at[--e->scopes.len];
    while (e->memo.len > keep) {
        const MemoEntry *m = &e->memo.at[--e->memo.len];
        e->bucket[m->hash & (e->buckets - 1)] = m->next;
    }
    while (e->table_rows.len && e->table_rows.at[e->table_rows.len - 1].scope > e->scopes.len)
        e->table_rows.len--;
}

void eval_bind(Eval *e, NodeId id, const Idx *index, Val v) {
    memo_add(e, id, index, node_at(e->g, id)->shape.rank, (Ranges){0}, v);
}

void eval_here(Eval *e, const Idx *point, int rank) {
    memcpy(e->here, point, (size_t)rank * sizeof(Idx));
    e->at_point = true;
}

/* The value of a reduction that was bound, or NO_VAL. It reads nothing: no range matters. */
static Val bound_reduction(const Eval *e, NodeId id, const Idx *index) {
    Val v = eval_known(e, id, index);
    const bool here = e->at_point && e->cluster_of[id] == e->cluster;
    return v == NO_VAL && here ? eval_known(e, id, e->here) : v;
}

/* ---- Lanes --------------------------------------------------------------------------------- */

static bool by_lane(const Eval *e, const Idx *index, int rank) {
    for (int i = 0; i < rank && e->lanes > 1; i++) {
        if (idx_uses(&e->k->index, index[i], e->lane_atom)) return true;
    }
    return false;
}

static bool ranges_by_lane(const Eval *e, Ranges r) {
    for (uint32_t i = 0; i < r.count; i++) {
        if (by_lane(e, &r.at[i].e, 1)) return true;
    }
    return false;
}

/* With `by` for the variable over the lanes. */
static Ranges ranges_subst(Eval *e, Ranges r, Idx by) {
    Range *at = NEW_ARRAY(e->k->arena, Range, r.count + 1);
    for (uint32_t i = 0; i < r.count; i++) {
        at[i] = r.at[i];
        at[i].e = idx_subst(&e->k->index, r.at[i].e, e->lane_atom, by);
    }
    return (Ranges){r.count, at};
}

static Ranges ranges_of_lane(Eval *e, Ranges r, int64_t lane) {
    return ranges_subst(e, r, idx_const(&e->k->index, lane));
}

/* A node whose lanes do not lie side by side: so many at a time. */
static Val in_parts(Eval *e, NodeId id, const Idx *index, Ranges ranges, uint8_t width) {
    Val part[MAX_LANES];
    int rank = node_at(e->g, id)->shape.rank;
    uint8_t lanes = e->lanes, count = 0;
    for (uint8_t first = 0; first < lanes; first += width) {
        Idx at[MAX_RANK], by = idx_offset(&e->k->index, e->lane[width], first);
        for (int d = 0; d < rank; d++) at[d] = idx_subst(&e->k->index, index[d], e->lane_atom, by);
        Ranges of_part = ranges_subst(e, ranges, by);
        eval_set_lanes(e, width);
        part[count++] = val_splat(e->k, eval_ranged(e, id, at, of_part), width);
        eval_set_lanes(e, lanes);
    }
    return val_pack(e->k, part, count);
}

static Val scalarise(Eval *e, NodeId id, const Idx *index, Ranges ranges) {
    return in_parts(e, id, index, ranges, 1);
}

/* The lanes for which a range holds, as from .. to - 1, where its expression goes up or down by one a lane. */
static bool lanes_within(Eval *e, const Range *r, Idx *from, Idx *to) {
    IndexTable *t = &e->k->index;
    int64_t stride;
    if (!idx_stride(t, r->e, e->lane_atom, &stride) || (stride != 1 && stride != -1)) return false;
    Idx first = idx_subst(t, r->e, e->lane_atom, idx_const(t, 0));
    if (stride == 1) {
        *from = idx_sub(t, idx_const(t, r->lo), first);
        *to = idx_sub(t, idx_const(t, r->hi), first);
    } else {
        *from = idx_offset(t, first, 1 - r->hi);
        *to = idx_offset(t, first, 1 - r->lo);
    }
    return true;
}

/* The ranges that lanes share, and the one that tells them apart; false: there are several, or it is no run of
 * lanes. What intervals settle is left out. */
static bool split_ranges(Eval *e, Ranges r, Ranges *shared, Idx *from, Idx *to) {
    IndexTable *t = &e->k->index;
    Range *at = NEW_ARRAY(e->k->arena, Range, r.count + 1);
    uint32_t apart = 0;
    *shared = (Ranges){0, at};
    *from = idx_const(t, 0);
    *to = idx_const(t, e->lanes);
    for (uint32_t i = 0; i < r.count; i++) {
        if (idx_lo(t, r.at[i].e) >= r.at[i].lo && idx_hi(t, r.at[i].e) < r.at[i].hi) continue;
        if (!by_lane(e, &r.at[i].e, 1))
            at[shared->count++] = r.at[i];
        else if (apart++ || !lanes_within(e, &r.at[i], from, to))
            return false;
    }
    return true;
}

/* Whether a range holds, of each lane where that depends on it: a comparison of lane numbers. */
static Val range_value(Eval *e, const Range *r) {
    Kernel *k = e->k;
    IndexTable *t = &k->index;
    Idx from, to;
    if (!by_lane(e, &r->e, 1)) return val_ranges(k, (Ranges){1, r});
    if (!lanes_within(e, r, &from, &to)) {
        Val lane[MAX_LANES];
        for (uint8_t i = 0; i < e->lanes; i++)
            lane[i] = val_ranges(k, ranges_of_lane(e, (Ranges){1, r}, i));
        return val_pack(k, lane, e->lanes);
    }
    Val above = NO_VAL, below = NO_VAL;
    if (idx_hi(t, from) > 0)
        above = val_ew(k, OP_LE, val_index(k, from), val_lane(k, e->lanes), NO_VAL);
    if (idx_lo(t, to) < e->lanes)
        below = val_ew(k, OP_LT, val_lane(k, e->lanes), val_index(k, to), NO_VAL);
    if (above == NO_VAL || below == NO_VAL) return above == NO_VAL ? below : above;
    return val_ew(k, OP_AND, above, below, NO_VAL);
}

static Val ranges_value(Eval *e, Ranges ranges) {
    Ranges open;
    if (!ranges_by_lane(e, ranges)) return val_ranges(e->k, ranges);
    if (!ranges_open(e->k, ranges, &open)) return val_const(e->k, DT_BOOL, 0);
    Val all = NO_VAL;
    for (uint32_t i = 0; i < open.count; i++) {
        Val in = range_value(e, &open.at[i]);
        all = all == NO_VAL ? in : val_ew(e->k, OP_AND, all, in, NO_VAL);
    }
    return all == NO_VAL ? val_const(e->k, DT_BOOL, 1) : all;
}

/* ---- Leaves -------------------------------------------------------------------------------- */

uint32_t place_buffer(Kernel *k, const Graph *g, const Node *n, const Place *p, const Idx *index,
                      Idx *address) {
    int64_t elems = shape_elems(&n->shape), turns = 1;
    if (p->part) {
        Idx in[MAX_RANK];
        for (int i = 0; i < n->shape.rank; i++)
            in[i] = idx_offset(&k->index, index[i], p->part->at[i]);
        *address = access_address(&k->index, &p->part->whole, in);
        return kernel_buffer(k, p->buffer, p->name, (DType)n->dtype, shape_elems(&p->part->whole));
    }
    *address = access_address(&k->index, &n->shape, index);
    if (p->loop) {
        turns = g->loops.at[p->loop].trips;
        Idx turn = idx_iteration(&k->index, p->loop, turns);
        *address = idx_add(&k->index, *address, idx_scale(&k->index, turn, elems));
    }
    return kernel_buffer(k, p->buffer, p->name, (DType)n->dtype, elems * turns);
}

uint32_t place_tile(Kernel *k, const Block *b, const Node *n, const Place *p, const Idx *index,
                    Idx *address) {
    Shape rows = n->shape, rest = {0};
    int64_t count = 1;
    int axes = 0;
    while (count < b->rows) count *= n->shape.dim[axes++];
    rows.rank = (uint8_t)axes;
    for (int i = axes; i < n->shape.rank; i++) rest.dim[rest.rank++] = n->shape.dim[i];
    int64_t elems = shape_elems(&rest);
    Idx row = idx_sub(&k->index, access_address(&k->index, &rows, index), b->first);
    *address = idx_add(&k->index, idx_scale(&k->index, row, elems),
                       access_address(&k->index, &rest, index + axes));
    return kernel_tile(k, p->tile, p->name, (DType)n->dtype, b->count * elems);
}

#define KEPT_TAG 0x80000000u /* beyond the numbers of tiles */

static const KeptRow *kept_row(const Eval *e, NodeId id) {
    for (uint32_t i = 0; i < e->kept_count; i++) {
        if (e->kept[i].node == id) return &e->kept[i];
    }
    return NULL;
}

bool eval_kept(const Eval *e, NodeId id) {
    return kept_row(e, id) != NULL;
}

uint32_t eval_kept_row(const Eval *e, NodeId id, const Idx *index, Idx *address, bool *own) {
    const Node *n = node_at(e->g, id);
    const KeptRow *kept = kept_row(e, id);
    *own = !kept->place;
    if (kept->place)
        return place_buffer(e->k, e->g, node_at(e->g, kept->over), kept->place, index, address);
    Shape row = {0};
    for (int i = e->row_rank; i < n->shape.rank; i++) row.dim[row.rank++] = n->shape.dim[i];
    int64_t side_by_side = e->columns ? MAX_LANES : 1;
    *address = idx_scale(&e->k->index, access_address(&e->k->index, &row, index + e->row_rank),
                         side_by_side);
    const char *name = n->name ? n->name : op_info[n->op].name;
    name = arena_printf(e->k->arena, e->columns ? "%s_columns" : "%s_row", name);
    return kernel_tile(e->k, KEPT_TAG | id, name, (DType)n->dtype,
                       shape_elems(&row) * side_by_side);
}

/* Of an address in rows side by side: where the first row begins, and the column. */
static bool split_columns(const Eval *e, Idx at, Idx *base, Idx *column) {
    IndexTable *t = &e->k->index;
    int64_t stride;
    if (!e->columns || e->lanes != MAX_LANES) return false;
    if (!idx_stride(t, at, e->lane_atom, &stride) || stride != e->columns) return false;
    at = idx_subst(t, at, e->lane_atom, idx_const(t, 0));
    if (idx_lo(t, at) < 0) return false;
    *column = idx_mod(t, at, e->columns);
    *base = idx_sub(t, at, *column);
    return !idx_has_div(t, *column);
}

static const Turned *turned_at(const Eval *e, uint32_t buffer, Idx base) {
    for (uint32_t i = 0; i < e->turned.len; i++) {
        if (e->turned.at[i].buffer == buffer && e->turned.at[i].base == base)
            return &e->turned.at[i];
    }
    return NULL;
}

void eval_turn(Eval *e, NodeId id, const Idx *index) {
    Kernel *k = e->k;
    const Node *n = node_at(e->g, id);
    const Place *p = &e->place[id];
    Idx at, base, column;
    if (!e->columns || p->tile || p->part || n->dtype != DT_F32) return;
    uint32_t buffer = place_buffer(k, e->g, n, p, index, &at);
    if (!split_columns(e, at, &base, &column) || turned_at(e, buffer, base)) return;
    /* All of the rows is brought in: where the last one is not all there (windows), it may not be. */
    if (idx_hi(&k->index, base) + e->columns * MAX_LANES > k->buffers.at[buffer].elems) return;
    const char *name = arena_printf(k->arena, "%s_columns", p->name ? p->name : "v");
    Turned new = {buffer, base, kernel_local(k, name, DT_F32, e->columns * MAX_LANES)};
    kernel_columns(k, new.local, buffer, base, e->columns);
    vec_push(k->arena, &e->turned, new);
}

typedef struct From { /* where a load finds a node */
    bool own;         /* in the group's own memory */
    uint32_t buffer;
    const char *name;
} From;

static Val load_from(Kernel *k, const From *f, Idx at, uint8_t lanes, Ranges ranges) {
    return f->own ? val_local(k, f->buffer, at, lanes, ranges, f->name)
                  : val_load(k, f->buffer, at, lanes, ranges, f->name);
}

uint8_t eval_run(Eval *e, Idx at) {
    IndexTable *t = &e->k->index;
    for (uint8_t w = e->lanes; w > 1; w /= 2) {
        bool runs = true;
        for (uint8_t first = 0; first < e->lanes && runs; first += w) { /* each part by itself */
            int64_t stride;
            Idx of_part = w == e->lanes
                              ? at
                              : idx_subst(t, at, e->lane_atom, idx_offset(t, e->lane[w], first));
            runs = idx_stride(t, of_part, idx_atom(t, e->lane[w]), &stride) && stride == 1;
        }
        if (runs) return w;
    }
    return 1;
}

/* Lanes that lie near each other, apart or in another order: a few vectors hold them all, which exchange their lanes
 * in registers. NO_VAL: they do not, or too many would be. */
static Val load_near(Eval *e, const From *from, Idx at) {
    Kernel *k = e->k;
    IndexTable *t = &k->index;
    int64_t distance[MAX_LANES], span;
    Val part[NEAR_VECTORS], lane[MAX_LANES];
    if (!idx_near(t, at, e->lane_atom, e->lanes, distance, &span)) return NO_VAL;
    int64_t width = MAX_LANES;
    while (width > span) width /= 2;
    int64_t first = distance[0];
    for (int i = 1; i < e->lanes; i++) first = distance[i] < first ? distance[i] : first;
    int count = (int)((span + width - 1) / width);
    Idx lowest = idx_offset(t, idx_subst(t, at, e->lane_atom, idx_const(t, 0)), first);
    for (int i = 0; i < count;
         i++) { /* the last may overlap: nothing beyond the last lane is read */
        int64_t begin = i + 1 < count ? i * width : span - width;
        part[i] = load_from(k, from, idx_offset(t, lowest, begin), (uint8_t)width, (Ranges){0});
    }
    uint32_t wanted[NEAR_VECTORS] = {0};
    for (int i = 0; i < e->lanes; i++) {
        int64_t place = distance[i] - first, which = place / width;
        int64_t begin = which + 1 < count ? which * width : span - width;
        lane[i] = val_extract(k, part[which], (uint32_t)(place - begin));
        wanted[which] |= 1u << (place - begin);
    }
    for (int i = 0; i < count; i++) {
        uint32_t used = 0;
        for (uint32_t left = wanted[i]; left; left &= left - 1) used++;
        val_used(k, part[i], used);
    }
    return val_pack(k, lane, e->lanes);
}

static Val load(Eval *e, NodeId id, const Idx *index, Ranges ranges) {
    Kernel *k = e->k;
    const Node *n = node_at(e->g, id);
    const Place *p = &e->place[id];
    const KeptRow *kept = kept_row(e, id);
    From from = {p->tile != 0, 0, kept && kept->place ? NULL : p->name};
    Idx at, base, column;
    from.buffer = kept      ? eval_kept_row(e, id, index, &at, &from.own)
                  : p->tile ? place_tile(k, &e->block, n, p, index, &at)
                            : place_buffer(k, e->g, n, p, index, &at);
    Ranges open;
    if (!ranges_open(k, ranges, &open)) return val_const(k, (DType)n->dtype, 0);
    if (kept && e->columns && !ranges_by_lane(e, open))
        return val_local(k, from.buffer, at, e->lanes, (Ranges){0}, from.name);
    const Turned *turned = NULL;
    if (!from.own && !open.count && split_columns(e, at, &base, &column))
        turned = turned_at(e, from.buffer, base);
    if (turned)
        return val_local(k, turned->local, idx_scale(&k->index, column, MAX_LANES), e->lanes,
                         (Ranges){0}, p->name);
    if (!by_lane(e, &at, 1)) {
        if (ranges_by_lane(e, open)) return scalarise(e, id, index, open);
        return load_from(k, &from, at, 1, open);
    }
    int64_t elems = from.own ? k->locals.at[from.buffer].elems : k->buffers.at[from.buffer].elems;
    if (idx_lo(&k->index, at) >= 0 && idx_hi(&k->index, at) < elems) open.count = 0;
    uint8_t width = eval_run(e, at);
    Idx first = idx_subst(&k->index, at, e->lane_atom, idx_const(&k->index, 0));
    if (width == e->lanes && !ranges_by_lane(e, open))
        return load_from(k, &from, first, width, open);
    if (width < e->lanes && open.count == 0) {
        Val v = load_near(e, &from, at);
        if (v != NO_VAL) return v;
    }
    Ranges shared;
    Idx lo, hi;
    if (width == e->lanes && n->dtype == DT_F32 && split_ranges(e, open, &shared, &lo, &hi))
        return from.own ? val_local_some(k, from.buffer, first, width, shared, lo, hi, from.name)
                        : val_load_some(k, from.buffer, first, width, shared, lo, hi, from.name);
    return in_parts(e, id, index, open, width == e->lanes ? width / 2 : width);
}

Val eval_index(Eval *e, Idx at) {
    Kernel *k = e->k;
    int64_t stride, c;
    if (!by_lane(e, &at, 1)) return val_index(k, at);
    if (!idx_stride(&k->index, at, e->lane_atom, &stride)) {
        Val lane[MAX_LANES];
        for (uint8_t i = 0; i < e->lanes; i++)
            lane[i] = val_index(k, idx_subst(&k->index, at, e->lane_atom, idx_const(&k->index, i)));
        return val_pack(k, lane, e->lanes);
    }
    Idx first = idx_subst(&k->index, at, e->lane_atom, idx_const(&k->index, 0));
    Val lane = val_lane(k, e->lanes);
    if (stride != 1) lane = val_ew(k, OP_MUL, lane, val_const(k, DT_I32, (double)stride), NO_VAL);
    if (idx_is_const(&k->index, first, &c) && c == 0) return lane;
    return val_ew(k, OP_ADD, lane, val_index(k, first), NO_VAL);
}

static Val eval_literal(Eval *e, NodeId id, const Idx *index, Ranges ranges) {
    Kernel *k = e->k;
    const Node *n = node_at(e->g, id);
    int64_t c;
    if (by_lane(e, index, n->shape.rank)) return scalarise(e, id, index, ranges);
    Idx at = access_address(&k->index, &n->shape, index);
    if (idx_is_const(&k->index, at, &c) && c >= 0 && c < shape_elems(&n->shape)) {
        return val_const(k, (DType)n->dtype, n->values[c]);
    }
    if (ranges_by_lane(e, ranges)) return scalarise(e, id, index, ranges);
    uint32_t table = kernel_table(k, (DType)n->dtype, n->values, shape_elems(&n->shape));
    return val_load(k, table, at, 1, ranges, "entry");
}

/* ---- Operators ----------------------------------------------------------------------------- */

static Ranges join_ranges(Eval *e, Ranges a, const RangeList *b) {
    if (b->len == 0) return a;
    Range *at = NEW_ARRAY(e->k->arena, Range, a.count + b->len);
    for (uint32_t i = 0; i < a.count; i++) at[i] = a.at[i];
    for (uint32_t i = 0; i < b->len; i++) at[a.count + i] = b->at[i];
    return (Ranges){a.count + b->len, at};
}

static Val eval_operand(Eval *e, const Node *n, uint32_t k, const Idx *index, Ranges ranges,
                        RangeList *added) {
    Idx in[MAX_RANK];
    access_map(&e->k->index, e->g, n, k, index, in, added);
    return eval_ranged(e, n->args[k], in, join_ranges(e, ranges, added));
}

static Val eval_pad(Eval *e, const Node *n, const Idx *index, Ranges ranges) {
    RangeList added = {0};
    Val v = eval_operand(e, n, 0, index, ranges, &added);
    if (added.len == 0) return v;
    Val around = val_const(e->k, (DType)n->dtype, n->value);
    return val_ew(e->k, OP_WHERE, ranges_value(e, (Ranges){added.len, added.at}), v, around);
}

static Val eval_concat(Eval *e, const Node *n, const Idx *index, Ranges ranges) {
    Val v = val_const(e->k, (DType)n->dtype, 0);
    for (uint32_t i = n->argc; i-- > 0;) {
        RangeList added = {0};
        Val part = eval_operand(e, n, i, index, ranges, &added);
        v = val_ew(e->k, OP_WHERE, ranges_value(e, (Ranges){added.len, added.at}), part, v);
    }
    return v;
}

/* Element index[] of row `i` of a table: out of range it gives NaN (f32) or 0, and reads row 0. */
/* The row of a table that index i means. */
static TableRow table_row(Eval *e, Val i, int32_t rows) {
    enum { LATEST = 32 };
    Kernel *k = e->k;
    for (uint32_t n = e->table_rows.len, end = n > LATEST ? n - LATEST : 0; n-- > end;) {
        const TableRow *r = &e->table_rows.at[n];
        if (r->index == i && r->rows == rows) return *r;
    }
    Val zero = val_const(k, DT_I32, 0), count = val_const(k, DT_I32, rows);
    Val inside = val_ew(k, OP_AND, val_ew(k, OP_LE, zero, i, NO_VAL),
                        val_ew(k, OP_LT, i, count, NO_VAL), NO_VAL);
    Val row = val_ew(k, OP_WHERE, inside, i, zero);
    val_name(k, row, "row");
    TableRow r = {i, rows, inside, idx_var(&k->index, "row", 0, rows - 1, row), e->scopes.len};
    vec_push(k->arena, &e->table_rows, r);
    return r;
}

static Val take_row(Eval *e, const Node *n, Val i, const Idx *index, Ranges ranges) {
    Kernel *k = e->k;
    const Node *table = node_at(e->g, n->args[0]), *which = node_at(e->g, n->args[1]);
    const TableRow row = table_row(e, i, table->shape.dim[0]);
    Idx in[MAX_RANK];
    in[0] = row.row;
    for (int d = 1; d < table->shape.rank; d++) in[d] = index[which->shape.rank + d - 1];
    Val v = eval_ranged(e, n->args[0], in, ranges);
    DType t = (DType)n->dtype;
    Val outside = val_const(k, t, dtype_is_float(t) ? (double)NAN : 0);
    return val_ew(k, OP_WHERE, row.inside, v, outside);
}

/* table[index]. Where the lanes are at rows of their own, or only some of them may read, the index is
 * computed for all of them and then each reads by itself. */
static Val eval_take(Eval *e, NodeId id, const Idx *index, Ranges ranges) {
    const Node *n = node_at(e->g, id);
    Val i = eval_ranged(e, n->args[1], index, ranges), lane[MAX_LANES];
    if (e->k->values.at[i].lanes == 1 && !by_lane(e, index, node_at(e->g, n->args[1])->shape.rank))
        return take_row(e, n, i, index, ranges);
    for (uint8_t l = 0; l < e->lanes; l++) {
        Idx at[MAX_RANK], c = idx_const(&e->k->index, l);
        for (int d = 0; d < n->shape.rank; d++)
            at[d] = idx_subst(&e->k->index, index[d], e->lane_atom, c);
        lane[l] = take_row(e, n, val_extract(e->k, i, l), at, ranges_of_lane(e, ranges, l));
    }
    return val_pack(e->k, lane, e->lanes);
}

static Val eval_gradsum(Eval *e, const Node *n, const Idx *index, Ranges ranges) {
    Val sum = eval_ranged(e, n->args[0], index, ranges);
    for (uint32_t i = 1; i < n->argc; i++) {
        sum = val_ew(e->k, OP_ADD, sum, eval_ranged(e, n->args[i], index, ranges), NO_VAL);
    }
    return sum;
}

/* Whether a concat whose parts are made in place has a part that is made here, and so is not there yet. */
static bool made_here(const Eval *e, NodeId id) {
    const Node *n = node_at(e->g, id);
    if (e->cluster_of[id] == e->cluster) return true;
    for (uint32_t i = 0; n->op == OP_CONCAT && i < n->argc; i++) {
        if (e->place[n->args[i]].part && made_here(e, n->args[i])) return true;
    }
    return false;
}

static Val eval_node(Eval *e, NodeId id, const Idx *index, Ranges ranges) {
    const Node *n = node_at(e->g, id);
    const KeptRow *kept = kept_row(e, id);
    if (kept ? kept->made : in_memory(&e->place[id]) && !made_here(e, id))
        return load(e, id, index, ranges);
    if (op_info[n->op].elementwise) {
        Val x[3] = {NO_VAL, NO_VAL, NO_VAL};
        for (uint32_t i = 0; i < n->argc; i++) x[i] = eval_ranged(e, n->args[i], index, ranges);
        return val_ew(e->k, (Op)n->op, x[0], x[1], x[2]);
    }
    if (is_reduction((Op)n->op)) { /* fuse.c sees to it that it is bound or in memory */
        e->lost = id;
        return val_const(e->k, (DType)n->dtype, 0);
    }
    RangeList added = {0};
    switch (n->op) {
    case OP_CONST: return val_const(e->k, (DType)n->dtype, n->value);
    case OP_LITERAL: return eval_literal(e, id, index, ranges);
    case OP_IOTA: return eval_index(e, index[0]);
    case OP_ITERATION: {
        uint32_t loop = (uint32_t)n->attr[0];
        return val_index(e->k, idx_iteration(&e->k->index, loop, e->g->loops.at[loop].trips));
    }
    case OP_CAST: return val_cast(e->k, eval_ranged(e, n->args[0], index, ranges), (DType)n->dtype);
    case OP_GRADSUM: return eval_gradsum(e, n, index, ranges);
    case OP_PAD: return eval_pad(e, n, index, ranges);
    case OP_CONCAT: return eval_concat(e, n, index, ranges);
    case OP_TAKE: return eval_take(e, id, index, ranges);
    default:
        return eval_operand(e, n, 0, index, ranges, &added); /* COPY, STOP and the other views */
    }
}

static Val eval_ranged(Eval *e, NodeId id, const Idx *index, Ranges ranges) {
    const Node *n = node_at(e->g, id);
    Val v = memo_find(e, id, index, n->shape.rank, ranges);
    if (v == NO_VAL && is_reduction((Op)n->op)) v = bound_reduction(e, id, index);
    if (v != NO_VAL) return v;
    v = eval_node(e, id, index, ranges);
    if (n->op != OP_CONST && !is_view((Op)n->op)) val_name(e->k, v, n->name);
    memo_add(e, id, index, n->shape.rank, ranges, v);
    return v;
}

Val eval_at(Eval *e, NodeId id, const Idx *index) {
    return eval_ranged(e, id, index, (Ranges){0});
}

Val eval_where(Eval *e, NodeId id, const Idx *index, Ranges ranges) {
    return eval_ranged(e, id, index, ranges);
}

Val eval_ranges(Eval *e, Ranges ranges) {
    return ranges_value(e, ranges);
}

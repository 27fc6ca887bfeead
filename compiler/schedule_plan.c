/* schedule_plan: the decisions: which axes are one, which the lanes run over, how many work-groups. One
 * point of the section is written into a kernel that is thrown away, and what it reads is looked at. */
#include "cost.h"
#include "nest.h"

#define WIDE_POINTS ((int64_t)1 << 22) /* beyond what the caches hold */

static const Target scalar = {.name = "", .lanes = 1, .local_size = 1};

typedef struct Probe {             /* what one point reads */
    uint32_t divisions;            /* loads whose address needs a division */
    uint32_t outer_bad, inner_bad; /* loads that are not side by side along the last axis */
    uint32_t apart;                /* loads that are not along the axis before it */
    uint32_t apart_in_runs; /* loads near each other in a run, which are several in a vector */
    int32_t cuts[MAX_CUTS]; /* Section.cuts; more than MAX_CUTS: too many */
    uint32_t cut_count;
    KCount count;
} Probe;

static void add_cut(Probe *p, int64_t at, int32_t size) {
    uint32_t i = 0;
    if (at <= 0 || at >= size || p->cut_count > MAX_CUTS) return;
    while (i < p->cut_count && p->cuts[i] < at) i++;
    if (i < p->cut_count && p->cuts[i] == at) return;
    if (p->cut_count++ == MAX_CUTS) return;
    memmove(&p->cuts[i + 1], &p->cuts[i], (p->cut_count - 1 - i) * sizeof(int32_t));
    p->cuts[i] = (int32_t)at;
}

/* Where on the last axis a condition on nothing else begins and ends to hold: the parts of a concat, the border of
 * a pad. */
static void probe_ranges(IndexTable *t, const Value *v, Idx last, int32_t size, Probe *p) {
    for (uint32_t i = 0; i < v->ranges.count; i++) {
        const Range *r = &v->ranges.at[i];
        int64_t stride, rest;
        if (!idx_stride(t, r->e, idx_atom(t, last), &stride) || (stride != 1 && stride != -1))
            continue;
        if (!idx_is_const(t, idx_sub(t, r->e, idx_scale(t, last, stride)), &rest)) continue;
        add_cut(p, stride == 1 ? r->lo - rest : rest - r->hi + 1, size);
        add_cut(p, stride == 1 ? r->hi - rest : rest - r->lo + 1, size);
    }
}

/* Whether a vector of the last axis is made of few vectors at that address. */
static bool near_lanes(IndexTable *t, const Section *s, Idx at, uint32_t last) {
    const Atom *a = &t->atoms.at[last];
    int64_t distance[MAX_LANES], span;
    int lanes = s->target->lanes;
    while (lanes > a->hi + 1) lanes /= 2;
    if (lanes < 4) return false;
    Idx lane = idx_var(t, "lane", 0, lanes - 1, NO_VAL);
    Idx part = idx_var(t, "part", 0, (a->hi + 1) / lanes - 1, NO_VAL);
    Idx by_lane = idx_subst(t, at, last, idx_add(t, idx_scale(t, part, lanes), lane));
    return idx_near(t, by_lane, idx_atom(t, lane), lanes, distance, &span);
}

/* What is stored counts like what is loaded. */
static void probe_stores(const Kernel *k, const KBlock *b, uint32_t last, Probe *p) {
    const IndexTable *t = &k->index;
    for (uint32_t i = 0; i < b->len; i++) {
        const KStmt *s = b->at[i];
        int64_t stride;
        probe_stores(k, &s->body, last, p);
        if (s->op != S_STORE && s->op != S_LOCAL) continue;
        p->divisions += idx_has_div(t, s->index);
        if (last != UINT32_MAX && idx_uses(t, s->index, last) &&
            !(idx_stride(t, s->index, last, &stride) && stride == 1))
            p->outer_bad++;
    }
}

/* Without `lanes` nothing asks for outer_bad and count; with it, those that are near each other are as good as side by
 * side. */
static Probe probe(const Section *s, Arena *arena, const Shape *space, const int *merged,
                   int32_t run, bool lanes) {
    Section one = *s;
    Kernel k;
    Nest n;
    Probe p = {0};
    Idx at[MAX_RANK], index[MAX_RANK];
    one.target = &scalar;
    one.space = *space;
    memcpy(one.merged, merged, sizeof(one.merged));
    Arena *scratch = arena_open(arena);
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, &one, &k);
    IndexTable *t = &k.index;
    uint32_t last = UINT32_MAX, before = UINT32_MAX;
    for (int i = 0; i < space->rank; i++) {
        at[i] = idx_place(t, "o", space->dim[i], NO_VAL);
        if (i == space->rank - 1 && run) {
            Idx in_run = idx_var(t, "o", 0, run - 1, NO_VAL);
            Idx first = idx_var(t, "o", 0, space->dim[i] / run - 1, NO_VAL);
            last = idx_atom(t, in_run);
            at[i] = idx_add(t, idx_scale(t, first, run), in_run);
        } else if (i == space->rank - 1 && space->dim[i] > 1)
            last = idx_atom(t, at[i]);
        if (i == space->rank - 2 && space->dim[i] > 1) before = idx_atom(t, at[i]);
    }
    nest_unmerge(t, &s->cluster->outer, merged, space->rank, at, index);
    eval_push(&n.eval);
    nest_row(&n, index);
    eval_pop(&n.eval);
    kernel_finish(&k);
    if (lanes) p.count = kernel_count(&k);
    probe_stores(&k, &k.body, last, &p);
    for (Val v = 0; v < k.values.len; v++) {
        const Value *x = &k.values.at[v];
        int64_t stride;
        if (x->uses && last != UINT32_MAX && !run)
            probe_ranges(t, x, at[space->rank - 1], space->dim[space->rank - 1], &p);
        for (uint32_t r = 0; x->uses && r < x->ranges.count; r++)
            p.divisions += idx_has_div(t, x->ranges.at[r].e);
        if ((x->kind != V_LOAD && x->kind != V_LOCAL) || !x->uses) continue;
        p.divisions += idx_has_div(t, x->index);
        if (last != UINT32_MAX &&
            !(idx_stride(t, x->index, last, &stride) && (stride == 0 || stride == 1)) &&
            (x->ranges.count || !lanes || !near_lanes(t, s, x->index, last)))
            p.outer_bad++;
        else if (last != UINT32_MAX && run &&
                 !(idx_stride(t, x->index, last, &stride) && stride <= 1))
            p.apart_in_runs++;
        p.apart += x->ranges.count || before == UINT32_MAX ||
                   !idx_stride(t, x->index, before, &stride) || stride != 1;
        for (uint32_t a = 0; a < t->atoms.len; a++) {
            if (t->atoms.at[a].kind != ATOM_VAR || strcmp(t->atoms.at[a].name, "i")) continue;
            if (!(idx_stride(t, x->index, a, &stride) && (stride == 0 || stride == 1)))
                p.inner_bad++;
        }
    }
    arena_close(scratch);
    return p;
}

/* Axes that lie one after the other in everything that is read and written are one axis. */
static void merge_axes(Section *s, Arena *arena) {
    const Shape *outer = &s->cluster->outer;
    int axes = outer->rank, fixed = 0;
    for (int i = 0; i < axes; i++) s->merged[i] = 1;
    s->space = *outer;
    if (s->row_axes > 0) { /* the rows are one axis, and stay so */
        fixed = 1;
        axes -= s->row_axes - 1;
        s->merged[0] = s->row_axes;
        for (int i = 1; i < axes; i++) s->merged[i] = 1;
        nest_merge_shape(outer, s->merged, axes, &s->space);
    }
    uint32_t divisions = probe(s, arena, &s->space, s->merged, 0, false).divisions;
    /* An axis shorter than a vector may lie in runs: a vector is as many rows of it as it takes. */
    int32_t last = axes ? s->space.dim[axes - 1] : 1, lanes = s->target->lanes;
    int32_t run = last > 1 && last < lanes && lanes % last == 0 ? last : 0;
    for (int i = axes - 1; i > fixed; i--) {
        int merged[MAX_RANK];
        Shape space;
        memcpy(merged, s->merged, sizeof(merged));
        merged[i - 1] += merged[i];
        memmove(&merged[i], &merged[i + 1], (size_t)(axes - i - 1) * sizeof(int));
        nest_merge_shape(outer, merged, axes - 1, &space);
        bool may_fill = s->cluster->has_dot && i == axes - 1 &&
                        s->space.dim[i] < s->target->lanes &&
                        space.dim[i - 1] % s->target->lanes == 0;
        Probe p = probe(s, arena, &space, merged, s->run, may_fill);
        bool plain = p.divisions <= divisions;
        bool runs = !plain && run && i == s->space.rank - 1 &&
                    probe(s, arena, &space, merged, run, false).divisions <= divisions;
        /* A contraction's short last axis makes full vectors with the one before it, if they are near. */
        bool fills = may_fill && p.outer_bad == 0;
        if (!plain && !runs && !fills) continue;
        if (!plain && runs) s->run = run;
        if (!plain && !runs) divisions = p.divisions;
        memcpy(s->merged, merged, sizeof(merged));
        s->space = space;
        axes--;
    }
}

/* Where tiles in local memory are worth it the address of what is brought there may have divisions: the last axes that
 * are of the second operand are one, and those of the first before them (rows and columns of a convolution's
 * windows), if a tile then fits. */
static void merge_operands(Section *s) {
    const Section before = *s;
    const NodeId id = dot_of(s);
    const Node *dot = id == NO_NODE ? NULL : node_at(s->g, id);
    if (!dot || s->row_axes || local_tiles_fit(s)) return;
    const int end = dot->shape.rank;
    int rows = 0, columns = 0;
    if (!shape_equal(&s->cluster->outer, &dot->shape)) return;
    while (columns < end && dot_axis_of(s, dot, end - 1 - columns) == 1) columns++;
    while (columns + rows < end && dot_axis_of(s, dot, end - 1 - columns - rows) == 0) rows++;
    if (!columns || !rows) return;
    const int axes = end - columns - rows + 2;
    for (int i = 0; i < axes - 2; i++) s->merged[i] = 1;
    s->merged[axes - 2] = rows;
    s->merged[axes - 1] = columns;
    nest_merge_shape(&s->cluster->outer, s->merged, axes, &s->space);
    if (!local_tiles_fit(s)) *s = before;
}

static int64_t longest_reduction(const Section *s) {
    int64_t longest = 0;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        const Node *n = node_at(s->g, s->cluster->members.at[m]);
        if (!is_reduction((Op)n->op)) continue;
        Shape reduced = reduced_shape(s->g, n);
        if (shape_elems(&reduced) > longest) longest = shape_elems(&reduced);
    }
    return longest;
}

static bool is_copy(const Section *s) {
    return s->cluster->members.len == 1 && s->stores.len == 1 &&
           node_at(s->g, s->cluster->members.at[0])->op == OP_COPY;
}

/* So many cheap results that memory decides, which lie side by side like all that is read for them: an item does some. */
static bool is_wide(const Section *s, const Probe *p) {
    const Cluster *c = s->cluster;
    bool words = s->space.rank > 0 && !c->has_reduction && !c->has_inner;
    for (uint32_t i = 0; i < s->stores.len; i++) {
        DType t = (DType)node_at(s->g, s->stores.at[i].node)->dtype;
        words = words && (t == DT_F32 || t == DT_I32);
    }
    return words && p->outer_bad == 0 && p->divisions == 0 && p->cut_count == 0 &&
           s->space.dim[s->space.rank - 1] % ITEM_LANES == 0 && p->count.flops < COSTLY &&
           shape_elems(&s->space) >= WIDE_POINTS;
}

void section_plan(Section *s, Arena *arena) {
    const Cluster *c = s->cluster;
    const Target *target = s->target;
    s->row_axes = 0;
    s->run = 0;
    s->group_rows = 0;
    s->moved = 0;
    for (int64_t rows = 1; rows < s->rows; s->row_axes++) rows *= c->outer.dim[s->row_axes];
    merge_axes(s, arena);
    merge_operands(s);
    Probe p = probe(s, arena, &s->space, s->merged, s->run, true);
    int axes = s->space.rank;
    int32_t last = axes ? s->space.dim[axes - 1] : 1;
    /* Few results of long sums: the lanes share each, and the groups share the results. */
    bool few = !c->has_dot && p.inner_bad == 0 && shape_elems(&s->space) <= target->lanes &&
               longest_reduction(s) >= 16 * target->lanes;
    bool narrow = last < 4 || few || (p.outer_bad > 0 && p.inner_bad == 0);
    s->gathers = p.outer_bad > 0 || p.apart_in_runs > 0;
    bool by_blocks = s->row_axes > 0 && axes == 1; /* the last axis is that of the rows */
    s->cut_count = by_blocks || p.cut_count > MAX_CUTS ? 0 : p.cut_count;
    memcpy(s->cuts, p.cuts, sizeof(s->cuts));
    s->transposes =
        p.outer_bad > 0 && p.apart == 0 && axes >= 2 && is_copy(s) && target->lanes == MAX_LANES;
    s->lanes_inner = c->has_inner || (c->has_reduction && narrow && (!c->has_dot || axes == 0));
    s->crosses = cross_fits(s, arena);
    if (s->crosses) return;
    if (c->has_dot && axes > 0 && target->lanes > 1)
        dot_plan(s, arena, p.inner_bad == 0 && longest_reduction(s) > 1);
    s->narrow = !s->run && narrow_fits(s, arena);
    int64_t points = shape_elems(&s->space);
    uint32_t streamed = !c->has_reduction && !c->has_inner ? target->stream_bytes
                        : c->has_inner && !s->rows         ? target->row_stream_bytes
                                                           : 0;
    s->streams = streamed && (double)points * p.count.bytes >= streamed;
    if (is_copy(s) &&
        (blocked_copy_fits(s, arena) || turned_copy_fits(s, arena) || rounded_copy_fits(s, arena)))
        return;
    if (thin_fits(s, arena) || wgmma_tiles_fit(s, arena)) return;
    s->tiles_local = small_matrix_fits(s);
    if (s->tiles_local) {
        small_matrix_plan(s);
        return;
    }
    if (matrix_tiles_fit(s, arena)) {
        matrix_tiles_plan(s, arena);
        return;
    }
    s->tiles_local = local_tiles_fit(s);
    if (s->tiles_local) {
        const double operations = p.count.flops - 2.0 * (double)longest_reduction(s);
        if (!staged_tiles_fit(s, arena, operations)) local_tiles_plan(s, arena, operations);
        return;
    }
    if (target->lanes == 1) group_plan(s, longest_reduction(s), p.inner_bad == 0);
    if (s->group_rows) {
        s->groups = group_count(s);
        return;
    }
    if (target->lanes == 1) {
        s->wide = target->local_size > 1 && is_wide(s, &p);
        int64_t items = s->wide ? points / ITEM_LANES : points;
        s->groups = (uint32_t)((items + target->local_size - 1) / target->local_size);
        return;
    }
    s->scatters = scatter_blocks_fit(s);
    /* A group is worth its launch from a few microseconds on. */
    double cycles = (double)points * (p.count.flops + p.count.bytes / 8) / (2.0 * target->lanes);
    if (s->scatters) cycles = scatter_cycles(s);
    double groups = cycles / 8000;
    int64_t limit = target->groups, parts = s->rows ? (s->rows + s->block - 1) / s->block : points;
    if (s->narrow) parts /= MAX_LANES;
    if (c->has_reduction && !c->has_dot && !s->lanes_inner && !s->gathers && !s->rows) {
        int64_t tiles = sum_tiles(s, arena);
        if (parts > tiles) parts = tiles;
    }
    if (limit > parts) limit = parts;
    for (s->groups = 1; s->groups * 2 <= groups && s->groups * 2 <= limit;) s->groups *= 2;
}

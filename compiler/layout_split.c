/* layout_split: reductions with too few results for all work-groups are cut into parts that are reduced side by
 * side, and then the parts: how many is decided here, from the shapes alone, so that the order of additions is
 * the same on every device of a target. A target without vectors has as many groups as there is work: there the parts
 * are to be enough for a large device. */
#include "cost.h"
#include "fuse.h"

#define LEAST_PARTS 4
#define LEAST_RUN   64                 /* elements of a part along the axis that is cut */
#define LARGE_SUM   ((int64_t)1 << 17) /* elements: some tens of microseconds */
#define LARGE_SUMS                                                                                 \
    ((int64_t)1 << 19) /* the same of sums beside each other, which share a row's vectors */
#define LARGE_DOT    ((int64_t)1 << 21) /* products */
#define ITEMS        ((int64_t)1 << 15) /* that occupy a device without vectors, ... */
#define GROUPS       256                /* ... or groups that share tiles or rows */
#define TILE         64                 /* of results that a group makes, */
#define MATRIX_TILE  128                /* ... or so wide by matrix units (schedule_matrix.c) */
#define PART         1024               /* elements that its items share, at least */
#define LARGE_ITEMS  ((int64_t)1 << 15) /* elements of a sum without vectors */
#define SHARE        64                 /* elements of an item that shares a sum */
#define LEAST_TILE   8                  /* what schedule_small.c cuts results into at least, ... */
#define MATRIX_LEAST 32                 /* ... or by matrix units, ... */
#define ENOUGH       64                 /* ... for so many groups, ... */
#define SHORT_DOT    1024               /* ... each of which goes along so much */
#define SMALL_DOT    ((int64_t)1 << 26) /* products that the former are for, ... */
#define MATRIX_DOT   ((int64_t)1 << 28) /* ... and the latter */
#define LONG_DOT     ((int64_t)1 << 29) /* products whose parts are worth adding up, ... */
#define LONG_PART    512                /* ... each of which goes along so much at least, ... */
#define LONG_STEPS   32                 /* ... in multiples of this */

/* The most parts of equal size, at most `most`, that an axis can be cut into, of which each element stands for `run`;
 * 0: none. */
static int32_t parts_of(int32_t size, int64_t run, int64_t most) {
    if (most > size) most = size;
    for (int32_t parts = (int32_t)most; parts >= LEAST_PARTS; parts--) {
        if (size % parts == 0 && size / parts * run >= LEAST_RUN) return parts;
    }
    return 0;
}

/* x with its axis `axis` as two: the parts, and what is in one. */
static NodeId cut(Graph *g, NodeId x, int axis, int32_t parts) {
    const Shape *from = &node_at(g, x)->shape;
    Shape s = {0};
    for (int i = 0; i < from->rank; i++) {
        if (i == axis) s.dim[s.rank++] = parts;
        s.dim[s.rank++] = i == axis ? from->dim[i] / parts : from->dim[i];
    }
    return node_reshape(g, x, &s);
}

/* How many tiles of results there are for the groups to share, as `wide` by `tall` elements are one. */
static int64_t tiles(int64_t rows, int64_t columns, int64_t tall, int64_t wide) {
    return ((rows + tall - 1) / tall) * ((columns + wide - 1) / wide);
}

/* Whether lanes run over results: the last axis stays. */
static bool beside_each_other(const Shape *from, const Node *n) {
    for (uint32_t k = 0; k < n->attrc; k++) {
        if (n->attr[k] == from->rank - 1) return false;
    }
    return true;
}

/* Whether the items of groups share sums beside each other, in one go, and none has so much that parts were done sooner. */
static bool is_shared(const Target *t, int64_t results, int64_t length) {
    const int32_t rows = cost_rows_beside(t, results, length);
    return rows > 0 && length * rows <= SHARE * (int64_t)t->local_size;
}

NodeId split_reduction(Graph *g, const Node *n, NodeId x, const Target *target) {
    const Shape *from = &node_at(g, x)->shape;
    int last = n->shape.rank ? n->shape.dim[n->shape.rank - 1] : 1;
    int64_t results = shape_elems(&n->shape), groups = target->groups;
    bool beside = beside_each_other(from, n) && last >= 4 * target->lanes;
    int64_t count = tiles(results / last, last, 1, (beside ? SUM_VECTORS : 4) * target->lanes);
    int64_t least = beside ? LARGE_SUMS : LARGE_SUM;
    if (target->lanes ==
        1) { /* neighbours are of one row, whose items share it, or of results beside each other */
        int64_t most = shape_elems(from) / results / PART;
        groups = beside ? ITEMS : most < GROUPS ? most : GROUPS;
        count = results;
        least = beside && is_shared(target, results, shape_elems(from) / results) ? INT64_MAX
                                                                                  : LARGE_ITEMS;
    }
    if (from->rank == MAX_RANK || count * 2 > groups || shape_elems(from) < least)
        return node_reduce(g, (Op)n->op, x, n->attr, n->attrc);
    for (uint32_t k = 0; k < n->attrc; k++) {
        int axis = n->attr[k];
        int32_t parts = parts_of(from->dim[axis], 1, groups / count);
        if (!parts || !graph_rewrites(g, "a reduction is cut into parts", x)) continue;
        int32_t axes[MAX_RANK], kept = 0;
        for (uint32_t i = 0; i < n->attrc; i++) axes[i] = n->attr[i] + (n->attr[i] >= axis);
        for (int i = 0; i < axis; i++) {
            bool reduced = false;
            for (uint32_t j = 0; j < n->attrc; j++) reduced = reduced || n->attr[j] == i;
            kept += !reduced;
        }
        NodeId part = node_reduce(g, (Op)n->op, cut(g, x, axis, parts), axes, n->attrc);
        return node_reduce(g, (Op)n->op, part, &kept, 1);
    }
    return node_reduce(g, (Op)n->op, x, n->attr, n->attrc);
}

/* An operand [batch, free, contracted] with the first contracted axis cut: the parts are a batch axis more. */
static NodeId cut_operand(Graph *g, NodeId x, int batch, int contracted, int32_t parts) {
    int rank = node_at(g, x)->shape.rank, axis = rank - contracted, k = 0;
    int32_t axes[MAX_RANK];
    for (int i = 0; i < batch; i++) axes[k++] = i;
    axes[k++] = axis;
    for (int i = batch; i <= rank; i++) {
        if (i != axis) axes[k++] = i;
    }
    return node_permute(g, cut(g, x, axis, parts), axes);
}

/* In how many parts large tiles make a product of which they are so few that units would be idle, or smaller ones make
 * it: as many as that takes; 0: in one. `first`: the axis that is cut, of whose elements each stands for `run` contracted ones. */
static int32_t long_parts(const Target *t, int64_t products, int64_t each, int64_t rows,
                          int64_t columns, int32_t first, int64_t run) {
    const int64_t enough = cost_large_tiles(t), wide = cost_large_columns(t);
    const bool by_wgmma = t->precision != PRECISION_F32 && t->wgmma_bytes;
    const int64_t least = by_wgmma || t->precision == PRECISION_F32 ? LONG_PART : 2 * LONG_PART;
    /* Of 3xTF32 by mma.sync tiles that bring in less are no faster. */
    if (!t->copies || (t->precision == PRECISION_3XTF32 && !by_wgmma)) return 0;
    if (products < LONG_DOT || rows < LARGE_ROWS || columns < LARGE_ROWS) return 0;
    const int64_t count = each * tiles(rows, columns, LARGE_ROWS, wide);
    if (count >= enough) return 0;
    for (int32_t parts = 2; parts <= t->units / count && parts <= first; parts++) {
        const int64_t length = first / parts * run;
        if (first % parts == 0 && length >= least && length % LONG_STEPS == 0 &&
            parts * count >= enough)
            return parts;
    }
    return 0;
}

bool split_dot(Graph *g, NodeId *a, NodeId *b, int32_t batch, int32_t contracted,
               const Target *target) {
    const Shape *sa = &node_at(g, *a)->shape, *sb = &node_at(g, *b)->shape;
    int64_t rows = 1, columns = 1, each = 1, length = 1;
    for (int i = 0; i < sa->rank; i++) {
        if (i < batch)
            each *= sa->dim[i];
        else if (i < sa->rank - contracted)
            rows *= sa->dim[i];
        else
            length *= sa->dim[i];
    }
    for (int i = batch; i < sb->rank - contracted; i++) columns *= sb->dim[i];
    int64_t count = each * tiles(rows, columns, 8, 3 * target->lanes), groups = target->groups;
    const int32_t wide = target->precision == PRECISION_F32 ? TILE : MATRIX_TILE;
    if (target->lanes == 1) count = each * tiles(rows, columns, TILE, wide), groups = GROUPS;
    int result = sa->rank + sb->rank - batch - 2 * contracted;
    const int64_t products = each * rows * columns * length;
    const bool matrix =
        (target->precision == PRECISION_3XTF32 || target->precision == PRECISION_TF32) &&
        products <= MATRIX_DOT && each * tiles(rows, columns, MATRIX_LEAST, MATRIX_LEAST) >= ENOUGH;
    const bool small = target->lanes == 1 && length <= SHORT_DOT &&
                       (matrix || (products < SMALL_DOT &&
                                   each * tiles(rows, columns, LEAST_TILE, LEAST_TILE) >= ENOUGH));
    const bool matrices = batch == 0 && sa->rank == 1 + contracted && sb->rank == 1 + contracted;
    const bool thin = matrices && cost_is_thin(target, rows, columns, length);
    if (small || thin || contracted == 0 || sa->rank == MAX_RANK || sb->rank == MAX_RANK ||
        result == MAX_RANK || products < LARGE_DOT)
        return false;
    const int32_t first = sa->dim[sa->rank - contracted];
    int32_t parts = long_parts(target, products, each, rows, columns, first, length / first);
    if (!parts && count * 2 > groups) return false;
    /* Lanes run over few elements badly; where there are none the other axes that are contracted count, too. */
    if (!parts) parts = parts_of(first, target->lanes == 1 ? length / first : 1, groups / count);
    if (!parts || !graph_rewrites(g, "a contraction is cut into parts", *a)) return false;
    *a = cut_operand(g, *a, batch, contracted, parts);
    *b = cut_operand(g, *b, batch, contracted, parts);
    return true;
}

/* layout: the graph made ready for fusion. The right operand of a contraction lies side by side along
 * the axis that the vector lanes run over: else a COPY in the better order is made first, once, by a
 * kernel that can share an earlier launch. What an entry returns or updates by is a node that can have
 * a kernel.
 *
 * Requires: a simplified graph. Establishes: the same values; roots are not leaves. */
#include "cost.h"
#include "fuse.h"

#define WIDE_TILE                                                                                  \
    128 /* rows or columns: with fewer, matrix units go by smaller tiles (schedule_wgmma.c) */

#define FEW_LANES     0.25 /* of a vector, that are used at most: a copy is worth it ... */
#define LEAST_READERS 16   /* ... where so many rows, or columns, read it; ... */
#define HALF_LANES    0.5  /* ... and if more are used, ... */
#define MANY_READERS  64   /* ... so many */

/* The address of x's element at at[], through views; false: something is padded. */
static bool address_of(IndexTable *t, const Graph *g, NodeId x, Idx *at, Idx *address) {
    Idx next[MAX_RANK];
    RangeList ranges = {0};
    while (is_view((Op)node_at(g, x)->op) && node_at(g, x)->op != OP_PAD) {
        access_map(t, g, node_at(g, x), 0, at, next, &ranges);
        memcpy(at, next, MAX_RANK * sizeof(Idx));
        x = node_at(g, x)->args[0];
    }
    *address = access_address(t, &node_at(g, x)->shape, at);
    return node_at(g, x)->op != OP_PAD;
}

bool layout_lies_along(const Graph *g, Arena *arena, NodeId x, int axis) {
    Arena *scratch = arena_open(arena);
    IndexTable t;
    Idx at[MAX_RANK], address;
    index_init(&t, scratch);
    const Shape *s = &node_at(g, x)->shape;
    for (int i = 0; i < s->rank; i++) at[i] = idx_var(&t, "i", 0, s->dim[i] - 1, UINT32_MAX);
    uint32_t atom = idx_atom(&t, at[axis]);
    address_of(&t, g, x, at, &address);
    int64_t stride;
    const bool along = idx_stride(&t, address, atom, &stride) && (stride == 0 || stride == 1);
    arena_close(scratch);
    return along;
}

/* How many elements of x lie side by side along its axes before `end`, as one: of them the last `axes`, at most
 * `most`. `padded`: what is padded counts, too, for it is stored. */
static int64_t run_of(const Graph *g, Arena *arena, NodeId x, int end, int most, bool padded,
                      int *axes) {
    IndexTable t;
    Idx at[MAX_RANK], address;
    uint32_t atom[MAX_RANK];
    int64_t run = 1, stride;
    index_init(&t, arena);
    const Shape *s = &node_at(g, x)->shape;
    for (int i = 0; i < s->rank; i++) {
        at[i] = idx_var(&t, "i", 0, s->dim[i] - 1, UINT32_MAX);
        atom[i] = idx_atom(&t, at[i]);
    }
    *axes = 0;
    if (!address_of(&t, g, x, at, &address) && !padded) return 1;
    while (*axes < most) {
        int i = end - 1 - *axes;
        if (s->dim[i] > 1 && (!idx_stride(&t, address, atom[i], &stride) || stride != run)) break;
        run *= s->dim[i];
        ++*axes;
    }
    return run;
}

/* x[batch, p, q] -> x[batch, q, p], where p has p_axes axes. */
static NodeId swap_groups(Graph *g, NodeId x, int batch, int p_axes) {
    int rank = node_at(g, x)->shape.rank, k = 0;
    int32_t axes[MAX_RANK];
    for (int i = 0; i < batch; i++) axes[k++] = i;
    for (int i = batch + p_axes; i < rank; i++) axes[k++] = i;
    for (int i = batch; i < batch + p_axes; i++) axes[k++] = i;
    return node_permute(g, x, axes);
}

/* Whether x is, through views, of numbers that are bf16. */
static bool counts_bf16(const Graph *g, NodeId x) {
    while (is_view((Op)node_at(g, x)->op) && node_at(g, x)->op != OP_PAD)
        x = node_at(g, x)->args[0];
    const Node *n = node_at(g, x);
    return n->op == OP_CAST && node_at(g, n->args[0])->dtype == DT_BF16;
}

/* x rounded as matrix units want it, from a copy: of bf16 in the order that it has in memory, of tf32 with what is
 * contracted side by side. */
static NodeId layout_ready(Graph *g, NodeId x, DType t) {
    double v;
    if (node_uniform(g, x, &v) || (t == DT_BF16 && counts_bf16(g, x))) return x;
    const Node *n = node_at(g, x);
    const int32_t *axes = n->attr;
    if (t == DT_BF16 && n->op == OP_PERMUTE)
        return node_permute(g, layout_ready(g, n->args[0], t), axes);
    return node_cast(g, node_copy(g, node_cast(g, x, t)), DT_F32);
}

/* Along what is contracted, which is as much as a tile of schedule_matrix.c has. */
static int32_t block_elems(DType t) {
    return BLOCK_BYTES / (int32_t)dtype_bytes(t);
}

static bool has_blocks(const Graph *g, NodeId x, DType t) {
    const Shape *s = &node_at(g, x)->shape;
    double v;
    return s->rank < MAX_RANK && s->dim[s->rank - 1] % block_elems(t) == 0 &&
           !node_uniform(g, x, &v);
}

/* x[batch, lines, contracted] from a copy of that type that lies as [batch, contracted / block, lines, block]: what a
 * work-group wants at a time of all its lines lies side by side then. */
static NodeId layout_blocks(Graph *g, NodeId x, DType t, int batch, int contracted) {
    const Shape shape = node_at(g, x)->shape;
    const int rank = shape.rank, lines = rank - contracted;
    int32_t there[MAX_RANK], back[MAX_RANK], k = 0;
    Shape blocks = shape;
    blocks.rank++;
    blocks.dim[rank] = block_elems(t);
    blocks.dim[rank - 1] /= blocks.dim[rank];
    for (int i = 0; i < batch; i++) there[k++] = i;
    for (int i = lines; i < rank; i++) there[k++] = i;
    for (int i = batch; i < lines; i++) there[k++] = i;
    there[k] = rank;
    for (int i = 0; i <= rank; i++) back[there[i]] = i;
    NodeId copy = node_permute(g, node_reshape(g, x, &blocks), there);
    copy = node_cast(g, node_copy(g, node_cast(g, copy, t)), DT_F32);
    return node_reshape(g, node_permute(g, copy, back), &shape);
}

/* x[batch, lines, contracted] from a copy with its lines side by side, as schedule_staged.c copies them best. */
static NodeId layout_lines(Graph *g, Arena *arena, NodeId x, int batch, int contracted) {
    const int lines = node_at(g, x)->shape.rank - batch - contracted;
    double v;
    if (lines == 0 || node_uniform(g, x, &v) || layout_lies_along(g, arena, x, batch + lines - 1) ||
        !graph_rewrites(g, "a contraction's operand is turned before it", x))
        return x;
    NodeId turned = node_copy(g, swap_groups(g, x, batch, lines));
    return swap_groups(g, turned, batch, contracted);
}

/* Operands that are read often enough for that. */
static void layout_operands(Graph *g, Arena *arena, int64_t products, int batch, int contracted,
                            NodeId *a, NodeId *b, const FuseOptions *options) {
    const Target *target = options->target;
    const bool halves = counts_bf16(g, *a) && counts_bf16(g, *b);
    const DType t = target->precision == PRECISION_BF16 || halves ? DT_BF16 : DT_TF32;
    if (options->apart || products < target->ready_products) return;
    if (target->precision == PRECISION_F32 && target->copies) {
        *a = layout_lines(g, arena, *a, batch, contracted);
        *b = layout_lines(g, arena, *b, batch, contracted);
    }
    if (target->precision == PRECISION_F32) return;
    if (target->precision == PRECISION_3XTF32 && !halves) return;
    if (halves && target->wgmma_bytes) return; /* bf16 is multiplied as it is */
    if (!target->wgmma_bytes && !(has_blocks(g, *a, t) && has_blocks(g, *b, t))) return;
    if (!graph_rewrites(g, "a contraction's operands are rounded before it", *a)) return;
    if (!target->wgmma_bytes) {
        *a = layout_blocks(g, *a, t, batch, contracted);
        *b = layout_blocks(g, *b, t, batch, contracted);
        return;
    }
    *a = layout_ready(g, *a, t);
    *b = layout_ready(g, *b, t);
}

/* The part of a vector that is used, where so many elements side by side are cut into vectors. */
static double lanes_used(int64_t run, int lanes) {
    int64_t vectors = 0, rest = run;
    for (int w = lanes; w >= 1; w /= 2) vectors += rest / w, rest %= w;
    return (double)run / (double)(vectors * lanes);
}

/* Whether few lanes of a vector over the axes of x from `first` to `end` are side by side, and more would be in a copy. */
static bool lies_apart(const Graph *g, Arena *arena, NodeId x, int first, int end, double most,
                       const Target *target) {
    int axes;
    double v;
    if (node_uniform(g, x, &v)) return false;
    int64_t all = 1, run = run_of(g, arena, x, end, end - first, true, &axes);
    for (int i = first; i < end; i++) all *= node_at(g, x)->shape.dim[i];
    return run < all && lanes_used(run, target->lanes) <= most;
}

/* The operands of a contraction whose lanes lie apart whichever way they run, read from copies. A left one that lies
 * apart along what is contracted and along all else has the longer of both side by side. Then a right one with few
 * columns side by side lies as the left one does, along what is contracted: in the gradient of a convolution's
 * filters, where its windows are further apart than one place. */
static bool layout_apart(Graph *g, Arena *arena, int contracted, NodeId *a, NodeId *b,
                         const Target *target) {
    const Shape sa = node_at(g, *a)->shape, sb = node_at(g, *b)->shape;
    const int end_a = sa.rank - contracted, end_b = sb.rank - contracted;
    int64_t rows = 1, columns = 1, length = 1;
    for (int i = 0; i < end_a; i++) rows *= sa.dim[i];
    for (int i = 0; i < end_b; i++) columns *= sb.dim[i];
    for (int i = end_a; i < sa.rank; i++) length *= sa.dim[i];
    if (rows < LEAST_READERS || columns < LEAST_READERS || length < target->lanes) return false;
    if (lies_apart(g, arena, *a, 0, end_a, FEW_LANES, target) &&
        lies_apart(g, arena, *a, end_a, sa.rank, FEW_LANES, target) &&
        graph_rewrites(g, "a contraction reads a copy of what lies apart", *a)) {
        if (rows > length)
            *a = swap_groups(g, node_copy(g, swap_groups(g, *a, 0, end_a)), 0, contracted);
        else
            *a = node_copy(g, *a);
    }
    if (length > columns && lies_apart(g, arena, *b, 0, end_b, FEW_LANES, target) &&
        !layout_lies_along(g, arena, *b, sb.rank - 1) &&
        !lies_apart(g, arena, *a, end_a, sa.rank, FEW_LANES, target) &&
        graph_rewrites(g, "a contraction reads a copy of what lies apart", *b)) {
        *b = node_copy(g, *b);
        return true;
    }
    return false;
}

/* Whether many rows read an operand of whose elements few are side by side, along its columns as along what is
 * contracted: windows of small images, whose rows are shorter than a vector. */
static bool lies_short(const Graph *g, Arena *arena, int contracted, int64_t rows, NodeId b,
                       const Target *target) {
    const int rank = node_at(g, b)->shape.rank, end = rank - contracted;
    return rows >= MANY_READERS && lies_apart(g, arena, b, 0, end, HALF_LANES, target) &&
           lies_apart(g, arena, b, end, rank, HALF_LANES, target) &&
           graph_rewrites(g, "a contraction reads a copy of what lies in short runs", b);
}

bool layout_windows(const Graph *g, Arena *arena, int batch, int contracted, NodeId y, NodeId x,
                    const Target *target) {
    IndexTable t;
    Idx at[MAX_RANK], address;
    const Shape *sx = &node_at(g, x)->shape, *sy = &node_at(g, y)->shape;
    int64_t length = 1, places = 1, longest = 1, all = 1;
    int axes;
    for (int i = sx->rank - contracted; i < sx->rank; i++) length *= sx->dim[i];
    for (int i = batch; i < sx->rank - contracted; i++) places *= sx->dim[i];
    for (int i = 0; i < sy->rank - contracted; i++) {
        all *= sy->dim[i];
        if (i >= batch && sy->dim[i] > longest) longest = sy->dim[i];
    }
    if (contracted < 2 || !cost_crosses(target, longest, places, (double)(all * places * length)) ||
        run_of(g, arena, x, sx->rank, contracted, true, &axes) == length)
        return false;
    index_init(&t, arena);
    for (int i = 0; i < sx->rank; i++) at[i] = idx_var(&t, "i", 0, sx->dim[i] - 1, UINT32_MAX);
    address_of(&t, g, x, at, &address);
    return !idx_has_div(&t, address) &&
           idx_hi(&t, address) - idx_lo(&t, address) + 1 < shape_elems(sx);
}

static NodeId layout_dot(Graph *g, Arena *arena, int batch, int contracted, NodeId a, NodeId b,
                         const FuseOptions *options) {
    const Shape *sa = &node_at(g, a)->shape, *sb = &node_at(g, b)->shape;
    int free_b = sb->rank - batch - contracted;
    int64_t rows = 1, columns = 1, products = 1;
    for (int i = 0; i < sa->rank; i++) products *= sa->dim[i];
    for (int i = batch; i < sa->rank - contracted; i++) rows *= sa->dim[i];
    for (int i = batch; i < batch + free_b; i++) columns *= sb->dim[i];
    if (rows >= WIDE_TILE && columns >= WIDE_TILE)
        layout_operands(g, arena, products * columns, batch, contracted, &a, &b, options);
    sa = &node_at(g, a)->shape, sb = &node_at(g, b)->shape;
    /* Of tensors, not of matrices: those lie side by side one way or the other. */
    const bool tensors = options->target->lanes > 1 && !options->apart && batch == 0 &&
                         contracted > 1 && sa->rank + sb->rank > 2 * (contracted + 1);
    if (!options->apart && layout_windows(g, arena, batch, contracted, a, b, options->target))
        return node_dot(g, a, b, batch, contracted);
    const bool copied = tensors && layout_apart(g, arena, contracted, &a, &b, options->target);
    sa = &node_at(g, a)->shape, sb = &node_at(g, b)->shape;
    /* Copied by panels, it is turned on the way: where no chain takes it (streams_anew). Few rows of long sums are
     * better off with lanes over what is contracted: adding them up costs less than a copy (schedule_dot.c). */
    int64_t length = contracted == 1 ? sb->dim[sb->rank - 1] : 0;
    bool points = length >= 4 * options->target->lanes && 4 * rows <= length &&
                  layout_lies_along(g, arena, a, sa->rank - 1) &&
                  layout_lies_along(g, arena, b, sb->rank - 1);
    bool panels = batch == 0 && contracted == 1 &&
                  cost_packs(options->target, rows, columns, sb->dim[sb->rank - 1], true) &&
                  layout_lies_along(g, arena, b, sb->rank - 1);
    /* Worth it where the copy is read more often than it costs to make. */
    if (options->target->lanes > 1 && free_b > 0 && columns > 1 && rows >= 4 && !panels &&
        !points && !copied &&
        (!layout_lies_along(g, arena, b, batch + free_b - 1) ||
         (tensors && lies_short(g, arena, contracted, rows, b, options->target)))) {
        NodeId turned = node_copy(g, swap_groups(g, b, batch, free_b));
        b = swap_groups(g, turned, batch, contracted);
    }
    return node_dot(g, a, b, batch, contracted);
}

/* A concat or a sum of more than a kernel may have arguments: of copies that are each made of some. */
#define MOST_OPERANDS 64

static NodeId layout_many(Graph *g, const Node *n, const NodeId *args, uint32_t count) {
    NodeId parts[MOST_OPERANDS];
    uint32_t parts_count = 0, width = 1;
    while ((uint64_t)width * MOST_OPERANDS < count) width *= MOST_OPERANDS;
    for (uint32_t first = 0; first < count && width > 1; first += width) {
        uint32_t rest = count - first, len = rest < width ? rest : width;
        NodeId part = layout_many(g, n, args + first, len);
        parts[parts_count++] = len > 1 ? node_copy(g, part) : part;
    }
    if (width > 1) args = parts, count = parts_count;
    return n->op == OP_CONCAT ? node_concat(g, args, count, n->attr[0])
                              : node_gradsum(g, args, count);
}

static NodeId layout_node(Graph *g, Arena *arena, const Node *n, NodeId *args,
                          const FuseOptions *options) {
    if (n->argc > MOST_OPERANDS && (n->op == OP_CONCAT || n->op == OP_GRADSUM))
        return layout_many(g, n, args, n->argc);
    if (!options->apart && (n->op == OP_SUM || n->op == OP_RMAX))
        return split_reduction(g, n, args[0], options->target);
    if (n->op != OP_DOT) return node_again(g, n, args);
    int32_t batch = n->attr[0];
    bool parts =
        !options->apart && split_dot(g, &args[0], &args[1], batch, n->attr[1], options->target);
    NodeId dot = layout_dot(g, arena, batch + parts, n->attr[1], args[0], args[1], options);
    return parts ? node_reduce(g, OP_SUM, dot, &batch, 1) : dot;
}

NodeId layout_root(Graph *g, NodeId x) {
    Op op = (Op)node_at(g, x)->op;
    bool leaf = op == OP_VAR || op == OP_CONST || op == OP_LITERAL || op == OP_IOTA ||
                op == OP_ITERATION || op == OP_FINAL || op == OP_STACK || is_view(op);
    return leaf ? node_copy(g, x) : x;
}

static NodeId own_copy(Graph *g, NodeId x, uint32_t var) {
    const Node *n = node_at(g, x);
    int32_t of = (int32_t)var;
    const Node copy = {.op = OP_COPY,
                       .dtype = n->dtype,
                       .shape = n->shape,
                       .argc = 1,
                       .args = &x,
                       .attrc = 1,
                       .attr = &of};
    return node_make(g, &copy);
}

void layout_roots(Entry *e, const FuseOptions *options) {
    Graph *g = &e->graph;
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        Output *o = &e->outputs.at[i];
        g->span = node_at(g, o->node)->span;
        o->node = layout_root(g, o->node);
    }
    for (uint32_t i = 0; i < e->updates.len; i++) {
        Update *u = &e->updates.at[i];
        g->span = node_at(g, u->node)->span;
        if (set_has(options->double_buffered, u->var)) {
            /* Copies of its own: one that another reader shares would have to be made before that, and after all that
             * read the old value. */
            u->node = own_copy(g, own_copy(g, u->node, u->var), u->var);
        }
        u->node = layout_root(g, u->node);
    }
}

/* Of each node: whether it is a concat that is read as a whole, many times: by a contraction, or by a sum of
 * all of it. Its parts are made where it shall lie (fuse.c), so each must have a kernel of its own. */
static bool *find_wholes(const Graph *g, Arena *arena) {
    bool *whole = NEW_ARRAY(arena, bool, g->nodes.len + 1);
    for (NodeId id = g->nodes.len; id-- > 0;) {
        const Node *n = node_at(g, id);
        for (uint32_t i = 0; i < n->argc; i++) {
            NodeId x = n->args[i];
            while (n->op != OP_CONCAT && is_view((Op)node_at(g, x)->op) &&
                   node_at(g, x)->op != OP_PAD)
                x = node_at(g, x)->args[0];
            bool reads = n->op == OP_DOT || n->op == OP_SUM || (n->op == OP_CONCAT && whole[id]);
            if (reads && node_at(g, x)->op == OP_CONCAT) whole[x] = true;
        }
    }
    return whole;
}

typedef struct Parts {
    Graph *g;
    Arena *arena;
    VEC(bool) taken; /* of each new node: it is a part already, or an entry gives it */
} Parts;

static bool *taken(Parts *p, NodeId x) {
    while (p->taken.len <= x) vec_push(p->arena, &p->taken, false);
    return &p->taken.at[x];
}

static NodeId layout_concat(Parts *p, const Node *n, NodeId *args) {
    double v;
    for (uint32_t i = 0; i < n->argc; i++) {
        if (node_uniform(p->g, args[i], &v)) args[i] = node_copy(p->g, args[i]);
        args[i] = layout_root(p->g, args[i]);
        while (*taken(p, args[i])) args[i] = node_copy(p->g, args[i]);
        *taken(p, args[i]) = true;
    }
    return node_again(p->g, n, args);
}

/* A contraction whose only reader takes its axes in another order gives them in that order: so the rows of a
 * convolution are its images. The last axis stays, for the lanes. */
NodeId layout_order(Graph *g, const Node *permute, NodeId dot) {
    Node n = *node_at(g, dot);
    int32_t attr[2 + MAX_RANK] = {n.attr[0], n.attr[1]};
    memcpy(attr + 2, permute->attr, permute->shape.rank * sizeof(int32_t));
    n.shape = permute->shape;
    n.attr = attr;
    n.attrc = 2 + n.shape.rank;
    return node_make(g, &n);
}

/* A contraction that is read in an order whose last axes lie side by side in a short run only, while its left
 * operand has a long one: the lanes run over that, and these axes come last: the gradient of a convolution's
 * images, with the positions in the lanes and not the places of a window. */
static NodeId layout_turned(Graph *g, Arena *arena, const Node *permute, NodeId dot,
                            const Target *target) {
    const Node d = *node_at(g, dot);
    const int rank = d.shape.rank, contracted = d.attr[1];
    const int free_a = node_at(g, d.args[0])->shape.rank - contracted, free_b = rank - free_a;
    const int32_t *order = permute->attr; /* of [free of a, free of b] */
    int place[MAX_RANK], trailing = 0, run_a = 0, run_b;
    if (target->lanes == 1 || free_a == 0 || free_b == 0) return NO_NODE;
    if (layout_windows(g, arena, 0, contracted, d.args[0], d.args[1], target)) return NO_NODE;
    for (int i = 0; i < rank; i++) place[order[i]] = i;
    while (trailing < free_b && order[rank - 1 - trailing] == rank - 1 - trailing) trailing++;
    double used_b =
        lanes_used(run_of(g, arena, d.args[1], free_b, trailing, false, &run_b), target->lanes);
    int most = 1; /* axes of a that are read one after the other */
    while (most < free_a && place[free_a - 1 - most] == place[free_a - most] - 1) most++;
    double used_a =
        lanes_used(run_of(g, arena, d.args[0], free_a, most, false, &run_a), target->lanes);
    if (used_a < 1.25 * used_b || run_a == 0 ||
        !graph_rewrites(g, "a contraction's lanes run over its left operand", dot))
        return NO_NODE;
    int32_t turned[MAX_RANK], back[MAX_RANK], k = 0;
    for (int i = 0; i < rank; i++) {
        if (order[i] < free_a - run_a || order[i] >= free_a) turned[k++] = order[i];
    }
    for (int i = free_a - run_a; i < free_a; i++) turned[k++] = i;
    for (int i = 0; i < rank; i++) back[place[turned[i]]] = i;
    const NodeId other = node_dot(g, d.args[1], d.args[0], 0, contracted);
    Node n = *node_at(g, other);
    int32_t attr[2 + MAX_RANK] = {0, contracted};
    for (int i = 0; i < rank; i++) {
        attr[2 + i] = turned[i] < free_a ? turned[i] + free_b : turned[i] - free_a;
        n.shape.dim[i] = d.shape.dim[turned[i]];
    }
    n.attr = attr;
    n.attrc = 2 + (uint32_t)rank;
    return node_permute(g, node_make(g, &n), back);
}

static bool takes_order(const Graph *old, const Graph *g, const Node *n, const NodeId *args,
                        const uint32_t *uses, const bool *root) {
    if (n->op != OP_PERMUTE || uses[n->args[0]] != 1 || root[n->args[0]]) return false;
    const Node *dot = node_at(g, args[0]);
    /* With batch axes its rows are those of what it reads: attention's, which are wanted as they are. */
    return node_at(old, n->args[0])->op == OP_DOT && dot->op == OP_DOT && dot->attrc == 2 &&
           dot->attr[0] == 0;
}

/* The reader n of a contraction that has it for itself. */
static NodeId layout_reader(Graph *g, Arena *arena, const Node *n, NodeId *args,
                            const FuseOptions *options) {
    NodeId turned = layout_turned(g, arena, n, args[0], options->target);
    int last = n->shape.rank - 1;
    if (turned != NO_NODE) return turned;
    if (n->attr[last] == last &&
        graph_rewrites(g, "a contraction gives its axes in the order that is read", args[0]))
        return layout_order(g, n, args[0]);
    return layout_node(g, arena, n, args, options);
}

void layout_entry(Entry *e, Arena *arena, const FuseOptions *options) {
    const Graph old = e->graph;
    NodeId *to = NEW_ARRAY(arena, NodeId, old.nodes.len + 1);
    const bool *whole = find_wholes(&old, arena);
    bool *root = NEW_ARRAY(arena, bool, old.nodes.len + 1);
    uint32_t *uses = NEW_ARRAY(arena, uint32_t, old.nodes.len + 1);
    for (NodeId id = 0; id < old.nodes.len; id++) {
        for (uint32_t i = 0; i < node_at(&old, id)->argc; i++) uses[node_at(&old, id)->args[i]]++;
    }
    for (uint32_t i = 0; i < e->outputs.len; i++) root[e->outputs.at[i].node] = true;
    for (uint32_t i = 0; i < e->updates.len; i++) root[e->updates.at[i].node] = true;
    Graph g;
    graph_init_like(&g, arena, &old);
    Parts parts = {.g = &g, .arena = arena};
    for (NodeId id = 0; id < old.nodes.len; id++) {
        const Node *n = node_at(&old, id);
        NodeId *args = NEW_ARRAY(arena, NodeId, n->argc + 1);
        for (uint32_t i = 0; i < n->argc; i++) args[i] = to[n->args[i]];
        g.span = n->span;
        const NodeId unwound =
            options->apart ? NO_NODE : layout_unwind(&old, uses, root, to, &g, id, options->target);
        if (unwound != NO_NODE)
            to[id] = unwound;
        else if (n->op == OP_CONCAT && whole[id] && !options->apart)
            to[id] = layout_concat(&parts, n, args);
        else if (!options->apart && takes_order(&old, &g, n, args, uses, root))
            to[id] = layout_reader(&g, arena, n, args, options);
        else
            to[id] = layout_node(&g, arena, n, args, options);
        if (root[id]) *taken(&parts, to[id]) = true;
        if (!node_at(&g, to[id])->name) node_at(&g, to[id])->name = n->name;
    }
    for (uint32_t i = 0; i < e->outputs.len; i++) e->outputs.at[i].node = to[e->outputs.at[i].node];
    for (uint32_t i = 0; i < e->updates.len; i++) e->updates.at[i].node = to[e->updates.at[i].node];
    e->graph = g;
}

/* layout_unwind: the gradient of windows as a contraction of windows. What a convolution passes back is, for each place of a window,
 * a contraction over its filters, and the sum of these where the windows overlap: of an image as many times as a window has
 * places. As the sum over the places and the filters at once it is a contraction itself, of the padded gradient's windows by
 * the filters turned about, and nothing lies between:
 *
 *     sum over i of skew(pad(a . b))[p, c, i] = sum over i and k of pad(a)[p + i, k] b[c, i, k]
 *
 * where a . b is dot(a[h, k], b[c, i, k]): the views between are taken to the operands, one after the other. Of windows that are
 * apart the axes of the places and of their remainders become one on the way (grad_window in grad.c): the contraction has them by
 * themselves, and they become one after it. */
#include "access.h"
#include "cost.h"
#include "fuse.h"

#define MOST_STEPS 24  /* between the sum and its contraction */
#define MOST_MORE  2.2 /* times as many multiplications, for places that are nothing but padding */
#define MOST_PARTS 3   /* axes that are one */

/* An axis of what is looked at, on its way from the contraction to the sum: of the operand with the places (spread), of the one
 * with the filters (fixed), or of both: a window's. */
typedef struct Axis {
    int spread, fixed; /* the operands' axes, or -1 */
} Axis;

/* Some that are one, the first the outermost. */
typedef struct Joined {
    Axis part[MOST_PARTS];
    int parts;
} Joined;

/* An axis of the operand with the places: it is read from `before` places before its first one on, `size` windows. */
typedef struct Spread {
    int32_t whole; /* places that there are */
    int32_t before, size;
    int32_t places, dilation; /* of a window; places 1: none */
    int fixed;                /* the other operand's axis of a window's places */
} Spread;

typedef struct Unwind {
    Graph *g;
    NodeId fixed;            /* the operand as far as the views have been taken to it */
    Spread spread[MAX_RANK]; /* of the axes that are not contracted: `spreads` */
    int spreads, fixeds;
    Joined axis[MAX_RANK];
    int axes;
} Unwind;

static bool is_whole(const Node *n, int i, const Shape *from) {
    return n->attr[3 * i] == 0 && n->attr[3 * i + 1] == 1 && n->shape.dim[i] == from->dim[i];
}

static bool take_slice(Unwind *u, const Node *n, const Shape *from) {
    int32_t start[MAX_RANK] = {0}, stride[MAX_RANK];
    Shape count = node_at(u->g, u->fixed)->shape;
    for (int i = 0; i < count.rank; i++) stride[i] = 1;
    for (int i = 0; i < u->axes; i++) {
        const Axis axis = u->axis[i].part[0];
        if (is_whole(n, i, from)) continue;
        if (u->axis[i].parts > 1 || (axis.spread >= 0 && axis.fixed >= 0)) return false;
        if (axis.fixed >= 0) {
            start[axis.fixed] = n->attr[3 * i];
            stride[axis.fixed] = n->attr[3 * i + 1];
            count.dim[axis.fixed] = n->shape.dim[i];
            continue;
        }
        if (n->attr[3 * i + 1] != 1) return false;
        u->spread[axis.spread].before -= n->attr[3 * i];
        u->spread[axis.spread].size = n->shape.dim[i];
    }
    u->fixed = node_slice(u->g, u->fixed, start, count.dim, stride);
    return true;
}

static bool take_pad(Unwind *u, const Node *n) {
    int32_t front[MAX_RANK] = {0}, back[MAX_RANK] = {0}, none[MAX_RANK] = {0};
    for (int i = 0; i < u->axes; i++) {
        const int32_t before = n->attr[3 * i], after = n->attr[3 * i + 1];
        const Axis axis = u->axis[i].part[0];
        if (before == 0 && after == 0 && n->attr[3 * i + 2] == 0) continue;
        if (u->axis[i].parts > 1 || n->attr[3 * i + 2] != 0) return false;
        if (axis.spread >= 0 && axis.fixed >= 0) return false;
        if (axis.fixed >= 0) {
            front[axis.fixed] = before;
            back[axis.fixed] = after;
            continue;
        }
        Spread *s = &u->spread[axis.spread];
        if (s->places > 1 || s->before < 0 || s->size - s->before < s->whole) return false;
        s->before += before;
        s->size += before + after;
    }
    u->fixed = node_pad(u->g, u->fixed, front, back, none, 0);
    return n->value == 0;
}

static bool take_skew(Unwind *u, const Node *n) {
    Joined *last = &u->axis[u->axes - 1], *along = &u->axis[n->attr[0]];
    if (last->parts > 1 || along->parts > 1) return false;
    if (along->part[0].spread < 0 || along->part[0].fixed >= 0 || last->part[0].spread >= 0)
        return false;
    Spread *s = &u->spread[along->part[0].spread];
    if (s->places > 1) return false;
    s->places = n->shape.dim[n->shape.rank - 1];
    s->dilation = n->attr[1];
    s->fixed = last->part[0].fixed;
    s->size -= (s->places - 1) * s->dilation;
    last->part[0].spread = along->part[0].spread;
    return true;
}

static bool take_sum(Unwind *u, const Node *n) {
    int left = 0;
    for (int i = 0, k = 0; i < u->axes; i++) {
        const Joined *axis = &u->axis[i];
        const bool window =
            axis->parts == 1 && axis->part[0].spread >= 0 && axis->part[0].fixed >= 0;
        const bool summed = k < (int)n->attrc && n->attr[k] == i;
        k += summed;
        if (window != summed) return false;
        if (!summed) u->axis[left++] = u->axis[i];
    }
    u->axes = left;
    return true;
}

/* An axis of the filters becomes several. */
static bool split_fixed(Unwind *u, int axis, const Shape *into) {
    const Shape from = node_at(u->g, u->fixed)->shape;
    const int more = into->rank - 1;
    Shape s = {0};
    if (from.rank + more > MAX_RANK) return false;
    for (int i = 0; i < from.rank; i++) {
        for (int k = 0; i == axis && k < into->rank; k++) s.dim[s.rank++] = into->dim[k];
        if (i != axis) s.dim[s.rank++] = from.dim[i];
    }
    u->fixed = node_reshape(u->g, u->fixed, &s);
    u->fixeds += more;
    for (int i = 0; i < u->spreads; i++)
        if (u->spread[i].places > 1 && u->spread[i].fixed > axis) u->spread[i].fixed += more;
    for (int i = 0; i < u->axes; i++)
        for (int k = 0; k < u->axis[i].parts; k++)
            if (u->axis[i].part[k].fixed > axis) u->axis[i].part[k].fixed += more;
    return true;
}

/* Axes that become one, and one of the filters that becomes several. */
static bool take_reshape(Unwind *u, const Node *n, const Shape *from) {
    Joined next[MAX_RANK];
    int count = 0, i = 0, k = 0;
    Shape a, b;
    for (int first = 0; access_group(from, &n->shape, &i, &k, &a, &b); first = i) {
        if (a.rank == 1 && b.rank > 1) {
            const Axis axis = u->axis[first].part[0];
            if (u->axis[first].parts > 1 || axis.spread >= 0) return false;
            for (int j = 0; j < count; j++) /* these are as u->axis is, when it is split */
                for (int p = 0; p < next[j].parts; p++)
                    if (next[j].part[p].fixed > axis.fixed) next[j].part[p].fixed += b.rank - 1;
            if (!split_fixed(u, axis.fixed, &b)) return false;
            for (int j = 0; j < b.rank; j++)
                next[count++] = (Joined){.part = {{-1, axis.fixed + j}}, .parts = 1};
            continue;
        }
        if (b.rank != 1) return false;
        Joined all = {0};
        for (int j = first; j < i; j++) {
            for (int p = 0; p < u->axis[j].parts; p++) {
                if (all.parts == MOST_PARTS) return false;
                all.part[all.parts++] = u->axis[j].part[p];
            }
        }
        next[count++] = all;
    }
    memcpy(u->axis, next, (size_t)count * sizeof(*next));
    u->axes = count;
    return true;
}

static bool take(Unwind *u, const Node *n, const Shape *from) {
    Joined was[MAX_RANK];
    switch (n->op) {
    case OP_PERMUTE:
        memcpy(was, u->axis, sizeof(was));
        for (int i = 0; i < u->axes; i++) u->axis[i] = was[n->attr[i]];
        return true;
    case OP_SLICE: return take_slice(u, n, from);
    case OP_PAD: return take_pad(u, n);
    case OP_SKEW: return take_skew(u, n);
    case OP_SUM: return take_sum(u, n);
    case OP_RESHAPE: return take_reshape(u, n, from);
    default: return false;
    }
}

/* x with so many places of each axis from start[] on, and zeros before and behind; below a permute, so that it is kept as it lies. */
static NodeId cut_and_pad(Graph *g, NodeId x, const int32_t *start, const int32_t *count,
                          const int32_t *before, const int32_t *after) {
    const Node n = *node_at(g, x);
    const bool below = n.op == OP_PERMUTE;
    int32_t from[MAX_RANK], wanted[MAX_RANK], one[MAX_RANK], front[MAX_RANK], back[MAX_RANK],
        none[MAX_RANK] = {0};
    for (int i = 0; i < n.shape.rank; i++) {
        const int axis = below ? n.attr[i] : i;
        from[axis] = start[i], wanted[axis] = count[i], one[axis] = 1;
        front[axis] = before[i], back[axis] = after[i];
    }
    NodeId part = node_slice(g, below ? n.args[0] : x, from, wanted, one);
    part = node_pad(g, part, front, back, none, 0);
    return below ? node_permute(g, part, n.attr) : part;
}

/* The operand with the places: padded, or cut, as far as windows go, and these. */
static NodeId windows_of(const Unwind *u, NodeId x) {
    Graph *g = u->g;
    Shape count = node_at(g, x)->shape;
    int32_t start[MAX_RANK] = {0}, before[MAX_RANK] = {0}, after[MAX_RANK] = {0};
    for (int i = 0; i < u->spreads; i++) {
        const Spread *s = &u->spread[i];
        const int32_t first = -s->before, end = first + s->size + (s->places - 1) * s->dilation;
        if (first >= s->whole || end <= 0) return NO_NODE;
        if (first > 0) start[i] = first;
        if (first < 0) before[i] = -first;
        if (end > s->whole) after[i] = end - s->whole;
        count.dim[i] = end - after[i] - start[i];
    }
    x = cut_and_pad(g, x, start, count.dim, before, after);
    for (int i = 0; i < u->spreads; i++) {
        const Spread *s = &u->spread[i];
        if (s->places > 1) x = node_window(g, x, i, s->places, 1, s->dilation);
    }
    return x;
}

/* The operand with the filters: its own axes, what was contracted, and the windows' in the order of windows_of. own[]: which
 * of its axes are its own. */
static NodeId filters_of(const Unwind *u, const bool *own) {
    int32_t axes[MAX_RANK], count = 0;
    for (int i = 0; i < node_at(u->g, u->fixed)->shape.rank; i++)
        if (i >= u->fixeds || own[i]) axes[count++] = i;
    for (int i = 0; i < u->spreads; i++)
        if (u->spread[i].places > 1) axes[count++] = u->spread[i].fixed;
    return node_permute(u->g, u->fixed, axes);
}

/* The contraction, when all views are taken to the operands; x is that with the places. `length`: places that are contracted already,
 * `was`: multiplications until now. The result has that shape. */
static NodeId contract(Unwind *u, NodeId x, int contracted, double length, double was,
                       const Shape *shape, const Target *target) {
    Graph *g = u->g;
    bool own[MAX_RANK];
    int32_t order[MAX_RANK], windows = 0, before[MAX_RANK], owns = 0;
    int64_t longest = 1, places = 1;
    double products = length, elems; /* of the windows */
    for (int i = 0; i < u->fixeds; i++) own[i] = true;
    for (int i = 0; i < u->spreads; i++) {
        if (u->spread[i].places > 1) own[u->spread[i].fixed] = false;
        windows += u->spread[i].places > 1;
        places *= u->spread[i].size;
        products *= u->spread[i].places;
    }
    elems = products * (double)places;
    if (node_at(g, x)->shape.rank + windows > MAX_RANK || elems > MAX_ELEMS) return NO_NODE;
    for (int i = 0; i < u->fixeds; i++) {
        const int32_t size = node_at(g, u->fixed)->shape.dim[i];
        before[i] = owns;
        if (!own[i]) continue;
        owns++;
        products *= size;
        if (size > longest) longest = size;
    }
    products *= (double)places;
    if (owns + u->spreads > MAX_RANK) return NO_NODE;
    if (!windows || products > MOST_MORE * was || !cost_crosses(target, longest, places, products))
        return NO_NODE;
    const NodeId spread = windows_of(u, x);
    if (spread == NO_NODE) return NO_NODE;
    Axis axes[MAX_RANK];
    int32_t back[MAX_RANK];
    int count = 0, stored = 0;
    for (int i = 0; i < u->axes; i++)
        for (int p = 0; p < u->axis[i].parts; p++) axes[count++] = u->axis[i].part[p];
    /* The filters' axes are stored behind the first one of the places, and before the others, whatever the order that is read. */
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < count; i++) {
            const Axis axis = axes[i];
            const int when = axis.spread < 0 ? 1 : axis.spread == 0 && i == 0 ? 0 : 2;
            if (when != turn) continue;
            back[i] = stored;
            order[stored++] = axis.spread >= 0 ? owns + axis.spread : before[axis.fixed];
        }
    }
    const NodeId dot = node_dot(g, filters_of(u, own), spread, 0, contracted + windows);
    NodeId turned = node_permute(g, dot, order);
    /* As it is, or with its operands the other way round, it may have that order already. */
    if (node_at(g, turned)->op != OP_DOT) turned = layout_order(g, node_at(g, turned), dot);
    return node_reshape(g, node_permute(g, turned, back), shape);
}

/* The steps from a contraction of a and b to the sum, first to last; `spread`: which of the two has the places. */
static NodeId unwind(Graph *g, const Node *dot, const NodeId *operand, int spread,
                     const Node *const *steps, uint32_t count, const Target *target) {
    const int contracted = dot->attr[1];
    const NodeId x = operand[spread];
    const Shape sx = node_at(g, x)->shape;
    Unwind u = {.g = g, .fixed = operand[1 - spread], .axes = dot->shape.rank};
    double length = 1;
    u.spreads = sx.rank - contracted;
    u.fixeds = u.axes - u.spreads;
    for (int i = 0; i < u.spreads; i++)
        u.spread[i] = (Spread){.whole = sx.dim[i], .size = sx.dim[i], .places = 1};
    for (int i = u.spreads; i < sx.rank; i++) length *= sx.dim[i];
    for (int i = 0; i < u.axes; i++) {
        const int place = dot->attrc > 2 ? dot->attr[2 + i] : i;
        const int of_spread = spread == 0 ? place : place - u.fixeds;
        const int of_fixed = spread == 0 ? place - u.spreads : place;
        const bool is_spread = of_spread >= 0 && of_spread < u.spreads;
        u.axis[i] = (Joined){.part = {is_spread ? (Axis){of_spread, -1} : (Axis){-1, of_fixed}},
                             .parts = 1};
    }
    const Shape *from = &dot->shape;
    for (uint32_t i = 0; i < count; from = &steps[i++]->shape)
        if (!take(&u, steps[i], from)) return NO_NODE;
    return contract(&u, x, contracted, length, (double)shape_elems(&dot->shape) * length, from,
                    target);
}

NodeId layout_unwind(const Graph *old, const uint32_t *uses, const bool *root, const NodeId *to,
                     Graph *g, NodeId id, const Target *target) {
    const Node *steps[MOST_STEPS], *n = node_at(old, id);
    uint32_t count = 0, sums = 0, skews = 0;
    if (target->lanes == 1 || (n->op != OP_SUM && n->op != OP_SLICE)) return NO_NODE;
    for (NodeId at = id; n->op != OP_DOT; n = node_at(old, at)) {
        if (count == MOST_STEPS || n->argc != 1) return NO_NODE;
        if (at != id && (uses[at] != 1 || root[at])) return NO_NODE;
        sums += n->op == OP_SUM;
        skews += n->op == OP_SKEW;
        memmove(steps + 1, steps, count++ * sizeof(*steps));
        steps[0] = n;
        at = n->args[0];
        if (node_at(old, at)->op == OP_DOT && (uses[at] != 1 || root[at])) return NO_NODE;
    }
    if (sums != 1 || skews == 0 || n->attr[0] != 0 || n->dtype != DT_F32) return NO_NODE;
    const NodeId operand[2] = {to[n->args[0]], to[n->args[1]]};
    for (int spread = 0; spread < 2; spread++) {
        NodeId dot = unwind(g, n, operand, spread, steps, count, target);
        if (dot != NO_NODE &&
            graph_rewrites(g, "the gradient of windows is a contraction of windows", dot))
            return dot;
    }
    return NO_NODE;
}

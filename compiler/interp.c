/* interp: the reference interpreter. The value of every node of a graph in double precision, by the
 * plainest code that computes it: what kernels and gradients are held against.
 *
 * Requires: the graph passes graph_verify; vars[i] has the elements of each variable that it reads.
 * Establishes: results[id] holds the elements of node id, row-major; of a node inside a loop, as its last
 * iteration left them. f32 values are not rounded (but see interp_run_f32), i32 values wrap as on a device,
 * bools are 0 or 1; what is of f16, bf16 or u8 is rounded as there. */
#include "lives.h"

#include <float.h>
#include <math.h>

/* What evaluating one node needs. */
typedef struct Eval {
    const Graph *g;
    const Node *n;
    const Shape *in;       /* the first operand's shape; NULL for leaves */
    const double *x;       /* the operands' elements; NULL beyond the arity */
    const double *y, *z;   /* */
    double *const *values; /* of all nodes before this one */
    double *out;
    int64_t elems; /* of out */
    uint64_t way;  /* of rounding f32; 0: not at all */
} Eval;

/* How far apart neighbours along each axis are. */
static void strides(const Shape *s, int64_t *stride) {
    int64_t each = 1;
    for (int axis = s->rank; axis-- > 0; each *= s->dim[axis]) stride[axis] = each;
}

/* Goes on to the next element of a tensor: its coordinates, and a place that moves by so much along each axis. */
static int64_t next_place(const Shape *s, const int64_t *stride, int64_t *at, int64_t place) {
    for (int axis = s->rank; axis-- > 0;) {
        place += stride[axis];
        if (++at[axis] < s->dim[axis]) return place;
        place -= at[axis] * stride[axis];
        at[axis] = 0;
    }
    return place;
}

/* The product of `count` dimensions from axis `first`. */
static int64_t extent(const Shape *s, int first, int count) {
    int64_t n = 1;
    for (int i = first; i < first + count; i++) n *= s->dim[i];
    return n;
}

/* A number as its type holds it. */
static double as_type(uint8_t type, double v) {
    if (type != DT_I32) return v;
    if (isnan(v)) return 0;
    if (fabs(v) > 9007199254740992.0) return v < 0 ? INT32_MIN : INT32_MAX;
    return (double)(int32_t)(uint32_t)(int64_t)v;
}

#define BITS_MORE 29 /* of a double than of f32 */

/* A number as f32. Which neighbour it becomes is decided by the number itself and the way, so that equal
 * numbers stay equal; what f32 holds stays as it is. Way 1 is to the nearest, others go up as likely as the number
 * is near to the one above. */
static inline double to_f32(double v, uint64_t way) {
    uint64_t bits;
    if (way == 1 || fabs(v) > FLT_MAX) return (float)v;
    memcpy(&bits, &v, sizeof bits);
    bits += (bits ^ way * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u >> (64 - BITS_MORE);
    bits &= ~(((uint64_t)1 << BITS_MORE) - 1);
    memcpy(&v, &bits, sizeof bits);
    return v;
}

/* A number as the node holds it. */
static double as_held(const Eval *e, double v) {
    if (e->n->dtype != DT_F32) return as_type(e->n->dtype, v);
    return e->way ? to_f32(v, e->way) : v;
}

static double greater(double a, double b) {
    if (isnan(a) || isnan(b)) return NAN;
    return a > b ? a : b;
}

/* ---- One function an operator or family ------------------------------------------------------ */

static void eval_elementwise(const Eval *e) {
    double (*const host)(Op, double, double, double) =
        e->n->dtype == DT_I32 ? op_host_whole : op_host;
    for (int64_t i = 0; i < e->elems; i++) {
        double v = host((Op)e->n->op, e->x[i], e->y ? e->y[i] : 0, e->z ? e->z[i] : 0);
        e->out[i] = as_type(e->n->dtype, v);
    }
}

static void eval_cast(const Eval *e) {
    for (int64_t i = 0; i < e->elems; i++) e->out[i] = dtype_cast((DType)e->n->dtype, e->x[i]);
}

static void eval_gradsum(const Eval *e) {
    for (int64_t i = 0; i < e->elems; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < e->n->argc; k++)
            sum = as_held(e, sum + e->values[e->n->args[k]][i]);
        e->out[i] = sum;
    }
}

/* Each element of a view is at a place that moves by so much along each of its axes. */
static void eval_view(const Eval *e) {
    const int32_t *attr = e->n->attr;
    const int last = e->n->shape.rank - 1;
    int64_t from[MAX_RANK], stride[MAX_RANK], at[MAX_RANK] = {0}, place = 0;
    strides(e->in, from);
    for (int axis = 0; axis <= last; axis++) {
        switch (e->n->op) {
        case OP_PERMUTE: stride[axis] = from[attr[axis]]; break;
        case OP_WINDOW: /* the last axis is the place in the window */
            stride[axis] = axis == e->in->rank ? from[attr[0]] * attr[2]
                           : axis == attr[0]   ? from[axis] * attr[1]
                                               : from[axis];
            break;
        case OP_SKEW:
            stride[axis] = from[axis] + (axis == last ? from[attr[0]] * attr[1] : 0);
            break;
        case OP_EXPAND: stride[axis] = e->in->dim[axis] == 1 ? 0 : from[axis]; break;
        default: /* SLICE */
            place += attr[3 * axis] * from[axis];
            stride[axis] = attr[3 * axis + 1] * from[axis];
            break;
        }
    }
    for (int64_t i = 0; i < e->elems; i++) {
        e->out[i] = e->x[place];
        place = next_place(&e->n->shape, stride, at, place);
    }
}

/* Each element of x goes to its place among zeros, or whatever stands between. */
static void eval_pad(const Eval *e) {
    const int32_t *attr = e->n->attr;
    int64_t stride[MAX_RANK], at[MAX_RANK] = {0}, place = 0, elems = shape_elems(e->in);
    strides(&e->n->shape, stride);
    for (int axis = 0; axis < e->in->rank; axis++) {
        place += attr[3 * axis] * stride[axis];
        stride[axis] *= 1 + attr[3 * axis + 2];
    }
    for (int64_t i = 0; i < e->elems; i++) e->out[i] = e->n->value;
    for (int64_t i = 0; i < elems; i++) {
        e->out[place] = e->x[i];
        place = next_place(e->in, stride, at, place);
    }
}

static void eval_concat(const Eval *e) {
    const Shape *s = &e->n->shape;
    int axis = e->n->attr[0];
    int64_t begin = 0, inner = extent(s, axis + 1, s->rank - axis - 1);
    for (uint32_t k = 0; k < e->n->argc; k++) {
        const int64_t each = node_at(e->g, e->n->args[k])->shape.dim[axis] * inner;
        for (int64_t i = 0; i < extent(s, 0, axis); i++)
            memcpy(e->out + i * s->dim[axis] * inner + begin, e->values[e->n->args[k]] + i * each,
                   (size_t)each * sizeof(double));
        begin += each;
    }
}

#define AT_ONCE 4 /* sums, each in its order: one alone waits for each addition */

/* out[b, m, n] = the sum over k of x[b, m, k] * y[b, n, k]; each letter stands for a group of axes. */
static void eval_dot(const Eval *e) {
    const Shape *sx = e->in, *sy = &node_at(e->g, e->n->args[1])->shape;
    int batch = e->n->attr[0], contracted = e->n->attr[1];
    int64_t B = extent(sx, 0, batch), K = extent(sx, sx->rank - contracted, contracted);
    int64_t M = extent(sx, batch, sx->rank - batch - contracted);
    int64_t N = extent(sy, batch, sy->rank - batch - contracted);
    const bool floats = e->n->dtype == DT_F32;
    for (int64_t b = 0; b < B; b++) {
        for (int64_t m = 0; m < M; m++) {
            const double *x = e->x + (b * M + m) * K;
            for (int64_t n = 0; n < N; n += AT_ONCE) {
                double sum[AT_ONCE] = {0};
                const double *y[AT_ONCE];
                for (int i = 0; i < AT_ONCE; i++) /* beyond the last the last again */
                    y[i] = e->y + (b * N + (n + i < N ? n + i : N - 1)) * K;
                for (int64_t k = 0; k < K && !e->way; k++)
                    for (int i = 0; i < AT_ONCE; i++) sum[i] += x[k] * y[i][k];
                for (int64_t k = 0; k < K && e->way; k++)
                    for (int i = 0; i < AT_ONCE; i++) {
                        double more = sum[i] + x[k] * y[i][k];
                        sum[i] = floats ? to_f32(more, e->way) : as_type(e->n->dtype, more);
                    }
                for (int i = 0; i < AT_ONCE && n + i < N; i++)
                    e->out[(b * M + m) * N + n + i] = as_type(e->n->dtype, sum[i]);
            }
        }
    }
}

static bool is_reduced(const Node *n, int axis) {
    for (uint32_t i = 0; i < n->attrc; i++) {
        if (n->attr[i] == axis) return true;
    }
    return false;
}

/* How far the result moves along each axis of what is reduced: not at all along those that are. */
static void reduced_strides(const Eval *e, int64_t *stride) {
    int64_t kept[MAX_RANK];
    int rank = 0;
    strides(&e->n->shape, kept);
    for (int axis = 0; axis < e->in->rank; axis++)
        stride[axis] = is_reduced(e->n, axis) ? 0 : kept[rank++];
}

static void eval_reduce(const Eval *e) {
    bool max = e->n->op == OP_RMAX;
    int64_t stride[MAX_RANK], at[MAX_RANK] = {0}, place = 0, elems = shape_elems(e->in);
    double least = e->n->dtype == DT_I32 ? INT32_MIN : e->n->dtype == DT_BOOL ? 0 : -INFINITY;
    reduced_strides(e, stride);
    for (int64_t i = 0; i < e->elems; i++) e->out[i] = max ? least : 0;
    for (int64_t i = 0; i < elems; i++) {
        double *out = &e->out[place];
        *out = as_held(e, max ? greater(*out, e->x[i]) : *out + e->x[i]);
        place = next_place(e->in, stride, at, place);
    }
}

/* The first of the greatest, or the first NaN: as the greatest of them is NaN then. */
static void eval_argmax(const Eval *e) {
    int axis = e->n->attr[0];
    int64_t count = e->in->dim[axis];
    int64_t inner = extent(e->in, axis + 1, e->in->rank - axis - 1);
    for (int64_t i = 0; i < e->elems; i++) {
        const double *line = e->x + i / inner * count * inner + i % inner;
        int64_t best = 0;
        for (int64_t k = 1; k < count; k++) {
            double top = line[best * inner], x = line[k * inner];
            if (x > top || (isnan(x) && !isnan(top))) best = k;
        }
        e->out[i] = (double)best;
    }
}

/* out[index..., rest...] = x[y[index...], rest...]. */
static void eval_take(const Eval *e) {
    int64_t rows = e->in->dim[0], rest = extent(e->in, 1, e->in->rank - 1);
    for (int64_t i = 0; i < e->elems; i++) {
        double row = e->y[i / rest];
        bool inside = row >= 0 && row < (double)rows;
        double outside = dtype_is_float((DType)e->n->dtype) ? NAN : 0;
        e->out[i] = inside ? e->x[(int64_t)row * rest + i % rest] : outside;
    }
}

/* out[y[i], rest] += x[i, rest], from the first i to the last. */
static void eval_scatter(const Eval *e) {
    int64_t rest = extent(&e->n->shape, 1, e->n->shape.rank - 1), rows = e->n->shape.dim[0];
    for (int64_t i = 0; i < e->elems; i++) e->out[i] = 0;
    for (int64_t i = 0; i < shape_elems(e->in) / rest; i++) {
        if (e->y[i] < 0 || e->y[i] >= (double)rows) continue;
        double *out = e->out + (int64_t)e->y[i] * rest;
        for (int64_t k = 0; k < rest; k++) out[k] = as_held(e, out[k] + e->x[i * rest + k]);
    }
}

static void eval(const Eval *e, double *const *vars) {
    size_t bytes = (size_t)e->elems * sizeof(double);
    switch ((Op)e->n->op) {
    case OP_VAR: memcpy(e->out, vars[e->n->attr[0]], bytes); break;
    case OP_CONST: e->out[0] = e->n->value; break;
    case OP_LITERAL: memcpy(e->out, e->n->values, bytes); break;
    case OP_IOTA:
        for (int64_t i = 0; i < e->elems; i++) e->out[i] = (double)i;
        break;
    case OP_CAST: eval_cast(e); break;
    case OP_GRADSUM: eval_gradsum(e); break;
    case OP_STOP:
    case OP_COPY:
    case OP_NAMED:
    case OP_RESHAPE: memcpy(e->out, e->x, bytes); break;
    case OP_PERMUTE:
    case OP_EXPAND:
    case OP_WINDOW:
    case OP_SKEW:
    case OP_SLICE: eval_view(e); break;
    case OP_SCATTER: eval_scatter(e); break;
    case OP_PAD: eval_pad(e); break;
    case OP_CONCAT: eval_concat(e); break;
    case OP_DOT: eval_dot(e); break;
    case OP_SUM:
    case OP_RMAX: eval_reduce(e); break;
    case OP_ARGMAX: eval_argmax(e); break;
    case OP_TAKE: eval_take(e); break;
    default: eval_elementwise(e); break;
    }
    for (int64_t i = 0; e->way && i < e->elems; i++) e->out[i] = as_held(e, e->out[i]);
}

/* ---- Tangents: how values change along a direction ---------------------------------------------- */

/* The derivative of an elementwise operator by operand k, by differences: five points, an error of h^4.
 * Source: Abramowitz & Stegun 1964, 25.3.6. It knows nothing of the rules of grad.c. */
static double slope(Op op, const double *at, int k) {
    const double h = 1e-3;
    static const double place[4] = {-2, -1, 1, 2}, weight[4] = {1, -8, 8, -1};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double x[3] = {at[0], at[1], at[2]};
        x[k] += place[i] * h;
        sum += weight[i] * op_host(op, x[0], x[1], x[2]);
    }
    return sum / (12 * h);
}

static void tangent_elementwise(const Eval *e, double *const *tangents) {
    const double *x[3] = {e->x, e->y, e->z};
    for (int64_t i = 0; i < e->elems; i++) {
        double at[3] = {0, 0, 0};
        e->out[i] = 0;
        for (uint32_t k = 0; k < e->n->argc; k++) at[k] = x[k][i];
        for (uint32_t k = 0; k < e->n->argc; k++) {
            double d = tangents[e->n->args[k]][i];
            if (d != 0) e->out[i] += d * slope((Op)e->n->op, at, (int)k);
        }
    }
}

/* The mean change of those that are the greatest. `best`: the results. */
static void tangent_reduce_max(const Eval *e, const double *best, const double *dx) {
    double *count = e->out + e->elems; /* the caller gives room */
    int64_t stride[MAX_RANK], at[MAX_RANK] = {0}, o = 0;
    reduced_strides(e, stride);
    for (int64_t i = 0; i < e->elems; i++) e->out[i] = count[i] = 0;
    for (int64_t i = 0; i < shape_elems(e->in); i++) {
        if (e->x[i] == best[o]) e->out[o] += dx[i], count[o]++;
        o = next_place(e->in, stride, at, o);
    }
    for (int64_t i = 0; i < e->elems; i++) e->out[i] /= count[i] > 0 ? count[i] : 1;
}

/* The tangent of a node whose value is in `value`. Operators that are linear are applied to tangents. */
static void tangent(const Eval *value, double *const *dvars, double *const *tangents) {
    Eval e = *value;
    const Node *n = e.n;
    const double *dx = n->argc ? tangents[n->args[0]] : NULL;
    double *best = value->out;
    e.out = tangents[n - e.g->nodes.at];
    if (dtype_counts_as((DType)n->dtype) != DT_F32) {
        memset(e.out, 0, (size_t)e.elems * sizeof(double));
        return;
    }
    if (op_info[n->op].elementwise) {
        tangent_elementwise(&e, tangents);
        return;
    }
    switch ((Op)n->op) {
    case OP_VAR: memcpy(e.out, dvars[n->attr[0]], (size_t)e.elems * sizeof(double)); break;
    case OP_CAST:
        for (int64_t i = 0; i < e.elems; i++) e.out[i] = dx[i]; /* of what is whole: 0 already */
        break;
    case OP_DOT: {
        double *left = e.out + e.elems;
        e.x = dx;
        eval_dot(&e);
        memcpy(left, e.out, (size_t)e.elems * sizeof(double));
        e.x = value->x;
        e.y = tangents[n->args[1]];
        eval_dot(&e);
        for (int64_t i = 0; i < e.elems; i++) e.out[i] += left[i];
        break;
    }
    case OP_RMAX: tangent_reduce_max(&e, best, dx); break;
    case OP_TAKE:
        e.x = dx;
        eval_take(&e);
        for (int64_t i = 0; i < e.elems; i++) e.out[i] = isnan(e.out[i]) ? 0 : e.out[i];
        break;
    case OP_PAD: {
        Node plain = *n;
        plain.value = 0;
        e.n = &plain;
        e.x = dx;
        eval_pad(&e);
        break;
    }
    case OP_CONST:
    case OP_LITERAL:
    case OP_IOTA:
    case OP_STOP: memset(e.out, 0, (size_t)e.elems * sizeof(double)); break;
    default: /* sums, concat and views: linear */
        e.x = dx;
        e.values = tangents;
        eval(&e, dvars);
    }
}

/* ---- Loops ----------------------------------------------------------------------------------- */

typedef struct Block { /* memory that held a value which nothing needs any more */
    double *at;
    int64_t elems;
} Block;

typedef struct Interp {
    const Graph *g;
    Arena *arena;
    double *const *vars, *const *dvars;
    double **results, **tangents; /* tangents NULL: not wanted */
    double **spare[2];            /* of each carry: room for its next value; of its tangent */
    VEC(NodeId) * inside;         /* of each loop, 0 the top: its nodes, ascending */
    int32_t *turn;                /* of each loop: the number of the iteration */
    uint64_t way;                 /* see Eval */
    const Lives *lives;           /* NULL: all values are kept */
    int64_t *room; /* of each node: elements of its memory, if that is used again; else 0 */
    VEC(Block) free;
} Interp;

static void run_inside(Interp *in, uint32_t loop);

/* A copy of a value, in `to` if that is not NULL. */
static double *copy_elems(Interp *in, double *to, double *const *of, NodeId from) {
    int64_t elems = shape_elems(&node_at(in->g, from)->shape);
    if (!to) to = NEW_ARRAY(in->arena, double, elems);
    return memcpy(to, of[from], (size_t)elems * sizeof(double));
}

/* Memory for a value outside of loops. */
static double *new_value(Interp *in, NodeId id, int64_t elems) {
    uint32_t best = UINT32_MAX;
    if (!in->lives || elems < LEAST_AGAIN) return NEW_ARRAY(in->arena, double, elems);
    for (uint32_t i = 0; i < in->free.len; i++) {
        int64_t room = in->free.at[i].elems;
        bool fits = room >= elems && room / 2 <= elems;
        if (fits && (best == UINT32_MAX || room < in->free.at[best].elems)) best = i;
    }
    in->room[id] = elems;
    if (best == UINT32_MAX) return NEW_ARRAY(in->arena, double, elems);
    Block b = in->free.at[best];
    in->free.at[best] = in->free.at[--in->free.len];
    in->room[id] = b.elems;
    return b.at;
}

/* Gives back what is needed for the last time by node `at`. */
static void end_values(Interp *in, NodeId at) {
    for (NodeId id = in->lives->first[at]; id != NO_NODE; id = in->lives->next[id]) {
        if (in->room[id]) vec_push(in->arena, &in->free, (Block){in->results[id], in->room[id]});
        in->room[id] = 0;
        in->results[id] = NULL;
    }
}

/* All iterations: the carries from their initial values, the stacks filled on the way. What a body
 * computes takes the place of what the iteration before computed. */
static void run_loop(Interp *in, NodeId scan) {
    const Node *n = node_at(in->g, scan);
    uint32_t loop = (uint32_t)n->attr[0], carries = n->argc / 2;
    const GraphLoop *l = &in->g->loops.at[loop];
    double **planes[2] = {in->results, in->tangents};
    VEC(NodeId) stacks = {0};
    for (NodeId id = scan; id < in->g->nodes.len; id++) {
        const Node *stack = node_at(in->g, id);
        if (stack->op == OP_STACK && stack->args[0] == scan) vec_push(in->arena, &stacks, id);
    }
    for (int p = 0; p < 2 && planes[p]; p++) {
        for (uint32_t k = 0; k < carries; k++) {
            const NodeId carry = n->args[k];
            planes[p][carry] =
                copy_elems(in, planes[p][carry], planes[p], node_at(in->g, carry)->args[0]);
        }
        for (uint32_t i = 0; i < stacks.len; i++) {
            const NodeId id = stacks.at[i];
            if (!planes[p][id]) /* of a loop in a loop it is there from the turn before */
                planes[p][id] = new_value(in, id, shape_elems(&node_at(in->g, id)->shape));
        }
        if (!planes[p][scan]) planes[p][scan] = NEW_ARRAY(in->arena, double, 1);
    }
    for (in->turn[loop] = 0; in->turn[loop] < l->trips; in->turn[loop]++) {
        run_inside(in, loop);
        for (int p = 0; p < 2 && planes[p]; p++) {
            for (uint32_t i = 0; i < stacks.len; i++) {
                const Node *stack = node_at(in->g, stacks.at[i]);
                int64_t each = shape_elems(&stack->shape) / l->trips;
                memcpy(planes[p][stacks.at[i]] + in->turn[loop] * each, planes[p][stack->args[1]],
                       (size_t)each * sizeof(double));
            }
            for (uint32_t k = 0; k < carries; k++) {
                double **next = &in->spare[p][n->args[k]];
                *next = copy_elems(in, *next, planes[p], n->args[carries + k]);
            }
            for (uint32_t k = 0; k < carries; k++) {
                double **next = &in->spare[p][n->args[k]], *was = planes[p][n->args[k]];
                planes[p][n->args[k]] = *next;
                *next = was;
            }
        }
    }
    in->results[scan][0] = l->trips;
}

static void run_node(Interp *in, NodeId id) {
    const Node *n = node_at(in->g, id);
    double **planes[2] = {in->results, in->tangents};
    if (n->op == OP_CARRY || n->op == OP_STACK) return; /* run_loop's */
    if (n->op == OP_SCAN) {
        run_loop(in, id);
        return;
    }
    if (n->op == OP_FINAL) {
        for (int p = 0; p < 2 && planes[p]; p++)
            planes[p][id] = planes[p][node_at(in->g, n->args[0])->args[n->attr[0]]];
        return;
    }
    Eval e = {
        .g = in->g, .n = n, .values = in->results, .elems = shape_elems(&n->shape), .way = in->way};
    if (n->argc > 0) e.in = &node_at(in->g, n->args[0])->shape;
    if (n->argc > 0) e.x = in->results[n->args[0]];
    if (n->argc > 1) e.y = in->results[n->args[1]];
    if (n->argc > 2) e.z = in->results[n->args[2]];
    for (int p = 0; p < 2 && planes[p]; p++) /* the tangent needs room for another as large */
        if (!planes[p][id])
            planes[p][id] = n->loop ? NEW_ARRAY(in->arena, double, e.elems *(p + 1))
                                    : new_value(in, id, e.elems * (p + 1));
    e.out = in->results[id];
    if (n->op == OP_ITERATION) {
        e.out[0] = in->turn[n->attr[0]];
    } else if (n->op == OP_AT) {
        int64_t row = (int64_t)n->attr[1] * in->turn[n->attr[0]] + n->attr[2];
        for (int p = 0; p < 2 && planes[p]; p++)
            memcpy(planes[p][id], planes[p][n->args[0]] + row * e.elems,
                   (size_t)e.elems * sizeof(double));
    } else {
        eval(&e, in->vars);
        if (in->tangents) tangent(&e, in->dvars, in->tangents);
    }
}

static void run_inside(Interp *in, uint32_t loop) {
    for (uint32_t i = 0; i < in->inside[loop].len; i++) {
        const NodeId id = in->inside[loop].at[i];
        run_node(in, id);
        if (in->lives && loop == 0) end_values(in, id);
    }
}

static void run(Interp *in) {
    const Graph *g = in->g;
    in->turn = NEW_ARRAY(in->arena, int32_t, g->loops.len);
    in->inside = arena_alloc(in->arena, g->loops.len * sizeof(*in->inside));
    in->room = NEW_ARRAY(in->arena, int64_t, g->nodes.len + 1);
    for (int p = 0; p < 2; p++) in->spare[p] = NEW_ARRAY(in->arena, double *, g->nodes.len + 1);
    for (NodeId id = 0; id < g->nodes.len; id++) {
        in->results[id] = NULL;
        if (in->tangents) in->tangents[id] = NULL;
        vec_push(in->arena, &in->inside[node_at(g, id)->loop], id);
    }
    run_inside(in, 0);
}

void interp_run(const Graph *g, Arena *arena, double *const *vars, double **results) {
    Interp in = {.g = g, .arena = arena, .vars = vars, .results = results};
    run(&in);
}

void interp_run_some(const Graph *g, Arena *arena, double *const *vars, uint64_t way,
                     const bool *keep, double **results) {
    const Lives lives = lives_of(g, arena, keep);
    Interp in = {
        .g = g, .arena = arena, .vars = vars, .results = results, .way = way, .lives = &lives};
    run(&in);
}

void interp_run_f32(const Graph *g, Arena *arena, double *const *vars, uint64_t way,
                    double **results) {
    Interp in = {.g = g, .arena = arena, .vars = vars, .results = results, .way = way};
    run(&in);
}

void interp_tangent(const Graph *g, Arena *arena, double *const *vars, double *const *dvars,
                    double **results, double **tangents) {
    Interp in = {.g = g,
                 .arena = arena,
                 .vars = vars,
                 .dvars = dvars,
                 .results = results,
                 .tangents = tangents};
    run(&in);
}

/* interp: the reference interpreter. The value of every node of a graph in double precision, by the
 * plainest code that computes it: what kernels and gradients are held against.
 *
 * Requires: the graph passes graph_verify; vars[i] has the elements of each variable that it reads.
 * Establishes: results[id] holds the elements of node id, row-major; of a node inside a loop, as its last
 * iteration left them. f32 values are not rounded (but see interp_run_f32), i32 values wrap as on a device,
 * bools are 0 or 1; what is of f16, bf16 or u8 is rounded as there. */
#include "ir.h"

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

/* The coordinates of element i of a tensor. */
static void unravel(const Shape *s, int64_t i, int64_t *at) {
    for (int axis = s->rank; axis-- > 0;) {
        at[axis] = i % s->dim[axis];
        i /= s->dim[axis];
    }
}

/* The place of the element at these coordinates. */
static int64_t ravel(const Shape *s, const int64_t *at) {
    int64_t i = 0;
    for (int axis = 0; axis < s->rank; axis++) i = i * s->dim[axis] + at[axis];
    return i;
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

/* A number as f32. Which neighbour it becomes is decided by the number itself and the way, so that equal
 * numbers stay equal; what f32 holds stays as it is. Way 1 is to the nearest. */
static double to_f32(double v, uint64_t way) {
    float nearest = (float)v;
    uint64_t bits;
    if ((double)nearest == v || !isfinite(nearest) || way == 1) return nearest;
    memcpy(&bits, &v, sizeof bits);
    bits = (bits ^ way * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ bits >> 31) * 0x94d049bb133111ebu;
    double off = (double)(bits >> 11) / 4503599627370496.0 - 1;
    return (float)(v + v * off * 0x1p-24);
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

/* out[at] = x[from], from a function of at. */
static void eval_view(const Eval *e) {
    const int32_t *attr = e->n->attr;
    int64_t at[MAX_RANK], from[MAX_RANK];
    for (int64_t i = 0; i < e->elems; i++) {
        unravel(&e->n->shape, i, at);
        for (int axis = 0; axis < e->n->shape.rank; axis++) {
            switch (e->n->op) {
            case OP_PERMUTE: from[attr[axis]] = at[axis]; break;
            case OP_WINDOW: /* the last axis is the place in the window */
                if (axis == e->in->rank) break;
                from[axis] = at[axis];
                if (axis == attr[0]) from[axis] = at[axis] * attr[1] + at[e->in->rank] * attr[2];
                break;
            case OP_SKEW:
                from[axis] = at[axis];
                if (axis == attr[0]) from[axis] += at[e->in->rank - 1] * attr[1];
                break;
            case OP_EXPAND: from[axis] = e->in->dim[axis] == 1 ? 0 : at[axis]; break;
            default: /* SLICE */ from[axis] = attr[3 * axis] + at[axis] * attr[3 * axis + 1]; break;
            }
        }
        e->out[i] = e->x[ravel(e->in, from)];
    }
}

/* Each element of x goes to its place among zeros, or whatever stands between. */
static void eval_pad(const Eval *e) {
    const int32_t *attr = e->n->attr;
    int64_t at[MAX_RANK];
    for (int64_t i = 0; i < e->elems; i++) e->out[i] = e->n->value;
    for (int64_t i = 0; i < shape_elems(e->in); i++) {
        unravel(e->in, i, at);
        for (int axis = 0; axis < e->in->rank; axis++) {
            at[axis] = attr[3 * axis] + at[axis] * (1 + attr[3 * axis + 2]);
        }
        e->out[ravel(&e->n->shape, at)] = e->x[i];
    }
}

static void eval_concat(const Eval *e) {
    int axis = e->n->attr[0];
    int64_t begin = 0, at[MAX_RANK];
    for (uint32_t k = 0; k < e->n->argc; k++) {
        const Shape *part = &node_at(e->g, e->n->args[k])->shape;
        for (int64_t i = 0; i < shape_elems(part); i++) {
            unravel(part, i, at);
            at[axis] += begin;
            e->out[ravel(&e->n->shape, at)] = e->values[e->n->args[k]][i];
        }
        begin += part->dim[axis];
    }
}

/* out[b, m, n] = the sum over k of x[b, m, k] * y[b, n, k]; each letter stands for a group of axes. */
static void eval_dot(const Eval *e) {
    const Shape *sx = e->in, *sy = &node_at(e->g, e->n->args[1])->shape;
    int batch = e->n->attr[0], contracted = e->n->attr[1];
    int64_t B = extent(sx, 0, batch), K = extent(sx, sx->rank - contracted, contracted);
    int64_t M = extent(sx, batch, sx->rank - batch - contracted);
    int64_t N = extent(sy, batch, sy->rank - batch - contracted);
    for (int64_t b = 0; b < B; b++) {
        for (int64_t m = 0; m < M; m++) {
            for (int64_t n = 0; n < N; n++) {
                double sum = 0;
                for (int64_t k = 0; k < K; k++) {
                    sum += e->x[(b * M + m) * K + k] * e->y[(b * N + n) * K + k];
                    if (e->way) sum = as_held(e, sum);
                }
                e->out[(b * M + m) * N + n] = as_type(e->n->dtype, sum);
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

static void eval_reduce(const Eval *e) {
    bool max = e->n->op == OP_RMAX;
    int64_t at[MAX_RANK], kept[MAX_RANK];
    double least = e->n->dtype == DT_I32 ? INT32_MIN : e->n->dtype == DT_BOOL ? 0 : -INFINITY;
    for (int64_t i = 0; i < e->elems; i++) e->out[i] = max ? least : 0;
    for (int64_t i = 0; i < shape_elems(e->in); i++) {
        int rank = 0;
        unravel(e->in, i, at);
        for (int axis = 0; axis < e->in->rank; axis++) {
            if (!is_reduced(e->n, axis)) kept[rank++] = at[axis];
        }
        double *out = &e->out[ravel(&e->n->shape, kept)];
        *out = as_held(e, max ? greater(*out, e->x[i]) : *out + e->x[i]);
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
    int64_t at[MAX_RANK], kept[MAX_RANK];
    for (int64_t i = 0; i < e->elems; i++) e->out[i] = count[i] = 0;
    for (int64_t i = 0; i < shape_elems(e->in); i++) {
        int rank = 0;
        unravel(e->in, i, at);
        for (int axis = 0; axis < e->in->rank; axis++) {
            if (!is_reduced(e->n, axis)) kept[rank++] = at[axis];
        }
        int64_t o = ravel(&e->n->shape, kept);
        if (e->x[i] == best[o]) e->out[o] += dx[i], count[o]++;
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

typedef struct Interp {
    const Graph *g;
    Arena *arena;
    double *const *vars, *const *dvars;
    double **results, **tangents; /* tangents NULL: not wanted */
    VEC(NodeId) * inside;         /* of each loop, 0 the top: its nodes, ascending */
    int32_t *turn;                /* of each loop: the number of the iteration */
    uint64_t way;                 /* see Eval */
} Interp;

static void run_inside(Interp *in, uint32_t loop);

static double *copy_elems(Interp *in, double *const *of, NodeId from) {
    int64_t elems = shape_elems(&node_at(in->g, from)->shape);
    double *copy = NEW_ARRAY(in->arena, double, elems);
    return memcpy(copy, of[from], (size_t)elems * sizeof(double));
}

/* All iterations: the carries from their initial values, the stacks filled on the way. What a body
 * computes takes the place of what the iteration before computed. */
static void run_loop(Interp *in, NodeId scan) {
    const Node *n = node_at(in->g, scan);
    uint32_t loop = (uint32_t)n->attr[0], carries = n->argc / 2;
    const GraphLoop *l = &in->g->loops.at[loop];
    double **planes[2] = {in->results, in->tangents};
    double **next = NEW_ARRAY(in->arena, double *, carries + 1);
    VEC(NodeId) stacks = {0};
    for (NodeId id = scan; id < in->g->nodes.len; id++) {
        const Node *stack = node_at(in->g, id);
        if (stack->op == OP_STACK && stack->args[0] == scan) vec_push(in->arena, &stacks, id);
    }
    for (int p = 0; p < 2 && planes[p]; p++) {
        for (uint32_t k = 0; k < carries; k++)
            planes[p][n->args[k]] = copy_elems(in, planes[p], node_at(in->g, n->args[k])->args[0]);
        for (uint32_t i = 0; i < stacks.len; i++)
            planes[p][stacks.at[i]] =
                NEW_ARRAY(in->arena, double, shape_elems(&node_at(in->g, stacks.at[i])->shape));
        planes[p][scan] = NEW_ARRAY(in->arena, double, 1);
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
            for (uint32_t k = 0; k < carries; k++)
                next[k] = copy_elems(in, planes[p], n->args[carries + k]);
            for (uint32_t k = 0; k < carries; k++) planes[p][n->args[k]] = next[k];
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
        if (!planes[p][id] || n->loop == 0)
            planes[p][id] = NEW_ARRAY(in->arena, double, e.elems *(p + 1));
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
    for (uint32_t i = 0; i < in->inside[loop].len; i++) run_node(in, in->inside[loop].at[i]);
}

static void run(Interp *in) {
    const Graph *g = in->g;
    in->turn = NEW_ARRAY(in->arena, int32_t, g->loops.len);
    in->inside = arena_alloc(in->arena, g->loops.len * sizeof(*in->inside));
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

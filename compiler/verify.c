/* verify: what holds of every graph between passes. Run after each pass; a violation is a fault of
 * the compiler, reported as E0901 with what is said here. */
#include "ir.h"

typedef struct Check {
    const Graph *g;
    const Node *n;
    const Node *x, *y; /* the first two operands, if any */
} Check;

static const char *check_elementwise(const Check *c) {
    for (uint32_t i = 0; i < c->n->argc; i++) {
        const Node *arg = node_at(c->g, c->n->args[i]);
        if (!shape_equal(&arg->shape, &c->n->shape)) return "an operand has another shape";
        bool condition = c->n->op == OP_WHERE && i == 0;
        if (condition ? arg->dtype != DT_BOOL
                      : arg->dtype != node_at(c->g, c->n->args[c->n->argc - 1])->dtype)
            return "an operand has another type";
    }
    return NULL;
}

static const char *check_view(const Check *c) {
    const Shape *in = &c->x->shape, *out = &c->n->shape;
    if (c->x->dtype != c->n->dtype) return "a view changes the type";
    if (c->n->op == OP_RESHAPE) {
        return shape_elems(in) == shape_elems(out) ? NULL
                                                   : "a reshape changes the count of elements";
    }
    if (in->rank != out->rank) return "a view changes the rank";
    uint32_t seen = 0;
    for (int i = 0; i < in->rank; i++) {
        const int32_t *attr = c->n->attr;
        int64_t want = in->dim[i];
        switch (c->n->op) {
        case OP_PERMUTE:
            if (attr[i] < 0 || attr[i] >= in->rank || (seen >> attr[i] & 1))
                return "not a permutation";
            seen |= 1u << attr[i];
            want = in->dim[attr[i]];
            break;
        case OP_EXPAND:
            if (want == 1) want = out->dim[i];
            break;
        case OP_SLICE: {
            int64_t last = attr[3 * i] + (int64_t)(out->dim[i] - 1) * attr[3 * i + 1];
            if (attr[3 * i] < 0 || attr[3 * i] >= want || last < 0 || last >= want ||
                attr[3 * i + 1] == 0)
                return "a slice reaches outside";
            want = out->dim[i];
            break;
        }
        case OP_PAD:
            if (attr[3 * i] < 0 || attr[3 * i + 1] < 0 || attr[3 * i + 2] < 0)
                return "negative padding";
            want += attr[3 * i] + attr[3 * i + 1] + (want - 1) * (int64_t)attr[3 * i + 2];
            break;
        default: break;
        }
        if (want != out->dim[i]) return "a view's shape is wrong";
    }
    return NULL;
}

/* WINDOW and SKEW. */
static const char *check_window(const Check *c) {
    const Node *n = c->n;
    Shape s = c->x->shape;
    int64_t axis = n->attr[0], size = n->shape.rank ? n->shape.dim[n->shape.rank - 1] : 0;
    if (c->x->dtype != n->dtype) return "a view changes the type";
    if (axis < 0 || axis >= s.rank - (n->op == OP_SKEW)) return "a window along no axis";
    if (n->op == OP_WINDOW) {
        if (n->attr[1] < 1 || n->attr[2] < 1) return "a window's steps are wrong";
        int64_t room = s.dim[axis] - (size - 1) * n->attr[2] - 1;
        if (room < 0 || s.rank == MAX_RANK) return "a window reaches outside";
        s.dim[axis] = (int32_t)(room / n->attr[1] + 1);
        s.dim[s.rank++] = (int32_t)size;
    } else {
        int64_t left = s.dim[axis] - (size - 1) * n->attr[1];
        if (left < 1 || n->attr[1] < 1) return "a skew reaches outside";
        s.dim[axis] = (int32_t)left;
    }
    return shape_equal(&s, &n->shape) ? NULL : "a window's shape is wrong";
}

static const char *check_scatter(const Check *c) {
    const Shape *v = &c->x->shape, *i = &c->y->shape, *out = &c->n->shape;
    if (c->y->dtype != DT_I32 || c->x->dtype != c->n->dtype) return "a scatter's types are wrong";
    if (v->rank < i->rank || out->rank != v->rank - i->rank + 1 ||
        memcmp(v->dim, i->dim, i->rank * sizeof(int32_t)) ||
        memcmp(v->dim + i->rank, out->dim + 1, (size_t)(v->rank - i->rank) * sizeof(int32_t)))
        return "a scatter's shape is wrong";
    return NULL;
}

static const char *check_reduce(const Check *c) {
    Shape s = {0};
    uint32_t k = 0;
    for (int i = 0; i < c->x->shape.rank; i++) {
        if (k < c->n->attrc && c->n->attr[k] == i)
            k++;
        else
            s.dim[s.rank++] = c->x->shape.dim[i];
    }
    if (k != c->n->attrc || !shape_equal(&s, &c->n->shape)) return "a reduction's shape is wrong";
    if (c->n->dtype != (c->n->op == OP_ARGMAX ? DT_I32 : c->x->dtype))
        return "a reduction's type is wrong";
    return NULL;
}

static const char *check_dot(const Check *c) {
    int batch = c->n->attr[0], contracted = c->n->attr[1];
    const Shape *a = &c->x->shape, *b = &c->y->shape;
    Shape s = {0};
    if (c->x->dtype != c->n->dtype || c->y->dtype != c->n->dtype) return "a dot's types differ";
    if (batch + contracted > a->rank || batch + contracted > b->rank)
        return "a dot has too few axes";
    for (int i = 0; i < batch; i++) {
        if (a->dim[i] != b->dim[i]) return "a dot's batch axes differ";
    }
    for (int i = 1; i <= contracted; i++) {
        if (a->dim[a->rank - i] != b->dim[b->rank - i]) return "a dot's contracted axes differ";
    }
    for (int i = 0; i < a->rank - contracted; i++) s.dim[s.rank++] = a->dim[i];
    for (int i = batch; i < b->rank - contracted; i++) s.dim[s.rank++] = b->dim[i];
    return shape_equal(&s, &c->n->shape) ? NULL : "a dot's shape is wrong";
}

static const char *check_concat(const Check *c) {
    Shape s = c->x->shape;
    int axis = c->n->attr[0];
    s.dim[axis] = 0;
    for (uint32_t i = 0; i < c->n->argc; i++) {
        const Node *arg = node_at(c->g, c->n->args[i]);
        if (arg->dtype != c->n->dtype || arg->shape.rank != s.rank)
            return "a concat's operands differ";
        for (int k = 0; k < s.rank; k++) {
            if (k != axis && arg->shape.dim[k] != s.dim[k]) return "a concat's operands differ";
        }
        s.dim[axis] += arg->shape.dim[axis];
    }
    return shape_equal(&s, &c->n->shape) ? NULL : "a concat's shape is wrong";
}

static const char *check_carried(const Check *c) {
    const Node *n = c->n;
    uint32_t half = n->argc / 2, loop = (uint32_t)n->attr[0];
    if (n->argc % 2) return "a carry without a next value";
    for (uint32_t i = 0; i < half; i++) {
        const Node *carry = node_at(c->g, n->args[i]), *next = node_at(c->g, n->args[half + i]);
        if (carry->op != OP_CARRY || (uint32_t)carry->attr[0] != loop ||
            carry->attr[1] != (int32_t)i)
            return "not its own carries, in order";
        if (carry->dtype != next->dtype || !shape_equal(&carry->shape, &next->shape))
            return "a carried value changes its type or shape";
    }
    return NULL;
}

static const char *check_loop(const Check *c) {
    const Node *n = c->n;
    Shape s = c->x ? c->x->shape : (Shape){0};
    bool of_scan = n->op == OP_FINAL || n->op == OP_STACK;
    if (of_scan) {
        if (c->x->op != OP_SCAN) return "not of a loop";
    } else if (n->attrc < 1 || n->attr[0] < 1 || (uint32_t)n->attr[0] >= c->g->loops.len) {
        return "no such loop";
    }
    const GraphLoop *loop = &c->g->loops.at[of_scan ? c->x->attr[0] : n->attr[0]];
    switch (n->op) {
    case OP_CARRY:
        return shape_equal(&s, &n->shape) && c->x->dtype == n->dtype
                   ? NULL
                   : "its initial value is of another kind";
    case OP_SCAN: return check_carried(c);
    case OP_FINAL: {
        if (n->attr[0] < 0 || (uint32_t)n->attr[0] >= c->x->argc / 2)
            return "no such carried value";
        const Node *carry = node_at(c->g, c->x->args[n->attr[0]]);
        return shape_equal(&carry->shape, &n->shape) && carry->dtype == n->dtype
                   ? NULL
                   : "of another shape or type than what is carried";
    }
    case OP_STACK:
        if (c->y->loop != (uint32_t)c->x->attr[0]) return "a stack of what is not in the loop";
        return n->shape.rank == c->y->shape.rank + 1 && n->shape.dim[0] == loop->trips &&
                       !memcmp(n->shape.dim + 1, c->y->shape.dim,
                               c->y->shape.rank * sizeof(int32_t)) &&
                       n->dtype == c->y->dtype
                   ? NULL
                   : "a stack's shape is wrong";
    case OP_AT: {
        int64_t last = n->attr[2] + (int64_t)n->attr[1] * (loop->trips - 1);
        if (!s.rank || n->attr[2] < 0 || n->attr[2] >= s.dim[0] || last < 0 || last >= s.dim[0])
            return "it reaches outside";
        return n->shape.rank == s.rank - 1 &&
                       !memcmp(n->shape.dim, s.dim + 1, n->shape.rank * sizeof(int32_t)) &&
                       n->dtype == c->x->dtype
                   ? NULL
                   : "its shape is wrong";
    }
    default: return n->dtype == DT_I32 && n->shape.rank == 0 ? NULL : "an iteration is an i32";
    }
}

/* A value of a loop leaves it by FINAL and STACK alone, and only when it is closed. */
static const char *check_inside(const Check *c, bool *closed) {
    const Node *n = c->n;
    if (n->op == OP_SCAN) {
        if (closed[n->attr[0]]) return "a loop is closed twice";
        closed[n->attr[0]] = true;
        return NULL;
    }
    if (n->op == OP_STACK || n->op == OP_FINAL) return NULL;
    if (n->loop && closed[n->loop]) return "a node in a loop that is closed";
    for (uint32_t i = 0; i < n->argc; i++) {
        uint32_t other = node_at(c->g, n->args[i])->loop;
        if (other != n->loop && c->g->loops.at[other].depth >= c->g->loops.at[n->loop].depth)
            return "a value leaves its loop";
    }
    return NULL;
}

/* Only what moves elements, or says what they are, may be of a storage type. */
static const char *check_storage(const Check *c) {
    static const bool may[OP_COUNT] = {
        [OP_VAR] = true,    [OP_CONST] = true,  [OP_LITERAL] = true, [OP_CARRY] = true,
        [OP_FINAL] = true,  [OP_STACK] = true,  [OP_AT] = true,      [OP_CAST] = true,
        [OP_COPY] = true,   [OP_STOP] = true,   [OP_RESHAPE] = true, [OP_PERMUTE] = true,
        [OP_EXPAND] = true, [OP_SLICE] = true,  [OP_PAD] = true,     [OP_CONCAT] = true,
        [OP_TAKE] = true,   [OP_WINDOW] = true, [OP_SKEW] = true,    [OP_NAMED] = true};
    bool computes = !may[c->n->op] && c->n->op != OP_SCAN;
    if (computes && dtype_is_storage((DType)c->n->dtype)) return "it is of a storage type";
    for (uint32_t i = 0; i < c->n->argc && computes; i++) {
        if (dtype_is_storage((DType)node_at(c->g, c->n->args[i])->dtype))
            return "it computes in a storage type";
    }
    return NULL;
}

static const char *check_node(const Check *c) {
    const Node *n = c->n;
    const char *stored = check_storage(c);
    if (stored) return stored;
    if (op_info[n->op].elementwise) return check_elementwise(c);
    switch (n->op) {
    case OP_VAR: return n->attrc == 1 ? NULL : "a variable without its index";
    case OP_CONST: return n->shape.rank == 0 ? NULL : "a constant with a shape";
    case OP_LITERAL: return n->values ? NULL : "a literal without values";
    case OP_IOTA: return n->shape.rank == 1 && n->dtype == DT_I32 ? NULL : "iota is i32 of rank 1";
    case OP_CAST: return shape_equal(&c->x->shape, &n->shape) ? NULL : "a cast changes the shape";
    case OP_ITERATION:
    case OP_CARRY:
    case OP_SCAN:
    case OP_FINAL:
    case OP_STACK:
    case OP_AT: return check_loop(c);
    case OP_GRADSUM:
    case OP_COPY:
    case OP_NAMED:
    case OP_STOP: return n->argc ? check_elementwise(c) : "a sum of nothing";
    case OP_RESHAPE:
    case OP_PERMUTE:
    case OP_EXPAND:
    case OP_SLICE:
    case OP_PAD: return check_view(c);
    case OP_WINDOW:
    case OP_SKEW: return check_window(c);
    case OP_SCATTER: return check_scatter(c);
    case OP_CONCAT: return check_concat(c);
    case OP_DOT: return check_dot(c);
    case OP_SUM:
    case OP_RMAX:
    case OP_ARGMAX: return check_reduce(c);
    case OP_TAKE:
        return c->y->dtype == DT_I32 && c->x->shape.rank > 0 ? NULL : "take wants an i32 index";
    default: return "an operator without a rule";
    }
}

const char *graph_verify(const Graph *g, Arena *arena) {
    bool *closed = NEW_ARRAY(arena, bool, g->loops.len);
    for (NodeId id = 0; id < g->nodes.len; id++) {
        Check c = {.g = g, .n = node_at(g, id)};
        const char *wrong = NULL;
        if (c.n->op >= OP_COUNT) return arena_printf(arena, "node %u: no such operator", id);
        const OpInfo *info = &op_info[c.n->op];
        if (info->arity >= 0 && c.n->argc != (uint32_t)info->arity)
            wrong = "the count of operands is wrong";
        for (uint32_t i = 0; i < c.n->argc && !wrong; i++) {
            if (c.n->args[i] >= id) wrong = "an operand does not come before it";
        }
        if (c.n->shape.rank > MAX_RANK || shape_elems(&c.n->shape) < 1)
            wrong = "its shape is not allowed";
        if (!wrong) {
            if (c.n->argc > 0) c.x = node_at(g, c.n->args[0]);
            if (c.n->argc > 1) c.y = node_at(g, c.n->args[1]);
            wrong = check_node(&c);
        }
        if (!wrong) wrong = check_inside(&c, closed);
        if (wrong) return arena_printf(arena, "node %u (%s): %s", id, info->name, wrong);
    }
    return NULL;
}

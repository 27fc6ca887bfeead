/* lower_random: random numbers of a running program: counter-based, so that they do not depend on the
 * schedule. An element is keyed by its place, the step, the run's seed, what draws it (the path of bindings and
 * the count of draws under it, so that an edit elsewhere changes nothing) and the iterations of the loops of
 * the graph around it. */
#include "lower.h"

static NodeId ew(Lower *L, Op op, NodeId x, NodeId y, NodeId z) {
    return node_ew(L->g, op, x, y, z);
}

static NodeId whole(Lower *L, double v) {
    return node_const(L->g, DT_I32, v);
}

/* The seed of the run, of 24 bits: a state, whose value at the start is made from the seed that was given. */
static NodeId run_seed(Lower *L) {
    if (L->seed_var == NO_VAR) {
        Variable v = {.kind = VAR_STATE,
                      .name = names_str(L->names, "random:run.seed"),
                      .dtype = DT_F32,
                      .init = INIT_UNIFORM,
                      .b = 16777216,
                      .span = L->g->span};
        L->seed_var = lower_add_variable(L, &v);
    }
    return node_cast(L->g, lower_var_node(L, L->seed_var), DT_I32);
}

/* How many draws there were under this path: 0, 1, ... */
static uint32_t count_draw(Lower *L, const char *path) {
    Symbol *s = scope_find(&L->draws, path);
    if (s) return (uint32_t)++s->value.number;
    scope_add(L->arena, &L->draws, (Symbol){.name = path, .value = number_value(0, false)});
    return 0;
}

/* An i32 tensor of random bits. `key`: NO_NODE, or i32 of rank 0 that is mixed in. */
static NodeId draw_bits(Lower *L, const Shape *s, NodeId key) {
    const char *path = L->path ? lower_path_text(L, L->path, (Ident){0}) : names_str(L->names, "");
    uint32_t draw = count_draw(L, path);
    int32_t id = (int32_t)(uint32_t)hash_lasting(path, strlen(path), draw);
    NodeId k = ew(L, OP_RANDOM, whole(L, id), whole(L, draw), run_seed(L));
    for (uint32_t d = 0; d < L->g->loops.at[L->loop].depth; d++)
        k = ew(L, OP_RANDOM, node_iteration(L->g, L->open_loops[d]), whole(L, d + 1), k);
    if (key != NO_NODE) k = ew(L, OP_RANDOM, key, whole(L, -1), k);
    NodeId step = lower_read(L, lower_step(L));
    NodeId place = node_reshape(L->g, node_iota(L->g, (int32_t)shape_elems(s)), s);
    return ew(L, OP_RANDOM, place, node_broadcast(L->g, step, s), node_broadcast(L->g, k, s));
}

/* random_bits(shape..., key = 0) as 'b', random_uniform(shape...) in [0, 1) as 'u'; random_like(x) as 'l'. */
Value builtin_random(Lower *L, const Given *a, int which) {
    Shape s;
    NodeId key = NO_NODE;
    const Operand *given = &a->slot[which == 'l' ? 1 : 0];
    if (which == 'l') {
        NodeId x;
        if (!lower_any_tensor(L, &a->slot[0], &x)) return ERROR_VALUE;
        s = node_at(L->g, x)->shape;
    } else if (!lower_sizes(L, a, &s) || !lower_check_shape(L, &s, a->at)) {
        return ERROR_VALUE;
    }
    if (given->value.kind != VALUE_NONE) {
        if (!lower_tensor(L, given, DT_I32, &key)) return ERROR_VALUE;
        const Node *n = node_at(L->g, key);
        if (n->dtype != DT_I32 || n->shape.rank) {
            lower_error(L, E0301, given->span, "a key is one i32 number, and this is %s",
                        lower_kind_text(L, &given->value));
            return ERROR_VALUE;
        }
    }
    NodeId bits = draw_bits(L, &s, key);
    if (which == 'b') return tensor_value(bits);
    /* The upper 24 bits: as many as an f32 below 1 holds. */
    NodeId upper = ew(L, OP_SHR, bits, node_full(L->g, DT_I32, 8, &s), NO_NODE);
    NodeId scale = node_full(L->g, DT_F32, 1.0 / 16777216, &s);
    return tensor_value(ew(L, OP_MUL, node_cast(L->g, upper, DT_F32), scale, NO_NODE));
}

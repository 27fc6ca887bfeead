/* schedule_keep: what the loops over a row share. A value that costs much and that several of them need is computed in the
 * first one and kept, where the result will lie or, if that is to pass by the caches, in the group's own memory: softmax takes
 * each exponential once. What is the same all along the row is computed before the loop. */
#include "cost.h"
#include "nest.h"

#define ROW_BYTES (64 * 1024) /* of what is kept of a row */

/* ---- What is kept ------------------------------------------------------------------------------ */

/* What a loop over a row goes through, down from what it evaluates. */
typedef struct Walk {
    const Nest *n;
    NodeId found; /* what is looked for, or NO_NODE */
    int64_t elems;
    double operations; /* of all that is as large as `elems` */
    NumberSet seen;
} Walk;

/* Whether `id` needs what is looked for. What is kept already, or lies in memory, is only read. */
static bool walk(Walk *w, NodeId id, bool top) {
    const Section *s = w->n->s;
    const Node *x = node_at(s->g, id);
    if (id == w->found) return true;
    if (!top && (x->op == OP_VAR || is_reduction((Op)x->op))) return false;
    if (!top && in_memory(&s->place[id]) && s->cluster_of[id] != s->number) return false;
    if (!top && eval_kept(&w->n->eval, id)) return false;
    if (!set_add(&w->seen, id)) return false;
    bool large = 4 * shape_elems(&x->shape) > w->elems;
    if (!is_view((Op)x->op) && large && !is_reduction((Op)x->op))
        w->operations += op_info[x->op].cost;
    for (uint32_t i = 0; i < x->argc; i++) {
        if (walk(w, x->args[i], false)) return true;
    }
    return false;
}

static bool needs(const Nest *n, NodeId from, NodeId id) {
    Walk w = {.n = n, .found = id, .elems = 1, .seen = {.arena = n->k->arena}};
    return walk(&w, from, true);
}

static double operations(const Nest *n, NodeId id) {
    Walk w = {.n = n, .found = NO_NODE, .seen = {.arena = n->k->arena}};
    w.elems = shape_elems(&node_at(n->s->g, id)->shape);
    walk(&w, id, true);
    return w.operations;
}

/* How many loops over the row need a value. */
static uint32_t loops_with(const Nest *n, NodeId id) {
    const Section *s = n->s;
    uint32_t loops = 0;
    bool stored = false;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId r = s->cluster->members.at[m];
        loops += is_reduction((Op)node_at(s->g, r)->op) && needs(n, r, id);
    }
    for (uint32_t i = 0; i < s->stores.len && !stored; i++)
        stored = nest_is_inner(s, s->stores.at[i].node) && needs(n, s->stores.at[i].node, id);
    return loops + stored;
}

/* Whether what is computed of this node loads from a buffer. */
static bool loads_from(const Nest *n, NodeId id, uint32_t buffer, NumberSet *seen) {
    const Section *s = n->s;
    const Node *x = node_at(s->g, id);
    if (!set_add(seen, id)) return false;
    if (s->cluster_of[id] != s->number && in_memory(&s->place[id]))
        return s->place[id].buffer == buffer;
    for (uint32_t i = 0; i < x->argc; i++)
        if (loads_from(n, x->args[i], buffer, seen)) return true;
    return false;
}

/* Whether a value is needed at another place than the one of `from`, a value that is stored along the row. */
static bool needs_elsewhere(const Nest *n, NodeId from, NodeId id, bool moved, NumberSet *seen) {
    const Section *s = n->s;
    const Node *x = node_at(s->g, from);
    if (from == id) return moved;
    if (x->op == OP_VAR || is_reduction((Op)x->op)) return false;
    if (in_memory(&s->place[from]) && s->cluster_of[from] != s->number) return false;
    if (!set_add(seen, from * 2 + moved)) return false;
    bool stays = op_info[x->op].elementwise || x->op == OP_CAST || x->op == OP_GRADSUM ||
                 x->op == OP_STOP || x->op == OP_COPY;
    for (uint32_t i = 0; i < x->argc; i++)
        if (needs_elsewhere(n, x->args[i], id, moved || !stays, seen)) return true;
    return false;
}

/* A value of the row that is stored at its end, in whose place this one can lie until then; or NULL. */
static const Store *find_room(const Nest *n, NodeId id) {
    const Section *s = n->s;
    NumberSet seen = {.arena = n->k->arena};
    for (uint32_t i = 0; i < s->stores.len; i++) {
        NodeId stored = s->stores.at[i].node;
        if (nest_is_inner(s, stored) && needs_elsewhere(n, stored, id, false, &seen)) return NULL;
    }
    for (uint32_t i = 0; i < s->stores.len; i++) {
        const Store *st = &s->stores.at[i];
        const Node *x = node_at(s->g, st->node);
        NumberSet loads = {.arena = n->k->arena};
        bool taken =
            !nest_is_inner(s, st->node) || st->place.tile || x->dtype != node_at(s->g, id)->dtype;
        for (uint32_t k = 0; k < n->eval.kept_count; k++)
            taken = taken || n->eval.kept[k].over == st->node;
        for (uint32_t m = 0; m < s->cluster->members.len && !taken; m++)
            taken = loads_from(n, s->cluster->members.at[m], st->place.buffer, &loads);
        if (!taken) return st;
    }
    return NULL;
}

void nest_choose_kept(Nest *n, int64_t least) {
    const Section *s = n->s;
    int64_t row = shape_elems(&s->cluster->inner), bytes = 0;
    n->eval.row_rank = s->cluster->outer.rank;
    if (s->target->lanes == 1 || !s->cluster->has_inner || row < least) return;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        const Node *x = node_at(s->g, id);
        if (is_reduction((Op)x->op) || !nest_is_inner(s, id)) continue;
        if (x->dtype != DT_F32 && x->dtype != DT_I32) continue;
        if (n->eval.kept_count == MAX_KEPT) return;
        if (operations(n, id) < COSTLY || loops_with(n, id) < 2) continue;
        bool own = n->eval.columns || (s->streams && bytes + row * 4 <= ROW_BYTES);
        const Store *room = own ? NULL : find_room(n, id);
        if (!room && bytes + row * 4 > ROW_BYTES) continue;
        if (!room) bytes += row * 4;
        n->eval.kept[n->eval.kept_count++] =
            (KeptRow){id, false, room ? room->node : NO_NODE, room ? &room->place : NULL};
    }
}

uint32_t nest_keep(Nest *n, const Idx *index, uint8_t lanes) {
    uint32_t stored = 0;
    for (uint32_t i = 0; i < n->eval.kept_count; i++) {
        const KeptRow *kept = &n->eval.kept[i];
        Val v = kept->made ? NO_VAL : eval_known(&n->eval, kept->node, index);
        if (v == NO_VAL) continue;
        Idx address;
        bool own;
        uint32_t to = eval_kept_row(&n->eval, kept->node, index, &address, &own);
        if (n->eval.columns) address = idx_add(&n->k->index, address, n->eval.lane[lanes]);
        nest_store_lanes(n, own, to, address, lanes, v);
        stored |= 1u << i;
    }
    return stored;
}

/* ---- What is the same all along a row, or known before a sum is --------------------------- */

typedef struct Along {
    Nest *n;
    const Idx *inner; /* variables over the axes of the loop */
    int axes;
    NodeId sum;           /* or what hangs on it is not the same, unless it is NO_NODE */
    uint32_t most;        /* loads, of what is made now; 0: all that there are */
    uint32_t from, loads; /* the values up to here were counted, so many are loads */
    NumberSet hang;       /* those that hang on it, among those that were looked at */
    NumberSet looked, seen;
} Along;

static bool is_loaded(const Along *a, NodeId id) {
    const Section *s = a->n->s;
    return node_at(s->g, id)->op == OP_VAR ||
           (in_memory(&s->place[id]) && s->cluster_of[id] != s->number);
}

/* Whether a node is computed here, of others. */
static bool is_computed(const Along *a, NodeId id) {
    const Op op = (Op)node_at(a->n->s->g, id)->op;
    return op != OP_CONST && op != OP_LITERAL && op != OP_IOTA && !is_loaded(a, id) &&
           !eval_kept(&a->n->eval, id);
}

static bool hangs(Along *a, NodeId id) {
    const Node *x = node_at(a->n->s->g, id);
    bool any = id == a->sum;
    if (!set_add(&a->looked, id)) return set_has(&a->hang, id);
    for (uint32_t i = 0; i < x->argc && !any && is_computed(a, id); i++) any = hangs(a, x->args[i]);
    if (any) set_add(&a->hang, id);
    return any;
}

static bool varies(Along *a, NodeId id, const Idx *index) {
    IndexTable *t = &a->n->k->index;
    for (int d = 0; d < node_at(a->n->s->g, id)->shape.rank; d++) {
        for (int i = 0; i < a->axes; i++) {
            int64_t c;
            if (idx_is_const(t, a->inner[i], &c)) continue;
            if (idx_uses(t, index[d], idx_atom(t, a->inner[i]))) return true;
        }
    }
    return a->sum != NO_NODE && hangs(a, id);
}

static uint32_t loads_made(Along *a) {
    const Kernel *k = a->n->k;
    for (; a->from < k->values.len; a->from++) a->loads += k->values.at[a->from].kind == V_LOAD;
    return a->loads;
}

/* Evaluates now what the evaluation of node `id` at index[], in every turn of a loop or later, would evaluate that is the
 * same in all of them, or known now. */
static void hoist(Along *a, NodeId id, const Idx *index) {
    const Section *s = a->n->s;
    const Node *x = node_at(s->g, id);
    if (a->most && loads_made(a) >= a->most) return;
    if (!set_add(&a->seen, id) || is_reduction((Op)x->op)) return;
    if (!varies(a, id, index)) {
        eval_at(&a->n->eval, id, index);
        return;
    }
    if (is_loaded(a, id)) eval_turn(&a->n->eval, id, index);
    if (!is_computed(a, id) || x->op == OP_TAKE || x->op == OP_CONCAT) return;
    for (uint32_t i = 0; i < x->argc; i++) {
        Idx in[MAX_RANK];
        RangeList ranges = {0};
        access_map(&a->n->k->index, s->g, x, i, index, in, &ranges);
        if (ranges.len == 0) hoist(a, x->args[i], in);
    }
}

static Along along_open(Nest *n, NodeId sum) {
    Arena *arena = n->k->arena;
    return (Along){.n = n,
                   .sum = sum,
                   .hang = {.arena = arena},
                   .looked = {.arena = arena},
                   .seen = {.arena = arena}};
}

uint32_t nest_ahead(Nest *n, NodeId sum, const Idx *index, uint32_t most) {
    Along a = along_open(n, sum);
    nest_here(n, index);
    a.most = most;
    a.from = n->k->values.len;
    for (uint32_t i = 0; i < n->s->stores.len; i++) hoist(&a, n->s->stores.at[i].node, index);
    return loads_made(&a);
}

void nest_hoist(Nest *n, NodeId id, const Idx *row) {
    const Section *s = n->s;
    IndexTable *t = &n->k->index;
    Shape axes = id == NO_NODE ? s->cluster->inner : reduced_shape(s->g, node_at(s->g, id));
    Idx inner[MAX_RANK], index[MAX_RANK];
    Along a = along_open(n, NO_NODE);
    a.inner = inner;
    a.axes = axes.rank;
    for (int i = 0; i < axes.rank; i++) inner[i] = idx_place(t, "i", axes.dim[i], NO_VAL);
    if (id != NO_NODE) {
        const Node *x = node_at(s->g, id);
        for (uint32_t i = 0; i < x->argc; i++) {
            access_reduced(t, s->g, x, i, row, inner, index);
            hoist(&a, x->args[i], index);
        }
        return;
    }
    int outer = s->cluster->outer.rank;
    memcpy(index, row, (size_t)outer * sizeof(Idx));
    memcpy(index + outer, inner, (size_t)axes.rank * sizeof(Idx));
    for (uint32_t i = 0; i < s->stores.len; i++)
        if (nest_is_inner(s, s->stores.at[i].node)) hoist(&a, s->stores.at[i].node, index);
}

/* schedule_local: a contraction on a target with local memory. A work-group makes a tile of TILE x TILE
 * results: for each step of STEP places along the contracted axes it brings both operands' parts into
 * local memory, all items together, waits, and each item adds up its SPOTS x SPOTS results, TILE / SPOTS
 * apart, so that neighbouring items read and write neighbouring elements.
 *
 * Requires: the target's groups have (TILE / SPOTS)^2 items. Edges of any size are masked. */
#include "nest.h"

#define TILE  64
#define STEP  16
#define SPOTS 4
#define SIDE  (TILE / SPOTS)

bool local_tiles_fit(const Section *s) {
    int axes = s->space.rank;
    NodeId dot = dot_of(s);
    if (dot == NO_NODE || s->target->local_size != SIDE * SIDE) return false;
    if (!dot_is_product(s)) return false;
    if (node_at(s->g, dot)->dtype != DT_F32) return false;
    if (s->target->local_bytes < 2 * TILE * STEP * sizeof(float)) return false;
    Shape reduced = reduced_shape(s->g, node_at(s->g, dot));
    return s->space.dim[axes - 1] >= SIDE && s->space.dim[axes - 2] >= SIDE &&
           shape_elems(&reduced) >= STEP / 2;
}

static int32_t tiles(int32_t size) {
    return (size + TILE - 1) / TILE;
}

uint32_t local_tiles_groups(const Section *s) {
    int axes = s->space.rank;
    int64_t n = (int64_t)tiles(s->space.dim[axes - 1]) * tiles(s->space.dim[axes - 2]);
    for (int i = 0; i < axes - 2; i++) n *= s->space.dim[i];
    return (uint32_t)n;
}

typedef struct Tile {
    Nest *n;
    const Node *dot;
    Shape reduced;
    int64_t length;   /* of the contraction */
    Idx at[MAX_RANK]; /* the tile's batch place; row and column come last */
    Idx row, column;  /* of the tile's first element */
    uint32_t local[2];
} Tile;

/* Element `step` of the contraction in row (or column) `line` of the tile, of operand 0 (or 1); 0
 * beyond the edges. */
static Val operand(Tile *t, uint32_t which, Idx line, Idx step) {
    Kernel *k = t->n->k;
    IndexTable *x = &k->index;
    const Section *s = t->n->s;
    int axes = s->space.rank;
    Idx place[MAX_RANK], out[MAX_RANK], inner[MAX_RANK], in[MAX_RANK];
    memcpy(place, t->at, sizeof(place));
    place[axes - 2] = which == 0 ? line : idx_const(x, 0);
    place[axes - 1] = which == 1 ? line : idx_const(x, 0);
    nest_unmerge(x, &s->cluster->outer, s->merged, axes, place, out);
    access_unravel(x, &t->reduced, step, inner);
    access_reduced(x, s->g, t->dot, which, out, inner, in);
    Range *r = NEW_ARRAY(k->arena, Range, 2);
    r[0] = (Range){line, 0, s->space.dim[which == 0 ? axes - 2 : axes - 1]};
    r[1] = (Range){step, 0, t->length};
    Ranges ranges = {2, r};
    Val v = eval_where(&t->n->eval, t->dot->args[which], in, ranges);
    /* A load that is masked is 0 there; one that cannot leave its buffer is not (a slice, a repeated
     * axis). */
    const Value *n = &k->values.at[v];
    if (n->kind == V_LOAD && n->ranges.count > 0) return v;
    return val_ew(k, OP_WHERE, val_ranges(k, ranges), v, val_const(k, DT_F32, 0));
}

/* All items bring in the tile's part of both operands from `step` on: element e of item l is l + e * 256.
 * The left operand is laid with its rows side by side, as it will be read. */
static void fetch(Tile *t, Idx step) {
    Kernel *k = t->n->k;
    IndexTable *x = &k->index;
    for (int e = 0; e < TILE * STEP / (SIDE * SIDE); e++) {
        Idx flat = idx_offset(x, k->local, (int64_t)e * SIDE * SIDE);
        Idx line = idx_div(x, flat, STEP), along = idx_mod(x, flat, STEP);
        Val a = operand(t, 0, idx_add(x, t->row, line), idx_add(x, step, along));
        kernel_store_local(k, t->local[0], idx_add(x, idx_scale(x, along, TILE), line), a);
        Idx line_b = idx_mod(x, flat, TILE), along_b = idx_div(x, flat, TILE);
        Val b = operand(t, 1, idx_add(x, t->column, line_b), idx_add(x, step, along_b));
        kernel_store_local(k, t->local[1], flat, b);
    }
}

static void multiply(Tile *t, const uint32_t *acc, Idx ly, Idx lx) {
    Kernel *k = t->n->k;
    IndexTable *x = &k->index;
    Idx i;
    kernel_for(k, "i", idx_const(x, 0), idx_const(x, STEP), 1, &i);
    Val a[SPOTS], b[SPOTS];
    for (int r = 0; r < SPOTS; r++) {
        Idx base = idx_offset(x, idx_scale(x, i, TILE), (int64_t)r * SIDE);
        a[r] = val_local(k, t->local[0], idx_add(x, base, ly), 1, (Ranges){0}, NULL);
        b[r] = val_local(k, t->local[1], idx_add(x, base, lx), 1, (Ranges){0}, NULL);
        val_name(k, a[r], "a");
        val_name(k, b[r], "b");
    }
    for (int r = 0; r < SPOTS; r++) {
        for (int c = 0; c < SPOTS; c++) {
            uint32_t v = acc[r * SPOTS + c];
            kernel_set(k, v, val_fma(k, a[r], b[c], val_read(k, v)));
        }
    }
    kernel_end(k);
}

/* A place below the condition that it is one on an axis of this size. Where the tile may reach over the edge
 * the index would not show that, and a view, back and forth, would not lead to the place where the product is. */
static Idx inside(Kernel *k, Idx place, int32_t size, const char *name) {
    if (idx_hi(&k->index, place) < size) return place;
    Val v = val_index(k, place);
    val_name(k, v, name);
    return idx_var(&k->index, name, 0, size - 1, v);
}

static void finish(Tile *t, NodeId dot, const uint32_t *acc, Idx ly, Idx lx) {
    Nest *n = t->n;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    const Section *s = n->s;
    int axes = s->space.rank;
    Val *v = NEW_ARRAY(k->arena, Val, s->stores.len + 1);
    for (int spot = 0; spot < SPOTS * SPOTS; spot++) {
        Idx place[MAX_RANK], out[MAX_RANK];
        memcpy(place, t->at, sizeof(place));
        place[axes - 2] = idx_add(x, t->row, idx_offset(x, ly, (int64_t)(spot / SPOTS) * SIDE));
        place[axes - 1] = idx_add(x, t->column, idx_offset(x, lx, (int64_t)(spot % SPOTS) * SIDE));
        bool outside = idx_lo(x, place[axes - 2]) >= s->space.dim[axes - 2] ||
                       idx_lo(x, place[axes - 1]) >= s->space.dim[axes - 1];
        if (outside) continue;
        Range *r = NEW_ARRAY(k->arena, Range, 2);
        r[0] = (Range){place[axes - 2], 0, s->space.dim[axes - 2]};
        r[1] = (Range){place[axes - 1], 0, s->space.dim[axes - 1]};
        kernel_if(k, (Ranges){2, r});
        eval_push(&n->eval);
        place[axes - 2] = inside(k, place[axes - 2], s->space.dim[axes - 2], "row");
        place[axes - 1] = inside(k, place[axes - 1], s->space.dim[axes - 1], "column");
        nest_unmerge(x, &s->cluster->outer, s->merged, axes, place, out);
        eval_bind(&n->eval, dot, out, val_read(k, acc[spot]));
        for (uint32_t i = 0; i < s->stores.len; i++)
            v[i] = eval_at(&n->eval, s->stores.at[i].node, out);
        for (uint32_t i = 0; i < s->stores.len; i++) nest_store(n, &s->stores.at[i], out, 1, v[i]);
        eval_pop(&n->eval);
        kernel_end(k);
    }
}

void emit_local_tiles(Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *x = &k->index;
    int axes = s->space.rank;
    NodeId id = dot_of(s);
    Tile t = {.n = n, .dot = node_at(s->g, id)};
    t.reduced = reduced_shape(s->g, t.dot);
    t.length = shape_elems(&t.reduced);
    int32_t across = tiles(s->space.dim[axes - 1]), down = tiles(s->space.dim[axes - 2]);
    t.column = idx_scale(x, idx_mod(x, part, across), TILE);
    t.row = idx_scale(x, idx_mod(x, idx_div(x, part, across), down), TILE);
    Shape batch = {.rank = (uint8_t)(axes - 2)};
    for (int i = 0; i < axes - 2; i++) batch.dim[i] = s->space.dim[i];
    access_unravel(x, &batch, idx_div(x, part, (int64_t)across * down), t.at);
    if (axes == 2) t.row = idx_scale(x, idx_div(x, part, across), TILE);
    t.local[0] = kernel_local(k, "a_tile", DT_F32, TILE * STEP);
    t.local[1] = kernel_local(k, "b_tile", DT_F32, TILE * STEP);
    eval_set_lanes(&n->eval, 1);
    uint32_t acc[SPOTS * SPOTS];
    for (int i = 0; i < SPOTS * SPOTS; i++) acc[i] = kernel_var(k, "acc", val_const(k, DT_F32, 0));
    Idx ly = idx_div(x, k->local, SIDE), lx = idx_mod(x, k->local, SIDE), step;
    nest_for(n, "k", idx_const(x, 0), idx_const(x, t.length), STEP, &step);
    fetch(&t, step);
    kernel_barrier(k);
    multiply(&t, acc, ly, lx);
    kernel_barrier(k);
    nest_end(n);
    finish(&t, id, acc, ly, lx);
}

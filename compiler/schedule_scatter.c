/* schedule_scatter: tables whose rows are sums of what is scattered to them, where a group is one item: block by block of
 * rows, which lie in the group's memory while all places of the index go by once, in order. So the work grows with the
 * places and with the rows, not with their product. What is computed of the sums, an optimizer's step say, follows. */
#include "nest.h"

#define BLOCK_ELEMS 32768 /* of the sums of a group */
#define BLOCKS      8     /* of a small table: for a place is looked at in each */
#define HIT_CYCLES  16    /* of a place that is added, beside what it adds */

/* Elements of a row. */
static int64_t row_width(const Shape *outer) {
    return shape_elems(outer) / outer->dim[0];
}

static uint32_t scatter_count(const Section *s) {
    uint32_t count = 0;
    for (uint32_t m = 0; m < s->cluster->members.len; m++)
        count += node_at(s->g, s->cluster->members.at[m])->op == OP_SCATTER;
    return count;
}

/* Rows of one of at least so many blocks, where the cluster's scatters have the group's memory together. */
static int32_t block_rows(const Section *s, int64_t blocks) {
    const Shape *outer = &s->cluster->outer;
    const int64_t width = row_width(outer), rows = outer->dim[0];
    const int64_t most = BLOCK_ELEMS / (width * scatter_count(s));
    if (blocks < (rows + most - 1) / most) blocks = (rows + most - 1) / most;
    int64_t each = (rows + blocks - 1) / blocks;
    if (width == 1) each = (each + MAX_LANES - 1) / MAX_LANES * MAX_LANES; /* lanes are over rows */
    return (int32_t)(each < rows ? each : rows);
}

bool scatter_blocks_fit(const Section *s) {
    const Cluster *c = s->cluster;
    if (s->target->lanes == 1 || s->row_axes > 0 || c->has_inner) return false;
    for (uint32_t m = 0; m < c->members.len; m++) {
        const Node *x = node_at(s->g, c->members.at[m]);
        if (is_reduction((Op)x->op) && (x->op != OP_SCATTER || x->dtype != DT_F32)) return false;
    }
    const uint32_t scatters = scatter_count(s);
    return scatters > 0 && scatters <= MOST_SCATTERS &&
           row_width(&c->outer) * scatters <= BLOCK_ELEMS;
}

double scatter_cycles(const Section *s) {
    double cycles = (double)shape_elems(&s->cluster->outer) / s->target->lanes * 4;
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        const Node *x = node_at(s->g, s->cluster->members.at[m]);
        if (x->op != OP_SCATTER) continue;
        const Shape places = reduced_shape(s->g, x);
        cycles += (double)shape_elems(&places) *
                  (HIT_CYCLES + 2 * (double)row_width(&x->shape) / s->target->lanes);
    }
    return cycles;
}

/* ---- Points of a block ----------------------------------------------------------------------- */

/* Along which axis of a table lanes run: the last of more than one element. */
static int lane_axis(const Shape *table) {
    int axis = table->rank - 1;
    while (axis > 0 && table->dim[axis] == 1) axis--;
    return axis;
}

typedef struct SumBlock {
    Nest *n;
    Shape table; /* whose axis 0 has the block's rows */
    Idx first;   /* the table's first of them */
    uint32_t sums[MOST_SCATTERS];
} SumBlock;

typedef void EachPoint(const SumBlock *b, const void *context, const Point *p, Idx at);

/* Calls for each point from axis `from` on, below loops: at[] up to there is given, p->at[0] as a row of the table; `at` is
 * where its sum lies. */
static void each_point(const SumBlock *b, int from, Idx *place, EachPoint *each,
                       const void *context) {
    Nest *n = b->n;
    IndexTable *t = &n->k->index;
    const int last = lane_axis(&b->table);
    int opened = 0;
    for (int i = from; i < last; i++, opened++)
        nest_for(n, "r", idx_const(t, 0), idx_const(t, b->table.dim[i]), 1, &place[i]);
    for (int i = last + 1; i < b->table.rank; i++) place[i] = idx_const(t, 0);
    int32_t at = 0, end;
    for (uint8_t lanes = n->s->target->lanes; lanes >= 1; lanes /= 2, at = end) {
        Point p = {.lanes = from > last ? 1 : lanes};
        Idx flat = idx_const(t, 0), step = place[last];
        const bool loops = from <= last;
        end = at + (b->table.dim[last] - at) / lanes * lanes;
        if (loops && end == at) continue;
        if (loops) {
            nest_for(n, "c", idx_const(t, at), idx_const(t, end), lanes, &step);
            place[last] = idx_add(t, step, n->eval.lane[lanes]);
        }
        eval_set_lanes(&n->eval, p.lanes);
        memcpy(p.at, place, sizeof(p.at));
        p.at[0] = idx_add(t, b->first, place[0]);
        for (int i = 0; i < b->table.rank; i++)
            flat = idx_add(t, idx_scale(t, flat, b->table.dim[i]), i == last ? step : place[i]);
        each(b, context, &p, flat);
        if (!loops) break;
        nest_end(n);
    }
    nest_close(n, opened);
}

/* ---- What is scattered ------------------------------------------------------------------------ */

typedef struct Scattered {
    const Node *x;
    uint32_t sums;
    const Idx *place; /* of the index */
} Scattered;

static void add_point(const SumBlock *b, const void *context, const Point *p, Idx at) {
    const Scattered *s = context;
    Nest *n = b->n;
    Kernel *k = n->k;
    Idx in[MAX_RANK];
    access_reduced(&k->index, n->s->g, s->x, 0, p->at, s->place, in);
    Val more = eval_at(&n->eval, s->x->args[0], in);
    Val sum = val_local(k, s->sums, at, p->lanes, (Ranges){0}, "sum");
    kernel_store_local(k, s->sums, at,
                       val_splat(k, val_ew(k, OP_ADD, sum, more, NO_VAL), p->lanes));
}

/* Whether rows of the index, which may be several lanes, are in the block. */
static Val in_block(const SumBlock *b, Val row) {
    Kernel *k = b->n->k;
    Val first = val_index(k, b->first),
        end = val_index(k, idx_offset(&k->index, b->first, b->table.dim[0]));
    Val here = val_ew(k, OP_AND, val_ew(k, OP_LE, first, row, NO_VAL),
                      val_ew(k, OP_LT, row, end, NO_VAL), NO_VAL);
    val_name(k, here, "here");
    return here;
}

/* Opens a condition that holds a part of the time. */
static void open_where(Nest *n, Val holds, double part) {
    Kernel *k = n->k;
    Range *range = NEW(k->arena, Range);
    *range = (Range){idx_var(&k->index, "here", 0, 1, holds), 1, 2};
    kernel_if(k, (Ranges){1, range});
    kernel_seldom(k, part);
    eval_push(&n->eval);
}

static void close_where(Nest *n) {
    eval_pop(&n->eval);
    kernel_end(n->k);
}

static Val row_at(const SumBlock *b, const Node *x, const Shape *places, Idx at, Idx *inner) {
    IndexTable *t = &b->n->k->index;
    Idx in[MAX_RANK];
    access_unravel(t, places, at, inner);
    access_reduced(t, b->n->s->g, x, 1, NULL, inner, in);
    return eval_at(&b->n->eval, x->args[1], in);
}

/* Adds what place `at` of the index has, if that is for a row of the block. */
static void add_place(const SumBlock *b, const Node *x, uint32_t sums, const Shape *places, Idx at,
                      double part) {
    Nest *n = b->n;
    Kernel *k = n->k;
    Idx inner[MAX_RANK], place[MAX_RANK];
    eval_set_lanes(&n->eval, 1);
    Val row = row_at(b, x, places, at, inner);
    open_where(n, in_block(b, row), part);
    Val slot = val_ew(k, OP_SUB, row, val_index(k, b->first), NO_VAL);
    val_name(k, slot, "slot");
    place[0] = idx_var(&k->index, "slot", 0, b->table.dim[0] - 1, slot);
    each_point(b, 1, place, add_point, &(Scattered){x, sums, inner});
    close_where(n);
}

/* Whether a value lies in memory, or is a view of one that does. */
static bool is_loaded(const Section *s, NodeId id) {
    while (is_view((Op)node_at(s->g, id)->op) && !in_memory(&s->place[id]))
        id = node_at(s->g, id)->args[0];
    return node_at(s->g, id)->op == OP_VAR || in_memory(&s->place[id]);
}

/* All places of the index, in order. Where most are for other blocks, as many as a vector has are looked at together. */
static void add_places(const SumBlock *b, const Node *x, uint32_t sums, int64_t blocks) {
    Nest *n = b->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Shape places = reduced_shape(n->s->g, x);
    const int32_t lanes = n->s->target->lanes;
    const int64_t count = shape_elems(&places);
    const bool looks = blocks > BLOCKS && is_loaded(n->s, x->args[1]);
    const int64_t whole = looks ? count / lanes * lanes : 0;
    Idx at, inner[MAX_RANK], turn;
    if (whole) {
        nest_for(n, "k", idx_const(t, 0), idx_const(t, whole), lanes, &at);
        eval_set_lanes(&n->eval, (uint8_t)lanes);
        Val rows = row_at(b, x, &places, idx_add(t, at, n->eval.lane[lanes]), inner);
        Val some = val_across(k, OP_ADD, val_cast(k, in_block(b, rows), DT_I32));
        open_where(n, val_ew(k, OP_LT, val_const(k, DT_I32, 0), some, NO_VAL),
                   (double)lanes / (double)(blocks + lanes));
        nest_for(n, "e", idx_const(t, 0), idx_const(t, lanes), 1, &turn);
        if (lanes > 1) kernel_unroll(k, false);
        add_place(b, x, sums, &places, idx_add(t, at, turn),
                  (double)(blocks + lanes) / (double)lanes / (double)blocks);
        nest_end(n);
        close_where(n);
        nest_end(n);
    }
    if (whole == count) return;
    nest_for(n, "k", idx_const(t, whole), idx_const(t, count), 1, &at);
    add_place(b, x, sums, &places, at, 1.0 / (double)blocks);
    nest_end(n);
}

/* ---- Blocks ----------------------------------------------------------------------------------- */

static void finish_point(const SumBlock *b, const void *context, const Point *p, Idx at) {
    const Section *s = b->n->s;
    (void)context;
    for (uint32_t m = 0, table = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        if (node_at(s->g, id)->op != OP_SCATTER) continue;
        eval_bind(&b->n->eval, id, p->at,
                  val_local(b->n->k, b->sums[table++], at, p->lanes, (Ranges){0}, "sum"));
    }
    nest_store_points(b->n, p, 1);
}

static void emit_block(SumBlock *b, int64_t blocks) {
    Nest *n = b->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const Section *s = n->s;
    const int32_t lanes = s->target->lanes;
    const int64_t elems = (shape_elems(&b->table) + lanes - 1) / lanes * lanes;
    Idx turn, place[MAX_RANK];
    for (uint32_t m = 0, table = 0; m < s->cluster->members.len; m++) {
        static const char *const names[MOST_SCATTERS] = {"sums", "sums1", "sums2", "sums3"};
        const Node *x = node_at(s->g, s->cluster->members.at[m]);
        if (x->op != OP_SCATTER) continue;
        const uint32_t sums = b->sums[table] = kernel_scratch(k, names[table], DT_F32, elems);
        table++;
        nest_for(n, "c", idx_const(t, 0), idx_const(t, elems), lanes, &turn);
        kernel_store_local(k, sums, turn, val_splat(k, val_const(k, DT_F32, 0), (uint8_t)lanes));
        nest_end(n);
        add_places(b, x, sums, blocks);
    }
    each_point(b, 0, place, finish_point, NULL);
}

void emit_scatter_blocks(Nest *n, Idx part) {
    const Section *s = n->s;
    IndexTable *t = &n->k->index;
    const int64_t groups =
        s->rows ? 1 : s->groups; /* of a block of a chain one group does everything */
    const int32_t rows = s->cluster->outer.dim[0];
    const int32_t each = block_rows(s, groups > BLOCKS ? BLOCKS : groups);
    Tiling blocks[2];
    const uint32_t sizes = split_axis(rows, each, blocks);
    for (uint32_t i = 0; i < sizes; i++) {
        SumBlock b = {.n = n, .table = s->cluster->outer};
        Idx lo = idx_share(t, part, blocks[i].count, groups), block;
        Idx hi = idx_share(t, idx_offset(t, part, 1), blocks[i].count, groups);
        nest_for(n, "block", lo, hi, 1, &block);
        b.table.dim[0] = blocks[i].size;
        b.first = idx_offset(t, idx_scale(t, block, blocks[i].size), blocks[i].start);
        emit_block(&b, (rows + each - 1) / each);
        nest_end(n);
    }
}

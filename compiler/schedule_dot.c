/* schedule_dot: how a contraction is cut into tiles. A step of the inner loop multiplies what a tile of rows and
 * columns needs, and costs operations (two a cycle) and loads (two a cycle). The lanes run over the columns, where
 * what is multiplied by lies side by side along them; or over what is contracted, where both operands lie side by
 * side along that: then a tile is of points, and the lanes of each are added up at its end. The second costs nothing
 * but that end, and wins where there are few columns, or where they lie apart in memory. */
#include "cost.h"
#include "nest.h"

#include <math.h>

#define STEP_CYCLES   0.5 /* of the loop itself */
#define LATENCY       4.0 /* of an operation: a step takes as long */
#define GATHER_CYCLES 20  /* of a vector whose lanes lie apart */
#define ACROSS_CYCLES 4   /* of adding up the lanes of one of four vectors */
#define DOWN_CYCLES   2   /* of a line that a step brings in for a part of it */
#define LINE_CYCLES   1.3 /* of a vector from beyond the nearest cache */
#define POINTS        30 /* registers of 16 lanes for the points of a tile and an operand of them */

/* Products from which on their time is more than that of building their text: a region of its own, of another size of
 * tile, is text of its own. */
#define LONG       (1 << 28)
#define MOST_BAND  48 /* rows of a band, or a tile's */
#define LEAST_ROWS 96 /* of a block, that are worth a panel */
#define WAY_BYTES                                                                                  \
    4096 /* of the nearest cache: lines so far apart, or a multiple of it, drive each other out */
#define AGAIN 4 /* tiles of rows that want what was driven out, for which a copy is worth it */

uint32_t split_axis(int32_t size, int32_t tile, Tiling *out) {
    uint32_t n = 0;
    if (size / tile) out[n++] = (Tiling){.size = tile, .count = size / tile};
    if (size % tile)
        out[n++] = (Tiling){.start = size / tile * tile, .size = size % tile, .count = 1};
    return n;
}

void cut_pieces(Tiling *t, uint8_t lanes) {
    int32_t at = 0;
    for (; lanes >= 1; lanes /= 2) {
        for (; t->size - at >= lanes; at += lanes) t->pieces[t->piece_count++] = (Piece){at, lanes};
    }
}

uint32_t alike_pieces(const Tiling *t, uint32_t first) {
    uint32_t end = first + 1;
    while (end < t->piece_count && t->pieces[end].lanes == t->pieces[first].lanes) end++;
    return end - first;
}

NodeId dot_of(const Section *s) {
    for (uint32_t m = 0; m < s->cluster->members.len; m++) {
        NodeId id = s->cluster->members.at[m];
        if (node_at(s->g, id)->op == OP_DOT) return id;
    }
    return NO_NODE;
}

bool dot_is_product(const Section *s) {
    const Node *dot = node_at(s->g, dot_of(s));
    const int axes = s->space.rank, batch = dot->attr[0];
    const int free_a = node_at(s->g, dot->args[0])->shape.rank - batch - dot->attr[1];
    if (axes < 2) return false;
    for (int i = 0, end = dot->shape.rank; i < s->merged[axes - 2] + s->merged[axes - 1]; i++) {
        const int place = end - 1 - i, axis = dot->attrc > 2 ? dot->attr[2 + place] : place;
        const int from = i < s->merged[axes - 1] ? batch + free_a : batch;
        const int to = i < s->merged[axes - 1] ? end : batch + free_a;
        if (dot->shape.dim[place] > 1 && (axis < from || axis >= to)) return false;
    }
    return true;
}

/* How the operands lie. */
typedef struct Lie {
    bool apart;  /* some lanes along the last axis lie apart */
    bool turned; /* what is multiplied by lies side by side along what is contracted instead */
    bool
        down; /* what multiplies lies side by side along the rows, and not along what is contracted */
    bool
        crowded; /* from place to place of what is contracted, an operand's lines drive each other out */
} Lie;

typedef struct Cut {
    double cycles;
    int rows, columns;
} Cut;

/* The best so far, and behind it others, those of fewer cycles first. */
typedef struct Cuts {
    Cut at[MOST_TILES];
    uint32_t count;
} Cuts;

/* A cut is better only if it is by more than rounding. */
static void add_cut(Cuts *c, Cut cut) {
    uint32_t at = 0;
    while (at < c->count && cut.cycles >= c->at[at].cycles * (at ? 1 : 0.999)) at++;
    if (at == MOST_TILES) return;
    if (c->count < MOST_TILES) c->count++;
    for (uint32_t i = c->count - 1; i > at; i--) c->at[i] = c->at[i - 1];
    c->at[at] = cut;
}

/* What a region beyond the first adds, in parts of all. */
static double region_cost(int32_t rows, int32_t columns, int64_t length) {
    return (double)rows * columns * (double)length < LONG ? 0.1 : 0.02;
}

/* Lanes over the columns: the cycles of one step of all tiles. */
static Cuts cut_columns(const Target *target, int32_t rows, int32_t columns, int64_t length,
                        const Lie *lie, bool packs) {
    const int lanes = target->lanes, registers = lanes / target->width;
    const double region = region_cost(rows, columns, length);
    Cuts cuts = {0};
    for (int vectors = 1; vectors <= 4; vectors++) {
        int limit = (int)target->accumulators / vectors;
        for (int r = 1; r <= limit && r <= 16 && r <= rows; r++) {
            double cost = 0;
            Tiling m[2], c[2];
            uint32_t nm = split_axis(rows, r, m), nc = split_axis(columns, vectors * lanes, c);
            for (uint32_t i = 0; i < nm; i++) {
                for (uint32_t j = 0; j < nc; j++) {
                    double p = (c[j].size + lanes - 1) / lanes, mr = m[i].size;
                    double step = fmax(mr * p * registers, mr + p * registers) / 2 + STEP_CYCLES;
                    if (lie->apart && !packs) step += p * GATHER_CYCLES;
                    if (lie->down) step += DOWN_CYCLES;
                    cost += fmax(step, LATENCY) * m[i].count * c[j].count;
                }
            }
            cost *= 1 + region * (nm + nc - 2);
            add_cut(&cuts, (Cut){cost, r, vectors * lanes});
        }
    }
    return cuts;
}

/* Lanes over `length` elements of what is contracted, `turns` times: the cycles of all of it. */
static Cuts cut_points(const Target *target, int32_t rows, int32_t columns, int64_t length,
                       double turns) {
    Cuts cuts = {0};
    /* Of shorter registers a processor has as many fewer, and a vector takes more. */
    const int registers = target->lanes / target->width, most = POINTS / registers / registers;
    double steps = points_steps(target, length, turns);
    for (int r = 1; r <= rows && r <= 8; r++) {
        for (int c = 1; c <= columns && c <= 8 && r * c + (r < c ? r : c) <= most; c++) {
            double cost = 0;
            Tiling m[2], n[2];
            uint32_t nm = split_axis(rows, r, m), nn = split_axis(columns, c, n);
            for (uint32_t i = 0; i < nm; i++) {
                for (uint32_t j = 0; j < nn; j++) {
                    double mr = m[i].size, nr = n[j].size;
                    double step = fmax(mr * nr * registers / 2, (mr + nr) * LINE_CYCLES);
                    step = fmax(step + STEP_CYCLES, LATENCY);
                    cost += (step * steps + ACROSS_CYCLES * mr * nr) * m[i].count * n[j].count;
                }
            }
            cost *= 1 + region_cost(rows, columns, length) * (nm + nn - 2);
            add_cut(&cuts, (Cut){cost, r, c});
        }
    }
    return cuts;
}

/* An axis as a vector's worth of places. */
static Idx lanes_at(Nest *n, const char *name, int32_t size) {
    IndexTable *t = &n->k->index;
    const uint8_t lanes = n->s->target->lanes;
    if (size < lanes) return idx_var(t, name, 0, size - 1, NO_VAL);
    eval_set_lanes(&n->eval, lanes);
    Idx part = idx_var(t, name, 0, size / lanes - 1, NO_VAL);
    return idx_add(t, idx_scale(t, part, lanes), n->eval.lane[lanes]);
}

/* What one element, or a vector's worth, of an operand is read from. The lanes run over the axis `axis` of the space, or
 * over the last contracted one: axis < 0. */
typedef struct Probe {
    bool apart; /* the lanes lie apart */
    int64_t
        stride; /* elements from a place to the next along the last contracted axis; 0: not known, or it has lanes */
} Probe;

static Probe probe(const Section *s, Arena *arena, uint32_t operand, int axis) {
    const Node *dot = node_at(s->g, dot_of(s));
    Kernel k;
    Nest n;
    Idx at[MAX_RANK], index[MAX_RANK], inner[MAX_RANK], in[MAX_RANK];
    Shape reduced = reduced_shape(s->g, dot);
    Arena *scratch = arena_open(arena);
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    for (int i = 0; i < s->space.rank; i++) {
        int32_t size = s->space.dim[i];
        at[i] = i == axis ? lanes_at(&n, "o", size) : idx_var(&k.index, "o", 0, size - 1, NO_VAL);
    }
    for (int i = 0; i < reduced.rank; i++) {
        int32_t size = reduced.dim[i];
        bool lanes = axis < 0 && i == reduced.rank - 1;
        inner[i] = lanes ? lanes_at(&n, "k", size) : idx_var(&k.index, "k", 0, size - 1, NO_VAL);
    }
    nest_unmerge(&k.index, &s->cluster->outer, s->merged, s->space.rank, at, index);
    access_reduced(&k.index, s->g, dot, operand, index, inner, in);
    eval_push(&n.eval);
    Val v = eval_at(&n.eval, dot->args[operand], in);
    const Value *x = &k.values.at[v];
    const Value *first = x->kind == V_PACK ? &k.values.at[x->pack[0]] : x;
    Probe p = {.apart = n.eval.lanes > 1 && x->kind == V_PACK && first->lanes == 1 &&
                        first->kind != V_EXTRACT};
    if (axis >= 0 && reduced.rank > 0 && x->kind == V_LOAD && reduced.dim[reduced.rank - 1] > 1 &&
        !idx_stride(&k.index, x->index, idx_atom(&k.index, inner[reduced.rank - 1]), &p.stride))
        p.stride = 0;
    eval_pop(&n.eval);
    arena_close(scratch);
    return p;
}

static bool lanes_apart(const Section *s, Arena *arena, uint32_t operand, int axis) {
    return probe(s, arena, operand, axis).apart;
}

static bool is_crowded(Probe p) {
    return p.stride > 0 && p.stride * (int64_t)sizeof(float) % WAY_BYTES == 0;
}

static Lie operands_lie(const Section *s, Arena *arena) {
    int axes = s->space.rank;
    Probe right = probe(s, arena, 1, axes - 1);
    Lie lie = {.apart = right.apart || lanes_apart(s, arena, 0, axes - 1),
               .crowded = is_crowded(right)};
    lie.turned = right.apart && !lanes_apart(s, arena, 1, -1);
    if (axes >= 2 && lanes_apart(s, arena, 0, -1)) {
        Probe left = probe(s, arena, 0, axes - 2);
        lie.down = !left.apart;
        lie.crowded = lie.crowded || (lie.down && is_crowded(left));
    }
    return lie;
}

static int64_t at_least_1(int64_t n) {
    return n < 1 ? 1 : n;
}

/* Rows of a band: whole tiles, and whole vectors if that is not too many. */
static int32_t band_rows(const Section *s) {
    const int32_t tile = s->tile_rows, lanes = s->target->lanes;
    int32_t rows = tile;
    while (rows % lanes && rows + tile <= MOST_BAND) rows += tile;
    return rows;
}

/* By panels: where what is multiplied by does not stay in a core's cache by itself while the rows go by, or does not
 * lie along the lanes. A panel is about an eighth of that cache, so that it stays beside all else: deep, for the sums
 * of a block of rows wait between its parts, less so where the rows are copied as well; and then wide, for a row of
 * what is stored is as long, and short ones that lie far apart cost more than all else. */
static void plan_panels(Section *s, const Lie *lie, int32_t rows, int32_t columns, int32_t length) {
    const int64_t groups = s->target->groups, cache = s->target->cache_bytes;
    int64_t most = at_least_1(cache / (lie->down ? 16384 : 2048)), each = 1, blocks = 1;
    int64_t parts = (length + most - 1) / most, depth = (length + parts - 1) / parts;
    int64_t strips = at_least_1(cache / 32 / (depth * s->tile_columns));
    int64_t shares = at_least_1(rows / LEAST_ROWS);
    for (int i = 0; i < s->space.rank - 2; i++) each *= s->space.dim[i];
    while (strips > 1 && each * shares * columns < groups * s->tile_columns * strips) strips /= 2;
    int64_t width = s->tile_columns * strips;
    int64_t panels = each * ((columns + width - 1) / width);
    int64_t tallest = at_least_1(parts > 1 ? cache / 16 / width : cache / 1024);
    while (rows / blocks > tallest ||
           (panels * blocks < groups && rows / (blocks * 2) >= LEAST_ROWS))
        blocks *= 2;
    /* Blocks of one size are one text. */
    int64_t block = rows / blocks;
    if (rows % blocks) block = (block + s->tile_rows - 1) / s->tile_rows * s->tile_rows;
    s->packs = true;
    s->turned = lie->turned;
    s->depth = (int32_t)depth;
    s->panel_columns = (int32_t)width;
    s->block_rows = block < rows ? (int32_t)block : rows;
    if (lie->down) s->band_rows = band_rows(s);
}

/* Elements of what is contracted that are one axis in memory, the last. */
static int64_t contracted_run(const Section *s, Arena *arena, NodeId id) {
    Kernel k;
    Nest n;
    Arena *scratch = arena_open(arena);
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    int64_t run = nest_row_length(&n, id);
    arena_close(scratch);
    return run;
}

/* Takes one of the cuts, with panels or without. Its name says all that the cuts depend on. */
static Tile take_tile(Section *s, Arena *arena, const Cuts *cuts, bool panels, bool may_pack,
                      int32_t rows, int32_t columns, int64_t length, int64_t run, const Lie *lie) {
    Tile tiles[MOST_TILES];
    uint32_t count = 0;
    while (count < cuts->count && count < MOST_TILES - 1) {
        tiles[count] = (Tile){cuts->at[count].rows, cuts->at[count].columns, panels};
        count++;
    }
    if (may_pack && rows >= cuts->at[0].rows) {
        tiles[count] = tiles[0];
        tiles[count++].panels = !panels;
    }
    const bool cut = s->dot_inner && run != length;
    const char *what = arena_printf(
        arena, "%s %dx%d by %lld%s%s%s%s%s%s%s", s->target->name, rows, columns, (long long)length,
        s->rows                    ? " in a chain"
        : panels                   ? " by panels"
        : may_pack || s->dot_inner ? ""
                                   : " in place",
        lie->down ? " down" : "", lie->apart ? " apart" : "", lie->turned ? " turned" : "",
        s->dot_inner ? " points" : "", cut ? " of " : "",
        cut ? arena_printf(arena, "%lld", (long long)run) : "");
    return tiles[tile_take(s->target, what, tiles, count, arena, &s->tile)];
}

void dot_plan(Section *s, Arena *arena, bool inner) {
    int axes = s->space.rank;
    NodeId id = dot_of(s);
    const Node *dot = node_at(s->g, id);
    int32_t columns = s->space.dim[axes - 1], rows = axes >= 2 ? s->space.dim[axes - 2] : 1;
    if (s->row_axes > 0 && axes == 2 && rows > s->block) rows = s->block;
    Shape reduced = reduced_shape(s->g, dot);
    int64_t length = shape_elems(&reduced), run = contracted_run(s, arena, id);
    Lie lie = operands_lie(s, arena);
    bool may_pack = dot_is_product(s) && run == length && !s->rows && dot->dtype == DT_F32;
    bool packs = may_pack && (cost_packs(s->target, rows, columns, length) ||
                              (lie.turned && rows >= LEAST_ROWS));
    const bool crowded = may_pack && lie.crowded && columns > 1 && length >= s->target->lanes;
    /* Which way the lanes run decides the order of additions, and is the same for all targets of as many lanes. */
    const Target *like = target_first_like(s->target);
    double turns = (double)length / (double)run;
    s->dot_inner =
        inner && cut_points(like, rows, columns, run, turns).at[0].cycles <
                     0.9 * (double)length *
                         cut_columns(like, rows, columns, length, &lie, packs).at[0].cycles;
    Cuts cuts = s->dot_inner ? cut_points(s->target, rows, columns, run, turns)
                             : cut_columns(s->target, rows, columns, length, &lie, packs);
    may_pack = may_pack && !s->dot_inner;
    packs = may_pack && (packs || (crowded && rows >= AGAIN * cuts.at[0].rows));
    Tile tile = take_tile(s, arena, &cuts, packs, may_pack, rows, columns, length, run, &lie);
    s->tile_rows = tile.rows;
    s->tile_columns = tile.columns;
    if (tile.panels) plan_panels(s, &lie, rows, columns, (int32_t)length);
}

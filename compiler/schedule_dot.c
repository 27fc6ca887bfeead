/* schedule_dot: how a contraction is cut into tiles. A step of the inner loop multiplies what a tile of rows and
 * columns needs, and costs operations (two a cycle) and loads (two a cycle). The lanes run over the columns, where
 * what is multiplied by lies side by side along them; or over what is contracted, where both operands lie side by
 * side along that: then a tile is of points, and the lanes of each are added up at its end. The second costs nothing
 * but that end, and wins where there are few columns, or where they lie apart in memory. */
#include "cost.h"
#include "nest.h"

#include <math.h>

#define MOST_ROWS     16  /* of a tile */
#define OPERANDS      4   /* registers for what sums are multiplied by */
#define STEP_CYCLES   2.0 /* of the loop itself, however many turns go on as one */
#define TURNS         2   /* that do in a long product */
#define LOAD_CYCLES   0.0625
#define STREAM_CYCLES 2.0  /* of a register from beyond the nearest cache */
#define NEAR_ELEMS    4096 /* of a strip that stays in the nearest cache */
#define LATENCY       4.0  /* of an operation: a step takes as long */
#define GATHER_CYCLES 20   /* of a vector whose lanes lie apart */
#define ACROSS_CYCLES 4    /* of adding up the lanes of one of four vectors */
#define DOWN_CYCLES   2    /* of a line that a step brings in for a part of it */
#define LINE_CYCLES   1.3  /* of a vector from beyond the nearest cache; ... */
#define LINES_CYCLES  2.1  /* ... that lies across two lines */
#define POINTS        30 /* registers of 16 lanes for the points of a tile and an operand of them; */
#define FEW_POINTS    8 /* of shorter ones a processor has as many fewer, and a vector takes more */

/* Products from which on their time is more than that of building their text: a region of its own, of another size of
 * tile, is text of its own, and so are several turns of a loop. */
#define LONG       (1 << 27)
#define MOST_BAND  48  /* rows of a band, or a tile's; */
#define MOST_LOTS  64  /* of one whose tiles lie side by side, ... */
#define LONG_LOTS  128 /* ... where a tile takes twice as long for what it reads of a panel */
#define LEAST_ROWS 96  /* of a block, that are worth a panel */
#define TURNED_ROWS                                                                                \
    16 /* the same of one that is turned, where that is better than a tile of points */
#define TURN_CYCLES  1.0 /* of turning an element of it; ... */
#define TURN_CROWDED 1.3 /* ... of lines that drive each other out */
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

int dot_axis_of(const Section *s, const Node *dot, int place) {
    const int batch = dot->attr[0], axis = dot->attrc > 2 ? dot->attr[2 + place] : place;
    const int rank = node_at(s->g, dot->args[0])->shape.rank;
    return axis < batch ? -1 : axis >= rank - dot->attr[1];
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
    int64_t length; /* of what is contracted */
    int32_t rows;   /* of the result */
    bool apart;     /* some lanes along the last axis lie apart */
    bool turned; /* what is multiplied by lies side by side along what is contracted instead, ... */
    bool turned_crowded; /* ... and its lines drive each other out */
    bool
        down; /* what multiplies lies side by side along the rows, and not along what is contracted */
    bool
        crowded; /* from place to place of what is contracted, an operand's lines drive each other out */
} Lie;

typedef struct Cut {
    double cycles;
    int rows, columns;
    int rest_rows; /* of the columns that are left */
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

static bool is_long(int32_t rows, int32_t columns, int64_t length) {
    return (double)rows * columns * (double)length >= LONG;
}

/* What a region beyond the first adds, in parts of all. */
static double region_cost(int32_t rows, int32_t columns, int64_t length) {
    return is_long(rows, columns, length) ? 0.02 : 0.1;
}

/* Registers that `size` columns take. */
static int column_registers(const Target *target, int32_t size) {
    return (size + target->width - 1) / target->width;
}

/* What a turn of the inner loop takes besides its operations. */
static double loop_cycles(const Target *target) {
    return STEP_CYCLES / (target->turns ? target->turns : TURNS);
}

/* The cycles of a step of one tile. Each load gets in the way a bit, for it may have to wait for a line, or for another
 * load. */
static double step_cycles(const Target *target, int rows, int32_t columns, const Lie *lie,
                          bool packs) {
    const int registers = target->lanes / target->width, p = column_registers(target, columns);
    double step = fmax((double)rows * p, rows + p) / 2 + loop_cycles(target);
    step += (rows + p) * LOAD_CYCLES;
    if (registers > 1 && lie->length * p * target->width > NEAR_ELEMS)
        step = fmax(step, p * STREAM_CYCLES);
    /* A strip that is read once is from there, however short, by whole lines, and each is another one. */
    if (registers > 1 && rows >= lie->rows)
        step = fmax(step, (p + 1) / 2 * 2 * STREAM_CYCLES + DOWN_CYCLES);
    if (lie->apart && !packs) step += (double)p / registers * GATHER_CYCLES;
    if (lie->down) step += DOWN_CYCLES;
    return fmax(step, LATENCY);
}

/* Whether the sums of a tile of so many registers stay in these, with what they are multiplied by. */
static bool sums_fit(const Target *target, int rows, int vectors) {
    const int registers = target->lanes / target->width,
              most = (int)target->accumulators * registers;
    if (rows * vectors > most) return false;
    return registers == 1 || rows * vectors + (rows > 1 ? vectors : 1) + 1 <= most + OPERANDS;
}

/* The cycles of one step of all tiles of some columns, by so many rows. */
static double strip_cycles(const Target *target, int32_t rows, int r, const Tiling *columns,
                           const Lie *lie, bool packs) {
    Tiling m[2];
    double cost = 0;
    uint32_t nm = split_axis(rows, r, m);
    for (uint32_t i = 0; i < nm; i++)
        cost +=
            step_cycles(target, m[i].size, columns->size, lie, packs) * m[i].count * columns->count;
    return cost;
}

/* Rows of a tile of the columns that are left: as many as are best for these, where registers are short of lanes. */
static int rest_rows(const Target *target, int32_t rows, int r, const Tiling *columns,
                     const Lie *lie, bool packs) {
    const int p = column_registers(target, columns->size);
    int best = r;
    double least = strip_cycles(target, rows, r, columns, lie, packs);
    if (target->width == target->lanes) return r;
    for (int more = r * 2; more <= MOST_ROWS && more <= rows && sums_fit(target, more, p);
         more += r) {
        double cost = strip_cycles(target, rows, more, columns, lie, packs);
        if (cost >= least) continue;
        least = cost;
        best = more;
    }
    return best;
}

/* Lanes over the columns: the cycles of one step of all tiles. */
static Cuts cut_columns(const Target *target, int32_t rows, int32_t columns, int64_t length,
                        const Lie *lie, bool packs) {
    const int most = 4 * target->lanes / target->width;
    const double region = region_cost(rows, columns, length);
    Cuts cuts = {0};
    for (int vectors = 1; vectors <= most; vectors++) {
        for (int r = 1; r <= MOST_ROWS && r <= rows && sums_fit(target, r, vectors); r++) {
            Tiling c[2];
            uint32_t nc = split_axis(columns, vectors * target->width, c);
            Cut cut = {0, r, vectors * target->width, r};
            for (uint32_t j = 0; j < nc; j++) {
                int own = r;
                if (j == 1) own = cut.rest_rows = rest_rows(target, rows, r, &c[j], lie, packs);
                cut.cycles += strip_cycles(target, rows, own, &c[j], lie, packs);
            }
            cut.cycles *= 1 + region * ((rows % r ? 1 : 0) + nc - 1);
            add_cut(&cuts, cut);
        }
    }
    return cuts;
}

/* Lanes over `length` elements of what is contracted, `turns` times: the cycles of all of it. Rows that are not of whole vectors
 * begin where these lie across two lines, if `uneven`. */
static Cuts cut_points(const Target *target, int32_t rows, int32_t columns, int64_t length,
                       double turns, bool uneven) {
    Cuts cuts = {0};
    const int registers = target->lanes / target->width, most = registers > 1 ? FEW_POINTS : POINTS;
    double steps = points_steps(target, length, turns);
    const double load = uneven && length % target->lanes ? LINES_CYCLES : LINE_CYCLES;
    for (int r = 1; r <= rows && r <= 8; r++) {
        for (int c = 1; c <= columns && c <= 8 && r * c + (r < c ? r : c) <= most; c++) {
            double cost = 0;
            Tiling m[2], n[2];
            uint32_t nm = split_axis(rows, r, m), nn = split_axis(columns, c, n);
            for (uint32_t i = 0; i < nm; i++) {
                for (uint32_t j = 0; j < nn; j++) {
                    double mr = m[i].size, nr = n[j].size;
                    double step = fmax(mr * nr * registers / 2, (mr + nr) * load);
                    step = fmax(step + loop_cycles(target), LATENCY);
                    cost += (step * steps + ACROSS_CYCLES * mr * nr) * m[i].count * n[j].count;
                }
            }
            cost *= 1 + region_cost(rows, columns, length) * (nm + nn - 2);
            add_cut(&cuts, (Cut){cost, r, c, r});
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
        stride; /* elements from a place to the next along the last contracted axis, or if that has the lanes, the last of the space; 0: not known */
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
    const int last = axis < 0 ? s->space.rank - 1 : reduced.rank - 1;
    const Idx *places = axis < 0 ? at : inner;
    const int32_t count = last < 0 ? 1 : axis < 0 ? s->space.dim[last] : reduced.dim[last];
    if (x->kind == V_LOAD && count > 1 &&
        !idx_stride(&k.index, x->index, idx_atom(&k.index, places[last]), &p.stride))
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
    Probe along = probe(s, arena, 1, -1);
    lie.turned = right.apart && !along.apart;
    lie.turned_crowded = lie.turned && is_crowded(along);
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

/* Rows of a band: whole tiles, and whole vectors if that is not too many; as many as can be where a tile's lie side by
 * side, for the longer is what is copied at a time. */
static int32_t band_rows(const Section *s) {
    const int32_t tile = s->tile_rows, lanes = s->target->lanes;
    int32_t rows = tile;
    while (rows % lanes && rows + tile <= MOST_BAND) rows += tile;
    const int32_t most = target_is_short(s->target) ? LONG_LOTS : MOST_LOTS;
    return s->lots ? most / rows * rows : rows;
}

/* By panels: where what is multiplied by does not stay in a core's cache by itself while the rows go by, or does not
 * lie along the lanes. How a panel and what goes by it are measured:
 *
 * A panel is about an eighth of that cache, so that it stays beside all else: deep, for the sums of a block of rows wait
 * between its parts, less so where the rows are copied as well; and then wide, for a row of what is stored is as long, and
 * short ones that lie far apart cost more than all else.
 *
 * Where registers are short of lanes a tile takes twice as long for what it reads of a panel: that is
 * deeper, and half as large, which leaves more of the cache to others. */
typedef struct Measure {
    int64_t depth, elems; /* at most, of a panel */
    int64_t block;        /* elements of the left operand that a block of rows is of at most */
} Measure;

static Measure panel_measure(const Target *target, const Lie *lie) {
    const int64_t cache = target->cache_bytes;
    if (!target_is_short(target))
        return (Measure){cache / (lie->down ? 16384 : 2048), cache / 32, INT64_MAX};
    if (lie->down) return (Measure){cache / 8192, cache / 32, INT64_MAX};
    return (Measure){cache / 1024, cache / 64, cache / 2};
}

/* Rows of a block at most: the sums that wait for several parts stay in the cache. */
static int64_t tallest_block(const Target *target, const Measure *m, int64_t parts, int64_t depth,
                             int64_t width) {
    const int64_t cache = target->cache_bytes;
    if (parts > 1 || !target_is_short(target))
        return at_least_1(parts > 1 ? cache / 16 / width : cache / 1024);
    return at_least_1(m->block / depth);
}

/* Strips of each panel, not more than so many: as few as make no more panels. */
static int64_t alike(int64_t columns, int64_t strip, int64_t most) {
    int64_t strips = (columns + strip - 1) / strip, panels = (strips + most - 1) / most;
    return (strips + panels - 1) / panels;
}

static void plan_panels(Section *s, const Lie *lie, int32_t rows, int32_t columns, int32_t length) {
    const Measure m = panel_measure(s->target, lie);
    const int64_t groups = s->target->groups;
    int64_t most = at_least_1(m.depth), each = 1, blocks = 1;
    int64_t parts = (length + most - 1) / most, depth = (length + parts - 1) / parts;
    if (target_is_short(s->target) && length > MAX_LANES && parts > 1)
        depth = (depth + MAX_LANES - 1) / MAX_LANES * MAX_LANES; /* whole turns, at whole vectors */
    int64_t strips = at_least_1(m.elems / (depth * s->tile_columns));
    int64_t shares = at_least_1(rows / LEAST_ROWS);
    for (int i = 0; i < s->space.rank - 2; i++) each *= s->space.dim[i];
    while (strips > 1 && each * shares * columns < groups * s->tile_columns * strips) strips /= 2;
    if (target_is_short(s->target)) strips = alike(columns, s->tile_columns, strips);
    int64_t width = s->tile_columns * strips;
    int64_t panels = each * ((columns + width - 1) / width);
    int64_t tallest = tallest_block(s->target, &m, parts, depth, width);
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
    s->lots = MAX_LANES % s->tile_rows == 0;
    s->turns = s->target->turns;
    if (!s->turns && is_long(rows, columns, length)) s->turns = TURNS;
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
        const Cut *cut = &cuts->at[count];
        tiles[count] = (Tile){cut->rows, cut->columns, cut->rest_rows, panels};
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

/* Whether all of an axis of the space is of that operand alone. */
static bool is_of(const Section *s, const Node *dot, int axis, int operand) {
    int first = 0;
    for (int i = 0; i < axis; i++) first += s->merged[i];
    for (int i = 0; i < s->merged[axis]; i++)
        if (dot_axis_of(s, dot, first + i) != operand) return false;
    return true;
}

/* A tile of points whose axes are both of one operand has a load of that for each of its sums: the longest axis of the other
 * one comes before the last (of the gradient of a convolution's weights, whose windows are two axes, the filters). */
static void move_rows(Section *s, const Node *dot) {
    const int axes = s->space.rank, rows = axes - 2;
    int best = rows, own = 0;
    if (axes < 3 || s->row_axes || s->run || !shape_equal(&s->cluster->outer, &dot->shape)) return;
    while (own < 2 && !(is_of(s, dot, axes - 1, own) && is_of(s, dot, rows, own))) own++;
    if (own == 2) return;
    for (int i = 0; i < rows; i++)
        if (is_of(s, dot, i, 1 - own) && (best == rows || s->space.dim[i] > s->space.dim[best]))
            best = i;
    if (best == rows || s->space.dim[best] < 2) return;
    const int32_t size = s->space.dim[best];
    memmove(&s->space.dim[best], &s->space.dim[best + 1], (size_t)(rows - best) * sizeof(size));
    s->space.dim[rows] = size;
    s->moved = best + 1;
}

void dot_cut(Section *s, int32_t rows, int32_t columns, int64_t length) {
    const Lie lie = {.length = length, .rows = rows};
    const Cuts cuts = cut_columns(s->target, rows, columns, length, &lie, true);
    s->tile_rows = cuts.at[0].rows;
    s->tile_columns = cuts.at[0].columns;
    s->rest_rows = cuts.at[0].rest_rows;
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
    lie.length = length;
    lie.rows = rows;
    bool may_pack = dot_is_product(s) && run == length && !s->rows && dot->dtype == DT_F32;
    const bool turns_panel = may_pack && lie.turned && rows >= TURNED_ROWS;
    bool packs =
        turns_panel || (may_pack && cost_packs(s->target, rows, columns, length, lie.turned));
    const bool crowded = may_pack && lie.crowded && columns > 1 && length >= s->target->lanes;
    /* Which way the lanes run decides the order of additions, and is the same for all targets of as many lanes. */
    const Target *like = target_first_like(s->target);
    double turns = (double)length / (double)run;
    double by_columns = cut_columns(like, rows, columns, length, &lie, packs).at[0].cycles;
    if (turns_panel && rows < LEAST_ROWS)
        by_columns += (lie.turned_crowded ? TURN_CROWDED : TURN_CYCLES) * columns;
    s->dot_inner = inner && cut_points(like, rows, columns, run, turns, turns_panel).at[0].cycles <
                                0.9 * (double)length * by_columns;
    if (s->dot_inner) move_rows(s, dot);
    if (s->moved) rows = s->space.dim[axes - 2];
    Cuts cuts = s->dot_inner ? cut_points(s->target, rows, columns, run, turns, turns_panel)
                             : cut_columns(s->target, rows, columns, length, &lie, packs);
    may_pack = may_pack && !s->dot_inner;
    packs = may_pack && (packs || (crowded && rows >= AGAIN * cuts.at[0].rows));
    Tile tile = take_tile(s, arena, &cuts, packs, may_pack, rows, columns, length, run, &lie);
    s->tile_rows = tile.rows;
    s->tile_columns = tile.columns;
    s->rest_rows = tile.rest_rows;
    if (tile.panels) plan_panels(s, &lie, rows, columns, (int32_t)length);
}

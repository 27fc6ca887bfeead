/* schedule_dot: how a contraction is cut into tiles. A step of the inner loop multiplies what a tile of rows and
 * columns needs, and costs operations (two a cycle) and loads (two a cycle). The lanes run over the columns, where
 * what is multiplied by lies side by side along them; or over what is contracted, where both operands lie side by
 * side along that: then a tile is of points, and the lanes of each are added up at its end. The second costs nothing
 * but that end, and wins where there are few columns, or where they lie apart in memory. */
#include "nest.h"

#include <math.h>

#define STEP_CYCLES   0.5 /* of the loop itself */
#define LATENCY       4.0 /* of an operation: a step takes as long */
#define GATHER_CYCLES 20  /* of a vector whose lanes lie apart */
#define ACROSS_CYCLES 8   /* of adding up a vector's lanes */
#define POINTS        30  /* vector registers for the points of a tile and an operand of them */

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

typedef struct Cut { /* the best so far */
    double cycles;
    int rows, columns;
} Cut;

/* Lanes over the columns: the cycles of one step of all tiles, the least. */
static Cut cut_columns(const Section *s, int32_t rows, int32_t columns, bool gathers) {
    const int lanes = s->target->lanes;
    Cut best = {.cycles = INFINITY};
    for (int vectors = 1; vectors <= 4; vectors++) {
        int limit = (int)s->target->accumulators / vectors;
        for (int r = 1; r <= limit && r <= 16 && r <= rows; r++) {
            double cost = 0;
            Tiling m[2], c[2];
            uint32_t nm = split_axis(rows, r, m), nc = split_axis(columns, vectors * lanes, c);
            for (uint32_t i = 0; i < nm; i++) {
                for (uint32_t j = 0; j < nc; j++) {
                    c[j].piece_count = 0;
                    cut_pieces(&c[j], (uint8_t)lanes);
                    double p = c[j].piece_count, mr = m[i].size;
                    double step = fmax(mr * p, mr + p) / 2 + STEP_CYCLES;
                    if (gathers) step += p * GATHER_CYCLES;
                    cost += fmax(step, LATENCY) * m[i].count * c[j].count;
                }
            }
            cost *= 1 + 0.02 * (nm + nc - 2); /* a region of its own is text of its own */
            if (cost < best.cycles * 0.999) best = (Cut){cost, r, vectors * lanes};
        }
    }
    return best;
}

/* Lanes over `length` elements of what is contracted, `turns` times: the cycles of all of it. */
static Cut cut_points(const Section *s, int32_t rows, int32_t columns, int64_t length,
                      double turns) {
    Cut best = {.cycles = INFINITY};
    double steps = 0;
    int64_t rest = length;
    for (int w = s->target->lanes; w >= 1; w /= 2) steps += (double)(rest / w), rest %= w;
    for (int r = 1; r <= rows && r <= 8; r++) {
        for (int c = 1; c <= columns && c <= 8 && r * c + (r < c ? r : c) <= POINTS; c++) {
            double cost = 0;
            Tiling m[2], n[2];
            uint32_t nm = split_axis(rows, r, m), nn = split_axis(columns, c, n);
            for (uint32_t i = 0; i < nm; i++) {
                for (uint32_t j = 0; j < nn; j++) {
                    double mr = m[i].size, nr = n[j].size;
                    double step = fmax(fmax(mr * nr, mr + nr) / 2 + STEP_CYCLES, LATENCY);
                    cost +=
                        (step * steps * turns + ACROSS_CYCLES * mr * nr) * m[i].count * n[j].count;
                }
            }
            cost *= 1 + 0.02 * (nm + nn - 2);
            if (cost < best.cycles * 0.999) best = (Cut){cost, r, c};
        }
    }
    return best;
}

/* Whether the lanes of an operand of the contraction would lie apart along the last axis. */
static bool lanes_apart(const Section *s, Arena *arena, NodeId id) {
    const Node *dot = node_at(s->g, id);
    Kernel k;
    Nest n;
    Idx at[MAX_RANK], index[MAX_RANK], inner[MAX_RANK], in[MAX_RANK];
    Shape reduced = reduced_shape(s->g, dot);
    Arena *scratch = arena_open(arena);
    bool apart = false;
    kernel_init(&k, scratch, 1, 1);
    nest_init(&n, s, &k);
    for (int i = 0; i < s->space.rank; i++) {
        int32_t size = s->space.dim[i];
        if (i == s->space.rank - 1 && size >= s->target->lanes) {
            Idx part = idx_var(&k.index, "o", 0, size / s->target->lanes - 1, NO_VAL);
            eval_set_lanes(&n.eval, s->target->lanes);
            at[i] = idx_add(&k.index, idx_scale(&k.index, part, s->target->lanes),
                            n.eval.lane[s->target->lanes]);
        } else {
            at[i] = idx_var(&k.index, "o", 0, size - 1, NO_VAL);
        }
    }
    for (int i = 0; i < reduced.rank; i++)
        inner[i] = idx_var(&k.index, "k", 0, reduced.dim[i] - 1, NO_VAL);
    nest_unmerge(&k.index, &s->cluster->outer, s->merged, s->space.rank, at, index);
    eval_push(&n.eval);
    for (uint32_t i = 0; i < 2 && n.eval.lanes > 1; i++) {
        access_reduced(&k.index, s->g, dot, i, index, inner, in);
        Val v = eval_at(&n.eval, dot->args[i], in);
        apart = apart || k.values.at[v].kind == V_PACK;
    }
    eval_pop(&n.eval);
    arena_close(scratch);
    return apart;
}

void dot_plan(Section *s, Arena *arena, bool inner) {
    const Cluster *c = s->cluster;
    int axes = s->space.rank;
    NodeId id = NO_NODE;
    for (uint32_t m = 0; m < c->members.len; m++) {
        if (node_at(s->g, c->members.at[m])->op == OP_DOT) id = c->members.at[m];
    }
    int32_t columns = s->space.dim[axes - 1], rows = axes >= 2 ? s->space.dim[axes - 2] : 1;
    Shape reduced = reduced_shape(s->g, node_at(s->g, id));
    double length = (double)shape_elems(&reduced);
    Cut best = cut_columns(s, rows, columns, lanes_apart(s, arena, id));
    if (inner) {
        Kernel k;
        Nest n;
        Arena *scratch = arena_open(arena);
        kernel_init(&k, scratch, 1, 1);
        nest_init(&n, s, &k);
        int64_t run = nest_row_length(&n, id);
        arena_close(scratch);
        Cut points = cut_points(s, rows, columns, run, length / (double)run);
        s->dot_inner = points.cycles < 0.9 * length * best.cycles;
        if (s->dot_inner) best = points;
    }
    s->tile_rows = best.rows;
    s->tile_columns = best.columns;
}

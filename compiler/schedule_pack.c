/* schedule_pack: large contractions by panels. What is multiplied by, some columns wide, is copied into the group's
 * own memory for a part of what is contracted at a time: there it lies side by side and stays in the cache while all
 * rows of a block go by, whatever its pitch in memory. The sums of a block of rows wait in the group's memory from
 * one part to the next; and for what is computed of them, which so goes along rows as wide as the panel and stands in
 * the text once, not for each point of a tile. Where there is one part alone a tile's sums wait no longer than for the
 * rest of its rows. The order of additions is that of the plain nest.
 *
 * Where what multiplies lies side by side along the rows, each element of what is contracted is in another line of
 * memory, of which a tile takes a part, and lines that are a power of two apart drive each other out of the cache. So
 * a band of rows is copied as well, whose lines are whole.
 *
 * Requires: what is contracted is one axis in memory. */
#include "nest.h"

#define APART 8 /* elements of each column of a strip */

typedef struct Panels {
    Nest *n;
    NodeId id;
    const Node *dot;
    Shape reduced;         /* what is contracted, as one axis ... */
    int32_t length, depth; /* ... of such a length; of a part of it */
    int32_t pitch;         /* elements of one column, or row, to those of the next strip or lot */
    int32_t width;         /* of a panel */
    int32_t strip;         /* columns of a tile: a panel is strips one after the other */
    bool turned;           /* it lies side by side along what is contracted */
    uint32_t panel, sums;  /* local arrays */
    uint32_t rows;         /* the same, of a band: */
    int32_t band;          /* so many rows of this one; 0: there is none */
    int32_t lot;           /* rows of it that lie side by side: a tile's, or all (0) */
    bool waits;            /* sums wait in theirs; else they are stored at once: ... */
    bool by_tiles;         /* ... for the other columns of a tile's rows alone, ... */
    bool by_bands;         /* ... or of a band's */
    Idx at[MAX_RANK];      /* the place on the axes before the rows */
    Idx row, column;       /* where the block and the panel begin */
} Panels;

/* Where element `at` of a part lies in the panel, `offset` columns into the strip that begins at `column` of it. */
static Idx in_panel(Panels *p, Idx column, Idx at, int32_t offset) {
    IndexTable *t = &p->n->k->index;
    Idx strip = idx_scale(t, column, p->pitch);
    return idx_offset(t, idx_add(t, strip, idx_scale(t, at, p->strip)), offset);
}

/* The place (row, column) of the section on the axes of its cluster. */
static void place_at(Panels *p, Idx row, Idx column, Idx *out) {
    const Section *s = p->n->s;
    const int axes = s->space.rank;
    p->at[axes - 2] = row;
    p->at[axes - 1] = column;
    nest_unmerge(&p->n->k->index, &s->cluster->outer, s->merged, axes, p->at, out);
}

/* Operand k at (row, column, inner). */
static Val operand_at(Panels *p, uint32_t k, Idx row, Idx column, Idx inner) {
    Nest *n = p->n;
    Idx out[MAX_RANK], in[MAX_RANK], axes[MAX_RANK];
    place_at(p, row, column, out);
    access_unravel(&n->k->index, &p->reduced, inner, axes);
    access_reduced(&n->k->index, n->s->g, p->dot, k, out, axes, in);
    return eval_at(&n->eval, p->dot->args[k], in);
}

/* `deep` elements from `at` of the part on, of `wide` columns from `column` of the strip on: loaded along what is
 * contracted, and turned. */
static void fill_turned(Panels *p, Idx strip, Idx column, Idx from, Idx at, uint8_t deep,
                        uint8_t wide) {
    Nest *n = p->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    Val turned[MAX_LANES];
    eval_set_lanes(&n->eval, deep);
    Idx inner = idx_add(t, idx_add(t, from, at), n->eval.lane[deep]);
    Idx first = idx_add(t, idx_add(t, p->column, strip), column);
    for (int c = 0; c < wide; c++)
        turned[c] = val_splat(k, operand_at(p, 1, p->row, idx_offset(t, first, c), inner), deep);
    kernel_turn(k, turned, wide, deep);
    for (uint32_t r = 0; r < deep; r++) {
        Idx to = idx_add(t, in_panel(p, strip, idx_offset(t, at, r), 0), column);
        kernel_store_local(k, p->panel, to, turned[r]);
    }
}

/* `count` pieces of so many columns of each strip, the first at `first`, turned: as few streams of memory at a time as
 * that takes. */
static void turn_strips(Panels *p, Idx from, int32_t depth, const Tiling *strips, Piece first,
                        int32_t count) {
    Nest *n = p->n;
    IndexTable *t = &n->k->index;
    Idx at, turn, piece;
    nest_for(n, "c", idx_const(t, 0), idx_const(t, strips->count), 1, &turn);
    nest_for(n, "p", idx_const(t, 0), idx_const(t, count), 1, &piece);
    Idx strip = idx_offset(t, idx_scale(t, turn, strips->size), strips->start);
    Idx column = idx_offset(t, idx_scale(t, piece, first.lanes), first.offset);
    for (int32_t begin = 0, deep = MAX_LANES; begin < depth; deep /= 2) {
        int32_t end = begin + (depth - begin) / deep * deep;
        if (begin == end) continue;
        nest_for(n, "k", idx_const(t, begin), idx_const(t, end), deep, &at);
        fill_turned(p, strip, column, from, at, (uint8_t)deep, first.lanes);
        nest_end(n);
        begin = end;
    }
    nest_end(n);
    nest_end(n);
}

/* The strips of the panel, for `depth` elements from `from` on of what is contracted. */
static void fill_panel(Panels *p, Idx from, int32_t depth, const Tiling *strips) {
    Nest *n = p->n;
    IndexTable *t = &n->k->index;
    Idx at, turn;
    for (uint32_t i = 0, alike; i < strips->piece_count && p->turned; i += alike) {
        alike = alike_pieces(strips, i);
        turn_strips(p, from, depth, strips, strips->pieces[i], (int32_t)alike);
    }
    if (p->turned) return;
    nest_for(n, "k", idx_const(t, 0), idx_const(t, depth), 1, &at);
    nest_for(n, "c", idx_const(t, 0), idx_const(t, strips->count), 1, &turn);
    Idx strip = idx_offset(t, idx_scale(t, turn, strips->size), strips->start);
    for (uint32_t i = 0; i < strips->piece_count; i++) {
        const Piece *piece = &strips->pieces[i];
        eval_set_lanes(&n->eval, piece->lanes);
        Idx column = idx_offset(t, idx_add(t, p->column, strip), piece->offset);
        column = idx_add(t, column, n->eval.lane[piece->lanes]);
        Val v = operand_at(p, 1, p->row, column, idx_add(t, from, at));
        kernel_store_local(n->k, p->panel, in_panel(p, strip, at, piece->offset),
                           val_splat(n->k, v, piece->lanes));
    }
    nest_end(n);
    nest_end(n);
}

/* What is computed of the sums that wait, of `height` rows from `first` of the block on and `width` columns from
 * `begin` of the panel on, and stored: row by row, a vector at a time. */
static void store_sums(Panels *p, Idx first_row, int32_t height, int32_t begin, int32_t width) {
    Nest *n = p->n;
    IndexTable *t = &n->k->index;
    Tiling vectors[2];
    Point points[MAX_PIECES];
    Idx row, turn;
    uint32_t sizes = split_axis(width, n->s->target->lanes, vectors);
    nest_for(n, "r", idx_const(t, 0), idx_const(t, height), 1, &row);
    for (uint32_t i = 0; i < sizes; i++) {
        cut_pieces(&vectors[i], n->s->target->lanes);
        nest_for(n, "c", idx_const(t, 0), idx_const(t, vectors[i].count), 1, &turn);
        Idx first = idx_offset(t, idx_scale(t, turn, vectors[i].size), vectors[i].start + begin);
        for (uint32_t j = 0; j < vectors[i].piece_count; j++) {
            const Piece *piece = &vectors[i].pieces[j];
            Idx at = idx_offset(t, first, piece->offset);
            Idx own = idx_add(t, idx_scale(t, row, p->width), at);
            points[j].lanes = piece->lanes;
            eval_set_lanes(&n->eval, piece->lanes);
            place_at(p, idx_add(t, idx_add(t, p->row, first_row), row),
                     idx_add(t, idx_add(t, p->column, at), n->eval.lane[piece->lanes]),
                     points[j].at);
            eval_bind(&n->eval, p->id, points[j].at,
                      val_local(n->k, p->sums, own, piece->lanes, (Ranges){0}, "sum"));
        }
        nest_store_points(n, points, vectors[i].piece_count);
        nest_end(n);
    }
    nest_end(n);
}

/* Where row `row` of the band has element `at` of the part, `offset` rows on. */
static Idx in_band(Panels *p, Idx row, Idx at, int32_t offset) {
    IndexTable *t = &p->n->k->index;
    const int32_t lot = p->lot ? p->lot : p->band;
    if (!p->lot) return idx_offset(t, idx_add(t, idx_scale(t, at, lot), row), offset);
    Idx lots = idx_scale(t, row, p->pitch);
    int64_t more = (int64_t)(offset / lot) * lot * p->pitch + offset % lot;
    return idx_offset(t, idx_add(t, idx_scale(t, at, lot), lots), more);
}

/* The band of p->band rows from `first` of the block on, for `depth` elements from `from` on. */
static void fill_band(Panels *p, Idx first, Idx from, int32_t depth) {
    Nest *n = p->n;
    IndexTable *t = &n->k->index;
    Tiling band = {.size = p->band};
    Idx at;
    cut_pieces(&band, n->s->target->lanes);
    nest_for(n, "k", idx_const(t, 0), idx_const(t, depth), 1, &at);
    for (uint32_t i = 0; i < band.piece_count; i++) {
        const Piece *piece = &band.pieces[i];
        eval_set_lanes(&n->eval, piece->lanes);
        Idx row = idx_offset(t, idx_add(t, p->row, first), piece->offset);
        Val v = operand_at(p, 0, idx_add(t, row, n->eval.lane[piece->lanes]), p->column,
                           idx_add(t, from, at));
        v = val_splat(n->k, v, piece->lanes);
        const int32_t side = p->lot && p->lot < piece->lanes ? p->lot : piece->lanes;
        for (int32_t j = 0; j < piece->lanes; j += side) {
            Idx to = in_band(p, idx_const(t, 0), at, piece->offset + j);
            kernel_store_local(n->k, p->rows, to, val_part(n->k, v, (uint32_t)j, (uint8_t)side));
        }
    }
    nest_end(n);
}

/* Adds up a part for the tile of `rows` rows at `row` of the block, which is `inside` of its band, and the strip of
 * columns at `strip`: to what waits, if there are several parts. */
static void add_part(Panels *p, Idx row, Idx inside, int32_t rows, Idx strip, const Tiling *columns,
                     Idx from, int32_t depth) {
    Nest *n = p->n;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    const uint32_t pieces = columns->piece_count, count = (uint32_t)rows * pieces;
    uint32_t *acc = NEW_ARRAY(k->arena, uint32_t, count);
    Point *points = NEW_ARRAY(k->arena, Point, count);
    Idx at, sum = strip;
    if (!p->by_tiles) sum = idx_add(t, idx_scale(t, p->by_bands ? inside : row, p->width), strip);
    Idx column = idx_add(t, p->column, strip);
    for (uint32_t i = 0; i < count; i++) {
        const Piece *piece = &columns->pieces[i % pieces];
        Idx own = idx_offset(t, sum, (int64_t)(i / pieces) * p->width + piece->offset);
        Val start = p->length <= p->depth
                        ? val_splat(k, val_const(k, DT_F32, 0), piece->lanes)
                        : val_local(k, p->sums, own, piece->lanes, (Ranges){0}, "sum");
        acc[i] = kernel_var(k, "acc", start);
        points[i].lanes = piece->lanes;
        place_at(p, idx_offset(t, idx_add(t, p->row, row), i / pieces),
                 idx_add(t, idx_offset(t, column, piece->offset), n->eval.lane[piece->lanes]),
                 points[i].at);
    }
    nest_for(n, "k", idx_const(t, 0), idx_const(t, depth), 1, &at);
    nest_turns(n, n->s->turns);
    Val by[MAX_PIECES];
    for (uint32_t i = 0; i < pieces; i++) {
        const Piece *piece = &columns->pieces[i];
        Idx own = in_panel(p, strip, at, piece->offset);
        by[i] = val_local(k, p->panel, own, piece->lanes, (Ranges){0}, "column");
    }
    eval_set_lanes(&n->eval, 1);
    for (int32_t r = 0; r < rows; r++) {
        Val x = p->band ? val_local(k, p->rows, in_band(p, inside, at, r), 1, (Ranges){0}, "row")
                        : operand_at(p, 0, idx_offset(t, idx_add(t, p->row, row), r), column,
                                     idx_add(t, from, at));
        for (uint32_t i = 0; i < pieces; i++) {
            uint32_t own = acc[(uint32_t)r * pieces + i];
            kernel_set(k, own, val_fma(k, x, by[i], val_read(k, own)));
        }
    }
    nest_end(n);
    for (uint32_t i = 0; i < count; i++) {
        Val v = val_read(k, acc[i]);
        Idx own = idx_offset(t, sum,
                             (int64_t)(i / pieces) * p->width + columns->pieces[i % pieces].offset);
        if (p->waits)
            kernel_store_local(k, p->sums, own, v);
        else
            eval_bind(&n->eval, p->id, points[i].at, v);
    }
    if (!p->waits) nest_store_points(n, points, count);
}

/* Adds up a part for all tiles of `tile` rows, of `height` from `first` of the block on, by strips of these sizes. */
static void add_strips(Panels *p, Idx first, int32_t height, int32_t tile, const Tiling *strips,
                       uint32_t strip_count, Idx from, int32_t depth) {
    Nest *n = p->n;
    IndexTable *t = &n->k->index;
    Tiling rows[2];
    const Tiling *last = &strips[strip_count - 1];
    const int32_t width = last->start + last->size * last->count - strips->start;
    uint32_t nr = split_axis(height, tile, rows);
    for (uint32_t i = 0; i < nr; i++) {
        Idx at, turn;
        nest_for(n, "r", idx_const(t, 0), idx_const(t, rows[i].count), 1, &at);
        Idx inside = idx_offset(t, idx_scale(t, at, rows[i].size), rows[i].start);
        for (uint32_t j = 0; j < strip_count; j++) {
            nest_for(n, "c", idx_const(t, 0), idx_const(t, strips[j].count), 1, &turn);
            Idx strip = idx_offset(t, idx_scale(t, turn, strips[j].size), strips[j].start);
            add_part(p, idx_add(t, first, inside), inside, rows[i].size, strip, &strips[j], from,
                     depth);
            nest_end(n);
        }
        if (p->by_tiles)
            store_sums(p, idx_add(t, first, inside), rows[i].size, strips->start, width);
        nest_end(n);
    }
}

/* The same strip by strip, each of which stays in the nearest cache while a band's tiles go by. */
static void add_by_lots(Panels *p, Idx first, int32_t height, int32_t tile, const Tiling *strips,
                        Idx from, int32_t depth) {
    Nest *n = p->n;
    IndexTable *t = &n->k->index;
    Tiling rows[2];
    Idx at, turn;
    uint32_t nr = split_axis(height, tile, rows);
    nest_for(n, "c", idx_const(t, 0), idx_const(t, strips->count), 1, &turn);
    Idx strip = idx_offset(t, idx_scale(t, turn, strips->size), strips->start);
    for (uint32_t i = 0; i < nr; i++) {
        nest_for(n, "r", idx_const(t, 0), idx_const(t, rows[i].count), 1, &at);
        Idx inside = idx_offset(t, idx_scale(t, at, rows[i].size), rows[i].start);
        add_part(p, idx_add(t, first, inside), inside, rows[i].size, strip, strips, from, depth);
        nest_end(n);
    }
    nest_end(n);
}

/* The same for all columns; those that are left may go by other tiles. */
static void add_tiles(Panels *p, Idx first, int32_t height, const Tiling *strips, uint32_t count,
                      Idx from, int32_t depth) {
    const Section *s = p->n->s;
    if (s->rest_rows == s->tile_rows && !p->lot) {
        add_strips(p, first, height, s->tile_rows, strips, count, from, depth);
        return;
    }
    for (uint32_t j = 0; j < count; j++) {
        int32_t tile = strips[j].size < p->strip ? s->rest_rows : s->tile_rows;
        if (p->lot)
            add_by_lots(p, first, height, tile, &strips[j], from, depth);
        else
            add_strips(p, first, height, tile, &strips[j], 1, from, depth);
    }
}

static void add_rows(Panels *p, int32_t height, int32_t width, Idx from, int32_t depth) {
    Nest *n = p->n;
    IndexTable *t = &n->k->index;
    Tiling bands[2], strips[2];
    uint32_t ns = split_axis(width, p->strip, strips);
    for (uint32_t j = 0; j < ns; j++) {
        cut_pieces(&strips[j], n->s->target->lanes);
        fill_panel(p, from, depth, &strips[j]);
    }
    if (!n->s->band_rows) {
        add_tiles(p, idx_const(t, 0), height, strips, ns, from, depth);
        return;
    }
    uint32_t nb = split_axis(height, n->s->band_rows, bands);
    for (uint32_t i = 0; i < nb; i++) {
        Idx turn;
        nest_for(n, "b", idx_const(t, 0), idx_const(t, bands[i].count), 1, &turn);
        Idx first = idx_offset(t, idx_scale(t, turn, bands[i].size), bands[i].start);
        p->band = bands[i].size;
        fill_band(p, first, from, depth);
        add_tiles(p, first, bands[i].size, strips, ns, from, depth);
        if (p->by_bands) store_sums(p, first, bands[i].size, 0, width);
        nest_end(n);
    }
}

/* Nothing is added up yet. */
static void clear_sums(Panels *p, int32_t height) {
    Nest *n = p->n;
    Kernel *k = n->k;
    const uint8_t lanes = n->s->target->lanes;
    Idx at;
    nest_for(n, "i", idx_const(&k->index, 0), idx_const(&k->index, (int64_t)height * p->width),
             lanes, &at);
    kernel_store_local(k, p->sums, at, val_splat(k, val_const(k, DT_F32, 0), lanes));
    nest_end(n);
}

/* A block of rows by a panel: all parts, one after the other, and what is computed of their sums. */
static void add_block(Panels *p, int32_t height, int32_t width) {
    Nest *n = p->n;
    IndexTable *t = &n->k->index;
    const int32_t whole = p->length / p->depth, left = p->length % p->depth;
    Idx part;
    if (p->length > p->depth) clear_sums(p, height);
    nest_for(n, "part", idx_const(t, 0), idx_const(t, whole), 1, &part);
    add_rows(p, height, width, idx_scale(t, part, p->depth), p->depth);
    nest_end(n);
    if (left) add_rows(p, height, width, idx_const(t, (int64_t)whole * p->depth), left);
    if (p->waits && !p->by_tiles && !p->by_bands) store_sums(p, idx_const(t, 0), height, 0, width);
}

void emit_panels(Nest *n, Idx part) {
    const Section *s = n->s;
    Kernel *k = n->k;
    IndexTable *t = &k->index;
    Tiling rows[2], columns[2];
    Panels p = {.n = n, .id = dot_of(s), .strip = s->tile_columns, .depth = s->depth};
    p.width = s->panel_columns;
    /* Strips that begin a multiple of a page apart would drive each other out of the nearest cache. */
    p.pitch = p.depth + (target_is_short(s->target) && p.depth >= APART ? APART : 0);
    p.dot = node_at(s->g, p.id);
    p.reduced = reduced_shape(s->g, p.dot);
    p.length = (int32_t)shape_elems(&p.reduced);
    p.turned = s->turned;
    p.panel = kernel_scratch(k, "panel", DT_F32, (int64_t)p.pitch * p.width);
    p.waits = p.length > p.depth || s->stores.len > 1 || s->stores.at[0].node != p.id;
    if (s->band_rows) p.rows = kernel_scratch(k, "rows", DT_F32, (int64_t)p.pitch * s->band_rows);
    if (s->band_rows && s->lots) p.lot = s->tile_rows;
    p.by_bands = p.lot && p.waits && p.length <= p.depth;
    p.by_tiles = !p.by_bands && p.waits && p.length <= p.depth;
    int32_t tallest = s->tile_rows > s->rest_rows ? s->tile_rows : s->rest_rows;
    int32_t waiting = p.by_tiles ? tallest : p.by_bands ? s->band_rows : s->block_rows;
    if (p.waits) { /* whole vectors, for clear_sums */
        int64_t vectors = ((int64_t)waiting * p.width + MAX_LANES - 1) / MAX_LANES;
        p.sums = kernel_scratch(k, "sums", DT_F32, vectors * MAX_LANES);
    }
    const int axes = s->space.rank;
    Shape lead = {.rank = (uint8_t)(axes - 2)};
    for (int i = 0; i < axes - 2; i++) lead.dim[i] = s->space.dim[i];
    uint32_t nr = split_axis(s->space.dim[axes - 2], s->block_rows, rows);
    uint32_t nc = split_axis(s->space.dim[axes - 1], s->panel_columns, columns);
    for (uint32_t j = 0; j < nc; j++) {
        for (uint32_t i = 0; i < nr; i++) {
            int64_t each = (int64_t)rows[i].count * columns[j].count,
                    total = each * shape_elems(&lead);
            Idx tile, lo = idx_share(t, part, total, s->groups);
            Idx hi = idx_share(t, idx_offset(t, part, 1), total, s->groups);
            nest_for(n, "t", lo, hi, 1, &tile);
            access_unravel(t, &lead, idx_div(t, tile, each), p.at);
            if (axes > 2) tile = idx_mod(t, tile, each);
            Idx row = idx_div(t, tile, columns[j].count),
                column = idx_mod(t, tile, columns[j].count);
            p.row = idx_offset(t, idx_scale(t, row, rows[i].size), rows[i].start);
            p.column = idx_offset(t, idx_scale(t, column, columns[j].size), columns[j].start);
            add_block(&p, rows[i].size, columns[j].size);
            nest_end(n);
        }
    }
}

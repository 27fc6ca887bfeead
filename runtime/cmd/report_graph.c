/* report_graph: draws the launches of an entry with what flows between them, in layers from top to bottom: inputs, then
 * each launch below those that it waits for, then results.
 *
 * The layout is that of Sugiyama, Tagawa and Toda 1981, with the mean of the neighbours as the order: an edge over
 * several layers has a place in each between. Establishes: the same program gives the same picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report.h"

enum {
    MOST_LAUNCHES = 150,
    MOST_BENDS = 4000,
    SHOWN_LINES = 5,
    LINE_CHARS = 46,
    SWEEPS = 12,
    RELAXATIONS = 60
};
enum {
    BOX_WIDTH = 330,
    PILL_WIDTH = 130,
    BEND_WIDTH = 4,
    GAP_X = 20,
    GAP_BENDS = 8,
    GAP_Y = 44,
    MARGIN = 14,
    LINE = 15
};

typedef enum Kind { INPUT, LAUNCH, RESULT, BEND } Kind;

typedef struct Box {
    Kind kind;
    size_t launch;
    const dlg_tensor *tensor;
    int layer;
    size_t order;               /* in its layer */
    double x, y, width, height; /* x: its middle */
    double wanted;
} Box;

typedef struct Edge { /* between layers that follow each other, once bends are made */
    size_t from, to;
    const dlg_tensor *tensor; /* the first that flows */
    size_t more;
    double bytes;
} Edge;

typedef struct Picture {
    const KernelTexts *kernels;
    const dlg_entry *entry;
    const double *times;
    Box *boxes;
    size_t box_count, *row, layer_count;
    Edge *edges; /* as the program has them */
    size_t edge_count;
    Edge *parts; /* each edge as pieces from layer to layer, in a row */
    size_t part_count;
    /* Of each box, above ([0]) and below ([1]): where in `joined` the numbers of its neighbours begin. */
    size_t *first[2], *joined[2];
} Picture;

/* ---- What is there ------------------------------------------------------------------------------- */

static size_t add_box(Picture *p, Kind kind, size_t launch, const dlg_tensor *tensor) {
    static const double widths[] = {PILL_WIDTH, BOX_WIDTH, PILL_WIDTH, BEND_WIDTH};
    p->boxes[p->box_count] = (Box){
        .kind = kind, .launch = launch, .tensor = tensor, .width = widths[kind], .height = 28};
    return p->box_count++;
}

static void add_edge(Picture *p, size_t from, size_t to, const dlg_tensor *t) {
    for (size_t i = 0; i < p->edge_count; i++) {
        Edge *e = &p->edges[i];
        if (e->from != from || e->to != to) continue;
        if (e->tensor == t) return;
        e->more++;
        e->bytes += (double)t->bytes;
        return;
    }
    p->edges[p->edge_count++] = (Edge){from, to, t, 0, (double)t->bytes};
}

/* The box that has the tensor's value before a launch: who wrote it last, or the input. SIZE_MAX: none. */
static size_t source_of(const Picture *p, const dlg_tensor *t, size_t before,
                        const size_t *of_launch) {
    for (size_t i = before; i-- > 0;) {
        const dlg_launch *l = &p->entry->launches[i];
        const KernelText *k = NULL;
        for (size_t a = 0; a < l->arg_count; a++) {
            if (l->args[a].tensor != t) continue;
            if (!k) k = kernels_find(p->kernels, l->kernel);
            if (kernel_writes(k, a)) return of_launch[i];
        }
    }
    for (size_t i = 0; i < p->box_count; i++)
        if (p->boxes[i].kind == INPUT && p->boxes[i].tensor == t) return i;
    return SIZE_MAX;
}

static void find_edges(Picture *p, size_t *of_launch) {
    const dlg_entry *e = p->entry;
    for (size_t i = 0; i < e->read_count; i++) add_box(p, INPUT, 0, e->reads[i]);
    for (size_t i = 0; i < e->launch_count; i++) of_launch[i] = add_box(p, LAUNCH, i, NULL);
    for (size_t i = 0; i < e->launch_count; i++)
        for (size_t a = 0; a < e->launches[i].arg_count; a++) {
            const dlg_tensor *t = e->launches[i].args[a].tensor;
            size_t from = t ? source_of(p, t, i, of_launch) : SIZE_MAX;
            if (from != SIZE_MAX) add_edge(p, from, of_launch[i], t);
        }
    for (size_t i = 0; i < e->return_count; i++) {
        size_t from = source_of(p, e->returns[i], e->launch_count, of_launch);
        size_t box = add_box(p, RESULT, 0, e->returns[i]);
        if (from != SIZE_MAX) add_edge(p, from, box, e->returns[i]);
    }
}

/* ---- The layout ---------------------------------------------------------------------------------- */

/* Each box below all that it needs; inputs right above the first that needs them. */
static void find_layers(Picture *p) {
    for (size_t i = 0; i < p->box_count; i++) p->boxes[i].layer = p->boxes[i].kind == LAUNCH;
    for (size_t i = 0; i < p->box_count; i++) /* launches stand in the order in which they run */
        for (size_t k = 0; k < p->edge_count; k++) {
            Box *to = &p->boxes[p->edges[k].to];
            if (p->edges[k].to == i && to->layer <= p->boxes[p->edges[k].from].layer)
                to->layer = p->boxes[p->edges[k].from].layer + 1;
        }
    for (size_t i = 0; i < p->box_count; i++) {
        int first = 1 << 30;
        if (p->boxes[i].kind != INPUT) continue;
        for (size_t k = 0; k < p->edge_count; k++)
            if (p->edges[k].from == i && p->boxes[p->edges[k].to].layer < first)
                first = p->boxes[p->edges[k].to].layer;
        if (first < 1 << 30) p->boxes[i].layer = first - 1;
    }
}

static size_t count_bends(const Picture *p) {
    size_t bends = 0;
    for (size_t k = 0; k < p->edge_count; k++)
        bends += (size_t)(p->boxes[p->edges[k].to].layer - p->boxes[p->edges[k].from].layer - 1);
    return bends;
}

static void make_bends(Picture *p) {
    for (size_t k = 0; k < p->edge_count; k++) {
        size_t at = p->edges[k].from;
        while (p->boxes[at].layer + 1 < p->boxes[p->edges[k].to].layer) {
            size_t bend = add_box(p, BEND, 0, NULL);
            p->boxes[bend].layer = p->boxes[at].layer + 1;
            p->parts[p->part_count++] = (Edge){.from = at, .to = bend};
            at = bend;
        }
        p->parts[p->part_count++] = (Edge){.from = at, .to = p->edges[k].to};
    }
}

/* Boxes of a layer, in their order, in p->row. */
static size_t take_layer(Picture *p, int layer) {
    size_t n = 0;
    for (size_t i = 0; i < p->box_count; i++) {
        if (p->boxes[i].layer != layer) continue;
        size_t at = n++;
        for (; at > 0 && p->boxes[p->row[at - 1]].order > p->boxes[i].order; at--)
            p->row[at] = p->row[at - 1];
        p->row[at] = i;
    }
    return n;
}

/* What each box is joined to, above and below, from the parts of the edges. */
static void find_neighbours(Picture *p) {
    for (int below = 0; below < 2; below++) {
        size_t *first = p->first[below], at = 0;
        for (size_t i = 0; i <= p->box_count; i++) first[i] = 0;
        for (size_t k = 0; k < p->part_count; k++)
            first[below ? p->parts[k].from : p->parts[k].to]++;
        for (size_t i = 0; i <= p->box_count;
             i++) { /* where the next box's begin; filled from the end */
            at += first[i];
            first[i] = at;
        }
        for (size_t k = p->part_count; k-- > 0;) {
            const Edge *e = &p->parts[k];
            p->joined[below][--first[below ? e->from : e->to]] = below ? e->to : e->from;
        }
    }
}

/* The mean of where a box's neighbours stand, those above it, below it, or both. */
static double mean_of(const Picture *p, size_t box, bool above, bool below, double otherwise) {
    double sum = 0, count = 0;
    for (int side = 0; side < 2; side++)
        for (size_t k = p->first[side][box]; (side ? below : above) && k < p->first[side][box + 1];
             k++) {
            sum += p->boxes[p->joined[side][k]].x;
            count++;
        }
    return count > 0 ? sum / count : otherwise;
}

/* How far the middles of two boxes beside each other are apart at least. */
static double distance(const Box *a, const Box *b) {
    double gap = a->kind == BEND && b->kind == BEND ? GAP_BENDS : GAP_X;
    return (a->width + b->width) / 2 + gap;
}

/* Puts a layer's boxes where the sum of squares of what they miss is least: boxes that would overlap stand side by side
 * around the mean of what they want (pool adjacent violators, Ayer and others 1955). */
static void place_row(Picture *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double sum = 0, at = 0;
        size_t first = i;
        for (size_t k = i + 1; k-- > 0;) { /* is the run from k to i to be moved as one? */
            const Box *b = &p->boxes[p->row[k]];
            if (k < i) at += distance(b, &p->boxes[p->row[k + 1]]);
            sum += b->wanted + at; /* what it wants of the last one */
            first = k;
            double last = sum / (double)(i - k + 1);
            if (k == 0) break;
            const Box *before = &p->boxes[p->row[k - 1]];
            if (before->x + distance(before, b) <= last - at) break;
        }
        double x = sum / (double)(i - first + 1) - at;
        for (size_t k = first; k <= i; k++) {
            if (k > first) x += distance(&p->boxes[p->row[k - 1]], &p->boxes[p->row[k]]);
            p->boxes[p->row[k]].x = x;
        }
    }
}

/* With the order of each layer fixed: straight edges, and nothing far from what it belongs to. */
static void relax(Picture *p) {
    for (int sweep = 0; sweep < RELAXATIONS; sweep++)
        for (size_t l = 0; l < p->layer_count; l++) {
            size_t n = take_layer(p, (int)(sweep % 2 ? p->layer_count - 1 - l : l));
            for (size_t i = 0; i < n; i++)
                p->boxes[p->row[i]].wanted =
                    mean_of(p, p->row[i], true, true, p->boxes[p->row[i]].x);
            place_row(p, n);
        }
}

static void order_layers(Picture *p) {
    for (size_t i = 0; i < p->box_count; i++) p->boxes[i].order = i;
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (size_t l = 0; l < p->layer_count; l++) {
            bool down = sweep % 2 == 0;
            size_t n = take_layer(p, (int)(down ? l : p->layer_count - 1 - l));
            for (size_t i = 0; i < n; i++) {
                Box *b = &p->boxes[p->row[i]];
                b->wanted = mean_of(p, p->row[i], down, !down, b->x);
            }
            for (size_t i = 1; i < n; i++) { /* by what they want; equals as they were */
                size_t box = p->row[i], at = i;
                for (; at > 0 && p->boxes[p->row[at - 1]].wanted > p->boxes[box].wanted; at--)
                    p->row[at] = p->row[at - 1];
                p->row[at] = box;
            }
            for (size_t i = 0; i < n; i++) p->boxes[p->row[i]].order = i;
            place_row(p, n);
        }
}

/* ---- What stands in a box ------------------------------------------------------------------------- */

/* The source lines of a kernel, up to a number that is shown. */
static size_t line_count(const KernelText *k) {
    size_t n = 0, len;
    const char *rest;
    for (const char *at = k ? k->lines : NULL; at;) {
        long number;
        at = source_line(at, k->lines_end, &number, &rest, &len);
        n += number > 0;
    }
    return n;
}

/* "updates h.w, h.b and 4 more" or "reads ...": params and states of a launch; "" for none. */
static void variables_text(const Picture *p, const Box *b, bool written, char *out, size_t size) {
    const dlg_launch *l = &p->entry->launches[b->launch];
    const KernelText *k = kernels_find(p->kernels, l->kernel);
    size_t n = 0, more = 0;
    out[0] = 0;
    for (size_t a = 0; a < l->arg_count; a++) {
        const dlg_tensor *t = l->args[a].tensor;
        if (!t || (t->kind != DLG_PARAM && t->kind != DLG_STATE) || kernel_writes(k, a) != written)
            continue;
        if (n + strlen(t->name) + 4 > LINE_CHARS)
            more++;
        else
            n += (size_t)snprintf(out + n, size - n, "%s%s",
                                  n         ? ", "
                                  : written ? "updates "
                                            : "reads ",
                                  t->name);
    }
    if (more && n == 0)
        snprintf(out, size, "%s %zu params and states", written ? "updates" : "reads", more);
    else if (more)
        snprintf(out + n, size - n, " + %zu", more);
}

static void measure(Picture *p) {
    char text[160];
    for (size_t i = 0; i < p->box_count; i++) {
        Box *b = &p->boxes[i];
        if (b->kind != LAUNCH) continue;
        size_t lines = line_count(kernels_find(p->kernels, p->entry->launches[b->launch].kernel));
        b->height = LINE + 18 + LINE * (double)(lines > SHOWN_LINES ? SHOWN_LINES + 1 : lines);
        for (int written = 0; written < 2; written++) {
            variables_text(p, b, written, text, sizeof text);
            b->height += *text ? LINE : 0;
        }
    }
}

static void place_layers(Picture *p, double *width, double *height) {
    double least = 0, most = 0, y = MARGIN;
    for (size_t i = 0; i < p->box_count; i++) {
        const Box *b = &p->boxes[i];
        if (i == 0 || b->x - b->width / 2 < least) least = b->x - b->width / 2;
        if (i == 0 || b->x + b->width / 2 > most) most = b->x + b->width / 2;
    }
    for (size_t i = 0; i < p->box_count; i++) p->boxes[i].x += MARGIN - least;
    for (size_t l = 0; l < p->layer_count; l++) {
        double tall = 0;
        size_t n = take_layer(p, (int)l);
        for (size_t i = 0; i < n; i++) tall = fmax(tall, p->boxes[p->row[i]].height);
        for (size_t i = 0; i < n; i++) {
            Box *b = &p->boxes[p->row[i]];
            b->y = y;
            if (b->kind == BEND) b->height = tall;
            if (b->kind == INPUT) b->y = y + tall - b->height;
        }
        y += tall + GAP_Y;
    }
    *width = most - least + 2 * MARGIN;
    *height = y - GAP_Y + MARGIN;
}

/* ---- Drawing --------------------------------------------------------------------------------------- */

static void draw_edge(FILE *out, const Picture *p, const Edge *e, const Edge **part) {
    char bytes[32];
    const Box *from = &p->boxes[e->from];
    double x = from->x, y = from->y + from->height;
    fprintf(out, "<g><path class=\"edge\" d=\"M%.1f %.1f", x, y);
    for (bool last = false; !last; ++*part) {
        const Box *to = &p->boxes[(*part)->to];
        last = (*part)->to == e->to;
        double end = to->y - (last ? 6 : 0), middle = (y + end) / 2;
        fprintf(out, "C%.1f %.1f %.1f %.1f %.1f %.1f", x, middle, to->x, middle, to->x, end);
        if (!last) fprintf(out, "V%.1f", to->y + to->height);
        x = to->x;
        y = to->y + to->height;
    }
    const Box *to = &p->boxes[e->to];
    fprintf(out, "\"/><path class=\"tip\" d=\"M%.1f %.1fl-4 -7h8z\"/><title>", to->x, to->y);
    html_puts(out, e->tensor->name);
    if (e->more) fprintf(out, " and %zu more", e->more);
    fprintf(out, ", %s</title></g>\n", quantity_text(bytes, sizeof bytes, e->bytes, "B"));
}

static void begin_text(FILE *out, const char *class, double x, double y, const char *anchor) {
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", class, x, y,
            anchor);
}

static void draw_pill(FILE *out, const Box *b) {
    const dlg_tensor *t = b->tensor;
    char bytes[32];
    size_t len = strlen(t->user_name);
    fprintf(out,
            "<g><rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
            "rx=\"14\"/><title>",
            b->kind == INPUT ? "in" : "out", b->x - b->width / 2, b->y, b->width, b->height);
    html_puts(out, t->name);
    fprintf(out, ", %s, %s</title>", dlg_type_name(t->type),
            quantity_text(bytes, sizeof bytes, (double)t->bytes, "B"));
    begin_text(out, "", b->x, b->y + 18, "middle");
    html_text(out, t->user_name, len > 18 ? 17 : len);
    fputs(len > 18 ? "…</text></g>\n" : "</text></g>\n", out);
}

static void draw_launch(FILE *out, const Picture *p, const Box *b) {
    const dlg_launch *l = &p->entry->launches[b->launch];
    const KernelText *k = kernels_find(p->kernels, l->kernel);
    char text[2][160];
    double left = b->x - b->width / 2 + 10, y = b->y + 18;
    fprintf(out,
            "<rect class=\"box\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"5\"/>\n",
            b->x - b->width / 2, b->y, b->width, b->height);
    if (k) fprintf(out, "<a href=\"#kernel-%.*s\">", (int)k->name_len, k->name);
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" font-weight=\"600\">", left, y);
    html_puts(out, l->kernel);
    if (p->times[b->launch] > 1) fprintf(out, " × %.0f", p->times[b->launch]);
    fprintf(out, "</text>%s", k ? "</a>" : "");
    if (l->flops || l->bytes) {
        begin_text(out, "s", b->x + b->width / 2 - 10, y, "end");
        fprintf(out, "%s, %s</text>\n",
                quantity_text(text[0], sizeof text[0], (double)l->flops, "flop"),
                quantity_text(text[1], sizeof text[1], (double)l->bytes, "B"));
    }
    size_t shown = 0, lines = line_count(k), len;
    const char *rest;
    for (const char *at = k ? k->lines : NULL; at && shown < SHOWN_LINES;) {
        long number;
        at = source_line(at, k->lines_end, &number, &rest, &len);
        if (!number) continue;
        y += LINE;
        shown++;
        begin_text(out, "m", left, y, "start");
        fprintf(out, "%ld  ", number);
        while (len > 0 && *rest == ' ') rest++, len--;
        html_text(out, rest, len > LINE_CHARS - 4 ? LINE_CHARS - 5 : len);
        fputs(len > LINE_CHARS - 4 ? "…</text>\n" : "</text>\n", out);
    }
    if (lines > shown) {
        y += LINE;
        begin_text(out, "s", left, y, "start");
        fprintf(out, "and %zu line%s more</text>\n", lines - shown, lines - shown == 1 ? "" : "s");
    }
    y += 4;
    for (int written = 0; written < 2; written++) {
        variables_text(p, b, written, text[0], sizeof text[0]);
        if (!*text[0]) continue;
        y += LINE;
        begin_text(out, "s", left, y, "start");
        html_puts(out, text[0]);
        fputs("</text>\n", out);
    }
}

static void draw(FILE *out, Picture *p) {
    double width, height;
    p->layer_count = 0;
    for (size_t i = 0; i < p->box_count; i++)
        if ((size_t)p->boxes[i].layer >= p->layer_count)
            p->layer_count = (size_t)p->boxes[i].layer + 1;
    find_neighbours(p);
    order_layers(p);
    relax(p);
    measure(p);
    place_layers(p, &width, &height);
    fprintf(out,
            "<div class=\"wide\"><svg class=\"draw\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 "
            "%.0f %.0f\">\n",
            width, height, width, height);
    const Edge *part = p->parts;
    for (size_t i = 0; i < p->edge_count; i++) draw_edge(out, p, &p->edges[i], &part);
    for (size_t i = 0; i < p->box_count; i++) {
        if (p->boxes[i].kind == LAUNCH) draw_launch(out, p, &p->boxes[i]);
        if (p->boxes[i].kind == INPUT || p->boxes[i].kind == RESULT) draw_pill(out, &p->boxes[i]);
    }
    fputs("</svg></div>\n", out);
}

int report_graph(FILE *out, const KernelTexts *kernels, const dlg_entry *e) {
    size_t most_edges = e->return_count, boxes = e->read_count + e->launch_count + e->return_count;
    for (size_t i = 0; i < e->launch_count; i++) most_edges += e->launches[i].arg_count;
    if (e->launch_count > MOST_LAUNCHES) {
        fprintf(out, "<p>%zu launches are too many to draw</p>\n", e->launch_count);
        return EXIT_DONE;
    }
    double *times = launch_times(e);
    Picture p = {.kernels = kernels, .entry = e, .times = times};
    size_t most_parts = most_edges + MOST_BENDS;
    size_t *of_launch = calloc(e->launch_count + 1, sizeof *of_launch);
    p.boxes = calloc(boxes + MOST_BENDS + 1, sizeof *p.boxes);
    p.row = calloc(boxes + MOST_BENDS + 1, sizeof *p.row);
    p.edges = calloc(most_edges + 1, sizeof *p.edges);
    p.parts = calloc(most_parts + 1, sizeof *p.parts);
    bool neighbours = true;
    for (int below = 0; below < 2; below++) {
        p.first[below] = calloc(boxes + MOST_BENDS + 2, sizeof *p.first[below]);
        p.joined[below] = calloc(most_parts + 1, sizeof *p.joined[below]);
        neighbours &= p.first[below] && p.joined[below];
    }
    int status = times && of_launch && p.boxes && p.row && p.edges && p.parts && neighbours
                     ? EXIT_DONE
                     : EXIT_SYSTEM;
    if (status) {
        complain("out of memory");
    } else {
        find_edges(&p, of_launch);
        find_layers(&p);
        if (count_bends(&p) > MOST_BENDS)
            fputs("<p>this is too tangled to draw</p>\n", out);
        else {
            make_bends(&p);
            draw(out, &p);
        }
    }
    for (int below = 0; below < 2; below++) {
        free(p.first[below]);
        free(p.joined[below]);
    }
    free(times);
    free(of_launch);
    free(p.boxes);
    free(p.row);
    free(p.edges);
    free(p.parts);
    return status;
}

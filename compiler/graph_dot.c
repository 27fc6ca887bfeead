/* graph_dot: see graph_dot.h.
 *
 * A node is drawn in every kernel that computes it: what is stored in one, what is computed in place wherever
 * it is used. Between kernels an edge leads from where a value is stored, which has a thick border, to where it is
 * read; what a loop carries is a dashed edge back. Numbers that are known are not drawn. */
#include "graph_dot.h"

#include "origin.h"

typedef struct Writer { /* of a buffer */
    uint32_t launch;
    NodeId node;
    bool whole; /* all of it: what was there before is gone */
} Writer;

typedef struct Drawn { /* a launch */
    const Region *region;
    OriginNodes nodes;
    VEC(uint32_t) repeats; /* around it */
} Drawn;

typedef VEC(Writer) Writers;

struct Drawing {
    const Program *p;
    Arena *arena;
    Text *out;
    VEC(Drawn) launches;   /* of the entry at work */
    Writers *writers;      /* of each buffer, in the entry at work */
    uint32_t buffers;      /* of which there are so many */
    VEC(uint32_t) repeats; /* that are open */
    uint32_t repeat_count, entry;
    bool open; /* the entry's box */
};

static void quote(Text *out, const char *s) {
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') text_add(out, "\\", 1);
        text_add(out, s, 1);
    }
}

static void begin_line(const Drawing *d, uint32_t more) {
    for (uint32_t i = 0; i < 2 + d->repeats.len + more; i++) text_puts(d->out, "  ");
}

/* ---- Boxes ---------------------------------------------------------------------------------- */

static void open_entry(Drawing *d, const PlannedEntry *pe) {
    const Entry *e = pe->entry;
    text_printf(d->out, "  subgraph cluster_%u {\n    label=\"entry %s%s%s\"; color=gray60;\n",
                d->entry, e->name, e->variant ? "@" : "", e->variant ? e->variant : "");
}

static void draw_node(const Drawing *d, const Graph *g, uint32_t launch, NodeId id, bool stored) {
    const Node *n = node_at(g, id);
    bool view = is_view((Op)n->op) || n->op == OP_STOP;
    const char *style = n->op == OP_GRADSUM ? "shape=circle, style=filled, fillcolor=\"#f8dddd\""
                        : n->op == OP_DOT   ? "shape=box, style=\"rounded,filled\", fillcolor=white"
                        : stored            ? "shape=box, style=filled, fillcolor=white"
                        : view              ? "shape=plain, fontcolor=gray50"
                                            : "shape=plain";
    begin_line(d, 1);
    text_printf(d->out, "n%u_%u_%u [%s%s, label=\"", d->entry, launch, id, style,
                stored ? ", penwidth=2" : "");
    if (n->op == OP_GRADSUM)
        text_printf(d->out, "gradsum %u", n->argc);
    else
        text_puts(d->out, op_info[n->op].name);
    if (n->name) text_puts(d->out, " "), quote(d->out, n->name);
    text_puts(d->out, "\\n");
    text_shape(d->out, &n->shape);
    text_puts(d->out, "\"];\n");
}

static void note_writers(Drawing *d, const Plan *plan, const Launch *l, uint32_t launch) {
    uint32_t count = plan->memory.buffers.len;
    if (count > d->buffers) {
        d->writers =
            arena_grow(d->arena, d->writers, d->buffers * sizeof(Writers), count * sizeof(Writers));
        d->buffers = count;
    }
    for (uint32_t i = 0; i < l->sections.len; i++) {
        const Stores *stores = &l->sections.at[i].stores;
        for (uint32_t k = 0; k < stores->len; k++) {
            const Place *p = &stores->at[k].place;
            Writer w = {launch, stores->at[k].node, !p->part && !p->loop};
            if (!p->tile) vec_push(d->arena, &d->writers[p->buffer], w);
        }
    }
}

static void draw_launch(void *context, const Plan *plan, const Launch *l, uint32_t kernel) {
    Drawing *d = context;
    uint32_t launch = d->launches.len;
    Drawn drawn = {.region = l->region};
    bool *seen = NEW_ARRAY(d->arena, bool, l->g->nodes.len + 1);
    bool *stored = NEW_ARRAY(d->arena, bool, l->g->nodes.len + 1);
    for (uint32_t i = 0; i < d->repeats.len; i++)
        vec_push(d->arena, &drawn.repeats, d->repeats.at[i]);
    begin_line(d, 0);
    text_printf(d->out, "subgraph cluster_%u_k%u {\n", d->entry, launch);
    begin_line(d, 1);
    text_printf(d->out, "label=\"k%u", kernel);
    if (l->region->fused.rolled)
        text_printf(d->out, ", %d turns of a loop", l->g->loops.at[l->region->loop].trips);
    text_puts(d->out, "\"; style=\"rounded,filled\"; color=\"#8899aa\"; fillcolor=\"#f2f6fa\";\n");
    for (uint32_t i = 0; i < l->sections.len; i++) {
        const Stores *stores = &l->sections.at[i].stores;
        for (uint32_t k = 0; k < stores->len; k++)
            stored[stores->at[k].node] = stored[stores->at[k].node] || !stores->at[k].place.tile;
    }
    for (uint32_t i = 0; i < l->sections.len; i++) {
        OriginNodes nodes = {0};
        cluster_nodes(&l->region->fused, l->sections.at[i].number, &nodes, d->arena);
        for (uint32_t k = nodes.len; k-- > 0;) {
            NodeId id = nodes.at[k];
            double v;
            if (seen[id] || node_uniform(l->g, id, &v)) continue;
            seen[id] = true;
            vec_push(d->arena, &drawn.nodes, id);
            draw_node(d, l->g, launch, id, stored[id]);
        }
    }
    begin_line(d, 0);
    text_puts(d->out, "}\n");
    note_writers(d, plan, l, launch);
    vec_push(d->arena, &d->launches, drawn);
}

static void draw_repeat(void *context, int32_t trips) {
    Drawing *d = context;
    if (!trips) {
        d->repeats.len--;
        begin_line(d, 0);
        text_puts(d->out, "}\n");
        return;
    }
    begin_line(d, 0);
    text_printf(d->out, "subgraph cluster_%u_r%u {\n", d->entry, d->repeat_count);
    vec_push(d->arena, &d->repeats, d->repeat_count++);
    begin_line(d, 0);
    text_printf(d->out, "label=\"%d times\"; style=rounded; color=gray60;\n", trips);
}

/* ---- Edges ---------------------------------------------------------------------------------- */

/* Whether the two are in one loop, so that the later may be before the earlier's next turn. */
static bool share_loop(const Drawn *a, const Drawn *b) {
    return a->repeats.len && b->repeats.len && a->repeats.at[0] == b->repeats.at[0];
}

static void draw_edge(const Drawing *d, uint32_t from, NodeId x, uint32_t to, NodeId id) {
    bool back = from > to || (from == to && x > id);
    text_printf(d->out, "    n%u_%u_%u -> n%u_%u_%u%s;\n", d->entry, from, x, d->entry, to, id,
                back ? " [style=dashed, constraint=false]" : "");
}

/* From where the buffer was written to node `id` of launch `to`. */
static void draw_from_buffer(const Drawing *d, uint32_t buffer, uint32_t to, NodeId id) {
    const Writers *w = &d->writers[buffer];
    for (uint32_t i = 0; i < w->len; i++) {
        uint32_t from = w->at[i].launch;
        bool before = from < to, again = false;
        for (uint32_t k = i + 1; k < w->len && before; k++)
            again = again || (w->at[k].whole && w->at[k].launch < to);
        if (again) continue;
        bool carried = share_loop(&d->launches.at[from], &d->launches.at[to]) ||
                       (from == to && d->launches.at[to].region->fused.rolled);
        if (before || carried) draw_edge(d, from, w->at[i].node, to, id);
    }
}

/* The launch that stores node x of a region, or UINT32_MAX. */
static uint32_t launch_of(const Drawing *d, const Region *r, NodeId x, uint32_t buffer) {
    const Writers *w = &d->writers[buffer];
    for (uint32_t i = 0; i < w->len; i++) {
        if (w->at[i].node == x && d->launches.at[w->at[i].launch].region == r)
            return w->at[i].launch;
    }
    return UINT32_MAX;
}

static void draw_operand(const Drawing *d, const bool *computed, uint32_t launch, NodeId id,
                         NodeId x) {
    const Region *r = d->launches.at[launch].region;
    const Graph *g = r->fused.g;
    const Node *n = node_at(g, x);
    uint32_t buffer = r->places[x].buffer;
    double v;
    if (node_uniform(g, x, &v)) return;
    if (computed[x]) {
        draw_edge(d, launch, x, launch, id);
    } else if (n->op == OP_VAR && buffer < d->p->vars.len) {
        text_printf(d->out, "    v%u_%u -> n%u_%u_%u;\n", d->entry, buffer, d->entry, launch, id);
    } else if (buffer != NO_BUFFER) {
        uint32_t from = launch_of(d, r, x, buffer);
        if (from != UINT32_MAX)
            draw_edge(d, from, x, launch, id);
        else
            draw_from_buffer(d, buffer, launch, id);
    }
}

static void draw_variables(const Drawing *d, const PlannedEntry *pe) {
    const Graph *g = &pe->entry->graph;
    bool *need = graph_needed(pe->entry, d->arena);
    for (NodeId id = 0; id < g->nodes.len; id++) {
        const Node *n = node_at(g, id);
        if (!need[id] || n->op != OP_VAR) continue;
        text_printf(d->out, "    v%u_%u [shape=box, style=filled, fillcolor=\"#dde8f8\", label=\"",
                    d->entry, n->attr[0]);
        quote(d->out, d->p->vars.at[n->attr[0]].name);
        text_puts(d->out, "\\n");
        text_shape(d->out, &n->shape);
        text_puts(d->out, "\"];\n");
    }
}

/* What the entry returns, and what it updates. */
static void draw_result(const Drawing *d, const char *name, uint32_t buffer, bool update) {
    text_printf(d->out, "    o%u_%u [shape=box, style=bold, label=\"", d->entry, buffer);
    quote(d->out, name);
    text_puts(d->out, update ? " <-\"];\n" : "\"];\n");
    for (uint32_t i = 0; i < d->writers[buffer].len; i++) {
        const Writer *w = &d->writers[buffer].at[i];
        text_printf(d->out, "    n%u_%u_%u -> o%u_%u;\n", d->entry, w->launch, w->node, d->entry,
                    buffer);
    }
}

static void draw_entry(void *context, const Plan *plan, const PlannedEntry *pe, bool done) {
    Drawing *d = context;
    const Entry *e = pe->entry;
    if (!done) {
        open_entry(d, pe);
        return;
    }
    draw_variables(d, pe);
    for (uint32_t l = 0; l < d->launches.len; l++) {
        const Drawn *drawn = &d->launches.at[l];
        const Graph *g = drawn->region->fused.g;
        bool *computed = NEW_ARRAY(d->arena, bool, g->nodes.len + 1);
        for (uint32_t i = 0; i < drawn->nodes.len; i++) computed[drawn->nodes.at[i]] = true;
        for (uint32_t i = 0; i < drawn->nodes.len; i++) {
            const Node *n = node_at(g, drawn->nodes.at[i]);
            for (uint32_t k = 0; k < n->argc; k++)
                draw_operand(d, computed, l, drawn->nodes.at[i], n->args[k]);
        }
    }
    for (uint32_t i = 0; i < e->outputs.len; i++)
        draw_result(d, e->outputs.at[i].name, pe->outputs[i].buffer, false);
    for (uint32_t i = 0; i < e->updates.len; i++)
        draw_result(d, plan->memory.buffers.at[e->updates.at[i].var].name, e->updates.at[i].var,
                    true);
    text_puts(d->out, "  }\n");
    d->launches.len = 0;
    memset(d->writers, 0, d->buffers * sizeof(Writers));
    d->entry++;
}

Drawing *dot_begin(const Program *p, Arena *arena, Text *out, KernelListener *listener) {
    Drawing *d = NEW(arena, Drawing);
    *d = (Drawing){.p = p, .arena = arena, .out = out};
    *listener = (KernelListener){d, draw_launch, draw_repeat, draw_entry};
    text_puts(out, "digraph \"");
    quote(out, p->model);
    text_puts(out, "\" {\n  rankdir=TB;\n  fontname=\"sans-serif\"; fontsize=11;\n"
                   "  node [fontname=\"sans-serif\", fontsize=10];\n");
    return d;
}

void dot_end(Drawing *d) {
    text_puts(d->out, "}\n");
}

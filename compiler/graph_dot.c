/* graph_dot: the graph as a drawing for graphviz: a cluster an entry, and in it one a loop. What a loop
 * carries is a dashed edge back; what leads out of it comes from what it shows there, so that the node
 * which stands for the loop as a whole is not drawn. */
#include "ir.h"

typedef VEC(NodeId) NodeIds;

typedef struct Drawing {
    const Program *p;
    const Graph *g;
    Text *out;
    uint32_t index;  /* of the entry */
    NodeIds *inside; /* of each loop, 0 the top: the needed nodes */
    NodeId *scan;    /* of each loop: its SCAN */
    int depth;       /* of clusters */
} Drawing;

static void quote(Text *out, const char *s) {
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') text_add(out, "\\", 1);
        text_add(out, s, 1);
    }
}

static void begin_line(const Drawing *d) {
    for (int i = 0; i <= d->depth; i++) text_puts(d->out, "  ");
}

static void draw_edge(const Drawing *d, NodeId from, NodeId to, const char *style) {
    double v;
    if (node_uniform(d->g, from, &v)) return;
    begin_line(d);
    text_printf(d->out, "n%u_%u -> n%u_%u%s;\n", d->index, from, d->index, to, style);
}

/* The next value of what is carried. */
static NodeId next_of(const Drawing *d, NodeId scan, int32_t which) {
    const Node *n = node_at(d->g, scan);
    return n->args[n->argc / 2 + (uint32_t)which];
}

static void draw_edges(const Drawing *d, NodeId id) {
    const Node *n = node_at(d->g, id);
    if (n->op == OP_FINAL) {
        draw_edge(d, next_of(d, n->args[0], n->attr[0]), id, "");
        return;
    }
    for (uint32_t i = n->op == OP_STACK; i < n->argc; i++) draw_edge(d, n->args[i], id, "");
    if (n->op == OP_CARRY)
        draw_edge(d, next_of(d, d->scan[n->attr[0]], n->attr[1]), id,
                  " [style=dashed, constraint=false]");
}

static void draw_node(const Drawing *d, NodeId id) {
    const Node *n = node_at(d->g, id);
    Text *out = d->out;
    const char *style = n->op == OP_VAR       ? "shape=box, style=filled, fillcolor=\"#dde8f8\""
                        : n->op == OP_GRADSUM ? "shape=circle, style=filled, fillcolor=\"#f8dddd\""
                        : n->op == OP_CARRY   ? "shape=box, style=filled, fillcolor=\"#e6f2e0\""
                        : n->op == OP_DOT     ? "shape=box, style=rounded"
                                              : "shape=plain";
    begin_line(d);
    text_printf(out, "n%u_%u [%s, label=\"", d->index, id, style);
    if (n->op == OP_VAR)
        quote(out, d->p->vars.at[n->attr[0]].name);
    else if (n->op == OP_GRADSUM)
        text_printf(out, "gradsum %u", n->argc);
    else
        text_puts(out, op_info[n->op].name);
    if (n->name && n->op != OP_VAR) text_puts(out, " "), quote(out, n->name);
    text_puts(out, "\\n");
    text_shape(out, &n->shape);
    text_puts(out, "\"];\n");
}

static void draw_loop(Drawing *d, uint32_t loop) {
    const NodeIds *inside = &d->inside[loop];
    double v;
    for (uint32_t i = 0; i < inside->len; i++) {
        NodeId id = inside->at[i];
        const Node *n = node_at(d->g, id);
        if (n->op == OP_SCAN) {
            begin_line(d);
            text_printf(d->out, "subgraph cluster_%u_%d {\n", d->index, n->attr[0]);
            d->depth++;
            begin_line(d);
            text_printf(d->out, "label=\"scan, %d times\"; style=rounded;\n",
                        d->g->loops.at[n->attr[0]].trips);
            draw_loop(d, (uint32_t)n->attr[0]);
            d->depth--;
            begin_line(d);
            text_puts(d->out, "}\n");
        } else if (!node_uniform(d->g, id, &v)) {
            draw_node(d, id);
        }
    }
}

static void draw_result(const Drawing *d, uint32_t i, const char *name, bool update, NodeId from) {
    double v;
    begin_line(d);
    text_printf(d->out, "out%u_%u [shape=box, style=bold, label=\"", d->index, i);
    quote(d->out, name);
    text_puts(d->out, update ? " <-\"];\n" : "\"];\n");
    if (node_uniform(d->g, from, &v)) return;
    begin_line(d);
    text_printf(d->out, "n%u_%u -> out%u_%u;\n", d->index, from, d->index, i);
}

static void draw_entry(const Program *p, const Entry *e, uint32_t index, Text *out) {
    const Graph *g = &e->graph;
    bool *need = graph_needed(e, out->arena);
    Drawing d = {.p = p, .g = g, .out = out, .index = index, .depth = 1};
    d.inside = NEW_ARRAY(out->arena, NodeIds, g->loops.len);
    d.scan = NEW_ARRAY(out->arena, NodeId, g->loops.len);
    text_printf(out, "  subgraph cluster_%u {\n    label=\"entry %s%s%s\";\n", index, e->name,
                e->variant ? "@" : "", e->variant ? e->variant : "");
    for (NodeId id = 0; id < g->nodes.len; id++) {
        const Node *n = node_at(g, id);
        if (!need[id]) continue;
        vec_push(out->arena, &d.inside[n->loop], id);
        if (n->op == OP_SCAN) d.scan[n->attr[0]] = id;
    }
    draw_loop(&d, 0);
    double v;
    for (NodeId id = 0; id < g->nodes.len; id++) { /* edges belong to no cluster */
        if (need[id] && node_at(g, id)->op != OP_SCAN && !node_uniform(g, id, &v))
            draw_edges(&d, id);
    }
    for (uint32_t i = 0; i < e->outputs.len; i++)
        draw_result(&d, i, e->outputs.at[i].name, false, e->outputs.at[i].node);
    for (uint32_t i = 0; i < e->updates.len; i++)
        draw_result(&d, e->outputs.len + i, p->vars.at[e->updates.at[i].var].name, true,
                    e->updates.at[i].node);
    text_puts(out, "  }\n");
}

void graph_print_dot(const Program *p, Text *out) {
    text_puts(out, "digraph \"");
    quote(out, p->model);
    text_puts(out, "\" {\n  rankdir=TB;\n  node [fontname=\"sans-serif\", fontsize=10];\n");
    for (uint32_t i = 0; i < p->entries.len; i++) draw_entry(p, p->entries.at[i], i, out);
    text_puts(out, "}\n");
}

/* graph_print: the graph as .dlg text. The text is a program again: every operator is called by its
 * name, numbers print exactly, and a node that has one value everywhere is written as that number. A
 * loop is a `scan` statement where its SCAN stands: with the nodes inside as its body, its FINALs and
 * STACKs as what it gives.
 *
 * A node is called after the binding that it came from where that is unique, else tN. What the
 * language cannot say stands in comments: entries and variables that the compiler made for itself
 * (variants), and the step counter, which counts by itself. */
#include "ir.h"
#include "origin.h"

typedef VEC(NodeId) NodeIds;

typedef struct Printer {
    const Program *p;
    const Graph *g;
    Text *out;
    const bool *need;    /* of each node of the graph at hand */
    const char **name;   /* and its name */
    NodeIds *inside;     /* of each loop, 0 the top: the needed nodes, ascending */
    NodeIds *leading;    /* of each loop: its needed FINALs and STACKs, ascending */
    const char **turn;   /* of each loop that is open: its counter's name */
    const char *comment; /* before each line: "# " where the language cannot say the entry */
    int indent;
    Names *taken; /* names in use, over all entries */
    uint32_t serial;
} Printer;

static void print_number(Text *out, DType t, double v) {
    if (t == DT_BOOL)
        text_puts(out, v != 0 ? "true" : "false");
    else if (t == DT_I32)
        text_printf(out, "%d", (int32_t)v);
    else
        text_f32(out, (float)v);
}

static void print_operand(Printer *pr, NodeId x) {
    const Node *n = node_at(pr->g, x);
    double v;
    if (!node_uniform(pr->g, x, &v)) {
        text_puts(pr->out, pr->name[x]);
        return;
    }
    /* A number takes its shape and type from its neighbours; where it has none to take, full(). */
    print_number(pr->out, (DType)n->dtype, v);
}

static void print_shape_args(Text *out, const Shape *s) {
    for (int i = 0; i < s->rank; i++) text_printf(out, ", %d", s->dim[i]);
}

/* A number as an operand loses its shape; these operators would then not know theirs. */
static void print_shaped(Printer *pr, NodeId x) {
    const Node *n = node_at(pr->g, x);
    double v;
    if (!node_uniform(pr->g, x, &v)) {
        print_operand(pr, x);
        return;
    }
    text_puts(pr->out, "full(");
    print_number(pr->out, (DType)n->dtype, v);
    if (n->dtype == DT_F32)
        text_puts(pr->out, ", f32");
    else
        text_printf(pr->out, ", %s", dtype_name((DType)n->dtype));
    print_shape_args(pr->out, &n->shape);
    text_puts(pr->out, ")");
}

static void print_literal(Printer *pr, const Node *n, int axis, size_t *at) {
    if (axis == n->shape.rank) {
        double v = n->values[(*at)++];
        size_t before = pr->out->len;
        print_number(pr->out, (DType)n->dtype, v);
        /* A literal of whole numbers alone would be i32. */
        if (n->dtype == DT_F32 && !strpbrk(pr->out->at + before, ".en")) text_puts(pr->out, ".0");
        return;
    }
    text_puts(pr->out, "[");
    for (int i = 0; i < n->shape.dim[axis]; i++) {
        if (i) text_puts(pr->out, ", ");
        print_literal(pr, n, axis + 1, at);
    }
    text_puts(pr->out, "]");
}

/* take(x, 2 * t + 1): an index of this form makes AT again. */
static void print_at(Printer *pr, const Node *n) {
    const char *turn = pr->turn[n->attr[0]];
    int32_t scale = n->attr[1], offset = n->attr[2];
    text_puts(pr->out, "take(");
    print_shaped(pr, n->args[0]);
    text_puts(pr->out, ", ");
    if (scale < 0) text_printf(pr->out, "%d - ", offset);
    if (scale != 1 && scale != -1) text_printf(pr->out, "%d * ", scale < 0 ? -scale : scale);
    text_puts(pr->out, turn);
    if (scale > 0 && offset > 0) text_printf(pr->out, " + %d", offset);
    text_puts(pr->out, ")");
}

static void print_value(Printer *pr, const Node *n) {
    Text *out = pr->out;
    size_t at = 0;
    if (n->op == OP_AT) {
        print_at(pr, n);
        return;
    }
    if (n->op == OP_NAMED) {
        print_shaped(pr, n->args[0]);
        return;
    }
    if (n->op == OP_LITERAL) {
        if (n->dtype != DT_F32) text_puts(out, "cast(");
        print_literal(pr, n, 0, &at);
        if (n->dtype != DT_F32) text_printf(out, ", %s)", dtype_name((DType)n->dtype));
        return;
    }
    if (n->op == OP_IOTA) {
        text_printf(out, "iota(%d)", n->shape.dim[0]);
        return;
    }
    if (n->op == OP_AND || n->op == OP_OR) { /* keywords are no names of functions */
        print_shaped(pr, n->args[0]);
        text_printf(out, " %s ", op_info[n->op].name);
        print_shaped(pr, n->args[1]);
        return;
    }
    text_printf(out, "%s(", op_info[n->op].name);
    bool any_shape = false; /* one operand with a shape is enough to give it to the numbers */
    double v;
    for (uint32_t i = 0; i < n->argc; i++)
        any_shape = any_shape || !node_uniform(pr->g, n->args[i], &v);
    bool numbers_fit = op_info[n->op].elementwise && any_shape;
    /* Two numbers to choose from would be f32. */
    if (n->op == OP_WHERE && n->dtype != DT_F32) {
        numbers_fit = numbers_fit &&
                      !(node_uniform(pr->g, n->args[1], &v) && node_uniform(pr->g, n->args[2], &v));
    }
    for (uint32_t i = 0; i < n->argc; i++) {
        if (i) text_puts(out, ", ");
        if (numbers_fit)
            print_operand(pr, n->args[i]);
        else
            print_shaped(pr, n->args[i]);
    }
    switch (n->op) {
    case OP_CAST: text_printf(out, ", %s", dtype_name((DType)n->dtype)); break;
    case OP_RESHAPE:
    case OP_EXPAND: print_shape_args(out, &n->shape); break;
    case OP_SLICE:
        for (int i = 0; i < n->shape.rank; i++)
            text_printf(out, ", %d, %d, %d", n->attr[3 * i], n->shape.dim[i], n->attr[3 * i + 1]);
        break;
    case OP_PAD:
        for (uint32_t i = 0; i < n->attrc; i++) text_printf(out, ", %d", n->attr[i]);
        if (n->value != 0)
            text_puts(out, ", value = "), print_number(out, (DType)n->dtype, n->value);
        break;
    case OP_WINDOW:
        text_printf(out, ", %d, %d, stride = %d, dilation = %d", n->attr[0],
                    n->shape.dim[n->shape.rank - 1], n->attr[1], n->attr[2]);
        break;
    case OP_SKEW: text_printf(out, ", %d, dilation = %d", n->attr[0], n->attr[1]); break;
    case OP_SCATTER: text_printf(out, ", %d", n->shape.dim[0]); break;
    case OP_CONCAT: text_printf(out, ", axis = %d", n->attr[0]); break;
    case OP_DOT: text_printf(out, ", batch = %d, contract = %d", n->attr[0], n->attr[1]); break;
    default:
        for (uint32_t i = 0; i < n->attrc; i++) text_printf(out, ", %d", n->attr[i]);
    }
    text_puts(out, ")");
}

static const char *unique_name(Printer *pr, const char *hint) {
    Arena *a = pr->out->arena;
    uint32_t before = pr->taken->count;
    if (hint) {
        const char *name = names_str(pr->taken, hint);
        if (pr->taken->count != before) return name;
    }
    for (;;) {
        const char *name = names_str(pr->taken, arena_printf(a, "t%u", pr->serial++));
        if (pr->taken->count != before) return name;
    }
}

static void print_type(Text *out, DType t, const Shape *s) {
    text_puts(out, dtype_name(t));
    for (int i = 0; i < s->rank; i++) text_printf(out, "%s%d", i ? ", " : "[", s->dim[i]);
    if (s->rank) text_puts(out, "]");
}

static bool is_step(const Variable *v) {
    return !strcmp(v->name, "step");
}

/* Whether the language can say this entry: not when it is a variant or has variables of its own. */
static bool can_be_said(const Program *p, const Entry *e, const bool *need) {
    for (NodeId id = 0; id < e->graph.nodes.len; id++) {
        const Node *n = node_at(&e->graph, id);
        if (need[id] && n->op == OP_VAR && p->vars.at[n->attr[0]].variant) return false;
    }
    for (uint32_t i = 0; i < e->updates.len; i++) {
        if (p->vars.at[e->updates.at[i].var].variant) return false;
    }
    return !e->variant;
}

static void begin_line(Printer *pr) {
    text_puts(pr->out, pr->comment);
    for (int i = 0; i < pr->indent; i++) text_puts(pr->out, "    ");
}

static void print_body(Printer *pr, uint32_t loop);

/* What a scan gives: its carried values, each called as after the loop, then the stacks. The carried
 * values are called so in the body as well. */
static void name_results(Printer *pr, const Node *scan, const NodeIds *leading) {
    uint32_t carries = scan->argc / 2, at = 0;
    NodeId *final = NEW_ARRAY(pr->out->arena, NodeId, carries + 1);
    for (uint32_t k = 0; k < carries; k++) final[k] = NO_NODE;
    for (uint32_t i = 0; i < leading->len; i++) {
        const Node *n = node_at(pr->g, leading->at[i]);
        if (n->op == OP_FINAL) final[n->attr[0]] = leading->at[i];
    }
    for (uint32_t k = 0; k < carries; k++) {
        if (!pr->need[scan->args[k]]) continue;
        const char *hint = final[k] == NO_NODE ? NULL : node_at(pr->g, final[k])->name;
        const char *name = unique_name(pr, hint);
        pr->name[scan->args[k]] = name;
        if (final[k] != NO_NODE) pr->name[final[k]] = name;
        text_printf(pr->out, "%s%s", at++ ? ", " : "", name);
    }
    for (uint32_t i = 0; i < leading->len; i++) {
        const Node *n = node_at(pr->g, leading->at[i]);
        if (n->op != OP_STACK) continue;
        pr->name[leading->at[i]] = unique_name(pr, n->name);
        text_printf(pr->out, "%s%s", at++ ? ", " : "", pr->name[leading->at[i]]);
    }
}

/* The body's last lines: what is carried becomes its next value. A carried value that another one
 * becomes is bound before it changes. */
static void print_next_values(Printer *pr, const Node *scan) {
    uint32_t carries = scan->argc / 2;
    const NodeId *carry = scan->args, *next = scan->args + carries;
    const char **name = NEW_ARRAY(pr->out->arena, const char *, carries + 1);
    for (uint32_t k = 0; k < carries; k++) {
        const Node *n = node_at(pr->g, next[k]);
        double v;
        if (!pr->need[carry[k]] || node_uniform(pr->g, next[k], &v)) continue;
        name[k] = pr->name[next[k]];
        if (n->op != OP_CARRY || next[k] == carry[k] || n->attr[0] != scan->attr[0]) continue;
        begin_line(pr);
        text_printf(pr->out, "%s = %s\n", name[k] = unique_name(pr, NULL), pr->name[next[k]]);
    }
    for (uint32_t k = 0; k < carries; k++) {
        if (!pr->need[carry[k]] || next[k] == carry[k]) continue;
        begin_line(pr);
        text_printf(pr->out, "%s = ", pr->name[carry[k]]);
        if (name[k])
            text_puts(pr->out, name[k]);
        else
            print_shaped(pr, next[k]);
        text_puts(pr->out, "\n");
    }
}

static void print_scan(Printer *pr, const Node *scan) {
    Text *out = pr->out;
    uint32_t loop = (uint32_t)scan->attr[0], carries = scan->argc / 2;
    const NodeIds *inside = &pr->inside[loop], *leading = &pr->leading[loop];
    const char *turn = NULL, *comma = " with ", *yield = "yield ";
    for (uint32_t i = 0; i < inside->len; i++) {
        const Node *n = node_at(pr->g, inside->at[i]);
        if (n->op == OP_ITERATION) turn = n->name;
    }
    begin_line(pr);
    name_results(pr, scan, leading);
    pr->turn[loop] = unique_name(pr, turn);
    text_printf(out, " = scan %s in 0..%d", pr->turn[loop], pr->g->loops.at[loop].trips);
    for (uint32_t k = 0; k < carries; k++) {
        if (!pr->need[scan->args[k]]) continue;
        text_printf(out, "%s%s = ", comma, pr->name[scan->args[k]]);
        print_shaped(pr, node_at(pr->g, scan->args[k])->args[0]);
        comma = ", ";
    }
    text_puts(out, " {\n");
    pr->indent++;
    print_body(pr, loop);
    for (uint32_t i = 0; i < leading->len; i++) {
        const Node *n = node_at(pr->g, leading->at[i]);
        if (n->op != OP_STACK) continue;
        if (yield[0] == 'y') begin_line(pr);
        text_printf(out, "%s%s", yield, pr->name[n->args[1]]);
        yield = ", ";
    }
    if (yield[0] != 'y') text_puts(out, "\n");
    print_next_values(pr, scan);
    pr->indent--;
    begin_line(pr);
    text_puts(out, "}  #");
    for (uint32_t i = 0; i < leading->len; i++) {
        const Node *n = node_at(pr->g, leading->at[i]);
        text_printf(out, "%s %s: ", i ? "," : "", pr->name[leading->at[i]]);
        print_type(out, (DType)n->dtype, &n->shape);
    }
    text_puts(out, "\n");
}

/* The nodes of one loop, 0 the top. */
static void print_body(Printer *pr, uint32_t loop) {
    Text *out = pr->out;
    double v;
    for (uint32_t i = 0; i < pr->inside[loop].len; i++) {
        NodeId id = pr->inside[loop].at[i];
        const Node *n = node_at(pr->g, id);
        if (n->op == OP_VAR) pr->name[id] = pr->p->vars.at[n->attr[0]].name;
        if (n->op == OP_ITERATION) pr->name[id] = pr->turn[loop];
        if (n->op == OP_SCAN) print_scan(pr, n);
        if (n->op == OP_VAR || (n->op >= OP_ITERATION && n->op <= OP_STACK)) continue;
        if (node_uniform(pr->g, id, &v)) continue;
        pr->name[id] = unique_name(pr, n->name);
        begin_line(pr);
        text_printf(out, "%s = ", pr->name[id]);
        print_value(pr, n);
        text_puts(out, "  # ");
        print_type(out, (DType)n->dtype, &n->shape);
        text_puts(out, "\n");
    }
}

static void sort_nodes(Printer *pr) {
    Arena *a = pr->out->arena;
    const Graph *g = pr->g;
    pr->name = NEW_ARRAY(a, const char *, g->nodes.len + 1);
    pr->inside = NEW_ARRAY(a, NodeIds, g->loops.len);
    pr->leading = NEW_ARRAY(a, NodeIds, g->loops.len);
    pr->turn = NEW_ARRAY(a, const char *, g->loops.len);
    for (NodeId id = 0; id < g->nodes.len; id++) {
        const Node *n = node_at(g, id);
        if (!pr->need[id]) continue;
        vec_push(a, &pr->inside[n->loop], id);
        if (n->op == OP_FINAL || n->op == OP_STACK)
            vec_push(a, &pr->leading[node_at(g, n->args[0])->attr[0]], id);
    }
}

/* Lines of a block are sequential: a variable that is a new value is bound before it changes. */
static void print_old_values(Printer *pr, const Entry *e) {
    for (uint32_t i = 0; i < e->updates.len; i++) {
        NodeId id = e->updates.at[i].node;
        if (node_at(pr->g, id)->op != OP_VAR) continue;
        const char *name = unique_name(pr, NULL);
        text_printf(pr->out, "%s%s = %s\n", pr->comment, name, pr->name[id]);
        pr->name[id] = name;
    }
}

static void print_entry(Printer *pr, const Entry *e) {
    Text *out = pr->out;
    pr->g = &e->graph;
    pr->need = graph_needed(e, out->arena);
    const char *comment = pr->comment = can_be_said(pr->p, e, pr->need) ? "" : "# ";
    sort_nodes(pr);
    text_puts(out, "\n");
    if (e->variant)
        text_printf(out,
                    "# entry %s@%s: made by the compiler for the rows that do not fill a batch\n",
                    e->name, e->variant);
    print_body(pr, 0);
    print_old_values(pr, e);
    text_printf(out, "%sentry %s", comment, e->name);
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        text_printf(out, "%s%s = ", i ? ", " : " -> ", e->outputs.at[i].name);
        print_shaped(pr, e->outputs.at[i].node);
    }
    if (e->updates.len) text_puts(out, " {\n");
    for (uint32_t i = 0; i < e->updates.len; i++) {
        const Variable *v = &pr->p->vars.at[e->updates.at[i].var];
        text_printf(out, "%s    %s%s <- ", comment, is_step(v) ? "# " : "", v->name);
        print_shaped(pr, e->updates.at[i].node);
        text_puts(out, "\n");
    }
    if (e->updates.len) text_printf(out, "%s}", comment);
    text_puts(out, "\n");
}

static void print_string(Text *out, const char *s) {
    text_puts(out, "\"");
    for (; *s; s++) {
        if (*s == '\n')
            text_puts(out, "\\n");
        else if (*s == '\t')
            text_puts(out, "\\t");
        else
            text_printf(out, "%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
    }
    text_puts(out, "\"");
}

static void print_variable(Text *out, const Variable *v) {
    static const char *const kind[] = {"input", "param", "state"};
    if (v->variant || is_step(v)) text_puts(out, "# ");
    text_printf(out, "%s %s : ", kind[v->kind], v->name);
    print_type(out, v->dtype, &v->shape);
    if (v->kind == VAR_INPUT) {
        const DataSource *s = &v->source;
        if (s->path) {
            text_puts(out, " from ");
            print_string(out, s->path);
            text_selection(out, s);
            if (s->axis) text_printf(out, " axis %d", s->axis);
        }
    } else if (v->init == INIT_UNIFORM || v->init == INIT_NORMAL) {
        text_printf(out, " ~ %s(", v->init == INIT_UNIFORM ? "uniform" : "normal");
        text_f64(out, v->a);
        text_puts(out, ", ");
        text_f64(out, v->b);
        text_puts(out, ")");
    } else if (v->init == INIT_CONSTANT) {
        text_puts(out, " = ");
        print_number(out, v->dtype, v->a);
    } else {
        Node n = {.dtype = (uint8_t)v->dtype, .shape = v->shape, .values = v->values};
        Printer pr = {.out = out};
        size_t at = 0;
        text_puts(out, " = ");
        print_literal(&pr, &n, 0, &at);
    }
    if (v->variant) text_printf(out, "  (of %s alone)", v->variant);
    text_puts(out, "\n");
}

void graph_print(const Program *p, Text *out) {
    Names taken;
    names_init(&taken, out->arena);
    Printer pr = {.p = p, .out = out, .taken = &taken};
    text_puts(out, "# the graph of ");
    text_one_line(out, p->path, strlen(p->path));
    text_puts(out, "\n");
    for (uint32_t i = 0; i < p->consts.len; i++) {
        text_printf(out, "const %s = ", p->consts.at[i].name);
        text_f64(out, p->consts.at[i].value);
        text_puts(out, "\n");
        names_str(&taken, p->consts.at[i].name);
    }
    for (uint32_t i = 0; i < p->vars.len; i++) {
        print_variable(out, &p->vars.at[i]);
        names_str(&taken, p->vars.at[i].name);
    }
    for (uint32_t i = 0; i < p->entries.len; i++) print_entry(&pr, p->entries.at[i]);
}

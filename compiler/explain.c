/* explain: see explain.h.
 *
 * The launches of an entry are noted one by one; when it is done, what one of them makes is followed to those
 * that read it, by buffers, and each of these boundaries asks fusion for the reason. All of it is then filed
 * under the source lines: a kernel that computes several lines stands under each. */
#include "explain.h"

#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

#define LONG_LINE  100
#define MOST_LINES 12 /* of a launch that are listed */

typedef VEC(uint32_t) Ids;
typedef VEC(const char *) Strings;

static const char *const reason_text[] = {
#define REASON(NAME, text) text,
#include "reason.def"
};

/* ---- What is noted of an entry's launches --------------------------------------------------- */

typedef struct Made { /* a value that a section stores */
    NodeId node;
    uint32_t buffer;         /* NO_BUFFER: in the group's own memory */
    bool whole;              /* all of it: what was there before is gone */
    const char *name, *text; /* how the user knows it; with its shape */
    bool has_line;
    Line line;
} Made;

typedef struct SectionNote {
    uint32_t cluster; /* of the region's */
    Lines lines;
    VEC(Made) made;
} SectionNote;

typedef struct LaunchNote {
    uint32_t kernel;
    const Region *region;
    double times;
    Ids repeats; /* around it, by number */
    KCount count;
    VEC(SectionNote) sections;
    Lines lines; /* of all sections */
    Ids reads;   /* buffers */
    Ids arena;   /* all that are in it */
} LaunchNote;

/* ---- What is shown -------------------------------------------------------------------------- */

typedef struct Flow { /* a value that goes to other kernels, all for one reason */
    const char *value, *reason;
    Ids kernels;
} Flow;

typedef struct Use { /* a launch of a kernel by an entry */
    const char *entry;
    uint32_t launch;
    double times;
    Lines lines;
} Use;

typedef struct KernelNote { /* a kernel under one line */
    uint32_t id;
    KCount count;
    VEC(Use) uses;
    Strings makes, keeps;
    VEC(Flow) flows;
} KernelNote;

typedef VEC(KernelNote) KernelNotes; /* ascending */

typedef struct LineNote {
    Line line;
    KernelNotes kernels;
} LineNote;

typedef struct Total { /* of an entry */
    const char *entry;
    double launches, flops, bytes, bound;
    uint32_t kernels;
    int64_t arena, live;
} Total;

struct Explainer {
    const Program *p;
    Arena *arena;
    VEC(LaunchNote) launches; /* of the entry at work */
    Ids repeats;              /* that are open */
    VEC(int32_t) trips;
    uint32_t repeat_count;
    VEC(LineNote) lines; /* by first use */
    uint32_t **
        note_of; /* [file][line]: its number in `lines` + 1, or 0; a file's are made on first use */
    KernelNotes no_line; /* what is of none */
    VEC(Total) totals;
    bool variants; /* there are some: they are not under the lines */
};

static void explain_repeat(void *context, int32_t trips) {
    Explainer *x = context;
    if (!trips) {
        x->repeats.len--;
        x->trips.len--;
        return;
    }
    vec_push(x->arena, &x->repeats, ++x->repeat_count);
    vec_push(x->arena, &x->trips, trips);
}

/* ---- Launches ------------------------------------------------------------------------------- */

static const char *shaped(Explainer *x, const char *name, const Shape *s) {
    Text t;
    text_init(&t, x->arena);
    text_printf(&t, "%s[", name);
    text_shape(&t, s);
    text_puts(&t, "]");
    return t.at;
}

static void note_section(Explainer *x, const Plan *plan, const Launch *l, const Section *s,
                         SectionNote *out) {
    OriginNodes nodes = {0};
    *out = (SectionNote){.cluster = s->number};
    cluster_nodes(&l->region->fused, s->number, &nodes, x->arena);
    for (uint32_t i = 0; i < nodes.len; i++) {
        Line line;
        double v;
        const Node *n = node_at(l->g, nodes.at[i]);
        /* A leaf, or a view, is not computed; the same one may stand on several lines. */
        if (is_view((Op)n->op) && n->op != OP_PAD) continue;
        if (n->argc && !node_uniform(l->g, nodes.at[i], &v) && line_of(x->p->sources, n, &line))
            vec_push(x->arena, &out->lines, line);
    }
    lines_settle(&out->lines);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        const Store *st = &s->stores.at[i];
        const Node *n = node_at(l->g, st->node);
        Made made = {
            .node = st->node, .buffer = NO_BUFFER, .whole = !st->place.part && !st->place.loop};
        made.has_line = line_of(x->p->sources, n, &made.line);
        if (!st->place.tile) made.buffer = st->place.buffer;
        const Shape *shape = &n->shape;
        made.name = st->place.part ? (n->name ? n->name : op_info[n->op].name) : st->place.name;
        if (made.buffer != NO_BUFFER && !st->place.part) {
            const Buffer *b = &plan->memory.buffers.at[made.buffer];
            if (b->kind == BUFFER_VAR) made.name = b->name;
            if (st->place.loop) shape = &b->shape;
        }
        made.text = shaped(x, made.name, shape);
        vec_push(x->arena, &out->made, made);
    }
}

static void explain_launch(void *context, const Plan *plan, const Launch *l, uint32_t id) {
    Explainer *x = context;
    LaunchNote note = {.kernel = id, .region = l->region, .times = 1, .count = l->count};
    for (uint32_t i = 0; i < x->repeats.len; i++) {
        vec_push(x->arena, &note.repeats, x->repeats.at[i]);
        note.times *= x->trips.at[i];
    }
    for (uint32_t i = 0; i < l->sections.len; i++) {
        SectionNote section;
        note_section(x, plan, l, &l->sections.at[i], &section);
        vec_push(x->arena, &note.sections, section);
        for (uint32_t n = 0; n < section.lines.len; n++)
            vec_push(x->arena, &note.lines, section.lines.at[n]);
    }
    lines_settle(&note.lines);
    for (uint32_t i = 0; i < l->kernel->buffers.len; i++) {
        const KBuffer *b = &l->kernel->buffers.at[i];
        if (b->values) continue;
        if (b->read) vec_push(x->arena, &note.reads, b->tag);
        if (plan->memory.buffers.at[b->tag].kind == BUFFER_ARENA)
            vec_push(x->arena, &note.arena, b->tag);
    }
    vec_push(x->arena, &x->launches, note);
}

/* ---- Reasons -------------------------------------------------------------------------------- */

/* Why what `from` makes of node `id` is read by cluster `reader` in another launch. */
static const char *boundary_text(Explainer *x, const Fused *f, NodeId id, uint32_t reader,
                                 const Refusal *r) {
    const Node *n = node_at(f->g, r->reader);
    bool apart =
        r->chain == REASON_SINGLE || r->chain == REASON_TARGET || r->chain == REASON_BUDGET;
    Reason why =
        r->chain == REASON_NONE || (apart && r->merge != REASON_NONE) ? r->merge : r->chain;
    bool place = why == REASON_SPACES || why == REASON_PLACES || why == REASON_ROWS;
    const Cluster *made = f->clusters.at[f->cluster_of[id]];
    if ((place || why == REASON_REDUCTIONS) && n->op == OP_DOT)
        return reason_text[why == REASON_ROWS ? REASON_CONTRACTION_ROWS : REASON_CONTRACTION];
    if (why == REASON_ROWS && is_reduction((Op)n->op)) return reason_text[REASON_REDUCED_ROWS];
    if (place && made->has_reduction)
        return reason_text[made->has_dot ? REASON_CONTRACTED : REASON_REDUCED];
    if (why == REASON_SPACES || (why == REASON_ROWS && r->merge == REASON_SPACES)) {
        Text t;
        text_init(&t, x->arena);
        text_printf(&t, "%s (", reason_text[REASON_SPACES]);
        text_shape(&t, &made->outer);
        text_puts(&t, " and ");
        text_shape(&t, &f->clusters.at[reader]->outer);
        text_puts(&t, ")");
        return t.at;
    }
    return reason_text[why];
}

/* How many repeats are around both. */
static uint32_t common_repeats(const LaunchNote *a, const LaunchNote *b) {
    uint32_t n = 0;
    while (n < a->repeats.len && n < b->repeats.len && a->repeats.at[n] == b->repeats.at[n]) n++;
    return n;
}

static bool is_around(const Region *outer, const Region *r) {
    while (r && r != outer) r = r->outer;
    return r != NULL;
}

/* Why launch `to` reads what launch `from`, before it, or in the turn before, made of a node. NULL: it does not,
 * but another part of what is in the buffer. */
static const char *flow_reason(Explainer *x, const LaunchNote *from, const LaunchNote *to,
                               NodeId id, bool carried) {
    if (carried) return reason_text[REASON_CARRIED];
    if (from->region != to->region)
        return reason_text[is_around(from->region, to->region) ? REASON_LOOP_READS
                                                               : REASON_LOOP_MAKES];
    const Fused *f = &to->region->fused;
    for (uint32_t i = 0; i < to->sections.len; i++) {
        uint32_t cluster = to->sections.at[i].cluster;
        Refusal r = fuse_refusal(f, id, cluster);
        if (r.reader != NO_NODE) return boundary_text(x, f, id, cluster, &r);
    }
    return NULL;
}

/* ---- Under the lines ------------------------------------------------------------------------ */

static KernelNotes *kernels_of(Explainer *x, Line line) {
    uint32_t **notes = &x->note_of[line.file];
    if (!*notes)
        *notes = NEW_ARRAY(x->arena, uint32_t, x->p->sources->files.at[line.file].lines + 1);
    uint32_t *note = &(*notes)[line.number];
    if (!*note) {
        LineNote new = {.line = line};
        vec_push(x->arena, &x->lines, new);
        *note = x->lines.len;
    }
    return &x->lines.at[*note - 1].kernels;
}

static KernelNote *kernel_in(Explainer *x, KernelNotes *list, const LaunchNote *l) {
    uint32_t at = 0;
    while (at < list->len && list->at[at].id < l->kernel) at++;
    if (at == list->len || list->at[at].id != l->kernel) {
        KernelNote note = {.id = l->kernel, .count = l->count};
        vec_push(x->arena, list, note);
        for (uint32_t k = list->len - 1; k > at; k--) list->at[k] = list->at[k - 1];
        list->at[at] = note;
    }
    return &list->at[at];
}

/* Once for each launch, of however many sections: launches come one after the other. */
static void add_use(Explainer *x, KernelNote *k, const char *entry, uint32_t launch) {
    const Use *last = k->uses.len ? &k->uses.at[k->uses.len - 1] : NULL;
    if (last && last->launch == launch && last->entry == entry) return;
    const LaunchNote *l = &x->launches.at[launch];
    Use use = {entry, launch, l->times, l->lines};
    vec_push(x->arena, &k->uses, use);
}

static void add_string(Explainer *x, Strings *list, const char *s) {
    for (uint32_t i = 0; i < list->len; i++) {
        if (!strcmp(list->at[i], s)) return;
    }
    vec_push(x->arena, list, s);
}

static void add_flow(Explainer *x, KernelNote *k, const char *value, const char *reason,
                     uint32_t to) {
    uint32_t at = 0, i = 0;
    while (at < k->flows.len && (strcmp(k->flows.at[at].value, value) != 0 ||
                                 strcmp(k->flows.at[at].reason, reason) != 0))
        at++;
    if (at == k->flows.len) {
        Flow flow = {.value = value, .reason = reason};
        vec_push(x->arena, &k->flows, flow);
    }
    Ids *kernels = &k->flows.at[at].kernels;
    while (i < kernels->len && kernels->at[i] < to) i++;
    if (i < kernels->len && kernels->at[i] == to) return;
    vec_push(x->arena, kernels, to);
    for (uint32_t n = kernels->len - 1; n > i; n--) kernels->at[n] = kernels->at[n - 1];
    kernels->at[i] = to;
}

/* The launches that read each buffer of the program, and that write all of it, ascending. */
typedef struct Traffic {
    Ids *readers, *writers;
} Traffic;

/* Whether one of the writers stands after launch `after` and before launch `before`. */
static bool written_between(const Ids *writers, uint32_t after, uint32_t before) {
    for (uint32_t i = 0; i < writers->len; i++) {
        if (writers->at[i] >= after && writers->at[i] < before) return true;
    }
    return false;
}

/* Where a value goes that launch `from` made. */
static void add_flows(Explainer *x, const Traffic *t, uint32_t from, const Made *made,
                      KernelNote *k) {
    const LaunchNote *l = &x->launches.at[from];
    const Ids *readers = &t->readers[made->buffer], *writers = &t->writers[made->buffer];
    for (uint32_t i = 0; i < readers->len; i++) {
        uint32_t to = readers->at[i];
        const LaunchNote *reader = &x->launches.at[to];
        uint32_t common = common_repeats(l, reader), first = to;
        if (to > from) { /* unless another one writes it before that */
            if (written_between(writers, from + 1, to)) continue;
        } else { /* in the next turn */
            if (common == 0) continue;
            while (first > 0 && common_repeats(&x->launches.at[first - 1], l) >= common) first--;
            if (written_between(writers, first, to)) continue;
        }
        const char *reason = flow_reason(x, l, reader, made->node, to <= from);
        if (reason) add_flow(x, k, made->name, reason, reader->kernel);
    }
}

/* A value that a section made, under one of its lines (or under none: NULL). */
static void file_made(Explainer *x, const Traffic *t, uint32_t launch, const Made *made,
                      const Line *line) {
    const LaunchNote *l = &x->launches.at[launch];
    KernelNote *k = kernel_in(x, line ? kernels_of(x, *line) : &x->no_line, l);
    add_string(x, made->buffer == NO_BUFFER ? &k->keeps : &k->makes, made->text);
    if (made->buffer != NO_BUFFER) add_flows(x, t, launch, made, k);
}

/* What has a line stands under that one, and the rest under all. */
static void file_section(Explainer *x, const char *entry, const Traffic *t, uint32_t launch,
                         const SectionNote *s) {
    const LaunchNote *l = &x->launches.at[launch];
    const Lines *lines = &s->lines;
    for (uint32_t n = 0; n < lines->len; n++)
        add_use(x, kernel_in(x, kernels_of(x, lines->at[n]), l), entry, launch);
    if (!lines->len) add_use(x, kernel_in(x, &x->no_line, l), entry, launch);
    for (uint32_t i = 0; i < s->made.len; i++) {
        const Made *made = &s->made.at[i];
        const Line *own = NULL;
        if (made->has_line && lines->len) {
            own = bsearch(&made->line, lines->at, lines->len, sizeof(Line), line_compare);
            if (own) file_made(x, t, launch, made, own);
            continue;
        }
        for (uint32_t n = 0; n < lines->len; n++) file_made(x, t, launch, made, &lines->at[n]);
        if (!lines->len) file_made(x, t, launch, made, NULL);
    }
}

static void file_launches(Explainer *x, const Plan *plan, const char *entry) {
    uint32_t buffers = plan->memory.buffers.len;
    Traffic t = {NEW_ARRAY(x->arena, Ids, buffers + 1), NEW_ARRAY(x->arena, Ids, buffers + 1)};
    for (uint32_t i = 0; i < x->launches.len; i++) {
        const LaunchNote *l = &x->launches.at[i];
        for (uint32_t r = 0; r < l->reads.len; r++)
            vec_push(x->arena, &t.readers[l->reads.at[r]], i);
        for (uint32_t s = 0; s < l->sections.len; s++) {
            for (uint32_t m = 0; m < l->sections.at[s].made.len; m++) {
                const Made *made = &l->sections.at[s].made.at[m];
                if (made->whole && made->buffer != NO_BUFFER)
                    vec_push(x->arena, &t.writers[made->buffer], i);
            }
        }
    }
    for (uint32_t i = 0; i < x->launches.len; i++) {
        const LaunchNote *l = &x->launches.at[i];
        for (uint32_t k = 0; k < l->sections.len; k++) {
            file_section(x, entry, &t, i, &l->sections.at[k]);
        }
    }
}

static void add_total(Explainer *x, const Plan *plan, const PlannedEntry *pe, const char *entry) {
    Total total = {.entry = entry, .bound = pe->bound_bytes, .live = pe->live_bytes};
    Ids kernels = {0};
    int64_t align = plan->target->align_bytes;
    for (uint32_t i = 0; i < x->launches.len; i++) {
        const LaunchNote *l = &x->launches.at[i];
        uint32_t k = 0;
        total.launches += l->times;
        total.flops += l->times * l->count.flops;
        total.bytes += l->times * l->count.bytes;
        while (k < kernels.len && kernels.at[k] != l->kernel) k++;
        if (k == kernels.len) vec_push(x->arena, &kernels, l->kernel);
        for (uint32_t r = 0; r < l->arena.len; r++) {
            const Buffer *b = &plan->memory.buffers.at[l->arena.at[r]];
            int64_t end = b->offset + shape_elems(&b->shape) * dtype_bytes(b->dtype);
            end = (end + align - 1) / align * align;
            if (end > total.arena) total.arena = end;
        }
    }
    total.kernels = kernels.len;
    vec_push(x->arena, &x->totals, total);
}

static void explain_entry(void *context, const Plan *plan, const PlannedEntry *pe, bool done) {
    Explainer *x = context;
    const Entry *e = pe->entry;
    if (!done) return;
    const char *name = e->variant ? arena_printf(x->arena, "%s@%s", e->name, e->variant) : e->name;
    if (!e->variant) file_launches(x, plan, name);
    x->variants = x->variants || e->variant;
    add_total(x, plan, pe, name);
    x->launches.len = 0;
}

Explainer *explain_begin(const Program *p, Arena *arena, KernelListener *listener) {
    Explainer *x = NEW(arena, Explainer);
    x->p = p;
    x->arena = arena;
    x->note_of = NEW_ARRAY(arena, uint32_t *, p->sources ? p->sources->files.len + 1 : 1);
    *listener = (KernelListener){x, explain_launch, explain_repeat, explain_entry};
    return x;
}

/* ---- Text ----------------------------------------------------------------------------------- */

/* 160.8 kB, 1.2 Mflop; whole below 10,000. */
static const char *quantity(char *out, size_t size, double q, const char *unit) {
    if (q < 10000)
        snprintf(out, size, "%.0f %s", q, unit);
    else if (q < 1e6)
        snprintf(out, size, "%.1f k%s", q / 1e3, unit);
    else if (q < 1e9)
        snprintf(out, size, "%.1f M%s", q / 1e6, unit);
    else
        snprintf(out, size, "%.2f G%s", q / 1e9, unit);
    return out;
}

/* A list that goes on in the next line, indented, where it is long. */
static void print_list(Text *out, const char *margin, const char *word, const Strings *list) {
    size_t start = out->len;
    if (!list->len) return;
    text_printf(out, "%s%s", margin, word);
    for (uint32_t i = 0; i < list->len; i++) {
        if (i && out->len - start + strlen(list->at[i]) > LONG_LINE) {
            text_puts(out, "\n");
            start = out->len;
            text_printf(out, "%s     ", margin);
        }
        text_printf(out, " %s%s", list->at[i], i + 1 < list->len ? "," : "");
    }
    text_puts(out, "\n");
}

static void print_uses(Text *out, const KernelNote *k) {
    const char *last = NULL;
    for (uint32_t i = 0; i < k->uses.len; i++) {
        const Use *use = &k->uses.at[i];
        double times = use->times;
        if (last && !strcmp(last, use->entry)) continue;
        for (uint32_t n = i + 1; n < k->uses.len; n++) {
            if (!strcmp(k->uses.at[n].entry, use->entry)) times += k->uses.at[n].times;
        }
        text_printf(out, "%s%s", last ? ", " : "", use->entry);
        if (times != 1) text_printf(out, " x%.0f", times);
        last = use->entry;
    }
}

/* The other lines of its launches, as far as they fit. */
static void print_with(const Explainer *x, Text *out, const KernelNote *k, const Line *here) {
    Arena *scratch = arena_open(x->arena);
    Lines all = k->uses.at[0].lines;
    uint32_t others = 0;
    bool same = true;
    for (uint32_t i = 1; i < k->uses.len; i++) same = same && k->uses.at[i].lines.at == all.at;
    if (!same) all = (Lines){0};
    for (uint32_t i = 0; i < k->uses.len && !same; i++) {
        const Lines *lines = &k->uses.at[i].lines;
        for (uint32_t n = 0; n < lines->len; n++) vec_push(scratch, &all, lines->at[n]);
    }
    if (!same) lines_settle(&all);
    uint32_t most = all.len - (here ? 1 : 0);
    const char *word = most > 1 ? "; with lines " : "; with line ";
    for (uint32_t i = 0; i < all.len && others < MOST_LINES; i++) {
        Line line = all.at[i];
        if (here && !line_compare(&line, here)) continue;
        text_puts(out, word);
        if (!here || line.file != here->file)
            text_one_line(out, x->p->sources->files.at[line.file].name,
                          strlen(x->p->sources->files.at[line.file].name)),
                text_puts(out, ":");
        text_printf(out, "%u", line.number);
        word = ", ";
        others++;
    }
    if (others < most) text_printf(out, " and %u more", most - others);
    text_puts(out, "\n");
    arena_close(scratch);
}

static void print_kernel(const Explainer *x, Text *out, const KernelNote *k, const Line *here) {
    static const char margin[] = "     |           ";
    char flops[32], bytes[32];
    text_printf(out, "     | k%-4u %11s %11s  ", k->id,
                quantity(flops, sizeof flops, k->count.flops, "flop"),
                quantity(bytes, sizeof bytes, k->count.bytes, "B"));
    print_uses(out, k);
    print_with(x, out, k, here);
    print_list(out, margin, "makes", &k->makes);
    print_list(out, margin, "keeps", &k->keeps);
    for (uint32_t i = 0; i < k->flows.len; i++) {
        const Flow *f = &k->flows.at[i];
        text_printf(out, "%s%s ->", margin, f->value);
        for (uint32_t n = 0; n < f->kernels.len; n++)
            text_printf(out, "%s k%u", n ? "," : "", f->kernels.at[n]);
        text_printf(out, ": %s\n", f->reason);
    }
}

static void print_totals(const Explainer *x, Text *out) {
    int width = 5;
    char flops[32], bytes[32], arena[32];
    for (uint32_t i = 0; i < x->totals.len; i++) {
        int len = (int)strlen(x->totals.at[i].entry);
        if (len > width) width = len;
    }
    text_printf(out,
                "\n%-*s  launches  kernels  bytes a run  of bound  operations a run      "
                "arena  of bound\n",
                width, "entry");
    for (uint32_t i = 0; i < x->totals.len; i++) {
        const Total *t = &x->totals.at[i];
        char ratio[2][32] = {"-", "-"};
        if (t->bound > 0) snprintf(ratio[0], sizeof ratio[0], "%.2f", t->bytes / t->bound);
        if (t->live > 0)
            snprintf(ratio[1], sizeof ratio[1], "%.2f", (double)t->arena / (double)t->live);
        text_printf(out, "%-*s  %8.0f  %7u  %11s  %8s  %16s  %9s  %8s\n", width, t->entry,
                    t->launches, t->kernels, quantity(bytes, sizeof bytes, t->bytes, "B"), ratio[0],
                    quantity(flops, sizeof flops, t->flops, "flop"),
                    quantity(arena, sizeof arena, (double)t->arena, "B"), ratio[1]);
    }
}

static int note_compare(const void *a, const void *b) {
    return line_compare(&((const LineNote *)a)->line, &((const LineNote *)b)->line);
}

void explain_print(Explainer *x, const Plan *plan, Text *out) {
    text_puts(out, "Kernels of ");
    text_one_line(out, x->p->path, strlen(x->p->path));
    text_printf(out, ", target %s\n", plan->target->name);
    if (x->lines.len) qsort(x->lines.at, x->lines.len, sizeof(LineNote), note_compare);
    for (uint32_t i = 0; i < x->lines.len; i++) {
        const LineNote *l = &x->lines.at[i];
        size_t len;
        const char *text = line_text(x->p->sources, l->line, &len);
        const char *file = x->p->sources->files.at[l->line.file].name;
        if (strcmp(file, x->p->path) != 0 && (!i || x->lines.at[i - 1].line.file != l->line.file)) {
            text_puts(out, "\n");
            text_one_line(out, file, strlen(file));
            text_puts(out, "\n");
        }
        text_printf(out, "\n%4u | ", l->line.number);
        text_one_line(out, text, len);
        text_puts(out, "\n");
        for (uint32_t k = 0; k < l->kernels.len; k++)
            print_kernel(x, out, &l->kernels.at[k], &l->line);
    }
    if (x->no_line.len) text_puts(out, "\n     | what stands on no line of the program\n");
    for (uint32_t k = 0; k < x->no_line.len; k++) print_kernel(x, out, &x->no_line.at[k], NULL);
    print_totals(x, out);
    text_puts(
        out,
        "\nUnder each line stand the kernels that compute it, with the operations and bytes of a "
        "launch, and who\nlaunches them (x25: so often a run). What a kernel makes is written to "
        "memory; what it keeps stays with\nthe core that computes it. `h -> k2`: k2 reads h, and "
        "is "
        "another kernel for the reason that follows.\n");
    if (x->variants) text_puts(out, "The variants for one row (@1) are not under the lines.\n");
}

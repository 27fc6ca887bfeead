/* emit: the program's text: the plan, then the helpers that the kernels call, then the kernels, one for
 * each family of equal ones. The format is docs/program-format.md. */
#include "codegen.h"

#include "embedded.h"
#include "explain.h"
#include "family.h"
#include "graph_dot.h"
#include "launch.h"
#include "origin.h"
#include "together.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <xxhash.h>

typedef struct Emitter {
    const Program *p;
    Arena *arena;
    const Plan *plan;
    Text entries;            /* their part of the plan */
    Steps steps;             /* its lines, */
    Togethers togethers;     /* and which of them are done together */
    Families kernels;        /* the kernels, as many as there are families */
    KernelListener listener; /* nobody: context NULL */
    TileUses *tiles;         /* NULL: nobody asks */
    uint32_t entry_count;    /* with the one that is being written, */
    uint32_t launches;       /* so many of its launches so far */
    int opt_level;
} Emitter;

/* ---- Comments ------------------------------------------------------------------------------ */

/* The lines of the user's files that a launch computes, the program's own first. */
static void launch_lines(Emitter *em, const Launch *l, Lines *lines) {
    for (uint32_t i = 0; i < l->sections.len; i++) {
        const Cluster *c = l->sections.at[i].cluster;
        for (uint32_t m = 0; m < c->members.len; m++) {
            Line line;
            if (line_of(em->p->sources, node_at(l->g, c->members.at[m]), &line))
                vec_push(em->arena, lines, line);
        }
    }
    lines_settle(lines);
}

static void head_comment(Emitter *em, const Launch *l, Text *out) {
    Lines lines = {0};
    launch_lines(em, l, &lines);
    for (uint32_t i = 0; i < lines.len && i < 12; i++) {
        const Source *s = &em->p->sources->files.at[lines.at[i].file];
        size_t len;
        const char *text = line_text(em->p->sources, lines.at[i], &len);
        if (strcmp(s->name, em->p->path) != 0 && (!i || lines.at[i - 1].file != lines.at[i].file)) {
            text_puts(out, "// ");
            text_one_line(out, s->name, strlen(s->name));
            text_puts(out, "\n");
        }
        text_printf(out, "// %4u  ", lines.at[i].number);
        text_one_line(out, text, len);
        text_puts(out, "\n");
    }
    if (lines.len > 12) text_printf(out, "//       and %u more lines\n", lines.len - 12);
    for (uint32_t i = 0; i < l->sections.len; i++) {
        const char *writes = section_writes(&em->plan->memory, &l->sections.at[i], em->arena);
        text_puts(out, i ? "//       " : "// makes ");
        text_one_line(out, writes, strlen(writes));
        text_puts(out, "\n");
    }
}

/* ---- Kernels ------------------------------------------------------------------------------- */

/* The launch's kernel, as a member of its family. The text of a family is that of the last member that
 * had to be told from those before. */
static Member add_kernel(Emitter *em, const Launch *l) {
    Families *fs = &em->kernels;
    bool changed;
    Member m = family_join(fs, l->kernel, &changed);
    if (!changed) return m;
    Family *f = &fs->list.at[m.family];
    Arena *scratch = arena_open(em->arena);
    Text text;
    text_init(&text, scratch);
    text_printf(&text, "\n// k%u\n", m.family);
    head_comment(em, l, &text);
    const size_t head = text.len;
    const bool meets = em->plan->target->meets && !l->kernel->runs;
    for (int part = 0; part <= (meets ? 1 : 0); part++) {
        text.len = head;
        kernel_print(l->kernel, arena_printf(scratch, "k%u", m.family), family_slots(f, scratch),
                     f->params, part, &text);
        *(part ? &f->part : &f->text) = arena_strndup(em->arena, text.at, text.len);
    }
    f->local_count = l->kernel->locals.len;
    f->locals = NEW_ARRAY(em->arena, KLocal, f->local_count + 1);
    for (uint32_t i = 0; i < f->local_count; i++) f->locals[i] = l->kernel->locals.at[i];
    arena_close(scratch);
    return m;
}

/* ---- Helpers of kernels/ --------------------------------------------------------------------- */

static bool of_name(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* The names that stand before a bracket in a text. */
static void find_calls(Names *called, const char *text, size_t len) {
    for (size_t i = 0; i < len;) {
        size_t from = i;
        while (i < len && of_name(text[i])) i++;
        if (i > from && i < len && text[i] == '(') names_add(called, text + from, i - from);
        if (i == from) i++;
    }
}

/* The blocks of the embedded files that the text needs, in their order; see kernels/vector.cl. A block
 * may call those above it, so files are searched from the end. */
static void add_helpers(Emitter *em, const char *kernels, Text *out) {
    VEC(const char *) blocks = {0};
    VEC(size_t) lengths = {0};
    Names called;
    names_init(&called, em->arena);
    find_calls(&called, kernels, strlen(kernels));
    for (size_t f = dlg_embedded_count; f-- > 0;) {
        VEC(const char *) starts = {0};
        const char *end = dlg_embedded[f].text + dlg_embedded[f].len;
        for (const char *s = strstr(dlg_embedded[f].text, "\n//: "); s; s = strstr(s + 1, "\n//: "))
            vec_push(em->arena, &starts, s + 1);
        for (uint32_t b = starts.len; b-- > 0;) {
            const char *s = starts.at[b], *stop = b + 1 < starts.len ? starts.at[b + 1] : end;
            const char *name = s + 4, *body = strchr(s, '\n') + 1;
            if (!names_has(&called, name, strcspn(name, " \n"))) continue;
            find_calls(&called, body, (size_t)(stop - body));
            vec_push(em->arena, &blocks, body);
            vec_push(em->arena, &lengths, (size_t)(stop - body));
        }
    }
    for (uint32_t i = blocks.len; i-- > 0;) {
        text_add(out, blocks.at[i], lengths.at[i]);
        if (blocks.at[i][lengths.at[i] - 1] != '\n') text_puts(out, "\n");
    }
}

/* ---- The plan ------------------------------------------------------------------------------ */

/* The plan is UTF-8; of names of files, which need not be, a byte that is not becomes `?`. */
static void plan_string(Text *out, const char *s) {
    const char *end = s + strlen(s);
    int32_t code;
    text_puts(out, "\"");
    for (uint32_t n; s < end; s += n) {
        n = utf8_char(s, end, &code);
        if (*s == '\n') {
            text_puts(out, "\\n");
        } else {
            if (*s == '"' || *s == '\\') text_puts(out, "\\");
            text_add(out, code < 0 ? "?" : s, n);
        }
    }
    text_puts(out, "\"");
}

/* A number as the type holds it: of a float type as the shortest f32, of the others exact. */
static void plan_number(Text *out, DType dtype, double value) {
    text_puts(out, " ");
    if (dtype_is_float(dtype))
        text_f32(out, (float)value);
    else
        text_printf(out, "%.0f", value);
}

static void plan_init(Text *out, const Variable *v) {
    static const char *const name[] = {"constant", "uniform", "normal", "literal"};
    text_printf(out, " init %s", name[v->init]);
    if (v->init == INIT_LITERAL) {
        for (int64_t i = 0; i < shape_elems(&v->shape); i++) {
            plan_number(out, v->dtype, v->values[i]);
        }
        return;
    }
    plan_number(out, v->dtype, v->a);
    if (v->init != INIT_CONSTANT) plan_number(out, v->dtype, v->b);
}

static void plan_buffer(Emitter *em, Text *out, uint32_t id) {
    const Buffer *b = &em->plan->memory.buffers.at[id];
    const DType dtype = b->dtype == DT_TF32 ? DT_F32 : b->dtype; /* as it lies in memory */
    text_printf(out, "//! buffer %u %s %s ", id, b->name, dtype_name(dtype));
    text_shape(out, &b->shape);
    if (b->kind == BUFFER_ARENA) text_printf(out, " arena %lld", (long long)b->offset);
    if (b->kind == BUFFER_OUTPUT) text_puts(out, " output");
    if (b->kind == BUFFER_VAR) {
        const Variable *v = &em->p->vars.at[b->var];
        text_puts(out, v->kind == VAR_INPUT   ? " input"
                       : v->kind == VAR_PARAM ? " param"
                                              : " state");
        if (v->kind != VAR_INPUT)
            plan_init(out, v);
        else if (v->source.path) {
            const DataSource *s = &v->source;
            text_puts(out, " source ");
            plan_string(out, s->path);
            text_selection(out, s);
            text_printf(out, " axis %d", s->axis);
        }
    }
    text_puts(out, "\n");
}

/* The launch as a line that is about to be written. */
static Step *add_step(Emitter *em, const Launch *l) {
    const Kernel *k = l->kernel;
    const Target *t = em->plan->target;
    StepUse *uses = NEW_ARRAY(em->arena, StepUse, k->buffers.len + 1);
    uint32_t *depths = NEW_ARRAY(em->arena, uint32_t, l->iterations.len + 1);
    Step s = {.kind = STEP_LAUNCH, .line = em->entries.len, .groups = k->groups, .uses = uses};
    for (uint32_t i = 0; i < k->buffers.len; i++) {
        const KBuffer *b = &k->buffers.at[i];
        if (!b->values) uses[s.use_count++] = (StepUse){b->tag, b->written};
    }
    for (uint32_t i = 0; i < l->iterations.len; i++) depths[s.depth_count++] = l->iterations.at[i];
    s.depths = depths;
    s.ns = l->count.bytes / t->bytes_per_ns;
    if (s.ns < l->count.flops / t->ops_per_ns) s.ns = l->count.flops / t->ops_per_ns;
    if (k->runs) s.ns = HUGE_VAL; /* it stays by itself */
    s.member = add_kernel(em, l);
    vec_push(em->arena, &em->steps, s);
    return &em->steps.at[em->steps.len - 1];
}

static void note_tiles(Emitter *em, const Launch *l) {
    for (uint32_t i = 0; i < l->sections.len && em->tiles; i++) {
        const TileTaken *t = &l->sections.at[i].tile;
        if (!t->contraction) continue;
        TileUse use = {
            .entry = em->entry_count - 1, .launch = em->launches, .candidates = t->candidates};
        snprintf(use.contraction, sizeof use.contraction, "%s", t->contraction);
        snprintf(use.tile, sizeof use.tile, "%s", t->tile);
        vec_push(em->arena, em->tiles, use);
    }
    em->launches++;
}

static void plan_launch(void *context, const Plan *plan, const PlannedEntry *pe, const Launch *l) {
    Emitter *em = context;
    Text *out = &em->entries;
    (void)pe;
    const Kernel *k = l->kernel;
    em->plan = plan;
    note_tiles(em, l);
    Step *step = add_step(em, l);
    if (em->listener.context)
        em->listener.launch(em->listener.context, plan, l, step->member.family);
    text_printf(out, "//! launch k%u global %" PRIu64 " local %u args", step->member.family,
                (uint64_t)k->groups * k->local_size, k->local_size);
    for (uint32_t i = 0; i < step->use_count; i++) text_printf(out, " %u", step->uses[i].buffer);
    for (uint32_t i = 0; i < l->iterations.len; i++) text_printf(out, " @%u", l->iterations.at[i]);
    if (k->runs) text_puts(out, " *");
    for (uint32_t i = 0, arg = 0; i < k->buffers.len && k->runs; i++) {
        if (k->buffers.at[i].each_run) text_printf(out, " +%u", arg);
        arg += !k->buffers.at[i].values;
    }
    step->args = out->len;
    text_printf(out, " flops %.0f bytes %.0f", l->count.flops, l->count.bytes);
    Lines lines = {0};
    launch_lines(em, l, &lines);
    if (lines.len) {
        text_puts(out, " at ");
        plan_string(out, em->p->sources->files.at[lines.at[0].file].name);
        text_printf(out, ":%u", lines.at[0].number);
    }
    text_puts(out, "\n");
}

static bool plan_loop(void *context, const Plan *plan, const PlannedEntry *pe, int32_t trips,
                      int32_t turn) {
    Emitter *em = context;
    (void)plan, (void)pe;
    Step s = {
        .kind = turn == 0 ? STEP_REPEAT : STEP_END_REPEAT, .line = em->entries.len, .trips = trips};
    vec_push(em->arena, &em->steps, s);
    if (turn == 0)
        text_printf(&em->entries, "//! repeat %d\n", trips);
    else
        text_puts(&em->entries, "//! end-repeat\n");
    if (em->listener.context) em->listener.repeat(em->listener.context, turn == 0 ? trips : 0);
    return turn == 0;
}

/* An item of a list; in quotes where it would read as the next list's keyword. */
static void plan_item(Text *out, const char *word, const char *name) {
    bool keyword = !strcmp(name, "updates") || !strcmp(name, "returns");
    text_printf(out, keyword ? "%s\"%s\"" : "%s%s", word, name);
}

static void plan_entry(void *context, const Plan *plan, const PlannedEntry *pe, bool done) {
    Emitter *em = context;
    Text *out = &em->entries;
    const Entry *e = pe->entry;
    const Memory *m = &plan->memory;
    bool *reads = NEW_ARRAY(em->arena, bool, em->p->vars.len + 1);
    if (em->listener.context) em->listener.entry(em->listener.context, plan, pe, done);
    if (done) return;
    for (NodeId id = 0; id < e->graph.nodes.len; id++) {
        const Node *n = node_at(&e->graph, id);
        if (n->op == OP_VAR) reads[n->attr[0]] = true;
    }
    const char *name = arena_printf(em->arena, "%s%s%s", e->name, e->variant ? "@" : "",
                                    e->variant ? e->variant : "");
    Step s = {.kind = STEP_ENTRY, .line = out->len, .entry = name};
    vec_push(em->arena, &em->steps, s);
    em->entry_count++;
    em->launches = 0;
    text_printf(out, "//! entry %s", name);
    if (pe->bound_bytes >= 0) text_printf(out, " bound %.0f", pe->bound_bytes);
    text_printf(out, " live %lld", (long long)pe->live_bytes);
    const char *word = " reads ";
    for (uint32_t v = 0; v < em->p->vars.len; v++) {
        if (em->p->vars.at[v].kind != VAR_INPUT || !reads[v]) continue;
        plan_item(out, word, m->buffers.at[v].name);
        word = " ";
    }
    word = " updates ";
    bool trains = false, step_named = false;
    for (uint32_t i = 0; i < e->updates.len; i++) {
        uint32_t v = e->updates.at[i].var;
        plan_item(out, word, m->buffers.at[v].name);
        word = " ";
        trains = trains || em->p->vars.at[v].kind == VAR_PARAM;
        step_named = step_named || !strcmp(em->p->vars.at[v].name, "step");
    }
    if (trains && !step_named) text_printf(out, "%sstep", word);
    word = " returns ";
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        plan_item(out, word, m->buffers.at[pe->outputs[i].buffer].name);
        word = " ";
    }
    text_puts(out, "\n");
}

static void together_line(const Emitter *em, uint32_t number, Text *out) {
    const Together *t = &em->togethers.at[number];
    uint32_t local = em->plan->target->local_size;
    text_printf(out, "//! together together%u global %" PRIu64 " local %u args", t->kernel,
                (uint64_t)t->groups * local, local);
    for (uint32_t i = 0; i < t->buffer_count; i++) text_printf(out, " %u", t->buffers[i]);
    text_puts(out, t->free ? " free\n" : "\n");
}

/* The entries with what is known at the end: the offsets that launches pass, and which launches are done together. */
static void write_entries(const Emitter *em, Text *out) {
    size_t from = 0;
    uint32_t next = 0; /* of togethers */
    for (uint32_t i = 0; i <= em->steps.len; i++) {
        const Step *s = i < em->steps.len ? &em->steps.at[i] : NULL;
        size_t line = s ? s->line : em->entries.len;
        text_add(out, em->entries.at + from, line - from);
        from = line;
        if (next < em->togethers.len && em->togethers.at[next].end == i) {
            text_puts(out, "//! end-together\n");
            next++;
        }
        if (next < em->togethers.len && em->togethers.at[next].first == i)
            together_line(em, next, out);
        if (!s || s->kind != STEP_LAUNCH) continue;
        text_add(out, em->entries.at + from, s->args - from);
        from = s->args;
        for (uint32_t p = 0; p < em->kernels.list.at[s->member.family].params; p++)
            text_printf(out, " =%d", family_argument(&em->kernels, s->member, p));
    }
}

/* What graph_hash is of beside the graphs, and where they have them from: to say what two programs differ in. */
static void write_origin(const Emitter *em, Text *out) {
    enum { MOST_NUMBERS = 256 };
    const Program *p = em->p;
    const Target *t = em->plan->target;
    text_printf(out, "//! graph %016llx precision %s opt %d\n",
                (unsigned long long)graph_hash(p, t, em->opt_level), precision_name(t->precision),
                em->opt_level ? em->opt_level - 1 : 2);
    if (!p->sources || p->numbers.len == 0 || p->numbers.len > MOST_NUMBERS) return;
    text_puts(out, "//! numbers");
    for (uint32_t i = 0; i < p->numbers.len; i++) {
        uint32_t line, column;
        source_place(p->sources, p->numbers.at[i].span, &line, &column);
        text_printf(out, " %u:", line);
        text_f64(out, p->numbers.at[i].value);
    }
    text_puts(out, "\n");
}

static void write_plan(Emitter *em, Text *out) {
    const Program *p = em->p;
    const Plan *plan = em->plan;
    size_t start = out->len;
    text_puts(out, "//! dlg 1\n");
    text_printf(out, "//! model %s target %s from ", p->model, plan->target->name);
    plan_string(out, p->path);
    text_puts(out, plan->target->meets && plan->target->local_size == 1 ? " pair\n" : "\n");
    write_origin(em, out);
    for (uint32_t i = 0; i < p->consts.len; i++) {
        text_printf(out, "//! const %s ", p->consts.at[i].name);
        text_f64(out, p->consts.at[i].value);
        text_puts(out, "\n");
    }
    for (uint32_t i = 0; i < em->kernels.list.len; i++) {
        const Family *f = &em->kernels.list.at[i];
        bool has = false;
        for (uint32_t l = 0; l < f->local_count && plan->target->local_size > 1; l++)
            has = has || local_is_large(&f->locals[l]);
        if (!has) continue;
        text_puts(out, "//! ptx sm_90a\n");
        break;
    }
    text_printf(out, "//! arena %lld align %u\n", (long long)plan->memory.arena_bytes,
                plan->target->align_bytes);
    for (uint32_t i = 0; i < plan->memory.buffers.len; i++) plan_buffer(em, out, i);
    write_entries(em, out);
    uint32_t kernels = em->kernels.list.len;
    for (uint32_t i = 0; i < em->togethers.len; i++) kernels += em->togethers.at[i].kernel == i;
    uint64_t sum = XXH64(out->at + start, out->len - start, 0);
    text_printf(out, "//! kernels %u checksum %016llx\n", kernels, (unsigned long long)sum);
}

static void write_kernels(Emitter *em, Text *out) {
    bool *parts = NEW_ARRAY(em->arena, bool, em->kernels.list.len + 1);
    for (uint32_t t = 0; t < em->togethers.len; t++) {
        const Together *at = &em->togethers.at[t];
        for (uint32_t i = at->first; i < at->end; i++)
            if (em->steps.at[i].kind == STEP_LAUNCH) parts[em->steps.at[i].member.family] = true;
    }
    for (uint32_t i = 0; i < em->kernels.list.len; i++) {
        const Family *f = &em->kernels.list.at[i];
        text_puts(out, parts[i] ? f->part : f->text);
    }
    for (uint32_t t = 0; t < em->togethers.len; t++)
        if (em->togethers.at[t].kernel == t)
            together_print(&em->togethers.at[t], arena_printf(em->arena, "together%u", t),
                           &em->steps, &em->kernels, &em->plan->memory, out);
}

NodeId emit_program(const Program *p, const CompileOptions *options, Arena *arena, Text *out,
                    Over *over, TileUses *tiles) {
    Emitter em = {.p = p,
                  .arena = arena,
                  .kernels = {.arena = arena},
                  .tiles = tiles,
                  .opt_level = options->opt_level};
    Text kernels;
    text_init(&kernels, arena);
    text_init(&em.entries, arena);
    Explainer *explainer = NULL;
    Drawing *drawing = NULL;
    if (options->emit == EMIT_EXPLAIN) explainer = explain_begin(p, arena, &em.listener);
    if (options->emit == EMIT_DOT) drawing = dot_begin(p, arena, out, &em.listener);
    Plan plan;
    PlanVisitor visitor = {&em, plan_entry, plan_launch, plan_loop};
    plan_program(p, options, arena, &visitor, &plan);
    em.plan = &plan;
    if (over) *over = plan.over;
    if (plan.over.entry) return plan.lost;
    if (explainer && plan.lost == NO_NODE) explain_print(explainer, &plan, out);
    if (drawing) dot_end(drawing);
    if (explainer || drawing) return plan.lost;
    if (options->opt_level == 0 && options->emit != EMIT_C) /* C does one launch after the other */
        together_find(&em.steps, &em.kernels, &plan.memory, arena, &em.togethers);
    write_plan(&em, out);
    if (options->emit == EMIT_PLAN) return plan.lost;
    text_puts(out, "\n");
    write_kernels(&em, &kernels);
    if (kernels.len) {
        /* What is computed again must be the same bits wherever it is: a maximum is found by comparing. */
        text_puts(out, "#pragma OPENCL FP_CONTRACT OFF\n");
        add_helpers(&em, kernels.at, out);
        text_add(out, kernels.at, kernels.len);
    }
    text_puts(out, "//! end\n");
    return plan.lost;
}

/* emit: the program's text: the plan, then the helpers that the kernels call, then the kernels.
 *
 * For each entry: layout, fuse, memory, then a kernel a launch. Kernels that are equal are emitted once.
 * The format is docs/program-format.md. */
#include "codegen.h"

#include "embedded.h"
#include "fuse.h"
#include "memory.h"
#include "schedule.h"

#include <ctype.h>
#include <xxhash.h>

typedef struct Launch {
    uint32_t kernel;
    uint32_t global, local;
    VEC(uint32_t) args; /* buffers */
    double flops, bytes;
    Span span;
} Launch;

typedef struct PlannedEntry {
    const Entry *entry;
    VEC(Launch) launches;
    uint32_t *outputs;
} PlannedEntry;

typedef struct Emitter {
    const Program *p;
    Arena *arena;
    const Target *target;
    Memory memory;
    VEC(PlannedEntry) entries;
    VEC(const char *) bodies; /* of each kernel: its text under the name "kernel", for comparing */
    Text kernels;
    NodeId lost;
} Emitter;

/* ---- Comments ------------------------------------------------------------------------------ */

/* A source line as a comment: nothing in it can end the comment or swallow a line. */
static void comment_text(Text *out, const char *s, size_t n) {
    for (size_t i = 0; i < n && i < 90; i++) {
        unsigned char c = (unsigned char)s[i];
        char safe = c == '\\' ? '/' : c < 32 || c == 127 ? ' ' : (char)c;
        if (c == '?' && i && s[i - 1] == '?') text_puts(out, " ");
        text_add(out, &safe, 1);
    }
    if (n > 90) text_puts(out, " ...");
}

static int by_line(uint32_t a, uint32_t b) {
    return a < b ? -1 : a > b;
}

/* The lines of the user's file that a launch computes, with their text. */
static void comment_sources(Emitter *em, const Fused *f, uint32_t launch, Text *out, Span *first) {
    Sources *src = em->p->sources;
    VEC(uint32_t) lines = {0};
    uint32_t file = 0;
    for (uint32_t c = 0; c < f->clusters.len; c++) {
        const Cluster *cl = f->clusters.at[c];
        for (uint32_t m = 0; m < cl->members.len && cl->launch == launch; m++) {
            Span span = node_at(f->g, cl->members.at[m])->span;
            uint32_t line = 0, column;
            if (!src || span.file >= src->files.len) continue;
            source_place(src, span, &line, &column);
            if (!strcmp(src->files.at[span.file].name, "prelude.dlg")) continue;
            file = span.file;
            if (!first->end || span.begin < first->begin) *first = span;
            uint32_t at = 0;
            while (at < lines.len && by_line(lines.at[at], line) < 0) at++;
            if (at < lines.len && lines.at[at] == line) continue;
            vec_push(em->arena, &lines, line);
            for (uint32_t k = lines.len - 1; k > at; k--) lines.at[k] = lines.at[k - 1];
            lines.at[at] = line;
        }
    }
    for (uint32_t i = 0; i < lines.len && i < 12; i++) {
        const Source *s = &src->files.at[file];
        const char *text = s->text + s->line_start[lines.at[i] - 1];
        text_printf(out, "// %4u  ", lines.at[i]);
        comment_text(out, text, strcspn(text, "\r\n"));
        text_puts(out, "\n");
    }
    if (lines.len > 12) text_printf(out, "//       and %u more lines\n", lines.len - 12);
}

static void comment_values(Emitter *em, const Section *s, Text *out) {
    for (uint32_t i = 0; i < s->stores.len; i++) {
        const Buffer *b = &em->memory.buffers.at[s->stores.at[i].buffer];
        text_puts(out, i ? ", " : "");
        comment_text(out, b->name, strlen(b->name));
        text_puts(out, "[");
        text_shape(out, &b->shape);
        text_puts(out, "]");
    }
}

/* ---- Kernels ------------------------------------------------------------------------------- */

static uint32_t add_kernel(Emitter *em, const Kernel *k, const char *comment) {
    Text body;
    text_init(&body, em->arena);
    kernel_print(k, "kernel", NULL, &body);
    for (uint32_t i = 0; i < em->bodies.len; i++) {
        if (!strcmp(em->bodies.at[i], body.at)) return i;
    }
    uint32_t id = em->bodies.len;
    vec_push(em->arena, &em->bodies, body.at);
    text_printf(&em->kernels, "\n// k%u\n", id);
    kernel_print(k, arena_printf(em->arena, "k%u", id), comment, &em->kernels);
    return id;
}

static void emit_launch(Emitter *em, const Fused *f, uint32_t launch, const Place *places,
                        Stores *stores, Launch *out) {
    Arena *a = em->arena;
    VEC(Section) sections = {0};
    bool **inside = NEW_ARRAY(a, bool *, f->clusters.len + 1);
    uint32_t groups = 0;
    Text comment;
    text_init(&comment, a);
    for (uint32_t c = 0; c < f->clusters.len; c++) {
        const Cluster *cl = f->clusters.at[c];
        if (cl->launch != launch) continue;
        Section s = {.cluster = cl,
                     .g = f->g,
                     .target = em->target,
                     .stores = {stores[c].at, stores[c].len, stores[c].cap}};
        bool *in = inside[sections.len] = NEW_ARRAY(a, bool, f->g->nodes.len + 1);
        for (uint32_t m = 0; m < cl->members.len; m++) in[cl->members.at[m]] = true;
        section_plan(&s, a, places, in);
        s.first_group = groups;
        groups += s.groups;
        vec_push(a, &sections, s);
    }
    Kernel k;
    kernel_init(&k, a, groups, em->target->local_size);
    comment_sources(em, f, launch, &comment, &out->span);
    for (uint32_t i = 0; i < sections.len; i++) {
        const Section *s = &sections.at[i];
        Text values;
        text_init(&values, a);
        comment_values(em, s, &values);
        if (sections.len > 1) {
            Range *r = NEW(a, Range);
            *r = (Range){k.group, s->first_group, s->first_group + s->groups};
            kernel_comment(&k, values.at);
            kernel_if(&k, (Ranges){1, r});
        }
        NodeId lost = section_emit(s, &k, places, inside[i]);
        if (lost != NO_NODE) em->lost = lost;
        if (sections.len > 1) kernel_end(&k);
        text_printf(&comment, "// %s %s\n", i ? "      " : "makes ", values.at);
    }
    kernel_finish(&k);
    KCount count = kernel_count(&k);
    out->flops = count.flops;
    out->bytes = count.bytes;
    out->global = groups * em->target->local_size;
    out->local = em->target->local_size;
    for (uint32_t i = 0; i < k.buffers.len; i++) {
        if (!k.buffers.at[i].values) vec_push(a, &out->args, k.buffers.at[i].tag);
    }
    out->kernel = add_kernel(em, &k, comment.at);
}

static void emit_entry(Emitter *em, const Entry *entry, bool apart) {
    Arena *a = em->arena;
    const Program *p = em->p;
    FuseOptions options = {em->target, apart};
    bool *double_buffered = NEW_ARRAY(a, bool, p->vars.len + 1);
    Entry *e = NEW(a, Entry);
    Fused f;
    for (uint32_t var = 0; var != NO_CLUSTER;) {
        *e = *entry; /* the layout is this target's: the program keeps its graph */
        e->outputs.at = memcpy(NEW_ARRAY(a, Output, entry->outputs.len + 1), entry->outputs.at,
                               entry->outputs.len * sizeof(Output));
        if (entry->updates.len)
            e->updates.at = memcpy(NEW_ARRAY(a, Update, entry->updates.len), entry->updates.at,
                                   entry->updates.len * sizeof(Update));
        layout_entry(e, a, &options, double_buffered);
        var = fuse_entry(e, a, &options, p->vars.len, &f);
        if (var != NO_CLUSTER) double_buffered[var] = true;
    }
    Place *places = NEW_ARRAY(a, Place, f.g->nodes.len + 1);
    Stores *stores = NEW_ARRAY(a, Stores, f.clusters.len + 1);
    PlannedEntry pe = {.entry = e, .outputs = NEW_ARRAY(a, uint32_t, e->outputs.len + 1)};
    memory_plan(&em->memory, &f, places, stores, pe.outputs);
    for (uint32_t l = 0; l < f.launches; l++) {
        Launch launch = {0};
        emit_launch(em, &f, l, places, stores, &launch);
        vec_push(a, &pe.launches, launch);
    }
    vec_push(a, &em->entries, pe);
}

/* ---- Helpers of kernels/ --------------------------------------------------------------------- */

/* Whether `name` is called in `text`. */
static bool calls(const char *text, const char *name, size_t len) {
    for (const char *s = text; (s = strstr(s, name)) != NULL; s += len) {
        bool starts = s == text || !(isalnum((unsigned char)s[-1]) || s[-1] == '_');
        if (starts && s[len] == '(') return true;
    }
    return false;
}

/* The blocks of the embedded files that the text needs, in their order; see kernels/vector.cl. A block
 * may call those above it, so files are searched from the end. */
static void add_helpers(Emitter *em, Text *out) {
    Text needed = em->kernels;
    VEC(const char *) blocks = {0};
    VEC(size_t) lengths = {0};
    for (size_t f = dlg_embedded_count; f-- > 0;) {
        VEC(const char *) starts = {0};
        const char *end = dlg_embedded[f].text + dlg_embedded[f].len;
        for (const char *s = strstr(dlg_embedded[f].text, "\n//: "); s; s = strstr(s + 1, "\n//: "))
            vec_push(em->arena, &starts, s + 1);
        for (uint32_t b = starts.len; b-- > 0;) {
            const char *s = starts.at[b], *stop = b + 1 < starts.len ? starts.at[b + 1] : end;
            const char *name = s + 4, *body = strchr(s, '\n') + 1;
            char copy[64] = "";
            size_t len = strcspn(name, " \n");
            if (len >= sizeof(copy)) continue;
            memcpy(copy, name, len);
            bool used = calls(needed.at, copy, len);
            for (uint32_t i = 0; i < blocks.len && !used; i++) {
                used = calls(arena_strndup(em->arena, blocks.at[i], lengths.at[i]), copy, len);
            }
            if (!used) continue;
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

static void plan_string(Text *out, const char *s) {
    text_puts(out, "\"");
    for (; *s; s++) {
        if (*s == '\n')
            text_puts(out, "\\n");
        else {
            if (*s == '"' || *s == '\\') text_puts(out, "\\");
            text_add(out, s, 1);
        }
    }
    text_puts(out, "\"");
}

static void plan_init(Text *out, const Variable *v) {
    static const char *const name[] = {"constant", "uniform", "normal", "literal"};
    text_printf(out, " init %s", name[v->init]);
    if (v->init == INIT_LITERAL) {
        for (int64_t i = 0; i < shape_elems(&v->shape); i++) {
            text_puts(out, " ");
            text_f32(out, (float)v->values[i]);
        }
        return;
    }
    text_puts(out, " ");
    text_f32(out, (float)v->a);
    if (v->init == INIT_CONSTANT) return;
    text_puts(out, " ");
    text_f32(out, (float)v->b);
}

static void plan_buffer(Emitter *em, Text *out, uint32_t id) {
    const Buffer *b = &em->memory.buffers.at[id];
    text_printf(out, "//! buffer %u %s %s ", id, b->name, dtype_name(b->dtype));
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
            if (s->what && !strcmp(s->what, "columns")) {
                if (s->single)
                    text_printf(out, " columns %d", s->begin);
                else
                    text_printf(out, " columns %d:%d", s->begin, s->end);
            } else if (s->what && s->what[0]) {
                text_printf(out, " %s", s->what);
            }
            text_printf(out, " axis %d", s->axis);
        }
    }
    text_puts(out, "\n");
}

static void plan_entry(Emitter *em, Text *out, const PlannedEntry *pe) {
    const Entry *e = pe->entry;
    bool *reads = NEW_ARRAY(em->arena, bool, em->p->vars.len + 1);
    text_printf(out, "//! entry %s%s%s", e->name, e->variant ? "@" : "",
                e->variant ? e->variant : "");
    for (uint32_t l = 0; l < pe->launches.len; l++) {
        for (uint32_t i = 0; i < pe->launches.at[l].args.len; i++) {
            uint32_t b = pe->launches.at[l].args.at[i];
            if (b < em->p->vars.len && em->p->vars.at[b].kind == VAR_INPUT) reads[b] = true;
        }
    }
    const char *word = " reads ";
    for (uint32_t v = 0; v < em->p->vars.len; v++) {
        if (!reads[v]) continue;
        text_printf(out, "%s%s", word, em->memory.buffers.at[v].name);
        word = " ";
    }
    word = " updates ";
    bool steps = false, step_named = false;
    for (uint32_t i = 0; i < e->updates.len; i++) {
        uint32_t v = e->updates.at[i].var;
        text_printf(out, "%s%s", word, em->memory.buffers.at[v].name);
        word = " ";
        steps = steps || em->p->vars.at[v].kind == VAR_PARAM;
        step_named = step_named || !strcmp(em->p->vars.at[v].name, "step");
    }
    if (steps && !step_named) text_printf(out, "%sstep", word);
    word = " returns ";
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        text_printf(out, "%s%s", word, em->memory.buffers.at[pe->outputs[i]].name);
        word = " ";
    }
    text_puts(out, "\n");
    for (uint32_t l = 0; l < pe->launches.len; l++) {
        const Launch *la = &pe->launches.at[l];
        text_printf(out, "//! launch k%u global %u local %u args", la->kernel, la->global,
                    la->local);
        for (uint32_t i = 0; i < la->args.len; i++) text_printf(out, " %u", la->args.at[i]);
        text_printf(out, " flops %.0f bytes %.0f", la->flops, la->bytes);
        if (la->span.end && em->p->sources) {
            uint32_t line, column;
            source_place(em->p->sources, la->span, &line, &column);
            text_puts(out, " at ");
            plan_string(out, em->p->sources->files.at[la->span.file].name);
            text_printf(out, ":%u", line);
        }
        text_puts(out, "\n");
    }
}

static void emit_plan(Emitter *em, Text *out) {
    const Program *p = em->p;
    size_t start = out->len;
    text_puts(out, "//! dlg 1\n");
    text_printf(out, "//! model %s target %s from ", p->model, em->target->name);
    plan_string(out, p->path);
    text_puts(out, "\n");
    for (uint32_t i = 0; i < p->consts.len; i++) {
        text_printf(out, "//! const %s ", p->consts.at[i].name);
        text_f64(out, p->consts.at[i].value);
        text_puts(out, "\n");
    }
    text_printf(out, "//! arena %lld align %u\n", (long long)em->memory.arena_bytes,
                em->target->align_bytes);
    for (uint32_t i = 0; i < em->memory.buffers.len; i++) plan_buffer(em, out, i);
    for (uint32_t i = 0; i < em->entries.len; i++) plan_entry(em, out, &em->entries.at[i]);
    uint64_t sum = XXH64(out->at + start, out->len - start, 0);
    text_printf(out, "//! kernels %u checksum %016llx\n", em->bodies.len, (unsigned long long)sum);
}

NodeId emit_program(const Program *p, const CompileOptions *options, Arena *arena, Text *out) {
    Emitter em = {.p = p, .arena = arena, .target = target_find(options->target), .lost = NO_NODE};
    text_init(&em.kernels, arena);
    memory_init(&em.memory, p, em.target, arena);
    for (uint32_t i = 0; i < p->entries.len; i++)
        emit_entry(&em, p->entries.at[i], options->opt_level == 1);
    emit_plan(&em, out);
    if (options->emit == EMIT_PLAN) return em.lost;
    text_puts(out, "\n");
    if (em.kernels.len) add_helpers(&em, out);
    text_add(out, em.kernels.at, em.kernels.len);
    text_puts(out, "//! end\n");
    return em.lost;
}

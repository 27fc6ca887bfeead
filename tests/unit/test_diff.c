/* What the compiler emits, run on an OpenCL device, against the reference interpreter on the same
 * program: outputs, updates of params and states, several runs in a row.
 *
 * The programs are all of tests/diff, for each of several shapes one with every elementwise operator of
 * ops.def, and programs made at random. Inputs are random: f32 in -2..2 (0.2..3 where the name begins with
 * p), i32 in 0..4, bool. All of it for every target: their kernels are correct on any device.
 *
 * To build a program takes a driver much longer than its kernels take to run, so several random ones are
 * emitted as one: lowered each for itself, then joined as entries over variables of their own. One that
 * fails is run alone, made as small as it can be, and printed.
 *
 * Environment: DLG_DIFF_EACH_ONCE runs each program of tests/diff for one target alone; DLG_DIFF_SEEDS and
 * DLG_WILD_SEEDS say how many random ones (5 and 4), DLG_DIFF_FIRST with which seed they begin; DLG_DIFF names one file (or `none`) of
 * tests/diff, to run that alone; DLG_DEVICE as everywhere. */
#include "ast.h"
#include "codegen.h"
#include "compile.h"
#include "device_fixture.h"
#include "dlg.h"
#include "embedded.h"
#include "ir.h"
#include "noise.h"
#include "random_program.h"
#include "random_wild.h"
#include "shrink.h"
#include "suite.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS  3  /* of each entry, one after the other; under a checker one */
#define BATCH 16 /* programs emitted as one */

typedef struct Sample { /* a program made at random */
    char name[32], text[sizeof((RandomProgram *)0)->text];
    bool failed;
} Sample;

typedef struct Trial {
    const char *name, *target;
    int opt_level; /* as in CompileOptions */
    ArenaLimit limit;
    Arena arena;
    Program *program; /* as the reference sees it */
    double **vars;
    dlg_device *device;
    dlg_program *loaded; /* as the device sees it */
    uint64_t random;
} Trial;

/* Each program once, for one target: under a checker, where all is slow. */
static bool each_once(void) {
    return getenv("DLG_SANITIZE") || getenv("DLG_DIFF_EACH_ONCE");
}

static bool quiet;    /* while a failing program is made smaller */
static bool compiled; /* the last one did */

static double next_number(Trial *t, double lo, double hi) {
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(t->random >> 11) / 9007199254740992.0;
}

static bool complain(const Trial *t, const char *what, const char *detail) {
    if (!quiet) fprintf(stderr, "%s for %s: %s: %s\n", t->name, t->target, what, detail);
    return false;
}

/* The program's graphs, before any pass: what the source says. */
static Program *lower_text(Trial *t, const char *text) {
    Names names;
    Diags diags;
    Sources *sources = NEW(&t->arena, Sources);
    CompileOptions options = {0};
    sources->arena = &t->arena;
    names_init(&names, &t->arena);
    diags_init(&diags, &t->arena, sources);
    uint32_t prelude = source_add(sources, "prelude.dlg", dlg_prelude, dlg_prelude_len);
    uint32_t file = source_add(sources, t->name, text, strlen(text));
    Ast *prelude_ast = ast_parse(&t->arena, &names, &diags, prelude);
    Ast *ast = ast_parse(&t->arena, &names, &diags, file);
    Program *p = NULL;
    if (diags.errors == 0) p = lower_program(&t->arena, &names, &diags, prelude_ast, ast, &options);
    if (p) return p;
    Text message;
    text_init(&message, &t->arena);
    diags_render(&diags, &message, false);
    complain(t, "the reference does not compile", message.len ? message.at : "");
    return NULL;
}

static bool reference_open(Trial *t, const char *text) {
    t->program = lower_text(t, text);
    if (!t->program) return false;
    t->vars = NEW_ARRAY(&t->arena, double *, t->program->vars.len + 1);
    return true;
}

static bool device_open(Trial *t, const char *text) {
    /* Asked for, so that small products go by matrix units too. */
    bool units = strcmp(t->target, "gpu_mma") == 0 || strcmp(t->target, "gpu_wgmma") == 0;
    const char *precision = units ? "3xtf32" : NULL;
    CompileOptions options = {.target = t->target,
                              .opt_level = t->opt_level,
                              .precision = precision,
                              .window_products = strstr(text, "# small windows too") != NULL,
                              .units = strcmp(t->target, "gpu_wgmma") ==
                                       0}; /* so that few tiles are enough */
    CompileResult r = compile_text(t->name, text, strlen(text), &options);
    bool done = false;
    if (r.status)
        complain(t, "it does not compile", r.diagnostics);
    else if (dlg_program_load_text(&t->loaded, t->device, t->name, r.text, r.text_len, NULL) < 0)
        complain(t, "it does not load", dlg_error_text(t->device));
    else
        done = true;
    compile_free(&r);
    return done;
}

/* The variable of the joined program for one of a program; the run has one `step` and one seed. */
static uint32_t join_variable(Trial *t, const Variable *v, const char *suffix) {
    Program *all = t->program;
    Variable joined = *v;
    bool shared = strcmp(v->name, "step") == 0 || strncmp(v->name, "random:", 7) == 0;
    for (uint32_t i = 0; i < all->vars.len && shared; i++)
        if (strcmp(all->vars.at[i].name, v->name) == 0) return i;
    if (!shared) joined.name = arena_printf(&t->arena, "%s_%s", v->name, suffix);
    vec_push(&t->arena, &all->vars, joined);
    return all->vars.len - 1;
}

/* Its entries, outputs and variables get names of their own. */
static void join_program(Trial *t, const Program *p, const char *suffix) {
    uint32_t *to = NEW_ARRAY(&t->arena, uint32_t, p->vars.len + 1);
    for (uint32_t v = 0; v < p->vars.len; v++) to[v] = join_variable(t, &p->vars.at[v], suffix);
    for (uint32_t i = 0; i < p->entries.len; i++) {
        Entry *e = p->entries.at[i];
        e->name = arena_printf(&t->arena, "%s_%s", e->name, suffix);
        for (uint32_t k = 0; k < e->outputs.len; k++)
            e->outputs.at[k].name = arena_printf(&t->arena, "%s_%s", e->outputs.at[k].name, suffix);
        for (uint32_t k = 0; k < e->updates.len; k++)
            e->updates.at[k].var = to[e->updates.at[k].var];
        for (NodeId id = 0; id < e->graph.nodes.len; id++) {
            const Node *n = node_at(&e->graph, id);
            if (n->op == OP_VAR) n->attr[0] = (int32_t)to[n->attr[0]];
        }
        vec_push(&t->arena, &t->program->entries, e);
    }
}

/* Where one of the programs reads the step all that train count it. */
static void join_steps(Trial *t) {
    const Program *all = t->program;
    uint32_t step = 0;
    while (step < all->vars.len && strcmp(all->vars.at[step].name, "step")) step++;
    for (uint32_t i = 0; i < all->entries.len && step < all->vars.len; i++) {
        Entry *e = all->entries.at[i];
        bool trains = false, counts = false;
        for (uint32_t k = 0; k < e->updates.len; k++) {
            trains = trains || all->vars.at[e->updates.at[k].var].kind == VAR_PARAM;
            counts = counts || e->updates.at[k].var == step;
        }
        if (!trains || counts) continue;
        NodeId now = node_var(&e->graph, step, DT_I32, &all->vars.at[step].shape);
        NodeId next = node_ew(&e->graph, OP_ADD, now, node_const(&e->graph, DT_I32, 1), NO_NODE);
        vec_push(&t->arena, &e->updates, (Update){step, next});
    }
}

/* The joined program, emitted: simplified in a copy, since the reference runs what was lowered. */
static bool device_open_joined(Trial *t) {
    Program emitted = *t->program;
    Text text;
    CompileOptions options = {.target = t->target};
    emitted.entries.at = NULL, emitted.entries.len = emitted.entries.cap = 0;
    for (uint32_t i = 0; i < t->program->entries.len; i++) {
        const Entry *from = t->program->entries.at[i];
        Entry *e = NEW(&t->arena, Entry);
        *e = *from;
        e->outputs.at = NULL, e->updates.at = NULL;
        e->outputs.len = e->outputs.cap = e->updates.len = e->updates.cap = 0;
        for (uint32_t k = 0; k < from->outputs.len; k++)
            vec_push(&t->arena, &e->outputs, from->outputs.at[k]);
        for (uint32_t k = 0; k < from->updates.len; k++)
            vec_push(&t->arena, &e->updates, from->updates.at[k]);
        vec_push(&t->arena, &emitted.entries, e);
    }
    simplify_program(&emitted);
    text_init(&text, &t->arena);
    if (emit_program(&emitted, &options, &t->arena, &text, NULL, NULL) != NO_NODE)
        return complain(t, "emit", "a node was left without a value");
    if (dlg_program_load_text(&t->loaded, t->device, t->name, text.at, text.len, NULL) < 0)
        return complain(t, "it does not load", dlg_error_text(t->device));
    return true;
}

/* The name that the program gives to a variable or an output. */
static const char *plan_name(Trial *t, const char *name, const char *variant) {
    return variant ? arena_printf(&t->arena, "%s@%s", name, variant) : name;
}

/* The elements of a tensor of the device's, as doubles in the arena; NULL when there is none. */
static double *device_get(Trial *t, const char *name) {
    const dlg_tensor *tensor = dlg_tensor_find(t->loaded, name);
    if (!tensor) return complain(t, "the program has no tensor", name), NULL;
    void *raw = arena_alloc(&t->arena, tensor->bytes);
    if (dlg_get(t->loaded, name, raw, tensor->bytes) < 0)
        return complain(t, name, dlg_error_text(t->device)), NULL;
    double *values = NEW_ARRAY(&t->arena, double, tensor->elems);
    for (uint64_t i = 0; i < tensor->elems; i++) values[i] = dlg_element(tensor->type, raw, i);
    return values;
}

/* Random values for an input, on both sides. */
static bool set_input(Trial *t, const Variable *v, const char *name, double *values) {
    int64_t elems = shape_elems(&v->shape);
    size_t bytes = (size_t)elems * dtype_bytes(v->dtype);
    void *raw = arena_alloc(&t->arena, bytes);
    bool positive = v->name[0] == 'p';
    dlg_type type = dlg_tensor_find(t->loaded, name)->type;
    for (int64_t i = 0; i < elems; i++) {
        double x = type == DLG_BOOL ? next_number(t, 0, 2) >= 1
                   : dtype_is_float(v->dtype)
                       ? next_number(t, positive ? 0.2 : -2, positive ? 3 : 2)
                       : floor(next_number(t, 0, 5));
        if (dlg_put_element(type, raw, (size_t)i, x) < 0)
            return complain(t, name, "a number that its type has not");
        values[i] = dlg_element(type, raw, (size_t)i);
    }
    return dlg_set(t->loaded, name, raw, bytes) == DLG_OK ||
           complain(t, name, dlg_error_text(t->device));
}

/* Inputs are drawn anew; params and states are taken from the device. Only what the graph reads. */
static bool gather_vars(Trial *t, const Graph *g) {
    for (NodeId id = 0; id < g->nodes.len; id++) {
        const Node *n = node_at(g, id);
        if (n->op != OP_VAR) continue;
        const Variable *v = &t->program->vars.at[n->attr[0]];
        const char *name = plan_name(t, v->name, v->variant);
        if (!dlg_tensor_find(t->loaded, name)) continue; /* dead code: the program dropped it */
        double **to = &t->vars[n->attr[0]];
        if (v->kind == VAR_INPUT) {
            *to = NEW_ARRAY(&t->arena, double, shape_elems(&v->shape));
            if (!set_input(t, v, name, *to)) return false;
        } else if (!(*to = device_get(t, name))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < t->program->vars.len; i++) {
        if (!t->vars[i])
            t->vars[i] = NEW_ARRAY(&t->arena, double, shape_elems(&t->program->vars.at[i].shape));
    }
    return true;
}

/* Whether the device has for a name what the reference has for the noise's node. Where rounding does more to a tensor than
 * its size says, it may. */
static bool same(Trial *t, const char *name, const Noise *noise) {
    const Node *node = node_at(noise->g, noise->node);
    const double *want = noise->exact[noise->node];
    const double *allowed = NULL;
    double *got = device_get(t, name);
    if (!got) return false;
    double scale = 1;
    int64_t elems = shape_elems(&node->shape);
    for (int64_t i = 0; i < elems; i++) {
        if (isfinite(want[i])) scale = fmax(scale, fabs(want[i]));
    }
    /* What is computed and then rounded may fall to the next number on either side. */
    DType type = (DType)node->dtype;
    double slack = type == DT_F32 ? 4e-6 : type == DT_F16 ? 0x1p-11 : type == DT_BF16 ? 0x1p-8 : 0;
    for (int64_t i = 0; i < elems; i++) {
        if (got[i] == want[i] || (isnan(got[i]) && isnan(want[i]))) continue;
        if (fabs(got[i] - want[i]) <= slack * (fabs(want[i]) + scale)) continue;
        if (type == DT_F32 && !allowed) allowed = noise_of(noise);
        if (allowed && fabs(got[i] - want[i]) <= allowed[i]) continue;
        char detail[128];
        snprintf(detail, sizeof(detail),
                 "element %lld is %.9g on the device, by the reference %.9g", (long long)i, got[i],
                 want[i]);
        return complain(t, name, detail);
    }
    return true;
}

static bool run_entry(Trial *t, const Entry *entry) {
    const char *name = plan_name(t, entry->name, entry->variant);
    double **results = NEW_ARRAY(&t->arena, double *, entry->graph.nodes.len + 1);
    const bool matrix = target_find(t->target)->precision != PRECISION_F32;
    if (!gather_vars(t, &entry->graph)) return false;
    interp_run(&entry->graph, &t->arena, t->vars, results);
    if (dlg_run(t->loaded, name) < 0) return complain(t, name, dlg_error_text(t->device));
    bool good = true;
    for (uint32_t i = 0; i < entry->outputs.len; i++) {
        const Output *o = &entry->outputs.at[i];
        const Node *node = node_at(&entry->graph, o->node);
        const char *output = plan_name(t, o->name, entry->variant);
        if (node->op == OP_VAR && !dlg_tensor_find(t->loaded, output)) continue;
        Noise noise = {&entry->graph, &t->arena, t->vars, results, o->node, matrix};
        good = same(t, output, &noise) && good;
    }
    for (uint32_t i = 0; i < entry->updates.len; i++) {
        const Update *u = &entry->updates.at[i];
        const Variable *v = &t->program->vars.at[u->var];
        Noise noise = {&entry->graph, &t->arena, t->vars, results, u->node, matrix};
        good = same(t, plan_name(t, v->name, v->variant), &noise) && good;
    }
    return good;
}

static bool run_entries(Trial *t, uint32_t from, uint32_t to) {
    bool good = true;
    int runs = each_once() ? 1 : RUNS;
    t->random = 12345;
    for (uint32_t i = from; i < to; i++) {
        for (int run = 0; run < runs; run++) good = run_entry(t, t->program->entries.at[i]) && good;
    }
    return good;
}

static bool run_text(Trial *t, const char *text) {
    if (!reference_open(t, text) || !device_open(t, text)) return false;
    return run_entries(t, 0, t->program->entries.len);
}

/* False: something failed; which samples, if it is they, is marked. */
static bool run_samples(Trial *t, Sample *samples, uint32_t count) {
    uint32_t *end = NEW_ARRAY(&t->arena, uint32_t, count + 1); /* of the entries of each */
    bool good = true;
    t->program = NEW(&t->arena, Program);
    t->program->arena = &t->arena;
    t->program->model = "random";
    t->program->path = "random.dlg";
    for (uint32_t i = 0; i < count; i++) {
        t->name = samples[i].name;
        Program *p = lower_text(t, samples[i].text);
        samples[i].failed = !p;
        good = p && good;
        if (p) join_program(t, p, strchr(samples[i].name, '-') + 1);
        end[i] = t->program->entries.len;
    }
    compiled = good;
    if (!good) return false;
    join_steps(t);
    t->vars = NEW_ARRAY(&t->arena, double *, t->program->vars.len + 1);
    if (!device_open_joined(t)) return false;
    for (uint32_t i = 0; i < count; i++) {
        t->name = samples[i].name;
        samples[i].failed = !run_entries(t, i ? end[i - 1] : 0, end[i]);
        good = good && !samples[i].failed;
    }
    return good;
}

/* A text, or samples, for one target. */
static bool run_for_target(dlg_device *device, const char *target, int opt_level, const char *name,
                           const char *text, Sample *samples, uint32_t count) {
    Trial *t = calloc(1, sizeof(*t));
    if (!t) return false;
    t->name = name;
    t->target = target;
    t->opt_level = opt_level;
    t->device = device;
    t->limit.limit_bytes = (size_t)2 << 30;
    set_optimisation(device, target);
    volatile bool good = true; /* set after setjmp */
    arena_init(&t->arena, &t->limit);
    if (setjmp(t->limit.failed))
        good = complain(t, "the test", "ran out of its arena");
    else
        good = text ? run_text(t, text) : run_samples(t, samples, count);
    dlg_program_close(t->loaded);
    arena_close_all(&t->limit);
    arena_free(&t->arena);
    free(t);
    return good;
}

/* For both kinds of target; a program that says so, once more without chains: its launches are more then, for cpu8, or for matrix units:
 * kernels/mma.cl and kernels/wgmma.cl do without them on a device that has none. */
static bool run_program(dlg_device *device, const char *name, const char *text) {
    const char *cpu = target_of_kind(device, "cpu"), *gpu = target_of_kind(device, "gpu");
    bool good = run_for_target(device, cpu, 0, name, text, NULL, 0);
    if (strstr(text, "# also -O1"))
        good = run_for_target(device, cpu, 2, name, text, NULL, 0) && good;
    if (strstr(text, "# also cpu8") && strcmp(cpu, "cpu8"))
        good = run_for_target(device, "cpu8", 0, name, text, NULL, 0) && good;
    if (strstr(text, "# also gpu_mma"))
        good = run_for_target(device, "gpu_mma", 0, name, text, NULL, 0) && good;
    if (strstr(text, "# also gpu_wgmma"))
        good = run_for_target(device, "gpu_wgmma", 0, name, text, NULL, 0) && good;
    return run_for_target(device, gpu, 0, name, text, NULL, 0) && good;
}

/* ---- Failing programs ------------------------------------------------------------------------ */

typedef struct Failing {
    dlg_device *device;
    const char *target, *name;
} Failing;

static bool still_fails(const char *text, void *context) {
    const Failing *f = context;
    Sample s;
    snprintf(s.name, sizeof s.name, "%s", f->name);
    snprintf(s.text, sizeof s.text, "%s", text);
    return !run_for_target(f->device, f->target, 0, f->name, NULL, &s, 1) && compiled;
}

/* Makes a sample that failed as small as it can be, and says it. */
static void report(dlg_device *device, const char *target, const Sample *s) {
    Failing f = {device, target, s->name};
    Sample small = *s;
    quiet = true;
    bool alone = still_fails(small.text, &f);
    if (alone) shrink(small.text, still_fails, &f);
    quiet = false;
    fprintf(stderr, "%s for %s, %s:\n%s\n", s->name, target,
            alone ? "made smaller" : "which fails only beside others", small.text);
    if (alone) still_fails(small.text, &f);
}

/* Several programs as one; each that fails is reported. */
static void check_samples(dlg_device *device, Sample *samples, uint32_t count) {
    const char *targets[] = {target_of_kind(device, "cpu"), target_of_kind(device, "gpu")};
    for (int k = 0; k < 2; k++) {
        bool known = false;
        for (uint32_t i = 0; i < count; i++) samples[i].failed = false;
        bool good = run_for_target(device, targets[k], 0, samples->name, NULL, samples, count);
        for (uint32_t i = 0; i < count && !good; i++) known = known || samples[i].failed;
        for (uint32_t i = 0; i < count && !good; i++) {
            /* Where the whole does not load it may be any of them. */
            if (!known)
                samples[i].failed =
                    !run_for_target(device, targets[k], 0, samples[i].name, NULL, &samples[i], 1);
            if (samples[i].failed) report(device, targets[k], &samples[i]);
        }
        CU_ASSERT(good);
    }
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* One program with every elementwise operator, each an output, on tensors of these dimensions. */
static void elementwise_text(char *text, size_t size, const char *dims) {
    size_t at = (size_t)snprintf(text, size,
                                 "input a : f32%s\ninput b : f32%s\ninput p : f32%s\n"
                                 "input q : f32%s\ninput i : i32%s\ninput j : i32%s\n"
                                 "input c : bool%s\ninput d : bool%s\n",
                                 dims, dims, dims, dims, dims, dims, dims, dims);
    char outputs[2048] = "";
    for (int op = 0; op < OP_COUNT; op++) {
        const OpInfo *info = &op_info[op];
        if (!info->elementwise) continue;
        const char *x = info->test_lo > 0 ? "p" : "a", *y = info->test_lo > 0 ? "p * 0.5" : "b";
        char call[128];
        switch (op) {
        case OP_NOT: snprintf(call, sizeof(call), "not c"); break;
        case OP_AND: snprintf(call, sizeof(call), "c and d"); break;
        case OP_OR: snprintf(call, sizeof(call), "c or d"); break;
        case OP_IDIV: snprintf(call, sizeof(call), "(i - 2) // (j - 2)"); break;
        case OP_MOD: snprintf(call, sizeof(call), "(i - 2) %% (j - 2)"); break;
        case OP_WHERE: snprintf(call, sizeof(call), "where(c, a, b)"); break;
        default:
            if (info->result == OP_WHOLE) x = "i - 3", y = "j * 1234567";
            snprintf(call, sizeof(call),
                     info->arity == 1   ? "%s(%s)"
                     : info->arity == 2 ? "%s(%s, %s)"
                                        : "%s(%s, %s, i)",
                     info->name, x, y);
        }
        at += (size_t)snprintf(text + at, size - at, "r_%s = %s\n", info->name, call);
        snprintf(outputs + strlen(outputs), sizeof(outputs) - strlen(outputs), "%sr_%s",
                 *outputs ? ", " : "", info->name);
    }
    snprintf(text + at, size - at, "q_ = q * 2\nentry all -> %s, q_\n", outputs);
}

static void test_elementwise(void) {
    static const char *const dims[] = {"[17]",   "[16]",      "[1]",      "[1000]",
                                       "[3, 5]", "[2, 3, 7]", "[64, 64]", "[31, 1, 33]"};
    dlg_device *device = open_device();
    size_t stride = each_once() ? 3 : 1; /* of 17, 1000 and 64 * 64 */
    for (size_t i = 0; i < COUNT_OF(dims); i += stride) {
        char text[8192], name[64];
        if (!in_part(i / stride)) continue;
        elementwise_text(text, sizeof(text), dims[i]);
        snprintf(name, sizeof(name), "elementwise%s", dims[i]);
        CU_ASSERT(run_program(device, name, text));
    }
    dlg_device_close(device);
}

static int only_programs(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".dlg") == 0;
}

static void test_programs(void) {
    static const char directory[] = DLG_SOURCE_DIR "/tests/diff";
    const char *only = getenv("DLG_DIFF"); /* a file's name: that one alone */
    dlg_device *device = open_device();
    struct dirent **files;
    int count = scandir(directory, &files, only_programs, alphasort);
    CU_ASSERT(count > 0);
    int found = 0, wanted = 0;
    for (int i = 0; i < count; i++) {
        char path[4096], text[65536];
        snprintf(path, sizeof(path), "%s/%s", directory, files[i]->d_name);
        const bool own = only ? strcmp(only, files[i]->d_name) == 0 : in_part((size_t)i);
        wanted += own;
        FILE *f = own ? fopen(path, "rb") : NULL;
        if (f) {
            found++;
            text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
            fclose(f);
            /* Under a checker each for one target, and those that are large for others' sake for the one that is done soonest:
             * building kernels is slow there, and the same. */
            bool large = strncmp(text, "# also ", 7) == 0;
            bool good = each_once()
                            ? run_for_target(
                                  device, target_of_kind(device, i % 2 && !large ? "gpu" : "cpu"),
                                  0, files[i]->d_name, text, NULL, 0)
                            : run_program(device, files[i]->d_name, text);
            CU_ASSERT(good);
        }
        free(files[i]);
    }
    if (count >= 0) free(files);
    CU_ASSERT_EQUAL(found, only ? strcmp(only, "none") != 0 : wanted);
    dlg_device_close(device);
}

/* Programs by seed, `make` giving the text of each. */
static void test_seeds(const char *kind, const char *seeds, int most, void (*make)(Sample *, int)) {
    const char *from = getenv("DLG_DIFF_FIRST");
    int first = from ? atoi(from) : 1, count = seeds ? atoi(seeds) : most;
    dlg_device *device = open_device();
    Sample *samples = calloc(BATCH, sizeof *samples);
    CU_ASSERT_PTR_NOT_NULL_FATAL(samples);
    for (int done = 0; done < count; done += BATCH) {
        if (!in_part((size_t)(done / BATCH))) continue;
        int n = count - done < BATCH ? count - done : BATCH;
        for (int i = 0; i < n; i++) {
            snprintf(samples[i].name, sizeof samples[i].name, "%s-%d", kind, first + done + i);
            make(&samples[i], first + done + i);
        }
        check_samples(device, samples, (uint32_t)n);
    }
    free(samples);
    dlg_device_close(device);
}

static void make_random(Sample *s, int seed) {
    RandomProgram *r = malloc(sizeof(*r));
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    random_program(r, (uint64_t)seed, seed % 2);
    memcpy(s->text, r->text, sizeof s->text);
    free(r);
}

static void make_wild(Sample *s, int seed) {
    RandomWild *w = malloc(sizeof(*w));
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    random_wild(w, (uint64_t)seed, false);
    memcpy(s->text, wild_text(w), sizeof s->text);
    free(w);
}

static void test_random(void) {
    test_seeds("random", getenv("DLG_DIFF_SEEDS"), 5, make_random);
}

static void test_wild(void) {
    test_seeds("wild", getenv("DLG_WILD_SEEDS"), 4, make_wild);
}

RUN_SUITE("diff", {"every elementwise operator", test_elementwise},
          {"the programs of tests/diff", test_programs}, {"programs made at random", test_random},
          {"wilder ones", test_wild})

/* The kernels of the kernel IR, run on the host in double precision, against the reference interpreter
 * on the same program: for every target, with and without fusion. No driver takes part.
 *
 * The programs are those of tests/diff and programs made at random (DLG_KERNEL_SEEDS, DLG_WILD_SEEDS and
 * DLG_BACK_SEEDS say how many, DLG_KERNEL_FIRST with which seed they begin). Each goes all ways, a sample some of them in turn; with DLG_KERNEL_WAYS all so many. */
#include "ast.h"
#include "compile.h"
#include "embedded.h"
#include "ir.h"
#include "launch.h"
#include "random_back.h"
#include "random_program.h"
#include "random_wild.h"
#include "shrink.h"
#include "suite.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDED                                                                                    \
    2 /* CompileOptions.ready_products: numbers that are no tf32 or bf16, and so are rounded */

/* That a sample, in a smaller size, goes: they are alike, and much is computed. */
#define SAMPLE_WAYS 6

typedef struct Case {
    const char *name;
    ArenaLimit limit;
    Arena arena;
    Program *program;
    double **vars;     /* as an entry finds them */
    double ***outputs; /* by the reference: [entry][output] */
    double ***updates;
    uint64_t random;
    Rewrites rewrites;
    double tolerance;
} Case;

static double next_number(Case *c, double lo, double hi) {
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(c->random >> 11) / 9007199254740992.0;
}

static bool quiet;              /* while a failing program is made smaller */
static bool every_way;          /* the same, lest it fails in one turn alone */
static bool compiled;           /* the last program did */
static Op broken_op = OP_COUNT; /* a fault on purpose: what is computed with it is stored wrong */

static bool complain(const Case *c, const char *how, const char *what) {
    if (!quiet) fprintf(stderr, "%s, %s: %s\n", c->name, how, what);
    return false;
}

static bool lower(Case *c, const char *text, const CompileOptions *options) {
    Names names;
    Diags diags;
    Sources *sources = NEW(&c->arena, Sources);
    sources->arena = &c->arena;
    names_init(&names, &c->arena);
    diags_init(&diags, &c->arena, sources);
    uint32_t prelude = source_add(sources, "prelude.dlg", dlg_prelude, dlg_prelude_len);
    uint32_t file = source_add(sources, c->name, text, strlen(text));
    Ast *prelude_ast = ast_parse(&c->arena, &names, &diags, prelude);
    Ast *ast = ast_parse(&c->arena, &names, &diags, file);
    c->program = NULL;
    if (diags.errors == 0)
        c->program = lower_program(&c->arena, &names, &diags, prelude_ast, ast, options);
    if (c->program) return true;
    Text message;
    text_init(&message, &c->arena);
    diags_render(&diags, &message, false);
    return complain(c, "lower", message.at);
}

static bool well_formed(Case *c, const char *pass) {
    for (uint32_t e = 0; e < c->program->entries.len; e++) {
        const char *wrong = graph_verify(&c->program->entries.at[e]->graph, &c->arena);
        if (wrong) return complain(c, pass, wrong);
    }
    return true;
}

/* Values for every variable, and what the reference makes of them. */
static void run_reference(Case *c) {
    Program *p = c->program;
    c->vars = NEW_ARRAY(&c->arena, double *, p->vars.len + 1);
    for (uint32_t v = 0; v < p->vars.len; v++) {
        const Variable *var = &p->vars.at[v];
        int64_t elems = shape_elems(&var->shape);
        c->vars[v] = NEW_ARRAY(&c->arena, double, elems);
        bool positive = var->name[0] == 'p' || strstr(var->name, ":adam.v") ||
                        strstr(var->name, ":adamw.v") || strstr(var->name, ":adagrad") ||
                        strstr(var->name, ":rmsprop");
        for (int64_t i = 0; i < elems; i++) {
            double x = next_number(c, positive ? 0.2 : -2, positive ? 3 : 2);
            if (dtype_counts_as(var->dtype) == DT_I32) x = floor(next_number(c, 0, 5));
            if (var->dtype == DT_BOOL) x = next_number(c, 0, 2) >= 1;
            c->vars[v][i] = dtype_cast(var->dtype, x);
        }
    }
    c->outputs = NEW_ARRAY(&c->arena, double **, p->entries.len + 1);
    c->updates = NEW_ARRAY(&c->arena, double **, p->entries.len + 1);
    for (uint32_t e = 0; e < p->entries.len; e++) {
        const Entry *entry = p->entries.at[e];
        double **results = NEW_ARRAY(&c->arena, double *, entry->graph.nodes.len + 1);
        interp_run(&entry->graph, &c->arena, c->vars, results);
        c->outputs[e] = NEW_ARRAY(&c->arena, double *, entry->outputs.len + 1);
        c->updates[e] = NEW_ARRAY(&c->arena, double *, entry->updates.len + 1);
        for (uint32_t i = 0; i < entry->outputs.len; i++)
            c->outputs[e][i] = results[entry->outputs.at[i].node];
        for (uint32_t i = 0; i < entry->updates.len; i++)
            c->updates[e][i] = results[entry->updates.at[i].node];
    }
}

static bool same(const Case *c, const char *how, const char *name, const Buffer *b,
                 const double *got, const double *want) {
    double scale = 1;
    int64_t elems = shape_elems(&b->shape);
    for (int64_t i = 0; i < elems; i++) {
        if (isfinite(want[i])) scale = fmax(scale, fabs(want[i]));
    }
    for (int64_t i = 0; i < elems; i++) {
        if (got[i] == want[i] || (isnan(got[i]) && isnan(want[i]))) continue;
        if (fabs(got[i] - want[i]) <= c->tolerance * scale)
            continue; /* constants are f32; the rest is double */
        char detail[200];
        snprintf(detail, sizeof(detail), "%s: element %lld is %.9g, by the reference %.9g", name,
                 (long long)i, got[i], want[i]);
        return complain(c, how, detail);
    }
    return true;
}

typedef struct Trial { /* one way to run a case */
    Case *c;
    const char *how;
    double **data; /* of each buffer */
    uint32_t entry;
    int32_t turns[16]; /* of the loops around a launch */
    uint32_t depth;
    bool backwards; /* the groups of the last launch */
    bool good;
} Trial;

static void begin_entry(Trial *t, const Memory *m) {
    Case *c = t->c;
    t->data = NEW_ARRAY(&c->arena, double *, m->buffers.len + 1);
    for (uint32_t b = 0; b < m->buffers.len; b++) {
        const Buffer *buffer = &m->buffers.at[b];
        int64_t elems = shape_elems(&buffer->shape);
        t->data[b] = NEW_ARRAY(&c->arena, double, elems);
        for (int64_t i = 0; i < elems; i++) {
            t->data[b][i] = buffer->kind == BUFFER_VAR ? c->vars[buffer->var][i] : (double)NAN;
        }
    }
}

static void visit_entry(void *context, const Plan *plan, const PlannedEntry *pe, bool done) {
    Trial *t = context;
    const Memory *m = &plan->memory;
    if (!done) {
        begin_entry(t, m);
        return;
    }
    for (uint32_t i = 0; i < pe->entry->outputs.len; i++) {
        const Buffer *b = &m->buffers.at[pe->outputs[i].buffer];
        t->good = same(t->c, t->how, b->name, b, t->data[pe->outputs[i].buffer],
                       t->c->outputs[t->entry][i]) &&
                  t->good;
    }
    for (uint32_t i = 0; i < pe->entry->updates.len; i++) {
        uint32_t v = pe->entry->updates.at[i].var; /* a variable's buffer has its number */
        const Buffer *b = &m->buffers.at[v];
        t->good = same(t->c, t->how, b->name, b, t->data[v], t->c->updates[t->entry][i]) && t->good;
    }
    t->entry++;
}

static uint32_t by_panels, some_lanes, by_wgmma, ready, staged, copied, by_squares,
    whole; /* kernels, or statements */

static void count_moves(const KBlock *b) {
    for (uint32_t i = 0; i < b->len; i++) {
        copied += b->at[i]->op == S_COPY;
        whole += b->at[i]->whole;
        count_moves(&b->at[i]->body);
    }
}

static void count_kinds(const Kernel *k) {
    bool some = false;
    for (uint32_t i = 0; i < k->locals.len; i++)
        by_panels += !strcmp(k->locals.at[i].name, "panel");
    for (Val v = 0; v < k->values.len; v++) some = some || k->values.at[v].some;
    some_lanes += some;
    for (uint32_t i = 0; i < k->matrices.len; i++) {
        by_wgmma += k->matrices.at[i].wgmma;
        ready += k->matrices.at[i].ready;
    }
    for (uint32_t i = 0; i < k->locals.len; i++) {
        by_squares += !strcmp(k->locals.at[i].name, "square");
        staged += !strcmp(k->locals.at[i].name, "stages");
    }
    if (!k->matrices.len || k->matrices.at[0].wgmma || k->matrices.at[0].ready)
        count_moves(&k->body);
}

static void visit_launch(void *context, const Plan *plan, const PlannedEntry *pe, const Launch *l) {
    Trial *t = context;
    const Kernel *k = l->kernel;
    Arena *scratch = arena_open(&t->c->arena);
    double **args = NEW_ARRAY(scratch, double *, k->buffers.len + 1);
    (void)plan, (void)pe;
    for (uint32_t i = 0; i < k->buffers.len; i++) {
        args[i] = k->buffers.at[i].values ? NULL : t->data[k->buffers.at[i].tag];
    }
    int32_t iterations[16];
    for (uint32_t i = 0; i < l->iterations.len; i++) iterations[i] = t->turns[l->iterations.at[i]];
    t->backwards = !t->backwards;
    count_kinds(k);
    const char *wrong =
        t->good ? kernel_run(k, scratch, args, false, t->backwards, iterations) : NULL;
    if (wrong) t->good = complain(t->c, t->how, wrong);
    for (Val v = 0; v < k->values.len && broken_op != OP_COUNT; v++) {
        if (k->values.at[v].kind != V_EW || k->values.at[v].op != broken_op) continue;
        for (uint32_t i = 0; i < k->buffers.len; i++)
            if (k->buffers.at[i].written) args[i][0] += 1;
        break;
    }
    arena_close(scratch);
}

static bool visit_loop(void *context, const Plan *plan, const PlannedEntry *pe, int32_t trips,
                       int32_t turn) {
    Trial *t = context;
    (void)plan, (void)pe;
    if (turn == 0) t->depth++;
    t->turns[t->depth - 1] = turn;
    if (turn == trips) t->depth--;
    return turn < trips;
}

static void ignore_entry(void *context, const Plan *plan, const PlannedEntry *pe, bool done) {
    (void)context, (void)plan, (void)pe, (void)done;
}

static void ignore_launch(void *context, const Plan *plan, const PlannedEntry *pe,
                          const Launch *l) {
    (void)context, (void)plan, (void)pe, (void)l;
}

static bool ignore_loop(void *context, const Plan *plan, const PlannedEntry *pe, int32_t trips,
                        int32_t turn) {
    (void)context, (void)plan, (void)pe, (void)trips;
    return turn < 1;
}

static uint32_t squeezed; /* programs whose values were computed again */

/* The smallest budget that is told when there is too little. One byte less than that must be too little, too. */
static int64_t least_budget(Case *c, const char *how, const CompileOptions *options, bool *good) {
    PlanVisitor nobody = {NULL, ignore_entry, ignore_launch, ignore_loop};
    CompileOptions less = *options;
    Plan plan;
    plan_program(c->program, options, &c->arena, &nobody, &plan);
    if (!plan.over.entry) return options->mem_budget_bytes;
    int64_t least = plan.over.least_bytes;
    squeezed += least < plan.over.default_bytes;
    less.mem_budget_bytes = least - 1;
    plan_program(c->program, &less, &c->arena, &nobody, &plan);
    if (!plan.over.entry || plan.over.least_bytes != least)
        *good = complain(c, how, "the smallest budget is not the smallest");
    return least;
}

static bool run_program(const char *name, const char *text, const CompileOptions *options) {
    Case *c = calloc(1, sizeof(*c));
    if (!c) return false;
    volatile bool good = true; /* set after setjmp */
    const char *const how = options->mem_budget_bytes ? "in little memory"
                            : options->rewrites       ? "some rewrites"
                            : options->cache_bytes    ? "in a small cache"
                            : options->opt_level == 1 ? "-O0"
                            : options->opt_level == 2 ? "-O1"
                                                      : options->target;
    c->name = name;
    c->random = 999;
    c->tolerance = options->ready_products == ROUNDED ? 1e-2 : 1e-6;
    compiled = false;
    c->limit.limit_bytes = (size_t)4 << 30;
    arena_init(&c->arena, &c->limit);
    if (setjmp(c->limit.failed)) {
        good = complain(c, how, "the test ran out of its arena");
    } else if (!lower(c, text, options) || !well_formed(c, "lower")) {
        good = false;
    } else {
        Plan plan;
        compiled = true;
        run_reference(c);
        c->rewrites.limit = (uint32_t)options->rewrites;
        for (uint32_t e = 0; e < c->program->entries.len && options->rewrites; e++)
            c->program->entries.at[e]->graph.rewrites = &c->rewrites;
        simplify_program(c->program);
        good = well_formed(c, "simplify");
        Trial trial = {.c = c, .how = how, .good = true};
        PlanVisitor visitor = {&trial, visit_entry, visit_launch, visit_loop};
        CompileOptions fitting = *options;
        bool least = true;
        if (fitting.mem_budget_bytes)
            fitting.mem_budget_bytes = least_budget(c, how, options, &least);
        plan_program(c->program, &fitting, &c->arena, &visitor, &plan);
        if (plan.over.entry) least = complain(c, how, "the smallest budget does not work");
        good = least && good;
        if (plan.lost != NO_NODE) good = complain(c, how, "a node was left without a value");
        good = trial.good && good;
    }
    arena_close_all(&c->limit);
    arena_free(&c->arena);
    free(c);
    return good;
}

static uint32_t number_of(const char *name, uint32_t otherwise) {
    const char *value = getenv(name);
    return value ? (uint32_t)strtoul(value, NULL, 10) : otherwise;
}

static bool run_defined(const char *name, const char *text, const char *const *defines,
                        size_t define_count) {
    /* The last: any number of rewrites gives the same. */
    size_t some = 1 + hash_lasting(text, strlen(text), 0) % 64;
    CompileOptions all[] = {
        {.target = "cpu", .cache_bytes = 4096},
        {.target = "cpu"},
        {.target = "cpu", .opt_level = 1},
        {.target = "cpu", .opt_level = 2},
        {.target = "gpu"},
        {.target = "cpu", .mem_budget_bytes = 1},
        {.target = "gpu", .mem_budget_bytes = 1},
        {.target = "cpu", .mem_budget_bytes = 1, .opt_level = 2},
        {.target = "cpu8", .cache_bytes = 512},
        {.target = "cpu8", .cache_bytes = 65536},
        {.target = "gpu_mma", .precision = "3xtf32", .units = 1},
        {.target = "gpu_mma", .precision = "tf32", .mem_budget_bytes = 1, .units = 1},
        {.target = "cpu", .tile_rank = 1},
        {.target = "cpu", .tile_rank = 5, .cache_bytes = 4096},
        {.target = "gpu_wgmma", .precision = "3xtf32", .units = 1},
        {.target = "cpu", .window_products = 1},
        {.target = "cpu8", .window_products = 1, .cache_bytes = 4096},
        {.target = "cpu", .rewrites = some}};
    static size_t turn; /* where there are fewer: the first, and some of the others in turn */
    size_t ways = every_way ? COUNT_OF(all) : number_of("DLG_KERNEL_WAYS", COUNT_OF(all));
    if (define_count && ways > SAMPLE_WAYS) ways = SAMPLE_WAYS;
    bool good = true;
    for (size_t k = 0; k < ways; k++) {
        size_t i = k && ways < COUNT_OF(all) ? 1 + turn++ % (COUNT_OF(all) - 1) : k;
        all[i].defines = defines;
        all[i].define_count = define_count;
        good = run_program(name, text, &all[i]) && good;
    }
    return good;
}

static bool run_all(const char *name, const char *text) {
    return run_defined(name, text, NULL, 0);
}

/* ---- Failing programs ---------------------------------------------------------------------- */

static bool still_fails(const char *text, void *context) {
    (void)context;
    return !run_all("smaller", text) && compiled;
}

/* Makes a program that fails as small as it can be, and says it. */
static void report(char *text) {
    quiet = every_way = true;
    shrink(text, still_fails, NULL);
    quiet = every_way = false;
    fprintf(stderr, "as a program:\n%s", text);
    run_all("the smaller program", text);
}

/* ---- Tests --------------------------------------------------------------------------------- */

static int only_programs(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".dlg") == 0;
}

static void run_directory(const char *directory, bool smaller) {
    /* Samples in sizes that the host is done with in a moment. */
    static const char *const sizes[] = {"batch=3", "T=4", "hidden=9", "width=20", "layers=2"};
    static const char *const consts[] = {"const batch",
                                         ", T =", ", hidden =", ", width =", ", layers ="};
    struct dirent **files;
    int count = scandir(directory, &files, only_programs, alphasort);
    CU_ASSERT(count > 0);
    for (int i = 0; i < count; i++) {
        char path[4096], text[65536];
        snprintf(path, sizeof(path), "%s/%s", directory, files[i]->d_name);
        FILE *f = fopen(path, "rb");
        if (f) {
            const char *defines[COUNT_OF(sizes)];
            size_t defined = 0;
            text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
            fclose(f);
            for (size_t k = 0; k < COUNT_OF(sizes) && smaller; k++) {
                if (strstr(text, consts[k])) defines[defined++] = sizes[k];
            }
            CU_ASSERT(run_defined(files[i]->d_name, text, defines, defined));
        }
        free(files[i]);
    }
    if (count >= 0) free(files);
}

static void test_programs(void) {
    run_directory(DLG_SOURCE_DIR "/tests/diff", false);
    uint32_t least = number_of("DLG_KERNEL_WAYS", 20);
    CU_ASSERT(by_panels > least);
    CU_ASSERT(some_lanes > least);
}

static void test_samples(void) {
    run_directory(DLG_SOURCE_DIR "/samples", true);
}

/* Products whose sizes cut tiles, vectors and groups in every way. */
static void test_products(void) {
    static const int sizes[][3] = {{1, 1, 1},    {2, 8, 1},    {4, 1, 8},    {1, 40, 20},
                                   {15, 16, 17}, {17, 15, 33}, {33, 31, 5},  {64, 10, 30},
                                   {64, 30, 7},  {65, 66, 67}, {70, 130, 9}, {7, 3, 100}};
    static const char *const forms[] = {"x @ w", "x @ t'", "s' @ w", "s' @ t'"};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (size_t k = 0; k < COUNT_OF(forms); k++) {
            char text[1024], name[64];
            const int *d = sizes[i];
            snprintf(text, sizeof(text),
                     "input x : f32[%d, %d]\ninput s : f32[%d, %d]\ninput w : f32[%d, %d]\ninput t "
                     ": f32[%d, %d]\n"
                     "input b : f32[%d]\nz = %s + b\nentry e -> z, r = relu(z)\n",
                     d[0], d[2], d[2], d[0], d[2], d[1], d[1], d[2], d[1], forms[k]);
            snprintf(name, sizeof(name), "%s of %dx%dx%d", forms[k], d[0], d[1], d[2]);
            CU_ASSERT(run_all(name, text));
        }
    }
}

/* By tiles in local memory of every size that there is: of squares of four, by what follows, and of few results, whose
 * sums are shared by slices of items; along what is contracted at once, in some turns and in many. */
static void test_local_tiles(void) {
    static const struct {
        const char *tile, *x, *w, *y;
    } cases[] = {{"128 x 128", "[129, 20, 33]", "[129, 33, 18]", "x @ w"},
                 {"64 x 64", "[129, 20, 33]", "[129, 33, 18]", "erf(tanh(x @ w))"},
                 {"32 x 32", "[300, 21]", "[21, 250]", "relu(x @ w)"},
                 {"32 x 16", "[200, 140]", "[140, 150]", "x @ w"},
                 {"16 x 16", "[130, 70]", "[70, 120]", "x @ w + 1"},
                 {"16 x 8", "[3, 66, 250]", "[3, 250, 50]", "x @ w"},
                 {"8 x 8", "[33, 700]", "[700, 40]", "x @ w"},
                 {"8 x 8 in many turns", "[16, 4001]", "[4001, 17]", "x @ w"},
                 {"16 high", "[16, 100]", "[100, 1000]", "x @ w"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[512];
        snprintf(text, sizeof(text), "input x : f32%s\ninput w : f32%s\nentry e -> y = %s\n",
                 cases[i].x, cases[i].w, cases[i].y);
        CU_ASSERT(run_program(cases[i].tile, text, &(CompileOptions){.target = "gpu"}));
    }
}

/* Sums that the items of a group share: of rows that lie side by side, beside each other, few and many of them, and of
 * what is added where an index says. */
static void test_shared_sums(void) {
    static const char text[] =
        "input x : f32[300, 200]\ninput i : i32[300]\ninput v : f32[300, 40]\n"
        "input n : f32[10000, 10]\ninput h : f32[6, 4, 70, 8]\n"
        "entry e -> a = sum(x, axis = 0), b = sum(x, axis = 1), c = scatter(v, i, 7), "
        "d = sum(n, axis = 0), f = sum(sum(h, axis = 2), axis = 0), g = max(x, axis = 0)\n";
    CU_ASSERT(run_program("shared sums", text, &(CompileOptions){.target = "gpu"}));
}

/* Scatters whose items look at some places together; indices that are none are left out, however far off. */
static void test_shared_scatters(void) {
    static const char text[] =
        "input i : i32[512]\ninput v : f32[512, 40]\ninput j : i32[64]\ninput u : f32[64, 300]\n"
        "entry e -> a = scatter(v, i, 7), b = scatter(v * v, (i - 1) * 3, 7), "
        "c = scatter(u, j * 1073741824 + j, 3)\n";
    CU_ASSERT(run_program("shared scatters", text, &(CompileOptions){.target = "gpu"}));
}

/* Where a group is one item: blocks of rows that lie in its memory, of rows of one element, of several axes and of a length
 * that is no multiple of a vector; several tables together, tables of many blocks, indices of two axes and none of which is
 * a row; what follows the sums, and what is scattered in a loop or in a chain. */
static void test_scatter_blocks(void) {
    static const char text[] =
        "input i : i32[512]\ninput j : i32[6, 45]\ninput v : f32[512, 40]\ninput u : f32[6, 45, 3, "
        "7]\n"
        "input n : i32[300]\nparam p : f32[700, 40] = 1\nparam q : f32[5000, 21] = 1\n"
        "w = p[i * 131 % 800 - 50]\n"
        "entry e -> a = scatter(v, i, 7), b = scatter(v * v, (i - 1) * 300, 1200), "
        "c = scatter(u, j * 1073741824 + j, 3), d = scatter(ones(300), n * n * n % 77, 77), "
        "f = scatter(u, j * j * 100 % 5001, 5000), "
        "g = scatter(v, i, 50) / maximum(scatter(ones(512, 1), i, 50), 1), "
        "h = softmax(scatter(v, i, 40)), k = scatter(i, i, 9)\n"
        "entry train -> m = mean(w) {\n"
        "    minimize mean(exp(w * v)) + mean(square(q[j * 999])) + mean(p[i]) by adam()\n}\n"
        "s = scan t in 0..6 with s = zeros(20, 21) { s = tanh(s + scatter(reshape(u[t], 45, 21), "
        "j[t], 20)) }\n"
        "entry loop -> s\n";
    CU_ASSERT(run_program("scatter blocks", text, &(CompileOptions){.target = "cpu"}));
    CU_ASSERT(run_program("scatter blocks", text, &(CompileOptions){.target = "cpu8"}));
}

/* An item has four elements where memory decides. */
static void test_wide_items(void) {
    static const char text[] = "input x : f32[2048, 2052]\ninput b : f32[2052]\n"
                               "entry e -> y = relu(x + b), z = x[:, 0:2051] * 2\n";
    CU_ASSERT(run_program("wide items", text, &(CompileOptions){.target = "gpu"}));
}

/* Small tiles by matrix units, of every size; operands that lie along what is contracted and not; edges. */
static void test_small_matrix(void) {
    static const struct {
        const char *tile, *x, *w, *y;
    } cases[] = {{"64 x 64", "[129, 64, 40]", "[129, 40, 64]", "relu(x @ w)"},
                 {"32 x 64", "[1000, 100]", "[100, 250]", "x @ w"},
                 {"32 x 64 of rows", "[1000, 100]", "[250, 100]", "x @ w'"},
                 {"32 x 32", "[250, 300]", "[250, 280]", "x' @ w"},
                 {"32 x 32 of rows, long", "[264, 520]", "[260, 520]", "x @ w'"},
                 {"32 x 32 of a batch", "[7, 100, 33]", "[7, 33, 90]", "x @ w + 1"}};
    static const char *const precisions[] = {"3xtf32", "tf32"};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t k = 0; k < COUNT_OF(precisions); k++) {
            char text[512];
            snprintf(text, sizeof(text), "input x : f32%s\ninput w : f32%s\nentry e -> y = %s\n",
                     cases[i].x, cases[i].w, cases[i].y);
            CU_ASSERT(
                run_program(cases[i].tile, text,
                            &(CompileOptions){.target = "gpu_mma", .precision = precisions[k]}));
        }
    }
    CU_ASSERT(run_program("the same, of several groups for a unit",
                          "input x : f32[512, 256]\ninput w : f32[256, 256]\ninput b : f32[256]\n"
                          "input c : f32[512, 256]\nentry e -> y = relu(x @ w + b) * c\n",
                          &(CompileOptions){.target = "gpu_wgmma"}));
    CU_ASSERT(run_program("more local memory than OpenCL gives",
                          "input x : f32[1024, 256]\ninput w : f32[1024, 256]\n"
                          "entry e -> y = x' @ w\n",
                          &(CompileOptions){.target = "gpu_wgmma"}));
}

/* By matrix units and without: so many results that the largest tiles are taken, once. */
static void test_matrix_units(void) {
    static const char text[] = "input x : f32[128, 72, 32]\ninput w : f32[128, 32, 256]\n"
                               "input b : f32[256]\nentry e -> y = relu(x @ w + b)\n";
    static const char *const precisions[] = {"3xtf32", "bf16", "f32"};
    for (size_t i = 0; i < COUNT_OF(precisions); i++)
        CU_ASSERT(run_program(precisions[i], text,
                              &(CompileOptions){.target = "gpu_mma", .precision = precisions[i]}));
}

/* By those that multiply for a group as a whole, with operands that are rounded before or on the way; of numbers that
 * rounding leaves as they are. */
static void test_wgmma(void) {
    static const char text[] =
        "input a0 : f32[256, 160]\ninput b0 : f32[160, 256]\ninput bias : f32[256]\n"
        "input c0 : f32[2, 252, 132]\ninput d0 : f32[2, 132, 248]\n"
        "input h : bf16[128, 192]\ninput g : bf16[256, 192]\ninput o : f32[251, 130]\n"
        "input q : bf16[160, 256]\ninput r : bf16[160, 256]\n"
        "fn rough(x) { return floor(x * 4) / 4 }\n"
        "a = rough(a0)\nb = rough(b0)\nhr = cast(rough(h), bf16)\ngr = cast(rough(g), bf16)\n"
        "odd = rough(o)\n"
        "entry plain -> nn = relu(a @ b + bias), tt = b' @ a'\n"
        "entry side -> nt = a @ a', tn = b' @ b\n"
        "entry edges -> y = rough(c0) @ rough(d0), z = odd @ odd'\n"
        "input e0 : f32[252, 136]\ninput e1 : f32[136, 256]\ninput e2 : f32[136, 248]\n"
        "entry down -> v = rough(e0) @ rough(e1) + bias\n"
        "entry across -> w = rough(e1)' @ rough(e2) * 2\n"
        "entry stored -> u = q' @ r\n"
        "entry halves -> ht = hr @ gr', th = gr @ hr'\n";
    static const char *const precisions[] = {"3xtf32", "tf32", "bf16"};
    static const char rounded[] = "input x : f32[256, 160]\ninput y : f32[160, 256]\n"
                                  "entry e -> nn = x @ y, nt = x @ x', tn = y' @ y\n";
    const uint32_t least = 9; /* of the products: not the odd ones */
    for (size_t i = 0; i < 2 * COUNT_OF(precisions); i++) {
        const bool before = i % 2;
        by_wgmma = copied = by_squares = whole = 0;
        CU_ASSERT(run_program(precisions[i / 2], text,
                              &(CompileOptions){.target = "gpu_wgmma",
                                                .precision = precisions[i / 2],
                                                .ready_products = before,
                                                .units = 1}));
        CU_ASSERT(by_wgmma >= least);
        CU_ASSERT(copied > 0); /* what is stored as bf16 */
        CU_ASSERT_EQUAL(by_squares + whole, 0);
        if (i < 2 || !before) continue;
        CU_ASSERT(run_program("rounded", rounded,
                              &(CompileOptions){.target = "gpu_wgmma",
                                                .precision = precisions[i / 2],
                                                .ready_products = ROUNDED,
                                                .units = 1}));
        CU_ASSERT(whole > 0);
        CU_ASSERT((by_squares > 0) == (i == 3));
    }
}

/* How often `what` stands in a text before `end`. */
static size_t times_before(const char *text, const char *what, const char *end) {
    size_t n = 0;
    while ((text = strstr(text, what)) && text < end) n++, text++;
    return n;
}

/* What follows the sums of large tiles reads all that it needs for some results before it stores the first. */
static void test_results_together(void) {
    static const char text[] = "input a : f32[256, 160]\ninput b : f32[160, 256]\n"
                               "input p : f32[256, 256]\ninput q : f32[256, 256]\n"
                               "entry e -> y = (a @ b) * p + q\n";
    static const CompileOptions ways[] = {
        {.target = "gpu_wgmma", .precision = "3xtf32", .units = 1},
        {.target = "gpu_wgmma", .precision = "tf32", .units = 1},
        {.target = "gpu_mma", .precision = "bf16", .units = 1}};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        CU_ASSERT(run_program("results together", text, &ways[i]));
        CompileResult r = compile_text("together.dlg", text, strlen(text), &ways[i]);
        CU_ASSERT_EQUAL_FATAL(r.status, 0);
        const char *results = strstr(r.text, "_sums_out(");
        CU_ASSERT_PTR_NOT_NULL_FATAL(results);
        const char *tile = strstr(r.text, "__kernel void k0(");
        while (results && tile && results < tile) results = strstr(results + 1, "_sums_out(");
        const char *stores = results ? strstr(results, " y[") : NULL;
        CU_ASSERT_PTR_NOT_NULL_FATAL(stores);
        CU_ASSERT_EQUAL(times_before(results, "= p[", stores), 16);
        CU_ASSERT_EQUAL(times_before(results, "= q[", stores), 16);
        compile_free(&r);
    }
}

/* Operands that copies have made ready for matrix units, in blocks: along what is contracted and not, with a batch, with
 * edges, and of bf16; where there are no whole blocks, others. */
static void test_ready(void) {
    static const char text[] =
        "input a : f32[224, 160]\ninput b : f32[160, 256]\ninput bias : f32[256]\n"
        "input c : f32[2, 128, 112]\ninput d : f32[2, 112, 200]\ninput e : f32[224, 136]\n"
        "input f : f32[250, 136]\ninput h : bf16[224, 160]\ninput g : bf16[160, 256]\n"
        "entry plain -> nn = relu(a @ b + bias), tt = b' @ a'\n"
        "entry batch -> y = c @ d\n"
        "entry part -> z = e @ f'\n"
        "entry stored -> u = h @ g, v = g' @ h'\n";
    static const char *const precisions[] = {"3xtf32", "tf32", "bf16"};
    static const uint32_t least[] = {2, 6, 5}; /* of the products */
    for (size_t i = 0; i < COUNT_OF(precisions); i++) {
        ready = copied = by_squares = whole = 0;
        CU_ASSERT(run_program(precisions[i], text,
                              &(CompileOptions){.target = "gpu_mma",
                                                .precision = precisions[i],
                                                .ready_products = ROUNDED,
                                                .units = 1}));
        CU_ASSERT_EQUAL(ready, least[i]);
        CU_ASSERT(copied > 0);
        CU_ASSERT((by_squares > 0 && whole > 0) ==
                  (i > 0)); /* one copy, not two that go together */
    }
}

/* Tiles of f32 that are copied while others are multiplied: along what is contracted and not, with edges, with an odd number
 * of stages, and as copies before that have turned them. */
static void test_staged(void) {
    static const char text[] =
        "input a : f32[150, 64]\ninput b : f32[64, 140]\ninput bias : f32[140]\n"
        "input c : f32[2, 130, 51]\ninput d : f32[2, 51, 133]\ninput e : f32[132, 48]\n"
        "input f : f32[136, 48]\nentry plain -> nn = relu(a @ b + bias), tt = b' @ a'\n"
        "entry batch -> y = c @ d\nentry part -> z = e @ f'\n";
    for (int turned = 0; turned < 2; turned++) {
        staged = by_squares = copied = 0;
        CU_ASSERT(run_program(
            "staged", text,
            &(CompileOptions){
                .target = "gpu_mma", .precision = "f32", .ready_products = turned, .units = 1}));
        CU_ASSERT_EQUAL(staged, 4);
        CU_ASSERT((by_squares > 0) == turned);
    }
}

/* The tiles that a graphics processor's contractions may also go by (tiles.h), with edges. */
static void test_other_tiles(void) {
    static const char text[] =
        "input a : f32[150, 51]\ninput b : f32[51, 390]\ninput bias : f32[390]\n"
        "input h : bf16[220, 136]\ninput g : bf16[256, 136]\n"
        "entry plain -> nn = relu(a @ b + bias), tt = b' @ a'\n"
        "entry halves -> y = h @ g'\n";
    static const CompileOptions options[] = {
        {.target = "gpu", .units = 1},
        {.target = "gpu_mma", .precision = "f32", .units = 1},
        {.target = "gpu_mma", .precision = "3xtf32", .units = 1},
        {.target = "gpu_mma", .precision = "tf32", .units = 1},
        {.target = "gpu_mma", .precision = "bf16", .units = 1, .ready_products = ROUNDED},
        {.target = "gpu_wgmma", .precision = "bf16", .units = 1}};
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        for (size_t rank = 1; rank < 3; rank++) {
            CompileOptions of_rank = options[i];
            of_rank.tile_rank = rank;
            CU_ASSERT(run_program("other tiles", text, &of_rank));
        }
    }
}

static void test_random(void) {
    uint32_t first = number_of("DLG_KERNEL_FIRST", 1), count = number_of("DLG_KERNEL_SEEDS", 40);
    RandomProgram *r = malloc(sizeof(*r));
    for (uint32_t seed = first; r && seed < first + count; seed++) {
        char name[64];
        random_program(r, (uint64_t)seed + 1000, seed % 2);
        snprintf(name, sizeof(name), "random-%u", seed);
        bool good = run_all(name, r->text);
        if (!good) report(r->text);
        CU_ASSERT(good);
    }
    free(r);
}

static void test_wild(void) {
    uint32_t first = number_of("DLG_KERNEL_FIRST", 1), count = number_of("DLG_WILD_SEEDS", 60);
    RandomWild *w = malloc(sizeof(*w));
    for (uint32_t seed = first; w && seed < first + count; seed++) {
        char name[64];
        random_wild(w, (uint64_t)seed, true);
        snprintf(name, sizeof(name), "wild-%u", seed);
        bool good = run_all(name, wild_text(w));
        if (!good) report(wild_text(w));
        CU_ASSERT(good);
    }
    free(w);
}

static void test_back(void) {
    uint32_t first = number_of("DLG_KERNEL_FIRST", 1), count = number_of("DLG_BACK_SEEDS", 20);
    RandomProgram *r = malloc(sizeof(*r));
    for (uint32_t seed = first; r && seed < first + count; seed++) {
        char name[64];
        random_back(r, seed);
        snprintf(name, sizeof(name), "back-%u", seed);
        bool good = run_all(name, r->text);
        if (!good) report(r->text);
        CU_ASSERT(good);
    }
    free(r);
}

/* Among all of these are programs that a smaller arena is made for. */
static void test_squeezed(void) {
    CU_ASSERT(squeezed >= 2 * number_of("DLG_KERNEL_WAYS", 10));
}

/* A fault that is put into the kernels is found, and the program that shows it becomes a few lines. */
static void test_fault(void) {
    RandomWild *w = malloc(sizeof(*w));
    int found = 0;
    broken_op = OP_TANH;
    quiet = true;
    for (int seed = 1; w && seed <= 12 && found < 3; seed++) {
        random_wild(w, (uint64_t)seed, true);
        if (!strstr(wild_text(w), "tanh(") || !still_fails(wild_text(w), NULL)) continue;
        shrink(wild_text(w), still_fails, NULL);
        int lines = 0;
        for (const char *c = wild_text(w); *c; c++) lines += *c == '\n';
        CU_ASSERT(strstr(wild_text(w), "tanh(") != NULL);
        CU_ASSERT(lines <= 12);
        if (lines > 12) fprintf(stderr, "%s\n", wild_text(w));
        found++;
    }
    quiet = false;
    broken_op = OP_COUNT;
    CU_ASSERT_EQUAL(found, 3);
    free(w);
}

RUN_SUITE("kernels", {"a fault on purpose", test_fault},
          {"the programs of tests/diff", test_programs}, {"the samples", test_samples},
          {"products", test_products}, {"tiles in local memory", test_local_tiles},
          {"shared sums", test_shared_sums}, {"shared scatters", test_shared_scatters},
          {"scatter blocks", test_scatter_blocks}, {"wide items", test_wide_items},
          {"small tiles by matrix units", test_small_matrix}, {"matrix units", test_matrix_units},
          {"wgmma", test_wgmma}, {"results together", test_results_together},
          {"ready operands", test_ready}, {"stages of f32", test_staged},
          {"other tiles", test_other_tiles}, {"programs made at random", test_random},
          {"wilder ones", test_wild}, {"there and back", test_back},
          {"some worked in a smaller arena", test_squeezed})

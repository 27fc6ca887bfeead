/* Every operator of ops.def, with its gradient, on the device against the reference: the cases of op_cases.h, for each
 * target.
 *
 * What runs where: building kernels is what takes the time, so a device gets the first form of each operator at every
 * second extent, the other forms at every fifth, each beginning with another one (what an extent asks for is the schedule's
 * matter, and the same for all operators); for the gpu target, whose kernels have no lanes, all forms at every fifth; under
 * sanitizers, and of loops, whose kernels cannot be shared, each form at one. Second derivatives are there at one extent.
 * DLG_OPS=all runs all forms at all extents, DLG_OPS=dot those of one operator. Without a device test_grad checks all of
 * it, to the second derivative.
 *
 * The relative error is 1e-5 at most: of each element that an elementwise operator makes; else of a tensor's greatest
 * element, for what is added up may cancel. What is not f32 is exact. Second derivatives alone, whose terms
 * cancel, may be off by what rounding does to them (noise.h). */
#include "device_fixture.h"
#include "noise.h"
#include "op_cases.h"

#include "codegen.h"
#include "dlg.h"

#define GROUP_CASES 8
#define CASE_VARS   6  /* of one case, at most */
#define SECOND_AT   17 /* the extent of second derivatives */

typedef struct Result {
    const char *what;
    bool each;  /* the error is relative to each element */
    bool noisy; /* a second derivative: its terms may cancel */
} Result;

typedef struct Ops {
    ArenaLimit limit;
    Arena arena;
    Program program;
    Fixture *group; /* of the entry that is being made; NULL: none */
    Entry *entry;
    uint32_t in_group, cases;
    bool gpu, sanitized;
    const char *only; /* NULL, "all", or the name of an operator */
    VEC(Fixture *) fixtures;
    VEC(Result) results; /* in the order of the outputs of all entries */
    VEC(double *) vars;
} Ops;

static bool is_loop_op(Op op) {
    return op == OP_ITERATION || op == OP_CARRY || op == OP_SCAN || op == OP_FINAL ||
           op == OP_STACK || op == OP_AT;
}

/* Whether a form is run at extents[i]. */
static bool on_device(const Ops *o, Op op, int form, size_t i) {
    size_t turn = i + (size_t)form + (size_t)op;
    if (o->only) return !strcmp(o->only, "all") || !strcmp(o->only, op_info[op].name);
    if (is_loop_op(op) || o->sanitized) return turn % COUNT_OF(extents) == 0;
    if (op == OP_CAST && !o->gpu) return true; /* each type has loads and stores of its own */
    return turn % (form == 0 && !o->gpu ? 2 : 5) == 0;
}

/* ---- The program ------------------------------------------------------------------------------- */

static void open_group(Ops *o) {
    Fixture *f = o->group = malloc(sizeof *f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fixture_open(f);
    vec_push(&o->arena, &o->fixtures, f);
    o->entry = NEW(&o->arena, Entry);
    o->entry->name = arena_printf(&o->arena, "group%u", o->fixtures.len);
    o->in_group = 0;
}

/* The group's variables become inputs of the program, and the group an entry. */
static void close_group(Ops *o) {
    Fixture *f = o->group;
    uint32_t first = o->vars.len;
    o->group = NULL;
    if (!o->in_group) return;
    for (uint32_t v = 0; v < f->var_count; v++) {
        const Node *n = node_at(&f->g, f->node[v]);
        Variable var = {.kind = VAR_INPUT,
                        .name = arena_printf(&o->arena, "in%u", first + v),
                        .dtype = (DType)n->dtype,
                        .shape = n->shape};
        vec_push(&o->arena, &o->program.vars, var);
        vec_push(&o->arena, &o->vars, f->vars[v]);
        n->attr[0] += (int32_t)first; /* nothing is made in this graph any more */
    }
    o->entry->graph = f->g;
    vec_push(&o->arena, &o->program.entries, o->entry);
}

static void add_result(Ops *o, NodeId node, bool each, const char *what) {
    const char *name = arena_printf(&o->arena, "out%u", o->results.len);
    vec_push(&o->arena, &o->entry->outputs, (Output){name, node});
    vec_push(&o->arena, &o->results, (Result){what, each, false});
}

static NodeId sum_of_squares(Fixture *f, NodeId x) {
    static const int32_t axes[MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    x = node_cast(&f->g, x, DT_F32);
    return node_reduce(&f->g, OP_SUM, times(f, x, x), axes, node_at(&f->g, x)->shape.rank);
}

/* The gradients of y for the variables from `first` on. Returns a number made of them, or NO_NODE. */
static NodeId add_gradients(Ops *o, NodeId y, uint32_t first, const char *what, bool noisy) {
    Fixture *f = o->group;
    NodeId grad[FIXTURE_VARS], squares[FIXTURE_VARS];
    uint32_t n = f->var_count - first, count = 0;
    CU_ASSERT(grad_build(&f->g, y, f->node + first, n, grad));
    for (uint32_t v = 0; v < n; v++) {
        if (grad[v] == NO_NODE) continue;
        add_result(o, grad[v], false, arena_printf(&o->arena, "%s %u", what, v));
        o->results.at[o->results.len - 1].noisy = noisy;
        squares[count++] = sum_of_squares(f, grad[v]);
    }
    return count ? node_gradsum(&f->g, squares, count) : NO_NODE;
}

static void add_case(Ops *o, Op op, int form, int n) {
    if (o->group && (o->in_group == (is_loop_op(op) ? 1 : GROUP_CASES) ||
                     o->group->var_count + CASE_VARS > FIXTURE_VARS))
        close_group(o);
    if (!o->group) open_group(o);
    Fixture *f = o->group;
    uint32_t first = f->var_count;
    Case c = make_case(f, op, form, n);
    const char *what = arena_printf(&o->arena, "%s, form %d at %d", op_info[op].name, form, n);
    CU_ASSERT_FATAL(f->var_count - first <= CASE_VARS);
    add_result(o, c.result, op_info[op].elementwise, what);
    NodeId y = add_gradients(o, sum_of_squares(f, c.result), first,
                             arena_printf(&o->arena, "%s, gradient", what), false);
    CU_ASSERT(y == NO_NODE || c.slope != FLAT);
    if ((n == SECOND_AT || is_loop_op(op)) && c.slope == SMOOTH && y != NO_NODE)
        add_gradients(o, y, first, arena_printf(&o->arena, "%s, second derivative", what), true);
    o->in_group++;
    o->cases++;
}

/* How many forms an operator has. */
static int count_forms(Op op) {
    for (int form = 0;; form++) {
        Fixture f;
        fixture_open(&f);
        bool there = make_case(&f, op, form, extents[0]).result != NO_NODE;
        fixture_close(&f);
        if (!there) return form;
    }
}

static void add_all(Ops *o) {
    int forms[OP_COUNT], all = 0;
    for (int op = 0; op < OP_COUNT; op++) {
        forms[op] = count_forms((Op)op);
        all += forms[op];
        CU_ASSERT(forms[op] > 0);
        if (forms[op] == 0) fprintf(stderr, "%s has no case\n", op_info[op].name);
    }
    for (size_t i = 0; i < COUNT_OF(extents); i++) {
        for (int op = 0; op < OP_COUNT; op++) {
            for (int form = 0; form < forms[op]; form++) {
                if (on_device(o, (Op)op, form, i)) add_case(o, (Op)op, form, extents[i]);
            }
        }
        if (o->group) close_group(o);
    }
    CU_ASSERT(o->cases >= (uint32_t)(o->only ? 1 : all)); /* each at one extent, at least */
}

/* ---- Running it -------------------------------------------------------------------------------- */

static void set_inputs(const Ops *o, dlg_program *prog) {
    for (uint32_t v = 0; v < o->vars.len; v++) {
        const dlg_tensor *t = dlg_tensor_find(prog, o->program.vars.at[v].name);
        if (!t) continue; /* an input that the case has no use for */
        char *raw = malloc(t->bytes);
        CU_ASSERT_PTR_NOT_NULL_FATAL(raw);
        for (uint64_t i = 0; i < t->elems; i++) {
            CU_ASSERT_EQUAL(dlg_put_element(t->type, raw, i, o->vars.at[v][i]), DLG_OK);
            CU_ASSERT_EQUAL(dlg_element(t->type, raw, i), o->vars.at[v][i]);
        }
        CU_ASSERT_EQUAL(dlg_set(prog, t->user_name, raw, t->bytes), DLG_OK);
        free(raw);
    }
}

static bool same_output(const Result *r, dlg_program *prog, const char *name, const double *want,
                        const Noise *noise) {
    const dlg_tensor *t = dlg_tensor_find(prog, name);
    if (!t) return fprintf(stderr, "%s: there is no %s\n", r->what, name), false;
    char *raw = malloc(t->bytes);
    const double *allowed = NULL;
    double greatest = 0;
    bool same = raw && dlg_get(prog, name, raw, t->bytes) == DLG_OK;
    for (uint64_t i = 0; i < t->elems; i++)
        greatest = fmax(greatest, isfinite(want[i]) ? fabs(want[i]) : 0);
    for (uint64_t i = 0; i < t->elems && same; i++) {
        double got = dlg_element(t->type, raw, i);
        double slack = t->type == DLG_F32 ? 1e-5 * (r->each ? fabs(want[i]) : greatest) : 0;
        if (got == want[i] || (isnan(got) && isnan(want[i])) || fabs(got - want[i]) <= slack)
            continue;
        if (r->noisy && t->type == DLG_F32 && !allowed) allowed = noise_of(noise);
        if (allowed && fabs(got - want[i]) <= allowed[i]) continue;
        fprintf(stderr, "%s: element %d is %.9g, by the reference %.9g\n", r->what, (int)i, got,
                want[i]);
        same = false;
    }
    free(raw);
    return same;
}

static void run_all(Ops *o, dlg_program *prog) {
    uint32_t result = 0;
    for (uint32_t g = 0; g < o->program.entries.len; g++) {
        const Entry *e = o->program.entries.at[g];
        Arena *scratch = arena_open(&o->arena);
        double **results = NEW_ARRAY(scratch, double *, e->graph.nodes.len);
        interp_run(&e->graph, scratch, o->vars.at, results);
        CU_ASSERT_EQUAL(dlg_run(prog, e->name), DLG_OK);
        for (uint32_t i = 0; i < e->outputs.len; i++, result++) {
            const Noise noise = {&e->graph, &o->arena, o->vars.at, results, e->outputs.at[i].node,
                                 false};
            bool same = same_output(&o->results.at[result], prog, e->outputs.at[i].name,
                                    results[e->outputs.at[i].node], &noise);
            CU_ASSERT(same);
        }
        arena_close(scratch);
    }
    CU_ASSERT_EQUAL(result, o->results.len);
}

static void run_kind(const char *kind) {
    Ops *o = calloc(1, sizeof *o);
    dlg_device *dev = open_device();
    const char *target = target_of_kind(dev, kind);
    dlg_program *prog = NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    set_optimisation(dev, target);
    o->only = getenv("DLG_OPS");
    o->sanitized = getenv("DLG_SANITIZE") != NULL;
    o->gpu = strcmp(kind, "gpu") == 0;
    o->limit.limit_bytes = (size_t)2 << 30;
    if (setjmp(o->limit.failed)) {
        fprintf(stderr, "the test ran out of its arena\n");
        exit(1);
    }
    arena_init(&o->arena, &o->limit);
    o->program.arena = &o->arena;
    o->program.model = "ops";
    o->program.path = "ops.dlg";
    add_all(o);
    Text text;
    text_init(&text, &o->arena);
    simplify_program(&o->program);
    CU_ASSERT_EQUAL(emit_program(&o->program, &(CompileOptions){.target = target}, &o->arena, &text,
                                 NULL, NULL),
                    NO_NODE);
    int status = dlg_program_load_text(&prog, dev, "ops.cl", text.at, text.len, NULL);
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(dev));
    CU_ASSERT_EQUAL_FATAL(status, DLG_OK);
    set_inputs(o, prog);
    run_all(o, prog);
    dlg_program_close(prog);
    dlg_device_close(dev);
    for (uint32_t i = 0; i < o->fixtures.len; i++) {
        fixture_close(o->fixtures.at[i]);
        free(o->fixtures.at[i]);
    }
    arena_free(&o->arena);
    free(o);
}

static void test_cpu(void) {
    run_kind("cpu");
}

static void test_gpu(void) {
    if (!getenv("DLG_SANITIZE")) run_kind("gpu"); /* building kernels is slow there, and the same */
}

RUN_SUITE("ops", {"for cpu", test_cpu}, {"for gpu", test_gpu})

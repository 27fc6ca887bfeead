/* Every operator of ops.def, with its gradient, on the device against the reference: all cases of op_cases.h as
 * entries of one program, for each target. The relative error is 1e-5 at most. */
#include "op_cases.h"

#include "codegen.h"
#include "dlg.h"

#define MOST_CASES 800

typedef struct Ops {
    ArenaLimit limit;
    Arena arena;
    Program program;
    Fixture *cases[MOST_CASES];
    char what[MOST_CASES][48];
    uint32_t count;
    VEC(double *) vars;
} Ops;

static const char *text_of(Ops *o, const char *fmt, uint32_t a, uint32_t b) {
    char text[64];
    snprintf(text, sizeof text, fmt, a, b);
    return arena_strndup(&o->arena, text, strlen(text));
}

/* A case and the gradient of the sum of its squares, as an entry. */
static void add_case(Ops *o, Fixture *f, NodeId result) {
    uint32_t c = o->count++, first = o->vars.len;
    Entry *e = NEW(&o->arena, Entry);
    e->name = text_of(o, "case%u", c, 0);
    vec_push(&o->arena, &e->outputs, (Output){text_of(o, "out%u", c, 0), result});
    if (node_at(&f->g, result)->dtype == DT_F32) {
        NodeId grad[FIXTURE_VARS], y = node_ew(&f->g, OP_MUL, result, result, NO_NODE);
        int32_t axes[MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
        y = node_reduce(&f->g, OP_SUM, y, axes, node_at(&f->g, y)->shape.rank);
        CU_ASSERT(grad_build(&f->g, y, f->node, f->var_count, grad));
        for (uint32_t v = 0; v < f->var_count; v++) {
            if (grad[v] != NO_NODE)
                vec_push(&o->arena, &e->outputs, (Output){text_of(o, "grad%u_%u", c, v), grad[v]});
        }
    }
    for (uint32_t v = 0; v < f->var_count; v++) {
        const Node *n = node_at(&f->g, f->node[v]);
        Variable var = {.kind = VAR_INPUT,
                        .name = text_of(o, "in%u_%u", c, v),
                        .dtype = (DType)n->dtype,
                        .shape = n->shape};
        vec_push(&o->arena, &o->program.vars, var);
        vec_push(&o->arena, &o->vars, f->vars[v]);
        n->attr[0] += (int32_t)first; /* nothing is made in this graph any more */
    }
    e->graph = f->g;
    vec_push(&o->arena, &o->program.entries, e);
    o->cases[c] = f;
}

static void add_all(Ops *o) {
    for (int op = 0; op < OP_COUNT; op++) {
        for (int k = 0;; k++) {
            Fixture *f = malloc(sizeof *f);
            CU_ASSERT_PTR_NOT_NULL_FATAL(f);
            fixture_open(f);
            Case c = make_case(f, (Op)op, k);
            if (c.result == NO_NODE || o->count == MOST_CASES) {
                CU_ASSERT(o->count < MOST_CASES);
                fixture_close(f);
                free(f);
                break;
            }
            snprintf(o->what[o->count], sizeof o->what[0], "%s, case %d", op_info[op].name, k);
            add_case(o, f, c.result);
        }
    }
}

static void set_inputs(const Ops *o, dlg_program *prog) {
    for (uint32_t v = 0; v < o->vars.len; v++) {
        const dlg_tensor *t = dlg_tensor_find(prog, o->program.vars.at[v].name);
        if (!t) continue; /* an input that the case has no use for */
        char *raw = malloc(t->bytes);
        CU_ASSERT_PTR_NOT_NULL_FATAL(raw);
        for (uint64_t i = 0; i < t->elems; i++) dlg_put_element(t->type, raw, i, o->vars.at[v][i]);
        CU_ASSERT_EQUAL(dlg_set(prog, t->user_name, raw, t->bytes), DLG_OK);
        free(raw);
    }
}

static bool same_output(Ops *o, uint32_t c, dlg_program *prog, const Output *out,
                        const double *want) {
    const dlg_tensor *t = dlg_tensor_find(prog, out->name);
    if (!t) return fprintf(stderr, "%s: there is no %s\n", o->what[c], out->name), false;
    char *raw = malloc(t->bytes);
    double scale = 1e-30;
    bool same = raw && dlg_get(prog, out->name, raw, t->bytes) == DLG_OK;
    for (uint64_t i = 0; i < t->elems; i++)
        scale = fmax(scale, isfinite(want[i]) ? fabs(want[i]) : 0);
    for (uint64_t i = 0; i < t->elems && same; i++) {
        double got = dlg_element(t->type, raw, i);
        if (got == want[i] || (isnan(got) && isnan(want[i])) || fabs(got - want[i]) <= 1e-5 * scale)
            continue;
        fprintf(stderr, "%s: %s, element %d is %.9g, by the reference %.9g\n", o->what[c],
                out->name, (int)i, got, want[i]);
        same = false;
    }
    free(raw);
    return same;
}

static void run_target(const char *target) {
    Ops *o = calloc(1, sizeof *o);
    dlg_device *dev;
    dlg_program *prog = NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    o->limit.limit_bytes = (size_t)2 << 30;
    if (setjmp(o->limit.failed)) {
        fprintf(stderr, "the test ran out of its arena\n");
        exit(1);
    }
    arena_init(&o->arena, &o->limit);
    o->program.arena = &o->arena;
    o->program.model = "ops";
    o->program.path = "ops.dlg";
    CU_ASSERT_EQUAL_FATAL(dlg_device_open(&dev, NULL), DLG_OK);
    add_all(o);
    Text text;
    text_init(&text, &o->arena);
    simplify_program(&o->program);
    CU_ASSERT_EQUAL(
        emit_program(&o->program, &(CompileOptions){.target = target}, &o->arena, &text), NO_NODE);
    int status = dlg_program_load_text(&prog, dev, "ops.cl", text.at, text.len, NULL);
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(dev));
    CU_ASSERT_EQUAL_FATAL(status, DLG_OK);
    set_inputs(o, prog);
    for (uint32_t c = 0; c < o->count; c++) {
        const Entry *e = o->program.entries.at[c];
        double **results = NEW_ARRAY(&o->arena, double *, e->graph.nodes.len);
        interp_run(&e->graph, &o->arena, o->vars.at, results);
        CU_ASSERT_EQUAL(dlg_run(prog, e->name), DLG_OK);
        for (uint32_t i = 0; i < e->outputs.len; i++) {
            bool same = same_output(o, c, prog, &e->outputs.at[i], results[e->outputs.at[i].node]);
            CU_ASSERT(same);
        }
    }
    CU_ASSERT(o->count > 150);
    dlg_program_close(prog);
    dlg_device_close(dev);
    for (uint32_t c = 0; c < o->count; c++) {
        fixture_close(o->cases[c]);
        free(o->cases[c]);
    }
    arena_free(&o->arena);
    free(o);
}

static void test_cpu(void) {
    run_target("cpu");
}

static void test_gpu(void) {
    if (!getenv("DLG_SANITIZE"))
        run_target("gpu"); /* building kernels is slow there, and the same */
}

RUN_SUITE("ops", {"for cpu", test_cpu}, {"for gpu", test_gpu})

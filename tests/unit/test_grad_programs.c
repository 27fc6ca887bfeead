/* Gradients of whole programs, made at random, against central differences along a random direction:
 * what the language lowers to and what differentiation makes of it, by the reference interpreter. */
#include "ast.h"
#include "compile.h"
#include "embedded.h"
#include "ir.h"
#include "random_program.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRAMS 150

typedef struct Trial {
    ArenaLimit limit;
    Arena arena;
    Program *program;
    double **vars, **direction; /* one a variable */
    RandomProgram random;
} Trial;

static Program *lower_text(Trial *t) {
    Names names;
    Diags diags;
    Sources sources = {.arena = &t->arena};
    CompileOptions options = {0};
    names_init(&names, &t->arena);
    diags_init(&diags, &t->arena, &sources);
    uint32_t prelude = source_add(&sources, "prelude.dlg", dlg_prelude, dlg_prelude_len);
    uint32_t file = source_add(&sources, "random", t->random.text, t->random.len);
    Ast *prelude_ast = ast_parse(&t->arena, &names, &diags, prelude);
    Ast *ast = ast_parse(&t->arena, &names, &diags, file);
    if (diags.errors) return NULL;
    return lower_program(&t->arena, &names, &diags, prelude_ast, ast, &options);
}

static double draw(Trial *t) {
    return random_below(&t->random, 2000001) / 1e6 - 1;
}

static void draw_variables(Trial *t) {
    uint32_t count = t->program->vars.len;
    t->vars = NEW_ARRAY(&t->arena, double *, count);
    t->direction = NEW_ARRAY(&t->arena, double *, count);
    for (uint32_t v = 0; v < count; v++) {
        int64_t elems = shape_elems(&t->program->vars.at[v].shape);
        t->vars[v] = NEW_ARRAY(&t->arena, double, elems);
        t->direction[v] = NEW_ARRAY(&t->arena, double, elems);
        for (int64_t i = 0; i < elems; i++) {
            t->vars[v][i] = draw(t);
            t->direction[v][i] = draw(t);
        }
    }
}

/* vars[v] += step * direction[v], then the first output of the entry, then back. */
static double loss_at(Trial *t, const Entry *entry, uint32_t v, double step) {
    int64_t elems = shape_elems(&t->program->vars.at[v].shape);
    double *kept = t->vars[v];
    Arena scratch;
    arena_init(&scratch, &t->limit);
    t->vars[v] = NEW_ARRAY(&scratch, double, elems);
    for (int64_t i = 0; i < elems; i++) t->vars[v][i] = kept[i] + step * t->direction[v][i];
    double **results = NEW_ARRAY(&scratch, double *, entry->graph.nodes.len);
    interp_run(&entry->graph, &scratch, t->vars, results);
    double loss = results[entry->outputs.at[0].node][0];
    t->vars[v] = kept;
    arena_free(&scratch);
    return loss;
}

/* Each update is `v <- v - 0.1 * gradient`: the gradient is read off it. */
static bool check_entry(Trial *t, const Entry *entry) {
    double **results = NEW_ARRAY(&t->arena, double *, entry->graph.nodes.len);
    interp_run(&entry->graph, &t->arena, t->vars, results);
    for (uint32_t u = 0; u < entry->updates.len; u++) {
        const Update *update = &entry->updates.at[u];
        uint32_t v = update->var;
        if (t->program->vars.at[v].kind != VAR_PARAM) continue; /* the step */
        const double h = 1e-5, *after = results[update->node];
        double symbolic = 0;
        for (int64_t i = 0; i < shape_elems(&t->program->vars.at[v].shape); i++) {
            symbolic += (t->vars[v][i] - after[i]) / 0.1 * t->direction[v][i];
        }
        double numeric = (loss_at(t, entry, v, h) - loss_at(t, entry, v, -h)) / (2 * h);
        if (!(fabs(symbolic - numeric) <= 1e-5 * (1 + fabs(numeric)))) {
            fprintf(stderr, "%s\n%s: %.9g, by differences %.9g\n", t->random.text,
                    t->program->vars.at[v].name, symbolic, numeric);
            return false;
        }
    }
    return entry->updates.len > 0;
}

static bool check_program(Trial *t, uint64_t seed) {
    random_program(&t->random, seed, true);
    t->program = lower_text(t);
    if (!t->program) return fprintf(stderr, "%s\n", t->random.text), false;
    draw_variables(t);
    for (uint32_t i = 0; i < t->program->entries.len; i++) {
        const Entry *entry = t->program->entries.at[i];
        if (!strcmp(entry->name, "learn") && !entry->variant) return check_entry(t, entry);
    }
    return false;
}

static void test_random_programs(void) {
    Trial *t = calloc(1, sizeof(*t));
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    for (volatile uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        memset(t, 0, sizeof(*t));
        t->limit.limit_bytes = (size_t)1 << 30;
        arena_init(&t->arena, &t->limit);
        volatile bool good = false;
        if (!setjmp(t->limit.failed)) good = check_program(t, seed);
        CU_ASSERT(good);
        arena_free(&t->arena);
    }
    free(t);
}

RUN_SUITE("grad_programs", {"programs made at random", test_random_programs})

/* reference: see reference.h. A derivative is checked on a graph of its own, which holds what the loss
 * needs and nothing else, so that each difference costs one forward pass.
 *
 * Requires: graphs as they were lowered. Establishes: all memory is under one limit; running out of it
 * ends the call, not the process. */
#include "reference.h"

#include <math.h>
#include <stdlib.h>

#define MISS                  1e-4 /* a derivative that is farther off than this is looked at more closely */
#define LARGE_OPERATIONS      2e9 /* of an entry, from which on it is rounded in half as many ways */
#define REFERENCE_LIMIT_BYTES ((size_t)4 << 30)

CompileResult reference_open(Reference **out, const char *path, const CompileOptions *options) {
    CompiledGraphs *graphs;
    *out = NULL;
    CompileResult result = compile_graphs(path, options, &graphs);
    if (result.status) return result;
    Reference *r = calloc(1, sizeof *r);
    if (!r) {
        compile_graphs_free(graphs);
        result.status = 3;
        return result;
    }
    r->graphs = graphs;
    r->program = compiled_program(graphs);
    r->limit.limit_bytes = REFERENCE_LIMIT_BYTES;
    arena_init(&r->values, &r->limit);
    arena_init(&r->results, &r->limit);
    if (setjmp(r->limit.failed)) {
        reference_close(r);
        result.status = 3;
        return result;
    }
    r->vars = NEW_ARRAY(&r->values, double *, r->program->vars.len + 1);
    for (uint32_t v = 0; v < r->program->vars.len; v++) {
        int64_t elems = shape_elems(&r->program->vars.at[v].shape);
        r->vars[v] = NEW_ARRAY(&r->values, double, elems);
    }
    *out = r;
    return result;
}

void reference_close(Reference *r) {
    if (!r) return;
    arena_free(&r->results);
    arena_free(&r->values);
    compile_graphs_free(r->graphs);
    free(r);
}

/* What is asked for of an entry's values: what it gives, and what its derivatives are held at. */
static bool *kept_values(const Entry *entry, Arena *a) {
    const Graph *g = &entry->graph;
    bool *keep = NEW_ARRAY(a, bool, g->nodes.len + 1);
    for (uint32_t i = 0; i < entry->outputs.len; i++) keep[entry->outputs.at[i].node] = true;
    for (uint32_t i = 0; i < entry->updates.len; i++) keep[entry->updates.at[i].node] = true;
    for (uint32_t i = 0; i < entry->derivatives.len; i++) {
        const Derivative *d = &entry->derivatives.at[i];
        keep[d->y] = keep[d->wrt] = keep[d->gradient] = true;
    }
    for (NodeId id = 0; id < g->nodes.len && entry->derivatives.len; id++)
        keep[id] = keep[id] || (node_at(g, id)->op == OP_STOP && node_at(g, id)->loop == 0);
    return keep;
}

double reference_bytes(Reference *r, const Entry *entry) {
    if (setjmp(r->limit.failed)) {
        arena_close_all(&r->limit);
        return 0;
    }
    Arena *a = arena_open(&r->values);
    double bytes = interp_bytes(&entry->graph, a, kept_values(entry, a));
    arena_close(a);
    return bytes;
}

double reference_most_bytes(void) {
    return (double)REFERENCE_LIMIT_BYTES;
}

double reference_operations(const Entry *entry) {
    return interp_operations(&entry->graph);
}

static double **run_entry(Reference *r, const Entry *entry, Arena *a) {
    double **results = NEW_ARRAY(a, double *, entry->graph.nodes.len + 1);
    interp_run_some(&entry->graph, a, r->vars, 0, kept_values(entry, a), results);
    return results;
}

static void forget(Reference *r) {
    arena_close_all(&r->limit);
    arena_free(&r->results);
    r->ran = NULL;
}

double **reference_run(Reference *r, const Entry *entry) {
    forget(r);
    if (reference_bytes(r, entry) > (double)REFERENCE_LIMIT_BYTES)
        return NULL; /* before it takes time */
    if (setjmp(r->limit.failed)) {
        forget(r);
        return NULL;
    }
    r->ran_results = run_entry(r, entry, &r->results);
    r->ran = entry;
    return r->ran_results;
}

double **reference_noise(Reference *r, const Entry *entry, double *const *results,
                         const bool *wanted) {
    const Graph *g = &entry->graph;
    if (setjmp(r->limit.failed)) {
        forget(r);
        return NULL;
    }
    double **noise = NEW_ARRAY(&r->results, double *, g->nodes.len + 1);
    for (NodeId id = 0; id < g->nodes.len; id++)
        if (wanted[id])
            noise[id] = NEW_ARRAY(&r->results, double, shape_elems(&node_at(g, id)->shape));
    const bool large = interp_operations(g) > LARGE_OPERATIONS;
    for (uint64_t way = 1; way <= (large ? REFERENCE_ROUNDINGS / 2 : REFERENCE_ROUNDINGS); way++) {
        Arena *a = arena_open(&r->results);
        double **rounded = NEW_ARRAY(a, double *, g->nodes.len + 1);
        interp_run_some(g, a, r->vars, way, wanted, rounded);
        for (NodeId id = 0; id < g->nodes.len; id++) {
            int64_t elems = wanted[id] ? shape_elems(&node_at(g, id)->shape) : 0;
            for (int64_t i = 0; i < elems; i++) {
                double off = fabs(rounded[id][i] - results[id][i]);
                if (isfinite(off)) noise[id][i] = fmax(noise[id][i], off);
            }
        }
        arena_close(a);
    }
    return noise;
}

/* ---- Derivatives ------------------------------------------------------------------------------ */

typedef struct Forward { /* the graph of what is differentiated, and its variables */
    Graph g;
    NodeId y;
    bool *keep; /* y alone */
    double **vars;
    uint32_t moved; /* the one that the derivative is by */
} Forward;

static bool becomes_variable(const Node *n, NodeId id, const Derivative *d) {
    return n->loop == 0 && (n->op == OP_STOP || (n->op == OP_NAMED && id == d->wrt));
}

/* The nodes that y needs. What stands outside of loops under stop_gradient becomes a variable that
 * holds its value: a difference must not see it change. So does a binding that is moved. */
static void extract(Reference *r, Arena *a, const Entry *entry, const Derivative *d,
                    double *const *values, Forward *f) {
    const Graph *from = &entry->graph;
    const NodeId y = d->y;
    uint32_t vars = r->program->vars.len, stops = 0;
    bool *need = NEW_ARRAY(a, bool, from->nodes.len + 1);
    NodeId *to = NEW_ARRAY(a, NodeId, from->nodes.len + 1);
    need[y] = true;
    for (NodeId id = y + 1; id-- > 0;) {
        const Node *n = node_at(from, id);
        bool stop = becomes_variable(n, id, d);
        stops += need[id] && stop;
        for (uint32_t i = 0; i < n->argc && need[id] && !stop; i++) need[n->args[i]] = true;
    }
    f->vars = NEW_ARRAY(a, double *, vars + stops + 1);
    if (vars) memcpy(f->vars, r->vars, vars * sizeof *f->vars);
    graph_init_like(&f->g, a, from);
    for (NodeId id = 0; id <= y; id++) {
        const Node *n = node_at(from, id);
        if (!need[id]) continue;
        if (becomes_variable(n, id, d)) {
            if (id == d->wrt) f->moved = vars;
            f->vars[vars] = values[id];
            to[id] = node_var(&f->g, vars++, (DType)n->dtype, &n->shape);
            continue;
        }
        Node copy = *n;
        copy.args = NEW_ARRAY(a, NodeId, n->argc + 1);
        for (uint32_t i = 0; i < n->argc; i++) copy.args[i] = to[n->args[i]];
        to[id] = node_make(&f->g, &copy);
    }
    f->y = to[y];
    f->keep = NEW_ARRAY(a, bool, f->g.nodes.len + 1);
    f->keep[f->y] = true;
}

/* NULL, or what makes differences say nothing of a gradient. */
static const char *why_not(const Graph *from, const Derivative *d, const Graph *g, uint32_t var) {
    bool found = false;
    if (node_at(from, d->y)->loop || node_at(from, d->wrt)->loop) return "it is inside a loop";
    for (NodeId id = 0; id < g->nodes.len; id++) {
        const Node *n = node_at(g, id);
        found = found || (n->op == OP_VAR && (uint32_t)n->attr[0] == var);
        if (n->op == OP_CAST && (n->dtype == DT_F16 || n->dtype == DT_BF16) &&
            !dtype_holds((DType)n->dtype, (DType)node_at(g, n->args[0])->dtype))
            return "the value rounds to f16 or bf16 on the way";
    }
    return found ? NULL : "the value is under stop_gradient alone";
}

/* y where the variable has moved along the direction. */
static double at_step(Forward *f, double *moved, const double *x, const double *direction,
                      int64_t elems, double step) {
    Arena *a = arena_open(f->g.arena);
    for (int64_t i = 0; i < elems; i++) moved[i] = x[i] + step * direction[i];
    f->vars[f->moved] = moved;
    double **results = NEW_ARRAY(a, double *, f->g.nodes.len + 1);
    interp_run_some(&f->g, a, f->vars, 0, f->keep, results);
    double y = results[f->y][0];
    arena_close(a);
    return y;
}

/* What rounding in double may do to y near x: some times what it does in f32, with 29 bits less. */
static double noise_of(Forward *f, double *x, double y) {
    double most = fabs(y) * 0x1p-24;
    f->vars[f->moved] = x;
    for (uint64_t way = 1; way <= REFERENCE_ROUNDINGS; way++) {
        Arena *a = arena_open(f->g.arena);
        double **results = NEW_ARRAY(a, double *, f->g.nodes.len + 1);
        interp_run_some(&f->g, a, f->vars, way, f->keep, results);
        double off = fabs(results[f->y][0] - y);
        if (isfinite(off)) most = fmax(most, off);
        arena_close(a);
    }
    return 16 * most * 0x1p-29;
}

/* Fills *out, but for `beside`; *kink: y has one here, and the rest says nothing. */
static void check(Reference *r, Arena *a, const Entry *entry, const Derivative *d,
                  double *const *values, uint64_t seed, DerivativeCheck *out, bool *kink) {
    Forward f = {0};
    const Node *wrt = node_at(&entry->graph, d->wrt);
    *out = (DerivativeCheck){.var = wrt->op == OP_VAR ? (uint32_t)wrt->attr[0] : 0};
    *kink = false;
    f.moved = wrt->op == OP_VAR ? out->var : UINT32_MAX; /* until extract makes one of a binding */
    if (node_at(&entry->graph, d->y)->loop == 0) extract(r, a, entry, d, values, &f);
    out->skipped = why_not(&entry->graph, d, &f.g, f.moved);
    if (!out->skipped && !isfinite(values[d->y][0])) out->skipped = "the value is not finite here";
    if (out->skipped) return;
    int64_t elems = shape_elems(&wrt->shape);
    const double *x = values[d->wrt], *gradient = values[d->gradient];
    double *direction = NEW_ARRAY(a, double, elems), *moved = NEW_ARRAY(a, double, elems);
    double greatest = 0, squares = 0;
    for (int64_t i = 0; i < elems; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        direction[i] = (double)(seed >> 11) / 4503599627370496.0 - 1;
        out->symbolic += gradient[i] * direction[i];
        squares += gradient[i] * gradient[i] * direction[i] * direction[i];
        greatest = fmax(greatest, fabs(x[i]));
    }
    const double h = 1e-6 * fmax(greatest, 1e-2);
    double above = at_step(&f, moved, x, direction, elems, h);
    double below = at_step(&f, moved, x, direction, elems, -h);
    if (!isfinite(above) || !isfinite(below)) {
        out->skipped = "the value is not finite beside here";
        return;
    }
    out->difference = (above - below) / (2 * h);
    /* Below this a difference is the rounding of y. */
    double noise = 4e-16 * fmax(fabs(above), fabs(below)) / h;
    double scale = fmax(fmax(fabs(out->difference), sqrt(squares)), 1e-12);
    double miss = fabs(out->symbolic - out->difference);
    out->miss = miss / scale;
    if (out->miss > MISS && miss > noise) {
        double here = at_step(&f, moved, x, direction, elems, 0); /* `moved` is x */
        noise = fmax(noise, noise_of(&f, moved, here) / h);
        double left = (here - below) / h, right = (above - here) / h;
        *kink = fabs(right - left) > MISS * scale + 4 * noise;
    }
    out->error = miss <= noise ? 0 : out->miss;
}

/* Adds a little to each param, so that none stands at a place of note, as 0 is. */
static void nudge(Reference *r, Arena *a, uint64_t seed) {
    for (uint32_t v = 0; v < r->program->vars.len; v++) {
        const Variable *var = &r->program->vars.at[v];
        if (var->kind != VAR_PARAM) continue;
        int64_t elems = shape_elems(&var->shape);
        double *nudged = NEW_ARRAY(a, double, elems);
        for (int64_t i = 0; i < elems; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            double by = (double)(seed >> 11) / 4503599627370496.0 - 1;
            nudged[i] = dtype_cast((DType)var->dtype, r->vars[v][i] + 0.02 * by);
        }
        r->vars[v] = nudged;
    }
}

/* The check with params moved a little; the vars are as before when it is done, or has failed. */
static bool check_beside(Reference *r, const Entry *entry, const Derivative *d, uint64_t seed,
                         DerivativeCheck *out, bool *kink) {
    const uint32_t count = r->program->vars.len;
    double **const vars = r->vars, **volatile copy = malloc((count + 1) * sizeof *copy);
    volatile bool done = false;
    if (!copy) return false;
    memcpy(copy, vars, count * sizeof *copy);
    if (2 * reference_bytes(r, entry) > (double)REFERENCE_LIMIT_BYTES) forget(r);
    if (!setjmp(r->limit.failed)) {
        Arena *a = arena_open(&r->results);
        r->vars = copy;
        nudge(r, a, seed);
        check(r, a, entry, d, run_entry(r, entry, a), seed, out, kink);
        out->beside = true;
        arena_close(a);
        done = true;
    } else {
        forget(r);
    }
    r->vars = vars;
    free(copy);
    return done;
}

bool reference_derivative(Reference *r, const Entry *entry, const Derivative *d, uint64_t seed,
                          DerivativeCheck *out) {
    bool kink;
    *out = (DerivativeCheck){0};
    double **const values = r->ran == entry ? r->ran_results : reference_run(r, entry);
    if (!values) return false;
    if (setjmp(r->limit.failed)) {
        forget(r);
        return false;
    }
    Arena *a = arena_open(&r->results);
    check(r, a, entry, d, values, seed, out, &kink);
    arena_close(a);
    if (kink && !check_beside(r, entry, d, seed, out, &kink)) return false;
    if (kink) out->skipped = "a kink: the differences to both sides are not the same";
    return true;
}

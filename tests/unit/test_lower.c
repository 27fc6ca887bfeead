/* Elaboration: programs in the language against values worked out by hand (through the reference
 * interpreter), and the shape of the Program that they become. */
#include "ast.h"
#include "compile.h"
#include "embedded.h"
#include "graph_fixture.h"

#include <CUnit/Basic.h>
#include <dirent.h>
#include <math.h>

typedef struct Unit {
    ArenaLimit limit;
    Arena arena;
    Names names;
    Sources sources;
    Diags diags;
    Program *p;
    double **vars; /* the values of the variables: what they are at the start */
} Unit;

static double *initial(Unit *u, const Variable *v) {
    int64_t n = shape_elems(&v->shape);
    double *x = NEW_ARRAY(&u->arena, double, n);
    for (int64_t i = 0; i < n; i++) {
        if (v->kind != VAR_INPUT) x[i] = v->init == INIT_LITERAL ? v->values[i] : v->a;
    }
    return x;
}

/* u->p is NULL after errors, which are in u->diags. */
static void load_with(Unit *u, const char *text, const CompileOptions *options) {
    memset(u, 0, sizeof *u);
    u->limit.limit_bytes = (size_t)1 << 30;
    if (setjmp(u->limit.failed)) {
        fprintf(stderr, "the test ran out of its arena\n");
        exit(1);
    }
    arena_init(&u->arena, &u->limit);
    names_init(&u->names, &u->arena);
    u->sources.arena = &u->arena;
    diags_init(&u->diags, &u->arena, &u->sources);
    uint32_t prelude = source_add(&u->sources, "prelude.dlg", dlg_prelude, dlg_prelude_len);
    Ast *first = ast_parse(&u->arena, &u->names, &u->diags, prelude);
    uint32_t file = source_add(&u->sources, "test.dlg", text, strlen(text));
    Ast *ast = ast_parse(&u->arena, &u->names, &u->diags, file);
    if (!u->diags.errors)
        u->p = lower_program(&u->arena, &u->names, &u->diags, first, ast, options);
    if (!u->p) return;
    u->vars = NEW_ARRAY(&u->arena, double *, u->p->vars.len + 1);
    for (uint32_t i = 0; i < u->p->vars.len; i++) u->vars[i] = initial(u, &u->p->vars.at[i]);
    for (uint32_t i = 0; i < u->p->entries.len; i++) {
        const char *wrong = graph_verify(&u->p->entries.at[i]->graph, &u->arena);
        if (wrong) fprintf(stderr, "%s\n", wrong);
        CU_ASSERT_PTR_NULL(wrong);
    }
}

static void load(Unit *u, const char *text) {
    static const CompileOptions options;
    load_with(u, text, &options);
    if (u->p) return;
    Text t;
    text_init(&t, &u->arena);
    diags_render(&u->diags, &t, false);
    fprintf(stderr, "%s\n", t.at);
    CU_FAIL("a right program was refused");
}

static void unload(Unit *u) {
    arena_free(&u->arena);
}

static const Entry *entry_of(const Unit *u, const char *name, const char *variant) {
    for (uint32_t i = 0; u->p && i < u->p->entries.len; i++) {
        const Entry *e = u->p->entries.at[i];
        if (!strcmp(e->name, name) && !e->variant == !variant) return e;
    }
    return NULL;
}

static const Variable *variable_of(const Unit *u, const char *name, const char *variant) {
    for (uint32_t i = 0; u->p && i < u->p->vars.len; i++) {
        const Variable *v = &u->p->vars.at[i];
        if (!strcmp(v->name, name) && !v->variant == !variant &&
            (!variant || !strcmp(v->variant, variant)))
            return v;
    }
    return NULL;
}

/* The node of an entry's output, or of what updates a variable. */
static NodeId node_of(const Unit *u, const Entry *e, const char *name) {
    for (uint32_t i = 0; e && i < e->outputs.len; i++) {
        if (!strcmp(e->outputs.at[i].name, name)) return e->outputs.at[i].node;
    }
    for (uint32_t i = 0; e && i < e->updates.len; i++) {
        if (!strcmp(u->p->vars.at[e->updates.at[i].var].name, name)) return e->updates.at[i].node;
    }
    return NO_NODE;
}

static bool near(double a, double b) {
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 2e-6 * (1 + fabs(b));
}

/* Whether `name` (an output, or an updated variable) of the entry has this type, shape and values. */
static bool gives(Unit *u, const char *entry, const char *name, DType t, Shape s,
                  const double *want) {
    const Entry *e = entry_of(u, entry, NULL);
    NodeId id = node_of(u, e, name);
    if (id == NO_NODE) return fprintf(stderr, "%s gives no %s\n", entry, name), false;
    const Node *n = node_at(&e->graph, id);
    if (n->dtype != t || !shape_equal(&n->shape, &s))
        return fprintf(stderr, "%s: another type or shape\n", name), false;
    double **results = NEW_ARRAY(&u->arena, double *, e->graph.nodes.len);
    interp_run(&e->graph, &u->arena, u->vars, results);
    for (int64_t i = 0; i < shape_elems(&s); i++) {
        if (near(results[id][i], want[i])) continue;
        fprintf(stderr, "%s[%d] is %.9g, not %.9g\n", name, (int)i, results[id][i], want[i]);
        return false;
    }
    return true;
}

#define CHECK(entry, name, t, s, ...)                                                              \
    CU_ASSERT(gives(&u, entry, name, t, s, (double[]){__VA_ARGS__}))

/* The check that deeplearn-rs ships. */
static void test_known_values(void) {
    Unit u;
    load(&u, "state a = [[1.4, 0.3]]\n"
             "param w : f32[2, 3] = [[0.5, 0.3, 0.2], [0.6, 0.7, 0.7]]\n"
             "y = a @ w\n"
             "dw = grad(sum(y * [[1, -1, 0.5]]), w)\n"
             "entry e -> y, dw\n");
    CHECK("e", "y", DT_F32, shape(2, 1, 3), 0.88, 0.63, 0.49);
    CHECK("e", "dw", DT_F32, shape(2, 2, 3), 1.4, -1.4, 0.7, 0.3, -0.3, 0.15);
    unload(&u);
}

/* The gradient sums of an entry's graph and their operands; 0 when there is none. */
static uint32_t gradsums(const Entry *e, uint32_t *operands) {
    uint32_t n = 0;
    *operands = 0;
    for (NodeId id = 0; id < e->graph.nodes.len; id++) {
        const Node *node = node_at(&e->graph, id);
        if (node->op != OP_GRADSUM) continue;
        n++;
        *operands = node->argc;
    }
    return n;
}

/* A variable used k > 1 times has one gradient sum of k operands; used once, none. */
static void test_gradient_sums(void) {
    for (uint32_t k = 1; k <= 5; k++) {
        char text[512] = "param w : f32[3] = [1, 2, 3]\nloss = sum(";
        for (uint32_t i = 0; i < k; i++) {
            char term[32];
            snprintf(term, sizeof term, "%sexp(w * %u)", i ? " + " : "", i + 2);
            strcat(text, term);
        }
        strcat(text, ")\ng = grad(loss, w)\nentry e -> g\n");
        Unit u;
        uint32_t operands;
        load(&u, text);
        CU_ASSERT_EQUAL(gradsums(entry_of(&u, "e", NULL), &operands), k > 1 ? 1 : 0);
        CU_ASSERT_EQUAL(operands, k > 1 ? k : 0);
        unload(&u);
    }
}

static void test_numbers(void) {
    Unit u;
    load(&u, "const n = 3, half = n / 2, big = 2 ** 10, neg = -7 // 2, rest = -7 % 4\n"
             "state i : i32[3] = [1, 2, 3]\n"
             "state x : f32[2] = [4, 9]\n"
             "a = i * 2\nb = i * 2.5\nc = i / 2\nd = i // 2\ne = i * x[0]\n"
             "f = i == 2\ng = mean(i == 2)\nh = sum(i == 2)\n"
             "k = [half, big, neg, rest]\n"
             "p = x ** 3\nq = x ** -1\nr = x ** 0.5\ns = 2 ** x\nt = x ** 0\nv = i ** 2\n"
             "m = mean(i)\nw = -x ** 2\n"
             "entry e -> a, b, c, d, e, f, g, h, k, p, q, r, s, t, v, m, w, z = n\n");
    CHECK("e", "a", DT_I32, shape(1, 3), 2, 4, 6);
    CHECK("e", "b", DT_F32, shape(1, 3), 2.5, 5, 7.5);
    CHECK("e", "c", DT_F32, shape(1, 3), 0.5, 1, 1.5);
    CHECK("e", "d", DT_I32, shape(1, 3), 0, 1, 1);
    CHECK("e", "e", DT_F32, shape(1, 3), 4, 8, 12);
    CHECK("e", "f", DT_BOOL, shape(1, 3), 0, 1, 0);
    CHECK("e", "g", DT_F32, shape(0), 1.0 / 3);
    CHECK("e", "h", DT_I32, shape(0), 1);
    CHECK("e", "k", DT_F32, shape(1, 4), 1.5, 1024, -4, 1);
    CHECK("e", "p", DT_F32, shape(1, 2), 64, 729);
    CHECK("e", "q", DT_F32, shape(1, 2), 0.25, 1.0 / 9);
    CHECK("e", "r", DT_F32, shape(1, 2), 2, 3);
    CHECK("e", "s", DT_F32, shape(1, 2), 16, 512);
    CHECK("e", "t", DT_F32, shape(1, 2), 1, 1);
    CHECK("e", "v", DT_I32, shape(1, 3), 1, 4, 9);
    CHECK("e", "m", DT_F32, shape(0), 2);
    CHECK("e", "w", DT_F32, shape(1, 2), -16, -81);
    CHECK("e", "z", DT_F32, shape(0), 3);
    unload(&u);
}

static void test_shapes(void) {
    Unit u;
    load(&u,
         "state x = [[1.0, 2, 3], [4, 5, 6]]\nstate i : i32[2] = [1, 0]\n"
         "a = x'\nb = x[1]\nc = x[:, -1]\nd = x[::-1, 0:2]\ne = x[..., 1:]\n"
         "f = x[i]\ng = x[i, 2]\nh = x @ x'\nk = x @ [1, 0, 0]\nl = [1, 1] @ x\n"
         "m = x + [10, 20, 30]\nn = x * x[:, 0:1]\no = sum(x, axis = 0)\n"
         "p = max(x, axis = -1, keep = true)\nq = argmax(-x)\nr = min(x)\n"
         "s = concat(x, 2 * x, axis = 0)[2:]\nt = [x[0], x[1] * 2]\n"
         "w = reshape(x, 3, -1)\nv = permute(reshape(x, 1, 2, 3), 2, 0, 1)\n"
         "sizes = [rows(x), cols(x), rank(x), dim(x, -1), size(x)]\n"
         "y = x[:, 0:3:2]\nz = pad(x, 0, 1, 0, 1, 0, 1)\n"
         "entry e -> a, b, c, d, e, f, g, h, k, l, m, n, o, p, q, r, s, t, w, v, sizes, y, z\n");
    CHECK("e", "a", DT_F32, shape(2, 3, 2), 1, 4, 2, 5, 3, 6);
    CHECK("e", "b", DT_F32, shape(1, 3), 4, 5, 6);
    CHECK("e", "c", DT_F32, shape(1, 2), 3, 6);
    CHECK("e", "d", DT_F32, shape(2, 2, 2), 4, 5, 1, 2);
    CHECK("e", "e", DT_F32, shape(2, 2, 2), 2, 3, 5, 6);
    CHECK("e", "f", DT_F32, shape(2, 2, 3), 4, 5, 6, 1, 2, 3);
    CHECK("e", "g", DT_F32, shape(1, 2), 6, 3);
    CHECK("e", "h", DT_F32, shape(2, 2, 2), 14, 32, 32, 77);
    CHECK("e", "k", DT_F32, shape(1, 2), 1, 4);
    CHECK("e", "l", DT_F32, shape(1, 3), 5, 7, 9);
    CHECK("e", "m", DT_F32, shape(2, 2, 3), 11, 22, 33, 14, 25, 36);
    CHECK("e", "n", DT_F32, shape(2, 2, 3), 1, 2, 3, 16, 20, 24);
    CHECK("e", "o", DT_F32, shape(1, 3), 5, 7, 9);
    CHECK("e", "p", DT_F32, shape(2, 2, 1), 3, 6);
    CHECK("e", "q", DT_I32, shape(1, 2), 0, 0);
    CHECK("e", "r", DT_F32, shape(0), 1);
    CHECK("e", "s", DT_F32, shape(2, 2, 3), 2, 4, 6, 8, 10, 12);
    CHECK("e", "t", DT_F32, shape(2, 2, 3), 1, 2, 3, 8, 10, 12);
    CHECK("e", "w", DT_F32, shape(2, 3, 2), 1, 2, 3, 4, 5, 6);
    CHECK("e", "v", DT_F32, shape(3, 3, 1, 2), 1, 4, 2, 5, 3, 6);
    CHECK("e", "sizes", DT_I32, shape(1, 5), 2, 3, 2, 3, 6);
    CHECK("e", "y", DT_F32, shape(2, 2, 2), 1, 3, 4, 6);
    CHECK("e", "z", DT_F32, shape(2, 3, 6), 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0, 0, 0, 0, 0);
    unload(&u);
}

/* Batched products as in NumPy: the batch axes broadcast. */
static void test_batched_product(void) {
    Unit u;
    load(&u, "state a = reshape(iota(12), 2, 2, 3)\nstate b = reshape(iota(6), 3, 2)\n"
             "state computed = exp([[0, 1, 0]]' * 0.5) + 1\nstate one : f32[2] = sum(iota(5))\n"
             "x = cast(a, f32)\ny = cast(b, f32)\n"
             "p = x @ y\nq = y' @ permute(x, 0, 2, 1)\nr = [1.0, 0, 0] @ permute(x, 0, 2, 1)\n"
             "entry e -> p, q, r, computed, one\n");
    CHECK("e", "computed", DT_F32, shape(2, 3, 1), 2, 1 + exp(0.5), 2);
    CHECK("e", "one", DT_F32, shape(1, 2), 10, 10);
    CHECK("e", "p", DT_F32, shape(3, 2, 2, 2), 10, 13, 28, 40, 46, 67, 64, 94);
    CHECK("e", "q", DT_F32, shape(3, 2, 2, 2), 10, 28, 13, 40, 46, 64, 67, 94);
    CHECK("e", "r", DT_F32, shape(2, 2, 2), 0, 3, 6, 9);
    unload(&u);
}

static void test_functions_and_paths(void) {
    Unit u;
    load(&u, "input x : f32[2, 3]\n"
             "reg = sum(square(h.w)) + sum(block[1].b)\n" /* above their declarations */
             "fn mlp(x, n, act = tanh) {\n a = dense(x, n)\n return act(dense(a, n + 1)) }\n"
             "h = dense(x, units = 3)\n"
             "z = h\n"
             "for t in 0..3 { block = dense(z, 3)\n z = relu(block) }\n"
             "m = mlp(z, 4)\nk = mlp(z, 4, act = relu)\n"
             "entry e -> reg, m, k\n");
    CU_ASSERT_PTR_NOT_NULL(variable_of(&u, "block[2].w", NULL));
    CU_ASSERT_PTR_NOT_NULL(variable_of(&u, "m.a.w", NULL));
    CU_ASSERT_PTR_NOT_NULL(variable_of(&u, "m.w", NULL));
    CU_ASSERT_PTR_NOT_NULL(variable_of(&u, "k.a.b", NULL));
    const Variable *w = variable_of(&u, "h.w", NULL);
    CU_ASSERT(w && w->kind == VAR_PARAM && w->init == INIT_UNIFORM && near(w->b, 1));
    CHECK("e", "reg", DT_F32, shape(0), 9);
    unload(&u);
}

/* A name means the latest binding above it; a function, the latest above its definition. */
static void test_rebinding(void) {
    Unit u;
    load(&u, "a = ones()\nfn f() { return a }\na = a + 1\nfn g() { return a }\na = 2 * a\n"
             "b = f()\nc = g()\n"
             "for i in 0..4 { a = a + i }\n"
             "if 3 > 2 { d = 5 } else { d = 6 }\n"
             "entry e -> a, b, c, d\n");
    CHECK("e", "a", DT_F32, shape(0), 10);
    CHECK("e", "b", DT_F32, shape(0), 1);
    CHECK("e", "c", DT_F32, shape(0), 2);
    CHECK("e", "d", DT_F32, shape(0), 5);
    unload(&u);
}

/* Lines of a block are sequential; bindings above keep what they read; outputs are before updates. */
static void test_updates(void) {
    Unit u;
    load(&u, "param w : f32[2] = [3, 5]\nstate s = 1\n"
             "loss = sum(w * w)\n"
             "fn now() { return s }\n"
             "entry e -> loss, s {\n"
             "    w <- w - 0.5 * grad(loss, w)\n"
             "    s <- s + sum(w) + loss\n"
             "}\n"
             "entry f -> n = step { w <- now() + w * step }\n");
    CHECK("e", "w", DT_F32, shape(1, 2), 0, 0);
    CHECK("e", "s", DT_F32, shape(0), 1);
    const Entry *e = entry_of(&u, "e", NULL);
    CU_ASSERT(e && e->updates.len == 3); /* step is read by another entry: this one counts too */
    double **results = NEW_ARRAY(&u.arena, double *, e->graph.nodes.len);
    interp_run(&e->graph, &u.arena, u.vars, results);
    CU_ASSERT(near(results[e->updates.at[1].node][0], 1 + 0 + 34));
    CU_ASSERT(near(results[e->updates.at[2].node][0], 1));
    CHECK("f", "w", DT_F32, shape(1, 2), 1, 1);
    CHECK("f", "n", DT_I32, shape(0), 0);
    unload(&u);
}

static void test_minimize(void) {
    Unit u;
    load(&u, "param a : f32[2] = [3, 4]\nparam b : f32 = 2\nparam c : f32 = 7\n"
             "loss = sum(a * a) / 2 + 3 * b\n"
             "optimizer clipped(p, g, most, lr = 1) {\n"
             "    p <- p - lr * g * min(1, most / global_norm) }\n"
             "entry all -> loss { minimize loss by sgd(lr = 0.5) }\n"
             "entry one { minimize loss over b by momentum(0.1) }\n"
             "entry clip { minimize loss over a by clipped(2.5) }\n"
             "entry adam_ { minimize loss by adam(lr = 0.01) }\n");
    CHECK("all", "a", DT_F32, shape(1, 2), 1.5, 2);
    CHECK("all", "b", DT_F32, shape(0), 0.5);
    CHECK("one", "b", DT_F32, shape(0), 1.7);
    CHECK("clip", "a", DT_F32, shape(1, 2), 1.5, 2);
    CHECK("adam_", "a", DT_F32, shape(1, 2), 2.99, 3.99);
    const Entry *one = entry_of(&u, "one", NULL);
    CU_ASSERT(one && one->updates.len == 3);                /* b, its velocity, the step */
    CU_ASSERT(entry_of(&u, "all", NULL)->updates.len == 3); /* c is not reached */
    CU_ASSERT_PTR_NOT_NULL(variable_of(&u, "b:momentum.v", NULL));
    CU_ASSERT_PTR_NOT_NULL(variable_of(&u, "a:adam.m", NULL));
    unload(&u);
}

static void test_training_flag(void) {
    Unit u;
    load(&u, "param w : f32 = 2\nstate seen = 0\n"
             "fn watched(x) { seen <- seen + x\n if training { return 2 * x }\n return x }\n"
             "y = watched(w * 3)\n"
             "entry use -> y\n"
             "entry train -> y { w <- 0 }\n");
    CHECK("use", "y", DT_F32, shape(0), 6);
    CHECK("train", "y", DT_F32, shape(0), 12);
    CU_ASSERT_EQUAL(entry_of(&u, "use", NULL)->updates.len, 0);
    CHECK("train", "seen", DT_F32, shape(0), 6);
    unload(&u);
}

static void test_gradients_of_gradients(void) {
    Unit u;
    load(&u, "param x : f32[2] = [2, 3]\nh = x * x\ny = sum(h * x)\n"
             "d1 = grad(y, x)\nd2 = grad(sum(d1), x)\nd3 = grad(sum(d2), x)\ndh = grad(y, h)\n"
             "p, q = grad(y, x, h)\n"
             "entry e -> d1, d2, d3, dh, p, q\n");
    CHECK("e", "d1", DT_F32, shape(1, 2), 12, 27);
    CHECK("e", "d2", DT_F32, shape(1, 2), 12, 18);
    CHECK("e", "d3", DT_F32, shape(1, 2), 6, 6);
    CHECK("e", "dh", DT_F32, shape(1, 2), 2, 3);
    CHECK("e", "p", DT_F32, shape(1, 2), 12, 27);
    CHECK("e", "q", DT_F32, shape(1, 2), 2, 3);
    unload(&u);
}

static void test_prelude(void) {
    Unit u;
    load(&u, "param x : f32[2, 3] = [[1, 2, 3], [1000, 0, -1000]]\nstate y : i32[2] = [2, 7]\n"
             "a = softmax(x)\nb = logsumexp(x)\nc = cross_entropy(x, y)\nd = relu(x)[1]\n"
             "e = log_softmax(x)\nf = accuracy(x, [2, 1])\ng = mse(x[0], 0)\n"
             "h = sigmoid([0.0, 1, -100])\nk = gelu(1 * x[0])\nl = softplus([0.0, 100, -100])\n"
             "m = grad(sum(cross_entropy(x, [0, 0])), x)\nn = layer_norm(x[0:1])\n"
             "o = one_hot(y, 3)\np = abs([-2.0, 3])\nq = clip(x[0], 1.5, 2.5)\nr = argmin(x)\n"
             "s = sign([-2.0, 0, 5])\nt = softmax(x[0:1]', axis = 0)\nv = mae(x[0], [2, 2, 2])\n"
             "ce = cross_entropy(x, [[0.5, 0.5, 0], [1, 0, 0]])\n"
             "ac = accuracy(x, [[0.0, 0, 1], [0.4, 0.6, 0]])\n"
             "w = silu([1.0])\nz = elu([-1.0, 2])\n"
             "entry u -> a, b, c, d, e, f, g, h, k, l, m, n, o, p, q, r, s, t, v, w, z, ce, ac\n");
    double e1 = exp(-1), e2 = exp(-2), s = 1 + e1 + e2;
    CHECK("u", "a", DT_F32, shape(2, 2, 3), e2 / s, e1 / s, 1 / s, 1, 0, 0);
    CHECK("u", "b", DT_F32, shape(1, 2), 3 + log(s), 1000);
    CHECK("u", "c", DT_F32, shape(1, 2), log(s), NAN);
    CHECK("u", "d", DT_F32, shape(1, 3), 1000, 0, 0);
    CHECK("u", "e", DT_F32, shape(2, 2, 3), -2 - log(s), -1 - log(s), -log(s), 0, -1000, -2000);
    CHECK("u", "f", DT_F32, shape(0), 0.5);
    CHECK("u", "g", DT_F32, shape(0), 14.0 / 3);
    CHECK("u", "h", DT_F32, shape(1, 3), 0.5, 1 / (1 + e1), 0);
    CHECK("u", "k", DT_F32, shape(1, 3), 0.8413447, 1.9544997, 2.9959502);
    CHECK("u", "l", DT_F32, shape(1, 3), log(2), 100, 0);
    CHECK("u", "m", DT_F32, shape(2, 2, 3), e2 / s - 1, e1 / s, 1 / s, 0, 0, 0);
    CHECK("u", "n", DT_F32, shape(2, 1, 3), -1.2247357, 0, 1.2247357);
    CHECK("u", "o", DT_F32, shape(2, 2, 3), 0, 0, 1, 0, 0, 0);
    CHECK("u", "p", DT_F32, shape(1, 2), 2, 3);
    CHECK("u", "q", DT_F32, shape(1, 3), 1.5, 2, 2.5);
    CHECK("u", "r", DT_I32, shape(1, 2), 0, 2);
    CHECK("u", "s", DT_F32, shape(1, 3), -1, 0, 1);
    CHECK("u", "t", DT_F32, shape(2, 3, 1), e2 / s, e1 / s, 1 / s);
    CHECK("u", "v", DT_F32, shape(0), 2.0 / 3);
    CHECK("u", "w", DT_F32, shape(1, 1), 1 / (1 + e1));
    CHECK("u", "z", DT_F32, shape(1, 2), e1 - 1, 2);
    CHECK("u", "ce", DT_F32, shape(1, 2), 1.5 + log(s), 0);
    CHECK("u", "ac", DT_F32, shape(0), 0.5);
    unload(&u);
}

/* Three steps of each optimizer on a quadratic, against the formulas in double. */
static void test_optimizers(void) {
    static const char *const by[] = {"sgd(0.1)",       "momentum(0.1)",     "nesterov(0.1)",
                                     "adagrad(0.1)",   "rmsprop(lr = 0.1)", "adam(lr = 0.1)",
                                     "adamw(lr = 0.1)"};
    for (size_t k = 0; k < COUNT_OF(by); k++) {
        char text[256];
        Unit u;
        snprintf(text, sizeof text,
                 "param p : f32 = 2\nloss = 1.5 * p * p\nentry e -> loss { minimize loss by %s }\n",
                 by[k]);
        load(&u, text);
        const Entry *e = entry_of(&u, "e", NULL);
        double p = 2, m = 0, v = 0;
        for (int t = 1; t <= 3; t++) {
            double g = 3 * p, lr = 0.1;
            double before = p;
            m = k == 1 || k == 2 ? 0.9 * m + g : 0.9 * m + 0.1 * g;
            v = k == 3 ? v + g * g : k == 4 ? 0.9 * v + 0.1 * g * g : 0.999 * v + 0.001 * g * g;
            double mh = m / (1 - pow(0.9, t)), vh = v / (1 - pow(0.999, t));
            if (k == 0) p -= lr * g;
            if (k == 1) p -= lr * m;
            if (k == 2) p -= lr * (g + 0.9 * m);
            if (k == 3) p -= lr * g / (sqrt(v) + 1e-10);
            if (k == 4) p -= lr * g / (sqrt(v) + 1e-8);
            if (k >= 5) p -= lr * mh / (sqrt(vh) + 1e-8);
            if (k == 6) p -= lr * 0.01 * before;
            double **results = NEW_ARRAY(&u.arena, double *, e->graph.nodes.len);
            interp_run(&e->graph, &u.arena, u.vars, results);
            for (uint32_t i = 0; i < e->updates.len; i++)
                u.vars[e->updates.at[i].var] = results[e->updates.at[i].node];
            CU_ASSERT(near(u.vars[0][0], p));
            if (!near(u.vars[0][0], p))
                fprintf(stderr, "%s step %d: %.9g, not %.9g\n", by[k], t, u.vars[0][0], p);
        }
        unload(&u);
    }
}

static void test_variants(void) {
    Unit u;
    load(&u, "const batch = 8, T = 5\n"
             "input x : f32[batch, 4] from \"a.csv\" columns 0:4\n"
             "input y : i32[batch] from \"a.csv\" columns 4\n"
             "input lr : f32\nstate carry : f32[T] = 0\n"
             "h = dense(x, 3)\nloss = mean(cross_entropy(h, y)) + 0 * sum(carry)\n"
             "entry predict -> h\n"
             "entry train -> loss { minimize loss by sgd(lr) }\n"
             "entry generate with batch = 2, T = 1 -> loss\n");
    CU_ASSERT_PTR_NOT_NULL(entry_of(&u, "predict", "1"));
    CU_ASSERT_PTR_NULL(entry_of(&u, "train", "1"));
    const Variable *x1 = variable_of(&u, "x", "1");
    CU_ASSERT(x1 && x1->shape.dim[0] == 1 && x1->source.path);
    const Variable *xg = variable_of(&u, "x", "generate");
    CU_ASSERT(xg && xg->shape.dim[0] == 2);
    const Variable *carry = variable_of(&u, "carry", "generate");
    CU_ASSERT(carry && carry->shape.dim[0] == 1);
    CU_ASSERT_PTR_NULL(variable_of(&u, "h.w", "generate"));
    CU_ASSERT_PTR_NULL(variable_of(&u, "lr", "1"));
    /* Entries are in the order of the file, a variant after its entry. */
    CU_ASSERT_STRING_EQUAL(u.p->entries.at[1]->name, "predict");
    CU_ASSERT_STRING_EQUAL(u.p->entries.at[2]->name, "train");
    CU_ASSERT_EQUAL(u.p->consts.len, 2);
    unload(&u);
}

/* A model that only fits its batch has no variant for a batch of 1, and says nothing. */
static void test_no_variant(void) {
    Unit u;
    load(&u, "const batch = 4\ninput x : f32[batch, 2] from \"a.csv\" columns 0:2\n"
             "y = x[3] + x[0]\nentry predict -> y\n");
    CU_ASSERT_PTR_NULL(entry_of(&u, "predict", "1"));
    CU_ASSERT_EQUAL(u.diags.errors, 0);
    CU_ASSERT_EQUAL(u.p->vars.len, 1);
    unload(&u);
}

/* `except` leaves params as they are; `over` changes none but those. */
static void test_freezing(void) {
    Unit u;
    load(&u,
         "input x : f32[4, 3]\nh = dense(x, 5)\nout = dense(h, 2)\nloss = mean(out * out)\n"
         "entry a { minimize loss except h by sgd() }\nentry b { minimize loss over h by sgd() }\n"
         "entry c { minimize loss except h.b, out.w by sgd() }\n");
    static const char *const wanted[3][2] = {{"out.w", "out.b"}, {"h.w", "h.b"}, {"h.w", "out.b"}};
    CU_ASSERT_PTR_NOT_NULL_FATAL(u.p);
    for (int e = 0; e < 3; e++) {
        const Entry *entry = u.p->entries.at[e];
        CU_ASSERT_EQUAL_FATAL(entry->updates.len, 2);
        for (int k = 0; k < 2; k++)
            CU_ASSERT_STRING_EQUAL(u.p->vars.at[entry->updates.at[k].var].name, wanted[e][k]);
    }
    unload(&u);
}

static void test_defines(void) {
    Unit u;
    const char *defines[] = {"batch=128", "flag=true"};
    CompileOptions o = {.defines = defines, .define_count = 2};
    load_with(&u,
              "const batch = 64, twice = 2 * batch, flag = false\ninput x : f32[twice]\n"
              "if flag { y = x } else { y = -x }\nentry e -> y, n = sum(x)\n",
              &o);
    CU_ASSERT_PTR_NOT_NULL_FATAL(u.p);
    CU_ASSERT_EQUAL(u.p->vars.at[0].shape.dim[0], 256);
    CU_ASSERT_EQUAL(
        node_at(&entry_of(&u, "e", NULL)->graph, node_of(&u, entry_of(&u, "e", NULL), "y"))->op,
        OP_VAR);
    unload(&u);
    const char *wrong[] = {"bach=1", "batch", "batch=x", "=1"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        o = (CompileOptions){.defines = &wrong[i], .define_count = 1};
        load_with(&u, "const batch = 64\nentry e -> n = batch\n", &o);
        CU_ASSERT_PTR_NULL(u.p);
        CU_ASSERT(u.diags.errors == 1 && u.diags.list.at[0]->code == E0206);
        unload(&u);
    }
}

/* Gives the inputs values that depend on their names alone. */
static void fill_inputs(Unit *u) {
    for (uint32_t i = 0; i < u->p->vars.len; i++) {
        const Variable *v = &u->p->vars.at[i];
        if (v->kind == VAR_STATE) continue;
        uint64_t key = hash_lasting(v->name, strlen(v->name), 7);
        for (int64_t k = 0; k < shape_elems(&v->shape); k++) {
            uint64_t h = hash_lasting(&k, sizeof k, key);
            u->vars[i][k] = v->dtype == DT_F32 ? (double)(h % 1000) / 400 - 1 : (double)(h % 2);
        }
    }
}

/* The values of all nodes of an entry. */
static double **results_of(Unit *u, const Entry *e) {
    double **results = NEW_ARRAY(&u->arena, double *, e->graph.nodes.len);
    interp_run(&e->graph, &u->arena, u->vars, results);
    return results;
}

/* Whether `name`, an output or an updated variable, has one value in both programs. */
static bool same_result(Unit *a, Unit *b, const char *entry, const char *name, double **in_a,
                        double **in_b) {
    const Entry *ea = entry_of(a, entry, NULL), *eb = entry_of(b, entry, NULL);
    NodeId x = node_of(a, ea, name), y = eb ? node_of(b, eb, name) : NO_NODE;
    if (x == NO_NODE || y == NO_NODE ||
        !shape_equal(&node_at(&ea->graph, x)->shape, &node_at(&eb->graph, y)->shape))
        return fprintf(stderr, "%s of %s is lost\n", name, entry), false;
    for (int64_t i = 0; i < shape_elems(&node_at(&ea->graph, x)->shape); i++) {
        if (near(in_a[x][i], in_b[y][i])) continue;
        return fprintf(stderr, "%s of %s: %g became %g\n", name, entry, in_a[x][i], in_b[y][i]),
               false;
    }
    return true;
}

/* Whether an entry has variables of its own, for its `with`: then it is printed as a comment. */
static bool has_own_variables(const Program *p, const Entry *e) {
    for (NodeId id = 0; id < e->graph.nodes.len; id++) {
        const Node *n = node_at(&e->graph, id);
        if (n->op == OP_VAR && p->vars.at[n->attr[0]].variant) return true;
    }
    return false;
}

static uint32_t compared; /* entries, by prints_itself */

/* What --emit graph prints is a program again, which computes the same. */
static void prints_itself(const char *text, const char *what, const CompileOptions *options) {
    Unit a, b;
    Text printed;
    load_with(&a, text, options);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a.p);
    text_init(&printed, &a.arena);
    graph_print(a.p, &printed);
    load(&b, printed.at);
    if (!b.p) fprintf(stderr, "%s: %s\n", what, printed.at);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b.p);
    fill_inputs(&a);
    fill_inputs(&b);
    for (uint32_t k = 0; k < a.p->entries.len; k++) {
        const Entry *e = a.p->entries.at[k];
        if (e->variant || has_own_variables(a.p, e)) continue;
        compared++;
        const Entry *eb = entry_of(&b, e->name, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(eb);
        double **in_a = results_of(&a, e), **in_b = results_of(&b, eb);
        bool same = true;
        for (uint32_t j = 0; j < e->outputs.len; j++)
            same = same_result(&a, &b, e->name, e->outputs.at[j].name, in_a, in_b) && same;
        for (uint32_t j = 0; j < e->updates.len; j++)
            same =
                same_result(&a, &b, e->name, a.p->vars.at[e->updates.at[j].var].name, in_a, in_b) &&
                same;
        if (!same) fprintf(stderr, "printed again: %s\n", what);
        CU_ASSERT(same);
    }
    unload(&b);
    unload(&a);
}

/* Of every sample and every program of tests/diff. */
static void test_printed_files(void) {
    /* The reference keeps every value of every step. */
    static const char *const sizes[] = {"batch=3", "T=5", "hidden=7"},
                             *const gpt[] = {"batch=2", "T=5", "width=8", "heads=2", "layers=2"},
                             *const images[] = {"batch=2"},
                             *const words[] = {"batch=8", "words=40"};
    static const struct {
        const char *name;
        CompileOptions options;
    } smaller[] = {{"char_rnn.dlg", {.defines = sizes, .define_count = 3}},
                   {"gpt.dlg", {.defines = gpt, .define_count = 5}},
                   {"mnist_conv.dlg", {.defines = images, .define_count = 1}},
                   {"word_vectors.dlg", {.defines = words, .define_count = 2}}};
    /* With these its entry `generate` has the sizes of all others, and so no variables of its own. */
    static const char *const ones[] = {"batch=1", "T=1", "carry=1", "hidden=7"};
    static const CompileOptions plain, one = {.defines = ones, .define_count = 4};
    static const char *const folders[] = {DLG_SOURCE_DIR "/samples", DLG_SOURCE_DIR "/tests/diff"};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        DIR *dir = opendir(folders[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dir);
        for (struct dirent *d; (d = readdir(dir)) != NULL;) {
            size_t len = strlen(d->d_name);
            char path[512];
            static char text[1 << 16];
            if (len < 4 || strcmp(d->d_name + len - 4, ".dlg") != 0) continue;
            snprintf(path, sizeof path, "%s/%s", folders[i], d->d_name);
            FILE *f = fopen(path, "rb");
            CU_ASSERT_PTR_NOT_NULL_FATAL(f);
            size_t n = fread(text, 1, sizeof text - 1, f);
            fclose(f);
            CU_ASSERT_FATAL(n < sizeof text - 1);
            text[n] = 0;
            bool rnn = !strcmp(d->d_name, "char_rnn.dlg");
            const CompileOptions *options = &plain;
            for (size_t k = 0; k < COUNT_OF(smaller); k++)
                if (!strcmp(d->d_name, smaller[k].name)) options = &smaller[k].options;
            compared = 0;
            prints_itself(text, d->d_name, options);
            if (rnn) {
                CU_ASSERT_EQUAL(compared, 3);
                prints_itself(text, d->d_name, &one);
                CU_ASSERT_EQUAL(compared, 3 + 4);
            }
            count++;
        }
        closedir(dir);
    }
    CU_ASSERT(count > 20);
}

static void test_printed_graph(void) {
    static const CompileOptions plain;
    static const char *const texts[] = {
        "const batch = 4\n"
        "input x : f32[batch, 3] from \"a \\\"b\\\".csv\" columns 0:3\n"
        "input y : i32[batch] from \"a \\\"b\\\".csv\" columns 3\n"
        "h = relu(dense(x, 5))\nfor t in 0..2 { block = layer_norm(dense(h, 5))\n h = h + block }\n"
        "logits = dense(h, 3)\nloss = mean(cross_entropy(logits, y))\n"
        "entry predict -> probs = softmax(logits)\n"
        "entry evaluate -> loss, acc = accuracy(logits, y)\n"
        "entry train -> loss { minimize loss by adam(lr = 0.01 * 0.5 ** step) }\n",
        "input x : f32[2, 3]\ninput b : bool[3]\nstate s : i32[3] = [1, 2, 3]\n"
        "param w : f32[3] = [1, 0, 2]\nstate old : f32[3] = 0\nstate u = 5\nstate v2 = 6\n"
        "for t in 0..2 { param v : f32[3] ~ normal(0, 1) }\n"
        "a = where(b, cast(1, i32), cast(2, i32)) * s\nc = b and not (x[0] > 0) or b\n"
        "d = x[:, ::-2]\ne = pad(x, 1, 0, 0, 0, 1, 1)\nf = concat(x, 3 * x, axis = 1)\n"
        "g = [1, 2, 3] * w + [1.5, inf, -0.5]\nh = s // 2 + s % 2\nk = max(x, axis = 0)\n"
        "l = min(w[s - 1])\nm = argmax(x)\nn = pow(w, x) + maximum(x, 0) + iota(3)\n"
        "o = grad(sum(w[s - 1] ** 2), w)\np = x' @ x\nq = v[0] + v[1]\n"
        "entry all -> a, c, d, e, f, g, h, k, l, m, n, o, p, q, r = 3, t = true, z = zeros(2, 2)\n"
        "entry move -> w { w <- w + o\n old <- o + 0 * w }\n"
        "entry swap { t2 = u\n u <- v2\n v2 <- t2 }\n"
        "entry keep { s <- s * 2\n old <- cast(s, f32)\n }\n",
        "input x : f32[6, 3]\ninput k : i32[6]\nparam w : f32[3, 3] ~ uniform(-1, 1)\n"
        "h, c, hs = scan t in 1..6 with h = zeros(3), c = 1 {\n"
        "    h = tanh((x[t] + h * c) @ w)\n c = c * 0.5 + mean(relu(x[5 - t]))\n yield h }\n"
        "a, b, s = scan t in 0..3 with a = cast(1, i32), b = k[2], s = x[0] > 0 {\n"
        "    old = a + k[2 * t + 1]\n a = b\n b = old\n s = not s }\n"
        "p, q = scan t in 0..6 with p = x[1] {\n"
        "    r, ys = scan u in 0..3 with r = p { r = r * x[t, u] + x[u]\n yield r * t }\n"
        "    p = sum(ys, axis = 0) * 0.1\n yield p }\n"
        "m = scan t in 0..1 { yield x[t] * 2 }\nn = scan t in 0..4 { yield k > t }\n"
        "g = grad(sum(h * h) + sum(hs) + sum(q), w)\ngx = grad(sum(p) + sum(g ** 2), x)\n"
        "entry all -> h, c, hs, a, b, s, p, q, m, n, g, gx\n"
        "entry train -> c { minimize sum(h ** 2) by adam() }\n",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) prints_itself(texts[i], "text", &plain);
}

/* Whether the first error of a wrong program has this code. */
static void test_errors(void) {
    static const struct {
        const char *text;
        DiagCode code;
    } wrong[] = {
        {"y = lo\nentry e -> y", E0201},
        {"entry e -> y = foo(1)", E0201},
        {"entry e -> y\ny = 1\ny = h.w", E0201},
        {"input x : f32[2]\nx = 3\nentry e -> x", E0202},
        {"fn f(a) { return a }\nentry e -> y = f()", E0203},
        {"fn f(a) { return a }\nentry e -> y = f(1, 2)", E0203},
        {"fn f(a) { return a }\nentry e -> y = f(b = 2)", E0203},
        {"entry e -> y = sum(1, 2, 3, 4)", E0203},
        {"fn f(a) { return g(a) }\nfn g(a) { return f(a) }\nentry e -> y = f(1)", E0204},
        {"return 1\nentry e -> y = 1", E0205},
        {"input x : f32[2, 3]\nentry e -> h = dense(x, 3)", E0205},
        {"input x : f32[2, 3]\nh = dense(dense(x, 3), 3)\nentry e -> h", E0207},
        {"a, b = 1\nentry e -> a", E0208},
        {"x = 1", E0209},
        {"input x : f64[2]\nentry e -> x", E0301},
        {"input i : i32[2]\nentry e -> y = i @ i", E0301},
        {"input x : f32[2]\nconst n = x\nentry e -> x", E0302},
        {"input x : f32[2.5]\nentry e -> x", E0303},
        {"const a = 10 ** 400\nentry e -> a", E0304},
        {"input x : f32[2]\nentry e -> y = x * 1e39", E0304},
        {"input x : f32[2, 3]\ninput y : f32[4]\nentry e -> z = x + y", E0401},
        {"input x : f32[2, 3]\nentry e -> z = x @ x", E0401},
        {"input x : f32[2]\nentry e -> y = x'", E0402},
        {"input x : f32[2]\nentry e -> y = sum(x, axis = 1)", E0403},
        {"input x : f32[2]\nentry e -> y = x[2]", E0404},
        {"input x : f32[0]\nentry e -> x", E0405},
        {"input x : f32[100000, 100000, 100000]\nentry e -> x", E0406},
        {"input x : f32[50000, 1]\nentry e -> y = x + x'", E0406},
        {"input x : f32\nparam w : f32 = 0\nentry e -> y = grad(x, w)", E0501},
        {"param w : f32[2] = 0\nentry e -> y = grad(w, w)", E0502},
        {"input x : f32\nentry e { minimize x by sgd() }", E0503},
        {"param w : f32 = 0\nentry e { minimize w over v by sgd() }", E0503},
        {"param w : f32 = 0\nentry e { w <- 1\n w <- 2 }", E0504},
        {"input x : f32\nentry e { x <- 1 }", E0505},
        {"for i in 0..1000000 { x = i }\nentry e -> x = 1", E0601},
        {"fn a(x) { return x + 1 }\nfor i in 0..100 { for j in 0..1000 {\n"
         "    x = a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(a(1))))))))))))))))"
         ")))))))))))))) } }\nentry e -> y = 1",
         E0602},
        {"input x : f32[2] from \"a\" columns 0:3\nentry e -> x", E0701},
        {"input x : f32[2] from \"a\"\ninput y : f32[3] from \"a\"\nentry e -> x, y", E0702},
        {"assert(1 > 2, \"one is less\")\nentry e -> y = 1", E0703},
        {"if 1 > 0 { include \"b.dlg\" }\nentry e -> y = 1", E0205},
        {"input x : f32[3, 3]\ninput i : i32[2]\nentry e -> y = x[i, i]", E0801},
        {"const n = 2\nparam w : f32[n] = 0\nentry a -> w\nentry e with n = 3 -> w", E0401},
        {"const n = 2\nentry e with m = 3 -> y = n", E0206},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        static const CompileOptions options;
        Unit u;
        load_with(&u, wrong[i].text, &options);
        bool right = !u.p && u.diags.errors > 0 && u.diags.list.at[0]->code == wrong[i].code;
        if (!right) {
            Text t;
            text_init(&t, &u.arena);
            diags_render(&u.diags, &t, false);
            fprintf(stderr, "wanted %s of:\n%s\n%s\n", diag_code_name(wrong[i].code), wrong[i].text,
                    t.at ? t.at : "(nothing)");
        }
        CU_ASSERT(right);
        unload(&u);
    }
}

RUN_SUITE("lower", {"known values", test_known_values}, {"gradient sums", test_gradient_sums},
          {"numbers", test_numbers}, {"shapes", test_shapes},
          {"batched products", test_batched_product},
          {"functions and paths", test_functions_and_paths}, {"rebinding", test_rebinding},
          {"updates", test_updates}, {"minimize", test_minimize}, {"training", test_training_flag},
          {"gradients of gradients", test_gradients_of_gradients}, {"prelude", test_prelude},
          {"optimizers", test_optimizers}, {"variants", test_variants},
          {"no variant", test_no_variant}, {"freezing", test_freezing}, {"defines", test_defines},
          {"printed graph", test_printed_graph}, {"printed files", test_printed_files},
          {"errors", test_errors})

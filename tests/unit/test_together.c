/* Launches together: the joint kernel of a program for graphics processors does, bit by bit, what its launches do one by
 * one; a plan that says something else than its launches is refused. On a processor the groups of a launch
 * may come one after the other, so that teams of one and of several are both seen here; its own programs are done so in pairs. PoCL's time for building
 * doubles with each loop that has a barrier in it: larger programs are left to other devices (DLG_DEVICE). */
#include "compile.h"
#include "device_fixture.h"
#include "rt_fixture.h"

#include <stdbool.h>

#define MLP(batch, inputs, hidden)                                                                 \
    "input x : f32[" batch ", " inputs "]\n"                                                       \
    "input y : f32[" batch ", 1]\n"                                                                \
    "h = tanh(dense(x, " hidden "))\n"                                                             \
    "o = sigmoid(dense(h, 1))\n"                                                                   \
    "loss = mse(o, y)\n"                                                                           \
    "entry train -> loss { minimize loss by adam(lr = 1e-2) }\n"                                   \
    "entry evaluate -> loss\n"

#define LSTM(batch, hidden)                                                                        \
    "const batch = " batch ", T = 5, hidden = " hidden ", classes = 3\n"                           \
    "input x : i32[batch, T]\n"                                                                    \
    "input y : i32[batch, T]\n"                                                                    \
    "fn layer(xs) {\n"                                                                             \
    "    h, c, hs = scan t in 0..T with h = zeros(batch, hidden), c = zeros(batch, hidden) {\n"    \
    "        h, c = lstm_cell(xs[t], h, c, hidden)\n"                                              \
    "        yield h\n"                                                                            \
    "    }\n"                                                                                      \
    "    return hs\n"                                                                              \
    "}\n"                                                                                          \
    "l1 = layer(one_hot(x', classes))\n"                                                           \
    "l2 = layer(l1)\n"                                                                             \
    "logits = dense(l2, classes)\n"                                                                \
    "loss = mean(cross_entropy(reshape(logits, T * batch, classes), reshape(y', T * batch)))\n"    \
    "entry train -> loss { minimize loss by rmsprop(lr = 2e-3) }\n"                                \
    "entry evaluate -> loss\n"

/* Sums and products that wait for nothing of each other, and one that waits for all. */
static const char apart[] = "input x : f32[300, 40]\n"
                            "param w : f32[40, 50] ~ normal(0, 1)\n"
                            "a = sum(x, axis = 0)\n"
                            "b = x @ w\n"
                            "c = max(x, axis = 1)\n"
                            "d = sum(b * reshape(c, 300, 1)) + sum(a)\n"
                            "entry e -> d, a, b, c\n";

/* The same where the work is longer than launching it: one launch of those that are free, and one of what waits. */
static const char beside[] = "input x : f32[2048, 1536]\n"
                             "input z : f32[1536, 1400]\n"
                             "a = sum(x, axis = 1)\n"
                             "b = max(z, axis = 0)\n"
                             "c = sum(tanh(z), axis = 1)\n"
                             "entry e -> a, b, c, d = sum(a) + sum(b) + sum(c)\n"
                             "entry f -> a, b, c\n";

/* How launches are done: one by one; together, by groups of several items; by groups of one. */
typedef enum How { APART, TOGETHER, PAIRED } How;

typedef struct Loaded {
    dlg_device *dev;
    dlg_program *prog;
    uint64_t launches; /* of the last entry that ran */
} Loaded;

static void load(Loaded *l, const char *text, How how) {
    l->dev = open_device();
    set_optimisation(l->dev, strstr(text, " target gpu ") ? "gpu" : "cpu");
    l->dev->meets = how == TOGETHER;
    if (how == PAIRED) CU_ASSERT_EQUAL_FATAL(dlg_device_pair(l->dev, DLG_PAIR_ALWAYS), DLG_OK);
    int status = dlg_program_load_text(&l->prog, l->dev, "together.cl", text, strlen(text), NULL);
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(l->dev));
    CU_ASSERT_EQUAL_FATAL(status, DLG_OK);
    CU_ASSERT_EQUAL(l->prog->joint != NULL, how != APART);
    uint32_t bits = 1;
    for (size_t i = 0; i < dlg_tensor_count(l->prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(l->prog, i);
        if (t->kind != DLG_INPUT) continue;
        size_t count = (size_t)t->bytes / 4;
        int32_t *values = calloc(count, 4);
        for (size_t k = 0; k < count; k++) {
            bits = bits * 1664525 + 1013904223;
            if (t->type == DLG_F32)
                ((float *)values)[k] = (float)(bits >> 8) / (1 << 24) - 0.5f;
            else
                values[k] = (int32_t)((bits >> 8) % 3);
        }
        CU_ASSERT_EQUAL(dlg_set(l->prog, t->name, values, t->bytes), DLG_OK);
        free(values);
    }
}

static void run(Loaded *l, const char *entry) {
    uint64_t before = l->dev->launches;
    int status = dlg_run(l->prog, entry);
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(l->dev));
    CU_ASSERT_EQUAL(status, DLG_OK);
    l->launches = l->dev->launches - before;
}

/* All that can be read is the same in both. */
static void expect_same(const Loaded *a, const Loaded *b) {
    for (size_t i = 0; i < dlg_tensor_count(a->prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(a->prog, i);
        if (t->kind == DLG_ARENA || t->kind == DLG_INPUT) continue;
        char *x = malloc((size_t)t->bytes), *y = malloc((size_t)t->bytes);
        int status = dlg_get(a->prog, t->name, x, t->bytes);
        CU_ASSERT_EQUAL(dlg_get(b->prog, t->name, y, t->bytes), status);
        if (t->kind != DLG_OUTPUT || status != DLG_ERR_UNSET) CU_ASSERT_EQUAL(status, DLG_OK);
        bool same = status < 0 || memcmp(x, y, (size_t)t->bytes) == 0;
        CU_ASSERT_TRUE(same);
        if (!same) fprintf(stderr, "%s differs\n", t->name);
        free(x);
        free(y);
    }
}

static void unload(Loaded *l) {
    dlg_program_close(l->prog);
    dlg_device_close(l->dev);
}

static char *compiled_for(How how, const char *source) {
    CompileOptions options = {.target = how == PAIRED ? "cpu" : "gpu", .pair = how == PAIRED};
    CompileResult r = compile_text("together.dlg", source, strlen(source), &options);
    if (r.status) fprintf(stderr, "%s\n", r.diagnostics);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    char *text = strdup(r.text);
    compile_free(&r);
    return text;
}

static char *compiled(const char *source) {
    return compiled_for(TOGETHER, source);
}

/* `launches`: so many are enough for a run of the entry. */
static void expect_same_as_apart(How how, const char *source, const char *entry,
                                 uint64_t launches) {
    char *text = compiled_for(how, source);
    Loaded together, apart_;
    load(&together, text, how);
    load(&apart_, text, APART);
    for (int i = 0; i < 3; i++) {
        run(&together, entry);
        run(&apart_, entry);
        expect_same(&together, &apart_);
    }
    CU_ASSERT_EQUAL(together.launches, launches);
    CU_ASSERT_TRUE(apart_.launches > launches);
    /* A look at each launch, and times of each, are of launches one by one. */
    CU_ASSERT_EQUAL(dlg_check_nan(together.prog, 1), DLG_OK);
    run(&together, entry);
    run(&apart_, entry);
    CU_ASSERT_TRUE(together.launches >= apart_.launches);
    expect_same(&together, &apart_);
    CU_ASSERT_EQUAL(dlg_check_nan(together.prog, 0), DLG_OK);
    unload(&together);
    unload(&apart_);
    free(text);
}

static void expect_together(const char *source, const char *entry, uint64_t launches) {
    expect_same_as_apart(TOGETHER, source, entry, launches);
}

static bool on_processor(void) {
    dlg_device *dev;
    dev = open_device();
    bool is = strcmp(dlg_device_get_info(dev)->type, "cpu") == 0;
    dlg_device_close(dev);
    return is;
}

static void test_same(void) {
    bool large = !on_processor();
    expect_together(MLP("4", "5", "8"), "train", 1);
    expect_together(MLP("4", "5", "8"), "evaluate", 1);
    expect_together(LSTM("2", "3"), "train", 1);
    expect_together(LSTM("2", "3"), "evaluate", 1);
    expect_together(apart, "e", 1);
    expect_together(beside, "e", 2);
    expect_together(beside, "f", 1);
    if (!large) return;
    expect_together(MLP("64", "300", "200"), "train", 1);
    expect_together(LSTM("16", "100"), "train", 1);
}

/* A name that is a macro's with the buffer's number. */
static void test_names(void) {
    static const char source[] = "param a : f32[4] = 1\nparam b : f32[4] = 1\n"
                                 "param M_PI : f32[4] = 0\ninput x : f32[4]\n"
                                 "loss = sum((x * M_PI + a * b) * softmax(x))\n"
                                 "entry train -> loss { minimize loss by adam(lr = 0.1) }\n";
    char *text = compiled(source);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "*b_M_PI_2"));
    free(text);
    expect_together(source, "train", 1);
}

/* The same training, whose inputs and outputs are of each batch. */
static void train(Loaded *l, const char *text, How how) {
    float x[40 * 5], y[40];
    for (int i = 0; i < 40; i++) {
        y[i] = (float)(i % 7) / 7;
        for (int k = 0; k < 5; k++) x[5 * i + k] = (float)((i * 5 + k) % 11) / 11;
    }
    const dlg_data pairs[] = {{.name = "x", .values = x, .rows = 40},
                              {.name = "y", .values = y, .rows = 40}};
    dlg_dataset *data = NULL;
    load(l, text, how);
    int status =
        dlg_dataset_open(&data, l->prog, &(dlg_dataset_options){.data = pairs, .data_count = 2});
    if (status == DLG_OK)
        status = dlg_train(l->prog, data, &(dlg_train_options){.epochs = 3, .seed = 5});
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(l->dev));
    CU_ASSERT_EQUAL(status, DLG_OK);
    run(l, "train"); /* on the last batch: what training bound is the tensors' own again */
    dlg_dataset_close(data);
}

static void expect_training(How how, const char *source) {
    char *text = compiled_for(how, source);
    Loaded together, apart_;
    train(&together, text, how);
    train(&apart_, text, APART);
    expect_same(&together, &apart_);
    CU_ASSERT_TRUE(together.launches < apart_.launches);
    unload(&together);
    unload(&apart_);
    free(text);
}

static void test_training(void) {
    expect_training(TOGETHER, MLP("4", "5", "8"));
}

/* A processor's launches in pairs, and what is told where there are none. */
static void test_pairs(void) {
    if (!on_processor()) {
        dlg_device *dev;
        dev = open_device();
        CU_ASSERT_EQUAL(dlg_device_pair(dev, DLG_PAIR_ALWAYS), DLG_ERR_USAGE);
        expect_message(dev, "pairs are for processors");
        dlg_device_close(dev);
        return;
    }
    expect_same_as_apart(PAIRED, MLP("128", "300", "100"), "train", 1);
    expect_same_as_apart(PAIRED, LSTM("16", "60"), "train", 1);
    expect_same_as_apart(PAIRED, MLP("40", "5", "4000"), "evaluate", 1);
    expect_training(PAIRED, MLP("40", "5", "4000"));
}

static void test_pairs_refused(void) {
    char *text = compiled_for(APART, apart);
    dlg_device *dev;
    dlg_program *prog;
    CU_ASSERT_EQUAL_FATAL(dlg_device_open(&dev, "none"), DLG_OK);
    CU_ASSERT_EQUAL(dlg_device_pair(dev, (dlg_pair)7), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_device_pair(dev, DLG_PAIR_FREE), DLG_OK);
    CU_ASSERT_EQUAL(dlg_program_load_text(&prog, dev, "x.cl", text, strlen(text), NULL),
                    DLG_ERR_USAGE);
    expect_message(dev, "x.cl was compiled without --pair");
    CU_ASSERT_EQUAL(dlg_device_pair(dev, DLG_PAIR_OFF), DLG_OK);
    CU_ASSERT_EQUAL(dlg_program_load_text(&prog, dev, "x.cl", text, strlen(text), NULL), DLG_OK);
    dlg_program_close(prog);
    dlg_device_close(dev);
    free(text);
}

/* Others that use the cores are seen: then launches are done one by one. */
static void test_pairs_look(void) {
    dlg_device dev = {.pair = {.when = DLG_PAIR_FREE, .free = true}};
    dev.pair.look_s = 0; /* long ago: nobody was busy since, as far as is known */
    dev.pair.busy_s = 1e12;
    CU_ASSERT_TRUE(rt_cores_free(&dev));
    CU_ASSERT_TRUE(dev.pair.busy_s < 1e12);
    dev.pair.look_s = 0;
    dev.pair.busy_s = -1e12; /* they were busy for longer than the time in between */
    CU_ASSERT_FALSE(rt_cores_free(&dev));
    dev.pair.free = true; /* and not again at once */
    CU_ASSERT_TRUE(rt_cores_free(&dev));
    dev.pair.when = DLG_PAIR_ALWAYS;
    CU_ASSERT_TRUE(rt_cores_free(&dev));
    dev.pair.when = DLG_PAIR_OFF;
    CU_ASSERT_FALSE(rt_cores_free(&dev));
}

/* What does not wait for the launch before it does not meet. */
static void test_meetings(void) {
    char *text = compiled(apart);
    const char *joint = strstr(text, "__kernel void together0(");
    CU_ASSERT_PTR_NOT_NULL_FATAL(joint);
    size_t launches = 0, meetings = 0;
    for (const char *s = joint; (s = strstr(s, "_group(g, l")); s++) launches++;
    for (const char *s = joint; (s = strstr(s, "met = meet_groups(")); s++) meetings++;
    CU_ASSERT_TRUE(launches >= 3);
    CU_ASSERT_TRUE(meetings + 1 < launches);
    free(text);
}

static size_t times_in(const char *text, const char *what) {
    size_t n = 0;
    for (const char *s = text; (s = strstr(s, what)); s += strlen(what)) n++;
    return n;
}

/* Those that are free: no counters, each buffer once; those that are alike but for their buffers have one text. */
static void test_free(void) {
    char *text = compiled(beside);
    CU_ASSERT_EQUAL(times_in(text, " free\n"), 2);
    CU_ASSERT_EQUAL(times_in(text, "that do not wait for each other"), 1);
    CU_ASSERT_PTR_NULL(strstr(text, "counters"));
    free(text);
    text = compiled("input x : f32[2, 2048, 1536]\ninput z : f32[2, 1536, 1400]\n"
                    "s, t = scan i in 0..2 with s = zeros(2048), t = zeros(1400) {\n"
                    "    s, t = sum(x[i], axis = 1) + s, max(z[i], axis = 0) + t\n"
                    "}\n"
                    "entry e -> s, t\n");
    CU_ASSERT_PTR_NULL(strstr(text, " free\n")); /* what repeats waits for itself */
    free(text);
    text = compiled("input x : f32[2, 2048, 1536]\ninput z : f32[2, 1536, 1400]\n"
                    "fn f(i, w) { return sum(tanh(x[i] * w), axis = 1), max(z[i] * w, axis = 0) }\n"
                    "a, b = f(0, 1)\n"
                    "c, d = f(1, sum(a) + sum(b))\n"
                    "entry e -> c, d\n");
    CU_ASSERT_TRUE(times_in(text, " free\n") >= 1);
    free(text);
}

/* What the device waits for: a launch by itself, or those that are together. */
static size_t waits_in(const char *text) {
    size_t waits = 0;
    bool together = false;
    for (const char *s = text; (s = strstr(s, "//! ")); s += 4) {
        if (!strncmp(s + 4, "end-together", 12)) together = false;
        if (!strncmp(s + 4, "launch ", 7)) waits += !together;
        if (!strncmp(s + 4, "together ", 9)) together = true, waits++;
    }
    return waits;
}

/* A sum of products that are made beside each other is made by the rows that need it: two waits, not three. */
static void test_sum_in_rows(void) {
    char *text = compiled("input x : f32[512, 256]\ninput z : f32[512, 256]\n"
                          "param u : f32[256, 256] ~ normal(0, 1)\n"
                          "param w : f32[256, 256] ~ normal(0, 1)\n"
                          "s = x @ u + z @ w\n"
                          "n = layer_norm(s)\n"
                          "entry e -> s, n\n");
    CU_ASSERT_EQUAL(times_in(text, "//! launch "), 3);
    CU_ASSERT_EQUAL(waits_in(text), 2);
    free(text);
}

/* One that is long does not stand between those that are short and need nothing of each other. */
static void test_long_first(void) {
    char *text = compiled("input x : f32[2048, 1536]\ninput z : f32[1536, 1400]\n"
                          "param w : f32[1536, 4096] ~ normal(0, 1)\n"
                          "a = sum(x, axis = 1)\n"
                          "p = x @ w\n"
                          "b = sum(tanh(z), axis = 1)\n"
                          "entry e -> a, p, b\n");
    const char *free_ones = strstr(text, "//! together ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(free_ones);
    CU_ASSERT_EQUAL(times_in(text, "//! launch "), 3);
    CU_ASSERT_EQUAL(times_in(free_ones, "//! launch "), 2);
    CU_ASSERT_EQUAL(waits_in(text), 2);
    free(text);
}

/* Nor is there one where nothing is to be fused, where groups cannot wait, or of a single launch. */
static void test_none(void) {
    CompileOptions options[] = {
        {.target = "gpu", .opt_level = 1}, {.target = "gpu", .opt_level = 2}, {.target = "cpu"}};
    for (size_t i = 0; i < 3; i++) {
        const char mlp[] = MLP("4", "5", "8");
        CompileResult r = compile_text("together.dlg", mlp, strlen(mlp), &options[i]);
        CU_ASSERT_EQUAL(r.status, 0);
        CU_ASSERT_PTR_NULL(strstr(r.text, "//! together"));
        compile_free(&r);
    }
    char *text = compiled("input x : f32[3]\nentry e -> y = x * 2\n");
    CU_ASSERT_PTR_NULL(strstr(text, "//! together"));
    free(text);
}

/* ---- Plans that are refused ---------------------------------------------------------------------- */

#define PLAN(body) PLAN_WITH("", body)
#define PLAN_WITH(buffers, body)                                                                   \
    "//! dlg 1\n"                                                                                  \
    "//! model m target gpu from \"m.dlg\"\n"                                                      \
    "//! arena 256\n"                                                                              \
    "//! buffer 0 a i32 scalar output\n"                                                           \
    "//! buffer 1 b i32 scalar output\n" buffers "//! entry e returns a b\n" body                  \
    "//! kernels 2 checksum 0000000000000000\n"                                                    \
    "\n"                                                                                           \
    "__kernel void add(__global int *x, int i) { *x = i; }\n"                                      \
    "__kernel void both(__global int *x, __global int *y, __global int *n) { *x = 1; *y = 2; }\n"  \
    "//! end\n"
#define BOTH  "//! together both global 1 local 1 args 0 1\n"
#define FREE  "//! together both global 2 local 1 args 0 1 free\n"
#define ADD_A "//! launch add global 1 local 1 args 0 =1\n"
#define ADD_B "//! launch add global 1 local 1 args 1 =2\n"
#define END   "//! end-together\n"
/* Two that lie at one place, and one that reaches over it. */
#define ARENA                                                                                      \
    "//! buffer 2 t i32 scalar arena 0\n//! buffer 3 u i32 scalar arena 0\n"                       \
    "//! buffer 4 v i32 64 arena 0\n"
#define FREE_OF(args)  "//! together both global 2 local 1 args " args " free\n"
#define ADD_TO(buffer) "//! launch add global 1 local 1 args " buffer " =1\n"

static void check(const char *text, const char *why) {
    dlg_device *dev;
    dlg_program *prog = NULL;
    char *copy = strdup(text);
    sign(copy);
    CU_ASSERT_EQUAL_FATAL(dlg_device_open(&dev, "none"), DLG_OK);
    int status = dlg_program_load_text(&prog, dev, "m.cl", copy, strlen(copy), NULL);
    CU_ASSERT_EQUAL(status, why ? DLG_ERR_PROGRAM : DLG_OK);
    if (why)
        expect_message(dev, why);
    else if (status < 0)
        fprintf(stderr, "%s\n", dlg_error_text(dev));
    dlg_program_close(prog);
    dlg_device_close(dev);
    free(copy);
}

/* What one launch makes in the arena no other one of the group uses. */
static void test_free_arena(void) {
    check(PLAN_WITH(ARENA, FREE_OF("2 0") ADD_TO("2") ADD_A END ADD_B), NULL);
    check(PLAN_WITH(ARENA, FREE_OF("2") ADD_TO("2") ADD_TO("2") END ADD_A ADD_B),
          "add waits for add: t and t share bytes");
    check(PLAN_WITH(ARENA, FREE_OF("2 3") ADD_TO("2") ADD_TO("3") END ADD_A ADD_B),
          "share bytes, and are not free of each other");
    check(PLAN_WITH(ARENA, FREE_OF("4 3") ADD_TO("4") ADD_TO("3") END ADD_A ADD_B), "share bytes");
    /* Made before, read by both; made anew where another one still reads. */
    check(PLAN_WITH(ARENA,
                    ADD_TO("2") FREE_OF("2 0 1") "//! launch both global 1 local 1 args 2 0\n"
                                                 "//! launch both global 1 local 1 args 2 1\n" END),
          NULL);
    check(PLAN_WITH(ARENA, ADD_TO("4") FREE_OF("4 3") ADD_TO("4") ADD_TO("3") END ADD_A ADD_B),
          "share bytes");
}

static void test_rules(void) {
    check(PLAN(BOTH ADD_A ADD_B END), NULL);
    check(PLAN(BOTH "//! repeat 2\n" ADD_A "//! end-repeat\n" ADD_B END), NULL);
    check(PLAN(BOTH ADD_A END ADD_B), "one of the arguments is of none of the launches");
    check(PLAN("//! together both global 1 local 1 args 0\n" ADD_A ADD_B END),
          "add uses b, which is not among the arguments");
    check(PLAN("//! together both global 1 local 1 args 0 1 0\n" ADD_A ADD_B END),
          "a stands twice");
    check(PLAN("//! together both global 1 local 1 args 0 =1\n" ADD_A ADD_B END),
          "`=1` is not the index of a buffer");
    check(PLAN("//! together both global 1 local 1 args +0 1\n" ADD_A ADD_B END),
          "`+0` is not the index of a buffer");
    check(PLAN("//! together both global 1 local 1 args 0 7\n" ADD_A ADD_B END), "no buffer 7");
    check(PLAN("//! together both global 3 local 2 args 0 1\n" ADD_A ADD_B END), "not a multiple");
    check(PLAN("//! together none global 1 local 1 args 0 1\n" ADD_A ADD_B END),
          "there is no kernel `__kernel void none(`");
    check(PLAN(BOTH END ADD_A ADD_B), "no launches are together here");
    check(PLAN(BOTH ADD_A ADD_B), "together without an end");
    check(PLAN(BOTH ADD_A ADD_B "//! entry f\n" END), "without an end before the next entry");
    check(PLAN(BOTH BOTH ADD_A ADD_B END END), "together already");
    check(PLAN(ADD_A ADD_B END), "no launches together that could end");
    check(PLAN("//! repeat 2\n" BOTH ADD_A ADD_B END "//! end-repeat\n"), "not in them");
    check(PLAN(BOTH "//! repeat 2\n" ADD_A ADD_B END "//! end-repeat\n"), "a repeat is not ended");
    check(PLAN(BOTH ADD_A "//! launch add global 1 local 1 args 1 *\n" END), "several runs");
    check(PLAN(FREE ADD_A ADD_B END), NULL);
    check(PLAN(FREE ADD_A "//! repeat 2\n" ADD_B "//! end-repeat\n" END), "it waits for itself");
    check(PLAN(FREE ADD_A ADD_B ADD_B END), "the launches have 3 work-items, not 2");
    check(PLAN(FREE ADD_A "//! launch add global 2 local 2 args 1 =2\n" END), "of another size");
    check(PLAN("//! together both global 2 local 1 args 0 free 1\n" ADD_A ADD_B END), "");
    check(PLAN("//! together both global 2 local 1 args free 0 1\n" ADD_A ADD_B END), "");
}

RUN_SUITE("together", {"same", test_same}, {"names", test_names}, {"training", test_training},
          {"pairs", test_pairs}, {"pairs_refused", test_pairs_refused},
          {"pairs_look", test_pairs_look}, {"meetings", test_meetings}, {"free", test_free},
          {"sum_in_rows", test_sum_in_rows}, {"long_first", test_long_first}, {"none", test_none},
          {"free_arena", test_free_arena}, {"rules", test_rules})

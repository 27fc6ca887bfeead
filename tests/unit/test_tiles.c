/* Tiles of contractions on targets of graphics processors: every tile that may be chosen gives the same bits, on the device
 * that there is. Where that has no matrix units plain arithmetic is in their place (kernels/mma.cl, kernels/wgmma.cl). */
#include "compile.h"
#include "device_fixture.h"
#include "suite.h"
#include "util.h"

#define MOST_OUTPUTS 4

typedef struct Case {
    const char *source;
    CompileOptions options;
    const char *contraction; /* the first's name */
    const char *tiles[3];    /* its candidates, the model's first */
} Case;

typedef struct Outputs {
    void *at[MOST_OUTPUTS];
    size_t bytes[MOST_OUTPUTS], count;
} Outputs;

static CompileResult compile(const char *source, const CompileOptions *options) {
    CompileResult r = compile_text("tiles.dlg", source, strlen(source), options);
    if (r.status) fprintf(stderr, "%s\n", r.diagnostics);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    return r;
}

/* Every 16th is so small that a product of two is -0 or 0: a tile that adds more zeros than another makes a -0 a 0. */
static void set_inputs(dlg_program *p) {
    for (size_t i = 0; i < dlg_tensor_count(p); i++) {
        const dlg_tensor *t = dlg_tensor_at(p, i);
        if (t->kind != DLG_INPUT) continue;
        void *raw = calloc(1, (size_t)t->bytes);
        uint32_t bits = (uint32_t)*t->name; /* in whatever order they are */
        const bool left = t->rank > 1 && t->shape[t->rank - 1] < t->shape[t->rank - 2];
        const int64_t row = t->shape[t->rank - 1];
        bool good = true;
        for (uint64_t k = 0; k < t->elems; k++) {
            bits = bits * 1664525 + 1013904223;
            const uint64_t line = left ? k / (uint64_t)row : k % (uint64_t)row;
            const double x =
                line % 16 == 0 ? (left ? -1e-30 : 1e-30) : (double)(bits >> 8) / (1 << 24) - 0.5;
            good = dlg_put_element(t->type, raw, (size_t)k, x) == DLG_OK && good;
        }
        CU_ASSERT_TRUE(good);
        CU_ASSERT_EQUAL(dlg_set(p, t->name, raw, (size_t)t->bytes), DLG_OK);
        free(raw);
    }
}

static Outputs run(dlg_device *dev, const CompileResult *r) {
    Outputs out = {.count = 0};
    dlg_program *p;
    int status = dlg_program_load_text(&p, dev, "tiles.cl", r->text, r->text_len, NULL);
    if (status == DLG_OK) {
        set_inputs(p);
        status = dlg_run(p, "e");
    }
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(dev));
    CU_ASSERT_EQUAL(status, DLG_OK);
    for (size_t i = 0; status == DLG_OK && i < dlg_tensor_count(p); i++) {
        const dlg_tensor *t = dlg_tensor_at(p, i);
        if (t->kind != DLG_OUTPUT || out.count == MOST_OUTPUTS) continue;
        out.bytes[out.count] = (size_t)t->bytes;
        out.at[out.count] = malloc((size_t)t->bytes);
        CU_ASSERT_EQUAL(dlg_get(p, t->name, out.at[out.count], (size_t)t->bytes), DLG_OK);
        out.count++;
    }
    dlg_program_close(p);
    return out;
}

static void expect_same(const Outputs *a, const Outputs *b, const char *tile) {
    CU_ASSERT_EQUAL_FATAL(a->count, b->count);
    CU_ASSERT_TRUE(a->count > 0);
    for (size_t i = 0; i < a->count; i++) {
        const bool same = !memcmp(a->at[i], b->at[i], a->bytes[i]);
        CU_ASSERT_TRUE(same);
        if (!same) fprintf(stderr, "output %zu is another by tiles of %s\n", i, tile);
    }
}

static void drop(Outputs *o) {
    for (size_t i = 0; i < o->count; i++) free(o->at[i]);
}

static void check(dlg_device *dev, const Case *c) {
    CompileResult first = compile(c->source, &c->options);
    CU_ASSERT_TRUE_FATAL(first.tile_count > 0);
    CU_ASSERT_STRING_EQUAL(first.tiles[0].contraction, c->contraction);
    if (strcmp(first.tiles[0].contraction, c->contraction))
        fprintf(stderr, "%s is called %s\n", c->contraction, first.tiles[0].contraction);
    Outputs want = run(dev, &first);
    uint32_t count = 0;
    while (count < COUNT_OF(c->tiles) && c->tiles[count]) count++;
    CU_ASSERT_EQUAL(first.tiles[0].candidates, count);
    for (size_t rank = 0; rank < count; rank++) {
        CompileOptions options = c->options;
        options.tile_rank = rank;
        CompileResult other = compile(c->source, &options);
        CU_ASSERT_STRING_EQUAL(other.tiles[0].tile, c->tiles[rank]);
        if (strcmp(other.tiles[0].tile, c->tiles[rank]))
            fprintf(stderr, "%s: %s\n", c->contraction, other.tiles[0].tile);
        CU_ASSERT_EQUAL(!strcmp(other.text, first.text), rank == 0);
        if (rank) {
            Outputs got = run(dev, &other);
            expect_same(&want, &got, other.tiles[0].tile);
            drop(&got);
        }
        /* The same by its name. */
        options.tile_rank = 0;
        TileChoice choice[8];
        options.tiles = choice;
        for (; options.tile_count < other.tile_count && options.tile_count < COUNT_OF(choice);
             options.tile_count++) {
            const TileUse *use = &other.tiles[options.tile_count];
            choice[options.tile_count] = (TileChoice){use->contraction, use->tile};
        }
        CompileResult named = compile(c->source, &options);
        CU_ASSERT_STRING_EQUAL(named.text, other.text);
        compile_free(&named);
        compile_free(&other);
    }
    drop(&want);
    compile_free(&first);
}

/* By one thread: PoCL 3.1 leaves an array in local memory to all its threads where a kernel hands it to a large function. */
static void check_all(const Case *cases, size_t count) {
    CU_ASSERT_EQUAL_FATAL(setenv("POCL_MAX_PTHREAD_COUNT", "1", 1), 0);
    dlg_device *dev = open_device();
    for (size_t i = 0; i < count; i++) check(dev, &cases[i]);
    dlg_device_close(dev);
}

#define PRODUCT(x, w, b)                                                                           \
    "input x : f32" x "\ninput w : f32" w "\ninput b : f32" b "\nentry e -> y = relu(x @ w + b)\n"
#define TURNED(x, w) "input x : f32" x "\ninput w : f32" w "\nentry e -> y = w' @ x'\n"

static void test_local(void) {
    static const Case cases[] = {{PRODUCT("[1000, 33]", "[33, 700]", "[700]"),
                                  {.target = "gpu", .units = 1},
                                  "gpu 1000x700 by 33 local left apart",
                                  {"64x64", "128x128"}},
                                 {PRODUCT("[2, 150, 48]", "[2, 48, 264]", "[264]"),
                                  {.target = "gpu_mma", .precision = "f32", .units = 1},
                                  "gpu_mma 2x150x264 by 48 staged",
                                  {"128x128", "64x128"}},
                                 {TURNED("[150, 49]", "[49, 262]"),
                                  {.target = "gpu_mma", .precision = "f32", .units = 1},
                                  "gpu_mma 262x150 by 49 staged down turned left apart right apart",
                                  {"128x128", "64x128"}}};
    check_all(cases, COUNT_OF(cases));
}

static void test_matrix(void) {
    static const Case cases[] = {{PRODUCT("[120, 49]", "[49, 376]", "[376]"),
                                  {.target = "gpu_mma", .precision = "3xtf32", .units = 1},
                                  "gpu_mma 120x376 by 49 3xtf32 left apart",
                                  {"128x128", "64x128"}},
                                 {PRODUCT("[120, 52]", "[52, 376]", "[376]"),
                                  {.target = "gpu_mma", .precision = "tf32", .units = 1},
                                  "gpu_mma 120x376 by 52 tf32",
                                  {"128x128", "128x256", "64x128"}},
                                 {TURNED("[376, 52]", "[52, 120]"),
                                  {.target = "gpu_mma", .precision = "bf16", .units = 1},
                                  "gpu_mma 120x376 by 52 bf16 down turned",
                                  {"128x128", "128x256", "64x128"}}};
    check_all(cases, COUNT_OF(cases));
}

static void test_ready(void) {
    static const Case cases[] = {
        {PRODUCT("[224, 168]", "[168, 256]", "[256]"),
         {.target = "gpu_mma", .precision = "tf32", .units = 1, .ready_products = 1},
         "gpu_mma 224x256 by 168 tf32 ready turned left tf32 right tf32",
         {"128x256", "128x128", "64x128"}},
        {"input x : bf16[224, 168]\ninput w : bf16[256, 168]\nentry e -> y = x @ w'\n",
         {.target = "gpu_mma", .precision = "3xtf32", .units = 1},
         "gpu_mma 224x256 by 168 3xtf32 ready turned left bf16 right bf16",
         {"128x256", "128x128", "64x128"}}};
    check_all(cases, COUNT_OF(cases));
}

static void test_wgmma(void) {
    static const Case cases[] = {
        {PRODUCT("[256, 164]", "[164, 512]", "[512]"),
         {.target = "gpu_wgmma", .precision = "tf32", .units = 1},
         "gpu_wgmma 256x512 by 164 tf32 wgmma",
         {"128x256", "128x128"}},
        {"input x : bf16[256, 136]\ninput w : bf16[136, 512]\nentry e -> y = x @ w\n",
         {.target = "gpu_wgmma", .precision = "bf16", .units = 1},
         "gpu_wgmma 256x512 by 136 bf16 wgmma left bf16 right bf16",
         {"128x256", "128x128"}}};
    check_all(cases, COUNT_OF(cases));
}

/* A device of so many units that larger tiles would leave most of it idle: they are not tried. */
static void test_idle(void) {
    static const struct {
        uint32_t units, candidates;
    } cases[] = {{1, 3}, {8, 3}, {9, 2}, {16, 2}, {17, 0}};
    static const char text[] = "input x : f32[256, 64]\ninput w : f32[64, 512]\n"
                               "entry e -> y = x @ w\n";
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CompileResult r = compile(
            text,
            &(CompileOptions){.target = "gpu_mma", .precision = "bf16", .units = cases[i].units});
        const uint32_t candidates = r.tile_count ? r.tiles[0].candidates : 0;
        CU_ASSERT_EQUAL(candidates, cases[i].candidates);
        if (candidates != cases[i].candidates)
            fprintf(stderr, "%u candidates for %u units\n", candidates, cases[i].units);
        compile_free(&r);
    }
}

RUN_SUITE("tiles", {"in local memory", test_local}, {"of matrix units", test_matrix},
          {"of operands that are ready", test_ready}, {"by wgmma", test_wgmma},
          {"that leave a device idle", test_idle})

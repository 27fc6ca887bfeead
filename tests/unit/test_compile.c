/* The compiler as a library: what a call gives back, and that calls do not disturb each other. */
#include "compile.h"
#include "util.h"

#include "graph_fixture.h"

#include <CUnit/Basic.h>
#include <dirent.h>
#include <locale.h>
#include <pthread.h>

static const char good[] = "const n = 3\n"
                           "input x : f32[n]\n"
                           "h = dense(x / 1.5, 4)\n"
                           "loss = mean(square(h))\n"
                           "entry train -> loss { minimize loss by adam }\n";

static CompileResult compile(const char *text, const CompileOptions *options) {
    return compile_text("a.dlg", text, strlen(text), options);
}

/* Compiles and compares the status; `said` is NULL or a part of the diagnostics. */
static void expect(int status, const char *text, const CompileOptions *options, const char *said) {
    CompileResult r = compile(text, options);
    if (r.status != status) fprintf(stderr, "status %d: %s\n", r.status, r.diagnostics);
    CU_ASSERT_EQUAL(r.status, status);
    CU_ASSERT_EQUAL(r.text != NULL, status == 0);
    CU_ASSERT_PTR_NOT_NULL(r.diagnostics);
    if (r.text) CU_ASSERT_EQUAL(strlen(r.text), r.text_len);
    if (said) CU_ASSERT_PTR_NOT_NULL(strstr(r.diagnostics, said));
    compile_free(&r);
    compile_free(&r); /* a second time does nothing */
}

static void test_statuses(void) {
    expect(0, good, NULL, "");
    expect(0, good, &(CompileOptions){0}, NULL);
    expect(1, "y = x", NULL, "--> a.dlg:1:5");
    expect(1, "", NULL, "E0209");
    expect(2, good, &(CompileOptions){.dump_after = "nothing"}, "lower");
    expect(2, good, &(CompileOptions){.target = "abacus"}, "cpu");
    expect(0, good, &(CompileOptions){.target = "gpu"}, NULL);
    expect(2, good, &(CompileOptions){.precision = "f64"}, "3xtf32");
    expect(0, good, &(CompileOptions){.target = "gpu_mma", .precision = "bf16"}, NULL);
    expect(0, good, &(CompileOptions){.precision = "tf32"}, NULL);
    expect(1, good, &(CompileOptions){.memory_limit_bytes = 400000}, "E0603");
}

static void test_what_is_emitted(void) {
    static const struct {
        CompileOptions options;
        const char *begins;
    } cases[] = {
        {{.emit = EMIT_CL}, "//! dlg 1\n"},
        {{.emit = EMIT_PLAN}, "//! dlg 1\n"},
        {{.emit = EMIT_GRAPH}, "# the graph of"},
        {{.emit = EMIT_DOT}, "digraph"},
        {{.dump_after = "lower"}, "# the graph of"},
        {{.dump_after = "simplify"}, "# the graph of"},
        {{.emit = EMIT_EXPLAIN}, "Kernels of a.dlg, target cpu\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CompileResult r = compile(good, &cases[i].options);
        CU_ASSERT_EQUAL_FATAL(r.status, 0);
        CU_ASSERT_EQUAL(strncmp(r.text, cases[i].begins, strlen(cases[i].begins)), 0);
        compile_free(&r);
    }
}

static void test_defines(void) {
    const char *const five[] = {"n=5"};
    CompileOptions options = {.emit = EMIT_PLAN, .defines = five, .define_count = 1};
    CompileResult r = compile(good, &options);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "x f32 5 input"));
    CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "h.w f32 5x4 param"));
    compile_free(&r);
    /* What compile_define refuses is refused here too, for who does not ask it first. */
    static const char *const wrong[] = {"n", "n=", "=5", "n=x", "n=0x5", "n=inf", "n=5k"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.defines = &wrong[i];
        r = compile(good, &options);
        CU_ASSERT_EQUAL(r.status, 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.diagnostics, "sets nothing"));
        CU_ASSERT_FALSE(compile_define(wrong[i]));
        compile_free(&r);
    }
    CU_ASSERT(compile_define("n=5") && compile_define("n=-1.5e3") && compile_define("n=true"));
}

static void test_colors(void) {
    CompileResult plain = compile("y = x", NULL);
    CompileResult color = compile("y = x", &(CompileOptions){.color = true});
    CU_ASSERT_PTR_NULL(strchr(plain.diagnostics, '\033'));
    CU_ASSERT_PTR_NOT_NULL(strchr(color.diagnostics, '\033'));
    compile_free(&plain);
    compile_free(&color);
}

static void test_files(void) {
    CompileResult r = compile_file("/nowhere/a.dlg", NULL);
    CU_ASSERT_EQUAL(r.status, 1);
    CU_ASSERT_STRING_EQUAL(r.diagnostics,
                           "error: cannot read /nowhere/a.dlg: No such file or directory\n");
    compile_free(&r);
    r = compile_file(DLG_SOURCE_DIR "/samples/xor.dlg", NULL);
    CU_ASSERT_EQUAL(r.status, 0);
    compile_free(&r);
}

/* A text with NUL bytes is taken by its length. */
static void test_length_counts(void) {
    CompileResult r = compile_text("a.dlg", "entry e -> y = 1\0", 17, NULL);
    CU_ASSERT_EQUAL(r.status, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.diagnostics, "NUL"));
    compile_free(&r);
    r = compile_text("a.dlg", "entry e -> y = 1 nonsense", 16, NULL);
    CU_ASSERT_EQUAL(r.status, 0);
    compile_free(&r);
}

static void *compile_many(void *expected) {
    for (int i = 0; i < 5; i++) {
        CompileResult r = compile(good, NULL);
        if (r.status != 0 || strcmp(r.text, expected)) return expected;
        compile_free(&r);
    }
    return NULL;
}

static void test_threads_give_the_same(void) {
    CompileResult first = compile(good, NULL);
    CU_ASSERT_EQUAL_FATAL(first.status, 0);
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, compile_many, first.text), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        CU_ASSERT_PTR_NULL(wrong);
    }
    compile_free(&first);
}

/* Where numbers are written with a comma, programs are not. */
static void test_locale_does_not_matter(void) {
    CompileResult first = compile(good, NULL);
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8"};
    for (size_t i = 0; i < COUNT_OF(commas); i++) {
        if (!setlocale(LC_ALL, commas[i])) continue;
        CompileResult r = compile(good, NULL);
        CU_ASSERT_EQUAL(r.status, 0);
        CU_ASSERT_STRING_EQUAL(r.text, first.text);
        compile_free(&r);
    }
    setlocale(LC_ALL, "C");
    compile_free(&first);
}

/* A product's tile: the model's, those of other ranks, and one that is asked for by its name. */
static void test_tiles(void) {
    static const char product[] =
        "input a : f32[100, 90]\ninput b : f32[90, 80]\nentry run -> y = a @ b\n";
    CompileResult first = compile(product, NULL);
    CU_ASSERT_EQUAL_FATAL(first.tile_count, 1);
    const TileUse *use = &first.tiles[0];
    CU_ASSERT_EQUAL(use->entry, 0);
    CU_ASSERT_STRING_EQUAL(use->contraction, "cpu 100x80 by 90");
    CU_ASSERT_EQUAL(use->launch, 0);
    CU_ASSERT_TRUE_FATAL(use->candidates > 2);
    for (size_t rank = 1; rank < use->candidates; rank++) {
        CompileResult other = compile(product, &(CompileOptions){.tile_rank = rank});
        CU_ASSERT_EQUAL_FATAL(other.tile_count, 1);
        CU_ASSERT_STRING_NOT_EQUAL(other.tiles[0].tile, use->tile);
        CU_ASSERT_STRING_NOT_EQUAL(other.text, first.text);
        const TileChoice choices[] = {{"cpu 1x1 by 1", "1x1"},
                                      {"cpu 100x80 by 90", other.tiles[0].tile}};
        CompileResult named =
            compile(product, &(CompileOptions){.tiles = choices, .tile_count = 2});
        CU_ASSERT_STRING_EQUAL(named.text, other.text);
        compile_free(&named);
        compile_free(&other);
    }
    /* What is no candidate, and a rank beyond all, is the model's. */
    const TileChoice strange = {"cpu 100x80 by 90", "977x3"};
    CompileResult same =
        compile(product, &(CompileOptions){.tiles = &strange, .tile_count = 1, .tile_rank = 99});
    CU_ASSERT_STRING_EQUAL(same.text, first.text);
    compile_free(&same);
    compile_free(&first);
}

/* Products whose tiles are chosen of others have other names, and one is of its entry whatever that is called. */
static void test_tile_names(void) {
    static const char products[] =
        "input a : f32[100, 90]\ninput b : f32[90, 80]\ninput t : f32[80, 90]\ninput d : f32[90, "
        "100]\n"
        "input i : f32[100, 9, 10]\ninput j : f32[10, 9, 80]\n"
        "entry first_of_them_with_a_name_that_is_longer_than_sixty_three_characters -> y = a @ b\n"
        "entry first_of_them_with_a_name_that_is_longer_than_sixty_three_characters_too -> y = a @ "
        "permute(t, 1, 0)\n"
        "entry whole -> y = einsum(\"akl,lkb->ab\", i, j)\nentry down -> y = permute(d, 1, 0) @ "
        "b\n";
    CompileResult r = compile(products, NULL);
    CU_ASSERT_EQUAL_FATAL(r.tile_count, 4);
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(r.tiles[i].entry, i);
        CU_ASSERT_STRING_NOT_EQUAL(r.tiles[i].contraction, "");
        for (size_t k = 0; k < i; k++)
            CU_ASSERT_STRING_NOT_EQUAL(r.tiles[i].contraction, r.tiles[k].contraction);
    }
    compile_free(&r);
}

static int only_programs(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".dlg") == 0;
}

/* Compiles under the budget that an error says is the smallest. */
static void compile_within(const char *path, CompileOptions way, const char *diagnostics) {
    static const char before[] = "the smallest budget that works is ";
    const char *at = strstr(diagnostics, before);
    CU_ASSERT_PTR_NOT_NULL(at);
    if (!at) return;
    way.mem_budget_bytes = strtoll(at + strlen(before), NULL, 10);
    CompileResult r = compile_file(path, &way);
    if (r.status)
        fprintf(stderr, "%s, %lld bytes: %s\n", path, (long long)way.mem_budget_bytes,
                r.diagnostics);
    CU_ASSERT_EQUAL(r.status, 0);
    compile_free(&r);
}

/* Every program of the tests and every sample compiles in some of these ways, each with others of them; what is computed is for
 * others to see. Under a checker, which goes through the compiler by these, in more. */
static void test_many_ways(void) {
    static const char *const directories[] = {
        DLG_SOURCE_DIR "/tests/diff", DLG_SOURCE_DIR "/tests/structure", DLG_SOURCE_DIR "/samples"};
    static const CompileOptions ways[] = {
        {.target = "cpu"},
        {.target = "cpu", .emit = EMIT_EXPLAIN},
        {.target = "cpu", .emit = EMIT_DOT, .opt_level = 2},
        {.target = "cpu", .opt_level = 1},
        {.target = "cpu", .tile_rank = 5, .cache_bytes = 4096},
        {.target = "cpu", .rewrites = 17},
        {.target = "cpu", .pair = true},
        {.target = "cpu8"},
        {.target = "cpu8", .emit = EMIT_C, .cache_bytes = 65536},
        {.target = "gpu"},
        {.target = "gpu", .opt_level = 2},
        {.target = "gpu_mma", .precision = "3xtf32", .units = 1},
        {.target = "gpu_mma", .ready_products = 1, .units = 1},
        {.target = "gpu_wgmma", .precision = "bf16", .units = 1},
        {.target = "gpu_wgmma", .precision = "3xtf32", .units = 1},
        {.target = "gpu_wgmma", .precision = "tf32", .tile_rank = 1},
        {.target = "gpu_wgmma"},
        {.target = "cpu", .mem_budget_bytes = 1},
        {.target = "gpu", .mem_budget_bytes = 1}};
    const size_t some = getenv("DLG_SANITIZE") ? 6 : 2; /* of the ways */
    size_t programs = 0, within = 0;
    for (size_t d = 0; d < COUNT_OF(directories); d++) {
        struct dirent **files;
        int count = scandir(directories[d], &files, only_programs, alphasort);
        CU_ASSERT(count > 0);
        for (int i = 0; i < count; i++, programs++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", directories[d], files[i]->d_name);
            free(files[i]);
            for (size_t k = 0; k < some; k++) {
                /* Neighbours, and a program's own ways, lie apart; all come, for 19 is prime. */
                const CompileOptions *way = &ways[(programs * 7 + k * 8) % COUNT_OF(ways)];
                CompileResult r = compile_file(path, way);
                if (r.status && way->mem_budget_bytes && strstr(r.diagnostics, "error[E0604]")) {
                    compile_within(path, *way, r.diagnostics);
                    within++;
                } else {
                    if (r.status)
                        fprintf(stderr, "%s for %s: %s\n", path, way->target, r.diagnostics);
                    CU_ASSERT_EQUAL(r.status, 0);
                }
                compile_free(&r);
            }
        }
        if (count >= 0) free(files);
    }
    CU_ASSERT(programs > 70);
    CU_ASSERT(within > 5);
}

RUN_SUITE("compile", {"every program in many ways", test_many_ways}, {"tiles", test_tiles},
          {"names of tiles", test_tile_names}, {"statuses", test_statuses},
          {"what is emitted", test_what_is_emitted}, {"defines", test_defines},
          {"colours", test_colors}, {"files", test_files}, {"length", test_length_counts},
          {"threads", test_threads_give_the_same}, {"locale", test_locale_does_not_matter})

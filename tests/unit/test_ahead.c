/* What loops say beforehand of the lines that they will load: where, and that it is those lines; and that what is
 * computed is what it is without. */
#include "compile.h"
#include "device_fixture.h"
#include "dlg.h"
#include "kir.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static CompileResult compiled(const char *text, const char *target) {
    CompileOptions options = {.target = target};
    CompileResult r = compile_text("ahead.dlg", text, strlen(text), &options);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    return r;
}

static void test_text(void) {
    static const struct {
        const char *target, *text;
        bool loads, updates;
    } cases[] = {
        {"cpu", "input x : f32[64, 784]\nparam w : f32[784, 300] = 1\nentry e -> y = x @ w", true,
         false},
        {"cpu8", "input x : f32[64, 784]\nparam w : f32[784, 300] = 1\nentry e -> y = x @ w", false,
         false},
        {"gpu", "input x : f32[64, 784]\nparam w : f32[784, 300] = 1\nentry e -> y = x @ w", false,
         false},
        /* what is multiplied by is small; its rows are read as they lie; there is one row to multiply */
        {"cpu", "input x : f32[64, 300]\nparam w : f32[300, 300] = 1\nentry e -> y = x @ w", false,
         false},
        {"cpu", "input x : f32[64, 4784]\nparam w : f32[4784, 32] = 1\nentry e -> y = x @ w", false,
         false},
        {"cpu", "input x : f32[1, 784]\nparam w : f32[784, 300] = 1\nentry e -> y = x @ w", false,
         false},
        {"cpu", "param w : f32[5000000] = 1\nentry e { w <- 2 * w }", false, false},
        {"cpu",
         "input x : f32[64, 784]\ninput d : f32[64, 300]\nparam w : f32[784, 300] = 1\n"
         "entry e { w <- w - 0.1 * (x' @ d) }",
         false, true},
        {"cpu", "input x : f32[64, 784]\ninput d : f32[64, 300]\nentry e -> y = 0.1 * (x' @ d)",
         false, false},
        /* rows that are gone through more than once; of few; and once */
        {"cpu", "input x : f32[1000, 1000]\nentry e -> y = softmax(x)", true, false},
        {"gpu", "input x : f32[1000, 1000]\nentry e -> y = softmax(x)", false, false},
        {"cpu", "input x : f32[100, 1000]\nentry e -> y = softmax(x)", false, false},
        {"cpu", "input x : f32[1000, 1000]\nentry e -> y = sum(x, axis = 1)", false, false},
        {"cpu", "input x : f32[1000, 1000]\nentry e -> y = sum(exp(x), axis = 1)", false, false},
        {"cpu8", "input x : f32[1000, 1000]\nentry e -> y = softmax(x)", true, false},
        {"cpu8", "input x : f32[1000000]\nentry e -> y = tanh(x)", true, false},
        /* what is computed much of, and little; and what is stored to */
        {"cpu", "input x : f32[1000000]\nentry e -> y = tanh(x)", true, false},
        {"cpu", "input x : f32[65536]\nentry e -> y = tanh(x)", false, false},
        {"cpu", "input x : f32[1000000]\nentry e -> y = 2 * x + 1", false, false},
        {"cpu", "param w : f32[1000000] = 1\nentry e { w <- tanh(w) }", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CompileResult r = compiled(cases[i].text, cases[i].target);
        CU_ASSERT_EQUAL(strstr(r.text, " ahead(") != NULL, cases[i].loads);
        CU_ASSERT_EQUAL(strstr(r.text, " ahead_to(") != NULL, cases[i].updates);
        compile_free(&r);
    }
}

/* Of a row that three loops go through one of them says the next, once each line; of a run each line that is so far on. */
static void test_rows(void) {
    static const struct {
        const char *text, *wanted[5];
        int lines;
    } cases[] = {
        {"input x : f32[1000, 1000]\nentry e -> y = softmax(x)",
         {"i1 < 960; i1 += 64) {\n            ahead(x, t * 1000 + i1 + 1000);",
          "ahead(x, t * 1000 + i1 + 1016);", "ahead(x, t * 1000 + i1 + 1032);",
          "ahead(x, t * 1000 + i1 + 1048);"},
         4},
        {"input x : f32[1000000]\nentry e -> y = tanh(x)", {"ahead(x, t * 16 + 624);"}, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CompileResult r = compiled(cases[i].text, "cpu");
        int lines = 0;
        for (const char *at = r.text; (at = strstr(at, " ahead(x, ")); at++) lines++;
        CU_ASSERT_EQUAL(lines, cases[i].lines);
        for (size_t j = 0; cases[i].wanted[j]; j++)
            CU_ASSERT_PTR_NOT_NULL(strstr(r.text, cases[i].wanted[j]));
        compile_free(&r);
    }
}

enum { TILES = 6, TURNS = 784, PITCH = 300, VECTORS = 3, ROWS = 8, LINE = 16 };

static int64_t value_of(const Kernel *k, Idx e, uint32_t tile, int64_t t, uint32_t turn,
                        int64_t n) {
    const Form *f = &k->index.forms.at[e];
    int64_t v = f->constant;
    for (uint32_t i = 0; i < f->count; i++) {
        CU_ASSERT_FATAL(f->terms[i].atom == tile || f->terms[i].atom == turn);
        v += f->terms[i].coef * (f->terms[i].atom == tile ? t : n);
    }
    return v;
}

/* A tile of columns by some rows: what each turn says are the lines that are loaded so many turns later, each once. */
static void test_lines(void) {
    static ArenaLimit limit = {.limit_bytes = (size_t)1 << 30};
    Arena a;
    Kernel k;
    Idx tile, turn;
    arena_init(&a, &limit);
    kernel_init(&k, &a, 1, 1);
    k.ahead_bytes = 512 << 10;
    IndexTable *t = &k.index;
    uint32_t w = kernel_buffer(&k, 0, "w", DT_F32, TURNS * PITCH), acc[VECTORS][ROWS];
    uint32_t x = kernel_buffer(&k, 1, "x", DT_F32, TURNS * ROWS);
    kernel_for(&k, "t", idx_const(t, 0), idx_const(t, TILES), 1, &tile);
    for (int i = 0; i < VECTORS * ROWS; i++)
        acc[i % VECTORS][i / VECTORS] =
            kernel_var(&k, "acc", val_splat(&k, val_const(&k, DT_F32, 0), LINE));
    kernel_for(&k, "k", idx_const(t, 0), idx_const(t, TURNS), 1, &turn);
    for (int v = 0; v < VECTORS; v++) {
        Idx at = idx_add(t, idx_scale(t, tile, VECTORS * LINE), idx_scale(t, turn, PITCH));
        Val b = val_load(&k, w, idx_offset(t, at, v * LINE), LINE, (Ranges){0}, "w");
        for (int r = 0; r < ROWS; r++) {
            Val c = val_load(&k, x, idx_offset(t, turn, r * TURNS), 1, (Ranges){0}, "x");
            kernel_set(&k, acc[v][r],
                       val_fma(&k, val_splat(&k, c, LINE), b, val_read(&k, acc[v][r])));
        }
    }
    kernel_end(&k);
    kernel_end(&k);
    kernel_finish(&k);

    const KStmt *outer = k.body.at[0], *inner = outer->body.at[outer->body.len - 1];
    const int later = 384 / (VECTORS * ROWS);
    CU_ASSERT_EQUAL_FATAL(inner->op, S_FOR);
    int wrong = 0, said = 0;
    for (int64_t i = 0; i < TILES; i++) {
        for (int64_t n = 0; n + later < TURNS; n++) {
            bool line[TURNS * PITCH / LINE + 8] = {false}; /* said */
            for (uint32_t s = 0; s < inner->body.len; s++) {
                const KStmt *st = inner->body.at[s];
                if (st->op != S_AHEAD) continue;
                CU_ASSERT_EQUAL_FATAL(st->buffer, w);
                int64_t e = value_of(&k, st->index, idx_atom(t, tile), i, idx_atom(t, turn), n);
                line[e / LINE] = true;
                said++;
            }
            const int64_t first = i * VECTORS * LINE + (n + later) * PITCH;
            for (int64_t e = first; e < first + VECTORS * LINE; e++) wrong += !line[e / LINE];
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(said, TILES * (TURNS - later) * (VECTORS + 1));
    arena_free(&a);
}

/* A step of a program for `target`; w and y as they are then. */
static void step(const char *target, float *w, float *y) {
    CompileResult r = compiled("input x : f32[64, 784]\ninput d : f32[64, 300]\n"
                               "param w : f32[784, 300] ~ uniform(-1, 1)\n"
                               "entry e -> y = x @ w { w <- w - 0.1 * (x' @ d) }",
                               target);
    dlg_device *device = open_device();
    dlg_program *program = NULL;
    float *in = malloc(64 * 784 * sizeof *in);
    CU_ASSERT_PTR_NOT_NULL_FATAL(in);
    CU_ASSERT_EQUAL_FATAL(
        dlg_program_load_text(&program, device, "ahead", r.text, r.text_len, NULL), DLG_OK);
    compile_free(&r);
    for (int i = 0; i < 64 * 784; i++) in[i] = (float)(i * 7 % 1000) / 1000;
    CU_ASSERT_EQUAL(dlg_set(program, "x", in, 64 * 784 * sizeof *in), DLG_OK);
    CU_ASSERT_EQUAL(dlg_set(program, "d", in, 64 * 300 * sizeof *in), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(dlg_run(program, "e"), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(dlg_get(program, "w", w, 784 * 300 * sizeof *w), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(dlg_get(program, "y", y, 64 * 300 * sizeof *y), DLG_OK);
    dlg_program_close(program);
    dlg_device_close(device);
    free(in);
}

static void test_values(void) {
    static float w[2][784 * 300], y[2][64 * 300];
    step("cpu", w[0], y[0]);
    step("cpu8", w[1], y[1]);
    CU_ASSERT_EQUAL(memcmp(w[0], w[1], sizeof w[0]), 0);
    CU_ASSERT_EQUAL(memcmp(y[0], y[1], sizeof y[0]), 0);
}

RUN_SUITE("ahead", {"which loops say what they will load", test_text},
          {"rows, and what lies as it is gone through", test_rows},
          {"that it is what they load", test_lines}, {"what they compute", test_values})

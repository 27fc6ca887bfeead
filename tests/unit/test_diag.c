/* Diagnostics: where they point, in which order, and what a reader gets to see. */
#include "diag.h"

#include "graph_fixture.h"

#include <CUnit/Basic.h>

typedef struct Case {
    Fixture f;
    Sources sources;
    Diags diags;
} Case;

static void open_case(Case *c, const char *text) {
    fixture_open(&c->f);
    c->sources = (Sources){.arena = &c->f.arena};
    diags_init(&c->diags, &c->f.arena, &c->sources);
    source_add(&c->sources, "a.dlg", text, strlen(text));
}

static Span at(uint32_t begin, uint32_t end) {
    return (Span){0, begin, end};
}

static const char *render(Case *c) {
    Text t;
    text_init(&t, &c->f.arena);
    text_puts(&t, "");
    diags_render(&c->diags, &t, false);
    return t.at;
}

static void expect(Case *c, const char *wanted) {
    const char *got = render(c);
    if (strcmp(got, wanted)) fprintf(stderr, "wanted:\n%s\ngot:\n%s\n", wanted, got);
    CU_ASSERT_STRING_EQUAL(got, wanted);
    fixture_close(&c->f);
}

static void test_all_parts(void) {
    Case c;
    open_case(&c, "x = 1\ny = x @ w\nz = 3\n");
    Diag *d = diag_error(&c.diags, E0401, at(10, 15), "shapes do not match: %d", 7);
    diag_label(&c.diags, d, "inner sizes differ");
    diag_span(&c.diags, d, at(0, 1), "made here");
    diag_note(&c.diags, d, "a note");
    diag_help(&c.diags, d, "a help");
    expect(&c, "error[E0401]: shapes do not match: 7\n"
               " --> a.dlg:2:5\n"
               "  |\n"
               "1 | x = 1\n"
               "  | - made here\n"
               "2 | y = x @ w\n"
               "  |     ^^^^^ inner sizes differ\n"
               "  = note: a note\n"
               "  = help: a help\n"
               "\n");
}

static void test_lines_between_are_left_out(void) {
    Case c;
    open_case(&c, "1\n2\n3\n4\n5\n6\n7\n8\n9\nten\n");
    Diag *d = diag_error(&c.diags, E0201, at(18, 21), "here");
    diag_span(&c.diags, d, at(0, 1), "there");
    expect(&c, "error[E0201]: here\n"
               "  --> a.dlg:10:1\n"
               "   |\n"
               " 1 | 1\n"
               "   | - there\n"
               "...\n"
               "10 | ten\n"
               "   | ^^^\n"
               "\n");
}

static void test_sorted_and_once(void) {
    Case c;
    open_case(&c, "abc def\n");
    diag_error(&c.diags, E0201, at(4, 7), "second");
    diag_warning(&c.diags, W0101, at(0, 3), "first");
    diag_error(&c.diags, E0201, at(4, 7), "the same again");
    CU_ASSERT_EQUAL(c.diags.list.len, 2);
    expect(&c, "warning[W0101]: first\n --> a.dlg:1:1\n  |\n1 | abc def\n  | ^^^\n\n"
               "error[E0201]: second\n --> a.dlg:1:5\n  |\n1 | abc def\n  |     ^^^\n\n");
}

static void test_only_so_many(void) {
    Case c;
    open_case(&c, "0123456789012345678901234567890123456789\n");
    for (uint32_t i = 0; i < 30; i++) diag_error(&c.diags, E0201, at(i, i + 1), "error %u", i);
    CU_ASSERT_EQUAL(c.diags.errors, 30);
    CU_ASSERT_EQUAL(c.diags.list.len, 20);
    const char *text = render(&c);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "error 19"));
    CU_ASSERT_PTR_NULL(strstr(text, "error 20"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "there are more errors; the first 20 are shown"));
    fixture_close(&c.f);
}

static void test_ends_of_the_text(void) {
    Case c;
    open_case(&c, "ab");
    diag_error(&c.diags, E0101, at(2, 2), "at the end");
    diag_error(&c.diags, E0101, at(1000, 2000), "beyond the end");
    expect(&c, "error[E0101]: at the end\n --> a.dlg:1:3\n  |\n1 | ab\n  |   ^\n\n"
               "error[E0101]: beyond the end\n --> a.dlg:1:3\n  |\n1 | ab\n  |   ^\n\n");
    open_case(&c, "");
    diag_error(&c.diags, E0209, at(0, 0), "empty");
    expect(&c, "error[E0209]: empty\n --> a.dlg:1:1\n  |\n1 |\n  | ^\n\n");
}

static void test_columns_are_characters(void) {
    Case c;
    /* two bytes and one column; three bytes and two columns; a tab is shown as four */
    open_case(&c, "\xC3\xA9 \xE6\x97\xA5\tx\r\n");
    diag_error(&c.diags, E0201, at(7, 8), "x");
    expect(&c, "error[E0201]: x\n --> a.dlg:1:5\n  |\n1 | \xC3\xA9 \xE6\x97\xA5    x\n"
               "  |         ^\n\n");
}

static void test_controls_are_not_shown(void) {
    Case c;
    open_case(&c, "a\033[31mb\xFF"
                  "c\xE2\x80\xAE");
    diag_error(&c.diags, E0103, at(7, 8), "the name `%s`", "\033[2J\nx");
    expect(&c, "error[E0103]: the name `\xEF\xBF\xBD[2J x`\n --> a.dlg:1:8\n  |\n"
               "1 | a\xEF\xBF\xBD[31mb\xEF\xBF\xBD"
               "c\xEF\xBF\xBD\n  |        ^\n\n");
}

static void test_long_lines_have_a_window(void) {
    Case c;
    enum { LONG = 1000000 };
    fixture_open(&c.f);
    char *text = arena_alloc(&c.f.arena, LONG + 1);
    memset(text, 'a', LONG);
    c.sources = (Sources){.arena = &c.f.arena};
    diags_init(&c.diags, &c.f.arena, &c.sources);
    source_add(&c.sources, "a.dlg", text, LONG);
    diag_error(&c.diags, E0201, at(0, LONG), "all of it");
    diag_error(&c.diags, E0201, at(500000, 500001), "the middle");
    diag_error(&c.diags, E0201, at(LONG, LONG), "the end");
    CU_ASSERT_TRUE(strlen(render(&c)) < 1500);
    CU_ASSERT_PTR_NOT_NULL(strstr(render(&c), "a.dlg:1:500001"));
    CU_ASSERT_PTR_NOT_NULL(strstr(render(&c), "a.dlg:1:1000001"));
    fixture_close(&c.f);
}

static void test_places(void) {
    Case c;
    open_case(&c, "a\n\nbc\n");
    static const uint32_t wanted[][2] = {{1, 1}, {1, 2}, {2, 1}, {3, 1}, {3, 2}, {3, 3}, {4, 1}};
    for (uint32_t i = 0; i < COUNT_OF(wanted); i++) {
        uint32_t line, column;
        source_place(&c.sources, at(i, i), &line, &column);
        CU_ASSERT_EQUAL(line, wanted[i][0]);
        CU_ASSERT_EQUAL(column, wanted[i][1]);
    }
    fixture_close(&c.f);
}

static void test_nearest(void) {
    static const char *const names[] = {"softmax",  "relu", "loss",         "sgd",
                                        "Accuracy", "x",    "cross_entropy"};
    static const struct {
        const char *word, *wanted;
    } cases[] = {
        {"sofmax", "softmax"},
        {"rleu", "relu"},
        {"los", "loss"},
        {"lsos", "loss"},
        {"accuracy", "Accuracy"},
        {"X", "x"},
        {"std", "(none)"},
        {"sdg", "sgd"},
        {"y", "(none)"},
        {"xy", "(none)"},
        {"completely_else", "(none)"},
        {"", "(none)"},
        {"crossentropy", "cross_entropy"},
        {"cross_entropyyyyy", "(none)"},
    };
    Fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *got = diag_nearest(&f.arena, cases[i].word, names, COUNT_OF(names));
        CU_ASSERT_STRING_EQUAL(got ? got : "(none)", cases[i].wanted);
    }
    fixture_close(&f);
}

static void test_codes(void) {
    CU_ASSERT_STRING_EQUAL(diag_code_name(E0401), "E0401");
    CU_ASSERT_STRING_EQUAL(diag_code_title(E0201), "unknown name");
}

RUN_SUITE("diag", {"all parts", test_all_parts}, {"lines between", test_lines_between_are_left_out},
          {"order", test_sorted_and_once}, {"limit", test_only_so_many},
          {"ends", test_ends_of_the_text}, {"columns", test_columns_are_characters},
          {"controls", test_controls_are_not_shown}, {"long lines", test_long_lines_have_a_window},
          {"places", test_places}, {"nearest", test_nearest}, {"codes", test_codes})

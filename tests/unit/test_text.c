/* Text as windows of tokens: which windows, which numbers, the vocabulary with the weights, the hold-out; what
 * is refused says where in the file. */
#include "compile.h"
#include "data_fixture.h"

static int parse(dlg_device *dev, const char *text, size_t len, TextTake *t) {
    char *exact = malloc(len + 1); /* one before, so that nothing is not asked for */
    if (!exact) exit(1);
    memcpy(exact + 1, text, len);
    t->name = "s";
    int status = text_parse(dev, "t.txt", exact + 1, len, t);
    free(exact);
    return status;
}

static void drop(TextTake *t) {
    free(t->values);
    free(t->vocabulary);
}

/* Every window against the text itself, for all lengths of both. */
static void test_windows(void) {
    dlg_device *dev = none_device();
    char text[40];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(200 + i);
    for (size_t len = 1; len <= sizeof text; len++) {
        for (size_t window = 1; window <= len; window++) {
            TextTake t = {.type = len % 2 ? DLG_U8 : DLG_I32, .window = window};
            CU_ASSERT_EQUAL_FATAL(parse(dev, text, len, &t), DLG_OK);
            unsigned predicted[sizeof text] = {0}, read[sizeof text] = {0};
            size_t step = window > 1 ? window - 1 : 1;
            for (size_t r = 0; r < t.rows; r++) {
                for (size_t k = 0; k < window; k++) {
                    double v = dlg_element(t.type, t.values, r * window + k);
                    CU_ASSERT_EQUAL((int)v, (unsigned char)text[r * step + k]);
                    if (k > 0 || window == 1) predicted[r * step + k]++;
                    if (k < step) read[r * step + k]++;
                }
            }
            for (size_t i = 0; i < len - t.left; i++) {
                CU_ASSERT_EQUAL(predicted[i], i > 0 || window == 1);
                CU_ASSERT_EQUAL(read[i], i < len - t.left - 1 || window == 1);
            }
            CU_ASSERT(t.left < step && t.tokens == len && t.vocabulary_size == 256);
            CU_ASSERT_PTR_NULL(t.vocabulary);
            drop(&t);
        }
    }
    dlg_device_close(dev);
}

/* Characters are numbered as their code points lie, by 1, 2, 3 and 4 bytes of UTF-8; the first and the last. */
static void test_numbers(void) {
    dlg_device *dev = none_device();
    static const char text[] = "\xEF\xBB\xBF"
                               "b\xC3\xA9\n"
                               "ba\xF0\x9F\x98\x80z\xE2\x82\xAC\x01\xF4\x8F\xBF\xBF";
    static const int32_t want[] = {3, 5, 1, 3, 2, 7, 4, 6, 0, 8};
    TextTake t = {.chars = true, .type = DLG_I32, .window = 10};
    CU_ASSERT_EQUAL_FATAL(parse(dev, text, sizeof text - 1, &t), DLG_OK);
    CU_ASSERT(t.rows == 1 && t.tokens == 10 && t.left == 0 && t.vocabulary_size == 9);
    CU_ASSERT(memcmp(t.values, want, sizeof want) == 0);
    CU_ASSERT_STRING_EQUAL(t.vocabulary, "\x01\nabz\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"
                                         "\xF4\x8F\xBF\xBF");
    char *all = t.vocabulary;
    free(t.values);
    /* The same numbers in a text that has fewer. */
    TextTake fewer = {.chars = true, .type = DLG_U8, .window = 3, .known = all};
    CU_ASSERT_EQUAL_FATAL(parse(dev, "zab", 3, &fewer), DLG_OK);
    CU_ASSERT(fewer.vocabulary_size == 9 && memcmp(fewer.values, "\4\2\3", 3) == 0);
    CU_ASSERT_STRING_EQUAL(fewer.vocabulary, all);
    drop(&fewer);
    free(all);
    dlg_device_close(dev);
}

static void test_refused(void) {
    dlg_device *dev = none_device();
    static const struct {
        const char *text;
        size_t len;
        const char *known, *message;
    } bad[] = {
#define BAD(text, known, message) {text, sizeof(text) - 1, known, message}
        BAD("", NULL, "t.txt: has 0 characters, and a sample of `s` is a window of 3"),
        BAD("ab", NULL, "has 2 characters"),
        BAD("\xEF\xBB\xBF"
            "ab",
            NULL, "has 2 characters"),
        BAD("ab\ncd\xE9", NULL, "t.txt:2: byte 5 of the file: it is not UTF-8; `bytes` takes"),
        BAD("abc\x80", NULL, "t.txt:1: byte 3"),
        BAD("abc\xC3", NULL, "byte 3"),
        BAD("abc\xC0\x80", NULL, "byte 3"),
        BAD("abc\xE0\x80\x80", NULL, "byte 3"),
        BAD("abc\xED\xA0\x80", NULL, "byte 3"),
        BAD("abc\xF0\x80\x80\x80", NULL, "byte 3"),
        BAD("abc\xF4\x90\x80\x80", NULL, "byte 3"),
        BAD("abc\xF8\x88\x80\x80\x80", NULL, "byte 3"),
        BAD("abc\xF0\x9F\x98", NULL, "byte 3"),
        BAD("\xFF\xFE"
            "a\0b\0",
            NULL, "byte 0"),
        BAD("a\n\nb\0c", NULL, "t.txt:3: byte 4 of the file: a NUL is in no text"),
        BAD("abcd", "abc", "t.txt:1: byte 3 of the file: `d`, U+0064 is not in the vocabulary"),
        BAD("ab\n", "abc",
            "byte 2 of the file: U+000A is not in the vocabulary of the weights, "
            "which has 3 characters"),
        BAD("ab\xC2\x9B", "abc", "byte 2 of the file: U+009B is"),
        BAD("a\xF0\x9F\x98\x80"
            "b",
            "abc", "byte 1 of the file: `\xF0\x9F\x98\x80`, U+1F600 is"),
        BAD("aaa", "", "`a`, U+0061 is not in the vocabulary of the weights, which has 0"),
        BAD("aaa", "ba", "the weights' vocabulary for `s` is not characters in ascending order"),
        BAD("aaa", "aa", "not characters in ascending order"),
        BAD("aaa", "a\xFF", "not characters in ascending order"),
        BAD("aaa", "a\xC3", "not characters in ascending order"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        TextTake t = {.chars = true, .type = DLG_I32, .window = 3, .known = bad[i].known};
        CU_ASSERT(says(dev, parse(dev, bad[i].text, bad[i].len, &t), DLG_ERR_DATA, bad[i].message));
        CU_ASSERT(t.values == NULL && t.vocabulary == NULL);
    }
    char many[257 * 2];
    for (int i = 0; i < 257; i++) {
        many[2 * i] = (char)(0xc4 + i / 64);
        many[2 * i + 1] = (char)(0x80 + i % 64);
    }
    TextTake u8 = {.chars = true, .type = DLG_U8, .window = 3};
    CU_ASSERT(says(dev, parse(dev, many, sizeof many, &u8), DLG_ERR_DATA,
                   "has 257 different characters, and `s` is u8"));
    CU_ASSERT_EQUAL(parse(dev, many, sizeof many - 2, &u8), DLG_OK);
    CU_ASSERT(u8.vocabulary_size == 256 && ((uint8_t *)u8.values)[u8.rows * 3 - 1] == 254);
    drop(&u8);
    TextTake floats = {.type = DLG_F32, .window = 1};
    CU_ASSERT(
        says(dev, parse(dev, "abc", 3, &floats), DLG_ERR_DATA, "`s` must be i32 or u8, not f32"));
    TextTake huge = {.type = DLG_I32, .window = SIZE_MAX};
    CU_ASSERT(says(dev, parse(dev, "abc", 3, &huge), DLG_ERR_DATA, "has 3 bytes"));
    dlg_device_close(dev);
}

/* ---- Through a program ------------------------------------------------------------------------- */

static const char model[] = "const batch = 2, T = 3\n"
                            "input s : i32[batch, T + 1] from \"t-book.txt\" chars\n"
                            "param w : f32[9, 9] = 0\n"
                            "logits = reshape(w[s[:, 0:T]], batch * T, 9)\n"
                            "loss = mean(cross_entropy(logits, reshape(s[:, 1:], batch * T)))\n"
                            "entry train -> loss { minimize loss by sgd() }\n";

static dlg_program *load(dlg_device *dev) {
    CompileOptions options = {0};
    dlg_program *prog;
    CompileResult r = compile_text("t.dlg", model, sizeof model - 1, &options);
    if (r.status != 0 ||
        dlg_program_load_text(&prog, dev, "t.cl", r.text, r.text_len, NULL) != DLG_OK) {
        fprintf(stderr, "%s%s\n", r.diagnostics, dlg_error_text(dev));
        exit(1);
    }
    compile_free(&r);
    return prog;
}

static int open_source(dlg_dataset **d, dlg_program *prog, const char *source) {
    dlg_data data = {"s", source, NULL, 0};
    dlg_dataset_options o = {.data = &data, .data_count = source != NULL};
    return dlg_dataset_open(d, prog, &o);
}

static void test_sources(void) {
    dlg_device *dev = none_device();
    dlg_program *prog = load(dev);
    const dlg_tensor *s = dlg_tensor_find(prog, "s");
    dlg_dataset *d;
    size_t size;
    write_file("t-book.txt", "abcdefghicba", 12);
    write_file("t-table.csv", "1,2,3,4\n", 8);
    CU_ASSERT_EQUAL_FATAL(open_source(&d, prog, NULL), DLG_OK);
    CU_ASSERT_STRING_EQUAL(dlg_dataset_vocabulary(d, s, &size), "abcdefghi");
    CU_ASSERT(size == 9 && dlg_dataset_rows(d, DLG_ROWS_ALL) == 3);
    CU_ASSERT_STRING_EQUAL(dlg_dataset_text(d), "t-book.txt: 12 characters, 9 different: 3 windows "
                                                "of 4 and 2 left over");
    const int32_t *v = dlg_dataset_values(d, s);
    CU_ASSERT(memcmp(v, (int32_t[]){0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 2}, 48) == 0);
    dlg_dataset_close(d);
    CU_ASSERT_EQUAL_FATAL(open_source(&d, prog, "t-book.txt:bytes"), DLG_OK);
    v = dlg_dataset_values(d, s);
    CU_ASSERT(v[0] == 'a' && v[11] == 'c' && !dlg_dataset_vocabulary(d, s, &size) && size == 256);
    dlg_dataset_close(d);
    /* A table is one when columns say so. */
    CU_ASSERT_EQUAL_FATAL(open_source(&d, prog, "t-table.csv:0:4"), DLG_OK);
    v = dlg_dataset_values(d, s);
    CU_ASSERT(v[3] == 4 && !dlg_dataset_vocabulary(d, s, &size) && size == 0);
    dlg_dataset_close(d);
    CU_ASSERT_EQUAL_FATAL(open_source(&d, prog, "t-table.csv"), DLG_OK);
    CU_ASSERT_STRING_EQUAL(dlg_dataset_vocabulary(d, s, NULL), "\n,1234");
    dlg_dataset_close(d);
    /* The vocabulary of the weights holds. */
    CU_ASSERT_EQUAL(dlg_meta_set(prog, "vocabulary.s", "abcdefghijk"), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(open_source(&d, prog, "t-book.txt:chars"), DLG_OK);
    CU_ASSERT_STRING_EQUAL(dlg_dataset_vocabulary(d, s, &size), "abcdefghijk");
    CU_ASSERT(strstr(dlg_dataset_text(d), "11 different in the weights") != NULL);
    dlg_dataset_close(d);
    CU_ASSERT(says(dev, open_source(&d, prog, "t-table.csv"), DLG_ERR_DATA,
                   "t-table.csv:1: byte 0 of the file: `1`, U+0031 is not in the vocabulary"));
    CU_ASSERT_PTR_NULL(d);
    CU_ASSERT(says(dev, open_source(&d, prog, ":chars"), DLG_ERR_DATA, "names no file"));
    CU_ASSERT(says(dev, open_source(&d, prog, "no.txt:bytes"), DLG_ERR_FILE, "no.txt"));
    /* Another text is not the same data, though its characters have the same numbers. */
    int same;
    write_file("t-other.txt", "bcdefghijdcb", 12);
    for (int other = 0; other < 2; other++) {
        CU_ASSERT_EQUAL(dlg_meta_set(prog, "vocabulary.s", NULL), DLG_OK);
        CU_ASSERT_EQUAL_FATAL(open_source(&d, prog, other ? "t-other.txt" : NULL), DLG_OK);
        CU_ASSERT(memcmp(dlg_dataset_values(d, s), (int32_t[]){0, 1, 2, 3}, 16) == 0);
        if (other == 0) CU_ASSERT_EQUAL(split_record(d), DLG_OK);
        CU_ASSERT_EQUAL(dlg_dataset_split_recorded(d, prog, &same), DLG_OK);
        CU_ASSERT_EQUAL(same, !other);
        dlg_dataset_close(d);
    }
    unlink("t-other.txt");
    CU_ASSERT_EQUAL(dlg_meta_set(prog, "vocabulary.s", "abcdefghijk"), DLG_OK);
    /* It is recorded, and removed where there is none. */
    CU_ASSERT_EQUAL_FATAL(open_source(&d, prog, NULL), DLG_OK);
    CU_ASSERT_EQUAL(dlg_meta_set(prog, "vocabulary.s", NULL), DLG_OK);
    CU_ASSERT_EQUAL(split_record(d), DLG_OK);
    CU_ASSERT_STRING_EQUAL(dlg_meta_get(prog, "vocabulary.s"), "abcdefghijk");
    dlg_dataset_close(d);
    CU_ASSERT_EQUAL_FATAL(open_source(&d, prog, "t-book.txt:bytes"), DLG_OK);
    CU_ASSERT_EQUAL(split_record(d), DLG_OK);
    CU_ASSERT_PTR_NULL(dlg_meta_get(prog, "vocabulary.s"));
    dlg_dataset_close(d);
    unlink("t-book.txt"), unlink("t-table.csv");
    dlg_program_close(prog);
    dlg_device_close(dev);
}

/* The end of the text is held out, whatever the seed, and no token of it is in a window to train on. */
static void test_split(void) {
    dlg_device *dev = none_device();
    dlg_program *prog = load(dev);
    const dlg_tensor *s = dlg_tensor_find(prog, "s");
    dlg_dataset *d;
    char text[1 + 3 * 20];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i + 1);
    write_file("t-book.txt", text, sizeof text);
    CU_ASSERT_EQUAL_FATAL(open_source(&d, prog, "t-book.txt:bytes"), DLG_OK);
    CU_ASSERT_EQUAL(dlg_dataset_rows(d, DLG_ROWS_TRAINING), 20);
    for (uint64_t seed = 0; seed < 3; seed++) {
        CU_ASSERT_EQUAL(dlg_dataset_split(d, 0.25, seed), DLG_OK);
        const uint32_t *held = dlg_dataset_row_numbers(d, DLG_ROWS_HELD_OUT);
        const uint32_t *training = dlg_dataset_row_numbers(d, DLG_ROWS_TRAINING);
        const int32_t *v = dlg_dataset_values(d, s);
        CU_ASSERT_EQUAL_FATAL(dlg_dataset_rows(d, DLG_ROWS_HELD_OUT), 5);
        CU_ASSERT_EQUAL_FATAL(dlg_dataset_rows(d, DLG_ROWS_TRAINING), 14);
        for (uint32_t i = 0; i < 14; i++) CU_ASSERT_EQUAL(training[i], i);
        for (uint32_t i = 0; i < 5; i++) CU_ASSERT_EQUAL(held[i], 15 + i);
        CU_ASSERT(v[4 * training[13] + 3] < v[4 * held[0]]);
    }
    int same;
    CU_ASSERT_EQUAL(split_record(d), DLG_OK);
    CU_ASSERT_STRING_EQUAL(dlg_meta_get(prog, "data_held_out"), "5");
    CU_ASSERT_EQUAL(dlg_dataset_split(d, 0, 0), DLG_OK);
    CU_ASSERT(dlg_dataset_split_recorded(d, prog, &same) == DLG_OK && same == 1);
    CU_ASSERT(dlg_dataset_rows(d, DLG_ROWS_HELD_OUT) == 5 &&
              dlg_dataset_rows(d, DLG_ROWS_TRAINING) == 14);
    CU_ASSERT_EQUAL(dlg_meta_set(prog, "data_rows", "21"), DLG_OK);
    CU_ASSERT(dlg_dataset_split_recorded(d, prog, &same) == DLG_OK && same == 0);
    CU_ASSERT(dlg_dataset_rows(d, DLG_ROWS_HELD_OUT) == 20 &&
              dlg_dataset_rows(d, DLG_ROWS_TRAINING) == 0);
    CU_ASSERT(says(dev, dlg_dataset_split(d, 0.94, 1), DLG_ERR_DATA, "nothing to train on"));
    CU_ASSERT_EQUAL(dlg_dataset_split(d, 0.9, 1), DLG_OK);
    CU_ASSERT_EQUAL(dlg_dataset_rows(d, DLG_ROWS_TRAINING), 1);
    dlg_dataset_close(d);
    unlink("t-book.txt");
    dlg_program_close(prog);
    dlg_device_close(dev);
}

RUN_SUITE("text", {"windows", test_windows}, {"numbers", test_numbers}, {"refused", test_refused},
          {"sources", test_sources}, {"hold-out", test_split})

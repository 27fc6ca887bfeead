/* Tables: what is read, what is refused and with which words, and how fast. */
#include "data_fixture.h"

#include <locale.h>
#include <math.h>
#include <time.h>

static int parse(dlg_device *dev, const char *text, CsvTake *takes, size_t count, CsvInfo *info) {
    return csv_parse(dev, "t.csv", text, strlen(text), takes, count, info);
}

static void test_columns(void) {
    dlg_device *dev = none_device();
    CsvTake takes[] = {{.begin = 0, .end = 2, .type = DLG_F32},
                       {.begin = 2, .end = 3, .type = DLG_I32},
                       {.begin = 1, .end = 3, .type = DLG_F32}};
    CsvInfo info;
    CU_ASSERT_EQUAL(parse(dev, "1,2.5,3\n-4,5e-1, 6\r\n", takes, 3, &info), DLG_OK);
    CU_ASSERT_EQUAL(info.rows, 2);
    CU_ASSERT_EQUAL(info.columns, 3);
    CU_ASSERT_FALSE(info.header);
    const float *f = takes[0].values, *g = takes[2].values;
    const int32_t *i = takes[1].values;
    CU_ASSERT(f[0] == 1 && f[1] == 2.5f && f[2] == -4 && f[3] == 0.5f);
    CU_ASSERT(i[0] == 3 && i[1] == 6);
    CU_ASSERT(g[0] == 2.5f && g[1] == 3 && g[2] == 0.5f && g[3] == 6);
    for (int t = 0; t < 3; t++) free(takes[t].values);
    CsvTake all = {.begin = 1, .end = CSV_ALL, .type = DLG_BOOL};
    CU_ASSERT_EQUAL(parse(dev, "x,0,1\ny,1,0", &all, 1, &info), DLG_OK);
    CU_ASSERT(all.end == 3 && info.rows == 2 && memcmp(all.values, "\0\1\1\0", 4) == 0);
    free(all.values);
    CsvTake small[] = {{.begin = 0, .end = 2, .type = DLG_U8},
                       {.begin = 0, .end = 2, .type = DLG_F16},
                       {.begin = 0, .end = 2, .type = DLG_BF16}};
    CU_ASSERT_EQUAL(parse(dev, "0,255\n2049,1.\n", small + 1, 2, &info), DLG_OK);
    CU_ASSERT(memcmp(small[1].values, (uint16_t[]){0, 0x5bf8, 0x6800, 0x3c00}, 8) == 0);
    CU_ASSERT(memcmp(small[2].values, (uint16_t[]){0, 0x437f, 0x4500, 0x3f80}, 8) == 0);
    free(small[1].values), free(small[2].values);
    CU_ASSERT_EQUAL(parse(dev, "0,255\n7,1\n", small, 1, &info), DLG_OK);
    CU_ASSERT(memcmp(small[0].values, "\0\377\7\1", 4) == 0);
    free(small[0].values);
    dlg_device_close(dev);
}

static void test_format(void) {
    dlg_device *dev = none_device();
    static const struct {
        const char *text;
        size_t rows;
        bool header;
    } good[] = {
        {"a,b\n1,2\n", 1, true},
        {"1,2", 1, false},
        {"1,2\r\n3,4\r\n\r\n\n  \n", 2, false},
        {"\xEF\xBB\xBF"
         "1,2\n",
         1, false},
        {"\"a \"\"q\"\" b\",\"c\nd\"\n\"1\",\" 2 \"\n", 1, true},
        {"\"x,y\",z\n+1.,.5\n", 1, true},
        {"\t1 , 2\t\n", 1, false},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CsvTake take = {.begin = 0, .end = 2, .type = DLG_F32};
        CsvInfo info;
        int status = parse(dev, good[i].text, &take, 1, &info);
        CU_ASSERT_EQUAL(status, DLG_OK);
        if (status < 0)
            fprintf(stderr, "%s\n", dlg_error_text(dev));
        else
            CU_ASSERT(info.rows == good[i].rows && info.header == good[i].header);
        free(take.values);
    }
    dlg_device_close(dev);
}

static void test_refused(void) {
    dlg_device *dev = none_device();
    static const struct {
        const char *text, *message;
        dlg_type type;
    } bad[] = {
        {"", "t.csv: the file is empty", DLG_F32},
        {"\n\n", "t.csv: the file is empty", DLG_F32},
        {"a,b\n", "no rows after the header", DLG_F32},
        {"1,2\n3\n", "t.csv:2: the row has 1 column where the first row has 2", DLG_F32},
        {"1,2\n3,4,5\n", "t.csv:2: the row has 3 columns where the first row has 2", DLG_F32},
        {"1,2\n\n3,4\n", "t.csv:2: the row is empty", DLG_F32},
        {"1\n2\n", "there is no column 1: the first row has 1 column (0 to 0); cells are separated",
         DLG_F32},
        {"1;2\n2;3\n", "there is no column 1", DLG_F32},
        {"1,2\n3,x\n", "t.csv:2: column 2: `x` is not a number (in a model: `columns 1`)", DLG_F32},
        {"1,x\n3,4\n", "t.csv:1: column 2: `x` is not a number", DLG_F32},
        {"1,2\n3,\n", "t.csv:2: column 2: the cell is empty", DLG_F32},
        {"1,2\n3,nan\n", "`nan` is not a number", DLG_F32},
        {"1,2\n3,inf\n", "`inf` is not a number", DLG_F32},
        {"1,2\n3,0x10\n", "`0x10` is not a number", DLG_F32},
        {"1,2\n3,1e\n", "`1e` is not a number", DLG_F32},
        {"1,2\n3,1e39\n", "t.csv:2: column 2: 1e+39 is too large for f32", DLG_F32},
        {"1,2\n3,1e999\n", "`1e999` is not a number", DLG_F32},
        {"1,2\n3,2.5\n", "t.csv:2: column 2: 2.5 is not a whole number, and the input is i32",
         DLG_I32},
        {"1,2\n3,3e9\n", "is too large for i32", DLG_I32},
        {"1,0\n0,2\n", "t.csv:2: column 2: 2 is not 0 or 1, and the input is bool", DLG_BOOL},
        {"1,2\n3,256\n", "t.csv:2: column 2: 256 is not from 0 to 255, and the input is u8",
         DLG_U8},
        {"1,2\n-1,6\n", "t.csv:2: column 1: -1 is not from 0 to 255, and the input is u8", DLG_U8},
        {"1,2\n3,2.5\n", "t.csv:2: column 2: 2.5 is not a whole number, and the input is u8",
         DLG_U8},
        {"1,2\n3,65520\n", "t.csv:2: column 2: 65520 is too large for f16", DLG_F16},
        {"1,2\n-3.4e38,1\n", "t.csv:2: column 1: -3.4e+38 is too large for bf16", DLG_BF16},
        {"1,\"2\n3,4\n", "t.csv:1: column 2: the quote that begins this cell is never closed",
         DLG_F32},
        {"1,\"2\"x\n", "t.csv:1: column 2: text after the closing quote", DLG_F32},
        {"a\n\"b\nc\",1\n", "there is no column 1", DLG_F32},
        {"\"a\nb\",c\n1,x\n", "t.csv:3: column 2: `x`", DLG_F32},
        {"1,2\n3,\x01\x02z\n", "`??z` is not a number", DLG_F32},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CsvTake take = {.begin = 0, .end = 2, .type = bad[i].type};
        CsvInfo info;
        CU_ASSERT(
            says(dev, parse(dev, bad[i].text, &take, 1, &info), DLG_ERR_DATA, bad[i].message));
        CU_ASSERT_PTR_NULL(take.values);
    }
    CsvTake far = {.begin = 1000000000, .end = 1000000001, .type = DLG_F32};
    CsvInfo info;
    CU_ASSERT(says(dev, parse(dev, "1,2\n", &far, 1, &info), DLG_ERR_DATA, "no column 1000000000"));
    CU_ASSERT(
        says(dev, csv_read(dev, "missing.csv", &far, 1, 0, &info), DLG_ERR_FILE, "missing.csv"));
    CU_ASSERT(says(dev, csv_read(dev, "/", &far, 1, 0, &info), DLG_ERR_FILE, "directory"));
    dlg_device_close(dev);
}

/* Every prefix of a table, and every byte of it replaced: an answer, never a crash. */
static void test_damaged(void) {
    dlg_device *dev = none_device();
    static const char text[] = "name,\"a \"\"b\"\"\"\r\n1.5e3,-2\n\"3\",4.25\n";
    char copy[sizeof text];
    for (size_t len = 0; len < sizeof text; len++) {
        CsvTake take = {.begin = 0, .end = 2, .type = DLG_F32};
        CsvInfo info;
        char *exact = malloc(len + 1); /* so that a sanitizer sees reads behind the end */
        memcpy(exact, text, len);
        exact[len] = 0;
        if (csv_parse(dev, "t.csv", exact, len, &take, 1, &info) < 0)
            CU_ASSERT(strlen(dlg_error_text(dev)) > 0);
        free(take.values);
        free(exact);
    }
    static const char replacements[] = {0, '"', ',', '\n', '\r', 'e', '-', (char)0xFF};
    for (size_t at = 0; at + 1 < sizeof text; at++) {
        for (size_t k = 0; k < sizeof replacements; k++) {
            CsvTake take = {.begin = 0, .end = 2, .type = DLG_F32};
            CsvInfo info;
            memcpy(copy, text, sizeof text);
            copy[at] = replacements[k];
            if (csv_parse(dev, "t.csv", copy, sizeof text - 1, &take, 1, &info) < 0)
                CU_ASSERT(strlen(dlg_error_text(dev)) > 0);
            free(take.values);
        }
    }
    dlg_device_close(dev);
}

static void test_numbers(void) {
    static const char *const good[] = {
        "0",
        "-0",
        "1",
        "+1",
        "00012",
        "1.",
        ".5",
        "-.5e1",
        "3.14159265358979",
        "1e22",
        "1e23",
        "1e-22",
        "123456789012345678901234567890",
        "0.1",
        "9007199254740993",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "4.9e-324",
        "0.000000000000000000000000000001",
        "1e-400",
        "0.30000000000000004440892098500626",
        "8.5e15",
        "123456.789e-3",
        "0e999999999",
    };
    static const char *const bad[] = {"",          "-",     "+",     ".",   "e5",  "1e",
                                      "1e+",       "1 2",   "1.2.3", "0x1", "nan", "inf",
                                      "-infinity", "1e400", "1,5",   "--1", "1f"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double v = NAN;
        CU_ASSERT(data_number(good[i], strlen(good[i]), &v));
        CU_ASSERT_EQUAL(v, strtod(good[i], NULL));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double v;
        CU_ASSERT_FALSE(data_number(bad[i], strlen(bad[i]), &v));
    }
    uint32_t bits = 12345; /* shortest and 17-digit texts of many doubles */
    for (int i = 0; i < 200000; i++) {
        char text[64];
        double v;
        bits = bits * 1664525u + 1013904223u;
        double want = (double)(int32_t)bits * pow(10, (int)(bits >> 8) % 40 - 20);
        snprintf(text, sizeof text, i % 2 ? "%.17g" : "%.7g", want);
        want = strtod(text, NULL);
        if (!data_number(text, strlen(text), &v) || v != want) {
            CU_FAIL("a number was read wrongly");
            fprintf(stderr, "%s\n", text);
            break;
        }
    }
}

/* A locale with decimal commas must not change what is read. */
static void test_locale(void) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C.UTF-8"};
    for (size_t i = 0; i < 4; i++)
        if (setlocale(LC_ALL, names[i])) break;
    double v = 0;
    CU_ASSERT(data_number("0.12345678901234567890123", 25, &v) && v == 0.12345678901234567890123);
    setlocale(LC_ALL, "C");
}

static void test_speed(void) {
    dlg_device *dev = none_device();
    enum { BYTES = 24 << 20 };
    char *text = malloc(BYTES + 128);
    size_t len = 0, rows = 0;
    while (len < BYTES) {
        len += (size_t)sprintf(text + len, "0.%06zu,12,-3.5e-2,%zu,1234.5678,7\n", rows % 1000000,
                               rows);
        rows++;
    }
    CsvTake take = {.begin = 0, .end = 6, .type = DLG_F32};
    CsvInfo info;
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    CU_ASSERT_EQUAL(csv_parse(dev, "big.csv", text, len, &take, 1, &info), DLG_OK);
    clock_gettime(CLOCK_MONOTONIC, &b);
    double s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) * 1e-9;
    printf("\n    %.0f MB/s ", (double)len / s / 1e6);
    CU_ASSERT_EQUAL(info.rows, rows);
    free(take.values);
    free(text);
    dlg_device_close(dev);
}

RUN_SUITE("csv", {"columns", test_columns}, {"format", test_format}, {"refused", test_refused},
          {"damaged", test_damaged}, {"numbers", test_numbers}, {"locale", test_locale},
          {"speed", test_speed})

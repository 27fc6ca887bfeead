/* Columns by name, and labels of classes: which numbers they get, what is a header, what is refused where. */
#include "data_fixture.h"

static int parse(dlg_device *dev, const char *text, CsvTake *takes, size_t count, CsvInfo *info) {
    size_t len = strlen(text);
    char *exact = malloc(len + 1);
    if (!exact) exit(1);
    memcpy(exact, text, len + 1);
    int status = csv_parse(dev, "t.csv", exact, len, takes, count, info);
    free(exact);
    return status;
}

static Labels *new_labels(void) {
    Labels *l = calloc(1, sizeof *l);
    if (!l) exit(1);
    return l;
}

static void test_names(void) {
    dlg_device *dev = none_device();
    CsvInfo info;
    static const char table[] =
        "id,petal width ,\"a,b\",\"say \"\"x\"\"\",2015\n1,2,3,4,5\n6,7,8,9,10\n";
    CsvTake takes[] = {{.names = "2015,petal width", .type = DLG_F32},
                       {.names = "\"a,b\"", .type = DLG_I32},
                       {.names = "\"say \"\"x\"\"\",id,id", .type = DLG_F32},
                       {.begin = 3, .end = CSV_ALL, .type = DLG_F32}};
    CU_ASSERT_EQUAL_FATAL(parse(dev, table, takes, 4, &info), DLG_OK);
    CU_ASSERT(info.rows == 2 && info.columns == 5 && info.header);
    CU_ASSERT(takes[0].width == 2 && takes[1].width == 1 && takes[2].width == 3);
    CU_ASSERT(memcmp(takes[0].values, (float[]){5, 2, 10, 7}, 16) == 0);
    CU_ASSERT(memcmp(takes[1].values, (int32_t[]){3, 8}, 8) == 0);
    CU_ASSERT(memcmp(takes[2].values, (float[]){4, 1, 1, 9, 6, 6}, 24) == 0);
    CU_ASSERT(memcmp(takes[3].values, (float[]){4, 5, 9, 10}, 16) == 0);
    for (int i = 0; i < 4; i++) free(takes[i].values);
    static const struct {
        const char *names, *table, *message;
    } bad[] = {
        {"x", "a,b\n1,2\n", "t.csv:1: the header has no column `x`"},
        {"a,", "a,b\n1,2\n", "the header has no column ``"},
        {"A", "a,b\n1,2\n", "the header has no column `A`"},
        {"a", "a,b,a\n1,2,3\n", "t.csv:1: there is more than one column `a`"},
        {"\"a", "a,b\n1,2\n", "the names of columns:1: column 1: the quote"},
        {"a", "a,\"b\n1,2\n", "t.csv:1: column 2: the quote that begins this cell is never closed"},
        {"a", "a,b\n", "there are no rows after the header"},
        {"a", "", "the file is empty"},
        {"b", "a,b\n1,2\n3,x\n", "t.csv:3: column 2: `x` is not a number"},
        {"b", "a,\"b\"\n1,2\n3,\n", "t.csv:3: column 2: the cell is empty"},
        {"b", "a,b\n1,2\n3,nan\n", "t.csv:3: column 2: `nan` is not a number"},
        {"a", "a,b\n1,2\n3\n", "t.csv:3: the row has 1 column where the first row has 2"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CsvTake t = {.names = bad[i].names, .type = DLG_F32};
        CU_ASSERT(says(dev, parse(dev, bad[i].table, &t, 1, &info), DLG_ERR_DATA, bad[i].message));
        CU_ASSERT(t.values == NULL && t.columns == NULL);
    }
    dlg_device_close(dev);
}

/* The labels of a table of one column x and one of labels: their numbers as text, "1 0 2"; "-" when it fails. */
static const char *numbers(dlg_device *dev, const char *table, bool with_x, Labels *labels,
                           CsvInfo *info) {
    static char out[200];
    CsvTake takes[] = {{.begin = 1, .end = 2, .type = DLG_I32, .labels = labels},
                       {.begin = 0, .end = 1, .type = DLG_F32}};
    strcpy(out, "-");
    if (parse(dev, table, takes, with_x ? 2 : 1, info) < 0) return out;
    size_t n = 0;
    for (size_t i = 0; i < info->rows; i++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%d", i ? " " : "",
                              ((int32_t *)takes[0].values)[i]);
    if (!takes[0].are_labels) strcat(out, " numbers");
    free(takes[0].values);
    free(takes[1].values);
    return out;
}

static void test_labels(void) {
    dlg_device *dev = none_device();
    static const struct {
        const char *table;
        bool with_x, header;
        const char *numbers, *labels;
    } cases[] = {
        {"1,b\n2,a\n3,\"c,d\"\n4,b\n", true, false, "1 0 2 1", "[\"a\",\"b\",\"c,d\"]"},
        {"x,y\n1,b\n2,a\n", true, true, "1 0", "[\"a\",\"b\"]"},
        {"x,y\n1,7\n2,8\n", true, true, "7 8 numbers", "[]"},
        {"1,\xC3\xA9\n2,z\n3,\"\n\"\n", true, false, "2 1 0", "[\"\\n\",\"z\",\"\xC3\xA9\"]"},
        /* Labels alone: what comes once, at the head, is a header. */
        {"1,b\n2,a\n3,b\n", false, false, "1 0 1", "[\"a\",\"b\"]"},
        {"x,y\n1,b\n2,a\n", false, true, "1 0", "[\"a\",\"b\"]"},
        {"x,zz\n1,b\n2,a\n3,b\n", false, true, "1 0 1", "[\"a\",\"b\"]"},
        {"x,y\n1,7\n", false, true, "7 numbers", "[]"},
        {"1,7\n2,8\n", false, false, "7 8 numbers", "[]"},
        {"1, b \n2,b\n", false, false, "0 0", "[\"b\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CsvInfo info;
        Labels *labels = new_labels();
        const char *got = numbers(dev, cases[i].table, cases[i].with_x, labels, &info);
        if (strcmp(got, cases[i].numbers) != 0)
            fprintf(stderr, "\n  case %zu: %s: %s\n", i, got, dlg_error_text(dev));
        CU_ASSERT_STRING_EQUAL(got, cases[i].numbers);
        CU_ASSERT_EQUAL(info.header, cases[i].header);
        char *json = labels_json(labels);
        CU_ASSERT_STRING_EQUAL(json, cases[i].labels);
        free(json);
        labels_free(labels);
    }
    dlg_device_close(dev);
}

static void test_known(void) {
    dlg_device *dev = none_device();
    static const char json[] = "[\"a\",\"b\",\"c\",\"1\"]";
    static const struct {
        const char *table;
        bool with_x;
        const char *numbers;
    } cases[] = {
        {"1,c\n2,b\n3,c\n", true, "2 1 2"}, {"x,y\n1,c\n2,b\n", true, "2 1"},
        {"1,c\n2,b\n", false, "2 1"},       {"x,y\n1,c\n", false, "2"},
        {"1,1\n2,a\n", true, "3 0"},        {"1,c\n2,x\n", true, "-"},
    };
    CsvInfo info;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Labels *labels = new_labels();
        CU_ASSERT_EQUAL(labels_known(dev, labels, "y", json), DLG_OK);
        CU_ASSERT_STRING_EQUAL(numbers(dev, cases[i].table, cases[i].with_x, labels, &info),
                               cases[i].numbers);
        labels_free(labels);
    }
    CU_ASSERT(
        says(dev, DLG_ERR_DATA, DLG_ERR_DATA,
             "t.csv:2: column 2: `x` is not among the labels of the weights, which begin with "
             "`a`"));
    static const char *const bad[] = {
        "",     "{}", "[]", "[1]", "[\"a\",1]", "[\"a\",\"a\"]", "[\"a\",\"\"]", "[\"a\",\"b\"",
        "\"a\""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Labels *labels = new_labels();
        CU_ASSERT(says(dev, labels_known(dev, labels, "y", bad[i]), DLG_ERR_DATA,
                       "the weights' labels for `y` are not a list of labels"));
        labels_free(labels);
    }
    dlg_device_close(dev);
}

static void test_refused(void) {
    dlg_device *dev = none_device();
    static const struct {
        const char *table, *message;
    } bad[] = {
        {"1,a\n2,\n", "t.csv:2: column 2: the cell is empty"},
        {"1,\n2,a\n", "t.csv:1: column 2: the cell is empty"},
        {"1,a\n2,3\n", "t.csv:2: column 2: `3` is a number in a column of labels, such as `a`"},
        {"1,3\n2,a\n", "t.csv:2: column 2: `a` is not a number"},
        {"1,a\n2,\xFF\n", "t.csv:2: column 2: `\xFF` is no label: it is not UTF-8"},
        {"1,a\nx,b\n", "t.csv:2: column 1: `x` is not a number"},
    };
    CsvInfo info;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Labels *labels = new_labels();
        CU_ASSERT_STRING_EQUAL(numbers(dev, bad[i].table, true, labels, &info), "-");
        CU_ASSERT(says(dev, DLG_ERR_DATA, DLG_ERR_DATA, bad[i].message));
        labels_free(labels);
    }
    /* One too many for a u8, and for a set; the last that fits. */
    char *table = malloc(LABELS_MOST * 16 + 16);
    size_t n = 0;
    for (int i = 0; i < LABELS_MOST; i++) n += (size_t)sprintf(table + n, "1,c%05d\n", i);
    for (int k = 0; k < 2; k++) {
        Labels *labels = new_labels();
        CsvTake take = {.begin = 1, .end = 2, .type = k ? DLG_U8 : DLG_I32, .labels = labels};
        int status = parse(dev, table, &take, 1, &info);
        if (k == 0) {
            /* All different and alone: the first is taken for a header. */
            CU_ASSERT(status == DLG_OK && info.header && labels->count == LABELS_MOST - 1);
            CU_ASSERT_EQUAL(((int32_t *)take.values)[LABELS_MOST - 2], LABELS_MOST - 2);
        } else {
            CU_ASSERT(says(dev, status, DLG_ERR_DATA,
                           "t.csv:257: column 2: there are more than 256 different labels"));
        }
        free(take.values);
        labels_free(labels);
    }
    strcpy(table + n, "1,more\n");
    Labels *labels = new_labels();
    CU_ASSERT_STRING_EQUAL(numbers(dev, table, true, labels, &info), "-");
    CU_ASSERT(says(dev, DLG_ERR_DATA, DLG_ERR_DATA,
                   "t.csv:4097: column 2: there are more than 4096 different labels"));
    labels_free(labels);
    free(table);
    /* A column that is labels to one input and numbers to another; labels to two. */
    labels = new_labels();
    CsvTake both[] = {{.begin = 1, .end = 2, .type = DLG_I32, .labels = labels},
                      {.begin = 0, .end = 2, .type = DLG_F32}};
    CU_ASSERT(says(dev, parse(dev, "1,a\n2,b\n", both, 2, &info), DLG_ERR_DATA, "column 2: `a`"));
    labels_free(labels);
    Labels *first = new_labels(), *second = new_labels();
    CU_ASSERT_EQUAL(labels_known(dev, second, "z", "[\"b\",\"a\"]"), DLG_OK);
    CsvTake two[] = {{.begin = 1, .end = 2, .type = DLG_I32, .labels = first},
                     {.begin = 1, .end = 2, .type = DLG_U8, .labels = second}};
    CU_ASSERT_EQUAL_FATAL(parse(dev, "1,a\n2,b\n", two, 2, &info), DLG_OK);
    CU_ASSERT(memcmp(two[0].values, (int32_t[]){0, 1}, 8) == 0);
    CU_ASSERT(memcmp(two[1].values, "\1\0", 2) == 0);
    free(two[0].values), free(two[1].values);
    labels_free(first), labels_free(second);
    dlg_device_close(dev);
}

RUN_SUITE("labels", {"columns by name", test_names}, {"labels", test_labels},
          {"labels of the weights", test_known}, {"refused", test_refused})

/* Data that is more than is held in memory: what is read from files in pieces and in any order is what would be in
 * memory; orders of many rows; how much memory it takes. The last needs a device. */
#include "data_fixture.h"
#include "device_fixture.h"
#include "feed.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <zlib.h>

#define XOR DLG_SOURCE_DIR "/tests/data/xor.cl"

/* ---- Which rows -------------------------------------------------------------------------------- */

static void test_rowset(void) {
    dlg_device *dev = none_device();
    static uint32_t want[5000];
    for (size_t rows = 1; rows < 5000; rows = rows * 3 + 1) {
        RowSet s;
        size_t n = 0;
        CU_ASSERT_EQUAL_FATAL(rowset_open(dev, &s, rows), DLG_OK);
        for (size_t i = 0; i < rows; i++) {
            if (i * 2654435761u % 7 < 4 && i / 700 != 2) continue;
            rowset_add(&s, i);
            want[n++] = (uint32_t)i;
        }
        rowset_count(&s);
        CU_ASSERT_EQUAL_FATAL(s.count, n);
        for (size_t k = 0; k < n; k++) CU_ASSERT_EQUAL(rowset_at(&s, k), want[k]);
        rowset_close(&s);
    }
    RowSet range = rowset_range(7, 3);
    CU_ASSERT(range.count == 3 && rowset_at(&range, 2) == 9);
    dlg_device_close(dev);
}

typedef struct Many {
    dlg_device *dev;
    dlg_program prog;
    Feed feed;
    RowSet set;
    size_t rows;
} Many;

/* Two rows of three, more than are put into one order. */
static void many_open(Many *m, size_t count) {
    memset(m, 0, sizeof *m);
    m->dev = none_device();
    m->prog.dev = m->dev;
    m->feed.prog = &m->prog;
    m->rows = count / 2 * 3 + count % 2;
    if (rowset_open(m->dev, &m->set, m->rows) < 0) exit(1);
    for (size_t i = 0; i < m->rows; i++)
        if (i % 3 != 2) rowset_add(&m->set, i);
    rowset_count(&m->set);
    CU_ASSERT_EQUAL_FATAL(m->set.count, count);
}

static void many_close(Many *m) {
    rowset_close(&m->set);
    dlg_device_close(m->dev);
}

static void check_order(Many *m) {
    RowOrder o, later;
    size_t count = m->set.count;
    uint32_t *all = malloc(count * sizeof *all), batch[1000];
    uint8_t *seen = calloc(m->rows, 1);
    CU_ASSERT_EQUAL_FATAL(order_open(&o, &m->feed, &m->set, true, 5), DLG_OK);
    CU_ASSERT_EQUAL(order_shuffle(&o, &m->feed, 3), DLG_OK);
    for (size_t at = 0, n; at < count; at += n) {
        n = count - at < 777 ? count - at : 777;
        order_rows(&o, at, n, all + at);
    }
    size_t twice = 0, near = 0;
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_FATAL(all[i] < m->rows);
        twice += seen[all[i]] || all[i] % 3 == 2;
        seen[all[i]] = 1;
        near += i > 0 && all[i] == all[i - 1] + 1;
    }
    CU_ASSERT_EQUAL(twice, 0);
    CU_ASSERT(near < count / 1000); /* a window has 16384 rows: few stay beside each other */
    /* From the middle on, as a run that is resumed; another epoch and another seed. */
    CU_ASSERT_EQUAL_FATAL(order_open(&later, &m->feed, &m->set, true, 5), DLG_OK);
    CU_ASSERT_EQUAL(order_shuffle(&later, &m->feed, 3), DLG_OK);
    order_rows(&later, count - 40001, 1000, batch);
    CU_ASSERT(memcmp(batch, all + count - 40001, sizeof batch) == 0);
    CU_ASSERT_EQUAL(order_shuffle(&later, &m->feed, 4), DLG_OK);
    order_rows(&later, 0, 1000, batch);
    CU_ASSERT(memcmp(batch, all, sizeof batch) != 0);
    later.seed = 6;
    CU_ASSERT_EQUAL(order_shuffle(&later, &m->feed, 3), DLG_OK);
    order_rows(&later, 0, 1000, batch);
    CU_ASSERT(memcmp(batch, all, sizeof batch) != 0);
    order_close(&later);
    /* As they lie. */
    CU_ASSERT_EQUAL_FATAL(order_open(&later, &m->feed, &m->set, false, 0), DLG_OK);
    order_rows(&later, 16000, 1000, batch);
    for (size_t i = 0; i < 1000; i++) CU_ASSERT_EQUAL(batch[i], rowset_at(&m->set, 16000 + i));
    order_close(&later);
    order_close(&o);
    free(seen);
    free(all);
}

static void test_orders(void) {
    static const size_t counts[] = {SHUFFLE_ALL + 1, SHUFFLE_ALL + 256, SHUFFLE_ALL + 70001};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        Many m;
        many_open(&m, counts[i]);
        check_order(&m);
        many_close(&m);
    }
}

/* Many rows held out one by one as they are gone through: so many as are wanted, the same again, all of them once. */
static void test_folds(void) {
    dlg_device *dev = none_device();
    dlg_program *prog;
    static const size_t counts[] = {10, 257, SHUFFLE_ALL + 1000};
    CU_ASSERT_EQUAL_FATAL(dlg_program_load_file(&prog, dev, XOR, NULL), DLG_OK);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        dlg_dataset *d;
        size_t rows = counts[c], wrong = 0;
        float *zeros = calloc(rows * 2, sizeof *zeros);
        uint8_t *times = calloc(rows, 1);
        dlg_data data[] = {{"x", NULL, zeros, rows}, {"y", NULL, zeros, rows}};
        dlg_dataset_options o = {.data = data, .data_count = 2};
        CU_ASSERT_EQUAL_FATAL(dlg_dataset_open(&d, prog, &o), DLG_OK);
        for (uint64_t fold = 1; fold <= 3; fold++) {
            CU_ASSERT_EQUAL(dlg_dataset_fold(d, fold, 3, 9), DLG_OK);
            size_t held = dlg_dataset_rows(d, DLG_ROWS_HELD_OUT);
            CU_ASSERT(held == rows / 3 || held == rows / 3 + 1);
            CU_ASSERT_EQUAL(held + dlg_dataset_rows(d, DLG_ROWS_TRAINING), rows);
            const uint32_t *numbers = dlg_dataset_row_numbers(d, DLG_ROWS_HELD_OUT);
            CU_ASSERT_PTR_NOT_NULL_FATAL(numbers);
            for (size_t i = 0; i < held; i++) {
                times[numbers[i]]++;
                wrong += numbers[i] != dlg_dataset_row(d, DLG_ROWS_HELD_OUT, i);
                wrong += i > 0 && numbers[i] <= numbers[i - 1];
            }
        }
        for (size_t i = 0; i < rows; i++) wrong += times[i] != 1;
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_EQUAL(dlg_dataset_split(d, 0.25, 3), DLG_OK);
        CU_ASSERT_EQUAL(dlg_dataset_rows(d, DLG_ROWS_HELD_OUT),
                        (size_t)(0.25 * (double)rows + 0.5));
        CU_ASSERT(says(dev, dlg_dataset_fold(d, 4, 3, 0), DLG_ERR_USAGE, "fold 4 of 3"));
        CU_ASSERT(says(dev, dlg_dataset_fold(d, 1, rows + 1, 0), DLG_ERR_DATA,
                       "some would hold out nothing"));
        /* What is refused changes nothing. */
        static const size_t bad[][2] = {{2, 1}, {2, 2}, {3, 2}}; /* windows; the fold of two */
        size_t held = dlg_dataset_rows(d, DLG_ROWS_HELD_OUT), all = d->rows;
        d->windows = true;
        for (int i = 0; i < 3; i++) {
            d->rows = bad[i][0];
            CU_ASSERT(
                says(dev, dlg_dataset_fold(d, bad[i][1], 2, 0), DLG_ERR_DATA, "leaves nothing of"));
            CU_ASSERT_EQUAL(dlg_dataset_rows(d, DLG_ROWS_HELD_OUT), held);
        }
        d->rows = all;
        dlg_dataset_close(d);
        free(times), free(zeros);
    }
    dlg_program_close(prog);
    dlg_device_close(dev);
}

/* ---- Files in pieces ----------------------------------------------------------------------------- */

static void test_spool(void) {
    dlg_device *dev = none_device();
    for (uint64_t limit = 1; limit < 3000000; limit *= 100) {
        Spool s;
        uint32_t part[50];
        char *to;
        spool_open(&s, dev, limit);
        for (uint32_t i = 0; i < 5000; i++) {
            CU_ASSERT_EQUAL_FATAL(spool_room(&s, sizeof part, &to), DLG_OK);
            for (uint32_t k = 0; k < 50; k++) part[k] = i * 50 + k;
            memcpy(to, part, sizeof part);
            spool_take(&s, sizeof part);
        }
        CU_ASSERT_EQUAL(spool_end(&s), DLG_OK);
        CU_ASSERT(spool_bytes(&s) == 1000000 && s.in_file == (limit < 1000000));
        CU_ASSERT(s.in_file ? s.cap == 0 : s.cap <= limit);
        CU_ASSERT_EQUAL(spool_write_at(&s, 777 * 4, 4, part), DLG_OK);
        CU_ASSERT_EQUAL(spool_read(&s, 776 * 4, 12, part), DLG_OK);
        CU_ASSERT(part[0] == 776 && part[1] == 4999 * 50 && part[2] == 778);
        spool_close(&s);
    }
    setenv("TMPDIR", "/no/such/folder", 1);
    Spool s;
    char *to;
    spool_open(&s, dev, 1);
    CU_ASSERT(says(dev, spool_room(&s, 2, &to), DLG_ERR_FILE, "TMPDIR may name another folder"));
    spool_close(&s);
    unsetenv("TMPDIR");
    dlg_device_close(dev);
}

/* A table with labels, quotes, and ends of lines within cells, of several pieces. */
static size_t write_table(FILE *f, bool header, bool crlf) {
    static const char *const label[] = {"setosa", "a \"quoted\" one", "two\nlines", "virginica,"};
    size_t rows = 40000;
    const char *end = crlf ? "\r\n" : "\n";
    if (header) fprintf(f, "x,\"class, by\nname\",more,y%s", end);
    for (size_t i = 0; i < rows; i++) {
        const char *l = label[i / 3 % 4];
        fprintf(f, "%zu,\"", i);
        for (; *l; l++) fprintf(f, *l == '"' ? "\"\"" : "%c", *l);
        fprintf(f, "\",\"%0*zu\",%g%s", (int)(i % 50), i, (double)i / 7, i + 1 < rows ? end : "");
    }
    return rows;
}

static void test_table(void) {
    dlg_device *dev = none_device();
    for (int kind = 0; kind < 4; kind++) {
        FILE *f = fopen("t-pieces.csv", "wb");
        if (!f) exit(1);
        size_t rows = write_table(f, kind & 1, kind & 2);
        fclose(f);
        CsvTake takes[2][2];
        CsvInfo info[2];
        for (int i = 0; i < 2; i++) {
            takes[i][0] = (CsvTake){.begin = 3, .end = 4, .type = DLG_F32};
            takes[i][1] = (CsvTake){.begin = 1, .end = 2, .type = DLG_U8};
            takes[i][1].labels = calloc(1, sizeof(Labels));
            CU_ASSERT_EQUAL_FATAL(
                csv_read(dev, "t-pieces.csv", takes[i], 2, i ? 1000 : 0, &info[i]), DLG_OK);
        }
        CU_ASSERT(info[0].rows == rows && info[1].rows == rows);
        CU_ASSERT(info[0].header == (kind & 1) && info[1].header == (kind & 1));
        for (int k = 0; k < 2; k++) {
            size_t bytes = rows * dlg_type_bytes(takes[0][k].type);
            char *from_file = malloc(bytes);
            CU_ASSERT(takes[0][k].values != NULL && takes[1][k].values == NULL);
            CU_ASSERT_EQUAL(spool_read(&takes[1][k].spool, 0, bytes, from_file), DLG_OK);
            CU_ASSERT(memcmp(takes[0][k].values, from_file, bytes) == 0);
            free(from_file);
            free(takes[0][k].values);
            spool_close(&takes[1][k].spool);
        }
        CU_ASSERT(takes[1][1].are_labels && takes[1][1].labels->count == 4);
        CU_ASSERT(strcmp(takes[1][1].labels->names[3], "virginica,") == 0);
        labels_free(takes[0][1].labels);
        labels_free(takes[1][1].labels);
    }
    unlink("t-pieces.csv");
    dlg_device_close(dev);
}

/* What is wrong far behind the first piece is told with its line; a table of labels alone may have a header. */
static void test_table_errors(void) {
    dlg_device *dev = none_device();
    CsvTake take = {.begin = 0, .end = 1, .type = DLG_F32};
    CsvInfo info;
    FILE *f = fopen("t-pieces.csv", "wb");
    for (int i = 0; f && i < 400000; i++) fprintf(f, i == 300000 ? "nan,1\n" : "%d,1\n", i);
    fclose(f);
    CU_ASSERT(says(dev, csv_read(dev, "t-pieces.csv", &take, 1, 1000, &info), DLG_ERR_DATA,
                   "t-pieces.csv:300001: column 1: `nan` is not a number"));
    CU_ASSERT(take.values == NULL && !take.spool.in_file);
    f = fopen("t-pieces.csv", "wb");
    for (int i = 0; f && i < 400000; i++) fputs("1,1\n", f);
    fputs("\n\n", f);
    fclose(f);
    CU_ASSERT_EQUAL(csv_read(dev, "t-pieces.csv", &take, 1, 1000, &info), DLG_OK);
    CU_ASSERT_EQUAL(info.rows, 400000);
    spool_close(&take.spool);
    f = fopen("t-pieces.csv", "ab");
    fputs("1,1\n", f);
    fclose(f);
    CU_ASSERT(says(dev, csv_read(dev, "t-pieces.csv", &take, 1, 1000, &info), DLG_ERR_DATA,
                   "t-pieces.csv:400001: the row is empty"));
    f = fopen("t-pieces.csv", "wb");
    fputs("species\n", f);
    for (int i = 0; i < 300000; i++) fputs(i % 3 ? "oak\n" : "ash\n", f);
    fclose(f);
    take = (CsvTake){.begin = 0, .end = 1, .type = DLG_I32, .labels = calloc(1, sizeof(Labels))};
    CU_ASSERT_EQUAL_FATAL(csv_read(dev, "t-pieces.csv", &take, 1, 1000, &info), DLG_OK);
    CU_ASSERT(info.header && info.rows == 300000 && take.labels->count == 2);
    int32_t some[4];
    CU_ASSERT_EQUAL(spool_read(&take.spool, 299996 * 4, sizeof some, some), DLG_OK);
    CU_ASSERT(some[0] == 1 && some[1] == 0 && some[2] == 1 && some[3] == 1);
    spool_close(&take.spool);
    labels_free(take.labels);
    unlink("t-pieces.csv");
    dlg_device_close(dev);
}

/* Samples of an array along each axis, in either order, near and far apart: element (i, j, k) is 10000 i + 100 j + k. */
static void test_arrays(void) {
    dlg_device *dev = none_device();
    enum { A = 70, B = 50, C = 60 };
    const int64_t dims[3] = {A, B, C};
    for (int fortran = 0; fortran < 2; fortran++) {
        FILE *f = fopen("t-axes.npy", "wb");
        char head[129];
        snprintf(head, sizeof head,
                 "\x93NUMPY\1%cv%c{'descr': '>i4', 'fortran_order': %s, 'shape': (%d, %d, %d)}", 1,
                 1, fortran ? "True" : "False", A, B, C);
        memset(head + 6, 0, 4);
        head[6] = 1;
        head[8] = 118;
        size_t used = 10 + strlen(head + 10);
        memset(head + used, ' ', 128 - used);
        fwrite(head, 1, 128, f);
        for (int n = 0; n < A * B * C; n++) {
            int i = fortran ? n % A : n / (B * C), j = fortran ? n / A % B : n / C % B,
                k = fortran ? n / (A * B) : n % C;
            int v = 10000 * i + 100 * j + k;
            fputc(v >> 24, f), fputc(v >> 16, f), fputc(v >> 8, f), fputc(v, f);
        }
        fclose(f);
        for (int axis = 0; axis < 3; axis++)
            for (long limit = 1; limit < 2000000; limit *= 1000000) {
                DataFile file;
                ArrayHead h;
                Rows r;
                size_t rows = (size_t)dims[axis], wrong = 0;
                CU_ASSERT_EQUAL_FATAL(
                    array_open(dev, "t-axes.npy", NULL, false, (uint64_t)limit, &file, &h), DLG_OK);
                CU_ASSERT_EQUAL_FATAL(
                    array_rows(dev, "t-axes.npy", &file, &h, axis, DLG_F32, (uint64_t)limit, &r),
                    DLG_OK);
                float *x = malloc(2 * r.elems * sizeof *x);
                CU_ASSERT_EQUAL(r.elems, A * B * C / rows);
                for (size_t first = rows - 2, step = rows / 3; first < rows; first -= step) {
                    CU_ASSERT_EQUAL(rows_read(dev, &r, first, 2, x), DLG_OK);
                    for (size_t e = 0; e < 2 * r.elems; e++) {
                        size_t row = first + e / r.elems, p = e % r.elems, at[3];
                        at[axis] = row;
                        at[axis == 2 ? 1 : 2] = p % (size_t)dims[axis == 2 ? 1 : 2];
                        at[axis == 0 ? 1 : 0] = p / (size_t)dims[axis == 2 ? 1 : 2];
                        wrong += x[e] != (float)(10000 * at[0] + 100 * at[1] + at[2]);
                    }
                }
                CU_ASSERT_EQUAL(wrong, 0);
                free(x);
                rows_close(&r);
            }
    }
    /* What does not fit is told with its row, when it is read. */
    DataFile file;
    ArrayHead h;
    Rows r;
    uint8_t bytes[C * B];
    CU_ASSERT_EQUAL_FATAL(array_open(dev, "t-axes.npy", NULL, false, 1, &file, &h), DLG_OK);
    CU_ASSERT(says(dev, array_rows(dev, "t-axes.npy", &file, &h, 0, DLG_U8, 1, &r), DLG_ERR_DATA,
                   "is not a whole number from 0 to 255"));
    CU_ASSERT_EQUAL(
        npy_write(dev, "t-axes.npy", DLG_F32, 2, (int64_t[]){3, 2}, (float[]){1, 2, 3, 4, 5, 6.5f}),
        DLG_OK);
    CU_ASSERT_EQUAL_FATAL(array_open(dev, "t-axes.npy", NULL, false, 1, &file, &h), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(array_rows(dev, "t-axes.npy", &file, &h, 0, DLG_U8, 1, &r), DLG_OK);
    CU_ASSERT_EQUAL(rows_read(dev, &r, 0, 2, bytes), DLG_OK);
    CU_ASSERT(memcmp(bytes, "\1\2\3\4", 4) == 0);
    CU_ASSERT(
        says(dev, rows_read(dev, &r, 1, 2, bytes), DLG_ERR_DATA,
             "t-axes.npy: row 2: element 1 of the sample is not a whole number from 0 to 255"));
    CU_ASSERT_EQUAL(truncate("t-axes.npy", 140), 0);
    CU_ASSERT(says(dev, rows_read(dev, &r, 1, 2, bytes), DLG_ERR_DATA, "became shorter"));
    rows_close(&r);
    unlink("t-axes.npy");
    dlg_device_close(dev);
}

static void test_texts(void) {
    dlg_device *dev = none_device();
    FILE *f = fopen("t-long.txt", "wb");
    static const char *const words[] = {"a",  "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\xb3",
                                        "\n", "b"};
    for (int i = 0; f && i < 90000; i++) fputs(words[i * 7919 % 6 ^ (i % 5 == 0)], f);
    fclose(f);
    for (int kind = 0; kind < 4; kind++) {
        DataFile file;
        TextTake t[2];
        size_t bytes = 0;
        for (int i = 0; i < 2; i++) {
            t[i] = (TextTake){.name = "s",
                              .chars = kind & 1,
                              .type = kind & 2 ? DLG_U8 : DLG_I32,
                              .window = 17,
                              .memory_bytes = i ? 1000 : 0};
            CU_ASSERT_EQUAL_FATAL(data_open(dev, "t-long.txt", i ? 1000 : UINT64_MAX, &file),
                                  DLG_OK);
            CU_ASSERT_EQUAL_FATAL(text_take(dev, "t-long.txt", &file, &t[i]), DLG_OK);
            data_close(&file);
        }
        CU_ASSERT(t[0].rows == t[1].rows && t[0].left == t[1].left && !t[1].values);
        bytes = t[0].rows * 17 * dlg_type_bytes(t[0].type);
        char *read = malloc(bytes);
        CU_ASSERT_EQUAL(rows_read(dev, &t[1].samples, 0, t[1].rows, read), DLG_OK);
        CU_ASSERT(memcmp(read, t[0].values, bytes) == 0);
        free(read);
        free(t[0].values);
        rows_close(&t[1].samples);
        CU_ASSERT((kind & 1) == (t[1].vocabulary != NULL));
        free(t[0].vocabulary), free(t[1].vocabulary);
    }
    unlink("t-long.txt");
    dlg_device_close(dev);
}

/* ---- Pipes ------------------------------------------------------------------------------------------- */

enum { PIPED_BYTES = 3000001 };

static void *write_pipe(void *path) {
    bool packed = strstr(path, ".gz") != NULL;
    gzFile gz = packed ? gzopen(path, "wb") : NULL;
    FILE *f = packed ? NULL : fopen(path, "wb");
    for (int i = 0; (f || gz) && i < PIPED_BYTES; i++)
        if (packed)
            gzputc(gz, (int)(i * 7919LL % 251));
        else
            putc((int)(i * 7919LL % 251), f);
    if (gz) gzclose(gz);
    if (f) fclose(f);
    return NULL;
}

/* What comes through a pipe takes no more memory than a file; what has no end is refused. */
static void test_pipes(void) {
    dlg_device *dev = none_device();
    static char paths[][16] = {"t-pipe", "t-pipe.gz"};
    DataFile file;
    for (int i = 0; i < 2; i++)
        for (int large = 0; large < 2; large++) {
            pthread_t writer;
            CU_ASSERT_EQUAL_FATAL(mkfifo(paths[i], 0600), 0);
            CU_ASSERT_EQUAL_FATAL(pthread_create(&writer, NULL, write_pipe, paths[i]), 0);
            CU_ASSERT_EQUAL_FATAL(data_open(dev, paths[i], large ? 1000 : 1 << 24, &file), DLG_OK);
            pthread_join(writer, NULL);
            CU_ASSERT(file.bytes == PIPED_BYTES && (file.memory == NULL) == large);
            size_t wrong = 0;
            for (int at = 0; at < PIPED_BYTES; at += 100000) {
                unsigned char byte;
                CU_ASSERT_EQUAL(data_at(dev, paths[i], &file, (uint64_t)at, 1, &byte), DLG_OK);
                wrong += byte != at * 7919LL % 251;
            }
            CU_ASSERT_EQUAL(wrong, 0);
            data_close(&file);
            unlink(paths[i]);
        }
    CU_ASSERT(says(dev, data_open(dev, "/dev/zero", 1000, &file), DLG_ERR_FILE,
                   "/dev/zero: it is a device"));
    dlg_device_close(dev);
}

/* ---- Memory --------------------------------------------------------------------------------------- */

/* The most memory since the last call, in MiB; 0 where the system does not tell. */
static long peak_mib(void) {
    char line[100];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) sscanf(line, "VmHWM: %ld", &kib);
    if (f) fclose(f);
    f = fopen("/proc/self/clear_refs", "w");
    bool again = f && fputs("5", f) >= 0;
    if (f && fclose(f) != 0) again = false;
    return again ? kib / 1024 : 0;
}

/* Of 8 rows, and of 16 million in 192 MiB: what a run takes does not follow the data. */
static void test_memory(void) {
    dlg_device *dev = open_device();
    dlg_program *prog;
    CU_ASSERT_EQUAL_FATAL(dlg_program_load_file(&prog, dev, XOR, NULL), DLG_OK);
    long peak[2] = {0};
    for (int large = 0; large < 2; large++) {
        enum { ROWS = 16 << 20 };
        char head[128] = "\x93NUMPY\1\0\x76\0";
        dlg_dataset *d;
        for (int i = 0; i < 2; i++) {
            int n = snprintf(head + 10, sizeof head - 10,
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d)}",
                             large ? ROWS : 8, 2 - i);
            memset(head + 10 + n, ' ', (size_t)(118 - n));
            write_file(i ? "t-y.npy" : "t-x.npy", head, sizeof head);
            off_t bytes = (off_t)(large ? ROWS : 8) * 4 * (2 - i);
            CU_ASSERT_EQUAL_FATAL(truncate(i ? "t-y.npy" : "t-x.npy", 128 + bytes), 0);
        }
        dlg_data data[] = {{"x", "t-x.npy", NULL, 0}, {"y", "t-y.npy", NULL, 0}};
        dlg_dataset_options o = {.data = data, .data_count = 2, .memory_bytes = 1 << 20};
        dlg_train_options t = {.steps = 300};
        peak_mib();
        CU_ASSERT_EQUAL_FATAL(dlg_dataset_open(&d, prog, &o), DLG_OK);
        CU_ASSERT_EQUAL(dlg_dataset_streams(d, 0), large);
        CU_ASSERT_EQUAL(dlg_dataset_split(d, large ? 1e-4 : 0.25, 1), DLG_OK);
        CU_ASSERT(says(dev, dlg_train(prog, d, &t), DLG_OK, ""));
        dlg_dataset_close(d);
        peak[large] = peak_mib();
    }
#ifndef __SANITIZE_ADDRESS__
    printf("(%ld and %ld MiB) ", peak[0], peak[1]);
    CU_ASSERT(peak[0] == 0 || peak[1] < peak[0] + 32);
#endif
    unlink("t-x.npy"), unlink("t-y.npy");
    dlg_program_close(prog);
    dlg_device_close(dev);
}

RUN_SUITE("rows", {"sets", test_rowset}, {"orders", test_orders}, {"folds", test_folds},
          {"spools", test_spool}, {"tables", test_table}, {"errors in tables", test_table_errors},
          {"arrays", test_arrays}, {"texts", test_texts}, {"pipes", test_pipes},
          {"memory", test_memory})

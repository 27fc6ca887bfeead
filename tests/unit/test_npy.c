/* Arrays in .npy files: what NumPy writes is read, what is damaged is refused. */
#include "data_fixture.h"

#include <math.h>

/* An .npy in memory: version, header text (padded as NumPy does), data. */
static char *make(int version, const char *header, const void *data, size_t bytes, size_t *len) {
    size_t start = version == 1 ? 10 : 12, n = strlen(header);
    char *out = calloc(start + n + 65 + bytes, 1);
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (char)version;
    memcpy(out + start, header, n);
    while ((start + n + 1) % 64) out[start + n++] = ' ';
    out[start + n++] = '\n';
    out[8] = (char)(n & 255);
    out[9] = (char)(n >> 8);
    memcpy(out + start + n, data, bytes);
    *len = start + n + bytes;
    return out;
}

static int parse(dlg_device *dev, int version, const char *header, const void *data, size_t bytes,
                 Array *out) {
    size_t len;
    char *file = make(version, header, data, bytes, &len);
    char *exact = malloc(len);
    memcpy(exact, file, len);
    int status = npy_parse(dev, "t.npy", exact, len, out);
    free(exact);
    free(file);
    return status;
}

static void test_types(void) {
    dlg_device *dev = none_device();
    Array a;
    CU_ASSERT_EQUAL(parse(dev, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
                          (float[]){1, 2, 3, 4, 5, NAN}, 24, &a),
                    DLG_OK);
    CU_ASSERT(a.type == DLG_F32 && a.rank == 2 && a.shape[0] == 2 && a.shape[1] == 3 &&
              a.elems == 6);
    CU_ASSERT(((float *)a.values)[4] == 5 && isnan(((float *)a.values)[5]));
    array_free(&a);
    CU_ASSERT_EQUAL(parse(dev, 2, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }",
                          (double[]){1, 4, 2, 5, 3, 6}, 48, &a),
                    DLG_OK);
    for (int i = 0; i < 6; i++) CU_ASSERT_EQUAL(((float *)a.values)[i], (float)(i + 1));
    array_free(&a);
    CU_ASSERT_EQUAL(parse(dev, 3, "{'shape':(3,),'descr':'<i8','fortran_order':False}",
                          (int64_t[]){-1, 2147483647, 0}, 24, &a),
                    DLG_OK);
    CU_ASSERT(a.type == DLG_I32 && ((int32_t *)a.values)[1] == 2147483647);
    array_free(&a);
    CU_ASSERT_EQUAL(parse(dev, 1, "{\"descr\": \"<i4\", \"fortran_order\": False, \"shape\": ()}",
                          (int32_t[]){-7}, 4, &a),
                    DLG_OK);
    CU_ASSERT(a.rank == 0 && a.elems == 1 && *(int32_t *)a.values == -7);
    array_free(&a);
    CU_ASSERT_EQUAL(parse(dev, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}",
                          (uint8_t[]){0, 255}, 2, &a),
                    DLG_OK);
    CU_ASSERT(a.type == DLG_U8 && ((uint8_t *)a.values)[1] == 255);
    array_free(&a);
    CU_ASSERT_EQUAL(parse(dev, 1, "{'descr': '<f2', 'fortran_order': True, 'shape': (2, 2)}",
                          (uint16_t[]){0x3c00, 0xc000, 0x0001, 0x7e00}, 8, &a),
                    DLG_OK);
    CU_ASSERT(a.type == DLG_F16 && dlg_element(a.type, a.values, 0) == 1 &&
              dlg_element(a.type, a.values, 1) == 0x1p-24 &&
              dlg_element(a.type, a.values, 2) == -2 && isnan(dlg_element(a.type, a.values, 3)));
    array_free(&a);
    CU_ASSERT_EQUAL(parse(dev, 1, "{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}",
                          (uint8_t[]){0, 1}, 2, &a),
                    DLG_OK);
    CU_ASSERT(a.type == DLG_BOOL && ((uint8_t *)a.values)[1] == 1);
    array_free(&a);
    CU_ASSERT_EQUAL(parse(dev, 1,
                          "{'descr': '<f4', 'fortran_order': False, 'shape': (0, "
                          "922337203685477580, 922337203685477580)}",
                          "", 0, &a),
                    DLG_OK);
    CU_ASSERT(a.elems == 0 && a.rank == 3);
    array_free(&a);
    dlg_device_close(dev);
}

static void test_refused(void) {
    dlg_device *dev = none_device();
    static const struct {
        const char *header;
        size_t bytes;
        const char *message;
    } bad[] = {
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", 8, "type `<c8` are not read"},
        {"{'descr': '<f1', 'fortran_order': False, 'shape': (1,)}", 1, "type `<f1` are not read"},
        {"{'descr': '|f4', 'fortran_order': False, 'shape': (1,)}", 4, "type `|f4` are not read"},
        {"{'descr': '<U2', 'fortran_order': False, 'shape': (1,)}", 8, "type `<U2` are not read"},
        {"{'descr': '<b2', 'fortran_order': False, 'shape': (1,)}", 2, "type `<b2` are not read"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4,
         "records are not read"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", 4, "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", 4, "in `shape`"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 4, "in `shape`"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,,)}", 4, "in `shape`"},
        {"{'descr': '<f4', 'fortran_order': False}", 4, "malformed"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4,
         "`descr` is"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", 4,
         "`more` is unknown"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, "malformed"},
        {"", 4, "malformed"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 4, "has 4 bytes of data where"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 8, "has 8 bytes of data where"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}", 4, "is truncated"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (922337203685477580, "
         "922337203685477580)}",
         8, "is truncated"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}", 8,
         "in `shape`"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}", 4,
         "more than 8 axes"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Array a;
        char zeros[16] = {0};
        CU_ASSERT(says(dev, parse(dev, 1, bad[i].header, zeros, bad[i].bytes, &a), DLG_ERR_DATA,
                       bad[i].message));
        CU_ASSERT_PTR_NULL(a.values);
    }
    Array a;
    CU_ASSERT(says(dev, parse(dev, 4, "{}", "", 0, &a), DLG_ERR_DATA, "version 4.0"));
    CU_ASSERT(
        says(dev, npy_parse(dev, "t.npy", "PK\3\4aaaaaaaaa", 12, &a), DLG_ERR_DATA, "not an .npy"));
    CU_ASSERT(says(dev,
                   parse(dev, 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (1,)}",
                         (int64_t[]){1ll << 40}, 8, &a),
                   DLG_ERR_DATA, "element 0 is not a whole number that fits i32"));
    CU_ASSERT(says(dev,
                   parse(dev, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
                         (double[]){1e300}, 8, &a),
                   DLG_ERR_DATA, "element 0 is not within the range of f32"));
    CU_ASSERT(says(
        dev, parse(dev, 1, "{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", "\2", 1, &a),
        DLG_ERR_DATA, "element 0 is not 0 or 1"));
    dlg_device_close(dev);
}

/* Truncated anywhere, any byte of the header changed: an answer, never a crash. */
static void test_damaged(void) {
    dlg_device *dev = none_device();
    size_t len;
    char *file = make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
                      (float[]){1, 2, 3, 4}, 16, &len);
    Array a;
    for (size_t n = 0; n < len; n++) {
        char *exact = malloc(n + 1);
        memcpy(exact, file, n);
        CU_ASSERT(npy_parse(dev, "t.npy", exact, n, &a) < 0);
        free(exact);
    }
    for (size_t at = 0; at < len - 16; at++) {
        for (int change = 1; change < 256; change += 17) {
            file[at] = (char)(file[at] ^ change);
            if (npy_parse(dev, "t.npy", file, len, &a) == DLG_OK) array_free(&a);
            file[at] = (char)(file[at] ^ change);
        }
    }
    free(file);
    dlg_device_close(dev);
}

static void test_round_trip(void) {
    dlg_device *dev = none_device();
    int64_t shape[] = {2, 3};
    float f[] = {0.1f, -0.0f, INFINITY, 1e-45f, 3, 4};
    Array a;
    CU_ASSERT_EQUAL(npy_write(dev, "t-round.npy", DLG_F32, 2, shape, f), DLG_OK);
    CU_ASSERT_EQUAL(array_read(dev, "t-round.npy", NULL, false, &a), DLG_OK);
    CU_ASSERT(a.rank == 2 && a.shape[1] == 3 && memcmp(a.values, f, sizeof f) == 0);
    array_free(&a);
    CU_ASSERT_EQUAL(npy_write(dev, "t-round.npy", DLG_I32, 0, NULL, (int32_t[]){42}), DLG_OK);
    CU_ASSERT_EQUAL(array_read(dev, "t-round.npy", NULL, false, &a), DLG_OK);
    CU_ASSERT(a.rank == 0 && a.type == DLG_I32 && *(int32_t *)a.values == 42);
    array_free(&a);
    CU_ASSERT_EQUAL(npy_write(dev, "t-round.npy", DLG_BOOL, 1, shape, "\1\0"), DLG_OK);
    CU_ASSERT_EQUAL(array_read(dev, "t-round.npy", NULL, false, &a), DLG_OK);
    CU_ASSERT(a.rank == 1 && a.type == DLG_BOOL && memcmp(a.values, "\1\0", 2) == 0);
    array_free(&a);
    CU_ASSERT_EQUAL(npy_write(dev, "t-round.npy", DLG_F16, 1, shape, (uint16_t[]){1, 0x7c00}), 0);
    CU_ASSERT_EQUAL(array_read(dev, "t-round.npy", NULL, false, &a), DLG_OK);
    CU_ASSERT(a.type == DLG_F16 && memcmp(a.values, (uint16_t[]){1, 0x7c00}, 4) == 0);
    array_free(&a);
    CU_ASSERT_EQUAL(npy_write(dev, "t-round.npy", DLG_BF16, 1, shape, (uint16_t[]){1, 0xbfc0}), 0);
    CU_ASSERT_EQUAL(array_read(dev, "t-round.npy", NULL, false, &a),
                    DLG_OK); /* NumPy has no bf16 */
    CU_ASSERT(a.type == DLG_F32 && memcmp(a.values, (float[]){0x1p-133f, -1.5f}, 8) == 0);
    array_free(&a);
    unlink("t-round.npy");
    CU_ASSERT(npy_write(dev, "no/such/dir/t.npy", DLG_BOOL, 1, shape, "\1\0") == DLG_ERR_FILE);
    dlg_device_close(dev);
}

/* Every type that NumPy writes, in both orders of bytes. */
static void test_all_types(void) {
    dlg_device *dev = none_device();
    static const struct {
        const char *descr;
        double values[3];
        unsigned char bytes[24]; /* the high byte first */
        dlg_type type;
    } all[] = {
        {"f2", {1, -2, 0x1p-24}, {0x3c, 0, 0xc0, 0, 0, 1}, DLG_F16},
        {"f4", {1, -2, 0.5}, {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0, 0x3f, 0, 0, 0}, DLG_F32},
        {"f8",
         {1, -2, 0.5},
         {0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0x3f, 0xe0},
         DLG_F32},
        {"i1", {1, -2, -128}, {1, 0xfe, 0x80}, DLG_I32},
        {"i2", {1, -2, 258}, {0, 1, 0xff, 0xfe, 1, 2}, DLG_I32},
        {"i4", {1, -2, 66051}, {0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe, 0, 1, 2, 3}, DLG_I32},
        {"i8",
         {1, -2, 16909060},
         {0,    0,    0,    0,    0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff,
          0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 1,    2,    3,    4},
         DLG_I32},
        {"u1", {1, 254, 128}, {1, 0xfe, 0x80}, DLG_U8},
        {"u2", {1, 65534, 258}, {0, 1, 0xff, 0xfe, 1, 2}, DLG_I32},
        {"u4", {1, 254, 66051}, {0, 0, 0, 1, 0, 0, 0, 0xfe, 0, 1, 2, 3}, DLG_I32},
        {"u8",
         {1, 254, 16909060},
         {0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0, 0, 0, 0, 1, 2, 3, 4},
         DLG_I32},
        {"b1", {1, 0, 1}, {1, 0, 1}, DLG_BOOL},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int big = 0; big < 2; big++) {
            size_t width = (size_t)(all[i].descr[1] - '0');
            char header[80];
            unsigned char bytes[24];
            snprintf(header, sizeof header,
                     "{'descr': '%c%s', 'fortran_order': False, 'shape': (3,)}", big ? '>' : '<',
                     all[i].descr);
            for (size_t k = 0; k < 3 * width; k++)
                bytes[k] = all[i].bytes[big ? k : k / width * width + width - 1 - k % width];
            Array a;
            CU_ASSERT_EQUAL_FATAL(parse(dev, 1, header, bytes, 3 * width, &a), DLG_OK);
            CU_ASSERT_EQUAL(a.type, all[i].type);
            for (size_t k = 0; k < 3; k++)
                CU_ASSERT_EQUAL(dlg_element(a.type, a.values, k), all[i].values[k]);
            array_free(&a);
        }
    CU_ASSERT(says(dev,
                   parse(dev, 1, "{'descr': '<u4', 'fortran_order': False, 'shape': (2,)}",
                         (uint32_t[]){7, 0x80000000u}, 8, &(Array){0}),
                   DLG_ERR_DATA, "element 1 is not a whole number that fits i32"));
    dlg_device_close(dev);
}

/* From each type to each; what does not fit is counted up to. */
static void test_convert(void) {
    const Element f32 = element_plain(DLG_F32), i32 = element_plain(DLG_I32);
    const Element i8 = {'i', 8, false}, f8 = {'f', 8, false}, u1 = element_plain(DLG_U8);
    float f[4] = {1, 0, 2, 0.5f};
    unsigned char b[8];
    int32_t n[4];
    CU_ASSERT_EQUAL(elements_read(&f32, f, DLG_BOOL, b, 4), 2);
    CU_ASSERT(b[0] == 1 && b[1] == 0);
    CU_ASSERT_EQUAL(elements_read(&f32, f, DLG_I32, n, 4), 3);
    CU_ASSERT(n[2] == 2);
    CU_ASSERT_EQUAL(elements_read(&i32, n, DLG_F32, f, 3), 3);
    CU_ASSERT_EQUAL(elements_read(&f32, (float[]){255, -0.0f, 256}, DLG_U8, b, 3), 2);
    CU_ASSERT_EQUAL(elements_read(&f32, (float[]){NAN}, DLG_U8, b, 1), 0);
    CU_ASSERT_EQUAL(elements_read(&i8, (int64_t[]){255, INT64_MIN}, DLG_U8, b, 2), 1);
    CU_ASSERT_EQUAL(elements_read(&i8, (int64_t[]){INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1},
                                  DLG_I32, n, 3),
                    2);
    CU_ASSERT_EQUAL(elements_read(&i8, (int64_t[]){1ll << 40}, DLG_F32, f, 1), 1);
    CU_ASSERT(f[0] == 0x1p40f);
    CU_ASSERT_EQUAL(elements_read(&f8, (double[]){0.1, INFINITY, 1e300}, DLG_F32, f, 3), 2);
    CU_ASSERT(f[0] == 0.1f && isinf(f[1]));
    CU_ASSERT_EQUAL(elements_read(&u1, "\0\377", DLG_F32, f, 2), 2);
    CU_ASSERT(f[1] == 255);
    /* Halfway between two f16, just below halfway, and what rounds to infinity. */
    uint16_t h[3];
    CU_ASSERT_EQUAL(elements_read(&f32, (float[]){1.0004883f, 65519, 65520}, DLG_F16, h, 3), 2);
    CU_ASSERT(h[0] == 0x3c00 && h[1] == 0x7bff);
    CU_ASSERT(strcmp(element_wanted(DLG_U8), "a whole number from 0 to 255") == 0);
}

RUN_SUITE("npy", {"types", test_types}, {"refused", test_refused}, {"damaged", test_damaged},
          {"all types", test_all_types}, {"round trip", test_round_trip},
          {"conversions", test_convert})

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
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", 4, "type `>f4` are not read"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (1,)}", 2, "type `<u2` are not read"},
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
                   DLG_ERR_DATA, "element 0 does not fit i32"));
    CU_ASSERT(says(dev,
                   parse(dev, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
                         (double[]){1e300}, 8, &a),
                   DLG_ERR_DATA, "element 0 does not fit f32"));
    CU_ASSERT(says(
        dev, parse(dev, 1, "{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", "\2", 1, &a),
        DLG_ERR_DATA, "element 0 does not fit bool"));
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

static void test_convert(void) {
    dlg_device *dev = none_device();
    void *v = malloc(12);
    memcpy(v, (float[]){1, 0, 2}, 12);
    CU_ASSERT(says(dev, data_convert(dev, &v, 3, DLG_F32, DLG_BOOL, "t"), DLG_ERR_DATA,
                   "t: element 2 is not 0 or 1"));
    CU_ASSERT_EQUAL(data_convert(dev, &v, 2, DLG_F32, DLG_BOOL, "t"), DLG_OK);
    CU_ASSERT(memcmp(v, "\1\0", 2) == 0);
    CU_ASSERT_EQUAL(data_convert(dev, &v, 2, DLG_BOOL, DLG_I32, "t"), DLG_OK);
    CU_ASSERT(((int32_t *)v)[0] == 1 && ((int32_t *)v)[1] == 0);
    CU_ASSERT_EQUAL(data_convert(dev, &v, 2, DLG_I32, DLG_F32, "t"), DLG_OK);
    ((float *)v)[1] = 0.5f;
    CU_ASSERT(
        says(dev, data_convert(dev, &v, 2, DLG_F32, DLG_I32, "t"), DLG_ERR_DATA, "element 1"));
    memcpy(v, (float[]){1.0004883f, 65519}, 8); /* halfway between two f16; just below halfway */
    CU_ASSERT_EQUAL(data_convert(dev, &v, 2, DLG_F32, DLG_F16, "t"), DLG_OK);
    CU_ASSERT(memcmp(v, (uint16_t[]){0x3c00, 0x7bff}, 4) == 0);
    CU_ASSERT_EQUAL(data_convert(dev, &v, 2, DLG_F16, DLG_F32, "t"), DLG_OK);
    CU_ASSERT(((float *)v)[0] == 1 && ((float *)v)[1] == 65504);
    ((float *)v)[1] = 65520;
    CU_ASSERT(says(dev, data_convert(dev, &v, 2, DLG_F32, DLG_F16, "t"), DLG_ERR_DATA,
                   "element 1 is not within the range of f16"));
    ((float *)v)[1] = 256;
    CU_ASSERT(says(dev, data_convert(dev, &v, 2, DLG_F32, DLG_U8, "t"), DLG_ERR_DATA,
                   "element 1 is not a whole number from 0 to 255"));
    free(v);
    dlg_device_close(dev);
}

RUN_SUITE("npy", {"types", test_types}, {"refused", test_refused}, {"damaged", test_damaged},
          {"round trip", test_round_trip}, {"conversions", test_convert})

/* Arrays in IDX files: all types are read, what is damaged is refused; the real files where they are. */
#include "data_fixture.h"

#include <math.h>

static int parse(dlg_device *dev, const char *bytes, size_t len, Array *out) {
    char *exact = malloc(len + 1); /* one before, so that nothing is not asked for */
    if (!exact) exit(1);
    memcpy(exact + 1, bytes, len);
    int status = idx_parse(dev, "t-idx", exact + 1, len, out);
    free(exact);
    return status;
}

#define PARSE(text, out) parse(dev, text, sizeof(text) - 1, out)

static void test_types(void) {
    dlg_device *dev = none_device();
    Array a;
    CU_ASSERT_EQUAL_FATAL(PARSE("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\3\x00\x01\x7f\x80\xfe\xff", &a),
                          DLG_OK);
    CU_ASSERT(a.type == DLG_U8 && a.rank == 3 && a.elems == 6);
    CU_ASSERT(a.shape[0] == 2 && a.shape[1] == 1 && a.shape[2] == 3);
    CU_ASSERT(memcmp(a.values, "\x00\x01\x7f\x80\xfe\xff", 6) == 0);
    array_free(&a);
    CU_ASSERT_EQUAL_FATAL(PARSE("\0\0\x09\1\0\0\0\3\x7f\x80\xff", &a), DLG_OK);
    CU_ASSERT(a.type == DLG_I32 && a.rank == 1 && a.elems == 3);
    CU_ASSERT(memcmp(a.values, (int32_t[]){127, -128, -1}, 12) == 0);
    array_free(&a);
    CU_ASSERT_EQUAL_FATAL(PARSE("\0\0\x0b\1\0\0\0\3\x01\x02\x80\x00\xff\xfe", &a), DLG_OK);
    CU_ASSERT(a.type == DLG_I32 && memcmp(a.values, (int32_t[]){258, -32768, -2}, 12) == 0);
    array_free(&a);
    CU_ASSERT_EQUAL_FATAL(
        PARSE("\0\0\x0c\2\0\0\0\3\0\0\0\1\x01\x02\x03\x04\x80\0\0\0\xff\xff\xff\xff", &a), DLG_OK);
    CU_ASSERT(a.type == DLG_I32 && a.rank == 2);
    CU_ASSERT(memcmp(a.values, (int32_t[]){0x01020304, INT32_MIN, -1}, 12) == 0);
    array_free(&a);
    CU_ASSERT_EQUAL_FATAL(PARSE("\0\0\x0d\1\0\0\0\2\x3f\xc0\0\0\xff\x80\0\0", &a), DLG_OK);
    CU_ASSERT(a.type == DLG_F32 && ((float *)a.values)[0] == 1.5f);
    CU_ASSERT(isinf(((float *)a.values)[1]) && ((float *)a.values)[1] < 0);
    array_free(&a);
    CU_ASSERT_EQUAL_FATAL(PARSE("\0\0\x0e\1\0\0\0\2\x3f\xf8\0\0\0\0\0\0\x7f\xf8\0\0\0\0\0\0", &a),
                          DLG_OK);
    CU_ASSERT(a.type == DLG_F32 && ((float *)a.values)[0] == 1.5f);
    CU_ASSERT(isnan(((float *)a.values)[1]));
    array_free(&a);
    CU_ASSERT_EQUAL_FATAL(PARSE("\0\0\x0e\2\xff\xff\xff\xff\0\0\0\0", &a), DLG_OK);
    CU_ASSERT(a.elems == 0 && a.shape[0] == 0xffffffff);
    array_free(&a);
    dlg_device_close(dev);
}

static void test_refused(void) {
    dlg_device *dev = none_device();
    static const struct {
        const char *bytes;
        size_t len;
        const char *message;
    } bad[] = {
#define BAD(bytes, message) {bytes, sizeof(bytes) - 1, message}
        BAD("", "is not an IDX file"),
        BAD("\0\0\x08", "is not an IDX file"),
        BAD("\0\1\x08\1\0\0\0\0", "does not begin with two zeros"),
        BAD("\x1f\x8b\x08\1\0\0\0\0", "does not begin with two zeros"),
        BAD("\0\0\x0a\1\0\0\0\0", "there is no type 0x0a"),
        BAD("\0\0\xff\1\0\0\0\0", "there is no type 0xff"),
        BAD("\0\0\x08\0", "has 0 axes"),
        BAD("\0\0\x08\x09\0\0\0\0", "has 9 axes, and 1 to 8 are read"),
        BAD("\0\0\x08\xff", "has 255 axes"),
        BAD("\0\0\x08\1\0\0\0", "is truncated: its header has 8 bytes, the file 7"),
        BAD("\0\0\x08\3\0\0\0\1\0\0\0\1", "is truncated: its header has 16 bytes"),
        BAD("\0\0\x08\1\0\0\0\2a", "is truncated: its header promises more than its 1 bytes"),
        BAD("\0\0\x08\1\0\0\0\2abc", "has 3 bytes of data where its header promises 2"),
        BAD("\0\0\x0c\1\0\0\0\2abcdefg", "has 7 bytes of data where its header promises 8"),
        BAD("\0\0\x08\1\xff\xff\xff\xff", "is truncated"),
        BAD("\0\0\x0e\4\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            "is truncated"),
        BAD("\0\0\x0e\4\x80\0\0\0\x80\0\0\0\0\0\0\4\0\0\0\1", "is truncated"),
        BAD("\0\0\x0e\1\0\0\0\1\x7f\xef\xff\xff\xff\xff\xff\xff",
            "element 0 is not within the range of f32"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Array a;
        CU_ASSERT(
            says(dev, parse(dev, bad[i].bytes, bad[i].len, &a), DLG_ERR_DATA, bad[i].message));
        CU_ASSERT_PTR_NULL(a.values);
    }
    dlg_device_close(dev);
}

static void test_names(void) {
    static const char *const idx[] = {"train-images-idx3-ubyte",
                                      "t10k-labels-idx1-ubyte.gz",
                                      "a/b/t10k.idx3-ubyte",
                                      "x-idx2-float.gz",
                                      "a-idx3-ubyte/b-idx1-byte",
                                      "x.idx",
                                      "x.idx.gz",
                                      "idx-idx1-x"};
    static const char *const others[] = {"x-idx3-ubyte/table.csv", "idx3-ubyte", "x-idx-ubyte",
                                         "x-idx0-ubyte",           "x-idx3",     "xidx3-ubyte"};
    for (size_t i = 0; i < sizeof idx / sizeof *idx; i++)
        CU_ASSERT_EQUAL(array_kind(idx[i]), ARRAY_IDX);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CU_ASSERT_EQUAL(array_kind(others[i]), ARRAY_NONE);
    CU_ASSERT(array_kind("x.npy.gz") == ARRAY_NPY && array_kind("x-idx1-y.npy") == ARRAY_NPY);
}

/* MNIST as it is distributed. */
static void test_mnist(void) {
    static const char images[] =
        DLG_SOURCE_DIR "/../shared/data/mnist10k/t10k-images-idx3-ubyte.gz";
    static const char labels[] =
        DLG_SOURCE_DIR "/../shared/data/mnist10k/t10k-labels-idx1-ubyte.gz";
    if (access(images, R_OK) != 0 || access(labels, R_OK) != 0) return;
    dlg_device *dev = none_device();
    Array x, y;
    CU_ASSERT_EQUAL_FATAL(array_read(dev, images, NULL, false, &x), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(array_read(dev, labels, NULL, false, &y), DLG_OK);
    CU_ASSERT(x.rank == 3 && x.shape[0] == 10000 && x.shape[1] == 28 && x.shape[2] == 28);
    CU_ASSERT(y.rank == 1 && y.elems == 10000);
    static const uint8_t first[] = {7, 2, 1, 0, 4, 1, 4, 9, 5, 9}; /* of the official test images */
    CU_ASSERT(memcmp(y.values, first, sizeof first) == 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < x.elems; i++) sum += ((uint8_t *)x.values)[i];
    CU_ASSERT(fabs((double)sum / (double)x.elems / 255 - 0.1325) < 1e-4); /* the known mean */
    array_free(&x);
    array_free(&y);
    dlg_device_close(dev);
}

RUN_SUITE("idx", {"types", test_types}, {"refused", test_refused}, {"names", test_names},
          {"MNIST", test_mnist})

/* Archives of arrays: which array is taken, what is damaged in any byte or place, what NumPy writes. */
#include "data_fixture.h"

#include <zlib.h>

#define TWO DLG_SOURCE_DIR "/tests/data/two.npz"

/* ---- Archives made here: stored parts, as the format has them (APPNOTE 6.3.3) -------------------------- */

typedef struct Zip {
    unsigned char bytes[4096], table[1024];
    size_t len, table_len, count;
} Zip;

static void number(unsigned char *bytes, size_t *len, uint64_t v, int width) {
    for (int i = 0; i < width; i++) bytes[(*len)++] = (unsigned char)(v >> (8 * i));
}

static void text(unsigned char *bytes, size_t *len, const void *from, size_t n) {
    memcpy(bytes + *len, from, n);
    *len += n;
}

/* What both headers have: version, flags, method, time, checksum, sizes, length of the name, no more. */
static void part_header(unsigned char *b, size_t *len, unsigned flags, unsigned method,
                        const char *name, const void *data, size_t n, size_t claimed) {
    number(b, len, 20, 2), number(b, len, flags, 2), number(b, len, method, 2);
    number(b, len, 0, 4);
    number(b, len, crc32(0, data, (uInt)n), 4);
    number(b, len, n, 4), number(b, len, claimed, 4);
    number(b, len, strlen(name), 2), number(b, len, 0, 2);
}

static void add(Zip *z, unsigned flags, unsigned method, const char *name, const void *data,
                size_t n, size_t claimed) {
    size_t at = z->len;
    text(z->bytes, &z->len, "PK\3\4", 4);
    part_header(z->bytes, &z->len, flags, method, name, data, n, claimed);
    text(z->bytes, &z->len, name, strlen(name));
    text(z->bytes, &z->len, data, n);
    text(z->table, &z->table_len, "PK\1\2\24\0", 6);
    part_header(z->table, &z->table_len, flags, method, name, data, n, claimed);
    number(z->table, &z->table_len, 0, 4), number(z->table, &z->table_len, 0, 6); /* disk, ... */
    number(z->table, &z->table_len, at, 4);
    text(z->table, &z->table_len, name, strlen(name));
    z->count++;
}

static void finish(Zip *z) {
    size_t at = z->len;
    text(z->bytes, &z->len, z->table, z->table_len);
    text(z->bytes, &z->len, "PK\5\6\0\0\0\0", 8);
    number(z->bytes, &z->len, z->count, 2), number(z->bytes, &z->len, z->count, 2);
    number(z->bytes, &z->len, z->table_len, 4), number(z->bytes, &z->len, at, 4);
    number(z->bytes, &z->len, 0, 2);
}

/* An .npy of `n` bytes, 1 to n. */
static size_t make_npy(char *out, int n) {
    size_t len =
        (size_t)sprintf(out + 10, "{'descr': '|u1', 'fortran_order': False, 'shape': (%d,)}\n", n);
    memcpy(out, "\x93NUMPY\1\0", 8);
    out[8] = (char)len;
    out[9] = 0;
    for (int i = 0; i < n; i++) out[10 + len++] = (char)(i + 1);
    return 10 + len;
}

static int parse(dlg_device *dev, const void *bytes, size_t len, const char *member, bool given,
                 Array *out) {
    char *exact = malloc(len + 1); /* one before, so that nothing is not asked for */
    if (!exact) exit(1);
    memcpy(exact + 1, bytes, len);
    int status = npz_parse(dev, "t.npz", exact + 1, len, member, given, out);
    free(exact);
    return status;
}

static int parse_zip(dlg_device *dev, const Zip *z, const char *member, bool given, Array *out) {
    return parse(dev, z->bytes, z->len, member, given, out);
}

static void test_choice(void) {
    dlg_device *dev = none_device();
    char three[256], five[256];
    size_t three_len = make_npy(three, 3), five_len = make_npy(five, 5);
    Array a;
    Zip z = {.len = 0};
    add(&z, 0, 0, "readme.txt", "hello", 5, 5);
    add(&z, 0, 0, "three.npy", three, three_len, three_len);
    Zip one = z;
    finish(&one);
    CU_ASSERT_EQUAL_FATAL(parse_zip(dev, &one, "x", false, &a), DLG_OK); /* the only one */
    CU_ASSERT(a.type == DLG_U8 && a.elems == 3 && memcmp(a.values, "\1\2\3", 3) == 0);
    array_free(&a);
    CU_ASSERT(says(dev, parse_zip(dev, &one, "x", true, &a), DLG_ERR_DATA,
                   "t.npz: has no array `x`; it has: three"));
    CU_ASSERT(says(dev, parse_zip(dev, &one, "readme.txt", true, &a), DLG_ERR_DATA,
                   "has no array `readme.txt`"));
    add(&z, 0, 0, "five.npy", five, five_len, five_len);
    Zip two = z;
    finish(&two);
    CU_ASSERT_EQUAL_FATAL(parse_zip(dev, &two, "five", false, &a), DLG_OK);
    CU_ASSERT_EQUAL(a.elems, 5);
    array_free(&a);
    CU_ASSERT(says(dev, parse_zip(dev, &two, "x", false, &a), DLG_ERR_DATA,
                   "has no array `x`; it has: three, five; say which, as in FILE.npz:NAME"));
    add(&z, 0, 0, "five.npy", three, three_len, three_len);
    finish(&z);
    CU_ASSERT(says(dev, parse_zip(dev, &z, "five", true, &a), DLG_ERR_DATA, "has two `five`"));
    Zip none = {.len = 0};
    add(&none, 0, 0, "readme.txt", "hello", 5, 5);
    finish(&none);
    CU_ASSERT(
        says(dev, parse_zip(dev, &none, "x", false, &a), DLG_ERR_DATA, "holds no .npy array"));
    size_t len;
    CU_ASSERT_STRING_EQUAL(array_member("a/b.npz:x:y", &len), "x:y");
    CU_ASSERT_EQUAL(len, 7);
    CU_ASSERT(!array_member("a.npz", &len) && len == 5 && !array_member("a.csv:0", &len));
    dlg_device_close(dev);
}

static void test_refused(void) {
    dlg_device *dev = none_device();
    char npy[256];
    size_t len = make_npy(npy, 3);
    static const struct {
        unsigned flags, method;
        int64_t more; /* claimed than there is */
        const char *message;
    } bad[] = {
        {1, 0, 0, "`a` is encrypted"},
        {0, 12, 0, "`a` is compressed by method 12, which is not read"},
        {0, 0, 1, "`a` is damaged"},
        {0, 0, -1, "`a` is damaged"},
        {0, 8, 0, "`a` is damaged"},
        {0, 0, 0xfffffff0, "is the most that is read of such a file"},
    };
    Array a;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Zip z = {.len = 0};
        add(&z, bad[i].flags, bad[i].method, "a.npy", npy, len,
            (size_t)((int64_t)len * (i != 5) + bad[i].more));
        finish(&z);
        CU_ASSERT(says(dev, parse_zip(dev, &z, "a", true, &a), DLG_ERR_DATA, bad[i].message));
        CU_ASSERT_PTR_NULL(a.values);
    }
    Zip z = {.len = 0};
    add(&z, 0, 0, "a.npy", "no array", 8, 8);
    finish(&z);
    CU_ASSERT(says(dev, parse_zip(dev, &z, "a", true, &a), DLG_ERR_DATA, "is not an .npy file"));
    CU_ASSERT(
        says(dev, parse(dev, "PK", 2, "a", true, &a), DLG_ERR_DATA, "is not an .npz archive"));
    CU_ASSERT(says(dev, parse(dev, "", 0, "a", true, &a), DLG_ERR_DATA, "is not an .npz archive"));
    dlg_device_close(dev);
}

/* What NumPy 2.4 wrote: savez_compressed of x = arange(6.0).reshape(2, 3) and y = array([7, -8]). Cut anywhere it
 * is refused; with any byte changed it is refused or gives the same, since there is a checksum. */
static void test_numpy(void) {
    dlg_device *dev = none_device();
    Array a;
    char *bytes;
    size_t len, refused = 0;
    CU_ASSERT_EQUAL_FATAL(array_read(dev, TWO, "x", true, &a), DLG_OK);
    CU_ASSERT(a.type == DLG_F32 && a.rank == 2 && a.shape[0] == 2 && a.shape[1] == 3);
    for (int i = 0; i < 6; i++) CU_ASSERT_EQUAL(((float *)a.values)[i], (float)i);
    array_free(&a);
    CU_ASSERT_EQUAL_FATAL(array_read(dev, TWO, "y", false, &a), DLG_OK);
    CU_ASSERT(a.type == DLG_I32 && memcmp(a.values, (int32_t[]){7, -8}, 8) == 0);
    array_free(&a);
    CU_ASSERT_EQUAL_FATAL(data_file_read(dev, TWO, &bytes, &len), DLG_OK);
    for (size_t n = 0; n < len; n++) {
        CU_ASSERT_EQUAL(parse(dev, bytes, n, "y", true, &a), DLG_ERR_DATA);
        CU_ASSERT_PTR_NULL(a.values);
    }
    for (size_t i = 0; i < len; i++) {
        for (int flip = 1; flip < 256; flip <<= 1) {
            bytes[i] = (char)(bytes[i] ^ flip);
            int status = parse(dev, bytes, len, "y", true, &a);
            CU_ASSERT(status == DLG_OK
                          ? a.elems == 2 && memcmp(a.values, (int32_t[]){7, -8}, 8) == 0
                          : status == DLG_ERR_DATA && a.values == NULL);
            refused += status != DLG_OK;
            array_free(&a);
            bytes[i] = (char)(bytes[i] ^ flip);
        }
    }
    CU_ASSERT(refused > len);
    free(bytes);
    dlg_device_close(dev);
}

RUN_SUITE("npz", {"which array", test_choice}, {"refused", test_refused},
          {"as NumPy writes it", test_numpy})

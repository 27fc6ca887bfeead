/* Compressed files: what gzip writes is read, what is damaged or grows too large is refused. */
#include "data_fixture.h"

#include <zlib.h>

/* `len` bytes as one gzip member; the caller frees it. */
static unsigned char *pack(const void *bytes, size_t len, size_t *packed_len) {
    z_stream z = {0};
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) exit(1);
    size_t cap = deflateBound(&z, (uLong)len);
    unsigned char *out = malloc(cap);
    z.next_in = (z_const unsigned char *)bytes;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) exit(1);
    *packed_len = cap - z.avail_out;
    deflateEnd(&z);
    return out;
}

/* From memory of the exact size, so that a checker sees what reads beyond. */
static int inflate_exact(dlg_device *dev, const void *bytes, size_t len, uint64_t limit, char **out,
                         size_t *out_len) {
    char *exact = malloc(len + 1); /* one before, so that nothing is not asked for */
    if (!exact) exit(1);
    memcpy(exact + 1, bytes, len);
    int status = gzip_inflate(dev, "t.gz", exact + 1, len, limit, out, out_len);
    free(exact);
    return status;
}

static void test_members(void) {
    dlg_device *dev = none_device();
    char *text = malloc(300000), *out;
    size_t one, two, none, len;
    for (size_t i = 0; i < 300000; i++) text[i] = (char)("0123456789,\n"[i * 7919 % 12 ^ i % 3]);
    unsigned char *a = pack(text, 200000, &one), *b = pack(text + 200000, 100000, &two);
    unsigned char *nothing = pack("", 0, &none), *all = calloc(one + none + two + 512, 1);
    memcpy(all, a, one);
    memcpy(all + one, nothing, none);
    memcpy(all + one + none, b, two);
    CU_ASSERT_EQUAL_FATAL(inflate_exact(dev, all, one + none + two, 1 << 20, &out, &len), DLG_OK);
    CU_ASSERT(len == 300000 && memcmp(out, text, len) == 0 && out[len] == 0);
    free(out);
    /* Zeros behind it, as from a tape. */
    CU_ASSERT_EQUAL_FATAL(inflate_exact(dev, all, one + none + two + 512, 300000, &out, &len),
                          DLG_OK);
    CU_ASSERT_EQUAL(len, 300000);
    free(out);
    CU_ASSERT_EQUAL_FATAL(inflate_exact(dev, nothing, none, 0, &out, &len), DLG_OK);
    CU_ASSERT(len == 0 && out[0] == 0);
    free(out);
    /* One byte more than the limit, in the first and in the last member. */
    CU_ASSERT(says(dev, inflate_exact(dev, all, one + none + two, 299999, &out, &len), DLG_ERR_DATA,
                   "decompress to more than 299999"));
    CU_ASSERT(says(dev, inflate_exact(dev, a, one, 199999, &out, &len), DLG_ERR_DATA,
                   "decompress to more than 199999"));
    CU_ASSERT(says(dev, inflate_exact(dev, a, one, 0, &out, &len), DLG_ERR_DATA,
                   "decompress to more than 0"));
    CU_ASSERT(out == NULL && len == 0);
    all[one + none + two + 3] = 'x';
    CU_ASSERT(says(dev, inflate_exact(dev, all, one + none + two + 8, 1 << 20, &out, &len),
                   DLG_ERR_DATA, "what follows its end is not gzip"));
    free(a), free(b), free(nothing), free(all), free(text);
    dlg_device_close(dev);
}

/* Cut anywhere or with any byte changed it is refused, or (a byte of the header that says nothing of the
 * content) it gives the same. */
static void test_damaged(void) {
    dlg_device *dev = none_device();
    static const char text[] = "a,b\n1,2\n3,4\n5,6\n7,8\n1,2\n3,4\n5,6\n7,8\n";
    char *out;
    size_t packed, len, refused = 0;
    unsigned char *a = pack(text, sizeof text - 1, &packed);
    for (size_t n = 0; n < packed; n++) {
        CU_ASSERT_EQUAL(inflate_exact(dev, a, n, 1 << 20, &out, &len), DLG_ERR_DATA);
        CU_ASSERT_PTR_NULL(out);
    }
    CU_ASSERT(says(dev, inflate_exact(dev, a, packed - 1, 1 << 20, &out, &len), DLG_ERR_DATA,
                   "is truncated"));
    CU_ASSERT(says(dev, inflate_exact(dev, text, sizeof text, 1 << 20, &out, &len), DLG_ERR_DATA,
                   "is not compressed by gzip"));
    for (size_t i = 0; i < packed; i++) {
        unsigned char kept = a[i];
        a[i] ^= 0x55;
        int status = inflate_exact(dev, a, packed, 1 << 20, &out, &len);
        if (status == DLG_OK)
            CU_ASSERT(i < 10 && len == sizeof text - 1 && memcmp(out, text, len) == 0);
        refused += status == DLG_ERR_DATA;
        free(out);
        a[i] = kept;
    }
    CU_ASSERT(refused >= packed - 6);
    a[packed - 6] ^= 1;
    CU_ASSERT(says(dev, inflate_exact(dev, a, packed, 1 << 20, &out, &len), DLG_ERR_DATA,
                   "is damaged at byte"));
    free(a);
    dlg_device_close(dev);
}

/* A bomb: a file of 300 kB that holds 300 MB. The limit follows from the file's size and the memory. */
static void test_bomb(void) {
    dlg_device *dev = none_device();
    CU_ASSERT(data_unpacked_limit(0) <= (uint64_t)256 << 20);
    CU_ASSERT(data_unpacked_limit(UINT64_MAX) <= DATA_FILE_LIMIT_BYTES);
    CU_ASSERT(data_unpacked_limit((uint64_t)2 << 20) <= (uint64_t)512 << 20);
    size_t mega = (size_t)1 << 20, packed, total = 0;
    char *zeros = calloc(mega, 1), *bytes;
    unsigned char *one = pack(zeros, mega, &packed), *bomb = malloc(300 * packed);
    for (int i = 0; i < 300; i++, total += packed) memcpy(bomb + total, one, packed);
    write_file("t-bomb.csv.gz", bomb, total);
    size_t len;
    CU_ASSERT(says(dev, data_file_read(dev, "t-bomb.csv.gz", &bytes, &len), DLG_ERR_DATA,
                   "t-bomb.csv.gz: its "));
    CU_ASSERT_PTR_NULL(bytes);
    unlink("t-bomb.csv.gz");
    free(zeros), free(one), free(bomb);
    dlg_device_close(dev);
}

/* Through the readers: a table, an array, and what is one by name alone. */
static void test_files(void) {
    dlg_device *dev = none_device();
    CsvTake take = {.begin = 0, .end = 2, .type = DLG_F32};
    CsvInfo info;
    Array a;
    size_t packed, len;
    char *npy;
    unsigned char *table = pack("a,b\n1,2\n3,4\n", 12, &packed);
    write_file("t-table.csv.gz", table, packed);
    CU_ASSERT_EQUAL_FATAL(csv_read(dev, "t-table.csv.gz", &take, 1, 0, &info), DLG_OK);
    CU_ASSERT(info.rows == 2 && info.header && ((float *)take.values)[3] == 4);
    free(take.values);
    free(table);
    CU_ASSERT_EQUAL(npy_write(dev, "t-a.npy", DLG_I32, 1, (int64_t[]){3}, (int32_t[]){1, 2, 3}), 0);
    CU_ASSERT_EQUAL_FATAL(data_file_read(dev, "t-a.npy", &npy, &len), DLG_OK);
    unsigned char *array = pack(npy, len, &packed);
    write_file("t-a.npy.gz", array, packed);
    CU_ASSERT_EQUAL_FATAL(array_read(dev, "t-a.npy.gz", NULL, false, &a), DLG_OK);
    CU_ASSERT(a.elems == 3 && ((int32_t *)a.values)[2] == 3);
    array_free(&a);
    CU_ASSERT(data_is("x/a.npy.gz", ".npy") && data_is("a.npy", ".npy") && data_is(".gz", "") &&
              !data_is("a.npy.gz.gz", ".npy") && !data_is("y.gz", ".npy"));
    unlink("t-table.csv.gz"), unlink("t-a.npy"), unlink("t-a.npy.gz");
    free(array), free(npy);
    dlg_device_close(dev);
}

RUN_SUITE("gzip", {"members", test_members}, {"damaged", test_damaged}, {"bomb", test_bomb},
          {"files", test_files})

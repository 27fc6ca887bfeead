/* Weights: what is written reads back; every damage is refused and changes nothing; files are replaced
 * as a whole. */
#include <sys/stat.h>
#include <unistd.h>
#include "device_fixture.h"
#include "rt_fixture.h"

static const dlg_weights_options checkpoint = {.checkpoint = 1};

typedef struct Fixture {
    dlg_device *dev;
    dlg_program *prog;
    char path[128];
} Fixture;

static dlg_program *load(Fixture *f, uint64_t seed) {
    dlg_program *prog;
    CU_ASSERT_EQUAL_FATAL(
        dlg_program_load_file(&prog, f->dev, XOR_PATH, &(dlg_program_options){.seed = seed}),
        DLG_OK);
    CU_ASSERT_EQUAL(dlg_set(prog, "x", xor_x, sizeof xor_x), DLG_OK);
    CU_ASSERT_EQUAL(dlg_set(prog, "y", xor_y, sizeof xor_y), DLG_OK);
    for (int i = 0; i < 10; i++) CU_ASSERT_EQUAL(dlg_run(prog, "train"), DLG_OK);
    return prog;
}

static void open_fixture(Fixture *f) {
    f->dev = open_device();
    f->prog = load(f, 1);
    snprintf(f->path, sizeof f->path, "test-safetensors-%ld.safetensors", (long)getpid());
}

static void close_fixture(Fixture *f) {
    unlink(f->path);
    dlg_program_close(f->prog);
    dlg_device_close(f->dev);
}

/* A hash of all params and states. */
static uint64_t fingerprint(dlg_program *prog) {
    uint64_t hash = 0;
    char values[256];
    for (size_t i = 0; i < dlg_tensor_count(prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(prog, i);
        if (t->kind != DLG_PARAM && t->kind != DLG_STATE) continue;
        CU_ASSERT_EQUAL(dlg_get(prog, t->name, values, (size_t)t->bytes), DLG_OK);
        hash = rt_hash(values, (size_t)t->bytes, hash);
    }
    return hash;
}

static void write_file(const char *path, const void *data, size_t len) {
    FILE *f = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fwrite(data, 1, len, f), len);
    fclose(f);
}

static void test_weights(void) {
    Fixture f;
    char *text, *again;
    size_t len, again_len;
    float w[16], there[16];
    open_fixture(&f);
    CU_ASSERT_EQUAL(dlg_meta_set(f.prog, "holdout", "0.2"), DLG_OK);
    CU_ASSERT_EQUAL(dlg_meta_set(f.prog, "axis", "a"), DLG_OK);
    CU_ASSERT_EQUAL(dlg_weights_save(f.prog, f.path, NULL), DLG_OK);
    read_text(f.path, &text, &len);
    const char *header =
        "{\"__metadata__\":{\"dlg_checksum\":\"................\","
        "\"format\":\"dlg\",\"model\":\"xor\",\"seed\":\"1\",\"step\":\"10\","
        "\"axis\":\"a\",\"holdout\":\"0.2\"},"
        "\"h.w\":{\"dtype\":\"F32\",\"shape\":[2,8],\"data_offsets\":[0,64]},"
        "\"h.b\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[64,96]},"
        "\"out.w\":{\"dtype\":\"F32\",\"shape\":[8,1],\"data_offsets\":[96,128]},"
        "\"out.b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[128,132]},"
        "\"out.scale\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[132,136]}}";
    for (size_t i = 0; header[i]; i++) CU_ASSERT_TRUE(header[i] == '.' || header[i] == text[8 + i]);
    CU_ASSERT_EQUAL(len, 8 + (strlen(header) + 7) / 8 * 8 + 136);
    CU_ASSERT_EQUAL(dlg_get(f.prog, "h.w", w, sizeof w), DLG_OK);
    CU_ASSERT_EQUAL(memcmp(text + len - 136, w, sizeof w), 0);

    /* Into a program of another seed: the weights come, its seed, step and optimizer stay. */
    dlg_program *other = load(&f, 2);
    float v_before[16], v_after[16];
    dlg_get(other, "h.w:momentum.v", v_before, sizeof v_before);
    CU_ASSERT_EQUAL(dlg_weights_load(other, f.path, NULL), DLG_OK);
    dlg_get(other, "h.w", there, sizeof there);
    dlg_get(other, "h.w:momentum.v", v_after, sizeof v_after);
    CU_ASSERT_EQUAL(memcmp(w, there, sizeof w), 0);
    CU_ASSERT_EQUAL(memcmp(v_before, v_after, sizeof v_after), 0);
    CU_ASSERT_EQUAL(dlg_seed(other), 2);
    CU_ASSERT_EQUAL(dlg_step(other), 10);
    CU_ASSERT_STRING_EQUAL(dlg_meta_get(other, "holdout"), "0.2");
    CU_ASSERT_PTR_NULL(dlg_meta_get(other, "seed"));
    dlg_program_close(other);

    /* The same values and seed: the same file, byte by byte. */
    other = load(&f, 1);
    dlg_meta_set(other, "axis", "b");
    dlg_meta_set(other, "gone", "c");
    dlg_meta_set(other, "holdout", "0.2");
    dlg_meta_set(other, "axis", "a");
    dlg_meta_set(other, "gone", NULL);
    CU_ASSERT_EQUAL(dlg_weights_save(other, f.path, NULL), DLG_OK);
    read_text(f.path, &again, &again_len);
    CU_ASSERT_EQUAL(len, again_len);
    CU_ASSERT_EQUAL(memcmp(text, again, len), 0);
    CU_ASSERT_EQUAL(dlg_meta_set(other, "seed", "3"), DLG_ERR_USAGE);
    CU_ASSERT_EQUAL(dlg_meta_set(other, "a", "\xff"), DLG_ERR_USAGE);
    dlg_program_close(other);
    free(text);
    free(again);
    close_fixture(&f);
}

/* Training stopped, saved as a checkpoint and taken up elsewhere ends with the same bits. */
static void test_checkpoint(void) {
    Fixture f;
    open_fixture(&f);
    CU_ASSERT_EQUAL(dlg_weights_save(f.prog, f.path, &checkpoint), DLG_OK);
    dlg_program *other = load(&f, 2);
    CU_ASSERT_EQUAL(dlg_weights_load(other, f.path, &checkpoint), DLG_OK);
    CU_ASSERT_EQUAL(dlg_seed(other), 1);
    CU_ASSERT_EQUAL(dlg_step(other), 10);
    for (int i = 0; i < 20; i++) {
        dlg_run(f.prog, "train");
        dlg_run(other, "train");
    }
    CU_ASSERT_EQUAL(fingerprint(f.prog), fingerprint(other));
    CU_ASSERT_EQUAL(dlg_step(other), 30);
    /* A checkpoint serves as weights; weights do not serve as a checkpoint. */
    CU_ASSERT_EQUAL(dlg_weights_load(other, f.path, NULL), DLG_OK);
    CU_ASSERT_EQUAL(dlg_weights_save(other, f.path, NULL), DLG_OK);
    uint64_t before = fingerprint(other);
    CU_ASSERT_EQUAL(dlg_weights_load(other, f.path, &checkpoint), DLG_ERR_WEIGHTS);
    expect_message(f.dev, "`h.w:momentum.v` is missing: this is no checkpoint");
    CU_ASSERT_EQUAL(before, fingerprint(other));
    dlg_program_close(other);
    close_fixture(&f);
}

/* Cut off anywhere, or any bit turned, of a checkpoint too: an error, and never a change. What the checksum is called
 * may be lost: the file is then as one that has none. */
static void test_damaged(void) {
    Fixture f;
    char *text;
    size_t len;
    open_fixture(&f);
    CU_ASSERT_EQUAL(dlg_weights_save(f.prog, f.path, &checkpoint), DLG_OK);
    read_text(f.path, &text, &len);
    uint64_t before = fingerprint(f.prog);
    for (size_t n = 0; n < len; n += n < 600 ? 7 : 1) {
        write_file(f.path, text, n);
        CU_ASSERT_EQUAL(dlg_weights_load(f.prog, f.path, NULL), DLG_ERR_WEIGHTS);
    }
    CU_ASSERT_EQUAL(before, fingerprint(f.prog));
    const char *name = strstr(text + 8, "dlg_checksum");
    CU_ASSERT_PTR_NOT_NULL_FATAL(name);
    for (size_t i = 0; i < len; i++) {
        if (text + i >= name && text + i < name + strlen("dlg_checksum")) continue;
        char was = text[i];
        text[i] = (char)(was ^ 1 << i % 8);
        write_file(f.path, text, len);
        int status = dlg_weights_load(f.prog, f.path, i % 2 ? &checkpoint : NULL);
        CU_ASSERT_EQUAL(status, DLG_ERR_WEIGHTS);
        if (status == DLG_OK) printf("(byte %zu of %zu) ", i, len);
        text[i] = was;
    }
    CU_ASSERT_EQUAL(before, fingerprint(f.prog));
    text[len - 1] ^= 1;
    write_file(f.path, text, len);
    CU_ASSERT_EQUAL(dlg_weights_load(f.prog, f.path, NULL), DLG_ERR_WEIGHTS);
    expect_message(f.dev, "what it holds is not what was written, by its checksum");
    expect_message(f.dev, "kept the metadata `dlg_checksum`: written without that it is loaded");
    free(text);
    close_fixture(&f);
}

/* A file of this header and n bytes of zeros. */
static void write_tensors(const char *path, const char *header, size_t n) {
    char bytes[2048] = {0};
    size_t len = strlen(header);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(len >> 8 * i);
    memcpy(bytes + 8, header, len);
    write_file(path, bytes, 8 + len + n);
}

#define T(name, dtype, shape, from, to)                                                            \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" from "," to   \
    "]}"
#define REST                                                                                       \
    "," T("h.b", "F32", "8", "64", "96") "," T("out.w", "F32", "8,1", "96", "128") "," T(          \
        "out.b", "F32", "1", "128", "132") "," T("out.scale", "F32", "", "132", "136")

/* The checksum is of what a file holds, in whatever order another program writes it. */
static void test_checksum(void) {
    /* Of 0 in all tensors: the sum of the XXH64 of each, begun with that of its name. */
    static const struct {
        const char *meta;
        bool reversed;
        const char *says; /* NULL: good */
    } cases[] = {
        {"\"dlg_checksum\":\"%016llx\"", false, NULL},
        {"\"dlg_checksum\":\"%016llx\"", true, NULL},
        {"\"a\":\"b\",\"dlg_checksum\":\"%016llx\"", false,
         "is not what was written, by its checksum"},
        {"\"dlg_checksum\":\"+%015llx\"", false, "its checksum is damaged: +"},
        {"\"dlg_checksum\":\"\",\"a\":\"%016llx\"", false, "its checksum is damaged"},
    };
    static const struct {
        const char *name;
        size_t bytes;
    } tensors[] = {{"h.w", 64}, {"h.b", 32}, {"out.w", 32}, {"out.b", 4}, {"out.scale", 4}};
    const char zeros[64] = {0};
    unsigned long long sum = 0;
    for (size_t i = 0; i < 5; i++)
        sum +=
            rt_hash(zeros, tensors[i].bytes, rt_hash(tensors[i].name, strlen(tensors[i].name), 0));
    Fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char meta[128], header[1024];
        snprintf(meta, sizeof meta, cases[i].meta, sum);
        snprintf(
            header, sizeof header, "{\"__metadata__\":{%s},%s}", meta,
            cases[i].reversed
                ? T("out.scale", "F32", "", "0", "4") "," T("out.b", "F32", "1", "4", "8") "," T(
                      "out.w", "F32", "8,1", "8", "40") "," T("h.b", "F32", "8", "40",
                                                              "72") "," T("h.w", "F32", "2,8", "72",
                                                                          "136")
                : T("h.w", "F32", "2,8", "0", "64") REST);
        write_tensors(f.path, header, 136);
        int status = dlg_weights_load(f.prog, f.path, NULL);
        CU_ASSERT_EQUAL(status, cases[i].says ? DLG_ERR_WEIGHTS : DLG_OK);
        if (cases[i].says) expect_message(f.dev, cases[i].says);
    }
    CU_ASSERT_EQUAL(dlg_meta_set(f.prog, "dlg_checksum", "0"), DLG_ERR_USAGE);
    close_fixture(&f);
}

static void test_headers(void) {
    static const struct {
        const char *header;
        size_t data;
        const char *says; /* NULL: good */
    } cases[] = {
        {"{" T("h.w", "F32", "2,8", "0", "64") REST "}", 136, NULL},
        {"{\"__metadata__\":{\"format\":\"pt\"}," T("h.w", "F32", "2,8", "0", "64") REST "}", 136,
         NULL},
        {"{" T("h.w", "F32", "2,8", "0", "64") REST "," T("step", "I32", "", "136", "140") "}   ",
         140, NULL},
        {"{" T("h.w", "F32", "2,8", "0", "64") REST "}", 137,
         "1 bytes at the end belong to no tensor"},
        {"{" T("h.w", "F32", "2,8", "0", "64") REST "}", 135, "beyond the end of the file"},
        {"{" T("h.w", "F32", "8,2", "0", "64") REST "}", 136,
         "`h.w` is F32 8x2 in the file but F32 2x8 in the program"},
        {"{" T("h.w", "I32", "2,8", "0", "64") REST "}", 136, "`h.w` is I32 2x8 in the file"},
        {"{" T("h.w", "F31", "2,8", "0", "64") REST "}", 136, "unknown dtype F31"},
        {"{" T("h.w", "F32", "2,8", "0", "60") REST "}", 136,
         "has 60 bytes but its shape needs 64"},
        {"{" T("h.w", "F32", "2,8", "64", "0") REST "}", 136, "beyond the end"},
        {"{" T("h.w", "F32", "2,8", "32", "96") REST "}", 136, "lies behind a gap"},
        {"{" T("h.w", "F32", "2,8", "-64", "0") REST "}", 136, "not described by"},
        {"{" T("h.w", "F32", "2,8", "0.0", "64") REST "}", 136, "not described by"},
        {"{" T("h.w", "F32", "2,8", "0", "18446744073709551615") REST "}", 136, "malformed"},
        {"{" T("h.w", "F32", "2,-8", "0", "64") REST "}", 136, "shape of `h.w` is malformed"},
        {"{" T("h.w", "F32", "4294967296,4294967296,2", "0", "64") REST "}", 136, "is malformed"},
        {"{" T("h.w", "F32", "2,8", "0", "64") "," T("h.w", "F32", "2,8", "0", "64") REST "}", 136,
         "duplicate"},
        {"{" T("h.u", "F32", "2,8", "0", "64") REST "}", 136,
         "the file holds `h.u`, which xor does not have (it has `h.w`)"},
        {"{" T("loss", "F32", "", "0", "4") REST "}", 136, "which xor does not have"},
        {"{" T("h.w", "F32", "2,8", "0", "64") "}", 64, "`h.b` is missing"},
        {"{\"h.w\":3}", 0, "not described by"},
        {"{\"__metadata__\":3}", 0, "metadata is no object"},
        {"{\"__metadata__\":{\"a\":3}}", 0, "the metadata `a` is no string"},
        {"{\"__metadata__\":{\"seed\":\"-3\"}}", 0, "the seed in the metadata is no number"},
        {"{\"__metadata__\":{\"step\":\"18446744073709551616\"}}", 0, "the step in the metadata"},
        {"[]", 0, "no JSON object"},
        {"{} {}", 0, "malformed"},
        {"{\"a\":\"\\u0000\"}", 0, "malformed"},
    };
    Fixture f;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_tensors(f.path, cases[i].header, cases[i].data);
        uint64_t before = fingerprint(f.prog);
        int status = dlg_weights_load(f.prog, f.path, NULL);
        CU_ASSERT_EQUAL(status, cases[i].says ? DLG_ERR_WEIGHTS : DLG_OK);
        if (cases[i].says) {
            expect_message(f.dev, cases[i].says);
            CU_ASSERT_EQUAL(before, fingerprint(f.prog));
        } else if (status < 0) {
            fprintf(stderr, "%s\n", dlg_error_text(f.dev));
        }
    }
    /* Ten thousand brackets, and a header said to be longer than the file. */
    char deep[2000];
    memset(deep, '[', sizeof deep);
    deep[sizeof deep - 1] = 0;
    write_tensors(f.path, deep, 0);
    CU_ASSERT_EQUAL(dlg_weights_load(f.prog, f.path, NULL), DLG_ERR_WEIGHTS);
    write_file(f.path, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    CU_ASSERT_EQUAL(dlg_weights_load(f.prog, f.path, NULL), DLG_ERR_WEIGHTS);
    expect_message(f.dev, "its header should be");
    close_fixture(&f);
}

static void test_files(void) {
    Fixture f;
    open_fixture(&f);
    CU_ASSERT_EQUAL(dlg_weights_load(f.prog, "/nonexistent/w", NULL), DLG_ERR_FILE);
    CU_ASSERT_EQUAL(dlg_weights_save(f.prog, "/nonexistent/w", NULL), DLG_ERR_FILE);
    expect_message(f.dev, "cannot write /nonexistent/w");
    CU_ASSERT_EQUAL(dlg_weights_save(f.prog, "/", NULL), DLG_ERR_FILE);
    CU_ASSERT_EQUAL(dlg_weights_save(f.prog, "/dev/full", NULL), DLG_ERR_FILE);
    expect_message(f.dev, "not a regular file");

    /* A file that was begun and dropped leaves the old one; that nothing else is left: test_file.c. */
    RtFile file;
    char *text, linked[160];
    size_t len;
    write_file(f.path, "old", 3);
    CU_ASSERT_EQUAL(chmod(f.path, 0640), 0);
    CU_ASSERT_EQUAL(rt_file_begin(&file, f.dev, f.path), DLG_OK);
    CU_ASSERT_EQUAL(rt_file_write(&file, "new", 3), DLG_OK);
    rt_file_drop(&file);
    read_text(f.path, &text, &len);
    CU_ASSERT_STRING_EQUAL(text, "old");
    free(text);

    /* Through a symbolic link: the file that it names, with the rights that it had. */
    snprintf(linked, sizeof linked, "%s.link", f.path);
    unlink(linked);
    CU_ASSERT_EQUAL(symlink(f.path, linked), 0);
    CU_ASSERT_EQUAL(rt_file_begin(&file, f.dev, linked), DLG_OK);
    CU_ASSERT_EQUAL(rt_file_write(&file, "newer", 5), DLG_OK);
    CU_ASSERT_EQUAL(rt_file_commit(&file), DLG_OK);
    struct stat st;
    CU_ASSERT_EQUAL(lstat(f.path, &st), 0);
    CU_ASSERT_TRUE(S_ISREG(st.st_mode));
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0640);
    CU_ASSERT_EQUAL(st.st_size, 5);
    unlink(linked);
    close_fixture(&f);
}

RUN_SUITE("safetensors", {"weights", test_weights}, {"checkpoint", test_checkpoint},
          {"damaged", test_damaged}, {"checksum", test_checksum}, {"headers", test_headers},
          {"files", test_files})

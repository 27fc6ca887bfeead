/* Plans: what a good one says; that every truncation, every altered byte and every broken rule of
 * docs/program-format.md is refused with a message that names the line. */
#include "rt_fixture.h"

static int read_plan(Plan *plan, dlg_device *dev, const char *text, size_t len) {
    return plan_read(plan, dev, "xor.cl", text, len);
}

static void test_good(void) {
    dlg_device *dev;
    dlg_program *prog;
    double value = 0;
    CU_ASSERT_EQUAL_FATAL(dlg_device_open(&dev, "none"), DLG_OK);
    CU_ASSERT_EQUAL_FATAL(dlg_program_load_file(&prog, dev, XOR_PATH, NULL), DLG_OK);
    CU_ASSERT_STRING_EQUAL(dlg_program_model(prog), "xor");
    CU_ASSERT_STRING_EQUAL(dlg_program_target(prog), "cpu");
    CU_ASSERT_STRING_EQUAL(dlg_program_source(prog), "xor.dlg");
    CU_ASSERT_EQUAL(dlg_program_arena_bytes(prog), 384);
    CU_ASSERT_EQUAL(dlg_program_kernel_count(prog), 5);
    CU_ASSERT_EQUAL(dlg_program_const(prog, "rate", &value), DLG_OK);
    CU_ASSERT_EQUAL(value, 0.1);
    CU_ASSERT_EQUAL(dlg_program_const(prog, "rat", &value), DLG_ERR_NAME);
    expect_message(dev, "is it `rate`?");

    CU_ASSERT_EQUAL(dlg_tensor_count(prog), 18);
    const dlg_tensor *t = dlg_tensor_find(prog, "y");
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL(t->kind, DLG_INPUT);
    CU_ASSERT_EQUAL(t->source.form, DLG_SOURCE_COLUMNS);
    CU_ASSERT_EQUAL(t->source.first, 2);
    CU_ASSERT_EQUAL(t->source.last, 3);
    CU_ASSERT_STRING_EQUAL(t->source.path, "xor.csv");
    t = dlg_tensor_find(prog, "h.w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL(t->rank, 2);
    CU_ASSERT_EQUAL(t->shape[1], 8);
    CU_ASSERT_EQUAL(t->bytes, 64);
    CU_ASSERT_PTR_NULL(dlg_tensor_find(prog, "h")); /* lives in the arena */
    t = dlg_tensor_find(prog, "x@1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_STRING_EQUAL(t->user_name, "x");
    CU_ASSERT_EQUAL(dlg_tensor_find(prog, "x")->index, 0);

    const dlg_entry *e = dlg_entry_find(prog, "train");
    CU_ASSERT_PTR_NOT_NULL_FATAL(e);
    CU_ASSERT_EQUAL(e->read_count, 2);
    CU_ASSERT_EQUAL(e->update_count, 6);
    CU_ASSERT_EQUAL(e->return_count, 1);
    CU_ASSERT_EQUAL(e->launch_count, 4);
    CU_ASSERT_EQUAL(e->trains, 1);
    CU_ASSERT_EQUAL(e->arena_bytes, 384); /* of 128 bytes each: h, p and dp */
    CU_ASSERT_EQUAL(e->bound_bytes, -1);  /* the plan does not say */
    CU_ASSERT_EQUAL(e->live_bytes, -1);
    CU_ASSERT_PTR_NULL(e->single);
    const dlg_launch *l = &e->launches[3];
    CU_ASSERT_STRING_EQUAL(l->kernel, "learn");
    CU_ASSERT_EQUAL(l->arg_count, 10);
    CU_ASSERT_PTR_NULL(l->args[9].tensor);
    CU_ASSERT_EQUAL(l->args[9].number, 10);
    CU_ASSERT_STRING_EQUAL(e->launches[0].source, "xor.dlg");
    CU_ASSERT_EQUAL(e->launches[0].line, 10);
    e = dlg_entry_find(prog, "predict");
    CU_ASSERT_PTR_EQUAL(e->single, dlg_entry_find(prog, "predict@1"));
    CU_ASSERT_EQUAL(e->trains, 0);
    CU_ASSERT_EQUAL(dlg_run(prog, "train"), DLG_ERR_USAGE); /* there is no device */
    dlg_program_close(prog);
    dlg_device_close(dev);
}

/* The plan of the fixture with its end, as the source of edits. */
typedef struct Fixture {
    dlg_device *dev;
    char *text;
    size_t len, plan_len; /* the plan's lines, `kernels` included */
} Fixture;

static void open_fixture(Fixture *f) {
    CU_ASSERT_EQUAL_FATAL(dlg_device_open(&f->dev, "none"), DLG_OK);
    read_text(XOR_PATH, &f->text, &f->len);
    char *line = strstr(f->text, "\n//! kernels ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    f->plan_len = (size_t)(strchr(line + 1, '\n') + 1 - f->text);
}

static void close_fixture(Fixture *f) {
    free(f->text);
    dlg_device_close(f->dev);
}

static void test_truncated(void) {
    Fixture f;
    Plan plan;
    open_fixture(&f);
    for (size_t len = 0; len < f.len; len++) {
        char *cut = malloc(len + 1); /* its own block, so that a read beyond it is seen */
        memcpy(cut, f.text, len);
        int status = read_plan(&plan, f.dev, cut, len);
        if (status != DLG_ERR_PROGRAM || strncmp(dlg_error_text(f.dev), "xor.cl:", 7) != 0) {
            CU_FAIL("a program that is cut off was not refused");
            fprintf(stderr, "cut at %zu: %d %s\n", len, status, dlg_error_text(f.dev));
        }
        if (status == DLG_OK) plan_free(&plan);
        free(cut);
    }
    CU_PASS("all");
    close_fixture(&f);
}

/* Every byte of the plan in every one of its bits: refused. With the checksum made right again: read
 * or refused, but never out of bounds. */
static void test_flipped(void) {
    Fixture f;
    Plan plan;
    open_fixture(&f);
    char *text = malloc(f.len + 1);
    for (size_t i = 0; i < f.plan_len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(text, f.text, f.len + 1);
            text[i] = (char)(text[i] ^ 1 << bit);
            int status = read_plan(&plan, f.dev, text, f.len);
            if (status != DLG_ERR_PROGRAM) {
                CU_FAIL("an altered plan was not refused");
                fprintf(stderr, "byte %zu, bit %d\n", i, bit);
                plan_free(&plan);
            }
            sign(text);
            if (read_plan(&plan, f.dev, text, f.len) == DLG_OK) plan_free(&plan);
        }
    }
    CU_PASS("all");
    free(text);
    close_fixture(&f);
}

/* Lines dropped, doubled and swapped with the next, one by one. */
static void test_lines(void) {
    Fixture f;
    Plan plan;
    open_fixture(&f);
    char *text = malloc(2 * f.len + 1);
    for (size_t at = 0; at < f.plan_len;) {
        size_t n = (size_t)(strchr(f.text + at, '\n') + 1 - (f.text + at));
        memcpy(text, f.text, at);
        strcpy(text + at, f.text + at + n);
        CU_ASSERT_EQUAL(read_plan(&plan, f.dev, text, f.len - n), DLG_ERR_PROGRAM);
        sign(text);
        if (read_plan(&plan, f.dev, text, f.len - n) == DLG_OK) plan_free(&plan);
        memcpy(text, f.text, at + n);
        strcpy(text + at + n, f.text + at);
        CU_ASSERT_EQUAL(read_plan(&plan, f.dev, text, f.len + n), DLG_ERR_PROGRAM);
        sign(text);
        if (read_plan(&plan, f.dev, text, f.len + n) == DLG_OK) plan_free(&plan);
        at += n;
    }
    free(text);
    close_fixture(&f);
}

static void test_rules(void) {
    static const struct {
        const char *from, *to, *says;
    } rules[] = {
        {"//! dlg 1", "//! dlg 2", "xor.cl:1: this is format 2"},
        {"//! dlg 1", "//! dlg 01", "xor.cl:1: the format's version"},
        {"//! dlg 1", "// dlg 1", "xor.cl:1: this is not a compiled program"},
        {"//! model xor", "//! mode xor", "xor.cl:2: `model` should stand here"},
        {"from \"xor.dlg\"", "from xor.dlg", "must be a string in quotes"},
        {"from \"xor.dlg\"", "from \"xor.dlg", "is not closed"},
        {"from \"xor.dlg\"", "from \"xor\\.dlg\"", "a backslash"},
        {"from \"xor.dlg\"", "from \"xor.dlg\" ", "ends in a space"},
        {"from \"xor.dlg\"", "from \"xor.dlg\" twice", "one word too many"},
        {"//! const batch 4", "//! graph 0123456789abcde\n//! const batch 4",
         "xor.cl:3: `0123456789abcde` is not a hash of 16"},
        {"//! const batch 4", "//! graph 0123456789ABCDEF\n//! const batch 4",
         "is not a hash of 16"},
        {"//! const batch 4", "//! graph 0123456789abcdef0\n//! const batch 4",
         "is not a hash of 16"},
        {"//! const batch 4", "//! graph 0123456789abcdef 0\n//! const batch 4",
         "`precision` should stand here"},
        {"//! const batch 4", "//! graph 0123456789abcdef precision f32\n//! const batch 4",
         "line ends"},
        {"//! const batch 4", "//! graph 0123456789abcdef precision f32 opt 2 3\n//! const batch 4",
         "one word too many"},
        {"//! const batch 4", "//! numbers 1:2\n//! const batch 4", "`numbers` cannot stand here"},
        {"//! const batch 4", "//! graph 0123456789abcdef\n//! const batch 4\n//! numbers 1:2",
         "`numbers` cannot stand"},
        {"//! const batch 4", "//! graph 0123456789abcdef\n//! numbers\n//! const batch 4",
         "line ends where a number"},
        {"//! const batch 4", "//! graph 0123456789abcdef\n//! numbers 1:2 3\n//! const batch 4",
         "`3` is no line with a number"},
        {"//! const batch 4", "//! graph 0123456789abcdef\n//! numbers 1:2x 3:1\n//! const batch 4",
         "`1:2x` is no line with a number"},
        {"//! const batch 4", "//! graph\n//! const batch 4", "line ends where the graph's hash"},
        {"//! const batch 4", "//! const batch 4\n//! graph 0123456789abcdef",
         "xor.cl:4: a line `graph` cannot stand here"},
        {"//! const batch 4",
         "//! graph 0123456789abcdef\n//! graph 0123456789abcdef\n//! const batch 4",
         "xor.cl:4: a line `graph` cannot stand here"},
        {"//! const batch 4", "//! const batch", "line ends"},
        {"//! arena 384", "//! ptx\n//! arena 384", "line ends"},
        {"//! arena 384", "//! ptx sm_100a\n//! arena 384", "no device that lines of PTX"},
        {"//! arena 384", "//! ptx sm_90a more\n//! arena 384", "one word too many"},
        {"//! arena 384", "//! ptx sm_90a\n//! ptx sm_90a\n//! arena 384", "said already"},
        {"//! arena 384", "//! arena 384\n//! ptx sm_90a", "`ptx`"},
        {"//! const batch 4", "//! const batch four", "`four` is not a number"},
        {"//! const batch 4", "//! const rate 4", "xor.cl:4: there is a constant `rate`"},
        {"//! const batch 4", "//! graph 0123456789abcdef\n//! const rate 4",
         "xor.cl:5: there is a constant `rate`"},
        {"//! const batch 4", "//! constant batch 4", "cannot stand here"},
        {"//! const batch 4", "//! const  batch 4", "two spaces"},
        {"//! const batch 4", "//! const b\xff 4", "not UTF-8"},
        {"//! const batch 4", "//! const b\xed\xa0\x80 4", "not UTF-8"},
        {"//! const batch 4\n", "//! const batch 4\r\n", "newline alone"},
        {"//! const batch 4", "const batch 4", "xor.cl:3: the plan ends"},
        {"//! arena 384\n", "", "cannot stand here"},
        {"//! arena 384", "//! arena -1", "must be a whole number"},
        {"//! arena 384", "//! arena 384 align 100", "power of two"},
        {"//! arena 384", "//! arena 384 align 512", "not a multiple of the arena's alignment"},
        {"//! arena 384", "//! arena 99999999999999999999", "must be a whole number"},
        {"//! arena 384", "//! arena 256", "dp ends beyond the arena's 256 bytes"},
        {"buffer 1 y", "buffer 2 y", "this is buffer 1, not 2"},
        {"buffer 1 y", "buffer 1 x", "there is a buffer `x` above"},
        {"buffer 1 y", "buffer 1 @y", "no name before the @"},
        {"buffer 1 y", "buffer 1 \"y\"", "a character that no name has"},
        {"y f32 4x1", "y f64 4x1", "`f64` is no type"},
        {"y f32 4x1", "y f32 4x0", "is not a shape"},
        {"y f32 4x1", "y f32 4x", "is not a shape"},
        {"y f32 4x1", "y f32 x4", "is not a shape"},
        {"y f32 4x1", "y f32 04x1", "is not a shape"},
        {"y f32 4x1", "y f32 1x1x1x1x1x1x1x1x1", "at most 8 axes"},
        {"y f32 4x1", "y f32 2147483648", "is not a shape"},
        {"y f32 4x1", "y f32 65536x65536", "at most 2147483647 elements"},
        {"y f32 4x1", "y f32 2147483647x2147483647x2147483647x2147483647", "at most 2147483647"},
        {"columns 2:3", "columns 3:2", "no columns such as"},
        {"columns 2:3", "columns 2:5", "a sample of y has 1 elements but its columns 3"},
        {"columns 2:3", "columns", "no columns such as"},
        {"columns 2:3 axis 0", "columns 2:3 axis 2", "y has no axis 2"},
        {"columns 2:3 axis 0", "columns 2:3", "line ends"},
        {"source \"xor.csv\"", "source \"\"", "is empty"},
        {"init uniform -1 1", "init uniform 1 -1", "the lower first"},
        {"init uniform -1 1", "init uniform -inf 1", "finite"},
        {"init uniform -1 1", "init uniform nan 1", "finite"},
        {"init uniform -1 1", "init uniform -1 1e39", "beyond the range of f32"},
        {"init uniform -1 1", "init uniform -1 0x1", "is not a number"},
        {"init uniform -1 1", "init uniform -1", "line ends"},
        {"init uniform -1 1", "init glorot", "no way to initialise"},
        {"init uniform -1 1", "initial", "`init` should stand here"},
        {"init normal 0 0.5", "init normal 0 -0.5", "not negative"},
        {"init literal -0.75", "init literal", "8 elements but only 7 values"},
        {"init literal -0.75", "init literal -0.75 3", "one word too many"},
        {"step i32 scalar state init constant 0", "step i32 scalar state init constant 0.5",
         "not a number of type i32"},
        {"step i32 scalar state init constant 0", "step i32 scalar state init constant 2147483648",
         "not a number of type i32"},
        {"step i32 scalar state init constant 0", "step i32 scalar state init constant nan",
         "not a number of type i32"},
        {"step i32 scalar state init constant 0", "step i32 scalar state init uniform 0 1",
         "only f32, f16 and bf16 are initialised by `uniform`"},
        {"y f32 4x1", "y f8 4x1", "`f8` is no type: f32, i32, bool, f16, bf16 or u8"},
        {"step i32 scalar state init constant 0",
         "t u8 scalar state init constant 256\n//! buffer 8 step i32 scalar state init constant 0",
         "256 is not a number of type u8"},
        {"step i32 scalar state init constant 0",
         "t f16 scalar state init constant 65520\n//! buffer 8 step i32 scalar state init constant "
         "0",
         "65520 is beyond the range of f16"},
        {"step i32 scalar state", "step u8 scalar state", "`step` is the step counter"},
        {"step i32 scalar state", "step i32 1 state", "`step` is the step counter"},
        {"step i32 scalar state", "step f32 scalar state", "`step` is the step counter"},
        {"arena 128", "arena 100", "not a multiple of the arena's alignment"},
        {"p f32 4x1 arena 128", "p f32 4x1 arena 0", "p overlaps h in the arena"},
        {"dp f32 4x1 arena 256", "dp f32 4x1 arena 0", "dp overlaps h in the arena"},
        {"p f32 4x1 arena 128", "p f32 4x1 arnea 128", "no kind of buffer"},
        {"entry evaluate", "entry train", "there is an entry `train` above"},
        {"entry predict@1", "entry foretell@1", "is no variant `@1` of an entry"},
        {"entry predict@1", "entry predict@2", "is no variant `@1` of an entry"},
        {"reads x y updates", "reads x updates", "squares uses the input y"},
        {"reads x y updates", "reads x y z updates", "there is no buffer `z`"},
        {"reads x y updates", "reads x y x updates", "x stands twice"},
        {"reads x y updates", "reads x y h.w updates", "h.w is none"},
        {"reads x y updates", "reads x y updates updates", "a list of buffers is empty"},
        {"updates h.w h.b", "updates h.w loss", "loss is neither"},
        {"updates h.w h.b", "updates h.w h.w", "h.w stands twice"},
        {"reads x y returns", "reads x y updates step returns",
         "no launch of the entry writes step"},
        {"updates h.w h.b", "writes h.w h.b", "there is no buffer `writes`"},
        {"step returns loss", "step step returns loss", "`step` stands twice"},
        {"step returns loss", "step returns h", "h: it lives in the arena"},
        {"step returns loss", "step returns probs", "no launch of the entry writes probs"},
        {"step returns loss", "step returns loss reads x", "there is no buffer `reads`"},
        {"entry train", "entry train bound", "the bound on bytes must be a whole number"},
        {"entry train", "entry train bound -1", "the bound on bytes must be a whole number"},
        {"entry train", "entry train bound 5 live", "the bytes alive must be a whole number"},
        {"entry train", "entry train live 5 bound 5", "may stand here"},
        {"entry train", "entry train bound 5 bound 5", "may stand here"},
        {"step returns loss", "step returns loss bound 5", "there is no buffer `bound`"},
        {"launch hidden", "launch h1dden", "no kernel `__kernel void h1dden("},
        {"launch hidden", "launch hid", "no kernel `__kernel void hid("},
        {"launch hidden", "launch hid;den", "cannot be a kernel's name"},
        {"launch hidden global 4", "launch hidden global 0", "the number of work-items"},
        {"global 4 local 1", "global 4 local 3", "not a multiple of the group's 3"},
        {"global 4 local 1", "global 4 local 2", "kernels for the cpu have groups of 1"},
        {"global 4 local 1", "global 4 local 0", "the size of a group"},
        {"args 0 2 3 9", "args 0 2 3 18", "there is no buffer 18, only 18"},
        {"args 0 2 3 9", "args 0 2 3 x", "neither the index of a buffer"},
        {"args 0 2 3 9", "args 0 2 3 +3", "not a buffer among the arguments before it"},
        {"args 0 2 3 9", "args 0 2 * +2", "not a buffer among the arguments before it"},
        {"args 0 2 3 9", "args 0 2 * +x", "not a buffer among the arguments before it"},
        {"args 0 2 3 9", "args 0 2 3 **", "neither the index of a buffer"},
        {"args 0 2 3 9", "args 0 2 3 99999999999999999999", "neither the index"},
        {"args 0 2 3 9", "rags 0 2 3 9", "`args` should stand here"},
        {"=10", "=2147483648", "is not an i32"},
        {"=10", "=-2147483649", "is not an i32"},
        {"=10", "=", "is not an i32"},
        {"at \"xor.dlg\":10", "at \"xor.dlg\"", "a file and a line"},
        {"at \"xor.dlg\":10", "at \"xor.dlg\":", "a file and a line"},
        {"at \"xor.dlg\":10", "at \"xor.dlg\":10 11", "one word too many"},
        {"//! kernels 5", "//! kernels 4", "the plan says 4 kernels but the text has 5"},
        {"//! kernels 5", "//! kernels 6", "the plan says 6 kernels but the text has 5"},
        {"//! kernels 5", "//! kernel 5", "cannot stand here"},
        {"__kernel void judge(", "__kernel void output(", "two kernels are named output"},
        {"__kernel void judge(", "void judge(", "the text has 4"},
        {"__kernel void judge(", "/* __kernel void judge(", "the text has 4"},
        {"right[row] =", "\n//! end\nright[row] =", "within the OpenCL text"},
        {"//! end\n", "//! end", "its last line is not `//! end`"},
        {"//! end\n", "//! end\n\n", "its last line is not `//! end`"},
        {"//! end\n", "//! End\n", "its last line is not `//! end`"},
    };
    Fixture f;
    Plan plan;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char *text = edit(f.text, rules[i].from, rules[i].to);
        int status = read_plan(&plan, f.dev, text, strlen(text));
        CU_ASSERT_EQUAL(status, DLG_ERR_PROGRAM);
        if (status == DLG_OK) {
            fprintf(stderr, "accepted: %s\n", rules[i].to);
            plan_free(&plan);
        } else {
            expect_message(f.dev, rules[i].says);
        }
        free(text);
    }
    close_fixture(&f);
}

/* What is unusual but right. */
static void test_allowed(void) {
    static const struct {
        const char *from, *to;
    } rules[] = {
        {"init uniform -1 1", "init uniform 0 0"},
        {"init constant 1", "init constant -inf"},
        {"init constant 1", "init constant nan"},
        {"init constant 1", "init constant 1e-45"},
        {"//! arena 384", "//! arena 384 align 64"},
        {"//! arena 384", "//! ptx sm_90a\n//! arena 384"},
        {"//! const batch 4", "//! graph 0123456789abcdef\n//! const batch 4"},
        {"//! const batch 4",
         "//! graph 0123456789abcdef precision 3xtf32 opt 0\n//! const batch 4"},
        {"//! const batch 4",
         "//! graph 0123456789abcdef\n//! numbers 1:2 3:-1e-3 3:inf\n//! const batch 4"},
        {"//! const batch 4\n//! const rate 0.1\n", "//! graph 0000000000000000\n"},
        {"//! const batch 4\n//! const rate 0.1\n", ""},
        {"from \"xor.dlg\"", "from \"a \\\"b\\\\ \\n c\""},
        {"=10", "=-2147483648"},
        {"step returns loss", "step returns loss x h.w"},
        {"__kernel void judge(",
         "__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void judge("},
        {"__kernel void judge(", "__kernel\n/* a */ void // b\n judge ("},
        {"right[row] =", "/* __kernel void hidden( */ // __kernel void\nright[row] ="},
        {"source \"xor.csv\" columns 2:3", "source \"xor.csv\" columns 2"},
        {"source \"xor.csv\" columns 2:3", "source \"a b.npy\""},
        {"source \"xor.csv\" columns 2:3", "source \"book.txt\" bytes"},
        {"target cpu", "target anything-else"},
    };
    Fixture f;
    Plan plan;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char *text = edit(f.text, rules[i].from, rules[i].to);
        int status = read_plan(&plan, f.dev, text, strlen(text));
        CU_ASSERT_EQUAL(status, DLG_OK);
        if (status < 0) fprintf(stderr, "refused: %s: %s\n", rules[i].to, dlg_error_text(f.dev));
        plan_free(&plan);
        free(text);
    }
    close_fixture(&f);
}

/* A buffer may take the place of one that is read for the last time in the launch that writes it. */
static void test_in_place(void) {
    Fixture f;
    Plan plan;
    open_fixture(&f);
    char *text = edit(f.text, "dp f32 4x1 arena 256", "dp f32 4x1 arena 128");
    CU_ASSERT_EQUAL(read_plan(&plan, f.dev, text, strlen(text)), DLG_ERR_PROGRAM);
    expect_message(f.dev, "dp overlaps p"); /* judge reads p after squares wrote dp */
    char *again = edit(text, "launch judge global 4 local 1 args 10 1 14",
                       "launch judge global 4 local 1 args 13 1 14");
    CU_ASSERT_EQUAL(read_plan(&plan, f.dev, again, strlen(again)), DLG_OK);
    plan_free(&plan);
    free(text);
    free(again);
    close_fixture(&f);
}

/* Buffers that are called as the keywords are. */
static void test_keywords_as_names(void) {
    Fixture f;
    Plan plan;
    open_fixture(&f);
    char *text = edit(f.text, "buffer 1 y", "buffer 1 updates");
    char *again = edit(text, "buffer 12 loss", "buffer 12 returns");
    char *list = edit(again, "reads x y updates", "reads x \"updates\" updates");
    char *evaluate = edit(list, "evaluate reads x y returns loss",
                          "evaluate reads \"updates\" x returns \"returns\"");
    char *last = edit(evaluate, "step returns loss", "step returns \"returns\"");
    CU_ASSERT_EQUAL(read_plan(&plan, f.dev, last, strlen(last)), DLG_OK);
    CU_ASSERT_STRING_EQUAL(plan.entries[0].reads[1]->name, "updates");
    CU_ASSERT_STRING_EQUAL(plan.entries[0].returns[0]->name, "returns");
    plan_free(&plan);
    free(last);
    free(evaluate);
    free(list);
    free(again);
    free(text);
    close_fixture(&f);
}

/* What the compiler says of an entry beside what it does; a buffer may be called as these words are. */
static void test_bounds(void) {
    Fixture f;
    Plan plan;
    open_fixture(&f);
    char *text = edit(f.text, "entry train", "entry train bound 1000 live 256");
    char *again = edit(text, "entry evaluate", "entry evaluate live 0");
    char *named = edit(again, "buffer 12 loss", "buffer 12 bound");
    char *list = edit(named, "reads x y returns loss", "reads x y returns bound");
    char *last = edit(list, "step returns loss", "step returns bound");
    CU_ASSERT_EQUAL_FATAL(read_plan(&plan, f.dev, last, strlen(last)), DLG_OK);
    CU_ASSERT_EQUAL(plan.entries[0].bound_bytes, 1000);
    CU_ASSERT_EQUAL(plan.entries[0].live_bytes, 256);
    CU_ASSERT_STRING_EQUAL(plan.entries[0].returns[0]->name, "bound");
    CU_ASSERT_EQUAL(plan.entries[1].arena_bytes, 128);
    CU_ASSERT_EQUAL(plan.entries[3].bound_bytes, -1);
    CU_ASSERT_EQUAL(plan.entries[3].live_bytes, 0);
    plan_free(&plan);
    free(last);
    free(list);
    free(named);
    free(again);
    free(text);
    close_fixture(&f);
}

static void test_long_lines(void) {
    Fixture f;
    Plan plan;
    open_fixture(&f);
    size_t n = 10 << 20;
    char *line = malloc(n + 40);
    strcpy(line, "//! const batch 4 ");
    memset(line + 18, 'x', n);
    strcpy(line + 18 + n, "\n");
    char *text = edit(f.text, "//! const batch 4\n", line);
    CU_ASSERT_EQUAL(read_plan(&plan, f.dev, text, strlen(text)), DLG_ERR_PROGRAM);
    expect_message(f.dev, "xor.cl:3: a line of the plan is at most 1 MiB long");
    free(text);
    free(line);

    char *nul = malloc(f.len + 1);
    memcpy(nul, f.text, f.len + 1);
    nul[30] = 0;
    CU_ASSERT_EQUAL(read_plan(&plan, f.dev, nul, f.len), DLG_ERR_PROGRAM);
    memcpy(nul, f.text, f.len + 1);
    nul[f.len - 40] = 0;
    CU_ASSERT_EQUAL(read_plan(&plan, f.dev, nul, f.len), DLG_ERR_PROGRAM);
    expect_message(f.dev, "NUL in the OpenCL text");
    free(nul);
    close_fixture(&f);
}

/* Many arena buffers that all live at once, checked in no more than n log n. */
static void test_many_buffers(void) {
    enum { COUNT = 100000 };
    dlg_device *dev;
    Plan plan;
    CU_ASSERT_EQUAL_FATAL(dlg_device_open(&dev, "none"), DLG_OK);
    size_t cap = (size_t)COUNT * 160 + 1000, n = 0;
    char *text = malloc(cap);
    for (int overlap = 0; overlap < 2; overlap++) {
        n = (size_t)snprintf(text, cap,
                             "//! dlg 1\n//! model m target gpu from \"m\"\n//! arena 100000000\n");
        for (int i = 0; i < COUNT; i++)
            n += (size_t)snprintf(text + n, cap - n, "//! buffer %d b%d f32 32 arena %d\n", i, i,
                                  128 * (overlap && i == COUNT - 1 ? 7 : i));
        n += (size_t)snprintf(text + n, cap - n, "//! entry e\n");
        for (int i = 0; i < 2 * COUNT; i++)
            n += (size_t)snprintf(text + n, cap - n, "//! launch k global 8 local 8 args %d\n",
                                  i < COUNT ? i : 2 * COUNT - 1 - i);
        snprintf(text + n, cap - n,
                 "//! kernels 1 checksum 0123456789abcdef\n__kernel void k(__global int *x) {}\n"
                 "//! end\n");
        sign(text);
        int status = read_plan(&plan, dev, text, strlen(text));
        CU_ASSERT_EQUAL(status, overlap ? DLG_ERR_PROGRAM : DLG_OK);
        if (overlap) expect_message(dev, "b99999 overlaps b7 in the arena");
        plan_free(&plan);
    }
    free(text);
    dlg_device_close(dev);
}

static void test_numbers(void) {
    static const struct {
        const char *text;
        size_t used;
        float value;
    } cases[] = {
        {"0", 1, 0},
        {"1.5", 3, 1.5f},
        {"-2e3x", 4, -2000},
        {".5", 2, 0.5f},
        {"5.", 2, 5},
        {"1e", 1, 1},
        {"16777217", 8, 16777216},
        {"16777217.0000000000000000000000001", 34, 16777218},
        {"3.4028235e38", 12, 3.4028235e38f},
        {"1.4e-45", 7, 1.4e-45f},
        {"0.1", 3, 0.1f},
        {"7.038531e-26", 12, 7.038531e-26f}, /* rounds wrongly by way of a double */
        {"1e-400000000000000000000", 24, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float value = -1;
        const char *s = cases[i].text, *end = rt_parse_f32(s, s + strlen(s), &value);
        CU_ASSERT_PTR_EQUAL(end, s + cases[i].used);
        CU_ASSERT_EQUAL(value, cases[i].value);
    }
    float f;
    double d;
    CU_ASSERT_PTR_NULL(rt_parse_f32("x", (const char *)"x" + 1, &f));
    CU_ASSERT_PTR_NULL(rt_parse_f32(".", (const char *)"." + 1, &f));
    const char *big = "1e309";
    CU_ASSERT_PTR_NOT_NULL(rt_parse_f64(big, big + 5, &d));
    CU_ASSERT_TRUE(d > 1e308);
    /* Against strtod, which rounds correctly (the tests run in the C locale). */
    uint32_t counter[4] = {0}, key[2] = {1, 2}, word[4];
    for (uint32_t i = 0; i < 20000; i++) {
        char text[64];
        counter[0] = i;
        rt_philox(counter, key, word);
        int n = snprintf(text, sizeof text, "%u.%0*ue%d", word[0] >> (i % 32), (int)(i % 12),
                         word[1] >> (i / 7 % 32), (int)(word[2] % 80) - 40);
        CU_ASSERT_PTR_EQUAL(rt_parse_f64(text, text + n, &d), text + n);
        CU_ASSERT_PTR_EQUAL(rt_parse_f32(text, text + n, &f), text + n);
        CU_ASSERT_EQUAL(d, strtod(text, NULL));
        CU_ASSERT_EQUAL(f, strtof(text, NULL));
    }
}

RUN_SUITE("plan", {"a good plan", test_good}, {"truncated anywhere", test_truncated},
          {"altered anywhere", test_flipped}, {"lines dropped and doubled", test_lines},
          {"each rule", test_rules}, {"what is allowed", test_allowed}, {"in place", test_in_place},
          {"keywords as names", test_keywords_as_names}, {"bounds", test_bounds},
          {"long lines and NUL", test_long_lines}, {"many buffers", test_many_buffers},
          {"numbers", test_numbers})

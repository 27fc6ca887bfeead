/* Any bytes as a file of weights, as a checkpoint, as the weights of another model. The first byte says which of them,
 * and whether the file is put right first: its header then ends at the last brace, and what follows has the length
 * that the program's tensors need, so that what lies behind these checks is reached. */
#include <math.h>
#include "compile.h"
#include "fuzz.h"
#include "train.h"

enum { AS_CHECKPOINT = 1, PARTIAL = 2, PUT_RIGHT = 4, WITH_BEST = 8 };

static const char model[] = "const batch = 2\n"
                            "input x : f32[batch, 3]\n"
                            "input y : i32[batch]\n"
                            "state seen : u8[3] = 3\n"
                            "state last : f16[2] = 0.1\n"
                            "state wide : bf16[2] = 1\n"
                            "state flags : bool[3] = 1\n"
                            "state count = 0\n"
                            "h = dense(x, 2) * sum(last) + sum(wide)\n"
                            "logits = where(flags[0], h, -h)\n"
                            "loss = mean(cross_entropy(logits, y))\n"
                            "entry predict -> logits, seen\n"
                            "entry train -> loss { minimize loss by adam(lr = 0.01)\n"
                            "count = count + 1 }\n";

typedef struct Fixture {
    dlg_device *dev;
    dlg_program *prog;
    dlg_dataset *data;
} Fixture;

static void open_fixture(Fixture *f) {
    static const float x[4][3] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}};
    static const int32_t y[4] = {0, 1, 0, 1};
    f->dev = fuzz_device();
    CompileResult r = compile_text("weights.dlg", model, sizeof model - 1, NULL);
    if (r.status) fputs(r.diagnostics, stderr);
    require(r.status == 0);
    require(dlg_program_load_text(&f->prog, f->dev, "weights.cl", r.text, r.text_len, NULL) >= 0);
    compile_free(&r);
    const dlg_data data[] = {{.name = "x", .values = x, .rows = 4},
                             {.name = "y", .values = y, .rows = 4}};
    require(dlg_dataset_open(&f->data, f->prog,
                             &(dlg_dataset_options){.data = data, .data_count = 2}) >= 0);
    require(dlg_dataset_split(f->data, 0.25, 1) >= 0);
}

/* How long the data is of a file that the program writes. */
static size_t wanted_bytes(const dlg_program *prog, uint8_t how) {
    size_t bytes = 0;
    for (size_t i = 0; i < dlg_tensor_count(prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(prog, i);
        bool weight = rt_is_weight(prog, t);
        if (weight || (t->kind == DLG_STATE && how & AS_CHECKPOINT)) bytes += t->bytes;
        if (weight && how & WITH_BEST) bytes += t->bytes;
    }
    return bytes;
}

static char *put_right(const dlg_program *prog, uint8_t how, const uint8_t *data, size_t size,
                       size_t *len) {
    size_t header = size;
    while (header > 0 && data[header - 1] != '}') header--;
    size_t rest = size - header, want = how & PARTIAL ? rest : wanted_bytes(prog, how);
    char *text = calloc(8 + header + want + 1, 1);
    require(text != NULL);
    for (int i = 0; i < 8; i++) text[i] = (char)((uint64_t)header >> (8 * i));
    memcpy(text + 8, data, header);
    memcpy(text + 8 + header, data + header, rest < want ? rest : want);
    *len = 8 + header + want;
    return text;
}

static void told(void *context, const char *text) {
    (void)context;
    require(*text && rt_utf8(text));
}

/* The checkpoint of a run that has these: what is not of it must be refused. */
static void check_run(Fixture *f, const RtLoading *file, bool with_best) {
    static const char *const identity[][2] = {{"checkpoint.batch", "2"},
                                              {"checkpoint.entry", "train"},
                                              {"checkpoint.metric", "least loss"},
                                              {"checkpoint.order_seed", "1"},
                                              {"checkpoint.program", "0123456789abcdef"}};
    cl_mem none = NULL;
    const dlg_tensor *loss = dlg_tensor_find(f->prog, "loss");
    double sum = 0;
    dlg_train_options options = {.checkpoint = "fuzz.checkpoint", .resume = 1};
    Training t = {.options = &options, .prog = f->prog, .data = f->data};
    require(loss && split_record(f->data) == DLG_OK);
    t.run.batch = 2;
    t.run.scalars = &loss;
    t.run.scalar_count = 1;
    t.run.sums = &sum;
    t.progress.batches = 1;
    t.best.values = with_best ? &none : NULL;
    for (size_t i = 0; i < sizeof identity / sizeof *identity; i++)
        if (with_best || i != 2) require(rt_meta_put(&t.identity, identity[i][0], identity[i][1]));
    int status = checkpoint_check(&t, file);
    require_told(f->dev, status);
    if (status == DLG_OK) require(t.progress.step == t.progress.resumed_step && t.run.rows < 2);
    rt_meta_free(&t.identity);
}

/* What the file says of the rows that were held out. */
static void check_split(Fixture *f, const RtLoading *file) {
    static const char *const names[] = {"data_rows", "data_held_out", "data_seed", "data_hash.x",
                                        "data_hash.y"};
    int same;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        require(dlg_meta_set(f->prog, names[i], rt_weights_meta(file, names[i])) == DLG_OK);
    int status = dlg_dataset_split_recorded(f->data, f->prog, &same);
    require_told(f->dev, status);
    if (status < 0) return;
    size_t held_out = dlg_dataset_rows(f->data, DLG_ROWS_HELD_OUT);
    require(held_out <= 4 && held_out + dlg_dataset_rows(f->data, DLG_ROWS_TRAINING) == 4);
    require(same || held_out == 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Fixture f; /* made once: what an input changes of it is its metadata */
    RtLoading *file;
    if (size < 1) return 0;
    if (!f.dev) open_fixture(&f);
    rt_meta_free(&f.prog->meta);
    uint8_t how = data[0];
    dlg_weights_options options = {.checkpoint = how & AS_CHECKPOINT,
                                   .partial = (how & PARTIAL) != 0,
                                   .left = told,
                                   .unsound = told};
    size_t len = size - 1;
    char *text = how & PUT_RIGHT ? put_right(f.prog, how, data + 1, size - 1, &len)
                                 : fuzz_copy(data + 1, size - 1, 0);
    int status = rt_weights_parse(&file, f.prog, "fuzz.safetensors", text, len, &options);
    require_told(f.dev, status);
    require(status < 0 ? !file : file != NULL);
    if (file) {
        rt_weights_tell(file, &options);
        (void)rt_weights_best(file);
        check_split(&f, file);
        if (how & AS_CHECKPOINT) check_run(&f, file, (how & WITH_BEST) != 0);
        rt_weights_close(file);
    }
    return 0;
}

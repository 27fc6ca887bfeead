/* cases: what is measured, and our side of it.
 *
 * The work of a case is what the mathematics needs, not what a program does: the multiply-adds of its products, forward
 * and backward, and the bytes that have to move. So a program that computes something twice does not look better. */
#include "bench.h"
#include "builders.h"
#include "compile.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRODUCT(layout, m, n, k)                                                                   \
    {                                                                                              \
        .name = "product/" #layout "_" #m "x" #n "x" #k, .model = "product_" #layout,              \
        .defines = "M=" #m " N=" #n " K=" #k, .entry = "run", .flops = 2.0 * m * n * k,            \
        .bytes = 4.0 * (1.0 * m * k + 1.0 * k * n + 1.0 * m * n)                                   \
    }

#define CHAIN(model_, n)                                                                           \
    {                                                                                              \
        .name = "chain/" #model_ "_" #n, .model = #model_, .defines = "n=" #n, .entry = "run",     \
        .bytes = 12.0 * n, .elems = n                                                              \
    }

#define ROWS(model_, r, c, moved, only_reads)                                                      \
    {                                                                                              \
        .name = "rows/" #model_ "_" #r "x" #c, .model = #model_,                                   \
        .defines = "rows=" #r " columns=" #c, .entry = "run", .bytes = (moved)*1.0 * r * c,        \
        .elems = 1.0 * r * c, .reads = only_reads                                                  \
    }

#define STEP(name_, model_, defines_, multiply_adds)                                               \
    {                                                                                              \
        .name = "step/" name_, .model = model_, .defines = defines_, .entry = "train",             \
        .flops = 2.0 * (multiply_adds)                                                             \
    }

/* Of a layer, a sample: the result, the weight's gradient and, but for a first layer, the input's. */
#define FIRST_LAYER(in, out) (2.0 * (in) * (out))
#define LAYER(in, out)       (3.0 * (in) * (out))
#define MNIST                (FIRST_LAYER(784, 300) + LAYER(300, 10))
/* A character: the rows that characters pick from wx of the first layer are no product. */
#define LSTM (LAYER(200, 800) + 2 * LAYER(200, 800) + LAYER(200, 65))
/* A character sees 64.5 others on average; scores and mixing are a product of the width each. */
#define GPT_BLOCK (LAYER(256, 12 * 256) + 3.0 * 2 * 64.5 * 256)
#define GPT       (4 * GPT_BLOCK + LAYER(256, 65))
#define LENET                                                                                      \
    (FIRST_LAYER(25, 20) * 24 * 24 + LAYER(25 * 20, 50) * 8 * 8 + LAYER(800, 500) + LAYER(500, 10))

#define SCALE(batch)                                                                               \
    {                                                                                              \
        .name = "scale/mnist_mlp_b" #batch, .model = "mnist_mlp", .defines = "batch=" #batch,      \
        .entry = "train", .flops = 2.0 * MNIST * batch, .without_peer = true                       \
    }

/* clang-format off */
const BenchCase bench_cases[] = {
    PRODUCT(nn, 512, 512, 512), PRODUCT(nn, 1024, 1024, 1024), PRODUCT(nn, 2048, 2048, 2048),
    PRODUCT(nt, 512, 512, 512), PRODUCT(nt, 1024, 1024, 1024), PRODUCT(nt, 2048, 2048, 2048),
    PRODUCT(tn, 512, 512, 512), PRODUCT(tn, 1024, 1024, 1024), PRODUCT(tn, 2048, 2048, 2048),
    PRODUCT(nn, 64, 300, 784),
    PRODUCT(tn, 784, 300, 64),
    PRODUCT(nt, 64, 784, 300),
    PRODUCT(nt, 32, 512, 2048),
    PRODUCT(nn, 32, 2048, 512),
    PRODUCT(tn, 512, 2048, 32),
    PRODUCT(nn, 255, 257, 259),
    PRODUCT(nn, 100, 100, 100),
    PRODUCT(nn, 64, 10, 300),
    PRODUCT(tn, 300, 10, 64),
    PRODUCT(nn, 1, 800, 200),

    CHAIN(chain, 65536), CHAIN(chain, 1048576), CHAIN(chain, 16777216),
    CHAIN(chain_math, 65536), CHAIN(chain_math, 1048576), CHAIN(chain_math, 16777216),

    ROWS(softmax, 100000, 10, 8, false), ROWS(softmax, 10000, 100, 8, false),
    ROWS(softmax, 1000, 1000, 8, false), ROWS(softmax, 100, 10000, 8, false),
    ROWS(softmax, 8192, 1024, 8, false),
    ROWS(layer_norm, 1000, 1000, 8, false),
    ROWS(norm_gelu, 8192, 1024, 8, false),
    ROWS(row_sums, 1000, 1000, 4, true),
    ROWS(column_sums, 1000, 1000, 4, true), ROWS(column_sums, 4096, 1024, 4, true),
    ROWS(column_sums, 10000, 10, 4, true),

    STEP("xor_mlp", "xor_mlp", "", 4 * (FIRST_LAYER(2, 8) + LAYER(8, 1))),
    STEP("mnist_mlp", "mnist_mlp", "", 64 * MNIST),
    STEP("mnist_adam", "mnist_adam", "", 64 * MNIST),
    STEP("wide_mlp", "wide_mlp", "",
         512 * (FIRST_LAYER(784, 2048) + LAYER(2048, 2048) + LAYER(2048, 10))),
    STEP("charlstm_b1", "charlstm", "batch=1", 25 * LSTM),
    STEP("charlstm_b32", "charlstm", "batch=32", 32 * 25 * LSTM),
    STEP("lenet", "lenet", "", 64 * LENET),
    STEP("gpt_small", "gpt_small", "", 8 * 128 * GPT),

    SCALE(64), SCALE(256), SCALE(1024), SCALE(4096),
};
/* clang-format on */
const size_t bench_case_count = sizeof(bench_cases) / sizeof(*bench_cases);

int case_defines(const BenchCase *which, Define out[MAX_DEFINES]) {
    int n = 0;
    for (const char *s = which->defines; *s && n < MAX_DEFINES; n++) {
        int used = 0;
        if (sscanf(s, "%15[^=]=%" SCNd64 "%n", out[n].name, &out[n].value, &used) != 2)
            fail("%s: malformed defines", which->name);
        s += used;
        while (*s == ' ') s++;
    }
    return n;
}

/* ---- Where the models are -------------------------------------------------------------------- */

static bool is_there(const char *directory) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/models/mnist_mlp.dlg", directory);
    return len > 0 && (size_t)len < sizeof(path) && access(path, R_OK) == 0;
}

const char *bench_directory(const char *given) {
    static char beside[PATH_MAX];
    if (given) return is_there(given) ? given : NULL;
    /* Of an installed tree, wherever it was moved to. */
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n > 0) {
        self[n] = 0;
        char *slash = strrchr(self, '/');
        if (slash) *slash = 0;
        const char *places[] = {"../share/dlg/bench", "."};
        for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
            int len = snprintf(beside, sizeof(beside), "%s/%s", self, places[i]);
            if (len > 0 && (size_t)len < sizeof(beside) && is_there(beside)) return beside;
        }
    }
    return is_there(BENCH_SOURCE_DIR) ? BENCH_SOURCE_DIR : NULL;
}

/* ---- Our side -------------------------------------------------------------------------------- */

/* The program text of a case for a target; the caller ends it by compile_free. */
static CompileResult compile_case(const BenchCase *which, const char *target,
                                  const char *directory) {
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/models/%s.dlg", directory, which->model);
    char words[256];
    const char *defines[MAX_DEFINES];
    size_t count = 0;
    snprintf(words, sizeof(words), "%s", which->defines);
    char *rest = words;
    for (char *word; (word = strtok_r(rest, " ", &rest)) && count < MAX_DEFINES;)
        defines[count++] = word;
    CompileOptions options = {.target = target,
                              .precision = getenv("DLG_BENCH_PRECISION"),
                              .pair = getenv("DLG_BENCH_PAIR") != NULL,
                              .defines = defines,
                              .define_count = count};
    return compile_file(path, &options);
}

static bool set_inputs(Ours *ours) {
    double classes = 0;
    for (size_t i = 0; i < dlg_tensor_count(ours->program); i++) {
        const dlg_tensor *t = dlg_tensor_at(ours->program, i);
        if (t->kind != DLG_INPUT) continue;
        void *values = need_memory(t->bytes);
        if (t->type == DLG_F32) {
            input_floats(t->name, values, t->elems);
        } else {
            if (classes == 0 && dlg_program_const(ours->program, "classes", &classes) < 0)
                fail("%s: an input of integers but no `classes`", ours->which->model);
            input_ints(t->name, values, t->elems, (int32_t)classes);
        }
        int status = dlg_set(ours->program, t->name, values, t->bytes);
        free(values);
        if (status < 0) return false;
    }
    return true;
}

static bool first_run(Ours *ours) {
    const dlg_entry *entry = dlg_entry_find(ours->program, ours->which->entry);
    if (!entry || entry->return_count == 0) fail("%s: no entry to run", ours->which->model);
    const dlg_tensor *result = entry->returns[0];
    float *values = need_memory(result->bytes);
    bool done = dlg_run(ours->program, entry->name) >= 0 &&
                dlg_get(ours->program, result->name, values, result->bytes) >= 0;
    ours->check = done ? result_check(values, result->elems) : 0;
    free(values);
    ours->trains = entry->trains;
    ours->launches = 0;
    for (size_t i = 0; i < entry->launch_count; i++) {
        size_t times = 1;
        for (size_t r = 0; r < entry->repeat_count; r++)
            if (entry->repeats[r].first <= i && i < entry->repeats[r].end)
                times *= (size_t)entry->repeats[r].trips;
        ours->launches += times;
    }
    ours->bytes = ours->which->bytes > 0    ? ours->which->bytes
                  : entry->bound_bytes >= 0 ? (double)entry->bound_bytes
                                            : 0;
    return done;
}

bool ours_open(Ours *ours, const BenchCase *which, dlg_device *device, const char *directory,
               char *why, size_t why_bytes) {
    *ours = (Ours){.which = which, .device = device};
    const dlg_device_info *info = dlg_device_get_info(device);
    CompileResult text = compile_case(which, dlg_device_target(info), directory);
    if (text.status != 0) {
        snprintf(why, why_bytes, "does not compile: %s", text.diagnostics);
        compile_free(&text);
        return false;
    }
    static const char *const command[] = {"dlg-bench", build_command, NULL};
    Builders builders = {.count = 0};
    double begin = seconds_now();
    int status =
        dlg_program_load_text(&ours->program, device, which->model, text.text, text.text_len, NULL);
    if (status == DLG_OK && builders_wanted(ours->program, seconds_now() - begin))
        builders_start(&builders, ours->program, which->entry, text.text, text.text_len,
                       getenv("DLG_BENCH_PAIR") != NULL, command);
    compile_free(&text);
    bool runs = status == DLG_OK && set_inputs(ours) && first_run(ours);
    builders_end(&builders);
    if (!runs) {
        snprintf(why, why_bytes, "%s", dlg_error_text(device));
        ours_close(ours);
        return false;
    }
    if (!isfinite(ours->check)) {
        snprintf(why, why_bytes, "the first run's result is not finite");
        ours_close(ours);
        return false;
    }
    return true;
}

void ours_close(Ours *ours) {
    dlg_program_close(ours->program);
    ours->program = NULL;
}

bool ours_round(Ours *ours, int runs, double *seconds, double *cpu_seconds) {
    if (ours->trains && dlg_init(ours->program, 0) < 0) return false;
    if (dlg_finish(ours->program) < 0) return false;
    double cpu = cpu_seconds_now(), start = seconds_now();
    for (int i = 0; i < runs; i++)
        if (dlg_run(ours->program, ours->which->entry) < 0) return false;
    if (dlg_finish(ours->program) < 0) return false;
    *seconds = (seconds_now() - start) / runs;
    *cpu_seconds = (cpu_seconds_now() - cpu) / runs;
    return true;
}

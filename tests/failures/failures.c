/* Every call of OpenCL, every allocation and every call on a file fails once, on every path to it: in a session that
 * opens a device, loads programs, reads data of every kind, trains with a checkpoint, evaluates, samples, profiles, and
 * reads and writes weights.
 *
 * What fails is told by a negative status and a text that names it; or it may fail, and then the result is the same.
 * Nothing is left of the device's objects, no file is damaged, and what is tried again works, in the same process. With
 * a build under sanitizers nothing leaks. */
#include <CL/cl.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include "compile.h"
#include "inject.h"
#include "ptx.h"
#include "rt.h"

enum { ROWS = 12, MOST_TOLD = 40 };

static const char model[] =
    "const batch = 4, T = 2\n"
    "input x : f32[batch, 3] from \"t.csv\" columns 0:3\n"
    "input y : i32[batch] from \"t.csv\" columns 3\n"
    "input a : f32[batch, 2]\n"
    "input b : f32[batch, 2]\n"
    "input u : u8[batch, 2, 2]\n"
    "input s : i32[batch, T + 1] from \"t.txt\" chars\n"
    "state seen = 0\n"
    "e = one_hot(s[:, 0:T]', 4)\n"
    "h = scan t in 0..T with h = zeros(batch, 5) { h = tanh(dense(e[t], 5) + h) }\n"
    "l1 = dense(h, 3)\n"
    "l2 = dense(x, 3)\n"
    "l3 = dense(a * b, 3)\n"
    "logits = dense(flatten(u) / 16, 3) + l1 + l2 + l3\n"
    "loss = mean(cross_entropy(logits, y))\n"
    "entry predict -> probs = softmax(logits)\n"
    "entry evaluate -> loss, acc = accuracy(logits, y)\n"
    "entry train -> loss { minimize loss by adam(lr = 0.01)\n"
    "seen <- seen + 1 }\n";

static const char talker[] = "input s : i32[1, 1]\n"
                             "state h = zeros(1, 3)\n"
                             "n = tanh(dense(one_hot(s[:, 0], 4), 3) + h)\n"
                             "out = dense(n, 4)\n"
                             "entry generate -> probs = softmax(out) { h <- n }\n";

/* A step is one work-item's launch, so that several share one. */
static const char line[] = "input p : f32[4, 3]\ninput q : f32[4, 1]\n"
                           "loss = mse(dense(p, 1), q)\n"
                           "entry train -> loss { minimize loss by adam(lr = 0.01) }\n";

typedef struct Text {
    char *at;
    size_t len;
} Text;

static Text compiled, talking, broken, lined, joint;
static dlg_device *dev;
static dlg_program *prog, *talk, *together;
static dlg_dataset *data, *line_data;
static uint64_t result; /* of what a stage made */
static float expected;  /* of one_by_one */
static bool left_something;
static int failures, depth = 2;

static void fail(const char *stage, const char *what, const char *text) {
    const char *at = inject_end();
    printf("FAIL: %s, where %s fails: %s%s%s\n", stage, at ? at : "nothing", what,
           *text ? ": " : "", text);
    if (at) inject_say();
    failures++;
}

static void add(const void *bytes, size_t len) {
    result = rt_hash(bytes, len, result);
}

static bool add_file(const char *path) {
    static char text[1 << 16];
    inject_rest(true);
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(text, 1, sizeof text, f) : 0;
    add(text, len);
    if (f) fclose(f);
    inject_rest(false);
    return f && len > 0 && len < sizeof text;
}

/* ---- What there is to read -------------------------------------------------------------------------- */

static void need(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "cannot begin: %s: %s\n", what, dev ? dlg_error_text(dev) : "");
    exit(1);
}

static void write_text(const char *path, const char *text, size_t len) {
    FILE *f = fopen(path, "wb");
    need(f && fwrite(text, 1, len, f) == len && fclose(f) == 0, path);
}

/* A stored array, as numpy.savez writes it. */
static void write_npz(const char *path, const char *npy, size_t len) {
    unsigned char head[35] = "PK\3\4\24", tail[51] = "PK\1\2\24\0\24", end[22] = "PK\5\6";
    uint32_t crc = (uint32_t)crc32(0, (const Bytef *)npy, (uInt)len), size = (uint32_t)len;
    uint32_t at = 35 + size, central = 51;
    for (int i = 0; i < 4; i++) {
        head[14 + i] = tail[16 + i] = (unsigned char)(crc >> 8 * i);
        head[18 + i] = head[22 + i] = tail[20 + i] = tail[24 + i] = (unsigned char)(size >> 8 * i);
        end[12 + i] = (unsigned char)(central >> 8 * i);
        end[16 + i] = (unsigned char)(at >> 8 * i);
    }
    head[26] = tail[28] = 5;
    memcpy(head + 30, "b.npy", 5);
    memcpy(tail + 46, "b.npy", 5);
    end[8] = end[10] = 1;
    FILE *f = fopen(path, "wb");
    need(f && fwrite(head, 1, 35, f) == 35 && fwrite(npy, 1, len, f) == len &&
             fwrite(tail, 1, 51, f) == 51 && fwrite(end, 1, 22, f) == 22 && fclose(f) == 0,
         path);
}

static void write_data(void) {
    static const char *const class[] = {"cat", "dog", "owl"};
    char table[ROWS * 64], text[2 * ROWS + 1];
    size_t n = (size_t)snprintf(table, sizeof table, "p,q,r,class\n");
    float values[ROWS][2];
    unsigned char idx[16 + 4 * ROWS] = {0, 0, 8, 3, 0, 0, 0, ROWS, 0, 0, 0, 2, 0, 0, 0, 2};
    for (int i = 0; i < ROWS; i++) {
        n += (size_t)snprintf(table + n, sizeof table - n, "%d,%d.5,-%d,%s\n", i, i % 5, i % 3,
                              class[i % 3]);
        values[i][0] = (float)(i % 4);
        values[i][1] = 0.25f * (float)i;
        memset(idx + 16 + 4 * i, i, 4);
    }
    for (size_t i = 0; i < sizeof text; i++) text[i] = "abc\n"[(i * i + i / 3) % 4];
    write_text("t.csv", table, n);
    write_text("t.txt", text, sizeof text);
    write_text("u-idx3-ubyte", (char *)idx, sizeof idx);
    gzFile gz = gzopen("t.csv.gz", "wb");
    need(gz && gzwrite(gz, table, (unsigned)n) == (int)n && gzclose(gz) == Z_OK, "t.csv.gz");
    const int64_t shape[] = {ROWS, 2};
    need(dlg_array_write(dev, "a.npy", DLG_F32, 2, shape, values) >= 0, "a.npy");
    char *npy;
    size_t len;
    need(rt_file_read(dev, "a.npy", 1 << 20, &npy, &len) >= 0, "a.npy");
    write_npz("b.npz", npy, len);
    free(npy);
}

static Text compile(const char *text, const char *target, int opt_level) {
    CompileResult r = compile_text("m.dlg", text, strlen(text),
                                   &(CompileOptions){.target = target, .opt_level = opt_level});
    if (r.status) fputs(r.diagnostics, stderr);
    need(r.status == 0, "the model does not compile");
    Text t = {malloc(r.text_len + 1), r.text_len};
    need(t.at != NULL, "memory");
    memcpy(t.at, r.text, r.text_len + 1);
    compile_free(&r);
    return t;
}

static int load(dlg_program **out, Text t) {
    return dlg_program_load_text(out, dev, "m.cl", t.at, t.len, &(dlg_program_options){.seed = 7});
}

/* ---- The stages ------------------------------------------------------------------------------------- */

static int devices(void) {
    dlg_device_info *list;
    size_t count;
    dlg_device *other = NULL;
    int status = dlg_device_list(&list, &count);
    /* There is no device to ask for a message. */
    if (status < 0)
        return rt_fail(dev, status, "%s%s", status == DLG_ERR_OPENCL ? "CL_OUT_OF_RESOURCES: " : "",
                       dlg_status_text(status));
    add(list, count * sizeof *list);
    dlg_device_list_free(list);
    status = dlg_device_open(&other, NULL);
    /* Its message is asked of the device that is there at the end of a stage. */
    if (status < 0) rt_fail(dev, status, "%s", dlg_error_text(other));
    if (status >= 0) add(dlg_device_get_info(other), sizeof(dlg_device_info));
    dlg_device_close(other);
    return status;
}

static int loads(void) {
    dlg_program *other;
    int status = load(&other, compiled);
    dlg_program_close(other);
    return status;
}

/* Lines of PTX are put into what a driver made of a text. */
static int puts_ptx(void) {
    static const char text[] = "__kernel void k(__global int *x) { *x = 1; }\n";
    cl_program built;
    cl_has_ptx(true);
    dev->capability = PTX_CAPABILITY;
    int status = rt_build(dev, "p.cl", 1, text, sizeof text - 1, true, &built);
    dev->capability = 0;
    cl_has_ptx(false);
    if (status == DLG_OK) clReleaseProgram(built);
    return status;
}

/* The kernels do not compile, which is told whatever else fails. */
static int does_not_build(void) {
    dlg_program *other;
    int status = load(&other, broken);
    add(&status, sizeof status);
    return status == DLG_ERR_BUILD ? DLG_OK : status;
}

static int runs(void) {
    static const float x[12] = {1, 2, 3}, a[8] = {1};
    static const int32_t y[4] = {1}, s[12] = {1, 2, 3};
    static const uint8_t u[16] = {1, 2};
    float probs[12], loss;
    int status = dlg_init(prog, 3);
    if (status < 0 || (status = dlg_set(prog, "x", x, sizeof x)) < 0 ||
        (status = dlg_set(prog, "y", y, sizeof y)) < 0 ||
        (status = dlg_set(prog, "a", a, sizeof a)) < 0 ||
        (status = dlg_set(prog, "b", a, sizeof a)) < 0 ||
        (status = dlg_set(prog, "u", u, sizeof u)) < 0 ||
        (status = dlg_set(prog, "s", s, sizeof s)) < 0)
        return status;
    for (int i = 0; i < 3; i++)
        if ((status = dlg_run(prog, "train")) < 0) return status;
    if ((status = dlg_run(prog, "predict")) < 0 || (status = dlg_finish(prog)) < 0 ||
        (status = dlg_get(prog, "probs", probs, sizeof probs)) < 0 ||
        (status = dlg_get(prog, "loss", &loss, sizeof loss)) < 0)
        return status;
    add(probs, sizeof probs);
    add(&loss, sizeof loss);
    return DLG_OK;
}

/* A program whose launches one launch does, as on a device whose groups can wait for each other. */
static int runs_as_one(void) {
    static const float p[12] = {1, 2, 3}, q[4] = {1};
    float loss;
    dlg_program *other;
    dev->meets = true;
    int status = load(&other, joint);
    dev->meets = false;
    if (status < 0) return status;
    need(other->joint != NULL, "launches together");
    if ((status = dlg_set(other, "p", p, sizeof p)) >= 0 &&
        (status = dlg_set(other, "q", q, sizeof q)) >= 0)
        for (int i = 0; i < 3 && status >= 0; i++) status = dlg_run(other, "train");
    if (status >= 0) status = dlg_get(other, "loss", &loss, sizeof loss);
    if (status >= 0) add(&loss, sizeof loss);
    dlg_program_close(other);
    return status;
}

/* So many that the host waits for the device, which is too far behind. */
static int many_runs(void) {
    int status = runs();
    for (int i = 0; i < 120 && status >= 0; i++) status = dlg_run(prog, "train");
    return status < 0 ? status : dlg_finish(prog);
}

static int open_data(dlg_dataset **out, const char *table, uint64_t memory_bytes) {
    const dlg_data from[] = {
        {.name = "x", .source = table},          {.name = "y", .source = "t.csv:class"},
        {.name = "a", .source = "a.npy"},        {.name = "b", .source = "b.npz:b"},
        {.name = "u", .source = "u-idx3-ubyte"}, {.name = "s", .source = "t.txt:chars"}};
    int status = dlg_dataset_open(
        out, prog,
        &(dlg_dataset_options){.data = from, .data_count = 6, .memory_bytes = memory_bytes});
    return status < 0 ? status : dlg_dataset_split(*out, 0.35, 1);
}

static int reads_data(void) {
    dlg_dataset *other;
    int status = open_data(&other, "t.csv.gz:0:3", 0);
    for (size_t i = 0; status >= 0 && i < dlg_tensor_count(prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(prog, i);
        const void *values = t->kind == DLG_INPUT ? dlg_dataset_values(other, t) : NULL;
        if (values && strcmp(t->name, t->user_name) == 0) add(values, (size_t)t->bytes / 4 * ROWS);
    }
    dlg_dataset_close(other);
    return status;
}

/* So little memory that samples stay in files. */
static int reads_from_files(void) {
    dlg_dataset *other;
    dlg_metrics metrics = {0};
    int status = dlg_init(prog, 3);
    if (status >= 0) status = open_data(&other, "t.csv.gz:0:3", 8);
    if (status < 0) return status;
    status = dlg_train(prog, other, &(dlg_train_options){.epochs = 2, .seed = 5});
    if (status >= 0) status = dlg_evaluate(prog, other, "evaluate", DLG_ROWS_ALL, &metrics);
    if (status >= 0) add(metrics.values, metrics.count * sizeof *metrics.values);
    dlg_metrics_free(&metrics);
    dlg_dataset_close(other);
    return status;
}

static int tensor_files(void) {
    int status = dlg_set_file(talk, "s", "s.npy");
    if (status >= 0) status = dlg_get_file(talk, "h", "h.npy");
    if (status >= 0 && !add_file("h.npy")) return DLG_ERR_FILE;
    return status;
}

static int keep_on(const dlg_progress *progress, void *user) {
    int *checkpoint = user;
    if (progress->event == DLG_EVENT_CHECKPOINT && progress->checkpoint < 0)
        *checkpoint = progress->checkpoint;
    return 0;
}

static int trains_for(uint64_t steps, bool resume) {
    return dlg_train(prog, data,
                     &(dlg_train_options){.epochs = 3,
                                          .steps = steps,
                                          .seed = 5,
                                          .patience = 5,
                                          .checkpoint = "run.checkpoint",
                                          .checkpoint_steps = 2,
                                          .resume = resume});
}

static int trains(void) {
    dlg_metrics metrics;
    int status = dlg_init(prog, 3);
    if (status < 0 || (status = trains_for(3, false)) < 0 || (status = dlg_init(prog, 4)) < 0 ||
        (status = trains_for(0, true)) < 0 ||
        (status = dlg_evaluate(prog, data, "evaluate", DLG_ROWS_ALL, &metrics)) < 0)
        return status;
    add(metrics.values, metrics.count * sizeof *metrics.values);
    dlg_metrics_free(&metrics);
    return add_file("run.checkpoint") ? DLG_OK : DLG_ERR_FILE;
}

/* With a callback a checkpoint that cannot be written does not end the run. */
static int is_told(void) {
    int checkpoint = DLG_OK;
    int status = dlg_init(prog, 3);
    if (status >= 0)
        status = dlg_train(prog, data,
                           &(dlg_train_options){.epochs = 1,
                                                .seed = 5,
                                                .device_bytes = 1, /* rows are selected here */
                                                .checkpoint = "told.checkpoint",
                                                .progress = keep_on,
                                                .user = &checkpoint});
    return status < 0 ? status : checkpoint;
}

/* By dlg_run, each on one batch. */
static int one_by_one(float *loss) {
    static const float p[12] = {1, 2, 3}, q[4] = {1};
    int status = dlg_init(together, 3);
    if (status >= 0) status = dlg_set(together, "p", p, sizeof p);
    if (status >= 0) status = dlg_set(together, "q", q, sizeof q);
    for (int i = 0; i < 3 && status >= 0; i++) status = dlg_run(together, "train");
    return status < 0 ? status : dlg_get(together, "loss", loss, sizeof *loss);
}

/* What failed while a launch did several runs leaves nothing behind: the next one does one run. */
static int trains_together(void) {
    float loss = 0, after = 0;
    int status = dlg_init(together, 3);
    if (status >= 0)
        status = dlg_train(together, line_data, &(dlg_train_options){.epochs = 6, .seed = 5});
    if (status >= 0) status = dlg_get(together, "loss", &loss, sizeof loss);
    if (status >= 0) add(&loss, sizeof loss);
    char said[400];
    inject_rest(true);
    snprintf(said, sizeof said, "%s", dlg_error_text(dev));
    if (one_by_one(&after) < 0 || after != expected || dlg_step(together) != 3)
        left_something = true;
    if (status < 0) rt_fail(dev, status, "%s", said);
    inject_rest(false);
    return status;
}

static void ignore(void *context, const char *text) {
    (void)context;
    add(text, strlen(text));
}

static int weights(void) {
    static const dlg_weights_options all = {.checkpoint = 1},
                                     some = {.partial = 1, .left = ignore, .unsound = ignore};
    int status = dlg_init(prog, 3);
    if (status < 0 || (status = dlg_meta_set(prog, "note", "kept")) < 0 ||
        (status = dlg_weights_save(prog, "w.safetensors", NULL)) < 0 ||
        (status = dlg_weights_save(prog, "link.safetensors", &all)) < 0 ||
        (status = dlg_weights_load(prog, "link.safetensors", &all)) < 0 ||
        (status = dlg_weights_load(prog, "w.safetensors", &some)) < 0)
        return status;
    return add_file("w.safetensors") && add_file("link.safetensors") ? DLG_OK : DLG_ERR_FILE;
}

static int looks_for_nan(void) {
    int status = dlg_check_nan(prog, 1);
    if (status >= 0) status = dlg_run(prog, "train");
    int off = dlg_check_nan(prog, 0);
    return status < 0 ? status : off;
}

/* Times differ; what stands beside them does not. */
static int profiles(void) {
    const dlg_profile_row *rows;
    size_t count;
    int status = dlg_profile_begin(dev, "trace.json");
    if (status < 0) return status;
    status = dlg_run(prog, "predict");
    int end = dlg_profile_end(dev, &rows, &count);
    if (status < 0 || end < 0) return status < 0 ? status : end;
    uint64_t sum = 0; /* their order is that of their times */
    for (size_t i = 0; i < count; i++)
        sum += rt_hash(rows[i].lines, strlen(rows[i].lines), rows[i].launches);
    add(&sum, sizeof sum);
    inject_rest(true);
    json_t *trace = json_load_file("trace.json", 0, NULL), *event;
    size_t i;
    json_array_foreach(json_object_get(trace, "traceEvents"), i, event) {
        json_object_del(event, "ts");
        json_object_del(event, "dur");
        json_t *args = json_object_get(event, "args");
        json_object_del(args, "gigaoperations_per_second");
        json_object_del(args, "gigabytes_per_second");
    }
    char *text = json_dumps(trace, JSON_SORT_KEYS);
    if (text) add(text, strlen(text));
    free(text);
    json_decref(trace);
    inject_rest(false);
    return DLG_OK;
}

static int hear(const char *text, size_t bytes, void *user) {
    (void)user;
    add(text, bytes);
    return 0;
}

static int samples(void) {
    int status = dlg_init(talk, 9);
    if (status >= 0) status = dlg_meta_set(talk, "vocabulary.s", "\nabc");
    if (status < 0) return status;
    return dlg_sample(talk, &(dlg_sample_options){.prompt = "ab",
                                                  .prompt_bytes = 2,
                                                  .length = 5,
                                                  .temperature = 1,
                                                  .top_k = 3,
                                                  .seed = 1,
                                                  .text = hear});
}

static int compiles(void) {
    CompileResult r = compile_text("m.dlg", model, sizeof model - 1, NULL);
    if (r.status == 0) add(r.text, r.text_len);
    /* As the stages of the runtime say it. */
    int status = r.status == 0 ? DLG_OK : r.status == 3 ? DLG_ERR_MEMORY : DLG_ERR_USAGE;
    inject_rest(true);
    rt_fail(dev, status, "%s", *r.diagnostics ? r.diagnostics : "out of memory");
    inject_rest(false);
    compile_free(&r);
    return status;
}

static const struct {
    const char *name;
    int (*run)(void);
    bool writes; /* weights or checkpoints */
} stages[] = {{"the devices", devices, false},
              {"a program", loads, false},
              {"a program that does not build", does_not_build, false},
              {"lines of PTX", puts_ptx, false},
              {"runs", runs, false},
              {"many runs", many_runs, false},
              {"launches as one", runs_as_one, false},
              {"data", reads_data, false},
              {"data that stays in files", reads_from_files, false},
              {"files of tensors", tensor_files, false},
              {"training", trains, true},
              {"training that is watched", is_told, true},
              {"training by several runs a launch", trains_together, false},
              {"weights", weights, true},
              {"looking for NaN", looks_for_nan, false},
              {"a profile", profiles, false},
              {"sampling", samples, false},
              {"the compiler", compiles, false}};

/* ---- What must hold ---------------------------------------------------------------------------------- */

/* Calls that may fail: what they would have said is not needed, or there is another way. To wait for the device before
 * something is closed is such a one; where nothing is closed it is not. */
static bool may_fail(const char *function, int (*stage)(void)) {
    static const char *const names[] = {"clRelease", "clFlush", "open", "clFinish"};
    /* What may be written is then looked at as if it were. */
    if (stage == looks_for_nan && strcmp(function, "clGetKernelArgInfo") == 0) return true;
    if (stage == does_not_build) return true; /* that is said in any case */
    if ((stage == runs || stage == many_runs) && strcmp(function, "clFinish") == 0) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(function, names[i], strlen(names[i])) == 0) return true;
    return false;
}

static void check_told(const char *stage, int status) {
    const char *text = dlg_error_text(dev);
    switch (inject_kind()) {
    case FAIL_MEMORY:
        if (status != DLG_ERR_MEMORY || !strstr(text, "memory"))
            fail(stage, "no word of memory", text);
        break;
    case FAIL_CL:
        if (!strstr(text, "CL_OUT_OF_RESOURCES")) fail(stage, "no word of it", text);
        break;
    case FAIL_FILE:
        if (!strstr(text, "No space left") && !strstr(text, "Input/output error") &&
            !strstr(text, "Too many open files") && !strstr(text, "not permitted") &&
            !strstr(text, "Cannot allocate memory"))
            fail(stage, "no word of it", text);
        break;
    }
}

static void check_files(const char *stage) {
    static const char *const whole[] = {"w.safetensors", "link.safetensors", "run.checkpoint"};
    inject_end();
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (access(whole[i], F_OK) != 0) continue;
        int status = dlg_weights_load(prog, whole[i], NULL);
        if (status < 0) fail(stage, "a damaged file", dlg_error_text(dev));
    }
    DIR *here = opendir(".");
    for (struct dirent *entry; here && (entry = readdir(here));)
        if (strstr(entry->d_name, ".tmp")) {
            fail(stage, "a temporary file is left", entry->d_name);
            unlink(entry->d_name);
        }
    if (here) closedir(here);
}

/* Until nothing fails any more. Returns how often something did. */
static size_t go_through(size_t stage, unsigned kinds, bool lasting) {
    const char *name = stages[stage].name;
    size_t count = 0, benign = 0;
    /* A launch of the program and one of the runtime's own kernels are two paths. */
    inject_depth(stages[stage].run == trains_together && depth < 4 ? 4 : depth);
    result = 0;
    int status = stages[stage].run();
    if (dlg_finish(prog) < 0) fail(name, "the device is lost", dlg_error_text(dev));
    long live = cl_live();
    uint64_t whole = result;
    if (status < 0) fail(name, "it fails by itself", dlg_error_text(dev));
    while (failures < MOST_TOLD) {
        result = 0;
        inject_begin(kinds, lasting);
        status = stages[stage].run();
        const char *function = inject_end();
        if (dlg_finish(prog) < 0) fail(name, "the device is lost", dlg_error_text(dev));
        if (cl_live() != live) {
            fail(name, "objects of OpenCL are left", "");
            live = cl_live();
        }
        if (status >= 0 && result != whole) fail(name, "another result", "");
        if (left_something) fail(name, "what is run after it gives another result", "");
        left_something = false;
        if (!function) {
            if (status < 0) fail(name, "it fails by itself", dlg_error_text(dev));
            break;
        }
        count++;
        if (status < 0)
            check_told(name, status);
        else if (!may_fail(function, stages[stage].run))
            fail(name, "it is passed over", "");
        else
            benign++;
        if (stages[stage].writes) check_files(name);
    }
    printf("%-32s %4zu failures%s, %zu of them of no matter\n", name, count,
           lasting ? " that last" : "", benign);
    return count;
}

/* failures FOLDER [STAGE]: in that folder; all stages, or one. */
int main(int argc, char **argv) {
    size_t count, total = 0;
    json_set_alloc_funcs(malloc, free);
    const char *deep = getenv("DLG_FAILURE_DEPTH");
    if (deep) depth = atoi(deep);
    setvbuf(stdout, NULL, _IOLBF, 0);
    need(argc < 2 || chdir(argv[1]) == 0, "the folder");
    need(dlg_device_open(&dev, getenv("DLG_DEVICE")) >= 0, "no device");
    const bool on_processor = strcmp(dlg_device_get_info(dev)->type, "cpu") == 0;
    write_data();
    /* Nothing is fused, so that there are a loop of launches, an arena and its parts. */
    compiled = compile(model, "cpu", 1);
    talking = compile(talker, "cpu", 1);
    broken = compile(talker, "cpu", 1);
    lined = compile(line, "cpu", 0);
    joint = compile(line, "gpu", 0);
    *strchr(strstr(broken.at, "__kernel"), ';') = '?';
    need(load(&prog, compiled) >= 0 && load(&talk, talking) >= 0, "the programs");
    need(open_data(&data, "t.csv:0:3", 0) >= 0, "the data");
    static const float samples_p[20][3] = {{1, 2, 3}, {0, 1}, {2}}, samples_q[20] = {1, 0, 2};
    const dlg_data pairs[] = {{.name = "p", .values = samples_p, .rows = 20},
                              {.name = "q", .values = samples_q, .rows = 20}};
    need(load(&together, lined) >= 0 &&
             dlg_dataset_open(&line_data, together,
                              &(dlg_dataset_options){.data = pairs, .data_count = 2}) >= 0 &&
             one_by_one(&expected) >= 0,
         "the line");
    need(runs() >= 0, "the inputs"); /* which some stages take as they are */
    static const int32_t token = 2;
    need(dlg_array_write(dev, "s.npy", DLG_I32, 2, (const int64_t[]){1, 1}, &token) >= 0, "s.npy");
    need(dlg_weights_save(prog, "there.safetensors", NULL) >= 0, "weights");
    need(symlink("there.safetensors", "link.safetensors") == 0, "a link");
    for (int lasting = 0; lasting < 2; lasting++) {
        inject_forget();
        for (size_t i = 0; i < sizeof stages / sizeof *stages && failures < MOST_TOLD; i++)
            if (argc < 3 || strcmp(argv[2], stages[i].name) == 0)
                total += go_through(i, FAIL_CL | FAIL_MEMORY | FAIL_FILE, lasting != 0);
    }
    dlg_dataset_close(data);
    dlg_dataset_close(line_data);
    dlg_program_close(prog);
    dlg_program_close(together);
    dlg_program_close(talk);
    dlg_device_close(dev);
    free(compiled.at);
    free(talking.at);
    free(broken.at);
    free(lined.at);
    free(joint.at);
    static const char for_pages[] =
        "clSetMemObjectDestructorCallback"; /* of a processor's buffers */
    if (cl_live() != 0) fail("the end", "objects of OpenCL are left", "");
    for (const char *const *function = cl_functions(); *function; function++) {
        size_t i = 0, times = 0;
        for (const char *name; (name = inject_count(i, &count)) && !times; i++)
            if (strcmp(name, *function) == 0) times = count;
        if (times == 0 && argc < 3 && (on_processor || strcmp(*function, for_pages)))
            fail("the end", "never failed", *function);
    }
    for (size_t i = 0; inject_count(i, &count); i++) {
        const char *name = inject_count(i, &count);
        printf("%s%s %zu", i ? ", " : "", name, count);
    }
    printf("\n%zu failures in all; %d are wrong\n", total, failures);
    return failures != 0;
}

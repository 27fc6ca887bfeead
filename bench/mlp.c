/* mlp: the training step of 784-300-10 at batch 64 that dlgc emits (the program given as the argument)
 * against the one written by hand in mlp_hand.cl: the same values from the same start, then the time a
 * step, in alternating rounds of one run. Prints the medians and their ratio.
 *
 * Exit status 1 when the two do not compute the same. */
#include "dlg.h"

#include <CL/cl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 64, INPUTS = 784, HIDDEN = 300, PITCH = 304, CLASSES = 10 };
enum { CHECK_STEPS = 3, ROUNDS = 41, STEPS = 50 };

static void fail(const char *what) {
    fprintf(stderr, "bench_mlp: %s\n", what);
    exit(1);
}

static void cl_check(cl_int status, const char *what) {
    if (status == CL_SUCCESS) return;
    fprintf(stderr, "bench_mlp: %s: OpenCL error %d\n", what, (int)status);
    exit(1);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof(*v), by_value);
    return v[n / 2];
}

static float *floats(size_t count) {
    float *p = aligned_alloc(4096, (count * sizeof(float) + 4095) / 4096 * 4096);
    if (!p) fail("out of memory");
    memset(p, 0, count * sizeof(float));
    return p;
}

/* ---- The step by hand ------------------------------------------------------------------------ */

typedef struct Hand {
    cl_context context;
    cl_command_queue queue;
    cl_kernel stage[4];
    float *x, *w, *b, *w2, *b2, *h, *dlogits, *dh, *loss; /* padded as mlp_hand.cl says */
    int *y;
} Hand;

static char *read_text(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) fail("mlp_hand.cl cannot be opened");
    char *text = calloc(1, 1 << 16);
    if (!text || fread(text, 1, (1 << 16) - 1, f) == 0) fail("mlp_hand.cl cannot be read");
    fclose(f);
    return text;
}

/* The device that the library opened, by its names. */
static cl_device_id same_device(const dlg_device_info *info) {
    cl_platform_id platforms[16];
    cl_uint platform_count = 0;
    clGetPlatformIDs(16, platforms, &platform_count);
    for (cl_uint p = 0; p < platform_count && p < 16; p++) {
        cl_device_id devices[16];
        cl_uint count = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 16, devices, &count)) continue;
        for (cl_uint d = 0; d < count && d < 16; d++) {
            char name[256] = "", platform[256] = "";
            clGetPlatformInfo(platforms[p], CL_PLATFORM_NAME, sizeof(platform), platform, NULL);
            clGetDeviceInfo(devices[d], CL_DEVICE_NAME, sizeof(name), name, NULL);
            if (!strncmp(name, info->name, sizeof(info->name) - 1) &&
                !strncmp(platform, info->platform, sizeof(info->platform) - 1))
                return devices[d];
        }
    }
    fail("the library's device is not among the platforms'");
    return NULL;
}

/* The kernel `name` with the host memory `args` (of these counts of floats) as its buffers. */
static cl_kernel stage(Hand *hand, cl_program program, const char *name, void *const *args,
                       const size_t *counts, cl_uint n) {
    cl_int status;
    cl_kernel kernel = clCreateKernel(program, name, &status);
    cl_check(status, name);
    for (cl_uint i = 0; i < n; i++) {
        cl_mem buffer = clCreateBuffer(hand->context, CL_MEM_USE_HOST_PTR,
                                       counts[i] * sizeof(float), args[i], &status);
        cl_check(status, "clCreateBuffer");
        cl_check(clSetKernelArg(kernel, i, sizeof(buffer), &buffer), "clSetKernelArg");
    }
    return kernel;
}

static void hand_open(Hand *hand, cl_device_id device) {
    enum { X = BATCH * INPUTS, W = INPUTS * PITCH, H = BATCH * PITCH, W2 = CLASSES * PITCH };
    cl_int status;
    hand->context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    cl_check(status, "clCreateContext");
    hand->queue = clCreateCommandQueue(hand->context, device, 0, &status);
    cl_check(status, "clCreateCommandQueue");
    char *text = read_text(BENCH_DIR "/mlp_hand.cl");
    cl_program program =
        clCreateProgramWithSource(hand->context, 1, (const char **)(void *)&text, NULL, &status);
    cl_check(status, "clCreateProgramWithSource");
    status = clBuildProgram(program, 1, &device, "", NULL, NULL);
    if (status != CL_SUCCESS) {
        static char log[1 << 16];
        clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, sizeof(log) - 1, log, NULL);
        fputs(log, stderr);
    }
    cl_check(status, "mlp_hand.cl");
    free(text);

    hand->x = floats(X), hand->w = floats(W), hand->b = floats(PITCH), hand->h = floats(H);
    hand->w2 = floats(W2), hand->b2 = floats(16), hand->dlogits = floats(BATCH * 16);
    hand->dh = floats(H), hand->loss = floats(BATCH), hand->y = (int *)(void *)floats(BATCH);
    hand->stage[0] = stage(hand, program, "hidden", (void *[]){hand->x, hand->w, hand->b, hand->h},
                           (size_t[]){X, W, PITCH, H}, 4);
    hand->stage[1] =
        stage(hand, program, "output",
              (void *[]){hand->h, hand->w2, hand->b2, hand->y, hand->dlogits, hand->loss},
              (size_t[]){H, W2, 16, BATCH, BATCH * 16, BATCH}, 6);
    hand->stage[2] =
        stage(hand, program, "backward",
              (void *[]){hand->h, hand->dlogits, hand->w2, hand->b2, hand->b, hand->dh},
              (size_t[]){H, BATCH * 16, W2, 16, PITCH, H}, 6);
    hand->stage[3] = stage(hand, program, "update", (void *[]){hand->x, hand->dh, hand->w},
                           (size_t[]){X, H, W}, 3);
}

static void hand_steps(Hand *hand, int steps) {
    const size_t global = 2, local = 1;
    for (int i = 0; i < steps * 4; i++) {
        cl_check(clEnqueueNDRangeKernel(hand->queue, hand->stage[i % 4], 1, NULL, &global, &local,
                                        0, NULL, NULL),
                 "clEnqueueNDRangeKernel");
    }
    cl_check(clFinish(hand->queue), "clFinish");
}

/* ---- The emitted step ------------------------------------------------------------------------ */

static void check(dlg_device *dev, int status) {
    if (status < 0) fail(dlg_error_text(dev));
}

static void emitted_steps(dlg_device *dev, dlg_program *prog, int steps) {
    for (int i = 0; i < steps; i++) check(dev, dlg_run(prog, "train"));
    check(dev, dlg_finish(prog));
}

/* The emitted program's weights, in the layout of the step by hand. */
typedef struct Weights {
    float w[INPUTS * HIDDEN], b[HIDDEN], w2[HIDDEN * CLASSES], b2[CLASSES];
} Weights;

static void get_weights(dlg_device *dev, dlg_program *prog, Weights *to) {
    check(dev, dlg_get(prog, "h.w", to->w, sizeof(to->w)));
    check(dev, dlg_get(prog, "h.b", to->b, sizeof(to->b)));
    check(dev, dlg_get(prog, "logits.w", to->w2, sizeof(to->w2)));
    check(dev, dlg_get(prog, "logits.b", to->b2, sizeof(to->b2)));
}

static void start_from(Hand *hand, const Weights *from) {
    for (int i = 0; i < INPUTS; i++)
        memcpy(hand->w + i * PITCH, from->w + i * HIDDEN, HIDDEN * sizeof(float));
    for (int j = 0; j < HIDDEN * CLASSES; j++)
        hand->w2[j % CLASSES * PITCH + j / CLASSES] = from->w2[j];
    memcpy(hand->b, from->b, sizeof(from->b));
    memcpy(hand->b2, from->b2, sizeof(from->b2));
}

/* The greatest difference between the two sets of weights. */
static double distance(const Hand *hand, const Weights *from) {
    double worst = 0;
    for (int i = 0; i < INPUTS * HIDDEN; i++)
        worst = fmax(worst, fabs(hand->w[i / HIDDEN * PITCH + i % HIDDEN] - from->w[i]));
    for (int j = 0; j < HIDDEN * CLASSES; j++)
        worst = fmax(worst, fabs(hand->w2[j % CLASSES * PITCH + j / CLASSES] - from->w2[j]));
    for (int j = 0; j < HIDDEN; j++) worst = fmax(worst, fabs(hand->b[j] - from->b[j]));
    for (int c = 0; c < CLASSES; c++) worst = fmax(worst, fabs(hand->b2[c] - from->b2[c]));
    return worst;
}

int main(int argc, char **argv) {
    static Weights weights;
    static Hand hand;
    dlg_device *dev;
    dlg_program *prog;
    if (argc != 2) fail("usage: bench_mlp PROGRAM.cl");
    check(NULL, dlg_device_open(&dev, getenv("DLG_DEVICE")));
    check(dev, dlg_program_load_file(&prog, dev, argv[1], NULL));
    hand_open(&hand, same_device(dlg_device_get_info(dev)));

    srand(1);
    for (int i = 0; i < BATCH * INPUTS; i++) hand.x[i] = (float)rand() / (float)RAND_MAX;
    for (int i = 0; i < BATCH; i++) hand.y[i] = rand() % CLASSES;
    check(dev, dlg_set(prog, "x", hand.x, BATCH * INPUTS * sizeof(float)));
    check(dev, dlg_set(prog, "y", hand.y, BATCH * sizeof(int)));
    get_weights(dev, prog, &weights);
    start_from(&hand, &weights);

    emitted_steps(dev, prog, CHECK_STEPS);
    hand_steps(&hand, CHECK_STEPS);
    get_weights(dev, prog, &weights);
    float loss = 0, hand_loss = 0;
    check(dev, dlg_get(prog, "loss", &loss, sizeof(loss)));
    for (int i = 0; i < BATCH; i++) hand_loss += hand.loss[i] / BATCH;
    double apart = distance(&hand, &weights);
    printf("after %d steps: loss %.6f, by hand %.6f; weights differ by at most %.1e\n", CHECK_STEPS,
           loss, hand_loss, apart);
    if (!(apart < 1e-4) || !(fabsf(loss - hand_loss) < 1e-4f)) fail("the results differ");

    double ours[ROUNDS], theirs[ROUNDS];
    emitted_steps(dev, prog, STEPS);
    hand_steps(&hand, STEPS);
    for (int r = 0; r < ROUNDS; r++) {
        double t0 = seconds();
        emitted_steps(dev, prog, STEPS);
        double t1 = seconds();
        hand_steps(&hand, STEPS);
        ours[r] = (t1 - t0) / STEPS * 1e6;
        theirs[r] = (seconds() - t1) / STEPS * 1e6;
    }
    double emitted = median(ours, ROUNDS), by_hand = median(theirs, ROUNDS);
    printf("device: %s\n", dlg_device_get_info(dev)->name);
    printf("emitted: %.1f us a step in %zu launches\nby hand: %.1f us a step in 4 launches\n",
           emitted, dlg_entry_find(prog, "train")->launch_count, by_hand);
    printf("ratio: %.2f\n", emitted / by_hand);
    dlg_program_close(prog);
    dlg_device_close(dev);
    return 0;
}

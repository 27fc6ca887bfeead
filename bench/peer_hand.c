/* peer_hand: the step of mnist_mlp.dlg written by hand (hand.cl), which shows what can be had from this machine. It
 * starts from the weights that the compiled program starts from, and is refused when it computes something else. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, INPUTS = 784, HIDDEN = 300, PITCH = 304, CLASSES = 10, STAGES = 4 };
enum { CHECK_STEPS = 3 };

typedef struct Hand {
    dlg_device *device;
    const char *directory;
    cl_context context;
    cl_command_queue queue;
    cl_kernel stage[STAGES];
    float *x, *w, *b, *w2, *b2, *h, *dlogits, *dh, *loss; /* padded as hand.cl says */
    int32_t *y;
} Hand;

static float *floats(size_t count) {
    float *p = aligned_alloc(4096, (count * sizeof(float) + 4095) / 4096 * 4096);
    if (!p) fail("out of memory");
    memset(p, 0, count * sizeof(float));
    return p;
}

/* The kernel `name` with the host memory `args` (of these counts of floats) as its buffers. */
static cl_kernel stage(Hand *hand, cl_program program, const char *name, void *const *args,
                       const size_t *counts, cl_uint n) {
    cl_int status;
    cl_kernel kernel = clCreateKernel(program, name, &status);
    check_cl(status, name);
    for (cl_uint i = 0; i < n; i++) {
        cl_mem buffer = clCreateBuffer(hand->context, CL_MEM_USE_HOST_PTR,
                                       counts[i] * sizeof(float), args[i], &status);
        check_cl(status, "clCreateBuffer");
        check_cl(clSetKernelArg(kernel, i, sizeof(buffer), &buffer), "clSetKernelArg");
    }
    return kernel;
}

static void open_stages(Hand *hand, cl_device_id device) {
    enum { X = BATCH * INPUTS, W = INPUTS * PITCH, H = BATCH * PITCH, W2 = CLASSES * PITCH };
    cl_int status;
    hand->context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    check_cl(status, "clCreateContext");
    hand->queue = clCreateCommandQueue(hand->context, device, 0, &status);
    check_cl(status, "clCreateCommandQueue");
    const char *text = bench_hand_cl;
    cl_program program = clCreateProgramWithSource(hand->context, 1, &text, NULL, &status);
    check_cl(status, "clCreateProgramWithSource");
    check_cl(clBuildProgram(program, 1, &device, "", NULL, NULL), "hand.cl does not build");

    hand->x = floats(X), hand->w = floats(W), hand->b = floats(PITCH), hand->h = floats(H);
    hand->w2 = floats(W2), hand->b2 = floats(16), hand->dlogits = floats(BATCH * 16);
    hand->dh = floats(H), hand->loss = floats(BATCH), hand->y = (int32_t *)(void *)floats(BATCH);
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

static void steps(void *state, int runs) {
    Hand *hand = state;
    const size_t global = 2, local = 1;
    for (int i = 0; i < runs * STAGES; i++) {
        check_cl(clEnqueueNDRangeKernel(hand->queue, hand->stage[i % STAGES], 1, NULL, &global,
                                        &local, 0, NULL, NULL),
                 "clEnqueueNDRangeKernel");
    }
    check_cl(clFinish(hand->queue), "clFinish");
}

/* The compiled program's weights, without padding. */
typedef struct Weights {
    float w[INPUTS * HIDDEN], b[HIDDEN], w2[HIDDEN * CLASSES], b2[CLASSES];
} Weights;

static bool get_weights(dlg_program *prog, Weights *to) {
    return dlg_get(prog, "h.w", to->w, sizeof(to->w)) >= 0 &&
           dlg_get(prog, "h.b", to->b, sizeof(to->b)) >= 0 &&
           dlg_get(prog, "logits.w", to->w2, sizeof(to->w2)) >= 0 &&
           dlg_get(prog, "logits.b", to->b2, sizeof(to->b2)) >= 0;
}

static void start_from(Hand *hand, const Weights *from) {
    for (int i = 0; i < INPUTS; i++)
        memcpy(hand->w + i * PITCH, from->w + i * HIDDEN, HIDDEN * sizeof(float));
    for (int j = 0; j < HIDDEN * CLASSES; j++)
        hand->w2[j % CLASSES * PITCH + j / CLASSES] = from->w2[j];
    memcpy(hand->b, from->b, sizeof(from->b));
    memcpy(hand->b2, from->b2, sizeof(from->b2));
}

/* The greatest difference between the two sets of weights; NaN where one is NaN. */
static double distance(const Hand *hand, const Weights *from) {
    double worst = 0;
#define SEE(a, b)                                                                                  \
    do {                                                                                           \
        double d = fabs((double)(a) - (double)(b));                                                \
        if (!(d <= worst)) worst = d;                                                              \
    } while (0)
    for (int i = 0; i < INPUTS * HIDDEN; i++)
        SEE(hand->w[i / HIDDEN * PITCH + i % HIDDEN], from->w[i]);
    for (int j = 0; j < HIDDEN * CLASSES; j++)
        SEE(hand->w2[j % CLASSES * PITCH + j / CLASSES], from->w2[j]);
    for (int j = 0; j < HIDDEN; j++) SEE(hand->b[j], from->b[j]);
    for (int c = 0; c < CLASSES; c++) SEE(hand->b2[c], from->b2[c]);
#undef SEE
    return worst;
}

static double mean_loss(const Hand *hand) {
    double sum = 0;
    for (int i = 0; i < BATCH; i++) sum += (double)hand->loss[i];
    return sum / BATCH;
}

static const char *hand_prepare(void *state, const BenchCase *which, double *check) {
    static Weights weights;
    static char why[200];
    Hand *hand = state;
    if (strcmp(which->name, "step/mnist_mlp") != 0) return "mnist_mlp only";
    input_floats("x", hand->x, BATCH * INPUTS);
    input_ints("y", hand->y, BATCH, CLASSES);
    Ours ours;
    if (!ours_open(&ours, which, hand->device, hand->directory, why, sizeof(why))) return why;
    const char *problem = "the compiled program fails";
    if (dlg_init(ours.program, 0) < 0 || !get_weights(ours.program, &weights)) goto out;
    start_from(hand, &weights);
    for (int i = 0; i < CHECK_STEPS; i++) {
        if (dlg_run(ours.program, which->entry) < 0) goto out;
        steps(hand, 1);
        if (i == 0) *check = result_check((float[]){(float)mean_loss(hand)}, 1);
    }
    if (!get_weights(ours.program, &weights)) goto out;
    double apart = distance(hand, &weights);
    snprintf(why, sizeof(why), "its weights differ by %.1e after %d steps", apart, CHECK_STEPS);
    problem = apart < 1e-4 ? NULL : why;
out:
    ours_close(&ours);
    return problem;
}

bool serve_hand(Served *served, const char *device, const char *directory, char *why,
                size_t why_bytes) {
    static Hand hand;
    hand.directory = directory;
    if (dlg_device_open(&hand.device, device) < 0) {
        snprintf(why, why_bytes, "%s", dlg_error_text(hand.device));
        return false;
    }
    open_stages(&hand, same_device(dlg_device_get_info(hand.device)));
    snprintf(served->about, sizeof(served->about), "mnist_mlp by hand, four kernels (hand.cl)");
    served->prepare = hand_prepare;
    served->run = steps;
    served->state = &hand;
    return true;
}

/* limits: what the device can do at best, measured through OpenCL as the programs are: multiply-adds from registers,
 * copies and reads within working sets of several sizes, launches.
 *
 * Each is the best of several rounds: what disturbs only ever makes them slower. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SKEW = 40 }; /* limits.cl's */

typedef struct Probe {
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    bool cpu, streams;
    size_t items, group; /* of a launch that fills the device */
    size_t vector_bytes;
    unsigned units;
    double round; /* the seconds that a measurement takes at least */
} Probe;

static cl_program build(Probe *p, cl_device_id device, const char *options) {
    cl_int status;
    const char *text = bench_limits_cl;
    cl_program program = clCreateProgramWithSource(p->context, 1, &text, NULL, &status);
    check_cl(status, "clCreateProgramWithSource");
    if (clBuildProgram(program, 1, &device, options, NULL, NULL) == CL_SUCCESS) return program;
    clReleaseProgram(program);
    return NULL;
}

static Probe probe_open(const dlg_device_info *info, double round) {
    Probe p = {.round = round, .cpu = strcmp(info->type, "cpu") == 0};
    cl_device_id device = same_device(info);
    cl_int status;
    p.context = clCreateContext(NULL, 1, &device, NULL, NULL, &status);
    check_cl(status, "clCreateContext");
    p.queue = clCreateCommandQueue(p.context, device, 0, &status);
    check_cl(status, "clCreateCommandQueue");
    /* Not every driver's compiler knows stores that pass by the caches. */
    if (p.cpu) p.program = build(&p, device, "-DCPU -DSTREAM");
    p.streams = p.program != NULL;
    if (!p.program) p.program = build(&p, device, p.cpu ? "-DCPU" : "");
    if (!p.program) fail("limits.cl does not build on this device");
    p.units = info->compute_units;
    p.group = p.cpu ? 1 : 256;
    p.items = p.cpu ? info->compute_units : (size_t)info->compute_units * 2048;
    p.vector_bytes = p.cpu ? 64 : 16;
    return p;
}

static void probe_close(Probe *p) {
    clReleaseProgram(p->program);
    clReleaseCommandQueue(p->queue);
    clReleaseContext(p->context);
}

static cl_mem zeros(const Probe *p, size_t bytes) {
    cl_int status;
    cl_mem buffer = clCreateBuffer(p->context, CL_MEM_READ_WRITE, bytes, NULL, &status);
    check_cl(status, "clCreateBuffer");
    const cl_float zero = 0;
    check_cl(clEnqueueFillBuffer(p->queue, buffer, &zero, sizeof(zero), 0, bytes, 0, NULL, NULL),
             "clEnqueueFillBuffer");
    return buffer;
}

static cl_kernel kernel_of(const Probe *p, const char *name) {
    cl_int status;
    cl_kernel kernel = clCreateKernel(p->program, name, &status);
    check_cl(status, name);
    return kernel;
}

static void set(cl_kernel kernel, cl_uint i, size_t bytes, const void *value) {
    check_cl(clSetKernelArg(kernel, i, bytes, value), "clSetKernelArg");
}

static const Cost no_cost = {{INFINITY, INFINITY}};

static Cost least(Cost a, Cost b) {
    for (int by = 0; by < BY_COUNT; by++) a.by[by] = fmin(a.by[by], b.by[by]);
    return a;
}

static Cost over(Cost a, double count) {
    for (int by = 0; by < BY_COUNT; by++) a.by[by] /= count;
    return a;
}

/* What `launches` launches and one wait cost. */
static Cost run(const Probe *p, cl_kernel kernel, size_t items, int launches) {
    double cpu = cpu_seconds_now(), start = seconds_now();
    for (int i = 0; i < launches; i++) {
        check_cl(
            clEnqueueNDRangeKernel(p->queue, kernel, 1, NULL, &items, &p->group, 0, NULL, NULL),
            "clEnqueueNDRangeKernel");
    }
    check_cl(clFinish(p->queue), "clFinish");
    return (Cost){{seconds_now() - start, (cpu_seconds_now() - cpu) / p->units}};
}

/* The least cost of a turn, where a kernel's last argument says how many turns it makes. What a launch costs besides is
 * nothing against a round. */
static Cost least_of_turns(const Probe *p, cl_kernel kernel, cl_uint turns_arg) {
    enum { ROUNDS = 12, TRIES = 3, MOST_TURNS = 1 << 28 };
    cl_int turns = 2;
    Cost cost;
    set(kernel, turns_arg, sizeof(turns), &turns);
    run(p, kernel, p->items, 1); /* some drivers compile only now */
    for (;;) {
        set(kernel, turns_arg, sizeof(turns), &turns);
        cost = no_cost;
        for (int i = 0; i < TRIES; i++) cost = least(cost, run(p, kernel, p->items, 1));
        if (cost.by[BY_WALL] >= p->round || turns >= MOST_TURNS) break;
        double more = cost.by[BY_WALL] > 1e-4 ? p->round / cost.by[BY_WALL] * 1.2 : 8;
        turns = (cl_int)fmin((double)turns * fmax(more, 1.5), MOST_TURNS) & ~1;
    }
    for (int r = 0; r < ROUNDS; r++) cost = least(cost, run(p, kernel, p->items, 1));
    return over(cost, turns);
}

/* Which number of chains is faster depends on how many registers there are. */
static Cost measure_flop(const Probe *p) {
    static const struct {
        const char *name;
        int chains;
    } kernels[] = {{"peak", 16}, {"peak_of_few", 6}};
    Cost flop = no_cost;
    cl_mem out = zeros(p, 16 * p->vector_bytes);
    for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
        cl_kernel kernel = kernel_of(p, kernels[i].name);
        set(kernel, 0, sizeof(out), &out);
        Cost turn = least_of_turns(p, kernel, 1);
        clReleaseKernel(kernel);
        double lanes = (double)(p->vector_bytes / sizeof(float));
        flop = least(flop, over(turn, (double)p->items * lanes * kernels[i].chains * 2));
    }
    clReleaseMemObject(out);
    return flop;
}

/* A byte of one of the kernels copy, stream and read over `bytes` in all. */
static Cost measure_bytes(const Probe *p, const char *name, size_t bytes, int arrays) {
    cl_kernel kernel = kernel_of(p, name);
    /* Whole vectors for every item, and four at a time. */
    size_t grain = p->items * 4;
    cl_ulong count = bytes / (size_t)arrays / p->vector_bytes / grain * grain;
    if (count == 0) count = grain;
    cl_mem a = zeros(p, count * p->vector_bytes);
    cl_mem b = zeros(p, (arrays == 2 ? count + SKEW : p->items) * p->vector_bytes);
    set(kernel, 0, sizeof(a), &a);
    set(kernel, 1, sizeof(b), &b);
    set(kernel, 2, sizeof(count), &count);
    Cost turn = least_of_turns(p, kernel, 3);
    clReleaseKernel(kernel);
    clReleaseMemObject(a);
    clReleaseMemObject(b);
    return over(turn, (double)count * (double)p->vector_bytes * arrays);
}

static void measure_launches(const Probe *p, Limits *limits) {
    cl_kernel kernel = kernel_of(p, "nothing");
    cl_mem out = zeros(p, 64);
    set(kernel, 0, sizeof(out), &out);
    enum { ROUNDS = 15, LAUNCHES = 1000 };
    limits->launch = limits->wait = no_cost;
    run(p, kernel, p->group, LAUNCHES);
    for (int r = 0; r < ROUNDS; r++)
        limits->launch = least(limits->launch, over(run(p, kernel, p->group, LAUNCHES), LAUNCHES));
    for (int r = 0; r < LAUNCHES; r++)
        limits->wait = least(limits->wait, run(p, kernel, p->group, 1));
    clReleaseKernel(kernel);
    clReleaseMemObject(out);
}

Cost limits_flop(const dlg_device_info *info, double round) {
    Probe p = probe_open(info, round);
    Cost flop = measure_flop(&p);
    probe_close(&p);
    return flop;
}

void limits_measure(Limits *limits, const dlg_device_info *info, double round) {
    Probe p = probe_open(info, round);
    *limits = (Limits){.flop = measure_flop(&p)};
    measure_launches(&p, limits);
    size_t most = 512u << 20;
    for (size_t bytes = p.cpu ? 64u << 10 : 4u << 20; bytes <= most; bytes *= 4) {
        if (bytes / 2 > info->max_buffer_bytes || bytes > info->memory_bytes / 4) break;
        Level *level = &limits->levels[limits->level_count++];
        level->bytes = (double)bytes;
        level->copy = measure_bytes(&p, "copy", bytes, 2);
        level->read = measure_bytes(&p, "read", bytes, 1);
        if (p.streams) level->stream = measure_bytes(&p, "stream", bytes, 2);
    }
    probe_close(&p);
}

/* The level whose working set is nearest in size, as a ratio. */
static const Level *level_for(const Limits *limits, double bytes) {
    const Level *best = NULL;
    double least = INFINITY;
    for (int i = 0; i < limits->level_count; i++) {
        double distance = fabs(log(limits->levels[i].bytes / fmax(bytes, 1)));
        if (distance < least) least = distance, best = &limits->levels[i];
    }
    return best;
}

double limit_of(const Limits *limits, const BenchCase *which, double bytes, By by,
                LimitKind *kind) {
    const Level *level = level_for(limits, bytes);
    double compute = which->flops * limits->flop.by[by], moving = 0;
    if (level) {
        double copy = level->copy.by[by], stream = level->stream.by[by];
        moving = bytes * (which->reads                  ? level->read.by[by]
                          : stream > 0 && stream < copy ? stream
                                                        : copy);
    }
    *kind = LIMIT_LAUNCH;
    double limit = limits->launch.by[by];
    if (moving > limit) limit = moving, *kind = LIMIT_BYTES;
    if (compute > limit) limit = compute, *kind = LIMIT_COMPUTE;
    return limit;
}

/* limits: what a device can do at best: multiply-adds from registers, and copies within working sets of several sizes, by
 * the device's own clock. The kernels are those of the benchmark (kernels/limits.cl).
 *
 * Requires a queue that keeps times. Establishes: each is the best of several rounds, for what disturbs makes them only
 * slower; a device that cannot be measured so has no limits, which is no error. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data.h"
#include "rt_kernels.h"

enum {
    ROUNDS = 24,
    LEAST_ROUNDS = 4,
    SKEW_BYTES = 40 * 64 /* limits.cl's, of the longest vector */
};
static const double round_s = 1e-3, most_s = 0.08;
static const uint64_t working_sets[LIMIT_LEVELS] = {UINT64_C(1) << 20, UINT64_C(16) << 20,
                                                    UINT64_C(128) << 20};

typedef struct Probe {
    dlg_device *dev;
    cl_program program;
    bool cpu;
    size_t items, group, vector_bytes;
} Probe;

/* Seconds of a launch. */
static int time_launch(const Probe *p, cl_kernel kernel, double *seconds) {
    cl_event event;
    cl_ulong begin = 0, end = 0;
    cl_int code = clEnqueueNDRangeKernel(p->dev->queue, kernel, 1, NULL, &p->items, &p->group, 0,
                                         NULL, &event);
    if (code) return rt_cl_fail(p->dev, code, "measuring the device");
    code = clWaitForEvents(1, &event);
    if (!code)
        code =
            clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof begin, &begin, NULL);
    if (!code)
        code = clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    clReleaseEvent(event);
    *seconds = end > begin ? (double)(end - begin) * 1e-9 : 0;
    return code ? rt_cl_fail(p->dev, code, "measuring the device") : DLG_OK;
}

/* The least seconds of a turn, where the kernel's argument `at` says how many it makes. 0: the clock does not tell. */
static int time_turn(const Probe *p, cl_kernel kernel, cl_uint at, double *seconds) {
    cl_int turns = 2;
    double took = 0, spent = 0;
    *seconds = 0;
    for (int round = 0; round < LEAST_ROUNDS || (round < ROUNDS && spent < most_s);) {
        cl_int code = clSetKernelArg(kernel, at, sizeof turns, &turns);
        if (code) return rt_cl_fail(p->dev, code, "measuring the device");
        TRY(time_launch(p, kernel, &took));
        spent += took;
        if (took < round_s && turns < 1 << 26) {
            double more = took > 0 ? round_s / took * 1.2 : 16;
            turns = (cl_int)(turns * fmin(fmax(more, 2), 16)) & ~1;
            continue;
        }
        if (took > 0 && (*seconds == 0 || took / turns < *seconds)) *seconds = took / turns;
        round++;
    }
    return DLG_OK;
}

/* `chains`: of multiply-adds that the kernel makes a turn. */
static int measure_flops(Probe *p, const char *name, int chains, Limits *l) {
    cl_int code;
    cl_mem out = NULL;
    double seconds = 0;
    cl_kernel kernel = clCreateKernel(p->program, name, &code);
    if (code) return rt_cl_fail(p->dev, code, "measuring the device");
    int status = rt_buffer(p->dev, 16 * p->vector_bytes, "measuring the device", &out);
    if (status == DLG_OK && (code = clSetKernelArg(kernel, 0, sizeof out, &out)))
        status = rt_cl_fail(p->dev, code, "measuring the device");
    if (status == DLG_OK) status = time_turn(p, kernel, 1, &seconds);
    double lanes = (double)p->items * (double)p->vector_bytes / 4;
    if (seconds > 0) l->flops = fmax(l->flops, lanes * 2 * chains / seconds);
    if (out) clReleaseMemObject(out);
    clReleaseKernel(kernel);
    return status;
}

static int measure_copy(Probe *p, cl_kernel kernel, uint64_t bytes, double *rate) {
    dlg_device *dev = p->dev;
    cl_mem a = NULL, b = NULL;
    double seconds = 0;
    cl_ulong count = bytes / 2 / p->vector_bytes / p->items * p->items;
    int status = rt_buffer(dev, bytes / 2, "measuring the device", &a);
    if (status == DLG_OK)
        status = rt_buffer(dev, bytes / 2 + SKEW_BYTES, "measuring the device", &b);
    if (status == DLG_OK) {
        cl_int code = clSetKernelArg(kernel, 0, sizeof a, &a);
        if (!code) code = clSetKernelArg(kernel, 1, sizeof b, &b);
        if (!code) code = clSetKernelArg(kernel, 2, sizeof count, &count);
        status = code ? rt_cl_fail(dev, code, "measuring the device")
                      : time_turn(p, kernel, 3, &seconds);
    }
    if (seconds > 0) *rate = 2.0 * (double)(count * p->vector_bytes) / seconds;
    if (a) clReleaseMemObject(a);
    if (b) clReleaseMemObject(b);
    return status;
}

/* On a processor the text says so; see limits.cl. */
static int build(Probe *p) {
    static const char cpu[] = "#define CPU\n";
    size_t len = strlen(rt_limits_cl), head = p->cpu ? sizeof cpu - 1 : 0;
    char *text = malloc(head + len + 1);
    if (!text) return rt_no_memory(p->dev, head + len);
    memcpy(text, cpu, head);
    memcpy(text + head, rt_limits_cl, len + 1);
    int status = rt_build(p->dev, "kernels/limits.cl", 1, text, head + len, false, &p->program);
    free(text);
    return status;
}

int rt_limits_measure(dlg_device *dev) {
    Limits l = {.measured = true};
    Probe p = {.dev = dev, .cpu = strcmp(dev->info.type, "cpu") == 0};
    if (dev->limits.measured) return DLG_OK;
    dev->limits.measured = true;
    if (dev->exact) return DLG_OK; /* its times are not those of a device */
    int status = build(&p);
    if (status == DLG_ERR_BUILD) return DLG_OK;
    p.group = p.cpu ? 1 : dev->info.max_group < 256 ? dev->info.max_group : 256;
    p.items = p.cpu ? dev->info.compute_units : dev->info.compute_units * 8 * p.group;
    p.vector_bytes = p.cpu ? 64 : 16;
    /* Which of both is faster depends on how many registers there are. */
    if (status == DLG_OK) status = measure_flops(&p, "peak", 16, &l);
    if (status == DLG_OK) status = measure_flops(&p, "peak_of_few", 6, &l);
    cl_int code = CL_SUCCESS;
    cl_kernel copy = status == DLG_OK ? clCreateKernel(p.program, "copy", &code) : NULL;
    if (code) status = rt_cl_fail(dev, code, "measuring the device");
    for (int i = 0; i < LIMIT_LEVELS && status == DLG_OK; i++) {
        uint64_t most = dev->info.memory_bytes / 8, bytes = working_sets[i];
        if (bytes > most || bytes / 2 + SKEW_BYTES > dev->info.max_buffer_bytes) continue;
        l.levels[i].bytes = (double)bytes;
        status = measure_copy(&p, copy, bytes, &l.levels[i].rate);
    }
    if (copy && code == CL_SUCCESS) clReleaseKernel(copy);
    if (p.program) clReleaseProgram(p.program);
    if (status == DLG_OK) dev->limits = l;
    return status;
}

double rt_limits_reached(const Limits *l, double flops, double bytes, double seconds,
                         bool *of_bytes) {
    double nearest = INFINITY, rate = 0;
    *of_bytes = false;
    if (!(seconds > 0)) return 0;
    for (int i = 0; i < LIMIT_LEVELS; i++) { /* the working set that is most like the kernel's */
        double distance =
            l->levels[i].rate > 0 ? fabs(log(l->levels[i].bytes / fmax(bytes, 1))) : INFINITY;
        if (distance < nearest) nearest = distance, rate = l->levels[i].rate;
    }
    double by_flops = l->flops > 0 ? flops / seconds / l->flops : 0;
    double by_bytes = rate > 0 ? bytes / seconds / rate : 0;
    *of_bytes = by_bytes > by_flops;
    return fmax(by_flops, by_bytes);
}

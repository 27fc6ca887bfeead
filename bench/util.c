/* util: time, statistics, the numbers that inputs are made of. */
#include "bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("dlg-bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(3);
}

void *need_memory(size_t bytes) {
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p) fail("out of memory");
    return p;
}

double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double cpu_seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void wait_seconds(double seconds) {
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};
    nanosleep(&t, NULL);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the values around place p of n - 1. */
static double quantile(const double *sorted, int n, double p) {
    double place = p * (n - 1);
    int i = (int)place;
    if (i >= n - 1) return sorted[n - 1];
    return sorted[i] + (place - i) * (sorted[i + 1] - sorted[i]);
}

Spread spread_of(double *values, int n) {
    qsort(values, (size_t)n, sizeof(*values), by_value);
    return (Spread){quantile(values, n, 0.5), quantile(values, n, 0.25), quantile(values, n, 0.75)};
}

int runs_for(double round, double one) {
    enum { MOST_RUNS = 5000 };
    double runs = round / fmax(one, 1e-9);
    return runs < 1 ? 1 : runs > MOST_RUNS ? MOST_RUNS : (int)runs;
}

/* FNV-1a of the name and the finisher of MurmurHash3; peers.py has the same. */
uint32_t input_bits(const char *name, uint32_t i) {
    uint32_t salt = 2166136261u;
    for (; *name; name++) salt = (salt ^ (unsigned char)*name) * 16777619u;
    uint32_t h = i * 0x9E3779B1u + salt;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

void input_floats(const char *name, float *to, size_t count) {
    for (size_t i = 0; i < count; i++)
        to[i] = (float)(input_bits(name, (uint32_t)i) >> 8) / 16777216.0f - 0.5f;
}

void input_ints(const char *name, int32_t *to, size_t count, int32_t classes) {
    for (size_t i = 0; i < count; i++)
        to[i] = (int32_t)((input_bits(name, (uint32_t)i) >> 8) % (uint32_t)classes);
}

double result_check(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += fabs((double)values[i]) * (double)(1 + i % 7);
    return sum;
}

void check_cl(cl_int status, const char *what) {
    if (status != CL_SUCCESS) fail("%s: OpenCL error %d", what, (int)status);
}

/* The library lists the devices of all platforms in their order; the names are compared to be sure. */
cl_device_id same_device(const dlg_device_info *info) {
    cl_platform_id platforms[16];
    cl_uint platform_count = 0;
    int number = 0;
    clGetPlatformIDs(16, platforms, &platform_count);
    for (cl_uint p = 0; p < platform_count && p < 16; p++) {
        cl_device_id devices[64];
        cl_uint count = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 64, devices, &count)) continue;
        for (cl_uint d = 0; d < count && d < 64; d++, number++) {
            char name[256] = "";
            clGetDeviceInfo(devices[d], CL_DEVICE_NAME, sizeof(name), name, NULL);
            if (number == info->number && !strncmp(name, info->name, sizeof(info->name) - 1))
                return devices[d];
        }
    }
    fail("the library's device is not among the platforms'");
}

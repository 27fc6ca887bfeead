/* pair: whether a processor's launches are done together (kernels/together.cl), whose groups wait for each other without
 * sleeping. That is faster where launches are shorter than it takes to wake a core, and much slower where other work
 * wants the cores: so it is looked at, now and then, before a step, and the step is done the one way or the other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "rt.h"

#define LOOK_S      0.2  /* between two looks: ticks of 10 ms of all cores are counted in it */
#define OTHERS_MOST 0.25 /* of a core, that others may use */

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The time that all cores were busy since the system began, seconds; below 0: it does not say. */
static double busy_seconds(const char **why) {
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, COLUMNS };
    unsigned long long ticks[COLUMNS] = {0}, busy = 0;
    FILE *f = fopen("/proc/stat", "re");
    *why = f ? "its first line is another one than Linux has" : strerror(errno);
    if (!f) return -1;
    int n = fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[USER], &ticks[NICE],
                   &ticks[SYSTEM], &ticks[IDLE], &ticks[IOWAIT], &ticks[IRQ], &ticks[SOFTIRQ],
                   &ticks[STEAL]);
    fclose(f);
    if (n < 4) return -1;
    for (int i = 0; i < COLUMNS; i++)
        if (i != IDLE && i != IOWAIT) busy += ticks[i];
    return (double)busy / (double)sysconf(_SC_CLK_TCK);
}

static void look(Cores *p) {
    const char *why;
    p->look_s = seconds(CLOCK_MONOTONIC);
    p->busy_s = busy_seconds(&why);
    p->own_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
}

int dlg_device_pair(dlg_device *dev, dlg_pair when) {
    const char *why;
    if (!dev) return DLG_ERR_USAGE;
    if (when < DLG_PAIR_OFF || when > DLG_PAIR_ALWAYS)
        return rt_fail(dev, DLG_ERR_USAGE, "dlg_device_pair was given what is none of its words");
    if (when != DLG_PAIR_OFF && dev->real && !dev->host_memory)
        return rt_fail(dev, DLG_ERR_USAGE,
                       "pairs are for processors; %s does by itself what they are for",
                       dev->info.name);
    if (when == DLG_PAIR_FREE && busy_seconds(&why) < 0)
        return rt_fail(dev, DLG_ERR_UNSUPPORTED,
                       "whether cores are free cannot be read from /proc/stat: %s", why);
    dev->pair = (Cores){.when = when};
    if (when == DLG_PAIR_FREE) look(&dev->pair);
    return DLG_OK;
}

bool rt_cores_free(dlg_device *dev) {
    Cores *p = &dev->pair;
    if (p->when != DLG_PAIR_FREE) return p->when == DLG_PAIR_ALWAYS;
    double now = seconds(CLOCK_MONOTONIC);
    if (now - p->look_s < LOOK_S) return p->free;
    Cores before = *p;
    look(p);
    double others = p->busy_s - before.busy_s - (p->own_s - before.own_s);
    p->free = p->busy_s >= 0 && others <= OTHERS_MOST * (p->look_s - before.look_s);
    return p->free;
}

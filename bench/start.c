/* start: how long it takes from starting a process to the end of its first training step, with an empty cache of
 * kernels and with a filled one. What happens in the process is what `dlg` does: compile, load, build, run. */
#include "bench.h"

#include <errno.h>
#include <fnmatch.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int first_step(const char *name, const char *device, const char *directory) {
    for (size_t i = 0; i < bench_case_count; i++) {
        if (strcmp(bench_cases[i].name, name) != 0) continue;
        dlg_device *dev;
        char why[512];
        Ours ours;
        if (dlg_device_open(&dev, device) < 0) fail("%s", dlg_error_text(dev));
        if (getenv("DLG_BENCH_PAIR") && dlg_device_pair(dev, DLG_PAIR_ALWAYS) < 0)
            fail("%s", dlg_error_text(dev));
        if (!ours_open(&ours, &bench_cases[i], dev, directory, why, sizeof(why))) fail("%s", why);
        ours_close(&ours);
        dlg_device_close(dev);
        return 0;
    }
    fail("there is no case %s", name);
}

/* The seconds that a process takes for it; below 0: it failed. */
static double timed(const char *self, const char *name, const char *device, const char *directory,
                    const char *cache) {
    double begin = seconds_now();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) fail("no process: %s", strerror(errno));
    if (pid == 0) {
        /* Wherever a driver or the library would keep what it built. */
        setenv("POCL_CACHE_DIR", cache, 1);
        setenv("XDG_CACHE_HOME", cache, 1);
        setenv("CUDA_CACHE_PATH", cache, 1);
        execlp(self, self, "--first-step", name, "--device", device, "--directory", directory,
               (char *)NULL);
        _exit(127);
    }
    int status;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return -1;
    return seconds_now() - begin;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *where) {
    (void)s, (void)type, (void)where;
    return remove(path);
}

static bool cold_and_warm(StartResult *result, const char *self, const char *device,
                          const char *directory) {
    enum { COLD = 3, WARM = 5 };
    double cold[COLD], warm[WARM];
    for (int i = 0; i < COLD; i++) {
        const char *tmp = getenv("TMPDIR");
        char cache[4096];
        snprintf(cache, sizeof(cache), "%s/dlg-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
        if (!mkdtemp(cache)) fail("%s: %s", cache, strerror(errno));
        cold[i] = timed(self, result->name, device, directory, cache);
        bool failed = cold[i] < 0;
        for (int k = 0; i == COLD - 1 && !failed && k < WARM; k++) {
            warm[k] = timed(self, result->name, device, directory, cache);
            failed = warm[k] < 0;
        }
        nftw(cache, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (failed) return false;
    }
    result->cold = spread_of(cold, COLD).median;
    result->warm = spread_of(warm, WARM).median;
    return true;
}

void starts_measure(Report *report, const char *self, const char *directory, const char *pattern) {
    static const char *names[] = {"step/mnist_mlp", "step/charlstm_b32", "step/gpt_small"};
    char device[16];
    snprintf(device, sizeof(device), "%d", report->device->number);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char shown[64];
        snprintf(shown, sizeof(shown), "start/%s", strchr(names[i], '/') + 1);
        if (!matches(pattern, shown)) continue;
        fprintf(stderr, "%s\n", shown);
        StartResult *result = &report->starts[report->start_count++];
        *result = (StartResult){.name = names[i]};
        result->failed = !cold_and_warm(result, self, device, directory);
    }
}

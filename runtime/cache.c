/* cache: whether a driver's cache is why kernels do not build.
 *
 * PoCL compiles by way of files in its cache, and where it cannot write them it says no more than that it
 * failed, or its compiler ends the process with what the system said. Source of
 * where they are: pocl_cache_init_topdir in PoCL's lib/CL/pocl_cache.c. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "rt.h"

enum { TRIAL_BYTES = 1 << 20 }; /* about what a program of some kernels takes there */

/* False: its name is too long. */
static bool pocl_folder(char *out, size_t size) {
    const char *own = getenv("POCL_CACHE_DIR"), *all = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME"), *kept = getenv("POCL_KERNEL_CACHE");
    const char *name = kept && kept[0] != '1' ? "uncached" : "kcache";
    int n = own           ? snprintf(out, size, "%s", own)
            : all && *all ? snprintf(out, size, "%s/pocl/%s", all, name)
            : home        ? snprintf(out, size, "%s/.cache/pocl/%s", home, name)
                          : snprintf(out, size, "/tmp/pocl/%s", name);
    return n > 0 && (size_t)n < size;
}

/* Writes a file there as a driver would, and removes it. 0, or errno. */
static int try_folder(const char *folder) {
    static const char zeros[4096];
    char path[4096];
    struct rlimit most;
    if ((size_t)snprintf(path, sizeof path, "%s/dlg.XXXXXX", folder) >= sizeof path)
        return ENAMETOOLONG;
    int fd = mkstemp(path), error = fd < 0 ? errno : 0;
    if (error) return error;
    /* To write beyond the limit might end the process. */
    if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY &&
        most.rlim_cur < TRIAL_BYTES)
        error = EFBIG;
    for (off_t at = 0; !error && at < TRIAL_BYTES; at += (off_t)sizeof zeros) {
        ssize_t n = pwrite(fd, zeros, sizeof zeros, at);
        if (n != (ssize_t)sizeof zeros) error = n < 0 ? errno : ENOSPC;
    }
    close(fd);
    unlink(path);
    return error;
}

bool rt_cache_fails(const dlg_device *dev, char *why, size_t size) {
    char folder[4000];
    if (strcmp(dev->info.platform, "Portable Computing Language") != 0 ||
        !pocl_folder(folder, sizeof folder))
        return false;
    int error = try_folder(folder);
    if (!error) return false;
    snprintf(
        why, size,
        "the cache that PoCL builds kernels in, %s, cannot be written: %s%s. Make room there, or "
        "let POCL_CACHE_DIR name a folder that can be written",
        folder, strerror(error), error == EFBIG ? " (see ulimit -f)" : "");
    return true;
}

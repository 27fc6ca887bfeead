/* real_path: see real_path.h. Part of dlgc too, which has no more of the runtime. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "real_path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The path that a link names, which may be one again. NULL: no memory. */
static char *link_target(const char *path, const char *target) {
    const char *slash = strrchr(path, '/');
    size_t dir = slash && target[0] != '/' ? (size_t)(slash + 1 - path) : 0;
    size_t size = dir + strlen(target) + 1;
    char *next = malloc(size);
    if (next) snprintf(next, size, "%.*s%s", (int)dir, path, target);
    return next;
}

char *rt_real_path(const char *path) {
    enum { MOST_LINKS = 40 };
    char target[PATH_MAX], *at = strdup(path), *real = NULL;
    for (int links = 0; at; links++) {
        real = realpath(at, NULL);
        if (real || errno != ENOENT) break;
        ssize_t n = readlink(at, target, sizeof target - 1);
        if (n < 0) return at; /* there is nothing of that name yet */
        target[n] = 0;
        char *next = links < MOST_LINKS ? link_target(at, target) : NULL;
        errno = links < MOST_LINKS ? ENOMEM : ELOOP;
        free(at);
        at = next;
    }
    int error = errno;
    free(at);
    errno = error;
    return real;
}

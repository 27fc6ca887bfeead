/* inject: see inject.h. Calls of the C library are replaced by the linker (--wrap, in CMakeLists.txt); those in shared
 * libraries are not, but jansson takes its memory from here. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "inject.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 1 << 16, DEPTH = 12, LATER = 3, MOST_FUNCTIONS = 128 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the compiler has a thread of its own */
static unsigned armed;                                   /* kinds */
static bool lasts, rests;
static int depth = DEPTH;
static const char *failed;
static void *frames[DEPTH]; /* the calls that led to it */
static int frame_count;
static Kind failed_kind;
static uint64_t done[SLOTS];  /* hash tables of paths: those that failed, */
static uint64_t gone[SLOTS];  /* and those that were gone since inject_begin, */
static unsigned times[SLOTS]; /* how often */
static struct {
    const char *function;
    size_t failures;
} counts[MOST_FUNCTIONS];

static size_t slot(const uint64_t *table, uint64_t key) {
    size_t at = key % SLOTS;
    while (table[at] && table[at] != key) at = (at + 1) % SLOTS;
    return at;
}

extern const char __executable_start[], etext[]; /* the linker's: where our own calls lie */

static uint64_t path_of(const char *function) {
    void *path[DEPTH];
    int n = backtrace(path, DEPTH), ours = 0;
    uint64_t hash = 14695981039346656037u ^ (uintptr_t)function;
    for (int i = 2; i < n && ours < depth; i++) {
        hash = (hash ^ (uintptr_t)path[i]) * 1099511628211u;
        ours += (const char *)path[i] >= __executable_start && (const char *)path[i] < etext;
    }
    return hash | 1;
}

static void count(const char *function) {
    size_t i = 0;
    while (counts[i].function && strcmp(counts[i].function, function) != 0) i++;
    counts[i].function = function;
    counts[i].failures++;
}

static bool decide(Kind kind, const char *function) {
    if (!(armed & kind)) return false;
    if (failed) return lasts && kind == failed_kind;
    uint64_t path = path_of(function);
    size_t at = slot(gone, path);
    gone[at] = path;
    unsigned time = ++times[at];
    if (time != 1 && (time != LATER || lasts)) return false;
    path += 2 * (time == LATER);
    if (done[slot(done, path)]) return false;
    done[slot(done, path)] = path;
    failed = function;
    failed_kind = kind;
    frame_count = backtrace(frames, DEPTH);
    count(function);
    return true;
}

bool inject_here(Kind kind, const char *function) {
    if (!armed || rests) return false;
    pthread_mutex_lock(&lock);
    bool fails = decide(kind, function);
    pthread_mutex_unlock(&lock);
    return fails;
}

void inject_depth(int calls) {
    depth = calls;
}

void inject_begin(unsigned kinds, bool lasting) {
    memset(gone, 0, sizeof gone);
    memset(times, 0, sizeof times);
    failed = NULL;
    lasts = lasting;
    armed = kinds;
}

const char *inject_end(void) {
    armed = 0;
    return failed;
}

void inject_rest(bool rest) {
    rests = rest;
}

Kind inject_kind(void) {
    return failed_kind;
}

void inject_say(void) {
    fflush(stdout);
    backtrace_symbols_fd(frames, frame_count, STDOUT_FILENO);
}

void inject_forget(void) {
    memset(done, 0, sizeof done);
}

const char *inject_count(size_t i, size_t *failures) {
    *failures = counts[i].failures;
    return counts[i].function;
}

/* ---- The C library ------------------------------------------------------------------------------ */

#define WRAP(kind, result, function, params, args, error, value)                                   \
    result __real_##function params;                                                               \
    result __wrap_##function params;                                                               \
    result __wrap_##function params {                                                              \
        if (!inject_here(kind, #function)) return __real_##function args;                          \
        errno = error;                                                                             \
        return value;                                                                              \
    }

WRAP(FAIL_MEMORY, void *, malloc, (size_t bytes), (bytes), ENOMEM, NULL)
WRAP(FAIL_MEMORY, void *, calloc, (size_t n, size_t bytes), (n, bytes), ENOMEM, NULL)
WRAP(FAIL_MEMORY, void *, realloc, (void *old, size_t bytes), (old, bytes), ENOMEM, NULL)
WRAP(FAIL_MEMORY, char *, strdup, (const char *s), (s), ENOMEM, NULL)
WRAP(FAIL_MEMORY, char *, strndup, (const char *s, size_t n), (s, n), ENOMEM, NULL)
WRAP(FAIL_MEMORY, char *, realpath, (const char *path, char *out), (path, out), ENOMEM, NULL)
WRAP(FAIL_MEMORY, void *, XXH64_createState, (void), (), ENOMEM, NULL)
WRAP(FAIL_MEMORY, int, inflateInit2_, (void *z, int bits, const char *version, int size),
     (z, bits, version, size), ENOMEM, -4)

WRAP(FAIL_FILE, ssize_t, read, (int fd, void *to, size_t bytes), (fd, to, bytes), EIO, -1)
WRAP(FAIL_FILE, ssize_t, pread, (int fd, void *to, size_t bytes, off_t at), (fd, to, bytes, at),
     EIO, -1)
WRAP(FAIL_FILE, ssize_t, pwrite, (int fd, const void *from, size_t bytes, off_t at),
     (fd, from, bytes, at), ENOSPC, -1)
WRAP(FAIL_FILE, int, mkstemp, (char *name), (name), ENOSPC, -1)
WRAP(FAIL_FILE, int, fstat, (int fd, struct stat *st), (fd, st), EIO, -1)
WRAP(FAIL_FILE, int, fchmod, (int fd, mode_t mode), (fd, mode), EPERM, -1)
WRAP(FAIL_FILE, int, linkat, (int d, const char *from, int e, const char *to, int flags),
     (d, from, e, to, flags), ENOSPC, -1)
WRAP(FAIL_FILE, int, rename, (const char *from, const char *to), (from, to), ENOSPC, -1)
WRAP(FAIL_FILE, size_t, fwrite, (const void *from, size_t size, size_t n, FILE *f),
     (from, size, n, f), ENOSPC, 0)
WRAP(FAIL_FILE, int, fflush, (FILE * f), (f), ENOSPC, EOF)
WRAP(FAIL_FILE, FILE *, fdopen, (int fd, const char *mode), (fd, mode), ENOMEM, NULL)

int __wrap_fsync(int fd);
int __wrap_fsync(
    int fd) { /* no one pulls the plug: nothing is synced, which would take most of the time */
    (void)fd;
    bool fails = inject_here(FAIL_FILE, "fsync");
    if (fails) errno = ENOSPC;
    return fails ? -1 : 0;
}

int __real_fclose(FILE *f);
int __wrap_fclose(FILE *f);
int __wrap_fclose(FILE *f) {
    bool fails = inject_here(FAIL_FILE, "fclose");
    int result = __real_fclose(f);
    if (fails) errno = ENOSPC;
    return fails ? EOF : result;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (!inject_here(FAIL_FILE, "open")) return __real_open(path, flags, mode);
    errno = EMFILE;
    return -1;
}

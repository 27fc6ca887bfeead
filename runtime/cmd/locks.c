/* locks: what a run replaces as a whole, at its end or again and again, no other run replaces meanwhile.
 *
 * Requires paths that outputs_check went through. Establishes: an empty file FILE.lock beside each, locked until the run
 * ends, whatever ends it: the file may outlive a run that is killed, the lock does not. (FILE itself is another file after
 * each time that it is replaced, and may not be there yet.) */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd.h"
#include "rt.h"

static const char ending[] = ".lock";

char *lock_path(const char *path) {
    char *real = rt_real_path(path);
    size_t size = real ? strlen(real) + sizeof ending : 0;
    char *lock = real ? malloc(size) : NULL;
    if (lock) snprintf(lock, size, "%s%s", real, ending);
    free(real);
    return lock;
}

/* Whether the file under that name is the one that is open. */
static bool is_open_as(int fd, const char *path) {
    struct stat open, there;
    return fstat(fd, &open) == 0 && lstat(path, &there) == 0 && open.st_dev == there.st_dev &&
           open.st_ino == there.st_ino;
}

/* One that another user's run left behind can be locked, if not written. */
static int open_lock(const char *path) {
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = open(path, O_RDWR | O_CREAT | flags, 0666);
    if (fd >= 0 || errno != EACCES) return fd;
    fd = open(path, O_RDONLY | flags);
    if (fd < 0) errno = EACCES;
    return fd;
}

/* The file, locked; -1: errno says why not, EWOULDBLOCK that another run has it. */
static int lock_file(const char *path) {
    enum { MOST_TRIES = 100 };
    for (int i = 1;; i++) {
        int fd = open_lock(path);
        if (fd < 0) return -1;
        /* Where the file system has no locks there is none, nor where no file is the one that was opened. */
        bool taken = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
        if (!taken && (i == MOST_TRIES || is_open_as(fd, path))) return fd;
        close(fd); /* or a run that ended removed it meanwhile */
        errno = EWOULDBLOCK;
        if (taken) return -1;
    }
}

static int lock(Locks *locks, const char *option, const char *path) {
    Lock *l = &locks->items[locks->count];
    if (!(l->path = lock_path(path))) {
        int error = errno;
        complain("cannot write %s: %s", path, strerror(error));
        return error == ENOMEM ? EXIT_SYSTEM : EXIT_INPUT;
    }
    l->fd = lock_file(l->path);
    if (l->fd >= 0) {
        locks->count++;
        return EXIT_DONE;
    }
    if (errno == EWOULDBLOCK)
        complain("--%s %s: another run is writing it: give each run a file of its own, or wait "
                 "until that one ends",
                 option, path);
    else
        complain("cannot write %s, which keeps other runs from %s: %s", l->path, path,
                 strerror(errno));
    free(l->path);
    return EXIT_INPUT;
}

int locks_take(Locks *locks, const Args *a) {
    const char *const files[LOCKS][2] = {
        {"save", a->save}, {"checkpoint", a->checkpoint}, {"profile", a->profile}};
    int status = EXIT_DONE;
    *locks = (Locks){0};
    for (size_t i = 0; !status && i < LOCKS; i++)
        if (files[i][1]) status = lock(locks, files[i][0], files[i][1]);
    if (status) locks_drop(locks);
    return status;
}

void locks_drop(Locks *locks) {
    for (size_t i = 0; i < locks->count; i++) {
        const Lock *l = &locks->items[i];
        struct stat st;
        /* Another file may have got its name: what holds something stays. */
        if (is_open_as(l->fd, l->path) && fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode) &&
            st.st_size == 0)
            unlink(l->path);
        close(l->fd);
        free(l->path);
    }
    locks->count = 0;
}

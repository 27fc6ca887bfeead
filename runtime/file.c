/* file: reads whole files and replaces files as a whole.
 *
 * Establishes: a file that was being written when anything failed (the disk full, the process
 * killed) is as it was before; what is under its name is never half of something. Where the system
 * has files without a name, one that was not finished goes with the process that wrote it. */
#define _GNU_SOURCE /* O_TMPFILE */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "rt.h"

enum {
    TEMPORARY_MORE = 48, /* bytes that a temporary name is longer */
    MOST_TRIES = 1000,   /* for a name that no one has */
};

static int fail_longer(dlg_device *dev, const char *path, uint64_t limit_bytes) {
    return rt_fail(dev, DLG_ERR_FILE, "%s is longer than %llu bytes, the most for such a file",
                   path, (unsigned long long)limit_bytes);
}

uint64_t rt_half_memory(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 2 : UINT64_MAX;
}

int rt_file_read(dlg_device *dev, const char *path, uint64_t limit_bytes, char **data,
                 size_t *len) {
    return rt_file_take(dev, path, open(path, O_RDONLY | O_CLOEXEC), limit_bytes, data, len);
}

/* Has a large file read into pages of 2 MiB, where the system has them: most of the time goes into making pages. */
static void advise_huge(char *text, size_t bytes) {
#ifdef MADV_HUGEPAGE
    const uintptr_t page = UINT64_C(1) << 21;
    uintptr_t begin = ((uintptr_t)text + page - 1) / page * page,
              end = ((uintptr_t)text + bytes) / page * page;
    if (begin < end)
        (void)madvise((void *)begin, end - begin,
                      MADV_HUGEPAGE); /* without them it is slower, no more */
#endif
}

int rt_file_take(dlg_device *dev, const char *path, int fd, uint64_t limit_bytes, char **data,
                 size_t *len) {
    *data = NULL;
    *len = 0;
    int status = DLG_OK;
    char *text = NULL;
    size_t cap = 0, used = 0;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        status = rt_fail(dev, DLG_ERR_FILE, "cannot open %s: %s", path, strerror(errno));
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        status = rt_fail(dev, DLG_ERR_FILE, "cannot read %s: it is a directory", path);
        goto out;
    }
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > limit_bytes) {
        status = fail_longer(dev, path, limit_bytes);
        goto out;
    }
    /* The size is a hint only: the file may be a pipe or may grow. What has no size may have no end. */
    if (!S_ISREG(st.st_mode) && limit_bytes > rt_half_memory()) limit_bytes = rt_half_memory();
    cap = S_ISREG(st.st_mode) ? (size_t)st.st_size + 2 : 4096;
    for (;;) {
        if (used + 1 >= cap || !text) {
            if (text) cap *= 2;
            char *more = realloc(text, cap);
            if (!more) {
                status = rt_no_memory(dev, cap);
                goto out;
            }
            text = more;
            advise_huge(text, cap);
        }
        ssize_t got = read(fd, text + used, cap - used - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            status = rt_fail(dev, DLG_ERR_FILE, "cannot read %s: %s", path, strerror(errno));
            goto out;
        }
        if (got == 0) break;
        used += (size_t)got;
        if (used > limit_bytes) {
            status = fail_longer(dev, path, limit_bytes);
            goto out;
        }
    }
    text[used] = 0;
    *data = text;
    *len = used;
    text = NULL;
out:
    if (fd >= 0) close(fd);
    free(text);
    return status;
}

static int fail_write(RtFile *f, const char *what) {
    return rt_fail(f->dev, DLG_ERR_FILE, "cannot %s %s: %s", what, f->path, strerror(errno));
}

static void temporary_name(RtFile *f, int i) {
    snprintf(f->temporary, strlen(f->path) + TEMPORARY_MORE, "%s.%ld-%d.tmp", f->path,
             (long)getpid(), i);
}

/* Creates a file that no one else has, beside f->path: without a name where that can be, otherwise
 * under the name f->temporary. */
static int create_beside(RtFile *f) {
#ifdef O_TMPFILE
    char *slash = strrchr(f->path, '/');
    if (access("/proc/self/fd", X_OK) == 0) { /* by which it gets a name */
        if (slash) *slash = 0;
        int fd = open(slash == f->path ? "/"
                      : slash          ? f->path
                                       : ".",
                      O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
        if (slash) *slash = '/';
        if (fd >= 0) return fd;
    }
#endif
    for (int i = 0; i < MOST_TRIES; i++) {
        temporary_name(f, i);
        int fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) return fd;
        if (errno != EEXIST) break;
    }
    f->temporary[0] = 0;
    return -1;
}

/* Gives a file without a name one beside f->path: a name can only be replaced by another. */
static int name_temporary(RtFile *f) {
    char from[40];
    if (f->temporary[0]) return 0;
    snprintf(from, sizeof from, "/proc/self/fd/%d", fileno(f->stream));
    for (int i = 0; i < MOST_TRIES; i++) {
        temporary_name(f, i);
        if (linkat(AT_FDCWD, from, AT_FDCWD, f->temporary, AT_SYMLINK_FOLLOW) == 0) return 0;
        if (errno != EEXIST) break;
    }
    f->temporary[0] = 0;
    return -1;
}

int rt_file_begin(RtFile *f, dlg_device *dev, const char *path) {
    *f = (RtFile){.dev = dev};
    int status = DLG_OK;
    char *real = rt_real_path(path); /* renaming over a symbolic link would replace the link */
    if (!real && errno == ENOMEM) return rt_no_memory(dev, strlen(path));
    if (!real) return rt_fail(dev, DLG_ERR_FILE, "cannot write %s: %s", path, strerror(errno));
    path = real;
    size_t len = strlen(path), cap = len + TEMPORARY_MORE;
    struct stat st;
    bool exists = stat(path, &st) == 0;
    f->path = malloc(len + 1);
    f->temporary = calloc(1, cap);
    if (!f->path || !f->temporary) {
        status = rt_no_memory(dev, len + cap);
        goto out;
    }
    memcpy(f->path, path, len + 1);
    if (exists && !S_ISREG(st.st_mode)) {
        status = rt_fail(dev, DLG_ERR_FILE, "cannot write %s: it is not a regular file", path);
        goto out;
    }
    int fd = create_beside(f);
    if (fd < 0) {
        status = fail_write(f, "write");
        goto out;
    }
    if ((exists && fchmod(fd, st.st_mode & 0777) < 0) || !(f->stream = fdopen(fd, "wb"))) {
        status = fail_write(f, "write");
        close(fd);
    }
out:
    free(real);
    if (status < 0) rt_file_drop(f);
    return status;
}

int rt_file_write(RtFile *f, const void *data, size_t bytes) {
    if (bytes && fwrite(data, 1, bytes, f->stream) != bytes) return fail_write(f, "write");
    return DLG_OK;
}

int rt_file_patch(RtFile *f, uint64_t at, const void *data, size_t bytes) {
    if (fflush(f->stream) != 0) return fail_write(f, "write");
    for (size_t done = 0; done < bytes;) {
        ssize_t n =
            pwrite(fileno(f->stream), (const char *)data + done, bytes - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_write(f, "write");
        done += (size_t)n;
    }
    return DLG_OK;
}

/* The name of the directory that holds the file must reach the disk too. */
static int sync_directory(RtFile *f) {
    char *slash = strrchr(f->path, '/');
    if (slash) slash[slash == f->path] = 0;
    int fd = open(slash ? f->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail_write(f, "sync the directory");
    int status = DLG_OK;
    /* Some file systems cannot sync a directory and say EINVAL: there is nothing more to do. */
    if (fsync(fd) < 0 && errno != EINVAL) status = fail_write(f, "sync the directory");
    close(fd);
    return status;
}

int rt_file_commit(RtFile *f) {
    int status = DLG_OK;
    if (fflush(f->stream) != 0 || fsync(fileno(f->stream)) < 0 || name_temporary(f) < 0) {
        status = fail_write(f, "write");
        goto out;
    }
    int closed = fclose(f->stream);
    f->stream = NULL;
    if (closed != 0 || rename(f->temporary, f->path) < 0) {
        status = fail_write(f, "write");
        goto out;
    }
    f->temporary[0] = 0; /* it is the file now */
    status = sync_directory(f);
out:
    rt_file_drop(f);
    return status;
}

void rt_file_drop(RtFile *f) {
    if (f->stream) fclose(f->stream);
    if (f->temporary && f->temporary[0]) unlink(f->temporary);
    free(f->temporary);
    free(f->path);
    *f = (RtFile){.dev = NULL};
}

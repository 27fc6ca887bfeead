/* spool: bytes that are written once, one after the other, and then read anywhere: in memory while they are few, in a
 * temporary file without a name when they are more.
 *
 * Establishes: memory beyond the limit is never asked for, but for a buffer of PIECE_BYTES; the file goes with the
 * process, whatever ends it. It lies where TMPDIR says, else in /var/tmp, which unlike /tmp is seldom memory. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 256 << 10 };

static const char *temporary_folder(void) {
    const char *named = getenv("TMPDIR");
    if (named && *named) return named;
    return access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";
}

static int fail(dlg_device *dev, const char *what) {
    return rt_fail(dev, DLG_ERR_FILE,
                   "cannot %s a temporary file in %s: %s; the environment variable TMPDIR may name "
                   "another folder",
                   what, temporary_folder(), strerror(errno));
}

static int temporary(dlg_device *dev, int *fd) {
    const char *folder = temporary_folder();
#ifdef O_TMPFILE
    *fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (*fd >= 0) return DLG_OK;
#endif
    size_t size = strlen(folder) + sizeof "/dlg-XXXXXX";
    char *name = malloc(size);
    if (!name) return rt_no_memory(dev, size);
    snprintf(name, size, "%s/dlg-XXXXXX", folder);
    *fd = mkstemp(name);
    int status = *fd < 0 ? fail(dev, "make") : DLG_OK;
    if (*fd >= 0) unlink(name);
    free(name);
    return status;
}

void spool_open(Spool *s, dlg_device *dev, uint64_t limit_bytes) {
    *s = (Spool){.dev = dev, .limit = limit_bytes, .fd = -1};
}

void spool_close(Spool *s) {
    free(s->bytes);
    if (s->in_file) close(s->fd);
    *s = (Spool){.fd = -1};
}

static int write_out(Spool *s) {
    for (size_t done = 0; done < s->used;) {
        ssize_t n = pwrite(s->fd, s->bytes + done, s->used - done, (off_t)(s->written + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(s->dev, "write");
        done += (size_t)n;
    }
    s->written += s->used;
    s->used = 0;
    return DLG_OK;
}

static int grow(Spool *s, uint64_t need) {
    if (need <= s->cap) return DLG_OK;
    uint64_t cap = s->cap ? (uint64_t)s->cap * 2 : 4096;
    if (!s->in_file && cap > s->limit && need <= s->limit) cap = s->limit;
    if (cap < need) cap = need;
    char *more = cap <= SIZE_MAX / 2 ? realloc(s->bytes, (size_t)cap) : NULL;
    if (!more) return rt_no_memory(s->dev, cap);
    s->bytes = more;
    s->cap = (size_t)cap;
    return DLG_OK;
}

/* From memory into a file. */
static int move_out(Spool *s) {
    TRY(temporary(s->dev, &s->fd));
    s->in_file = true;
    TRY(write_out(s));
    free(s->bytes);
    s->bytes = NULL;
    s->cap = 0;
    return DLG_OK;
}

int spool_room(Spool *s, size_t bytes, char **to) {
    uint64_t need;
    if (!rt_add(s->used, bytes, &need)) return rt_no_memory(s->dev, UINT64_MAX);
    if (!s->in_file && need > s->limit) TRY(move_out(s));
    if (s->in_file && s->used + bytes > PIECE_BYTES) TRY(write_out(s));
    need = s->used + bytes;
    if (s->in_file && need < PIECE_BYTES) need = PIECE_BYTES;
    TRY(grow(s, need));
    *to = s->bytes + s->used;
    return DLG_OK;
}

void spool_take(Spool *s, size_t bytes) {
    s->used += bytes;
}

int spool_end(Spool *s) {
    if (!s->in_file) return DLG_OK;
    TRY(write_out(s));
    free(s->bytes);
    s->bytes = NULL;
    s->cap = 0;
    return DLG_OK;
}

uint64_t spool_bytes(const Spool *s) {
    return s->written + s->used;
}

int data_pread(dlg_device *dev, const char *path, int fd, uint64_t at, size_t bytes, void *to) {
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pread(fd, (char *)to + done, bytes - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return rt_fail(dev, DLG_ERR_FILE, "cannot read %s: %s", path, strerror(errno));
        if (n == 0)
            return rt_fail(dev, DLG_ERR_DATA,
                           "%s: became shorter while it was read: byte %llu is missing", path,
                           (unsigned long long)(at + done));
        done += (size_t)n;
    }
    return DLG_OK;
}

int spool_read(const Spool *s, uint64_t at, size_t bytes, void *to) {
    if (s->in_file) return data_pread(s->dev, "the temporary file", s->fd, at, bytes, to);
    memcpy(to, s->bytes + at, bytes);
    return DLG_OK;
}

int spool_write_at(Spool *s, uint64_t at, size_t bytes, const void *from) {
    if (!s->in_file) {
        memcpy(s->bytes + at, from, bytes);
        return DLG_OK;
    }
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pwrite(s->fd, (const char *)from + done, bytes - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(s->dev, "write");
        done += (size_t)n;
    }
    return DLG_OK;
}

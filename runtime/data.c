/* data: files, messages and types that the readers of data share.
 *
 * Requires nothing. Establishes: a file is read whole or not at all, and written whole or not at
 * all. */
#define _POSIX_C_SOURCE 200809L
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool data_fail(DataError *e, int status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    e->status = status;
    return false;
}

const char *data_quote(char *out, size_t max, const char *text, size_t len) {
    size_t n = 0;
    bool cut = len > max;
    if (cut) len = max;
    /* Do not cut a UTF-8 sequence in two. */
    while (cut && len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80) len--;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        out[n++] = c < 0x20 || c == 0x7F ? '?' : (char)c;
    }
    if (cut) {
        memcpy(out + n, "...", 3);
        n += 3;
    }
    out[n] = 0;
    return out;
}

bool data_read_file(const char *path, size_t limit_bytes, char **text, size_t *len, DataError *e) {
    char *buf = NULL;
    size_t used = 0, cap = 0;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return data_fail(e, DLG_ERR_FILE, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0) {
        data_fail(e, DLG_ERR_FILE, "%s: %s", path, strerror(errno));
        goto failed;
    }
    if (S_ISDIR(st.st_mode)) {
        data_fail(e, DLG_ERR_DATA, "%s: is a directory", path);
        goto failed;
    }
    cap = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size + 1 : 1 << 16;
    if (cap > limit_bytes) cap = limit_bytes + 1;
    buf = malloc(cap + 1);
    if (!buf) goto no_memory;
    for (;;) {
        if (used == cap) {
            if (cap > limit_bytes) {
                data_fail(e, DLG_ERR_DATA, "%s: larger than the limit of %zu bytes", path,
                          limit_bytes);
                goto failed;
            }
            cap = cap > limit_bytes / 2 ? limit_bytes + 1 : cap * 2;
            char *more = realloc(buf, cap + 1);
            if (!more) goto no_memory;
            buf = more;
        }
        ssize_t got = read(fd, buf + used, cap - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            data_fail(e, DLG_ERR_FILE, "%s: %s", path, strerror(errno));
            goto failed;
        }
        if (got == 0) break;
        used += (size_t)got;
    }
    close(fd);
    buf[used] = 0;
    *text = buf;
    *len = used;
    return true;
no_memory:
    data_fail(e, DLG_ERR_MEMORY, "%s: out of memory reading it", path);
failed:
    close(fd);
    free(buf);
    return false;
}

static bool write_all(int fd, const char *at, size_t len) {
    while (len > 0) {
        ssize_t put = write(fd, at, len);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        at += put;
        len -= (size_t)put;
    }
    return true;
}

/* So that the rename itself survives a crash. Some file systems cannot; that is not an error. */
static void sync_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    char *dir = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!dir) return;
    int fd = open(dir, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(dir);
}

bool data_write_file(const char *path, const DataPart *parts, size_t count, DataError *e) {
    size_t size = strlen(path) + 48;
    char *temp = malloc(size);
    if (!temp) return data_fail(e, DLG_ERR_MEMORY, "%s: out of memory", path);
    int fd = -1;
    for (int i = 0; fd < 0 && i < 100; i++) {
        snprintf(temp, size, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    if (fd < 0) {
        data_fail(e, DLG_ERR_FILE, "%s: %s", path, strerror(errno));
        free(temp);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = write_all(fd, parts[i].at, parts[i].len);
    ok = ok && fsync(fd) == 0;
    int error = errno;
    if (close(fd) != 0 && ok) {
        error = errno;
        ok = false;
    }
    if (ok && rename(temp, path) != 0) {
        error = errno;
        ok = false;
    }
    if (ok) {
        sync_directory(path);
    } else {
        unlink(temp);
        data_fail(e, DLG_ERR_FILE, "%s: %s", path, strerror(error));
    }
    free(temp);
    return ok;
}

static bool convert_one(const void *values, size_t i, dlg_type from, dlg_type to, void *out) {
    double v = from == DLG_F32   ? (double)((const float *)values)[i]
               : from == DLG_I32 ? (double)((const int32_t *)values)[i]
                                 : (double)((const uint8_t *)values)[i];
    switch (to) {
    case DLG_F32: ((float *)out)[i] = (float)v; return true;
    case DLG_I32:
        if (!(v >= -2147483648.0 && v <= 2147483647.0) || v != floor(v)) return false;
        ((int32_t *)out)[i] = (int32_t)v;
        return true;
    case DLG_BOOL:
        if (v != 0 && v != 1) return false;
        ((uint8_t *)out)[i] = v != 0;
        return true;
    }
    return false;
}

bool data_convert(void **values, size_t elems, dlg_type from, dlg_type to, const char *what,
                  DataError *e) {
    if (from == to) return true;
    void *out = malloc(elems ? elems * dlg_type_bytes(to) : 1);
    if (!out) return data_fail(e, DLG_ERR_MEMORY, "%s: out of memory", what);
    for (size_t i = 0; i < elems; i++) {
        if (convert_one(*values, i, from, to, out)) continue;
        free(out);
        return data_fail(e, DLG_ERR_DATA, "%s: element %zu is not %s", what, i,
                         to == DLG_I32 ? "a whole number that fits i32" : "0 or 1");
    }
    free(*values);
    *values = out;
    return true;
}

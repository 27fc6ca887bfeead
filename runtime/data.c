/* data: what the readers of data share: files, numbers, text for messages. */
#include "data.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 << 10 }; /* of a pipe */

bool data_is(const char *path, const char *ending) {
    size_t n = strlen(path), m = strlen(ending);
    if (n >= 3 && strcmp(path + n - 3, ".gz") == 0) n -= 3;
    return n >= m && memcmp(path + n - m, ending, m) == 0;
}

static bool is_packed(const char *path) {
    size_t n = strlen(path);
    return n >= 3 && strcmp(path + n - 3, ".gz") == 0;
}

/* Of a file that was just opened, which is closed. */
static int take(dlg_device *dev, const char *path, int fd, char **bytes, size_t *len) {
    TRY(rt_file_take(dev, path, fd, DATA_FILE_LIMIT_BYTES, bytes, len));
    if (!is_packed(path)) return DLG_OK;
    char *packed = *bytes;
    int status = gzip_inflate(dev, path, packed, *len, data_unpacked_limit(*len), bytes, len);
    free(packed);
    return status;
}

int data_file_read(dlg_device *dev, const char *path, char **bytes, size_t *len) {
    return take(dev, path, open(path, O_RDONLY | O_CLOEXEC), bytes, len);
}

/* ---- Files in pieces ---------------------------------------------------------------------------- */

DataFile data_in_memory(const char *bytes, size_t len) {
    return (DataFile){.fd = -1, .memory = bytes, .bytes = len};
}

DataFile data_of_spool(Spool *s) {
    DataFile f = {.fd = s->in_file ? s->fd : -1,
                  .fd_open = s->in_file,
                  .memory = s->bytes,
                  .owned = s->bytes,
                  .bytes = spool_bytes(s)};
    if (!s->in_file && !f.memory) f.memory = "";
    *s = (Spool){.fd = -1};
    return f;
}

static int in_memory(dlg_device *dev, const char *path, int fd, DataFile *out) {
    size_t len;
    TRY(take(dev, path, fd, &out->owned, &len));
    out->memory = out->owned;
    out->bytes = len;
    return DLG_OK;
}

/* A spool that was filled: in memory, with a NUL behind it, or in a temporary file. It is taken over or closed. */
static int take_spool(Spool *spool, int status, DataFile *out) {
    char *nul = NULL;
    if (status == DLG_OK && !spool->in_file) {
        spool->limit = UINT64_MAX;
        status = spool_room(spool, 1, &nul);
    }
    if (nul) *nul = 0;
    if (status == DLG_OK)
        *out = data_of_spool(spool);
    else
        spool_close(spool);
    return status;
}

/* What a compressed file holds. */
static int unpack(dlg_device *dev, const char *path, int fd, uint64_t packed, uint64_t memory_bytes,
                  DataFile *out) {
    Spool spool;
    spool_open(&spool, dev, memory_bytes);
    return take_spool(&spool, gzip_spool(dev, path, fd, data_file_unpacked_limit(packed), &spool),
                      out);
}

/* All that comes from a pipe. */
static int fill_from(dlg_device *dev, const char *path, int fd, Spool *spool) {
    for (ssize_t n = 1; n > 0;) {
        char *to;
        TRY(spool_room(spool, PIECE_BYTES, &to));
        do n = read(fd, to, PIECE_BYTES);
        while (n < 0 && errno == EINTR);
        if (n < 0) return rt_fail(dev, DLG_ERR_FILE, "cannot read %s: %s", path, strerror(errno));
        spool_take(spool, (size_t)n);
        if (spool_bytes(spool) > DATA_FILE_LIMIT_BYTES)
            return rt_fail(dev, DLG_ERR_FILE, "%s gave more than %llu bytes, the most for data",
                           path, (unsigned long long)DATA_FILE_LIMIT_BYTES);
    }
    return spool_end(spool);
}

/* A pipe is opened once and read to its end: it cannot be gone back in. */
static int from_pipe(dlg_device *dev, const char *path, int fd, uint64_t memory_bytes,
                     DataFile *out) {
    Spool spool;
    DataFile packed;
    spool_open(&spool, dev, is_packed(path) ? 0 : memory_bytes);
    int status = fill_from(dev, path, fd, &spool);
    if (!is_packed(path)) return take_spool(&spool, status, out);
    TRY(take_spool(&spool, status, &packed));
    status = unpack(dev, path, packed.fd, packed.bytes, memory_bytes, out);
    data_close(&packed);
    return status;
}

/* Takes the file over. */
static int open_taken(dlg_device *dev, const char *path, int fd, const struct stat *st,
                      uint64_t memory_bytes, DataFile *out) {
    bool regular = S_ISREG(st->st_mode);
    uint64_t bytes = (uint64_t)st->st_size;
    if (S_ISDIR(st->st_mode) || memory_bytes == UINT64_MAX ||
        (regular && !is_packed(path) && bytes <= memory_bytes))
        return in_memory(dev, path, fd, out);
    if (regular && !is_packed(path)) {
        *out = (DataFile){.fd = fd, .fd_open = true, .bytes = bytes};
        return DLG_OK;
    }
    int status = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)
                     ? rt_fail(dev, DLG_ERR_FILE,
                               "cannot read %s: it is a device, which may have no end", path)
                 : regular ? unpack(dev, path, fd, bytes, memory_bytes, out)
                           : from_pipe(dev, path, fd, memory_bytes, out);
    close(fd);
    return status;
}

int data_there(dlg_device *dev, const char *path) {
    if (access(path, F_OK) == 0) return DLG_OK;
    return rt_fail(dev, DLG_ERR_FILE, "cannot open %s: %s", path, strerror(errno));
}

int data_open(dlg_device *dev, const char *path, uint64_t memory_bytes, DataFile *out) {
    struct stat st;
    *out = (DataFile){.fd = -1};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return rt_fail(dev, DLG_ERR_FILE, "cannot open %s: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0) {
        int error = errno;
        close(fd);
        return rt_fail(dev, DLG_ERR_FILE, "cannot read %s: %s", path, strerror(error));
    }
    return open_taken(dev, path, fd, &st, memory_bytes, out);
}

int data_again(dlg_device *dev, const char *path, const DataFile *f, DataFile *out) {
    *out = (DataFile){.fd = -1, .bytes = f->bytes};
    if (!f->memory) {
        out->fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
        out->fd_open = out->fd >= 0;
        return out->fd_open
                   ? DLG_OK
                   : rt_fail(dev, DLG_ERR_FILE, "cannot open %s: %s", path, strerror(errno));
    }
    out->memory = out->owned = malloc((size_t)f->bytes + 1);
    if (!out->owned) return rt_no_memory(dev, f->bytes);
    memcpy(out->owned, f->memory, (size_t)f->bytes);
    return DLG_OK;
}

int data_at(dlg_device *dev, const char *path, const DataFile *f, uint64_t at, size_t bytes,
            void *to) {
    if (!f->memory) return data_pread(dev, path, f->fd, at, bytes, to);
    if (bytes) memcpy(to, f->memory + at, bytes);
    return DLG_OK;
}

void data_close(DataFile *f) {
    free(f->owned);
    if (f->fd_open) close(f->fd);
    *f = (DataFile){.fd = -1};
}

/* Up to 19 digits are gathered in an integer; where it and the power of ten are exact in double (53 bits, 10^22) one
 * multiplication or division rounds right; the rest goes to rt_parse_f64 (Clinger 1990, the fast path). */
static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const double power_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool data_number(const char *text, size_t len, double *value) {
    const char *at = text, *end = text + len;
    bool negative = false, exact = true;
    if (at < end && (*at == '-' || *at == '+')) negative = *at++ == '-';
    uint64_t digits = 0;
    int count = 0, scale = 0;
    const char *first = at;
    for (; at < end && is_digit(*at); at++) {
        if (count < 19) {
            digits = digits * 10 + (uint64_t)(*at - '0');
            count += digits != 0;
        } else {
            exact = false;
        }
    }
    size_t seen = (size_t)(at - first);
    if (at < end && *at == '.') {
        first = ++at;
        for (; at < end && is_digit(*at); at++) {
            if (count < 19 && scale > -400) {
                digits = digits * 10 + (uint64_t)(*at - '0');
                count += digits != 0;
                scale--;
            } else {
                exact = false;
            }
        }
        seen += (size_t)(at - first);
    }
    if (seen == 0) return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool down = false;
        int power = 0;
        if (at < end && (*at == '-' || *at == '+')) down = *at++ == '-';
        if (at == end || !is_digit(*at)) return false;
        for (; at < end && is_digit(*at); at++)
            if (power < 100000) power = power * 10 + (*at - '0');
        scale += down ? -power : power;
    }
    if (at != end) return false;
    if (exact && digits <= (uint64_t)1 << 53 && scale >= -22 && scale <= 22) {
        double v = (double)digits;
        v = scale < 0 ? v / power_of_ten[-scale] : v * power_of_ten[scale];
        *value = negative ? -v : v;
        return true;
    }
    return rt_parse_f64(text, end, value) == end && isfinite(*value);
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

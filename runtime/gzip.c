/* gzip: whole files that are compressed, by zlib.
 *
 * Requires nothing of the file. Establishes: all members are whole and their checksums right; what comes
 * out is bounded before memory is asked for, since a thousandth of it can be enough to make it.
 * Source: RFC 1952. */
#include "data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    GZIP_WINDOW = 15 + 16, /* the format's largest window; nothing but gzip */
    INPUT_BYTES = 64 << 10,
    OUTPUT_BYTES = 128 << 10,
    PIECE_BYTES = 1 << 30, /* zlib counts in 32 bits */
    MOST_RATIO = 256,      /* tables and images reach 100, deflate's own limit is 1032 */
};

uint64_t data_file_unpacked_limit(uint64_t packed_bytes) {
    uint64_t limit = (uint64_t)256 << 20, by_ratio;
    if (!rt_mul(packed_bytes, MOST_RATIO, &by_ratio)) by_ratio = UINT64_MAX;
    if (by_ratio > limit) limit = by_ratio;
    return limit < DATA_FILE_LIMIT_BYTES ? limit : DATA_FILE_LIMIT_BYTES;
}

uint64_t data_unpacked_limit(uint64_t packed_bytes) {
    uint64_t limit = data_file_unpacked_limit(packed_bytes);
    return limit < rt_half_memory() ? limit : rt_half_memory();
}

typedef struct Inflating {
    dlg_device *dev;
    const char *path;
    int fd;                           /* that more input comes from; -1: it is all there */
    unsigned char *buffer;            /* INPUT_BYTES of it */
    const unsigned char *bytes, *end; /* the input that is there, */
    uint64_t before;                  /* behind so much */
    uint64_t limit, out_bytes;
    z_stream z;
    Spool *out;
} Inflating;

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static uint64_t place(const Inflating *g) {
    return g->before + (uint64_t)(g->z.next_in - g->bytes);
}

/* How much input is left in memory, which is 0 only at its end. */
static int input_left(Inflating *g, size_t *left) {
    *left = (size_t)(g->end - g->z.next_in);
    if (*left || g->fd < 0) return DLG_OK;
    ssize_t n;
    do n = read(g->fd, g->buffer, INPUT_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0) return rt_fail(g->dev, DLG_ERR_FILE, "cannot read %s: %s", g->path, strerror(errno));
    g->before += (uint64_t)(g->end - g->bytes);
    g->bytes = g->z.next_in = g->buffer;
    g->end = g->buffer + n;
    *left = (size_t)n;
    return DLG_OK;
}

static int damaged(const Inflating *g, const char *why) {
    return rt_fail(g->dev, DLG_ERR_DATA, "%s: the compressed data is damaged at byte %llu: %s",
                   g->path, (unsigned long long)place(g), why);
}

/* One member, from its header to its checksum. */
static int member(Inflating *g) {
    for (;;) {
        char *to;
        size_t left;
        TRY(input_left(g, &left));
        TRY(spool_room(g->out, OUTPUT_BYTES, &to));
        g->z.avail_in = (uInt)least(left, PIECE_BYTES);
        g->z.next_out = (unsigned char *)to;
        g->z.avail_out = OUTPUT_BYTES;
        int code = inflate(&g->z, Z_NO_FLUSH);
        size_t got = OUTPUT_BYTES - g->z.avail_out;
        spool_take(g->out, got);
        g->out_bytes += got;
        if (g->out_bytes > g->limit)
            return rt_fail(
                g->dev, DLG_ERR_DATA,
                "%s: its first %llu bytes decompress to more than %llu, the most that is "
                "read of such a file",
                g->path, (unsigned long long)place(g), (unsigned long long)g->limit);
        if (code == Z_STREAM_END) return DLG_OK;
        if (code == Z_MEM_ERROR) return rt_no_memory(g->dev, 1 << 16);
        if (code != Z_OK && code != Z_BUF_ERROR)
            return damaged(g, g->z.msg ? g->z.msg : "it is not as gzip writes it");
        TRY(input_left(g, &left));
        if (left == 0 && g->z.avail_out > 0)
            return rt_fail(g->dev, DLG_ERR_DATA,
                           "%s: is truncated: its compressed data has no end after %llu bytes",
                           g->path, (unsigned long long)place(g));
    }
}

/* Zeros alone are left, as tapes have them; gzip reads that too. */
static int is_padding(Inflating *g, bool *padding) {
    *padding = true;
    for (size_t left;;) {
        TRY(input_left(g, &left));
        if (left == 0) return DLG_OK;
        if (*g->z.next_in) break;
        g->z.next_in++;
    }
    *padding = false;
    return DLG_OK;
}

static int members(Inflating *g) {
    for (;;) {
        size_t left;
        bool padding;
        TRY(member(g));
        TRY(input_left(g, &left));
        if (left == 0 || *g->z.next_in != 0x1f) {
            TRY(is_padding(g, &padding));
            return padding ? DLG_OK : damaged(g, "what follows its end is not gzip");
        }
        if (inflateReset(&g->z) != Z_OK) return damaged(g, "it cannot be gone on with");
    }
}

static int inflate_all(Inflating *g, uint64_t limit_bytes) {
    size_t left;
    g->limit = limit_bytes < DATA_FILE_LIMIT_BYTES ? limit_bytes : DATA_FILE_LIMIT_BYTES;
    g->z.next_in = (z_const unsigned char *)g->bytes;
    TRY(input_left(g, &left));
    if (left < 2 || memcmp(g->z.next_in, "\x1f\x8b", 2) != 0)
        return rt_fail(g->dev, DLG_ERR_DATA, "%s: is not compressed by gzip, as its name says",
                       g->path);
    if (inflateInit2(&g->z, GZIP_WINDOW) != Z_OK) return rt_no_memory(g->dev, 1 << 16);
    int status = members(g);
    inflateEnd(&g->z);
    return status;
}

int gzip_inflate(dlg_device *dev, const char *path, const char *bytes, size_t len,
                 uint64_t limit_bytes, char **out, size_t *out_len) {
    Spool spool;
    *out = NULL;
    *out_len = 0;
    spool_open(&spool, dev, UINT64_MAX);
    Inflating g = {
        .dev = dev, .path = path, .fd = -1, .bytes = (const unsigned char *)bytes, .out = &spool};
    g.end = g.bytes + len;
    char *nul;
    int status = inflate_all(&g, limit_bytes);
    if (status == DLG_OK) status = spool_room(&spool, 1, &nul);
    if (status == DLG_OK) {
        *nul = 0;
        *out = spool.bytes;
        *out_len = spool.used;
        spool.bytes = NULL;
    }
    spool_close(&spool);
    return status;
}

int gzip_spool(dlg_device *dev, const char *path, int fd, uint64_t limit_bytes, Spool *out) {
    Inflating g = {.dev = dev, .path = path, .fd = fd, .out = out, .buffer = malloc(INPUT_BYTES)};
    if (!g.buffer) return rt_no_memory(dev, INPUT_BYTES);
    g.bytes = g.end = g.buffer;
    int status = inflate_all(&g, limit_bytes);
    if (status == DLG_OK) status = spool_end(out);
    free(g.buffer);
    return status;
}

/* gzip: whole files that are compressed, by zlib.
 *
 * Requires nothing of the file. Establishes: all members are whole and their checksums right; what comes
 * out is bounded before memory is asked for, since a thousandth of it can be enough to make it.
 * Source: RFC 1952. */
#include "data.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    GZIP_WINDOW = 15 + 16, /* the format's largest window; nothing but gzip */
    PIECE_BYTES = 1 << 30, /* zlib counts in 32 bits */
    MOST_RATIO = 256,      /* tables and images reach 100, deflate's own limit is 1032 */
};

uint64_t data_unpacked_limit(uint64_t packed_bytes) {
    uint64_t limit = (uint64_t)256 << 20, by_ratio;
    if (!rt_mul(packed_bytes, MOST_RATIO, &by_ratio)) by_ratio = UINT64_MAX;
    if (by_ratio > limit) limit = by_ratio;
    /* The system gives more memory than it has and ends the process that uses it. */
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0 && limit > (uint64_t)pages * (uint64_t)page / 2)
        limit = (uint64_t)pages * (uint64_t)page / 2;
    return limit < DATA_FILE_LIMIT_BYTES ? limit : DATA_FILE_LIMIT_BYTES;
}

typedef struct Inflating {
    dlg_device *dev;
    const char *path;
    const unsigned char *bytes, *end;
    uint64_t limit;
    z_stream z;
    char *out;
    size_t used, cap;
} Inflating;

static size_t input_left(const Inflating *g) {
    return (size_t)(g->end - g->z.next_in);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Room for at least one byte, which may be the one beyond the limit, and the NUL. */
static int room(Inflating *g) {
    if (g->out && g->used + 1 < g->cap) return DLG_OK;
    uint64_t most = g->limit + 2, want = g->cap ? (uint64_t)g->cap * 2 : 1 << 16;
    if (want > most) want = most;
    if (want > SIZE_MAX) return rt_no_memory(g->dev, want);
    char *more = realloc(g->out, (size_t)want);
    if (!more) return rt_no_memory(g->dev, want);
    g->out = more;
    g->cap = (size_t)want;
    return DLG_OK;
}

static int damaged(const Inflating *g, const char *why) {
    return rt_fail(g->dev, DLG_ERR_DATA, "%s: the compressed data is damaged at byte %zu: %s",
                   g->path, (size_t)(g->z.next_in - g->bytes), why);
}

/* One member, from its header to its checksum. */
static int member(Inflating *g) {
    for (;;) {
        TRY(room(g));
        size_t space = least(g->cap - 1 - g->used, PIECE_BYTES);
        g->z.avail_in = (uInt)least(input_left(g), PIECE_BYTES);
        g->z.next_out = (unsigned char *)g->out + g->used;
        g->z.avail_out = (uInt)space;
        int code = inflate(&g->z, Z_NO_FLUSH);
        g->used += space - g->z.avail_out;
        if (g->used > g->limit)
            return rt_fail(g->dev, DLG_ERR_DATA,
                           "%s: its %zu bytes decompress to more than %llu, the most that is read "
                           "of such a file",
                           g->path, (size_t)(g->end - g->bytes), (unsigned long long)g->limit);
        if (code == Z_STREAM_END) return DLG_OK;
        if (code == Z_MEM_ERROR) return rt_no_memory(g->dev, 1 << 16);
        if (code != Z_OK && code != Z_BUF_ERROR)
            return damaged(g, g->z.msg ? g->z.msg : "it is not as gzip writes it");
        if (input_left(g) == 0 && g->z.avail_out > 0)
            return rt_fail(g->dev, DLG_ERR_DATA,
                           "%s: is truncated: its compressed data has no end after %zu bytes",
                           g->path, (size_t)(g->end - g->bytes));
    }
}

static bool is_padding(const Inflating *g) {
    for (const unsigned char *at = g->z.next_in; at < g->end; at++)
        if (*at) return false;
    return true;
}

static int members(Inflating *g) {
    for (;;) {
        TRY(member(g));
        if (is_padding(g)) return DLG_OK; /* as tapes have it; gzip reads it too */
        if (input_left(g) < 2 || g->z.next_in[0] != 0x1f || g->z.next_in[1] != 0x8b)
            return damaged(g, "what follows its end is not gzip");
        if (inflateReset(&g->z) != Z_OK) return damaged(g, "it cannot be gone on with");
    }
}

int gzip_inflate(dlg_device *dev, const char *path, const char *bytes, size_t len,
                 uint64_t limit_bytes, char **out, size_t *out_len) {
    *out = NULL;
    *out_len = 0;
    if (len < 2 || memcmp(bytes, "\x1f\x8b", 2) != 0)
        return rt_fail(dev, DLG_ERR_DATA, "%s: is not compressed by gzip, as its name says", path);
    Inflating g = {.dev = dev, .path = path, .bytes = (const unsigned char *)bytes};
    g.end = g.bytes + len;
    g.z.next_in = (z_const unsigned char *)g.bytes;
    g.limit = limit_bytes < DATA_FILE_LIMIT_BYTES ? limit_bytes : DATA_FILE_LIMIT_BYTES;
    if (inflateInit2(&g.z, GZIP_WINDOW) != Z_OK) return rt_no_memory(dev, 1 << 16);
    int status = members(&g);
    inflateEnd(&g.z);
    if (status < 0) {
        free(g.out);
        return status;
    }
    g.out[g.used] = 0;
    *out = g.out;
    *out_len = g.used;
    return DLG_OK;
}

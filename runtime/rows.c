/* rows: samples as they lie in a file, read in any order and converted on the way.
 *
 * Requires a file that has all the bytes that its header promised when it was opened. Establishes: what is read is of
 * the input's type, and every value that this cannot hold is an error that names file, row and element; the same rows
 * give the same bytes whether they are read from a file or from memory. */
#define _GNU_SOURCE /* posix_fadvise */
#include "data.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { PIECE_BYTES = 64 << 10, HASH_BYTES = 1 << 20 };

/* ---- Elements ---------------------------------------------------------------------------------- */

Element element_plain(dlg_type type) {
    static const Element plain[] = {
        [DLG_F32] = {'f', 4, false}, [DLG_I32] = {'i', 4, false},  [DLG_BOOL] = {'b', 1, false},
        [DLG_F16] = {'f', 2, false}, [DLG_BF16] = {'h', 2, false}, [DLG_U8] = {'u', 1, false}};
    return plain[type];
}

bool element_is(const Element *e, dlg_type type) {
    Element plain = element_plain(type);
    return e->kind == plain.kind && e->bytes == plain.bytes && !e->swapped;
}

dlg_type element_type(const Element *e) {
    switch (e->kind) {
    case 'f': return e->bytes == 2 ? DLG_F16 : DLG_F32;
    case 'h': return DLG_BF16;
    case 'b': return DLG_BOOL;
    case 'u': return e->bytes == 1 ? DLG_U8 : DLG_I32;
    default: return DLG_I32;
    }
}

static uint64_t bits_at(const Element *e, const unsigned char *at) {
    uint64_t v = 0;
    if (e->swapped)
        for (size_t i = 0; i < e->bytes; i++) v = v << 8 | at[i];
    else
        for (size_t i = e->bytes; i-- > 0;) v = v << 8 | at[i];
    return v;
}

/* Exact but for whole numbers of 64 bits, which round; those fit no whole type of ours either way. */
static bool value_at(const Element *e, const unsigned char *at, double *v) {
    uint64_t bits = bits_at(e, at), sign = (uint64_t)1 << (8 * e->bytes - 1);
    float f;
    switch (e->kind) {
    case 'f':
        if (e->bytes == 8) {
            memcpy(v, &bits, sizeof *v);
        } else if (e->bytes == 4) {
            uint32_t word = (uint32_t)bits;
            memcpy(&f, &word, sizeof f);
            *v = (double)f;
        } else {
            uint16_t half = (uint16_t)bits;
            *v = dlg_element(DLG_F16, &half, 0);
        }
        return true;
    case 'h': {
        uint16_t half = (uint16_t)bits;
        *v = dlg_element(DLG_BF16, &half, 0);
        return true;
    }
    case 'i': /* the sign's bit counts negative */
        *v = (double)(int64_t)((bits ^ sign) - sign);
        return true;
    case 'u': *v = (double)bits; return true;
    default: *v = (double)bits; return bits <= 1;
    }
}

size_t elements_read(const Element *e, const void *from, dlg_type to, void *out, size_t n) {
    const unsigned char *at = from;
    if (element_is(e, to)) {
        memcpy(out, from, n * e->bytes);
        if (to != DLG_BOOL) return n;
        for (size_t i = 0; i < n; i++)
            if (at[i] > 1) return i;
        return n;
    }
    if (to == DLG_F32 && e->kind == 'u' && e->bytes == 1) { /* pixels */
        for (size_t i = 0; i < n; i++) ((float *)out)[i] = (float)at[i];
        return n;
    }
    for (size_t i = 0; i < n; i++, at += e->bytes) {
        double v;
        if (!value_at(e, at, &v) || dlg_put_element(to, out, i, v) < 0) return i;
    }
    return n;
}

const char *element_wanted(dlg_type to) {
    static const char *const wanted[] = {
        "within the range of f32", "a whole number that fits i32", "0 or 1",
        "within the range of f16", "within the range of bf16",     "a whole number from 0 to 255"};
    return wanted[to];
}

/* ---- Rows --------------------------------------------------------------------------------------- */

static int convert(dlg_device *dev, const Rows *r, const char *from, size_t row, size_t first,
                   size_t n, char *to) {
    size_t good = elements_read(&r->element, from, r->type, to, n);
    if (good == n) return DLG_OK;
    return rt_fail(dev, DLG_ERR_DATA, "%s: row %zu: element %zu of the sample is not %s", r->path,
                   row, first + good, element_wanted(r->type));
}

/* One sample. */
static int read_one(dlg_device *dev, const Rows *r, size_t row, char *to) {
    char piece[PIECE_BYTES];
    uint64_t at = r->start + (uint64_t)row * r->stride;
    size_t most = sizeof piece / r->element.bytes;
    for (size_t done = 0; done < r->elems;) {
        size_t n = r->elems - done < most ? r->elems - done : most;
        const char *from = r->memory ? r->memory + at : piece;
        if (!r->memory) TRY(data_pread(dev, r->path, r->fd, at, n * r->element.bytes, piece));
        TRY(convert(dev, r, from, row, done, n, to));
        at += n * r->element.bytes;
        to += n * dlg_type_bytes(r->type);
        done += n;
    }
    return DLG_OK;
}

/* Some that lie together and are wanted as they are. */
static int read_plain(dlg_device *dev, const Rows *r, size_t first, size_t count, char *to) {
    uint64_t at = r->start + (uint64_t)first * r->stride;
    if (!r->memory) return data_pread(dev, r->path, r->fd, at, count * r->stride, to);
    memcpy(to, r->memory + at, count * r->stride);
    return DLG_OK;
}

int rows_read(dlg_device *dev, const Rows *r, size_t first, size_t count, void *to) {
    size_t bytes = r->elems * dlg_type_bytes(r->type);
    bool together = r->stride == r->elems * r->element.bytes;
    if (together && element_is(&r->element, r->type) && r->type != DLG_BOOL)
        return read_plain(dev, r, first, count, to);
    size_t most = PIECE_BYTES / (r->stride ? r->stride : 1);
    if (!together || r->memory || most < 2 || count < 2) {
        for (size_t i = 0; i < count; i++) TRY(read_one(dev, r, first + i, (char *)to + i * bytes));
        return DLG_OK;
    }
    char piece[PIECE_BYTES]; /* small samples, several at a time */
    for (size_t done = 0; done < count;) {
        size_t n = count - done < most ? count - done : most;
        uint64_t at = r->start + (uint64_t)(first + done) * r->stride;
        TRY(data_pread(dev, r->path, r->fd, at, n * r->stride, piece));
        for (size_t i = 0; i < n; i++)
            TRY(convert(dev, r, piece + i * r->stride, first + done + i, 0, r->elems,
                        (char *)to + (done + i) * bytes));
        done += n;
    }
    return DLG_OK;
}

void rows_ahead(const Rows *r, size_t first, size_t count) {
    if (r->memory) return;
    /* It is advice: where the system does not take it, reading waits. */
    posix_fadvise(r->fd, (off_t)(r->start + (uint64_t)first * r->stride),
                  (off_t)(count * r->stride), POSIX_FADV_WILLNEED);
}

void rows_of_file(Rows *r, DataFile *f) {
    r->fd = f->fd;
    r->fd_open = f->fd_open;
    r->memory = f->memory;
    r->owned = f->owned;
    *f = (DataFile){.fd = -1};
}

void rows_of_spool(Rows *r, Spool *s) {
    DataFile f = data_of_spool(s);
    r->element = element_plain(r->type);
    r->start = 0;
    r->stride = r->elems * r->element.bytes;
    rows_of_file(r, &f);
}

void rows_close(Rows *r) {
    free(r->path);
    free(r->owned);
    if (r->fd_open) close(r->fd);
    *r = (Rows){0};
}

/* ---- The samples of an input --------------------------------------------------------------------- */

int field_read(dlg_device *dev, const Field *f, size_t first, size_t count, void *to) {
    if (!f->values) return rows_read(dev, &f->rows, first, count, to);
    memcpy(to, (const char *)f->values + first * f->bytes, count * f->bytes);
    return DLG_OK;
}

/* So many samples at a time, for those who go through all. */
size_t field_piece(const Field *f) {
    return f->bytes >= HASH_BYTES ? 1 : HASH_BYTES / f->bytes;
}

int field_hash(dlg_device *dev, const Field *f, size_t rows, uint64_t seed, uint64_t *hash) {
    if (f->values) {
        *hash = rt_hash(f->values, rows * f->bytes, seed);
        return DLG_OK;
    }
    size_t piece = field_piece(f);
    char *bytes = malloc(piece * f->bytes);
    XXH64_state_t *state = XXH64_createState();
    int status = bytes && state ? DLG_OK : rt_no_memory(dev, piece * f->bytes);
    if (status == DLG_OK) XXH64_reset(state, seed);
    for (size_t at = 0; status == DLG_OK && at < rows; at += piece) {
        size_t n = rows - at < piece ? rows - at : piece;
        status = rows_read(dev, &f->rows, at, n, bytes);
        if (status == DLG_OK) XXH64_update(state, bytes, n * f->bytes);
    }
    if (status == DLG_OK) *hash = XXH64_digest(state);
    XXH64_freeState(state);
    free(bytes);
    return status;
}

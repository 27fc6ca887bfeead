/* array: arrays in files: which format it is follows from the file's name; what it holds, from its head alone; its
 * elements are read when they are wanted.
 *
 * Establishes: of an array that was opened the file has every byte; samples along any axis and in either order of the
 * file come one after the other, each in C order. */
#include "data.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE_ELEMS = 32 << 10 };

/* "-idx3-ubyte" and the like, as the files of MNIST are called (or ".idx3-ubyte"); ".idx". */
static bool is_idx(const char *path) {
    const char *name = strrchr(path, '/');
    if (data_is(path, ".idx")) return true;
    for (name = name ? name + 1 : path; (name = strstr(name, "idx")); name += 3)
        if (name > path && (name[-1] == '-' || name[-1] == '.') && name[3] >= '1' &&
            name[3] <= '9' && name[4] == '-')
            return true;
    return false;
}

ArrayKind array_kind(const char *path) {
    return data_is(path, ".npy")           ? ARRAY_NPY
           : data_is(path, ".npz")         ? ARRAY_NPZ
           : data_is(path, ".safetensors") ? ARRAY_TENSORS
           : is_idx(path)                  ? ARRAY_IDX
                                           : ARRAY_NONE;
}

const char *array_member(const char *source, size_t *path_len) {
    static const char *const ends[] = {".npz:", ".safetensors:"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *end = strstr(source, ends[i]);
        if (!end) continue;
        end += strlen(ends[i]);
        *path_len = (size_t)(end - source) - 1;
        return end;
    }
    *path_len = strlen(source);
    return NULL;
}

int array_check(dlg_device *dev, const char *path, ArrayHead *h, uint64_t data_len) {
    uint64_t elems = 1;
    bool empty = false;
    for (int i = 0; i < h->rank; i++) empty |= h->shape[i] == 0;
    for (int i = 0; !empty && i < h->rank; i++) {
        /* No more elements than there are bytes: so nothing below overflows. */
        if ((uint64_t)h->shape[i] > data_len / elems)
            return rt_fail(dev, DLG_ERR_DATA,
                           "%s: is truncated: its header promises more than its %llu bytes of data",
                           path, (unsigned long long)data_len);
        elems *= (uint64_t)h->shape[i];
    }
    h->elems = empty ? 0 : (size_t)elems;
    if (h->elems > data_len / h->element.bytes || (uint64_t)h->elems * h->element.bytes != data_len)
        return rt_fail(
            dev, DLG_ERR_DATA, "%s: has %llu bytes of data where its header promises %llu", path,
            (unsigned long long)data_len, (unsigned long long)h->elems * h->element.bytes);
    return DLG_OK;
}

static int head(dlg_device *dev, const char *path, const DataFile *file, ArrayHead *h) {
    return array_kind(path) == ARRAY_IDX ? idx_head(dev, path, file, h)
                                         : npy_head(dev, path, file, h);
}

int array_open(dlg_device *dev, const char *path, const char *member, bool given,
               uint64_t memory_bytes, DataFile *file, ArrayHead *h) {
    ArrayKind kind = array_kind(path);
    *h = (ArrayHead){0};
    TRY(data_open(dev, path, memory_bytes, file));
    int status = DLG_OK;
    if (kind == ARRAY_TENSORS) {
        status = tensors_head(dev, path, file, member, given, h);
    } else {
        DataFile part = {0};
        if (kind == ARRAY_NPZ) {
            status = npz_open(dev, path, file, member, given, memory_bytes, &part);
            data_close(file);
            *file = part;
        }
        if (status == DLG_OK) status = head(dev, path, file, h);
    }
    if (status < 0) data_close(file);
    return status;
}

/* ---- Whole arrays -------------------------------------------------------------------------------- */

/* In C order, whatever the file's, from all of its bytes. Returns the first element that does not fit, or how many
 * there are. */
static size_t take_all(const ArrayHead *h, const char *data, dlg_type type, char *values) {
    if (!h->fortran || h->elems == 0)
        return elements_read(&h->element, data, type, values, h->elems);
    int64_t at[ARRAY_MAX_RANK] = {0}, stride[ARRAY_MAX_RANK] = {0}, step = 1, offset = 0;
    for (int a = 0; a < h->rank; a++) { /* of the file, in elements */
        stride[a] = step;
        step *= h->shape[a];
    }
    for (size_t i = 0; i < h->elems; i++) {
        if (elements_read(&h->element, data + (size_t)offset * h->element.bytes, type,
                          values + i * dlg_type_bytes(type), 1) == 0)
            return i;
        for (int a = h->rank - 1; a >= 0; a--) {
            offset += stride[a];
            if (++at[a] < h->shape[a]) break;
            offset -= stride[a] * at[a];
            at[a] = 0;
        }
    }
    return h->elems;
}

int array_values(dlg_device *dev, const char *path, const DataFile *file, const ArrayHead *h,
                 dlg_type type, void **values) {
    uint64_t bytes = (uint64_t)h->elems * h->element.bytes;
    char *out = malloc(h->elems ? h->elems * dlg_type_bytes(type) : 1), *read = NULL;
    int status = out ? DLG_OK : rt_no_memory(dev, (uint64_t)h->elems * dlg_type_bytes(type));
    if (status == DLG_OK && !file->memory) {
        read = malloc(bytes ? (size_t)bytes : 1);
        status = read ? data_at(dev, path, file, h->start, (size_t)bytes, read)
                      : rt_no_memory(dev, bytes);
    }
    if (status == DLG_OK) {
        size_t good = take_all(h, read ? read : file->memory + h->start, type, out);
        if (good < h->elems)
            status = rt_fail(dev, DLG_ERR_DATA, "%s: element %zu is not %s", path, good,
                             element_wanted(type));
    }
    free(read);
    *values = status == DLG_OK ? out : NULL;
    if (status < 0) free(out);
    return status;
}

int array_take(dlg_device *dev, const char *path, const DataFile *file, const ArrayHead *h,
               Array *out) {
    *out = (Array){.type = element_type(&h->element), .rank = h->rank, .elems = h->elems};
    memcpy(out->shape, h->shape, sizeof out->shape);
    return array_values(dev, path, file, h, out->type, &out->values);
}

int array_read(dlg_device *dev, const char *path, const char *member, bool given, Array *out) {
    DataFile file;
    ArrayHead h;
    *out = (Array){0};
    TRY(array_open(dev, path, member, given, UINT64_MAX, &file, &h));
    int status = array_take(dev, path, &file, &h, out);
    data_close(&file);
    return status;
}

void array_free(Array *a) {
    free(a->values);
    a->values = NULL;
}

/* ---- Samples -------------------------------------------------------------------------------------- */

/* How an array's elements lie to the samples along an axis: for each place along the axes that are slower in the file
 * all samples follow each other, in pieces of `inner` elements. */
typedef struct Lie {
    size_t rows, outer, inner;
    size_t *place; /* in the sample, in C order, of element (o, i) of it in the file's order */
    bool together; /* samples lie one after the other, as they are wanted */
} Lie;

static int find_lie(dlg_device *dev, const ArrayHead *h, int axis, Lie *lie) {
    size_t stride[ARRAY_MAX_RANK] = {0}, step = 1, elems;
    *lie = (Lie){.rows = (size_t)h->shape[axis], .outer = 1, .inner = 1};
    for (int a = h->rank - 1; a >= 0; a--) { /* of the sample */
        if (a == axis) continue;
        stride[a] = step;
        step *= (size_t)h->shape[a];
    }
    for (int a = 0; a < h->rank; a++)
        if (a != axis)
            *((h->fortran ? a > axis : a < axis) ? &lie->outer : &lie->inner) *=
                (size_t)h->shape[a];
    elems = lie->outer * lie->inner;
    lie->place = malloc((elems ? elems : 1) * sizeof *lie->place);
    if (!lie->place) return rt_no_memory(dev, elems * sizeof *lie->place);
    size_t at[ARRAY_MAX_RANK] = {0};
    lie->together = lie->outer == 1;
    for (size_t k = 0; k < elems; k++) {
        lie->place[k] = 0;
        for (int a = 0; a < h->rank; a++) lie->place[k] += at[a] * stride[a];
        lie->together &= lie->place[k] == k;
        for (int s = 0; s < h->rank; s++) { /* the fastest axis of the file first */
            int a = h->fortran ? s : h->rank - 1 - s;
            if (a == axis) continue;
            if (++at[a] < (size_t)h->shape[a]) break;
            at[a] = 0;
        }
    }
    return DLG_OK;
}

/* `count` samples from the `first` on to `to`, one after the other. `piece` holds count x inner elements. */
static int gather_samples(dlg_device *dev, Rows *r, const DataFile *file, const ArrayHead *h,
                          const Lie *lie, size_t first, size_t count, char *piece, char *to) {
    size_t width = dlg_type_bytes(r->type);
    for (size_t o = 0; o < lie->outer; o++) {
        uint64_t at = h->start + ((uint64_t)o * lie->rows + first) * lie->inner * h->element.bytes;
        TRY(data_at(dev, r->path, file, at, count * lie->inner * h->element.bytes, piece));
        for (size_t k = 0; k < count * lie->inner; k++) {
            size_t row = k / lie->inner, place = lie->place[o * lie->inner + k % lie->inner];
            if (elements_read(&h->element, piece + k * h->element.bytes, r->type,
                              to + (row * r->elems + place) * width, 1))
                continue;
            return rt_fail(dev, DLG_ERR_DATA, "%s: row %zu: element %zu of the sample is not %s",
                           r->path, first + row, place, element_wanted(r->type));
        }
    }
    return DLG_OK;
}

/* Samples that do not lie together are put so, in a spool. */
static int rearrange(dlg_device *dev, DataFile *file, const ArrayHead *h, const Lie *lie,
                     uint64_t memory_bytes, Rows *r) {
    Spool spool;
    size_t bytes = r->elems * dlg_type_bytes(r->type),
           most = PIECE_ELEMS / (r->elems ? r->elems : 1);
    if (most == 0) most = 1;
    spool_open(&spool, dev, memory_bytes);
    char *piece = malloc(most * lie->inner * h->element.bytes), *to;
    int status = piece ? DLG_OK : rt_no_memory(dev, most * lie->inner * h->element.bytes);
    for (size_t at = 0; status == DLG_OK && at < lie->rows; at += most) {
        size_t n = lie->rows - at < most ? lie->rows - at : most;
        status = spool_room(&spool, n * bytes, &to);
        if (status == DLG_OK) status = gather_samples(dev, r, file, h, lie, at, n, piece, to);
        if (status == DLG_OK) spool_take(&spool, n * bytes);
    }
    free(piece);
    data_close(file);
    if (status == DLG_OK) status = spool_end(&spool);
    if (status < 0)
        spool_close(&spool);
    else
        rows_of_spool(r, &spool);
    return status;
}

int array_rows(dlg_device *dev, const char *path, DataFile *file, const ArrayHead *h, int axis,
               dlg_type type, uint64_t memory_bytes, Rows *r) {
    Lie lie;
    int status = find_lie(dev, h, axis, &lie);
    *r = (Rows){.type = type, .elems = lie.outer * lie.inner, .path = strdup(path)};
    if (status == DLG_OK && !r->path) status = rt_no_memory(dev, strlen(path));
    if (status == DLG_OK && lie.together) {
        r->element = h->element;
        r->start = h->start;
        r->stride = r->elems * h->element.bytes;
        rows_of_file(r, file);
    } else if (status == DLG_OK) {
        status = rearrange(dev, file, h, &lie, memory_bytes, r);
    }
    free(lie.place);
    if (status < 0) {
        data_close(file);
        rows_close(r);
    }
    return status;
}

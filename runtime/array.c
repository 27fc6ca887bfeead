/* array: whole arrays from files; which format it is follows from the file's name. */
#include "data.h"

#include <stdlib.h>
#include <string.h>

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
    return data_is(path, ".npy")   ? ARRAY_NPY
           : data_is(path, ".npz") ? ARRAY_NPZ
           : is_idx(path)          ? ARRAY_IDX
                                   : ARRAY_NONE;
}

const char *array_member(const char *source, size_t *path_len) {
    const char *colon = strstr(source, ".npz:");
    *path_len = colon ? (size_t)(colon - source) + 4 : strlen(source);
    return colon ? colon + 5 : NULL;
}

int array_parse(dlg_device *dev, const char *path, const char *bytes, size_t len,
                const char *member, bool given, Array *out) {
    switch (array_kind(path)) {
    case ARRAY_IDX: return idx_parse(dev, path, bytes, len, out);
    case ARRAY_NPZ: return npz_parse(dev, path, bytes, len, member, given, out);
    default: return npy_parse(dev, path, bytes, len, out);
    }
}

int array_read(dlg_device *dev, const char *path, const char *member, bool given, Array *out) {
    char *bytes;
    size_t len;
    *out = (Array){0};
    TRY(data_file_read(dev, path, &bytes, &len));
    int status = array_parse(dev, path, bytes, len, member, given, out);
    free(bytes);
    return status;
}

void array_free(Array *a) {
    free(a->values);
    a->values = NULL;
}

int array_count(dlg_device *dev, const char *path, Array *a, size_t elem_bytes, size_t data_len) {
    size_t elems = 1;
    bool empty = false;
    for (int i = 0; i < a->rank; i++) empty |= a->shape[i] == 0;
    for (int i = 0; !empty && i < a->rank; i++) {
        /* No more elements than there are bytes: so nothing below overflows. */
        if ((uint64_t)a->shape[i] > data_len / elems)
            return rt_fail(dev, DLG_ERR_DATA,
                           "%s: is truncated: its header promises more than its %zu bytes of data",
                           path, data_len);
        elems *= (size_t)a->shape[i];
    }
    a->elems = empty ? 0 : elems;
    if (a->elems > data_len / elem_bytes || a->elems * elem_bytes != data_len)
        return rt_fail(dev, DLG_ERR_DATA, "%s: has %zu bytes of data where its header promises %zu",
                       path, data_len, a->elems * elem_bytes);
    a->values = malloc(a->elems ? a->elems * dlg_type_bytes(a->type) : 1);
    return a->values ? DLG_OK : rt_no_memory(dev, a->elems * dlg_type_bytes(a->type));
}

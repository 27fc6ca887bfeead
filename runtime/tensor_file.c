/* tensor_file: whole tensors from and to files. */
#include <stdlib.h>
#include <string.h>
#include "data.h"

static void shape_words(char *out, size_t size, int rank, const int64_t *shape) {
    size_t n = (size_t)snprintf(out, size, "%s", rank ? "" : "scalar");
    for (int a = 0; a < rank && n < size; a++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", a ? "x" : "", (long long)shape[a]);
}

static int read_array(dlg_program *prog, const dlg_tensor *t, const char *path, const char *member,
                      void **values) {
    DataFile file;
    ArrayHead h;
    TRY(array_open(prog->dev, path, member ? member : t->user_name, member != NULL, UINT64_MAX,
                   &file, &h));
    bool fits = h.rank == t->rank;
    for (int i = 0; fits && i < t->rank; i++) fits = h.shape[i] == t->shape[i];
    int status;
    if (fits) {
        status = array_values(prog->dev, path, &file, &h, t->type, values);
    } else {
        char have[160], want[160];
        shape_words(have, sizeof have, h.rank, h.shape);
        shape_words(want, sizeof want, t->rank, t->shape);
        status = rt_fail(prog->dev, DLG_ERR_SIZE, "%s: its shape is %s; `%s` has %s", path, have,
                         t->name, want);
    }
    data_close(&file);
    return status;
}

static int read_table(dlg_program *prog, const dlg_tensor *t, const char *path, void **values) {
    CsvTake all = {.begin = 0, .end = CSV_ALL, .type = t->type};
    CsvInfo info;
    TRY(csv_read(prog->dev, path, &all, 1, 0, &info));
    uint64_t elems = (uint64_t)info.rows * info.columns; /* less than the file has bytes */
    if (elems != t->elems) {
        free(all.values);
        return rt_fail(prog->dev, DLG_ERR_SIZE,
                       "%s: has %zu row%s of %zu number%s; `%s` takes %llu in all", path, info.rows,
                       info.rows == 1 ? "" : "s", info.columns, info.columns == 1 ? "" : "s",
                       t->name, (unsigned long long)t->elems);
    }
    *values = all.values;
    return DLG_OK;
}

static int read_file(dlg_program *prog, const dlg_tensor *t, const char *path, const char *member,
                     void **values) {
    if (array_kind(path) != ARRAY_NONE) return read_array(prog, t, path, member, values);
    if (data_is(path, ".csv")) return read_table(prog, t, path, values);
    return rt_fail(
        prog->dev, DLG_ERR_UNSUPPORTED,
        "%s: a tensor is read from an .npy, .npz, .safetensors, IDX or .csv file, by their names",
        path);
}

int dlg_set_file(dlg_program *prog, const char *name, const char *source) {
    const dlg_tensor *t;
    void *values = NULL;
    size_t len;
    TRY(rt_find(prog, name, &t));
    const char *member = array_member(source, &len);
    char *path = strndup(source, len);
    if (!path) return rt_no_memory(prog->dev, len);
    int status = read_file(prog, t, path, member, &values);
    if (status == DLG_OK) {
        status = rt_set(prog, t, values);
        free(values);
    }
    free(path);
    return status;
}

int dlg_get_file(dlg_program *prog, const char *name, const char *path) {
    const dlg_tensor *t;
    TRY(rt_find(prog, name, &t));
    void *values = malloc((size_t)t->bytes);
    if (!values) return rt_no_memory(prog->dev, t->bytes);
    int status = rt_get(prog, t, values);
    if (status == DLG_OK) status = npy_write(prog->dev, path, t->type, t->rank, t->shape, values);
    free(values);
    return status;
}

int dlg_array_write(dlg_device *dev, const char *path, dlg_type type, int rank,
                    const int64_t *shape, const void *values) {
    if (rank < 0 || rank > ARRAY_MAX_RANK)
        return rt_fail(dev, DLG_ERR_USAGE, "%s: an array of %d axes", path, rank);
    return npy_write(dev, path, type, rank, shape, values);
}

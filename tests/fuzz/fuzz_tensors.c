/* Any bytes as a safetensors file that data is taken from: one tensor as a whole, and its samples along an axis, in so
 * little memory that some lie in a temporary file. The size says whether the tensor is named. */
#include "fuzz.h"

static int parse(dlg_device *dev, const char *path, const char *bytes, size_t len, Array *out) {
    DataFile file = data_in_memory(bytes, len);
    ArrayHead head;
    *out = (Array){0};
    TRY(tensors_head(dev, path, &file, "x", len % 2, &head));
    return array_take(dev, path, &file, &head, out);
}

/* The samples along the last axis, read one by one, or why they cannot be. */
static void check_rows(const uint8_t *data, size_t size) {
    enum { MOST_ELEMS = 4096, MEMORY = 64 };
    dlg_device *dev = fuzz_device();
    char *bytes = fuzz_copy(data, size, 0);
    DataFile file = data_in_memory(bytes, size);
    ArrayHead head;
    Rows rows = {.fd = -1};
    float *sample = NULL;
    if (tensors_head(dev, "fuzz.safetensors", &file, "x", size % 2, &head) == DLG_OK &&
        head.rank > 0 && head.elems > 0 && head.elems < MOST_ELEMS) {
        int axis = head.rank - 1;
        size_t count = (size_t)head.shape[axis], elems = (size_t)head.elems / count;
        int status =
            array_rows(dev, "fuzz.safetensors", &file, &head, axis, DLG_F32, MEMORY, &rows);
        sample = calloc(elems, sizeof *sample);
        require(sample != NULL);
        for (size_t i = 0; status == DLG_OK && i < count; i++)
            status = rows_read(dev, &rows, i, 1, sample);
        require_told(dev, status);
    }
    free(sample);
    rows_close(&rows);
    free(bytes);
    dlg_device_close(dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_array(data, size, "fuzz.safetensors", parse);
    check_rows(data, size);
    return 0;
}

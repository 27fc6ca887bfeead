/* Any bytes as a safetensors file of data. */
#include <stdlib.h>
#include <string.h>
#include "data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dlg_device *dev = NULL;
    ArrayHead h;
    Array a = {0};
    if (dlg_device_open(&dev, "none") < 0) abort();
    char *bytes = malloc(size + 1);
    if (!bytes) abort();
    if (size) memcpy(bytes + 1, data, size);
    DataFile file = data_in_memory(bytes + 1, size);
    int status = tensors_head(dev, "fuzz.safetensors", &file, "x", size % 2, &h);
    if (status == DLG_OK && h.start + h.elems * h.element.bytes > size) abort();
    if (status == DLG_OK) status = array_take(dev, "fuzz.safetensors", &file, &h, &a);
    if (status < 0 ? a.values || !*dlg_error_text(dev) : !a.values) abort();
    array_free(&a);
    free(bytes);
    dlg_device_close(dev);
    return 0;
}

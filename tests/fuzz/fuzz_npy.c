/* Any bytes as an .npy file. */
#include <stdlib.h>
#include <string.h>
#include "data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dlg_device *dev = NULL;
    Array a;
    if (dlg_device_open(&dev, "none") < 0) abort();
    char *bytes = malloc(size ? size : 1);
    if (!bytes) abort();
    if (size) memcpy(bytes, data, size);
    int status = npy_parse(dev, "fuzz.npy", bytes, size, &a);
    if (status < 0 ? a.values || !*dlg_error_text(dev) : a.elems > size) abort();
    array_free(&a);
    free(bytes);
    dlg_device_close(dev);
    return 0;
}

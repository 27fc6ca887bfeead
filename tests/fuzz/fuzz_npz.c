/* Any bytes as an archive of arrays. */
#include <stdlib.h>
#include <string.h>
#include "data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dlg_device *dev = NULL;
    Array a;
    if (dlg_device_open(&dev, "none") < 0) abort();
    char *bytes = malloc(size + 1);
    if (!bytes) abort();
    if (size) memcpy(bytes + 1, data, size);
    int status = npz_parse(dev, "fuzz.npz", bytes + 1, size, "x", size % 2, &a);
    if (status < 0 ? a.values || !*dlg_error_text(dev) : !a.values) abort();
    array_free(&a);
    free(bytes);
    dlg_device_close(dev);
    return 0;
}

/* Any bytes as a compressed file, of which at most a megabyte is taken. */
#include <stdlib.h>
#include <string.h>
#include "data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dlg_device *dev = NULL;
    char *out;
    size_t len;
    if (dlg_device_open(&dev, "none") < 0) abort();
    char *bytes = malloc(size ? size : 1);
    if (!bytes) abort();
    if (size) memcpy(bytes, data, size);
    int status = gzip_inflate(dev, "fuzz.gz", bytes, size, 1 << 20, &out, &len);
    if (status < 0 ? out || len || !*dlg_error_text(dev) : !out || len > 1 << 20 || out[len])
        abort();
    free(out);
    free(bytes);
    dlg_device_close(dev);
    return 0;
}

/* Any bytes as a compressed file, of which at most a megabyte is taken. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dlg_device *dev = fuzz_device();
    char *out, *bytes = fuzz_copy(data, size, 0);
    size_t len;
    int status = gzip_inflate(dev, "fuzz.gz", bytes, size, 1 << 20, &out, &len);
    require_told(dev, status);
    require(status < 0 ? !out && !len : out && len <= 1 << 20 && !out[len]);
    free(out);
    free(bytes);
    dlg_device_close(dev);
    return 0;
}

/* Any bytes as an archive of arrays, of which one is named or not. */
#include "fuzz.h"

static int parse_named(dlg_device *dev, const char *path, const char *bytes, size_t len,
                       Array *out) {
    return npz_parse(dev, path, bytes, len, "x", true, out);
}

static int parse_only(dlg_device *dev, const char *path, const char *bytes, size_t len,
                      Array *out) {
    return npz_parse(dev, path, bytes, len, "x", false, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_array(data, size, "fuzz.npz", size % 2 ? parse_named : parse_only);
    return 0;
}

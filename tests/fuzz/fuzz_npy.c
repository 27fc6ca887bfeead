/* Any bytes as an .npy file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_array(data, size, "fuzz.npy", npy_parse);
    return 0;
}

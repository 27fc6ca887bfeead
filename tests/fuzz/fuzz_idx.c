/* Any bytes as an IDX file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_array(data, size, "fuzz-idx", idx_parse);
    return 0;
}

/* Any bytes as a text: the first chooses what is taken of it, the second how many of the next are its vocabulary. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    dlg_device *dev = fuzz_device();
    size_t known_len = data[1] < size - 2 ? data[1] : size - 2, len = size - 2 - known_len;
    char *known = fuzz_copy(data + 2, known_len, 1);
    char *text = fuzz_copy(data + 2 + known_len, len, 0);
    TextTake t = {.name = "s",
                  .chars = data[0] & 1,
                  .type = data[0] & 2 ? DLG_U8 : DLG_I32,
                  .window = (size_t)(data[0] >> 3) + 1,
                  .known = data[0] & 4 ? known : NULL};
    int status = text_parse(dev, "fuzz.txt", text, len, &t);
    require_told(dev, status);
    require(status == DLG_OK || (!t.values && !t.vocabulary));
    if (status == DLG_OK) {
        require(t.rows > 0 && t.tokens <= len && (!t.vocabulary || rt_utf8(t.vocabulary)));
        for (size_t i = 0; i < t.rows * t.window; i++) {
            double token = dlg_element(t.type, t.values, i);
            require(token >= 0 && token < (double)t.vocabulary_size);
        }
    }
    free(t.values);
    free(t.vocabulary);
    free(known);
    free(text);
    dlg_device_close(dev);
    return 0;
}

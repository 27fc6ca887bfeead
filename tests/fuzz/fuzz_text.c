/* Any bytes as a text: the first chooses what is taken of it, the second how many of the next are its vocabulary. */
#include <stdlib.h>
#include <string.h>
#include "data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dlg_device *dev = NULL;
    if (size < 2) return 0;
    if (dlg_device_open(&dev, "none") < 0) abort();
    size_t known_len = data[1] < size - 2 ? data[1] : size - 2, len = size - 2 - known_len;
    char *known = calloc(known_len + 1, 1), *text = malloc(len + 1);
    if (!known || !text) abort();
    memcpy(known, data + 2, known_len);
    memcpy(text + 1, data + 2 + known_len, len);
    TextTake t = {.name = "s",
                  .chars = data[0] & 1,
                  .type = data[0] & 2 ? DLG_U8 : DLG_I32,
                  .window = (size_t)(data[0] >> 3) + 1,
                  .known = data[0] & 4 ? known : NULL};
    int status = text_parse(dev, "fuzz.txt", text + 1, len, &t);
    if (status < 0 && (!*dlg_error_text(dev) || t.values || t.vocabulary)) abort();
    if (status == DLG_OK) {
        if (t.rows == 0 || t.tokens > len || (t.vocabulary && !rt_utf8(t.vocabulary))) abort();
        for (size_t i = 0; i < t.rows * t.window; i++) {
            double token = dlg_element(t.type, t.values, i);
            if (!(token >= 0 && token < (double)t.vocabulary_size)) abort();
        }
    }
    free(t.values);
    free(t.vocabulary);
    free(known);
    free(text);
    dlg_device_close(dev);
    return 0;
}

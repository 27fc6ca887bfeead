/* data: what the readers of data share: files, text for messages, types. */
#include "data.h"

#include <stdlib.h>
#include <string.h>

bool data_is(const char *path, const char *ending) {
    size_t n = strlen(path), m = strlen(ending);
    if (n >= 3 && strcmp(path + n - 3, ".gz") == 0) n -= 3;
    return n >= m && memcmp(path + n - m, ending, m) == 0;
}

int data_file_read(dlg_device *dev, const char *path, char **bytes, size_t *len) {
    size_t n = strlen(path);
    TRY(rt_file_read(dev, path, DATA_FILE_LIMIT_BYTES, bytes, len));
    if (n < 3 || strcmp(path + n - 3, ".gz") != 0) return DLG_OK;
    char *packed = *bytes;
    int status = gzip_inflate(dev, path, packed, *len, data_unpacked_limit(*len), bytes, len);
    free(packed);
    return status;
}

const char *data_quote(char *out, size_t max, const char *text, size_t len) {
    size_t n = 0;
    bool cut = len > max;
    if (cut) len = max;
    /* Do not cut a UTF-8 sequence in two. */
    while (cut && len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80) len--;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        out[n++] = c < 0x20 || c == 0x7F ? '?' : (char)c;
    }
    if (cut) {
        memcpy(out + n, "...", 3);
        n += 3;
    }
    out[n] = 0;
    return out;
}

int data_convert(dlg_device *dev, void **values, size_t elems, dlg_type from, dlg_type to,
                 const char *what) {
    if (from == to) return DLG_OK;
    void *out = malloc(elems ? elems * dlg_type_bytes(to) : 1);
    if (!out) return rt_no_memory(dev, elems * dlg_type_bytes(to));
    for (size_t i = 0; i < elems; i++) {
        if (dlg_put_element(to, out, i, dlg_element(from, *values, i)) == DLG_OK) continue;
        free(out);
        static const char *const wanted[] = {"within the range of f32",
                                             "a whole number that fits i32",
                                             "0 or 1",
                                             "within the range of f16",
                                             "within the range of bf16",
                                             "a whole number from 0 to 255"};
        return rt_fail(dev, DLG_ERR_DATA, "%s: element %zu is not %s", what, i, wanted[to]);
    }
    free(*values);
    *values = out;
    return DLG_OK;
}

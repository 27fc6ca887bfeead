/* data: text for messages, and types, for the readers of data. */
#include "data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static bool convert_one(const void *values, size_t i, dlg_type from, dlg_type to, void *out) {
    double v = from == DLG_F32   ? (double)((const float *)values)[i]
               : from == DLG_I32 ? (double)((const int32_t *)values)[i]
                                 : (double)((const uint8_t *)values)[i];
    switch (to) {
    case DLG_F32: ((float *)out)[i] = (float)v; return true;
    case DLG_I32:
        if (!(v >= -2147483648.0 && v <= 2147483647.0) || v != floor(v)) return false;
        ((int32_t *)out)[i] = (int32_t)v;
        return true;
    case DLG_BOOL:
        if (v != 0 && v != 1) return false;
        ((uint8_t *)out)[i] = v != 0;
        return true;
    }
    return false;
}

int data_convert(dlg_device *dev, void **values, size_t elems, dlg_type from, dlg_type to,
                 const char *what) {
    if (from == to) return DLG_OK;
    void *out = malloc(elems ? elems * dlg_type_bytes(to) : 1);
    if (!out) return rt_no_memory(dev, elems * dlg_type_bytes(to));
    for (size_t i = 0; i < elems; i++) {
        if (convert_one(*values, i, from, to, out)) continue;
        free(out);
        return rt_fail(dev, DLG_ERR_DATA, "%s: element %zu is not %s", what, i,
                       to == DLG_I32 ? "a whole number that fits i32" : "0 or 1");
    }
    free(*values);
    *values = out;
    return DLG_OK;
}

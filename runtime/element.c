/* element: the elements of tensors as numbers, and numbers as elements.
 *
 * An f16 and a bf16 are made from a double by whole numbers alone, rounded once, the same on every machine. */
#include <float.h>
#include <math.h>
#include <string.h>
#include "../kernels/narrow.h"
#include "rt.h"

const char *dlg_type_name(dlg_type type) {
    static const char *const name[] = {"f32", "i32", "bool", "f16", "bf16", "u8"};
    return name[type];
}

size_t dlg_type_bytes(dlg_type type) {
    static const uint8_t bytes[] = {4, 4, 1, 2, 2, 1};
    return bytes[type];
}

bool rt_type_is_float(dlg_type type) {
    return type == DLG_F32 || type == DLG_F16 || type == DLG_BF16;
}

static float f32_of_bits(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float f16_value(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, part = h & 0x3ff;
    if (exponent == 31) return f32_of_bits(sign | 0x7f800000 | part << 13);
    if (exponent) return f32_of_bits(sign | (exponent + 112) << 23 | part << 13);
    float small = (float)part * 0x1p-24f;
    return sign ? -small : small;
}

double dlg_element(dlg_type type, const void *values, size_t i) {
    float f;
    int32_t n;
    uint16_t h;
    const uint8_t *at = (const uint8_t *)values + i * dlg_type_bytes(type);
    switch (type) {
    case DLG_F32: memcpy(&f, at, sizeof f); return (double)f;
    case DLG_I32: memcpy(&n, at, sizeof n); return n;
    case DLG_F16: memcpy(&h, at, sizeof h); return (double)f16_value(h);
    case DLG_BF16: memcpy(&h, at, sizeof h); return (double)f32_of_bits((uint32_t)h << 16);
    case DLG_BOOL:
    case DLG_U8: break;
    }
    return *at;
}

static bool is_whole(double v, double lo, double hi) {
    return v >= lo && v <= hi && v == floor(v);
}

int dlg_put_element(dlg_type type, void *values, size_t i, double v) {
    uint8_t *at = (uint8_t *)values + i * dlg_type_bytes(type);
    switch (type) {
    case DLG_F32: {
        float f = (float)v;
        if (isfinite(v) && !isfinite(f)) return DLG_ERR_DATA;
        memcpy(at, &f, sizeof f);
        return DLG_OK;
    }
    case DLG_F16:
    case DLG_BF16: {
        uint16_t top = type == DLG_F16 ? 0x7c00 : 0x7f80;
        uint16_t h = type == DLG_F16 ? narrow(v, 10, -14) : narrow(v, 7, -126);
        if (isfinite(v) && (h & 0x7fff) == top) return DLG_ERR_DATA;
        memcpy(at, &h, sizeof h);
        return DLG_OK;
    }
    case DLG_I32: {
        if (!is_whole(v, INT32_MIN, INT32_MAX)) return DLG_ERR_DATA;
        int32_t n = (int32_t)v;
        memcpy(at, &n, sizeof n);
        return DLG_OK;
    }
    case DLG_BOOL:
    case DLG_U8:
        if (!is_whole(v, 0, type == DLG_U8 ? 255 : 1)) return DLG_ERR_DATA;
        *at = (uint8_t)v;
        return DLG_OK;
    }
    return DLG_ERR_DATA;
}

const char *dlg_place(char *out, size_t size, const dlg_tensor *t, uint64_t i) {
    uint64_t stride = t->elems;
    size_t n = (size_t)snprintf(out, size, "%s", t->name);
    for (int axis = 0; axis < t->rank && n < size; axis++) {
        stride /= (uint64_t)t->shape[axis];
        n += (size_t)snprintf(out + n, size - n, "%s%llu%s", axis ? ", " : "[",
                              (unsigned long long)(i / stride % (uint64_t)t->shape[axis]),
                              axis + 1 == t->rank ? "]" : "");
    }
    return out;
}

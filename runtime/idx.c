/* idx: arrays in the format of MNIST's images and labels.
 *
 * Requires nothing of the file. Establishes: values of a type of dlg in this machine's order of bytes; the
 * data is exactly what the header promises.
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", "The IDX file format": two zeros, a type, the
 * number of axes, 32 bits for each axis, the values; the high byte first. */
#include "data.h"

#include <math.h>
#include <string.h>

typedef struct IdxType {
    uint8_t code, bytes;
    bool is_float;
    dlg_type type; /* what it becomes */
} IdxType;

static const IdxType idx_types[] = {
    {0x08, 1, false, DLG_U8},  {0x09, 1, false, DLG_I32}, {0x0b, 2, false, DLG_I32},
    {0x0c, 4, false, DLG_I32}, {0x0d, 4, true, DLG_F32},  {0x0e, 8, true, DLG_F32},
};

static uint64_t big_endian(const unsigned char *at, size_t bytes) {
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) v = v << 8 | at[i];
    return v;
}

/* Element i at `at`; false when its new type cannot hold it, which is a finite f64 that f32 has not. */
static bool element(const IdxType *t, const unsigned char *at, void *values, size_t i) {
    uint64_t bits = big_endian(at, t->bytes), sign = (uint64_t)1 << (8 * t->bytes - 1);
    if (!t->is_float) { /* the sign's bit counts negative */
        ((int32_t *)values)[i] = (int32_t)((int64_t)(bits ^ sign) - (int64_t)sign);
        return true;
    }
    float *out = (float *)values + i;
    if (t->bytes == 4) {
        uint32_t word = (uint32_t)bits;
        memcpy(out, &word, sizeof *out);
        return true;
    }
    double d;
    memcpy(&d, &bits, sizeof d);
    *out = (float)d;
    return isfinite(*out) || !isfinite(d);
}

int idx_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, Array *out) {
    const unsigned char *b = (const unsigned char *)bytes;
    const IdxType *t = NULL;
    *out = (Array){0};
    if (len < 4 || b[0] != 0 || b[1] != 0)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: is not an IDX file: it does not begin with two zeros", path);
    for (size_t i = 0; i < sizeof idx_types / sizeof *idx_types; i++)
        if (idx_types[i].code == b[2]) t = &idx_types[i];
    if (!t)
        return rt_fail(dev, DLG_ERR_DATA, "%s: is not an IDX file: there is no type 0x%02x", path,
                       b[2]);
    if (b[3] < 1 || b[3] > ARRAY_MAX_RANK)
        return rt_fail(dev, DLG_ERR_DATA, "%s: has %d axes, and 1 to %d are read", path, b[3],
                       ARRAY_MAX_RANK);
    size_t start = 4 + 4 * (size_t)b[3];
    if (len < start)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: is truncated: its header has %zu bytes, the file %zu", path, start,
                       len);
    out->type = t->type;
    out->rank = b[3];
    for (int a = 0; a < out->rank; a++) out->shape[a] = (int64_t)big_endian(b + 4 + 4 * a, 4);
    TRY(array_count(dev, path, out, t->bytes, len - start));
    if (t->type == DLG_U8) {
        memcpy(out->values, b + start, out->elems);
        return DLG_OK;
    }
    for (size_t i = 0; i < out->elems; i++) {
        if (element(t, b + start + i * t->bytes, out->values, i)) continue;
        array_free(out);
        return rt_fail(dev, DLG_ERR_DATA, "%s: element %zu does not fit f32", path, i);
    }
    return DLG_OK;
}

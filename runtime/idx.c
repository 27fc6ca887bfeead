/* idx: arrays in the format of MNIST's images and labels.
 *
 * Requires nothing of the file. Establishes: an ArrayHead; the data is exactly what the header promises.
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", "The IDX file format": two zeros, a type, the
 * number of axes, 32 bits for each axis, the values; the high byte first. */
#include "data.h"

#include <string.h>

typedef struct IdxType {
    uint8_t code;
    char kind;
    uint8_t bytes;
} IdxType;

static const IdxType idx_types[] = {
    {0x08, 'u', 1}, {0x09, 'i', 1}, {0x0b, 'i', 2}, {0x0c, 'i', 4}, {0x0d, 'f', 4}, {0x0e, 'f', 8},
};

static int64_t big_endian(const unsigned char *at) {
    return (int64_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]);
}

int idx_head(dlg_device *dev, const char *path, const DataFile *file, ArrayHead *out) {
    unsigned char b[4 + 4 * ARRAY_MAX_RANK] = {0};
    const IdxType *t = NULL;
    *out = (ArrayHead){0};
    TRY(data_at(dev, path, file, 0, file->bytes < sizeof b ? (size_t)file->bytes : sizeof b, b));
    if (file->bytes < 4 || b[0] != 0 || b[1] != 0)
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
    out->start = 4 + 4 * (uint64_t)b[3];
    if (file->bytes < out->start)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: is truncated: its header has %llu bytes, the file %llu", path,
                       (unsigned long long)out->start, (unsigned long long)file->bytes);
    out->element = (Element){.kind = t->kind, .bytes = t->bytes, .swapped = t->bytes > 1};
    out->rank = b[3];
    for (int a = 0; a < out->rank; a++) out->shape[a] = big_endian(b + 4 + 4 * a);
    return array_check(dev, path, out, file->bytes - out->start);
}

int idx_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, Array *out) {
    DataFile file = data_in_memory(bytes, len);
    ArrayHead h;
    *out = (Array){0};
    TRY(idx_head(dev, path, &file, &h));
    return array_take(dev, path, &file, &h, out);
}

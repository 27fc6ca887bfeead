/* tensors: one tensor of a safetensors file as an array of data.
 *
 * Requires nothing of the file. Establishes: an ArrayHead whose bytes lie within the file.
 * Source: https://huggingface.co/docs/safetensors */
#include "data.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER_BYTES = 100000000 }; /* the format's own limit */

static Element element_of(const char *dtype) {
    static const struct {
        const char *name;
        Element element;
    } table[] = {{"BOOL", {'b', 1, false}}, {"U8", {'u', 1, false}},  {"I8", {'i', 1, false}},
                 {"I16", {'i', 2, false}},  {"U16", {'u', 2, false}}, {"F16", {'f', 2, false}},
                 {"BF16", {'h', 2, false}}, {"I32", {'i', 4, false}}, {"U32", {'u', 4, false}},
                 {"F32", {'f', 4, false}},  {"F64", {'f', 8, false}}, {"I64", {'i', 8, false}},
                 {"U64", {'u', 8, false}}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, dtype) == 0) return table[i].element;
    return (Element){0};
}

static bool whole(const json_t *value, int64_t *number) {
    *number = json_integer_value(value);
    return json_is_integer(value) && *number >= 0;
}

static int fail_beyond(dlg_device *dev, const char *path, const char *name) {
    char shown[68];
    return rt_fail(
        dev, DLG_ERR_DATA,
        "%s: `%s` lies beyond the end of the file (it is cut off, or its header damaged)", path,
        data_quote(shown, 64, name, strlen(name)));
}

static int take(dlg_device *dev, const char *path, const DataFile *file, const char *name,
                const json_t *value, ArrayHead *out) {
    const json_t *shape = json_object_get(value, "shape");
    const json_t *place = json_object_get(value, "data_offsets");
    const char *dtype = json_string_value(json_object_get(value, "dtype"));
    char shown[68];
    int64_t begin = 0, end = 0;
    data_quote(shown, 64, name, strlen(name));
    if (!dtype || !json_is_array(shape) || json_array_size(place) != 2 ||
        !whole(json_array_get(place, 0), &begin) || !whole(json_array_get(place, 1), &end))
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: the header is malformed: `%s` is not described by dtype, shape and "
                       "data_offsets",
                       path, shown);
    out->element = element_of(dtype);
    if (!out->element.bytes)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: elements of `%s` are of type %.16s, which is not read", path, shown,
                       dtype);
    if (json_array_size(shape) > ARRAY_MAX_RANK)
        return rt_fail(dev, DLG_ERR_DATA, "%s: `%s` has more than %d axes", path, shown,
                       ARRAY_MAX_RANK);
    out->rank = (int)json_array_size(shape);
    for (int a = 0; a < out->rank; a++)
        if (!whole(json_array_get(shape, (size_t)a), &out->shape[a]))
            return rt_fail(dev, DLG_ERR_DATA, "%s: the shape of `%s` is malformed", path, shown);
    if (begin > end || (uint64_t)end > file->bytes - out->start)
        return fail_beyond(dev, path, name);
    out->start += (uint64_t)begin;
    return array_check(dev, path, out, (uint64_t)(end - begin));
}

/* The tensor of that name, or where it is but a guess the only one. */
static int find(dlg_device *dev, const char *path, const DataFile *file, json_t *header,
                const char *member, bool given, ArrayHead *out) {
    const char *name, *only = NULL;
    json_t *value;
    char names[160] = "", shown[68];
    size_t count = 0, used = 0;
    json_object_foreach(header, name, value) {
        if (strcmp(name, "__metadata__") == 0) continue;
        only = name;
        count++;
        /* A file that is cut off is not to be trusted, though what is wanted lies before. */
        int64_t end = json_integer_value(json_array_get(json_object_get(value, "data_offsets"), 1));
        if (end > 0 && (uint64_t)end > file->bytes - out->start)
            return fail_beyond(dev, path, name);
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                     data_quote(shown, 64, name, strlen(name)));
    }
    if (used >= sizeof names) memcpy(names + sizeof names - 4, "...", 4);
    value = strcmp(member, "__metadata__") ? json_object_get(header, member) : NULL;
    if (value) return take(dev, path, file, member, value, out);
    if (count == 1 && !given)
        return take(dev, path, file, only, json_object_get(header, only), out);
    return rt_fail(dev, DLG_ERR_DATA, "%s: has no tensor `%s`; it has: %s%s", path,
                   data_quote(shown, 64, member, strlen(member)), count ? names : "none",
                   given ? "" : "; say which, as in FILE.safetensors:NAME");
}

int tensors_head(dlg_device *dev, const char *path, const DataFile *file, const char *member,
                 bool given, ArrayHead *out) {
    unsigned char length[8];
    uint64_t len = 0;
    *out = (ArrayHead){0};
    if (file->bytes < 8)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: this is no safetensors file: it is shorter than 8 bytes", path);
    TRY(data_at(dev, path, file, 0, sizeof length, length));
    for (int i = 7; i >= 0; i--) len = len << 8 | length[i];
    if (len > MOST_HEADER_BYTES || len > file->bytes - 8)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: this is no safetensors file, or it is cut off: its header should be "
                       "%llu bytes long, the file is %llu",
                       path, (unsigned long long)len, (unsigned long long)file->bytes);
    out->start = 8 + len;
    char *text = malloc((size_t)len + 1);
    if (!text) return rt_no_memory(dev, len);
    char why[RT_JSON_WHY];
    json_t *header = NULL;
    int status = data_at(dev, path, file, 8, (size_t)len, text);
    if (status == DLG_OK) {
        header = rt_json_parse(text, (size_t)len, why);
        if (!header && !*why)
            status = rt_no_memory(dev, len);
        else
            status = json_is_object(header)
                         ? find(dev, path, file, header, member, given, out)
                         : rt_fail(dev, DLG_ERR_DATA, "%s: the header is malformed: %s", path,
                                   header ? "it is no JSON object" : why);
    }
    json_decref(header);
    free(text);
    return status;
}

/* npy: arrays in NumPy's format, versions 1 to 3.
 *
 * Requires nothing of the file: the header is parsed as the one dictionary that NumPy writes, and
 * the data must be exactly what the header promises. Establishes: an ArrayHead that says where and how the elements lie.
 * Source: numpy/lib/format.py, "NPY format". */
#include "data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER_BYTES = 1 << 20 };

typedef struct Header {
    Element element;
    bool fortran;
    bool has_descr, has_order, has_shape;
} Header;

typedef struct Scan {
    const char *at, *end;
} Scan;

static void blanks(Scan *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t')) s->at++;
}

static bool take(Scan *s, char c) {
    blanks(s);
    if (s->at == s->end || *s->at != c) return false;
    s->at++;
    return true;
}

/* 'text' or "text", without escapes. */
static bool string(Scan *s, const char **text, size_t *len) {
    blanks(s);
    if (s->at == s->end || (*s->at != '\'' && *s->at != '"')) return false;
    char quote = *s->at++;
    *text = s->at;
    while (s->at < s->end && *s->at != quote && *s->at != '\\') s->at++;
    if (s->at == s->end || *s->at != quote) return false;
    *len = (size_t)(s->at - *text);
    s->at++;
    return true;
}

static bool is_word(const char *text, size_t len, const char *word) {
    return len == strlen(word) && memcmp(text, word, len) == 0;
}

static bool word(Scan *s, const char *w) {
    size_t len = strlen(w);
    blanks(s);
    if ((size_t)(s->end - s->at) < len || memcmp(s->at, w, len) != 0) return false;
    s->at += len;
    return true;
}

static bool number(Scan *s, int64_t *value) {
    blanks(s);
    const char *first = s->at;
    int64_t v = 0;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
        if (v > (INT64_MAX - 9) / 10) return false;
        v = v * 10 + (*s->at - '0');
    }
    *value = v;
    return s->at > first;
}

static int shape(dlg_device *dev, const char *path, Scan *s, ArrayHead *out) {
    out->rank = 0;
    if (!take(s, '(')) goto malformed;
    while (!take(s, ')')) {
        int64_t dim;
        if (!number(s, &dim)) goto malformed;
        if (out->rank == ARRAY_MAX_RANK)
            return rt_fail(dev, DLG_ERR_DATA, "%s: has more than %d axes", path, ARRAY_MAX_RANK);
        out->shape[out->rank++] = dim;
        if (take(s, ',')) continue;
        if (out->rank == 1) goto malformed; /* (3) is a number in Python, not a tuple */
        if (!take(s, ')')) goto malformed;
        break;
    }
    return DLG_OK;
malformed:
    return rt_fail(dev, DLG_ERR_DATA, "%s: its .npy header is malformed: in `shape`", path);
}

/* "<f4", "|u1", ">i8" and the like: the order of bytes, the kind, how many. Other kinds have bytes 0. */
static Element element_of(const char *text, size_t len) {
    static const char *const sizes[] = {"f248", "i1248", "u1248", "b1"};
    const uint16_t one = 1;
    bool little = *(const unsigned char *)&one == 1;
    if (len != 3 || !strchr("<>|=", text[0])) return (Element){0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (text[1] == sizes[i][0] && text[2] && strchr(sizes[i] + 1, text[2])) {
            Element e = {.kind = text[1], .bytes = (uint8_t)(text[2] - '0')};
            e.swapped = e.bytes > 1 && text[0] != '=' && (text[0] == '<') != little;
            /* Of several bytes the order must be said. */
            return e.bytes > 1 && text[0] == '|' ? (Element){0} : e;
        }
    return (Element){0};
}

static int header(dlg_device *dev, const char *path, Scan *s, Header *h, ArrayHead *out) {
    char shown[48];
    if (!take(s, '{')) goto malformed;
    while (!take(s, '}')) {
        const char *key, *text;
        size_t key_len, len;
        if (!string(s, &key, &key_len) || !take(s, ':')) goto malformed;
        if (is_word(key, key_len, "descr") && !h->has_descr) {
            h->has_descr = true;
            if (!string(s, &text, &len)) {
                return rt_fail(dev, DLG_ERR_DATA, "%s: arrays of records are not read", path);
            }
            h->element = element_of(text, len);
            if (!h->element.bytes)
                return rt_fail(dev, DLG_ERR_DATA,
                               "%s: elements of type `%s` are not read; these are: f2 f4 f8 i1 i2 "
                               "i4 i8 u1 u2 u4 u8 b1, with < or > before them",
                               path, data_quote(shown, 16, text, len));
        } else if (is_word(key, key_len, "fortran_order") && !h->has_order) {
            h->has_order = true;
            if (word(s, "True"))
                h->fortran = true;
            else if (!word(s, "False"))
                goto malformed;
        } else if (is_word(key, key_len, "shape") && !h->has_shape) {
            h->has_shape = true;
            TRY(shape(dev, path, s, out));
        } else {
            return rt_fail(dev, DLG_ERR_DATA,
                           "%s: its .npy header is malformed: `%s` is unknown or "
                           "there twice",
                           path, data_quote(shown, 32, key, key_len));
        }
        if (take(s, ',')) continue;
        if (!take(s, '}')) goto malformed;
        break;
    }
    blanks(s);
    if (s->at == s->end && h->has_descr && h->has_order && h->has_shape) return DLG_OK;
malformed:
    return rt_fail(dev, DLG_ERR_DATA, "%s: its .npy header is malformed", path);
}

int npy_head(dlg_device *dev, const char *path, const DataFile *file, ArrayHead *out) {
    unsigned char b[12] = {0};
    Header h = {0};
    *out = (ArrayHead){0};
    TRY(data_at(dev, path, file, 0, file->bytes < sizeof b ? (size_t)file->bytes : sizeof b, b));
    if (file->bytes < 10 || memcmp(b, "\x93NUMPY", 6) != 0)
        return rt_fail(dev, DLG_ERR_DATA, "%s: is not an .npy file", path);
    size_t start = b[6] == 1 ? 10 : 12;
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        return rt_fail(dev, DLG_ERR_DATA, "%s: version %d.%d of the .npy format is not read", path,
                       b[6], b[7]);
    if (file->bytes < start) return rt_fail(dev, DLG_ERR_DATA, "%s: is truncated", path);
    size_t header_len = b[8] | (size_t)b[9] << 8;
    if (b[6] > 1) header_len |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    if (header_len > file->bytes - start)
        return rt_fail(dev, DLG_ERR_DATA, "%s: is truncated", path);
    if (header_len > MOST_HEADER_BYTES)
        return rt_fail(dev, DLG_ERR_DATA, "%s: its .npy header is malformed: it has %zu bytes",
                       path, header_len);
    char *text = malloc(header_len + 1);
    if (!text) return rt_no_memory(dev, header_len);
    Scan s = {text, text + header_len};
    int status = data_at(dev, path, file, start, header_len, text);
    if (status == DLG_OK) status = header(dev, path, &s, &h, out);
    free(text);
    if (status < 0) return status;
    out->element = h.element;
    out->fortran = h.fortran;
    out->start = start + header_len;
    return array_check(dev, path, out, file->bytes - out->start);
}

int npy_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, Array *out) {
    DataFile file = data_in_memory(bytes, len);
    ArrayHead h;
    *out = (Array){0};
    TRY(npy_head(dev, path, &file, &h));
    return array_take(dev, path, &file, &h, out);
}

int npy_write(dlg_device *dev, const char *path, dlg_type type, int rank, const int64_t *dims,
              const void *values) {
    static const char *const descr[] = {[DLG_F32] = "<f4", [DLG_I32] = "<i4",  [DLG_BOOL] = "|b1",
                                        [DLG_F16] = "<f2", [DLG_BF16] = "<f4", [DLG_U8] = "|u1"};
    char head[10 + 512];
    void *wide = NULL;
    size_t elems = 1;
    int n = snprintf(head + 10, sizeof head - 10,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (", descr[type]);
    for (int a = 0; a < rank; a++) {
        n += snprintf(head + 10 + n, sizeof head - 10 - (size_t)n, "%lld%s", (long long)dims[a],
                      a + 1 < rank ? ", "
                      : rank == 1  ? ","
                                   : "");
        elems *= (size_t)dims[a];
    }
    n += snprintf(head + 10 + n, sizeof head - 10 - (size_t)n, "), }");
    while ((10 + n + 1) % 64 != 0) head[10 + n++] = ' '; /* the data begins at a multiple of 64 */
    head[10 + n++] = '\n';
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    head[8] = (char)(n & 255);
    head[9] = (char)(n >> 8);
    if (type == DLG_BF16) {
        if (!(wide = malloc(elems ? elems * 4 : 1))) return rt_no_memory(dev, elems * 4);
        for (size_t i = 0; i < elems; i++) ((float *)wide)[i] = (float)dlg_element(type, values, i);
        values = wide;
        type = DLG_F32;
    }
    RtFile f = {0};
    int status = rt_file_begin(&f, dev, path);
    if (status == DLG_OK) status = rt_file_write(&f, head, 10 + (size_t)n);
    if (status == DLG_OK) status = rt_file_write(&f, values, elems * dlg_type_bytes(type));
    if (status == DLG_OK) status = rt_file_commit(&f);
    rt_file_drop(&f);
    free(wide);
    return status;
}

/* emit_weights: a tensor of a safetensors file as a table of C, and whether such a file holds what was written.
 *
 * Requires the file in memory, whatever is in it. Establishes: the table has the bits of the file, element by element, so
 * that it means the same on machines of either order of bytes. */
#include "emit_c.h"

#include <stdlib.h>
#include <xxhash.h>

#include "../kernels/weights.h"
#include "../runtime/checksum.h"

/* What such files call a type. */
static const char *file_type(const char *type, size_t *bytes) {
    static const struct {
        const char *type, *name;
        size_t bytes;
    } types[] = {{"f32", "F32", 4},   {"i32", "I32", 4}, {"bool", "BOOL", 1},
                 {"bf16", "BF16", 2}, {"f16", "F16", 2}, {"u8", "U8", 1}};
    size_t i = 0;
    while (strcmp(types[i].type, type) != 0) i++;
    *bytes = types[i].bytes;
    return types[i].name;
}

int emit_weights(const WeightsFile *file, const char *name, const char *type, int rank,
                 const long long *shape, long long elems, uint32_t number, Text *why, Text *out) {
    size_t width;
    const char *in_file = file_type(type, &width), *values;
    const char *wrong = find_weights(file->bytes, file->len, name, in_file, rank, shape,
                                     (size_t)elems * width, &values);
    if (wrong) {
        text_printf(why, "%s: %s", wrong, name);
        return -1;
    }
    if (!values) return 0;
    text_printf(out, "static const uint%zu_t weights_%u[] = {", 8 * width, number);
    const size_t a_row = 32 / width;
    for (size_t i = 0; i < (size_t)elems; i++) {
        uint32_t bits = 0;
        for (size_t b = width; b-- > 0;) bits = bits << 8 | (unsigned char)values[i * width + b];
        text_printf(out, "%s0x%x%s,", i % a_row ? " " : "\n    ", bits, width == 4 ? "u" : "");
    }
    text_puts(out, "\n};\n\n");
    return 1;
}

/* ---- The checksum (docs/program-format.md, "Weights") --------------------------------------------- */

static const char malformed[] = "it is malformed: its header is not what such a file has",
                  damaged[] = "what it holds is not what was written, by its checksum: it is "
                              "damaged, or another program changed it and kept the metadata "
                              "`dlg_checksum`",
                  no_checksum[] = "its checksum is damaged: it is not 16 hexadecimal digits";

/* Four hexadecimal digits; -1: there are none. */
static int32_t hexadecimal(const char *s, const char *end) {
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *at = s + i < end && s[i] ? strchr(digits, s[i]) : NULL;
        if (!at) return -1;
        code = code << 4 | ((at - digits) & 15);
    }
    return code;
}

static void put_utf8(Text *out, uint32_t code) {
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    char c = (char)(lead[more] | code >> 6 * more);
    text_add(out, &c, 1);
    for (int i = more; i-- > 0;) {
        c = (char)(0x80 | (code >> 6 * i & 0x3f));
        text_add(out, &c, 1);
    }
}

/* What a JSON string, which is all to its closing quote, says. False: it is none, or no text. */
static bool unescape(const char *s, size_t len, Text *out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    out->len = 0;
    text_puts(out, "");
    for (const char *end = s + len; s < end;) {
        const char *escape = memchr(s, '\\', (size_t)(end - s));
        text_add(out, s, (size_t)((escape ? escape : end) - s));
        if (!escape) break;
        s = escape;
        if (end - s < 2) return false;
        const char *simple = s[1] ? strchr(from, s[1]) : NULL;
        int32_t code = s[1] == 'u' ? hexadecimal(s + 2, end) : -1;
        if (simple) {
            text_add(out, &to[simple - from], 1);
            s += 2;
            continue;
        }
        if (code <= 0 || (code >= 0xdc00 && code <= 0xdfff)) return false;
        s += 6;
        if (code >= 0xd800 && code < 0xdc00) { /* the first of a pair */
            int32_t low =
                end - s >= 6 && s[0] == '\\' && s[1] == 'u' ? hexadecimal(s + 2, end) : -1;
            if (low < 0xdc00 || low > 0xdfff) return false;
            code = 0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00);
            s += 6;
        }
        put_utf8(out, (uint32_t)code);
    }
    return true;
}

typedef struct Summing {
    struct cursor c;
    Text name, value;
    Names tensors, metadata; /* those that were met */
    uint64_t sum, written;
    bool has_checksum, bad_checksum;
} Summing;

static bool next_text(Summing *s, Text *out) {
    size_t len;
    const char *at = text(&s->c, &len);
    return !s->c.wrong && unescape(at, len, out);
}

/* A name and its colon. False: there is none, or it was met before. */
static bool next_name(Summing *s, Names *met) {
    if (!next_text(s, &s->name) || names_has(met, s->name.at, s->name.len)) return false;
    names_add(met, s->name.at, s->name.len);
    expect(&s->c, ':');
    return true;
}

static uint64_t hash(const Text *name, const void *value, size_t bytes) {
    return XXH64(value, bytes, XXH64(name->at, name->len, 0));
}

static bool sum_metadata(Summing *s) {
    expect(&s->c, '{');
    if (next_is(&s->c, '}')) return true;
    while (!s->c.wrong) {
        if (!next_name(s, &s->metadata) || !next_text(s, &s->value)) return false;
        if (!strcmp(s->name.at, "dlg_checksum")) {
            s->bad_checksum = !checksum_parse(s->value.at, &s->written);
            s->has_checksum = true;
        } else {
            s->sum += hash(&s->name, s->value.at, s->value.len);
        }
        if (next_is(&s->c, '}')) return !s->c.wrong;
        expect(&s->c, ',');
    }
    return false;
}

static bool sum_tensor(Summing *s, const char *data, uint64_t data_bytes) {
    struct found f;
    read_row(&s->c, &f);
    if (s->c.wrong || f.data[0] > f.data[1] || f.data[1] > data_bytes) return false;
    s->sum += hash(&s->name, data + f.data[0], (size_t)(f.data[1] - f.data[0]));
    return true;
}

static bool sum_all(Summing *s, const char *data, uint64_t data_bytes) {
    expect(&s->c, '{');
    if (next_is(&s->c, '}')) return true;
    while (!s->c.wrong) {
        if (!next_name(s, &s->tensors)) return false;
        if (!(strcmp(s->name.at, "__metadata__") ? sum_tensor(s, data, data_bytes)
                                                 : sum_metadata(s)))
            return false;
        if (next_is(&s->c, '}')) return !s->c.wrong;
        expect(&s->c, ',');
    }
    return false;
}

const char *weights_damage(const WeightsFile *file, Arena *arena) {
    uint64_t header = 0;
    if (file->len < 8) return malformed;
    for (int i = 8; i-- > 0;) header = header << 8 | (unsigned char)file->bytes[i];
    if (header > file->len - 8) return malformed;
    const char *begin = file->bytes + 8, *data = begin + header;
    Summing s = {.c = {begin, data, 0}};
    text_init(&s.name, arena);
    text_init(&s.value, arena);
    names_init(&s.tensors, arena);
    names_init(&s.metadata, arena);
    if (!sum_all(&s, data, file->len - 8 - header)) return malformed;
    if (s.bad_checksum) return no_checksum;
    return s.has_checksum && s.sum != s.written ? damaged : NULL;
}

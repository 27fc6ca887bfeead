/* emit_weights: a tensor of a safetensors file as a table of C.
 *
 * Requires the file in memory, whatever is in it. Establishes: the table has the bits of the file, element by element, so
 * that it means the same on machines of either order of bytes. */
#include "emit_c.h"

#include "../kernels/weights.h"

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

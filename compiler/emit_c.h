/* emit_c: a compiled program as a C source with its header. */
#ifndef DLG_EMIT_C_H
#define DLG_EMIT_C_H

#include "util.h"

typedef struct WeightsFile { /* a safetensors file in memory */
    const char *name, *bytes;
    size_t len;
} WeightsFile;

/* Appends both. `program` is what emit_program wrote (EMIT_CL), `header_name` what the source includes. The weights, if
 * not NULL, become the values at the start; false, and why in `why`, where they are not the program's. */
bool emit_c(const char *program, Arena *arena, const char *header_name, const WeightsFile *weights,
            Text *why, Text *source, Text *header);

/* A model's name as the beginning of names of C. */
const char *emit_c_prefix(Arena *arena, const char *model);

/* Appends `static const uint32_t weights_NUMBER[]` with the bits of a tensor. Returns 1; 0 when the file does not have it;
 * -1, and why in `why`, when it is malformed or has another type or shape. */
int emit_weights(const WeightsFile *file, const char *name, const char *type, int rank,
                 const long long *shape, long long elems, uint32_t number, Text *why, Text *out);

/* What is wrong with the file as a whole: by its checksum, where it has one. NULL: nothing. */
const char *weights_damage(const WeightsFile *file, Arena *arena);

#endif

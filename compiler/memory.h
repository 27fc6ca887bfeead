/* memory: the program's buffers. Variables and outputs have buffers of their own; what lives only
 * while an entry runs is placed in one arena. */
#ifndef DLG_MEMORY_H
#define DLG_MEMORY_H

#include "eval.h"
#include "fuse.h"
#include "schedule.h"

typedef enum BufferKind { BUFFER_VAR, BUFFER_OUTPUT, BUFFER_ARENA } BufferKind;

typedef struct Buffer {
    BufferKind kind;
    const char *name; /* unique in the program */
    const char *hint; /* what kernels call it */
    DType dtype;
    Shape shape;
    uint32_t var;   /* BUFFER_VAR */
    int64_t offset; /* BUFFER_ARENA: bytes */
} Buffer;

typedef struct NameSerial { /* NAME.last@ENTRY was the last of those */
    const char *base;
    uint32_t last;
} NameSerial;

typedef struct Memory {
    const Program *program;
    Arena *arena;
    const Target *target;
    VEC(Buffer) buffers; /* the variables first, in their order */
    Names taken;
    VEC(NameSerial) serials;
    int64_t arena_bytes;
} Memory;

void memory_init(Memory *m, const Program *p, const Target *target, Arena *arena);

/* Buffers for one entry: places[] of its graph's nodes, the stores of each cluster (of Fused.clusters),
 * the outputs' buffers in their order. */
void memory_plan(Memory *m, const Fused *f, Place *places, Stores *stores, uint32_t *outputs);

#endif

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
    uint32_t var;         /* BUFFER_VAR */
    int64_t offset;       /* BUFFER_ARENA: bytes */
    uint32_t first, last; /* BUFFER_ARENA: the times in which it lives; first UINT32_MAX: never */
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
    const char *owner;       /* the entry at work, for names */
    uint32_t first_of_entry; /* its first buffer */
} Memory;

typedef struct
    Pin { /* a node of a region whose place is decided: what leads into a loop and out of it */
    NodeId node;
    Place place;
} Pin;

typedef struct LaunchTime { /* of a launch of a region; a loop's is that of all launches inside */
    uint32_t first, last;
} LaunchTime;

void memory_init(Memory *m, const Program *p, const Target *target, Arena *arena);
const char *memory_owner(Memory *m, const Entry *e); /* NAME or NAME@VARIANT */

/* An entry from here to memory_close: the buffers of its outputs, in their order. */
void memory_open(Memory *m, const Entry *e, Place *outputs);
/* A buffer of the arena. It gets its place when the entry is closed, if anything lives in it. */
Place memory_buffer(Memory *m, const char *hint, DType t, const Shape *s);
/* Buffers for what a region stores: places[] of its graph's nodes, the stores of each cluster. */
void memory_plan(Memory *m, const Fused *f, const Place *outputs, const Pin *pins,
                 uint32_t pin_count, Place *places, Stores *stores);
/* When the region's own buffers (from `first_buffer` on) live, by the times of its launches. */
void memory_live(Memory *m, const Fused *f, uint32_t first_buffer, const Place *places,
                 const LaunchTime *times);
/* Bytes of a buffer in the arena, with what lies unused behind it. */
int64_t memory_bytes(const Memory *m, const Buffer *b);
void memory_close(Memory *m); /* places the arena's buffers */

#endif

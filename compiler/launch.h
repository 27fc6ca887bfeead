/* launch: what a program becomes: for each entry its launches, each a kernel in the kernel IR, and the
 * buffers that they work on. emit.c writes it as text; the tests run it on the host. */
#ifndef DLG_LAUNCH_H
#define DLG_LAUNCH_H

#include "codegen.h"
#include "fuse.h"
#include "memory.h"
#include "schedule.h"

typedef struct Launch {
    Kernel *kernel;        /* its buffers' tags are indices in Memory.buffers */
    VEC(Section) sections; /* what it computes */
    KCount count;
} Launch;

/* What a section leaves in memory, for a comment: "h[64x128], loss[scalar]". */
const char *section_writes(const Memory *m, const Section *s, Arena *arena);

typedef struct PlannedEntry {
    const Entry *entry; /* after layout */
    const Fused *fused;
    VEC(Launch) launches;
    uint32_t *outputs; /* the buffer of each output */
} PlannedEntry;

typedef struct Plan {
    const Target *target;
    Memory memory;
    VEC(PlannedEntry) entries;
    NodeId lost; /* a node that fusion left without a value: a fault of the compiler; or NO_NODE */
} Plan;

/* Requires: a verified program, options->target known. */
void plan_program(const Program *p, const CompileOptions *options, Arena *arena, Plan *out);

#endif

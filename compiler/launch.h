/* launch: what a program becomes: for each entry its launches, each a kernel in the kernel IR, and the
 * buffers that they work on. emit.c writes it as text; the tests run it on the host. */
#ifndef DLG_LAUNCH_H
#define DLG_LAUNCH_H

#include "budget.h"
#include "codegen.h"
#include "fuse.h"
#include "memory.h"
#include "region.h"
#include "schedule.h"

typedef struct Launch {
    const Graph *g; /* of its region */
    const Region *region;
    Kernel *kernel;        /* its buffers' tags are indices in Memory.buffers */
    VEC(Section) sections; /* what it computes */
    KCount count;
    VEC(uint32_t)
    iterations; /* of each of kernel->index.iterations: the loop's depth, 0 the outermost */
} Launch;

/* What a section leaves in memory, for a comment: "h[64x128], loss[scalar]". */
const char *section_writes(const Memory *m, const Section *s, Arena *arena);

typedef struct PlannedEntry {
    const Entry *entry;   /* after layout */
    const Region *top;    /* what it was cut into */
    const Place *outputs; /* the buffer of each output */
    double bound_bytes;   /* see bound.h; -1: not known */
    int64_t live_bytes;   /* the liveness bound of its arena */
} PlannedEntry;

/* Why an entry is not within the budget (budget.h). */
typedef struct Over {
    const Entry *entry;    /* NULL: all are; else the one that needs most */
    int64_t default_bytes; /* its arena without computing anything again */
    int64_t least_bytes;   /* the smallest that it can have, ... */
    uint32_t values;       /* ... which computes so many values again, ... */
    double operations;     /* ... by about so many operations more */
    AliveList alive;       /* at its peak, ... */
    uint32_t time, times;  /* ... which is in this launch of so many */
} Over;

typedef struct Plan {
    const Target *target;
    int64_t budget_bytes; /* of an entry's arena; 0: any */
    Over over;            /* over.entry: there is no plan */
    Memory memory;        /* buffers of an entry are there when it is visited */
    NodeId lost; /* a node that fusion left without a value: a fault of the compiler; or NO_NODE */
} Plan;

/* Who is told of entries and their launches, in order. A launch and its kernel are gone after the call;
 * `entry` is called before its launches with done = false, after them with true. */
typedef struct PlanVisitor {
    void *context;
    void (*entry)(void *context, const Plan *plan, const PlannedEntry *entry, bool done);
    void (*launch)(void *context, const Plan *plan, const PlannedEntry *entry,
                   const Launch *launch);
    /* A loop of so many turns. Asked before each walk over its launches, with turn = 0, 1, ...: whether to
     * walk. Who writes a program walks once; who runs it, `trips` times. */
    bool (*loop)(void *context, const Plan *plan, const PlannedEntry *entry, int32_t trips,
                 int32_t turn);
} PlanVisitor;

/* Who is told of launches with the numbers of their kernels, as emit.c writes them. */
typedef struct KernelListener {
    void *context;
    void (*launch)(void *context, const Plan *plan, const Launch *launch, uint32_t kernel);
    void (*repeat)(void *context, int32_t trips); /* a loop of launches begins; 0: it ends */
    void (*entry)(void *context, const Plan *plan, const PlannedEntry *entry, bool done);
} KernelListener;

/* Requires: a verified program, options->target known. */
void plan_program(const Program *p, const CompileOptions *options, Arena *arena,
                  const PlanVisitor *visitor, Plan *out);

#endif

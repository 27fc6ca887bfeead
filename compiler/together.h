/* together: short launches that follow each other as one. The plan keeps them one by one; beside them stands a kernel
 * that does all of them, whose groups wait for each other where a launch needs what one before it stored. A launch
 * costs a graphics processor 4 to 5 microseconds, a meeting of its groups about 1.
 *
 * Of the others, those that follow each other and need nothing of each other are one launch too: its groups are those of
 * all, and none waits. So small ones fill the device together, and what few groups do one after the other
 * takes as long as the longest alone. */
#ifndef DLG_TOGETHER_H
#define DLG_TOGETHER_H

#include "family.h"
#include "memory.h"

typedef struct StepUse {
    uint32_t buffer; /* in Memory.buffers */
    bool written;
} StepUse;

typedef enum StepKind { STEP_ENTRY, STEP_LAUNCH, STEP_REPEAT, STEP_END_REPEAT } StepKind;

typedef struct Step { /* a line of the plan, from the first entry on */
    StepKind kind;
    size_t line;       /* where it begins in the text of the entries */
    const char *entry; /* STEP_ENTRY: its name */
    int32_t trips;     /* STEP_REPEAT */
    /* STEP_LAUNCH: */
    /* Where the offsets that it passes belong in the text, which are known at the end. */
    size_t args;
    Member member; /* of which kernel */
    uint32_t groups;
    const StepUse *uses;    /* its buffer arguments, in their order */
    const uint32_t *depths; /* of the numbers of iterations that follow them */
    uint32_t use_count, depth_count;
    double ns; /* that it takes, but for being launched, by the target's figures */
} Step;
typedef VEC(Step) Steps;

typedef struct Together {
    uint32_t first, end; /* steps; repeats among them are whole */
    const char *entry;
    uint32_t
        kernel; /* the number of the first whose text does for this one: of those that are free */
    bool free;  /* none waits for another */
    uint32_t groups; /* the most that one of them has; of those that are free, all that they have */
    const uint32_t *buffers; /* its arguments, each once */
    uint32_t buffer_count;
} Together;
typedef VEC(Together) Togethers;

/* Which steps to do together. None where the target's groups cannot wait for each other. */
void together_find(const Steps *steps, const Families *fs, const Memory *m, Arena *arena,
                   Togethers *out);

/* Appends the kernel NAME of one of them. Requires: the kernels of its launches are printed as parts (kernel_print). */
void together_print(const Together *t, const char *name, const Steps *steps, const Families *fs,
                    const Memory *m, Text *out);

#endif

/* family: kernels that are equal but for their buffers and constant offsets share one text. The constants
 * that differ between them are parameters of it, as few as will do: those that differ by the same amount
 * everywhere share one. All others stay in the text, where the compiler of the text sees them. */
#ifndef DLG_FAMILY_H
#define DLG_FAMILY_H

#include "kir.h"

typedef struct Family {
    const char *outline;
    const int32_t *first; /* the constants of its first member */
    uint32_t slots, params;
    const uint32_t *param_of; /* of each slot: its parameter + 1; 0: its constant is that of all */
    uint32_t base[16];        /* of each parameter: the slot whose constant it is, its lowest */
    uint32_t older;           /* + 1: the family before it with this outline */
    /* Of the caller: */
    const char *text, *part; /* the kernel; the same with a function of its group (kernel_print) */
    KLocal *locals;          /* its arrays in local memory */
    uint32_t local_count;
} Family;

typedef struct Member {
    uint32_t family; /* its number: families count from 0 in the order of their first members */
    const int32_t *constants; /* of each slot */
} Member;

typedef struct Families {
    Arena *arena;
    VEC(Family) list;
    uint32_t *slots; /* of a hash table by outline: the newest family + 1 */
    uint32_t slot_cap;
} Families;

/* Finds the kernel's family, or begins one. `*changed`: the family's parameters are no longer what they
 * were, or it is new: its text is to be printed, of this kernel, with family_slots. */
Member family_join(Families *fs, const Kernel *k, bool *changed);

/* What stands in each slot of the family's text. In `arena`. */
const Slot *family_slots(const Family *f, Arena *arena);

/* What this member passes for a parameter, once all members are known. */
int32_t family_argument(const Families *fs, Member m, uint32_t param);

#endif

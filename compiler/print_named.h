/* print_named: which values of a kernel have a name of their own in its text; the others stand where they are used. */
#ifndef DLG_PRINT_NAMED_H
#define DLG_PRINT_NAMED_H

#include "kir.h"

/* Marks those that must have one. Requires: `named` has a place for each value, false. */
void kernel_named(const Kernel *k, Arena *arena, bool *named);

#endif

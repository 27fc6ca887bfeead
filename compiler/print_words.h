/* print_words: what of a kernel's text needs no more than the names of its parts. */
#ifndef DLG_PRINT_WORDS_H
#define DLG_PRINT_WORDS_H

#include "kir.h"

/* A V_ZIP of x and y, in the arena. */
const char *zip_text(const Value *n, const char *x, const char *y, Arena *a);
/* Appends an S_POINT: the pointer `name` to element `at` of the buffer, or local array, `of`. */
void point_print(const Kernel *k, const KStmt *s, const char *name, const char *of, const char *at,
                 Text *out);

/* What follows the begin of a loop. The step behind the last turn may be more than an int holds: then it ends there. */
void for_print(const IndexTable *t, const KStmt *s, const char *name, const char *end, Text *out);

#endif

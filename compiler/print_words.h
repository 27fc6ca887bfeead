/* print_words: what of a kernel's text needs no more than the names of its parts. */
#ifndef DLG_PRINT_WORDS_H
#define DLG_PRINT_WORDS_H

#include "kir.h"

/* A constant. */
const char *constant_text(Arena *a, DType t, double v);
/* Appends a table of constants as an array of that name. */
void table_print(const KBuffer *b, const char *name, Text *out);

/* A V_ZIP of x and y, in the arena. */
const char *zip_text(const Value *n, const char *x, const char *y, Arena *a);
/* Where the element at `index` of an array lies: "array + index". */
const char *place_text(Arena *a, const char *array, const char *index);
/* Appends an S_POINT: the pointer `name` to element `at` of the buffer, or local array, `of`. */
void point_print(const Kernel *k, const KStmt *s, const char *name, const char *of, const char *at,
                 Text *out);

/* S_COLUMNS, S_ROWS and S_SQUARE, of the places `from` and `to`: calls of what kernels/vector_rows.cl has. */
void turn_print(const KStmt *s, const char *to, const char *from, Text *out);

/* What follows the begin of a loop. The step behind the last turn may be more than an int holds: then it ends there. */
void for_print(const IndexTable *t, const KStmt *s, const char *name, const char *end, Text *out);

#endif

/* print_matrix: the statements for matrix units as OpenCL C, which are calls of what kernels/mma.cl has. */
#ifndef DLG_PRINT_MATRIX_H
#define DLG_PRINT_MATRIX_H

#include "kir.h"

typedef struct MatrixTexts {                       /* of what the statement has */
    const char *buffer, *local, *matrix, *fetched; /* names; the last: of the sets of operands */
    const char *index, *at, *ranges;
    const char *copy; /* the function; NULL: mma_copy */
} MatrixTexts;

/* Requires: s is a statement that has to do with copies or sums (S_COPY to S_SUMS_OUT). */
void matrix_print(const Kernel *k, const KStmt *s, const MatrixTexts *t, Text *out);

/* Of arrays for the operands of wgmma: their declaration, and S_LOCAL of `val` at index `at` of the array `local`. */
const char *wgmma_declaration(const KLocal *l, const char *name, Arena *a);
void wgmma_print_put(const Kernel *k, const KStmt *s, const char *local, const char *at,
                     const char *val, Text *out);

#endif

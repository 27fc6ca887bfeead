/* print_matrix: the statements for matrix units as OpenCL C, which are calls of what kernels/mma.cl has. */
#ifndef DLG_PRINT_MATRIX_H
#define DLG_PRINT_MATRIX_H

#include "kir.h"

typedef struct MatrixTexts {                       /* of what the statement has */
    const char *buffer, *local, *matrix, *fetched; /* names; the last: of the sets of operands */
    const char *index, *at, *ranges;
} MatrixTexts;

/* Requires: s is a statement that has to do with copies or sums (S_COPY to S_SUMS_OUT). */
void matrix_print(const Kernel *k, const KStmt *s, const MatrixTexts *t, Text *out);

#endif

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

/* The declaration of the i-th array, which is for the operands of wgmma or over another; names: of all of them. */
const char *wgmma_declaration(const KLocal *l, const char *const *names, uint32_t i, Arena *a);
/* A store of `val` to such an array, or one that is `whole`, at index `at` of what is called `name`. */
void wgmma_print_store(const Kernel *k, const KStmt *s, const char *name, const char *at,
                       const char *val, Text *out);

#endif

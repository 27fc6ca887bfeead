/* print_matrix: the statements for matrix units as calls of kernels/mma.cl. */
#include "print_matrix.h"

/* What is at an index of an array. */
static const char *place(Text *out, const char *array, const char *index) {
    if (!strcmp(index, "0")) return array;
    return arena_printf(out->arena, "%s + %s", array, index);
}

void matrix_print(const Kernel *k, const KStmt *s, const MatrixTexts *t, Text *out) {
    static const char *const product[] = {
        [PRECISION_3XTF32] = "3xtf32", [PRECISION_TF32] = "tf32", [PRECISION_BF16] = "bf16"};
    const KMatrix *m = k->matrices.len ? &k->matrices.at[s->matrix] : NULL;
    switch (s->op) {
    case S_COPY:
        text_printf(out, "mma_copy(%s, %s, %s);\n", place(out, t->local, t->at),
                    place(out, t->buffer, t->index), t->ranges);
        break;
    case S_MARK: text_puts(out, "mma_mark();\n"); break;
    case S_ARRIVE: text_printf(out, "mma_arrive(%d);\n", (int)s->step); break;
    case S_SUMS:
        text_printf(out, "float %s[%d] = {0};\n", t->matrix, m->rows * m->columns * 32);
        break;
    case S_PRODUCT:
        text_printf(out, "mma_product_%s(%s, %s, %s, %d, %d, %d, %d, l);\n", product[m->precision],
                    t->matrix, place(out, t->local, t->index), place(out, t->local, t->at), m->rows,
                    m->columns, m->along[0], m->along[1]);
        break;
    case S_SUMS_OUT:
        text_printf(out, "mma_sums_out(%s, %s, %d, %d, %d, l);\n", t->local, t->matrix,
                    (int)s->step, m->along[0], m->along[1]);
        break;
    default: break;
    }
}

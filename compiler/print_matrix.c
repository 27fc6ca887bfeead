/* print_matrix: the statements for matrix units as calls of kernels/mma.cl. */
#include "print_matrix.h"

/* What is at an index of an array. */
static const char *place(Text *out, const char *array, const char *index) {
    if (!strcmp(index, "0")) return array;
    return arena_printf(out->arena, "%s + %s", array, index);
}

/* Of a tile with slices: kernels/mma_small.cl. */
static void print_slices(const KMatrix *m, const KStmt *s, const MatrixTexts *t, Text *out) {
    if (s->op == S_SUMS)
        text_printf(out, "float %s[32] = {0};\n", t->matrix);
    else if (s->op == S_PRODUCT)
        text_printf(out, "mma_slice_%s(%s, %s, %s, %d, %d, %d, l);\n",
                    m->precision == PRECISION_3XTF32 ? "3xtf32" : "tf32", t->matrix,
                    place(out, t->local, t->index), place(out, t->local, t->at), m->rows,
                    m->columns, m->chunk);
    else
        text_printf(out, "mma_slices_out(%s, %s, %d, %d, l);\n", t->local, t->matrix, m->rows,
                    m->columns);
}

void matrix_print(const Kernel *k, const KStmt *s, const MatrixTexts *t, Text *out) {
    static const char *const product[] = {
        [PRECISION_3XTF32] = "3xtf32", [PRECISION_TF32] = "tf32", [PRECISION_BF16] = "bf16"};
    const KMatrix *m = k->matrices.len ? &k->matrices.at[s->matrix] : NULL;
    const int sums = m ? m->rows * m->columns * 32 : 0, set = m ? (m->rows + m->columns) * 8 : 0;
    const char *of_set = s->set ? arena_printf(out->arena, "%s + %d", t->fetched, set) : t->fetched;
    bool of_sums = s->op == S_SUMS || s->op == S_PRODUCT || s->op == S_SUMS_OUT;
    if (m && m->slices && of_sums) {
        print_slices(m, s, t, out);
        return;
    }
    switch (s->op) {
    case S_COPY:
        text_printf(out, "mma_copy%s(%s, %s, %s);\n", s->step == 1 ? "_one" : "",
                    place(out, t->local, t->at), place(out, t->buffer, t->index), t->ranges);
        break;
    case S_MARK: text_puts(out, "mma_mark();\n"); break;
    case S_ARRIVE: text_printf(out, "mma_arrive(%d);\n", (int)s->step); break;
    case S_SUMS: {
        const bool runs = m->precision == PRECISION_3XTF32;
        text_printf(out, "float %s[%d] = {0}; uint %s[%d];%s", t->matrix, sums * (runs ? 2 : 1),
                    t->fetched, 2 * set + (runs ? 1 : 0), runs ? "" : "\n");
        if (runs) text_printf(out, " %s[%d] = mma_high();\n", t->fetched, 2 * set);
        break;
    }
    case S_FETCH:
        text_printf(out, "mma_fetch(%s, %s, %s, %s, %d, %d, %d, %d, %s, l);\n", t->matrix, of_set,
                    place(out, t->local, t->index), place(out, t->local, t->at), m->rows,
                    m->columns, m->along[0], m->along[1], t->ranges);
        break;
    case S_PRODUCT:
        text_printf(out, "mma_product_%s(%s, %s, %d, %d", product[m->precision], t->matrix, of_set,
                    m->rows, m->columns);
        if (m->precision == PRECISION_3XTF32)
            text_printf(out, ", %s[%d], %d, %d", t->fetched, 2 * set, s->step == 0,
                        s->step == m->run - 1);
        text_puts(out, ");\n");
        break;
    case S_SUMS_OUT:
        text_printf(out, "mma_sums_out(%s, %s, %d, %d, %d, l);\n", t->local, t->matrix,
                    (int)s->step, m->along[0], m->along[1]);
        break;
    default: break;
    }
}

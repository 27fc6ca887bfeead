/* print_matrix: the statements for matrix units as calls of kernels/mma.cl and kernels/wgmma.cl. */
#include "print_matrix.h"

#include "print_words.h"

/* Of a tile with slices: kernels/mma_small.cl. */
static void print_slices(const KMatrix *m, const KStmt *s, const MatrixTexts *t, Text *out) {
    if (s->op == S_SUMS)
        text_printf(out, "float %s[32] = {0};\n", t->matrix);
    else if (s->op == S_PRODUCT)
        text_printf(out, "mma_slice_%s(%s, %s, %s, %d, %d, %d, %d, %d, l);\n",
                    m->precision == PRECISION_3XTF32 ? "3xtf32" : "tf32", t->matrix,
                    place_text(out->arena, t->local, t->index),
                    place_text(out->arena, t->local, t->at), m->rows, m->columns, m->chunk,
                    m->along[0], m->along[1]);
    else
        text_printf(out, "mma_slices_out(%s, %s, %d, %d, l);\n", t->local, t->matrix, m->rows,
                    m->columns);
}

static const char *const product[] = {
    [PRECISION_3XTF32] = "3xtf32", [PRECISION_TF32] = "tf32", [PRECISION_BF16] = "bf16"};

/* From an element of the first half of such an array to its place in the second. */
static long long half_of(const KLocal *l) {
    return l->precision == PRECISION_3XTF32 ? (long long)l->elems / 2 : 0;
}

const char *wgmma_declaration(const KLocal *l, const char *const *names, uint32_t i, Arena *a) {
    const char *type = l->dtype == DT_BF16 ? "ushort" : "float";
    if (l->over)
        return arena_printf(a, "__local %s *const %s = (__local %s *)%s", type, names[i], type,
                            names[l->over - 1]);
    return arena_printf(a, "wgmma_array(%s, %s, %lld, %lld)", type, names[i], (long long)l->elems,
                        (long long)l->elems * dtype_bytes(l->dtype));
}

void wgmma_print_store(const Kernel *k, const KStmt *s, const char *name, const char *at,
                       const char *val, Text *out) {
    if (s->whole) {
        const bool half = k->buffers.at[s->buffer].dtype == DT_BF16;
        text_printf(out, "wgmma_%s(%s, %s);\n", half ? "stbf" : "sttf",
                    place_text(out->arena, name, at), val);
        return;
    }
    const KLocal *l = &k->locals.at[s->buffer];
    text_printf(out, "wgmma_put_%s(%s, %s, %s", product[l->precision], name, at, val);
    if (half_of(l)) text_printf(out, ", %lld", half_of(l));
    text_puts(out, ");\n");
}

/* The same statements with a matrix that is `wgmma`. Sums that are `apart` have as many more behind them, of one product. */
static void wgmma_print(const Kernel *k, const KStmt *s, const MatrixTexts *t, Text *out) {
    const KMatrix *m = &k->matrices.at[s->matrix];
    const char *precision = product[m->precision];
    const bool three = m->precision == PRECISION_3XTF32;
    switch (s->op) {
    case S_SUMS:
        text_printf(out, "float %s[%d] = {0};\n", t->matrix, m->columns * (m->apart ? 128 : 64));
        break;
    case S_WGMMA:
        text_printf(out, "wgmma_product_%s(%s, %s, %s, %d", precision, t->matrix,
                    place_text(out->arena, t->local, t->index),
                    place_text(out->arena, t->local, t->at), m->columns);
        if (three)
            text_printf(out, ", %lld", half_of(&k->locals.at[s->local]));
        else if (m->precision == PRECISION_BF16)
            text_printf(out, ", %d, %d, %d", m->along[0], m->along[1], m->apart);
        text_puts(out, ", l);\n");
        break;
    case S_DONE:
        if (m->apart)
            text_printf(out, "wgmma_add(%s, %d);\n", t->matrix, m->columns);
        else
            text_printf(out, "wgmma_done(%s, %d, %d);\n", t->matrix, m->columns, (int)s->step);
        break;
    case S_SUMS_OUT:
        text_printf(out, "wgmma_sums_out(%s, %s, %d, l);\n", t->local, t->matrix, m->columns);
        break;
    default: break;
    }
}

/* How a copy to the tiles of mma.cl is called. */
static const char *copied(const Kernel *k, const KStmt *s) {
    if (s->step == 1) return "_one";
    return k->buffers.at[s->buffer].dtype == DT_BF16 ? "_bf16" : "";
}

void matrix_print(const Kernel *k, const KStmt *s, const MatrixTexts *t, Text *out) {
    const KMatrix *m = k->matrices.len ? &k->matrices.at[s->matrix] : NULL;
    const bool of_sums = s->op == S_SUMS || s->op == S_PRODUCT || s->op == S_WGMMA ||
                         s->op == S_DONE || s->op == S_SUMS_OUT;
    if (of_sums && m->wgmma) {
        wgmma_print(k, s, t, out);
        return;
    }
    if (of_sums && m->slices) {
        print_slices(m, s, t, out);
        return;
    }
    const int sums = m ? m->rows * m->columns * 32 : 0, set = m ? (m->rows + m->columns) * 8 : 0;
    const char *of_set = s->set ? arena_printf(out->arena, "%s + %d", t->fetched, set) : t->fetched;
    switch (s->op) {
    case S_COPY:
        if (k->locals.at[s->local].wgmma)
            text_printf(out, "wgmma_copy_%s(%s, %s, %s, %s);\n",
                        k->locals.at[s->local].dtype == DT_BF16 ? "bf16" : "f32", t->local, t->at,
                        place_text(out->arena, t->buffer, t->index), t->ranges);
        else
            text_printf(out, "mma_copy%s(%s, %s, %s);\n", copied(k, s),
                        place_text(out->arena, t->local, t->at),
                        place_text(out->arena, t->buffer, t->index), t->ranges);
        break;
    case S_SETTLE: text_puts(out, "wgmma_settle();\n"); break;
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
        text_printf(out, "mma_fetch%s(%s, %s, %s, %s, %d, %d", matrix_each(m) > 1 ? "_pairs" : "",
                    t->matrix, of_set, place_text(out->arena, t->local, t->index),
                    place_text(out->arena, t->local, t->at), m->rows, m->columns);
        if (matrix_each(m) == 1) text_printf(out, ", %d, %d", m->along[0], m->along[1]);
        text_printf(out, ", %s, l);\n", t->ranges);
        break;
    case S_PRODUCT:
        text_printf(out, "mma_product_%s%s(%s, %s, %d, %d", m->ready ? "ready_" : "",
                    product[m->precision], t->matrix, of_set, m->rows, m->columns);
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

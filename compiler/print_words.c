/* print_words: see print_words.h. */
#include "print_words.h"

#include "cl_names.h"

const char *zip_text(const Value *n, const char *x, const char *y, Arena *a) {
    static const char *const names[] = {"zip_lo",    "zip_hi",     "low_ones",      "high_ones",
                                        "low_pairs", "high_pairs", "even_quarters", "odd_quarters"};
    const char *name = names[(int)n->number];
    if (n->number > 1) return arena_printf(a, "%s(%s, %s)", name, x, y);
    return arena_printf(a, "%s%s%d(%s, %s)", name, n->dtype == DT_F32 ? "" : "i", n->lanes, x, y);
}

void point_print(const Kernel *k, const KStmt *s, const char *name, const char *of, const char *at,
                 Text *out) {
    const bool own = s->local != NO_VAL;
    DType t = own ? k->locals.at[s->local].dtype : k->buffers.at[s->buffer].dtype;
    text_printf(out, "%sconst %s *%s = %s + %s;\n", own ? "" : "__global ", cl_memory_type(t), name,
                of, at);
}

void for_print(const IndexTable *t, const KStmt *s, const char *name, const char *end, Text *out) {
    if (s->step > 1 && idx_hi(t, s->hi) > INT32_MAX - s->step)
        text_printf(out, "%s >= 0 && %s < %s; %s = as_int(as_uint(%s) + %lldu)) {\n", name, name,
                    end, name, name, (long long)s->step);
    else if (s->step > 1)
        text_printf(out, "%s < %s; %s += %lld) {\n", name, end, name, (long long)s->step);
    else
        text_printf(out, "%s < %s; %s++) {\n", name, end, name);
}

const char *place_text(Arena *a, const char *array, const char *index) {
    if (!strcmp(index, "0")) return array;
    return arena_printf(a, "%s + %s", array, index);
}

void turn_print(const KStmt *s, const char *to, const char *from, Text *out) {
    const long long step = (long long)s->step;
    if (s->op == S_SQUARE)
        text_printf(out, "turn_%s(%s, %lld, %s, %lld);\n", s->own ? "own" : "rows", to, step, from,
                    (long long)s->pitch);
    else
        text_printf(out, "%s(%s, %s, %lld);\n",
                    s->op == S_COLUMNS ? "rows_to_columns" : "columns_to_rows", to, from, step);
}

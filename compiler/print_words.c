/* print_words: see print_words.h. */
#include "print_words.h"

#include "cl_names.h"

#include <math.h>

const char *constant_text(Arena *a, DType t, double v) {
    Text s;
    text_init(&s, a);
    if (t == DT_BOOL) return v != 0 ? "1" : "0";
    if (t == DT_I32) {
        if (v <= -2147483648.0) return "(-2147483647 - 1)";
        text_printf(&s, v < 0 ? "(%d)" : "%d", (int32_t)v);
        return s.at;
    }
    if (isnan(v)) return "NAN";
    if (isinf(v)) return v > 0 ? "INFINITY" : "(-INFINITY)";
    text_f32(&s, (float)v);
    if (!strpbrk(s.at, ".e")) text_puts(&s, ".0");
    text_puts(&s, "f");
    return s.at[0] == '-' ? arena_printf(a, "(%s)", s.at) : s.at;
}

/* A number of a table: what INFINITY and NAN stand for is no constant with every driver. */
static const char *table_number(Arena *a, DType t, double v) {
    if (t == DT_I32 || t == DT_BOOL || isfinite(v)) return constant_text(a, t, v);
    if (isnan(v)) return "1e30f * 1e30f * 0.0f";
    return v > 0 ? "1e30f * 1e30f" : "-1e30f * 1e30f";
}

void table_print(const KBuffer *b, const char *name, Text *out) {
    text_printf(out, "__constant %s %s[%lld] = {", cl_memory_type(b->dtype), name,
                (long long)b->elems);
    for (int64_t e = 0; e < b->elems; e++) {
        text_puts(out, e == 0 ? "\n    " : e % 8 == 0 ? ",\n    " : ", ");
        text_puts(out, table_number(out->arena, b->dtype, b->values[e]));
    }
    text_puts(out, "};\n");
}

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

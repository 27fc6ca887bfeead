/* lower_einsum: einsum("bij,bjk->bik", a, b): sums of products by letters. Operands are contracted from the
 * left to the right; a letter that nothing further needs is summed as soon as it can be. It becomes
 * permutations, sums and contractions, which the rest of the compiler knows. */
#include "lower.h"

#include <ctype.h>
#include <stdio.h>

typedef struct Labelled { /* a tensor and the letters of its axes */
    NodeId node;
    char letters[MAX_RANK + 1];
    int rank;
} Labelled;

typedef struct Einsum {
    Lower *L;
    const Given *given;
    const char *formula;
    Span at; /* of the formula */
    int32_t size[128];
    uint32_t from[128]; /* the operand that gave the size */
    uint32_t count;
    Labelled *x;
    char out[MAX_RANK + 1];
    bool has_out;
} Einsum;

static const Shape *shape_at(const Einsum *e, NodeId id) {
    return &node_at(e->L->g, id)->shape;
}

static int place_of(const Labelled *x, char letter) {
    const char *s = strchr(x->letters, letter);
    return s && letter ? (int)(s - x->letters) : -1;
}

/* ---- The formula ------------------------------------------------------------------------------- */

static Diag *wrong(const Einsum *e, const char *what) {
    Diag *d = lower_error(e->L, E0203, e->at, "the formula of einsum %s", what);
    diag_help(e->L->diags, d, "a letter an axis, as in \"bij,bjk->bik\"");
    return d;
}

/* One group of letters, of at most MAX_RANK; *s is moved behind it. False: reported. */
static bool read_letters(const Einsum *e, const char **s, char *letters, int *rank) {
    *rank = 0;
    for (; **s && **s != ',' && **s != '-'; (*s)++) {
        if (**s == ' ') continue;
        if (!isalpha((unsigned char)**s))
            return wrong(e, arena_printf(e->L->arena, "has `%c`, which is no letter", **s)), false;
        if (*rank == MAX_RANK) return wrong(e, "has more letters than a tensor has axes"), false;
        letters[(*rank)++] = **s;
    }
    letters[*rank] = 0;
    return true;
}

static bool read_formula(Einsum *e) {
    const char *s = e->formula;
    for (uint32_t i = 0; i < e->count; i++) {
        if (!read_letters(e, &s, e->x[i].letters, &e->x[i].rank)) return false;
        if (*s == ',' && i + 1 < e->count)
            s++;
        else if (*s == ',' || i + 1 < e->count)
            return wrong(e, arena_printf(e->L->arena,
                                         "is for more or fewer tensors than the %u after it",
                                         e->count)),
                   false;
    }
    if (!*s) return true;
    int rank;
    if (s[0] != '-' || s[1] != '>') return wrong(e, "has a `-` that is not `->`"), false;
    s += 2;
    e->has_out = true;
    if (!read_letters(e, &s, e->out, &rank)) return false;
    return *s ? (wrong(e, "does not end after what it gives"), false) : true;
}

/* Every letter has one size. */
static bool check_sizes(Einsum *e) {
    Lower *L = e->L;
    for (uint32_t i = 0; i < e->count; i++) {
        const Shape *s = shape_at(e, e->x[i].node);
        if (s->rank != e->x[i].rank) {
            Diag *d = lower_error(L, E0402, e->given->rest[i].span, "`%s` names %d ax%s, and %s",
                                  e->x[i].letters, e->x[i].rank, e->x[i].rank == 1 ? "is" : "es",
                                  lower_describe(L, &e->given->rest[i]));
            lower_point(L, d, e->at, "the formula");
            return false;
        }
        for (int k = 0; k < s->rank; k++) {
            unsigned char c = (unsigned char)e->x[i].letters[k];
            if (!e->size[c]) e->size[c] = s->dim[k], e->from[c] = i;
            if (e->size[c] == s->dim[k]) continue;
            Operand both[2] = {e->given->rest[e->from[c]], e->given->rest[i]};
            Diag *d = lower_error(L, E0401, e->given->rest[i].span,
                                  "`%c` stands for an axis of %d and for one of %d: %s, %s", c,
                                  e->size[c], s->dim[k], lower_describe(L, &both[0]),
                                  lower_describe(L, &both[1]));
            lower_point_origins(L, d, both, e->from[c] == i ? 1 : 2);
            return false;
        }
    }
    return true;
}

/* What it gives: as written, or the letters that stand once, in the order of the alphabet. */
static bool find_output(Einsum *e) {
    int times[128] = {0}, rank = 0;
    for (uint32_t i = 0; i < e->count; i++) {
        for (const char *c = e->x[i].letters; *c; c++) times[(unsigned char)*c]++;
    }
    for (const char *c = e->out; *c && e->has_out; c++) {
        if (!times[(unsigned char)*c])
            return wrong(e, arena_printf(e->L->arena, "gives `%c`, which no tensor has", *c)),
                   false;
        if (strchr(c + 1, *c))
            return wrong(e, arena_printf(e->L->arena, "gives `%c` twice", *c)), false;
    }
    for (int c = 0; c < 128 && !e->has_out; c++) {
        if (times[c] != 1) continue;
        if (rank == MAX_RANK) return wrong(e, "gives more axes than a tensor has"), false;
        e->out[rank++] = (char)c;
    }
    return true;
}

/* ---- Products ---------------------------------------------------------------------------------- */

static void sum_axis(Einsum *e, Labelled *x, int axis) {
    x->node = node_reduce(e->L->g, OP_SUM, x->node, &(int32_t){axis}, 1);
    memmove(x->letters + axis, x->letters + axis + 1, (size_t)(x->rank - axis));
    x->rank--;
}

/* A letter that stands twice: the diagonal of its two axes. */
static void take_diagonals(Einsum *e, Labelled *x) {
    Graph *g = e->L->g;
    for (int i = 0; i < x->rank; i++) {
        for (int k = x->rank - 1; k > i; k--) {
            if (x->letters[k] != x->letters[i]) continue;
            const Shape s = *shape_at(e, x->node);
            Shape row = {.rank = s.rank}, column = {.rank = s.rank};
            for (int d = 0; d < s.rank; d++) row.dim[d] = column.dim[d] = 1;
            row.dim[i] = s.dim[i];
            column.dim[k] = s.dim[k];
            NodeId iota = node_iota(g, s.dim[i]);
            NodeId a = node_expand(g, node_reshape(g, iota, &row), &s);
            NodeId b = node_expand(g, node_reshape(g, iota, &column), &s);
            NodeId zero = node_full(g, (DType)node_at(g, x->node)->dtype, 0, &s);
            x->node = node_ew(g, OP_WHERE, node_ew(g, OP_EQ, a, b, NO_NODE), x->node, zero);
            sum_axis(e, x, k);
        }
    }
}

/* Whether operands from `next` on, or the result, have the letter. */
static bool needed(const Einsum *e, char letter, uint32_t next) {
    for (uint32_t i = next; i < e->count; i++) {
        if (place_of(&e->x[i], letter) >= 0) return true;
    }
    return strchr(e->out, letter) != NULL;
}

static void permute_to(Einsum *e, Labelled *x, const char *letters) {
    int32_t axes[MAX_RANK];
    for (int i = 0; i < x->rank; i++) axes[i] = place_of(x, letters[i]);
    x->node = node_permute(e->L->g, x->node, axes);
    memcpy(x->letters, letters, (size_t)x->rank + 1);
}

/* a becomes the product of a and b, summed over what nothing from `next` on needs. False: reported. */
static bool multiply(Einsum *e, Labelled *a, Labelled *b, uint32_t next) {
    char batch[MAX_RANK + 1] = "", free_a[MAX_RANK + 1] = "", free_b[MAX_RANK + 1] = "",
                          both[MAX_RANK + 1] = "";
    for (int i = a->rank; i-- > 0;) {
        if (place_of(b, a->letters[i]) < 0 && !needed(e, a->letters[i], next)) sum_axis(e, a, i);
    }
    for (int i = b->rank; i-- > 0;) {
        if (place_of(a, b->letters[i]) < 0 && !needed(e, b->letters[i], next)) sum_axis(e, b, i);
    }
    for (int i = 0; i < a->rank; i++) {
        bool shared = place_of(b, a->letters[i]) >= 0;
        char *to = !shared ? free_a : needed(e, a->letters[i], next) ? batch : both;
        to[strlen(to)] = a->letters[i];
    }
    for (int i = 0; i < b->rank; i++) {
        if (place_of(a, b->letters[i]) < 0) free_b[strlen(free_b)] = b->letters[i];
    }
    if (strlen(batch) + strlen(free_a) + strlen(free_b) > MAX_RANK) {
        lower_error(e->L, E0402, e->given->at, "a product on the way would have more than %d axes",
                    MAX_RANK);
        return false;
    }
    char order[2 * MAX_RANK + 1], result[2 * MAX_RANK + 1];
    snprintf(order, sizeof order, "%s%s%s", batch, free_a, both);
    permute_to(e, a, order);
    snprintf(order, sizeof order, "%s%s%s", batch, free_b, both);
    permute_to(e, b, order);
    snprintf(result, sizeof result, "%s%s%s", batch, free_a, free_b);
    Shape s = {0};
    for (const char *c = result; *c; c++) s.dim[s.rank++] = e->size[(unsigned char)*c];
    if (!lower_check_shape(e->L, &s, e->given->at)) return false;
    a->node = node_dot(e->L->g, a->node, b->node, (int32_t)strlen(batch), (int32_t)strlen(both));
    a->rank = (int)strlen(result);
    memcpy(a->letters, result, (size_t)a->rank + 1);
    return true;
}

Value builtin_einsum(Lower *L, const Given *given, int which) {
    (void)which;
    const Operand *f = &given->slot[0];
    if (f->value.kind != VALUE_STRING) {
        Diag *d = lower_error(L, E0301, f->span, "einsum takes a formula first, and this is %s",
                              lower_kind_text(L, &f->value));
        diag_help(L->diags, d, "such as einsum(\"ij,jk->ik\", a, b)");
        return ERROR_VALUE;
    }
    if (given->rest_count == 0) {
        lower_error(L, E0203, given->at, "einsum wants at least one tensor after its formula");
        return ERROR_VALUE;
    }
    Einsum e = {.L = L,
                .given = given,
                .formula = f->value.string,
                .at = f->span,
                .count = given->rest_count};
    e.x = NEW_ARRAY(L->arena, Labelled, e.count);
    for (uint32_t i = 0; i < e.count; i++) {
        if (given->rest[i].value.kind == VALUE_ERROR ||
            !lower_any_tensor(L, &given->rest[i], &e.x[i].node))
            return ERROR_VALUE;
    }
    if (!read_formula(&e) || !check_sizes(&e) || !find_output(&e)) return ERROR_VALUE;
    for (uint32_t i = 0; i < e.count; i++) {
        e.x[i].node = lower_counted(L, e.x[i].node);
        DType t = (DType)node_at(L->g, e.x[i].node)->dtype;
        /* Products are of f32; a sum of bools counts. */
        if (e.count > 1 || (t != DT_I32 && t != DT_BOOL))
            e.x[i].node = node_cast(L->g, e.x[i].node, DT_F32);
        else if (t == DT_BOOL)
            e.x[i].node = node_cast(L->g, e.x[i].node, DT_I32);
        take_diagonals(&e, &e.x[i]);
    }
    Labelled *a = &e.x[0];
    for (uint32_t i = 1; i < e.count; i++) {
        if (!multiply(&e, a, &e.x[i], i + 1)) return ERROR_VALUE;
    }
    for (int i = a->rank; i-- > 0;) {
        if (!strchr(e.out, a->letters[i])) sum_axis(&e, a, i);
    }
    permute_to(&e, a, e.out);
    return tensor_value(a->node);
}

/* random_wild: programs made at random that have what those of random_program.h, which are to be
 * differentiated, have not: whole numbers and bools and their bits, gathers, literals, permutations, pads,
 * products of higher rank, reductions of several axes, loops, windows, random numbers, and entries that share variables and update them from each
 * other: swapped, turned, shifted, and with new values that later lines read. What is cast to a storage type
 * is known exactly, so that it rounds the same whoever computes it.
 *
 * Few functions in them jump where rounding could decide; `exact` allows those too. */
#ifndef DLG_RANDOM_WILD_H
#define DLG_RANDOM_WILD_H

#include "random_program.h"

#define WILD_VALUES 80
#define WILD_RANK   5
#define WILD_ELEMS  6000

typedef struct WildValue {
    char type; /* 'f', 'i', 'b'; of storage 'h' (f16), 'g' (bf16), 'u' (u8) */
    int rank, dim[WILD_RANK];
} WildValue;

typedef struct RandomWild {
    RandomProgram program; /* its state and text */
    bool exact;
    WildValue value[WILD_VALUES]; /* v0, v1, ... */
    int count, variables;         /* of which the first are params and states, ... */
    int declared;                 /* ... and then inputs */
} RandomWild;

#define wild_below(w, n) random_below(&(w)->program, n)
#define wild_say(w, ...) random_say(&(w)->program, __VA_ARGS__)
#define wild_text(w)     ((w)->program.text)

static inline int wild_elems(const WildValue *v) {
    int n = 1;
    for (int i = 0; i < v->rank; i++) n *= v->dim[i];
    return n;
}

static inline bool wild_same(const WildValue *a, const WildValue *b) {
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) same = a->dim[i] == b->dim[i];
    return same;
}

/* A value of this type, and of this shape if one is given; -1 when there is none. */
static inline int wild_find(RandomWild *w, char type, const WildValue *shape) {
    int first = wild_below(w, w->count);
    for (int k = 0; k < w->count; k++) {
        int i = (first + k) % w->count;
        if (w->value[i].type == type && (!shape || wild_same(shape, &w->value[i]))) return i;
    }
    return -1;
}

static inline bool wild_made(RandomWild *w, WildValue v) {
    w->value[w->count++] = v;
    return true;
}

/* What a type counts as. */
static inline char wild_counts(char type) {
    return type == 'h' || type == 'g' ? 'f' : type == 'u' ? 'i' : type;
}

static inline bool wild_stored(char type) {
    return wild_counts(type) != type;
}

static inline const char *wild_type(char type) {
    static const char *const name[] = {"f32", "i32", "bool", "f16", "bf16", "u8"};
    return name[strchr("fibhgu", type) - "fibhgu"];
}

static inline bool wild_elementwise(RandomWild *w, int x) {
    static const char *const f[] = {"tanh(v%d) + v%d * 0.5",   "v%d - v%d * 0.3",
                                    "v%d * tanh(v%d)",         "maximum(v%d, -v%d)",
                                    "minimum(v%d * 0.5, v%d)", "exp(-abs(v%d)) + v%d * 0.1",
                                    "relu(v%d) * sigmoid(v%d)"};
    static const char *const i[] = {"v%d + v%d",
                                    "v%d * v%d - 3",
                                    "v%d - v%d * 5",
                                    "v%d // (v%d %% 7)",
                                    "v%d %% (v%d - 2)",
                                    "maximum(v%d, v%d)",
                                    "-v%d + v%d",
                                    "minimum(v%d, v%d // 2)",
                                    "bit_xor(v%d, v%d)",
                                    "bit_and(v%d, -v%d)",
                                    "shift_left(v%d, v%d) - 1",
                                    "bit_or(shift_right(v%d, 3), v%d)"};
    static const char *const b[] = {"v%d and v%d", "v%d or not v%d", "v%d == v%d", "v%d != v%d"};
    WildValue v = w->value[x];
    int y = wild_find(w, v.type, &v), n = w->count;
    char call[96];
    v.type = wild_counts(v.type);
    const char *form = v.type == 'f'   ? f[wild_below(w, 7)]
                       : v.type == 'i' ? i[wild_below(w, 12)]
                                       : b[wild_below(w, 4)];
    snprintf(call, sizeof(call), form, x, y);
    wild_say(w, "v%d = %s\n", n, call);
    return wild_made(w, v);
}

static inline bool wild_convert(RandomWild *w, int x) {
    WildValue v = w->value[x];
    int n = w->count, y;
    switch (wild_below(w, 8)) {
    case 0:
        if (wild_counts(v.type) != 'i') return false;
        y = wild_find(w, v.type, &v);
        wild_say(w, "v%d = v%d %s v%d\n", n, x, wild_below(w, 2) ? "<" : "==", y);
        v.type = 'b';
        break;
    case 1:
        if (v.type == 'f' && !w->exact) return false;
        if (v.type == 'i' || v.type == 'h' || v.type == 'g') return false;
        wild_say(w, "v%d = cast(v%d%s, i32)\n", n, x, v.type == 'f' ? " * 3" : "");
        v.type = 'i';
        break;
    case 2:
        if (v.type == 'f') return false;
        wild_say(w, v.type == 'i' ? "v%d = sin(cast(v%d %% 100, f32))\n" : "v%d = cast(v%d, f32)\n",
                 n, x);
        v.type = 'f';
        break;
    case 3:
        if (v.type != 'f' || !w->exact) return false;
        wild_say(w, "v%d = v%d > 0.1\n", n, x);
        v.type = 'b';
        break;
    case 4:
    case 5: {
        char to = "hgu"[wild_below(w, 3)];
        if (v.type == 'f' || (to == 'u' && wild_counts(v.type) == 'f')) return false;
        wild_say(w, v.type == 'i' ? "v%d = cast(v%d %% 200, %s)\n" : "v%d = cast(v%d, %s)\n", n, x,
                 wild_type(to));
        v.type = to;
        break;
    }
    default: {
        int c = wild_find(w, 'b', &v);
        y = wild_find(w, v.type, &v);
        if (c < 0) return false;
        wild_say(w, "v%d = where(v%d, v%d, v%d)\n", n, c, x, y);
        v.type = wild_counts(v.type);
    }
    }
    return wild_made(w, v);
}

static inline bool wild_broadcast(RandomWild *w, int x) {
    WildValue v = w->value[x];
    int y = wild_below(w, w->count);
    const WildValue *o = &w->value[y];
    if (v.type == 'b' || o->type != v.type || o->rank > v.rank) return false;
    for (int i = 1; i <= o->rank; i++) {
        if (o->dim[o->rank - i] != 1 && o->dim[o->rank - i] != v.dim[v.rank - i]) return false;
    }
    wild_say(w, "v%d = v%d %s v%d\n", w->count, x, wild_below(w, 2) ? "+" : "-", y);
    v.type = wild_counts(v.type);
    return wild_made(w, v);
}

static inline bool wild_reduce(RandomWild *w, int x) {
    static const char *const name[] = {"sum", "max", "min", "mean"};
    WildValue v = w->value[x];
    v.type = wild_counts(v.type);
    WildValue to = {.type = v.type};
    if (v.rank == 0 || v.type == 'b') return false;
    int which = wild_below(w, v.type == 'f' ? 4 : 3), kept = 0, from[WILD_RANK];
    bool keep = wild_below(w, 2), gone[WILD_RANK] = {false};
    int one = wild_below(w, v.rank), two = wild_below(w, v.rank);
    gone[one] = gone[two] = true;
    wild_say(w, "v%d = %s(v%d, axis = %s", w->count, name[which], x, one == two ? "" : "[");
    for (int i = 0, k = 0; i < v.rank; i++) {
        if (gone[i])
            wild_say(w, "%s%d", k++ ? ", " : "", i);
        else
            from[kept++] = i;
    }
    wild_say(w, "%s, keep = %s)%s\n", one == two ? "" : "]", keep ? "true" : "false",
             v.type == 'f' && which == 0 ? " * 0.1" : "");
    for (int i = 0; i < (keep ? v.rank : kept); i++)
        to.dim[to.rank++] = !keep ? v.dim[from[i]] : gone[i] ? 1 : v.dim[i];
    return wild_made(w, to);
}

static inline bool wild_argmax(RandomWild *w, int x) {
    WildValue v = w->value[x];
    if (v.rank == 0 || v.type == 'b' || (v.type == 'f' && !w->exact)) return false;
    int axis = wild_below(w, v.rank);
    wild_say(w,
             v.type == 'f' ? "v%d = argmax(floor(v%d * 50 + 0.3), axis = %d)\n"
                           : "v%d = argmax(v%d, axis = %d)\n",
             w->count, x, axis);
    for (int i = axis; i + 1 < v.rank; i++) v.dim[i] = v.dim[i + 1];
    v.rank--;
    v.type = 'i';
    return wild_made(w, v);
}

static inline bool wild_take(RandomWild *w, int x) {
    int y = wild_find(w, 'i', NULL);
    WildValue v = w->value[x], index;
    if (y < 0 || v.rank == 0 || v.type == 'b') return false;
    index = w->value[y];
    if (index.rank + v.rank - 1 > WILD_RANK) return false;
    WildValue to = {.type = v.type, .rank = index.rank + v.rank - 1};
    for (int i = 0; i < to.rank; i++)
        to.dim[i] = i < index.rank ? index.dim[i] : v.dim[i - index.rank + 1];
    if (wild_elems(&to) > WILD_ELEMS) return false;
    /* Now and then outside the table. */
    wild_say(w, wild_below(w, 4) ? "v%d = v%d[v%d %% %d]\n" : "v%d = take(v%d, v%d)\n", w->count, x,
             y, v.dim[0]);
    return wild_made(w, to);
}

static inline bool wild_literal(RandomWild *w, int x) {
    WildValue v = w->value[x];
    int last = v.rank ? v.dim[v.rank - 1] : 0;
    if (last == 0 || last > 20 || v.type == 'b') return false;
    wild_say(w, "v%d = v%d * [", w->count, x);
    for (int i = 0; i < last; i++)
        wild_say(w, v.type == 'f' ? "%s%d.5" : "%s%d", i ? ", " : "", (i * 7 + x) % 5);
    wild_say(w, "]");
    bool back = wild_below(w, 2);
    wild_say(w, back ? "[::-1]\n" : "\n");
    v.type = wild_counts(v.type);
    return wild_made(w, v);
}

static inline bool wild_permute(RandomWild *w, int x) {
    WildValue v = w->value[x], to = v;
    int axes[WILD_RANK];
    if (v.rank < 2) return false;
    for (int i = 0; i < v.rank; i++) axes[i] = i;
    for (int i = v.rank - 1; i > 0; i--) {
        int k = wild_below(w, i + 1), t = axes[i];
        axes[i] = axes[k];
        axes[k] = t;
    }
    wild_say(w, "v%d = permute(v%d", w->count, x);
    for (int i = 0; i < v.rank; i++) {
        to.dim[i] = v.dim[axes[i]];
        wild_say(w, ", %d", axes[i]);
    }
    wild_say(w, ")\n");
    return wild_made(w, to);
}

static inline bool wild_reshape(RandomWild *w, int x) {
    WildValue v = w->value[x], to = {.type = v.type};
    int left = wild_elems(&v);
    wild_say(w, "v%d = reshape(v%d", w->count, x);
    while (to.rank < WILD_RANK - 1 && left > 1) {
        int d = 2 + wild_below(w, 6);
        while (d < left && left % d) d++;
        if (d > left || wild_below(w, 4) == 0) d = 1;
        to.dim[to.rank++] = d;
        left /= d;
        wild_say(w, ", %d", d);
    }
    to.dim[to.rank++] = left;
    wild_say(w, ", %d)\n", left);
    return wild_made(w, to);
}

static inline bool wild_slice(RandomWild *w, int x) {
    WildValue v = w->value[x];
    if (v.rank == 0) return false;
    wild_say(w, "v%d = v%d[", w->count, x);
    for (int i = 0; i < v.rank; i++) {
        int n = v.dim[i], begin = wild_below(w, n), end = begin + 1 + wild_below(w, n - begin);
        int step = 1 + wild_below(w, 3);
        if (i) wild_say(w, ", ");
        switch (wild_below(w, 4)) {
        case 0:
            wild_say(w, "%d:%d:%d", begin, end, step);
            v.dim[i] = (end - begin + step - 1) / step;
            break;
        case 1:
            wild_say(w, "::-%d", step);
            v.dim[i] = (n + step - 1) / step;
            break;
        default: wild_say(w, ":");
        }
    }
    wild_say(w, "]\n");
    return wild_made(w, v);
}

static inline bool wild_pad(RandomWild *w, int x) {
    WildValue v = w->value[x];
    if (v.rank == 0 || wild_elems(&v) > WILD_ELEMS / 8) return false;
    wild_say(w, "v%d = pad(v%d", w->count, x);
    for (int i = 0; i < v.rank; i++) {
        int before = wild_below(w, 3), after = wild_below(w, 3);
        int between = wild_below(w, 4) ? 0 : wild_below(w, 3);
        if (wild_below(w, 2)) before = after = between = 0;
        wild_say(w, ", %d, %d, %d", before, after, between);
        v.dim[i] += before + after + between * (v.dim[i] - 1);
    }
    wild_say(w, ")\n");
    return wild_elems(&v) <= WILD_ELEMS * 8 && wild_made(w, v);
}

static inline bool wild_join(RandomWild *w, int x) {
    WildValue v = w->value[x];
    int y = wild_find(w, v.type, &v);
    if (v.rank == 0 || wild_elems(&v) * 3 > WILD_ELEMS) return false;
    int axis = wild_below(w, v.rank), parts = 2 + wild_below(w, 2);
    wild_say(w,
             parts == 3 ? "v%d = concat(v%d, v%d, v%d, axis = %d)\n"
                        : "v%d = concat(v%d, v%d, axis = %d)\n",
             w->count, x, y, parts == 3 ? x : axis, axis);
    v.dim[axis] *= parts;
    return wild_made(w, v);
}

/* Another number between than zeros; rows of a later axis by an index; random numbers. */
static inline bool wild_fill(RandomWild *w, int x) {
    WildValue v = w->value[x];
    if (v.rank == 0 || v.type == 'b' || wild_stored(v.type) || wild_elems(&v) > WILD_ELEMS / 8)
        return false;
    int axis = wild_below(w, v.rank), after = 1 + wild_below(w, 2), between = wild_below(w, 2);
    wild_say(w, "v%d = pad(v%d", w->count, x);
    for (int i = 0; i < v.rank; i++)
        wild_say(w, i == axis ? ", 1, %d, %d" : ", 0, 0, 0", after, between);
    wild_say(w, ", value = %d)\n", 1 + wild_below(w, 3));
    v.dim[axis] += 1 + after + between * (v.dim[axis] - 1);
    return wild_made(w, v);
}

static inline bool wild_subscript(RandomWild *w, int x) {
    WildValue v = w->value[x], to = v;
    WildValue index = {.type = 'i', .rank = 1, .dim = {1 + wild_below(w, 8)}};
    int axis = wild_below(w, v.rank + 1) - 1, y = wild_find(w, 'i', NULL);
    if (axis < 0 || v.type == 'b' || y < 0 || w->value[y].rank != 1) return false;
    index = w->value[y];
    to.dim[axis] = index.dim[0];
    if (wild_elems(&to) > WILD_ELEMS) return false;
    wild_say(w, "v%d = v%d[", w->count, x);
    for (int i = 0; i < axis; i++) wild_say(w, ":, ");
    wild_say(w, wild_below(w, 3) ? "v%d %% %d]\n" : "v%d]\n", y, v.dim[axis]);
    return wild_made(w, to);
}

static inline bool wild_random(RandomWild *w, int x) {
    WildValue v = w->value[x];
    if (v.type != 'f') return false;
    wild_say(w,
             wild_below(w, 2) ? "v%d = v%d * random_like(v%d)\n"
                              : "v%d = tanh(v%d) - dropout(v%d, 0.2)\n",
             w->count, x, x);
    return wild_made(w, v);
}

/* x[..., m, k] @ y[..., k, n] of any ranks, and dots with batch and several contracted axes. */
static inline bool wild_dot(RandomWild *w, int x) {
    WildValue v = w->value[x];
    int y = wild_find(w, v.type, &v);
    if (wild_counts(v.type) != 'f' || v.rank < 2) return false;
    v.type = 'f';
    if (wild_below(w, 2)) { /* with a transpose of its like */
        WildValue to = v;
        to.dim[v.rank - 1] = v.dim[v.rank - 2];
        if (wild_elems(&to) > WILD_ELEMS) return false;
        wild_say(w, "v%d = tanh(v%d @ v%d' * 0.1)\n", w->count, x, y);
        return wild_made(w, to);
    }
    int batch = wild_below(w, v.rank), contract = 1 + wild_below(w, v.rank - batch);
    if (batch + contract > v.rank) return false;
    int free_axes = v.rank - batch - contract;
    WildValue to = {.type = 'f', .rank = batch + 2 * free_axes};
    if (to.rank > WILD_RANK) return false;
    for (int i = 0; i < to.rank; i++) to.dim[i] = v.dim[i < batch + free_axes ? i : i - free_axes];
    if (wild_elems(&to) > WILD_ELEMS) return false;
    wild_say(w, "v%d = tanh(dot(v%d, v%d, batch = %d, contract = %d) * 0.1)\n", w->count, x, y,
             batch, contract);
    return wild_made(w, to);
}

static inline bool wild_softmax(RandomWild *w, int x) {
    WildValue v = w->value[x];
    if (wild_counts(v.type) != 'f' || v.rank == 0) return false;
    v.type = 'f';
    wild_say(w, "v%d = %s(v%d, axis = %d)\n", w->count,
             wild_below(w, 2) ? "softmax" : "layer_scale", x, wild_below(w, v.rank));
    return wild_made(w, v);
}

/* A loop over the first axis of x: values that are carried, at their own place and turned, rows by the iteration
 * forwards and backwards, a loop inside, counts, yields; sometimes its gradient by x. */
static inline bool wild_scan(RandomWild *w, int x) {
    WildValue v = w->value[x], row = {.type = 'f', .rank = v.rank - 1};
    int n = w->count;
    if (v.type != 'f' || v.rank < 1 || v.dim[0] > 20 || wild_elems(&v) > WILD_ELEMS / 2 ||
        n + 4 > WILD_VALUES)
        return false;
    for (int i = 0; i < row.rank; i++) row.dim[i] = v.dim[i + 1];
    int T = v.dim[0], first = wild_below(w, T), trips = T - first;
    bool back = wild_below(w, 2), inner = wild_below(w, 3) == 0,
         turned = row.rank && wild_below(w, 2);
    bool counted = wild_below(w, 2), spread = wild_below(w, 3) == 0;
    int other = wild_find(w, 'f', &row);
    wild_say(w, "v%d, %sv%d = scan t in %d..%d with a = v%d[0]", n, counted ? "count, " : "", n + 1,
             first, T, x);
    if (counted) wild_say(w, ", k = cast(%d, i32)", wild_below(w, 3));
    char place[32];
    snprintf(place, sizeof place, back ? "%d - t" : "t", T - 1);
    wild_say(w, " {\n    here = v%d[%s]\n", x, place);
    wild_say(w, "    a = tanh(a%s * 0.5 + here%s)%s\n", turned ? "[..., ::-1]" : "",
             spread ? " - mean(a)" : "", other >= 0 && wild_below(w, 2) ? " * 0.9" : "");
    if (other >= 0) wild_say(w, "    a = a + v%d * 0.1\n", other);
    if (inner)
        wild_say(w, "    b, bs = scan u in 0..2 with b = a {\n        b = b * 0.7 + here * u\n     "
                    "   yield b\n    }\n"
                    "    a = a * 0.5 + tanh(sum(bs, axis = 0)) + b * 0.1\n");
    if (counted) wild_say(w, "    k = k * 3 + t\n");
    wild_say(w, "    yield a * %s\n}\n", counted ? "cast(k % 5, f32)" : "2");
    wild_made(w, row);
    WildValue stack = v;
    stack.dim[0] = trips;
    wild_made(w, stack);
    if (x < w->declared) {
        wild_say(w, "number%d = sum(v%d * v%d) + sum(v%d) * 0.1\nv%d = tanh(grad(number%d, v%d))\n",
                 n, n, n, n + 1, n + 2, n, x);
        wild_made(w, v);
    }
    return true;
}

/* Windows of an axis, their sums, rows added to others by an index. */
static inline bool wild_window(RandomWild *w, int x) {
    WildValue v = w->value[x];
    if (v.rank < 1 || v.rank == WILD_RANK || v.type == 'b' || wild_elems(&v) > WILD_ELEMS / 4)
        return false;
    int axis = wild_below(w, v.rank), size = 1 + wild_below(w, 3), stride = 1 + wild_below(w, 2),
        dilation = 1 + wild_below(w, 2);
    int reach = (size - 1) * dilation + 1;
    if (reach > v.dim[axis]) return false;
    wild_say(w, "v%d = window(v%d, %d, %d, stride = %d, dilation = %d)\n", w->count, x, axis, size,
             stride, dilation);
    v.dim[axis] = (v.dim[axis] - reach) / stride + 1;
    v.dim[v.rank++] = size;
    return wild_made(w, v);
}

static inline bool wild_scatter(RandomWild *w, int x) {
    WildValue v = w->value[x], to = v;
    WildValue index = {.type = 'i', .rank = 1, .dim = {v.dim[0]}};
    int y = v.rank ? wild_find(w, 'i', &index) : -1, rows = 1 + wild_below(w, 6);
    if (y < 0 || v.type == 'b' || wild_stored(v.type)) return false;
    wild_say(w, "v%d = scatter(v%d, v%d %% %d, %d)%s\n", w->count, x, y, rows + wild_below(w, 2),
             rows, v.type == 'f' ? " * 0.3" : "");
    to.dim[0] = rows;
    return wild_made(w, to);
}

static inline void wild_variable(RandomWild *w, const char *kind, WildValue v) {
    wild_say(w, "%s v%d : %s[", kind, w->count, wild_type(v.type));
    for (int i = 0; i < v.rank; i++) wild_say(w, "%s%d", i ? ", " : "", v.dim[i]);
    wild_say(w,
             strcmp(kind, "input") == 0   ? "]\n"
             : wild_counts(v.type) == 'f' ? "] ~ uniform(-1, 1)\n"
                                          : "] = %s\n",
             v.type == 'b' ? "true" : "2");
    wild_made(w, v);
}

static inline void wild_variables(RandomWild *w) {
    static const int sizes[] = {1, 2, 3, 4, 5, 7, 8, 16, 17, 20, 33};
    static const char types[] = "fffib", stored[] = "hgu";
    for (int group = 0; group < 3; group++) {
        WildValue v = {.type = types[wild_below(w, 5)], .rank = 1 + wild_below(w, 4)};
        if (group == 0) v.type = 'f';
        if (group == 2 && wild_below(w, 2)) v.type = stored[wild_below(w, 3)];
        for (int i = 0; i < v.rank; i++) v.dim[i] = sizes[wild_below(w, v.rank > 2 ? 5 : 11)];
        if (wild_below(w, 2)) { /* so that it fits itself turned */
            for (int i = 1; i < v.rank; i++) v.dim[i] = v.dim[0];
        }
        for (int k = 1 + wild_below(w, 3); k > 0; k--)
            wild_variable(w, wild_counts(v.type) == 'f' && wild_below(w, 2) ? "param" : "state", v);
    }
    w->variables = w->count;
    for (int k = 0; k < 3; k++) {
        WildValue v = w->value[wild_below(w, w->variables)];
        v.type = types[k + 2 > 4 ? 0 : k + 2];
        wild_variable(w, "input", v);
    }
    WildValue small = w->value[wild_below(w, w->variables)];
    small.type = stored[wild_below(w, 3)];
    wild_variable(w, "input", small);
    WildValue table = {.type = 'f', .rank = 2, .dim = {5, 1 + wild_below(w, 20)}};
    wild_variable(w, "input", table);
    WildValue index = {.type = 'i', .rank = 1 + wild_below(w, 2), .dim = {4, 6}};
    wild_variable(w, "input", index);
}

/* An entry that updates: each variable once at most, by anything of its shape; lines that come later see
 * what those before them made. */
static inline void wild_updates(RandomWild *w, int entry) {
    wild_say(w, "entry step%d -> one%d = v%d, two%d = v%d {\n", entry, entry, w->count - 1, entry,
             wild_below(w, w->count));
    for (int v = 0; v < w->variables; v++) {
        const WildValue *s = &w->value[v];
        int x = wild_find(w, s->type, s), y = wild_find(w, s->type, s);
        int other = wild_below(w, w->variables);
        bool fits = s->type == w->value[other].type && wild_same(s, &w->value[other]);
        bool square = s->rank >= 2 && s->dim[s->rank - 1] == s->dim[s->rank - 2];
        char counts = wild_counts(s->type);
        const char *op = counts == 'f' ? "* 0.5 +" : counts == 'i' ? "* 2 -" : "or";
        const char *open = s->type == 'u' ? "cast(" : "", *close = s->type == 'u' ? ", u8)" : "";
        switch (wild_below(w, 7)) {
        case 0: break;
        case 1: wild_say(w, "    v%d <- v%d\n", v, x); break;
        case 2: wild_say(w, "    v%d <- v%d[::-1]\n", v, wild_below(w, 2) ? v : x); break;
        case 3:
            wild_say(w, "    v%d <- %sv%d%s %s v%d%s\n", v, open, v, square ? "'" : "", op, x,
                     close);
            break;
        case 4:
            wild_say(w, fits ? "    v%d <- %sv%d %s old%d%s\n" : "    v%d <- %sv%d %s v%d%s\n", v,
                     open, x, op, fits ? other : y, close);
            break;
        case 5: wild_say(w, "    v%d <- old%d\n", v, fits ? other : v); break;
        default: wild_say(w, "    v%d <- %sv%d %s v%d%s\n", v, open, x, op, y, close);
        }
    }
    wild_say(w, "}\n");
}

/* Fills the text: an entry that looks, and two that update. */
static inline void random_wild(RandomWild *w, uint64_t seed, bool exact) {
    static bool (*const make[])(RandomWild *, int) = {
        wild_elementwise, wild_elementwise, wild_elementwise, wild_convert, wild_convert,
        wild_broadcast,   wild_broadcast,   wild_reduce,      wild_reduce,  wild_argmax,
        wild_take,        wild_literal,     wild_permute,     wild_reshape, wild_slice,
        wild_pad,         wild_join,        wild_dot,         wild_dot,     wild_softmax,
        wild_scan,        wild_scan,        wild_window,      wild_scatter, wild_fill,
        wild_subscript,   wild_random};
    memset(w, 0, sizeof(*w));
    w->program.state = seed * 104729 + 7;
    w->exact = exact;
    wild_say(
        w, "fn layer_scale(x, axis) { return x / (max(abs(x), axis = axis, keep = true) + 1) }\n");
    wild_variables(w);
    w->declared = w->count;
    for (int v = 0; v < w->variables; v++) wild_say(w, "old%d = v%d\n", v, v);
    int values = w->count + 8 + wild_below(w, 30);
    while (w->count < values) {
        int x = wild_below(w, 3) ? w->count - 1 - wild_below(w, w->count < 6 ? w->count : 6)
                                 : wild_below(w, w->count);
        size_t before = w->program.len;
        if (make[wild_below(w, (int)(sizeof(make) / sizeof(make[0])))](w, x)) continue;
        w->program.len = before; /* it did not fit: nothing was said */
        w->program.text[before] = '\0';
    }
    wild_say(w, "entry look -> last = v%d", w->count - 1);
    for (int i = wild_below(w, 3); i < w->count; i += 1 + wild_below(w, 4))
        wild_say(w, ", o%d = v%d", i, i);
    wild_say(w, "\n");
    for (int i = 0; i < 2; i++) wild_updates(w, i);
}

#endif

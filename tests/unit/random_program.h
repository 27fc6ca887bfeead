/* random_program: programs made at random from a seed, for tests that compare two ways to run them.
 *
 * Every function in them is continuous, so that rounding cannot make two right results differ by much;
 * those with gradients are smooth too. */
#ifndef DLG_RANDOM_PROGRAM_H
#define DLG_RANDOM_PROGRAM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_VALUES   48
#define RANDOM_MAX_RANK 4
#define RANDOM_ELEMS    20000

typedef struct RandomValue {
    int rank, dim[RANDOM_MAX_RANK];
} RandomValue;

typedef struct RandomProgram {
    uint64_t state;
    bool smooth;
    char text[16384];
    size_t len;
    RandomValue value[RANDOM_VALUES]; /* v0, v1, ... */
    int count, params;
} RandomProgram;

static inline int random_below(RandomProgram *r, int n) {
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (int)((r->state >> 33) % (uint64_t)n);
}

static inline void random_say(RandomProgram *r, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(r->text + r->len, sizeof(r->text) - r->len, fmt, args);
    va_end(args);
    if (n > 0) r->len += (size_t)n;
    if (r->len >= sizeof(r->text)) r->len = sizeof(r->text) - 1;
}

static inline int random_elems(const RandomValue *v) {
    int n = 1;
    for (int i = 0; i < v->rank; i++) n *= v->dim[i];
    return n;
}

/* The text so far defines one more value of this shape. */
static inline void random_made(RandomProgram *r, RandomValue v) {
    r->value[r->count++] = v;
}

static inline void random_leaf(RandomProgram *r, bool param) {
    static const int sizes[] = {1, 2, 3, 5, 8, 16, 17, 33, 64};
    RandomValue v = {.rank = 1 + random_below(r, 3)};
    random_say(r, "%s v%d : f32[", param ? "param" : "input", r->count);
    for (int i = 0; i < v.rank; i++) {
        v.dim[i] = sizes[random_below(r, v.rank == 3 ? 6 : 9)];
        random_say(r, "%s%d", i ? ", " : "", v.dim[i]);
    }
    random_say(r, param ? "] ~ uniform(-1, 1)\n" : "]\n");
    random_made(r, v);
}

/* Whether y broadcasts to the shape of x. */
static inline bool random_fits(const RandomValue *x, const RandomValue *y) {
    if (y->rank > x->rank) return false;
    for (int i = 1; i <= y->rank; i++) {
        int d = y->dim[y->rank - i];
        if (d != 1 && d != x->dim[x->rank - i]) return false;
    }
    return true;
}

static inline bool random_unary(RandomProgram *r, int x) {
    static const char *const smooth[] = {
        "tanh(v%d)",     "exp(-v%d * v%d)", "sin(v%d) * 0.9",       "sigmoid(v%d * 2)",
        "v%d * 0.5 + 1", "gelu(v%d)",       "sqrt(v%d * v%d + 0.5)"};
    static const char *const kinked[] = {"relu(v%d)", "abs(v%d)", "clip(v%d, -0.5, 0.5)",
                                         "max(v%d, 0.25 - v%d)"};
    const char *form =
        !r->smooth && random_below(r, 2) ? kinked[random_below(r, 4)] : smooth[random_below(r, 7)];
    char call[96];
    snprintf(call, sizeof(call), form, x, x);
    random_say(r, "v%d = %s\n", r->count, call);
    random_made(r, r->value[x]);
    return true;
}

static inline bool random_binary(RandomProgram *r, int x) {
    int y = random_below(r, r->count);
    if (!random_fits(&r->value[x], &r->value[y])) return false;
    static const char *const forms[] = {"v%d + v%d", "v%d - v%d", "v%d * v%d",
                                        "v%d / (v%d * v%d + 1)"};
    char call[96];
    snprintf(call, sizeof(call), forms[random_below(r, 4)], x, y, y);
    random_say(r, "v%d = %s\n", r->count, call);
    random_made(r, r->value[x]);
    return true;
}

static inline bool random_dot(RandomProgram *r, int x) {
    int y = random_below(r, r->count);
    const RandomValue *a = &r->value[x], *b = &r->value[y];
    if (a->rank < 2 || b->rank != 2) return false;
    int k = a->dim[a->rank - 1];
    bool transposed = b->dim[0] != k;
    if (b->dim[transposed] != k) return false;
    RandomValue v = *a;
    v.dim[v.rank - 1] = b->dim[!transposed];
    if (random_elems(&v) > RANDOM_ELEMS) return false;
    random_say(r, "v%d = tanh((v%d @ v%d%s) / %d)\n", r->count, x, y, transposed ? "'" : "", k);
    random_made(r, v);
    return true;
}

static inline bool random_reduce(RandomProgram *r, int x) {
    static const char *const names[] = {"mean", "sum", "max", "min"};
    RandomValue v = r->value[x];
    if (v.rank == 0) return false;
    int axis = random_below(r, v.rank), which = random_below(r, r->smooth ? 2 : 4);
    bool keep = random_below(r, 2);
    random_say(r, "v%d = %s(v%d, axis = %d, keep = %s)", r->count, names[which], x, axis,
               keep ? "true" : "false");
    if (which == 1)
        random_say(r, " / %d\n", v.dim[axis]);
    else
        random_say(r, "\n");
    v.dim[axis] = 1;
    if (!keep) {
        for (int i = axis; i + 1 < v.rank; i++) v.dim[i] = v.dim[i + 1];
        v.rank--;
    }
    random_made(r, v);
    return true;
}

static inline bool random_rows(RandomProgram *r, int x) {
    if (r->value[x].rank == 0) return false;
    random_say(r, "v%d = %s(v%d, axis = %d)\n", r->count,
               random_below(r, 2) ? "softmax" : "log_softmax", x,
               random_below(r, r->value[x].rank));
    random_made(r, r->value[x]);
    return true;
}

static inline bool random_slice(RandomProgram *r, int x) {
    RandomValue v = r->value[x];
    if (v.rank == 0) return false;
    int axis = random_below(r, v.rank), n = v.dim[axis];
    if (n < 2) return false;
    int begin = random_below(r, n - 1), end = begin + 1 + random_below(r, n - begin);
    int step = 1 + random_below(r, 2);
    random_say(r, "v%d = v%d[", r->count, x);
    for (int i = 0; i < v.rank; i++) {
        if (i != axis)
            random_say(r, "%s:", i ? ", " : "");
        else if (random_below(r, 4) == 0)
            begin = 0, end = n, step = 1, random_say(r, "%s::-1", i ? ", " : "");
        else
            random_say(r, "%s%d:%d:%d", i ? ", " : "", begin, end, step);
    }
    random_say(r, "]\n");
    v.dim[axis] = (end - begin + step - 1) / step;
    random_made(r, v);
    return true;
}

static inline bool random_move(RandomProgram *r, int x) {
    RandomValue v = r->value[x];
    if (v.rank < 2) return false;
    if (random_below(r, 2)) {
        random_say(r, "v%d = reshape(v%d, %d", r->count, x, v.dim[0] * v.dim[1]);
        v.dim[0] *= v.dim[1];
        for (int i = 1; i + 1 < v.rank; i++) v.dim[i] = v.dim[i + 1];
        v.rank--;
        for (int i = 1; i < v.rank; i++) random_say(r, ", %d", v.dim[i]);
        random_say(r, ")\n");
    } else {
        int last = v.dim[v.rank - 1];
        random_say(r, "v%d = v%d'\n", r->count, x);
        v.dim[v.rank - 1] = v.dim[v.rank - 2];
        v.dim[v.rank - 2] = last;
    }
    random_made(r, v);
    return true;
}

static inline bool random_concat(RandomProgram *r, int x) {
    RandomValue v = r->value[x];
    if (v.rank == 0 || 2 * random_elems(&v) > RANDOM_ELEMS) return false;
    int axis = random_below(r, v.rank);
    random_say(r, "v%d = concat(v%d, v%d * 2, axis = %d)\n", r->count, x, x, axis);
    v.dim[axis] *= 2;
    random_made(r, v);
    return true;
}

/* Letters for the axes of two operands, some shared where their sizes are equal, and any of them kept. */
static inline bool random_einsum(RandomProgram *r, int x) {
    int y = random_below(r, r->count), letters = 0, size[2 * RANDOM_MAX_RANK];
    const RandomValue *in[2] = {&r->value[x], &r->value[y]};
    char of[2][RANDOM_MAX_RANK + 1] = {"", ""}, kept[RANDOM_MAX_RANK + 1] = "";
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < in[k]->rank; i++) {
            int same =
                random_below(r, letters + 1); /* an earlier axis of this size, if there is one */
            bool taken = same == letters || size[same] != in[k]->dim[i] || random_below(r, 3) == 0;
            if (taken) size[same = letters++] = in[k]->dim[i];
            of[k][i] = (char)('a' + same);
        }
    }
    RandomValue v = {0};
    int summed = 1;
    bool used[2 * RANDOM_MAX_RANK] = {false};
    for (int i = 0; i < letters; i++) {
        int axis = random_below(r, letters);
        if (used[axis] || v.rank == RANDOM_MAX_RANK || random_below(r, 3) == 0) continue;
        used[axis] = true;
        kept[v.rank] = (char)('a' + axis);
        v.dim[v.rank++] = size[axis];
    }
    for (int i = 0; i < letters; i++) summed *= used[i] ? 1 : size[i];
    if (random_elems(&v) > RANDOM_ELEMS || random_elems(&v) * summed > 20 * RANDOM_ELEMS)
        return false;
    random_say(r, "v%d = tanh(einsum(\"%s,%s->%s\", v%d, v%d) / %d)\n", r->count, of[0], of[1],
               kept, x, y, summed);
    random_made(r, v);
    return true;
}

/* Learns with an optimizer; gradients by a binding; gradients of gradients. */
static inline void random_more(RandomProgram *r, int leaves) {
    static const char *const by[] = {"sgd(lr = 0.1, clip_norm = 1)", "momentum(lr = 0.1)",
                                     "nesterov(lr = 0.1)",           "adagrad(lr = 0.1, eps = 0.1)",
                                     "rmsprop(eps = 0.1)",           "adam(lr = 0.1, eps = 0.1)",
                                     "adamw(lr = 0.1, eps = 0.1)",   "sgd(lr = 0.1 / (1 + step))"};
    int binding = leaves + random_below(r, r->count - leaves);
    random_say(r, "slope = grad(loss, v%d)\n", binding);
    if (random_below(r, 3) == 0)
        random_say(r, "again = grad(sum(g0 * g0) + loss, v%d)\nentry twice -> again\n",
                   random_below(r, 2) ? 0 : binding);
    random_say(r, "entry bound -> slope\n");
    if (random_below(r, 2))
        random_say(r, "entry tune -> loss { minimize loss by %s }\n", by[random_below(r, 8)]);
}

/* Fills r->text. The program has one entry `look`, and with gradients an entry `learn` and some
 * more. */
static inline void random_program(RandomProgram *r, uint64_t seed, bool gradients) {
    static bool (*const make[])(RandomProgram *, int) = {
        random_unary, random_unary,  random_binary, random_binary, random_binary,
        random_dot,   random_dot,    random_reduce, random_rows,   random_slice,
        random_move,  random_concat, random_einsum};
    memset(r, 0, sizeof(*r));
    r->state = seed * 7919 + 17;
    r->smooth = gradients;
    r->params = 2 + random_below(r, 2);
    for (int i = 0; i < r->params; i++) random_leaf(r, true);
    for (int i = 0; i < 2; i++) random_leaf(r, false);
    int leaves = r->count, values = leaves + 6 + random_below(r, 18);
    while (r->count < values) {
        /* Mostly what was made lately, so that chains grow long. */
        int x = random_below(r, 3) ? r->count - 1 - random_below(r, r->count < 6 ? r->count : 6)
                                   : random_below(r, r->count);
        make[random_below(r, (int)(sizeof(make) / sizeof(make[0])))](r, x);
    }
    random_say(r, "loss = 0");
    for (int i = 0; i < r->count; i++) random_say(r, " + mean(v%d * v%d)", i, i);
    random_say(r, "\nentry look -> loss");
    for (int i = leaves; i < r->count; i += 1 + random_below(r, 3)) random_say(r, ", v%d", i);
    random_say(r, "\n");
    if (!gradients) return;
    for (int i = 0; i < r->params; i++) random_say(r, "g%d = grad(loss, v%d)\n", i, i);
    random_say(r, "entry learn -> loss, g0 {\n");
    for (int i = 0; i < r->params; i++) random_say(r, "    v%d <- v%d - 0.1 * g%d\n", i, i, i);
    random_say(r, "}\n");
    random_more(r, leaves);
}

#endif

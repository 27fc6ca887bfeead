/* random_back: programs made at random in which what follows a reduction goes through other shapes and comes back to
 * its own, by other ways than it went or the same: a kernel that does all of it must find its own places again. */
#ifndef DLG_RANDOM_BACK_H
#define DLG_RANDOM_BACK_H

#include "random_program.h"

#define BACK_RANK  6
#define BACK_STEPS 3

typedef struct BackShape {
    int rank, dim[BACK_RANK + 1];
} BackShape;

/* Some shape of so many elements. */
static inline BackShape back_shape(RandomProgram *r, int elems) {
    BackShape s = {0};
    while (elems > 1 && s.rank < BACK_RANK - 1) {
        int d = 1 + random_below(r, elems);
        if (elems % d || (d == 1 && random_below(r, 3)) || (d == elems && random_below(r, 2)))
            continue;
        s.dim[s.rank++] = d;
        elems /= d;
    }
    if (elems > 1 || !s.rank) s.dim[s.rank++] = elems;
    return s;
}

static inline void back_say(RandomProgram *r, const BackShape *s) {
    for (int i = 0; i < s->rank; i++) random_say(r, "%s%d", i ? ", " : "", s->dim[i]);
}

/* v0 = some reduction of x[shape, length], or what a row is made to by one; returns its shape. */
static inline BackShape back_start(RandomProgram *r, BackShape s, int length) {
    BackShape out = s;
    int axis = random_below(r, s.rank + 1), columns = 1 + random_below(r, 40);
    random_say(r, "input x : f32[");
    back_say(r, &s);
    random_say(r, ", %d]\ninput w : f32[%d, %d]\n", length, length, columns);
    out.dim[out.rank++] = length;
    switch (random_below(r, 5)) {
    case 0: random_say(r, "v0 = mean(x, axis = %d)\n", s.rank); return s;
    case 1: random_say(r, "v0 = softmax(x, axis = %d)\n", s.rank); break;
    case 2: random_say(r, "v0 = x - max(x, axis = %d, keep = true)\n", axis); break;
    case 3:
        random_say(r, "v0 = tanh((x @ w) / %d)\n", length);
        out.dim[s.rank] = columns;
        break;
    default:
        random_say(r, "v0 = max(x, axis = %d) * 2\n", axis);
        out.rank--;
        for (int i = axis; i < out.rank; i++) out.dim[i] = out.dim[i + 1];
    }
    return out;
}

/* One more value: the last one in another shape, together with an input of that shape. */
static inline void back_step(RandomProgram *r, const BackShape *s) {
    random_say(r, "input i%d : f32[", r->count);
    back_say(r, s);
    random_say(r, "]\nv%d = reshape(v%d, ", r->count + 1, r->count);
    back_say(r, s);
    random_say(r, ") %s i%d\n", random_below(r, 2) ? "+" : "*", r->count);
    r->count++;
}

/* Fills r->text. */
static inline void random_back(RandomProgram *r, uint64_t seed) {
    static const int sizes[] = {1,  4,  5,  12, 16,  24,  34,  36,  48,
                                60, 64, 80, 96, 102, 128, 132, 256, 320};
    static const int lengths[] = {1, 7, 16, 64, 100, 640};
    memset(r, 0, sizeof(*r));
    r->state = seed * 7919 + 17;
    const int size = sizes[random_below(r, 18)], length = lengths[random_below(r, 6)];
    const BackShape start = back_start(r, back_shape(r, size), length);
    BackShape way[BACK_STEPS];
    const int steps = 1 + random_below(r, BACK_STEPS);
    int elems = 1;
    for (int i = 0; i < start.rank; i++) elems *= start.dim[i];
    for (int i = 0; i < steps; i++) {
        way[i] = back_shape(r, elems);
        back_step(r, &way[i]);
    }
    const bool same_way = random_below(r, 2);
    for (int i = steps - 1; i-- > 0 && same_way;) back_step(r, &way[i]);
    random_say(r, "y = reshape(v%d, ", r->count);
    back_say(r, &start);
    random_say(r, ") * %s\nentry e -> y", random_below(r, 2) ? "2" : "v0");
    random_say(r, random_below(r, 3) ? "\n" : ", z = sum(y * y, axis = 0)\n");
    if (random_below(r, 2)) random_say(r, "entry several -> a = y, b = v0, c = tanh(y)\n");
    if (random_below(r, 3) == 0) random_say(r, "entry learn -> g = grad(mean(y * y), x)\n");
}

#endif

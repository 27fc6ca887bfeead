/* index: integer expressions for addresses, in one normal form: constant + sum of coefficient * atom,
 * where an atom is a variable, a quotient or a remainder by a constant. Equal expressions are the same
 * Idx. Every atom has an interval, so that a div or mod that does nothing is never made, and
 * c * (e / c) + e % c is e again. Quotients and remainders are those of C; they are only formed of
 * expressions that are not negative wherever the result is used. */
#ifndef DLG_INDEX_H
#define DLG_INDEX_H

#include "util.h"

typedef uint32_t Idx;

typedef enum AtomKind { ATOM_VAR, ATOM_DIV, ATOM_MOD } AtomKind;

typedef struct Atom {
    AtomKind kind;
    const char *name; /* ATOM_VAR: what it prints as */
    uint32_t value;   /* ATOM_VAR: the kernel value that it stands for, or UINT32_MAX */
    Idx inner;        /* ATOM_DIV, ATOM_MOD */
    int64_t by;
    int64_t lo, hi; /* inclusive */
} Atom;

typedef struct Term {
    uint32_t atom;
    int64_t coef; /* never 0 */
} Term;

typedef struct Form {
    int64_t constant;
    uint32_t count;
    Term *terms; /* ascending by atom */
    int64_t lo, hi;
} Form;

typedef struct
    Iteration { /* of a loop of the graph around the kernel: a variable that the caller sets */
    uint32_t loop;
    uint32_t atom;
    Idx e;
    bool inside; /* not around the kernel but in it: a loop of the kernel, or what that knows */
} Iteration;

typedef struct IndexTable {
    Arena *arena;
    VEC(Atom) atoms;
    VEC(Form) forms;
    VEC(Iteration) iterations; /* in the order in which they were asked for */
    uint32_t *slots;
    uint32_t slot_cap;
} IndexTable;

void index_init(IndexTable *t, Arena *arena);
Idx idx_const(IndexTable *t, int64_t value);
/* A new variable with values lo..hi; `value` as in Atom. Its atom is idx_atom of the result. */
Idx idx_var(IndexTable *t, const char *name, int64_t lo, int64_t hi, uint32_t value);
/* A place among `count`: a new variable, but of one there is no other: 0, lest a view, back and forth, leads elsewhere. */
Idx idx_place(IndexTable *t, const char *name, int64_t count, uint32_t value);
uint32_t idx_atom(const IndexTable *t, Idx e); /* of an Idx that is one variable, */
Idx idx_of_atom(IndexTable *t, uint32_t atom); /* and the other way round */
/* The number of the iteration of a loop of the graph: 0 .. trips - 1. */
Idx idx_iteration(IndexTable *t, uint32_t loop, int64_t trips);
bool idx_is_iteration(const IndexTable *t, uint32_t atom); /* of a loop around the kernel */
/* From now on the number of the iteration is e: the loop is in the kernel. */
void idx_bind_iteration(IndexTable *t, uint32_t loop, Idx e);
Idx idx_add(IndexTable *t, Idx a, Idx b);
Idx idx_sub(IndexTable *t, Idx a, Idx b);
Idx idx_offset(IndexTable *t, Idx a, int64_t by);
Idx idx_scale(IndexTable *t, Idx a, int64_t by);
Idx idx_div(IndexTable *t, Idx a, int64_t by); /* by > 0 */
Idx idx_mod(IndexTable *t, Idx a, int64_t by);
/* Where part `part` of `total` things begins, dealt out to `groups`: part * total / groups, without a number larger
 * than what comes out. */
Idx idx_share(IndexTable *t, Idx part, int64_t total, int64_t groups);
/* e with the variable `atom` replaced. */
Idx idx_subst(IndexTable *t, Idx e, uint32_t atom, Idx by);
/* The terms of e that keep[] says, without its constant. */
Idx idx_keep(IndexTable *t, Idx e, const bool *keep);
bool idx_uses(const IndexTable *t, Idx e, uint32_t atom); /* anywhere in e */
bool idx_is_const(const IndexTable *t, Idx e, int64_t *value);
/* The coefficient of a variable that e is linear in; false when it also stands inside a div or mod. */
bool idx_stride(const IndexTable *t, Idx e, uint32_t atom, int64_t *stride);
/* Whether it shows that e is a multiple of `by`, whatever the atoms are. */
bool idx_is_multiple(const IndexTable *t, Idx e, int64_t by);
#define NEAR_VECTORS 3 /* that are worth loading for the lanes of one */
/* Whether lanes 0 .. lanes - 1 of an address are a few vectors: their distances, and how many elements they span. */
bool idx_near(IndexTable *t, Idx e, uint32_t lane, int lanes, int64_t *distance, int64_t *span);
/* Whether e at each of 0 .. count - 1 of a variable is that at 0 and a known distance more: distance[]. */
bool idx_distances(IndexTable *t, Idx e, uint32_t atom, int count, int64_t *distance);
bool idx_has_div(const IndexTable *t, Idx e); /* any quotient or remainder left? */
#define idx_lo(t, e) ((t)->forms.at[e].lo)
#define idx_hi(t, e) ((t)->forms.at[e].hi)

#endif

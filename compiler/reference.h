/* reference: the graphs of a file evaluated in double precision, and its gradients held against
 * differences: what `dlg verify` compares a device with. It prints nothing. */
#ifndef DLG_REFERENCE_H
#define DLG_REFERENCE_H

#include "compile.h"
#include "ir.h"

typedef struct Reference {
    CompiledGraphs *graphs;
    const Program *program;
    double **vars; /* the elements of each variable, for the caller to fill */
    ArenaLimit limit;
    Arena values;     /* of the vars */
    Arena results;    /* of the last run */
    const Entry *ran; /* the entry of the last run, and what it gave; NULL: none */
    double **ran_results;
} Reference;

/* As compile_graphs: *out is NULL unless the status of the result is 0. */
CompileResult reference_open(Reference **out, const char *path, const CompileOptions *options);
void reference_close(Reference *r);

/* Evaluates an entry: results[id] of what it gives and updates and of what derivatives are taken of, by and are,
 * valid until the next call. NULL: out of memory. */
double **reference_run(Reference *r, const Entry *entry);

/* How many bytes of values live at one time meanwhile, and the bytes that there may be. About how long it takes, in
 * steps of a contraction: a ns each. */
double reference_bytes(Reference *r, const Entry *entry);
double reference_most_bytes(void);
double reference_operations(const Entry *entry);

/* How far f32 alone may take each element of some nodes of the entry from what reference_run gave, which
 * must be the last call: the greatest distance in REFERENCE_ROUNDINGS runs that round to f32 in different
 * ways, half as many of a large entry. noise[id] has the elements of node id, NULL where `wanted` is false; valid as long as the
 * results. Of what is not finite in one of them it is 0. NULL: out of memory. */
#define REFERENCE_ROUNDINGS 4
double **reference_noise(Reference *r, const Entry *entry, double *const *results,
                         const bool *wanted);

/* A gradient of the program along one random direction of what it is taken by. */
typedef struct DerivativeCheck {
    const char *skipped; /* NULL, or why it cannot be held against differences */
    uint32_t var;        /* what it is taken by, where that is a variable */
    double symbolic, difference;
    double miss;  /* how far they are apart, and */
    double error; /* the same, but 0 where y's own rounding is as much */
    bool beside;  /* y has a kink at the values, so that it was held beside them */
} DerivativeCheck;

/* Holds a derivative of the entry against central differences at the values of the vars. What stands
 * under stop_gradient keeps its value. Where y has a kink at the values, as relu at 0, a difference is the
 * mean of both sides and says nothing: then the gradient is held at params that are moved a little, and
 * skipped if there is a kink too. The error is relative to the greatest that the direction could
 * have given with these elements. What reference_run gave of the entry is used again, if that was the last: the vars
 * must be as they were then. False: out of memory. */
bool reference_derivative(Reference *r, const Entry *entry, const Derivative *d, uint64_t seed,
                          DerivativeCheck *out);

#endif

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
    Arena values;  /* of the vars */
    Arena results; /* of the last run */
} Reference;

/* As compile_graphs: *out is NULL unless the status of the result is 0. */
CompileResult reference_open(Reference **out, const char *path, const CompileOptions *options);
void reference_close(Reference *r);

/* Evaluates an entry: results[id] of each node, valid until the next call. NULL: out of memory. */
double **reference_run(Reference *r, const Entry *entry);

/* A gradient of the program along one random direction of what it is taken by. */
typedef struct DerivativeCheck {
    const char *skipped; /* NULL, or why it cannot be held against differences */
    uint32_t var;        /* what it is taken by, where that is a variable */
    double symbolic, difference;
    double miss;  /* how far they are apart, and */
    double error; /* the same, but 0 where y's own rounding is as much */
} DerivativeCheck;

/* Holds a derivative of the entry against central differences at the values of the vars. What stands
 * under stop_gradient keeps its value. The error is relative to the greatest that the direction could
 * have given with these elements. False: out of memory. */
bool reference_derivative(Reference *r, const Entry *entry, const Derivative *d, uint64_t seed,
                          DerivativeCheck *out);

#endif

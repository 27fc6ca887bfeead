/* target: what a kernel's text depends on, as data; see target.def. */
#ifndef DLG_TARGET_H
#define DLG_TARGET_H

#include "util.h"

typedef enum Precision {                /* of the products of f32 */
                         PRECISION_F32, /* each rounded to f32, by the units for all arithmetic */
                         PRECISION_3XTF32, /* by matrix units: an operand is the sum of two of tf32, and of their products three count */
                         PRECISION_TF32, /* by matrix units: operands are rounded to 10 bits behind the leading one */
                         PRECISION_BF16, /* the same to 7 bits */
} Precision;

typedef struct Target {
    const char *name;
    uint8_t lanes, width, turns;
    uint32_t local_size, warp;
    uint32_t accumulators;
    uint32_t align_bytes;
    uint32_t local_bytes;
    int64_t cache_bytes;
    bool ahead;
    uint32_t groups, units;
    uint32_t stream_bytes, row_stream_bytes;
    bool meets;
    double launch_ns, bytes_per_ns, ops_per_ns;
    Precision precision;
    bool copies;
    uint32_t wgmma_bytes;
    int64_t ready_products, window_products;
    const char *doc;
    bool precision_asked;                 /* by the user: not in the table, */
    const struct CompileOptions *options; /* nor these */
} Target;

const Target *
target_find(const char *name); /* NULL: the default; returns NULL when there is none */

/* The one whose text has the same vectors, and so the same order of additions, as t's: the first of as many lanes. */
const Target *target_first_like(const Target *t);

/* Whether a vector is several registers of the machine, of which there are as many fewer. */
bool target_is_short(const Target *t);

/* Whether launches that need nothing of each other become one (together.h): on others a launch costs too little. */
bool target_shares_waits(const Target *t);

/* By its name, as users give it; false: there is none such. */
bool precision_find(const char *name, Precision *precision);
const char *precision_name(Precision precision);

#endif

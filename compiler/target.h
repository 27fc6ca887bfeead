/* target: what a kernel's text depends on, as data; see target.def. */
#ifndef DLG_TARGET_H
#define DLG_TARGET_H

#include "util.h"

typedef struct Target {
    const char *name;
    uint8_t lanes;
    uint32_t local_size;
    uint32_t accumulators;
    uint32_t align_bytes;
    uint32_t local_bytes;
    int64_t cache_bytes;
    uint32_t groups;
    uint32_t stream_bytes;
    double launch_ns, bytes_per_ns, ops_per_ns;
    const char *doc;
} Target;

const Target *
target_find(const char *name); /* NULL: the default; returns NULL when there is none */

#endif

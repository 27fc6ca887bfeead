/* cost: the model of what kernels cost; see cost.h. */
#include "cost.h"

#include "access.h"

/* Where an item has twice as many sums, or twice as much in hand of what wgmma takes as bf16, they are of half as many columns. */
int32_t cost_large_columns(const Target *t) {
    bool half = t->precision == PRECISION_F32 || t->precision == PRECISION_3XTF32 ||
                (t->precision == PRECISION_BF16 && t->wgmma_bytes);
    return half ? 128 : 256;
}

int64_t cost_large_tiles(const Target *t) {
    return t->precision == PRECISION_F32 ? t->units * 9 / 10 : t->units * 3 / 4;
}

bool cost_is_shared(const Target *t, const Node *n) {
    return t->local_size > 1 && is_reduction((Op)n->op) &&
           (n->dtype == DT_F32 || n->dtype == DT_I32);
}

#define MANY_ROWS  (1 << 17) /* that occupy a device with an item each */
#define BESIDE     32        /* rows of a group: a line of memory; ... */
#define LEAST_ROWS 2         /* ... or this part of one, where there are fewer groups than ... */
#define ENOUGH     128       /* ... occupy a device */

int32_t cost_rows_beside(const Target *t, int64_t rows, int64_t length) {
    const int32_t items = (int32_t)t->local_size;
    int32_t own = BESIDE;
    if (rows >= MANY_ROWS || length < items / BESIDE * LEAST_SHARE) return 0;
    while (own > LEAST_ROWS && rows < (int64_t)ENOUGH * own &&
           length >= items / own * 2 * LEAST_SHARE)
        own /= 2;
    return own;
}

#define THIN_FEW    15    /* 16 are the side of a tile */
#define THIN_MANY   512   /* a group has 4 of them */
#define THIN_LENGTH 512   /* two places for each item, ... */
#define THIN_MOST   16384 /* ... and so many that parts, and their sum, are not worth it */
bool cost_is_thin(const Target *t, int64_t rows, int64_t columns, int64_t length) {
    const int64_t few = rows < columns ? rows : columns, many = rows < columns ? columns : rows;
    return t->warp && few >= 2 && few <= THIN_FEW && many >= THIN_MANY && length >= THIN_LENGTH &&
           length <= THIN_MOST;
}

double cost_operations(const Graph *g, const Node *n) {
    int cost = op_info[n->op].cost > 1 ? op_info[n->op].cost : 1;
    if (!is_reduction((Op)n->op)) return cost;
    Shape reduced = reduced_shape(g, n);
    return cost * (double)shape_elems(&reduced);
}

double cost_ns(const Target *t, double launches, double bytes, double operations) {
    return launches * t->launch_ns + bytes / t->bytes_per_ns + operations / t->ops_per_ns;
}

bool cost_is_block(int32_t elems, DType t) {
    return (int64_t)elems * dtype_bytes(t) == BLOCK_BYTES;
}

#define CROSS_LANES  0.8 /* of whole vectors, that are to have a use */
#define CROSS_PLACES 64  /* that share a panel, or its copy costs too much */

bool cost_crosses(const Target *t, int64_t lanes, int64_t places, double products) {
    const int64_t whole = (lanes + t->lanes - 1) / t->lanes * t->lanes;
    return t->window_products > 0 && products >= (double)t->window_products &&
           (double)lanes >= CROSS_LANES * (double)whole && places >= CROSS_PLACES;
}

#define PACK_ROWS 16384 /* the part of the cache that there are rows, ... */
#define PACK_MANY 1024  /* ... or many rows */
bool cost_packs(const Target *t, int64_t rows, int64_t columns, int64_t length, bool turned) {
    const int64_t bytes = columns * length * 4;
    if (t->lanes == 1 || columns == 1 || rows < t->cache_bytes / PACK_ROWS) return false;
    return bytes >= t->cache_bytes / 2 ||
           (bytes >= t->cache_bytes / 4 && (turned || rows >= t->cache_bytes / PACK_MANY));
}

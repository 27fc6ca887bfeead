/* tiles: which tile a contraction goes by, of those that give the same bits: the one that the model of who plans it has as
 * the fastest, unless it was measured otherwise (CompileOptions.tiles; `dlg tune`). */
#ifndef DLG_TILES_H
#define DLG_TILES_H

#include "compile.h"
#include "target.h"
#include "util.h"

#define MOST_TILES 6

typedef struct Tile {
    int32_t rows, columns;
    int32_t rest_rows; /* on processors: of the columns that are left over, ... */
    bool panels;       /* ... and what is multiplied by is copied */
} Tile;

typedef VEC(TileUse) TileUses;

/* What was chosen, and of how many; nothing was to choose: contraction NULL. */
typedef struct TileTaken {
    const char *contraction; /* what it is, for who remembers: "cpu 64x300 by 784",
                                "gpu_mma 2x1024x512 by 784 tf32 ready" */
    const char *tile;        /* "8x48", "8x48 panels"; below 32 bytes (TileUse) */
    uint32_t candidates;
} TileTaken;

/* Takes one of `count` tiles, the model's own first, all different. Returns its index. */
uint32_t tile_take(const Target *target, const char *contraction, const Tile *tiles, uint32_t count,
                   Arena *arena, TileTaken *taken);

#endif

/* tiles: see tiles.h. */
#include "tiles.h"

#include <string.h>

static const char *tile_text(Tile t, Arena *arena) {
    return arena_printf(arena, "%dx%d%s", t.rows, t.columns, t.panels ? " panels" : "");
}

uint32_t tile_take(const Target *target, const char *contraction, const Tile *tiles, uint32_t count,
                   Arena *arena, TileTaken *taken) {
    const CompileOptions *o = target->options;
    uint32_t at = 0;
    bool known = false;
    for (size_t i = 0; o && i < o->tile_count && !known; i++) {
        if (strcmp(o->tiles[i].contraction, contraction)) continue;
        /* One that is no candidate was measured by another version. */
        for (uint32_t k = 0; k < count && !known; k++) {
            known = !strcmp(o->tiles[i].tile, tile_text(tiles[k], arena));
            if (known) at = k;
        }
    }
    if (o && !known && o->tile_rank < count) at = (uint32_t)o->tile_rank;
    *taken = (TileTaken){contraction, tile_text(tiles[at], arena), count};
    return at;
}

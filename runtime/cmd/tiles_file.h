/* tiles_file: the tiles that `dlg tune` found, as every command that compiles takes them. */
#ifndef DLG_TILES_FILE_H
#define DLG_TILES_FILE_H

#include "cmd.h"
#include "compile.h"

typedef struct Tiles {
    TileChoice *at;
    size_t count;
    struct json_t *file; /* which holds their texts */
} Tiles;

/* Those that are remembered of the device; none is no error. Complains about a damaged file, of which none are taken. */
void tiles_read(Tiles *t, const dlg_device *dev);
void tiles_free(Tiles *t);
/* Whether there is a place where tiles can be remembered, with a file that is none or sound; complains if not. */
int tiles_check(const dlg_device *dev);
/* Remembers some more; those without a tile are forgotten. *where is the file's path, for the caller to free. */
int tiles_remember(const dlg_device *dev, const TileChoice *tiles, size_t count, char **where);

#endif

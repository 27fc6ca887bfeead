/* tiles: the tiles that `dlg tune` found, remembered by device and driver, in a file of JSON:
 *     {"dlg_tiles": 1, "devices": {"PLATFORM: NAME, driver VERSION": {"cpu 64x300 by 784": "8x48"}}} */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "tiles_file.h"

static const char version_key[] = "dlg_tiles";

/* DLG_TILES, else where caches are. NULL: no memory, or the system says no place. */
static char *file_path(void) {
    const char *path = getenv("DLG_TILES"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME"), *between = "/dlg/tiles.json";
    if (path && *path) return strdup(path);
    if (!cache || *cache != '/') {
        cache = home;
        between = "/.cache/dlg/tiles.json";
    }
    if (!cache || !*cache) return NULL;
    size_t len = strlen(cache) + strlen(between) + 1;
    char *out = malloc(len);
    if (out) snprintf(out, len, "%s%s", cache, between);
    return out;
}

static void device_key(const dlg_device *dev, char *out, size_t size) {
    const dlg_device_info *i = dlg_device_get_info(dev);
    snprintf(out, size, "%s: %s, driver %s", i->platform, i->name, i->driver);
}

/* The file's document, or a new one where there is no file; NULL, having complained. */
static json_t *read_file(const char *path) {
    json_error_t error;
    struct stat is;
    if (stat(path, &is) != 0 && errno == ENOENT)
        return json_pack("{s:i, s:{}}", version_key, 1, "devices");
    json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *devices;
    if (!file) {
        complain("%s, where tiles are remembered, line %d: %s", path, error.line, error.text);
        return NULL;
    }
    int version = 0;
    if (json_unpack(file, "{s:i, s:o}", version_key, &version, "devices", &devices) != 0 ||
        version != 1 || !json_is_object(devices)) {
        complain("%s is not a file of remembered tiles of this version", path);
        json_decref(file);
        return NULL;
    }
    return file;
}

void tiles_read(Tiles *t, const dlg_device *dev) {
    char key[512];
    *t = (Tiles){0};
    char *path = dlg_device_get_info(dev) ? file_path() : NULL;
    if (!path) return;
    t->file = read_file(path);
    device_key(dev, key, sizeof key);
    json_t *known = t->file ? json_object_get(json_object_get(t->file, "devices"), key) : NULL,
           *tile;
    const char *contraction;
    if (known) t->at = calloc(json_object_size(known) + 1, sizeof *t->at);
    if (known && !t->at) complain("out of memory");
    json_object_foreach(t->at ? known : NULL, contraction, tile) {
        if (json_is_string(tile))
            t->at[t->count++] = (TileChoice){contraction, json_string_value(tile)};
        else
            complain("%s: the tile of \"%s\" is no text", path, contraction);
    }
    if (!t->file) complain("note: the compiler's tiles are taken");
    free(path);
}

void tiles_free(Tiles *t) {
    json_decref(t->file);
    free(t->at);
    *t = (Tiles){0};
}

/* Makes the directories that a path needs. */
static void make_directories(char *path) {
    for (char *s = path + 1; (s = strchr(s, '/')); s++) {
        *s = 0;
        mkdir(path, 0777); /* what cannot be made is told when the file is written */
        *s = '/';
    }
}

int tiles_remember(const dlg_device *dev, const TileChoice *tiles, size_t count, char **where) {
    char key[512], *path = file_path();
    *where = NULL;
    if (!path) {
        complain("there is no place to remember tiles in: neither DLG_TILES nor HOME is set");
        return EXIT_SYSTEM;
    }
    json_t *file = read_file(path);
    if (!file) {
        free(path);
        return EXIT_INPUT;
    }
    json_t *devices = json_object_get(file, "devices");
    device_key(dev, key, sizeof key);
    int failed = 0;
    if (!json_is_object(json_object_get(devices, key)))
        failed = json_object_set_new(devices, key, json_object());
    for (size_t i = 0; i < count && !failed; i++) {
        json_t *known = json_object_get(devices, key);
        failed = tiles[i].tile
                     ? json_object_set_new(known, tiles[i].contraction, json_string(tiles[i].tile))
                     : (json_object_del(known, tiles[i].contraction), 0);
    }
    char *text = failed ? NULL : json_dumps(file, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(file);
    int status = EXIT_SYSTEM;
    if (text) {
        make_directories(path);
        status = output_write(path, text, strlen(text));
    } else {
        complain("out of memory");
    }
    free(text);
    if (status == EXIT_DONE)
        *where = path;
    else
        free(path);
    return status;
}

/* tiles: the tiles that `dlg tune` found, remembered by device and driver, in a file of JSON:
 *     {"dlg_tiles": 1, "devices": {"PLATFORM: NAME, driver VERSION": {"cpu 64x300 by 784": "8x48"}}} */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tiles_file.h"

enum { MOST_BYTES = 4 << 20 };
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

/* A regular file of no more than MOST_BYTES; below 0, having complained. */
static int open_file(const char *path) {
    struct stat is;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &is) != 0)
        complain("cannot read %s, where tiles are remembered: %s", path, strerror(errno));
    else if (!S_ISREG(is.st_mode))
        complain("%s, where tiles are remembered, is no regular file", path);
    else if (is.st_size > MOST_BYTES)
        complain("%s, where tiles are remembered, has more than %d MB", path, MOST_BYTES >> 20);
    else
        return fd;
    if (fd >= 0) close(fd);
    return -1;
}

/* The file's document, or a new one where there is no file; NULL, having complained. */
static json_t *read_file(const char *path) {
    json_error_t error;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        json_t *none = json_pack("{s:i, s:{}}", version_key, 1, "devices");
        if (!none) complain("out of memory");
        return none;
    }
    int fd = open_file(path);
    if (fd < 0) return NULL;
    json_t *file = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error), *devices;
    close(fd);
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

/* What the document says of a device; NULL: nothing. False, having complained, when that is not what it should be. */
static bool find_device(json_t *file, const dlg_device *dev, const char *path, json_t **known) {
    char key[512];
    device_key(dev, key, sizeof key);
    *known = json_object_get(json_object_get(file, "devices"), key);
    if (!*known || json_is_object(*known)) return true;
    complain("%s: what is remembered of \"%s\" is no object", path, key);
    *known = NULL;
    return false;
}

void tiles_read(Tiles *t, const dlg_device *dev) {
    *t = (Tiles){0};
    char *path = dlg_device_get_info(dev) ? file_path() : NULL;
    if (!path) return;
    t->file = read_file(path);
    json_t *known = NULL, *tile;
    bool sound = t->file && find_device(t->file, dev, path, &known);
    const char *contraction;
    if (known) t->at = calloc(json_object_size(known) + 1, sizeof *t->at);
    if (known && !t->at) complain("out of memory");
    json_object_foreach(t->at ? known : NULL, contraction, tile) {
        if (json_is_string(tile))
            t->at[t->count++] = (TileChoice){contraction, json_string_value(tile)};
        else
            complain("%s: the tile of \"%s\" is no text", path, contraction);
    }
    if (!sound) complain("note: the compiler's tiles are taken");
    free(path);
}

void tiles_free(Tiles *t) {
    json_decref(t->file);
    free(t->at);
    *t = (Tiles){0};
}

/* Makes the directories that a path needs; false, having complained. */
static bool make_directories(char *path) {
    bool made = true;
    for (char *s = path + 1; made && (s = strchr(s, '/')); s++) {
        *s = 0;
        made = mkdir(path, 0777) == 0 || errno == EEXIST;
        if (!made) complain("cannot make the directory %s: %s", path, strerror(errno));
        *s = '/';
    }
    return made;
}

/* The file's path, for the caller to free, and what it says now; NULL, having complained. */
static char *open_place(const dlg_device *dev, json_t **file, json_t **known, int *status) {
    char *path = file_path();
    *file = NULL;
    *status = EXIT_SYSTEM;
    if (!path) {
        complain("there is no place to remember tiles in: neither DLG_TILES nor HOME is set");
        return NULL;
    }
    *status = EXIT_INPUT;
    *file = read_file(path);
    if (*file && find_device(*file, dev, path, known)) {
        *status = make_directories(path) ? EXIT_DONE : EXIT_SYSTEM;
        if (*status == EXIT_DONE) return path;
    }
    json_decref(*file);
    free(path);
    return NULL;
}

int tiles_check(const dlg_device *dev) {
    json_t *file, *known;
    int status;
    char *path = open_place(dev, &file, &known, &status);
    if (!path) return status;
    json_decref(file);
    status = output_try(path);
    free(path);
    return status;
}

int tiles_remember(const dlg_device *dev, const TileChoice *tiles, size_t count, char **where) {
    char key[512];
    json_t *file, *known;
    int status;
    *where = NULL;
    char *path = open_place(dev, &file, &known, &status);
    if (!path) return status;
    json_t *devices = json_object_get(file, "devices");
    device_key(dev, key, sizeof key);
    int failed = 0;
    if (!known) {
        known = json_object();
        failed = json_object_set_new(devices, key, known);
    }
    for (size_t i = 0; i < count && !failed; i++) {
        failed = tiles[i].tile
                     ? json_object_set_new(known, tiles[i].contraction, json_string(tiles[i].tile))
                     : (json_object_del(known, tiles[i].contraction), 0);
    }
    char *text = failed ? NULL : json_dumps(file, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(file);
    status = text ? output_write(path, text, strlen(text)) : EXIT_SYSTEM;
    if (!text) complain("out of memory");
    free(text);
    if (status == EXIT_DONE)
        *where = path;
    else
        free(path);
    return status;
}

/* npz: archives of .npy arrays, as NumPy's savez writes them, by zlib's minizip.
 *
 * Requires nothing of the archive. Establishes: the one array that is wanted, whole and with its checksum right;
 * the archive is read from memory, and what a part of it may become is bounded as for gzip. */
#include "data.h"

#include <stdlib.h>
#include <string.h>
#include <unzip.h>

/* ---- An archive in memory, as minizip reads files ------------------------------------------------- */

typedef struct Memory {
    const char *bytes;
    size_t len, at;
    bool
        ended; /* more was read than there is, which minizip takes for zeros unless it is an error */
} Memory;

static voidpf memory_open(voidpf opaque, const void *name, int mode) {
    (void)name, (void)mode;
    return opaque;
}

static uLong memory_read(voidpf opaque, voidpf stream, void *to, uLong size) {
    Memory *m = stream;
    (void)opaque;
    size_t n = m->len - m->at < size ? m->len - m->at : (size_t)size;
    memcpy(to, m->bytes + m->at, n);
    m->at += n;
    m->ended |= n < size;
    return (uLong)n;
}

static uLong memory_write(voidpf opaque, voidpf stream, const void *from, uLong size) {
    (void)opaque, (void)stream, (void)from, (void)size;
    return 0;
}

static ZPOS64_T memory_tell(voidpf opaque, voidpf stream) {
    (void)opaque;
    return ((Memory *)stream)->at;
}

static long memory_seek(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin) {
    Memory *m = stream;
    (void)opaque;
    uint64_t base = origin == ZLIB_FILEFUNC_SEEK_SET   ? 0
                    : origin == ZLIB_FILEFUNC_SEEK_CUR ? m->at
                                                       : m->len,
             to;
    if (!rt_add(base, offset, &to) || to > m->len) return -1;
    m->at = (size_t)to;
    return 0;
}

static int memory_error(voidpf opaque, voidpf stream) {
    (void)opaque;
    return ((Memory *)stream)->ended;
}

static int memory_close(voidpf opaque, voidpf stream) {
    (void)opaque, (void)stream;
    return 0;
}

/* ---- Its arrays ---------------------------------------------------------------------------------- */

typedef struct Archive {
    dlg_device *dev;
    const char *path;
    unzFile zip;
    char name[256]; /* of the part that it stands at, without .npy; "" when it is no array */
    unz_file_info64 info;
} Archive;

static int damaged(const Archive *z, const char *why) {
    return rt_fail(z->dev, DLG_ERR_DATA, "%s: the archive is damaged: %s", z->path, why);
}

static int look(Archive *z) {
    memset(z->name, 0, sizeof z->name);
    if (unzGetCurrentFileInfo64(z->zip, &z->info, z->name, sizeof z->name - 1, NULL, 0, NULL, 0) !=
        UNZ_OK)
        return damaged(z, "its table of contents is malformed");
    size_t len = strlen(z->name);
    bool array = len == z->info.size_filename && len > 4 && !strcmp(z->name + len - 4, ".npy");
    z->name[array ? len - 4 : 0] = 0;
    return DLG_OK;
}

/* What to do about the arrays of an archive: find one, count them, or name them. */
typedef struct Search {
    const char *wanted;
    bool found;
    size_t count;
    unz64_file_pos at, last; /* of the one found; of the last array */
    char names[160];
} Search;

static int search(Archive *z, Search *s) {
    size_t used = 0;
    int code = unzGoToFirstFile(z->zip);
    for (; code == UNZ_OK; code = unzGoToNextFile(z->zip)) {
        TRY(look(z));
        if (!z->name[0]) continue;
        unzGetFilePos64(z->zip, &s->last);
        s->count++;
        if (used < sizeof s->names)
            used += (size_t)snprintf(s->names + used, sizeof s->names - used, "%s%s",
                                     used ? ", " : "", z->name);
        if (strcmp(z->name, s->wanted) != 0) continue;
        if (s->found) return rt_fail(z->dev, DLG_ERR_DATA, "%s: has two `%s`", z->path, s->wanted);
        s->found = true;
        s->at = s->last;
    }
    if (code != UNZ_END_OF_LIST_OF_FILE) return damaged(z, "its table of contents is malformed");
    if (used >= sizeof s->names) memcpy(s->names + sizeof s->names - 4, "...", 4);
    return DLG_OK;
}

/* Goes to the array of that name, or if it was not `given` to the only one. */
static int find(Archive *z, const char *member, bool given) {
    Search s = {.wanted = member};
    char shown[68];
    TRY(search(z, &s));
    if (s.count == 0) return rt_fail(z->dev, DLG_ERR_DATA, "%s: holds no .npy array", z->path);
    if (!s.found && (given || s.count > 1))
        return rt_fail(z->dev, DLG_ERR_DATA, "%s: has no array `%s`; it has: %s%s", z->path,
                       data_quote(shown, 64, member, strlen(member)), s.names,
                       given ? "" : "; say which, as in FILE.npz:NAME");
    if (unzGoToFilePos64(z->zip, s.found ? &s.at : &s.last) != UNZ_OK)
        return damaged(z, "its table of contents is malformed");
    return look(z);
}

/* The array that the archive stands at, as it is in its file. */
static int extract(Archive *z, size_t archive_len, char **out, size_t *out_len) {
    uint64_t size = z->info.uncompressed_size, packed = z->info.compressed_size, used = 0;
    *out = NULL;
    if (z->info.flag & 1)
        return rt_fail(z->dev, DLG_ERR_DATA, "%s: `%s` is encrypted", z->path, z->name);
    if (z->info.compression_method != 0 && z->info.compression_method != Z_DEFLATED)
        return rt_fail(z->dev, DLG_ERR_DATA,
                       "%s: `%s` is compressed by method %lu, which is not read", z->path, z->name,
                       z->info.compression_method);
    uint64_t limit = data_unpacked_limit(packed < archive_len ? packed : archive_len);
    if (size > limit)
        return rt_fail(z->dev, DLG_ERR_DATA,
                       "%s: `%s` would be %llu bytes; %llu is the most that is read of such a file",
                       z->path, z->name, (unsigned long long)size, (unsigned long long)limit);
    if (unzOpenCurrentFile(z->zip) != UNZ_OK) return damaged(z, "a part of it has no header");
    char *bytes = malloc((size_t)size + 1);
    int got = 1;
    while (bytes && got > 0 && used <= size) {
        uint64_t space = size + 1 - used; /* one more, to see that there is no more */
        got = unzReadCurrentFile(z->zip, bytes + used, space < 1 << 30 ? (unsigned)space : 1 << 30);
        if (got > 0) used += (uint64_t)got;
    }
    int closed = unzCloseCurrentFile(z->zip);
    if (bytes && got == 0 && closed == UNZ_OK && used == size) {
        *out = bytes;
        *out_len = (size_t)size;
        return DLG_OK;
    }
    if (!bytes) return rt_no_memory(z->dev, size);
    free(bytes);
    return rt_fail(z->dev, DLG_ERR_DATA, "%s: `%s` is damaged: %s", z->path, z->name,
                   closed == UNZ_CRCERROR ? "its checksum is wrong" : "it is cut off or malformed");
}

int npz_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, const char *member,
              bool given, Array *out) {
    Memory memory = {.bytes = bytes, .len = len};
    zlib_filefunc64_def functions = {.zopen64_file = memory_open,
                                     .zread_file = memory_read,
                                     .zwrite_file = memory_write,
                                     .ztell64_file = memory_tell,
                                     .zseek64_file = memory_seek,
                                     .zclose_file = memory_close,
                                     .zerror_file = memory_error,
                                     .opaque = &memory};
    Archive z = {.dev = dev, .path = path, .zip = unzOpen2_64(path, &functions)};
    char *array = NULL;
    size_t array_len = 0;
    *out = (Array){0};
    if (!z.zip)
        return rt_fail(dev, DLG_ERR_DATA, "%s: is not an .npz archive, or it is cut off", path);
    int status = find(&z, member, given);
    if (status == DLG_OK) status = extract(&z, len, &array, &array_len);
    if (status == DLG_OK) status = npy_parse(dev, path, array, array_len, out);
    free(array);
    unzClose(z.zip);
    return status;
}

/* npz: archives of .npy arrays, as NumPy's savez writes them, by zlib's minizip.
 *
 * Requires nothing of the archive. Establishes: the one array that is wanted, whole and with its checksum right;
 * what a part of the archive may become is bounded as for gzip. */
#include "data.h"

#include <stdlib.h>
#include <string.h>
#include <unzip.h>

enum { PIECE_BYTES = 128 << 10 };

/* ---- An archive, as minizip reads files ------------------------------------------------------------ */

typedef struct Archived {
    dlg_device *dev;
    const char *path;
    const DataFile *file;
    uint64_t at;
    int failed; /* the status of a read that failed, which minizip takes for the end of the file, */
    char why[400]; /* and what was said of it */
    bool
        ended; /* more was read than there is, which minizip takes for zeros unless it is an error */
} Archived;

static voidpf archive_open(voidpf opaque, const void *name, int mode) {
    (void)name, (void)mode;
    return opaque;
}

static uLong archive_read(voidpf opaque, voidpf stream, void *to, uLong size) {
    Archived *m = stream;
    (void)opaque;
    size_t n = m->file->bytes - m->at < size ? (size_t)(m->file->bytes - m->at) : (size_t)size;
    int status = n ? data_at(m->dev, m->path, m->file, m->at, n, to) : DLG_OK;
    if (status < 0) {
        if (!m->failed) snprintf(m->why, sizeof m->why, "%s", dlg_error_text(m->dev));
        m->failed = status;
        n = 0;
    }
    m->at += n;
    m->ended |= n < size;
    return (uLong)n;
}

static uLong archive_write(voidpf opaque, voidpf stream, const void *from, uLong size) {
    (void)opaque, (void)stream, (void)from, (void)size;
    return 0;
}

static ZPOS64_T archive_tell(voidpf opaque, voidpf stream) {
    (void)opaque;
    return ((Archived *)stream)->at;
}

static long archive_seek(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin) {
    Archived *m = stream;
    (void)opaque;
    uint64_t base = origin == ZLIB_FILEFUNC_SEEK_SET   ? 0
                    : origin == ZLIB_FILEFUNC_SEEK_CUR ? m->at
                                                       : m->file->bytes,
             to;
    if (!rt_add(base, offset, &to) || to > m->file->bytes) return -1;
    m->at = to;
    return 0;
}

static int archive_error(voidpf opaque, voidpf stream) {
    (void)opaque;
    return ((Archived *)stream)->ended;
}

static int archive_close(voidpf opaque, voidpf stream) {
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
static int extract(Archive *z, uint64_t archive_bytes, Spool *out) {
    uint64_t size = z->info.uncompressed_size, packed = z->info.compressed_size, used = 0;
    if (z->info.flag & 1)
        return rt_fail(z->dev, DLG_ERR_DATA, "%s: `%s` is encrypted", z->path, z->name);
    if (z->info.compression_method != 0 && z->info.compression_method != Z_DEFLATED)
        return rt_fail(z->dev, DLG_ERR_DATA,
                       "%s: `%s` is compressed by method %lu, which is not read", z->path, z->name,
                       z->info.compression_method);
    if (packed > archive_bytes) packed = archive_bytes;
    uint64_t limit =
        out->limit == UINT64_MAX ? data_unpacked_limit(packed) : data_file_unpacked_limit(packed);
    if (size > limit)
        return rt_fail(z->dev, DLG_ERR_DATA,
                       "%s: `%s` would be %llu bytes; %llu is the most that is read of such a file",
                       z->path, z->name, (unsigned long long)size, (unsigned long long)limit);
    if (unzOpenCurrentFile(z->zip) != UNZ_OK) return damaged(z, "a part of it has no header");
    int got = 1, status = DLG_OK;
    while (status == DLG_OK && got > 0 && used <= size) { /* a byte more would be seen */
        char *to;
        status = spool_room(out, PIECE_BYTES, &to);
        got = status == DLG_OK ? unzReadCurrentFile(z->zip, to, PIECE_BYTES) : 0;
        if (got > 0) spool_take(out, (size_t)got);
        if (got > 0) used += (uint64_t)got;
    }
    int closed = unzCloseCurrentFile(z->zip);
    if (status == DLG_OK) status = spool_end(out);
    if (status < 0 || (got == 0 && closed == UNZ_OK && used == size)) return status;
    return rt_fail(z->dev, DLG_ERR_DATA, "%s: `%s` is damaged: %s", z->path, z->name,
                   closed == UNZ_CRCERROR ? "its checksum is wrong" : "it is cut off or malformed");
}

int npz_open(dlg_device *dev, const char *path, const DataFile *file, const char *member,
             bool given, uint64_t memory_bytes, DataFile *out) {
    Archived archived = {.dev = dev, .path = path, .file = file};
    zlib_filefunc64_def functions = {.zopen64_file = archive_open,
                                     .zread_file = archive_read,
                                     .zwrite_file = archive_write,
                                     .ztell64_file = archive_tell,
                                     .zseek64_file = archive_seek,
                                     .zclose_file = archive_close,
                                     .zerror_file = archive_error,
                                     .opaque = &archived};
    Archive z = {.dev = dev, .path = path, .zip = unzOpen2_64(path, &functions)};
    Spool spool;
    *out = (DataFile){.fd = -1};
    spool_open(&spool, dev, memory_bytes);
    int status =
        z.zip ? find(&z, member, given)
              : rt_fail(dev, DLG_ERR_DATA, "%s: is not an .npz archive, or it is cut off", path);
    if (status == DLG_OK) status = extract(&z, file->bytes, &spool);
    if (archived.failed) status = rt_fail(dev, archived.failed, "%s", archived.why);
    if (status == DLG_OK)
        *out = data_of_spool(&spool);
    else
        spool_close(&spool);
    if (z.zip) unzClose(z.zip);
    return status;
}

int npz_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, const char *member,
              bool given, Array *out) {
    DataFile file = data_in_memory(bytes, len), part;
    ArrayHead h;
    *out = (Array){0};
    TRY(npz_open(dev, path, &file, member, given, UINT64_MAX, &part));
    int status = npy_head(dev, path, &part, &h);
    if (status == DLG_OK) status = array_take(dev, path, &part, &h, out);
    data_close(&part);
    return status;
}

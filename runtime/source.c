/* source: where the samples of an input come from: what the model says or the caller instead, as a file
 * and what to take of it.
 *
 * Establishes: a Source names a file that was there, or memory; its kind follows from its name alone. */
#include "data.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes ":N" from the end of s[0..*len). */
static bool trailing_number(const char *s, size_t *len, size_t *value) {
    size_t at = *len, v = 0;
    while (at > 0 && s[at - 1] >= '0' && s[at - 1] <= '9') at--;
    if (at == *len || at < 1 || s[at - 1] != ':' || *len - at > 9) return false;
    for (size_t i = at; i < *len; i++) v = v * 10 + (size_t)(s[i] - '0');
    *value = v;
    *len = at - 1;
    return true;
}

static bool ends_in(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* "TABLE.csv:a,b": *len becomes that of TABLE.csv. False, with *len as it was, when numbers follow or nothing. */
static bool names_columns(const char *source, size_t *len) {
    static const char *const ends[] = {".csv.gz:", ".csv:"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *end = strstr(source, ends[i]);
        if (!end) continue;
        const char *names = end + strlen(ends[i]);
        if (strspn(names, "0123456789:") == strlen(names) || !strcmp(names, "chars") ||
            !strcmp(names, "bytes"))
            return false;
        *len = (size_t)(names - 1 - source);
        return true;
    }
    return false;
}

static int name_member(dlg_device *dev, const char *source, const char *member, Source *out) {
    if (!*member) return rt_fail(dev, DLG_ERR_DATA, "%s: names no array of the archive", source);
    out->member = strdup(member);
    return out->member ? DLG_OK : rt_no_memory(dev, strlen(member));
}

/* PATH, PATH:C, PATH:B:E, PATH:chars, PATH:bytes, PATH.npz:NAME or PATH.csv:NAMES. */
static int parse_source(dlg_device *dev, const char *source, Source *out) {
    size_t len, last, first;
    const char *member = array_member(source, &len);
    if (member) {
        TRY(name_member(dev, source, member, out));
    } else if (names_columns(source, &len)) {
        out->has_columns = true;
        out->names = strdup(source + len + 1);
        if (!out->names) return rt_no_memory(dev, strlen(source));
    } else if (ends_in(source, ":chars") || ends_in(source, ":bytes")) {
        out->kind = SOURCE_TEXT;
        out->chars = ends_in(source, ":chars");
        len -= strlen(":chars");
    } else if (trailing_number(source, &len, &last)) {
        out->has_columns = true;
        if (trailing_number(source, &len, &first)) {
            out->begin = first;
            out->end = last;
        } else {
            out->begin = last;
            out->end = last + 1;
        }
        if (out->begin >= out->end)
            return rt_fail(dev, DLG_ERR_DATA, "%s: columns %zu:%zu are none", source, out->begin,
                           out->end);
    }
    if (len == 0) return rt_fail(dev, DLG_ERR_DATA, "`%s` names no file", source);
    out->path = strndup(source, len);
    return out->path ? DLG_OK : rt_no_memory(dev, len);
}

/* A model's path: as it is when absolute; else beside the program, else in the current directory. */
static int find_file(const dlg_program *prog, const dlg_tensor *t, const char *path, Source *out) {
    dlg_device *dev = prog->dev;
    const char *file = dlg_program_file(prog), *slash = strrchr(file, '/');
    if (path[0] != '/' && slash) {
        size_t dir = (size_t)(slash - file) + 1, size = dir + strlen(path) + 1;
        char *beside = malloc(size);
        if (!beside) return rt_no_memory(dev, size);
        memcpy(beside, file, dir);
        memcpy(beside + dir, path, size - dir);
        if (access(beside, F_OK) == 0) {
            out->path = beside;
            return DLG_OK;
        }
        if (access(path, F_OK) != 0) {
            rt_fail(dev, DLG_ERR_FILE,
                    "the data of `%s` is missing: there is neither %s nor, in the current "
                    "directory, %s",
                    t->user_name, beside, path);
            free(beside);
            return DLG_ERR_FILE;
        }
        free(beside);
    } else if (access(path, F_OK) != 0) {
        return rt_fail(dev, DLG_ERR_FILE, "the data of `%s` is missing: there is no %s",
                       t->user_name, path);
    }
    out->path = strdup(path);
    return out->path ? DLG_OK : rt_no_memory(dev, strlen(path));
}

static void model_columns(const dlg_tensor *t, Source *out) {
    const dlg_source *s = &t->source;
    if (s->form != DLG_SOURCE_COLUMN && s->form != DLG_SOURCE_COLUMNS) return;
    out->has_columns = true;
    out->begin = (size_t)s->first;
    out->end = s->form == DLG_SOURCE_COLUMN ? (size_t)s->first + 1 : (size_t)s->last;
}

/* A model may name an array of an archive as the command line does. */
static int model_source(const dlg_program *prog, const dlg_tensor *t, Source *out) {
    size_t len;
    const char *member = array_member(t->source.path, &len);
    char *path = strndup(t->source.path, len);
    if (!path) return rt_no_memory(prog->dev, len);
    int status = member ? name_member(prog->dev, t->source.path, member, out) : DLG_OK;
    if (status == DLG_OK) status = find_file(prog, t, path, out);
    free(path);
    return status;
}

int source_find(const dlg_program *prog, const dlg_tensor *t, const dlg_data *given, Source *out) {
    dlg_device *dev = prog->dev;
    *out = (Source){.kind = SOURCE_TABLE};
    if (given && given->values) {
        *out = (Source){.kind = SOURCE_MEMORY, .values = given->values, .rows = given->rows};
        return DLG_OK;
    }
    if (given)
        TRY(parse_source(dev, given->source, out));
    else
        TRY(model_source(prog, t, out));
    if (out->kind == SOURCE_TEXT) return DLG_OK;
    if (array_kind(out->path) != ARRAY_NONE) {
        out->kind = SOURCE_ARRAY;
        if (!out->has_columns) return DLG_OK;
        return rt_fail(dev, DLG_ERR_DATA, "%s: columns are for tables, this is an array",
                       out->path);
    }
    if (out->names) out->end = CSV_ALL; /* how many there are shows when the names are found */
    if (out->has_columns) return DLG_OK;
    if (t->source.form == DLG_SOURCE_CHARS || t->source.form == DLG_SOURCE_BYTES) {
        out->kind = SOURCE_TEXT;
        out->chars = t->source.form == DLG_SOURCE_CHARS;
        return DLG_OK;
    }
    model_columns(t, out);
    if (!out->has_columns) out->end = CSV_ALL;
    return DLG_OK;
}

void source_free(Source *s) {
    free(s->path);
    free(s->member);
    free(s->names);
    *s = (Source){.kind = SOURCE_MEMORY};
}

/* include: see include.h. A file is known by its device and number, so that it is taken once by whatever
 * path it is named; a circle of includes ends by that.
 *
 * Establishes: no STMT_INCLUDE is left among the top-level items, but those that were reported. */
#include "include.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Including {
    Arena *arena;
    Names *names;
    Diags *diags;
    const char *const *dirs;
    size_t dir_count;
    VEC(struct stat) seen;
    uint32_t depth;
} Including;

char *source_read(const char *path, size_t *len) {
    struct stat st;
    int fd =
        open(path, O_RDONLY | O_CLOEXEC); /* once: what writes into a pipe would lose its reader */
    if (fd < 0) return NULL;
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        int error = S_ISDIR(st.st_mode) ? EISDIR : errno;
        close(fd);
        errno = error;
        return NULL;
    }
    size_t cap = (size_t)1 << 16;
    char *text = malloc(cap);
    *len = 0;
    for (ssize_t n = 1; text && n > 0;) {
        if (*len == cap) {
            char *grown = realloc(text, cap *= 2);
            if (!grown) free(text);
            text = grown;
            continue;
        }
        n = read(fd, text + *len, cap - *len);
        if (n < 0 && errno == EINTR) {
            n = 1;
            continue;
        }
        if (n < 0) {
            int error = errno;
            free(text);
            close(fd);
            errno = error;
            return NULL;
        }
        *len += (size_t)n;
        if (*len > SOURCE_MAX_BYTES) break;
    }
    close(fd);
    if (!text) errno = ENOMEM;
    return text;
}

/* `path` beside the file `from`, or in `dir`. */
static const char *place_beside(Including *in, const char *from, const char *path) {
    const char *slash = strrchr(from, '/');
    if (path[0] == '/' || !slash) return path;
    return arena_printf(in->arena, "%.*s/%s", (int)(slash - from), from, path);
}

/* The first place where the file is. NULL: nowhere; *tried names the places. */
static const char *find_file(Including *in, const char *from, const char *path, struct stat *st,
                             const char **tried) {
    const char *at = place_beside(in, from, path);
    *tried = at;
    if (stat(at, st) == 0) return at;
    for (size_t i = 0; i < in->dir_count && path[0] != '/'; i++) {
        at = arena_printf(in->arena, "%s/%s", in->dirs[i], path);
        if (stat(at, st) == 0) return at;
        *tried = arena_printf(in->arena, "%s, %s", *tried, at);
    }
    return NULL;
}

static bool seen_before(const Including *in, const struct stat *st) {
    for (uint32_t i = 0; i < in->seen.len; i++) {
        if (in->seen.at[i].st_dev == st->st_dev && in->seen.at[i].st_ino == st->st_ino) return true;
    }
    return false;
}

static void splice(Including *in, Ast *ast);

/* The tree of an included file; NULL: it was there before, or something was reported. */
static Ast *include_one(Including *in, const Stmt *s) {
    const Sources *sources = in->diags->sources;
    const char *from = sources->files.at[s->span.file].name, *tried;
    struct stat st;
    const char *path = find_file(in, from, s->path, &st, &tried);
    if (!path) {
        Diag *d = diag_error(in->diags, E0210, s->span,
                             "cannot include \"%s\": there is no such file", s->path);
        diag_note(in->diags, d, "looked for %s", tried);
        if (!in->dir_count)
            diag_help(in->diags, d, "`-I DIR` names a further directory to look in");
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        diag_error(in->diags, E0210, s->span, "cannot include \"%s\": %s is no regular file",
                   s->path, path);
        return NULL;
    }
    if (seen_before(in, &st)) return NULL;
    if (in->seen.len == INCLUDE_MAX_FILES || in->depth == INCLUDE_MAX_DEPTH) {
        diag_error(in->diags, E0210, s->span,
                   "a program includes at most %d files, %d in each other", INCLUDE_MAX_FILES,
                   INCLUDE_MAX_DEPTH);
        return NULL;
    }
    vec_push(in->arena, &in->seen, st);
    size_t len;
    char *text = source_read(path, &len);
    if (!text) {
        diag_error(in->diags, E0210, s->span, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    if (len > SOURCE_MAX_BYTES) {
        free(text);
        diag_error(in->diags, E0108, s->span, "%s is too large; a file has at most %zu MB", path,
                   SOURCE_MAX_BYTES >> 20);
        return NULL;
    }
    char *kept = arena_strndup(in->arena, text, len);
    free(text);
    Ast *ast =
        ast_parse(in->arena, in->names, in->diags, source_add(in->diags->sources, path, kept, len));
    in->depth++;
    splice(in, ast);
    in->depth--;
    return ast;
}

static void splice(Including *in, Ast *ast) {
    Stmts items = {0};
    for (uint32_t i = 0; i < ast->items.len; i++) {
        Stmt *s = ast->items.at[i];
        if (!s || s->kind != STMT_INCLUDE) {
            vec_push(in->arena, &items, s);
            continue;
        }
        const Ast *more = include_one(in, s);
        for (uint32_t k = 0; more && k < more->items.len; k++)
            vec_push(in->arena, &items, more->items.at[k]);
    }
    ast->items = items;
}

void include_files(Arena *arena, Names *names, Diags *diags, Ast *ast, const char *const *dirs,
                   size_t dir_count) {
    Including in = {
        .arena = arena, .names = names, .diags = diags, .dirs = dirs, .dir_count = dir_count};
    struct stat st;
    /* The program itself, where it is a file: to include it does nothing. */
    if (stat(diags->sources->files.at[ast->file].name, &st) == 0 && S_ISREG(st.st_mode))
        vec_push(arena, &in.seen, st);
    splice(&in, ast);
}

/* include: the files that a program includes, put in the place of their `include`. */
#ifndef DLG_INCLUDE_H
#define DLG_INCLUDE_H

#include "ast.h"

#define INCLUDE_MAX_FILES 1000
#define INCLUDE_MAX_DEPTH 100
#define SOURCE_MAX_BYTES  ((size_t)16 << 20) /* of one file */

/* Replaces each `include` among the items of `ast`, which was read from the file of this name in
 * diags->sources, by the items of the file that it names: looked up beside the file where it stands, then in
 * `dirs`. Each file is taken once. Errors: E0210, and those of parsing. */
void include_files(Arena *arena, Names *names, Diags *diags, Ast *ast, const char *const *dirs,
                   size_t dir_count);

/* Reads a whole file, at most one byte more than a program may have; freed by the caller. NULL: errno tells
 * why; EINVAL: it is no regular file. */
char *source_read(const char *path, size_t *len);

#endif

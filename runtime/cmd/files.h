/* files: text files that the build embeds in the command (cmake/Embed.cmake). */
#ifndef DLG_FILES_H
#define DLG_FILES_H

#include <stddef.h>

typedef struct CommandFile {
    const char *name, *text; /* without its folder; NUL-terminated */
    size_t len;
} CommandFile;

extern const CommandFile command_files[]; /* by name */
extern const size_t command_files_count;

#endif

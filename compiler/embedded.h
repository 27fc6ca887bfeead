/* embedded: the files of kernels/ that the build puts into libdlgc as text. */
#ifndef DLG_EMBEDDED_H
#define DLG_EMBEDDED_H

#include <stddef.h>

/* kernels/prelude.dlg; NUL-terminated, the length leaves the NUL out. */
extern const char dlg_prelude[];
extern const size_t dlg_prelude_len;

/* kernels/NAME.cl, in order of their names, but for runtime.cl, which is the runtime's; then NAME.c and NAME.h, which
 * become parts of models as C programs. */
typedef struct EmbeddedFile {
    const char *name; /* "philox.cl" */
    const char *text;
    size_t len;
} EmbeddedFile;

extern const EmbeddedFile dlg_embedded[];
extern const size_t dlg_embedded_count;

#endif

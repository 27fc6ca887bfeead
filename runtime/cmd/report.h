/* report: what the files that write parts of a report share. Errors of writing stay in the stream. */
#ifndef DLG_REPORT_H
#define DLG_REPORT_H

#include "inspect.h"

/* Text as HTML shows it. */
void html_text(FILE *out, const char *text, size_t len);
void html_puts(FILE *out, const char *text);

/* A kernel function in the program's text. */
typedef struct KernelText {
    const char *name, *parameters; /* name: not ended; parameters: behind the `(` */
    size_t name_len;
    const char *begin, *code, *end; /* with its comment and attributes; without the comment */
    const char *lines,
        *lines_end; /* of the comment: the source lines, and what it makes; NULL: none */
} KernelText;

typedef struct KernelTexts {
    KernelText *at;
    size_t count;
} KernelTexts;

/* All kernels of the text, in its order. An exit status. */
int kernels_open(KernelTexts *k, const dlg_program *prog);
void kernels_close(KernelTexts *k);
const KernelText *kernels_find(const KernelTexts *k, const char *name); /* NULL: there is none */
/* Whether the kernel may write what its parameter `arg` points to; true where the text does not tell. */
bool kernel_writes(const KernelText *k, size_t arg);
/* The number at the beginning of a line of a kernel's `lines`, "//   12  h = ...", 0 where it has none; *rest is the
 * line's text. Returns the line after it, NULL behind the last. */
const char *source_line(const char *at, const char *end, long *number, const char **rest,
                        size_t *rest_len);

/* How often a run launches each launch of an entry. NULL: no memory. */
double *launch_times(const dlg_entry *e);

/* The launches of an entry with what flows between them, as SVG. An exit status. */
int report_graph(FILE *out, const KernelTexts *kernels, const dlg_entry *e);
/* The arena over the launches of an entry, as SVG. An exit status. */
int report_arena(FILE *out, const dlg_program *prog, const dlg_entry *e);
/* What a trace of --profile says, as a table. Complains. */
int report_profile(FILE *out, const dlg_program *prog, const KernelTexts *kernels,
                   const char *path);
/* Warns, and says on the page, that a file is of another model than the page; `what` begins the sentence. */
void report_foreign(FILE *out, const dlg_program *prog, const char *path, const char *model,
                    const char *what);

#endif

/* man: man pages from the tables of options that --help shows; of dlg and dlgc. */
#ifndef DLG_MAN_H
#define DLG_MAN_H

#include <argp.h>
#include <stdio.h>

/* The head, and the section NAME; `brief` may end with a point. No date: the same sources give the same page. */
void man_begin(FILE *out, const char *name, const char *version, const char *brief,
               size_t brief_len);
/* The options, with --help and those like it; hidden ones are left out. */
void man_options(FILE *out, const struct argp_option *options, size_t count);

#endif

/* standard: the standard input, output and error of dlg and dlgc. */
#ifndef DLG_STANDARD_H
#define DLG_STANDARD_H

#include <argp.h>

/* First of all: takes the numbers of those that are closed, or a file that is opened later would be the standard output,
 * and get what is printed. To write to one that was closed stays an error. */
void standard_hold(void);

/* Last of all: what was written to the standard output must have arrived. Returns `status`, or where that is 0 and it did
 * not, having complained, 3. */
int standard_finish(const char *command, int status);

/* --help and --usage, for argp's `children`; with ARGP_NO_HELP: its own ones end in 0 whatever became of the text. */
extern const struct argp_child standard_help[];

#endif

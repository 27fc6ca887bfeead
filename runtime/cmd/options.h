/* options: options that a command does not take, of dlg and dlgc. */
#ifndef DLG_OPTIONS_H
#define DLG_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

/* Looks at a command line before argp does, which says no more of an option than that it is none. Where there is one, prints
 * what is likely to be meant, and ends the process with the status. print_elsewhere, which may be NULL: prints which other
 * commands have the option; false: none has. */
void options_check(const char *command, int argc, char **argv, const struct argp_option *options,
                   size_t count, bool (*print_elsewhere)(const char *name), int status);

#endif

/* builders: processes that build a program's kernels beside this one. A processor's driver builds a kernel when it is
 * launched first, one at a time in a process, and keeps what it built where other processes find it: so others begin with
 * those that this one comes to last. */
#ifndef DLG_BUILDERS_H
#define DLG_BUILDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "dlg.h"

enum { BUILDERS_MOST = 3 };

typedef struct Builders {
    pid_t pids[BUILDERS_MOST];
    size_t count;
} Builders;

/* The word before theirs, of this command. */
static const char build_command[] = "build-kernels";

/* Whether there is something for them to do: the driver took so long to load the program that it had it not in its cache. */
int builders_wanted(const dlg_program *prog, double load_seconds);
/* Starts them for an entry of the program, whose text is `text`: this executable with the words of `command`, ended by
 * NULL, before those of builders_run; `pair`: with the options of a device whose launches are done in pairs. Where none can be started there are none: all is slower then. */
void builders_start(Builders *b, const dlg_program *prog, const char *entry, const char *text,
                    size_t len, bool pair, const char *const *command);
/* Kills those that are still at it: what they have built by then is kept. */
void builders_end(Builders *b);

/* What they do, with the program at descriptor 0: DEVICE ENTRY PART PARTS [pair]. Returns an exit status; says nothing, for who
 * started them meets the same errors. */
int builders_run(char **words, int count);

#endif

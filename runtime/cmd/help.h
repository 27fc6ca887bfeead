/* help: `dlg help`, from the documents that the build embeds. */
#ifndef DLG_HELP_H
#define DLG_HELP_H

#include <stdio.h>

/* The names of all topics, on lines that begin where the cursor is. */
void help_topics(FILE *out);
/* `dlg help` with its arguments. Returns an exit status. */
int cmd_help(int argc, char **argv);

void help_section_man(FILE *out, const char *section); /* of docs/command-line.md */
void help_man(FILE *out); /* the topics of docs/help, as parts of a man page */

#endif

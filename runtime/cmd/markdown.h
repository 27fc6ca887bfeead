/* markdown: the project's own documents on a terminal and in man pages. */
#ifndef DLG_MARKDOWN_H
#define DLG_MARKDOWN_H

#include <stddef.h>
#include <stdio.h>

/* Writes the blocks of a text: headings, paragraphs, lists, tables, code. */
void markdown_plain(FILE *out, const char *text, size_t len, int width);
void markdown_man(FILE *out, const char *text, size_t len); /* from behind a heading on */

/* Where the section `heading` of level two ("## ...") stands; a heading that begins so, up to a colon, counts too. NULL:
 * nowhere. */
const char *markdown_section(const char *text, const char *heading, size_t *len);

/* Text as roff has it: a word or a line of its own. */
void man_text(FILE *out, const char *text, size_t len);

#endif

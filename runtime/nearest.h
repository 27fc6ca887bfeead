/* nearest: of many names the one that was likely meant; of the library, both commands and the compiler. */
#ifndef DLG_NEAREST_H
#define DLG_NEAREST_H

#include <stddef.h>

/* The nearest to `name` by edits, if it is near enough to suggest: insert, delete, replace, swap neighbours, of which a short
 * name has fewer; one that differs in capitals alone is nearest of all. NULL: none is. at(list, i) gives the i-th of
 * `count`; NULL: it is not to be suggested. */
const char *nearest_name(const char *name, const void *list, size_t count,
                         const char *(*at)(const void *list, size_t i));

#endif

/* habit: what people write who come from other languages and libraries, and what it is here. */
#ifndef DLG_HABIT_H
#define DLG_HABIT_H

#include "util.h"

/* Help where `word` begins a statement; where it stands for a value or a function; NULL: nothing is known of it. */
const char *habit_statement(const char *word);
const char *habit_name(const char *name);
/* The type that is called so elsewhere, or NULL. */
const char *habit_type(const char *name);
/* Help where a string is given to a function that takes none. */
const char *habit_string(const char *text);
/* Help where a function that takes the `count` arguments `formals` is given one called `name`, which it has not: by what it
 * is called elsewhere, or else the nearest. NULL: none. */
const char *habit_argument(Arena *arena, const char *name, const char *const *formals,
                           size_t count);

#endif

/* inject: makes calls of the library fail, each path to each call once.
 *
 * A path is the calls that lead to a call, and whether it was gone for the first or the third time (where failures do not last). After inject_begin the
 * first call whose path did not fail before fails; and, where failures last, all calls of its kind after it. So a test
 * that goes through the same work again and again, until nothing fails, has seen each call fail. */
#ifndef DLG_INJECT_H
#define DLG_INJECT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum Kind { FAIL_CL = 1, FAIL_MEMORY = 2, FAIL_FILE = 4 } Kind;

/* How many calls make a path, of those that are not in shared libraries. Fewer are quicker, since more paths are one. */
void inject_depth(int calls);
void inject_begin(unsigned kinds, bool lasting);
/* Nothing fails any more. What failed first, or NULL. */
const char *inject_end(void);
void inject_rest(bool rest); /* nothing fails meanwhile: for what the test itself does */
Kind inject_kind(void);      /* of that */
void inject_say(void);       /* prints the calls that led to it */
/* All paths may fail anew. */
void inject_forget(void);

/* Asked by each call: is it to fail? `function` is a literal. */
bool inject_here(Kind kind, const char *function);

/* How often each call was made to fail; the i-th, NULL: there are no more. */
const char *inject_count(size_t i, size_t *failures);

/* cl.c. OpenCL objects that are there now; and every function of OpenCL that the library calls. */
long cl_live(void);
const char *const *cl_functions(void);
/* Whether a program's binary is PTX, of a driver that takes it as the program that was made of a text last. */
void cl_has_ptx(bool has);

#endif

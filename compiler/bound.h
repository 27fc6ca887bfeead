/* bound: how few bytes an entry could move, and in how small an arena it could run. Both are what the
 * plan says beside what the program does, so that everyone sees how far it is from them.
 *
 * The bound on bytes (docs/passes.md) holds each contraction and each loop for a kernel of its own and lets
 * everything else be computed inside of them: each variable once in, and once out where it is updated; each
 * output once out; the result of each contraction or loop once out, and once in for every later contraction or
 * loop that needs it, through whatever else lies between. Of what is read in part, only that part counts. */
#ifndef DLG_BOUND_H
#define DLG_BOUND_H

#include "ir.h"
#include "memory.h"

/* Bytes; -1 where thousands of contractions need thousands of others each: it would take too long to find.
 * Requires: a verified, simplified graph. */
double bound_bytes(const Entry *e, Arena *arena);

/* The liveness bound: the most bytes that buffers which live at one time take together, each rounded up to the
 * arena's alignment. No placement needs less. Requires: the entry that was opened last, with all lifetimes. */
int64_t bound_arena(const Memory *m);

#endif

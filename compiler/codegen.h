/* codegen: from a Program to OpenCL text with its plan. The one door to fuse, schedule and print.
 */
#ifndef DLG_CODEGEN_H
#define DLG_CODEGEN_H

#include "compile.h"
#include "ir.h"
#include "tiles.h"

/* Removes the nodes that no output and no update needs. */
void simplify_program(Program *p);

/* Appends the whole program (EMIT_CL), the plan alone (EMIT_PLAN), its drawing (EMIT_DOT) or its explanation
 * (EMIT_EXPLAIN) to `out`. Nothing, and why in `over` (launch.h), where an entry does not fit its budget. `over` may be
 * NULL without a budget. Returns NO_NODE, or a node
 * that got no value: a fault of the compiler (E0901).
 * *tiles, unless NULL: the tiles of its launches are appended.
 * Requires: graphs verified; options->target, if given, is one that target_known. */
struct Over;
NodeId emit_program(const Program *p, const CompileOptions *options, Arena *arena, Text *out,
                    struct Over *over, TileUses *tiles);

/* graph_hash.c: of the graphs, the target with its precision and the opt level: of what is computed. */
uint64_t graph_hash(const Program *p, const Target *target, int opt_level);

/* Whether there is such a target; the names of all, for a message. NULL asks for the default. */
bool target_known(const char *name);
const char *target_names(void); /* " cpu gpu" */

#endif

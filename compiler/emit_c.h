/* emit_c: a compiled program as a C source with its header. */
#ifndef DLG_EMIT_C_H
#define DLG_EMIT_C_H

#include "util.h"

/* Appends both. `program` is what emit_program wrote (EMIT_CL), `header_name` what the source includes. */
void emit_c(const char *program, Arena *arena, const char *header_name, Text *source, Text *header);

#endif

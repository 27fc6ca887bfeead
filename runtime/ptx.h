/* ptx: lines that a driver's compiler of OpenCL C does not know, put into the PTX that it made of a program. */
#ifndef DLG_PTX_H
#define DLG_PTX_H

#include <stddef.h>

/* What a program's text marks them by: in PTX a comment. */
#define PTX_MARK "// DLG "
/* Of a device for which they are: major * 10 + minor. */
#define PTX_CAPABILITY 90

/* The PTX of `len` bytes (with zeros behind it, or none) without the mark of its marked lines, and for the target sm_90a,
 * to be freed. NULL with *why NULL: there is no memory; with *why: what is not as it should be. */
char *ptx_edit(const char *ptx, size_t len, const char **why);

#endif

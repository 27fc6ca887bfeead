/* embedded: kernels/runtime.cl, which the build puts into libdlg as text. */
#ifndef DLG_RT_EMBEDDED_H
#define DLG_RT_EMBEDDED_H

#include <stddef.h>

extern const char rt_kernels_cl[]; /* NUL-terminated; the length leaves the NUL out */
extern const size_t rt_kernels_cl_len;

#endif

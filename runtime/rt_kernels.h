/* rt_kernels: kernels/runtime.cl and kernels/limits.cl, which the build puts into libdlg as text. */
#ifndef DLG_RT_KERNELS_H
#define DLG_RT_KERNELS_H

#include <stddef.h>

extern const char rt_kernels_cl[]; /* NUL-terminated; the length leaves the NUL out */
extern const size_t rt_kernels_cl_len;
extern const char rt_limits_cl[];

#endif

/* cl_names: what OpenCL C and kernels/ call things, for those who print it. */
#ifndef DLG_CL_NAMES_H
#define DLG_CL_NAMES_H

#include "ir.h"

/* Enters the words that no name in a kernel may be: keywords, and functions that operators are printed as. */
void cl_names_reserve(Names *taken);
/* Whether it is, or a driver may have it as, a type, a macro or a function of OpenCL C or of kernels/. */
bool cl_name_is_taken(const char *name);
/* What a buffer holds: "float", "uchar". */
const char *cl_memory_type(DType t);

#endif

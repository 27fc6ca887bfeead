/* inspect: what the commands that show a program share. */
#ifndef DLG_INSPECT_H
#define DLG_INSPECT_H

#include "cmd.h"

typedef struct Sums {
    double launches; /* of one run: those in repeats as often as they run */
    size_t kernels;  /* distinct ones */
    double bytes, flops;
    bool flops_known; /* the plan says them of every launch */
} Sums;

Sums inspect_sums(const dlg_entry *e);
/* 160.8 kB, 1.2 Mflop; whole below 10,000. Returns out. */
const char *quantity_text(char *out, size_t size, double x, const char *unit);
/* x as a multiple of its bound; NaN where that is not known, or nothing. */
double ratio_to(double x, int64_t bound);
const char *ratio_text(char *out, size_t size, double ratio); /* "-" for NaN */

#endif

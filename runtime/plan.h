/* plan: what plan.c (lines) and plan_check.c (the whole) share. */
#ifndef DLG_PLAN_H
#define DLG_PLAN_H

#include "rt.h"

#define PLAN_MOST_BYTES (UINT64_C(256) << 20)

typedef struct Reader {
    Plan *plan;
    dlg_device *dev;
    size_t len;   /* of the file */
    int64_t line; /* for messages */
    char *at;     /* the rest of the line; NULL at its end */
    char *user_names;
    int64_t *entry_lines, *launch_lines; /* where each stands, for messages */
} Reader;

int plan_fail(Reader *r, const char *fmt, ...) RT_PRINTF(2, 3);
/* Enters the tensor that is being read; false when one of its name is there. */
bool plan_name_add(Plan *p, const dlg_tensor *t);
/* What the lines say together: entries and launches, the arena, the kernels' names. */
int plan_check(Reader *r);

#endif

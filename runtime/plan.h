/* plan: what plan_line.c (words), plan.c (lines) and plan_check.c (the whole) share. */
#ifndef DLG_PLAN_H
#define DLG_PLAN_H

#include "rt.h"

#define PLAN_MOST_BYTES (UINT64_C(256) << 20)
#define MOST_REPEATS    8 /* in each other */

typedef struct Reader {
    Plan *plan;
    dlg_device *dev;
    size_t len;   /* of the file */
    int64_t line; /* for messages */
    char *at;     /* the rest of the line; NULL at its end */
    char *user_names;
    int64_t *const_lines, *entry_lines, *launch_lines,
        *together_lines;                  /* where each stands, for messages */
    size_t open[MOST_REPEATS], depth;     /* the repeats that have begun and not ended */
    size_t *launch_repeat, *repeat_outer; /* the innermost repeat around each, + 1; 0: none */
    bool together;                        /* one has begun and not ended */
    size_t togethers_seen;                /* by plan_check */
} Reader;

/* PROGRAM, "FILE:LINE: ...". */
int plan_fail(Reader *r, const char *fmt, ...) RT_PRINTF(2, 3);

/* ---- plan_line.c: words; all fail as plan_fail does. `what` is what they should be, for messages -- */

char *line_take(Reader *r); /* the next word; NULL at the end of the line */
int line_word(Reader *r, const char *what, char **word);
int line_name(Reader *r, const char *what, char **name);
int line_keyword(Reader *r, const char *keyword);
int line_whole(Reader *r, const char *what, uint64_t least, uint64_t most, uint64_t *value);
int line_value(Reader *r, dlg_type type, double *value); /* what a tensor of the type can hold */
/* A string in quotes, unescaped; what follows its closing quote stays in r->at. */
int line_string(Reader *r, const char *what, char **text);
int line_string_word(Reader *r, const char *what, char **text); /* as a word of its own */
int line_done(Reader *r);                                       /* nothing more stands there */
/* A whole number from 0 to most, without leading zeros; moves *s behind it. */
bool line_number(const char **s, uint64_t most, uint64_t *value);
bool line_is_identifier(const char *s); /* of OpenCL C */

/* ---- plan_check.c --------------------------------------------------------------------------------- */

/* Enters the tensor that is being read; false when one of its name is there. */
bool plan_name_add(Plan *p, const dlg_tensor *t);
/* What the lines say together: entries and launches, the arena, the kernels' names. */
int plan_check(Reader *r);

#endif

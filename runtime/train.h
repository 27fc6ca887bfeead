/* train: what the files of dlg_train share: train.c, the loop; best.c, early stopping; checkpoint.c, the
 * state of a run in a file. Internal to libdlg. */
#ifndef DLG_TRAIN_H
#define DLG_TRAIN_H

#include "feed.h"

typedef struct Evaluation {
    Runner whole, rest; /* rest.entry is NULL when there is no variant, or no need of it */
    RowOrder order;
    Feed apart; /* of the rows held out, where they are data of their own */
} Evaluation;

typedef struct Best {
    cl_mem *values;  /* one a tensor, of those that are weights; NULL: nothing is kept */
    size_t metric;   /* of the evaluation's */
    uint64_t waited; /* epochs since the best one */
} Best;

typedef struct LastGood {
    Finite finite;
    cl_mem *values; /* one a tensor, of those that are weights; NULL: nothing is kept */
    bool looked;    /* at least once; the weights were finite */
    uint64_t step;  /* after this step */
    double looked_s, interval_s;
} LastGood;

enum { MOST_ORDERS = 16 };

typedef struct EpochMark {
    uint64_t epoch, step;
    size_t runs; /* its last ones, in the ring */
} EpochMark;

typedef struct Training {
    const dlg_train_options *options;
    dlg_program *prog;
    const dlg_dataset *data;
    Feed feed;
    Runner run;
    Evaluation evaluation;
    bool evaluates;
    /* The order of the training rows in each of some epochs: that of epoch e is number e % orders. One is made while
     * the epoch before runs, and must stay until that and all before have run. */
    RowOrder order[MOST_ORDERS];
    size_t orders;
    uint64_t prepared; /* the last epoch whose order was made */
    /* Epochs that ended, whose runs are not all read yet. */
    EpochMark marks[MOST_ORDERS];
    size_t mark_count;
    double since_s; /* when the time of the runs that are to be read began */
    dlg_progress progress;
    double begin_s, trained_s; /* when it began; spent on training alone */
    uint64_t trained_rows;
    bool warm;           /* a run was collected */
    size_t until_report; /* runs between two collections */
    Best best;           /* its value and epoch are in `progress` */
    LastGood good;
    /* What tells this run from others (progress.run is its hash); when the last checkpoint was written. */
    MetaList identity;
    uint64_t tried_step;  /* of which a checkpoint was written, or could not be */
    bool missing, untold; /* it could not be; of which nobody was told yet */
    double saved_s, interval_s;
} Training;

double train_now_s(void);

int best_open(Training *t); /* Errors: USAGE (nothing is held out), NAME, MEMORY */
void best_close(Training *t);
int best_consider(Training *t);    /* after an evaluation: is it the best? */
bool best_ends(const Training *t); /* it was waited for long enough */
int best_restore(Training *t);     /* gives the program the best weights, if there are any */

int good_open(Training *t);
void good_close(Training *t);
/* Looks at the params and, where they are finite, keeps the weights. All runs must have been collected.
 * Errors: DIVERGED, OPENCL, MEMORY. */
int good_look(Training *t);
int good_collected(Training *t); /* after a collection: the scalars; and good_look when it is due */
int good_restore(Training *t);   /* after DIVERGED; tells the callback */

/* Finds what tells the run from others, and takes it up from options->checkpoint, where it is asked for and there is one: the program's
 * values, the place in the data, the sums of the epoch. On failure nothing changed.
 * Requires a run at its beginning. Errors: FILE, WEIGHTS (malformed, or of another run). */
int checkpoint_resume(Training *t);
/* The part of it that needs no device: whether the file is of this run, and its place and sums. */
int checkpoint_check(Training *t, const RtLoading *file);
/* Whether one is to be written now. */
bool checkpoint_due(const Training *t);
/* Writes one, if the options name a file. All runs must have been collected. Errors: FILE, OPENCL,
 * MEMORY. */
int checkpoint_write(Training *t);

#endif

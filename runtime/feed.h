/* feed: rows of a data set through an entry, batch after batch, without waiting for the device.
 * Internal to libdlg; dataset.c before it, train.c after it. */
#ifndef DLG_FEED_H
#define DLG_FEED_H

#include "data.h"

/* The data where batches are selected: on the device, or in host memory when it does not fit. */
typedef struct Feed {
    dlg_program *prog;
    const dlg_dataset *data;
    cl_mem *fields;        /* one a field; NULL when the data stays in host memory */
    uint64_t device_bytes; /* of them */
} Feed;

/* `device_bytes`: the most that the data may take on the device, with the `taken_bytes` of another feed; 0: as the data
 * set was told, or else half of its memory, or where that is the host's an eighth, and 1 GiB at most. */
int feed_open(Feed *f, dlg_program *prog, const dlg_dataset *data, uint64_t device_bytes,
              uint64_t taken_bytes);
void feed_close(Feed *f); /* also of a zeroed one */

/* An order of rows, on the device too where the feed is. */
typedef struct RowOrder {
    const RowSet *set; /* which; the caller's */
    size_t count;
    bool shuffled;
    uint64_t seed, epoch;
    uint32_t *rows;    /* all; or of many a window, number `window` */
    uint32_t *blocks;  /* of many: the order of blocks; NULL: they are not many */
    size_t partial;    /* which of them is the one that is not full */
    size_t window;     /* SIZE_MAX: none */
    cl_mem buffer;     /* NULL when the data is not on the device */
    uint64_t versions; /* how often the rows changed */
} RowOrder;
/* In ascending order; it becomes a random one by order_shuffle alone. */
int order_open(RowOrder *o, Feed *f, const RowSet *set, bool shuffled, uint64_t seed);
/* The order of an epoch, from 0. Rows are read until the next runner_collect, and must not change before it. */
int order_shuffle(RowOrder *o, Feed *f, uint64_t epoch);
int order_update(RowOrder *o, Feed *f); /* the device gets them */
void order_rows(RowOrder *o, size_t first, size_t count, uint32_t *out);
/* Advises the system of the `most` rows from `first` on. */
void order_ahead(const RowOrder *o, size_t first, size_t most, const Rows *rows);
/* Where the rows that are read from near each other end, of which `at` is one. */
size_t order_window_end(const RowOrder *o, size_t at);
void order_close(RowOrder *o);

/* One input of an entry and how its batch is selected. */
typedef struct Gather {
    const dlg_tensor *tensor;
    size_t field;
    bool was_set;        /* before the runner was opened */
    size_t outer, inner; /* elements of a sample before and after the sample axis */
    size_t pitch_bytes;  /* on the device: from one batch of the stage to the next */
    cl_mem stage;        /* `ahead` batches; NULL: there is one, which is the input's own buffer */
    cl_mem *slots;       /* the parts of the stage */
    char *staged;        /* host selection: `capacity` batches */
    char *sample;        /* the same, of a file: room for one sample that is to be divided */
} Gather;

/* An argument of the entry's launches that another buffer is bound to in each run. */
typedef struct Binding {
    cl_kernel kernel;
    cl_uint arg;
    size_t which; /* gather or scalar */
} Binding;

/* An entry that is fed and whose scalars are gathered in a ring on the device (feed.c, "the ring"). */
typedef struct Runner {
    Feed *feed;
    const dlg_entry *entry;
    size_t batch; /* rows of a run; 0: the entry takes no data */
    bool began;   /* a batch was selected */
    Gather *gathers;
    size_t gather_count;
    cl_kernel *selections; /* one for four gathers; bound but for the order and the place in it */
    size_t selection_count, lanes;
    size_t ahead;             /* batches that a selection puts into the stage, */
    const RowOrder *ahead_of; /* of this order as it was then, */
    uint64_t ahead_version;
    size_t ahead_first, ahead_rows; /* from this row of it */
    size_t ahead_slot;              /* that the last run read */
    uint32_t *numbers;              /* host selection: of a batch's rows */
    RowOrder *advised;              /* the system was told of the rows of this order, */
    uint64_t advised_version;       /* as it was then, */
    size_t advised_end;             /* up to this one */
    Binding *inputs, *outputs;
    size_t input_count, output_count;
    const dlg_tensor **scalars; /* what it returns of rank 0 */
    size_t scalar_count;
    cl_mem ring; /* capacity x scalar_count slots */
    size_t slot_bytes;
    cl_mem *slots; /* the ring's parts, each made when it is first used */
    bool *bound;   /* one a scalar: launches write it into its slot; or it is copied there */
    char *host_ring;
    size_t capacity, pending; /* runs that may be, and are, in the ring, or held */
    bool holds;               /* several runs may be one launch: until then they are held, */
    size_t held;              /* so many, the last of those pending */
    size_t held_slot;         /* the batch of the first of them */
    size_t read, taken;       /* runs that host_ring holds; of which are in the sums */
    double *sums;             /* of each scalar over the runs collected, times rows */
    double *first, *last; /* what each scalar was in the first run, and in the last before a NaN */
    uint64_t rows;        /* collected (runs, when it takes no data) */
    uint64_t runs;        /* collected since it was opened */
    uint64_t nan_run;     /* the first of them, from 1, that gave NaN; 0: none did */
    size_t nan_scalar;    /* the scalar that was NaN */
} Runner;

int runner_open(Runner *r, Feed *f, const dlg_entry *entry);
/* CL_SUCCESS, or why inputs and launches could not be given back what they had. Then inputs count as not set, and
 * launches are bound again before the next run. */
cl_int runner_close(Runner *r);
/* Enqueues a run of the rows first .. first + batch - 1 of the order, or holds it to enqueue it with those that follow.
 * Collects first when the ring is full, and waits then only. */
int runner_step(Runner *r, RowOrder *order, size_t first);
/* Selects the batches from `first` on ahead of time, where batches are selected on the device into a stage: the next
 * runner_step finds them there. */
int runner_select(Runner *r, RowOrder *order, size_t first);
/* Waits for all runs and adds their scalars to the sums. */
int runner_collect(Runner *r);
/* The same in two parts, the second for so many runs at a time, until all are taken. */
int runner_read(Runner *r);
void runner_take(Runner *r, size_t runs);
void runner_reset(Runner *r); /* the sums to 0 */

#endif

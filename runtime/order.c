/* order: rows one after the other as a run takes them: ascending, or in a random order of each epoch.
 *
 * Establishes: the order is a function of the set of rows, the seed and the epoch alone, wherever the samples are.
 *
 * Note "blocks": up to SHUFFLE_ALL rows are put into one random order. Where there are more, their numbers may be more
 * than a program should hold, and samples may be so small that reading each from another place of the disk takes
 * longer than the training. So blocks of BLOCK rows that follow each other are put into a random order, and the rows
 * of WINDOW_BLOCKS blocks after the other into one of their own: a window of 16384 rows is read from 64 places, and one
 * window's numbers are held at a time. */
#include <stdlib.h>
#include <string.h>
#include "feed.h"

enum { BLOCK = 256, WINDOW_BLOCKS = 64, WINDOW = BLOCK * WINDOW_BLOCKS };

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool is_many(const RowOrder *o) {
    return o->count > SHUFFLE_ALL;
}

int order_open(RowOrder *o, Feed *f, const RowSet *set, bool shuffled, uint64_t seed) {
    dlg_device *dev = f->prog->dev;
    size_t count = set->count, blocks = (count + BLOCK - 1) / BLOCK;
    *o = (RowOrder){.set = set, .count = count, .shuffled = shuffled, .seed = seed};
    o->window = SIZE_MAX;
    if (!is_many(o)) {
        o->rows = malloc((count + 1) * sizeof *o->rows);
        if (!o->rows) return rt_no_memory(dev, count * sizeof *o->rows);
        for (size_t i = 0; i < count; i++) o->rows[i] = rowset_at(set, i);
    } else {
        o->blocks = calloc(blocks, sizeof *o->blocks);
        o->rows = malloc(WINDOW * sizeof *o->rows);
        if (!o->blocks || !o->rows) return rt_no_memory(dev, blocks * sizeof *o->blocks);
        for (size_t i = 0; i < blocks; i++) o->blocks[i] = (uint32_t)i;
    }
    if (f->fields && count > 0)
        TRY(rt_buffer(dev, count * sizeof *o->rows, "the order of the rows", &o->buffer));
    return order_update(o, f);
}

void order_close(RowOrder *o) {
    if (o->buffer) clReleaseMemObject(o->buffer);
    free(o->rows);
    free(o->blocks);
    *o = (RowOrder){0};
}

/* The place in the set of what comes at `at` of the blocks in their order. All are full but the set's last, which comes
 * as number o->partial. */
static size_t in_set(const RowOrder *o, size_t at) {
    size_t missing = (BLOCK - o->count % BLOCK) % BLOCK;
    if (at >= (o->partial + 1) * BLOCK - missing) at += missing;
    return (size_t)o->blocks[at / BLOCK] * BLOCK + at % BLOCK;
}

/* Makes o->rows hold the window of the order. */
static void fill_window(RowOrder *o, size_t window) {
    size_t first = window * WINDOW, n = least(WINDOW, o->count - first);
    if (o->window == window) return;
    for (size_t i = 0; i < n; i++)
        o->rows[i] = rowset_at(o->set, o->shuffled ? in_set(o, first + i) : first + i);
    if (o->shuffled)
        split_shuffle(o->rows, n, "dlg:shuffle", o->seed, o->epoch, (uint32_t)window + 1);
    o->window = window;
}

void order_rows(RowOrder *o, size_t first, size_t count, uint32_t *out) {
    if (!is_many(o)) {
        memcpy(out, o->rows + first, count * sizeof *out);
        return;
    }
    for (size_t n; count > 0; first += n, out += n, count -= n) {
        fill_window(o, first / WINDOW);
        n = least(count, WINDOW - first % WINDOW);
        memcpy(out, o->rows + first % WINDOW, n * sizeof *out);
    }
}

/* What comes from `first` on, at most `most` rows, as runs of rows that follow each other in the data: told to
 * the system, it reads them while the device computes. */
void order_ahead(const RowOrder *o, size_t first, size_t most, const Rows *rows) {
    size_t end = o->count - first < most ? o->count : first + most;
    while (first < end) {
        bool many = is_many(o), shuffled = many && o->shuffled;
        size_t n = 1, at = shuffled ? in_set(o, first) : first;
        uint32_t row = many ? rowset_at(o->set, at) : o->rows[first];
        if (many) /* to the end of the block, whatever the order within */
            n = least(BLOCK - at % BLOCK, o->count - at);
        else
            while (first + n < end && o->rows[first + n] == row + n) n++;
        uint32_t last = many ? rowset_at(o->set, at + n - 1) : row + (uint32_t)n - 1;
        rows_ahead(rows, row, last - row + 1);
        first += n;
    }
}

size_t order_window_end(const RowOrder *o, size_t at) {
    return is_many(o) ? (at / WINDOW + 1) * WINDOW : at;
}

/* The device gets the numbers of all rows, of many of them window by window. */
int order_update(RowOrder *o, Feed *f) {
    dlg_device *dev = f->prog->dev;
    o->versions++;
    if (!o->buffer) return DLG_OK;
    if (!is_many(o)) {
        cl_int code = clEnqueueWriteBuffer(dev->queue, o->buffer, CL_FALSE, 0,
                                           o->count * sizeof *o->rows, o->rows, 0, NULL, NULL);
        return code ? rt_cl_fail(dev, code, "writing the order of the rows") : DLG_OK;
    }
    for (size_t first = 0; first < o->count; first += WINDOW) {
        fill_window(o, first / WINDOW);
        TRY(rt_write(dev, o->buffer, first * sizeof *o->rows, o->rows,
                     least(WINDOW, o->count - first) * sizeof *o->rows));
    }
    return DLG_OK;
}

int order_shuffle(RowOrder *o, Feed *f, uint64_t epoch) {
    size_t blocks = (o->count + BLOCK - 1) / BLOCK;
    o->epoch = epoch;
    o->window = SIZE_MAX;
    /* Always from the ascending order, so that an epoch's does not depend on the ones before. */
    if (!is_many(o)) {
        for (size_t i = 0; i < o->count; i++) o->rows[i] = rowset_at(o->set, i);
        split_shuffle(o->rows, o->count, "dlg:shuffle", o->seed, epoch, 0);
    } else {
        for (size_t i = 0; i < blocks; i++) o->blocks[i] = (uint32_t)i;
        split_shuffle(o->blocks, blocks, "dlg:shuffle", o->seed, epoch, 0);
        for (o->partial = 0; o->blocks[o->partial] != blocks - 1;) o->partial++;
    }
    return order_update(o, f);
}

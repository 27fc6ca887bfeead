/* plot: what plot.c, which reads a log, and svg.c, which draws it, share. */
#ifndef DLG_PLOT_H
#define DLG_PLOT_H

#include <stdio.h>
#include "cmd.h"

typedef struct Point {
    double step, value; /* value NaN: there is none, and the line has a gap */
} Point;

typedef struct Series {
    Point *points;
    size_t count, cap;
} Series;

typedef struct Panel { /* of one metric */
    char *name;
    Series train, held_out;
    /* The window that the next point is the mean of. */
    double sum, rows, widest;
    /* The epoch so far, as the line before told it. */
    double epoch_mean, epoch_rows;
} Panel;

typedef struct Plot {
    char *title;
    char *model; /* that the log says it is of, or NULL */
    Panel *panels;
    size_t count;
    double steps;       /* of the last line */
    double epoch_steps; /* of the first epoch; 0: it did not end */
} Plot;

/* Reads a log into a plot that has a title or nothing; `path` is for messages. Complains; returns an exit status. */
int plot_read(Plot *plot, FILE *in, const char *path);
int plot_file(Plot *plot, const char *path);
void plot_free(Plot *plot);

/* Writes the whole plot as SVG. Errors stay in the stream. */
void svg_write(FILE *out, const Plot *plot);

#endif

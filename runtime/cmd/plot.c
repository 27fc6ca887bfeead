/* dlg plot: the curves of a training log (--log) as an SVG picture.
 *
 * A log tells means over the epoch so far; a curve wants what is new. So each point is the mean over
 * the rows since the point before, which two lines of the log tell together. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <jansson.h>
#include "plot.h"

typedef struct Reading {
    Plot *plot;
    const char *path;
    size_t line;
    double epoch; /* of the line before */
} Reading;

static int bad_line(const Reading *r, const char *why) {
    complain("%s:%zu: this is no line of a training log: %s", r->path, r->line, why);
    return EXIT_INPUT;
}

static int no_memory(void) {
    complain("out of memory");
    return EXIT_SYSTEM;
}

static int add_point(Series *s, double step, double value) {
    if (s->count == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 64;
        Point *more = realloc(s->points, cap * sizeof *more);
        if (!more) return no_memory();
        s->points = more;
        s->cap = cap;
    }
    s->points[s->count++] = (Point){step, value};
    return EXIT_DONE;
}

static Panel *find_panel(Plot *plot, const char *name) {
    for (size_t i = 0; i < plot->count; i++)
        if (strcmp(plot->panels[i].name, name) == 0) return &plot->panels[i];
    Panel *more = realloc(plot->panels, (plot->count + 1) * sizeof *more);
    if (!more) return NULL;
    plot->panels = more;
    more[plot->count] = (Panel){.name = strdup(name)};
    return more[plot->count].name ? &more[plot->count++] : NULL;
}

/* A short window, as at the end of an epoch, waits for more rows: its mean would only be noise. */
static int add_window(Panel *p, double step, double mean, double rows, bool new_epoch) {
    if (new_epoch) p->epoch_mean = p->epoch_rows = 0;
    double sum = mean * rows - p->epoch_mean * p->epoch_rows, fresh = rows - p->epoch_rows;
    bool gap = isnan(mean) || isnan(p->epoch_mean);
    p->epoch_mean = mean;
    p->epoch_rows = rows;
    if (fresh <= 0) return EXIT_DONE;
    p->sum += gap ? NAN : sum;
    p->rows += fresh;
    if (fresh > p->widest) p->widest = fresh;
    if (p->rows < p->widest / 2) return EXIT_DONE;
    int status = add_point(&p->train, step, p->sum / p->rows);
    p->sum = p->rows = 0;
    return status;
}

static int read_metrics(Reading *r, json_t *of, double step, bool held_out, bool new_epoch) {
    const char *name;
    json_t *value;
    double rows = json_number_value(json_object_get(of, "rows"));
    int status = EXIT_DONE;
    if (!(rows > 0)) return bad_line(r, "it does not say of how many rows it is");
    json_object_foreach(of, name, value) {
        if (strcmp(name, "rows") == 0) continue;
        if (!json_is_number(value) && !json_is_null(value))
            return bad_line(r, "a metric is not a number");
        Panel *p = find_panel(r->plot, name);
        double v = json_is_null(value) ? NAN : json_number_value(value);
        if (!p) return no_memory();
        status =
            held_out ? add_point(&p->held_out, step, v) : add_window(p, step, v, rows, new_epoch);
        if (status) return status;
    }
    return status;
}

static int read_line(Reading *r, const char *text, size_t len) {
    json_error_t error;
    json_t *line = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!line) /* half a line at the end is one that is being written */
        return text[len - 1] == '\n' ? bad_line(r, error.text) : EXIT_DONE;
    json_t *train = json_object_get(line, "train"), *held_out = json_object_get(line, "evaluate");
    double epoch = json_number_value(json_object_get(line, "epoch"));
    double step = json_number_value(json_object_get(line, "step"));
    int status = EXIT_DONE;
    if (!json_is_object(train) || !(epoch >= 1) || !(step >= 0))
        status = bad_line(r, "it has no epoch, step and train");
    else if (step < r->plot->steps)
        status = bad_line(r, "its step is less than that of the line before");
    if (status == EXIT_DONE) {
        r->plot->steps = step;
        if (epoch == 1 && json_is_true(json_object_get(line, "end"))) r->plot->epoch_steps = step;
        status = read_metrics(r, train, step, false, epoch != r->epoch);
        r->epoch = epoch;
    }
    if (status == EXIT_DONE && held_out) status = read_metrics(r, held_out, step, true, false);
    const char *model = json_string_value(json_object_get(line, "model"));
    if (status == EXIT_DONE && model && !r->plot->model && !(r->plot->model = strdup(model)))
        status = no_memory();
    json_decref(line);
    return status;
}

int plot_read(Plot *plot, FILE *in, const char *path) {
    Reading r = {.plot = plot, .path = path};
    char *text = NULL;
    size_t size = 0;
    int status = EXIT_DONE;
    errno = 0;
    for (int first; !status && (first = getc(in)) != EOF;) {
        r.line++;
        ungetc(first, in);
        if (first != '{') { /* what is no log may have no end of a line either */
            status = bad_line(&r, "it does not begin with `{`");
            break;
        }
        ssize_t len = getline(&text, &size, in);
        if (len > 0) status = read_line(&r, text, (size_t)len);
    }
    if (!status && ferror(in)) {
        complain("cannot read %s: %s", path, strerror(errno));
        status = EXIT_INPUT;
    } else if (!status && plot->count == 0) {
        complain("%s: there is nothing in it to draw", path);
        status = EXIT_INPUT;
    }
    free(text);
    return status;
}

int plot_file(Plot *plot, const char *path) {
    FILE *in = fopen(path, "r");
    if (!in) {
        complain("cannot open %s: %s", path, strerror(errno));
        return EXIT_INPUT;
    }
    int status = plot_read(plot, in, path);
    fclose(in);
    return status;
}

void plot_free(Plot *plot) {
    for (size_t i = 0; i < plot->count; i++) {
        free(plot->panels[i].name);
        free(plot->panels[i].train.points);
        free(plot->panels[i].held_out.points);
    }
    free(plot->panels);
    free(plot->title);
    free(plot->model);
}

/* LOG.svg for LOG.jsonl. The caller frees both. */
static bool names(const Args *a, char **output, char **title) {
    const char *slash = strrchr(a->file, '/'), *base = slash ? slash + 1 : a->file;
    const char *dot = strrchr(base, '.');
    size_t stem = dot && dot != base ? (size_t)(dot - a->file) : strlen(a->file);
    *title = strndup(base, stem - (size_t)(base - a->file));
    *output = a->output ? strdup(a->output) : malloc(stem + sizeof ".svg");
    if (*output && !a->output)
        snprintf(*output, stem + sizeof ".svg", "%.*s.svg", (int)stem, a->file);
    return *output && *title;
}

int cmd_plot(const Args *a) {
    Plot plot = {0};
    char *output = NULL, *text = NULL;
    size_t len = 0;
    int status = names(a, &output, &plot.title) ? EXIT_DONE : no_memory();
    if (!status) status = output_check_kind("output", output, "<", "a picture in SVG");
    if (!status) status = plot_file(&plot, a->file);
    if (!status) {
        FILE *memory = open_memstream(&text, &len);
        if (memory) svg_write(memory, &plot);
        if (!memory || (fclose(memory) != 0) | !text) status = no_memory();
    }
    if (!status) status = output_write(output, text, len);
    if (!status && !a->quiet && strcmp(output, OUTPUT_STANDARD) != 0) printf("%s\n", output);
    free(text);
    free(output);
    plot_free(&plot);
    return status;
}

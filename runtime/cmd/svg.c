/* svg: draws the curves of a training log: a panel a metric, one above the other, steps along x.
 *
 * Establishes: the same plot gives the same bytes; what a log says stands in the picture as text,
 * whatever characters it has. */
#include <math.h>
#include <string.h>
#include "plot.h"

enum { WIDTH = 760, LEFT = 64, RIGHT = 20, TOP = 40, PANEL = 220, GAP = 50, BOTTOM = 50 };
enum { MOST_POINTS = 1000 }; /* of a curve: more are averaged, which the eye does anyway */
static const char train_color[] = "#2166ac", held_out_color[] = "#d6604d";

typedef struct Axis {
    double low, high, tick; /* of the values; the distance of ticks */
} Axis;

typedef struct Drawing {
    FILE *out;
    Axis x, y;
    double top; /* of the panel, in the picture */
} Drawing;

static void write_text(FILE *out, const char *text) {
    for (; *text; text++) switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        default: fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
        }
}

#define LARGEST  1e300  /* numbers beyond are drawn there, */
#define SMALLEST 1e-300 /* and those that are less apart as one */

/* A round distance of about `wanted`: 1, 2 or 5 times a power of ten. */
static double round_tick(double wanted) {
    double unit = pow(10, floor(log10(wanted))), times = wanted / unit;
    return unit * (times < 1.5 ? 1 : times < 3 ? 2 : times < 7 ? 5 : 10);
}

/* Widens low..high to ticks; about `count` of them. */
static Axis axis_of(double low, double high, int count) {
    low = fmax(-LARGEST, fmin(low, LARGEST)), high = fmax(-LARGEST, fmin(high, LARGEST));
    if (high - low < SMALLEST) { /* one value, or none */
        double around = fabs(low) > SMALLEST ? fabs(low) / 2 : 1;
        low -= around;
        high = low + 2 * around;
    }
    Axis a = {.tick = round_tick((high - low) / count)};
    a.low = floor(low / a.tick) * a.tick;
    a.high = ceil(high / a.tick) * a.tick;
    return a;
}

static double place_x(const Drawing *d, double v) {
    return LEFT + (v - d->x.low) / (d->x.high - d->x.low) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const Drawing *d, double v) {
    return d->top + PANEL - (v - d->y.low) / (d->y.high - d->y.low) * PANEL;
}

static void widen(const Series *s, double *low, double *high) {
    for (size_t i = 0; i < s->count; i++) {
        double v = s->points[i].value;
        if (!isfinite(v)) continue;
        *low = v < *low ? v : *low;
        *high = v > *high ? v : *high;
    }
}

/* A number at a tick: as many digits as tell ticks apart. */
static void write_tick(FILE *out, double v, double tick) {
    int digits = tick < 1 ? (int)ceil(-log10(tick) - 1e-9) : 0;
    if (fabs(v) < tick / 2) v = 0; /* no -0 */
    if (digits > 6 || fabs(v) >= 1e7)
        fprintf(out, "%.3g", v);
    else
        fprintf(out, "%.*f", digits, v);
}

static void draw_grid(const Drawing *d, bool with_steps) {
    for (int i = 0; d->y.low + i * d->y.tick <= d->y.high + d->y.tick / 2; i++) {
        double v = d->y.low + i * d->y.tick, y = place_y(d, v);
        fprintf(d->out,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">",
                LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4);
        write_tick(d->out, v, d->y.tick);
        fputs("</text>\n", d->out);
    }
    for (int i = 0; i * d->x.tick <= d->x.high; i++) {
        double v = i * d->x.tick, x = place_x(d, v);
        fprintf(d->out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", x, d->top, d->top + PANEL);
        if (with_steps) {
            fprintf(d->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x,
                    d->top + PANEL + 18);
            write_tick(d->out, v, d->x.tick);
            fputs("</text>", d->out);
        }
        fputc('\n', d->out);
    }
}

/* The mean of points first..end-1 of a curve. */
static Point mean_point(const Series *s, size_t first, size_t end) {
    Point mean = {0, 0};
    for (size_t i = first; i < end; i++) {
        mean.step += s->points[i].step / (double)(end - first);
        mean.value += s->points[i].value / (double)(end - first);
    }
    return mean;
}

static void draw_curve(const Drawing *d, const Series *s, const char *color) {
    size_t each = (s->count + MOST_POINTS - 1) / MOST_POINTS, drawn = 0;
    bool pen = false;
    if (s->count == 0) return;
    fprintf(d->out, "<path class=\"curve\" stroke=\"%s\" d=\"", color);
    for (size_t i = 0; i < s->count; i += each) {
        Point p = mean_point(s, i, i + each < s->count ? i + each : s->count);
        if (isfinite(p.value)) {
            fprintf(d->out, "%s%.1f %.1f", pen ? "L" : "M", place_x(d, p.step),
                    place_y(d, p.value));
            drawn++;
        }
        pen = isfinite(p.value);
    }
    fputs("\"/>\n", d->out);
    if (drawn > 40) return;
    for (size_t i = 0; i < s->count; i++) /* few points are shown as such */
        if (isfinite(s->points[i].value))
            fprintf(d->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\" fill=\"%s\"/>\n",
                    place_x(d, s->points[i].step), place_y(d, s->points[i].value), color);
}

/* "train 0.1271", right-aligned at x. */
static void draw_legend(const Drawing *d, const Series *s, const char *what, const char *color,
                        double x) {
    char number[NUMBER_TEXT];
    if (s->count == 0) return;
    fprintf(d->out, "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\" fill=\"%s\">%s %s</text>\n", x,
            d->top - 8, color, what, number_text(number, s->points[s->count - 1].value));
}

static void draw_panel(Drawing *d, const Panel *p, bool last) {
    double low = INFINITY, high = -INFINITY;
    widen(&p->train, &low, &high);
    widen(&p->held_out, &low, &high);
    if (!isfinite(low)) low = high = 0;
    d->y = axis_of(low, high, 5);
    fprintf(d->out, "<text class=\"name\" x=\"%d\" y=\"%.1f\">", LEFT, d->top - 8);
    write_text(d->out, p->name);
    fputs("</text>\n", d->out);
    draw_legend(d, &p->held_out, "held out", held_out_color, WIDTH - RIGHT);
    draw_legend(d, &p->train, "train", train_color, WIDTH - RIGHT - (p->held_out.count ? 130 : 0));
    draw_grid(d, last);
    draw_curve(d, &p->train, train_color);
    draw_curve(d, &p->held_out, held_out_color);
}

void svg_write(FILE *out, const Plot *plot) {
    int height = TOP + GAP / 2 + (int)plot->count * (PANEL + GAP) - GAP + BOTTOM;
    const double steps = plot->steps > 0 ? fmin(plot->steps, LARGEST) : 1;
    Drawing d = {.out = out, .x = axis_of(0, steps, 8)};
    if (d.x.tick < 1) d.x.tick = 1;
    d.x.high = steps; /* the curves fill the width */
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n"
            "<style>.grid{stroke:#ddd;stroke-width:1;fill:none}"
            ".curve{stroke-width:1.8;fill:none;stroke-linejoin:round}"
            ".name{font-size:14px;font-weight:bold}</style>\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
            WIDTH, height, WIDTH, height, WIDTH, height);
    fprintf(out, "<text x=\"%d\" y=\"22\" font-size=\"15\" text-anchor=\"middle\">", WIDTH / 2);
    write_text(out, plot->title);
    fputs("</text>\n", out);
    for (size_t i = 0; i < plot->count; i++) {
        d.top = TOP + GAP / 2 + (double)i * (PANEL + GAP);
        draw_panel(&d, &plot->panels[i], i + 1 == plot->count);
    }
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step",
            LEFT + (WIDTH - LEFT - RIGHT) / 2, height - 10);
    if (plot->epoch_steps > 1) fprintf(out, " (%.0f an epoch)", plot->epoch_steps);
    fputs("</text>\n</svg>\n", out);
}

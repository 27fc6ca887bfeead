/* plot: a report as a picture: for each case how near we and the peers come to its limit, on a logarithmic axis. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT = 210, WIDTH = 620, ROW = 15, TOP = 62, BOTTOM = 34 };
static const double least = 0.002, most = 2;

static double place(double part) {
    double p = fmin(fmax(part, least), most);
    return LEFT + WIDTH * log(p / least) / log(most / least);
}

/* Colours that are told apart with any eyes (Okabe & Ito 2008); ours is black. */
static const char *colour_of(int peer) {
    static const char *const colours[MAX_PEERS] = {"#999999", "#e69f00", "#f0e442", "#0072b2",
                                                   "#d55e00", "#009e73", "#cc79a7", "#56b4e9"};
    return colours[peer % MAX_PEERS];
}

static void dot(FILE *out, double part, double y, const char *colour, const char *name) {
    fprintf(out,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\" stroke=\"#333\" "
            "stroke-width=\".5\"><title>%s: %.3g %% of the limit</title></circle>\n",
            place(part), y, colour, name, 100 * part);
}

static void legend(FILE *out, const Report *report) {
    double x = LEFT;
    fprintf(out,
            "<circle cx=\"%.0f\" cy=\"34\" r=\"4\" fill=\"#000\"/><text x=\"%.0f\" y=\"38\">"
            "dlg</text>\n",
            x, x + 8);
    for (int p = 0; p < report->peers->count; p++) {
        if (report->peers->list[p].dead) continue;
        x += 80;
        fprintf(out,
                "<circle cx=\"%.0f\" cy=\"34\" r=\"4\" fill=\"%s\" stroke=\"#333\" "
                "stroke-width=\".5\"/><text x=\"%.0f\" y=\"38\">%s</text>\n",
                x, colour_of(p), x + 8, report->peers->list[p].name);
    }
}

bool plot_write(const char *path, const Report *report) {
    static const double ticks[] = {0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2};
    FILE *out = fopen(path, "w");
    if (!out) return false;
    int rows = 0;
    for (size_t i = 0; i < report->case_count; i++) rows += !*report->cases[i].why;
    double bottom = TOP + rows * ROW;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" "
            "font-family=\"sans-serif\" font-size=\"11\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
            "<text x=\"%d\" y=\"18\" font-size=\"13\">Part of the limit that is reached, %s, "
            "%.60s</text>\n",
            LEFT + WIDTH + 30, bottom + BOTTOM, LEFT, report->date, report->device->name);
    legend(out, report);
    for (size_t i = 0; i < sizeof(ticks) / sizeof(*ticks); i++) {
        double x = place(ticks[i]);
        fprintf(out,
                "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.0f\" stroke=\"%s\"/>"
                "<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%g %%</text>\n",
                x, x, TOP - 10, bottom, ticks[i] == 1 ? "#000" : "#ddd", x, bottom + 16,
                100 * ticks[i]);
    }
    double y = TOP;
    for (size_t i = 0; i < report->case_count; i++) {
        const CaseResult *r = &report->cases[i];
        if (*r->why) continue;
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 10, y + 4,
                r->which->name);
        for (int p = 0; p < report->peers->count; p++)
            if (r->peers[p].ran)
                dot(out, r->limit[BY_WALL] / r->peers[p].seconds.median, y, colour_of(p),
                    report->peers->list[p].name);
        dot(out, r->limit[BY_WALL] / r->seconds.median, y, "#000", "dlg");
        y += ROW;
    }
    fputs("</svg>\n", out);
    return fclose(out) == 0;
}

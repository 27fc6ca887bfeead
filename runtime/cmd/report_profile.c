/* report_profile: what a trace of --profile says of each kernel. The trace is read as its format says
 * (runtime/profile.c); what is none is told. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report.h"
#include "rt.h"

typedef struct Row {
    const char *kernel, *entry; /* of the document */
    double launches, us, flops, bytes;
} Row;

static int by_time(const void *a, const void *b) {
    const Row *x = a, *y = b;
    if (x->us != y->us) return x->us < y->us ? 1 : -1;
    int order = strcmp(x->kernel, y->kernel);
    return order ? order : strcmp(x->entry, y->entry);
}

static Row *find_row(Row *rows, size_t *count, const char *kernel, const char *entry,
                     size_t *near) {
    for (size_t i = 0; i < *count; i++) { /* launches come in the same order again and again */
        size_t at = (*near + 1 + i) % *count;
        if (strcmp(rows[at].kernel, kernel) != 0 || strcmp(rows[at].entry, entry) != 0) continue;
        *near = at;
        return &rows[at];
    }
    *near = *count;
    rows[*count] = (Row){.kernel = kernel, .entry = entry};
    return &rows[(*count)++];
}

static size_t add_up(json_t *events, Row *rows) {
    size_t count = 0, near = 0, i;
    json_t *event;
    json_array_foreach(events, i, event) {
        const char *kernel = json_string_value(json_object_get(event, "name"));
        const char *phase = json_string_value(json_object_get(event, "ph"));
        json_t *args = json_object_get(event, "args");
        const char *entry = json_string_value(json_object_get(args, "entry"));
        double us = json_number_value(json_object_get(event, "dur"));
        if (!kernel || !phase || strcmp(phase, "X") != 0 || !(us >= 0)) continue;
        Row *row = find_row(rows, &count, kernel, entry ? entry : "", &near);
        row->launches++;
        row->us += us;
        row->flops += json_number_value(json_object_get(args, "operations"));
        row->bytes += json_number_value(json_object_get(args, "bytes"));
    }
    return count;
}

static void rate(FILE *out, double amount, double us) {
    if (amount > 0 && us > 0)
        fprintf(out, "<td class=\"n\">%.1f", amount / us / 1e3);
    else
        fputs("<td class=\"n\">-", out);
}

/* The limits of the device as the trace has them; one without has none. */
static Limits read_limits(const json_t *trace) {
    Limits l = {0};
    const json_t *limits = json_object_get(json_object_get(trace, "otherData"), "limits");
    const json_t *copies = json_object_get(limits, "copies");
    l.flops = 1e9 * json_number_value(json_object_get(limits, "gigaoperations_per_second"));
    for (size_t i = 0; i < json_array_size(copies) && i < LIMIT_LEVELS; i++) {
        const json_t *copy = json_array_get(copies, i);
        l.levels[i].bytes = json_number_value(json_object_get(copy, "bytes"));
        l.levels[i].rate = 1e9 * json_number_value(json_object_get(copy, "gigabytes_per_second"));
        if (!(l.levels[i].bytes > 0)) l.levels[i].rate = 0;
    }
    return l;
}

static void write_reached(FILE *out, const Limits *limits, const Row *r) {
    bool of_bytes;
    double n = r->launches, part = rt_limits_reached(limits, r->flops / n, r->bytes / n,
                                                     r->us / n * 1e-6, &of_bytes);
    if (part > 0)
        fprintf(out, "<td class=\"n\">%.0f %% of %s", part * 100, of_bytes ? "bytes" : "flops");
    else
        fputs("<td class=\"n\">-", out);
}

static void write_row(FILE *out, const KernelTexts *kernels, const Limits *limits, const Row *r,
                      double all, double most) {
    const KernelText *k = *r->entry ? kernels_find(kernels, r->kernel) : NULL;
    fputs("<tr><td>", out);
    if (k) fprintf(out, "<a href=\"#kernel-%.*s\">", (int)k->name_len, k->name);
    html_puts(out, r->kernel);
    fprintf(out, "%s<td>", k ? "</a>" : "");
    html_puts(out, *r->entry ? r->entry : "(runtime)");
    fprintf(out,
            "<td class=\"n\">%.0f<td class=\"n\">%.1f %%<td><span class=\"bar\" "
            "style=\"width:%.0fpx\"></span>"
            "<td class=\"n\">%.1f",
            r->launches, all > 0 ? r->us / all * 100 : 0, most > 0 ? r->us / most * 200 : 0,
            r->us / r->launches);
    rate(out, r->flops, r->us);
    rate(out, r->bytes, r->us);
    write_reached(out, limits, r);
    fputs("<td>", out);
    const char *rest;
    size_t len;
    bool any = false;
    for (const char *at = k ? k->lines : NULL; at;) {
        long number;
        at = source_line(at, k->lines_end, &number, &rest, &len);
        if (!number) break;
        fprintf(out, "%s%ld", any ? ", " : "", number);
        any = true;
    }
    fputs("</tr>\n", out);
}

static int bad_trace(const char *path, const char *why) {
    complain("%s: this is no trace of --profile: %s", path, why);
    return EXIT_INPUT;
}

int report_profile(FILE *out, const dlg_program *prog, const KernelTexts *kernels,
                   const char *path) {
    json_error_t error;
    json_t *trace = json_load_file(path, 0, &error),
           *events = json_object_get(trace, "traceEvents");
    if (!trace) return bad_trace(path, error.text);
    Row *rows = json_is_array(events) ? calloc(json_array_size(events) + 1, sizeof *rows) : NULL;
    int status = !json_is_array(events) ? bad_trace(path, "it has no traceEvents") : EXIT_DONE;
    if (!status && !rows) {
        complain("out of memory");
        status = EXIT_SYSTEM;
    }
    size_t count = rows ? add_up(events, rows) : 0;
    const char *model =
        json_string_value(json_object_get(json_object_get(trace, "otherData"), "model"));
    const KernelTexts none = {0};
    if (!status && count == 0) status = bad_trace(path, "no kernel ran in it");
    if (!status) {
        double all = 0;
        Limits limits = read_limits(trace);
        qsort(rows, count, sizeof *rows, by_time);
        for (size_t i = 0; i < count; i++) all += rows[i].us;
        fputs("<h2 id=\"profile\">Profile</h2>\n", out);
        if (model && strcmp(model, dlg_program_model(prog)) != 0) {
            report_foreign(out, prog, path, model, "This profile is");
            kernels = &none; /* what have the same names are others */
        }
        fprintf(out,
                "<p>%.3g ms on the device, in all that the trace "
                "holds</p>\n"
                "<div class=\"wide\"><table><thead><tr><th>kernel<th>entry<th "
                "class=\"n\">launches<th class=\"n\">time"
                "<th><th class=\"n\">µs each<th class=\"n\">Gflop/s<th "
                "class=\"n\">GB/s<th class=\"n\">of the limit<th>lines</tr></thead><tbody>\n",
                all / 1e3);
        for (size_t i = 0; i < count; i++)
            write_row(out, kernels, &limits, &rows[i], all, rows[0].us);
        fputs("</tbody></table></div>\n", out);
    }
    free(rows);
    json_decref(trace);
    return status;
}

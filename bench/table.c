/* table: a report as Markdown, which reads as plain text too. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const limit_names[] = {
    [LIMIT_COMPUTE] = "multiply-adds", [LIMIT_BYTES] = "bytes", [LIMIT_LAUNCH] = "launch"};

double of_limit(const Report *report, const CaseResult *r, By by) {
    double time =
        by == BY_WALL ? r->seconds.median : r->cpu_seconds / report->device->compute_units;
    return r->limit[by] / time;
}

bool is_cpu(const Report *report) {
    return strcmp(report->device->type, "cpu") == 0;
}

/* Bytes in whole units. */
static const char *size_text(double bytes, char *to, size_t size) {
    if (bytes >= 1048576)
        snprintf(to, size, "%.0f MiB", bytes / 1048576);
    else
        snprintf(to, size, "%.0f KiB", bytes / 1024);
    return to;
}

/* A cell of a rate in thousand millions a second; by CPU time too on a CPU. */
static const char *rate_text(const Report *report, Cost cost, const char *unit, char *to,
                             size_t size) {
    if (cost.by[BY_WALL] <= 0)
        *to = 0;
    else if (is_cpu(report))
        snprintf(to, size, "%.1f (%.1f) %s", 1e-9 / cost.by[BY_WALL], 1e-9 / cost.by[BY_CPU], unit);
    else
        snprintf(to, size, "%.1f %s", 1e-9 / cost.by[BY_WALL], unit);
    return to;
}

static void write_limits(FILE *out, const Report *report) {
    const Limits *l = &report->limits;
    char a[48], b[48], c[48], size[32];
    fprintf(out, "| limit%s | |\n| --- | ---: |\n", is_cpu(report) ? " (by CPU time)" : "");
    fprintf(out, "| f32 multiply-adds, before | %s |\n",
            rate_text(report, l->flop, "GF/s", a, sizeof(a)));
    fprintf(out, "| the same, after | %s |\n",
            rate_text(report, report->flop_at_end, "GF/s", a, sizeof(a)));
    fprintf(out, "| launch, launch and wait | %.2f, %.1f µs |\n\n", l->launch.by[BY_WALL] * 1e6,
            l->wait.by[BY_WALL] * 1e6);
    fprintf(out, "| all that is touched | copy | copy past the caches | read |\n"
                 "| ---: | ---: | ---: | ---: |\n");
    for (int i = 0; i < l->level_count; i++) {
        const Level *level = &l->levels[i];
        fprintf(out, "| %s | %s | %s | %s |\n", size_text(level->bytes, size, sizeof(size)),
                rate_text(report, level->copy, "GB/s", a, sizeof(a)),
                rate_text(report, level->stream, "GB/s", b, sizeof(b)),
                rate_text(report, level->read, "GB/s", c, sizeof(c)));
    }
    fputc('\n', out);
}

static void write_peers(FILE *out, const Report *report) {
    for (int p = 0; p < report->peers->count; p++) {
        const Peer *peer = &report->peers->list[p];
        fprintf(out, "- %s: %s%s\n", peer->name, peer->dead ? "not there: " : "", peer->about);
    }
    if (report->peers->count) fputc('\n', out);
}

static void write_row(FILE *out, const Report *report, const CaseResult *r) {
    if (*r->why) {
        fprintf(out, "| %s | failed: %.*s |\n", r->which->name, (int)strcspn(r->why, "\n"), r->why);
        return;
    }
    double t = r->seconds.median;
    fprintf(out, "| %s | %.4g | %.0f | ", r->which->name, t * 1e6,
            100 * (r->seconds.high - r->seconds.low) / t);
    if (is_cpu(report)) fprintf(out, "%.4g | ", r->cpu_seconds * 1e6);
    if (r->which->flops > 0)
        fprintf(out, "%zu | %.4g GF/s | ", r->launches, r->which->flops / t / 1e9);
    else
        fprintf(out, "%zu | %.4g GB/s | ", r->launches, r->bytes / t / 1e9);
    if (is_cpu(report)) {
        if (r->which->elems > 0) fprintf(out, "%.3g", r->cpu_seconds / r->which->elems * 1e9);
        fprintf(out, " | ");
    }
    fprintf(out, "%.0f | ", 100 * of_limit(report, r, BY_WALL));
    if (is_cpu(report)) fprintf(out, "%.0f | ", 100 * of_limit(report, r, BY_CPU));
    fprintf(out, "%s |", limit_names[r->limit_kind]);
    for (int p = 0; p < report->peers->count; p++) {
        if (report->peers->list[p].dead) continue;
        if (r->peers[p].ran)
            fprintf(out, " %.2f |", r->peers[p].ratio.median);
        else
            fprintf(out, " |");
    }
    fputc('\n', out);
}

static void write_cases(FILE *out, const Report *report) {
    fprintf(out, "| case | µs | ± %% | %slaunches | rate | %sof limit, %% | %slimit |",
            is_cpu(report) ? "CPU µs | " : "", is_cpu(report) ? "core ns/element | " : "",
            is_cpu(report) ? "by CPU time, % | " : "");
    for (int p = 0; p < report->peers->count; p++)
        if (!report->peers->list[p].dead) fprintf(out, " %s |", report->peers->list[p].name);
    fprintf(out, "\n| --- | ---: | ---: | %s---: | ---: | %s---: | %s--- |",
            is_cpu(report) ? "---: | " : "", is_cpu(report) ? "---: | " : "",
            is_cpu(report) ? "---: | " : "");
    for (int p = 0; p < report->peers->count; p++)
        if (!report->peers->list[p].dead) fprintf(out, " ---: |");
    fputc('\n', out);
    for (size_t i = 0; i < report->case_count; i++) write_row(out, report, &report->cases[i]);
    fputc('\n', out);
    bool noted = false;
    /* Why a peer that is there has no figure, but for what it was not made for. */
    for (size_t i = 0; i < report->case_count; i++) {
        for (int p = 0; p < report->peers->count; p++) {
            const PeerResult *r = &report->cases[i].peers[p];
            if (report->peers->list[p].dead || r->ran || !*r->why || strstr(r->why, " only"))
                continue;
            fprintf(out, "- %s, %s: %s\n", report->cases[i].which->name,
                    report->peers->list[p].name, r->why);
            noted = true;
        }
    }
    if (noted) fputc('\n', out);
}

/* The kinds of cases whose ratios are summed up. */
static bool in_group(const BenchCase *which, int group) {
    bool product = strncmp(which->name, "product/", 8) == 0;
    bool square =
        product && (strstr(which->name, "_512x512x512") || strstr(which->name, "_1024x1024x1024") ||
                    strstr(which->name, "_2048x2048x2048"));
    switch (group) {
    case 0: return square;
    case 1: return product && !square;
    case 2: return strncmp(which->name, "chain/", 6) == 0 || strncmp(which->name, "rows/", 5) == 0;
    default: return strncmp(which->name, "step/", 5) == 0;
    }
}

static void write_summary(FILE *out, const Report *report) {
    static const char *const groups[] = {"products of 512 to 2048 cubed", "other products",
                                         "chains and rows", "training steps"};
    bool begun = false;
    for (int p = 0; p < report->peers->count; p++) {
        for (int g = 0; g < (int)(sizeof(groups) / sizeof(*groups)); g++) {
            double logs = 0, least = INFINITY;
            int n = 0;
            for (size_t i = 0; i < report->case_count; i++) {
                const PeerResult *r = &report->cases[i].peers[p];
                if (!r->ran || !in_group(report->cases[i].which, g)) continue;
                logs += log(r->ratio.median);
                least = fmin(least, r->ratio.median);
                n++;
            }
            if (n == 0) continue;
            if (!begun)
                fprintf(out, "| ratio to | of | cases | geometric mean | least |\n"
                             "| --- | --- | ---: | ---: | ---: |\n");
            begun = true;
            fprintf(out, "| %s | %s | %d | %.2f | %.2f |\n", report->peers->list[p].name, groups[g],
                    n, exp(logs / n), least);
        }
    }
    if (begun) fputc('\n', out);
}

static void write_starts(FILE *out, const Report *report) {
    if (!report->start_count) return;
    fprintf(out, "| first step of | with an empty kernel cache, s | with a filled one, s |\n"
                 "| --- | ---: | ---: |\n");
    for (int i = 0; i < report->start_count; i++) {
        const StartResult *r = &report->starts[i];
        if (r->failed)
            fprintf(out, "| %s | failed | |\n", strchr(r->name, '/') + 1);
        else
            fprintf(out, "| %s | %.2f | %.2f |\n", strchr(r->name, '/') + 1, r->cold, r->warm);
    }
    fputc('\n', out);
}

void table_write(FILE *out, const Report *report) {
    const dlg_device_info *d = report->device;
    fprintf(out, "%s; %s: %s, %u compute units, driver %s; %s; %d rounds a case.", report->date,
            d->platform, d->name, d->compute_units, d->driver, report->host, report->rounds);
    if (report->load >= 0) fprintf(out, " Load of the machine before: %.1f.", report->load);
    fprintf(out, "\n\n");
    write_limits(out, report);
    write_peers(out, report);
    if (report->case_count) write_cases(out, report);
    if (report->case_count) write_summary(out, report);
    write_starts(out, report);
}

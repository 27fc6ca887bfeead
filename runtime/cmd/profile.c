/* profile: --profile of the commands that run something. */
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

enum { SHOW_ROWS = 12 };

int session_profile(Session *s, const Args *a) {
    int status = a->profile ? dlg_profile_begin(s->dev, a->profile) : DLG_OK;
    s->profiled = a->profile && status == DLG_OK;
    return status < 0 ? complain_write(s->dev, status) : EXIT_DONE;
}

/* "12.3" or "-" where the plan does not say. */
static const char *rate(char out[32], int64_t each, const dlg_profile_row *row) {
    if (each == 0 || row->seconds <= 0) return "-";
    snprintf(out, 32, "%.1f", (double)each * (double)row->launches / row->seconds / 1e9);
    return out;
}

/* "38 % flop": of the rate of operations; "12 % byte". */
static const char *reached(char out[32], const dlg_profile_row *row) {
    if (!(row->of_limit > 0)) return "-";
    snprintf(out, 32, "%.0f %% %s", row->of_limit * 100, row->limited_by_bytes ? "byte" : "flop");
    return out;
}

static void print_rows(const dlg_profile_row *rows, size_t count) {
    char flops[32], bytes[32], limit[32];
    double all = 0;
    for (size_t i = 0; i < count; i++) all += rows[i].seconds;
    printf("kernel      entry         launches   time   us each  Gflop/s     GB/s    of limit  "
           "lines\n");
    for (size_t i = 0; i < count && i < SHOW_ROWS; i++) {
        const dlg_profile_row *r = &rows[i];
        printf("%-10s  %-12s %9llu  %4.0f %%  %8.1f %8s %8s %11s  ", r->kernel,
               *r->entry ? r->entry : "(runtime)", (unsigned long long)r->launches,
               all > 0 ? r->seconds / all * 100 : 0,
               r->launches ? r->seconds / (double)r->launches * 1e6 : 0, rate(flops, r->flops, r),
               rate(bytes, r->bytes, r), reached(limit, r));
        /* Of "12  h = ...\n13  ..." the numbers. */
        const char *separator = "";
        for (const char *s = r->lines; *s; s += strcspn(s, "\n"), s += *s == '\n') {
            const char *number = s + strspn(s, " ");
            int digits = (int)strspn(number, "0123456789");
            if (digits == 0) continue; /* the name of another file; how many more there are */
            printf("%s%.*s", separator, digits, number);
            separator = ", ";
        }
        if (!*r->lines && *r->source) printf("%lld", (long long)r->line);
        printf("\n");
    }
    if (count > SHOW_ROWS) printf("... %zu kernels more\n", count - SHOW_ROWS);
}

int session_profile_end(Session *s, const Args *a, int status) {
    const dlg_profile_row *rows;
    size_t count;
    if (!a->profile || !s->profiled) return status;
    int ended = dlg_profile_end(s->dev, &rows, &count);
    if (ended < 0) return complain_write(s->dev, ended);
    if (!a->quiet) print_rows(rows, count);
    if (!a->quiet) printf("profile: %s, for ui.perfetto.dev or chrome://tracing\n", a->profile);
    return status;
}

/* dlg sweep: trains a model once for each combination of the values of -D, and shows the runs side by side.
 *
 * The runs go one after the other, from the same seed: what differs between them is what -D says. A run that diverges is
 * a row like others; what is wrong with a model or its data ends the sweep. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"

enum { MOST_RUNS = 10000 };

typedef struct Varied {
    const char *name; /* with its `=`: the argument up to the values */
    size_t name_len, count, width;
    const char **values; /* of the argument, up to the next comma or its end */
} Varied;

typedef struct Sweep {
    const Args *a;
    Varied *varied;
    size_t count, runs;
    char **defines; /* of the run at work */
    bool head_shown, any;
    size_t best_run;
    double best;
    char metric[64];
    bool held_out; /* the metric is of rows held out */
} Sweep;

static int no_memory(void) {
    complain("out of memory");
    return EXIT_SYSTEM;
}

static size_t value_len(const char *value) {
    return strcspn(value, ",");
}

static bool open_varied(Varied *v, const char *define) {
    const char *equals = strchr(define, '='); /* args.c checked it */
    v->name = define;
    v->name_len = (size_t)(equals - define) + 1;
    v->values = calloc(strlen(define), sizeof *v->values);
    v->width = v->name_len - 1;
    for (const char *at = equals; v->values && at; at = strchr(at + 1, ',')) {
        v->values[v->count++] = at + 1;
        if (value_len(at + 1) > v->width) v->width = value_len(at + 1);
    }
    return v->values != NULL;
}

/* Of a run by number, the last -D turns first. */
static const char *value_of(const Sweep *s, size_t run, size_t i) {
    for (size_t k = s->count; k-- > i + 1;) run /= s->varied[k].count;
    return s->varied[i].values[run % s->varied[i].count];
}

static int set_defines(Sweep *s, size_t run) {
    for (size_t i = 0; i < s->count; i++) {
        const Varied *v = &s->varied[i];
        const char *value = value_of(s, run, i);
        size_t len = v->name_len + value_len(value) + 1;
        free(s->defines[i]);
        s->defines[i] = malloc(len);
        if (!s->defines[i]) return no_memory();
        snprintf(s->defines[i], len, "%.*s%.*s", (int)v->name_len, v->name, (int)value_len(value),
                 value);
    }
    return EXIT_DONE;
}

/* ---- The table ----------------------------------------------------------------------------------- */

static void print_head(Sweep *s, const TrainResult *r) {
    for (size_t i = 0; i < s->count; i++)
        printf("%-*.*s  ", (int)s->varied[i].width, (int)s->varied[i].name_len - 1,
               s->varied[i].name);
    for (size_t i = 0; i < r->train_count; i++) printf("%10.20s  ", r->train[i].name);
    for (size_t i = 0; i < r->held_out_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "held %.20s", r->held_out[i].name);
        printf("%14s  ", name);
    }
    printf("%6s %8s %8s\n", "epoch", "steps", "s");
    s->head_shown = true;
}

static void print_row(Sweep *s, size_t run, const TrainResult *r, bool diverged) {
    char text[NUMBER_TEXT];
    if (!s->head_shown && !diverged) print_head(s, r);
    for (size_t i = 0; i < s->count; i++) {
        const char *value = value_of(s, run, i);
        printf("%-*.*s  ", (int)s->varied[i].width, (int)value_len(value), value);
    }
    if (diverged) {
        if (r->steps)
            printf("diverged, in step %llu\n", (unsigned long long)r->steps);
        else
            printf("diverged\n");
    } else {
        for (size_t i = 0; i < r->train_count; i++)
            printf("%10s  ", number_text(text, r->train[i].value));
        for (size_t i = 0; i < r->held_out_count; i++)
            printf("%14s  ", number_text(text, r->held_out[i].value));
        printf("%6llu %8llu %8.2f\n", (unsigned long long)r->epoch, (unsigned long long)r->steps,
               r->seconds);
    }
    fflush(stdout);
}

static json_t *scalars_json(const TrainScalar *scalars, size_t count) {
    json_t *object = json_object();
    for (size_t i = 0; i < count; i++)
        json_object_set_new(object, scalars[i].name,
                            isfinite(scalars[i].value) ? json_real(scalars[i].value) : json_null());
    return object;
}

static int print_json(const Sweep *s, const TrainResult *r, bool diverged) {
    json_t *line = json_object(), *defines = json_object();
    for (size_t i = 0; i < s->count; i++) {
        const Varied *v = &s->varied[i];
        char *name = strndup(v->name, v->name_len - 1);
        if (name) json_object_set_new(defines, name, json_string(s->defines[i] + v->name_len));
        free(name);
    }
    json_object_set_new(line, "define", defines);
    json_object_set_new(line, "diverged", json_boolean(diverged));
    json_object_set_new(line, "epoch", json_integer((json_int_t)r->epoch));
    json_object_set_new(line, "steps", json_integer((json_int_t)r->steps));
    json_object_set_new(line, "seconds", json_real(r->seconds));
    json_object_set_new(line, "train", scalars_json(r->train, r->train_count));
    if (r->held_out_count)
        json_object_set_new(line, "evaluate", scalars_json(r->held_out, r->held_out_count));
    int status = say_json(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fflush(stdout);
    return status;
}

/* ---- The best run -------------------------------------------------------------------------------- */

/* What runs are compared by: the metric that is asked for, or the first, of the rows held out where there are some. */
static int compare(Sweep *s, size_t run, const TrainResult *r) {
    const TrainScalar *scalars = r->held_out_count ? r->held_out : r->train;
    size_t count = r->held_out_count ? r->held_out_count : r->train_count, i = 0;
    const char *metric = s->a->metric;
    while (i < count && metric && strcmp(scalars[i].name, metric) != 0) i++;
    if (i == count && metric) { /* train_run looked for it before it trained */
        complain("--metric %s: runs are compared by one of the first %d scalars", metric,
                 TRAIN_SCALARS);
        return EXIT_INPUT;
    }
    if (i == count || !isfinite(scalars[i].value)) return EXIT_DONE;
    double value = scalars[i].value;
    bool better = s->a->maximize ? value > s->best : value < s->best;
    if (s->any && !better) return EXIT_DONE;
    s->any = true;
    s->best = value;
    s->best_run = run;
    s->held_out = r->held_out_count > 0;
    snprintf(s->metric, sizeof s->metric, "%s", scalars[i].name);
    return EXIT_DONE;
}

static void print_best(const Sweep *s, bool all) {
    char text[NUMBER_TEXT];
    printf(all ? "best: " : "best so far: ");
    for (size_t i = 0; i < s->count; i++) {
        const char *value = value_of(s, s->best_run, i);
        printf("-D %.*s%.*s ", (int)s->varied[i].name_len, s->varied[i].name, (int)value_len(value),
               value);
    }
    printf("with %s %s%s\n", s->metric, number_text(text, s->best),
           s->held_out ? " on the rows held out" : "");
}

static int run_all(Sweep *s) {
    int status = EXIT_DONE;
    size_t diverged = 0;
    Args args = *s->a;
    args.command = "train";
    args.quiet = true;
    args.json = false;
    if (!args.patience) args.metric = NULL; /* it is what the runs are compared by */
    args.defines = (const char **)s->defines;
    args.define_count = s->count;
    for (size_t run = 0; !status && run < s->runs; run++) {
        TrainResult result = {.metric = s->a->metric};
        status = set_defines(s, run);
        if (!status) status = train_run(&args, &result);
        bool failed = status == EXIT_DIVERGED;
        if (status && !failed) break;
        status = s->a->json ? print_json(s, &result, failed) : EXIT_DONE;
        if (!s->a->json) print_row(s, run, &result, failed);
        diverged += failed;
        if (!status && !failed) status = compare(s, run, &result);
    }
    if (!s->a->json && s->any && s->runs > 1) print_best(s, status == EXIT_DONE);
    return !status && diverged == s->runs ? EXIT_DIVERGED : status;
}

int cmd_sweep(const Args *a) {
    Sweep s = {.a = a, .count = a->define_count, .runs = 1};
    int status = EXIT_DONE;
    s.varied = calloc(s.count + 1, sizeof *s.varied);
    s.defines = calloc(s.count + 1, sizeof *s.defines);
    if (!s.varied || !s.defines) status = no_memory();
    for (size_t i = 0; !status && i < s.count; i++) {
        if (!open_varied(&s.varied[i], a->defines[i])) status = no_memory();
        for (size_t k = 0; !status && k < i; k++) {
            if (s.varied[k].name_len != s.varied[i].name_len ||
                memcmp(s.varied[k].name, s.varied[i].name, s.varied[i].name_len) != 0)
                continue;
            complain("-D %.*s stands there twice: its values go into one, -D %.*sA,B",
                     (int)s.varied[i].name_len - 1, s.varied[i].name, (int)s.varied[i].name_len,
                     s.varied[i].name);
            status = EXIT_USAGE;
        }
        if (!status && s.runs * s.varied[i].count > MOST_RUNS) {
            complain("these are more than %d runs", MOST_RUNS);
            status = EXIT_USAGE;
        }
        if (!status) s.runs *= s.varied[i].count;
    }
    if (!status) status = run_all(&s);
    for (size_t i = 0; s.varied && s.defines && i < s.count; i++) {
        free(s.varied[i].values);
        free(s.defines[i]);
    }
    free(s.varied);
    free(s.defines);
    return status;
}

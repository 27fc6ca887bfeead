/* profile: when each launch ran on the device, as a trace for a browser (chrome://tracing, ui.perfetto.dev) and as
 * sums a kernel.
 *
 * Requires an open device. Establishes: while it goes on, launches are timed by the device itself (events of a queue
 * that keeps times); they are read in blocks, for which the host waits. The file is complete or not there.
 * Format: the JSON object form of the Trace Event Format, with complete events ("X"), times in microseconds. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "data.h"

enum { PENDING = 1024 };
static const uint64_t most_events = 200000; /* in the file; the sums are of all */

typedef struct Timed {
    cl_event event;
    size_t row;
    uint64_t step;
} Timed;

struct Profile {
    dlg_device *dev;
    RtFile file; /* with no stream: it is not asked for */
    bool goes_on;
    Timed pending[PENDING];
    size_t pending_count;
    dlg_profile_row *rows;       /* their strings are owned */
    const dlg_launch **launches; /* one a row; NULL: the runtime's own */
    size_t row_count, row_room;
    uint64_t written, left_out;
    cl_ulong begin_ns; /* of the first launch */
    bool begun;
    char *model;     /* of the first program whose launch was timed; NULL: none yet */
    size_t next_row; /* of the launch that comes; SIZE_MAX: the runtime's own */
    uint64_t next_step;
};

/* ---- Rows ------------------------------------------------------------------------------------------ */

static char *copy_text(const char *s, size_t len) {
    char *copy = malloc(len + 1);
    if (copy) {
        memcpy(copy, s, len);
        copy[len] = 0;
    }
    return copy;
}

static int add_row(Profile *p, const dlg_program *prog, const dlg_entry *e, const dlg_launch *l,
                   const char *kernel) {
    if (p->row_count == p->row_room) {
        size_t room = p->row_room ? 2 * p->row_room : 64;
        dlg_profile_row *rows = realloc(p->rows, room * sizeof *rows);
        if (rows) p->rows = rows;
        const dlg_launch **launches = realloc(p->launches, room * sizeof *launches);
        if (launches) p->launches = launches;
        if (!rows || !launches) return rt_no_memory(p->dev, room * sizeof *rows);
        p->row_room = room;
    }
    if (prog && !p->model && !(p->model = copy_text(prog->plan.model, strlen(prog->plan.model))))
        return rt_no_memory(p->dev, strlen(prog->plan.model));
    const char *source = l && l->source ? l->source : "", *entry = e ? e->name : "";
    dlg_profile_row row = {.kernel = copy_text(kernel, strlen(kernel)),
                           .entry = copy_text(entry, strlen(entry)),
                           .source = copy_text(source, strlen(source)),
                           .lines = rt_source_lines(prog, kernel),
                           .line = l ? l->line : 0,
                           .flops = l ? l->flops : 0,
                           .bytes = l ? l->bytes : 0,
                           .launch = l ? (size_t)(l - e->launches) : 0};
    p->rows[p->row_count] = row;
    p->launches[p->row_count++] = l;
    return row.kernel && row.entry && row.source && row.lines ? DLG_OK : rt_no_memory(p->dev, 64);
}

static int find_row(Profile *p, const dlg_program *prog, const dlg_entry *e, const dlg_launch *l,
                    const char *kernel, size_t *row) {
    /* Launches come in the same order again and again. */
    for (size_t i = 0; i < p->row_count; i++) {
        size_t k = (p->next_row + 1 + i) % p->row_count;
        bool same = p->launches[k] == l && strcmp(p->rows[k].kernel, kernel) == 0;
        if (!same) continue;
        *row = k;
        return DLG_OK;
    }
    *row = p->row_count;
    return add_row(p, prog, e, l, kernel);
}

int profile_next(Profile *p, const dlg_program *prog, const dlg_entry *e, const dlg_launch *l) {
    size_t row;
    TRY(find_row(p, prog, e, l, l->kernel, &row));
    p->next_row = row;
    p->next_step = prog->step;
    return DLG_OK;
}

/* ---- Events ---------------------------------------------------------------------------------------- */

static int write_json(Profile *p, json_t *object, const char *before) {
    char *text = object ? rt_json_text(object, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(object);
    if (!text) return rt_no_memory(p->dev, 256);
    int status = rt_file_write(&p->file, before, strlen(before));
    if (status == DLG_OK) status = rt_file_write(&p->file, text, strlen(text));
    free(text);
    return status;
}

/* What is said of a launch beside its times. NULL: no memory. */
static json_t *details(const Timed *t, const dlg_profile_row *row, double took_us) {
    json_t *args = json_object();
    int failed = 0;
    if (*row->entry) {
        failed |= json_object_set_new(args, "entry", json_string(row->entry));
        failed |= json_object_set_new(args, "step", json_integer((json_int_t)t->step));
    }
    if (*row->entry && *row->source) {
        failed |= json_object_set_new(args, "source",
                                      json_sprintf("%s:%lld", row->source, (long long)row->line));
        failed |= json_object_set_new(args, "lines", json_string(row->lines));
    }
    if (*row->entry && (row->flops || row->bytes)) {
        failed |= json_object_set_new(args, "operations", json_integer(row->flops));
        failed |= json_object_set_new(args, "bytes", json_integer(row->bytes));
    }
    if (*row->entry && (row->flops || row->bytes) && took_us > 0) {
        failed |= json_object_set_new(args, "gigaoperations_per_second",
                                      json_real((double)row->flops / took_us / 1e3));
        failed |= json_object_set_new(args, "gigabytes_per_second",
                                      json_real((double)row->bytes / took_us / 1e3));
    }
    if (!failed) return args;
    json_decref(args);
    return NULL;
}

static int write_event(Profile *p, const Timed *t, double at_us, double took_us) {
    const dlg_profile_row *row = &p->rows[t->row];
    json_t *event = json_pack("{s:s, s:s, s:s, s:f, s:f, s:i, s:i, s:o}", "name", row->kernel,
                              "cat", *row->entry ? row->entry : "runtime", "ph", "X", "ts", at_us,
                              "dur", took_us, "pid", 1, "tid", 1, "args", details(t, row, took_us));
    return write_json(p, event, ",\n");
}

static int take_event(Profile *p, const Timed *t) {
    cl_ulong begin = 0, end = 0;
    cl_int code =
        clGetEventProfilingInfo(t->event, CL_PROFILING_COMMAND_START, sizeof begin, &begin, NULL);
    if (!code)
        code = clGetEventProfilingInfo(t->event, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    if (code) return rt_cl_fail(p->dev, code, "asking when a kernel ran");
    if (!p->begun) p->begin_ns = begin;
    p->begun = true;
    double took = end > begin ? (double)(end - begin) : 0;
    dlg_profile_row *row = &p->rows[t->row];
    row->launches++;
    row->seconds += took * 1e-9;
    if (!p->file.stream) return DLG_OK;
    if (p->written == most_events) {
        p->left_out++;
        return DLG_OK;
    }
    p->written++;
    return write_event(p, t, ((double)begin - (double)p->begin_ns) * 1e-3, took * 1e-3);
}

/* Reads what is pending, for which it waits. */
static int harvest(Profile *p) {
    int status = DLG_OK;
    if (p->pending_count == 0) return DLG_OK;
    cl_int code = clWaitForEvents(1, &p->pending[p->pending_count - 1].event);
    if (code) status = rt_cl_fail(p->dev, code, "the device failed while it ran kernels");
    for (size_t i = 0; i < p->pending_count; i++) {
        if (status == DLG_OK) status = take_event(p, &p->pending[i]);
        clReleaseEvent(p->pending[i].event);
    }
    p->pending_count = 0;
    return status;
}

int profile_launched(Profile *p, cl_event event, const char *name) {
    size_t row = p->next_row;
    int status = DLG_OK;
    if (p->next_step == UINT64_MAX) status = find_row(p, NULL, NULL, NULL, name, &row);
    if (status < 0) {
        clReleaseEvent(event);
        return status;
    }
    p->pending[p->pending_count++] = (Timed){event, row, p->next_step};
    p->next_step = UINT64_MAX;
    return p->pending_count == PENDING ? harvest(p) : DLG_OK;
}

/* ---- Begin and end --------------------------------------------------------------------------------- */

static int change_queue(dlg_device *dev, cl_command_queue_properties properties) {
    cl_int code;
    TRY(rt_finish(dev));
    cl_command_queue queue = clCreateCommandQueue(dev->context, dev->id, properties, &code);
    if (code) return rt_cl_fail(dev, code, "making a command queue");
    clReleaseCommandQueue(dev->queue);
    dev->queue = queue;
    return DLG_OK;
}

bool profile_goes_on(const Profile *p) {
    return p && p->goes_on;
}

void profile_free(Profile *p) {
    if (!p) return;
    for (size_t i = 0; i < p->pending_count; i++) clReleaseEvent(p->pending[i].event);
    for (size_t i = 0; i < p->row_count; i++) {
        free((void *)p->rows[i].kernel);
        free((void *)p->rows[i].entry);
        free((void *)p->rows[i].source);
        free((void *)p->rows[i].lines);
    }
    free(p->rows);
    free(p->launches);
    rt_file_drop(&p->file);
    free(p->model);
    free(p);
}

int dlg_profile_begin(dlg_device *dev, const char *path) {
    if (!dev) return DLG_ERR_USAGE;
    if (!dev->real) return rt_fail(dev, DLG_ERR_USAGE, "the device `none` runs nothing");
    profile_free(dev->profile);
    dev->profile = NULL;
    Profile *p = calloc(1, sizeof *p);
    if (!p) return rt_no_memory(dev, sizeof *p);
    p->dev = dev;
    p->next_step = UINT64_MAX;
    static const char head[] = "{\"traceEvents\":[\n";
    int status = path ? rt_file_begin(&p->file, dev, path) : DLG_OK;
    if (status == DLG_OK && path) status = rt_file_write(&p->file, head, sizeof head - 1);
    if (status == DLG_OK && path)
        status = write_json(p,
                            json_pack("{s:s, s:s, s:i, s:{s:s}}", "name", "process_name", "ph", "M",
                                      "pid", 1, "args", "name", dev->info.name),
                            "");
    if (status == DLG_OK) status = change_queue(dev, CL_QUEUE_PROFILING_ENABLE);
    if (status == DLG_OK) status = rt_limits_measure(dev);
    if (status < 0)
        profile_free(p);
    else
        dev->profile = p;
    p = dev->profile;
    if (p) p->goes_on = true;
    return status;
}

/* {"gigaoperations_per_second": ..., "copies": [{"bytes": ..., "gigabytes_per_second": ...}]}. NULL: no memory. */
static json_t *limits_json(const Limits *l) {
    json_t *copies = json_array();
    int failed = 0;
    for (int i = 0; i < LIMIT_LEVELS; i++)
        if (l->levels[i].rate > 0)
            failed |= json_array_append_new(
                copies, json_pack("{s:f, s:f}", "bytes", l->levels[i].bytes, "gigabytes_per_second",
                                  l->levels[i].rate / 1e9));
    if (failed) {
        json_decref(copies);
        return NULL;
    }
    return json_pack("{s:f, s:o}", "gigaoperations_per_second", l->flops / 1e9, "copies", copies);
}

static int by_time(const void *a, const void *b) {
    double x = ((const dlg_profile_row *)a)->seconds, y = ((const dlg_profile_row *)b)->seconds;
    return (x < y) - (x > y);
}

int dlg_profile_end(dlg_device *dev, const dlg_profile_row **rows, size_t *count) {
    if (rows) *rows = NULL;
    if (count) *count = 0;
    if (!dev) return DLG_ERR_USAGE;
    Profile *p = dev->profile;
    if (!profile_goes_on(p)) return rt_fail(dev, DLG_ERR_USAGE, "there is no profile to end");
    int status = harvest(p), queue = change_queue(dev, 0);
    if (status == DLG_OK) status = queue;
    for (size_t i = 0; i < p->row_count; i++) {
        dlg_profile_row *r = &p->rows[i];
        bool of_bytes;
        r->of_limit =
            rt_limits_reached(&dev->limits, (double)r->flops, (double)r->bytes,
                              r->launches ? r->seconds / (double)r->launches : 0, &of_bytes);
        r->limited_by_bytes = of_bytes;
    }
    static const char between[] = "\n],\"displayTimeUnit\":\"ns\",\"otherData\":";
    p->goes_on = false;
    const bool kept = p->file.stream != NULL;
    if (status == DLG_OK && kept)
        status = write_json(
            p,
            json_pack("{s:s, s:s?, s:I, s:o, s:I}", "program", "dlg " DLG_VERSION, "model",
                      p->model, "launches", (json_int_t)(p->written + p->left_out), "limits",
                      limits_json(&dev->limits), "left_out", (json_int_t)p->left_out),
            between);
    if (status == DLG_OK && kept) status = rt_file_write(&p->file, "}\n", 2);
    if (status == DLG_OK && kept) status = rt_file_commit(&p->file);
    if (status < 0) {
        profile_free(p);
        dev->profile = NULL;
        return status;
    }
    if (p->row_count) qsort(p->rows, p->row_count, sizeof *p->rows, by_time);
    if (rows) *rows = p->rows;
    if (count) *count = p->row_count;
    return DLG_OK;
}

/* log: a training run as JSON lines (docs/command-line.md), one an epoch and some within long epochs.
 *
 * Establishes: the log of a run that was resumed has the lines of one that was not: what stands in it
 * beyond the place where the run goes on is removed, half a line at the end too. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <jansson.h>
#include "cmd.h"

static const double default_s = 10;

/* A regular file is this process's alone until it is closed: of two who write one nothing would be left to read. It stays
 * as it is until the run begins. */
static FILE *open_alone(const char *path, bool regular) {
    if (!regular) return fopen(path, "w");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return NULL;
    /* Where the file system has no locks there is none. */
    bool taken = flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    FILE *stream = taken ? NULL : fdopen(fd, "r+");
    if (stream) return stream;
    int error = errno;
    close(fd);
    errno = error;
    return NULL;
}

int log_open(Log *log, const Args *a) {
    struct stat st;
    *log = (Log){.path = a->log, .every_steps = a->log_steps, .every_s = a->log_seconds};
    if (!a->log) return EXIT_DONE;
    if (log->every_steps == 0 && log->every_s == 0) log->every_s = default_s;
    log->regular = stat(a->log, &st) != 0 || S_ISREG(st.st_mode);
    log->stream = open_alone(a->log, log->regular);
    if (log->stream) return EXIT_DONE;
    if (errno == EWOULDBLOCK)
        complain("--log %s: another run is writing it: give each run a log of its own", a->log);
    else
        complain("cannot write %s: %s", a->log, strerror(errno));
    return EXIT_INPUT;
}

/* The first reason is the one to tell. */
static void log_failed(Log *log, int error) {
    if (!log->failed) log->error = error;
    log->failed = true;
}

/* Whether a line is of what the run had done before it goes on; then its seconds count. */
static bool is_before(Log *log, const char *text, size_t len, const dlg_progress *now) {
    json_t *line = json_loadb(text, len, 0, NULL);
    const json_t *epoch = json_object_get(line, "epoch"), *step = json_object_get(line, "step");
    const json_t *seconds = json_object_get(line, "seconds");
    bool end = json_is_true(json_object_get(line, "end"));
    bool before = text[len - 1] == '\n' && json_is_integer(epoch) && json_is_integer(step) &&
                  (uint64_t)json_integer_value(step) <= now->resumed_step &&
                  /* The end of an epoch that was cut off is told again. */
                  (!end || (uint64_t)json_integer_value(epoch) < now->epoch);
    if (before && json_is_number(seconds)) log->before_s = json_number_value(seconds);
    json_decref(line);
    return before;
}

/* What is kept of the file is known when the run begins: nothing, unless it was resumed. */
static void keep_lines(Log *log, const dlg_progress *now) {
    char *text = NULL;
    size_t size = 0;
    off_t at = 0;
    for (ssize_t len; now->resumed && (len = getline(&text, &size, log->stream)) > 0; at += len)
        if (!is_before(log, text, (size_t)len, now)) break;
    free(text);
    if (fseeko(log->stream, at, SEEK_SET) < 0 || ftruncate(fileno(log->stream), at) < 0)
        log_failed(log, errno);
}

static json_t *metrics_json(const dlg_metrics *m) {
    json_t *object = json_object();
    for (size_t i = 0; i < m->count; i++) /* JSON has no NaN and no infinity */
        json_object_set_new(object, m->names[i],
                            isfinite(m->values[i]) ? json_real(m->values[i]) : json_null());
    json_object_set_new(object, "rows", json_integer((json_int_t)m->rows));
    return object;
}

static void write_line(Log *log, const dlg_progress *now, bool end) {
    json_t *line = json_object();
    json_object_set_new(line, "epoch", json_integer((json_int_t)now->epoch));
    json_object_set_new(line, "step", json_integer((json_int_t)now->step));
    if (end) json_object_set_new(line, "end", json_true());
    json_object_set_new(line, "seconds", json_real(log->before_s + now->seconds));
    json_object_set_new(line, "samples_per_second", json_real(now->samples_per_second));
    json_object_set_new(line, "train", metrics_json(&now->train));
    if (end && now->evaluate.rows)
        json_object_set_new(line, "evaluate", metrics_json(&now->evaluate));
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    errno = 0;
    if (!text)
        log_failed(log, ENOMEM);
    else if (fprintf(log->stream, "%s\n", text) < 0 || fflush(log->stream) != 0)
        log_failed(log, errno);
    free(text);
    json_decref(line);
    log->line_s = now->seconds;
}

void log_show(Log *log, const dlg_progress *now) {
    if (!log->stream) return;
    if (now->event == DLG_EVENT_BEGIN && log->regular) keep_lines(log, now);
    if (now->event == DLG_EVENT_EPOCH) write_line(log, now, true);
    if (now->event != DLG_EVENT_STEPS) return;
    bool due = log->every_steps ? now->step % log->every_steps == 0
                                : now->seconds - log->line_s >= log->every_s;
    if (due) write_line(log, now, false);
}

int log_close(Log *log) {
    if (!log->stream) return EXIT_DONE;
    if (fclose(log->stream) != 0) log_failed(log, errno);
    log->stream = NULL;
    if (log->failed) complain("cannot write %s: %s", log->path, strerror(log->error));
    return log->failed ? EXIT_SYSTEM : EXIT_DONE;
}

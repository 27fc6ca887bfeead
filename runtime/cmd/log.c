/* log: a training run as JSON lines (docs/command-line.md), one an epoch and some within long epochs.
 *
 * Establishes: the log of a run that was resumed has the lines of one that was not: what stands in it
 * beyond the place where the run goes on is removed, half a line at the end too. The log of another run stays as it is,
 * and one that is damaged before that place. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

int log_open(Log *log, const Args *a, const char *model) {
    struct stat st;
    *log = (Log){
        .path = a->log, .model = model, .every_steps = a->log_steps, .every_s = a->log_seconds};
    if (!a->log) return EXIT_DONE;
    if (log->every_steps == 0 && log->every_s == 0) log->every_s = default_s;
    if (strcmp(a->log, OUTPUT_STANDARD) == 0) {
        log->path = "the standard output";
        log->stream = stdout;
        return EXIT_DONE;
    }
    log->regular = stat(a->log, &st) != 0 || S_ISREG(st.st_mode);
    log->stream = open_alone(a->log, log->regular);
    if (log->stream) return EXIT_DONE;
    if (errno == EWOULDBLOCK)
        complain("--log %s: another run is writing it: give each run a log of its own", a->log);
    else
        complain("cannot write %s: %s", a->log, strerror(errno));
    return EXIT_INPUT;
}

int log_check(const Args *a) {
    struct stat st;
    Log log;
    if (!a->log || strcmp(a->log, OUTPUT_STANDARD) == 0) return EXIT_DONE;
    if (stat(a->log, &st) != 0 || !S_ISREG(st.st_mode)) return EXIT_DONE;
    int status = log_open(&log, a, "");
    if (log.stream) fclose(log.stream);
    return status;
}

/* The first reason is the one to tell. */
static void log_failed(Log *log, int error) {
    if (!log->failed) log->error = error;
    log->failed = true;
}

static const char *run_text(char text[17], const dlg_progress *now) {
    snprintf(text, 17, "%016" PRIx64, now->run);
    return text;
}

/* Whether a line is of another run, of which it complains. Lines of older logs do not say whose they are. */
static bool is_foreign(const Log *log, const json_t *line, const dlg_progress *now) {
    char ours[17];
    const char *run = json_string_value(json_object_get(line, "run"));
    const char *model = json_string_value(json_object_get(line, "model"));
    if (!run || strcmp(run, run_text(ours, now)) == 0) return false;
    if (model && strcmp(model, log->model) != 0)
        complain(
            "--log %s: it is of the model `%s`, and not of the run of `%s` that goes on: it is "
            "left as it is; name the log of this run, or a new one",
            log->path, model, log->model);
    else
        complain(
            "--log %s: it is of another run (another version of the model, or other data, seed "
            "or values of --set), and not of the one that goes on: it is left as it is; name "
            "the log of this run, or a new one",
            log->path);
    return true;
}

/* Whether a line is of what the run had done before it goes on; then its seconds count. */
static bool is_before(Log *log, const json_t *line, const dlg_progress *now) {
    const json_t *epoch = json_object_get(line, "epoch"), *step = json_object_get(line, "step");
    const json_t *seconds = json_object_get(line, "seconds");
    bool end = json_is_true(json_object_get(line, "end"));
    bool before = (uint64_t)json_integer_value(step) <= now->resumed_step &&
                  /* The end of an epoch that was cut off is told again. */
                  (!end || (uint64_t)json_integer_value(epoch) < now->epoch);
    if (before && json_is_number(seconds)) log->before_s = json_number_value(seconds);
    return before;
}

/* All is written behind the stream's back, which may hold what was read. */
static bool cut_at(const Log *log, off_t at) {
    int fd = fileno(log->stream);
    return lseek(fd, at, SEEK_SET) >= 0 && ftruncate(fd, at) == 0;
}

/* Of a file, a whole line or nothing of it: what comes later, when there is room again, begins a line. */
static void append(Log *log, const char *line, size_t len) {
    int fd = fileno(log->stream);
    off_t begin = lseek(fd, 0, SEEK_CUR);
    while (len) {
        ssize_t n = write(fd, line, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            log_failed(log, n < 0 ? errno : EIO);
            if (log->regular) (void)cut_at(log, begin); /* the failure is told in any case */
            return;
        }
        line += n;
        len -= (size_t)n;
    }
}

typedef enum Kept { KEPT, BEYOND, CUT_OFF, REFUSED } Kept;

/* What becomes of a line, which is the last where no newline ends it. Of one that is empty nothing is asked. */
static Kept look_at(Log *log, const char *text, size_t len, size_t number,
                    const dlg_progress *now) {
    if (strspn(text, " \t\r\n") == len) return KEPT;
    json_t *line = json_loadb(text, len, 0, NULL);
    bool whole = json_is_integer(json_object_get(line, "epoch")) &&
                 json_is_integer(json_object_get(line, "step"));
    Kept kept = REFUSED;
    if (whole && !is_foreign(log, line, now))
        kept = is_before(log, line, now) ? KEPT : BEYOND;
    else if (!line && text[len - 1] != '\n')
        kept = CUT_OFF;
    else if (!whole)
        complain("--log %s: its line %zu is no line of a log: it is left as it is; remove that "
                 "line, or name a new log",
                 log->path, number);
    json_decref(line);
    return kept;
}

/* What is kept of the file is known when the run begins: nothing, unless it was resumed. False: it is of another run, or
 * damaged, and all of it is kept. */
static bool keep_lines(Log *log, const dlg_progress *now) {
    char *text = NULL;
    size_t size = 0, number = 0;
    off_t at = 0;
    Kept kept = now->resumed ? KEPT : BEYOND;
    bool ended = true;
    for (ssize_t len; kept == KEPT && (len = getline(&text, &size, log->stream)) > 0;) {
        kept = look_at(log, text, (size_t)len, ++number, now);
        if (kept != KEPT) break;
        at += len;
        ended = text[len - 1] == '\n';
    }
    free(text);
    if (kept == REFUSED) return false;
    if (kept == CUT_OFF)
        complain("note: --log %s: its last line was cut off, and is taken away: of the steps up to "
                 "%llu, after which the run goes on, lines may be missing",
                 log->path, (unsigned long long)now->resumed_step);
    if (!cut_at(log, at)) log_failed(log, errno);
    if (!ended) append(log, "\n", 1);
    return true;
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
    char run[17];
    json_object_set_new(line, "epoch", json_integer((json_int_t)now->epoch));
    json_object_set_new(line, "step", json_integer((json_int_t)now->step));
    if (end) json_object_set_new(line, "end", json_true());
    json_object_set_new(line, "seconds", json_real(log->before_s + now->seconds));
    json_object_set_new(line, "samples_per_second", json_real(now->samples_per_second));
    json_object_set_new(line, "train", metrics_json(&now->train));
    if (end && now->evaluate.rows)
        json_object_set_new(line, "evaluate", metrics_json(&now->evaluate));
    json_object_set_new(line, "model", json_string(log->model));
    json_object_set_new(line, "run", json_string(run_text(run, now)));
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    size_t len = text ? strlen(text) : 0;
    if (text) text[len++] = '\n'; /* in the place of its end */
    append(log, text, len);
    if (!text) log_failed(log, ENOMEM);
    free(text);
    json_decref(line);
    log->line_s = now->seconds;
}

bool log_show(Log *log, const dlg_progress *now) {
    if (!log->stream) return true;
    if (now->event == DLG_EVENT_BEGIN && log->regular) return keep_lines(log, now);
    if (now->event == DLG_EVENT_EPOCH) write_line(log, now, true);
    if (now->event != DLG_EVENT_STEPS) return true;
    bool due = log->every_steps ? now->step % log->every_steps == 0
                                : now->seconds - log->line_s >= log->every_s;
    if (due) write_line(log, now, false);
    return true;
}

int log_close(Log *log) {
    if (!log->stream) return EXIT_DONE;
    if (log->stream != stdout && fclose(log->stream) != 0) log_failed(log, errno);
    log->stream = NULL;
    if (log->failed) complain("cannot write %s: %s", log->path, strerror(log->error));
    return log->failed ? EXIT_SYSTEM : EXIT_DONE;
}

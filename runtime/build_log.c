/* build_log: see build_log.h. */
#include "build_log.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MORE "\n..."
#define ROOM sizeof(MORE)

static const char *line_of(const char *text, int64_t line) {
    while (line > 1 && text) {
        text = strchr(text, '\n');
        if (text) text++;
        line--;
    }
    return text;
}

/* The line that the message around s, a place in the log, names: `:LINE:COLUMN:`. 0: none. */
static int64_t line_named(const char *log, const char *s) {
    while (s > log && s[-1] != '\n') s--;
    for (; *s && *s != '\n'; s++) {
        if (*s != ':' || !isdigit((unsigned char)s[1])) continue;
        char *end;
        long long line = strtoll(s + 1, &end, 10);
        if (*end == ':' && isdigit((unsigned char)end[1])) return line;
    }
    return 0;
}

/* Whether the log names a line of the file as the preprocessor was told it, of whose name the beginning is enough. */
static bool names_file(const char *log, const char *file) {
    enum { ENOUGH = 256 };
    const size_t all = strlen(file), len = all < ENOUGH ? all : ENOUGH;
    for (; *log; log++) {
        size_t i = 0;
        while (i < len && log[i] &&
               (log[i] == file[i] || ((unsigned char)file[i] < ' ' && log[i] == '?')))
            i++;
        if (i == len && (len < all || (log[i] == ':' && isdigit((unsigned char)log[i + 1]))))
            return true;
    }
    return false;
}

/* The log of a driver that does not heed #line but counts that line, with places of the file for its own:
 * `NAME:LINE:COLUMN:` at the beginning of a line. With ROOM bytes behind it. */
static char *place_log(const char *log, const char *file, int64_t first) {
    size_t lines = 1;
    for (const char *s = log; *s; s++) lines += *s == '\n';
    size_t size = strlen(log) + lines * (strlen(file) + 24) + ROOM, len = 0;
    char *placed = malloc(size);
    while (placed && *log) {
        size_t n = strcspn(log, "\n"), name = strcspn(log, ": \n");
        int64_t line = log[name] == ':' && name ? line_named(log, log) : 0;
        char own[24];
        int digits = snprintf(own, sizeof own, ":%" PRId64 ":", line);
        if (line > 1 && line < INT32_MAX && !strncmp(log + name, own, (size_t)digits)) {
            len += (size_t)snprintf(placed + len, size - len, "%s:%" PRId64 ":", file,
                                    line + first - 2);
            log += name + (size_t)digits;
            n -= name + (size_t)digits;
        }
        n += log[n] == '\n';
        memcpy(placed + len, log, n);
        len += n;
        log += n;
    }
    if (placed) placed[len] = 0;
    return placed;
}

/* The errors that a log names first are what is wrong: one word that is amiss can give thousands.
 * The log has ROOM bytes behind it. */
static void cut_log(char *log) {
    enum { MOST_LINES = 40, MOST_BYTES = 1 << 16 };
    char *end = strstr(log, "error");
    for (int i = 0; end && i < MOST_LINES; i++) end = strchr(end + (i > 0), '\n');
    if (end && end[strspn(end, "\n")]) strcpy(end, MORE);
    if (strlen(log) > MOST_BYTES) strcpy(log + MOST_BYTES, MORE);
}

/* Behind the log, the lines of the text that its errors name. */
static char *quote_lines(const char *log, const char *text, int64_t first) {
    enum { MOST_QUOTES = 5, QUOTE_BYTES = 220 };
    size_t len = strlen(log);
    char *all = malloc(len + MOST_QUOTES * QUOTE_BYTES + 2);
    if (!all) return NULL;
    memcpy(all, log, len + 1);
    while (len && isspace((unsigned char)all[len - 1])) all[--len] = 0;
    int64_t quoted = -1;
    int quotes = 0;
    for (const char *s = log; (s = strstr(s, "error")) && quotes < MOST_QUOTES; s += 5) {
        int64_t line = line_named(log, s);
        if (first < 1 || line < first || line == quoted) continue;
        const char *source = line_of(text, line - first + 1);
        if (!source) continue;
        quoted = line;
        quotes++;
        len += (size_t)snprintf(all + len, QUOTE_BYTES, "\n%6" PRId64 " | %.*s", line,
                                (int)(strcspn(source, "\n") < 190 ? strcspn(source, "\n") : 190),
                                source);
    }
    return all;
}

char *build_log(const char *log, const char *file, int64_t first, const char *text) {
    bool heeded = first < 1 || names_file(log, file);
    char *placed = heeded ? malloc(strlen(log) + ROOM) : place_log(log, file, first);
    if (!placed) return NULL;
    if (heeded) strcpy(placed, log);
    cut_log(placed);
    char *all = quote_lines(placed, text, first);
    free(placed);
    return all;
}

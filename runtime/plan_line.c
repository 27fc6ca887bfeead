/* plan_line: the words of one line of a plan.
 *
 * Requires: a line without its newline, NUL-terminated, in memory that may be written. Establishes:
 * words are taken from left to right and cut in place; each is what it should be or an error that
 * names the file and the line. */
#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include "plan.h"

int plan_fail(Reader *r, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return rt_fail(r->dev, DLG_ERR_PROGRAM, "%s:%" PRId64 ": %s", r->plan->file, r->line, text);
}

/* The next word of the line, NUL-terminated in place; NULL at the end of the line. */
char *line_take(Reader *r) {
    if (!r->at) return NULL;
    char *word = r->at;
    char *space = strchr(word, ' ');
    if (space) *space = 0;
    r->at = space ? space + 1 : NULL;
    return word;
}

/* The next word is NAMED `what`; an empty one (two spaces, one at the end) is none. */
int line_word(Reader *r, const char *what, char **word) {
    *word = line_take(r);
    if (!*word) return plan_fail(r, "the line ends where %s should stand", what);
    if (!**word) return plan_fail(r, "%s is missing: two spaces, or one at the end", what);
    return DLG_OK;
}

int line_keyword(Reader *r, const char *keyword) {
    char *word;
    int status = line_word(r, keyword, &word);
    if (status < 0) return status;
    if (strcmp(word, keyword) != 0)
        return plan_fail(r, "`%s` should stand here, not `%.80s`", keyword, word);
    return DLG_OK;
}

int line_done(Reader *r) {
    char *word = line_take(r);
    if (!word) return DLG_OK;
    return *word ? plan_fail(r, "`%.80s` is one word too many", word)
                 : plan_fail(r, "the line ends in a space, or has two");
}

/* A whole number from 0 to most, without leading zeros. Moves *s behind it. */
bool line_number(const char **s, uint64_t most, uint64_t *value) {
    const char *p = *s;
    uint64_t v = 0;
    if (!isdigit((unsigned char)*p) || (*p == '0' && isdigit((unsigned char)p[1]))) return false;
    for (; isdigit((unsigned char)*p); p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (v > (UINT64_MAX - digit) / 10) return false;
        v = v * 10 + digit;
    }
    *s = p;
    *value = v;
    return v <= most;
}

int line_whole(Reader *r, const char *what, uint64_t least, uint64_t most, uint64_t *value) {
    char *word;
    int status = line_word(r, what, &word);
    if (status < 0) return status;
    const char *p = word;
    if (!line_number(&p, most, value) || *p || *value < least)
        return plan_fail(r,
                         "%s must be a whole number from %" PRIu64 " to %" PRIu64 ", not `%.80s`",
                         what, least, most, word);
    return DLG_OK;
}

/* A string in quotes, unescaped in place. What follows the closing quote stays for the caller in
 * r->at (NULL at the end of the line). */
int line_string(Reader *r, const char *what, char **text) {
    if (!r->at || *r->at != '"') return plan_fail(r, "%s must be a string in quotes", what);
    char *from = r->at + 1, *to = from;
    *text = to;
    for (; *from != '"'; from++) {
        if (!*from) return plan_fail(r, "the string of %s is not closed", what);
        if (*from == '\\') {
            from++;
            if (*from != '"' && *from != '\\' && *from != 'n')
                return plan_fail(r, "a backslash in a string stands before \", \\ or n");
            *to++ = *from == 'n' ? '\n' : *from;
        } else {
            *to++ = *from;
        }
    }
    char *behind = from + 1;
    *to = 0;
    r->at = *behind ? behind : NULL;
    return DLG_OK;
}

/* need_string as a word of its own. */
int line_string_word(Reader *r, const char *what, char **text) {
    int status = line_string(r, what, text);
    if (status < 0) return status;
    if (r->at && *r->at != ' ') return plan_fail(r, "a space should follow the string of %s", what);
    if (r->at) r->at++;
    return DLG_OK;
}

static bool is_name(const char *s) {
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == '"' || *s == 127) return false;
    return true;
}

/* Letters, digits and _, not beginning with a digit: what OpenCL calls an identifier. */
bool line_is_identifier(const char *s) {
    if (isdigit((unsigned char)*s)) return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_') return false;
    return true;
}

int line_name(Reader *r, const char *what, char **name) {
    int status = line_word(r, what, name);
    if (status < 0) return status;
    if (!is_name(*name)) return plan_fail(r, "%s has a character that no name has", what);
    return DLG_OK;
}

/* A number that a tensor of this type can hold, exactly; of a float the nearest. */
int line_value(Reader *r, dlg_type type, double *value) {
    char *word;
    int status = line_word(r, "a number", &word);
    if (status < 0) return status;
    const char *end = word + strlen(word);
    float f;
    if (rt_type_is_float(type)) {
        if (*word == '+' || rt_parse_f32(word, end, &f) != end)
            return plan_fail(r, "`%.80s` is not a number", word);
        if (isinf(f) && !strstr(word, "inf"))
            return plan_fail(r, "%.80s is beyond the range of f32", word);
        uint32_t element;
        if (dlg_put_element(type, &element, 0, (double)f) < 0)
            return plan_fail(r, "%.80s is beyond the range of %s", word, dlg_type_name(type));
        *value = dlg_element(type, &element, 0);
        return DLG_OK;
    }
    if (*word == '+' || rt_parse_f64(word, end, value) != end)
        return plan_fail(r, "`%.80s` is not a number", word);
    double lo = type == DLG_I32 ? INT32_MIN : 0, hi = type == DLG_I32  ? INT32_MAX
                                                      : type == DLG_U8 ? 255
                                                                       : 1;
    if (!(*value >= lo && *value <= hi) || *value != (double)(int64_t)*value)
        return plan_fail(r, "%.80s is not a number of type %s", word, dlg_type_name(type));
    return DLG_OK;
}

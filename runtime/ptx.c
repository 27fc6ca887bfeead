/* ptx: see ptx.h. What a driver gives as a program's binary is taken for no more than text: lines are looked for, and
 * what is not found is told; the driver checks the rest when it builds it. */
#include "ptx.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether the line at s, of n bytes, begins with a word. */
static bool begins(const char *s, size_t n, const char *word) {
    size_t m = strlen(word);
    return n >= m && memcmp(s, word, m) == 0;
}

/* `.target sm_90`, alone or with more behind a comma. */
static bool is_target(const char *s, size_t n) {
    static const char target[] = ".target sm_90";
    const size_t m = sizeof target - 1;
    return begins(s, n, target) && (n == m || strchr(",\n\r \t", s[m]) != NULL);
}

char *ptx_edit(const char *ptx, size_t len, const char **why) {
    size_t targets = 0, marked = 0;
    *why = NULL;
    while (len && ptx[len - 1] == 0) len--;
    if (memchr(ptx, 0, len)) {
        *why = "it is no text";
        return NULL;
    }
    char *out = malloc(len + 2), *to = out;
    if (!out) return NULL;
    for (const char *s = ptx, *end = ptx + len; s < end;) {
        const char *newline = memchr(s, '\n', (size_t)(end - s));
        const char *next = newline ? newline + 1 : end;
        while (s < next && (*s == ' ' || *s == '\t')) s++;
        size_t n = (size_t)(next - s), skip = 0;
        if (begins(s, n, PTX_MARK)) {
            skip = strlen(PTX_MARK);
            marked++;
        } else if (is_target(s, n)) {
            skip = strlen(".target sm_90");
            if (targets++) break;
            memcpy(to, ".target sm_90a", skip + 1);
            to += skip + 1;
        }
        memcpy(to, s + skip, n - skip);
        to += n - skip;
        s = next;
    }
    *to = 0;
    if (targets == 1 && marked) return out;
    free(out);
    *why = targets == 0  ? "it has no line `.target sm_90`"
           : targets > 1 ? "it has several lines `.target sm_90`"
                         : "it has none of the lines that are marked in the program";
    return NULL;
}

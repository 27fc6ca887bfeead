/* shrink: a program that fails made smaller while it still fails: lines that nothing needs go, then outputs of
 * entries; until nothing more can go. Source: Zeller & Hildebrandt 2002, delta debugging, one piece at a time. */
#ifndef DLG_SHRINK_H
#define DLG_SHRINK_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether a text still fails as it did; one that does not compile does not. */
typedef bool (*StillFails)(const char *text, void *context);

/* Tries the text without bytes from..to. */
static inline bool shrink_cut(char *text, size_t from, size_t to, StillFails fails, void *context) {
    size_t len = strlen(text);
    char *shorter = malloc(len + 1);
    if (!shorter) return false;
    memcpy(shorter, text, from);
    memcpy(shorter + from, text + to, len - to + 1);
    bool gone = fails(shorter, context);
    if (gone) strcpy(text, shorter);
    free(shorter);
    return gone;
}

/* The end of the statement that begins at `at`: with its block, if it has one. */
static inline size_t shrink_end(const char *text, size_t at) {
    int depth = 0;
    for (; text[at]; at++) {
        depth += text[at] == '{';
        depth -= text[at] == '}';
        if (text[at] == '\n' && depth <= 0) return at + 1;
    }
    return at;
}

/* Statements from the last to the first: whole ones, then lines inside of blocks. */
static inline bool shrink_lines(char *text, StillFails fails, void *context) {
    bool any = false;
    for (size_t at = strlen(text); at-- > 0;) {
        if (at && text[at - 1] != '\n') continue;
        size_t line = at + strcspn(text + at, "\n");
        any = shrink_cut(text, at, shrink_end(text, at), fails, context) ||
              shrink_cut(text, at, line + (text[line] == '\n'), fails, context) || any;
        if (at > strlen(text)) at = strlen(text);
    }
    return any;
}

/* Items of lists: ", name = value". */
static inline bool shrink_items(char *text, StillFails fails, void *context) {
    bool any = false;
    for (size_t at = strlen(text); at-- > 0;) {
        if (at >= strlen(text) || text[at] != ',') continue;
        size_t to = at + 1 + strcspn(text + at + 1, ",\n{");
        any = shrink_cut(text, at, to, fails, context) || any;
    }
    return any;
}

/* In place. */
static inline void shrink(char *text, StillFails fails, void *context) {
    for (bool again = true; again;) {
        again = shrink_lines(text, fails, context);
        again = shrink_items(text, fails, context) || again;
    }
}

#endif

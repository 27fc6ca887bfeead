/* rt_fixture: what the tests of the runtime share: the program tests/data/xor.cl, edits of it, a suite.
 * The including test gives DLG_SOURCE_DIR. */
#ifndef RT_FIXTURE_H
#define RT_FIXTURE_H

#include <CUnit/Basic.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rt.h"
#include "suite.h"

#define XOR_PATH DLG_SOURCE_DIR "/tests/data/xor.cl"

static const float xor_x[8] = {0, 0, 0, 1, 1, 0, 1, 1}, xor_y[4] = {0, 1, 1, 0};

/* The text of a file, freed by the caller; a failed test and an empty text when it cannot be read. */
static inline void read_text(const char *path, char **text, size_t *len) {
    if (rt_file_read(NULL, path, UINT64_C(1) << 28, text, len) == DLG_OK) return;
    CU_FAIL("the file cannot be read");
    *text = calloc(1, 1);
}

/* Puts the right checksum into a program whose plan was edited. */
static inline void sign(char *text) {
    char *line = strstr(text, "\n//! kernels "), hash[17];
    char *place = line ? strstr(line, "checksum ") : NULL;
    if (!place || strlen(place) < 25) return;
    snprintf(hash, sizeof hash, "%016" PRIx64, rt_hash(text, (size_t)(line + 1 - text), 0));
    memcpy(place + 9, hash, 16);
}

/* A copy of `text` with the first `from` replaced; signed. The caller frees it. */
static inline char *edit(const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    size_t len = strlen(text), before;
    char *copy = malloc(len + strlen(to) + 1);
    if (!at) {
        CU_FAIL("what the test edits is not there");
        fprintf(stderr, "not there: %s\n", from);
        at = text + len;
        from = "";
    }
    before = (size_t)(at - text);
    memcpy(copy, text, before);
    strcpy(copy + before, to);
    strcat(copy, at + strlen(from));
    sign(copy);
    return copy;
}

/* A message that should say `part`. */
static inline void expect_message(const dlg_device *dev, const char *part) {
    CU_ASSERT_PTR_NOT_NULL(strstr(dlg_error_text(dev), part));
    if (!strstr(dlg_error_text(dev), part))
        fprintf(stderr, "the message should say `%s`: %s\n", part, dlg_error_text(dev));
}

#endif

/* fuzz: what the fuzz targets share. A target that sees what must not be aborts. */
#ifndef DLG_FUZZ_H
#define DLG_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds) {
    if (!holds) abort();
}

/* A device that holds messages only. */
static inline dlg_device *fuzz_device(void) {
    dlg_device *dev = NULL;
    require(dlg_device_open(&dev, "none") == DLG_OK);
    return dev;
}

/* The bytes in memory of just their size, so that a checker sees a read beyond them, and `more` zeroes behind
 * them. The caller frees them. */
static inline char *fuzz_copy(const uint8_t *data, size_t size, size_t more) {
    char *bytes = calloc(size + more ? size + more : 1, 1);
    require(bytes != NULL);
    if (size) memcpy(bytes, data, size);
    return bytes;
}

/* A failure is told in text that a terminal can show. With DLG_FUZZ_SAY in the environment it is shown. */
static inline void require_told(const dlg_device *dev, int status) {
    const char *text = dlg_error_text(dev);
    if (getenv("DLG_FUZZ_SAY")) fprintf(stderr, "status %d: %s\n", status, status < 0 ? text : "");
    if (status >= 0) return;
    require(*text != 0);
    for (; *text; text++) require((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t');
}

/* What a reader of arrays gave: all or nothing, and what it says of itself is true. */
static inline void require_array(const dlg_device *dev, int status, Array *a) {
    require_told(dev, status);
    if (status < 0) {
        require(!a->values);
        return;
    }
    size_t elems = 1;
    require(a->values && a->rank >= 0 && a->rank <= ARRAY_MAX_RANK);
    for (int i = 0; i < a->rank; i++) elems *= (size_t)a->shape[i];
    require(elems == a->elems);
    volatile double last = elems ? dlg_element(a->type, a->values, elems - 1) : 0;
    (void)last; /* it was read, within what a checker knows of the memory */
    array_free(a);
}

static inline void fuzz_array(const uint8_t *data, size_t size, const char *path,
                              int (*parse)(dlg_device *dev, const char *path, const char *bytes,
                                           size_t len, Array *out)) {
    dlg_device *dev = fuzz_device();
    char *bytes = fuzz_copy(data, size, 0);
    Array a;
    int status = parse(dev, path, bytes, size, &a);
    require_array(dev, status, &a);
    free(bytes);
    dlg_device_close(dev);
}

#endif

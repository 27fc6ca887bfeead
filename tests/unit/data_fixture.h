/* Shared by the tests of data and training: a device without hardware to hold messages, temporary
 * files, and the suite's main. */
#ifndef DATA_FIXTURE_H
#define DATA_FIXTURE_H

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data.h"
#include "suite.h"

/* A device that holds messages only. */
static inline dlg_device *none_device(void) {
    dlg_device *dev;
    if (dlg_device_open(&dev, "none") < 0) exit(1);
    return dev;
}

/* Whether the status is `status` and the device's message contains `part`; says what it is if not. */
static inline bool says(const dlg_device *dev, int status, int want, const char *part) {
    const char *text = dlg_error_text(dev);
    if (status == want && strstr(text, part)) return true;
    fprintf(stderr, "\n  status %d where %d is wanted; message: %s\n  wanted in it: %s\n", status,
            want, text, part);
    return false;
}

/* Writes a file into the current directory; returns its name. */
static inline const char *write_file(const char *name, const void *text, size_t len) {
    FILE *f = fopen(name, "wb");
    if (!f || fwrite(text, 1, len, f) != len || fclose(f) != 0) exit(1);
    return name;
}

#endif

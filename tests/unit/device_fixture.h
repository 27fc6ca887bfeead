/* Shared by the tests that compute: the device that DLG_DEVICE names (else the first), and what to compile for it. */
#ifndef DEVICE_FIXTURE_H
#define DEVICE_FIXTURE_H

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dlg.h"
#include "target.h"

/* The caller closes it. Without a device nothing is tested: the program ends. */
static inline dlg_device *open_device(void) {
    dlg_device *device;
    if (dlg_device_open(&device, getenv("DLG_DEVICE")) == DLG_OK) return device;
    fprintf(stderr, "no device to test on: %s\n", dlg_error_text(device));
    exit(1);
}

/* The target of a kind ("cpu" or "gpu"): the device's own if it is of that kind, as `dlg` takes it; else the kind's first. */
static inline const char *target_of_kind(const dlg_device *device, const char *kind) {
    const dlg_device_info *info = dlg_device_get_info(device);
    if (strcmp(info->type, kind)) return kind;
    return target_for_device(info->type, info->vector_floats, info->matrix_units);
}

#endif

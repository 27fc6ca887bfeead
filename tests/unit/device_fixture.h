/* Shared by the tests that compute: the device that DLG_DEVICE names (else the first), and what to compile for it. */
#ifndef DEVICE_FIXTURE_H
#define DEVICE_FIXTURE_H

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dlg.h"

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
    return dlg_device_target(info);
}

/* Kernels for a target of another kind than the device's are built without the driver's optimisation, where that is PoCL (it looks
 * at each build): half of the time goes into it, and such kernels run on no such device but here. DLG_OPTIMIZED: with it. */
static inline void set_optimisation(const dlg_device *device, const char *target) {
    static const char name[] = "POCL_EXTRA_BUILD_FLAGS";
    bool own = strncmp(target, dlg_device_get_info(device)->type, 3) == 0;
    if (own || getenv("DLG_OPTIMIZED"))
        unsetenv(name);
    else
        setenv(name, "-cl-opt-disable", 1);
}

#endif

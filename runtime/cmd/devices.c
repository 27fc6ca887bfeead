/* dlg devices: the OpenCL devices, numbered as --device takes them. */
#include <stdlib.h>
#include "cmd.h"

int cmd_devices(const Args *a) {
    dlg_device_info *list;
    size_t count;
    (void)a;
    int status = dlg_device_list(&list, &count);
    if (status < 0) return complain_status(NULL, status);
    if (count == 0) {
        dlg_device *dev; /* opening one tells why there is none */
        dlg_device_list_free(list);
        status = dlg_device_open(&dev, NULL);
        status = status < 0 ? complain_status(dev, status) : EXIT_SYSTEM;
        dlg_device_close(dev);
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        const dlg_device_info *d = &list[i];
        printf("%d  %s: %s\n   %s, %u compute unit%s, %.1f GB of memory, %.1f GB a buffer, driver "
               "%s\n   dlgc --target %s\n",
               d->number, d->platform, d->name, d->type, d->compute_units,
               d->compute_units == 1 ? "" : "s", (double)d->memory_bytes / 1e9,
               (double)d->max_buffer_bytes / 1e9, d->driver, dlg_device_target(d));
    }
    dlg_device_list_free(list);
    return EXIT_DONE;
}

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
        complain("there is no OpenCL device; on Debian: apt install pocl-opencl-icd");
        dlg_device_list_free(list);
        return EXIT_SYSTEM;
    }
    for (size_t i = 0; i < count; i++) {
        const dlg_device_info *d = &list[i];
        printf("%d  %s: %s\n   %s, %u compute unit%s, %.1f GB of memory, %.1f GB a buffer, driver "
               "%s\n",
               d->number, d->platform, d->name, d->type, d->compute_units,
               d->compute_units == 1 ? "" : "s", (double)d->memory_bytes / 1e9,
               (double)d->max_buffer_bytes / 1e9, d->driver);
    }
    dlg_device_list_free(list);
    return EXIT_DONE;
}

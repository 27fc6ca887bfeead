/* Any text as the labels that weights files keep. What is taken says the same again. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dlg_device *dev = fuzz_device();
    char *json = fuzz_copy(data, size, 1), *again, *twice;
    Labels *labels = calloc(1, sizeof *labels), *others = calloc(1, sizeof *others);
    require(labels && others);
    int status = labels_known(dev, labels, "y", json);
    require_told(dev, status);
    if (status == DLG_OK) {
        require(labels->count > 0 && labels->count <= LABELS_MOST);
        for (size_t i = 0; i < labels->count; i++) {
            const char *name = labels->names[i];
            require(rt_utf8(name) &&
                    labels_number(labels, LABELS_MOST, name, strlen(name)) == (int)i);
        }
        require((again = labels_json(labels)) != NULL);
        require(labels_known(dev, others, "y", again) == DLG_OK);
        require((twice = labels_json(others)) != NULL && strcmp(again, twice) == 0);
        free(again);
        free(twice);
    }
    labels_free(labels);
    labels_free(others);
    free(json);
    dlg_device_close(dev);
    return 0;
}

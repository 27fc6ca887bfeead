/* Any bytes as a table: the first byte chooses the columns and the type, the rest is the file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dlg_device *dev = NULL;
    if (size < 1) return 0;
    if (dlg_device_open(&dev, "none") < 0) abort();
    uint8_t how = data[0];
    CsvTake takes[2] = {{how & 3, how & 64 ? CSV_ALL : (size_t)(how & 3) + 1, DLG_F32, NULL},
                        {how >> 2 & 3, (how >> 2 & 3) + 2, (dlg_type)((how >> 4 & 3) % 3), NULL}};
    char *text = malloc(size);
    if (!text) abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0; /* as after a file that was read */
    CsvInfo info;
    int status = csv_parse(dev, "fuzz.csv", text, size - 1, takes, 2, &info);
    if (status < 0 && (!*dlg_error_text(dev) || takes[0].values || takes[1].values)) abort();
    if (status == DLG_OK) {
        const float *values = takes[0].values;
        size_t width = takes[0].end - takes[0].begin;
        if (info.rows == 0 || takes[0].end > info.columns || takes[1].end > info.columns) abort();
        for (size_t i = 0; i < info.rows * width; i++)
            if (!isfinite(values[i])) abort();
    }
    free(takes[0].values);
    free(takes[1].values);
    free(text);
    dlg_device_close(dev);
    return 0;
}

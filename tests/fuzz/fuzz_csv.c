/* Any bytes as a table: the first byte chooses the columns, the types and what is labels; the rest is the file. */
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
    CsvTake takes[2] = {
        {.begin = how & 3, .end = how & 64 ? CSV_ALL : (size_t)(how & 3) + 1, .type = DLG_F32},
        {.begin = how >> 2 & 3, .end = (how >> 2 & 3) + 2, .type = (dlg_type)((how >> 4 & 3) % 3)}};
    Labels *labels = NULL;
    if (how & 128) { /* one column that may hold labels, by its name or not; the other by names */
        labels = calloc(1, sizeof *labels);
        if (!labels) abort();
        takes[1] = (CsvTake){.begin = 1, .end = 2, .type = how & 1 ? DLG_U8 : DLG_I32};
        takes[1].labels = labels;
        if (how & 2) takes[1].names = "b";
        if (how & 4) takes[0].names = "a,\"c \"\"d\",b";
        if (how & 8) takes[0] = (CsvTake){.begin = 1, .end = 2, .type = DLG_I32};
        if (how & 16 && labels_known(dev, labels, "y", "[\"one\",\"2\"]") < 0) abort();
    }
    char *text = malloc(size);
    if (!text) abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0; /* as after a file that was read */
    CsvInfo info;
    int status = csv_parse(dev, "fuzz.csv", text, size - 1, takes, 2, &info);
    if (status < 0 && (!*dlg_error_text(dev) || takes[0].values || takes[1].values)) abort();
    if (status == DLG_OK) {
        if (info.rows == 0) abort();
        for (size_t k = 0; k < 2; k++) {
            size_t most = takes[k].are_labels ? labels->count : SIZE_MAX;
            if (takes[k].width == 0 || takes[k].columns) abort();
            if (!takes[k].names && takes[k].end > info.columns) abort();
            for (size_t i = 0; i < info.rows * takes[k].width; i++) {
                double v = dlg_element(takes[k].type, takes[k].values, i);
                if (!isfinite(v) || (most != SIZE_MAX && !(v >= 0 && v < (double)most))) abort();
            }
        }
    }
    labels_free(labels);
    free(takes[0].values);
    free(takes[1].values);
    free(text);
    dlg_device_close(dev);
    return 0;
}

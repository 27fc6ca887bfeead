/* Any bytes as a table: the first byte chooses the columns, the types and what is labels; the rest is the file. */
#include <math.h>
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    dlg_device *dev = fuzz_device();
    uint8_t how = data[0];
    CsvTake takes[2] = {
        {.begin = how & 3, .end = how & 64 ? CSV_ALL : (size_t)(how & 3) + 1, .type = DLG_F32},
        {.begin = how >> 2 & 3, .end = (how >> 2 & 3) + 2, .type = (dlg_type)((how >> 4 & 3) % 3)}};
    Labels *labels = NULL;
    if (how & 128) { /* one column that may hold labels, by its name or not; the other by names */
        labels = calloc(1, sizeof *labels);
        require(labels != NULL);
        takes[1] = (CsvTake){.begin = 1, .end = 2, .type = how & 1 ? DLG_U8 : DLG_I32};
        takes[1].labels = labels;
        if (how & 2) takes[1].names = "b";
        if (how & 4) takes[0].names = "a,\"c \"\"d\",b";
        if (how & 8) takes[0] = (CsvTake){.begin = 1, .end = 2, .type = DLG_I32};
        if (how & 16) require(labels_known(dev, labels, "y", "[\"one\",\"2\"]") == DLG_OK);
    }
    char *text = fuzz_copy(data + 1, size - 1, 1); /* as after a file that was read */
    CsvInfo info;
    int status = csv_parse(dev, "fuzz.csv", text, size - 1, takes, 2, &info);
    require_told(dev, status);
    require(status == DLG_OK || (!takes[0].values && !takes[1].values));
    if (status == DLG_OK) {
        require(info.rows > 0);
        for (size_t k = 0; k < 2; k++) {
            size_t most = takes[k].are_labels ? labels->count : SIZE_MAX;
            require(takes[k].width > 0 && !takes[k].columns);
            require(takes[k].names || takes[k].end <= info.columns);
            for (size_t i = 0; i < info.rows * takes[k].width; i++) {
                double v = dlg_element(takes[k].type, takes[k].values, i);
                require(isfinite(v) && (most == SIZE_MAX || (v >= 0 && v < (double)most)));
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

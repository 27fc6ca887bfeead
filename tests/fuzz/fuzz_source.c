/* Any text as the source of an input's samples, as `--data` names it. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    dlg_device *dev = fuzz_device();
    dlg_program prog = {.dev = dev};
    char *text = fuzz_copy(data + 1, size - 1, 1);
    dlg_tensor input = {.name = "x", .user_name = "x", .rank = 2, .type = DLG_F32};
    input.source.form = (dlg_source_form)(data[0] % (DLG_SOURCE_BYTES + 1u));
    input.source.first = 1;
    input.source.last = 3;
    Source s;
    dlg_data given = {.name = "x", .source = text};
    int status = source_find(&prog, &input, &given, &s);
    require_told(dev, status);
    if (status == DLG_OK) {
        require(s.path && *s.path && strlen(s.path) <= strlen(text));
        require(strncmp(s.path, text, strlen(s.path)) == 0);
        require(!s.member || (*s.member && s.kind == SOURCE_ARRAY));
        require(s.kind != SOURCE_TABLE || s.begin < s.end);
        require(s.kind != SOURCE_ARRAY || array_kind(s.path) != ARRAY_NONE);
    }
    source_free(&s);
    free(text);
    dlg_device_close(dev);
    return 0;
}

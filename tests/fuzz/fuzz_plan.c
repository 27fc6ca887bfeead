/* Any bytes as a program: read or refused with a message, within bounds. The checksum is made right
 * first, so that what lies behind it is reached. */
#include <inttypes.h>
#include "fuzz.h"

static void sign(char *text, size_t size) {
    static const char key[] = "\n//! kernels ", word[] = " checksum ";
    char hash[17];
    for (size_t i = 0; i + sizeof key - 1 < size; i++) {
        if (memcmp(text + i, key, sizeof key - 1) != 0) continue;
        for (size_t k = i + sizeof key - 1; k + sizeof word - 1 + 16 < size && text[k] != '\n';
             k++) {
            if (memcmp(text + k, word, sizeof word - 1) != 0) continue;
            snprintf(hash, sizeof hash, "%016" PRIx64, rt_hash(text, i + 1, 0));
            memcpy(text + k + sizeof word - 1, hash, 16);
            return;
        }
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dlg_device *dev = fuzz_device();
    dlg_program *prog = NULL;
    char *text = fuzz_copy(data, size, 0);
    sign(text, size);
    int status = dlg_program_load_text(&prog, dev, "fuzz.cl", text, size, NULL);
    require_told(dev, status);
    require(status < 0 ? !prog : prog != NULL);
    for (size_t i = 0; prog && i < dlg_tensor_count(prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(prog, i);
        require(t->kind == DLG_ARENA || dlg_tensor_find(prog, t->name) == t);
        if ((t->kind == DLG_PARAM || t->kind == DLG_STATE) && t->bytes < 4096) {
            char values[4096];
            rt_init_values(&prog->plan, t, 1, values);
        }
    }
    dlg_program_close(prog);
    dlg_device_close(dev);
    free(text);
    return 0;
}

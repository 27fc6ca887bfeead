/* The compiler on any bytes: it ends, within its limits, and either says what is wrong or gives a
 * program that the runtime takes. What is emitted, and for which target, follows from the size. */
#include "compile.h"
#include "dlg.h"
#include "util.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void require(bool holds) {
    if (!holds) abort();
}

static void require_readable(const char *text) {
    const char *end = text + strlen(text);
    for (int32_t code; text < end;) {
        text += utf8_char(text, end, &code);
        require(code >= 0x20 || code == '\n');
    }
}

/* Refused only for its size. */
static void require_loadable(const CompileResult *r) {
    dlg_device *device = NULL;
    dlg_program *program = NULL;
    require(dlg_device_open(&device, "none") >= 0);
    int status = dlg_program_load_text(&program, device, "fuzz.cl", r->text, r->text_len, NULL);
    if (status < 0 && status != DLG_ERR_MEMORY && status != DLG_ERR_LIMIT) {
        fprintf(stderr, "%s\n", dlg_error_text(device));
        abort();
    }
    dlg_program_close(program);
    dlg_device_close(device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const Emit emits[] = {EMIT_CL, EMIT_CL, EMIT_GRAPH, EMIT_DOT};
    static const char *const targets[] = {"cpu", "gpu"};
    CompileOptions options = {.memory_limit_bytes = (size_t)256 << 20};
    options.emit = emits[size % COUNT_OF(emits)];
    options.target = targets[size / 4 % COUNT_OF(targets)];
    CompileResult r = compile_text("fuzz.dlg", (const char *)data, size, &options);
    require_readable(r.diagnostics);
    require(r.status == 0 ? r.text != NULL : r.status == 1 && *r.diagnostics);
    if (r.status == 0 && options.emit == EMIT_CL) require_loadable(&r);
    compile_free(&r);
    return 0;
}

/* The compiler on any bytes: it ends, within its limits, and either says what is wrong or gives a program that the
 * runtime takes, or a graph that compiles again. What is emitted, for which target and how follows from the size. */
#include <stdio.h>
#include "compile.h"
#include "fuzz.h"
#include "util.h"

static void require_readable(const char *text) {
    const char *end = text + strlen(text);
    for (int32_t code; text < end;) {
        text += utf8_char(text, end, &code);
        require(code >= 0x20 || code == '\n');
    }
}

/* Refused only for its size. */
static void require_loadable(const CompileResult *r) {
    dlg_program *program = NULL;
    dlg_device *device = fuzz_device();
    int status = dlg_program_load_text(&program, device, "fuzz.cl", r->text, r->text_len, NULL);
    if (status < 0 && status != DLG_ERR_MEMORY && status != DLG_ERR_LIMIT) {
        fprintf(stderr, "%s\n", dlg_error_text(device));
        abort();
    }
    dlg_program_close(program);
    dlg_device_close(device);
}

static CompileResult compile(const char *text, size_t len, CompileOptions options) {
    options.memory_limit_bytes = (size_t)256 << 20;
    CompileResult r = compile_text("fuzz.dlg", text, len, &options);
    require_readable(r.diagnostics);
    require(r.status == 0 ? r.text != NULL : r.status == 1 && *r.diagnostics);
    return r;
}

/* A graph is a program in the language; it may be over a limit that what it was made from is not. */
static void require_compiles(const CompileResult *graph) {
    CompileResult r = compile(graph->text, graph->text_len, (CompileOptions){.emit = EMIT_GRAPH});
    if (r.status && !strstr(r.diagnostics, "[E01") && !strstr(r.diagnostics, "[E06")) {
        fputs(r.diagnostics, stderr);
        fputs(graph->text, stderr);
        abort();
    }
    compile_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const Emit emits[] = {EMIT_CL,    EMIT_CL,  EMIT_GRAPH,   EMIT_CL,
                                 EMIT_GRAPH, EMIT_DOT, EMIT_EXPLAIN, EMIT_C};
    static const char *const targets[] = {"cpu", "gpu"};
    static const int levels[] = {0, 0, 1, 2};
    CompileOptions options = {.emit = emits[size % COUNT_OF(emits)]};
    options.target = targets[size / 8 % COUNT_OF(targets)];
    options.opt_level = levels[size / 16 % COUNT_OF(levels)];
    if (size / 64 % 4 == 3) options.mem_budget_bytes = 4096;
    char *text = fuzz_copy(data, size, 0);
    CompileResult r = compile(text, size, options);
    if (r.status == 0 && options.emit == EMIT_CL) require_loadable(&r);
    if (r.status == 0 && options.emit == EMIT_GRAPH) require_compiles(&r);
    compile_free(&r);
    free(text);
    return 0;
}

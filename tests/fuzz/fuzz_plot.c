/* Any bytes as the log of a training run: drawn as well-formed XML, or refused. */
#include <stdio.h>
#include "fuzz.h"
#include "plot.h"

/* Tags are closed, and no character is there that XML has not. */
static void require_xml(const char *text, size_t len) {
    size_t depth = 0;
    for (size_t i = 0; i < len; i++) {
        require((unsigned char)text[i] >= ' ' || text[i] == '\n');
        if (text[i] != '<') continue;
        const char *end = memchr(text + i, '>', len - i);
        require(end != NULL);
        if (text[i + 1] == '/')
            require(depth-- > 0);
        else
            depth += end[-1] != '/';
    }
    require(depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Plot plot = {.title = strdup("fuzz")};
    char *svg = NULL;
    size_t len = 0;
    if (size == 0) return free(plot.title), 0; /* fmemopen takes no less than a byte */
    char *log = fuzz_copy(data, size, 0);
    FILE *in = fmemopen(log, size, "r");
    require(plot.title && in);
    if (plot_read(&plot, in, "fuzz.jsonl") == EXIT_DONE) {
        FILE *out = open_memstream(&svg, &len);
        require(out != NULL);
        svg_write(out, &plot);
        require(fclose(out) == 0);
        require_xml(svg, len);
    }
    fclose(in);
    plot_free(&plot);
    free(svg);
    free(log);
    return 0;
}

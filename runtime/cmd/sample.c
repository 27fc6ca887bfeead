/* dlg sample: text from a model that was trained on one. */
#include <string.h>
#include "cmd.h"

static int print(const char *text, size_t bytes, void *user) {
    char *last = user;
    fwrite(text, 1, bytes, stdout);
    *last = text[bytes - 1];
    fflush(stdout);
    return interrupted();
}

int cmd_sample(const Args *a) {
    Session s = {0};
    if (!a->load) {
        complain("which weights? Give --load W.safetensors");
        return EXIT_USAGE;
    }
    int status = session_open(&s, a, true);
    if (!status) status = session_load_weights(&s, a);
    if (!status) status = session_set_tensors(&s, a);
    if (!status) {
        char last = 0;
        dlg_sample_options options = {.entry = a->entry,
                                      .prompt = a->prompt,
                                      .prompt_bytes = a->prompt ? strlen(a->prompt) : 0,
                                      .length = a->length,
                                      .temperature = a->temperature,
                                      .top_k = a->top_k,
                                      .seed = a->seed,
                                      .text = print,
                                      .user = &last};
        interrupt_catch();
        /* The prompt is checked before it is shown. */
        options.length = 0;
        int sampled = dlg_sample(s.prog, &options);
        if (sampled == DLG_OK && a->prompt) fputs(a->prompt, stdout);
        options.length = a->length;
        if (sampled == DLG_OK) sampled = dlg_sample(s.prog, &options);
        if (last != '\n' && sampled != DLG_ERR_DATA && (last || a->prompt)) putchar('\n');
        if (sampled == DLG_ERR_STOPPED)
            status = EXIT_SIGNAL + interrupted();
        else if (sampled < 0)
            status = complain_status(s.dev, sampled);
    }
    session_close(&s);
    return status;
}

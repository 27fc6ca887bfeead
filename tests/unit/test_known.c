/* What the prelude gives, against what others computed (tests/known/make_known.py): every function of the
 * prelude is called in a program of tests/known, or is in the list below with the reason why it is not. */
#include <ctype.h>

#include "compile.h"
#include "device_fixture.h"
#include "embedded.h"
#include "rt_fixture.h"

#define KNOWN      DLG_SOURCE_DIR "/tests/known/"
#define MOST_OFF   1e-5 /* err_NAME: of the greatest value */
#define MOST_VAGUE 0.02 /* rough_NAME: what is random */

static void check_outputs(dlg_program *prog, const char *entry, size_t *checked) {
    const dlg_entry *e = dlg_entry_find(prog, entry);
    CU_ASSERT_EQUAL(dlg_run(prog, entry), DLG_OK);
    for (size_t i = 0; e && i < e->return_count; i++) {
        float off = -1;
        const char *name = e->returns[i]->name;
        double most = strncmp(name, "rough_", 6) ? MOST_OFF : MOST_VAGUE;
        CU_ASSERT_EQUAL(dlg_get(prog, name, &off, sizeof off), DLG_OK);
        CU_ASSERT(off >= 0 && off <= most);
        if (!(off >= 0 && off <= most))
            fprintf(stderr, "%s is %g, and %g at most was wanted\n", name, (double)off, most);
        ++*checked;
    }
}

static void run_known(const char *path, size_t least) {
    dlg_device *dev = open_device();
    dlg_program *prog;
    double steps = 0;
    size_t checked = 0;
    const char *kind = strcmp(dlg_device_get_info(dev)->type, "gpu") ? "cpu" : "gpu";
    const char *target = target_of_kind(dev, kind);
    CompileResult r = compile_file(path, &(CompileOptions){.target = target});
    if (r.status) fprintf(stderr, "%s", r.diagnostics);
    CU_ASSERT_EQUAL_FATAL(r.status, 0);
    int status = dlg_program_load_text(&prog, dev, path, r.text, r.text_len, NULL);
    if (status < 0) fprintf(stderr, "%s\n", dlg_error_text(dev));
    CU_ASSERT_EQUAL_FATAL(status, DLG_OK);
    CU_ASSERT_EQUAL_FATAL(dlg_program_const(prog, "steps", &steps), DLG_OK);
    if (dlg_entry_find(prog, "set")) CU_ASSERT_EQUAL(dlg_run(prog, "set"), DLG_OK);
    for (int i = 0; i < steps; i++) check_outputs(prog, "train", &checked);
    check_outputs(prog, "check", &checked);
    if (dlg_entry_find(prog, "train")) check_outputs(prog, "train", &checked);
    CU_ASSERT(checked >= least);
    compile_free(&r);
    dlg_program_close(prog);
    dlg_device_close(dev);
}

static void test_prelude(void) {
    run_known(KNOWN "prelude.dlg", 100);
}

static void test_optimizers(void) {
    run_known(KNOWN "optimizers.dlg", 14);
}

/* What a `scan` computes against what `for` unrolls. */
static void test_loops(void) {
    run_known(KNOWN "loops.dlg", 6);
}

/* ---- Nothing is left out ----------------------------------------------------------------------- */

static bool calls(const char *text, const char *name, size_t len) {
    for (const char *s = text; (s = strstr(s, name)) != NULL; s += len) {
        bool starts = s == text || !(isalnum((unsigned char)s[-1]) || s[-1] == '_');
        if (starts && s[len] == '(') return true;
    }
    return false;
}

static void test_all_are_known(void) {
    /* What others of the list are made of, and conditions. */
    static const char *const parts[] = {
        "shift_of",     "same_shape",  "probabilities_of", "difference",     "pad_last",
        "with_place",   "per_group",   "pool_windows",     "pool_windows1d", "per_channel",
        "channel_mean", "split_heads", "prepared",         "warmth"};
    char *text[2];
    size_t len, count = 0;
    read_text(KNOWN "prelude.dlg", &text[0], &len);
    read_text(KNOWN "optimizers.dlg", &text[1], &len);
    for (const char *s = dlg_prelude; s; s = strchr(s, '\n')) {
        s += *s == '\n';
        size_t skip = !strncmp(s, "fn ", 3) ? 3 : !strncmp(s, "optimizer ", 10) ? 10 : 0;
        if (!skip) continue;
        char name[64] = "";
        size_t n = strcspn(s + skip, "(");
        CU_ASSERT_FATAL(n < sizeof name);
        memcpy(name, s + skip, n);
        bool part = false;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            part = part || !strcmp(parts[i], name);
        bool known = calls(text[0], name, n) || calls(text[1], name, n);
        for (int i = 0; i < 2 && !known; i++) { /* initial values stand after ~ */
            const char *at = strstr(text[i], name);
            known = at && at - text[i] > 2 && at[-2] == '~';
        }
        if (!known && !part)
            fprintf(stderr, "%s of the prelude has no known value in tests/known\n", name);
        CU_ASSERT(known || part);
        count++;
    }
    CU_ASSERT(count > 80);
    free(text[0]);
    free(text[1]);
}

RUN_SUITE("known", {"the prelude", test_prelude}, {"optimizers", test_optimizers},
          {"loops", test_loops}, {"nothing is left out", test_all_are_known})

/* man: see man.h. */
#include "man.h"

#include <ctype.h>
#include <string.h>
#include "markdown.h"
#include "standard.h"

void man_begin(FILE *out, const char *name, const char *version, const char *brief,
               size_t brief_len) {
    fputs(".TH ", out);
    for (const char *s = name; *s; s++) fputc(toupper((unsigned char)*s), out);
    fprintf(out, " 1 \"\" \"dlg %s\"\n.SH NAME\n", version);
    man_text(out, name, strlen(name));
    fputs(" \\- ", out);
    if (brief_len && brief[brief_len - 1] == '.') brief_len--;
    man_text(out, brief, brief_len);
    fputc('\n', out);
}

static void one_option(FILE *out, const struct argp_option *o) {
    fputs(".TP\n", out);
    if (o->key > 0 && o->key < 128 && isprint(o->key))
        fprintf(out, "\\fB\\-%c\\fR%s%s%s, ", o->key, o->arg ? " \\fI" : "", o->arg ? o->arg : "",
                o->arg ? "\\fR" : "");
    fputs("\\fB\\-\\-", out);
    man_text(out, o->name, strlen(o->name));
    fputs("\\fR", out);
    if (o->arg) fprintf(out, "=\\fI%s\\fR", o->arg);
    fputc('\n', out);
    man_text(out, o->doc, strlen(o->doc));
    fputs(".\n", out);
}

void man_options(FILE *out, const struct argp_option *options, size_t count) {
    const struct argp_option *all = standard_help[0].argp->options;
    for (size_t i = 0; i < count; i++)
        if (!(options[i].flags & OPTION_HIDDEN)) one_option(out, &options[i]);
    for (size_t i = 0; all[i].name; i++) one_option(out, &all[i]);
}

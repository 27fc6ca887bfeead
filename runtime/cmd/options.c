/* options: see options.h. */
#define _POSIX_C_SOURCE 200809L /* strndup */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../nearest.h"

static const char *option_name(const void *options, size_t i) {
    const struct argp_option *option = &((const struct argp_option *)options)[i];
    return option->flags & OPTION_HIDDEN ? NULL : option->name;
}

/* Whether a model most likely has a constant for what elsewhere is an option. */
static bool is_constant(const char *name) {
    static const char *const constants[] = {
        "batch",         "batch-size", "batch_size", "bs",      "lr",    "learning-rate",
        "learning_rate", "rate",       "hidden",     "units",   "width", "depth",
        "layers",        "heads",      "momentum",   "dropout", "decay", "classes"};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (strcmp(constants[i], name) == 0) return true;
    return false;
}

/* An option that is none, before argp says no more than that. */
static void refuse_option(const char *command, const char *name, size_t len,
                          const struct argp_option *options, size_t count,
                          bool (*print_elsewhere)(const char *name), int status) {
    static const char *const of_all[] = {"help", "usage"};
    for (size_t i = 0; i < sizeof of_all / sizeof *of_all; i++)
        if (strncmp(of_all[i], name, len) == 0) return;
    char *copy = strndup(name, len);
    if (!copy) return;
    const char *near = nearest_name(copy, options, count, option_name);
    bool defines = false;
    for (size_t i = 0; i < count; i++) defines = defines || options[i].key == 'D';
    fprintf(stderr, "%s: unrecognized option '--%s'", command, copy);
    if (defines && is_constant(copy))
        fputs(". A constant of the model is set by -D NAME=VALUE", stderr);
    else if (!(print_elsewhere && print_elsewhere(copy)) && near)
        fprintf(stderr, "; is it --%s?", near);
    fprintf(stderr, "\nTry `%s --help'.\n", command);
    free(copy);
    exit(status);
}

/* An argument may stand behind each, and abbreviations may be taken. */
void options_check(const char *command, int argc, char **argv, const struct argp_option *options,
                   size_t count, bool (*print_elsewhere)(const char *name), int status) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const struct argp_option *found = NULL;
        bool is_long = strncmp(argv[i], "--", 2) == 0;
        const char *name = argv[i] + (is_long ? 2 : 1);
        size_t len = is_long ? strcspn(name, "=") : 1;
        if (argv[i][0] != '-' || !*name) continue;
        do { /* of letters several may stand together, and what is behind one that takes a value is it */
            name += found != NULL;
            found = NULL;
            for (size_t k = 0; k < count && !found; k++)
                if (is_long ? strncmp(options[k].name, name, len) == 0 : options[k].key == *name)
                    found = &options[k];
        } while (!is_long && found && !found->arg && name[1]);
        if (is_long && !found)
            refuse_option(command, name, len, options, count, print_elsewhere, status);
        i += found && found->arg && !name[len];
    }
}

/* dlg: the command. Finds the subcommand; everything else is in the file of that name. */
#define _POSIX_C_SOURCE 200809L /* unsetenv */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "help.h"
#include "standard.h"

typedef struct Command {
    const char *name;
    int (*run)(const Args *);
} Command;

static const Command commands[] = {
    {"train", cmd_train},     {"eval", cmd_eval},     {"run", cmd_run},   {"inspect", cmd_inspect},
    {"devices", cmd_devices}, {"verify", cmd_verify}, {"plot", cmd_plot}, {"sample", cmd_sample},
    {"report", cmd_report},   {"sweep", cmd_sweep},   {"tune", cmd_tune},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const Command *find(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}

static int no_command(const char *name) {
    const char *end = strrchr(name, '.'), *near = args_nearest(name);
    if (end && (strcmp(end, ".dlg") == 0 || strcmp(end, ".cl") == 0))
        complain("what is to be done with %s? `dlg train %s`, for one; `dlg --help` lists the "
                 "commands",
                 name, name);
    else if (near)
        complain("there is no command `%s`; is it `%s`? `dlg --help` lists them", name, near);
    else
        complain("there is no command `%s`; `dlg --help` lists them", name);
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    interrupt_begin();
    standard_hold();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, as a full disk is */
    const char *cache = getenv("POCL_CACHE_DIR");
    if (cache && !*cache) unsetenv("POCL_CACHE_DIR"); /* which PoCL would end the process for */
    if (argc < 2) {
        args_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("dlg %s\n", dlg_version());
        return standard_finish("dlg", EXIT_DONE);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "-?") == 0) {
        args_help(stdout);
        return standard_finish("dlg", EXIT_DONE);
    }
    static char help_option[] = "--help";
    if (strcmp(name, "help") == 0) {
        if (argc < 3 || !find(argv[2])) return standard_finish("dlg", cmd_help(argc - 2, argv + 2));
        name = argv[2]; /* help COMMAND is COMMAND --help */
        argv[2] = help_option;
    }
    if (strcmp(name, build_command) == 0) return builders_run(argv + 2, argc - 2);
    const Command *command = find(name);
    if (!command) return no_command(name);
    Args args;
    args_parse(&args, command->name, argc - 1, argv + 1);
    int status = command->run(&args);
    args_free(&args);
    return standard_finish("dlg", status);
}

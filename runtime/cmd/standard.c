/* standard: see standard.h. */
#include "standard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void standard_hold(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return; /* without a /dev/null there is none to take */
}

int standard_finish(const char *command, int status) {
    enum { SYSTEM_FAILED = 3 };
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || status) return status;
    fprintf(stderr, "%s: cannot write to the standard output%s%s\n", command, errno ? ": " : "",
            errno ? strerror(errno) : "");
    return SYSTEM_FAILED;
}

enum { KEY_USAGE = 1 << 16 };

static error_t take_help(int key, char *value, struct argp_state *state) {
    (void)value;
    if (key != '?' && key != KEY_USAGE) return ARGP_ERR_UNKNOWN;
    argp_state_help(state, state->out_stream,
                    key == '?' ? ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK : ARGP_HELP_USAGE);
    exit(standard_finish(state->name, 0));
}

static const struct argp_option help_options[] = {
    {"help", '?', NULL, 0, "Give this help list", -1},
    {"usage", KEY_USAGE, NULL, 0, "Give a short usage message", -1},
    {0},
};
static const struct argp help_argp = {help_options, take_help, NULL, NULL, NULL, NULL, NULL};
const struct argp_child standard_help[] = {{&help_argp, 0, NULL, 0}, {0}};

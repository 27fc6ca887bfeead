/* standard: see standard.h. */
#include "standard.h"

#include <fcntl.h>
#include <unistd.h>

void standard_hold(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return; /* without a /dev/null there is none to take */
}

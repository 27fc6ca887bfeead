/* build_log: what a driver says of kernels that do not build, as one can use it. */
#ifndef DLG_BUILD_LOG_H
#define DLG_BUILD_LOG_H

#include <stdint.h>

/* The errors that the log names first, at the lines of the file, and behind them these lines. `text` was built as the lines of
 * `file` from `first` on, which a line before it, #line, told the driver; 0: the log names lines of something else. Freed by
 * the caller; NULL: there is no memory. */
char *build_log(const char *log, const char *file, int64_t first, const char *text);

#endif

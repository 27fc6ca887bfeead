/* real_path: where what is written goes, in both commands and the library. */
#ifndef DLG_REAL_PATH_H
#define DLG_REAL_PATH_H

/* Where a file that is written under that path lies: links are followed, also to what is not there yet. To be freed.
 * NULL: errno says why. */
char *rt_real_path(const char *path);

#endif

/* standard: the standard input, output and error of dlg and dlgc. */
#ifndef DLG_STANDARD_H
#define DLG_STANDARD_H

/* First of all: takes the numbers of those that are closed, or a file that is opened later would be the standard output,
 * and get what is printed. To write to one that was closed stays an error. */
void standard_hold(void);

#endif

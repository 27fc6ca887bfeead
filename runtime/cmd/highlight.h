/* highlight: OpenCL C cut into what an editor would colour. */
#ifndef DLG_HIGHLIGHT_H
#define DLG_HIGHLIGHT_H

#include <stddef.h>

typedef enum Token {
    TOKEN_PLAIN,
    TOKEN_COMMENT,
    TOKEN_DIRECTIVE, /* of the preprocessor, to the end of its line */
    TOKEN_STRING,
    TOKEN_NUMBER,
    TOKEN_KEYWORD,
    TOKEN_TYPE,
} Token;

/* Gives the whole text, piece by piece and in order, to `put`. No piece but a comment goes over a line. */
void highlight(const char *text, size_t len,
               void (*put)(void *user, Token kind, const char *text, size_t len), void *user);

#endif

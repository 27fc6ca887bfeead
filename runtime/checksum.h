/* checksum: how one is written, of the library and of dlgc. */
#ifndef DLG_CHECKSUM_H
#define DLG_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

enum { CHECKSUM_DIGITS = 16 };

/* Reads 16 hexadecimal digits, of which the letters are small. False: the text is something else, or more. */
static inline bool checksum_parse(const char *text, uint64_t *sum) {
    int digits = 0;
    *sum = 0;
    for (; *text && digits <= CHECKSUM_DIGITS; text++, digits++) {
        const bool number = *text >= '0' && *text <= '9';
        if (!number && !(*text >= 'a' && *text <= 'f')) return false;
        *sum = *sum << 4 | (uint64_t)(number ? *text - '0' : *text - 'a' + 10);
    }
    return digits == CHECKSUM_DIGITS;
}

#endif

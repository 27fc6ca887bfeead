/* rowset: which rows of a data set are meant, ascending, without a number for each.
 *
 * Note "many rows": where a file does not fit the memory it may have more rows than there is room for their numbers.
 * So a set is a range, or a bit a row with a count before every BLOCK_BITS. */
#include "data.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_WORDS = 8, BLOCK_BITS = 64 * BLOCK_WORDS };

int rowset_open(dlg_device *dev, RowSet *s, size_t rows) {
    size_t blocks = rows / BLOCK_BITS + 1;
    *s = (RowSet){.blocks = blocks};
    s->bits = calloc(blocks * BLOCK_WORDS, sizeof *s->bits);
    s->below = calloc(blocks, sizeof *s->below);
    if (s->bits && s->below) return DLG_OK;
    rowset_close(s);
    return rt_no_memory(dev, blocks * BLOCK_WORDS * sizeof *s->bits);
}

RowSet rowset_range(size_t first, size_t count) {
    return (RowSet){.first = first, .count = count};
}

void rowset_add(RowSet *s, size_t row) {
    s->bits[row / 64] |= (uint64_t)1 << (row % 64);
}

static uint32_t ones(uint64_t word) {
    uint32_t n = 0;
    for (; word; word &= word - 1) n++;
    return n;
}

void rowset_count(RowSet *s) {
    s->count = 0;
    for (size_t b = 0; b < s->blocks; b++) {
        s->below[b] = (uint32_t)s->count;
        for (size_t w = 0; w < BLOCK_WORDS; w++) s->count += ones(s->bits[b * BLOCK_WORDS + w]);
    }
}

uint32_t rowset_at(const RowSet *s, size_t k) {
    if (!s->bits) return (uint32_t)(s->first + k);
    size_t low = 0, high = s->blocks; /* the block that has it is in low..high-1 */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(s->below[middle] <= k ? &low : &high) = middle;
    }
    size_t left = k - s->below[low], word = low * BLOCK_WORDS;
    for (uint32_t n; (n = ones(s->bits[word])) <= left; word++) left -= n;
    uint64_t bits = s->bits[word];
    for (; left; left--) bits &= bits - 1;
    bits &= ~bits + 1; /* the lowest alone */
    return (uint32_t)(word * 64 + ones(bits - 1));
}

void rowset_close(RowSet *s) {
    free(s->bits);
    free(s->below);
    *s = (RowSet){0};
}

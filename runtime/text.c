/* text: a text as windows of tokens, which are its bytes or the numbers of its characters.
 *
 * Requires nothing of the file or of the vocabulary, which may come from a weights file. Establishes: every
 * token is below the vocabulary's size (256 for bytes); two windows share one token at most, and every token
 * but the first is the one after some other in exactly one window, but for those at the end that fill none.
 *
 * Note "numbers": a bit for each of Unicode's code points says which there are; a character's number is how
 * many are below it, from a count before each word and the bits within. */
#include "data.h"

#include <stdlib.h>
#include <string.h>

enum { CODE_POINTS = 0x110000, WORDS = CODE_POINTS / 64 };

typedef struct Characters {
    uint64_t there[WORDS];
    uint32_t below[WORDS];
    uint32_t count;
} Characters;

static bool has(const Characters *c, uint32_t code) {
    return c->there[code / 64] >> (code % 64) & 1;
}

static uint32_t bits(uint64_t word) {
    uint32_t n = 0;
    for (; word; word &= word - 1) n++;
    return n;
}

static void count_below(Characters *c) {
    c->count = 0;
    for (size_t i = 0; i < WORDS; i++) {
        c->below[i] = c->count;
        c->count += bits(c->there[i]);
    }
}

static int32_t number_of(const Characters *c, uint32_t code) {
    uint64_t lower = ((uint64_t)1 << (code % 64)) - 1;
    return (int32_t)(c->below[code / 64] + bits(c->there[code / 64] & lower));
}

/* ---- Errors ------------------------------------------------------------------------------------ */

static int fail_at(dlg_device *dev, const char *path, const char *text, const char *at,
                   const char *why) {
    size_t line = 1;
    for (const char *c = text; c < at; c++) line += *c == '\n';
    return rt_fail(dev, DLG_ERR_DATA, "%s:%zu: byte %zu of the file: %s", path, line,
                   (size_t)(at - text), why);
}

static int fail_unknown(dlg_device *dev, const char *path, const char *text, const char *at,
                        size_t len, uint32_t code, uint32_t count) {
    char shown[8] = "", why[160];
    bool visible = code > ' ' && !(code >= 0x7f && code < 0xa0);
    if (visible) memcpy(shown, at, len);
    snprintf(why, sizeof why,
             "%s%s%sU+%04X is not in the vocabulary of the weights, which has %u characters",
             visible ? "`" : "", shown, visible ? "`, " : "", code, count);
    return fail_at(dev, path, text, at, why);
}

/* ---- Vocabularies ------------------------------------------------------------------------------ */

static int take_known(dlg_device *dev, const TextTake *t, Characters *c) {
    const char *at = t->known, *end = at + strlen(at);
    int64_t last = -1;
    while (at < end) {
        uint32_t code;
        size_t len = rt_utf8_char(at, end, &code);
        if (len == 0 || (int64_t)code <= last)
            return rt_fail(dev, DLG_ERR_DATA,
                           "the weights' vocabulary for `%s` is not characters in ascending order",
                           t->name);
        c->there[code / 64] |= (uint64_t)1 << (code % 64);
        last = code;
        at += len;
    }
    count_below(c);
    return DLG_OK;
}

static int spell(dlg_device *dev, const Characters *c, TextTake *t) {
    size_t used = 0;
    t->vocabulary = malloc((size_t)c->count * 4 + 1);
    if (!t->vocabulary) return rt_no_memory(dev, (uint64_t)c->count * 4);
    for (uint32_t word = 0; word < WORDS; word++)
        for (uint32_t bit = 0; c->there[word] && bit < 64; bit++)
            if (has(c, word * 64 + bit)) used += rt_utf8_put(t->vocabulary + used, word * 64 + bit);
    t->vocabulary[used] = 0;
    t->vocabulary_size = c->count;
    return DLG_OK;
}

/* ---- Windows ----------------------------------------------------------------------------------- */

/* Room for the windows of t->tokens tokens. */
static int windows(dlg_device *dev, const char *path, TextTake *t) {
    size_t step = t->window > 1 ? t->window - 1 : 1;
    t->rows = t->tokens < t->window ? 0 : (t->tokens - t->window) / step + 1;
    t->left = t->rows ? (t->tokens - t->window) % step : t->tokens;
    if (t->rows == 0)
        return rt_fail(dev, DLG_ERR_DATA, "%s: has %zu %s, and a sample of `%s` is a window of %zu",
                       path, t->tokens, t->chars ? "characters" : "bytes", t->name, t->window);
    uint64_t bytes;
    if (!rt_mul((uint64_t)t->rows * dlg_type_bytes(t->type), t->window, &bytes) ||
        bytes > SIZE_MAX / 2 || !(t->values = malloc((size_t)bytes)))
        return rt_no_memory(dev, (uint64_t)t->rows * t->window);
    return DLG_OK;
}

/* Token i of the text into the windows that hold it. */
static void put(const TextTake *t, size_t i, int32_t token) {
    size_t step = t->window > 1 ? t->window - 1 : 1, row = i / step, column = i % step;
    size_t at[2] = {row * t->window + column, (row - 1) * t->window + step};
    bool in[2] = {row < t->rows, column == 0 && row > 0 && row <= t->rows && t->window > 1};
    for (int k = 0; k < 2; k++) {
        if (!in[k]) continue;
        if (t->type == DLG_U8)
            ((uint8_t *)t->values)[at[k]] = (uint8_t)token;
        else
            ((int32_t *)t->values)[at[k]] = token;
    }
}

static int parse_chars(dlg_device *dev, const char *path, const char *text, size_t len, TextTake *t,
                       Characters *c) {
    const char *end = text + len, *first = text;
    uint32_t code;
    size_t n;
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) first += 3;
    if (t->known) TRY(take_known(dev, t, c));
    for (const char *at = first; at < end; at += n) {
        n = rt_utf8_char(at, end, &code);
        if (n == 0) return fail_at(dev, path, text, at, "it is not UTF-8; `bytes` takes any file");
        if (code == 0)
            return fail_at(dev, path, text, at, "a NUL is in no text; `bytes` takes any file");
        if (t->known && !has(c, code)) return fail_unknown(dev, path, text, at, n, code, c->count);
        c->there[code / 64] |= (uint64_t)1 << (code % 64);
        t->tokens++;
    }
    count_below(c);
    if (t->type == DLG_U8 && c->count > 256)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: has %u different characters, and `%s` is u8, which numbers 256 at most",
                       path, c->count, t->name);
    TRY(windows(dev, path, t));
    size_t i = 0;
    for (const char *at = first; at < end; at += n) {
        n = rt_utf8_char(at, end, &code);
        put(t, i++, number_of(c, code));
    }
    return spell(dev, c, t);
}

int text_parse(dlg_device *dev, const char *path, const char *text, size_t len, TextTake *t) {
    int status;
    t->values = NULL;
    t->vocabulary = NULL;
    t->vocabulary_size = t->rows = t->tokens = t->left = 0;
    if (t->type != DLG_I32 && t->type != DLG_U8)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: what is taken of a text are numbers: `%s` must be i32 or u8, not %s",
                       path, t->name, dlg_type_name(t->type));
    if (t->chars) {
        Characters *c = calloc(1, sizeof *c);
        if (!c) return rt_no_memory(dev, sizeof *c);
        status = parse_chars(dev, path, text, len, t, c);
        free(c);
    } else {
        t->tokens = len;
        t->vocabulary_size = 256;
        status = windows(dev, path, t);
        for (size_t i = 0; status == DLG_OK && i < len; i++) put(t, i, (unsigned char)text[i]);
    }
    if (status == DLG_OK) return DLG_OK;
    free(t->values);
    t->values = NULL;
    return status;
}

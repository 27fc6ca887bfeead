/* text: a text as windows of tokens, which are its bytes or the numbers of its characters. It is read in pieces, of
 * characters twice: once for those that there are, once for their numbers.
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

/* ---- Characters of a file ------------------------------------------------------------------------- */

enum { PIECE_BYTES = 64 << 10, MOST_CHAR_BYTES = 4 };

typedef struct Walk {
    dlg_device *dev;
    const char *path;
    const DataFile *file;
    uint64_t place; /* of the byte at `at` */
    size_t line;
    const char *at, *end; /* what is there */
    char piece[PIECE_BYTES];
} Walk;

static int fail_at(const Walk *w, const char *why) {
    return rt_fail(w->dev, DLG_ERR_DATA, "%s:%zu: byte %llu of the file: %s", w->path, w->line,
                   (unsigned long long)w->place, why);
}

static int fail_unknown(const Walk *w, size_t len, uint32_t code, uint32_t count,
                        const char *from) {
    char shown[8] = "", why[160];
    bool visible = code > ' ' && !(code >= 0x7f && code < 0xa0);
    if (visible) memcpy(shown, w->at, len);
    snprintf(
        why, sizeof why, "%s%s%sU+%04X is not in the vocabulary of %s, which has %u characters",
        visible ? "`" : "", shown, visible ? "`, " : "", code, from ? from : "the weights", count);
    return fail_at(w, why);
}

/* Reads on where less than a character may be left. */
static int walk_on(Walk *w) {
    size_t left = (size_t)(w->end - w->at);
    uint64_t rest = w->file->bytes - w->place - left;
    if (left >= MOST_CHAR_BYTES || rest == 0) return DLG_OK;
    size_t n = sizeof w->piece - left < rest ? sizeof w->piece - left : (size_t)rest;
    if (left) memmove(w->piece, w->at, left);
    TRY(data_at(w->dev, w->path, w->file, w->place + left, n, w->piece + left));
    w->at = w->piece;
    w->end = w->piece + left + n;
    return DLG_OK;
}

/* A byte order mark at the beginning is no character. */
static int walk_begin(Walk *w, dlg_device *dev, const char *path, const DataFile *file) {
    w->dev = dev;
    w->path = path;
    w->file = file;
    w->place = 0;
    w->line = 1;
    w->at = w->end = w->piece;
    TRY(walk_on(w));
    if (w->end - w->at < 3 || memcmp(w->at, "\xEF\xBB\xBF", 3) != 0) return DLG_OK;
    w->at += 3;
    w->place += 3;
    return DLG_OK;
}

/* The character at w->at, of *len bytes; 0 bytes at the end. */
static int walk_char(Walk *w, uint32_t *code, size_t *len) {
    TRY(walk_on(w));
    *len = 0;
    if (w->at == w->end) return DLG_OK;
    *len = rt_utf8_char(w->at, w->end, code);
    if (*len == 0) return fail_at(w, "it is not UTF-8; `bytes` takes any file");
    if (*code == 0) return fail_at(w, "a NUL is in no text; `bytes` takes any file");
    return DLG_OK;
}

static void walk_past(Walk *w, uint32_t code, size_t len) {
    w->line += code == '\n';
    w->at += len;
    w->place += len;
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

static size_t step_of(const TextTake *t) {
    return t->window > 1 ? t->window - 1 : 1;
}

/* The windows of t->tokens tokens, and room for them where they may be in memory. */
static int windows(dlg_device *dev, const char *path, TextTake *t) {
    size_t step = step_of(t);
    t->rows = t->tokens < t->window ? 0 : (t->tokens - t->window) / step + 1;
    t->left = t->rows ? (t->tokens - t->window) % step : t->tokens;
    if (t->rows == 0)
        return rt_fail(dev, DLG_ERR_DATA, "%s: has %zu %s, and a sample of `%s` is a window of %zu",
                       path, t->tokens, t->chars ? "characters" : "bytes", t->name, t->window);
    uint64_t bytes;
    if (!rt_mul((uint64_t)t->rows * dlg_type_bytes(t->type), t->window, &bytes)) bytes = UINT64_MAX;
    if (t->memory_bytes && bytes > t->memory_bytes) return DLG_OK;
    if (bytes > SIZE_MAX / 2 || !(t->values = malloc((size_t)bytes)))
        return rt_no_memory(dev, bytes);
    return DLG_OK;
}

/* Token i of the text into the windows that hold it. */
static void put(const TextTake *t, size_t i, int32_t token) {
    size_t step = step_of(t), row = i / step, column = i % step;
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

/* Samples that lie in a file of tokens, each element of it one, and share those at their ends. */
static int tokens_in_file(dlg_device *dev, const char *path, Element element, DataFile *file,
                          TextTake *t) {
    t->samples = (Rows){.type = t->type,
                        .elems = t->window,
                        .element = element,
                        .stride = step_of(t) * element.bytes,
                        .path = strdup(path)};
    rows_of_file(&t->samples, file);
    return t->samples.path ? DLG_OK : rt_no_memory(dev, strlen(path));
}

static int number_chars(Walk *w, const Characters *c, TextTake *t, Spool *tokens) {
    uint32_t code;
    size_t len;
    for (size_t i = 0;; i++) {
        char *to;
        TRY(walk_char(w, &code, &len));
        if (len == 0 && i == t->tokens) return DLG_OK;
        if (len == 0 || !has(c, code)) return fail_at(w, "the text changed while it was read");
        int32_t number = number_of(c, code);
        if (t->values) {
            put(t, i, number);
        } else {
            size_t bytes = c->count <= 256 ? 1 : 4;
            TRY(spool_room(tokens, bytes, &to));
            dlg_put_element(bytes == 1 ? DLG_U8 : DLG_I32, to, 0, number);
            spool_take(tokens, bytes);
        }
        walk_past(w, code, len);
    }
}

static int count_chars(Walk *w, Characters *c, TextTake *t) {
    uint32_t code;
    size_t len;
    for (;;) {
        TRY(walk_char(w, &code, &len));
        if (len == 0) return DLG_OK;
        if (t->known && !has(c, code)) return fail_unknown(w, len, code, c->count, t->from);
        c->there[code / 64] |= (uint64_t)1 << (code % 64);
        t->tokens++;
        walk_past(w, code, len);
    }
}

static int take_chars(dlg_device *dev, const char *path, const DataFile *file, TextTake *t,
                      Characters *c, Walk *w) {
    Spool tokens;
    if (t->known) TRY(take_known(dev, t, c));
    TRY(walk_begin(w, dev, path, file));
    TRY(count_chars(w, c, t));
    count_below(c);
    if (t->type == DLG_U8 && c->count > 256)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: has %u different characters, and `%s` is u8, which numbers 256 at most",
                       path, c->count, t->name);
    TRY(windows(dev, path, t));
    spool_open(&tokens, dev, t->memory_bytes);
    int status = walk_begin(w, dev, path, file);
    if (status == DLG_OK) status = number_chars(w, c, t, &tokens);
    if (status == DLG_OK && !t->values) status = spool_end(&tokens);
    if (status == DLG_OK && !t->values) {
        DataFile numbers = data_of_spool(&tokens);
        status = tokens_in_file(dev, path, element_plain(c->count <= 256 ? DLG_U8 : DLG_I32),
                                &numbers, t);
    }
    spool_close(&tokens);
    return status < 0 ? status : spell(dev, c, t);
}

static int take_bytes(dlg_device *dev, const char *path, const DataFile *file, TextTake *t) {
    t->tokens = (size_t)file->bytes;
    t->vocabulary_size = 256;
    TRY(windows(dev, path, t));
    if (!t->values) {
        DataFile again;
        TRY(data_again(dev, path, file, &again));
        return tokens_in_file(dev, path, element_plain(DLG_U8), &again, t);
    }
    unsigned char piece[4096];
    for (size_t at = 0; at < t->tokens; at += sizeof piece) {
        size_t n = t->tokens - at < sizeof piece ? t->tokens - at : sizeof piece;
        TRY(data_at(dev, path, file, at, n, piece));
        for (size_t i = 0; i < n; i++) put(t, at + i, piece[i]);
    }
    return DLG_OK;
}

int text_take(dlg_device *dev, const char *path, const DataFile *file, TextTake *t) {
    t->values = NULL;
    t->vocabulary = NULL;
    t->samples = (Rows){0};
    t->vocabulary_size = t->rows = t->tokens = t->left = 0;
    if (t->type != DLG_I32 && t->type != DLG_U8)
        return rt_fail(dev, DLG_ERR_DATA,
                       "%s: what is taken of a text are numbers: `%s` must be i32 or u8, not %s",
                       path, t->name, dlg_type_name(t->type));
    int status;
    if (t->chars) {
        Characters *c = calloc(1, sizeof *c);
        Walk *w = malloc(sizeof *w);
        status = c && w ? take_chars(dev, path, file, t, c, w)
                        : rt_no_memory(dev, sizeof *c + sizeof *w);
        free(c);
        free(w);
    } else {
        status = take_bytes(dev, path, file, t);
    }
    if (status == DLG_OK) return DLG_OK;
    free(t->values);
    t->values = NULL;
    rows_close(&t->samples);
    return status;
}

int text_parse(dlg_device *dev, const char *path, const char *text, size_t len, TextTake *t) {
    DataFile file = data_in_memory(text, len);
    return text_take(dev, path, &file, t);
}

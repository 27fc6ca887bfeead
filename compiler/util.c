/* util: arenas, text and interned strings (util.h).
 *
 * Requires: arenas are initialised with a limit whose `failed` point is set before the first
 * allocation. Establishes: memory from an arena is zeroed, aligned to 16 and within the limit. */
#include "util.h"

#include <math.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Under AddressSanitizer the unused part of a chunk is poisoned and allocations are kept apart, so
 * that a write beyond one of them is found although its chunk goes on. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#endif
#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#define poison(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define REDZONE_BYTES  16
#else
#define poison(p, n)   ((void)0)
#define unpoison(p, n) ((void)0)
#define REDZONE_BYTES  0
#endif

/* ---- Arena ---------------------------------------------------------------------------------- */

#define ARENA_ALIGN     ((size_t)16)
#define CHUNK_MIN_BYTES ((size_t)32 << 10)
#define CHUNK_MAX_BYTES ((size_t)1 << 20)

#define SPARE_MAX_BYTES ((size_t)8 << 20)

struct ArenaChunk {
    ArenaChunk *next;
    size_t bytes; /* of data */
    alignas(16) char data[];
};

void arena_init(Arena *a, ArenaLimit *limit) {
    *a = (Arena){.limit = limit};
}

void arena_fail(Arena *a) {
    longjmp(a->limit->failed, 1);
}

/* A waiting chunk of the arena around this one (chunk_free) that has room, or NULL. */
static ArenaChunk *take_spare(Arena *a, size_t bytes) {
    if (!a->parent) return NULL;
    for (ArenaChunk **at = &a->parent->spare; *at; at = &(*at)->next) {
        ArenaChunk *c = *at;
        if (c->bytes < bytes) continue;
        *at = c->next;
        a->parent->spare_bytes -= sizeof(ArenaChunk) + c->bytes;
        return c;
    }
    return NULL;
}

/* A chunk of at least so many bytes. A large one for one allocation is `zeroed` by the system, which is
 * free where it is new memory; of the others only what is handed out is zeroed. */
static ArenaChunk *chunk_new(Arena *a, size_t bytes, bool *zeroed) {
    ArenaChunk *c = take_spare(a, bytes);
    if (c) *zeroed = false, bytes = c->bytes;
    size_t total = sizeof(ArenaChunk) + bytes;
    ArenaLimit *limit = a->limit;
    if (limit->used_bytes > limit->limit_bytes || total > limit->limit_bytes - limit->used_bytes) {
        if (c) unpoison(c->data, c->bytes);
        free(c);
        arena_fail(a);
    }
    if (!c) c = *zeroed ? calloc(1, total) : malloc(total);
    if (!c) {
        limit->system_failed = true;
        arena_fail(a);
    }
    limit->used_bytes += total;
    if (limit->used_bytes > limit->most_bytes) limit->most_bytes = limit->used_bytes;
    c->bytes = bytes;
    poison(c->data, bytes);
    return c;
}

static size_t aligned(size_t bytes) {
    return ((bytes ? bytes : 1) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

void *arena_alloc(Arena *a, size_t bytes) {
    if (bytes > SIZE_MAX / 4) arena_fail(a);
    size_t room = aligned(bytes) + REDZONE_BYTES;
    char *p;
    bool zeroed = false;
    if (room <= (size_t)(a->end - a->at)) {
        p = a->at;
        a->at += room;
    } else {
        size_t grown = a->chunks ? a->chunks->bytes * 2 : CHUNK_MIN_BYTES;
        size_t chunk = grown < CHUNK_MIN_BYTES   ? CHUNK_MIN_BYTES
                       : grown > CHUNK_MAX_BYTES ? CHUNK_MAX_BYTES
                                                 : grown;
        if (room > chunk / 4 && a->chunks) {
            /* A large one gets a chunk of its own, behind the current one. */
            zeroed = true;
            ArenaChunk *c = chunk_new(a, room, &zeroed);
            c->next = a->chunks->next;
            a->chunks->next = c;
            p = c->data;
        } else {
            ArenaChunk *c = chunk_new(a, room > chunk ? room : chunk, &zeroed);
            c->next = a->chunks;
            a->chunks = c;
            p = c->data;
            a->at = c->data + room;
            a->end = c->data + c->bytes;
        }
    }
    unpoison(p, bytes);
    if (!zeroed) memset(p, 0, bytes);
    return p;
}

void *arena_grow(Arena *a, void *old, size_t old_bytes, size_t new_bytes) {
    if (new_bytes > SIZE_MAX / 4) arena_fail(a);
    if (old && new_bytes <= old_bytes) return old;
    size_t more = aligned(new_bytes) - aligned(old_bytes);
    if (old && !REDZONE_BYTES && (char *)old + aligned(old_bytes) == a->at &&
        more <= (size_t)(a->end - a->at)) { /* the last one: it grows where it is */
        memset((char *)old + old_bytes, 0, new_bytes - old_bytes);
        a->at += more;
        return old;
    }
    void *p = arena_alloc(a, new_bytes);
    if (old && old_bytes) memcpy(p, old, old_bytes);
    return p;
}

Arena *arena_open(Arena *parent) {
    Arena *a = NEW(parent, Arena);
    arena_init(a, parent->limit);
    a->parent = parent;
    a->next_open = a->limit->open;
    a->limit->open = a;
    return a;
}

void arena_close(Arena *a) {
    a->limit->open = a->next_open;
    arena_free(a);
}

void arena_close_all(ArenaLimit *limit) {
    while (limit->open) arena_close(limit->open);
}

char *arena_strndup(Arena *a, const char *s, size_t n) {
    char *p = arena_alloc(a, n + 1);
    if (n) memcpy(p, s, n);
    return p;
}

/* A chunk of an arena that was opened in another one waits there for the next: each launch has an arena,
 * and the system would clear its memory anew each time. */
static void chunk_free(Arena *parent, ArenaChunk *c) {
    size_t total = sizeof(ArenaChunk) + c->bytes;
    if (parent && c->bytes <= CHUNK_MAX_BYTES && total <= SPARE_MAX_BYTES - parent->spare_bytes) {
        c->next = parent->spare;
        parent->spare = c;
        parent->spare_bytes += total;
    } else {
        unpoison(c->data, c->bytes);
        free(c);
    }
}

void arena_free(Arena *a) {
    for (ArenaChunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        a->limit->used_bytes -= sizeof(ArenaChunk) + c->bytes;
        chunk_free(a->parent, c);
    }
    for (ArenaChunk *c = a->spare, *next; c; c = next) {
        next = c->next;
        chunk_free(a->parent, c);
    }
    *a = (Arena){.next_open = a->next_open, .parent = a->parent, .limit = a->limit};
}

/* ---- Text ------------------------------------------------------------------------------------ */

void text_init(Text *t, Arena *arena) {
    *t = (Text){.arena = arena};
}

static void text_grow(Text *t, size_t more) {
    if (more > SIZE_MAX / 8 || t->len > SIZE_MAX / 8) arena_fail(t->arena);
    size_t need = t->len + more + 1, cap = t->cap ? t->cap * 2 : 64;
    if (cap < need) cap = need;
    t->at = arena_grow(t->arena, t->at, t->cap, cap);
    t->cap = cap;
}

/* Room for `more` characters and the 0 after them. */
static inline void text_room(Text *t, size_t more) {
    if (more >= t->cap - t->len) text_grow(t, more);
}

static inline void add(Text *t, const char *s, size_t n) {
    text_room(t, n);
    if (n) memcpy(t->at + t->len, s, n);
    t->len += n;
    t->at[t->len] = 0;
}

void text_add(Text *t, const char *s, size_t n) {
    add(t, s, n);
}

void text_puts(Text *t, const char *s) {
    add(t, s, strlen(s));
}

/* Whether a format has only %s, %d, %u, %lld, %c and %%: most of what a program is printed with. */
static bool plain_format(const char *s) {
    while (*s) {
        if (*s++ != '%') continue;
        bool one = *s == 's' || *s == 'd' || *s == 'u' || *s == 'c' || *s == '%';
        if (!one && (s[0] != 'l' || s[1] != 'l' || s[2] != 'd')) return false;
        s += one ? 1 : 3;
    }
    return true;
}

static void text_whole_number(Text *t, unsigned long long v, bool negative) {
    char digits[24], *at = digits + sizeof(digits);
    do {
        *--at = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    if (negative) *--at = '-';
    text_add(t, at, (size_t)(digits + sizeof(digits) - at));
}

static void text_signed(Text *t, long long v) {
    text_whole_number(t, v < 0 ? 0 - (unsigned long long)v : (unsigned long long)v, v < 0);
}

static void plain_vprintf(Text *t, const char *fmt, va_list args) {
    for (const char *end = fmt;; end = fmt) {
        while (*end && *end != '%') end++;
        add(t, fmt, (size_t)(end - fmt));
        if (!*end) return;
        fmt = end + 2;
        switch (end[1]) {
        case 's': {
            const char *s = va_arg(args, const char *);
            add(t, s, strlen(s));
            break;
        }
        case 'u': text_whole_number(t, va_arg(args, unsigned), false); break;
        case 'd': text_signed(t, va_arg(args, int)); break;
        case 'l':
            text_signed(t, va_arg(args, long long));
            fmt = end + 4;
            break;
        default: {
            char c = end[1] == 'c' ? (char)va_arg(args, int) : '%';
            add(t, &c, 1);
        }
        }
    }
}

void text_vprintf(Text *t, const char *fmt, va_list args) {
    if (plain_format(fmt)) {
        plain_vprintf(t, fmt, args);
        return;
    }
    va_list again;
    va_copy(again, args);
    text_room(t, 0);
    int n = vsnprintf(t->at + t->len, t->cap - t->len, fmt, args);
    if (n > 0 && (size_t)n >= t->cap - t->len) {
        text_room(t, (size_t)n);
        vsnprintf(t->at + t->len, t->cap - t->len, fmt, again);
    }
    if (n > 0) t->len += (size_t)n;
    t->at[t->len] = 0;
    va_end(again);
}

void text_printf(Text *t, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    text_vprintf(t, fmt, args);
    va_end(args);
}

static bool text_special(Text *t, double value) {
    if (isnan(value))
        text_puts(t, "nan");
    else if (isinf(value))
        text_puts(t, value > 0 ? "inf" : "-inf");
    else
        return false;
    return true;
}

/* A whole number that is not large, as people write it: 10, not 1e+01. */
static bool text_whole(Text *t, double value) {
    if (!(value > -1e7 && value < 1e7) || value != (double)(int32_t)value || value == 0)
        return false;
    text_printf(t, "%d", (int)value);
    return true;
}

void text_f32(Text *t, float value) {
    char s[48] = "";
    if (text_special(t, (double)value) || text_whole(t, (double)value)) return;
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, (double)value);
        if (strtof(s, NULL) == value) break;
    }
    text_puts(t, s);
}

void text_f64(Text *t, double value) {
    char s[48] = "";
    if (text_special(t, value) || text_whole(t, value)) return;
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, value);
        if (strtod(s, NULL) == value) break;
    }
    text_puts(t, s);
}

char *arena_printf(Arena *a, const char *fmt, ...) {
    Text t;
    text_init(&t, a);
    va_list args;
    va_start(args, fmt);
    text_vprintf(&t, fmt, args);
    va_end(args);
    return t.at;
}

uint32_t utf8_char(const char *p, const char *end, int32_t *code) {
    const unsigned char *u = (const unsigned char *)p;
    uint32_t n = u[0] < 0x80 ? 1 : u[0] < 0xC2 ? 0 : u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
    *code = -1;
    if (n == 0 || u[0] > 0xF4 || (uint32_t)(end - p) < n) return 1;
    int32_t c = n == 1 ? u[0] : u[0] & (0x7F >> n);
    for (uint32_t i = 1; i < n; i++) {
        if ((u[i] & 0xC0) != 0x80) return 1;
        c = c << 6 | (u[i] & 0x3F);
    }
    if ((n == 3 && (c < 0x800 || (c >= 0xD800 && c < 0xE000))) ||
        (n == 4 && (c < 0x10000 || c > 0x10FFFF)))
        return 1;
    *code = c;
    return n;
}

/* ---- Interned strings -------------------------------------------------------------------------
 */

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed) {
    return XXH3_64bits_withSeed(data, len, seed);
}

uint64_t hash_lasting(const void *data, size_t len, uint64_t seed) {
    return XXH64(data, len, seed);
}

void names_init(Names *n, Arena *arena) {
    *n = (Names){.arena = arena};
}

static uint32_t names_place(const Names *n, const char *s, size_t len) {
    uint32_t i = (uint32_t)hash_bytes(s, len, 0) & (n->cap - 1);
    while (n->slot[i] && (strncmp(n->slot[i], s, len) || n->slot[i][len]))
        i = (i + 1) & (n->cap - 1);
    return i;
}

const char *names_add(Names *n, const char *s, size_t len) {
    /* A name ends at its first NUL: C strings are what everyone else compares. */
    const char *nul = len ? memchr(s, 0, len) : NULL;
    if (nul) len = (size_t)(nul - s);
    if ((n->count + 1) * 4 > n->cap * 3) {
        Names grown = {.arena = n->arena, .cap = n->cap ? n->cap * 2 : 256, .count = n->count};
        grown.slot = NEW_ARRAY(n->arena, const char *, grown.cap);
        for (uint32_t i = 0; i < n->cap; i++)
            if (n->slot[i])
                grown.slot[names_place(&grown, n->slot[i], strlen(n->slot[i]))] = n->slot[i];
        *n = grown;
    }
    uint32_t i = names_place(n, s, len);
    if (!n->slot[i]) {
        n->slot[i] = arena_strndup(n->arena, s, len);
        n->count++;
    }
    return n->slot[i];
}

bool names_has(const Names *n, const char *s, size_t len) {
    return n->cap && n->slot[names_place(n, s, len)];
}

const char *names_str(Names *n, const char *s) {
    return names_add(n, s, strlen(s));
}

/* ---- Sets of numbers -------------------------------------------------------------------------- */

static uint32_t *set_slot(const NumberSet *s, uint32_t number) {
    uint32_t at = number * 2654435769u; /* Source: Knuth, The Art of Computer Programming 3, 6.4 */
    for (at ^= at >> 16;; at++) {
        uint32_t *slot = &s->slot[at & (s->cap - 1)];
        if (!*slot || *slot == number + 1) return slot;
    }
}

bool set_add(NumberSet *s, uint32_t number) {
    if ((s->count + 1) * 2 > s->cap) {
        NumberSet grown = {.arena = s->arena, .cap = s->cap ? s->cap * 2 : 16, .count = s->count};
        grown.slot = NEW_ARRAY(s->arena, uint32_t, grown.cap);
        for (uint32_t i = 0; i < s->cap; i++)
            if (s->slot[i]) *set_slot(&grown, s->slot[i] - 1) = s->slot[i];
        *s = grown;
    }
    uint32_t *slot = set_slot(s, number);
    if (*slot) return false;
    *slot = number + 1;
    s->count++;
    return true;
}

bool set_has(const NumberSet *s, uint32_t number) {
    return s->count && *set_slot(s, number);
}

/* util: arenas, growable arrays, text, interned strings. Everything else in the compiler stands on
 * this header; it knows nothing of the language.
 *
 * Memory: an Arena owns all that is allocated from it and frees it at once. Nothing else in the
 * compiler frees. When memory runs out (or the arena's limit is reached) arena_alloc does not
 * return: it jumps to the arena's `failed` point, which compile.c sets; so no caller checks. */
#ifndef DLG_UTIL_H
#define DLG_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __GNUC__
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN               __attribute__((noreturn))
#else
#define PRINTF_LIKE(fmt, args)
#define NORETURN
#endif

/* ---- Arena ---------------------------------------------------------------------------------- */

/* What all arenas of one compilation share: how much they may take and where to go beyond it. */
typedef struct ArenaLimit {
    size_t used_bytes, limit_bytes;
    size_t most_bytes;  /* that were in use at one time */
    bool system_failed; /* the system had no memory, though the limit was not reached */
    jmp_buf failed;
    struct Arena *open; /* arenas of arena_open: to be freed too when there is no memory */
} ArenaLimit;

typedef struct ArenaChunk ArenaChunk;
typedef struct Arena {
    struct Arena *next_open;
    struct Arena *parent; /* of arena_open, or NULL */
    ArenaLimit *limit;
    ArenaChunk *chunks;
    ArenaChunk
        *spare; /* of arenas opened in this one and freed, for the next ones; not counted as used */
    size_t spare_bytes;
    char *at, *end;
} Arena;

void arena_init(Arena *a, ArenaLimit *limit);
void *arena_alloc(Arena *a, size_t bytes); /* zeroed, aligned to 16; jumps on failure */
void *arena_grow(Arena *a, void *old, size_t old_bytes, size_t new_bytes); /* copies; tail zeroed */
char *arena_strndup(Arena *a, const char *s, size_t n);
NORETURN void arena_fail(Arena *a); /* what arena_alloc does when there is no memory */
void arena_free(Arena *a);          /* frees every chunk; the arena may be used again */

/* An arena for a part of the work, to be closed before those that were opened earlier. */
Arena *arena_open(Arena *parent);
void arena_close(Arena *a);
/* After a failure: frees what was open. */
void arena_close_all(ArenaLimit *limit);

#define NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define NEW_ARRAY(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(n)))

/* ---- Growable arrays: VEC(T) v; v.at[i], v.len ----------------------------------------------- */

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *at;                                                                                  \
        uint32_t len, cap;                                                                         \
    }

#define vec_push(arena, v, ...)                                                                    \
    do {                                                                                           \
        if ((v)->len == (v)->cap) {                                                                \
            uint32_t cap_ = (v)->cap ? (v)->cap * 2 : 8;                                           \
            (v)->at = arena_grow((arena), (v)->at, (v)->cap * sizeof(*(v)->at),                    \
                                 cap_ * sizeof(*(v)->at));                                         \
            (v)->cap = cap_;                                                                       \
        }                                                                                          \
        (v)->at[(v)->len++] = (__VA_ARGS__);                                                       \
    } while (0)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Text: a growing string in an arena ------------------------------------------------------- */

typedef struct Text {
    Arena *arena;
    char *at; /* always NUL-terminated once anything was added */
    size_t len, cap;
} Text;

void text_init(Text *t, Arena *arena);
void text_add(Text *t, const char *s, size_t n);
void text_puts(Text *t, const char *s);
void text_printf(Text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void text_vprintf(Text *t, const char *fmt, va_list args);
/* The shortest decimal that reads back as the same f32 (or double); "inf", "-inf", "nan". */
void text_f32(Text *t, float value);
void text_f64(Text *t, double value);
char *arena_printf(Arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The length of the UTF-8 character at p < end, *code its number; for a byte that starts no
 * well-formed character 1, and *code -1. */
uint32_t utf8_char(const char *p, const char *end, int32_t *code);

/* ---- Interned strings: equal text, equal pointer ---------------------------------------------- */

typedef struct Names {
    Arena *arena;
    const char **slot;
    uint32_t cap, count;
} Names;

void names_init(Names *n, Arena *arena);
const char *names_add(Names *n, const char *s, size_t len);
const char *names_str(Names *n, const char *s);
bool names_has(const Names *n, const char *s, size_t len);

/* ---- Sets of numbers -------------------------------------------------------------------------- */

typedef struct NumberSet { /* zeroed but for its arena: empty */
    Arena *arena;
    uint32_t *slot; /* number + 1; 0 is free */
    uint32_t cap, count;
} NumberSet;

bool set_add(NumberSet *s, uint32_t number); /* false: it was there; below UINT32_MAX */
bool set_has(const NumberSet *s, uint32_t number);

/* For tables; and the one that a program's random numbers depend on, which must not change. */
uint64_t hash_bytes(const void *data, size_t len, uint64_t seed);
uint64_t hash_lasting(const void *data, size_t len, uint64_t seed);

#endif

/* number: text to f32 and f64, correctly rounded, in no locale.
 *
 * Most numbers are short: their digits are a whole number below 2^53 and their power of ten is exact
 * in a double, so that one multiplication or division rounds once (Clinger 1990). The rest go to
 * strtod and strtof under the C locale. */
#define _POSIX_C_SOURCE 200809L
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include "rt.h"

enum { MOST_DIGITS = 800 }; /* more cannot change how a double rounds but by being not all zero */

typedef struct Decimal {
    bool negative;
    char digits[MOST_DIGITS + 2]; /* significant ones; a dropped nonzero one shows as a last '1' */
    int count;
    uint64_t whole;      /* of the first 19 digits */
    int64_t exponent;    /* of the last digit */
    const char *special; /* "inf" or "nan" */
} Decimal;

static bool is_digit(const char *s, const char *end) {
    return s < end && *s >= '0' && *s <= '9';
}

static bool starts(const char *s, const char *end, const char *word) {
    size_t n = strlen(word);
    return (size_t)(end - s) >= n && memcmp(s, word, n) == 0;
}

/* Takes digits s.. into d; `fraction`: they stand behind the point. */
static const char *scan_digits(Decimal *d, const char *s, const char *end, bool fraction) {
    for (; is_digit(s, end); s++) {
        if (fraction) d->exponent--;
        if (d->count == 0 && *s == '0') continue;
        if (d->count < 19) d->whole = d->whole * 10 + (uint64_t)(*s - '0');
        if (d->count < MOST_DIGITS) {
            d->digits[d->count++] = *s;
            continue;
        }
        d->exponent++;
        if (*s != '0') d->digits[MOST_DIGITS] = '1';
    }
    return s;
}

static const char *scan(Decimal *d, const char *s, const char *end) {
    d->negative = false;
    d->count = 0;
    d->whole = 0;
    d->exponent = 0;
    d->special = NULL;
    d->digits[MOST_DIGITS] = '0';
    const char *start = s;
    if (s < end && (*s == '-' || *s == '+')) d->negative = *s++ == '-';
    if (starts(s, end, "inf")) {
        d->special = "inf";
        return s + 3;
    }
    if (s == start && starts(s, end, "nan")) {
        d->special = "nan";
        return s + 3;
    }
    const char *digits = s;
    s = scan_digits(d, s, end, false);
    bool any = s > digits;
    if (s < end && *s == '.' && (any || is_digit(s + 1, end))) {
        const char *behind = s + 1;
        s = scan_digits(d, behind, end, true);
        any = any || s > behind;
    }
    if (!any) return NULL;
    if (s < end && (*s == 'e' || *s == 'E')) {
        const char *e = s + 1;
        bool minus = e < end && *e == '-';
        if (e < end && (*e == '-' || *e == '+')) e++;
        if (is_digit(e, end)) {
            int64_t power = 0;
            for (; is_digit(e, end); e++)
                if (power < INT64_C(1000000000000)) power = power * 10 + (*e - '0');
            d->exponent += minus ? -power : power;
            s = e;
        }
    }
    return s;
}

/* The number if one operation gives it exactly rounded; both are exact in a double. */
static bool fast(const Decimal *d, double *value) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (d->count > 19 || d->whole > UINT64_C(1) << 53) return false;
    if (d->exponent < -22 || d->exponent > 22) return d->whole == 0 && (*value = 0, true);
    double whole = (double)d->whole;
    *value = d->exponent < 0 ? whole / tens[-d->exponent] : whole * tens[d->exponent];
    return true;
}

/* Writes the number for strtod into text. */
static void spell(const Decimal *d, char text[MOST_DIGITS + 40]) {
    int n = d->count;
    int64_t exponent = d->exponent;
    memcpy(text, d->digits, (size_t)n);
    if (n == MOST_DIGITS) {
        text[n++] = d->digits[MOST_DIGITS];
        exponent--;
    }
    if (exponent > 100000) exponent = 100000;
    if (exponent < -100000) exponent = -100000;
    snprintf(text + n, 40, "e%lld", (long long)exponent);
}

static double special(const Decimal *d) {
    double inf = 1e308 * 10;
    return d->special[0] == 'i' ? inf : inf - inf;
}

/* strtod or strtof under the C locale; only this thread's locale changes, and it comes back. */
static double slow(const Decimal *d, bool single) {
    char text[MOST_DIGITS + 40];
    spell(d, text);
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t old = c ? uselocale(c) : (locale_t)0;
    double value = single ? (double)strtof(text, NULL) : strtod(text, NULL);
    if (c) {
        uselocale(old);
        freelocale(c);
    }
    return value;
}

const char *rt_parse_f64(const char *s, const char *end, double *value) {
    Decimal d;
    s = scan(&d, s, end);
    if (!s) return NULL;
    double v;
    if (d.special)
        v = special(&d);
    else if (!fast(&d, &v))
        v = slow(&d, false);
    *value = d.negative ? -v : v;
    return s;
}

const char *rt_parse_f32(const char *s, const char *end, float *value) {
    Decimal d;
    s = scan(&d, s, end);
    if (!s) return NULL;
    double v;
    if (d.special) {
        v = special(&d);
    } else if (!fast(&d, &v)) {
        v = slow(&d, true);
    } else if (v != 0) {
        /* Rounding twice errs only from the midpoint of two floats, which the double then is; and
         * floats below the normal ones have other midpoints. */
        uint64_t bits;
        memcpy(&bits, &v, sizeof bits);
        if ((bits & 0x1fffffff) == 0x10000000 || v < 1.2e-38 || v > 3.4e38) v = slow(&d, true);
    }
    *value = (float)(d.negative ? -v : v);
    return s;
}

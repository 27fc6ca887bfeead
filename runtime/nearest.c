/* nearest: see nearest.h. Part of the compiler too, which has no more of the runtime. */
#include "nearest.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST_MAX_BYTES 64

/* Edits (insert, delete, replace, swap neighbours) from a to b, or more than `most`. The matrix is
 * read only near its diagonal: cells further off than `most` cannot matter. */
static int edit_distance(const char *a, int n, const char *b, int m, int most) {
    int row[3][NEAREST_MAX_BYTES + 2];
    int far = most + 1;
    if (abs(n - m) > most) return far;
    for (int i = 0; i <= n; i++) {
        int *now = row[i % 3], *above = row[(i + 2) % 3], *above2 = row[(i + 1) % 3];
        int lo = i > most ? i - most : 0, hi = i + most < m ? i + most : m, best = far;
        for (int j = lo; j <= hi; j++) {
            int v = i == 0 ? j : far;
            if (i > 0 && j < i + most) v = above[j] + 1 < v ? above[j] + 1 : v;
            if (j > lo && now[j - 1] + 1 < v) v = now[j - 1] + 1;
            if (i > 0 && j > 0) {
                int replace = above[j - 1] + (a[i - 1] != b[j - 1]);
                v = replace < v ? replace : v;
            }
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                a[i - 1] != a[i - 2])
                v = above2[j - 2] + 1 < v ? above2[j - 2] + 1 : v;
            now[j] = v;
            best = v < best ? v : best;
        }
        if (best > most) return far;
    }
    return row[n % 3][m];
}

static int lower_case(int c) {
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool same_letters(const char *a, const char *b) {
    int count[256] = {0};
    for (; *a; a++) count[(unsigned char)*a]++;
    for (; *b; b++) count[(unsigned char)*b]--;
    for (int i = 0; i < 256; i++)
        if (count[i]) return false;
    return true;
}

static bool equal_but_case(const char *a, const char *b) {
    while (*a && lower_case(*a) == lower_case(*b)) a++, b++;
    return *a == *b;
}

const char *nearest_name(const char *name, const void *list, size_t count,
                         const char *(*at)(const void *list, size_t i)) {
    size_t len = strlen(name);
    if (!len || len > NEAREST_MAX_BYTES) return NULL;
    int most = len <= 1 ? 0 : len <= 5 ? 1 : len <= 8 ? 2 : 3;
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *other = at(list, i);
        if (!other) continue;
        if (equal_but_case(name, other)) return other;
        size_t other_len = strlen(other);
        if (most == 0 || other_len > NEAREST_MAX_BYTES || other_len < 2) continue;
        /* `std` is no misspelt `sgd`: in so short a word another letter makes another word. */
        if (len <= 3 && len == other_len && !strchr(name, '.') && !same_letters(name, other))
            continue;
        int d = edit_distance(name, (int)len, other, (int)other_len, most);
        if (d <= most) {
            best = other;
            most = d - 1; /* only a nearer one replaces it */
        }
    }
    return best;
}

/* weights: where a safetensors file has a tensor. Part of dlgc, and of models as C programs (host.c).
 *
 * Requires a file in memory, whatever is in it. Establishes: what is given lies within it. */
#include <stdint.h>
#include <string.h>

struct cursor {
    const char *at, *end;
    int wrong;
};

static void blanks(struct cursor *c) {
    while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at) c->at++;
}

/* Whether the sign comes next, which is then taken. */
static int next_is(struct cursor *c, char sign) {
    blanks(c);
    if (c->at == c->end || *c->at != sign) return 0;
    c->at++;
    return 1;
}

static void expect(struct cursor *c, char sign) {
    if (!next_is(c, sign)) c->wrong = 1;
}

/* A string, as it stands between its quotes. */
static const char *text(struct cursor *c, size_t *len) {
    expect(c, '"');
    const char *from = c->at;
    while (c->at < c->end && *c->at != '"') c->at += 1 + (*c->at == '\\' && c->at + 1 < c->end);
    *len = (size_t)(c->at - from);
    if (c->at >= c->end) c->wrong = 1;
    expect(c, '"');
    return from;
}

static uint64_t whole(struct cursor *c) {
    uint64_t v = 0;
    blanks(c);
    if (c->at == c->end || *c->at < '0' || *c->at > '9') c->wrong = 1;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (v > UINT64_MAX / 16) c->wrong = 1;
        v = v * 10 + (uint64_t)(*c->at - '0');
    }
    return v;
}

struct found {
    const char *type; /* as it stands in the file */
    size_t type_len;
    int rank;
    uint64_t shape[8], data[2];
};

/* {"dtype": ..., "shape": [...], "data_offsets": [begin, end]} */
static void read_row(struct cursor *c, struct found *f) {
    memset(f, 0, sizeof *f);
    expect(c, '{');
    while (!c->wrong) {
        size_t len;
        const char *key = text(c, &len);
        expect(c, ':');
        if (len == 5 && memcmp(key, "dtype", 5) == 0) {
            f->type = text(c, &f->type_len);
        } else {
            int shape = len == 5 && memcmp(key, "shape", 5) == 0, n = 0;
            if (!shape && !(len == 12 && memcmp(key, "data_offsets", 12) == 0)) c->wrong = 1;
            expect(c, '[');
            while (!c->wrong && !next_is(c, ']')) {
                if (n) expect(c, ',');
                if (n == (shape ? 8 : 2)) c->wrong = 1;
                if (!c->wrong) (shape ? f->shape : f->data)[n++] = whole(c);
            }
            if (shape) f->rank = n;
        }
        if (next_is(c, '}')) return;
        expect(c, ',');
    }
}

static void skip_metadata(struct cursor *c) {
    size_t len;
    expect(c, '{');
    if (next_is(c, '}')) return;
    while (!c->wrong) {
        text(c, &len);
        expect(c, ':');
        text(c, &len);
        if (next_is(c, '}')) return;
        expect(c, ',');
    }
}

/* What the header says of a tensor; 0: nothing; -1: it is malformed. */
static int find_row(const char *header, size_t bytes, const char *name, struct found *f) {
    struct cursor c = {header, header + bytes, 0};
    int found = 0;
    expect(&c, '{');
    if (next_is(&c, '}')) return 0;
    while (!c.wrong) {
        size_t len;
        struct found row;
        const char *key = text(&c, &len);
        expect(&c, ':');
        if (len == 12 && memcmp(key, "__metadata__", 12) == 0) {
            skip_metadata(&c);
        } else {
            read_row(&c, &row);
            if (len == strlen(name) && memcmp(key, name, len) == 0) {
                *f = row;
                found = 1;
            }
        }
        if (next_is(&c, '}')) return c.wrong ? -1 : found;
        expect(&c, ',');
    }
    return -1;
}

/* What is wrong with the file or with what it has of the tensor, or NULL; *values is NULL when it has none. The type is
 * as such files call it. */
static const char *find_weights(const char *file, size_t bytes, const char *name, const char *type,
                                int rank, const long long *shape, size_t size,
                                const char **values) {
    uint64_t header = 0;
    struct found f = {0};
    *values = NULL;
    if (bytes < 8) return "it is malformed: it is too short for";
    for (int i = 8; i-- > 0;) header = header << 8 | (unsigned char)file[i];
    if (header > bytes - 8) return "it is malformed: its header is cut off before";
    const char *data = file + 8 + header;
    size_t data_bytes = bytes - 8 - (size_t)header;
    int found = find_row(file + 8, (size_t)header, name, &f);
    if (found < 0) return "it is malformed: its header is not what such a file has, at";
    if (!found) return NULL;
    int same = f.type && strlen(type) == f.type_len && memcmp(type, f.type, f.type_len) == 0 &&
               f.rank == rank;
    for (int i = 0; same && i < rank; i++) same = f.shape[i] == (uint64_t)shape[i];
    if (!same) return "it has another type or shape for";
    if (f.data[0] > data_bytes || f.data[1] > data_bytes || f.data[1] < f.data[0] ||
        f.data[1] - f.data[0] != size)
        return "it is malformed: it does not hold all of";
    *values = data + f.data[0];
    return NULL;
}

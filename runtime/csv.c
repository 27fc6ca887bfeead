/* csv: tables of numbers. One pass over the text, which is in memory or a file that is read in pieces of whole rows;
 * a cell that nothing takes is only skipped.
 *
 * Requires nothing of the file. Establishes: every row has the columns of the first, every value
 * taken is finite and fits its type. Messages say FILE:LINE; columns count from 1
 * in them as editors do, and the index that a model would write is named too. */
#include "data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Reader {
    const char *path;
    const char *at, *end; /* `end` is behind a row; more of a file may follow */
    const DataFile *file; /* that is read in pieces; NULL: all is there */
    const char *text;     /* the first byte that is there, */
    uint64_t place;       /* this one of the file */
    char *buffer;
    size_t buffer_cap, buffer_used;
    uint64_t kept; /* the first byte that is needed again; UINT64_MAX: that at `at` */
    CsvTake *takes;
    size_t take_count;
    bool *wanted; /* by column, up to wanted_len; beyond it nothing is, unless `all_from` */
    size_t wanted_len;
    size_t all_from; /* columns from here on are taken: CSV_ALL when none */
    double *row;     /* the numbers of this row, by column */
    size_t row_cap;
    size_t rows;    /* stored */
    size_t columns; /* of the first row; 0 before it */
    size_t line;    /* 1-based, of the row being read */
    bool header;
    bool any_labels;
    bool maybe_header; /* the first row stored has nothing but labels, and so has the second */
    char *scratch;     /* a quoted cell without its quotes */
    size_t scratch_cap;
    dlg_device *dev;
} Reader;

static size_t take_width(const CsvTake *t) {
    return t->columns ? t->width : t->end - t->begin;
}

static size_t take_column(const CsvTake *t, size_t i) {
    return t->columns ? t->columns[i] : t->begin + i;
}

/* Whose column of labels it is, or NULL. */
static const CsvTake *labels_of(const Reader *r, size_t column) {
    if (!r->any_labels) return NULL;
    for (size_t i = 0; i < r->take_count; i++)
        if (r->takes[i].are_labels && take_column(&r->takes[i], 0) == column) return &r->takes[i];
    return NULL;
}

static int no_memory(Reader *r) {
    return rt_fail(r->dev, DLG_ERR_MEMORY, "%s: out of memory", r->path);
}

/* ---- Pieces of a file ---------------------------------------------------------------------------- */

enum { PIECE_BYTES = 1 << 20, MOST_ROW_BYTES = 1 << 28 };

static uint64_t where(const Reader *r) {
    return r->place + (uint64_t)(r->at - r->text);
}

static void go_to(Reader *r, uint64_t place) {
    r->at = r->text + (place - r->place);
}

static bool more_follows(const Reader *r) {
    return r->file && r->place + r->buffer_used < r->file->bytes;
}

/* Behind the last row that ends before `have`; `at` when none does. A row begins at `at`. */
static const char *last_row_end(const char *at, const char *have) {
    const char *end = at, *c = have;
    if (!memchr(at, '"', (size_t)(have - at))) {
        while (c > at && c[-1] != '\n') c--;
        return c;
    }
    for (c = at; c < have; c++) {
        if (*c == '"') { /* as quoted_cell reads it */
            for (c++;; c += 2) {
                c = memchr(c, '"', (size_t)(have - c));
                if (!c || c + 1 == have) return end;
                if (c[1] != '"') break;
            }
            c++;
        }
        while (c < have && *c != ',' && *c != '\n') c++;
        if (c < have && *c == '\n') end = c + 1;
    }
    return end;
}

/* Reads on until one more row is there at least, or all of the file. */
static int read_on(Reader *r) {
    uint64_t at = where(r), kept = r->kept < at ? r->kept : at,
             had = r->place + (uint64_t)(r->end - r->text);
    if (kept > r->place) {
        r->buffer_used -= (size_t)(kept - r->place);
        memmove(r->buffer, r->buffer + (kept - r->place), r->buffer_used);
        r->place = kept;
    }
    do {
        uint64_t left = r->file->bytes - (r->place + r->buffer_used);
        size_t room = r->buffer_cap - r->buffer_used;
        if (room < PIECE_BYTES / 2) {
            size_t cap = r->buffer_cap ? r->buffer_cap * 2 : PIECE_BYTES;
            if (cap > MOST_ROW_BYTES)
                return rt_fail(r->dev, DLG_ERR_DATA, "%s:%zu: the row has no end within %d bytes",
                               r->path, r->line, MOST_ROW_BYTES / 2);
            char *more = realloc(r->buffer, cap + 1); /* one may be looked at behind the end */
            if (!more) return no_memory(r);
            r->buffer = more;
            r->buffer_cap = cap;
            room = cap - r->buffer_used;
        }
        if (left < room) room = (size_t)left;
        TRY(data_at(r->dev, r->path, r->file, r->place + r->buffer_used, room,
                    r->buffer + r->buffer_used));
        r->buffer_used += room;
        r->buffer[r->buffer_used] = 0;
        r->text = r->buffer;
        go_to(r, at);
        r->end = more_follows(r) ? last_row_end(r->at, r->buffer + r->buffer_used)
                                 : r->buffer + r->buffer_used;
    } while (more_follows(r) && r->place + (uint64_t)(r->end - r->text) <= had);
    return DLG_OK;
}

/* A cell's text: a part of the file, or of scratch where quotes were doubled. */
typedef struct Cell {
    const char *text;
    size_t len;
} Cell;

static int quoted_cell(Reader *r, size_t column, Cell *cell) {
    const char *at = r->at + 1;
    size_t len = 0, lines = 0;
    bool doubled = false;
    for (;; at++) {
        const char *quote = memchr(at, '"', (size_t)(r->end - at));
        const char *stop = quote ? quote : r->end;
        for (const char *c = at; c < stop; c++) lines += *c == '\n';
        if (!quote)
            return rt_fail(r->dev, DLG_ERR_DATA,
                           "%s:%zu: column %zu: the quote that begins this cell is never "
                           "closed",
                           r->path, r->line, column + 1);
        at = quote;
        if (at + 1 < r->end && at[1] == '"') {
            doubled = true;
            at++;
            continue;
        }
        break;
    }
    cell->text = r->at + 1;
    len = (size_t)(at - cell->text);
    if (doubled) {
        if (len > r->scratch_cap) {
            char *more = realloc(r->scratch, len);
            if (!more) return no_memory(r);
            r->scratch = more;
            r->scratch_cap = len;
        }
        size_t n = 0;
        for (size_t i = 0; i < len; i++) {
            r->scratch[n++] = cell->text[i];
            if (cell->text[i] == '"') i++;
        }
        cell->text = r->scratch;
        len = n;
    }
    cell->len = len;
    r->at = at + 1;
    r->line += lines;
    if (r->at < r->end && *r->at != ',' && *r->at != '\n' &&
        !(*r->at == '\r' && (r->at + 1 == r->end || r->at[1] == '\n')))
        return rt_fail(r->dev, DLG_ERR_DATA,
                       "%s:%zu: column %zu: text after the closing quote of a cell", r->path,
                       r->line, column + 1);
    return DLG_OK;
}

static int next_cell(Reader *r, size_t column, Cell *cell) {
    if (r->at < r->end && *r->at == '"') return quoted_cell(r, column, cell);
    const char *at = r->at;
    while (at < r->end && *at != ',' && *at != '\n') at++;
    cell->text = r->at;
    cell->len = (size_t)(at - r->at);
    if (cell->len && at[-1] == '\r' && (at == r->end || *at == '\n')) cell->len--;
    r->at = at;
    return DLG_OK;
}

static void trim(Cell *cell) {
    while (cell->len && (cell->text[0] == ' ' || cell->text[0] == '\t')) cell->text++, cell->len--;
    while (cell->len && (cell->text[cell->len - 1] == ' ' || cell->text[cell->len - 1] == '\t'))
        cell->len--;
}

static bool wanted(const Reader *r, size_t column) {
    return column < r->wanted_len ? r->wanted[column] || column >= r->all_from
                                  : column >= r->all_from;
}

static bool well_formed(const Cell *cell) {
    const char *end = cell->text + cell->len;
    uint32_t code;
    size_t n = 1;
    for (const char *s = cell->text; s < end && n; s += n) n = rt_utf8_char(s, end, &code);
    return n && !memchr(cell->text, 0, cell->len);
}

static int cell_error(Reader *r, size_t row, size_t column, const Cell *cell) {
    char shown[64];
    if (cell->len == 0)
        return rt_fail(r->dev, DLG_ERR_DATA,
                       "%s:%zu: column %zu: the cell is empty (in a model: `columns %zu`)", r->path,
                       row, column + 1, column);
    const CsvTake *t = labels_of(r, column);
    double v;
    data_quote(shown, 40, cell->text, cell->len);
    if (t && t->labels->known && t->label < 0)
        return rt_fail(
            r->dev, DLG_ERR_DATA,
            "%s:%zu: column %zu: `%s` is not among the labels of %s, which begin with `%.40s`",
            r->path, row, column + 1, shown, t->labels->from ? t->labels->from : "the weights",
            t->labels->names[0]);
    if (t && data_number(cell->text, cell->len, &v))
        return rt_fail(
            r->dev, DLG_ERR_DATA,
            "%s:%zu: column %zu: `%s` is a number in a column of labels, such as `%.40s`", r->path,
            row, column + 1, shown, t->labels->names[0]);
    /* A label that some input takes, in a column of which another takes numbers, is no number. */
    if (t && (cell->len > LABEL_MOST_BYTES || !well_formed(cell)))
        return rt_fail(
            r->dev, DLG_ERR_DATA,
            "%s:%zu: column %zu: `%s` is no label: it is not UTF-8, or longer than %d bytes",
            r->path, row, column + 1, shown, LABEL_MOST_BYTES);
    return rt_fail(r->dev, DLG_ERR_DATA,
                   "%s:%zu: column %zu: `%s` is not a number (in a model: `columns %zu`)", r->path,
                   row, column + 1, shown, column);
}

static int room_in_row(Reader *r, size_t column) {
    if (column < r->row_cap) return DLG_OK;
    size_t cap = r->row_cap ? r->row_cap * 2 : 256;
    while (cap <= column) cap *= 2;
    double *more = realloc(r->row, cap * sizeof *more);
    if (!more) return no_memory(r);
    r->row = more;
    r->row_cap = cap;
    return DLG_OK;
}

/* Into element `index` of the row that is stored at `to`. */
static int store_value(Reader *r, CsvTake *t, char *to, size_t index, double v, size_t column,
                       size_t row) {
    const char *type = dlg_type_name(t->type);
    if (dlg_put_element(t->type, to, index, v) == DLG_OK) return DLG_OK;
    if (t->type == DLG_BOOL)
        return rt_fail(r->dev, DLG_ERR_DATA,
                       "%s:%zu: column %zu: %.9g is not 0 or 1, and the input is bool", r->path,
                       row, column + 1, v);
    if (!rt_type_is_float(t->type) && v != floor(v))
        return rt_fail(r->dev, DLG_ERR_DATA,
                       "%s:%zu: column %zu: %.9g is not a whole number, and the input is %s",
                       r->path, row, column + 1, v, type);
    if (t->type == DLG_U8)
        return rt_fail(r->dev, DLG_ERR_DATA,
                       "%s:%zu: column %zu: %.9g is not from 0 to 255, and the input is u8",
                       r->path, row, column + 1, v);
    return rt_fail(r->dev, DLG_ERR_DATA, "%s:%zu: column %zu: %.*g is too large for %s", r->path,
                   row, column + 1, t->type == DLG_I32 ? 17 : 6, v, type);
}

static int store_taken(Reader *r, CsvTake *t, size_t row, char *to) {
    size_t width = take_width(t);
    if (t->are_labels) return store_value(r, t, to, 0, t->label, take_column(t, 0), row);
    if (t->type == DLG_F32) { /* the common case, without a call a cell */
        bool fits = true;
        for (size_t c = 0; c < width; c++) {
            float v = (float)r->row[take_column(t, c)];
            memcpy(to + c * sizeof v, &v, sizeof v);
            fits &= isfinite(v) != 0;
        }
        if (fits) return DLG_OK;
    }
    for (size_t c = 0; c < width; c++)
        TRY(store_value(r, t, to, c, r->row[take_column(t, c)], take_column(t, c), row));
    return DLG_OK;
}

static int store_row(Reader *r, size_t row) {
    for (size_t i = 0; i < r->take_count; i++) {
        CsvTake *t = &r->takes[i];
        size_t bytes = take_width(t) * dlg_type_bytes(t->type);
        char *to;
        TRY(spool_room(&t->spool, bytes, &to));
        TRY(store_taken(r, t, row, to));
        spool_take(&t->spool, bytes);
    }
    r->rows++;
    return DLG_OK;
}

/* After the first row: every take lies within the columns. */
static int check_columns(Reader *r) {
    for (size_t i = 0; i < r->take_count; i++) {
        CsvTake *t = &r->takes[i];
        if (t->columns) continue;
        if (t->end == CSV_ALL) t->end = r->columns;
        t->width = t->end - t->begin;
        if (t->end <= r->columns && t->begin < t->end) continue;
        char hint[160] = "";
        if (r->columns == 1)
            snprintf(hint, sizeof hint, "; cells are separated by commas");
        else if (t->width > 1 && t->begin < t->end && t->width <= r->columns)
            snprintf(hint, sizeof hint,
                     ", and %zu to %zu are wanted; FILE:0:%zu would take the first %zu", t->begin,
                     t->end - 1, t->width, t->width);
        return rt_fail(r->dev, DLG_ERR_DATA,
                       "%s: there is no column %zu: the first row has %zu "
                       "column%s (0 to %zu)%s",
                       r->path, t->begin >= r->columns ? t->begin : t->end - 1, r->columns,
                       r->columns == 1 ? "" : "s", r->columns - 1, hint);
    }
    return DLG_OK;
}

/* What kind of text it is that is no table, or NULL. */
static const char *not_a_table(const char *text, size_t len) {
    size_t first = len < 4096 ? len : 4096;
    if (len >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        return "the text is UTF-16; tables are UTF-8 or ASCII";
    if (len >= 4 && !text[0] && !text[1] && text[2] >= 8 && text[2] <= 14 && text[3] >= 1 &&
        text[3] <= 9)
        return "it begins as an IDX file does, which are known by their names: they end in .idx, "
               "or have -idx3- or the like in them";
    if (len >= 2 && memcmp(text, "\x1F\x8B", 2) == 0)
        return "it is compressed: the names of such files end in .gz";
    if (memchr(text, 0, first)) return "there are NUL bytes: this is no table (or is it UTF-16?)";
    const char *cr = memchr(text, '\r', first);
    if (cr && cr + 1 < text + len && !memchr(text, '\n', len))
        return "its lines end in CR alone; they must end in LF or CRLF";
    return NULL;
}

/* Reads one row into r->row. *numbers counts the wanted cells that are numbers, and `bad` holds the
 * first one that is not. */
typedef struct RowScan {
    size_t columns, wanted, numbers;
    size_t bad_column;
    Cell bad;
    char bad_text[48];
} RowScan;

static bool takes_column(const CsvTake *t, size_t column) {
    if (!t->columns) return column >= t->begin && column < t->end;
    for (size_t i = 0; i < t->width; i++)
        if (t->columns[i] == column) return true;
    return false;
}

/* A cell of a column of labels, for one of the takes. */
static int label_value(Reader *r, CsvTake *t, size_t column, const Cell *cell, bool is_number,
                       bool *right) {
    size_t most = t->type == DLG_U8 ? 256 : LABELS_MOST;
    int number = is_number && !t->labels->known
                     ? LABEL_REFUSED
                     : labels_number(t->labels, most, cell->text, cell->len);
    if (number == LABEL_NO_MEMORY) return no_memory(r);
    if (number == LABEL_TOO_MANY)
        return rt_fail(r->dev, DLG_ERR_DATA,
                       "%s:%zu: column %zu: there are more than %zu different labels", r->path,
                       r->line, column + 1, most);
    t->label = number;
    *right &= number >= 0;
    return DLG_OK;
}

/* The number of a cell, or NaN; whether it is right for all that take it, as a number or as a label. */
static int cell_value(Reader *r, size_t column, const Cell *cell, double *v, bool *right) {
    bool is_number = data_number(cell->text, cell->len, v);
    *right = is_number;
    if (!is_number) *v = NAN;
    if (!labels_of(r, column)) return DLG_OK;
    *right = true;
    for (size_t i = 0; i < r->take_count; i++) {
        CsvTake *t = &r->takes[i];
        if (!takes_column(t, column)) continue;
        if (t->are_labels)
            TRY(label_value(r, t, column, cell, is_number, right));
        else
            *right &= is_number;
    }
    return DLG_OK;
}

static int scan_row(Reader *r, RowScan *s) {
    memset(s, 0, sizeof *s);
    for (size_t column = 0;; column++) {
        Cell cell = {0};
        TRY(next_cell(r, column, &cell));
        if (wanted(r, column)) {
            double v;
            trim(&cell);
            TRY(room_in_row(r, column));
            bool right;
            TRY(cell_value(r, column, &cell, &v, &right));
            if (right) {
                s->numbers++;
            } else if (s->wanted == s->numbers) {
                s->bad_column = column;
                s->bad = cell;
                s->bad.len = cell.len < sizeof s->bad_text ? cell.len : sizeof s->bad_text;
                memcpy(s->bad_text, cell.text, s->bad.len); /* scratch is used again */
                s->bad.text = s->bad_text;
            }
            s->wanted++;
            r->row[column] = v;
        }
        s->columns = column + 1;
        if (r->at == r->end) return DLG_OK;
        if (*r->at == '\n') {
            r->at++;
            return DLG_OK;
        }
        r->at++; /* the comma */
    }
}

/* Blank lines may end a file; one with data after it is an error. */
static int skip_blank(Reader *r, bool *done) {
    const char *at;
    for (;;) {
        at = r->at;
        while (at < r->end && (*at == '\n' || *at == '\r' || *at == ' ' || *at == '\t')) at++;
        if (at < r->end || !more_follows(r)) break;
        TRY(read_on(r));
    }
    *done = at == r->end;
    if (*done || r->at == r->end) return DLG_OK;
    if (*r->at == '\n' || (*r->at == '\r' && r->at[1] == '\n'))
        return rt_fail(r->dev, DLG_ERR_DATA, "%s:%zu: the row is empty", r->path, r->line);
    return DLG_OK;
}

/* ---- The first rows ---------------------------------------------------------------------------- */

static bool all_may_be_labels(const Reader *r) {
    for (size_t i = 0; i < r->take_count; i++)
        if (!r->takes[i].labels || take_width(&r->takes[i]) != 1) return false;
    return true;
}

/* Decides whether the row at r->at is a header, and leaves r->at at the first row of data. */
static int find_header(Reader *r) {
    uint64_t first = where(r);
    size_t first_line = r->line;
    RowScan s, next;
    bool done;
    TRY(scan_row(r, &s));
    r->columns = s.columns;
    TRY(check_columns(r));
    if (s.numbers > 0) goto no_header;
    r->line++;
    TRY(skip_blank(r, &done));
    if (!done && all_may_be_labels(r)) {
        uint64_t second = where(r);
        size_t second_line = r->line;
        TRY(scan_row(r, &next));
        r->maybe_header = next.numbers == 0;
        if (r->maybe_header) goto no_header;
        go_to(r, second);
        r->line = second_line;
    }
    r->header = true;
    return DLG_OK;
no_header:
    go_to(r, first);
    r->line = first_line;
    return DLG_OK;
}

/* The column that the header, which begins at r->at, calls so. */
static int find_name(Reader *r, const char *name, size_t len, size_t *column) {
    size_t found = 0, c = 0, used = 0;
    bool more = false;
    char shown[68], names[240] = "";
    for (;; c++, r->at++) {
        Cell cell;
        TRY(next_cell(r, c, &cell));
        trim(&cell);
        more = used + sizeof shown + 4 > sizeof names;
        if (!more)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", c ? ", " : "",
                                     data_quote(shown, 64, cell.text, cell.len));
        if (cell.len == len && memcmp(cell.text, name, len) == 0 && found++ == 0) *column = c;
        if (r->at == r->end || *r->at == '\n') break;
    }
    r->at += r->at < r->end;
    r->columns = c + 1;
    if (found == 1) return DLG_OK;
    if (found)
        return rt_fail(r->dev, DLG_ERR_DATA, "%s:%zu: there is more than one column `%s`", r->path,
                       r->line, data_quote(shown, 64, name, len));
    bool numbers = len > 0 && strspn(name, "0123456789.-:") >= len;
    return rt_fail(r->dev, DLG_ERR_DATA, "%s:%zu: the header has no column `%s`; %s%s%s", r->path,
                   r->line, data_quote(shown, 64, name, len),
                   numbers ? "columns 0 to 63 are written 0:64" : "it has: ", numbers ? "" : names,
                   more && !numbers ? ", ..." : "");
}

/* The columns of a take that names them. */
static int name_columns(Reader *r, CsvTake *t) {
    Reader list = {.path = "the names of columns", .dev = r->dev, .line = 1, .at = t->names};
    size_t cap = 0, line = r->line;
    const char *header = r->at;
    int status = DLG_OK;
    list.end = list.at + strlen(list.at);
    for (t->width = 0; status == DLG_OK; list.at++) {
        Cell name;
        if ((status = next_cell(&list, t->width, &name)) < 0) break;
        if (t->width == cap) {
            size_t *more = realloc(t->columns, (cap = cap ? cap * 2 : 16) * sizeof *more);
            if (!more) status = no_memory(r);
            if (!more) break;
            t->columns = more;
        }
        r->at = header;
        r->line = line;
        status = find_name(r, name.text, name.len, &t->columns[t->width++]);
        if (list.at == list.end) break;
    }
    free(list.scratch);
    return status;
}

/* Where columns are named the first row is a header, and says which they are. */
static int read_names(Reader *r) {
    const char *header = r->at;
    size_t line = r->line;
    bool named = false;
    for (size_t i = 0; i < r->take_count; i++) {
        if (!r->takes[i].names) continue;
        r->at = header;
        r->line = line;
        TRY(name_columns(r, &r->takes[i]));
        named = true;
    }
    if (!named) return DLG_OK;
    TRY(check_columns(r));
    bool *more = realloc(r->wanted, r->columns + r->wanted_len + 1);
    if (!more) return no_memory(r);
    r->wanted = more;
    if (r->columns > r->wanted_len) {
        memset(more + r->wanted_len, 0, r->columns - r->wanted_len);
        r->wanted_len = r->columns;
    }
    for (size_t i = 0; i < r->take_count; i++)
        for (size_t c = 0; r->takes[i].columns && c < r->takes[i].width; c++)
            more[r->takes[i].columns[c]] = true;
    r->header = true;
    r->line++;
    return DLG_OK;
}

/* Finds the header, the columns that are named, and which columns hold labels. */
static int begin_rows(Reader *r) {
    bool done;
    RowScan s;
    TRY(skip_blank(r, &done));
    if (done) return DLG_OK;
    r->kept = where(r); /* the first rows are read more than once */
    TRY(read_names(r));
    if (!r->header) TRY(find_header(r));
    TRY(skip_blank(r, &done));
    if (done) return DLG_OK;
    uint64_t data = where(r);
    size_t line = r->line;
    TRY(scan_row(r, &s));
    for (size_t i = 0; i < r->take_count && s.columns == r->columns; i++) {
        CsvTake *t = &r->takes[i];
        if (t->labels && take_width(t) == 1 && !t->are_labels)
            t->are_labels = isnan(r->row[take_column(t, 0)]);
        r->any_labels |= t->are_labels;
    }
    go_to(r, data);
    r->line = line;
    r->kept = UINT64_MAX;
    return DLG_OK;
}

/* ---- The end ------------------------------------------------------------------------------------- */

/* Gives the labels that were stored other numbers, without those of the first `skip` rows. */
static int renumber(Reader *r, CsvTake *t, size_t skip, const int32_t *number) {
    enum { MOST = 4096 };
    size_t width = dlg_type_bytes(t->type);
    char piece[MOST * sizeof(int32_t)];
    for (size_t at = 0; at < r->rows; at += MOST) {
        size_t n = r->rows - at < MOST ? r->rows - at : MOST;
        TRY(spool_read(&t->spool, (at + skip) * width, n * width, piece));
        for (size_t k = 0; k < n; k++) {
            size_t old = (size_t)dlg_element(t->type, piece, k);
            dlg_put_element(t->type, piece, k, number[old]);
        }
        TRY(spool_write_at(&t->spool, at * width, n * width, piece));
    }
    return DLG_OK;
}

/* Whether the first row of nothing but labels is a header: nothing of it comes again. */
static bool was_header(const Reader *r) {
    if (!r->maybe_header || r->rows == 0) return false;
    for (size_t i = 0; i < r->take_count; i++)
        if (!r->takes[i].are_labels || r->takes[i].labels->known ||
            r->takes[i].labels->seen[0] != 1)
            return false;
    return true;
}

/* Labels are numbered as they came; now they are sorted. */
static int sort_labels(Reader *r) {
    size_t skip = was_header(r);
    int32_t *number = malloc((LABELS_MOST + 1) * sizeof *number);
    int status = number ? DLG_OK : no_memory(r);
    r->rows -= skip;
    r->header |= skip > 0;
    for (size_t i = 0; status == DLG_OK && i < r->take_count; i++) {
        CsvTake *t = &r->takes[i];
        if (!t->are_labels || t->labels->known) continue;
        if (skip) labels_drop_first(t->labels);
        status = labels_sort(r->dev, t->labels, number + skip);
        if (status == DLG_OK) status = renumber(r, t, skip, number);
    }
    free(number);
    return status;
}

static int read_rows(Reader *r) {
    TRY(begin_rows(r));
    for (;; r->line++) {
        bool done;
        TRY(skip_blank(r, &done));
        if (done) break;
        RowScan s;
        size_t row = r->line;
        TRY(scan_row(r, &s));
        if (s.columns != r->columns)
            return rt_fail(r->dev, DLG_ERR_DATA,
                           "%s:%zu: the row has %zu column%s where the first row has %zu", r->path,
                           row, s.columns, s.columns == 1 ? "" : "s", r->columns);
        if (s.numbers != s.wanted) return cell_error(r, row, s.bad_column, &s.bad);
        TRY(store_row(r, row));
    }
    for (size_t i = 0; i < r->take_count; i++) TRY(spool_end(&r->takes[i].spool));
    return sort_labels(r);
}

/* The first bytes: whether it is a table at all, and where it begins. */
static int begin_file(Reader *r, const DataFile *file) {
    char head[4096 + 1];
    size_t len = file->bytes < sizeof head - 1 ? (size_t)file->bytes : sizeof head - 1, skip = 0;
    const char *text = file->memory;
    if (!text) {
        TRY(data_at(r->dev, r->path, file, 0, len, head));
        head[len] = 0;
        text = head;
    } else {
        len = (size_t)file->bytes;
    }
    const char *other = not_a_table(text, len);
    if (other) return rt_fail(r->dev, DLG_ERR_DATA, "%s: %s", r->path, other);
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) skip = 3;
    r->place = skip;
    if (file->memory) {
        r->text = r->at = text + skip;
        r->end = text + len;
        return DLG_OK;
    }
    r->file = file;
    r->text = r->at = r->end = "";
    return DLG_OK;
}

static int begin_takes(Reader *r, uint64_t file_bytes) {
    for (size_t i = 0; i < r->take_count; i++) {
        CsvTake *t = &r->takes[i];
        if (t->end == CSV_ALL) {
            if (t->begin < r->all_from) r->all_from = t->begin;
        } else if (t->end > r->wanted_len) {
            r->wanted_len = t->end;
        }
    }
    /* A file has no more columns than bytes. */
    if (r->wanted_len > file_bytes + 1) r->wanted_len = (size_t)file_bytes + 1;
    r->wanted = calloc(r->wanted_len + 1, sizeof *r->wanted);
    if (!r->wanted) return no_memory(r);
    for (size_t i = 0; i < r->take_count; i++)
        for (size_t c = r->takes[i].begin; c < r->takes[i].end && c < r->wanted_len; c++)
            r->wanted[c] = true;
    return DLG_OK;
}

/* What was stored in memory is the caller's as values, the rest as a spool. */
static void end_takes(Reader *r, int status) {
    for (size_t i = 0; i < r->take_count; i++) {
        CsvTake *t = &r->takes[i];
        free(t->columns);
        t->columns = NULL;
        if (status == DLG_OK && t->spool.in_file) continue;
        if (status == DLG_OK) {
            t->values = t->spool.bytes;
            t->spool.bytes = NULL;
        }
        spool_close(&t->spool);
    }
}

int csv_parse_file(dlg_device *dev, const char *path, const DataFile *file, CsvTake *takes,
                   size_t count, CsvInfo *info) {
    Reader r = {.path = path,
                .takes = takes,
                .take_count = count,
                .all_from = CSV_ALL,
                .kept = UINT64_MAX,
                .line = 1,
                .dev = dev};
    for (size_t i = 0; i < count; i++) {
        spool_open(&takes[i].spool, dev,
                   takes[i].memory_bytes ? takes[i].memory_bytes : UINT64_MAX);
        takes[i].values = NULL;
        takes[i].columns = NULL;
        takes[i].are_labels = takes[i].labels && takes[i].labels->known;
        r.any_labels |= takes[i].are_labels;
        if (takes[i].names) takes[i].begin = takes[i].end = 0;
    }
    int status = begin_file(&r, file);
    if (status == DLG_OK) status = begin_takes(&r, file->bytes);
    if (status == DLG_OK) status = read_rows(&r);
    if (status == DLG_OK && r.rows == 0)
        status = rt_fail(
            dev, DLG_ERR_DATA,
            r.header ? "%s: there are no rows after the header" : "%s: the file is empty", path);
    if (status == DLG_OK)
        *info = (CsvInfo){.rows = r.rows, .columns = r.columns, .header = r.header};
    end_takes(&r, status);
    free(r.buffer);
    free(r.wanted);
    free(r.row);
    free(r.scratch);
    return status;
}

int csv_parse(dlg_device *dev, const char *path, const char *text, size_t len, CsvTake *takes,
              size_t count, CsvInfo *info) {
    DataFile file = data_in_memory(text, len);
    return csv_parse_file(dev, path, &file, takes, count, info);
}

int csv_read(dlg_device *dev, const char *path, CsvTake *takes, size_t count, uint64_t memory_bytes,
             CsvInfo *info) {
    DataFile file;
    for (size_t i = 0; i < count; i++) {
        takes[i].values = NULL;
        takes[i].spool = (Spool){.fd = -1};
        takes[i].memory_bytes = memory_bytes;
    }
    TRY(data_open(dev, path, memory_bytes ? memory_bytes : UINT64_MAX, &file));
    int status = csv_parse_file(dev, path, &file, takes, count, info);
    data_close(&file);
    return status;
}

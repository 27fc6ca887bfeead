/* data: what the readers of data files share. Internal to libdlg.
 *
 * Each reader takes a path and gives arrays that the caller frees; what went wrong is a DataError
 * with a text that names the file and the place in it. Input is hostile: no file can make a reader
 * crash or take more memory than a small multiple of the file's size. */
#ifndef DLG_DATA_H
#define DLG_DATA_H

#include "dlg.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __GNUC__
#define DATA_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define DATA_PRINTF(fmt, args)
#endif

typedef struct DataError {
    int status; /* a dlg_status */
    char text[768];
} DataError;

/* Sets the status and the text; returns false, so that `return data_fail(...)` reads well. */
bool data_fail(DataError *e, int status, const char *fmt, ...) DATA_PRINTF(3, 4);

/* The whole file, with a NUL after it; *text is the caller's to free. */
bool data_read_file(const char *path, size_t limit_bytes, char **text, size_t *len, DataError *e);

/* Writes `len` bytes in `parts` pieces to a temporary file beside `path`, syncs it and renames it:
 * at any moment `path` is the old file or the new one. */
typedef struct DataPart {
    const void *at;
    size_t len;
} DataPart;
bool data_write_file(const char *path, const DataPart *parts, size_t count, DataError *e);

/* `text` as it may be shown in a message: at most `max` bytes of it, others than printable ASCII
 * and UTF-8 as `?`; `out` holds at least max + 4. Returns out. */
const char *data_quote(char *out, size_t max, const char *text, size_t len);

/* ---- CSV ---------------------------------------------------------------------------------------
 * What to take from a table: columns begin..end-1 (from 0), as `type`. */
typedef struct CsvTake {
    size_t begin, end;
    dlg_type type;
    void *values; /* out: rows x (end - begin), row-major; the caller's to free */
} CsvTake;

typedef struct CsvInfo {
    size_t rows;    /* of data */
    size_t columns; /* of the file */
    bool header;    /* the first line was one and is not counted */
} CsvInfo;

#define CSV_ALL SIZE_MAX /* as `end`: up to the file's last column; csv_read replaces it */

/* Reads the file once for all takes. On failure no take owns anything.
 * Format: RFC 4180 with commas; LF or CRLF; a byte order mark and blank lines at the end are
 * ignored; blanks around numbers too. The first line is a header when none of the cells to take
 * from it is a number. Every cell that is taken must be a finite number of its type; the others may
 * be any text. */
bool csv_read(const char *path, CsvTake *takes, size_t count, CsvInfo *info, DataError *e);
bool csv_parse(const char *path, const char *text, size_t len, CsvTake *takes, size_t count,
               CsvInfo *info, DataError *e);

/* The number that all of text[0..len) spells, in any locale: [+-]digits[.digits][e[+-]digits].
 * False for anything else, infinities and NaN included. */
bool data_number(const char *text, size_t len, double *value);

/* ---- NPY ---------------------------------------------------------------------------------------
 */

#define NPY_MAX_RANK 8

typedef struct Npy {
    dlg_type type; /* what the file's type became: f4 f8 -> f32, i4 i8 u1 -> i32, b1 -> bool */
    int rank;
    int64_t shape[NPY_MAX_RANK];
    size_t elems;
    void *values; /* row-major, whatever the file's order; npy_free */
} Npy;

/* Reads versions 1 to 3 of the format, little-endian f4 f8 i4 i8 and u1 b1, C or Fortran order.
 * A value that its new type cannot hold is an error. Data after the array is an error. */
bool npy_read(const char *path, Npy *out, DataError *e);
bool npy_parse(const char *path, const char *bytes, size_t len, Npy *out, DataError *e);
void npy_free(Npy *a);

/* Writes version 1, C order, atomically (data_write_file). */
bool npy_write(const char *path, dlg_type type, int rank, const int64_t *shape, const void *values,
               DataError *e);

/* In place: the same elements as another type. Numbers must fit it: whole for i32, 0 or 1 for bool.
 * `what` begins the message. */
bool data_convert(void **values, size_t elems, dlg_type from, dlg_type to, const char *what,
                  DataError *e);

#endif

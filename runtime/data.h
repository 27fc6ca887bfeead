/* data: what the readers of data files share. Internal to libdlg.
 *
 * Each reader takes a path and gives arrays that the caller frees; it returns a dlg_status and puts
 * what went wrong, with the file and the place in it, into the device. Input is hostile: no file can
 * make a reader crash or take more memory than a small multiple of the file's size. */
#ifndef DLG_DATA_H
#define DLG_DATA_H

#include "rt.h"

/* Returns the status of an expression that failed. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        int try_status_ = (expr);                                                                  \
        if (try_status_ < 0) return try_status_;                                                   \
    } while (0)

#define DATA_FILE_LIMIT_BYTES ((uint64_t)1 << 40)

/* Whether a path ends so, or so with ".gz" behind it. */
bool data_is(const char *path, const char *ending);

/* A whole file of data; one whose name ends in ".gz" is decompressed. The caller frees *bytes; a NUL follows.
 * Errors: FILE, DATA (as gzip_inflate), MEMORY. */
int data_file_read(dlg_device *dev, const char *path, char **bytes, size_t *len);

/* `text` as it may be shown in a message: at most `max` bytes of it, others than printable ASCII
 * and UTF-8 as `?`; `out` holds at least max + 4. Returns out. */
const char *data_quote(char *out, size_t max, const char *text, size_t len);

/* In place: the same elements as another type. Numbers must fit it: whole for i32 and u8, 0 or 1 for bool;
 * floats are rounded.
 * `what` begins the message. Errors: DATA, MEMORY. */
int data_convert(dlg_device *dev, void **values, size_t elems, dlg_type from, dlg_type to,
                 const char *what);

/* ---- gzip.c ------------------------------------------------------------------------------------ */

/* What a gzip file holds, in all of its members: *out, which the caller frees; a NUL follows its *out_len bytes.
 * Errors: DATA (no gzip, truncated, damaged, or more than limit_bytes), MEMORY. */
int gzip_inflate(dlg_device *dev, const char *path, const char *bytes, size_t len,
                 uint64_t limit_bytes, char **out, size_t *out_len);

/* The most that a file of so many bytes may hold compressed: more is taken for an attack on the memory. */
uint64_t data_unpacked_limit(uint64_t packed_bytes);

/* ---- labels.c: classes by name -------------------------------------------------------------------- */

enum { LABELS_MOST = 4096, LABELS_SLOTS = 2 * LABELS_MOST, LABEL_MOST_BYTES = 1024 };

typedef struct Labels {
    size_t count;
    bool known; /* from the weights: no other is taken */
    char *names[LABELS_MOST];
    size_t seen[LABELS_MOST];     /* how often each came */
    uint16_t slots[LABELS_SLOTS]; /* hash table: number + 1; of no use once sorted */
} Labels;

/* The number of a label, which a set that is not `known` takes when it has fewer than `most`; or why there is none.
 * REFUSED: empty, too long, with a NUL, not UTF-8, or not known. */
enum { LABEL_REFUSED = -1, LABEL_TOO_MANY = -2, LABEL_NO_MEMORY = -3 };
int labels_number(Labels *l, size_t most, const char *text, size_t len);
/* Fills an empty set from metadata; `what` names the input. Errors: DATA, MEMORY. */
int labels_known(dlg_device *dev, Labels *l, const char *what, const char *json);
/* Ascending by bytes; new_number[old number]. */
int labels_sort(dlg_device *dev, Labels *l, int32_t *new_number);
void labels_drop_first(Labels *l);  /* before sorting: it was no label */
char *labels_json(const Labels *l); /* for metadata; the caller frees it. NULL: out of memory */
void labels_free(Labels *l);        /* allocated by calloc; also NULL */

/* ---- CSV ---------------------------------------------------------------------------------------
 * What to take from a table: columns begin..end-1 (from 0), or those that the header calls so, as `type`. */
typedef struct CsvTake {
    size_t begin, end;
    dlg_type type;
    void *values;      /* out: rows x width, row-major; the caller's to free */
    const char *names; /* of columns, as cells of a row; NULL: begin..end-1 */
    Labels *labels;    /* not NULL: one column of i32 or u8 may hold labels instead of numbers */
    bool are_labels;   /* out: it does; true at first when the labels are known */
    size_t width;      /* out: how many columns it is */
    size_t *columns;   /* the reader's own: with names, which */
    int label;         /* the reader's own: of the row being read */
} CsvTake;

typedef struct CsvInfo {
    size_t rows;    /* of data */
    size_t columns; /* of the file */
    bool header;    /* the first line was one and is not counted */
} CsvInfo;

#define CSV_ALL SIZE_MAX /* as `end`: up to the file's last column; csv_read replaces it */

/* Reads the file once for all takes. On failure no take owns anything.
 * Format: RFC 4180 with commas; LF or CRLF; a byte order mark and blank lines at the end are
 * ignored; blanks around numbers too. The first line is a header when columns are named, and otherwise when none
 * of the cells to take from it is a number or a known label and what follows is not the same in kind; where all cells
 * to take are labels, when what it has comes in no other line. Every cell that is taken must be a finite number of its
 * type, or in a column of labels a label; the others may be any text. Labels are sorted, and their numbers are the
 * values. */
int csv_read(dlg_device *dev, const char *path, CsvTake *takes, size_t count, CsvInfo *info);
int csv_parse(dlg_device *dev, const char *path, const char *text, size_t len, CsvTake *takes,
              size_t count, CsvInfo *info);

/* The number that all of text[0..len) spells, in any locale: [+-]digits[.digits][e[+-]digits].
 * False for anything else, infinities and NaN included. */
bool data_number(const char *text, size_t len, double *value);

/* ---- array.c, npy.c, npz.c, idx.c: arrays ----------------------------------------------------------- */

#define ARRAY_MAX_RANK 8

typedef struct Array {
    dlg_type type; /* what the file's type became */
    int rank;
    int64_t shape[ARRAY_MAX_RANK];
    size_t elems;
    void *values; /* row-major, whatever the file's order; array_free */
} Array;

/* The formats, by the file's name: .npy; .npz; .idx, or idx and the number of axes between `-` or `.` and `-`, such as
 * train-images-idx3-ubyte. Each may end in .gz. */
typedef enum ArrayKind { ARRAY_NONE, ARRAY_NPY, ARRAY_NPZ, ARRAY_IDX } ArrayKind;
ArrayKind array_kind(const char *path);

/* "FILE.npz:NAME": NAME, with the length of FILE.npz in *path_len; otherwise NULL, with that of all. */
const char *array_member(const char *source, size_t *path_len);

/* Reads a file of any of these kinds. Of an archive the array `member`; if it was not `given` but is a guess, the only
 * array where none has its name. On failure *out owns nothing. Errors: FILE, DATA, MEMORY. */
int array_read(dlg_device *dev, const char *path, const char *member, bool given, Array *out);
int array_parse(dlg_device *dev, const char *path, const char *bytes, size_t len,
                const char *member, bool given, Array *out);
void array_free(Array *a);
/* For the formats, when type, rank and shape are known: a->elems, and a->values with room for them. The file
 * must have exactly data_len bytes of data, elem_bytes an element. Errors: DATA, MEMORY. */
int array_count(dlg_device *dev, const char *path, Array *a, size_t elem_bytes, size_t data_len);

/* Versions 1 to 3 of the format, in C or Fortran order, little-endian: f4 f8 -> f32, f2 -> f16, i4 i8 -> i32,
 * u1 -> u8, b1 -> bool. A value that its new type cannot hold is an error, and so is data after the array. */
int npy_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, Array *out);
int npz_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, const char *member,
              bool given, Array *out);
/* All types: u8 -> u8, i8 i16 i32 -> i32, f32 f64 -> f32; the same errors. */
int idx_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, Array *out);

/* Writes version 1, C order, atomically. NumPy has no bf16: it is written as f4, which holds it exactly. */
int npy_write(dlg_device *dev, const char *path, dlg_type type, int rank, const int64_t *shape,
              const void *values);

/* ---- text.c: text as windows of tokens ------------------------------------------------------------- */

/* What an input takes of a text. */
typedef struct TextTake {
    const char *name; /* the input's, for messages */
    bool chars;    /* tokens are characters, numbered in the order of their code points; or bytes */
    dlg_type type; /* I32 or U8 */
    size_t window; /* tokens of a sample; each begins with the one that ends the sample before */
    const char *known; /* characters, ascending, that are the vocabulary; NULL: those of the text */
    void *values;      /* out: rows x window; the caller's to free */
    size_t rows, tokens, left; /* out: windows; tokens in all; at the end, that fill no window */
    char *vocabulary;          /* out, of chars: UTF-8, in the order of the numbers; the caller's */
    size_t vocabulary_size;    /* out: its characters; 256 of bytes */
} TextTake;

/* A byte order mark at the beginning is no character. On failure *t owns nothing. Errors: DATA (with the line and
 * the byte where it is no UTF-8, or a character that is not known; too short for one window), MEMORY. */
int text_parse(dlg_device *dev, const char *path, const char *text, size_t len, TextTake *t);

/* ---- source.c: where samples come from ------------------------------------------------------------- */

typedef enum SourceKind { SOURCE_MEMORY, SOURCE_TABLE, SOURCE_ARRAY, SOURCE_TEXT } SourceKind;

typedef struct Source {
    SourceKind kind;
    const char *values; /* of MEMORY: the caller's */
    size_t rows;        /* of MEMORY */
    char *path;         /* of the others, as it is opened; owned */
    bool has_columns;
    size_t begin, end; /* of TABLE: columns; end may be CSV_ALL */
    bool chars;        /* of TEXT: or bytes */
    char *member;      /* of an archive: the array that was named, or NULL; owned */
    char *names;       /* of TABLE: columns by name, or NULL; owned */
} Source;

/* Where the samples of input `t` come from: `given`, or if it is NULL what the model says. The caller frees *out,
 * also on failure. Errors: FILE (the model's file is nowhere), DATA, MEMORY. */
int source_find(const dlg_program *prog, const dlg_tensor *t, const dlg_data *given, Source *out);
void source_free(Source *s); /* also of a zeroed one */

/* ---- dataset.c, split.c: the samples of a run ---------------------------------------------------- */

/* The samples of one input. */
typedef struct Field {
    const dlg_tensor *tensor; /* the input, or the first of its variants */
    size_t elems;             /* of a sample */
    size_t bytes;             /* of a sample */
    void *values;             /* rows samples, one after the other */
    char *vocabulary;         /* of characters of a text: UTF-8, by their numbers; else NULL */
    size_t vocabulary_size;
    char *labels; /* that its numbers stand for, as metadata has them; else NULL */
} Field;

struct dlg_dataset {
    dlg_program *prog;
    Field *fields;
    size_t field_count;
    size_t rows;
    /* A permutation of the rows: first those to train on, last those held out, each ascending. */
    uint32_t *order;
    size_t training, held_out;
    bool windows; /* samples are windows of a text: they are held out from its end */
    uint64_t split_seed;
    char *text;
};

/* The field that feeds a tensor (by its user name), or NULL. */
const Field *dataset_field(const dlg_dataset *d, const dlg_tensor *t);
/* The axis of a tensor along which samples lie. */
int dataset_axis(const dlg_tensor *t);

/* Puts `n` row numbers into an order that depends on (name, seed, stream) alone: Fisher and Yates
 * with unbiased draws from Philox keyed by the name (docs/program-format.md, "Rows"). */
void split_shuffle(uint32_t *rows, size_t n, const char *name, uint64_t seed, uint64_t stream);
/* "WHAT.NAME" for the metadata that is kept of a field; the caller frees it. NULL: out of memory, which the device
 * says. */
char *split_meta_name(dlg_device *dev, const char *what, const Field *f);
/* Keeps the split, the vocabularies and what tells the data in the program's metadata. */
int split_record(const dlg_dataset *d);

#endif

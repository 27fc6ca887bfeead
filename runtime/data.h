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

/* ---- spool.c: bytes that are written once and then read anywhere ----------------------------------- */

typedef struct Spool {
    dlg_device *dev;
    uint64_t limit; /* the most that stays in memory */
    char *bytes;    /* in memory; or what is not yet in the file */
    size_t used, cap;
    bool in_file;
    int fd;
    uint64_t written; /* to the file */
} Spool;

void spool_open(Spool *s, dlg_device *dev, uint64_t limit_bytes);
void spool_close(Spool *s);
/* Room for so many bytes behind the others, and that so many of them are there. Errors: FILE, MEMORY. */
int spool_room(Spool *s, size_t bytes, char **to);
void spool_take(Spool *s, size_t bytes);
int spool_end(Spool *s); /* all is written: it may be read */
uint64_t spool_bytes(const Spool *s);
int spool_read(const Spool *s, uint64_t at, size_t bytes, void *to);
int spool_write_at(Spool *s, uint64_t at, size_t bytes, const void *from); /* over what is there */
/* Exactly so many bytes of a file. Errors: FILE; DATA (there are fewer). */
int data_pread(dlg_device *dev, const char *path, int fd, uint64_t at, size_t bytes, void *to);

/* ---- Files in pieces (data.c) ---------------------------------------------------------------------- */

typedef struct DataFile {
    const char *memory; /* all of it; NULL: by fd */
    char *owned;        /* the same, to be freed */
    int fd;
    bool fd_open;
    uint64_t bytes;
} DataFile;

/* Fails as data_open does where nothing is called `path`. */
int data_there(dlg_device *dev, const char *path);
/* Opens a file; one whose name ends in ".gz" as what it holds. It is in memory, with a NUL behind it, where it has no
 * more than so many bytes; UINT64_MAX: always. What is compressed or comes through a pipe is in a temporary file where
 * it is more. Errors: FILE (a device too), DATA (as gzip_inflate), MEMORY. */
int data_open(dlg_device *dev, const char *path, uint64_t memory_bytes, DataFile *out);
DataFile data_in_memory(const char *bytes, size_t len); /* the caller's */
DataFile data_of_spool(Spool *s);                       /* takes it over */
int data_again(dlg_device *dev, const char *path, const DataFile *f, DataFile *out); /* once more */
int data_at(dlg_device *dev, const char *path, const DataFile *f, uint64_t at, size_t bytes,
            void *to);
void data_close(DataFile *f);

/* ---- rows.c: samples as they lie in a file -------------------------------------------------------- */

/* The elements of a file: f, i, u and b as NumPy has them, h for bf16. */
typedef struct Element {
    char kind;
    uint8_t bytes;
    bool swapped; /* not in this machine's order of bytes */
} Element;

Element element_plain(dlg_type type); /* as this machine has that type */
bool element_is(const Element *e, dlg_type type);
dlg_type element_type(const Element *e); /* what it becomes where nothing is wanted */
/* Converts; floats are rounded. Returns how many were right: fewer than n when the next does not fit `to`. */
size_t elements_read(const Element *e, const void *from, dlg_type to, void *out, size_t n);
const char *element_wanted(dlg_type to); /* "a whole number that fits i32" */

typedef struct Rows {
    char *path; /* for messages; owned */
    const char *memory;
    char *owned;
    int fd;
    bool fd_open;
    uint64_t start; /* of the first sample */
    size_t stride;  /* from a sample to the next */
    Element element;
    dlg_type type; /* that is wanted */
    size_t elems;  /* of a sample */
} Rows;

void rows_of_file(Rows *r, DataFile *f); /* where the bytes are; takes the file over */
/* The same of samples that are in the spool one after the other, as they are wanted. */
void rows_of_spool(Rows *r, Spool *s);
void rows_close(Rows *r); /* also of a zeroed one */
int rows_read(dlg_device *dev, const Rows *r, size_t first, size_t count, void *to);
/* Lets the system read ahead what will be wanted. */
void rows_ahead(const Rows *r, size_t first, size_t count);

/* ---- gzip.c ------------------------------------------------------------------------------------ */

/* What a gzip file holds, in all of its members: *out, which the caller frees; a NUL follows its *out_len bytes.
 * Errors: DATA (no gzip, truncated, damaged, or more than limit_bytes), MEMORY. */
int gzip_inflate(dlg_device *dev, const char *path, const char *bytes, size_t len,
                 uint64_t limit_bytes, char **out, size_t *out_len);

/* The same of an open file, into a spool. */
int gzip_spool(dlg_device *dev, const char *path, int fd, uint64_t limit_bytes, Spool *out);

/* The most that a file of so many bytes may hold compressed: more is taken for an attack, on the memory or on the
 * disk. */
uint64_t data_unpacked_limit(uint64_t packed_bytes);
uint64_t data_file_unpacked_limit(uint64_t packed_bytes);

/* ---- labels.c: classes by name -------------------------------------------------------------------- */

enum { LABELS_MOST = 4096, LABELS_SLOTS = 2 * LABELS_MOST, LABEL_MOST_BYTES = 1024 };

typedef struct Labels {
    size_t count;
    bool known;       /* from the weights: no other is taken */
    const char *from; /* or from what; NULL: the weights */
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
    uint64_t memory_bytes; /* the most that the values may take in memory; 0: any */
    void *
        values; /* out: rows x width, row-major; the caller's to free. NULL: they are in the spool */
    Spool spool;       /* out: a file, where they were more */
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

/* Reads the file once for all takes, in pieces if it has more than memory_bytes (0: never). On failure no take owns anything.
 * Format: RFC 4180 with commas; LF or CRLF; a byte order mark and blank lines at the end are
 * ignored; blanks around numbers too. The first line is a header when columns are named, and otherwise when none
 * of the cells to take from it is a number or a known label and what follows is not the same in kind; where all cells
 * to take are labels, when what it has comes in no other line. Every cell that is taken must be a finite number of its
 * type, or in a column of labels a label; the others may be any text. Labels are sorted, and their numbers are the
 * values. */
int csv_read(dlg_device *dev, const char *path, CsvTake *takes, size_t count, uint64_t memory_bytes,
             CsvInfo *info);
int csv_parse_file(dlg_device *dev, const char *path, const DataFile *file, CsvTake *takes,
                   size_t count, CsvInfo *info);
int csv_parse(dlg_device *dev, const char *path, const char *text, size_t len, CsvTake *takes,
              size_t count, CsvInfo *info);

/* The number that all of text[0..len) spells, in any locale: [+-]digits[.digits][e[+-]digits].
 * False for anything else, infinities and NaN included. */
bool data_number(const char *text, size_t len, double *value);

/* ---- array.c, npy.c, npz.c, idx.c, tensors.c: arrays ------------------------------------------------ */

#define ARRAY_MAX_RANK 8

/* What the head of a file says. */
typedef struct ArrayHead {
    Element element;
    int rank;
    int64_t shape[ARRAY_MAX_RANK];
    bool fortran; /* the first axis is the fastest */
    size_t elems;
    uint64_t start; /* of the data in the file */
} ArrayHead;

typedef struct Array {
    dlg_type type; /* what the file's type became */
    int rank;
    int64_t shape[ARRAY_MAX_RANK];
    size_t elems;
    void *values; /* row-major, whatever the file's order; array_free */
} Array;

/* The formats, by the file's name: .npy; .npz; .safetensors; .idx, or idx and the number of axes between `-` or `.`
 * and `-`, such as train-images-idx3-ubyte. Each may end in .gz. */
typedef enum ArrayKind { ARRAY_NONE, ARRAY_NPY, ARRAY_NPZ, ARRAY_IDX, ARRAY_TENSORS } ArrayKind;
ArrayKind array_kind(const char *path);

/* "FILE.npz:NAME", "FILE.safetensors:NAME": NAME, with the length of FILE.npz in *path_len; otherwise NULL, with that
 * of all. */
const char *array_member(const char *source, size_t *path_len);

/* Opens a file of any of these kinds and reads its head; data_close. Of an archive the array `member`; if it was not
 * `given` but is a guess, the only array where none has its name. On failure nothing is open. Errors: FILE, DATA,
 * MEMORY. */
int array_open(dlg_device *dev, const char *path, const char *member, bool given,
               uint64_t memory_bytes, DataFile *file, ArrayHead *h);
/* The samples along an axis, each of `type` and in C order. Takes the file over, also on failure. Where they do not
 * lie together they are put so, within memory_bytes or in a temporary file. */
int array_rows(dlg_device *dev, const char *path, DataFile *file, const ArrayHead *h, int axis,
               dlg_type type, uint64_t memory_bytes, Rows *r);
/* All of its elements in C order, for the caller to free. A value that the type cannot hold is an error. */
int array_values(dlg_device *dev, const char *path, const DataFile *file, const ArrayHead *h,
                 dlg_type type, void **values);
/* The same as the type that is nearest to the file's: floats of two bytes f16 or bf16, others f32; bytes u8; other
 * whole numbers i32; bool. */
int array_take(dlg_device *dev, const char *path, const DataFile *file, const ArrayHead *h,
               Array *out);
int array_read(dlg_device *dev, const char *path, const char *member, bool given, Array *out);
void array_free(Array *a);
/* For the formats, when element, rank and shape are known: h->elems. The file must have exactly data_len bytes of
 * data. Errors: DATA. */
int array_check(dlg_device *dev, const char *path, ArrayHead *h, uint64_t data_len);

/* Versions 1 to 3 of the format, in C or Fortran order, of all of NumPy's numbers in either order of bytes. */
int npy_head(dlg_device *dev, const char *path, const DataFile *file, ArrayHead *out);
int npy_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, Array *out);
int npz_open(dlg_device *dev, const char *path, const DataFile *file, const char *member,
             bool given, uint64_t memory_bytes, DataFile *out);
int npz_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, const char *member,
              bool given, Array *out);
int idx_head(dlg_device *dev, const char *path, const DataFile *file, ArrayHead *out);
int idx_parse(dlg_device *dev, const char *path, const char *bytes, size_t len, Array *out);
int tensors_head(dlg_device *dev, const char *path, const DataFile *file, const char *member,
                 bool given, ArrayHead *out);

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
    const char *from;  /* for messages, what they are of; NULL: the weights */
    uint64_t memory_bytes;     /* the most that the windows may take in memory; 0: any */
    void *values;              /* out: rows x window; the caller's to free. NULL: they are in */
    Rows samples;              /* out: a file, or memory that they share */
    size_t rows, tokens, left; /* out: windows; tokens in all; at the end, that fill no window */
    char *vocabulary;          /* out, of chars: UTF-8, in the order of the numbers; the caller's */
    size_t vocabulary_size;    /* out: its characters; 256 of bytes */
} TextTake;

/* A byte order mark at the beginning is no character. On failure *t owns nothing. Errors: DATA (with the line and
 * the byte where it is no UTF-8, or a character that is not known; too short for one window), MEMORY. */
int text_take(dlg_device *dev, const char *path, const DataFile *file, TextTake *t);
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

/* ---- rowset.c: which rows ------------------------------------------------------------------------- */

typedef struct RowSet {
    size_t count;
    size_t first;    /* of a range; */
    uint64_t *bits;  /* or a bit for each row of the data, and before each block of them */
    uint32_t *below; /* how many there are */
    size_t blocks;
} RowSet;

RowSet rowset_range(size_t first, size_t count);
/* An empty one, of so many rows of data. rowset_count when all were added, before rowset_at. */
int rowset_open(dlg_device *dev, RowSet *s, size_t rows);
void rowset_add(RowSet *s, size_t row);
void rowset_count(RowSet *s);
uint32_t rowset_at(const RowSet *s, size_t k); /* the k-th, ascending; k < count */
void rowset_close(RowSet *s);                  /* also of a zeroed one */

/* ---- dataset.c, split.c: the samples of a run ---------------------------------------------------- */

/* What of all data may stay in host memory, unless it is told otherwise. */
#define DATA_HOST_BYTES ((uint64_t)16 << 20)

/* The samples of one input. */
typedef struct Field {
    const dlg_tensor *tensor; /* the input, or the first of its variants */
    size_t elems;             /* of a sample */
    size_t bytes;             /* of a sample */
    bool filled;              /* what follows is there */
    void *values;             /* samples, one after the other; NULL: they are in */
    Rows rows;                /* a file */
    char *vocabulary;         /* of characters of a text: UTF-8, by their numbers; else NULL */
    size_t vocabulary_size;
    char *labels; /* that its numbers stand for, as metadata has them; else NULL */
    char *
        source; /* where it comes from, as the caller said it; NULL: the model did, or it was in memory */
    bool hashed;
    uint64_t hash; /* of all samples, once it was wanted */
} Field;

struct dlg_dataset {
    dlg_program *prog;
    Field *fields;
    size_t field_count;
    size_t rows;
    RowSet all, training, held_out;
    uint32_t **numbers; /* of the training rows and those held out, once they were asked for */
    bool windows;       /* samples are windows of a text: what is held out is together */
    uint64_t split_seed;
    uint64_t fold, folds;  /* held out is fold `fold` of so many; 0: it is no fold */
    dlg_dataset *apart;    /* the rows held out, where they are data of their own */
    uint64_t memory_bytes; /* the most that may be held in memory; 0: not told */
    uint64_t host_bytes;   /* of DATA_HOST_BYTES, what is left */
    char *text;
};

/* Samples first..first+count-1 of a field. */
int field_read(dlg_device *dev, const Field *f, size_t first, size_t count, void *to);
size_t field_piece(const Field *f); /* how many samples to take at a time in going through all */
int field_hash(dlg_device *dev, const Field *f, size_t rows, uint64_t seed, uint64_t *hash);

/* The field that feeds a tensor (by its user name), or NULL. */
const Field *dataset_field(const dlg_dataset *d, const dlg_tensor *t);
/* The axis of a tensor along which samples lie. */
int dataset_axis(const dlg_tensor *t);
const RowSet *dataset_set(const dlg_dataset *d, dlg_rows which);

/* Up to so many rows are put into one random order, as a whole; more by blocks (feed.h, RowOrder). */
enum { SHUFFLE_ALL = 1 << 20 };

/* Puts `n` row numbers into an order that depends on (name, seed, stream, part) alone: Fisher and Yates
 * with unbiased draws from Philox keyed by the name (docs/program-format.md, "Rows"). */
void split_shuffle(uint32_t *rows, size_t n, const char *name, uint64_t seed, uint64_t stream,
                   uint32_t part);
/* "WHAT.NAME" for the metadata that is kept of a field; the caller frees it. NULL: out of memory, which the device
 * says. */
char *split_meta_name(dlg_device *dev, const char *what, const Field *f);
/* Keeps the split, the vocabularies and what tells the data in the program's metadata. */
int split_record(const dlg_dataset *d);

#endif

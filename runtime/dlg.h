/* dlg: runs compiled tensor programs (.cl files made by dlgc) on any OpenCL device, training
 * included. This header is all that a program needs; link with libdlg.
 *
 *     dlg_device *dev;
 *     dlg_program *xor_net;
 *     if (dlg_device_open(&dev, NULL) < 0 ||
 *         dlg_program_load_file(&xor_net, dev, "xor.cl", NULL) < 0 ||
 *         dlg_set(xor_net, "x", x, sizeof x) < 0 || dlg_set(xor_net, "y", y, sizeof y) < 0)
 *         return puts(dlg_error_text(dev)), 1;
 *     for (int i = 0; i < 2000; i++)
 *         dlg_run(xor_net, "train");
 *     dlg_get(xor_net, "loss", &loss, sizeof loss);
 *
 * Status: functions that can fail return DLG_OK (0) or a negative DLG_ERR_...; what failed is told
 * in words by dlg_error_text of the device. Nothing here prints, exits or keeps global state.
 * Results: the first parameter is where the result goes; on failure it is set to NULL (except by
 * dlg_device_open, which see) and nothing else changed.
 * Ownership: what an _open or _load gave is ended by its _close, which takes NULL. Pointers that
 * other functions return belong to the handle they were asked of and live as long as it does. A
 * device is closed after its programs. What the caller passes is copied or used only during the
 * call. Options: a NULL or zeroed options struct means defaults. Threads: a device and its programs
 * are used by one thread at a time; several devices opened separately may be used by several
 * threads at once. */
#ifndef DLG_H
#define DLG_H

#include <stddef.h>
#include <stdint.h>

/* What the shared library exports. */
#if defined(__GNUC__)
#define DLG_API __attribute__((visibility("default")))
#else
#define DLG_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header. */
#define DLG_VERSION "0.1.0"

DLG_API const char *dlg_version(void); /* of the library that is linked: DLG_VERSION then */

/* ---- Status ---------------------------------------------------------------------------------- */

/* Every status, its number and what it says when nothing more is known: the one table. */
#define DLG_STATUS_TABLE(X)                                                                        \
    X(DLG_OK, 0, "done")                                                                           \
    X(DLG_ERR_USAGE, -1, "the library was used wrongly")                                           \
    X(DLG_ERR_MEMORY, -2, "out of memory")                                                         \
    X(DLG_ERR_FILE, -3, "a file cannot be read or written")                                        \
    X(DLG_ERR_PROGRAM, -4, "the program is malformed")                                             \
    X(DLG_ERR_NAME, -5, "there is nothing of that name")                                           \
    X(DLG_ERR_SIZE, -6, "the size does not match")                                                 \
    X(DLG_ERR_UNSET, -7, "an input was not set")                                                   \
    X(DLG_ERR_WEIGHTS, -8, "the weights file is malformed or does not match")                      \
    X(DLG_ERR_DATA, -9, "the data is malformed or does not match")                                 \
    X(DLG_ERR_DEVICE, -10, "there is no such device")                                              \
    X(DLG_ERR_OPENCL, -11, "OpenCL failed")                                                        \
    X(DLG_ERR_BUILD, -12, "the kernels do not compile on this device")                             \
    X(DLG_ERR_LIMIT, -13, "the program needs more than the device has")                            \
    X(DLG_ERR_UNSUPPORTED, -14, "this is not supported")                                           \
    X(DLG_ERR_STOPPED, -15, "stopped as asked")                                                    \
    X(DLG_ERR_DIVERGED, -16, "the training diverged")

/* What functions return: DLG_OK, or below 0 what failed. */
typedef enum dlg_status {
/* A row of the table as one of these. */
#define DLG_STATUS_ROW(name, number, text) name = number,
    DLG_STATUS_TABLE(DLG_STATUS_ROW)
#undef DLG_STATUS_ROW
        DLG_STATUS_END_ = 0x7fffffff
} dlg_status;

DLG_API const char *dlg_status_text(int status); /* the table's text; never NULL */

/* ---- Devices --------------------------------------------------------------------------------- */

/* An OpenCL device that is open, or "none". */
typedef struct dlg_device dlg_device;

/* What is known of a device without opening it. */
typedef struct dlg_device_info {
    int number;                /* from 0, in the order of the platforms: what a selector may say */
    char platform[128];        /* what OpenCL calls it, as the following */
    char name[128];            /* of the device */
    char driver[64];           /* its version */
    char type[16];             /* "cpu", "gpu", "accelerator" or "other" */
    unsigned compute_units;    /* cores, or what the device has for them */
    uint64_t memory_bytes;     /* that it has */
    uint64_t max_buffer_bytes; /* of one tensor, or of the arena */
    uint64_t local_memory_bytes; /* of a work-group */
    size_t max_group;            /* the most work-items in a group */
    unsigned
        vector_floats; /* f32 in a register of the machine, as the driver has it; 0: it does not say */
    unsigned
        matrix_units; /* 1: for products of tf32 and bf16, by PTX's mma.sync; 2: by its wgmma, too; 0: none that are known */
} dlg_device_info;

/* What `dlgc --target` takes for such a device, as "cpu" (NULL: no device): its fastest programs are those. It runs others too, as far as it has
 * the instructions; but with matrix_units lowered, *info asks for programs without these. */
DLG_API const char *dlg_device_target(const dlg_device_info *info);
/* Lists the devices of all platforms; no device at all is an empty list, not an error. The list is
 * freed by dlg_device_list_free. Errors: MEMORY, OPENCL. */
DLG_API int dlg_device_list(dlg_device_info **list, size_t *count);
/* Frees such a list; NULL too. */
DLG_API void dlg_device_list_free(dlg_device_info *list);

/* Opens a device. The selector is a number of the list or a part of "PLATFORM: NAME" in any case
 * (the first that matches); NULL: the first CPU, otherwise the first device. "none" is a handle
 * without a device: programs loaded on it are checked and can be inspected but not run.
 * *dev is a handle in every case but MEMORY, so that dlg_error_text can say what failed and
 * dlg_device_close end it. Errors: DEVICE, OPENCL, MEMORY. */
DLG_API int dlg_device_open(dlg_device **dev, const char *selector);
/* Ends a device, after its programs; NULL too. */
DLG_API void dlg_device_close(dlg_device *dev);
DLG_API const dlg_device_info *dlg_device_get_info(const dlg_device *dev); /* NULL for "none" */

/* When a processor does the short launches of a step as one, whose groups wait for each other without sleeping. */
typedef enum dlg_pair {
    DLG_PAIR_OFF,  /* never: so it is at first */
    DLG_PAIR_FREE, /* in steps before which the other processes of the machine left the cores free */
    DLG_PAIR_ALWAYS /* in every step, also where that is much slower */
} dlg_pair;
/* For programs that are loaded from now on: they must have been compiled with --pair. Results are the same, bit by bit.
 * Errors: USAGE (not a processor), UNSUPPORTED (the system does not say who uses the cores). */
DLG_API int dlg_device_pair(dlg_device *dev, dlg_pair when);

/* The message of the last error of the device or of a program on it, without a newline at the end;
 * it is kept until the next error. "" when there was none; a NULL device: out of memory. */
DLG_API const char *dlg_error_text(const dlg_device *dev);

/* ---- Programs -------------------------------------------------------------------------------- */

/* A compiled program that was loaded on a device. */
typedef struct dlg_program dlg_program;

/* How to load a program. */
typedef struct dlg_program_options {
    uint64_t seed; /* of the values that params and states start with */
} dlg_program_options;

/* Loads a compiled program: checks the whole plan, builds the kernels, allocates the tensors and
 * gives params and states the values that they start with. `name` stands in messages for the file.
 * Errors: FILE, PROGRAM (the message says "FILE:LINE: ..."), BUILD, LIMIT, OPENCL, MEMORY. */
DLG_API int dlg_program_load_file(dlg_program **prog, dlg_device *dev, const char *path,
                                  const dlg_program_options *options);
/* The same of a text of `len` bytes in memory. Where `name` is that of the source which it was compiled from, messages of the
 * driver are about "what NAME compiles to". */
DLG_API int dlg_program_load_text(dlg_program **prog, dlg_device *dev, const char *name,
                                  const char *text, size_t len, const dlg_program_options *options);
/* Ends a program; NULL too. */
DLG_API void dlg_program_close(dlg_program *prog);

DLG_API dlg_device *dlg_program_device(const dlg_program *prog); /* that it was loaded on */
DLG_API const char *dlg_program_model(const dlg_program *prog);  /* the model's name */
DLG_API const char *dlg_program_target(const dlg_program *prog); /* a row of target.def, as "cpu" */
DLG_API const char *dlg_program_source(const dlg_program *prog); /* the .dlg it came from */
DLG_API const char *
dlg_program_file(const dlg_program *prog); /* the path or name it was loaded by */
DLG_API uint64_t
dlg_program_arena_bytes(const dlg_program *prog); /* of all that lives only while an entry runs */
/* The OpenCL text, NUL-terminated, *len bytes (len may be NULL). */
DLG_API const char *dlg_program_kernels(const dlg_program *prog, size_t *len);
DLG_API size_t dlg_program_kernel_count(const dlg_program *prog); /* kernels in the text */
/* The comment over a kernel of the text, *len bytes of lines that begin with "//": the lines of the source that it
 * computes, and what it makes. NULL where there is none, in a text that was written by hand. */
DLG_API const char *dlg_kernel_comment(const dlg_program *prog, const char *kernel, size_t *len);
/* A constant of the model; *value is left alone when there is none. Errors: NAME. */
DLG_API int dlg_program_const(dlg_program *prog, const char *name, double *value);

/* ---- Tensors --------------------------------------------------------------------------------- */

/* How elements lie in memory. F16 and BF16 are uint16_t of their bits, whatever the machine's C compiler
 * has for them: IEEE 754 binary16, and the upper half of an f32. dlg_element and dlg_put_element convert. */
typedef enum dlg_type {
    DLG_F32,
    DLG_I32,
    DLG_BOOL, /* one byte, 0 or 1 */
    DLG_F16,
    DLG_BF16,
    DLG_U8,
} dlg_type;

/* What a tensor is for. */
typedef enum dlg_kind {
    DLG_INPUT,  /* set by the caller before an entry that reads it runs */
    DLG_PARAM,  /* trained; kept between runs */
    DLG_STATE,  /* kept between runs */
    DLG_ARENA,  /* an intermediate of a run: cannot be set or got */
    DLG_OUTPUT, /* written by an entry */
} dlg_kind;

/* What an input takes of its source. */
typedef enum dlg_source_form {
    DLG_SOURCE_NONE,    /* no source: only dlg_set fills the input */
    DLG_SOURCE_WHOLE,   /* the file as it is */
    DLG_SOURCE_COLUMN,  /* column `first` of a table: no column axis in a sample */
    DLG_SOURCE_COLUMNS, /* columns first..last-1: an axis of last - first */
    DLG_SOURCE_CHARS,   /* text, by characters */
    DLG_SOURCE_BYTES,   /* text, by bytes */
} dlg_source_form;

/* The `from` clause of an input: where its values come from unless the caller says otherwise. */
typedef struct dlg_source {
    dlg_source_form form; /* what is taken of the file */
    const char *path;     /* as the model wrote it; NULL when form is NONE */
    int64_t first;        /* the column, or the first of them */
    int64_t last;         /* one more than the last column */
    int axis;             /* the sample axis */
} dlg_source;

/* A tensor of a program. */
typedef struct dlg_tensor {
    size_t index;          /* of dlg_tensor_at */
    const char *name;      /* unique: "h.w", "loss@1" */
    const char *user_name; /* what the model calls it: `name` up to the '@' */
    dlg_type type;         /* of its elements */
    dlg_kind kind;         /* what it is for */
    int rank;              /* how many axes; 0: a scalar */
    int64_t shape[8];      /* `rank` sizes */
    uint64_t elems;        /* how many elements */
    uint64_t bytes;        /* row-major, without padding */
    uint64_t arena_offset; /* of kind ARENA */
    dlg_source source;     /* of kind INPUT */
} dlg_tensor;

DLG_API size_t dlg_tensor_count(const dlg_program *prog);                       /* of all kinds */
DLG_API const dlg_tensor *dlg_tensor_at(const dlg_program *prog, size_t index); /* NULL beyond */
/* The tensor of that name, or else the only one whose user name it is; not those of kind ARENA.
 * NULL when there is none (or several). */
DLG_API const dlg_tensor *dlg_tensor_find(const dlg_program *prog, const char *name);
DLG_API const char *dlg_type_name(dlg_type type); /* "f32", "i32", "bool", "f16", "bf16", "u8" */
DLG_API size_t dlg_type_bytes(dlg_type type);     /* of an element */
/* Element `i` of an array of a type, as a number. */
DLG_API double dlg_element(dlg_type type, const void *values, size_t i);
/* Makes element `i` the number. A float is rounded to the nearest, to the even one of two as near. Errors,
 * with nothing written: DATA, when the type cannot hold it: no whole number, out of range, NaN where
 * there is none; a finite number that would become infinite. */
DLG_API int dlg_put_element(dlg_type type, void *values, size_t i, double number);
/* Writes what element `i` of a tensor is called, "h.w[2, 0]", cut to `size` bytes, of which there is at least one.
 * Returns out. */
DLG_API const char *dlg_place(char *out, size_t size, const dlg_tensor *t, uint64_t i);

/* Copies the whole tensor in or out: `bytes` must be its size. Names as for dlg_tensor_find. What
 * was enqueued before comes first: dlg_set does not disturb runs before it, and dlg_get waits for
 * them. Errors: NAME, SIZE, USAGE (an arena tensor; a bool that is not 0 or 1; device "none"),
 * UNSET (dlg_get of a result whose entry has not run), OPENCL. */
DLG_API int dlg_set(dlg_program *prog, const char *name, const void *data, size_t bytes);
/* The other way round. */
DLG_API int dlg_get(dlg_program *prog, const char *name, void *data, size_t bytes);

/* The same from and to files: a whole tensor as an .npy array (or from an IDX file, or an .npz or
 * .npz:ARRAY) of its shape, or from a .csv table of as many numbers, row by row; each may be
 * compressed (.gz). Types are converted: whole numbers where none changes, floats rounded to the
 * nearest. NumPy has no bf16: such a tensor is written as f4. Errors: as dlg_set; FILE, DATA. */
DLG_API int dlg_set_file(dlg_program *prog, const char *name, const char *path);
/* The other way round: an .npy file. */
DLG_API int dlg_get_file(dlg_program *prog, const char *name, const char *path);
/* Any array as an .npy file, written completely or not at all. Errors: FILE, MEMORY. */
DLG_API int dlg_array_write(dlg_device *dev, const char *path, dlg_type type, int rank,
                            const int64_t *shape, const void *values);

/* Params and states to the values of this seed; the step counter to 0. */
DLG_API int dlg_init(dlg_program *prog, uint64_t seed);
DLG_API uint64_t dlg_seed(const dlg_program *prog); /* of the values at the start */
/* How many runs counted as training steps since the values at the start (or the checkpoint's). */
DLG_API uint64_t dlg_step(const dlg_program *prog);

/* ---- Entries --------------------------------------------------------------------------------- */

/* What an argument is. */
typedef enum dlg_arg_kind {
    DLG_ARG_NUMBER,    /* `number`, an i32 */
    DLG_ARG_ITERATION, /* of the repeat at depth `number` */
    DLG_ARG_TENSOR,    /* `tensor` */
    DLG_ARG_RUNS,      /* how many runs the launch does; 1 by dlg_run */
    DLG_ARG_ADVANCE /* by how many elements argument `number`, a tensor, advances from run to run */
} dlg_arg_kind;

/* An argument of a launch. */
typedef struct dlg_arg {
    const dlg_tensor *tensor; /* NULL for other kinds */
    int32_t number;           /* of those that have one */
    dlg_arg_kind kind;        /* what it is */
} dlg_arg;

/* A launch of a kernel. */
typedef struct dlg_launch {
    const char *kernel;  /* the function in the text */
    size_t global;       /* work-items in all, */
    size_t local;        /* and in a group */
    const dlg_arg *args; /* one a parameter */
    size_t arg_count;    /* how many */
    int64_t flops;       /* operations that it does, as the compiler counted; 0: not said */
    int64_t bytes;       /* that it touches; 0: not said */
    const char *source;  /* the .dlg and the line it came from; NULL when the plan does not say */
    int64_t line;        /* 0 where `source` is NULL */
} dlg_launch;

/* Launches that run `trips` times, one after the other. */
typedef struct dlg_repeat {
    size_t first;  /* a launch of the entry: the first of them, */
    size_t end;    /* and one more than the last; never empty */
    int32_t trips; /* at least 1 */
} dlg_repeat;

/* What can be run. */
typedef struct dlg_entry {
    const char *name;                 /* as the model says, or NAME@1 */
    const dlg_tensor *const *reads;   /* inputs that must be set */
    size_t read_count;                /* of reads */
    const dlg_tensor *const *updates; /* params and states that it writes */
    size_t update_count;              /* of updates */
    const dlg_tensor *const *returns; /* in the model's order */
    size_t return_count;              /* of returns */
    int trains;                       /* 1: a run counts as a training step */
    const dlg_launch *launches;       /* in the order in which they run */
    size_t launch_count;              /* of launches */
    const dlg_repeat
        *repeats;        /* in the order of their beginnings: one that holds another is before it */
    size_t repeat_count; /* of repeats */
    const struct dlg_entry *single; /* its variant for a batch of 1 (NAME@1), or NULL */
    uint64_t arena_bytes;           /* of the arena, that it works in */
    /* As the compiler found, or -1 where the plan does not say: fewest bytes that a run has to move, by the
     * bound of docs/passes.md. */
    int64_t bound_bytes;
    int64_t
        live_bytes; /* the same: the most that its arena buffers alive at one time take together */
} dlg_entry;

DLG_API size_t dlg_entry_count(const dlg_program *prog); /* with the variants NAME@1 */
DLG_API const dlg_entry *dlg_entry_at(const dlg_program *prog, size_t index); /* NULL beyond */
/* The entry of that name; NULL when there is none. */
DLG_API const dlg_entry *dlg_entry_find(const dlg_program *prog, const char *name);

/* Enqueues one run of an entry and returns; dlg_get or dlg_finish wait for it.
 * Errors: NAME, UNSET, USAGE (device "none"), OPENCL. */
DLG_API int dlg_run(dlg_program *prog, const char *entry);
/* For drivers that build a kernel only when it is launched first, and keep what they built where other processes find it: launches
 * kernels of an entry, each once with one work-group, and waits for them. Counted from the entry's last one it is every `parts`-th,
 * from number `part` on. What tensors hold afterwards is not defined. Errors: NAME, USAGE, OPENCL, BUILD. */
DLG_API int dlg_build_kernels(dlg_program *prog, const char *entry, unsigned part, unsigned parts);
DLG_API int dlg_finish(dlg_program *prog); /* waits until all that was enqueued is done */

/* From now on (or, with 0, no longer) every run looks at all that it reads and writes, launch by launch, and ends where
 * something is NaN: dlg_run, dlg_train and others then fail (DIVERGED), and the message names the tensor and element,
 * the kernel and its lines of the source, and the first infinity before it. It changes no values, and takes several
 * times as long. Errors: USAGE (device "none"), OPENCL, MEMORY. */
DLG_API int dlg_check_nan(dlg_program *prog, int on);
/* What was infinite first in the runs that were looked at, as such a message says it; "" when nothing was. */
DLG_API const char *dlg_first_infinite(const dlg_program *prog);

/* ---- Profiles -------------------------------------------------------------------------------- */

/* What the launches of one place in an entry took together. */
typedef struct dlg_profile_row {
    const char *kernel; /* the function */
    const char *entry;  /* "": a kernel of the runtime itself */
    const char *source; /* the .dlg, "" when it is not known */
    const char *lines;  /* what the kernel computes, "  12  h = ...\n  13 ..." */
    int64_t line;       /* the first of them */
    uint64_t launches;  /* how many */
    double seconds;     /* in all, by the device's clock */
    int64_t flops;      /* of one launch, as the compiler counted; 0: not known */
    int64_t bytes;      /* the same */
    double
        of_limit; /* what part of the device's limit it reached, by operations or by bytes; 0: not known */
    int limited_by_bytes; /* 1: by bytes */
    size_t launch;        /* the place: of the entry's launches, from 0 */
} dlg_profile_row;

/* From now on launches on the device are timed. dlg_profile_end writes them into the file, unless `path` is NULL: Chrome's trace format, one
 * event a launch (of the first 200,000) with its entry, step, source lines, operations and bytes. It gives the sums
 * too, the longest first, which stay until the device is closed or the next profile begins; either may be NULL. Timing
 * costs some microseconds a launch. The first profile of a device begins with half a second of measuring what it can do: the
 * rate of multiply-adds, and of copies within 1, 16 and 128 MiB. Errors: FILE, USAGE (device "none"; no profile to end), OPENCL, MEMORY. */
DLG_API int dlg_profile_begin(dlg_device *dev, const char *path);
/* Ends it, as above. */
DLG_API int dlg_profile_end(dlg_device *dev, const dlg_profile_row **rows, size_t *count);

/* ---- Weights --------------------------------------------------------------------------------- */

/* How to read and write weights. */
typedef struct dlg_weights_options {
    int checkpoint; /* 1: every param and state, and the step; 0: params and the states that an
                       entry which does not train uses */
    /* For dlg_weights_load: 1: what the file and the program have under one name, in one type and shape, is
     * read, and the rest is left as it is; `left`, if not NULL, is then told of each: a line of text. At
     * least one tensor must fit. */
    int partial;
    void (*left)(void *context, const char *what); /* NULL: nobody is told */
    void *context;                                 /* for both callbacks */
    /* For dlg_weights_load, if not NULL: told of each tensor that was loaded and holds NaN, or is a param and
     * holds what is infinite: "h.w holds NaN, first at h.w[3, 0]". That is no error. */
    void (*unsound)(void *context, const char *what);
} dlg_weights_options;

/* Writes a safetensors file: complete or not at all (a temporary file beside it, synced and
 * renamed), in place of whatever file has that name. Its metadata are "format", "model", "seed", "step", "dlg_checksum"
 * (of all that it holds) and those of dlg_meta_set. Errors: FILE, USAGE (device "none"), OPENCL, MEMORY. */
DLG_API int dlg_weights_save(dlg_program *prog, const char *path,
                             const dlg_weights_options *options);
/* Reads one, all checked first, by its checksum too if it has one: on failure nothing changed. The file must hold every
 * tensor that dlg_weights_save with these options would write, in its type and shape. Without `checkpoint`
 * other tensors that belong to the program are ignored, and step and seed stay as they are; with it
 * they become the file's. The file's other metadata replace the program's, unless `partial`. Errors: FILE, WEIGHTS,
 * USAGE, OPENCL, MEMORY. */
DLG_API int dlg_weights_load(dlg_program *prog, const char *path,
                             const dlg_weights_options *options);
/* Metadata kept with the weights. The names of dlg_weights_save are the library's: USAGE.
 * A NULL value removes. dlg_meta_get: NULL when there is none; valid until the next change. */
DLG_API int dlg_meta_set(dlg_program *prog, const char *name, const char *value);
/* What is kept under a name; as above. */
DLG_API const char *dlg_meta_get(const dlg_program *prog, const char *name);

/* ---- Data sets ------------------------------------------------------------------------------- */

/* The samples of a run: of every input that a set of entries reads and that has a
 * source, as many samples as the others have. They are in host memory while they are few, and else in their files, or in
 * a temporary file where those cannot be read anywhere (tables, what is compressed, pipes). Rows are training rows or held
 * out. */
typedef struct dlg_dataset dlg_dataset;

/* Where an input's samples come from, over what the model says. One of `source` and `values`. */
typedef struct dlg_data {
    const char *name; /* the input's */
    /* A file: "table.csv:0:64" (columns 0 to 63), "table.csv:64" (one column), "table.csv:a,b" (the
     * columns that the header calls so), "table.csv" (the
     * columns that the model names, or all), "x.npy" (samples along the model's axis), "xs.npz:x"
     * (the same, of the array `x`) or "xs.npz" (of the array with the input's name, or the only one),
     * "images-idx3-ubyte" (samples along its first axis), "book.txt:chars" or "book.txt:bytes" (or
     * "book.txt" where the model says which: a sample is a window of as many tokens as the input
     * takes, beginning with the one that ends the sample before). Each may be compressed by gzip
     * ("table.csv.gz:64"). */
    const char *source;
    /* Memory: `rows` samples, one after the other, in the input's type. Copied. */
    const void *values;
    size_t rows; /* of values */
} dlg_data;

/* Which inputs get data, and whence. */
typedef struct dlg_dataset_options {
    const char *const
        *entries;       /* whose inputs are wanted; NULL: "train" and, if there, "evaluate" */
    size_t entry_count; /* of entries */
    const char *const *inputs;  /* further inputs, read by these entries or not */
    size_t input_count;         /* of inputs */
    const char *const *without; /* inputs that dlg_set fills, whatever source the model names */
    size_t without_count;       /* of without */
    const dlg_data *data;       /* over the model's sources */
    size_t data_count;          /* of data */
    /* The most that the samples may take, on the device and on the host; beyond it they stay in their files and batches
     * are read from there. 0: 16 MiB of host memory; of the device as dlg_train says. */
    uint64_t memory_bytes;
} dlg_dataset_options;

/* Reads the data. A relative path of the model is looked up beside the program's file, then in the
 * current directory; one of the options only as it stands. A file named by several inputs is read
 * once. Characters of a text have the numbers of the vocabulary that the program's metadata hold under
 * "vocabulary.NAME" for the input NAME, as dlg_train records and weights files keep it; without one, of the
 * text's own; likewise the labels of a table under "labels.NAME". Errors: NAME (an entry or an input), FILE, DATA (the message says where in the file; a
 * character that is not in the vocabulary), MEMORY. */
DLG_API int dlg_dataset_open(dlg_dataset **data, dlg_program *prog,
                             const dlg_dataset_options *options);
/* Ends a data set; NULL too. */
DLG_API void dlg_dataset_close(dlg_dataset *data);

/* Holds out round(fraction * rows) rows, chosen by a permutation that depends on the seed and the
 * number of rows alone; 0 <= fraction < 1. Of a text the last ones, and the window before them is not
 * trained on either, since it shares a token with them. A new data set has no rows held out. Errors: USAGE, DATA
 * (nothing is left to train on, or a fraction above 0 holds out nothing). */
DLG_API int dlg_dataset_split(dlg_dataset *data, double fraction, uint64_t seed);

/* Holds out one of `folds` parts of the rows, the fold-th from 1; every row is in one of them, and they differ by one
 * row at most. They depend on the seed and the number of rows alone; of a text they are parts that are together, and the
 * windows beside one are not trained on. Errors: USAGE, DATA. */
DLG_API int dlg_dataset_fold(dlg_dataset *data, uint64_t fold, uint64_t folds, uint64_t seed);

/* Holds out samples that are data of their own, such as the files for testing that come with those for training: a
 * source of each input that the data has. Labels and characters must be those of the data. dlg_train records the
 * sources, and dlg_evaluate takes them. Errors: as dlg_dataset_open. */
DLG_API int dlg_dataset_hold_out(dlg_dataset *data, const dlg_data *sources, size_t count);
/* As dlg_dataset_text, of these; "" where there are none. */
DLG_API const char *dlg_dataset_held_out_text(const dlg_dataset *data);

/* The split that dlg_train recorded in the program's metadata, which weights files keep (of rows held out that were data
 * of their own: that this data is them, so that all rows are). When this
 * data is other than the data of the training run, all rows are held out from training, and *same
 * is 0. Errors: DATA (nothing was recorded, or it is malformed). */
DLG_API int dlg_dataset_split_recorded(dlg_dataset *data, dlg_program *prog, int *same);

/* Which rows of a data set. */
typedef enum dlg_rows {
    DLG_ROWS_ALL,      /* each */
    DLG_ROWS_TRAINING, /* those to train on */
    DLG_ROWS_HELD_OUT, /* those to evaluate on */
} dlg_rows;

/* How many rows there are of a kind, and their numbers in the data, ascending (NULL of ALL, of rows held out that are
 * data of their own, and where there is no memory for them). */
DLG_API size_t dlg_dataset_rows(const dlg_dataset *data, dlg_rows which);
/* The second of both. */
DLG_API const uint32_t *dlg_dataset_row_numbers(const dlg_dataset *data, dlg_rows which);
/* The files that were read, in a line: "digits.csv: 1797 rows". */
DLG_API const char *dlg_dataset_text(const dlg_dataset *data);
/* The number in the data (in their own, of rows held out that are such) of the index-th row of a kind, ascending;
 * index < dlg_dataset_rows. */
DLG_API uint32_t dlg_dataset_row(const dlg_dataset *data, dlg_rows which, size_t index);
/* Whether the data set holds samples of an input. */
DLG_API int dlg_dataset_has(const dlg_dataset *data, const dlg_tensor *input);
/* Samples of an input: `count` of them from row `first` on, one after the other. Errors: NAME, DATA, FILE. */
DLG_API int dlg_dataset_read(const dlg_dataset *data, const dlg_tensor *input, size_t first,
                             size_t count, void *values);
/* All samples of an input, one after the other; NULL when the data set does not hold it in host memory. */
DLG_API const void *dlg_dataset_values(const dlg_dataset *data, const dlg_tensor *input);
/* 1: a run reads batches from files, for the data, with what is held out, is more than may lie on the device
 * (`device_bytes` of dlg_train_options). */
DLG_API int dlg_dataset_streams(const dlg_dataset *data, uint64_t device_bytes);
/* The names that an input's numbers stand for, a JSON array of strings in the order of the numbers, or NULL. */
DLG_API const char *dlg_dataset_labels(const dlg_dataset *data, const dlg_tensor *input);
/* The characters of the text that an input takes, in UTF-8 and in the order of their numbers, *size (which may be
 * NULL) of them. NULL when it takes none; *size is then 256 of bytes, else 0. */
DLG_API const char *dlg_dataset_vocabulary(const dlg_dataset *data, const dlg_tensor *input,
                                           size_t *size);

/* ---- Training -------------------------------------------------------------------------------- */

/* Scalars that an entry returns, by the model's names. */
typedef struct dlg_metrics {
    size_t count;             /* how many */
    const char *const *names; /* as the model calls them */
    double *values;           /* means over the rows; NaN before there are any */
    uint64_t rows;            /* how many they are of */
} dlg_metrics;

/* When the callback of a training is called. */
typedef enum dlg_event {
    DLG_EVENT_STEPS,      /* about ten times a second */
    DLG_EVENT_EPOCH,      /* the end of an epoch or of the run; after the evaluation */
    DLG_EVENT_BEGIN,      /* once, before the first step: whether the run was resumed is known */
    DLG_EVENT_CHECKPOINT, /* a checkpoint was written, or could not be */
    DLG_EVENT_DIVERGED,   /* once, at the end of a run that fails so; dlg_error_text says where */
} dlg_event;

/* How a training is getting on. */
typedef struct dlg_progress {
    dlg_event event;           /* why it is told */
    uint64_t epoch;            /* from 1, the one that this is */
    uint64_t epochs;           /* in all */
    uint64_t step;             /* done, those before a resumption included */
    uint64_t steps;            /* in all */
    uint64_t batch;            /* done in this epoch */
    uint64_t batches;          /* in an epoch */
    uint64_t left_out;         /* rows that an epoch does not use: they do not fill a batch */
    dlg_metrics train;         /* over the epoch so far */
    dlg_metrics evaluate;      /* the last evaluation; its rows are 0 before the first */
    double seconds;            /* of this call */
    double samples_per_second; /* training alone */
    int resumed;               /* 1: the run goes on from a checkpoint, */
    uint64_t resumed_step;     /* after this step */
    uint64_t best_epoch;       /* with `patience`: the best so far, 0 before the first */
    double best;               /* its metric */
    int last;                  /* 1 at the event EPOCH that is the run's last, and at BEGIN where
                                  nothing is left to do */
    int checkpoint;            /* status of the last one: when it failed, the run goes on unless the
                                  callback stops it; at the event dlg_error_text says why */
    /* At the event DIVERGED: 1: the program has finite weights again, those of the best epoch or else of the last
     * step at which they were looked at; 0: there are none. */
    int restored;
    uint64_t restored_step; /* 0: the values at the start, or of the best epoch */
    /* In which a scalar was NaN first; 0: the weights were found infinite or NaN, and in what step is not known. */
    uint64_t diverged_step;
    /* What that scalar was in the first step of this call, and in the last before that one (of weights: the first of what
     * the entry returns); both NaN: there is none. */
    double diverged_first, diverged_before;
    /* What tells this run from others: a hash of the program, the entry, the data with what is held out, the seed and the
     * inputs that were set. That of a run that goes on is the same. */
    uint64_t run;
} dlg_progress;

/* Called by dlg_train from its own thread; not 0: stop. It may read tensors but not run entries. */
typedef int (*dlg_progress_fn)(const dlg_progress *progress, void *user);

/* How to train. */
typedef struct dlg_train_options {
    const char *entry;    /* NULL: "train" */
    const char *evaluate; /* after each epoch, on the rows held out; NULL: "evaluate", if there */
    uint64_t epochs;      /* 0: as `steps` says, or else 10 */
    uint64_t steps;       /* 0: as `epochs` says; both: whichever ends first */
    uint64_t seed;        /* of the order of the rows */
    /* The most that the data, with what is held out, may take on the device; 0: as the data set was told, or else half of the device's memory,
     * or where that is the host's an eighth and at most 1 GiB. What is more is read from files, with the same bits. */
    uint64_t device_bytes;
    dlg_progress_fn progress; /* may be NULL */
    void *user;               /* for it */
    /* 1: the event EPOCH may come late, by about a tenth of a second: epochs that are shorter than that, and are not
     * evaluated, then wait for the device less often. At the event the program has gone on already, so that its
     * tensors are those of later steps; and a run that is stopped then has done these. */
    int late_events;
    uint64_t
        report_steps; /* events STEPS also after every so many steps, each at the cost of a wait */
    /* Early stopping: the run ends when for so many epochs the metric of the rows held out was not
     * better than the best; 0: it does not. The program then has the weights of the best epoch, which
     * metadata `best_epoch` tells, however the run ended; its other states are the last ones. */
    uint64_t patience;
    const char *metric; /* a scalar of the evaluation; NULL: the first one */
    int maximize;       /* 1: more of it is better; 0: less */
    /* NULL, or the file to keep the state of the run in: params, states, step, seed, the place in the data,
     * what the epoch's metrics are made of. It is replaced as a whole (dlg_weights_save) while the
     * run goes on, when the callback stops it and at its end, so that it can be resumed whatever
     * ends it, and then ends with the same bits. A weights file too: dlg_weights_load takes it. */
    const char *checkpoint;
    uint64_t checkpoint_steps; /* write it after every so many steps, */
    double
        checkpoint_seconds; /* or after so many seconds; both 0: every minute, or as often as takes
                                  a fiftieth of the time */
    int resume;             /* 1: go on from `checkpoint` if the file is there, otherwise begin */
    /* 0: the run ends (DIVERGED) when a scalar that the entry returns is NaN in a step, or a param that it updates
     * is NaN or infinite; that is seen within about a tenth of a second, or before a checkpoint is written, which
     * therefore never holds such params. The program then has the last weights that were finite, where they take
     * no more than 32 MiB, which are kept on the device; other states are the last ones. 1: it goes on. */
    int ignore_nan;
} dlg_train_options;

/* Trains on the training rows: each epoch goes through a new permutation of them, which depends on
 * the seed, the epoch and the number of rows alone, in full batches. The data lies on the device
 * when it fits, and batches are selected there. The split is recorded in the program's metadata.
 * Errors: NAME, UNSET, DATA (fewer rows than a batch), STOPPED (the callback said so; what was
 * trained so far is in the program), DIVERGED, OPENCL, MEMORY; FILE (a checkpoint that cannot be read; without
 * a callback, one that cannot be written), WEIGHTS (the checkpoint is damaged, or of another run:
 * program, data, split, seed, entry, batch, an input that dlg_set gave), when no value has changed. */
DLG_API int dlg_train(dlg_program *prog, const dlg_dataset *data, const dlg_train_options *options);

/* Runs an entry that updates nothing over rows of the data and takes the means of its scalars by
 * rows: full batches, then the rest through the entry's batch-1 variant. Without that variant the
 * rest is left out, which shows in *rows. *out is freed by dlg_metrics_free.
 * Errors: as dlg_train; USAGE (the entry updates something). */
DLG_API int dlg_evaluate(dlg_program *prog, const dlg_dataset *data, const char *entry,
                         dlg_rows which, dlg_metrics *out);
/* Frees what dlg_evaluate gave; NULL too. */
DLG_API void dlg_metrics_free(dlg_metrics *metrics);

/* Sets the inputs of an entry from rows of the data: `count` of them, as many as its batch (or 1,
 * for a batch-1 variant). Errors: USAGE, DATA, OPENCL. */
DLG_API int dlg_dataset_feed(dlg_program *prog, const dlg_dataset *data, const dlg_entry *entry,
                             const uint32_t *rows, size_t count);
/* The batch of an entry: the length of the sample axis of its inputs. Errors: DATA. */
DLG_API int dlg_dataset_batch(const dlg_dataset *data, const dlg_entry *entry, size_t *batch);

/* ---- Sampling -------------------------------------------------------------------------------- */

/* What to draw, and how. */
typedef struct dlg_sample_options {
    const char *
        entry; /* NULL: "generate" if there, or else "predict"; its batch-1 variant where it has one */
    const char
        *prompt; /* UTF-8 of a model of characters; NULL: it begins after the end of a line */
    size_t prompt_bytes; /* of prompt */
    uint64_t length;     /* tokens to draw */
    double temperature; /* 0: always the likeliest token; 1: as the model says; more: more evenly */
    uint64_t top_k;     /* draw from so many of the likeliest tokens; 0: from all */
    uint64_t seed;      /* of what is drawn */
    /* Called with the text of each token that is drawn, a character or a byte. Not 0: stop. May be NULL. */
    int (*text)(const char *text, size_t bytes, void *user);
    void *user; /* for it */
} dlg_sample_options;

/* Draws tokens from a model of a text, each after those of the prompt and the ones before. The entry reads the
 * tokens of one sample (an i32 or u8 input with a text as its source, or a vocabulary in the program's metadata, as
 * weights that were trained on one have) and returns their probabilities, or logits, in the last axis of its first
 * float tensor. It updates states and reads one token at a time; or it updates nothing and reads a window, and then
 * says what follows each of its tokens, or what follows the last alone (and wants a prompt as long). Numbers that are
 * from 0 to 1 and sum to 1 are probabilities, others logits. Afterwards the states are what they were before.
 * Errors: NAME, UNSUPPORTED (the entry is not such), WEIGHTS (no vocabulary), DATA (what is wrong with the prompt;
 * NaN), UNSET, USAGE, STOPPED (the callback said so), OPENCL, MEMORY. */
DLG_API int dlg_sample(dlg_program *prog, const dlg_sample_options *options);

#ifdef __cplusplus
}
#endif

#endif

/* rt: what the files of libdlg share. Sections are in the order of the files.
 *
 * Errors: a function that can fail returns a dlg_status and has put its message into the device
 * with rt_fail. Ownership: every _open, _load, _read has a _close or _free that takes NULL or
 * zeroed. The runtime never includes the compiler. */
#ifndef DLG_RT_H
#define DLG_RT_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdbool.h>
#include <stdio.h>
#include "dlg.h"
#include "nearest.h"
#include "real_path.h"

#ifdef __GNUC__
#define RT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define RT_PRINTF(fmt, args)
#endif

/* ---- error.c: messages ------------------------------------------------------------------------
 */

/* Puts the message into the device (which may be NULL) and returns the status. */
int rt_fail(dlg_device *dev, int status, const char *fmt, ...) RT_PRINTF(3, 4);
/* rt_fail(dev, DLG_ERR_MEMORY, ...) with the number of bytes that were wanted. */
int rt_no_memory(dlg_device *dev, uint64_t bytes);
/* rt_fail(dev, DLG_ERR_OPENCL, "WHAT: CL_..."); CL's memory errors become DLG_ERR_MEMORY. */
int rt_cl_fail(dlg_device *dev, cl_int code, const char *what);
const char *rt_cl_name(cl_int code); /* "CL_INVALID_VALUE"; never NULL */
/* rt_fail(dev, DLG_ERR_NAME, "MESSAGE; is it `x`?"): with the nearest to `name` of what there is (nearest_name), or where none
 * is near with all of it: "MESSAGE; it has: x, y". at(list, i) NULL: not to be told. */
int rt_no_name(dlg_device *dev, const char *name, const void *list, size_t count,
               const char *(*at)(const void *list, size_t i), const char *fmt, ...) RT_PRINTF(6, 7);
bool rt_utf8(const char *s); /* well-formed UTF-8 */
/* The code point at s and its bytes in UTF-8; 0 when none is well-formed there. */
size_t rt_utf8_char(const char *s, const char *end, uint32_t *code);
/* A code point as UTF-8, of which there are at most 4 bytes; returns how many. */
size_t rt_utf8_put(char *out, uint32_t code);
bool rt_type_is_float(dlg_type type);
/* a * b, a + b; false when it does not fit 64 bits. */
bool rt_mul(uint64_t a, uint64_t b, uint64_t *out);
bool rt_add(uint64_t a, uint64_t b, uint64_t *out);

/* ---- file.c: whole files ----------------------------------------------------------------------
 */

/* Reads a file into *data, which the caller frees; a NUL follows its *len bytes.
 * Errors: FILE (missing, a directory, longer than limit_bytes), MEMORY. */
int rt_file_read(dlg_device *dev, const char *path, uint64_t limit_bytes, char **data, size_t *len);
/* The same of a file that was just opened as fd, which it closes; -1: errno says why it could not be. */
int rt_file_take(dlg_device *dev, const char *path, int fd, uint64_t limit_bytes, char **data,
                 size_t *len);
/* Of the machine's memory. The system gives more than it has and ends the process that uses it. */
uint64_t rt_half_memory(void);

/* Writes a file completely or not at all: to a temporary file beside it, synced, then renamed.
 * rt_file_begin; any number of rt_file_write; then rt_file_commit or rt_file_drop, either of
 * which ends it. After a failed write or commit the old file is as it was. Errors: FILE, MEMORY. */
typedef struct RtFile {
    dlg_device *dev;
    FILE *stream;
    char *path, *temporary;
} RtFile;
int rt_file_begin(RtFile *f, dlg_device *dev, const char *path);
int rt_file_write(RtFile *f, const void *data, size_t bytes);
/* Over what was written before, from byte `at` on. */
int rt_file_patch(RtFile *f, uint64_t at, const void *data, size_t bytes);
int rt_file_commit(RtFile *f);
void rt_file_drop(RtFile *f); /* also after commit, and of a zeroed one */

/* ---- json.c ------------------------------------------------------------------------------------
 */

/* A document as text, which the caller frees; `flags` are json_dumps's. NULL: no memory, or no document. */
struct json_t;
char *rt_json_text(const struct json_t *document, size_t flags);
/* The document that a text is. NULL: `why` says why; "": no memory. */
enum { RT_JSON_WHY = 160 };
struct json_t *rt_json_parse(const char *text, size_t len, char why[RT_JSON_WHY]);

/* ---- number.c: numbers in text, in no locale --------------------------------------------------
 */

/* The longest prefix of s..end that is a number, `[+-]digits[.digits][e[+-]digits]`, "inf", "-inf"
 * or "nan", correctly rounded. Returns where it ends, or NULL when there is none. */
const char *rt_parse_f32(const char *s, const char *end, float *value);
const char *rt_parse_f64(const char *s, const char *end, double *value);

/* ---- init.c: random bits and the values at the start ------------------------------------------
 */

/* Philox4x32-10 (Salmon et al. 2011). */
void rt_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/* The key of a name under a seed: (low, high) of XXH64(name, seed). */
void rt_key(const char *name, uint64_t seed, uint32_t key[2]);
uint64_t rt_hash(const void *data, size_t bytes, uint64_t seed); /* XXH64 */

typedef enum InitKind { INIT_CONSTANT, INIT_UNIFORM, INIT_NORMAL, INIT_LITERAL } InitKind;

typedef struct Init {
    InitKind kind;
    double a, b;    /* the constant; lo, hi; mean, std. f32 or i32 values, exact */
    size_t literal; /* where the values begin in Plan.literals */
} Init;

/* ---- plan.c, plan_check.c: the plan of a program ----------------------------------------------
 */

/* Launches of an entry that one kernel can do all of, with all repeats among them. */
typedef struct Together {
    size_t first, end; /* of Plan.launches */
    bool free; /* none waits for another: all groups are launched, whether they meet or not */
    /* Unless they are free its last argument, the counters that its groups meet by, is not among `args`. */
    dlg_launch joint;
} Together;

/* A checked plan. All strings are in `text`, a copy of the file. */
typedef struct Plan {
    char *text, *file;
    const char *model, *target, *source;
    const char *precision, *opt; /* that it was compiled with; NULL: it does not say */
    const char *numbers;         /* of its source, "LINE:VALUE" by spaces; NULL: it does not say */
    const char *kernels;         /* the OpenCL text, NUL-terminated */
    size_t kernels_len, kernel_count;
    int64_t kernels_line; /* of the file: where the OpenCL text begins */
    uint64_t arena_bytes, arena_align;
    bool has_ptx; /* see rt_build */
    struct PlanConst {
        const char *name;
        double value;
    } * consts;
    dlg_tensor *tensors;
    Init *inits; /* one a tensor */
    double *literals;
    dlg_arg *args;
    const dlg_tensor **lists; /* the entries' reads, updates and returns */
    dlg_launch *launches;
    dlg_repeat *repeats;
    Together *togethers; /* in order */
    dlg_entry *entries;
    char *user_names;
    size_t const_count, tensor_count, literal_count, arg_count, list_count, launch_count,
        repeat_count, together_count, entry_count;
    bool pair;         /* compiled with --pair */
    bool has_graph;    /* it says what it computes: */
    uint64_t graph;    /* a hash of that */
    uint32_t *by_name; /* hash table of tensors: index + 1 */
    size_t by_name_cap;
} Plan;

/* Parses and checks everything that can be checked without a device. `text` is copied. On failure
 * *plan is zeroed. Errors: PROGRAM ("FILE:LINE: ..."), MEMORY. */
int plan_read(Plan *plan, dlg_device *dev, const char *file, const char *text, size_t len);
void plan_free(Plan *plan);
const dlg_tensor *plan_tensor(const Plan *plan, const char *name, size_t len); /* exact name */

/* ---- device.c ----------------------------------------------------------------------------------
 */

/* What a device can do at best; see limits.c. */
enum { LIMIT_LEVELS = 3 };

typedef struct Limits {
    bool measured; /* or found not to be measurable: then all are 0 */
    double flops;  /* a second, multiply-adds from registers, of two each */
    struct {
        double bytes,
            rate; /* of a working set of so many bytes so many a second, loads and stores together */
    } levels[LIMIT_LEVELS];
} Limits;

typedef struct Profile Profile; /* profile.c */

/* A region of the host's memory that buffers lie in (pages.c). */
typedef struct Pages Pages;
/* Memory for a buffer in *of, to be given back with pages_give; small ones share *now, the region that is not full yet,
 * or a new one. NULL: the system has none. */
void *pages_take(Pages **now, size_t bytes, Pages **of);
void pages_give(Pages *p); /* of any thread */

/* Whether a processor's launches are done together (pair.c). */
typedef struct Cores {
    dlg_pair when;
    bool free; /* at the last look: others left the cores free before it */
    double look_s, busy_s,
        own_s; /* then: the time, and how long all cores, and this process, were busy until then */
} Cores;
/* Whether to do so in the step that begins now. */
bool rt_cores_free(dlg_device *dev);

struct dlg_device {
    char *error;         /* the last message, or NULL */
    const char *message; /* the same, or a constant when there was no memory for it */
    bool real;           /* false: "none" */
    bool host_memory;    /* the device works in the host's memory (a CPU) */
    unsigned capability; /* compute capability, 90 for 9.0; 0: not NVIDIA's */
    bool meets;          /* launches are done together: its groups see what others stored */
    Cores pair;          /* a processor's are so now and then */
    bool exact;          /* a simulator that checks accesses: no byte beyond what was asked for */
    dlg_device_info info;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue; /* in order */
    uint64_t base_align;    /* of sub-buffers, bytes */
    uint64_t launches;      /* so far, */
    unsigned enqueued;      /* and since the last mark */
    cl_event mark;          /* of the mark before; bounds how far the host runs ahead */
    Profile *profile;       /* NULL: launches are not timed */
    Limits limits;          /* of the first profile on */
    Pages *pages;           /* that buffers are taken from next, or NULL */
    cl_program own;         /* kernels/runtime.cl, once rt_own_kernel was called */
};

/* Builds OpenCL C. `line` is the line of `file` where the text begins, for messages. `has_ptx`: it has lines of PTX that its
 * compiler does not know (see ptx.h). The caller releases *built. Errors: BUILD with the driver's log and the lines that
 * it names, or where the device has no such instructions or the driver nothing to put them into. */
int rt_build(dlg_device *dev, const char *file, int64_t line, const char *text, size_t len,
             bool has_ptx, cl_program *built);
/* cache.c: whether a device is PoCL's and its cache, without which it builds nothing, cannot be written; `why` then says so,
 * and what to do. */
bool rt_cache_fails(const dlg_device *dev, char *why, size_t size);
enum { RT_CACHE_WHY = 4400 };
/* A kernel of kernels/runtime.cl, which is built on first use. The caller releases it. */
int rt_own_kernel(dlg_device *dev, const char *name, cl_kernel *kernel);
/* A buffer of `bytes`, padded to 64 unless the device is exact, zeroed. The caller releases it. */
int rt_buffer(dlg_device *dev, uint64_t bytes, const char *what, cl_mem *buffer);
/* Releases buffers, of which any may be NULL, also of a list that is. Backwards: parts of a buffer that overlap and were
 * used must be released in the reverse of the order that they were made in, or NVIDIA's driver (580) reads through a null
 * pointer. */
void rt_release_parts(cl_mem *list, size_t count);
/* Says of the launch that comes next what it is. */
/* Measures the device unless it was; its queue must keep times. It takes some tenths of a second. */
int rt_limits_measure(dlg_device *dev);
/* What part of the device's limit a kernel reached: the greater one of operations and bytes; *of_bytes says which it is. 0:
 * not known. */
double rt_limits_reached(const Limits *l, double flops, double bytes, double seconds,
                         bool *of_bytes);

int profile_next(Profile *p, const dlg_program *prog, const dlg_entry *e, const dlg_launch *l);
/* Takes the event of a launch; `name` is the kernel's, where profile_next said nothing. */
int profile_launched(Profile *p, cl_event event, const char *name);
bool profile_goes_on(const Profile *p); /* between dlg_profile_begin and dlg_profile_end */
void profile_free(Profile *p);          /* also NULL */
/* Enqueues a launch, one-dimensional; flushes now and then and keeps the host from running ahead
 * without bound. No waits otherwise. */
int rt_launch(dlg_device *dev, cl_kernel kernel, const char *name, size_t global, size_t local);
/* Blocking copies, after all that was enqueued before. */
int rt_write(dlg_device *dev, cl_mem buffer, uint64_t offset, const void *data, uint64_t bytes);
int rt_read(dlg_device *dev, cl_mem buffer, uint64_t offset, void *data, uint64_t bytes);
/* The XXH64 of what a buffer begins with, read piece by piece, each of which goes to a file too, unless that is NULL. */
int rt_read_hash(dlg_device *dev, cl_mem buffer, uint64_t bytes, uint64_t seed, RtFile *file,
                 uint64_t *hash);
int rt_finish(dlg_device *dev);

/* ---- program.c, run.c ---------------------------------------------------------------------------
 */

typedef struct Meta {
    char *name, *value;
} Meta;

typedef struct MetaList {
    Meta *items; /* sorted by name */
    size_t count;
} MetaList;

typedef struct Watch Watch; /* watch.c */

struct dlg_program {
    dlg_device *dev;
    Plan plan;
    cl_program built;
    cl_mem arena;
    cl_mem *buffers;    /* one a tensor */
    cl_kernel *kernels; /* one a launch, arguments bound */
    cl_kernel *joint; /* one of each of plan.togethers; NULL: the device does launches one by one */
    cl_mem counters;  /* that the groups of those meet by */
    bool *set;        /* one a tensor: an input that was set */
    bool *inference;  /* one a tensor: an entry that does not train uses it */
    uint64_t seed, step;
    MetaList meta;
    Watch *watch; /* NULL: runs are not looked at */
    bool loose; /* an argument of a launch may be of what is gone: to be bound again before a run */
};

/* The lines of the source that a kernel computes, as its comment has them: "  12  h = ...\n  13  ..."; "" where there are
 * none or prog is NULL. The caller frees it. NULL: no memory. */
char *rt_source_lines(const dlg_program *prog, const char *kernel);
/* Binds the arguments of all launches to the tensors. */
int rt_bind(dlg_program *prog);
/* Enqueues an entry after checking that its inputs were set; counts the step. */
int rt_run_entry(dlg_program *prog, const dlg_entry *entry);
/* The first entry that returns a tensor; NULL: none does. */
const dlg_entry *rt_entry_of(const dlg_program *prog, const dlg_tensor *t);
/* dlg_set and dlg_get by tensor. */
int rt_set(dlg_program *prog, const dlg_tensor *t, const void *data);
int rt_get(dlg_program *prog, const dlg_tensor *t, void *data);
/* Errors as dlg_set: the tensor of that name, or NAME with what there is. */
int rt_find(dlg_program *prog, const char *name, const dlg_tensor **t);
int rt_find_entry(dlg_program *prog, const char *name, const dlg_entry **e);
/* The values at the start of tensor t under a seed, into `data` (t->bytes). */
void rt_init_values(const Plan *plan, const dlg_tensor *t, uint64_t seed, void *data);

/* ---- finite.c: is it finite? ---------------------------------------------------------------------
 */

/* Looks for what is infinite or NaN, on the device. */
typedef struct Finite {
    dlg_program *prog;
    cl_kernel by_bytes[5]; /* of floats of 2 and of 4 bytes */
    cl_mem first;          /* two a look: the first NaN, the first infinity */
    uint32_t *host;
    size_t most, looks;
    const dlg_tensor **tensors; /* one a look, */
    uint64_t *begins;           /* and where in it the look's elements begin */
} Finite;

/* Something that is not finite. */
typedef struct Unsound {
    const dlg_tensor *tensor; /* NULL: all is finite */
    uint64_t at;              /* the element */
    bool nan;                 /* or infinite */
} Unsound;

int finite_open(Finite *f, dlg_program *prog);
void finite_close(Finite *f); /* also of a zeroed one */
/* Enqueues a look at a tensor; one that holds no floats is passed over. Where `before` is not NULL elements do not count
 * that have the bits that stand there, from element before_begin on. */
int finite_look(Finite *f, const dlg_tensor *t, cl_mem before, uint64_t before_begin);
/* Waits for all looks since the last time. Of the tensors, in the order of the looks: the first that holds a NaN with
 * its first one, and the first that holds an infinity. */
int finite_found(Finite *f, Unsound *nan, Unsound *infinite);

/* ---- watch.c: --check-nan ------------------------------------------------------------------------
 * Looks at everything that a run reads and writes, launch by launch. */
int watch_open(Watch **w, dlg_program *prog);
void watch_close(Watch *w); /* also NULL */
/* Around a run of an entry: `begin` before it; `before` and `after` around each launch, which is in as many repeats as
 * `depth`, in their iterations `turn`. Errors: DIVERGED, where something is NaN. */
int watch_begin(Watch *w, const dlg_entry *e);
int watch_before(Watch *w, const dlg_launch *l, cl_kernel kernel);
int watch_after(Watch *w, const dlg_entry *e, const dlg_launch *l, const int32_t *turn,
                unsigned depth);

/* ---- safetensors.c: weights, and what a checkpoint of dlg_train holds beside them ---------------
 */

/* Sets, or removes where value is NULL. False: no memory, nothing changed. */
bool rt_meta_put(MetaList *list, const char *name, const char *value);
const char *rt_meta_get(const MetaList *list, const char *name); /* NULL: there is none */
void rt_meta_free(MetaList *list);

/* Params, and the states that an entry which does not train uses. */
bool rt_is_weight(const dlg_program *prog, const dlg_tensor *t);

#define RT_CHECKPOINT_META "checkpoint." /* how the names of RtExtra.meta begin */

typedef struct RtExtra {
    MetaList meta;
    cl_mem *best; /* one a tensor, of those that a weights file holds, under "best/NAME"; or NULL */
} RtExtra;

/* dlg_weights_save; `extra` may be NULL. */
int rt_weights_save(dlg_program *prog, const char *path, bool checkpoint, const RtExtra *extra);

/* dlg_weights_load in parts: _open checks all of the file and changes nothing; _apply gives the
 * program its values, and the buffers `best` (or NULL) the best ones. */
typedef struct RtLoading RtLoading;
int rt_weights_open(RtLoading **loading, dlg_program *prog, const char *path,
                    const dlg_weights_options *options);
/* The same of the file's bytes, in `text`, which it frees or keeps; it needs no device. */
int rt_weights_parse(RtLoading **loading, dlg_program *prog, const char *path, char *text,
                     size_t len, const dlg_weights_options *options);
/* Calls what the options say for what was left as it was, and for what is not finite. */
void rt_weights_tell(const RtLoading *loading, const dlg_weights_options *options);
const char *rt_weights_meta(const RtLoading *loading, const char *name); /* NULL: there is none */
bool rt_weights_best(const RtLoading *loading); /* the best weights are there, all */
int rt_weights_apply(RtLoading *loading, cl_mem *best);
void rt_weights_close(RtLoading *loading);

#endif

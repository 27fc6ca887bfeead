/* cmd: what the files of the `dlg` command share. Only this command and dlgc print and exit.
 *
 * Each subcommand is one function from arguments to an exit status: 0 done, 1 the input is wrong,
 * 2 usage, 3 the device or the system failed, 4 the training diverged or an evaluation gave NaN, 128 + N ended by signal N: 130 by
 * Ctrl-C. */
#ifndef DLG_CMD_H
#define DLG_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "builders.h"
#include "dlg.h"

enum {
    EXIT_DONE = 0,
    EXIT_INPUT = 1,
    EXIT_USAGE = 2,
    EXIT_SYSTEM = 3,
    EXIT_DIVERGED = 4,
    EXIT_SIGNAL = 128
};

#define TOLERANCE 1e-4 /* of verify, where none is given */

/* ---- args.c: the command line ------------------------------------------------------------------ */

typedef struct Pair { /* NAME=VALUE; both in the argument's own memory */
    const char *name, *value;
} Pair;

typedef struct Args {
    const char *command; /* "train" */
    const char *file;
    const char *entry, *evaluate, *device, *target, *precision, *save, *load, *log, *program;
    const char *checkpoint;
    uint64_t checkpoint_steps; /* --checkpoint-every: one of both, or neither */
    double checkpoint_seconds;
    uint64_t log_steps, patience; /* --log-every, as above */
    double log_seconds;
    const char *metric, *output;
    bool maximize;
    bool partial, resume, ignore_nan, check_nan, pair;
    const char **defines; /* -D as given */
    const char **include_dirs;
    size_t include_dir_count;
    size_t define_count;
    Pair *data, *holdout_data, *set, *get;
    size_t data_count, holdout_data_count, set_count, get_count;
    uint64_t folds;    /* 0: none */
    const char **with; /* inputs to show beside a run's results */
    size_t with_count;
    uint64_t epochs, steps, seed;
    bool has_epochs, has_steps, has_seed, has_holdout, has_rows;
    double holdout, tolerance;
    int64_t mem_budget_bytes;    /* of a .dlg: CompileOptions */
    int64_t data_memory_bytes;   /* 0: as the library chooses */
    uint64_t row_begin, row_end; /* --rows; row_end UINT64_MAX: to the last */
    bool all, held_out, quiet, json, kernels;
    const char *profile;
    const char *prompt; /* of sample; NULL: none */
    uint64_t length, top_k;
    double temperature;
} Args;

/* Parses argv[1..] after the subcommand; prints help or a usage error and exits by itself. */
void args_parse(Args *a, const char *command, int argc, char **argv);
void args_free(Args *a);
void args_help(FILE *out);          /* of the command as a whole */
const char *args_command(size_t i); /* by number; NULL beyond the last */
/* The man page of a subcommand, false when there is none of that name; that of the command as a whole. */
bool args_man(FILE *out, const char *command);
/* The command that is likely to be meant by `name`, which is none; or NULL. */
const char *args_nearest(const char *name);
void args_man_all(FILE *out);

/* ---- load.c: errors, devices, programs, data ---------------------------------------------------- */

/* "dlg: MESSAGE" on stderr. */
void complain(const char *fmt, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 1, 2)))
#endif
    ;
/* The device's error as a complaint; returns the exit status that fits. */
int complain_status(const dlg_device *dev, int status);
/* The same for a file that was to be written. */
int complain_write(const dlg_device *dev, int status);

double seconds_now(void); /* of a clock that goes on */

/* Whether text there is for eyes: a terminal, and NO_COLOR is not set. */
bool wants_color(int fd);

/* Prints a document of --json and frees it. `flags` are json_dumps's. Returns an exit status. */
struct json_t;
int say_json(struct json_t *document, size_t flags);

typedef struct Session {
    dlg_device *dev;
    dlg_program *prog;
    dlg_dataset *data;
    bool profiled; /* a profile was begun */
    char *text;    /* of the program, for others to build its kernels; NULL: they are built */
    size_t text_len;
    bool pair; /* the device does short launches in pairs */
    Builders builders;
} Session;

/* Opens the device ("none" when !device_needed), compiles a .dlg in process or reads a .cl, and
 * loads it. Returns an exit status, having complained. */
int session_open(Session *s, const Args *a, bool device_needed);
/* Opens the device for a .dlg alone, which is not compiled. */
int session_open_device(Session *s, const Args *a);
/* How the command line has a .dlg compiled for the device, but for tiles that are remembered. */
struct CompileOptions;
void session_compile_options(const Args *a, const dlg_device *dev, struct CompileOptions *options);
/* Has others build kernels of the entry that runs next, if that takes long. */
void session_build(Session *s, const dlg_entry *entry);
void session_close(Session *s);
/* The entry of that name; otherwise complains with those that exist. */
const dlg_entry *session_entry(Session *s, const char *name);
int session_load_weights(Session *s, const Args *a);
/* Whether weights were refused, for this reason, that are sound but of another model. */
bool is_other_model(const char *why);
/* --check-nan; and at the end of a command that found no NaN, what was infinite. */
int session_check_nan(Session *s, const Args *a);
void session_say_infinite(const Session *s, const Args *a);
/* --profile: before anything runs; and after it, the file and a table, whatever became of it. Returns `status`, or
 * what went wrong with the profile. */
int session_profile(Session *s, const Args *a);
int session_profile_end(Session *s, const Args *a, int status);
/* Says on stderr, unless --quiet, that the entry runs with params that neither --load nor --set gave. */
void session_say_untrained(const Session *s, const Args *a, const dlg_entry *entry);
int session_set_tensors(Session *s, const Args *a); /* --set */
/* Opens the data of these entries and inputs, with --data. */
int session_data(Session *s, const Args *a, const char *const *entries, size_t entry_count,
                 const char *const *inputs, size_t input_count);
/* The data that the training run of the weights held out, where that was data of its own: what is given of it as
 * "NAME=SOURCE", which the caller frees with its list. *count 0: there is none. */
int session_held_out(Session *s, const Args *a, Pair **list, size_t *count);
/* Holds out data of its own. */
int session_hold_out(Session *s, const Pair *list, size_t count);
/* Complains about inputs of the entry that neither data nor --set gives. */
int session_inputs_given(Session *s, const Args *a, const dlg_entry *entry);

/* ---- outputs.c: what may be written ------------------------------------------------------------- */

/* Complains about an output (--save, --log, --checkpoint, --get) that cannot be written where it is asked for, or
 * that would destroy what the command line names, or another output. */
int outputs_check(const Args *a);
/* The same for the data that the program names, and for files of another kind. */
int outputs_spare(const Args *a, const dlg_program *prog);

#define OUTPUT_STANDARD "-" /* as a path of the next two, and of --log: the standard output */
/* An output of a command that has no other: it lies where a file can be made, and replaces nothing but
 * its kind, which begins as `mark`. */
int output_check_kind(const char *option, const char *path, const char *mark, const char *kind);
/* Writes a whole file or nothing; complains. */
int output_write(const char *path, const char *text, size_t len);
/* Whether a file could be written there, which is not; complains if not. */
int output_try(const char *path);

/* ---- locks.c: one run at a time ------------------------------------------------------------------ */

enum { LOCKS = 3 };

typedef struct Lock {
    char *path;
    int fd;
} Lock;

typedef struct Locks {
    Lock items[LOCKS];
    size_t count;
} Locks;

/* Complains where another run is writing what is asked for (--save, --checkpoint, --profile; log.c sees to --log). Then
 * nothing is locked. */
int locks_take(Locks *locks, const Args *a);
void locks_drop(Locks *locks);
/* The file that is locked for `path`, of whatever name it goes by; the caller frees it. NULL: errno says why. */
char *lock_path(const char *path);

/* ---- train.c: one run ----------------------------------------------------------------------------- */

typedef struct TrainScalar {
    char name[64];
    double value;
} TrainScalar;

enum { TRAIN_SCALARS = 8 };

/* What a run came to: its last epoch, or with --patience its best one. */
typedef struct TrainResult {
    const char *metric; /* given: a scalar that the run must have; NULL: any */
    TrainScalar train[TRAIN_SCALARS], held_out[TRAIN_SCALARS];
    size_t train_count, held_out_count;
    uint64_t epoch, steps;
    double seconds;
} TrainResult;

/* Trains as the arguments say. With a result, which it fills, a run that diverges is not told: EXIT_DIVERGED. */
int train_run(const Args *a, TrainResult *result);

/* ---- One file a subcommand ---------------------------------------------------------------------- */

int cmd_train(const Args *a);
/* train.c: one training and what it writes, of data that is split; its exit status. */
int train_once(Session *s, const Args *a, const dlg_entry *entry, TrainResult *result);
/* folds.c: --folds. `evaluate` is the entry that evaluates each. */
int train_folds(Session *s, const Args *a, const dlg_entry *entry, const dlg_entry *evaluate);
/* Whether what the folds write can be written. Before anything runs; the program may be NULL. */
int folds_check(const Args *a, const dlg_program *prog);
int cmd_eval(const Args *a);
int cmd_run(const Args *a);
int cmd_inspect(const Args *a);
int cmd_devices(const Args *a);
int cmd_verify(const Args *a);
int cmd_plot(const Args *a);
int cmd_sample(const Args *a);
int cmd_report(const Args *a);
int cmd_sweep(const Args *a);
int cmd_tune(const Args *a);

/* ---- progress.c: what training shows ------------------------------------------------------------ */

typedef struct Progress {
    bool quiet, terminal;
    bool steps; /* there is no data: steps a second, not samples */
    unsigned width;
    bool drawn;         /* a bar stands on the line */
    double drawn_s;     /* of the run, when it was drawn last */
    double said_s;      /* when a line was printed last */
    uint64_t last_line; /* of about twenty: the last one printed */
} Progress;

void progress_init(Progress *p, bool quiet, bool steps);
/* A dlg_progress_fn; `user` is a Progress. Not 0 once the run was interrupted. */
int progress_show(const dlg_progress *progress, void *user);
void progress_wait(Progress *p,
                   const char *what); /* on a terminal: what takes the time until there is a bar */
void progress_end(Progress *p);       /* takes the bar away */
/* Four digits, but whole numbers in full: "0.9713", "12345", "nan". Returns out. */
enum { NUMBER_TEXT = 32 };
const char *number_text(char out[NUMBER_TEXT], double v);
/* "loss 0.123, acc 0.97" */
const char *metrics_text(char *out, size_t size, const dlg_metrics *m);
/* First of all: SIGHUP and SIGPIPE stay ignored where they were when the process began, as `nohup` has the one. */
void interrupt_begin(void);
/* From now on the first Ctrl-C or SIGTERM asks the run to end; another half a second later, or more, ends the
 * process. */
void interrupt_catch(void);
int interrupted(void); /* the signal, or 0 */

/* ---- log.c: training as JSON lines ----------------------------------------------------------------- */

typedef struct Log {
    const char *path, *model;
    FILE *stream; /* NULL: nothing is logged */
    uint64_t every_steps;
    double every_s, line_s; /* when the last line was written */
    double before_s;        /* of the run, before it was resumed */
    bool regular;           /* it is a file, which may hold lines of the run that is resumed */
    bool failed;
    int error; /* errno, once it failed */
} Log;

int log_open(Log *log, const Args *a, const char *model); /* of --log; complains */
/* Whether one that is there could be opened, before anything else is done. */
int log_check(const Args *a);
/* False: the run goes on and the log is of another one, which it said. Nothing is written then. */
bool log_show(Log *log, const dlg_progress *progress);
int log_close(Log *log); /* complains if anything could not be written */

#endif

/* bench: what the benchmark's files share. The program measures what the machine can do (limits.c), then its cases
 * (cases.c) by turns with the peers that are installed (peers.c), and writes a table (table.c) and a plot (plot.c).
 * Times are seconds; memory lives until the program ends unless said otherwise. */
#ifndef DLG_BENCH_H
#define DLG_BENCH_H

#include "dlg.h"

#include <CL/cl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { MAX_ROUNDS = 101, MAX_PEERS = 8, MAX_LEVELS = 12, MAX_DEFINES = 8 };

/* kernels that the build puts into the program as text (cmake/Embed.cmake) */
extern const char bench_limits_cl[], bench_hand_cl[];

/* ---- util.c ---------------------------------------------------------------------------------- */

void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void *need_memory(size_t bytes); /* zeroed */
double seconds_now(void);
double cpu_seconds_now(void); /* user and system, of all threads of this process */
void wait_seconds(double seconds);

/* Median and quartiles of `n` values, which it sorts. */
typedef struct Spread {
    double median, low, high;
} Spread;
Spread spread_of(double *values, int n);

/* A round number of runs that takes about `round` seconds when one takes `one`. */
int runs_for(double round, double one);

/* Element i of an input: the same in every peer. Floats are uniform in [-0.5, 0.5), integers in 0..classes-1. */
uint32_t input_bits(const char *name, uint32_t i);
void input_floats(const char *name, float *to, size_t count);
void input_ints(const char *name, int32_t *to, size_t count, int32_t classes);
/* What two computations of one result are compared by: a weighted sum of absolute values. */
double result_check(const float *values, size_t count);

/* The OpenCL device that the library calls `info`. */
cl_device_id same_device(const dlg_device_info *info);
void check_cl(cl_int status, const char *what);

/* ---- cases.c --------------------------------------------------------------------------------- */

typedef struct BenchCase {
    const char *name;    /* CLASS/WHAT */
    const char *model;   /* models/MODEL.dlg */
    const char *defines; /* "M=512 N=512", or "" */
    const char *entry;
    double flops;      /* that its contractions need; a multiply-add is two. 0: none to speak of */
    double bytes;      /* that have to move; 0: the plan's bound (docs/passes.md) */
    double elems;      /* the elements that its time is divided by; 0: not of interest */
    bool reads;        /* it reads and hardly writes: the limit is that of reading */
    bool without_peer; /* it is there to be compared with other cases */
} BenchCase;

extern const BenchCase bench_cases[];
extern const size_t bench_case_count;

/* Where models/ and peers.py are: where the user says, of an installed tree, or of the sources. NULL: nowhere. */
const char *bench_directory(const char *given);

/* A case compiled, loaded and with its inputs set. */
typedef struct Ours {
    const BenchCase *which;
    dlg_program *program;
    dlg_device *device;
    bool trains;
    size_t launches;
    double bytes; /* the case's, or else the plan's bound */
    double check; /* result_check of the first output of the first run */
} Ours;

/* False with a message in `why` when it cannot be done. */
bool ours_open(Ours *ours, const BenchCase *which, dlg_device *device, const char *directory,
               char *why, size_t why_bytes);
void ours_close(Ours *ours);
/* Enqueues `runs` runs and waits once. Training starts anew from the first weights. */
bool ours_round(Ours *ours, int runs, double *seconds, double *cpu_seconds);

/* The defines of a case: "M=512 N=512" cut into names and numbers. Returns how many there are. */
typedef struct Define {
    char name[16];
    int64_t value;
} Define;
int case_defines(const BenchCase *which, Define out[MAX_DEFINES]);

/* ---- limits.c -------------------------------------------------------------------------------- */

/* Two ways to look at a time. By CPU time: the seconds that all threads together computed, over the number of cores; what
 * that would be on a machine that does nothing else, whatever else this one does. On a CPU alone. */
typedef enum By { BY_WALL, BY_CPU, BY_COUNT } By;

typedef struct Cost {
    double by[BY_COUNT]; /* seconds */
} Cost;

typedef struct Level {
    double bytes; /* all that is touched, by all cores together */
    Cost copy, stream,
        read; /* of a byte; a copy counts what it reads and what it writes; stream: a copy
                                with stores that pass by the caches, 0 where there are none */
} Level;

typedef struct Limits {
    Cost flop;         /* of an f32 operation; a multiply-add is two */
    Cost launch, wait; /* of a launch in a row of launches; of a launch and a wait for it */
    Level levels[MAX_LEVELS];
    int level_count;
} Limits;

/* `round`: the seconds that each measurement takes at least. */
void limits_measure(Limits *limits, const dlg_device_info *info, double round);
Cost limits_flop(const dlg_device_info *info, double round); /* that one alone, again */

typedef enum LimitKind { LIMIT_COMPUTE, LIMIT_BYTES, LIMIT_LAUNCH } LimitKind;
/* The time that a case needs at least, and what says so. */
double limit_of(const Limits *limits, const BenchCase *which, double bytes, By by, LimitKind *kind);

/* ---- peers.c --------------------------------------------------------------------------------- */

/* A peer is a process that answers lines of JSON (docs/benchmarks.md, "Adding a peer"). It keeps running from case to
 * case and sleeps while others run. */
typedef struct Peer {
    const char *name;
    const char *command[8]; /* NULL-terminated */
    int pid, to, from;      /* pid 0: not running */
    bool dead;              /* it could not be started, or has failed without a case to blame */
    char about[256];        /* its version and settings, or why it is dead */
    char buffered[4096];
    size_t buffered_bytes;
} Peer;

typedef struct Peers {
    Peer list[MAX_PEERS];
    int count;
} Peers;

/* `self`: this program's path; `python`: an interpreter, or NULL: no Python peers. */
void peers_open(Peers *peers, const char *self, const char *directory, const char *python,
                const dlg_device_info *info);
void peers_close(Peers *peers);
/* Both return false with the reason in `why` when the peer does not run the case that we run. */
bool peer_case(Peer *peer, const Ours *ours, char *why, size_t why_bytes);
bool peer_round(Peer *peer, int runs, double *seconds, double *cpu_seconds, char *why,
                size_t why_bytes);

/* ---- serve.c --------------------------------------------------------------------------------- */

/* The C peers' side of that: reads requests from stdin until its end. `prepare` gets the case ready and returns NULL or
 * why it does not; `run` runs it so many times and waits. */
typedef struct Served {
    char about[200];
    const char *(*prepare)(void *state, const BenchCase *which, double *check);
    void (*run)(void *state, int runs);
    void *state;
} Served;
/* One of "openblas", "clblast" and "hand"; returns the exit status. */
int serve(const char *name, const char *device, const char *directory);
/* False with the reason in `why` when the peer is not there. */
bool serve_openblas(Served *served, const char *device, char *why, size_t why_bytes);
bool serve_clblast(Served *served, const char *device, char *why, size_t why_bytes);
bool serve_hand(Served *served, const char *device, const char *directory, char *why,
                size_t why_bytes);

/* ---- table.c, json.c, plot.c ----------------------------------------------------------------- */

typedef struct PeerResult {
    bool ran;
    int rounds;                       /* fewer than there are when the peer is slow */
    char why[160];                    /* when it did not */
    Spread seconds, ratio, cpu_ratio; /* the peer's time over ours of the same round */
    double cpu_seconds;
} PeerResult;

typedef struct CaseResult {
    const BenchCase *which;
    char why[512]; /* "" when it ran */
    int runs;      /* a round */
    Spread seconds;
    double cpu_seconds;            /* a run */
    double bytes, limit[BY_COUNT]; /* limit[BY_CPU]: of a core's share of cpu_seconds */
    LimitKind limit_kind;
    size_t launches;
    PeerResult peers[MAX_PEERS];
} CaseResult;

typedef struct StartResult {
    const char *name;  /* of the case */
    double cold, warm; /* from the start of a process to the end of its first step */
    bool failed;
} StartResult;

typedef struct Report {
    const dlg_device_info *device;
    char host[160], date[32];
    int rounds;
    double load; /* of the machine as the run began: the average of a minute; below 0: not known */
    Limits limits;
    Cost flop_at_end;
    Peers *peers;
    CaseResult *cases;
    size_t case_count;
    StartResult starts[8];
    int start_count;
} Report;

extern const char *const limit_names[]; /* by LimitKind */
bool is_cpu(const Report *report);
/* The part of its limit that a case reaches. */
double of_limit(const Report *report, const CaseResult *r, By by);

void table_write(FILE *out, const Report *report);
void json_write(FILE *out, const Report *report);
bool plot_write(const char *path, const Report *report);

/* ---- start.c --------------------------------------------------------------------------------- */

void starts_measure(Report *report, const char *self, const char *directory, const char *pattern);
/* What its processes do; returns the exit status. */
int first_step(const char *name, const char *device, const char *directory);

/* ---- main.c ---------------------------------------------------------------------------------- */

/* Whether --only PATTERN (NULL: no such option) means a case. */
bool matches(const char *pattern, const char *name);

#endif

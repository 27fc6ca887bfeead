/* args: the command line of each subcommand, by argp. One table of options; a subcommand takes those
 * rows that name it. */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "compile.h"
#include "help.h"
#include "man.h"
#include "markdown.h"
#include "options.h"
#include "rt.h"
#include "standard.h"

enum {
    TRAIN = 1,
    EVAL = 2,
    RUN = 4,
    INSPECT = 8,
    DEVICES = 16,
    VERIFY = 32,
    PLOT = 64,
    SAMPLE = 128,
    REPORT = 256,
    SWEEP = 512,
    TUNE = 1024
};

enum {
    KEY_ENTRY = 256,
    KEY_EVALUATE,
    KEY_DEVICE,
    KEY_TARGET,
    KEY_PRECISION,
    KEY_SAVE,
    KEY_LOAD,
    KEY_PARTIAL,
    KEY_LOG,
    KEY_DATA,
    KEY_DATA_MEMORY,
    KEY_SET,
    KEY_GET,
    KEY_WITH,
    KEY_EPOCHS,
    KEY_STEPS,
    KEY_SEED,
    KEY_HOLDOUT,
    KEY_HOLDOUT_DATA,
    KEY_FOLDS,
    KEY_ROWS,
    KEY_ALL,
    KEY_HELD_OUT,
    KEY_JSON,
    KEY_KERNELS,
    KEY_PROGRAM,
    KEY_TOLERANCE,
    KEY_MEM_BUDGET,
    KEY_CHECKPOINT,
    KEY_CHECKPOINT_EVERY,
    KEY_RESUME,
    KEY_LOG_EVERY,
    KEY_PATIENCE,
    KEY_METRIC,
    KEY_IGNORE_NAN,
    KEY_CHECK_NAN,
    KEY_PAIR,
    KEY_PROMPT,
    KEY_PROFILE,
    KEY_LENGTH,
    KEY_TEMPERATURE,
    KEY_TOP_K,
};

typedef struct Row {
    int commands;
    struct argp_option option;
} Row;

#define ROW(commands, name, key, value, doc)                                                       \
    {                                                                                              \
        commands, {                                                                                \
            name, key, value, 0, doc, 0                                                            \
        }                                                                                          \
    }

static const char target_doc[] = "Compile the .dlg for this kind of device:"
#define X(name, ...) " " #name
#include "target.def"
#undef X
                                 " (default: what fits the device)";

static const Row rows[] = {
    ROW(TRAIN | SWEEP | EVAL | RUN | VERIFY, "data", KEY_DATA, "NAME=SOURCE",
        "Take the samples of the input NAME from SOURCE: data.csv:0:64 (columns 0 to 63), "
        "data.csv:64 (one column), data.csv:a,b (by name), data.csv (the model's columns), x.npy, "
        "x.npz:NAME, x.safetensors:NAME, "
        "images-idx3-ubyte, "
        "book.txt:chars, book.txt:bytes; each may end in .gz"),
    ROW(TRAIN | SWEEP | EVAL | RUN, "data-memory", KEY_DATA_MEMORY, "SIZE",
        "Hold no more than SIZE bytes of the data in memory (300K, 64M, 1G), on the device or not; "
        "what is more is read from the files, batch by batch"),
    ROW(TRAIN | SWEEP, "epochs", KEY_EPOCHS, "N", "Go N times through the data (default 10)"),
    ROW(TRAIN | SWEEP, "steps", KEY_STEPS, "N", "Stop after N steps"),
    ROW(TRAIN | SWEEP, "holdout", KEY_HOLDOUT, "F",
        "Hold out this fraction of the rows and evaluate on them after each epoch (default 0)"),
    ROW(TRAIN | SWEEP, "holdout-data", KEY_HOLDOUT_DATA, "NAME=SOURCE",
        "Hold out these samples instead, of each input that the data has, as --data gives them"),
    ROW(TRAIN, "folds", KEY_FOLDS, "K",
        "Train K times, each time holding out another of K parts of the rows; --save, --checkpoint "
        "and --log write a file a fold (W.fold1.safetensors)"),
    ROW(TRAIN | SWEEP | RUN | VERIFY, "seed", KEY_SEED, "N",
        "Seed of the values at the start, of the hold-out and of the order of the rows (default "
        "0)"),
    ROW(TRAIN, "save", KEY_SAVE, "FILE", "Write the weights here at the end, as safetensors"),
    ROW(SAMPLE, "seed", KEY_SEED, "N", "Seed of what is drawn (default 0)"),
    ROW(TRAIN | SWEEP | EVAL | RUN | VERIFY | SAMPLE, "load", KEY_LOAD, "FILE",
        "Start from these weights"),
    ROW(TRAIN | SWEEP | EVAL | RUN | SAMPLE, "partial", KEY_PARTIAL, NULL,
        "Of --load take what fits, and say what is left"),
    ROW(TRAIN, "checkpoint", KEY_CHECKPOINT, "FILE",
        "Keep the state of the run in FILE while it goes on, so that it can be resumed"),
    ROW(TRAIN, "checkpoint-every", KEY_CHECKPOINT_EVERY, "N",
        "Write it after every N steps, or N s, m or h (default 1m, less often where it takes "
        "long)"),
    ROW(TRAIN, "resume", KEY_RESUME, NULL,
        "Go on from the file of --checkpoint, or begin where there is none"),
    ROW(TRAIN, "log", KEY_LOG, "FILE",
        "Write one JSON object an epoch, one a line; `-`: to the standard output, and nothing else "
        "there"),
    ROW(TRAIN, "log-every", KEY_LOG_EVERY, "N",
        "Within an epoch a line after every N steps, or N s, m or h (default 10s)"),
    ROW(TRAIN | SWEEP, "patience", KEY_PATIENCE, "N",
        "Stop when the rows held out were no better for N epochs, and keep the best weights"),
    ROW(TRAIN, "metric", KEY_METRIC, "NAME[:max]",
        "What is to get better, of what the evaluation returns: less of it, or with :max more "
        "(default: less of the first)"),
    ROW(TRAIN | SWEEP, "ignore-nan", KEY_IGNORE_NAN, NULL,
        "Go on when the loss or the weights are not finite (default: stop, and keep the last that "
        "were)"),
    ROW(TRAIN | SWEEP | EVAL | RUN | VERIFY, "entry", KEY_ENTRY, "NAME",
        "The entry to run (train: train; eval: evaluate; run: predict; verify: all)"),
    ROW(TRAIN | SWEEP | EVAL | RUN | VERIFY | SAMPLE, "pair", KEY_PAIR, NULL,
        "On a processor: do a step's short launches as one, whose groups wait for each other "
        "without sleeping, while "
        "nothing else wants the cores"),
    ROW(TRAIN | EVAL | RUN, "check-nan", KEY_CHECK_NAN, NULL,
        "Stop at the first value that is not a number, and name its kernel, lines and place "
        "(slow)"),
    ROW(TRAIN | EVAL | RUN, "profile", KEY_PROFILE, "FILE.json",
        "Write when each kernel ran, as a trace for ui.perfetto.dev, and show the longest"),
    ROW(TUNE, "entry", KEY_ENTRY, "NAME", "Only what this entry computes (default: all)"),
    ROW(SAMPLE, "entry", KEY_ENTRY, "NAME",
        "The entry to sample from (default: generate, or else predict)"),
    ROW(SAMPLE, "prompt", KEY_PROMPT, "TEXT", "What the text begins with"),
    ROW(SAMPLE, "length", KEY_LENGTH, "N",
        "Draw N characters (or bytes) after the prompt (default 500)"),
    ROW(SAMPLE, "temperature", KEY_TEMPERATURE, "X",
        "Below 1 what is likely becomes likelier, 0 takes the likeliest always (default 1)"),
    ROW(SAMPLE, "top-k", KEY_TOP_K, "K", "Draw from the K likeliest alone"),
    ROW(TRAIN | SWEEP, "evaluate", KEY_EVALUATE, "NAME",
        "The entry to evaluate with (default evaluate)"),
    ROW(EVAL, "all", KEY_ALL, NULL, "All rows, not those alone that the training run held out"),
    ROW(RUN, "rows", KEY_ROWS, "B:E",
        "Run on the rows B to E - 1 of the data (B alone: one row; B: to the last)"),
    ROW(RUN, "held-out", KEY_HELD_OUT, NULL,
        "--rows counts within the rows that the weights' training run held out"),
    ROW(RUN, "with", KEY_WITH, "NAME", "Show the input NAME beside the results of each row"),
    ROW(TRAIN | SWEEP | EVAL | RUN | SAMPLE, "set", KEY_SET, "NAME=FILE",
        "Set a whole tensor from a .npy, .npz, .safetensors, IDX or .csv file, or a scalar to a "
        "number"),
    ROW(RUN, "get", KEY_GET, "NAME=FILE", "Write a tensor or result to a .npy file"),
    ROW(TUNE | TRAIN | EVAL | RUN | INSPECT | REPORT | VERIFY | SAMPLE, "define", 'D', "NAME=VALUE",
        "Override a constant of the model (of a .dlg)"),
    ROW(TUNE | TRAIN | SWEEP | EVAL | RUN | INSPECT | REPORT | VERIFY | SAMPLE, "include", 'I',
        "DIR", "Look for included files in DIR too"),
    ROW(TUNE | TRAIN | SWEEP | EVAL | RUN | INSPECT | REPORT | VERIFY | SAMPLE, "target",
        KEY_TARGET, "NAME", target_doc),
    ROW(TUNE | TRAIN | SWEEP | EVAL | RUN | INSPECT | REPORT | VERIFY | SAMPLE, "precision",
        KEY_PRECISION, "WHAT",
        "How a device with matrix units multiplies f32: f32 (without them), 3xtf32 (default), tf32 "
        "or "
        "bf16"),
    ROW(TUNE | TRAIN | SWEEP | EVAL | RUN | INSPECT | REPORT | VERIFY | SAMPLE, "mem-budget",
        KEY_MEM_BUDGET, "SIZE",
        "Compile the .dlg with each entry's arena held to SIZE bytes (300K, 64M, 1G)"),
    ROW(TUNE | TRAIN | SWEEP | EVAL | RUN | VERIFY | SAMPLE, "device", KEY_DEVICE, "SEL",
        "A number of `dlg devices` or a part of a device's name (default: DLG_DEVICE, or the "
        "first)"),
    ROW(PLOT, "output", 'o', "FILE",
        "Write the picture here, `-`: to the standard output (default: beside LOG, as .svg)"),
    ROW(SWEEP, "define", 'D', "NAME=A,B,...",
        "Train with each of these values of a constant (of several: each combination)"),
    ROW(SWEEP, "metric", KEY_METRIC, "NAME[:max]",
        "What runs are compared by, and what --patience waits for (default: less of the first "
        "scalar)"),
    ROW(SWEEP, "json", KEY_JSON, NULL, "Print a JSON object a run, one a line"),
    ROW(REPORT, "output", 'o', "FILE",
        "Write the page here, `-`: to the standard output (default: beside FILE, as .html)"),
    ROW(REPORT, "log", KEY_LOG, "FILE", "Draw the curves of this log of `dlg train --log` too"),
    ROW(REPORT, "profile", KEY_PROFILE, "TRACE", "Show what this trace of --profile says too"),
    ROW(TUNE | TRAIN | EVAL | RUN | PLOT | REPORT, "quiet", 'q', NULL,
        "Print errors and results only"),
    ROW(EVAL | INSPECT, "json", KEY_JSON, NULL, "Print JSON"),
    ROW(VERIFY, "program", KEY_PROGRAM, "FILE.cl",
        "Hold this compiled program against FILE, instead of what FILE compiles to"),
    ROW(VERIFY, "tolerance", KEY_TOLERANCE, "X",
        "The greatest relative error of a float (default 1e-4)"),
    ROW(INSPECT, "kernels", KEY_KERNELS, NULL, "Print the OpenCL source instead"),
};
enum { ROWS = sizeof rows / sizeof *rows };

typedef struct CommandDoc {
    const char *name;
    int bit;
    const char *args, *doc;
    const char *section; /* of docs/command-line.md, which says more; NULL: none */
} CommandDoc;

static const CommandDoc docs[] = {
    {"train", TRAIN, "FILE",
     "Trains a model.\vFILE is a .dlg, which is compiled, or a .cl that dlgc made. Paths of data "
     "in it "
     "are looked up beside it, then in the current directory.\n\nExit status: 0 done, 1 the input "
     "is "
     "wrong, 2 usage, 3 the device or the system failed, 4 the training diverged, 130 interrupted, "
     "or 143 by SIGTERM (the "
     "weights and the checkpoint are saved).",
     "Training"},
    {"sweep", SWEEP, "FILE",
     "Trains a model once for each value of its constants, and shows the runs side by side.",
     "Comparing runs"},
    {"eval", EVAL, "FILE",
     "Evaluates weights on the rows that their training run held out, or on all rows of other "
     "data.",
     "Evaluating"},
    {"run", RUN, "FILE", "Runs one entry of a model and prints or writes what it returns.",
     "Running"},
    {"sample", SAMPLE, "FILE",
     "Draws text from a model that was trained on one.\vThe model has an entry that reads one "
     "token "
     "and returns the probabilities of the next, with what was before it in a state: `generate` of "
     "samples/char_rnn.dlg is one.",
     "Sampling"},
    {"inspect", INSPECT, "FILE", "Shows what a program consists of, by entry. Needs no device.",
     "Inspecting"},
    {"verify", VERIFY, "FILE.dlg",
     "Holds what a device computes against the reference, and gradients against differences.",
     "Verifying"},
    {"tune", TUNE, "FILE.dlg",
     "Tries tiles for a model's products on a device, and remembers the faster ones.\v"
     "Commands that compile a .dlg for that device take them from then on. They change no bit of "
     "any result. The file of "
     "what is remembered is dlg/tiles.json in $XDG_CACHE_HOME or ~/.cache, or the file that "
     "DLG_TILES names.",
     "Tuning"},
    {"plot", PLOT, "LOG", "Draws the curves of a log that `dlg train --log` wrote, as SVG.", NULL},
    {"report", REPORT, "FILE",
     "Writes a page in HTML that shows a program: its launches, memory and kernels, a profile and "
     "the curves of a training run. Needs no device.",
     "A report"},
    {"devices", DEVICES, "", "Lists the OpenCL devices.", NULL},
};
enum { DOCS = sizeof docs / sizeof *docs };

/* The options that a command takes, ended as argp wants it. Returns how many. */
static size_t command_options(const CommandDoc *doc, struct argp_option options[ROWS + 1]) {
    size_t n = 0;
    memset(options, 0, (ROWS + 1) * sizeof *options);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].commands & doc->bit) options[n++] = rows[i].option;
    return n;
}

void args_help(FILE *out) {
    fputs("Usage: dlg COMMAND [OPTION...] FILE\n"
          "Trains and runs differentiable tensor programs on OpenCL devices.\n\n",
          out);
    for (size_t i = 0; i < DOCS; i++) {
        const char *end = strchr(docs[i].doc, '\v');
        int len = end ? (int)(end - docs[i].doc) : (int)strlen(docs[i].doc);
        fprintf(out, "  %-9s %.*s\n", docs[i].name, len, docs[i].doc);
    }
    fputs("\n`dlg COMMAND --help` tells the options of a command; `dlg --version` the version.\n"
          "`dlg help TOPIC` says more: ",
          out);
    help_topics(out);
}

const char *args_command(size_t i) {
    return i < DOCS ? docs[i].name : NULL;
}

/* ---- Man pages ----------------------------------------------------------------------------------- */

static const CommandDoc *find_doc(const char *name) {
    for (size_t i = 0; i < DOCS; i++)
        if (strcmp(docs[i].name, name) == 0) return &docs[i];
    return NULL;
}

static const char *command_at(const void *list, size_t i) {
    return ((const CommandDoc *)list)[i].name;
}

const char *args_nearest(const char *name) {
    static const char *const entries[][2] = {/* which some take for the command that runs them */
                                             {"evaluate", "eval"},
                                             {"predict", "run"},
                                             {"generate", "sample"}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (strcmp(entries[i][0], name) == 0) return entries[i][1];
    return nearest_name(name, docs, DOCS, command_at);
}

bool args_man(FILE *out, const char *command) {
    const CommandDoc *doc = find_doc(command);
    if (!doc) return false;
    char title[32];
    snprintf(title, sizeof title, "dlg-%s", command);
    size_t brief = strcspn(doc->doc, "\v");
    man_begin(out, title, dlg_version(), doc->doc, brief);
    fputs(".SH SYNOPSIS\n", out);
    fprintf(out, ".B dlg %s\n[\\fIOPTION\\fR...] %s\n.SH DESCRIPTION\n", command, doc->args);
    markdown_man(out, doc->doc, brief);
    if (doc->doc[brief]) {
        fputs(".PP\n", out);
        markdown_man(out, doc->doc + brief + 1, strlen(doc->doc) - brief - 1);
    }
    fputs(".SH OPTIONS\n", out);
    struct argp_option options[ROWS + 1];
    size_t n = command_options(doc, options);
    man_options(out, options, n);
    if (doc->section) help_section_man(out, doc->section);
    fputs(".SH SEE ALSO\n.BR dlg (1),\n.BR dlgc (1)\n", out);
    return true;
}

void args_man_all(FILE *out) {
    static const char brief[] = "Trains and runs differentiable tensor programs on OpenCL devices.";
    man_begin(out, "dlg", dlg_version(), brief, sizeof brief - 1);
    fputs(".SH SYNOPSIS\n.B dlg\n.I COMMAND\n[\\fIOPTION\\fR...] FILE\n.br\n.B dlg "
          "help\n[\\fITOPIC\\fR]\n.SH COMMANDS\n",
          out);
    for (size_t i = 0; i < DOCS; i++) {
        fprintf(out, ".TP\n.BR dlg\\-%s (1)\n", docs[i].name);
        markdown_man(out, docs[i].doc, strcspn(docs[i].doc, "\v"));
    }
    help_man(out);
    fputs(".SH SEE ALSO\n.BR dlgc (1)", out);
    for (size_t i = 0; i < DOCS; i++) fprintf(out, ",\n.BR dlg\\-%s (1)", docs[i].name);
    fputc('\n', out);
}

/* ---- Values ------------------------------------------------------------------------------------ */

static uint64_t whole(struct argp_state *state, const char *option, const char *text) {
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && errno == ERANGE)
        argp_error(state, "--%s takes a whole number of at most %llu, not `%s`", option, ULLONG_MAX,
                   text);
    if (*text < '0' || *text > '9' || *end || errno)
        argp_error(state, "--%s takes a whole number%s, not `%s`", option,
                   *text == '-' && strspn(text + 1, "0123456789") == strlen(text) - 1
                       ? " of at least 0"
                       : "",
                   text);
    return v;
}

/* "100": steps; "30s", "5m", "2h": seconds. */
static void period(struct argp_state *state, const char *option, char *text, uint64_t *steps,
                   double *seconds) {
    size_t len = strlen(text), digits = strspn(text, "0123456789");
    const char *units = "smh", *unit = digits + 1 == len ? strchr(units, text[digits]) : NULL;
    if (digits == 0 || digits > 15 || (digits < len && !unit) || strtoull(text, NULL, 10) == 0)
        argp_error(state, "--%s takes a number of steps, or as 30s, 5m or 2h, not `%s`", option,
                   text);
    uint64_t number = strtoull(text, NULL, 10);
    static const double unit_s[] = {1, 60, 3600};
    *steps = unit ? 0 : number;
    *seconds = unit ? (double)number * unit_s[unit - units] : 0;
}

/* NAME, NAME:min or NAME:max. */
static void metric(struct argp_state *state, Args *a, char *text) {
    char *colon = strchr(text, ':');
    a->maximize = colon && strcmp(colon, ":max") == 0;
    if (colon == text || !*text || (colon && !a->maximize && strcmp(colon, ":min") != 0))
        argp_error(state, "--metric takes NAME, NAME:min or NAME:max, not `%s`", text);
    if (colon) *colon = 0;
    a->metric = text;
}

static double fraction(struct argp_state *state, const char *option, const char *text) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !(v >= 0 && v < 1))
        argp_error(state, "--%s takes a number of at least 0 and below 1, not `%s`", option, text);
    return v;
}

/* Room for every argument was made at the start: an option comes at most once an argument. */
static void pair(struct argp_state *state, const char *option, const char *what, char *text,
                 Pair *list, size_t *count) {
    char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1]) {
        argp_error(state, "--%s takes NAME=%s, not `%s`", option, what, text);
        return;
    }
    *equals = 0;
    list[(*count)++] = (Pair){text, equals + 1};
}

/* The same for samples: an input takes them from one source. */
static void data_pair(struct argp_state *state, const char *option, char *text, Pair *list,
                      size_t *count) {
    pair(state, option, "SOURCE", text, list, count);
    const Pair *last = &list[*count - 1];
    for (const Pair *p = list; p < last; p++)
        if (strcmp(p->name, last->name) == 0)
            argp_error(state, "--%s %s stands there twice: as %s and as %s", option, p->name,
                       p->value, last->value);
}

/* Shown once, however often it is named. */
static void with_input(Args *a, const char *name) {
    for (size_t i = 0; i < a->with_count; i++)
        if (strcmp(a->with[i], name) == 0) return;
    a->with[a->with_count++] = name;
}

static void row_range(struct argp_state *state, Args *a, const char *text) {
    char copy[64], *colon;
    if (strlen(text) >= sizeof copy) argp_error(state, "--rows takes B:E, not `%s`", text);
    snprintf(copy, sizeof copy, "%s", text);
    colon = strchr(copy, ':');
    if (colon) *colon = 0;
    a->row_begin = *copy || !colon ? whole(state, "rows", copy) : 0;
    a->row_end = !colon     ? a->row_begin + 1
                 : colon[1] ? whole(state, "rows", colon + 1)
                            : UINT64_MAX;
    if (a->row_begin >= a->row_end) argp_error(state, "--rows %s: there are none", text);
    a->has_rows = true;
}

/* NAME=A,B,...: each value as -D takes it. */
static void define_list(struct argp_state *state, const char *text) {
    const char *equals = strchr(text, '=');
    if (!equals)
        argp_error(state, "-D takes NAME=A,B,... of numbers (or true and false), not `%s`", text);
    for (const char *at = equals; at; at = strchr(at + 1, ',')) {
        size_t name = (size_t)(equals - text) + 1, len = strcspn(at + 1, ",");
        char *one = malloc(name + len + 1);
        if (!one) argp_failure(state, EXIT_SYSTEM, 0, "out of memory");
        snprintf(one, name + len + 1, "%.*s%.*s", (int)name, text, (int)len, at + 1);
        if (!compile_define(one))
            argp_error(
                state,
                "-D takes NAME=A,B,... of numbers (or true and false): `%.*s` in `%s` is none",
                (int)len, at + 1, text);
        free(one);
    }
}

static error_t take_option(int key, char *value, struct argp_state *state) {
    Args *a = state->input;
    switch (key) {
    case 'D':
        if (strcmp(a->command, "sweep") == 0)
            define_list(state, value);
        else if (!compile_define(value))
            argp_error(state, "-D takes NAME=NUMBER (or true or false), not `%s`", value);
        a->defines[a->define_count++] = value;
        break;
    case 'I': a->include_dirs[a->include_dir_count++] = value; break;
    case 'o': a->output = value; break;
    case 'q': a->quiet = true; break;
    case KEY_ENTRY: a->entry = value; break;
    case KEY_EVALUATE: a->evaluate = value; break;
    case KEY_DEVICE: a->device = value; break;
    case KEY_TARGET: a->target = value; break;
    case KEY_PRECISION: a->precision = value; break;
    case KEY_SAVE: a->save = value; break;
    case KEY_LOAD: a->load = value; break;
    case KEY_PARTIAL: a->partial = true; break;
    case KEY_LOG: a->log = value; break;
    case KEY_CHECKPOINT: a->checkpoint = value; break;
    case KEY_CHECKPOINT_EVERY:
        period(state, "checkpoint-every", value, &a->checkpoint_steps, &a->checkpoint_seconds);
        break;
    case KEY_RESUME: a->resume = true; break;
    case KEY_LOG_EVERY: period(state, "log-every", value, &a->log_steps, &a->log_seconds); break;
    case KEY_PROFILE: a->profile = value; break;
    case KEY_PROMPT: a->prompt = value; break;
    case KEY_LENGTH: a->length = whole(state, "length", value); break;
    case KEY_TOP_K:
        a->top_k = whole(state, "top-k", value);
        if (a->top_k == 0) argp_error(state, "--top-k is at least 1");
        break;
    case KEY_TEMPERATURE: {
        char *end;
        a->temperature = strtod(value, &end);
        if (end == value || *end || !(a->temperature >= 0 && a->temperature <= 1e6))
            argp_error(state, "--temperature takes a number from 0 to 1e6, not `%s`", value);
        break;
    }
    case KEY_PATIENCE:
        a->patience = whole(state, "patience", value);
        if (a->patience == 0) argp_error(state, "--patience is at least 1");
        break;
    case KEY_CHECK_NAN: a->check_nan = true; break;
    case KEY_PAIR: a->pair = true; break;
    case KEY_IGNORE_NAN: a->ignore_nan = true; break;
    case KEY_METRIC: metric(state, a, value); break;
    case KEY_DATA: data_pair(state, "data", value, a->data, &a->data_count); break;
    case KEY_HOLDOUT_DATA:
        data_pair(state, "holdout-data", value, a->holdout_data, &a->holdout_data_count);
        break;
    case KEY_FOLDS:
        a->folds = whole(state, "folds", value);
        if (a->folds < 2 || a->folds > 10000)
            argp_error(state, "--folds is at least 2 and at most 10000");
        break;
    case KEY_SET: pair(state, "set", "FILE", value, a->set, &a->set_count); break;
    case KEY_GET: pair(state, "get", "FILE", value, a->get, &a->get_count); break;
    case KEY_WITH: with_input(a, value); break;
    case KEY_EPOCHS:
        a->epochs = whole(state, "epochs", value);
        a->has_epochs = true;
        if (a->epochs == 0) argp_error(state, "--epochs is at least 1");
        break;
    case KEY_STEPS:
        a->steps = whole(state, "steps", value);
        a->has_steps = true;
        if (a->steps == 0) argp_error(state, "--steps is at least 1");
        break;
    case KEY_SEED:
        a->seed = whole(state, "seed", value);
        a->has_seed = true;
        break;
    case KEY_HOLDOUT:
        a->holdout = fraction(state, "holdout", value);
        a->has_holdout = true;
        break;
    case KEY_ROWS: row_range(state, a, value); break;
    case KEY_ALL: a->all = true; break;
    case KEY_HELD_OUT: a->held_out = true; break;
    case KEY_JSON: a->json = true; break;
    case KEY_KERNELS: a->kernels = true; break;
    case KEY_PROGRAM: a->program = value; break;
    case KEY_MEM_BUDGET:
        if (!compile_size(value, &a->mem_budget_bytes))
            argp_error(state, "--mem-budget takes a size as 300K or 64M, not `%s`", value);
        break;
    case KEY_DATA_MEMORY:
        if (!compile_size(value, &a->data_memory_bytes) || a->data_memory_bytes < 1)
            argp_error(state, "--data-memory takes a size as 300K or 64M, not `%s`", value);
        break;
    case KEY_TOLERANCE: a->tolerance = fraction(state, "tolerance", value); break;
    case ARGP_KEY_ARG:
        if (a->file || strcmp(a->command, "devices") == 0)
            argp_error(state, "`%s` is one argument too many", value);
        a->file = value;
        break;
    case ARGP_KEY_END:
        if (!a->file && strcmp(a->command, "devices") != 0)
            argp_error(state, strcmp(a->command, "plot") == 0
                                  ? "which LOG? What `dlg train --log` wrote"
                                  : "which FILE? A .dlg or a compiled .cl");
        if (!a->checkpoint && (a->resume || a->checkpoint_steps || a->checkpoint_seconds > 0))
            argp_error(state, "--%s is of a --checkpoint, which is not named",
                       a->resume ? "resume" : "checkpoint-every");
        if (!a->log && (a->log_steps || a->log_seconds > 0))
            argp_error(state, "--log-every is of a --log, which is not named");
        if (a->log && strcmp(a->log, OUTPUT_STANDARD) == 0) {
            if (a->folds) argp_error(state, "--folds writes a log a fold: --log - is one");
            a->quiet = true; /* nothing else stands between its lines */
        }
        if (a->has_holdout + (a->holdout_data_count > 0) + (a->folds > 0) > 1)
            argp_error(state, "one of --holdout, --holdout-data and --folds");
        if (a->metric && !a->patience && strcmp(a->command, "sweep") != 0)
            argp_error(state, "--metric says what --patience waits for, which is not given");
        if (a->check_nan && a->ignore_nan) argp_error(state, "either --check-nan or --ignore-nan");
        if (a->json && a->kernels) argp_error(state, "either --json or --kernels");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Which commands have an option, where this one has not: "; `dlg train` and `dlg sweep` have it". False: none has. */
static bool print_commands(const char *name) {
    int commands = 0;
    size_t left = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].option.name, name) == 0) commands |= rows[i].commands;
    for (size_t i = 0; i < DOCS; i++) left += (commands & docs[i].bit) != 0;
    const char *have = left > 1 ? "have" : "has", *before = "; ";
    if (!commands) return false;
    for (size_t i = 0; i < DOCS; i++) {
        if (!(commands & docs[i].bit)) continue;
        fprintf(stderr, "%s`dlg %s`", before, docs[i].name);
        before = --left > 1 ? ", " : " and ";
    }
    fprintf(stderr, " %s it", have);
    return true;
}

void args_parse(Args *a, const char *command, int argc, char **argv) {
    const CommandDoc *doc = find_doc(command);
    struct argp_option options[ROWS + 1];
    size_t most = (size_t)argc + 1;
    size_t count = command_options(doc, options);
    char name[32];
    snprintf(name, sizeof name, "dlg %s", command);
    options_check(name, argc, argv, options, count, print_commands, EXIT_USAGE);
    *a = (Args){.command = command, .tolerance = TOLERANCE, .length = 500, .temperature = 1};
    a->defines = calloc(most, sizeof *a->defines);
    a->include_dirs = calloc(most, sizeof *a->include_dirs);
    a->with = calloc(most, sizeof *a->with);
    a->data = calloc(most, sizeof *a->data);
    a->holdout_data = calloc(most, sizeof *a->holdout_data);
    a->set = calloc(most, sizeof *a->set);
    a->get = calloc(most, sizeof *a->get);
    if (!a->defines || !a->include_dirs || !a->with || !a->data || !a->holdout_data || !a->set ||
        !a->get) {
        complain("out of memory");
        exit(EXIT_SYSTEM);
    }
    argv[0] = name; /* argp shows it */
    argp_err_exit_status = EXIT_USAGE;
    struct argp argp = {options, take_option, doc->args, doc->doc, standard_help, NULL, NULL};
    error_t error = argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, a);
    argv[0] = NULL;
    if (error) {
        complain("%s", strerror(error));
        exit(EXIT_SYSTEM);
    }
}

void args_free(Args *a) {
    free(a->defines);
    free(a->include_dirs);
    free(a->with);
    free(a->data);
    free(a->holdout_data);
    free(a->set);
    free(a->get);
}

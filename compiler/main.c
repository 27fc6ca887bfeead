/* dlgc: the compiler's command. Everything but arguments and files is in libdlgc.
 *
 * Establishes: the output is either written whole, under its name, or not at all: a file that was
 * there before a failure is there after it. Status 0 done, 1 the input is wrong, 2 usage, 3 the
 * system failed. */
#define _XOPEN_SOURCE 700 /* mkstemp, fchmod */

#include "../runtime/cmd/man.h"
#include "../runtime/cmd/markdown.h"
#include "../runtime/cmd/options.h"
#include "../runtime/cmd/standard.h"
#include "../runtime/real_path.h"
#include "compile.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef DLG_VERSION_TEXT
#define DLG_VERSION_TEXT "unknown"
#endif

enum { STATUS_DONE, STATUS_INPUT, STATUS_USAGE, STATUS_SYSTEM };
enum {
    OPTION_TARGET = 256,
    OPTION_PRECISION,
    OPTION_EMIT,
    OPTION_DUMP_AFTER,
    OPTION_EXPLAIN,
    OPTION_REWRITES,
    OPTION_MEM_BUDGET,
    OPTION_PAIR,
    OPTION_WEIGHTS,
    OPTION_MAN
};

typedef struct Arguments {
    const char *input, *output, *weights;
    const char **defines, **include_dirs;
    bool emits, explains; /* --emit, --explain: one of both */
    CompileOptions compile;
} Arguments;

static const char target_doc[] = "Emit for this kind of device:"
#define X(name, ...) " " #name
#include "target.def"
#undef X
                                 " (default: cpu)";

static const struct argp_option option_list[] = {
    {"output", 'o', "FILE", 0, "Write to FILE; `-` is standard output", 0},
    {"define", 'D', "NAME=VALUE", 0, "Give the constant NAME another value", 0},
    {"include", 'I', "DIR", 0, "Look for included files in DIR too", 0},
    {"target", OPTION_TARGET, "NAME", 0, target_doc, 0},
    {"precision", OPTION_PRECISION, "WHAT", 0,
     "How a target with matrix units multiplies f32: f32 (without them), 3xtf32 (default), tf32 or "
     "bf16",
     0},
    {"emit", OPTION_EMIT, "WHAT", 0,
     "cl: the program (default); c: the same as FILE.c with FILE.h; graph: the graph as .dlg; dot: "
     "the graph for graphviz; plan: the "
     "plan of the program",
     0},
    {"weights", OPTION_WEIGHTS, "FILE", 0,
     "With --emit c: put these weights into FILE.c, as the values that it starts with", 0},
    {"dump-after", OPTION_DUMP_AFTER, "PASS", 0, "Print the graph after this pass, then stop", 0},
    {"explain", OPTION_EXPLAIN, NULL, 0,
     "Print for every source line its kernels, what they cost, and what kept them from being fused "
     "further",
     0},
    {"pair", OPTION_PAIR, NULL, 0,
     "For a processor: short launches of a step as one too, which `dlg --pair` uses", 0},
    {"mem-budget", OPTION_MEM_BUDGET, "SIZE", 0,
     "Hold each entry's arena to SIZE bytes (300K, 64M, 1G), by computing values again that are "
     "needed late",
     0},
    {"rewrites", OPTION_REWRITES, "N", 0,
     "Make the first N rewrites and no more, and say what the last one was: to find a wrong one",
     0},
    {"optimize", 'O', "LEVEL", 0, "0, 1 or 2 (default)", 0},
    {"version", 'V', NULL, 0, "Print the version", -1},
    {"man", OPTION_MAN, NULL, OPTION_HIDDEN, NULL, 0},
    {0},
};

static const char brief[] = "Compiles a differentiable tensor program to OpenCL.";
static const char details[] =
    "The program is written beside its source, as FILE.cl, unless -o says where. Graphs and plans "
    "go to standard output.\n\nExit status: 0 done, 1 the input is wrong, 2 usage, 3 the system "
    "failed.";

/* The man page, which the build keeps. */
static void write_man(void) {
    man_begin(stdout, "dlgc", DLG_VERSION_TEXT, brief, sizeof brief - 1);
    fputs(".SH SYNOPSIS\n.B dlgc\n[\\fIOPTION\\fR...] FILE.dlg\n.SH DESCRIPTION\n", stdout);
    markdown_man(stdout, brief, sizeof brief - 1);
    fputs(".PP\n", stdout);
    markdown_man(stdout, details, sizeof details - 1);
    fputs(".SH OPTIONS\n", stdout);
    man_options(stdout, option_list, sizeof option_list / sizeof *option_list - 1);
    fputs(".SH SEE ALSO\n.BR dlg (1)\n", stdout);
}

static bool ends_in(const char *path, const char *ending) {
    size_t n = strlen(path), m = strlen(ending);
    return n > m && !strcmp(path + n - m, ending);
}

static error_t parse_option(int key, char *value, struct argp_state *state) {
    Arguments *a = state->input;
    switch (key) {
    case 'o': a->output = value; return 0;
    case 'D': {
        if (!compile_define(value))
            argp_error(state, "-D takes NAME=NUMBER (or true or false), not '%s'", value);
        a->defines[a->compile.define_count++] = value;
        return 0;
    }
    case 'I': a->include_dirs[a->compile.include_dir_count++] = value; return 0;
    case OPTION_TARGET: a->compile.target = value; return 0;
    case OPTION_PRECISION: a->compile.precision = value; return 0;
    case OPTION_EMIT:
        a->emits = true;
        if (!strcmp(value, "cl"))
            a->compile.emit = EMIT_CL;
        else if (!strcmp(value, "graph"))
            a->compile.emit = EMIT_GRAPH;
        else if (!strcmp(value, "dot"))
            a->compile.emit = EMIT_DOT;
        else if (!strcmp(value, "plan"))
            a->compile.emit = EMIT_PLAN;
        else if (!strcmp(value, "c"))
            a->compile.emit = EMIT_C;
        else
            argp_error(state, "--emit takes cl, c, graph, dot or plan, not '%s'", value);
        return 0;
    case OPTION_WEIGHTS: a->weights = value; return 0;
    case OPTION_MAN: write_man(); exit(standard_finish("dlgc", STATUS_DONE));
    case OPTION_EXPLAIN:
        a->explains = true;
        a->compile.emit = EMIT_EXPLAIN;
        return 0;
    case OPTION_PAIR: a->compile.pair = true; return 0;
    case OPTION_MEM_BUDGET:
        if (!compile_size(value, &a->compile.mem_budget_bytes))
            argp_error(state, "--mem-budget takes a size as 300K or 64M, not '%s'", value);
        return 0;
    case OPTION_REWRITES: {
        char *end;
        errno = 0;
        unsigned long n = strtoul(value, &end, 10);
        if (*value < '0' || *value > '9' || *end || errno || n >= UINT32_MAX)
            argp_error(state, "--rewrites takes a number, not '%s'", value);
        a->compile.rewrites = n + 1;
        return 0;
    }
    case OPTION_DUMP_AFTER: a->compile.dump_after = value; return 0;
    case 'O':
        if (strlen(value) != 1 || value[0] < '0' || value[0] > '2')
            argp_error(state, "-O takes 0, 1 or 2, not '%s'", value);
        a->compile.opt_level = value[0] == '2' ? 0 : value[0] - '0' + 1;
        return 0;
    case 'V': printf("dlgc %s\n", DLG_VERSION_TEXT); exit(standard_finish("dlgc", STATUS_DONE));
    case ARGP_KEY_ARG:
        if (a->input)
            argp_error(state, "one file at a time: '%s' is a second (-o names the output)", value);
        a->input = value;
        return 0;
    case ARGP_KEY_END:
        if (!a->input) argp_error(state, "which file?");
        if (a->compile.emit == EMIT_C && a->output && !ends_in(a->output, ".c"))
            argp_error(state,
                       "--emit c writes two files: -o takes the one that ends in .c, not '%s'",
                       a->output);
        if (!a->emits && !a->explains && !a->compile.dump_after && a->output &&
            ends_in(a->output, ".c"))
            argp_error(state, "-o %s: the model as C is written by --emit c", a->output);
        if (a->weights && a->compile.emit != EMIT_C)
            argp_error(state, "--weights goes with --emit c: `dlg` takes others with --load");
        if (a->explains && (a->emits || a->compile.dump_after))
            argp_error(state, "--explain prints text of its own: it does not go with --%s",
                       a->emits ? "emit" : "dump-after");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* The path given is wrong, or the system failed. */
static int fail(const char *what, const char *path) {
    static const int of_path[] = {ENOENT, ENOTDIR, EISDIR,       EACCES,
                                  EPERM,  EROFS,   ENAMETOOLONG, ELOOP};
    int status = STATUS_SYSTEM;
    for (size_t i = 0; i < sizeof of_path / sizeof *of_path; i++)
        if (errno == of_path[i]) status = STATUS_INPUT;
    fprintf(stderr, "dlgc: cannot %s %s: %s\n", what, path, strerror(errno));
    return status;
}

/* ---- The weights ------------------------------------------------------------------------------ */

/* More is nothing that a C compiler takes, and what has no end must not take all memory. */
enum { WEIGHTS_MAX_BYTES = 1 << 30 };

/* A whole file; NULL, having complained. */
static char *read_weights(const char *path, size_t *len, int *status) {
    FILE *in = fopen(path, "rb");
    char *bytes = NULL;
    size_t cap = 0;
    *len = 0;
    for (size_t n = 1; in && n > 0; *len += n) {
        if (*len == cap) {
            char *more = realloc(bytes, cap = cap ? 2 * cap : 1 << 16);
            if (!more) break;
            bytes = more;
        }
        n = fread(bytes + *len, 1, cap - *len, in);
        if (*len + n <= WEIGHTS_MAX_BYTES) continue;
        fprintf(stderr, "dlgc: %s is longer than %d bytes, the most for weights in a program\n",
                path, WEIGHTS_MAX_BYTES);
        *status = STATUS_INPUT;
        fclose(in);
        free(bytes);
        return NULL;
    }
    if (in && feof(in) && !ferror(in)) {
        fclose(in);
        return bytes;
    }
    *status = fail("read", path);
    if (in) fclose(in);
    free(bytes);
    return NULL;
}

/* ---- The output ------------------------------------------------------------------------------- */

static int write_all(int fd, const char *text, size_t len) {
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Writes beside the target, which `path` leads to, syncs, and renames over it. */
static int replace_file(const char *path, const char *target, const char *text, size_t len,
                        mode_t mode) {
    size_t size = strlen(target) + sizeof ".XXXXXX";
    char *temporary = malloc(size);
    if (!temporary) return fail("write", path);
    snprintf(temporary, size, "%s.XXXXXX", target);
    int fd = mkstemp(temporary);
    if (fd < 0) {
        free(temporary);
        return fail("write", path);
    }
    int failed = write_all(fd, text, len) || fchmod(fd, mode) || fsync(fd);
    failed = close(fd) || failed;
    failed = failed || rename(temporary, target);
    int status = STATUS_DONE;
    if (failed) {
        status = fail("write", path);
        unlink(temporary);
    }
    free(temporary);
    return status;
}

static int write_output(const char *path, const char *text, size_t len) {
    if (!strcmp(path, "-"))
        return write_all(STDOUT_FILENO, text, len) ? fail("write", "standard output") : STATUS_DONE;
    struct stat st;
    mode_t mask = umask(0);
    umask(mask);
    bool there = stat(path, &st) == 0;
    if (!there || S_ISREG(st.st_mode)) {
        char *target = rt_real_path(path); /* a link stays one, also to what is not there yet */
        if (!target) return fail("write", path);
        int status =
            replace_file(path, target, text, len, there ? st.st_mode & 07777 : 0666 & ~mask);
        free(target);
        return status;
    }
    int fd = open(path, O_WRONLY | O_CLOEXEC); /* a device or a pipe */
    if (fd < 0) return fail("write", path);
    int failed = write_all(fd, text, len);
    failed = close(fd) || failed;
    return failed ? fail("write", path) : STATUS_DONE;
}

/* Data that was taken for a model would be one syntax error after another. */
static bool is_other_kind(const char *path) {
    struct stat st;
    return !ends_in(path, ".dlg") && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool same_file(const char *a, const char *b) {
    struct stat sa, sb;
    return !stat(a, &sa) && !stat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Whether a file may be replaced by the text: it is empty, or begins as the text does (with
 * "//! dlg", "digraph", "# the graph" or "Kernels"). Any other is not ours to destroy. */
static bool may_replace(const char *path, const char *text, size_t len) {
    enum { MARK = 7 };
    char begin[MARK];
    struct stat st;
    if (!strcmp(path, "-") || stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size == 0)
        return true;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t n = read(fd, begin, MARK);
    close(fd);
    return n == MARK && len >= MARK && !memcmp(begin, text, MARK);
}

/* "dir/x.dlg" -> "dir/x.cl", where `from` is ".dlg" and `to` ".cl"; NULL: no memory. */
static char *with_ending(const char *path, const char *from, const char *to) {
    size_t n = strlen(path), m = strlen(from);
    if (n > m && !strcmp(path + n - m, from)) n -= m;
    char *other = malloc(n + strlen(to) + 1);
    if (other) {
        memcpy(other, path, n);
        strcpy(other + n, to);
    }
    return other;
}

/* What the source includes: "x.h" for dir/x.c; NULL: no memory. */
static char *header_name(const Arguments *a) {
    const char *path = a->output ? a->output : a->input, *slash = strrchr(path, '/');
    return with_ending(slash ? slash + 1 : path, a->output ? ".c" : ".dlg", ".h");
}

/* Whether a header of that name can be included: a quote ends the name, and it knows no escapes. */
static bool can_be_included(const char *name) {
    for (const char *c = name; *c; c++)
        if (*c == '"' || (unsigned char)*c < ' ' || !strncmp(c, "??", 2)) return false;
    return true;
}

static int deliver(const Arguments *a, const CompileResult *result) {
    bool to_stdout = !a->output && (a->compile.dump_after ||
                                    (a->compile.emit != EMIT_CL && a->compile.emit != EMIT_C));
    const char *ending = a->compile.emit == EMIT_C ? ".c" : ".cl";
    char *beside = a->output || to_stdout ? NULL : with_ending(a->input, ".dlg", ending);
    char *header = result->header ? with_ending(a->output ? a->output : beside, ".c", ".h") : NULL;
    const char *path = a->output ? a->output : to_stdout ? "-" : beside;
    int status;
    if (!path || (result->header && !header)) {
        status = fail("write", a->input);
    } else if (header && !may_replace(header, result->header, strlen(result->header))) {
        fprintf(
            stderr,
            "dlgc: %s is there and was not made by dlgc: it is not overwritten; remove it first\n",
            header);
        status = STATUS_INPUT;
    } else if (!may_replace(path, result->text, result->text_len)) {
        fprintf(stderr,
                "dlgc: %s is there and was not made by dlgc: it is not overwritten; remove it "
                "first\n",
                path);
        status = STATUS_INPUT;
    } else {
        status = write_output(path, result->text, result->text_len);
        if (!status && header)
            status = write_output(header, result->header, strlen(result->header));
    }
    free(header);
    free(beside);
    return status;
}

static int compile(Arguments *a) {
    int status = STATUS_DONE;
    char *weights = NULL, *header = a->compile.emit == EMIT_C ? header_name(a) : NULL;
    if (header && !can_be_included(header)) {
        fprintf(stderr,
                "dlgc: --emit c: no #include can name a header with \", ?? or a control character "
                "in its name, as %s has: name another with -o FILE.c\n",
                a->output ? a->output : a->input);
        status = STATUS_USAGE;
    }
    if (!status && a->weights) weights = read_weights(a->weights, &a->compile.weights_len, &status);
    a->compile.header_name = header;
    a->compile.weights_name = a->weights;
    a->compile.weights = weights;
    if (!status) {
        CompileResult result = compile_file(a->input, &a->compile);
        fputs(result.diagnostics, stderr);
        status = result.status ? result.status : deliver(a, &result);
        compile_free(&result);
    }
    free(header);
    free(weights);
    return status;
}

int main(int argc, char **argv) {
    standard_hold();
    signal(SIGXFSZ, SIG_IGN);    /* a file that may not grow is an error, as a full disk is */
    static char name[] = "dlgc"; /* which argp and getopt show */
    if (argc > 0) argv[0] = name;
    char doc[sizeof brief + sizeof details];
    snprintf(doc, sizeof doc, "%s\v%s", brief, details);
    const size_t options = sizeof option_list / sizeof *option_list - 1;
    options_check(name, argc, argv, option_list, options, NULL, STATUS_USAGE);
    const struct argp argp = {option_list,   parse_option, "FILE.dlg", doc,
                              standard_help, NULL,         NULL};
    Arguments a = {.defines = calloc((size_t)argc + 1, sizeof *a.defines),
                   .include_dirs = calloc((size_t)argc + 1, sizeof *a.include_dirs)};
    if (!a.defines || !a.include_dirs) return STATUS_SYSTEM;
    a.compile.defines = a.defines;
    a.compile.include_dirs = a.include_dirs;
    const char *no_color = getenv("NO_COLOR");
    a.compile.color = isatty(STDERR_FILENO) && !(no_color && *no_color);
    argp_err_exit_status = STATUS_USAGE;
    error_t error = argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
    int status = STATUS_USAGE;
    if (error) {
        fprintf(stderr, "dlgc: %s\n", strerror(error));
    } else if (a.output && same_file(a.output, a.input)) {
        fprintf(stderr, "dlgc: %s is the input: it is not overwritten\n", a.output);
        status = STATUS_INPUT;
    } else if (a.output && a.weights && same_file(a.output, a.weights)) {
        fprintf(stderr, "dlgc: %s is what --weights reads: it is not overwritten\n", a.output);
        status = STATUS_INPUT;
    } else if (a.output && !*a.output) {
        fprintf(stderr, "dlgc: -o names no file\n");
        status = STATUS_INPUT;
    } else if (is_other_kind(a.input)) {
        fprintf(stderr, "dlgc: %s: is no model: the name of one ends in .dlg\n", a.input);
        status = STATUS_INPUT;
    } else {
        status = compile(&a);
    }
    free(a.defines);
    free(a.include_dirs);
    return status;
}

/* outputs: whether what a command is asked to write can be written, and without loss.
 *
 * Requires the command line; outputs_spare needs the program too. Establishes: before anything
 * runs, no output is a file that the command reads or another of its outputs, none replaces a file
 * of another kind, and each lies where a file can be made. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "cmd.h"
#include "rt.h"

/* A file, or the name of one that is not there in its directory. */
typedef struct Identity {
    dev_t device;
    ino_t inode;
    const char *name; /* in the directory; NULL: the file itself */
} Identity;

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The directory that holds a path; NULL: no memory. */
static char *directory_of(const char *path) {
    size_t len = (size_t)(base_name(path) - path);
    return len == 0 ? strdup(".") : strndup(path, len);
}

static bool identify(const char *path, Identity *id) {
    struct stat st;
    *id = (Identity){0};
    if (stat(path, &st) != 0) {
        char *dir = directory_of(path);
        bool there = dir && stat(dir, &st) == 0;
        free(dir);
        if (!there) return false;
        id->name = base_name(path);
    } else if (!S_ISREG(st.st_mode)) {
        return false; /* a terminal or a pipe: nothing is lost */
    }
    id->device = st.st_dev;
    id->inode = st.st_ino;
    return true;
}

static bool same_file(const char *a, const char *b) {
    Identity x, y;
    if (!identify(a, &x) || !identify(b, &y)) return false;
    if (x.device != y.device || x.inode != y.inode || !x.name != !y.name) return false;
    return !x.name || strcmp(x.name, y.name) == 0;
}

/* ---- Each output by itself ---------------------------------------------------------------------- */

/* Makes a file beside the path and removes it: a full answer where permissions are half of one. */
static int try_beside(const char *path) {
    size_t size = strlen(path) + sizeof ".XXXXXX";
    char *name = malloc(size);
    if (!name) return ENOMEM;
    snprintf(name, size, "%s.XXXXXX", path);
    int error = 0, fd = mkstemp(name);
    if (fd < 0) {
        error = errno;
    } else {
        close(fd);
        unlink(name);
    }
    free(name);
    return error;
}

/* Whether a file has `mark` at the byte `at`. */
static bool begins_as(const char *path, size_t at, const char *mark) {
    char found[32];
    size_t len = strlen(mark);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0 && len <= sizeof found && pread(fd, found, len, (off_t)at) == (ssize_t)len &&
              memcmp(found, mark, len) == 0;
    if (fd >= 0) close(fd);
    return is;
}

/* Whether the header of a weights file says what only that of a checkpoint does. */
static bool is_checkpoint(const char *path) {
    unsigned char size[8];
    struct stat st;
    uint64_t len = 0;
    char *header = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is = fd >= 0 && fstat(fd, &st) == 0 && pread(fd, size, sizeof size, 0) == sizeof size;
    for (int i = 0; is && i < 8; i++) len |= (uint64_t)size[i] << 8 * i;
    is = is && len <= (uint64_t)st.st_size && (header = malloc((size_t)len + 1)) != NULL &&
         pread(fd, header, (size_t)len, sizeof size) == (ssize_t)len;
    if (is) {
        header[len] = 0;
        is = strstr(header, "\"checkpoint.steps\"") != NULL;
    }
    free(header);
    if (fd >= 0) close(fd);
    return is;
}

static int cannot_write(const char *path, const char *why) {
    complain("cannot write %s: %s", path, why);
    return EXIT_INPUT;
}

/* A file that is replaced as a whole (`whole`) must be regular; a stream need not be. */
static int check_path(const char *option, const char *path, bool whole) {
    struct stat st;
    if (!*path) {
        complain("--%s names no file", option);
        return EXIT_INPUT;
    }
    if (strcmp(path, OUTPUT_STANDARD) == 0) {
        complain("--%s -: it goes to a file, not to the standard output; ./- is a file of that "
                 "name",
                 option);
        return EXIT_INPUT;
    }
    bool there = stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode)) return cannot_write(path, "it is a directory");
    if (there && !S_ISREG(st.st_mode))
        return whole                     ? cannot_write(path, "it is not a regular file")
               : access(path, W_OK) != 0 ? cannot_write(path, strerror(errno))
                                         : EXIT_DONE;
    if (there && !whole)
        return access(path, W_OK) != 0 ? cannot_write(path, strerror(errno)) : EXIT_DONE;
    char *real = rt_real_path(path); /* a link is followed */
    int error = real ? try_beside(real) : errno;
    free(real);
    return error ? cannot_write(path, strerror(error)) : EXIT_DONE;
}

/* What is there and may hold something: an empty file of any kind may be replaced. */
static bool holds_something(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static int check_kind(const char *path, size_t at, const char *mark, const char *kind) {
    if (!holds_something(path) || begins_as(path, at, mark)) return EXIT_DONE;
    complain("%s is there and is not %s: it is not overwritten; remove it first", path, kind);
    return EXIT_INPUT;
}

/* Weights and checkpoints are files of one format, but not of one worth: neither takes the other's place. */
static int check_weights(const char *path, bool checkpoint) {
    const char *kind = checkpoint ? "a checkpoint" : "a weights file";
    int status = check_kind(path, 8, "{", kind);
    if (status || !holds_something(path) || is_checkpoint(path) == checkpoint) return status;
    complain("%s is there and is %s, not %s: it is not overwritten; remove it first", path,
             checkpoint ? "a weights file" : "a checkpoint", kind);
    return EXIT_INPUT;
}

/* ---- Outputs and inputs -------------------------------------------------------------------------- */

/* A log that goes to the standard output is no file. */
static const char *log_file(const Args *a) {
    return a->log && strcmp(a->log, OUTPUT_STANDARD) == 0 ? NULL : a->log;
}

/* The outputs of a command line by number. False beyond the last. */
static bool output_at(const Args *a, size_t i, const char **option, const char **path) {
    if (i == 0) *option = "save", *path = a->save;
    if (i == 1) *option = "log", *path = log_file(a);
    if (i == 2) *option = "checkpoint", *path = a->checkpoint;
    if (i == 3) *option = "profile", *path = a->profile;
    if (i >= 4) *option = "get", *path = i - 4 < a->get_count ? a->get[i - 4].value : NULL;
    return i < 4 + a->get_count;
}

/* No output is the file `path`, which is `what`. Weights may be written where they came from. */
static int spare(const Args *a, const char *path, const char *what) {
    const char *option, *output;
    for (size_t i = 0; output_at(a, i, &option, &output); i++) {
        if (!output || !same_file(output, path)) continue;
        if (path == a->load && output == a->save) continue;
        complain("--%s %s: that is %s: it is not overwritten", option, output, what);
        return EXIT_INPUT;
    }
    return EXIT_DONE;
}

/* A source of data, with or without what it takes of a file: whatever stands before a colon may be the path. */
static int spare_source(const Args *a, const char *source, const char *what) {
    char *path = strdup(source);
    if (!path) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    int status = spare(a, path, what);
    for (char *colon; !status && (colon = strrchr(path, ':'));) {
        *colon = 0;
        status = spare(a, path, what);
    }
    free(path);
    return status;
}

static bool is_lock_of(const char *path, const char *locked) {
    char *lock = lock_path(locked);
    bool is = lock && same_file(path, lock);
    free(lock);
    return is;
}

int outputs_check(const Args *a) {
    const char *option, *path, *other_option, *other;
    int status = EXIT_DONE;
    for (size_t i = 0; !status && output_at(a, i, &option, &path); i++) {
        if (!path) continue;
        status = check_path(option, path, i != 1);
        for (size_t k = 0; !status && k < i && output_at(a, k, &other_option, &other); k++) {
            if (!other || !same_file(path, other)) continue;
            complain("--%s and --%s are one file: %s", other_option, option, path);
            status = EXIT_INPUT;
        }
        for (size_t k = 0; !status && output_at(a, k, &other_option, &other); k++) {
            if (k == i || !other || !is_lock_of(path, other)) continue;
            complain("--%s %s: that is the file that keeps other runs from --%s %s: give it "
                     "another name",
                     option, path, other_option, other);
            status = EXIT_INPUT;
        }
    }
    if (!status) status = spare(a, a->file, "the model");
    if (!status && a->load) status = spare(a, a->load, "what --load reads");
    for (size_t i = 0; !status && i < a->set_count; i++)
        status = spare_source(a, a->set[i].value, "what --set reads");
    for (size_t i = 0; !status && i < a->data_count; i++)
        status = spare_source(a, a->data[i].value, "data of this run");
    for (size_t i = 0; !status && i < a->holdout_data_count; i++)
        status = spare_source(a, a->holdout_data[i].value, "data of this run");
    return status;
}

/* Weights are written when a run ends, which is late to learn that there is no room. It may yet come. */
static void warn_room(const char *path, const dlg_program *prog) {
    struct statvfs fs;
    uint64_t wanted = 0, room;
    char *real = rt_real_path(path), *dir = real ? directory_of(real) : NULL;
    bool known = dir && statvfs(dir, &fs) == 0 && fs.f_blocks > 0;
    free(real);
    free(dir);
    if (!known) return;
    for (size_t i = 0; i < dlg_tensor_count(prog); i++)
        if (dlg_tensor_at(prog, i)->kind == DLG_PARAM) wanted += dlg_tensor_at(prog, i)->bytes;
    room = (uint64_t)fs.f_bfree * fs.f_frsize;
    if (wanted > room)
        complain("warning: --save %s: the weights take %llu bytes, and its disk has %llu", path,
                 (unsigned long long)wanted, (unsigned long long)room);
}

int outputs_spare(const Args *a, const dlg_program *prog) {
    int status = EXIT_DONE;
    for (size_t i = 0; !status && i < dlg_tensor_count(prog); i++) {
        const char *path = dlg_tensor_at(prog, i)->source.path;
        if (!path) continue;
        status = spare_source(a, path, "data of the model");
        if (status || path[0] == '/') continue;
        size_t dir = (size_t)(base_name(a->file) - a->file), size = dir + strlen(path) + 1;
        char *beside = malloc(size);
        if (!beside) {
            complain("out of memory");
            return EXIT_SYSTEM;
        }
        snprintf(beside, size, "%.*s%s", (int)dir, a->file, path);
        status = spare_source(a, beside, "data of the model");
        free(beside);
    }
    if (!status && a->save) status = check_weights(a->save, false);
    if (!status && a->checkpoint) status = check_weights(a->checkpoint, true);
    if (!status && a->profile) status = check_kind(a->profile, 0, "{\"traceEvents\":", "a profile");
    if (!status && log_file(a)) status = check_kind(a->log, 0, "{\"epoch\":", "a log of training");
    if (!status && a->save) warn_room(a->save, prog);
    return status;
}

int output_check_kind(const char *option, const char *path, const char *mark, const char *kind) {
    if (strcmp(path, OUTPUT_STANDARD) == 0) return EXIT_DONE;
    int status = check_path(option, path, true);
    return status ? status : check_kind(path, 0, mark, kind);
}

static int write_or_try(const char *path, const char *text, size_t len, bool whole) {
    dlg_device *dev; /* for its message */
    RtFile file;
    if (dlg_device_open(&dev, "none") < 0) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    int status = rt_file_begin(&file, dev, path);
    if (status == DLG_OK) status = rt_file_write(&file, text, len);
    if (status == DLG_OK && whole) status = rt_file_commit(&file);
    rt_file_drop(&file);
    int exit_status = status < 0 ? complain_write(dev, status) : EXIT_DONE;
    dlg_device_close(dev);
    return exit_status;
}

int output_write(const char *path, const char *text, size_t len) {
    if (strcmp(path, OUTPUT_STANDARD) != 0) return write_or_try(path, text, len, true);
    if (fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0) return EXIT_DONE;
    complain("cannot write to the standard output: %s", strerror(errno));
    return EXIT_SYSTEM;
}

int output_try(const char *path) {
    return write_or_try(path, "", 0, false);
}

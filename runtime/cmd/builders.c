/* builders: see builders.h. */
#define _GNU_SOURCE /* mkostemp */
#include "builders.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char pair_word[] = "pair";
static const double slow_seconds = 0.25; /* many times what it takes to read a cache */
static const uint64_t most_bytes =
    128u << 20; /* of tensors, which each of them sets too; of the arena it touches little */

int builders_wanted(const dlg_program *prog, double load_seconds) {
    const dlg_device_info *info = dlg_device_get_info(dlg_program_device(prog));
    uint64_t bytes = 0;
    for (size_t i = 0; i < dlg_tensor_count(prog); i++)
        if (dlg_tensor_at(prog, i)->kind != DLG_ARENA) bytes += dlg_tensor_at(prog, i)->bytes;
    return info && strcmp(info->type, "cpu") == 0 && info->compute_units > 1 &&
           dlg_program_kernel_count(prog) > 1 && load_seconds > slow_seconds && bytes <= most_bytes;
}

/* A file that has no name, at its beginning; below 0: there is none. */
static int file_of(const char *text, size_t len) {
    const char *directory = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/dlg-XXXXXX", directory && *directory ? directory : "/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) return -1;
    unlink(path);
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, text + at, len - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            close(fd);
            return -1;
        }
        at += (size_t)n;
    }
    return fd;
}

void builders_start(Builders *b, const dlg_program *prog, const char *entry, const char *text,
                    size_t len, bool pair, const char *const *command) {
    const dlg_device_info *info = dlg_device_get_info(dlg_program_device(prog));
    size_t wanted = info->compute_units - 1;
    *b = (Builders){.count = 0};
    if (wanted > BUILDERS_MOST) wanted = BUILDERS_MOST;
    if (wanted > dlg_program_kernel_count(prog) - 1) wanted = dlg_program_kernel_count(prog) - 1;
    int fd = file_of(text, len);
    if (fd < 0) return;
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) == 0) {
        int failed = posix_spawn_file_actions_adddup2(&actions, fd, 0) ||
                     posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) ||
                     posix_spawn_file_actions_adddup2(&actions, 1, 2);
        for (size_t i = 0; i < wanted && !failed; i++) {
            const char *words[16];
            char device[24], part[24], parts[24];
            size_t n = 0;
            while (command[n] && n < 8) words[n] = command[n], n++;
            snprintf(device, sizeof device, "%d", info->number);
            snprintf(part, sizeof part, "%zu", i);
            snprintf(parts, sizeof parts, "%zu", wanted);
            words[n++] = device;
            words[n++] = entry;
            words[n++] = part;
            words[n++] = parts;
            if (pair) words[n++] = pair_word;
            words[n] = NULL;
            failed = posix_spawn(&b->pids[b->count], "/proc/self/exe", &actions, NULL,
                                 (char *const *)words, environ);
            b->count += !failed;
        }
        posix_spawn_file_actions_destroy(&actions);
    }
    close(fd);
}

void builders_end(Builders *b) {
    for (size_t i = 0; i < b->count; i++) kill(b->pids[i], SIGKILL);
    for (size_t i = 0; i < b->count; i++) {
        while (waitpid(b->pids[i], NULL, 0) < 0 && errno == EINTR) {
        }
    }
    b->count = 0;
}

/* What is at descriptor 0, from its beginning: others read it too. NULL: nothing. */
static char *read_program(size_t *len) {
    off_t size = lseek(0, 0, SEEK_END);
    char *text = size > 0 ? malloc((size_t)size) : NULL;
    for (*len = 0; text && *len < (size_t)size;) {
        ssize_t n = pread(0, text + *len, (size_t)size - *len, (off_t)*len);
        if (n <= 0) {
            free(text);
            return NULL;
        }
        *len += (size_t)n;
    }
    return text;
}

int builders_run(char **words, int count) {
    dlg_device *dev = NULL;
    dlg_program *prog = NULL;
    size_t len;
    const bool pair = count == 5 && strcmp(words[4], pair_word) == 0;
    char *text = count == 4 || pair ? read_program(&len) : NULL;
    int status = text ? dlg_device_open(&dev, words[0]) : DLG_ERR_USAGE;
    /* As it is built where steps are done in pairs. */
    if (status == DLG_OK && pair) status = dlg_device_pair(dev, DLG_PAIR_ALWAYS);
    if (status == DLG_OK) status = dlg_program_load_text(&prog, dev, "program", text, len, NULL);
    if (status == DLG_OK)
        status = dlg_build_kernels(prog, words[1], (unsigned)strtoul(words[2], NULL, 10),
                                   (unsigned)strtoul(words[3], NULL, 10));
    free(text);
    dlg_program_close(prog);
    dlg_device_close(dev);
    return status < 0;
}

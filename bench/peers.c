/* peers: what we are compared with, as processes that answer requests; the parent's side.
 *
 * A peer says hello with one line, {"about": TEXT} or {"error": TEXT}, and then answers each line with one line:
 *   {"case": NAME, "model": NAME, "entry": NAME, "define": {NAME: NUMBER...}}   {"check": NUMBER} or {"skip": TEXT}
 *   {"runs": N}                                           {"seconds": S, "cpu": S}, a run; or {"skip": TEXT}
 * until its input ends. A peer that dies or does not answer is started again for the next case. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HELLO_SECONDS = 180, ANSWER_SECONDS = 300 };

static void stop(Peer *peer) {
    if (!peer->pid) return;
    close(peer->to);
    /* The end of its input ends it; a peer that hangs is ended. */
    for (int i = 0; i < 100; i++) {
        if (waitpid(peer->pid, NULL, WNOHANG) == peer->pid) goto gone;
        wait_seconds(0.05);
    }
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
gone:
    close(peer->from);
    peer->pid = 0;
    peer->buffered_bytes = 0;
}

/* One line of the peer as JSON; NULL when it ended, hangs or talks nonsense. */
static json_t *answer(Peer *peer, double patience) {
    double until = seconds_now() + patience;
    for (;;) {
        char *end = memchr(peer->buffered, '\n', peer->buffered_bytes);
        if (end) {
            json_t *line = json_loadb(peer->buffered, (size_t)(end - peer->buffered), 0, NULL);
            size_t used = (size_t)(end - peer->buffered) + 1;
            memmove(peer->buffered, end + 1, peer->buffered_bytes - used);
            peer->buffered_bytes -= used;
            return line;
        }
        if (peer->buffered_bytes == sizeof(peer->buffered)) return NULL;
        struct pollfd wait = {.fd = peer->from, .events = POLLIN};
        double left = until - seconds_now();
        if (left <= 0 || poll(&wait, 1, (int)(left * 1000) + 1) < 0) return NULL;
        if (!wait.revents) return NULL;
        ssize_t n = read(peer->from, peer->buffered + peer->buffered_bytes,
                         sizeof(peer->buffered) - peer->buffered_bytes);
        if (n <= 0) return NULL;
        peer->buffered_bytes += (size_t)n;
    }
}

static void send(Peer *peer, json_t *request) {
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!text) fail("out of memory");
    size_t len = strlen(text);
    text[len] = '\n'; /* over the NUL */
    for (size_t done = 0; done < len + 1;) {
        ssize_t n = write(peer->to, text + done, len + 1 - done);
        if (n <= 0) break; /* it died: the answer will not come */
        done += (size_t)n;
    }
    free(text);
}

static const char *text_in(json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static void start(Peer *peer) {
    int to[2], from[2];
    if (pipe(to) || pipe(from)) fail("no pipe: %s", strerror(errno));
    /* Not for the peers that start later: the end of a peer's input has to come when we close it. */
    if (fcntl(to[1], F_SETFD, FD_CLOEXEC) < 0 || fcntl(from[0], F_SETFD, FD_CLOEXEC) < 0)
        fail("no pipe: %s", strerror(errno));
    fflush(NULL);
    peer->pid = fork();
    if (peer->pid < 0) fail("no process: %s", strerror(errno));
    if (peer->pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[0]), close(to[1]), close(from[0]), close(from[1]);
        execvp(peer->command[0], (char *const *)(uintptr_t)peer->command);
        printf("{\"error\": \"%s cannot be run\"}\n", peer->command[0]);
        fflush(stdout);
        _exit(127);
    }
    close(to[0]), close(from[1]);
    peer->to = to[1], peer->from = from[0];
    peer->buffered_bytes = 0;
    json_t *hello = answer(peer, HELLO_SECONDS);
    const char *about = text_in(hello, "about"), *error = text_in(hello, "error");
    snprintf(peer->about, sizeof(peer->about), "%s",
             about   ? about
             : error ? error
                     : "it ends before it says anything");
    peer->dead = !about;
    json_decref(hello);
    if (peer->dead) stop(peer);
}

static Peer *add(Peers *peers, const char *name) {
    Peer *peer = &peers->list[peers->count++];
    *peer = (Peer){.name = name};
    return peer;
}

void peers_open(Peers *peers, const char *self, const char *directory, const char *python,
                const dlg_device_info *info) {
    static char device[16], threads[16], script[4096];
    static const char *ours[] = {"hand", "openblas", "clblast"};
    static const char *theirs[] = {"jax", "torch", "tinygrad"};
    signal(SIGPIPE, SIG_IGN);
    snprintf(device, sizeof(device), "%d", info->number);
    snprintf(threads, sizeof(threads), "%u", info->compute_units);
    snprintf(script, sizeof(script), "%s/peers.py", directory);
    bool cpu = strcmp(info->type, "cpu") == 0;
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
        if (!cpu && strcmp(ours[i], "clblast") != 0) continue;
        Peer *peer = add(peers, ours[i]);
        const char *command[] = {self,   "--serve",     ours[i],  "--device",
                                 device, "--directory", directory};
        memcpy(peer->command, command, sizeof(command));
    }
    for (size_t i = 0; python && i < sizeof(theirs) / sizeof(*theirs); i++) {
        Peer *peer = add(peers, theirs[i]);
        const char *command[] = {python, script, theirs[i], cpu ? "cpu" : "gpu", threads};
        memcpy(peer->command, command, sizeof(command));
    }
    for (int i = 0; i < peers->count; i++) start(&peers->list[i]);
}

void peers_close(Peers *peers) {
    for (int i = 0; i < peers->count; i++) stop(&peers->list[i]);
}

/* Why there is no number in the answer; ends a peer that can answer no more. */
static bool no_number(Peer *peer, json_t *line, char *why, size_t why_bytes) {
    const char *skip = text_in(line, "skip");
    snprintf(why, why_bytes, "%s",
             skip   ? skip
             : line ? "its answer is malformed"
                    : "it died or hangs");
    json_decref(line);
    if (!skip) stop(peer);
    return false;
}

/* A result that is of another computation must not be compared. Training starts from other random weights, so that its
 * first loss only has to be about the same. */
static bool agrees(double a, double b, bool trains) {
    return fabs(a - b) <= (trains ? 0.4 : 1e-3) * fmax(fabs(a), fabs(b));
}

bool peer_case(Peer *peer, const Ours *ours, char *why, size_t why_bytes) {
    const BenchCase *which = ours->which;
    if (!peer->pid && !peer->dead) start(peer);
    if (peer->dead) {
        snprintf(why, why_bytes, "%s", peer->about);
        return false;
    }
    Define defines[MAX_DEFINES];
    int count = case_defines(which, defines);
    json_t *values = json_object();
    for (int i = 0; i < count; i++)
        json_object_set_new(values, defines[i].name, json_integer(defines[i].value));
    send(peer, json_pack("{s:s, s:s, s:s, s:o}", "case", which->name, "model", which->model,
                         "entry", which->entry, "define", values));
    json_t *line = answer(peer, ANSWER_SECONDS);
    json_t *check = json_object_get(line, "check");
    if (!json_is_number(check)) return no_number(peer, line, why, why_bytes);
    double theirs = json_number_value(check);
    json_decref(line);
    if (agrees(theirs, ours->check, ours->trains)) return true;
    snprintf(why, why_bytes, "its result is another: %.6g, ours %.6g", theirs, ours->check);
    return false;
}

/* Threads of some keep spinning for a while when they have nothing to do, and would take a core from who is next. */
static void wait_for_rest(const Peer *peer) {
    const double step = 0.02, busy = 0.05, patience = 3;
    clockid_t clock;
    struct timespec before, now;
    if (clock_getcpuclockid(peer->pid, &clock) != 0 || clock_gettime(clock, &before) != 0) return;
    for (double waited = 0; waited < patience; waited += step) {
        wait_seconds(step);
        if (clock_gettime(clock, &now) != 0) return;
        double used =
            (double)(now.tv_sec - before.tv_sec) + 1e-9 * (double)(now.tv_nsec - before.tv_nsec);
        if (used < busy * step) return;
        before = now;
    }
}

bool peer_round(Peer *peer, int runs, double *seconds, double *cpu_seconds, char *why,
                size_t why_bytes) {
    send(peer, json_pack("{s:i}", "runs", runs));
    json_t *line = answer(peer, ANSWER_SECONDS);
    json_t *took = json_object_get(line, "seconds"), *cpu = json_object_get(line, "cpu");
    if (!json_is_number(took) || !json_is_number(cpu)) return no_number(peer, line, why, why_bytes);
    *seconds = json_number_value(took);
    *cpu_seconds = json_number_value(cpu);
    json_decref(line);
    wait_for_rest(peer);
    return true;
}

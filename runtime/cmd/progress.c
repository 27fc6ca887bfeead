/* progress: a bar on a terminal, lines elsewhere; and the signals that end a run.
 *
 * Lines are about twenty however many epochs there are, the first and the last among them. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "cmd.h"

enum { LINES = 20, BAR_WIDTH = 24 };
static const double redraw_s = 0.1, say_s = 10;

/* A signal handler can reach nothing but a global: the command's, not the library's. */
static volatile sig_atomic_t interrupt_seen;
static struct timespec
    interrupt_time; /* of the first; the handler's alone, which nothing interrupts */
static const double same_wish_s = 0.5;

static void on_interrupt(int number) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!interrupt_seen) {
        interrupt_seen = number;
        interrupt_time = now;
        return;
    }
    if (number == SIGPIPE) return; /* with each line that nobody reads */
    /* `timeout` sends its signal twice, to the process and to its group. */
    double since_s = (double)(now.tv_sec - interrupt_time.tv_sec) +
                     1e-9 * (double)(now.tv_nsec - interrupt_time.tv_nsec);
    if (since_s < same_wish_s) return;
    signal(number, SIG_DFL);
    raise(number); /* once the handler is left */
}

void interrupt_begin(void) {
    /* Before a driver's compiler, which takes signals for itself, whoever ignored them before. */
    static const int ends[] = {SIGHUP, SIGPIPE};
    sigset_t ignored;
    sigemptyset(&ignored);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sigaction before;
        if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            sigaddset(&ignored, ends[i]);
    }
    sigprocmask(SIG_BLOCK, &ignored, NULL); /* for all threads that will be */
}

void interrupt_catch(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART; /* a checkpoint may be on its way to a disk of the network */
    /* The last two: the terminal, or who reads the output, has gone. */
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) sigaddset(&action.sa_mask, ends[i]);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) sigaction(ends[i], &action, NULL);
}

int interrupted(void) {
    return interrupt_seen;
}

void progress_init(Progress *p, bool quiet, bool steps) {
    struct winsize size;
    *p = (Progress){
        .quiet = quiet, .steps = steps, .terminal = isatty(STDOUT_FILENO) == 1, .width = 80};
    if (p->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        p->width = size.ws_col;
}

const char *number_text(char out[NUMBER_TEXT], double v) {
    if (isnan(v)) /* its sign says nothing */
        snprintf(out, NUMBER_TEXT, "nan");
    else
        snprintf(out, NUMBER_TEXT, v == floor(v) && fabs(v) < 1e10 ? "%.0f" : "%.4g", v);
    return out;
}

const char *metrics_text(char *out, size_t size, const dlg_metrics *m) {
    size_t n = 0;
    char text[NUMBER_TEXT];
    out[0] = 0;
    for (size_t i = 0; i < m->count && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s %s", i ? ", " : "", m->names[i],
                              number_text(text, m->values[i]));
    return out;
}

void progress_wait(Progress *p, const char *what) {
    if (p->quiet || !p->terminal) return;
    printf("\r%s ...\033[K", what);
    fflush(stdout);
    p->drawn = true;
}

void progress_end(Progress *p) {
    if (p->drawn) fputs("\r\033[K", stdout);
    p->drawn = false;
}

static void time_text(char *out, size_t size, double seconds) {
    if (!(seconds >= 0 && seconds < 360000))
        snprintf(out, size, "?");
    else if (seconds < 3600)
        snprintf(out, size, "%d:%02d", (int)seconds / 60, (int)seconds % 60);
    else
        snprintf(out, size, "%d:%02d:%02d", (int)seconds / 3600, (int)seconds / 60 % 60,
                 (int)seconds % 60);
}

/* "  84.1k samples/s"; nothing before it is known. */
static const char *rate_text(char *out, size_t size, const Progress *p, double rate) {
    const char *what = p->steps ? "steps" : "samples";
    out[0] = 0;
    if (rate >= 1e6)
        snprintf(out, size, "  %.3gM %s/s", rate / 1e6, what);
    else if (rate >= 1e3)
        snprintf(out, size, "  %.3gk %s/s", rate / 1e3, what);
    else if (rate > 0)
        snprintf(out, size, "  %.3g %s/s", rate, what);
    return out;
}

static void draw_bar(Progress *p, const dlg_progress *now) {
    char line[512], metrics[200], left[24], rate[40], bar[BAR_WIDTH + 1];
    double done = (double)now->step / (double)now->steps;
    int full = (int)(done * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++) bar[i] = i < full ? '=' : i == full ? '>' : ' ';
    bar[BAR_WIDTH] = 0;
    double took = (double)(now->step - now->resumed_step); /* steps in these seconds */
    time_text(left, sizeof left,
              took > 0 ? now->seconds * (double)(now->steps - now->step) / took : -1);
    snprintf(line, sizeof line, "epoch %llu/%llu [%s] %3.0f %%  %s%s  %s left",
             (unsigned long long)now->epoch, (unsigned long long)now->epochs, bar, done * 100,
             metrics_text(metrics, sizeof metrics, &now->train),
             rate_text(rate, sizeof rate, p, now->samples_per_second), left);
    if (strlen(line) >= p->width) line[p->width - 1] = 0;
    printf("\r%s\033[K", line);
    fflush(stdout);
    p->drawn = true;
    p->drawn_s = now->seconds;
}

static void print_line(Progress *p, const dlg_progress *now) {
    char metrics[200], rate[40];
    progress_end(p);
    printf("epoch %llu/%llu", (unsigned long long)now->epoch, (unsigned long long)now->epochs);
    if (now->event != DLG_EVENT_EPOCH)
        printf(", %.0f %% of all", 100 * (double)now->step / (double)now->steps);
    printf("  %s", metrics_text(metrics, sizeof metrics, &now->train));
    if (now->evaluate.rows && now->event == DLG_EVENT_EPOCH)
        printf("  held out: %s", metrics_text(metrics, sizeof metrics, &now->evaluate));
    printf("%s\n", rate_text(rate, sizeof rate, p, now->samples_per_second));
    fflush(stdout);
    p->said_s = now->seconds;
}

int progress_show(const dlg_progress *now, void *user) {
    Progress *p = user;
    const bool last = now->last || now->step >= now->steps;
    /* One line whenever another twentieth of the epochs is done; where there is no bar, now and then in between. */
    bool line = !p->terminal && !last && now->seconds - p->said_s >= say_s;
    if (now->event == DLG_EVENT_EPOCH) {
        const uint64_t part = (uint64_t)((double)now->epoch / (double)now->epochs * LINES);
        line = line || now->epoch == 1 || part != p->last_line || last;
        p->last_line = part;
    }
    if (line && !p->quiet) print_line(p, now);
    bool due = !p->drawn || now->seconds - p->drawn_s >= redraw_s; /* epochs may be short */
    if (!p->quiet && p->terminal && !last && !interrupted() && due) draw_bar(p, now);
    return interrupted();
}

/* dlg-bench: how fast compiled programs are: against what the machine can do, and against others. docs/benchmarks.md
 * says what it measures and how to read it.
 *
 * Exit status: 0 done; 1 a case failed; 2 used wrongly; 3 the device or the system failed. */
#include "bench.h"
#include "builders.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "dlg-bench: measures compiled programs against the machine's limits and against others\n"
    "\n"
    "    dlg-bench [OPTION...]\n"
    "\n"
    "    --device SEL     as for dlg: a number of `dlg devices` or a part of a name\n"
    "    --only PATTERN   cases whose name has it, or matches it where it has * or ?: "
    "step/mnist_mlp,\n"
    "                     'product/nn_*', start, limits (the machine's limits alone);\n"
    "                     or several with commas between them\n"
    "    --python PATH    compare with JAX, PyTorch and tinygrad, as far as this Python has them\n"
    "    --no-peers       compare with nothing, OpenBLAS, CLBlast and the step by hand neither\n"
    "    --rounds N       rounds a case, of which the median is shown; 9\n"
    "    --round-ms N     how long a round is at least; 200\n"
    "    --json           write JSON instead of the table\n"
    "    --plot FILE      write a picture too (SVG)\n"
    "    --directory DIR  where models/ and peers.py are; otherwise they are looked for\n"
    "    --list           say the cases, their models and what they define\n"
    "    --help           this text\n"
    "\n"
    "DLG_BENCH_PRECISION in the environment is as --precision for dlgc; with DLG_BENCH_PAIR a\n"
    "processor does short launches as with --pair, whoever else wants the cores.\n";

typedef struct Options {
    const char *device, *only, *python, *directory, *plot, *serve, *first_step;
    int rounds;
    double round_seconds;
    bool json, no_peers, list;
} Options;

static void usage(const char *what, const char *arg) {
    fprintf(stderr, "dlg-bench: %s%s; --help says more\n", what, arg);
    exit(2);
}

static int number(const char *option, const char *text, int low, int high) {
    char *end;
    long value = strtol(text, &end, 10);
    if (*end || end == text || value < low || value > high)
        usage("a number is out of range or none: ", option);
    return (int)value;
}

static Options read_options(int argc, char **argv) {
    Options o = {.device = getenv("DLG_DEVICE"), .rounds = 9, .round_seconds = 0.2};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "--help") == 0) {
            fputs(help, stdout);
            exit(0);
        }
        const struct {
            const char *name;
            bool *flag;
        } flags[] = {{"--json", &o.json}, {"--no-peers", &o.no_peers}, {"--list", &o.list}};
        bool known = false;
        for (size_t f = 0; f < sizeof(flags) / sizeof(*flags); f++)
            if (strcmp(arg, flags[f].name) == 0) *flags[f].flag = known = true;
        if (known) continue;
        const char *rounds = NULL, *round_ms = NULL;
        const struct {
            const char *name, **value;
        } values[] = {
            {"--device", &o.device},       {"--only", &o.only},   {"--python", &o.python},
            {"--directory", &o.directory}, {"--plot", &o.plot},   {"--rounds", &rounds},
            {"--round-ms", &round_ms},     {"--serve", &o.serve}, {"--first-step", &o.first_step}};
        for (size_t v = 0; v < sizeof(values) / sizeof(*values) && !known; v++) {
            if (strcmp(arg, values[v].name) != 0) continue;
            if (++i == argc) usage("a value is missing after ", arg);
            *values[v].value = argv[i];
            known = true;
        }
        if (!known) usage("there is no option ", arg);
        if (rounds) o.rounds = number(arg, rounds, 1, MAX_ROUNDS);
        if (round_ms) o.round_seconds = number(arg, round_ms, 1, 100000) / 1e3;
    }
    return o;
}

static bool matches_one(const char *pattern, const char *name) {
    return strpbrk(pattern, "*?[") ? fnmatch(pattern, name, 0) == 0 : strstr(name, pattern) != NULL;
}

bool matches(const char *patterns, const char *name) {
    char one[256];
    if (!patterns) return true;
    for (size_t len; len = strcspn(patterns, ","), len < sizeof(one); patterns += len + 1) {
        memcpy(one, patterns, len);
        one[len] = 0;
        if (matches_one(one, name)) return true;
        if (!patterns[len]) break;
    }
    return false;
}

/* ---- One case -------------------------------------------------------------------------------- */

typedef struct Rounds {
    double seconds[MAX_ROUNDS], cpu[MAX_ROUNDS];
} Rounds;

/* A round of every peer that takes part. */
static void peers_round(Peers *peers, CaseResult *result, Rounds *theirs, const int *runs, int r) {
    for (int p = 0; p < peers->count; p++) {
        PeerResult *peer = &result->peers[p];
        if (peer->ran && r < peer->rounds)
            peer->ran = peer_round(&peers->list[p], runs[p], &theirs[p].seconds[r],
                                   &theirs[p].cpu[r], peer->why, sizeof(peer->why));
    }
}

/* Gets a peer ready and sees how many runs make a round. One whose rounds take seconds takes part in the first of them. */
static void peer_begin(Peer *peer, PeerResult *result, const Ours *ours, const Options *o,
                       int *runs) {
    const double patience = 5;
    enum { LEAST_ROUNDS = 3 };
    double one, cpu;
    result->ran = peer_case(peer, ours, result->why, sizeof(result->why)) &&
                  peer_round(peer, 1, &one, &cpu, result->why, sizeof(result->why));
    if (result->ran && one < o->round_seconds)
        result->ran = peer_round(peer, 3, &one, &cpu, result->why, sizeof(result->why));
    if (!result->ran) return;
    *runs = runs_for(o->round_seconds, one);
    result->rounds = o->rounds;
    if (one * o->rounds > patience)
        result->rounds = (int)fmin(fmax(patience / one, LEAST_ROUNDS), o->rounds);
}

static void peer_end(PeerResult *peer, Rounds *theirs, const Rounds *mine) {
    double ratios[MAX_ROUNDS];
    for (int r = 0; r < peer->rounds; r++) ratios[r] = theirs->seconds[r] / mine->seconds[r];
    peer->ratio = spread_of(ratios, peer->rounds);
    for (int r = 0; r < peer->rounds; r++) ratios[r] = theirs->cpu[r] / mine->cpu[r];
    peer->cpu_ratio = spread_of(ratios, peer->rounds);
    peer->seconds = spread_of(theirs->seconds, peer->rounds);
    peer->cpu_seconds = spread_of(theirs->cpu, peer->rounds).median;
}

static void run_case(CaseResult *result, Ours *ours, Peers *peers, const Limits *limits,
                     const Options *o) {
    static Rounds mine, theirs[MAX_PEERS];
    int runs[MAX_PEERS] = {0};
    double one, cpu;
    bool good = ours_round(ours, 1, &one, &cpu) && ours_round(ours, 3, &one, &cpu);
    result->runs = runs_for(o->round_seconds, one);
    good = good && ours_round(ours, result->runs, &one, &cpu); /* warm, and a better estimate */
    result->runs = runs_for(o->round_seconds, one);
    for (int p = 0; p < peers->count && good && !result->which->without_peer; p++)
        peer_begin(&peers->list[p], &result->peers[p], ours, o, &runs[p]);
    for (int r = 0; r < o->rounds && good; r++) {
        good = ours_round(ours, result->runs, &mine.seconds[r], &mine.cpu[r]);
        if (good) peers_round(peers, result, theirs, runs, r);
    }
    if (!good) {
        snprintf(result->why, sizeof(result->why), "%s", dlg_error_text(ours->device));
        return;
    }
    for (int p = 0; p < peers->count; p++)
        if (result->peers[p].ran) peer_end(&result->peers[p], &theirs[p], &mine);
    result->seconds = spread_of(mine.seconds, o->rounds);
    result->cpu_seconds = spread_of(mine.cpu, o->rounds).median;
    result->launches = ours->launches;
    result->bytes = ours->bytes;
    for (int by = 0; by < BY_COUNT; by++) {
        LimitKind kind;
        result->limit[by] = limit_of(limits, result->which, ours->bytes, by, &kind);
        if (by == BY_WALL) result->limit_kind = kind;
    }
}

static bool run_cases(Report *report, dlg_device *device, const char *directory, const Options *o) {
    bool all_ran = true;
    report->cases = need_memory(bench_case_count * sizeof(CaseResult));
    for (size_t i = 0; i < bench_case_count; i++) {
        if (!matches(o->only, bench_cases[i].name)) continue;
        CaseResult *result = &report->cases[report->case_count++];
        result->which = &bench_cases[i];
        fprintf(stderr, "%s", bench_cases[i].name);
        Ours ours;
        if (ours_open(&ours, result->which, device, directory, result->why, sizeof(result->why))) {
            run_case(result, &ours, report->peers, &report->limits, o);
            ours_close(&ours);
        }
        if (*result->why) {
            all_ran = false;
            fprintf(stderr, ": failed: %s\n", result->why);
        } else {
            fprintf(stderr, ": %.4g us, %.0f %% of the limit\n", result->seconds.median * 1e6,
                    100 * result->limit[BY_WALL] / result->seconds.median);
        }
    }
    return all_ran;
}

/* ---- What was measured on -------------------------------------------------------------------- */

static void describe_host(Report *report) {
    struct utsname name;
    time_t now = time(NULL);
    struct tm day;
    strftime(report->date, sizeof(report->date), "%Y-%m-%d", gmtime_r(&now, &day));
    if (uname(&name) < 0) fail("the system does not say its name");
    char model[96] = "";
    FILE *f = fopen("/proc/cpuinfo", "r"); /* where there is none, the architecture has to do */
    for (char line[256]; f && !*model && fgets(line, sizeof(line), f);)
        sscanf(line, "model name : %95[^\n]", model);
    if (f) fclose(f);
    snprintf(report->host, sizeof(report->host), "%s %s %s", name.sysname, name.machine, model);
    report->load = -1;
    f = fopen("/proc/loadavg", "r");
    if (f && fscanf(f, "%lf", &report->load) != 1) report->load = -1;
    if (f) fclose(f);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], build_command) == 0) return builders_run(argv + 2, argc - 2);
    Options o = read_options(argc, argv);
    if (o.list) {
        for (size_t i = 0; i < bench_case_count; i++) {
            const BenchCase *c = &bench_cases[i];
            printf("%s %s.dlg %s\n", c->name, c->model, c->defines);
        }
        return 0;
    }
    const char *directory = bench_directory(o.directory);
    if (!directory) fail("models/ is not where it should be: --directory");
    if (o.serve) return serve(o.serve, o.device, directory);
    if (o.first_step) return first_step(o.first_step, o.device, directory);

    dlg_device *device;
    if (dlg_device_open(&device, o.device) < 0) fail("%s", dlg_error_text(device));
    if (getenv("DLG_BENCH_PAIR") && dlg_device_pair(device, DLG_PAIR_ALWAYS) < 0)
        fail("%s", dlg_error_text(device));
    if (!dlg_device_get_info(device)) fail("programs have to run: `none` is no device for that");
    static Report report;
    static Peers peers;
    report = (Report){.device = dlg_device_get_info(device), .rounds = o.rounds, .peers = &peers};
    describe_host(&report);
    fprintf(stderr, "%s: %s\nlimits\n", report.device->platform, report.device->name);
    limits_measure(&report.limits, report.device, o.round_seconds / 3);
    if (!o.no_peers && !(o.only && strcmp(o.only, "limits") == 0))
        peers_open(&peers, argv[0], directory, o.python, report.device);
    bool all_ran = run_cases(&report, device, directory, &o);
    peers_close(&peers);
    starts_measure(&report, argv[0], directory, o.only);
    report.flop_at_end = limits_flop(report.device, o.round_seconds / 3);
    if (report.case_count + (size_t)report.start_count == 0 && o.only &&
        strcmp(o.only, "limits") != 0)
        usage("no case matches ", o.only);
    if (o.json)
        json_write(stdout, &report);
    else
        table_write(stdout, &report);
    if (o.plot && !plot_write(o.plot, &report)) fail("%s cannot be written", o.plot);
    for (int i = 0; i < report.start_count; i++) all_ran = all_ran && !report.starts[i].failed;
    free(report.cases);
    dlg_device_close(device);
    return fflush(stdout) ? 3 : all_ran ? 0 : 1;
}

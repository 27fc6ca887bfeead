/* serve: the peers that are written in C, as processes of this program; the other side of peers.c. */
#include "bench.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int say(json_t *line) {
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    if (!text) fail("out of memory");
    int status = printf("%s\n", text);
    free(text);
    return status < 0 || fflush(stdout) ? 3 : 0;
}

static int say_text(const char *key, const char *text) {
    return say(json_pack("{s:s}", key, text));
}

static const BenchCase *case_named(const char *name) {
    for (size_t i = 0; name && i < bench_case_count; i++)
        if (strcmp(bench_cases[i].name, name) == 0) return &bench_cases[i];
    return NULL;
}

static int answer_line(Served *served, json_t *request) {
    json_t *runs = json_object_get(request, "runs");
    if (json_is_integer(runs)) {
        int n = (int)json_integer_value(runs);
        double cpu = cpu_seconds_now(), start = seconds_now();
        served->run(served->state, n);
        return say(json_pack("{s:f, s:f}", "seconds", (seconds_now() - start) / n, "cpu",
                             (cpu_seconds_now() - cpu) / n));
    }
    const BenchCase *which = case_named(json_string_value(json_object_get(request, "case")));
    if (!which) return say_text("skip", "it knows no such case");
    double check = 0;
    const char *why = served->prepare(served->state, which, &check);
    return why ? say_text("skip", why) : say(json_pack("{s:f}", "check", check));
}

int serve(const char *name, const char *device, const char *directory) {
    Served served = {0};
    char why[200] = "there is no such peer";
    bool ready = strcmp(name, "openblas") == 0  ? serve_openblas(&served, device, why, sizeof(why))
                 : strcmp(name, "clblast") == 0 ? serve_clblast(&served, device, why, sizeof(why))
                 : strcmp(name, "hand") == 0
                     ? serve_hand(&served, device, directory, why, sizeof(why))
                     : false;
    if (!ready) return say_text("error", why);
    int status = say_text("about", served.about);
    char line[4096];
    while (status == 0 && fgets(line, sizeof(line), stdin)) {
        json_t *request = json_loads(line, 0, NULL);
        status = request ? answer_line(&served, request) : 2;
        json_decref(request);
    }
    return status;
}

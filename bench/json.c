/* json: a report for other programs: all that the table has and more (quartiles, the peers' times). Seconds and bytes. */
#include "bench.h"

#include <jansson.h>

static json_t *spread(Spread s) {
    return json_pack("{s:f, s:f, s:f}", "median", s.median, "low", s.low, "high", s.high);
}

/* Of a CPU by CPU time too. */
static json_t *cost(const Report *report, Cost c) {
    if (!is_cpu(report)) return json_pack("{s:f}", "seconds", c.by[BY_WALL]);
    return json_pack("{s:f, s:f}", "seconds", c.by[BY_WALL], "core_seconds", c.by[BY_CPU]);
}

static json_t *peer_results(const Report *report, const CaseResult *r) {
    json_t *all = json_object();
    for (int p = 0; p < report->peers->count; p++) {
        const PeerResult *one = &r->peers[p];
        json_t *value = one->ran
                            ? json_pack("{s:o, s:f, s:o, s:o}", "seconds", spread(one->seconds),
                                        "cpu_seconds", one->cpu_seconds, "ratio",
                                        spread(one->ratio), "cpu_ratio", spread(one->cpu_ratio))
                            : json_pack("{s:s}", "skip", one->why);
        json_object_set_new(all, report->peers->list[p].name, value);
    }
    return all;
}

static json_t *case_result(const Report *report, const CaseResult *r) {
    const BenchCase *c = r->which;
    if (*r->why) return json_pack("{s:s, s:s}", "case", c->name, "failed", r->why);
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:i, s:I, s:f, s:f, s:s}", "case", c->name, "model", c->model,
                  "define", c->defines, "runs", r->runs, "launches", (json_int_t)r->launches,
                  "flops", c->flops, "bytes", r->bytes, "limit", limit_names[r->limit_kind]);
    json_object_set_new(o, "seconds", spread(r->seconds));
    json_object_set_new(o, "cpu_seconds", json_real(r->cpu_seconds));
    json_object_set_new(o, "of_limit", json_real(of_limit(report, r, BY_WALL)));
    if (is_cpu(report))
        json_object_set_new(o, "of_limit_by_cpu", json_real(of_limit(report, r, BY_CPU)));
    json_object_set_new(o, "peers", peer_results(report, r));
    return o;
}

static json_t *limits(const Report *report) {
    const Limits *l = &report->limits;
    json_t *levels = json_array();
    for (int i = 0; i < l->level_count; i++) {
        const Level *level = &l->levels[i];
        json_t *o = json_pack("{s:f, s:o, s:o}", "bytes", level->bytes, "copy",
                              cost(report, level->copy), "read", cost(report, level->read));
        if (level->stream.by[BY_WALL] > 0)
            json_object_set_new(o, "stream", cost(report, level->stream));
        json_array_append_new(levels, o);
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "flop", cost(report, l->flop), "flop_at_end",
                     cost(report, report->flop_at_end), "launch", cost(report, l->launch),
                     "launch_and_wait", cost(report, l->wait), "byte_within", levels);
}

void json_write(FILE *out, const Report *report) {
    const dlg_device_info *d = report->device;
    json_t *cases = json_array(), *peers = json_object(), *starts = json_array();
    for (size_t i = 0; i < report->case_count; i++)
        json_array_append_new(cases, case_result(report, &report->cases[i]));
    for (int p = 0; p < report->peers->count; p++) {
        const Peer *peer = &report->peers->list[p];
        json_object_set_new(peers, peer->name,
                            json_pack("{s:b, s:s}", "there", !peer->dead, "about", peer->about));
    }
    for (int i = 0; i < report->start_count; i++) {
        const StartResult *s = &report->starts[i];
        json_array_append_new(
            starts, s->failed ? json_pack("{s:s, s:b}", "case", s->name, "failed", 1)
                              : json_pack("{s:s, s:f, s:f}", "case", s->name, "empty_cache_seconds",
                                          s->cold, "filled_cache_seconds", s->warm));
    }
    json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:o, s:o, s:o, s:o}", "date",
                            report->date, "host", report->host, "platform", d->platform, "device",
                            d->name, "driver", d->driver, "compute_units", (int)d->compute_units,
                            "rounds", report->rounds, "load", report->load, "limits",
                            limits(report), "peers", peers, "cases", cases, "starts", starts);
    if (!all || json_dumpf(all, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) < 0)
        fail("the report cannot be written as JSON");
    fputc('\n', out);
    json_decref(all);
}

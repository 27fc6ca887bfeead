/* together: see together.h. What the kernel calls is in kernels/together.cl. */
#include "together.h"

#include "cl_names.h"
#include "cost.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_BUFFERS = 100, /* a driver's parameters are 1 KiB at least: 128 pointers */
    MOST_STEPS = 128,   /* of which all the text is in one kernel */
    MOST_FREE = 16,     /* the same of launches that do not wait for each other */
    MOST_MEETINGS =
        1 << 20, /* times the groups, of which there are 1024 at most, they are counted in an int */
    WAKE_NS = 20000, /* until a processor's sleeping core has begun */
    TURN = 1 << 20   /* to deal out groups by: the count of those before, but for a rest */
};
#define MEET_BYTES 64 /* of a group's memory: the few numbers that the groups meet by */

/* ---- Which --------------------------------------------------------------------------------- */

static int64_t local_bytes(const Family *f) {
    int64_t bytes = 0;
    for (uint32_t i = 0; i < f->local_count; i++)
        bytes += (f->locals[i].elems * dtype_bytes(f->locals[i].dtype) + 15) / 16 * 16;
    return bytes;
}

/* Whether a group's memory holds what the launch has there beside what groups meet by. */
static bool has_room(const Step *s, const Families *fs, const Memory *m) {
    return local_bytes(&fs->list.at[s->member.family]) + MEET_BYTES <= m->target->local_bytes;
}

/* What goes by wgmma has arrays as these units want them, which a runtime puts into a kernel of its own. */
static bool by_wgmma(const Step *s, const Families *fs) {
    const Family *f = &fs->list.at[s->member.family];
    bool any = false;
    for (uint32_t i = 0; i < f->local_count; i++) any = any || f->locals[i].wgmma;
    return any;
}

/* Half as long as it takes to be launched at most: one with more work runs better by itself, with as many groups on
 * a unit as its own registers allow. A processor's is short where waking its other cores is worth speaking of. */
static bool is_short(const Step *s, const Families *fs, const Memory *m) {
    if (m->target->local_size == 1) return s->ns <= 50 * WAKE_NS;
    return 2 * s->ns <= m->target->launch_ns && has_room(s, fs, m);
}

typedef struct Unit { /* a launch, or a repeat with all inside */
    uint32_t end;
    bool fits;
    double meetings;
} Unit;

static Unit unit_at(const Steps *steps, uint32_t first, const Families *fs, const Memory *m) {
    Unit u = {.end = first, .fits = true};
    double trips = 1, outer[9];
    int depth = 0;
    do {
        const Step *s = &steps->at[u.end++];
        if (s->kind == STEP_LAUNCH) u.fits = u.fits && is_short(s, fs, m);
        u.meetings += trips;
        if (s->kind == STEP_REPEAT) {
            outer[depth++] = trips;
            trips *= s->trips;
        } else if (s->kind == STEP_END_REPEAT) {
            trips = outer[--depth];
        }
    } while (depth);
    u.fits = u.fits && u.meetings <= MOST_MEETINGS;
    return u;
}

/* Whether launching an entry's launches takes most of its time. Where it does not, the device is busy while the next ones
 * are launched, and a launch costs less than a meeting. A processor's cores sleep between launches. */
static bool waits_for_launches(const Steps *steps, uint32_t entry, const Target *t) {
    if (t->local_size == 1) return true;
    double work = 0, launches = 0, trips = 1, outer[9];
    int depth = 0;
    for (uint32_t i = entry + 1; i < steps->len && steps->at[i].kind != STEP_ENTRY; i++) {
        const Step *s = &steps->at[i];
        if (s->kind == STEP_REPEAT) {
            outer[depth++] = trips;
            trips *= s->trips;
        } else if (s->kind == STEP_END_REPEAT) {
            trips = outer[--depth];
        } else {
            launches += trips;
            work += trips * s->ns;
        }
    }
    return 4 * work <= launches * t->launch_ns;
}

typedef struct Finder {
    const Steps *steps;
    const Memory *m;
    Arena *arena;
    Togethers *out;
    Together now;
    VEC(uint32_t) buffers; /* of it */
    bool *has;             /* each of the program's buffers: it is among them */
    double meetings;
} Finder;

/* Adds the buffers of the steps; returns how many were new. */
static uint32_t add_buffers(Finder *f, uint32_t first, uint32_t end) {
    uint32_t before = f->buffers.len;
    for (uint32_t i = first; i < end; i++) {
        const Step *s = &f->steps->at[i];
        for (uint32_t u = 0; u < s->use_count; u++) {
            uint32_t b = s->uses[u].buffer;
            if (!f->has[b]) vec_push(f->arena, &f->buffers, b);
            f->has[b] = true;
        }
    }
    return f->buffers.len - before;
}

static void drop_buffers(Finder *f, uint32_t from) {
    while (f->buffers.len > from) f->has[f->buffers.at[--f->buffers.len]] = false;
}

/* Ends what was gathered; of a single launch nothing comes. */
static void settle(Finder *f) {
    Together *t = &f->now;
    if (t->end > t->first + 1) {
        uint32_t *buffers = NEW_ARRAY(f->arena, uint32_t, f->buffers.len + 1);
        for (uint32_t i = 0; i < f->buffers.len; i++) buffers[i] = f->buffers.at[i];
        t->buffers = buffers;
        t->buffer_count = f->buffers.len;
        t->groups = 1;
        for (uint32_t i = t->first; i < t->end; i++)
            if (f->steps->at[i].groups > t->groups) t->groups = f->steps->at[i].groups;
        vec_push(f->arena, f->out, *t);
    }
    drop_buffers(f, 0);
    f->meetings = 0;
}

/* Those whose groups meet. */
static void find_meeting(Finder *finder, const Families *fs) {
    Finder f = *finder;
    const Steps *steps = f.steps;
    const Memory *m = f.m;
    bool wanted = false;
    for (uint32_t i = 0; i < steps->len;) {
        if (steps->at[i].kind == STEP_ENTRY) {
            settle(&f);
            wanted = waits_for_launches(steps, i, m->target);
            f.now = (Together){.first = i + 1, .end = i + 1, .entry = steps->at[i].entry};
            i++;
            continue;
        }
        Unit u = unit_at(steps, i, fs, m);
        u.fits = u.fits && wanted;
        uint32_t before = f.buffers.len;
        add_buffers(&f, i, u.end);
        u.fits = u.fits && u.end - i <= MOST_STEPS;
        if (f.buffers.len > MOST_BUFFERS || f.meetings + u.meetings > MOST_MEETINGS || !u.fits ||
            u.end - f.now.first > MOST_STEPS) {
            drop_buffers(&f, before);
            settle(&f);
            u.fits = u.fits && add_buffers(&f, i, u.end) <= MOST_BUFFERS;
            if (!u.fits) drop_buffers(&f, 0);
            f.now.first = f.now.end = u.fits ? i : u.end;
        }
        if (u.fits) {
            f.now.end = u.end;
            f.meetings += u.meetings;
        }
        i = u.end;
    }
    settle(&f);
}

/* Whether one has to wait for the other: they use a place, and at least one writes it. */
static bool in_order(const Memory *m, const StepUse *x, const StepUse *y) {
    const Buffer *a = &m->buffers.at[x->buffer], *b = &m->buffers.at[y->buffer];
    if (!x->written && !y->written) return false;
    if (x->buffer == y->buffer) return true;
    return a->kind == BUFFER_ARENA && b->kind == BUFFER_ARENA &&
           a->offset < b->offset + memory_bytes(m, b) && b->offset < a->offset + memory_bytes(m, a);
}

static bool waits_for(const Memory *m, const Step *s, const Step *before) {
    for (uint32_t x = 0; x < before->use_count; x++)
        for (uint32_t y = 0; y < s->use_count; y++)
            if (in_order(m, &before->uses[x], &s->uses[y])) return true;
    return false;
}

/* Whether a launch has more local memory than OpenCL gives, so that few groups of it, and of those beside it, share a unit. */
static bool is_roomy(const Step *s, const Families *fs) {
    return local_bytes(&fs->list.at[s->member.family]) > LOCAL_MOST;
}

/* Whether a launch may be beside those that were gathered. */
static bool joins_free(const Finder *f, const Families *fs, uint32_t step) {
    const Step *s = &f->steps->at[step];
    if (step - f->now.first >= MOST_FREE) return false;
    for (uint32_t i = f->now.first; i < f->now.end; i++) {
        const Step *t = &f->steps->at[i], *other = is_roomy(s, fs) ? t : s;
        if (waits_for(f->m, s, t)) return false;
        if (is_roomy(s, fs) != is_roomy(t, fs) && other->ns > f->m->target->launch_ns) return false;
    }
    return true;
}

/* Those that need nothing of each other, among what is left by the first `meeting` of out. */
static void find_free(Finder *f, const Families *fs, uint32_t meeting) {
    const Target *t = f->m->target;
    uint32_t next = 0, depth = 0;
    f->now = (Together){0};
    for (uint32_t i = 0; i < f->steps->len; i++) {
        const Step *s = &f->steps->at[i];
        bool met = next < meeting && f->out->at[next].first == i;
        depth += s->kind == STEP_REPEAT && !met; /* what meets has its repeats whole */
        depth -= s->kind == STEP_END_REPEAT;
        if (met || s->kind != STEP_LAUNCH || depth || s->ns > LONG_LAUNCH * t->launch_ns ||
            by_wgmma(s, fs)) {
            settle(f);
            if (s->kind == STEP_ENTRY) f->now.entry = s->entry;
            if (met) i = f->out->at[next++].end - 1;
            f->now.first = f->now.end = i + 1;
            continue;
        }
        bool joins = joins_free(f, fs, i);
        uint32_t before = f->buffers.len;
        if (joins) add_buffers(f, i, i + 1);
        if (!joins || f->buffers.len > MOST_BUFFERS) {
            drop_buffers(f, before);
            settle(f);
            f->now.first = i;
            add_buffers(f, i, i + 1);
        }
        f->now.end = i + 1;
    }
    settle(f);
}

/* The place of a buffer among the arguments. */
static uint32_t argument_of(const Together *t, uint32_t buffer) {
    uint32_t i = 0;
    while (t->buffers[i] != buffer) i++;
    return i;
}

/* Whether two launches of what is free have the same text in their kernels. */
static bool same_call(const Families *fs, const Memory *m, const Together *t, const Step *x,
                      const Together *u, const Step *y) {
    if (x->member.family != y->member.family || x->groups != y->groups) return false;
    if (x->use_count != y->use_count || x->depth_count || y->depth_count) return false;
    for (uint32_t i = 0; i < fs->list.at[x->member.family].params; i++)
        if (family_argument(fs, x->member, i) != family_argument(fs, y->member, i)) return false;
    for (uint32_t i = 0; i < x->use_count; i++) {
        const StepUse *a = &x->uses[i], *b = &y->uses[i];
        if (a->written != b->written || argument_of(t, a->buffer) != argument_of(u, b->buffer) ||
            m->buffers.at[a->buffer].dtype != m->buffers.at[b->buffer].dtype)
            return false;
    }
    return true;
}

static bool same_text(const Steps *steps, const Families *fs, const Memory *m, const Together *t,
                      const Together *u) {
    const uint32_t count = t->end - t->first;
    bool same =
        t->free && u->free && u->end - u->first == count && t->buffer_count == u->buffer_count;
    for (uint32_t i = 0; i < count && same; i++)
        same = same_call(fs, m, t, &steps->at[t->first + i], u, &steps->at[u->first + i]);
    return same;
}

static int by_first(const void *a, const void *b) {
    const Together *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

void together_find(const Steps *steps, const Families *fs, const Memory *m, Arena *arena,
                   Togethers *out) {
    Finder f = {.steps = steps, .m = m, .arena = arena, .out = out};
    if (!m->target->meets) return;
    f.has = NEW_ARRAY(arena, bool, m->buffers.len + 1);
    find_meeting(&f, fs);
    uint32_t meeting = out->len;
    if (target_shares_waits(m->target)) find_free(&f, fs, meeting);
    for (uint32_t i = meeting; i < out->len; i++) {
        Together *t = &out->at[i];
        t->free = true;
        t->groups = 0;
        for (uint32_t k = t->first; k < t->end; k++) t->groups += steps->at[k].groups;
    }
    if (out->len) qsort(out->at, out->len, sizeof(*out->at), by_first);
    for (uint32_t i = 0; i < out->len; i++) {
        uint32_t k = 0;
        while (k < i && !same_text(steps, fs, m, &out->at[k], &out->at[i])) k++;
        out->at[i].kernel = k;
    }
}

/* ---- The kernel ------------------------------------------------------------------------------ */

typedef struct Printer {
    const Steps *steps;
    const Families *fs;
    const Memory *m;
    Text *out;
    VEC(uint32_t) pending; /* launches since the groups met last */
    uint32_t depth;        /* of repeats */
} Printer;

/* Whether groups are several items, which share the group's memory; else it is an item's own, in the function. */
static bool shared(const Printer *p) {
    return p->m->target->local_size > 1;
}

static void indent(Printer *p) {
    for (uint32_t i = 0; i <= p->depth; i++) text_puts(p->out, "    ");
}

static void meet(Printer *p) {
    indent(p);
    text_puts(p->out, shared(p) ? "met = meet_groups(counters, met, n, l);\n"
                                : "met = meet_items(counters, met, n);\n");
    p->pending.len = 0;
}

static bool waits(const Printer *p, const Step *s) {
    for (uint32_t i = 0; i < p->pending.len; i++)
        if (waits_for(p->m, s, &p->steps->at[p->pending.at[i]])) return true;
    return false;
}

/* A parameter: the buffer's name with its number. */
static void print_buffer(const Printer *p, uint32_t buffer) {
    Text name;
    text_init(&name, p->out->arena);
    for (const char *s = p->m->buffers.at[buffer].name; *s; s++) {
        char c = isalnum((unsigned char)*s) && (unsigned char)*s < 128 ? *s : '_';
        if (c != '_' || (name.len && name.at[name.len - 1] != '_')) text_add(&name, &c, 1);
    }
    text_printf(&name, name.len && name.at[name.len - 1] != '_' ? "_%u" : "%u", buffer);
    bool free = !cl_name_is_taken(name.at) && !isdigit((unsigned char)*name.at);
    text_printf(p->out, free ? "%s" : "b_%s", name.at);
}

/* What a group of the launch does, as its group number `group`. */
static void print_call(Printer *p, const Step *s, const char *group) {
    const Family *f = &p->fs->list.at[s->member.family];
    indent(p);
    text_printf(p->out, "k%u_group(%s%s", s->member.family, group, shared(p) ? ", l" : "");
    int64_t at = 0;
    for (uint32_t i = 0; i < f->local_count && shared(p); i++) {
        const KLocal *l = &f->locals[i];
        text_printf(p->out, ", (__local %s *)(shared + %lld)", cl_memory_type(l->dtype),
                    (long long)at);
        at += (l->elems * dtype_bytes(l->dtype) + 15) / 16;
    }
    for (uint32_t i = 0; i < s->use_count; i++) {
        text_puts(p->out, ", ");
        print_buffer(p, s->uses[i].buffer);
    }
    for (uint32_t i = 0; i < s->depth_count; i++) text_printf(p->out, ", turn%u", s->depths[i]);
    for (uint32_t i = 0; i < f->params; i++)
        text_printf(p->out, ", %d", family_argument(p->fs, s->member, i));
    text_puts(p->out, ");\n");
}

static void print_launch(Printer *p, uint32_t step) {
    const Step *s = &p->steps->at[step];
    const Family *f = &p->fs->list.at[s->member.family];
    if (waits(p, s)) meet(p);
    uint32_t taken = 0; /* groups of those that it does not wait for: the others begin */
    for (uint32_t i = 0; i < p->pending.len; i++)
        taken += p->steps->at[p->pending.at[i]].groups % TURN;
    vec_push(p->out->arena, &p->pending, step);
    indent(p);
    text_puts(p->out, "for (int g = ");
    if (taken)
        text_printf(p->out, "next_group(me, n, %u)", taken % TURN);
    else
        text_puts(p->out, "me");
    text_printf(p->out, "; g < %u; g += n) {\n", s->groups);
    p->depth++;
    print_call(p, s, "g");
    if (f->local_count && shared(p)) {
        indent(p);
        text_puts(p->out, "barrier(CLK_LOCAL_MEM_FENCE);\n");
    }
    p->depth--;
    indent(p);
    text_puts(p->out, "}\n");
}

/* The launches of those that do not wait, in the order in which their groups are dealt out: the fewest first, for each of
 * these takes the longest. */
static void order_free(const Together *t, const Steps *steps, uint32_t *order) {
    for (uint32_t i = t->first, n = 0; i < t->end; i++) {
        uint32_t k = n++;
        for (; k && steps->at[order[k - 1]].groups > steps->at[i].groups; k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
}

static void print_free(Printer *p, const Together *t) {
    uint32_t order[MOST_FREE], count = t->end - t->first, from = 0;
    char group[24];
    order_free(t, p->steps, order);
    for (uint32_t i = 0; i < count; i++) {
        const Step *s = &p->steps->at[order[i]];
        if (i + 1 < count)
            text_printf(p->out, "%sif (g < %u) {\n", i ? " else " : "    ", from + s->groups);
        else
            text_puts(p->out, " else {\n");
        snprintf(group, sizeof group, from ? "g - %u" : "g", from);
        p->depth++;
        print_call(p, s, group);
        p->depth--;
        text_puts(p->out, "    }");
        from += s->groups;
    }
    text_puts(p->out, "\n");
}

static void print_head(const Printer *p, const Together *t, const char *name) {
    bool *written = NEW_ARRAY(p->out->arena, bool, p->m->buffers.len + 1);
    int64_t most = t->free ? 0 : 16;
    for (uint32_t i = t->first; i < t->end; i++) {
        const Step *s = &p->steps->at[i];
        if (s->kind != STEP_LAUNCH) continue;
        int64_t bytes = local_bytes(&p->fs->list.at[s->member.family]);
        if (bytes > most) most = bytes;
        for (uint32_t u = 0; u < s->use_count; u++)
            written[s->uses[u].buffer] = written[s->uses[u].buffer] || s->uses[u].written;
    }
    text_printf(p->out,
                "\n#ifdef DLG_MEETS\n// %s\n// launches of %s %s\n"
                "__attribute__((reqd_work_group_size(%u, 1, 1)))\n__kernel void %s(",
                name, t->entry,
                t->free ? "that do not wait for each other, as one launch"
                        : "one after the other, which is faster as one launch",
                p->m->target->local_size, name);
    for (uint32_t i = 0; i < t->buffer_count; i++) {
        uint32_t b = t->buffers[i];
        text_printf(p->out, "%s__global %s%s *%s", i ? ",\n    " : "", written[b] ? "" : "const ",
                    cl_memory_type(p->m->buffers.at[b].dtype), t->free ? "restrict " : "");
        print_buffer(p, b);
    }
    text_puts(p->out, t->free ? ") {\n" : ",\n    volatile __global int *counters) {\n");
    if (most > LOCAL_MOST && shared(p))
        text_printf(p->out, "    wgmma_array(uint4, shared, %lld, %lld);\n", (long long)(most / 16),
                    (long long)most);
    else if (most && shared(p))
        text_printf(p->out, "    __local uint4 shared[%lld];\n", (long long)(most / 16));
    if (t->free) {
        text_puts(p->out, shared(p) ? "    const int g = get_group_id(0), l = get_local_id(0);\n"
                                    : "    const int g = get_group_id(0);\n");
        return;
    }
    text_puts(p->out, shared(p)
                          ? "    __local int team[2];\n"
                            "    const int l = get_local_id(0);\n"
                            "    const int n = gather_groups(counters, team, l), me = team[1];\n"
                            "    int met = 0;\n"
                          : "    int me, met = 0;\n"
                            "    const int n = gather_items(counters, &me, 100000);\n");
}

void together_print(const Together *t, const char *name, const Steps *steps, const Families *fs,
                    const Memory *m, Text *out) {
    Printer p = {.steps = steps, .fs = fs, .m = m, .out = out};
    print_head(&p, t, name);
    if (t->free) {
        print_free(&p, t);
        text_puts(out, "}\n#endif\n");
        return;
    }
    for (uint32_t i = t->first; i < t->end; i++) {
        const Step *s = &steps->at[i];
        if (s->kind == STEP_LAUNCH) {
            print_launch(&p, i);
            continue;
        }
        if (p.pending.len) meet(&p);
        if (s->kind == STEP_END_REPEAT) p.depth--;
        indent(&p);
        if (s->kind == STEP_END_REPEAT)
            text_puts(out, "}\n");
        else
            text_printf(out, "for (int turn%u = 0; turn%u < %d; turn%u++) {\n", p.depth, p.depth,
                        s->trips, p.depth);
        if (s->kind == STEP_REPEAT) p.depth++;
    }
    text_printf(out, "    leave_groups(counters%s);\n}\n#endif\n", shared(&p) ? ", l" : ", 0");
}

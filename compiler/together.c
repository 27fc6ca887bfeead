/* together: see together.h. What the kernel calls is in kernels/together.cl. */
#include "together.h"

#include "cl_names.h"

#include <ctype.h>

enum {
    MOST_BUFFERS = 100, /* a driver's parameters are 1 KiB at least: 128 pointers */
    MOST_STEPS = 128,   /* of which all the text is in one kernel */
    MOST_MEETINGS =
        1 << 20, /* times the groups, of which there are 1024 at most, they are counted in an int */
    WAKE_NS = 20000, /* until a processor's sleeping core has begun */
    TURN = 1 << 20   /* to deal out groups by: the count of those before, but for a rest */
};
/* Of a group's memory: what OpenCL devices have at least, less the few numbers that the groups meet by. */
static const int64_t most_local_bytes = (32 << 10) - 64;

/* ---- Which --------------------------------------------------------------------------------- */

static int64_t local_bytes(const Family *f) {
    int64_t bytes = 0;
    for (uint32_t i = 0; i < f->local_count; i++)
        bytes += (f->locals[i].elems * dtype_bytes(f->locals[i].dtype) + 15) / 16 * 16;
    return bytes;
}

/* Half as long as it takes to be launched at most: one with more work runs better by itself, with as many groups on
 * a unit as its own registers allow. A processor's is short where waking its other cores is worth speaking of. */
static bool is_short(const Step *s, const Families *fs, const Memory *m) {
    if (m->target->local_size == 1) return s->ns <= 50 * WAKE_NS;
    return 2 * s->ns <= m->target->launch_ns &&
           local_bytes(&fs->list.at[s->member.family]) <= most_local_bytes;
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

void together_find(const Steps *steps, const Families *fs, const Memory *m, Arena *arena,
                   Togethers *out) {
    Finder f = {.steps = steps, .m = m, .arena = arena, .out = out};
    if (!m->target->meets) return;
    f.has = NEW_ARRAY(arena, bool, m->buffers.len + 1);
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

/* Whether one has to wait for the other: they use a place, and at least one writes it. */
static bool in_order(const Memory *m, const StepUse *x, const StepUse *y) {
    const Buffer *a = &m->buffers.at[x->buffer], *b = &m->buffers.at[y->buffer];
    if (!x->written && !y->written) return false;
    if (x->buffer == y->buffer) return true;
    return a->kind == BUFFER_ARENA && b->kind == BUFFER_ARENA &&
           a->offset < b->offset + memory_bytes(m, b) && b->offset < a->offset + memory_bytes(m, a);
}

static bool waits(const Printer *p, const Step *s) {
    for (uint32_t i = 0; i < p->pending.len; i++) {
        const Step *before = &p->steps->at[p->pending.at[i]];
        for (uint32_t x = 0; x < before->use_count; x++)
            for (uint32_t y = 0; y < s->use_count; y++)
                if (in_order(p->m, &before->uses[x], &s->uses[y])) return true;
    }
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
    indent(p);
    text_printf(p->out, "k%u_group(g%s", s->member.family, shared(p) ? ", l" : "");
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
    if (f->local_count && shared(p)) {
        indent(p);
        text_puts(p->out, "barrier(CLK_LOCAL_MEM_FENCE);\n");
    }
    p->depth--;
    indent(p);
    text_puts(p->out, "}\n");
}

static void print_head(const Printer *p, const Together *t, const char *name) {
    bool *written = NEW_ARRAY(p->out->arena, bool, p->m->buffers.len + 1);
    int64_t most = 16;
    for (uint32_t i = t->first; i < t->end; i++) {
        const Step *s = &p->steps->at[i];
        if (s->kind != STEP_LAUNCH) continue;
        int64_t bytes = local_bytes(&p->fs->list.at[s->member.family]);
        if (bytes > most) most = bytes;
        for (uint32_t u = 0; u < s->use_count; u++)
            written[s->uses[u].buffer] = written[s->uses[u].buffer] || s->uses[u].written;
    }
    text_printf(p->out,
                "\n#ifdef DLG_MEETS\n// %s\n"
                "// launches of %s one after the other, which is faster as one launch\n"
                "__attribute__((reqd_work_group_size(%u, 1, 1)))\n__kernel void %s(",
                name, t->entry, p->m->target->local_size, name);
    for (uint32_t i = 0; i < t->buffer_count; i++) {
        uint32_t b = t->buffers[i];
        text_printf(p->out, "__global %s%s *", written[b] ? "" : "const ",
                    cl_memory_type(p->m->buffers.at[b].dtype));
        print_buffer(p, b);
        text_puts(p->out, ",\n    ");
    }
    text_puts(p->out, "volatile __global int *counters) {\n");
    if (shared(p)) {
        text_printf(p->out, "    __local uint4 shared[%lld];\n", (long long)(most / 16));
        text_puts(p->out, "    __local int team[2];\n"
                          "    const int l = get_local_id(0);\n"
                          "    const int n = gather_groups(counters, team, l), me = team[1];\n"
                          "    int met = 0;\n");
    } else {
        text_puts(p->out, "    int me, met = 0;\n"
                          "    const int n = gather_items(counters, &me, 100000);\n");
    }
}

void together_print(const Together *t, const char *name, const Steps *steps, const Families *fs,
                    const Memory *m, Text *out) {
    Printer p = {.steps = steps, .fs = fs, .m = m, .out = out};
    print_head(&p, t, name);
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

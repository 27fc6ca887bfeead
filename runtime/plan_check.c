/* plan_check: what the lines of a plan say together.
 *
 * Requires: each line is well formed (plan.c). Establishes: entries and constants have different
 * names; what an entry reads, updates and returns is what its launches use; arena buffers that
 * live at the same time do not overlap; every kernel launched is in the text, and the text has as
 * many as the plan says. Each check takes at most n log n. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "plan.h"

/* ---- names ------------------------------------------------------------------------------------- */

static size_t slot_of(const Plan *p, const char *name, size_t len) {
    size_t mask = p->by_name_cap - 1, i = (size_t)rt_hash(name, len, 0) & mask;
    while (p->by_name[i]) {
        const char *other = p->tensors[p->by_name[i] - 1].name;
        if (strlen(other) == len && memcmp(other, name, len) == 0) break;
        i = (i + 1) & mask;
    }
    return i;
}

const dlg_tensor *plan_tensor(const Plan *p, const char *name, size_t len) {
    uint32_t index = p->by_name[slot_of(p, name, len)];
    return index ? &p->tensors[index - 1] : NULL;
}

bool plan_name_add(Plan *p, const dlg_tensor *t) {
    size_t slot = slot_of(p, t->name, strlen(t->name));
    if (p->by_name[slot]) return false;
    p->by_name[slot] = (uint32_t)t->index + 1;
    return true;
}

typedef struct Named {
    const char *name;
    size_t len, place;
} Named;

static int by_name(const void *x, const void *y) {
    const Named *a = x, *b = y;
    int c = memcmp(a->name, b->name, a->len < b->len ? a->len : b->len);
    if (c) return c;
    if (a->len != b->len) return a->len < b->len ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* Sorts the list; the later of two of one name, or NULL. */
static const Named *sort_names(Named *list, size_t count) {
    qsort(list, count, sizeof *list, by_name);
    for (size_t i = 1; i < count; i++)
        if (list[i].len == list[i - 1].len &&
            memcmp(list[i].name, list[i - 1].name, list[i].len) == 0)
            return &list[i];
    return NULL;
}

static const Named *find_name(const Named *list, size_t count, const char *name, size_t len) {
    size_t lo = 0, hi = count;
    Named key = {name, len, 0};
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (by_name(&list[mid], &key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool found = lo < count && list[lo].len == key.len && memcmp(list[lo].name, name, key.len) == 0;
    return found ? &list[lo] : NULL;
}

/* ---- constants and entries ---------------------------------------------------------------------- */

static int check_consts(Reader *r) {
    Plan *p = r->plan;
    Named *names = calloc(p->const_count + 1, sizeof *names);
    if (!names) return rt_no_memory(r->dev, p->const_count * sizeof *names);
    for (size_t i = 0; i < p->const_count; i++)
        names[i] = (Named){p->consts[i].name, strlen(p->consts[i].name), i};
    const Named *twice = sort_names(names, p->const_count);
    int status = DLG_OK;
    if (twice) {
        r->line = r->const_lines[twice->place];
        status = plan_fail(r, "there is a constant `%.200s` above", twice->name);
    }
    free(names);
    return status;
}

/* Different names; NAME@1 follows up a NAME. */
static int link_entries(Reader *r) {
    Plan *p = r->plan;
    int status = DLG_OK;
    Named *names = calloc(p->entry_count + 1, sizeof *names);
    if (!names) return rt_no_memory(r->dev, p->entry_count * sizeof *names);
    for (size_t i = 0; i < p->entry_count; i++)
        names[i] = (Named){p->entries[i].name, strlen(p->entries[i].name), i};
    const Named *twice = sort_names(names, p->entry_count);
    if (twice) {
        r->line = r->entry_lines[twice->place];
        status = plan_fail(r, "there is an entry `%.200s` above", twice->name);
    }
    for (size_t i = 0; i < p->entry_count && status == DLG_OK; i++) {
        const char *name = p->entries[i].name, *at = strchr(name, '@');
        if (!at) continue;
        r->line = r->entry_lines[i];
        const Named *of = find_name(names, p->entry_count, name, (size_t)(at - name));
        if (!of || strcmp(at, "@1") != 0)
            status = plan_fail(r, "`%.200s` is no variant `@1` of an entry", name);
        else
            p->entries[of->place].single = &p->entries[i];
    }
    free(names);
    return status;
}

/* What one entry's launches and lists say of a tensor. */
typedef struct Use {
    size_t entry; /* the entry that this is about, + 1: no clearing between entries */
    bool read, updated, returned, used;
    uint32_t first, last; /* launches */
} Use;

static Use *use_of(Use *uses, const dlg_tensor *t, size_t entry) {
    Use *u = &uses[t->index];
    if (u->entry != entry + 1) *u = (Use){.entry = entry + 1};
    return u;
}

static int check_lists(Reader *r, size_t e, Use *uses) {
    const dlg_entry *entry = &r->plan->entries[e];
    r->line = r->entry_lines[e];
    for (size_t i = 0; i < entry->read_count; i++) {
        const dlg_tensor *t = entry->reads[i];
        Use *u = use_of(uses, t, e);
        if (t->kind != DLG_INPUT) return plan_fail(r, "`reads` names inputs; %s is none", t->name);
        if (u->read) return plan_fail(r, "%s stands twice after `reads`", t->name);
        u->read = true;
    }
    for (size_t i = 0; i < entry->update_count; i++) {
        const dlg_tensor *t = entry->updates[i];
        Use *u = use_of(uses, t, e);
        if (t->kind != DLG_PARAM && t->kind != DLG_STATE)
            return plan_fail(r, "`updates` names params and states; %s is neither", t->name);
        if (u->updated) return plan_fail(r, "%s stands twice after `updates`", t->name);
        if (!u->used) return plan_fail(r, "no launch of the entry writes %s", t->name);
        u->updated = true;
    }
    for (size_t i = 0; i < entry->return_count; i++) {
        const dlg_tensor *t = entry->returns[i];
        Use *u = use_of(uses, t, e);
        if (t->kind == DLG_ARENA)
            return plan_fail(r, "`returns` cannot name %s: it lives in the arena", t->name);
        if (t->kind == DLG_OUTPUT && !u->used)
            return plan_fail(r, "no launch of the entry writes %s", t->name);
        u->returned = true;
    }
    return DLG_OK;
}

/* ---- the arena ---------------------------------------------------------------------------------- */

/* Over the places where arena buffers begin and end: a tree that holds for a range of bytes the time
 * until when it is taken, and by whom. Time 2k is launch k, 2k + 1 is just after it. */
typedef struct Taken {
    uint64_t until;
    const dlg_tensor *by;
} Taken;

typedef struct Tree {
    size_t leaves;   /* a power of two */
    Taken *all, *in; /* of a node's whole range; the greatest within it */
} Tree;

static void tree_add(Tree *t, size_t node, size_t from, size_t to, size_t lo, size_t hi,
                     Taken taken) {
    if (hi <= from || to <= lo) return;
    if (t->in[node].until < taken.until) t->in[node] = taken;
    if (lo <= from && to <= hi) {
        if (t->all[node].until < taken.until) t->all[node] = taken;
        return;
    }
    size_t mid = from + (to - from) / 2;
    tree_add(t, 2 * node, from, mid, lo, hi, taken);
    tree_add(t, 2 * node + 1, mid, to, lo, hi, taken);
}

static Taken tree_most(const Tree *t, size_t node, size_t from, size_t to, size_t lo, size_t hi) {
    Taken none = {0, NULL};
    if (hi <= from || to <= lo) return none;
    if (lo <= from && to <= hi) return t->in[node];
    size_t mid = from + (to - from) / 2;
    Taken a = tree_most(t, 2 * node, from, mid, lo, hi);
    Taken b = tree_most(t, 2 * node + 1, mid, to, lo, hi);
    if (a.until < b.until) a = b;
    return a.until < t->all[node].until ? t->all[node] : a;
}

typedef struct Live { /* a buffer of the arena in one entry */
    const dlg_tensor *buffer;
    uint32_t first, last; /* launches */
    bool through;         /* it lives from one iteration to the next */
} Live;

typedef struct Arena {
    Live *live;      /* of one entry, in order of first use */
    uint64_t *edges; /* offsets where one begins or ends, sorted, different */
    size_t count, edge_count;
    Tree tree;
} Arena;

static int compare_u64(const void *x, const void *y) {
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

static size_t edge_of(const Arena *a, uint64_t offset) {
    size_t lo = 0, hi = a->edge_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (a->edges[mid] < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Two arena buffers may share bytes when one is used for the last time in the launch where the other
 * is for the first (an update in place), or before; not when both begin in one launch. */
static int check_arena(Reader *r, Arena *a, size_t first_launch) {
    a->edge_count = 0;
    for (size_t i = 0; i < a->count; i++) {
        const dlg_tensor *b = a->live[i].buffer;
        a->edges[a->edge_count++] = b->arena_offset;
        a->edges[a->edge_count++] = b->arena_offset + b->bytes;
    }
    qsort(a->edges, a->edge_count, sizeof *a->edges, compare_u64);
    size_t n = 0;
    for (size_t i = 0; i < a->edge_count; i++)
        if (n == 0 || a->edges[n - 1] != a->edges[i]) a->edges[n++] = a->edges[i];
    a->edge_count = n;
    Tree *t = &a->tree;
    for (t->leaves = 1; t->leaves < n; t->leaves *= 2) {
    }
    memset(t->all, 0, 2 * t->leaves * sizeof *t->all);
    memset(t->in, 0, 2 * t->leaves * sizeof *t->in);
    for (size_t i = 0; i < a->count; i++) {
        const Live *u = &a->live[i];
        const dlg_tensor *b = u->buffer;
        size_t lo = edge_of(a, b->arena_offset), hi = edge_of(a, b->arena_offset + b->bytes);
        Taken other = tree_most(t, 1, 0, t->leaves, lo, hi);
        if (other.until > 2 * (uint64_t)u->first) {
            r->line = r->launch_lines[first_launch + u->first];
            return plan_fail(r, "%s overlaps %s in the arena while both are used", b->name,
                             other.by->name);
        }
        uint64_t until = 2 * (uint64_t)u->last;
        if (u->last == u->first || u->through) until++;
        tree_add(t, 1, 0, t->leaves, lo, hi, (Taken){until, b});
    }
    return DLG_OK;
}

/* A buffer that is used inside of a repeat and outside of it lives through all of it. */
static void live_through(const Reader *r, size_t first_launch, Live *l) {
    size_t inner[2] = {r->launch_repeat[first_launch + l->first],
                       r->launch_repeat[first_launch + l->last]};
    for (int side = 0; side < 2; side++) {
        for (size_t at = inner[side]; at; at = r->repeat_outer[at - 1]) {
            const dlg_repeat *repeat = &r->plan->repeats[at - 1];
            if (repeat->first <= l->first && l->last < repeat->end) break; /* and all around it */
            l->through = true;
            if (repeat->first < l->first) l->first = (uint32_t)repeat->first;
            if (repeat->end > l->last) l->last = (uint32_t)repeat->end - 1;
        }
    }
}

static int compare_live(const void *x, const void *y) {
    const Live *a = x, *b = y;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return (a->buffer->index > b->buffer->index) - (a->buffer->index < b->buffer->index);
}

static uint64_t round_up(uint64_t bytes, uint64_t align) {
    return (bytes + align - 1) / align * align;
}

/* ---- launches that wait for nothing ------------------------------------------------------------- */

typedef struct Span { /* an arena buffer as a launch uses it */
    const dlg_tensor *buffer;
    size_t launch;
    bool made; /* first used in the group, and so written there */
} Span;

static int by_offset(const void *x, const void *y) {
    const Span *a = x, *b = y;
    if (a->buffer->arena_offset != b->buffer->arena_offset)
        return a->buffer->arena_offset < b->buffer->arena_offset ? -1 : 1;
    return (a->launch > b->launch) - (a->launch < b->launch);
}

typedef struct Reach { /* the spans so far that end last, of two launches */
    const Span *most, *other;
} Reach;

static uint64_t span_end(const Span *s) {
    return s ? s->buffer->arena_offset + s->buffer->bytes : 0;
}

static void reach_add(Reach *r, const Span *s) {
    if (span_end(s) > span_end(r->most)) {
        if (r->most && r->most->launch != s->launch) r->other = r->most;
        r->most = s;
    } else if (r->most->launch != s->launch && span_end(s) > span_end(r->other)) {
        r->other = s;
    }
}

/* One of another launch that lies over it, among those that begin before. */
static const Span *over_span(const Reach *r, const Span *s) {
    const Span *of = r->most && r->most->launch != s->launch ? r->most : r->other;
    return span_end(of) > s->buffer->arena_offset ? of : NULL;
}

/* What one launch of the group makes in the arena no other one uses. `uses` and `begin` are of the entry, whose launch 0 is
 * `begin` of the plan. */
static int check_spans(Reader *r, const Together *t, const Use *uses, size_t begin) {
    const Plan *p = r->plan;
    size_t count = 0, room = 0;
    for (size_t i = t->first; i < t->end; i++) room += p->launches[i].arg_count;
    Span *spans = calloc(room + 1, sizeof *spans);
    if (!spans) return rt_no_memory(r->dev, room * sizeof *spans);
    for (size_t i = t->first; i < t->end; i++) {
        for (size_t k = 0; k < p->launches[i].arg_count; k++) {
            const dlg_tensor *a = p->launches[i].args[k].tensor;
            if (a && a->kind == DLG_ARENA)
                spans[count++] = (Span){a, i, begin + uses[a->index].first >= t->first};
        }
    }
    qsort(spans, count, sizeof *spans, by_offset);
    Reach all = {0}, made = {0};
    int status = DLG_OK;
    for (size_t i = 0; i < count && status == DLG_OK; i++) {
        const Span *s = &spans[i], *over = over_span(s->made ? &all : &made, s);
        reach_add(&all, s);
        if (s->made) reach_add(&made, s);
        if (!over) continue;
        r->line = r->launch_lines[s->launch > over->launch ? s->launch : over->launch];
        status =
            plan_fail(r, "%s waits for %s: %s and %s share bytes, and are not free of each other",
                      p->launches[s->launch].kernel, p->launches[over->launch].kernel,
                      s->buffer->name, over->buffer->name);
    }
    free(spans);
    return status;
}

/* Of the groups in an entry, which come in order. */
static int check_free_arena(Reader *r, size_t e, const Use *uses) {
    const Plan *p = r->plan;
    const dlg_entry *entry = &p->entries[e];
    size_t begin = (size_t)(entry->launches - p->launches), end = begin + entry->launch_count;
    int status = DLG_OK;
    for (; r->togethers_seen < p->together_count && status == DLG_OK; r->togethers_seen++) {
        const Together *t = &p->togethers[r->togethers_seen];
        if (t->first >= end) break;
        if (t->free) status = check_spans(r, t, uses, begin);
    }
    return status;
}

/* ---- launches ----------------------------------------------------------------------------------- */

static int check_entry(Reader *r, size_t e, Use *uses, Arena *arena) {
    Plan *p = r->plan;
    dlg_entry *entry = &p->entries[e];
    size_t first = (size_t)(entry->launches - p->launches);
    arena->count = 0;
    for (size_t i = 0; i < entry->launch_count; i++) {
        const dlg_launch *l = &entry->launches[i];
        for (size_t k = 0; k < l->arg_count; k++) {
            const dlg_tensor *t = l->args[k].tensor;
            if (!t) continue;
            Use *u = use_of(uses, t, e);
            if (!u->used) {
                u->first = (uint32_t)i;
                if (t->kind == DLG_ARENA) {
                    uint64_t end = round_up(t->arena_offset + t->bytes, p->arena_align);
                    if (end > entry->arena_bytes) entry->arena_bytes = end;
                    arena->live[arena->count++].buffer = t;
                }
            }
            u->used = true;
            u->last = (uint32_t)i;
        }
    }
    int status = check_lists(r, e, uses);
    if (status < 0) return status;
    for (size_t i = 0; i < entry->launch_count; i++) {
        const dlg_launch *l = &entry->launches[i];
        for (size_t k = 0; k < l->arg_count; k++) {
            const dlg_tensor *t = l->args[k].tensor;
            if (!t || t->kind != DLG_INPUT || uses[t->index].read) continue;
            r->line = r->launch_lines[first + i];
            return plan_fail(r, "%s uses the input %s, which is not among what its entry reads",
                             l->kernel, t->name);
        }
    }
    for (size_t i = 0; i < arena->count; i++) {
        Live *l = &arena->live[i];
        const Use *u = &uses[l->buffer->index];
        *l = (Live){l->buffer, u->first, u->last, false};
        live_through(r, first, l);
    }
    qsort(arena->live, arena->count, sizeof *arena->live, compare_live);
    status = check_arena(r, arena, first);
    return status < 0 ? status : check_free_arena(r, e, uses);
}

static int check_entries(Reader *r) {
    Plan *p = r->plan;
    size_t arenas = 1;
    for (size_t i = 0; i < p->tensor_count; i++) arenas += p->tensors[i].kind == DLG_ARENA;
    size_t leaves = 1;
    while (leaves < 2 * arenas) leaves *= 2;
    Use *uses = calloc(p->tensor_count + 1, sizeof *uses);
    Arena a = {.live = calloc(arenas, sizeof *a.live),
               .edges = calloc(2 * arenas, sizeof *a.edges),
               .tree = {.all = calloc(2 * leaves, sizeof *a.tree.all),
                        .in = calloc(2 * leaves, sizeof *a.tree.in)}};
    int status = DLG_OK;
    if (!uses || !a.live || !a.edges || !a.tree.all || !a.tree.in)
        status = rt_no_memory(r->dev, arenas * 128);
    for (size_t e = 0; e < p->entry_count && status == DLG_OK; e++)
        status = check_entry(r, e, uses, &a);
    free(uses);
    free(a.live);
    free(a.edges);
    free(a.tree.all);
    free(a.tree.in);
    return status;
}

/* Launches that do not wait for each other: none repeats, and the joint one has the groups of all. */
static int check_free(Reader *r, const Together *t) {
    const Plan *p = r->plan;
    size_t global = 0;
    for (size_t i = t->first; i < t->end; i++) {
        if (r->launch_repeat[i])
            return plan_fail(r, "%s is in a repeat: it waits for itself", p->launches[i].kernel);
        if (p->launches[i].local != t->joint.local)
            return plan_fail(r, "%s has groups of another size", p->launches[i].kernel);
        global += p->launches[i].global;
    }
    if (global != t->joint.global)
        return plan_fail(r, "the launches have %zu work-items, not %zu", global, t->joint.global);
    return DLG_OK;
}

/* What is together takes each buffer of its launches, once, and nothing else. */
static int check_together(Reader *r, const Together *t, size_t *seen, size_t mark) {
    Plan *p = r->plan;
    size_t used = 0;
    for (size_t k = 0; k < t->joint.arg_count; k++) {
        const dlg_tensor *a = t->joint.args[k].tensor;
        if (seen[a->index] == mark) return plan_fail(r, "%s stands twice", a->name);
        seen[a->index] = mark;
    }
    for (size_t i = t->first; i < t->end; i++) {
        const dlg_launch *l = &p->launches[i];
        for (size_t k = 0; k < l->arg_count; k++) {
            const dlg_tensor *a = l->args[k].tensor;
            if (!a && l->args[k].kind != DLG_ARG_NUMBER && l->args[k].kind != DLG_ARG_ITERATION) {
                r->line = r->launch_lines[i];
                return plan_fail(r, "%s does several runs: it cannot be together with others",
                                 l->kernel);
            }
            if (!a || seen[a->index] == mark + 1) continue;
            if (seen[a->index] != mark)
                return plan_fail(r, "%s uses %s, which is not among the arguments", l->kernel,
                                 a->name);
            seen[a->index] = mark + 1;
            used++;
        }
    }
    if (used != t->joint.arg_count)
        return plan_fail(r, "one of the arguments is of none of the launches");
    return t->free ? check_free(r, t) : DLG_OK;
}

static int check_togethers(Reader *r) {
    Plan *p = r->plan;
    int status = DLG_OK;
    size_t *seen = calloc(p->tensor_count + 1, sizeof *seen);
    if (!seen) return rt_no_memory(r->dev, p->tensor_count * sizeof *seen);
    for (size_t i = 0; i < p->together_count && status == DLG_OK; i++) {
        r->line = r->together_lines[i];
        status = check_together(r, &p->togethers[i], seen, 2 * i + 1);
    }
    free(seen);
    return status;
}

/* ---- the OpenCL text ---------------------------------------------------------------------------- */

/* Behind blanks, comments and line ends that are spliced. */
static const char *skip_space(const char *s) {
    for (;;) {
        if (isspace((unsigned char)*s)) {
            s++;
        } else if (*s == '\\' && s[1] == '\n') {
            s += 2;
        } else if (*s == '/' && s[1] == '/') {
            while (*s && *s != '\n') s += *s == '\\' && s[1] ? 2 : 1;
        } else if (*s == '/' && s[1] == '*') {
            const char *end = strstr(s + 2, "*/");
            s = end ? end + 2 : s + strlen(s);
        } else {
            return s;
        }
    }
}

static bool is_word(unsigned char c) {
    return isalnum(c) || c == '_';
}

static bool take_word(const char **s, const char *word) {
    size_t n = strlen(word);
    if (strncmp(*s, word, n) != 0 || is_word((unsigned char)(*s)[n])) return false;
    *s = skip_space(*s + n);
    return true;
}

/* `__attribute__((...))`, any number. */
static const char *skip_attributes(const char *s) {
    while (take_word(&s, "__attribute__")) {
        int depth = 0;
        do {
            depth += (*s == '(') - (*s == ')');
            if (*s) s++;
        } while (*s && depth > 0);
        s = skip_space(s);
    }
    return s;
}

/* The next `__kernel void NAME(` from s on: where its name is and how long; NULL when there is none.
 * *s moves behind it. */
static const char *next_kernel(const char **s, size_t *len) {
    const char *p = *s;
    while (*(p = skip_space(p))) {
        if (*p == '"' || *p == '\'') {
            char quote = *p++;
            while (*p && *p != quote && *p != '\n') p += *p == '\\' && p[1] ? 2 : 1;
            if (*p) p++;
        } else if (!is_word((unsigned char)*p)) {
            p++;
        } else if (take_word(&p, "__kernel") || take_word(&p, "kernel")) {
            p = skip_attributes(p);
            if (!take_word(&p, "void")) continue;
            p = skip_attributes(p);
            const char *name = p;
            while (is_word((unsigned char)*p)) p++;
            *len = (size_t)(p - name);
            p = skip_space(p);
            if (*len && *p == '(') {
                *s = p;
                return name;
            }
        } else {
            while (is_word((unsigned char)*p)) p++;
        }
    }
    *s = p;
    return NULL;
}

static int check_kernels(Reader *r) {
    Plan *p = r->plan;
    int64_t plan_line = r->line;
    if (memchr(p->kernels, 0, p->kernels_len))
        return plan_fail(r, "there is a NUL in the OpenCL text");
    const char *mark =
        strncmp(p->kernels, "//!", 3) == 0 ? p->kernels : strstr(p->kernels, "\n//!");
    if (mark) {
        for (const char *s = p->kernels; s <= mark; s++) r->line += *s == '\n';
        r->line += mark == p->kernels;
        return plan_fail(r, "a line of a plan stands within the OpenCL text");
    }
    Named *names = calloc(p->kernel_count + 1, sizeof *names);
    if (!names) return rt_no_memory(r->dev, p->kernel_count * sizeof *names);
    size_t count = 0, len;
    int status = DLG_OK;
    const char *s = p->kernels, *name;
    while ((name = next_kernel(&s, &len))) {
        if (count < p->kernel_count) names[count] = (Named){name, len, count};
        count++;
    }
    const Named *twice;
    if (count != p->kernel_count) {
        status =
            plan_fail(r, "the plan says %zu kernels but the text has %zu", p->kernel_count, count);
    } else if ((twice = sort_names(names, count))) {
        status = plan_fail(r, "two kernels are named %.*s",
                           (int)(twice->len < 200 ? twice->len : 200), twice->name);
    }
    for (size_t i = 0; i < p->launch_count + p->together_count && status == DLG_OK; i++) {
        size_t t = i - p->launch_count;
        bool together = i >= p->launch_count;
        const char *kernel = together ? p->togethers[t].joint.kernel : p->launches[i].kernel;
        r->line = together ? r->together_lines[t] : r->launch_lines[i];
        if (!find_name(names, count, kernel, strlen(kernel)))
            status = plan_fail(r, "there is no kernel `__kernel void %.200s(` in the text", kernel);
    }
    r->line = plan_line;
    free(names);
    return status;
}

int plan_check(Reader *r) {
    int64_t last = r->line;
    Plan *p = r->plan;
    const dlg_tensor *step = plan_tensor(p, "step", 4);
    if (step && (step->kind != DLG_STATE || step->type != DLG_I32 || step->rank != 0))
        return plan_fail(r, "`step` is the step counter: a state of type i32 and no axes");
    int status;
    if ((status = check_consts(r)) < 0) return status;
    if ((status = link_entries(r)) < 0) return status;
    if ((status = check_entries(r)) < 0) return status;
    if ((status = check_togethers(r)) < 0) return status;
    r->line = last;
    return check_kernels(r);
}

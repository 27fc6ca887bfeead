/* launch: entry by entry: layout, cut into regions, fuse, memory, then a kernel a launch; see launch.h. */
#include "launch.h"

#include "bound.h"

const char *section_writes(const Memory *m, const Section *s, Arena *a) {
    Text t;
    text_init(&t, a);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        const Place *p = &s->stores.at[i].place;
        const Buffer *b = p->tile ? NULL : &m->buffers.at[p->buffer];
        bool larger = p->part || p->loop; /* of which this is a part */
        text_printf(&t, "%s%s[", i ? ", " : "", p->name);
        text_shape(&t, larger ? &b->shape : &node_at(s->g, s->stores.at[i].node)->shape);
        if (!b) text_printf(&t, ", kept for a block of %d rows", s->block);
        text_puts(&t, "]");
    }
    return t.at;
}

/* The sections of a chain have the groups that all of it wants. */
static void chain_groups(Launch *launch) {
    for (uint32_t i = 0, end; i < launch->sections.len; i = end) {
        uint32_t wanted = 0, most = 0;
        for (end = i; end < launch->sections.len && launch->sections.at[end].cluster->chain ==
                                                        launch->sections.at[i].cluster->chain;
             end++)
            wanted += launch->sections.at[end].groups;
        const Section *s = &launch->sections.at[i];
        if (!s->rows) continue;
        most = (uint32_t)((s->rows + s->block - 1) / s->block);
        if (most > s->target->groups) most = s->target->groups;
        for (uint32_t k = i; k < end; k++)
            launch->sections.at[k].groups = wanted < most ? wanted : most;
    }
}

/* Where the groups of each section lie among the kernel's. Returns how many the kernel has.
 *
 * Where a group is one item (a processor), a runtime hands out half of the groups to the first core at
 * once: sections one after the other would leave all of a large one to it. So they share their groups,
 * the smaller ones those at the end. Elsewhere each section has groups of its own. */
static uint32_t deal_groups(const Plan *plan, Launch *launch) {
    uint32_t groups = 0;
    chain_groups(launch);
    for (uint32_t i = 0; i < launch->sections.len; i++) {
        Section *s = &launch->sections.at[i];
        s->first_group = groups;
        if (plan->target->local_size > 1)
            groups += s->groups;
        else if (s->groups > groups)
            groups = s->groups;
    }
    for (uint32_t i = 0; i < launch->sections.len && plan->target->local_size == 1; i++) {
        Section *s = &launch->sections.at[i];
        s->first_group = groups - s->groups;
    }
    return groups;
}

/* The only launch of a training step, where one item does all of it, may do many: a runtime that has several batches
 * beside each other then launches once for all of them. Inputs advance, and where the scalars that it returns go. */
static void allow_runs(const Plan *plan, const Region *r, Kernel *k) {
    const Memory *m = &plan->memory;
    if (r->outer || r->fused.launches != 1 || r->inner.len || !r->entry.updates.len) return;
    if (k->groups != 1 || k->local_size != 1 || k->index.iterations.len) return;
    k->runs = true;
    for (uint32_t i = 0; i < k->buffers.len; i++) {
        if (k->buffers.at[i].values) continue;
        const Buffer *b = &m->buffers.at[k->buffers.at[i].tag];
        k->buffers.at[i].each_run =
            b->kind == BUFFER_OUTPUT
                ? !b->shape.rank
                : b->kind == BUFFER_VAR && m->program->vars.at[b->var].kind == VAR_INPUT;
    }
}

/* A kernel for one launch of a region. */
static void plan_launch(Plan *plan, const Region *r, uint32_t launch, Turns turns, Arena *a,
                        Launch *out) {
    const Fused *f = &r->fused;
    out->g = f->g;
    out->region = r;
    for (uint32_t i = f->launch_start[launch]; i < f->launch_start[launch + 1]; i++) {
        const Cluster *cl = f->clusters.at[i];
        Section s = {.cluster = cl,
                     .number = i,
                     .cluster_of = f->cluster_of,
                     .place = r->places,
                     .g = f->g,
                     .target = plan->target,
                     .rows = f->chains.at[cl->chain].rows,
                     .block = f->chains.at[cl->chain].block,
                     .alone = f->launch_start[launch + 1] - f->launch_start[launch] == 1,
                     .stores = r->stores[i]};
        section_plan(&s, a);
        vec_push(a, &out->sections, s);
    }
    uint32_t groups = deal_groups(plan, out);
    Kernel *k = out->kernel = NEW(a, Kernel);
    kernel_init(k, a, groups, plan->target->local_size);
    for (uint32_t i = 0, count; i < out->sections.len; i += count) {
        const Section *s = &out->sections.at[i];
        count = f->chains.at[s->cluster->chain].count;
        bool several = out->sections.len > count;
        if (several) {
            Range *range = NEW(a, Range);
            *range = (Range){k->group, s->first_group, (int64_t)s->first_group + s->groups};
            kernel_comment(k, section_writes(&plan->memory, s, a));
            kernel_if(k, (Ranges){1, range});
        }
        NodeId lost = chain_emit(s, count, turns, k);
        if (lost != NO_NODE) plan->lost = lost;
        if (several) kernel_end(k);
    }
    kernel_finish(k);
    allow_runs(plan, r, k);
    out->count = kernel_count(k);
    for (uint32_t i = 0; i < k->index.iterations.len; i++) {
        if (k->index.iterations.at[i].inside) continue;
        uint32_t depth = 0;
        for (const Region *o = r; o->loop != k->index.iterations.at[i].loop; o = o->outer) depth++;
        vec_push(a, &out->iterations, region_depth(r) - 1 - depth);
    }
}

/* ---- Regions ------------------------------------------------------------------------------- */

typedef struct Planner {
    Plan *plan;
    Flat flat;
    FuseOptions options;
    Arena *arena;
    uint32_t time;      /* launches so far; of those that are beside each other one */
    const Again *again; /* NULL, or what the top computes again */
} Planner;

static void fuse_region(Planner *p, Region *r) {
    const Entry built = r->entry; /* its roots before layout */
    NumberSet *double_buffered = NEW(p->arena, NumberSet);
    FuseOptions *options = NEW(p->arena, FuseOptions); /* fuse_refusal asks later */
    double_buffered->arena = p->arena;
    *options = p->options;
    options->double_buffered = double_buffered;
    options->unchained = p->options.unchained && !r->loop;
    options->body = r->loop && !p->flat.holds[r->loop];
    for (uint32_t var = 0; var != NO_CLUSTER;) {
        const Graph grown = r->entry.graph;
        r->entry = built;
        r->entry.graph = grown;
        r->entry.outputs.at = NEW_ARRAY(p->arena, Output, built.outputs.len + 1);
        r->entry.updates.at = NEW_ARRAY(p->arena, Update, built.updates.len + 1);
        if (built.outputs.len)
            memcpy(r->entry.outputs.at, built.outputs.at, built.outputs.len * sizeof(Output));
        if (built.updates.len)
            memcpy(r->entry.updates.at, built.updates.at, built.updates.len * sizeof(Update));
        layout_roots(&r->entry, options);
        var = fuse_entry(&r->entry, p->arena, options, &r->fused);
        if (var != NO_CLUSTER) set_add(double_buffered, var);
    }
}

/* A region and those inside it. NULL: fusion left a node without a value. */
static Region *plan_region(Planner *p, uint32_t loop, Region *outer, const Place *outputs) {
    Memory *m = &p->plan->memory;
    Region *r = region_build(&p->flat, loop, outer, outputs);
    if (!loop && p->again) again_build(r, p->again, p->arena);
    r->built = r->entry.graph.nodes.len;
    fuse_region(p, r);
    const Fused *f = &r->fused;
    if (f->lost != NO_NODE) {
        p->plan->lost = f->lost;
        return NULL;
    }
    r->places = NEW_ARRAY(p->arena, Place, f->g->nodes.len + 1);
    r->stores = NEW_ARRAY(p->arena, Stores, f->clusters.len + 1);
    memory_plan(m, f, r->outputs, r->pins.at, r->pins.len, r->places, r->stores);
    region_places(&p->flat, r);
    LaunchTime *times = r->times = NEW_ARRAY(p->arena, LaunchTime, f->launches + 1);
    for (uint32_t l = 0; l < f->launches; l++) {
        uint32_t body = f->clusters.at[f->launch_start[l]]->loop;
        /* Launches that may be done at one time are: none is stored over what another one reads. */
        bool beside = l && !body && p->plan->target->meets && f->level[l] == f->level[l - 1] &&
                      !f->clusters.at[f->launch_start[l - 1]]->loop;
        times[l].first = beside ? times[l - 1].first : p->time;
        if (beside) {
            times[l].last = times[l].first;
            continue;
        }
        if (!body) {
            p->time++;
        } else {
            Region *inner = plan_region(p, body, r, NULL);
            if (!inner) return NULL;
            vec_push(p->arena, &r->inner, inner);
        }
        times[l].last = p->time > times[l].first ? p->time - 1 : times[l].first;
    }
    memory_live(m, f, r->first_buffer, r->places, times);
    return r;
}

static void visit_launch(Planner *p, const Region *r, uint32_t launch, Turns turns,
                         const PlannedEntry *pe, const PlanVisitor *visitor) {
    Arena *scratch = arena_open(p->arena);
    Launch l = {0};
    plan_launch(p->plan, r, launch, turns, scratch, &l);
    visitor->launch(visitor->context, p->plan, pe, &l);
    arena_close(scratch);
}

static void visit_region(Planner *p, const Region *r, const PlannedEntry *pe,
                         const PlanVisitor *visitor) {
    uint32_t inner = 0;
    for (uint32_t l = 0; l < r->fused.launches; l++) {
        uint32_t body = r->fused.clusters.at[r->fused.launch_start[l]]->loop;
        if (body) {
            if (r->inner.at[inner]->fused.launches == 0) { /* nothing in it changes */
                inner++;
                continue;
            }
            int32_t trips = p->flat.g->loops.at[body].trips;
            const Region *in = r->inner.at[inner++];
            if (in->fused.rolled) {
                visit_launch(p, in, 0, (Turns){body, trips}, pe, visitor);
                continue;
            }
            for (int32_t turn = 0; visitor->loop(visitor->context, p->plan, pe, trips, turn);
                 turn++)
                visit_region(p, in, pe, visitor);
            continue;
        }
        visit_launch(p, r, l, (Turns){0, 1}, pe, visitor);
    }
}

/* From an entry to its regions and the places of what they store. False: fusion left a node without a value. */
static bool place_entry(Planner *p, const Entry *entry, PlannedEntry *out) {
    Arena *a = p->arena;
    Memory *m = &p->plan->memory;
    Entry *e = NEW(a, Entry);
    *e = *entry; /* the layout is this target's: the program keeps its graph */
    e->outputs.at = NEW_ARRAY(a, Output, entry->outputs.len + 1);
    e->updates.at = NEW_ARRAY(a, Update, entry->updates.len + 1);
    if (e->outputs.len) memcpy(e->outputs.at, entry->outputs.at, e->outputs.len * sizeof(Output));
    if (e->updates.len) memcpy(e->updates.at, entry->updates.at, e->updates.len * sizeof(Update));
    layout_entry(e, a, &p->options);
    Place *outputs = NEW_ARRAY(a, Place, e->outputs.len + 1);
    memory_open(m, e, outputs);
    flat_init(&p->flat, e, m, a);
    *out = (PlannedEntry){.entry = e, .outputs = outputs};
    out->top = plan_region(p, 0, NULL, outputs);
    if (out->top) memory_close(m);
    return out->top != NULL;
}

/* ---- The budget ------------------------------------------------------------------------------ */

typedef struct Trial { /* of an entry by itself */
    Plan plan;
    PlannedEntry entry;
    int64_t bytes; /* of its arena; INT64_MAX: it cannot be */
} Trial;

static void try_entry(const Plan *plan, const Entry *entry, FuseOptions options, const Again *again,
                      Arena *a, Trial *out) {
    Rewrites *rewrites = entry->graph.rewrites;
    Rewrites before = rewrites ? *rewrites : (Rewrites){0};
    *out = (Trial){.plan = {.target = plan->target, .lost = NO_NODE}, .bytes = INT64_MAX};
    memory_init(&out->plan.memory, plan->memory.program, plan->target, a);
    Planner p = {.plan = &out->plan, .arena = a, .options = options, .again = again};
    if (place_entry(&p, entry, &out->entry)) out->bytes = out->plan.memory.arena_bytes;
    if (rewrites) *rewrites = before; /* it does not count */
}

typedef struct Best { /* the rung with the smallest arena so far */
    FuseOptions options;
    Again *again; /* NULL: of no values */
    int64_t bytes;
    uint32_t values; /* computed again, ... */
    double operations;
} Best;

/* Tries the rungs of the ladder that these options give, until one fits: first those that should. Which of them do fit
 * does not depend on where one starts. Returns the arena of the first rung. */
static int64_t climb(const Plan *plan, const Entry *entry, FuseOptions options, Arena *a,
                     Best *best) {
    Trial first, next;
    Ladder ladder;
    try_entry(plan, entry, options, NULL, a, &first);
    if (first.bytes < best->bytes) *best = (Best){.options = options, .bytes = first.bytes};
    if (best->bytes <= plan->budget_bytes || first.bytes == INT64_MAX) return first.bytes;
    budget_ladder(first.entry.top, &first.plan.memory, a, &ladder);
    uint32_t count = ladder.rungs.len, start = 1;
    while (start < count && ladder.rungs.at[start].bytes > plan->budget_bytes) start++;
    for (uint32_t i = 0; i < count && best->bytes > plan->budget_bytes; i++) {
        uint32_t rung = (start + i) % count;
        if (rung == 0) continue;
        Arena *scratch = arena_open(a);
        Again *again = NEW(a, Again);
        budget_rung(&ladder, rung, again);
        try_entry(plan, entry, options, again, scratch, &next);
        arena_close(scratch);
        if (next.bytes < best->bytes)
            *best = (Best){options, again, next.bytes, again->values.len,
                           budget_operations(&ladder, rung)};
    }
    return first.bytes;
}

/* Why no rung fits: from the smallest one. */
static void refuse(Plan *plan, const Entry *entry, const Best *best, int64_t default_bytes,
                   Arena *a) {
    Over *over = &plan->over;
    Trial t;
    Arena *keep = plan->memory.arena;
    if (over->entry && over->least_bytes >= best->bytes) return;
    *over = (Over){.entry = entry,
                   .default_bytes = default_bytes,
                   .least_bytes = best->bytes,
                   .values = best->values,
                   .operations = best->operations};
    try_entry(plan, entry, best->options, best->again, a, &t);
    AliveList alive = {0};
    budget_peak(t.entry.top, &t.plan.memory, a, &alive, &over->time, &over->times);
    for (uint32_t i = 0; i < alive.len; i++) {
        Alive x = alive.at[i];
        x.name = arena_strndup(keep, x.name, strlen(x.name));
        vec_push(keep, &over->alive, x);
    }
}

/* Has p plan the entry within the budget, or plan->over say why it cannot be. */
static void meet_budget(Planner *p, const Entry *entry) {
    Plan *plan = p->plan;
    FuseOptions options = p->options;
    Best best = {.bytes = INT64_MAX};
    int64_t default_bytes = climb(plan, entry, options, p->arena, &best);
    if (default_bytes == INT64_MAX) return; /* a fault, which the plan will tell */
    if (best.bytes > plan->budget_bytes && !options.apart && !options.single &&
        plan->target->lanes > 1) {
        options.unchained = true;
        climb(plan, entry, options, p->arena, &best);
    }
    p->options = best.options;
    p->again = best.again;
    if (best.bytes > plan->budget_bytes) refuse(plan, entry, &best, default_bytes, p->arena);
}

/* All that is made of an entry but its buffers is gone after it: `a` is for the entry alone. */
static void plan_entry(Plan *plan, const Entry *entry, int opt_level, Arena *a,
                       const PlanVisitor *visitor) {
    Planner p = {
        .plan = plan,
        .arena = a,
        .options = {.target = plan->target, .apart = opt_level == 1, .single = opt_level == 2}};
    PlannedEntry pe;
    if (plan->budget_bytes) meet_budget(&p, entry);
    if (plan->over.entry || !place_entry(&p, entry, &pe)) return;
    pe.bound_bytes = bound_bytes(entry, a);
    pe.live_bytes = bound_arena(&plan->memory);
    visitor->entry(visitor->context, plan, &pe, false);
    visit_region(&p, pe.top, &pe, visitor);
    visitor->entry(visitor->context, plan, &pe, true);
}

void plan_program(const Program *p, const CompileOptions *options, Arena *arena,
                  const PlanVisitor *visitor, Plan *out) {
    Target *target = NEW(arena, Target);
    *target = *target_find(options->target);
    target->options = options;
    target->meets = target->meets || options->pair;
    /* C has no runtime that would put lines of PTX into a program. */
    if (options->emit == EMIT_C) target->wgmma_bytes = 0;
    if (options->cache_bytes) target->cache_bytes = options->cache_bytes;
    if (options->units) target->units = options->units;
    if (options->ready_products) target->ready_products = options->ready_products;
    if (options->window_products) target->window_products = options->window_products;
    if (options->precision && target->precision != PRECISION_F32)
        target->precision_asked = precision_find(options->precision, &target->precision);
    *out = (Plan){.target = target, .lost = NO_NODE, .budget_bytes = options->mem_budget_bytes};
    memory_init(&out->memory, p, out->target, arena);
    for (uint32_t i = 0; i < p->entries.len; i++) {
        Arena *scratch = arena_open(arena);
        plan_entry(out, p->entries.at[i], options->opt_level, scratch, visitor);
        arena_close(scratch);
    }
}

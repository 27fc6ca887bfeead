/* launch: entry by entry: layout, fuse, memory, then a kernel a launch; see launch.h. */
#include "launch.h"

const char *section_writes(const Memory *m, const Section *s, Arena *a) {
    Text t;
    text_init(&t, a);
    for (uint32_t i = 0; i < s->stores.len; i++) {
        const Buffer *b = &m->buffers.at[s->stores.at[i].buffer];
        text_printf(&t, "%s%s[", i ? ", " : "", b->hint);
        text_shape(&t, &b->shape);
        text_puts(&t, "]");
    }
    return t.at;
}

/* Where the groups of each section lie among the kernel's. Returns how many the kernel has.
 *
 * Where a group is one item (a processor), a runtime hands out half of the groups to the first core at
 * once: sections one after the other would leave all of a large one to it. So they share their groups,
 * the smaller ones those at the end. Elsewhere each section has groups of its own. */
static uint32_t deal_groups(const Plan *plan, Launch *launch) {
    uint32_t groups = 0;
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

static void plan_launch(Plan *plan, const Fused *f, uint32_t launch, const Place *places,
                        const Stores *stores, Arena *a, Launch *out) {
    for (uint32_t c = 0; c < f->clusters.len; c++) {
        const Cluster *cl = f->clusters.at[c];
        if (cl->launch != launch) continue;
        Section s = {.cluster = cl,
                     .number = c,
                     .cluster_of = f->cluster_of,
                     .place = places,
                     .g = f->g,
                     .target = plan->target,
                     .stores = stores[c]};
        section_plan(&s, a);
        vec_push(a, &out->sections, s);
    }
    uint32_t groups = deal_groups(plan, out);
    Kernel *k = out->kernel = NEW(a, Kernel);
    kernel_init(k, a, groups, plan->target->local_size);
    for (uint32_t i = 0; i < out->sections.len; i++) {
        const Section *s = &out->sections.at[i];
        bool several = out->sections.len > 1;
        if (several) {
            Range *r = NEW(a, Range);
            *r = (Range){k->group, s->first_group, (int64_t)s->first_group + s->groups};
            kernel_comment(k, section_writes(&plan->memory, s, a));
            kernel_if(k, (Ranges){1, r});
        }
        NodeId lost = section_emit(s, k);
        if (lost != NO_NODE) plan->lost = lost;
        if (several) kernel_end(k);
    }
    kernel_finish(k);
    out->count = kernel_count(k);
}

static void plan_entry(Plan *plan, const Program *p, const Entry *entry, int opt_level, Arena *a,
                       const PlanVisitor *visitor) {
    bool *double_buffered = NEW_ARRAY(a, bool, p->vars.len + 1);
    FuseOptions options = {plan->target, opt_level == 1, opt_level == 2, double_buffered};
    Entry *e = NEW(a, Entry);
    Fused *f = NEW(a, Fused);
    for (uint32_t var = 0; var != NO_CLUSTER;) {
        *e = *entry; /* the layout is this target's: the program keeps its graph */
        e->outputs.at = NEW_ARRAY(a, Output, entry->outputs.len + 1);
        e->updates.at = NEW_ARRAY(a, Update, entry->updates.len + 1);
        if (e->outputs.len)
            memcpy(e->outputs.at, entry->outputs.at, e->outputs.len * sizeof(Output));
        if (e->updates.len)
            memcpy(e->updates.at, entry->updates.at, e->updates.len * sizeof(Update));
        layout_entry(e, a, &options);
        var = fuse_entry(e, a, &options, p->vars.len, f);
        if (var != NO_CLUSTER) double_buffered[var] = true;
    }
    if (f->lost != NO_NODE) {
        plan->lost = f->lost;
        return;
    }
    Place *places = NEW_ARRAY(a, Place, f->g->nodes.len + 1);
    Stores *stores = NEW_ARRAY(a, Stores, f->clusters.len + 1);
    PlannedEntry pe = {
        .entry = e, .fused = f, .outputs = NEW_ARRAY(a, uint32_t, e->outputs.len + 1)};
    memory_plan(&plan->memory, f, places, stores, pe.outputs);
    visitor->entry(visitor->context, plan, &pe, false);
    for (uint32_t l = 0; l < f->launches; l++) {
        Arena *scratch = arena_open(a);
        Launch launch = {0};
        plan_launch(plan, f, l, places, stores, scratch, &launch);
        visitor->launch(visitor->context, plan, &pe, &launch);
        arena_close(scratch);
    }
    visitor->entry(visitor->context, plan, &pe, true);
}

void plan_program(const Program *p, const CompileOptions *options, Arena *arena,
                  const PlanVisitor *visitor, Plan *out) {
    *out = (Plan){.target = target_find(options->target), .lost = NO_NODE};
    memory_init(&out->memory, p, out->target, arena);
    for (uint32_t i = 0; i < p->entries.len; i++)
        plan_entry(out, p, p->entries.at[i], options->opt_level, arena, visitor);
}

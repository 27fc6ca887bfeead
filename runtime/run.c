/* run: setting and getting tensors, running entries.
 *
 * Requires: a loaded program. Establishes: a run is its launches enqueued, nothing else; an entry whose
 * inputs were never set does not run. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "plan.h"

static int need_device(const dlg_program *prog) {
    if (prog->dev->real) return DLG_OK;
    return rt_fail(prog->dev, DLG_ERR_USAGE,
                   "%s was loaded without a device: it can be inspected but not run",
                   prog->plan.file);
}

/* A null pointer where the interface wants something. */
static int need(const dlg_program *prog, const void *pointer, const char *function) {
    if (!prog) return DLG_ERR_USAGE;
    if (pointer) return DLG_OK;
    return rt_fail(prog->dev, DLG_ERR_USAGE, "%s was given a null pointer", function);
}

/* Of what may be set or got; the variants of other batches (x@1) are the program's own. */
static const char *tensor_name(const void *list, size_t i) {
    const dlg_tensor *t = &((const dlg_tensor *)list)[i];
    return t->kind == DLG_ARENA || strchr(t->name, '@') ? NULL : t->name;
}

int rt_find(dlg_program *prog, const char *name, const dlg_tensor **t) {
    const Plan *p = &prog->plan;
    *t = dlg_tensor_find(prog, name);
    if (*t) return DLG_OK;
    const dlg_tensor *hidden = plan_tensor(p, name, strlen(name));
    if (hidden)
        return rt_fail(prog->dev, DLG_ERR_USAGE,
                       "`%.200s` lives only while an entry runs: it cannot be set or got", name);
    for (size_t i = 0; i < p->tensor_count; i++)
        if (strcmp(p->tensors[i].user_name, name) == 0)
            return rt_fail(prog->dev, DLG_ERR_NAME,
                           "several tensors are called `%.200s`: say which, "
                           "such as `%.200s`",
                           name, p->tensors[i].name);
    return rt_no_name(prog->dev, name, p->tensors, p->tensor_count, tensor_name,
                      "%s has no tensor `%.200s`", p->model, name);
}

static const char *entry_name(const void *list, size_t i) {
    const char *name = ((const dlg_entry *)list)[i].name;
    return strchr(name, '@') ? NULL : name;
}

int rt_find_entry(dlg_program *prog, const char *name, const dlg_entry **e) {
    const Plan *p = &prog->plan;
    *e = dlg_entry_find(prog, name);
    if (*e) return DLG_OK;
    return rt_no_name(prog->dev, name, p->entries, p->entry_count, entry_name,
                      "%s has no entry `%.200s`", p->model, name);
}

static int check_size(dlg_program *prog, const dlg_tensor *t, size_t bytes) {
    if (bytes == t->bytes) return DLG_OK;
    return rt_fail(prog->dev, DLG_ERR_SIZE,
                   "`%s` takes %" PRIu64 " bytes (%" PRIu64 " of type %s), not %zu", t->name,
                   t->bytes, t->elems, dlg_type_name(t->type), bytes);
}

int rt_set(dlg_program *prog, const dlg_tensor *t, const void *data) {
    int status = need_device(prog);
    if (status < 0) return status;
    if (t->kind == DLG_OUTPUT || t->kind == DLG_ARENA)
        return rt_fail(prog->dev, DLG_ERR_USAGE, "`%s` is written by the program, not set",
                       t->name);
    const uint8_t *bytes = data;
    for (uint64_t i = 0; t->type == DLG_BOOL && i < t->elems; i++)
        if (bytes[i] > 1)
            return rt_fail(prog->dev, DLG_ERR_USAGE,
                           "element %" PRIu64 " of `%s` is %d; a bool is 0 or 1", i, t->name,
                           bytes[i]);
    status = rt_write(prog->dev, prog->buffers[t->index], 0, data, t->bytes);
    if (status < 0) return status;
    prog->set[t->index] = true;
    if (t->kind == DLG_STATE && strcmp(t->name, "step") == 0) {
        int32_t step;
        memcpy(&step, data, sizeof step);
        prog->step = step < 0 ? 0 : (uint64_t)step;
    }
    return DLG_OK;
}

const dlg_entry *rt_entry_of(const dlg_program *prog, const dlg_tensor *t) {
    for (size_t i = 0; i < prog->plan.entry_count; i++)
        for (size_t k = 0; k < prog->plan.entries[i].return_count; k++)
            if (prog->plan.entries[i].returns[k] == t) return &prog->plan.entries[i];
    return NULL;
}

int rt_get(dlg_program *prog, const dlg_tensor *t, void *data) {
    int status = need_device(prog);
    if (status < 0) return status;
    const dlg_entry *e =
        t->kind == DLG_OUTPUT && !prog->set[t->index] ? rt_entry_of(prog, t) : NULL;
    if (e)
        return rt_fail(prog->dev, DLG_ERR_UNSET, "`%s` has no value: its entry `%s` has not run",
                       t->name, e->name);
    return rt_read(prog->dev, prog->buffers[t->index], 0, data, t->bytes);
}

int dlg_set(dlg_program *prog, const char *name, const void *data, size_t bytes) {
    const dlg_tensor *t;
    int status = need(prog, name && data ? name : NULL, "dlg_set");
    if (status < 0 || (status = rt_find(prog, name, &t)) < 0 ||
        (status = check_size(prog, t, bytes)) < 0)
        return status;
    return rt_set(prog, t, data);
}

int dlg_get(dlg_program *prog, const char *name, void *data, size_t bytes) {
    const dlg_tensor *t;
    int status = need(prog, name && data ? name : NULL, "dlg_get");
    if (status < 0 || (status = rt_find(prog, name, &t)) < 0 ||
        (status = check_size(prog, t, bytes)) < 0)
        return status;
    return rt_get(prog, t, data);
}

int dlg_init(dlg_program *prog, uint64_t seed) {
    if (!prog) return DLG_ERR_USAGE;
    const Plan *p = &prog->plan;
    int status = need_device(prog);
    if (status < 0) return status;
    uint64_t most = 0;
    for (size_t i = 0; i < p->tensor_count; i++)
        if ((p->tensors[i].kind == DLG_PARAM || p->tensors[i].kind == DLG_STATE) &&
            p->tensors[i].bytes > most)
            most = p->tensors[i].bytes;
    void *values = malloc((size_t)most + 1);
    if (!values) return rt_no_memory(prog->dev, most);
    for (size_t i = 0; i < p->tensor_count && status == DLG_OK; i++) {
        const dlg_tensor *t = &p->tensors[i];
        if (t->kind != DLG_PARAM && t->kind != DLG_STATE) continue;
        rt_init_values(p, t, seed, values);
        status = rt_write(prog->dev, prog->buffers[i], 0, values, t->bytes);
    }
    free(values);
    if (status < 0) return status;
    prog->seed = seed;
    prog->step = 0;
    return DLG_OK;
}

uint64_t dlg_seed(const dlg_program *prog) {
    return prog->seed;
}

uint64_t dlg_step(const dlg_program *prog) {
    return prog->step;
}

typedef struct Running {
    dlg_program *prog;
    const dlg_entry *entry;
    cl_kernel *kernels; /* of the entry's launches */
    int32_t turn[MOST_REPEATS];
    bool joint; /* what can be done together is */
} Running;

/* A launch whose arguments are bound but for the numbers of iterations. */
static int run_launch(Running *run, size_t i, unsigned depth) {
    const dlg_launch *l = &run->entry->launches[i];
    for (size_t k = 0; depth && k < l->arg_count; k++) {
        if (l->args[k].kind != DLG_ARG_ITERATION) continue;
        cl_int turn = run->turn[l->args[k].number];
        cl_int code = clSetKernelArg(run->kernels[i], (cl_uint)k, sizeof turn, &turn);
        if (code == CL_SUCCESS) continue;
        char text[300];
        snprintf(text, sizeof text, "cannot pass iteration %d to the kernel %.200s", (int)turn,
                 l->kernel);
        return rt_cl_fail(run->prog->dev, code, text);
    }
    Watch *watch = run->prog->watch;
    int status = watch ? watch_before(watch, l, run->kernels[i]) : DLG_OK;
    if (status == DLG_OK && profile_goes_on(run->prog->dev->profile))
        status = profile_next(run->prog->dev->profile, run->prog, run->entry, l);
    if (status == DLG_OK)
        status = rt_launch(run->prog->dev, run->kernels[i], l->kernel, l->global, l->local);
    if (status == DLG_OK && watch) status = watch_after(watch, run->entry, l, run->turn, depth);
    return status;
}

/* What begins with launch i of the plan as one launch, if it can be done so; else NULL. */
static const Together *joint_at(const dlg_program *prog, size_t i) {
    const Plan *p = &prog->plan;
    size_t lo = 0, hi = p->together_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->togethers[mid].first < i)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < p->together_count && p->togethers[lo].first == i ? &p->togethers[lo] : NULL;
}

/* Of those that meet no more groups than the device has units: so all run beside each other, as they should. Nor more
 * than the counters of kernels/together.cl are for. */
static int run_joint(dlg_program *prog, const Together *t) {
    enum { MOST_GROUPS = 1024 };
    const dlg_launch *l = &t->joint;
    cl_kernel kernel = prog->joint[t - prog->plan.togethers];
    if (t->free) return rt_launch(prog->dev, kernel, l->kernel, l->global, l->local);
    size_t groups = l->global / l->local, units = prog->dev->info.compute_units;
    if (units > MOST_GROUPS) units = MOST_GROUPS;
    if (groups > units) groups = units ? units : 1;
    return rt_launch(prog->dev, kernel, l->kernel, groups * l->local, l->local);
}

/* Launches i to end - 1, in `depth` repeats; `next` is the first repeat that may begin among them. */
static int run_part(Running *run, size_t i, size_t end, size_t next, unsigned depth) {
    const dlg_entry *e = run->entry;
    int status = DLG_OK;
    while (i < end && status == DLG_OK) {
        size_t before = (size_t)(e->launches - run->prog->plan.launches);
        const Together *joint = depth || !run->joint ? NULL : joint_at(run->prog, before + i);
        if (joint) {
            status = run_joint(run->prog, joint);
            i = joint->end - before;
            continue;
        }
        while (next < e->repeat_count && e->repeats[next].first < i) next++;
        if (next == e->repeat_count || e->repeats[next].first != i) {
            status = run_launch(run, i++, depth);
            continue;
        }
        const dlg_repeat *repeat = &e->repeats[next++];
        for (int32_t turn = 0; turn < repeat->trips && status == DLG_OK; turn++) {
            run->turn[depth] = turn;
            status = run_part(run, i, repeat->end, next, depth + 1);
        }
        i = repeat->end;
    }
    return status;
}

int rt_run_entry(dlg_program *prog, const dlg_entry *e) {
    int status = need_device(prog);
    if (status < 0) return status;
    for (size_t i = 0; i < e->read_count; i++)
        if (!prog->set[e->reads[i]->index])
            return rt_fail(prog->dev, DLG_ERR_UNSET, "the entry `%s` reads `%s`, which was not set",
                           e->name, e->reads[i]->name);
    Running run = {
        .prog = prog, .entry = e, .kernels = prog->kernels + (e->launches - prog->plan.launches)};
    run.joint = prog->joint && !prog->watch && !profile_goes_on(prog->dev->profile) &&
                (prog->dev->meets || rt_cores_free(prog->dev));
    if (prog->loose && (status = rt_bind(prog)) < 0) return status;
    if (prog->watch && (status = watch_begin(prog->watch, e)) < 0) return status;
    if ((status = run_part(&run, 0, e->launch_count, 0, 0)) < 0) return status;
    for (size_t i = 0; i < e->return_count; i++) prog->set[e->returns[i]->index] = true;
    prog->step += e->trains != 0;
    return DLG_OK;
}

int dlg_run(dlg_program *prog, const char *entry) {
    const dlg_entry *e;
    int status = need(prog, entry, "dlg_run");
    if (status == DLG_OK) status = rt_find_entry(prog, entry, &e);
    return status < 0 ? status : rt_run_entry(prog, e);
}

/* A launch with its first group alone, at the first turn of the repeats around it. */
static int launch_once(dlg_program *prog, const dlg_entry *e, size_t i) {
    const dlg_launch *l = &e->launches[i];
    cl_kernel kernel = prog->kernels[e->launches - prog->plan.launches + (ptrdiff_t)i];
    const cl_int turn = 0;
    for (size_t k = 0; k < l->arg_count; k++) {
        if (l->args[k].kind != DLG_ARG_ITERATION) continue;
        cl_int code = clSetKernelArg(kernel, (cl_uint)k, sizeof turn, &turn);
        if (code != CL_SUCCESS) return rt_cl_fail(prog->dev, code, l->kernel);
    }
    int status = rt_launch(prog->dev, kernel, l->kernel, l->local, l->local);
    return status < 0 ? status : rt_finish(prog->dev);
}

int dlg_build_kernels(dlg_program *prog, const char *entry, unsigned part, unsigned parts) {
    const dlg_entry *e;
    int status = need(prog, entry, "dlg_build_kernels");
    if (status == DLG_OK) status = rt_find_entry(prog, entry, &e);
    if (status == DLG_OK) status = need_device(prog);
    if (status == DLG_OK && part >= parts)
        status = rt_fail(prog->dev, DLG_ERR_USAGE, "there is no part %u of %u", part, parts);
    size_t kernels = 0;
    for (size_t i = status == DLG_OK ? e->launch_count : 0; i-- > 0 && status == DLG_OK;) {
        bool last = true; /* of its kernel */
        for (size_t k = i + 1; k < e->launch_count && last; k++)
            last = strcmp(e->launches[k].kernel, e->launches[i].kernel) != 0;
        if (last && kernels++ % parts == part) status = launch_once(prog, e, i);
    }
    return status;
}

int dlg_finish(dlg_program *prog) {
    if (!prog) return DLG_ERR_USAGE;
    int status = need_device(prog);
    return status < 0 ? status : rt_finish(prog->dev);
}

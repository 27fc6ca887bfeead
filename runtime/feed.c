/* feed: see feed.h.
 *
 * Requires a data set whose fields fit the entry's inputs (dataset.c). Establishes: between two
 * collections nothing waits for the device; an input's buffer gets exactly the bytes of the rows; once the runner
 * is closed inputs and scalars have the values of the last run.
 *
 * Note "the ring": a launch costs some microseconds, as much as a small step itself, and a wait what several
 * launches do. So the batches of several runs are selected by one launch and lie beside each other; each run's
 * scalars have a slot of their own in a ring; and before a run its launches' arguments are bound to its batch and
 * its slot, which costs little. The host reads all slots at once, rarely. Where the whole entry is one work-item's
 * launch (`*` in its arguments) not even that: batches and slots lie at equal distances, and one launch does all the
 * runs whose batches are there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "feed.h"

enum {
    RING_RUNS = 1024,
    GPU_LANES = 64,
    CPU_GROUPS =
        4, /* of a selection that is not short: there a second group costs more than it helps */
    GPU_GROUPS = 256,
    GATHER_INPUTS = 4, /* of the kernel `gather` */
    MOST_AHEAD = 32,
    MOST_HELD = 32, /* runs of a launch */
};
/* Of batches that are selected on the host: with what else a run holds (DATA_HOST_BYTES, and its rows) this stays within
 * 64 MiB, whatever the data's size. */
static const size_t staging_bytes = 8u << 20;
static const size_t read_ahead_bytes = 4u << 20; /* that the system is told of, beyond the batch */
static const size_t short_bytes = 128u << 10;    /* of a selection */
static const size_t ahead_bytes = 512u
                                  << 10; /* of batches selected at once: they stay in a cache */

/* ---- The data ---------------------------------------------------------------------------------- */

static uint64_t share(const dlg_device *dev, const dlg_dataset *data, uint64_t device_bytes) {
    uint64_t gib = (uint64_t)1 << 30, memory = dev->info.memory_bytes;
    if (device_bytes) return device_bytes;
    if (data->memory_bytes) return data->memory_bytes;
    if (!dev->host_memory) return memory / 2;
    return memory / 8 < gib ? memory / 8 : gib; /* the system keeps files in memory anyway */
}

/* Of all samples; UINT64_MAX: an input's are more than a buffer holds. */
static uint64_t sample_bytes(const dlg_dataset *data) {
    uint64_t total = 0;
    for (size_t i = 0; i < data->field_count; i++) {
        uint64_t bytes;
        if (!rt_mul(data->rows, data->fields[i].bytes, &bytes) ||
            bytes > data->prog->dev->info.max_buffer_bytes || !rt_add(total, bytes, &total))
            return UINT64_MAX;
    }
    return total;
}

int dlg_dataset_streams(const dlg_dataset *data, uint64_t device_bytes) {
    uint64_t left = share(data->prog->dev, data, device_bytes);
    if (!data->prog->dev->real) return 0;
    for (; data; data = data->apart) { /* in the order in which dlg_train opens them */
        uint64_t bytes = sample_bytes(data);
        bool in_file = false;
        for (size_t i = 0; i < data->field_count; i++) in_file |= !data->fields[i].values;
        if (bytes <= left)
            left -= bytes;
        else if (in_file)
            return 1;
    }
    return 0;
}

static int to_device(Feed *f, size_t i) {
    const Field *field = &f->data->fields[i];
    dlg_device *dev = f->prog->dev;
    size_t rows = f->data->rows, piece = field_piece(field);
    TRY(rt_buffer(dev, (uint64_t)rows * field->bytes, "the data", &f->fields[i]));
    if (field->values)
        return rt_write(dev, f->fields[i], 0, field->values, (uint64_t)rows * field->bytes);
    char *some = malloc(piece * field->bytes);
    int status = some ? DLG_OK : rt_no_memory(dev, piece * field->bytes);
    for (size_t at = 0; status == DLG_OK && at < rows; at += piece) {
        size_t n = rows - at < piece ? rows - at : piece;
        status = field_read(dev, field, at, n, some);
        if (status == DLG_OK)
            status = rt_write(dev, f->fields[i], (uint64_t)at * field->bytes, some,
                              (uint64_t)n * field->bytes);
    }
    free(some);
    return status;
}

int feed_open(Feed *f, dlg_program *prog, const dlg_dataset *data, uint64_t device_bytes,
              uint64_t taken_bytes) {
    dlg_device *dev = prog->dev;
    *f = (Feed){.prog = prog, .data = data};
    if (!data || data->prog != prog)
        return rt_fail(dev, DLG_ERR_USAGE, "the data set was opened for another program");
    if (!dev->real) return rt_fail(dev, DLG_ERR_USAGE, "the device `none` runs nothing");
    uint64_t bytes = sample_bytes(data), most = share(dev, data, device_bytes);
    if (data->field_count == 0 || bytes > most || taken_bytes > most - bytes) return DLG_OK;
    f->device_bytes = bytes;
    f->fields = calloc(data->field_count, sizeof *f->fields);
    if (!f->fields) return rt_no_memory(dev, data->field_count * sizeof *f->fields);
    for (size_t i = 0; i < data->field_count; i++) TRY(to_device(f, i));
    return DLG_OK;
}

void feed_close(Feed *f) {
    for (size_t i = 0; f->fields && i < f->data->field_count; i++)
        if (f->fields[i]) clReleaseMemObject(f->fields[i]);
    free(f->fields);
    *f = (Feed){0};
}

/* ---- Runs -------------------------------------------------------------------------------------- */

/* A part of a buffer that a launch may be given. */
static int part(dlg_device *dev, cl_mem of, size_t at, size_t bytes, cl_mem *out) {
    cl_buffer_region region = {at, bytes};
    cl_int code;
    *out = clCreateSubBuffer(of, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    return code == CL_SUCCESS ? DLG_OK : rt_cl_fail(dev, code, "taking a part of a buffer");
}

static size_t aligned(const dlg_device *dev, uint64_t bytes) {
    uint64_t align = dev->base_align < 64 ? 64 : dev->base_align;
    return (size_t)((bytes + align - 1) / align * align);
}

/* Whether runs read and write the tensors' own buffers: who looks at these sees what there is. */
static bool in_place(const Runner *r) {
    return r->feed->prog->dev->exact || r->feed->prog->watch;
}

/* Room for several batches of each input. */
static int open_stage(Runner *r) {
    dlg_device *dev = r->feed->prog->dev;
    size_t bytes = 0;
    for (size_t i = 0; i < r->gather_count; i++)
        bytes += r->gathers[i].pitch_bytes = aligned(dev, r->gathers[i].tensor->bytes);
    r->ahead = in_place(r) ? 1 : ahead_bytes / bytes;
    if (r->ahead > MOST_AHEAD) r->ahead = MOST_AHEAD;
    if (r->ahead < 2) {
        r->ahead = 1;
        return DLG_OK;
    }
    for (size_t i = 0; i < r->gather_count; i++) {
        Gather *g = &r->gathers[i];
        g->slots = calloc(r->ahead, sizeof *g->slots);
        if (!g->slots) return rt_no_memory(dev, r->ahead * sizeof *g->slots);
        TRY(rt_buffer(dev, r->ahead * g->pitch_bytes, "the next batches", &g->stage));
        for (size_t k = 0; k < r->ahead; k++)
            TRY(part(dev, g->stage, k * g->pitch_bytes, (r->ahead - k) * g->pitch_bytes,
                     &g->slots[k]));
    }
    return DLG_OK;
}

/* The launch that selects rows for four inputs from the `first` on. */
static int bind_selection(Runner *r, size_t first, cl_kernel *kernel) {
    dlg_program *prog = r->feed->prog;
    cl_uint batch = (cl_uint)r->batch, at = 4;
    TRY(rt_own_kernel(prog->dev, "gather", kernel));
    cl_int code = clSetKernelArg(*kernel, 3, sizeof batch, &batch);
    for (size_t i = first; i < first + GATHER_INPUTS && !code; i++) {
        const Gather *g = &r->gathers[i < r->gather_count ? i : first];
        cl_uint outer = (cl_uint)g->outer;
        cl_uint inner = (cl_uint)(g->inner * dlg_type_bytes(g->tensor->type));
        cl_ulong pitch = g->pitch_bytes;
        cl_mem to = g->stage ? g->stage : prog->buffers[g->tensor->index];
        if (i >= r->gather_count) inner = 0; /* there is none */
        code = clSetKernelArg(*kernel, at++, sizeof(cl_mem), &r->feed->fields[g->field]);
        if (!code) code = clSetKernelArg(*kernel, at++, sizeof to, &to);
        if (!code) code = clSetKernelArg(*kernel, at++, sizeof outer, &outer);
        if (!code) code = clSetKernelArg(*kernel, at++, sizeof inner, &inner);
        if (!code) code = clSetKernelArg(*kernel, at++, sizeof pitch, &pitch);
    }
    return code ? rt_cl_fail(prog->dev, code, "the kernel that selects rows") : DLG_OK;
}

static int open_selections(Runner *r) {
    dlg_device *dev = r->feed->prog->dev;
    TRY(open_stage(r));
    r->lanes = dev->host_memory ? 1 : GPU_LANES;
    if (r->lanes > dev->info.max_group) r->lanes = dev->info.max_group ? dev->info.max_group : 1;
    size_t count = (r->gather_count + GATHER_INPUTS - 1) / GATHER_INPUTS;
    r->selections = calloc(count, sizeof *r->selections);
    if (!r->selections) return rt_no_memory(dev, count * sizeof *r->selections);
    r->selection_count = count;
    for (size_t i = 0; i < count; i++) TRY(bind_selection(r, i * GATHER_INPUTS, &r->selections[i]));
    return DLG_OK;
}

static int open_gathers(Runner *r) {
    const dlg_dataset *data = r->feed->data;
    dlg_device *dev = r->feed->prog->dev;
    r->gathers = calloc(r->entry->read_count + 1, sizeof *r->gathers);
    if (!r->gathers) return rt_no_memory(dev, r->entry->read_count * sizeof *r->gathers);
    size_t batch_bytes = 0;
    for (size_t i = 0; i < r->entry->read_count; i++) {
        const dlg_tensor *t = r->entry->reads[i];
        const Field *field = dataset_field(data, t);
        if (!field) continue;
        Gather *g = &r->gathers[r->gather_count++];
        *g = (Gather){.tensor = t, .field = (size_t)(field - data->fields), .outer = 1, .inner = 1};
        int axis = dataset_axis(t);
        for (int a = 0; a < axis; a++) g->outer *= (size_t)t->shape[a];
        for (int a = axis + 1; a < t->rank; a++) g->inner *= (size_t)t->shape[a];
        batch_bytes += t->bytes;
        g->was_set = r->feed->prog->set[t->index];
        r->feed->prog->set[t->index] = true; /* by the first batch */
    }
    if (r->gather_count == 0) return DLG_OK;
    if (r->feed->fields) return open_selections(r);
    if (r->capacity > staging_bytes / batch_bytes) r->capacity = staging_bytes / batch_bytes;
    if (r->capacity == 0) r->capacity = 1;
    r->numbers = malloc(r->batch * sizeof *r->numbers);
    if (!r->numbers) return rt_no_memory(dev, r->batch * sizeof *r->numbers);
    for (size_t i = 0; i < r->gather_count; i++) {
        Gather *g = &r->gathers[i];
        g->staged = malloc(r->capacity * g->tensor->bytes);
        g->sample = malloc(data->fields[g->field].bytes);
        if (!g->staged || !g->sample) return rt_no_memory(dev, r->capacity * g->tensor->bytes);
    }
    return DLG_OK;
}

/* An input of a variant that no data feeds (x@1 without a source) takes what the user set for x. */
static int share_inputs(Runner *r) {
    dlg_program *prog = r->feed->prog;
    for (size_t i = 0; i < r->entry->read_count; i++) {
        const dlg_tensor *t = r->entry->reads[i];
        if (prog->set[t->index] || strcmp(t->name, t->user_name) == 0) continue;
        const dlg_tensor *from = plan_tensor(&prog->plan, t->user_name, strlen(t->user_name));
        if (!from || !prog->set[from->index] || from->bytes != t->bytes || from->type != t->type)
            continue; /* rt_run_entry says that it is not set */
        cl_int code = clEnqueueCopyBuffer(prog->dev->queue, prog->buffers[from->index],
                                          prog->buffers[t->index], 0, 0, t->bytes, 0, NULL, NULL);
        if (code) return rt_cl_fail(prog->dev, code, "copying an input");
        prog->set[t->index] = true;
    }
    return DLG_OK;
}

static int open_ring(Runner *r) {
    dlg_device *dev = r->feed->prog->dev;
    size_t returns = r->entry->return_count;
    r->scalars = calloc(returns + 1, sizeof *r->scalars);
    r->sums = calloc(returns + 1, sizeof *r->sums);
    r->first = calloc(returns + 1, sizeof *r->first);
    r->last = calloc(returns + 1, sizeof *r->last);
    if (!r->scalars || !r->sums || !r->first || !r->last)
        return rt_no_memory(dev, returns * sizeof *r->sums);
    for (size_t i = 0; i < returns; i++)
        if (r->entry->returns[i]->rank == 0) r->scalars[r->scalar_count++] = r->entry->returns[i];
    if (r->scalar_count == 0) return DLG_OK;
    r->slot_bytes = dev->exact ? 4 : aligned(dev, 4);
    size_t slots = r->capacity * r->scalar_count, bytes = slots * r->slot_bytes;
    r->host_ring = calloc(bytes, 1);
    r->slots = calloc(slots, sizeof *r->slots);
    r->bound = calloc(r->scalar_count, sizeof *r->bound);
    if (!r->host_ring || !r->slots || !r->bound) return rt_no_memory(dev, bytes);
    return rt_buffer(dev, bytes, "the metrics", &r->ring);
}

/* Whether what is done together is the entry's. */
static bool has_together(const dlg_program *prog, const dlg_entry *e, const Together *t) {
    size_t first = (size_t)(e->launches - prog->plan.launches);
    return t->first >= first && t->first < first + e->launch_count;
}

static size_t find_in(const dlg_launch *l, cl_kernel kernel, const dlg_tensor *t, size_t which,
                      Binding *list) {
    size_t n = 0;
    for (size_t k = 0; k < l->arg_count; k++)
        if (l->args[k].tensor == t) list[n++] = (Binding){kernel, (cl_uint)k, which};
    return n;
}

/* Puts the launches' arguments that are the tensor into the list, which has room for all. */
static size_t find_args(const Runner *r, const dlg_tensor *t, size_t which, Binding *list) {
    const dlg_program *prog = r->feed->prog;
    const Plan *p = &prog->plan;
    size_t n = 0;
    for (size_t i = 0; i < r->entry->launch_count; i++) {
        const dlg_launch *l = &r->entry->launches[i];
        n += find_in(l, prog->kernels[l - p->launches], t, which, list + n);
    }
    for (size_t i = 0; prog->joint && i < p->together_count; i++)
        if (has_together(prog, r->entry, &p->togethers[i]))
            n += find_in(&p->togethers[i].joint, prog->joint[i], t, which, list + n);
    return n;
}

/* A scalar that is an output and nothing else is written where it is read; a param or state is copied. */
static int open_bindings(Runner *r) {
    size_t args = 1;
    const Plan *p = &r->feed->prog->plan;
    for (size_t i = 0; i < r->entry->launch_count; i++) args += r->entry->launches[i].arg_count;
    for (size_t i = 0; i < p->together_count; i++)
        if (has_together(r->feed->prog, r->entry, &p->togethers[i]))
            args += p->togethers[i].joint.arg_count;
    r->inputs = calloc(args, sizeof *r->inputs);
    r->outputs = calloc(args, sizeof *r->outputs);
    if (!r->inputs || !r->outputs)
        return rt_no_memory(r->feed->prog->dev, args * sizeof *r->inputs);
    for (size_t i = 0; i < r->gather_count; i++)
        if (r->gathers[i].stage)
            r->input_count += find_args(r, r->gathers[i].tensor, i, r->inputs + r->input_count);
    for (size_t i = 0; i < r->scalar_count; i++) {
        bool alone = r->scalars[i]->kind == DLG_OUTPUT && !in_place(r);
        for (size_t k = 0; k < r->scalar_count; k++)
            alone &= k == i || r->scalars[k] != r->scalars[i];
        size_t found = alone ? find_args(r, r->scalars[i], i, r->outputs + r->output_count) : 0;
        r->bound[i] = found > 0;
        r->output_count += found;
    }
    return DLG_OK;
}

/* By how many elements argument k of the only launch advances from run to run. */
static int advance_of(const Runner *r, size_t k) {
    for (size_t i = 0; i < r->input_count; i++)
        if (r->inputs[i].arg == k) {
            const Gather *g = &r->gathers[r->inputs[i].which];
            return (int)(g->pitch_bytes / dlg_type_bytes(g->tensor->type));
        }
    for (size_t i = 0; i < r->output_count; i++)
        if (r->outputs[i].arg == k) {
            dlg_type type = r->scalars[r->outputs[i].which]->type;
            return (int)(r->scalar_count * r->slot_bytes / dlg_type_bytes(type));
        }
    return 0; /* the same for all */
}

/* Whether several runs may be one launch: all that a run reads and returns advances with the runs. */
static bool may_hold(const Runner *r) {
    const dlg_entry *e = r->entry;
    bool counts = false, advances = true;
    if (e->launch_count != 1 || e->repeat_count || in_place(r) ||
        profile_goes_on(r->feed->prog->dev->profile))
        return false;
    const dlg_launch *l = e->launches;
    for (size_t i = 0; i < r->gather_count; i++) advances &= r->gathers[i].stage != NULL;
    for (size_t i = 0; i < r->scalar_count; i++) advances &= r->bound[i];
    for (size_t i = 0; i < r->input_count + r->output_count; i++) {
        size_t arg = i < r->input_count ? r->inputs[i].arg : r->outputs[i - r->input_count].arg;
        bool found = false;
        for (size_t k = 0; k < l->arg_count; k++)
            found |= l->args[k].kind == DLG_ARG_ADVANCE && (size_t)l->args[k].number == arg;
        advances &= found;
    }
    for (size_t k = 0; k < l->arg_count; k++) counts |= l->args[k].kind == DLG_ARG_RUNS;
    return counts && advances;
}

int runner_open(Runner *r, Feed *f, const dlg_entry *entry) {
    *r = (Runner){.feed = f, .entry = entry, .capacity = RING_RUNS};
    if (f->prog->loose) TRY(rt_bind(f->prog));
    TRY(dlg_dataset_batch(f->data, entry, &r->batch));
    TRY(open_gathers(r));
    TRY(share_inputs(r));
    TRY(open_ring(r));
    TRY(open_bindings(r));
    r->holds = may_hold(r);
    return DLG_OK;
}

/* The launches' arguments are the tensors themselves again, and inputs have the last batch (or, of
 * a run that was stopped, one that it did not come to). */
static cl_int unbind(Runner *r) {
    dlg_program *prog = r->feed->prog;
    cl_mem *buffers = prog->buffers;
    cl_int code = CL_SUCCESS;
    for (size_t i = 0; i < r->gather_count && !r->began; i++)
        prog->set[r->gathers[i].tensor->index] = r->gathers[i].was_set;
    for (size_t i = 0; i < r->gather_count && r->ahead_of; i++) {
        const Gather *g = &r->gathers[i];
        if (!g->stage) continue;
        cl_int copied =
            clEnqueueCopyBuffer(prog->dev->queue, g->slots[r->ahead_slot],
                                buffers[g->tensor->index], 0, 0, g->tensor->bytes, 0, NULL, NULL);
        if (copied) prog->set[g->tensor->index] = false;
        if (copied) code = copied;
    }
    for (size_t i = 0; i < r->input_count + r->output_count; i++) {
        bool input = i < r->input_count;
        const Binding *b = input ? &r->inputs[i] : &r->outputs[i - r->input_count];
        const dlg_tensor *t = input ? r->gathers[b->which].tensor : r->scalars[b->which];
        cl_int bound = clSetKernelArg(b->kernel, b->arg, sizeof(cl_mem), &buffers[t->index]);
        if (bound) prog->loose = true;
        if (bound) code = bound;
    }
    return code;
}

static void release(cl_mem *list, size_t count) {
    rt_release_parts(list, count);
    free(list);
}

cl_int runner_close(Runner *r) {
    if (!r->feed) return CL_SUCCESS;
    cl_int code = unbind(r);
    /* What is staged or read may still be in use by the queue. */
    if (r->feed->prog->dev->real) clFinish(r->feed->prog->dev->queue);
    for (size_t i = 0; i < r->gather_count; i++) {
        Gather *g = &r->gathers[i];
        release(g->slots, r->ahead);
        if (g->stage) clReleaseMemObject(g->stage);
        free(g->staged);
        free(g->sample);
    }
    free(r->numbers);
    for (size_t i = 0; r->selections && i < r->selection_count; i++)
        if (r->selections[i]) clReleaseKernel(r->selections[i]);
    free(r->selections);
    free(r->gathers);
    free(r->inputs);
    free(r->outputs);
    free(r->scalars);
    free(r->sums);
    free(r->first);
    free(r->last);
    free(r->host_ring);
    free(r->bound);
    release(r->slots, r->capacity * r->scalar_count);
    if (r->ring) clReleaseMemObject(r->ring);
    *r = (Runner){0};
    return code;
}

/* Of a launch that does so many runs; 1 gives it back what dlg_run wants. */
static int set_runs(Runner *r, size_t runs) {
    dlg_program *prog = r->feed->prog;
    const dlg_launch *l = r->entry->launches;
    cl_kernel kernel = prog->kernels[l - prog->plan.launches];
    for (size_t k = 0; k < l->arg_count; k++) {
        cl_int number = (cl_int)runs;
        if (l->args[k].kind == DLG_ARG_ADVANCE)
            number = runs > 1 ? advance_of(r, (size_t)l->args[k].number) : 0;
        else if (l->args[k].kind != DLG_ARG_RUNS)
            continue;
        cl_int code = clSetKernelArg(kernel, (cl_uint)k, sizeof number, &number);
        if (!code) continue;
        prog->loose = true;
        return rt_cl_fail(prog->dev, code, "telling a kernel how many runs it does");
    }
    return DLG_OK;
}

static int bind_batch(Runner *r, size_t slot);
static int bind_slots(Runner *r, size_t run);

/* Enqueues the runs that are held. */
static int run_held(Runner *r) {
    dlg_program *prog = r->feed->prog;
    size_t held = r->held;
    if (held == 0) return DLG_OK;
    r->held = 0;
    TRY(bind_batch(r, r->held_slot));
    TRY(bind_slots(r, r->pending - held));
    TRY(set_runs(r, held));
    int status = rt_run_entry(prog, r->entry);
    if (status < 0) {
        prog->loose = true; /* the launch is still one of several runs */
        return status;
    }
    prog->step += r->entry->trains ? held - 1 : 0;
    return set_runs(r, 1);
}

/* Selects the batch at `first` of the order and, while it is at it, those behind it. */
static int select_ahead(Runner *r, const RowOrder *order, size_t first) {
    dlg_device *dev = r->feed->prog->dev;
    size_t batches = (order->count - first) / r->batch;
    TRY(run_held(r)); /* before its batches are overwritten */
    if (batches > r->ahead) batches = r->ahead;
    cl_uint at = (cl_uint)first, count = (cl_uint)(batches * r->batch);
    size_t most = GPU_GROUPS, bytes = 0;
    for (size_t i = 0; i < r->gather_count; i++) bytes += r->gathers[i].tensor->bytes;
    if (dev->host_memory) most = batches * bytes < short_bytes ? 1 : CPU_GROUPS;
    size_t groups = count < most ? count : most;
    for (size_t i = 0; i < r->selection_count; i++) {
        cl_kernel kernel = r->selections[i];
        cl_int code = clSetKernelArg(kernel, 0, sizeof(cl_mem), &order->buffer);
        if (!code) code = clSetKernelArg(kernel, 1, sizeof at, &at);
        if (!code) code = clSetKernelArg(kernel, 2, sizeof count, &count);
        if (code) return rt_cl_fail(dev, code, "the kernel that selects rows");
        TRY(rt_launch(dev, kernel, "gather", groups * r->lanes, r->lanes));
    }
    r->ahead_of = order;
    r->ahead_version = order->versions;
    r->ahead_first = first;
    r->ahead_rows = count;
    return DLG_OK;
}

int runner_select(Runner *r, RowOrder *order, size_t first) {
    return r->selection_count && r->ahead > 1 ? select_ahead(r, order, first) : DLG_OK;
}

/* Makes the launches read a batch of the stage. */
static int bind_batch(Runner *r, size_t slot) {
    for (size_t i = 0; i < r->input_count; i++) {
        const Binding *b = &r->inputs[i];
        cl_int code =
            clSetKernelArg(b->kernel, b->arg, sizeof(cl_mem), &r->gathers[b->which].slots[slot]);
        if (code) return rt_cl_fail(r->feed->prog->dev, code, "giving a batch to a kernel");
    }
    return DLG_OK;
}

/* Makes the batch at `first` of the order be there, as number r->ahead_slot. */
static int select_on_device(Runner *r, const RowOrder *order, size_t first) {
    bool there = r->ahead_of == order && r->ahead_version == order->versions &&
                 first >= r->ahead_first && first + r->batch <= r->ahead_first + r->ahead_rows &&
                 (first - r->ahead_first) % r->batch == 0;
    if (!there || r->ahead == 1) TRY(select_ahead(r, order, first));
    r->ahead_slot = (first - r->ahead_first) / r->batch;
    return DLG_OK;
}

/* One sample into a batch, as number b. */
static void put_sample(const Gather *g, const char *sample, size_t b, size_t batch, char *to) {
    size_t inner = g->inner * dlg_type_bytes(g->tensor->type);
    for (size_t o = 0; o < g->outer; o++)
        memcpy(to + (o * batch + b) * inner, sample + o * inner, inner);
}

static int select_rows(dlg_device *dev, const Gather *g, const Field *field, const uint32_t *rows,
                       size_t batch, char *to) {
    for (size_t b = 0, n; b < batch; b += n) {
        n = 1;
        if (field->values) {
            put_sample(g, (const char *)field->values + rows[b] * field->bytes, b, batch, to);
        } else if (g->outer == 1) { /* those that lie together at once */
            while (b + n < batch && rows[b + n] == rows[b] + n) n++;
            TRY(field_read(dev, field, rows[b], n, to + b * field->bytes));
        } else {
            TRY(field_read(dev, field, rows[b], 1, g->sample));
            put_sample(g, g->sample, b, batch, to);
        }
    }
    return DLG_OK;
}

/* Tells the system of the rows after the batch at `first`, so that they are in memory when they are wanted. */
static void advise(Runner *r, RowOrder *order, size_t first) {
    size_t bytes = 0, ahead, from = first, window = order_window_end(order, first);
    for (size_t i = 0; i < r->gather_count; i++) {
        const Field *field = &r->feed->data->fields[r->gathers[i].field];
        if (!field->values) bytes += field->bytes;
    }
    if (bytes == 0) return;
    bool known =
        r->advised == order && r->advised_version == order->versions && first <= r->advised_end;
    if (known) from = r->advised_end;
    ahead = r->batch + read_ahead_bytes / bytes;
    size_t end = first + ahead;
    if (window > first) { /* by windows: the one after this, as soon as this begins */
        end = order_window_end(order, window);
    }
    if (end > order->count) end = order->count;
    if (known && end < order->count && end - from < r->batch) return; /* some at a time */
    for (size_t i = 0; i < r->gather_count && from < end; i++) {
        const Field *field = &r->feed->data->fields[r->gathers[i].field];
        if (!field->values) order_ahead(order, from, end - from, &field->rows);
    }
    r->advised = order;
    r->advised_version = order->versions;
    r->advised_end = end;
}

static int select_on_host(Runner *r, Gather *g) {
    dlg_program *prog = r->feed->prog;
    char *batch = g->staged + r->pending * g->tensor->bytes;
    TRY(select_rows(prog->dev, g, &r->feed->data->fields[g->field], r->numbers, r->batch, batch));
    cl_int code = clEnqueueWriteBuffer(prog->dev->queue, prog->buffers[g->tensor->index], CL_FALSE,
                                       0, g->tensor->bytes, batch, 0, NULL, NULL);
    return code ? rt_cl_fail(prog->dev, code, "writing a batch") : DLG_OK;
}

static int select_all_on_host(Runner *r, RowOrder *order, size_t first) {
    if (r->gather_count == 0) return DLG_OK;
    advise(r, order, first);
    order_rows(order, first, r->batch, r->numbers);
    for (size_t i = 0; i < r->gather_count; i++) TRY(select_on_host(r, &r->gathers[i]));
    return DLG_OK;
}

/* Makes the launches write the scalars of a run into its slots. */
static int bind_slots(Runner *r, size_t run) {
    dlg_program *prog = r->feed->prog;
    size_t first = run * r->scalar_count, slots = r->capacity * r->scalar_count;
    for (size_t i = 0; i < r->output_count; i++) {
        const Binding *b = &r->outputs[i];
        cl_mem *slot = &r->slots[first + b->which];
        if (!*slot)
            TRY(part(prog->dev, r->ring, (first + b->which) * r->slot_bytes,
                     (slots - first - b->which) * r->slot_bytes, slot));
        cl_int code = clSetKernelArg(b->kernel, b->arg, sizeof(cl_mem), slot);
        if (code) return rt_cl_fail(prog->dev, code, "giving a slot to a kernel");
    }
    return DLG_OK;
}

/* Between a slot of the ring and the scalar itself. */
static int copy_scalar(Runner *r, size_t run, size_t i, bool to_slot) {
    dlg_program *prog = r->feed->prog;
    const dlg_tensor *t = r->scalars[i];
    cl_mem own = prog->buffers[t->index];
    size_t at = (run * r->scalar_count + i) * r->slot_bytes;
    cl_int code =
        clEnqueueCopyBuffer(prog->dev->queue, to_slot ? own : r->ring, to_slot ? r->ring : own,
                            to_slot ? 0 : at, to_slot ? at : 0, t->bytes, 0, NULL, NULL);
    return code ? rt_cl_fail(prog->dev, code, "copying a metric") : DLG_OK;
}

int runner_step(Runner *r, RowOrder *order, size_t first) {
    if (r->pending == r->capacity) TRY(runner_collect(r));
    if (r->selection_count)
        TRY(select_on_device(r, order, first));
    else
        TRY(select_all_on_host(r, order, first));
    r->began = true;
    if (r->holds) {
        bool follows = r->held && (!r->gather_count || r->ahead_slot == r->held_slot + r->held);
        if (!follows) TRY(run_held(r));
        if (r->held == 0) r->held_slot = r->ahead_slot;
        r->held++;
        r->pending++;
        return r->held < MOST_HELD ? DLG_OK : run_held(r);
    }
    TRY(bind_batch(r, r->ahead_slot));
    TRY(bind_slots(r, r->pending));
    TRY(rt_run_entry(r->feed->prog, r->entry));
    for (size_t i = 0; i < r->scalar_count; i++)
        if (!r->bound[i]) TRY(copy_scalar(r, r->pending, i, true));
    r->pending++;
    return DLG_OK;
}

/* Inputs and outputs get the values of the last run, as if it had been one of dlg_run. */
static int leave_last(Runner *r) {
    for (size_t i = 0; i < r->scalar_count; i++)
        if (r->bound[i]) TRY(copy_scalar(r, r->pending - 1, i, false));
    return DLG_OK;
}

int runner_read(Runner *r) {
    dlg_device *dev = r->feed->prog->dev;
    if (r->pending == 0) return DLG_OK;
    TRY(run_held(r));
    if (r->scalar_count == 0) {
        TRY(rt_finish(dev));
    } else {
        TRY(leave_last(r));
        TRY(rt_read(dev, r->ring, 0, r->host_ring, r->pending * r->scalar_count * r->slot_bytes));
    }
    r->read = r->pending;
    r->taken = r->pending = 0;
    return DLG_OK;
}

void runner_take(Runner *r, size_t runs) {
    size_t weight = r->batch ? r->batch : 1;
    for (size_t run = 0; run < runs; run++, r->runs++, r->taken++)
        for (size_t i = 0; i < r->scalar_count; i++) {
            size_t at = (r->taken * r->scalar_count + i) * r->slot_bytes;
            double value = dlg_element(r->scalars[i]->type, r->host_ring + at, 0);
            r->sums[i] += (double)weight * value;
            if (r->nan_run) continue;
            if (isnan(value)) {
                r->nan_run = r->runs + 1;
                r->nan_scalar = i;
                continue;
            }
            if (r->runs == 0) r->first[i] = value;
            r->last[i] = value;
        }
    r->rows += runs * weight;
}

int runner_collect(Runner *r) {
    TRY(runner_read(r));
    runner_take(r, r->read - r->taken);
    return DLG_OK;
}

void runner_reset(Runner *r) {
    for (size_t i = 0; i < r->scalar_count; i++) r->sums[i] = 0;
    r->rows = 0;
}

/* ---- One batch, for dlg run -------------------------------------------------------------------- */

int dlg_dataset_feed(dlg_program *prog, const dlg_dataset *data, const dlg_entry *entry,
                     const uint32_t *rows, size_t count) {
    if (!prog) return DLG_ERR_USAGE;
    dlg_device *dev = prog->dev;
    size_t batch;
    if (!data || data->prog != prog || !entry || (count && !rows))
        return rt_fail(dev, DLG_ERR_USAGE,
                       "a data set of this program, an entry and rows are wanted");
    TRY(dlg_dataset_batch(data, entry, &batch));
    if (count != batch)
        return rt_fail(dev, DLG_ERR_USAGE, "entry `%s` takes %zu rows at a time, not %zu",
                       entry->name, batch, count);
    for (size_t i = 0; i < count; i++)
        if (rows[i] >= data->rows)
            return rt_fail(dev, DLG_ERR_DATA, "there is no row %u: the data has %zu", rows[i],
                           data->rows);
    for (size_t i = 0; i < entry->read_count; i++) {
        const dlg_tensor *t = entry->reads[i];
        const Field *field = dataset_field(data, t);
        if (!field) continue;
        Gather g = {.tensor = t, .outer = 1, .inner = 1};
        for (int a = 0; a < t->rank; a++)
            if (a < dataset_axis(t))
                g.outer *= (size_t)t->shape[a];
            else if (a > dataset_axis(t))
                g.inner *= (size_t)t->shape[a];
        char *values = malloc((size_t)t->bytes);
        g.sample = malloc(field->bytes);
        int status = values && g.sample ? select_rows(dev, &g, field, rows, count, values)
                                        : rt_no_memory(dev, t->bytes + field->bytes);
        if (status == DLG_OK) status = rt_set(prog, t, values);
        free(g.sample);
        free(values);
        TRY(status);
    }
    return DLG_OK;
}

/* feed: see feed.h.
 *
 * Requires a data set whose fields fit the entry's inputs (dataset.c). Establishes: between two
 * collections nothing waits for the device; an input's buffer gets exactly the bytes of the rows.
 *
 * Note "the ring": each run's scalars are copied, 4 bytes each, into the next slot of a buffer by the
 * queue itself; the host reads all slots at once, rarely. A read costs a wait, which is worth ten
 * launches; a copy costs one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "feed.h"

enum {
    RING_RUNS = 1024,
    GPU_LANES = 64,
    CPU_GROUPS = 4, /* a selection is short: more groups cost more than they help */
    GPU_GROUPS = 256,
};
static const size_t staging_bytes = 64u << 20;

/* ---- The data ---------------------------------------------------------------------------------- */

static bool fits(const Feed *f, uint64_t device_bytes) {
    const dlg_device_info *info = &f->prog->dev->info;
    uint64_t limit = device_bytes ? device_bytes : info->memory_bytes / 2, total = 0;
    for (size_t i = 0; i < f->data->field_count; i++) {
        uint64_t bytes = (uint64_t)f->data->rows * f->data->fields[i].bytes;
        if (bytes > info->max_buffer_bytes) return false;
        total += bytes;
    }
    return total <= limit;
}

int feed_open(Feed *f, dlg_program *prog, const dlg_dataset *data, uint64_t device_bytes) {
    dlg_device *dev = prog->dev;
    *f = (Feed){.prog = prog, .data = data};
    if (!data || data->prog != prog)
        return rt_fail(dev, DLG_ERR_USAGE, "the data set was opened for another program");
    if (!dev->real) return rt_fail(dev, DLG_ERR_USAGE, "the device `none` runs nothing");
    if (data->field_count == 0 || !fits(f, device_bytes)) return DLG_OK;
    f->fields = calloc(data->field_count, sizeof *f->fields);
    if (!f->fields) return rt_no_memory(dev, data->field_count * sizeof *f->fields);
    for (size_t i = 0; i < data->field_count; i++) {
        uint64_t bytes = (uint64_t)data->rows * data->fields[i].bytes;
        TRY(rt_buffer(dev, bytes, "the data", &f->fields[i]));
        TRY(rt_write(dev, f->fields[i], 0, data->fields[i].values, bytes));
    }
    return DLG_OK;
}

void feed_close(Feed *f) {
    for (size_t i = 0; f->fields && i < f->data->field_count; i++)
        if (f->fields[i]) clReleaseMemObject(f->fields[i]);
    free(f->fields);
    *f = (Feed){0};
}

int order_open(RowOrder *o, Feed *f, const uint32_t *rows, size_t count) {
    *o = (RowOrder){.rows = rows, .count = count};
    if (!f->fields || count == 0) return DLG_OK;
    TRY(rt_buffer(f->prog->dev, count * sizeof *rows, "the order of the rows", &o->buffer));
    return rt_write(f->prog->dev, o->buffer, 0, rows, count * sizeof *rows);
}

int order_update(RowOrder *o, Feed *f) {
    dlg_device *dev = f->prog->dev;
    if (!o->buffer) return DLG_OK;
    cl_int code = clEnqueueWriteBuffer(dev->queue, o->buffer, CL_FALSE, 0,
                                       o->count * sizeof *o->rows, o->rows, 0, NULL, NULL);
    return code ? rt_cl_fail(dev, code, "writing the order of the rows") : DLG_OK;
}

void order_close(RowOrder *o) {
    if (o->buffer) clReleaseMemObject(o->buffer);
    *o = (RowOrder){0};
}

/* ---- Runs -------------------------------------------------------------------------------------- */

static int bind_gather(Runner *r, Gather *g) {
    dlg_device *dev = r->feed->prog->dev;
    static const char *const name[] = {[1] = "gather1", [2] = "gather2", [4] = "gather4"};
    TRY(rt_own_kernel(dev, name[dlg_type_bytes(g->tensor->type)], &g->kernel));
    cl_mem to = r->feed->prog->buffers[g->tensor->index];
    cl_uint batch = (cl_uint)r->batch, outer = (cl_uint)g->outer, inner = (cl_uint)g->inner;
    cl_int code = clSetKernelArg(g->kernel, 0, sizeof(cl_mem), &r->feed->fields[g->field]);
    if (!code) code = clSetKernelArg(g->kernel, 1, sizeof(cl_mem), &to);
    if (!code) code = clSetKernelArg(g->kernel, 4, sizeof batch, &batch);
    if (!code) code = clSetKernelArg(g->kernel, 5, sizeof outer, &outer);
    if (!code) code = clSetKernelArg(g->kernel, 6, sizeof inner, &inner);
    if (code) return rt_cl_fail(dev, code, "the kernel that selects rows");
    size_t most = dev->host_memory ? CPU_GROUPS : GPU_GROUPS;
    g->groups = r->batch < most ? r->batch : most;
    g->lanes = dev->host_memory ? 1 : GPU_LANES;
    if (g->lanes > dev->info.max_group) g->lanes = dev->info.max_group ? dev->info.max_group : 1;
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
        if (r->feed->fields) TRY(bind_gather(r, g));
        r->feed->prog->set[t->index] = true;
    }
    if (r->feed->fields || r->gather_count == 0) return DLG_OK;
    if (r->capacity > staging_bytes / batch_bytes) r->capacity = staging_bytes / batch_bytes;
    if (r->capacity == 0) r->capacity = 1;
    for (size_t i = 0; i < r->gather_count; i++) {
        Gather *g = &r->gathers[i];
        g->staged = malloc(r->capacity * g->tensor->bytes);
        if (!g->staged) return rt_no_memory(dev, r->capacity * g->tensor->bytes);
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
    if (!r->scalars || !r->sums) return rt_no_memory(dev, returns * sizeof *r->sums);
    for (size_t i = 0; i < returns; i++)
        if (r->entry->returns[i]->rank == 0) r->scalars[r->scalar_count++] = r->entry->returns[i];
    if (r->scalar_count == 0) return DLG_OK;
    size_t bytes = r->capacity * r->scalar_count * 4;
    r->host_ring = calloc(bytes, 1);
    if (!r->host_ring) return rt_no_memory(dev, bytes);
    return rt_buffer(dev, bytes, "the metrics", &r->ring);
}

int runner_open(Runner *r, Feed *f, const dlg_entry *entry) {
    *r = (Runner){.feed = f, .entry = entry, .capacity = RING_RUNS};
    TRY(dlg_dataset_batch(f->data, entry, &r->batch));
    TRY(open_gathers(r));
    TRY(share_inputs(r));
    return open_ring(r);
}

void runner_close(Runner *r) {
    /* What is staged or read may still be in use by the queue. */
    if (r->feed && r->feed->prog->dev->real) clFinish(r->feed->prog->dev->queue);
    for (size_t i = 0; i < r->gather_count; i++) {
        if (r->gathers[i].kernel) clReleaseKernel(r->gathers[i].kernel);
        free(r->gathers[i].staged);
    }
    free(r->gathers);
    free(r->scalars);
    free(r->sums);
    free(r->host_ring);
    if (r->ring) clReleaseMemObject(r->ring);
    *r = (Runner){0};
}

static int select_on_device(Runner *r, Gather *g, const RowOrder *order, size_t first) {
    dlg_device *dev = r->feed->prog->dev;
    cl_uint at = (cl_uint)first;
    cl_int code = clSetKernelArg(g->kernel, 2, sizeof(cl_mem), &order->buffer);
    if (!code) code = clSetKernelArg(g->kernel, 3, sizeof at, &at);
    if (code) return rt_cl_fail(dev, code, "the kernel that selects rows");
    return rt_launch(dev, g->kernel, "gather", g->groups * g->lanes, g->lanes);
}

static void select_rows(const Gather *g, const Field *field, const uint32_t *rows, size_t batch,
                        char *to) {
    size_t inner = g->inner * dlg_type_bytes(g->tensor->type);
    for (size_t o = 0; o < g->outer; o++)
        for (size_t b = 0; b < batch; b++)
            memcpy(to + (o * batch + b) * inner,
                   (const char *)field->values + rows[b] * field->bytes + o * inner, inner);
}

static int select_on_host(Runner *r, Gather *g, const RowOrder *order, size_t first) {
    dlg_program *prog = r->feed->prog;
    char *batch = g->staged + r->pending * g->tensor->bytes;
    select_rows(g, &r->feed->data->fields[g->field], order->rows + first, r->batch, batch);
    cl_int code = clEnqueueWriteBuffer(prog->dev->queue, prog->buffers[g->tensor->index], CL_FALSE,
                                       0, g->tensor->bytes, batch, 0, NULL, NULL);
    return code ? rt_cl_fail(prog->dev, code, "writing a batch") : DLG_OK;
}

int runner_step(Runner *r, const RowOrder *order, size_t first) {
    dlg_program *prog = r->feed->prog;
    if (r->pending == r->capacity) TRY(runner_collect(r));
    for (size_t i = 0; i < r->gather_count; i++)
        TRY(r->gathers[i].kernel ? select_on_device(r, &r->gathers[i], order, first)
                                 : select_on_host(r, &r->gathers[i], order, first));
    TRY(rt_run_entry(prog, r->entry));
    for (size_t i = 0; i < r->scalar_count; i++) {
        const dlg_tensor *t = r->scalars[i];
        size_t slot = (r->pending * r->scalar_count + i) * 4;
        cl_int code = clEnqueueCopyBuffer(prog->dev->queue, prog->buffers[t->index], r->ring, 0,
                                          slot, t->bytes, 0, NULL, NULL);
        if (code) return rt_cl_fail(prog->dev, code, "copying a metric");
    }
    r->pending++;
    return DLG_OK;
}

int runner_collect(Runner *r) {
    dlg_device *dev = r->feed->prog->dev;
    size_t weight = r->batch ? r->batch : 1;
    if (r->pending == 0) return DLG_OK;
    if (r->scalar_count == 0) {
        TRY(rt_finish(dev));
    } else {
        TRY(rt_read(dev, r->ring, 0, r->host_ring, r->pending * r->scalar_count * 4));
        for (size_t run = 0; run < r->pending; run++)
            for (size_t i = 0; i < r->scalar_count; i++) {
                double value =
                    dlg_element(r->scalars[i]->type, &r->host_ring[run * r->scalar_count + i], 0);
                r->sums[i] += (double)weight * value;
                if (!isnan(value) || r->nan_run) continue;
                r->nan_run = r->runs + run + 1;
                r->nan_scalar = i;
            }
    }
    r->runs += r->pending;
    r->rows += r->pending * weight;
    r->pending = 0;
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
        if (!values) return rt_no_memory(dev, t->bytes);
        select_rows(&g, field, rows, count, values);
        int status = rt_set(prog, t, values);
        free(values);
        TRY(status);
    }
    return DLG_OK;
}

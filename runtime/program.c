/* program: from a checked plan to a program that can run: kernels built, tensors allocated, arguments
 * bound, values at the start.
 *
 * Requires: a plan that plan_read accepted. Establishes: every launch has its own cl_kernel whose
 * parameters agree with the plan's arguments in number and kind, so that running it is enqueueing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "rt.h"

/* ---- memory ------------------------------------------------------------------------------------- */

static uint64_t padded(uint64_t bytes) {
    return (bytes + 63) / 64 * 64;
}

/* The arena is one buffer and its tensors are parts of it where the device allows parts to begin at
 * the plan's offsets. Otherwise each is a buffer of its own, which is correct as well: a plan never
 * needs two to share bytes; on a device that checks accesses it shows what reaches outside. */
static bool arena_is_one(const dlg_program *prog) {
    const Plan *p = &prog->plan;
    if (prog->dev->exact || padded(p->arena_bytes) > prog->dev->info.max_buffer_bytes) return false;
    for (size_t i = 0; i < p->tensor_count; i++)
        if (p->tensors[i].kind == DLG_ARENA && p->tensors[i].arena_offset % prog->dev->base_align)
            return false;
    return true;
}

static int check_memory(const dlg_program *prog, bool one) {
    const Plan *p = &prog->plan;
    uint64_t need = one ? padded(p->arena_bytes) : 0;
    for (size_t i = 0; i < p->tensor_count; i++)
        if (p->tensors[i].kind != DLG_ARENA || !one) need += padded(p->tensors[i].bytes);
    const dlg_device_info *info = &prog->dev->info;
    if (need <= info->memory_bytes) return DLG_OK;
    return rt_fail(prog->dev, DLG_ERR_LIMIT, "%s needs %" PRIu64 " MiB of memory; %s has %" PRIu64,
                   p->file, (need >> 20) + 1, info->name, info->memory_bytes >> 20);
}

static int allocate(dlg_program *prog) {
    const Plan *p = &prog->plan;
    bool one = arena_is_one(prog);
    int status = check_memory(prog, one);
    if (status < 0) return status;
    if (one && p->arena_bytes &&
        (status = rt_buffer(prog->dev, p->arena_bytes, "the arena", &prog->arena)) < 0)
        return status;
    for (size_t i = 0; i < p->tensor_count; i++) {
        const dlg_tensor *t = &p->tensors[i];
        if (t->kind != DLG_ARENA || !one) {
            if ((status = rt_buffer(prog->dev, t->bytes, t->name, &prog->buffers[i])) < 0)
                return status;
            continue;
        }
        uint64_t size = padded(t->bytes), left = padded(p->arena_bytes) - t->arena_offset;
        cl_buffer_region region = {(size_t)t->arena_offset, (size_t)(size < left ? size : left)};
        cl_int code;
        prog->buffers[i] = clCreateSubBuffer(prog->arena, CL_MEM_READ_WRITE,
                                             CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
        if (code != CL_SUCCESS)
            return rt_cl_fail(prog->dev, code, "cannot take a part of the arena");
    }
    return DLG_OK;
}

/* ---- kernels ------------------------------------------------------------------------------------ */

static int fail_launch(const dlg_program *prog, const dlg_launch *l, int status, const char *text) {
    if (!l->source)
        return rt_fail(prog->dev, status, "%s: kernel %s: %s", prog->plan.file, l->kernel, text);
    return rt_fail(prog->dev, status, "%s: kernel %s (from %s:%" PRId64 "): %s", prog->plan.file,
                   l->kernel, l->source, l->line, text);
}

/* The kernel's parameter k must be a __global pointer where the plan passes a buffer and an int where
 * it passes a number. A driver that does not know its kernels' parameters cannot be asked; it
 * then checks the sizes itself when they are bound. */
static int check_arg(const dlg_program *prog, const dlg_launch *l, cl_kernel kernel, cl_uint k) {
    cl_kernel_arg_address_qualifier space;
    char type[128] = "", text[256];
    cl_int code =
        clGetKernelArgInfo(kernel, k, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof space, &space, NULL);
    if (code == CL_KERNEL_ARG_INFO_NOT_AVAILABLE) return DLG_OK;
    if (code != CL_SUCCESS)
        return rt_cl_fail(prog->dev, code, "cannot ask for a kernel's parameters");
    code = clGetKernelArgInfo(kernel, k, CL_KERNEL_ARG_TYPE_NAME, sizeof type - 1, type, NULL);
    if (code != CL_SUCCESS && code != CL_KERNEL_ARG_INFO_NOT_AVAILABLE)
        return rt_cl_fail(prog->dev, code, "cannot ask for a kernel's parameters");
    bool pointer = code == CL_SUCCESS ? strchr(type, '*') != NULL : l->args[k].tensor != NULL;
    if (l->args[k].tensor) {
        if (space == CL_KERNEL_ARG_ADDRESS_GLOBAL && pointer) return DLG_OK;
        snprintf(text, sizeof text, "parameter %u must be a __global pointer to hold %.100s",
                 (unsigned)k + 1, l->args[k].tensor->name);
    } else {
        bool is_int = code != CL_SUCCESS || strcmp(type, "int") == 0 || strcmp(type, "uint") == 0;
        if (space == CL_KERNEL_ARG_ADDRESS_PRIVATE && is_int) return DLG_OK;
        snprintf(text, sizeof text, "parameter %u must be an int", (unsigned)k + 1);
    }
    return fail_launch(prog, l, DLG_ERR_PROGRAM, text);
}

static int check_group(const dlg_program *prog, const dlg_launch *l, cl_kernel kernel) {
    size_t most = 0, required[3] = {0};
    char text[160];
    cl_device_id id = prog->dev->id;
    cl_int code =
        clGetKernelWorkGroupInfo(kernel, id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, NULL);
    if (code != CL_SUCCESS) return rt_cl_fail(prog->dev, code, "cannot ask for a kernel's limits");
    if (l->local > most) {
        snprintf(text, sizeof text,
                 "its groups of %zu work-items are above the device's limit, %zu", l->local, most);
        return fail_launch(prog, l, DLG_ERR_LIMIT, text);
    }
    code = clGetKernelWorkGroupInfo(kernel, id, CL_KERNEL_COMPILE_WORK_GROUP_SIZE, sizeof required,
                                    required, NULL);
    if (code != CL_SUCCESS) return rt_cl_fail(prog->dev, code, "cannot ask for a kernel's groups");
    if (required[0] && (required[0] != l->local || required[1] != 1 || required[2] != 1)) {
        snprintf(text, sizeof text,
                 "its text requires groups of %zu x %zu x %zu, the plan says %zu", required[0],
                 required[1], required[2], l->local);
        return fail_launch(prog, l, DLG_ERR_PROGRAM, text);
    }
    return DLG_OK;
}

static int bind_arg(dlg_program *prog, const dlg_launch *l, cl_kernel kernel, cl_uint k) {
    const dlg_arg *a = &l->args[k];
    char text[160];
    cl_int number = a->kind == DLG_ARG_ADVANCE ? 0 : a->number; /* of one run nothing advances */
    cl_int code = a->tensor
                      ? clSetKernelArg(kernel, k, sizeof(cl_mem), &prog->buffers[a->tensor->index])
                      : clSetKernelArg(kernel, k, sizeof number, &number);
    if (code == CL_SUCCESS) return DLG_OK;
    snprintf(text, sizeof text, "argument %u does not fit: %s (%d)", (unsigned)k + 1,
             rt_cl_name(code), (int)code);
    return fail_launch(prog, l, DLG_ERR_PROGRAM, text);
}

/* With `counters`, a buffer, as one more argument. */
static int bind(dlg_program *prog, const dlg_launch *l, cl_mem counters, cl_kernel *out) {
    const size_t args = l->arg_count + (counters != NULL);
    cl_int code;
    cl_uint count = 0;
    char text[160];
    cl_kernel kernel = *out = clCreateKernel(prog->built, l->kernel, &code);
    if (code == CL_SUCCESS)
        code = clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof count, &count, NULL);
    if (code != CL_SUCCESS) {
        snprintf(text, sizeof text, "cannot be made: %s (%d)", rt_cl_name(code), (int)code);
        return fail_launch(prog, l, DLG_ERR_OPENCL, text);
    }
    if (count != args) {
        snprintf(text, sizeof text, "the plan passes %zu arguments, the text has %u parameters",
                 args, (unsigned)count);
        return fail_launch(prog, l, DLG_ERR_PROGRAM, text);
    }
    int status = check_group(prog, l, kernel);
    for (cl_uint k = 0; k < l->arg_count && status == DLG_OK; k++)
        if ((status = check_arg(prog, l, kernel, k)) == DLG_OK)
            status = bind_arg(prog, l, kernel, k);
    if (status < 0 || !counters) return status;
    code = clSetKernelArg(kernel, (cl_uint)l->arg_count, sizeof counters, &counters);
    if (code == CL_SUCCESS) return DLG_OK;
    snprintf(text, sizeof text, "the counters of its groups do not fit: %s", rt_cl_name(code));
    return fail_launch(prog, l, DLG_ERR_PROGRAM, text);
}

static int bind_args(dlg_program *prog, const dlg_launch *l, cl_kernel kernel) {
    int status = DLG_OK;
    for (size_t k = 0; k < l->arg_count && status == DLG_OK; k++)
        status = bind_arg(prog, l, kernel, (cl_uint)k);
    return status;
}

int rt_bind(dlg_program *prog) {
    const Plan *p = &prog->plan;
    int status = DLG_OK;
    for (size_t i = 0; i < p->launch_count && status == DLG_OK; i++)
        status = bind_args(prog, &p->launches[i], prog->kernels[i]);
    for (size_t i = 0; prog->joint && i < p->together_count && status == DLG_OK; i++)
        status = bind_args(prog, &p->togethers[i].joint, prog->joint[i]);
    prog->loose = status < 0;
    return status;
}

static int bind_all(dlg_program *prog) {
    enum { COUNTER_BYTES = 512 }; /* see kernels/together.cl */
    const Plan *p = &prog->plan;
    int status = DLG_OK;
    for (size_t i = 0; i < p->launch_count && status == DLG_OK; i++)
        status = bind(prog, &p->launches[i], NULL, &prog->kernels[i]);
    if (status < 0 || !p->together_count || !(prog->dev->meets || prog->dev->pair.when))
        return status;
    prog->joint = calloc(p->together_count, sizeof(cl_kernel));
    if (!prog->joint) return rt_no_memory(prog->dev, p->together_count * sizeof(cl_kernel));
    status = rt_buffer(prog->dev, COUNTER_BYTES, "the counters of groups", &prog->counters);
    for (size_t i = 0; i < p->together_count && status == DLG_OK; i++)
        status = bind(prog, &p->togethers[i].joint, p->togethers[i].free ? NULL : prog->counters,
                      &prog->joint[i]);
    return status;
}

/* ---- loading ------------------------------------------------------------------------------------ */

static void mark_inference(dlg_program *prog) {
    const Plan *p = &prog->plan;
    for (size_t e = 0; e < p->entry_count; e++) {
        const dlg_entry *entry = &p->entries[e];
        for (size_t i = 0; i < entry->launch_count && !entry->trains; i++)
            for (size_t k = 0; k < entry->launches[i].arg_count; k++)
                if (entry->launches[i].args[k].tensor)
                    prog->inference[entry->launches[i].args[k].tensor->index] = true;
    }
}

/* Of a text that goes by the name of the source that it was compiled from the lines are not that file's, and messages of
 * the driver must not say so. */
static int build_kernels(dlg_program *prog) {
    static const char compiled[] = "what %s compiles to";
    const Plan *p = &prog->plan;
    size_t size = sizeof compiled + strlen(p->file);
    char *name = malloc(size);
    if (!name) return rt_no_memory(prog->dev, size);
    snprintf(name, size, p->source && strcmp(p->file, p->source) == 0 ? compiled : "%s", p->file);
    int status = rt_build(prog->dev, name, p->kernels_line, p->kernels, p->kernels_len, p->has_ptx,
                          &prog->built);
    free(name);
    return status;
}

static int prepare(dlg_program *prog, uint64_t seed) {
    const Plan *p = &prog->plan;
    prog->seed = seed;
    prog->buffers = calloc(p->tensor_count + 1, sizeof *prog->buffers);
    prog->set = calloc(p->tensor_count + 1, sizeof *prog->set);
    prog->inference = calloc(p->tensor_count + 1, sizeof *prog->inference);
    prog->kernels = calloc(p->launch_count + 1, sizeof *prog->kernels);
    if (!prog->buffers || !prog->set || !prog->inference || !prog->kernels)
        return rt_no_memory(prog->dev, (p->tensor_count + p->launch_count) * sizeof(void *));
    mark_inference(prog);
    if (!prog->dev->real) return DLG_OK;
    int status = build_kernels(prog);
    if (status < 0 || (status = allocate(prog)) < 0) return status;
    if ((status = bind_all(prog)) < 0) return status;
    return dlg_init(prog, seed);
}

int dlg_program_load_text(dlg_program **out, dlg_device *dev, const char *name, const char *text,
                          size_t len, const dlg_program_options *options) {
    if (out) *out = NULL;
    if (!out || !dev || !text)
        return rt_fail(dev, DLG_ERR_USAGE, "dlg_program_load_text was given a null pointer");
    dlg_program *prog = calloc(1, sizeof *prog);
    if (!prog) return rt_no_memory(dev, sizeof *prog);
    prog->dev = dev;
    int status = plan_read(&prog->plan, dev, name ? name : "program", text, len);
    if (status == DLG_OK && dev->pair.when && !prog->plan.pair)
        status = rt_fail(dev, DLG_ERR_USAGE, "%s was compiled without --pair", prog->plan.file);
    if (status == DLG_OK) status = prepare(prog, options ? options->seed : 0);
    if (status < 0)
        dlg_program_close(prog);
    else
        *out = prog;
    return status;
}

int dlg_program_load_file(dlg_program **out, dlg_device *dev, const char *path,
                          const dlg_program_options *options) {
    if (out) *out = NULL;
    if (!out || !dev || !path)
        return rt_fail(dev, DLG_ERR_USAGE, "dlg_program_load_file was given a null pointer");
    char *text;
    size_t len;
    int status = rt_file_read(dev, path, UINT64_C(256) << 20, &text, &len);
    if (status < 0) return status;
    status = dlg_program_load_text(out, dev, path, text, len, options);
    free(text);
    return status;
}

void dlg_program_close(dlg_program *prog) {
    if (!prog) return;
    if (prog->dev->queue) clFinish(prog->dev->queue);
    for (size_t i = 0; prog->kernels && i < prog->plan.launch_count; i++)
        if (prog->kernels[i]) clReleaseKernel(prog->kernels[i]);
    for (size_t i = 0; prog->joint && i < prog->plan.together_count; i++)
        if (prog->joint[i]) clReleaseKernel(prog->joint[i]);
    if (prog->counters) clReleaseMemObject(prog->counters);
    rt_release_parts(prog->buffers, prog->plan.tensor_count);
    if (prog->arena) clReleaseMemObject(prog->arena);
    if (prog->built) clReleaseProgram(prog->built);
    rt_meta_free(&prog->meta);
    watch_close(prog->watch);
    free(prog->kernels);
    free(prog->joint);
    free(prog->buffers);
    free(prog->set);
    free(prog->inference);
    plan_free(&prog->plan);
    free(prog);
}

/* ---- what a program says of itself ---------------------------------------------------------------- */

dlg_device *dlg_program_device(const dlg_program *prog) {
    return prog->dev;
}

const char *dlg_program_model(const dlg_program *prog) {
    return prog->plan.model;
}

const char *dlg_program_target(const dlg_program *prog) {
    return prog->plan.target;
}

const char *dlg_program_source(const dlg_program *prog) {
    return prog->plan.source;
}

const char *dlg_program_file(const dlg_program *prog) {
    return prog->plan.file;
}

uint64_t dlg_program_arena_bytes(const dlg_program *prog) {
    return prog->plan.arena_bytes;
}

const char *dlg_program_kernels(const dlg_program *prog, size_t *len) {
    if (len) *len = prog->plan.kernels_len;
    return prog->plan.kernels;
}

size_t dlg_program_kernel_count(const dlg_program *prog) {
    return prog->plan.kernel_count;
}

/* The line after the one that begins at s; NULL: there is none. */
static const char *next_line(const char *s) {
    s = strchr(s, '\n');
    return s && s[1] ? s + 1 : NULL;
}

const char *dlg_kernel_comment(const dlg_program *prog, const char *kernel, size_t *len) {
    size_t n = strlen(kernel);
    *len = 0;
    for (const char *s = prog->plan.kernels; s; s = next_line(s)) {
        if (strncmp(s, "// ", 3) != 0 || strncmp(s + 3, kernel, n) != 0 || s[3 + n] != '\n')
            continue;
        const char *begin = next_line(s), *end = begin;
        while (end && strncmp(end, "//", 2) == 0) end = next_line(end);
        *len = end ? (size_t)(end - begin) : 0;
        return end ? begin : NULL;
    }
    return NULL;
}

char *rt_source_lines(const dlg_program *prog, const char *kernel) {
    size_t len = 0, n = 0;
    const char *s = prog ? dlg_kernel_comment(prog, kernel, &len) : NULL, *end = s ? s + len : NULL;
    char *out = malloc(len + 1);
    while (out && s && s < end && strncmp(s, "// ", 3) == 0 && strncmp(s, "// makes ", 9) != 0) {
        const char *newline = memchr(s, '\n', (size_t)(end - s));
        if (!newline) newline = end;
        if (n) out[n++] = '\n';
        memcpy(out + n, s + 3, (size_t)(newline - s - 3));
        n += (size_t)(newline - s - 3);
        s = newline < end ? newline + 1 : end;
    }
    if (out) out[n] = 0;
    return out;
}

static const char *const_name(const void *list, size_t i) {
    return ((const struct PlanConst *)list)[i].name;
}

int dlg_program_const(dlg_program *prog, const char *name, double *value) {
    const Plan *p = &prog->plan;
    for (size_t i = 0; i < p->const_count; i++) {
        if (strcmp(p->consts[i].name, name) != 0) continue;
        *value = p->consts[i].value;
        return DLG_OK;
    }
    return rt_no_name(prog->dev, name, p->consts, p->const_count, const_name,
                      "%s has no constant `%.200s`", p->model, name);
}

size_t dlg_tensor_count(const dlg_program *prog) {
    return prog->plan.tensor_count;
}

const dlg_tensor *dlg_tensor_at(const dlg_program *prog, size_t index) {
    return index < prog->plan.tensor_count ? &prog->plan.tensors[index] : NULL;
}

const dlg_tensor *dlg_tensor_find(const dlg_program *prog, const char *name) {
    const Plan *p = &prog->plan;
    const dlg_tensor *t = plan_tensor(p, name, strlen(name)), *only = NULL;
    if (t && t->kind != DLG_ARENA) return t;
    for (size_t i = 0; i < p->tensor_count; i++) {
        t = &p->tensors[i];
        if (t->kind == DLG_ARENA || strcmp(t->user_name, name) != 0) continue;
        if (only) return NULL;
        only = t;
    }
    return only;
}

size_t dlg_entry_count(const dlg_program *prog) {
    return prog->plan.entry_count;
}

const dlg_entry *dlg_entry_at(const dlg_program *prog, size_t index) {
    return index < prog->plan.entry_count ? &prog->plan.entries[index] : NULL;
}

const dlg_entry *dlg_entry_find(const dlg_program *prog, const char *name) {
    const Plan *p = &prog->plan;
    for (size_t i = 0; i < p->entry_count; i++)
        if (strcmp(p->entries[i].name, name) == 0) return &p->entries[i];
    return NULL;
}

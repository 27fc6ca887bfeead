/* finite: looks on the device for what is infinite or NaN.
 *
 * Requires a program on a device. Establishes: looking changes nothing, costs a launch a tensor, and waits once
 * for all of them; what is found is the first element, whatever the order that the device works in. */
#include <stdlib.h>
#include "data.h"

enum { LOOK_ITEMS = 4096, NOTHING = -1 };

int finite_open(Finite *f, dlg_program *prog) {
    *f = (Finite){.prog = prog};
    TRY(rt_own_kernel(prog->dev, "nonfinite4", &f->by_bytes[4]));
    return rt_own_kernel(prog->dev, "nonfinite2", &f->by_bytes[2]);
}

void finite_close(Finite *f) {
    for (size_t i = 0; i < sizeof f->by_bytes / sizeof *f->by_bytes; i++)
        if (f->by_bytes[i]) clReleaseKernel(f->by_bytes[i]);
    if (f->first) clReleaseMemObject(f->first);
    free(f->host);
    free(f->tensors);
    free(f->begins);
    *f = (Finite){0};
}

/* Twice as many slots. What was looked at so far keeps its own. */
static int grow(Finite *f) {
    dlg_device *dev = f->prog->dev;
    size_t slots = f->slots ? 2 * f->slots : 64;
    uint32_t *host = realloc(f->host, slots * sizeof *host);
    if (host) f->host = host;
    const dlg_tensor **tensors = realloc(f->tensors, slots * sizeof *tensors);
    if (tensors) f->tensors = tensors;
    uint64_t *begins = realloc(f->begins, slots * sizeof *begins);
    if (begins) f->begins = begins;
    if (!host || !tensors || !begins) return rt_no_memory(dev, slots * sizeof *tensors);
    cl_mem first;
    cl_int nothing = NOTHING;
    TRY(rt_buffer(dev, slots * sizeof *host, "a look at values", &first));
    cl_int code = clEnqueueFillBuffer(dev->queue, first, &nothing, sizeof nothing, 0,
                                      slots * sizeof *host, 0, NULL, NULL);
    if (!code && f->used)
        code = clEnqueueCopyBuffer(dev->queue, f->first, first, 0, 0, f->used * sizeof *host, 0,
                                   NULL, NULL);
    if (f->first) clReleaseMemObject(f->first); /* the queue holds it until the copy is done */
    f->first = first;
    f->slots = slots;
    return code ? rt_cl_fail(dev, code, "preparing a look at values") : DLG_OK;
}

static int look(Finite *f, const dlg_tensor *t, uint64_t begin, cl_uint count, cl_uint mask) {
    dlg_device *dev = f->prog->dev;
    if (f->used == f->slots) TRY(grow(f));
    cl_kernel kernel = f->by_bytes[dlg_type_bytes(t->type)];
    cl_ulong from = begin;
    cl_uint slot = (cl_uint)f->used;
    cl_int code = clSetKernelArg(kernel, 0, sizeof(cl_mem), &f->prog->buffers[t->index]);
    if (!code) code = clSetKernelArg(kernel, 1, sizeof from, &from);
    if (!code) code = clSetKernelArg(kernel, 2, sizeof count, &count);
    if (!code) code = clSetKernelArg(kernel, 3, sizeof mask, &mask);
    if (!code) code = clSetKernelArg(kernel, 4, sizeof(cl_mem), &f->first);
    if (!code) code = clSetKernelArg(kernel, 5, sizeof slot, &slot);
    if (code) return rt_cl_fail(dev, code, "the kernel that looks for what is not finite");
    f->tensors[f->used] = t;
    f->begins[f->used++] = begin;
    size_t local = dev->host_memory ? 1 : 64, items = dev->host_memory ? 4 : LOOK_ITEMS;
    if (local > dev->info.max_group) local = dev->info.max_group ? dev->info.max_group : 1;
    return rt_launch(dev, kernel, "nonfinite", items / local * local, local);
}

int finite_look(Finite *f, const dlg_tensor *t) {
    static const cl_uint exponent[] = {
        [DLG_F32] = 0x7f800000, [DLG_F16] = 0x7c00, [DLG_BF16] = 0x7f80};
    if (!rt_type_is_float(t->type)) return DLG_OK;
    for (uint64_t begin = 0; begin < t->elems; begin += UINT64_C(1) << 31) {
        uint64_t left = t->elems - begin, most = UINT64_C(1) << 31;
        TRY(look(f, t, begin, (cl_uint)(left < most ? left : most), exponent[t->type]));
    }
    return DLG_OK;
}

int finite_found(Finite *f, const dlg_tensor **t, uint64_t *at) {
    dlg_device *dev = f->prog->dev;
    size_t used = f->used;
    cl_int nothing = NOTHING;
    *t = NULL;
    f->used = 0;
    if (used == 0) return DLG_OK;
    TRY(rt_read(dev, f->first, 0, f->host, used * sizeof *f->host));
    for (size_t i = 0; i < used && !*t; i++)
        if (f->host[i] != (uint32_t)NOTHING) {
            *t = f->tensors[i];
            *at = f->begins[i] + f->host[i];
        }
    if (!*t) return DLG_OK;
    cl_int code = clEnqueueFillBuffer(dev->queue, f->first, &nothing, sizeof nothing, 0,
                                      used * sizeof *f->host, 0, NULL, NULL);
    return code ? rt_cl_fail(dev, code, "preparing a look at values") : DLG_OK;
}

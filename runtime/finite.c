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

/* Room for twice as many looks. Those so far keep what they found. */
static int grow(Finite *f) {
    dlg_device *dev = f->prog->dev;
    size_t most = f->most ? 2 * f->most : 64, bytes = most * 2 * sizeof *f->host;
    uint32_t *host = realloc(f->host, bytes);
    if (host) f->host = host;
    const dlg_tensor **tensors = realloc(f->tensors, most * sizeof *tensors);
    if (tensors) f->tensors = tensors;
    uint64_t *begins = realloc(f->begins, most * sizeof *begins);
    if (begins) f->begins = begins;
    if (!host || !tensors || !begins) return rt_no_memory(dev, bytes);
    cl_mem first;
    cl_int nothing = NOTHING;
    TRY(rt_buffer(dev, bytes, "a look at values", &first));
    cl_int code =
        clEnqueueFillBuffer(dev->queue, first, &nothing, sizeof nothing, 0, bytes, 0, NULL, NULL);
    if (!code && f->looks)
        code = clEnqueueCopyBuffer(dev->queue, f->first, first, 0, 0, f->looks * 2 * sizeof *host,
                                   0, NULL, NULL);
    if (f->first) clReleaseMemObject(f->first); /* the queue holds it until the copy is done */
    f->first = first;
    f->most = most;
    return code ? rt_cl_fail(dev, code, "preparing a look at values") : DLG_OK;
}

typedef struct Look {
    cl_ulong begin, before_begin;
    cl_uint count, infinity, sign;
    cl_mem before; /* or NULL */
} Look;

static int look(Finite *f, const dlg_tensor *t, const Look *l) {
    dlg_device *dev = f->prog->dev;
    if (f->looks == f->most) TRY(grow(f));
    cl_kernel kernel = f->by_bytes[dlg_type_bytes(t->type)];
    cl_mem x = f->prog->buffers[t->index], before = l->before ? l->before : x;
    cl_uint slot = (cl_uint)f->looks * 2, compare = l->before != NULL;
    const struct {
        size_t bytes;
        const void *value;
    } args[] = {{sizeof x, &x},
                {sizeof l->begin, &l->begin},
                {sizeof l->count, &l->count},
                {sizeof l->infinity, &l->infinity},
                {sizeof l->sign, &l->sign},
                {sizeof before, &before},
                {sizeof l->before_begin, &l->before_begin},
                {sizeof compare, &compare},
                {sizeof f->first, &f->first},
                {sizeof slot, &slot}};
    for (cl_uint i = 0; i < sizeof args / sizeof *args; i++) {
        cl_int code = clSetKernelArg(kernel, i, args[i].bytes, args[i].value);
        if (code) return rt_cl_fail(dev, code, "the kernel that looks for what is not finite");
    }
    f->tensors[f->looks] = t;
    f->begins[f->looks++] = l->begin;
    size_t local = dev->host_memory ? 1 : 64, items = dev->host_memory ? 4 : LOOK_ITEMS;
    if (local > dev->info.max_group) local = dev->info.max_group ? dev->info.max_group : 1;
    return rt_launch(dev, kernel, "nonfinite", items / local * local, local);
}

int finite_look(Finite *f, const dlg_tensor *t, cl_mem before, uint64_t before_begin) {
    static const cl_uint infinity[] = {
        [DLG_F32] = 0x7f800000, [DLG_F16] = 0x7c00, [DLG_BF16] = 0x7f80};
    const uint64_t most = UINT64_C(1) << 31; /* elements of one look */
    if (!rt_type_is_float(t->type)) return DLG_OK;
    for (uint64_t begin = 0; begin < t->elems; begin += most) {
        uint64_t left = t->elems - begin;
        Look l = {.begin = begin,
                  .before_begin = before_begin + begin,
                  .count = (cl_uint)(left < most ? left : most),
                  .infinity = infinity[t->type],
                  .sign = t->type == DLG_F32 ? 0x7fffffff : 0x7fff,
                  .before = before};
        TRY(look(f, t, &l));
    }
    return DLG_OK;
}

int finite_found(Finite *f, Unsound *nan, Unsound *infinite) {
    dlg_device *dev = f->prog->dev;
    size_t looks = f->looks, bytes = looks * 2 * sizeof *f->host;
    cl_int nothing = NOTHING;
    *nan = *infinite = (Unsound){0};
    f->looks = 0;
    if (looks == 0) return DLG_OK;
    TRY(rt_read(dev, f->first, 0, f->host, bytes));
    for (size_t i = 0; i < 2 * looks; i++) {
        Unsound *found = i % 2 ? infinite : nan;
        if (f->host[i] == (uint32_t)NOTHING || found->tensor) continue;
        *found = (Unsound){f->tensors[i / 2], f->begins[i / 2] + f->host[i], i % 2 == 0};
    }
    if (!nan->tensor && !infinite->tensor) return DLG_OK;
    cl_int code = clEnqueueFillBuffer(dev->queue, f->first, &nothing, sizeof nothing, 0, bytes, 0,
                                      NULL, NULL);
    return code ? rt_cl_fail(dev, code, "preparing a look at values") : DLG_OK;
}

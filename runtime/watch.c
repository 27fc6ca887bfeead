/* watch: where a run comes to what is not finite. Everything that it reads is looked at before it, and what each launch
 * writes after the launch.
 *
 * Requires a program on a device. Establishes: nothing that the program computes changes.
 *
 * Note "stale bits": memory of the arena is used again, and a launch may write a part of a buffer only. What stands in
 * the rest may be of another type, whose bits happen to be a NaN's. So a launch's buffers are copied before it, and
 * what still has the same bits after it does not count. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "data.h"

struct Watch {
    dlg_program *prog;
    Finite finite;
    cl_mem before;  /* copies of what a launch may write */
    char *infinite; /* what was infinite first; or NULL */
};

enum { ALIGN = 64 };

static bool may_write(cl_kernel kernel, size_t arg) {
    cl_kernel_arg_type_qualifier q = 0;
    cl_int code =
        clGetKernelArgInfo(kernel, (cl_uint)arg, CL_KERNEL_ARG_TYPE_QUALIFIER, sizeof q, &q, NULL);
    return code != CL_SUCCESS || !(q & CL_KERNEL_ARG_TYPE_CONST);
}

/* A tensor that the launch may write, passed as argument i and not before. */
static const dlg_tensor *written(const dlg_launch *l, cl_kernel kernel, size_t i) {
    const dlg_tensor *t = l->args[i].tensor;
    if (!t || !rt_type_is_float(t->type)) return NULL;
    for (size_t k = 0; k < i; k++)
        if (l->args[k].tensor == t) return NULL;
    return may_write(kernel, i) ? t : NULL;
}

static uint64_t padded(uint64_t bytes) {
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static uint64_t written_bytes(const dlg_launch *l, cl_kernel kernel) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < l->arg_count; i++) {
        const dlg_tensor *t = written(l, kernel, i);
        if (t) bytes += padded(t->bytes);
    }
    return bytes;
}

int watch_open(Watch **out, dlg_program *prog) {
    uint64_t most = ALIGN;
    Watch *w = *out = calloc(1, sizeof *w);
    if (!w) return rt_no_memory(prog->dev, sizeof *w);
    w->prog = prog;
    for (size_t i = 0; i < prog->plan.launch_count; i++) {
        uint64_t bytes = written_bytes(&prog->plan.launches[i], prog->kernels[i]);
        if (bytes > most) most = bytes;
    }
    TRY(finite_open(&w->finite, prog));
    return rt_buffer(prog->dev, most, "a copy of what a kernel writes", &w->before);
}

void watch_close(Watch *w) {
    if (!w) return;
    finite_close(&w->finite);
    if (w->before) clReleaseMemObject(w->before);
    free(w->infinite);
    free(w);
}

int dlg_check_nan(dlg_program *prog, int on) {
    if (!prog) return DLG_ERR_USAGE;
    if (!prog->dev->real)
        return rt_fail(prog->dev, DLG_ERR_USAGE, "the device `none` runs nothing");
    if (!on || prog->watch) {
        if (!on) watch_close(prog->watch);
        if (!on) prog->watch = NULL;
        return DLG_OK;
    }
    Watch *w = NULL;
    int status = watch_open(&w, prog);
    if (status == DLG_OK)
        prog->watch = w;
    else
        watch_close(w);
    return status;
}

const char *dlg_first_infinite(const dlg_program *prog) {
    return prog && prog->watch && prog->watch->infinite ? prog->watch->infinite : "";
}

/* ---- Messages -------------------------------------------------------------------------------------- */

typedef struct Text {
    char bytes[4096];
    size_t len;
} Text;

static void say(Text *t, const char *fmt, ...) RT_PRINTF(2, 3);
static void say(Text *t, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    size_t room = sizeof t->bytes - t->len;
    int n = vsnprintf(t->bytes + t->len, room, fmt, args);
    va_end(args);
    if (n > 0) t->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* The lines of the source that the kernel computes. */
static int say_lines(Text *t, const dlg_program *prog, const dlg_launch *l) {
    char *lines = rt_source_lines(prog, l->kernel);
    if (!lines) return rt_no_memory(prog->dev, 0);
    size_t count = 0;
    for (char *s = lines; *s; count++) {
        size_t len = strcspn(s, "\n");
        say(t, "\n    %.*s", (int)len, s);
        s += len + (s[len] == '\n');
    }
    if (count > 1)
        say(t, "\n  (of a program that `dlgc -O0` made, a kernel is one operation of one line)");
    free(lines);
    return DLG_OK;
}

static void say_run(Text *t, const dlg_program *prog, const dlg_entry *e) {
    if (e->trains)
        say(t, "step %llu of entry `%s`", (unsigned long long)prog->step + 1, e->name);
    else
        say(t, "entry `%s`", e->name);
}

/* "h[3, 2] is nan" */
static void say_what(Text *t, const Unsound *found) {
    char place[512];
    dlg_place(place, sizeof place, found->tensor, found->at);
    say(t, "%s is %s", place, found->nan ? "nan" : "infinite");
}

/* A NaN, with what was infinite before it or in the same launch. */
static int report_nan(const Watch *w, const Text *text, bool together) {
    return rt_fail(w->prog->dev, DLG_ERR_DIVERGED, "%s%s%s", text->bytes,
                   !w->infinite ? ""
                   : together   ? "\n  and "
                                : "\n  before it ",
                   w->infinite ? w->infinite : "");
}

static int note_infinite(Watch *w, const Text *text) {
    w->infinite = malloc(text->len + 1);
    if (!w->infinite) return rt_no_memory(w->prog->dev, text->len + 1);
    memcpy(w->infinite, text->bytes, text->len + 1);
    return DLG_OK;
}

/* What was found of one time: an infinity is told once, a NaN ends the run. */
static int judge(Watch *w, const dlg_entry *e, const dlg_launch *l, const int32_t *turn,
                 unsigned depth) {
    Unsound found[2]; /* NaN, infinite */
    bool known = w->infinite != NULL;
    TRY(finite_found(&w->finite, &found[0], &found[1]));
    for (int i = 1; i >= 0; i--) {
        Text text = {.len = 0};
        if (!found[i].tensor || (i == 1 && known)) continue;
        say_what(&text, &found[i]);
        if (!l) {
            say(&text, " before ");
            say_run(&text, w->prog, e);
            say(&text, found[i].tensor->kind == DLG_INPUT ? ": it is so in the data"
                                                          : ": no kernel was launched yet");
        } else {
            say(&text, " after kernel %s, launch %zu of %zu in ", l->kernel,
                (size_t)(l - e->launches) + 1, e->launch_count);
            say_run(&text, w->prog, e);
            for (unsigned k = 0; k < depth; k++)
                say(&text, ", iteration %d%s", (int)turn[k], k + 1 < depth ? "" : " of its loop");
            if (l->source) say(&text, ", from %s:%lld", l->source, (long long)l->line);
            TRY(say_lines(&text, w->prog, l));
        }
        TRY(i == 1 ? note_infinite(w, &text) : report_nan(w, &text, !known));
    }
    return DLG_OK;
}

/* ---- Looking --------------------------------------------------------------------------------------- */

int watch_begin(Watch *w, const dlg_entry *e) {
    const Plan *p = &w->prog->plan;
    for (size_t t = 0; t < p->tensor_count; t++) {
        const dlg_tensor *tensor = &p->tensors[t];
        bool reads = false;
        if (tensor->kind == DLG_ARENA || tensor->kind == DLG_OUTPUT) continue;
        for (size_t i = 0; i < e->launch_count && !reads; i++)
            for (size_t k = 0; k < e->launches[i].arg_count && !reads; k++)
                reads = e->launches[i].args[k].tensor == tensor;
        if (reads) TRY(finite_look(&w->finite, tensor, NULL, 0));
    }
    return judge(w, e, NULL, NULL, 0);
}

int watch_before(Watch *w, const dlg_launch *l, cl_kernel kernel) {
    uint64_t at = 0;
    for (size_t i = 0; i < l->arg_count; i++) {
        const dlg_tensor *t = written(l, kernel, i);
        if (!t) continue;
        cl_int code =
            clEnqueueCopyBuffer(w->prog->dev->queue, w->prog->buffers[t->index], w->before, 0,
                                (size_t)at, (size_t)t->bytes, 0, NULL, NULL);
        if (code) return rt_cl_fail(w->prog->dev, code, "keeping what a kernel may write");
        at += padded(t->bytes);
    }
    return DLG_OK;
}

int watch_after(Watch *w, const dlg_entry *e, const dlg_launch *l, const int32_t *turn,
                unsigned depth) {
    cl_kernel kernel = w->prog->kernels[l - w->prog->plan.launches];
    uint64_t at = 0;
    for (size_t i = 0; i < l->arg_count; i++) {
        const dlg_tensor *t = written(l, kernel, i);
        if (!t) continue;
        TRY(finite_look(&w->finite, t, w->before, at / dlg_type_bytes(t->type)));
        at += padded(t->bytes);
    }
    return judge(w, e, l, turn, depth);
}

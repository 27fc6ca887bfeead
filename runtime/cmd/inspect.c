/* dlg inspect: what a program consists of. It needs no device.
 *
 * Bytes and operations of an entry are the sums over its launches of what the plan says. Where it does
 * not, bytes are the sizes of the distinct buffers of a launch, and operations are not known. Beside them
 * stands how often they are the bound that the plan says (docs/passes.md). */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>
#include "highlight.h"
#include "inspect.h"

static bool launched_before(const dlg_entry *e, size_t launch) {
    for (size_t i = 0; i < launch; i++)
        if (strcmp(e->launches[i].kernel, e->launches[launch].kernel) == 0) return true;
    return false;
}

static bool passed_before(const dlg_launch *l, size_t arg) {
    for (size_t i = 0; i < arg; i++)
        if (l->args[i].tensor == l->args[arg].tensor) return true;
    return false;
}

/* How often a run of the entry launches what is in the repeats that are open. */
typedef struct Times {
    size_t next; /* repeat */
    const dlg_repeat *open[64];
    int depth;
} Times;

static double times_launched(Times *t, const dlg_entry *e, size_t i) {
    double times = 1;
    while (t->depth && i >= t->open[t->depth - 1]->end) t->depth--;
    for (; t->next < e->repeat_count && e->repeats[t->next].first == i && t->depth < 64; t->next++)
        t->open[t->depth++] = &e->repeats[t->next];
    for (int k = 0; k < t->depth; k++) times *= t->open[k]->trips;
    return times;
}

Sums inspect_sums(const dlg_entry *e) {
    Sums sums = {.flops_known = true};
    Times open = {0};
    for (size_t i = 0; i < e->launch_count; i++) {
        const dlg_launch *l = &e->launches[i];
        double times = times_launched(&open, e, i), bytes = (double)l->bytes;
        sums.launches += times;
        sums.kernels += !launched_before(e, i);
        sums.flops += times * (double)l->flops;
        if (!l->bytes && !l->flops) {
            sums.flops_known = false;
            for (size_t k = 0; k < l->arg_count; k++)
                if (l->args[k].tensor && !passed_before(l, k))
                    bytes += (double)l->args[k].tensor->bytes;
        }
        sums.bytes += times * bytes;
    }
    return sums;
}

const char *quantity_text(char *out, size_t size, double x, const char *unit) {
    if (x < 10000)
        snprintf(out, size, "%.0f %s", x, unit);
    else if (x < 1e6)
        snprintf(out, size, "%.1f k%s", x / 1e3, unit);
    else if (x < 1e9)
        snprintf(out, size, "%.1f M%s", x / 1e6, unit);
    else
        snprintf(out, size, "%.2f G%s", x / 1e9, unit);
    return out;
}

static void print_kind(const dlg_program *prog, dlg_kind kind, const char *name) {
    size_t count = 0;
    uint64_t elems = 0, bytes = 0;
    char text[32];
    for (size_t i = 0; i < dlg_tensor_count(prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(prog, i);
        if (t->kind != kind) continue;
        count++;
        elems += t->elems;
        bytes += t->bytes;
    }
    if (count)
        printf("  %-8s %4zu tensors  %10llu numbers  %9s\n", name, count, (unsigned long long)elems,
               quantity_text(text, sizeof text, (double)bytes, "B"));
}

double ratio_to(double x, int64_t bound) {
    return bound > 0 ? x / (double)bound : NAN;
}

const char *ratio_text(char *out, size_t size, double ratio) {
    if (isnan(ratio)) return "-";
    snprintf(out, size, "%.2f", ratio);
    return out;
}

static void print_table(const dlg_program *prog) {
    char bytes[32], arena[32], ratio[2][32];
    int width = 5;
    for (size_t i = 0; i < dlg_entry_count(prog); i++) {
        int len = (int)strlen(dlg_entry_at(prog, i)->name);
        if (len > width) width = len;
    }
    printf("%s (target %s, from %s)\n\n", dlg_program_model(prog), dlg_program_target(prog),
           dlg_program_source(prog));
    printf(
        "%-*s  launches  kernels  bytes a run  of bound  operations a run      arena  of bound\n",
        width, "entry");
    for (size_t i = 0; i < dlg_entry_count(prog); i++) {
        const dlg_entry *e = dlg_entry_at(prog, i);
        Sums sums = inspect_sums(e);
        char flops[32] = "?";
        if (sums.flops_known) quantity_text(flops, sizeof flops, sums.flops, "flop");
        printf(
            "%-*s  %8.0f  %7zu  %11s  %8s  %16s  %9s  %8s\n", width, e->name, sums.launches,
            sums.kernels, quantity_text(bytes, sizeof bytes, sums.bytes, "B"),
            ratio_text(ratio[0], sizeof ratio[0], ratio_to(sums.bytes, e->bound_bytes)), flops,
            quantity_text(arena, sizeof arena, (double)e->arena_bytes, "B"),
            ratio_text(ratio[1], sizeof ratio[1], ratio_to((double)e->arena_bytes, e->live_bytes)));
    }
    printf("\nmemory\n");
    print_kind(prog, DLG_INPUT, "inputs");
    print_kind(prog, DLG_PARAM, "params");
    print_kind(prog, DLG_STATE, "states");
    print_kind(prog, DLG_OUTPUT, "outputs");
    printf("  %-8s %4s          %10s          %9s\n", "arena", "", "",
           quantity_text(arena, sizeof arena, (double)dlg_program_arena_bytes(prog), "B"));
    printf("\n%zu kernels in the text; --kernels prints them\n", dlg_program_kernel_count(prog));
}

/* A whole number, as far as a 64-bit one can hold it. */
static json_t *count_json(double x) {
    return x < 9e18 ? json_integer((json_int_t)x) : json_real(x);
}

/* What is not known is null. */
static json_t *bound_json(int64_t bound) {
    return bound < 0 ? json_null() : json_integer((json_int_t)bound);
}

static json_t *ratio_json(double ratio) {
    return isnan(ratio) ? json_null() : json_real(ratio);
}

static int print_json(const dlg_program *prog) {
    json_t *root = json_object(), *entries = json_object();
    for (size_t i = 0; i < dlg_entry_count(prog); i++) {
        const dlg_entry *e = dlg_entry_at(prog, i);
        Sums sums = inspect_sums(e);
        json_t *entry = json_object();
        json_object_set_new(entry, "launches", count_json(sums.launches));
        json_object_set_new(entry, "kernels", json_integer((json_int_t)sums.kernels));
        json_object_set_new(entry, "bytes", count_json(sums.bytes));
        json_object_set_new(entry, "flops",
                            sums.flops_known ? count_json(sums.flops) : json_null());
        json_object_set_new(entry, "bound_bytes", bound_json(e->bound_bytes));
        json_object_set_new(entry, "bytes_ratio", ratio_json(ratio_to(sums.bytes, e->bound_bytes)));
        json_object_set_new(entry, "arena_bytes", json_integer((json_int_t)e->arena_bytes));
        json_object_set_new(entry, "live_bytes", bound_json(e->live_bytes));
        json_object_set_new(entry, "arena_ratio",
                            ratio_json(ratio_to((double)e->arena_bytes, e->live_bytes)));
        json_object_set_new(entries, e->name, entry);
    }
    json_object_set_new(root, "entries", entries);
    json_object_set_new(root, "arena_bytes",
                        json_integer((json_int_t)dlg_program_arena_bytes(prog)));
    return say_json(root, JSON_INDENT(2));
}

static void write_colored(void *user, Token kind, const char *text, size_t len) {
    static const char *const codes[] = {
        [TOKEN_COMMENT] = "\033[32m", [TOKEN_DIRECTIVE] = "\033[35m", [TOKEN_STRING] = "\033[33m",
        [TOKEN_NUMBER] = "\033[33m",  [TOKEN_KEYWORD] = "\033[34m",   [TOKEN_TYPE] = "\033[36m",
    };
    FILE *out = user;
    const char *code = kind == TOKEN_PLAIN ? NULL : codes[kind];
    if (code) fputs(code, out);
    fwrite(text, 1, len, out);
    if (code) fputs("\033[0m", out);
}

int cmd_inspect(const Args *a) {
    Session s = {0};
    int status = session_open(&s, a, false);
    if (!status && a->kernels) {
        size_t len;
        const char *text = dlg_program_kernels(s.prog, &len);
        if (wants_color(STDOUT_FILENO))
            highlight(text, len, write_colored, stdout);
        else
            fwrite(text, 1, len, stdout);
    } else if (!status && a->json) {
        status = print_json(s.prog);
    } else if (!status) {
        print_table(s.prog);
    }
    session_close(&s);
    return status;
}

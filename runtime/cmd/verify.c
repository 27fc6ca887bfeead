/* dlg verify: what a device computes against the reference on the same numbers, and the gradients that
 * a program takes against differences of the reference. A table of both. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"
#include "reference.h"

typedef struct Verify {
    Session s;
    const Args *a;
    Reference *ref;
    uint64_t random;
    unsigned compared, wrong, by_rounding;
    double *const *results, **noise; /* of the entry; noise NULL until a tensor needs it */
    bool terminal;                   /* what is being done is shown, on a line that goes away */
} Verify;

static int out_of_memory(void) {
    complain("out of memory");
    return EXIT_SYSTEM;
}

/* A constant of the model that makes less to compute, and a value for it: its batch, or else what is greatest. */
static const char *how_less(const Verify *v, char *text, size_t size) {
    const Program *p = v->ref->program;
    const ConstValue *best = NULL;
    for (uint32_t i = 0; i < p->consts.len; i++) {
        const ConstValue *c = &p->consts.at[i];
        if (c->value < 3 || c->value != floor(c->value)) continue;
        if (strncmp(c->name, "batch", 5) == 0) {
            snprintf(text, size, "-D %s=2", c->name);
            return text;
        }
        if (!best || c->value > best->value) best = c;
    }
    if (!best) return "smaller sizes in the model";
    snprintf(text, size, "-D %s=%.0f", best->name, fmax(2, floor(best->value / 8)));
    return text;
}

/* Of the reference, of which it is known beforehand. */
static int too_large(const Verify *v, const Entry *entry) {
    char less[256];
    const double bytes = reference_bytes(v->ref, entry), most = reference_most_bytes();
    if (bytes <= most)
        complain(
            "out of memory: entry `%s` of a smaller model may be held against its reference, by %s",
            entry->name, how_less(v, less, sizeof less));
    else
        complain(
            "entry `%s`: the reference needs %.3g GB of values at one time, and may have %.3g; "
            "less by %s",
            entry->name, bytes / 1e9, most / 1e9, how_less(v, less, sizeof less));
    return EXIT_SYSTEM;
}

/* What takes the time until the next row. The reference of a large model takes minutes. */
static void show_doing(const Verify *v, const char *entry, const char *what) {
    if (v->terminal) fprintf(stderr, "\r\033[K%s: %s ...", entry, what);
}

static void show_done(const Verify *v) {
    if (v->terminal) fputs("\r\033[K", stderr);
}

static double next_number(Verify *v, double lo, double hi) {
    v->random = v->random * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(v->random >> 11) / 9007199254740992.0;
}

/* What the plan calls a variable or an output of an entry. */
static const dlg_tensor *find(const Verify *v, const char *name, const char *variant) {
    char full[2048];
    if (!variant) return dlg_tensor_find(v->s.prog, name);
    snprintf(full, sizeof full, "%s@%s", name, variant);
    return dlg_tensor_find(v->s.prog, full);
}

/* ---- Values ------------------------------------------------------------------------------------ */

/* Elements of the device's tensor; NULL, having complained. */
static double *get(Verify *v, const dlg_tensor *t, int *status) {
    void *raw = malloc((size_t)t->bytes + 1);
    double *values = malloc(((size_t)t->elems + 1) * sizeof *values);
    int code = raw && values ? dlg_get(v->s.prog, t->name, raw, (size_t)t->bytes) : DLG_OK;
    if (!raw || !values)
        *status = out_of_memory();
    else if (code < 0)
        *status = complain_status(v->s.dev, code);
    for (uint64_t i = 0; !*status && i < t->elems; i++)
        values[i] = dlg_element(t->type, raw, (size_t)i);
    free(raw);
    if (!*status) return values;
    free(values);
    return NULL;
}

static int set_random(Verify *v, const dlg_tensor *t) {
    void *raw = malloc((size_t)t->bytes + 1);
    if (!raw) return out_of_memory();
    int code = DLG_OK;
    for (uint64_t i = 0; code == DLG_OK && i < t->elems; i++) {
        double x = next_number(v, -1, 1);
        if (t->type == DLG_I32 || t->type == DLG_BOOL) x = x >= 0;
        if (t->type == DLG_U8) x = floor((x + 1) * 128);
        code = dlg_put_element(t->type, raw, (size_t)i, x);
    }
    if (code == DLG_OK) code = dlg_set(v->s.prog, t->name, raw, (size_t)t->bytes);
    free(raw);
    return code < 0 ? complain_status(v->s.dev, code) : EXIT_DONE;
}

/* The data of an entry's inputs, where their files are there; otherwise what is wrong is told, and the
 * inputs are random. */
static int set_inputs(Verify *v, const dlg_entry *entry) {
    bool any = v->a->data_count > 0;
    size_t batch = 0;
    for (size_t i = 0; i < entry->read_count; i++) any |= entry->reads[i]->source.path != NULL;
    dlg_dataset_close(v->s.data);
    v->s.data = NULL;
    if (any) {
        dlg_dataset_options options = {.entries = &entry->name, .entry_count = 1};
        dlg_data *data = calloc(v->a->data_count + 1, sizeof *data);
        if (!data) return out_of_memory();
        for (size_t i = 0; i < v->a->data_count; i++)
            data[i] = (dlg_data){.name = v->a->data[i].name, .source = v->a->data[i].value};
        options.data = data;
        options.data_count = v->a->data_count;
        int code = dlg_dataset_open(&v->s.data, v->s.prog, &options);
        if (code == DLG_OK) code = dlg_dataset_batch(v->s.data, entry, &batch);
        free(data);
        if (code < 0 && v->a->data_count) return complain_status(v->s.dev, code);
        if (code == DLG_OK && batch > dlg_dataset_rows(v->s.data, DLG_ROWS_ALL)) batch = 0;
        if (code < 0)
            printf("%s: the inputs are random: %s\n", entry->name, dlg_error_text(v->s.dev));
    }
    for (size_t i = 0; i < entry->read_count; i++) {
        const dlg_tensor *t = entry->reads[i];
        if (batch && v->s.data && dlg_dataset_has(v->s.data, t)) continue;
        int status = set_random(v, t);
        if (status) return status;
    }
    if (!batch) return EXIT_DONE;
    size_t rows = dlg_dataset_rows(v->s.data, DLG_ROWS_ALL);
    uint32_t *numbers = malloc(batch * sizeof *numbers);
    if (!numbers) return out_of_memory();
    for (size_t i = 0; i < batch; i++) numbers[i] = (uint32_t)(next_number(v, 0, 1) * (double)rows);
    int code = dlg_dataset_feed(v->s.prog, v->s.data, entry, numbers, batch);
    free(numbers);
    return code < 0 ? complain_status(v->s.dev, code) : EXIT_DONE;
}

/* Whether the program has the variable as the model has it: --program may hold another. */
static bool is_the_same(const Entry *entry, const Variable *var, const dlg_tensor *t) {
    const bool type = strcmp(dtype_name(var->dtype), dlg_type_name(t->type)) == 0;
    if (type && (int64_t)t->elems == shape_elems(&var->shape)) return true;
    complain("%s: `%s` is of another %s in the program", entry->name, var->name,
             type ? "size" : "type");
    return false;
}

/* The reference starts from what the device starts from. */
static int copy_variables(Verify *v, const Entry *entry) {
    const Program *p = v->ref->program;
    for (NodeId id = 0; id < entry->graph.nodes.len; id++) {
        const Node *n = node_at(&entry->graph, id);
        if (n->op != OP_VAR) continue;
        const Variable *var = &p->vars.at[n->attr[0]];
        const dlg_tensor *t = find(v, var->name, var->variant);
        int status = EXIT_DONE;
        if (!t) continue; /* nothing that is computed needs it */
        if (!is_the_same(entry, var, t)) return EXIT_INPUT;
        double *values = get(v, t, &status);
        if (!values) return status;
        memcpy(v->ref->vars[n->attr[0]], values, (size_t)t->elems * sizeof *values);
        free(values);
    }
    return EXIT_DONE;
}

/* ---- Comparing --------------------------------------------------------------------------------- */

/* `error` below 0: there is none to show. */
static void row(const Verify *v, const char *entry, const char *name, uint64_t elems, double error,
                const char *note) {
    char text[32] = "-";
    if (!(error < 0)) snprintf(text, sizeof text, "%.3g", error);
    show_done(v);
    printf("%-17s %-28s %9llu  %14s%s\n", entry, name, (unsigned long long)elems, text, note);
    fflush(stdout);
}

/* How much of the greatest number of a tensor one element of the type may be off. */
static double allowed(const Verify *v, dlg_type type) {
    switch (type) {
    case DLG_F32: return v->a->tolerance;
    case DLG_F16: return fmax(v->a->tolerance, 0x1p-10);
    case DLG_BF16: return fmax(v->a->tolerance, 0x1p-7);
    default: return 0;
    }
}

/* Beyond this the user is told before it begins; and what all gradients of an entry may take together. */
#define LONG_OPERATIONS     1e10
#define GRADIENT_OPERATIONS 3e10

/* How many times as far as rounding took the reference it may take the device, which adds in another
 * order and has functions that are off by a few units: at the tolerance of old, less at a lesser one. */
#define ROUNDINGS 64

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The noise of each output and update; once an entry, and only where one is needed. */
static bool need_noise(Verify *v, const Entry *entry) {
    if (v->noise) return true;
    bool *wanted = calloc((size_t)entry->graph.nodes.len + 1, sizeof *wanted);
    if (!wanted) return false;
    for (uint32_t i = 0; i < entry->outputs.len; i++) wanted[entry->outputs.at[i].node] = true;
    for (uint32_t i = 0; i < entry->updates.len; i++) wanted[entry->updates.at[i].node] = true;
    show_doing(v, entry->name, "what rounding alone does, by the reference");
    v->noise = reference_noise(v->ref, entry, v->results, wanted);
    show_done(v);
    free(wanted);
    return v->noise != NULL;
}

/* What rounding lets an element differ by, whatever its neighbours are, of the type float: half of the
 * elements are rounded as much as this. One run may by chance leave one of them where it was. */
static double middle_noise(const dlg_tensor *t, const double *noise, bool *fits) {
    if (t->type != DLG_F32 && t->type != DLG_F16 && t->type != DLG_BF16) return 0;
    double *sorted = malloc(((size_t)t->elems + 1) * sizeof *sorted);
    *fits = sorted != NULL;
    if (!sorted) return 0;
    memcpy(sorted, noise, (size_t)t->elems * sizeof *sorted);
    qsort(sorted, (size_t)t->elems, sizeof *sorted, ascending);
    double middle = t->elems ? sorted[(t->elems - 1) / 2] : 0;
    free(sorted);
    return middle;
}

static double error_of(double got, double want, double scale) {
    if (got == want || (isnan(got) && isnan(want))) return 0;
    /* Beyond f32 the reference is finite and the device is not: both say that it is too large. */
    if (isinf(got) && fabs(want) > 3.4e38 && (got > 0) == (want > 0)) return 0;
    double error = fabs(got - want) / fmax(scale, 1e-30);
    return isnan(error) ? INFINITY : error;
}

/* Compares a tensor with what a node of the entry is. An element may be off by the tolerance, or by what
 * rounding alone does to it: a gradient that is 0 in mathematics is nothing but rounding, and Adam makes
 * a step of its learning rate of it. Those are counted in the table. */
static int compare(Verify *v, const char *name, const Entry *entry, const dlg_tensor *t,
                   NodeId node) {
    const double *want = v->results[node];
    const double most = allowed(v, t->type);
    const double times = ROUNDINGS * fmin(1, v->a->tolerance / TOLERANCE);
    int status = EXIT_DONE;
    double *got = get(v, t, &status), scale = 0, worst = 0, off = 0, middle = -1;
    uint64_t at = 0, rounded = 0;
    bool good = true, fits = true;
    char note[128];
    if (!got) return status;
    for (uint64_t i = 0; i < t->elems; i++)
        if (isfinite(want[i])) scale = fmax(scale, fabs(want[i]));
    for (uint64_t i = 0; i < t->elems && fits; i++) {
        double error = error_of(got[i], want[i], scale);
        if (error > most) {
            fits = need_noise(v, entry);
            if (fits && middle < 0) middle = middle_noise(t, v->noise[node], &fits);
            if (!fits) break;
            double apart = fabs(got[i] - want[i]);
            if (apart <= times * fmax(v->noise[node][i], middle)) {
                rounded++;
                off = fmax(off, apart);
                continue;
            }
            good = false;
        }
        if (error > worst) worst = error, at = i;
    }
    if (!fits) {
        free(got);
        return too_large(v, entry);
    }
    size_t n = (size_t)snprintf(note, sizeof note, "%s", good ? "" : "  WRONG");
    if (rounded)
        snprintf(note + n, sizeof note - n, "  %llu by rounding alone, off by up to %.2g",
                 (unsigned long long)rounded, off);
    row(v, name, t->name, t->elems, rounded && rounded == t->elems ? -1 : worst, note);
    v->compared++;
    v->by_rounding += good && rounded;
    if (!good) {
        char where[512];
        dlg_place(where, sizeof where, t, at);
        complain("entry `%s`: %s is %.9g on the device and %.9g by the reference", name, where,
                 got[at], want[at]);
        v->wrong++;
    }
    free(got);
    return EXIT_DONE;
}

/* How many of the gradients are held against differences, which are two passes forward each: a training step is about
 * three. */
static uint32_t most_gradients(const Entry *entry) {
    const double each = reference_operations(entry) * 2 / 3, all = entry->derivatives.len;
    return (uint32_t)fmin(all, fmax(2, floor(GRADIENT_OPERATIONS / fmax(each, 1))));
}

static int derivatives(Verify *v, const Entry *entry) {
    const Program *p = v->ref->program;
    const uint64_t all = entry->derivatives.len, most = most_gradients(entry);
    char less[256];
    if (most < all) {
        show_done(v);
        printf("%s: %llu of %llu gradients are held against differences, for time; all are by %s\n",
               entry->name, (unsigned long long)most, (unsigned long long)all,
               how_less(v, less, sizeof less));
        fflush(stdout);
    }
    for (uint32_t i = 0; i < entry->derivatives.len; i++) {
        const Derivative *d = &entry->derivatives.at[i];
        const char *of = node_at(&entry->graph, d->y)->name;
        bool again = false;
        if ((i + 1) * most / all == i * most / all) continue; /* spread over all */
        for (uint32_t k = 0; k < i && !again; k++)
            again = entry->derivatives.at[k].y == d->y && entry->derivatives.at[k].wrt == d->wrt;
        if (again) continue;
        DerivativeCheck check;
        char doing[64];
        snprintf(doing, sizeof doing, "gradient %u of %u against differences", i + 1,
                 entry->derivatives.len);
        show_doing(v, entry->name, doing);
        bool held = reference_derivative(v->ref, entry, d, v->a->seed + i + 1, &check);
        show_done(v);
        if (!held) return too_large(v, entry);
        const Node *wrt = node_at(&entry->graph, d->wrt);
        char name[512];
        snprintf(name, sizeof name, "d %s / d %s", of ? of : "y",
                 wrt->op == OP_VAR ? p->vars.at[check.var].name
                 : wrt->name       ? wrt->name
                                   : "x");
        if (check.skipped) {
            printf("%-17s %-28s not checked: %s\n", entry->name, name, check.skipped);
            fflush(stdout);
            continue;
        }
        bool rounds = wrt->dtype != DT_F32;
        bool good = check.error <= fmax(1e-4, rounds ? 0x1p-7 : 0);
        bool fine = check.miss <= 1e-4 || rounds;
        row(v, entry->name, name, (uint64_t)shape_elems(&wrt->shape), check.miss,
            !good          ? "  by differences, WRONG"
            : check.beside ? "  by differences, beside a kink"
            : fine         ? "  by differences"
                           : "  by differences, which round as much");
        v->compared++;
        if (good) continue;
        v->wrong++;
        complain("entry `%s`: %s along a random direction is %.9g, and %.9g by differences",
                 entry->name, name, check.symbolic, check.difference);
    }
    return EXIT_DONE;
}

/* What an optimizer keeps is 0 at first, and hides what it is multiplied by: a step makes it something else. */
static int take_step(Verify *v, const dlg_entry *device) {
    if (!device->trains) return EXIT_DONE;
    int status = set_inputs(v, device), code = status ? DLG_OK : dlg_run(v->s.prog, device->name);
    if (!status && code == DLG_OK) code = dlg_finish(v->s.prog);
    return code < 0 ? complain_status(v->s.dev, code) : status;
}

static int verify_entry(Verify *v, const Entry *entry) {
    char name[1200];
    snprintf(name, sizeof name, "%s%s%s", entry->name, entry->variant ? "@" : "",
             entry->variant ? entry->variant : "");
    const dlg_entry *device = session_entry(&v->s, name);
    if (!device) return EXIT_INPUT;
    int status = EXIT_DONE, code = dlg_init(v->s.prog, v->a->seed);
    if (code < 0) return complain_status(v->s.dev, code);
    status = session_load_weights(&v->s, v->a);
    if (!status) status = take_step(v, device);
    if (!status) status = set_inputs(v, device);
    if (!status) status = copy_variables(v, entry);
    if (status) return status;
    v->noise = NULL;
    if (reference_operations(entry) > LONG_OPERATIONS) {
        char less[256];
        fprintf(stderr, "%s: the reference takes a minute or more; less by %s\n", name,
                how_less(v, less, sizeof less));
    }
    show_doing(v, name, "the reference evaluates it");
    v->results = reference_run(v->ref, entry);
    show_done(v);
    if (!v->results) return too_large(v, entry);
    code = dlg_run(v->s.prog, device->name);
    if (code == DLG_OK) code = dlg_finish(v->s.prog);
    if (code < 0) return complain_status(v->s.dev, code);
    for (uint32_t i = 0; !status && i < entry->outputs.len; i++) {
        const Output *o = &entry->outputs.at[i];
        /* By place: another entry may call one of another shape the same. */
        if (i >= device->return_count) break;
        const dlg_tensor *t = device->returns[i];
        if ((int64_t)t->elems != shape_elems(&node_at(&entry->graph, o->node)->shape)) {
            complain("%s: `%s` is of another size in the program", name, o->name);
            return EXIT_INPUT;
        }
        status = compare(v, name, entry, t, o->node);
    }
    for (uint32_t i = 0; !status && i < entry->updates.len; i++) {
        const Update *u = &entry->updates.at[i];
        const Variable *var = &v->ref->program->vars.at[u->var];
        const dlg_tensor *t = find(v, var->name, var->variant);
        if (t && !is_the_same(entry, var, t)) return EXIT_INPUT;
        if (t) status = compare(v, name, entry, t, u->node);
    }
    return status || entry->variant ? status : derivatives(v, entry);
}

static int open_reference(Verify *v) {
    const Args *a = v->a;
    size_t n = strlen(a->file);
    if (n < 4 || strcmp(a->file + n - 4, ".dlg") != 0) {
        complain("%s: the reference is made of a .dlg; --program holds a .cl against it", a->file);
        return EXIT_USAGE;
    }
    CompileOptions options = {.defines = a->defines,
                              .define_count = a->define_count,
                              .include_dirs = a->include_dirs,
                              .include_dir_count = a->include_dir_count};
    CompileResult result = reference_open(&v->ref, a->file, &options);
    int status = result.status;
    if (status && result.diagnostics) fputs(result.diagnostics, stderr);
    compile_free(&result);
    return status;
}

int cmd_verify(const Args *a) {
    Verify v = {.a = a, .random = a->seed * 2 + 1, .terminal = isatty(STDERR_FILENO) == 1};
    Args program = *a;
    bool any = false;
    if (a->program) {
        program.file = a->program;
        program.define_count = 0; /* they are the reference's */
    }
    int status = open_reference(&v);
    if (!status) status = session_open(&v.s, &program, true);
    if (!status && a->entry && !session_entry(&v.s, a->entry)) status = EXIT_INPUT;
    if (!status) printf("%-17s %-28s %9s  %14s\n", "entry", "tensor", "elements", "greatest error");
    for (uint32_t i = 0; !status && i < v.ref->program->entries.len; i++) {
        const Entry *entry = v.ref->program->entries.at[i];
        if (a->entry && strcmp(a->entry, entry->name) != 0) continue;
        any = true;
        status = verify_entry(&v, entry);
    }
    if (!status && !any) {
        complain("%s has nothing to verify", a->file);
        status = EXIT_INPUT;
    }
    if (!status && v.wrong) {
        complain("%u of %u are wrong", v.wrong, v.compared);
        status = EXIT_INPUT;
    } else if (!status) {
        printf("all %u are within %g", v.compared, a->tolerance);
        if (v.by_rounding)
            printf(", but %u with elements that rounding alone decides", v.by_rounding);
        printf("\n");
    }
    session_close(&v.s);
    reference_close(v.ref);
    return status;
}

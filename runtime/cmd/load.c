/* load: from FILE and options to a program on a device with its data; complaints. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "cmd.h"
#include "compile.h"
#include "rt.h"
#include "tiles_file.h"

#include <jansson.h>

void complain(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fflush(stdout);
    fputs("dlg: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
}

bool wants_color(int fd) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) == 1 && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

int say_json(json_t *document, size_t flags) {
    char *text = json_dumps(document, flags);
    json_decref(document);
    if (!text) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    puts(text);
    free(text);
    return EXIT_DONE;
}

int complain_status(const dlg_device *dev, int status) {
    const char *text = dlg_error_text(dev);
    complain("%s", text && *text ? text : dlg_status_text(status));
    switch (status) {
    case DLG_ERR_MEMORY:
    case DLG_ERR_DEVICE:
    case DLG_ERR_OPENCL:
    case DLG_ERR_BUILD:
    case DLG_ERR_LIMIT: return EXIT_SYSTEM;
    case DLG_ERR_DIVERGED: return EXIT_DIVERGED;
    default: return EXIT_INPUT;
    }
}

int complain_write(const dlg_device *dev, int status) {
    complain_status(dev, status);
    return EXIT_SYSTEM;
}

double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- Programs ---------------------------------------------------------------------------------- */

static bool ends_in(const char *path, const char *end) {
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

/* The target for a device of which matrix units of such a kind are used (see dlg_device_info). */
static const char *target_for(const Args *a, const dlg_device_info *info, unsigned matrix_units) {
    if (a->target || !info) return a->target;
    dlg_device_info like = *info;
    like.matrix_units = matrix_units;
    return dlg_device_target(&like);
}

void session_compile_options(const Args *a, const dlg_device *dev, CompileOptions *options) {
    const dlg_device_info *info = dlg_device_get_info(dev);
    *options = (CompileOptions){.target = target_for(a, info, info ? info->matrix_units : 0),
                                .precision = a->precision,
                                .pair = a->pair,
                                .defines = a->defines,
                                .define_count = a->define_count,
                                .include_dirs = a->include_dirs,
                                .include_dir_count = a->include_dir_count,
                                .mem_budget_bytes = a->mem_budget_bytes,
                                .color = wants_color(STDERR_FILENO)};
}

/* The driver did not build what a model was compiled to, which is not for the model's writer to mend. */
static void say_compiled(const Args *a, const char *target) {
    fprintf(stderr,
            "  the lines are not those of %s, but of the program that it is compiled to: `dlgc "
            "%s%s%s -o FILE.cl`, with the same -D, writes it. The driver or dlg is at fault: "
            "another --target may do\n",
            a->file, a->file, target ? " --target " : "", target ? target : "");
}

/* A program that needs matrix units, and does not build, is made for those of the kind before, in the end without. */
static int compile_for(Session *s, const Args *a, const Tiles *tiles) {
    const dlg_device_info *info = dlg_device_get_info(s->dev);
    unsigned units = info ? info->matrix_units : 0;
    CompileOptions options;
    session_compile_options(a, s->dev, &options);
    options.tiles = tiles->at;
    options.tile_count = tiles->count;
    dlg_program_options load = {.seed = a->seed};
    for (bool again = false;; again = true) {
        CompileResult result = compile_file(a->file, &options);
        bool news = !again || result.status != 0; /* the warnings are the same */
        if (news && result.diagnostics) fputs(result.diagnostics, stderr);
        int status = result.status, loaded = DLG_OK; /* dlgc's statuses are ours */
        double begin = seconds_now();
        Progress progress;
        progress_init(&progress, a->quiet || a->json || !dlg_device_get_info(s->dev), false);
        if (status == 0) progress_wait(&progress, "building kernels");
        if (status == 0)
            loaded = dlg_program_load_text(&s->prog, s->dev, a->file, result.text, result.text_len,
                                           &load);
        progress_end(&progress);
        if (s->prog && builders_wanted(s->prog, seconds_now() - begin)) {
            s->text = result.text; /* which is ours then */
            s->text_len = result.text_len;
            result.text = NULL;
        }
        compile_free(&result);
        if (loaded >= 0) return status;
        if (loaded != DLG_ERR_BUILD || a->target || units == 0) {
            complain_status(s->dev, loaded);
            if (loaded == DLG_ERR_BUILD) say_compiled(a, options.target);
            return EXIT_SYSTEM;
        }
        const char *without = target_for(a, info, --units);
        complain("note: %s does not build for the target %s here, and is compiled for %s%s:\n%s",
                 a->file, options.target, without, units ? "" : ", without matrix units",
                 dlg_error_text(s->dev));
        options.target = without;
    }
}

static int compile_and_load(Session *s, const Args *a) {
    Tiles tiles;
    tiles_read(&tiles, s->dev);
    int status = compile_for(s, a, &tiles);
    tiles_free(&tiles);
    return status;
}

static const dlg_device *in_use; /* NULL: none is, or no longer */

/* PoCL's compiler ends the process where it cannot write. */
static void driver_ended(void) {
    char why[RT_CACHE_WHY];
    if (!in_use || !rt_cache_fails(in_use, why, sizeof why)) return;
    complain("the OpenCL driver ended the process: %s", why);
    _exit(EXIT_SYSTEM);
}

static void watch_driver(const dlg_device *dev) {
    static bool watched;
    if (!watched) watched = atexit(driver_ended) == 0;
    in_use = dev;
}

static int open_device(Session *s, const Args *a, bool device_needed) {
    const char *selector = a->device ? a->device : getenv("DLG_DEVICE");
    if (selector && !*selector) selector = NULL;
    int status = dlg_device_open(&s->dev, device_needed ? selector : "none");
    if (status == DLG_ERR_DEVICE && selector) {
        dlg_device_info *list = NULL;
        size_t count = 0; /* none at all is the system's fault, none of that name the user's */
        if (dlg_device_list(&list, &count) < 0) count = 0;
        dlg_device_list_free(list);
        complain("%s%s%s", dlg_error_text(s->dev),
                 a->device ? "" : " (the environment variable DLG_DEVICE asks for it)",
                 count ? "; `dlg devices` lists them" : "");
        return count ? EXIT_USAGE : EXIT_SYSTEM;
    }
    if (status < 0) return complain_status(s->dev, status);
    watch_driver(s->dev);
    if (device_needed && !dlg_device_get_info(s->dev)) {
        complain("the device `none` runs nothing");
        return EXIT_USAGE;
    }
    s->pair = a->pair;
    if (a->pair && (status = dlg_device_pair(s->dev, DLG_PAIR_FREE)) < 0) {
        complain_status(s->dev, status);
        return status == DLG_ERR_USAGE ? EXIT_USAGE : EXIT_SYSTEM;
    }
    return EXIT_DONE;
}

int session_open_device(Session *s, const Args *a) {
    *s = (Session){0};
    if (!ends_in(a->file, ".dlg")) {
        complain("%s: is no .dlg, of which alone tiles can be chosen", a->file);
        return EXIT_INPUT;
    }
    return open_device(s, a, true);
}

static int not_a_model(const char *path) {
    size_t size = strlen(path) + sizeof ".dlg";
    char *model = malloc(size);
    if (model) snprintf(model, size, "%s.dlg", path);
    bool there = model && access(model, R_OK) == 0;
    complain("`%s` is neither a .dlg nor a .cl%s%s%s", path, there ? "; is it `" : "",
             there ? model : "", there ? "`?" : "");
    free(model);
    return EXIT_INPUT;
}

int session_open(Session *s, const Args *a, bool device_needed) {
    *s = (Session){0};
    bool source = ends_in(a->file, ".dlg");
    if (!source && !ends_in(a->file, ".cl")) {
        return not_a_model(a->file);
    }
    if (access(a->file, R_OK) != 0) {
        complain("cannot open %s: %s", a->file, strerror(errno));
        return EXIT_INPUT;
    }
    if (!source && (a->define_count || a->target || a->precision || a->mem_budget_bytes)) {
        complain("%s is compiled already: %s is for a .dlg", a->file,
                 a->target         ? "--target"
                 : a->precision    ? "--precision"
                 : a->define_count ? "-D"
                                   : "--mem-budget");
        return EXIT_USAGE;
    }
    int status = open_device(s, a, device_needed);
    if (status != EXIT_DONE) return status;
    if (source) return compile_and_load(s, a);
    dlg_program_options options = {.seed = a->seed};
    status = dlg_program_load_file(&s->prog, s->dev, a->file, &options);
    if (status == DLG_ERR_BUILD) { /* a .cl may be edited: it is an input */
        complain_status(s->dev, status);
        return EXIT_INPUT;
    }
    return status < 0 ? complain_status(s->dev, status) : EXIT_DONE;
}

void session_build(Session *s, const dlg_entry *entry) {
    static const char *const command[] = {"dlg", build_command, NULL};
    if (s->text)
        builders_start(&s->builders, s->prog, entry->name, s->text, s->text_len, s->pair, command);
    free(s->text);
    s->text = NULL;
}

void session_close(Session *s) {
    free(s->text);
    builders_end(&s->builders);
    dlg_dataset_close(s->data);
    dlg_program_close(s->prog);
    in_use = NULL;
    dlg_device_close(s->dev);
}

const dlg_entry *session_entry(Session *s, const char *name) {
    const dlg_entry *entry;
    if (rt_find_entry(s->prog, name, &entry) < 0) complain("%s", dlg_error_text(s->dev));
    return entry;
}

static void say_left(void *context, const char *what) {
    fprintf(stderr, "%s: left: %s\n", (const char *)context, what);
}

static void say_unsound(void *context, const char *what) {
    complain("warning: %s: %s", (const char *)context, what);
}

bool is_other_model(const char *why) {
    return strstr(why, " in the program") || strstr(why, " is missing") ||
           strstr(why, " does not have");
}

int session_load_weights(Session *s, const Args *a) {
    if (!a->load && a->partial) {
        complain("--partial says how to --load, which is not there");
        return EXIT_USAGE;
    }
    if (!a->load) return EXIT_DONE;
    dlg_weights_options options = {.partial = a->partial,
                                   .left = say_left,
                                   .unsound = say_unsound,
                                   .context = (void *)(uintptr_t)a->load};
    int status = dlg_weights_load(s->prog, a->load, &options);
    if (status == DLG_ERR_WEIGHTS && !a->partial) {
        bool other = is_other_model(dlg_error_text(s->dev));
        int exit_status = complain_status(s->dev, status);
        if (other) fputs("  --partial loads what fits\n", stderr);
        return exit_status;
    }
    return status < 0 ? complain_status(s->dev, status) : EXIT_DONE;
}

static bool is_set(const Args *a, const dlg_tensor *t) {
    for (size_t i = 0; i < a->set_count; i++)
        if (strcmp(a->set[i].name, t->name) == 0 || strcmp(a->set[i].name, t->user_name) == 0)
            return true;
    return false;
}

int session_check_nan(Session *s, const Args *a) {
    int status = a->check_nan ? dlg_check_nan(s->prog, 1) : DLG_OK;
    return status < 0 ? complain_status(s->dev, status) : EXIT_DONE;
}

void session_say_infinite(const Session *s, const Args *a) {
    const char *text = dlg_first_infinite(s->prog);
    if (!a->check_nan || a->quiet) return;
    printf("no NaN was found%s%s\n", *text ? "; what was infinite first: " : "", text);
}

/* A param that the entry's launches take. */
static const dlg_tensor *untrained_param(const Args *a, const dlg_entry *entry) {
    for (size_t i = 0; i < entry->launch_count; i++)
        for (size_t k = 0; k < entry->launches[i].arg_count; k++) {
            const dlg_tensor *t = entry->launches[i].args[k].tensor;
            if (t && t->kind == DLG_PARAM && !is_set(a, t)) return t;
        }
    return NULL;
}

void session_say_untrained(const Session *s, const Args *a, const dlg_entry *entry) {
    const dlg_tensor *param = a->load || a->quiet ? NULL : untrained_param(a, entry);
    if (!param) return;
    complain(
        "note: without --load the params (`%s`, ...) have the values that training begins with, "
        "of --seed %llu",
        param->name, (unsigned long long)dlg_seed(s->prog));
}

/* --set NAME=NUMBER, of a scalar. False when it is a file. */
static bool set_number(Session *s, const Pair *set, int *status) {
    const dlg_tensor *t = dlg_tensor_find(s->prog, set->name);
    char *end;
    double v = strtod(set->value, &end);
    if (!t || t->rank || *end || end == set->value) return false;
    uint32_t element;
    if (dlg_put_element(t->type, &element, 0, v) < 0) {
        complain("--set %s=%s: `%s` is %s", set->name, set->value, t->name, dlg_type_name(t->type));
        *status = EXIT_INPUT;
        return true;
    }
    int code = dlg_set(s->prog, t->name, &element, (size_t)t->bytes);
    *status = code < 0 ? complain_status(s->dev, code) : EXIT_DONE;
    return true;
}

/* One value of --set, of which an input of samples has a row each. */
static void say_samples(const Session *s, const Args *a, const Pair *set, int status) {
    const dlg_tensor *t = dlg_tensor_find(s->prog, set->name);
    bool feeds = strcmp(a->command, "train") == 0 || strcmp(a->command, "eval") == 0;
    if (status == DLG_ERR_UNSUPPORTED && strpbrk(set->value, "0123456789") &&
        strspn(set->value, "0123456789.,+-eE[] ") == strlen(set->value) &&
        access(set->value, F_OK) != 0) {
        fprintf(stderr, "  numbers are given in a file, such as a .csv\n");
        return;
    }
    if (!t || t->source.form == DLG_SOURCE_NONE) return;
    if (status == DLG_ERR_SIZE || status == DLG_ERR_UNSUPPORTED)
        fprintf(stderr,
                "  --set gives the whole tensor; samples, of which each %s takes some: "
                "--data %s=%s\n",
                feeds ? "batch" : "run of --rows", set->name, set->value);
    else if (status == DLG_OK && feeds && !a->quiet)
        complain("note: `%s` is the same in every batch now; --data %s=SOURCE gives other samples "
                 "than %s",
                 set->name, set->name, t->source.path);
}

/* What --data cannot be for. */
static void say_no_samples(const Session *s, const Args *a) {
    for (size_t i = 0; i < a->data_count; i++) {
        const dlg_tensor *t = dlg_tensor_find(s->prog, a->data[i].name);
        if (!t || (t->kind == DLG_INPUT && t->rank > 0)) continue;
        fprintf(stderr, "  --data gives inputs their samples; `%s` is %s", t->user_name,
                t->kind == DLG_INPUT   ? "one number"
                : t->kind == DLG_PARAM ? "a param"
                : t->kind == DLG_STATE ? "a state"
                                       : "a result");
        if (t->kind != DLG_OUTPUT)
            fprintf(stderr, ": --set %s=%s", t->user_name, t->rank ? "FILE.npy" : "NUMBER");
        fputc('\n', stderr);
        return;
    }
}

int session_set_tensors(Session *s, const Args *a) {
    for (size_t i = 0; i < a->set_count; i++) {
        int done;
        if (set_number(s, &a->set[i], &done)) {
            if (done) return done;
            continue;
        }
        int status = dlg_set_file(s->prog, a->set[i].name, a->set[i].value);
        int exit_status = status < 0 ? complain_status(s->dev, status) : EXIT_DONE;
        double value;
        if (status == DLG_ERR_NAME && dlg_program_const(s->prog, a->set[i].name, &value) == DLG_OK)
            fprintf(stderr, "  `%s` is a constant of the model: -D %s=%s\n", a->set[i].name,
                    a->set[i].name, a->set[i].value);
        say_samples(s, a, &a->set[i], status);
        if (status < 0) return exit_status;
    }
    return EXIT_DONE;
}

/* ---- Data -------------------------------------------------------------------------------------- */

static int out_of_memory(void) {
    complain("out of memory");
    return EXIT_SYSTEM;
}

/* Whether a source is a device, a pipe or a folder: what a weights file names is not to be trusted so far. */
static bool is_special(const char *source) {
    char *path = strdup(source);
    struct stat st;
    bool special = path == NULL;
    while (path && *path) {
        if (stat(path, &st) == 0) {
            special = !S_ISREG(st.st_mode);
            break;
        }
        char *colon = strrchr(path, ':');
        if (!colon) break;
        *colon = 0;
    }
    free(path);
    return special;
}

static int check_recorded(const Args *a, const Pair *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!is_special(list[i].value)) continue;
        complain(
            "%s names %s as the data held out for `%s`, which is no regular file; --data gives "
            "other data",
            a->load, list[i].value, list[i].name);
        return EXIT_INPUT;
    }
    return EXIT_DONE;
}

int session_held_out(Session *s, const Args *a, Pair **list, size_t *count) {
    static const char prefix[] = "held_out_source.";
    size_t tensors = dlg_tensor_count(s->prog);
    *count = 0;
    *list = calloc(tensors + 1, sizeof **list);
    if (!*list) return out_of_memory();
    for (size_t i = 0; i < tensors; i++) {
        const dlg_tensor *t = dlg_tensor_at(s->prog, i);
        if (t->kind != DLG_INPUT || strcmp(t->name, t->user_name) != 0) continue;
        size_t size = sizeof prefix + strlen(t->name);
        char *name = malloc(size);
        if (!name) return out_of_memory();
        snprintf(name, size, "%s%s", prefix, t->name);
        const char *source = dlg_meta_get(s->prog, name);
        if (source) (*list)[(*count)++] = (Pair){t->name, source};
        free(name);
    }
    return check_recorded(a, *list, *count);
}

/* A file beside the model that says where its data comes from, as samples have one; NULL: there is none. To be freed. */
static char *data_page(const Session *s) {
    static const char name[] = "DATA.md";
    const char *file = dlg_program_file(s->prog), *slash = strrchr(file, '/');
    const size_t dir = slash ? (size_t)(slash - file) + 1 : 0;
    char *page = malloc(dir + sizeof name);
    if (!page) return NULL;
    memcpy(page, file, dir);
    memcpy(page + dir, name, sizeof name);
    if (access(page, R_OK) == 0) return page;
    free(page);
    return NULL;
}

static int complain_data(const Session *s, int status, const char *option) {
    if (status != DLG_ERR_FILE) return status < 0 ? complain_status(s->dev, status) : EXIT_DONE;
    char *page = data_page(s);
    complain("%s; --%s NAME=SOURCE gives other data%s%s%s", dlg_error_text(s->dev), option,
             page ? ", and " : "", page ? page : "", page ? " says where this comes from" : "");
    free(page);
    return EXIT_INPUT;
}

int session_hold_out(Session *s, const Pair *list, size_t count) {
    dlg_data *data = calloc(count + 1, sizeof *data);
    if (!data) return out_of_memory();
    for (size_t i = 0; i < count; i++)
        data[i] = (dlg_data){.name = list[i].name, .source = list[i].value};
    int status = dlg_dataset_hold_out(s->data, data, count);
    free(data);
    return complain_data(s, status, "holdout-data");
}

/* What `eval` and `run --held-out` take where nothing else is given: the data that was held out. */
static bool takes_held_out(const Args *a) {
    if (a->data_count) return false;
    return (strcmp(a->command, "eval") == 0 && !a->all) || a->held_out;
}

/* Whether the error is of that file, which is found beside the model too. */
static bool is_of_file(const Session *s, const char *path) {
    const char *text = dlg_error_text(s->dev), *at = strstr(text, path);
    return at && (at == text || at[-1] == '/') && at[strlen(path)] == ':';
}

/* A text of the model that was read as a table, for nothing says what it is. */
static void say_text(const Session *s, const Pair *given, size_t given_count) {
    for (size_t i = 0; i < dlg_tensor_count(s->prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(s->prog, i);
        if (t->kind != DLG_INPUT || t->source.form != DLG_SOURCE_WHOLE) continue;
        if (strchr(t->name, '@') || !ends_in(t->source.path, ".txt")) continue;
        size_t k = 0;
        while (k < given_count && strcmp(given[k].name, t->user_name) != 0) k++;
        if (k < given_count || !is_of_file(s, t->source.path)) continue;
        fprintf(stderr,
                "  %s is read as a table of numbers; the characters of a text are `from \"%s\" "
                "chars` in the model\n",
                t->source.path, t->source.path);
        return;
    }
}

int session_data(Session *s, const Args *a, const char *const *entries, size_t entry_count,
                 const char *const *inputs, size_t input_count) {
    const Pair *given = a->data;
    Pair *recorded = NULL;
    size_t given_count = a->data_count;
    if (takes_held_out(a)) {
        int found = session_held_out(s, a, &recorded, &given_count);
        if (found) {
            free(recorded);
            return found;
        }
        given = recorded;
    }
    dlg_data *data = calloc(given_count + 1, sizeof *data);
    const char **without = calloc(a->set_count + 1, sizeof *without);
    for (size_t i = 0; without && i < a->set_count; i++) without[i] = a->set[i].name;
    for (size_t i = 0; data && i < given_count; i++)
        data[i] = (dlg_data){.name = given[i].name, .source = given[i].value};
    dlg_dataset_options options = {.entries = entries,
                                   .entry_count = entry_count,
                                   .inputs = inputs,
                                   .input_count = input_count,
                                   .without = without,
                                   .without_count = a->set_count,
                                   .data = data,
                                   .data_count = given_count,
                                   .memory_bytes = (uint64_t)a->data_memory_bytes};
    bool memory = data && without;
    int status = memory ? dlg_dataset_open(&s->data, s->prog, &options) : DLG_OK;
    free(data);
    free(without);
    int exit_status = memory ? complain_data(s, status, "data") : out_of_memory();
    if (status == DLG_ERR_NAME || status == DLG_ERR_DATA) say_no_samples(s, a);
    if (status == DLG_ERR_DATA) say_text(s, given, given_count);
    free(recorded);
    return exit_status;
}

int session_inputs_given(Session *s, const Args *a, const dlg_entry *entry) {
    int status = EXIT_DONE;
    bool running = strcmp(a->command, "run") == 0 && !a->has_rows;
    for (size_t i = 0; i < entry->read_count; i++) {
        const dlg_tensor *t = entry->reads[i];
        if (is_set(a, t) || (s->data && dlg_dataset_has(s->data, t))) continue;
        const char *name = t->user_name;
        if (t->rank == 0)
            complain("entry `%s` reads `%s`, which has no value: give it with --set %s=NUMBER",
                     entry->name, name, name);
        else if (running && t->source.path)
            complain("entry `%s` reads `%s`, whose samples are in %s: say which rows, such as "
                     "--rows 0:8, or give the whole tensor with --set %s=FILE.npy",
                     entry->name, name, t->source.path, name);
        else
            complain("entry `%s` reads `%s`, which has no data: give samples with --data "
                     "%s=SOURCE%s, or "
                     "the whole tensor with --set %s=FILE.npy",
                     entry->name, name, name, running ? " --rows 0:8" : "", name);
        status = EXIT_INPUT;
    }
    return status;
}

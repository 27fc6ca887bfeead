/* dlg report: a program as one HTML page: what it consists of, its launches drawn, its memory, its kernels with their
 * lines; a profile and the curves of a training run, where they are given. It needs no device.
 *
 * Establishes: the page is one file that loads nothing else and runs no script; what a model, log or trace says stands
 * in it as text, whatever characters it has; the same inputs give the same bytes. */
#include <stdlib.h>
#include <string.h>
#include "files.h"
#include "highlight.h"
#include "plot.h"
#include "report.h"

static int no_memory(void) {
    complain("out of memory");
    return EXIT_SYSTEM;
}

void html_text(FILE *out, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) switch (text[i]) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc((unsigned char)text[i] < 0x20 && text[i] != '\n' ? ' ' : text[i], out);
        }
}

void html_puts(FILE *out, const char *text) {
    html_text(out, text, strlen(text));
}

double *launch_times(const dlg_entry *e) {
    double *times = malloc((e->launch_count + 1) * sizeof *times);
    for (size_t i = 0; times && i < e->launch_count; i++) {
        times[i] = 1;
        for (size_t k = 0; k < e->repeat_count; k++)
            if (i >= e->repeats[k].first && i < e->repeats[k].end) times[i] *= e->repeats[k].trips;
    }
    return times;
}

/* ---- Sections ------------------------------------------------------------------------------------ */

static void write_summary(FILE *out, const dlg_program *prog) {
    char text[4][32];
    fputs("<h2 id=\"entries\">Entries</h2>\n<div "
          "class=\"wide\"><table><thead><tr><th>entry<th>reads<th>returns"
          "<th class=\"n\">launches<th class=\"n\">kernels<th class=\"n\">bytes a run<th "
          "class=\"n\">of bound"
          "<th class=\"n\">operations a run<th class=\"n\">arena<th class=\"n\">of "
          "bound</tr></thead><tbody>\n",
          out);
    for (size_t i = 0; i < dlg_entry_count(prog); i++) {
        const dlg_entry *e = dlg_entry_at(prog, i);
        Sums sums = inspect_sums(e);
        fputs("<tr><td>", out);
        html_puts(out, e->name);
        for (int returns = 0; returns < 2; returns++) {
            size_t count = returns ? e->return_count : e->read_count;
            fputs("<td>", out);
            for (size_t k = 0; k < count; k++) {
                if (k) fputs(", ", out);
                html_puts(out, (returns ? e->returns : e->reads)[k]->user_name);
            }
        }
        fprintf(out, "<td class=\"n\">%.0f<td class=\"n\">%zu<td class=\"n\">%s<td class=\"n\">%s",
                sums.launches, sums.kernels,
                quantity_text(text[0], sizeof text[0], sums.bytes, "B"),
                ratio_text(text[1], sizeof text[1], ratio_to(sums.bytes, e->bound_bytes)));
        fprintf(
            out, "<td class=\"n\">%s<td class=\"n\">%s<td class=\"n\">%s</tr>\n",
            sums.flops_known ? quantity_text(text[2], sizeof text[2], sums.flops, "flop") : "?",
            quantity_text(text[3], sizeof text[3], (double)e->arena_bytes, "B"),
            ratio_text(text[1], sizeof text[1], ratio_to((double)e->arena_bytes, e->live_bytes)));
    }
    fputs("</tbody></table></div>\n", out);
}

static void write_kind(FILE *out, const dlg_program *prog, dlg_kind kind, const char *name) {
    uint64_t count = 0, elems = 0, bytes = 0;
    char text[32];
    for (size_t i = 0; i < dlg_tensor_count(prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(prog, i);
        if (t->kind != kind) continue;
        count++;
        elems += t->elems;
        bytes += t->bytes;
    }
    if (!count) return;
    fprintf(out, "<details><summary>%s: %llu tensors, %llu numbers, %s</summary><table>", name,
            (unsigned long long)count, (unsigned long long)elems,
            quantity_text(text, sizeof text, (double)bytes, "B"));
    for (size_t i = 0; i < dlg_tensor_count(prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(prog, i);
        if (t->kind != kind) continue;
        fputs("<tr><td>", out);
        html_puts(out, t->name);
        fprintf(out, "<td>%s<td>", dlg_type_name(t->type));
        for (int k = 0; k < t->rank; k++)
            fprintf(out, "%s%lld", k ? " × " : "", (long long)t->shape[k]);
        fprintf(out, "%s<td class=\"n\">%s<td>", t->rank ? "" : "scalar",
                quantity_text(text, sizeof text, (double)t->bytes, "B"));
        if (t->source.path) html_puts(out, t->source.path);
        fputs("</tr>\n", out);
    }
    fputs("</table></details>\n", out);
}

/* Whether an entry that is no variant of another launches the kernel. */
static bool is_launched(const dlg_program *prog, const KernelText *k) {
    for (size_t i = 0; i < dlg_entry_count(prog); i++) {
        const dlg_entry *e = dlg_entry_at(prog, i);
        for (size_t l = 0; l < e->launch_count && !strchr(e->name, '@'); l++) {
            const char *name = e->launches[l].kernel;
            if (strlen(name) == k->name_len && memcmp(name, k->name, k->name_len) == 0) return true;
        }
    }
    return false;
}

/* Whether the kernel's comment names the line of the model. */
static bool has_line(const KernelText *k, long line) {
    const char *rest;
    size_t len;
    for (const char *at = k->lines; at;) {
        long number;
        at = source_line(at, k->lines_end, &number, &rest, &len);
        if (!number) return false; /* of another file, or what it makes */
        if (number == line) return true;
    }
    return false;
}

/* The model's own text with, beside each line, the kernels that compute it. Nothing for a .cl, which has none. */
static int write_model(FILE *out, const dlg_program *prog, const KernelTexts *kernels,
                       const char *path) {
    size_t n = strlen(path), size = 0;
    char *line = NULL;
    bool *launched;
    if (n < 4 || strcmp(path + n - 4, ".dlg") != 0) return EXIT_DONE;
    FILE *in = fopen(path, "r");
    if (!in) return EXIT_DONE; /* it was compiled, and is gone since */
    launched = calloc(kernels->count + 1, sizeof *launched);
    if (!launched) {
        fclose(in);
        return no_memory();
    }
    for (size_t i = 0; i < kernels->count; i++) launched[i] = is_launched(prog, &kernels->at[i]);
    fputs("<h2 id=\"model\">Model</h2>\n<div class=\"wide\"><table class=\"code\">\n", out);
    ssize_t len;
    for (long number = 1; (len = getline(&line, &size, in)) > 0; number++) {
        if (line[len - 1] == '\n') len--;
        size_t code = 0;
        while (code < (size_t)len && line[code] != '#') code++;
        fprintf(out, "<tr id=\"line-%ld\"><td class=\"at\">%ld<td class=\"text\">", number, number);
        html_text(out, line, code);
        if (code < (size_t)len) {
            fputs("<i class=\"c\">", out);
            html_text(out, line + code, (size_t)len - code);
            fputs("</i>", out);
        }
        fputs("<td>", out);
        for (size_t i = 0; i < kernels->count; i++) {
            const KernelText *k = &kernels->at[i];
            if (!launched[i] || !has_line(k, number)) continue;
            fprintf(out, " <a class=\"chip\" href=\"#kernel-%.*s\">%.*s</a>", (int)k->name_len,
                    k->name, (int)k->name_len, k->name);
        }
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
    free(launched);
    free(line);
    fclose(in);
    return EXIT_DONE;
}

static void write_token(void *user, Token kind, const char *text, size_t len) {
    static const char *const classes[] = {
        [TOKEN_COMMENT] = "c", [TOKEN_DIRECTIVE] = "d", [TOKEN_STRING] = "s",
        [TOKEN_NUMBER] = "u",  [TOKEN_KEYWORD] = "k",   [TOKEN_TYPE] = "t",
    };
    FILE *out = user;
    if (kind != TOKEN_PLAIN) fprintf(out, "<i class=\"%s\">", classes[kind]);
    html_text(out, text, len);
    if (kind != TOKEN_PLAIN) fputs("</i>", out);
}

static void write_lines(FILE *out, const KernelText *k) {
    size_t len;
    const char *at = k->lines, *rest;
    if (!at) return;
    fputs("<table class=\"code\">", out);
    while (at) {
        long number;
        at = source_line(at, k->lines_end, &number, &rest, &len);
        if (number)
            fprintf(out, "<tr><td class=\"at\">%ld<td class=\"text\">", number);
        else
            fputs("<tr><td class=\"at\"><td class=\"made\">", out);
        html_text(out, rest, len);
        fputs("</tr>", out);
    }
    fputs("</table>\n", out);
}

/* Of the launches of a kernel the first says how it is launched. */
static const dlg_launch *first_launch(const dlg_program *prog, const KernelText *k,
                                      const dlg_entry **of) {
    for (size_t i = 0; i < dlg_entry_count(prog); i++) {
        const dlg_entry *e = *of = dlg_entry_at(prog, i);
        for (size_t l = 0; l < e->launch_count; l++) {
            const char *name = e->launches[l].kernel;
            if (strlen(name) == k->name_len && memcmp(name, k->name, k->name_len) == 0)
                return &e->launches[l];
        }
    }
    return NULL;
}

static void write_kernel(FILE *out, const dlg_program *prog, const KernelText *k) {
    char text[2][32];
    const dlg_entry *e;
    const dlg_launch *l = first_launch(prog, k, &e);
    if (!l) return;
    fprintf(out, "<details><summary><b>%s</b> of ", l->kernel);
    html_puts(out, e->name);
    fprintf(out, ": %zu item%s in groups of %zu", l->global, l->global == 1 ? "" : "s", l->local);
    if (l->flops || l->bytes)
        fprintf(out, ", %s, %s", quantity_text(text[0], sizeof text[0], (double)l->flops, "flop"),
                quantity_text(text[1], sizeof text[1], (double)l->bytes, "B"));
    /* What a link leads to inside of a closed part opens it. */
    fprintf(out, "</summary>\n<div id=\"kernel-%s\">", l->kernel);
    write_lines(out, k);
    fputs("<pre>", out);
    highlight(k->code, (size_t)(k->end - k->code), write_token, out);
    fputs("</pre></div></details>\n", out);
}

static void write_kernels(FILE *out, const dlg_program *prog, const KernelTexts *kernels) {
    const char *text = dlg_program_kernels(prog, NULL);
    fputs("<h2 id=\"kernels\">Kernels</h2>\n", out);
    for (size_t i = 0; i < kernels->count; i++) write_kernel(out, prog, &kernels->at[i]);
    if (kernels->count == 0 || kernels->at[0].begin == text) return;
    fputs("<details><summary>what kernels call</summary><pre>", out);
    highlight(text, (size_t)(kernels->at[0].begin - text), write_token, out);
    fputs("</pre></details>\n", out);
}

static int write_entries(FILE *out, const dlg_program *prog, const KernelTexts *kernels) {
    int status = EXIT_DONE;
    fputs("<h2 id=\"launches\">Launches</h2>\n<p>A box is a launch: its kernel, what it does, the "
          "lines that it computes. "
          "Inputs stand above, results below; params and states are named in the boxes.</p>\n",
          out);
    for (size_t i = 0; !status && i < dlg_entry_count(prog); i++) {
        const dlg_entry *e = dlg_entry_at(prog, i);
        if (strchr(e->name, '@')) continue; /* a variant of another */
        fputs("<h3>", out);
        html_puts(out, e->name);
        fputs("</h3>\n", out);
        status = report_graph(out, kernels, e);
    }
    fputs("<h2 id=\"memory\">Memory</h2>\n", out);
    write_kind(out, prog, DLG_INPUT, "inputs");
    write_kind(out, prog, DLG_PARAM, "params");
    write_kind(out, prog, DLG_STATE, "states");
    write_kind(out, prog, DLG_OUTPUT, "outputs");
    for (size_t i = 0; !status && i < dlg_entry_count(prog); i++) {
        const dlg_entry *e = dlg_entry_at(prog, i);
        if (strchr(e->name, '@') || e->arena_bytes == 0) continue;
        fputs("<h3>The arena in ", out);
        html_puts(out, e->name);
        fputs("</h3>\n", out);
        status = report_arena(out, prog, e);
    }
    return status;
}

void report_foreign(FILE *out, const dlg_program *prog, const char *path, const char *model,
                    const char *what) {
    complain("warning: %s is of the model `%s`, and %s is `%s`: the page says so", path, model,
             dlg_program_file(prog), dlg_program_model(prog));
    fprintf(out, "<p><strong>%s of another model, ", what);
    html_puts(out, model);
    fputs(".</strong></p>\n", out);
}

static int write_curves(FILE *out, const dlg_program *prog, const char *path) {
    Plot plot = {.title = strdup("")};
    int status = plot.title ? plot_file(&plot, path) : no_memory();
    if (!status) {
        fputs("<h2 id=\"training\">Training</h2>\n", out);
        if (plot.model && strcmp(plot.model, dlg_program_model(prog)) != 0)
            report_foreign(out, prog, path, plot.model, "These curves are");
        fputs("<div class=\"wide curves\">", out);
        svg_write(out, &plot);
        fputs("</div>\n", out);
    }
    plot_free(&plot);
    return status;
}

static void write_style(FILE *out) {
    for (size_t i = 0; i < command_files_count; i++)
        if (strcmp(command_files[i].name, "report.css") == 0) fputs(command_files[i].text, out);
}

static int write_page(FILE *out, const Session *s, const Args *a) {
    const dlg_program *prog = s->prog;
    KernelTexts kernels;
    int status = kernels_open(&kernels, prog);
    if (status) return status;
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          out);
    html_puts(out, dlg_program_model(prog));
    fputs("</title>\n<style>\n", out);
    write_style(out);
    fputs("</style>\n</head>\n<body>\n<main>\n<h1>", out);
    html_puts(out, dlg_program_model(prog));
    fprintf(out, "</h1>\n<p class=\"sub\">target %s, from ", dlg_program_target(prog));
    html_puts(out, dlg_program_source(prog));
    fprintf(out, "; dlg %s</p>\n<nav><a href=\"#entries\">entries</a>%s%s", dlg_version(),
            a->log ? " <a href=\"#training\">training</a>" : "",
            a->profile ? " <a href=\"#profile\">profile</a>" : "");
    fputs(" <a href=\"#launches\">launches</a> <a href=\"#memory\">memory</a> <a "
          "href=\"#kernels\">kernels</a></nav>\n",
          out);
    write_summary(out, prog);
    if (a->log) status = write_curves(out, prog, a->log);
    if (!status && a->profile) status = report_profile(out, prog, &kernels, a->profile);
    if (!status) status = write_model(out, prog, &kernels, a->file);
    if (!status) status = write_entries(out, prog, &kernels);
    if (!status) write_kernels(out, prog, &kernels);
    kernels_close(&kernels);
    fputs("</main>\n</body>\n</html>\n", out);
    return status;
}

/* digits.html for digits.dlg and digits.cl. */
static char *default_output(const char *file) {
    const char *slash = strrchr(file, '/'), *dot = strrchr(file, '.');
    size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - file) : strlen(file);
    char *path = malloc(stem + sizeof ".html");
    if (path) snprintf(path, stem + sizeof ".html", "%.*s.html", (int)stem, file);
    return path;
}

int cmd_report(const Args *a) {
    Session s = {0};
    char *output = a->output ? strdup(a->output) : default_output(a->file), *text = NULL;
    size_t len = 0;
    int status = output ? output_check_kind("output", output, "<", "a page in HTML") : no_memory();
    if (!status) status = session_open(&s, a, false);
    if (!status) {
        FILE *memory = open_memstream(&text, &len);
        if (memory) status = write_page(memory, &s, a);
        if (!memory || ((fclose(memory) != 0) | !text)) status = no_memory();
    }
    if (!status) status = output_write(output, text, len);
    if (!status && !a->quiet && strcmp(output, OUTPUT_STANDARD) != 0) printf("%s\n", output);
    free(text);
    free(output);
    session_close(&s);
    return status;
}

/* report_arena: which buffers lie where in the arena, launch by launch. A buffer lives from the first launch that takes
 * it to the last, and through the whole of a repeat that it is used in and outside of (docs/program-format.md). */
#include <stdlib.h>
#include "report.h"

enum { WIDTH = 1040, LEFT = 76, RIGHT = 10, HEIGHT = 300, TOP = 8, BOTTOM = 46 };

typedef struct Life {
    const dlg_tensor *tensor;
    size_t first, last;
} Life;

static void live_through_repeats(Life *life, const dlg_entry *e) {
    for (size_t i = 0; i < e->repeat_count;
         i++) { /* the outer ones come first; inner ones widen too */
        const dlg_repeat *r = &e->repeats[i];
        bool meets = life->first < r->end && life->last >= r->first;
        bool inside = life->first >= r->first && life->last < r->end;
        if (!meets || inside) continue;
        if (life->first > r->first) life->first = r->first;
        if (life->last < r->end - 1) life->last = r->end - 1;
    }
}

/* `place`: of each tensor, by its number, one more than where it stands in lives; zeros at first. */
static size_t find_lives(const dlg_entry *e, Life *lives, size_t *place) {
    size_t count = 0;
    for (size_t i = 0; i < e->launch_count; i++)
        for (size_t k = 0; k < e->launches[i].arg_count; k++) {
            const dlg_tensor *t = e->launches[i].args[k].tensor;
            if (!t || t->kind != DLG_ARENA) continue;
            if (!place[t->index]) {
                lives[count++] = (Life){.tensor = t, .first = i};
                place[t->index] = count;
            }
            lives[place[t->index] - 1].last = i;
        }
    for (size_t i = 0; i < count; i++) live_through_repeats(&lives[i], e);
    return count;
}

static void draw_life(FILE *out, const Life *life, double column, double scale) {
    const dlg_tensor *t = life->tensor;
    char bytes[32];
    double x = LEFT + (double)life->first * column,
           width = (double)(life->last - life->first + 1) * column;
    double y = TOP + (double)t->arena_offset * scale, height = (double)t->bytes * scale;
    if (height < 1) height = 1;
    fprintf(out,
            "<g><rect class=\"part m%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
            "height=\"%.1f\"/><title>",
            t->index % 8, x, y, width, height);
    html_puts(out, t->name);
    fprintf(out, ", %s, %s, at %llu</title>", dlg_type_name(t->type),
            quantity_text(bytes, sizeof bytes, (double)t->bytes, "B"),
            (unsigned long long)t->arena_offset);
    size_t room = (size_t)(width / 6.8), len = 0;
    while (t->name[len]) len++;
    if (height >= 13 && room > 3) {
        fprintf(out, "<text class=\"m\" x=\"%.1f\" y=\"%.1f\">", x + 4,
                y + (height < 30 ? height / 2 + 4 : 14));
        html_text(out, t->name, len < room ? len : room - 1);
        fputs(len < room ? "</text>" : "…</text>", out);
    }
    fputs("</g>\n", out);
}

int report_arena(FILE *out, const dlg_program *prog, const dlg_entry *e) {
    size_t tensors = dlg_tensor_count(prog) + 1;
    Life *lives = malloc(tensors * sizeof *lives);
    size_t *place = calloc(tensors, sizeof *place);
    if (!lives || !place) {
        free(lives);
        free(place);
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    size_t count = find_lives(e, lives, place);
    free(place);
    double column =
        (double)(WIDTH - LEFT - RIGHT) / (double)(e->launch_count ? e->launch_count : 1);
    double most = 1;
    char text[32];
    for (size_t i = 0; i < count; i++) {
        double end = (double)(lives[i].tensor->arena_offset + lives[i].tensor->bytes);
        if (end > most) most = end;
    }
    fprintf(out,
            "<div class=\"wide\"><svg class=\"draw\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
            "%d\">\n",
            WIDTH, TOP + HEIGHT + BOTTOM, WIDTH, TOP + HEIGHT + BOTTOM);
    for (int i = 0; i <= 4; i++) {
        double y = TOP + HEIGHT * i / 4.0;
        fprintf(out,
                "<path class=\"rule\" d=\"M%d %.1fH%d\"/><text class=\"s\" x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">%s</text>\n",
                LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4,
                quantity_text(text, sizeof text, most * i / 4, "B"));
    }
    for (size_t i = 0; i < count; i++) draw_life(out, &lives[i], column, HEIGHT / most);
    size_t every = (size_t)(34 / column) + 1; /* names have room */
    for (size_t i = 0; i < e->launch_count; i += every) {
        fprintf(out, "<text class=\"s\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">",
                LEFT + ((double)i + 0.5) * column, TOP + HEIGHT + 18);
        html_puts(out, e->launches[i].kernel);
        fputs("</text>\n", out);
    }
    fprintf(
        out,
        "<text class=\"s\" x=\"%d\" y=\"%d\">launches, in order; %zu buffers</text></svg></div>\n",
        LEFT, TOP + HEIGHT + 38, count);
    free(lives);
    return EXIT_DONE;
}

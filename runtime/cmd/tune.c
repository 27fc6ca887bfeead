/* dlg tune: tries tiles for a model's contractions on the device, and remembers those that are faster than the model's own.
 *
 * All contractions are tried at a time: first the tiles that the compiler would take, then for each its second, and so on.
 * A contraction's time is that of the launches that it is in. What has won is held against the first once more, as a
 * whole, before it is remembered. No tile changes a bit of what is computed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "rt.h"
#include "tiles_file.h"

enum { RANKS = 8, ROUNDS = 3, ALTERNATIONS = 5, LEAST_WINS = 4 };
static const double round_s = 0.1, /* that an entry is run for, at least once */
    gain = 0.97;                   /* of the time before: less of a gain is chance */

typedef struct Contraction {
    char name[96], tile[RANKS][32];
    double seconds[RANKS]; /* of the launches that it is in, in a run of each entry */
    size_t best;
} Contraction;

typedef struct Tune {
    const Args *a;
    Session s;
    Contraction *list;
    size_t count, ranks;
} Tune;

typedef struct Candidate { /* a program with its tiles */
    dlg_program *prog;
    CompileResult compiled;
} Candidate;

static int no_memory(void) {
    complain("out of memory");
    return EXIT_SYSTEM;
}

/* ---- Programs ------------------------------------------------------------------------------------ */

/* Whole numbers are 0, which is an index and a label in any model. */
static int set_inputs(dlg_program *prog) {
    uint64_t random = 1;
    for (size_t i = 0; i < dlg_tensor_count(prog); i++) {
        const dlg_tensor *t = dlg_tensor_at(prog, i);
        if (t->kind != DLG_INPUT) continue;
        void *raw = calloc(1, (size_t)t->bytes + 1);
        if (!raw) return DLG_ERR_MEMORY;
        int status = DLG_OK;
        bool whole = t->type == DLG_I32 || t->type == DLG_BOOL || t->type == DLG_U8;
        for (uint64_t k = 0; k < t->elems && !whole && status == DLG_OK; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            status = dlg_put_element(t->type, raw, (size_t)k,
                                     (double)(random >> 11) / 9007199254740992.0 - 0.5);
        }
        if (status == DLG_OK) status = dlg_set(prog, t->name, raw, (size_t)t->bytes);
        free(raw);
        if (status < 0) return status;
    }
    return DLG_OK;
}

static bool is_tuned(const Tune *t, const dlg_entry *e) {
    return e->launch_count && (!t->a->entry || strcmp(t->a->entry, e->name) == 0);
}

/* Builds it and runs all entries once. On failure there is no program; a status of the library. */
static int make(Tune *t, size_t rank, const TileChoice *tiles, size_t count, Candidate *out) {
    CompileOptions options;
    *out = (Candidate){0};
    session_compile_options(t->a, t->s.dev, &options);
    options.tile_rank = rank;
    options.tiles = tiles;
    options.tile_count = count;
    out->compiled = compile_file(t->a->file, &options);
    if (out->compiled.status) return DLG_ERR_PROGRAM;
    int status = dlg_program_load_text(&out->prog, t->s.dev, t->a->file, out->compiled.text,
                                       out->compiled.text_len, NULL);
    if (status == DLG_OK) status = set_inputs(out->prog);
    for (size_t i = 0; status == DLG_OK && i < dlg_entry_count(out->prog); i++) {
        const dlg_entry *e = dlg_entry_at(out->prog, i);
        if (is_tuned(t, e)) status = dlg_run(out->prog, e->name);
    }
    if (status == DLG_OK) status = dlg_finish(out->prog);
    if (status < 0) {
        dlg_program_close(out->prog);
        out->prog = NULL;
    }
    return status;
}

/* What does not build, launch or run to the end is not taken, and nothing else comes of it. */
static void tell_refused(const Tune *t, const Candidate *c) {
    complain("note: these tiles do not run here: %s",
             c->compiled.status ? c->compiled.diagnostics : dlg_error_text(t->s.dev));
}

static void drop(Candidate *c) {
    dlg_program_close(c->prog);
    compile_free(&c->compiled);
}

/* ---- Times --------------------------------------------------------------------------------------- */

/* Runs an entry for a round; *each: the time of a run. */
static int run_round(dlg_program *prog, const char *entry, size_t runs, double *each) {
    double begin = seconds_now();
    int status = DLG_OK;
    for (size_t i = 0; i < runs && status == DLG_OK; i++) status = dlg_run(prog, entry);
    if (status == DLG_OK) status = dlg_finish(prog);
    *each = (seconds_now() - begin) / (double)runs;
    return status;
}

static int count_runs(dlg_program *prog, const char *entry, size_t *runs) {
    double each;
    int status = run_round(prog, entry, 1, &each);
    *runs = each < round_s ? (size_t)fmin(round_s / (each + 1e-7), 2000) + 1 : 1;
    return status;
}

/* The least time of each launch of an entry, of some rounds. */
static int time_launches(Tune *t, dlg_program *prog, const dlg_entry *e, double *seconds) {
    size_t runs;
    int status = count_runs(prog, e->name, &runs);
    for (size_t i = 0; i < e->launch_count; i++) seconds[i] = INFINITY;
    for (int round = 0; round < ROUNDS && status == DLG_OK; round++) {
        double each;
        const dlg_profile_row *rows;
        size_t count;
        if ((status = dlg_profile_begin(t->s.dev, NULL)) < 0) return status;
        status = run_round(prog, e->name, runs, &each);
        int ended = dlg_profile_end(t->s.dev, &rows, &count);
        if (status == DLG_OK) status = ended;
        for (size_t i = 0; status == DLG_OK && i < count; i++) {
            double took = rows[i].seconds / (double)runs;
            if (*rows[i].entry && took < seconds[rows[i].launch]) seconds[rows[i].launch] = took;
        }
    }
    return status;
}

/* Adds the times of a rank's launches to its contractions. */
static int time_rank(Tune *t, const Candidate *c, size_t rank) {
    for (size_t i = 0; i < dlg_entry_count(c->prog); i++) {
        const dlg_entry *e = dlg_entry_at(c->prog, i);
        if (!is_tuned(t, e)) continue;
        double *seconds = malloc(e->launch_count * sizeof *seconds);
        if (!seconds) return DLG_ERR_MEMORY;
        int status = time_launches(t, c->prog, e, seconds);
        for (size_t k = 0; k < c->compiled.tile_count && status == DLG_OK; k++) {
            const TileUse *use = &c->compiled.tiles[k];
            if (use->entry != i) continue;
            for (size_t n = 0; n < t->count; n++) {
                Contraction *of = &t->list[n];
                if (strcmp(of->name, use->contraction) != 0) continue;
                of->seconds[rank] += seconds[use->launch];
                memcpy(of->tile[rank], use->tile, sizeof use->tile);
            }
        }
        free(seconds);
        if (status < 0) return status;
    }
    return DLG_OK;
}

/* Tries the tiles of a rank, the first of which are the compiler's. */
static int try_rank(Tune *t, const Candidate *first, size_t rank) {
    Candidate c = *first;
    if (!t->a->quiet) {
        printf("tiles %zu of %zu for %zu contractions\n", rank + 1, t->ranks, t->count);
        fflush(stdout);
    }
    int status = rank ? make(t, rank, NULL, 0, &c) : DLG_OK;
    if (status == DLG_OK) status = time_rank(t, &c, rank);
    if (!rank) return status;
    if (status < 0) tell_refused(t, &c);
    for (size_t i = 0; i < t->count && status < 0; i++) *t->list[i].tile[rank] = '\0';
    drop(&c);
    return DLG_OK;
}

/* Which contractions there are, each once. */
static int list_contractions(Tune *t, const Candidate *c) {
    const CompileResult *r = &c->compiled;
    t->list = calloc(r->tile_count + 1, sizeof *t->list);
    if (!t->list) return no_memory();
    for (size_t i = 0; i < r->tile_count; i++) {
        const TileUse *use = &r->tiles[i];
        bool known = !is_tuned(t, dlg_entry_at(c->prog, use->entry));
        for (size_t k = 0; k < t->count; k++)
            known = known || strcmp(t->list[k].name, use->contraction) == 0;
        if (known) continue;
        memcpy(t->list[t->count++].name, use->contraction, sizeof use->contraction);
        if (use->candidates > t->ranks) t->ranks = use->candidates;
    }
    if (t->ranks > RANKS) t->ranks = RANKS;
    return EXIT_DONE;
}

/* ---- The choice ---------------------------------------------------------------------------------- */

static void choose(Contraction *c, size_t ranks) {
    for (size_t r = 1; r < ranks; r++) {
        bool other = *c->tile[r] && strcmp(c->tile[r], c->tile[0]) != 0;
        double least = c->best ? c->seconds[c->best] : gain * c->seconds[0];
        if (other && c->seconds[r] < least) c->best = r;
    }
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Whether an entry has a contraction that is to go by another tile. */
static bool is_changed(const Tune *t, const Candidate *before, size_t entry) {
    for (size_t k = 0; k < before->compiled.tile_count; k++) {
        const TileUse *use = &before->compiled.tiles[k];
        for (size_t n = 0; use->entry == entry && n < t->count; n++)
            if (t->list[n].best && strcmp(t->list[n].name, use->contraction) == 0) return true;
    }
    return false;
}

/* Runs both in turn, entry by entry, those that differ. *faster: the second is, over all of them, and nearly each time. */
static int compare(Tune *t, const Candidate *before, const Candidate *after, bool *faster) {
    double sum[2] = {0, 0}, all[2][ALTERNATIONS] = {{0}};
    int wins = 0;
    for (size_t i = 0; i < dlg_entry_count(before->prog); i++) {
        const dlg_entry *e = dlg_entry_at(before->prog, i);
        double took[2][ALTERNATIONS];
        size_t runs;
        if (!is_tuned(t, e) || !is_changed(t, before, i)) continue;
        int status = count_runs(before->prog, e->name, &runs);
        for (int k = 0; k < 2 * ALTERNATIONS && status == DLG_OK; k++)
            status =
                run_round(k % 2 ? after->prog : before->prog, e->name, runs, &took[k % 2][k / 2]);
        if (status < 0) return status;
        for (int k = 0; k < 2 * ALTERNATIONS; k++) all[k % 2][k / 2] += took[k % 2][k / 2];
        for (int k = 0; k < 2; k++) {
            qsort(took[k], ALTERNATIONS, sizeof(double), by_number);
            sum[k] += took[k][ALTERNATIONS / 2];
        }
        printf("%-12s %10.1f us with the compiler's tiles, %10.1f with these\n", e->name,
               took[0][ALTERNATIONS / 2] * 1e6, took[1][ALTERNATIONS / 2] * 1e6);
    }
    for (int k = 0; k < ALTERNATIONS; k++) wins += all[1][k] < all[0][k];
    *faster = sum[1] < 0.99 * sum[0] && wins >= LEAST_WINS;
    return DLG_OK;
}

static void print_choices(const Tune *t, size_t chosen) {
    if (chosen)
        printf("%-44s %-16s %-16s %s\n", "contraction", "compiler's tile", "faster alone", "time");
    for (size_t i = 0; i < t->count; i++) {
        const Contraction *c = &t->list[i];
        if (c->best)
            printf("%-44s %-16s %-16s %.2f\n", c->name, c->tile[0], c->tile[c->best],
                   c->seconds[c->best] / c->seconds[0]);
    }
}

/* Keeps what is faster, and forgets what was known of the others; where the whole is not faster all stays as it was. */
static int settle(Tune *t, const Candidate *first) {
    TileChoice *tiles = calloc(t->count + 1, sizeof *tiles);
    size_t chosen = 0;
    bool faster = false;
    const char *why_none = "no other tile is faster than the compiler's";
    char *where = NULL;
    if (!tiles) return no_memory();
    for (size_t i = 0; i < t->count; i++) {
        Contraction *c = &t->list[i];
        choose(c, t->ranks);
        if (c->best) tiles[chosen++] = (TileChoice){c->name, c->tile[c->best]};
    }
    print_choices(t, chosen);
    int exit_status = EXIT_DONE;
    if (chosen) {
        Candidate after;
        int status = make(t, 0, tiles, chosen, &after);
        why_none = status < 0 ? "together these do not run"
                              : "together these are not faster than the compiler's tiles";
        if (status < 0)
            tell_refused(t, &after);
        else if ((status = compare(t, first, &after, &faster)) < 0)
            exit_status = complain_status(t->s.dev, status);
        drop(&after);
    }
    for (size_t i = 0; i < t->count; i++) {
        const Contraction *c = &t->list[i];
        tiles[i] = (TileChoice){c->name, c->best ? c->tile[c->best] : NULL};
    }
    if (exit_status == EXIT_DONE && faster)
        exit_status = tiles_remember(t->s.dev, tiles, t->count, &where);
    if (exit_status == EXIT_DONE && faster) printf("remembered in %s, for this device\n", where);
    if (exit_status == EXIT_DONE && !faster)
        printf("%s: none is kept, and what is remembered stays as it is\n", why_none);
    free(where);
    free(tiles);
    return exit_status;
}

static int tune(Tune *t) {
    Candidate first;
    int status = make(t, 0, NULL, 0, &first);
    if (first.compiled.diagnostics) fputs(first.compiled.diagnostics, stderr);
    int exit_status = first.compiled.status;
    if (!exit_status && status < 0) exit_status = complain_status(t->s.dev, status);
    const dlg_entry *entry;
    if (!exit_status && t->a->entry && rt_find_entry(first.prog, t->a->entry, &entry) < 0) {
        complain("%s", dlg_error_text(t->s.dev));
        exit_status = EXIT_INPUT;
    }
    if (!exit_status) exit_status = list_contractions(t, &first);
    if (!exit_status && t->count == 0)
        printf("%s has no contraction with tiles to choose of\n", t->a->file);
    for (size_t rank = 0; rank < t->ranks && t->count && !exit_status; rank++) {
        status = try_rank(t, &first, rank);
        if (status < 0) exit_status = complain_status(t->s.dev, status);
    }
    if (!exit_status && t->count) exit_status = settle(t, &first);
    drop(&first);
    free(t->list);
    return exit_status;
}

int cmd_tune(const Args *a) {
    Tune t = {.a = a};
    int status = session_open_device(&t.s, a);
    if (status == EXIT_DONE) status = tiles_check(t.s.dev);
    if (status == EXIT_DONE) status = tune(&t);
    session_close(&t.s);
    return status;
}

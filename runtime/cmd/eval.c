/* dlg eval: the means of an entry's scalars over the rows that the weights have not seen. */
#include <math.h>
#include <stdlib.h>
#include <jansson.h>
#include "cmd.h"

typedef enum Which {
    HELD_OUT,
    ALL_ASKED,
    ALL_NOT_SAID,
    ALL_OTHER_DATA,
    ALL_NOTHING_HELD_OUT
} Which;

static int choose_rows(Session *s, const Args *a, Which *which) {
    int same;
    *which = ALL_ASKED;
    if (a->all) return EXIT_DONE;
    if (!dlg_meta_get(s->prog, "data_held_out")) {
        *which = ALL_NOT_SAID;
        return EXIT_DONE;
    }
    int status = dlg_dataset_split_recorded(s->data, s->prog, &same);
    if (status < 0) return complain_status(s->dev, status);
    *which = !same                                               ? ALL_OTHER_DATA
             : dlg_dataset_rows(s->data, DLG_ROWS_HELD_OUT) == 0 ? ALL_NOTHING_HELD_OUT
                                                                 : HELD_OUT;
    return EXIT_DONE;
}

static const char *which_text(Which which) {
    switch (which) {
    case HELD_OUT: return "held-out rows";
    case ALL_NOT_SAID:
        return "rows: all, for the weights do not say which rows their training held out";
    case ALL_OTHER_DATA: return "rows: all, for the data is not that of the training run";
    case ALL_NOTHING_HELD_OUT: return "rows: all, for none was held out";
    default: return "rows";
    }
}

static int print_json(const dlg_metrics *m, const char *entry, Which which) {
    json_t *object = json_object(), *metrics = json_object();
    for (size_t i = 0; i < m->count; i++)
        json_object_set_new(metrics, m->names[i],
                            isfinite(m->values[i]) ? json_real(m->values[i]) : json_null());
    json_object_set_new(object, "entry", json_string(entry));
    json_object_set_new(object, "rows", json_integer((json_int_t)m->rows));
    json_object_set_new(object, "held_out", json_boolean(which == HELD_OUT));
    json_object_set_new(object, "metrics", metrics);
    return say_json(object, JSON_REAL_PRECISION(9));
}

static int evaluate(Session *s, const Args *a, const dlg_entry *entry) {
    dlg_metrics metrics;
    Which which;
    int status = choose_rows(s, a, &which);
    if (status) return status;
    dlg_rows rows = which == HELD_OUT ? DLG_ROWS_HELD_OUT : DLG_ROWS_ALL;
    int evaluated = dlg_evaluate(s->prog, s->data, entry->name, rows, &metrics);
    if (evaluated < 0) return complain_status(s->dev, evaluated);
    size_t meant = dlg_dataset_rows(s->data, rows);
    if (metrics.count == 0) {
        complain("entry `%s` returns no scalars to take the mean of", entry->name);
        status = EXIT_INPUT;
    } else if (metrics.rows == 0) {
        complain(
            "entry `%s` takes more rows at a time than the %zu there are, and has no variant for "
            "one row",
            entry->name, meant);
        status = EXIT_INPUT;
    } else {
        char text[256];
        if (meant && metrics.rows < meant)
            complain(
                "warning: %zu rows do not fill a batch and are left out: entry `%s` has no variant "
                "for one row",
                meant - (size_t)metrics.rows, entry->name);
        if (a->json)
            status = print_json(&metrics, entry->name, which);
        else
            printf("%s: %s on %llu %s\n", entry->name, metrics_text(text, sizeof text, &metrics),
                   (unsigned long long)metrics.rows, which_text(which));
        /* As of a loss in training: infinity may be meant, what is not a number tells nothing. */
        for (size_t i = 0; i < metrics.count && !status; i++) {
            if (!isnan(metrics.values[i])) continue;
            complain("`%s` is not a number%s", metrics.names[i],
                     a->check_nan ? "" : "; --check-nan says where it begins");
            status = EXIT_DIVERGED;
        }
    }
    dlg_metrics_free(&metrics);
    return status;
}

int cmd_eval(const Args *a) {
    Session s = {0};
    const dlg_entry *entry = NULL;
    if (!a->load) {
        complain("which weights? Give --load W.safetensors");
        return EXIT_USAGE;
    }
    int status = outputs_check(a);
    if (!status) status = session_open(&s, a, true);
    if (!status) status = outputs_spare(a, s.prog);
    if (!status && !(entry = session_entry(&s, a->entry ? a->entry : "evaluate")))
        status = EXIT_INPUT;
    if (!status) status = session_check_nan(&s, a);
    if (!status) status = session_load_weights(&s, a);
    if (!status) status = session_set_tensors(&s, a);
    if (!status) status = session_data(&s, a, &entry->name, 1, NULL, 0);
    if (!status) status = session_inputs_given(&s, a, entry);
    if (!status) status = session_profile(&s, a);
    if (!status) status = evaluate(&s, a, entry);
    status = session_profile_end(&s, a, status);
    if (!status && !a->json) session_say_infinite(&s, a);
    session_close(&s);
    return status;
}

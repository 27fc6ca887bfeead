/* sample: text from a model that says what token comes next, one token after the other.
 *
 * Requires a program whose weights were trained on a text, whose vocabulary is in the program's metadata.
 * Establishes: the same program, weights, options and device give the same text; the program's states are
 * afterwards what they were before.
 *
 * Note "two kinds of models": one that keeps a state reads one token a run, and what was before it is in the
 * state. One without reads a window, in each run the last tokens anew: what follows each of them (as a causal
 * model says for a prompt shorter than its window), or what follows the last one alone. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "data.h"

typedef struct Sampler {
    dlg_program *prog;
    dlg_device *dev;
    const dlg_sample_options *options;
    const dlg_entry *entry;
    const dlg_tensor *input, *output;
    uint32_t *codes; /* the vocabulary's characters, ascending; NULL: tokens are bytes */
    size_t vocabulary;
    bool keeps;           /* the entry updates states */
    size_t window;        /* tokens that a run reads */
    size_t rows, classes; /* of the output */
    bool decided,
        probabilities; /* whether the output is these, or logits: as the first one shows */
    int32_t *recent;   /* the last tokens, of which there are at most `window` */
    size_t filled;
    void *in, *out;
    double *score; /* one a token of the vocabulary */
    size_t *order; /* tokens, the likeliest first, where only some are drawn from */
    void **kept;   /* what the entry updates, as it was */
    uint64_t drawn;
} Sampler;

/* ---- What the model takes and gives -------------------------------------------------------------- */

static int misfit(const Sampler *s, const char *what) {
    return rt_fail(
        s->dev, DLG_ERR_UNSUPPORTED,
        "entry `%s` cannot be sampled from: %s. What can is an entry that reads one token "
        "of a text, keeps a state and returns the probabilities of the next, such as "
        "`generate` of samples/char_rnn.dlg",
        s->entry->name, what);
}

static bool is_text(const dlg_program *prog, const dlg_tensor *t) {
    char name[1200];
    snprintf(name, sizeof name, "vocabulary.%.1100s", t->user_name);
    return (t->type == DLG_I32 || t->type == DLG_U8) &&
           (dlg_meta_get(prog, name) || t->source.form == DLG_SOURCE_CHARS ||
            t->source.form == DLG_SOURCE_BYTES);
}

static int find_entry(Sampler *s) {
    const char *name = s->options->entry;
    if (!name) name = dlg_entry_find(s->prog, "generate") ? "generate" : "predict";
    TRY(rt_find_entry(s->prog, name, &s->entry));
    for (size_t i = 0; i < s->entry->update_count; i++) {
        if (s->entry->updates[i]->kind == DLG_PARAM) return misfit(s, "it trains");
        s->keeps = true;
    }
    return DLG_OK;
}

/* The input of tokens, for one sample at a time. */
static int find_input(Sampler *s) {
    char text[256];
    for (int pass = 0; pass < 2; pass++) {
        s->input = NULL;
        for (size_t i = 0; i < s->entry->read_count; i++) {
            const dlg_tensor *t = s->entry->reads[i];
            if (!is_text(s->prog, t)) continue;
            if (s->input) return misfit(s, "it reads several texts");
            s->input = t;
        }
        if (!s->input) return misfit(s, "it reads no text");
        if (s->input->shape[dataset_axis(s->input)] == 1) break;
        snprintf(text, sizeof text, "it reads %lld texts at a time (`with batch = 1` makes it one)",
                 (long long)s->input->shape[dataset_axis(s->input)]);
        if (pass > 0 || !s->entry->single) return misfit(s, text);
        s->entry = s->entry->single;
    }
    /* A window of a text ends with the token that is to be predicted. */
    bool answered =
        s->input->source.form == DLG_SOURCE_CHARS || s->input->source.form == DLG_SOURCE_BYTES;
    s->window = (size_t)s->input->elems - (answered && s->input->elems > 1);
    if (!s->keeps || s->window == 1) return DLG_OK;
    snprintf(text, sizeof text,
             "it keeps a state and reads %zu tokens at a time, which must be one", s->window);
    return misfit(s, text);
}

static int read_vocabulary(Sampler *s) {
    char name[1200];
    snprintf(name, sizeof name, "vocabulary.%.1100s", s->input->user_name);
    const char *known = dlg_meta_get(s->prog, name);
    if (!known && s->input->source.form == DLG_SOURCE_BYTES) {
        s->vocabulary = 256;
        return DLG_OK;
    }
    if (!known)
        return rt_fail(s->dev, DLG_ERR_WEIGHTS,
                       "the weights have no vocabulary for `%s`: they were not trained on the "
                       "characters of a text",
                       s->input->user_name);
    const char *end = known + strlen(known);
    s->codes = malloc(((size_t)(end - known) + 1) * sizeof *s->codes);
    if (!s->codes) return rt_no_memory(s->dev, (uint64_t)(end - known) * sizeof *s->codes);
    for (size_t len; known < end; known += len) {
        uint32_t code;
        len = rt_utf8_char(known, end, &code);
        if (len == 0 || (s->vocabulary && code <= s->codes[s->vocabulary - 1]))
            return rt_fail(s->dev, DLG_ERR_WEIGHTS,
                           "the weights' vocabulary for `%s` is not characters in ascending order",
                           s->input->user_name);
        s->codes[s->vocabulary++] = code;
    }
    if (s->vocabulary == 0 || (s->input->type == DLG_U8 && s->vocabulary > 256))
        return rt_fail(s->dev, DLG_ERR_WEIGHTS,
                       "the weights' vocabulary for `%s` has %zu characters", s->input->user_name,
                       s->vocabulary);
    return DLG_OK;
}

static int find_output(Sampler *s) {
    char text[256];
    for (size_t i = 0; i < s->entry->return_count && !s->output; i++)
        if (rt_type_is_float(s->entry->returns[i]->type) && s->entry->returns[i]->rank > 0)
            s->output = s->entry->returns[i];
    if (!s->output) return misfit(s, "it returns no probabilities");
    s->classes = (size_t)s->output->shape[s->output->rank - 1];
    if (s->classes == 0) return misfit(s, "it returns no probabilities");
    s->rows = (size_t)s->output->elems / s->classes;
    if (s->classes < s->vocabulary) {
        snprintf(
            text, sizeof text,
            "`%.100s` has %zu numbers for each token, and the vocabulary of the weights %zu tokens",
            s->output->user_name, s->classes, s->vocabulary);
        return misfit(s, text);
    }
    if (s->rows == 1 || s->rows == s->window) return DLG_OK;
    snprintf(text, sizeof text, "`%.100s` says what follows %zu tokens, of which it reads %zu",
             s->output->user_name, s->rows, s->window);
    return misfit(s, text);
}

/* ---- Tokens ---------------------------------------------------------------------------------------- */

/* The token of a character; false: it is not in the vocabulary. */
static bool token_of(const Sampler *s, uint32_t code, int32_t *token) {
    size_t low = 0, high = s->vocabulary;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->codes[middle] < code)
            low = middle + 1;
        else
            high = middle;
    }
    *token = (int32_t)low;
    return low < s->vocabulary && s->codes[low] == code;
}

static int unknown(const Sampler *s, const char *at, size_t len, uint32_t code, size_t place) {
    char shown[8] = "";
    bool visible = code > ' ' && !(code >= 0x7f && code < 0xa0);
    if (visible) memcpy(shown, at, len);
    return rt_fail(
        s->dev, DLG_ERR_DATA,
        "the prompt, character %zu: %s%s%sU+%04X is not in the vocabulary of the weights, "
        "which has %zu characters",
        place, visible ? "`" : "", shown, visible ? "`, " : "", (unsigned)code, s->vocabulary);
}

/* The prompt's tokens, which the caller frees. Without a prompt: the end of a line. */
static int read_prompt(const Sampler *s, int32_t **out, size_t *count) {
    const char *text = s->options->prompt, *end;
    size_t bytes = text ? s->options->prompt_bytes : 0;
    int32_t *tokens = *out = malloc((bytes + 1) * sizeof *tokens);
    *count = 0;
    if (!tokens) return rt_no_memory(s->dev, bytes * sizeof *tokens);
    if (bytes == 0) {
        *count = 1;
        if (!s->codes)
            tokens[0] = '\n';
        else if (!token_of(s, '\n', &tokens[0]))
            tokens[0] = 0;
        return DLG_OK;
    }
    end = text + bytes;
    for (size_t len = 1; text < end; text += len, ++*count) {
        uint32_t code;
        if (!s->codes) {
            tokens[*count] = (unsigned char)*text;
            continue;
        }
        len = rt_utf8_char(text, end, &code);
        if (len == 0)
            return rt_fail(s->dev, DLG_ERR_DATA, "the prompt, character %zu: it is not UTF-8",
                           *count + 1);
        if (!token_of(s, code, &tokens[*count])) return unknown(s, text, len, code, *count + 1);
    }
    return DLG_OK;
}

/* What a token is as text; returns its bytes. */
static size_t spell(const Sampler *s, size_t token, char out[4]) {
    if (s->codes) return rt_utf8_put(out, s->codes[token]);
    out[0] = (char)token;
    return 1;
}

/* ---- Running --------------------------------------------------------------------------------------- */

static int allocate(Sampler *s) {
    const dlg_entry *e = s->entry;
    s->recent = calloc(s->window, sizeof *s->recent);
    s->in = calloc((size_t)s->input->elems, dlg_type_bytes(s->input->type));
    s->out = malloc((size_t)s->output->bytes);
    s->score = malloc(s->vocabulary * sizeof *s->score);
    s->order = malloc(s->vocabulary * sizeof *s->order);
    s->kept = calloc(e->update_count + 1, sizeof *s->kept);
    if (!s->recent || !s->in || !s->out || !s->score || !s->order || !s->kept)
        return rt_no_memory(s->dev, s->output->bytes + s->input->bytes);
    for (size_t i = 0; i < e->update_count; i++) {
        s->kept[i] = malloc((size_t)e->updates[i]->bytes);
        if (!s->kept[i]) return rt_no_memory(s->dev, e->updates[i]->bytes);
        int status = rt_get(s->prog, e->updates[i], s->kept[i]);
        if (status == DLG_OK) continue;
        free(s->kept[i]); /* it is not what the state was */
        s->kept[i] = NULL;
        return status;
    }
    return DLG_OK;
}

static int give_back(Sampler *s) {
    for (size_t i = 0; s->kept && i < s->entry->update_count; i++)
        if (s->kept[i]) TRY(rt_set(s->prog, s->entry->updates[i], s->kept[i]));
    return DLG_OK;
}

static void sampler_free(Sampler *s) {
    for (size_t i = 0; s->kept && i < s->entry->update_count; i++) free(s->kept[i]);
    free(s->kept);
    free(s->codes);
    free(s->recent);
    free(s->in);
    free(s->out);
    free(s->score);
    free(s->order);
}

static void remember(Sampler *s, int32_t token) {
    if (s->filled == s->window) {
        memmove(s->recent, s->recent + 1, (s->window - 1) * sizeof *s->recent);
        s->filled--;
    }
    s->recent[s->filled++] = token;
}

/* What lies beyond the tokens that there are is in range, and read by no position before it. */
static int run(Sampler *s) {
    for (size_t i = 0; i < s->input->elems; i++) {
        int32_t token = i < s->filled ? s->recent[i] : 0;
        if (dlg_put_element(s->input->type, s->in, i, token) < 0)
            return misfit(s, "its input does not hold its tokens");
    }
    TRY(rt_set(s->prog, s->input, s->in));
    return rt_run_entry(s->prog, s->entry);
}

/* ---- Drawing --------------------------------------------------------------------------------------- */

/* score[i] = the logarithm of what token i is worth, up to a constant. */
static int read_scores(Sampler *s) {
    size_t row = s->rows == 1 ? 0 : s->filled - 1;
    double sum = 0;
    bool within = true;
    TRY(rt_get(s->prog, s->output, s->out));
    for (size_t i = 0; i < s->classes; i++) {
        double v = dlg_element(s->output->type, s->out, row * s->classes + i);
        if (isnan(v) || v == INFINITY)
            return rt_fail(s->dev, DLG_ERR_DATA,
                           "`%s` is %s for token %zu after %" PRIu64
                           " tokens: the weights are not of a model that was trained well",
                           s->output->user_name, isnan(v) ? "nan" : "inf", i, s->drawn);
        within &= v >= 0 && v <= 1;
        sum += v;
        if (i < s->vocabulary) s->score[i] = v;
    }
    if (!s->decided) {
        s->decided = true;
        s->probabilities = within && fabs(sum - 1) < 1e-3;
    }
    for (size_t i = 0; i < s->vocabulary && s->probabilities; i++) s->score[i] = log(s->score[i]);
    return DLG_OK;
}

static size_t likeliest(const Sampler *s) {
    size_t best = 0;
    for (size_t i = 1; i < s->vocabulary; i++)
        if (s->score[i] > s->score[best]) best = i;
    return best;
}

/* Puts the `count` likeliest tokens first, in order; of equals the lower one. */
static void order_tokens(Sampler *s, size_t count) {
    for (size_t i = 0; i < s->vocabulary; i++) s->order[i] = i;
    for (size_t i = 0; i < count; i++) {
        size_t best = i;
        for (size_t k = i + 1; k < s->vocabulary; k++) {
            double a = s->score[s->order[k]], b = s->score[s->order[best]];
            if (a > b || (a == b && s->order[k] < s->order[best])) best = k;
        }
        size_t token = s->order[best];
        s->order[best] = s->order[i];
        s->order[i] = token;
    }
}

/* A number from 0 to below 1, the i-th of the seed. */
static double uniform(uint64_t seed, uint64_t i) {
    uint32_t key[2], counter[4] = {(uint32_t)i, (uint32_t)(i >> 32), 0, 0}, bits[4];
    rt_key("dlg:sample", seed, key);
    rt_philox(counter, key, bits);
    return (double)((uint64_t)bits[0] << 21 | bits[1] >> 11) / 9007199254740992.0;
}

static size_t draw(Sampler *s) {
    const dlg_sample_options *o = s->options;
    size_t count = o->top_k && o->top_k < s->vocabulary ? (size_t)o->top_k : s->vocabulary;
    size_t best = likeliest(s);
    double most = s->score[best], sum = 0, at;
    if (o->temperature == 0 || most == -INFINITY) return best;
    if (count < s->vocabulary)
        order_tokens(s, count);
    else
        for (size_t i = 0; i < count; i++) s->order[i] = i;
    for (size_t i = 0; i < count; i++) {
        double *score = &s->score[s->order[i]];
        *score = exp((*score - most) / o->temperature);
        sum += *score;
    }
    at = uniform(o->seed, s->drawn) * sum;
    for (size_t i = 0; i + 1 < count; i++) {
        at -= s->score[s->order[i]];
        if (at < 0) return s->order[i];
    }
    return best; /* what rounding left over */
}

static int generate(Sampler *s) {
    const dlg_sample_options *o = s->options;
    int32_t *prompt;
    size_t count;
    char text[4];
    int status = read_prompt(s, &prompt, &count);
    if (status == DLG_OK && !s->keeps && s->rows == 1 && count < s->window) {
        status =
            rt_fail(s->dev, DLG_ERR_DATA,
                    "entry `%.*s` keeps no state and says what follows %zu tokens: the prompt has "
                    "%zu. An entry that keeps a state, or says what follows each token, takes "
                    "any prompt",
                    (int)strcspn(s->entry->name, "@"), s->entry->name, s->window, count);
    }
    for (size_t i = 0; status == DLG_OK && i < count; i++) {
        remember(s, prompt[i]);
        if (s->keeps && i + 1 < count) status = run(s);
    }
    free(prompt);
    for (; status == DLG_OK && s->drawn < o->length; s->drawn++) {
        if ((status = run(s)) < 0 || (status = read_scores(s)) < 0) break;
        size_t token = draw(s);
        remember(s, (int32_t)token);
        size_t bytes = spell(s, token, text);
        if (o->text && o->text(text, bytes, o->user))
            status =
                rt_fail(s->dev, DLG_ERR_STOPPED, "stopped after %" PRIu64 " of %" PRIu64 " tokens",
                        s->drawn + 1, o->length);
    }
    return status;
}

int dlg_sample(dlg_program *prog, const dlg_sample_options *options) {
    if (!prog) return DLG_ERR_USAGE;
    if (!options) return rt_fail(prog->dev, DLG_ERR_USAGE, "dlg_sample was given a null pointer");
    if (!(options->temperature >= 0 && options->temperature <= 1e6))
        return rt_fail(prog->dev, DLG_ERR_USAGE, "the temperature is %g: it must be at least 0",
                       options->temperature);
    Sampler s = {.prog = prog, .dev = prog->dev, .options = options};
    int status = find_entry(&s);
    if (status == DLG_OK) status = find_input(&s);
    if (status == DLG_OK) status = read_vocabulary(&s);
    if (status == DLG_OK) status = find_output(&s);
    if (status == DLG_OK) status = allocate(&s);
    if (status == DLG_OK) status = generate(&s);
    int given_back = give_back(&s);
    sampler_free(&s);
    return status < 0 ? status : given_back;
}

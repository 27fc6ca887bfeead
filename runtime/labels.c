/* labels: names of classes in a table and the numbers that stand for them.
 *
 * Establishes: a set of at most LABELS_MOST different texts in UTF-8, numbered as they come, or once sorted in the
 * ascending order of their bytes; a set from a weights file takes no more.
 * In metadata they are a JSON array of strings, which holds any text. */
#include "data.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static uint16_t *slot(Labels *l, const char *text, size_t len) {
    size_t at = (size_t)rt_hash(text, len, 0) % LABELS_SLOTS;
    for (; l->slots[at]; at = (at + 1) % LABELS_SLOTS) {
        const char *other = l->names[l->slots[at] - 1];
        if (strlen(other) == len && memcmp(other, text, len) == 0) break;
    }
    return &l->slots[at];
}

int labels_number(Labels *l, size_t most, const char *text, size_t len) {
    if (len == 0 || len > LABEL_MOST_BYTES || memchr(text, 0, len)) return LABEL_REFUSED;
    uint16_t *at = slot(l, text, len);
    if (*at == 0) {
        if (l->known) return LABEL_REFUSED;
        if (l->count == (most < LABELS_MOST ? most : LABELS_MOST)) return LABEL_TOO_MANY;
        char *name = malloc(len + 1);
        if (!name) return LABEL_NO_MEMORY;
        memcpy(name, text, len);
        name[len] = 0;
        if (!rt_utf8(name)) {
            free(name);
            return LABEL_REFUSED;
        }
        l->names[l->count] = name;
        l->seen[l->count] = 0;
        *at = (uint16_t)++l->count;
    }
    l->seen[*at - 1]++;
    return *at - 1;
}

int labels_known(dlg_device *dev, Labels *l, const char *what, const char *json) {
    char why[RT_JSON_WHY];
    json_t *list = rt_json_parse(json, strlen(json), why), *name;
    size_t i;
    if (!list && !*why) return rt_no_memory(dev, strlen(json));
    bool right = json_is_array(list) && json_array_size(list) > 0;
    int number = 0;
    if (right) {
        json_array_foreach(list, i, name) {
            number = json_is_string(name) ? labels_number(l, LABELS_MOST, json_string_value(name),
                                                          json_string_length(name))
                                          : LABEL_REFUSED;
            if (number < 0 || (size_t)number != i)
                break; /* one that was there has an earlier number */
        }
        right = l->count == json_array_size(list) && number >= 0;
    }
    json_decref(list);
    l->known = true;
    if (number == LABEL_NO_MEMORY) return rt_no_memory(dev, LABEL_MOST_BYTES);
    if (right) return DLG_OK;
    return rt_fail(dev, DLG_ERR_DATA, "the weights' labels for `%s` are not a list of labels",
                   what);
}

void labels_drop_first(Labels *l) {
    free(l->names[0]);
    memmove(l->names, l->names + 1, --l->count * sizeof *l->names);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int labels_sort(dlg_device *dev, Labels *l, int32_t *new_number) {
    char **old = malloc((l->count + 1) * sizeof *old);
    if (!old) return rt_no_memory(dev, l->count * sizeof *old);
    memcpy(old, l->names, l->count * sizeof *old);
    qsort(l->names, l->count, sizeof *l->names, by_bytes);
    for (size_t i = 0; i < l->count; i++) {
        char **found = bsearch(&old[i], l->names, l->count, sizeof *l->names, by_bytes);
        new_number[i] = (int32_t)(found - l->names);
    }
    free(old);
    return DLG_OK;
}

char *labels_json(const Labels *l) {
    json_t *list = json_array();
    bool right = list != NULL;
    for (size_t i = 0; right && i < l->count; i++)
        right = json_array_append_new(list, json_string(l->names[i])) == 0;
    char *text = right ? rt_json_text(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

void labels_free(Labels *l) {
    for (size_t i = 0; l && i < l->count; i++) free(l->names[i]);
    free(l);
}

/* json: documents as text and back.
 *
 * Establishes: the text is whole, or there is none. json_dumps does not see when the name of a member found no memory,
 * and leaves it out (jansson 2.14); here memory is taken before anything is written. What was not read for want of
 * memory is neither called malformed nor taken without what is missing, as jansson does. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include "rt.h"

char *rt_json_text(const json_t *document, size_t flags) {
    size_t size = document ? json_dumpb(document, NULL, 0, flags) : 0;
    char *text = size ? malloc(size + 1) : NULL;
    if (!text) return NULL;
    if (json_dumpb(document, text, size, flags) != size) {
        free(text);
        return NULL;
    }
    text[size] = 0;
    return text;
}

json_t *rt_json_parse(const char *text, size_t len, char why[RT_JSON_WHY]) {
    json_error_t error;
    int before = errno;
    errno = 0;
    json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    bool no_memory = !document && errno == ENOMEM;
    errno = before;
    snprintf(why, RT_JSON_WHY, "%s", document || no_memory ? "" : error.text);
    /* A long string whose buffer could not grow comes without the character for which it should have. Then it does
     * not come so twice. */
    json_t *again = document ? json_loadb(text, len, 0, NULL) : NULL;
    if (document && !json_equal(document, again)) {
        json_decref(document);
        document = NULL;
    }
    json_decref(again);
    return document;
}

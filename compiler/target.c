/* target: the table of targets. */
#include "target.h"

#include "codegen.h"

static const Target targets[] = {
#define X(id, text, ...) {.name = #id, .doc = text, __VA_ARGS__},
#include "target.def"
#undef X
};

const Target *target_find(const char *name) {
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        if (!name || !strcmp(targets[i].name, name)) return &targets[i];
    }
    return NULL;
}

const Target *target_first_like(const Target *t) {
    uint32_t i = 0;
    while (targets[i].lanes != t->lanes) i++;
    return &targets[i];
}

bool target_is_short(const Target *t) {
    return t->width < t->lanes;
}

bool target_shares_waits(const Target *t) {
    return t->meets && t->local_size > 1;
}

static const char *const precisions[] = {"f32", "3xtf32", "tf32", "bf16"};

const char *precision_name(Precision precision) {
    return precisions[precision];
}

bool precision_find(const char *name, Precision *precision) {
    for (size_t i = 0; i < COUNT_OF(precisions); i++) {
        if (strcmp(precisions[i], name)) continue;
        *precision = (Precision)i;
        return true;
    }
    return false;
}

bool target_known(const char *name) {
    return target_find(name) != NULL;
}

const char *target_names(void) {
    return ""
#define X(name, ...) " " #name
#include "target.def"
#undef X
        ;
}

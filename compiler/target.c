/* target: the table of targets. */
#include "target.h"

#include "codegen.h"

static const Target targets[] = {
#define X(name, ...) {#name, __VA_ARGS__},
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

const char *target_for_device(const char *type, unsigned width) {
    if (!strcmp(type, "gpu")) return "gpu";
    return width && width < target_find("cpu")->width ? "cpu8" : "cpu";
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

/* family: which kernels share a text, and with which parameters; see family.h.
 *
 * A family's slots are parted by what they differ by from the first member's, member after member: two
 * slots stay together while each member moves them by the same amount. */
#include "family.h"

#define MOST_PARAMS   COUNT_OF(((Family *)0)->base) /* a device may allow no more than 128 in all */
#define MOST_FAMILIES 32                 /* of one outline that are tried, newest first */
#define FAR           (INT64_C(1) << 30) /* constants of one parameter differ by less: an int */

static uint32_t *find(Families *fs, const char *outline, size_t len) {
    uint64_t at = hash_bytes(outline, len, 0);
    for (;; at++) {
        uint32_t *slot = &fs->slots[at & (fs->slot_cap - 1)];
        if (!*slot || !strcmp(fs->list.at[*slot - 1].outline, outline)) return slot;
    }
}

/* The newest family with this outline, + 1; 0 there: it is the first. */
static uint32_t *find_outline(Families *fs, const char *outline, size_t len) {
    if ((fs->list.len + 1) * 2 > fs->slot_cap) {
        fs->slot_cap = fs->slot_cap ? fs->slot_cap * 2 : 64;
        fs->slots = NEW_ARRAY(fs->arena, uint32_t, fs->slot_cap);
        for (uint32_t i = 0; i < fs->list.len; i++) {
            const char *s = fs->list.at[i].outline;
            *find(fs, s, strlen(s)) = i + 1; /* the newest stays */
        }
    }
    return find(fs, outline, len);
}

/* Parts the slots so that a member with these constants fits, into param_of[]. Returns how many parameters
 * that takes; above MOST_PARAMS: too many. */
static uint32_t part(const Family *f, const int32_t *constants, uint32_t *param_of) {
    struct {
        uint32_t param, slot;
        int64_t by;
    } key[MOST_PARAMS];
    uint32_t params = 0;
    for (uint32_t s = 0; s < f->slots; s++) {
        uint32_t before = f->param_of ? f->param_of[s] : 0, i = 0;
        int64_t by = (int64_t)constants[s] - f->first[s];
        param_of[s] = 0;
        if (!before && !by) continue;
        for (; i < params; i++) {
            int64_t apart = (int64_t)f->first[s] - f->first[key[i].slot];
            if (key[i].param == before && key[i].by == by && apart < FAR && apart > -FAR) break;
        }
        if (i == MOST_PARAMS) return MOST_PARAMS + 1;
        if (i == params) {
            key[i].param = before;
            key[i].slot = s;
            key[i].by = by;
            params++;
        }
        param_of[s] = i + 1;
    }
    return params;
}

/* Whether a member with these constants fits the family as it is or may become. */
static bool join(Families *fs, Family *f, const int32_t *constants, bool *changed) {
    *changed = false;
    if (!memcmp(constants, f->first, f->slots * sizeof(int32_t))) return true;
    Arena *scratch = arena_open(fs->arena);
    uint32_t *param_of = NEW_ARRAY(scratch, uint32_t, f->slots + 1);
    uint32_t params = part(f, constants, param_of);
    /* A part is never joined to another, so as many as before are those of before. */
    if (params > f->params && params <= MOST_PARAMS) {
        f->param_of =
            memcpy(NEW_ARRAY(fs->arena, uint32_t, f->slots), param_of, f->slots * sizeof(uint32_t));
        f->params = params;
        for (uint32_t s = f->slots; s-- > 0;) { /* of equals the first */
            uint32_t p = param_of[s];
            if (p) f->base[p - 1] = s;
        }
        for (uint32_t s = 0; s < f->slots; s++) {
            uint32_t p = param_of[s];
            if (p && f->first[s] < f->first[f->base[p - 1]]) f->base[p - 1] = s;
        }
        *changed = true;
    }
    arena_close(scratch);
    return params <= MOST_PARAMS;
}

Member family_join(Families *fs, const Kernel *k, bool *changed) {
    Arena *scratch = arena_open(fs->arena);
    Text outline;
    Constants c = {.at = NEW_ARRAY(scratch, int32_t, 8), .cap = 8};
    text_init(&outline, scratch);
    kernel_outline(k, &outline, &c);
    uint32_t *newest = find_outline(fs, outline.at, outline.len), id = *newest;
    for (uint32_t tried = 0; id && tried < MOST_FAMILIES; tried++) {
        if (join(fs, &fs->list.at[id - 1], c.at, changed)) break;
        id = tried + 1 < MOST_FAMILIES ? fs->list.at[id - 1].older : 0;
    }
    Member m = {0};
    const Family *f = id ? &fs->list.at[id - 1] : NULL;
    if (f && !memcmp(c.at, f->first, c.len * sizeof(int32_t)))
        m.constants = f->first;
    else
        m.constants =
            memcpy(NEW_ARRAY(fs->arena, int32_t, c.len + 1), c.at, c.len * sizeof(int32_t));
    if (!f) {
        Family new = {.slots = c.len, .first = m.constants, .older = *newest};
        new.outline = *newest ? fs->list.at[*newest - 1].outline
                              : arena_strndup(fs->arena, outline.at, outline.len);
        vec_push(fs->arena, &fs->list, new);
        *newest = id = fs->list.len;
        *changed = true;
    }
    m.family = id - 1;
    arena_close(scratch);
    return m;
}

const Slot *family_slots(const Family *f, Arena *arena) {
    if (!f->params) return NULL;
    Slot *slots = NEW_ARRAY(arena, Slot, f->slots);
    for (uint32_t s = 0; s < f->slots; s++) {
        uint32_t p = f->param_of[s];
        slots[s].param = p ? p - 1 : NO_PARAM;
        if (p) slots[s].add = f->first[s] - f->first[f->base[p - 1]];
    }
    return slots;
}

int32_t family_argument(const Families *fs, Member m, uint32_t param) {
    return m.constants[fs->list.at[m.family].base[param]];
}

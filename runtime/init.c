/* init: random bits, and the values that params and states start with; how, kernels/init_values.h says. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "../kernels/init_values.h"
#include "rt.h"

uint64_t rt_hash(const void *data, size_t bytes, uint64_t seed) {
    return XXH64(data, bytes, seed);
}

void rt_key(const char *name, uint64_t seed, uint32_t key[2]) {
    uint64_t h = XXH64(name, strlen(name), seed);
    key[0] = (uint32_t)h;
    key[1] = (uint32_t)(h >> 32);
}

void rt_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    philox(counter, key, out);
}

/* A number that is beyond an f16, as a normal one may be, becomes the greatest there is. */
static void store(dlg_type type, void *data, uint64_t i, double value) {
    if (type == DLG_BOOL) value = value != 0;
    if (dlg_put_element(type, data, i, value) == DLG_OK) return;
    double most = type == DLG_F16 ? 65504 : 0x1.fep127;
    (void)dlg_put_element(type, data, i, value < 0 ? -most : most);
}

static void fill(const dlg_tensor *t, double value, void *data) {
    if (!t->elems) return;
    store(t->type, data, 0, value);
    size_t done = dlg_type_bytes(t->type), all = (size_t)t->elems * done;
    for (size_t more; done < all; done += more) {
        more = done < all - done ? done : all - done;
        memcpy((char *)data + done, data, more);
    }
}

void rt_init_values(const Plan *plan, const dlg_tensor *t, uint64_t seed, void *data) {
    const Init *init = &plan->inits[t->index];
    switch (init->kind) {
    case INIT_CONSTANT: fill(t, init->a, data); return;
    case INIT_LITERAL:
        for (uint64_t i = 0; i < t->elems; i++)
            store(t->type, data, i, plan->literals[init->literal + i]);
        return;
    case INIT_UNIFORM:
    case INIT_NORMAL: break;
    }
    uint32_t key[2], counter[4] = {0, 0, 0, 0}, words[4];
    rt_key(t->user_name, seed, key);
    for (uint64_t i = 0; i < t->elems; i++) {
        if (i % 4 == 0) {
            counter[0] = (uint32_t)(i / 4);
            philox(counter, key, words);
        }
        float value = random_value(init->kind == INIT_NORMAL, init->a, init->b, words[i % 4]);
        if (t->type == DLG_F32)
            memcpy((char *)data + i * sizeof value, &value, sizeof value);
        else
            store(t->type, data, i, (double)value);
    }
}

/* kir_count: what a launch of a kernel does: floating-point operations, and the distinct bytes that it
 * touches: of each buffer from the first element that it may reach to the last, but not more than it
 * loads and stores (of a slice, or of a table of which it gathers a few rows). */
#include "kir.h"

#include <math.h>

typedef struct Counter {
    const Kernel *k;
    int64_t group;
    double flops;
    int64_t *lo, *hi; /* of each buffer: elements touched */
    double *accesses; /* of each buffer: elements loaded and stored */
} Counter;

/* The value of an index for the group at hand, if it depends on nothing else. */
static bool known(const Counter *c, Idx e, int64_t *value) {
    const Form *f = &c->k->index.forms.at[e];
    *value = f->constant;
    for (uint32_t i = 0; i < f->count; i++) {
        const Atom *a = &c->k->index.atoms.at[f->terms[i].atom];
        int64_t x;
        if (f->terms[i].atom == c->k->group_atom)
            x = c->group;
        else if (idx_is_iteration(&c->k->index, f->terms[i].atom))
            x = 0; /* any one of them */
        else if (a->kind != ATOM_VAR) {
            if (!known(c, a->inner, &x)) return false;
            x = a->kind == ATOM_DIV ? x / a->by : x % a->by;
        } else if (a->value != NO_VAL && c->k->values.at[a->value].kind == V_INDEX) {
            if (!known(c, c->k->values.at[a->value].index, &x)) return false;
        } else
            return false;
        *value += f->terms[i].coef * x;
    }
    return true;
}

static void touch(Counter *c, uint32_t buffer, Idx e, int64_t lanes, int64_t used, double times) {
    int64_t lo = idx_lo(&c->k->index, e), hi = idx_hi(&c->k->index, e) + lanes;
    const Form *f = &c->k->index.forms.at[e];
    for (uint32_t i = 0; i < f->count; i++) { /* one iteration: the first */
        if (!idx_is_iteration(&c->k->index, f->terms[i].atom)) continue;
        const Atom *a = &c->k->index.atoms.at[f->terms[i].atom];
        int64_t span = f->terms[i].coef * (a->hi - a->lo);
        if (span > 0) hi -= span;
        if (span < 0) lo -= span;
    }
    int64_t elems = c->k->buffers.at[buffer].elems;
    if (lo < 0) lo = 0;
    if (hi > elems) hi = elems;
    if (c->hi[buffer] == 0 || lo < c->lo[buffer]) c->lo[buffer] = lo;
    if (hi > c->hi[buffer]) c->hi[buffer] = hi;
    c->accesses[buffer] += times * (double)used;
}

static void count_value(Counter *c, const Value *v, double times) {
    if (v->kind == V_LOAD)
        touch(c, v->buffer, v->index, v->lanes, v->used ? v->used : v->lanes, times);
    if (v->dtype == DT_F32 &&
        (v->kind == V_EW || v->kind == V_FMA || v->kind == V_ACROSS || v->kind == V_SUMS)) {
        c->flops += times * (v->used ? v->used : v->lanes) * (v->kind == V_FMA ? 2 : 1);
    }
}

static void count_block(Counter *c, const KBlock *b, double times) {
    for (uint32_t i = 0; i < b->len; i++) {
        const KStmt *s = b->at[i];
        int64_t lo, hi;
        double turns = times;
        switch (s->op) {
        case S_LET: count_value(c, &c->k->values.at[s->val], times); break;
        case S_MEET:
            for (int64_t apart = s->step / 2; apart >= 1; apart /= 2)
                c->flops += c->k->vars.at[s->var].dtype == DT_F32 ? times : 0;
            break;
        case S_STORE: {
            uint8_t lanes = c->k->values.at[s->val].lanes;
            touch(c, s->buffer, s->index, lanes, lanes, times);
            break;
        }
        case S_COLUMNS:
        case S_ROWS: touch(c, s->buffer, s->index, 16 * s->step, 16 * s->step, times); break;
        case S_SQUARE:
            if (!s->own)
                touch(c, s->buffer, s->index, 15 * s->pitch + MAX_LANES, MAX_LANES * MAX_LANES,
                      times);
            break;
        case S_COPY: touch(c, s->buffer, s->index, s->step, s->step, times); break;
        case S_PRODUCT:
        case S_WGMMA: { /* by all items of the group */
            const KMatrix *m = &c->k->matrices.at[s->matrix];
            double points = (double)m->rows * PART_ROWS * m->columns * PART_COLUMNS;
            const int32_t steps =
                m->wgmma ? wgmma_steps(m->precision) : MATRIX_STEP * matrix_each(m);
            double products = points * steps;
            if (m->slices) products = (double)m->rows * m->columns * m->chunk;
            c->flops += 2 * products * times / c->k->local_size;
            break;
        }
        case S_FOR:
            if (known(c, s->lo, &lo) && known(c, s->hi, &hi)) {
                turns = hi > lo ? times * (double)((hi - lo + s->step - 1) / s->step) : 0;
            } else {
                turns = times *
                        (double)(idx_hi(&c->k->index, s->hi) - idx_lo(&c->k->index, s->lo)) /
                        (double)s->step;
            }
            break;
        case S_IF:
            if (s->part > 0) turns *= s->part;
            for (uint32_t r = 0; r < s->ranges.count; r++) {
                if (known(c, s->ranges.at[r].e, &lo) &&
                    (lo < s->ranges.at[r].lo || lo >= s->ranges.at[r].hi))
                    turns = 0;
            }
            break;
        default: break;
        }
        if (turns > 0) count_block(c, &s->body, turns);
    }
}

KCount kernel_count(const Kernel *k) {
    Counter c = {.k = k};
    KCount out = {0};
    c.lo = NEW_ARRAY(k->arena, int64_t, k->buffers.len + 1);
    c.hi = NEW_ARRAY(k->arena, int64_t, k->buffers.len + 1);
    c.accesses = NEW_ARRAY(k->arena, double, k->buffers.len + 1);
    /* Groups beyond some thousands are alike: count a few and scale. */
    int64_t sample = k->groups > 4096 ? 4096 : k->groups;
    for (c.group = 0; c.group < sample; c.group++) count_block(&c, &k->body, k->local_size);
    out.flops = c.flops * k->groups / (double)sample;
    for (uint32_t i = 0; i < k->buffers.len; i++) {
        if (k->buffers.at[i].values) continue;
        double reach = (double)(c.hi[i] - c.lo[i]), most = c.accesses[i] * k->groups / sample;
        out.bytes += floor(most < reach ? most : reach) * dtype_bytes(k->buffers.at[i].dtype);
    }
    return out;
}

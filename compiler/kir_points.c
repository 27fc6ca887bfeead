/* kir_points: pointers for loops that are to go on by a few turns at a time (KStmt.turns), where registers are short of
 * lanes. What an address in such a loop
 * has that stays the same there is added up before it, and the loop goes on from there: of a sum of int products, of which
 * it may not know that they stay small, a compiler makes a multiplication and a widening for every load, where
 * otherwise an operand of the load is enough.
 *
 * Requires: values that nothing uses are dropped. A load keeps its whole index; `point` and `rest` are for the text. */
#include "kir.h"

typedef struct Loop {
    Kernel *k;
    const KStmt *loop;
    const bool *inside; /* of each value: it is made in the loop */
    KBlock *before;     /* where its pointers are declared */
    uint32_t first;     /* of them in `before` */
} Loop;

static bool varies(const Loop *l, Idx e);

static bool atom_varies(const Loop *l, uint32_t atom) {
    const Atom *a = &l->k->index.atoms.at[atom];
    if (a->kind != ATOM_VAR) return varies(l, a->inner);
    return atom == l->loop->atom || (a->value != NO_VAL && l->inside[a->value]);
}

static bool varies(const Loop *l, Idx e) {
    const Form *f = &l->k->index.forms.at[e];
    for (uint32_t i = 0; i < f->count; i++)
        if (atom_varies(l, f->terms[i].atom)) return true;
    return false;
}

/* The variables of e that stay the same, without its constant. */
static Idx staying(const Loop *l, Idx e) {
    const Form f = l->k->index.forms.at[e];
    bool *stays = NEW_ARRAY(l->k->arena, bool, f.count + 1);
    for (uint32_t i = 0; i < f.count; i++) stays[i] = !atom_varies(l, f.terms[i].atom);
    return idx_keep(&l->k->index, e, stays);
}

static uint32_t point_to(Loop *l, const Value *v, Idx at) {
    const bool own = v->kind == V_LOCAL;
    for (uint32_t i = l->first; i < l->before->len; i++) {
        const KStmt *s = l->before->at[i];
        if (s->index == at && (own ? s->local == v->buffer : s->buffer == v->buffer))
            return s->point;
    }
    KStmt *s = NEW(l->k->arena, KStmt);
    s->op = S_POINT;
    s->index = at;
    s->local = own ? v->buffer : NO_VAL;
    s->buffer = own ? NO_VAL : v->buffer;
    s->point = l->k->points++;
    vec_push(l->k->arena, l->before, s);
    return s->point;
}

static void point_load(Loop *l, Val val) {
    IndexTable *t = &l->k->index;
    Value *v = &l->k->values.at[val];
    int64_t none;
    if ((v->kind != V_LOAD && v->kind != V_LOCAL) || v->ranges.count || v->some || v->whole) return;
    if (!varies(l, v->index)) return;
    Idx at = staying(l, v->index);
    if (idx_is_const(t, at, &none)) return;
    v->point = 1 + point_to(l, v, at);
    v->rest = idx_sub(t, v->index, at);
}

static void point_block(Kernel *k, KBlock *b, bool *inside) {
    KBlock all = {0};
    for (uint32_t i = 0; i < b->len; i++) {
        KStmt *s = b->at[i];
        if (s->op == S_FOR && s->turns && k->by_registers) {
            Loop l = {k, s, inside, &all, all.len};
            for (uint32_t j = 0; j < s->body.len; j++)
                if (s->body.at[j]->op == S_LET) inside[s->body.at[j]->val] = true;
            for (uint32_t j = 0; j < s->body.len; j++)
                if (s->body.at[j]->op == S_LET) point_load(&l, s->body.at[j]->val);
        } else {
            point_block(k, &s->body, inside);
        }
        vec_push(k->arena, &all, s);
    }
    *b = all;
}

void kernel_points(Kernel *k) {
    if (!k->points) point_block(k, &k->body, NEW_ARRAY(k->arena, bool, k->values.len + 1));
}

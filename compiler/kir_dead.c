/* kir_dead: the end of building a kernel: values that nothing uses are dropped. */
#include "kir.h"

static void use_index(Kernel *k, Idx e);

static void use(Kernel *k, Val v) {
    Value *n = &k->values.at[v];
    if (n->uses++) return;
    for (uint32_t i = 0; i < n->argc; i++) use(k, n->args[i]);
    for (uint32_t i = 0; i < n->parts; i++) use(k, n->pack[i]);
    if (n->kind == V_LOAD || n->kind == V_INDEX || n->kind == V_LOCAL) use_index(k, n->index);
    if (n->some) {
        use_index(k, n->from);
        use_index(k, n->to);
    }
    for (uint32_t i = 0; i < n->ranges.count; i++) use_index(k, n->ranges.at[i].e);
}

/* An index may stand on a value (gather). */
static void use_index(Kernel *k, Idx e) {
    const Form *f = &k->index.forms.at[e];
    for (uint32_t i = 0; i < f->count; i++) {
        const Atom *a = &k->index.atoms.at[f->terms[i].atom];
        if (a->kind != ATOM_VAR)
            use_index(k, a->inner);
        else if (a->value != NO_VAL) {
            use(k, a->value);
            k->values.at[a->value].uses++; /* an index prints it by name: never inline it */
        }
    }
}

static void use_block(Kernel *k, const KBlock *b) {
    for (uint32_t i = 0; i < b->len; i++) {
        KStmt *s = b->at[i];
        switch (s->op) {
        case S_VAR:
        case S_MEET:
        case S_SET: use(k, s->val); break;
        case S_STORE:
        case S_LOCAL:
            use(k, s->val);
            use_index(k, s->index);
            break;
        case S_COLUMNS:
        case S_ROWS: use_index(k, s->index); break;
        case S_SQUARE:
        case S_COPY:
        case S_FETCH:
        case S_WGMMA:
            for (uint32_t r = 0; r < s->ranges.count; r++) use_index(k, s->ranges.at[r].e);
            use_index(k, s->index);
            use_index(k, s->at);
            break;
        case S_PRODUCT: /* with slices; else they are 0 */
            use_index(k, s->index);
            use_index(k, s->at);
            break;
        case S_FOR:
            use_index(k, s->lo);
            use_index(k, s->hi);
            break;
        case S_IF:
            for (uint32_t r = 0; r < s->ranges.count; r++) use_index(k, s->ranges.at[r].e);
            break;
        default: break;
        }
        use_block(k, &s->body);
    }
}

static void drop_dead(Kernel *k, KBlock *b) {
    uint32_t keep = 0;
    for (uint32_t i = 0; i < b->len; i++) {
        KStmt *s = b->at[i];
        drop_dead(k, &s->body);
        if (s->op == S_LET && k->values.at[s->val].uses == 0) continue;
        if ((s->op == S_FOR || s->op == S_IF) && s->body.len == 0) continue;
        b->at[keep++] = s;
    }
    b->len = keep;
}

void kernel_finish(Kernel *k) {
    for (uint32_t i = 0; i < k->values.len; i++) k->values.at[i].uses = 0;
    use_block(k, &k->body);
    drop_dead(k, &k->body);
    kernel_ahead(k);
    kernel_points(k);
}

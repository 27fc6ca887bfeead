/* print_named: see print_named.h. */
#include "print_named.h"

typedef struct Namer {
    const Kernel *k;
    bool *named;
    uint32_t *made; /* of each value: the loop that it is made in */
    uint32_t loops; /* so far */
} Namer;

/* A value that stands before a loop and is used in it has a name, so that it is computed where it stands. */
static void name_outside(Namer *n, const KBlock *b, uint32_t loop) {
    for (uint32_t i = 0; i < b->len; i++) {
        const KStmt *s = b->at[i];
        if (s->op == S_LET) {
            const Value *v = &n->k->values.at[s->val];
            n->made[s->val] = loop;
            for (uint32_t a = 0; a < v->argc; a++)
                n->named[v->args[a]] = n->named[v->args[a]] || n->made[v->args[a]] != loop;
        } else if (s->op == S_VAR || s->op == S_MEET || s->op == S_SET || s->op == S_STORE ||
                   s->op == S_LOCAL) {
            n->named[s->val] = n->named[s->val] || n->made[s->val] != loop;
        }
        name_outside(n, &s->body, s->op == S_FOR ? ++n->loops : loop);
    }
}

/* An operand that the operator's text mentions twice needs one too. */
void kernel_named(const Kernel *k, Arena *arena, bool *named) {
    for (Val v = 0; v < k->values.len; v++) {
        const Value *x = &k->values.at[v];
        if (x->kind == V_EW && (x->op == OP_MAX || x->op == OP_MIN)) {
            for (uint32_t i = 0; i < x->argc; i++) named[x->args[i]] = true;
        }
        if (x->kind == V_EXTRACT) named[x->args[0]] = true;
    }
    Namer n = {.k = k, .named = named, .made = NEW_ARRAY(arena, uint32_t, k->values.len + 1)};
    name_outside(&n, &k->body, 0);
    for (uint32_t i = 0; i < k->index.atoms.len; i++) {
        Val v = k->index.atoms.at[i].value;
        if (k->index.atoms.at[i].kind == ATOM_VAR && v != NO_VAL) named[v] = true;
    }
}

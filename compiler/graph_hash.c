/* graph_hash: a program's graphs as a number, for who must know whether two programs compute the same: no tile, budget or
 * pair changes it, nor do names of bindings and places in the source. */
#include "codegen.h"
#include "ir.h"

#include <xxhash.h>

static uint64_t add_bytes(const void *at, size_t bytes, uint64_t hash) {
    return XXH64(at, bytes, hash);
}

static uint64_t hash_text(const char *s, uint64_t hash) {
    return add_bytes(s ? s : "", (s ? strlen(s) : 0) + 1, hash);
}

static uint64_t hash_number(int64_t number, uint64_t hash) {
    return add_bytes(&number, sizeof number, hash);
}

static uint64_t hash_shape(const Shape *s, uint64_t hash) {
    hash = hash_number(s->rank, hash);
    return add_bytes(s->dim, s->rank * sizeof *s->dim, hash);
}

static uint64_t hash_variable(const Variable *v, uint64_t hash) {
    hash = hash_text(v->name, hash);
    hash = hash_text(v->variant, hash);
    hash = hash_number(v->kind, hash);
    hash = hash_text(dtype_name(v->dtype), hash);
    return hash_shape(&v->shape, hash);
}

static uint64_t hash_node(const Program *p, const Node *n, uint64_t hash) {
    hash = hash_text(op_info[n->op].name, hash);
    hash = hash_text(dtype_name((DType)n->dtype), hash);
    hash = hash_shape(&n->shape, hash);
    hash = hash_number(n->argc, hash);
    hash = add_bytes(n->args, n->argc * sizeof *n->args, hash);
    if (n->op == OP_VAR) return hash_variable(&p->vars.at[n->attr[0]], hash);
    hash = hash_number(n->attrc, hash);
    hash = add_bytes(n->attr, n->attrc * sizeof *n->attr, hash);
    hash = add_bytes(&n->value, sizeof n->value, hash);
    if (n->op == OP_LITERAL)
        hash = add_bytes(n->values, (size_t)shape_elems(&n->shape) * sizeof *n->values, hash);
    return hash_number(n->loop, hash);
}

static uint64_t hash_entry(const Program *p, const Entry *e, uint64_t hash) {
    const Graph *g = &e->graph;
    hash = hash_text(e->name, hash);
    hash = hash_text(e->variant, hash);
    for (uint32_t i = 1; i < g->loops.len; i++) hash = hash_number(g->loops.at[i].trips, hash);
    for (NodeId id = 0; id < g->nodes.len; id++) hash = hash_node(p, node_at(g, id), hash);
    for (uint32_t i = 0; i < e->outputs.len; i++) {
        hash = hash_text(e->outputs.at[i].name, hash);
        hash = hash_number(e->outputs.at[i].node, hash);
    }
    for (uint32_t i = 0; i < e->updates.len; i++) {
        hash = hash_variable(&p->vars.at[e->updates.at[i].var], hash);
        hash = hash_number(e->updates.at[i].node, hash);
    }
    return hash;
}

uint64_t graph_hash(const Program *p, const Target *target, int opt_level) {
    uint64_t hash = hash_text(target->name, 0);
    hash = hash_number(target->precision, hash);
    hash = hash_number(target->cache_bytes, hash);
    hash = hash_number(opt_level, hash);
    for (uint32_t i = 0; i < p->entries.len; i++) hash = hash_entry(p, p->entries.at[i], hash);
    return hash;
}

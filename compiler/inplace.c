/* inplace: which values may be stored over others that nobody reads any more.
 *
 * A cluster that reads a dying value only at the place that it stores may store over it: of each place it
 * reads before it stores (nest.h), each is stored once, and by the work-item that reads it. Then both are
 * one buffer, so that a kernel has one pointer to it.
 *
 * Requires: clusters, chains, launches and tiles are decided. Establishes: over[] leads to earlier clusters, no
 * two nodes to the same one. */
#include "fuser.h"

/* Who loads a value in the last launch that does, or where launches run beside each other in the last of those that may:
 * clusters in the order in which they run. */
typedef struct LastRead {
    uint32_t when; /* launch or level, + 1; 0: nobody does */
    uint32_t first, last;
} LastRead;

static uint32_t when_run(const Fused *f, const Cluster *c) {
    return f->fuser->options->target->meets ? f->level[c->launch] + 1 : c->launch + 1;
}

static LastRead *find_last_reads(const Fused *f, Arena *arena) {
    LastRead *last = NEW_ARRAY(arena, LastRead, f->g->nodes.len + 1);
    for (uint32_t c = 0; c < f->clusters.len; c++) {
        const Cluster *cl = f->clusters.at[c];
        for (uint32_t m = 0; m < cl->members.len; m++) {
            const Reads *reads = &f->fuser->reads[cl->members.at[m]];
            for (uint32_t i = 0; i < reads->len; i++) {
                LastRead *l = &last[reads->at[i].target];
                if (f->cluster_of[reads->at[i].target] == c) continue;
                if (l->when != when_run(f, cl)) *l = (LastRead){when_run(f, cl), c, c};
                l->last = c;
            }
        }
    }
    return last;
}

/* Whether a read is at the row that its reader's first `axes` axes say; without axes there is one row. */
static bool at_own_row(const Read *r, int axes) {
    return axes == 0 || (r->rows >> (axes - 1) & 1);
}

/* Whether all that cluster c reads of `dying` is read before `id`, a member, is stored at that place.
 *
 * At a point of the outer space all reductions come first, then what has no inner axes is evaluated, then
 * the inner loop evaluates and stores place by place, then what has no inner axes is stored. So what is
 * stored in the inner loop may overwrite what reductions read of the same row. */
static bool reads_before(const Fused *f, const Cluster *c, NodeId dying, NodeId id) {
    const Graph *g = f->g;
    int outer = c->outer.rank;
    bool inner = node_at(g, id)->shape.rank > outer;
    for (uint32_t m = 0; m < c->members.len; m++) {
        const Node *reader = node_at(g, c->members.at[m]);
        const Reads *reads = &f->fuser->reads[c->members.at[m]];
        int rank = reader->shape.rank;
        for (uint32_t i = 0; i < reads->len; i++) {
            const Read *r = &reads->at[i];
            if (r->target != dying) continue;
            if (r->ranged) return false;
            bool whole_row = is_reduction((Op)reader->op) || !inner;
            if (!whole_row && rank <= outer) return false;
            if (!at_own_row(r, whole_row ? outer : rank)) return false;
        }
    }
    return true;
}

/* Whether cluster e, an earlier one of a chain, reads `dying` only in the rows that the group has at hand. */
static bool reads_own_rows(const Fused *f, uint32_t e, NodeId dying) {
    const Cluster *c = f->clusters.at[e];
    int64_t rows = f->chains.at[c->chain].rows, product = 1;
    int axes = 0;
    while (product < rows) product *= c->outer.dim[axes++];
    for (uint32_t m = 0; m < c->members.len; m++) {
        const Reads *reads = &f->fuser->reads[c->members.at[m]];
        for (uint32_t i = 0; i < reads->len; i++) {
            if (reads->at[i].target == dying && !at_own_row(&reads->at[i], axes)) return false;
        }
    }
    return true;
}

static bool fits_over(const Fused *f, const LastRead *last, NodeId dying, NodeId id) {
    const Node *d = node_at(f->g, dying), *n = node_at(f->g, id);
    uint32_t here = f->cluster_of[id], from = f->cluster_of[dying];
    const Cluster *c = f->clusters.at[here];
    uint32_t chain = f->chains.at[c->chain].first;
    if (last->last != here || last->when != when_run(f, c)) return false;
    /* Launches and the clusters of a chain run in order, all others of a launch in any. */
    if (last->first < chain || (from < chain && f->clusters.at[from]->launch == c->launch))
        return false;
    for (uint32_t e = last->first; e < here; e++) {
        if (!reads_own_rows(f, e, dying)) return false;
    }
    return d->dtype == n->dtype && shape_elems(&d->shape) == shape_elems(&n->shape) &&
           reads_before(f, c, dying, id);
}

void fuse_in_place(const Fused *f, const bool *may, NodeId *over, Arena *arena) {
    for (NodeId id = 0; id < f->g->nodes.len; id++) over[id] = NO_NODE;
    if (f->fuser->options->apart) return;
    const LastRead *last = find_last_reads(f, arena);
    bool *taken = NEW_ARRAY(arena, bool, f->g->nodes.len + 1);
    for (uint32_t c = 0; c < f->clusters.len; c++) {
        const Cluster *cl = f->clusters.at[c];
        for (uint32_t m = 0; m < cl->members.len; m++) {
            const Reads *reads = &f->fuser->reads[cl->members.at[m]];
            for (uint32_t i = 0; i < reads->len; i++) {
                NodeId dying = reads->at[i].target;
                if (!may[dying] || last[dying].last != c) continue;
                for (uint32_t k = 0; k < cl->members.len && !taken[dying]; k++) {
                    NodeId id = cl->members.at[k];
                    if (!may[id] || over[id] != NO_NODE) continue;
                    if (!fits_over(f, &last[dying], dying, id) ||
                        !graph_rewrites(f->g, "a value is stored over one that dies", id))
                        continue;
                    over[id] = dying;
                    taken[dying] = true;
                }
            }
        }
    }
}

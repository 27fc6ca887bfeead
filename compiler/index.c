/* index: normal forms of address expressions; see index.h. */
#include "index.h"

void index_init(IndexTable *t, Arena *arena) {
    *t = (IndexTable){.arena = arena};
}

#define HASHED 7

static uint64_t form_hash(int64_t constant, const Term *terms, uint32_t count) {
    int64_t part[1 + 2 * HASHED] = {constant};
    uint32_t hashed = count < HASHED ? count : HASHED; /* forms of more terms are few */
    for (uint32_t i = 0; i < hashed; i++) {
        part[1 + 2 * i] = terms[i].atom;
        part[2 + 2 * i] = terms[i].coef;
    }
    return hash_bytes(part, (1 + 2 * (size_t)hashed) * sizeof(int64_t), count);
}

static bool form_same(const Form *f, int64_t constant, const Term *terms, uint32_t count) {
    if (f->constant != constant || f->count != count) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (f->terms[i].atom != terms[i].atom || f->terms[i].coef != terms[i].coef) return false;
    }
    return true;
}

static void slots_grow(IndexTable *t) {
    uint32_t cap = t->slot_cap ? t->slot_cap * 2 : 128;
    uint32_t *slots = NEW_ARRAY(t->arena, uint32_t, cap);
    for (uint32_t i = 0; i < t->forms.len; i++) {
        const Form *f = &t->forms.at[i];
        uint64_t h = form_hash(f->constant, f->terms, f->count);
        while (slots[h & (cap - 1)]) h++;
        slots[h & (cap - 1)] = i + 1;
    }
    t->slots = slots;
    t->slot_cap = cap;
}

static Idx intern(IndexTable *t, int64_t constant, const Term *terms, uint32_t count) {
    if ((t->forms.len + 1) * 2 > t->slot_cap) slots_grow(t);
    uint64_t h = form_hash(constant, terms, count);
    for (; t->slots[h & (t->slot_cap - 1)]; h++) {
        uint32_t id = t->slots[h & (t->slot_cap - 1)] - 1;
        if (form_same(&t->forms.at[id], constant, terms, count)) return id;
    }
    Form f = {.constant = constant, .count = count, .lo = constant, .hi = constant};
    if (count) f.terms = memcpy(NEW_ARRAY(t->arena, Term, count), terms, count * sizeof(Term));
    for (uint32_t i = 0; i < count; i++) {
        const Atom *a = &t->atoms.at[terms[i].atom];
        int64_t c = terms[i].coef;
        f.lo += c > 0 ? c * a->lo : c * a->hi;
        f.hi += c > 0 ? c * a->hi : c * a->lo;
    }
    t->slots[h & (t->slot_cap - 1)] = t->forms.len + 1;
    vec_push(t->arena, &t->forms, f);
    return t->forms.len - 1;
}

Idx idx_const(IndexTable *t, int64_t value) {
    return intern(t, value, NULL, 0);
}

Idx idx_var(IndexTable *t, const char *name, int64_t lo, int64_t hi, uint32_t value) {
    Atom a = {.kind = ATOM_VAR, .name = name, .value = value, .lo = lo, .hi = hi};
    vec_push(t->arena, &t->atoms, a);
    return intern(t, 0, &(Term){t->atoms.len - 1, 1}, 1);
}

Idx idx_place(IndexTable *t, const char *name, int64_t count, uint32_t value) {
    return count == 1 ? idx_const(t, 0) : idx_var(t, name, 0, count - 1, value);
}

Idx idx_iteration(IndexTable *t, uint32_t loop, int64_t trips) {
    for (uint32_t i = 0; i < t->iterations.len; i++) {
        if (t->iterations.at[i].loop == loop) return t->iterations.at[i].e;
    }
    Iteration it = {.loop = loop, .e = idx_var(t, "t", 0, trips - 1, UINT32_MAX)};
    it.atom = idx_atom(t, it.e);
    vec_push(t->arena, &t->iterations, it);
    return it.e;
}

bool idx_is_iteration(const IndexTable *t, uint32_t atom) {
    for (uint32_t i = 0; i < t->iterations.len; i++) {
        if (!t->iterations.at[i].inside && t->iterations.at[i].atom == atom) return true;
    }
    return false;
}

void idx_bind_iteration(IndexTable *t, uint32_t loop, Idx e) {
    Iteration it = {.loop = loop, .atom = UINT32_MAX, .e = e, .inside = true};
    for (uint32_t i = 0; i < t->iterations.len; i++) {
        if (t->iterations.at[i].loop != loop) continue;
        t->iterations.at[i] = it;
        return;
    }
    vec_push(t->arena, &t->iterations, it);
}

uint32_t idx_atom(const IndexTable *t, Idx e) {
    return t->forms.at[e].terms[0].atom;
}

Idx idx_of_atom(IndexTable *t, uint32_t atom) {
    return intern(t, 0, &(Term){atom, 1}, 1);
}

Idx idx_keep(IndexTable *t, Idx e, const bool *keep) {
    const Form f = t->forms.at[e];
    Term *terms = NEW_ARRAY(t->arena, Term, f.count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < f.count; i++)
        if (keep[i]) terms[count++] = f.terms[i];
    return intern(t, 0, terms, count);
}

bool idx_is_const(const IndexTable *t, Idx e, int64_t *value) {
    *value = t->forms.at[e].constant;
    return t->forms.at[e].count == 0;
}

/* The atom that a form is, alone; or NULL. */
static const Atom *only_atom(const IndexTable *t, Idx e) {
    const Form *f = &t->forms.at[e];
    if (f->count != 1 || f->constant != 0 || f->terms[0].coef != 1) return NULL;
    return &t->atoms.at[f->terms[0].atom];
}

/* Whether `quo` is *e / c and `rem` is *e % c, for an *e = y / b + z of which the first is (y + b * z) / (b * c), but for what
 * left it as multiples of c. */
static bool are_parts_of_sum(IndexTable *t, const Atom *quo, const Atom *rem, Idx *e) {
    const Form f = t->forms.at[rem->inner];
    if (idx_lo(t, rem->inner) < 0 || idx_lo(t, quo->inner) < 0) return false;
    for (uint32_t i = 0; i < f.count; i++) {
        const uint32_t atom = f.terms[i].atom;
        const Atom part = t->atoms.at[atom];
        int64_t left;
        if (part.kind != ATOM_DIV || f.terms[i].coef != 1 || part.by * rem->by != quo->by) continue;
        if (idx_lo(t, part.inner) < 0) continue;
        const Idx z = idx_sub(t, rem->inner, intern(t, 0, &(Term){atom, 1}, 1));
        const Idx y = idx_add(t, part.inner, idx_scale(t, z, part.by));
        if (!idx_is_const(t, idx_sub(t, y, quo->inner), &left) || left % quo->by) continue;
        *e = idx_offset(t, rem->inner, -left / quo->by * rem->by);
        return true;
    }
    return false;
}

/* Whether `quo` is *e / c and `rem` is *e % c. Of *e = x / b the first is x / (b * c), of *e = x % (b * c) the second
 * x % c. */
static bool are_parts(IndexTable *t, const Atom *quo, const Atom *rem, Idx *e) {
    if (quo->kind != ATOM_DIV) return false;
    if (quo->by > rem->by && quo->by % rem->by == 0 && are_parts_of_sum(t, quo, rem, e))
        return true;
    *e = rem->inner;
    if (quo->inner == rem->inner && quo->by == rem->by) return true;
    const Atom *x = only_atom(t, rem->inner);
    if (x && x->kind == ATOM_DIV && quo->inner == x->inner && quo->by == x->by * rem->by)
        return true;
    *e = quo->inner;
    x = only_atom(t, quo->inner);
    return x && x->kind == ATOM_MOD && x->inner == rem->inner && x->by % rem->by == 0 &&
           quo->by == rem->by;
}

/* c * (e / c) + e % c is e: looks for such a pair among the terms and gives its sum back in place. */
static Idx join_quotients(IndexTable *t, int64_t constant, Term *terms, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const Atom rem = t->atoms.at[terms[i].atom];
        if (rem.kind != ATOM_MOD) continue;
        for (uint32_t k = 0; k < count; k++) {
            const Atom quo = t->atoms.at[terms[k].atom]; /* the table may grow */
            Idx e;
            if (terms[k].coef != terms[i].coef * rem.by || !are_parts(t, &quo, &rem, &e)) continue;
            Idx whole = idx_scale(t, e, terms[i].coef);
            uint32_t keep = 0;
            for (uint32_t j = 0; j < count; j++) {
                if (j != i && j != k) terms[keep++] = terms[j];
            }
            return idx_add(t, intern(t, constant, terms, keep), whole);
        }
    }
    return intern(t, constant, terms, count);
}

Idx idx_add(IndexTable *t, Idx a, Idx b) {
    const Form fa = t->forms.at[a], fb = t->forms.at[b];
    if (fa.count == 0 && fa.constant == 0) return b;
    if (fb.count == 0 && fb.constant == 0) return a;
    Term small[32];
    Term *terms = fa.count + fb.count <= COUNT_OF(small)
                      ? small
                      : NEW_ARRAY(t->arena, Term, fa.count + fb.count);
    uint32_t n = 0, i = 0, k = 0;
    while (i < fa.count || k < fb.count) {
        if (k == fb.count || (i < fa.count && fa.terms[i].atom < fb.terms[k].atom)) {
            terms[n++] = fa.terms[i++];
        } else if (i == fa.count || fb.terms[k].atom < fa.terms[i].atom) {
            terms[n++] = fb.terms[k++];
        } else {
            Term sum = {fa.terms[i].atom, fa.terms[i].coef + fb.terms[k].coef};
            if (sum.coef) terms[n++] = sum;
            i++, k++;
        }
    }
    return join_quotients(t, fa.constant + fb.constant, terms, n);
}

Idx idx_scale(IndexTable *t, Idx a, int64_t by) {
    const Form f = t->forms.at[a];
    if (by == 1) return a;
    if (by == 0) return idx_const(t, 0);
    Term small[32];
    Term *terms = f.count <= COUNT_OF(small) ? small : NEW_ARRAY(t->arena, Term, f.count);
    for (uint32_t i = 0; i < f.count; i++) {
        terms[i] = (Term){f.terms[i].atom, f.terms[i].coef * by};
    }
    return intern(t, f.constant * by, terms, f.count);
}

Idx idx_sub(IndexTable *t, Idx a, Idx b) {
    return idx_add(t, a, idx_scale(t, b, -1));
}

Idx idx_offset(IndexTable *t, Idx a, int64_t by) {
    return idx_add(t, a, idx_const(t, by));
}

static Idx quotient_atom(IndexTable *t, AtomKind kind, Idx e, int64_t by) {
    for (uint32_t i = 0; i < t->atoms.len; i++) {
        const Atom *a = &t->atoms.at[i];
        if (a->kind == kind && a->inner == e && a->by == by) {
            return intern(t, 0, &(Term){i, 1}, 1);
        }
    }
    int64_t lo = idx_lo(t, e), hi = idx_hi(t, e);
    Atom a = {.kind = kind, .value = UINT32_MAX, .inner = e, .by = by};
    if (kind == ATOM_DIV) {
        a.lo = lo >= 0 ? lo / by : -((-lo + by - 1) / by);
        a.hi = hi / by;
    } else {
        a.lo = lo >= 0 ? 0 : 1 - by;
        a.hi = hi >= 0 && hi < by - 1 ? hi : by - 1;
    }
    vec_push(t->arena, &t->atoms, a);
    return intern(t, 0, &(Term){t->atoms.len - 1, 1}, 1);
}

/* e = by * q + r, with r in 0..by-1 as far as intervals tell: then e / by is q. Otherwise the part
 * that is divisible leaves, if the rest cannot be negative. */
static void split(IndexTable *t, Idx e, int64_t by, Idx *q, Idx *r) {
    const Form f = t->forms.at[e];
    Term small[64];
    Term *whole = f.count <= 32 ? small : NEW_ARRAY(t->arena, Term, 2 * f.count);
    Term *rest = whole + (f.count <= 32 ? 32 : f.count);
    uint32_t n = 0, m = 0;
    for (uint32_t i = 0; i < f.count; i++) {
        if (f.terms[i].coef % by == 0) {
            whole[n++] = (Term){f.terms[i].atom, f.terms[i].coef / by};
        } else {
            rest[m++] = f.terms[i];
        }
    }
    int64_t c = f.constant % by;
    if (c < 0) c += by;
    Idx rr = intern(t, c, rest, m), qq = intern(t, (f.constant - c) / by, whole, n);
    bool fits = idx_lo(t, rr) >= 0;
    *q = fits ? qq : idx_const(t, 0);
    *r = fits ? rr : e;
}

static int64_t gcd(int64_t a, int64_t b) {
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a < 0 ? -a : a;
}

/* Whether e = g * *x + *rest, with *rest in 0..g-1 as far as intervals tell. Requires: e is not negative. */
static bool take_factor(IndexTable *t, Idx e, int64_t g, Idx *x, Idx *rest) {
    const Form f = t->forms.at[e];
    Term small[64];
    Term *whole = f.count <= 32 ? small : NEW_ARRAY(t->arena, Term, 2 * f.count);
    Term *below = whole + (f.count <= 32 ? 32 : f.count);
    uint32_t n = 0, m = 0;
    int64_t c = f.constant % g;
    if (c < 0) c += g;
    int64_t lo = c, hi = c;
    for (uint32_t i = 0; i < f.count; i++) {
        const Atom *a = &t->atoms.at[f.terms[i].atom];
        const int64_t coef = f.terms[i].coef;
        if (coef % g == 0) {
            whole[n++] = (Term){f.terms[i].atom, coef / g};
            continue;
        }
        lo += coef * (coef < 0 ? a->hi : a->lo);
        hi += coef * (coef < 0 ? a->lo : a->hi);
        below[m++] = f.terms[i];
    }
    if (n == 0 || lo < 0 || hi >= g) return false;
    *x = intern(t, (f.constant - c) / g, whole, n);
    *rest = intern(t, c, below, m);
    return true;
}

/* e = g * *x + *rest, where g divides `by` and *rest is in 0..g-1. Returns the largest such g, or 1: there is none. */
static int64_t common_factor(IndexTable *t, Idx e, int64_t by, Idx *x, Idx *rest) {
    const Form f = t->forms.at[e];
    int64_t best = 1, all = by;
    if (idx_lo(t, e) < 0) return 1;
    for (uint32_t i = 0; i < f.count; i++) {
        int64_t g = gcd(by, f.terms[i].coef);
        all = gcd(all, g);
        if (g > best && take_factor(t, e, g, x, rest)) best = g;
    }
    return all > best && take_factor(t, e, all, x, rest) ? all : best;
}

Idx idx_div(IndexTable *t, Idx e, int64_t by) {
    if (by == 1) return e;
    Idx q, r, x, rest;
    split(t, e, by, &q, &r);
    if (idx_lo(t, r) >= 0 && idx_hi(t, r) < by) return q;
    int64_t g = common_factor(t, r, by, &x, &rest);
    if (g > 1) return idx_add(t, q, idx_div(t, x, by / g));
    const Form *f = &t->forms.at[r];
    /* (x / a) / b is x / (a * b). */
    if (f->count == 1 && f->constant == 0 && f->terms[0].coef == 1 &&
        t->atoms.at[f->terms[0].atom].kind == ATOM_DIV) {
        const Atom a = t->atoms.at[f->terms[0].atom];
        return idx_add(t, q, idx_div(t, a.inner, a.by * by));
    }
    return idx_add(t, q, quotient_atom(t, ATOM_DIV, r, by));
}

Idx idx_mod(IndexTable *t, Idx e, int64_t by) {
    if (by == 1) return idx_const(t, 0);
    Idx q, r, x, rest;
    split(t, e, by, &q, &r);
    if (idx_lo(t, r) >= 0 && idx_hi(t, r) < by) return r;
    int64_t g = common_factor(t, r, by, &x, &rest);
    if (g > 1) return idx_add(t, idx_scale(t, idx_mod(t, x, by / g), g), rest);
    const Form *f = &t->forms.at[r];
    /* (x % (a * b)) % b is x % b. */
    if (f->count == 1 && f->constant == 0 && f->terms[0].coef == 1) {
        const Atom a = t->atoms.at[f->terms[0].atom];
        if (a.kind == ATOM_MOD && a.by % by == 0) return idx_mod(t, a.inner, by);
    }
    return quotient_atom(t, ATOM_MOD, r, by);
}

Idx idx_share(IndexTable *t, Idx part, int64_t total, int64_t groups) {
    Idx rest = idx_div(t, idx_scale(t, part, total % groups), groups);
    return idx_add(t, idx_scale(t, part, total / groups), rest);
}

Idx idx_subst(IndexTable *t, Idx e, uint32_t atom, Idx by) {
    if (!idx_uses(t, e, atom)) return e;
    const Form f = t->forms.at[e];
    Idx sum = idx_const(t, f.constant);
    for (uint32_t i = 0; i < f.count; i++) {
        const Atom a = t->atoms.at[f.terms[i].atom];
        Idx x;
        if (f.terms[i].atom == atom) {
            x = by;
        } else if (a.kind == ATOM_VAR) {
            x = intern(t, 0, &(Term){f.terms[i].atom, 1}, 1);
        } else {
            Idx inner = idx_subst(t, a.inner, atom, by);
            x = a.kind == ATOM_DIV ? idx_div(t, inner, a.by) : idx_mod(t, inner, a.by);
        }
        sum = idx_add(t, sum, idx_scale(t, x, f.terms[i].coef));
    }
    return sum;
}

bool idx_uses(const IndexTable *t, Idx e, uint32_t atom) {
    const Form *f = &t->forms.at[e];
    for (uint32_t i = 0; i < f->count; i++) {
        const Atom *a = &t->atoms.at[f->terms[i].atom];
        if (f->terms[i].atom == atom) return true;
        if (a->kind != ATOM_VAR && idx_uses(t, a->inner, atom)) return true;
    }
    return false;
}

bool idx_is_multiple(const IndexTable *t, Idx e, int64_t by) {
    const Form *f = &t->forms.at[e];
    bool is = f->constant % by == 0;
    for (uint32_t i = 0; i < f->count; i++) is = is && f->terms[i].coef % by == 0;
    return is;
}

bool idx_stride(const IndexTable *t, Idx e, uint32_t atom, int64_t *stride) {
    const Form *f = &t->forms.at[e];
    *stride = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        const Atom *a = &t->atoms.at[f->terms[i].atom];
        if (f->terms[i].atom == atom)
            *stride = f->terms[i].coef;
        else if (a->kind != ATOM_VAR && idx_uses(t, a->inner, atom))
            return false;
    }
    return true;
}

bool idx_has_div(const IndexTable *t, Idx e) {
    const Form *f = &t->forms.at[e];
    for (uint32_t i = 0; i < f->count; i++) {
        if (t->atoms.at[f->terms[i].atom].kind != ATOM_VAR) return true;
    }
    return false;
}

bool idx_distances(IndexTable *t, Idx e, uint32_t atom, int count, int64_t *distance) {
    int64_t stride;
    if (idx_stride(t, e, atom, &stride)) {
        for (int i = 0; i < count; i++) distance[i] = i * stride;
        return true;
    }
    Idx first = idx_subst(t, e, atom, idx_const(t, 0));
    for (int i = 0; i < count; i++) {
        Idx there = idx_subst(t, e, atom, idx_const(t, i));
        if (!idx_is_const(t, idx_sub(t, there, first), &distance[i])) return false;
    }
    return true;
}

bool idx_near(IndexTable *t, Idx e, uint32_t lane, int lanes, int64_t *distance, int64_t *span) {
    if (lanes < 4 || !idx_distances(t, e, lane, lanes, distance)) return false;
    int64_t first = 0, last = 0;
    for (int i = 0; i < lanes; i++) {
        if (distance[i] < first) first = distance[i];
        if (distance[i] > last) last = distance[i];
    }
    *span = last - first + 1;
    return *span <= NEAR_VECTORS * lanes;
}

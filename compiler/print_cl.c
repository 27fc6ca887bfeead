/* print_cl: a kernel as OpenCL C, to be read. Values that are used once stand where they are used;
 * loads and everything else get a name. A bool is an int: 0 or 1 in a scalar, 0 or -1 in a vector's
 * lane, as OpenCL's comparisons give it; in memory it is an uchar, 0 or 1.
 *
 * What a kernel calls (ld16, sum16, floor_div, ...) is in kernels/; emit.c adds what was used. */
#include "cl_names.h"
#include "kir.h"
#include "print_matrix.h"
#include "print_named.h"
#include "print_words.h"

#include <ctype.h>
#include <math.h>

/* From tightest to loosest; an operand that is looser than its operator allows is put in parentheses. */
typedef enum Rank { ATOM, UNARY, PRODUCT, SUM, LOOSE } Rank;

typedef struct Numbered { /* names made of one word: y, y1, y2 */
    const char *base;     /* interned in `taken`; NULL: free */
    uint32_t last;
} Numbered;

typedef struct Printer {
    const Kernel *k;
    Text *out;
    const char *name; /* the kernel's */
    bool plain;       /* an outline: numbers for names, no comments */
    bool part;        /* what a group does is a function of its own */
    const Slot *slots;
    uint32_t slot;        /* the next one */
    Constants *constants; /* of an outline */
    uint32_t params;
    const char **param, **advance; /* of each parameter; of each buffer that is `each_run` */
    const char *runs;
    bool slotted; /* the constants of index expressions are in slots */
    uint32_t serial;
    Names taken;
    Numbered *numbered; /* a hash table */
    uint32_t numbered_cap, numbered_count;
    const char **text; /* of each value: a name or an expression */
    Rank *rank;        /* how tightly the expression holds together */
    bool *named;       /* must have a name: its consumer mentions it twice */
    const char **atom; /* of each index variable */
    const char **buffer, **local, **var, **matrix, **fetched, **point;
    int depth;
} Printer;

#define INLINE_CHARS 56

static Numbered *numbered_slot(Numbered *table, uint32_t cap, const char *base) {
    uint32_t i = (uint32_t)hash_bytes(base, strlen(base), 0) & (cap - 1);
    while (table[i].base && table[i].base != base) i = (i + 1) & (cap - 1);
    return &table[i];
}

/* The last number that was given to names made of `base`, which is interned: counting on from it keeps
 * the cost of a long kernel linear. */
static uint32_t *last_number(Printer *p, const char *base) {
    if (p->numbered_count * 2 >= p->numbered_cap) {
        uint32_t cap = p->numbered_cap ? p->numbered_cap * 2 : 64;
        Numbered *grown = NEW_ARRAY(p->out->arena, Numbered, cap);
        for (uint32_t i = 0; i < p->numbered_cap; i++) {
            if (!p->numbered[i].base) continue;
            *numbered_slot(grown, cap, p->numbered[i].base) = p->numbered[i];
        }
        p->numbered = grown;
        p->numbered_cap = cap;
    }
    Numbered *slot = numbered_slot(p->numbered, p->numbered_cap, base);
    if (!slot->base) {
        slot->base = base;
        p->numbered_count++;
    }
    return &slot->last;
}

/* A C identifier that is free in this kernel: letters and digits of `hint`, a number if it is taken. */
static const char *fresh(Printer *p, const char *hint) {
    Arena *a = p->out->arena;
    if (p->plain) return arena_printf(a, "v%u", p->serial++);
    char t[48] = "v";
    size_t len = *hint && !isdigit((unsigned char)*hint) ? 0 : 1;
    for (const char *s = hint; *s && len < 40; s++) {
        char c = isalnum((unsigned char)*s) && (unsigned char)*s < 128 ? *s : '_';
        if (c == '_' && len && t[len - 1] == '_') continue;
        t[len++] = c;
    }
    bool digit = isdigit((unsigned char)t[len - 1]);
    uint32_t before = p->taken.count;
    const char *base = names_str(&p->taken, cl_name_is_taken(t) ? arena_printf(a, "v_%s", t) : t);
    if (p->taken.count != before) return base;
    for (uint32_t *n = last_number(p, base);;) {
        const char *name = arena_printf(a, digit ? "%s_%u" : "%s%u", base, ++*n);
        before = p->taken.count;
        name = names_str(&p->taken, name);
        if (p->taken.count != before) return name;
    }
}

static void indent(Printer *p) {
    for (int i = 0; i < p->depth; i++) text_puts(p->out, "    ");
}

/* ---- Types and numbers --------------------------------------------------------------------- */

static const char *type_name(Printer *p, DType t, uint8_t lanes) {
    const char *base = t == DT_F32 ? "float" : "int";
    return lanes == 1 ? base : arena_printf(p->out->arena, "%s%d", base, lanes);
}

/* What is no type of its own in a program's memory: functions of kernels/ read and write it. */
static bool is_half(DType t) {
    return t == DT_F16 || t == DT_BF16;
}

/* ---- Index expressions --------------------------------------------------------------------- */

/* What stands for the constant c of the next slot; NULL: c itself. */
static const char *slot_text(Printer *p, int64_t c) {
    if (c < INT32_MIN || c > INT32_MAX) return NULL; /* no int: not a slot */
    if (p->plain) {
        vec_push(p->out->arena, p->constants, (int32_t)c);
        return "$";
    }
    if (!p->slots) return NULL;
    const Slot s = p->slots[p->slot++];
    if (s.param == NO_PARAM) return NULL;
    const char *name = p->param[s.param];
    return s.add ? arena_printf(p->out->arena, "%s + %d", name, s.add) : name;
}

static void print_index(Printer *p, Text *out, Idx e, bool inside);

static void print_atom(Printer *p, Text *out, uint32_t atom) {
    const Atom *a = &p->k->index.atoms.at[atom];
    if (a->kind == ATOM_VAR) {
        if (a->value != NO_VAL) {
            text_puts(out, p->text[a->value]);
            return;
        }
        if (!p->atom[atom]) p->atom[atom] = fresh(p, a->name);
        text_puts(out, p->atom[atom]);
        return;
    }
    print_index(p, out, a->inner, true);
    text_printf(out, a->kind == ATOM_DIV ? " / %lld" : " %% %lld", (long long)a->by);
}

static void print_index(Printer *p, Text *out, Idx e, bool inside) {
    const Form *f = &p->k->index.forms.at[e];
    const char *slot = p->slotted ? slot_text(p, f->constant) : NULL;
    bool first = true;
    bool one = (!slot && f->count == 1 && f->constant == 0 && f->terms[0].coef == 1 &&
                p->k->index.atoms.at[f->terms[0].atom].kind == ATOM_VAR) ||
               (!slot && f->count == 0 && f->constant >= 0);
    if (inside && !one) text_puts(out, "(");
    for (uint32_t i = 0; i < f->count; i++) {
        int64_t c = f->terms[i].coef;
        bool quotient = p->k->index.atoms.at[f->terms[i].atom].kind != ATOM_VAR;
        if (!first)
            text_puts(out, c < 0 ? " - " : " + ");
        else if (c < 0)
            text_puts(out, "-");
        if (c < 0) c = -c;
        if (c != 1 && quotient) text_puts(out, "(");
        print_atom(p, out, f->terms[i].atom);
        if (c != 1 && quotient) text_puts(out, ")");
        if (c != 1) text_printf(out, " * %lld", (long long)c);
        first = false;
    }
    if (slot)
        text_printf(out, first ? "%s" : " + %s", slot);
    else if (first)
        text_printf(out, "%lld", (long long)f->constant);
    else if (f->constant > 0)
        text_printf(out, " + %lld", (long long)f->constant);
    else if (f->constant < 0)
        text_printf(out, " - %lld", -(long long)f->constant);
    if (inside && !one) text_puts(out, ")");
}

static const char *index_text(Printer *p, Idx e) {
    Text t;
    text_init(&t, p->out->arena);
    print_index(p, &t, e, false);
    return t.at;
}

/* The same with its constants in slots: of what is not for the compiler of the text to plan by. */
static const char *address_text(Printer *p, Idx e) {
    p->slotted = true;
    const char *text = index_text(p, e);
    p->slotted = false;
    return text;
}

static const char *bound_text(Printer *p, int64_t c) {
    const char *slot = slot_text(p, c);
    return slot ? slot : arena_printf(p->out->arena, "%lld", (long long)c);
}

static const char *ranges_text(Printer *p, Ranges r) {
    Text t;
    text_init(&t, p->out->arena);
    for (uint32_t i = 0; i < r.count; i++) {
        const Range *a = &r.at[i];
        const char *e = address_text(p, a->e);
        bool low = idx_lo(&p->k->index, a->e) >= a->lo, high = idx_hi(&p->k->index, a->e) < a->hi;
        if (i) text_puts(&t, " && ");
        if (a->hi == a->lo + 1)
            text_printf(&t, "%s == %s", e, bound_text(p, a->lo));
        else {
            if (!low) text_printf(&t, "%s >= %s", e, bound_text(p, a->lo));
            if (!low && !high) text_puts(&t, " && ");
            if (!high) text_printf(&t, "%s < %s", e, bound_text(p, a->hi));
        }
    }
    return t.at;
}

/* ---- Values -------------------------------------------------------------------------------- */

static const char *within(Printer *p, Val v, Rank loosest) {
    return p->rank[v] > loosest ? arena_printf(p->out->arena, "(%s)", p->text[v]) : p->text[v];
}

static const char *atomic(Printer *p, Val v) {
    return within(p, v, ATOM);
}

/* The rank of what an operator's text makes, and the loosest operands that it takes as they are. */
static Rank op_rank(Op op, Rank loosest[3]) {
    Rank rank = ATOM;
    loosest[0] = loosest[1] = loosest[2] = ATOM;
    if (op == OP_ADD || op == OP_SUB)
        rank = SUM, loosest[0] = SUM, loosest[1] = PRODUCT;
    else if (op == OP_MUL || op == OP_DIV)
        rank = PRODUCT, loosest[0] = PRODUCT;
    else if (op == OP_NEG)
        rank = UNARY;
    else if (op_info[op].cl[0] != '(')
        loosest[0] = loosest[1] = LOOSE; /* a call */
    else if (op == OP_WHERE)
        loosest[1] = loosest[2] = SUM;
    else if (op_info[op].to_bool)
        loosest[0] = loosest[1] = SUM;
    return rank;
}

/* An operand of an operator that widens scalars by itself need not be splat. */
static const char *operand(Printer *p, const Value *n, uint32_t i, Rank loosest) {
    const Value *x = &p->k->values.at[n->args[i]];
    bool widens = n->op == OP_ADD || n->op == OP_SUB || n->op == OP_MUL || n->op == OP_DIV ||
                  n->op == OP_EQ || n->op == OP_NE || n->op == OP_LT || n->op == OP_LE;
    if (widens && x->kind == V_SPLAT && x->dtype != DT_BOOL &&
        p->k->values.at[n->args[1 - i]].kind != V_SPLAT) {
        return within(p, x->args[0], loosest);
    }
    return within(p, n->args[i], loosest);
}

/* Whole numbers wrap; in OpenCL C only unsigned ones do, or vectors, as compilers have it. */
static const char *print_wrapping(Printer *p, const Value *n) {
    Arena *a = p->out->arena;
    const char *x = atomic(p, n->args[0]);
    if (n->op == OP_NEG) return arena_printf(a, "(int)(0u - (uint)%s)", x);
    char sign = n->op == OP_ADD ? '+' : n->op == OP_SUB ? '-' : '*';
    return arena_printf(a, "(int)((uint)%s %c (uint)%s)", x, sign, atomic(p, n->args[1]));
}

static const char *print_ew(Printer *p, const Value *n, Rank *rank) {
    Text t;
    Rank loosest[3];
    bool wraps = n->op == OP_ADD || n->op == OP_SUB || n->op == OP_MUL || n->op == OP_NEG;
    if (wraps && n->dtype == DT_I32 && n->lanes == 1) {
        *rank = UNARY;
        return print_wrapping(p, n);
    }
    text_init(&t, p->out->arena);
    *rank = op_rank((Op)n->op, loosest);
    const char *cl = op_info[n->op].cl, *whole = strchr(cl, ';');
    const char *end = whole ? whole : cl + strlen(cl);
    if (whole && n->dtype == DT_I32) cl = whole + 1, end = cl + strlen(cl);
    for (const char *s = cl; s < end; s++) {
        bool alone = (s == cl || !isalnum((unsigned char)s[-1])) && !isalnum((unsigned char)s[1]);
        uint32_t i = (uint32_t)(*s - 'x');
        if (*s == '#') {
            if (n->lanes > 1) text_printf(&t, "%d", n->lanes);
        } else if (*s == '~') {
            if (p->k->local_size == 1) text_puts(&t, "_of");
            if (p->k->local_size == 1 && n->lanes > 1) text_printf(&t, "%d", n->lanes);
        } else if (alone && *s >= 'x' && i < n->argc)
            text_puts(&t, operand(p, n, i, loosest[i]));
        else
            text_add(&t, s, 1);
    }
    return t.at;
}

static const char *print_cast(Printer *p, const Value *n) {
    Arena *a = p->out->arena;
    const Value *x = &p->k->values.at[n->args[0]];
    const char *s = atomic(p, n->args[0]);
    const char *type = type_name(p, (DType)n->dtype, n->lanes);
    if (n->dtype == DT_BOOL) return arena_printf(a, "(%s != 0)", s);
    if (x->dtype == DT_BOOL && n->lanes > 1) s = arena_printf(a, "-%s", s);
    if (n->dtype == DT_I32 && x->dtype == DT_BOOL)
        return n->lanes > 1 ? arena_printf(a, "(%s)", s) : s;
    if (n->dtype == DT_I32) return arena_printf(a, "convert_%s_sat(%s)", type, s);
    return n->lanes > 1 ? arena_printf(a, "convert_%s(%s)", type, s)
                        : arena_printf(a, "(float)%s", s);
}

/* What stands behind `ld` or `st` where an item moves 16 bytes that lie at a multiple of these, as a group's own items do
 * (schedule.c): the buffers of a launch begin at such places, too. */
static const char *alignment(const Printer *p, bool local, DType t, uint8_t lanes, Idx at) {
    bool aligned = !local && p->k->local_size > 1 && lanes == 4 && dtype_bytes(t) == 4 &&
                   idx_is_multiple(&p->k->index, at, 4);
    return aligned ? "a" : "";
}

/* Of a buffer, or of the group's own memory: from there vectors are read as `ldt16`. */
static const char *print_load(Printer *p, const Value *n) {
    Arena *a = p->out->arena;
    bool local = n->kind == V_LOCAL;
    DType t = local ? p->k->locals.at[n->buffer].dtype : p->k->buffers.at[n->buffer].dtype;
    const char *name = local ? p->local[n->buffer] : p->buffer[n->buffer];
    const Idx from = n->point ? n->rest : n->index;
    const char *at = local ? index_text(p, from) : address_text(p, from);
    if (n->point) name = p->point[n->point - 1];
    static const char *const ld[DT_ALL] = {"ld", "ldi", "ldb", "ldh", "ldbf", "ldu", "ld"};
    const char *element = arena_printf(a, "%s[%s]", name, at);
    if (n->whole) {
        element = arena_printf(a, "wgmma_ld4(%s + %s)", name, at);
    } else if (n->some) {
        int64_t elems =
            local ? p->k->locals.at[n->buffer].elems : p->k->buffers.at[n->buffer].elems;
        element = arena_printf(a, "ldp%s%d(%s, %s, %lld, %s, %s)", local ? "t" : "", n->lanes, name,
                               at, (long long)elems, index_text(p, n->from), index_text(p, n->to));
    } else if (n->lanes > 1 || is_half(t)) {
        const char *lanes = n->lanes > 1 ? arena_printf(a, "%d", n->lanes) : "";
        element = arena_printf(a, "%s%s%s%s(%s)", ld[t], local ? "t" : "",
                               alignment(p, local, t, n->lanes, n->index), lanes,
                               place_text(a, name, at));
    }
    if (n->ranges.count == 0) return element;
    const char *zero = constant_text(p->out->arena, (DType)n->dtype, 0);
    if (n->lanes > 1)
        zero = arena_printf(a, "(%s)(%s)", type_name(p, (DType)n->dtype, n->lanes), zero);
    return arena_printf(a, "%s ? %s : %s", ranges_text(p, n->ranges), element, zero);
}

static const char *print_round(Printer *p, const Value *n) {
    const char *x = p->text[n->args[0]];
    if (n->stored == DT_U8) return arena_printf(p->out->arena, "clamp(%s, 0, 255)", x);
    const char *lanes = n->lanes > 1 ? arena_printf(p->out->arena, "%d", n->lanes) : "";
    return arena_printf(p->out->arena, "%s_of%s(%s)", dtype_name((DType)n->stored), lanes, x);
}

/* Without parentheses around the whole. */
static const char *bare(Printer *p, const char *text) {
    size_t len = strlen(text);
    int depth = 0;
    if (text[0] != '(') return text;
    for (size_t i = 0; i + 1 < len; i++) {
        depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
        if (depth == 0) return text; /* the first is closed before the end */
    }
    return arena_strndup(p->out->arena, text + 1, len - 2);
}

static const char *print_pack(Printer *p, const Value *n) {
    Text t;
    text_init(&t, p->out->arena);
    text_printf(&t, "(%s)(", type_name(p, (DType)n->dtype, n->lanes));
    for (uint32_t i = 0; i < n->parts; i++) {
        bool negate = n->dtype == DT_BOOL && p->k->values.at[n->pack[i]].lanes == 1;
        text_puts(&t, i ? ", " : "");
        text_printf(&t, negate ? "-%s" : "%s",
                    negate ? atomic(p, n->pack[i]) : p->text[n->pack[i]]);
    }
    text_puts(&t, ")");
    return t.at;
}

static const char *value_text(Printer *p, Val v, Rank *rank) {
    Arena *a = p->out->arena;
    const Value *n = &p->k->values.at[v];
    const char *type = type_name(p, (DType)n->dtype, n->lanes);
    *rank = ATOM;
    switch (n->kind) {
    case V_CONST: {
        const char *slot = n->dtype == DT_I32 ? slot_text(p, (int64_t)n->number) : NULL;
        if (!slot) return constant_text(p->out->arena, (DType)n->dtype, n->number);
        return strchr(slot, ' ') ? arena_printf(a, "(%s)", slot) : slot;
    }
    case V_INDEX: {
        const char *text = address_text(p, n->index);
        *rank = strchr(text, ' ') || text[0] == '-' ? LOOSE : ATOM;
        return text;
    }
    case V_LANE: {
        Text t;
        text_init(&t, a);
        text_printf(&t, "(%s)(0", type);
        for (int i = 1; i < n->lanes; i++) text_printf(&t, ", %d", i);
        text_puts(&t, ")");
        return t.at;
    }
    case V_LOAD:
    case V_LOCAL: *rank = n->ranges.count > 0 ? LOOSE : ATOM; return print_load(p, n);
    case V_RANGES: *rank = LOOSE; return ranges_text(p, n->ranges);
    case V_EW: return print_ew(p, n, rank);
    case V_CAST:
        *rank = n->dtype == DT_F32 && n->lanes == 1 ? UNARY : ATOM;
        return print_cast(p, n);
    case V_ROUND: return print_round(p, n);
    case V_FMA:
        return arena_printf(a, "fma(%s, %s, %s)", p->text[n->args[0]], p->text[n->args[1]],
                            p->text[n->args[2]]);
    case V_SPLAT:
        if (n->dtype == DT_BOOL && !strcmp(p->text[n->args[0]], "0"))
            return arena_printf(a, "(%s)(0)", type);
        if (n->dtype == DT_BOOL) return arena_printf(a, "(%s)(-%s)", type, atomic(p, n->args[0]));
        return arena_printf(a, "(%s)(%s)", type, bare(p, p->text[n->args[0]]));
    case V_PACK: return print_pack(p, n);
    case V_EXTRACT: {
        Text t;
        bool negate = n->dtype == DT_BOOL && n->lanes == 1;
        text_init(&t, a);
        text_printf(&t, negate ? "-%s.s" : "%s.s", atomic(p, n->args[0]));
        for (unsigned i = 0; i < n->lanes; i++)
            text_add(&t, &"0123456789abcdef"[(unsigned)n->number + i], 1);
        *rank = negate ? UNARY : ATOM;
        return t.at;
    }
    case V_ACROSS:
        return arena_printf(a, "%s%s_lanes%d(%s)", n->op == OP_ADD ? "sum" : "max",
                            n->dtype == DT_F32 ? "" : "i", p->k->values.at[n->args[0]].lanes,
                            p->text[n->args[0]]);
    case V_ZIP: return zip_text(n, p->text[n->args[0]], p->text[n->args[1]], a);
    case V_SUMS:
        return arena_printf(a, "sums_lanes%d(%s, %s, %s, %s)", p->k->values.at[n->pack[0]].lanes,
                            p->text[n->pack[0]], p->text[n->pack[1]], p->text[n->pack[2]],
                            p->text[n->pack[3]]);
    case V_READ: return p->var[n->buffer];
    default: return "?";
    }
}

static bool always_inline(const Value *n) {
    return n->kind == V_CONST || n->kind == V_READ || (n->kind == V_INDEX && n->uses == 1);
}

static bool may_inline(const Printer *p, Val v, const char *text) {
    const Value *n = &p->k->values.at[v];
    if (always_inline(n)) return true;
    if (n->kind == V_SPLAT && p->k->values.at[n->args[0]].kind == V_CONST) return true;
    if (n->kind == V_SPLAT && n->uses == 1) return true;
    if (n->uses != 1 || p->named[v]) return false;
    return n->kind != V_LOAD && n->kind != V_LOCAL && n->kind != V_PACK &&
           strlen(text) <= INLINE_CHARS;
}

static void print_let(Printer *p, Val v) {
    const Value *n = &p->k->values.at[v];
    Rank rank;
    const char *text = value_text(p, v, &rank);
    if (may_inline(p, v, text)) {
        p->text[v] = text;
        p->rank[v] = rank;
        /* An outline has each value where its slots are counted, whether its consumers print it or not. */
        if (p->plain) text_printf(p->out, "%s\n", text);
        return;
    }
    p->text[v] = fresh(p, n->hint ? n->hint : n->kind == V_LANE ? "lane" : "v");
    indent(p);
    text_printf(p->out, "const %s %s = %s;\n", type_name(p, (DType)n->dtype, n->lanes), p->text[v],
                bare(p, text));
}

/* ---- Statements ---------------------------------------------------------------------------- */

static void print_store(Printer *p, const KStmt *s) {
    const Value *n = &p->k->values.at[s->val];
    bool local = s->op == S_LOCAL;
    DType t = local ? p->k->locals.at[s->buffer].dtype : p->k->buffers.at[s->buffer].dtype;
    const char *name = local ? p->local[s->buffer] : p->buffer[s->buffer];
    static const char *const st[DT_ALL] = {"st", "sti", "stb", "sth", "stbf", "stu", "sttf"};
    const char *at = local ? index_text(p, s->index) : address_text(p, s->index);
    if (s->whole || (local && p->k->locals.at[s->buffer].wgmma)) {
        wgmma_print_store(p->k, s, name, at, bare(p, p->text[s->val]), p->out);
        return;
    }
    bool past =
        s->past && n->lanes == MAX_LANES && t == DT_F32 && !p->k->buffers.at[s->buffer].read;
    if (n->lanes > 1 || is_half(t) || t == DT_TF32) {
        const char *lanes = n->lanes > 1 ? arena_printf(p->out->arena, "%d", n->lanes) : "";
        text_printf(p->out, "%s%s%s%s(%s, %s);\n", past ? "stream" : st[t], local ? "t" : "",
                    alignment(p, local, t, n->lanes, s->index), lanes,
                    place_text(p->out->arena, name, at), bare(p, p->text[s->val]));
    } else {
        bool byte = dtype_bytes(t) == 1;
        text_printf(p->out, "%s[%s] = %s%s;\n", name, at, byte ? "(uchar)" : "",
                    byte ? atomic(p, s->val) : bare(p, p->text[s->val]));
    }
}

static void print_turn(Printer *p, const KStmt *s) {
    Arena *a = p->out->arena;
    const char *array = p->local[s->local];
    if (s->op == S_SQUARE) {
        const char *from = s->own ? place_text(a, p->local[s->buffer], index_text(p, s->index))
                                  : place_text(a, p->buffer[s->buffer], address_text(p, s->index));
        turn_print(s, place_text(a, array, index_text(p, s->at)), from, p->out);
        return;
    }
    const char *rows = place_text(a, p->buffer[s->buffer], address_text(p, s->index));
    const bool reads = s->op == S_COLUMNS;
    turn_print(s, reads ? array : rows, reads ? rows : array, p->out);
}

static void print_matrix(Printer *p, const KStmt *s) {
    if (s->op == S_SUMS) {
        p->matrix[s->matrix] = fresh(p, p->k->matrices.at[s->matrix].name);
        p->fetched[s->matrix] = fresh(p, "fetched");
    }
    MatrixTexts t = {.local = p->local[s->local],
                     .matrix = p->matrix[s->matrix],
                     .fetched = p->fetched[s->matrix]};
    if (s->op == S_COPY) t.buffer = p->buffer[s->buffer];
    if (s->op == S_COPY || s->op == S_FETCH)
        t.ranges = s->ranges.count ? ranges_text(p, s->ranges) : "1";
    t.index = s->op == S_COPY ? address_text(p, s->index) : index_text(p, s->index);
    t.at = index_text(p, s->at);
    matrix_print(p->k, s, &t, p->out);
}

static void print_meet(Printer *p, const KStmt *s) {
    const KVar *v = &p->k->vars.at[s->var];
    const char *items =
        arena_printf(p->out->arena, "%s%s_items", s->meets == OP_ADD ? "sum" : "max",
                     v->dtype == DT_F32 ? "" : "i");
    p->var[s->var] = fresh(p, v->name);
    text_printf(p->out, "const %s %s = %s(%s, %d, %s, l);\n", type_name(p, v->dtype, 1),
                p->var[s->var], items, bare(p, p->text[s->val]), (int)s->step, p->local[s->local]);
}

static void print_point(Printer *p, const KStmt *s) {
    const char *of = s->local != NO_VAL ? p->local[s->local] : p->buffer[s->buffer];
    p->point[s->point] = fresh(p, arena_printf(p->out->arena, "%s_at", of));
    point_print(p->k, s, p->point[s->point], of, index_text(p, s->index), p->out);
}

static void print_block(Printer *p, const KBlock *b) {
    for (uint32_t i = 0; i < b->len; i++) {
        const KStmt *s = b->at[i];
        if (s->op == S_LET) {
            print_let(p, s->val);
            continue;
        }
        indent(p);
        switch (s->op) {
        case S_VAR: {
            const KVar *v = &p->k->vars.at[s->var];
            p->var[s->var] = fresh(p, v->name);
            text_printf(p->out, "%s %s = %s;\n", type_name(p, v->dtype, v->lanes), p->var[s->var],
                        bare(p, p->text[s->val]));
            break;
        }
        case S_SET:
            text_printf(p->out, "%s = %s;\n", p->var[s->var], bare(p, p->text[s->val]));
            break;
        case S_STORE:
        case S_LOCAL: print_store(p, s); break;
        case S_COLUMNS:
        case S_ROWS:
        case S_SQUARE: print_turn(p, s); break;
        case S_POINT: print_point(p, s); break;
        case S_AHEAD:
            text_printf(p->out, "%s(%s, %s);\n", s->updates ? "ahead_to" : "ahead",
                        p->buffer[s->buffer], address_text(p, s->index));
            break;
        case S_FOR:
            if (s->unroll || s->rolled) {
                text_puts(p->out, s->unroll ? "#pragma unroll\n" : "#pragma unroll 1\n");
                indent(p);
            } else if (s->turns) {
                text_printf(p->out, "#pragma unroll %u\n", s->turns);
                indent(p);
            }
            p->atom[s->atom] = fresh(p, p->k->index.atoms.at[s->atom].name);
            text_printf(p->out, "for (int %s = %s; ", p->atom[s->atom], index_text(p, s->lo));
            for_print(&p->k->index, s, p->atom[s->atom], index_text(p, s->hi), p->out);
            break;
        case S_IF: text_printf(p->out, "if (%s) {\n", ranges_text(p, s->ranges)); break;
        case S_BARRIER: text_puts(p->out, "barrier(CLK_LOCAL_MEM_FENCE);\n"); break;
        case S_MEET: print_meet(p, s); break;
        case S_COMMENT: text_printf(p->out, "// %s\n", p->plain ? "" : s->text); break;
        default: print_matrix(p, s); break;
        }
        if (s->op == S_FOR || s->op == S_IF) {
            p->depth++;
            print_block(p, &s->body);
            p->depth--;
            indent(p);
            text_puts(p->out, "}\n");
        }
    }
}

static const char *local_declaration(Printer *p, uint32_t i) {
    const KLocal *l = &p->k->locals.at[i];
    bool shared = p->k->local_size > 1;
    if ((shared && local_is_large(l)) || l->over)
        return wgmma_declaration(l, p->local, i, p->out->arena);
    return arena_printf(p->out->arena, "%s%s %s[%lld] __attribute__((aligned(%d)))",
                        shared ? "__local " : "", cl_memory_type(l->dtype), p->local[i],
                        (long long)l->elems, shared ? 16 : 64);
}

/* What the kernel takes: its buffers, the numbers of iterations, how many runs it does, offsets. */
static void print_params(Printer *p, const char *margin, bool restricted) {
    const Kernel *k = p->k;
    for (uint32_t i = 0; i < k->buffers.len; i++) {
        const KBuffer *b = &k->buffers.at[i];
        if (b->values) continue;
        text_printf(p->out, "%s__global %s%s *%s%s", margin, b->written ? "" : "const ",
                    cl_memory_type(b->dtype), restricted ? "restrict " : "", p->buffer[i]);
        margin = ",\n    ";
    }
    for (uint32_t i = 0; i < k->index.iterations.len; i++) {
        if (k->index.iterations.at[i].inside) continue;
        text_printf(p->out, "%sconst int %s", margin, p->atom[k->index.iterations.at[i].atom]);
        margin = ",\n    ";
    }
    if (k->runs) text_printf(p->out, "%sconst int %s", margin, p->runs);
    for (uint32_t i = 0; i < k->buffers.len && k->runs; i++)
        if (k->buffers.at[i].each_run) text_printf(p->out, "%sconst int %s", margin, p->advance[i]);
    for (uint32_t i = 0; i < p->params; i++) {
        text_printf(p->out, "%sconst int %s", margin, p->param[i]);
        margin = ",\n    ";
    }
    text_puts(p->out, ") {\n");
}

static void name_params(Printer *p, uint32_t params) {
    const Kernel *k = p->k;
    Arena *a = p->out->arena;
    p->params = params;
    p->param = NEW_ARRAY(a, const char *, params + 1);
    p->advance = NEW_ARRAY(a, const char *, k->buffers.len + 1);
    for (uint32_t i = 0; i < k->buffers.len; i++)
        if (!k->buffers.at[i].values) p->buffer[i] = fresh(p, k->buffers.at[i].name);
    for (uint32_t i = 0; i < k->index.iterations.len; i++) {
        uint32_t atom = k->index.iterations.at[i].atom;
        if (!k->index.iterations.at[i].inside)
            p->atom[atom] = fresh(p, k->index.atoms.at[atom].name);
    }
    if (k->runs) p->runs = fresh(p, "runs");
    for (uint32_t i = 0; i < k->buffers.len && k->runs; i++)
        if (k->buffers.at[i].each_run)
            p->advance[i] = fresh(p, arena_printf(a, "%s_run", p->buffer[i]));
    for (uint32_t i = 0; i < params; i++) p->param[i] = fresh(p, "offset");
    for (uint32_t i = 0; i < k->locals.len; i++) p->local[i] = fresh(p, k->locals.at[i].name);
}

static void print_locals(Printer *p) {
    for (uint32_t i = 0; i < p->k->locals.len; i++)
        text_printf(p->out, "    %s;\n", local_declaration(p, i));
}

static void print_kernel_line(Printer *p) {
    text_printf(p->out, "__attribute__((reqd_work_group_size(%u, 1, 1)))\n__kernel void %s(",
                p->k->local_size, p->name);
    print_params(p, "", true);
}

/* To where the body begins, in a kernel that has all of its text in itself. */
static void print_whole_head(Printer *p) {
    const Kernel *k = p->k;
    print_kernel_line(p);
    print_locals(p);
    p->depth = 1;
    if (k->groups > 1) text_puts(p->out, "    const int g = get_group_id(0);\n");
    if (k->local_size > 1) text_puts(p->out, "    const int l = get_local_id(0);\n");
    if (!k->runs) return;
    const char *run = fresh(p, "run");
    text_printf(p->out, "    for (int %s = 0; %s < %s; %s++", run, run, p->runs, run);
    for (uint32_t i = 0; i < k->buffers.len; i++)
        if (k->buffers.at[i].each_run)
            text_printf(p->out, ", %s += %s", p->buffer[i], p->advance[i]);
    text_puts(p->out, ") {\n");
    p->depth = 2;
}

/* The same as a function of the group's number, which other kernels call too; where a group is several items, of the item's
 * number and of the group's memory as well. There what others stored is read past what a driver takes as constant. */
static void print_part_head(Printer *p) {
    const bool shared = p->k->local_size > 1;
    text_printf(p->out,
                shared ? "part_of_kernel()\nstatic void %s_group(const int g, const int l"
                       : "static void %s_group(const int g",
                p->name);
    for (uint32_t i = 0; i < p->k->locals.len && shared; i++)
        text_printf(p->out, ", __local %s *%s", cl_memory_type(p->k->locals.at[i].dtype),
                    p->local[i]);
    print_params(p, ",\n    ", !shared);
    if (!shared) print_locals(p);
    p->depth = 1;
}

/* The kernel of such a function. */
static void print_part_call(Printer *p) {
    const Kernel *k = p->k;
    const bool shared = k->local_size > 1;
    print_kernel_line(p);
    if (shared) print_locals(p);
    text_printf(p->out, "    %s_group(get_group_id(0)%s", p->name,
                shared ? ", get_local_id(0)" : "");
    for (uint32_t i = 0; i < k->locals.len && shared; i++) text_printf(p->out, ", %s", p->local[i]);
    for (uint32_t i = 0; i < k->buffers.len; i++)
        if (!k->buffers.at[i].values) text_printf(p->out, ", %s", p->buffer[i]);
    for (uint32_t i = 0; i < k->index.iterations.len; i++)
        if (!k->index.iterations.at[i].inside)
            text_printf(p->out, ", %s", p->atom[k->index.iterations.at[i].atom]);
    for (uint32_t i = 0; i < p->params; i++) text_printf(p->out, ", %s", p->param[i]);
    text_puts(p->out, ");\n}\n");
}

static void print_kernel(Printer *p, uint32_t params) {
    const Kernel *k = p->k;
    Arena *a = p->out->arena;
    p->text = NEW_ARRAY(a, const char *, k->values.len + 1);
    p->rank = NEW_ARRAY(a, Rank, k->values.len + 1);
    p->named = NEW_ARRAY(a, bool, k->values.len + 1);
    p->atom = NEW_ARRAY(a, const char *, k->index.atoms.len + 1);
    p->buffer = NEW_ARRAY(a, const char *, k->buffers.len + 1);
    p->local = NEW_ARRAY(a, const char *, k->locals.len + 1);
    p->var = NEW_ARRAY(a, const char *, k->vars.len + 1);
    p->matrix = NEW_ARRAY(a, const char *, k->matrices.len + 1);
    p->fetched = NEW_ARRAY(a, const char *, k->matrices.len + 1);
    p->point = NEW_ARRAY(a, const char *, k->points + 1);
    p->atom[k->group_atom] = "g";
    p->atom[k->local_atom] = "l";
    kernel_named(k, a, p->named);
    for (uint32_t i = 0; i < k->buffers.len; i++) {
        const KBuffer *b = &k->buffers.at[i];
        if (!b->values) continue;
        p->buffer[i] = fresh(p, arena_printf(a, "%s_%s", p->name, b->name));
        table_print(b, p->buffer[i], p->out);
    }
    name_params(p, params);
    if (p->part)
        print_part_head(p);
    else
        print_whole_head(p);
    print_block(p, &k->body);
    if (k->runs) text_puts(p->out, "    }\n");
    text_puts(p->out, "}\n");
    if (p->part) print_part_call(p);
}

void kernel_outline(const Kernel *k, Text *out, Constants *constants) {
    Printer p = {.k = k, .out = out, .name = "kernel", .plain = true, .constants = constants};
    print_kernel(&p, 0);
}

void kernel_print(const Kernel *k, const char *name, const Slot *slots, uint32_t params, bool part,
                  Text *out) {
    Printer p = {.k = k, .out = out, .name = name, .slots = slots, .part = part};
    names_init(&p.taken, out->arena);
    names_str(&p.taken, arena_printf(out->arena, "%s_group", name));
    cl_names_reserve(&p.taken);
    print_kernel(&p, params);
}

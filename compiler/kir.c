/* kir: building kernels. Values fold and simplify as they are made, so that the printed text has
 * nothing in it that a reader would strike out. */
#include "kir.h"

#include <math.h>

void kernel_init(Kernel *k, Arena *arena, uint32_t groups, uint32_t local_size) {
    *k = (Kernel){.arena = arena, .groups = groups, .local_size = local_size};
    index_init(&k->index, arena);
    k->group = idx_var(&k->index, "g", 0, (int64_t)groups - 1, NO_VAL);
    k->local = idx_var(&k->index, "l", 0, (int64_t)local_size - 1, NO_VAL);
    k->group_atom = idx_atom(&k->index, k->group);
    k->local_atom = idx_atom(&k->index, k->local);
    if (groups == 1) k->group = idx_const(&k->index, 0);
    if (local_size == 1) k->local = idx_const(&k->index, 0);
    k->block = &k->body;
}

uint32_t kernel_buffer(Kernel *k, uint32_t tag, const char *name, DType t, int64_t elems) {
    for (uint32_t i = 0; i < k->buffers.len; i++) {
        if (k->buffers.at[i].tag == tag && !k->buffers.at[i].values) return i;
    }
    KBuffer b = {.name = name, .dtype = t, .elems = elems, .tag = tag};
    vec_push(k->arena, &k->buffers, b);
    return k->buffers.len - 1;
}

uint32_t kernel_table(Kernel *k, DType t, const double *values, int64_t elems) {
    for (uint32_t i = 0; i < k->buffers.len; i++) {
        if (k->buffers.at[i].values == values) return i;
    }
    KBuffer b = {.name = "table", .dtype = dtype_counts_as(t), .elems = elems, .values = values};
    vec_push(k->arena, &k->buffers, b);
    return k->buffers.len - 1;
}

uint32_t kernel_local(Kernel *k, const char *name, DType t, int64_t elems) {
    KLocal l = {.name = name, .dtype = t, .elems = elems, .tag = NO_VAL};
    vec_push(k->arena, &k->locals, l);
    return k->locals.len - 1;
}

uint32_t kernel_tile(Kernel *k, uint32_t tag, const char *name, DType t, int64_t elems) {
    for (uint32_t i = 0; i < k->locals.len; i++) {
        if (k->locals.at[i].tag == tag) return i;
    }
    uint32_t i = kernel_local(k, name, t, elems);
    k->locals.at[i].tag = tag;
    return i;
}

uint32_t kernel_scratch(Kernel *k, const char *name, DType t, int64_t elems) {
    for (uint32_t i = 0; i < k->locals.len; i++) {
        KLocal *l = &k->locals.at[i];
        if (l->tag != NO_VAL || l->dtype != t || strcmp(l->name, name)) continue;
        if (l->elems < elems) l->elems = elems;
        return i;
    }
    return kernel_local(k, name, t, elems);
}

static KStmt *add_stmt(Kernel *k, StmtOp op) {
    KStmt *s = NEW(k->arena, KStmt);
    s->op = op;
    vec_push(k->arena, k->block, s);
    return s;
}

static Val add_value(Kernel *k, Value v) {
    vec_push(k->arena, &k->values, v);
    KStmt *s = add_stmt(k, S_LET);
    s->val = k->values.len - 1;
    return s->val;
}

#define value_at(k, v) (&(k)->values.at[v])

Val val_const(Kernel *k, DType t, double v) {
    t = dtype_counts_as(t);
    return add_value(k, (Value){.kind = V_CONST, .dtype = (uint8_t)t, .lanes = 1, .number = v});
}

Val val_index(Kernel *k, Idx e) {
    int64_t c;
    if (idx_is_const(&k->index, e, &c)) return val_const(k, DT_I32, (double)c);
    return add_value(k, (Value){.kind = V_INDEX, .dtype = DT_I32, .lanes = 1, .index = e});
}

Val val_lane(Kernel *k, uint8_t lanes) {
    return add_value(k, (Value){.kind = V_LANE, .dtype = DT_I32, .lanes = lanes});
}

bool ranges_open(Kernel *k, Ranges in, Ranges *out) {
    Range *keep = NEW_ARRAY(k->arena, Range, in.count + 1);
    *out = (Ranges){0, keep};
    for (uint32_t i = 0; i < in.count; i++) {
        int64_t lo = idx_lo(&k->index, in.at[i].e), hi = idx_hi(&k->index, in.at[i].e);
        if (lo >= in.at[i].lo && hi < in.at[i].hi) continue;
        if (hi < in.at[i].lo || lo >= in.at[i].hi) return false;
        keep[out->count++] = in.at[i];
    }
    return true;
}

Val val_load(Kernel *k, uint32_t buffer, Idx e, uint8_t lanes, Ranges ranges, const char *hint) {
    KBuffer *b = &k->buffers.at[buffer];
    Ranges open = {0, NULL};
    if (idx_lo(&k->index, e) < 0 || idx_hi(&k->index, e) + lanes > b->elems) {
        if (!ranges_open(k, ranges, &open)) return val_const(k, b->dtype, 0);
    }
    b->read = true;
    return add_value(k, (Value){.kind = V_LOAD,
                                .dtype = (uint8_t)dtype_counts_as(b->dtype),
                                .lanes = lanes,
                                .buffer = buffer,
                                .index = e,
                                .ranges = open,
                                .hint = hint});
}

Val val_local(Kernel *k, uint32_t local, Idx e, uint8_t lanes, Ranges ranges, const char *hint) {
    const KLocal *l = &k->locals.at[local];
    Ranges open = {0, NULL};
    if (idx_lo(&k->index, e) < 0 || idx_hi(&k->index, e) + lanes > l->elems) {
        if (!ranges_open(k, ranges, &open)) return val_const(k, l->dtype, 0);
    }
    return add_value(k, (Value){.kind = V_LOCAL,
                                .dtype = (uint8_t)l->dtype,
                                .lanes = lanes,
                                .buffer = local,
                                .index = e,
                                .ranges = open,
                                .hint = hint});
}

/* A load as it is, of some lanes where the whole vector may be outside of `elems` elements. */
static Val load_some(Kernel *k, Val v, int64_t elems, Idx from, Idx to) {
    Value *n = value_at(k, v);
    if ((n->kind != V_LOAD && n->kind != V_LOCAL) || n->lanes == 1) return v;
    if (idx_hi(&k->index, to) <= 0 || idx_lo(&k->index, from) >= n->lanes)
        return val_const(k, (DType)n->dtype, 0);
    n->some = idx_lo(&k->index, n->index) < 0 || idx_hi(&k->index, n->index) + n->lanes > elems;
    n->from = from;
    n->to = to;
    return v;
}

Val val_load_some(Kernel *k, uint32_t buffer, Idx e, uint8_t lanes, Ranges ranges, Idx from, Idx to,
                  const char *hint) {
    Val v = val_load(k, buffer, e, lanes, ranges, hint);
    return load_some(k, v, k->buffers.at[buffer].elems, from, to);
}

Val val_local_some(Kernel *k, uint32_t local, Idx e, uint8_t lanes, Ranges ranges, Idx from, Idx to,
                   const char *hint) {
    Val v = val_local(k, local, e, lanes, ranges, hint);
    return load_some(k, v, k->locals.at[local].elems, from, to);
}

Val val_ranges(Kernel *k, Ranges ranges) {
    Ranges open;
    if (!ranges_open(k, ranges, &open)) return val_const(k, DT_BOOL, 0);
    if (open.count == 0) return val_const(k, DT_BOOL, 1);
    return add_value(k, (Value){.kind = V_RANGES, .dtype = DT_BOOL, .lanes = 1, .ranges = open});
}

static bool number_of(const Kernel *k, Val x, double *v) {
    const Value *n = value_at(k, x);
    if (n->kind == V_SPLAT) n = value_at(k, n->args[0]);
    *v = n->number;
    return n->kind == V_CONST;
}

Val val_splat(Kernel *k, Val x, uint8_t lanes) {
    if (value_at(k, x)->lanes == lanes) return x;
    uint8_t t = value_at(k, x)->dtype;
    return add_value(k,
                     (Value){.kind = V_SPLAT, .dtype = t, .lanes = lanes, .argc = 1, .args = {x}});
}

static uint8_t widen(Kernel *k, Val *args, uint32_t argc) {
    uint8_t lanes = 1;
    for (uint32_t i = 0; i < argc; i++) {
        if (value_at(k, args[i])->lanes > lanes) lanes = value_at(k, args[i])->lanes;
    }
    for (uint32_t i = 0; i < argc; i++) args[i] = val_splat(k, args[i], lanes);
    return lanes;
}

/* floor_div and floor_mod are scalar functions: lane by lane. */
static Val by_lanes(Kernel *k, Op op, Val x, Val y, uint8_t lanes) {
    Val parts[MAX_LANES];
    for (uint8_t i = 0; i < lanes; i++) {
        parts[i] = val_ew(k, op, val_extract(k, x, i), val_extract(k, y, i), NO_VAL);
    }
    return val_pack(k, parts, lanes);
}

Val val_ew(Kernel *k, Op op, Val x, Val y, Val z) {
    Value v = {
        .kind = V_EW, .op = (uint8_t)op, .argc = (uint32_t)op_info[op].arity, .args = {x, y, z}};
    double c[3] = {0, 0, 0};
    bool known = true;
    for (uint32_t i = 0; i < v.argc; i++) known = number_of(k, v.args[i], &c[i]) && known;
    DType t = op_info[op].to_bool ? DT_BOOL : (DType)value_at(k, v.args[v.argc - 1])->dtype;
    if (known && t != DT_I32) {
        double r = op_host(op, c[0], c[1], c[2]);
        return val_const(k, t, t == DT_F32 ? (double)(float)r : r);
    }
    if (op == OP_WHERE && number_of(k, x, &c[0])) return c[0] != 0 ? y : z;
    if ((op == OP_MAX || op == OP_MIN) && t == DT_F32) { /* by a number: then one comparison does */
        bool first = number_of(k, x, &c[0]);
        Val number = first ? x : y, other = first ? y : x;
        if (number_of(k, number, &c[0]) && !isnan(c[0])) {
            Val beyond = op == OP_MAX ? val_ew(k, OP_LT, other, number, NO_VAL)
                                      : val_ew(k, OP_LT, number, other, NO_VAL);
            return val_ew(k, OP_WHERE, beyond, number, other);
        }
    }
    v.lanes = widen(k, v.args, v.argc);
    v.dtype = (uint8_t)t;
    if ((op == OP_IDIV || op == OP_MOD) && v.lanes > 1)
        return by_lanes(k, op, v.args[0], v.args[1], v.lanes);
    return add_value(k, v);
}

/* x, of the type that `t` counts as, as `t` holds it. */
static Val val_round(Kernel *k, Val x, DType t) {
    const Value *n = value_at(k, x);
    if (n->kind == V_CONST) return val_const(k, t, dtype_cast(t, n->number));
    return add_value(k, (Value){.kind = V_ROUND,
                                .dtype = n->dtype,
                                .lanes = n->lanes,
                                .stored = (uint8_t)t,
                                .argc = 1,
                                .args = {x}});
}

Val val_cast(Kernel *k, Val x, DType t) {
    const Value *n = value_at(k, x);
    if (dtype_is_storage(t)) return val_round(k, val_cast(k, x, dtype_counts_as(t)), t);
    if (n->dtype == t) return x;
    if (n->kind == V_CONST && t != DT_I32) {
        double v = n->number;
        return val_const(k, t, t == DT_BOOL ? v != 0 : (double)(float)v);
    }
    return add_value(
        k, (Value){.kind = V_CAST, .dtype = (uint8_t)t, .lanes = n->lanes, .argc = 1, .args = {x}});
}

Val val_fma(Kernel *k, Val x, Val y, Val z) {
    Value v = {.kind = V_FMA, .dtype = value_at(k, x)->dtype, .argc = 3, .args = {x, y, z}};
    if (v.dtype != DT_F32) return val_ew(k, OP_ADD, val_ew(k, OP_MUL, x, y, NO_VAL), z, NO_VAL);
    v.lanes = widen(k, v.args, 3);
    return add_value(k, v);
}

Val val_pack(Kernel *k, const Val *x, uint8_t parts) {
    Val flat[MAX_LANES];
    uint8_t count = 0, lanes = 0;
    bool same = true;
    for (uint8_t i = 0; i < parts; i++) {
        const Value *n = value_at(k, x[i]);
        same = same && x[i] == x[0];
        lanes += n->lanes;
        for (uint8_t p = 0; n->kind == V_PACK && p < n->parts; p++) flat[count++] = n->pack[p];
        if (n->kind != V_PACK) flat[count++] = x[i];
    }
    const Value *first = value_at(k, x[0]);
    if (parts == 1) return x[0];
    if (same && first->lanes == 1) return val_splat(k, x[0], lanes);
    if (same && first->kind == V_SPLAT) return val_splat(k, first->args[0], lanes);
    Val *copy = memcpy(NEW_ARRAY(k->arena, Val, count), flat, count * sizeof(Val));
    return add_value(
        k,
        (Value){
            .kind = V_PACK, .dtype = first->dtype, .lanes = lanes, .parts = count, .pack = copy});
}

Val val_extract(Kernel *k, Val x, uint32_t lane) {
    const Value n = *value_at(k, x);
    if (n.lanes == 1) return x;
    if (n.kind == V_SPLAT) return n.args[0];
    for (uint32_t i = 0; n.kind == V_PACK && i < n.parts; i++) {
        uint32_t lanes = value_at(k, n.pack[i])->lanes;
        if (lane < lanes) return val_extract(k, n.pack[i], lane);
        lane -= lanes;
    }
    if (n.kind == V_LANE) return val_const(k, DT_I32, lane);
    return add_value(k, (Value){.kind = V_EXTRACT,
                                .dtype = n.dtype,
                                .lanes = 1,
                                .number = lane,
                                .argc = 1,
                                .args = {x}});
}

Val val_part(Kernel *k, Val x, uint32_t first, uint8_t lanes) {
    const Value n = *value_at(k, x);
    Val one[MAX_LANES];
    if (lanes == 1) return val_extract(k, x, first);
    if (n.lanes == lanes) return x;
    const uint32_t parts = n.kind == V_PACK ? n.parts : 0;
    if (n.kind == V_SPLAT) return val_splat(k, n.args[0], lanes);
    for (uint32_t i = 0, at = 0; i < parts; at += value_at(k, n.pack[i++])->lanes) {
        if (at == first && value_at(k, n.pack[i])->lanes == lanes) return n.pack[i];
    }
    for (uint32_t i = 0; i < lanes && parts; i++) one[i] = val_extract(k, x, first + i);
    if (parts) return val_pack(k, one, lanes);
    return add_value(k, (Value){.kind = V_EXTRACT,
                                .dtype = n.dtype,
                                .lanes = lanes,
                                .number = first,
                                .argc = 1,
                                .args = {x}});
}

Val val_zip(Kernel *k, Zip how, Val x, Val y, bool second) {
    const Value *n = value_at(k, x);
    return add_value(k, (Value){.kind = V_ZIP,
                                .dtype = n->dtype,
                                .lanes = n->lanes,
                                .number = 2 * (int)how + second,
                                .argc = 2,
                                .args = {x, y}});
}

/* Both zips of two vectors. */
static void zip_both(Kernel *k, Zip how, Val x, Val y, Val *first, Val *second) {
    *first = val_zip(k, how, x, y, false);
    *second = val_zip(k, how, x, y, true);
}

/* A square of 16: first those of four, then their quarters change places. */
static void turn_by_registers(Kernel *k, Val *v) {
    Val a[MAX_LANES], b[4];
    for (int i = 0; i < MAX_LANES; i += 4) {
        zip_both(k, ZIP_ONES, v[i], v[i + 1], &b[0], &b[1]);
        zip_both(k, ZIP_ONES, v[i + 2], v[i + 3], &b[2], &b[3]);
        zip_both(k, ZIP_PAIRS, b[0], b[2], &a[i], &a[i + 1]);
        zip_both(k, ZIP_PAIRS, b[1], b[3], &a[i + 2], &a[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        zip_both(k, ZIP_QUARTERS, a[i], a[i + 4], &b[0], &b[1]);
        zip_both(k, ZIP_QUARTERS, a[i + 8], a[i + 12], &b[2], &b[3]);
        zip_both(k, ZIP_QUARTERS, b[0], b[2], &v[i], &v[i + 8]);
        zip_both(k, ZIP_QUARTERS, b[1], b[3], &v[i + 4], &v[i + 12]);
    }
}

/* All elements one after the other are in as many vectors as there are columns, or rows if those are fewer. With each
 * step the second half of them goes between the first: the number of a place turns round by a bit. */
void kernel_turn(Kernel *k, Val *v, uint32_t columns, uint32_t rows) {
    Val next[MAX_LANES];
    uint32_t count = columns < rows ? columns : rows, parts = columns / count;
    if (k->by_registers && columns == MAX_LANES && rows == MAX_LANES &&
        value_at(k, v[0])->dtype == DT_F32) {
        turn_by_registers(k, v);
        return;
    }
    for (uint32_t i = 0; i < count; i++) v[i] = val_pack(k, v + i * parts, (uint8_t)parts);
    for (uint32_t done = 1; done < columns && count > 1; done *= 2) {
        for (uint32_t i = 0; i < count / 2; i++) {
            zip_both(k, ZIP_HALVES, v[i], v[i + count / 2], &next[2 * i], &next[2 * i + 1]);
        }
        memcpy(v, next, count * sizeof(Val));
    }
    for (uint32_t r = rows, each = rows / count; r-- > 0;)
        v[r] = val_part(k, v[r / each], r % each * columns, (uint8_t)columns);
}

Val val_across(Kernel *k, Op op, Val x) {
    const Value *n = value_at(k, x);
    if (n->lanes == 1) return x;
    return add_value(k, (Value){.kind = V_ACROSS,
                                .op = (uint8_t)op,
                                .dtype = n->dtype,
                                .lanes = 1,
                                .argc = 1,
                                .args = {x}});
}

Val val_sums(Kernel *k, const Val x[4]) {
    Val *copy = memcpy(NEW_ARRAY(k->arena, Val, 4), x, 4 * sizeof(Val));
    return add_value(
        k, (Value){.kind = V_SUMS, .dtype = DT_F32, .lanes = 4, .parts = 4, .pack = copy});
}

void val_used(Kernel *k, Val x, uint32_t lanes) {
    Value *n = value_at(k, x);
    n->used = lanes < n->lanes ? (uint8_t)lanes : 0;
}

void val_name(Kernel *k, Val x, const char *hint) {
    if (hint && !value_at(k, x)->hint) value_at(k, x)->hint = hint;
}

static uint32_t add_var(Kernel *k, const char *name, Val like) {
    KVar v = {name, (DType)value_at(k, like)->dtype, value_at(k, like)->lanes};
    vec_push(k->arena, &k->vars, v);
    return k->vars.len - 1;
}

uint32_t kernel_var(Kernel *k, const char *name, Val start) {
    KStmt *s = add_stmt(k, S_VAR);
    s->var = add_var(k, name, start);
    s->val = start;
    return s->var;
}

Val val_read(Kernel *k, uint32_t var) {
    const KVar *v = &k->vars.at[var];
    return add_value(
        k, (Value){.kind = V_READ, .dtype = (uint8_t)v->dtype, .lanes = v->lanes, .buffer = var});
}

void kernel_set(Kernel *k, uint32_t var, Val v) {
    v = val_splat(k, v, k->vars.at[var].lanes);
    KStmt *s = add_stmt(k, S_SET);
    s->var = var;
    s->val = v;
}

void kernel_store(Kernel *k, uint32_t buffer, Idx e, Val v) {
    k->buffers.at[buffer].written = true;
    KStmt *s = add_stmt(k, S_STORE);
    const Value *n = value_at(k, v);
    s->buffer = buffer;
    s->index = e;
    /* The store rounds. */
    bool twice = n->kind == V_ROUND && n->stored == k->buffers.at[buffer].dtype;
    s->val = twice && dtype_is_float((DType)n->stored) ? n->args[0] : v;
}

void kernel_store_local(Kernel *k, uint32_t local, Idx e, Val v) {
    KStmt *s = add_stmt(k, S_LOCAL);
    s->buffer = local;
    s->index = e;
    s->val = v;
}

void kernel_barrier(Kernel *k) {
    add_stmt(k, S_BARRIER);
}

Val kernel_meet(Kernel *k, Op op, Val v, int32_t items, uint32_t local) {
    KStmt *s = add_stmt(k, S_MEET);
    s->var = add_var(k, op == OP_ADD ? "sum" : "most", v);
    s->val = v;
    s->local = local;
    s->meets = op;
    s->step = items;
    return val_read(k, s->var);
}

void kernel_comment(Kernel *k, const char *text) {
    add_stmt(k, S_COMMENT)->text = text;
}

static void open_block(Kernel *k, KStmt *s) {
    vec_push(k->arena, &k->open, k->block);
    if (s) k->block = &s->body;
}

bool kernel_for(Kernel *k, const char *name, Idx lo, Idx hi, int64_t step, Idx *var) {
    int64_t turns;
    Idx span = idx_sub(&k->index, hi, lo);
    if (idx_is_const(&k->index, span, &turns) && turns <= step) {
        *var = lo;
        open_block(k, NULL);
        return false;
    }
    /* Exactly where it goes: an index that leaves an axis and comes back is the same only if that shows. */
    bool known = idx_is_const(&k->index, span, &turns);
    int64_t first = idx_lo(&k->index, lo), last = idx_hi(&k->index, hi) - 1;
    if (known) last = idx_hi(&k->index, lo) + (turns - 1) / step * step;
    KStmt *s = add_stmt(k, S_FOR);
    *var = idx_var(&k->index, name, first, last, NO_VAL);
    s->atom = idx_atom(&k->index, *var);
    if (first == last) *var = idx_const(&k->index, first); /* a loop of one turn, or of none */
    s->lo = lo;
    s->hi = hi;
    s->step = step;
    open_block(k, s);
    return true;
}

void kernel_whole(Kernel *k) {
    k->block->at[k->block->len - 1]->whole = true;
}

void kernel_past(Kernel *k) {
    k->block->at[k->block->len - 1]->past = true;
}

void kernel_unroll(Kernel *k, bool out) {
    const KBlock *around = k->open.at[k->open.len - 1];
    KStmt *loop = around->at[around->len - 1];
    loop->unroll = out;
    loop->rolled = !out;
}

void kernel_turns(Kernel *k, uint32_t turns) {
    const KBlock *around = k->open.at[k->open.len - 1];
    around->at[around->len - 1]->turns = turns;
}

static void turn_stmt(Kernel *k, StmtOp op, uint32_t local, uint32_t buffer, Idx e,
                      int64_t columns) {
    KStmt *s = add_stmt(k, op);
    s->local = local;
    s->buffer = buffer;
    s->index = e;
    s->step = columns;
}

void kernel_columns(Kernel *k, uint32_t local, uint32_t buffer, Idx e, int64_t columns) {
    k->buffers.at[buffer].read = true;
    turn_stmt(k, S_COLUMNS, local, buffer, e, columns);
}

void kernel_rows(Kernel *k, uint32_t buffer, Idx e, uint32_t local, int64_t columns) {
    k->buffers.at[buffer].written = true;
    turn_stmt(k, S_ROWS, local, buffer, e, columns);
}

void kernel_square(Kernel *k, uint32_t local, Idx at, int64_t step, bool own, uint32_t buffer,
                   Idx e, int64_t pitch) {
    KStmt *s = add_stmt(k, S_SQUARE);
    if (!own) k->buffers.at[buffer].read = true;
    s->local = local;
    s->at = at;
    s->step = step;
    s->own = own;
    s->buffer = buffer;
    s->index = e;
    s->pitch = pitch;
}

void kernel_if(Kernel *k, Ranges ranges) {
    Ranges open;
    bool possible = ranges_open(k, ranges, &open);
    if (possible && open.count == 0) {
        open_block(k, NULL);
        return;
    }
    KStmt *s = add_stmt(k, S_IF);
    s->ranges = possible ? open : ranges;
    open_block(k, s);
}

void kernel_seldom(Kernel *k, double part) {
    const KBlock *around = k->open.at[k->open.len - 1];
    around->at[around->len - 1]->part = part;
}

void kernel_end(Kernel *k) {
    k->block = k->open.at[--k->open.len];
}

/* ---- Products by matrix units --------------------------------------------------------------- */

static void copy(Kernel *k, uint32_t local, Idx at, uint32_t buffer, Idx e, Ranges ranges,
                 int64_t count) {
    Ranges open;
    if (!ranges_open(k, ranges, &open)) open = ranges; /* zeros */
    k->buffers.at[buffer].read = true;
    KStmt *s = add_stmt(k, S_COPY);
    s->local = local;
    s->at = at;
    s->buffer = buffer;
    s->index = e;
    s->step = count;
    s->ranges = open;
}

void kernel_copy(Kernel *k, uint32_t local, Idx at, uint32_t buffer, Idx e, Ranges ranges) {
    copy(k, local, at, buffer, e, ranges, 16 / dtype_bytes(k->buffers.at[buffer].dtype));
}

void kernel_copy_one(Kernel *k, uint32_t local, Idx at, uint32_t buffer, Idx e, Ranges ranges) {
    copy(k, local, at, buffer, e, ranges, 1);
}

void kernel_mark(Kernel *k) {
    add_stmt(k, S_MARK);
}

void kernel_arrive(Kernel *k, int64_t but) {
    add_stmt(k, S_ARRIVE)->step = but;
}

uint32_t kernel_matrix(Kernel *k, const KMatrix *m) {
    vec_push(k->arena, &k->matrices, *m);
    uint32_t matrix = k->matrices.len - 1;
    add_stmt(k, S_SUMS)->matrix = matrix;
    return matrix;
}

void kernel_fetch(Kernel *k, uint32_t matrix, uint32_t set, uint32_t local, Idx a, Idx b,
                  Ranges ranges) {
    Ranges open;
    if (!ranges_open(k, ranges, &open)) return; /* never */
    KStmt *s = add_stmt(k, S_FETCH);
    s->matrix = matrix;
    s->set = set;
    s->local = local;
    s->index = a;
    s->at = b;
    s->ranges = open;
}

void kernel_product(Kernel *k, uint32_t matrix, uint32_t set, int32_t of_run) {
    KStmt *s = add_stmt(k, S_PRODUCT);
    s->matrix = matrix;
    s->set = set;
    s->step = of_run;
}

void kernel_product_slices(Kernel *k, uint32_t matrix, uint32_t local, Idx a, Idx b) {
    KStmt *s = add_stmt(k, S_PRODUCT);
    s->matrix = matrix;
    s->local = local;
    s->index = a;
    s->at = b;
}

void kernel_sums_out(Kernel *k, uint32_t matrix, int32_t part, uint32_t local) {
    KStmt *s = add_stmt(k, S_SUMS_OUT);
    s->matrix = matrix;
    s->local = local;
    s->step = part;
}

Val val_load_whole(Kernel *k, uint32_t buffer, Idx e, Ranges ranges, const char *hint) {
    Ranges open;
    if (!ranges_open(k, ranges, &open)) return val_splat(k, val_const(k, DT_F32, 0), 4);
    Val v = val_load(k, buffer, e, 4, ranges, hint);
    Value *n = value_at(k, v);
    n->ranges = open;
    n->whole = true;
    return v;
}

uint32_t kernel_wgmma_local(Kernel *k, const char *name, Precision precision, int64_t elems) {
    const DType t = precision == PRECISION_BF16 ? DT_BF16 : DT_F32;
    for (uint32_t i = 0; i < k->locals.len; i++) {
        KLocal *l = &k->locals.at[i];
        if (!l->wgmma || l->precision != precision || strcmp(l->name, name)) continue;
        if (l->elems < elems) l->elems = elems;
        return i;
    }
    uint32_t local = kernel_local(k, name, t, elems);
    k->locals.at[local].wgmma = true;
    k->locals.at[local].precision = precision;
    return local;
}

uint32_t kernel_local_over(Kernel *k, const char *name, DType t, int64_t elems, uint32_t local) {
    for (uint32_t i = 0; i < k->locals.len; i++) {
        KLocal *l = &k->locals.at[i];
        if (l->over != local + 1 || l->dtype != t || strcmp(l->name, name)) continue;
        if (l->elems < elems) l->elems = elems;
        return i;
    }
    uint32_t made = kernel_local(k, name, t, elems);
    k->locals.at[made].over = local + 1;
    return made;
}

void kernel_wgmma(Kernel *k, uint32_t matrix, uint32_t local, Idx a, Idx b) {
    KStmt *s = add_stmt(k, S_WGMMA);
    s->matrix = matrix;
    s->local = local;
    s->index = a;
    s->at = b;
}

void kernel_settle(Kernel *k) {
    add_stmt(k, S_SETTLE);
}

void kernel_done(Kernel *k, uint32_t matrix, int64_t but) {
    KStmt *s = add_stmt(k, S_DONE);
    s->matrix = matrix;
    s->step = but;
}

Idx wgmma_at(IndexTable *t, bool along, Precision p, Idx line, Idx step) {
    const int32_t steps = wgmma_steps(p);
    if (along) return idx_add(t, idx_scale(t, line, steps), step);
    Idx at = idx_add(t, idx_scale(t, idx_div(t, line, 64), 64 * steps), idx_mod(t, line, 64));
    return idx_add(t, at, idx_scale(t, step, 64));
}

/* Items read eight lines of four places side by side along what is contracted: every other four of lines has its fours
 * of places the other way round. Else they read eight lines of four neighbouring places: each has its eights of lines
 * turned by one more. */
Idx matrix_at(IndexTable *t, bool along, int32_t lines, int32_t each, Idx line, Idx step) {
    if (along) {
        const int32_t words = 4 * each;
        Idx four = idx_mod(t, idx_add(t, idx_div(t, step, words), idx_div(t, line, 4)), 2);
        Idx at = idx_add(t, idx_scale(t, four, words), idx_mod(t, step, words));
        return idx_add(t, idx_scale(t, line, MATRIX_STEP * each), at);
    }
    Idx eight = idx_mod(t, idx_add(t, idx_div(t, line, 8), step), 4);
    Idx at = idx_add(t, idx_scale(t, idx_div(t, line, 32), 32), idx_mod(t, line, 8));
    return idx_add(t, idx_scale(t, step, lines), idx_add(t, at, idx_scale(t, eight, 8)));
}

/* kir_run: a kernel on the host, in double precision. All work-items of a group run in step, statement
 * by statement, so that barriers need nothing; what an item's condition excludes is masked. Every access
 * is checked against its buffer.
 *
 * Slow and plain: it is what the schedules are tested with, without a driver. */
#include "kir.h"

#include <math.h>

typedef struct Run {
    const Kernel *k;
    Arena *arena;
    double *const *data;
    bool round_f32;
    uint32_t items, lanes; /* of a group; the widest value */
    double *value;         /* [value][item][lane] */
    double *var;           /* [var][item][lane] */
    int64_t *atom;         /* [atom][item] */
    double **local;        /* [local][element] */
    double **sums;         /* [matrix][row][column] of a group */
    double **fetched;      /* [matrix][set][operand][line][step] */
    const char *wrong;
} Run;

static double *value_of(Run *r, Val v, uint32_t item) {
    return r->value + ((size_t)v * r->items + item) * r->lanes;
}

static double *var_of(Run *r, uint32_t v, uint32_t item) {
    return r->var + ((size_t)v * r->items + item) * r->lanes;
}

static int64_t index_of(Run *r, Idx e, uint32_t item) {
    const Form *f = &r->k->index.forms.at[e];
    int64_t sum = f->constant;
    for (uint32_t i = 0; i < f->count; i++) {
        const Atom *a = &r->k->index.atoms.at[f->terms[i].atom];
        int64_t x;
        if (a->kind == ATOM_VAR) {
            x = a->value != NO_VAL ? (int64_t)value_of(r, a->value, item)[0]
                                   : r->atom[(size_t)f->terms[i].atom * r->items + item];
        } else {
            x = index_of(r, a->inner, item);
            x = a->kind == ATOM_DIV ? x / a->by : x % a->by;
        }
        sum += f->terms[i].coef * x;
    }
    return sum;
}

static bool holds(Run *r, Ranges ranges, uint32_t item) {
    for (uint32_t i = 0; i < ranges.count; i++) {
        int64_t e = index_of(r, ranges.at[i].e, item);
        if (e < ranges.at[i].lo || e >= ranges.at[i].hi) return false;
    }
    return true;
}

static bool in_bounds(Run *r, const char *what, int64_t at, int lanes, int64_t elems) {
    if (at >= 0 && at + lanes <= elems) return true;
    if (!r->wrong) {
        r->wrong = arena_printf(r->arena, "access of %s[%lld..%lld] of %lld elements", what,
                                (long long)at, (long long)(at + lanes - 1), (long long)elems);
    }
    return false;
}

static double rounded(const Run *r, const Value *n, double x) {
    if (n->dtype == DT_I32) {
        if (!(fabs(x) < 9.0e15)) return isnan(x) ? 0 : x < 0 ? -2147483648.0 : 2147483647.0;
        return (double)(int32_t)(uint32_t)(int64_t)x;
    }
    if (n->dtype == DT_BOOL) return x != 0;
    return r->round_f32 ? (double)(float)x : x;
}

/* Of `elems` elements. What is not loaded of a vector with others is NaN: nobody may ask for it. */
static void load(Run *r, const Value *n, uint32_t item, const char *name, const double *from,
                 int64_t elems, double *out) {
    int64_t lo = 0, hi = n->lanes;
    bool any = holds(r, n->ranges, item);
    if (n->some) {
        lo = index_of(r, n->from, item) > 0 ? index_of(r, n->from, item) : 0;
        hi = index_of(r, n->to, item) < hi ? index_of(r, n->to, item) : hi;
    }
    for (int i = 0; i < n->lanes; i++) out[i] = n->some ? (double)NAN : 0;
    if (!any || lo >= hi) return;
    int64_t at = index_of(r, n->index, item);
    if (!in_bounds(r, name, at + lo, (int)(hi - lo), elems)) return;
    for (int64_t i = lo; i < hi; i++) out[i] = from[at + i];
}

static void across(Run *r, const Value *n, Op op, Val of, uint32_t item, double *out) {
    double v[MAX_LANES];
    int lanes = r->k->values.at[of].lanes;
    const double *x = value_of(r, of, item);
    memcpy(v, x, (size_t)lanes * sizeof(double));
    for (int half = lanes / 2; half >= 1; half /= 2) {
        for (int i = 0; i < half; i++) v[i] = rounded(r, n, op_host(op, v[i], v[i + half], 0));
    }
    out[0] = v[0];
}

/* Lane i of two vectors put together (Zip). */
static double zip_lane(int how, int lanes, int i, const double *x, const double *y) {
    const int quarter = i / 4 * 4, at = i % 4, second = how % 2;
    switch ((Zip)(how / 2)) {
    case ZIP_HALVES: return (i % 2 ? y : x)[second * lanes / 2 + i / 2];
    case ZIP_ONES: return (at % 2 ? y : x)[quarter + 2 * second + at / 2];
    case ZIP_PAIRS: return (at / 2 ? y : x)[quarter + 2 * second + at % 2];
    case ZIP_QUARTERS: break;
    }
    return (i >= lanes / 2 ? y : x)[quarter % (lanes / 2) * 2 + 4 * second + at];
}

static void evaluate(Run *r, Val v, uint32_t item) {
    const Value *n = &r->k->values.at[v];
    double *out = value_of(r, v, item);
    const double *x = n->argc > 0 ? value_of(r, n->args[0], item) : NULL;
    const double *y = n->argc > 1 ? value_of(r, n->args[1], item) : NULL;
    const double *z = n->argc > 2 ? value_of(r, n->args[2], item) : NULL;
    switch (n->kind) {
    case V_CONST: out[0] = n->number; break;
    case V_INDEX: out[0] = (double)index_of(r, n->index, item); break;
    case V_LOAD: {
        const KBuffer *b = &r->k->buffers.at[n->buffer];
        load(r, n, item, b->name, b->values ? b->values : r->data[n->buffer], b->elems, out);
        break;
    }
    case V_LOCAL: {
        const KLocal *l = &r->k->locals.at[n->buffer];
        load(r, n, item, l->name, r->local[n->buffer], l->elems, out);
        break;
    }
    case V_RANGES: out[0] = holds(r, n->ranges, item); break;
    case V_EXTRACT: memcpy(out, x + (int)n->number, n->lanes * sizeof(double)); break;
    case V_ACROSS: across(r, n, (Op)n->op, n->args[0], item, out); break;
    case V_SUMS:
        for (int i = 0; i < 4; i++) across(r, n, OP_ADD, n->pack[i], item, out + i);
        break;
    case V_ZIP:
        for (int i = 0; i < n->lanes; i++) out[i] = zip_lane((int)n->number, n->lanes, i, x, y);
        break;
    case V_PACK:
        for (uint32_t i = 0, at = 0; i < n->parts; at += r->k->values.at[n->pack[i++]].lanes)
            memcpy(out + at, value_of(r, n->pack[i], item),
                   r->k->values.at[n->pack[i]].lanes * sizeof(double));
        break;
    default:
        for (int i = 0; i < n->lanes; i++) {
            switch (n->kind) {
            case V_LANE: out[i] = i; break;
            case V_EW: {
                double (*const host)(Op, double, double, double) =
                    n->dtype == DT_I32 ? op_host_whole : op_host;
                out[i] = rounded(r, n, host((Op)n->op, x[i], y ? y[i] : 0, z ? z[i] : 0));
                break;
            }
            case V_CAST: out[i] = rounded(r, n, dtype_cast((DType)n->dtype, x[i])); break;
            case V_ROUND: out[i] = dtype_cast((DType)n->stored, x[i]); break;
            case V_FMA:
                out[i] = rounded(r, n, r->round_f32 ? fma(x[i], y[i], z[i]) : x[i] * y[i] + z[i]);
                break;
            case V_SPLAT: out[i] = x[0]; break;
            case V_READ: out[i] = var_of(r, n->buffer, item)[i]; break;
            default: break;
            }
        }
    }
}

static void store(Run *r, const KStmt *s, uint32_t item) {
    const double *v = value_of(r, s->val, item);
    int lanes = r->k->values.at[s->val].lanes;
    int64_t at = index_of(r, s->index, item);
    bool local = s->op == S_LOCAL;
    const char *name = local ? r->k->locals.at[s->buffer].name : r->k->buffers.at[s->buffer].name;
    int64_t elems = local ? r->k->locals.at[s->buffer].elems : r->k->buffers.at[s->buffer].elems;
    if (!in_bounds(r, name, at, lanes, elems)) return;
    double *to = (local ? r->local[s->buffer] : r->data[s->buffer]) + at;
    DType t = local ? r->k->locals.at[s->buffer].dtype : r->k->buffers.at[s->buffer].dtype;
    for (int i = 0; i < lanes; i++) to[i] = dtype_is_storage(t) ? dtype_cast(t, v[i]) : v[i];
}

/* Rows of a buffer as columns in the group's own memory, or the other way round. */
static void turn(Run *r, const KStmt *s, uint32_t item) {
    const KBuffer *b = &r->k->buffers.at[s->buffer];
    const KLocal *l = &r->k->locals.at[s->local];
    int64_t at = index_of(r, s->index, item);
    if (!in_bounds(r, b->name, at, 16 * (int)s->step, b->elems)) return;
    if (!in_bounds(r, l->name, 0, 16 * (int)s->step, l->elems)) return;
    for (int64_t row = 0; row < 16; row++) {
        for (int64_t c = 0; c < s->step; c++) {
            double *in_row = &r->data[s->buffer][at + row * s->step + c];
            double *in_column = &r->local[s->local][c * 16 + row];
            if (s->op == S_COLUMNS)
                *in_column = *in_row;
            else
                *in_row = *in_column;
        }
    }
}

/* A square of 16 rows, as its columns. */
static void square(Run *r, const KStmt *s, uint32_t item) {
    const KBuffer *b = s->own ? NULL : &r->k->buffers.at[s->buffer];
    const KLocal *l = &r->k->locals.at[s->local],
                 *own = s->own ? &r->k->locals.at[s->buffer] : NULL;
    const int64_t from = index_of(r, s->index, item), to = index_of(r, s->at, item);
    for (int64_t i = 0; i < 16; i++) {
        if (!in_bounds(r, own ? own->name : b->name, from + i * s->pitch, 16,
                       own ? own->elems : b->elems))
            return;
        if (!in_bounds(r, l->name, to + i * s->step, 16, l->elems)) return;
    }
    const double *x = s->own ? r->local[s->buffer] : r->data[s->buffer];
    for (int64_t row = 0; row < 16; row++) {
        for (int64_t c = 0; c < 16; c++)
            r->local[s->local][to + c * s->step + row] = x[from + row * s->pitch + c];
    }
}

/* 16 bytes to the group's own memory, or zeros. */
static void copy(Run *r, const KStmt *s, uint32_t item) {
    const KBuffer *b = &r->k->buffers.at[s->buffer];
    const KLocal *l = &r->k->locals.at[s->local];
    int64_t from = index_of(r, s->index, item), to = index_of(r, s->at, item);
    const int count = (int)s->step;
    bool inside = holds(r, s->ranges, item);
    if (inside && !in_bounds(r, b->name, from, count, b->elems)) return;
    if (!in_bounds(r, l->name, to, count, l->elems)) return;
    if ((inside && from % count) || to % count) {
        if (!r->wrong) r->wrong = arena_printf(r->arena, "copy of %s that is not aligned", b->name);
        return;
    }
    for (int i = 0; i < count; i++)
        r->local[s->local][to + i] = inside ? r->data[s->buffer][from + i] : 0;
}

/* Places of a tile for each of its lines. */
static int32_t places_of(const KMatrix *m) {
    return MATRIX_STEP * matrix_each(m);
}

static double *fetched_of(Run *r, const KStmt *s, int operand) {
    const KMatrix *m = &r->k->matrices.at[s->matrix];
    const int32_t left = m->rows * PART_ROWS * places_of(m);
    const int32_t both = left + m->columns * PART_COLUMNS * places_of(m);
    return r->fetched[s->matrix] + (size_t)s->set * both + (operand ? left : 0);
}

/* What the items of a group do together, with the places that the first of them has. */
static void fetch(Run *r, const KStmt *s) {
    const KMatrix *m = &r->k->matrices.at[s->matrix];
    const KLocal *l = &r->k->locals.at[s->local];
    const int32_t lines[2] = {m->rows * PART_ROWS, m->columns * PART_COLUMNS};
    const int32_t places = places_of(m), each = matrix_each(m);
    int64_t from[2] = {index_of(r, s->index, 0), index_of(r, s->at, 0)};
    bool is = holds(r, s->ranges, 0);
    for (int i = 0; i < 2; i++) {
        if (!in_bounds(r, l->name, from[i], lines[i] * places, l->elems)) return;
        const double *tile = r->local[s->local] + from[i];
        double *to = fetched_of(r, s, i);
        for (int32_t line = 0; line < lines[i]; line++) {
            for (int32_t step = 0; step < places; step++)
                to[line * places + step] =
                    is ? tile[matrix_at_of(m->along[i], lines[i], each, line, step)] : NAN;
        }
    }
}

static void multiply(Run *r, const KStmt *s) {
    const KMatrix *m = &r->k->matrices.at[s->matrix];
    const int32_t lines[2] = {m->rows * PART_ROWS, m->columns * PART_COLUMNS};
    const int32_t places = places_of(m);
    for (int32_t row = 0; row < lines[0]; row++) {
        for (int32_t column = 0; column < lines[1]; column++) {
            double *sum = &r->sums[s->matrix][(int64_t)row * lines[1] + column];
            const double *x = fetched_of(r, s, 0) + (ptrdiff_t)row * places;
            const double *y = fetched_of(r, s, 1) + (ptrdiff_t)column * places;
            for (int32_t step = 0; step < places; step++)
                *sum = r->round_f32 ? (double)(float)fma(x[step], y[step], *sum)
                                    : *sum + x[step] * y[step];
        }
    }
}

/* The same of a `wgmma` one, from where its tiles lie. */
static void multiply_tiles(Run *r, const KStmt *s) {
    const KMatrix *m = &r->k->matrices.at[s->matrix];
    const KLocal *l = &r->k->locals.at[s->local];
    const int32_t lines[2] = {m->rows * PART_ROWS, m->columns * PART_COLUMNS};
    const int32_t steps = wgmma_steps(m->precision);
    int64_t from[2] = {index_of(r, s->index, 0), index_of(r, s->at, 0)};
    for (int i = 0; i < 2; i++) {
        if (!in_bounds(r, l->name, from[i], lines[i] * steps, l->elems)) return;
    }
    const double *a = r->local[s->local] + from[0], *b = r->local[s->local] + from[1];
    for (int32_t row = 0; row < lines[0]; row++) {
        for (int32_t column = 0; column < lines[1]; column++) {
            double *sum = &r->sums[s->matrix][(int64_t)row * lines[1] + column];
            for (int32_t step = 0; step < steps; step++) {
                double x = a[wgmma_at_of(m->along[0], m->precision, row, step)];
                double y = b[wgmma_at_of(m->along[1], m->precision, column, step)];
                *sum = r->round_f32 ? (double)(float)fma(x, y, *sum) : *sum + x * y;
            }
        }
    }
}

static void sums_out(Run *r, const KStmt *s) {
    const KMatrix *m = &r->k->matrices.at[s->matrix];
    const KLocal *l = &r->k->locals.at[s->local];
    const int32_t across = m->columns * PART_COLUMNS;
    if (m->wgmma) {
        const int32_t rows = m->rows * PART_ROWS, pitch = wgmma_pitch(m);
        if (!in_bounds(r, l->name, 0, rows * pitch, l->elems)) return;
        for (int32_t row = 0; row < rows; row++)
            memcpy(r->local[s->local] + row * pitch, r->sums[s->matrix] + row * across,
                   (size_t)across * sizeof(double));
        return;
    }
    if (!in_bounds(r, l->name, 0, PART_ROWS * PART_COLUMNS, l->elems)) return;
    for (int32_t row = 0; row < PART_ROWS; row++) {
        int64_t at = matrix_line(m->rows, (int32_t)s->step / m->columns, row);
        for (int32_t column = 0; column < PART_COLUMNS; column++) {
            int32_t place = matrix_line(m->columns, (int32_t)s->step % m->columns, column);
            r->local[s->local][row * PART_COLUMNS + column] =
                r->sums[s->matrix][at * across + place];
        }
    }
}

static int64_t slice_sums(const KMatrix *m) {
    return (int64_t)m->rows * slice_pitch(m->columns);
}

/* The same of a tile with slices: each goes along its share of the places. */
static void multiply_slices(Run *r, const KStmt *s) {
    const KMatrix *m = &r->k->matrices.at[s->matrix];
    const KLocal *l = &r->k->locals.at[s->local];
    const int32_t lines[2] = {m->rows, m->columns};
    int32_t line[2], next[2]; /* how far apart lines are, and places */
    int64_t from[2] = {index_of(r, s->index, 0), index_of(r, s->at, 0)};
    for (int i = 0; i < 2; i++) {
        line[i] = slice_line_step(m->along[i], m->chunk);
        next[i] = slice_place_step(m->along[i], lines[i]);
        const int last = (lines[i] - 1) * line[i] + (m->chunk - 1) * next[i];
        if (!in_bounds(r, l->name, from[i], last + 1, l->elems)) return;
    }
    const double *a = r->local[s->local] + from[0], *b = r->local[s->local] + from[1];
    for (int32_t place = 0; place < m->chunk; place++) {
        double *sums = r->sums[s->matrix] + place / (m->chunk / m->slices) * slice_sums(m);
        for (int32_t row = 0; row < m->rows; row++) {
            for (int32_t column = 0; column < m->columns; column++) {
                double *sum = &sums[row * slice_pitch(m->columns) + column];
                double x = a[place * next[0] + row * line[0]];
                double y = b[place * next[1] + column * line[1]];
                *sum = r->round_f32 ? (double)(float)fma(x, y, *sum) : *sum + x * y;
            }
        }
    }
}

static void slices_out(Run *r, const KStmt *s) {
    const KMatrix *m = &r->k->matrices.at[s->matrix];
    const KLocal *l = &r->k->locals.at[s->local];
    int64_t count = m->slices * slice_sums(m);
    if (!in_bounds(r, l->name, 0, (int)count, l->elems)) return;
    memcpy(r->local[s->local], r->sums[s->matrix], (size_t)count * sizeof(double));
}

static void run_slices(Run *r, const KStmt *s) {
    const KMatrix *m = &r->k->matrices.at[s->matrix];
    if (s->op == S_SUMS)
        r->sums[s->matrix] = NEW_ARRAY(r->arena, double, m->slices *slice_sums(m));
    else if (s->op == S_PRODUCT)
        multiply_slices(r, s);
    else
        slices_out(r, s);
}

static void run_together(Run *r, const KStmt *s, const bool *on) {
    const KMatrix *m = &r->k->matrices.at[s->matrix];
    for (uint32_t i = 0; i < r->items; i++) {
        if (on[i]) continue;
        r->wrong = arena_printf(r->arena, "%s without some of the items", m->name);
        return;
    }
    const size_t rows = (size_t)m->rows * PART_ROWS, columns = (size_t)m->columns * PART_COLUMNS;
    if (m->slices)
        run_slices(r, s);
    else if (s->op == S_SUMS) {
        r->sums[s->matrix] = NEW_ARRAY(r->arena, double, rows *columns);
        r->fetched[s->matrix] =
            NEW_ARRAY(r->arena, double, 2 * (rows + columns) * (size_t)places_of(m));
    } else if (s->op == S_FETCH)
        fetch(r, s);
    else if (s->op == S_PRODUCT)
        multiply(r, s);
    else if (s->op == S_WGMMA)
        multiply_tiles(r, s);
    else
        sums_out(r, s);
}

/* What neighbours have comes together, all of them at once; of two, the one before is the left operand for both. */
static void meet(Run *r, const KStmt *s, const bool *on) {
    const Value of = {.dtype = r->k->vars.at[s->var].dtype};
    const KLocal *own = &r->k->locals.at[s->local];
    double *was = NEW_ARRAY(r->arena, double, r->items);
    if (own->elems < r->items || own->dtype != of.dtype)
        r->wrong = arena_printf(r->arena, "%s is no array to meet by", own->name);
    for (uint32_t i = 0; i < r->items; i++)
        if (!on[i]) r->wrong = arena_printf(r->arena, "items meet without some of them");
    for (uint32_t apart = (uint32_t)s->step / 2; apart >= 1; apart /= 2) {
        for (uint32_t i = 0; i < r->items; i++) was[i] = var_of(r, s->var, i)[0];
        for (uint32_t i = 0; i < r->items; i++)
            var_of(r, s->var, i)[0] =
                rounded(r, &of, op_host(s->meets, was[i & ~apart], was[i | apart], 0));
    }
}

static void run_block(Run *r, const KBlock *b, const bool *on);

static void run_for(Run *r, const KStmt *s, const bool *on) {
    bool *active = NEW_ARRAY(r->arena, bool, r->items);
    int64_t *at = r->atom + (size_t)s->atom * r->items;
    for (uint32_t i = 0; i < r->items; i++) {
        if (on[i]) at[i] = index_of(r, s->lo, i);
    }
    for (bool any = true; any && !r->wrong;) {
        any = false;
        for (uint32_t i = 0; i < r->items; i++) {
            active[i] = on[i] && at[i] < index_of(r, s->hi, i);
            any = any || active[i];
        }
        if (!any) break;
        run_block(r, &s->body, active);
        for (uint32_t i = 0; i < r->items; i++) {
            if (active[i]) at[i] += s->step;
        }
    }
}

static void run_block(Run *r, const KBlock *b, const bool *on) {
    for (uint32_t n = 0; n < b->len && !r->wrong; n++) {
        const KStmt *s = b->at[n];
        if (s->op == S_FOR) {
            run_for(r, s, on);
            continue;
        }
        if (s->op == S_IF) {
            bool *active = NEW_ARRAY(r->arena, bool, r->items);
            for (uint32_t i = 0; i < r->items; i++) active[i] = on[i] && holds(r, s->ranges, i);
            run_block(r, &s->body, active);
            continue;
        }
        if (s->op >= S_SUMS && s->op <= S_SUMS_OUT) {
            run_together(r, s, on);
            continue;
        }
        for (uint32_t i = 0; i < r->items; i++) {
            if (!on[i]) continue;
            switch (s->op) {
            case S_LET: evaluate(r, s->val, i); break;
            case S_VAR:
            case S_MEET:
            case S_SET:
                memcpy(var_of(r, s->var, i), value_of(r, s->val, i), r->lanes * sizeof(double));
                break;
            case S_STORE:
            case S_LOCAL: store(r, s, i); break;
            case S_COLUMNS:
            case S_ROWS: turn(r, s, i); break;
            case S_SQUARE: square(r, s, i); break;
            case S_COPY: copy(r, s, i); break;
            default: break;
            }
        }
        if (s->op == S_MEET) meet(r, s, on);
    }
}

const char *kernel_run(const Kernel *k, Arena *arena, double *const *data, bool round_f32,
                       bool backwards, const int32_t *iterations) {
    Run r = {.k = k,
             .arena = arena,
             .data = data,
             .round_f32 = round_f32,
             .items = k->local_size,
             .lanes = 1};
    for (Val v = 0; v < k->values.len; v++) {
        if (k->values.at[v].lanes > r.lanes) r.lanes = k->values.at[v].lanes;
    }
    r.value = NEW_ARRAY(arena, double, (size_t)(k->values.len + 1) * r.items * r.lanes);
    r.var = NEW_ARRAY(arena, double, (size_t)(k->vars.len + 1) * r.items * r.lanes);
    r.atom = NEW_ARRAY(arena, int64_t, (size_t)(k->index.atoms.len + 1) * r.items);
    r.local = NEW_ARRAY(arena, double *, k->locals.len + 1);
    r.sums = NEW_ARRAY(arena, double *, k->matrices.len + 1);
    r.fetched = NEW_ARRAY(arena, double *, k->matrices.len + 1);
    bool *on = NEW_ARRAY(arena, bool, r.items);
    for (uint32_t i = 0; i < r.items; i++) on[i] = true;
    for (uint32_t g = 0; g < k->groups && !r.wrong; g++) {
        for (uint32_t i = 0; i < k->locals.len; i++) {
            r.local[i] = NEW_ARRAY(arena, double, k->locals.at[i].elems);
            for (int64_t e = 0; e < k->locals.at[i].elems; e++)
                r.local[i][e] = NAN; /* not yet written */
        }
        for (uint32_t i = 0; i < r.items; i++) {
            r.atom[(size_t)k->group_atom * r.items + i] = backwards ? k->groups - 1 - g : g;
            r.atom[(size_t)k->local_atom * r.items + i] = i;
            for (uint32_t t = 0, given = 0; t < k->index.iterations.len; t++) {
                const Iteration *it = &k->index.iterations.at[t];
                if (!it->inside) r.atom[(size_t)it->atom * r.items + i] = iterations[given++];
            }
        }
        run_block(&r, &k->body, on);
    }
    return r.wrong;
}

/* dtype: the types of tensors: their names, their sizes, what they count as, and what they make of a
 * number. f16, bf16 and u8 are storage types: they say how a tensor lies in memory; whatever is computed
 * of one is computed of the type that it counts as. */
#include "ir.h"

#include <math.h>

const char *dtype_name(DType t) {
    static const char *const name[DT_ALL] = {"f32", "i32", "bool", "f16", "bf16", "u8", "tf32"};
    return name[t];
}

bool dtype_find(const char *name, DType *out) {
    for (int t = 0; t < DT_COUNT; t++) {
        if (!strcmp(name, dtype_name((DType)t))) return *out = (DType)t, true;
    }
    return false;
}

uint32_t dtype_bytes(DType t) {
    static const uint8_t bytes[DT_ALL] = {4, 4, 1, 2, 2, 1, 4};
    return bytes[t];
}

DType dtype_counts_as(DType t) {
    return t == DT_F16 || t == DT_BF16 || t == DT_TF32 ? DT_F32 : t == DT_U8 ? DT_I32 : t;
}

bool dtype_is_float(DType t) {
    return dtype_counts_as(t) == DT_F32;
}

bool dtype_is_storage(DType t) {
    return dtype_counts_as(t) != t;
}

/* Whether every number of type `from` is one of type `to`. */
bool dtype_holds(DType to, DType from) {
    if (to == from || from == DT_BOOL) return true;
    if (to == DT_F32) return from != DT_I32;
    return to == DT_I32 && from == DT_U8;
}

/* An f32 rounded to `bits` significant bits, the even one of two as near; `unit` is the exponent of the
 * least step, `most` the greatest finite number. */
static double rounded(double v, int bits, int unit, double most) {
    int exponent;
    v = (double)(float)v;
    if (!isfinite(v)) return v;
    (void)frexp(v, &exponent);
    if (exponent - bits > unit) unit = exponent - bits;
    double r = ldexp(rint(ldexp(v, -unit)), unit);
    return fabs(r) > most ? copysign(INFINITY, v) : r;
}

double dtype_cast(DType t, double v) {
    double lo = t == DT_U8 ? 0 : -2147483648.0, hi = t == DT_U8 ? 255 : 2147483647.0;
    switch (t) {
    case DT_F32: return v;
    case DT_F16: return rounded(v, 11, -24, 65504);
    case DT_BF16: return rounded(v, 8, -133, 0x1.fep127);
    case DT_TF32: return rounded(v, 11, -136, 0x1.ffcp127);
    case DT_BOOL: return v != 0;
    default: return isnan(v) ? 0 : v <= lo ? lo : v >= hi ? hi : trunc(v);
    }
}

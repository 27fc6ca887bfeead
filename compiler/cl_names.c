/* cl_names: words and names of OpenCL C; see cl_names.h. */
#include "cl_names.h"

#include <ctype.h>

static const char *const reserved[] = {
    "auto",       "break",      "case",      "char",      "const",    "continue", "default",
    "do",         "double",     "else",      "enum",      "extern",   "float",    "for",
    "goto",       "half",       "if",        "inline",    "int",      "long",     "register",
    "restrict",   "return",     "short",     "signed",    "sizeof",   "static",   "struct",
    "switch",     "typedef",    "union",     "unsigned",  "void",     "volatile", "while",
    "bool",       "true",       "false",     "uchar",     "ushort",   "uint",     "ulong",
    "size_t",     "kernel",     "global",    "local",     "constant", "private",  "read_only",
    "write_only", "read_write", "image2d_t", "sampler_t", "event_t",  "complex",  "imaginary",
    "quad",       "pipe",       "generic",   "g",         "l",        "fma",      "barrier",
    "convert",    "select",     "min",       "max",       "step",     "main",     "NULL",
    "INFINITY",   "NAN",        "MAXFLOAT",  "HUGE_VAL",  "asm",      "vec",      "as",
    "and",        "or",         "not",       "vec_step",  "typeof"};

/* Whether a function of kernels/ has such a name: ld16, sti4, sum_lanes8. */
static bool is_helper(const char *name) {
    static const char *const stem[] = {
        /* loads and stores */
        "ld", "ldi", "ldb", "ldh", "ldbf", "ldu", "ldt", "ldit", "ldp", "ldpt", "st", "sti", "stb",
        "sth", "stbf", "stu", "sttf", "stt", "stit", "stream", "ahead", "ahead_to",
        /* lanes */
        "sum_lanes", "sums_lanes", "sumi_lanes", "max_lanes", "maxi_lanes", "zip_lo", "zip_hi",
        "zip_loi", "zip_hii", "rows_to_columns", "turn_rows", "turn_own", "turn_four",
        "columns_to_rows", "low_ones", "high_ones", "low_pairs", "high_pairs", "even_quarters",
        "odd_quarters", "sum_items", "sumi_items", "max_items", "maxi_items", "swap_items",
        "swapi_items",
        /* functions */
        "floor_div", "floor_mod", "f16_of", "bf16_of", "tf32_of", "philox", "exp_of", "log_of",
        "tanh_of", "erf_of", "sin_of", "cos_of"};
    size_t len = strlen(name);
    while (len && isdigit((unsigned char)name[len - 1])) len--;
    for (size_t i = 0; i < COUNT_OF(stem); i++) {
        if (strlen(stem[i]) == len && !strncmp(name, stem[i], len)) return true;
    }
    return false;
}

/* Whether OpenCL C has or may have a type of such a name: float, float4, uchar16, image2d_t. */
static bool is_type(const char *name) {
    static const char *const stem[] = {"char", "uchar", "short", "ushort", "int",  "uint",
                                       "long", "ulong", "half",  "float",  "bool", "double"};
    size_t len = strlen(name), letters = len;
    if (len > 2 && !strcmp(name + len - 2, "_t")) return true;
    while (letters && isdigit((unsigned char)name[letters - 1])) letters--;
    for (size_t i = 0; i < COUNT_OF(stem); i++) {
        if (strlen(stem[i]) == letters && !strncmp(name, stem[i], letters)) return true;
    }
    return false;
}

/* Whether OpenCL C may define a macro or function of such a name: M_PI, get_global_id. */
static bool is_macro(const char *name) {
    static const char *const stem[] = {
        "M_",       "FLT_",   "DBL_",  "HALF_",  "INT_",  "UINT_",  "CHAR_", "SCHAR_", "UCHAR_",
        "SHRT_",    "USHRT_", "LONG_", "ULONG_", "FP_",   "CL",     "HUGE_", "MAX",    "get_",
        "convert_", "as_",    "__",    "atom",   "vload", "vstore", "mma_",  "wgmma_"};
    for (size_t i = 0; i < COUNT_OF(stem); i++) {
        if (!strncmp(name, stem[i], strlen(stem[i]))) return true;
    }
    return false;
}

void cl_names_reserve(Names *taken) {
    for (size_t i = 0; i < COUNT_OF(reserved); i++) names_str(taken, reserved[i]);
    for (int i = 0; i < OP_COUNT; i++) { /* functions that a kernel may call */
        if (op_info[i].cl && strstr(op_info[i].cl, op_info[i].name))
            names_str(taken, op_info[i].name);
    }
}

bool cl_name_is_taken(const char *name) {
    return is_helper(name) || is_type(name) || is_macro(name);
}

const char *cl_memory_type(DType t) {
    static const char *const name[DT_ALL] = {"float",  "int",   "uchar", "ushort",
                                             "ushort", "uchar", "float"};
    return name[t];
}

/* lower_habit: what people write who come from other languages, and what it is here; and what the
 * language is meant to have but has not yet: two tables, by name. A warning, where a loss of logits
 * is given probabilities; and help where a value is missing. */
#include "lower.h"

#define LOWER_CROSS_ENTROPY                                                                        \
    "`mean(cross_entropy(logits, y))` takes the logits, without softmax, and whole labels"

static const struct {
    const char *name, *help;
} habits[] = {
    {"transpose", "a transpose is written `x'`; `permute(x, axes...)` orders all axes"},
    {"matmul", "a matrix product is written `a @ b`"},
    {"mm", "a matrix product is written `a @ b`"},
    {"bmm", "a matrix product is written `a @ b`"},
    {"linear", "`dense(x, units)` makes weights and a bias"},
    {"Linear", "`dense(x, units)` makes weights and a bias"},
    {"sequential", "layers are bindings, one after the other: `h = relu(dense(x, 64))`"},
    {"Sequential", "layers are bindings, one after the other: `h = relu(dense(x, 64))`"},
    {"CrossEntropyLoss", LOWER_CROSS_ENTROPY},
    {"softmax_cross_entropy", LOWER_CROSS_ENTROPY},
    {"sparse_categorical_crossentropy", LOWER_CROSS_ENTROPY},
    {"categorical_crossentropy", LOWER_CROSS_ENTROPY},
    {"nll_loss", LOWER_CROSS_ENTROPY},
    {"nll", LOWER_CROSS_ENTROPY},
    {"MSELoss", "write `mse(a, b)`"},
    {"mse_loss", "write `mse(a, b)`"},
    {"mean_squared_error", "write `mse(a, b)`"},
    {"rmse", "write `sqrt(mse(a, b))`"},
    {"L1Loss", "write `mae(a, b)`"},
    {"l1_loss", "write `mae(a, b)`"},
    {"mean_absolute_error", "write `mae(a, b)`"},
    {"bce", "write `binary_cross_entropy(logits, y)`"},
    {"BCELoss", "write `binary_cross_entropy(logits, y)`"},
    {"sigmoid_cross_entropy", "write `binary_cross_entropy(logits, y)`"},
    {"BatchNorm2d", "write `batch_norm(x)`"},
    {"BatchNorm1d", "write `batch_norm(x)`"},
    {"swish", "write `silu(x)`"},
    {"hardtanh", "write `clip(x, -1, 1)`"},
    {"clamp", "write `clip(x, low, high)`"},
    {"log_sigmoid", "write `-softplus(-x)`"},
    {"log1p", "write `log(1 + x)`"},
    {"absolute", "write `abs(x)`"},
    {"sqr", "write `square(x)`"},
    {"average", "write `mean(x)`"},
    {"any", "write `sum(condition) > 0`"},
    {"all", "write `sum(condition) == size(condition)`"},
    {"isnan", "write `x != x`"},
    {"numel", "write `size(x)`"},
    {"repeat", "`expand(x, sizes...)` repeats axes of size 1, and `concat(x, x)` puts x twice"},
    {"tile", "`expand(x, sizes...)` repeats axes of size 1, and `concat(x, x)` puts x twice"},
    {"split", "`x[a:b]` is a slice of the first axis, `x[:, a:b]` of the second"},
    {"chunk", "`x[a:b]` is a slice of the first axis, `x[:, a:b]` of the second"},
    {"flip", "`x[::-1]` is the other way round along the first axis"},
    {"roll", "write `concat(x[-n:], x[:-n])`"},
    {"diag", "write `einsum(\"ii->i\", x)`"},
    {"trace", "write `einsum(\"ii\", x)`"},
    {"global_avg_pool", "write `mean(x, axis = [2, 3])`"},
    {"empty", "write `zeros(shape...)`"},
    {"full_like", "write `zeros_like(x) + value`"},
    {"xavier", "write `glorot()`"},
    {"kaiming", "write `he()`"},
    {"stack", "`[a, b]` stacks on a new first axis"},
    {"cat", "write `concat(a, b, axis = 0)`"},
    {"concatenate", "write `concat(a, b, axis = 0)`"},
    {"hstack", "write `concat(a, b, axis = 1)`"},
    {"vstack", "write `concat(a, b, axis = 0)`"},
    {"print", "what is to be seen is an output: `entry look -> x`"},
    {"round", "`floor(x + 0.5)` rounds"},
    {"ceil", "write `-floor(-x)`"},
    {"std", "write `sqrt(mean(square(x - mean(x))))`"},
    {"var", "write `mean(square(x - mean(x)))`"},
    {"norm", "write `sqrt(sum(square(x)))`"},
    {"tan", "write `sin(x) / cos(x)`"},
    {"ln", "`log` is the natural logarithm"},
    {"log2", "write `log(x) / log(2)`"},
    {"log10", "write `log(x) / log(10)`"},
    {"power", "a power is written `x ** n`"},
    {"len", "sizes are `rows(x)`, `cols(x)` and `dim(x, axis)`"},
    {"shape", "sizes are `rows(x)`, `cols(x)` and `dim(x, axis)`"},
    {"ndim", "write `rank(x)`"},
    {"range", "`for t in 0..n { }` loops; `iota(n)` is 0 to n - 1 as a tensor"},
    {"arange", "`iota(n)` is 0 to n - 1"},
    {"array", "a literal is written `[1, 2, 3]`"},
    {"tensor", "a literal is written `[1, 2, 3]`"},
    {"eye", "write `where(iota(n) == expand_dims(iota(n), -1), 1, 0)`"},
    {"outer", "write `expand_dims(a, -1) * b`"},
    {"flatten", "write `reshape(x, rows(x), -1)`"},
    {"view", "write `reshape(x, sizes...)`"},
    {"squeeze", "`x[..., 0]` drops the last axis"},
    {"unsqueeze", "write `expand_dims(x, axis)`"},
    {"gather", "`x[index]` gathers along the first axis"},
    {"embedding", "`table[index]` gathers rows of a param"},
    {"float", "write `cast(x, f32)`"},
    {"int", "write `cast(x, i32)`"},
    {"astype", "write `cast(x, f32)`"},
    {"detach", "write `stop_gradient(x)`"},
    {"no_grad", "write `stop_gradient(x)`"},
    {"backward", "gradients are `grad(y, v)`, or taken by `minimize`"},
    {"random", "`random_uniform(shape...)` draws in each run; initial values are `param w : f32[3] "
               "~ uniform(0, 1)`"},
    {"rand", "`random_uniform(shape...)` draws in each run; initial values are `param w : f32[3] ~ "
             "uniform(0, 1)`"},
    {"random_normal",
     "`random_normal_like(x)` has the shape of x: `random_normal_like(zeros(8, 4))`"},
    {"randn", "`random_normal_like(x)` draws in each run; initial values are `param w : f32[3] ~ "
              "normal(0, 1)`"},
    {"batch", "write `const batch = 64`"},
    {"f64", "the types are " LOWER_TYPES},
    {"i64", "the types are " LOWER_TYPES},
    {"i8", "the types are " LOWER_TYPES},
    {"double", "the types are " LOWER_TYPES},
    {"float32", "the types are " LOWER_TYPES},
    {"float64", "the types are " LOWER_TYPES},
    {"int32", "the types are " LOWER_TYPES},
    {"max_pool2d", "write `max_pool(x, size)`"},
    {"avg_pool2d", "write `avg_pool(x, size)`"},
    {"topk", "`top_k_accuracy(logits, y, k)` counts; `argmax` finds the first"},
    {"top_k", "`top_k_accuracy(logits, y, k)` counts; `argmax` finds the first"},
    {"lstm", "`lstm_cell` is one step: a `scan` runs it over a sequence"},
    {"gru", "`gru_cell` is one step: a `scan` runs it over a sequence"},
    {"rnn", "`lstm_cell` and `gru_cell` are one step: a `scan` runs them over a sequence"},
    {"half", "write `f16`"},
    {"float16", "write `f16`"},
    {"bfloat16", "write `bf16`"},
    {"uint8", "write `u8`"},
    {"int64", "the types are " LOWER_TYPES},
};

static const char *const planned[] = {"conv3d", "sort", "argsort", "cumsum", "cumprod", "prod"};

const char *lower_habit(const char *name) {
    for (size_t i = 0; i < COUNT_OF(habits); i++)
        if (!strcmp(name, habits[i].name)) return habits[i].help;
    return NULL;
}

bool lower_planned(Lower *L, const char *name, Span at) {
    for (size_t i = 0; i < COUNT_OF(planned); i++) {
        if (strcmp(name, planned[i]) != 0) continue;
        lower_error(L, E0801, at, "`%s` is not supported yet", name);
        return true;
    }
    return false;
}

/* The expression that a name's value is of, at the top level; NULL: it was bound otherwise, or last in a block, a loop or
 * by a scan. */
static const Expr *bound_to(Lower *L, const char *name) {
    const Ast *ast = L->frame->module->ast;
    const Symbol *symbol = lower_find_symbol(L, name);
    for (uint32_t i = 0; symbol && i < ast->items.len; i++) {
        const Stmt *s = ast->items.at[i];
        if (s->kind != STMT_BIND || s->targets.len != 1) continue;
        const Span at = s->targets.at[0].span;
        if (at.file == symbol->span.file && at.begin == symbol->span.begin) return s->value;
    }
    return NULL;
}

/* Losses of logits, which take the probabilities themselves: given these, they take them twice, and learn badly. */
void lower_warn_habit(Lower *L, const Expr *call) {
    static const char *const losses[][2] = {{"cross_entropy", "softmax"},
                                            {"binary_cross_entropy", "sigmoid"}};
    const Ast *ast = L->frame->module->ast;
    for (size_t i = 0; i < COUNT_OF(losses); i++) {
        if (strcmp(call->name, losses[i][0]) != 0 || call->args.len == 0 || ast == L->prelude.ast)
            continue;
        const Arg *arg = &call->args.at[0];
        const Expr *given = arg->value, *made = given;
        if (arg->name && strcmp(arg->name, "logits") != 0) continue;
        if (given->kind == EXPR_NAME && L->frame->kind == FRAME_TOP)
            made = bound_to(L, given->name);
        if (!made || made->kind != EXPR_CALL || strcmp(made->name, losses[i][1]) != 0) continue;
        const Function *maker = lower_find_function(L, L->frame->module, made->name);
        if (!maker || !maker->prelude || lower_find_symbol(L, made->name))
            continue; /* one of the user's own */
        for (uint32_t k = 0; k < L->warned.len; k++)
            if (L->warned.at[k] == call) return;
        vec_push(L->arena, &L->warned, call);
        Diag *d = diag_warning(L->diags, W0102, given->span,
                               "`%s` takes logits, and these are probabilities", losses[i][0]);
        if (made != given) diag_span(L->diags, d, made->span, "made here");
        diag_help(L->diags, d, "leave `%s` out: it is a part of the loss", losses[i][1]);
    }
}

void lower_help_missing_value(Lower *L, Diag *d, const Value *v, const Expr *e) {
    const bool call = e && e->kind == EXPR_CALL;
    if (v->kind == VALUE_TUPLE)
        diag_help(L->diags, d, "name each of them: `a, b = %s`",
                  call ? arena_printf(L->arena, "%s(...)", e->name) : "...");
    if (v->kind == VALUE_FN || v->kind == VALUE_BUILTIN) diag_help(L->diags, d, "call it: `f(x)`");
    if (v->kind != VALUE_NONE) return;
    const Function *fn = call ? lower_find_function(L, L->frame->module, e->name) : NULL;
    if (fn && !fn->prelude)
        lower_point(L, d, fn->stmt->name.span, "`%s` returns nothing", fn->name);
    if (fn) diag_help(L->diags, d, "end the function with `return ...`");
}

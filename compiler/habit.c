/* habit: tables, by name; see habit.h. What the language has itself does not stand here. */
#include "habit.h"

#include <string.h>

#include "diag.h"
#include "ir.h"

typedef struct Habit {
    const char *name, *help;
} Habit;

static const Habit statements[] = {
    {"def", "a function is `fn name(x, y = 1) { return ... }`"},
    {"function", "a function is `fn name(x, y = 1) { return ... }`"},
    {"func", "a function is `fn name(x, y = 1) { return ... }`"},
    {"let", "a binding is `name = value`, without a keyword"},
    {"var", "a binding is `name = value`, without a keyword"},
    {"elif", "write `else if`"},
    {"elseif", "write `else if`"},
    {"while", "the loop is `for t in 0..n { }`, which is unrolled"},
    {"import",
     "what there is needs no import; a file of your own comes in by `include \"file.dlg\"`"},
    {"use", "what there is needs no import; a file of your own comes in by `include \"file.dlg\"`"},
    {"maximize", "to make a number larger, write `minimize -score by adam()`"},
    {"print", "what is to be seen is an output: `entry look -> x`"},
    {"float", "a type follows the name: `input x : f32[3]`"},
    {"int", "a type follows the name: `input x : i32[3]`"},
    {"f32", "a type follows the name: `input x : f32[3]`"},
    {"i32", "a type follows the name: `input x : i32[3]`"},
    {"tensor", "a type follows the name: `input x : f32[3]`"},
};

#define CROSS_ENTROPY                                                                              \
    "`mean(cross_entropy(logits, y))` takes the logits, without softmax, and whole labels"

static const Habit names[] = {
    {"transpose", "a transpose is written `x'`; `permute(x, axes...)` orders all axes"},
    {"matmul", "a matrix product is written `a @ b`"},
    {"mm", "a matrix product is written `a @ b`"},
    {"bmm", "a matrix product is written `a @ b`"},
    {"linear", "`dense(x, units)` makes weights and a bias"},
    {"Linear", "`dense(x, units)` makes weights and a bias"},
    {"sequential", "layers are bindings, one after the other: `h = relu(dense(x, 64))`"},
    {"Sequential", "layers are bindings, one after the other: `h = relu(dense(x, 64))`"},
    {"CrossEntropyLoss", CROSS_ENTROPY},
    {"softmax_cross_entropy", CROSS_ENTROPY},
    {"sparse_categorical_crossentropy", CROSS_ENTROPY},
    {"categorical_crossentropy", CROSS_ENTROPY},
    {"nll_loss", CROSS_ENTROPY},
    {"nll", CROSS_ENTROPY},
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
    {"Conv2d",
     "`conv(x, channels, size)` has filters of its own, for images [n, channels, height, width]"},
    {"Conv1d", "`conv1d(x, w)` takes filters: `param w : f32[out, channels, length] ~ he()`"},
    {"MaxPool2d", "write `max_pool(x, size)`"},
    {"AvgPool2d", "write `avg_pool(x, size)`"},
    {"adaptive_avg_pool2d", "`mean(x, axis = [2, 3])` is the mean of each channel"},
    {"AdaptiveAvgPool2d", "`mean(x, axis = [2, 3])` is the mean of each channel"},
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
    {"var", "write `mean(square(x - mean(x)))`"},
    {"ln", "`log` is the natural logarithm"},
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
    {"view", "write `reshape(x, sizes...)`"},
    {"squeeze", "`x[..., 0]` drops the last axis"},
    {"unsqueeze", "write `expand_dims(x, axis)`"},
    {"minimize", "write `minimize loss by adam()`, in the `{ }` of an entry"},
    {"None", "a new axis is `expand_dims(x, axis)`; what is left out is not written"},
    {"newaxis", "a new axis is `expand_dims(x, axis)`"},
    {"gather", "`x[index]` gathers along the first axis"},
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
    {"f64", "the types are " DTYPE_NAMES},
    {"i64", "the types are " DTYPE_NAMES},
    {"i8", "the types are " DTYPE_NAMES},
    {"double", "the types are " DTYPE_NAMES},
    {"float32", "the types are " DTYPE_NAMES},
    {"float64", "the types are " DTYPE_NAMES},
    {"int32", "the types are " DTYPE_NAMES},
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
    {"int64", "the types are " DTYPE_NAMES},
};

static const Habit strings[] = {
    {"same",
     "a number: filters of 3 keep the size of images with `pad = 1`, those of 5 with `pad = 2`"},
    {"valid", "leave it out: nothing is padded then"},
    {"relu", "functions are passed by their names, without quotes"},
    {"tanh", "functions are passed by their names, without quotes"},
    {"mean", "write `mean(...)` of what the function gives"},
    {"sum", "write `sum(...)` of what the function gives"},
    {"none", "leave it out: losses of rows are given row by row"},
};

#define BIAS                                                                                       \
    "a product without a bias is `x @ w`, of a param of yours: `param w : f32[n, m] ~ glorot()`"
#define INIT  "initial values stand behind a param of yours: `param w : f32[n, m] ~ he()`"
#define KNOWN "what comes in says it itself: leave it out"
#define CELL                                                                                       \
    "a cell is one step: a `scan` runs it over a sequence, and its `yield h` gives all of them"
#define TRAINS "what trains is known by the entry: leave it out"

/* Some names are several things: the first row counts whose argument the function takes; those of arguments that no function
 * has here, which are last, where nothing is near. */
static const struct {
    const char *name, *formal, *help; /* help NULL: did you mean the formal? */
} arguments[] = {
    {"betas", "beta1", "write `beta1 = 0.9, beta2 = 0.999`"},
    {"dim", "axis", NULL},
    {"dims", "axis", NULL},
    {"axes", "axis", NULL},
    {"keepdim", "keep", NULL},
    {"keepdims", "keep", NULL},
    {"keep_dims", "keep", NULL},
    {"padding", "pad", NULL},
    {"dilation_rate", "dilation", NULL},
    {"kernel_size", "size", NULL},
    {"kernel", "size", NULL},
    {"pool_size", "size", NULL},
    {"window", "size", NULL},
    {"window_size", "size", NULL},
    {"out_channels", "channels", NULL},
    {"filters", "channels", NULL},
    {"features", "channels", NULL},
    {"out_features", "channels", NULL},
    {"units", "channels", NULL},
    {"out_features", "units", NULL},
    {"features", "units", NULL},
    {"hidden_size", "units", NULL},
    {"num_units", "units", NULL},
    {"size", "units", NULL},
    {"width", "units", NULL},
    {"learning_rate", "lr", NULL},
    {"rate", "lr", NULL},
    {"step_size", "lr", NULL},
    {"rate", "p", NULL},
    {"prob", "p", NULL},
    {"drop", "p", NULL},
    {"drop_rate", "p", NULL},
    {"drop_prob", "p", NULL},
    {"weight_decay", "decay", NULL},
    {"wd", "decay", NULL},
    {"l2", "decay", NULL},
    {"rho", "decay", NULL},
    {"momentum", "mu", NULL},
    {"epsilon", "eps", NULL},
    {"variance_epsilon", "eps", NULL},
    {"max_norm", "clip_norm", NULL},
    {"grad_clip", "clip_norm", NULL},
    {"max_grad_norm", "clip_norm", NULL},
    {"global_clipnorm", "clip_norm", NULL},
    {"num_heads", "heads", NULL},
    {"n_heads", "heads", NULL},
    {"nhead", "heads", NULL},
    {"num_embeddings", "n", NULL},
    {"vocab_size", "n", NULL},
    {"vocab", "n", NULL},
    {"input_dim", "n", NULL},
    {"num_classes", "n", NULL},
    {"classes", "n", NULL},
    {"depth", "n", NULL},
    {"embedding_dim", "width", NULL},
    {"output_dim", "width", NULL},
    {"dim", "width", NULL},
    {"d_model", "width", NULL},
    {"num_groups", "groups", NULL},
    {"negative_slope", "slope", NULL},
    {"alpha", "slope", NULL},
    {"is_causal", "causal", NULL},
    {"use_causal_mask", "causal", NULL},
    {"min", "low", NULL},
    {"a_min", "low", NULL},
    {"min_value", "low", NULL},
    {"eta_min", "low", NULL},
    {"max", "high", NULL},
    {"a_max", "high", NULL},
    {"max_value", "high", NULL},
    {"scale_factor", "times", NULL},
    {"factor", "times", NULL},
    {"repeats", "times", NULL},
    {"warmup_steps", "steps", NULL},
    {"total_steps", "steps", NULL},
    {"decay_steps", "steps", NULL},
    {"T_max", "steps", NULL},
    {"step_size", "steps", NULL},
    {"gamma", "rate", NULL},
    {"decay_rate", "rate", NULL},
    {"beta", "delta", NULL},
    {"input", "logits", NULL},
    {"pred", "logits", NULL},
    {"preds", "logits", NULL},
    {"predictions", "logits", NULL},
    {"y_pred", "logits", NULL},
    {"outputs", "logits", NULL},
    {"target", "y", NULL},
    {"targets", "y", NULL},
    {"labels", "y", NULL},
    {"label", "y", NULL},
    {"y_true", "y", NULL},
    {"input", "a", NULL},
    {"pred", "a", NULL},
    {"y_pred", "a", NULL},
    {"target", "b", NULL},
    {"labels", "b", NULL},
    {"y_true", "b", NULL},
    {"input", "idx", NULL},
    {"ids", "idx", NULL},
    {"indices", "idx", NULL},
    {"indices", "index", NULL},
    {"ids", "index", NULL},
    {"input", "x", NULL},
    {"inputs", "x", NULL},
    {"tensor", "x", NULL},
    {"weight", "w", NULL},
    {"weights", "w", NULL},
    {"kernel", "w", NULL},
    {"filters", "w", NULL},
    {"top_k", "k", NULL},
    {"activation", NULL, "an activation is a function that is called: `relu(dense(x, 64))`"},
    {"bias", NULL, BIAS},
    {"use_bias", NULL, BIAS},
    {"in_features", NULL, KNOWN},
    {"in_channels", NULL, KNOWN},
    {"input_size", NULL, KNOWN},
    {"input_shape", NULL, KNOWN},
    {"num_features", NULL, KNOWN},
    {"normalized_shape", NULL, KNOWN},
    {"from_logits", NULL, "losses take logits: leave it out"},
    {"kernel_initializer", NULL, INIT},
    {"initializer", NULL, INIT},
    {"init", NULL, INIT},
    {"reduction", NULL,
     "`mean(...)` or `sum(...)` of what a loss gives for each row: `mean(cross_entropy(logits, "
     "y))`"},
    {"label_smoothing", NULL, "labels may be probabilities: `0.9 * one_hot(y, c) + 0.1 / c`"},
    {"weight", NULL, "a factor of each row: `mean(cross_entropy(logits, y) * weight)`"},
    {"ignore_index", NULL,
     "rows are left out by a factor of 0: `mean(where(y < 0, 0, cross_entropy(logits, maximum(y, "
     "0))))`"},
    {"momentum", NULL, "`momentum(lr = 0.01, mu = 0.9)` is an optimizer of its own"},
    {"nesterov", NULL, "`nesterov(lr = 0.01, mu = 0.9)` is an optimizer of its own"},
    {"training", NULL, TRAINS},
    {"train", NULL, TRAINS},
    {"inplace", NULL, "no value ever changes: leave it out"},
    {"name", NULL, "a param has the name of its binding: `h = dense(x, 64)` makes h.w and h.b"},
    {"device", NULL, "a device is chosen when the program runs: `dlg train --device`"},
    {"dtype", NULL, "write `cast(x, f16)`"},
    {"data_format", NULL,
     "images are [n, channels, height, width]: of [n, height, width, channels], `permute(x, 0, 3, "
     "1, 2)`"},
    {"batch_first", NULL, "in a loop over time, of xs[samples, time, width], write `xs[:, t]`"},
    {"num_layers", NULL, CELL},
    {"bidirectional", NULL, CELL},
    {"return_sequences", NULL, CELL},
    {"mask", NULL,
     "write `softmax(where(mask, scores, -inf)) @ v`; `causal = true` hides what comes later"},
    {"attn_mask", NULL,
     "write `softmax(where(mask, scores, -inf)) @ v`; `causal = true` hides what comes later"},
    {"dropout", NULL, "write `dropout(x, 0.1)` of what it gives"},
};

static const char *find(const Habit *habits, size_t count, const char *name) {
    for (size_t i = 0; name && i < count; i++)
        if (!strcmp(name, habits[i].name)) return habits[i].help;
    return NULL;
}

const char *habit_statement(const char *word) {
    return find(statements, COUNT_OF(statements), word);
}

const char *habit_string(const char *text) {
    return find(strings, COUNT_OF(strings), text);
}

const char *habit_name(const char *name) {
    return find(names, COUNT_OF(names), name);
}

const char *habit_type(const char *name) {
    static const Habit types[] = {
        {"float", "f32"}, {"float32", "f32"}, {"double", "f32"},    {"float64", "f32"},
        {"f64", "f32"},   {"int", "i32"},     {"int32", "i32"},     {"long", "i32"},
        {"int64", "i32"}, {"i64", "i32"},     {"half", "f16"},      {"float16", "f16"},
        {"byte", "u8"},   {"uint8", "u8"},    {"bfloat16", "bf16"}, {"boolean", "bool"}};
    return find(types, COUNT_OF(types), name);
}

static bool takes(const char *const *formals, size_t count, const char *formal) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(formals[i], formal)) return true;
    return false;
}

const char *habit_argument(Arena *arena, const char *name, const char *const *formals,
                           size_t count) {
    const char *near = NULL, *other = NULL;
    for (size_t i = 0; i < COUNT_OF(arguments) && !near; i++) {
        if (strcmp(name, arguments[i].name) != 0) continue;
        if (!arguments[i].formal) {
            other = arguments[i].help;
        } else if (takes(formals, count, arguments[i].formal)) {
            if (arguments[i].help) return arguments[i].help;
            near = arguments[i].formal;
        }
    }
    if (!near) near = diag_nearest(arena, name, formals, count);
    return near ? arena_printf(arena, "did you mean `%s`?", near) : other;
}

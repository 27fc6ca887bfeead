#!/usr/bin/env python3
"""Makes values.dlg and optimizers.dlg: what functions of the prelude give, computed by others.

Run once with JAX 0.10, optax 0.2.8 and NumPy, in double precision: `python3 make_known.py`. The project itself does
not need Python: the files that this writes are part of it.
"""
import jax

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax, nn

rng = np.random.default_rng(20261124)


def f32(*shape, low=-2.0, high=2.0):
    return np.float32(rng.uniform(low, high, shape)).astype(np.float64)


def text(x):
    x = np.asarray(x)
    if x.ndim:
        return "[" + ", ".join(text(y) for y in x) + "]"
    if x.dtype.kind in "iub":
        return str(int(x))
    s = f"{float(x):.9g}"
    return s if "." in s or "e" in s or "n" in s else s + ".0"


lines = []
declared = set()


def give(name, x):
    """A tensor that the program starts with."""
    if name in declared:
        return
    declared.add(name)
    x = np.asarray(x)
    kind = "i32" if x.dtype.kind in "iub" else "f32"
    shape = "[" + ", ".join(map(str, x.shape)) + "]" if x.ndim else ""
    lines.append(f"state {name} : {kind}{shape} = {text(x)}")


def want(name, x):
    give("want_" + name, x)


# What is put in.
x = f32(5, 7)
z = f32(5, 7)
pos = f32(5, 7, low=0.1, high=3)
y = rng.integers(0, 7, 5)
y2 = rng.integers(0, 2, (5, 7)).astype(np.float64)
images = f32(2, 3, 6, 5)
filters = f32(4, 3, 3, 2)
seq = f32(2, 3, 9)
filters1 = f32(4, 3, 3)
tokens = f32(2, 5, 6)
h = f32(5, 4)
c = f32(5, 4)
index = np.array([0, 3, 1, 3, 5])
for name in "x z pos y y2 images filters seq filters1 tokens h c index".split():
    give(name, globals()[name])

# Elementwise and activations, with gradients of their weighted sum.
weights = f32(5, 7, low=0.5, high=1.5)
give("weights", weights)
smooth = {
    "square": jnp.square, "expm1": jnp.expm1, "sinh": jnp.sinh, "cosh": jnp.cosh, "tan": lambda v: jnp.tan(v * 0.5),
    "exp2": jnp.exp2, "sigmoid": nn.sigmoid, "relu": nn.relu, "leaky_relu": lambda v: nn.leaky_relu(v, 0.01),
    "elu": nn.elu, "gelu": lambda v: nn.gelu(v, approximate=False), "gelu_tanh": lambda v: nn.gelu(v, approximate=True),
    "silu": nn.silu, "softplus": nn.softplus, "mish": nn.mish, "softsign": nn.soft_sign, "selu": nn.selu,
    "softmax": lambda v: nn.softmax(v, axis=-1), "log_softmax": lambda v: nn.log_softmax(v, axis=-1), "abs": jnp.abs,
}
for name, f in smooth.items():
    want(name, f(x))
    want("d_" + name, jax.grad(lambda v: jnp.sum(f(v) * weights))(x))
want("log2", jnp.log2(pos))
want("sign", jnp.sign(x))
want("clip", jnp.clip(x, -0.5, 1))
want("ceil", jnp.ceil(x))
want("round", jnp.floor(x + 0.5))
want("logsumexp", nn.logsumexp(x, axis=-1))
want("variance", jnp.var(x, axis=-1))
want("std", jnp.std(x, axis=0))
want("norm", jnp.linalg.norm(x))
want("argmin", jnp.argmin(x, axis=-1))
want("one_hot", nn.one_hot(y, 7))
want("tril", jnp.tril(x))
want("triu", jnp.triu(x))
want("outer", jnp.outer(x[0], x[1]))
want("linspace", jnp.linspace(-1, 2, 7))
want("flatten", images.reshape(2, -1))

# Losses and metrics, with the gradient by their first argument.
labels_hot = nn.one_hot(y, 7)
target_p = nn.softmax(z, axis=-1)
losses = {
    "cross_entropy": lambda v: optax.softmax_cross_entropy_with_integer_labels(v, y),
    "soft_cross_entropy": lambda v: optax.softmax_cross_entropy(v, target_p),
    "mse": lambda v: jnp.mean(optax.squared_error(v, z)),
    "mae": lambda v: jnp.mean(jnp.abs(v - z)),
    "huber": lambda v: jnp.mean(optax.huber_loss(v, z, delta=0.7)),
    "binary_cross_entropy": lambda v: jnp.mean(optax.sigmoid_binary_cross_entropy(v, y2)),
    "kl_divergence": lambda v: optax.kl_divergence(nn.log_softmax(v, axis=-1), target_p),
    "cosine_similarity": lambda v: optax.cosine_similarity(v, z),
}
for name, f in losses.items():
    want(name, f(x))
    want("d_" + name, jax.grad(lambda v: jnp.sum(f(v)))(x))
want("accuracy", np.mean(np.argmax(x, -1) == y))
want("top_k_accuracy", np.mean([np.sum(x[i] > x[i, y[i]]) < 3 for i in range(5)]))
want("binary_accuracy", np.mean((x > 0) == (y2 > 0.5)))
want("r2", 1 - np.sum((x - z) ** 2) / np.sum((z - z.mean()) ** 2))

# Layers: their params are set before they run.
p = {
    "dense_w": f32(7, 3), "dense_b": f32(3), "ln_gain": f32(7), "ln_bias": f32(7), "rms_gain": f32(7),
    "bn_gain": f32(3), "bn_bias": f32(3), "wx": f32(7, 16), "wh": f32(4, 16), "lstm_b": f32(16), "gx": f32(7, 12),
    "gh": f32(4, 12), "gbx": f32(12), "gbh": f32(12), "conv_w": f32(4, 3, 3, 3), "conv_b": f32(4), "table": f32(6, 3),
    "qw": f32(6, 6), "qb": f32(6), "kw": f32(6, 6), "kb": f32(6), "vw": f32(6, 6), "vb": f32(6), "ow": f32(6, 6), "ob": f32(6),
}
for name, v in p.items():
    give("p_" + name, v)


def dense(v):
    return v @ p["dense_w"] + p["dense_b"]


def layer_norm(v):
    m, s = jnp.mean(v, -1, keepdims=True), jnp.var(v, -1, keepdims=True)
    return (v - m) / jnp.sqrt(s + 1e-5) * p["ln_gain"] + p["ln_bias"]


def rms_norm(v):
    return v / jnp.sqrt(jnp.mean(v * v, -1, keepdims=True) + 1e-5) * p["rms_gain"]


def batch_norm(v):
    m = jnp.mean(v, (0, 2, 3), keepdims=True)
    s = jnp.var(v, (0, 2, 3), keepdims=True)
    return (v - m) / jnp.sqrt(s + 1e-5) * p["bn_gain"].reshape(3, 1, 1) + p["bn_bias"].reshape(3, 1, 1)


def lstm(v):
    i, f, g, o = jnp.split(v @ p["wx"] + h @ p["wh"] + p["lstm_b"], 4, axis=-1)
    n = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
    return nn.sigmoid(o) * jnp.tanh(n), n


def gru(v):
    a = jnp.split(v @ p["gx"] + p["gbx"], 3, axis=-1)
    b = jnp.split(h @ p["gh"] + p["gbh"], 3, axis=-1)
    r, u = nn.sigmoid(a[0] + b[0]), nn.sigmoid(a[1] + b[1])
    n = jnp.tanh(a[2] + r * b[2])
    return (1 - u) * n + u * h


def attend(q, k, v, causal):
    # [n, t, d] -> jax wants [n, t, heads, d]
    one = lambda a: a[:, :, None, :]
    return nn.dot_product_attention(one(q), one(k), one(v), is_causal=causal, implementation="xla")[:, :, 0, :]


def multi_head(t):
    heads = lambda a: a.reshape(2, 5, 2, 3)
    q, k, v = (heads(t @ p[n + "w"] + p[n + "b"]) for n in "qkv")
    o = nn.dot_product_attention(q, k, v, is_causal=True, implementation="xla").reshape(2, 5, 6)
    return o @ p["ow"] + p["ob"]


def conv2d(v, w, stride=1, pad=0, dilation=1):
    return lax.conv_general_dilated(v, w, (stride, stride), [(pad, pad)] * 2, rhs_dilation=(dilation, dilation))


def conv1d(v, w, stride=1, pad=0, dilation=1):
    return lax.conv_general_dilated(v, w, (stride,), [(pad, pad)], rhs_dilation=(dilation,))


def max_pool(v, size, stride, pad, axes=2):
    return lax.reduce_window(v, -jnp.inf, lax.max, (1, 1) + (size,) * axes, (1, 1) + (stride,) * axes,
                             ((0, 0), (0, 0)) + ((pad, pad),) * axes)


def avg_pool(v, size, stride, pad, axes=2):
    total = lax.reduce_window(v, 0.0, lax.add, (1, 1) + (size,) * axes, (1, 1) + (stride,) * axes,
                              ((0, 0), (0, 0)) + ((pad, pad),) * axes)
    return total / size**axes


layers = {
    "dense": (dense, x), "layer_norm": (layer_norm, x), "rms_norm": (rms_norm, x), "batch_norm": (batch_norm, images),
    "lstm_h": (lambda v: lstm(v)[0], x), "lstm_c": (lambda v: lstm(v)[1], x), "gru_cell": (gru, x),
    "attention": (lambda v: attend(v, v * 0.5, v + 1, False), tokens),
    "causal_attention": (lambda v: attend(v, v * 0.5, v + 1, True), tokens),
    "multi_head_attention": (multi_head, tokens),
    "conv2d": (lambda v: conv2d(v, filters), images),
    "conv2d_b": (lambda v: conv2d(v, filters, 2, 1, 1), images),
    "conv2d_c": (lambda v: conv2d(v, filters, 1, 2, 2), images),
    "conv1d": (lambda v: conv1d(v, filters1, 2, 1, 2), seq),
    "conv": (lambda v: conv2d(v, p["conv_w"], 1, 1) + p["conv_b"].reshape(4, 1, 1), images),
    "max_pool": (lambda v: max_pool(v, 2, 2, 0), images), "max_pool_b": (lambda v: max_pool(v, 3, 2, 1), images),
    "avg_pool": (lambda v: avg_pool(v, 2, 1, 1), images), "max_pool1d": (lambda v: max_pool(v, 3, 2, 0, 1), seq),
    "avg_pool1d": (lambda v: avg_pool(v, 2, 2, 0, 1), seq),
}


def weigh(layers):
    for name, (f, v) in layers.items():
        out = f(v)
        want(name, out)
        give("weigh_" + name, f32(*out.shape, low=0.5, high=1.5))
        w = np.array(eval(lines[-1].split(" = ", 1)[1]))
        want("d_" + name, jax.grad(lambda a: jnp.sum(jnp.sin(f(a)) * w))(v))


weigh(layers)
want("dw_conv2d", jax.grad(lambda w: jnp.sum(conv2d(images, w, 2, 1) ** 2))(filters))
want("dw_dense", jax.grad(lambda w: jnp.sum((x @ w + p["dense_b"]) ** 3))(p["dense_w"]))
want("dwh_lstm", jax.grad(lambda w: jnp.sum(jnp.tanh((lambda q: nn.sigmoid(q[1]) * c + nn.sigmoid(q[0]) * jnp.tanh(q[2]))(
    jnp.split(x @ p["wx"] + h @ w + p["lstm_b"], 4, axis=-1)))))(p["wh"]))
want("embedding", p["table"][index])
want("d_embedding", jax.grad(lambda t: jnp.sum(t[index] ** 3))(p["table"]))
want("scatter_add", jnp.zeros((6, 7)).at[index].add(x))
m, s = images.mean((0, 2, 3)), images.var((0, 2, 3), ddof=1)
want("running_mean", 0.1 * m)
want("running_variance", 0.9 + 0.1 * s)
want("batch_norm_later", (images - (0.1 * m).reshape(3, 1, 1)) / np.sqrt((0.9 + 0.1 * s).reshape(3, 1, 1) + 1e-5)
     * p["bn_gain"].reshape(3, 1, 1) + p["bn_bias"].reshape(3, 1, 1))
place, i = np.arange(5)[:, None], np.arange(6)
angle = place / 10000 ** (2 * (i // 2) / 6)
want("sinusoidal_positions", np.where(i % 2 == 0, np.sin(angle), np.cos(angle)))

# A Hessian-vector product of a small network.
w1, w2, direction = f32(7, 4), f32(4, 1), f32(7, 4)
give("w1", w1), give("w2", w2), give("direction", direction)
loss = lambda w: jnp.mean((jnp.tanh(x @ w) @ w2) ** 2)
want("hessian_vector", jax.jvp(jax.grad(loss), (w1,), (direction,))[1])
penalty = lambda w: jnp.mean((jnp.sqrt(jnp.sum(jax.grad(lambda v: jnp.sum(jnp.tanh(v @ w) @ w2))(x) ** 2, -1)) - 1) ** 2)
want("gradient_penalty", penalty(w1))
want("d_gradient_penalty", jax.grad(penalty)(w1))

# What came later has numbers of its own, so that those above stay.
before, rng = rng, np.random.default_rng(20261130)
later = f32(2, 4, 5, 3)
give("later", later)
filters_t = f32(4, 3, 3, 2)
give("filters_t", filters_t)
for name, v in {"gn_gain": f32(4), "gn_bias": f32(4), "ct_w": f32(4, 3, 3, 3), "ct_b": f32(3), "dw_w": f32(4, 1, 3, 3), "dw_b": f32(4)}.items():
    p[name] = v
    give("p_" + name, v)


def group_norm(v):
    split = v.reshape(2, 2, -1)
    m, s = jnp.mean(split, -1, keepdims=True), jnp.var(split, -1, keepdims=True)
    back = ((split - m) / jnp.sqrt(s + 1e-5)).reshape(v.shape)
    return back * p["gn_gain"].reshape(4, 1, 1) + p["gn_bias"].reshape(4, 1, 1)


def conv_transpose(v, w, stride=1, pad=0):
    sides = [(w.shape[2] - 1 - pad,) * 2, (w.shape[3] - 1 - pad,) * 2]
    return lax.conv_transpose(v, w, (stride, stride), sides, dimension_numbers=("NCHW", "OIHW", "NCHW"), transpose_kernel=True)


weigh({
    "group_norm": (group_norm, later),
    "conv_transpose2d": (lambda v: conv_transpose(v, filters_t), later),
    "conv_transpose2d_b": (lambda v: conv_transpose(v, filters_t, 2, 1), later),
    "conv_transpose": (lambda v: conv_transpose(v, p["ct_w"], 2, 1) + p["ct_b"].reshape(3, 1, 1), later),
    "depthwise_conv": (lambda v: lax.conv_general_dilated(v, p["dw_w"], (2, 2), [(1, 1)] * 2, feature_group_count=4)
                       + p["dw_b"].reshape(4, 1, 1), later),
    "upsample": (lambda v: jnp.repeat(jnp.repeat(v, 2, 2), 2, 3), later),
})

rng = np.random.default_rng(20261201)
filters_g = f32(6, 2, 3, 2)
give("filters_g", filters_g)
weigh({
    "conv2d_groups": (lambda v: lax.conv_general_dilated(v, filters_g, (2, 2), [(1, 1)] * 2, feature_group_count=2), later),
})
want("dw_conv2d_groups", jax.grad(lambda w: jnp.sum(jnp.sin(
    lax.conv_general_dilated(later, w, (2, 2), [(1, 1)] * 2, feature_group_count=2))))(filters_g))
rng = before

with open("values.dlg", "w") as file:
    file.write("# Made by make_known.py: what goes in, and what comes out by the computation of others.\n")
    file.write("\n".join(lines) + "\n")

# Optimizers: 5 steps on one function each.
lines, declared = [], set()
start, goal, curve = f32(3, 2), f32(3, 2), f32(3, 2, low=0.3, high=3)
give("start", start), give("goal", goal), give("curve", curve)
objective = lambda w: jnp.sum(curve * (w - goal) ** 2 + 0.1 * (w - goal) ** 4)


def run(tx):
    w = jnp.asarray(start)
    state = tx.init(w)
    for _ in range(5):
        update, state = tx.update(jax.grad(objective)(w), state, w)
        w = optax.apply_updates(w, update)
    return w


ways = {
    "sgd": optax.sgd(0.05),
    "sgd_decay": optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.05)),
    "momentum": optax.sgd(0.05, momentum=0.9),
    "nesterov": optax.sgd(0.05, momentum=0.9, nesterov=True),
    "adagrad": optax.chain(optax.scale_by_rss(initial_accumulator_value=0, eps=0), optax.scale(-0.3)),
    "rmsprop": optax.rmsprop(0.05, decay=0.9, eps=1e-8, eps_in_sqrt=False),
    "adam": optax.adam(0.1),
    "adamw": optax.adamw(0.1, weight_decay=0.01),
    "clip_norm": optax.chain(optax.clip_by_global_norm(0.5), optax.adam(0.1)),
    "clip_value": optax.chain(optax.clip(0.3), optax.sgd(0.2)),
    "warmup": optax.sgd(lambda t: 0.05 * jnp.minimum(1, (t + 1) / 3)),
    "cosine_decay": optax.sgd(optax.cosine_decay_schedule(0.05, 4, 0.1)),
    "exponential_decay": optax.sgd(optax.exponential_decay(0.05, 2, 0.5)),
    "step_decay": optax.sgd(optax.exponential_decay(0.05, 2, 0.5, staircase=True)),
}
for name, tx in ways.items():
    want(name, run(tx))
with open("steps.dlg", "w") as file:
    file.write("# Made by make_known.py: where each optimizer is after 5 steps from `start`.\n")
    # Bindings, not states: a param may begin with them.
    file.write("\n".join(line.split(" ")[1] + " =" + line.split(" =", 1)[1] for line in lines) + "\n")

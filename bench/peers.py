"""peers.py NAME cpu|gpu THREADS: JAX, PyTorch or tinygrad as a peer of dlg-bench (bench/peers.c says how they talk).

Each peer computes what the models of bench/models say, in the way that its own users would write it: jitted, with its
own functions, parameters updated in place of the old ones, nothing read back between steps. The inputs are those of
util.c, number by number; the weights are random, from the same distributions.
"""
import json
import math
import os
import resource
import sys
import time

NAME, DEVICE, THREADS = sys.argv[1], sys.argv[2], int(sys.argv[3])
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(THREADS)
os.environ.pop("OPENBLAS_CORETYPE", None)

# Whatever a library prints must not go between the answers.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(**line):
    ANSWERS.write(json.dumps(line) + "\n")
    ANSWERS.flush()


try:
    import numpy as np
except ImportError as error:
    say(error=f"not installed: {error}")
    sys.exit(0)


def input_bits(name, count):
    salt = 2166136261
    for c in name.encode():
        salt = ((salt ^ c) * 16777619) & 0xFFFFFFFF
    h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(salt)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def floats(name, *shape):
    bits = input_bits(name, math.prod(shape)) >> np.uint32(8)
    return (bits.astype(np.float32) / np.float32(16777216) - np.float32(0.5)).reshape(shape)


def ints(name, classes, *shape):
    return ((input_bits(name, math.prod(shape)) >> np.uint32(8)) % np.uint32(classes)).astype(np.int32).reshape(shape)


def result_check(values):
    """A number that tells results apart; it copies them to the host, outside of what is timed."""
    values = values.cpu() if hasattr(values, "cpu") else values
    values = values.numpy() if hasattr(values, "numpy") else values
    values = np.abs(np.asarray(values, dtype=np.float64).ravel())
    return float((values * (1 + np.arange(values.size) % 7)).sum())


RANDOM = np.random.default_rng(0)


def glorot(rows, columns):
    limit = math.sqrt(6 / (rows + columns))
    return RANDOM.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def he(*shape):
    return (RANDOM.standard_normal(shape) * math.sqrt(2 / math.prod(shape[1:]))).astype(np.float32)


def zeros(*shape):
    return np.zeros(shape, np.float32)


def dense(*sizes):
    return [array for i, o in zip(sizes, sizes[1:]) for array in (glorot(i, o), zeros(o))]


def sizes_of(define, **defaults):
    return {**defaults, **define}


def inputs_of(model, d):
    """The arrays that a model reads, as numpy has them."""
    if model.startswith("product_"):
        s = sizes_of(d, M=512, N=512, K=512)
        a = (s["K"], s["M"]) if model == "product_tn" else (s["M"], s["K"])
        b = (s["N"], s["K"]) if model == "product_nt" else (s["K"], s["N"])
        return floats("a", *a), floats("b", *b)
    if model.startswith("chain"):
        n = d.get("n", 65536)
        return floats("x", n), floats("y", n)
    if model in ("softmax", "layer_norm", "norm_gelu", "row_sums", "column_sums"):
        return (floats("x", d["rows"], d["columns"]),)
    if model == "xor_mlp":
        return floats("x", 4, 2), floats("y", 4, 1)
    if model in ("mnist_mlp", "mnist_adam", "wide_mlp"):
        batch = d.get("batch", 512 if model == "wide_mlp" else 64)
        return floats("x", batch, 784), ints("y", 10, batch)
    if model == "charlstm":
        return ints("x", 65, d.get("batch", 32), 25), ints("y", 65, d.get("batch", 32), 25)
    if model == "lenet":
        return floats("x", 64, 1, 28, 28), ints("y", 10, 64)
    if model == "gpt_small":
        return (ints("s", 65, 8, 129),)
    raise NotImplementedError(f"it does not have the model {model}")


def params_of(model):
    """The values that training starts from."""
    if model == "xor_mlp":
        return dense(2, 8, 1)
    if model in ("mnist_mlp", "mnist_adam"):
        return dense(784, 300, 10)
    if model == "wide_mlp":
        return dense(784, 2048, 2048, 10)
    if model == "charlstm":
        return [glorot(65, 800), glorot(200, 800), zeros(800), glorot(200, 800), glorot(200, 800), zeros(800),
                *dense(200, 65)]
    if model == "lenet":
        return [he(20, 1, 5, 5), zeros(20), he(50, 20, 5, 5), zeros(50), *dense(800, 500, 10)]
    if model == "gpt_small":
        normal = lambda *shape: (RANDOM.standard_normal(shape) * 0.02).astype(np.float32)
        params = [normal(128, 256), normal(65, 256)]
        for _ in range(4):
            params += [np.ones(256, np.float32), zeros(256), *dense(256, 256), *dense(256, 256), *dense(256, 256),
                       *dense(256, 256), np.ones(256, np.float32), zeros(256), *dense(256, 1024), *dense(1024, 256)]
        return params + [np.ones(256, np.float32), zeros(256), *dense(256, 65)]
    raise NotImplementedError(f"it does not train the model {model}")


RULES = {"xor_mlp": ("sgd", 0.1), "mnist_mlp": ("sgd", 0.1), "mnist_adam": ("adam", 1e-3), "wide_mlp": ("sgd", 0.01),
         "charlstm": ("rmsprop", 2e-3), "lenet": ("sgd", 0.01), "gpt_small": ("adam", 1e-3)}


class Jax:
    def __init__(self):
        if DEVICE == "cpu":
            os.environ["JAX_PLATFORMS"] = "cpu"
        import jax
        import jax.numpy as jnp
        self.jax, self.jnp = jax, jnp
        self.about = f"JAX {jax.__version__} on {jax.devices()[0].device_kind}, jitted; " + (
            "it takes the threads it finds" if DEVICE == "cpu" else "products in TF32, which is its default")

    def forward(self, model, x, y=None):
        jax, jnp = self.jax, self.jnp
        if model == "product_nn":
            return x @ y
        if model == "product_nt":
            return x @ y.T
        if model == "product_tn":
            return x.T @ y
        if model == "chain":
            return jnp.maximum(1.5 * x + y, 0) - 0.25 * x
        if model == "chain_math":
            return jnp.tanh(x) * jnp.exp(y) + jnp.log(1 + x * x)
        if model == "softmax":
            return jax.nn.softmax(x)
        if model == "row_sums":
            return x.sum(1)
        if model == "column_sums":
            return x.sum(0)
        normed = self.layer_norm(x, jnp.ones(x.shape[-1]), jnp.zeros(x.shape[-1]))
        return jax.nn.gelu(normed, approximate=False) if model == "norm_gelu" else normed

    def layer_norm(self, x, gain, bias):
        mean = x.mean(-1, keepdims=True)
        var = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) * self.jax.lax.rsqrt(var + 1e-5) * gain + bias

    def cross_entropy(self, logits, labels):
        logs = self.jax.nn.log_softmax(logits)
        return -self.jnp.take_along_axis(logs, labels[..., None], -1).mean()

    def loss(self, model, p, x, y=None):
        jax, jnp = self.jax, self.jnp
        if model == "xor_mlp":
            out = jax.nn.sigmoid(jnp.tanh(x @ p[0] + p[1]) @ p[2] + p[3])
            return ((out - y) ** 2).mean()
        if model in ("mnist_mlp", "mnist_adam", "wide_mlp"):
            for i in range(0, len(p) - 2, 2):
                x = jax.nn.relu(x @ p[i] + p[i + 1])
            return self.cross_entropy(x @ p[-2] + p[-1], y)
        if model == "charlstm":
            batch = x.shape[0]

            def layer(gates, wh):
                def cell(carry, g):
                    h, c = carry
                    i, f, m, o = jnp.split(g + h @ wh, 4, -1)
                    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(m)
                    h = jax.nn.sigmoid(o) * jnp.tanh(c)
                    return (h, c), h
                return jax.lax.scan(cell, (jnp.zeros((batch, 200)), jnp.zeros((batch, 200))), gates)[1]
            first = layer(p[0][x.T] + p[2], p[1])
            second = layer(first @ p[3] + p[5], p[4])
            return self.cross_entropy(second @ p[6] + p[7], y.T)
        if model == "lenet":
            def conv(x, w, b):
                return jax.nn.relu(jax.lax.conv(x, w, (1, 1), "VALID") + b[:, None, None])

            def pool(x):
                return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
            x = pool(conv(x, p[0], p[1]))
            x = pool(conv(x, p[2], p[3])).reshape(64, -1)
            x = jax.nn.relu(x @ p[4] + p[5])
            return self.cross_entropy(x @ p[6] + p[7], y)
        tokens, h = x[:, :-1], None
        h = p[1][tokens] + p[0]
        mask = jnp.tril(jnp.ones((128, 128), bool))
        heads = lambda z: z.reshape(8, 128, 4, 64).transpose(0, 2, 1, 3)
        for i in range(2, 2 + 16 * 4, 16):
            b = p[i:i + 16]
            a = self.layer_norm(h, b[0], b[1])
            q, k, v = (heads(a @ b[j] + b[j + 1]) for j in (2, 4, 6))
            scores = jnp.where(mask, q @ k.swapaxes(-1, -2) / 8, -jnp.inf)
            mixed = (jax.nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(8, 128, 256)
            h = h + mixed @ b[8] + b[9]
            n = self.layer_norm(h, b[10], b[11])
            h = h + jax.nn.gelu(n @ b[12] + b[13], approximate=False) @ b[14] + b[15]
        return self.cross_entropy(self.layer_norm(h, p[-4], p[-3]) @ p[-2] + p[-1], x[:, 1:])

    def step(self, model):
        jax, jnp = self.jax, self.jnp
        rule, rate = RULES[model]

        def step(state, *data):
            p, s, t = state
            loss, g = jax.value_and_grad(lambda q: self.loss(model, q, *data))(p)
            if rule == "sgd":
                p = [a - rate * b for a, b in zip(p, g)]
            elif rule == "rmsprop":
                s = [0.9 * a + 0.1 * b * b for a, b in zip(s, g)]
                p = [a - rate * b / (jnp.sqrt(c) + 1e-8) for a, b, c in zip(p, g, s)]
            else:
                m = [0.9 * a + 0.1 * b for a, b in zip(s[0], g)]
                v = [0.999 * a + 0.001 * b * b for a, b in zip(s[1], g)]
                m1, v1 = 1 - 0.9 ** (t + 1), 1 - 0.999 ** (t + 1)
                p = [a - rate * b / m1 / (jnp.sqrt(c / v1) + 1e-8) for a, b, c in zip(p, m, v)]
                s = (m, v)
            return (p, s, t + 1), loss
        return jax.jit(step, donate_argnums=0)

    def prepare(self, case):
        jax, jnp = self.jax, self.jnp
        model = case["model"]
        data = [jnp.asarray(a) for a in inputs_of(model, case["define"])]
        if case["entry"] == "run":
            f = jax.jit(lambda *a: self.forward(model, *a))

            def run(n):
                for _ in range(n):
                    out = f(*data)
                out.block_until_ready()
                return out
            return run
        step, start = self.step(model), params_of(model)

        def run(n):
            p = [jnp.asarray(a) for a in start]
            like = lambda: [jnp.zeros_like(a) for a in p]
            rule = RULES[model][0]
            state = (p, like() if rule == "rmsprop" else (like(), like()) if rule == "adam" else (), jnp.float32(0))
            jax.block_until_ready(state)
            yield
            first = None
            for _ in range(n):
                state, loss = step(state, *data)
                first = loss if first is None else first
            jax.block_until_ready(state)
            yield first
        return run


class Torch:
    def __init__(self):
        import torch
        self.torch = torch
        torch.set_num_threads(THREADS)
        self.device = "cuda" if DEVICE == "gpu" else "cpu"
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ImportError("this PyTorch sees no GPU")
        self.about = f"PyTorch {torch.__version__}, {self.device}, eager, {THREADS} threads"

    def wait(self):
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def forward(self, model, x, y=None):
        torch, F = self.torch, self.torch.nn.functional
        if model == "product_nn":
            return x @ y
        if model == "product_nt":
            return x @ y.T
        if model == "product_tn":
            return x.T @ y
        if model == "chain":
            return torch.relu(1.5 * x + y) - 0.25 * x
        if model == "chain_math":
            return torch.tanh(x) * torch.exp(y) + torch.log(1 + x * x)
        if model == "softmax":
            return torch.softmax(x, -1)
        if model == "row_sums":
            return x.sum(1)
        if model == "column_sums":
            return x.sum(0)
        normed = F.layer_norm(x, x.shape[-1:])
        return F.gelu(normed) if model == "norm_gelu" else normed

    def loss(self, model, p, x, y=None):
        torch, F = self.torch, self.torch.nn.functional
        if model == "xor_mlp":
            return F.mse_loss(torch.sigmoid(torch.tanh(x @ p[0] + p[1]) @ p[2] + p[3]), y)
        if model in ("mnist_mlp", "mnist_adam", "wide_mlp"):
            for i in range(0, len(p) - 2, 2):
                x = torch.relu(x @ p[i] + p[i + 1])
            return F.cross_entropy(x @ p[-2] + p[-1], y)
        if model == "charlstm":
            hs = self.lstm(F.one_hot(x.T, 65).float())[0]
            return F.cross_entropy((hs @ p[6] + p[7]).reshape(-1, 65), y.T.reshape(-1))
        if model == "lenet":
            x = F.max_pool2d(torch.relu(F.conv2d(x, p[0], p[1])), 2)
            x = F.max_pool2d(torch.relu(F.conv2d(x, p[2], p[3])), 2).flatten(1)
            x = torch.relu(x @ p[4] + p[5])
            return F.cross_entropy(x @ p[6] + p[7], y)
        h = F.embedding(x[:, :-1], p[1]) + p[0]
        heads = lambda z: z.reshape(8, 128, 4, 64).transpose(1, 2)
        for i in range(2, 2 + 16 * 4, 16):
            b = p[i:i + 16]
            a = F.layer_norm(h, (256,), b[0], b[1])
            q, k, v = (heads(a @ b[j] + b[j + 1]) for j in (2, 4, 6))
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(8, 128, 256)
            h = h + mixed @ b[8] + b[9]
            n = F.layer_norm(h, (256,), b[10], b[11])
            h = h + F.gelu(n @ b[12] + b[13]) @ b[14] + b[15]
        logits = F.layer_norm(h, (256,), p[-4], p[-3]) @ p[-2] + p[-1]
        return F.cross_entropy(logits.reshape(-1, 65), x[:, 1:].reshape(-1))

    def prepare(self, case):
        torch = self.torch
        model = case["model"]
        data = [torch.from_numpy(a).to(self.device) for a in inputs_of(model, case["define"])]
        if case["entry"] == "run":
            def run(n):
                with torch.inference_mode():
                    for _ in range(n):
                        out = self.forward(model, *data)
                self.wait()
                return out
            return run
        data = [a.long() if a.dtype == torch.int32 else a for a in data]
        start = params_of(model)
        rule, rate = RULES[model]

        def run(n):
            p = [torch.tensor(a, device=self.device, requires_grad=True) for a in start]
            trained = p
            if model == "charlstm":
                # Its own layers; their second bias is a further addition of a vector.
                self.lstm = torch.nn.LSTM(65, 200, 2).to(self.device)
                trained = list(self.lstm.parameters()) + p[6:]
            make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}[rule]
            optimizer = make(trained, lr=rate, **({"alpha": 0.9} if rule == "rmsprop" else {}))
            self.wait()
            yield
            first = None
            for _ in range(n):
                optimizer.zero_grad(set_to_none=True)
                loss = self.loss(model, p, *data)
                loss.backward()
                optimizer.step()
                first = loss.detach() if first is None else first
            self.wait()
            yield first.cpu()
        return run


class Tinygrad:
    def __init__(self):
        os.environ["DEV"] = os.environ["TINYGRAD_DEVICE"] = "CL"
        import tinygrad
        from importlib.metadata import version
        self.tg = tinygrad
        tinygrad.Tensor([1.0]).add(1).numpy()  # that there is a device shows only now
        self.about = f"tinygrad {version('tinygrad')}, {tinygrad.Device.DEFAULT}, TinyJit"

    def wait(self):
        self.tg.Device[self.tg.Device.DEFAULT].synchronize()

    def forward(self, model, x, y=None):
        if model == "product_nn":
            return x @ y
        if model == "product_nt":
            return x @ y.T
        if model == "product_tn":
            return x.T @ y
        if model == "chain":
            return (1.5 * x + y).relu() - 0.25 * x
        if model == "chain_math":
            return x.tanh() * y.exp() + (1 + x * x).log()
        if model == "softmax":
            return x.softmax(-1)
        if model == "row_sums":
            return x.sum(1)
        if model == "column_sums":
            return x.sum(0)
        normed = x.layernorm()
        return 0.5 * normed * (1 + (normed * math.sqrt(0.5)).erf()) if model == "norm_gelu" else normed

    def loss(self, model, p, x, y=None):
        Tensor = self.tg.Tensor
        if model == "xor_mlp":
            out = ((x @ p[0] + p[1]).tanh() @ p[2] + p[3]).sigmoid()
            return ((out - y) ** 2).mean()
        if model in ("mnist_mlp", "mnist_adam", "wide_mlp"):
            for i in range(0, len(p) - 2, 2):
                x = (x @ p[i] + p[i + 1]).relu()
            return (x @ p[-2] + p[-1]).sparse_categorical_crossentropy(y)
        if model == "charlstm":
            batch = x.shape[0]
            rows = [p[0][x[:, t]] for t in range(25)]
            for wx, wh, b in ((None, p[1], p[2]), (p[3], p[4], p[5])):
                h, c, out = Tensor.zeros(batch, 200), Tensor.zeros(batch, 200), []
                for row in rows:
                    g = (row if wx is None else row @ wx) + h @ wh + b
                    i, f, m, o = g.chunk(4, -1)
                    c = f.sigmoid() * c + i.sigmoid() * m.tanh()
                    h = o.sigmoid() * c.tanh()
                    out.append(h)
                rows = out
            logits = Tensor.stack(*rows, dim=1) @ p[6] + p[7]
            return logits.reshape(-1, 65).sparse_categorical_crossentropy(y.reshape(-1))
        if model == "lenet":
            x = x.conv2d(p[0], p[1]).relu().max_pool2d(2)
            x = x.conv2d(p[2], p[3]).relu().max_pool2d(2).flatten(1)
            x = (x @ p[4] + p[5]).relu()
            return (x @ p[6] + p[7]).sparse_categorical_crossentropy(y)
        h = p[1][x[:, :-1]] + p[0]
        heads = lambda z: z.reshape(8, 128, 4, 64).transpose(1, 2)
        norm = lambda z, gain, bias: z.layernorm() * gain + bias
        for i in range(2, 2 + 16 * 4, 16):
            b = p[i:i + 16]
            a = norm(h, b[0], b[1])
            q, k, v = (heads(a @ b[j] + b[j + 1]) for j in (2, 4, 6))
            mixed = q.scaled_dot_product_attention(k, v, is_causal=True).transpose(1, 2).reshape(8, 128, 256)
            h = h + mixed @ b[8] + b[9]
            n = norm(h, b[10], b[11]) @ b[12] + b[13]
            h = h + (0.5 * n * (1 + (n * math.sqrt(0.5)).erf())) @ b[14] + b[15]
        logits = norm(h, p[-4], p[-3]) @ p[-2] + p[-1]
        return logits.reshape(-1, 65).sparse_categorical_crossentropy(x[:, 1:].reshape(-1))

    def prepare(self, case):
        Tensor, TinyJit = self.tg.Tensor, self.tg.TinyJit
        model = case["model"]
        data = [Tensor(a).contiguous().realize() for a in inputs_of(model, case["define"])]
        if case["entry"] == "run":
            f = TinyJit(lambda: self.forward(model, *data).contiguous().realize())
            for _ in range(3):  # it is captured in the second call
                f()

            def run(n):
                for _ in range(n):
                    out = f()
                self.wait()
                return out
            return run
        start = params_of(model)
        rule, rate = RULES[model]
        kept = lambda value: Tensor(value).contiguous().realize()
        p = [kept(a) for a in start]
        states = [[kept(np.zeros_like(a)) for a in start] for _ in range({"sgd": 0, "rmsprop": 1, "adam": 2}[rule])]
        t = kept(zeros(1))

        def once():
            loss = self.loss(model, p, *data)
            g = loss.gradient(*p)
            changed = [loss]
            if rule == "adam":
                changed.append(t.assign(t + 1))
                m1, v1 = 1 - (t * math.log(0.9)).exp(), 1 - (t * math.log(0.999)).exp()
            for i, (a, b) in enumerate(zip(p, g)):
                if rule == "sgd":
                    change = rate * b
                elif rule == "rmsprop":
                    s = states[0][i]
                    s.assign(0.9 * s + 0.1 * b * b)
                    change = rate * b / (s.sqrt() + 1e-8)
                else:
                    m, v = states[0][i], states[1][i]
                    m.assign(0.9 * m + 0.1 * b)
                    v.assign(0.999 * v + 0.001 * b * b)
                    change = rate * (m / m1) / ((v / v1).sqrt() + 1e-8)
                a.assign(a - change)
                changed += [a, *(s[i] for s in states)]
            Tensor.realize(*changed)
            return loss
        step = TinyJit(once)
        first = float(step().item())
        for _ in range(2):
            step()

        def run(n):
            # The weights of the rounds before go on: a captured step is tied to its buffers.
            self.wait()
            yield
            for _ in range(n):
                step()
            self.wait()
            yield first
        return run


def cpu_seconds():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return use.ru_utime + use.ru_stime


def timed(run, n):
    """Seconds and CPU seconds of n runs, and what the first gave. Training prepares before its first yield."""
    steps = run(n) if case_trains else None
    if case_trains:
        next(steps)
    cpu, begin = cpu_seconds(), time.perf_counter()
    out = next(steps) if case_trains else run(n)
    return (time.perf_counter() - begin) / n, (cpu_seconds() - cpu) / n, out


PEERS = {"jax": Jax, "torch": Torch, "tinygrad": Tinygrad}
try:
    peer = PEERS[NAME]()
except Exception as error:  # whatever it is, this peer is not to be had here
    say(error=f"not to be had: {type(error).__name__}: {str(error)[:150]}")
    sys.exit(0)
say(about=peer.about)
run, case_trains = None, False
for line in sys.stdin:
    request = json.loads(line)
    try:
        if "runs" in request and run is None:
            say(skip="the case before was left out")
        elif "runs" in request:
            seconds, cpu, _ = timed(run, request["runs"])
            say(seconds=seconds, cpu=cpu)
        else:
            case_trains = request["entry"] != "run"
            run = None  # what the case before holds need not be there with what this one does
            run = peer.prepare(request)
            say(check=result_check(timed(run, 1)[2]))
    except Exception as error:  # told, and the case is left out
        say(skip=f"{type(error).__name__}: {str(error)[:120]}".replace("\n", " "))

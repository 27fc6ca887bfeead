#!/usr/bin/env python3
"""Makes what run.sh compares with: models of PyTorch, what they are given and what they return.

Run once with PyTorch 2.15, NumPy and safetensors, here: `DLG=../../build/dlg python3 make_torch.py`. For each model NAME.dlg
  NAME.torch.safetensors   weights that PyTorch made (at random, and moved by some steps of training)
  NAME.dlg.safetensors     weights that `dlg train` made
  NAME.npz                 x, and what PyTorch returns for it by these (torch) and by those (dlg)
and then holds what dlg returns against both. The project itself does not need Python: these files are part of it.
"""
import os
import subprocess

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from dlg_torch import from_dlg, to_dlg

TOKENS, T = 11, 9


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.logits = nn.Linear(8, 16), nn.Linear(16, 12), nn.Linear(12, 4)

    def forward(self, x):
        return self.logits(F.relu(self.second(torch.tanh(self.first(x)))))


class Convnet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.n1, self.c2 = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3, stride=2)
        self.out = nn.Linear(6, 4)

    def forward(self, x):
        p = F.max_pool2d(F.relu(self.n1(self.c1(x))), 2)
        return self.out(torch.flatten(F.relu(self.c2(p)), 1))


class LSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.logits = nn.Embedding(TOKENS, 8), nn.Linear(10, TOKENS)
        self.first, self.second = nn.LSTM(8, 10, batch_first=True), nn.LSTM(10, 10, batch_first=True)

    def forward(self, x):
        return self.logits(self.second(self.first(self.token(x))[0])[0])


class Layer(nn.Module):
    def __init__(self, width=16, heads=2):
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        n = self.first(x)
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        x = x + self.attention(n, n, n, attn_mask=mask, need_weights=False)[0]
        return x + self.narrow(F.gelu(self.wide(self.second(x))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(TOKENS, 16), nn.Embedding(T, 16)
        self.block = nn.ModuleList([Layer(), Layer()])
        self.last, self.logits = nn.LayerNorm(16), nn.Linear(16, TOKENS)

    def forward(self, x):
        h = self.token(x) + self.place(torch.arange(x.shape[1]))
        for layer in self.block:
            h = layer(h)
        return self.logits(self.last(h))


def tokens():
    return torch.randint(0, TOKENS, (5, T))


models = {
    "mlp": (MLP, {}, lambda: torch.randn(6, 8)),
    "convnet": (Convnet, {}, lambda: torch.randn(6, 1, 8, 8)),
    "lstm": (LSTM, {"first": "first.h", "second": "second.h"}, tokens),
    "transformer": (Transformer, {}, tokens),
}


def train(model, x):
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(40):
        y = model(x)
        (loss := F.cross_entropy(y.flatten(0, -2), torch.arange(y[..., 0].numel()) % y.shape[-1])).backward()
        optimizer.step()
        optimizer.zero_grad()


def predict(model, x):
    model.eval()
    with torch.no_grad():
        return model(x).numpy()


def dlg(*arguments):
    return subprocess.run([os.environ.get("DLG", "dlg"), *arguments], check=True, capture_output=True, text=True).stdout


for name, (make, names, given) in models.items():
    torch.manual_seed(20261129)
    x = given()
    model = make()
    train(model, x)
    save_file(to_dlg(model, names), f"{name}.torch.safetensors")
    mine = predict(model, x)
    np.save("x.npy", x.numpy().astype(np.float32 if x.is_floating_point() else np.int32))
    dlg("train", f"{name}.dlg", "--set", "x=x.npy", "--steps", "40", "--seed", "1", "--save", f"{name}.dlg.safetensors")
    other = make()
    from_dlg(other, load_file(f"{name}.dlg.safetensors"), names)
    theirs = predict(other, x)
    assert np.abs(mine - theirs).max() > 0.1
    np.savez(f"{name}.npz", x=np.load("x.npy"), torch=mine, dlg=theirs)
    for side, want in ("torch", mine), ("dlg", theirs):
        dlg("run", f"{name}.dlg", "--load", f"{name}.{side}.safetensors", "--set", "x=x.npy", "--get", "logits=y.npy")
        print(f"{name}: weights of {side}: {np.abs(np.load('y.npy') - want).max():.1e}")
for file in "x.npy", "y.npy":
    os.remove(file)

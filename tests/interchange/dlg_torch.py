"""Weights between PyTorch and dlg: the modules of a model by the names that a .dlg has for them."""
import re
import torch
from torch import nn


def pairs(model, names={}):
    """Yields names in dlg with views of the model's tensors as they lie in dlg. `names` says what a module is
    called in the .dlg where that is not its path, in which `block.0` is `block[0]`."""
    for path, m in model.named_modules():
        p = names.get(path, re.sub(r"\.(\d+)", r"[\1]", path))
        if isinstance(m, nn.Linear) and not path.endswith("out_proj"):
            yield p + ".w", m.weight.T
            yield p + ".b", m.bias
        elif isinstance(m, (nn.Conv1d, nn.Conv2d)):
            yield p + ".w", m.weight
            yield p + ".b", m.bias
        elif isinstance(m, nn.Embedding):
            yield p + ".table", m.weight
        elif isinstance(m, (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d)):
            yield p + ".gain", m.weight
            yield p + ".bias", m.bias
            if not isinstance(m, nn.LayerNorm):
                yield p + ".running_mean", m.running_mean
                yield p + ".running_variance", m.running_var
        elif isinstance(m, nn.LSTM):  # one layer; its second bias is 0
            yield p + ".wx", m.weight_ih_l0.T
            yield p + ".wh", m.weight_hh_l0.T
            yield p + ".b", m.bias_ih_l0
        elif isinstance(m, nn.MultiheadAttention):
            for name, w, b in zip("qkv", m.in_proj_weight.chunk(3), m.in_proj_bias.chunk(3)):
                yield f"{p}.{name}.w", w.T
                yield f"{p}.{name}.b", b
            yield p + ".out.w", m.out_proj.weight.T
            yield p + ".out.b", m.out_proj.bias


@torch.no_grad()
def to_dlg(model, names={}):
    """What safetensors.torch.save_file takes, and `dlg --load` then."""
    for m in model.modules():
        if isinstance(m, nn.LSTM):  # both biases are added: one is enough
            m.bias_ih_l0 += m.bias_hh_l0
            m.bias_hh_l0.zero_()
    return {name: view.clone(memory_format=torch.contiguous_format) for name, view in pairs(model, names)}


@torch.no_grad()
def from_dlg(model, tensors, names={}):
    """Sets the model's weights to those of safetensors.torch.load_file."""
    for m in model.modules():
        if isinstance(m, nn.LSTM):
            m.bias_hh_l0.zero_()
    left = dict(tensors)
    for name, view in pairs(model, names):
        view.copy_(left.pop(name))
    assert not left, f"the model has no {', '.join(left)}"

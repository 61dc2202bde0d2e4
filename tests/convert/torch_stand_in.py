"""As much of PyTorch as `from_torch` and `to_torch` meet, in NumPy.

The tests run on it, and on PyTorch itself where that is installed.
"""

import sys
from types import SimpleNamespace

import numpy as np


class Tensor:
    """An array that is to be asked as tensors are."""

    def __init__(self, array):
        self.array = np.asarray(array)
        self.dtype = self.array.dtype

    def detach(self):
        return self

    def cpu(self):
        return self

    def float(self):
        return Tensor(self.array.astype(np.float32))

    def numpy(self):
        return self.array

    def __array__(self, dtype=None, copy=None):
        return self.array


class Module:
    def __init__(self):
        self._forward_hooks, self._forward_pre_hooks = {}, {}

    def forward(self, x):
        raise NotImplementedError

    def __call__(self, x):
        return Tensor(self.forward(x.array if isinstance(x, Tensor) else x))

    def register_forward_pre_hook(self, hook):
        self._forward_pre_hooks[0] = hook

    def double(self):
        for name in ("weight", "bias"):
            tensor = vars(self).get(name)
            if tensor is not None:
                setattr(self, name, Tensor(tensor.array.astype(np.float64)))
        return self


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.modules = modules

    def named_children(self):
        return [(str(i), module) for i, module in enumerate(self.modules)]

    def __getitem__(self, index):
        return self.modules[index]

    def __len__(self):
        return len(self.modules)

    def forward(self, x):
        for module in self.modules:
            x = module.forward(x)
        return x


class Linear(Module):
    def __init__(self, n_in, n_out, bias=True):
        super().__init__()
        rng = np.random.default_rng(n_in + 10 * n_out)
        self.weight = Tensor(rng.normal(size=(n_out, n_in)).astype(np.float32))
        self.bias = Tensor(rng.normal(size=n_out).astype(np.float32)) if bias else None

    def forward(self, x):
        bias = 0 if self.bias is None else self.bias.array
        return x @ self.weight.array.T + bias


class BatchNorm1d(Module):
    def __init__(self, n, eps=1e-5, affine=True, track_running_stats=True):
        super().__init__()
        rng = np.random.default_rng(n)
        self.eps, self.weight, self.bias = eps, None, None
        self.running_mean = self.running_var = None
        if track_running_stats:
            self.running_mean = Tensor(rng.normal(size=n).astype(np.float32))
            self.running_var = Tensor(rng.uniform(0.5, 2, size=n).astype(np.float32))
        if affine:
            self.weight = Tensor(rng.normal(size=n).astype(np.float32))
            self.bias = Tensor(rng.normal(size=n).astype(np.float32))

    def forward(self, x):
        x = (x - self.running_mean.array) / np.sqrt(self.running_var.array + self.eps)
        return x if self.weight is None else x * self.weight.array + self.bias.array


class ReLU(Module):
    def forward(self, x):
        return np.maximum(x, 0)


class GELU(ReLU):
    def forward(self, x):
        return x


class Tanh(Module):
    def forward(self, x):
        return np.tanh(x)


class Sigmoid(Module):
    def forward(self, x):
        return 1 / (1 + np.exp(-x))


class Softmax(Module):
    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        x = np.exp(x - x.max(axis=self.dim, keepdims=True))
        return x / x.sum(axis=self.dim, keepdims=True)


class LogSoftmax(Softmax):
    def forward(self, x):
        return np.log(super().forward(x))


class Flatten(Module):
    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x):
        return x.reshape(len(x), -1)


class Dropout(Module):
    def forward(self, x):
        return x


class Identity(Dropout):
    def forward(self, x):
        return x


nn = SimpleNamespace(Parameter=lambda tensor: tensor)
for _name, _class in list(vars(sys.modules[__name__]).items()):
    if isinstance(_class, type) and issubclass(_class, Module):
        _class.__module__ = "torch.nn.modules.stand_in"
        setattr(nn, _name, _class)

from_numpy = Tensor

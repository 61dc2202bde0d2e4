"""Networks from modules of PyTorch, which need not be imported, and back."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .layers import Activation, Dense, normalization, to_estimator
from .network import network_behind

_ACTIVATIONS = {"ReLU": "relu", "Tanh": "tanh", "Sigmoid": "logistic"}

# Modules that change nothing when they predict.
_NOTHING = {"AlphaDropout", "Dropout", "Dropout1d", "FeatureAlphaDropout", "Identity"}

_READ = (
    "from_torch reads Sequential, Linear, ReLU, Tanh, Sigmoid, Softmax, LogSoftmax, "
    "BatchNorm1d, Dropout, Flatten and Identity, the last four as they predict."
)


def from_torch(module, *, classes=None):
    """Make a fitted scikit-learn network of a PyTorch module.

    Parameters
    ----------
    module : torch.nn.Module
        A layer, or a Sequential of layers and of further ones. It is read as it
        predicts, whether it is in training mode or not.

    classes : array-like of shape (n_classes,), "multilabel" or None, default=None
        What the outputs stand for, in the order of the outputs. An array makes a
        classifier, also of linear outputs (logits, as `CrossEntropyLoss` takes them);
        "multilabel" one in which each output is a label of its own. None makes a
        classifier of classes 0, 1, ... of a softmax or one sigmoid, of a set of labels
        of several sigmoids, and a regressor of linear outputs.

    Returns
    -------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Fitted. It predicts what the module does, and can be trained further. The
        columns of `predict_proba` are in the order of its `classes_`, which are
        sorted. A BatchNorm1d before the first layer becomes a StandardScaler in a
        Pipeline.

    Raises
    ------
    ValueError
        If a module has a `forward` of its own, hooks, or computes what no MLP of
        scikit-learn can. The message names it.

    TypeError
        If `module` is no module of PyTorch.

    See Also
    --------
    from_onnx : For modules with a `forward` of their own, after `torch.onnx.export`.
    to_torch : The compressed network as a module.

    Notes
    -----
    Rows are 2-d in scikit-learn: where the module begins with Flatten, they are
    ``X.reshape(len(X), -1)``.

    Examples
    --------
    >>> from skcoreset.convert import from_torch
    >>> from torch import nn  # doctest: +SKIP
    >>> module = nn.Sequential(
    ...     nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)
    ... )  # doctest: +SKIP
    >>> mlp = from_torch(module, classes=range(10))  # doctest: +SKIP
    """
    if "Module" not in (cls.__name__ for cls in _torch_types(module)):
        raise TypeError(
            f"module must be a torch.nn.Module; got {type(module).__name__}."
        )
    return to_estimator(list(_layers(module, "")), classes)


def _layers(module, path):
    """Layers of a module, which is at a path such as "0.3"."""
    name = _standard_name(module)
    where = f"Module {path!r} ({name})" if path else f"Module {name}"
    match name:
        case "Sequential":
            for child, each in module.named_children():
                yield from _layers(each, f"{path}.{child}" if path else child)
        case "Linear":
            coef = _array(module.weight).T
            bias = module.bias
            yield Dense(
                coef, np.zeros(len(coef.T)) if bias is None else _array(bias), where
            )
        case "BatchNorm1d":
            if module.running_mean is None:
                raise ValueError(
                    f"{where} has no running statistics: its predictions depend on the "
                    "other rows of a batch. Train it with track_running_stats=True."
                )
            mean, variance, gamma, beta = (
                None if tensor is None else _array(tensor)
                for tensor in (
                    module.running_mean,
                    module.running_var,
                    module.weight,
                    module.bias,
                )
            )
            yield normalization(mean, variance, module.eps, gamma, beta, where)
        case "Softmax" | "LogSoftmax" if module.dim in (None, 1, -1):
            yield Activation("softmax", where)
        case _ if name in _ACTIVATIONS:
            yield Activation(_ACTIVATIONS[name], where)
        case "Flatten" if (module.start_dim, module.end_dim) == (1, -1):
            pass
        case _ if name in _NOTHING:
            pass
        case _:
            raise ValueError(f"{where} is not read. {_READ}")


def _standard_name(module):
    """Name of the class of PyTorch that a module computes like."""
    cls, *_ = _torch_types(module)
    if type(module).forward is not cls.forward or cls.__name__ == "Module":
        raise ValueError(
            f"{type(module).__name__} has a forward of its own, which cannot be read: "
            "export it with torch.onnx.export(..., external_data=False), and use "
            "from_onnx; or pass the torch.nn.Sequential in it."
        )
    if any(vars(module).get(f"_forward_{kind}") for kind in ("hooks", "pre_hooks")):
        raise ValueError(
            f"{type(module).__name__} has hooks, as of pruning or weight_norm. Remove "
            "them, with torch.nn.utils.prune.remove or remove_weight_norm."
        )
    return cls.__name__


def _torch_types(module):
    """The classes of PyTorch itself that a module is of, the closest first."""
    return [
        cls
        for cls in type(module).__mro__
        if cls.__module__.startswith("torch.nn.modules.")
    ]


def _array(tensor):
    """A tensor as an array of float64, or of float32 where it is of less."""
    tensor = tensor.detach().cpu()
    if tensor.dtype.itemsize < np.dtype(np.float64).itemsize:
        tensor = tensor.float()
    return tensor.numpy()


def to_torch(estimator):
    """Make a PyTorch module of a fitted network.

    Parameters
    ----------
    estimator : CoresetCompressor, MLPClassifier, MLPRegressor or Pipeline
        Fitted. Linear scalers of a Pipeline become part of the first layer.

    Returns
    -------
    module : torch.nn.Sequential
        Of Linear layers and activations, in the precision of the network. Its output is
        that of `predict` of a regressor, in two dimensions, and that of `predict_proba`
        of a classifier; of two classes it is the probability of the second one. Leave
        out the last module, ``module[:-1]``, for logits.

    Raises
    ------
    ImportError
        If PyTorch is not installed.

    ValueError
        If a step of a Pipeline is no linear scaler, or the network is one of Poisson
        loss, whose exponential is no module of PyTorch.

    See Also
    --------
    from_torch : The other direction.

    Notes
    -----
    Weights that compression left out are zeros. Training the module makes edges of them
    again, unless :func:`torch.nn.utils.prune.custom_from_mask` holds them at zero.

    Examples
    --------
    >>> from skcoreset.convert import to_torch
    >>> module = to_torch(compressor)  # doctest: +SKIP
    """
    from torch import from_numpy, nn

    network = network_behind(estimator)
    activations = {name: getattr(nn, kind) for kind, name in _ACTIVATIONS.items()}
    hidden = activations.get(network.activation, nn.Identity)
    modules = []
    for coef, intercept in zip(network.coefs, network.intercepts):
        linear = nn.Linear(*coef.shape)
        linear.weight = nn.Parameter(from_numpy(coef.T.copy()))
        linear.bias = nn.Parameter(from_numpy(intercept.copy()))
        modules += [linear, hidden()]
    match network.out_activation:
        case "identity":
            modules[-1:] = []
        case "logistic":
            modules[-1] = nn.Sigmoid()
        case "softmax":
            modules[-1] = nn.Softmax(dim=1)
        case other:
            raise ValueError(f"The output is {other}, which is no module of PyTorch.")
    return nn.Sequential(*modules)

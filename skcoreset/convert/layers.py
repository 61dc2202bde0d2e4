"""The layers of a network, wherever it was trained, and the estimator they make."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.utils.multiclass import type_of_target

from .._network import ACTIVATIONS, OUT_ACTIVATIONS, Network
from .._wrapped.build import fitted_mlp, fitted_scaler

MULTILABEL = "multilabel"

# How messages name activations.
_NAMES = {"relu": "ReLU", "logistic": "sigmoid", "exp": "exponential"}

# What replaces a last activation that an MLP of scikit-learn cannot have.
_APPLIED_AFTERWARDS = {
    "tanh": "np.tanh(estimator.predict(X))",
    "relu": "np.maximum(estimator.predict(X), 0)",
}


@dataclass(frozen=True, eq=False)
class Dense:
    """A fully connected layer: `x @ coef + intercept`.

    Parameters
    ----------
    coef : ndarray of shape (n_in, n_out)

    intercept : ndarray of shape (n_out,)

    where : str
        Names the layer in messages.
    """

    coef: np.ndarray
    intercept: np.ndarray
    where: str


@dataclass(frozen=True, eq=False)
class Scale:
    """An affine map of each value by itself: `x * scale + shift`.

    Parameters
    ----------
    scale, shift : ndarrays of shape () or (n_values,)

    where : str
        Names the layer in messages.
    """

    scale: np.ndarray
    shift: np.ndarray
    where: str


@dataclass(frozen=True, eq=False)
class Activation:
    """An activation, by its name in ACTIVATIONS or OUT_ACTIVATIONS.

    Parameters
    ----------
    name : str

    where : str
        Names the layer in messages.
    """

    name: str
    where: str


def normalization(mean, variance, epsilon, gamma, beta, where):
    """Return batch normalization, as it predicts, as a Scale.

    Parameters
    ----------
    mean, variance : ndarrays of shape (n_values,)

    epsilon : float

    gamma, beta : ndarrays of shape (n_values,), or None for 1 and 0

    where : str
    """
    scale = 1 / np.sqrt(np.asarray(variance, float) + epsilon)
    if gamma is not None:
        scale = scale * gamma
    shift = -np.asarray(mean, float) * scale
    return Scale(scale, shift if beta is None else shift + beta, where)


@np.errstate(all="ignore")  # weights that are not finite are refused at the end
def to_estimator(layers, classes=None, take_memory=None):
    """Return the fitted estimator that layers make.

    Parameters
    ----------
    layers : list of Dense, Scale and Activation
        In the order in which rows go through them.

    classes : array-like of shape (n_classes,), "multilabel" or None
        What the outputs stand for, in their order. None takes it from the last
        activation.

    take_memory : callable, default=None
        Is told how many bytes are about to be taken, where that is more than the
        layers have; it may refuse. None accepts all.

    Returns
    -------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Of the precision of the layers; float32 where that is less.

    Raises
    ------
    ValueError
        If no MLP of scikit-learn computes the same.
    """
    dense = [layer.coef for layer in layers if isinstance(layer, Dense)]
    dtype = np.result_type(np.float32, *(coef.dtype for coef in dense))
    before, network = _assembled(layers, take_memory or (lambda n_bytes: None))
    network, classes = _as_decided(network, classes)
    scaler = None
    if before is not None:
        scaler, network = _scaler_and_rest(before, network)
    network = network.with_weights(
        [coef.astype(dtype, copy=False) for coef in network.coefs],
        [intercept.astype(dtype, copy=False) for intercept in network.intercepts],
    )
    for i, arrays in enumerate(zip(network.coefs, network.intercepts), start=1):
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError(
                f"Weights of layer {i} of {len(network.coefs)} are NaN or infinite in "
                f"{dtype}: the training has failed, or the file is damaged."
            )
    mlp = fitted_mlp(network, classes)
    return mlp if scaler is None else make_pipeline(scaler, mlp)


# Folding


def _assembled(layers, take_memory):
    """Fold affine maps: return the Scale before the first layer, if any, and a Network.

    Weights that nothing is folded into keep their bits.
    """
    dense, activations, pending, before = [], [], None, None
    for layer in layers:
        after_dense = dense and activations[-1] is None and pending is None
        if isinstance(layer, Dense):
            _check_shapes(layer, len(dense[-1].intercept) if dense else None)
            if pending is not None:
                pending = _sized(pending, len(layer.coef))
                if dense:
                    layer = _after(pending, layer)
                else:
                    before = pending
            dense.append(layer)
            activations.append(None)
            pending = None
        elif isinstance(layer, Scale):
            if after_dense:
                dense[-1] = _before(dense[-1], layer)
            else:
                pending = layer if pending is None else _composed(pending, layer)
        elif after_dense:
            activations[-1] = layer
        else:
            raise ValueError(
                f"{layer.where} does not follow a fully connected layer; an MLP of "
                "scikit-learn has one activation after each layer, and none before the "
                "first."
            )
    if not dense:
        raise ValueError("The network has no fully connected layer.")
    out = _out_activation(activations.pop(), pending)
    dense, activations = _merged(dense, activations, take_memory)
    network = Network(
        tuple(layer.coef for layer in dense),
        tuple(layer.intercept for layer in dense),
        _hidden_activation(activations),
        out,
    )
    return before, network


def _out_activation(activation, pending):
    """Name of the output activation, or an error where scikit-learn has none such."""
    if activation is None:
        return "identity"
    name = _NAMES.get(activation.name, activation.name)
    if activation.name not in OUT_ACTIVATIONS:
        afterwards = _APPLIED_AFTERWARDS[activation.name]
        raise ValueError(
            f"{activation.where} is the end of the network; the output of an MLP of "
            "scikit-learn is linear, sigmoid, softmax or exponential. Convert the "
            f"network without this {name}, and compute {afterwards}."
        )
    if pending is not None:
        raise ValueError(
            f"{pending.where} rescales the {name} output; an MLP of scikit-learn ends "
            "with its activation. Convert the network without this step, and rescale "
            "the predictions."
        )
    return activation.name


def _hidden_activation(activations):
    """Name of the activation that the hidden layers share."""
    if not activations or activations[0] is None:
        return "identity"
    first = activations[0]
    for activation in activations:
        if activation.name not in ACTIVATIONS:
            raise ValueError(
                f"{activation.where} is followed by further layers; hidden layers have "
                "ReLU, tanh, sigmoid or no activation."
            )
        if activation.name != first.name:
            raise ValueError(
                f"{first.where} and {activation.where} differ; all hidden layers of "
                "an MLP of scikit-learn have the same: train the network with one."
            )
    return first.name


def _merged(dense, activations, take_memory):
    """Multiply layers with no activation between, unless no layer has one."""
    if not any(activations):
        return dense, activations
    merged, kept = [dense[0]], []
    for activation, layer in zip(activations, dense[1:]):
        if activation is None:
            first = merged[-1]
            take_memory(8 * len(first.coef) * len(layer.intercept))
            coef = first.coef.astype(float) @ layer.coef
            intercept = first.intercept.astype(float) @ layer.coef + layer.intercept
            merged[-1] = Dense(coef, intercept, layer.where)
        else:
            merged.append(layer)
            kept.append(activation)
    return merged, kept


def _scaler_and_rest(before, network):
    """A StandardScaler, and the network with what no scaler does: signs and zeros.

    The mean is subtracted before anything is multiplied, as float32 needs it.
    """
    mean, scale = -before.shift / before.scale, np.abs(1 / before.scale)
    is_scaled = np.isfinite(mean) & np.isfinite(scale) & (scale > 0)
    rest = Scale(
        np.where(is_scaled, np.sign(before.scale), before.scale),
        np.where(is_scaled, 0, before.shift),
        before.where,
    )
    first = _after(rest, Dense(network.coefs[0], network.intercepts[0], before.where))
    network = network.with_weights(
        [first.coef, *network.coefs[1:]], [first.intercept, *network.intercepts[1:]]
    )
    scaler = fitted_scaler(np.where(is_scaled, mean, 0), np.where(is_scaled, scale, 1))
    return scaler, network


def _check_shapes(layer, n_in):
    shape, size = layer.coef.shape, layer.intercept.shape
    n_in = shape[0] if n_in is None else n_in
    if shape[0] != n_in or size != shape[1:] or 0 in shape:
        raise ValueError(
            f"{layer.where} has weights of shape {shape} and an intercept of shape "
            f"{size}; it takes {n_in} values, and no layer is empty."
        )


def _sized(scale, n_values):
    """The same affine map, with a scale and a shift for each value."""
    sizes = {np.size(scale.scale), np.size(scale.shift)} - {1}
    if sizes - {n_values}:
        raise ValueError(
            f"{scale.where} is for {max(sizes)} values, and is given {n_values}."
        )
    shape = (n_values,)
    return replace(
        scale,
        scale=np.broadcast_to(np.asarray(scale.scale, float), shape),
        shift=np.broadcast_to(np.asarray(scale.shift, float), shape),
    )


def _composed(first, second):
    parts = first.scale, first.shift, second.scale, second.shift
    n_values = max(map(np.size, parts))
    first, second = _sized(first, n_values), _sized(second, n_values)
    shift = first.shift * second.scale + second.shift
    return Scale(first.scale * second.scale, shift, second.where)


def _before(dense, scale):
    """A layer and the affine map of its outputs in one."""
    scale = _sized(scale, len(dense.intercept))
    intercept = dense.intercept * scale.scale + scale.shift
    return replace(dense, coef=dense.coef * scale.scale, intercept=intercept)


def _after(scale, dense):
    """An affine map and the layer that takes its outputs in one."""
    intercept = scale.shift @ dense.coef + dense.intercept
    return replace(dense, coef=scale.scale[:, None] * dense.coef, intercept=intercept)


# Classes


def _as_decided(network, classes):
    """Give the outputs the form that scikit-learn has; return the classes as well."""
    n_outputs, out = network.widths[-1], network.out_activation
    if classes is None and out in ("identity", "exp"):
        return network, None
    if out == "exp":
        raise ValueError(
            "The output is exponential: pass classes=None for a regressor."
        )
    if out == "softmax" and n_outputs == 1:
        raise ValueError("The output is a softmax of one value, which is always 1.")
    if classes is None and out == "logistic" and n_outputs > 1:
        classes = MULTILABEL
    if isinstance(classes, str):
        if classes != MULTILABEL:
            raise ValueError(
                f"classes={classes!r}; pass an array of the classes, 'multilabel' or "
                "None."
            )
        if out == "softmax" or n_outputs == 1:
            raise ValueError(
                "classes='multilabel' needs several outputs, linear or sigmoid; the "
                f"network has {n_outputs}, {out}."
            )
        return replace(network, out_activation="logistic"), np.arange(n_outputs)
    if out == "logistic" and n_outputs > 1:
        raise ValueError(
            f"The network has {n_outputs} sigmoid outputs, each a probability of its "
            "own: pass classes='multilabel', or convert it without the sigmoid for "
            "classes that exclude each other."
        )
    n_classes = max(n_outputs, 2)
    classes = np.arange(n_classes) if classes is None else _checked(classes, n_classes)
    order = np.argsort(classes)
    coef, intercept = network.coefs[-1], network.intercepts[-1]
    if n_outputs == 1:
        if order[0] == 1:
            coef, intercept = -coef, -intercept
    elif (order != np.arange(n_classes)).any():
        coef, intercept = coef[:, order], intercept[order]
    if n_outputs == 2:  # a softmax of two is a sigmoid of their difference
        coef, intercept = (
            np.subtract(array[..., 1:], array[..., :1], dtype=float)
            for array in (coef, intercept)
        )
    network = network.with_weights(
        [*network.coefs[:-1], coef], [*network.intercepts[:-1], intercept]
    )
    out = "logistic" if n_classes == 2 else "softmax"
    return replace(network, out_activation=out), classes[order]


def _checked(classes, n_classes):
    """Validate classes given by the user, or by a file."""
    classes = np.array(classes)
    if classes.shape != (n_classes,):
        raise ValueError(
            f"classes has shape {classes.shape}; the network tells {n_classes} classes "
            "apart: one for each output, or two where it has one output."
        )
    try:
        n_different = len(np.unique(classes))
        is_label = type_of_target(classes) in ("binary", "multiclass")
    except (TypeError, ValueError):  # they have no order, are missing or infinite
        is_label = False
    if not is_label or n_different < n_classes:
        raise ValueError(
            "classes has to hold labels of one type, numbers or strings, each once."
        )
    return classes

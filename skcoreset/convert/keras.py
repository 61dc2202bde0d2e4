"""Networks from models of Keras, which need not be imported."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .layers import Activation, Dense, Scale, normalization, to_estimator

# Activations of Keras, by the names of their functions; None changes nothing.
_ACTIVATIONS = {
    "exponential": "exp",
    "linear": None,
    "log_softmax": "softmax",
    "relu": "relu",
    "sigmoid": "logistic",
    "softmax": "softmax",
    "tanh": "tanh",
}

# Layers that change nothing when they predict.
_NOTHING = {
    *("ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout"),
    *("GaussianNoise", "Identity", "InputLayer"),
}

# Types whose computation is that of their layers.
_MODELS = ("Functional", "Model", "Sequential")

# Where the functions with these names are what they are called.
_PACKAGES = ("jax", "keras", "tensorflow", "tf_keras", "torch")

# Keras's own: the least standard deviation of Normalization.
_EPSILON = 1e-7

_READ = (
    "from_keras reads chains of Dense, Activation, ReLU, Softmax, BatchNormalization, "
    "Normalization, Rescaling, Flatten and dropout."
)


def from_keras(model, *, classes=None):
    """Make a fitted scikit-learn network of a Keras model.

    Parameters
    ----------
    model : keras.Sequential or keras.Model
        A chain of layers, of any backend of Keras 3 or of Keras 2. A model of the
        functional API has one input and one output.

    classes : array-like of shape (n_classes,), "multilabel" or None, default=None
        What the outputs stand for, in the order of the outputs. An array makes a
        classifier, also of linear outputs (logits, as ``from_logits=True`` takes them);
        "multilabel" one in which each output is a label of its own. None makes a
        classifier of classes 0, 1, ... of a softmax or one sigmoid, of a set of labels
        of several sigmoids, and a regressor of linear outputs.

    Returns
    -------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Fitted. It predicts what the model does, and can be trained further. The
        columns of `predict_proba` are in the order of its `classes_`, which are
        sorted. Normalization, Rescaling or BatchNormalization before the first Dense
        layer become a StandardScaler in a Pipeline.

    Raises
    ------
    ValueError
        If the model is no chain, or a layer computes what no MLP of scikit-learn can.
        The message names it.

    TypeError
        If `model` is no model of Keras.

    See Also
    --------
    from_onnx : For other models, after ``model.export("model.onnx", format="onnx")``.

    Notes
    -----
    Rows are 2-d in scikit-learn: where the model begins with Flatten, they are
    ``X.reshape(len(X), -1)``.

    Examples
    --------
    >>> from skcoreset.convert import from_keras
    >>> from keras import Sequential, layers  # doctest: +SKIP
    >>> model = Sequential(
    ...     [layers.Input((64,)), layers.Dense(32, "relu"), layers.Dense(10, "softmax")]
    ... )  # doctest: +SKIP
    >>> mlp = from_keras(model)  # doctest: +SKIP
    """
    if _keras_name(model) not in ("Functional", "Model", "Sequential"):
        raise TypeError(f"model must be a model of Keras; got {type(model).__name__}.")
    return to_estimator(list(_layers(model)), classes)


def _layers(layer):
    """Layers of a layer of Keras, or of a model."""
    name = _keras_name(layer)
    where = f"Layer {layer.name!r} ({type(layer).__name__})"
    match name:
        case "Functional" | "Sequential":
            if name == "Functional":
                _check_is_chain(layer, where)
            for each in layer.layers:
                yield from _layers(each)
        case "Model":
            raise ValueError(
                f"{where} has a call of its own, which cannot be read. Export it with "
                "model.export(path, format='onnx'), and use from_onnx."
            )
        case "Dense":
            yield _dense(layer, where)
            yield from _activation(layer.activation, where)
        case "Activation":
            yield from _activation(layer.activation, where)
        case "ReLU" if (layer.max_value, layer.negative_slope, layer.threshold) == (
            *(None, 0, 0),
        ):
            yield Activation("relu", where)
        case "Softmax" if layer.axis in (-1, 1):
            yield Activation("softmax", where)
        case "BatchNormalization":
            weights = iter(layer.get_weights())
            gamma, beta = (
                next(weights) if has else None for has in (layer.scale, layer.center)
            )
            yield normalization(*weights, layer.epsilon, gamma, beta, where)
        case "Normalization":
            yield _normalization(layer, where)
        case "Rescaling":
            yield Scale(*map(_array, (layer.scale, layer.offset)), where)
        case "Flatten" if layer.data_format != "channels_first":
            pass
        case _ if name in _NOTHING:
            pass
        case _:
            raise ValueError(f"{where} is not read. {_READ}")


def _keras_name(layer):
    """Name of the class of Keras that a layer computes like; None for other objects."""
    for cls in type(layer).__mro__:
        if cls.__module__.split(".")[0] in ("keras", "tf_keras"):
            is_changed = (
                cls.__name__ not in _MODELS and type(layer).call is not cls.call
            )
            return "Layer" if is_changed else cls.__name__
    return None


def _check_is_chain(model, where):
    """Refuse a model of the functional API that has branches."""
    ends = [layer.output for layer in model.layers]
    starts = [layer.input for layer in model.layers[1:]]
    is_chain = all(start is end for start, end in zip(starts, ends))
    if not is_chain or len(model.outputs) > 1 or model.outputs[0] is not ends[-1]:
        raise ValueError(
            f"{where} is no chain of layers from one input to one output; an MLP of "
            "scikit-learn has no branches and no layer twice. Train one without."
        )


def _dense(layer, where):
    weights = layer.get_weights()
    if not weights:
        raise ValueError(
            f"{where} has no weights yet: call the model, or give it an Input."
        )
    if len(weights) != 1 + layer.use_bias or weights[0].dtype.kind in "iu":
        raise ValueError(
            f"{where} is quantized or has LoRA weights: convert the model before it is "
            "quantized, or after they are merged."
        )
    coef, *intercepts = map(_array, weights)
    return Dense(coef, intercepts[0] if intercepts else np.zeros(len(coef.T)), where)


def _normalization(layer, where):
    if getattr(layer, "mean", None) is None:
        raise ValueError(f"{where} has not seen any rows: call its adapt first.")
    mean, scale = _array(layer.mean).ravel(), np.sqrt(_array(layer.variance)).ravel()
    if layer.invert:
        return Scale(scale, mean, where)
    scale = 1 / np.maximum(scale.astype(float), _EPSILON)
    return Scale(scale, -mean * scale, where)


def _activation(function, where):
    """The activation that a function of Keras is, if it is not linear."""
    name = getattr(function, "__name__", type(function).__name__)
    package = str(getattr(function, "__module__", "")).split(".")[0]
    if name not in _ACTIVATIONS or package not in _PACKAGES:
        raise ValueError(
            f"{where} has the activation {name}, and only ReLU, tanh, sigmoid, softmax "
            "and linear ones are read. Train the network with one of these."
        )
    if _ACTIVATIONS[name] is not None:
        yield Activation(_ACTIVATIONS[name], where)


def _array(values):
    """Weights as an array of float64, or of float32 where they are of less."""
    if hasattr(values, "detach"):  # of the PyTorch backend
        values = values.detach().cpu()
    array = np.asarray(values)
    return array.astype(np.float64 if array.dtype == np.float64 else np.float32)

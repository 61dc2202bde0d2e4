"""Models of ONNX with another network in them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import count

import numpy as np
from sklearn.base import is_classifier

from .._wrapped import is_multilabel, last_step
from .layers import Dense, to_estimator
from .network import network_behind
from .onnx import model_proto, output_of, tensors_of
from .operators import Rows
from .tensors import Memory

_OPERATORS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid"}


def into_onnx(estimator, model, *, classes=None, output=None):
    """Put a network into the ONNX model that :func:`from_onnx` has read.

    Parameters
    ----------
    estimator : CoresetCompressor, MLPClassifier, MLPRegressor or Pipeline
        Fitted. Linear scalers of a Pipeline become part of the first layer.

    model : str, path-like, bytes or onnx.ModelProto
        The model that the network comes from.

    classes : array-like of shape (n_classes,), "multilabel" or None, default=None
        As it was passed to :func:`from_onnx`.

    output : str, default=None
        As it was passed to :func:`from_onnx`.

    Returns
    -------
    model : onnx.ModelProto
        The same model but for the layers of the network: names, types and shapes of
        inputs and outputs, labels and what is computed behind the network stay. Save it
        with `onnx.save`.

    Raises
    ------
    ImportError
        If onnx is not installed.

    ValueError
        If the model cannot be read, or `estimator` does not take and predict the same.

    See Also
    --------
    from_onnx : The other direction.
    skcoreset.export.onnx.sparsify : Makes the file as small as the network is sparse.
    skcoreset.export.onnx.register_converter : For networks that do not come from ONNX.

    Examples
    --------
    >>> import numpy as np
    >>> from skl2onnx import to_onnx as of_sklearn
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.convert import from_onnx, into_onnx
    >>> X, y = load_digits(return_X_y=True)
    >>> X = (X / 16).astype(np.float32)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> model = of_sklearn(mlp, X[:1])
    >>> compressor = CoresetCompressor(from_onnx(model), density=0.2, random_state=0)
    >>> small = into_onnx(compressor.fit(X[900:]), model)
    >>> [each.name for each in small.graph.output]
    ['output_label', 'output_probability']
    """
    import onnx

    model = model_proto(model, None)
    small = onnx.ModelProto()
    small.CopyFrom(model)
    tensors = tensors_of(model, Memory(None))
    rows, labels = output_of(model, tensors, output)
    labels = labels if classes is None else classes
    layers = [each.layer for each in rows.chain[1:]]
    end = next(
        each
        for each in tensors.values()
        if isinstance(each, Rows) and each.is_same(rows.logits)
    )
    network = network_behind(estimator)
    _check_is_alike(estimator, to_estimator(layers, labels))
    n_outputs = [each for each in layers if isinstance(each, Dense)][-1].coef.shape[1]
    coef, intercept = _as_in_source(network, last_step(estimator), n_outputs, labels)
    network = network.with_weights(
        [*network.coefs[:-1], coef], [*network.intercepts[:-1], intercept]
    )
    network = _cast(network, end.dtype)
    _replace(small.graph, rows.chain[0], end, network)
    small.ir_version = max(small.ir_version, 4)  # initializers need be no inputs
    check_holds(small, network, output)
    return small


def _cast(network, dtype):
    """The network in the precision of the model."""
    for array in (*network.coefs, *network.intercepts):
        if not np.abs(array).max() <= np.finfo(dtype).max:
            raise ValueError(
                f"A weight of estimator is too large for {dtype}, which the model has."
            )
    return network.astype(dtype)


def _check_is_alike(estimator, original):
    """Refuse an estimator that takes or predicts something else than the original."""
    interfaces = [
        (
            is_classifier(each),
            last_step(each).out_activation_,
            each.n_features_in_,
            len(last_step(each).intercepts_[-1]),
            getattr(each, "classes_", np.empty(0)).tolist(),
        )
        for each in (estimator, original)
    ]
    if interfaces[0] != interfaces[1]:
        raise ValueError(
            "estimator does not take as many features and predict the same classes or "
            "values as the network of the model."
        )


def _as_in_source(network, mlp, n_outputs, labels):
    """Last layer in the form of the model: its order, and two outputs of a softmax."""
    coef, intercept = network.coefs[-1], network.intercepts[-1]
    n_classes = len(getattr(mlp, "classes_", ()))
    if n_classes < 2 or is_multilabel(mlp):
        return coef, intercept
    layer = np.vstack([coef, intercept])
    order = np.arange(n_classes)
    if labels is not None:
        order = np.searchsorted(mlp.classes_, labels)
    if n_classes == 2:  # the softmax of 0 and z is the sigmoid of z
        layer = np.column_stack([np.zeros(len(layer), layer.dtype), layer])
    layer = layer[:, order]
    if n_outputs == 1:
        layer = layer[:, 1:] - layer[:, :1]
    return layer[:-1], layer[-1]


def _replace(graph, start, end, network):
    """Let a network compute the tensor `end` of a graph, from `start` alone."""
    from onnx import helper, numpy_helper

    names = {name for node in graph.node for name in (*node.input, *node.output)}
    nodes, arrays, value = [], [], start.name

    def fresh(kind):
        candidates = (f"{kind}_{i}" for i in count(1))
        name = next(name for name in candidates if name not in names)
        names.add(name)
        return name

    def append(kind, *weights, **attributes):
        inputs = [value]
        for array in weights:
            arrays.append(numpy_helper.from_array(array, fresh("weights")))
            inputs.append(arrays[-1].name)
        output = fresh(kind)
        nodes.append(
            helper.make_node(kind, inputs, [output], name=output, **attributes)
        )
        return output

    if start.dtype != end.dtype:
        value = append("Cast", to=helper.np_dtype_to_tensor_dtype(end.dtype))
    if start.shape is None or len(start.shape) != 1:
        value = append("Flatten")
    for i, (coef, b) in enumerate(zip(network.coefs, network.intercepts)):
        if i > 0 and network.activation in _OPERATORS:
            value = append(_OPERATORS[network.activation])
        # every attribute is written, as some readers have no defaults
        value = append("Gemm", coef.T, b, alpha=1.0, beta=1.0, transA=0, transB=1)
    if len(end.shape) != 1:
        value = append("Reshape", np.array([-1, *end.shape]))
    nodes[-1].output[0] = end.name
    place = next(i for i, node in enumerate(graph.node) if end.name in node.output)
    nodes = [*graph.node[:place], *nodes, *graph.node[place + 1 :]]
    _keep(graph.node, _needed(nodes, graph.output))
    _drop_unused(graph)
    graph.initializer.extend(arrays)


def _drop_unused(graph):
    """Drop the weights that no node takes, and the types of tensors that are gone."""
    used = {each.name for each in graph.output}
    used.update(name for node in graph.node for name in _inputs(node))
    weights = {each.name for each in graph.initializer}
    _keep(
        graph.input, (t for t in graph.input if t.name in used or t.name not in weights)
    )
    _keep(graph.initializer, (t for t in graph.initializer if t.name in used))
    _keep(
        graph.sparse_initializer,
        (t for t in graph.sparse_initializer if t.values.name in used),
    )
    _keep(graph.value_info, (t for t in graph.value_info if t.name in used))


def _needed(nodes, outputs):
    """The nodes that outputs are computed by."""
    names, needed = {each.name for each in outputs}, []
    for node in reversed(nodes):
        if not names.isdisjoint(node.output):
            names.update(_inputs(node))
            needed.append(node)
    return needed[::-1]


def _inputs(node):
    """Names of what a node, and the graphs in it, take."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for each in graph.node:
                yield from _inputs(each)


def _keep(field, values):
    values = list(values)
    del field[:]
    field.extend(values)


def check_holds(model, network, output=None):
    """Raise an error unless the network that a model holds is this one."""
    rows, _ = output_of(model, tensors_of(model, Memory(None)), output)
    layers = [each.layer for each in rows.chain[1:] if isinstance(each.layer, Dense)]
    held = [array for each in layers for array in (each.coef, each.intercept)]
    given = [array for pair in zip(network.coefs, network.intercepts) for array in pair]
    if len(held) != len(given) or not all(map(np.array_equal, held, given)):
        raise ValueError("The model does not hold the network that was put into it.")

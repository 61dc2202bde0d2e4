"""Networks from ONNX models."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import os
from numbers import Integral

import numpy as np

from .._wrapped.compat import Interval, validate_params
from .layers import to_estimator
from .operators import Decision, Node, Refusal, Rows
from .tensors import DTYPES, Memory, RefusedError, array_of, dense_array_of, short

MIN_OPSET = 7


@validate_params(
    {
        "output": [str, None],
        "max_bytes": [Interval(Integral, 0, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def from_onnx(model, *, classes=None, output=None, max_bytes=2**30):
    """Make a fitted scikit-learn network of an ONNX model.

    Parameters
    ----------
    model : str, path-like, bytes or onnx.ModelProto
        A file, its content, or what `onnx.load` returns. What `torch.onnx.export`
        returns will do as well.

    classes : array-like of shape (n_classes,), "multilabel" or None, default=None
        What the outputs stand for, in the order of the outputs. An array makes a
        classifier, also of linear outputs (logits); "multilabel" one in which each
        output is a label of its own. None takes it from the graph: the labels that are
        written in it; else classes 0, 1, ... for a softmax or one sigmoid, a set of
        labels for several sigmoids, and a regressor for linear outputs.

    output : str, default=None
        The name of the output to read, where the graph has several that do not belong
        together.

    max_bytes : int, default=2**30
        Memory that reading may take, in bytes.

    Returns
    -------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        Fitted. It predicts what the model does, and can be trained further. The
        columns of `predict_proba` are in the order of its `classes_`, which are
        sorted. An affine map of the inputs becomes a StandardScaler in a Pipeline.

    Raises
    ------
    ImportError
        If onnx is not installed.

    ValueError
        If the file is damaged, holds its weights in other files, needs more than
        `max_bytes`, or has a node that no MLP of scikit-learn can compute. The message
        names the node and says what to do.

    See Also
    --------
    from_torch : Without a file, for `torch.nn.Sequential`.
    from_keras : Without a file, for Keras.
    into_onnx : Put the compressed network back into the same model.

    Notes
    -----
    Fully connected layers are read (Gemm, or MatMul and Add) with ReLU, tanh, sigmoid
    or nothing between, the same after each; a softmax, a sigmoid, an exponential or
    nothing at the end; Flatten, Reshape, Squeeze, Cast, Identity and Dropout; batch
    normalization and affine maps, which are folded into the layers; and what skl2onnx
    writes after a classifier. A softmax of two outputs becomes one sigmoid, as in
    scikit-learn, and a log-softmax a softmax: `predict_log_proba` returns it.

    Rows are 2-d in scikit-learn: those of a model that takes images are
    ``X.reshape(len(X), -1)``. Weights are float32, or float64 where those of the model
    are.

    Nothing in a file is executed, and no other file is opened. PyTorch writes the
    weights into a second file unless it is told not to:
    ``torch.onnx.export(..., external_data=False)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skl2onnx import to_onnx
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset.convert import from_onnx
    >>> X, y = load_iris(return_X_y=True, as_frame=False)
    >>> X, names = X.astype(np.float32), np.array(["setosa", "versicolor", "virginica"])
    >>> mlp = MLPClassifier(max_iter=500, random_state=0).fit(X, names[y])
    >>> model = to_onnx(mlp, X[:1])
    >>> same = from_onnx(model)
    >>> same.classes_.tolist()
    ['setosa', 'versicolor', 'virginica']
    >>> bool(np.allclose(same.predict_proba(X), mlp.predict_proba(X), atol=1e-5))
    True
    """
    memory = Memory(max_bytes)
    model = model_proto(model, max_bytes)
    rows, labels = output_of(model, tensors_of(model, memory), output)
    layers = [each.layer for each in rows.chain[1:]]
    return to_estimator(layers, labels if classes is None else classes, memory.take)


def model_proto(model, max_bytes):
    """Return a path, bytes or a model as an onnx.ModelProto."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "Models of ONNX need onnx: pip install 'skcoreset[convert]', or onnx alone."
        ) from error
    from google.protobuf.message import DecodeError

    model = getattr(model, "model_proto", model)
    if isinstance(model, onnx.ModelProto):
        return model
    if isinstance(model, (str, os.PathLike)):
        with open(model, "rb") as file:
            model = file.read(-1 if max_bytes is None else max_bytes + 1)
    if not isinstance(model, (bytes, bytearray, memoryview)):
        raise TypeError(
            "model must be a path, bytes or an onnx.ModelProto; got "
            f"{type(model).__name__}."
        )
    Memory(max_bytes).take(len(model))
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(bytes(model))
    except DecodeError as error:
        raise ValueError("This is no ONNX model, or it is damaged.") from error
    return proto


def output_of(model, tensors, output=None):
    """Return the rows that a model returns, and what their values stand for.

    Parameters
    ----------
    model : onnx.ModelProto

    tensors : dict
        As `tensors_of` returns them.

    output : str, default=None
        Name of an output. None takes all, which have to belong together.

    Returns
    -------
    rows : Rows

    classes : ndarray, list, "multilabel" or None
    """
    names = [each.name for each in model.graph.output]
    if not names:
        raise ValueError("This is no ONNX model, or it is damaged: it has no output.")
    listed = ", ".join(repr(short(name)) for name in names)
    if output is not None and output not in names:
        raise ValueError(f"output={output!r} is not an output of the model: {listed}.")
    ends = {name: tensors.get(name, _missing(name)) for name in names}
    several = f" Pass as output one of {listed}." if names[1:] else ""
    chosen = None
    for end in ends.values() if output is None else [ends[output]]:
        if isinstance(end, Refusal):
            raise ValueError(end.reason + several)
        if isinstance(end, np.ndarray):
            raise ValueError("The output of the model is a constant." + several)
        rows = end.rows if isinstance(end, Decision) else end
        chosen = rows if chosen is None else _activated(chosen, rows)
        if chosen is None:
            raise ValueError("The outputs of the model are different values." + several)
    for end in ends.values():
        if isinstance(end, Decision) and end.classes is not None:
            if end.rows.logits.is_same(chosen.logits):
                return chosen, end.classes
    return chosen, None


def _activated(first, second):
    """The one of two rows that has the activation; None if they are not the same."""
    if first.is_same(second) or second.is_same(first.logits):
        return first
    return second if first.is_same(second.logits) else None


def _missing(name):
    return Refusal(f"Nothing computes {short(name)!r}: the model is damaged.")


def tensors_of(model, memory):
    """Return what each tensor of a graph is, by its name: see `operators`."""
    opsets = {each.domain: each.version for each in model.opset_import}
    opset = opsets.get("", opsets.get("ai.onnx", 0))
    if opset == 0:
        raise ValueError("This is no ONNX model, or it is damaged: it has no opset.")
    if opset < MIN_OPSET:
        raise ValueError(
            f"The model is of opset {opset} of ONNX; {MIN_OPSET} and later are read. "
            "onnx.version_converter converts older models."
        )
    graph, tensors = model.graph, {}
    for tensor in graph.initializer:
        tensors[tensor.name] = _weights(array_of, tensor, memory)
    for tensor in graph.sparse_initializer:
        tensors[tensor.values.name] = _weights(dense_array_of, tensor, memory)
    for info in graph.input:
        tensors.setdefault(info.name, _input(info))
    for each in graph.node:
        node = Node(each, opset, memory)
        inputs = [
            tensors.get(name, _missing(name)) if name else None for name in each.input
        ]
        result = node.apply(inputs)
        for i, name in enumerate(each.output):
            if name in tensors:
                raise ValueError(
                    f"{node.where} writes {short(name)!r} for the second time: the "
                    "model is damaged."
                )
            if i > 0 and not isinstance(result, Refusal):
                result = Refusal(f"Output {i} of {node.where} is not read.")
            if name:
                tensors[name] = result
    return tensors


def _weights(read, tensor, memory):
    try:
        return read(tensor, memory)
    except RefusedError as refused:
        return Refusal(str(refused))


def _input(info):
    tensor, name = info.type.tensor_type, short(info.name)
    dtype = np.dtype(DTYPES.get(tensor.elem_type, "O"))
    if dtype.kind not in "fiub":
        return Refusal(f"The input {name!r} is no tensor of numbers.")
    if not tensor.HasField("shape"):
        return Rows(info.name, None, dtype)
    sizes = [dim.dim_value for dim in tensor.shape.dim]
    if len(sizes) < 2:
        return Refusal(
            f"The input {name!r} has {len(sizes)} dimensions. Export the model for "
            "several rows: their number is the first of two dimensions."
        )
    n_rows, *shape = sizes
    return Rows(
        info.name, tuple(shape) if min(shape) > 0 else None, dtype, n_rows or None
    )

"""Conversion of compressed networks to ONNX.

skl2onnx, or onnx, is needed when one of the functions is called, and not before.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import is_classifier
from sklearn.neural_network import MLPRegressor
from sklearn.utils.validation import check_is_fitted

from .._compressor import CoresetCompressor
from .._network import dense
from .._sparse_mlp import SparseMLPClassifier, SparseMLPRegressor, to_sparse
from .._wrapped import is_mlp, is_multilabel, last_step, with_last_step
from .._wrapped.compat import safe_indexing
from .comparison import compare_on

__all__ = ["register_converter", "sparsify", "to_onnx"]

_ALIAS = "SkcoresetNetwork"

# _MAX_LABEL: labels that are numbers are int64 in the graph.
_MAX_LABEL = np.iinfo(np.int64).max


def to_onnx(
    estimator,
    X,
    *,
    input_name="X",
    output_names=None,
    dtype=np.float32,
    sparse_weights=False,
):
    """Convert a network to ONNX, and compare it with the original on the given rows.

    skl2onnx has to be installed. The comparison runs in onnxruntime where that is
    installed, else in onnx's own reference evaluator.

    Parameters
    ----------
    estimator : CoresetCompressor, MLPClassifier, MLPRegressor or Pipeline
        Fitted. The other steps of a Pipeline are converted by skl2onnx.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to compare on, before the steps of a Pipeline: numbers. Of more than
        20,000 rows a fixed random sample of that size.

    input_name : str, default="X"
        What the input is called in the graph.

    output_names : list of str, default=None
        What the outputs are called. None is ``["label", "probabilities"]`` for a
        classifier, and ``["variable"]`` for a regressor.

    dtype : dtype, default=numpy.float32
        Type of the input: floats or integers. The arithmetic is float64 for float64,
        else float32.

    sparse_weights : bool, default=False
        Whether to store the weights without their zeros; see :func:`sparsify`.

    Returns
    -------
    model : onnx.ModelProto
        Its entry `comparison` of `metadata_props` says how well it agrees. Labels are
        int64 (of bool 0 and 1), or strings.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    TypeError
        If `estimator` does not predict by an MLP.

    ValueError
        If class labels are numbers that int64 does not hold, or X is not numbers.

    Warns
    -----
    UserWarning
        If the predictions agree on less than 98% of the rows, those of a class on less
        than 90%, or an output of a regressor is off by more than 5% of its standard
        deviation.

    See Also
    --------
    register_converter : For skl2onnx's own `to_onnx`, with all its options.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.export.onnx import to_onnx
    >>> X, y = load_digits(return_X_y=True)
    >>> X = (X / 16).astype(np.float32)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> compressor = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X[900:])
    >>> model = to_onnx(compressor, X, input_name="pixels")
    >>> model.graph.input[0].name
    'pixels'
    >>> model.metadata_props[0].value
    'equal predictions on 100.00% of 1,797 rows; root-mean-square error ...'
    """
    from onnx import helper
    from skl2onnx import to_onnx as convert
    from skl2onnx.common.data_types import guess_data_type

    if not is_mlp(last_step(estimator)):
        raise TypeError(
            "to_onnx converts a fitted CoresetCompressor, MLPClassifier, MLPRegressor "
            f"or a Pipeline that ends in one; got {type(estimator).__name__}."
        )
    check_is_fitted(last_step(estimator))
    network = to_sparse(estimator)
    register_converter()
    dtype = np.dtype(dtype)
    try:
        _, n_features = np.asarray(dense(safe_indexing(X, [0])), dtype).shape
    except (TypeError, ValueError) as error:
        raise ValueError(
            "X has to be an array of numbers, as the graph has one input of one type. "
            "For a Pipeline of other columns call register_converter, and "
            "skl2onnx.to_onnx with an input for each."
        ) from error
    float_type = np.float64 if dtype == np.float64 else np.float32
    (_, input_type), *_ = guess_data_type(np.zeros((1, n_features), float_type))
    input_type = type(input_type)([None, n_features])
    options = {"zipmap": False} if is_classifier(network) else None
    model = convert(network, initial_types=[("X", input_type)], options=options)
    dense_model = _renamed(model, input_name, output_names, dtype)
    model = sparsify(dense_model) if sparse_weights else dense_model

    def run(X):
        rows = np.ascontiguousarray(dense(X), dtype)
        outputs = _run(model, dense_model, {input_name: rows})
        return outputs[-1], outputs[0]

    comparison = compare_on(X, estimator, run)
    comparison.warn("The ONNX model", [f"Its input is of {dtype}."])
    helper.set_model_props(model, {"comparison": str(comparison)})
    return model


def register_converter():
    """Teach skl2onnx to convert a fitted `CoresetCompressor`, or `SparseMLPClassifier`.

    Call it once, before :func:`skl2onnx.to_onnx`. Steps of a Pipeline are converted by
    skl2onnx; the converters of scikit-learn's classes are left as they are.

    The outputs are `label` and `probabilities` for a classifier, and `variable` for a
    regressor. The probabilities are an array, whatever the option `zipmap` says.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    to_onnx : Converts and compares in one call.
    sparsify : Makes the file as small as the network is sparse.

    Notes
    -----
    The weights are stored dense, zeros included, and the original network is not
    stored: the file has the size of that of a dense network, smaller only by the
    neurons that were removed. Weights and arithmetic are of the precision of the
    declared input: float64 for a ``DoubleTensorType``, else float32.

    A classifier is converted as a predictor. As a step whose `transform` feeds another
    estimator it has no ONNX form.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skl2onnx import to_onnx
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.export.onnx import register_converter
    >>> X, y = load_digits(return_X_y=True)
    >>> X = (X / 16).astype(np.float32)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> compressor = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X[900:])
    >>> register_converter()
    >>> onnx = to_onnx(compressor, X[:1])
    >>> [output.name for output in onnx.graph.output]
    ['label', 'probabilities']

    The file needs an ONNX runtime and neither scikit-learn nor this package.

    >>> from onnxruntime import InferenceSession
    >>> session = InferenceSession(onnx.SerializeToString())
    >>> labels, probabilities = session.run(None, {"X": X})
    >>> print((labels == compressor.predict(X)).mean())
    1.0
    """
    from skl2onnx import update_registered_converter

    for kind in (CoresetCompressor, SparseMLPClassifier, SparseMLPRegressor):
        update_registered_converter(
            kind,
            _ALIAS + kind.__name__,
            _set_shapes,
            _convert,
            parser=_parse,
            options={
                "zipmap": [True, False, "columns"],
                "nocl": [True, False],
                "output_class_labels": [False, True],
            },
        )


def sparsify(model):
    """Store the weights of an ONNX model without their zeros, where that is shorter.

    They become sparse initializers, which are part of the ONNX standard. onnxruntime
    makes them dense when it loads the file: the file and the download are smaller, and
    predictions are the same and as fast. Other runtimes may not know them.

    Parameters
    ----------
    model : onnx.ModelProto
        It is not changed.

    Returns
    -------
    sparse_model : onnx.ModelProto
        A weight takes its own bytes and 8 for its place: 12 in float32, so that the
        file is smaller where less than a third of the weights are left.

    Raises
    ------
    ImportError
        If onnx is not installed.

    See Also
    --------
    to_onnx : For the model itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.export.onnx import sparsify, to_onnx
    >>> X, y = load_digits(return_X_y=True)
    >>> X = (X / 16).astype(np.float32)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> compressor = CoresetCompressor(mlp, density=0.05, random_state=0).fit(X[900:])
    >>> model = to_onnx(compressor, X)
    >>> sparsify(model).ByteSize() < model.ByteSize()
    True
    """
    from onnx import helper, numpy_helper

    sparse_model = type(model)()
    sparse_model.CopyFrom(model)
    graph = sparse_model.graph
    initializers = list(graph.initializer)
    del graph.initializer[:]
    for tensor in initializers:
        array = numpy_helper.to_array(tensor)
        places = np.flatnonzero(array)
        n_bytes = len(places) * (array.itemsize + places.itemsize)
        if array.ndim < 2 or n_bytes >= array.nbytes:
            graph.initializer.append(tensor)
            continue
        values = numpy_helper.from_array(array.ravel()[places], tensor.name)
        places = numpy_helper.from_array(places.astype(np.int64))
        graph.sparse_initializer.append(
            helper.make_sparse_tensor(values, places, array.shape)
        )
    return sparse_model


def _renamed(model, input_name, output_names, dtype):
    """The model with other names of its input and outputs, and type of its input."""
    from onnx import compose, helper

    given = [output.name for output in model.graph.output]
    output_names = given if output_names is None else list(output_names)
    if len(output_names) != len(given):
        raise ValueError(
            f"output_names={output_names!r} has {len(output_names)} names, and the "
            f"outputs are {given}."
        )
    # a prefix, so that no name inside can be one of those
    model = compose.add_prefix(model, "network/")
    graph = model.graph
    new = {f"network/{old}": name for old, name in zip(given, output_names)}
    for output in graph.output:
        output.name = new[output.name]
    for node in graph.node:
        node.output[:] = [new.get(name, name) for name in node.output]
        node.input[:] = [new.get(name, name) for name in node.input]
    (entry,), kind = graph.input, helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    tensor_type = entry.type.tensor_type
    cast = helper.make_node(
        "Cast", [input_name], [entry.name], name="cast", to=tensor_type.elem_type
    )
    entry.name, tensor_type.elem_type = input_name, kind
    graph.node.insert(0, cast)
    return model


def _run(model, dense_model, inputs):
    """Outputs of a model."""
    try:
        from onnxruntime import InferenceSession
    except ImportError:
        # which does not know sparse initializers
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(dense_model).run(None, inputs)
    return InferenceSession(model.SerializeToString()).run(None, inputs)


# What skl2onnx calls: the operator's model is a compressor or a sparse network


def _parse(scope, model, inputs, custom_parsers=None):
    """Declare the operator and its outputs."""
    from skl2onnx.common.data_types import Int64TensorType, guess_tensor_type

    check_is_fitted(model)
    operator = scope.declare_local_operator(_ALIAS + type(model).__name__, model)
    operator.inputs = inputs
    outputs = {"variable": guess_tensor_type(inputs[0].type)}
    if is_classifier(model):
        outputs = {"label": Int64TensorType(), "probabilities": outputs["variable"]}
    for name, tensor_type in outputs.items():
        operator.outputs.append(scope.declare_local_variable(name, tensor_type))
    return operator.outputs


def _set_shapes(operator):
    """Set types and shapes of the outputs."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    mlp = last_step(_plain(operator.raw_operator))
    n_rows = operator.inputs[0].get_first_dimension()
    n_outputs = len(mlp.intercepts_[-1])
    if is_classifier(mlp):
        is_text = _labels(mlp).dtype.kind == "U"
        shape = [n_rows, n_outputs] if is_multilabel(mlp) else [n_rows]
        label_type = StringTensorType if is_text else Int64TensorType
        operator.outputs[0].type = label_type(shape)
        n_outputs = n_outputs if is_multilabel(mlp) else max(2, n_outputs)
    operator.outputs[-1].type.shape = [n_rows, n_outputs]


def _labels(mlp):
    """Labels of the classes in the graph, str or int64; a single one twice."""
    classes = np.asarray(mlp.classes_)
    if classes.dtype.kind in "OU" and all(isinstance(each, str) for each in classes):
        labels = classes.astype(str)
    elif classes.dtype.kind in "biuf":
        with np.errstate(invalid="ignore"):
            labels = classes.astype(np.int64)
    else:
        labels = np.full(len(classes), None)
    # of uint64 and large floats, int64 may be equal to what it wraps to
    fits = (labels == classes).all() and (
        labels.dtype.kind != "i" or (classes <= _MAX_LABEL).all()
    )
    if not fits:
        raise ValueError(
            f"classes_ are {classes.tolist()[:3]} of dtype {classes.dtype}, and labels "
            "are int64 or strings in ONNX. Fit the network to y.astype(str)."
        )
    return np.resize(labels, 2) if len(labels) == 1 else labels


def _plain(model):
    """The estimator with dense weights, of scikit-learn's own class."""
    if isinstance(model, CoresetCompressor):
        return model.to_dense()
    return model


def _convert(scope, operator, container):
    """Hand the network to skl2onnx as a regressor, and find the label here.

    skl2onnx has int32 for labels, and neither the exponential nor every case of one
    class or several labels.
    """
    from skl2onnx import get_model_alias
    from skl2onnx.common._apply_operation import (
        apply_argmax,
        apply_cast,
        apply_concat,
        apply_exp,
        apply_greater,
        apply_reshape,
        apply_sub,
    )
    from skl2onnx.common.data_types import guess_proto_type
    from skl2onnx.proto import onnx_proto

    def named(name):
        return scope.get_unique_variable_name(name)

    plain = _plain(operator.raw_operator)
    mlp = last_step(plain)
    regressor = MLPRegressor()
    vars(regressor).update(vars(mlp))
    regressor.coefs_ = list(map(dense, mlp.coefs_))
    if mlp.out_activation_ == "exp":
        regressor.out_activation_ = "identity"
    regressor = with_last_step(plain, regressor)
    part = scope.declare_local_operator(get_model_alias(type(regressor)), regressor)
    part.inputs = operator.inputs
    value_type = operator.outputs[-1].type
    part.outputs.append(scope.declare_local_variable("network", value_type))
    values, final = part.outputs[0].full_name, operator.outputs[-1].full_name
    if mlp.out_activation_ == "exp":
        logarithms, values = values, named("exponentials")
        apply_exp(scope, logarithms, values, container)

    # skl2onnx lays the values of several outputs out in one column, row after row
    n_outputs = len(mlp.intercepts_[-1])
    is_binary = is_classifier(mlp) and n_outputs == 1
    reshaped = named("second") if is_binary else final
    apply_reshape(scope, values, reshaped, container, desired_shape=(-1, n_outputs))
    if not is_classifier(mlp):
        return
    value_type, label = guess_proto_type(value_type), operator.outputs[0].full_name
    int64, string = onnx_proto.TensorProto.INT64, onnx_proto.TensorProto.STRING
    if is_multilabel(mlp):
        half, over = named("half"), named("over")
        container.add_initializer(half, value_type, [], [0.5])
        apply_greater(scope, [final, half], over, container)
        apply_cast(scope, over, label, container, to=int64)
        return
    if is_binary:
        one, first = named("one"), named("first")
        container.add_initializer(one, value_type, [], [1])
        apply_sub(scope, [one, reshaped], first, container)
        apply_concat(scope, [first, reshaped], final, container, axis=1)
    labels, number, classes = _labels(mlp), named("number"), named("classes")
    is_text = labels.dtype.kind == "U"
    names = [name.encode() for name in labels] if is_text else labels
    label_type = string if is_text else int64
    container.add_initializer(classes, label_type, labels.shape, names)
    apply_argmax(scope, final, number, container, axis=1, keepdims=0)
    container.add_node(
        "Gather", [classes, number], label, name=named("Gather"), op_version=11
    )

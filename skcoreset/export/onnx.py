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
from .._wrapped import is_multilabel, last_step, with_last_step

__all__ = ["register_converter", "sparsify"]

_ALIAS = "SkcoresetCoresetCompressor"


def register_converter():
    """Teach skl2onnx to convert a fitted `CoresetCompressor`.

    Call it once, before :func:`skl2onnx.to_onnx`. The graph is that of skl2onnx's own
    converters on ``compressor.to_dense()``, steps of a Pipeline included; the
    converters of scikit-learn's classes are left as they are.

    The outputs are `label` and `probabilities` for a classifier, and `variable` for a
    regressor. The probabilities are an array, whatever the option `zipmap` says.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    See Also
    --------
    sparsify : Makes the file as small as the network is sparse.
    CoresetCompressor.to_dense : The network that is written.

    Notes
    -----
    The weights are stored dense, zeros included, and the original network is not
    stored: the file has the size of that of a dense network, smaller only by the
    neurons that were removed. Weights and arithmetic are of the precision of the
    declared input: float32, or float64 for a ``DoubleTensorType``.

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

    update_registered_converter(
        CoresetCompressor,
        _ALIAS,
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
    register_converter : For the model itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skl2onnx import to_onnx
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.export.onnx import register_converter, sparsify
    >>> X, y = load_digits(return_X_y=True)
    >>> X = (X / 16).astype(np.float32)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> compressor = CoresetCompressor(mlp, density=0.05, random_state=0).fit(X[900:])
    >>> register_converter()
    >>> model = to_onnx(compressor, X[:1])
    >>> sparsify(model).ByteSize() < model.ByteSize()
    True
    """
    from onnx import helper, numpy_helper

    sparse_model = type(model)()
    sparse_model.CopyFrom(model)
    graph = sparse_model.graph
    dense = list(graph.initializer)
    del graph.initializer[:]
    for tensor in dense:
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


def _parse(scope, compressor, inputs, custom_parsers=None):
    """Declare the operator and its outputs."""
    from skl2onnx.common.data_types import Int64TensorType, guess_tensor_type

    check_is_fitted(compressor)
    operator = scope.declare_local_operator(_ALIAS, compressor)
    operator.inputs = inputs
    outputs = {"variable": guess_tensor_type(inputs[0].type)}
    if is_classifier(compressor):
        outputs = {"label": Int64TensorType(), "probabilities": outputs["variable"]}
    for name, tensor_type in outputs.items():
        operator.outputs.append(scope.declare_local_variable(name, tensor_type))
    return operator.outputs


def _set_shapes(operator):
    """Set types and shapes of the outputs."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    compressor = operator.raw_operator
    n_rows = operator.inputs[0].get_first_dimension()
    n_outputs = len(compressor.intercepts_[-1])
    if is_classifier(compressor):
        mlp = last_step(compressor.estimator_)
        is_number = np.issubdtype(mlp.classes_.dtype, np.number)
        is_number |= mlp.classes_.dtype == np.bool_
        label_type = Int64TensorType if is_number else StringTensorType
        shape = [n_rows, n_outputs] if is_multilabel(mlp) else [n_rows]
        operator.outputs[0].type = label_type(shape)
        n_outputs = len(mlp.classes_)
    operator.outputs[-1].type.shape = [n_rows, n_outputs]


def _convert(scope, operator, container):
    """Hand the dense network to its own converter."""
    from skl2onnx import get_model_alias
    from skl2onnx.common._apply_operation import (
        apply_cast,
        apply_exp,
        apply_greater,
        apply_identity,
        apply_reshape,
    )
    from skl2onnx.common.data_types import guess_proto_type
    from skl2onnx.proto import onnx_proto

    def named(name):
        return scope.get_unique_variable_name(name)

    def convert_dense(dense, types):
        """Names of the outputs of the network in the graph."""
        part = scope.declare_local_operator(get_model_alias(type(dense)), dense)
        part.inputs = operator.inputs
        part.outputs.extend(
            scope.declare_local_variable("network", tensor_type)
            for tensor_type in types
        )
        return [variable.full_name for variable in part.outputs]

    compressor = operator.raw_operator
    dense = compressor.to_dense()
    mlp = last_step(dense)
    types = [output.type for output in operator.outputs]
    names = [output.full_name for output in operator.outputs]
    if is_classifier(mlp) and not is_multilabel(mlp):
        for name, own in zip(convert_dense(dense, types), names):
            apply_identity(scope, name, own, container)
        return

    # As a regressor: skl2onnx has neither the exponential nor every multilabel case
    regressor = MLPRegressor()
    vars(regressor).update(vars(mlp))
    if mlp.out_activation_ == "exp":
        regressor.out_activation_ = "identity"
    (values,) = convert_dense(with_last_step(dense, regressor), types[-1:])
    if mlp.out_activation_ == "exp":
        logarithms, values = values, named("exponentials")
        apply_exp(scope, logarithms, values, container)
    # skl2onnx lays the values of several outputs out in one column, row after row
    shape = (-1, len(compressor.intercepts_[-1]))
    apply_reshape(scope, values, names[-1], container, desired_shape=shape)
    if is_classifier(mlp):
        half, over = named("half"), named("over")
        container.add_initializer(half, guess_proto_type(types[-1]), [], [0.5])
        apply_greater(scope, [names[-1], half], over, container)
        int64 = onnx_proto.TensorProto.INT64
        apply_cast(scope, over, names[0], container, to=int64)

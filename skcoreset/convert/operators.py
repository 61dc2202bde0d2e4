"""What the operators of ONNX do to the tensors of a network.

A tensor is one of

- ndarray: weights, or computed from weights alone;
- Rows: computed from the rows by layers that an MLP can have;
- Decision: labels and the like, computed from Rows, that no layer follows;
- Refusal: what an MLP cannot compute, and why; it matters where it is needed.

An operator is a function of a Node and its inputs. Its keywords are the attributes that
the operator has, each annotated with its type.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from inspect import Parameter, signature
from math import prod

import numpy as np

from .layers import MULTILABEL, Activation, Dense, Scale, normalization
from .tensors import (
    DTYPES,
    RefusedError,
    TooLargeError,
    array_of,
    dense_array_of,
    short,
)

# Types of attributes, by their numbers in files.
FLOAT, INT, STRING, TENSOR, FLOATS, INTS, STRINGS, SPARSE = 1, 2, 3, 4, 6, 7, 8, 11

# Stands for the number of rows in shapes that a graph computes.
N_ROWS = 2**31 - 1

_WHAT_IS_READ = (
    "from_onnx reads fully connected layers (Gemm, or MatMul and Add) with Relu, Tanh "
    "or Sigmoid, batch normalization and affine maps."
)

# What to do about operators that are refused.
_HINTS = {
    "Train the network with ReLU, tanh or sigmoid.": (
        *("Celu", "Clip", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish"),
        *("LeakyRelu", "Mish", "PRelu", "Selu", "Softplus", "Softsign", "Swish"),
    ),
    "Convert the model as it was before it was quantized.": (
        *("DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger"),
        *("QLinearMatMul", "QuantizeLinear"),
    ),
    "Export the fully connected layers by themselves; their rows are the outputs of "
    "the part before.": (
        *("AveragePool", "Conv", "GRU", "Gather", "GlobalAveragePool", "Imputer"),
        *("LSTM", "LayerNormalization", "MaxPool", "Normalizer", "OneHotEncoder"),
        *("RNN", "Slice", "Transpose"),
    ),
}
_HINT_OF = {name: hint for hint, names in _HINTS.items() for name in names}


@dataclass(frozen=True)
class Refusal:
    """A tensor that an MLP cannot compute, and why."""

    reason: str


@dataclass(frozen=True, eq=False)
class Rows:
    """A tensor with one entry for each row, computed from the rows by layers.

    Parameters
    ----------
    name : str
        Of the tensor.

    shape : tuple of int, or None
        Of one entry; None where the graph does not tell.

    dtype : dtype

    n_rows : int, default=None
        Number of rows that the graph was written for; None is any.

    before : Rows, default=None
        What `layer` takes. None for an input.

    layer : Dense, Scale or Activation, default=None

    has_both : bool, default=False
        Whether it has a column for each of two classes, made of the one that `layer`
        returns.
    """

    name: str
    shape: tuple
    dtype: np.dtype
    n_rows: int = None
    before: "Rows" = None
    layer: object = None
    has_both: bool = False

    @property
    def chain(self):
        """These rows and all before, from the input on."""
        chain = [self]
        while chain[-1].before is not None:
            chain.append(chain[-1].before)
        return chain[::-1]

    @property
    def logits(self):
        """The rows before the last activation, if an activation is the last layer."""
        return self.before if isinstance(self.layer, Activation) else self

    def is_same(self, other):
        """Whether these are the same values, in whatever shape."""
        if self.layer is None:  # inputs have no layer
            return other.layer is None and self.name == other.name
        return self.layer is other.layer


@dataclass(frozen=True)
class Decision:
    """What is computed from rows and is an end: labels, or probabilities with labels.

    Parameters
    ----------
    rows : Rows

    classes : ndarray, list, "multilabel" or None
        What the values of `rows` stand for; None where this does not tell.
    """

    rows: Rows
    classes: object


class Node:
    """A node of a graph.

    Parameters
    ----------
    node : onnx.NodeProto

    opset : int
        Version of the operators.

    memory : Memory
    """

    def __init__(self, node, opset, memory):
        self.kind, self.opset, self.memory = node.op_type, opset, memory
        self.output = next(iter(node.output), "")
        self._name = node.name or self.output
        self._domain = "" if node.domain == "ai.onnx" else node.domain
        self._attributes = node.attribute

    @property
    def where(self):
        """The node in messages."""
        return f"Node {short(self._name)!r} ({short(self.kind)})"

    def apply(self, inputs):
        """Return what the first output is."""
        for value in inputs:
            if isinstance(value, Refusal):
                return value
        is_weights = not any(isinstance(value, (Rows, Decision)) for value in inputs)
        operators = _ON_WEIGHTS if is_weights else _ON_ROWS
        operator = operators.get((self._domain, self.kind))
        try:
            if operator is None:
                raise RefusedError(self._unknown(is_weights))
            interface = _interface(operator)
            missing = any(value is None for value in inputs[: interface.n_required])
            if missing or not interface.n_required <= len(inputs) <= interface.n_inputs:
                raise self.damage()
            with np.errstate(all="ignore"):
                return operator(self, *inputs, **self._keywords(interface))
        except RefusedError as refused:
            return Refusal(str(refused))
        except TooLargeError:
            raise
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise self.damage() from error

    def refused(self, what, hint=_WHAT_IS_READ):
        """The error that says what a node does and no MLP can."""
        return RefusedError(f"{self.where} {what}. {hint}")

    def damage(self):
        """The error that says that a node is not as ONNX has it."""
        return ValueError(f"{self.where} is damaged, or its inputs are.")

    def _unknown(self, is_weights):
        if self._domain not in ("", "ai.onnx.ml"):
            return (
                f"{self.where} is of {short(self._domain)!r} and not of ONNX itself. "
                "Export the model without optimization; functions are opened by "
                "onnx.inliner.inline_local_functions."
            )
        problem = "is not supported where weights are computed"
        if not is_weights:
            problem = "is no operator of an MLP"
        return f"{self.where} {problem}. {_HINT_OF.get(self.kind, _WHAT_IS_READ)}"

    def _keywords(self, interface):
        from onnx import helper

        keywords = {}
        for attribute in self._attributes:
            name = attribute.name
            if name not in interface.types:
                raise self.refused(f"has an unknown attribute, {short(name)!r}")
            if attribute.type != interface.types[name] or name in keywords:
                raise self.damage()
            keywords[name] = helper.get_attribute_value(attribute)
        return keywords


@dataclass(frozen=True)
class _Interface:
    """Numbers of inputs that an operator needs and takes; types of its attributes."""

    n_required: int
    n_inputs: float
    types: dict


@lru_cache
def _interface(operator):
    _, *parameters = signature(operator).parameters.values()
    inputs = [each for each in parameters if each.kind is not Parameter.KEYWORD_ONLY]
    is_variadic = any(each.kind is Parameter.VAR_POSITIONAL for each in inputs)
    n_optional = sum(each.default is not Parameter.empty for each in inputs)
    return _Interface(
        len(inputs) - n_optional - is_variadic,
        np.inf if is_variadic else len(inputs),
        {each.name: each.annotation for each in parameters if each not in inputs},
    )


# Operators on weights


def _constant(
    node,
    *,
    value: TENSOR = None,
    sparse_value: SPARSE = None,
    value_float: FLOAT = None,
    value_floats: FLOATS = None,
    value_int: INT = None,
    value_ints: INTS = None,
):
    if value is not None:
        return array_of(value, node.memory)
    if sparse_value is not None:
        return dense_array_of(sparse_value, node.memory)
    for dtype, values in (
        (np.float32, (value_float, value_floats)),
        (np.int64, (value_int, value_ints)),
    ):
        for each in values:
            if each is not None:
                return np.array(each, dtype)
    raise node.refused("is a constant of a type that is not read")


def _constant_of_shape(node, shape, *, value: TENSOR = None):
    """The same value everywhere; as one row where it has one for each."""
    shape = [1 if i == 0 and n == N_ROWS else n for i, n in enumerate(_integers(shape))]
    fill = np.zeros(1, np.float32) if value is None else array_of(value, node.memory)
    node.memory.take(8 * prod(shape))
    return np.full(shape, fill.item(), fill.dtype)


def _unary(function):
    def operator(node, x):
        node.memory.take(8 * x.size)
        return function(x)

    return operator


def _binary(function):
    def operator(node, a, b):
        node.memory.take(8 * prod(np.broadcast_shapes(a.shape, b.shape)))
        return function(a, b)

    return operator


def _divided(a, b):
    return a // b if a.dtype.kind in "iu" else a / b


def _identity(node, x):
    return x


def _cast_weights(node, x, *, to: INT, saturate: INT = 1, round_mode: STRING = b"up"):
    if to not in DTYPES:
        raise node.refused("casts weights to a type that is not read")
    node.memory.take(8 * x.size)
    return x.astype(DTYPES[to])


def _transpose_weights(node, x, *, perm: INTS = None):
    return np.transpose(x, perm)


def _reshape_weights(node, x, shape, *, allowzero: INT = 0):
    shape = _integers(shape)
    if not allowzero:
        shape = [n or x.shape[i] for i, n in enumerate(shape)]
    return x.reshape(shape)


def _flatten_weights(node, x, *, axis: INT = 1):
    return x.reshape(prod(x.shape[:axis]), -1)


def _squeeze_weights(node, x, axes_input=None, *, axes: INTS = None):
    return np.squeeze(x, _axes(axes_input, axes))


def _unsqueeze_weights(node, x, axes_input=None, *, axes: INTS = None):
    return np.expand_dims(x, _axes(axes_input, axes))


def _axes(axes_input, axes):
    """Axes, which were an attribute before opset 13; None is all."""
    axes = axes if axes_input is None else _integers(axes_input)
    return None if axes is None else tuple(axes)


def _gather_weights(node, x, indices, *, axis: INT = 0):
    node.memory.take(8 * indices.size * x.size // x.shape[axis])
    return np.take(x, indices, axis)


def _concat_weights(node, *arrays, axis: INT):
    node.memory.take(8 * sum(array.size for array in arrays))
    return np.concatenate(arrays, axis)


def _slice_weights(
    node,
    x,
    starts_input=None,
    ends_input=None,
    axes_input=None,
    steps=None,
    *,
    starts: INTS = None,
    ends: INTS = None,
    axes: INTS = None,
):
    starts = starts if starts_input is None else _integers(starts_input)
    ends = ends if ends_input is None else _integers(ends_input)
    axes = _axes(axes_input, axes) or range(len(starts))
    steps = [1] * len(starts) if steps is None else _integers(steps)
    index = [slice(None)] * x.ndim
    for axis, *bounds in zip(axes, starts, ends, steps, strict=True):
        index[axis] = slice(*bounds)
    return x[tuple(index)]


def _integers(array):
    """Return a 1-d array of integers as a list."""
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError
    return array.tolist()


_ON_WEIGHTS = {
    ("", "Constant"): _constant,
    ("", "ConstantOfShape"): _constant_of_shape,
    ("", "Identity"): _identity,
    ("", "Cast"): _cast_weights,
    ("", "Transpose"): _transpose_weights,
    ("", "Reshape"): _reshape_weights,
    ("", "Flatten"): _flatten_weights,
    ("", "Squeeze"): _squeeze_weights,
    ("", "Unsqueeze"): _unsqueeze_weights,
    ("", "Gather"): _gather_weights,
    ("", "Concat"): _concat_weights,
    ("", "Slice"): _slice_weights,
    ("", "Add"): _binary(np.add),
    ("", "Sub"): _binary(np.subtract),
    ("", "Mul"): _binary(np.multiply),
    ("", "Div"): _binary(_divided),
    ("", "Neg"): _unary(np.negative),
    ("", "Exp"): _unary(np.exp),
    ("", "Sqrt"): _unary(np.sqrt),
    ("", "Reciprocal"): _unary(np.reciprocal),
}


# Operators on rows


def _rows_of(node, x, *weights):
    """Check that a node takes rows, and weights that do not depend on rows."""
    if any(isinstance(each, (Rows, Decision)) for each in weights):
        if isinstance(x, np.ndarray):
            raise node.refused("takes the rows as its second input, not as its first")
        raise _joined(node)
    if isinstance(x, Decision) or x.has_both:
        raise node.refused("computes with labels or with the output of the network")
    return x


def _joined(node):
    return node.refused(
        "joins two tensors that depend on the rows (a skip connection, a gate or a "
        "second input)",
        "An MLP is a chain of layers with one input: train one without.",
    )


def _then(node, rows, layer, shape):
    """Rows after one more layer."""
    return Rows(node.output, shape, rows.dtype, rows.n_rows, rows, layer)


def _float(array):
    """The same in float32, unless it is in float64."""
    return array.astype(np.result_type(array.dtype, np.float32), copy=False)


def _dense(node, rows, coef, intercept):
    if rows.shape is not None and len(rows.shape) != 1:
        raise node.refused(
            f"takes rows of shape {rows.shape}", "Flatten them before the first layer."
        )
    n_in, n_out = coef.shape
    if rows.shape not in (None, (n_in,)):
        raise node.damage()
    return _then(node, rows, Dense(_float(coef), intercept, node.where), (n_out,))


def _gemm(
    node,
    x,
    coef,
    intercept=None,
    *,
    alpha: FLOAT = 1.0,
    beta: FLOAT = 1.0,
    transA: INT = 0,
    transB: INT = 0,
):
    rows = _rows_of(node, x, coef, intercept)
    if transA:
        raise node.refused("transposes the rows (transA)", "Rows have to be rows.")
    coef = _float(coef.T if transB else coef)
    if alpha != 1:
        coef = (coef.astype(float) * alpha).astype(coef.dtype)
    shape = (1, coef.shape[1])
    intercept = np.zeros(shape) if intercept is None else _float(intercept) * beta
    return _dense(node, rows, coef, np.broadcast_to(intercept, shape)[0])


def _mat_mul(node, x, coef):
    rows = _rows_of(node, x, coef)
    return _dense(node, rows, coef, np.zeros(coef.shape[1]))


def _values(node, rows, array):
    """Weights for each value of rows: a number or a 1-d array; and the rows' shape."""
    if array.dtype.kind not in "fiu":
        raise node.damage()
    if rows.shape is None and array.ndim <= 2 and array.size in array.shape[-1:]:
        return array.ravel(), array.shape[-1:]
    shape = (1, *(rows.shape or ()))
    if array.ndim > len(shape) or np.broadcast_shapes(array.shape, shape) != shape:
        raise node.refused("does not treat all rows alike")
    if array.size == 1:
        return array.reshape(()), rows.shape
    node.memory.take(8 * prod(shape))
    return np.broadcast_to(array, shape).ravel(), rows.shape


def _affine(node, rows, scale, shift):
    """Rows after an affine map of each value."""
    scale, shape = _values(node, rows, np.asarray(scale))
    shift, shape = _values(node, replace(rows, shape=shape), np.asarray(shift))
    return _then(node, rows, Scale(scale, shift, node.where), shape)


def _add(node, a, b):
    a, b = (b, a) if isinstance(a, np.ndarray) else (a, b)
    return _affine(node, _rows_of(node, a, b), 1, b)


def _subtract(node, a, b):
    if isinstance(a, np.ndarray):
        return _affine(node, _rows_of(node, b), -1, a)
    return _affine(node, _rows_of(node, a, b), 1, -_float(b))


def _multiply(node, a, b):
    a, b = (b, a) if isinstance(a, np.ndarray) else (a, b)
    return _affine(node, _rows_of(node, a, b), b, 0)


def _divide(node, a, b):
    return _affine(node, _rows_of(node, a, b), 1 / b.astype(float), 0)


def _negative(node, x):
    return _affine(node, _rows_of(node, x), -1, 0)


def _scaler(node, x, *, offset: FLOATS = (0.0,), scale: FLOATS = (1.0,)):
    offset, scale = np.array(offset), np.array(scale)
    return _affine(node, _rows_of(node, x), scale, -offset * scale)


def _batch_normalization(
    node,
    x,
    gamma,
    beta,
    mean,
    variance,
    *,
    epsilon: FLOAT = 1e-5,
    momentum: FLOAT = 0.9,
    spatial: INT = 1,
    training_mode: INT = 0,
):
    rows = _rows_of(node, x, gamma, beta, mean, variance)
    if training_mode:
        raise node.refused(
            "normalizes batches as in training", "Export the model for prediction."
        )
    shape = mean.shape if rows.shape is None else rows.shape
    if not mean.shape == variance.shape == gamma.shape == beta.shape == shape[:1]:
        raise node.damage()
    node.memory.take(8 * prod(shape))
    n_times = prod(shape[1:])
    layer = normalization(
        *(np.repeat(each, n_times) for each in (mean, variance)),
        epsilon,
        *(np.repeat(each, n_times) for each in (gamma, beta)),
        node.where,
    )
    return _then(node, rows, layer, shape)


def _activation(name):
    def operator(node, x):
        rows = _rows_of(node, x)
        return _then(node, rows, Activation(name, node.where), rows.shape)

    return operator


def _softmax(node, x, *, axis: INT = -1):
    rows = _rows_of(node, x)
    if rows.shape is None or len(rows.shape) != 1 or axis not in (1, -1):
        raise node.refused("is no softmax over the outputs of each row")
    return _then(node, rows, Activation("softmax", node.where), rows.shape)


# Operators that change shapes and types: what is computed is the same


def _reshaping(function):
    """Make an operator of a function that returns the new shape of an entry.

    What is not a matter of rows any more, as it has no first axis for them, is a
    Decision.
    """

    @wraps(function)
    def operator(node, x, *inputs, **keywords):
        if isinstance(x, Decision):
            return x
        if any(isinstance(each, (Rows, Decision)) for each in inputs):
            raise node.refused("takes parameters that depend on the rows")
        shape = function(node, x, *inputs, **keywords)
        if isinstance(shape, Decision):
            return shape
        return replace(x, name=node.output, shape=shape)

    return operator


def _mixes_rows(node):
    return node.refused("mixes rows", "Their number has to be the first dimension.")


@_reshaping
def _flatten(node, rows, *, axis: INT = 1):
    if rows.shape is None:
        if axis != 1:
            raise _mixes_rows(node)
        return None
    axis += (len(rows.shape) + 1) * (axis < 0)
    if axis < 1 or prod(rows.shape[: axis - 1]) != 1:
        raise _mixes_rows(node)
    return (prod(rows.shape),)


@_reshaping
def _reshape(node, rows, shape, *, allowzero: INT = 0):
    shape = _integers(shape)
    size = None if rows.shape is None else prod(rows.shape)
    if (allowzero and 0 in shape) or shape.count(-1) > 1 or min(shape) < -1:
        raise node.damage()
    first, *entry = shape
    if size is not None:
        entry = [n or rows.shape[i] for i, n in enumerate(entry)]
        if first == -1 and prod(entry) == 1 < size:
            return Decision(rows, None)  # skl2onnx writes several values so
    elif 0 in entry:
        raise _mixes_rows(node)
    if -1 in entry:
        if size is None:
            return None
        rest = -prod(entry)
        entry = [size // rest if n == -1 else n for n in entry]
    if first not in (0, -1, N_ROWS, rows.n_rows) or prod(entry) != (
        size or prod(entry)
    ):
        raise _mixes_rows(node)
    return tuple(entry)


@_reshaping
def _expand(node, rows, shape):
    if _integers(shape)[1:] != list(rows.shape or ()) or shape[0] != N_ROWS:
        raise node.refused("repeats values")
    return rows.shape


@_reshaping
def _squeeze(node, rows, axes_input=None, *, axes: INTS = None):
    axes = _axes(axes_input, axes)
    if rows.shape is None:
        raise node.refused("has rows of unknown shape", "Export the model with shapes.")
    rank = len(rows.shape) + 1
    if axes is None:
        return tuple(n for n in rows.shape if n != 1)
    axes = {axis + rank * (axis < 0) for axis in axes}
    if not axes <= set(range(1, rank)) or any(
        rows.shape[axis - 1] != 1 for axis in axes
    ):
        raise _mixes_rows(node)
    return tuple(n for i, n in enumerate(rows.shape, start=1) if i not in axes)


@_reshaping
def _unsqueeze(node, rows, axes_input=None, *, axes: INTS = None):
    axes = _axes(axes_input, axes)
    if rows.shape is None:
        raise node.refused("has rows of unknown shape", "Export the model with shapes.")
    shape = np.expand_dims(np.empty((1, *rows.shape)), axes).shape
    rank = len(shape)
    if 0 in {axis + rank * (axis < 0) for axis in axes}:
        raise _mixes_rows(node)
    return shape[1:]


@_reshaping
def _dropout(
    node,
    rows,
    ratio_input=None,
    training=None,
    *,
    ratio: FLOAT = 0.5,
    seed: INT = 0,
):
    if training is not None and training.any():
        raise node.refused(
            "drops values as in training", "Export the model for prediction."
        )
    return rows.shape


def _cast(node, x, *, to: INT, saturate: INT = 1, round_mode: STRING = b"up"):
    if isinstance(x, Decision):
        return x
    dtype = np.dtype(DTYPES.get(to, "O"))
    if dtype.kind != "f" and dtype != x.dtype:
        raise node.refused("rounds, or casts values to something else")
    return replace(x, name=node.output, dtype=dtype)


def _shape(node, x, *, start: INT = 0, end: INT = None):
    if not isinstance(x, Rows) or x.shape is None:
        raise node.refused("has rows of unknown shape", "Export the model with shapes.")
    return np.array((N_ROWS, *x.shape)[start:end])


# Operators behind the network


def _arg_max(node, x, *, axis: INT = 0, keepdims: INT = 1, select_last_index: INT = 0):
    if isinstance(x, Decision) or x.shape is None or len(x.shape) != 1:
        raise node.refused("is not the largest output of each row")
    if axis not in (1, -1):
        raise _mixes_rows(node)
    return Decision(x, np.arange(x.shape[0]))


def _labels(node, classes, number):
    """Labels, by the numbers of the largest outputs."""
    if not isinstance(number, Decision) or number.classes is MULTILABEL:
        raise node.refused("picks some of the values")
    return Decision(number.rows, _texts(classes.ravel()))


def _gather_labels(node, classes, number, *, axis: INT = 0):
    return _labels(node, classes, number)


def _zip_map(
    node, x, *, classlabels_int64s: INTS = None, classlabels_strings: STRINGS = None
):
    if not isinstance(x, Rows):
        raise node.damage()
    return Decision(x, _texts(classlabels_int64s or classlabels_strings))


def _texts(classes):
    """Labels as an array; a file has texts as bytes."""
    if any(isinstance(label, bytes) for label in classes):
        classes = [label.decode() for label in classes]
    return np.array(list(classes))


def _binarizer(node, x, *, threshold: FLOAT = 0.0):
    return _decided(node, x, np.array(threshold))


def _decided(node, x, threshold):
    """Labels, of probabilities over 1/2 or of logits over 0."""
    rows = _rows_of(node, x, threshold)
    half = 0.0
    if isinstance(rows.layer, Activation):
        half = 0.5 if rows.layer.name == "logistic" else np.nan
    if rows.shape is None or (threshold != half).any():
        raise node.refused("compares something else than a sigmoid output with 1/2")
    return Decision(rows, [0, 1] if prod(rows.shape) == 1 else MULTILABEL)


def _both(node, *parts, axis: INT):
    """Probabilities of two classes: 1 - p and p."""
    if len(parts) == 2 and all(isinstance(part, Rows) for part in parts):
        other, rows = parts
        if (
            axis in (1, -1)
            and rows.shape == other.shape == (1,)
            and isinstance(other.layer, Scale)
            and other.before.is_same(rows)
            and (other.layer.scale, other.layer.shift) == (-1, 1)
            and isinstance(rows.layer, Activation)
        ):
            return replace(rows, name=node.output, shape=(2,), has_both=True)
    raise _joined(node)


_ON_ROWS = {
    ("", "Gemm"): _gemm,
    ("", "MatMul"): _mat_mul,
    ("", "Add"): _add,
    ("", "Sub"): _subtract,
    ("", "Mul"): _multiply,
    ("", "Div"): _divide,
    ("", "Neg"): _negative,
    ("", "BatchNormalization"): _batch_normalization,
    ("ai.onnx.ml", "Scaler"): _scaler,
    ("", "Relu"): _activation("relu"),
    ("", "Tanh"): _activation("tanh"),
    ("", "Sigmoid"): _activation("logistic"),
    ("", "Exp"): _activation("exp"),
    ("", "Softmax"): _softmax,
    ("", "LogSoftmax"): _softmax,
    ("", "Identity"): _identity,
    ("", "Dropout"): _dropout,
    ("", "Cast"): _cast,
    ("", "Shape"): _shape,
    ("", "Flatten"): _flatten,
    ("", "Reshape"): _reshape,
    ("", "Expand"): _expand,
    ("", "Squeeze"): _squeeze,
    ("", "Unsqueeze"): _unsqueeze,
    ("", "ArgMax"): _arg_max,
    ("ai.onnx.ml", "ArrayFeatureExtractor"): _labels,
    ("", "Gather"): _gather_labels,
    ("ai.onnx.ml", "ZipMap"): _zip_map,
    ("ai.onnx.ml", "Binarizer"): _binarizer,
    ("", "Greater"): _decided,
    ("", "GreaterOrEqual"): _decided,
    ("", "Concat"): _both,
}

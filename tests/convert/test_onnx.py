"""Graphs of ONNX: what is read, what is refused, and damage of all kinds."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skcoreset._wrapped import network_of
from skcoreset.convert import from_onnx, from_weights, into_onnx
from skcoreset.convert.rewrite import check_holds

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from . import fuzz  # noqa: E402

FILES = Path(__file__).parent / "files"

RNG = np.random.default_rng(0)
W1, B1 = RNG.normal(size=(5, 4)).astype("f4"), RNG.normal(size=4).astype("f4")
W2, B2 = RNG.normal(size=(4, 3)).astype("f4"), RNG.normal(size=3).astype("f4")
X = RNG.normal(size=(40, 5)).astype("f4")

WEIGHTS = {"W1": W1, "B1": B1, "W2": W2, "B2": B2}


def node(kind, inputs, outputs, domain="", **attributes):
    """A node; names are given in one string each."""
    return helper.make_node(
        kind, inputs.split(), outputs.split(), domain=domain, **attributes
    )


FIRST = [node("Gemm", "x W1 B1", "a"), node("Relu", "a", "h")]
LAST = [node("Gemm", "h W2 B2", "y")]


def model_of(
    nodes,
    weights=(),
    *,
    shape=("n", 5),
    outputs=("y",),
    opset=17,
    kind=TensorProto.FLOAT,
    inputs=("x",),
):
    """A model with the weights of this module and some more."""
    weights = WEIGHTS | dict(weights)
    used = {name for each in nodes for name in each.input}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in outputs
        ],
        [
            numpy_helper.from_array(w, name)
            for name, w in weights.items()
            if name in used
        ],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def run(model, X):
    """The first output, by ONNX's own definition of its operators."""
    (name,) = [each.name for each in model.graph.input]
    return ReferenceEvaluator(model).run(None, {name: X})[0]


def assert_same(model, X=X, given=None, **params):
    """A model predicts the same as the estimator that it becomes, which is returned."""
    estimator = from_onnx(model, **params)
    expected = run(model, X if given is None else given)
    values = estimator.predict(X)
    if hasattr(estimator, "classes_"):
        values = estimator.predict_proba(X)[:, -expected.shape[-1] :]
    tolerance = 2e-6 * abs(expected).max()
    assert_allclose(values.reshape(expected.shape), expected, rtol=0, atol=tolerance)
    return estimator


# Operators


def array(*values, dtype="i8"):
    return np.array(values, dtype)


VECTOR = RNG.uniform(0.5, 2, 4).astype("f4")
OF_INPUT = RNG.uniform(0.5, 2, 5).astype("f4")

MATMUL = [node("MatMul", "x W", "a"), FIRST[1], *LAST]

READ = {
    "Gemm": (FIRST + LAST, {}),
    "Gemm, transposed": (
        [node("Gemm", "x T B1", "a", transB=1), FIRST[1], *LAST],
        {"T": W1.T.copy()},
    ),
    "Gemm with factors": (
        [node("Gemm", "x W1 B1", "a", alpha=0.5, beta=2.0), FIRST[1], *LAST],
        {},
    ),
    "Gemm without intercept": ([node("Gemm", "x W1", "a"), FIRST[1], *LAST], {}),
    "Gemm with one intercept": (
        [node("Gemm", "x W1 c", "a"), FIRST[1], *LAST],
        {"c": np.float32(0.3)},
    ),
    "MatMul and Add": (
        [
            node("MatMul", "x W1", "m"),
            node("Add", "m B1", "a"),
            FIRST[1],
            node("MatMul", "h W2", "k"),
            node("Add", "B2 k", "y"),
        ],
        {},
    ),
    "MatMul alone": ([node("MatMul", "x W1", "a"), FIRST[1], *LAST], {}),
    "tanh": ([FIRST[0], node("Tanh", "a", "h"), *LAST], {}),
    "sigmoid": ([FIRST[0], node("Sigmoid", "a", "h"), *LAST], {}),
    "linear": ([node("Gemm", "x W1 B1", "h"), *LAST], {}),
    "affine maps": (
        [
            FIRST[0],
            node("Mul", "a v", "b"),
            node("Sub", "b v", "c"),
            node("Relu", "c", "d"),
            node("Div", "d v", "e"),
            node("Neg", "e", "f"),
            node("Add", "v f", "g"),
            node("Sub", "two g", "h"),
            node("Gemm", "h W2 B2", "k"),
            node("Mul", "two k", "y"),
        ],
        {"v": VECTOR, "two": np.float32(2)},
    ),
    "normalization": (
        [
            *FIRST,
            node("BatchNormalization", "h v v2 v3 v", "k", epsilon=0.1),
            node("Gemm", "k W2 B2", "y"),
        ],
        {"v": VECTOR, "v2": VECTOR + 1, "v3": -VECTOR},
    ),
    "inputs in the units of a scaler": (
        [
            node("Sub", "x v", "s"),
            node("Div", "s v", "t"),
            node("Gemm", "t W1 B1", "a"),
            FIRST[1],
            *LAST,
        ],
        {"v": OF_INPUT},
    ),
    "nothing at prediction": (
        [
            node("Identity", "x", "i"),
            node("Cast", "i", "c", to=TensorProto.FLOAT),
            node("Gemm", "c W1 B1", "a"),
            node("Dropout", "a r f", "d"),
            node("Relu", "d", "h"),
            *LAST,
        ],
        {"r": np.float32(0.5), "f": np.array(False)},
    ),
    "softmax": ([*FIRST, node("Gemm", "h W2 B2", "l"), node("Softmax", "l", "y")], {}),
    "exponential": ([*FIRST, node("Gemm", "h W2 B2", "l"), node("Exp", "l", "y")], {}),
    "a flat output": (
        [*FIRST, node("Gemm", "h W s", "k"), node("Squeeze", "k one", "y")],
        {"W": W2[:, :1].copy(), "s": B2[:1], "one": array(1)},
    ),
    "a flat output, of all axes": (
        [*FIRST, node("Gemm", "h W s", "k"), node("Squeeze", "k", "y")],
        {"W": W2[:, :1].copy(), "s": B2[:1]},
    ),
    "an output with one more axis": (
        [*FIRST, node("Gemm", "h W2 B2", "k"), node("Unsqueeze", "k one", "y")],
        {"one": array(1)},
    ),
    "reshaped weights": (
        [node("Reshape", "x3 s", "W", allowzero=1), *MATMUL],
        {"x3": W1[None], "s": array(5, 4)},
    ),
    "constants": (
        [
            node("Constant", "", "T", value=numpy_helper.from_array(W1.T.copy())),
            node("Transpose", "T", "W", perm=[1, 0]),
            node("Constant", "", "c", value_floats=B1.tolist()),
            node("Constant", "", "two", value_float=2.0),
            node("Identity", "c", "c1"),
            node("Mul", "c1 two", "c2"),
            node("Div", "c2 two", "c3"),
            node("Gemm", "x W c3", "a"),
            FIRST[1],
            *LAST,
        ],
        {},
    ),
    "computed weights": (
        [
            node("Reshape", "flat s", "r"),
            node("Unsqueeze", "r zero", "u"),
            node("Squeeze", "u zero", "q"),
            node("Cast", "q", "W", to=TensorProto.FLOAT),
            node("Slice", "b from to", "c"),
            node("Flatten", "c", "e", axis=0),
            node("Gather", "e zero", "f"),
            node("Concat", "f f", "two", axis=0),
            node("Slice", "two zero one", "g"),
            node("Sqrt", "g", "k"),
            node("Exp", "k", "k1"),
            node("Reciprocal", "k1", "k2"),
            node("Neg", "k2", "k3"),
            node("Sub", "k3 f", "k4"),
            node("Add", "k4 f", "b1"),
            node("Gemm", "x W b1", "a"),
            FIRST[1],
            *LAST,
        ],
        {
            "flat": W1.ravel().astype("f8"),
            "s": array(5, -1),
            "zero": array(0),
            "one": array(1),
            "b": np.abs(np.tile(B1, 2)),
            "from": array(2),
            "to": array(6),
        },
    ),
}


@pytest.mark.parametrize("name", READ)
def test_is_read(name):
    nodes, weights = READ[name]
    model = model_of(nodes, weights)
    if name == "exponential" and "loss" not in MLPRegressor().get_params():
        pytest.skip("this scikit-learn has no Poisson loss")
    assert_same(model)


FLAT = {
    "Flatten": ([node("Flatten", "x", "f")], {}),
    "Flatten from the end": ([node("Flatten", "x", "f", axis=-3)], {}),
    "Reshape, as many rows as there are": (
        [node("Reshape", "x s", "f")],
        {"s": array(0, -1)},
    ),
    "Reshape, any number of rows": ([node("Reshape", "x s", "f")], {"s": array(-1, 5)}),
    "Reshape, a copied axis": (
        [node("Reshape", "x s", "r"), node("Squeeze", "r one", "f")],
        {"s": array(0, 0, 5), "one": array(1)},
    ),
    "Squeeze": ([node("Squeeze", "x s", "f")], {"s": array(1, -1)}),
    "the number of rows, computed": (
        [
            node("Shape", "x", "shape"),
            node("Gather", "shape zero", "n"),
            node("Concat", "n minus", "s", axis=0),
            node("Reshape", "x s", "f"),
        ],
        {"zero": array(0), "minus": array(-1)},
    ),
    "the number of rows, from a slice": (
        [
            node("Shape", "x", "n", end=1),
            node("Concat", "n minus", "s", axis=0),
            node("Reshape", "x s", "f"),
        ],
        {"minus": array(-1)},
    ),
    "expanded to the same shape": (
        [
            node("Flatten", "x", "f1"),
            node("Shape", "f1", "s"),
            node("ConstantOfShape", "s", "zeros"),
            node("Add", "f1 zeros", "f2"),
            node("Expand", "f2 s", "f"),
        ],
        {},
    ),
    "by channels": (
        [node("BatchNormalization", "x v v v v", "b"), node("Flatten", "b", "f")],
        {"v": np.array([2], "f4")},
    ),
}


@pytest.mark.parametrize("name", FLAT)
def test_rows_of_any_shape_are_flattened(name):
    nodes, weights = FLAT[name]
    given = X.reshape(-1, 1, 5, 1)
    nodes = [*nodes, node("Gemm", "f W1 B1", "a"), FIRST[1], *LAST]
    model = model_of(nodes, weights, shape=("n", 1, 5, 1))
    mlp = assert_same(model, given=given)
    small = into_onnx(mlp, model)
    assert_allclose(run(small, given), run(model, given), atol=1e-5)


def test_precision_that_changes_between_layers():
    nodes = [*FIRST, node("Cast", "h", "d", to=TensorProto.DOUBLE)]
    nodes.append(node("Gemm", "d W2 B2", "y"))
    model = model_of(nodes, {"W2": W2.astype("f8"), "B2": B2.astype("f8")})
    mlp = assert_same(model)
    assert mlp.coefs_[0].dtype == np.float64
    values = run(into_onnx(mlp, model), X)
    assert values.dtype == np.float64
    assert_allclose(values, mlp.predict(X.astype("f8")), rtol=1e-12)


@pytest.mark.parametrize("shape", [None, ("n", "m"), (1, 5), (None, None)])
def test_shapes_need_not_be_known(shape):
    nodes = [
        node("Flatten", "x", "f"),
        node("Sub", "f v", "g"),
        node("BatchNormalization", "g v v v v", "i"),
        node("Gemm", "i W1 B1", "a"),
        FIRST[1],
        *LAST,
    ]
    assert_same(model_of(nodes, {"v": OF_INPUT}, shape=shape))
    for target in (array(0, -1), array(-1, 5)):
        reshaped = [node("Reshape", "x s", "f"), *nodes[1:]]
        assert_same(model_of(reshaped, {"v": OF_INPUT, "s": target}, shape=shape))
    first = [node("BatchNormalization", "x v v v v", "i"), *nodes[3:]]
    assert_same(model_of(first, {"v": OF_INPUT}, shape=shape))


def test_graph_for_one_row_at_a_time():
    nodes = [node("Reshape", "x s", "f"), node("Gemm", "f W1 B1", "a"), FIRST[1], *LAST]
    model = model_of(nodes, {"s": array(1, 5)}, shape=(1, 1, 5))
    estimator = from_onnx(model)
    expected = np.vstack([run(model, row[None, None]) for row in X])
    assert_allclose(estimator.predict(X), expected, atol=1e-5)


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 18, 21])
def test_versions_of_the_operators(opset):
    axes = {"axes": [1]} if opset < 13 else {}
    nodes = [
        node("Unsqueeze", "x" if axes else "x one", "u", **axes),
        node("Squeeze", "u" if axes else "u one", "q", **axes),
        node("Gemm", "q W1 B1", "a"),
        FIRST[1],
        node("Dropout", "h", "d"),
        node("MatMul", "d W2", "m"),
        node("Add", "m B2", "l"),
        node("LogSoftmax", "l", "p", axis=1),
        node("Exp", "p", "y"),
    ]
    with_log = model_of(nodes[:-1], {"one": array(1)}, opset=opset, outputs=("p",))
    mlp = from_onnx(with_log)
    expected = ReferenceEvaluator(with_log).run(None, {"x": X})[0]
    assert_allclose(mlp.predict_log_proba(X), expected, atol=1e-5)
    with pytest.raises(ValueError, match=r"Exp. does not follow a fully connected"):
        from_onnx(model_of(nodes, {"one": array(1)}, opset=opset))


def test_old_slices_have_attributes():
    nodes = [
        node("Slice", "B", "b", starts=[2], ends=[6], axes=[0]),
        node("Gemm", "x W1 b", "a"),
        FIRST[1],
        *LAST,
    ]
    assert_same(model_of(nodes, {"B": np.tile(B1, 2)}, opset=9))


def test_initializers_may_be_inputs_as_before_version_4():
    model = model_of(FIRST + LAST)
    for tensor in model.graph.initializer:
        info = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        model.graph.input.append(info)
    model.ir_version = 3
    assert_array_equal(from_onnx(model).coefs_[0], W1)
    small = into_onnx(from_onnx(model), model)
    assert [each.name for each in small.graph.input] == ["x"]
    assert_allclose(run(small, X), run(model_of(FIRST + LAST), X), atol=1e-5)


@pytest.mark.parametrize("by_axes", [False, True])
@pytest.mark.parametrize("as_node", [False, True])
def test_sparse_weights(by_axes, as_node):
    W = W1 * (RNG.random(W1.shape) < 0.4)
    places = np.argwhere(W) if by_axes else np.flatnonzero(W)
    values = numpy_helper.from_array(W[np.nonzero(W)], "W1")
    tensor = helper.make_sparse_tensor(values, numpy_helper.from_array(places), W.shape)
    model = model_of(FIRST + LAST)
    for each in model.graph.initializer:
        if each.name == "W1":
            model.graph.initializer.remove(each)
    if as_node:
        model.graph.node.insert(0, node("Constant", "", "W1", sparse_value=tensor))
    else:
        model.graph.sparse_initializer.append(tensor)
    mlp = from_onnx(model)
    assert_array_equal(mlp.coefs_[0], W)
    assert not into_onnx(mlp, model).graph.sparse_initializer


@pytest.mark.parametrize(
    "kind, expected", [("FLOAT16", "f4"), ("BFLOAT16", "f4"), ("DOUBLE", "f8")]
)
def test_floats_of_all_sizes(kind, expected):
    kind = getattr(TensorProto, kind)
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    arrays = {name: w.astype(dtype) for name, w in WEIGHTS.items()}
    model = model_of(FIRST + LAST, arrays, kind=kind)
    mlp = from_onnx(model)
    assert mlp.coefs_[0].dtype == expected
    assert_array_equal(mlp.coefs_[0], arrays["W1"].astype(expected))


def test_rows_of_whole_numbers_are_cast():
    nodes = [node("Cast", "x", "c", to=TensorProto.FLOAT), node("Gemm", "c W1 B1", "a")]
    pixels = RNG.integers(0, 255, (30, 5)).astype("u1")
    model = model_of([*nodes, FIRST[1], *LAST], kind=TensorProto.UINT8)
    mlp = assert_same(model, pixels.astype("f4"), given=pixels)
    assert_array_equal(run(into_onnx(mlp, model), pixels), run(model, pixels))


# What the outputs stand for

LOGITS = [*FIRST, node("Gemm", "h W2 B2", "l")]
PROBABILITIES = [*LOGITS, node("Softmax", "l", "p")]
SIGMOID = [*FIRST, node("Gemm", "h W B", "l"), node("Sigmoid", "l", "q")]
BINARY = [
    *SIGMOID,
    node("Sub", "one q", "o"),
    node("Concat", "o q", "p", axis=1),
]
ONE = {"W": W2[:, :1].copy(), "B": B2[:1], "one": np.float32(1)}


@pytest.mark.parametrize(
    "nodes, outputs, classes",
    [
        (PROBABILITIES, "p", [0, 1, 2]),
        ([*LOGITS, node("ArgMax", "l", "y", axis=1)], "y", [0, 1, 2]),
        ([*PROBABILITIES, node("ArgMax", "p", "y", axis=-1)], "y p", [0, 1, 2]),
        ([*PROBABILITIES, node("ArgMax", "p", "y", axis=1)], "l p y", [0, 1, 2]),
        (
            [
                *PROBABILITIES,
                node("ArgMax", "p", "i", axis=1, keepdims=0),
                node("Gather", "names i", "y", axis=0),
            ],
            "y",
            ["a", "b", "c"],
        ),
        (
            [
                *PROBABILITIES,
                node("ArgMax", "p", "i", axis=1),
                node("ArrayFeatureExtractor", "numbers i", "k", "ai.onnx.ml"),
                node("Reshape", "k s", "r"),
                node("Cast", "r", "y", to=TensorProto.INT64),
            ],
            "p y",
            [2, 5, 9],
        ),
        (
            [
                *PROBABILITIES,
                node(
                    "ZipMap",
                    "p",
                    "y",
                    "ai.onnx.ml",
                    classlabels_strings=["z", "y", "x"],
                ),
            ],
            "y",
            ["x", "y", "z"],
        ),
        (BINARY, "p", [0, 1]),
        ([*BINARY, node("ArgMax", "p", "y", axis=1)], "y p", [0, 1]),
        ([*SIGMOID, node("Greater", "q half", "y")], "y", [0, 1]),
        ([*SIGMOID[:-1], node("GreaterOrEqual", "l zero", "y")], "y", [0, 1]),
        (
            [*SIGMOID, node("Binarizer", "q", "y", "ai.onnx.ml", threshold=0.5)],
            "y q",
            [0, 1],
        ),
    ],
)
def test_classes_are_read_from_the_graph(nodes, outputs, classes):
    weights = ONE | {
        "names": np.array(["a", "b", "c"], object),
        "numbers": array(2, 5, 9),
        "s": array(-1),
        "half": np.float32(0.5),
        "zero": np.float32(0),
    }
    model = model_of(nodes, weights, outputs=outputs.split())
    mlp = from_onnx(model)
    assert isinstance(mlp, MLPClassifier)
    assert mlp.classes_.tolist() == classes
    logits = ReferenceEvaluator(model_of(nodes[:3], weights, outputs=["l"])).run(
        None, {"x": X}
    )[0]
    numbers = logits.argmax(axis=1) if logits.shape[1] > 1 else logits[:, 0] > 0
    names = ["z", "y", "x"] if "z" in classes else classes
    assert_array_equal(mlp.predict(X), np.array(names)[numbers.astype(int)])
    # and the model takes it back
    same = from_onnx(into_onnx(mlp, model))
    assert_allclose(same.predict_proba(X), mlp.predict_proba(X), atol=1e-6)
    assert_array_equal(same.classes_, mlp.classes_)


def test_classes_that_are_given_take_precedence():
    model = model_of([*PROBABILITIES, node("ArgMax", "p", "y", axis=1)], outputs=["y"])
    given = ["z", "x", "y"]
    mlp = from_onnx(model, classes=given)
    numbers = ReferenceEvaluator(model).run(None, {"x": X})[0].ravel()
    assert_array_equal(mlp.predict(X), np.array(given)[numbers])
    same = from_onnx(into_onnx(mlp, model, classes=given), classes=given)
    assert_array_equal(same.predict(X), mlp.predict(X))


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_two_classes_given_in_falling_order_come_back(n_outputs):
    weights = {"W": W2[:, :n_outputs].copy(), "B": B2[:n_outputs]}
    model = model_of(SIGMOID[:-1], weights, outputs=["l"])
    mlp = from_onnx(model, classes=["yes", "no"])
    small = into_onnx(mlp, model, classes=["yes", "no"])
    logits, same = run(model, X), run(small, X)
    if n_outputs == 2:
        logits, same = logits[:, 1] - logits[:, 0], same[:, 1] - same[:, 0]
    assert_allclose(same, logits, atol=1e-5)
    assert_array_equal(mlp.predict(X) == "no", logits.ravel() > 0)


def test_labels_of_their_own():
    nodes = [*LOGITS, node("Sigmoid", "l", "q"), node("Greater", "q half", "y")]
    model = model_of(nodes, {"half": np.float32(0.5)}, outputs=["y"])
    mlp = from_onnx(model)
    assert_array_equal(mlp.predict(X), run(model, X))
    assert mlp.predict(X).shape == (40, 3)
    assert_array_equal(from_onnx(into_onnx(mlp, model)).predict(X), mlp.predict(X))
    linear = model_of(LOGITS, outputs=["l"])
    assert_array_equal(
        from_onnx(linear, classes="multilabel").predict(X), mlp.predict(X)
    )


# What is refused

SKIP = [*FIRST, node("Gemm", "h W2 B2", "k")]

REFUSED = {
    "gelu": (
        [FIRST[0], node("Erf", "a", "e"), node("Mul", "a e", "h"), *LAST],
        r"\(Erf\).*Train the network with ReLU",
    ),
    "leaky": (
        [FIRST[0], node("LeakyRelu", "a", "h"), *LAST],
        "LeakyRelu.*tanh or sigmoid",
    ),
    "convolution": (
        [node("Conv", "x W1", "y")],
        r"Node 'y' \(Conv\).*Export the fully",
    ),
    "quantized": ([node("QuantizeLinear", "x W1 B1", "y")], "before it was quantized"),
    "unknown": ([node("TopK", "x W1", "y")], "TopK.*from_onnx reads fully connected"),
    "vendor": (
        [node("FusedGemm", "x W1 B1", "y", "com.microsoft")],
        "'com.microsoft'.*optimization",
    ),
    "skip connection": ([*SKIP, node("Add", "k k", "y")], "Add. joins two tensors"),
    "gate": ([*FIRST, node("Mul", "a h", "y")], "joins two tensors that depend"),
    "concatenation": (
        [*FIRST, node("Concat", "h h", "y", axis=1)],
        "joins two tensors",
    ),
    "rows second": ([node("MatMul", "T x", "y")], "rows as its second input"),
    "rows as weights": ([node("Gemm", "x x B1", "y")], "joins two"),
    "transposed rows": (
        [node("Gemm", "x W1 B1", "y", transA=1)],
        "transposes the rows",
    ),
    "weights": (
        [node("Einsum", "W1 W2", "k", equation="ij,jk"), node("MatMul", "x k", "y")],
        "not supported where weights are computed",
    ),
    "training": (
        [
            *FIRST,
            node("BatchNormalization", "h B1 B1 B1 B1", "k u v", training_mode=1),
            node("Gemm", "k W2 B2", "y"),
        ],
        "as in training",
    ),
    "dropout": (
        [*FIRST, node("Dropout", "h half yes", "k"), node("Gemm", "k W2 B2", "y")],
        "drops values as in training",
    ),
    "second output": (
        [*FIRST, node("Dropout", "h half no", "k m"), node("Gemm", "m W2 B2", "y")],
        "Output 1 of Node 'k'",
    ),
    "attribute": (
        [node("Gemm", "x W1 B1", "y", gamma=1.0)],
        "unknown attribute, 'gamma'",
    ),
    "softmax of rows": (
        [*FIRST, node("Softmax", "h", "y", axis=0)],
        "no softmax over the outputs",
    ),
    "rounding": (
        [node("Cast", "x", "i", to=TensorProto.INT64), node("Gemm", "i W1 B1", "y")],
        "rounds",
    ),
    "after labels": (
        [*FIRST, node("ArgMax", "h", "i", axis=1), node("Relu", "i", "y")],
        "computes with labels",
    ),
    "labels of rows": ([*FIRST, node("ArgMax", "h", "y", axis=0)], "mixes rows"),
    "labels of labels": (
        [*FIRST, node("ArgMax", "h", "i", axis=1), node("ArgMax", "i", "y", axis=1)],
        "is not the largest",
    ),
    "columns": ([node("Gather", "x one", "y", axis=1)], "picks some of the values"),
    "threshold": (
        [*FIRST, node("Greater", "h half", "y")],
        "something else than a sigmoid",
    ),
    "mixed rows": ([node("Flatten", "x", "y", axis=0)], "mixes rows"),
    "mixed rows of any shape": ([node("Flatten", "z", "y", axis=2)], "mixes rows"),
    "two axes": (
        [node("Reshape", "x s", "r"), node("Gemm", "r W1 B1", "y")],
        "mixes rows",
    ),
    "targets of another type": ([node("Reshape", "x half", "y")], "damaged"),
    "other probabilities": ([*FIRST, node("Concat", "h W2", "y", axis=1)], "joins two"),
    "doubled probabilities": (
        [
            *FIRST,
            node("Gemm", "h w c", "l"),
            node("Sigmoid", "l", "q"),
            node("Concat", "q q", "y", axis=1),
        ],
        "joins two",
    ),
    "squeezed rows": ([node("Squeeze", "x zero", "y")], "mixes rows"),
    "unsqueezed rows": ([node("Unsqueeze", "x zero", "y")], "mixes rows"),
    "rows of each": (
        [*FIRST, node("Add", "h seven", "y")],
        "does not treat all rows alike",
    ),
    "cube": (
        [node("Unsqueeze", "x one", "u"), node("Gemm", "u W1 B1", "y")],
        "Flatten them",
    ),
    "repeated": ([node("Expand", "x s", "y")], "repeats values"),
    "parameters": (
        [node("ArgMax", "x", "i", axis=1), node("Reshape", "x i", "y")],
        "parameters that depend",
    ),
    "shape of labels": (
        [node("ArgMax", "x", "i", axis=1), node("Shape", "i", "y")],
        "unknown shape",
    ),
    "type": (
        [
            node("Cast", "W1", "k", to=TensorProto.FLOAT8E5M2),
            node("MatMul", "x k", "y"),
        ],
        "type that is not read",
    ),
    "quantized weights": ([node("MatMul", "x E", "y")], "type that is not read"),
    "text": (
        [node("Constant", "", "k", value_string="text"), node("MatMul", "x k", "y")],
        "unknown attribute",
    ),
    "nothing": (
        [node("Constant", "", "k"), node("MatMul", "x k", "y")],
        "constant of a type",
    ),
    "constant output": (
        [node("Identity", "W1", "y")],
        "output of the model is a constant",
    ),
    "missing": ([node("Relu", "nowhere", "y")], "Nothing computes 'nowhere'"),
    "tanh at the end": ([*FIRST, node("Tanh", "h", "y")], "Tanh. does not follow"),
    "twice": ([*FIRST, node("Relu", "x", "h"), *LAST], "for the second time"),
    "few inputs": ([node("Gemm", "x", "y")], "Gemm. is damaged"),
    "many inputs": ([node("Relu", "x W1", "y")], "Relu. is damaged"),
    "shapes": ([node("MatMul", "x W2", "y")], "MatMul. is damaged"),
    "normalization of others": (
        [node("BatchNormalization", "x B1 B1 B1 B1", "y")],
        "damaged",
    ),
    "kind of attribute": ([node("Gemm", "x W1 B1", "y", alpha="1")], "damaged"),
    "targets": ([node("Reshape", "x minus", "y")], "damaged"),
    "texts": ([node("Add", "x texts", "y")], "Add. is damaged"),
    "map of labels": (
        [
            *FIRST,
            node("ArgMax", "h", "i", axis=1),
            node("ZipMap", "i", "y", "ai.onnx.ml"),
        ],
        "damaged",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_with_the_name_of_the_node(name):
    nodes, message = REFUSED[name]
    weights = {
        "T": W1.T.copy(),
        "seven": np.ones((7, 4), "f4"),
        "w": W2[:, :1].copy(),
        "c": B2[:1],
        "half": np.float32(0.5),
        "yes": np.array(True),
        "no": np.array(False),
        "zero": array(0),
        "one": array(1),
        "s": array(5, -1),
        "minus": array(-1, -1),
        "texts": np.array(["a"], object),
        "E": W1.astype(helper.tensor_dtype_to_np_dtype(TensorProto.FLOAT8E5M2)),
    }
    unknown = any("z" in each.input for each in nodes)
    model = model_of(
        nodes,
        weights,
        shape=None if unknown else ("n", 5),
        inputs=["z" if unknown else "x"],
    )
    with pytest.raises(ValueError, match=message) as caught:
        from_onnx(model)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("kind", ["Squeeze", "Unsqueeze", "Shape"])
def test_shape_that_is_needed_and_not_known_is_refused(kind):
    nodes = [node(kind, "x" if kind == "Shape" else "x one", "y")]
    with pytest.raises(ValueError, match=r"unknown shape.*with shapes"):
        from_onnx(model_of(nodes, {"one": array(1)}, shape=None))
    with pytest.raises(ValueError, match="mixes rows"):
        from_onnx(
            model_of([node("Reshape", "x s", "y")], {"s": array(0, 0)}, shape=None)
        )


def test_inputs_that_are_no_rows_are_refused():
    with pytest.raises(ValueError, match="input 'x' has 1 dimensions"):
        from_onnx(model_of(FIRST + LAST, shape=(5,)))
    with pytest.raises(ValueError, match="no tensor of numbers"):
        from_onnx(model_of(FIRST + LAST, kind=TensorProto.STRING))
    with pytest.raises(ValueError, match="joins two tensors"):
        from_onnx(model_of([node("Add", "x z", "s")], inputs=["x", "z"], outputs=["s"]))


def test_labels_of_another_output_are_not_taken():
    nodes = [*FIRST, *LAST, node("Gemm", "h W2", "z")]
    nodes += [node("ArgMax", "z", "c", axis=1), node("Softmax", "y", "p")]
    mlp = from_onnx(model_of(nodes, outputs=["c", "p"]), output="p")
    assert mlp.classes_.tolist() == [0, 1, 2]
    regressor = from_onnx(model_of(nodes, outputs=["c", "y"]), output="y")
    assert isinstance(regressor, MLPRegressor)


def test_outputs_without_a_name_are_passed_over():
    nodes = [*FIRST, node("Dropout", "h", "d"), node("Gemm", "d W2 B2", "y")]
    nodes[2].output.append("")
    assert_same(model_of(nodes))


def test_outputs_that_differ_are_chosen_by_name():
    nodes = [*FIRST, *LAST, node("Gemm", "h W2", "z"), node("Conv", "x W1", "c")]
    model = model_of(nodes, outputs=["y", "z"])
    with pytest.raises(ValueError, match=r"different values.*one of 'y', 'z'"):
        from_onnx(model)
    assert_array_equal(from_onnx(model, output="z").intercepts_[1], np.zeros(3))
    with pytest.raises(ValueError, match=r"Conv.*Pass as output one of 'y', 'c'"):
        from_onnx(model_of(nodes, outputs=["y", "c"]))
    with pytest.raises(ValueError, match=r"output='q' is not an output.*'y', 'z'"):
        from_onnx(model, output="q")


# Damaged, huge and hostile files


def test_other_files_are_not_opened(tmp_path):
    model = model_of(FIRST + LAST)
    onnx.save(
        model,
        tmp_path / "model.onnx",
        save_as_external_data=True,
        location="weights",
        size_threshold=0,
    )
    with pytest.raises(
        ValueError, match=r"another file.*external_data=False.*onnx\.load"
    ):
        from_onnx(tmp_path / "model.onnx")
    assert_array_equal(from_onnx(onnx.load(tmp_path / "model.onnx")).coefs_[0], W1)


def test_standard_operators_have_two_names():
    model = model_of(FIRST + LAST)
    model.opset_import[0].domain = "ai.onnx"
    for each in model.graph.node:
        each.domain = "ai.onnx"
    assert_array_equal(from_onnx(model).coefs_[0], W1)


def test_old_operators_are_refused():
    with pytest.raises(ValueError, match=r"opset 6.*version_converter"):
        from_onnx(model_of(FIRST + LAST, opset=6))


def test_other_bytes_and_objects_are_refused(tmp_path):
    for data in (b"", b"PK\3\4", b"\0" * 100, bytes(range(256))):
        with pytest.raises(ValueError, match="no ONNX model"):
            from_onnx(data)
    with pytest.raises(TypeError, match=r"must be a path, bytes or.*got MLPClassifier"):
        from_onnx(MLPClassifier())
    with pytest.raises(FileNotFoundError):
        from_onnx(tmp_path / "nothing.onnx")
    with pytest.raises(ValueError, match="'output' parameter"):
        from_onnx(b"", output=1)


def test_onnx_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"skcoreset\[convert\]"):
        from_onnx(b"")


def sparse_of(shape, places=(0,)):
    values = numpy_helper.from_array(np.ones(len(places), "f4"), "W1")
    places = numpy_helper.from_array(np.array(places, "i8"))
    return helper.make_sparse_tensor(values, places, shape)


HUGE = {
    "sparse": sparse_of((2**20, 2**20)),
    "outside": sparse_of((5, 4), [20]),
    "negative": sparse_of((5, 4), [-1]),
    "outside of an axis": sparse_of((5, 4), [[0, 4]]),
    "of a wrong shape": sparse_of((5, 4), [[[0]]]),
    "of a wrong rank": sparse_of((5, 4), [[0, 0, 0]]),
    "of no shape": sparse_of((5, 0)),
}


@pytest.mark.parametrize("name", HUGE)
def test_sparse_weights_that_cannot_be_are_refused(name):
    model = model_of(FIRST + LAST)
    del model.graph.initializer[0]
    model.graph.sparse_initializer.append(HUGE[name])
    with pytest.raises(
        ValueError, match="max_bytes" if name == "sparse" else "damaged"
    ):
        from_onnx(model)


def test_memory_is_limited(tmp_path):
    n = 2**20
    tensor = TensorProto(name="W1", dims=[n, n], data_type=TensorProto.FLOAT)
    doubled = [node("Concat", f"k{i} k{i}", f"k{i + 1}", axis=0) for i in range(40)]
    tall, wide = np.ones((n, 1), "f4"), np.ones((1, n), "f4")
    models = [
        model_of(
            [node("Add", "tall wide", "W"), node("MatMul", "x W", "y")],
            {"tall": tall, "wide": wide},
        ),
        model_of([*doubled, node("MatMul", "x k40", "y")], {"k0": wide}),
        model_of(
            [node("ConstantOfShape", "s", "W"), node("MatMul", "x W", "y")],
            {"s": array(n, n)},
        ),
        model_of(
            [node("Gather", "tall i", "W"), node("MatMul", "x W", "y")],
            {"tall": tall.T, "i": np.zeros(n, "i8")},
        ),
        model_of(
            [node("Mul", "x two", "y")], {"two": wide[0, :2]}, shape=("n", n, n, 2)
        ),
        model_of(
            [
                node("MatMul", "x tall", "a"),
                node("MatMul", "a wide", "b"),
                node("Relu", "b", "h"),
                node("MatMul", "h tall", "y"),
            ],
            {"tall": tall, "wide": wide},
            shape=("n", n),
        ),
    ]
    models.append(model_of(FIRST + LAST))
    del models[-1].graph.initializer[0]
    models[-1].graph.initializer.append(tensor)
    for model in models:
        with pytest.raises(ValueError, match=r"more.*max_bytes=67,108,864"):
            from_onnx(model, max_bytes=2**26)
    path = tmp_path / "model.onnx"
    onnx.save(model_of(FIRST + LAST), path)
    with pytest.raises(ValueError, match="max_bytes=100"):
        from_onnx(path, max_bytes=100)


def test_deep_graphs_are_read():
    names = ["x", *(f"n{i}" for i in range(3_000))]
    nodes = [node("Neg", *each) for each in pairwise(names)]
    model = model_of([*nodes, node("MatMul", f"{names[-1]} W1", "y")])
    assert_allclose(from_onnx(model).predict(X), X @ W1, atol=1e-5)


@pytest.mark.parametrize("damage", [fuzz.damaged_bytes, fuzz.damaged_fields])
def test_damaged_files_give_a_network_or_one_clear_error(damage):
    files = [path.read_bytes() for path in sorted(FILES.glob("*.onnx"))]
    n_networks = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        data = damage(files[rng.integers(len(files))], rng)
        try:
            estimator = from_onnx(data, max_bytes=2**24)
        except ValueError as error:
            assert 0 < len(str(error)) < 1000
        else:
            n_networks += 1
            assert estimator.n_features_in_ > 0
    assert 0 < n_networks < 200


# Back


def test_network_that_does_not_fit_the_model_is_refused():
    model = model_of(FIRST + LAST)
    other = from_onnx(model_of(PROBABILITIES, outputs=["p"]))
    wide = from_weights([np.ones((6, 3))], [np.zeros(3)], activation="relu")
    for estimator in (other, wide):
        with pytest.raises(ValueError, match="does not take as many features"):
            into_onnx(estimator, model)


def test_weights_that_do_not_fit_the_precision_of_the_model_are_refused():
    arrays = {name: w.astype("f2") for name, w in WEIGHTS.items()}
    model = model_of(FIRST + LAST, arrays, kind=TensorProto.FLOAT16)
    mlp = from_onnx(model)
    mlp.coefs_[0] *= 1e6
    with pytest.raises(ValueError, match="too large for float16"):
        into_onnx(mlp, model)


def test_model_is_compared_with_the_network_in_it():
    model, other = model_of(FIRST + LAST), model_of(FIRST + LAST, {"B2": B2 + 1})
    check_holds(model, network_of(from_onnx(model)))
    for different in (other, model_of([node("Gemm", "x W1 B1", "y")])):
        with pytest.raises(ValueError, match="does not hold the network"):
            check_holds(model, network_of(from_onnx(different)))


def test_output_that_keeps_the_original_network_is_refused():
    nodes = [
        *FIRST,
        *LAST,
        node("Gemm", "h W2 B2", "z"),
        node("ArgMax", "z", "c", axis=1),
    ]
    model = model_of(nodes, outputs=["y", "z"])
    assert into_onnx(from_onnx(model, output="y"), model, output="y") is not None
    model = model_of(
        [*PROBABILITIES, node("ArgMax", "l", "y", axis=1)], outputs=["p", "y"]
    )
    small = into_onnx(from_onnx(model), model)
    assert {each.op_type for each in small.graph.node} == {
        "ArgMax",
        "Gemm",
        "Relu",
        "Softmax",
    }


def test_scaler_is_folded_into_the_first_layer_and_a_clip_refused():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler

    model = model_of(FIRST + LAST)
    mlp = from_onnx(model)
    scaler = MinMaxScaler().fit(X)
    pipeline = make_pipeline(scaler, mlp)
    assert_allclose(run(into_onnx(pipeline, model), X), pipeline.predict(X), atol=1e-5)
    scaler.set_params(clip=True)
    with pytest.raises(ValueError, match="clip=False"):
        into_onnx(pipeline, model)


def test_names_in_the_model_stay_unique():
    nodes = [
        node("Gemm", "x Gemm_1 B1", "weights_1"),
        node("Relu", "weights_1", "Relu_1"),
        node("Gemm", "Relu_1 weights_2 B2", "y"),
    ]
    model = model_of(nodes, {"Gemm_1": W1, "weights_2": W2})
    small = into_onnx(from_onnx(model), model)
    names = [name for each in small.graph.node for name in each.output]
    names += [each.name for each in small.graph.initializer]
    assert len(set(names)) == len(names)
    assert_allclose(run(small, X), run(model, X), atol=1e-6)


def test_graphs_in_nodes_keep_what_they_take():
    branch = helper.make_graph(
        [node("Identity", "y", "b")],
        "branch",
        [],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
    )
    nodes = [
        *FIRST,
        *LAST,
        node("If", "yes", "z", then_branch=branch, else_branch=branch),
    ]
    model = model_of(nodes, {"yes": np.array(True)}, outputs=["z", "y"])
    small = into_onnx(from_onnx(model, output="y"), model, output="y")
    assert_allclose(run(small, X), run(model, X), atol=1e-6)

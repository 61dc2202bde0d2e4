"""ONNX: the same predictions in another runtime."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor

from ..conftest import fitted, may_collapse

# magnitude is fast, and loses classes; how good networks are is tested elsewhere
pytestmark = may_collapse


def compressed(estimator, X, **params):
    params = {"method": "magnitude", "density": 0.2, "random_state": 0} | params
    return CoresetCompressor(estimator, **params).fit(X)


@pytest.fixture(scope="module")
def wide_mlp():
    """A classifier of 784-300-100-10 in float32, which has seen noise."""
    rng = np.random.default_rng(0)
    X = rng.random((200, 784), dtype=np.float32)
    mlp = MLPClassifier((300, 100), random_state=0)
    return mlp.partial_fit(X, np.arange(200) % 10, classes=np.arange(10)), X


def run_onnx(model, X, **params):
    """Names and values of the outputs of a model, converted and run on X."""
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    graph = skl2onnx.to_onnx(model, X[:1], **params).SerializeToString()
    session = onnxruntime.InferenceSession(graph)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X})))


@pytest.fixture
def converter():
    pytest.importorskip("skl2onnx")
    from skcoreset.export.onnx import register_converter

    register_converter()


def targets(name, y):
    return {
        "multiclass": y,
        "binary": y > 4,
        "strings": np.array(list("abcdefghij"))[y],
        "multilabel": np.column_stack([y > 4, y % 2, y % 3 == 0]).astype(int),
        "two labels": np.column_stack([y > 4, y % 2]).astype(int),
    }[name]


@pytest.mark.usefixtures("converter")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wrapped", [False, True], ids=["mlp", "pipeline"])
@pytest.mark.parametrize(
    "problem", ["multiclass", "binary", "strings", "multilabel", "two labels"]
)
def test_onnx_classifier_gives_the_same(problem, wrapped, dtype, digits):
    X, y, X_new, _ = digits
    mlp = MLPClassifier((16,), max_iter=30, random_state=0)
    estimator = make_pipeline(StandardScaler(), mlp) if wrapped else mlp
    fitted(estimator, X.astype(dtype), targets(problem, y))
    X_new = X_new.astype(dtype)
    compressor = compressed(estimator, X_new)
    outputs = run_onnx(compressor, X_new)
    assert list(outputs) == ["label", "probabilities"]
    np.testing.assert_array_equal(outputs["label"], compressor.predict(X_new))
    expected = compressor.predict_proba(X_new)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-5)
    assert outputs["probabilities"].dtype == dtype


@pytest.mark.usefixtures("converter")
@pytest.mark.parametrize("wrapped", [False, True], ids=["mlp", "pipeline"])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_onnx_regressor_gives_the_same(n_outputs, wrapped, digits):
    X, y, X_new, _ = digits
    Y = np.column_stack([y, X.sum(axis=1), -y])[:, :n_outputs]
    mlp = MLPRegressor(hidden_layer_sizes=(16,), max_iter=30, random_state=0)
    estimator = make_pipeline(StandardScaler(), mlp) if wrapped else mlp
    fitted(estimator, X, Y[:, 0] if n_outputs == 1 else Y)
    compressor = compressed(estimator, X_new)
    outputs = run_onnx(compressor, X_new)
    assert list(outputs) == ["variable"]
    expected = compressor.predict(X_new).reshape(-1, n_outputs)
    np.testing.assert_allclose(outputs["variable"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("converter")
def test_onnx_of_what_is_not_fitted(mlp, digits):
    with pytest.raises(NotFittedError):
        run_onnx(CoresetCompressor(mlp), digits[2])


@pytest.mark.usefixtures("converter")
def test_onnx_poisson_regressor_gives_the_same(digits):
    if "loss" not in MLPRegressor().get_params():
        pytest.skip("this scikit-learn has no Poisson loss")
    X, y, X_new, _ = digits
    mlp = MLPRegressor("poisson", (16,), max_iter=30, random_state=0)
    compressor = compressed(fitted(mlp, X, y), X_new)
    values = run_onnx(compressor, X_new)["variable"].ravel()
    np.testing.assert_allclose(values, compressor.predict(X_new), rtol=1e-4)


@pytest.mark.usefixtures("converter")
def test_onnx_pipeline_that_ends_in_a_compressor(mlp, digits):
    X = digits[2]
    pipeline = make_pipeline(
        StandardScaler(with_mean=False, with_std=False), compressed(mlp, X)
    )
    pipeline[0].fit(X)
    outputs = run_onnx(pipeline, X, options={"zipmap": False})
    np.testing.assert_array_equal(outputs["label"], pipeline.predict(X))


@pytest.mark.usefixtures("converter")
def test_onnx_file_is_as_large_as_that_of_the_dense_network(wide_mlp):
    from skl2onnx import to_onnx

    mlp, X = wide_mlp
    small = compressed(mlp, X[:150], density=0.05, prune_neurons=False)
    size = to_onnx(small, X[:1]).ByteSize()
    assert size == pytest.approx(to_onnx(mlp, X[:1]).ByteSize(), rel=0.01)


# Without the zeros


@pytest.mark.usefixtures("converter")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_file_is_as_small_as_the_network_is_sparse(dtype, wide_mlp):
    onnx = pytest.importorskip("onnx")
    from skl2onnx import to_onnx

    from skcoreset.export.onnx import sparsify

    mlp, X = wide_mlp
    X = X.astype(dtype)
    small = compressed(mlp, X[:150], density=0.05, prune_neurons=False)
    model = to_onnx(small, X[:1])
    before = model.SerializeToString()
    sparse_model = sparsify(model)
    onnx.checker.check_model(sparse_model)
    assert model.SerializeToString() == before
    size = np.dtype(dtype).itemsize
    n_bytes = sum(
        min(coef.nnz * (8 + size), np.prod(coef.shape) * size) for coef in small.coefs_
    )
    assert sparse_model.ByteSize() == pytest.approx(n_bytes, rel=0.05)

    onnxruntime = pytest.importorskip("onnxruntime")
    outputs = [
        onnxruntime.InferenceSession(each.SerializeToString()).run(None, {"X": X})
        for each in (model, sparse_model)
    ]
    for dense, sparse in zip(*outputs):
        np.testing.assert_array_equal(sparse, dense)


def test_dense_weights_stay_as_they_are(mlp, digits):
    pytest.importorskip("skl2onnx")
    from skl2onnx import to_onnx

    from skcoreset.export.onnx import sparsify

    model = to_onnx(mlp, digits[2][:1])
    assert sparsify(model) == model


def test_converter_of_the_mlp_is_left_alone(mlp, digits):
    pytest.importorskip("skl2onnx")
    from skl2onnx import get_model_alias, to_onnx
    from skl2onnx.common._registration import get_converter

    from skcoreset.export.onnx import register_converter

    def registered():
        aliases = map(get_model_alias, (MLPClassifier, MLPRegressor))
        return [(alias, get_converter(alias)) for alias in aliases]

    X = digits[2]
    before = registered(), to_onnx(mlp, X[:1]).SerializeToString()
    register_converter()
    assert (registered(), to_onnx(mlp, X[:1]).SerializeToString()) == before


# Converted and compared in one call


LABELS = {
    "bool": np.array([False, True]),
    "one class": np.array([7]),
    "one name": np.array(["only"]),
    "names": np.array(["é", "a b", ""]),
    "int8": np.array([-3, 0, 5], np.int8),
    "article numbers": np.array([4006381333931, 4006381333948, 9780201379624]),
    "largest": np.array([-(2**63), 0, 2**63 - 1]),
    "whole floats": np.array([0.0, 1.0, 2.0]),
    "uint64": np.array([1, 2**63 - 1], np.uint64),
}


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("wrapped", [False, True], ids=["mlp", "pipeline"])
def test_labels_are_those_of_scikit_learn(kind, wrapped, digits):
    onnx = pytest.importorskip("skcoreset.export.onnx")
    pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y, X_new, _ = digits
    labels = LABELS[kind]
    estimator = MLPClassifier((8,), max_iter=20, random_state=0)
    estimator = make_pipeline(StandardScaler(), estimator) if wrapped else estimator
    compressor = compressed(fitted(estimator, X, labels[y % len(labels)]), X_new)
    model = onnx.to_onnx(compressor, X_new)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    label, probabilities = session.run(None, {"X": X_new})
    assert label.tolist() == compressor.predict(X_new).tolist()
    assert label.dtype == (object if labels.dtype.kind == "U" else np.int64)
    expected = compressor.predict_proba(X_new)
    assert probabilities.shape == expected.shape == (len(X_new), max(2, len(labels)))
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    declared = session.get_outputs()[1].shape
    assert declared[1] == expected.shape[1]


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 2**63], np.uint64),
        np.array([0.5, 1.5]),
        np.array([1.0, 2.0**63]),
        np.array([1.0, 1e300]),
        np.array([b"a", b"b"]),
        np.array([1, 2], dtype=object),
    ],
    ids=str,
)
def test_labels_that_do_not_fit_are_refused(labels, digits):
    onnx = pytest.importorskip("skcoreset.export.onnx")
    pytest.importorskip("skl2onnx")
    X, y = digits[:2]
    mlp = fitted(MLPClassifier((4,), max_iter=2), X, (y > 4).astype(int))
    mlp.classes_ = labels
    with pytest.raises(
        ValueError, match=r"int64 or strings in ONNX.* y\.astype\(str\)"
    ):
        onnx.to_onnx(mlp, X)


def converted(estimator, X, **options):
    pytest.importorskip("skl2onnx")
    from skcoreset.export.onnx import to_onnx

    return to_onnx(estimator, X, **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int64])
def test_names_and_types_are_those_of_the_user(dtype, digits):
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y, X_new, _ = digits
    X, X_new = 16 * X, 16 * X_new
    mlp = fitted(MLPClassifier((8,), max_iter=20, random_state=0), X, y)
    compressor = compressed(mlp, X_new)
    # names that skl2onnx uses itself
    names = "probabilities", ["X", "label"]
    model = converted(
        compressor, X_new, input_name=names[0], output_names=names[1], dtype=dtype
    )
    session = onnxruntime.InferenceSession(model.SerializeToString())
    assert [each.name for each in session.get_inputs()] == [names[0]]
    assert session.get_inputs()[0].shape == [None, 64]
    assert [each.name for each in session.get_outputs()] == names[1]
    outputs = session.run(names[1], {names[0]: X_new.astype(dtype)})
    np.testing.assert_array_equal(outputs[0], compressor.predict(X_new))
    assert outputs[1].dtype == (np.float64 if dtype == np.float64 else np.float32)


def test_wrong_number_of_names_is_refused(mlp, digits):
    with pytest.raises(ValueError, match=r"1 names, .* \['label', 'probabilities'\]"):
        converted(mlp, digits[2], output_names=["y"])


@pytest.mark.parametrize("sparse_weights", [False, True])
@pytest.mark.parametrize("runtime", ["onnxruntime", "onnx"])
def test_comparison_is_part_of_the_model(
    runtime, sparse_weights, mlp, regressor, digits, monkeypatch
):
    X = digits[2]
    if runtime == "onnx":
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for estimator in (compressed(mlp, X), compressed(regressor, X), mlp, regressor):
        model = converted(estimator, X, sparse_weights=sparse_weights)
        (entry,) = model.metadata_props
        assert entry.key == "comparison"
        assert f"{len(X)} rows" in entry.value
        assert ("equal predictions on 100.00%" in entry.value) == is_classifier(
            estimator
        )
        assert bool(model.graph.sparse_initializer) <= sparse_weights


def test_rows_that_its_type_cannot_hold_are_warned_of(mlp, digits):
    # pixels in [0, 1] as whole numbers
    with pytest.warns(UserWarning, match=r"The ONNX model differs .* is of uint8"):
        converted(mlp, digits[2], dtype=np.uint8)


def test_it_comes_with_the_package():
    code = "import skcoreset; skcoreset.export.onnx.to_onnx"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("estimator", [LogisticRegression(), StandardScaler(), 3])
def test_other_estimators_are_refused(estimator, digits):
    with pytest.raises(TypeError, match="to_onnx converts a fitted CoresetComp"):
        converted(estimator, digits[2])


@pytest.mark.parametrize(
    "around", [FrozenEstimator, lambda mlp: GridSearchCV(mlp, {"alpha": [1]}, cv=2)]
)
def test_containers_are_opened(around, digits):
    X, y, X_new, _ = digits
    mlp = fitted(MLPClassifier((4,), max_iter=5, random_state=0), X, y)
    estimator = around(mlp)
    estimator = estimator if around is FrozenEstimator else fitted(estimator, X, y)
    assert "100.00%" in converted(estimator, X_new).metadata_props[0].value


def test_table_of_numbers_is_compared(digits):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(digits[2]).add_prefix("pixel ")
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=5))
    model = converted(fitted(pipeline, X, digits[3]), X, dtype=np.float64)
    assert "100.00%" in model.metadata_props[0].value


def test_columns_of_several_types_are_refused(mlp):
    with pytest.raises(ValueError, match="X has to be an array of numbers"):
        converted(mlp, np.array([["a", 1]], dtype=object))


def test_sparse_rows_are_compared(mlp, digits):
    model = converted(mlp, csr_array(digits[2]))
    assert "100.00%" in model.metadata_props[0].value

import ast
import io
import os
import pickle
import subprocess
from pathlib import Path
from zipfile import BadZipFile

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skcoreset
from skcoreset import CoresetCompressor

from .conftest import fitted


def compressed(estimator, X, **params):
    params = {"method": "magnitude", "density": 0.2, "random_state": 0} | params
    return CoresetCompressor(estimator, **params).fit(X)


@pytest.fixture(scope="module")
def compressor(mlp, digits):
    return compressed(mlp, digits[2])


@pytest.fixture(scope="module")
def wide_mlp():
    """A classifier of 784-300-100-10 in float32, which has seen noise."""
    rng = np.random.default_rng(0)
    X = rng.random((200, 784), dtype=np.float32)
    mlp = MLPClassifier((300, 100), random_state=0)
    return mlp.partial_fit(X, np.arange(200) % 10, classes=np.arange(10)), X


def through_joblib(estimator, **params):
    file = io.BytesIO()
    joblib.dump(estimator, file, **params)
    return file


def load(file):
    file.seek(0)
    return joblib.load(file)


def through_skops(estimator):
    sio = pytest.importorskip("skops.io")
    dumped = sio.dumps(estimator)
    trusted = sio.get_untrusted_types(data=dumped)
    roots = {name.split(".")[0] for name in trusted}
    assert roots <= {"skcoreset", "sklearn", "scipy", "numpy"}
    return sio.loads(dumped, trusted=trusted)


@pytest.mark.parametrize(
    "copy_of",
    [
        lambda estimator: pickle.loads(pickle.dumps(estimator)),
        lambda estimator: load(through_joblib(estimator)),
        lambda estimator: load(through_joblib(estimator, compress=3)),
        through_skops,
    ],
    ids=["pickle", "joblib", "joblib compressed", "skops"],
)
@pytest.mark.parametrize("part", ["compressor", "estimator_"])
def test_loaded_is_what_was_saved(copy_of, part, compressor, digits):
    saved = compressor if part == "compressor" else compressor.estimator_
    loaded = copy_of(saved)
    assert type(loaded) is type(saved)
    np.testing.assert_array_equal(
        loaded.predict_proba(digits[0]), saved.predict_proba(digits[0])
    )
    if part == "compressor":
        assert loaded.certificate_ == saved.certificate_
        assert loaded.density_ == saved.density_
        for key, values in saved.path_.items():
            np.testing.assert_array_equal(loaded.path_[key], values)


@pytest.mark.parametrize("method", ["refined", "corenet"])
def test_fitted_regressor_and_pipeline_can_be_saved(method, regressor, digits):
    X, y, X_new, _ = digits
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier((16,), max_iter=60, random_state=0)
    )
    for estimator in (regressor, fitted(pipeline, X, y)):
        saved = compressed(estimator, X_new, method=method)
        for loaded in (pickle.loads(pickle.dumps(saved)), through_skops(saved)):
            np.testing.assert_array_equal(loaded.predict(X), saved.predict(X))


def test_unfitted_compressor_can_be_saved():
    saved = CoresetCompressor(MLPRegressor(), epsilon=0.3)
    for loaded in (pickle.loads(pickle.dumps(saved)), through_skops(saved)):
        assert loaded.epsilon == 0.3
        assert not loaded.__sklearn_is_fitted__()


def test_what_multiplies_is_not_saved(compressor, digits):
    before = len(pickle.dumps(compressor))
    compressor.predict(digits[0])
    assert len(pickle.dumps(compressor)) == before
    assert "_network" not in vars(pickle.loads(pickle.dumps(compressor)))


def test_twentieth_of_the_edges_takes_a_tenth_of_the_bytes(wide_mlp):
    mlp, X = wide_mlp
    small = compressed(mlp, X, density=0.05)
    dense = through_joblib(mlp).tell()
    assert through_joblib(small.estimator_).tell() <= dense / 10
    # the whole compressor holds the original too
    assert through_joblib(small).tell() > dense


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_file_raises(share, compressor, tmp_path):
    path = tmp_path / "small.joblib"
    joblib.dump(compressor.estimator_, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises((EOFError, IndexError, ValueError, pickle.UnpicklingError)):
        joblib.load(path)
    pickled = pickle.dumps(compressor)
    with pytest.raises((EOFError, IndexError, pickle.UnpicklingError)):
        pickle.loads(pickled[: int(share * len(pickled))])


def test_truncated_skops_file_raises(compressor):
    sio = pytest.importorskip("skops.io")
    dumped = sio.dumps(compressor.estimator_)
    with pytest.raises((BadZipFile, KeyError)):
        sio.get_untrusted_types(data=dumped[: len(dumped) // 2])


def flipped(data, position):
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def test_altered_compressed_file_raises_or_does_not_matter(compressor, digits):
    # zlib ends with a checksum; plain pickles have none
    whole = through_joblib(compressor.estimator_, compress=3).getvalue()
    expected = compressor.estimator_.predict_proba(digits[0])
    n_refused = 0
    for position in range(0, len(whole), max(1, len(whole) // 200)):
        try:
            loaded = joblib.load(io.BytesIO(flipped(whole, position)))
        except Exception:
            n_refused += 1
        else:
            np.testing.assert_array_equal(loaded.predict_proba(digits[0]), expected)
    assert n_refused > 150


def test_altered_skops_file_raises_or_does_not_matter(compressor, digits):
    sio = pytest.importorskip("skops.io")
    whole = sio.dumps(compressor.estimator_)
    trusted = sio.get_untrusted_types(data=whole)
    expected = compressor.estimator_.predict_proba(digits[0])
    n_refused = 0
    for position in range(0, len(whole), max(1, len(whole) // 200)):
        try:
            loaded = sio.loads(flipped(whole, position), trusted=trusted)
        except Exception:
            n_refused += 1
        else:
            np.testing.assert_array_equal(loaded.predict_proba(digits[0]), expected)
    assert n_refused > 100


@pytest.mark.parametrize(
    "alter, message",
    [
        (lambda mlp: mlp.coefs_[0].data.fill(np.nan), "NaN or infinity"),
        (lambda mlp: mlp.intercepts_[1].fill(np.inf), "NaN or infinity"),
        (lambda mlp: mlp.coefs_.pop(), "one of each for every layer"),
        (lambda mlp: mlp.coefs_.reverse(), "has shape|expecting 16 features"),
        (lambda mlp: mlp.coefs_[1].indices.fill(99), "indices out of range"),
        (lambda mlp: mlp.coefs_[1].indptr.fill(-1), "indices out of range"),
        (lambda mlp: mlp.coefs_.__setitem__(1, mlp.coefs_[1][:-1]), "has shape"),
    ],
)
def test_loaded_weights_that_make_no_network_are_refused(
    alter, message, compressor, digits
):
    altered = pickle.loads(pickle.dumps(compressor))
    alter(altered.estimator_)
    for method in (altered.predict, altered.transform):
        with pytest.raises(ValueError, match=message):
            method(digits[0])
    with pytest.raises(ValueError, match=message):
        CoresetCompressor(altered.estimator_, method="magnitude").fit(digits[2])


SAVE = """
import sys, warnings
import joblib
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skcoreset import CoresetCompressor

warnings.simplefilter("ignore")
X, y = load_digits(return_X_y=True)
mlp = MLPClassifier((16,), max_iter=20, random_state=0)
pipeline = make_pipeline(StandardScaler(), mlp).fit(X, y)
compressor = CoresetCompressor(pipeline, density=0.3, random_state=0).fit(X)
joblib.dump((compressor, compressor.predict_proba(X)), sys.argv[1])
"""


@pytest.mark.skipif(
    "SKCORESET_OTHER_PYTHON" not in os.environ,
    reason="SKCORESET_OTHER_PYTHON names no Python with another scikit-learn",
)
def test_saved_with_another_scikit_learn(tmp_path):
    from sklearn.datasets import load_digits

    path = str(tmp_path / "compressor.joblib")
    subprocess.run([os.environ["SKCORESET_OTHER_PYTHON"], "-c", SAVE, path], check=True)
    with pytest.warns(InconsistentVersionWarning):
        compressor, expected = joblib.load(path)
    X, y = load_digits(return_X_y=True)
    np.testing.assert_allclose(compressor.predict_proba(X), expected, atol=1e-8)
    np.testing.assert_allclose(
        compressor.estimator_.predict_proba(X), expected, atol=1e-8
    )
    assert compressor.fine_tune(X, y).score(X, y) > 0.9
    assert clone(compressor).fit(X).density_ == pytest.approx(0.3, abs=0.01)


def test_package_loads_and_executes_nothing_it_is_given():
    # an expression of a name, or of an attribute, that could run what a file says
    forbidden = {"eval", "exec", "compile", "pickle", "marshal", "load", "loads"}
    forbidden |= {"allow_pickle", "__import__", "subprocess", "system", "popen"}
    for path in Path(skcoreset.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {getattr(node, "id", None), getattr(node, "attr", None)}
            names |= {getattr(node, "arg", None), getattr(node, "module", None)}
            names |= {a.name for a in getattr(node, "names", ()) if hasattr(a, "name")}
            assert not names & forbidden, (path.name, node.lineno, names & forbidden)


# ONNX


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
    from skcoreset.onnx import register_converter

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
    small = compressed(mlp, X, density=0.05, prune_neurons=False)
    size = to_onnx(small, X[:1]).ByteSize()
    assert size == pytest.approx(to_onnx(mlp, X[:1]).ByteSize(), rel=0.01)


def test_converter_of_the_mlp_is_left_alone(mlp, digits):
    pytest.importorskip("skl2onnx")
    from skl2onnx import get_model_alias, to_onnx
    from skl2onnx.common._registration import get_converter

    from skcoreset.onnx import register_converter

    def registered():
        aliases = map(get_model_alias, (MLPClassifier, MLPRegressor))
        return [(alias, get_converter(alias)) for alias in aliases]

    X = digits[2]
    before = registered(), to_onnx(mlp, X[:1]).SerializeToString()
    register_converter()
    assert (registered(), to_onnx(mlp, X[:1]).SerializeToString()) == before

"""Saving by pickle, joblib and skops: the same predictions, or a clear error."""

import ast
import io
import os
import pickle
import struct
import subprocess
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skcoreset
from skcoreset import CoresetCompressor

from .conftest import fitted, may_collapse

# magnitude is fast, and loses classes; how good networks are is tested elsewhere
pytestmark = may_collapse


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
@pytest.mark.parametrize("part", ["compressor", "estimator_", "to_sparse"])
def test_loaded_is_what_was_saved(copy_of, part, compressor, digits):
    saved = {
        "compressor": compressor,
        "estimator_": compressor.estimator_,
        "to_sparse": compressor.to_sparse(),
    }[part]
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


def test_network_for_products_is_not_saved(compressor, digits):
    before = len(pickle.dumps(compressor))
    compressor.predict(digits[0])
    assert len(pickle.dumps(compressor)) == before
    assert "_network" not in vars(pickle.loads(pickle.dumps(compressor)))


def test_twentieth_of_the_edges_takes_a_tenth_of_the_bytes(wide_mlp):
    mlp, X = wide_mlp
    small = compressed(mlp, X[:150], density=0.05)
    dense = through_joblib(mlp).tell()
    for part in (small.estimator_, small.to_sparse()):
        assert through_joblib(part).tell() <= dense / 10
    # the whole compressor holds the original too
    assert through_joblib(small).tell() > dense


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_file_raises(share, compressor, tmp_path):
    path = tmp_path / "small.joblib"
    joblib.dump(compressor.estimator_, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(
        (EOFError, IndexError, ValueError, pickle.UnpicklingError, struct.error)
    ):
        joblib.load(path)
    pickled = pickle.dumps(compressor)
    with pytest.raises((EOFError, IndexError, pickle.UnpicklingError)):
        pickle.loads(pickled[: int(share * len(pickled))])


def test_truncated_skops_file_raises(compressor):
    sio = pytest.importorskip("skops.io")
    dumped = sio.dumps(compressor.estimator_)
    with pytest.raises((BadZipFile, KeyError)):
        sio.get_untrusted_types(data=dumped[: len(dumped) // 2])


# Files that were altered


def altered(data, position, bit):
    data = bytearray(data)
    data[position] ^= 1 << bit
    return bytes(data)


def joblib_compressed(estimator):
    return through_joblib(estimator, compress=3).getvalue()


def skops_dumped(estimator):
    return pytest.importorskip("skops.io").dumps(estimator)


def skops_load(data):
    sio = pytest.importorskip("skops.io")
    return sio.loads(data, trusted=sio.get_untrusted_types(data=data))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "dump, load_from",
    [
        (joblib_compressed, lambda data: load(io.BytesIO(data))),
        (skops_dumped, skops_load),
    ],
    ids=["joblib compressed", "skops"],
)
def test_checksums_see_an_altered_bit(dump, load_from, compressor, digits):
    data = dump(compressor.estimator_)
    expected = compressor.estimator_.predict_proba(digits[0])
    n_refused = 0
    positions = np.linspace(0, len(data) - 1, 200).astype(int)
    for index, position in enumerate(positions):
        try:
            loaded = load_from(altered(data, position, index % 8))
        except Exception:
            n_refused += 1
        else:
            # a date, or another part that nothing depends on
            np.testing.assert_array_equal(loaded.predict_proba(digits[0]), expected)
    assert n_refused > 0.9 * len(positions)


def parts(estimator):
    """The arrays that a compressed network is."""
    for coef, intercept in zip(estimator.coefs_, estimator.intercepts_):
        yield from (coef.data, coef.indices, coef.indptr, intercept)


def is_network(estimator):
    """Whether every number is finite and every edge within its matrix."""
    for coef, intercept in zip(estimator.coefs_, estimator.intercepts_):
        n_out = coef.shape[1]
        ends = [0, *coef.indptr[1:], len(coef.data)]
        inside = (0 <= coef.indices) & (coef.indices < n_out)
        if not (
            coef.indptr[0] == 0
            and all(start <= end for start, end in pairwise(ends))
            and inside[: ends[-2]].all()
            and np.isfinite(coef.data).all()
            and np.isfinite(intercept).all()
        ):
            return False
    return True


def test_altered_arrays_of_a_pickle_are_refused_or_valid(mlp, digits):
    X = digits[2][:50]
    saved = compressed(mlp, digits[2], density=0.05)
    data = pickle.dumps(saved)
    n_refused = 0
    for array in parts(saved.estimator_):
        start = data.index(array.tobytes())
        step = max(1, array.nbytes // 40)
        for index, position in enumerate(range(start, start + array.nbytes, step)):
            loaded = pickle.loads(altered(data, position, 7 - index % 8))
            if is_network(loaded.estimator_):
                # another network, which nothing can tell, or one that overflows
                try:
                    F = loaded.transform(X)
                except ValueError as error:
                    assert "is not finite" in str(error)
                else:
                    assert np.isfinite(F).all()
            else:
                n_refused += 1
                with pytest.raises(ValueError, match="estimator is a MLPClassifier"):
                    loaded.transform(X)
    assert n_refused > 20


def edited(name, change):
    """An edit of one of the attributes of an MLP, as a function of the MLP."""

    def edit(mlp):
        setattr(mlp, name, change(getattr(mlp, name)))

    return edit


def with_position(coefs):
    coefs[1].indices[3] = coefs[1].shape[1]
    return coefs


def with_pointer(coefs):
    coefs[1].indptr[2] = -1
    return coefs


def with_value(value):
    def change(coefs):
        coefs[0].data[0] = value
        return coefs

    return change


EDITS = {
    "NaN": (edited("coefs_", with_value(np.nan)), r"NaN or infinity in coefs_\[0\]"),
    "infinity": (
        edited("intercepts_", lambda b: [*b[:-1], b[-1] + np.inf]),
        r"NaN or infinity in .*intercepts_\[2\]",
    ),
    "a layer less": (edited("coefs_", lambda coefs: coefs[:-1]), "2 coefs_ and 3"),
    "other layers": (
        edited("coefs_", lambda coefs: [coefs[0], coefs[0], coefs[2]]),
        r"coefs_\[1\] has shape",
    ),
    "fewer features": (
        edited("coefs_", lambda coefs: [coefs[0][1:], *coefs[1:]]),
        r"coefs_\[0\] has shape \(63,",
    ),
    "intercepts of two dimensions": (
        edited("intercepts_", lambda b: [b[0][:, np.newaxis], *b[1:]]),
        r"intercepts_\[0\] \(\d+, 1\)",
    ),
    "integers": (
        edited("coefs_", lambda coefs: [coef.astype(int) for coef in coefs]),
        r"coefs_\[0\] is of int64",
    ),
    "edge outside": (edited("coefs_", with_position), "no valid sparse matrix"),
    "pointer outside": (edited("coefs_", with_pointer), "no valid sparse matrix"),
    "activation": (edited("activation", lambda name: "relv"), "activation='relv'"),
    "output activation": (
        edited("out_activation_", lambda name: "soft_ax"),
        "out_activation_='soft_ax'",
    ),
}


def class_less(mlp):
    mlp.coefs_[-1] = mlp.coefs_[-1][:, :-1]
    mlp.intercepts_[-1] = mlp.intercepts_[-1][:-1]


EDITS["a class less"] = class_less, r"coefs_\[2\] has shape \(\d+, 9\)"


@pytest.mark.parametrize("case", EDITS)
def test_edited_networks_are_refused(case, compressor, digits):
    edit, message = EDITS[case]
    X, y = digits[:2]
    loaded = pickle.loads(pickle.dumps(compressor))
    edit(loaded.estimator_)
    for use in (loaded.predict, loaded.predict_proba, loaded.transform):
        with pytest.raises(ValueError, match=message):
            use(X)
    with pytest.raises(ValueError, match=message):
        loaded.fine_tune(X, y)
    with pytest.raises(ValueError, match=message):
        loaded.to_dense()
    with pytest.raises(ValueError, match=message):
        compressed(loaded.estimator_, X)
    small = pickle.loads(pickle.dumps(compressor.to_sparse()))
    edit(small)
    for use in (small.predict, small.predict_proba):
        with pytest.raises(ValueError, match=message):
            use(X)


def test_weights_that_overflow_are_refused(compressor, digits):
    X = digits[0]
    loaded = pickle.loads(pickle.dumps(compressor))
    for coef in loaded.coefs_:
        coef.data[:] *= 1e30
    for use in (loaded.predict, loaded.predict_proba, loaded.transform):
        with pytest.raises(ValueError, match="is not finite in float32"):
            use(X)


# Files of other versions

SAVE = """
import sys, warnings
import joblib
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skcoreset import CoresetCompressor

warnings.simplefilter("ignore")
X, y = load_digits(return_X_y=True)
params = {"hidden_layer_sizes": (16,), "max_iter": 20, "random_state": 0}
saved = {}
for name, estimator in {
    "classifier": MLPClassifier(**params),
    "regressor": MLPRegressor(**params),
    "pipeline": make_pipeline(StandardScaler(), MLPClassifier(**params)),
}.items():
    compressor = CoresetCompressor(
        estimator.fit(X[:900], y[:900]), method="magnitude", density=0.3, random_state=0
    ).fit(X[900:])
    outputs = compressor.transform(X), compressor.predict(X)
    saved[name] = compressor, compressor.estimator_, *outputs
joblib.dump(saved, sys.argv[1])
"""


@pytest.fixture(scope="module")
def from_oldest(tmp_path_factory):
    """Networks that the oldest supported releases saved, and their predictions."""
    interpreter = os.environ.get("SKCORESET_OLDEST_PYTHON")
    if not interpreter:
        pytest.skip("SKCORESET_OLDEST_PYTHON names no interpreter")
    path = tmp_path_factory.mktemp("oldest") / "saved.joblib"
    root = Path(skcoreset.__file__).parents[1]
    subprocess.run([interpreter, "-c", SAVE, path], cwd=root, check=True)
    with pytest.warns(InconsistentVersionWarning, match="from version"):
        return joblib.load(path)


@pytest.mark.parametrize("name", ["classifier", "regressor", "pipeline"])
def test_file_of_the_oldest_releases(name, from_oldest):
    # scikit-learn warns that another version saved it; everything works as before
    X, y = load_digits(return_X_y=True)
    compressor, estimator, F, predictions = from_oldest[name]
    tolerance = {"rtol": 1e-9, "atol": 1e-9 * np.abs(F).max()}
    np.testing.assert_allclose(compressor.transform(X), F, **tolerance)
    for part in (compressor, estimator, compressor.to_dense()):
        np.testing.assert_allclose(part.predict(X), predictions, **tolerance)
    assert compressor.certificate_.holds
    again = pickle.loads(pickle.dumps(compressor)).fit(X[900:])
    np.testing.assert_allclose(again.transform(X), F, **tolerance)
    score = compressor.score(X, y)
    tuned = pickle.loads(pickle.dumps(compressor)).fine_tune(X, y)
    assert tuned.score(X, y) > score


# The package runs no code that comes with data

EXECUTING_MODULES = {
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"),
    *("code", "codeop", "importlib", "runpy", "subprocess", "ctypes"),
}
EXECUTING_FUNCTIONS = {"eval", "exec", "compile", "__import__"}
EXECUTING_ATTRIBUTES = {"load", "loads", "Unpickler", "read_pickle", "system", "popen"}
EXECUTING_HOOKS = {"__reduce__", "__reduce_ex__", "__setstate__"}


def executing(source):
    """Parts of a source that unpickle or execute data, or change how it unpickles.

    JSON is data alone.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found = {name.name.split(".")[0] for name in names} & EXECUTING_MODULES
            case ast.ImportFrom(level=level) if level:  # of this package
                continue
            case ast.ImportFrom(module="importlib.resources"):  # which reads its files
                continue
            case ast.ImportFrom(module=module, names=names):
                found = {(module or "").split(".")[0]} & EXECUTING_MODULES
                found |= {name.name for name in names} & EXECUTING_ATTRIBUTES
            case ast.Name(id=name):
                found = {name} & EXECUTING_FUNCTIONS
            case ast.Attribute(value=ast.Name(id="json")):
                continue
            case ast.Attribute(attr=name):
                found = {name} & EXECUTING_ATTRIBUTES
            case ast.FunctionDef(name=name):
                found = {name} & EXECUTING_HOOKS
            case ast.keyword(arg="allow_pickle"):
                found = {"allow_pickle"}
            case _:
                continue
        yield from found


def test_package_runs_no_code_that_comes_with_data():
    sources = sorted(Path(skcoreset.__file__).parent.rglob("*.py"))
    assert len(sources) > 15
    for path in sources:
        assert not list(executing(path.read_text(encoding="utf-8"))), path


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, marshal",
        "from pickle import dumps",
        "from joblib import load",
        "joblib.load(path)",
        "np.load(path, allow_pickle=True)",
        "eval(text)",
        "class A:\n    def __reduce__(self): ...",
        "os.system(text)",
    ],
)
def test_code_that_would_run_data_is_found(source):
    assert list(executing(source))

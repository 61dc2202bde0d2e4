"""The compact file: it comes back equal, and any bytes are a network or an error."""

import io
import json
import re
import struct
import tracemalloc
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from skcoreset import CoresetCompressor, SparseMLPClassifier
from skcoreset._network import ACTIVATIONS
from skcoreset.export import dump, load
from skcoreset.export import file as _file

from ..conftest import fitted, may_collapse
from .plain_reader import DICTIONARY, Code, read, sealed, unsealed

# magnitude is fast, and loses classes; how good networks are is tested elsewhere
pytestmark = may_collapse

GUIDE = Path(__file__).parents[2] / "doc" / "user_guide" / "file_format.rst"


def dumped(estimator):
    file = io.BytesIO()
    dump(estimator, file)
    return file.getvalue()


def loaded(data, **params):
    return load(io.BytesIO(data), **params)


def rounded(mlp, bits, odd=False):
    """A copy whose weights have 2 ** bits values a layer, and intercepts 16 bits."""
    out = clone(mlp)
    vars(out).update(vars(mlp))
    half = 2 ** (bits - 1)
    out.coefs_, out.intercepts_ = [], []
    for coef, intercept in zip(mlp.coefs_, mlp.intercepts_):
        coef = sparse.csr_array(coef)
        step = coef.dtype.type(abs(coef).max() / half)
        levels = np.sign(coef.data) * np.clip(np.ceil(abs(coef.data) / step), 1, half)
        levels = 2 * levels - np.sign(levels) if odd else levels
        coef.data = step * levels.astype(coef.dtype)
        out.coefs_.append(coef)
        step = intercept.dtype.type(np.abs(intercept).max() / 32767)
        out.intercepts_.append(step * np.rint(intercept / step))
    return out


def assert_same_network(new, old):
    assert len(new.coefs_) == len(old.coefs_)
    for a, b in zip(new.coefs_, old.coefs_):
        assert type(a) is type(b)
        assert a.dtype == b.dtype
        if sparse.issparse(a):
            assert a.indices.dtype == b.indices.dtype
            a, b = a.toarray(), b.toarray()
        assert_array_equal(a, b)
    for a, b in zip(new.intercepts_, old.intercepts_):
        assert a.dtype == b.dtype
        assert_array_equal(a, b)


def compressed(estimator, X, **params):
    params = {"method": "magnitude", "density": 0.2, "random_state": 0} | params
    return CoresetCompressor(estimator, **params).fit(X)


@pytest.fixture(scope="module")
def compressor(mlp, digits):
    return compressed(mlp, digits[2])


# Networks that come back equal


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("odd", [False, True])
def test_network_of_few_levels_comes_back(bits, odd, compressor, digits):
    mlp = rounded(compressor.estimator_, bits, odd)
    data = dumped(mlp)
    assert_same_network(loaded(data), mlp)
    n_edges = sum(coef.nnz for coef in mlp.coefs_)
    n_intercepts = sum(map(len, mlp.intercepts_))
    # and 120 bytes for sizes, steps and classes
    assert len(data) < 120 + n_edges * (bits + 4) / 8 + 2 * n_intercepts


@pytest.mark.parametrize("activation", ["identity", "logistic", "relu", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_network_without_steps_comes_back(activation, dtype, is_sparse, digits):
    X, y, X_new, _ = digits
    params = {"activation": activation, "max_iter": 3, "random_state": 0}
    mlp = fitted(MLPClassifier((9, 8), **params), X.astype(dtype), y)
    if is_sparse:
        mlp = compressed(mlp, X_new).estimator_
    back = loaded(dumped(mlp))
    assert_same_network(back, mlp)
    assert type(back) is (SparseMLPClassifier if is_sparse else MLPClassifier)
    assert_array_equal(back.predict(X_new), mlp.predict(X_new))
    assert_allclose(back.predict_proba(X_new), mlp.predict_proba(X_new), rtol=1e-4)
    assert back.hidden_layer_sizes == tuple(len(b) for b in mlp.intercepts_[:-1])
    assert back.n_layers_ == mlp.n_layers_
    assert back.n_outputs_ == mlp.n_outputs_


def test_few_levels_in_some_layers_only(compressor):
    mlp = rounded(compressor.estimator_, 3)
    mlp.coefs_[1] = compressor.estimator_.coefs_[1]
    mlp.intercepts_[0] = compressor.estimator_.intercepts_[0]
    assert_same_network(loaded(dumped(mlp)), mlp)


def test_compressor_is_dumped_as_its_estimator(compressor):
    assert dumped(compressor) == dumped(compressor.estimator_)
    assert dumped(FrozenEstimator(compressor)) == dumped(compressor)


def test_path_or_file(compressor, tmp_path):
    dump(compressor, tmp_path / "small.skc")
    dump(compressor, str(tmp_path / "same.skc"))
    data = (tmp_path / "small.skc").read_bytes()
    assert data == (tmp_path / "same.skc").read_bytes() == dumped(compressor)
    assert_same_network(load(tmp_path / "small.skc"), compressor.estimator_)


@pytest.mark.parametrize("kind", ["classes", "labels", "values"])
def test_comparison_on_rows(kind, digits, tmp_path):
    X, y, X_new, _ = digits
    target = {
        "classes": y,
        "labels": np.column_stack([y > 4, y > 7]),
        "values": 1.0 * y,
    }
    mlp = MLPRegressor if kind == "values" else MLPClassifier
    mlp = mlp(hidden_layer_sizes=(8,), max_iter=9, random_state=0)
    pipeline = fitted(make_pipeline(StandardScaler(), mlp), X, target[kind])
    small = compressed(pipeline, X_new)
    comparison = dump(small, tmp_path / "file", X=X_new)
    assert comparison.n_rows == len(X_new)
    assert comparison.agreement == (None if kind == "values" else 1)
    assert comparison.errors.max() < 1e-6
    assert dump(small, tmp_path / "file") is None


def test_file_that_would_not_hold_the_network_is_not_written(
    compressor, tmp_path, monkeypatch
):
    take = _file._take_numbers
    monkeypatch.setattr(_file, "_take_numbers", lambda *args: take(*args)[::-1])
    with pytest.raises(ValueError, match="differs in a weight"):
        dump(compressor, tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_several_networks_in_one_file(compressor, regressor):
    file = io.BytesIO()
    dump(compressor, file)
    dump(regressor, file)
    file.seek(0)
    assert_same_network(load(file), compressor.estimator_)
    assert_same_network(load(file), regressor)


def test_loaded_network_can_be_compressed_again(compressor, digits):
    X, y = digits[:2]
    again = compressed(loaded(dumped(compressor)), X, density=0.5)
    assert again.fine_tune(X, y).score(X, y) > 0.5


def test_class_names_come_back(digits):
    X, y = digits[:2]
    names = ['quote "', "line\nbreak", "nul\0inside", "", "é", "\ud800", "\U0001f600"]
    names = np.array([*names, "'", "\\", "x" * 300])
    mlp = fitted(MLPClassifier((4,), max_iter=2, random_state=0), X, names[y])
    back = loaded(dumped(mlp))
    assert back.classes_.dtype == mlp.classes_.dtype
    assert_array_equal(back.classes_, mlp.classes_)
    assert_array_equal(back.predict(X), mlp.predict(X))


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(3, dtype=np.int8) - 1,
        np.array([0, 2**63, 2**64 - 1], dtype=np.uint64),
        np.array([-(2**63), 0, 2**63 - 1]),
        np.array([-1.0, 0, 2**53 - 1]),
        np.array([-1, 0, 2], dtype=np.float32),
        np.array([1, 2, 3], dtype=">i4"),
        np.array([False, True]),
        np.array([7, 9]),
        np.array([5]),
    ],
    ids=lambda labels: f"{len(labels)} of {labels.dtype}",
)
def test_classes_of_numbers_come_back(labels, digits):
    X, y = digits[:2]
    y = labels[y % len(labels)]
    mlp = fitted(MLPClassifier((4,), max_iter=2, random_state=0), X, y)
    back = loaded(dumped(mlp))
    assert back.classes_.dtype == mlp.classes_.dtype.newbyteorder("=")
    assert_array_equal(back.predict(X), mlp.predict(X))
    assert_array_equal(back.predict_proba(X), mlp.predict_proba(X))


@pytest.mark.parametrize("as_sparse", [False, True])
def test_sets_of_labels_come_back(as_sparse, digits):
    X, y = digits[:2]
    Y = np.column_stack([y > 4, y % 2, y % 3 == 0]).astype(int)
    Y = sparse.csr_array(Y) if as_sparse else Y
    mlp = fitted(MLPClassifier((4,), max_iter=9, random_state=0), X, Y)
    new, old = loaded(dumped(mlp)).predict(X), mlp.predict(X)
    assert sparse.issparse(new) == sparse.issparse(old)
    if sparse.issparse(new):
        new, old = new.toarray(), old.toarray()
    assert_array_equal(new, old)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regressor_comes_back(n_outputs, digits):
    X, y = digits[:2]
    Y = np.column_stack([y, -y, y % 2])[:, :n_outputs].squeeze()
    mlp = MLPRegressor(hidden_layer_sizes=(), max_iter=9, random_state=0)
    fitted(mlp, X, Y)
    back = loaded(dumped(mlp))
    assert type(back) is MLPRegressor
    assert_array_equal(back.predict(X), mlp.predict(X))


def has_poisson():
    return "loss" in MLPRegressor().get_params()


@pytest.mark.skipif(not has_poisson(), reason="this scikit-learn has no Poisson loss")
def test_poisson_regressor_comes_back(digits):
    X, y = digits[:2]
    mlp = fitted(MLPRegressor("poisson", (4,), max_iter=9, random_state=0), X, y)
    back = loaded(dumped(mlp))
    assert back.loss == "poisson"
    assert_array_equal(back.predict(X), mlp.predict(X))


class RegressorOfOldRelease(MLPRegressor):
    """As of scikit-learn 1.6."""

    def __init__(self, hidden_layer_sizes=(100,), activation="relu"):
        super().__init__(hidden_layer_sizes=hidden_layer_sizes, activation=activation)


@pytest.mark.skipif(
    "loss" not in MLPRegressor().get_params(), reason="no Poisson loss in this release"
)
def test_poisson_regressor_needs_a_release_that_has_the_loss(regressor, monkeypatch):
    mlp = clone(regressor)
    vars(mlp).update(vars(regressor))
    mlp.out_activation_ = "exp"
    data = dumped(mlp)
    monkeypatch.setattr(_file, "MLPRegressor", RegressorOfOldRelease)
    with pytest.raises(ValueError, match=r"Poisson .* scikit-learn 1\.7"):
        loaded(data)


def test_feature_names_come_back(digits):
    pandas = pytest.importorskip("pandas")
    X, y = digits[:2]
    X = pandas.DataFrame(X).add_prefix("pixel ")
    for estimator in (MLPClassifier((4,), max_iter=2), None):
        if estimator is None:
            estimator = make_pipeline(StandardScaler(), MLPClassifier(max_iter=2))
        back = loaded(dumped(fitted(estimator, X, y)))
        assert_array_equal(back.feature_names_in_, estimator.feature_names_in_)
        assert back.feature_names_in_.dtype == object
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert_array_equal(back.predict(X), estimator.predict(X))
        with pytest.raises(ValueError, match="feature names should match"):
            back.predict(X[X.columns[::-1]])


# Pipelines

SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False, copy=False),
    MinMaxScaler(),
    MinMaxScaler((np.int64(-1), 0.5), clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False, quantile_range=(10, 90.0), unit_variance=True),
]


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scalers_come_back_equal(scaler, dtype, digits):
    X, y, X_new, _ = digits
    X = X.astype(dtype)
    mlp = MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0)
    pipeline = Pipeline([("a step", clone(scaler)), ("the network", mlp)])
    fitted(pipeline, X, y)
    back = loaded(dumped(pipeline))
    assert list(back.named_steps) == ["a step", "the network"]
    new, old = vars(back[0]), vars(pipeline[0])
    assert type(back[0]) is type(pipeline[0])
    assert new.keys() == old.keys()
    for name, value in old.items():
        assert_array_equal(new[name], value)
        assert getattr(new[name], "dtype", None) == getattr(value, "dtype", None)
    # a copy, as a scaler may change it in place
    assert_array_equal(back.predict(X_new.copy()), pipeline.predict(X_new.copy()))


def test_compressed_pipeline_comes_back(digits):
    X, y, X_new, _ = digits
    mlp = MLPClassifier((8,), max_iter=9, random_state=0)
    pipeline = fitted(make_pipeline(StandardScaler(), "passthrough", mlp), X, y)
    small = compressed(pipeline, X_new)
    back = loaded(dumped(small))
    assert list(back.named_steps) == ["standardscaler", "mlpclassifier"]
    assert_array_equal(back.predict(X_new), small.estimator_.predict(X_new))


def test_pipelines_in_pipelines_become_one(digits):
    X, y, X_new, _ = digits
    mlp = MLPClassifier((8,), max_iter=9, random_state=0)
    inner = make_pipeline(StandardScaler(), mlp)
    scalers = make_pipeline(MaxAbsScaler(), None)
    outer = fitted(make_pipeline(StandardScaler(), scalers, inner), X, y)
    back = loaded(dumped(outer))
    names = ["standardscaler", "maxabsscaler", "standardscaler", "mlpclassifier"]
    numbered = [f"{name}-{number}" for number, name in enumerate(names, start=1)]
    assert list(back.named_steps) == numbered
    assert_allclose(back.predict_proba(X_new), outer.predict_proba(X_new), rtol=1e-5)


def test_search_is_dumped_as_its_best_estimator(digits):
    X, y, X_new, _ = digits
    mlp = MLPClassifier((8,), max_iter=5, random_state=0)
    pipeline = make_pipeline(StandardScaler(), mlp)
    grid = {"mlpclassifier__alpha": [1e-4, 1]}
    search = fitted(GridSearchCV(pipeline, grid, cv=2), X[:200], y[:200])
    back = loaded(dumped(search))
    assert_array_equal(back.predict(X_new), search.predict(X_new))


def test_pipeline_around_a_compressor_comes_back(compressor, digits):
    X = digits[2]
    scaler = FrozenEstimator(MaxAbsScaler().fit(X))
    back = loaded(dumped(make_pipeline(scaler, compressor)))
    assert type(back[-1]) is SparseMLPClassifier
    assert_array_equal(
        back.predict(X), compressor.estimator_.predict(scaler.transform(X))
    )


# Refused by `dump`


class OtherScaler(StandardScaler):
    """May do something else."""


@pytest.mark.parametrize(
    "step",
    [FunctionTransformer(), PolynomialFeatures(1), OtherScaler()],
)
def test_other_steps_are_refused_by_name(step, digits):
    X, y = digits[:2]
    mlp = MLPClassifier((4,), max_iter=2)
    steps = Pipeline([("scaler", MinMaxScaler()), ("odd one", step)])
    pipeline = fitted(Pipeline([("before", steps), ("mlp", mlp)]), X, y)
    with pytest.raises(
        ValueError, match=rf"'odd one' is of type {type(step).__name__}"
    ):
        dumped(pipeline)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", "b"], dtype=object),
        np.array([b"a", b"b"]),
        np.array([0, 1], dtype=np.float16),
    ],
)
def test_other_classes_are_refused_by_name(labels, digits):
    X, y = digits[:2]
    mlp = fitted(
        MLPClassifier((4,), max_iter=2),
        X,
        labels[y % 2] if labels.dtype.kind != "S" else y % 2,
    )
    mlp.classes_ = labels
    with pytest.raises(ValueError, match=r"classes_ are of dtype .* y\.astype\(str\)"):
        dumped(mlp)


def test_activation_that_someone_adds_is_refused(compressor, monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "gelu", ACTIVATIONS["tanh"])
    before = dumped(compressor)
    mlp = rounded(compressor.estimator_, 3)
    mlp.activation = "gelu"
    with pytest.raises(ValueError, match="cannot hold a network of activation='gelu'"):
        dumped(mlp)
    # and the others mean what they did
    assert metadata_of(before)["activation"] == "relu"
    with pytest.raises(ValueError, match="activation is unknown"):
        loaded(with_metadata(before, metadata_of(before) | {"activation": "gelu"}))


def test_output_activation_that_does_not_fit_is_refused(compressor):
    mlp = rounded(compressor.estimator_, 3)
    mlp.out_activation_ = "exp"
    with pytest.raises(ValueError, match=r"a MLPClassifier of multiclass .*'exp'"):
        dumped(mlp)


class LaterScaler(MaxAbsScaler):
    """Of a release that has another parameter."""

    def __init__(self, copy=True, shrink=False):
        super().__init__(copy=copy)
        self.shrink = shrink


@pytest.mark.parametrize("shrink", [False, True])
def test_parameter_that_someone_adds_is_refused(
    shrink, compressor, digits, monkeypatch
):
    monkeypatch.setitem(_file._SCALERS, LaterScaler, _file._SCALERS[MaxAbsScaler])
    monkeypatch.setitem(_file._SCALERS_BY_NAME, "LaterScaler", LaterScaler)
    pipeline = make_pipeline(LaterScaler(shrink=shrink).fit(digits[0]), compressor)
    if shrink:
        with pytest.raises(ValueError, match="has shrink=True, which a file does not"):
            dumped(pipeline)
    else:
        assert type(loaded(dumped(pipeline))[0]) is LaterScaler


def test_line_for_other_steps_works(digits):
    X, y, X_new, _ = digits
    mlp = MLPClassifier((4,), max_iter=2, random_state=0)
    pipeline = fitted(make_pipeline(PolynomialFeatures(1), mlp), X, y)
    compressor = compressed(pipeline, X_new)
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1]}, cv=2)
    fitted(search, X[:100], y[:100])
    for estimator in (compressor, pipeline, FrozenEstimator(compressor), search):
        with pytest.raises(ValueError) as refused:
            dumped(estimator)
        line = r"alone, (.*), and give it the rows that (.*) returns\.$"
        store, transform = re.search(line, str(refused.value)).groups()
        names = {"compressor": estimator, "estimator": estimator, "dump": dump}
        file = names["file"] = io.BytesIO()
        eval(store, names)
        X_inner = eval(transform, names)(X_new)
        file.seek(0)
        assert_array_equal(load(file).predict(X_inner), estimator.predict(X_new))
    with pytest.raises(ValueError, match=r"dump\(compressor\.estimator_\[-1\], file"):
        dumped(compressor)


def test_weights_that_are_not_finite_are_refused(compressor, tmp_path):
    mlp = rounded(compressor.estimator_, 3)
    mlp.coefs_[1].data[0] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinity in coefs_\[1\]"):
        dump(mlp, tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_scaler_that_is_not_finite_is_refused(compressor, digits):
    scaler = StandardScaler().fit(digits[0])
    scaler.mean_[3] = np.nan
    with pytest.raises(ValueError, match="mean_ of the step 'standardscaler'"):
        dumped(make_pipeline(scaler, compressor))


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), StandardScaler(), make_pipeline(StandardScaler()), 3],
)
def test_other_estimators_are_refused(estimator):
    with pytest.raises(TypeError, match="A file holds"):
        dumped(estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        MLPClassifier(),
        CoresetCompressor(),
        make_pipeline(StandardScaler(), MLPClassifier()),
    ],
)
def test_unfitted_networks_are_refused(estimator):
    with pytest.raises(NotFittedError):
        dumped(estimator)


def test_unfitted_scaler_is_refused(compressor):
    with pytest.raises(NotFittedError):
        dumped(make_pipeline(StandardScaler(), compressor))


def test_very_deep_network_is_refused():
    X = np.random.default_rng(0).random((9, 1))
    mlp = fitted(MLPRegressor(hidden_layer_sizes=[1] * 300, max_iter=1), X, X[:, 0])
    with pytest.raises(ValueError, match="301 layers"):
        dumped(mlp)


# Refused by `load`


def versioned(data, version):
    """The same file, of another version."""
    data = data[:8] + bytes([version]) + data[9:-4]
    return data + struct.pack("<I", zlib.crc32(data))


@pytest.fixture(scope="module")
def small_files(digits):
    """Files of networks of all kinds, a few hundred bytes each."""
    X, y, X_new, _ = digits
    X, X_new = X[:, 20:28], X_new[:, 20:28]
    params = {"max_iter": 2, "random_state": 0}
    names = np.array(["a", 'b"\n', "é"])
    scalers = StandardScaler(), MinMaxScaler((-1, 1)), MaxAbsScaler(), RobustScaler()
    regressor = MLPRegressor(hidden_layer_sizes=(4, 3), **params)
    out = []
    for estimator, target in (
        (MLPClassifier((5,), **params), names[y % 3]),
        (MLPClassifier((9, 8), activation="tanh", **params), y > 4),
        (MLPClassifier((4,), **params), np.column_stack([y > 4, y % 2])),
        (make_pipeline(*scalers, regressor), np.column_stack([y, -y])),
    ):
        fitted(estimator, X, target)
        small = compressed(estimator, X_new, density=0.5).estimator_
        out.append(dumped(estimator))
        if isinstance(estimator, Pipeline):
            small.steps[-1] = "mlp", rounded(small[-1], 3)
        else:
            small = rounded(small, 3)
        out.append(dumped(small))
    return out


def test_truncated_files_are_refused(small_files):
    for data in small_files:
        for n_bytes in range(len(data)):
            with pytest.raises(ValueError, match=r"is damaged: it ends|is not a file"):
                loaded(data[:n_bytes])


def test_every_changed_bit_is_noticed(small_files):
    data = small_files[0]
    for place in range(8 * len(data)):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(
            ValueError, match=r"^(This|Loading this) file |^This is not"
        ):
            loaded(bytes(changed), max_bytes=2**20)


def test_text_is_not_such_a_file():
    with pytest.raises(ValueError, match=r"not a file of skcoreset\.export\.dump"):
        loaded(b"weights: 1, 2, 3")


@pytest.mark.parametrize("version, which", [(2, "an earlier"), (4, "a later")])
def test_other_versions_are_refused(version, which, small_files):
    with pytest.raises(
        ValueError, match=f"version {version} of its.*load it with {which}"
    ):
        loaded(versioned(small_files[0], version))


def mutated(data, rng):
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(data) + 1))
        match rng.integers(5):
            case 0 if place < len(data):
                data[place] ^= 1 << int(rng.integers(8))
            case 1 if place < len(data):
                data[place] = rng.choice([0, 1, 127, 128, 255])
            case 2:
                data[place:place] = rng.bytes(rng.integers(1, 6))
            case 3:
                del data[place : place + rng.integers(1, 9)]
            case _:
                data[place : place + 1] = rng.bytes(1)
    return bytes(data)


def mutated_value(value, rng):
    """The same JSON value, in which one part was replaced."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.9:
        value = value.copy()
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = keys[rng.integers(len(keys))]
        if rng.random() < 0.9:
            value[key] = mutated_value(value[key], rng)
        else:
            del value[key]
        return value
    others = [None, True, 0, 1, -1, 2**40, 0.5, 1e308, "", "U3", "relu", [], {}, [1]]
    return others[rng.integers(len(others))]


def fuzz(files, n_files, seed):
    """Load altered files: after the checksum was made, or before, of bytes or JSON."""
    rng = np.random.default_rng(seed)
    n_loaded = 0
    for number in range(n_files):
        data = files[number % len(files)]
        text, rest = unsealed(data)
        match number // len(files) % 4:
            case 0:
                data = mutated(data, rng)
            case 1:
                data = sealed(text, mutated(rest, rng))
            case 2:
                data = sealed(mutated(text, rng), rest)
            case _:
                data = with_metadata(data, mutated_value(json.loads(text), rng))
        try:
            estimator = loaded(data, max_bytes=2**22)
        except ValueError as error:
            assert str(error).startswith(("This file is ", "This is not ", "Loading "))
            continue
        n_loaded += 1
        is_pipeline = isinstance(estimator, Pipeline)
        mlp = estimator[-1] if is_pipeline else estimator
        # an output that overflows is an error of its own
        with suppress(ValueError):
            predicted = estimator.predict(np.zeros((2, mlp.n_features_in_), np.float32))
            assert predicted.shape[0] == 2
    return n_loaded


@pytest.mark.filterwarnings("ignore")  # of networks with absurd weights
def test_any_bytes_are_a_network_or_an_error(small_files):
    n_loaded = fuzz(small_files, 480, seed=0)
    # a changed weight or class name leaves a valid network
    assert 0 < n_loaded < 144


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")  # of networks with absurd weights
def test_many_bytes_are_a_network_or_an_error(small_files):
    assert 0 < fuzz(small_files, 100_000, seed=1) < 30_000


def metadata_of(data):
    return json.loads(unsealed(data)[0])


def with_metadata(data, metadata):
    text = json.dumps(metadata, sort_keys=True, separators=(",", ":")).encode()
    return sealed(text, unsealed(data)[1])


def array_of(*values, dtype="int64"):
    return {"dtype": dtype, "values": list(values)}


def layer_of(step, odd=False, dtype="float32"):
    step = {"dtype": dtype, "step": step}
    return {"weights": step, "odd": odd, "intercepts": step}


# Keys of the metadata, values that do not belong there, and what is said of them.
WRONG = [
    ("n_features", 0, "number of features"),
    ("n_features", 2.0, "number of features"),
    ("n_features", True, "number of features"),
    ("widths", [], "no layers"),
    ("widths", [5, -3], "number of features or neurons"),
    ("widths", 5, "incomplete"),
    ("widths", [1] * 256, "too many"),
    ("activation", "gelu", "activation is unknown"),
    ("activation", ["relu"], "activation is unknown"),
    ("out_activation", 3, "output activation does not fit"),
    ("out_activation", "exp", "output activation does not fit"),
    ("predicts", "colours", "what it predicts is unknown"),
    ("predicts", ["values"], "what it predicts is unknown"),
    ("sparse", 1, "if its weights are sparse"),
    ("code", -1, "code has no length"),
    ("code", 10**9, "code has no length"),
    ("feature_names", ["a"], "names of features"),
    ("feature_names", [1] * 8, "names of features"),
    ("labels", None, "incomplete"),
    ("labels", {"classes": array_of(0, 1, 2)}, "incomplete"),
    ("labels", {"classes": array_of(0, 1, 2), "sparse": 0}, "if its labels are sparse"),
    ("labels", {"classes": 3, "sparse": False}, "classes are not those"),
    ("labels", {"classes": array_of(0, 1), "sparse": False}, "classes are not those"),
    (
        "labels",
        {"classes": {"dtype": "int8", "values": 3}, "sparse": False},
        "classes are not those",
    ),
    ("name", "a__b", "no proper names"),
    ("steps", [{}], "last step has no name"),
    ("layers", [], "not a step for each layer"),
    ("layers", [{}, {}], "incomplete"),
    ("layers", [layer_of(1)] * 2, "wrong step"),
    ("layers", [layer_of(-1.0)] * 2, "wrong step"),
    ("layers", [layer_of(0.5, odd=1)] * 2, "a layer is incomplete"),
    ("layers", [layer_of(None, dtype="float16")] * 2, "type of a layer is unknown"),
    ("layers", [layer_of(1e38)] * 2, "infinity"),
]


@pytest.mark.parametrize("key, value, reason", WRONG)
def test_wrong_metadata_are_refused(key, value, reason, small_files):
    metadata = metadata_of(small_files[1])
    assert metadata["labels"]["classes"]["values"] == ["a", 'b"\n', "é"]
    metadata[key] = value
    with pytest.raises(ValueError, match=f"This file is damaged: .*({reason})"):
        loaded(with_metadata(small_files[1], metadata))


def test_values_have_no_classes(small_files):
    metadata = metadata_of(small_files[7])
    metadata["labels"] = {"classes": array_of(0, 1), "sparse": False}
    with pytest.raises(ValueError, match="predicts values has classes"):
        loaded(with_metadata(small_files[7], metadata))


# Values of an array, or a number, with its type, that nothing has packed.
WRONG_ARRAYS = [
    (array_of(1, 2, 3, dtype="complex128"), "unknown type"),
    (array_of(1, 2, 3, dtype=["int8"]), "unknown type"),
    (array_of("a", "b", "c", dtype="U0"), "unknown type"),
    (array_of("a", "b", "c", dtype="U99999999999"), "unknown type"),
    (array_of(1, 2, 300, dtype="int8"), "does not fit its type"),
    (array_of(1, 2, 300, dtype="bool"), "does not fit its type"),
    (array_of(1, 2, 3, dtype="float64"), "does not fit its type"),
    (array_of(1.0, 2.0, 1e300, dtype="float32"), "does not fit its type"),
    (array_of(1.5, 2.5, 3.5), "does not fit its type"),
    (array_of("a", "b", "abc", dtype="U2"), "does not fit its type"),
    (array_of("a", "b", "c\0", dtype="U2"), "does not fit its type"),
    (array_of(1, 2, 3, dtype="U2"), "does not fit its type"),
    (array_of(1, 2, None), "does not fit its type"),
    (array_of([1], [2], [3]), "does not fit its type"),
    (array_of([1], 2, 3), "does not fit its type"),
    (array_of({}, {}, {}), "does not fit its type"),
]


@pytest.mark.parametrize("array, reason", WRONG_ARRAYS, ids=str)
def test_wrong_arrays_are_refused(array, reason, small_files):
    metadata = metadata_of(small_files[1])
    metadata["labels"]["classes"] = array
    with pytest.raises(ValueError, match=f"This file is damaged: .*{reason}"):
        loaded(with_metadata(small_files[1], metadata))


# Keys of the step of a StandardScaler.
WRONG_STEPS = [
    ("name", 3, "no proper names"),
    ("name", "mlp", "no proper names"),
    ("name", "a__b", "no proper names"),
    ("type", "PCA", "unknown type"),
    ("type", ["StandardScaler"], "unknown type"),
    ("type", None, "unknown type"),
    ("feature_names", ["a"], "names of features"),
    ("params", 3, "incomplete"),
    ("params", {"with_other": True}, "incomplete"),
    ("params", {"with_mean": 1}, "parameter of a step"),
    ("attributes", {}, "incomplete"),
    ("mean_", array_of(0.0, 0.0, dtype="float64"), "mean_ of a step"),
    ("mean_", array_of(*"abcdefgh", dtype="U1"), "mean_ of a step"),
    ("mean_", None, "does not transform"),
    ("scale_", array_of(*[0.0] * 8, dtype="float64"), "does not transform"),
]


@pytest.mark.parametrize("key, value, reason", WRONG_STEPS)
def test_wrong_steps_are_refused(key, value, reason, small_files):
    metadata = metadata_of(small_files[7])
    step = metadata["steps"][0]
    part = step["attributes"] if key.endswith("_") else step
    part[key] = value
    with pytest.raises(ValueError, match=f"This file is damaged: .*{reason}"):
        loaded(with_metadata(small_files[7], metadata))


@pytest.mark.parametrize("step", [3, ["a", 0, None], {}])
def test_steps_that_are_not_steps_are_refused(step, small_files):
    metadata = metadata_of(small_files[7])
    metadata["steps"] = [step]
    with pytest.raises(ValueError, match="incomplete"):
        loaded(with_metadata(small_files[7], metadata))


@pytest.mark.parametrize("value", [False, True])
def test_parameter_of_a_later_scikit_learn(value, small_files, monkeypatch):
    class EarlierScaler(MaxAbsScaler):
        clip = False

        def __init__(self, copy=True):
            self.copy = copy

    metadata = metadata_of(small_files[7])
    assert metadata["steps"][2]["type"] == "MaxAbsScaler"
    metadata["steps"][2]["params"] = {"copy": True, "clip": value}
    data = with_metadata(small_files[7], metadata)
    scalers = _file._SCALERS
    monkeypatch.setitem(scalers, EarlierScaler, scalers[MaxAbsScaler])
    monkeypatch.setitem(_file._SCALERS_BY_NAME, "MaxAbsScaler", EarlierScaler)
    if value:
        with pytest.raises(ValueError, match="of a later scikit-learn"):
            loaded(data)
    else:
        assert type(loaded(data)[2]) is EarlierScaler


# Other ways to write JSON than the one that a file has.
OTHER_TEXTS = {
    "not JSON": (b"{", "are not JSON"),
    "not a number": (b"[NaN]", "are not JSON"),
    "infinite": (b"[1e999]", "are not JSON"),
    "very long number": (b"1" * 5000, "are not JSON"),
    "nested": (b"[" * 10**5 + b"]" * 10**5, "are not JSON"),
    "not UTF-8": (b'["\xff"]', "are not JSON"),
    "not ASCII": ('["é"]'.encode(), "not in the one form"),
    "space": (b'{"a": 1}', "not in the one form"),
    "order": (b'{"b":1,"a":2}', "not in the one form"),
    "twice": (b'{"a":1,"a":2}', "not in the one form"),
    "more digits": (b"[0.10]", "not in the one form"),
    "no object": (b"[]", "incomplete"),
    "another key": (b'{"a":1}', "incomplete"),
}


@pytest.mark.parametrize("case", OTHER_TEXTS)
def test_other_texts_are_refused(case):
    text, reason = OTHER_TEXTS[case]
    with pytest.raises(ValueError, match=f"This file is damaged: .*{reason}"):
        loaded(sealed(text, b""))


def test_metadata_of_another_length_are_refused(small_files):
    text, rest = unsealed(small_files[0])
    for change in (-1, 1):
        with pytest.raises(ValueError, match="metadata have another length"):
            loaded(sealed(text, rest, n_text=len(text) + change))


def test_metadata_that_cannot_be_unpacked_are_refused(small_files):
    data = bytearray(small_files[0])
    data[21] ^= 0b110  # the kind of the first block, which becomes one that is not
    data[-4:] = struct.pack("<I", zlib.crc32(data[:-4]))
    with pytest.raises(ValueError, match="metadata cannot be unpacked"):
        loaded(bytes(data))


def test_more_numbers_than_weights_are_refused(small_files):
    text, rest = unsealed(small_files[0])
    with pytest.raises(ValueError, match="something follows"):
        loaded(sealed(text, rest + b"\0"))


# Memory


@pytest.mark.parametrize("max_bytes", [-1, 1e9, None])
def test_limit_is_a_number_of_bytes(max_bytes, small_files):
    with pytest.raises(ValueError, match="'max_bytes' parameter of load"):
        loaded(small_files[0], max_bytes=max_bytes)


def test_large_sizes_are_refused_before_anything_is_allocated(small_files):
    lengths = small_files[0][:17] + b"\xff\xff\xff\xff"
    bombs = [lengths, sealed(b"0" * 10**6, b"")]
    for key, value in (
        ("n_features", 10**9),
        ("widths", [10**9, 3]),
        ("widths", [2**32 - 1, 2**32 - 1]),
        # a few names in an array that has room for a million letters in each
        ("labels", {"classes": array_of(*"abc", dtype="U1000000"), "sparse": False}),
    ):
        bombs.append(with_metadata(small_files[1], metadata_of(small_files[1])))
        metadata = metadata_of(small_files[1]) | {key: value}
        bombs[-1] = with_metadata(small_files[1], metadata)
    for data in bombs:
        tracemalloc.start()
        with pytest.raises(ValueError, match=r"takes up to .*max_bytes=10,000,000"):
            loaded(data, max_bytes=10**7)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2 * 10**6


def random_network(widths, density, bits):
    """A regressor with random weights, as many edges as `density` says."""
    rng = np.random.default_rng(0)
    X = np.zeros((2, widths[0]), np.float32)
    mlp = MLPRegressor(hidden_layer_sizes=widths[1:-1], max_iter=1)
    fitted(mlp, X, np.zeros((2, widths[-1])).squeeze())
    for coef, b in zip(mlp.coefs_, mlp.intercepts_):
        kept = rng.random(coef.shape) < density
        coef[:] = rng.integers(1, 2 ** (bits - 1) + 1, coef.shape) * kept
        b[:] = rng.integers(-(2**15) + 1, 2**15, b.shape)
    return mlp


def limit_of(data):
    """The smallest `max_bytes` that a file is loaded with."""
    limit = 0
    while True:
        try:
            loaded(data, max_bytes=limit)
        except ValueError as error:
            assert f"max_bytes={limit:,}" in str(error)
            limit = int(str(error).split()[6].replace(",", ""))
        else:
            return limit


@pytest.mark.parametrize("widths", [(60, 50, 10), (1, 500), (500, 1), (1,) * 50])
@pytest.mark.parametrize("density, bits", [(1, 3), (1, 8), (0.5, 8), (0, 1)])
def test_memory_stays_below_the_limit(widths, density, bits):
    data = dumped(random_network(widths, density, bits))
    limit = limit_of(data)
    tracemalloc.start()
    loaded(data, max_bytes=limit)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= limit


# The format, read as doc/user_guide/file_format.rst describes it


def assert_read_plainly(mlp):
    metadata, layers = read(dumped(mlp))
    assert metadata["activation"] == mlp.activation
    for (coef, intercept), *old in zip(layers, mlp.coefs_, mlp.intercepts_):
        assert_array_equal(coef, sparse.csr_array(old[0]).toarray())
        assert_array_equal(intercept, old[1])
        assert (coef.dtype, intercept.dtype) == (old[0].dtype, old[1].dtype)
    assert len(layers) == len(mlp.coefs_)


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("density", [0.1, 0.6, 1])
def test_file_is_what_the_guide_says(density, odd, mlp, digits):
    if density < 1:
        mlp = compressed(mlp, digits[2], density=density).estimator_
    assert_read_plainly(mlp)
    assert_read_plainly(rounded(mlp, 3, odd))


@pytest.mark.parametrize("widths", [(150, 20, 2), (4100, 2)])
def test_file_of_an_image_is_what_the_guide_says(widths):
    mlp = random_network(widths, 1, 3)
    # weights that change slowly from pixel to pixel
    mlp.coefs_[0] = np.rint(np.cumsum(mlp.coefs_[0] - 2.5, axis=0) / 2) % 9 - 4
    small = rounded(mlp, 3)
    text, rest = unsealed(dumped(small))
    code = Code(rest[: json.loads(text)["code"]])
    _, lags = code.support(*small.coefs_[0].shape)
    assert bool(lags) == (widths[0] < 4100)
    assert_read_plainly(small)


@pytest.mark.skipif(not GUIDE.exists(), reason="installed without the documentation")
def test_guide_has_the_dictionary():
    guide = GUIDE.read_text(encoding="utf-8")
    (block,) = re.findall(r":name: dictionary\n\n((?:    .*\n)+)", guide)
    assert "".join(line[4:] for line in block.splitlines()) == DICTIONARY.decode()

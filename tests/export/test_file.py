"""The compact file: what is loaded is what was dumped, whatever the bytes."""

import io
import struct
import tracemalloc
import warnings
import zlib
from collections import defaultdict
from contextlib import suppress

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
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

from skcoreset import CoresetCompressor
from skcoreset.export import dump, load
from skcoreset.export import file as _file

from ..conftest import fitted


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


# What comes back


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("odd", [False, True])
def test_network_of_few_levels_comes_back(bits, odd, compressor, digits):
    mlp = rounded(compressor.estimator_, bits, odd)
    data = dumped(mlp)
    assert_same_network(loaded(data), mlp)
    n_edges = sum(coef.nnz for coef in mlp.coefs_)
    n_intercepts = sum(map(len, mlp.intercepts_))
    # and a hundred bytes for sizes, steps and classes
    assert len(data) < 100 + n_edges * (bits + 4) / 8 + 2 * n_intercepts


@pytest.mark.parametrize("activation", ["identity", "logistic", "relu", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_any_other_network_comes_back(activation, dtype, is_sparse, digits):
    X, y, X_new, _ = digits
    params = {"activation": activation, "max_iter": 3, "random_state": 0}
    mlp = fitted(MLPClassifier((9, 8), **params), X.astype(dtype), y)
    if is_sparse:
        mlp = compressed(mlp, X).estimator_
    back = loaded(dumped(mlp))
    assert_same_network(back, mlp)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        assert_array_equal(getattr(back, method)(X_new), getattr(mlp, method)(X_new))
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
    MinMaxScaler((-1, 0.5), clip=True),
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
    small = compressed(pipeline, X)
    back = loaded(dumped(small))
    assert [name for name, _ in back.steps] == [name for name, _ in pipeline.steps]
    assert back.steps[1][1] == "passthrough"
    assert_array_equal(back.predict(X_new), small.estimator_.predict(X_new))


def test_pipeline_around_a_compressor_comes_back(compressor, digits):
    X = digits[2]
    scaler = FrozenEstimator(MaxAbsScaler().fit(X))
    back = loaded(dumped(make_pipeline(scaler, compressor)))
    assert type(back[-1]) is MLPClassifier
    assert_array_equal(
        back.predict(X), compressor.estimator_.predict(scaler.transform(X))
    )


# What is refused by `dump`


@pytest.mark.parametrize(
    "step",
    [FunctionTransformer(), PolynomialFeatures(1), make_pipeline(MinMaxScaler())],
)
def test_other_steps_are_refused_by_name(step, digits):
    X, y = digits[:2]
    mlp = MLPClassifier((4,), max_iter=2)
    pipeline = fitted(Pipeline([("odd one", step), ("mlp", mlp)]), X, y)
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


def test_weights_that_are_no_numbers_are_refused(compressor, tmp_path):
    mlp = rounded(compressor.estimator_, 3)
    mlp.coefs_[1].data[0] = np.nan
    with pytest.raises(ValueError, match=r"NaN or infinity in coefs_\[1\]"):
        dump(mlp, tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_scaler_that_has_learnt_no_numbers_is_refused(compressor, digits):
    scaler = StandardScaler().fit(digits[0])
    scaler.mean_[3] = np.nan
    with pytest.raises(ValueError, match="mean_ of the step 'standardscaler'"):
        dumped(make_pipeline(scaler, compressor))


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), StandardScaler(), make_pipeline(StandardScaler()), 3],
)
def test_what_is_no_network_is_refused(estimator):
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
def test_what_is_not_fitted_is_refused(estimator):
    with pytest.raises(NotFittedError):
        dumped(estimator)


def test_scaler_that_is_not_fitted_is_refused(compressor):
    with pytest.raises(NotFittedError):
        dumped(make_pipeline(StandardScaler(), compressor))


def test_very_deep_network_is_refused():
    X = np.random.default_rng(0).random((9, 1))
    mlp = fitted(MLPRegressor(hidden_layer_sizes=[1] * 300, max_iter=1), X, X[:, 0])
    with pytest.raises(ValueError, match="301 layers"):
        dumped(mlp)


# What is refused by `load`


def sealed(body, version=2):
    """A file with a proper beginning and checksum."""
    data = b"\x89SKC\r\n\x1a\n" + struct.pack("<BI", version, len(body)) + body
    return data + struct.pack("<I", zlib.crc32(data))


def parts(data):
    """Header, code and numbers of a file."""
    reader = _file._Reader(data[13:-4], 2**30)
    _, n_deflated, n_code = (reader.integer() for _ in range(3))
    header = zlib.decompress(reader.take(n_deflated), wbits=-15)
    code = reader.take(n_code)
    return header, code, reader.take(len(data) - 17 - reader._place)


def joined(header, code, numbers, n_header=None):
    deflated = zlib.compress(header, wbits=-15)
    sizes = len(header) if n_header is None else n_header, len(deflated), len(code)
    sizes = b"".join(map(_file._integer, sizes))
    return sealed(sizes + deflated + code + numbers)


@pytest.fixture(scope="module")
def small_files(digits):
    """Files of networks of all kinds, a few hundred bytes each."""
    X, y = digits[0][:, 20:28].astype(np.float32), digits[1]
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
        small = compressed(estimator, X, density=0.5).estimator_
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
            with pytest.raises(ValueError, match=r"is damaged: it ends|is no file"):
                loaded(data[:n_bytes])


def test_every_changed_bit_is_noticed(small_files):
    data = small_files[0]
    for place in range(8 * len(data)):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(ValueError, match=r"^(This|Loading this) file |^This is no"):
            loaded(bytes(changed), max_bytes=2**20)


def test_text_is_no_such_file():
    with pytest.raises(ValueError, match=r"no file of skcoreset\.export\.dump"):
        loaded(b"weights: 1, 2, 3")


@pytest.mark.parametrize("version, which", [(1, "an earlier"), (3, "a later")])
def test_other_versions_are_refused(version, which, small_files):
    body = small_files[0][13:-4]
    with pytest.raises(
        ValueError, match=f"version {version} of its.*load it with {which}"
    ):
        loaded(sealed(body, version=version))


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


def fuzz(files, n_files, seed):
    """Load files that were altered: after the seal, before it, or in the header."""
    rng = np.random.default_rng(seed)
    n_loaded = 0
    for number in range(n_files):
        data = files[number % len(files)]
        match number // len(files) % 3:
            case 0:
                data = mutated(data, rng)
            case 1:
                data = sealed(mutated(data[13:-4], rng))
            case _:
                header, *rest = parts(data)
                data = joined(mutated(header, rng), *rest)
        try:
            estimator = loaded(data, max_bytes=2**22)
        except ValueError as error:
            assert str(error).startswith(("This file is ", "This is no ", "Loading "))
            continue
        n_loaded += 1
        n_features = _file._steps(estimator)[-1].n_features_in_
        # numbers that overflow are an error of theirs
        with suppress(ValueError):
            predicted = estimator.predict(np.zeros((2, n_features), np.float32))
            assert predicted.shape[0] == 2
    return n_loaded


@pytest.mark.filterwarnings("ignore")  # of networks with absurd weights
def test_any_bytes_are_a_network_or_an_error(small_files):
    n_loaded = fuzz(small_files, 800, seed=0)
    # a weight, the name of a class: nothing can tell
    assert 0 < n_loaded < 160


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of networks with absurd weights
def test_many_bytes_are_a_network_or_an_error(small_files):
    assert fuzz(small_files, 20_000, seed=1) < 4000


def header_of(data):
    return list(_file._Reader(parts(data)[0], 2**30).value())


def with_header(data, values):
    return joined(_file._packed_value(tuple(values)), *parts(data)[1:])


# Places in the header, values that do not belong there, and what is said of them.
WRONG = [
    (0, 0, "number of features"),
    (0, 2.0, "number of features"),
    (1, (), "no layers"),
    (1, (5, -3), "number of features or neurons"),
    (1, 5, "incomplete"),
    (1, (1,) * 256, "too many"),
    (2, 4, "activation is unknown"),
    (2, -1, "activation is unknown"),
    (3, 9, "output activation is unknown"),
    (3, 0, "classes are not those"),
    (4, 1, "steps of a layer"),
    (5, ("a",), "names of features"),
    (5, (1,) * 8, "names of features"),
    (6, (1, False), "classes are incomplete"),
    (6, (3, False, np.arange(3)), "classes are incomplete"),
    (6, (1, 0, np.arange(3)), "classes are incomplete"),
    (6, (1, False, 3), "classes are incomplete"),
    (6, (1, False, np.arange(4)), "classes are not those"),
    (6, (0, False, np.arange(3)), "classes are not those"),
    (6, None, "outputs are no values"),
    (8, (("a", None, None, ()),), "last step has no name"),
    (9, (), "not as many layers"),
    (9, ((), ()), "layer is incomplete"),
    (9, ((1.0, False, 1.0),) * 2, "steps of a layer"),
    (9, ((np.float32(np.nan), False, np.float32(1)),) * 2, "NaN"),
    (9, ((np.float32(3e38), False, np.float32(3e38)),) * 2, "infinity"),
]


@pytest.mark.parametrize("place, value, reason", WRONG)
def test_wrong_headers_are_refused(place, value, reason, small_files):
    header = header_of(small_files[1])
    assert_array_equal(header[6][2], ["a", 'b"\n', "é"])
    header[place] = value
    with pytest.raises(ValueError, match=f"This file is damaged: .*{reason}"):
        loaded(with_header(small_files[1], header))


# Of the step of a StandardScaler: name, number, names, values.
WRONG_STEPS = [
    (0, 3, "no proper names"),
    (0, "mlp", "no proper names"),
    (0, "a__b", "no proper names"),
    (1, 4, "unknown type"),
    (2, ("a",), "names of features"),
    (3, (), "incomplete"),
    (3, (True, True, 1, *[None] * 4), "parameter of a step"),
    (3, (True, True, True, np.zeros(3), None, None, 5), "mean_ of a step"),
    (3, (True, True, True, np.full(8, np.inf), None, None, 5), "mean_ of a step"),
    (3, (True, True, True, "abc", None, None, 5), "mean_ of a step"),
    (3, (True, True, True, *[None] * 4), "does not transform"),
    (3, (True, True, True, np.ones(8), np.zeros(8), None, 5), "does not transform"),
]


@pytest.mark.parametrize("place, value, reason", WRONG_STEPS)
def test_wrong_steps_are_refused(place, value, reason, small_files):
    header = header_of(small_files[7])
    first = list(header[8][0])
    first[place] = value
    header[8] = tuple(first), *header[8][1:]
    with pytest.raises(ValueError, match=f"This file is damaged: .*{reason}"):
        loaded(with_header(small_files[7], header))


@pytest.mark.parametrize("step", [3, ("a", 0, None)])
def test_steps_that_are_none_are_refused(step, small_files):
    header = header_of(small_files[7])
    header[8] = (step,)
    with pytest.raises(ValueError, match="a step is incomplete"):
        loaded(with_header(small_files[7], header))


WRONG_VALUES = {
    "unknown tag": (b"\x09", "value is of an unknown type"),
    "unknown type": (b"\x08\x01\x0c", "array is of an unknown type"),
    "too large": (b"\x08\x01\x01\x80\x02", "does not fit its type"),
    "no bool": (b"\x08\x01\x00\x04", "does not fit its type"),
    "no text": (b"\x05\x01\xff", "text is none"),
    "longer than its type": (b"\x08\x01\x0b\x01\x02ab", "text is longer"),
    "type of no length": (b"\x08\x01\x0b\x00\x00", "text is longer"),
    "endless number": (b"\x03" + b"\xff" * 20, "number is too long"),
    "nested": (b"\x06\x01" * 2000 + b"\x00", "nested too deeply"),
    "no tuple": (b"\x00", "header is incomplete"),
    "ends": (b"\x06\xff\xff\xff\xff\x0f", "ends too early"),
}


@pytest.mark.parametrize("case", WRONG_VALUES)
def test_wrong_values_are_refused(case):
    header, reason = WRONG_VALUES[case]
    with pytest.raises(ValueError, match=f"This file is damaged: .*{reason}"):
        loaded(joined(header, b"", b""))


def test_header_of_another_length_is_refused(small_files):
    header, *rest = parts(small_files[0])
    for change in (-1, 1):
        with pytest.raises(ValueError, match="header has another length"):
            loaded(joined(header, *rest, n_header=len(header) + change))


def test_header_that_cannot_be_unpacked_is_refused():
    with pytest.raises(ValueError, match="header cannot be unpacked"):
        loaded(sealed(b"\x09\x03\x00\xff\xff\xff"))


def test_more_numbers_than_weights_are_refused(small_files):
    with pytest.raises(ValueError, match="something follows"):
        loaded(sealed(small_files[0][13:-4] + b"\0"))


# Memory


@pytest.mark.parametrize("max_bytes", [-1, 1e9, None])
def test_limit_is_a_number_of_bytes(max_bytes, small_files):
    with pytest.raises(ValueError, match="'max_bytes' parameter of load"):
        loaded(small_files[0], max_bytes=max_bytes)


def test_large_sizes_are_refused_before_anything_is_allocated(small_files):
    bombs = [sealed(b"")[:9] + b"\xff\xff\xff\xff", joined(b"\0" * 10**6, b"", b"")]
    for place, value in ((0, 10**9), (1, (10**9, 3)), (1, (10**15, 10**15))):
        header = header_of(small_files[1])
        header[place] = value
        bombs.append(with_header(small_files[1], header))
    # a thousand names in an array that has room for a million letters in each
    wide = b"\x08\xe8\x07\x0b\xc0\x84\x3d" + b"\x00" * 1000
    bombs.append(joined(wide, b"", b""))
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


class PlainReader:
    """Decodes what the guide describes, step by step."""

    def __init__(self, code):
        self.bits = "".join(f"{byte:08b}" for byte in code) + "0" * 96
        self.span, self.value, self.place = 2**96, int(self.bits[:96], 2), 96

    def symbol(self, widths):
        unit = self.span // sum(widths)
        start = 0
        for symbol, width in enumerate(widths):
            is_last = symbol == len(widths) - 1
            end = self.span if is_last else unit * (start + width)
            if self.value < end:
                break
            start += width
        self.value, self.span = self.value - unit * start, end - unit * start
        while self.span < 2**64:
            word = self.bits[self.place : self.place + 32].ljust(32, "0")
            self.value = self.value * 2**32 + int(word, 2)
            self.span *= 2**32
            self.place += 32
        return symbol

    def uniform(self, n):
        return self.symbol([1] * n)

    def adaptive(self, counts):
        symbol = self.symbol(counts)
        counts[symbol] += 2
        return symbol

    def integer(self, counts, context=0):
        length = 0
        while self.adaptive(counts[context, length]):
            length += 1
        digits = "1"
        for number in range(length):
            if number == 0:
                digits += str(self.adaptive(counts[context, length, "first"]))
            else:
                digits += str(self.uniform(2))
        return int(digits, 2) - 1

    def batches(self, counts, contexts):
        symbols = []
        while len(symbols) < len(contexts):
            seen = sum(sum(each) - len(each) for each in counts) // 2
            n = 1 + seen // 16
            new = [self.symbol(counts[c]) for c in contexts[len(symbols) :][:n]]
            for context, symbol in zip(contexts[len(symbols) :], new):
                counts[context][symbol] += 2
            symbols += new
        return symbols

    def support(self, n_in, n_out):
        if max(n_in, n_out) <= 4096:
            by_inputs = self.uniform(2)
        elif min(n_in, n_out) <= 4096:
            by_inputs = n_in <= 4096
        else:
            by_inputs = n_in <= n_out
        prior = [1, 4, 16, 64][self.uniform(4)]
        n_lines, n_ends = (n_in, n_out) if by_inputs else (n_out, n_in)
        lags = []
        if by_inputs:
            n_lags = self.integer(defaultdict(lambda: [1, 1]))
            for _ in range(n_lags):
                lags.append(1 + self.integer(defaultdict(lambda: [1, 1])))
        degrees, counts, signs = [], defaultdict(lambda: [1, 1]), [1, 1]
        for line in range(n_lines):
            near = [degrees[line - lag] for lag in lags or [1] if lag <= line]
            expected = int(np.floor(np.mean(near) + 0.5)) if near else 0
            size = self.integer(counts, expected > 0)
            negative = size and expected and self.adaptive(signs)
            degrees.append(expected - size if negative else expected + size)
        kept = np.zeros((n_lines, n_ends), int)
        usual = np.full(n_ends, prior)
        for line, left in enumerate(degrees):
            if left in (0, n_ends):
                kept[line] = left > 0
                continue
            near = sum((kept[line - lag] for lag in lags if lag <= line), 0)
            weights = usual * (2 + near)
            for end in range(n_ends):
                if left == n_ends - end:
                    kept[line, end:] = 1
                    break
                tail = int(weights[end:].sum())
                ones = min(left * int(weights[end]), tail - tail // 64 - 1)
                kept[line, end] = left and self.symbol([tail - ones, ones])
                left -= int(kept[line, end])
            usual += 4 * kept[line]
        return (kept if by_inputs else kept.T), lags

    def levels(self, kept, lags, odd):
        largest = self.integer(defaultdict(lambda: [1, 1]))
        if not kept.any():
            return kept
        signs = np.zeros(kept.shape, int)
        rows, columns = np.nonzero(kept)
        counts = [[1, 1] for _ in range(13)]
        parts = [rows == row for row in range(len(kept))] if lags else [rows >= 0]
        for row, part in enumerate(parts):
            near = sum((signs[row - lag] for lag in lags if lag <= row), 0 * kept[0])
            negative = self.batches(counts, (near[columns[part]] + 6).tolist())
            signs[rows[part], columns[part]] = 1 - 2 * np.array(negative, int)
        ways = [(1, 1, 0), (1, 1, 1), (4, 1, 0), (4, 4, 0)]
        n_inputs, n_neurons, by_sign = ways[self.uniform(4)]
        groups = n_neurons * self.groups(kept.sum(axis=1), n_inputs)[rows]
        groups += self.groups(kept.sum(axis=0), n_neurons)[columns]
        n_groups = n_inputs * n_neurons
        contexts = 2 * groups + (signs[rows, columns] > 0) if by_sign else groups
        counts = [[1] * largest for _ in range(2 * n_groups)]
        if not by_sign:
            counts = counts[:n_groups]
        signs[rows, columns] *= 1 + np.array(self.batches(counts, contexts.tolist()))
        return 2 * signs - np.sign(signs) if odd else signs

    @staticmethod
    def groups(degrees, n_groups):
        groups, before = {}, 0
        for own, end in sorted((own, end) for end, own in enumerate(degrees.tolist())):
            groups[end] = n_groups * (2 * before + own) // (2 * int(degrees.sum()))
            before += own
        return np.array([groups[end] for end in range(len(degrees))])

    def intercepts(self, n):
        lengths = self.batches([[1] * 16], [0] * n)
        negative = self.batches([[1, 1]], [0] * n)
        out = []
        for length, sign in zip(lengths, negative):
            magnitude = 2**length // 2 + self.uniform(max(2**length // 2, 1))
            out.append(-magnitude if sign else magnitude)
        return np.array(out)


def read_plainly(data):
    """Weights and intercepts of a file without raw numbers."""
    header, code, _ = parts(data)
    values = _file._Reader(header, 2**30).value()
    n_features, widths, layers = values[0], values[1], values[9]
    reader = PlainReader(code)
    for shape, layer in zip(zip((n_features, *widths), widths), layers):
        step, odd, intercept_step = layer
        levels = reader.levels(*reader.support(*shape), odd)
        yield step * levels.astype(step.dtype)
        levels = reader.intercepts(shape[1])
        yield intercept_step * levels.astype(step.dtype)


def assert_read_plainly(mlp):
    new = list(read_plainly(dumped(mlp)))
    old = [
        part
        for coef, intercept in zip(mlp.coefs_, mlp.intercepts_)
        for part in (coef.toarray(), intercept)
    ]
    assert len(new) == len(old)
    for a, b in zip(new, old):
        assert_array_equal(a, b)


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("density", [0.1, 0.6, 1])
def test_file_is_what_the_guide_says(density, odd, mlp, digits):
    if density < 1:
        mlp = compressed(mlp, digits[2], density=density).estimator_
    assert_read_plainly(rounded(mlp, 3, odd))


@pytest.mark.parametrize("widths", [(150, 20, 2), (4100, 2)])
def test_file_of_an_image_is_what_the_guide_says(widths):
    mlp = random_network(widths, 1, 3)
    # weights that change slowly from pixel to pixel
    mlp.coefs_[0] = np.rint(np.cumsum(mlp.coefs_[0] - 2.5, axis=0) / 2) % 9 - 4
    small = rounded(mlp, 3)
    _, code, _ = parts(dumped(small))
    _, lags = PlainReader(code).support(*small.coefs_[0].shape)
    assert bool(lags) == (widths[0] < 4100)
    assert_read_plainly(small)

"""What holds for every network and every data, searched for counterexamples."""

import os
from copy import deepcopy

import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skcoreset import CoresetCompressor
from skcoreset._errors import ERRORS
from skcoreset._methods import METHODS as ALL_METHODS
from skcoreset._network import dense
from skcoreset._wrapped import network_of

from .conftest import fitted

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

# random networks on random rows: whether they can be compressed is not asked here
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

# Times as many examples, other ones in every run.
FUZZING = int(os.environ.get("SKCORESET_FUZZING", 0))

METHODS = ("corenet", "magnitude", "refined")

# Of these a larger epsilon has the very same path; of trained networks, a part of it.
UNTRAINED = ("corenet", "magnitude", "sipp")

N_ROWS = 60


def examples(n):
    """Settings for n examples, the same in every run unless `FUZZING`."""
    return hypothesis.settings(
        max_examples=n * (FUZZING or 1),
        deadline=None,
        derandomize=not FUZZING,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def set_weights(estimator, widths, dtype, rng):
    """A fitted MLP of these widths with normal weights."""
    n_outputs = widths[-1]
    X = np.zeros((2 * n_outputs + 2, widths[0]), dtype=dtype)
    y = np.arange(len(X)) % (n_outputs + (n_outputs == 1))
    if isinstance(estimator, MLPRegressor):
        y = np.zeros((len(X), n_outputs)) if n_outputs > 1 else np.zeros(len(X))
    # two outputs of a classifier do not exist: one is enough for two classes
    mlp = fitted(estimator.set_params(max_iter=1, random_state=0), X, y)
    mlp.coefs_ = [
        (rng.standard_normal(coef.shape) / np.sqrt(len(coef))).astype(dtype)
        for coef in mlp.coefs_
    ]
    mlp.intercepts_ = [
        (0.1 * rng.standard_normal(b.shape)).astype(dtype) for b in mlp.intercepts_
    ]
    return mlp


@st.composite
def networks(draw):
    """Fitted MLPs with odd weights, and the generator that made them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    hidden = tuple(draw(st.lists(st.integers(1, 8), min_size=1, max_size=3)))
    n_features, n_outputs = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    activation = draw(st.sampled_from(["identity", "logistic", "relu", "tanh"]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    if draw(st.booleans()):
        n_outputs = 1 if n_outputs == 2 else n_outputs
        estimator = MLPClassifier(hidden, activation=activation)
    else:
        estimator = MLPRegressor(hidden_layer_sizes=hidden, activation=activation)
    mlp = set_weights(estimator, (n_features, *hidden, n_outputs), dtype, rng)
    kind = draw(st.sampled_from(["plain", "zeros", "repeated", "dead", "scaled"]))
    if kind == "zeros":
        for coef in mlp.coefs_:
            coef[rng.random(coef.shape) < 0.5] = 0
    elif kind == "repeated":
        for coef in mlp.coefs_:
            np.round(coef, out=coef)
    elif kind == "dead":
        mlp.coefs_[0][:, 0] = 0
        mlp.intercepts_[0][0] = -1
        mlp.coefs_[-1][-1] = 0
    elif kind == "scaled":
        # tiny and huge layers that make up for one another
        scale = 10.0 ** draw(st.sampled_from([-30, -15, 15, 30]))
        mlp.coefs_[0] *= dtype(scale)
        mlp.intercepts_[0] *= dtype(scale)
        if activation in ("identity", "relu"):
            mlp.coefs_[-1] /= dtype(scale)
    # one weight at the least
    mlp.coefs_[-1][0, 0] = mlp.coefs_[-1][0, 0] or 1
    return mlp, rng


def rows(rng, n_features, signs="both"):
    X = rng.standard_normal((N_ROWS, n_features))
    return np.abs(X) if signs == "positive" else X


def compress(mlp, X, **params):
    params = {"delta": 0.3, "random_state": 0} | params
    X_val = params.pop("X_val", None)
    if params.get("error") in ("prediction", "classwise"):
        params.pop("epsilon", None)  # it would be refused
    return CoresetCompressor(mlp, **params).fit(X, X_val=X_val)


def state(mlp):
    """All that the user's network holds, to the bit."""
    weights = [*mlp.coefs_, *mlp.intercepts_]
    return [array.tobytes() for array in weights], sorted(vars(mlp))


def forward(mlp, X):
    """The output before its activation, layer by layer."""
    return network_of(mlp).activations(X.astype(mlp.coefs_[0].dtype))[-1]


def assert_close(actual, desired, dtype):
    """Equal up to rounding, on the scale of the largest output."""
    scale = np.abs(desired).max()
    error = np.abs(actual - desired).max()
    assert error <= 1e3 * np.finfo(dtype).eps * scale + np.finfo(dtype).tiny


targets = st.one_of(
    st.fixed_dictionaries({"density": st.floats(0.01, 1)}),
    st.fixed_dictionaries(
        {"epsilon": st.floats(1e-3, 10), "error": st.sampled_from(["auto", *ERRORS])}
    ),
)


@pytest.mark.parametrize("method", ALL_METHODS)
@examples(8)
@hypothesis.given(
    made=networks(),
    target=targets,
    signs=st.sampled_from(["both", "positive"]),
    scale=st.sampled_from([1e-30, 1e-6, 1, 1e6, 1e30]),
    refine=st.sampled_from([None, True, False]),
    prune=st.sampled_from([None, True, False]),
)
def test_whatever_the_network(method, made, target, signs, scale, refine, prune):
    mlp, rng = made
    kind = ERRORS.get(target.get("error"))
    if kind and (kind.by_class or (kind.classifiers and isinstance(mlp, MLPRegressor))):
        # a class with few rows would be refused
        target = target | {"error": "relative"}
    X, X_val = (scale * rows(rng, mlp.coefs_[0].shape[0], signs) for _ in range(2))
    network = network_of(mlp)
    bound = network.magnitude_bound(np.vstack([X, X_val]))
    hypothesis.assume(bound < float(np.finfo(network.dtype).max))
    before = state(mlp)
    if ALL_METHODS[method].drops_neurons:
        prune = prune or None  # False is refused
    options = target | {"refine": refine, "prune_neurons": prune}
    compressor = compress(mlp, X, method=method, X_val=X_val, **options)
    assert state(mlp) == before

    n_edges = sum(map(np.count_nonzero, mlp.coefs_))
    assert 0 <= compressor.density_ <= 1
    prunes = ALL_METHODS[method].prunes_neurons if prune is None else prune
    if not prunes and target.get("density", 1) * n_edges >= 1:
        assert compressor.density_ > 0
    F_hat, F = compressor.transform(X_val), network.forward(network.cast(X_val))
    dense = compressor.to_dense()
    assert F_hat.dtype == mlp.coefs_[0].dtype
    assert np.isfinite(F_hat).all()
    assert_close(F_hat, forward(dense, X_val), F_hat.dtype)

    certificate = compressor.certificate_
    errors = ERRORS[certificate.error].measure(
        F_hat, F, network.out_activation, certificate.scale
    )
    n_over = (errors > certificate.epsilon).sum()
    assert certificate.n_validation == len(X_val)
    assert certificate.share_over_epsilon == n_over / len(X_val)
    assert certificate.statistic >= (n_over + 1) / (len(X_val) + 1)
    if certificate.holds:
        assert certificate.statistic <= certificate.delta
    for q, value in certificate.quantiles.items():
        assert value == np.quantile(errors, q, method="higher")


@pytest.mark.parametrize("method", ["corenet", "uniform", "l1", "l2", "l1+l2"])
@examples(8)
@hypothesis.given(made=networks(), density=st.floats(0.1, 0.9))
def test_sampling_keeps_signs(method, made, density):
    mlp, rng = made
    X = rows(rng, mlp.coefs_[0].shape[0])
    hypothesis.assume(np.isfinite(forward(mlp, X)).all())
    compressor = compress(mlp, X, method=method, density=density)
    for coef, original in zip(compressor.to_dense().coefs_, mlp.coefs_):
        signs = np.sign(coef)
        assert ((signs == np.sign(original)) | (signs == 0)).all()


@pytest.mark.parametrize("method", UNTRAINED)
@examples(4)
@hypothesis.given(made=networks())
def test_larger_epsilon_is_never_denser(method, made):
    mlp, rng = made
    X = rows(rng, mlp.coefs_[0].shape[0])
    hypothesis.assume(np.isfinite(forward(mlp, X)).all())
    densities = [
        compress(mlp, X, method=method, epsilon=epsilon).density_
        for epsilon in (0.02, 0.2, 2.0)
    ]
    assert densities == sorted(densities, reverse=True)


def as_dataframe(X):
    return pytest.importorskip("pandas").DataFrame(X)


def as_memory_map(X, path):
    mapped = np.memmap(path / "X", dtype=X.dtype, mode="w+", shape=X.shape)
    mapped[:] = X
    mapped.flush()
    return np.memmap(path / "X", dtype=X.dtype, mode="r", shape=X.shape)


def as_read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


FORMS = {
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
    "csr matrix": sparse.csr_matrix,
    "int": lambda X: X.astype(np.int64),
    "float16": lambda X: X.astype(np.float16),
    "Fortran order": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "read-only": as_read_only,
    "list": lambda X: X.tolist(),
    "DataFrame": as_dataframe,
    "memory map": None,
}


@pytest.fixture(scope="module")
def small():
    """A 6-8-5-3 network, and small integers with zeros and a constant column."""
    rng = np.random.default_rng(0)
    mlp = set_weights(MLPClassifier((8, 5)), (6, 8, 5, 3), np.float64, rng)
    X = rng.integers(-4, 5, (N_ROWS, 6)).astype(np.float64)
    X[:, 0], X[:, 1] = 2, 0
    return mlp, X


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "method, target",
    [
        ("corenet", {"epsilon": 0.5}),
        ("magnitude", {"epsilon": 0.5}),
        ("refined", {"density": 0.4}),
    ],
)
def test_form_of_the_data_does_not_matter(method, target, form, small, tmp_path):
    mlp, X = small
    given = FORMS[form](X) if FORMS[form] else as_memory_map(X, tmp_path)
    copy_of_given = deepcopy(given)
    expected = compress(mlp, X, method=method, **target)
    compressor = compress(mlp, given, method=method, **target)
    for coef, other in zip(compressor.coefs_, expected.coefs_):
        np.testing.assert_allclose(dense(coef), dense(other), rtol=1e-9)
    assert compressor.certificate_.share_over_epsilon == (
        expected.certificate_.share_over_epsilon
    )
    np.testing.assert_allclose(
        compressor.transform(given), expected.transform(X), rtol=1e-9
    )
    np.testing.assert_array_equal(compressor.predict(given), expected.predict(X))
    difference = given != copy_of_given
    assert not (difference if form == "list" else np.any(difference.sum()))


@pytest.mark.parametrize("method", METHODS)
@examples(8)
@hypothesis.given(made=networks())
def test_constant_and_empty_columns(method, made):
    mlp, rng = made
    X = rows(rng, mlp.coefs_[0].shape[0])
    X[:, ::2] = 0
    X[:, 1::2] = 3
    hypothesis.assume(np.isfinite(forward(mlp, X)).all())
    compressor = compress(mlp, X, method=method, epsilon=0.1)
    if method == "corenet" and compressor.density_ < 1:
        # edges that never carry anything are not drawn
        assert not compressor.to_dense().coefs_[0][::2].any()
    assert np.isfinite(compressor.transform(X)).all()


@pytest.mark.parametrize("method", METHODS)
@examples(4)
@hypothesis.given(made=networks(), density=st.floats(0.05, 1))
def test_one_row_at_a_time_is_the_same(method, made, density):
    mlp, rng = made
    X = rows(rng, mlp.coefs_[0].shape[0])
    hypothesis.assume(np.isfinite(forward(mlp, X)).all())
    compressor = compress(mlp, X, method=method, density=density)
    F = compressor.transform(X)
    assert_close(
        np.vstack([compressor.transform(row) for row in X[:, None]]), F, F.dtype
    )


@pytest.mark.parametrize("method", METHODS)
@examples(4)
@hypothesis.given(made=networks(), density=st.floats(0.1, 1))
def test_same_seed_same_result(method, made, density):
    mlp, rng = made
    X = rows(rng, mlp.coefs_[0].shape[0])
    hypothesis.assume(np.isfinite(forward(mlp, X)).all())
    one, two = (compress(mlp, X, method=method, density=density) for _ in range(2))
    for coef, other in zip(one.coefs_, two.coefs_):
        np.testing.assert_array_equal(dense(coef), dense(other))

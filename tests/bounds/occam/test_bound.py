"""Generalization bounds, and the training of the networks that they are of."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from math import log

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from scipy.optimize import brentq
from scipy.special import rel_entr
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from skcoreset._codec import Encoder
from skcoreset._network import Network
from skcoreset.bounds import corenet_bound, occam_bound
from skcoreset.bounds.occam import search as _search
from skcoreset.bounds.occam import short_codes as _short_codes
from skcoreset.bounds.occam.bound import kl_inverse, occam
from skcoreset.bounds.occam.code import decode
from skcoreset.bounds.occam.short_codes import STEPS_PER_PASS

from ...conftest import fitted
from ..common import compressor_of, problem, refitted


@pytest.fixture(scope="module")
def binary(short_training):
    mlp, X, y = problem("binary")
    compressor = compressor_of(mlp, X)
    return compressor, X, y, occam_bound(compressor, X, y, densities=[0.2, 0.1])


@pytest.fixture(scope="module", autouse=True)
def short_training():
    """Only a few tests need what the full training reaches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_short_codes, "STEPS_PER_PASS", 20)
        patch.setattr(_search, "N_STARTS", 1)
        yield


@pytest.fixture
def full_training(monkeypatch):
    monkeypatch.setattr(_short_codes, "STEPS_PER_PASS", STEPS_PER_PASS)


# The statement


@pytest.mark.parametrize("r", [0.0, 1e-9, 0.03, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("divergence", [1e-6, 0.01, 0.3, 5.0])
def test_kl_inverse_against_a_root_finder(r, divergence):
    def excess(p):
        return rel_entr(r, p) + rel_entr(1 - r, 1 - p) - divergence

    p = kl_inverse(r, divergence)
    assert r <= p <= 1
    if excess(1 - 1e-16) <= 0:
        assert p == 1
        return
    expected = brentq(excess, max(r, 1e-300), 1 - 1e-16, xtol=1e-15, rtol=1e-14)
    assert p == pytest.approx(expected, abs=1e-10)
    # Rounded up.
    assert p == 1 or excess(p) >= -1e-15


def test_kl_inverse_without_errors_has_a_closed_form():
    assert kl_inverse(0.0, 0.1) == pytest.approx(1 - np.exp(-0.1))


@pytest.mark.parametrize("pays", [True, False])
def test_bound_holds_with_its_confidence_if_the_choice_is_paid_for(pays):
    # Sixteen networks, each looking at one feature, that errs with probability 0.3
    # independently of the others. The bound of the best one has to hold with 4 bits for
    # the choice, and fails too often without them.
    n_networks, error, n_samples, confidence, n_trials = 16, 0.3, 200, 0.9, 400
    networks, lengths = [], []
    for chosen in range(n_networks):
        coef = np.zeros((n_networks, 1))
        coef[chosen] = 1
        networks.append(Network((coef,), (np.zeros(1),), "relu", "logistic"))
        encoder = Encoder()
        encoder.uniform(n_networks, chosen)
        lengths.append(len(encoder.finish()) if pays else 0)
    assert not pays or max(lengths) <= 6

    rng = np.random.default_rng(0)
    n_broken = 0
    for _ in range(n_trials):
        Y = rng.integers(2, size=(n_samples, 1))
        wrong = rng.random((n_samples, n_networks)) < error
        X = np.where(wrong, 1 - Y, Y) - 0.5
        best = min(
            occam(np.mean((network.forward(X) > 0) != Y), n_bits, n_samples, confidence)
            for network, n_bits in zip(networks, lengths)
        )
        n_broken += best < error
    if pays:
        assert n_broken <= 0.1 * n_trials
    else:
        assert n_broken > 0.2 * n_trials


def test_bound_is_the_formula_at_its_own_figures(binary):
    _, _, _, bound = binary
    divergence = (bound.n_bits * log(2) + log(20)) / 600
    expected = kl_inverse(bound.train_error, divergence)
    assert bound.error_bound == pytest.approx(expected, rel=1e-14)
    assert bound.confidence == 0.95
    assert bound.n_samples == 600
    assert bound.n_bits == len(bound.code)
    assert sum(bound.parts.values()) == pytest.approx(bound.n_bits)
    assert bound.error_bound == bound.path["error_bound"].min()


@pytest.mark.slow
def test_bound_holds_on_fresh_rows(full_training):
    X, y = make_classification(6000, class_sep=1.5, flip_y=0.05, random_state=0)
    mlp = fitted(MLPClassifier((8,), random_state=0, max_iter=20), X[:2000], y[:2000])
    bound = occam_bound(compressor_of(mlp, X[:2000]), X[:2000], y[:2000])
    assert bound.estimator.score(X[2000:], y[2000:]) > 1 - bound.error_bound
    assert bound.error_bound < 0.3


@pytest.mark.parametrize(
    "kind", ["binary", "strings", "one hidden neuron", "multilabel"]
)
def test_bound_is_about_the_network_returned(kind):
    mlp, X, y = problem(kind)
    bound = occam_bound(compressor_of(mlp, X), X, y, densities=[0.1])
    wrong = bound.estimator.predict(X) != y
    assert bound.train_error == np.mean(wrong if wrong.ndim == 1 else wrong.any(axis=1))
    assert type(bound.estimator) is type(mlp)
    assert all(sparse.issparse(coef) for coef in bound.estimator.coefs_)
    assert bound.n_edges <= bound.path["n_edges"].max()

    network = decode(bound.code, X.shape[1], mlp.n_outputs_)
    layers = network.layers(mlp.coefs_[0].dtype)
    coefs, intercepts = bound.decode()
    for layer, coef, b in zip(layers, coefs, intercepts):
        assert_array_equal(coef.toarray(), layer[:-1])
        assert_array_equal(b, layer[-1])
    for new, old in zip(coefs, bound.estimator.coefs_):
        assert_array_equal(new.toarray(), old.toarray())
    for new, old in zip(intercepts, bound.estimator.intercepts_):
        assert_array_equal(new, old)


@pytest.mark.parametrize("n_features, hidden", [(1, (4,)), (5, ())])
def test_smallest_networks(n_features, hidden):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, n_features))
    y = X[:, 0] > 0
    mlp = fitted(MLPClassifier(hidden, max_iter=50, random_state=0), X, y)
    bound = occam_bound(compressor_of(mlp, X), X, y)
    assert bound.train_error < bound.error_bound < 0.4


def test_multiclass(mlp, digits, full_training):
    X, y, _, _ = digits
    bound = occam_bound(compressor_of(mlp, X), X, y, densities=[0.06])
    assert bound.train_error == np.mean(bound.estimator.predict(X) != y)
    assert bound.train_error < 0.3 < bound.error_bound < 0.8


@pytest.mark.parametrize("offset", [0.0, 273.15, -1e6])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_values(offset, n_outputs):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 6))
    signal = np.abs(X[:, 0]) + X[:, 1]
    mlp = MLPRegressor(hidden_layer_sizes=(8,), max_iter=300, random_state=0)
    fitted(mlp, X, np.column_stack([signal, -2 * signal])[:, :n_outputs].squeeze())
    mlp.intercepts_[-1] += offset
    y = mlp.predict(X) + 0.1 * rng.standard_normal(mlp.predict(X).shape)
    bound = occam_bound(compressor_of(mlp, X), X, y, tolerance=1.5, densities=[0.3])
    errors = np.abs(bound.estimator.predict(X) - y).reshape(600, -1)
    assert bound.train_error == np.mean((errors > 1.5).any(axis=1))
    assert bound.train_error < 0.3
    assert "is off by more than 1.5 on at most" in str(bound)
    coefs, intercepts = bound.decode()
    assert_array_equal(coefs[-1].toarray(), bound.estimator.coefs_[-1].toarray())
    assert_array_equal(intercepts[-1], bound.estimator.intercepts_[-1])


@pytest.mark.skipif(
    "loss" not in MLPRegressor().get_params(), reason="this scikit-learn has none"
)
def test_counts():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 4))
    y = rng.poisson(np.exp(1 + 0.5 * X[:, 0]))
    mlp = MLPRegressor("poisson", hidden_layer_sizes=(8,), random_state=0)
    compressor = compressor_of(fitted(mlp, X, y), X)
    bound = occam_bound(compressor, X, y, tolerance=4, densities=[0.3])
    errors = np.abs(bound.estimator.predict(X) - y)
    assert bound.train_error == np.mean(errors > 4) < 0.2


def test_same_random_state_same_bound(binary):
    compressor, X, y, bound = binary
    compressor = refitted(compressor, X)
    again = occam_bound(compressor, X, y, densities=[0.2, 0.1])
    assert_array_equal(again.code, bound.code)
    for name, values in bound.path.items():
        assert_array_equal(again.path[name], values)


@pytest.mark.slow
def test_n_jobs_does_not_change_the_bound(binary, full_training):
    compressor, X, y, _ = binary
    first, second = (
        occam_bound(
            refitted(compressor, X, n_jobs=n_jobs),
            X,
            y,
            densities=[0.1],
        )
        for n_jobs in (None, 2)
    )
    assert_array_equal(first.code, second.code)


def test_compressor_is_not_changed(binary):
    compressor, X, y, _ = binary
    coefs = [coef.copy() for coef in compressor.coefs_]
    occam_bound(compressor, X, y, densities=[0.1])
    for coef, old in zip(compressor.coefs_, coefs):
        assert_array_equal(coef.toarray(), old.toarray())


def test_sparse_rows(binary):
    compressor, X, y, _ = binary
    X = np.where(X > 0, X, 0)
    dense, from_sparse = (
        occam_bound(compressor, rows, y, densities=[0.1])
        for rows in (X, sparse.csr_array(X))
    )
    assert dense.train_error == pytest.approx(from_sparse.train_error, abs=0.02)
    corenet_bound(compressor, sparse.csr_array(X), y, margin=1.0)


@pytest.mark.parametrize(
    "scaler, warns",
    [(StandardScaler(), True), (Normalizer(), False), ("passthrough", False)],
    ids=str,
)
def test_steps_before_the_network(scaler, warns):
    _, X, y = problem("binary")
    mlp = MLPClassifier((8,), max_iter=40, random_state=0)
    pipeline = fitted(make_pipeline(scaler, mlp), X, y)
    compressor = compressor_of(pipeline, X)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bound = occam_bound(compressor, X, y, densities=[0.1])
    messages = [str(warning.message) for warning in caught]
    assert any("StandardScaler comes before" in text for text in messages) == warns
    assert bound.train_error == np.mean(bound.estimator.predict(X) != y)


def test_interrupted_it_returns_the_best_so_far(binary, monkeypatch, capsys):
    compressor, X, y, _ = binary
    rounded, n_calls = _short_codes.ShortCodes.rounded, 0

    def interrupted(*args):
        nonlocal n_calls
        n_calls += 1
        if n_calls > n_finished:
            raise KeyboardInterrupt
        return rounded(*args)

    monkeypatch.setattr(_short_codes.ShortCodes, "rounded", interrupted)
    compressor = refitted(compressor, X, verbose=1)
    # One from each start, and one more.
    n_finished = 3
    with pytest.warns(UserWarning, match="interrupted after 3 networks"):
        bound = occam_bound(compressor, X, y, densities=[0.2, 0.1])
    assert len(bound.path["n_edges"]) == 3
    assert f"smallest so far {bound.error_bound:.2%}" in capsys.readouterr().out

    n_calls, n_finished = 0, 0
    with pytest.raises(KeyboardInterrupt):
        occam_bound(compressor, X, y, densities=[0.2, 0.1])


def test_printed_bound_says_what_it_says(binary):
    *_, bound = binary
    text = str(bound)
    assert text.startswith(
        "With 95% confidence, the quantized network is wrong on at most"
    )
    assert f"at most {bound.error_bound:.2%} of fresh rows" in text
    assert f"{bound.n_bits} bits" in text
    for part in bound.parts:
        assert part in text


# Refusals


def test_regressors_need_a_tolerance_and_classifiers_take_none(regressor, binary):
    X = np.zeros((20, 64), np.float32) + np.arange(64)
    y = np.zeros((20, 2))
    with pytest.raises(TypeError, match="MLPRegressor predicts values"):
        corenet_bound(compressor_of(regressor, X), X, y, margin=1.0)
    with pytest.raises(ValueError, match="tolerance=None: a regressor needs"):
        occam_bound(compressor_of(regressor, X), X, y)
    compressor, X, y, _ = binary
    with pytest.raises(ValueError, match=r"tolerance=1.0: .* a classifier"):
        occam_bound(compressor, X, y, tolerance=1.0)


@pytest.mark.parametrize("function, options", [
    (occam_bound, {}), (corenet_bound, {"margin": 1.0}),
])  # fmt: skip
def test_bad_values_are_refused(function, options, binary):
    compressor, X, y, _ = binary
    with pytest.raises(ValueError, match=r"contains .*2.*not one of the classes"):
        function(compressor, X, np.full(len(y), 2), **options)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        function(compressor, X, y[:-1], **options)
    with pytest.raises(ValueError, match="'confidence' parameter"):
        function(compressor, X, y, **(options | {"confidence": 1.0}))
    with pytest.raises(ValueError, match="'compressor' parameter"):
        function(compressor.estimator_, X, y, **options)


@pytest.mark.parametrize("densities", [[], [0.1, 0.0], [1.5], [np.nan]])
def test_bad_densities_are_refused(binary, densities):
    compressor, X, y, _ = binary
    with pytest.raises(ValueError, match="densities="):
        occam_bound(compressor, X, y, densities=densities)


@pytest.mark.slow
def test_default_densities_end_at_a_minimum(binary, full_training):
    compressor, X, y, _ = binary
    wide = occam_bound(compressor, X, y)
    assert wide.error_bound < 0.3
    n_edges = wide.path["n_edges"]
    assert n_edges.min() <= wide.n_edges < n_edges.max()


def test_a_search_without_edges_is_refused(binary):
    compressor, X, y, _ = binary
    with pytest.raises(ValueError, match=r"All networks .* lost all edges"):
        occam_bound(compressor, X, y, densities=[1e-6])


@pytest.mark.slow
def test_blocks_of_images(digits, full_training):
    X, y, X_test, y_test = digits
    # 16 x 16 pixels
    X, X_test = (
        rows.reshape(-1, 8, 8).repeat(2, axis=1).repeat(2, axis=2).reshape(-1, 256)
        for rows in (X, X_test)
    )
    mlp = fitted(MLPClassifier((20,), max_iter=50, random_state=0), X, y)
    bound = occam_bound(compressor_of(mlp, X), X, y)
    height, width = bound.block_shape
    assert f"blocks of {height} x {width} inputs" in str(bound)
    first = bound.estimator.coefs_[0].toarray().reshape(16, 16, -1)
    assert_array_equal(first[0, 0], first[height - 1, width - 1])
    assert bound.train_error == np.mean(bound.estimator.predict(X) != y)
    assert 1 - bound.estimator.score(X_test, y_test) < bound.error_bound < 0.7
    coefs, _ = bound.decode()
    for new, old in zip(coefs, bound.estimator.coefs_):
        assert_array_equal(new.toarray(), old.toarray())


@pytest.mark.slow
def test_a_network_that_needs_its_depth_is_where_the_search_starts(full_training):
    # A narrow new network does not learn this.
    rng = np.random.default_rng(0)
    X = rng.standard_normal((6000, 6))
    y = np.sin(3 * X[:, 0]) + np.sin(3 * X[:, 1]) * X[:, 2] > 0.3
    mlp = fitted(MLPClassifier((40, 40), random_state=0, max_iter=100), X, y)
    bound = occam_bound(compressor_of(mlp, X), X, y)
    assert len(bound.estimator.coefs_) == 3


@pytest.mark.slow
def test_random_labels_stay_at_chance():
    rng = np.random.default_rng(0)
    for seed in range(15):
        X, y = rng.standard_normal((300, 8)), rng.integers(2, size=300)
        mlp = fitted(MLPClassifier((8,), random_state=seed, max_iter=20), X, y)
        assert occam_bound(compressor_of(mlp, X), X, y).error_bound >= 0.5

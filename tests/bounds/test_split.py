"""The bound of networks that some rows have made, and others count."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.datasets import make_classification, make_regression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor
from skcoreset.bounds import split_bound

from ..conftest import fitted

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning"
)

DENSITIES = [0.5, 0.1]


def compressor_of(estimator):
    return CoresetCompressor(estimator, method="magnitude", random_state=0)


@pytest.fixture(scope="module")
def problem():
    return make_classification(1200, 12, n_informative=6, random_state=0)


@pytest.fixture(scope="module")
def bound(problem):
    mlp = MLPClassifier((10,), max_iter=60)
    pipeline = make_pipeline(StandardScaler(), mlp)
    return split_bound(compressor_of(pipeline), *problem, densities=DENSITIES)


def test_every_bound_is_the_exact_binomial_one_at_its_share_of_the_confidence(bound):
    path, n = bound.path, bound.n_samples
    assert (n, bound.n_candidates) == (600, 5)
    n_wrong = np.rint(path["error"] * n)
    for k, p in zip(n_wrong, path["error_bound"]):
        assert binom.cdf(k, n, p) == pytest.approx(0.05 / 5, rel=1e-6)
    assert bound.error_bound == path["error_bound"].min()
    np.testing.assert_array_equal(path["fine_tuned"], [0, 0, 1, 0, 1])
    np.testing.assert_allclose(path["density"], [1, 0.5, 0.5, 0.1, 0.1], atol=0.01)


def test_errors_are_counted_on_rows_that_made_no_network(problem):
    X, y = problem
    mlp = fitted(MLPClassifier((10,), max_iter=60, random_state=0), X[:600], y[:600])
    bound = split_bound(
        compressor_of(mlp),
        X[:600],
        y[:600],
        X_count=X[600:],
        y_count=y[600:],
        densities=DENSITIES,
    )
    for error, estimator in zip(bound.path["error"], bound.estimators):
        assert error == np.mean(estimator.predict(X[600:]) != y[600:])
    assert bound.estimators[0] is mlp
    assert bound.estimator in bound.estimators


def test_it_holds_on_fresh_rows():
    X, y = make_classification(30_000, 12, flip_y=0.2, random_state=1)
    n_broken = 0
    for seed in range(10):
        rows = slice(400 * seed, 400 * (seed + 1))
        mlp = MLPClassifier((5,), solver="lbfgs", max_iter=30, random_state=seed)
        bound = split_bound(compressor_of(mlp), X[rows], y[rows], densities=[0.3])
        true = np.mean(bound.estimator.predict(X[4000:]) != y[4000:])
        n_broken += true > bound.error_bound
    assert n_broken <= 1


def test_a_regressor_is_off_by_more_than_a_tolerance():
    X, Y = make_regression(400, 5, n_targets=2, random_state=0)
    mlp = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", random_state=0)
    bound = split_bound(compressor_of(mlp), X, Y, tolerance=50.0, densities=[0.3])
    assert "off by more than 50" in str(bound)
    exact, *_, tuned = bound.path["error"]
    assert exact == 0 < tuned <= 1


def test_it_is_reproducible_and_changes_nothing(problem):
    compressor = compressor_of(MLPClassifier((4,), max_iter=5))
    first, again = (
        split_bound(compressor, *problem, densities=[0.2]) for _ in range(2)
    )
    for key, values in first.path.items():
        np.testing.assert_array_equal(again.path[key], values)
    assert not compressor.__sklearn_is_fitted__()


def test_printed_bound_says_what_it_rests_on(bound):
    text = str(bound)
    for part in ("95% confidence", "600 rows", "not made from", "best of 5 networks"):
        assert part in text
    assert len(text.splitlines()) == 2 + 5


def test_defaults_are_the_default_network_and_densities(problem):
    X, y = problem
    compressor = CoresetCompressor(method="magnitude", random_state=0)
    bound = split_bound(compressor, X[:100], y[:100])
    assert bound.n_candidates == 13


def test_bad_input_is_refused(problem):
    X, y = problem
    mlp = fitted(MLPClassifier((4,), max_iter=5), X, y)
    unfitted = compressor_of(MLPClassifier((4,), max_iter=5))
    with pytest.raises(ValueError, match="is fitted: give X_count and y_count"):
        split_bound(compressor_of(mlp), X, y)
    with pytest.raises(ValueError, match="X_count and y_count belong together"):
        split_bound(unfitted, X, y, X_count=X)
    with pytest.raises(ValueError, match=r"tolerance=0\.1"):
        split_bound(unfitted, X, y, tolerance=0.1)
    with pytest.raises(ValueError, match="tolerance=None"):
        split_bound(compressor_of(MLPRegressor()), X, y)
    with pytest.raises(ValueError, match=r"densities=\[0\.0\]"):
        split_bound(unfitted, X, y, densities=[0.0])


def test_rows_that_made_the_network_are_no_reason_to_warn(problem):
    X, y = problem
    compressor = compressor_of(MLPClassifier((4,), max_iter=5, random_state=0))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        split_bound(compressor, X, y, densities=[0.2])
    assert not [each for each in caught if "as many rows" in str(each.message)]

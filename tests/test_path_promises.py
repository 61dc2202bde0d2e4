"""path_promises: bounds for all networks of a path, and any choice among them."""

import re

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import (
    Certificate,
    CoresetCompressor,
    certify,
    path_promises,
    verify,
)
from skcoreset._errors import ERRORS
from skcoreset._promise.simultaneous import upper_shares

from .conftest import fitted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

DENSITIES = [0.2, 0.4, 0.6, 0.8]


@pytest.fixture(scope="module")
def rows(digits):
    return digits[2][:300], digits[2][300:]


def promises_of(mlp, rows, densities=DENSITIES, confidence=0.9, **options):
    options = {"method": "magnitude", "delta": 0.3, "random_state": 0} | options
    compressor = CoresetCompressor(mlp, **options)
    return path_promises(compressor, *rows, confidence=confidence, densities=densities)


def test_every_network_is_measured_and_bounded(mlp, rows):
    promises = promises_of(mlp, rows)
    assert promises.confidence == 0.9 and len(promises.estimators) == 4
    n_rows = len(rows[1])
    assert re.match(
        rf"PathPromises: 4 networks of density \S+ to \S+, {n_rows:,} held-out rows, "
        r"confidence=0\.9$",
        repr(promises),
    )
    np.testing.assert_allclose(promises.density, DENSITIES[::-1], atol=1e-3)
    upper = upper_shares(len(rows[1]), 1 - 0.1 / 4)
    P = mlp.predict_proba(rows[1])
    for epsilon in (0.05, 0.2, 0.5):
        shares, bounds = promises.share_over(epsilon), promises.upper_share(epsilon)
        for estimator, share, bound in zip(promises.estimators, shares, bounds):
            errors = np.abs(estimator.predict_proba(rows[1]) - P).max(axis=1)
            n_over = (errors > epsilon).sum()
            assert share == n_over / len(P) and bound == upper[n_over]
    # None is what the compressor asks for
    np.testing.assert_array_equal(promises.upper_share(), promises.upper_share(0.05))
    for delta in (0.1, 0.3):
        for i, epsilon in enumerate(promises.smallest_epsilon(delta)):
            assert promises.upper_share(epsilon)[i] <= delta
            assert promises.upper_share(epsilon * (1 - 1e-6))[i] > delta
    assert np.isinf(promises.smallest_epsilon(1e-3)).all()
    np.testing.assert_array_equal(
        promises.smallest_epsilon(), promises.smallest_epsilon(0.3)
    )


@pytest.mark.parametrize("error", ERRORS)
def test_any_choice_has_a_certificate_that_verifies(error, mlp, regressor, rows):
    original = mlp if ERRORS[error].classifiers else regressor
    epsilon = None if ERRORS[error].counts_rows else 2.0
    promises = promises_of(original, rows, error=error, epsilon=epsilon)
    delta = float(promises.upper_share()[1])
    if delta == 1:  # some errors are infinite
        return
    estimator, certificate = promises.choose(delta=delta)
    assert certificate.holds and certificate.statistic <= delta == certificate.limit
    assert certificate.guarantee == "simultaneous" and certificate.n_networks == 4
    sparsest = np.flatnonzero(promises.upper_share() <= delta)[-1]
    assert estimator is promises.estimators[sparsest]
    text = str(certificate)
    assert text.startswith("With 90% confidence, ")
    assert "imultaneous bounds for 4 networks" in text
    again = Certificate.from_json(certificate.to_json())
    assert again == certificate
    verification = verify(again, original, estimator, rows[1])
    assert any("number of networks" in it for it in verification.not_recomputed)
    with pytest.raises(ValueError, match="delta=1e-06 cannot be promised of any"):
        promises.choose(delta=1e-6)


def test_networks_are_those_that_fit_makes(mlp, rows):
    promises = promises_of(mlp, rows, [0.5, 0.3], method="refined", bits=4)
    for estimator, density in zip(promises.estimators, (0.5, 0.3)):
        options = {"bits": 4, "density": density, "random_state": 0}
        alone = CoresetCompressor(mlp, **options).fit(rows[0], X_val=rows[1])
        sizes = [np.count_nonzero(c.toarray()) for c in estimator.coefs_]
        assert sum(sizes) == pytest.approx(
            density * sum(c.size for c in mlp.coefs_), abs=5
        )
        # a density by itself trains longer: near, and not the same
        agree = estimator.predict(rows[1]) == alone.predict(rows[1])
        assert agree.mean() > 0.9


def test_a_bound_costs_little_beside_a_promise_of_one_network(mlp, rows):
    promises = promises_of(mlp, rows)
    for i, estimator in enumerate(promises.estimators):
        options = {"error": "probability", "epsilon": 0.2, "delta": None}
        one = certify(mlp, estimator, rows[1], confidence=0.9, **options)
        together = promises.upper_share(0.2)[i]
        assert one.delta <= together <= 2 * one.delta + 0.02


def test_pipelines_and_fitted_compressors(digits, rows):
    X, y, _, _ = digits
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier((8,), max_iter=20, random_state=0)
    )
    pipeline = fitted(pipeline, X, y)
    promises = promises_of(pipeline, rows)
    estimator, certificate = promises.choose(epsilon=0.9)
    assert estimator.predict(rows[1]).shape == (len(rows[1]),)
    verify(certificate, pipeline, estimator, rows[1])
    compressor = CoresetCompressor(
        MLPClassifier((8,), max_iter=20, random_state=0),
        method="magnitude",
        delta=0.3,
        confidence=0.9,
        random_state=0,
    )
    with pytest.raises(ValueError, match="is not fitted"):
        path_promises(compressor, *rows)
    with pytest.raises(ValueError, match="is not fitted"):
        path_promises(CoresetCompressor(confidence=0.9), *rows)
    compressor = fitted(compressor, X, y)
    promises = path_promises(compressor, *rows)
    assert promises.confidence == 0.9 and len(promises.density) == 18


def test_what_is_refused(mlp, rows):
    with pytest.raises(ValueError, match="with a confidence only"):
        promises_of(mlp, rows, confidence=None)
    for densities, message in (
        ([0.5, 1.5], "not all in"),
        ([[0.5]], "not all in"),
        ([], "is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            promises_of(mlp, rows, densities)
    with pytest.raises(ValueError, match=r"on at least \d+ held-out rows"):
        promises_of(mlp, (rows[0], rows[1][:30]), delta=0.05)
    promises = promises_of(mlp, rows, error="prediction")
    with pytest.raises(ValueError, match="has no epsilon"):
        promises.smallest_epsilon(0.1)
    with pytest.raises(ValueError, match="plays no part"):
        promises.upper_share(0.1)
    with pytest.raises(ValueError, match="'confidence'"):
        promises_of(mlp, rows, confidence=1)
    with pytest.raises(ValueError, match="'compressor'"):
        path_promises(mlp, *rows, confidence=0.9)

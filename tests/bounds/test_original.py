"""The bound of the original network."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset.bounds import occam_bound, original_bound
from skcoreset.bounds.occam import search as _search
from skcoreset.bounds.occam import short_codes as _short_codes

from ..conftest import fitted
from .common import compressor_of, problem

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module", autouse=True)
def short_training():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_short_codes, "STEPS_PER_PASS", 20)
        patch.setattr(_search, "N_STARTS", 1)
        yield


@pytest.fixture(scope="module")
def rows():
    X, y = make_classification(1400, class_sep=2, random_state=0)
    return X.astype(np.float32), np.array(["no", "yes"])[y]


@pytest.fixture(scope="module")
def compressor(rows):
    X, y = rows
    mlp = MLPClassifier((8,), random_state=0, max_iter=60)
    return compressor_of(fitted(mlp, X[:600], y[:600]), X[:600])


@pytest.fixture(scope="module")
def bound(rows, compressor):
    X, y = rows
    return original_bound(compressor, X[:600], y[:600], X[600:], densities=[0.2, 0.1])


def test_it_is_the_sum_of_both_terms(rows, compressor, bound):
    X, y = rows
    original = compressor.original_estimator_
    differ = original.predict(X[600:]) != bound.occam.estimator.predict(X[600:])
    assert bound.disagreement == differ.mean() < 0.2
    interval = binomtest(int(differ.sum()), 800, alternative="less")
    expected = interval.proportion_ci(1 - 0.9 * 0.05).high
    assert bound.disagreement_bound == pytest.approx(expected, rel=1e-6)
    assert bound.occam.confidence == pytest.approx(1 - 0.1 * 0.05)
    total = bound.occam.error_bound + bound.disagreement_bound
    assert bound.error_bound == total < 1
    assert bound.n_unlabelled == 800
    wrong = bound.occam.estimator.predict(X[:600]) != y[:600]
    assert bound.occam.train_error == wrong.mean()


def test_the_small_network_is_chosen_on_the_training_rows(rows, compressor, bound):
    X, y = rows
    again = original_bound(compressor, X[:600], y[:600], X[1300:], densities=[0.2, 0.1])
    np.testing.assert_array_equal(again.occam.code, bound.occam.code)
    plain = occam_bound(
        compressor, X[:600], y[:600], confidence=0.995, densities=[0.2, 0.1]
    )
    original = compressor.original_estimator_.predict(X[:600])

    def total(occam):
        return occam.error_bound + np.mean(occam.estimator.predict(X[:600]) != original)

    assert total(bound.occam) <= total(plain)


def test_printed_bound_says_what_it_rests_on(bound):
    text = str(bound)
    assert text.startswith(
        "With 95% confidence, the original network is wrong on at most "
        f"{bound.error_bound:.2%} of fresh rows"
    )
    for part in (f"{bound.occam.n_bits} bits", "600 labelled", "800 unlabelled"):
        assert part in text


def test_pipelines_and_several_labels():
    X, y = make_multilabel_classification(600, n_classes=3, random_state=0)
    mlp = MLPClassifier((8,), random_state=0, max_iter=20)
    pipeline = fitted(make_pipeline(StandardScaler(), mlp), X[:400], y[:400])
    compressor = compressor_of(pipeline, X[:400])
    bound = original_bound(compressor, X[:400], y[:400], X[400:], densities=[0.2])
    differ = pipeline.predict(X[400:]) != bound.occam.estimator.predict(X[400:])
    assert bound.disagreement == differ.any(axis=1).mean()
    assert bound.error_bound <= 1


@pytest.mark.slow
def test_it_holds_on_fresh_rows():
    X, y = make_classification(20_000, 12, class_sep=1.5, flip_y=0.1, random_state=1)
    for seed in range(5):
        labelled = slice(800 * seed, 800 * seed + 500)
        unlabelled = slice(labelled.stop, labelled.stop + 300)
        mlp = MLPClassifier((5,), solver="lbfgs", max_iter=30, random_state=seed)
        mlp = fitted(mlp, X[labelled], y[labelled])
        bound = original_bound(
            compressor_of(mlp, X[labelled]),
            X[labelled],
            y[labelled],
            X[unlabelled],
            densities=[0.2],
        )
        assert 1 - mlp.score(X[4000:], y[4000:]) <= bound.error_bound


def test_bad_input_is_refused(regressor):
    mlp, X, y = problem("binary")
    compressor = compressor_of(mlp, X)
    with pytest.raises(ValueError, match="X_unlabelled has no rows"):
        original_bound(compressor, X, y, X[:0])
    with pytest.raises(ValueError, match="'confidence' parameter"):
        original_bound(compressor, X, y, X, confidence=0.0)
    rows = np.zeros((20, 64), np.float32) + np.arange(64)
    with pytest.raises(TypeError, match="MLPRegressor predicts values"):
        original_bound(compressor_of(regressor, rows), rows, np.zeros((20, 2)), rows)

"""The compressor among scikit-learn's other estimators."""

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_validate,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor
from skcoreset._wrapped import network_of

from .conftest import fitted, may_collapse

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    may_collapse,
]


def compressor_of(mlp, **parameters):
    return CoresetCompressor(
        mlp, **({"method": "magnitude", "density": 0.6, "random_state": 0} | parameters)
    )


def test_feeds_another_estimator(mlp, digits):
    X, y, X_new, y_new = digits
    pipeline = make_pipeline(compressor_of(mlp), LogisticRegression(max_iter=1000))
    assert pipeline.fit(X_new, y_new).score(X, y) > 0.9
    assert pipeline[:-1].get_feature_names_out()[0] == "coresetcompressor0"


def test_is_a_step_that_is_trained(digits):
    X, y, X_new, y_new = digits
    mlp = MLPClassifier((30,), max_iter=100)
    pipeline = make_pipeline(StandardScaler(), compressor_of(mlp)).fit(X, y)
    assert pipeline.score(X_new, y_new) > 0.8
    again = make_pipeline(StandardScaler(), compressor_of(mlp)).fit(X, y)
    np.testing.assert_array_equal(
        pipeline.predict_proba(X_new), again.predict_proba(X_new)
    )


def test_searches(mlp, digits):
    X, y = digits[2:]
    grid = {"epsilon": [0.1, 0.5]}
    estimator = compressor_of(mlp, density=None)
    assert GridSearchCV(estimator, grid, cv=3).fit(X, y).best_score_ > 0.8
    halving = HalvingGridSearchCV(
        estimator, grid, cv=3, min_resources=100, random_state=0
    )
    assert halving.fit(X, y).best_score_ > 0.7
    scores = cross_validate(compressor_of(mlp), X, y, cv=3, return_estimator=True)
    assert (scores["test_score"] > 0.8).all()
    assert all(e.original_estimator_ is mlp for e in scores["estimator"])


def test_votes_is_calibrated_and_transforms_columns(mlp, digits):
    X, y = digits[2:]
    voting = VotingClassifier(
        [("small", compressor_of(mlp)), ("linear", LogisticRegression(max_iter=500))],
        voting="soft",
    )
    assert voting.fit(X, y).score(X, y) > 0.9
    calibrated = CalibratedClassifierCV(compressor_of(mlp), cv=3)
    assert calibrated.fit(X, y).score(X, y) > 0.8
    columns = ColumnTransformer(
        [("logits", compressor_of(mlp), np.arange(64))], remainder="passthrough"
    )
    assert columns.fit_transform(X, y).shape == (len(X), 10)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(library, mlp, digits):
    pytest.importorskip(library)
    X = digits[2]
    compressor = compressor_of(mlp).set_output(transform=library).fit(X)
    assert type(compressor.transform(X)).__module__.startswith(library)
    assert type(clone(compressor).fit(X).transform(X)).__module__.startswith(library)
    assert isinstance(compressor.predict(X), np.ndarray)


class Weighted(MLPClassifier):
    """Remembers the weights that reached its training."""

    def fit(self, X, y, sample_weight=None):
        self.weights_seen_ = sample_weight
        return super().fit(X, y)


@pytest.mark.parametrize("routing", [False, True])
def test_sample_weight_reaches_training_and_scoring_only(routing, digits):
    X, y = digits[:2]
    weight = np.arange(len(X), dtype=float)
    with sklearn.config_context(enable_metadata_routing=routing):
        mlp = Weighted((8,), max_iter=10, random_state=0)
        if routing:
            mlp.set_fit_request(sample_weight=True).set_score_request(
                sample_weight=True
            )
        compressor = compressor_of(mlp).fit(X, y, sample_weight=weight)
        seen = compressor.original_estimator_.weights_seen_
        held_out = compressor.certificate_.n_validation
        assert len(seen) == len(X) - held_out
        assert set(seen) <= set(weight)
        correct = compressor.predict(X) == y
        assert compressor.score(X, y, sample_weight=weight) == pytest.approx(
            np.average(correct, weights=weight)
        )


def test_held_out_rows_are_routed(mlp, digits):
    X = digits[2]
    with sklearn.config_context(enable_metadata_routing=True):
        compressor = compressor_of(mlp).set_fit_request(X_val=True)
        pipeline = make_pipeline("passthrough", compressor).fit(X[:500], X_val=X[500:])
    assert pipeline[-1].certificate_.n_validation == len(X) - 500


def test_parameters_of_the_network(mlp):
    compressor = compressor_of(MLPClassifier((8,)))
    assert compressor.set_params(estimator__alpha=0.5).estimator.alpha == 0.5
    with pytest.raises(ValueError, match=r"estimator__alpha.* is fitted"):
        compressor_of(mlp).set_params(estimator__alpha=0.5)


@pytest.mark.parametrize("wrap", [lambda mlp: mlp, FrozenEstimator])
def test_clone_keeps_a_fitted_network(wrap, mlp, digits):
    original = wrap(mlp)
    cloned = clone(compressor_of(original))
    assert cloned.estimator is original
    assert cloned.fit(digits[2]).original_estimator_ is mlp
    assert clone(compressor_of(MLPClassifier((8,)))).estimator is not mlp


@pytest.mark.parametrize("steps", [(), (StandardScaler(),)])
def test_frozen_pipelines_are_unwrapped(steps, digits):
    X, y, X_new, _ = digits
    pipeline = fitted(
        make_pipeline(*steps, MLPClassifier((8,), max_iter=20, random_state=0)), X, y
    )
    frozen = make_pipeline(*pipeline[:-1], FrozenEstimator(pipeline[-1]))
    inside = make_pipeline("passthrough", FrozenEstimator(frozen))
    plain = compressor_of(pipeline).fit(X_new).transform(X_new)
    for estimator in (FrozenEstimator(pipeline), frozen, inside):
        compressor = compressor_of(estimator).fit(X_new)
        np.testing.assert_array_equal(compressor.transform(X_new), plain)
        assert type(compressor.estimator_) is type(pipeline)


def test_labels_may_be_sparse(digits):
    X, y, X_new, _ = digits
    Y = sparse.csr_array(np.eye(10)[y][:, :3])
    compressor = compressor_of(MLPClassifier((8,), max_iter=5)).fit(X, Y)
    assert compressor.predict(X_new).shape == (len(X_new), 3)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_dense_copy_can_be_trained_further(early_stopping, digits):
    X, y, X_new, y_new = digits
    mlp = MLPClassifier((32,), early_stopping=early_stopping, random_state=0)
    compressor = CoresetCompressor(
        fitted(mlp.set_params(max_iter=100), X, y), density=0.02, random_state=0
    ).fit(X_new)
    start = compressor.score(X_new, y_new)
    dense = compressor.to_dense().set_params(warm_start=True, max_iter=20)
    assert fitted(dense, X, y).score(X_new, y_new) > start
    if not early_stopping:  # which partial_fit does not know
        dense = compressor.to_dense().partial_fit(X, y)
        assert dense.score(X_new, y_new) > start


def test_predictions_are_those_of_the_last_fit(mlp, regressor, digits):
    X, y, _, _ = digits
    compressor = CoresetCompressor(mlp, density=0.5, random_state=0).fit(X)
    accuracy, probabilities = compressor.score(X, y), compressor.predict_proba(X)
    compressor.set_params(estimator=regressor)
    assert compressor.score(X, y) == accuracy
    np.testing.assert_array_equal(compressor.predict_proba(X), probabilities)
    compressor.fit(X)
    assert not hasattr(compressor, "predict_proba")


@pytest.mark.parametrize("predicts_before", [False, True])
def test_predictions_do_not_follow_edits_of_the_estimator(predicts_before, mlp, digits):
    X = digits[2]
    compressor = CoresetCompressor(mlp, density=0.5, random_state=0).fit(X)
    expected = network_of(compressor.estimator_).activations(X)[-1]
    if predicts_before:
        compressor.transform(X)
    for array in compressor.intercepts_ + [coef.data for coef in compressor.coefs_]:
        array *= 2
    np.testing.assert_allclose(compressor.transform(X), expected, rtol=1e-4, atol=1e-4)


def test_bags_of_a_fitted_network(mlp, digits):
    X, y, X_new, y_new = digits
    bag = BaggingClassifier(compressor_of(mlp), n_estimators=2, random_state=0)
    assert bag.fit(X_new, y_new).predict(X).shape == y.shape
    assert not [name for name in compressor_of(mlp).get_params() if "__" in name]
    assert "estimator__alpha" in compressor_of(MLPClassifier()).get_params()

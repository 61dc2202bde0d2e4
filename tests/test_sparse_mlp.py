"""The network to keep: as small as `estimator_`, and predicting as the compressor."""

import io
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skcoreset import (
    CoresetCompressor,
    SparseMLPClassifier,
    SparseMLPRegressor,
    certify,
    export,
)
from skcoreset._network import Network
from skcoreset._sparse_mlp import to_sparse

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
def small(compressor):
    return compressor.to_sparse()


def test_predicts_as_the_compressor(compressor, small, digits):
    X, y = digits[:2]
    assert type(small) is SparseMLPClassifier
    for method in ("predict", "predict_proba", "predict_log_proba"):
        assert_array_equal(getattr(small, method)(X), getattr(compressor, method)(X))
    assert small.score(X, y) == compressor.score(X, y)


KINDS = {
    "two classes": (MLPClassifier, lambda y: y > 4),
    "one class": (MLPClassifier, lambda y: np.full(len(y), 3)),
    "strings": (MLPClassifier, lambda y: np.array(list("abcdefghij"))[y]),
    "labels": (MLPClassifier, lambda y: np.column_stack([y > 4, y % 2])),
    "value": (MLPRegressor, lambda y: y.astype(float)),
    "values": (MLPRegressor, lambda y: np.column_stack([y, -y]).astype(float)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_predicts_every_kind_as_scikit_learn_does(kind, in_pipeline, digits):
    X, y, X_new, _ = digits
    estimator, target = KINDS[kind]
    mlp = estimator(hidden_layer_sizes=(8,), max_iter=9, random_state=0)
    if in_pipeline:
        mlp = make_pipeline(StandardScaler(), mlp)
    plain = compressed(fitted(mlp, X, target(y)), X_new).estimator_
    small = to_sparse(plain)
    assert isinstance(small[-1] if in_pipeline else small, estimator)
    assert_array_equal(small.predict(X_new).shape, plain.predict(X_new).shape)
    if estimator is MLPClassifier:
        assert_array_equal(small.predict(X_new), plain.predict(X_new))
        expected = plain.predict_proba(X_new)
        np.testing.assert_allclose(small.predict_proba(X_new), expected, atol=1e-6)
    else:
        expected = plain.predict(X_new)
        np.testing.assert_allclose(small.predict(X_new), expected, rtol=1e-4, atol=1e-4)


def test_predictions_are_those_of_the_network_value(small, digits, monkeypatch):
    calls = []
    forward = Network.forward
    monkeypatch.setattr(
        Network, "forward", lambda *args: calls.append(1) or forward(*args)
    )
    small.predict(digits[0])
    small.predict_proba(digits[0])
    assert len(calls) == 2


def through_joblib(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


def through_skops(estimator):
    sio = pytest.importorskip("skops.io")
    dumped = sio.dumps(estimator)
    trusted = sio.get_untrusted_types(data=dumped)
    assert set(trusted) == {
        "scipy.sparse._csr.csr_array",
        "skcoreset._sparse_mlp.SparseMLPClassifier",
    }
    return sio.loads(dumped, trusted=trusted)


def through_file(estimator):
    file = io.BytesIO()
    export.dump(estimator, file)
    file.seek(0)
    return export.load(file)


@pytest.mark.parametrize(
    "copy_of",
    [through_joblib, through_skops, through_file],
    ids=["joblib", "skops", "compact file"],
)
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_loaded_is_what_was_saved(copy_of, in_pipeline, small, digits):
    X = digits[0]
    saved = make_pipeline(StandardScaler().fit(X), small) if in_pipeline else small
    saved.predict(X)
    loaded = copy_of(saved)
    mlp = loaded[-1] if in_pipeline else loaded
    assert type(mlp) is SparseMLPClassifier
    assert "_network" not in vars(mlp)
    assert_array_equal(loaded.predict_proba(X), saved.predict_proba(X))


def test_is_as_small_as_the_plain_estimator(compressor, small, digits):
    small.predict(digits[0])
    plain = len(pickle.dumps(compressor.estimator_))
    assert abs(len(pickle.dumps(small)) - plain) < 100


def test_shares_no_weights(compressor):
    small = to_sparse(compressor.estimator_)
    for coef, own in zip(small.coefs_, compressor.estimator_.coefs_):
        assert not np.shares_memory(coef.data, own.data)
    for intercept, own in zip(small.intercepts_, compressor.estimator_.intercepts_):
        assert not np.shares_memory(intercept, own)


def test_weights_that_are_set_are_used(compressor, digits):
    X = digits[0]
    small = to_sparse(compressor.estimator_)
    small.predict(X)
    small.coefs_ = [2 * coef for coef in small.coefs_]
    plain = clone(compressor.estimator_)
    vars(plain).update(vars(compressor.estimator_))
    plain.coefs_ = [2 * coef for coef in plain.coefs_]
    np.testing.assert_allclose(
        small.predict_proba(X), plain.predict_proba(X), atol=1e-5
    )
    for mlp in (small, plain):
        mlp.intercepts_ = [intercept + 1 for intercept in mlp.intercepts_]
    np.testing.assert_allclose(
        small.predict_proba(X), plain.predict_proba(X), atol=1e-5
    )


def test_clone_trains_from_scratch_with_dense_weights(small, digits):
    X, y = digits[:2]
    again = fitted(clone(small).set_params(max_iter=5), X, y)
    assert type(again) is SparseMLPClassifier
    assert again.hidden_layer_sizes == small.hidden_layer_sizes
    plain = MLPClassifier(**again.get_params())
    fitted(plain, X, y)
    assert_array_equal(again.predict_proba(X), plain.predict_proba(X))
    assert_array_equal(again.predict(X), plain.predict(X))
    with pytest.warns(ConvergenceWarning):
        assert cross_val_score(again, X[:90], y[:90], cv=2).shape == (2,)


def test_partial_fit_is_refused_as_it_would_add_edges(small, digits):
    X, y = digits[:2]
    with pytest.raises(ValueError, match=r"removed edges .*fine_tune .*to_dense"):
        small.partial_fit(X, y)
    fresh = clone(small).partial_fit(X, y, classes=np.unique(y))
    assert fresh.partial_fit(X, y).predict(X).shape == y.shape


def test_is_taken_where_an_mlp_is(small, compressor, digits):
    X = digits[2]
    again = compressed(FrozenEstimator(small), X, density=0.9)
    assert again.density_ <= 0.9
    assert certify(compressor, small, X).epsilon == 0
    assert not any(map(sparse.issparse, compressed(small, X).to_dense().coefs_))


def test_output_that_overflows_is_refused(compressor, digits):
    small = to_sparse(compressor.estimator_)
    small.coefs_ = [1e30 * coef for coef in small.coefs_]
    with pytest.raises(ValueError, match="is not finite in float32"):
        small.predict(digits[0])


def test_dense_network_stays_dense(mlp, regressor, digits):
    X = digits[0]
    for dense in (mlp, regressor):
        assert_array_equal(to_sparse(dense).predict(X), dense.predict(X))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [SparseMLPClassifier(max_iter=100), SparseMLPRegressor(max_iter=100)]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)

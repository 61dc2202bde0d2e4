"""What is wrong is named, with its value, and leaves nothing half fitted."""

from copy import deepcopy

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from skcoreset import CoresetCompressor
from skcoreset._methods import METHODS

PARAMETERS = [
    ("method", "corenett"),
    ("method", None),
    ("epsilon", 0),
    ("epsilon", -0.1),
    ("epsilon", np.nan),
    ("epsilon", "0.1"),
    ("delta", 0),
    ("delta", 1),
    ("delta", np.nan),
    ("delta", None),
    ("guarantee", "bootstrap"),
    ("error", "absolute"),
    ("density", 0.0),
    ("density", 1.01),
    ("density", np.nan),
    ("density", "auto"),
    ("refine", "yes"),
    ("prune_neurons", 2),
    ("validation_fraction", 0.0),
    ("validation_fraction", 1.0),
    ("n_jobs", 1.5),
    ("n_jobs", 0),
    ("random_state", "seed"),
    ("random_state", -1),
    ("verbose", "loud"),
    ("estimator", "mlp"),
]


@pytest.mark.parametrize("name, value", PARAMETERS)
def test_parameters(name, value, mlp, digits):
    compressor = CoresetCompressor(mlp, method="magnitude").set_params(**{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter of CoresetCompressor"):
        compressor.fit(digits[2])
    assert not hasattr(compressor, "estimator_")


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"method": "refined"}, "method='refined'"),
        ({"density": 0.5}, "density=0.5"),
        ({"error": "prediction"}, "error='prediction'"),
        ({"refine": True}, "refine=True"),
    ],
)
def test_options_that_exclude_the_theorem(parameters, message, mlp, digits):
    parameters = {"method": "corenet", "guarantee": "theoretical"} | parameters
    with pytest.raises(ValueError, match=f"does not go with {message}"):
        CoresetCompressor(mlp, **parameters).fit(digits[2])


def test_theorem_refuses_held_out_rows_and_logistic_networks(mlp, digits):
    X = digits[2]
    compressor = CoresetCompressor(mlp, method="corenet", guarantee="theoretical")
    with pytest.raises(ValueError, match="does not go with X_val"):
        compressor.fit(X, X_val=X)
    logistic = deepcopy(mlp).set_params(activation="logistic")
    with pytest.raises(ValueError, match="activation='logistic'"):
        compressor.set_params(estimator=logistic).fit(X)


def test_regressors_predict_no_classes(regressor, digits):
    with pytest.raises(ValueError, match="MLPRegressor predicts none"):
        CoresetCompressor(regressor, error="prediction").fit(digits[2])


def spoiled(mlp, **attributes):
    mlp = deepcopy(mlp)
    for name, value in attributes.items():
        setattr(mlp, name, value)
    return mlp


def with_nan(coefs):
    coefs = [coef.copy() for coef in coefs]
    coefs[1][0, 0] = np.nan
    return coefs


ESTIMATORS = {
    "another class": (lambda mlp: LogisticRegression(), "must be an MLPClassifier"),
    "a class": (lambda mlp: MLPClassifier, "must be an MLPClassifier"),
    "another last step": (
        lambda mlp: make_pipeline(mlp, LogisticRegression()),
        "must be an MLPClassifier",
    ),
    "wrong shapes": (
        lambda mlp: spoiled(mlp, coefs_=[mlp.coefs_[0], *mlp.coefs_[:2]]),
        r"coefs_\[1\] has shape \(64, 32\)",
    ),
    "wrong number": (
        lambda mlp: spoiled(mlp, coefs_=mlp.coefs_[:2]),
        "2 coefs_ and 3 intercepts_",
    ),
    "NaN": (
        lambda mlp: spoiled(mlp, coefs_=with_nan(mlp.coefs_)),
        r"NaN or infinity in coefs_\[1\]",
    ),
    "no weights": (
        lambda mlp: spoiled(mlp, coefs_=[0 * coef for coef in mlp.coefs_]),
        "no weight other than 0",
    ),
    "another activation": (
        lambda mlp: spoiled(mlp, activation="swish"),
        "activation='swish'",
    ),
    "overflow": (
        lambda mlp: spoiled(mlp, coefs_=[1e30 * coef for coef in mlp.coefs_]),
        "is not finite in float32",
    ),
    "not fitted": (lambda mlp: MLPClassifier(), "not fitted and has to be trained"),
}


@pytest.mark.parametrize("case", ESTIMATORS)
def test_estimators(case, mlp, digits):
    make, message = ESTIMATORS[case]
    compressor = CoresetCompressor(make(mlp), method="magnitude")
    with pytest.raises(ValueError, match=message):
        compressor.fit(digits[2])
    assert not hasattr(compressor, "estimator_")


def test_frozen_networks_cannot_be_trained(digits):
    compressor = CoresetCompressor(FrozenEstimator(MLPClassifier()))
    with pytest.raises(NotFittedError, match="frozen and not fitted"):
        compressor.fit(*digits[:2])


ROWS = {
    "one dimension": (lambda X: X[0], "Expected 2D array"),
    "three dimensions": (lambda X: X[None], "dim 3"),
    "NaN": (lambda X: np.where(X == 1, np.nan, X), "contains NaN"),
    "infinity": (lambda X: np.where(X == 1, np.inf, X), "contains infinity"),
    "features": (lambda X: X[:, :5], "X has 5 features, but CoresetCompressor"),
    "strings": (lambda X: X.astype(str).astype(object) + "?", "could not convert"),
    "complex": (lambda X: X + 1j, "Complex data not supported"),
    "no rows": (lambda X: X[:0], "0 sample"),
    "one row": (lambda X: X[:1], "n_samples=1"),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows(case, mlp, digits):
    make, message = ROWS[case]
    X = make(digits[2])
    with pytest.raises(ValueError, match=message):
        CoresetCompressor(mlp, method="magnitude").fit(X)
    if case not in ("no rows", "one row", "three dimensions"):
        with pytest.raises(ValueError, match=message):
            CoresetCompressor(mlp, method="magnitude").fit(digits[2], X_val=X)


def test_labels_of_another_length(mlp, digits):
    X, y = digits[2:]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CoresetCompressor(mlp, method="magnitude").fit(X, y[:-1])
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.5).fit(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        compressor.fine_tune(X, y[:-1])
    with pytest.raises(ValueError, match="n_epochs"):
        compressor.fine_tune(X, y, n_epochs=0)
    with pytest.raises(ValueError, match="none of the classes"):
        compressor.fine_tune(X, y + 1)


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_an_earlier_fit_survives_a_failing_one(failure, mlp, digits, monkeypatch):
    X = digits[2]
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.3).fit(X)
    state, expected = dict(vars(compressor)), compressor.transform(X)

    def fail(*args, **kwargs):
        raise failure

    monkeypatch.setattr(METHODS["magnitude"], "sparsify", fail)
    with pytest.raises(failure):
        compressor.fit(X[:300])
    assert vars(compressor) == state
    np.testing.assert_array_equal(compressor.transform(X), expected)
    fresh = CoresetCompressor(mlp, method="magnitude", density=0.3)
    with pytest.raises(failure):
        fresh.fit(X)
    assert set(vars(fresh)) == set(fresh.get_params(deep=False))

"""Errors name the parameter and its value, and leave nothing half fitted."""

from copy import deepcopy
from inspect import signature

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import has_fit_parameter

from skcoreset import CompressionPathDisplay, CoresetCompressor
from skcoreset._methods import METHODS
from skcoreset.model_selection import density_score, fidelity_score, neg_error_score

from .conftest import fitted, may_collapse

# magnitude is fast, and loses classes; how good networks are is tested elsewhere
pytestmark = may_collapse

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
    ("error", "hinge"),
    ("confidence", 0),
    ("confidence", 1),
    ("confidence", "high"),
    ("density", 0.0),
    ("density", 1.01),
    ("density", np.nan),
    ("density", "auto"),
    ("bits", 0),
    ("bits", 9),
    ("bits", 2.5),
    ("memory", 3),
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
        ({"epsilon": 1.0}, "epsilon=1.0, which is not below 1"),
        ({"density": 0.5}, "density=0.5"),
        ({"error": "prediction"}, "error='prediction'"),
        ({"error": "relative"}, "error='relative'"),
        ({"confidence": 0.9}, "confidence=0.9"),
        ({"bits": 3}, "bits=3"),
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


@pytest.mark.parametrize("error", ["probability", "prediction", "classwise"])
def test_regressors_predict_no_classes(error, regressor, digits):
    with pytest.raises(ValueError, match=f"error='{error}'.*regressor predicts none"):
        CoresetCompressor(regressor, error=error).fit(digits[2])


def test_sets_of_labels_have_no_classes_of_their_own(digits):
    X, y = digits[:2]
    mlp = fitted(MLPClassifier((4,), max_iter=5), X, one_hot(y))
    with pytest.raises(ValueError, match=r"error='classwise'.*multilabel"):
        CoresetCompressor(mlp, error="classwise").fit(X)


def spoiled(mlp, **attributes):
    mlp = deepcopy(mlp)
    for name, value in attributes.items():
        setattr(mlp, name, value)
    return mlp


def without(mlp, attribute):
    mlp = deepcopy(mlp)
    delattr(mlp, attribute)
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
    "another activation, not fitted": (
        lambda mlp: MLPClassifier(activation="swish"),
        "activation='swish'",
    ),
    "overflow": (
        lambda mlp: spoiled(mlp, coefs_=[1e30 * coef for coef in mlp.coefs_]),
        "is not finite in float32",
    ),
    "overflow on the way": (
        lambda mlp: spoiled(
            mlp, coefs_=[c * s for c, s in zip(mlp.coefs_, (1e25, 1e25, 1e-38))]
        ),
        "is not finite in float32",
    ),
    "half precision": (
        lambda mlp: spoiled(mlp, coefs_=[c.astype(np.float16) for c in mlp.coefs_]),
        r"coefs_\[0\] is of float16, not of float32 or float64",
    ),
    "lists": (
        lambda mlp: spoiled(mlp, coefs_=[coef.tolist() for coef in mlp.coefs_]),
        r"coefs_\[0\] is of type list",
    ),
    "a number": (
        lambda mlp: spoiled(mlp, intercepts_=3),
        "intercepts_ is of type int, not a list",
    ),
    "coordinates": (
        lambda mlp: spoiled(mlp, coefs_=[sparse.coo_array(c) for c in mlp.coefs_]),
        r"coefs_\[0\] is of type coo_array.*CSR or CSC",
    ),
    "masked": (
        lambda mlp: spoiled(
            mlp, intercepts_=[np.ma.masked_array(b) for b in mlp.intercepts_]
        ),
        r"intercepts_\[0\] is of type MaskedArray",
    ),
    "no neurons": (
        lambda mlp: spoiled(
            mlp,
            coefs_=[mlp.coefs_[0][:, :0], mlp.coefs_[1][:0], mlp.coefs_[2]],
            intercepts_=[mlp.intercepts_[0][:0], *mlp.intercepts_[1:]],
        ),
        "no layer is empty",
    ),
    "activation in a list": (
        lambda mlp: spoiled(mlp, activation=["relu"]),
        r"activation=\['relu'\]",
    ),
    "no output activation": (
        lambda mlp: without(mlp, "out_activation_"),
        "without out_activation_",
    ),
    "no encoder of labels": (
        lambda mlp: without(mlp, "_label_binarizer"),
        "without _label_binarizer",
    ),
    "no steps": (lambda mlp: Pipeline([]), "estimator"),
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
    "beyond float32": (lambda X: X.astype(float) * 1e39, "not finite in float32"),
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
        with pytest.raises(ValueError, match=f"X_val, the held-out rows: .*{message}"):
            CoresetCompressor(mlp, method="magnitude").fit(digits[2], X_val=X)


def test_labels_of_another_length(mlp, digits):
    X, y = digits[2:]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CoresetCompressor(mlp, method="magnitude").fit(X, y[:-1])


def test_metadata_that_nothing_takes(mlp, digits):
    X = digits[2]
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.5)
    with pytest.raises(TypeError, match="unexpected keyword argument 'x_val'"):
        compressor.fit(X, x_val=X)
    pipeline = Pipeline([("net", mlp)])
    compressor.set_params(estimator=pipeline)
    for name in ("net__weights", "other__sample_weight"):
        with pytest.raises(TypeError, match=name):
            compressor.fit(X, **{name: np.ones(len(X))})
    # a step that hands on what it is given
    selector = SelectFromModel(LogisticRegression(max_iter=1000))
    selecting = Pipeline([("select", selector), ("net", MLPClassifier((4,)))])
    selecting.set_params(net__max_iter=5)
    compressor.set_params(estimator=fitted(selecting, *digits[:2]))
    compressor.fit(X, select__sample_weight=np.ones(len(X)))
    compressor.set_params(estimator=pipeline)
    if has_fit_parameter(mlp, "sample_weight"):
        compressor.fit(X, net__sample_weight=np.ones(len(X)))
    with config_context(enable_metadata_routing=True):
        with pytest.raises(TypeError, match="x_val"):
            compressor.fit(X, x_val=X)


def one_hot(y):
    return np.eye(10)[y]


# Of a classifier, of one with three labels, of a regressor, and of Poisson regression.
LABELS = {
    "none": ("classes", lambda y: None, "'y' parameter of fine_tune"),
    "another length": ("classes", lambda y: y[:-1], "inconsistent numbers of samples"),
    "unknown": ("classes", lambda y: y + 1, "not one of the classes"),
    "mixed types": ("classes", lambda y: y.astype(object) * "a", "not one of"),
    "indicators": ("classes", one_hot, "should be a 1d array"),
    "three dimensions": ("classes", lambda y: y[:, None, None], "dim 3"),
    "no indicators": ("labels", lambda y: 7 * (one_hot(y)[:, :3]), "holds 7"),
    "two labels": ("labels", lambda y: one_hot(y)[:, :2], "2 columns.*3 outputs"),
    "strings": ("labels", lambda y: one_hot(y)[:, :3].astype(str), "strings"),
    "NaN": ("values", lambda y: y * np.nan, "y contains NaN"),
    "infinity": ("values", lambda y: y + np.inf, "y contains infinity"),
    "complex": ("values", lambda y: y + 1j, "Complex data"),
    "two outputs": ("values", lambda y: one_hot(y)[:, :2], "2 columns.*1 outputs"),
    "overflow": ("values", lambda y: 1e200 * (y + 1), "overflowed in float64"),
    "negative": ("counts", lambda y: -1.0 - y, "loss='poisson' takes no negative"),
}


@pytest.fixture(scope="module")
def labelled(digits):
    """A compressor for every kind of target that scikit-learn has."""
    X, y, _, _ = digits
    X = X.astype(np.float64)
    networks = {
        "classes": (MLPClassifier((8,)), y),
        "labels": (MLPClassifier((8,)), one_hot(y)[:, :3]),
        "values": (MLPRegressor(hidden_layer_sizes=(8,)), y),
    }
    if "loss" in signature(MLPRegressor).parameters:
        poisson = MLPRegressor("poisson", hidden_layer_sizes=(8,))
        networks["counts"] = poisson, y
    return {
        kind: CoresetCompressor(
            fitted(network.set_params(max_iter=5, random_state=0), X, target),
            method="magnitude",
            density=0.5,
        ).fit(X)
        for kind, (network, target) in networks.items()
    }


@pytest.mark.parametrize("case", LABELS)
def test_labels_of_fine_tuning(case, labelled, digits):
    kind, make, message = LABELS[case]
    if kind not in labelled:
        pytest.skip("scikit-learn has no Poisson loss here")
    compressor, (X, y) = labelled[kind], digits[:2]
    state = dict(vars(compressor))
    with pytest.raises(ValueError, match=message):
        compressor.fine_tune(X, make(y), n_epochs=2)
    assert vars(compressor) == state


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n_epochs": 0}, "n_epochs"),
        ({"sample_weight": -np.ones(900)}, "[Nn]egative"),
        ({"sample_weight": np.zeros(900)}, "0 for every row"),
        ({"sample_weight": np.ones(899)}, "sample_weight"),
        ({"sample_weight": np.full(900, np.nan)}, "sample_weight"),
    ],
)
def test_options_of_fine_tuning(options, message, labelled, digits):
    with pytest.raises(ValueError, match=message):
        labelled["classes"].fine_tune(*digits[:2], **options)


def test_what_is_no_compressor_is_not_scored_or_drawn(mlp, digits):
    for function in (fidelity_score, density_score, neg_error_score):
        for estimator in (mlp, Pipeline([]), make_pipeline(mlp)):
            with pytest.raises(TypeError, match="CoresetCompressor is needed"):
                function(estimator, digits[2])
    with pytest.raises(TypeError, match="CoresetCompressor is needed; got MLPClass"):
        CompressionPathDisplay.from_estimator(mlp)
    with pytest.raises(NotFittedError):
        density_score(CoresetCompressor(mlp))


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_an_earlier_fit_survives_a_failing_one(failure, mlp, digits, monkeypatch):
    X = digits[2]
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.3).fit(X)
    expected, state = compressor.transform(X), dict(vars(compressor))

    def fail(*args, **kwargs):
        raise failure

    monkeypatch.setattr(type(METHODS["magnitude"]), "open", fail)
    with pytest.raises(failure):
        compressor.fit(X[:300])
    assert vars(compressor) == state
    np.testing.assert_array_equal(compressor.transform(X), expected)
    fresh = CoresetCompressor(mlp, method="magnitude", density=0.3)
    with pytest.raises(failure):
        fresh.fit(X)
    assert set(vars(fresh)) == set(fresh.get_params(deep=False))

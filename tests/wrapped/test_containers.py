"""What people put around a network: opened, or refused with what to do instead."""

import re
import warnings
from unittest.mock import MagicMock

import numpy as np
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from skcoreset import CoresetCompressor, certify
from skcoreset._wrapped import (
    inputs_of,
    last_step,
    levels,
    steps_before,
    with_last_step,
)
from skcoreset.model_selection import density_score, fidelity_score

from ..conftest import fitted

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def flowers():
    return load_iris(return_X_y=True)


def network():
    return MLPClassifier((5,), solver="lbfgs", max_iter=60, random_state=0)


def compressor_of(mlp, **options):
    options = {"method": "magnitude", "density": 0.6, "random_state": 0} | options
    return CoresetCompressor(mlp, **options)


# Opened


def test_every_way_to_the_network_is_opened(flowers):
    X, y = flowers
    pipeline = fitted(make_pipeline(StandardScaler(), network()), X, y)
    compressor = compressor_of(pipeline).fit(X[:90])
    search = GridSearchCV(compressor, {"density": [0.6]}, cv=2).fit(X, y)
    outer = Pipeline(
        [
            ("nothing", "passthrough"),
            ("power", FrozenEstimator(PowerTransformer().fit(X))),
            ("inside", FrozenEstimator(search)),
        ]
    )
    mlp = search.best_estimator_.estimator_[-1]
    assert last_step(outer) is mlp
    assert [name for name, _ in steps_before(outer)] == ["power", "standardscaler"]
    Z = outer[1].transform(X)
    np.testing.assert_array_equal(inputs_of(outer, X), pipeline[0].transform(Z))
    assert [type(level).__name__ for level, _ in levels(outer)] == [
        "Pipeline",
        "FrozenEstimator",
        "GridSearchCV",
        "CoresetCompressor",
        "Pipeline",
        "MLPClassifier",
    ]
    assert density_score(outer, None) == density_score(search.best_estimator_, None)
    agree = search.predict(Z) == pipeline.predict(Z)
    assert fidelity_score(outer, X) == pytest.approx(agree.mean())
    refilled = with_last_step(outer, pipeline[-1])
    np.testing.assert_array_equal(refilled.predict(X), pipeline.predict(Z))
    assert last_step(outer) is mlp


@pytest.mark.parametrize("with_names", [False, True])
def test_samplers_of_imbalanced_learn_do_nothing_at_prediction(with_names):
    imblearn = pytest.importorskip("imblearn")
    pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=with_names)
    sampler = imblearn.under_sampling.RandomUnderSampler(random_state=0)
    steps = StandardScaler(), sampler, network()
    pipeline = fitted(imblearn.pipeline.make_pipeline(*steps), X[::2], y[::2])
    compressor = compressor_of(pipeline).fit(X[1::2])
    plain = make_pipeline(pipeline[0], pipeline[-1])
    expected = compressor_of(plain).fit(X[1::2])
    np.testing.assert_array_equal(compressor.transform(X), expected.transform(X))
    np.testing.assert_array_equal(
        compressor.estimator_.predict(X), compressor.predict(X)
    )
    assert [name for name, _ in steps_before(compressor)] == ["standardscaler"]
    assert compressor.get_support(columns=True).shape == (4,)
    assert certify(pipeline, compressor, X, error="prediction", delta=None).holds
    # and one that is trained first
    again = compressor_of(imblearn.pipeline.make_pipeline(*steps)).fit(X, y)
    np.testing.assert_array_equal(again.estimator_.predict(X), again.predict(X))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables_as_outputs_change_nothing(library, flowers):
    pytest.importorskip(library)
    X, y = flowers
    pipeline = fitted(make_pipeline(StandardScaler(), network()), X, y)
    compressor = compressor_of(pipeline).fit(X[:90])
    options = {"error": "relative", "delta": 0.2}
    pairs = (pipeline, compressor), (compressor, pipeline)
    expected = [certify(*pair, X, **options) for pair in pairs]
    with config_context(transform_output=library):
        assert [certify(*pair, X, **options) for pair in pairs] == expected
        with_tables = fitted(make_pipeline(StandardScaler(), network()), X, y)
        again = compressor_of(with_tables).fit(X[:90])
        np.testing.assert_array_equal(again.predict(X), compressor.predict(X))
        assert fidelity_score(make_pipeline("passthrough", again), X) > 0


def test_what_answers_to_any_name_is_no_container(flowers):
    X, y = flowers
    mlp = fitted(network(), X, y)
    model = MagicMock(predict=mlp.predict, classes_=mlp.classes_)
    assert last_step(model) is model
    assert certify(mlp, model, X, error="prediction").share_over_epsilon == 0


# Refused


def hint_of(estimator, X):
    with pytest.raises(ValueError, match="estimator must be an MLPClassifier") as found:
        compressor_of(estimator).fit(X)
    message = str(found.value)
    # the type, not everything that is in it
    assert len(message) < 400 and "object of type" in message
    return message


def passed(message):
    """What the message says to pass, as an expression of `estimator`."""
    return re.match("Pass `(.*?)`", message)[1]


REFUSED = {
    "calibrated": (
        lambda: CalibratedClassifierCV(network(), cv=3),
        "one of 3 networks",
        "estimator.calibrated_classifiers_[0].estimator",
    ),
    "calibrated, not by folds": (
        lambda: CalibratedClassifierCV(network(), ensemble=False, cv=3),
        "",
        "estimator.calibrated_classifiers_[0].estimator",
    ),
    "voting": (
        lambda: VotingClassifier(
            [("linear", LogisticRegression()), ("a", network()), ("b", network())]
        ),
        "one of 2 networks",
        "estimator.estimators_[1]",
    ),
    "stacked": (
        lambda: StackingClassifier(
            [
                ("a", make_pipeline(StandardScaler(), LogisticRegression())),
                ("b", make_pipeline(StandardScaler(), network())),
            ],
            cv=2,
        ),
        "",
        "estimator.estimators_[1]",
    ),
    "bagged": (
        lambda: BaggingClassifier(network(), n_estimators=4),
        "one of 4 networks",
        "estimator.estimators_[0]",
    ),
    "one against the rest": (
        lambda: OneVsRestClassifier(network()),
        "one of 3 networks",
        "estimator.estimators_[0]",
    ),
    "fixed threshold": (
        lambda: FixedThresholdClassifier(network()),
        "",
        "estimator.estimator_",
    ),
    "searched": (
        lambda: GridSearchCV(make_pipeline(network()), {}, cv=2),
        "",
        "estimator.best_estimator_",
    ),
    "searched last": (
        lambda: make_pipeline("passthrough", GridSearchCV(network(), {}, cv=2)),
        "",
        "estimator[-1].best_estimator_",
    ),
    "compressed": (lambda: compressor_of(network()), "", "estimator.estimator_"),
    "compressed and frozen": (
        lambda: FrozenEstimator(
            compressor_of(network()).fit(*load_iris(return_X_y=True))
        ),
        "",
        "estimator.estimator.estimator_",
    ),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", REFUSED)
def test_the_fitted_network_inside_is_named_first(case, flowers):
    X, y = flowers
    make, count, expected = REFUSED[case]
    if case == "fixed threshold":
        y = (y == 1).astype(int)
    estimator = fitted(make(), X, y)
    message = hint_of(estimator, X)
    assert passed(message) == expected and count in message
    # following it works
    inside = eval(expected, {"estimator": estimator})
    assert compressor_of(inside).fit(X).original_estimator_ is inside


def test_thresholds_are_tuned_around_a_network(flowers):
    X, y = flowers
    tuned = TunedThresholdClassifierCV(network(), cv=2).fit(X, y == 1)
    assert passed(hint_of(tuned, X)) == "estimator.estimator_"


def test_what_is_not_fitted_is_compressed_from_inside(flowers):
    X, y = flowers
    message = hint_of(CalibratedClassifierCV(network()), X)
    assert message.startswith(
        "Compress inside it, CalibratedClassifierCV(estimator=CoresetCompressor(...))"
    )
    voting = VotingClassifier([("a", network())])
    assert "around each network of the VotingClassifier" in hint_of(voting, X)
    target = TransformedTargetRegressor(MLPRegressor())
    assert "TransformedTargetRegressor(regressor=Coreset" in hint_of(target, X)
    for other in (LogisticRegression(), VotingRegressor([("a", LinearRegression())])):
        assert hint_of(other, X).startswith("estimator must be")
    with pytest.raises(ValueError, match=r"Pass an instance, MLPClassifier\(\):"):
        compressor_of(MLPClassifier).fit(X, y)


TARGETS = {
    "functions": {"func": np.log, "inverse_func": np.exp},
    "transformer": {"transformer": StandardScaler()},
}


@pytest.mark.parametrize("case", TARGETS)
def test_transformed_targets_are_compressed_by_the_line_in_the_message(case):
    X = np.random.default_rng(0).normal(size=(400, 3))
    y = np.exp(X @ [0.5, 1, 0])
    mlp = MLPRegressor(hidden_layer_sizes=(20,), max_iter=300, random_state=0)
    regressor = make_pipeline(StandardScaler(), mlp)
    model = TransformedTargetRegressor(regressor, **TARGETS[case])
    fitted(model, X[:200], y[:200])
    line = re.match("Compress inside it, (.*?): estimator must", hint_of(model, X))[1]
    names = {
        "TransformedTargetRegressor": TransformedTargetRegressor,
        "CoresetCompressor": CoresetCompressor,
        "estimator": model,
        "X": X[200:],
        "y": y[200:],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compressed = eval(line, names)
    assert compressed.regressor_.original_estimator_ is model.regressor_
    # in the units of y
    certificate = certify(model, compressed, X[200:], error="absolute", delta=0.1)
    change = np.abs(model.predict(X[200:]) - compressed.predict(X[200:]))
    assert (change <= certificate.epsilon).mean() >= 0.9
    assert np.isclose(change, certificate.epsilon).any()
    with pytest.raises(ValueError, match=r"predicts y, .*original\.regressor_"):
        certify(model, compressed.regressor_, X[200:], error="absolute")

"""certify: the guarantee for any two estimators, by other libraries' answers."""

from copy import deepcopy

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CoresetCompressor, certify
from skcoreset._errors import ERRORS

from .conftest import fitted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def compressor(mlp, digits):
    compressor = CoresetCompressor(mlp, method="magnitude", density=0.3, random_state=0)
    return compressor.fit(digits[2][:300])


@pytest.fixture(scope="module")
def fresh(digits):
    return digits[2][300:]


@pytest.fixture(scope="module")
def flowers():
    """Names of flowers, rows of three kinds, and a network that knows them."""
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    mlp = MLPClassifier((8,), solver="lbfgs", max_iter=200, random_state=0)
    return X, names, fitted(mlp, X, names)


class Predicts:
    """Someone else's model: no estimator of scikit-learn, and only what it is given."""

    def __init__(self, **methods):
        vars(self).update(methods)


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_shares_are_those_of_an_exact_binomial_test(confidence, mlp, compressor, fresh):
    changed = mlp.predict(fresh) != compressor.predict(fresh)
    test = binomtest(int(changed.sum()), len(fresh), alternative="less")
    expected = test.proportion_ci(confidence, method="exact").high
    options = {"error": "prediction", "confidence": confidence}
    found = certify(mlp, compressor, fresh, delta=None, **options)
    assert found.holds and found.delta == pytest.approx(expected, rel=1e-6)
    for delta, holds in ((1.01 * expected, True), (0.99 * expected, False)):
        certificate = certify(mlp, compressor, fresh, delta=delta, **options)
        assert certificate.holds == holds
        p_value = binomtest(
            int(changed.sum()), len(fresh), delta, alternative="less"
        ).pvalue
        assert certificate.statistic == pytest.approx(p_value)
        assert certificate.limit == 1 - confidence
    assert "No promise: the exact binomial test" in str(certificate)
    assert certificate.guarantee == "test"
    assert certificate.n_validation == len(fresh)
    assert certificate.share_over_epsilon == changed.mean()


def test_smallest_epsilon_is_the_order_statistic_that_passes(mlp, compressor, fresh):
    # of a softmax without the shift that makes logits of log-probabilities
    F, F_hat = (np.log(e.predict_proba(fresh).astype(float)) for e in (mlp, compressor))
    F, F_hat = (F - F.mean(axis=1, keepdims=True) for F in (F, F_hat))
    errors = np.linalg.norm(F_hat - F, axis=1) / np.linalg.norm(F, axis=1)
    errors.sort()
    relative = {"error": "relative", "delta": 0.1}
    found = certify(mlp, compressor, fresh, **relative)
    assert found.holds
    np.testing.assert_allclose(np.abs(errors - found.epsilon).min(), 0, atol=1e-5)
    assert binom.cdf((errors > found.epsilon + 1e-5).sum(), len(errors), 0.1) <= 0.05
    one_smaller = errors[errors < found.epsilon - 1e-5][-1]
    assert binom.cdf((errors > one_smaller).sum(), len(errors), 0.1) > 0.05
    for factor, holds in ((1.001, True), (0.9, False)):
        epsilon = factor * found.epsilon
        again = certify(mlp, compressor, fresh, epsilon=epsilon, **relative)
        assert again.holds == holds
    relative |= {"epsilon": found.epsilon, "delta": None}
    reached = certify(mlp, compressor, fresh, **relative)
    assert reached.holds and reached.delta <= 0.1
    assert certify(mlp, compressor, fresh).error == "probability"


def test_shares_and_errors_of_two_estimators_hold_with_the_confidence():
    rng = np.random.default_rng(0)
    original = Predicts(predict=lambda X: X[:, 0])
    compressed = Predicts(predict=lambda X: X[:, 0] + X[:, 1])
    broken = {"epsilon": 0, "delta": 0}
    for _ in range(200):
        # atoms at 0, 1 and 2: the share over 0 is 0.5, over 1 it is 0.2
        X = np.column_stack([rng.random(40), rng.choice(3, 40, p=[0.5, 0.3, 0.2])])
        options = {"error": "absolute", "confidence": 0.8}
        epsilon = certify(original, compressed, X, delta=0.45, **options).epsilon
        broken["epsilon"] += epsilon < 0.5
        options |= {"epsilon": 0.5, "delta": None}
        broken["delta"] += certify(original, compressed, X, **options).delta < 0.5
    for n_broken in broken.values():
        assert 0 < n_broken and binom.sf(n_broken - 1, 200, 0.2) > 0.01


def test_all_that_wraps_a_network_is_certified_alike(flowers):
    pd = pytest.importorskip("pandas")
    X, y, _ = flowers
    pipeline = fitted(
        make_pipeline(StandardScaler(), MLPClassifier((8,), random_state=0)), X, y
    )
    compressor = CoresetCompressor(
        pipeline, method="magnitude", density=0.5, random_state=0
    ).fit(X)
    search = GridSearchCV(
        CoresetCompressor(pipeline, method="magnitude", random_state=0),
        {"density": [0.5]},
        cv=2,
    ).fit(X, y)
    frame = pd.DataFrame(X)
    for name in ERRORS:
        options = {"error": name, "delta": 0.9}
        if not ERRORS[name].counts_rows:
            options["epsilon"] = 0.5
        if name == "scaled":
            options["scale"] = [1, 1, 1]
        expected = certify(pipeline, compressor, X, **options)
        for original, compressed, rows in (
            (pipeline, compressor.estimator_, X),
            (FrozenEstimator(pipeline), FrozenEstimator(compressor), X),
            (pipeline, make_pipeline("passthrough", compressor), X),
            (pipeline, compressor.to_dense(), frame),
            (pipeline, deepcopy(compressor), X.tolist()),
        ):
            certificate = certify(original, compressed, rows, **options)
            assert str(certificate) == str(expected)
            assert set(certificate.share_by_class) == set(expected.share_by_class)
        assert certify(pipeline, search, X, **options).error == name


def test_classes_of_any_type_are_compared(flowers):
    X, _, mlp = flowers
    compressor = CoresetCompressor(
        mlp, method="magnitude", density=0.2, random_state=0
    ).fit(X)
    of_objects = Predicts(predict=lambda X: compressor.predict(X).astype(object))
    in_columns = Predicts(predict=lambda X: compressor.predict(X)[:, np.newaxis])
    expected = certify(mlp, compressor, X, error="classwise", delta=None)
    changed = mlp.predict(X) != compressor.predict(X)
    for name in mlp.classes_:
        members = mlp.predict(X) == name
        assert expected.share_by_class[name] == changed[members].mean()
    for other in (of_objects, in_columns):
        certificate = certify(mlp, other, X, error="classwise", delta=None)
        assert certificate == expected
    # numbers are not compared with names, and classes not with others
    numbers = Predicts(predict=lambda X: np.zeros(len(X), dtype=int))
    texts = Predicts(predict=lambda X: np.full(len(X), "rose", dtype=object))
    of_numbers = fitted(
        MLPClassifier((8,), max_iter=5),
        X,
        np.searchsorted(mlp.classes_, mlp.predict(X)),
    )
    roses = Predicts(predict=texts.predict, classes_=["rose", "tulip"])
    for other in (numbers, of_numbers, roses):
        with pytest.raises(ValueError, match="predictions cannot be compared"):
            certify(mlp, other, X, error="prediction", delta=None)
    # what does not tell its classes may always be wrong
    certificate = certify(mlp, texts, X, error="prediction", delta=None)
    assert certificate.share_over_epsilon == 1
    assert certificate.delta == 1 and certificate.holds
    # every statement about a share of 1 is true
    assert certificate.statistic == 0


def test_each_class_is_tested_by_itself(flowers):
    X, _, mlp = flowers
    kept = X[mlp.predict(X) != "virginica"]
    perfect = certify(mlp, deepcopy(mlp), kept, error="classwise", delta=0.1)
    silent = Predicts(predict=mlp.predict, predict_proba=mlp.predict_proba)
    of_silent = certify(silent, mlp, kept, error="classwise", delta=0.1)
    assert of_silent.holds and not of_silent.not_covered
    assert perfect.holds and perfect.not_covered == ("virginica",)
    assert perfect.statistic == pytest.approx(0.9**50, rel=0.5)
    forgets = Predicts(
        predict=lambda X: np.where(
            mlp.predict(X) == "setosa", "versicolor", mlp.predict(X)
        )
    )
    certificate = certify(mlp, forgets, X, error="classwise", delta=0.4)
    assert not certificate.holds
    assert certificate.share_by_class["setosa"] == 1
    with pytest.raises(ValueError, match=r"setosa \(5, 24 missing\)"):
        few = np.vstack([X[:5], X[60:]])
        certify(mlp, mlp, few, error="classwise", delta=0.1)
    # without a delta there is no fewest number of rows
    few = certify(mlp, mlp, X[:5], error="classwise", delta=None)
    assert few.holds and few.delta == pytest.approx(1 - 0.05 ** (1 / 5))


@pytest.mark.parametrize("error", ["relative", "probability"])
def test_outputs_of_other_classifiers_are_the_logits_of_their_probabilities(
    error, flowers
):
    X, y, _ = flowers
    two = y != "setosa"
    for rows, labels in ((X, y), (X[two], y[two])):
        model = fitted(LogisticRegression(max_iter=500), rows, labels)
        network = fitted(MLPClassifier((), max_iter=1), rows, labels)
        coef, intercept = model.coef_, model.intercept_
        network.coefs_, network.intercepts_ = [coef.T.copy()], [intercept.copy()]
        other = fitted(MLPClassifier((), max_iter=5, random_state=0), rows, labels)
        options = {"error": error, "epsilon": 0.2, "delta": None}
        expected = certify(network, other, rows, **options)
        assert 0 < expected.share_over_epsilon < 1
        # the classes in another order, and probabilities of a bare model
        order = np.argsort(model.classes_)[::-1]
        shuffled = Predicts(
            classes_=model.classes_[order],
            predict=model.predict,
            predict_proba=lambda X, p=model.predict_proba, o=order: p(X)[:, o],
        )
        for same in (model, shuffled):
            certificate = certify(same, other, rows, **options)
            assert certificate.share_over_epsilon == expected.share_over_epsilon
        if len(model.classes_) == 2:
            one_column = Predicts(
                predict=model.predict,
                predict_proba=lambda X, p=model.predict_proba: p(X)[:, 1:],
            )
            certificate = certify(one_column, other, rows, **options)
            assert certificate.share_over_epsilon == expected.share_over_epsilon


def test_labels_of_several_are_compared_as_sets():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    Y = (X[:, :2] + 0.5 * rng.standard_normal((80, 2)) > 0).astype(int)
    mlp = fitted(MLPClassifier((5,), max_iter=50, random_state=0), X, Y)
    forest = RandomForestClassifier(5, random_state=0).fit(X, Y)
    certificate = certify(mlp, forest, X, error="prediction", delta=None)
    changed = (mlp.predict(X) != forest.predict(X)).any(axis=1)
    assert certificate.share_over_epsilon == changed.mean()
    certificate = certify(mlp, forest, X, error="probability", epsilon=0.2, delta=None)
    P_hat = np.column_stack([p[:, 1] for p in forest.predict_proba(X)])
    moved = np.abs(P_hat - mlp.predict_proba(X)).max(axis=1) > 0.2
    assert certificate.share_over_epsilon == moved.mean()
    with pytest.raises(ValueError, match="use 'prediction'"):
        certify(mlp, forest, X, error="classwise")


def test_regressors_are_compared_in_the_spread_of_the_original(regressor, digits):
    X = digits[2]
    compressor = CoresetCompressor(
        regressor, method="magnitude", density=0.5, random_state=0
    ).fit(X[:300])
    certificate = certify(regressor, compressor, X[300:], epsilon=0.5, delta=None)
    assert certificate.error == "scaled"
    assert certificate.scale == compressor.certificate_.scale
    bare = Predicts(predict=compressor.predict)
    difference = np.abs(regressor.predict(X[300:]) - compressor.predict(X[300:]))
    over = (difference / certificate.scale).max(axis=1) > 0.5
    assert certificate.share_over_epsilon == pytest.approx(over.mean(), abs=0.005)
    given = {"scale": certificate.scale, "epsilon": 0.5, "delta": None}
    for original in (regressor, Predicts(predict=regressor.predict)):
        again = certify(original, bare, X[300:], **given)
        assert again.share_over_epsilon == pytest.approx(over.mean(), abs=0.005)
    # a network that is trained on has the same original, and the same spread
    tuned = compressor.fine_tune(X[:300], regressor.predict(X[:300]), n_epochs=1)
    assert not tuned.certificate_.holds
    assert certify(regressor, tuned, X[300:]).scale == certificate.scale


def test_poisson_regressors_are_compared_on_the_log_scale():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    y = rng.poisson(np.exp(X[:, 0]))
    mlp = MLPRegressor((5,), max_iter=50, random_state=0)
    if "loss" not in mlp.get_params():
        pytest.skip("no Poisson loss in this release")
    mlp = fitted(mlp.set_params(loss="poisson"), X, y)
    doubles = Predicts(predict=lambda X: 2 * mlp.predict(X))
    for pair in ((mlp, doubles), (doubles, mlp)):
        certificate = certify(*pair, X, error="absolute")
        assert certificate.epsilon == pytest.approx(np.log(2))
    # two that are no networks are compared in what they predict
    certificate = certify(doubles, doubles, X, error="absolute", epsilon=1e-9)
    assert certificate.share_over_epsilon == 0
    negative = Predicts(predict=lambda X: -mlp.predict(X))
    certificate = certify(mlp, negative, X, error="absolute")
    assert certificate.epsilon == np.inf and certificate.holds


class NoProbabilities(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.resize(self.classes_, len(X))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epsilon": None, "delta": None}, "cannot both be found"),
        ({"error": "prediction", "epsilon": 0.1}, "epsilon=0.1 plays no part"),
        ({"error": "absolute", "scale": [1, 1, 1]}, "scale plays no part"),
        ({"error": "scaled"}, "error='scaled' needs scale"),
        ({"error": "scaled", "scale": [1, 2]}, "for each of the 3 outputs"),
        ({"error": "scaled", "scale": [1, 2, np.inf]}, "one finite number"),
        ({"error": "scaled", "scale": [1, 2, -1]}, "at least 0"),
        ({"delta": 0.01}, "299 held-out rows, and there are 150: 149 are missing"),
        ({"delta": 0}, "'delta'"),
        ({"confidence": 1}, "'confidence'"),
        ({"error": "other"}, "'error'"),
    ],
)
def test_options_that_do_not_go_together(options, message, flowers):
    X, _, mlp = flowers
    with pytest.raises(ValueError, match=message):
        certify(mlp, mlp, X, **options)


def test_estimators_that_cannot_be_compared(flowers):
    X, y, mlp = flowers
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    without = NoProbabilities().fit(X, y)
    two = fitted(MLPClassifier((3,), max_iter=5), X[:100], y[:100])
    other = fitted(
        MLPClassifier((3,), max_iter=5), X, np.unique(y, return_inverse=True)[1]
    )
    line = LinearRegression().fit(X, X)
    broken = Predicts(predict=lambda X: np.where(X == X[0], np.nan, X))
    refused = [
        (mlp, without, "relative", "NoProbabilities has no predict_proba"),
        (mlp, forest, "absolute", "up to a shift only"),
        (forest, mlp, "relative", "the probability 0 or 1 on .* has no logit"),
        (mlp, two, "relative", "they cannot be compared"),
        (mlp, other, "relative", r"compressed \[0, 1, 2\]: their outputs cannot"),
        (line, line, "prediction", "a regressor predicts none"),
        (line, LinearRegression().fit(X, X[:, 0]), "absolute", "shape"),
        (broken, line, "absolute", "predicts NaN, infinity or .* rows of X"),
        (mlp, object(), "prediction", "'compressed'"),
    ]
    for original, compressed, error, message in refused:
        with pytest.raises(ValueError, match=message):
            certify(original, compressed, X, error=error)
    # these can
    assert certify(mlp, without, X, error="prediction", delta=None).holds
    assert certify(forest, mlp, X, error="probability").holds
    assert certify(Perceptron().fit(X, y), mlp, X, error="classwise", delta=None).holds

"""How a wrapped network is trained, and what is said of how it was trained."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.ensemble import AdaBoostClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.utils.validation import has_fit_parameter

from skcoreset import CoresetCompressor
from skcoreset._wrapped import looks_like_training_rows

from ..conftest import fitted


def compressor_of(mlp, **options):
    options = {"method": "magnitude", "density": 0.9, "random_state": 0} | options
    return CoresetCompressor(mlp, **options)


def test_a_y_that_the_network_was_not_trained_on_is_said(mlp, regressor, digits):
    X, y = digits[2:]
    with pytest.warns(UserWarning, match="no better than a constant.*without training"):
        compressor_of(mlp).fit(X, (y + 1) % 10)
    Y = np.random.default_rng(0).normal(size=(len(X), 2))
    with pytest.warns(UserWarning, match="MLPRegressor predicts y no better"):
        compressor_of(regressor).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compressor_of(mlp).fit(X, y)
        # nothing can be told from one class
        compressor_of(mlp).fit(X[y == 3], y[y == 3])


def test_one_versus_rest_around_a_fitted_network_is_said(mlp, digits):
    X, y = digits[2:]
    with pytest.warns(UserWarning, match="without training on y"):
        OneVsRestClassifier(compressor_of(mlp)).fit(X, y)


def test_classes_that_a_fitted_network_does_not_know_are_refused(mlp, digits):
    X, y = digits[2:]
    with pytest.raises(ValueError, match="not one of the classes"):
        compressor_of(mlp).fit(X, y + 1)
    with pytest.raises(ValueError, match="2 columns, but the network has 10"):
        labels = fitted(MLPClassifier((4,), max_iter=5), X, np.eye(10)[y])
        compressor_of(labels).fit(X, np.eye(10)[y][:, :2])


def test_numbers_of_the_classes_pass_for_the_classes(digits):
    # as estimators that combine others hand them on
    X, y, X_new, y_new = digits
    names, y_new_names = (np.array(list("abcdefghij"))[each] for each in (y, y_new))
    mlp = fitted(MLPClassifier((16,), max_iter=80, random_state=0), X, names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compressor = compressor_of(mlp).fit(
            X_new, LabelEncoder().fit(names).transform(y_new_names)
        )
    # and are what it predicts, as the estimator around it expects
    codes = np.searchsorted(mlp.classes_, compressor_of(mlp).fit(X_new).predict(X))
    np.testing.assert_array_equal(compressor.predict(X), codes)
    np.testing.assert_array_equal(compressor.estimator_.predict(X), codes)
    np.testing.assert_array_equal(compressor.classes_, np.arange(10))
    assert mlp.classes_.tolist() == list("abcdefghij")


def test_values_in_other_units_are_told_from_other_values():
    X = np.random.default_rng(0).normal(size=(400, 3))
    y = np.exp(X @ [0.5, 1, 0])
    mlp = MLPRegressor(hidden_layer_sizes=(20,), max_iter=200, random_state=0)
    model = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), mlp), func=np.log, inverse_func=np.exp
    )
    fitted(model, X[:300], y[:300])
    compressor = compressor_of(model.regressor_)
    with pytest.warns(UserWarning, match="in the order of y .* far from them"):
        compressor.fit(X[300:], y[300:])
    with pytest.warns(UserWarning, match="no better than a constant"):
        compressor.fit(X[300:], -y[300:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compressor.fit(X[300:], np.log(y[300:]))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_that_are_scaled_otherwise_are_said_where_training_has_left_a_score(
    early_stopping,
):
    # and where it has not, nothing can be known: training rows are predicted better
    X, y = load_digits(return_X_y=True)
    X, X_new, y, y_new = train_test_split(X, y, test_size=0.5, random_state=0)
    mlp = MLPClassifier((30,), early_stopping=early_stopping, random_state=0)
    compressor = compressor_of(fitted(mlp, X, y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compressor.fit(X_new, y_new)
    scaled = make_pipeline(StandardScaler(), compressor)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scaled.fit(X_new, y_new)
    said = [w for w in caught if "of the validation rows of its" in str(w.message)]
    assert bool(said) == early_stopping
    # a network without a history is none to compare with
    small = compressor_of(compressor.fit(X_new).estimator_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small.fit(X_new, y_new)


# Training rows


KINDS = {
    "several classes": (MLPClassifier, load_iris, {}),
    "two classes": (MLPClassifier, load_iris, {}),
    "names": (MLPClassifier, load_iris, {}),
    "sets of labels": (MLPClassifier, load_iris, {}),
    "early stopping": (MLPClassifier, load_digits, {"early_stopping": True}),
    "values": (MLPRegressor, load_diabetes, {}),
    "counts": (MLPRegressor, load_iris, {"loss": "poisson"}),
}


def training_rows(kind):
    estimator, load, options = KINDS[kind]
    if "loss" in options and not has_loss():
        pytest.skip("no Poisson loss in this release")
    X, y = load(return_X_y=True)
    if kind == "two classes":
        y = (y == 1).astype(int)
    elif kind == "names":
        y = np.array(["a", "b", "c"])[y]
    elif kind == "sets of labels":
        y = np.eye(3, dtype=int)[y][:, :2]
    mlp = estimator(hidden_layer_sizes=(40,), max_iter=150, random_state=0, **options)
    split = train_test_split(X, y, test_size=0.45, random_state=1)
    X, X_new, y, y_new = split
    return fitted(make_pipeline(StandardScaler(), mlp), X, y), X, X_new, y, y_new


def has_loss():
    return "loss" in MLPRegressor().get_params()


@pytest.mark.parametrize("kind", KINDS)
def test_training_rows_are_recognised_and_others_are_not(kind):
    network, X, X_new, y, y_new = training_rows(kind)
    assert looks_like_training_rows(network, X, y)
    assert not looks_like_training_rows(network, X_new, y_new)
    # as many others, with what is not their target
    assert not looks_like_training_rows(network, X, np.roll(y, 1, axis=0))


def test_networks_that_do_not_count_rows_are_not_recognised():
    X, y = load_iris(return_X_y=True)
    by_lbfgs = fitted(MLPClassifier((5,), solver="lbfgs", random_state=0), X, y)
    bare = fitted(MLPClassifier((5,), max_iter=2), X, y)
    del bare.t_
    for mlp in (by_lbfgs, bare):
        assert not looks_like_training_rows(mlp, X, y)


def test_compressing_on_training_rows_is_said():
    network, X, X_new, y, y_new = training_rows("several classes")
    with pytest.warns(UserWarning, match="trained on, 82.*no higher than at the end"):
        compressor_of(network).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # half for each is a common split
        compressor_of(network).fit(X_new[: len(X)])
        compressor_of(network).fit(X, y, X_val=X_new)
        compressor_of(network).fit(X_new, y_new)


@pytest.mark.slow
@pytest.mark.parametrize("load", [load_iris, load_digits, load_diabetes])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_fresh_rows_are_never_taken_for_training_rows(load, early_stopping):
    X, y = load(return_X_y=True)
    kind = MLPRegressor if load is load_diabetes else MLPClassifier
    mlp = kind(hidden_layer_sizes=(30,), max_iter=30, early_stopping=early_stopping)
    for seed in range(20):
        X_train, X_new, y_train, y_new = train_test_split(
            X, y, test_size=0.4, random_state=seed
        )
        network = make_pipeline(StandardScaler(), mlp.set_params(random_state=seed))
        fitted(network, X_train, y_train)
        assert not looks_like_training_rows(network, X_new, y_new)


# Training in fit


def test_a_class_that_is_held_out_whole_is_said():
    X, y = load_iris(return_X_y=True)
    y = np.array(["setosa", "versicolor", "virginica"])[y]
    rare = np.r_[0:102]  # two of the last
    mlp = MLPClassifier((4,), max_iter=5, random_state=0)
    n_said = 0
    for seed in range(10):
        compressor = compressor_of(mlp, random_state=seed, validation_fraction=0.5)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            compressor.fit(X[rare], y[rare])
        said = [w for w in caught if "['virginica'], and will not" in str(w.message)]
        assert bool(said) == ("virginica" not in compressor.classes_)
        n_said += len(said)
    assert 0 < n_said < 10


@pytest.mark.parametrize("as_sparse", [False, True])
def test_sets_of_labels_are_refused_before_training(as_sparse, digits):
    X, y = digits[:2]
    Y = np.eye(10, dtype=int)[y]
    Y = sparse.csr_array(Y) if as_sparse else Y

    class NeverTrained(MLPClassifier):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("trained")

    compressor = CoresetCompressor(NeverTrained((3,)), error="classwise")
    with pytest.raises(ValueError, match=r"error='classwise'.*multilabel"):
        compressor.fit(X, Y)


def test_boosting_weighs_the_rows_of_an_unfitted_network():
    X, y = load_iris(return_X_y=True)
    mlp = MLPClassifier((8,), max_iter=200, random_state=0)
    if not has_fit_parameter(mlp, "sample_weight"):
        pytest.skip("MLPClassifier takes no sample_weight in this release")
    assert has_fit_parameter(CoresetCompressor(), "sample_weight")
    boosted = AdaBoostClassifier(compressor_of(mlp), n_estimators=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert boosted.fit(X, y).score(X, y) > 0.6
        weights = np.where(y == 2, 100.0, 0.01)
        one = compressor_of(mlp).fit(X, y, sample_weight=weights)
        assert (one.predict(X) == 2).mean() > 0.9
    # a fitted one is compressed without weights
    mlp = fitted(mlp, X, y)
    weighted = compressor_of(mlp).fit(X, y, weights)
    plain = compressor_of(mlp).fit(X, y)
    np.testing.assert_array_equal(weighted.coefs_[0].data, plain.coefs_[0].data)
    with pytest.raises(TypeError, match="unexpected keyword argument 'sample_weight'"):
        compressor_of(make_pipeline(StandardScaler(), clone(mlp))).fit(X, y, weights)


def test_estimators_that_vote_by_class_take_networks_of_names():
    X, y = load_iris(return_X_y=True)
    for classes in (np.array(["stayed", "left", "new"]), np.array([10, 20, 15])):
        names = classes[y]
        mlp = fitted(MLPClassifier((8,), max_iter=300, random_state=0), X, names)
        voting = VotingClassifier(
            [
                ("small", compressor_of(mlp)),
                ("smaller", compressor_of(mlp, density=0.8)),
                ("linear", LogisticRegression(max_iter=500)),
            ]
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert voting.fit(X, names).score(X, names) > 0.9

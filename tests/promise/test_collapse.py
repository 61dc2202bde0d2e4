"""What a kept promise may hide is warned of."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skcoreset._promise.collapse import expected_auc, warn_of_collapse

from .common import judge_of, linear


def warned(network, compressed, X, name="probability", **options):
    judge = judge_of(network, X, name, **options)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        warn_of_collapse(judge, compressed)
    assert len(record) <= 1
    return str(record[0].message) if record else ""


@pytest.fixture
def X():
    return np.random.default_rng(0).standard_normal((400, 3))


def test_expected_auc_is_that_of_labels_drawn_by_the_probabilities():
    rng = np.random.default_rng(0)
    p, score = rng.random(3000), rng.random(3000)
    score += 0.3 * p
    aucs = [roc_auc_score(rng.random(3000) < p, score) for _ in range(40)]
    error = np.std(aucs) / np.sqrt(len(aucs))
    assert abs(expected_auc(p, score) - np.mean(aucs)) < 4 * error


def test_nothing_is_said_of_a_network_that_stays_as_it_was(X):
    network = linear(np.eye(3))
    assert warned(network, network, X) == ""
    assert warned(network, linear(0.98 * np.eye(3)), X) == ""


def test_constant_outputs(X):
    words = warned(linear(np.eye(3)), linear(np.zeros((3, 3))), X)
    assert words.startswith("On the held-out rows the compressed network is constant,")
    assert "with other held-out rows" in words
    values = linear(np.eye(3), "identity"), linear(np.diag([1, 0, 1]), "identity")
    assert "constant in outputs [1], and" in warned(*values, X, "absolute")
    # one logit of a softmax may be constant
    assert "constant" not in warned(linear(np.eye(3)), linear(np.diag([1, 1, 0])), X)
    values = linear(np.eye(3), "identity"), linear(np.zeros((3, 3)), "identity")
    same = warned(*values, X[:1].repeat(50, 0), "absolute")
    assert same.startswith("The compressed network has no edges left")


@pytest.mark.parametrize(
    "name, remedy",
    [
        ("probability", "A smaller epsilon or delta"),
        ("prediction", "error='classwise' keeps every class"),
        ("classwise", "A smaller delta or error='probability'"),
    ],
)
def test_lost_classes_have_their_names(X, name, remedy):
    without = linear(np.eye(3))
    without.intercepts[0][2] = -9
    words = warned(linear(np.eye(3)), without, X, name, classes=["a", "b", "c"])
    assert "half of the held-out rows that the original predicts as c (0 of" in words
    assert remedy in words


def test_a_lost_ranking_of_two_classes(X):
    # a rare class that is never predicted, and a probability that no longer ranks rows
    def networks(intercept):
        weights = np.eye(3)[:, :1], np.eye(3)[:, 1:2]
        both = [linear(w, "logistic") for w in weights]
        return [n.with_weights(n.coefs, [np.array([intercept])]) for n in both]

    X, names = np.clip(X, -3, 3), ["no", "yes"]
    words = warned(*networks(-4.0), X, classes=names)
    assert "does not rank the held-out rows as the original does: yes (AUC 0." in words
    assert "half" not in words
    # of a class that is not expected at all no ranking is known
    assert warned(*networks(-30.0), X, classes=names) == ""


def test_one_class_has_nothing_to_lose(X):
    network = linear([[1.0], [0], [0]], "logistic")
    other = linear([[0.0], [1], [0]], "logistic")
    assert warned(network, other, X, classes=["only"]) == ""
    constant = linear(np.zeros((3, 1)), "logistic")
    assert "no edges left" in warned(network, constant, X, classes=["only"])


def test_outputs_that_are_no_numbers_rank_nothing(X):
    broken = linear(np.diag([np.nan, 1, 1]))
    with np.errstate(invalid="ignore"):
        assert "rank" not in warned(linear(np.eye(3)), broken, X)


def test_values_that_are_far_off(X):
    network, other = linear([[1.0], [0], [0]], "identity"), linear(np.ones((3, 1)))
    X[:, 1:] *= 1e-3
    assert warned(network, other, X, "absolute", epsilon=0.1) == ""
    X[3] = 5, 5, 0
    words = warned(network, other, X, "absolute", epsilon=0.1)
    assert words.startswith("1 of 400 held-out rows are further off than 10 times eps")
    assert ", up to 50 times: on unusual rows" in words
    assert warned(network, other, X, "absolute", epsilon=np.inf) == ""

"""Advice comes from calibration rows, and works on other held-out rows."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor
from skcoreset._compress import Finish
from skcoreset._parallel import serial_map
from skcoreset._promise.advice import Advice

from ..conftest import fitted, random_network
from ..methods.common import plan_of

# What fails, and what the advice names.
CASES = {
    "epsilon": ({"method": "corenet", "epsilon": 0.05}, float),
    "delta": ({"error": "prediction", "delta": 0.03, "bits": 1}, float),
    "bits": ({"bits": 1, "epsilon": 0.1}, int),
    "method": ({"method": "uniform", "epsilon": 0.1}, str),
}


def advised(name, words):
    """The value that some advice has for a parameter."""
    _, found = words.split("Expected to pass: ")
    return re.search(rf"{name}='?([\w.+-]+?)'?(?:[;,]|\. )", found).group(1)


@pytest.fixture(scope="module")
def problem():
    """A network that can spare no edge for nothing, and rows that it has not seen."""
    X, y = make_classification(
        2000, 12, n_informative=12, n_redundant=0, random_state=0
    )
    mlp = MLPClassifier((16,), activation="tanh", max_iter=50, random_state=0)
    return fitted(mlp, X[:800], y[:800]), X[800:]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:No network:UserWarning")
def test_advice_names_what_passes_on_other_rows(name, problem):
    mlp, X = problem
    options, convert = CASES[name]
    order = np.random.default_rng(0).permutation(len(X))
    X, X_val, X_other = np.split(X[order], [500, 850])
    with pytest.warns(UserWarning, match="left uncompressed") as record:
        CoresetCompressor(mlp, random_state=0, **options).fit(X, X_val=X_val)
    words = next(str(w.message) for w in record if "left uncomp" in str(w.message))
    assert ("not rounded to bits=1" in words) == ("bits" in options)
    options = options | {name: convert(advised(name, words))}
    compressor = CoresetCompressor(mlp, random_state=0, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        compressor.fit(X, X_val=X_other)
    assert compressor.density_ < 1 and compressor.certificate_.holds


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_advice_works_in_nine_of_ten_splits(name, problem):
    mlp, rows = problem
    options, convert = CASES[name]
    n_given = n_passed = 0
    for seed in range(12):
        order = np.random.default_rng(seed).permutation(len(rows))
        X, X_val, X_other = np.split(rows[order], [500, 850])
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            CoresetCompressor(mlp, random_state=seed, **options).fit(X, X_val=X_val)
        words = " ".join(str(w.message) for w in record)
        if f"{name}=" not in words.partition("Expected to pass: ")[2]:
            continue
        advice = options | {name: convert(advised(name, words))}
        compressor = CoresetCompressor(mlp, random_state=seed, **advice)
        n_given += 1
        n_passed += compressor.fit(X, X_val=X_other).density_ < 1
    assert n_given >= 8
    # not significantly less than nine of ten
    assert binom.cdf(n_passed, n_given, 0.9) > 0.05


def advice_of(network, X, plan):
    return Advice(network, X, plan, Finish, serial_map).words()


def test_advice_for_few_rows_asks_for_more():
    network = random_network([6, 10, 3], out_activation="softmax")
    X = np.random.default_rng(0).normal(size=(60, 6))
    words = advice_of(network, X, plan_of("refined", epsilon=1e-9))
    assert words.startswith("A larger epsilon or delta keeps less. 60 rows to calib")


def test_advice_names_nothing_that_is_far_away():
    network = random_network([6, 10, 3], out_activation="softmax")
    X = np.random.default_rng(0).normal(size=(400, 6))
    words = advice_of(network, X, plan_of("refined", epsilon=1e-9))
    assert "Nothing that was tried is expected to pass." in words
    one = replace(
        network,
        coefs=(np.ones((1, 1)),),
        intercepts=(np.zeros(1),),
    )
    words = advice_of(one, X[:, :1], plan_of("refined"))
    assert words == "It has no edge to spare."


def test_advice_counts_every_class_by_itself():
    network = random_network([6, 10, 2], out_activation="softmax")
    X = np.random.default_rng(0).normal(size=(2000, 6))
    plan = plan_of("magnitude", "classwise", epsilon=None, delta=0.01)
    words = advice_of(network, X, plan)
    assert words.endswith(
        "2000 rows to calibrate on have too few of some class to say what would pass."
    )
    words = advice_of(network, X, plan_of("magnitude", "classwise", epsilon=None))
    assert "On 500 calibration rows" in words
    # of the worst class, whose rows are fewer
    n_lost, n_rows = map(
        int, re.search(r"loses (\d+) of the (\d+) rows", words).groups()
    )
    assert 0 < n_lost <= n_rows < 500


def test_advice_names_no_epsilon_that_bounds_nothing():
    network = random_network([6, 10, 2], out_activation="softmax")
    network = network.with_weights([30 * coef for coef in network.coefs])
    X = np.random.default_rng(0).normal(size=(2000, 6))
    plan = plan_of("uniform", "probability", epsilon=0.05, delta=0.05)
    assert "epsilon=" not in advice_of(network, X, plan)


def test_advice_never_names_a_smaller_target():
    network = random_network([6, 10, 2], out_activation="softmax")
    X = np.random.default_rng(0).normal(size=(2000, 6))
    plan = plan_of("magnitude", "probability", epsilon=1.0, delta=0.1)
    words = advice_of(network, X, plan)
    assert "Expected to pass: the same target, with more held-out rows;" in words
    assert "epsilon=" not in words

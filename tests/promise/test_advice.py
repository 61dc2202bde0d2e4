"""What would help where no network of a path can be promised."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import re
from dataclasses import replace

import numpy as np
import pytest

from skcoreset._methods import METHODS
from skcoreset._promise.advice import what_would_help
from skcoreset._promise.guarantees import Target, Validation
from skcoreset._wrapped import network_of


@pytest.fixture(scope="module")
def network(mlp):
    return network_of(mlp)


@pytest.fixture(scope="module")
def first(network, digits):
    """Of a path that fails."""
    rng = np.random.default_rng(0)
    return next(iter(METHODS["uniform"].sparsify(network, digits[0], [0.9], rng=rng)))


def advise(network, first, digits, target, method="uniform"):
    return what_would_help(network, first, method, digits[0], digits[2], target)


TARGETS = {
    "epsilon": Target("relative", epsilon=1e-3),
    "epsilon, with confidence": Target("probability", 1e-3, 0.2, 0.9),
    "delta": Target("prediction", delta=0.01),
    "delta, with confidence": Target("prediction", delta=0.02, confidence=0.9),
}


@pytest.mark.parametrize("case", TARGETS)
def test_the_named_value_passes_and_a_little_less_does_not(
    case, network, first, digits
):
    target = TARGETS[case]
    advice = advise(network, first, digits, target)
    name, value = re.search(r"(epsilon|delta)=([\d.e-]+) lets it pass", advice).groups()
    assert name == case.split(",")[0]

    def passes(value):
        validation = Validation(network, digits[2], replace(target, **{name: value}))
        return validation.choose([first])[0] is first

    assert passes(float(value))
    assert not passes(0.98 * float(value))
    assert f"of the {len(digits[2])} held-out rows" in advice


def test_a_method_is_named_with_what_it_reaches_and_never_the_one_in_use(
    network, first, digits
):
    target = Target("relative", epsilon=0.1)
    advice = advise(network, first, digits, target)
    method, density = re.search(r"method='(\w+)' passes .* (\d+)%", advice).groups()
    assert method == "refined"
    (reached,) = METHODS[method].sparsify(
        network, digits[0], [int(density) / 100], rng=np.random.default_rng(0)
    )
    assert abs(reached.n_edges / network.n_edges - int(density) / 100) < 0.01
    assert "method='refined'" not in advise(
        network, first, digits, target, method="refined"
    )


def test_where_rows_are_too_few_more_are_asked_for(network, digits):
    target = Target("relative", epsilon=0.1, delta=0.05)
    X_val = digits[2][:25]
    validation = Validation(network, X_val, target)
    path = METHODS["magnitude"].sparsify(network, digits[0], 0.99 ** np.arange(1, 90))
    # one lost row of 25 is less than 5%, and (1 + 1) / 26 is more
    first = next(n for n in path if target.lost(validation.errors(n)).sum() == 1)
    advice = what_would_help(network, first, "magnitude", digits[0], X_val, target)
    assert "of too few rows: hold out more" in advice


def test_nothing_is_named_that_does_not_pass(network, digits):
    silent = network.with_weights(0 * network.weights)
    advice = advise(network, silent, digits, Target("prediction", delta=0.0015))
    assert "method=" not in advice
    broken = network.with_weights(np.inf * np.ones_like(network.weights))
    advice = advise(network, broken, digits, Target("relative", epsilon=1e-9))
    assert "lets it pass" not in advice
    assert advise(network, None, digits, TARGETS["epsilon"]) == (
        "It has no edge to spare."
    )

"""Plans: defaults, and what is refused."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest

from skcoreset._compress import compress
from skcoreset._errors import ERRORS, default_error
from skcoreset._methods import METHODS
from skcoreset._plan import Plan, target_of
from skcoreset._promise.target import Target

from .promise.common import linear

NETWORK = {
    "classifier": False,
    "multilabel": False,
    "activation": "relu",
    "n_hidden_layers": 1,
    "has_X_val": False,
}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"method_name": "magnitude"}, "method='magnitude'"),
        ({"epsilon": 1.0}, "epsilon=1.0, which is not below 1"),
        ({"density": 0.5}, "density=0.5"),
        ({"error": "relative"}, "error='relative'"),
        ({"confidence": 0.9}, "confidence=0.9"),
        ({"refine": True}, "refine=True"),
        ({"bits": 3}, "bits=3"),
        ({"has_X_val": True}, "X_val"),
        ({"activation": "logistic"}, "an estimator of activation='logistic'"),
    ],
)
def test_what_the_theorem_does_not_cover_is_refused(changes, message):
    def check(guarantee, **changes):
        asked = {"error": "entrywise", "epsilon": 0.1, "method_name": "corenet"}
        asked |= changes
        network = {name: asked.pop(name, value) for name, value in NETWORK.items()}
        names = ("error", "epsilon", "confidence")
        target = Target(**{name: asked.pop(name) for name in names if name in asked})
        plan = Plan(target=target, guarantee=guarantee, **asked)
        plan.check(**network)

    check("theoretical")
    check("conformal", **changes)
    with pytest.raises(ValueError, match=f"does not go with {message}: the theorem"):
        check("theoretical", **changes)


def test_the_theorem_is_seen_on_no_rows():
    network = linear(np.ones((400, 2)), "identity")
    X = np.abs(np.random.default_rng(0).standard_normal((200, 400)))
    plan = Plan("corenet", Target("entrywise", 0.9, 0.2), guarantee="theoretical")
    with pytest.warns(UserWarning, match="kept as they are"):
        result = compress(network, X, None, plan)
    certificate = result.certificate
    assert certificate.holds
    assert (certificate.epsilon, certificate.delta) == (0.9, 0.2)
    assert (certificate.guarantee, certificate.error) == ("theoretical", "entrywise")
    assert certificate.n_validation == 0 and not certificate.quantiles
    np.testing.assert_allclose(result.path.pop("density"), [1, 1])
    np.testing.assert_array_equal(result.path.pop("chosen"), [False, True])
    assert np.isnan(list(result.path.values())).all()


def test_what_auto_stands_for():
    assert [default_error(c) for c in (True, False)] == ["probability", "scaled"]
    errors = [default_error(c, "theoretical") for c in (True, False)]
    assert errors == ["entrywise", "entrywise"]


def target(error="auto", epsilon=None, density=None, classifier=True):
    return target_of(
        error,
        epsilon,
        0.05,
        None,
        density,
        classifier=classifier,
        guarantee="conformal",
    )


def test_every_error_has_a_default_epsilon_or_asks_for_one():
    for name, kind in ERRORS.items():
        if kind.counts_rows:
            assert target(name).epsilon is None
        elif name == "absolute":
            with pytest.raises(ValueError, match="'absolute' has no default epsilon"):
                target(name)
            assert target(name, 0.5).epsilon == 0.5
            assert target(name, density=0.5).epsilon is None
        else:
            assert target(name).epsilon == kind.epsilon
    assert target().epsilon == 0.05
    assert target(classifier=False).epsilon == 0.1


@pytest.mark.parametrize("name", ["prediction", "classwise"])
def test_an_epsilon_that_plays_no_part_is_refused(name):
    with pytest.raises(
        ValueError, match=f"epsilon=0.1 plays no part with error='{name}'"
    ):
        target(name, 0.1)
    with pytest.raises(ValueError, match=r"epsilon=0.1 plays no part with density=0.2"):
        target(epsilon=0.1, density=0.2)


def test_no_plan_for_a_method_that_is_not_known():
    with pytest.raises(KeyError, match="fastest"):
        Plan("fastest", Target("absolute", 0.1))
    for name, method in METHODS.items():
        plan = Plan(name, Target("absolute", 0.1))
        assert (plan.refine, plan.prune_neurons) == (
            method.refines,
            method.prunes_neurons,
        )

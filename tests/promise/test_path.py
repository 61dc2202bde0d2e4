"""Which networks a path has, and where it begins to be fine."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from skcoreset import CoresetCompressor
from skcoreset._methods import RATIO, STEPS_PER_HALVING
from skcoreset._methods.calibration import choose_pilot_rows
from skcoreset._parallel import serial_map
from skcoreset._promise.path import first_step, path, path_edges, share_lost
from skcoreset._promise.target import Target
from skcoreset._training import steps_down

from ..conftest import may_collapse, random_network
from ..methods.common import plan_of

pytestmark = may_collapse


def begin(errors, target, groups=None, *, apart=1, together=1, tried=None):
    """Where a path begins whose networks have these errors, (n_steps, n_pilot)."""
    groups = np.zeros(errors.shape[1], np.intp) if groups is None else groups
    family = SimpleNamespace(
        steps=list(range(len(errors), 0, -1)),
        steps_apart=apart,
        steps_together=together,
        tries=tried is not None,
        pilot=SimpleNamespace(groups=groups),
        pilot_errors=lambda step: errors[step],
        tried_errors=lambda step: tried[step],
    )
    return first_step(family, target)


@pytest.fixture
def errors():
    rng = np.random.default_rng(0)
    return np.arange(40)[:, np.newaxis] / 40 * rng.gamma(5, 0.2, size=(40, 60))


@pytest.mark.parametrize("confidence", [None, 0.9])
def test_a_larger_epsilon_or_delta_never_begins_denser(errors, confidence):
    levels = np.linspace(0.02, 0.9, 12)
    first = np.array(
        [
            [begin(errors, Target("absolute", e, d, confidence)) for e in levels]
            for d in levels
        ]
    )
    assert (np.diff(first, axis=0) >= 0).all() and (np.diff(first, axis=1) >= 0).all()
    assert first.min() == 0 and first.max() > 30


@pytest.mark.parametrize("together", [1, 3])
def test_networks_that_are_tried_never_begin_denser_for_a_larger_epsilon_or_delta(
    errors, together
):
    rng = np.random.default_rng(1)
    tried = errors * rng.uniform(0.5, 1, errors.shape)
    levels = np.linspace(0.02, 0.9, 12)
    first, untried = (
        np.array(
            [
                [
                    begin(
                        errors, Target("absolute", e, d), tried=each, together=together
                    )
                    for e in levels
                ]
                for d in levels
            ]
        )
        for each in (tried, None)
    )
    assert (np.diff(first, axis=0) >= 0).all() and (np.diff(first, axis=1) >= 0).all()
    assert (first >= untried).all() and (first > untried).any()
    assert (first % together == 0).all()


def test_path_begins_at_the_last_network_that_pilot_rows_would_promise():
    errors = np.zeros((40, 60))
    errors[17:, :6] = 1
    assert begin(errors, Target("absolute", 0.5, 0.1)) == 16
    assert begin(errors, Target("absolute", 0.5, 0.1), together=3) == 15
    assert begin(errors, Target("absolute", 0.5, 0.1), apart=6) == 12
    assert begin(errors, Target("absolute", 0.5, 0.3)) == 39


@pytest.mark.parametrize("n_lost, passes", [(0, True), (3, True), (6, False)])
def test_a_standard_error_is_left_to_delta(n_lost, passes):
    # of 100 pilot rows, at delta=0.07: 3 are 4.0% + 1.9%, and 6 are 6.9% + 2.5%
    errors = np.zeros((40, 100))
    errors[:, :n_lost] = 1
    assert begin(errors, Target("absolute", 0.5, 0.07)) == (39 if passes else 0)


def test_two_networks_in_turn_may_not_lose_more():
    errors = np.zeros((40, 60))
    errors[20, :4] = errors[21:, 4:8] = 1
    # 4 rows of 60 are 8.2% + 3.5%; those of both are 14.8% + 4.6%
    assert begin(errors, Target("absolute", 0.5, 0.15)) == 20
    assert begin(errors, Target("absolute", 0.5, 0.2)) == 39


@pytest.mark.parametrize("confidence", [None, 0.9])
def test_a_row_that_is_kept_again_is_not_lost(confidence):
    errors = np.zeros((40, 60))
    errors[12, :4] = errors[20:, 4:8] = 1
    assert begin(errors, Target("absolute", 0.5, 0.15, confidence)) == 39


def test_every_class_that_has_pilot_rows_counts_by_itself():
    errors = np.zeros((40, 60))
    errors[20:, 50:57] = 1
    groups = np.repeat([0, 2], [50, 10])
    assert begin(errors, Target("classwise", delta=0.3), groups) == 19
    assert begin(errors, Target("prediction", delta=0.3)) == 39


def test_a_class_of_few_pilot_rows_is_not_taken_at_its_word():
    lost = np.zeros(520, bool)
    lost[:26] = True
    groups = np.repeat([0, 1, 2], [250, 250, 20])
    assert share_lost(lost, groups) < 0.15
    lost[-2:] = True  # 10% of the smallest class
    few = share_lost(lost, groups)
    lost[-2:] = False
    lost[:51] = True  # 20% of a large one
    assert few < share_lost(lost, groups)


def test_without_pilot_rows_a_path_is_fine_from_the_start():
    assert begin(np.zeros((40, 0)), Target("absolute", 0.1)) == 0
    assert begin(np.zeros((1, 5)), Target("absolute", 0.1)) == 0


def test_pilot_rows_are_some_of_every_group():
    groups = np.repeat([0, 1, 2, 3], [3, 40, 400, 20_000])
    chosen = choose_pilot_rows(groups, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(groups[chosen]), [0, 10, 80, 1000])


@pytest.mark.parametrize("n_edges", [1, 2, 30, 5000])
@pytest.mark.parametrize("n_per_step", [1, 2, 10])
def test_paths_are_nested_and_end_with_one_edge(n_edges, n_per_step):
    steps = steps_down(n_edges, RATIO)
    paths = [path_edges(steps, first, n_per_step) for first in range(len(steps))]
    for numbers in paths:
        assert all(more > fewer for more, fewer in pairwise([n_edges, *numbers]))
        assert numbers[-1:] == [1] * (n_edges > 1)
    for finer, coarser in pairwise(paths):
        assert set(coarser) <= set(finer)


def test_networks_halve_from_one_to_where_the_path_is_fine():
    steps = steps_down(5000, RATIO)
    for first in range(len(steps)):
        coarse = [n for n in path_edges(steps, first, 3) if n > steps[first]]
        assert coarse == steps[STEPS_PER_HALVING:first:STEPS_PER_HALVING]
        for n_edges, fewer in pairwise([5000, *coarse]):
            # numbers of edges are rounded down
            assert fewer > 0.5 * n_edges - STEPS_PER_HALVING


@pytest.mark.parametrize(
    "method, refine",
    [
        ("magnitude", False),
        ("corenet", False),
        ("corenet++", False),
        ("l1", True),
        ("refined", False),
        ("refined", True),
        ("neurons", False),
        ("neurons", True),
        ("pfp", False),
    ],
)
def test_a_path_that_begins_later_has_no_other_fine_networks(method, refine):
    network = random_network([4, 3, 2] if refine else [8, 12, 3])
    X = np.random.default_rng(1).normal(size=(60, len(network.coefs[0])))

    def numbers(epsilon):
        plan = plan_of(method, "absolute", epsilon=epsilon, delta=0.2, refine=refine)
        family = plan.method.open(network, X, plan, serial_map)
        return path(family, plan.target)

    earlier, later = numbers(0.1), numbers(3.0)
    assert earlier == sorted(set(earlier), reverse=True)
    if refine:
        assert set(later) < set(earlier)
        assert later[-1] == earlier[-1]
    else:
        # all are cheap to look at
        assert later == earlier


@pytest.mark.parametrize("method", ["refined", "magnitude"])
def test_a_larger_epsilon_or_delta_never_ends_denser(method, mlp, digits):
    X = digits[2]

    def density(**options):
        options |= {"method": method, "error": "relative", "random_state": 0}
        compressor = CoresetCompressor(mlp, **options)
        return compressor.fit(X).density_

    for name, values in (("epsilon", [0.2, 0.4, 0.8]), ("delta", [0.05, 0.1, 0.3])):
        given = {"epsilon": 0.4, "delta": 0.1}
        densities = [density(**given | {name: value}) for value in values]
        assert densities == sorted(densities, reverse=True)


def test_where_the_path_is_likely_to_end_is_printed(mlp, digits, capsys):
    compressor = CoresetCompressor(
        mlp,
        error="relative",
        epsilon=0.3,
        delta=0.1,
        prune_neurons=False,
        random_state=0,
        verbose=1,
    )
    compressor.fit(digits[2])
    lines = capsys.readouterr().out.splitlines()
    predicted, *others = [line for line in lines if "] step " not in line]
    if predicted.startswith("[skcoreset] density 1.0000"):
        predicted, *others = others
    assert predicted.startswith("[skcoreset] 125 pilot rows predict that the path ends")
    density = float(predicted.split("density ")[1].split(":")[0])
    assert len(others) <= int(predicted.split("at most ")[1].split(" ")[0])
    assert any(line.startswith(f"[skcoreset] density {density:.4f}") for line in others)
    assert density > compressor.density_ > density / 2

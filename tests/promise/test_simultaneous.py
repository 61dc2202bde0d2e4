"""Bounds that hold together: by exact arithmetic, and by simulation."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy.stats import beta, binom

from skcoreset._promise import simultaneous
from skcoreset._promise.judge import HeldOutRows
from skcoreset._promise.simultaneous import (
    SimultaneousBounds,
    chance_that_all_hold,
    upper_shares,
)
from skcoreset._promise.target import Target


def exact_chance(upper):
    """Chance that no bound fails, by recursion over the last one that does."""
    n = len(upper)
    # the j-th smallest uniform is below low[j] if the bound for n - j rows fails
    low = [None, *(1 - Fraction(share) for share in reversed(upper))]
    chance = [None] * n + [Fraction(1)]
    for j in reversed(range(n)):
        chance[j] = 1 - sum(
            comb(n - j, i) * low[j + i] ** i * chance[j + i]
            for i in range(1, n - j + 1)
        )
    return float(chance[0])


@pytest.mark.parametrize("n_rows", [1, 2, 3, 12])
def test_chance_of_a_band_is_exact(n_rows):
    rng = np.random.default_rng(n_rows)
    for _ in range(5):
        upper = np.sort(rng.random(n_rows)).tolist()
        found = chance_that_all_hold(dict(enumerate(upper)), n_rows)
        assert found == pytest.approx(exact_chance(upper), abs=1e-12)
    # some numbers of rows have no bound
    some = {k: upper[k] for k in range(0, n_rows, 2)}
    all_of_them = [some.get(k, some.get(k + 1, 1.0)) for k in range(n_rows)]
    assert chance_that_all_hold(some, n_rows) == pytest.approx(
        exact_chance(all_of_them), abs=1e-12
    )
    assert chance_that_all_hold({0: 1.0}, n_rows) == pytest.approx(1)
    assert chance_that_all_hold(dict.fromkeys(range(n_rows), 1e-9), n_rows) < 1e-6


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.9975])
def test_band_has_its_confidence_and_equal_local_levels(confidence):
    for n_rows in (1, 7, 30):
        upper = upper_shares(n_rows, confidence)
        assert upper[-1] == 1 and (np.diff(upper) > 0).all()
        assert exact_chance(upper[:-1].tolist()) == pytest.approx(confidence, abs=1e-5)
        assert exact_chance(upper[:-1].tolist()) >= confidence - 1e-9
        levels = binom.cdf(np.arange(n_rows), n_rows, upper[:-1])
        np.testing.assert_allclose(levels, levels[0], rtol=1e-6)
        # no tighter than one bound alone, and never DKW's
        alone = beta.ppf(confidence, 1, n_rows)
        assert upper[0] >= alone * (1 - 1e-9)


def test_band_of_many_rows_is_tight_at_small_shares():
    upper = upper_shares(400, 0.95)
    # what Dvoretzky, Kiefer and Wolfowitz add to every share
    added = np.sqrt(np.log(20) / 800)
    assert upper[4] < 0.01 + added / 2 and upper[20] < 0.05 + 0.75 * added


def test_coarse_levels_are_on_the_safe_side(monkeypatch):
    fine = upper_shares(300, 0.95)
    upper_shares.cache_clear()
    monkeypatch.setattr(simultaneous, "MOST_LEVELS", 60)
    coarse = upper_shares(300, 0.95)
    upper_shares.cache_clear()
    given = dict(enumerate(coarse[:-1].tolist()))
    assert chance_that_all_hold(given, 300) >= 0.95 - 1e-9
    assert coarse[-1] == 1 and (np.diff(coarse) >= 0).all()
    # fewer bounds are tighter where they are, and up to one level too large elsewhere
    assert coarse[0] < fine[0] and (coarse < 1.05 * fine + 0.02).all()


@pytest.mark.slow
def test_band_by_simulation():
    rng = np.random.default_rng(0)
    upper = upper_shares(135, 0.9)
    errors = np.sort(rng.random((20_000, 135)), axis=1)[:, ::-1]
    # the share over an epsilon just above the k-th largest error
    kept = (1 - errors <= upper[:-1]).all(axis=1).sum()
    assert binom.cdf(kept, 20_000, 0.9) > 0.01
    assert binom.sf(kept, 20_000, 0.9) > 0.01


def bounds_of(error, n_networks=4, groups=(0, 0), classes=(), delta=0.05):
    rows = HeldOutRows(np.array(groups), classes)
    return SimultaneousBounds(rows, Target(error, 0.1, delta, 0.95), n_networks)


def test_confidence_is_divided_over_networks_and_classes():
    assert bounds_of("relative").confidence == pytest.approx(1 - 0.05 / 4)
    classwise = bounds_of("classwise", groups=(0, 2, 2, 0), classes=range(4))
    assert classwise.confidence == pytest.approx(1 - 0.05 / 8)
    lost = np.array([True, False, False, False])
    # one share and no epsilon: Clopper and Pearson, of the worse class
    expected = beta.ppf(1 - 0.05 / 8, 2, 1)
    assert classwise.upper_share(lost) == pytest.approx(expected)


def test_too_few_rows_are_refused_with_how_many_it_takes():
    for error, groups, classes in (
        ("relative", np.zeros(135, int), ()),
        ("prediction", np.zeros(60, int), ()),
        ("classwise", np.arange(120) % 3, "abc"),
    ):
        bounds = bounds_of(error, 20, groups, classes)
        with pytest.raises(ValueError, match="promised of 20 networks") as raised:
            bounds.check_n_rows()
        needed = int(str(raised.value).split("at least ")[1].split()[0])
        assert bounds.upper(needed)[0] <= 0.05 < bounds.upper(needed - 1)[0]
        n_groups = max(1, len(classes))
        enough = np.arange(n_groups * needed) % n_groups
        bounds_of(error, 20, enough, classes).check_n_rows()


@pytest.mark.parametrize("error", ["absolute", "prediction"])
def test_all_bounds_hold_together_as_often_as_they_say(error):
    rng = np.random.default_rng(0)
    n_networks, n_rows, n_draws = 5, 80, 200
    growth = np.linspace(0.5, 2, n_networks)[:, np.newaxis]
    bounds = bounds_of(error, n_networks, np.zeros(n_rows, int), delta=0.5)
    upper = bounds.upper(n_rows)
    broken = 0
    for _ in range(n_draws):
        # networks that err alike, by exponential errors
        shared = rng.exponential(size=n_rows)
        errors = growth * (shared + 0.3 * rng.exponential(size=(n_networks, n_rows)))
        if error == "prediction":
            share = 0.05 * growth.ravel()
            n_lost = (rng.random(n_rows) < share[:, np.newaxis]).sum(axis=1)
            broken += (upper[n_lost] < share).any()
            continue
        # just below each error, where the bound is tightest
        order = np.sort(errors, axis=1)
        scaled = order / growth
        share = (np.exp(-scaled) - 0.3 * np.exp(-scaled / 0.3)) / 0.7
        n_over = n_rows - 1 - np.arange(n_rows)
        broken += (upper[n_over] < share).any()
    assert binom.sf(broken - 1, n_draws, 0.05) > 0.01

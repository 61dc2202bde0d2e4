"""Evidence: against integration, and its chance of a false alarm."""

import json
from math import log

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import binom

from skcoreset._promise.evidence import ROWS_BETWEEN_STARTS, Evidence, Mixture

ALPHA = 0.05


def log_e_of_mixture(mixture, n_rows, n_lost):
    counts = np.atleast_1d(n_rows), np.atleast_1d(n_lost)
    return logsumexp(mixture.log_prior + mixture.log_ratios(*counts), axis=1)


def integral(n_rows, n_lost, delta):
    """Log E-value with the prior beta(2, (1 - delta) / delta) above delta."""
    # on the log scale of the distance from delta both integrands are smooth
    u = np.linspace(np.log(1e-12), 0, 20_001)[:-1]
    p = delta + (1 - delta) * np.exp(u)
    prior = np.log(p) + ((1 - delta) / delta - 1) * np.log1p(-p) + u
    ratio = n_lost * np.log(p / delta)
    ratio += (n_rows - n_lost) * np.log((1 - p) / (1 - delta))
    return logsumexp(prior + ratio) - logsumexp(prior)


@pytest.mark.parametrize("delta", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("n_rows", [1, 40, 1000, 100_000])
def test_a_mixture_is_the_integral(n_rows, delta):
    mixture = Mixture(delta)
    for share in (0, 0.2 * delta, delta, 1.2 * delta, 2 * delta, 1):
        n_lost = round(share * n_rows)
        expected = integral(n_rows, n_lost, delta)
        found = log_e_of_mixture(mixture, n_rows, n_lost).item()
        # a coarse sum may only be less evidence, and not by much
        tolerance = 0.001 if expected < 20 else 0.01 * expected
        assert found == pytest.approx(expected, abs=tolerance)


def test_the_integral_by_adaptive_quadrature():
    delta, n_rows, n_lost = 0.05, 60, 7

    def prior(p):
        return p * (1 - p) ** 18

    def ratio(p):
        return (p / delta) ** n_lost * ((1 - p) / (1 - delta)) ** (n_rows - n_lost)

    total, _ = quad(lambda p: prior(p) * ratio(p), delta, 1, epsabs=0)
    expected = log(total / quad(prior, delta, 1, epsabs=0)[0])
    assert integral(n_rows, n_lost, delta) == pytest.approx(expected, abs=1e-4)


def by_definition(lost, delta):
    """Log E-value after the last row: every mixture by itself."""
    mixture = Mixture(delta)
    starts = range(0, len(lost), ROWS_BETWEEN_STARTS)
    waiting = 1 / (1 + np.log1p(np.arange(len(starts) + 1)))
    terms = [log(waiting[-1])]
    for start, weight in zip(starts, waiting[:-1] - waiting[1:]):
        after = lost[start:]
        log_e = log_e_of_mixture(mixture, len(after), after.sum()).item()
        terms.append(log(weight) + log_e)
    return logsumexp(terms)


@pytest.mark.parametrize("delta", [1e-3, 0.05, 0.9])
def test_evidence_is_the_weighted_sum_of_its_mixtures(delta):
    rng = np.random.default_rng(0)
    lost = rng.random(730) < delta
    lost[500:] |= rng.random(230) < 0.1
    log_e = Evidence(delta).update(lost)
    for n_rows in (1, 2, 99, 100, 101, 250, 600, 730):
        expected = by_definition(lost[:n_rows], delta)
        assert log_e[n_rows - 1] == pytest.approx(expected, abs=1e-9)


def test_evidence_does_not_depend_on_batches_nor_on_a_saved_state():
    lost = np.random.default_rng(0).random(1030) < 0.08
    at_once = Evidence(0.05).update(lost)
    for ends in ([], [1, 2, 300, 300, 457], range(0, 1030, 7)):
        evidence, log_e = Evidence(0.05), []
        for batch in np.split(lost, ends):
            log_e.append(evidence.update(batch))
            state = json.dumps(evidence.get_state(), allow_nan=False)
            evidence = Evidence.from_state(json.loads(state))
        np.testing.assert_array_equal(np.concatenate(log_e), at_once)
        assert (evidence.n_rows, evidence.n_lost) == (1030, lost.sum())


def test_long_good_streams_do_not_underflow():
    lost = np.arange(100_000) % 100 == 0
    log_e = Evidence(0.05).update(lost)
    assert np.isfinite(log_e).all() and log_e[-1] < 0
    # after which a change is noticed as soon as ever
    evidence = Evidence(0.05)
    evidence.update(lost)
    assert evidence.update(np.ones(20, dtype=bool))[-1] > log(1 / ALPHA)


def chance_of_an_alarm(delta, share, max_rows):
    """Exact chance that one mixture reaches 1 / ALPHA, over numbers of lost rows."""
    mixture = Mixture(delta)
    # chances of each number of lost rows without an alarm so far
    chances = np.ones(1)
    for n_rows in range(1, max_rows + 1):
        chances = np.convolve(chances, [1 - share, share])
        # more rows than that are not lost: what is cut off counts as an alarm
        chances = chances[: int(binom.isf(1e-9, max_rows, share))]
        n_lost = np.arange(len(chances))
        ceiling = log(1 / ALPHA)
        counts = np.full(len(chances), n_rows), n_lost
        # evidence grows with the lost rows
        first = np.searchsorted(log_e_of_mixture(mixture, *counts), ceiling)
        chances = chances[:first]
    return 1 - chances.sum()


@pytest.mark.slow
def test_exact_chance_of_a_false_alarm_is_at_most_alpha():
    for delta in (0.01, 0.05, 0.2):
        assert 0.01 < chance_of_an_alarm(delta, delta, 3000) <= ALPHA
        assert chance_of_an_alarm(delta, 2 * delta, 3000) > 0.5


def alarms(delta, lost):
    """Rows at which streams of lost rows alarm; their length where they do not."""
    over = np.array([Evidence(delta).update(row) for row in lost]) >= log(1 / ALPHA)
    return np.where(over.any(axis=1), over.argmax(axis=1) + 1, lost.shape[1])


@pytest.mark.parametrize("n_streams", [50, pytest.param(2000, marks=pytest.mark.slow)])
def test_few_streams_at_delta_alarm(n_streams):
    delta = 0.05
    lost = np.random.default_rng(0).random((n_streams, 3000)) < delta
    n_alarms = (alarms(delta, lost) < 3000).sum()
    # were the chance ALPHA, more than that would be seen in 1 of 1,000 tests
    assert n_alarms <= binom.isf(1e-3, n_streams, ALPHA)


@pytest.mark.parametrize(
    "n_good, share_before, within",
    [
        (0, 0.05, 500),
        (500, 0.05, 1200),
        pytest.param(500, 0.035, 1200, marks=pytest.mark.slow),
        pytest.param(2000, 0.05, 1200, marks=pytest.mark.slow),
        pytest.param(2000, 0.035, 1200, marks=pytest.mark.slow),
        pytest.param(10_000, 0.05, 1200, marks=pytest.mark.slow),
        pytest.param(10_000, 0.035, 1200, marks=pytest.mark.slow),
    ],
)
def test_doubled_share_is_noticed_in_nine_of_ten_streams(n_good, share_before, within):
    rng = np.random.default_rng(0)
    n_streams, n_rows = 60, n_good + 100 + within
    # averaged over where the change falls between two starts
    change = n_good + rng.integers(100, size=n_streams) * (n_good > 0)
    is_after = np.arange(n_rows) >= change[:, np.newaxis]
    share = np.where(is_after, 0.10, share_before)
    lost = rng.random((n_streams, n_rows)) < share
    delay = alarms(0.05, lost) - change
    assert (delay <= within).mean() >= 0.9

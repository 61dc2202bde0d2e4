"""How soon a monitor notices, and how often it alarms without a cause.

python tests/benchmarks/monitor.py [number of streams]

Prints the tables of the user guide at delta = 0.05; three minutes at 2,000 streams, on
one core.
"""

import sys
from math import log

import numpy as np

from skcoreset._promise.evidence import Evidence

DELTA, ALPHA = 0.05, 0.05


def first_alarms(lost):
    """Row of the first alarm of each stream, or more than there are."""
    first = np.full(len(lost), lost.shape[1] + 1)
    for i, row in enumerate(lost):
        (over,) = np.nonzero(Evidence(DELTA).update(row) >= log(1 / ALPHA))
        if len(over):
            first[i] = over[0] + 1
    return first


def false_alarms(n_streams, rng):
    print("share lost  alarms within 3,000 rows (%)")
    for share in (0.035, 0.045, 0.05):
        lost = rng.random((n_streams, 3000)) < share
        print(f"{share:10.3f}  {100 * (first_alarms(lost) <= 3000).mean():.1f}")


def noticing(n_streams, rng):
    print("before  after  good rows  noticed (%) within  median and 90% of the delays")
    for n_good, before, after, within in (
        (0, 0.05, 0.1, 500),
        (500, 0.05, 0.1, 1200),
        (500, 0.035, 0.1, 1200),
        (2000, 0.05, 0.1, 1200),
        (2000, 0.035, 0.1, 1200),
        (10_000, 0.05, 0.1, 1200),
        (10_000, 0.035, 0.1, 1200),
        (100_000, 0.035, 0.1, 2000),
        (2000, 0.035, 0.075, 5000),
        (2000, 0.035, 0.25, 200),
    ):
        n_here = min(n_streams, 10_000_000 // (n_good + 1))
        n_rows = n_good + 100 + 2 * within
        change = n_good + rng.integers(100, size=n_here) * (n_good > 0)
        share = np.where(np.arange(n_rows) >= change[:, np.newaxis], after, before)
        first = first_alarms(rng.random((n_here, n_rows)) < share)
        delay = (first - change)[first > change]
        middle, late = np.quantile(delay, (0.5, 0.9), method="higher")
        print(
            f"{before:6.3f}  {after:5.3f}  {n_good:9d}  "
            f"{100 * (delay <= within).mean():9.1f} {within:8d}  {middle:6d} {late:6d}"
        )


def on_average(n_streams, rng):
    """Monitors of networks that were chosen on average, on unchanged streams."""
    # each network loses what the one before lost, and 5% more
    shares = 0.005 * 1.05 ** np.arange(80)
    print("held-out rows  above delta (%)  alarms by 5,000 rows (%)")
    for n_rows in (100, 300, 1000, 3000):
        ranks = np.sort(rng.random((n_streams, n_rows)), axis=1)
        counts = np.array([np.searchsorted(row, shares) for row in ranks])
        allowed = (counts + 1) / (n_rows + 1) <= DELTA
        chosen = np.where(allowed, shares, 0).max(axis=1)
        lost = rng.random((n_streams, 5000)) < chosen[:, np.newaxis]
        print(
            f"{n_rows:13d}  {100 * (chosen > DELTA).mean():15.1f}  "
            f"{100 * (first_alarms(lost) <= 5000).mean():.1f}"
        )


def main():
    n_streams = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng = np.random.default_rng(0)
    for table in (false_alarms, noticing, on_average):
        table(n_streams, rng)


if __name__ == "__main__":
    main()

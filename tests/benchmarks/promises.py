"""What a promise costs: skcoreset beside other ways to promise the same.

python tests/benchmarks/promises.py [number of networks] [draws of held-out rows]

Asked is that no predicted probability of a handwritten digit moves by more than 0.05 on
at least 95% of new rows. Everyone chooses from networks that were made on the same
calibration rows, by the same held-out rows: drawn many times, with replacement, from
697 rows that nobody has seen, and the true shares are those of all 697. Prints the
table of the user guide; two minutes with 5 networks, on one core.

- *Refined, on average*, and *with confidence*: skcoreset by default, and with 0.95.
- *Refined, 18 at once*: the sparsest of 18 networks that are bounded together.
- *Confident magnitude pruning* (Alvarez 2024, arXiv 2408.04759): networks of the
  largest weights, tested in their order (Learn then Test) with confidence 0.95.
- *Plain conformal risk control* on the refined path: the sparsest network whose own
  risk is small enough, though risks are not monotone.
- *Test set*: half of the held-out rows choose the sparsest refined network that loses
  at most delta of them, the other half test it with confidence 0.95.
"""

import sys
import time
import warnings

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset._compress import Finish
from skcoreset._errors import ERRORS
from skcoreset._methods import n_edges_at
from skcoreset._parallel import threads
from skcoreset._path_promises import DENSITIES
from skcoreset._plan import Plan
from skcoreset._promise.judge import HeldOutRows
from skcoreset._promise.path import path
from skcoreset._promise.rules import OnAverage, WithConfidence
from skcoreset._promise.simultaneous import SimultaneousBounds
from skcoreset._promise.target import Target
from skcoreset._wrapped import network_of

EPSILON, DELTA, CONFIDENCE = 0.05, 0.05, 0.95
N_HELD_OUT = 500


def data(seed):
    """Digits: rows to train on, to calibrate on, and a population of all others."""
    X, y = load_digits(return_X_y=True)
    X_train, X, y_train, _ = train_test_split(
        X / 16, y, train_size=700, random_state=seed
    )
    return X_train, y_train, X[:400], X[400:]


class Path:
    """Densities of the networks of a method, and which rows each of them loses."""

    def __init__(self, network, X, X_all, method, densities=None):
        target = Target("probability", EPSILON, DELTA)
        plan = Plan(method, target)
        with threads(None) as thread_map:
            family = plan.method.open(network, X, plan, thread_map)
            finish = Finish(network, X, plan, thread_map)
            if densities is None:
                counts = path(family, target)
            else:
                counts = [n_edges_at(d, network.n_edges) for d in densities]
            networks = [finish(family.at(n_edges)) for n_edges in counts]
        F, measure = network.forward(X_all), ERRORS["probability"].measure
        self.density = np.array([each.n_edges / network.n_edges for each in networks])
        self.lost = np.array(
            [
                target.lost(measure(each.forward(X_all), F, network.out_activation))
                for each in networks
            ]
        )


def stop_at_first_failure(lost, rule):
    """Number of the network that is chosen; -1 is the original."""
    chosen, before = -1, np.zeros(lost.shape[1], dtype=bool)
    for i, here in enumerate(lost):
        if not rule.allows(rule.counted(here, before).sum(), len(here)):
            break
        chosen, before = i, here
    return chosen


def with_confidence(lost):
    return stop_at_first_failure(lost, WithConfidence(DELTA, CONFIDENCE))


def on_average(lost):
    return stop_at_first_failure(lost, OnAverage(DELTA))


def plain_risk_control(lost):
    passing = (lost.sum(axis=1) + 1) / (lost.shape[1] + 1) <= DELTA
    return np.flatnonzero(passing)[-1] if passing.any() else -1


def all_at_once(lost):
    rows = HeldOutRows(np.zeros(lost.shape[1], dtype=np.intp))
    target = Target("probability", EPSILON, DELTA, CONFIDENCE)
    bounds = SimultaneousBounds(rows, target, len(lost))
    passing = [i for i, here in enumerate(lost) if bounds.upper_share(here) <= DELTA]
    return passing[-1] if passing else -1


def test_set(lost):
    first, second = np.array_split(lost, 2, axis=1)
    passing = np.flatnonzero(first.mean(axis=1) <= DELTA)
    if not len(passing):
        return -1
    chosen = passing[-1]
    rule = WithConfidence(DELTA, CONFIDENCE)
    return chosen if rule.allows(second[chosen].sum(), second.shape[1]) else -1


CHOICES = {
    "Refined, on average": ("refined", on_average),
    "Refined, with confidence": ("refined", with_confidence),
    "Refined, 18 at once": ("refined at 18", all_at_once),
    "Confident magnitude pruning": ("magnitude", with_confidence),
    "Plain conformal risk control": ("refined", plain_risk_control),
    "Test set": ("refined", test_set),
}


def main():
    n_networks = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    n_draws = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    warnings.simplefilter("ignore", ConvergenceWarning)
    start = time.perf_counter()
    seen = {name: [] for name in CHOICES}
    for seed in range(n_networks):
        X_train, y_train, X, X_all = data(seed)
        mlp = MLPClassifier((100,), max_iter=300, random_state=seed)
        network = network_of(mlp.fit(X_train, y_train))
        paths = {
            "refined": Path(network, X, X_all, "refined"),
            "refined at 18": Path(network, X, X_all, "refined", DENSITIES),
            "magnitude": Path(network, X, X_all, "magnitude"),
        }
        rng = np.random.default_rng(seed)
        for _ in range(n_draws):
            rows = rng.integers(len(X_all), size=N_HELD_OUT)
            for name, (which, choose) in CHOICES.items():
                here = paths[which]
                chosen = choose(here.lost[:, rows])
                density = here.density[chosen] if chosen >= 0 else 1.0
                share = here.lost[chosen].mean() if chosen >= 0 else 0.0
                seen[name].append((density, share))
        print(f"network {seed + 1} of {n_networks}", file=sys.stderr, flush=True)
    print("                              density  lost (%)  over delta (%)  none (%)")
    for name, values in seen.items():
        density, share = np.transpose(values)
        print(
            f"{name:29} {density.mean():8.3f} {100 * share.mean():9.2f} "
            f"{100 * (share > DELTA).mean():15.1f} {100 * (density == 1).mean():9.1f}"
        )
    print(
        f"{n_networks} networks, {n_draws} draws of {N_HELD_OUT} held-out rows, "
        f"{time.perf_counter() - start:.0f} s"
    )


if __name__ == "__main__":
    main()

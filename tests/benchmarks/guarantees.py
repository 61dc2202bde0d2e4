"""How often promises are broken, beside how often they may be.

python tests/benchmarks/guarantees.py [number of draws]

Small networks, with random weights or trained on random labels; paths of every method,
as the compressor makes them; and many draws of held-out rows from populations in which
the true shares are known. Prints the table of the user guide; about six minutes at 100
draws, on one core.
"""

import sys
import time
import warnings
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.stats import beta, t
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skcoreset._compress import Finish
from skcoreset._errors import ERRORS
from skcoreset._methods import METHODS, n_edges_at
from skcoreset._network import Network
from skcoreset._parallel import threads
from skcoreset._plan import Plan
from skcoreset._promise.judge import Judge
from skcoreset._promise.path import path
from skcoreset._promise.simultaneous import SimultaneousBounds
from skcoreset._promise.target import Target
from skcoreset._wrapped import network_of

N_POPULATION = 2000
CONFIDENCE = 0.8

# Networks of a path that are bounded together.
N_TOGETHER = 10

# Number of held-out rows, None being the fewest of which anything can be promised;
# delta; number of distinct rows of the population, of which few make atoms and ties;
# and whether the network was trained, on random labels.
PROBLEMS = [
    (100, 0.1, N_POPULATION, False),
    (40, 0.2, 40, False),
    (None, 0.2, N_POPULATION, False),
    (200, 0.05, N_POPULATION, True),
]

# Chance that any of the cells of the table is outside, were all promises just kept.
LEVEL = 0.05


class Seen:
    """A network's outputs on the population, looked up by the numbers of rows."""

    def __init__(self, network, population):
        self.F = network.forward(population)
        self.n_edges = network.n_edges
        self.widths = network.widths
        self.out_activation = network.out_activation
        self.labels = network.labels

    def forward(self, rows, *, thread_map=None):
        return self.F[rows]


class Problem:
    """A population, and the networks of a path as they are seen on it.

    Parameters
    ----------
    out_activation : {"softmax", "identity"}

    method : str

    error : str
        What refinement keeps small.

    delta : float

    density : float or None
        Where one network alone is asked for.

    n_distinct : int
        Distinct rows of the population.

    trained : bool

    seed : int
    """

    def __init__(
        self, out_activation, method, error, delta, density, n_distinct, trained, seed
    ):
        rng = np.random.default_rng(seed)
        make = trained_network if trained else random_network
        network = make(rng, out_activation)
        S = rng.standard_normal((60, 5))
        population = rng.standard_normal((n_distinct, 5))
        if n_distinct < N_POPULATION:
            # some of them far more often than others
            of = (n_distinct * rng.random(N_POPULATION) ** 3).astype(int)
            population = population[of]
        self.out_activation = out_activation
        self.scale = ERRORS["scaled"].scale_of(network, S)
        self._errors = {}

        def networks_at(epsilon):
            plan = Plan(method, Target(error, epsilon, delta), density=density)
            return [network, *path_of(network, S, plan)]

        # fine all the way; then as it is for an error that it reaches
        networks = networks_at(0.0)
        self.on_S = [networks[i].forward(S) for i in (len(networks) // 3, 0)]
        if METHODS[method].refines and density is None:
            networks = networks_at(self.epsilon(error))
        self.original, *self.path = (Seen(each, population) for each in networks)
        self.labels = self.original.labels(self.original.F)[:, 0].astype(int)

    def measure(self, error, F_hat, F):
        return ERRORS[error].measure(F_hat, F, self.out_activation, self.scale)

    def errors(self, error, network):
        """True errors of a network, on all of the population."""
        if (error, network) not in self._errors:
            errors = self.measure(error, network.F, self.original.F)
            self._errors[error, network] = errors
        return self._errors[error, network]

    def epsilon(self, error):
        """An error that the path reaches on its way, whatever is held out."""
        return max(np.quantile(self.measure(error, *self.on_S), 0.8), 1e-9)

    def groups(self, error):
        """Numbers of the rows that count together."""
        labels = self.labels if ERRORS[error].by_class else 0 * self.labels
        return [np.flatnonzero(labels == label) for label in np.unique(labels)]


@lru_cache(None)
def problem_of(*parameters):
    return Problem(*parameters)


def random_network(rng, out_activation):
    shapes = [(5, 7), (7, 3)]
    return Network(
        tuple(rng.standard_normal(shape) for shape in shapes),
        tuple(0.3 * rng.standard_normal(shape[1]) for shape in shapes),
        "relu",
        out_activation,
    )


def trained_network(rng, out_activation):
    """A network that has learned labels that mean nothing."""
    X, y = rng.standard_normal((90, 5)), rng.standard_normal((90, 3))
    make = MLPRegressor
    if out_activation == "softmax":
        make, y = MLPClassifier, y.argmax(axis=1)
    mlp = make(hidden_layer_sizes=(7,), solver="lbfgs", max_iter=100, random_state=0)
    return network_of(mlp.fit(X, y))


def path_of(network, S, plan):
    """The networks of a path, or the one of a density, as `fit` makes them."""
    with threads(None) as thread_map:
        family = plan.method.open(network, S, plan, thread_map)
        finish = Finish(network, S, plan, thread_map)
        if plan.density is not None:
            return [finish(family.at(n_edges_at(plan.density, network.n_edges)))]
        bare = [family.at(n_edges) for n_edges in path(family, plan.target)]
        return [
            finish(each)
            for before, each in pairwise([network, *bare])
            if not each.equals(before)
        ]


class Cell:
    """Counts of broken promises, or true shares, against what may be.

    Parameters
    ----------
    values : ndarray of shape (n_draws,)
        0 and 1, or shares.

    allowed : float
        Largest mean that keeps the promise.
    """

    def __init__(self, values, allowed):
        self.values, self.allowed = np.asarray(values, float), allowed
        self.mean = self.values.mean()

    def lower(self, level):
        """Lower end of an interval for the mean, at a level."""
        n = len(self.values)
        if np.isin(self.values, (0, 1)).all():
            return np.nan_to_num(
                beta.ppf(level, self.values.sum(), n + 1 - n * self.mean)
            )
        return self.mean - t.isf(level, n - 1) * self.values.std(ddof=1) / np.sqrt(n)


def simulate(problem, target, density, n_rows, n_draws, rng):
    """Yield the cells of one problem: of each group on average, else of all."""
    groups = problem.groups(target.error)
    plan = Plan("magnitude", target, density=density, classes=range(3))
    shares = []
    for _ in range(n_draws):
        # so many rows of each group
        rows = np.concatenate([rng.choice(group, n_rows) for group in groups])
        judge = Judge(problem.original, np.arange(10), rows, plan)
        judge.scale = problem.scale if target.error == "scaled" else None
        if density is None:
            chosen, reached = choose(judge, problem.path), target
        else:
            (chosen,) = problem.path
            reached = judge.rows.completed(open_target(target), judge.errors(chosen))
        lost = reached.lost(problem.errors(target.error, chosen))
        of_groups = np.array([lost[group].mean() for group in groups])
        shares.append(
            of_groups
            if target.confidence is None
            else [of_groups.max() > reached.delta]
        )
    allowed = target.delta if target.confidence is None else 1 - target.confidence
    for values in np.transpose(shares):
        yield Cell(values, allowed)


def choose(judge, path):
    """The loop of `compress`."""
    chosen = judge.original()
    for network in path:
        verdict = judge(network, after=chosen)
        if not verdict.passes:
            break
        chosen = verdict
    return chosen.network


def open_target(target):
    """What is to be found where a density is asked for."""
    if target.kind.counts_rows:
        return Target(target.error, None, None, target.confidence)
    return Target(target.error, None, target.delta, target.confidence)


def simulate_together(problem, target, n_rows, n_draws, rng):
    """The cell of bounds for several networks, and all epsilons, at once."""
    (group,) = problem.groups(target.error)
    steps = np.linspace(0, len(problem.path) - 1, N_TOGETHER).astype(int)
    errors = [problem.errors(target.error, problem.path[i]) for i in np.unique(steps)]
    plan = Plan("magnitude", target, classes=range(3))
    broken = []
    for _ in range(n_draws):
        rows = rng.choice(group, n_rows)
        judge = Judge(problem.original, np.arange(10), rows, plan)
        bounds = SimultaneousBounds(judge.rows, target, len(errors))
        upper = bounds.upper(n_rows)
        broken.append(any(fails(upper, each, each[rows], target) for each in errors))
    yield Cell(broken, 1 - target.confidence)


def fails(upper, errors, held_out, target):
    """Whether the true share is above its bound, at any epsilon."""
    if target.kind.counts_rows:
        return errors.mean() > upper[int(held_out.sum())]
    # a bound is tightest just below an error that was seen
    held_out, errors = np.sort(held_out), np.sort(errors)
    n_over = len(held_out) - np.searchsorted(held_out, errors, side="left")
    n_over_just_above = len(held_out) - np.searchsorted(held_out, errors, side="right")
    share = 1 - np.searchsorted(errors, errors, side="left") / len(errors)
    share_just_above = 1 - np.searchsorted(errors, errors, side="right") / len(errors)
    return (share > upper[n_over]).any() or (
        share_just_above > upper[n_over_just_above]
    ).any()


def cells(error, confidence, asked, n_draws):
    """Yield the cells of each problem and method."""
    density = 0.5 if asked == "density" else None
    for seed, (n_rows, delta, n_distinct, trained) in enumerate(PROBLEMS):
        for name, method in METHODS.items():
            problem = problem_of(
                "softmax" if ERRORS[error].classifiers else "identity",
                name,
                error if method.refines else "absolute",
                delta,
                density,
                n_distinct,
                trained,
                seed,
            )
            counts_rows = ERRORS[error].counts_rows
            epsilon = None if counts_rows else problem.epsilon(error)
            target = Target(error, epsilon, delta, confidence)
            rng = np.random.default_rng(seed)
            n_held_out = n_rows or target.rule.n_needed
            if asked == "all at once":
                yield from simulate_together(problem, target, n_held_out, n_draws, rng)
            else:
                yield from simulate(problem, target, density, n_held_out, n_draws, rng)


def main():
    n_draws = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    table = []
    for name, error in ERRORS.items():
        for confidence, asked in (
            (None, "epsilon"),
            (None, "density"),
            (CONFIDENCE, "epsilon"),
            (CONFIDENCE, "density"),
            (CONFIDENCE, "all at once"),
        ):
            if asked == "density" and confidence is None and error.counts_rows:
                continue  # nothing is promised
            if asked == "all at once" and error.by_class:
                continue
            found = list(cells(name, confidence, asked, n_draws))
            table.append((name, confidence, asked, found))
            print(".", end="", flush=True, file=sys.stderr)
    n_cells = sum(len(found) for *_, found in table)
    print(HEAD)
    for name, confidence, asked, found in table:
        worst = max(found, key=lambda cell: cell.mean / cell.allowed)
        allowed = np.mean([cell.allowed for cell in found])
        mean = np.mean([cell.mean for cell in found])
        n_outside = sum(cell.lower(LEVEL / n_cells) > cell.allowed for cell in found)
        promise = "on average" if confidence is None else "this network"
        asked = f"`{asked}`" if asked != "all at once" else asked
        promise = f"{promise}, {asked}" if "`" in asked else "10 networks at once"
        for column, cell in enumerate(
            [
                f'`"{name}"`',
                promise,
                f"{100 * mean:.1f} of {100 * allowed:.1f}",
                f"{100 * worst.mean:.1f} of {100 * worst.allowed:.0f}",
                f"{n_outside} of {len(found)}",
            ]
        ):
            print("     -" if column else "   * -", cell)
    seconds = time.perf_counter() - start
    print(f"\n{n_cells} cells of {n_draws} draws in {seconds:.0f} s")


HEAD = """
.. list-table:: Broken promises and lost rows (%), "of" as many as may be
   :header-rows: 1
   :widths: 18 30 18 18 16

   * - `error`
     - Promise, and what was asked
     - Mean of the cells
     - Worst cell
     - Outside"""


if __name__ == "__main__":
    main()

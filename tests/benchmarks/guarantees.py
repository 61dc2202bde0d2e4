"""How often promises are broken, beside how often they may be.

python tests/benchmarks/guarantees.py [number of draws]

Small networks with random weights, paths of every method as the compressor makes them,
and many draws of held-out rows from populations of which the true shares are known.
Prints the table of the user guide; one to two minutes at 100 draws, on one core.
"""

import sys
import time
import warnings
from functools import lru_cache

import numpy as np
from scipy.stats import beta
from skcoreset._promise.guarantees import GUARANTEES, Target, Validation

from skcoreset._errors import ERRORS, spread
from skcoreset._memory import compute
from skcoreset._methods import METHODS
from skcoreset._network import Network
from skcoreset._network.neurons import remove_neurons

N_POPULATION = 1000
CONFIDENCE = 0.8

# Number of held-out rows, None being the fewest of which anything can be promised;
# delta; number of distinct rows of the population, of which few make atoms and ties.
PROBLEMS = [(100, 0.1, N_POPULATION), (40, 0.2, 40), (None, 0.2, N_POPULATION)]

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

    seed : int
    """

    def __init__(self, out_activation, method, error, delta, density, n_distinct, seed):
        rng = np.random.default_rng(seed)
        network = random_network(rng, out_activation)
        S = rng.standard_normal((60, 5))
        population = rng.standard_normal((n_distinct, 5))
        if n_distinct < N_POPULATION:
            # some of them far more often than others
            of = (n_distinct * rng.random(N_POPULATION) ** 3).astype(int)
            population = population[of]
        self.out_activation = out_activation
        self.scale = spread(network.forward(S))

        def path(epsilon):
            target = Target(error, epsilon, delta, density=density)
            return path_of(METHODS[method], network, S, target, self.scale)

        # fine all the way; then as it is for an error that it reaches
        networks = [network, *path(0.0)]
        self.on_S = [networks[i].forward(S) for i in (len(networks) // 3, 0)]
        if METHODS[method].refines and density is None:
            networks = [network, *path(self.epsilon(error))]
        self.original, *self.path = (Seen(each, population) for each in networks)
        self.labels = self.original.labels(self.original.F)[:, 0].astype(int)

    def measure(self, error, F_hat, F):
        return ERRORS[error].measure(F_hat, F, self.out_activation, self.scale)

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


def path_of(method, network, S, target, scale):
    path = GUARANTEES["conformal"].path(
        method,
        network,
        S,
        target,
        scale=scale,
        refine=method.refines,
        recall=compute,
        rng=np.random.default_rng(0),
        n_jobs=None,
    )
    if method.prunes_neurons:
        path = (remove_neurons(compressed, S) for compressed in path)
    return list(path)


def simulate(problem, target, n_rows, n_draws, rng):
    """Count broken promises: of each group on average, or of any with confidence."""
    groups = problem.groups(target.error)
    scale = problem.scale if target.error == "scaled" else None
    errors = {}
    broken = 0
    for _ in range(n_draws):
        # so many rows of each group
        rows = np.concatenate([rng.choice(group, n_rows) for group in groups])
        validation = Validation(problem.original, rows, target, scale=scale)
        if target.density is None:
            chosen, certificate, _ = validation.choose(problem.path)
        else:
            chosen, certificate, _ = validation.measure(*problem.path)
        assert certificate.holds
        if chosen not in errors:
            F = problem.original.F
            errors[chosen] = problem.measure(target.error, chosen.F, F)
        lost = errors[chosen] > certificate.epsilon
        shares = np.array([lost[group].mean() for group in groups])
        if target.confidence is None:
            broken = broken + (rng.random() < shares)
        else:
            broken += shares.max() > certificate.delta
    return np.atleast_1d(broken)


def cells(error, confidence, density, n_draws):
    """Broken promises, and the share that may be, for each problem and method."""
    for seed, (n_rows, delta, n_distinct) in enumerate(PROBLEMS):
        for method, way in METHODS.items():
            problem = problem_of(
                "softmax" if ERRORS[error].classifiers else "identity",
                method,
                error if way.refines else "absolute",
                delta,
                density,
                n_distinct,
                seed,
            )
            epsilon = problem.epsilon(error)
            target = Target(error, epsilon, delta, confidence, density)
            rng = np.random.default_rng(seed)
            n_held_out = n_rows or target.rule.n_needed
            for broken in simulate(problem, target, n_held_out, n_draws, rng):
                yield broken, delta if confidence is None else 1 - confidence


def main():
    n_draws = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    table = []
    for name, error in ERRORS.items():
        for confidence in (None, CONFIDENCE):
            for density in (None, 0.5):
                if density and confidence is None and error.counts_rows:
                    continue  # nothing is promised
                counts = np.array(list(cells(name, confidence, density, n_draws)))
                table.append((name, confidence, density, *counts.T))
    n_cells = sum(len(broken) for *_, broken, _ in table)
    print(HEAD)
    for name, confidence, density, broken, allowed in table:
        # lower ends (Clopper and Pearson) for all cells at once
        lower, _ = interval(broken, n_draws, LEVEL / n_cells)
        worst = np.argmax(broken / allowed)
        low, high = (100 * end for end in interval(broken[worst], n_draws, LEVEL / 2))
        promise = "on average" if confidence is None else "this network"
        asked = "`epsilon`" if density is None else "`density`"
        for column, cell in enumerate(
            [
                f'`"{name}"`',
                f"{promise}, {asked}",
                f"{100 * broken.mean() / n_draws:.1f} of {100 * allowed.mean():.1f}",
                f"{100 * broken[worst] / n_draws:.1f} of {100 * allowed[worst]:.0f}",
                f"{low:.1f} to {high:.1f}",
                f"{(lower > allowed).sum()} of {len(broken)}",
            ]
        ):
            print("     -" if column else "   * -", cell)
    seconds = time.perf_counter() - start
    print(f"\n{n_cells} cells of {n_draws} draws in {seconds:.0f} s")


def interval(broken, n_draws, level):
    """Ends of a binomial interval (Clopper and Pearson), each at the level."""
    low = beta.ppf(level, broken, n_draws - broken + 1)
    high = beta.isf(level, broken + 1, n_draws - broken)
    return np.nan_to_num(low), np.where(broken == n_draws, 1.0, high)


HEAD = """
.. list-table:: Broken promises (%), "of" as many as may be
   :header-rows: 1
   :widths: 16 26 16 16 14 12

   * - `error`
     - Promise, and what was asked
     - Mean of the cells
     - Worst cell
     - Its 95% interval
     - Outside"""


if __name__ == "__main__":
    main()

"""Is "refined" ever worse than a simpler method? A panel of networks of many kinds.

Run by hand, with what ships with scikit-learn and with generated data::

    python -m tests.benchmarks.panel            # half an hour or more
    python -m tests.benchmarks.panel --quick    # two minutes
    python -m tests.benchmarks.panel --promise  # also densities at a promise
    python -m tests.benchmarks.panel --scratch  # against small dense networks

Every network is trained once. For each seed the rows that it was not trained on are
divided anew into rows to calibrate on and fresh rows, where figures are taken. A
difference is *noise* where it is within two standard errors of its mean over the seeds,
or below `RESOLUTION`.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter

import numpy as np
from joblib import Memory
from sklearn import datasets
from sklearn.base import is_classifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skcoreset import CoresetCompressor
from skcoreset._errors import ERRORS, standard_deviations
from skcoreset._methods import n_edges_at
from skcoreset._network import fastest
from skcoreset._parallel import one_blas_thread, threads
from skcoreset._plan import Plan
from skcoreset._promise.target import Target
from skcoreset._wrapped import network_of

DENSITIES = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01]

# Fewer edges are no network.
MIN_EDGES = 10

# The methods beside "refined", and whether they are refined.
RIVALS = {
    "magnitude": ("magnitude", False),
    "sipp": ("sipp", False),
    "corenet": ("corenet", False),
}
OTHERS = RIVALS | {"magnitude, refined": ("magnitude", True)}
CONTENDERS = {"refined": ("refined", True)} | OTHERS

# The promise beside the densities: of the relative error for classifiers, of the scaled
# one for regressors.
PROMISE = {"epsilon": 0.1, "delta": 0.1}

# Figures on fresh rows, and the differences that nobody would notice: of the error, and
# of the share of rows with another prediction.
RESOLUTION = {"median": 0.002, "q90": 0.002, "changed": 0.001}

N_FRESH = 3000


@dataclass(frozen=True)
class Case:
    """A network of the panel, and its rows."""

    name: str
    make: Callable
    hidden: tuple
    activation: str
    n_train: int
    n_rows: int
    regressor: bool = False
    quick: bool = False
    options: dict = field(default_factory=dict)


# Data: functions of a number of rows and a generator


def standard(X, y):
    return StandardScaler().fit_transform(X), y


def digits(n_samples, rng):
    X, y = datasets.load_digits(return_X_y=True)
    return X / 16, y


def patches(n_samples, rng):
    """Patches of a photograph, to be reproduced."""
    image = datasets.load_sample_image("china.jpg").mean(axis=2) / 255
    corners = rng.integers(0, np.subtract(image.shape, 8), size=(n_samples, 2))
    X = np.array([image[i : i + 8, j : j + 8].ravel() for i, j in corners])
    return X, X


def real(load, n_samples, rng):
    return standard(*load(return_X_y=True))


def classification(n_samples, rng, **options):
    options = {"n_samples": n_samples, "random_state": 0} | options
    return standard(*datasets.make_classification(**options))


def multilabel(n_samples, rng):
    X, y = datasets.make_multilabel_classification(
        n_samples, n_features=40, n_classes=6, n_labels=2, random_state=0
    )
    return standard(X, y)


def moons(n_samples, rng):
    return standard(*datasets.make_moons(n_samples, noise=0.2, random_state=0))


def friedman(make, n_samples, rng):
    X, y = make(n_samples, random_state=0, noise=0.1)
    return standard(X, (y - y.mean()) / y.std())


def homes(n_samples, rng):
    """Prices of homes by place, income and size, all of them skewed."""
    centers = rng.uniform(0, 10, size=(8, 2))
    place = centers[rng.integers(8, size=n_samples)]
    place = place + rng.standard_normal(place.shape)
    income, rooms, age, people = rng.lognormal(size=(4, n_samples)) * [
        [3.0],
        [5.0],
        [20.0],
        [1000.0],
    ]
    near = np.exp(-np.square(place[:, np.newaxis] - centers).sum(axis=2)) @ (
        rng.uniform(0, 2, size=8)
    )
    price = np.log1p(income) * (1 + near) + 0.1 * np.log(rooms) - 0.05 * np.log(age)
    price += 0.1 * rng.standard_normal(n_samples)
    X, y = standard(np.column_stack([place, income, rooms, age, people]), price)
    return X, (y - y.mean()) / y.std()


def table(n_samples, rng, *, regression=False, raw=False):
    """Categories one-hot, most of them rare, beside numbers.

    The numbers are standardised or, where `raw`, in units of their own.
    """
    sizes, n_numbers = (4, 12, 30, 60), 6
    levels = [rng.zipf(1.5, size=n_samples) % size for size in sizes]
    numbers = rng.standard_normal((n_samples, n_numbers))
    effects = [rng.standard_normal(size) for size in sizes]
    score = sum(effect[level] for effect, level in zip(effects, levels))
    score = score + np.sin(2 * numbers[:, 0]) + numbers[:, 1] * (levels[0] == 1)
    score += np.abs(numbers[:, 2]) - 1 + 0.3 * rng.standard_normal(n_samples)
    one_hot = OneHotEncoder(sparse_output=False).fit_transform(np.transpose(levels))
    if raw:
        numbers *= [1, 10, 0.1, 3, 0.3, 5]
    X = np.hstack([numbers, one_hot])
    y = (score - score.mean()) / score.std()
    return X, y if regression else (y > 0.5).astype(int)


def text(n_samples, rng, *, n_words, n_topics, length=80):
    """Documents of a topic model, tf-idf; the class is the largest topic."""
    common = 1 / np.arange(1, n_words + 1)
    topics = common * rng.gamma(0.2, size=(n_topics, n_words))
    topics /= topics.sum(axis=1, keepdims=True)
    shares = rng.dirichlet(np.full(n_topics, 0.2), size=n_samples)
    lengths = 10 + rng.poisson(length * rng.lognormal(sigma=0.5, size=n_samples))
    counts = [rng.multinomial(*document) for document in zip(lengths, shares @ topics)]
    return TfidfTransformer().fit_transform(counts).toarray(), shares.argmax(axis=1)


def teacher(n_samples, rng, *, n_inputs, n_outputs):
    """Many outputs of a random network."""
    X = rng.standard_normal((n_samples, n_inputs))
    hidden = np.tanh(X @ rng.standard_normal((n_inputs, 20)) / np.sqrt(n_inputs))
    Y = hidden @ rng.standard_normal((20, n_outputs)) / np.sqrt(20)
    return X, Y + 0.05 * rng.standard_normal(Y.shape)


def arm(n_samples, rng):
    """Where a robot's arm ends, in three coordinates, from the angles of its joints."""
    angles = rng.uniform(-np.pi / 2, np.pi / 2, size=(n_samples, 6))
    bend, turn = angles[:, :4].cumsum(axis=1), angles[:, 4:].cumsum(axis=1)
    reach = np.cos(bend).sum(axis=1)
    place = [reach * np.cos(turn[:, 0]), reach * np.sin(turn[:, 1])]
    return angles, np.column_stack([*place, np.sin(bend).sum(axis=1)]) / 2


def counts(n_samples, rng):
    """Binary inputs, most of them rare, and a sum of few products of them."""
    X = (rng.random((n_samples, 80)) < np.geomspace(0.5, 0.01, 80)).astype(float)
    y = X[:, :10].sum(axis=1) + 2 * X[:, 20:40].sum(axis=1) * X[:, 3]
    return X, (y - y.mean()) / y.std()


def mnist(n_samples, rng, *, path):
    data = np.load(path)
    rows = rng.permutation(len(data["X_train"]))[:n_samples]
    return data["X_train"][rows].reshape(n_samples, -1) / 255, data["y_train"][rows]


few, hard = {"n_features": 30, "n_informative": 8}, {"flip_y": 0.1}
rare = {"n_features": 20, "n_informative": 6, "weights": [0.97]}
hundred = {
    "n_features": 64,
    "n_informative": 20,
    "n_classes": 100,
    "n_clusters_per_class": 1,
    "class_sep": 2,
}
five = {"n_features": 40, "n_informative": 10, "n_classes": 5}
words = {"n_words": 2000, "n_topics": 8}
iris, wine = (partial(real, f) for f in (datasets.load_iris, datasets.load_wine))
cancer = partial(real, datasets.load_breast_cancer)


def diabetes(n_samples, rng):
    X, y = real(datasets.load_diabetes, n_samples, rng)
    return X, (y - y.mean()) / y.std()


def of(make, /, **options):
    return partial(make, **options)


RELU, TANH, LOGISTIC = "relu", "tanh", "logistic"
CASES = [
    Case("digits, 600 rows", digits, (64, 32), RELU, 700, 600, quick=True),
    Case("digits, 300 rows", digits, (50,), TANH, 700, 300),
    Case("digits, 100 rows", digits, (40, 40), LOGISTIC, 700, 100, quick=True),
    Case("digits, 60 rows", digits, (48, 32, 16), RELU, 700, 60, quick=True),
    Case("digits, four layers", digits, (32,) * 4, TANH, 700, 600),
    Case("digits, 10 neurons", digits, (10,), RELU, 700, 300),
    Case("iris", iris, (10,), RELU, 50, 60, quick=True),
    Case("wine", wine, (20,), TANH, 60, 70),
    Case("cancer", cancer, (30, 30), RELU, 250, 180, quick=True),
    Case("cancer, logistic", cancer, (20,), LOGISTIC, 250, 180),
    Case("diabetes", diabetes, (50,), RELU, 200, 140, True, quick=True),
    Case("binary", of(classification, **few), (50, 50), RELU, 2000, 1000),
    Case("noisy labels", of(classification, **few, **hard), (60,), TANH, 2000, 500),
    Case("imbalanced", of(classification, **rare), (50, 50), RELU, 4000, 3000),
    Case("100 classes", of(classification, **hundred), (100,), RELU, 10_000, 2000),
    Case("five classes", of(classification, **five), (60,), TANH, 3000, 1000),
    Case(
        "30,000 rows", of(classification, **five), (64, 64), LOGISTIC, 10_000, 30_000
    ),
    Case("multilabel", multilabel, (64,), RELU, 2000, 800),
    Case("moons", moons, (32, 32), RELU, 1000, 500),
    Case(
        "friedman 1", of(friedman, make=datasets.make_friedman1), (64, 64), RELU,
        2000, 1000, True, quick=True,
    ),
    Case(
        "friedman 2", of(friedman, make=datasets.make_friedman2), (40,), TANH,
        1000, 300, True,
    ),
    Case(
        "friedman 3", of(friedman, make=datasets.make_friedman3), (50,), LOGISTIC,
        2000, 5000, True,
    ),
    Case("homes", homes, (64, 32), RELU, 5000, 10_000, True),
    Case("table, 500 rows", table, (64,), RELU, 4000, 500, quick=True),
    Case("table, 2,000 rows", table, (32, 32), TANH, 4000, 2000),
    Case(
        "table, regression", of(table, regression=True), (64,), RELU, 4000, 1000, True
    ),
    Case("table, raw units", of(table, raw=True), (48,), RELU, 4000, 500, quick=True),
    Case(
        "table, 30,000 rows", of(table, regression=True), (32,), RELU,
        10_000, 30_000, True,
    ),
    Case("text, 1,000 rows", of(text, **words), (50,), RELU, 2500, 1000, quick=True),
    Case("text, 300 rows", of(text, **words), (30,), LOGISTIC, 2500, 300),
    Case("text, two layers", of(text, **words), (40, 20), TANH, 2500, 2000),
    Case(
        "text, 6,000 words", of(text, n_words=6000, n_topics=13), (50,), RELU,
        3000, 2000,
    ),
    Case(
        "ten outputs", of(teacher, n_inputs=30, n_outputs=10), (60,), TANH,
        3000, 1000, True, quick=True,
    ),
    Case(
        "40 outputs", of(teacher, n_inputs=50, n_outputs=40), (80, 40), RELU,
        3000, 300, True,
    ),
    Case("robot arm", arm, (48, 48, 48), TANH, 4000, 3000, True),
    Case("photograph", patches, (48,), RELU, 4000, 2000, True, quick=True),
    Case("rare inputs", counts, (40,), RELU, 3000, 400, True, quick=True),
]  # fmt: skip


def panel(arguments):
    cases = CASES
    if arguments.quick:
        cases = [case for case in cases if case.quick]
    if arguments.data:
        images = of(mnist, path=arguments.data)
        cases = [
            *cases,
            Case("MNIST, 300 rows", images, (100,), RELU, 20_000, 300),
            Case("MNIST, 4,000 rows", images, (100, 50), RELU, 20_000, 4000),
        ]
    if arguments.only:
        cases = [case for case in cases if arguments.only in case.name]
    return cases


@one_blas_thread
def train(case):
    """The network, and the rows that it was not trained on."""
    rng = np.random.default_rng(0)
    X, y = case.make(
        n_samples=case.n_train + case.n_rows + N_FRESH, rng=rng, **case.options
    )
    order = rng.permutation(len(X))
    X, y = X[order].astype(np.float32), y[order]
    n = case.n_train
    make = MLPRegressor if case.regressor else MLPClassifier
    mlp = make(
        hidden_layer_sizes=case.hidden,
        activation=case.activation,
        max_iter=100,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp.fit(X[:n], y[:n])
    return mlp, X[:n], y[:n], X[n:], y[n:]


def splits(case, n_others, n_seeds):
    """For each seed rows to calibrate on, and fresh ones."""
    for seed in range(n_seeds):
        order = np.random.default_rng(seed).permutation(n_others)
        yield order[: case.n_rows], order[case.n_rows :]


def networks_at(densities, network, X, error, seed, method, refine):
    """Yield the network that a method gives for each density."""
    for density in densities:
        target = Target(error, **PROMISE)
        plan = Plan(method, target, density=density, refine=refine, seed=(seed,))
        with threads(None) as thread_map:
            family = plan.method.open(network, X, plan, thread_map)
            yield family.at(n_edges_at(density, network.n_edges))


class Ruler:
    """Figures of compressed networks on fresh rows."""

    def __init__(self, network, error, X, X_fresh):
        self.network, self.error, self.X = network, error, X_fresh
        self.F = network.forward(X_fresh)
        self.scale = ERRORS[error].scale_of(network, X)

    def figures(self, F_hat):
        out_activation = self.network.out_activation
        errors = ERRORS[self.error].measure(F_hat, self.F, out_activation, self.scale)
        changed = np.nan
        if out_activation in ("softmax", "logistic"):
            measure = ERRORS["prediction"].measure
            changed = measure(F_hat, self.F, out_activation).mean()
        return np.median(errors), np.quantile(errors, 0.9), changed


@one_blas_thread
def compare(case, data, n_seeds, with_promise):
    """Figures, densities at the promise, and seconds, of each contender.

    Returns
    -------
    densities : list of float

    figures : dict of ndarrays of shape (n_seeds, n_densities, 3)

    promised : dict of ndarrays of shape (n_seeds,)

    seconds : dict of float
        For all densities.
    """
    mlp, _, _, X, _ = data
    network = network_of(mlp)
    error = "scaled" if case.regressor else "relative"
    densities = [d for d in DENSITIES if d * network.n_edges >= MIN_EDGES]
    figures, promised, seconds = {}, {}, {}
    for seed, (rows, fresh) in enumerate(splits(case, len(X), n_seeds)):
        ruler = Ruler(network, error, X[rows], X[fresh])
        for name, (method, refine) in CONTENDERS.items():
            start = perf_counter()
            options = network, fastest(X[rows]), error, seed, method, refine
            networks = list(networks_at(densities, *options))
            seconds[name] = seconds.get(name, 0) + (perf_counter() - start) / n_seeds
            figures.setdefault(name, []).append(
                [
                    ruler.figures(compressed.forward(X[fresh]))
                    # CoreNet keeps an edge of each half of a neuron
                    if compressed.n_edges <= 1.1 * n_edges_at(density, network.n_edges)
                    else (np.inf,) * 3
                    for density, compressed in zip(densities, networks)
                ]
            )
            if with_promise and name != "magnitude, refined":
                compressor = CoresetCompressor(
                    mlp, method=method, error=error, random_state=seed, **PROMISE
                )
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    compressor.fit(X[rows])
                promised.setdefault(name, []).append(compressor.density_)
    figures = {name: np.array(values) for name, values in figures.items()}
    promised = {name: np.array(values) for name, values in promised.items()}
    return densities, figures, promised, seconds


def excess(ours, theirs, resolution):
    """By how much ours is larger, on average, beyond noise; else 0.

    Parameters
    ----------
    ours, theirs : ndarrays of shape (n_seeds, ...)
    """
    difference = np.subtract(ours, np.minimum(theirs, 1e9))
    mean = difference.mean(axis=0)
    noise = 2 * difference.std(axis=0, ddof=1) / np.sqrt(len(difference))
    return np.where(mean > np.maximum(noise, resolution), mean, 0)


def losses(figures, rivals):
    """For each density and figure the largest excess over a rival."""
    return np.max(
        [
            excess(figures["refined"], figures[rival], list(RESOLUTION.values()))
            for rival in rivals
        ],
        axis=0,
    )


def show(case, densities, figures, promised, seconds):
    """Print the table's rows of a network: for each figure a cell for each density.

    A cell is the figure of "refined" with its spread over the seeds, and that of the
    best other: bold where "refined" is worse by more than noise, in italics where only
    the refined magnitude is better.
    """
    lost, lost_refined = losses(figures, RIVALS), losses(figures, OTHERS)
    for k, (key, what) in enumerate(FIGURES.items()):
        if case.regressor and key == "changed":
            continue
        scale, digits = (100, 1) if key == "changed" else (1, 3)
        cells = []
        for i in range(len(densities)):
            ours = scale * figures["refined"][:, i, k]
            others = {name: scale * figures[name][:, i, k].mean() for name in RIVALS}
            mark = "**" if lost[i, k] else "*" if lost_refined[i, k] else ""
            best = min(others, key=others.get)
            cells.append(
                f"{mark}{ours.mean():.{digits}f}{mark} ± {ours.std(ddof=1):.{digits}f}"
                f" / {others[best]:.{digits}f} {best[0]}"
            )
        # small networks end before the sparsest columns
        cells += [""] * (len(DENSITIES) - len(densities))
        print_row([case.name if k == 0 else "", what, *cells])
    if promised:
        ours = 100 * promised["refined"]
        others = {name: 100 * promised[name].mean() for name in RIVALS}
        best = min(others, key=others.get)
        mark = "**" * bool(excess(promised["refined"], promised[best], 0))
        print_row(
            [
                "",
                "promise (%)",
                f"{mark}{ours.mean():.1f}{mark} ± {ours.std(ddof=1):.1f}"
                f" / {others[best]:.1f} {best[0]}",
                *[""] * (len(DENSITIES) - 1),
            ]
        )


def print_row(cells):
    print("   " + "; ".join(cells), flush=True)


def run_panel(arguments):
    training = Memory(arguments.cache, verbose=0).cache(train)
    n_cells = {"error": 0, "changed": 0, "promise": 0}
    n_lost, n_lost_refined = dict(n_cells), dict(n_cells)
    print(HEADER)
    for case in panel(arguments):
        densities, figures, promised, seconds = compare(
            case, training(case), arguments.seeds, arguments.promise
        )
        show(case, densities, figures, promised, seconds)
        for rivals, counts in ((RIVALS, n_lost), (OTHERS, n_lost_refined)):
            lost = losses(figures, rivals) > 0
            counts["error"] += lost[:, :2].sum()
            counts["changed"] += lost[:, 2].sum()
        n_cells["error"] += 2 * len(densities)
        n_cells["changed"] += (not case.regressor) * len(densities)
        if promised:
            n_cells["promise"] += 1
            n_lost["promise"] += any(
                excess(promised["refined"], promised[rival], 0) > 0 for rival in RIVALS
            )
    print()
    for key, n in n_cells.items():
        print(
            f"{key}: refined worse than the best other by more than noise in "
            f"{n_lost[key]} of {n} cells; with refine=True among the others in "
            f"{n_lost_refined[key]}"
        )


def small_network(original, n_edges, **options):
    """An untrained MLP of one hidden layer and about so many weights, or None."""
    n_hidden = round(
        n_edges / (original.n_features_in_ + len(original.intercepts_[-1]))
    )
    if n_hidden == 0:
        return None
    options |= {"activation": original.activation, "max_iter": 300}
    make = MLPClassifier if is_classifier(original) else MLPRegressor
    return make(hidden_layer_sizes=(n_hidden,), **options)


@one_blas_thread
def compare_scratch(case, data, n_seeds):
    """Scores on fresh rows at equal numbers of edges.

    Returns
    -------
    original : float

    scores : dict of ndarrays of shape (n_seeds, n_densities)
        Of "refined", and of small dense networks: trained on the labels that the
        original was trained on ("labels"), and on the original's outputs for the
        calibration rows ("outputs"), without a label. nan without a hidden neuron.
    """
    mlp, X_train, y_train, X, y = data
    network = network_of(mlp)
    error = "scaled" if case.regressor else "relative"
    score = r2_score if case.regressor else accuracy_score

    def predict(F):
        if case.regressor:
            return F.reshape(y[fresh].shape)
        return mlp._label_binarizer.inverse_transform(network.activate_output(F))

    scores = {"refined": [], "labels": [], "outputs": []}
    originals = []
    for seed, (rows, fresh) in enumerate(splits(case, len(X), n_seeds)):
        originals.append(score(y[fresh], mlp.predict(X[fresh])))
        options = network, fastest(X[rows]), error, seed, "refined", True
        networks = networks_at(SCRATCH_DENSITIES, *options)
        reached = {name: [] for name in scores}
        F = network.forward(X[rows])
        center, scale = F.mean(axis=0), standard_deviations(F)
        for density, compressed in zip(SCRATCH_DENSITIES, networks):
            reached["refined"].append(
                score(y[fresh], predict(compressed.forward(X[fresh])))
            )
            small = small_network(mlp, density * network.n_edges, random_state=seed)
            if small is None:
                reached["labels"].append(np.nan)
                reached["outputs"].append(np.nan)
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                small.fit(X_train, y_train)
                reached["labels"].append(score(y[fresh], small.predict(X[fresh])))
                student = MLPRegressor(
                    hidden_layer_sizes=small.hidden_layer_sizes,
                    activation=small.activation,
                    max_iter=small.max_iter,
                    random_state=seed,
                ).fit(X[rows], (F - center) / scale)
            F_student = student.predict(X[fresh]).reshape(len(fresh), -1)
            F_student = F_student * scale + center
            reached["outputs"].append(score(y[fresh], predict(F_student)))
        for name, values in reached.items():
            scores[name].append(values)
    scores = {name: np.array(values) for name, values in scores.items()}
    return np.mean(originals), scores


def run_scratch(arguments):
    training = Memory(arguments.cache, verbose=0).cache(train)
    better = dict.fromkeys(("labels", "outputs"), 0)
    worse, n_cells = dict(better), 0
    print(SCRATCH_HEADER)
    for case in panel(arguments):
        original, scores = compare_scratch(case, training(case), arguments.seeds)
        ours = scores["refined"]
        for i, density in enumerate(SCRATCH_DENSITIES):
            cells = [f"{100 * values[:, i].mean():.1f}" for values in scores.values()]
            name = [case.name, f"{100 * original:.1f}"] if i == 0 else ["", ""]
            print_row([*name, f"{100 * density:g}%", *cells])
            n_cells += 1
            for rival in better:
                theirs = scores[rival][:, i]
                if np.isnan(theirs).any():
                    continue
                better[rival] += excess(theirs, ours[:, i], SCRATCH_RESOLUTION) > 0
                worse[rival] += excess(ours[:, i], theirs, SCRATCH_RESOLUTION) > 0
    print()
    for rival in better:
        print(
            f"a small dense network trained on {rival}: better than refined by more "
            f"than noise in {better[rival]} of {n_cells} cells, worse in {worse[rival]}"
        )


# Where small dense networks are compared, and what nobody would notice of a score.
SCRATCH_DENSITIES = [0.2, 0.05]
SCRATCH_RESOLUTION = 0.002

SCRATCH_HEADER = """\
.. csv-table:: Accuracy or R2 (%) on fresh rows, at equal numbers of edges
   :delim: ;
   :header-rows: 1

   network; original; density; refined; small, trained on labels; small, trained on \
the original's outputs"""

FIGURES = {
    "median": "error, median",
    "q90": "error, 90%",
    "changed": "changed (%)",
}

HEADER = f"""\
.. csv-table:: "refined" / the best of magnitude (m), SiPP (s) and CoreNet (c)
   :delim: ;
   :header-rows: 1

   network; figure; {"; ".join(f"{100 * density:g}%" for density in DENSITIES)}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer networks")
    parser.add_argument("--only", help="networks whose name has this in it")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", help="MNIST, as npz")
    parser.add_argument("--cache", help="a folder for trained networks")
    parser.add_argument(
        "--promise", action="store_true", help="also densities at a promise"
    )
    parser.add_argument(
        "--scratch", action="store_true", help="against small dense networks instead"
    )
    arguments = parser.parse_args()
    (run_scratch if arguments.scratch else run_panel)(arguments)


if __name__ == "__main__":
    main()

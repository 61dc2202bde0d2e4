"""Compare compression methods as Baykal et al. (ICLR 2019) do, and some more.

Every method compresses networks of several depths and widths to several shares of their
parameters, without retraining. The script records the median error of the outputs and
the accuracy on test rows, for several seeds. A seed trains a network and draws the
coresets.

On digits, in about a minute::

    python compare_methods.py --quick

On MNIST, fetched from OpenML or read from a file with the arrays `X_train`, `y_train`,
`X_test` and `y_test`, in about a quarter of an hour on two cores::

    python compare_methods.py
    python compare_methods.py --data mnist.npz

Results are written to `results.csv`, their mean and standard deviation over the seeds
to `summary.csv`, and the figures to `paper_methods.png` and `paper_beyond.png`. Trained
networks are kept in the same folder and not trained again.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import warnings
from itertools import product
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from matplotlib.ticker import LogLocator, NullFormatter
from scipy import linalg
from sklearn.datasets import fetch_openml, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

# Below the estimator: a method ranks or draws the edges once, for all densities.
from skcoreset._errors import ERRORS
from skcoreset._methods import n_edges_at
from skcoreset._network.neurons import remove_neurons
from skcoreset._parallel import serial_map
from skcoreset._plan import Plan
from skcoreset._promise.target import Target
from skcoreset._wrapped import network_of
from skcoreset.displays.palette import GREY

FULL = SimpleNamespace(
    networks=[(300,), (1000,), (300, 100), (500, 500, 500), (300,) * 5],
    densities=[0.8, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02],
    seeds=range(3),
    epochs=8,
    n_calibration=4000,
)
QUICK = SimpleNamespace(
    networks=[(100,), (50, 50, 50)],
    densities=[0.8, 0.5, 0.3, 0.2, 0.1],
    seeds=range(2),
    epochs=60,
    n_calibration=400,
)

# Colour (Okabe and Ito's, for people with colour blindness), marker, line.
STYLES = {
    "corenet": ("#0072B2", "o", "-"),
    "corenet+": ("#0072B2", "s", "--"),
    "corenet++": ("#56B4E9", "D", "-"),
    "uniform": ("#999999", "v", "-"),
    "l1": ("#E69F00", "^", "-"),
    "l2": ("#CC79A7", "<", "-"),
    "l1+l2": ("#D55E00", ">", "--"),
    "svd": ("#009E73", "x", ":"),
    "magnitude": ("#E69F00", "^", "-"),
    "sipp": ("#CC79A7", "v", "-"),
    "refined": ("#009E73", "*", "-"),
    "pfp": ("#D55E00", "P", "--"),
    "neurons": ("#D55E00", "X", "-"),
}
FIGURES = {
    "paper_methods": list(STYLES)[:8],
    "paper_beyond": ["corenet", "corenet++", *list(STYLES)[8:]],
}
# Text and axes that can be read on a light and on a dark page.
READABLE = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor"), GREY),
    **dict.fromkeys(("axes.titlecolor", "xtick.color", "ytick.color"), GREY),
    **dict.fromkeys(
        ("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"
    ),
    "legend.frameon": False,
}
# Smaller errors are not drawn: they are 0 if no edge that matters is gone.
SMALLEST = 1e-3

MEASURES = {
    "relative": "Relative error (2-norm)",
    "entrywise": "Relative error (entrywise)",
    "accuracy": "Test accuracy",
}


def load(data, n_calibration, quick):
    """Training, calibration and test rows, pixels between 0 and 1.

    Calibration rows are not training rows, on which a network is more confident.
    """
    if quick:
        X, y = load_digits(return_X_y=True)
        parts = train_test_split(X / 16, y, test_size=400, random_state=0)
        X_train, X_test, y_train, y_test = parts
    elif data is None:
        X, y = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
        X, y = X / 255, y.astype(int)
        X_train, X_test, y_train, y_test = X[:60000], X[60000:], y[:60000], y[60000:]
    else:
        arrays = np.load(data)
        X_train, X_test = arrays["X_train"] / 255, arrays["X_test"] / 255
        y_train, y_test = arrays["y_train"], arrays["y_test"]
    return SimpleNamespace(
        X_train=X_train[:-n_calibration].astype(np.float32),
        y_train=y_train[:-n_calibration],
        X_calibration=X_train[-n_calibration:].astype(np.float32),
        X_test=X_test.astype(np.float32),
        y_test=y_test,
    )


def train(rows, hidden_layer_sizes, seed, epochs, output):
    """Return a trained network, from the output folder if it is there already."""
    path = output / f"network_{name_of(hidden_layer_sizes)}_{seed}_{epochs}.joblib"
    if path.exists():
        return joblib.load(path)
    mlp = MLPClassifier(
        hidden_layer_sizes, batch_size=256, max_iter=epochs, random_state=seed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.fit(rows.X_train, rows.y_train)
    network = network_of(mlp)
    joblib.dump(network, path)
    return network


def compress(network, X, method, densities, seed):
    """Yield the share of parameters stored and the network, for each density."""
    if method == "svd":
        yield from truncated_svd(network, densities)
        return
    plan = Plan(method, Target("relative"), seed=(seed,))
    family = plan.method.open(network, X, plan, serial_map)
    for density in densities:
        compressed = family.at(n_edges_at(density, network.n_edges))
        if plan.prune_neurons:
            compressed = remove_neurons(compressed, X)
        yield compressed.n_edges / network.n_edges, compressed


def truncated_svd(network, densities):
    """Replace each layer by two of low rank, which are stored in its place."""
    factors = [linalg.svd(coef, full_matrices=False) for coef in network.coefs]
    for density in densities:
        coefs, stored = [], 0
        for U, s, Vt in factors:
            n_in, n_out = len(U), Vt.shape[1]
            rank = max(1, round(density * n_in * n_out / (n_in + n_out)))
            coefs.append(U[:, :rank] * s[:rank] @ Vt[:rank])
            stored += rank * (n_in + n_out)
        yield stored / network.n_edges, network.with_weights(coefs)


def measure(rows, hidden_layer_sizes, seed, method, densities, epochs, output):
    """Compress one network by one method: a record for each density."""
    network = train(rows, hidden_layer_sizes, seed, epochs, output)
    F = network.forward(rows.X_test)
    path = compress(network, rows.X_calibration, method, densities, seed)
    records = []
    for density, (kept, compressed) in zip(densities, path):
        F_hat = compressed.forward(rows.X_test)
        records.append(
            {
                "network": name_of(hidden_layer_sizes),
                "seed": seed,
                "method": method,
                "density": density,
                "kept": kept,
                **{
                    name: np.median(
                        ERRORS[name].measure(F_hat, F, network.out_activation)
                    )
                    for name in ("relative", "entrywise")
                },
                "accuracy": (F_hat.argmax(axis=1) == rows.y_test).mean(),
                "dense_accuracy": (F.argmax(axis=1) == rows.y_test).mean(),
            }
        )
    return records


def run(rows, settings, methods, output, n_jobs):
    """Train all networks, compress each of them by every method."""
    output.mkdir(parents=True, exist_ok=True)
    pairs = list(product(settings.networks, settings.seeds))
    in_parallel(
        train,
        [(rows, *pair, settings.epochs, output) for pair in pairs],
        [f"trained {name_of(sizes)}, seed {seed}" for sizes, seed in pairs],
        n_jobs,
    )
    tasks = list(product(pairs, methods))
    records = in_parallel(
        measure,
        [
            (rows, *pair, method, settings.densities, settings.epochs, output)
            for pair, method in tasks
        ],
        [f"{name_of(sizes)}, seed {seed}: {m}" for (sizes, seed), m in tasks],
        n_jobs,
    )
    return pd.DataFrame([record for part in records for record in part])


def in_parallel(function, arguments, names, n_jobs):
    """Call a function for each of the arguments, and print the progress."""
    start, results = perf_counter(), []
    parallel = Parallel(n_jobs=n_jobs, return_as="generator")
    calls = parallel(delayed(function)(*args) for args in arguments)
    for done, (name, result) in enumerate(zip(names, calls), start=1):
        elapsed = perf_counter() - start
        print(f"[{done}/{len(names)}, {elapsed:.0f} s] {name}", flush=True)
        results.append(result)
    return results


def summarise(results):
    """Mean and standard deviation over the seeds."""
    groups = results.groupby(["network", "method", "density"], sort=False)
    summary = groups[["kept", *MEASURES]].agg(["mean", "std"])
    summary.columns = ["_".join(column) for column in summary.columns]
    return summary.reset_index()


def plot(summary, results, methods):
    """Draw a row of axes for each network, and a column for each measure."""
    networks = list(dict.fromkeys(summary["network"]))
    figure, axes = plt.subplots(
        len(networks),
        len(MEASURES),
        figsize=(8.9, 2.1 * len(networks) + 1),
        layout="constrained",
        sharex=True,
        sharey="col",
        squeeze=False,
    )
    for row, network in zip(axes, networks):
        for method in methods:
            rows = summary.query("network == @network and method == @method")
            color, marker, line = STYLES[method]
            for ax, name in zip(row, MEASURES):
                mean, std = rows[f"{name}_mean"], rows[f"{name}_std"]
                mean = mean.where(mean >= SMALLEST)
                kept = 100 * rows["kept_mean"]
                ax.plot(kept, mean, line, c=color, marker=marker, ms=4, label=method)
                # on a logarithmic axis, a band that reaches 0 has no lower end
                ends, band = (mean - std, mean + std), mean > std
                ax.fill_between(kept, *ends, where=band, color=color, alpha=0.2)
        dense = results.query("network == @network")["dense_accuracy"].mean()
        row[-1].axhline(dense, color=GREY, linewidth=0.8)
        row[0].set_ylabel(network)
    for ax, label in zip(axes[0], MEASURES.values()):
        ax.set_title(label, fontsize="medium")
    for ax in axes[-1]:
        ax.set_xlabel("Parameters kept (%)")
    axes[0, 0].set_xscale("log")
    axes[0, 0].xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes[0, 0].xaxis.set_major_formatter("{x:g}")
    axes[0, 0].xaxis.set_minor_formatter(NullFormatter())
    for ax in axes[0, :2]:
        # an error above 1 is worse than the answer 0 to everything
        ax.set_yscale("log")
        ax.set_ylim(max(SMALLEST, ax.get_ylim()[0]), min(30, ax.get_ylim()[1]))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def name_of(hidden_layer_sizes):
    return "-".join(map(str, hidden_layer_sizes))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="digits, in a minute")
    parser.add_argument("--data", help="npz file with MNIST; fetched by default")
    parser.add_argument("--output", type=Path, default=Path("compare_methods"))
    parser.add_argument("--n-jobs", type=int, default=-1)
    options = parser.parse_args(arguments)

    settings = QUICK if options.quick else FULL
    output = options.output / ("digits" if options.quick else "mnist")
    rows = load(options.data, settings.n_calibration, options.quick)
    results = run(rows, settings, list(STYLES), output, options.n_jobs)
    summary = summarise(results)
    results.to_csv(output / "results.csv", index=False, float_format="%.5g")
    summary.to_csv(output / "summary.csv", index=False, float_format="%.4g")
    with plt.rc_context(READABLE):
        for name, methods in FIGURES.items():
            plot(summary, results, methods).savefig(output / f"{name}.png", dpi=110)
    print(f"Results and figures are in {output}.")


if __name__ == "__main__":
    main()

r"""The methods on a network that others published, beside CHITA, which they made.

The network is the MLPNet of github.com/mazumder-lab/CHITA: 784-40-20-10, without
intercepts. Its checkpoint is read without PyTorch:

    python -m tests.benchmarks.chita --data mnist.npz \
        --checkpoint CHITA/checkpoints/mnist_25_epoch_93.97.ckpt

`--repository CHITA`, a clone, also runs CHITA and CHITA++ on the same rows, for about
an hour. That needs PyTorch and numba. (torchvision, which they import, is not used.)

At a sparsity, every method keeps the same number of weights. CHITA keeps the network
without intercepts. skcoreset trains intercepts; each counts as a weight.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import os
import pickle
import sys
import warnings
from collections import OrderedDict
from contextlib import redirect_stdout
from functools import partial
from time import process_time
from unittest.mock import MagicMock

import numpy as np
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor
from skcoreset.convert import from_weights
from tests.benchmarks.mnist import load_images

SPARSITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
N_TRAIN = 60_000

# The published test accuracy, and how the authors scale the pixels.
ACCURACY, MEAN, STD = 0.9397, 0.1307, 0.3081

# Settings of CHITA. A gradient is the mean over up to MAX_BATCH rows; CHITA++ draws its
# rows anew for each stage. With fewer stages it is much worse at high sparsities.
N_GRADIENTS, MAX_BATCH = 1000, 10
N_ITERATIONS, N_STAGES, RIDGE = 20, 15, 1e-2


# The network


class Ignored:
    """Takes the place of every object that is not a tensor."""

    def __new__(cls, *args):
        return super().__new__(cls)

    def __setstate__(self, state):
        pass


class TensorUnpickler(pickle.Unpickler):
    """Reads a tensor as (key of its storage, offset, shape). Runs no foreign code."""

    def find_class(self, module, name):
        known = {
            "OrderedDict": OrderedDict,
            "_rebuild_tensor_v2": lambda *tensor: tensor[:3],
        }
        return known.get(name, Ignored)

    def persistent_load(self, storage):
        return storage[2]


def read(checkpoint):
    """Read the weights of all layers, each of shape (n_in, n_out).

    PyTorch before 1.6 wrote five pickles (magic number, version, sizes of types, the
    object, keys of storages), and then the storages.
    """
    with open(checkpoint, "rb") as file:
        *_, saved, keys = (TensorUnpickler(file).load() for _ in range(5))
        storages = {}
        for key in keys:
            (size,) = np.fromfile(file, "<i8", 1)
            storages[key] = np.fromfile(file, "<f4", size)
    return [
        storages[key][offset : offset + np.prod(shape)].reshape(shape).T
        for name, (key, offset, shape) in saved["model_state_dict"].items()
        if name.endswith(".weight")
    ]


def mlp_of(coefs):
    return from_weights(
        coefs, [None] * len(coefs), activation="relu", out_activation="softmax"
    )


def n_kept(mlp, sparsity):
    """Number of weights at a sparsity; rounded as CHITA does."""
    return int((1 - sparsity) * sum(coef.size for coef in mlp.coefs_))


# Methods: they take (mlp, X, y, sparsity, seed) and return a classifier


def skcoreset(
    mlp,
    X,
    y,
    sparsity,
    seed,
    *,
    refine=True,
    fine_tunes=False,
    labelled=None,
    **options,
):
    """Compress without labels; then `fine_tune` on `labelled` rows, else on X."""
    n_edges = n_kept(mlp, sparsity)
    if refine:
        n_edges -= sum(intercept.size for intercept in mlp.intercepts_)
    density = n_edges / sum(coef.size for coef in mlp.coefs_)
    options |= {"refine": refine, "density": density, "random_state": seed}
    compressor = CoresetCompressor(mlp, **options)
    compressor.fit(X, X_val=X[:100])  # they decide nothing at a density
    if fine_tunes:
        compressor.fine_tune(*(labelled or (X, y)))
    network = compressor.estimator_
    assert sum(
        (array != 0).sum() for array in (*network.coefs_, *network.intercepts_)
    ) <= n_kept(mlp, sparsity)
    return compressor


def chita(mlp, X, y, sparsity, seed, *, n_stages, first_order):
    """CHITA, or CHITA++ if there are several stages. Uses labels."""
    import torch
    from models.mlpnet import MlpNet
    from pruners.CHITA import CHITA
    from pruners.multi_stage_pruner import MultiStagePruner
    from torch.utils.data import DataLoader, TensorDataset
    from utils.main_utils import get_pvec, set_seed

    def loader(X, y, **options):
        images = torch.tensor(X).reshape(-1, 1, 28, 28)
        labels = torch.tensor(y, dtype=torch.long)
        return DataLoader(TensorDataset(images, labels), **options)

    torch.set_num_threads(1)
    set_seed(seed)
    model = MlpNet(None, "mnist")
    names = [name for name, _ in model.named_parameters()]
    weights = (torch.tensor(np.ascontiguousarray(coef.T)) for coef in mlp.coefs_)
    model.load_state_dict(dict(zip(names, weights)))
    batch_size = min(len(X) // N_GRADIENTS, MAX_BATCH)
    pruner = CHITA(
        model,
        names,
        loader(X, y, batch_size=batch_size, shuffle=True),
        ngrads=N_GRADIENTS,
        fisher_mini_bsz=batch_size,
        criterion=torch.nn.functional.nll_loss,
        blocksize=-1,
        lambda2=RIDGE,
        num_iterations=N_ITERATIONS,
        first_order_term=first_order,
        alpha_one=False,
        device=torch.device("cpu"),
        algo="Active_IHTCDLS",
    )
    stages = MultiStagePruner(pruner, loader(X[:1], y[:1]), "exp", n_stages)
    stages.prune(torch.ones_like(get_pvec(model, names)) != 0, sparsity, 0.1)
    coefs = [parameter.detach().numpy().T for parameter in model.parameters()]
    assert sum((coef != 0).sum() for coef in coefs) <= n_kept(mlp, sparsity)
    return mlp_of(coefs)


def methods(X, y):
    """Dict of names to a method, its number of rows and of labels."""
    table = {}
    for n_rows in (1000, 10_000):
        for name, options in {
            "refined": {},
            "magnitude, refined": {"method": "magnitude"},
        }.items():
            table[f"{name}, {n_rows} rows"] = partial(skcoreset, **options), n_rows, 0
    # rows play no part in it
    magnitude = partial(skcoreset, method="magnitude", refine=False)
    table["magnitude"] = magnitude, 1000, 0
    for n_labels, rows in ((10_000, None), (N_TRAIN, (X, y))):
        method = partial(skcoreset, fine_tunes=True, labelled=rows)
        table[f"refined, {n_labels} labels"] = method, 10_000, n_labels
    one = partial(chita, n_stages=1, first_order=False)
    table["CHITA, 1000 rows"] = one, N_GRADIENTS, N_GRADIENTS
    many = partial(chita, n_stages=N_STAGES, first_order=True)
    for n_rows in (1000, 10_000, N_TRAIN):
        table[f"CHITA++, {n_rows} rows"] = many, n_rows, n_rows
    return table


def measure(mlp, rows, test, method, n_rows, sparsity, seeds):
    """Mean and standard deviation of the accuracy over seeds, and CPU seconds."""
    scores, start = [], process_time()
    for seed in seeds:
        drawn = np.random.default_rng(seed).permutation(N_TRAIN)[:n_rows]
        with open(os.devnull, "w") as null, redirect_stdout(null):  # CHITA is verbose
            small = method(mlp, *(array[drawn] for array in rows), sparsity, seed)
        scores.append(small.score(*test))
    seconds = (process_time() - start) / len(seeds)
    return np.mean(scores), np.std(scores, ddof=min(1, len(seeds) - 1)), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="as of tests.benchmarks.mnist")
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--repository", help="a clone of CHITA, to run it as well")
    parser.add_argument("--only", nargs="*", help="names of methods begin with these")
    parser.add_argument("--sparsities", nargs="*", type=float, default=SPARSITIES)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    if options.repository:
        for name in ("", ".datasets", ".transforms", ".models"):
            sys.modules[f"torchvision{name}"] = MagicMock()
        sys.path.insert(0, options.repository)
    X, y, X_test, y_test = load_images(options.data)
    X, X_test = (
        (pixels - np.float32(MEAN)) / np.float32(STD) for pixels in (X, X_test)
    )
    mlp = mlp_of(read(options.checkpoint))
    accuracy = mlp.score(X_test, y_test)
    assert accuracy == ACCURACY, f"{accuracy:.2%} is not the published accuracy"
    print(f"The network: {accuracy:.2%}")
    print("method                         labels sparsity  accuracy    std  CPU s")
    for name, (method, n_rows, n_labels) in methods(X, y).items():
        if "CHITA" in name and not options.repository:
            continue
        if options.only and not name.startswith(tuple(options.only)):
            continue
        for sparsity in options.sparsities:
            mean, std, seconds = measure(
                mlp, (X, y), (X_test, y_test), method, n_rows, sparsity, options.seeds
            )
            print(
                f"{name:30} {n_labels:6} {sparsity:8} {mean:9.2%} {std:6.2%} "
                f"{seconds:6.1f}",
                flush=True,
            )


if __name__ == "__main__":
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()

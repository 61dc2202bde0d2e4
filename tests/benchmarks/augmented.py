"""MNIST with augmentation: accuracy of integer networks against their flash.

Trains a network on distorted images with scikit-learn's `partial_fit`, compresses it
step by step, each time followed by `fine_tune` with labels and distorted images, and
exports every size to C. Flash is that of the program on an ATmega328P, measured with
avr-gcc if it is there. The same is done without distortions.

    python -m tests.benchmarks.augmented --data mnist.npz --seeds 0 1 2

With `--choose`, for settings: trains on all but the last 10,000 training images and
judges on these, not on the test images.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import argparse
import tempfile
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor
from skcoreset.export import to_c
from tests.benchmarks.mnist import WIDTHS
from tests.export.c.devices import has, predict_call, run_on_avr, sizes_on_avr

SIDE, N_HELD_OUT = 28, 10_000

# Distortions to draw from, and how many different ones a batch has.
N_DISTORTIONS, N_PER_BATCH = 600, 10

# Standard deviations: rotation and shear in radians, logarithm of the scale, shift and
# elastic displacement in pixels. Elastic displacements vary over this many pixels.
ROTATION, SHEAR, SCALE, SHIFT, ELASTIC, SMOOTHNESS = 0.12, 0.1, 0.08, 0.9, 0.7, 4.5

# Strength of the distortions for the dense network and for one of this density; then,
# for each size: most bytes of flash, a first guess at the density (of the edges of the
# dense network), and the strength. At 12,000 bytes 0.6 and 0.9 were as good, at 4,300
# both 0.3 and 0.8 were worse than 0.5, by `--choose`.
DENSE_STRENGTH, FIRST_DENSITY, FIRST_STRENGTH = 1.0, 0.15, 1.0
SIZES = (
    (14_000, 0.0480, 0.9),
    (12_000, 0.0378, 0.8),
    (8_500, 0.0248, 0.75),
    (6_000, 0.0161, 0.65),
    (4_300, 0.0105, 0.5),
    (3_100, 0.0060, 0.4),
)
BITS = 3
N_EDGES = sum(a * b for a, b in pairwise((SIDE**2, *WIDTHS, 10)))

# Bytes that a program takes without edges, about; shares of the flash from which a
# network is large enough, that is aimed at, and up to which training can still make it
# a little larger; and how many densities are tried.
FIXED_BYTES, AIM, N_TRIES = 1_200, (0.983, 0.99, 0.995), 8

# Passes with distortions and without: of the dense network, of the training of the
# first compressed network with labels, and of each of several trainings of the others,
# where as many again train through the rounding. What the rounding costs varies by
# chance, so the network is kept that is right on most training images.
PASSES, FIRST_PASSES = {True: 16, False: 16}, {True: 40, False: 15}
TUNING_PASSES, N_TUNINGS = {True: 10, False: 5}, 4
BATCH_SIZE = 100
N_CALIBRATION, N_TIMED = 4_000, 8

# Whether images are distorted.
ARMS = {"augmented": True, "plain": False}


class Distortions:
    """Small random shifts, rotations, scalings, shears and elastic distortions.

    Each is a sparse matrix of bilinear interpolation. Some of a bank, drawn at random,
    are applied to parts of a batch.

    Parameters
    ----------
    strength : float
        Factor of all standard deviations.

    rng : numpy.random.Generator
    """

    def __init__(self, strength, rng, n_distortions=N_DISTORTIONS):
        self._bank = [_distortion(strength, rng) for _ in range(n_distortions)]

    def __call__(self, X, rng):
        distorted = np.empty_like(X)
        n_parts = max(1, min(N_PER_BATCH, len(X)))
        for i, k in enumerate(rng.integers(len(self._bank), size=n_parts)):
            part = slice(i, None, n_parts)
            distorted[part] = (self._bank[k] @ X[part].T).T
        return distorted


def _distortion(strength, rng):
    """Matrix of shape (n_pixels, n_pixels) that distorts an image."""
    angle, shear, zoom = strength * rng.normal(0, [ROTATION, SHEAR, SCALE])
    shift = strength * rng.normal(0, SHIFT, (2, 1))
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.exp(zoom) * np.array([[cos, sin], [-sin, cos]]) @ [[1, shear], [0, 1]]
    center = (SIDE - 1) / 2
    grid = np.indices((SIDE, SIDE)).reshape(2, -1)
    noise = rng.standard_normal((2, SIDE, SIDE))
    elastic = gaussian_filter(noise, (0, SMOOTHNESS, SMOOTHNESS), mode="reflect")
    elastic *= strength * ELASTIC / elastic.std()
    source = linear @ (grid - center) + center + shift + elastic.reshape(2, -1)
    corner = np.floor(source).astype(int)
    part = source - corner
    pixel = np.arange(SIDE**2)
    weights, rows, columns = [], [], []
    for corner_offset in np.ndindex(2, 2):
        place = corner + np.array(corner_offset)[:, np.newaxis]
        weight = np.where(np.array(corner_offset)[:, np.newaxis], part, 1 - part)
        inside = ((place >= 0) & (place < SIDE)).all(axis=0)
        weights.append(weight.prod(axis=0)[inside])
        rows.append(pixel[inside])
        columns.append((SIDE * place[0] + place[1])[inside])
    entries = np.concatenate(weights), tuple(map(np.concatenate, (rows, columns)))
    return sparse.csr_array(entries, shape=2 * pixel.shape, dtype=np.float32)


def distorted(X, distort, rng):
    """All images, distorted in parts that share few distortions."""
    return np.concatenate([distort(X[i : i + 200], rng) for i in range(0, len(X), 200)])


def train(X, y, distort, seed):
    """A dense network, trained on images that are distorted anew in every pass."""
    rng = np.random.default_rng(seed)
    mlp = MLPClassifier(WIDTHS, alpha=0, random_state=seed)
    for _ in range(PASSES[distort is not None]):
        order = rng.permutation(len(X))
        images = X[order] if distort is None else distorted(X[order], distort, rng)
        mlp.partial_fit(images, y[order], classes=np.unique(y))
    return mlp.set_params(batch_size=BATCH_SIZE)


def compressed(mlp, density, bits, X, seed):
    """The network with a share of the edges of the dense network."""
    compressor = CoresetCompressor(
        mlp,
        density=min(1.0, density * N_EDGES / n_edges_of(mlp)),
        bits=bits,
        validation_fraction=0.1,
        random_state=seed,
    )
    return compressor.fit(X)


def n_edges_of(mlp):
    return sum(np.count_nonzero(coef) for coef in mlp.coefs_)


def fitting(mlp, flash, density, X, seed):
    """The largest of a few compressed networks whose program fits.

    Density is found by false position: a line through the closest tries below and above
    the flash that is aimed at.
    """
    lowest, aim, highest = (share * flash for share in AIM)
    below, above, best = (FIXED_BYTES, 0.0), None, None
    for _ in range(N_TRIES):
        compressor = compressed(mlp, density, BITS, X, seed)
        size = flash_of(program_of(compressor, X))
        if size > highest:
            above = size, density
        elif size > below[0]:
            below, best = (size, density), compressor
        if lowest <= size <= highest:
            break
        if above:
            slope = (above[1] - below[1]) / (above[0] - below[0])
            density = below[1] + (aim - below[0]) * slope
        else:
            density *= (aim - FIXED_BYTES) / (size - FIXED_BYTES)
    if best is None:
        raise RuntimeError(f"No program of {N_TRIES} takes {flash} bytes or less.")
    return best


def program_of(estimator, X):
    return to_c(estimator, X, input_scale=1 / 255)


def flash_of(program):
    """Bytes of the whole program, measured if avr-gcc is there and it may fit."""
    if not has("avr-gcc") or program.flash_bytes > 30_000:
        return program.flash_bytes
    with tempfile.TemporaryDirectory() as folder:
        call = predict_call(program)
        return sizes_on_avr(program, SIDE**2, call, Path(folder))[0]


def milliseconds_of(program, X):
    """Mean time of an image on an ATmega328P of 16 MHz, if simavr is there."""
    if not has("avr-gcc", "simavr"):
        return ""
    images = np.rint(255 * X).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        call = predict_call(program)
        _, cycles, _ = run_on_avr(program, images, call, Path(folder))
    return f"{cycles.mean() / 16e3:.1f}"


def load(data, chooses):
    """Images in [0, 1] to train on and to judge by, with their classes."""
    with np.load(data) as images:
        X, X_test = (
            images[name].reshape(-1, SIDE**2).astype(np.float32) / 255
            for name in ("X_train", "X_test")
        )
        y, y_test = images["y_train"], images["y_test"]
    if chooses:
        X, X_test = X[:-N_HELD_OUT], X[-N_HELD_OUT:]
        y, y_test = y[:-N_HELD_OUT], y[-N_HELD_OUT:]
    return X, y, X_test, y_test


def run(X, y, X_judge, y_judge, is_distorted, seed):
    """Train and compress; print a line for each network."""
    rng = np.random.default_rng(seed)
    kind = f"seed {seed}, " + ("augmented" if is_distorted else "not augmented")

    def distortions(strength):
        return Distortions(strength, rng) if is_distorted else None

    def show(name, estimator, n_edges="", integers="", flash="", time=""):
        floats = 100 * estimator.score(X_judge, y_judge)
        print(
            f"{kind + ', ' + name:34} {n_edges:>7} {floats:7.2f} {integers:>8} "
            f"{flash:>7} {time:>5}",
            flush=True,
        )

    def tuned(compressor, distort):
        """Networks of the same edges, each trained further than the one before."""
        networks = []
        for _ in range(N_TUNINGS):
            n_epochs = TUNING_PASSES[is_distorted]
            compressor.fine_tune(X, y, n_epochs=n_epochs, augment=distort)
            networks.append(compressor.to_dense())
        return networks

    def best(networks, flash):
        """The network that fits and is right on most training images."""
        sizes = [flash_of(program_of(mlp, X[:N_CALIBRATION])) for mlp in networks]
        fits = [mlp for mlp, size in zip(networks, sizes) if size <= flash]
        return max(fits or networks, key=lambda mlp: mlp.score(X, y))

    def calibration(distort):
        images = X[rng.permutation(len(X))[:N_CALIBRATION]]
        return images if distort is None else distorted(images, distort, rng)

    distort = distortions(DENSE_STRENGTH)
    mlp = train(X, y, distort, seed)
    show("dense", mlp)
    distort = distortions(FIRST_STRENGTH)
    first = compressed(mlp, FIRST_DENSITY, None, calibration(distort), seed)
    n_epochs = FIRST_PASSES[is_distorted]
    mlp = first.fine_tune(X, y, n_epochs=n_epochs, augment=distort).to_dense()
    show(f"{FIRST_DENSITY:.0%} of the edges", mlp)
    for flash, density, strength in SIZES:
        distort = distortions(strength)
        small = fitting(mlp, flash, density, calibration(distort), seed)
        mlp = best(tuned(small, distort), flash)
        program = program_of(mlp, X[:N_CALIBRATION])
        accuracy = 100 * np.mean(program.predict(X_judge) == y_judge)
        costs = flash_of(program), milliseconds_of(program, X_judge[:N_TIMED])
        show(f"{flash}", mlp, n_edges_of(mlp), f"{accuracy:.2f}", *costs)


def main(arguments):
    data = load(arguments.data, arguments.choose)
    print(f"{'network':34} {'edges':>7} {'floats':>7} {'integers':>8}", end=" ")
    print(f"{'flash':>7} {'ms':>5}")
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        for arm in arguments.arms:
            for seed in arguments.seeds:
                run(*data, ARMS[arm], seed)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", required=True, help="of tests.benchmarks.mnist")
    arguments.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    arguments.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS))
    arguments.add_argument(
        "--choose",
        action="store_true",
        help=f"hold the last {N_HELD_OUT} training images out, and judge by them",
    )
    main(arguments.parse_args())

"""Draw the figures of the front pages, and print the figures of the README.

OMP_NUM_THREADS=1 python doc/images/readme.py
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CompressionPathDisplay, CoresetCompressor, NetworkDisplay
from skcoreset.displays import palette

DENSITIES = (0.5, 0.3, 0.2, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01)
METHODS = {
    "refined": "o-",
    "magnitude": "^--",
    "sipp": "s--",
    "corenet": "v:",
    "uniform": "D:",
}
HERE = Path(__file__).parent

colored = ("text.color", "axes.labelcolor", "axes.titlecolor", "axes.edgecolor")
plt.rcParams |= dict.fromkeys((*colored, "xtick.color", "ytick.color"), palette.GREY)
plt.rcParams |= {"savefig.transparent": True, "savefig.dpi": 140}

# The README's network, and the table of what one can ask for
X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(
    X / 16, y, test_size=0.5, random_state=0
)
X_new, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=0.3, random_state=0
)
mlp = MLPClassifier(max_iter=500, random_state=0).fit(X_train, y_train)
print(f"original: {mlp.score(X_test, y_test):.1%}")
for asked in ({}, {"error": "prediction"}, {"density": 0.05}):
    compressor = CoresetCompressor(mlp, random_state=0, **asked).fit(X_new)
    accuracy = compressor.score(X_test, y_test)
    print(f"{asked}: {compressor.density_:.1%} of the edges, accuracy {accuracy:.1%}")
    print(compressor.certificate_)

# Its path and the choice, in the quick start
path = CoresetCompressor(mlp, random_state=0).fit(X_new)
display = CompressionPathDisplay.from_estimator(path, X_test, y_test)
display.figure_.set_size_inches(5.4, 5)
display.figure_.savefig(HERE / "path.png")

# The network itself, a small one
X = (X / 16).astype(np.float32)
X_train, X_rest, y_train, y_rest = train_test_split(
    X, y, train_size=800, random_state=0
)
X_cal, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=400, random_state=0
)
small = MLPClassifier((32, 16), max_iter=500, random_state=0).fit(X_train, y_train)
compressor = CoresetCompressor(small, density=0.05, random_state=0).fit(X_cal)
display = NetworkDisplay.from_estimator(compressor)
display.figure_.savefig(HERE / "network.png")
with Image.open(HERE / "network.png") as image:
    # an indexed palette makes the file a third as large
    image.quantize(method=Image.Quantize.FASTOCTREE).save(
        HERE / "network.png", optimize=True
    )

# Methods compared
mlp = MLPClassifier((100, 50), max_iter=300, random_state=0).fit(X_train, y_train)
figure, ax = plt.subplots(figsize=(5.4, 5), layout="constrained")
for (method, style), color in zip(METHODS.items(), palette.CYCLE):
    kept, scores = [1.0], [mlp.score(X_test, y_test)]
    for density in DENSITIES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            compressor = CoresetCompressor(
                mlp, method=method, density=density, random_state=0
            ).fit(X_cal)
        kept.append(compressor.density_)
        scores.append(compressor.score(X_test, y_test))
    ax.plot(kept, scores, style, color=color, markersize=4, label=method)
ax.set(
    xscale="log",
    xlabel="Edges kept",
    ylabel="Accuracy on new rows",
    ylim=(0, 1),
    title="Digits, 64-100-50-10 network",
)
ticks = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)
ax.set_xticks(ticks, [f"{tick:.0%}" for tick in ticks])
ax.minorticks_off()
ax.legend(loc="center left", frameon=False)
figure.savefig(HERE / "methods.png")

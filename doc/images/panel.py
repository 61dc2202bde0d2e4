"""Draw the panel of networks of the benchmarks as one picture, from its table.

python doc/images/panel.py
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from skcoreset.displays.palette import BLUE, GREY, ORANGE

HERE = Path(__file__).parent

# Rows of the table, the title of their axes, and where a logarithmic scale begins.
FIGURES = {
    "error, 90%": ("Error (90% of rows are below)", 1e-3),
    "changed (%)": ("Predictions changed (%)", 0.05),
    "promise (%)": ("Edges kept at the same promise (%)", None),
}

# "refined", its standard deviation, the best other method; ** marks what is worse.
CELL = re.compile(r"(\**)([\d.]+)\** ± [\d.]+ / ([\d.]+)")


def cells_of(figure):
    """Yield of each cell: the best other method, "refined", and whether it is worse."""
    with open(HERE.parent / "panel.csv", encoding="utf-8", newline="") as file:
        for _, name, *cells in csv.reader(file, delimiter=";", skipinitialspace=True):
            for match in map(CELL.match, cells if name == figure else ()):
                if match:
                    stars, refined, other = match.groups()
                    yield float(other), float(refined), stars.startswith("**")


colored = ("text.color", "axes.labelcolor", "axes.titlecolor", "axes.edgecolor")
plt.rcParams |= dict.fromkeys((*colored, "xtick.color", "ytick.color"), GREY)
plt.rcParams |= {"savefig.transparent": True, "savefig.dpi": 140}

figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
for ax, (name, (title, lowest)) in zip(axes, FIGURES.items()):
    others, refined, worse = np.array(list(cells_of(name))).T
    worse = worse.astype(bool)
    others, refined = (np.maximum(x, lowest or 0) for x in (others, refined))
    ax.plot(others[~worse], refined[~worse], "o", ms=4, alpha=0.6, mew=0, color=BLUE)
    ax.plot(others[worse], refined[worse], "X", ms=7, color=ORANGE)
    ax.axline((1, 1), slope=1, color=GREY, linewidth=1)
    ax.set(title=title, xlabel="Best other method")
    if lowest is None:
        ax.set(xlim=(0, 100), ylim=(0, 100))
    else:
        ax.set(xscale="log", yscale="log")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("")
        ax.set_aspect("equal", adjustable="datalim")
    print(f"{name}: {len(others)} cells, {(refined < others).sum()} below the line")
axes[0].set_ylabel('"refined"')
figure.savefig(HERE / "panel.png")

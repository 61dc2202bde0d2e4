"""Draw the network that loses its edges, and make the page to play with.

python doc/images/classroom.py
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor
from skcoreset.displays.palette import BLUE, GREY, ORANGE
from skcoreset.export import to_html

DENSITIES = (0.7, 0.5, 0.35, 0.25, 0.17, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01)
SECONDS = [2.5] + [1.2] * (len(DENSITIES) - 1) + [3.0]
WIDTH, HEIGHT, TOP = 720, 420, 36
HERE = Path(__file__).parent

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_train, X_rest, y_train, y_rest = train_test_split(
    X, y, train_size=800, random_state=0
)
X_cal, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=400, random_state=0
)
mlp = MLPClassifier((32, 16), max_iter=500, random_state=0).fit(X_train, y_train)

# Each network is made from the one before: edges that are gone stay gone, so that each
# is drawn once and vanishes at its time.
coefs, small = mlp.coefs_, mlp
n_edges = n_left = sum(coef.size for coef in coefs)
last = [np.zeros(coef.shape, dtype=int) for coef in coefs]
captions = [f"100% of the edges, {mlp.score(X_test, y_test):.1%} of new digits right"]
for frame, density in enumerate(DENSITIES, start=1):
    compressor = CoresetCompressor(
        small, density=density * n_edges / n_left, prune_neurons=False, random_state=0
    ).fit(X_cal)
    small, n_left = compressor.to_dense(), sum(c.nnz for c in compressor.coefs_)
    for vanishes, coef in zip(last, compressor.coefs_):
        kept = coo_array(coef).coords
        assert (vanishes[kept] == frame - 1).all()
        vanishes[kept] = frame
    accuracy = compressor.score(X_test, y_test)
    captions.append(f"{density:.0%} of the edges, {accuracy:.1%} of new digits right")

widths = [coefs[0].shape[0], *(coef.shape[1] for coef in coefs)]
x = np.linspace(20, WIDTH - 20, len(widths)).round().astype(int)
room = HEIGHT - TOP - 20
heights = [room * np.sqrt(n / max(widths)) for n in widths]
places = [
    (TOP + room / 2 + ((np.arange(n) + 0.5) / n - 0.5) * height).round(1)
    for n, height in zip(widths, heights)
]
ends = np.cumsum(SECONDS) / sum(SECONDS) * 100
n_frames = len(captions)

style, edges = [], []
for frame in range(n_frames):
    start, end = ([0.0, *ends][frame], ends[frame])
    name = f"c{frame}"
    # each caption is shown for the time of its frame
    style.append(
        f"@keyframes {name}{{0%{{opacity:{int(frame == 0)}}}"
        f"{start:.2f}%{{opacity:1}}{end:.2f}%,100%{{opacity:0}}}}"
        f".{name}{{animation:{name} {sum(SECONDS):g}s step-end infinite}}"
    )
    if frame < n_frames - 1:
        name = f"e{frame}"
        style.append(
            f"@keyframes {name}{{0%{{opacity:1}}{end:.2f}%,100%{{opacity:0}}}}"
            f".{name}{{animation:{name} {sum(SECONDS):g}s step-end infinite}}"
        )
    for sign, color in ((1, BLUE), (-1, ORANGE)):
        for low, high, width in ((0, 0.2, 0.6), (0.2, 0.5, 1.2), (0.5, 1.1, 2.2)):
            lines = []
            for layer, (left, right) in enumerate(pairwise(x)):
                coef, strength = coefs[layer], np.abs(coefs[layer])
                strength = strength / strength.max()
                chosen = (last[layer] == frame) & (np.sign(coef) == sign)
                chosen &= (strength >= low) & (strength < high)
                lines += [
                    f"M{left} {places[layer][i]}L{right} {places[layer + 1][j]}"
                    for i, j in np.argwhere(chosen)
                ]
            if lines:
                edges.append(
                    f'<path class="e{frame}" d="{"".join(lines)}" fill="none" '
                    f'stroke="{color}" stroke-width="{width}" '
                    f'stroke-opacity="{0.25 + 0.3 * width:.2f}"/>'
                )
neurons = [
    f'<circle cx="{at}" cy="{place}" r="{2.2 if len(column) > 40 else 4}"/>'
    for at, column in zip(x, places)
    for place in column
]
texts = [
    f'<text class="c{frame}" x="{WIDTH / 2:g}" y="26" opacity="0">{caption}</text>'
    for frame, caption in enumerate(captions)
]
style.append(
    # without motion: the network with 5% of the edges
    "@media (prefers-reduced-motion:reduce){*{animation:none!important}"
    + ",".join(f".e{frame}" for frame in range(DENSITIES.index(0.05) + 1))
    + f"{{opacity:0}}.c{DENSITIES.index(0.05) + 1}{{opacity:1}}}}"
)
(HERE / "thinning.svg").write_text(
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">\n'
    f"<style>{''.join(style)}</style>\n"
    + "\n".join(edges)
    + f'\n<g fill="{GREY}">{"".join(neurons)}</g>\n'
    + f'<g fill="{GREY}" text-anchor="middle" font-family="sans-serif" '
    + f'font-size="26">{"".join(texts)}</g>\n</svg>\n',
    encoding="utf-8",
)

# The page to play with: what is promised is how often the answer may change
compressor = CoresetCompressor(mlp, error="prediction", random_state=0).fit(X_cal)
page = to_html(
    compressor,
    X_cal,
    X_test,
    file=HERE.parent / "_static" / "digits.html",
    title="Draw a digit. Then drag the slider and see when the thinned network changes "
    "its mind.",
)
print(page.comparison)

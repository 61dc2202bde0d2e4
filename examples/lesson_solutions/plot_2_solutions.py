"""
2. Why sampling, and why refinement: solutions
==============================================

Solutions of the exercises in :ref:`sphx_glr_auto_examples_lesson_plot_2_sampling.py`.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor

warnings.simplefilter("ignore", UserWarning)
X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_new, y_train, y_new = train_test_split(X, y, train_size=800, random_state=0)
mlp = MLPClassifier((32, 16), learning_rate_init=0.005, max_iter=150, random_state=0)
mlp = mlp.fit(X_train, y_train)

# %%
# Exercise 1
# ----------
# Four times as many, because the error is proportional to one over the square root.

rng = np.random.default_rng(0)
contribution = X_new * np.maximum(mlp.coefs_[0][:, 0], 0)
exact = contribution.sum(axis=1)
q = (contribution / exact[:, np.newaxis]).max(axis=0)
q /= q.sum()
for m in (100, 200, 400):
    errors = []
    for _ in range(200):
        drawn = np.divide(rng.multinomial(m, q), m * q, out=np.zeros(64), where=q > 0)
        errors.append(np.abs(contribution @ drawn / exact - 1).max())
    print(f"{m} draws: {np.median(errors):.3f}")

# %%
# Exercise 2
# ----------

densities = [0.5, 0.2, 0.1, 0.05]


def agreement(density, images=500, **options):
    """Share of the last images on which thin and dense network agree."""
    compressor = CoresetCompressor(mlp, density=density, random_state=0, **options)
    compressor.fit(X_new[:images])
    return (compressor.predict(X_new[500:]) == mlp.predict(X_new[500:])).mean()


figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(densities, [agreement(d) for d in densities], "o-", label="refined")
for method, color in (("corenet", "C1"), ("magnitude", "C2")):
    for refine, style in ((False, "o:"), (True, "o-")):
        agrees = [agreement(d, method=method, refine=refine) for d in densities]
        label = method + (", refined weights" if refine else "")
        ax.plot(densities, agrees, style, color=color, label=label)
ax.set(xscale="log", xlabel="Share of edges kept", ylabel="Agreement with dense")
ax.set_xticks(densities, [f"{density:.0%}" for density in densities])
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# With many edges it matters more that they are trained. With few, the choice of edges
# matters as well.

# %%
# Exercise 3
# ----------

thin = CoresetCompressor(mlp, density=0.05, random_state=0).fit(X_new[:500])
n_left = np.diff(thin.coefs_[0].indptr)
figure, ax = plt.subplots(figsize=(3.5, 3), layout="constrained")
figure.colorbar(ax.imshow(n_left.reshape(8, 8), cmap="magma"), label="Edges left")
ax.set(xticks=[], yticks=[])
plt.show()
print(f"The network no longer looks at {(n_left == 0).sum()} of 64 pixels.")

# %%
# Exercise 4
# ----------

for images in (30, 100, 500):
    print(f"{images} images: agreement {agreement(0.05, images):.3f}")

# %%
# With few images, the thin network gives the outputs of the dense one on these images
# but not on others: it overfits, like any training. How good it is must be measured on
# images that it has not seen. Every guarantee in the next notebook does so.

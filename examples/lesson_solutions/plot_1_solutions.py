"""
1. What a sensitivity is: solutions
===================================

Solutions of the exercises in
:ref:`sphx_glr_auto_examples_lesson_plot_1_sensitivity.py`.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_new, y_train, y_new = train_test_split(X, y, train_size=800, random_state=0)
mlp = MLPClassifier((32, 16), learning_rate_init=0.005, max_iter=150, random_state=0)
mlp = mlp.fit(X_train, y_train)


def shares_of(inputs, weights):
    """Share of each positive edge of a neuron in its sum, for each row."""
    contribution = inputs * np.maximum(weights, 0)
    total = contribution.sum(axis=1, keepdims=True)
    return np.divide(
        contribution, total, out=np.zeros_like(contribution), where=total > 0
    )


# %%
# Exercise 1
# ----------

weights = mlp.coefs_[0][:, 0]
share = shares_of(X_new, weights)
sensitivity = share.max(axis=0)
figure, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
for ax, pixels, title in zip(
    axes, (sensitivity, X_new.mean(axis=0)), ("Sensitivity", "Mean image")
):
    figure.colorbar(ax.imshow(pixels.reshape(8, 8), cmap="magma"), ax=ax)
    ax.set(title=title, xticks=[], yticks=[])
plt.show()

# %%
# Yes, at the border. Such a pixel is lit in few images, but there it can contribute
# much of the sum. The sensitivity asks for the worst case, not for the usual case.

# %%
# Exercise 2
# ----------

numbers = [10, 30, 100, 300, 900]
sums = [share[:n].max(axis=0).sum() for n in numbers]
figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.plot(numbers, sums, "o-")
ax.set(xscale="log", xlabel="Images", ylabel="Sum of the sensitivities")
plt.show()

# %%
# The maximum over more images is never smaller. It grows ever more slowly, but no
# number is certainly enough: there may always be a stranger image. This is why a
# promise needs images of its own, which is the subject of the third notebook.

# %%
# Exercise 3
# ----------

mean = share.mean(axis=0)
edge = np.where(sensitivity > 0.05, mean, 1).argmin()
image = share[:, edge].argmax()
print(
    f"pixel {edge}: mean share {mean[edge]:.4f}, sensitivity {sensitivity[edge]:.2f}, "
    f"on image {image}"
)
figure, ax = plt.subplots(figsize=(3, 3), layout="constrained")
ax.imshow(X_new[image].reshape(8, 8), cmap="gray")
ax.set(title=f"a {y_new[image]}", xticks=[], yticks=[])
plt.show()

# %%
# On average the edge contributes next to nothing. Without it, this image would lose a
# visible share of the neuron's positive sum, and an average over images would not show
# it.

# %%
# Exercise 4
# ----------

hidden = np.maximum(X_new @ mlp.coefs_[0] + mlp.intercepts_[0], 0)
for name, inputs, coef in (
    ("first", X_new, mlp.coefs_[0]),
    ("second", hidden, mlp.coefs_[1]),
):
    ratios = [
        shares_of(inputs, column).max(axis=0).sum() / (column > 0).sum()
        for column in coef.T
    ]
    print(f"{name} hidden layer: sum / edges, median {np.median(ratios):.2f}")

# %%
# The ratio is larger in the second layer. The 32 neurons of the first layer differ more
# from image to image than the pixels do, and more of them take turns. Narrow layers
# have fewer edges to spare than wide ones.

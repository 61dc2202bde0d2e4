"""
1. What a sensitivity is
========================

A trained network has thousands of edges, and most of them hardly matter. Which ones do?
In this notebook you find out for a single neuron, with a few lines of NumPy. (45
minutes; a few seconds of computing.)
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

# %%
# A network that reads digits
# ---------------------------
# scikit-learn comes with 1,797 images of handwritten digits, 8 by 8 pixels. 800 of them
# train a network; it never sees the others.

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
n_edges = sum(coef.size for coef in mlp.coefs_)
print(f"{n_edges} edges, accuracy on new images {mlp.score(X_new, y_new):.3f}")

# %%
# One neuron
# ----------
# A neuron adds up what its edges contribute: edge `j` contributes its weight times
# pixel `j`. Positive and negative weights pull in different directions, so we look at
# them separately. Here are the positive edges of neuron 0 in the first hidden layer.

weights = mlp.coefs_[0][:, 0]
positive = weights > 0
contribution = X_new[:, positive] * weights[positive]
print(f"{positive.sum()} positive edges, {len(contribution)} images")

# %%
# What matters is the *share* of the sum that an edge contributes. For one image:

share = contribution / contribution.sum(axis=1, keepdims=True)
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.bar(np.arange(positive.sum()), share[0])
ax.set(xlabel="Positive edge", ylabel="Share of the sum", title="One image")
plt.show()

# %%
# On another image other edges matter. The **sensitivity** of an edge is the largest
# share that it has on *any* of the images. An edge of small sensitivity never matters
# much, whatever the image.

sensitivity = share.max(axis=0)
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.bar(np.arange(positive.sum()), np.sort(sensitivity)[::-1], label="sensitivity")
ax.bar(np.arange(positive.sum()), np.sort(share[0])[::-1], label="share in one image")
ax.set(xlabel="Positive edge, sorted", ylabel="Share of the sum")
ax.legend()
plt.show()

# %%
# The sum of the sensitivities
# ----------------------------
# In one image the shares add up to 1. The sensitivities add up to more, because
# different edges have their largest share on different images. Their sum says how many
# edges *take turns* at being important. If each edge made up the whole sum on some
# image, the sum would be the number of edges.

print(f"sum of the sensitivities {sensitivity.sum():.1f}, edges {positive.sum()}")

# %%
# The next notebook draws edges at random, in proportion to their sensitivities. How
# many draws a neuron needs depends on this sum, not on the number of its edges.
# Therefore a wide layer can be made thin.

# %%
# Exercise 1
# ----------
# Draw the sensitivities as an image of 8 by 8 pixels (0 where the weight is not
# positive) next to the mean image. Are there pixels with a high sensitivity that are
# nearly always dark? How can that be?

# your turn

# %%
# Exercise 2
# ----------
# Compute the sensitivities from the first 10, 30, 100, 300 and 900 images. Plot their
# sum against the number of images. Can a sensitivity ever become smaller when images
# are added? Is there a number of images that is enough?

# your turn

# %%
# Exercise 3
# ----------
# Someone proposes the *mean* share as a simpler measure than the largest share. Among
# the edges with a sensitivity above 0.05, find the one with the smallest mean share. On
# which image does it matter? What would happen to this image without the edge?

# your turn

# %%
# Exercise 4
# ----------
# Do the same for all neurons of the second hidden layer. Their inputs are the outputs
# of the first, `np.maximum(X_new @ mlp.coefs_[0] + mlp.intercepts_[0], 0)`. Compare the
# sum of the sensitivities with the number of edges: is the ratio larger or smaller than
# in the first layer?

# your turn

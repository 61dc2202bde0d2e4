"""
Does the promise still hold?
============================

A promise is about new rows like the held-out ones. A monitor checks, without labels,
whether it is still kept: it compares the compressed network with the original.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor, MonitorDisplay

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, _ = train_test_split(
    X / 16, y, train_size=600, random_state=0
)
X_new, X_later = train_test_split(X_rest, test_size=500, random_state=0)
mlp = MLPClassifier((50,), max_iter=1000, random_state=0).fit(X_train, y_train)

# %%
# With a `confidence` the promise is about this network, which is what can be watched.

compressor = CoresetCompressor(
    mlp, epsilon=0.1, delta=0.1, confidence=0.95, random_state=0
).fit(X_new)
print(compressor.certificate_)

# %%
# Some digits come in. Then the scanner gets dirty: a grey veil lies over every image,
# at first hardly visible. The monitor takes the images as they come. Nobody has to say
# which digits they are.

monitor = compressor.certificate_.monitor(mlp, compressor)
monitor.update(X_later[:250])
veil = np.linspace(0, 0.6, 250)[:, np.newaxis]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    monitor.update(X_later[250:] * (1 - veil) + veil)
print(caught[0].message)

# %%
# The evidence starts at 1. When it reaches 20, the monitor raises an alarm: if nothing
# had changed, the probability that it ever gets there would be at most 5%.

MonitorDisplay.from_monitor(monitor)
plt.show()

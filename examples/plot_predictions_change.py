"""
How small can it get before predictions change?
===============================================

With ``error="prediction"`` the bound is on predictions, not on outputs: at most a share
`delta` of them may differ from those of the original network.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CompressionPathDisplay, CoresetCompressor

X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
X_train, X_rest, y_train, _ = train_test_split(
    X, y, train_size=700, random_state=0, stratify=y
)
X_calibration, X_test = train_test_split(X_rest, test_size=400, random_state=0)
mlp = MLPClassifier((128, 64), max_iter=300, random_state=0).fit(X_train, y_train)

# %%
# Held-out rows decide how far the network may shrink. A promise at `delta` takes at
# least ``1 / delta - 1`` of them, and more of them make it less cautious: two fifths of
# the calibration rows are held out here.

print("delta   edges kept   changed on fresh rows")
for delta in [0.02, 0.05, 0.1]:
    compressor = CoresetCompressor(
        mlp, error="prediction", delta=delta, validation_fraction=0.4, random_state=0
    ).fit(X_calibration)
    changed = (compressor.predict(X_test) != mlp.predict(X_test)).mean()
    print(f"{delta:<8g}{compressor.density_:>10.1%}{changed:>24.1%}")

# %%
# The last certificate as a sentence, and the path that it is about. A row counts as
# lost from the first network on that changes its prediction, also where a sparser one
# changes it back: what decides (below) is larger than the share of predictions that a
# single network changes (above).

print(compressor.certificate_)
_ = CompressionPathDisplay.from_estimator(compressor)

"""
How small can it get before predictions change?
===============================================

With ``error="prediction"`` the promise is about predicted classes: at most a share
`delta` of them may differ from the original's.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from skcoreset import CompressionPathDisplay, CoresetCompressor

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, _ = train_test_split(
    X / 16, y, train_size=700, random_state=0
)
X_new, X_test = train_test_split(X_rest, test_size=400, random_state=0)
mlp = MLPClassifier((128, 64), max_iter=300, random_state=0).fit(X_train, y_train)

# %%
# Held-out rows decide how small the network may get. A promise at `delta` needs at
# least ``1 / delta - 1`` of them, and with more of them the check is less cautious.
# Here 40% of the rows are held out.

print("delta   edges kept   changed on new rows")
for delta in [0.02, 0.05, 0.1]:
    compressor = CoresetCompressor(
        mlp, error="prediction", delta=delta, validation_fraction=0.4, random_state=0
    ).fit(X_new)
    changed = (compressor.predict(X_test) != mlp.predict(X_test)).mean()
    print(f"{delta:<8g}{compressor.density_:>10.1%}{changed:>22.1%}")

# %%
# The promise is kept on average over the draws of held-out and new rows. For one
# network the share of changed predictions may lie a little above `delta`.
#
# The last certificate, and the path that it is about. The check counts a row if this
# network or the one before it changes the prediction. Therefore the number that decides
# (below) is larger than the share that a single network changes (above).

print(compressor.certificate_)
CompressionPathDisplay.from_estimator(compressor)
plt.show()

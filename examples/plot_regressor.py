"""
Compress a regressor in a pipeline
==================================

A fitted pipeline that ends in an `MLPRegressor` is compressed as a whole: the scaler
stays, the network becomes sparse.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import matplotlib.pyplot as plt
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CompressionPathDisplay, CoresetCompressor, InputDensityDisplay

# %%
# Ten features, of which the target depends on the first five.

X, y = make_friedman1(3000, noise=0.5, random_state=0)
X_train, X_rest, y_train, y_rest = train_test_split(X, y, test_size=0.5, random_state=0)
X_new, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=0.4, random_state=0
)
pipeline = make_pipeline(
    StandardScaler(),
    MLPRegressor(
        hidden_layer_sizes=(64, 32), early_stopping=True, max_iter=1000, random_state=0
    ),
).fit(X_train, y_train)

# %%
# The default for regressors: 95% of new predictions are within 0.1 standard deviations
# of the original's.

compressor = CoresetCompressor(pipeline, random_state=0).fit(X_new)
print(compressor.certificate_)

# %%
# The path, with the score of the original and of the chosen network:

CompressionPathDisplay.from_estimator(compressor, X_test, y_test)
plt.show()

# %%
# How many edges of each input are left. The target does not depend on x5 to x9, but
# this network reads them nevertheless, and compression keeps what the network does:

InputDensityDisplay.from_estimator(compressor)
plt.show()

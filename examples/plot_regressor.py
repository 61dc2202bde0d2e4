"""
Compress a regressor in a pipeline
==================================

A fitted pipeline that ends in an `MLPRegressor` is compressed as it is: the scaler
stays, the network becomes sparse.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcoreset import CompressionPathDisplay, CoresetCompressor, InputDensityDisplay

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X_train, X_rest, y_train, y_rest = train_test_split(X, y, test_size=0.5, random_state=0)
X_calibration, X_test, _, y_test = train_test_split(
    X_rest, y_rest, test_size=0.4, random_state=0
)
pipeline = make_pipeline(
    StandardScaler(),
    MLPRegressor(hidden_layer_sizes=(64, 32), max_iter=1000, random_state=0),
).fit(X_train, y_train)

# %%
# "For nine patients of ten the prediction is within a tenth of the network's":

compressor = CoresetCompressor(pipeline, epsilon=0.1, delta=0.1, random_state=0)
compressor.fit(X_calibration)
print(compressor.certificate_)
print(compressor.estimator_)

# %%
# The path, with the score of the original and of the chosen network:

_ = CompressionPathDisplay.from_estimator(compressor, X_test, y_test)

# %%
# What is kept of each input:

_ = InputDensityDisplay.from_estimator(compressor)

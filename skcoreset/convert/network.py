"""The network of a fitted estimator, as it is written for others."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._wrapped import linear_inputs, network_of


def network_behind(estimator):
    """Return the network of a fitted estimator, with its scalers in the first layer.

    Parameters
    ----------
    estimator : CoresetCompressor, MLPClassifier, MLPRegressor or Pipeline

    Returns
    -------
    network : Network
        Dense, in the precision of the estimator's.

    Raises
    ------
    ValueError
        If a step of a Pipeline is no linear scaler.
    """
    check_is_fitted(estimator)
    inputs = linear_inputs(estimator)
    network = network_of(estimator).to_dense()
    if inputs.clips:
        raise ValueError(
            "A scaler before the network clips its values, which no layer can: fit it "
            "with clip=False."
        )
    if inputs.is_identity:
        return network
    coef, dtype = network.coefs[0].astype(float), network.dtype
    intercept = network.intercepts[0] + inputs.offset @ coef
    coef = inputs.scale[:, np.newaxis] * coef
    return network.with_weights(
        [coef.astype(dtype), *network.coefs[1:]],
        [intercept.astype(dtype), *network.intercepts[1:]],
    )

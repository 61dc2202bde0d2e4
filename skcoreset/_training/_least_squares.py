"""Least-squares reweighting of the edges that are kept."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from joblib import delayed
from scipy.linalg import cho_solve, cholesky
from sklearn.utils import gen_batches

from .._network import ACTIVATIONS
from .._parallel import one_blas_thread, run

# Penalty on moving a weight, relative to the mean of the Gram diagonal.
RIDGE = 1e-3

# Neurons solved in one task.
NEURONS_PER_TASK = 32


def reweight(compressed, network, X, *, ridge=RIDGE, n_jobs=None):
    """Least squares of the original pre-activations on the kept edges.

    Layer by layer from the input, every neuron is regressed, with an intercept, on
    what the layers reweighted so far let through.

    Parameters
    ----------
    compressed, network, X, n_jobs
        As in :func:`refine`.

    ridge : float, default=1e-3
        Penalty on the squared distance from the weights of `compressed`, relative to
        the mean of the diagonal of the layer's centred Gram matrix.

    Returns
    -------
    reweighted : Network
    """
    dtype = network.working_dtype(X)
    hidden = ACTIVATIONS[network.activation]
    A = A_hat = X.astype(dtype, copy=False)
    coefs, intercepts = [], []
    for old, coef, intercept in zip(
        compressed.coefs, network.coefs, network.intercepts
    ):
        Z = A @ coef.astype(dtype, copy=False)
        Z += intercept
        center, mean = A_hat.mean(axis=0), Z.mean(axis=0)
        A_hat = A_hat - center
        new = _regress(A_hat, Z - mean, old, ridge, n_jobs)
        coefs.append(new)
        intercepts.append(mean - center @ new)
        A, A_hat = Z, A_hat @ new.astype(dtype)
        A_hat += mean
        hidden(A)
        hidden(A_hat)
    return compressed.with_weights(coefs, intercepts).astype(compressed.dtype)


def _regress(A, Z, old, ridge, n_jobs):
    """Ridge regression of every column of centred Z on the columns of A it keeps."""
    gram = (A.T @ A).astype(np.float64, copy=False)
    moments = (A.T @ Z).astype(np.float64, copy=False)
    penalty = ridge * gram.diagonal().mean() or 1.0
    blocks = run(
        (
            delayed(_solve)(gram, moments[:, neurons], old[:, neurons], penalty)
            for neurons in gen_batches(old.shape[1], NEURONS_PER_TASK)
        ),
        n_jobs,
    )
    return np.hstack(blocks)


@one_blas_thread
def _solve(gram, moments, old, penalty):
    """Solve the normal equations of each neuron for the edges that it keeps."""
    coef = np.zeros(old.shape)
    for neuron, weights in enumerate(old.T):
        kept = np.flatnonzero(weights)
        if not len(kept):
            continue
        H = gram[np.ix_(kept, kept)]
        H.flat[:: len(kept) + 1] += penalty
        factor = cholesky(H, lower=True, overwrite_a=True, check_finite=False)
        target = moments[kept, neuron] + penalty * weights[kept]
        coef[kept, neuron] = cho_solve((factor, True), target, check_finite=False)
    return coef

"""Least-squares reweighting of the kept edges."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from joblib import delayed
from scipy import sparse
from scipy.linalg import cho_solve, cholesky
from scipy.sparse.linalg import LinearOperator, lsmr
from sklearn.utils import gen_batches

from .._network import ACTIVATIONS, dense
from .._parallel import one_blas_thread, run

# Penalty on moving a weight, relative to the mean of the Gram diagonal.
RIDGE = 1e-3

# Neurons solved in one task.
NEURONS_PER_TASK = 32

# With more inputs the Gram matrix of a layer would take more than 128 MB: each neuron
# gets equations of its own.
N_INPUTS_GRAM = 4096

# The equations of one neuron are solved directly if it has at most N_EQUATIONS rows or
# kept inputs, and otherwise iteratively, until the gradient is small.
N_EQUATIONS = 1024
TOLERANCE, MAX_ITER = 1e-6, 500


def reweight(
    compressed,
    network,
    X,
    *,
    ridge=RIDGE,
    n_jobs=None,
    n_inputs_gram=N_INPUTS_GRAM,
    n_equations=N_EQUATIONS,
):
    """Fit the original pre-activations by least squares on the kept edges.

    Layer by layer from the input, every neuron is regressed, with an intercept, on the
    activations after the layers that are already reweighted.

    Parameters
    ----------
    compressed, network, X, n_jobs
        As in :func:`refine`.

    ridge : float, default=1e-3
        Penalty on the squared distance from the weights of `compressed`, relative to
        the mean of the diagonal of the layer's centred Gram matrix.

    n_inputs_gram : int, default=4096
        Most inputs of a layer that is solved with one Gram matrix.

    n_equations : int, default=1024
        Largest system of one neuron that is solved directly.

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
        Z_centred = Z - mean
        if sparse.issparse(A_hat) or A_hat.shape[1] > n_inputs_gram:
            new = _regress_wide(
                A_hat, center, Z_centred, old, ridge, n_jobs, n_equations
            )
            A_hat = A_hat @ new.astype(dtype)
            A_hat += mean - center @ new
        else:
            A_hat = A_hat - center
            new = _regress(A_hat, Z_centred, old, ridge, n_jobs)
            A_hat = A_hat @ new.astype(dtype)
            A_hat += mean
        coefs.append(new)
        intercepts.append(mean - center @ new)
        A = Z
        hidden(A)
        hidden(A_hat)
    return compressed.with_weights(coefs, intercepts).astype(compressed.dtype)


def _regress(A, Z, old, ridge, n_jobs):
    """Ridge regression of every column of centred Z on the columns of A it keeps."""
    gram = (A.T @ A).astype(np.float64, copy=False)
    moments = (A.T @ Z).astype(np.float64, copy=False)
    penalty = ridge * gram.diagonal().mean() or 1.0
    calls = (
        delayed(_solve)(gram, moments[:, neurons], old[:, neurons], penalty)
        for neurons in gen_batches(old.shape[1], NEURONS_PER_TASK)
    )
    return np.hstack(run(calls, n_jobs))


@one_blas_thread
def _solve(gram, moments, old, penalty):
    """Solve the normal equations of each neuron for the edges that it keeps."""
    coef = np.zeros(old.shape)
    for neuron, weights in enumerate(old.T):
        kept = np.flatnonzero(weights)
        target = moments[kept, neuron] + penalty * weights[kept]
        coef[kept, neuron] = _solve_ridge(gram[np.ix_(kept, kept)], penalty, target)
    return coef


def _solve_ridge(H, penalty, target):
    """`(H + penalty I)^-1 target`; overwrites H."""
    if not len(target):
        return target
    H.flat[:: len(H) + 1] += penalty
    factor = cholesky(H, lower=True, overwrite_a=True, check_finite=False)
    return cho_solve((factor, True), target, check_finite=False)


def _regress_wide(A, center, Z, old, ridge, n_jobs, n_equations):
    """Like `_regress` for A that is not centred, and is sparse or has many columns."""
    if sparse.issparse(A):
        A = A.tocsc()  # columns are taken
        squares = np.square(A.data, dtype=np.float64).sum()
    else:
        squares = np.vdot(A, A).astype(np.float64)
    squares -= A.shape[0] * np.square(center, dtype=np.float64).sum()
    penalty = ridge * max(squares, 0) / A.shape[1] or 1.0
    calls = (
        delayed(_solve_wide)(
            A, center, Z[:, neurons], old[:, neurons], penalty, n_equations
        )
        for neurons in gen_batches(old.shape[1], NEURONS_PER_TASK)
    )
    return np.hstack(run(calls, n_jobs))


@one_blas_thread
def _solve_wide(A, center, Z, old, penalty, n_equations):
    """Regress each neuron on the inputs that it keeps."""
    coef = np.zeros(old.shape)
    for neuron, weights in enumerate(old.T):
        kept = np.flatnonzero(weights)
        part, mean, weights = A[:, kept], center[kept], weights[kept]
        missing = Z[:, neuron] - (part @ weights - mean @ weights)
        change = _solve_rows(part, mean, missing, penalty, n_equations)
        coef[kept, neuron] = weights + change
    return coef


def _solve_rows(A, center, target, penalty, n_equations):
    """Ridge regression of a target on the centred columns of A."""
    if min(A.shape) > n_equations:
        centred = LinearOperator(
            A.shape,
            matvec=lambda v: A @ v.astype(A.dtype, copy=False) - center @ v,
            rmatvec=lambda u: A.T @ u.astype(A.dtype, copy=False) - center * u.sum(),
            dtype=np.float64,
        )
        return lsmr(
            centred,
            target.astype(np.float64, copy=False),
            damp=np.sqrt(penalty),
            atol=TOLERANCE,
            btol=TOLERANCE,
            maxiter=MAX_ITER,
        )[0]
    A = dense(A) - center
    if A.shape[1] <= A.shape[0]:
        H = (A.T @ A).astype(np.float64, copy=False)
        return _solve_ridge(H, penalty, A.T @ target)
    # One equation for each row.
    H = (A @ A.T).astype(np.float64, copy=False)
    return A.T @ _solve_ridge(H, penalty, target).astype(A.dtype, copy=False)

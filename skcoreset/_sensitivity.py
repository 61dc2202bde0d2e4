"""Empirical sensitivity of edges and the bounds on neurons: the hot kernel."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise, product

import numpy as np
from joblib import delayed
from scipy import sparse
from sklearn.utils import gen_batches, gen_even_slices

from ._errors import ratio
from ._parallel import one_blas_thread, run

# Bytes of shares computed in one call, and points in them: large enough for the
# interpreter's overhead and lock not to matter, and small enough for the L2 cache.
SCRATCH_BYTES, POINTS_PER_BLOCK = 2**20, 2048

# Edge-points in one task, which takes some tens of milliseconds.
TASK_SIZE = 40_000_000


def sensitivity(A, coef, **options):
    """Empirical sensitivity of every edge of a layer.

    It is the largest share, on any point, that the edge has of its half-sum (Baykal et
    al. 2019, Definition 1). The edges of a neuron are split into half-sums by the sign
    of the weight; if inputs have both signs, also by the sign of the input, and the
    larger of the two shares counts.

    Parameters
    ----------
    A : {ndarray, sparse array} of shape (n_points, n_in)
        Activations that enter the layer.

    coef : ndarray of shape (n_in, n_out)
        Weights of the layer.

    **options
        As in :func:`sensitivities`.

    Returns
    -------
    sensitivities : ndarray of shape (n_in, n_out), dtype of `coef`
        Between 0 and 1. An edge whose input is 0 on all points has 0.
    """
    return sensitivities([(A, coef)], **options)[0]


def sensitivities(
    layers,
    *,
    n_jobs=None,
    task_size=TASK_SIZE,
    scratch_bytes=SCRATCH_BYTES,
    points_per_block=POINTS_PER_BLOCK,
):
    """Return the `sensitivity` of the edges of several layers.

    Parameters
    ----------
    layers : iterable of pairs (A, coef)

    n_jobs : int, default=None
        Blocks of neurons that run in parallel.

    task_size, scratch_bytes, points_per_block : int
        Edge-points in one task; bytes of shares, and points, in one call. The result
        depends on none of these.
    """
    tasks, ends, scattered = [], [], []
    for A, coef in layers:
        lit, shape = slice(None), coef.shape
        if sparse.issparse(A):
            # Other inputs have sensitivity 0. At least one, as blocks are not empty.
            lit = np.union1d(A.tocsr().indices, 0)
            A, coef = A[:, lit].toarray(), coef[lit]
        scattered.append((lit, shape))
        coef, parts = _at_one_scale(A, coef)
        n_neurons = max(1, task_size // max(1, A.size))
        for neurons in gen_batches(coef.shape[1], n_neurons):
            # Each part is an argument of its own, which a cluster is sent once.
            task = delayed(_sensitivity_of_neurons)
            tasks.append(
                task(scratch_bytes, points_per_block, coef[:, neurons], *parts)
            )
        ends.append(len(tasks))
    blocks = run(tasks, n_jobs)
    results = []
    for (lit, shape), (start, end) in zip(scattered, pairwise([0, *ends])):
        results.append(np.zeros(shape, blocks[start].dtype))
        results[-1][lit] = np.hstack(blocks[start:end])
    return results


def mean_relative_importance(A, coef):
    """Mean over the points of the shares of which `sensitivity` is the maximum.

    Parameters and result have the same form. If inputs have both signs the shares of
    the two half-sums are added: a point contributes to one of them only.
    """
    coef, parts = _at_one_scale(A, coef)
    out = np.zeros_like(coef)
    for AT, sign in product(parts, (1, -1)):
        shares = AT @ _reciprocals(AT, sign * coef).T
        out += np.maximum(sign * coef, 0) * shares
    out /= A.shape[0]
    return out


def _at_one_scale(A, coef):
    """Scaled weights, and the transposed inputs: positive, then any negative ones.

    Shares do not depend on the scale of a point or of a neuron, and at scale 1 no
    product overflows.
    """
    A = A.astype(coef.dtype, copy=False)
    if sparse.issparse(A):
        A = A.tocsr()
        largest = np.repeat(abs(A).max(axis=1).toarray(), np.diff(A.indptr))
        values = np.divide(
            A.data, largest, out=np.zeros_like(A.data), where=largest > 0
        )
        A = sparse.csr_array((values, A.indices, A.indptr), A.shape)
        parts = [A.maximum(0).T, (-A).maximum(0).T]
        return _scaled(coef, axis=0), [part for part in parts if part.nnz]
    A = _scaled(A, axis=1)
    parts = [np.ascontiguousarray(np.maximum(A, 0).T)]
    if (A < 0).any():
        parts.append(np.ascontiguousarray(np.maximum(-A, 0).T))
    return _scaled(coef, axis=0), parts


def _scaled(array, axis):
    """Divide by the largest magnitude along `axis`."""
    largest = np.abs(array).max(axis=axis, keepdims=True, initial=0)
    return np.divide(array, largest, out=np.zeros_like(array), where=largest > 0)


def _reciprocals(AT, coef):
    """`1 / sum_k w_ik a_k(x)` over positive weights, (n_out, n_points); 1/0 is 0."""
    sums = np.maximum(coef, 0).T @ AT
    smallest = np.finfo(sums.dtype).tiny
    return np.divide(1, sums, out=np.zeros_like(sums), where=sums >= smallest)


@one_blas_thread
def _sensitivity_of_neurons(scratch_bytes, points_per_block, coef, *parts):
    """Sensitivity of a block of neurons; points stream through a scratch array.

    `s_ij = w_ij max_x a_j(x) r_i(x)` is a matrix product over (max, *).
    """
    n_points = parts[0].shape[1]
    out = np.zeros_like(coef)
    for AT, sign in product(parts, (1, -1)):
        R = _reciprocals(AT, sign * coef)
        neurons, inputs = np.nonzero(sign * coef.T > 0)
        ends = np.searchsorted(neurons, np.arange(coef.shape[1]), side="right")
        begins = [0, *ends[:-1]]
        largest = np.zeros(len(inputs), coef.dtype)
        for points in gen_even_slices(n_points, -(-n_points // points_per_block)):
            # `take` copies an array that is not contiguous as a whole, at every call.
            columns = np.ascontiguousarray(AT[:, points])
            n_edges = -(-scratch_bytes // columns[0].nbytes)
            scratch = np.empty((n_edges, columns.shape[1]), coef.dtype)
            for start in range(0, len(inputs), n_edges):
                edges = slice(start, start + n_edges)
                shares = scratch[: len(inputs[edges])]
                # mode="clip" writes into `out` without a hidden buffer.
                columns.take(inputs[edges], axis=0, out=shares, mode="clip")
                for i in range(neurons[edges][0], neurons[edges][-1] + 1):
                    part = shares[max(begins[i] - start, 0) : ends[i] - start]
                    part *= R[i, points]
                np.maximum(largest[edges], shares.max(axis=1), out=largest[edges])
        largest *= np.abs(coef[inputs, neurons])
        out[inputs, neurons] = np.maximum(out[inputs, neurons], largest)
    # Shares exceed 1 only by rounding errors.
    return np.minimum(out, 1, out=out)


def neuron_bounds(network, X):
    """Bound for each layer on how much its neurons magnify relative errors.

    `max_i mean_x sum_k |w_ik a_k(x)| / |sum_k w_ik a_k(x)|`, the intercept taken as an
    edge from the constant 1 (Baykal et al. 2019, Section 4.2, without `kappa`).

    Parameters
    ----------
    network : Network

    X : {ndarray, sparse array} of shape (n_samples, n_features)

    Returns
    -------
    bounds : ndarray of shape (n_layers,), float64
        Infinite where a neuron's sum is 0 and its terms are not.
    """
    activations = network.activations(X)
    bounds = []
    for layer, (A, coef, b) in enumerate(
        zip(activations, network.coefs, network.intercepts)
    ):
        magnitudes = abs(A) @ np.abs(coef) + np.abs(b)
        last = layer == len(network.coefs) - 1
        Z = activations[-1] if last else A @ coef + b
        bounds.append(ratio(magnitudes, np.abs(Z)).mean(axis=0).max())
    return np.array(bounds, dtype=float)

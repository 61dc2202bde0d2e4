"""Networks prepared for many rows: what prediction is made of."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from .._parallel import N_PARTS, serial_map
from .activations import ACTIVATIONS
from .arrays import OVERFLOW_ALLOWED, dense, is_mostly_zero
from .neurons import live_neurons, remove_neurons

# Layers with a smaller share of non-zero weights are faster as sparse matrices. (On
# machines with AVX2; SciPy's products do not use it, and BLAS does.)
SPARSE_BELOW = 0.12

# Rows that go through the layers together: many for BLAS, fewer for sparse products,
# whose operands should stay in the L2 cache. Sums over a power of two are fastest.
BLOCK_SIZE_DENSE, BLOCK_SIZE_SPARSE = 1024, 512


class ForwardPass:
    """A network prepared for many rows.

    A layer with few edges multiplies as a sparse matrix. Then activations are kept
    feature by feature, neurons that are not needed are left out, and inputs without
    edges are not looked at. Weights of sparse layers are copied: later changes have no
    effect.

    Parameters
    ----------
    network : Network

    sparse_below : float, default=0.12
        A layer is sparse if its share of non-zero weights is below this.

    block_size : int, default=None
        Rows that go through the layers together, so that memory does not grow with
        their number. None is 512 if a layer is sparse, or else 1024.
    """

    def __init__(self, network, *, sparse_below=SPARSE_BELOW, block_size=None):
        is_sparse = [is_mostly_zero(coef, sparse_below) for coef in network.coefs]
        network = network.to_dense()
        self._dtype, self._n_outputs = network.dtype, network.widths[-1]
        if any(is_sparse):
            network = remove_neurons(network)
            self._inputs = np.flatnonzero(live_neurons(network.coefs)[0])
            self._operators = [
                sparse.csr_array(coef.T) if few else coef.T
                for coef, few in zip(network.coefs, is_sparse)
            ]
            self._from_live = self._operators[0][:, self._inputs]
            self._intercepts = [b[:, np.newaxis] for b in network.intercepts]
            self._activate = ACTIVATIONS[network.activation]
            self._forward, default_size = self._by_features, BLOCK_SIZE_SPARSE
        else:
            self._forward, default_size = network.output, BLOCK_SIZE_DENSE
        self._block_size = block_size or default_size

    def __call__(self, X, thread_map=serial_map):
        """Return the output for rows of the network's dtype, as `Network.forward`."""
        if X.shape[0] <= self._block_size:
            return self._forward(X)
        F = np.empty((X.shape[0], self._n_outputs), self._dtype)

        def fill(blocks):
            for rows in blocks:
                F[rows] = self._forward(X[rows])

        blocks = list(gen_batches(X.shape[0], self._block_size))
        thread_map(fill, [blocks[part::N_PARTS] for part in range(N_PARTS)])
        return F

    @OVERFLOW_ALLOWED
    def _by_features(self, X):
        if sparse.issparse(X):
            first, A = self._operators[0], X.T
        else:
            first, A = self._from_live, X.T[self._inputs]
        operators = [first, *self._operators[1:]]
        for layer, (operator, b) in enumerate(zip(operators, self._intercepts)):
            if layer:
                self._activate(A)
            A = dense(operator @ A)
            A += b
        return A.T

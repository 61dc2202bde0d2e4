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
        self._by_features = any(is_sparse)
        self._network = network.to_dense()
        if self._by_features:
            self._network = remove_neurons(self._network)
            self._inputs = np.flatnonzero(live_neurons(self._network.coefs)[0])
            self._operators = [
                sparse.csr_array(coef.T) if few else coef.T
                for coef, few in zip(self._network.coefs, is_sparse)
            ]
            self._read = self._operators[0][:, self._inputs]
        sizes = BLOCK_SIZE_SPARSE if self._by_features else BLOCK_SIZE_DENSE
        self._block_size = block_size or sizes

    def __call__(self, X, thread_map=serial_map):
        """Return the output for rows; parameters are those of `Network.forward`."""
        forward = self._forward_by_features if self._by_features else self._forward
        X = self._network.cast(X)
        if X.shape[0] <= self._block_size:
            return forward(X)
        F = np.empty((X.shape[0], self._network.widths[-1]), self._network.dtype)

        def fill(blocks):
            for rows in blocks:
                F[rows] = forward(X[rows])

        blocks = list(gen_batches(X.shape[0], self._block_size))
        thread_map(fill, [blocks[part::N_PARTS] for part in range(N_PARTS)])
        return F

    def _forward(self, X):
        return self._network.activations(X)[-1]

    @OVERFLOW_ALLOWED
    def _forward_by_features(self, X):
        if sparse.issparse(X):
            first, A = self._operators[0], X.T
        else:
            first, A = self._read, X.T[self._inputs]
        activate = ACTIVATIONS[self._network.activation]
        layers = zip([first, *self._operators[1:]], self._network.intercepts)
        for layer, (operator, intercept) in enumerate(layers):
            if layer:
                activate(A)
            A = dense(operator @ A)
            A += intercept[:, np.newaxis]
        return A.T

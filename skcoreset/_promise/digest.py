"""Digests: SHA-256 of networks and rows, in a form that does not depend on storage.

:ref:`canonical_form` in the user guide describes the bytes, for programs that are not
this one.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

import numpy as np
from scipy import sparse

from .._errors import ERRORS
from .._network import dense
from .._wrapped import Predictor, is_fitted, is_mlp, last_step, network_of

# Cells that are made dense, or text, at a time.
BLOCK_SIZE = 2**20


@dataclass(frozen=True)
class Digest:
    """What identifies an estimator.

    Attributes
    ----------
    kind : {"network", "outputs"}
        "network" if `sha256` is of the weights; "outputs" if it is of what an estimator
        that is no network outputs on the held-out rows.

    sha256 : str
        64 hexadecimal digits.
    """

    kind: str
    sha256: str


def digest_of(estimator, X, error):
    """Return the digest of a fitted estimator.

    Parameters
    ----------
    estimator : fitted estimator

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Held-out rows, for what is no network.

    error : str
        A name in `ERRORS`: whether outputs or predictions are compared.
    """
    mlp = last_step(estimator)
    if is_mlp(mlp) and is_fitted(mlp):
        return digest_of_network(network_of(mlp))
    predictor = Predictor(estimator)
    if ERRORS[error].counts_rows:
        return Digest("outputs", digest_of_rows(predictor.predictions(X)))
    return Digest("outputs", digest_of_rows(predictor.outputs(X).values))


def digest_of_network(network):
    """Return the digest of the weights of a network.

    Parameters
    ----------
    network : Network
    """
    digest = sha256(b"skcoreset network 1\n")
    widths = network.coefs[0].shape[0], *network.widths
    digest.update(
        f"{network.activation} {network.out_activation} {network.dtype}\n"
        f"{' '.join(map(str, widths))}\n".encode()
    )
    for coef, intercept in zip(network.coefs, network.intercepts):
        for array in (dense(coef), intercept):
            digest.update(_bytes_of(array, network.dtype))
    return Digest("network", digest.hexdigest())


def digest_of_rows(X):
    """Return the SHA-256 of a table, as hexadecimal digits.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples,) or (n_samples, n_features)
        Numbers of any dtype, or cells of any other kind.
    """
    table = sparse.csr_array(X) if sparse.issparse(X) else _table(X)
    is_text = table.dtype == object
    n_features = table.shape[1] if table.ndim == 2 else 1
    kind = "table" if is_text else "rows"
    digest = sha256(f"skcoreset {kind} 1\n{table.shape[0]} {n_features}\n".encode())
    step = max(1, BLOCK_SIZE // max(1, n_features))
    ends = [*range(0, table.shape[0], step), table.shape[0]]
    for start, end in pairwise(ends):
        block = table[start:end]
        if is_text:
            digest.update(_text_of(block.reshape(len(block), -1)))
        else:
            digest.update(_bytes_of(dense(block), np.float64))
    return digest.hexdigest()


def _table(X):
    """An array of numbers if all cells are, else of objects."""
    try:
        table = np.asarray(X)
    except ValueError:  # texts, or lists, of different lengths
        table = np.empty(len(X), dtype=object)
        table[:] = list(X)
    if table.dtype.kind in "biuf":
        return table
    try:
        return table.astype(np.float64)
    except (TypeError, ValueError):
        return table.astype(object)


def _bytes_of(array, dtype):
    """Little-endian numbers, row by row; one zero and one NaN."""
    array = np.array(array, dtype=np.dtype(dtype).newbyteorder("<"), order="C")
    # -0.0 + 0.0 is 0.0
    array += 0.0
    array[np.isnan(array)] = np.nan
    return array.tobytes()


def _text_of(block):
    """Cells as text, each ended by a unit separator, and rows by a record separator."""
    rows = ("".join(f"{cell}\x1f" for cell in row) + "\x1e" for row in block.tolist())
    return "".join(rows).encode()

"""Memory: trained networks, kept in a store that processes share."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import sys
import warnings
from os import PathLike, fspath

from joblib import hash as hash_of
from sklearn.utils.validation import check_memory


def compute(name, number, function):
    """Stands in for a `Store` that keeps nothing."""
    return function()


def remembered_network(memory, number, function):
    """Return the network that a function returns, or has returned for this number."""
    return memory("network", number, lambda: function().to_sparse()).to_dense()


class Store:
    """What follows from some data, in a `joblib.Memory`.

    Parameters
    ----------
    memory : str, path or joblib.Memory

    *data
        All that the results follow from.
    """

    def __init__(self, memory, *data):
        if isinstance(memory, PathLike):
            memory = fspath(memory)
        # another release may train otherwise
        release = sys.modules[__package__].__version__
        self._key = hash_of((release, *data))
        self._compute = check_memory(memory).cache(_compute, ignore=["function"])
        # joblib logs it where an entry cannot be loaded
        self._compute.warn = _warn_of_entry

    def __call__(self, name, number, function):
        """Return the result of a function, from the store where it is in there.

        Parameters
        ----------
        name : str
            Which kind of result.

        number : int or ndarray
            Which of its kind.

        function : callable
            Called without an argument.
        """
        return self._compute(self._key, name, number, function)


def _compute(key, name, number, function):
    return function()


def _warn_of_entry(message):
    warnings.warn(
        f"An entry of the store `memory` could not be loaded, and is computed anew. "
        f"{message}",
        UserWarning,
    )

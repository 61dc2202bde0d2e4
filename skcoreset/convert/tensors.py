"""Arrays of ONNX files, and the memory that they take."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from math import prod

import numpy as np

# Types of the values of tensors, by their numbers in files; 16 is bfloat16.
DTYPES = {
    **{1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 8: "O", 9: "?"},
    **{10: "f2", 11: "f8", 12: "u4", 13: "u8", 16: "f4"},
}

# What a file says of a tensor that is stored in another file.
_EXTERNAL = 1

# Characters of a name that a message shows.
_MAX_NAME = 60


class RefusedError(Exception):
    """Why a tensor has no form in an MLP."""


class TooLargeError(ValueError):
    """A model takes more memory than it may."""


class Memory:
    """The memory that reading a model may take.

    Parameters
    ----------
    max_bytes : int or None
        None does not limit it.
    """

    def __init__(self, max_bytes):
        self._max_bytes, self._n_bytes = max_bytes, 0

    def take(self, n_bytes):
        """Count bytes that are about to be taken; refuse more than there may be."""
        self._n_bytes += n_bytes
        if self._max_bytes is not None and self._n_bytes > self._max_bytes:
            raise TooLargeError(
                f"Reading this model takes {self._n_bytes:,} bytes or more, over "
                f"max_bytes={self._max_bytes:,}. If you know whom it is from, allow "
                "more."
            )


def short(name):
    """A name as messages show it."""
    return name if len(name) <= _MAX_NAME else name[:_MAX_NAME] + "..."


def array_of(tensor, memory):
    """Return the values of an onnx.TensorProto.

    Returns
    -------
    array : ndarray

    Raises
    ------
    RefusedError
        If it is of a type that is not read.

    ValueError
        If it is damaged, in another file or larger than `memory` allows.
    """
    from onnx import numpy_helper

    name = short(tensor.name)
    if tensor.data_location == _EXTERNAL or tensor.external_data:
        raise ValueError(
            f"The weights {name!r} are in another file, which is not opened. Export "
            "the model into one file, torch.onnx.export(..., external_data=False); or "
            "pass onnx.load(path), if you trust both files."
        )
    if tensor.data_type not in DTYPES:
        raise RefusedError(
            f"The weights {name!r} are of a type that is not read (number "
            f"{tensor.data_type}). Convert the model as it was before it was quantized."
        )
    if min(tensor.dims, default=0) < 0:
        raise _damage(name)
    memory.take(8 * prod(tensor.dims))
    try:
        array = np.array(numpy_helper.to_array(tensor))
    except Exception as error:  # there is no list of what damage leads to
        raise _damage(name) from error
    return array.astype(DTYPES[tensor.data_type], copy=False)


def dense_array_of(tensor, memory):
    """Return the values of an onnx.SparseTensorProto as `array_of` does."""
    name, shape = short(tensor.values.name), tuple(tensor.dims)
    values, places = array_of(tensor.values, memory), array_of(tensor.indices, memory)
    if places.dtype != np.int64 or min(shape, default=0) < 1:
        raise _damage(name)
    memory.take(8 * prod(shape))
    if places.shape != (values.size,):
        if places.shape != (values.size, len(shape)):
            raise _damage(name)
        if (places < 0).any() or (places >= shape).any():
            raise _damage(name)
        places = np.ravel_multi_index(tuple(places.T), shape)
    if values.ndim != 1 or (places < 0).any() or (places >= prod(shape)).any():
        raise _damage(name)
    array = np.zeros(prod(shape), values.dtype)
    array[places] = values
    return array.reshape(shape)


def _damage(name):
    return ValueError(f"The weights {name!r} are damaged.")

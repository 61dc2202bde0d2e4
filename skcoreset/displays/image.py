"""Rows of features that are images."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from math import isqrt
from operator import index

# Nobody draws an image of fewer pixels: 7 x 7 features are a table.
SMALLEST_SIDE = 8


def check_image_shape(image_shape, n_features):
    """Return rows and columns of the image that a row of features is.

    Parameters
    ----------
    image_shape : tuple of 2 ints, "auto" or None
        "auto" takes a square number of features for an image, from 8 x 8 on.

    n_features : int

    Returns
    -------
    image_shape : tuple of 2 ints, or None
        None if the features are not pixels.

    Raises
    ------
    ValueError
        If `image_shape` is not two positive integers whose product is `n_features`.
    """
    if image_shape is None:
        return None
    if isinstance(image_shape, str) and image_shape == "auto":
        side = isqrt(n_features)
        is_square = side**2 == n_features and side >= SMALLEST_SIDE
        return (side, side) if is_square else None
    try:
        rows, columns = map(index, image_shape)
    except (TypeError, ValueError):
        raise ValueError(
            f"image_shape={image_shape!r} must be 'auto', None or two integers."
        ) from None
    if min(rows, columns) < 1 or rows * columns != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} has {rows * columns} pixels, but a row has "
            f"{n_features} features."
        )
    return rows, columns

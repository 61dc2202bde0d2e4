"""Provenance: which networks and rows a certificate is about, and when it was made."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import scipy
import sklearn

from .._version import __version__
from .digest import Digest


def _now():
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions():
    return {
        "python": platform.python_version(),
        "skcoreset": __version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }


@dataclass(frozen=True)
class Provenance:
    """Which networks and rows a certificate is about, and when it was made.

    Attributes
    ----------
    original, compressed : Digest

    rows_sha256 : str or None
        Of the held-out rows. None if no rows were held out.

    before : Digest or None
        The network before the chosen one on the path, if its rows count, too.

    lost_before : str
        The held-out rows that it loses, a bit each, as hexadecimal digits: the first
        row in the highest bit of the first digit. Empty without such a network.

    created : str
        When, in UTC, as ISO 8601 has it. Not compared by ``==``.

    versions : dict of str to str
        Of Python and the libraries. Not compared by ``==``.
    """

    original: Digest
    compressed: Digest
    rows_sha256: str | None = None
    before: Digest | None = None
    lost_before: str = ""
    created: str = field(default_factory=_now, compare=False)
    versions: dict = field(default_factory=_versions, compare=False)

    def mask_before(self, n_rows):
        """Which held-out rows count because of the network before, as bool."""
        if not self.lost_before:
            return np.zeros(n_rows, dtype=bool)
        bits = np.frombuffer(bytes.fromhex(self.lost_before), dtype=np.uint8)
        return np.unpackbits(bits, count=n_rows).astype(bool)


def packed(lost):
    """Return which rows are lost as hexadecimal digits, for `lost_before`."""
    return np.packbits(lost).tobytes().hex()

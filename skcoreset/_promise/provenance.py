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

    lost_before : bytes
        The held-out rows that it loses: a bit each, the first row in the highest bit of
        the first byte. Empty without such a network.

    created : str
        When, in UTC, as ISO 8601 has it. Not compared by ``==``.

    versions : dict of str to str
        Of Python and the libraries. Not compared by ``==``.
    """

    original: Digest
    compressed: Digest
    rows_sha256: str | None = None
    before: Digest | None = None
    lost_before: bytes = b""
    created: str = field(default_factory=_now, compare=False)
    versions: dict = field(default_factory=_versions, compare=False)

    def mask_before(self, n_rows):
        """Which held-out rows the network before loses, as bool."""
        bits = np.frombuffer(self.lost_before, dtype=np.uint8)
        return np.unpackbits(bits, count=n_rows).astype(bool)


def packed(lost):
    """Return rows that are lost as bits, for `Provenance.lost_before`."""
    return np.packbits(lost).tobytes()

"""Target: what is asked of a compressed network."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

from .._errors import ERRORS
from .rules import OnAverage, WithConfidence


@dataclass(frozen=True)
class Target:
    """What is asked of a compressed network.

    Parameters
    ----------
    error : str
        A name in `ERRORS`.

    epsilon : float or None, default=None
        Largest error of a row that is not lost. None is to be found, or plays no part.

    delta : float or None, default=0.05
        Share of rows that may be lost. None is to be found, which needs a confidence.

    confidence : float, default=None
        Of the promise for one network; None is the promise on average.
    """

    error: str
    epsilon: float | None = None
    delta: float | None = 0.05
    confidence: float | None = None

    @property
    def kind(self):
        """The `Error`."""
        return ERRORS[self.error]

    @property
    def rule(self):
        """Decides how many of the held-out rows may be lost."""
        if self.confidence is None:
            return OnAverage(self.delta)
        return WithConfidence(self.delta, self.confidence)

    def lost(self, errors):
        """Tell which rows are lost; those whose error is no number are."""
        return ~(errors <= (0 if self.kind.counts_rows else self.epsilon))


def check_n_rows(target, n_rows, which):
    """Refuse too few held-out rows; `which` says where the number comes from."""
    needed = target.rule.n_needed
    if n_rows < needed:
        raise ValueError(
            f"delta={target.delta!r} needs at least {target.rule.needs} = "
            f"{needed:.6g} held-out rows, and {which} {n_rows}: {needed - n_rows:.6g} "
            "are missing. Give more held-out rows or a larger delta."
        )

"""Training of kept parameters: one engine, whatever the objective.

A :class:`Trainer` minimises an objective (:class:`MatchOriginal`, :class:`FitLabels`);
a :class:`Descent` takes edges away in between. The rest is built of these.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from ._descent import Descent, steps_down
from ._engine import Trainer
from ._few_bits import FewBits, round_intercepts
from ._fine_tuning import fine_tune
from ._made_rows import stack
from ._objectives import FitLabels, MatchOriginal
from ._refinement import match, refine, rows_to_match
from ._rounding import Rounding
from ._short_codes import ShortCodes

__all__ = [
    "Descent",
    "FewBits",
    "FitLabels",
    "MatchOriginal",
    "Rounding",
    "ShortCodes",
    "Trainer",
    "fine_tune",
    "match",
    "refine",
    "round_intercepts",
    "rows_to_match",
    "stack",
    "steps_down",
]

"""Training of kept parameters: one engine, whatever the objective.

A :class:`Trainer` minimises an objective (:class:`MatchOriginal`, :class:`FitLabels`);
a :class:`Descent` takes edges away in between. The rest is built of these.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .descent import Descent, is_near, steps_down, steps_to
from .engine import Trainer
from .few_bits import FewBits, round_intercepts
from .fine_tuning import fine_tune
from .made_rows import stack
from .objectives import FitLabels, MatchOriginal
from .refinement import match, refine, rows_to_match

__all__ = [
    "Descent",
    "FewBits",
    "FitLabels",
    "MatchOriginal",
    "Trainer",
    "fine_tune",
    "is_near",
    "match",
    "refine",
    "round_intercepts",
    "rows_to_match",
    "stack",
    "steps_down",
    "steps_to",
]

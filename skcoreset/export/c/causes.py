"""Why an integer network may differ from its original: what the rows show."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from .inputs import feature_ranges

# Inputs or outputs that differ by more than this are named.
INPUT_RATIO, OUTPUT_RATIO = 1000, 30

# A feature whose readings in X span fewer values than this is measured too coarsely.
MIN_READINGS = 32

# A row with more than this share of the squared error is named.
MAX_WORST_SHARE = 0.5

# Fewer rows than this say too little of ranges.
MIN_ROWS = 30


def causes(program, linear, live, X, F):
    """Yield a sentence for each cause that can be seen.

    Parameters
    ----------
    program : IntegerProgram

    linear : LinearInputs
        What the original network gets of rows.

    live : ndarray of bool
        Which inputs have edges.

    X : ndarray of shape (n_samples, n_features)
        Rows as the original takes them.

    F : ndarray of shape (n_samples, n_outputs)
        Outputs of the original.
    """
    if len(X) < MIN_ROWS:
        yield few_rows(len(X))
    if not live.any():
        return
    inputs, names = program.network.inputs, program.input_names
    numbers = np.flatnonzero(live)
    beyond = inputs.beyond(X)[:, live]
    if beyond.any():
        worst = numbers[beyond.sum(axis=0).argmax()]
        share = beyond.any(axis=1).mean()
        yield (
            f"In {share:.2%} of the rows an input is beyond its range: "
            f"{names[worst]} goes from {X[:, worst].min():.6g} to "
            f"{X[:, worst].max():.6g}, the {inputs.span_text(worst)}."
        )
    if not inputs.is_float:
        n_values = 1 + np.ptp(inputs.read(X)[:, live].astype(int), axis=0)
        if n_values.max() < MIN_READINGS:
            yield (
                f"The readings have few values: no input takes more than "
                f"{n_values.max()} of {inputs.largest + 1}. As input_offset the "
                "smallest value of each input, and as input_scale its range divided by "
                f"{inputs.largest}, would use all."
            )
    widths = np.subtract(*feature_ranges(linear(X))[::-1])
    varying = numbers[widths[live] > 0]
    if len(varying):
        wide, narrow = (varying[f(widths[varying])] for f in (np.argmax, np.argmin))
        if widths[wide] > INPUT_RATIO * widths[narrow]:
            yield (
                f"The network gets inputs of different size: {names[wide]} varies by "
                f"{widths[wide]:.3g}, {names[narrow]} by {widths[narrow]:.3g}: put a "
                "StandardScaler before it, and train again."
            )
    worst = program.comparison.worst_error_share
    if worst > MAX_WORST_SHARE and len(X) >= MIN_ROWS:
        yield (
            f"{worst:.0%} of the squared error is in row "
            f"{program.comparison.worst_rows[0]}: is it like the others?"
        )
    scales = F.std(axis=0)
    if not program.is_classifier and scales.max() > OUTPUT_RATIO * scales.min():
        yield (
            f"The outputs differ in size: output {scales.argmax()} varies by "
            f"{scales.max():.3g}, output {scales.argmin()} by {scales.min():.3g}: "
            "scale y, and train again."
        )


def few_rows(n_rows):
    """What to say of ranges that come from few rows."""
    return (
        f"X has {n_rows} row{'s' * (n_rows > 1)}, from which the ranges of hidden "
        f"values come: other rows may be beyond them; take {MIN_ROWS} or more."
    )

"""Networks as users bring them: MLPs, their containers, and the rows they take."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from .columns import (
    columns_read,
)
from .containers import (
    changes_rows,
    check_is_compressor,
    is_compressor,
    is_fitted,
    is_mlp,
    last_step,
    levels,
    steps_before,
    thawed,
    with_last_step,
)
from .mlp import (
    DTYPES,
    SPARSE_FORMATS,
    check_estimator,
    class_probabilities,
    decode_outputs,
    encode_targets,
    is_multilabel,
    label_encoding,
    n_hidden_layers,
    network_of,
    numbered,
    predicts_labels,
    set_label_encoding,
    with_network,
)
from .predictor import (
    Pair,
    Predictor,
)
from .rows import (
    AugmentedRows,
    check_finite_output,
    check_is_finite,
    input_names,
    inputs_of,
)
from .scalers import (
    LinearInputs,
    linear_inputs,
)
from .training import (
    looks_like_training_rows,
    takes_in_fit,
    train_copy,
    warn_if_class_is_held_out,
    warn_if_not_trained_on,
    warn_if_training_rows,
)

__all__ = [
    "DTYPES",
    "SPARSE_FORMATS",
    "AugmentedRows",
    "LinearInputs",
    "Pair",
    "Predictor",
    "changes_rows",
    "check_estimator",
    "check_finite_output",
    "check_is_compressor",
    "check_is_finite",
    "class_probabilities",
    "columns_read",
    "decode_outputs",
    "encode_targets",
    "input_names",
    "inputs_of",
    "is_compressor",
    "is_fitted",
    "is_mlp",
    "is_multilabel",
    "label_encoding",
    "last_step",
    "levels",
    "linear_inputs",
    "looks_like_training_rows",
    "n_hidden_layers",
    "network_of",
    "numbered",
    "predicts_labels",
    "set_label_encoding",
    "steps_before",
    "takes_in_fit",
    "thawed",
    "train_copy",
    "warn_if_class_is_held_out",
    "warn_if_not_trained_on",
    "warn_if_training_rows",
    "with_last_step",
    "with_network",
]

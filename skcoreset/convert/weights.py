"""Networks from arrays of weights."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from .._network import ACTIVATIONS, OUT_ACTIVATIONS
from .._wrapped import DTYPES
from .._wrapped.compat import StrOptions, validate_params
from .layers import Activation, Dense, to_estimator


@validate_params(
    {
        "coefs": [list, tuple],
        "intercepts": [list, tuple],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "out_activation": [StrOptions(set(OUT_ACTIVATIONS))],
    },
    prefer_skip_nested_validation=True,
)
def from_weights(
    coefs, intercepts, *, activation, out_activation="identity", classes=None
):
    """Make a fitted scikit-learn network of its weights.

    Parameters
    ----------
    coefs : list of {array-like, sparse matrix} of shape (n_in, n_out)
        One for each layer, input layer first. Weights of PyTorch are transposed:
        ``weight.T``.

    intercepts : list of array-like of shape (n_out,)
        One for each layer. None stands for zeros.

    activation : {"identity", "logistic", "relu", "tanh"}
        Activation of the hidden layers.

    out_activation : {"exp", "identity", "logistic", "softmax"}, default="identity"
        Activation of the output.

    classes : array-like of shape (n_classes,), "multilabel" or None, default=None
        What the outputs stand for, in the order of the outputs. An array makes a
        classifier, also of linear outputs (logits); "multilabel" one in which each
        output is a label of its own. None makes a classifier of classes 0, 1, ... of a
        softmax or one logistic output, of a set of labels of several, and a regressor
        of linear or exponential outputs.

    Returns
    -------
    estimator : MLPClassifier or MLPRegressor
        Fitted; it can be trained further. The columns of `predict_proba` are in the
        order of its `classes_`, which are sorted. Weights are copied: float32 if all
        are float32 or smaller floats, else float64.

    Raises
    ------
    ValueError
        If the weights do not make a network, are not finite, or `classes` does not fit
        the outputs.

    See Also
    --------
    from_onnx, from_torch, from_keras : Where a model can be read as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from skcoreset.convert import from_weights
    >>> mlp = from_weights(
    ...     [np.array([[1.0, -1.0], [-1.0, 1.0]]), np.array([[2.0], [2.0]])],
    ...     [np.zeros(2), np.array([-1.0])],
    ...     activation="relu",
    ...     classes=["same", "xor"],
    ... )
    >>> mlp.predict([[0, 0], [0, 1], [1, 0], [1, 1]]).tolist()
    ['same', 'xor', 'xor', 'same']
    """
    if len(coefs) != len(intercepts):
        raise ValueError(
            f"There are {len(coefs)} coefs and {len(intercepts)} intercepts: every "
            "layer needs one of each."
        )
    layers = []
    for i, (coef, intercept) in enumerate(zip(coefs, intercepts)):
        where = f"Layer {i}"
        coef = _weights(coef, f"coefs[{i}]")
        if intercept is None:
            intercept = np.zeros(coef.shape[1])
        intercept = _weights(intercept, f"intercepts[{i}]")
        layers += [Dense(coef, intercept, where), Activation(activation, where)]
    if layers:
        layers[-1] = Activation(out_activation, where)
    return to_estimator(layers, classes)


def _weights(array, name):
    array = check_array(
        array,
        accept_sparse=True,
        ensure_2d=name.startswith("coefs"),
        dtype=(*DTYPES, np.float16),
        input_name=name,
    )
    return array.toarray() if sparse.issparse(array) else array

"""C99 for microcontrollers: an integer network as one file without dependencies."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import re
from dataclasses import replace
from functools import cached_property
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ..._compressor import CoresetCompressor
from ..._network import dense
from ..._wrapped import (
    DTYPES,
    SPARSE_FORMATS,
    is_mlp,
    is_multilabel,
    last_step,
    network_of,
    thawed,
)
from .integers import (
    Floats,
    ScaledBytes,
    Table,
    integer_network,
    make_source,
    round_network,
)
from .source import code_bytes, code_layers, table_sizes, write_source

KEYWORDS = frozenset(
    # C99, C11, C23 and C++, which a sketch is compiled as
    """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char class
    compl const const_cast constexpr continue decltype default delete do double
    dynamic_cast else enum explicit export extern false float for friend goto if inline
    int long main mutable namespace new noexcept not not_eq nullptr operator or or_eq
    private protected public register reinterpret_cast restrict return short signed
    sizeof static static_assert static_cast struct switch template this thread_local
    throw true try typedef typeid typename typeof typeof_unqual union unsigned using
    virtual void volatile wchar_t while xor xor_eq
    """.split()
)

# Of the rows, as many as are needed for ranges.
MAX_CALIBRATION_ROWS = 10_000

# Values of 8 bits do if at most this share of the predicted classes, or this share of
# the spread of an output, changes against 16 bits.
MAX_LABELS_CHANGED = 0.005
MAX_RELATIVE_CHANGE = 0.01

# Weights in this range neither vanish nor overflow on the way.
MIN_WEIGHT, MAX_WEIGHT = 1e-20, 1e20

# Of the outputs: then floats hold their multiples.
MAX_UNIT = 1e24

# Bytes of machine code on an ATmega (avr-gcc -Os), a little more than was measured.
CODE_BYTES = {"base": 160, "layer": 120, "table": 80, "scaled": 110, "float": 790}
CODE_BYTES |= {"floats": 240, "exp": 310, "probabilities": 790}
STACK_BYTES = 60

# Compressed edges are not spread as a random part of them is, and intercepts differ.
MARGIN = 0.9

# Bytes of the types in C.
SIZES = {"uint8_t": 1, "int8_t": 1, "uint16_t": 2, "int16_t": 2, "float": 4}


def to_c(
    estimator,
    X,
    *,
    input_scale=None,
    input_offset=0.0,
    name="predict",
    probabilities=False,
    hidden_bits=None,
    flash=None,
):
    """Write a network as C99 in integers, for microcontrollers.

    One file that includes only ``<stdint.h>`` (on AVR ``<avr/pgmspace.h>``, to keep its
    tables in flash), allocates nothing and has no undefined behaviour on any input.

    Parameters
    ----------
    estimator : CoresetCompressor, MLPClassifier, MLPRegressor or Pipeline
        Fitted. Steps of a Pipeline before the network may be `StandardScaler`,
        `MinMaxScaler`, `MaxAbsScaler` and `RobustScaler`; they become part of the
        inputs.

    X : {array-like, sparse array} of shape (n_samples, n_features)
        Rows as `estimator.predict` takes them; the ranges of the hidden values are set
        by them. Of more than 10,000 rows every second, third, ... is taken.

    input_scale : float or array-like of shape (n_features,), default=None
        A number makes the inputs in C bytes: ``uint8_t u`` is
        ``input_offset + input_scale * u`` in the units of `X`. None makes them floats
        in the units of `X`; what is over twice as far from the center of the scalers
        as anything in `X` counts as just that far.

    input_offset : float or array-like of shape (n_features,), default=0.0
        What the byte 0 means.

    name : str, default="predict"
        Name of the function in C, and the beginning of all other names.

    probabilities : bool, default=False
        Whether to write ``void predict_proba(x, float *p)`` for a classifier.

    hidden_bits : {8, 16}, default=None
        Size of the hidden values. None takes 8 if that changes at most 0.5% of the
        predicted classes of `X`, or for regressors 1% of the standard deviation of each
        output (root mean square), against 16.

    flash : int, default=None
        Bytes of flash there are; a network that needs more is refused.

    Returns
    -------
    program : CProgram
        The code, its size, and the same computation in Python.

    Raises
    ------
    TypeError
        If `estimator` is none of the above.

    ValueError
        If a step of a Pipeline is no linear scaler, `name` cannot be a name in C, the
        network has weights that are not finite, too large or too small, or it does not
        fit `flash`.

    Notes
    -----
    Weights of a layer that are multiples of one step are kept exactly; others are
    rounded to multiples of 1/127 of the largest. An edge takes 4 to 8 bits where few
    levels allow it, two bytes otherwise, and one in a dense layer. Sums have 16 bits
    where these hold any input, else 32.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.export import to_c
    >>> X, y = load_digits(return_X_y=True)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> compressor = CoresetCompressor(mlp, density=0.2, random_state=0).fit(X[:900])
    >>> program = to_c(compressor, X[:900], input_scale=1)
    >>> print(program.source[:40])
    /* Generated by skcoreset...
    >>> program.flash_bytes < 4_000
    True
    >>> (program.predict(X[900:]) == compressor.predict(X[900:])).mean() > 0.98
    np.True_
    """
    _check_name(name)
    if hidden_bits not in (None, 8, 16):
        raise ValueError(f"hidden_bits must be None, 8 or 16; got {hidden_bits!r}.")
    is_integer = isinstance(flash, Integral) and not isinstance(flash, bool)
    if flash is not None and not (is_integer and flash > 0):
        raise ValueError(
            f"flash must be None or a positive number of bytes; got {flash!r}."
        )
    steps, mlp = _unwrap(estimator)
    if probabilities and not is_classifier(mlp):
        raise ValueError(
            "probabilities=True needs a classifier; the C function of a regressor "
            "returns its values."
        )
    network = network_of(mlp)
    _check_magnitudes(network)
    alpha, beta = _fold_scalers(steps, network.coefs[0].shape[0])
    checker = _input_checker([*steps, mlp][0], len(alpha))
    X = _check_rows(checker, X)
    X = X[:: -(-len(X) // MAX_CALIBRATION_ROWS)]
    input_scale, input_offset = _check_inputs(input_scale, input_offset, X.shape[1])
    rounded = round_network(network)
    first, step = rounded[0][0], rounded[2][0]
    source = make_source(
        alpha,
        beta,
        live=first.any(axis=1),
        input_scale=input_scale,
        input_offset=input_offset,
        X=X,
        weight=np.abs(first / step).sum(axis=0).max(),
    )
    candidates = [
        integer_network(network, rounded, source, X, bits)
        for bits in ((8, 16) if hidden_bits is None else (hidden_bits,))
    ]
    use_16_bits = hidden_bits is None and _differ(*candidates, X)
    chosen = candidates[use_16_bits]
    if chosen.unit > MAX_UNIT and (probabilities or not is_classifier(mlp)):
        raise ValueError(
            "The output of the network is too large for a float: scale X and y, and "
            "train again."
        )
    program = CProgram(chosen, mlp, checker, name=name, probabilities=probabilities)
    if flash is not None and program.flash_bytes > flash:
        raise ValueError(_too_large(program, network, estimator, flash))
    return program


class CProgram:
    """A network in C, and the same computation in Python; made by :func:`to_c`.

    Attributes
    ----------
    source : str
        The C code.

    flash_bytes : int
        Tables, exactly, and an estimate of the machine code on an ATmega (avr-gcc
        ``-Os``), without the caller's own.

    ram_bytes : int
        Buffers, the input, and an estimate of the stack.

    name : str
        Of the function in C.

    input_type : {"uint8_t", "float"}
        Of the inputs in C.

    hidden_bits : {8, 16}
        Size of hidden values; 8 where there are none.

    is_classifier, is_multilabel : bool
        What the network predicts: classes, or sets of labels; else values.

    classes_ : ndarray of shape (n_classes,)
        Of a classifier: the function in C returns an index into it.

    n_features_in_, n_outputs_ : int

    See Also
    --------
    to_c : Makes one, with an example.
    """

    def __init__(self, network, mlp, checker, *, name, probabilities):
        self._network = network
        self._checker = checker
        self.is_classifier = is_classifier(mlp)
        self.is_multilabel = is_multilabel(mlp)
        self._probabilities = probabilities
        if self.is_classifier:
            self.classes_ = mlp.classes_
        self.name = name
        self.n_features_in_ = checker.n_features_in_
        self.n_outputs_ = len(network.layers[-1].bias)
        self.input_type = network.source.ctype

    def predict(self, X):
        """Return what the C code says of rows in the units of X.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            With ``input_scale`` each number is rounded to the nearest byte.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Classes, sets of labels, or values in float32.
        """
        sums = self._sums(X)
        if not self.is_classifier:
            values = self._network.outputs(sums)
            return values.ravel() if self.n_outputs_ == 1 else values
        labels = self._network.labels(sums)
        if self.is_multilabel:
            return labels
        return self.classes_[labels.ravel()]

    @available_if(lambda self: self._probabilities)
    def predict_proba(self, X):
        """Return the probabilities that the C code gives, with ``probabilities=True``.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            As for `predict`.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes), float32
        """
        P = self._network.outputs(self._sums(X))
        if self.n_outputs_ == 1 and not self.is_multilabel:
            P = np.hstack([1 - P, P])
        return P

    def transform(self, X):
        """Return the output before the output activation.

        Parameters
        ----------
        X : {array-like, sparse array} of shape (n_samples, n_features)
            As for `predict`.

        Returns
        -------
        F : ndarray of shape (n_samples, n_outputs), float64
        """
        return self._sums(X) * self._network.unit

    def save(self, path):
        """Write the C code to a file.

        Parameters
        ----------
        path : str or path-like
            ASCII, with line feeds.
        """
        Path(path).write_text(self.source, encoding="ascii", newline="\n")

    @cached_property
    def source(self):
        return write_source(self)

    @property
    def hidden_bits(self):
        hidden = self._network.layers[:-1]
        return 16 if any("16" in h.activation.values.ctype for h in hidden) else 8

    @cached_property
    def flash_bytes(self):
        source = self._network.source
        kinds = ["base"]
        for layer in self._network.layers:
            kinds.append("layer")
            kinds += ["table"] * isinstance(layer.activation, Table)
        kinds += ["scaled"] * isinstance(source, ScaledBytes)
        kinds += ["floats"] * isinstance(source, Floats)
        has_values = not self.is_classifier or self._probabilities
        kinds += ["float"] * (has_values or isinstance(source, Floats))
        kinds += ["exp"] * self._uses_exp
        kinds += ["probabilities"] * self._probabilities
        size = sum(table_sizes(self, codes=False)) + sum(CODE_BYTES[k] for k in kinds)
        return size + code_bytes(self._coded, source.values)

    @property
    def ram_bytes(self):
        source, layers = self._network.source, self._network.layers
        size = self.n_features_in_ * SIZES[source.ctype]
        if isinstance(source, Floats):
            size += self.n_features_in_ * SIZES[source.values.ctype]
        for layer in layers[:-1]:
            size += len(layer.bias) * SIZES[layer.activation.values.ctype]
        return size + 4 * self.n_outputs_ + STACK_BYTES

    def __repr__(self):
        return (
            f"CProgram({self.name!r}, flash_bytes={self.flash_bytes}, "
            f"ram_bytes={self.ram_bytes})"
        )

    def _sums(self, X):
        return self._network.sums(_check_rows(self._checker, X))

    @cached_property
    def _coded(self):
        return code_layers(self._network.layers)

    @property
    def _uses_exp(self):
        return self._probabilities or (
            not self.is_classifier and self._network.out_activation == "exp"
        )


def _check_name(name):
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(
            "name must be an identifier in C: a letter, then letters, digits and "
            f"underscores; got {name!r}."
        )
    if name in KEYWORDS or re.fullmatch(r"u?int\w*_t|main", name):
        raise ValueError(f"name={name!r} is a word of C or C++: take another.")


def _unwrap(estimator):
    """Fitted steps before the network, outermost first, and the network."""
    if isinstance(estimator, CoresetCompressor):
        check_is_fitted(estimator)
        estimator = estimator.estimator_
    steps = []
    estimator = thawed(estimator)
    while isinstance(estimator, Pipeline):
        steps += [thawed(step) for _, step in estimator.steps[:-1]]
        estimator = thawed(estimator.steps[-1][1])
    if not is_mlp(estimator):
        raise TypeError(
            "estimator must be a fitted CoresetCompressor, MLPClassifier, MLPRegressor "
            f"or a Pipeline that ends in one; got {estimator!r}."
        )
    check_is_fitted(estimator)
    return [step for step in steps if step not in ("passthrough", None)], estimator


def _fold_scalers(steps, n_features):
    """Factor and summand of each feature that all scalers together are."""
    alpha, beta = np.ones(n_features), np.zeros(n_features)
    for step in steps:
        match step:
            case StandardScaler():
                center, scale = step.mean_ if step.with_mean else None, step.scale_
            case RobustScaler():
                center, scale = step.center_, step.scale_
            case MaxAbsScaler():
                center, scale = None, step.scale_
            case MinMaxScaler(clip=False):
                center, scale = -step.min_ / step.scale_, 1 / step.scale_
            case _:
                raise ValueError(
                    f"The step {step!r} before the network has no form in C. "
                    "StandardScaler, MinMaxScaler (without clip), MaxAbsScaler and "
                    "RobustScaler have: pass the network alone, and rows as it gets "
                    "them."
                )
        center = 0.0 if center is None else center
        scale = 1.0 if scale is None else scale
        alpha, beta = alpha / scale, (beta - center) / scale
    return alpha, beta


def _check_inputs(scale, offset, n_features):
    """Scale and offset of every feature; None where inputs are floats."""
    arrays = []
    for key, value in (("input_scale", scale), ("input_offset", offset)):
        if value is None and key == "input_scale":
            if not np.array_equal(offset, 0):
                raise ValueError(
                    f"input_offset={offset!r} needs input_scale: without it the inputs "
                    "are floats in the units of X."
                )
            return None, None
        array = np.asarray(value)
        is_number = array.dtype.kind in "iuf" and array.shape in ((), (n_features,))
        array = np.broadcast_to(array if is_number else np.nan, n_features)
        if not np.isfinite(array).all() or (key == "input_scale" and array.min() <= 0):
            kind = "positive " if key == "input_scale" else ""
            raise ValueError(
                f"{key} must be a {kind}number, or {n_features} of them; got {value!r}."
            )
        arrays.append(array.astype(np.float64))
    return arrays


def _input_checker(first, n_features):
    """A small estimator that knows what rows the first step takes."""
    checker = BaseEstimator()
    checker.n_features_in_ = n_features
    if hasattr(first, "feature_names_in_"):
        checker.feature_names_in_ = first.feature_names_in_
    return checker


def _check_rows(checker, X):
    X = validate_data(
        checker, X, reset=False, accept_sparse=SPARSE_FORMATS, dtype=DTYPES
    )
    return dense(X)


def _check_magnitudes(network):
    for layer, (coef, b) in enumerate(zip(network.coefs, network.intercepts)):
        for key, array in (("coefs_", coef), ("intercepts_", b)):
            largest = abs(array).max()
            lowest = MIN_WEIGHT if key == "coefs_" else 0
            if largest and not lowest <= largest <= MAX_WEIGHT:
                raise ValueError(
                    f"The largest number of {key}[{layer}] is {largest:.3g}, beyond "
                    f"what integers can follow ({MIN_WEIGHT:g} to {MAX_WEIGHT:g}): "
                    "scale X and train again."
                )


def _differ(small, large, X):
    """Whether hidden values of 8 bits change too much."""
    sums, reference = small.sums(X), large.sums(X)
    if small.out_activation in ("softmax", "logistic"):
        changed = small.labels(sums) != large.labels(reference)
        return bool(changed.reshape(len(X), -1).any(axis=1).mean() > MAX_LABELS_CHANGED)
    F, G = sums * small.unit, reference * large.unit
    change = np.sqrt(np.square(F - G).mean(axis=0))
    return bool((change > MAX_RELATIVE_CHANGE * G.std(axis=0)).any())


def _too_large(program, network, estimator, flash):
    """What to say of a network that takes too much flash."""
    layers, values = program._network.layers, program._network.source.values
    fixed = program.flash_bytes - code_bytes(program._coded, values)
    # the largest share of the edges that fits, by bisection: formats change with it
    fitting, too_many = 0.0, 1.0
    for _ in range(10):
        share = (fitting + too_many) / 2
        if fixed + _code_size(layers, share) > flash:
            too_many = share
        else:
            fitting = share
    message = (
        f"The network takes {program.flash_bytes} bytes of flash, over flash={flash}"
    )
    if not fitting:
        least = fixed + _code_size(layers, 0)
        return f"{message}, and {least} without any edge: take fewer neurons."
    n_weights = sum(np.prod(coef.shape) for coef in network.coefs)
    if isinstance(estimator, CoresetCompressor):
        original = last_step(estimator.original_estimator_)
        n_weights = sum(np.prod(coef.shape) for coef in original.coefs_)
    n_edges = sum(np.count_nonzero(layer.levels) for layer in layers)
    density = MARGIN * fitting * n_edges / n_weights
    # rounded down to two digits
    digits = 1 - int(np.floor(np.log10(density)))
    density = np.floor(density * 10**digits) / 10**digits
    return f"{message}: compress to density={density:g} or less."


def _code_size(layers, share):
    """Bytes of the layers with a random share of their edges."""
    rng = np.random.default_rng(0)
    thinned = [
        replace(layer, levels=layer.levels * (rng.random(layer.levels.shape) < share))
        for layer in layers
    ]
    # once compressed, they may have types that no function can share
    return sum(
        each.codes.size + each.format.function_bytes for each in code_layers(thinned)
    )

"""C99 for microcontrollers: an integer network as one file without dependencies."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import re
from functools import cached_property, partial
from numbers import Integral
from pathlib import Path

import numpy as np

from ..._wrapped import is_compressor, last_step
from .formats import code_layers
from .integers import EXP_TABLE
from .program import IntegerProgram
from .sizes import flash_bytes, ram_bytes, why_too_large
from .text import write_source, write_test

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
    # functions of the C library and of Arduino
    + """
    abs acos analogRead asin atan atan2 atof atoi atol attachInterrupt bit bitClear
    bitRead bitSet bitWrite boolean bsearch byte calloc ceil constrain cos cosh degrees
    delay delayMicroseconds digitalRead digitalWrite div exit exp fabs floor fmod free
    frexp getenv highByte index interrupts isalpha isdigit isspace labs ldexp ldiv log
    log10 loop lowByte malloc map max memcmp memcpy memmove memset micros millis min
    modf noInterrupts noTone pinMode pow printf pulseIn putchar puts qsort radians rand
    random realloc remove rename round setup shiftIn shiftOut sin sinh sprintf sq sqrt
    srand stdin stdout strcat strchr strcmp strcpy strlen strtod strtol system tan tanh
    time tone tolower toupper word yield
    """.split()
)


def to_c(
    estimator,
    X,
    *,
    input_scale=None,
    input_offset=0.0,
    input_bits=8,
    name="predict",
    probabilities=False,
    hidden_bits=None,
    flash=None,
):
    """Write a network as C99 in integers, for microcontrollers.

    One header that includes only ``<stdint.h>`` (on AVR ``<avr/pgmspace.h>``, to keep
    its tables in flash), allocates nothing and has no undefined behaviour on any input.
    It is compared with `estimator` on `X`.

    Parameters
    ----------
    estimator : CoresetCompressor, MLPClassifier, MLPRegressor or Pipeline
        Fitted. Steps of a Pipeline before the network may be `StandardScaler`,
        `MinMaxScaler`, `MaxAbsScaler` and `RobustScaler`; they become part of the
        inputs.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows as `estimator.predict` takes them: a few hundred or more that are like
        those to come. They set the ranges of the hidden values and, without
        `input_scale`, of the inputs (a random sample of 10,000 does), and the result is
        compared with `estimator` on them (on a random sample of 20,000).

    input_scale : float or array-like of shape (n_features,), default=None
        A number makes the inputs in C readings: the integer ``u`` stands for
        ``input_offset + input_scale * u`` in the units of `X`. None makes the inputs
        floats in the units of `X`. Floats that are far beyond those in `X` saturate:
        see Notes.

    input_offset : float or array-like of shape (n_features,), default=0.0
        What the reading 0 stands for.

    input_bits : {8, 10, 12}, default=8
        Bits of a reading. 8 are ``uint8_t``; 10 and 12, from an analog-to-digital
        converter, are ``uint16_t`` up to 1,023 and 4,095.

    name : str, default="predict"
        Name of the function in C, and the start of all other names.

    probabilities : bool, default=False
        Whether to write ``void predict_proba(x, float *p)`` for a classifier.

    hidden_bits : {8, 16}, default=None
        Size of the hidden values. None takes 8 if that changes at most 0.5% of the
        predicted classes of `X`, or for regressors 1% of the standard deviation of each
        output (root mean square), against 16.

    flash : int, default=None
        Bytes of flash there are. A network that needs more gets the smallest code for
        its edges, even if that takes longer to read; one that still needs more is
        refused.

    Returns
    -------
    program : CProgram
        The code, its size, its comparison with `estimator`, and the same computation
        in Python.

    Raises
    ------
    TypeError
        If `estimator` is none of the above.

    ValueError
        If a step of a Pipeline is no linear scaler, `name` cannot be a name in C, the
        network has weights that are not finite, too large or too small, or it does not
        fit `flash`.

    Warns
    -----
    UserWarning
        If predictions agree on less than 98% of the rows (on less than 90% of those of
        a class with 20 rows or more), or the median output of a classifier is off by
        more than 25% of its standard deviation (root mean square), or any output of a
        regressor by more than 5%: with the causes that the rows show. Also if there are
        fewer than 30 rows.

    Notes
    -----
    Weights of a layer that are multiples of one step are kept exactly; others are
    rounded to multiples of 1/127 of the largest (in the last layer, of the largest of
    each output, unless a softmax compares these). An edge takes 4 or 8 bits where few
    levels allow it, two bytes otherwise, and one in a dense layer. Sums have 16 bits
    where these hold any input, else 32.

    The range of the hidden values of a layer is the largest magnitude in `X`, but at
    most 1.5 times the 99.9% quantile of the rows: a wild row sets no range. Float
    inputs have 15 bits for twice the largest magnitude in `X`. Values that are over 64
    times as far from the median of their feature as nine tenths of the others are wild,
    and do not count. Inputs that vary over less than 1/64 of the largest one get a
    scale of their own, which becomes part of the weights.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.export import to_c
    >>> X, y = load_digits(return_X_y=True)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> compressor = CoresetCompressor(mlp, density=0.2, random_state=0).fit(X[900:])
    >>> program = to_c(compressor, X[:900], input_scale=1)
    >>> program.flash_bytes < 4_000
    True
    >>> program.agreement > 0.98
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
    program = CProgram(
        estimator,
        X,
        name=name,
        input_scale=input_scale,
        input_offset=input_offset,
        input_bits=input_bits,
        hidden_bits=hidden_bits,
        probabilities=probabilities,
        flash=flash,
    )
    if flash is not None and program.flash_bytes > flash:
        if is_compressor(estimator):
            estimator = estimator.original_estimator_
        n_weights = sum(np.prod(coef.shape) for coef in last_step(estimator).coefs_)
        raise ValueError(why_too_large(program, n_weights, flash))
    program.warn()
    return program


class CProgram(IntegerProgram):
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

    comparison : Comparison
        With the original, on `X`: `agreement`, `errors` by output, `worst_rows`.

    agreement : float or None
        Share of the rows of `X` with the original's prediction; None for regressors.

    name : str
        Of the function in C.

    input_type : {"uint8_t", "uint16_t", "float"}
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

    def __init__(self, estimator, X, *, name, flash, **options):
        self.name, self._flash = name, flash
        super().__init__(estimator, X, **options)

    def save_test(self, path, X):
        """Write rows and what Python gives for them, for a check on the device.

        The header goes after that of :meth:`save`; its function ``predict_test()``
        (with `name` for "predict") returns on how many of the rows the device computes
        something else: 0 if it works.

        Parameters
        ----------
        path : str or path-like
            ASCII, with line feeds.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            A few rows in the units of the original: they go into the flash.
        """
        text = write_test(self, self._rows(X))
        Path(path).write_text(text, encoding="ascii", newline="\n")

    @cached_property
    def source(self):
        return write_source(self)

    @property
    def flash_bytes(self):
        return flash_bytes(self, self.coded)

    @property
    def ram_bytes(self):
        return ram_bytes(self)

    @cached_property
    def coded(self):
        size = partial(flash_bytes, self)
        fast = code_layers(self.network.layers)
        if self._flash is None or size(fast) <= self._flash:
            return fast
        smallest = code_layers(self.network.layers, smallest=True)
        # formats are chosen without the types, on which it depends what is shared
        return min(fast, smallest, key=size)

    @cached_property
    def tables(self):
        # tables in flash besides those of the edges, by name
        tables = dict(self.network.inputs.tables)
        for number, layer in enumerate(self.network.layers[:-1]):
            for key, table in layer.activation.tables.items():
                tables[f"{key}{number}"] = table
        units = self.network.float_units
        if (self.has_probabilities or not self.is_classifier) and np.ptp(units):
            tables["units"] = units
        if self.uses_powers:
            tables["powers"] = EXP_TABLE
        return tables

    @property
    def uses_powers(self):
        is_power = not self.is_classifier and self.network.out_activation == "exp"
        return self.has_probabilities or is_power

    def __repr__(self):
        return (
            f"CProgram({self.name!r}, flash_bytes={self.flash_bytes}, "
            f"ram_bytes={self.ram_bytes}): {self.comparison}"
        )


def _check_name(name):
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(
            "name must be an identifier in C: a letter, then letters, digits and "
            f"underscores; got {name!r}."
        )
    # registers and constants of devices are in capitals, as A0, B1, PI and LED_BUILTIN
    if name in KEYWORDS or re.fullmatch(r"u?int\w*_t|[A-Z0-9_]+", name):
        raise ValueError(
            f"name={name!r} is a word of C or C++, or of a device: take another."
        )

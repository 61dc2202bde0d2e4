"""MicroPython: an integer network as one module of Python."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cached_property
from importlib.resources import files

import numpy as np

from .c.formats import Edges, code_layers
from .c.program import IntegerProgram

# Numbers of whole bytes: half bytes would be read more slowly.
NUMBER_BITS = (8, 16)

# Classes of these types are written as they are; others as their numbers.
LITERALS = (str, bool, int, float)

# An RP2040 at 125 MHz takes roughly a microsecond for a bytecode of MicroPython. This
# many are run for an edge, an input of a dense layer, and a neuron.
EDGE_BYTECODES, WEIGHT_BYTECODES, NEURON_BYTECODES = 25, 18, 80

LINE_LENGTH = 76


def to_micropython(
    estimator,
    X,
    *,
    input_scale,
    input_offset=0.0,
    input_bits=8,
    hidden_bits=None,
):
    """Write a network as one module for MicroPython, in integers.

    The module needs no other one (of a Poisson regressor, `math`) and takes readings:
    integers from 0 to 255, or from an analog-to-digital converter. It is compared with
    `estimator` on `X`.

    Parameters
    ----------
    estimator : CoresetCompressor, MLPClassifier, MLPRegressor or Pipeline
        As for :func:`to_c`.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        As for :func:`to_c`.

    input_scale : float or array-like of shape (n_features,)
        The reading ``u`` stands for ``input_offset + input_scale * u`` in the units of
        `X`.

    input_offset : float or array-like of shape (n_features,), default=0.0
        What the reading 0 stands for.

    input_bits : {8, 10, 12}, default=8
        Bits of a reading.

    hidden_bits : {8, 16}, default=None
        As for :func:`to_c`.

    Returns
    -------
    program : MicroPythonProgram
        The module, its comparison with `estimator`, and the same computation in NumPy.

    Raises
    ------
    TypeError, ValueError
        As by :func:`to_c`, and if `input_scale` is None.

    Warns
    -----
    UserWarning
        As by :func:`to_c`.

    See Also
    --------
    to_c : The same network in C, which is some hundred times as fast.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.export import to_micropython
    >>> X, y = load_digits(return_X_y=True)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> compressor = CoresetCompressor(mlp, density=0.2, random_state=0).fit(X[900:])
    >>> program = to_micropython(compressor, X[:900], input_scale=1)
    >>> module = {}
    >>> exec(program.source, module)
    >>> module["predict"]([int(u) for u in X[900]]), program.predict(X[900:901])
    (4, array([4]))
    """
    if input_scale is None:
        raise ValueError(
            "input_scale must be a number, or one for each feature: the module "
            "computes in integers; got None."
        )
    program = MicroPythonProgram(
        estimator,
        X,
        input_scale=input_scale,
        input_offset=input_offset,
        input_bits=input_bits,
        hidden_bits=hidden_bits,
        probabilities=False,
    )
    program.warn()
    return program


class MicroPythonProgram(IntegerProgram):
    """A network for MicroPython, and the same computation in NumPy.

    It is made by :func:`to_micropython`.

    Attributes
    ----------
    source : str
        The module. ``predict(x)`` returns a class, a list of 0 and 1 for sets of
        labels, a value or a list of values; ``sums(x)`` the integers that these come
        from; ``reading(i, value)`` turns a value in the units of `X` into a reading.

    microseconds : int
        An estimate of the time of a prediction on an RP2040 at 125 MHz. Not measured.

    comparison : Comparison
        With the original, on `X`: `agreement`, `errors` by output, `worst_rows`.

    agreement : float or None
        Share of the rows of `X` with the original's prediction; None for regressors.

    is_classifier, is_multilabel : bool
        What the network predicts: classes, or sets of labels; else values.

    classes_ : ndarray of shape (n_classes,)
        Of a classifier.

    n_features_in_, n_outputs_ : int

    See Also
    --------
    to_micropython : Makes one, with an example.
    """

    @cached_property
    def source(self):
        names, lines, tables = set(), [], {}
        for number, coded in enumerate(self.coded):
            call = _LAYERS[coded.format.kind, getattr(coded.format, "bits", 8)]
            names |= {"_number", call.__name__}
            tables[f"CODES{number}"] = coded.codes.tobytes()
            lines.append(call(number, coded, tables))
            if coded.layer.activation:
                call = _ACTIVATIONS[coded.layer.activation.kind]
                names.add(call.__name__)
                lines.append(call(number, coded.layer.activation, tables))
        sums = ["def sums(x):", *(f"    {line}" for line in self._start() + lines)]
        parts = [
            self._doc(),
            self._reading_function(),
            "\n".join(_assignment(*table) for table in tables.items()),
            *_functions(names),
            "\n".join([*sums, "    return x"]),
            "\n".join(self._predict()),
        ]
        return "\n\n\n".join(parts) + "\n"

    @cached_property
    def coded(self):
        layers = self.network.layers
        formats = [f for each in layers for f in Edges(each).formats(NUMBER_BITS)]
        return code_layers(layers, list(dict.fromkeys(formats)))

    @property
    def microseconds(self):
        n_bytecodes = 0
        for coded in self.coded:
            n_in, n_out = coded.layer.levels.shape
            n_edges = np.count_nonzero(coded.layer.levels)
            is_dense = coded.format.kind == "dense"
            n_bytecodes += NEURON_BYTECODES * n_out
            n_bytecodes += (
                WEIGHT_BYTECODES * n_in * n_out
                if is_dense
                else EDGE_BYTECODES * n_edges
            )
        return int(n_bytecodes)

    def __repr__(self):
        return f"MicroPythonProgram(bytes={len(self.source)}): {self.comparison}"

    def _doc(self):
        n, inputs = self.n_features_in_, self.network.inputs
        lines = [
            '"""Generated by skcoreset: a neural network in integers.',
            "",
            f"predict(x) takes {n} readings, integers from 0 to {inputs.largest}.",
            "reading(i, value) is the reading of input i for a value in units.",
            '"""',
        ]
        return "\n".join(lines)

    def _reading_function(self):
        inputs = self.network.inputs
        pairs = []
        for key, array in (("SCALES", inputs.scale), ("OFFSETS", inputs.offset)):
            array = array[:1] if np.ptp(array) == 0 else array
            pairs.append(_assignment(key, tuple(array.tolist())))
        return "\n".join(
            [
                *pairs,
                "",
                "",
                "def reading(i, value):",
                "    scale = SCALES[i if len(SCALES) > 1 else 0]",
                "    offset = OFFSETS[i if len(OFFSETS) > 1 else 0]",
                f"    return min(max(int((value - offset) / scale + 0.5), 0), "
                f"{inputs.largest})",
            ]
        )

    def _start(self):
        inputs = self.network.inputs
        lines = [
            f"if len(x) != {self.n_features_in_}:",
            f"    raise ValueError('x must have {self.n_features_in_} readings')",
        ]
        if inputs.kind == "scaled":
            half = 1 << (inputs.shift - 1)
            factors = tuple(inputs.factors.tolist())
            lines.append(
                f"x = [(u * f + {half}) >> {inputs.shift} "
                f"for u, f in zip(x, {factors})]"
            )
        return lines

    def _predict(self):
        """Lines of the function that decodes the sums."""
        lines = ["def predict(x):", "    s = sums(x)"]
        if self.is_multilabel:
            return [*lines, "    return [1 if each > 0 else 0 for each in s]"]
        if self.is_classifier:
            best = "s.index(max(s))" if self.n_outputs_ > 1 else "1 if s[0] > 0 else 0"
            best = "0" if len(self.classes_) == 1 else best
            classes = self.classes_.tolist()
            if all(isinstance(label, LITERALS) for label in classes):
                lines = [_assignment("CLASSES", classes), "", "", *lines]
                best = f"CLASSES[{best}]"
            return [*lines, f"    return {best}"]
        # exp is that of the device, and not of the program in C
        is_power = self.network.out_activation == "exp"
        value = "exp(a * b)" if is_power else "a * b"
        units = ", ".join(f"{unit:.9g}" for unit in self.network.units)
        lines = [*["from math import exp", "", ""] * is_power, *lines]
        lines.append(f"    y = [{value} for a, b in zip(s, ({units},))]")
        return [*lines, "    return y[0]" if self.n_outputs_ == 1 else "    return y"]


# Lines that call a function, named as it is


def _dense(number, coded, tables):
    return f"x = _dense({_common(number, coded)})"


def _sparse(number, coded, tables):
    levels, steps = coded.format.decoded()
    # layers that share a format share its tables
    key = next(
        (k for k, table in tables.items() if table == tuple(levels.tolist())),
        f"LEVELS{number}",
    )
    tables[key] = tuple(levels.tolist())
    steps_key = key.replace("LEVELS", "STEPS")
    tables[steps_key] = tuple(steps.tolist())
    common = _common(number, coded)
    return f"x = _sparse({common}, {coded.first}, {key}, {steps_key})"


def _wide(number, coded, tables):
    form = coded.format
    return (
        f"x = _wide({_common(number, coded)}, {coded.first}, {form.n_codes}, "
        f"{form.reach}, {form.largest}, {form.odd})"
    )


def _common(number, coded):
    n_bias, unit = coded.types.bias.itemsize, 1 << coded.layer.bias_shift
    return f"CODES{number}, x, {len(coded.layer.bias)}, {n_bias}, {unit}"


_LAYERS = {("dense", 8): _dense, ("sparse", 8): _sparse, ("sparse", 16): _wide}


def _saturation(number, activation, tables):
    peak = activation.values.peak
    lowest = -peak if activation.values.is_signed else 0
    return f"x = _saturation(x, {activation.shift}, {lowest}, {peak})"


def _tanh(number, activation, tables):
    tables[f"TANH{number}"] = tuple(activation.entries.tolist())
    return (
        f"x = _tanh(x, {activation.shift}, TANH{number}, {activation.fraction_bits}, "
        f"{activation.entry_bits}, {activation.values.peak})"
    )


_ACTIVATIONS = {"saturation": _saturation, "tanh": _tanh}


def _functions(names):
    """Yield the text of functions of the template."""
    text = files(__package__).joinpath("micropython.py.in").read_text("utf-8")
    for part in text.rstrip("\n").split("\n\n\n")[1:]:
        if part.removeprefix("def ").partition("(")[0] in names:
            yield part


def _assignment(name, table):
    """A line, or several, that give a table its name."""
    if isinstance(table, bytes):
        blocks = [table[i : i + 16] for i in range(0, len(table), 16)]
        return "\n".join([f"{name} = (", *(f"    {block!r}" for block in blocks), ")"])
    words, lines = [f"{value!a}," for value in table], [""]
    for word in words:
        if len(lines[-1]) + len(word) > LINE_LENGTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join([f"{name} = (", *(f"    {line}" for line in lines), ")"])

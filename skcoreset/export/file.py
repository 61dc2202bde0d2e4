"""A compact file of a network; doc/user_guide/file_format.rst describes each byte."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import struct
import zlib
from enum import IntEnum
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.validation import check_is_fitted

from .._codec import (
    MAX_INTEGER,
    Decoder,
    Encoder,
    code_integers,
    code_levels,
    code_support,
    levels_of,
)
from .._compressor import CoresetCompressor
from .._network import ACTIVATIONS, OUT_ACTIVATIONS, dense
from .._wrapped import DTYPES, is_mlp, label_encoding, network_of, set_label_encoding
from .._wrapped.compat import Interval, validate_params

# As of PNG: no text, and line ends that a transfer as text would change.
_MAGIC = b"\x89SKC\r\n\x1a\n"
_VERSION = 2
_START = struct.Struct("<8sBI")
_RAW_DEFLATE = -15

_HIDDEN = tuple(sorted(ACTIVATIONS))
_TARGETS = ("binary", "multiclass", "multilabel-indicator")

# Of each: the parameters, and what it has learnt.
_SCALERS = (
    (
        StandardScaler,
        ("copy", "with_mean", "with_std"),
        ("mean_", "scale_", "var_", "n_samples_seen_"),
    ),
    (
        MinMaxScaler,
        ("copy", "feature_range", "clip"),
        ("min_", "scale_", "data_min_", "data_max_", "data_range_", "n_samples_seen_"),
    ),
    (
        MaxAbsScaler,
        ("copy", "clip"),
        ("max_abs_", "scale_", "n_samples_seen_"),
    ),
    (
        RobustScaler,
        ("copy", "with_centering", "with_scaling", "quantile_range", "unit_variance"),
        ("center_", "scale_"),
    ),
)

# Types of arrays, in the order of their numbers; the next number is that of strings.
_DTYPES = tuple(map(np.dtype, "? i1 i2 i4 i8 u1 u2 u4 u8 f4 f8".split()))

# Tuples in tuples: of the header, the steps, a step, its values, a range.
_MAX_DEPTH = 5

# No network has more, and each takes memory.
_MAX_LAYERS = 255

# Memory that loading takes at most, in bytes: for each pair of neurons that an edge may
# join, for each neuron, for each byte of the file, and for each that is unpacked.
_PER_PAIR, _PER_NEURON, _PER_BYTE, _PER_PACKED = 80, 512, 4, 64


class _Tag(IntEnum):
    """What a value is."""

    NONE, FALSE, TRUE, INT, FLOAT, TEXT, TUPLE, SCALAR, ARRAY = range(9)


class _Damage(Exception):
    """What is wrong with a file."""


def dump(estimator, file):
    """Save a network in a compact file.

    :func:`load` gives back exactly the same weights and intercepts, in a plain
    scikit-learn estimator. Nothing that only training needs is stored.

    Parameters
    ----------
    estimator : CoresetCompressor, MLPClassifier, MLPRegressor or Pipeline
        Fitted. Of a compressor its `estimator_` is stored. A Pipeline consists of
        linear scalers (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler), each
        fitted, and the network.

    file : str, path-like, or file object opened in binary mode
        Where to write.

    Raises
    ------
    ValueError
        If a step, the type of the classes or the weights are such as the file cannot
        hold. The message names it. Nothing is written then.

    TypeError
        If `estimator` is no network.

    sklearn.exceptions.NotFittedError
        If it is not fitted (a subclass of ValueError).

    See Also
    --------
    load : Read it back.

    Notes
    -----
    An edge takes some 3 bits to say where it is, fewer in dense networks and more in
    very sparse ones. Weights of a layer that are whole multiples of one step, at most
    255 times it, take little more than their entropy: 3 bits for 8 values. Any others
    are stored as they are, in 32 or 64 bits. So are intercepts; multiples of a step up
    to 32,767 times it take some 14 bits.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor, export
    >>> X, y = load_digits(return_X_y=True)
    >>> X = (X / 16).astype(np.float32)
    >>> mlp = MLPClassifier((50,), max_iter=500, random_state=0).fit(X[:900], y[:900])
    >>> compressor = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X[900:])
    >>> file = io.BytesIO()
    >>> export.dump(compressor, file)
    >>> file.tell() < 3000
    True
    >>> _ = file.seek(0)
    >>> loaded = export.load(file)
    >>> bool((loaded.predict(X) == compressor.predict(X)).all())
    True
    """
    body = _packed(*_steps(estimator))
    data = _START.pack(_MAGIC, _VERSION, len(body)) + body
    data += struct.pack("<I", zlib.crc32(data))
    if hasattr(file, "write"):
        file.write(data)
    else:
        with open(file, "wb") as opened:
            opened.write(data)


@validate_params(
    {"max_bytes": [Interval(Integral, 0, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def load(file, *, max_bytes=2**30):
    """Read a network that `dump` has written.

    Nothing in a file is executed, and any bytes whatever give a network or one clear
    error. A checksum is no signature: it sees accidents, and not who wrote the file.

    Parameters
    ----------
    file : str, path-like, or file object opened in binary mode
        Of a file object no more than the network is read.

    max_bytes : int, default=2**30
        Memory that loading may take, in bytes, as computed from the sizes at the
        beginning of the file: some 50 times the number of pairs of neurons in
        neighbouring layers. It limits the time as well: the default to some seconds.

    Returns
    -------
    estimator : MLPClassifier, MLPRegressor or Pipeline
        With the parameters of training at their defaults. `coefs_` are of type
        :class:`scipy.sparse.csr_array` where they were sparse, else ndarrays.

    Raises
    ------
    ValueError
        If the file is damaged, is not such a file, is of another version or needs more
        than `max_bytes`.

    See Also
    --------
    dump : Write it.
    """
    if hasattr(file, "read"):
        return _load(file, max_bytes)
    with open(file, "rb") as opened:
        return _load(opened, max_bytes)


def _load(file, max_bytes):
    start = file.read(_START.size)
    if not start.startswith(_MAGIC):
        raise ValueError(
            "This is no file of skcoreset.export.dump: it does not begin like one."
        )
    try:
        if len(start) < _START.size:
            raise _Damage("it ends too early")
        _, version, length = _START.unpack(start)
        if version != _VERSION:
            raise ValueError(
                f"This file is of version {version} of its format, and this release of "
                f"skcoreset reads version {_VERSION}: load it with "
                f"{'a later' if version > _VERSION else 'an earlier'} release."
            )
        _check_size(_PER_BYTE * length, max_bytes)
        rest = file.read(length + 4)
        if len(rest) < length + 4:
            raise _Damage("it ends too early")
        body, checksum = rest[:length], rest[length:]
        if struct.pack("<I", zlib.crc32(start + body)) != checksum:
            raise _Damage("its checksum is wrong")
        return _unpacked(body, max_bytes)
    except _Damage as damage:
        raise ValueError(f"This file is damaged: {damage}.") from damage


def _check_size(n_bytes, max_bytes):
    if n_bytes > max_bytes:
        raise ValueError(
            f"Loading this file takes up to {n_bytes:,} bytes, more than max_bytes="
            f"{max_bytes:,}. If you know whom it is from, allow more."
        )


# What is stored of an estimator


def _inner(estimator):
    """Of a compressor its network, and what is inside a FrozenEstimator."""
    while isinstance(estimator, (FrozenEstimator, CoresetCompressor)):
        check_is_fitted(estimator)
        frozen = isinstance(estimator, FrozenEstimator)
        estimator = estimator.estimator if frozen else estimator.estimator_
    return estimator


def _steps(estimator):
    """Names and scalers of the steps before the network, its name, and itself."""
    estimator = _inner(estimator)
    steps = [(None, estimator)]
    if isinstance(estimator, Pipeline):
        steps = [(name, _inner(step)) for name, step in estimator.steps]
    *scalers, (name, mlp) = steps
    if not is_mlp(mlp):
        raise TypeError(
            "A file holds a CoresetCompressor, an MLPClassifier, an MLPRegressor or a "
            f"Pipeline of scalers that ends in one; got {type(mlp).__name__}."
        )
    check_is_fitted(mlp)
    return scalers, name, mlp


def _packed(scalers, name, mlp):
    network = network_of(mlp)
    if len(network.widths) > _MAX_LAYERS:
        raise ValueError(
            f"The network has {len(network.widths)} layers of weights; a file holds "
            f"{_MAX_LAYERS}."
        )
    coder, numbers = Encoder(), []
    layers = tuple(
        _pack_layer(coder, numbers, dense(coef), intercept)
        for coef, intercept in zip(network.coefs, network.intercepts)
    )
    n_features = network.coefs[0].shape[0]
    header = _packed_value(
        (
            n_features,
            network.widths,
            _HIDDEN.index(network.activation),
            OUT_ACTIVATIONS.index(network.out_activation),
            any(map(sparse.issparse, mlp.coefs_)),
            _names_of(mlp),
            _packed_target(mlp),
            name,
            tuple(_packed_step(*step, n_features) for step in scalers),
            layers,
        )
    )
    deflated = zlib.compress(header, level=9, wbits=_RAW_DEFLATE)
    code = np.packbits(coder.finish()).tobytes()
    sizes = [_integer(len(each)) for each in (header, deflated, code)]
    return b"".join([*sizes, deflated, code, *numbers])


def _unpacked(body, max_bytes):
    reader = _Reader(body, max_bytes)
    n_header, n_deflated, n_code = (reader.integer() for _ in range(3))
    _check_size(_PER_PACKED * n_header, max_bytes)
    inflater = zlib.decompressobj(wbits=_RAW_DEFLATE)
    try:
        header = inflater.decompress(reader.take(n_deflated), n_header + 1)
    except zlib.error as error:
        raise _Damage("its header cannot be unpacked") from error
    _check(len(header) == n_header and inflater.eof, "its header has another length")
    header = _Reader(header, max_bytes).value()
    _check(type(header) is tuple and len(header) == 10, "its header is incomplete")
    n_features, widths, hidden, out, is_sparse = header[:5]
    names, target, name, steps, layers = header[5:]
    tuples = widths, steps, layers
    _check(all(type(each) is tuple for each in tuples), "its header is incomplete")
    counts = n_features, *widths
    _check(all(map(_is_count, counts)), "a number of features or neurons is none")
    _check(0 < len(widths) <= _MAX_LAYERS, "it has no layers, or too many")
    _check(len(layers) == len(widths), "it has not as many layers as it says")
    shapes = list(zip(counts, widths))
    n_bytes = _PER_PAIR * sum(n_in * n_out for n_in, n_out in shapes)
    n_bytes += _PER_NEURON * sum(counts) + _PER_BYTE * len(body)
    n_bytes += _PER_PACKED * (n_header + n_code)
    _check_size(n_bytes, max_bytes)

    mlp = _restored_mlp(widths, hidden, out, target)
    _set_features(mlp, n_features, names)
    coder = Decoder(reader.take(n_code))
    with np.errstate(all="ignore"):  # what is not finite is found below
        weights = [
            _unpack_layer(coder, reader, shape, layer, is_sparse)
            for shape, layer in zip(shapes, layers)
        ]
    reader.end()
    mlp.coefs_, mlp.intercepts_ = map(list, zip(*weights))
    try:
        network_of(mlp)
    except ValueError as error:
        raise _Damage(str(error)) from error
    if name is None:
        _check(not steps, "its last step has no name")
        return mlp
    steps = [*(_restored_step(step, n_features) for step in steps), (name, mlp)]
    names = [name for name, _ in steps]
    _check(
        all(type(name) is str and "__" not in name for name in names)
        and len(set(names)) == len(names),
        "its steps have no proper names",
    )
    return Pipeline(steps)


# Weights


def _pack_layer(coder, numbers, coef, intercept):
    """Code a layer, and return its steps; 0 is for numbers that are stored as such."""
    kept = coef != 0
    found = levels_of(coef)
    step, levels = found or (coef.dtype.type(0), None)
    odd = bool(found) and bool((levels[kept] % 2).all())
    kept, lags = code_support(coder, kept, np.sign(coef).astype(np.int8))
    if found:
        levels = np.sign(levels) * ((np.abs(levels) + 1) // 2) if odd else levels
        code_levels(coder, levels, kept, lags)
    else:
        numbers.append(_little(coef[kept]))

    found = levels_of(intercept, MAX_INTEGER)
    intercept_step, levels = found or (intercept.dtype.type(0), None)
    if found:
        code_integers(coder, levels)
    else:
        numbers.append(_little(intercept))
    return step, odd, intercept_step


def _unpack_layer(coder, reader, shape, layer, is_sparse):
    _check(type(layer) is tuple and len(layer) == 3, "a layer is incomplete")
    step, odd, intercept_step = layer
    _check(
        type(odd) is type(is_sparse) is bool
        and type(step) in DTYPES
        and type(intercept_step) in DTYPES,
        "the steps of a layer are none",
    )
    blank = np.zeros(shape, np.int8)
    kept, lags = code_support(coder, blank != 0, blank)
    if step:
        levels = code_levels(coder, blank, kept, lags)[kept]
        levels = 2 * levels - np.sign(levels) if odd else levels
        values = step * levels.astype(step.dtype)
    else:
        values = reader.numbers(step.dtype, np.count_nonzero(kept))
    rows, columns = np.nonzero(kept)
    coef = sparse.csr_array((values, (rows, columns)), shape)

    blank = np.zeros(shape[1], int)
    if intercept_step:
        levels = code_integers(coder, blank)
        intercept = intercept_step * levels.astype(intercept_step.dtype)
    else:
        intercept = reader.numbers(intercept_step.dtype, len(blank))
    return (coef if is_sparse else coef.toarray()), intercept


# The estimators around them


def _names_of(estimator):
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else tuple(map(str, names))


def _set_features(estimator, n_features, names):
    estimator.n_features_in_ = n_features
    if names is not None:
        _check(
            type(names) is tuple
            and len(names) == n_features
            and all(type(name) is str for name in names),
            "it has other names of features than features",
        )
        estimator.feature_names_in_ = np.array(names, dtype=object)


def _packed_target(mlp):
    if not is_classifier(mlp):
        return None
    classes, (kind, is_sparse) = mlp.classes_, label_encoding(mlp)
    if not (classes.dtype.kind == "U" or classes.dtype in _DTYPES):
        raise ValueError(
            f"classes_ are of dtype {classes.dtype}; a file holds bool, integers, "
            "floats and strings. Fit the network to y.astype(str), for example."
        )
    return _TARGETS.index(kind), is_sparse, classes


def _restored_mlp(widths, hidden, out, target):
    _check(_is_below(hidden, len(_HIDDEN)), "its activation is unknown")
    _check(_is_below(out, len(OUT_ACTIVATIONS)), "its output activation is unknown")
    out = OUT_ACTIVATIONS[out]
    params = {"hidden_layer_sizes": widths[:-1], "activation": _HIDDEN[hidden]}
    if target is None:
        _check(out in ("identity", "exp"), "its outputs are no values")
        if out == "exp":
            params["loss"] = "poisson"
        try:
            mlp = MLPRegressor(**params)
        except TypeError as error:
            raise ValueError(
                "This file is of a network of Poisson loss, which the installed "
                "scikit-learn does not have: load it with scikit-learn 1.7 or later."
            ) from error
    else:
        _check(type(target) is tuple and len(target) == 3, "its classes are incomplete")
        kind, is_sparse, classes = target
        _check(
            _is_below(kind, len(_TARGETS))
            and type(is_sparse) is bool
            and type(classes) is np.ndarray,
            "its classes are incomplete",
        )
        expected = {
            "binary": ("logistic", 1, (1, 2)),
            "multiclass": ("softmax", widths[-1], (widths[-1],)),
            "multilabel-indicator": ("logistic", widths[-1], (widths[-1],)),
        }
        out_expected, n_out, n_classes = expected[_TARGETS[kind]]
        _check(
            (out, widths[-1]) == (out_expected, n_out) and len(classes) in n_classes,
            "its classes are not those of its outputs",
        )
        mlp = MLPClassifier(**params)
        mlp.classes_ = classes
        set_label_encoding(mlp, _TARGETS[kind], is_sparse)
    mlp.n_layers_ = len(widths) + 1
    mlp.n_outputs_ = widths[-1]
    mlp.out_activation_ = out
    return mlp


def _packed_step(name, step, n_features):
    """Name, number and attributes of a scaler."""
    if step is None or isinstance(step, str):  # "passthrough"
        return name, None, None, ()
    for number, (kind, params, learnt) in enumerate(_SCALERS):
        if type(step) is kind:
            check_is_fitted(step)
            values = tuple(getattr(step, each, None) for each in (*params, *learnt))
            for attribute, value in zip(learnt, values[len(params) :]):
                if not _is_learnt(value, n_features):
                    raise ValueError(
                        f"{attribute} of the step {name!r} is not finite numbers, one "
                        "for each feature of the network."
                    )
            return name, number, _names_of(step), values
    known = ", ".join(kind.__name__ for kind, *_ in _SCALERS)
    raise ValueError(
        f"The step {name!r} is of type {type(step).__name__}; of the steps before a "
        f"network a file holds {known}."
    )


def _restored_step(step, n_features):
    _check(type(step) is tuple and len(step) == 4, "a step is incomplete")
    name, number, names, values = step
    if number is None:
        return name, "passthrough"
    _check(_is_below(number, len(_SCALERS)), "a step is of an unknown type")
    kind, params, learnt = _SCALERS[number]
    _check(
        type(values) is tuple and len(values) == len(params) + len(learnt),
        "a step is incomplete",
    )
    defaults = kind().get_params()
    given = {each: value for each, value in zip(params, values) if each in defaults}
    _check(
        all(type(value) is type(defaults[each]) for each, value in given.items()),
        "a parameter of a step is of another type",
    )
    scaler = kind(**given)
    for attribute, value in zip(learnt, values[len(params) :]):
        _check(_is_learnt(value, n_features), f"{attribute} of a step is damaged")
        setattr(scaler, attribute, value)
    _set_features(scaler, n_features, None)
    try:
        with np.errstate(all="ignore"):
            scaled = scaler.transform(np.zeros((1, n_features)))
    except (AttributeError, TypeError, ValueError) as error:
        raise _Damage("a step does not transform") from error
    _check(np.isfinite(scaled).all(), "a step does not transform")
    _set_features(scaler, n_features, names)
    return name, scaler


def _is_learnt(value, n_features):
    """Whether it may be an attribute of a scaler: none, a number, or one a feature."""
    if isinstance(value, np.ndarray):
        is_number = value.dtype.kind in "iuf"
        return is_number and len(value) == n_features and np.isfinite(value).all()
    return value is None or isinstance(value, (int, np.number))


# Values, as bytes


class _Reader:
    """Takes bytes from the front of some."""

    def __init__(self, data, max_bytes):
        self._data, self._place, self._max_bytes = data, 0, max_bytes

    def take(self, n_bytes):
        end = self._place + n_bytes
        _check(end <= len(self._data), "it ends too early")
        taken = self._data[self._place : end]
        self._place = end
        return taken

    def end(self):
        _check(self._place == len(self._data), "something follows the network")

    def integer(self):
        """Seven bits a byte, the lowest first; the eighth says that more follow."""
        out = 0
        for shift in range(0, 70, 7):
            (byte,) = self.take(1)
            out |= (byte & 127) << shift
            if byte < 128:
                return out
        raise _Damage("a number is too long")

    def signed(self):
        number = self.integer()
        return -(number >> 1) - 1 if number & 1 else number >> 1

    def text(self):
        try:
            return self.take(self.integer()).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise _Damage("a text is none") from error

    def numbers(self, dtype, n):
        stored = np.frombuffer(self.take(n * dtype.itemsize), dtype.newbyteorder("<"))
        return stored.astype(dtype)

    def value(self, depth=0):
        """A value, by its tag; see `_packed_value`."""
        (tag,) = self.take(1)
        match tag:
            case _Tag.NONE:
                return None
            case _Tag.FALSE | _Tag.TRUE:
                return tag == _Tag.TRUE
            case _Tag.INT:
                return self.signed()
            case _Tag.FLOAT:
                return float(self.numbers(np.dtype("f8"), 1)[0])
            case _Tag.TEXT:
                return self.text()
            case _Tag.TUPLE:
                _check(depth < _MAX_DEPTH, "values are nested too deeply")
                return tuple(self.value(depth + 1) for _ in range(self.integer()))
            case _Tag.SCALAR:
                return self.array(1)[0]
            case _Tag.ARRAY:
                return self.array(self.integer())
        raise _Damage("a value is of an unknown type")

    def array(self, n):
        (number,) = self.take(1)
        if number < len(_DTYPES):
            dtype = _DTYPES[number]
            if dtype.kind == "f":
                return self.numbers(dtype, n)
            values = [self.signed() for _ in range(n)]
            low, high = _limits(dtype)
            _check(
                all(low <= value <= high for value in values),
                "a number does not fit its type",
            )
            return np.array(values, dtype)
        _check(number == len(_DTYPES), "an array is of an unknown type")
        width = self.integer()
        _check_size(_PER_BYTE * n * width, self._max_bytes)
        texts = [self.text() for _ in range(n)]
        _check(
            0 < width and max(map(len, texts), default=0) <= width,
            "a text is longer than its type",
        )
        return np.array(texts, dtype=f"U{width}")


def _integer(number):
    """Bytes of a number that is not negative; see `_Reader.integer`."""
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _signed(number):
    """Bytes of a whole number; see `_Reader.signed`."""
    return _integer(2 * abs(number) - (number < 0))


def _limits(dtype):
    """Smallest and largest number of a type."""
    if dtype.kind == "b":
        return 0, 1
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def _text(text):
    data = text.encode("utf-8", "surrogatepass")
    return _integer(len(data)) + data


def _little(array):
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def _array(array):
    if array.dtype.kind == "U":
        start = bytes([len(_DTYPES)]) + _integer(array.dtype.itemsize // 4)
        return start + b"".join(map(_text, array.tolist()))
    values = array.ravel()
    if values.dtype.kind == "f":
        data = _little(values)
    else:
        data = b"".join(map(_signed, map(int, values)))
    return bytes([_DTYPES.index(array.dtype)]) + data


def _packed_value(value):
    """Bytes of a value: a tag, and what it is."""
    match value:
        case None:
            return bytes([_Tag.NONE])
        case bool():
            return bytes([_Tag.TRUE if value else _Tag.FALSE])
        case np.generic():
            return bytes([_Tag.SCALAR]) + _array(np.array(value))
        case np.ndarray():
            return bytes([_Tag.ARRAY]) + _integer(len(value)) + _array(value)
        case int():
            return bytes([_Tag.INT]) + _signed(value)
        case float():
            return bytes([_Tag.FLOAT]) + struct.pack("<d", value)
        case str():
            return bytes([_Tag.TEXT]) + _text(value)
    parts = map(_packed_value, value)
    return b"".join([bytes([_Tag.TUPLE]), _integer(len(value)), *parts])


def _check(condition, reason):
    if not condition:
        raise _Damage(reason)


def _is_count(value):
    return type(value) is int and value > 0


def _is_below(value, end):
    return type(value) is int and 0 <= value < end

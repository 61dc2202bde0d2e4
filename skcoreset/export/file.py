"""A compact file of a network; doc/user_guide/file_format.rst describes each byte."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import io
import json
import re
import struct
import zlib
from itertools import pairwise, takewhile
from numbers import Integral
from types import SimpleNamespace

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
    Decoder,
    Encoder,
    code_integers,
    code_levels,
    code_support,
    levels_of,
)
from .._compressor import CoresetCompressor
from .._network import dense
from .._sparse_mlp import SparseMLPClassifier, SparseMLPRegressor
from .._wrapped import (
    is_compressor,
    is_mlp,
    label_encoding,
    last_step,
    network_of,
    set_label_encoding,
    steps_before,
)
from .._wrapped import levels as nested
from .._wrapped.compat import Interval, validate_params
from .comparison import compare_on

# The constants down to _SCALERS belong to the format. They are written out here, so
# that no change elsewhere in the package can change what a saved file means.

# As in PNG: not text, and with line ends that a transfer as text would change.
_MAGIC = b"\x89SKC\r\n\x1a\n"
_VERSION = 3

# Magic, version, and the lengths of the metadata, of the deflated metadata, and of the
# code and numbers. A CRC-32 ends the file.
_START = struct.Struct("<8sBIII")
_CHECKSUM = struct.Struct("<I")
_RAW_DEFLATE = -15

# What metadata is likely to contain, as a preset dictionary for deflate: with it they
# take a third of the bytes.
_DICTIONARY = (
    b'"StandardScaler""MinMaxScaler""MaxAbsScaler""RobustScaler""attributes":{"mean_":{'
    b'"dtype":"float64","values":["n_samples_seen_":{"dtype":"int64","values":'
    b'"params":{"copy":true,"with_mean":true,"with_std":true},"type":"exp""identity"'
    b'"tanh""values""binary""multilabel"{"activation":"logistic","code":1'
    b'"activation":"relu","code":10,"feature_names":null,"labels":{"classes":{"dtype":'
    b'"int64","values":[0,1,2,3,4,5,6,7,8,9]},"sparse":false},"layers":[{"intercepts":{'
    b'"dtype":"float64","step":null},"odd":false,"weights":{"dtype":"float64","step":'
    b'null}},{"intercepts":{"dtype":"float32","step":0.0},"odd":true,"weights":{"dtype":'
    b'"float32","step":0.0}}],"n_features":64,"name":null,"out_activation":"softmax",'
    b'"predicts":"multiclass","sparse":true,"steps":[],"widths":[100,10]}'
)

_ACTIVATIONS = ("identity", "logistic", "relu", "tanh")

# Output activations by what is predicted.
_OUT_ACTIVATIONS = {
    "values": ("identity", "exp"),
    "binary": ("logistic",),
    "multiclass": ("softmax",),
    "multilabel": ("logistic",),
}

# scikit-learn's names for what a classifier predicts.
_LABELS = {
    "binary": "binary",
    "multiclass": "multiclass",
    "multilabel-indicator": "multilabel",
}

# Types of weights, and of classes and of what a scaler has learnt. Besides these,
# classes may be strings: "U3" has room for 3 characters.
_FLOATS = ("float32", "float64")
_DTYPES = (
    "bool",
    *("int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64"),
    *_FLOATS,
)

_MAX_LEVEL = 255
_MAX_INTERCEPT_LEVEL = 32_767
_MAX_LAYERS = 255
_MAX_COUNT = 2**32

# Parameters, and learnt attributes.
_SCALERS = {
    StandardScaler: (
        ("copy", "with_mean", "with_std"),
        ("mean_", "scale_", "var_", "n_samples_seen_"),
    ),
    MinMaxScaler: (
        ("copy", "feature_range", "clip"),
        ("min_", "scale_", "data_min_", "data_max_", "data_range_", "n_samples_seen_"),
    ),
    MaxAbsScaler: (
        ("copy", "clip"),
        ("max_abs_", "scale_", "n_samples_seen_"),
    ),
    RobustScaler: (
        ("copy", "with_centering", "with_scaling", "quantile_range", "unit_variance"),
        ("center_", "scale_"),
    ),
}
_SCALERS_BY_NAME = {kind.__name__: kind for kind in _SCALERS}

# The most memory that loading takes, in bytes: for each pair of neurons that an edge
# may join, each neuron, each byte of the file, and each byte of what is unpacked.
_PER_PAIR, _PER_NEURON, _PER_BYTE, _PER_PACKED = 80, 512, 4, 64


class _Damage(Exception):
    """The reason why a file is damaged."""


def dump(estimator, file, *, X=None):
    """Save a network in a compact file.

    :func:`load` gives back the same weights and intercepts, to the bit. Nothing that
    only training needs is stored.

    Parameters
    ----------
    estimator : CoresetCompressor, MLPClassifier, MLPRegressor or Pipeline
        Fitted. Of a compressor its `estimator_` is stored. A Pipeline consists of
        linear scalers (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler), each
        fitted, and the network.

    file : str, path-like, or file object opened in binary mode
        Where to write.

    X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
        Rows of what `estimator` takes, to compare predictions on. Of more than 20,000 a
        fixed random sample of that size.

    Returns
    -------
    comparison : Comparison or None
        How the loaded network predicts X beside `estimator`. None without X.

    Raises
    ------
    ValueError
        If the file cannot hold a step, an activation, the type of the classes or the
        weights. The message names it. Nothing is written then.

    TypeError
        If `estimator` is not a network.

    sklearn.exceptions.NotFittedError
        If it is not fitted (a subclass of ValueError).

    See Also
    --------
    load : Read it back.

    Notes
    -----
    Before anything is written, the bytes are loaded again and compared with
    `estimator`: every weight and intercept bit by bit (0 and -0 are the same), classes,
    names and scalers. Nothing is rounded, so this is what makes the predictions equal;
    with X these are compared as well.

    An edge takes about 3 bits to say where it is, fewer in dense networks and more in
    very sparse ones. Weights of a layer that are whole multiples of one step, at most
    255 times it, take little more than their entropy: 3 bits for 8 values. Any others
    are stored as they are, in 32 or 64 bits. So are intercepts; multiples of a step up
    to 32,767 times it take about 14 bits.

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
    >>> print(export.dump(compressor, file, X=X))
    equal predictions on 100.00% of 1,797 rows; root-mean-square error ...
    >>> file.tell() < 3000
    True
    >>> _ = file.seek(0)
    >>> loaded = export.load(file)
    >>> bool((loaded.predict(X) == compressor.predict(X)).all())
    True
    """
    data = _packed(*_steps(estimator))
    comparison = None
    if X is not None:
        comparison = compare_on(X, estimator, load(io.BytesIO(data), max_bytes=2**63))
        comparison.warn("What is loaded from the file")
    if hasattr(file, "write"):
        file.write(data)
    else:
        with open(file, "wb") as opened:
            opened.write(data)
    return comparison


@validate_params(
    {"max_bytes": [Interval(Integral, 0, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def load(file, *, max_bytes=2**30):
    """Read a network that `dump` has written.

    Nothing in a file is executed. Whatever its bytes are, the result is a network or
    one clear error. A checksum is no signature: it finds accidents, and says nothing
    about who wrote the file.

    Parameters
    ----------
    file : str, path-like, or file object opened in binary mode
        Of a file object no more than the network is read.

    max_bytes : int, default=2**30
        The most memory that loading may take, in bytes. The need is computed from the
        sizes at the beginning of the file: about 80 bytes for each pair of neurons in
        neighbouring layers. It limits the time as well: the default to some seconds.

    Returns
    -------
    estimator : SparseMLPClassifier, SparseMLPRegressor or Pipeline
        With the parameters of training at their defaults. Where no `coefs_` were
        sparse, a plain MLPClassifier or MLPRegressor.

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
            "This is not a file of skcoreset.export.dump: its first bytes differ."
        )
    try:
        _check(len(start) == _START.size, "it ends too early")
        _, version, n_metadata, n_deflated, n_rest = _START.unpack(start)
        if version != _VERSION:
            raise ValueError(
                f"This file is of version {version} of its format, and this release of "
                f"skcoreset reads version {_VERSION}: load it with "
                f"{'a later' if version > _VERSION else 'an earlier'} release."
            )
        n_bytes = _PER_PACKED * n_metadata + _PER_BYTE * (n_deflated + n_rest)
        _check_size(n_bytes, max_bytes)
        deflated, rest = _take(file, n_deflated), _take(file, n_rest)
        checksum = _CHECKSUM.pack(zlib.crc32(start + deflated + rest))
        _check(_take(file, _CHECKSUM.size) == checksum, "its checksum is wrong")
        metadata = _inflated(deflated, n_metadata)
        return _unpacked(metadata, rest, n_bytes, max_bytes)
    except _Damage as damage:
        raise ValueError(f"This file is damaged: {damage}.") from damage


def _check(condition, reason):
    if not condition:
        raise _Damage(reason)


def _check_size(n_bytes, max_bytes):
    if n_bytes > max_bytes:
        raise ValueError(
            f"Loading this file takes up to {n_bytes:,} bytes, more than max_bytes="
            f"{max_bytes:,}. If you know whom it is from, allow more."
        )


def _take(file, n_bytes):
    data = file.read(n_bytes)
    _check(len(data) == n_bytes, "it ends too early")
    return data


# The network and the steps before it


def _steps(estimator):
    """Names and scalers of the steps before the network, its name, and itself."""
    mlp = last_step(estimator)
    if isinstance(mlp, CoresetCompressor):
        check_is_fitted(mlp)
    if not is_mlp(mlp):
        raise TypeError(
            "A file holds a CoresetCompressor, an MLPClassifier, an MLPRegressor or a "
            f"Pipeline of scalers that ends in one; got {type(mlp).__name__}."
        )
    check_is_fitted(mlp)
    scalers = steps_before(estimator)
    for name, step in scalers:
        if type(step) not in _SCALERS:
            line = _line_of_pipeline(estimator)
            raise ValueError(
                f"The step {name!r} is of type {type(step).__name__}; before a network "
                f"a file holds {', '.join(_SCALERS_BY_NAME)}. Store the network alone, "
                f"dump({line}[-1], file), and give it the rows that "
                f"{line}[:-1].transform returns."
            )
    pipelines = [each for each, _ in nested(estimator) if isinstance(each, Pipeline)]
    if not pipelines:
        return [], None, mlp
    # names may occur twice where Pipelines are in each other
    names = [name for name, _ in scalers] + [pipelines[-1].steps[-1][0]]
    if len(set(names)) < len(names):
        names = [f"{name}-{number}" for number, name in enumerate(names, start=1)]
    *names, own = names
    return [(name, step) for name, (_, step) in zip(names, scalers)], own, mlp


def _line_of_pipeline(estimator):
    """How a user writes the first Pipeline in an estimator."""
    line = "compressor" if is_compressor(estimator) else "estimator"
    outside = takewhile(
        lambda pair: not isinstance(pair[0], Pipeline), nested(estimator)
    )
    for container, _ in outside:
        frozen = isinstance(container, FrozenEstimator)
        inner = "estimator_" if is_compressor(container) else "best_estimator_"
        line += ".estimator" if frozen else f".{inner}"
    return line


def _packed(scalers, name, mlp):
    """The bytes of a file, compared with the network after they were loaded again."""
    network = network_of(mlp)
    if len(network.widths) > _MAX_LAYERS:
        raise ValueError(
            f"The network has {len(network.widths)} layers of weights; a file holds "
            f"{_MAX_LAYERS}."
        )
    described = _described(scalers, name, mlp)
    coder, numbers = Encoder(), []
    layers = [
        _pack_layer(coder, numbers, dense(coef), intercept)
        for coef, intercept in zip(network.coefs, network.intercepts)
    ]
    code = np.packbits(coder.finish()).tobytes()
    metadata = _to_json(described | {"layers": layers, "code": len(code)}).encode()
    deflater = zlib.compressobj(9, wbits=_RAW_DEFLATE, zdict=_DICTIONARY)
    deflated = deflater.compress(metadata) + deflater.flush()
    rest = b"".join([code, *numbers])
    sizes = len(metadata), len(deflated), len(rest)
    data = _START.pack(_MAGIC, _VERSION, *sizes) + deflated + rest
    data += _CHECKSUM.pack(zlib.crc32(data))

    stored = _steps(load(io.BytesIO(data), max_bytes=2**63))
    same = _described(*stored) == described
    for new, old in zip(_arrays(stored[-1]), _arrays(mlp)):
        same &= new.dtype == old.dtype and np.array_equal(new, old)
    if not same:
        raise ValueError(
            "The file would not hold this network: what is loaded from it differs in a "
            "weight, a class or a name."
        )
    return data


def _arrays(mlp):
    network = network_of(mlp)
    yield from map(dense, network.coefs)
    yield from network.intercepts


def _described(scalers, name, mlp):
    """The metadata of an estimator, without those of its layers."""
    network = network_of(mlp)
    n_features = network.coefs[0].shape[0]
    predicts, labels = _pack_labels(mlp)
    if network.activation not in _ACTIVATIONS:
        raise ValueError(
            f"A file cannot hold a network of activation={mlp.activation!r}."
        )
    if network.out_activation not in _OUT_ACTIVATIONS[predicts]:
        raise ValueError(
            f"A file cannot hold a {type(mlp).__name__} of {predicts} with "
            f"out_activation_={network.out_activation!r}."
        )
    return {
        "activation": network.activation,
        "feature_names": _feature_names(mlp),
        "labels": labels,
        "n_features": n_features,
        "name": name,
        "out_activation": network.out_activation,
        "predicts": predicts,
        "sparse": any(map(sparse.issparse, mlp.coefs_)),
        "steps": [_pack_scaler(*step, n_features) for step in scalers],
        "widths": list(network.widths),
    }


def _unpacked(metadata, rest, n_bytes, max_bytes):
    meta = _object(
        metadata,
        "activation code feature_names labels layers n_features name out_activation "
        "predicts sparse steps widths",
    )
    lists = meta.layers, meta.steps, meta.widths
    _check(all(type(each) is list for each in lists), "its metadata are incomplete")
    counts = [meta.n_features, *meta.widths]
    _check(all(map(_is_count, counts)), "a number of features or neurons is wrong")
    _check(0 < len(meta.widths) <= _MAX_LAYERS, "it has no layers, or too many")
    _check(len(meta.layers) == len(meta.widths), "it has not a step for each layer")
    is_length = type(meta.code) is int and 0 <= meta.code <= len(rest)
    _check(is_length, "its code has no length")
    _check(type(meta.sparse) is bool, "nothing says if its weights are sparse")
    shapes = list(pairwise(counts))
    n_bytes += _PER_PAIR * sum(n_in * n_out for n_in, n_out in shapes)
    n_bytes += _PER_NEURON * sum(counts) + _PER_PACKED * meta.code
    _check_size(n_bytes, max_bytes)

    mlp = _unpack_mlp(meta, max_bytes)
    _set_features(mlp, meta.n_features, meta.feature_names)
    numbers = io.BytesIO(rest)
    coder = Decoder(_take(numbers, meta.code))
    with np.errstate(all="ignore"):  # network_of refuses what is not finite
        weights = [
            _unpack_layer(coder, numbers, shape, layer, meta.sparse)
            for shape, layer in zip(shapes, meta.layers)
        ]
    _check(not numbers.read(1), "something follows the network")
    mlp.coefs_, mlp.intercepts_ = map(list, zip(*weights))
    try:
        network_of(mlp)
    except ValueError as error:
        raise _Damage(str(error)) from error
    if meta.name is None:
        _check(not meta.steps, "its last step has no name")
        return mlp
    steps = [_unpack_scaler(step, meta.n_features, max_bytes) for step in meta.steps]
    steps.append((meta.name, mlp))
    names = [name for name, _ in steps]
    _check(
        all(type(name) is str and "__" not in name for name in names)
        and len(set(names)) == len(names),
        "its steps have no proper names",
    )
    return Pipeline(steps)


# Weights


def _pack_layer(coder, numbers, coef, intercept):
    """Code a layer, or add it to the raw numbers, and return its metadata."""
    kept = coef != 0
    found = levels_of(coef, _MAX_LEVEL)
    step, levels = found or (None, None)
    odd = bool(found) and bool((levels[kept] % 2).all())
    kept, lags = code_support(coder, kept, np.sign(coef).astype(np.int8))
    if found:
        levels = np.sign(levels) * ((np.abs(levels) + 1) // 2) if odd else levels
        code_levels(coder, levels, kept, lags)
    else:
        numbers.append(_little_endian(coef[kept]))

    found = levels_of(intercept, _MAX_INTERCEPT_LEVEL)
    intercept_step, levels = found or (None, None)
    if found:
        code_integers(coder, levels)
    else:
        numbers.append(_little_endian(intercept))
    return {
        "intercepts": _pack_step(intercept, intercept_step),
        "odd": odd,
        "weights": _pack_step(coef, step),
    }


def _unpack_layer(coder, numbers, shape, layer, is_sparse):
    layer = _object(layer, "intercepts odd weights")
    _check(type(layer.odd) is bool, "a layer is incomplete")
    dtype, step = _unpack_step(layer.weights)
    blank = np.zeros(shape, np.int8)
    kept, lags = code_support(coder, blank != 0, blank)
    if step is None:
        values = _take_numbers(numbers, dtype, np.count_nonzero(kept))
    else:
        levels = code_levels(coder, blank, kept, lags)[kept]
        levels = 2 * levels - np.sign(levels) if layer.odd else levels
        values = step * levels.astype(dtype)
    # as SciPy has the indices of small arrays
    index = np.int32 if max(shape) < 2**31 else np.int64
    rows, columns = (ends.astype(index) for ends in np.nonzero(kept))
    coef = sparse.csr_array((values, (rows, columns)), shape)

    dtype, step = _unpack_step(layer.intercepts)
    if step is None:
        intercept = _take_numbers(numbers, dtype, shape[1])
    else:
        levels = code_integers(coder, np.zeros(shape[1], int))
        intercept = step * levels.astype(dtype)
    return (coef if is_sparse else coef.toarray()), intercept


def _pack_step(values, step):
    return {"dtype": values.dtype.name, "step": None if step is None else float(step)}


def _unpack_step(packed):
    packed = _object(packed, "dtype step")
    step = packed.step
    _check(packed.dtype in _FLOATS, "the type of a layer is unknown")
    is_step = step is None or (type(step) is float and step > 0)
    _check(is_step, "a layer has a wrong step")
    dtype = np.dtype(packed.dtype)
    return dtype, step if step is None else dtype.type(step)


def _little_endian(array):
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def _take_numbers(numbers, dtype, n):
    stored = _take(numbers, int(n) * dtype.itemsize)
    return np.frombuffer(stored, dtype.newbyteorder("<")).astype(dtype)


# Classes, names and scalers


def _feature_names(estimator):
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else list(map(str, names))


def _set_features(estimator, n_features, names):
    estimator.n_features_in_ = n_features
    if names is not None:
        _check(
            type(names) is list
            and len(names) == n_features
            and all(type(name) is str for name in names),
            "its names of features are not one for each",
        )
        estimator.feature_names_in_ = np.array(names, dtype=object)


def _pack_labels(mlp):
    """The metadata `predicts` and `labels`."""
    if not is_classifier(mlp):
        return "values", None
    classes, (kind, is_sparse) = mlp.classes_, label_encoding(mlp)
    if not (classes.dtype.kind == "U" or classes.dtype.name in _DTYPES):
        raise ValueError(
            f"classes_ are of dtype {classes.dtype}; a file holds bool, integers, "
            "floats and strings. Fit the network to y.astype(str), for example."
        )
    return _LABELS[kind], {"classes": _pack_array(classes), "sparse": is_sparse}


def _unpack_mlp(meta, max_bytes):
    """The network without its weights."""
    _check(meta.activation in _ACTIVATIONS, "its activation is unknown")
    _check(meta.predicts in list(_OUT_ACTIVATIONS), "what it predicts is unknown")
    known = meta.out_activation in _OUT_ACTIVATIONS[meta.predicts]
    _check(known, "its output activation does not fit what it predicts")
    *hidden, n_outputs = meta.widths
    params = {"hidden_layer_sizes": tuple(hidden), "activation": meta.activation}
    if meta.predicts == "values":
        _check(meta.labels is None, "a network that predicts values has classes")
        if meta.out_activation == "exp":
            params["loss"] = "poisson"
        try:
            mlp = (SparseMLPRegressor if meta.sparse else MLPRegressor)(**params)
        except TypeError as error:
            raise ValueError(
                "This file is of a network of Poisson loss, which the installed "
                "scikit-learn does not have: load it with scikit-learn 1.7 or later."
            ) from error
    else:
        labels = _object(meta.labels, "classes sparse")
        _check(type(labels.sparse) is bool, "nothing says if its labels are sparse")
        mlp = (SparseMLPClassifier if meta.sparse else MLPClassifier)(**params)
        mlp.classes_ = _unpack_array(labels.classes, max_bytes)
        is_binary = meta.predicts == "binary"
        _check(
            np.ndim(mlp.classes_) == 1
            and len(mlp.classes_) in ((1, 2) if is_binary else (n_outputs,))
            and (n_outputs == 1 or not is_binary),
            "its classes are not those of its outputs",
        )
        (kind,) = (kind for kind, name in _LABELS.items() if name == meta.predicts)
        set_label_encoding(mlp, kind, labels.sparse)
    mlp.n_layers_ = len(meta.widths) + 1
    mlp.n_outputs_ = n_outputs
    mlp.out_activation_ = meta.out_activation
    return mlp


def _pack_scaler(name, scaler, n_features):
    check_is_fitted(scaler)
    params, learnt = _SCALERS[type(scaler)]
    given, defaults = scaler.get_params(), type(scaler)().get_params()
    for unknown in given.keys() - set(params):
        if given[unknown] != defaults[unknown]:
            raise ValueError(
                f"The step {name!r} has {unknown}={given[unknown]!r}, which a file "
                "does not hold."
            )
    attributes = {}
    for attribute in learnt:
        value = getattr(scaler, attribute, None)
        if not _is_learnt(value, n_features):
            raise ValueError(
                f"{attribute} of the step {name!r} must be finite numbers, one for "
                "each feature of the network."
            )
        attributes[attribute] = None if value is None else _pack_array(value)
    return {
        "attributes": attributes,
        "feature_names": _feature_names(scaler),
        "name": name,
        "params": {each: given[each] for each in params if each in given},
        "type": type(scaler).__name__,
    }


def _unpack_scaler(packed, n_features, max_bytes):
    """Name and scaler of a step."""
    step = _object(packed, "attributes feature_names name params type")
    _check(step.type in list(_SCALERS_BY_NAME), "a step is of an unknown type")
    kind = _SCALERS_BY_NAME[step.type]
    params, learnt = _SCALERS[kind]
    defaults = kind().get_params()
    whole = type(step.params) is dict and step.params.keys() <= set(params)
    _check(whole, "a step is incomplete")
    given = {
        each: tuple(value) if type(value) is list else value
        for each, value in step.params.items()
        # parameters of a later scikit-learn change nothing where they are off
        if each in defaults or value
    }
    _check(
        all(type(value) is type(defaults.get(each)) for each, value in given.items()),
        "a parameter of a step is of another type, or of a later scikit-learn",
    )
    scaler = kind(**given)
    _set_features(scaler, n_features, None)
    for attribute, value in vars(_object(step.attributes, " ".join(learnt))).items():
        value = None if value is None else _unpack_array(value, max_bytes)
        _check(_is_learnt(value, n_features), f"{attribute} of a step is damaged")
        setattr(scaler, attribute, value)
    try:
        with np.errstate(all="ignore"):
            scaled = scaler.transform(np.zeros((1, n_features)))
    except (AttributeError, TypeError, ValueError) as error:
        raise _Damage("a step does not transform") from error
    _check(np.isfinite(scaled).all(), "a step does not transform")
    _set_features(scaler, n_features, step.feature_names)
    return step.name, scaler


def _is_learnt(value, n_features):
    """Whether a scaler can have learnt it: None, a number, or one for each feature."""
    if value is None:
        return True
    value = np.asarray(value)
    is_number = value.dtype.kind in "iuf" and value.dtype.name in _DTYPES
    return is_number and value.shape in ((), (n_features,)) and np.isfinite(value).all()


# Metadata: JSON in canonical form


def _to_json(value):
    def plain(scalar):
        return scalar.item()

    return json.dumps(
        value, allow_nan=False, default=plain, separators=(",", ":"), sort_keys=True
    )


def _inflated(deflated, n_metadata):
    inflater = zlib.decompressobj(wbits=_RAW_DEFLATE, zdict=_DICTIONARY)
    try:
        text = inflater.decompress(deflated, n_metadata + 1)
    except zlib.error as error:
        raise _Damage("its metadata cannot be unpacked") from error
    whole = len(text) == n_metadata and inflater.eof and not inflater.unused_data
    _check(whole, "its metadata have another length")
    try:
        metadata = json.loads(text)
        canonical = _to_json(metadata).encode() == text
    except (ValueError, RecursionError) as error:
        raise _Damage("its metadata are not JSON") from error
    _check(canonical, "its metadata are not in the one form that they can have")
    return metadata


def _object(value, names):
    """The values of a JSON object that has exactly these names, as attributes."""
    whole = type(value) is dict and value.keys() == set(names.split())
    _check(whole, "its metadata are incomplete")
    return SimpleNamespace(**value)


def _pack_array(array):
    """An array of one dimension, or a number, with its type; Python's int has none."""
    if type(array) is int:
        return array
    array = np.asarray(array)
    length = array.dtype.itemsize // 4
    name = f"U{length}" if array.dtype.kind == "U" else array.dtype.name
    return {"dtype": name, "values": array.tolist()}


def _unpack_array(packed, max_bytes):
    if type(packed) is int:
        return packed
    packed = _object(packed, "dtype values")
    name, values = packed.dtype, packed.values
    if type(name) is str and re.fullmatch("U[1-9][0-9]{0,8}", name):
        n_texts = len(values) if type(values) is list else 1
        _check_size(_PER_BYTE * n_texts * int(name[1:]), max_bytes)
    else:
        _check(name in _DTYPES, "an array is of an unknown type")
    try:
        with np.errstate(all="ignore"):
            array = np.array(values, name)
        same = _to_json(array.tolist()) == _to_json(values)
    except (OverflowError, TypeError, ValueError) as error:
        raise _Damage("a value does not fit its type") from error
    _check(same and array.ndim <= 1, "a value does not fit its type")
    return array if array.ndim else array[()]


def _is_count(value):
    return type(value) is int and 0 < value < _MAX_COUNT

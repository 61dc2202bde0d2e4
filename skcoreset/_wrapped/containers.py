"""Containers: estimators that hold a network, how to open and refill them.

A new kind of container is one entry in `CONTAINERS`. For an estimator that cannot be
compressed, `why_not` says what to pass instead.
"""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass
from operator import attrgetter

from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


def _has(estimator, attribute):
    """Whether an object has an attribute of its own; a mock answers to any name."""
    return attribute in getattr(estimator, "__dict__", ())


def _last_of_pipeline(pipeline):
    return pipeline.steps[-1][1]


def _with_last_of_pipeline(pipeline, last):
    *before, (name, _) = pipeline.steps
    filled = copy(pipeline)
    # fitting the copy must not change the original's steps
    filled.steps = [*((key, deepcopy(step)) for key, step in before), (name, last)]
    return filled


@dataclass(frozen=True)
class Container:
    """A kind of estimator that predicts by one other, which it holds.

    Parameters
    ----------
    is_one : callable
        Tells whether an estimator is of this kind, and holds something.

    inner : callable
        Returns what an estimator of this kind holds.

    written : str
        How a user writes that, after the name of the estimator.

    can_be_compressed : bool, default=True
        Whether `CoresetCompressor` takes it as its `estimator`.

    refill : callable, default=None
        Returns a copy of an estimator that holds something else. None if the container
        changes no prediction, so that what it holds can take its place.
    """

    is_one: Callable
    inner: Callable
    written: str
    can_be_compressed: bool = True
    refill: Callable | None = None


_PIPELINE = Container(
    # that of imbalanced-learn is a subclass
    lambda estimator: isinstance(estimator, Pipeline) and bool(estimator.steps),
    _last_of_pipeline,
    "[-1]",
    refill=_with_last_of_pipeline,
)
_FROZEN = Container(
    lambda estimator: isinstance(estimator, FrozenEstimator),
    attrgetter("estimator"),
    ".estimator",
)
# `CoresetCompressor` is defined above this package: its attributes are its mark.
_COMPRESSOR = Container(
    lambda estimator: _has(estimator, "certificate_") and _has(estimator, "estimator_"),
    attrgetter("estimator_"),
    ".estimator_",
    can_be_compressed=False,
)
_SEARCH = Container(
    lambda estimator: _has(estimator, "best_estimator_"),
    attrgetter("best_estimator_"),
    ".best_estimator_",
    can_be_compressed=False,
)

CONTAINERS = (_PIPELINE, _FROZEN, _COMPRESSOR, _SEARCH)


def _container_of(estimator):
    """The entry of a container that is known, or None."""
    return next((kind for kind in CONTAINERS if kind.is_one(estimator)), None)


def levels(estimator, X=None):
    """Yield an estimator and the rows it gets, then what it holds, and so on inwards.

    Parameters
    ----------
    estimator : estimator
        Fitted, if X is given.

    X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
        Rows of what `estimator` takes. None stays None.

    Yields
    ------
    estimator, X : estimator and its rows
        The last one holds nothing that is known: an MLP, or someone else's model.
    """
    while True:
        yield estimator, X
        kind = _container_of(estimator)
        if kind is None:
            return
        if X is not None and kind is _PIPELINE:
            for _, step in open_steps(estimator.steps[:-1]):
                X = step.transform(X)
        estimator = kind.inner(estimator)


def steps_before(estimator):
    """Names and fitted steps that rows pass on their way to the network.

    Parameters
    ----------
    estimator : estimator
        As in :func:`last_step`.

    Returns
    -------
    steps : list of (str, transformer)
        Outermost first, as :func:`open_steps` has them.
    """
    return [
        pair
        for level, _ in levels(estimator)
        if _PIPELINE.is_one(level)
        for pair in open_steps(level.steps[:-1])
    ]


def open_steps(steps):
    """Names and steps that change rows in prediction.

    Pipelines and FrozenEstimators are opened.
    """
    opened = []
    for name, step in steps:
        step = thawed(step)
        if isinstance(step, Pipeline):
            opened += open_steps(step.steps)
        elif changes_rows(step):
            opened.append((name, step))
    return opened


def changes_rows(step):
    """Tell whether a step before the last changes rows when a Pipeline predicts.

    "passthrough" and None never do; the samplers of imbalanced-learn act in `fit` only.
    """
    is_sampler = hasattr(step, "fit_resample") and not hasattr(step, "transform")
    return step is not None and step != "passthrough" and not is_sampler


def thawed(estimator):
    """Return what is inside a FrozenEstimator."""
    while isinstance(estimator, FrozenEstimator):
        estimator = estimator.estimator
    return estimator


def last_step(estimator):
    """Return the MLP inside an estimator, or the estimator itself if it holds none.

    Parameters
    ----------
    estimator : estimator
        An MLP, a Pipeline (also of imbalanced-learn), a FrozenEstimator, a fitted
        `CoresetCompressor`, a fitted search, or these inside each other.
    """
    *_, (innermost, _) = levels(estimator)
    return innermost


def with_last_step(estimator, mlp):
    """Return a copy of an estimator with another MLP in its last step.

    Pipelines stay, with copies of their other steps; other containers are opened.
    """
    kind = _container_of(estimator)
    if kind is None:
        return mlp
    inner = with_last_step(kind.inner(estimator), mlp)
    return inner if kind.refill is None else kind.refill(estimator, inner)


def is_compressor(estimator):
    """Tell whether an estimator is a fitted `CoresetCompressor`."""
    return _COMPRESSOR.is_one(estimator)


def check_is_compressor(estimator):
    """Return a fitted `CoresetCompressor`; refuse everything else."""
    if is_compressor(estimator):
        return estimator
    if hasattr(estimator, "fine_tune"):
        check_is_fitted(estimator, "estimator_")
    raise TypeError(
        f"A fitted CoresetCompressor is needed; got {type(estimator).__name__}."
    )


def is_mlp(estimator):
    """Tell whether an estimator is one of scikit-learn's MLPs."""
    return isinstance(estimator, (MLPClassifier, MLPRegressor))


def is_fitted(estimator):
    """Tell whether the MLP has weights."""
    return hasattr(last_step(estimator), "coefs_")


# Estimators that cannot be opened


def why_not(estimator):
    """Say what to pass in place of an estimator that cannot be compressed.

    Returns
    -------
    message : str or None
        None where it can: it is an MLP, or a Pipeline or FrozenEstimator of one.
    """
    written = "estimator"
    kind = _container_of(estimator)
    while kind is not None and kind.can_be_compressed:
        estimator, written = kind.inner(estimator), written + kind.written
        kind = _container_of(estimator)
    if is_mlp(estimator):
        return None
    if kind is not None:
        hint = f"Pass `{written}{kind.written}`: "
    else:
        hint = _hint(estimator, written)
    if isinstance(estimator, type):
        got = f"the class {estimator.__name__}"
    else:
        got = f"an object of type {type(estimator).__name__}"
    return (
        f"{hint}estimator must be an MLPClassifier, an MLPRegressor or a Pipeline that "
        f"ends in one; got {got}."
    )


def _hint(estimator, written):
    """What to pass, or to write, in place of an estimator that holds networks."""
    if isinstance(estimator, type):
        return f"Pass an instance, {estimator.__name__}(): "
    kind = type(estimator).__name__
    if isinstance(estimator, TransformedTargetRegressor) and is_mlp(
        last_step(getattr(estimator, "regressor_", None))
    ):
        return f"Compress inside it, {transformed_target(estimator, written)}: "
    path, n_networks = _network_in(estimator)
    if n_networks:
        one_of = f", one of {n_networks} networks" if n_networks > 1 else ""
        return f"Pass `{written}{path}`{one_of}: "
    parameters = getattr(estimator, "get_params", dict)()
    for parameter, value in vars(estimator).items():
        if parameter in parameters and is_mlp(last_step(value)):
            return f"Compress inside it, {kind}({parameter}=CoresetCompressor(...)): "
    pairs = getattr(estimator, "estimators", None)
    if isinstance(pairs, list) and any(is_mlp(last_step(pair[-1])) for pair in pairs):
        return f"Put a CoresetCompressor around each network of the {kind}: "
    return ""


def transformed_target(estimator, written):
    """The line that compresses the network of a fitted TransformedTargetRegressor."""
    names = (
        ("func", "inverse_func") if estimator.transformer is None else ("transformer",)
    )
    options = ", ".join(f"{name}={written}.{name}" for name in names)
    return (
        f"TransformedTargetRegressor(CoresetCompressor({written}.regressor_), "
        f"{options}).fit(X, y)"
    )


def _network_in(estimator):
    """How to reach the first fitted network in an estimator, and how many there are.

    ("", 0) if there is none.
    """
    for attribute, value in vars(estimator).items():
        if attribute.startswith("_") or not attribute.endswith("_"):
            continue
        several = isinstance(value, list)
        values = value if several else [value]
        for path in ("", ".estimator"):
            fitted = [
                i
                for i, each in enumerate(values)
                if _is_fitted_mlp(getattr(each, path[1:], None) if path else each)
            ]
            if fitted:
                index = f"[{fitted[0]}]" if several else ""
                return f".{attribute}{index}{path}", len(fitted)
    return "", 0


def _is_fitted_mlp(estimator):
    return is_mlp(last_step(estimator)) and is_fitted(estimator)

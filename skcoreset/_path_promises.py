"""path_promises: what can be promised of every network of a path at once."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
from sklearn.utils import check_random_state

from ._compress import Finish
from ._methods import n_edges_at
from ._network import fastest
from ._parallel import one_blas_thread, threads
from ._plan import Plan, target_of
from ._promise.digest import digest_of_network, digest_of_rows
from ._promise.judge import Judge
from ._promise.provenance import Provenance
from ._promise.simultaneous import PathPromises, SimultaneousBounds
from ._wrapped import (
    check_finite_output,
    inputs_of,
    is_fitted,
    last_step,
    network_of,
    predicts_labels,
    thawed,
    with_network,
)
from ._wrapped.compat import HasMethods, Interval, validate_params

# Shares of the edges that the networks keep unless others are asked for: a step is a
# fifth fewer.
DENSITIES = np.geomspace(0.5, 0.01, 18)


@validate_params(
    {
        "compressor": [HasMethods(["fine_tune"])],
        "confidence": [None, Interval(Real, 0, 1, closed="neither")],
        "densities": [None, "array-like"],
    },
    prefer_skip_nested_validation=True,
)
@one_blas_thread
def path_promises(compressor, X, X_val, *, confidence=None, densities=None):
    """Promise something of every network of a path, so that one may look and choose.

    A certificate of `fit` is about the network that `fit` chose. Here the whole path is
    made and measured, and upper bounds on the share of rows over epsilon hold for *all*
    its networks and *every* epsilon together: look at them first, then take whichever
    network, epsilon and delta you like. That costs rows: see :ref:`many_promises`.

    Parameters
    ----------
    compressor : CoresetCompressor
        Says how networks are made: its `method`, `error`, `bits`, `refine`,
        `prune_neurons`, `n_jobs`, `random_state`. It need not be fitted, the network
        that it wraps must be. Its `epsilon` and `delta` are where
        :meth:`PathPromises.choose` begins; its `density` plays no part.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Calibration rows, all of which are used.

    X_val : {array-like, sparse matrix} of shape (n_val, n_features)
        Held-out rows: independent, and not seen by the network or in `X`.

    confidence : float, default=None
        That all bounds hold together. None is that of `compressor`.

    densities : array-like of shape (n_networks,), default=None
        Shares of the edges, in (0, 1), that the networks keep; fixed before the
        held-out rows are seen. None is 18 of them, from 0.5 to 0.01. With fewer, each
        bound is tighter.

    Returns
    -------
    promises : PathPromises

    Raises
    ------
    ValueError
        If no confidence is given; the network is not fitted; or X_val has too few rows
        to promise the compressor's `delta` of any network, however well it does. That
        is said before any network is made.

    See Also
    --------
    CoresetCompressor : Chooses one network, for which fewer rows do.
    PathPromisesDisplay : The bounds as a figure.

    Notes
    -----
    The probability ``1 - confidence`` is divided over the networks, whose number is
    fixed, never over those that one has looked at. Within a network, the bounds for all
    epsilons are an exact band of order statistics with equal local levels.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor, path_promises
    >>> X, y = load_digits(return_X_y=True)
    >>> X /= 16
    >>> mlp = MLPClassifier((30,), solver="lbfgs", max_iter=200, random_state=0)
    >>> mlp = mlp.fit(X[:600], y[:600])
    >>> compressor = CoresetCompressor(mlp, confidence=0.95, random_state=0)
    >>> promises = path_promises(
    ...     compressor, X[600:1000], X[1000:], densities=[0.5, 0.35, 0.25, 0.18])
    >>> upper = promises.upper_share(epsilon=0.1)
    >>> network, certificate = promises.choose(epsilon=0.1, delta=upper[1])
    >>> certificate.holds
    True
    """
    confidence = compressor.confidence if confidence is None else confidence
    if confidence is None:
        raise ValueError(
            "confidence=None: promises that hold together are made with a confidence "
            "only. Pass one, such as 0.95."
        )
    original = getattr(compressor, "original_estimator_", None)
    original = thawed(compressor.estimator) if original is None else original
    if original is None or not is_fitted(original):
        raise ValueError(
            "The network of compressor is not fitted: fit it first, on other rows."
        )
    plan = _plan_of(compressor, original, confidence)
    network = network_of(original).to_dense()
    inputs = fastest(network.cast(inputs_of(original, X, compressor)))
    held_out = network.cast(inputs_of(original, X_val, compressor))
    for rows in (inputs, held_out):
        check_finite_output(network, rows)
    counts = _counts(densities, network.n_edges)
    with threads(plan.n_jobs) as thread_map:
        judge = Judge(network, inputs, held_out, plan, thread_map)
        bounds = SimultaneousBounds(judge.rows, plan.target, len(counts))
        bounds.check_n_rows()
        family = plan.method.open(network, inputs, plan, thread_map)
        finish = Finish(network, inputs, plan, thread_map)
        networks = [finish(family.at(n_edges)) for n_edges in counts]
        errors = np.array([judge.errors(each) for each in networks])
    about = {
        "out_activation": network.out_activation,
        "n_outputs": network.widths[-1],
        "scale": None if judge.scale is None else tuple(judge.scale.tolist()),
    }
    digest, rows_sha256 = digest_of_network(network), digest_of_rows(X_val)
    return PathPromises(
        estimators=[with_network(original, each) for each in networks],
        density=np.array([each.n_edges / network.n_edges for each in networks]),
        errors=errors,
        bounds=bounds,
        about=about,
        provenances=[
            Provenance(digest, digest_of_network(each), rows_sha256)
            for each in networks
        ],
    )


def _plan_of(compressor, original, confidence):
    """How the networks are made; the same as in a fit with these held-out rows."""
    mlp = last_step(original)
    target = target_of(
        compressor.error,
        compressor.epsilon,
        compressor.delta,
        confidence,
        None,
        classifier=hasattr(mlp, "classes_"),
        guarantee="conformal",
    )
    seed = check_random_state(compressor.random_state).randint(2**31, size=4)
    plan = Plan(
        compressor.method,
        target,
        bits=compressor.bits,
        refine=compressor.refine,
        prune_neurons=compressor.prune_neurons,
        classes=getattr(mlp, "classes_", None),
        memory=compressor.memory,
        seed=tuple(seed.tolist()),
        n_jobs=compressor.n_jobs,
        verbose=compressor.verbose,
    )
    plan.check(
        classifier=hasattr(mlp, "classes_"),
        multilabel=predicts_labels(mlp, None),
        activation=mlp.activation,
        n_hidden_layers=len(mlp.coefs_) - 1,
        has_X_val=True,
    )
    return plan


def _counts(densities, n_edges):
    """Numbers of edges, decreasing, without repetitions."""
    densities = np.asarray(DENSITIES if densities is None else densities, float)
    if densities.ndim != 1 or not ((densities > 0) & (densities < 1)).all():
        raise ValueError(f"densities={densities.tolist()} are not all in (0, 1).")
    if not len(densities):
        raise ValueError("densities is empty: there is no network to promise of.")
    return sorted({n_edges_at(density, n_edges) for density in densities}, reverse=True)

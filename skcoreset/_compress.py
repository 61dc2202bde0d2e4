"""Compression of a network: a method makes a path, a guarantee chooses on it."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from contextlib import closing

import numpy as np

from ._errors import ERRORS, spread
from ._guarantees import GUARANTEES, Target
from ._methods import METHODS, remove_neurons
from ._parallel import one_blas_thread, threads


@one_blas_thread
def compress(
    network,
    X,
    X_val=None,
    *,
    error,
    method="refined",
    epsilon=0.1,
    delta=0.1,
    confidence=None,
    guarantee="conformal",
    density=None,
    refine=None,
    prune_neurons=None,
    classes=None,
    watch_path=iter,
    rng=None,
    n_jobs=None,
    verbose=0,
):
    """Compress a network, and say what is promised of the result.

    Parameters
    ----------
    network : Network
        With dense weights, not all of them 0.

    X : ndarray of shape (n_samples, n_inputs), dtype of the network
        Calibration rows.

    X_val : {ndarray, sparse array} of shape (n_val, n_inputs), default=None
        Held-out rows, for a guarantee that needs them.

    error : str
        A name in `ERRORS`.

    method, epsilon, delta, confidence, guarantee, density, refine, prune_neurons
        As in :class:`CoresetCompressor`.

    classes : sequence, default=None
        Names of the classes, for messages and certificates.

    watch_path : callable, default=iter
        Called with the path, an iterable of networks; returns what is to be walked.

    rng : numpy.random.Generator, default=None
        None is a generator of fixed seed.

    n_jobs : int, default=None
        The result does not depend on it.

    verbose : int, default=0

    Returns
    -------
    compressed : Network

    certificate : Certificate

    path : dict of ndarrays
    """
    rng = np.random.default_rng(0) if rng is None else rng
    target = Target(error, epsilon, delta, confidence, density)
    way, promise = METHODS[method], GUARANTEES[guarantee]
    classifier = network.out_activation in ("softmax", "logistic")
    check_error(
        error,
        classifier=classifier,
        multilabel=network.out_activation == "logistic" and network.widths[-1] > 1,
    )
    check_method(method, len(network.widths) - 1, prune_neurons)
    refine = way.refines if refine is None else refine
    prune = way.prunes_neurons if prune_neurons is None else prune_neurons
    path = promise.path(way, network, X, target, refine=refine, rng=rng, n_jobs=n_jobs)
    if prune:
        # what is silent on the calibration rows only, held-out rows have to judge
        rows = X if promise.holds_rows_out else None
        path = (remove_neurons(compressed, rows) for compressed in path)
    if density is not None:
        path = _check_density(path, network, density, method, prune)
    with threads(n_jobs) as thread_map, closing(watch_path(path)) as path:
        compressed, certificate, trace = promise.choose(
            network,
            path,
            X_val,
            target,
            scale=spread(network.forward(X)) if error == "scaled" else None,
            classes=classes,
            verbose=verbose,
            thread_map=thread_map,
        )
    if compressed is network and density is None:
        warnings.warn(
            f"No network on the path of method={method!r} keeps error={error!r} within "
            f"epsilon={epsilon!r} at delta={delta!r}: the network is left uncompressed."
            " Allow a larger epsilon or delta, give more rows, or try another method.",
            UserWarning,
        )
    if promise.holds_rows_out:
        _warn_of_collapse(network, compressed, X_val, classes)
    return compressed, certificate, trace


def check_error(name, *, classifier, multilabel=False):
    """Refuse an error that a network does not have.

    Parameters
    ----------
    name : str
        A name in `ERRORS`.

    classifier, multilabel : bool
        Whether the network predicts classes; whether a set of labels for each row.
    """
    error = ERRORS[name]
    if error.classifiers and not classifier:
        raise ValueError(
            f"error={name!r} is about predicted classes, and a regressor predicts none:"
            " use 'scaled', 'absolute' or 'relative'."
        )
    if multilabel and not error.multilabel:
        raise ValueError(
            f"error={name!r} counts the rows of each class by themselves, and a "
            "multilabel network predicts sets of labels: use 'prediction'."
        )


def check_method(name, n_hidden_layers, prune_neurons):
    """Refuse a method that drops neurons where none can go, or none may.

    Parameters
    ----------
    name : str
        A name in `METHODS`.

    n_hidden_layers : int
        Of the network.

    prune_neurons : bool or None
    """
    if not METHODS[name].drops_neurons:
        return
    if n_hidden_layers == 0:
        raise ValueError(
            f"method={name!r} drops hidden neurons, and estimator has no hidden layer: "
            "use a method that drops edges, such as 'refined'."
        )
    if prune_neurons is False:
        raise ValueError(
            f"prune_neurons=False does not go with method={name!r}, which drops whole "
            "neurons: use a method that drops edges, such as 'refined', to keep them."
        )


def _check_density(path, network, density, method, prune):
    """Say where a method could not keep the share of edges that was asked."""
    reasons = METHODS[method].limits
    if prune:
        reasons += " Neurons that are removed take their edges with them."
    piece = METHODS[method].largest_piece(network) / network.n_edges
    for compressed in path:
        kept = compressed.n_edges / network.n_edges
        sampling_error = np.sqrt(density * (1 - density) * piece)
        tolerance = 5 * sampling_error + piece + 0.02 * density
        if abs(kept - density) > tolerance:
            warnings.warn(
                f"density={density!r} cannot be had from method={method!r} on this "
                f"network and these rows; {kept:.4g} was kept. {reasons}",
                UserWarning,
            )
        yield compressed


def _warn_of_collapse(network, compressed, X_val, classes):
    """Say where a promise that holds hides that the network says nothing any more."""
    F, F_hat = network.forward(X_val), compressed.forward(X_val)
    constant = (np.ptp(F_hat, axis=0) == 0) & (np.ptp(F, axis=0) > 0)
    predicts_classes = network.out_activation in ("softmax", "logistic")
    if constant.all() or (constant.any() and not predicts_classes):
        which = np.flatnonzero(constant).tolist() if len(constant) > 1 else "its only"
        warnings.warn(
            "The compressed network is constant on the held-out rows (outputs: "
            f"{which}), and the original is not. A smaller epsilon or a larger density "
            "keeps more; error='scaled' measures outputs by their spread.",
            UserWarning,
        )
    if predicts_classes:
        labels, labels_hat = network.labels(F), compressed.labels(F_hat)
        if labels.shape[1] > 1:
            gone = np.flatnonzero(labels.any(axis=0) & ~labels_hat.any(axis=0))
        else:
            gone = np.setdiff1d(labels, labels_hat).astype(np.intp)
        if len(gone):
            names = gone if classes is None else np.asarray(classes)[gone]
            warnings.warn(
                f"The compressed network predicts {names.tolist()} for none of the "
                "held-out rows, and the original does. error='classwise' bounds the "
                "changes of every class.",
                UserWarning,
            )

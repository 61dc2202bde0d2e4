"""Compression of a network: a method makes a path, a guarantee chooses on it."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from contextlib import closing

import numpy as np

from ._errors import ERRORS, check_error, spread
from ._memory import Store, compute
from ._methods import METHODS, remove_neurons
from ._parallel import one_blas_thread, threads
from ._promise.advice import what_would_help
from ._promise.guarantees import GUARANTEES, Target
from ._training import FewBits, MatchOriginal, round_intercepts, rows_to_match


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
    bits=None,
    refine=None,
    prune_neurons=None,
    classes=None,
    watch_path=iter,
    memory=None,
    rng=None,
    n_jobs=None,
    verbose=0,
):
    """Compress a network, and say what is promised of the result.

    Parameters
    ----------
    network : Network
        With dense weights, not all of them 0.

    X : {ndarray, csr_array} of shape (n_samples, n_inputs), dtype of the network
        Calibration rows.

    X_val : {ndarray, sparse array} of shape (n_val, n_inputs), default=None
        Held-out rows, for a guarantee that needs them.

    error : str
        A name in `ERRORS`.

    method, epsilon, delta, confidence, guarantee, density, bits, refine, prune_neurons
        As in :class:`CoresetCompressor`.

    classes : sequence, default=None
        Names of the classes, for messages and certificates.

    watch_path : callable, default=iter
        Called with the path, an iterable of networks; returns what is to be walked.

    memory : None, str, path or joblib.Memory, default=None
        Where networks that are trained are kept for other calls.

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
    scale = spread(network.forward(X)) if error == "scaled" else None
    recall = compute
    if memory is not None:
        walk = (method, error, refine, density is None, rng.bit_generator.state)
        recall = Store(memory, network, X, *walk)
    path = promise.path(
        way,
        network,
        X,
        target,
        scale=scale,
        refine=refine,
        recall=recall,
        rng=rng,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    if bits is not None:
        path = with_few_bits(path, network, X, bits, target, rng, n_jobs)
    if prune:
        # what is silent on the calibration rows only, held-out rows have to judge
        rows = X if promise.holds_rows_out else None
        path = (remove_neurons(compressed, rows) for compressed in path)
        if bits is not None:
            # they have taken over what removed neurons gave
            path = (round_intercepts(compressed, bits) for compressed in path)
    if density is not None:
        path = _check_density(path, network, density, method, prune)
    first = []
    with threads(n_jobs) as thread_map, closing(watch_path(path)) as path:
        compressed, certificate, trace = promise.choose(
            network,
            _remember_first(path, first),
            X_val,
            target,
            scale=scale,
            classes=classes,
            verbose=verbose,
            thread_map=thread_map,
        )
    if promise.holds_rows_out:
        if compressed is network and density is None:
            advice = what_would_help(
                network,
                next(iter(first), None),
                method,
                X,
                X_val,
                target,
                scale=scale,
                classes=classes,
            )
            warnings.warn(
                f"No network on the path of method={method!r} keeps error={error!r} "
                f"within epsilon={epsilon!r} at delta={delta!r}: the network is left "
                f"uncompressed. {advice}",
                UserWarning,
            )
        _warn_of_collapse(network, compressed, X_val, classes)
    return compressed, certificate, trace


def _remember_first(path, first):
    """Walk a path, and append its first network to a list."""
    for compressed in path:
        first[:] = first or [compressed]
        yield compressed


def with_few_bits(path, network, X, bits, target, rng, n_jobs):
    """Round each network of a path, trained to match the original so."""
    (rng,) = rng.spawn(1)
    with threads(n_jobs) as thread_map:
        made = rows_to_match(X, rng)
        error = ERRORS[target.error]
        objective = MatchOriginal(network, X, error, made=made, thread_map=thread_map)
        few_bits = FewBits(objective, bits, rng=rng, thread_map=thread_map)
        for compressed in path:
            yield few_bits.round(compressed)


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
    """Say what a promise may hide: constant outputs, and classes that are lost."""
    F, F_hat = network.forward(X_val), compressed.forward(X_val)
    # rows that are alike may differ by a rounding
    varies = np.ptp(F, axis=0) > 16 * np.finfo(F.dtype).eps * np.abs(F).max(axis=0)
    constant = np.flatnonzero((np.ptp(F_hat, axis=0) == 0) & varies)
    predicts_classes = network.out_activation in ("softmax", "logistic")
    if len(constant) == F.shape[1] or (len(constant) and not predicts_classes):
        warnings.warn(
            f"On the held-out rows the compressed network is constant (outputs "
            f"{constant.tolist()} of {F.shape[1]}), and the original is not. A smaller "
            "epsilon, a smaller delta or a larger density keeps more.",
            UserWarning,
        )
    elif compressed.n_edges == 0:
        warnings.warn(
            f"The compressed network has no edges left, as on the {len(F)} held-out "
            "rows the original is constant, too. Of rows that differ more than these "
            "nothing is promised.",
            UserWarning,
        )
    if predicts_classes:
        labels, labels_hat = network.labels(F), compressed.labels(F_hat)
        if labels.shape[1] == 1:
            numbers = np.arange(max(2, F.shape[1]))
            labels, labels_hat = labels == numbers, labels_hat == numbers
        n_kept, n_rows = (labels & labels_hat).sum(axis=0), labels.sum(axis=0)
        lost = np.flatnonzero(n_kept < n_rows / 2)
        if len(lost):
            names = lost if classes is None else np.asarray(classes)[lost]
            counts = ", ".join(
                f"{name} ({kept} of {rows})"
                for name, kept, rows in zip(names, n_kept[lost], n_rows[lost])
            )
            warnings.warn(
                "The compressed network predicts less than half of the held-out rows "
                f"as the original does where that predicts {counts}. "
                "error='classwise' bounds the changes of every class.",
                UserWarning,
            )

"""A page for a browser, which computes the networks of a path itself."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import base64
import json
import zlib
from dataclasses import replace
from decimal import ROUND_CEILING, Context
from html import escape
from importlib.resources import files
from numbers import Integral
from pathlib import Path

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state, check_scalar

from .._compress import Finish
from .._errors import ERRORS
from .._network import dense, live_neurons
from .._parallel import one_blas_thread, threads
from .._plan import Plan
from .._promise.digest import digest_of_network
from .._promise.judge import Judge
from .._promise.provenance import Provenance
from .._promise.simultaneous import SimultaneousBounds
from .._promise.target import Target
from .._wrapped import (
    check_is_compressor,
    class_probabilities,
    input_names,
    inputs_of,
    is_multilabel,
    last_step,
    network_of,
)
from ..displays import check_image_shape, palette
from .comparison import answers, compare

# DENSITIES: shares of the edges that are left at the points of the path.
DENSITIES = tuple(np.round(0.7 ** np.arange(1, 16), 4).tolist())

# TINY_DENSITY replaces a density of 0, so that ratios of densities are finite.
TINY_DENSITY = 1e-6

# ERRORS_OF_PAGE: errors that page.html can compute.
ERRORS_OF_PAGE = (
    *("relative", "entrywise", "scaled", "absolute"),
    *("probability", "prediction", "classwise"),
)

# N_EXAMPLES: held-out rows that the button "Next example" shows.
N_EXAMPLES = 10

# STROKES: length of all strokes of a typical character, in heights of the character.
STROKES = 2.5


@one_blas_thread
def to_html(
    compressor,
    X,
    X_val,
    *,
    file=None,
    densities=None,
    image_shape="auto",
    title=None,
    max_size=500_000,
    simultaneous=False,
):
    """Make a page on which people thin a network and try it, in one file.

    The page needs a browser, and no server, internet or Python. You draw an image, or
    choose the features of a table with sliders; move along a path of ever smaller
    networks; and see what is left of the network, what it predicts beside the dense
    one, and what would be promised of it. For a classroom, fit the compressor with
    ``error="prediction"``: then the promise is how often the answer may change.

    The path is that of the compressor's `method`, `error`, `refine` and `bits`, from
    the network that it was given.

    Parameters
    ----------
    compressor : CoresetCompressor
        Fitted.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Calibration rows. No labels are needed.

    X_val : {array-like, sparse matrix} of shape (n_val, n_features)
        Held-out rows, on which the promises rest. Neither the network nor the path may
        have been made from them. Up to 10 of them become examples in the page.

    file : str or path-like, default=None
        Where to write the page, as UTF-8. None writes nothing.

    densities : array-like of float, default=None
        Shares of the edges, in (0, 1), that the points of the path keep. None is 15 of
        them, from 0.7 to 0.0047.

    image_shape : tuple of 2 ints, "auto" or None, default="auto"
        Rows and columns of the pixels. "auto" takes the features for the pixels of an
        image if their number is the square of 8 or more; None never does.

    title : str, default=None
        Heading of the page. None says what to do on it.

    max_size : int, default=500_000
        Largest size of the page in bytes. Weights are float32 if that fits. Otherwise
        those of all networks, the dense one's too, are rounded to 255 levels for each
        neuron, and the densest points of the path are left out until the page fits. The
        page says so.

    simultaneous : bool, default=False
        Whether the promises of all points hold together, with the compressor's
        `confidence`, so that one may slide first and choose after
        (:func:`~skcoreset.path_promises`). They promise less than those of single
        points.

    Returns
    -------
    page : Page
        The HTML, a str whose attribute `comparison` says how well the dense network of
        the page predicts as the original does, on X and X_val.

    Raises
    ------
    ValueError
        If there are too few held-out rows for the compressor's `delta`; densities are
        not between 0 and 1; `image_shape` does not fit the features; or not even the
        dense network and one other fit into `max_size`; or `simultaneous` is true and
        the compressor has no `confidence`.

    Warns
    -----
    UserWarning
        If the predictions of the page and of the original agree on less than 98% of
        these rows, those of a class on less than 90%, or an output of a regressor is
        off by more than 5% of its standard deviation.

    See Also
    --------
    NetworkDisplay : The two networks as a figure.

    Notes
    -----
    The page computes in double precision, with the very weights that its promises were
    measured with. Before it is returned the same is computed here, in NumPy, for all
    rows of X and X_val, from features to predictions, and compared with the original
    and the steps before it: a prediction can differ only where two classes tie in the
    precision of the network, or where weights were rounded to fit `max_size`.

    Every point of the path has the smallest epsilon (the smallest delta, where the
    error counts rows) that the held-out rows allow, as if it had been fixed beforehand
    and the path been walked up to there. To pick the one that looks best is covered by
    a promise with `simultaneous=True` only.

    Of a Pipeline, the page has the features of its first step where the steps before
    the network shift and scale each column. Otherwise it has the network's inputs.

    Neurons stay where they are, so that the eye can follow: `prune_neurons` is not
    applied. Edges that lead to no output are gone.

    Browsers of 2023 or later can show it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.export import to_html
    >>> X, y = load_iris(return_X_y=True)
    >>> X_train, X_new = X[::2], X[1::2]
    >>> mlp = MLPClassifier((16,), solver="lbfgs", max_iter=500, random_state=0)
    >>> mlp = mlp.fit(X_train, y[::2])
    >>> compressor = CoresetCompressor(mlp, density=0.2, random_state=0).fit(X_new)
    >>> page = to_html(compressor, X_train, X_new)
    >>> len(page) < 100_000
    True
    """
    check_is_compressor(compressor)
    check_scalar(max_size, "max_size", Integral, min_val=1)
    if compressor.certificate_.error not in ERRORS_OF_PAGE:
        raise ValueError(
            f"error={compressor.certificate_.error!r} cannot be computed by the page; "
            f"it knows {', '.join(ERRORS_OF_PAGE)}."
        )
    original = compressor.original_estimator_
    network = network_of(original).to_dense()
    inputs = dense(network.cast(inputs_of(original, X, compressor)))
    held_out = dense(network.cast(inputs_of(original, X_val, compressor)))
    classes = getattr(compressor, "classes_", None)
    plan = _plan_of(compressor, classes)
    judge = Judge(network, inputs, held_out, plan)
    judge.rows.check_sizes(plan.target)
    features, line, names = _features_of(compressor, X, X_val)
    examples = _examples(judge, is_classifier(original))
    page = _page_of_inputs(features, line, names, image_shape, examples)
    page |= _page_of_outputs(original, judge, classes)
    page["title"] = _title(page) if title is None else title
    page |= _explained(plan.target, "images" if page["shape"] else "rows")
    if simultaneous and plan.target.confidence is None:
        raise ValueError(
            "simultaneous=True needs a confidence: set that of the compressor."
        )
    path = [network, *_walk(plan, network, inputs, densities)]
    together = None
    if simultaneous:
        # the dense network is rounded, too, if the page would be too large
        together = SimultaneousBounds(judge.rows, plan.target, len(path))
        if not plan.error.counts_rows:
            together.check_n_rows()
    page["together"] = simultaneous
    for bits, rounded in ((32, _single_precision), (8, _eight_bits)):
        points = _measured(path, rounded, judge, together, is_classifier(original))
        shown, _ = rounded(network)
        comparison = _compared(page, shown, features, original, (X, X_val))
        page |= {"bits": bits, "about": _about(compressor, path, bits, judge, page)}
        page["compared"] = f"The dense network here and the original: {comparison}."
        html = _render(page, points, compressor.density_)
        while bits == 8 and len(points) > 2 and _size(html) > max_size:
            del points[1]
            html = _render(page, points, compressor.density_)
        if _size(html) <= max_size:
            break
    else:
        raise ValueError(
            f"max_size={max_size!r} is too small for the dense network and one more: "
            f"with weights of 8 bits the page has {_size(html)} bytes."
        )
    comparison.warn("The page", _causes(bits))
    if file is not None:
        Path(file).write_text(html, encoding="utf-8")
    html = Page(html)
    html.comparison = comparison
    return html


class Page(str):
    """The HTML of a page.

    Attributes
    ----------
    comparison : Comparison
        The dense network of the page beside the original.
    """


def _size(html):
    return len(html.encode())


# The path


def _plan_of(compressor, classes):
    """The plan of a compressor, for the path of the page."""
    certificate = compressor.certificate_
    target = Target(
        certificate.error,
        ERRORS[certificate.error].epsilon,
        compressor.delta,
        compressor.confidence,
    )
    seed = check_random_state(compressor.random_state).randint(2**31, size=4)
    return Plan(
        compressor.method,
        target,
        bits=compressor.bits,
        refine=compressor.refine,
        # neurons stay where they are, so that the eye can follow
        prune_neurons=False,
        classes=classes,
        seed=tuple(seed.tolist()),
        n_jobs=compressor.n_jobs,
    )


def _walk(plan, network, X, densities):
    """Return the networks of the compressor's method at the given densities."""
    densities = np.asarray(DENSITIES if densities is None else densities, float)
    if densities.ndim != 1 or not ((densities > 0) & (densities < 1)).all():
        raise ValueError(f"densities={densities.tolist()} are not all in (0, 1).")
    counts = np.unique(np.floor(densities * network.n_edges * (1 + 1e-12)))[::-1]
    counts = counts[(counts > 0) & (counts < network.n_edges)]
    if len(counts) == 0:
        raise ValueError(
            f"densities={densities.tolist()} leave none of {network.n_edges} edges, or "
            "all of them: give larger ones, or smaller."
        )
    with threads(plan.n_jobs) as thread_map:
        family = plan.method.open(network, X, plan, thread_map)
        finish = Finish(network, X, plan, thread_map)
        return [_without_dead_ends(finish(family.at(int(n)))) for n in counts]


def _without_dead_ends(network):
    """The same network without edges that lead to no output."""
    live = live_neurons(network.coefs)[1:]
    return network.with_weights(
        [np.where(kept, coef, 0) for coef, kept in zip(network.coefs, live)]
    )


def _measured(path, rounded, judge, together, predicts_classes):
    """For each network its weights, its promise, and how often it agrees."""
    target, rows = judge.target, judge.rows
    before = np.zeros(rows.n_samples)
    n_edges = path[0].n_edges
    points, epsilon, delta = [], 0.0, 0.0
    original, digest_before = digest_of_network(path[0]), None
    for network in path:
        shown, weights = rounded(network)
        errors = judge.errors(shown)
        if together is None:
            # a path reaches this network only if all networks before it pass
            judged = target.rule.counted(errors, before)
            before = errors
            epsilon, delta = _allowed(rows, target, judged, epsilon, delta)
            reached = _reached(target, epsilon, delta)
            statistic = rows.statistic(reached.lost(judged), reached.rule)
        else:
            epsilon, delta = _allowed_together(together, errors)
            reached = _reached(target, epsilon, delta)
            statistic = together.upper_share(reached.lost(errors))
        digest = digest_of_network(shown)
        certificate = rows.certificate(
            errors,
            reached,
            guarantee=None if together is None else "simultaneous",
            provenance=Provenance(original, digest, before=digest_before),
            statistic=statistic,
            scale=None if judge.scale is None else tuple(judge.scale.tolist()),
            out_activation=network.out_activation,
            n_outputs=network.widths[-1],
            n_networks=1 if together is None else together.n_networks,
        )
        # with a confidence each network is tested alone
        digest_before = digest if target.confidence is None else None
        same = None
        if predicts_classes:
            labels = shown.labels(shown.forward(judge.X_val))
            same = int((labels == path[0].labels(judge.F)).all(axis=1).sum())
        points.append(
            {
                "widths": [network.coefs[0].shape[0], *network.widths],
                "edges": int(network.n_edges),
                "density": float(network.n_edges / n_edges),
                "epsilon": _as_text(epsilon),
                "delta": _as_text(reached.delta),
                "same": same,
                "promise": certificate.promise,
                "sentence": str(certificate),
                "weights": base64.b64encode(zlib.compress(weights, 9)).decode(),
            }
        )
    return points


def _allowed(rows, target, errors, epsilon, delta):
    """The smallest epsilon or delta that is not below that of the network before."""
    if target.kind.counts_rows:
        return epsilon, max(delta, _rounded_up(_smallest_delta(rows, target, errors)))
    smallest = rows.completed(replace(target, epsilon=None), errors).epsilon
    return max(epsilon, _rounded_up(smallest)), delta


def _allowed_together(together, errors):
    """The smallest epsilon or delta, with those of all other networks at once."""
    target = together.target
    if target.kind.counts_rows:
        return 0.0, _rounded_up(together.upper_share(target.lost(errors)))
    return _rounded_up(together.smallest_epsilon(errors, target.delta)), 0.0


def _reached(target, epsilon, delta):
    """The target with what was found in place of what was asked."""
    if target.kind.counts_rows:
        return replace(target, delta=delta)
    return replace(target, epsilon=epsilon)


def _smallest_delta(rows, target, errors):
    """The smallest delta that the held-out rows allow if the error counts rows."""
    if target.confidence is None:
        return rows.statistic(target.lost(errors), target.rule)
    return rows.completed(replace(target, delta=None), errors).delta


def _rounded_up(number):
    """The number with three digits, rounded up."""
    context = Context(prec=3, rounding=ROUND_CEILING)
    return float(context.create_decimal(repr(float(number))))


def _as_text(number):
    return f"{number:.3g}".replace("inf", "Infinity")


# Words of the page; those of the promise are from the certificate


def _title(page):
    """What to do on the page, and what to look for."""
    first = "Draw something" if page["shape"] else "Choose the features"
    then = "changes its mind" if page["classes"] else "predicts something else"
    return f"{first}. Then drag the slider and see when the thinned network {then}."


def _explained(target, rows):
    """What epsilon and delta are, and what new rows are called."""
    kept = target.kind.kept.format(epsilon="ε")
    if target.kind.counts_rows:
        return {
            "rowName": rows,
            "symbols": f"δ (delta) is the share of new {rows} whose answer may change.",
        }
    return {
        "rowName": rows,
        "symbols": f"ε (epsilon) says how much counts as a change: the thinned network "
        f"keeps {kept}. δ (delta) is the share of new {rows} for which it need not: "
        f"here {100 * target.delta:.3g}%.",
    }


def _about(compressor, path, bits, judge, page):
    widths = [path[0].coefs[0].shape[0], *path[0].widths]
    about = (
        f"A {'-'.join(map(str, widths))} network, dense, and thinned with method="
        f"{compressor.method!r}. The two are compared on {judge.rows.n_samples} "
        f"held-out {page['rowName']}."
    )
    return " ".join([about, *_causes(bits)])


def _causes(bits):
    """Why the page may differ from the original."""
    if bits == 32:
        return []
    return [
        "To keep the page small all weights are rounded to 8 bits, those of the dense "
        "network too; what is promised was measured with them."
    ]


# The same as in the page, in NumPy


def _compared(page, shown, features, original, rows):
    """How the dense network of the page answers beside the original."""
    outputs, y = zip(*(answers(original, each) for each in rows))
    inputs = np.vstack(features) * page["slope"] + page["shift"]
    F, predictions = shown.astype(np.float64).forward(inputs), None
    F = shown.activate_output(F)
    if page["multilabel"]:
        predictions = np.vstack(y), F > 0.5
    elif page["classes"]:
        F = class_probabilities(F)
        names = np.resize(original.classes_, F.shape[1])
        predictions = np.concatenate(y), names[F.argmax(axis=1)]
    classes = page["classes"]
    return compare(np.concatenate(outputs), F, predictions=predictions, classes=classes)


# Weights


def _single_precision(network):
    """The network in float32, and its weights as bytes."""
    network = network.astype(np.float32)
    return network, b"".join(
        _kept(coef) + coef[coef != 0].tobytes() + b.tobytes()
        for coef, b in zip(*_little_endian(network))
    )


def _eight_bits(network):
    """The network with whole levels times a step for each neuron, and its bytes."""
    network = network.astype(np.float32)
    coefs, parts = [], []
    for coef, b in zip(*_little_endian(network)):
        steps = np.abs(coef).max(axis=0) / np.float32(127)
        levels = np.rint(np.divide(coef, steps, where=steps > 0, out=0 * coef))
        coefs.append(levels.astype(np.float32) * steps)
        kept = levels != 0
        parts += [_kept(kept), steps.tobytes()]
        parts += [levels[kept].astype(np.int8).tobytes(), b.tobytes()]
    return network.with_weights(coefs), b"".join(parts)


def _little_endian(network):
    return [
        [np.ascontiguousarray(array, "<f4") for array in arrays]
        for arrays in (network.coefs, network.intercepts)
    ]


def _kept(coef):
    return np.packbits(coef != 0).tobytes()


# Features and outputs


def _features_of(compressor, X, X_val):
    """Features in the page, slopes and shifts from them to inputs, and names."""
    original = compressor.original_estimator_
    inputs = [dense(inputs_of(original, rows, compressor)) for rows in (X, X_val)]
    n_inputs = inputs[0].shape[1]
    features = [_numbers(rows) for rows in (X, X_val)]
    names = getattr(compressor, "feature_names_in_", None)
    line = _line(features, inputs)
    if line is None:
        features = [rows.astype(float) for rows in inputs]
        line = np.ones(n_inputs), np.zeros(n_inputs)
        names = input_names(original, n_inputs)
    names = [f"x{i}" for i in range(n_inputs)] if names is None else names
    return features, line, [str(name) for name in names]


def _page_of_inputs(features, line, names, image_shape, examples):
    """Names and ranges of features, or pixels, and how they become inputs."""
    rows, X_val = np.vstack(features), features[1]
    lows, highs = rows.min(axis=0), rows.max(axis=0)
    whole = (rows == np.rint(rows)).all(axis=0)
    steps = np.where(whole, highs > lows, (highs - lows) / 200)
    slope, shift = line
    return {
        "slope": slope.tolist(),
        "shift": shift.tolist(),
        "features": names,
        "limits": np.column_stack([lows, highs]).tolist(),
        "steps": steps.tolist(),
        "typical": np.median(rows, axis=0).tolist(),
        "examples": [
            [_short(value) for value in row] for row in X_val[examples].tolist()
        ],
    } | _page_of_pixels(X_val, image_shape)


def _numbers(X):
    """Rows as an array of numbers, or None if they are not numbers."""
    try:
        return np.asarray(dense(X), dtype=float)
    except (TypeError, ValueError):
        return None


def _line(features, inputs):
    """Slope and shift that map each feature to its input; None if no line does."""
    if features[0] is None or features[0].shape != inputs[0].shape:
        return None
    features, inputs = np.vstack(features), np.vstack(inputs)
    columns = np.arange(features.shape[1])
    low, high = features.argmin(axis=0), features.argmax(axis=0)
    width = features[high, columns] - features[low, columns]
    rise = np.subtract(inputs[high, columns], inputs[low, columns], dtype=float)
    slope = np.divide(rise, width, where=width > 0, out=np.ones(len(width)))
    shift = inputs[low, columns] - slope * features[low, columns]
    reached = features * slope + shift
    tolerance = 1e-6 * np.abs(inputs).max(axis=0)
    return (slope, shift) if (abs(reached - inputs) <= tolerance).all() else None


def _short(value):
    """The value with four digits, in as few characters as possible."""
    value = float(f"{value:.4g}")
    return int(value) if value.is_integer() else value


def _examples(judge, predicts_classes):
    """Numbers of held-out rows: one of each predicted class, then others.

    Of values, rows from the smallest to the largest prediction.
    """
    network, F = judge.network, judge.F
    if not predicts_classes:
        places = np.linspace(0, len(F) - 1, min(N_EXAMPLES, len(F))).astype(int)
        return np.argsort(F[:, 0])[places]
    first = np.sort(np.unique(network.labels(F), axis=0, return_index=True)[1])
    others = np.setdiff1d(np.arange(len(F)), first)
    return np.append(first, others)[:N_EXAMPLES]


def _page_of_pixels(X, image_shape):
    """Shape of the image, its colours, and the place and size of typical drawings."""
    image_shape = check_image_shape(image_shape, X.shape[1])
    if image_shape is None:
        return {"shape": None}
    rows, columns = image_shape
    dark, bright = float(X.min()), float(X.max())
    paper, ink = (dark, bright) if X.mean() < (dark + bright) / 2 else (bright, dark)
    inked = ((X - paper) / ((ink - paper) or 1)).reshape(-1, rows, columns)
    marked = inked > 0.3
    (top, bottom), (left, right) = (_extent(marked.any(axis=axis)) for axis in (2, 1))
    height = max(1.0, bottom - top)
    width_of_strokes = inked.sum(axis=(1, 2)).mean() / (STROKES * height)
    return {
        "shape": [rows, columns],
        "paper": paper,
        "ink": ink,
        "frame": {
            "height": height,
            "x": (left + right) / 2,
            "y": (top + bottom) / 2,
            "pen": max(0.3, width_of_strokes / 2),
        },
    }


def _extent(marked):
    """Median first and last marked position of the rows."""
    n = marked.shape[1]
    starts, ends = marked.argmax(axis=1), n - marked[:, ::-1].argmax(axis=1)
    return float(np.median(starts)), float(np.median(ends))


def _page_of_outputs(original, judge, classes):
    """Names, ranges and activation of the outputs."""
    network, target = judge.network, judge.target
    outputs = network.activate_output(judge.F)
    names = range(1, outputs.shape[1] + 1) if classes is None else classes
    names = [str(name) for name in names]
    if classes is None:
        names = [f"output {name}" for name in names] if len(names) > 1 else ["output"]
    return {
        "classes": None if classes is None else names,
        "outputs": names,
        "multilabel": is_multilabel(last_step(original)),
        "ranges": np.column_stack([outputs.min(axis=0), outputs.max(axis=0)]).tolist(),
        "activation": network.activation,
        "outActivation": network.out_activation,
        "error": target.error,
        "countsRows": target.kind.counts_rows,
        "scale": None if judge.scale is None else judge.scale.tolist(),
        "nRows": len(judge.F),
    }


def _render(page, points, density):
    """The page, which opens with the network whose density is the most similar."""
    densities = np.array([point["density"] for point in points])
    ratios = np.maximum(densities, TINY_DENSITY) / max(density, TINY_DENSITY)
    start = int(np.abs(np.log(ratios)).argmin())
    data = json.dumps(page | {"points": points, "start": start}, allow_nan=False)
    # a browser must not take a part of the data for the end of the script
    data = data.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    head, tail = template.split("{{data}}")
    for name in ("BLUE", "ORANGE", "BLUE_ON_DARK", "ORANGE_ON_DARK"):
        head = head.replace(f"{{{{{name}}}}}", getattr(palette, name))
    return head.replace("{{title}}", escape(page["title"])) + data + tail

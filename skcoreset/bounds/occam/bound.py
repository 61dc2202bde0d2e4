"""The error bound of a network with a short code."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass, replace
from math import ceil, inf, log, log1p
from numbers import Real
from operator import attrgetter

import numpy as np
from scipy.special import rel_entr
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from ..._compressor import CoresetCompressor
from ..._network import fastest
from ..._training import FitLabels
from ..._wrapped import (
    changes_rows,
    encode_targets,
    inputs_of,
    last_step,
    network_of,
    with_network,
)
from ..._wrapped.compat import Interval, validate_params
from ..checks import CONFIDENCE, are_wrong, check_tolerance, error_words, percent
from .code import decode, encode, units_of
from .search import lines_of, numbers_of_edges, search
from .short_codes import ShortCodes


@dataclass(frozen=True, repr=False)
class OccamBound:
    """A bound on the true error of a quantized network, from the length of its code.

    Attributes
    ----------
    error_bound : float
        With probability at least `confidence` over the draw of the rows, the error rate
        of `estimator` on fresh rows is at most this.

    train_error : float
        Its error rate on the rows given.

    n_bits : int
        Length of `code`.

    parts : dict of str to float
        Bits of each part of the code; they add up to `n_bits`.

    block_shape : tuple of two ints or None
        Height and width of the blocks of inputs that share weights. None if each input
        has its own.

    n_samples : int
        Number of rows given.

    confidence : float
        As given.

    tolerance : float or None
        As given.

    estimator : MLPClassifier, MLPRegressor or Pipeline
        The quantized network that the bound is about, with sparse `coefs_`.

    code : ndarray of shape (n_bits,), dtype uint8
        Zeros and ones that describe the network completely; see :meth:`decode`.

    path : dict of str to ndarray
        `n_edges`, `n_bits`, `train_error` and `error_bound` of every network that was
        tried.
    """

    error_bound: float
    train_error: float
    n_bits: int
    parts: dict
    block_shape: tuple | None
    n_samples: int
    confidence: float
    tolerance: float | None
    estimator: object
    code: np.ndarray
    path: dict

    @property
    def n_edges(self):
        """Number of weights of `estimator` that are not zero."""
        return network_of(last_step(self.estimator)).n_edges

    def decode(self):
        """Read the network back from `code`.

        Returns
        -------
        coefs : list of csr_array
            Weights, equal to those of `estimator` to the bit.

        intercepts : list of ndarray
            Likewise.
        """
        mlp = last_step(self.estimator)
        network = _from_code(self.code, network_of(mlp))
        decoded = with_network(mlp, network)
        return decoded.coefs_, decoded.intercepts_

    def __repr__(self):
        parts = "\n".join(f"  {name:<12} {n:>9.1f}" for name, n in self.parts.items())
        shared = ""
        if self.block_shape:
            shared = ", shared by blocks of {} x {} inputs,".format(*self.block_shape)
        return (
            f"With {percent(self.confidence)} confidence, the quantized network is "
            f"{error_words(self.tolerance)} on at most {self.error_bound:.2%} of fresh "
            f"rows. It is on {self.train_error:.2%} of {self.n_samples} rows given. "
            f"Its {self.n_edges} edges{shared} are described by {self.n_bits} bits.\n"
            f"  part              bits\n{parts}\n  {'all':<12} {self.n_bits:>9}"
        )


@validate_params(
    {
        "compressor": [CoresetCompressor],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix"],
        "confidence": CONFIDENCE,
        "tolerance": [None, Interval(Real, 0, None, closed="neither")],
        "densities": [None, "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def occam_bound(compressor, X, y, *, confidence=0.95, tolerance=None, densities=None):
    """Bound on the true error of a network that can be described in few bits.

    Fix a prefix code for networks before seeing any data. Then, with probability at
    least `confidence` over the draw of `n` independent rows, the following holds for
    all networks at once: one with a code of `b` bits that is wrong on a share `r` of
    the rows is wrong on a fresh row with probability at most

    ``sup {p : kl(r || p) <= (b log 2 - log(1 - confidence)) / n}``,

    where `kl` is the relative entropy of two coins. So fewer bits are better: networks
    are trained with labels while they lose edges, their weights are rounded to a few
    levels, and the network with the smallest bound is returned. The code describes
    everything: layer sizes, activation, places of the edges, steps between levels,
    levels of weights and intercepts. All networks tried are words of the same code,
    which pays for the choice among them.

    The search starts from the compressed network and from a new, narrow one. If
    neighbouring inputs are alike, as in images and series, it also starts from narrow
    networks in which blocks of inputs share weights; with more than 200 inputs it
    starts from these only.

    Parameters
    ----------
    compressor : CoresetCompressor
        Fitted. It is not changed; its `random_state`, `n_jobs` and `verbose` are used.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Independent rows, as the wrapped estimator takes them, from the distribution
        that the bound is about. They may be the rows that the network was trained and
        calibrated on, but not augmented copies of rows, nor rows chosen by how well the
        network does on them. Steps of a Pipeline before the network are not part of the
        code: they must have been fitted on other rows.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their classes, labels or values. With several labels or outputs a row is wrong
        if one of them is.

    confidence : float, default=0.95
        Probability, over the draw of the rows, with which the bound holds.

    tolerance : float, default=None
        Required for regressors: a prediction that is off by more is an error. It has to
        be fixed before the rows are seen.

    densities : array-like of float, default=None
        Numbers of weights that may be tried, as shares of those of the original
        network; an intercept, and a weight that a block shares, count as one weight.
        The search starts in the middle and goes on to fewer or more weights as long as
        the bound falls. None is a geometric grid around a number that grows with the
        number of rows.

    Returns
    -------
    bound : OccamBound
        With `error_bound`, `train_error`, `n_bits` and its `parts`, and the quantized
        network as `estimator`. Print it to read it.

    Raises
    ------
    ValueError
        If a regressor has no `tolerance` or a classifier has one, `y` has a class that
        the network does not know, `densities` has a value outside (0, 1], or all
        networks that were tried lost all edges.

    Warns
    -----
    UserWarning
        If fitted steps before the network are not frozen, or the search is interrupted
        (Ctrl-C) after the first network: the smallest bound so far is returned.

    See Also
    --------
    split_bound : A tighter bound, for networks made from half of the rows.
    original_bound : A bound for the original network, from this one.

    Notes
    -----
    The bound needs many rows: hundreds for two classes that are easy to separate, tens
    of thousands for ten classes. On the 60,000 training images of MNIST it is 12%, with
    blocks of 3 x 3 pixels, less than 30 hidden neurons, 4% errors and 3,400 bits.

    Rounded weights are trained with a straight-through estimate of the gradient. Edges
    are dropped in the order of their Fisher information by the bits that they take. In
    the end single levels are changed wherever that lowers the bound. The code is an
    arithmetic one with adaptive counts: an input with many edges gets the next one in
    few bits.

    References
    ----------
    J. Langford, "Tutorial on Practical Prediction Theory for Classification", Journal
    of Machine Learning Research 6, 2005.

    W. Zhou, V. Veitch, M. Austern, R. P. Adams, P. Orbanz, "Non-Vacuous Generalization
    Bounds at the ImageNet Scale: a PAC-Bayesian Compression Approach", ICLR 2019,
    :arxiv:`1804.05862`.

    C. Baykal, L. Liebenwein, I. Gilitschenski, D. Feldman, D. Rus, "Data-Dependent
    Coresets for Compressing Neural Networks with Applications to Generalization
    Bounds", ICLR 2019, :arxiv:`1804.05345`.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.bounds import occam_bound
    >>> X, y = make_classification(5000, flip_y=0.02, class_sep=2, random_state=0)
    >>> X, y, X_more = X[:4000], y[:4000], X[4000:]
    >>> mlp = MLPClassifier((16,), random_state=0, max_iter=20).fit(X, y)
    >>> compressor = CoresetCompressor(mlp, density=0.2, random_state=0).fit(X_more)
    >>> bound = occam_bound(compressor, X, y, densities=[0.05, 0.02])
    >>> bound.train_error < bound.error_bound < 0.25
    True
    """
    tried = search_codes(compressor, X, y, confidence, tolerance, densities)
    return min(tried, key=attrgetter("error_bound"))


def search_codes(compressor, X, y, confidence, tolerance=None, densities=None):
    """Return the bounds of all networks that the search for short codes has tried."""
    check_is_fitted(compressor)
    estimator = compressor.estimator_
    check_tolerance(is_classifier(last_step(estimator)), tolerance)
    _warn_of_fitted_steps(estimator)
    mlp = last_step(estimator)
    network = network_of(mlp)
    inputs = fastest(inputs_of(estimator, X))
    dtype = network.working_dtype(inputs)
    inputs = inputs.astype(dtype, copy=False)
    Y = encode_targets(mlp, y)
    check_consistent_length(inputs, Y)
    n_samples = len(Y)

    seed = check_random_state(compressor.random_state).randint(2**31, size=4)
    if densities is None:
        n_edges = numbers_of_edges(n_samples)
    else:
        n_all = sum(
            coef.size for coef in network_of(compressor.original_estimator_).coefs
        )
        n_edges = [ceil(share * n_all) for share in _decreasing(densities)]

    tried = []

    def cost(n_wrong, n_bits):
        return occam(n_wrong / n_samples, n_bits, n_samples, confidence)

    def measure(quantised):
        code, parts = encode(quantised)
        rounded = with_network(estimator, _from_code(code, network))
        # Counted on what this very estimator predicts, as few levels often tie.
        n_wrong = np.count_nonzero(are_wrong(rounded, X, y, tolerance))
        blocks = quantised.blocks
        bound = OccamBound(
            error_bound=float(cost(n_wrong, len(code))),
            train_error=n_wrong / n_samples,
            n_bits=len(code),
            parts=parts,
            block_shape=blocks and (blocks.height, blocks.width),
            n_samples=n_samples,
            confidence=confidence,
            tolerance=tolerance,
            estimator=rounded,
            code=code,
            path={},
        )
        if not bound.n_edges:
            return inf
        tried.append(bound)
        if compressor.verbose:
            smallest = min(bound.error_bound for bound in tried)
            print(
                f"[skcoreset] {bound.n_bits} bits: the bound is "
                f"{bound.error_bound:.2%}, the smallest so far {smallest:.2%}"
            )
        return bound.error_bound

    working, units, largest_error = network.to_dense(), None, tolerance
    if network.out_activation == "identity":
        center, scale = units = units_of(Y)
        working, Y = working.rescaled_output(center, scale), (Y - center) / scale
        largest_error = tolerance / scale
    working = working.astype(dtype)

    def codes(rows, blocks):
        objective = FitLabels(
            working, rows, Y, batch_size=mlp.batch_size, tolerance=largest_error
        )
        return ShortCodes(objective, blocks, units)

    lines = lines_of(working, inputs, codes, n_edges, np.random.default_rng(seed))
    try:
        search(lines, measure, cost, n_jobs=compressor.n_jobs)
    except KeyboardInterrupt:
        if not tried:
            raise
        warnings.warn(
            f"The search was interrupted after {len(tried)} networks: the bound is "
            "the smallest so far.",
            UserWarning,
        )
    if not tried:
        raise ValueError(
            f"All networks that were tried lost all edges (densities={densities}, "
            f"{n_samples} rows): the bound would be that of a constant. Give larger "
            "densities or more rows."
        )
    path = {
        name: np.array([getattr(bound, name) for bound in tried])
        for name in ("n_edges", "n_bits", "train_error", "error_bound")
    }
    return [replace(bound, path=path) for bound in tried]


def _warn_of_fitted_steps(estimator):
    if not isinstance(estimator, Pipeline):
        return
    for _, step in estimator.steps[:-1]:
        if isinstance(step, FrozenEstimator) or not changes_rows(step):
            continue
        if get_tags(step).requires_fit:
            warnings.warn(
                f"{type(step).__name__} comes before the network and is not part of "
                "the code: the bound holds if it was fitted on other rows than X. Wrap "
                "it in a FrozenEstimator to say that it was.",
                UserWarning,
            )


def _decreasing(densities):
    densities = np.sort(np.ravel(densities).astype(float))[::-1]
    if len(densities) == 0 or not (densities > 0).all() or densities[0] > 1:
        raise ValueError(
            f"densities={densities.tolist()} must be at least one value in (0, 1]."
        )
    return densities


def _from_code(code, network):
    """The network of a code, with the dtype and output activation of `network`."""
    decoded = decode(code, network.coefs[0].shape[0], network.widths[-1])
    layers = decoded.layers(network.dtype)
    return replace(network.with_layers(layers), activation=decoded.activation)


def occam(train_error, n_bits, n_samples, confidence):
    """Return the bound of a network with a code of `n_bits`."""
    divergence = (n_bits * log(2) - log1p(-confidence)) / n_samples
    return kl_inverse(train_error, divergence)


def kl_inverse(r, divergence):
    """Return the largest p with `kl(r || p) <= divergence`, rounded upwards."""
    low, high = r, 1.0
    # More halvings than a double has binary digits.
    for _ in range(64):
        p = (low + high) / 2
        if rel_entr(r, p) + rel_entr(1 - r, 1 - p) <= divergence:
            low = p
        else:
            high = p
    return high

"""The bound of a network that has a short code."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass, replace
from math import ceil, inf, log
from numbers import Real

import numpy as np
from scipy.special import rel_entr
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from ..._codec import decode, encode, units_of
from ..._compressor import CoresetCompressor
from ..._network import fastest
from ..._training import FitLabels
from ..._wrapped import encode_targets, inputs_of, last_step, network_of, with_network
from ..._wrapped.compat import Interval, validate_params
from ..checks import are_wrong, check_tolerance
from .search import lines_of, numbers_of_edges, search
from .short_codes import ShortCodes


@dataclass(frozen=True, repr=False)
class OccamBound:
    """A bound on the true error of a quantised network, from the length of its code.

    Attributes
    ----------
    error_bound : float
        With probability at least `1 - delta` over the rows, the share of errors on
        fresh rows is at most this.

    train_error : float
        Share of the rows that `estimator` classifies wrongly.

    n_bits : int
        Length of `code`.

    parts : dict of str to float
        Bits of each part of the code; they add up to `n_bits`.

    block_shape : tuple of two ints or None
        Height and width of the blocks of inputs that share their weights. None where
        each has its own.

    n_samples : int
        Rows that the error was counted on.

    delta, tolerance : float
        As given.

    estimator : MLPClassifier, MLPRegressor or Pipeline
        The quantised network that the bound is about, with sparse `coefs_`.

    code : ndarray of shape (n_bits,), dtype uint8
        Zeros and ones that describe the network completely; see :meth:`decode`.

    path : dict of str to ndarray
        `n_edges`, `n_bits`, `train_error` and `error_bound` of every network tried.
    """

    error_bound: float
    train_error: float
    n_bits: int
    parts: dict
    block_shape: tuple | None
    n_samples: int
    delta: float
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
            shared = ", with common weights in blocks of {} x {} inputs,".format(
                *self.block_shape
            )
        what = "is wrong"
        if self.tolerance is not None:
            what = f"is off by more than {self.tolerance:g}"
        return (
            f"With probability at least {1 - self.delta:g} the quantised network "
            f"{what} on at most {self.error_bound:.2%} of fresh rows: it is on "
            f"{self.train_error:.2%} of {self.n_samples} rows, and its {self.n_edges} "
            f"edges{shared} are described by {self.n_bits} bits.\n"
            f"  part              bits\n{parts}\n  {'all':<12} {self.n_bits:>9}"
        )


@validate_params(
    {
        "compressor": [CoresetCompressor],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix"],
        "delta": [Interval(Real, 0, 1, closed="neither")],
        "tolerance": [None, Interval(Real, 0, None, closed="neither")],
        "densities": [None, "array-like"],
    },
    prefer_skip_nested_validation=True,
)
def occam_bound(compressor, X, y, *, delta=0.05, tolerance=None, densities=None):
    """Bound on the true error of a network, from the bits it can be described with.

    Fix a code for networks before seeing any data, none of whose words is the
    beginning of another. Then, with probability at least `1 - delta` over `n`
    independent rows, every network at once, if `b` bits long and wrong on a share `r`
    of the rows, is wrong on fresh rows with a probability of at most

    ``sup {p : kl(r || p) <= (b log 2 + log(1 / delta)) / n}``,

    `kl` being the relative entropy of two coins. The fewer bits, the better: networks
    are trained with labels while edges are taken away, their weights are rounded to a
    few levels, and the network with the smallest bound is returned. The code says
    everything: layer sizes, activation, which edges there are, steps between levels,
    levels of weights and intercepts. As all networks tried are words of the same code,
    the choice among them is paid for with it.

    The search starts from the compressed network, and from a new one that is narrow.
    Where neighbouring inputs are alike, as in images and series, it starts from narrow
    ones in which blocks of inputs have common weights, too; with more than 200 inputs
    from these only.

    Parameters
    ----------
    compressor : CoresetCompressor
        Fitted; it is not changed. `random_state`, `n_jobs` and
        `verbose` are taken from it.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Independent rows of what the wrapped estimator takes, drawn as the rows will be
        that the bound is to speak of. They may be those that the network was trained
        and calibrated on. They may not be augmented copies of rows, nor rows picked by
        how well the network does on them. Steps of a Pipeline before the network are
        not part of the code: they must not have been fitted on these rows.

    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their classes, labels or values. Where there are several labels or outputs a row
        is wrong if one of them is.

    delta : float, default=0.05
        Probability, over the draw of the rows, with which the bound may fail.

    tolerance : float, default=None
        For regressors, which need it: a prediction that is off by more is an error. It
        has to be fixed before the rows are seen.

    densities : array-like of float, default=None
        Numbers of weights that may be tried, as shares of the original network's;
        intercepts, and common weights of blocks, count as one. From one in the middle
        the search goes on to fewer, or to more, as long as the bound falls. None is a
        geometric grid around a number that grows with the rows.

    Returns
    -------
    bound : OccamBound
        With `error_bound`, `train_error`, `n_bits` and its `parts`, and the quantised
        network as `estimator`. Printing it says what it says.

    Raises
    ------
    ValueError
        If a regressor has no `tolerance` or a classifier has one, `y` has a class that
        the network does not know, `densities` holds a value that is not in (0, 1], or
        no network that is tried has an edge left.

    Warns
    -----
    UserWarning
        If there are fitted steps before the network that are not frozen, or the search
        is interrupted (Ctrl-C) after the first network: the smallest bound so far is
        returned.

    See Also
    --------
    corenet_bound : The bound of the paper, which is vacuous.

    Notes
    -----
    The bound needs rows: hundreds for two classes that are easy to tell apart, tens of
    thousands for ten. On the 60,000 training images of MNIST it is 12%: blocks of
    3 x 3 pixels, less than 30 hidden neurons, 4% of errors, 3,400 bits.

    Rounded weights are trained as if they were not rounded (a straight-through
    estimate). The edges that go first have the smallest Fisher information for the
    bits they take. At the end single levels are changed wherever that lowers the
    bound. The code is arithmetic, with counts that adapt to what has been coded: an
    input that has many edges gets its next one cheaply.

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
    >>> X, y = make_classification(4000, flip_y=0.02, class_sep=2, random_state=0)
    >>> mlp = MLPClassifier((16,), random_state=0, max_iter=20).fit(X, y)
    >>> compressor = CoresetCompressor(mlp, density=0.2, random_state=0).fit(X)
    >>> bound = occam_bound(compressor, X, y, densities=[0.05, 0.02])
    >>> bound.train_error < bound.error_bound < 0.25
    True
    """
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

    def measure(quantised):
        code, parts = encode(quantised)
        rounded = with_network(estimator, _from_code(code, network))
        # few levels tie often: count what this very estimator predicts
        train_error = float(np.mean(are_wrong(rounded, X, y, tolerance)))
        blocks = quantised.blocks
        bound = OccamBound(
            error_bound=_occam(train_error, len(code), n_samples, delta),
            train_error=train_error,
            n_bits=len(code),
            parts=parts,
            block_shape=blocks and (blocks.height, blocks.width),
            n_samples=n_samples,
            delta=delta,
            tolerance=tolerance,
            estimator=rounded,
            code=code,
            path={},
        )
        if not bound.n_edges:
            # it predicts the same for all rows
            return inf
        tried.append(bound)
        if compressor.verbose:
            smallest = min(bound.error_bound for bound in tried)
            print(
                f"[skcoreset] {bound.n_bits} bits: the bound is "
                f"{bound.error_bound:.2%}, the smallest so far {smallest:.2%}"
            )
        return bound.error_bound

    def cost(n_wrong, n_bits):
        return _occam(n_wrong / n_samples, n_bits, n_samples, delta)

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
            "None of the networks that were tried has an edge left "
            f"(densities={densities}, {n_samples} rows): the bound would be one on a "
            "constant. Give larger densities, or more rows."
        )
    best = min(tried, key=lambda bound: bound.error_bound)
    path = {
        name: np.array([getattr(bound, name) for bound in tried])
        for name in ("n_edges", "n_bits", "train_error", "error_bound")
    }
    return replace(best, path=path)


def _warn_of_fitted_steps(estimator):
    if not isinstance(estimator, Pipeline):
        return
    for _, step in estimator.steps[:-1]:
        if step is None or step == "passthrough" or isinstance(step, FrozenEstimator):
            continue
        if get_tags(step).requires_fit:
            warnings.warn(
                f"{type(step).__name__} comes before the network and is not part of "
                "the code: the bound holds if it was fitted on other rows than X. A "
                "FrozenEstimator around it says that it was.",
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
    """The network that `code` describes, like `network` in all that it does not say."""
    decoded = decode(code, network.coefs[0].shape[0], network.widths[-1])
    layers = decoded.layers(network.dtype)
    return replace(network.with_layers(layers), activation=decoded.activation)


def _occam(train_error, n_bits, n_samples, delta):
    return kl_inverse(train_error, (n_bits * log(2) + log(1 / delta)) / n_samples)


def kl_inverse(r, divergence):
    """Return the largest p with `kl(r || p) <= divergence`, rounded upwards."""
    low, high = r, 1.0
    # as many halvings as a double has digits
    for _ in range(64):
        p = (low + high) / 2
        if rel_entr(r, p) + rel_entr(1 - r, 1 - p) <= divergence:
            low = p
        else:
            high = p
    return high

"""The generalization bound of the paper, factor by factor."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import sqrt
from numbers import Real

import numpy as np
from sklearn.utils import check_consistent_length, check_random_state

from .._compressor import CoresetCompressor
from .._methods import theorem_of
from .._network import dense
from .._network.activations import unknown
from .._sensitivity import neuron_bounds, sensitivities
from .._wrapped import encode_targets, inputs_of, last_step, network_of
from .._wrapped.compat import Interval, validate_params
from .checks import CONFIDENCE, check_classifier, percent


@dataclass(frozen=True, repr=False)
class CoreNetBound:
    """Leading term of the bound of Baykal et al., factor by factor.

    Attributes
    ----------
    error_bound : float
        `margin_loss + complexity`. Above 1 it says nothing.

    margin_loss : float
        Share of the rows that the original network classifies wrongly or by no more
        than `margin`.

    complexity : float
        `sqrt(max_norm^2 L^2 sum_l (prod_{k >= l} Delta^k)^2 S^l / (margin^2 n))`.

    max_norm : float
        Largest Euclidean norm of the output on the rows given.

    deltas : ndarray of shape (n_layers - 1,)
        `Delta^l` of each layer of weights, `kappa` included.

    sensitivity_sums : ndarray of shape (n_layers - 1,)
        Sum of the sensitivities of all edges of each layer of weights.

    margin, confidence : float
        As given.

    n_samples, n_calibration : int
        Number of rows given, and of those that `deltas` and `sensitivity_sums` are
        measured on.
    """

    error_bound: float
    margin_loss: float
    complexity: float
    max_norm: float
    deltas: np.ndarray
    sensitivity_sums: np.ndarray
    margin: float
    confidence: float
    n_samples: int
    n_calibration: int

    def __repr__(self):
        if self.error_bound >= 1:
            verdict = "above 1: it says nothing"
        else:
            verdict = "below 1"
        layers = "\n".join(
            f"  {number:>5}  {delta:>12.4g}  {total:>16.4g}"
            for number, (delta, total) in enumerate(
                zip(self.deltas, self.sensitivity_sums), start=1
            )
        )
        return (
            "The leading term of the bound on CoreNet's network (not the compressor's) "
            f"at {percent(self.confidence)} confidence is {self.error_bound:.4g}, "
            f"{verdict}.\n"
            f"  margin loss (margin {self.margin:g})  {self.margin_loss:.4f}\n"
            f"  complexity ({self.n_samples} rows)  {self.complexity:.4g}\n"
            f"  largest output norm  {self.max_norm:.4g}\n"
            f"  layer         Delta  sensitivity sum\n{layers}"
        )


@validate_params(
    {
        "compressor": [CoresetCompressor],
        "X": ["array-like", "sparse matrix"],
        "y": ["array-like", "sparse matrix"],
        "margin": [Interval(Real, 0, None, closed="neither")],
        "confidence": CONFIDENCE,
    },
    prefer_skip_nested_validation=True,
)
def corenet_bound(compressor, X, y, *, margin, confidence=0.95):
    """Leading term of the generalization bound of Baykal et al. for CoreNet.

    It is about the network that CoreNet draws from the sensitivities of the original
    one, not about the network that `compressor` holds: every method and density gives
    the same number. With probability at least `confidence` over the draw of the rows,
    the error of CoreNet's network is at most the margin loss of the original one plus a
    term of the order of

    ``sqrt(max ||f(x)||^2 L^2 sum_l (prod_{k >= l} Delta^k)^2 S^l / (margin^2 n))``,

    where `L` is `n_layers_` and `S^l` is the sum of the sensitivities of a layer. This
    term is returned without constants and logarithms. On real networks it is far above
    1, and says nothing about their error.

    Parameters
    ----------
    compressor : CoresetCompressor
        Fitted, with a classifier. Only its original network is used.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Independent rows, as the wrapped estimator takes them: those that the network
        was trained on. The largest norm of the output is taken over these rows, and
        `Delta` and the sensitivities over as many of them as CoreNet calibrates on,
        drawn with the `random_state` of `compressor`.

    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        Their classes, or indicators of their labels.

    margin : float
        Positive, in units of the output before the output activation. The margin of a
        row is the output of its true class minus the largest other output. With one
        output for each label it is the distance of the output from 0 on the right side,
        the smallest over the labels.

    confidence : float, default=0.95
        Probability, over the draw of the rows, with which the bound holds.

    Returns
    -------
    bound : CoreNetBound
        The bound and each of its factors. Print it to read it.

    Raises
    ------
    TypeError
        If the wrapped estimator is not a classifier.

    ValueError
        If `y` has a class that the network does not know.

    See Also
    --------
    occam_bound : A bound that is not vacuous.

    References
    ----------
    C. Baykal, L. Liebenwein, I. Gilitschenski, D. Feldman, D. Rus, "Data-Dependent
    Coresets for Compressing Neural Networks with Applications to Generalization
    Bounds", ICLR 2019, :arxiv:`1804.05345`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from skcoreset import CoresetCompressor
    >>> from skcoreset.bounds import corenet_bound
    >>> X, y = load_digits(return_X_y=True)
    >>> X /= 16
    >>> mlp = MLPClassifier(random_state=0).fit(X[:1000], y[:1000])
    >>> compressor = CoresetCompressor(mlp, density=0.1, random_state=0).fit(X[1000:])
    >>> bound = corenet_bound(compressor, X[:1000], y[:1000], margin=1.0)
    >>> bound.margin_loss < 0.1, bound.error_bound > 1
    (True, True)
    """
    check_classifier(compressor, "corenet_bound")
    estimator = compressor.original_estimator_
    mlp = last_step(estimator)
    network = network_of(mlp)
    X = network.cast(dense(inputs_of(estimator, X)))
    Y = encode_targets(mlp, y)
    check_consistent_length(X, Y)

    F = network.forward(X)
    theorem = theorem_of(network, X, 1 - confidence)
    rng = check_random_state(compressor.random_state)
    S = X[rng.permutation(len(X))[: theorem.n_points]]
    layers = zip(network.activations(S), network.coefs)
    shares = sensitivities(layers, n_jobs=compressor.n_jobs)
    sums = np.array([s.sum(dtype=float) for s in shares])
    deltas = neuron_bounds(network, S) + theorem.kappa
    later = np.cumprod(deltas[::-1])[::-1]
    max_norm = float(np.linalg.norm(F.astype(float), axis=1).max())
    n_layers = len(network.coefs) + 1
    complexity = max_norm * n_layers * sqrt(later**2 @ sums) / margin / sqrt(len(X))
    margin_loss = float(np.mean(_margins(F, Y, network) <= margin))
    return CoreNetBound(
        error_bound=margin_loss + complexity,
        margin_loss=margin_loss,
        complexity=complexity,
        max_norm=max_norm,
        deltas=deltas,
        sensitivity_sums=sums,
        margin=margin,
        confidence=confidence,
        n_samples=len(X),
        n_calibration=len(S),
    )


def _margins(F, Y, network):
    """How far the output of each row is on the right side."""
    match network.out_activation:
        case "softmax":
            return F[Y] - np.where(Y, -np.inf, F).max(axis=1)
        case "logistic":
            return np.where(Y, F, -F).min(axis=1)
    raise unknown(network.out_activation)

"""CoreNet, CoreNet+ and CoreNet++: sampling by empirical sensitivity."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass

import numpy as np

from .._errors import ratio
from .._network import Network, dense
from .._sensitivity import neuron_bounds, sensitivities
from .sampling import Coresets, DrawnFamily, Sampling
from .theorem import theorem_of

# Where candidates for a coreset are compared, if they serve a whole path.
COMPARED_DENSITIES = 0.5, 0.2, 0.08, 0.03


class CoreNet(Sampling):
    """CoreNet (Baykal et al. 2019, Algorithms 1 and 2).

    The sensitivities are those on as many of the calibration rows, drawn at random, as
    the theorem asks for: more of them only flatten the distribution.
    """

    amplifies = False
    limits = (
        "Edges whose input is 0 on the rows of the sensitivities are never drawn, and "
        "a neuron keeps at least one of its edges of each sign."
    )

    def coresets(self, network, X, *, rng=None, n_jobs=None):
        layers = zip(network.activations(X), network.coefs)
        importance = sensitivities(layers, n_jobs=n_jobs)
        groups, n_groups = [], 0
        for coef in network.coefs:
            neuron = np.arange(coef.shape[1])
            groups.append((n_groups + 2 * neuron + (coef < 0)).ravel())
            n_groups += 2 * coef.shape[1]
        return Coresets(
            network,
            np.concatenate([s.ravel() for s in importance]).astype(np.float64),
            np.concatenate(groups),
            n_groups,
        )

    def untrained(self, network, calibration, plan):
        rng, theorem = calibration.rng, theorem_of(network, calibration.X)
        points, others = self._divide(calibration.X, theorem, rng)
        coresets = self.coresets(network, points, n_jobs=plan.n_jobs)
        densities = COMPARED_DENSITIES if plan.density is None else [plan.density]
        longest = coresets.sizes_at(plan.density or 1.0)
        compared = [np.minimum(coresets.sizes_at(d), longest) for d in densities]
        return DrawnFamily(
            self._draw(coresets, longest, compared, others, theorem, rng, plan.n_jobs)
        )

    def by_theorem(self, network, X, plan):
        """Return the network that has the theorem's sample sizes.

        A half-row given at least as many draws as it has edges stays as it was; a
        warning says how many do.

        Parameters
        ----------
        network : Network

        X : {ndarray, sparse array} of shape (n_samples, n_features)
            Calibration rows.

        plan : Plan

        Returns
        -------
        compressed : Network

        Raises
        ------
        ValueError
            If the theorem needs more rows.
        """
        rng, n_jobs = plan.new_rng(), plan.n_jobs
        theorem = theorem_of(network, X, plan.target.delta)
        n_needed = theorem.n_points + self.amplifies * theorem.n_comparison_points
        if n_needed > X.shape[0]:
            compare = f", {theorem.n_comparison_points} of them to compare candidates,"
            raise ValueError(
                f"guarantee='theoretical' at delta={plan.target.delta!r} needs "
                f"{n_needed} calibration rows{compare * self.amplifies} and n_samples="
                f"{X.shape[0]}: {n_needed - X.shape[0]} are missing."
            )
        points, others = self._divide(X, theorem, rng)
        coresets = self.coresets(network, points, n_jobs=n_jobs)
        errors = theorem.errors(neuron_bounds(network, points), plan.target.epsilon)
        sizes = theorem.sample_sizes(
            coresets.sums,
            np.repeat(errors, [2 * width for width in network.widths]),
            self.amplifies,
        )
        n_draws = np.minimum(sizes, coresets.n_edges).astype(np.intp)
        _warn_of_whole_rows(sizes, coresets.n_edges)
        draws = self._draw(coresets, n_draws, [n_draws], others, theorem, rng, n_jobs)
        whole = coresets.whole(n_draws)[coresets.group]
        weights = np.where(whole, network.weights, draws.network(n_draws).weights)
        return network.with_weights(weights)

    def _divide(self, X, theorem, rng):
        """Rows for the sensitivities, and disjoint ones to compare coresets on."""
        n_samples = X.shape[0]
        order = rng.permutation(n_samples)
        n_points = theorem.n_points
        if self.amplifies and n_samples < n_points + theorem.n_comparison_points:
            # a budget promises nothing: with too few rows each gets its share
            n_points = min(n_points, max(1, n_samples // 2))
        others = order[n_points:][: theorem.n_comparison_points]
        return X[order[:n_points]], X[others]

    def _draw(self, coresets, longest, compared, points, theorem, rng, n_jobs):
        if not self.amplifies or points.shape[0] == 0:
            return coresets.draw(longest, rng=rng, n_jobs=n_jobs)
        network = coresets.network
        return coresets.draw(
            longest,
            rng=rng,
            n_jobs=n_jobs,
            n_candidates=theorem.n_candidates,
            best_of=BestCoreset(network, network.activations(points), compared),
        )


def _warn_of_whole_rows(sizes, n_edges):
    """Say how much of the network the theorem's constants leave as it is."""
    sizes, n_edges = sizes[n_edges > 0], n_edges[n_edges > 0]
    whole = sizes >= n_edges
    if whole.any():
        warnings.warn(
            f"The theorem asks for {np.median(sizes):.2g} draws where a neuron has "
            f"{np.median(n_edges):.0f} edges of one sign (medians): {whole.mean():.0%} "
            "of these are kept as they are. Its constants leave real networks "
            "uncompressed; guarantee='conformal' compresses, and promises what it "
            "finds on held-out rows.",
            UserWarning,
        )


class CoreNetPlus(CoreNet):
    """CoreNet+: CoreNet, with neurons removed that have become idle or silent."""

    prunes_neurons = True


class CoreNetPlusPlus(CoreNetPlus):
    """CoreNet++: the best of many coresets of every neuron, and CoreNet+."""

    amplifies = True


@dataclass(frozen=True, eq=False)
class BestCoreset:
    """Finds the best of several coresets of a half-row, by mean relative error.

    Parameters
    ----------
    network : Network

    activations : list of (n_points, n_in) ndarrays
        On points that the sensitivities were not computed from.

    sizes : list of ndarrays of shape (n_groups,)
        Sizes to compare the candidates at; the mean counts.
    """

    network: Network
    activations: list
    sizes: list

    def __sizeof__(self):
        # what is large a cluster is sent once, and not with every task
        arrays = (*self.network.coefs, *self.activations)
        return sum(array.size * array.dtype.itemsize for array in arrays)

    def __call__(self, group, edges, probabilities, candidates):
        """Return the number of the best candidate.

        Parameters
        ----------
        group : int
            The half-row.

        edges : ndarray of shape (n_edges,)
            Its edges that may be drawn.

        probabilities : ndarray of shape (n_edges,)
            `q` of each.

        candidates : ndarray of shape (length, n_candidates)
            Sequences of draws, as positions in `edges`.
        """
        layer, inputs = self.network.locate(edges)
        # double precision: neither estimates nor the exact half-sums overflow
        A = dense(self.activations[layer][:, inputs]).astype(np.float64)
        weights = np.abs(self.network.weights[edges]).astype(np.float64)
        scale = weights / probabilities
        n_candidates = candidates.shape[1]
        errors = np.zeros(n_candidates)
        for sizes in self.sizes:
            size = sizes[group]
            if size >= len(edges):
                continue  # kept whole
            flat = candidates[:size] + len(edges) * np.arange(n_candidates)
            counts = np.bincount(flat.ravel(), minlength=len(edges) * n_candidates)
            estimates = counts.reshape(n_candidates, -1) * (scale / size)
            for part in filter(np.any, (np.maximum(A, 0), np.maximum(-A, 0))):
                exact = (part @ weights)[:, np.newaxis]
                errors += ratio(np.abs(part @ estimates.T - exact), exact).mean(axis=0)
        return errors.argmin()

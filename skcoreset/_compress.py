"""Compression: a method gives ever sparser networks, and held-out rows judge them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

from ._methods import n_edges_at
from ._network import Network
from ._network.neurons import remove_neurons
from ._parallel import one_blas_thread, threads
from ._promise.advice import warn_of_density, warn_of_no_promise
from ._promise.certificate import Certificate
from ._promise.collapse import warn_of_collapse
from ._promise.digest import digest_of_network
from ._promise.judge import Judge, unjudged_path
from ._promise.path import path
from ._promise.provenance import Provenance
from ._training import FewBits, round_intercepts


@dataclass(frozen=True, eq=False)
class Result:
    """A compressed network, what is promised of it, and the path that led to it."""

    network: Network
    certificate: Certificate
    path: dict


@one_blas_thread
def compress(network, X, X_val, plan, watch=lambda network: False):
    """Compress a network, and say what is promised of the result.

    Parameters
    ----------
    network : Network
        With dense weights, not all of them 0.

    X : {ndarray, csr_array} of shape (n_samples, n_inputs), dtype of the network
        Calibration rows.

    X_val : {ndarray, sparse array} of shape (n_val, n_inputs) or None
        Held-out rows. The theorem needs none.

    plan : Plan

    watch : callable, optional
        Called with every network that was judged. The path ends if it returns True.

    Returns
    -------
    result : Result
    """
    if not plan.holds_rows_out:
        return by_theorem(network, X, plan, watch)
    with threads(plan.n_jobs) as thread_map:
        family = plan.method.open(network, X, plan, thread_map)
        finish = Finish(network, X, plan, thread_map)
        judge = Judge(network, X, X_val, plan, thread_map)
        if plan.density is not None:
            return at_density(network, family, finish, judge, plan, watch)
        chosen, before = judge.original(), network
        for n_edges in path(family, plan.target, plan.verbose):
            candidate = family.at(n_edges)
            if candidate.equals(before):
                continue
            before = candidate
            verdict = judge(finish(candidate), after=chosen)
            ended = watch(verdict.network)
            if not verdict.passes:
                break
            chosen = verdict
            if ended:
                break
        if chosen.network is network:
            warn_of_no_promise(network, X, plan, Finish, thread_map)
        warn_of_collapse(judge, chosen.network)
        return Result(chosen.network, judge.certificate(chosen), judge.path(chosen))


def at_density(network, family, finish, judge, plan, watch):
    """Make the network of one density, and measure it whatever it is."""
    n_edges = n_edges_at(plan.density, network.n_edges)
    compressed = finish(family.at(n_edges))
    warn_of_density(network, compressed, plan)
    verdict, certificate = judge.measured(compressed)
    watch(compressed)
    warn_of_collapse(judge, compressed)
    return Result(compressed, certificate, judge.path(verdict))


def by_theorem(network, X, plan, watch):
    """Make the network that has the sample sizes of CoreNet's theorem."""
    compressed = plan.method.by_theorem(network, X, plan)
    if plan.prune_neurons:
        # what is silent on the calibration rows no held-out rows have judged
        compressed = remove_neurons(compressed)
    watch(compressed)
    certificate = Certificate(
        epsilon=plan.target.epsilon,
        delta=plan.target.delta,
        guarantee="theoretical",
        error=plan.target.error,
        holds=True,
        out_activation=network.out_activation,
        n_outputs=network.widths[-1],
        provenance=Provenance(
            digest_of_network(network), digest_of_network(compressed)
        ),
    )
    return Result(compressed, certificate, unjudged_path(network, compressed))


class Finish:
    """What is done to a network before it is judged: few bits, and fewer neurons.

    Parameters
    ----------
    network : Network
        The original.

    X : {ndarray, csr_array} of shape (n_samples, n_inputs)
        Calibration rows.

    plan : Plan

    thread_map : callable
        From `threads`. The result does not depend on it.
    """

    def __init__(self, network, X, plan, thread_map):
        self._X, self._bits, self._prunes = X, plan.bits, plan.prune_neurons
        if plan.bits is not None:
            (rng,) = plan.new_rng().spawn(1)
            self._few_bits = FewBits.matching(
                network, X, plan.error, plan.bits, rng=rng, thread_map=thread_map
            )

    def __call__(self, compressed):
        """Return the network as it would be handed out."""
        if self._bits is not None:
            compressed = self._few_bits.round(compressed)
        if self._prunes:
            compressed = remove_neurons(compressed, self._X)
            if self._bits is not None:
                # intercepts have taken over what removed neurons gave
                compressed = round_intercepts(compressed, self._bits)
        return compressed

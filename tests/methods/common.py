"""Networks of a method, without a choice between them."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from skcoreset._methods import n_edges_at
from skcoreset._parallel import threads
from skcoreset._plan import Plan
from skcoreset._promise.target import Target


def plan_of(method, error="relative", *, epsilon=0.1, delta=0.1, seed=0, **options):
    return Plan(method, Target(error, epsilon, delta), seed=(seed,), **options)


def networks_at(method, network, X, densities, *, n_jobs=None, **options):
    """The networks of decreasing densities, from one family."""
    options = {"density": densities[0], "n_jobs": n_jobs} | options
    plan = plan_of(method, **options)
    with threads(n_jobs) as thread_map:
        family = plan.method.open(network, X, plan, thread_map)
        return [family.at(n_edges_at(d, network.n_edges)) for d in densities]

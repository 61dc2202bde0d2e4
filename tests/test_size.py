"""Estimates of the memory that a compression takes."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import os

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor, _size
from skcoreset._wrapped import network_of

from .conftest import fitted, may_collapse, peak_memory
from .methods.common import plan_of

pytestmark = may_collapse


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 200), dtype=np.float32)
    y = np.arange(4000) % 3
    mlp = MLPClassifier((1500, 400), max_iter=1, random_state=0)
    return fitted(mlp, X[:200], y[:200]), X


@pytest.mark.slow
@pytest.mark.parametrize(
    "method, density", [("refined", 0.05), ("magnitude", 0.5), ("corenet", 0.5)]
)
def test_estimate_is_near_what_is_taken(method, density, problem):
    mlp, X = problem
    network = network_of(mlp)
    plan = plan_of(method, density=density)
    estimate = _size.estimated_bytes(network, 2800, plan)
    compressor = CoresetCompressor(mlp, method=method, density=density, random_state=0)
    _, peak = peak_memory(lambda: compressor.fit(X))
    assert 0.5 * estimate < peak < 2 * estimate


def test_what_does_not_fit_is_refused_before_it_is_tried(problem, monkeypatch):
    mlp, X = problem
    n_edges = network_of(mlp).n_edges
    monkeypatch.setattr(_size, "memory_of_machine", lambda: 70 * n_edges)
    untrained = CoresetCompressor(mlp, method="magnitude", density=0.5, random_state=0)
    untrained.fit(X)
    trained = CoresetCompressor(mlp, density=0.5, random_state=0)
    with pytest.raises(MemoryError, match=r"needs some 0\.\d GB .* this machine has"):
        trained.fit(X)
    assert not hasattr(trained, "estimator_")
    monkeypatch.setattr(_size, "memory_of_machine", lambda: n_edges)
    with pytest.raises(MemoryError, match="on a machine that has more"):
        untrained.fit(X)


def test_a_system_that_does_not_tell_its_memory_refuses_nothing(problem, monkeypatch):
    def unknown(name):
        raise ValueError("unrecognized configuration name")

    assert _size.memory_of_machine() > 2**27
    monkeypatch.setattr(os, "sysconf", unknown)
    assert _size.memory_of_machine() is None
    network = network_of(problem[0])
    _size.check_size(network, 2800, plan_of("refined", density=0.5))

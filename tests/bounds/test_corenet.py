"""The bound of the paper: the product of its factors, and about CoreNet's network."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace

import numpy as np
import pytest

from skcoreset._sensitivity import sensitivity
from skcoreset._wrapped import network_of
from skcoreset.bounds import corenet_bound

from .common import compressor_of, problem


def test_corenet_bound_is_the_product_of_its_factors(mlp, digits):
    X, y, _, _ = digits
    compressor = compressor_of(mlp, X, random_state=0)
    bound = corenet_bound(compressor, X, y, margin=2.0, confidence=0.9)

    F = network_of(mlp).forward(X)
    others = np.where(y[:, np.newaxis] == np.arange(10), -np.inf, F).max(axis=1)
    assert bound.margin_loss == np.mean(F[np.arange(len(y)), y] - others <= 2)
    assert bound.max_norm == pytest.approx(np.sqrt((F**2).sum(axis=1)).max())
    n_layers = mlp.n_layers_
    total = 0
    for layer, part in enumerate(bound.sensitivity_sums):
        total += np.prod(bound.deltas[layer:]) ** 2 * part
    expected = bound.max_norm * n_layers * np.sqrt(total / len(X)) / 2
    assert bound.complexity == pytest.approx(expected)
    assert bound.error_bound == bound.margin_loss + bound.complexity
    assert "above 1: it says nothing" in str(bound)
    assert "is 0.99, below 1." in str(replace(bound, error_bound=0.99))
    # Maxima over calibration points are at most those over all rows.
    most = sensitivity(X, mlp.coefs_[0]).sum()
    assert 0.5 * most < bound.sensitivity_sums[0] <= most
    assert bound.n_calibration < len(X)


@pytest.mark.parametrize("kind", ["strings", "multilabel"])
def test_margin_of_networks_with_an_output_for_each_label(kind):
    mlp, X, y = problem(kind)
    compressor = compressor_of(mlp, X)
    bound = corenet_bound(compressor, X, y, margin=1e-9)
    assert bound.margin_loss == pytest.approx(1 - mlp.score(X, y))
    larger = corenet_bound(compressor, X, y, margin=1.0)
    assert larger.margin_loss > bound.margin_loss
    assert larger.complexity < bound.complexity


def test_it_is_not_about_the_network_that_the_compressor_holds(mlp, digits):
    X, y = digits[:2]
    compressors = [
        compressor_of(mlp, X, method=method, density=density)
        for method, density in (("magnitude", 0.3), ("uniform", 0.6))
    ]
    bounds = [corenet_bound(each, X, y, margin=1.0) for each in compressors]
    assert str(bounds[0]) == str(bounds[1])
    assert "CoreNet's network (not the compressor's)" in str(bounds[0])

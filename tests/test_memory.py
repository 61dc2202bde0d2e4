"""Networks that are kept for other fits."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from pathlib import Path

import numpy as np
import pytest
from joblib import Memory, Parallel, delayed
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
)
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor
from skcoreset._training import Trainer

from .conftest import fitted, random_network
from .methods.common import networks_at


@pytest.fixture(scope="module")
def mlp(digits):
    """Smaller than that of the other tests: it is compressed many times."""
    X, y, _, _ = digits
    return fitted(MLPClassifier((12,), max_iter=60, random_state=0), X, y)


@pytest.fixture(scope="module")
def X(digits):
    return digits[2][:300]


@pytest.fixture
def n_trainings(monkeypatch):
    """Times that a trainer was set to work, in a list of one."""
    count, train = [0], Trainer.train

    def counted(*args, **kwargs):
        count[0] += 1
        return train(*args, **kwargs)

    monkeypatch.setattr(Trainer, "train", counted)
    return count


def compress(mlp, X, memory=None, **options):
    options = {"error": "relative", "delta": 0.1, "random_state": 0} | options
    if "density" not in options and options["error"] != "classwise":
        options.setdefault("epsilon", 0.3)
    return CoresetCompressor(mlp, memory=memory, **options).fit(X)


def assert_same(one, other):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_):
        assert (a != b).sum() == 0
    assert str(one.certificate_) == str(other.certificate_)
    for name, values in one.path_.items():
        np.testing.assert_array_equal(values, other.path_[name])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"error": "classwise", "delta": 0.3},
        {"confidence": 0.9},
        {"density": 0.2},
        {"method": "magnitude"},
        {"method": "corenet", "refine": True, "density": 0.5},
        {"refine": False},
        {"method": "neurons", "density": 0.5},
        {"method": "neurons", "refine": False},
    ],
)
def test_results_are_the_same_bit_for_bit(options, mlp, X, tmp_path):
    alone = compress(mlp, X, **options)
    for _ in range(2):
        assert_same(compress(mlp, X, str(tmp_path), **options), alone)


def test_drawn_networks_of_as_many_edges_are_told_apart(tmp_path):
    network = random_network([6, 12, 9, 4])
    X = np.random.default_rng(0).normal(size=(100, 6))

    def path(memory):
        options = {"refine": True, "memory": memory}
        return networks_at("pfp", network, X, [0.6, 0.58], **options)

    networks = path(None)
    assert len({each.n_edges for each in networks}) < len(networks)
    assert len({each.weights.tobytes() for each in networks}) == len(networks)
    for one, other in zip(path(str(tmp_path)), networks, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)


def test_what_was_trained_is_trained_once(mlp, X, tmp_path, n_trainings):
    compressor = compress(mlp, X, tmp_path, epsilon=0.2)
    n_first = n_trainings[0]
    compress(mlp, X, tmp_path, epsilon=0.2)
    assert n_trainings[0] == n_first
    # a walk that ended early is continued, in the same compressor or another
    further = compressor.set_params(epsilon=0.4, delta=0.2, confidence=0.8).fit(X)
    n_more = n_trainings[0] - n_first
    n_trainings[0] = 0
    options = {"epsilon": 0.4, "delta": 0.2, "confidence": 0.8}
    assert_same(compress(mlp, X, **options), further)
    assert 0 < n_more < n_trainings[0]


@pytest.mark.parametrize(
    "change",
    [
        {"random_state": 1},
        {"random_state": None},
        {"error": "scaled"},
        {"validation_fraction": 0.4},
    ],
)
def test_what_follows_from_other_data_is_trained_anew(
    change, mlp, X, tmp_path, n_trainings
):
    compress(mlp, X, tmp_path)
    n_trainings[0] = 0
    changed = compress(mlp, X, tmp_path, **change)
    n_changed, n_trainings[0] = n_trainings[0], 0
    if change != {"random_state": None}:
        assert_same(compress(mlp, X, **change), changed)
        assert n_changed == n_trainings[0]
    assert n_changed > 0


def test_a_memory_is_a_folder_or_an_object(mlp, X, tmp_path, n_trainings):
    compress(mlp, X, tmp_path)
    n_trainings[0] = 0
    for memory in (Path(tmp_path), str(tmp_path), Memory(str(tmp_path), verbose=0)):
        compress(mlp, X, memory)
    clone(CoresetCompressor(mlp, memory=Memory(str(tmp_path), verbose=0)))
    assert n_trainings[0] == 0
    compress(mlp, X, Memory(None))
    assert n_trainings[0] > 0
    with pytest.raises(ValueError, match="'memory' parameter"):
        compress(mlp, X, 3)


def test_damaged_entries_are_computed_anew_with_a_warning(mlp, X, tmp_path):
    alone = compress(mlp, X, tmp_path)
    entries = sorted(tmp_path.rglob("output.pkl"))
    for i, entry in enumerate(entries):
        content = entry.read_bytes()
        entry.write_bytes(content[: len(content) // 2] if i % 2 else b"")
    with pytest.warns(UserWarning, match="could not be loaded"):
        assert_same(compress(mlp, X, tmp_path), alone)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(compress(mlp, X, tmp_path), alone)


@pytest.mark.slow
def test_processes_that_share_a_folder_lose_nothing(mlp, X, tmp_path):
    epsilons = [0.2, 0.2, 0.3, 0.3]
    together = Parallel(n_jobs=2)(
        delayed(compress)(mlp, X, str(tmp_path), epsilon=epsilon)
        for epsilon in epsilons
    )
    for epsilon, compressor in zip(epsilons, together):
        assert_same(compress(mlp, X, epsilon=epsilon), compressor)


@pytest.mark.nightly
@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV,
        lambda *args, **options: RandomizedSearchCV(
            *args, n_iter=2, random_state=0, **options
        ),
        lambda *args, **options: HalvingGridSearchCV(
            *args, min_resources=400, random_state=0, **options
        ),
    ],
)
def test_searches_find_the_same(search, n_jobs, mlp, digits, tmp_path):
    _, _, X, y = digits
    grid = {"epsilon": [0.2, 0.4]}
    alone, shared = (
        search(
            CoresetCompressor(mlp, memory=memory, random_state=0),
            grid,
            cv=2,
            n_jobs=n_jobs,
        ).fit(X, y)
        for memory in (None, str(tmp_path))
    )
    np.testing.assert_array_equal(
        alone.cv_results_["mean_test_score"], shared.cv_results_["mean_test_score"]
    )
    assert_same(alone.best_estimator_, shared.best_estimator_)

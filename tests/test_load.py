"""Many rows, many fits, many candidates."""

import gc
import os
import threading
import tracemalloc

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from scipy import sparse
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor
from skcoreset._compressor import N_CALIBRATION
from skcoreset.model_selection import density_score, fidelity_score

from .conftest import may_collapse, peak_memory

# magnitude is fast, and loses classes; how good networks are is tested elsewhere
pytestmark = may_collapse

N_ROWS = 100_000


@pytest.fixture(scope="module")
def large():
    """A 64-256-128-10 network and 100,000 rows, 26 MB."""
    rng = np.random.default_rng(0)
    X = rng.random((N_ROWS, 64), dtype=np.float32)
    mlp = MLPClassifier((256, 128), random_state=0)
    return mlp.partial_fit(X[:500], np.arange(500) % 10, classes=range(10)), X


@pytest.mark.parametrize("density", [0.03, 0.5])
def test_prediction_takes_the_memory_of_a_block(density, large):
    mlp, X = large
    compressor = CoresetCompressor(mlp, method="magnitude", density=density).fit(X)
    F, peak = peak_memory(lambda: compressor.transform(X))
    # activations of 1,024 rows, some of them twice
    assert peak < F.nbytes + 3 * 1024 * (64 + 256 + 128) * F.itemsize
    _, dense_peak = peak_memory(lambda: mlp.predict(X))
    _, peak = peak_memory(lambda: compressor.predict(X))
    assert peak < 0.2 * dense_peak


@pytest.mark.parametrize(
    "parameters",
    [
        {"method": "corenet", "density": 0.3},
        {"method": "corenet++", "error": "relative", "epsilon": 0.5},
        {"method": "magnitude", "error": "relative", "epsilon": 0.3},
        {"method": "sipp", "density": 0.3},
    ],
    ids=str,
)
def test_fit_holds_no_activations_of_all_rows(parameters, large):
    # the rows are split into two copies; their activations would be 7 times as large
    mlp, X = large
    compressor = CoresetCompressor(mlp, random_state=0, **parameters)
    _, peak = peak_memory(lambda: compressor.fit(X))
    assert peak < 3 * X.nbytes


@pytest.mark.slow
def test_training_holds_the_activations_of_the_rows_it_is_on(large):
    mlp, X = large
    compressor = CoresetCompressor(mlp, density=0.7, random_state=0)
    _, peak = peak_memory(lambda: compressor.fit(X))
    activations = N_CALIBRATION * (64 + 256 + 128 + 10) * X.itemsize
    # not those of all rows, which would be 7 times as large as X; of X itself only the
    # held-out rows are copied
    assert peak < 0.5 * X.nbytes + 3 * activations


@pytest.mark.filterwarnings("ignore:density=0.5 cannot be had:UserWarning")
@pytest.mark.parametrize(
    "options",
    [
        {"method": "refined"},
        {"method": "sipp"},
        {"method": "corenet++"},
        {"method": "magnitude", "refine": True},
    ],
    ids=str,
)
def test_sparse_rows_are_never_all_dense(options):
    shape = (1500, 20_000)
    X = sparse.random(
        *shape, density=1e-3, format="csr", dtype=np.float32, random_state=0
    )
    y = np.arange(shape[0]) % 2
    mlp = MLPClassifier((4,), random_state=0).partial_fit(
        X[:500], y[:500], classes=[0, 1]
    )
    compressor = CoresetCompressor(mlp, density=0.5, random_state=0, **options)

    def use():
        compressor.fit(X).predict(X)
        compressor.fine_tune(X, y, n_epochs=1)

    _, peak = peak_memory(use)
    assert peak < 0.2 * shape[0] * shape[1] * X.dtype.itemsize


N_WINDOWS = 5


def resources():
    """What must not grow: bytes, open files, threads and child processes."""
    gc.collect()
    n_files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    children = f"/proc/self/task/{os.getpid()}/children"
    n_children = 0
    if os.path.isfile(children):
        with open(children) as file:
            n_children = len(file.read().split())
    n_bytes = tracemalloc.get_traced_memory()[0]
    return n_bytes, n_files - bool(n_files), threading.active_count(), n_children


@pytest.mark.nightly
@pytest.mark.parametrize(
    "method, n_fits, n_jobs",
    [("corenet", 200, None), ("magnitude", 200, None), ("refined", 20, 2)],
)
def test_many_fits_and_predictions_leave_nothing(method, n_fits, n_jobs, digits):
    X, y, _, _ = digits
    mlp = MLPClassifier((8,), random_state=0)
    mlp.partial_fit(X[:100], y[:100], classes=range(10))
    compressor = CoresetCompressor(
        mlp, method=method, density=0.8, random_state=0, n_jobs=n_jobs
    )
    marks = []
    trace = threading.gettrace()
    threading.settrace(None)  # coverage keeps something of every thread
    tracemalloc.start()
    try:
        for i in range(N_WINDOWS * n_fits):
            compressor.fit(X[i % 100 : 60 + i % 100]).predict(X[:20])
            if (i + 1) % n_fits == 0:
                marks.append(resources())
    finally:
        tracemalloc.stop()
        threading.settrace(trace)
    # What is made once, or now and then, is not in every window: numpy keeps small
    # pieces of memory for later. An array kept from every fit would be more than this.
    assert np.diff([mark[0] for mark in marks]).min() < 8192
    assert marks[-1][1:] == marks[0][1:]


@pytest.mark.nightly
def test_search_over_two_hundred_candidates_on_processes(digits):
    X, y = digits[0][:300], digits[1][:300]
    mlp = MLPClassifier((8,), random_state=0)
    mlp.partial_fit(X, y, classes=range(10))
    search = GridSearchCV(
        CoresetCompressor(mlp, random_state=0),
        {
            "method": ["corenet", "magnitude"],
            "epsilon": np.linspace(0.2, 0.9, 50),
            "delta": [0.1, 0.3],
        },
        scoring={"fidelity": fidelity_score, "density": density_score},
        refit=False,
        cv=2,
    )
    parallel = search.set_params(n_jobs=2).fit(X, y).cv_results_
    get_reusable_executor().shutdown()
    assert len(parallel["params"]) == 200
    serial = search.set_params(n_jobs=None).fit(X, y).cv_results_
    for name in ("mean_test_fidelity", "mean_test_density"):
        assert np.isfinite(parallel[name]).all()
        np.testing.assert_array_equal(parallel[name], serial[name])

import os
import sys
import threading
import time
import warnings
from concurrent.futures import CancelledError, ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import threadpoolctl
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor, _parallel
from skcoreset._methods import sampling as _sampling
from skcoreset._sensitivity import TASK_SIZE, sensitivities

from .conftest import fitted, may_collapse

# Magnitude is fast but loses classes; the quality of networks is tested elsewhere.
pytestmark = may_collapse

METHODS = ("corenet++", "corenet", "refined")


def fit(mlp, X, method="corenet", **params):
    target = {} if "density" in params else {"epsilon": 0.5}
    params = target | {"random_state": 0} | params
    return CoresetCompressor(mlp, method=method, **params).fit(X)


def assert_same(compressor, expected):
    """The weights are equal to the bit, and so is the certificate."""
    assert compressor.certificate_ == expected.certificate_
    for coef, other in zip(compressor.coefs_, expected.coefs_, strict=True):
        assert coef.dtype == other.dtype
        np.testing.assert_array_equal(coef.indptr, other.indptr)
        np.testing.assert_array_equal(coef.indices, other.indices)
        np.testing.assert_array_equal(coef.data, other.data)
    for intercept, other in zip(compressor.intercepts_, expected.intercepts_):
        np.testing.assert_array_equal(intercept, other)


@pytest.fixture(scope="module")
def X(digits):
    return digits[2][:400]


@pytest.fixture(scope="module")
def serial(mlp, X):
    """One fit of each method in the main thread."""
    return {method: fit(mlp, X, method) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_result_does_not_depend_on_jobs(backend, n_jobs, method, mlp, X, serial):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        compressor = fit(mlp, X, method, n_jobs=n_jobs)
    assert_same(compressor, serial[method])


@pytest.mark.parametrize("method", METHODS)
def test_whole_fits_on_workers_are_the_same(method, mlp, X, serial):
    # joblib gives a worker fewer BLAS threads than the main process has.
    fits = joblib.Parallel(n_jobs=2, backend="loky")(
        joblib.delayed(fit)(mlp, X, method) for _ in range(2)
    )
    for compressor in fits:
        assert_same(compressor, serial[method])


@pytest.mark.filterwarnings("ignore:density=0.2 cannot be had:UserWarning")
@pytest.mark.parametrize("method", METHODS)
def test_result_does_not_depend_on_blas_threads(method):
    # Large enough for BLAS to divide products, which changes sums of floats.
    rng = np.random.default_rng(0)
    X = rng.random((600, 573)).astype(np.float32)
    wide = MLPClassifier((358,), max_iter=1, random_state=0)
    wide.partial_fit(X[:100], np.arange(100) % 10, classes=range(10))
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        expected = fit(wide, X, method, density=0.2)
    with threadpoolctl.threadpool_limits(4, user_api="blas"):
        assert_same(fit(wide, X, method, density=0.2), expected)
        assert_same(fit(wide, X, method, density=0.2, n_jobs=2), expected)


def blas_threads():
    pools = threadpoolctl.threadpool_info()
    return {pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}


@pytest.mark.parametrize("first_out", [0, 1])
def test_blas_is_limited_by_and_for_any_thread(first_out):
    limit = _parallel.one_blas_thread
    # This thread sets limits, too, and stays alive.
    with (
        threadpoolctl.threadpool_limits(2, user_api="blas"),
        ThreadPoolExecutor(1) as one,
        ThreadPoolExecutor(1) as other,
    ):
        assert blas_threads() == {2}
        threads = [one, other]
        for thread in threads:
            thread.submit(limit.__enter__).result()
            assert {1} == blas_threads() == thread.submit(blas_threads).result()
        threads.pop(first_out).submit(limit.__exit__).result()
        assert blas_threads() == {1}
        threads.pop().submit(limit.__exit__).result()
        assert blas_threads() == {2}
        with threadpoolctl.threadpool_limits(3, user_api="blas"):
            assert blas_threads() == {3}


def test_many_held_out_rows_are_judged_by_two_threads(mlp, digits):
    # enough of them that every forward pass is divided between threads
    X = np.tile(digits[2], (12, 1))
    serial, parallel = (fit(mlp, X, "magnitude", n_jobs=n_jobs) for n_jobs in (None, 2))
    assert_same(parallel, serial)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_dask_workers_give_the_same(method, mlp, X, serial, client):
    with joblib.parallel_config(backend="dask"):
        compressor = fit(mlp, X, method)
    assert_same(compressor, serial[method])


@pytest.mark.slow
def test_a_search_on_dask_workers_gives_the_same(mlp, X, digits, client):
    other = fitted(MLPClassifier((20,), max_iter=60, random_state=1), *digits[:2])
    frozen = [FrozenEstimator(network) for network in (mlp, other)]
    grid = {"estimator": frozen, "epsilon": [0.2, 0.4]}
    compressor = CoresetCompressor(error="relative", delta=0.2, random_state=0)

    def search():
        found = GridSearchCV(compressor, grid, scoring=density, cv=2).fit(X)
        return found.best_estimator_, found.cv_results_["mean_test_score"]

    expected, scores = search()
    with joblib.parallel_config(backend="dask"):
        found, dask_scores = search()
    np.testing.assert_array_equal(dask_scores, scores)
    assert_same(found, expected)


def density(compressor, X, y=None):
    return -compressor.density_


@pytest.mark.nightly
def test_more_dask_tasks_ship_no_more_data(client, monkeypatch):
    from distributed.comm.tcp import TCP

    n_bytes, write = [], TCP.write

    async def count(*args, **kwargs):
        n_bytes.append(await write(*args, **kwargs))
        return n_bytes[-1]

    monkeypatch.setattr(TCP, "write", count)
    rng = np.random.default_rng(0)
    X = rng.random((1000, 500), dtype=np.float32)
    mlp = MLPClassifier((300,), random_state=0)
    mlp.partial_fit(X[:200], np.arange(200) % 10, classes=range(10))

    def shipped(n_times_as_many):
        n_bytes.clear()
        with joblib.parallel_config(backend="dask"):
            task_size = TASK_SIZE // n_times_as_many
            sensitivities([(X, mlp.coefs_[0])], n_jobs=2, task_size=task_size)
            monkeypatch.setattr(
                _sampling, "TASK_SIZE", _sampling.TASK_SIZE // n_times_as_many
            )
            fit(mlp, X, "corenet++")
        return sum(n_bytes)

    few, many = shipped(1), shipped(5)
    assert few < many < 1.25 * few


@pytest.mark.nightly
def test_dask_worker_may_die(mlp, X, serial, client):
    workers = set(client.scheduler_info()["workers"])

    def work():
        with joblib.parallel_config(backend="dask"):
            return fit(mlp, X, "corenet++")

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        while not any(client.processing().values()) and not future.done():
            time.sleep(0.001)
        assert not future.done()
        client.run(os._exit, 1, workers=[min(workers)], on_error="ignore")
        compressor = future.result(timeout=120)
    client.wait_for_workers(2, timeout=60)
    assert set(client.scheduler_info()["workers"]) != workers
    assert_same(compressor, serial["corenet++"])


@pytest.mark.parametrize("n_losses", [_parallel.N_ATTEMPTS - 1, _parallel.N_ATTEMPTS])
def test_tasks_that_were_lost_start_again(n_losses, monkeypatch):
    left = [CancelledError()] * n_losses

    class Cluster(joblib.Parallel):
        def __call__(self, calls):
            if left:
                raise left.pop()
            return super().__call__(calls)

    monkeypatch.setattr(_parallel, "Parallel", Cluster)
    calls = (joblib.delayed(abs)(value) for value in (-1, 2))
    if n_losses < _parallel.N_ATTEMPTS:
        assert _parallel.run(calls, None) == [1, 2]
    else:
        with pytest.raises(CancelledError):
            _parallel.run(calls, None)
    assert not left


def in_threads(function, n_threads=8):
    """Results of several calls, which start together."""
    barrier = threading.Barrier(n_threads)

    def call(index):
        barrier.wait()
        return function(index)

    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(call, range(n_threads)))


@pytest.mark.parametrize("density", [0.02, 0.5])
@pytest.mark.parametrize("name", ["predict", "predict_proba", "transform"])
def test_threads_may_share_a_fitted_object(name, density, mlp, X):
    compressor = fit(mlp, X, "magnitude", density=density)
    expected = getattr(compressor, name)(X)
    # As after loading: the forward pass is made when it is first needed.
    vars(compressor).pop("_network")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        results = in_threads(lambda index: getattr(compressor, name)(X[index:]))
    finally:
        sys.setswitchinterval(interval)
    for index, result in enumerate(results):
        np.testing.assert_allclose(result, expected[index:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_fits_at_once_give_the_same(method, mlp, X):
    def compress(seed):
        return fit(mlp, X, method, density=0.3, random_state=seed)

    for seed, compressor in enumerate(in_threads(compress, n_threads=3)):
        assert_same(compressor, compress(seed))


def global_state():
    """What a library must leave as it is."""
    pools = threadpoolctl.threadpool_info()
    return {
        "random": [str(part) for part in np.random.get_state()],  # noqa: NPY002
        "threads": {pool["filepath"]: pool["num_threads"] for pool in pools},
        "filters": list(warnings.filters),
        "errors": np.geterr(),
        "environment": dict(os.environ),
        "print": np.get_printoptions(),
    }


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("method", METHODS)
def test_nothing_global_is_changed(method, n_jobs, mlp, digits):
    X, y = (part[:400] for part in digits[2:])
    # Libraries that are loaded, and what they set, on first use.
    compressor = CoresetCompressor(mlp, method=method, density=0.1, n_jobs=n_jobs)
    compressor.fit(X)
    before = global_state()
    compressor.set_params(random_state=0).fit(X)
    compressor.predict(X)
    compressor.transform(X)
    compressor.score(X, y)
    compressor.fine_tune(X[:100], y[:100], n_epochs=1)
    assert global_state() == before

"""Networks and data shared by the tests."""

import itertools
import tracemalloc
import warnings
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from skcoreset._network import Network

TESTS = Path(__file__).parent

# UserWarnings of the package are errors (pyproject.toml). These ones, of lost classes
# and constant outputs, are expected of networks that were hardly trained, or compressed
# fast and far: tests that ask about something else allow them.
may_collapse = pytest.mark.filterwarnings(
    "ignore::UserWarning:skcoreset._promise.collapse"
)

may_use_training_rows = pytest.mark.filterwarnings(
    "ignore:X has as many rows as the network was trained on:UserWarning"
)

# Rooms whose tests are about what is made of a network, not how good it is or which
# rows judged it: these two warnings are beside their point.
BESIDE_THE_POINT = {
    *("bounds", "codec", "displays", "export", "methods", "training", "wrapped"),
}

# Doctests that need an optional package: a part of their name, and the package.
DOCTESTS_NEED = {
    "export.onnx": "skl2onnx",
    "convert.onnx": "skl2onnx",
    "convert.rewrite": "skl2onnx",
    "InputDensityDisplay": "pandas",
}

# A script that makes files, and is run by hand.
collect_ignore = ["golden/make.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent != TESTS and item.path.is_relative_to(TESTS):
            room = item.path.relative_to(TESTS).parts[0]
            if room in BESIDE_THE_POINT:
                item.add_marker(may_collapse)
                item.add_marker(may_use_training_rows)
        if isinstance(item, pytest.DoctestItem):
            for part, package in DOCTESTS_NEED.items():
                if part in item.name and not find_spec(package):
                    reason = f"{package} is not installed"
                    item.add_marker(pytest.mark.skip(reason=reason))


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        # one of several processes, each with a core of its own
        threadpool_limits(1, user_api="blas")


def random_network(
    widths, activation="relu", out_activation="identity", dtype=np.float64, seed=0
):
    """A network with normal weights; widths include the input."""
    rng = np.random.default_rng(seed)
    coefs = [
        (rng.standard_normal((n_in, n_out)) / np.sqrt(n_in)).astype(dtype)
        for n_in, n_out in itertools.pairwise(widths)
    ]
    intercepts = [0.1 * rng.standard_normal(n).astype(dtype) for n in widths[1:]]
    return Network(tuple(coefs), tuple(intercepts), activation, out_activation)


def fitted(estimator, X, y):
    """Train without the warning that a few iterations have not converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(X, y)


def peak_memory(function):
    """The result, and the most bytes that Python and NumPy held on the way."""
    tracemalloc.start()
    try:
        result = function()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="session")
def digits():
    """Pixels in [0, 1] and classes, float32: training rows, and the others."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:900], y[:900], X[900:], y[900:]


@pytest.fixture(scope="session")
def mlp(digits):
    """A fitted 64-32-16-10 ReLU classifier in float32."""
    X, y, _, _ = digits
    return fitted(MLPClassifier((32, 16), max_iter=60, random_state=0), X, y)


@pytest.fixture(scope="session")
def regressor(digits):
    """A fitted tanh regressor with two outputs."""
    X, y, _, _ = digits
    Y = np.column_stack([y, X.sum(axis=1)]).astype(np.float32)
    return fitted(
        MLPRegressor(
            hidden_layer_sizes=(16,), activation="tanh", max_iter=60, random_state=0
        ),
        X,
        Y,
    )


@contextmanager
def dask_client():
    """Of a Dask cluster of two processes that starts and ends here."""
    import dask
    from dask.distributed import Client, LocalCluster

    with dask.config.set({"distributed.scheduler.allowed-failures": 10}):
        cluster = LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        )
    try:
        with Client(cluster) as client:
            yield client
    finally:
        # very rarely it waits for ever
        with suppress(TimeoutError):
            cluster.close(timeout=30)


@pytest.fixture(scope="module")
def client():
    """Not of all tests: its threads hold ever more memory, and other tests measure."""
    pytest.importorskip("dask.distributed")
    with dask_client() as client:
        yield client

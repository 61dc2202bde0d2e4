"""Ctrl-C in the middle of a fit, for real, in a process of its own."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys, threading
from contextlib import nullcontext

import joblib
import numpy as np
from sklearn.neural_network import MLPClassifier

from skcoreset import CoresetCompressor


def context(backend):
    if backend == "serial":
        return nullcontext()
    if backend == "dask":
        from dask.distributed import Client, LocalCluster

        cluster = LocalCluster(2, threads_per_worker=1, dashboard_address=None)
        Client(cluster)
    return joblib.parallel_config(backend=backend, n_jobs=2)


def interrupted(compressor, X):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        compressor.fit(X)
    except KeyboardInterrupt:
        return
    raise AssertionError("the fit ended before it was interrupted")


def main(backend, method):
    rng = np.random.default_rng(0)
    X = rng.random((3000, 400), dtype=np.float32)
    mlp = MLPClassifier((500, 500), random_state=0)
    mlp.partial_fit(X[:200], np.arange(200) % 10, classes=range(10))
    parameters = {"method": method, "density": 0.3, "random_state": 0}
    with context(backend):
        compressor = CoresetCompressor(mlp, **parameters)
        interrupted(compressor, X)
        assert vars(compressor) == compressor.get_params(deep=False)

        # an earlier fit stays as it was, and usable
        compressor.set_params(method="magnitude").fit(X[:300])
        compressor.set_params(method=method)
        state, expected = dict(vars(compressor)), compressor.transform(X)
        interrupted(compressor, X)
        assert vars(compressor) == state
        np.testing.assert_array_equal(compressor.transform(X), expected)

        # and the next one is as good as any
        again = compressor.set_params(method="corenet").fit(X[:300])
    whole = CoresetCompressor(mlp, **parameters).set_params(method="corenet")
    whole.fit(X[:300])
    for coef, other in zip(again.coefs_, whole.coefs_, strict=True):
        np.testing.assert_array_equal(coef.toarray(), other.toarray())


if __name__ == "__main__":
    main(*sys.argv[1:])
    print("as it was")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no process can send itself Ctrl-C")
@pytest.mark.parametrize(
    "backend, method",
    [
        ("serial", "refined"),
        ("threading", "refined"),
        ("loky", "corenet++"),
        ("dask", "corenet++"),
    ],
)
def test_interrupted_fit_leaves_what_was_there(backend, method, tmp_path):
    if backend == "dask":
        pytest.importorskip("dask.distributed")
    script = tmp_path / "interrupted.py"
    script.write_text(SCRIPT)
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), backend, method],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.stdout.endswith("as it was\n"), finished.stderr
    assert finished.returncode == 0

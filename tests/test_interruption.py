"""A fit that is stopped part-way leaves everything as it was, on every backend."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from skcoreset import CoresetCompressor
from skcoreset._methods import corenet as _corenet

from .conftest import dask_client

ROOT = Path(__file__).parents[1]

# Where the fit is when it is interrupted: in which functions of which module.
PLACES = {"corenet++": {"draw", "run"}, "refined": {"train"}}


def running(thread_id):
    """Names of the functions that a thread is in."""
    frame, names = sys._current_frames()[thread_id], set()
    while frame is not None:
        names.add(frame.f_code.co_name)
        frame = frame.f_back
    return names


def say(text):
    print(text, flush=True)


def wait_in(place):
    """Tell the parent process once the main thread is there, to be interrupted."""
    main = threading.main_thread().ident
    while not place <= running(main):
        time.sleep(0.001)
    # time for tasks to reach other processes
    time.sleep(0.2)
    say("interrupt")


def interrupt(compressor, X):
    """Fit until the parent process interrupts."""
    place = PLACES[compressor.method]
    threading.Thread(target=wait_in, args=(place,), daemon=True).start()
    try:
        compressor.fit(X)
    except KeyboardInterrupt:
        return
    raise AssertionError("the fit ended before it was interrupted")


def state(compressor):
    """All attributes, to the bit, but what multiplies."""
    return joblib.hash(compressor.__getstate__())


def assert_not_fitted(compressor, X):
    assert not [name for name in vars(compressor) if name.endswith("_")]
    with pytest.raises(NotFittedError):
        compressor.predict(X)


def config_of(backend):
    if backend == "serial":
        return nullcontext()
    if backend == "dask":
        return joblib.parallel_config(backend="dask")
    return joblib.parallel_config(backend=backend, n_jobs=2)


def main(backend, method):
    """What the child process does: two fits that are interrupted, and two that are not.

    The interrupted ones would take minutes.
    """
    # what was started in the background ignores it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # tasks that still run keep BLAS on one thread, on which sums have another order
    threadpool_limits(1, user_api="blas")
    rng = np.random.default_rng(0)
    X = rng.random((3000, 512), dtype=np.float32)
    mlp = MLPClassifier((512, 256), random_state=0)
    mlp.partial_fit(X[:200], np.arange(200) % 10, classes=np.arange(10))
    few = X[:100]
    path = {"method": method, "density": None, "epsilon": 0.5}
    one = {"method": "corenet", "density": 0.5, "epsilon": None}
    fresh = CoresetCompressor(mlp, random_state=0).set_params(**path)
    earlier = clone(fresh).set_params(**one).fit(few)
    predictions, expected = earlier.transform(few), state(earlier)
    same = clone(earlier).set_params(density=0.3).fit(few)
    cluster = dask_client() if backend == "dask" else nullcontext()
    with cluster, config_of(backend):
        interrupt(earlier.set_params(**path), X)
        earlier.set_params(**one)
        assert state(earlier) == expected
        np.testing.assert_array_equal(earlier.transform(few), predictions)
        interrupt(fresh, X)
        assert_not_fitted(fresh, few)
        for compressor in (earlier, fresh):
            compressor.set_params(**one | {"density": 0.3}).fit(few)
            np.testing.assert_array_equal(
                compressor.transform(few), same.transform(few)
            )
    say("done")


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups here")
@pytest.mark.parametrize(
    "backend, method",
    [
        ("serial", "corenet++"),
        ("serial", "refined"),
        ("threading", "corenet++"),
        pytest.param("loky", "corenet++", marks=pytest.mark.nightly),
        pytest.param("dask", "corenet++", marks=pytest.mark.nightly),
    ],
)
def test_interrupt_from_the_keyboard(backend, method, tmp_path):
    if backend == "dask":
        pytest.importorskip("dask.distributed")
    with open(tmp_path / "errors", "w") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.test_interruption", backend, method],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    timer = threading.Timer(120, os.killpg, (child.pid, signal.SIGKILL))
    timer.start()
    try:
        said = []
        for line in child.stdout:
            said.append(line.strip())
            if said[-1] == "interrupt" and backend == "dask":
                # workers of a cluster have no part in the terminal
                os.kill(child.pid, signal.SIGINT)
            elif said[-1] == "interrupt":
                # a terminal's goes to the processes that were started, too
                os.killpg(child.pid, signal.SIGINT)
        child.communicate()
    finally:
        timer.cancel()
    errors = (tmp_path / "errors").read_text()
    assert said == ["interrupt", "interrupt", "done"], errors
    assert child.returncode == 0, errors


def test_the_first_ctrl_c_of_a_training_ends_only_that(digits, monkeypatch):
    X, y, X_new, _ = digits
    backprop, calls = MLPClassifier._backprop, []

    def interrupted(self, *args):
        calls.append(self)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return backprop(self, *args)

    monkeypatch.setattr(MLPClassifier, "_backprop", interrupted)
    compressor = CoresetCompressor(method="magnitude", epsilon=0.5, random_state=0)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        compressor.fit(X, y)
    assert len(calls) == 9
    assert compressor.original_estimator_ is calls[-1]
    assert compressor.certificate_.holds
    assert compressor.transform(X_new).shape == (len(X_new), 10)


def failing(*args):
    """A comparison of coresets that fails, in whichever process it is asked."""

    def best(group, edges, probabilities, candidates):
        raise ZeroDivisionError("of a comparison")

    return best


@pytest.mark.parametrize(
    "backend",
    ["serial", "threading", "loky", pytest.param("dask", marks=pytest.mark.nightly)],
)
def test_error_in_a_task(backend, mlp, digits, monkeypatch, request):
    if backend == "dask":
        request.getfixturevalue("client")
    X = digits[2][:200]
    fresh = CoresetCompressor(mlp, method="corenet++", density=0.5, random_state=0)
    earlier = clone(fresh).fit(X)
    again = clone(fresh)
    outputs, expected = earlier.transform(X), state(earlier)
    with config_of(backend):
        with monkeypatch.context() as patched:
            patched.setattr(_corenet, "BestCoreset", failing)
            for compressor in (earlier, fresh):
                with pytest.raises(ZeroDivisionError, match="of a comparison"):
                    compressor.fit(X[:150])
        assert state(earlier) == expected
        np.testing.assert_array_equal(earlier.transform(X), outputs)
        assert_not_fitted(fresh, X)
        for compressor in (fresh, again):
            np.testing.assert_array_equal(compressor.fit(X).transform(X), outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])

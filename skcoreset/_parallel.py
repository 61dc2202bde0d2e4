"""Tasks on joblib's backends, short ones on threads, BLAS out of their way."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ContextDecorator, contextmanager, suppress
from functools import cached_property
from threading import Lock

from joblib import Parallel, effective_n_jobs
from threadpoolctl import ThreadpoolController

# A cluster may lose a worker, and what it held for others, more than once.
N_ATTEMPTS = 5


class _OneBlasThread(ContextDecorator):
    """BLAS on one thread: the workers have the cores, and sums have one order.

    May be entered from several threads at once: the first sets the limit, the last
    restores what was there.
    """

    def __init__(self):
        self._lock = Lock()
        self._n_inside = 0

    @cached_property
    def _libraries(self):
        return ThreadpoolController()

    def __enter__(self):
        with self._lock:
            if self._n_inside == 0:
                self._limits = self._libraries.limit(limits=1, user_api="blas")
            self._n_inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                self._limits.restore_original_limits()


one_blas_thread = _OneBlasThread()


def run(calls, n_jobs):
    """Return the results of delayed calls, in their order.

    The calls are pure: where a worker of a cluster has died with data that others
    need, they start again.
    """
    calls = list(calls)
    # the work is in functions that release the global lock
    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    for _ in range(N_ATTEMPTS - 1):
        with suppress(CancelledError):
            return parallel(calls)
    return parallel(calls)


def serial_map(function, *items):
    return list(map(function, *items))


@contextmanager
def threads(n_jobs):
    """Yield a `map` for tasks of a millisecond: joblib needs ten to hand them out."""
    n_threads = effective_n_jobs(n_jobs)
    if n_threads == 1:
        yield serial_map
        return
    # this thread works, too
    with ThreadPoolExecutor(n_threads - 1) as executor:

        def thread_map(function, *items):
            first, *others = zip(*items)
            futures = [executor.submit(function, *other) for other in others]
            return [function(*first), *(future.result() for future in futures)]

        yield thread_map

"""Tasks on joblib's backends, short ones on threads, with BLAS on one thread."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ContextDecorator, contextmanager, suppress
from functools import cached_property
from threading import Lock, local

from joblib import Parallel, effective_n_jobs
from sklearn.utils import gen_even_slices
from threadpoolctl import ThreadpoolController

# Parts that blocks of rows are dealt out to, one for each thread. It is the same for
# any number of threads, since the order of sums depends on it.
N_PARTS = 2

# Attempts at a set of tasks: a cluster may lose a worker, and its data, more than once.
N_ATTEMPTS = 5


class _OneBlasThread(ContextDecorator):
    """BLAS on one thread: workers use the cores, and sums have a fixed order.

    Several threads may enter at once: the first sets the limit, and the last restores
    the old one. OpenBLAS with OpenMP has a limit for each thread, which every thread
    sets.
    """

    def __init__(self):
        self._lock = Lock()
        self._n_inside = 0
        self._thread = local()

    @cached_property
    def _libraries(self):
        return ThreadpoolController().select(user_api="blas")

    @cached_property
    def _libraries_by_thread(self):
        return self._libraries.select(threading_layer="openmp")

    def limit_this_thread(self):
        """Set the limit of this thread, where threads have limits, for ever."""
        return self._libraries_by_thread.limit(limits=1)

    def __enter__(self):
        with self._lock:
            if self._n_inside == 0:
                self._free_control()
                self._limits = self._libraries.limit(limits=1)
            self._n_inside += 1
        outer = getattr(self._thread, "limits", ())
        self._thread.limits = *outer, self.limit_this_thread()

    def __exit__(self, *exception):
        *self._thread.limits, limits = self._thread.limits
        limits.restore_original_limits()
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                self._free_control()
                self._limits.restore_original_limits()
                self._free_control()

    def _free_control(self):
        """Let other threads set limits: threadpoolctl 3.8 allows only the first."""
        for library in self._libraries.lib_controllers:
            free = getattr(library, "clear_controlling_thread", lambda force: None)
            free(force=True)


one_blas_thread = _OneBlasThread()


def run(calls, n_jobs):
    """Return the results of delayed calls, in their order.

    The calls have no side effects: all start again if a worker of a cluster has died
    with data that others need.
    """
    calls = list(calls)
    # The functions that do the work release the interpreter's lock.
    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    for _ in range(N_ATTEMPTS - 1):
        with suppress(CancelledError):
            return parallel(calls)
    return parallel(calls)


def deal(n, most, n_parts=N_PARTS):
    """Return slices of up to `most` of n items, the same number for each part."""
    n_slices = n_parts * -(-n // (n_parts * most))
    slices = list(gen_even_slices(n, n_slices))
    return [slices[part::n_parts] for part in range(n_parts)]


def serial_map(function, *items):
    return list(map(function, *items))


@contextmanager
def threads(n_jobs):
    """Yield a `map` for tasks of a millisecond: joblib would add ten to each."""
    n_threads = effective_n_jobs(n_jobs)
    if n_threads == 1:
        yield serial_map
        return
    # The calling thread works, too.
    limit = one_blas_thread.limit_this_thread
    with ThreadPoolExecutor(n_threads - 1, initializer=limit) as executor:

        def thread_map(function, *items):
            first, *others = zip(*items)
            futures = [executor.submit(function, *other) for other in others]
            return [function(*first), *(future.result() for future in futures)]

        yield thread_map

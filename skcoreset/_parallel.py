"""Tasks through joblib, on any of its backends."""

# Authors: the skcoreset developers
# SPDX-License-Identifier: BSD-3-Clause

from concurrent.futures import CancelledError

from joblib import Parallel

# A cluster may lose a worker, and what it held for others, more than once.
N_ATTEMPTS = 5


def run(calls, n_jobs):
    """Return the results of delayed calls, in their order.

    The calls are pure: where a worker of a cluster has died with data that others
    need, they start again.
    """
    calls = list(calls)
    for attempt in range(N_ATTEMPTS):
        try:
            # the work is in functions that release the global lock
            return Parallel(n_jobs=n_jobs, prefer="threads")(calls)
        except CancelledError:
            if attempt == N_ATTEMPTS - 1:
                raise

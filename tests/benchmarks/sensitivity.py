"""Speed of the sensitivity kernel, and that its cost is linear.

python tests/benchmarks/sensitivity.py
"""

import resource
import time

import numpy as np

from skcoreset._sensitivity import sensitivity

SHAPES = [
    (600, 784, 300),
    (1200, 784, 300),
    (600, 1568, 300),
    (600, 784, 600),
    (189, 784, 300),
    (600, 3000, 3000),
]


def main():
    rng = np.random.default_rng(0)
    print("  rows inputs neurons  dtype    n_jobs  seconds  edge-points/s  peak MiB")
    for n_rows, n_in, n_out in SHAPES:
        for dtype in (np.float32, np.float64):
            for n_jobs in (1, 2):
                A = np.maximum(rng.standard_normal((n_rows, n_in)), 0).astype(dtype)
                coef = rng.standard_normal((n_in, n_out)).astype(dtype)
                best = np.inf
                for _ in range(1 if n_in == 3000 else 3):
                    start = time.perf_counter()
                    sensitivity(A, coef, n_jobs=n_jobs)
                    best = min(best, time.perf_counter() - start)
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                print(
                    f"{n_rows:6d} {n_in:6d} {n_out:7d}  {np.dtype(dtype).name:7s} "
                    f"{n_jobs:6d} {best:9.3f} {n_rows * n_in * n_out / best:14.2e} "
                    f"{peak:9.0f}"
                )


if __name__ == "__main__":
    main()
